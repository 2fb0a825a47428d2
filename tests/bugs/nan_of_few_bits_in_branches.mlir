// A NaN that is decoded by instructions: vectors that lie in it wholly or in part each need it in a branch of their own.
module {
  func.func @main(%a: tensor<3x4x2x3xf16>, %b: tensor<3x4x2x3xf8E5M2>, %c: tensor<3x4x2x3xf8E4M3FN>) -> (tensor<3x8x2x3xf16>, tensor<3x8x2x3xf8E5M2>, tensor<3x8x2x3xf8E4M3FN>) {
    %0 = stablehlo.constant dense<0x7E00> : tensor<3x4x2x3xf16>
    %1 = stablehlo.concatenate %a, %0, dim = 1 : (tensor<3x4x2x3xf16>, tensor<3x4x2x3xf16>) -> tensor<3x8x2x3xf16>
    %2 = stablehlo.constant dense<0x7F> : tensor<3x4x2x3xf8E5M2>
    %3 = stablehlo.concatenate %b, %2, dim = 1 : (tensor<3x4x2x3xf8E5M2>, tensor<3x4x2x3xf8E5M2>) -> tensor<3x8x2x3xf8E5M2>
    %4 = stablehlo.constant dense<0x7F> : tensor<3x4x2x3xf8E4M3FN>
    %5 = stablehlo.concatenate %c, %4, dim = 1 : (tensor<3x4x2x3xf8E4M3FN>, tensor<3x4x2x3xf8E4M3FN>) -> tensor<3x8x2x3xf8E4M3FN>
    return %1, %3, %5 : tensor<3x8x2x3xf16>, tensor<3x8x2x3xf8E5M2>, tensor<3x8x2x3xf8E4M3FN>
  }
}
