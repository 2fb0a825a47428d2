// Two results of one kernel whose dimensions do not fall together: 3 x 5 and 5 x 3 at the end.
module {
  func.func @main(%arg0: tensor<5x3x4x5xi64>) -> (tensor<5x4x3x5xi64>, tensor<5x4x5x3xi64>) {
    %0 = stablehlo.transpose %arg0, dims = [3, 2, 0, 1] : (tensor<5x3x4x5xi64>) -> tensor<5x4x5x3xi64>
    %1 = stablehlo.transpose %0, dims = [0, 1, 3, 2] : (tensor<5x4x5x3xi64>) -> tensor<5x4x3x5xi64>
    return %1, %0 : tensor<5x4x3x5xi64>, tensor<5x4x5x3xi64>
  }
}
