// valid
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>) {
  %0 = "stablehlo.gather"(%a, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 1>, slice_sizes = array<i64: 1, 1, 2>} : (tensor<3x4x2xf32>, tensor<5x2xi64>) -> tensor<5x2xf32>
  return
}
// -----
// error: tensor<5x2xf32> are incompatible
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>) {
  %0 = "stablehlo.gather"(%a, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 1>, slice_sizes = array<i64: 1, 1, 2>} : (tensor<3x4x2xf32>, tensor<5x2xi64>) -> tensor<2x5xf32>
  return
}
// -----
// error: slice_sizes[1] = 2 must be at most 1
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>) {
  %0 = "stablehlo.gather"(%a, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 1>, slice_sizes = array<i64: 1, 2, 2>} : (tensor<3x4x2xf32>, tensor<5x2xi64>) -> tensor<5x2xf32>
  return
}
// -----
// error: slice_sizes has 2 elements
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>) {
  %0 = "stablehlo.gather"(%a, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 1>, slice_sizes = array<i64: 1, 1>} : (tensor<3x4x2xf32>, tensor<5x2xi64>) -> tensor<5x2xf32>
  return
}
// -----
// error: collapsed_slice_dims must be sorted
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>) {
  %0 = "stablehlo.gather"(%a, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [1, 0], start_index_map = [0, 1], index_vector_dim = 1>, slice_sizes = array<i64: 1, 1, 2>} : (tensor<3x4x2xf32>, tensor<5x2xi64>) -> tensor<5x2xf32>
  return
}
// -----
// error: offset_dims[0] = 2 is out of range
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>) {
  %0 = "stablehlo.gather"(%a, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 1>, slice_sizes = array<i64: 1, 1, 2>} : (tensor<3x4x2xf32>, tensor<5x2xi64>) -> tensor<5x2xf32>
  return
}
// -----
// error: dimension 0 occurs twice
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>) {
  %0 = "stablehlo.gather"(%a, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0, 1], start_index_map = [0, 0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 1, 2>} : (tensor<3x4x2xf32>, tensor<5x2xi64>) -> tensor<5x2xf32>
  return
}
// -----
// error: start_index_map has 1 elements
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>) {
  %0 = "stablehlo.gather"(%a, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0, 1], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 1, 2>} : (tensor<3x4x2xf32>, tensor<5x2xi64>) -> tensor<5x2xf32>
  return
}
// -----
// error: index_vector_dim = 3 is out of range
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>) {
  %0 = "stablehlo.gather"(%a, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 3>, slice_sizes = array<i64: 1, 1, 2>} : (tensor<3x4x2xf32>, tensor<5x2xi64>) -> tensor<5x2xf32>
  return
}
// -----
// error: must have as many elements together as the rank
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>) {
  %0 = "stablehlo.gather"(%a, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0, 1], index_vector_dim = 1>, slice_sizes = array<i64: 1, 1, 2>} : (tensor<3x4x2xf32>, tensor<5x2xi64>) -> tensor<5x2xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>, %u: tensor<5x2xf32>) {
  %0 = "stablehlo.scatter"(%a, %i, %u) ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1>} : (tensor<3x4x2xf32>, tensor<5x2xi64>, tensor<5x2xf32>) -> tensor<3x4x2xf32>
  return
}
// -----
// error: exceeds the size 2
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>, %u: tensor<5x2xf32>) {
  %0 = "stablehlo.scatter"(%a, %i, %u) ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 1], index_vector_dim = 1>} : (tensor<3x4x2xf32>, tensor<5x2xi64>, tensor<5x2xf32>) -> tensor<3x4x2xf32>
  return
}
// -----
// error: scatter_dims_to_operand_dims[1] = 3 is out of range
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>, %u: tensor<5x2xf32>) {
  %0 = "stablehlo.scatter"(%a, %i, %u) ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0, 3], index_vector_dim = 1>} : (tensor<3x4x2xf32>, tensor<5x2xi64>, tensor<5x2xf32>) -> tensor<3x4x2xf32>
  return
}
// -----
// error: updates must have rank 3
func.func @main(%a: tensor<3x4x2xf32>, %i: tensor<5x2xi64>, %u: tensor<5x2xf32>) {
  %0 = "stablehlo.scatter"(%a, %i, %u) ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    stablehlo.return %y : tensor<f32>
  }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0, 1], scatter_dims_to_operand_dims = [0], index_vector_dim = 2>} : (tensor<3x4x2xf32>, tensor<5x2xi64>, tensor<5x2xf32>) -> tensor<3x4x2xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<3x4xf32>, %i: tensor<2xi32>) {
  %0 = "stablehlo.torch_index_select"(%a, %i) {dim = 1 : i64, batch_dims = 0 : i64} : (tensor<3x4xf32>, tensor<2xi32>) -> tensor<3x2xf32>
  return
}
// -----
// error: dim = 2 is out of range
func.func @main(%a: tensor<3x4xf32>, %i: tensor<2xi32>) {
  %0 = "stablehlo.torch_index_select"(%a, %i) {dim = 2 : i64, batch_dims = 0 : i64} : (tensor<3x4xf32>, tensor<2xi32>) -> tensor<3x2xf32>
  return
}
