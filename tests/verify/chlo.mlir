// valid
func.func @main(%a: tensor<2xf32>) {
  %0 = chlo.erf %a : tensor<2xf32> -> tensor<2xf32>
  return
}
// -----
// error: operand #0 must be
func.func @main(%a: tensor<2xcomplex<f32>>) {
  %0 = chlo.erf %a : tensor<2xcomplex<f32>> -> tensor<2xcomplex<f32>>
  return
}
// -----
// valid
func.func @main(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %0 = chlo.broadcast_add %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}
// -----
// error: incompatible shapes for broadcasting
func.func @main(%a: tensor<2x3xf32>, %b: tensor<2xf32>) {
  %0 = chlo.broadcast_add %a, %b : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2x3xf32>, %b: tensor<2xf32>) {
  %0 = chlo.broadcast_add %a, %b {broadcast_dimensions = array<i64: 0>} : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<4x8xf32>) {
  %0:2 = chlo.top_k(%a, k = 3) : tensor<4x8xf32> -> (tensor<4x3xf32>, tensor<4x3xi32>)
  return
}
// -----
// error: must be at least k = 9
func.func @main(%a: tensor<4x8xf32>) {
  %0:2 = chlo.top_k(%a, k = 9) : tensor<4x8xf32> -> (tensor<4x9xf32>, tensor<4x9xi32>)
  return
}
