// valid
func.func @main(%a: tensor<0x9223372036854775807xf32>, %b: tensor<?x2xf32, #stablehlo.bounds<5, ?>>, %c: tuple<tensor<f32>, tuple<!stablehlo.token>>) {
  return
}
// -----
// error: more elements than can be addressed
func.func @main(%a: tensor<4294967296x4294967296xi8>) {
  return
}
// -----
// error: the bound
func.func @main(%a: tensor<?xf32, #stablehlo.type_extensions<bounds = [-7]>>) {
  return
}
// -----
// error: scale
func.func @main(%a: tensor<2x!quant.uniform<i8:f32, 0.0>>) {
  return
}
// -----
// error: storage range
func.func @main(%a: tensor<2x!quant.uniform<i8<-8:7>:f32, 1.0:9>>) {
  return
}
// -----
// error: operand #0 must be a ranked tensor of float, complex, per-tensor quantized values, but got tensor<2xtf32>
func.func @main(%a: tensor<2xtf32>) {
  %0 = stablehlo.cosine %a : tensor<2xtf32>
  return
}
// -----
// error: operand #0 must be a ranked tensor
func.func @main(%a: tensor<2xindex>) {
  %0 = stablehlo.negate %a : tensor<2xindex>
  return
}
// -----
// error: operand #0 must be a ranked tensor
func.func @main(%a: tensor<*xf32>) {
  %0 = stablehlo.negate %a : tensor<*xf32>
  return
}
// -----
// error: operand #0 must be a ranked tensor
func.func @main(%a: memref<2xf32>) {
  %0 = "stablehlo.negate"(%a) : (memref<2xf32>) -> memref<2xf32>
  return
}
