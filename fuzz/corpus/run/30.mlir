func.func @main(%a: tensor<3xf32>, %b: tensor<3xi8>, %c: tensor<3xcomplex<f64>>) -> (tensor<3xf8E4M3FN>, tensor<3xui4>, tensor<3xf64>, tensor<3xi8>, tensor<3xf32>, tensor<3xi8>) {
  %0 = stablehlo.convert %a : (tensor<3xf32>) -> tensor<3xf8E4M3FN>
  %1 = stablehlo.convert %b : (tensor<3xi8>) -> tensor<3xui4>
  %2 = stablehlo.abs %c : (tensor<3xcomplex<f64>>) -> tensor<3xf64>
  %3 = stablehlo.divide %b, %b : tensor<3xi8>
  %4 = stablehlo.reduce_precision %a, format = e5m2 : tensor<3xf32>
  %5 = stablehlo.shift_left %3, %b : tensor<3xi8>
  return %0, %1, %2, %3, %4, %5 : tensor<3xf8E4M3FN>, tensor<3xui4>, tensor<3xf64>, tensor<3xi8>, tensor<3xf32>, tensor<3xi8>
}
