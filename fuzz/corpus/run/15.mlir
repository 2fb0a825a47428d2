func.func @main(%a: tensor<?x4xf32>, %i: tensor<?x2xi64>, %s: tensor<2xi64>) -> tensor<?x?x?xf32> {
  %0 = "stablehlo.dynamic_gather"(%a, %i, %s) {dimension_numbers = #stablehlo.gather<offset_dims = [1,2], start_index_map = [0,1], index_vector_dim = 1>} : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<2xi64>) -> tensor<?x?x?xf32>
  return %0 : tensor<?x?x?xf32>
}
