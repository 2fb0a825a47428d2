// Of columns that overflow and one of zeros: zero or NaN, as rows or columns come first.
module {
  func.func @main(%arg0: tensor<f64> {pj.fill = 16777216 : i64}, %arg1: tensor<f64> {pj.fill = 33554432 : i64}) -> tensor<f64> {
    %2 = stablehlo.iota dim = 1 : tensor<3x127xf64>
    %3:2 = stablehlo.reduce(%2 init: %arg1), (%2 init: %arg0) across dimensions = [0, 1] : (tensor<3x127xf64>, tensor<3x127xf64>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)
     reducer(%arg5: tensor<f64>, %arg7: tensor<f64>) (%arg6: tensor<f64>, %arg8: tensor<f64>) {
      %9 = stablehlo.add %arg5, %arg7 : tensor<f64>
      %10 = stablehlo.multiply %arg6, %arg8 : tensor<f64>
      stablehlo.return %9, %10 : tensor<f64>, tensor<f64>
    }
    return %3#1 : tensor<f64>
  }
}
