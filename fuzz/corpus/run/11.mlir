func.func @main(%a: tensor<8xi8>, %s: tensor<4xi8>, %c: tensor<i8>) -> tensor<8xi64> {
  %0 = "stablehlo.select_and_scatter"(%a, %s, %c) ({
  ^bb0(%x: tensor<i8>, %y: tensor<i8>):
    %z = stablehlo.compare GE, %x, %y : (tensor<i8>, tensor<i8>) -> tensor<i1>
    stablehlo.return %z : tensor<i1>
  }, {
  ^bb0(%x: tensor<i64>, %y: tensor<i64>):
    %z = stablehlo.add %x, %y : tensor<i64>
    stablehlo.return %z : tensor<i64>
  }) {window_dimensions = array<i64: 2>, window_strides = array<i64: 2>} : (tensor<8xi8>, tensor<4xi8>, tensor<i8>) -> tensor<8xi64>
  return %0 : tensor<8xi64>
}
