// Arrays of a few elements that a loop writes and reads again, one by one and in vectors, whole and
// in part, after other stores to the same place.
func.func @main(%x: tensor<3xf32>, %y: tensor<9xf32>, %z: tensor<16xf32>) -> (tensor<i32>, tensor<3xf32>, tensor<9xf32>, tensor<16xf32>) {
  %0 = stablehlo.constant dense<0> : tensor<i32>
  %r:4 = stablehlo.while(%i = %0, %a = %x, %b = %y, %c = %z) : tensor<i32>, tensor<3xf32>, tensor<9xf32>, tensor<16xf32>
   cond {
    %n = stablehlo.constant dense<5> : tensor<i32>
    %t = stablehlo.compare LT, %i, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %t : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %i1 = stablehlo.add %i, %one : tensor<i32>
    %a0 = stablehlo.slice %a [0:1] : (tensor<3xf32>) -> tensor<1xf32>
    %a1 = stablehlo.slice %a [1:3] : (tensor<3xf32>) -> tensor<2xf32>
    %a2 = stablehlo.concatenate %a1, %a0, dim = 0 : (tensor<2xf32>, tensor<1xf32>) -> tensor<3xf32>
    %s = stablehlo.reduce(%b init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<9xf32>, tensor<f32>) -> tensor<f32>
    %sb = stablehlo.broadcast_in_dim %s, dims = [] : (tensor<f32>) -> tensor<9xf32>
    %b1 = stablehlo.subtract %b, %sb : tensor<9xf32>
    %b2 = stablehlo.dynamic_update_slice %b1, %a2, %i : (tensor<9xf32>, tensor<3xf32>, tensor<i32>) -> tensor<9xf32>
    %b3 = stablehlo.slice %b2 [2:5] : (tensor<9xf32>) -> tensor<3xf32>
    %a3 = stablehlo.add %a2, %b3 : tensor<3xf32>
    %c1 = stablehlo.dynamic_update_slice %c, %b2, %i : (tensor<16xf32>, tensor<9xf32>, tensor<i32>) -> tensor<16xf32>
    %c2 = stablehlo.reverse %c1, dims = [0] : tensor<16xf32>
    %c3 = stablehlo.add %c1, %c2 : tensor<16xf32>
    %h = stablehlo.constant dense<0.25> : tensor<16xf32>
    %c4 = stablehlo.multiply %c3, %h : tensor<16xf32>
    stablehlo.return %i1, %a3, %b2, %c4 : tensor<i32>, tensor<3xf32>, tensor<9xf32>, tensor<16xf32>
  }
  return %r#0, %r#1, %r#2, %r#3 : tensor<i32>, tensor<3xf32>, tensor<9xf32>, tensor<16xf32>
}
