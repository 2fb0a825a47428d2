// Extremes of a format without infinities, in columns of pages and in parts: what they begin with is
// an infinity, which lay in memory as a NaN.
func.func @main(%x: tensor<512x16x56xf8E4M3FNUZ>, %a: tensor<f8E4M3FNUZ>) -> (tensor<16x56xf8E4M3FNUZ>, tensor<16xf8E4M3FNUZ>) {
  %0 = stablehlo.reduce(%x init: %a) applies stablehlo.minimum across dimensions = [0] : (tensor<512x16x56xf8E4M3FNUZ>, tensor<f8E4M3FNUZ>) -> tensor<16x56xf8E4M3FNUZ>
  %1 = stablehlo.reduce(%x init: %a) applies stablehlo.maximum across dimensions = [0, 2] : (tensor<512x16x56xf8E4M3FNUZ>, tensor<f8E4M3FNUZ>) -> tensor<16xf8E4M3FNUZ>
  return %0, %1 : tensor<16x56xf8E4M3FNUZ>, tensor<16xf8E4M3FNUZ>
}
