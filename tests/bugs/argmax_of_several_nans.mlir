// NaN at 5 and at 8, with vectors of 4 or 8: the first counts, whatever lane it falls into.
module {
  func.func @main(%arg0: tensor<3x17xf32>) -> tensor<3xi32> {
    %0 = stablehlo.iota dim = 1 : tensor<3x17xi32>
    %1 = stablehlo.constant dense<5> : tensor<3x17xi32>
    %2 = stablehlo.constant dense<8> : tensor<3x17xi32>
    %3 = stablehlo.compare EQ, %0, %1, SIGNED : (tensor<3x17xi32>, tensor<3x17xi32>) -> tensor<3x17xi1>
    %4 = stablehlo.compare EQ, %0, %2, SIGNED : (tensor<3x17xi32>, tensor<3x17xi32>) -> tensor<3x17xi1>
    %5 = stablehlo.or %3, %4 : tensor<3x17xi1>
    %6 = stablehlo.constant dense<0x7FC00000> : tensor<3x17xf32>
    %7 = stablehlo.select %5, %6, %arg0 : tensor<3x17xi1>, tensor<3x17xf32>
    %8 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %9 = stablehlo.constant dense<0> : tensor<i32>
    %10:2 = stablehlo.reduce(%7 init: %8), (%0 init: %9) across dimensions = [1] : (tensor<3x17xf32>, tensor<3x17xi32>, tensor<f32>, tensor<i32>) -> (tensor<3xf32>, tensor<3xi32>)
     reducer(%a: tensor<f32>, %b: tensor<f32>) (%i: tensor<i32>, %j: tensor<i32>) {
      %11 = stablehlo.compare GT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %12 = stablehlo.compare NE, %a, %a, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %13 = stablehlo.or %11, %12 : tensor<i1>
      %14 = stablehlo.compare EQ, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %15 = stablehlo.compare LT, %i, %j, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %16 = stablehlo.and %14, %15 : tensor<i1>
      %17 = stablehlo.or %13, %16 : tensor<i1>
      %18 = stablehlo.select %13, %a, %b : tensor<i1>, tensor<f32>
      %19 = stablehlo.select %17, %i, %j : tensor<i1>, tensor<i32>
      stablehlo.return %18, %19 : tensor<f32>, tensor<i32>
    }
    return %10#1 : tensor<3xi32>
  }
}
