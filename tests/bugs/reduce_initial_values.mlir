// Two reductions in one, and a product of complex numbers, with initial values that are not neutral:
// they count once, however many lanes there are.
module {
  func.func @main(%arg0: tensor<64x37xf32>, %arg1: tensor<64x37xi32>, %arg2: tensor<100xcomplex<f32>>) -> (tensor<64xf32>, tensor<64xi32>, tensor<complex<f32>>) {
    %five = stablehlo.constant dense<5.000000e+00> : tensor<f32>
    %three = stablehlo.constant dense<3> : tensor<i32>
    %0:2 = stablehlo.reduce(%arg0 init: %five), (%arg1 init: %three) across dimensions = [1] : (tensor<64x37xf32>, tensor<64x37xi32>, tensor<f32>, tensor<i32>) -> (tensor<64xf32>, tensor<64xi32>)
     reducer(%a: tensor<f32>, %c: tensor<f32>) (%b: tensor<i32>, %d: tensor<i32>) {
      %1 = stablehlo.add %a, %c : tensor<f32>
      %2 = stablehlo.multiply %b, %d : tensor<i32>
      stablehlo.return %1, %2 : tensor<f32>, tensor<i32>
    }
    %two = stablehlo.constant dense<(0.000000e+00,2.000000e+00)> : tensor<complex<f32>>
    %one = stablehlo.constant dense<(1.000000e+00,1.000000e+00)> : tensor<100xcomplex<f32>>
    %3 = stablehlo.multiply %arg2, %one : tensor<100xcomplex<f32>>
    %4 = stablehlo.reduce(%3 init: %two) applies stablehlo.multiply across dimensions = [0] : (tensor<100xcomplex<f32>>, tensor<complex<f32>>) -> tensor<complex<f32>>
    return %0#0, %0#1, %4 : tensor<64xf32>, tensor<64xi32>, tensor<complex<f32>>
  }
}
