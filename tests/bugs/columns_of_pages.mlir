// Sums of columns that are read a page of a row at a time: rows cut into parts, widths that fill no
// vector, loops over two reduced dimensions, accumulators wider than the elements.
func.func @main(%a: tensor<331x1203xf32>, %b: tensor<9x97x2x211xbf16>, %c: tensor<4500x67xi8>)
    -> (tensor<1203xf32>, tensor<1203xf32>, tensor<97x211xbf16>, tensor<67xi8>, tensor<1203xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero_b = stablehlo.constant dense<1.0> : tensor<bf16>
  %zero_c = stablehlo.constant dense<3> : tensor<i8>
  %sum = stablehlo.reduce(%a init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<331x1203xf32>, tensor<f32>) -> tensor<1203xf32>
  %max = stablehlo.reduce(%a init: %low) applies stablehlo.maximum across dimensions = [0] : (tensor<331x1203xf32>, tensor<f32>) -> tensor<1203xf32>
  %rows = stablehlo.broadcast_in_dim %max, dims = [1] : (tensor<1203xf32>) -> tensor<331x1203xf32>
  %less = stablehlo.subtract %a, %rows : tensor<331x1203xf32>
  %exp = stablehlo.exponential %less : tensor<331x1203xf32>
  %total = stablehlo.reduce(%exp init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<331x1203xf32>, tensor<f32>) -> tensor<1203xf32>
  %b2 = stablehlo.reduce(%b init: %zero_b) applies stablehlo.add across dimensions = [0, 2] : (tensor<9x97x2x211xbf16>, tensor<bf16>) -> tensor<97x211xbf16>
  %c2 = stablehlo.reduce(%c init: %zero_c) applies stablehlo.minimum across dimensions = [0] : (tensor<4500x67xi8>, tensor<i8>) -> tensor<67xi8>
  return %sum, %max, %b2, %c2, %total : tensor<1203xf32>, tensor<1203xf32>, tensor<97x211xbf16>, tensor<67xi8>, tensor<1203xf32>
}
