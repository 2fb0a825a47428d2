func.func @main(%a: tensor<4x5xf32>, %i: tensor<f32>) {
  %0 = stablehlo.reduce(%a init: %i) applies stablehlo.add across dimensions = [0, 1] : (tensor<4x5xf32>, tensor<f32>) -> tensor<f32>
  %1:2 = stablehlo.reduce(%a init: %i), (%a init: %i) across dimensions = [1] {x} : (tensor<4x5xf32>, tensor<4x5xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
   reducer(%p: tensor<f32> loc("p"), %q: tensor<f32>) (%r: tensor<f32>, %s: tensor<f32>) {
    %2 = stablehlo.maximum %p, %q : tensor<f32>
    stablehlo.return %2, %s : tensor<f32>, tensor<f32>
  }
  return
}
