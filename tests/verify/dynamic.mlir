// valid
func.func @main(%a: tensor<6xf32>) {
  %s = stablehlo.constant dense<[2, 3]> : tensor<2xi64>
  %0 = stablehlo.dynamic_reshape %a, %s : (tensor<6xf32>, tensor<2xi64>) -> tensor<?x3xf32>
  return
}
// -----
// error: the output shape [2, 3] is incompatible
func.func @main(%a: tensor<6xf32>) {
  %s = stablehlo.constant dense<[2, 3]> : tensor<2xi64>
  %0 = stablehlo.dynamic_reshape %a, %s : (tensor<6xf32>, tensor<2xi64>) -> tensor<?x2xf32>
  return
}
// -----
// error: incompatible with the operand, which has 8 elements
func.func @main(%a: tensor<8xf32>) {
  %s = stablehlo.constant dense<[2, 3]> : tensor<2xi64>
  %0 = stablehlo.dynamic_reshape %a, %s : (tensor<8xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}
// -----
// error: output_shape has 3 elements, but the result has rank 2
func.func @main(%a: tensor<8xf32>, %s: tensor<3xi64>) {
  %0 = stablehlo.dynamic_reshape %a, %s : (tensor<8xf32>, tensor<3xi64>) -> tensor<?x?xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<3xf32>) {
  %s = stablehlo.constant dense<[2, 3]> : tensor<2xi64>
  %0 = stablehlo.dynamic_broadcast_in_dim %a, %s, dims = [1] : (tensor<3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}
// -----
// error: neither 1 nor output_dimensions[0] = 2
func.func @main(%a: tensor<3xf32>) {
  %s = stablehlo.constant dense<[2, 3]> : tensor<2xi64>
  %0 = stablehlo.dynamic_broadcast_in_dim %a, %s, dims = [0] : (tensor<3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}
// -----
// error: iota_dimension = 2 is out of range
func.func @main(%s: tensor<2xi64>) {
  %0 = stablehlo.dynamic_iota %s, dim = 2 : (tensor<2xi64>) -> tensor<?x?xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<4xf32>, %v: tensor<f32>, %s: tensor<1xi64>) {
  %0 = stablehlo.dynamic_pad %a, %v, %s, %s, %s : (tensor<4xf32>, tensor<f32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return
}
// -----
// error: padding operand #2 has 2 elements
func.func @main(%a: tensor<4xf32>, %v: tensor<f32>, %s: tensor<2xi64>) {
  %0 = stablehlo.dynamic_pad %a, %v, %s, %s, %s : (tensor<4xf32>, tensor<f32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<4x?xf32>) {
  %0 = stablehlo.get_dimension_size %a, dim = 1 : (tensor<4x?xf32>) -> tensor<i32>
  return
}
// -----
// error: dimension = 2 is out of range
func.func @main(%a: tensor<4x?xf32>) {
  %0 = stablehlo.get_dimension_size %a, dim = 2 : (tensor<4x?xf32>) -> tensor<i32>
  return
}
// -----
// valid
func.func @main(%a: tensor<4xf32>, %n: tensor<i32>) {
  %0 = stablehlo.set_dimension_size %a, %n, dim = 0 : (tensor<4xf32>, tensor<i32>) -> tensor<?xf32, #stablehlo.bounds<4>>
  return
}
// -----
// error: larger than the bound 4
func.func @main(%a: tensor<?xf32, #stablehlo.bounds<4>>) {
  %0 = stablehlo.slice %a [0:5] : (tensor<?xf32, #stablehlo.bounds<4>>) -> tensor<5xf32>
  return
}
// -----
// error: same shape
func.func @main(%a: tensor<?xf32, #stablehlo.bounds<4>>, %b: tensor<5xf32>) {
  %0 = stablehlo.add %a, %b : (tensor<?xf32, #stablehlo.bounds<4>>, tensor<5xf32>) -> tensor<5xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<f32>) {
  %s = stablehlo.constant dense<[2, 3]> : tensor<2xi64>
  %0 = stablehlo.rng %a, %a, %s, distribution = UNIFORM : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}
// -----
// error: mu and sigma must be floats
func.func @main(%a: tensor<i32>) {
  %s = stablehlo.constant dense<[2, 3]> : tensor<2xi64>
  %0 = stablehlo.rng %a, %a, %s, distribution = NORMAL : (tensor<i32>, tensor<i32>, tensor<2xi64>) -> tensor<2x3xi32>
  return
}
// -----
// error: must have the type of the initial state
func.func @main(%a: tensor<2xui64>) {
  %0:2 = stablehlo.rng_bit_generator %a, algorithm = DEFAULT : (tensor<2xui64>) -> (tensor<3xui64>, tensor<4xui32>)
  return
}
