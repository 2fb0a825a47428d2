func.func @main() -> tensor<?x?xf32> {
 %u = stablehlo.constant dense<[3, 5]> : tensor<2xi64>
 %v = stablehlo.constant dense<[30, 3]> : tensor<2xi64>
 %x = stablehlo.dynamic_iota %u, dim = 0 : (tensor<2xi64>) -> tensor<?x?xf32>
 %y = stablehlo.dynamic_iota %v, dim = 0 : (tensor<2xi64>) -> tensor<?x?xf32>
 %0 = "stablehlo.triangular_solve"(%x, %y) {left_side = true, lower = true, unit_diagonal = false, transpose_a = #stablehlo<transpose NO_TRANSPOSE>} : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
 return %0 : tensor<?x?xf32>
}
