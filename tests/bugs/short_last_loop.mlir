// Last dimensions that no vector fits, written out; rows gathered by one index each.
func.func @main(%a: tensor<5x19x3xui8>, %b: tensor<3001xf32>, %c: tensor<3001xf32>, %t: tensor<40x24xf32>, %i: tensor<50x1xi32>)
    -> (tensor<5x19x3xui8>, tensor<3001x2xf32>, tensor<50x24xf32>, tensor<5x3x19xui8>) {
  %0 = stablehlo.reverse %a, dims = [1] : tensor<5x19x3xui8>
  %b1 = stablehlo.reshape %b : (tensor<3001xf32>) -> tensor<3001x1xf32>
  %c1 = stablehlo.reshape %c : (tensor<3001xf32>) -> tensor<3001x1xf32>
  %1 = stablehlo.concatenate %b1, %c1, dim = 1 : (tensor<3001x1xf32>, tensor<3001x1xf32>) -> tensor<3001x2xf32>
  %2 = "stablehlo.gather"(%t, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 24>}> : (tensor<40x24xf32>, tensor<50x1xi32>) -> tensor<50x24xf32>
  %3 = stablehlo.transpose %0, dims = [0, 2, 1] : (tensor<5x19x3xui8>) -> tensor<5x3x19xui8>
  return %0, %1, %2, %3 : tensor<5x19x3xui8>, tensor<3001x2xf32>, tensor<50x24xf32>, tensor<5x3x19xui8>
}
