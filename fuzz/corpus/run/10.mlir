func.func @main(%a: tensor<8xi8>, %i: tensor<3x1xi32>, %u: tensor<3xi8>) -> tensor<8xi64> {
  %0 = "stablehlo.scatter"(%a, %i, %u) ({
  ^bb0(%x: tensor<i64>, %y: tensor<i64>):
    %z = stablehlo.add %x, %y : tensor<i64>
    stablehlo.return %z : tensor<i64>
  }) {scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (tensor<8xi8>, tensor<3x1xi32>, tensor<3xi8>) -> tensor<8xi64>
  return %0 : tensor<8xi64>
}
