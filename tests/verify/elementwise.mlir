// valid
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.abs %a : tensor<2xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2xcomplex<f32>>) {
  %0 = stablehlo.abs %a : (tensor<2xcomplex<f32>>) -> tensor<2xf32>
  return
}
// -----
// error: inferred type(s) tensor<2xf32>
func.func @main(%a: tensor<2xcomplex<f32>>) {
  %0 = stablehlo.abs %a : (tensor<2xcomplex<f32>>) -> tensor<2xf64>
  return
}
// -----
// error: must be a ranked tensor of signed integer, float
func.func @main(%a: tensor<2xui8>) {
  %0 = stablehlo.abs %a : tensor<2xui8>
  return
}
// -----
// error: operand #0 must be a ranked tensor of float
func.func @main(%a: tensor<2xi32>) {
  %0 = stablehlo.ceil %a : tensor<2xi32>
  return
}
// -----
// error: signed integer, unsigned integer values
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.popcnt %a : tensor<2xf32>
  return
}
// -----
// error: must be a ranked tensor of boolean
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.not %a : tensor<2xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2x?xf32>) {
  %0 = stablehlo.exponential %a : (tensor<2x?xf32>) -> tensor<2x4xf32>
  return
}
// -----
// error: incompatible with the declared
func.func @main(%a: tensor<2x3xf32>) {
  %0 = stablehlo.exponential %a : (tensor<2x3xf32>) -> tensor<2x4xf32>
  return
}
// -----
// error: HIGHEST must have tolerances of zero
func.func @main(%a: tensor<f32>) {
  %0 = "stablehlo.tan"(%a) {result_accuracy = #stablehlo.result_accuracy<atol = 1.0, rtol = 0.0, ulps = 0, mode = #stablehlo.result_accuracy_mode<HIGHEST>>} : (tensor<f32>) -> tensor<f32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.is_finite %a : (tensor<2xf32>) -> tensor<2xi1>
  return
}
// -----
// error: tensor<2xi1>
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.is_finite %a : (tensor<2xf32>) -> tensor<2xi8>
  return
}
// -----
// error: same shape
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.convert %a : (tensor<2xf32>) -> tensor<3xi32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2xf64>) {
  %0 = stablehlo.bitcast_convert %a : (tensor<2xf64>) -> tensor<2x4xi16>
  return
}
// -----
// error: compatible bit widths
func.func @main(%a: tensor<2xf64>) {
  %0 = stablehlo.bitcast_convert %a : (tensor<2xf64>) -> tensor<2x3xi16>
  return
}
// -----
// error: exponent_bits must be positive
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.reduce_precision %a, format = e0m3 : tensor<2xf32>
  return
}
// -----
// error: same shape, but got tensor<2xf32> and tensor<3xf32>
func.func @main(%a: tensor<2xf32>, %b: tensor<3xf32>) {
  %0 = stablehlo.add %a, %b : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>
  return
}
// -----
// error: same element type
func.func @main(%a: tensor<2xf32>, %b: tensor<2xf64>) {
  %0 = stablehlo.add %a, %b : (tensor<2xf32>, tensor<2xf64>) -> tensor<2xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2x?xf32>, %b: tensor<?x3xf32>) {
  %0 = stablehlo.multiply %a, %b : (tensor<2x?xf32>, tensor<?x3xf32>) -> tensor<2x3xf32>
  return
}
// -----
// error: operand #0 must be
func.func @main(%a: tensor<2xi1>) {
  %0 = stablehlo.subtract %a, %a : tensor<2xi1>
  return
}
// -----
// error: operand #0 must be
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.shift_left %a, %a : tensor<2xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.compare LT, %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  return
}
// -----
// error: compatible element types
func.func @main(%a: tensor<2xf32>, %b: tensor<2xi32>) {
  %0 = stablehlo.compare LT, %a, %b : (tensor<2xf32>, tensor<2xi32>) -> tensor<2xi1>
  return
}
// -----
// error: same element type
func.func @main(%a: tensor<2xf32>, %b: tensor<2xf64>) {
  %0 = stablehlo.complex %a, %b : (tensor<2xf32>, tensor<2xf64>) -> tensor<2xcomplex<f32>>
  return
}
// -----
// valid
func.func @main(%a: tensor<2xf32>, %b: tensor<f32>) {
  %0 = stablehlo.clamp %b, %a, %b : (tensor<f32>, tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  return
}
// -----
// error: min of shape [3]
func.func @main(%a: tensor<2xf32>, %b: tensor<3xf32>) {
  %0 = stablehlo.clamp %b, %a, %a : (tensor<3xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}
// -----
// valid
func.func @main(%p: tensor<i1>, %a: tensor<2xf32>) {
  %0 = stablehlo.select %p, %a, %a : (tensor<i1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}
// -----
// error: scalar predicate
func.func @main(%p: tensor<3xi1>, %a: tensor<2xf32>) {
  %0 = stablehlo.select %p, %a, %a : (tensor<3xi1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2x3xf32>) {
  %0 = "stablehlo.map"(%a) ({
  ^bb0(%x: tensor<f32>):
    stablehlo.return %x : tensor<f32>
  }) {dimensions = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}
// -----
// error: 0, 1, 2, ...
func.func @main(%a: tensor<2x3xf32>) {
  %0 = "stablehlo.map"(%a) ({
  ^bb0(%x: tensor<f32>):
    stablehlo.return %x : tensor<f32>
  }) {dimensions = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}
