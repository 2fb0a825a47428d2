// Of rows that overflow and rows of zeros: zero or NaN, as rows or columns come first.
module {
  func.func @main(%arg0: tensor<31x31xf32> {pj.fill = 71489127618445313 : i64}, %arg1: tensor<bf16> {pj.fill = 33554433 : i64}, %arg2: tensor<f32> {pj.fill = 50331649 : i64}) -> tensor<bf16> {
    %3 = stablehlo.iota dim = 0 : tensor<31x31xbf16>
    %4:2 = stablehlo.reduce(%arg0 init: %arg2), (%3 init: %arg1) across dimensions = [0, 1] : (tensor<31x31xf32>, tensor<31x31xbf16>, tensor<f32>, tensor<bf16>) -> (tensor<f32>, tensor<bf16>)
     reducer(%arg6: tensor<f32>, %arg8: tensor<f32>) (%arg7: tensor<bf16>, %arg9: tensor<bf16>) {
      %10 = stablehlo.multiply %arg6, %arg8 : tensor<f32>
      %11 = stablehlo.multiply %arg7, %arg9 : tensor<bf16>
      stablehlo.return %10, %11 : tensor<f32>, tensor<bf16>
    }
    return %4#1 : tensor<bf16>
  }
}
