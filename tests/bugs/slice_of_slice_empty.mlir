// An empty slice at the end of a strided one: the two became one slice whose start lay outside.
module {
  func.func @main(%arg0: tensor<6xf64>) -> tensor<0xf64> {
    %0 = stablehlo.slice %arg0 [5:6:2] : (tensor<6xf64>) -> tensor<1xf64>
    %1 = stablehlo.slice %0 [1:1] : (tensor<1xf64>) -> tensor<0xf64>
    return %1 : tensor<0xf64>
  }
}
