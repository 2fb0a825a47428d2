func.func @main() -> tensor<?xf32> {
 %u = stablehlo.constant dense<[3]> : tensor<1xi64>
 %x = stablehlo.dynamic_iota %u, dim = 0 : (tensor<1xi64>) -> tensor<?xf32>
 %c = stablehlo.complex %x, %x : tensor<?xcomplex<f32>>
 %0 = stablehlo.fft %c, type = IRFFT, length = [512] : (tensor<?xcomplex<f32>>) -> tensor<?xf32>
 return %0 : tensor<?xf32>
}
