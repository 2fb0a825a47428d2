// valid
func.func @main(%a: tensor<2x3x4xf32>, %b: tensor<2x4x5xf32>) {
  %0 = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  return
}
// -----
// error: contracting dimension sizes must match: 4 of lhs (dimension 2) and 5 of rhs (dimension 2)
func.func @main(%a: tensor<2x3x4xf32>, %b: tensor<2x4x5xf32>) {
  %0 = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x4xf32>
  return
}
// -----
// error: dimension 0 occurs twice
func.func @main(%a: tensor<2x3x4xf32>, %b: tensor<2x4x5xf32>) {
  %0 = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [0] x [0] : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x4xf32>
  return
}
// -----
// error: the inferred shape [2, 5]
func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x5xf32>) {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<5x2xf32>
  return
}
// -----
// error: lhs_contracting_dimensions[0] = 7
func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x5xf32>) {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [7] x [0] : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<5x2xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x5xf32>) {
  %0 = stablehlo.dot %a, %b : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<2x5xf32>
  return
}
// -----
// error: contracting dimension sizes must match
func.func @main(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) {
  %0 = stablehlo.dot %a, %b : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x5xf32>) {
  %0 = stablehlo.einsum %a, %b, config = "ij,jk->ki" : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<5x2xf32>
  return
}
// -----
// error: differ in size
func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x5xf32>) {
  %0 = stablehlo.einsum %a, %b, config = "ij,ik->jk" : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return
}
// -----
// error: must occur in an operand
func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x5xf32>) {
  %0 = stablehlo.einsum %a, %b, config = "ij,jk->il" : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<2x5xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<1x8x8x4xf32>, %k: tensor<3x3x4x16xf32>) {
  %0 = stablehlo.convolution(%a, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {feature_group_count = 1 : i64, batch_group_count = 1 : i64} : (tensor<1x8x8x4xf32>, tensor<3x3x4x16xf32>) -> tensor<1x6x6x16xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<1x8x8x4xf32>, %k: tensor<3x3x4x16xf32>) {
  %0 = stablehlo.convolution(%a, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[1, 1], [1, 1]], rhs_dilate = [2, 1]} {feature_group_count = 1 : i64, batch_group_count = 1 : i64} : (tensor<1x8x8x4xf32>, tensor<3x3x4x16xf32>) -> tensor<1x3x4x16xf32>
  return
}
// -----
// error: the inferred shape [1, 6, 6, 16]
func.func @main(%a: tensor<1x8x8x4xf32>, %k: tensor<3x3x4x16xf32>) {
  %0 = stablehlo.convolution(%a, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {feature_group_count = 1 : i64, batch_group_count = 1 : i64} : (tensor<1x8x8x4xf32>, tensor<3x3x4x16xf32>) -> tensor<1x8x8x16xf32>
  return
}
// -----
// error: kernel's input feature dimension (4)
func.func @main(%a: tensor<1x8x8x4xf32>, %k: tensor<3x3x4x16xf32>) {
  %0 = stablehlo.convolution(%a, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {feature_group_count = 2 : i64, batch_group_count = 1 : i64} : (tensor<1x8x8x4xf32>, tensor<3x3x4x16xf32>) -> tensor<1x6x6x16xf32>
  return
}
// -----
// error: feature_group_count must be positive
func.func @main(%a: tensor<1x8x8x4xf32>, %k: tensor<3x3x4x16xf32>) {
  %0 = stablehlo.convolution(%a, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {feature_group_count = 0 : i64, batch_group_count = 1 : i64} : (tensor<1x8x8x4xf32>, tensor<3x3x4x16xf32>) -> tensor<1x6x6x16xf32>
  return
}
// -----
// error: window_strides must be positive
func.func @main(%a: tensor<1x8x8x4xf32>, %k: tensor<3x3x4x16xf32>) {
  %0 = stablehlo.convolution(%a, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [0, 1]} {feature_group_count = 1 : i64, batch_group_count = 1 : i64} : (tensor<1x8x8x4xf32>, tensor<3x3x4x16xf32>) -> tensor<1x6x6x16xf32>
  return
}
// -----
// error: window_strides has 1 elements
func.func @main(%a: tensor<1x8x8x4xf32>, %k: tensor<3x3x4x16xf32>) {
  %0 = stablehlo.convolution(%a, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1]} {feature_group_count = 1 : i64, batch_group_count = 1 : i64} : (tensor<1x8x8x4xf32>, tensor<3x3x4x16xf32>) -> tensor<1x6x6x16xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<3x3xf32>) {
  %0 = stablehlo.cholesky %a, lower = true : tensor<3x3xf32>
  return
}
// -----
// error: must have equal size
func.func @main(%a: tensor<3x4xf32>) {
  %0 = stablehlo.cholesky %a, lower = true : tensor<3x4xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<8xf32>) {
  %0 = stablehlo.fft %a, type = RFFT, length = [8] : (tensor<8xf32>) -> tensor<5xcomplex<f32>>
  return
}
// -----
// error: FFT takes a complex tensor
func.func @main(%a: tensor<8xf32>) {
  %0 = stablehlo.fft %a, type = FFT, length = [8] : (tensor<8xf32>) -> tensor<8xf32>
  return
}
// -----
// error: compatible with fft_length [6]
func.func @main(%a: tensor<8xf32>) {
  %0 = stablehlo.fft %a, type = RFFT, length = [6] : (tensor<8xf32>) -> tensor<4xcomplex<f32>>
  return
}
// -----
// valid
func.func @main(%a: tensor<3x3xf32>, %b: tensor<3x2xf32>) {
  %0 = "stablehlo.triangular_solve"(%a, %b) {left_side = true, lower = true, unit_diagonal = false, transpose_a = #stablehlo<transpose NO_TRANSPOSE>} : (tensor<3x3xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return
}
// -----
// error: shared dimension
func.func @main(%a: tensor<3x3xf32>, %b: tensor<3x2xf32>) {
  %0 = "stablehlo.triangular_solve"(%a, %b) {left_side = false, lower = true, unit_diagonal = false, transpose_a = #stablehlo<transpose NO_TRANSPOSE>} : (tensor<3x3xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return
}
// -----
// error: requires attribute 'unit_diagonal'
func.func @main(%a: tensor<3x3xf32>, %b: tensor<3x2xf32>) {
  %0 = "stablehlo.triangular_solve"(%a, %b) {left_side = true, lower = true, transpose_a = #stablehlo<transpose NO_TRANSPOSE>} : (tensor<3x3xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return
}
