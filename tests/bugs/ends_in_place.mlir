// Rows that fill no whole number of vectors, changed in place: the last vector of a row begins in the
// one before and must be computed of what was there before. Blocks of long rows too, the last of them
// shorter than a vector (16,387 elements) and longer (16,397).
func.func @main(%x: tensor<3x4xf32>, %w: tensor<4x16387xf32>, %v: tensor<4x16397xf32>, %u: tensor<61x4xf32>, %t: tensor<4x37xf32>,
                %c: tensor<3xf32>) -> (tensor<16387x4xf32>, tensor<16397x4xf32>, tensor<37x4xf32>, tensor<37x4xf16>) {
  %columns = stablehlo.broadcast_in_dim %c, dims = [0] : (tensor<3xf32>) -> tensor<3x16387xf32>
  %more = stablehlo.broadcast_in_dim %c, dims = [0] : (tensor<3xf32>) -> tensor<3x16397xf32>
  %a0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<3x4xf32>, tensor<4x16387xf32>) -> tensor<3x16387xf32>
  %a1 = stablehlo.multiply %a0, %a0 : tensor<3x16387xf32>
  %a2 = stablehlo.subtract %a1, %columns : tensor<3x16387xf32>
  %b0 = stablehlo.dot_general %x, %v, contracting_dims = [1] x [0] : (tensor<3x4xf32>, tensor<4x16397xf32>) -> tensor<3x16397xf32>
  %b1 = stablehlo.multiply %b0, %b0 : tensor<3x16397xf32>
  %b2 = stablehlo.subtract %b1, %more : tensor<3x16397xf32>
  %d0 = stablehlo.dot_general %u, %t, contracting_dims = [1] x [0] : (tensor<61x4xf32>, tensor<4x37xf32>) -> tensor<61x37xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %d1 = stablehlo.exponential %d0 : tensor<61x37xf32>
  %sum = stablehlo.reduce(%d1 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<61x37xf32>, tensor<f32>) -> tensor<61xf32>
  %sums = stablehlo.broadcast_in_dim %sum, dims = [0] : (tensor<61xf32>) -> tensor<61x37xf32>
  %d2 = stablehlo.divide %d1, %sums : tensor<61x37xf32>
  %half = stablehlo.convert %u : (tensor<61x4xf32>) -> tensor<61x4xf16>
  %halves = stablehlo.convert %t : (tensor<4x37xf32>) -> tensor<4x37xf16>
  %e0 = stablehlo.dot_general %half, %halves, contracting_dims = [1] x [0] : (tensor<61x4xf16>, tensor<4x37xf16>) -> tensor<61x37xf16>
  %first = stablehlo.slice %u [0:61, 0:1] : (tensor<61x4xf32>) -> tensor<61x1xf32>
  %flat = stablehlo.reshape %first : (tensor<61x1xf32>) -> tensor<61xf32>
  %narrow = stablehlo.convert %flat : (tensor<61xf32>) -> tensor<61xf16>
  %rows = stablehlo.broadcast_in_dim %narrow, dims = [0] : (tensor<61xf16>) -> tensor<61x37xf16>
  %e1 = stablehlo.multiply %e0, %e0 : tensor<61x37xf16>
  %e2 = stablehlo.subtract %e1, %rows : tensor<61x37xf16>
  %a = stablehlo.dot_general %a2, %x, contracting_dims = [0] x [0] : (tensor<3x16387xf32>, tensor<3x4xf32>) -> tensor<16387x4xf32>
  %b = stablehlo.dot_general %b2, %x, contracting_dims = [0] x [0] : (tensor<3x16397xf32>, tensor<3x4xf32>) -> tensor<16397x4xf32>
  %d = stablehlo.dot_general %d2, %u, contracting_dims = [0] x [0] : (tensor<61x37xf32>, tensor<61x4xf32>) -> tensor<37x4xf32>
  %e = stablehlo.dot_general %e2, %half, contracting_dims = [0] x [0] : (tensor<61x37xf16>, tensor<61x4xf16>) -> tensor<37x4xf16>
  return %a, %b, %d, %e : tensor<16387x4xf32>, tensor<16397x4xf32>, tensor<37x4xf32>, tensor<37x4xf16>
}
