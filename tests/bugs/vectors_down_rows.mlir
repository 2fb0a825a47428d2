// Rows of a few elements, each computed in its own way and dear: vectors run down the rows, and what is left of them goes
// element by element. Beside it a loop over few elements of which one needs what another one computes.
module {
  func.func @main(%a: tensor<37x2xf32>, %b: tensor<5x19x3xf32>, %c: tensor<16x4xf64>, %d: tensor<21x3xi32>, %e: tensor<2xf32>) -> (tensor<37x2xf32>, tensor<37x2xf32>, tensor<5x19x3xf32>, tensor<16x4xf64>, tensor<21x3xi32>, tensor<2xf32>) {
    %a0 = stablehlo.slice %a [0:37, 0:1] : (tensor<37x2xf32>) -> tensor<37x1xf32>
    %a1 = stablehlo.slice %a [0:37, 1:2] : (tensor<37x2xf32>) -> tensor<37x1xf32>
    %a2 = stablehlo.sine %a0 : tensor<37x1xf32>
    %a3 = stablehlo.tanh %a1 : tensor<37x1xf32>
    %a4 = stablehlo.multiply %a2, %a3 : tensor<37x1xf32>
    %a5 = stablehlo.concatenate %a4, %a2, dim = 1 : (tensor<37x1xf32>, tensor<37x1xf32>) -> tensor<37x2xf32>
    %a6 = stablehlo.cosine %a5 : tensor<37x2xf32>
    %a7 = stablehlo.add %a5, %a : tensor<37x2xf32>
    %b0 = stablehlo.slice %b [0:5, 0:19, 0:1] : (tensor<5x19x3xf32>) -> tensor<5x19x1xf32>
    %b1 = stablehlo.slice %b [0:5, 0:19, 1:3] : (tensor<5x19x3xf32>) -> tensor<5x19x2xf32>
    %b2 = stablehlo.exponential %b0 : tensor<5x19x1xf32>
    %b3 = stablehlo.sine %b1 : tensor<5x19x2xf32>
    %b4 = stablehlo.concatenate %b3, %b2, dim = 2 : (tensor<5x19x2xf32>, tensor<5x19x1xf32>) -> tensor<5x19x3xf32>
    %b5 = stablehlo.tanh %b4 : tensor<5x19x3xf32>
    %c0 = stablehlo.slice %c [0:16, 0:2] : (tensor<16x4xf64>) -> tensor<16x2xf64>
    %c1 = stablehlo.slice %c [0:16, 2:4] : (tensor<16x4xf64>) -> tensor<16x2xf64>
    %c2 = stablehlo.sine %c0 : tensor<16x2xf64>
    %c3 = stablehlo.logistic %c1 : tensor<16x2xf64>
    %c4 = stablehlo.concatenate %c3, %c2, dim = 1 : (tensor<16x2xf64>, tensor<16x2xf64>) -> tensor<16x4xf64>
    %d0 = stablehlo.slice %d [0:21, 0:1] : (tensor<21x3xi32>) -> tensor<21x1xi32>
    %d1 = stablehlo.slice %d [0:21, 1:2] : (tensor<21x3xi32>) -> tensor<21x1xi32>
    %d2 = stablehlo.constant dense<7> : tensor<21x1xi32>
    %d3 = stablehlo.divide %d0, %d2 : tensor<21x1xi32>
    %d4 = stablehlo.remainder %d1, %d2 : tensor<21x1xi32>
    %d5 = stablehlo.convert %d0 : (tensor<21x1xi32>) -> tensor<21x1xf32>
    %d6 = stablehlo.sine %d5 : tensor<21x1xf32>
    %d7 = stablehlo.convert %d6 : (tensor<21x1xf32>) -> tensor<21x1xi32>
    %d8 = stablehlo.concatenate %d3, %d7, %d4, dim = 1 : (tensor<21x1xi32>, tensor<21x1xi32>, tensor<21x1xi32>) -> tensor<21x3xi32>
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %ten = stablehlo.constant dense<10> : tensor<i32>
    %r:2 = stablehlo.while(%i = %zero, %y = %e) : tensor<i32>, tensor<2xf32>
    cond {
      %go = stablehlo.compare LT, %i, %ten : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %go : tensor<i1>
    } do {
      %next = stablehlo.add %i, %one : tensor<i32>
      %h = stablehlo.constant dense<1.250000e-01> : tensor<2xf32>
      %y0 = stablehlo.slice %y [0:1] : (tensor<2xf32>) -> tensor<1xf32>
      %y1 = stablehlo.slice %y [1:2] : (tensor<2xf32>) -> tensor<1xf32>
      %s0 = stablehlo.sine %y0 : tensor<1xf32>
      %f = stablehlo.concatenate %y1, %s0, dim = 0 : (tensor<1xf32>, tensor<1xf32>) -> tensor<2xf32>
      %g = stablehlo.multiply %f, %h : tensor<2xf32>
      %z = stablehlo.subtract %y, %g : tensor<2xf32>
      %z0 = stablehlo.slice %z [0:1] : (tensor<2xf32>) -> tensor<1xf32>
      %z1 = stablehlo.slice %z [1:2] : (tensor<2xf32>) -> tensor<1xf32>
      %t0 = stablehlo.sine %z0 : tensor<1xf32>
      %u = stablehlo.concatenate %z1, %t0, dim = 0 : (tensor<1xf32>, tensor<1xf32>) -> tensor<2xf32>
      %v = stablehlo.multiply %u, %h : tensor<2xf32>
      %w = stablehlo.subtract %y, %v : tensor<2xf32>
      stablehlo.return %next, %w : tensor<i32>, tensor<2xf32>
    }
    return %a6, %a7, %b5, %c4, %d8, %r#1 : tensor<37x2xf32>, tensor<37x2xf32>, tensor<5x19x3xf32>, tensor<16x4xf64>, tensor<21x3xi32>, tensor<2xf32>
  }
}
