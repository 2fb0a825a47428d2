// Rows of 31 numbers of few bits, so that the least is there twice, in the last vector of a row and in one before it: of equal elements
// the first counts.
module {
  func.func @main(%arg0: tensor<128x36x31xbf16> {pj.fill = 2975724570935297 : i64}) -> tensor<128x36xi32> {
    %zero = stablehlo.constant dense<0.000000e+00> : tensor<128x36x31xbf16>
    %x = stablehlo.add %arg0, %zero : tensor<128x36x31xbf16>
    %at = stablehlo.iota dim = 2 : tensor<128x36x31xi32>
    %inf = stablehlo.constant dense<0x7F80> : tensor<bf16>
    %none = stablehlo.constant dense<0> : tensor<i32>
    %10:2 = stablehlo.reduce(%x init: %inf), (%at init: %none) across dimensions = [2] : (tensor<128x36x31xbf16>, tensor<128x36x31xi32>, tensor<bf16>, tensor<i32>) -> (tensor<128x36xbf16>, tensor<128x36xi32>)
     reducer(%arg12: tensor<bf16>, %arg14: tensor<bf16>) (%arg13: tensor<i32>, %arg15: tensor<i32>) {
      %16 = stablehlo.compare LT, %arg12, %arg14, FLOAT : (tensor<bf16>, tensor<bf16>) -> tensor<i1>
      %17 = stablehlo.compare NE, %arg12, %arg12, FLOAT : (tensor<bf16>, tensor<bf16>) -> tensor<i1>
      %18 = stablehlo.or %16, %17 : tensor<i1>
      %19 = stablehlo.compare EQ, %arg12, %arg14, FLOAT : (tensor<bf16>, tensor<bf16>) -> tensor<i1>
      %20 = stablehlo.compare LT, %arg13, %arg15, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %21 = stablehlo.and %19, %20 : tensor<i1>
      %22 = stablehlo.or %18, %21 : tensor<i1>
      %23 = stablehlo.select %18, %arg12, %arg14 : tensor<i1>, tensor<bf16>
      %24 = stablehlo.select %22, %arg13, %arg15 : tensor<i1>, tensor<i32>
      stablehlo.return %23, %24 : tensor<bf16>, tensor<i32>
    }
    return %10#1 : tensor<128x36xi32>
  }
}
