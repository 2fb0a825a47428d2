// Groups of one complex feature: zeros around the input and between its elements count, and make NaN of an infinite weight.
module {
  func.func @main(%x: tensor<1x2x5x4xcomplex<f32>>) -> tensor<1x4x6x10xcomplex<f32>> {
    %w = stablehlo.constant dense<[[[[(1.0, 2.0), (0x7F800000, 1.0)], [(0.5, 0.0), (3.0, 1.0)]]],
      [[[(1.0, -1.0), (1.0, 1.0)], [(2.0, 0xFF800000), (1.0, 1.0)]]],
      [[[(1.0, 2.0), (1.0, 1.0)], [(0.5, 0.0), (3.0, 1.0)]]],
      [[[(1.0, 2.0), (1.0, 0.0)], [(0.0, 0.0), (3.0, 1.0)]]]]> : tensor<4x1x2x2xcomplex<f32>>
    %y = stablehlo.convolution(%x, %w) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = { pad = [[1, 1], [2, 2]], lhs_dilate = [1, 2] } {feature_group_count = 2 : i64, batch_group_count = 1 : i64} : (tensor<1x2x5x4xcomplex<f32>>, tensor<4x1x2x2xcomplex<f32>>) -> tensor<1x4x6x10xcomplex<f32>>
    return %y : tensor<1x4x6x10xcomplex<f32>>
  }
}
