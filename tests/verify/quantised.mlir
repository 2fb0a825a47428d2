// valid
func.func @main(%a: tensor<3x2x!quant.uniform<i8:f32, 0.5:1>>) {
  %0 = stablehlo.multiply %a, %a : (tensor<3x2x!quant.uniform<i8:f32, 0.5:1>>, tensor<3x2x!quant.uniform<i8:f32, 0.5:1>>) -> tensor<3x2x!quant.uniform<i8:f32, 0.25:1>>
  return
}
// -----
// error: per-tensor quantized values, but got
func.func @main(%a: tensor<3x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>) {
  %0 = stablehlo.multiply %a, %a : tensor<3x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>
  return
}
// -----
// valid
func.func @main(%a: tensor<3x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>) {
  %0 = stablehlo.add %a, %a : tensor<3x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>
  return
}
// -----
// error: per axis if and only if
func.func @main(%a: tensor<3x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>) {
  %0 = stablehlo.add %a, %a : (tensor<3x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>, tensor<3x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>) -> tensor<3x2x!quant.uniform<i8:f32, 0.5:1>>
  return
}
// -----
// error: 2 scales for quantization dimension 1 of size 3
func.func @main(%a: tensor<2x3x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>) {
  return
}
// -----
// error: must be less than the rank 1
func.func @main(%a: tensor<2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>) {
  return
}
// -----
// error: zero point 200 is out of the storage range
func.func @main(%a: tensor<2x!quant.uniform<i8:f32, 0.5:200>>) {
  return
}
// -----
// valid
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.uniform_quantize %a : (tensor<2xf32>) -> tensor<2x!quant.uniform<i8:f32, 0.5:1>>
  return
}
// -----
// error: expressed type of the result must be f64
func.func @main(%a: tensor<2xf64>) {
  %0 = stablehlo.uniform_quantize %a : (tensor<2xf64>) -> tensor<2x!quant.uniform<i8:f32, 0.5:1>>
  return
}
// -----
// valid
func.func @main(%a: tensor<2x!quant.uniform<i8:f32, 0.5:1>>) {
  %0 = stablehlo.uniform_dequantize %a : (tensor<2x!quant.uniform<i8:f32, 0.5:1>>) -> tensor<2xf32>
  return
}
// -----
// error: tensor<2xf32> are incompatible
func.func @main(%a: tensor<2x!quant.uniform<i8:f32, 0.5:1>>) {
  %0 = stablehlo.uniform_dequantize %a : (tensor<2x!quant.uniform<i8:f32, 0.5:1>>) -> tensor<2xf64>
  return
}
// -----
// error: same quantization scale
func.func @main(%a: tensor<2x!quant.uniform<i8:f32, 0.5:1>>) {
  %0 = stablehlo.reshape %a : (tensor<2x!quant.uniform<i8:f32, 0.5:1>>) -> tensor<1x2x!quant.uniform<i8:f32, 0.25:1>>
  return
}
// -----
// valid
func.func @main(%a: tensor<3x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>) {
  %0 = stablehlo.transpose %a, dims = [1, 0] : (tensor<3x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>) -> tensor<2x3x!quant.uniform<i8:f32:0, {0.5:1, 0.25:2}>>
  return
}
// -----
// error: is not permutation[1]
func.func @main(%a: tensor<2x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>) {
  %0 = stablehlo.transpose %a, dims = [1, 0] : (tensor<2x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>) -> tensor<2x2x!quant.uniform<i8:f32:1, {0.5:1, 0.25:2}>>
  return
}
// -----
// error: same element type
func.func @main(%a: tensor<2x!quant.uniform<i8:f32, 0.5:1>>) {
  %0 = stablehlo.slice %a [0:1] : (tensor<2x!quant.uniform<i8:f32, 0.5:1>>) -> tensor<1x!quant.uniform<i8:f32, 0.25:1>>
  return
}
// -----
// error: zero points of rhs must be 0
func.func @main(%a: tensor<2x3x!quant.uniform<i8:f32, 0.5:1>>, %b: tensor<3x2x!quant.uniform<i8:f32, 0.5:1>>) {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<2x3x!quant.uniform<i8:f32, 0.5:1>>, tensor<3x2x!quant.uniform<i8:f32, 0.5:1>>) -> tensor<2x2x!quant.uniform<i8:f32, 0.5:1>>
  return
}
