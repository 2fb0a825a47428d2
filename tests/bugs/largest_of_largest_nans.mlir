// Numbers or NaN first, as NaN has a sign: of values that rounding leaves as they are.
module {
  func.func @main(%arg0: tensor<15x128xbf16> {pj.fill = 67108865 : i64}) -> tensor<15x20xbf16> {
    %1 = stablehlo.sqrt %arg0 : tensor<15x128xbf16>
    %2 = stablehlo.logistic %1 : tensor<15x128xbf16>
    %3:2 = chlo.top_k(%2, k = 68) : tensor<15x128xbf16> -> (tensor<15x68xbf16>, tensor<15x68xi32>)
    %5:2 = chlo.top_k(%3#0, k = 20) : tensor<15x68xbf16> -> (tensor<15x20xbf16>, tensor<15x20xi32>)
    return %5#0 : tensor<15x20xbf16>
  }
}
