func.func @main() -> tensor<?xf32> {
 %u = stablehlo.constant dense<[8]> : tensor<1xi64>
 %w = stablehlo.constant dense<[300]> : tensor<1xi64>
 %x = stablehlo.dynamic_iota %u, dim = 0 : (tensor<1xi64>) -> tensor<?xf32>
 %y = stablehlo.dynamic_iota %w, dim = 0 : (tensor<1xi64>) -> tensor<?xf32>
 %0 = "stablehlo.einsum"(%x, %y) {einsum_config = "a,a->a"} : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
 %1 = "stablehlo.einsum"(%y, %x) {einsum_config = "a,a->a"} : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
 return %0 : tensor<?xf32>
}
