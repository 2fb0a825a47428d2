// Of two complex numbers with a NaN part the first one is the maximum, also where it is a constant and where the same
// maximum of the operands the other way round is computed beside it.
module {
  func.func @main(%arg0: tensor<8xcomplex<f32>>) -> (tensor<8xcomplex<f32>>, tensor<8xcomplex<f32>>, tensor<8xcomplex<f32>>) {
    %0 = stablehlo.constant dense<(0x7FC00000, -3.0)> : tensor<8xcomplex<f32>>
    %1 = stablehlo.add %arg0, %0 : tensor<8xcomplex<f32>>
    %2 = stablehlo.maximum %0, %1 : tensor<8xcomplex<f32>>
    %3 = stablehlo.minimum %arg0, %1 : tensor<8xcomplex<f32>>
    %4 = stablehlo.minimum %1, %arg0 : tensor<8xcomplex<f32>>
    %5 = stablehlo.add %3, %4 : tensor<8xcomplex<f32>>
    return %2, %3, %5 : tensor<8xcomplex<f32>>, tensor<8xcomplex<f32>>, tensor<8xcomplex<f32>>
  }
}
