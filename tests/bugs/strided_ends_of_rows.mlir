// Steps of 2 to 4 in rows whose ends are masked, up to the last element of the operand: whole vectors are loaded under masks of
// their own, and what is wanted is picked from them.
module {
  func.func @main(%arg0: tensor<30x2xf32>, %arg1: tensor<100xf32>, %arg2: tensor<21x4xf32>, %arg3: tensor<11x2xf64>, %arg4: tensor<100xf64>)
      -> (tensor<100xf32>, tensor<100xf32>, tensor<100xf64>) {
    %zero = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %one = stablehlo.constant dense<0x7F800000> : tensor<f32>
    %0 = stablehlo.slice %arg0 [0:30, 1:2] : (tensor<30x2xf32>) -> tensor<30x1xf32>
    %1 = stablehlo.reshape %0 : (tensor<30x1xf32>) -> tensor<30xf32>
    %2 = stablehlo.broadcast_in_dim %1, dims = [1] : (tensor<30xf32>) -> tensor<100x30xf32>
    %3 = stablehlo.broadcast_in_dim %arg1, dims = [0] : (tensor<100xf32>) -> tensor<100x30xf32>
    %4 = stablehlo.multiply %2, %3 : tensor<100x30xf32>
    %5 = stablehlo.reduce(%4 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<100x30xf32>, tensor<f32>) -> tensor<100xf32>
    %6 = stablehlo.slice %arg2 [0:21, 3:4] : (tensor<21x4xf32>) -> tensor<21x1xf32>
    %7 = stablehlo.reshape %6 : (tensor<21x1xf32>) -> tensor<21xf32>
    %8 = stablehlo.broadcast_in_dim %7, dims = [1] : (tensor<21xf32>) -> tensor<100x21xf32>
    %9 = stablehlo.broadcast_in_dim %arg1, dims = [0] : (tensor<100xf32>) -> tensor<100x21xf32>
    %10 = stablehlo.add %8, %9 : tensor<100x21xf32>
    %11 = stablehlo.reduce(%10 init: %one) applies stablehlo.minimum across dimensions = [1] : (tensor<100x21xf32>, tensor<f32>) -> tensor<100xf32>
    %zero64 = stablehlo.constant dense<0.000000e+00> : tensor<f64>
    %12 = stablehlo.slice %arg3 [0:11, 1:2] : (tensor<11x2xf64>) -> tensor<11x1xf64>
    %13 = stablehlo.reshape %12 : (tensor<11x1xf64>) -> tensor<11xf64>
    %14 = stablehlo.broadcast_in_dim %13, dims = [1] : (tensor<11xf64>) -> tensor<100x11xf64>
    %15 = stablehlo.broadcast_in_dim %arg4, dims = [0] : (tensor<100xf64>) -> tensor<100x11xf64>
    %16 = stablehlo.multiply %14, %15 : tensor<100x11xf64>
    %17 = stablehlo.reduce(%16 init: %zero64) applies stablehlo.add across dimensions = [1] : (tensor<100x11xf64>, tensor<f64>) -> tensor<100xf64>
    return %5, %11, %17 : tensor<100xf32>, tensor<100xf32>, tensor<100xf64>
  }
}
