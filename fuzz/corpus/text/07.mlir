#a = #stablehlo<precision HIGH>
func.func @main(%a: !t loc("x"(#loc2)), %b: !t) -> !t {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0], precision = [HIGH, DEFAULT] : (!t, !t) -> !t loc(#loc1)
  %1 = "stablehlo.dot"(%0, %b) {precision_config = [#a, #b]} : (!t, !t) -> !t
  return %1 : !t loc(callsite("f" at "x.py":1:2))
} loc(fused<"m">[#loc1, unknown])
#b = #a
!t = tensor<2x2xf32>
#loc1 = loc("a.py":3:4 to 5:6)
#loc2 = loc(#loc1)
