// A loop adds up products of what it computes with arrays that it reads from both ends.
func.func @main(%xs: tensor<5x2x32xf32>, %zs: tensor<5x2x32xf32>, %s: tensor<2x8xf32>) -> (tensor<32x8xf32>, tensor<32x8xf32>) {
  %0 = stablehlo.constant dense<0> : tensor<i32>
  %z = stablehlo.constant dense<0.0> : tensor<32x8xf32>
  %r:4 = stablehlo.while(%i = %0, %a = %s, %p = %z, %q = %z) : tensor<i32>, tensor<2x8xf32>, tensor<32x8xf32>, tensor<32x8xf32>
   cond {
    %n = stablehlo.constant dense<5> : tensor<i32>
    %t = stablehlo.compare LT, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %t : tensor<i1>
  } do {
    %k0 = stablehlo.constant dense<0> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %four = stablehlo.constant dense<4> : tensor<i32>
    %i1 = stablehlo.add %i, %one : tensor<i32>
    %j = stablehlo.subtract %four, %i : tensor<i32>
    %x0 = stablehlo.dynamic_slice %xs, %i, %k0, %k0, sizes = [1, 2, 32] : (tensor<5x2x32xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x2x32xf32>
    %x = stablehlo.reshape %x0 : (tensor<1x2x32xf32>) -> tensor<2x32xf32>
    %y0 = stablehlo.dynamic_slice %zs, %j, %k0, %k0, sizes = [1, 2, 32] : (tensor<5x2x32xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x2x32xf32>
    %y = stablehlo.reshape %y0 : (tensor<1x2x32xf32>) -> tensor<2x32xf32>
    %b = stablehlo.tanh %a : tensor<2x8xf32>
    %c = stablehlo.add %b, %b : tensor<2x8xf32>
    %d = stablehlo.dot_general %x, %c, contracting_dims = [0] x [0] : (tensor<2x32xf32>, tensor<2x8xf32>) -> tensor<32x8xf32>
    %e = stablehlo.dot_general %y, %c, contracting_dims = [0] x [0] : (tensor<2x32xf32>, tensor<2x8xf32>) -> tensor<32x8xf32>
    %p1 = stablehlo.add %p, %d : tensor<32x8xf32>
    %q1 = stablehlo.add %q, %e : tensor<32x8xf32>
    stablehlo.return %i1, %c, %p1, %q1 : tensor<i32>, tensor<2x8xf32>, tensor<32x8xf32>, tensor<32x8xf32>
  }
  return %r#2, %r#3 : tensor<32x8xf32>, tensor<32x8xf32>
}
