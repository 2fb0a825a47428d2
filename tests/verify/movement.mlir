// valid
func.func @main() {
  %0 = stablehlo.iota dim = 1 : tensor<2x3xi32>
  return
}
// -----
// error: iota_dimension = 2 is out of range
func.func @main() {
  %0 = stablehlo.iota dim = 2 : tensor<2x3xi32>
  return
}
// -----
// error: scalars are not supported
func.func @main() {
  %0 = stablehlo.iota dim = 0 : tensor<i32>
  return
}
// -----
// error: result #0 must be
func.func @main() {
  %0 = stablehlo.iota dim = 0 : tensor<2xi1>
  return
}
// -----
// error: more elements than can be addressed
func.func @main(%a: tensor<9223372036854775807x3xf32>) {
  return
}
// -----
// valid
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.broadcast_in_dim %a, dims = [1] : (tensor<2xf32>) -> tensor<3x2xf32>
  return
}
// -----
// error: neither 1 nor that of result dimension 0
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.broadcast_in_dim %a, dims = [0] : (tensor<2xf32>) -> tensor<3x2xf32>
  return
}
// -----
// error: must not repeat
func.func @main(%a: tensor<2x2xf32>) {
  %0 = stablehlo.broadcast_in_dim %a, dims = [1, 1] : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return
}
// -----
// error: broadcast_dimensions has 2 elements
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.broadcast_in_dim %a, dims = [0, 1] : (tensor<2xf32>) -> tensor<2x2xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2xf32>, %b: tensor<3xf32>) {
  %0 = stablehlo.concatenate %a, %b, dim = 0 : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  return
}
// -----
// error: tensor<5xf32> are incompatible
func.func @main(%a: tensor<2xf32>, %b: tensor<3xf32>) {
  %0 = stablehlo.concatenate %a, %b, dim = 0 : (tensor<2xf32>, tensor<3xf32>) -> tensor<6xf32>
  return
}
// -----
// error: differ in dimension 1
func.func @main(%a: tensor<2x2xf32>, %b: tensor<3x3xf32>) {
  %0 = stablehlo.concatenate %a, %b, dim = 0 : (tensor<2x2xf32>, tensor<3x3xf32>) -> tensor<5x3xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<4xf32>, %v: tensor<f32>) {
  %0 = stablehlo.pad %a, %v, low = [-1], high = [2], interior = [1] : (tensor<4xf32>, tensor<f32>) -> tensor<8xf32>
  return
}
// -----
// error: negative size for dimension 0: -2
func.func @main(%a: tensor<4xf32>, %v: tensor<f32>) {
  %0 = stablehlo.pad %a, %v, low = [-3], high = [-3], interior = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<0xf32>
  return
}
// -----
// error: interior_padding must not be negative
func.func @main(%a: tensor<4xf32>, %v: tensor<f32>) {
  %0 = stablehlo.pad %a, %v, low = [0], high = [0], interior = [-1] : (tensor<4xf32>, tensor<f32>) -> tensor<1xf32>
  return
}
// -----
// error: overflows
func.func @main(%a: tensor<4xf32>, %v: tensor<f32>) {
  %0 = stablehlo.pad %a, %v, low = [9223372036854775807], high = [0], interior = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2x3xf32>) {
  %0 = stablehlo.reshape %a : (tensor<2x3xf32>) -> tensor<6xf32>
  return
}
// -----
// error: number of elements must not change, but is 6
func.func @main(%a: tensor<2x3xf32>) {
  %0 = stablehlo.reshape %a : (tensor<2x3xf32>) -> tensor<5xf32>
  return
}
// -----
// error: must not repeat
func.func @main(%a: tensor<2x3xf32>) {
  %0 = stablehlo.reverse %a, dims = [0, 0] : tensor<2x3xf32>
  return
}
// -----
// error: dimensions[0] = 2 is out of range
func.func @main(%a: tensor<2x3xf32>) {
  %0 = stablehlo.reverse %a, dims = [2] : tensor<2x3xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<8xf32>) {
  %0 = stablehlo.slice %a [1:8:3] : (tensor<8xf32>) -> tensor<3xf32>
  return
}
// -----
// error: start index 5 is larger than limit index 3
func.func @main(%a: tensor<8xf32>) {
  %0 = stablehlo.slice %a [5:3] : (tensor<8xf32>) -> tensor<0xf32>
  return
}
// -----
// error: limit index 9 is larger
func.func @main(%a: tensor<8xf32>) {
  %0 = stablehlo.slice %a [0:9] : (tensor<8xf32>) -> tensor<9xf32>
  return
}
// -----
// error: stride must be positive
func.func @main(%a: tensor<8xf32>) {
  %0 = stablehlo.slice %a [0:8:0] : (tensor<8xf32>) -> tensor<8xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2x3xf32>) {
  %0 = stablehlo.transpose %a, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}
// -----
// error: must not repeat
func.func @main(%a: tensor<2x3xf32>) {
  %0 = stablehlo.transpose %a, dims = [1, 1] : (tensor<2x3xf32>) -> tensor<3x3xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<4x4xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_slice %a, %i, %i, sizes = [2, 3] : (tensor<4x4xf32>, tensor<i32>, tensor<i32>) -> tensor<2x3xf32>
  return
}
// -----
// error: number of start indices (1) must be the rank
func.func @main(%a: tensor<4x4xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_slice %a, %i, sizes = [2] : (tensor<4x4xf32>, tensor<i32>) -> tensor<2x4xf32>
  return
}
// -----
// error: same element type
func.func @main(%a: tensor<4x4xf32>, %i: tensor<i32>, %j: tensor<i64>) {
  %0 = stablehlo.dynamic_slice %a, %i, %j, sizes = [2, 3] : (tensor<4x4xf32>, tensor<i32>, tensor<i64>) -> tensor<2x3xf32>
  return
}
// -----
// error: must be in [0, 4], but is 5
func.func @main(%a: tensor<4xf32>, %u: tensor<5xf32>, %i: tensor<i32>) {
  %0 = stablehlo.dynamic_update_slice %a, %u, %i : (tensor<4xf32>, tensor<5xf32>, tensor<i32>) -> tensor<4xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<3xi32>) {
  %0 = stablehlo.constant dense<1> : tensor<3xi32>
  return
}
// -----
// error: incompatible
func.func @main() {
  %0 = "stablehlo.constant"() {value = dense<1> : tensor<3xi32>} : () -> tensor<4xi32>
  return
}
