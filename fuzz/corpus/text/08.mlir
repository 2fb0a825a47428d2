func.func @main() {
  %0 = stablehlo.constant dense<[[1, -2], [0x10, 255]]> : tensor<2x2xi8>
  %1 = stablehlo.constant dense<[true, false]> : tensor<2xi1>
  %2 = stablehlo.constant dense<(1.0, -2.5e-3)> : tensor<3xcomplex<f32>>
  %3 = stablehlo.constant dense<[0x7FC0, 1.0, -0.0]> : tensor<3xbf16>
  %4 = stablehlo.constant dense<"0x0F07"> : tensor<2xi4>
  %5 = stablehlo.constant dense<> : tensor<0x4xf32>
  %6 = stablehlo.constant dense<[[], []]> : tensor<2x0xf32>
  %7 = stablehlo.constant dense<7> : tensor<99999999x99999999xui64>
  %8 = stablehlo.constant dense<1.5> : tensor<2xf8E4M3FN>
  %9 = stablehlo.constant() <{value = dense<1> : tensor<2xi8>}> : () -> tensor<2x!quant.uniform<i8:f32, 0.5>>
  return
}
