func.func @main() -> tensor<?xf32> {
 %u = stablehlo.constant dense<[5]> : tensor<1xi64>
 %w = stablehlo.constant dense<[300, 4]> : tensor<2xi64>
 %x = stablehlo.dynamic_iota %u, dim = 0 : (tensor<1xi64>) -> tensor<?xf32>
 %i = stablehlo.dynamic_iota %w, dim = 0 : (tensor<2xi64>) -> tensor<?x?xi32>
  %0 = "stablehlo.gather"(%x, %i) {dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1>} : (tensor<?xf32>, tensor<?x?xi32>) -> tensor<?xf32>
 return %0 : tensor<?xf32>
}
