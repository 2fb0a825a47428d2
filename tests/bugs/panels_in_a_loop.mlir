// Matrices from outside of a loop that its products read in panels: of some rows, and of one, each with columns that
// fill no panel; twice the same matrix, and one that a nested loop multiplies by.
module {
  func.func @main(%w: tensor<40x72xf32>, %u: tensor<30x150xf64>, %x: tensor<5x40xf32>, %y: tensor<1x30xf64>) -> (tensor<5x40xf32>, tensor<5x40xf32>, tensor<1x30xf64>) {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %two = stablehlo.constant dense<2> : tensor<i32>
    %nine = stablehlo.constant dense<9> : tensor<i32>
    %half = stablehlo.constant dense<6.250000e-02> : tensor<5x72xf32>
    %tenth = stablehlo.constant dense<6.250000e-02> : tensor<1x150xf64>
    %r:4 = stablehlo.while(%i = %zero, %a = %x, %b = %x, %c = %y) : tensor<i32>, tensor<5x40xf32>, tensor<5x40xf32>, tensor<1x30xf64>
    cond {
      %go = stablehlo.compare LT, %i, %nine : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %go : tensor<i1>
    } do {
      %next = stablehlo.add %i, %one : tensor<i32>
      %p = stablehlo.dot_general %a, %w, contracting_dims = [1] x [0] : (tensor<5x40xf32>, tensor<40x72xf32>) -> tensor<5x72xf32>
      %p1 = stablehlo.multiply %p, %half : tensor<5x72xf32>
      %p2 = stablehlo.slice %p1 [0:5, 32:72] : (tensor<5x72xf32>) -> tensor<5x40xf32>
      %q = stablehlo.dot_general %b, %w, contracting_dims = [1] x [0] : (tensor<5x40xf32>, tensor<40x72xf32>) -> tensor<5x72xf32>
      %q1 = stablehlo.multiply %q, %half : tensor<5x72xf32>
      %q2 = stablehlo.slice %q1 [0:5, 1:41] : (tensor<5x72xf32>) -> tensor<5x40xf32>
      %q3 = stablehlo.subtract %p2, %q2 : tensor<5x40xf32>
      %s:2 = stablehlo.while(%j = %zero, %d = %c) : tensor<i32>, tensor<1x30xf64>
      cond {
        %more = stablehlo.compare LT, %j, %two : (tensor<i32>, tensor<i32>) -> tensor<i1>
        stablehlo.return %more : tensor<i1>
      } do {
        %after = stablehlo.add %j, %one : tensor<i32>
        %e = stablehlo.dot_general %d, %u, contracting_dims = [1] x [0] : (tensor<1x30xf64>, tensor<30x150xf64>) -> tensor<1x150xf64>
        %f = stablehlo.multiply %e, %tenth : tensor<1x150xf64>
        %g = stablehlo.slice %f [0:1, 120:150] : (tensor<1x150xf64>) -> tensor<1x30xf64>
        stablehlo.return %after, %g : tensor<i32>, tensor<1x30xf64>
      }
      stablehlo.return %next, %p2, %q3, %s#1 : tensor<i32>, tensor<5x40xf32>, tensor<5x40xf32>, tensor<1x30xf64>
    }
    return %r#1, %r#2, %r#3 : tensor<5x40xf32>, tensor<5x40xf32>, tensor<1x30xf64>
  }
}
