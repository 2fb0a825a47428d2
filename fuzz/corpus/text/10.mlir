func.func @main(%a: tensor<i32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0:2 = stablehlo.while(%i = %a, %x = %b) : tensor<i32>, tensor<4xf32> attributes {k = 1}
  cond {
    %c = stablehlo.constant dense<3> : tensor<i32>
    %1 = stablehlo.compare LT, %i, %c, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %c = stablehlo.constant dense<1> : tensor<i32>
    %1 = stablehlo.add %i, %c : tensor<i32>
    stablehlo.return %1, %x : tensor<i32>, tensor<4xf32>
  }
  %r = "stablehlo.case"(%a) ({
    stablehlo.return %0#1 : tensor<4xf32>
  }, {
    stablehlo.return %b : tensor<4xf32>
  }) : (tensor<i32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}
