// Four vectors of complex numbers at a time would be more lanes in memory than a vector has.
module {
  func.func @main(%a: tensor<128xcomplex<f32>>, %b: tensor<128xf32>) -> (tensor<128xcomplex<f32>>, tensor<128xf32>) {
    %0 = stablehlo.exponential %a : tensor<128xcomplex<f32>>
    %1 = stablehlo.exponential %0 : tensor<128xcomplex<f32>>
    %2 = stablehlo.complex %b, %b : tensor<128xcomplex<f32>>
    %3 = stablehlo.multiply %2, %2 : tensor<128xcomplex<f32>>
    %4 = stablehlo.multiply %3, %2 : tensor<128xcomplex<f32>>
    %5 = stablehlo.multiply %4, %2 : tensor<128xcomplex<f32>>
    %6 = stablehlo.multiply %5, %2 : tensor<128xcomplex<f32>>
    %7 = stablehlo.multiply %6, %2 : tensor<128xcomplex<f32>>
    %8 = stablehlo.multiply %7, %2 : tensor<128xcomplex<f32>>
    %9 = stablehlo.multiply %8, %2 : tensor<128xcomplex<f32>>
    %10 = stablehlo.multiply %9, %2 : tensor<128xcomplex<f32>>
    %11 = stablehlo.real %10 : (tensor<128xcomplex<f32>>) -> tensor<128xf32>
    return %1, %11 : tensor<128xcomplex<f32>>, tensor<128xf32>
  }
}
