func.func @main(%a: tensor<f32>) -> tensor<f32> {
  %0 = stablehlo.add %a, %a : tensor<f32>
  %1 = "stablehlo.add"(%a, %0) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %2 = call @g(%1) : (tensor<f32>) -> tensor<f32>
  %3:2 = "stablehlo.optimization_barrier"(%2, %a) : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %3#1 : tensor<f32>
}
func.func private @g(%a: tensor<f32>) -> tensor<f32> { return %a : tensor<f32> }
