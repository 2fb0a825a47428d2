func.func @main() -> tensor<?x?x?xf32> {
 %u = stablehlo.constant dense<[3, 10, 50]> : tensor<3xi64>
 %v = stablehlo.constant dense<[2, 2, 3]> : tensor<3xi64>
 %x = stablehlo.dynamic_iota %u, dim = 0 : (tensor<3xi64>) -> tensor<?x?x?xf32>
 %y = stablehlo.dynamic_iota %v, dim = 0 : (tensor<3xi64>) -> tensor<?x?x?xf32>
 %0 = "stablehlo.convolution"(%x, %y) {dimension_numbers = #stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>, feature_group_count = 1 : i64, batch_group_count = 1 : i64} : (tensor<?x?x?xf32>, tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
 return %0 : tensor<?x?x?xf32>
}
