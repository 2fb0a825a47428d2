// Small products inside a loop that is one function: tiles of every kind, rows and columns left over.
func.func @main(%a: tensor<9x21xf32>, %v: tensor<21xf32>, %b: tensor<21x19xf32>, %c: tensor<8x16xf32>, %w: tensor<16xf32>, %e: tensor<2x3x3xf64>, %f: tensor<7x21xf32>)
    -> (tensor<i32>, tensor<9xf32>, tensor<9x19xf32>, tensor<8xf32>, tensor<2x3x3xf64>, tensor<9x7xf32>, tensor<19xf32>, tensor<21xf32>, tensor<5x4xf32>) {
  %0 = stablehlo.constant dense<0> : tensor<i32>
  %z0 = stablehlo.constant dense<0.0> : tensor<9xf32>
  %z1 = stablehlo.constant dense<0.0> : tensor<9x19xf32>
  %z2 = stablehlo.constant dense<0.0> : tensor<8xf32>
  %z3 = stablehlo.constant dense<0.0> : tensor<2x3x3xf64>
  %z4 = stablehlo.constant dense<0.0> : tensor<9x7xf32>
  %z5 = stablehlo.constant dense<0.0> : tensor<19xf32>
  %z6 = stablehlo.constant dense<0.0> : tensor<21xf32>
  %z7 = stablehlo.constant dense<0.0> : tensor<5x4xf32>
  %r:9 = stablehlo.while(%i = %0, %s0 = %z0, %s1 = %z1, %s2 = %z2, %s3 = %z3, %s4 = %z4, %s5 = %z5, %s6 = %z6, %s7 = %z7) : tensor<i32>, tensor<9xf32>, tensor<9x19xf32>, tensor<8xf32>, tensor<2x3x3xf64>, tensor<9x7xf32>, tensor<19xf32>, tensor<21xf32>, tensor<5x4xf32>
   cond {
    %n = stablehlo.constant dense<3> : tensor<i32>
    %t = stablehlo.compare LT, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %t : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %i1 = stablehlo.add %i, %one : tensor<i32>
    %p0 = stablehlo.dot_general %a, %v, contracting_dims = [1] x [0] : (tensor<9x21xf32>, tensor<21xf32>) -> tensor<9xf32>
    %p1 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<9x21xf32>, tensor<21x19xf32>) -> tensor<9x19xf32>
    %p2 = stablehlo.dot_general %c, %w, contracting_dims = [1] x [0] : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8xf32>
    %p3 = stablehlo.dot_general %e, %e, batching_dims = [0] x [0], contracting_dims = [2] x [1] : (tensor<2x3x3xf64>, tensor<2x3x3xf64>) -> tensor<2x3x3xf64>
    %p4 = stablehlo.dot_general %a, %f, contracting_dims = [1] x [1] : (tensor<9x21xf32>, tensor<7x21xf32>) -> tensor<9x7xf32>
    %p5 = stablehlo.dot_general %v, %b, contracting_dims = [0] x [0] : (tensor<21xf32>, tensor<21x19xf32>) -> tensor<19xf32>
    %p6 = stablehlo.dot_general %a, %s0, contracting_dims = [0] x [0] : (tensor<9x21xf32>, tensor<9xf32>) -> tensor<21xf32>
    %b5 = stablehlo.slice %b [0:9, 0:5] : (tensor<21x19xf32>) -> tensor<9x5xf32>
    %b4 = stablehlo.slice %b [3:12, 7:11] : (tensor<21x19xf32>) -> tensor<9x4xf32>
    %p7 = stablehlo.dot_general %b5, %b4, contracting_dims = [0] x [0] : (tensor<9x5xf32>, tensor<9x4xf32>) -> tensor<5x4xf32>
    %q0 = stablehlo.add %s0, %p0 : tensor<9xf32>
    %q1 = stablehlo.add %s1, %p1 : tensor<9x19xf32>
    %q2 = stablehlo.add %s2, %p2 : tensor<8xf32>
    %q3 = stablehlo.add %s3, %p3 : tensor<2x3x3xf64>
    %q4 = stablehlo.add %s4, %p4 : tensor<9x7xf32>
    %q5 = stablehlo.add %s5, %p5 : tensor<19xf32>
    %q6 = stablehlo.add %s6, %p6 : tensor<21xf32>
    %q7 = stablehlo.add %s7, %p7 : tensor<5x4xf32>
    stablehlo.return %i1, %q0, %q1, %q2, %q3, %q4, %q5, %q6, %q7 : tensor<i32>, tensor<9xf32>, tensor<9x19xf32>, tensor<8xf32>, tensor<2x3x3xf64>, tensor<9x7xf32>, tensor<19xf32>, tensor<21xf32>, tensor<5x4xf32>
  }
  return %r#0, %r#1, %r#2, %r#3, %r#4, %r#5, %r#6, %r#7, %r#8 : tensor<i32>, tensor<9xf32>, tensor<9x19xf32>, tensor<8xf32>, tensor<2x3x3xf64>, tensor<9x7xf32>, tensor<19xf32>, tensor<21xf32>, tensor<5x4xf32>
}
