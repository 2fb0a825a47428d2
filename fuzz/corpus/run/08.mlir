func.func @main(%a: tensor<8x4xi8>) -> tensor<8xi32> {
  %c = stablehlo.constant dense<0> : tensor<i8>
  %0 = "stablehlo.reduce"(%a, %c) ({
  ^bb0(%x: tensor<i32>, %y: tensor<i32>):
    %z = stablehlo.add %x, %y : tensor<i32>
    stablehlo.return %z : tensor<i32>
  }) {dimensions = array<i64: 1>} : (tensor<8x4xi8>, tensor<i8>) -> tensor<8xi32>
  return %0 : tensor<8xi32>
}
