func.func @f() { "stablehlo.case"() ({
^a:
^b:
}) : () -> () }
