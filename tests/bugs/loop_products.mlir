// Products of matrices that a small loop only reads with vectors that it carries: turned in registers,
// along rows, and with rows that are no multiple of a vector.
func.func @main(%a0: tensor<16x16xf32>, %x0: tensor<16xf32>, %a1: tensor<8x8xf32>, %x1: tensor<8xf32>, %a2: tensor<32x32xf32>, %x2: tensor<32xf32>, %a3: tensor<24x24xf32>, %x3: tensor<24xf32>, %a4: tensor<64x64xf32>, %x4: tensor<64xf32>, %a5: tensor<20x40xf32>, %x5: tensor<40xf32>, %a6: tensor<8x8xf64>, %x6: tensor<8xf64>, %a7: tensor<16x16xf64>, %x7: tensor<16xf64>, %a8: tensor<4x4xf64>, %x8: tensor<4xf64>, %a9: tensor<12x12xf32>, %x9: tensor<12xf32>) -> (tensor<16xf32>, tensor<8xf32>, tensor<32xf32>, tensor<24xf32>, tensor<64xf32>, tensor<40xf32>, tensor<8xf64>, tensor<16xf64>, tensor<4xf64>, tensor<12xf32>) {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %r:11 = stablehlo.while(%i = %zero, %y0 = %x0, %y1 = %x1, %y2 = %x2, %y3 = %x3, %y4 = %x4, %y5 = %x5, %y6 = %x6, %y7 = %x7, %y8 = %x8, %y9 = %x9) : tensor<i32>, tensor<16xf32>, tensor<8xf32>, tensor<32xf32>, tensor<24xf32>, tensor<64xf32>, tensor<40xf32>, tensor<8xf64>, tensor<16xf64>, tensor<4xf64>, tensor<12xf32>
  cond {
    %few = stablehlo.constant dense<3> : tensor<i32>
    %go = stablehlo.compare LT, %i, %few : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %go : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %next = stablehlo.add %i, %one : tensor<i32>
    %p0 = stablehlo.dot_general %a0, %y0, contracting_dims = [1] x [0] : (tensor<16x16xf32>, tensor<16xf32>) -> tensor<16xf32>
    %t0 = stablehlo.tanh %p0 : tensor<16xf32>
    %p1 = stablehlo.dot_general %a1, %y1, contracting_dims = [1] x [0] : (tensor<8x8xf32>, tensor<8xf32>) -> tensor<8xf32>
    %t1 = stablehlo.tanh %p1 : tensor<8xf32>
    %p2 = stablehlo.dot_general %a2, %y2, contracting_dims = [1] x [0] : (tensor<32x32xf32>, tensor<32xf32>) -> tensor<32xf32>
    %t2 = stablehlo.tanh %p2 : tensor<32xf32>
    %p3 = stablehlo.dot_general %a3, %y3, contracting_dims = [1] x [0] : (tensor<24x24xf32>, tensor<24xf32>) -> tensor<24xf32>
    %t3 = stablehlo.tanh %p3 : tensor<24xf32>
    %p4 = stablehlo.dot_general %a4, %y4, contracting_dims = [1] x [0] : (tensor<64x64xf32>, tensor<64xf32>) -> tensor<64xf32>
    %t4 = stablehlo.tanh %p4 : tensor<64xf32>
    %p5 = stablehlo.dot_general %a5, %y5, contracting_dims = [1] x [0] : (tensor<20x40xf32>, tensor<40xf32>) -> tensor<20xf32>
    %z5 = stablehlo.concatenate %p5, %p5, dim = 0 : (tensor<20xf32>, tensor<20xf32>) -> tensor<40xf32>
    %t5 = stablehlo.tanh %z5 : tensor<40xf32>
    %p6 = stablehlo.dot_general %a6, %y6, contracting_dims = [1] x [0] : (tensor<8x8xf64>, tensor<8xf64>) -> tensor<8xf64>
    %t6 = stablehlo.tanh %p6 : tensor<8xf64>
    %p7 = stablehlo.dot_general %a7, %y7, contracting_dims = [1] x [0] : (tensor<16x16xf64>, tensor<16xf64>) -> tensor<16xf64>
    %t7 = stablehlo.tanh %p7 : tensor<16xf64>
    %p8 = stablehlo.dot_general %a8, %y8, contracting_dims = [1] x [0] : (tensor<4x4xf64>, tensor<4xf64>) -> tensor<4xf64>
    %t8 = stablehlo.tanh %p8 : tensor<4xf64>
    %p9 = stablehlo.dot_general %a9, %y9, contracting_dims = [1] x [0] : (tensor<12x12xf32>, tensor<12xf32>) -> tensor<12xf32>
    %t9 = stablehlo.tanh %p9 : tensor<12xf32>
    stablehlo.return %next, %t0, %t1, %t2, %t3, %t4, %t5, %t6, %t7, %t8, %t9 : tensor<i32>, tensor<16xf32>, tensor<8xf32>, tensor<32xf32>, tensor<24xf32>, tensor<64xf32>, tensor<40xf32>, tensor<8xf64>, tensor<16xf64>, tensor<4xf64>, tensor<12xf32>
  }
  return %r#1, %r#2, %r#3, %r#4, %r#5, %r#6, %r#7, %r#8, %r#9, %r#10 : tensor<16xf32>, tensor<8xf32>, tensor<32xf32>, tensor<24xf32>, tensor<64xf32>, tensor<40xf32>, tensor<8xf64>, tensor<16xf64>, tensor<4xf64>, tensor<12xf32>
}
