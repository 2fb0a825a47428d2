// Exponents of which some are exactly one, whatever the others are.
module {
  func.func @main(%arg0: tensor<9x7x2xf64> {pj.fill = 45532841110405120 : i64}, %arg1: tensor<9x7x2xf64> {pj.fill = 33554432 : i64}) -> tensor<9x7x2xf64> {
    %2 = stablehlo.power %arg1, %arg0 : tensor<9x7x2xf64>
    %3 = "stablehlo.sort"(%2) <{dimension = 0 : i64}> ({
    ^bb0(%arg4: tensor<f64>, %arg5: tensor<f64>):
      %6 = stablehlo.compare LT, %arg4, %arg5, TOTALORDER : (tensor<f64>, tensor<f64>) -> tensor<i1>
      stablehlo.return %6 : tensor<i1>
    }) : (tensor<9x7x2xf64>) -> tensor<9x7x2xf64>
    %7 = stablehlo.power %arg0, %3 : tensor<9x7x2xf64>
    return %7 : tensor<9x7x2xf64>
  }
}
