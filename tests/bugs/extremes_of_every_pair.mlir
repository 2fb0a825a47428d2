// The extremes of all pairs of zeros, infinities, NaN, subnormal and other numbers, in whole vectors.
module {
  func.func @main(%z: tensor<16xf32>) -> (tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf64>, tensor<16x16xf64>) {
    %s = stablehlo.constant dense<[0x7FC00000, 0xFFC00000, 0x7F800001, 0.0, -0.0, 0x7F800000, 0xFF800000, 1.0, -1.0, 1.0e-40, -1.0e-40, 3.0e38, -3.0e38, 1.5, -1.5, 0xFFC12345]> : tensor<16xf32>
    %eq = stablehlo.compare EQ, %z, %z, FLOAT : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xi1>
    %v = stablehlo.select %eq, %s, %s : tensor<16xi1>, tensor<16xf32>
    %o = stablehlo.optimization_barrier %v : tensor<16xf32>
    %x = stablehlo.broadcast_in_dim %o, dims = [0] : (tensor<16xf32>) -> tensor<16x16xf32>
    %y = stablehlo.broadcast_in_dim %o, dims = [1] : (tensor<16xf32>) -> tensor<16x16xf32>
    %a = stablehlo.maximum %x, %y : tensor<16x16xf32>
    %b = stablehlo.minimum %x, %y : tensor<16x16xf32>
    %xd = stablehlo.convert %x : (tensor<16x16xf32>) -> tensor<16x16xf64>
    %yd = stablehlo.convert %y : (tensor<16x16xf32>) -> tensor<16x16xf64>
    %c = stablehlo.maximum %xd, %yd : tensor<16x16xf64>
    %d = stablehlo.minimum %xd, %yd : tensor<16x16xf64>
    return %a, %b, %c, %d : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf64>, tensor<16x16xf64>
  }
}
