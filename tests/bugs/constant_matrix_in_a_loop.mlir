// A matrix of one number, which others have in registers, is read by a product in a small loop from memory.
func.func @main(%s: tensor<12x11xf32>) -> tensor<12x11xf32> {
  %c = stablehlo.constant dense<0> : tensor<i32>
  %r:2 = stablehlo.while(%i = %c, %x = %s) : tensor<i32>, tensor<12x11xf32>
  cond {
    %n = stablehlo.constant dense<3> : tensor<i32>
    %q = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %q : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %w = stablehlo.constant dense<0.25> : tensor<12x12xf32>
    %y = stablehlo.dot_general %w, %x, contracting_dims = [1] x [0] : (tensor<12x12xf32>, tensor<12x11xf32>) -> tensor<12x11xf32>
    %z = stablehlo.tanh %y : tensor<12x11xf32>
    %j = stablehlo.add %i, %one : tensor<i32>
    stablehlo.return %j, %z : tensor<i32>, tensor<12x11xf32>
  }
  return %r#1 : tensor<12x11xf32>
}
