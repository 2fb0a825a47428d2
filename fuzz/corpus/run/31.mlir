func.func @main(%a: tensor<3x4xf32>, %i: tensor<i32>) -> (tensor<2x2xf32>, tensor<3x4xf32>, tensor<4x9xf32>, tensor<6x4xf32>) {
  %c = stablehlo.constant dense<1.0> : tensor<f32>
  %0 = stablehlo.dynamic_slice %a, %i, %i, sizes = [2, 2] : (tensor<3x4xf32>, tensor<i32>, tensor<i32>) -> tensor<2x2xf32>
  %1 = stablehlo.dynamic_update_slice %a, %0, %i, %i : (tensor<3x4xf32>, tensor<2x2xf32>, tensor<i32>, tensor<i32>) -> tensor<3x4xf32>
  %2 = stablehlo.pad %a, %c, low = [1, -1], high = [0, 3], interior = [0, 1] : (tensor<3x4xf32>, tensor<f32>) -> tensor<4x9xf32>
  %3 = stablehlo.concatenate %a, %1, dim = 0 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<6x4xf32>
  return %0, %1, %2, %3 : tensor<2x2xf32>, tensor<3x4xf32>, tensor<4x9xf32>, tensor<6x4xf32>
}
