// A transpose cuts the loop where the joint beside it does not: they are indices of one kernel.
module {
  func.func @main(%arg0: tensor<7x3xi1>, %arg1: tensor<2x3xi1>) -> (tensor<3x7xi1>, tensor<7x3xi1>) {
    %2 = stablehlo.slice %arg0 [2:7, 0:3] : (tensor<7x3xi1>) -> tensor<5x3xi1>
    %3 = stablehlo.concatenate %2, %arg1, dim = 0 : (tensor<5x3xi1>, tensor<2x3xi1>) -> tensor<7x3xi1>
    %4 = stablehlo.broadcast_in_dim %arg0, dims = [1, 0] : (tensor<7x3xi1>) -> tensor<3x7xi1>
    return %4, %3 : tensor<3x7xi1>, tensor<7x3xi1>
  }
}
