// log(sum) belongs to a row and is not a result: it has no buffer to be stored to.
module {
  func.func @main(%arg0: tensor<3x1x17xf32>, %arg1: tensor<f32>, %arg2: tensor<3x1x17xf32>) -> tensor<3x1x17xf32> {
    %0 = stablehlo.reduce(%arg2 init: %arg1) applies stablehlo.add across dimensions = [2] : (tensor<3x1x17xf32>, tensor<f32>) -> tensor<3x1xf32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [0, 1] : (tensor<3x1xf32>) -> tensor<3x1x17xf32>
    %2 = stablehlo.log %1 : tensor<3x1x17xf32>
    %3 = stablehlo.subtract %arg0, %2 : tensor<3x1x17xf32>
    return %3 : tensor<3x1x17xf32>
  }
}
