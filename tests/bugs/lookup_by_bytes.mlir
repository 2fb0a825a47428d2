// Tables read at indices that were widened from one or two bytes: where every such number is within
// the table nothing is clamped, and the indices may be read lane by lane; where some are beyond it,
// or were signed once, they are.
func.func @main(%t: tensor<256xf32>, %u: tensor<255xf32>, %i: tensor<40xui8>, %j: tensor<40xi8>) -> (tensor<40xf32>, tensor<40xf32>, tensor<40xf32>, tensor<40xf32>) {
  %a = stablehlo.convert %i : (tensor<40xui8>) -> tensor<40xi32>
  %b = stablehlo.reshape %a : (tensor<40xi32>) -> tensor<40x1xi32>
  %c = stablehlo.convert %j : (tensor<40xi8>) -> tensor<40xui8>
  %d = stablehlo.convert %j : (tensor<40xi8>) -> tensor<40xui16>
  %e = stablehlo.convert %d : (tensor<40xui16>) -> tensor<40xi8>
  %f = stablehlo.convert %e : (tensor<40xi8>) -> tensor<40xi32>
  %g = "stablehlo.gather"(%t, %b) {dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1>} : (tensor<256xf32>, tensor<40x1xi32>) -> tensor<40xf32>
  %h = "stablehlo.gather"(%u, %b) {dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1>} : (tensor<255xf32>, tensor<40x1xi32>) -> tensor<40xf32>
  %k = "stablehlo.gather"(%t, %c) {dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1>} : (tensor<256xf32>, tensor<40xui8>) -> tensor<40xf32>
  %l = "stablehlo.gather"(%t, %f) {dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1>} : (tensor<256xf32>, tensor<40xi32>) -> tensor<40xf32>
  return %g, %h, %k, %l : tensor<40xf32>, tensor<40xf32>, tensor<40xf32>, tensor<40xf32>
}
