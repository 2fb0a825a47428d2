// Slices with steps of 2 to 5: whole vectors are loaded and what is wanted picked from them, up to
// the last element of the operand.
func.func @main(%a: tensor<7x129xf32>, %b: tensor<7x61xbf16>, %c: tensor<3x100xi8>, %d: tensor<5x62xf64>, %e: tensor<2x81xi64>)
    -> (tensor<7x65xf32>, tensor<7x21xbf16>, tensor<3x25xi8>, tensor<5x16xf64>, tensor<2x17xi64>, tensor<2x27xi64>, tensor<3x34xf32>) {
  %0 = stablehlo.slice %a [0:7, 0:129:2] : (tensor<7x129xf32>) -> tensor<7x65xf32>
  %1 = stablehlo.slice %b [0:7, 0:61:3] : (tensor<7x61xbf16>) -> tensor<7x21xbf16>
  %2 = stablehlo.slice %c [0:3, 3:100:4] : (tensor<3x100xi8>) -> tensor<3x25xi8>
  %3 = stablehlo.slice %d [0:5, 1:62:4] : (tensor<5x62xf64>) -> tensor<5x16xf64>
  %4 = stablehlo.slice %e [0:2, 0:81:5] : (tensor<2x81xi64>) -> tensor<2x17xi64>
  %5 = stablehlo.slice %e [0:2, 2:81:3] : (tensor<2x81xi64>) -> tensor<2x27xi64>
  %6 = stablehlo.slice %a [0:7:3, 0:129:2] : (tensor<7x129xf32>) -> tensor<3x65xf32>
  %7 = stablehlo.slice %6 [0:3, 0:65] : (tensor<3x65xf32>) -> tensor<3x65xf32>
  %8 = stablehlo.reverse %7, dims = [1] : tensor<3x65xf32>
  %9 = stablehlo.slice %8 [0:3, 31:65] : (tensor<3x65xf32>) -> tensor<3x34xf32>
  return %0, %1, %2, %3, %4, %5, %9 : tensor<7x65xf32>, tensor<7x21xbf16>, tensor<3x25xi8>, tensor<5x16xf64>, tensor<2x17xi64>, tensor<2x27xi64>, tensor<3x34xf32>
}
