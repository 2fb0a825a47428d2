func.func @main() -> tensor<?x?xf32> {
 %u = stablehlo.constant dense<[3, 500]> : tensor<2xi64>
 %v = stablehlo.constant dense<[3]> : tensor<1xi64>
 %x = stablehlo.dynamic_iota %u, dim = 0 : (tensor<2xi64>) -> tensor<?x?xf32>
 %y = stablehlo.dynamic_iota %v, dim = 0 : (tensor<1xi64>) -> tensor<?xf32>
 %0 = "stablehlo.batch_norm_inference"(%x, %y, %y, %y, %y) {epsilon = 0.0 : f32, feature_index = 1 : i64} : (tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
 return %0 : tensor<?x?xf32>
}
