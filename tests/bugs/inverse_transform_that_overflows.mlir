// An inverse transform whose sums overflow before they are divided by its length.
module {
  func.func @main(%arg0: tensor<46x17xcomplex<f32>> {pj.fill = 33982301356425217 : i64}) -> tensor<46x33xf32> {
    %1 = stablehlo.fft %arg0, type = IRFFT, length = [33] : (tensor<46x17xcomplex<f32>>) -> tensor<46x33xf32>
    return %1 : tensor<46x33xf32>
  }
}
