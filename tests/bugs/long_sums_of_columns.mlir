// A vector by a matrix whose few columns are long: added up one by one, their errors grew with the length.
module {
  func.func @main() -> tensor<8xf32> {
    %0 = stablehlo.iota dim = 0 : tensor<128x128x8xf32>
    %1 = stablehlo.iota dim = 0 : tensor<128x128xf32>
    %2 = stablehlo.dot_general %0, %1, contracting_dims = [0, 1] x [0, 1] : (tensor<128x128x8xf32>, tensor<128x128xf32>) -> tensor<8xf32>
    return %2 : tensor<8xf32>
  }
}
