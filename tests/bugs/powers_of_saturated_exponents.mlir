// A negative number to the power of tanh of a large one: one, or no number.
module {
  func.func @main(%arg0: tensor<2x5xf64> {pj.fill = 43289948706570241 : i64}, %arg1: tensor<5x7xf64> {pj.fill = 52297502514216961 : i64}) -> tensor<2x7xf64> {
    %2 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0] : (tensor<2x5xf64>, tensor<5x7xf64>) -> tensor<2x7xf64>
    %3 = stablehlo.tanh %2 : tensor<2x7xf64>
    %4 = stablehlo.power %2, %3 : tensor<2x7xf64>
    return %4 : tensor<2x7xf64>
  }
}
