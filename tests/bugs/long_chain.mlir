// A chain of functions: two vectors at a time, and what is left of an odd length.
func.func @main(%x: tensor<1237xf32>, %y: tensor<3x650xbf16>) -> (tensor<1237xf32>, tensor<3x650xbf16>) {
  %0 = stablehlo.tanh %x : tensor<1237xf32>
  %1 = stablehlo.sine %0 : tensor<1237xf32>
  %2 = stablehlo.exponential %1 : tensor<1237xf32>
  %3 = stablehlo.log %2 : tensor<1237xf32>
  %4 = stablehlo.tanh %3 : tensor<1237xf32>
  %5 = stablehlo.tanh %y : tensor<3x650xbf16>
  %6 = stablehlo.sine %5 : tensor<3x650xbf16>
  %7 = stablehlo.exponential %6 : tensor<3x650xbf16>
  %8 = stablehlo.slice %7 [0:3, 0:650] : (tensor<3x650xbf16>) -> tensor<3x650xbf16>
  %9 = stablehlo.logistic %8 : tensor<3x650xbf16>
  %10 = stablehlo.reverse %9, dims = [1] : tensor<3x650xbf16>
  return %4, %10 : tensor<1237xf32>, tensor<3x650xbf16>
}
