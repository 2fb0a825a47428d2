// Products of 1e39, 1e46 and so on overflow. A multiply-add that is fused has them as numbers, so that a sum that is
// infinite stays so, where the evaluator, which rounds the products, adds infinities of both signs: NaN. Both are right.
module {
  func.func @main(%x: tensor<4x8xf32>, %y: tensor<8x33xf32>) -> (tensor<4x33xf32>, tensor<4x33xf32>) {
    %zero = stablehlo.constant dense<0.0> : tensor<4x8xf32>
    %large = stablehlo.constant dense<-3.5e37> : tensor<4x8xf32>
    %nothing = stablehlo.multiply %x, %zero : tensor<4x8xf32>
    %lhs = stablehlo.add %nothing, %large : tensor<4x8xf32>
    %factors = stablehlo.constant dense<[0.5, 2.0, -0.5, -0.25, 0.0, 89.0, 0.5, -4.0e8]> : tensor<8xf32>
    %columns = stablehlo.broadcast_in_dim %factors, dims = [0] : (tensor<8xf32>) -> tensor<8x33xf32>
    %zeros = stablehlo.constant dense<0.0> : tensor<8x33xf32>
    %none = stablehlo.multiply %y, %zeros : tensor<8x33xf32>
    %rhs = stablehlo.add %none, %columns : tensor<8x33xf32>
    %product = stablehlo.dot_general %lhs, %rhs, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x33xf32>) -> tensor<4x33xf32>
    %bounded = stablehlo.tanh %product : tensor<4x33xf32>
    return %product, %bounded : tensor<4x33xf32>, tensor<4x33xf32>
  }
}
