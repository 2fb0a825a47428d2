// An associative body that does not commute: the composition of functions x -> a x + b on integers.
module {
  func.func @main(%arg0: tensor<3x37xi32>, %arg1: tensor<3x37xi32>) -> (tensor<3xi32>, tensor<3xi32>) {
    %0 = stablehlo.constant dense<1> : tensor<i32>
    %1 = stablehlo.constant dense<0> : tensor<i32>
    %2:2 = stablehlo.reduce(%arg0 init: %0), (%arg1 init: %1) across dimensions = [1] : (tensor<3x37xi32>, tensor<3x37xi32>, tensor<i32>, tensor<i32>) -> (tensor<3xi32>, tensor<3xi32>)
     reducer(%a: tensor<i32>, %c: tensor<i32>) (%b: tensor<i32>, %d: tensor<i32>) {
      %3 = stablehlo.multiply %a, %c : tensor<i32>
      %4 = stablehlo.multiply %c, %b : tensor<i32>
      %5 = stablehlo.add %4, %d : tensor<i32>
      stablehlo.return %3, %5 : tensor<i32>, tensor<i32>
    }
    return %2#0, %2#1 : tensor<3xi32>, tensor<3xi32>
  }
}
