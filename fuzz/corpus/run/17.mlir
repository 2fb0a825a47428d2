func.func @main() -> tensor<f32> {
 %u = stablehlo.constant dense<700> : tensor<1xi64>
 %v = stablehlo.constant dense<3> : tensor<1xi64>
 %x = stablehlo.dynamic_iota %u, dim = 0 : (tensor<1xi64>) -> tensor<?xf32>
 %y = stablehlo.dynamic_iota %v, dim = 0 : (tensor<1xi64>) -> tensor<?xf32>
 %0 = stablehlo.dot_general %x, %y, contracting_dims = [0] x [0] : (tensor<?xf32>, tensor<?xf32>) -> tensor<f32>
 return %0 : tensor<f32>
}
