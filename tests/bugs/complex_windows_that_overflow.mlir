// Products that overflow before they are added meet an infinity of the other sign; added as one operation they do not.
module {
  func.func @main(%arg0: tensor<14x2x2x9xcomplex<f32>> {pj.fill = 24358859573297153 : i64}, %arg1: tensor<3x2x2x4xcomplex<f32>> {pj.fill = 33554433 : i64}) -> tensor<13x2x10x4xcomplex<f32>> {
    %2 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [0, b, f, 1]x[0, 1, i, o]->[0, b, 1, f], window = { pad = [[2, -1], [2, 0]], reverse = [0, 1] } {feature_group_count = 1 : i64, batch_group_count = 1 : i64} : (tensor<14x2x2x9xcomplex<f32>>, tensor<3x2x2x4xcomplex<f32>>) -> tensor<13x2x10x4xcomplex<f32>>
    return %2 : tensor<13x2x10x4xcomplex<f32>>
  }
}
