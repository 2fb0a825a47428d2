func.func @main(%a: tensor<?xf32>, %t: tensor<1xi64>, %u: tensor<1xi64>, %v: tensor<1xi64>) -> tensor<?xf32> {
  %c = stablehlo.constant dense<0.0> : tensor<f32>
  %2 = stablehlo.dynamic_pad %a, %c, %t, %u, %v : (tensor<?xf32>, tensor<f32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return %2 : tensor<?xf32>
}
