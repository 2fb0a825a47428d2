// Slices, pads and joints of a dimension that is one with the short ones behind it, and some that
// cannot be: stepped, reversed, spread behind, of size 1.
func.func @main(%a: tensor<6x19x3xf32>, %b: tensor<6x2x3xf32>, %c: tensor<3xf32>, %i: tensor<i32>, %d: tensor<2x1x3x2x7xf32>)
    -> (tensor<4x9x3xf32>, tensor<6x25x3xf32>, tensor<6x23x3xf32>, tensor<6x21x3xf32>, tensor<6x5x3xf32>, tensor<6x10x3xf32>, tensor<6x19x3xf32>, tensor<2x1x3x1x7xf32>, tensor<6x19x3xf32>) {
  %zero = stablehlo.constant dense<7.0> : tensor<f32>
  %o = stablehlo.constant dense<0> : tensor<i32>
  %0 = stablehlo.slice %a [1:5, 7:16, 0:3] : (tensor<6x19x3xf32>) -> tensor<4x9x3xf32>
  %1 = stablehlo.pad %a, %zero, low = [0, 2, 0], high = [0, 4, 0], interior = [0, 0, 0] : (tensor<6x19x3xf32>, tensor<f32>) -> tensor<6x25x3xf32>
  %2 = stablehlo.concatenate %b, %a, %b, dim = 1 : (tensor<6x2x3xf32>, tensor<6x19x3xf32>, tensor<6x2x3xf32>) -> tensor<6x23x3xf32>
  %c2 = stablehlo.broadcast_in_dim %c, dims = [2] : (tensor<3xf32>) -> tensor<6x2x3xf32>
  %3 = stablehlo.concatenate %a, %c2, dim = 1 : (tensor<6x19x3xf32>, tensor<6x2x3xf32>) -> tensor<6x21x3xf32>
  %4 = stablehlo.dynamic_slice %a, %o, %i, %o, sizes = [6, 5, 3] : (tensor<6x19x3xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<6x5x3xf32>
  %5 = stablehlo.slice %a [0:6, 0:19:2, 0:3] : (tensor<6x19x3xf32>) -> tensor<6x10x3xf32>
  %6 = stablehlo.reverse %a, dims = [1] : tensor<6x19x3xf32>
  %7 = stablehlo.slice %d [0:2, 0:1:4, 0:3, 0:2:2, 0:7] : (tensor<2x1x3x2x7xf32>) -> tensor<2x1x3x1x7xf32>
  %c3 = stablehlo.broadcast_in_dim %c, dims = [2] : (tensor<3xf32>) -> tensor<6x23x3xf32>
  %8 = stablehlo.add %2, %c3 : tensor<6x23x3xf32>
  %9 = stablehlo.slice %8 [0:6, 3:22, 0:3] : (tensor<6x23x3xf32>) -> tensor<6x19x3xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7, %9 : tensor<4x9x3xf32>, tensor<6x25x3xf32>, tensor<6x23x3xf32>, tensor<6x21x3xf32>, tensor<6x5x3xf32>, tensor<6x10x3xf32>, tensor<6x19x3xf32>, tensor<2x1x3x1x7xf32>, tensor<6x19x3xf32>
}
