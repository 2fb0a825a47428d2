// Short rows that are rolled, joined and padded within vectors that run across them.
module {
  func.func @main(%a: tensor<203x8xf32>, %b: tensor<203x3xf32>, %c: tensor<97x5xui8>, %d: tensor<61x3xf64>, %e: tensor<77x6xf16>, %p: tensor<45x7xi1>, %z: tensor<33x3xcomplex<f32>>) -> (tensor<203x8xf32>, tensor<203x11xf32>, tensor<203x12xf32>, tensor<97x7xui8>, tensor<61x5xf64>, tensor<77x6xf16>, tensor<45x9xi1>, tensor<33x6xcomplex<f32>>, tensor<203x7xf32>) {
    %0 = stablehlo.slice %a [0:203, 5:8] : (tensor<203x8xf32>) -> tensor<203x3xf32>
    %1 = stablehlo.slice %a [0:203, 0:5] : (tensor<203x8xf32>) -> tensor<203x5xf32>
    %2 = stablehlo.concatenate %0, %1, dim = 1 : (tensor<203x3xf32>, tensor<203x5xf32>) -> tensor<203x8xf32>
    %3 = stablehlo.concatenate %b, %a, dim = 1 : (tensor<203x3xf32>, tensor<203x8xf32>) -> tensor<203x11xf32>
    %f0 = stablehlo.constant dense<1.5> : tensor<f32>
    %4 = stablehlo.pad %a, %f0, low = [0, 3], high = [0, 1], interior = [0, 0] : (tensor<203x8xf32>, tensor<f32>) -> tensor<203x12xf32>
    %u0 = stablehlo.constant dense<9> : tensor<ui8>
    %5 = stablehlo.pad %c, %u0, low = [0, 1], high = [0, 1], interior = [0, 0] : (tensor<97x5xui8>, tensor<ui8>) -> tensor<97x7xui8>
    %d0 = stablehlo.constant dense<2.5> : tensor<f64>
    %6 = stablehlo.pad %d, %d0, low = [0, -1], high = [0, 3], interior = [0, 0] : (tensor<61x3xf64>, tensor<f64>) -> tensor<61x5xf64>
    %7 = stablehlo.reverse %e, dims = [1] : tensor<77x6xf16>
    %8 = stablehlo.slice %7 [0:77, 0:2] : (tensor<77x6xf16>) -> tensor<77x2xf16>
    %9 = stablehlo.slice %e [0:77, 1:5] : (tensor<77x6xf16>) -> tensor<77x4xf16>
    %10 = stablehlo.concatenate %9, %8, dim = 1 : (tensor<77x4xf16>, tensor<77x2xf16>) -> tensor<77x6xf16>
    %t = stablehlo.constant dense<true> : tensor<i1>
    %11 = stablehlo.pad %p, %t, low = [0, 2], high = [0, 0], interior = [0, 0] : (tensor<45x7xi1>, tensor<i1>) -> tensor<45x9xi1>
    %12 = stablehlo.concatenate %z, %z, dim = 1 : (tensor<33x3xcomplex<f32>>, tensor<33x3xcomplex<f32>>) -> tensor<33x6xcomplex<f32>>
    %13 = stablehlo.pad %4, %f0, low = [0, -4], high = [0, -1], interior = [0, 0] : (tensor<203x12xf32>, tensor<f32>) -> tensor<203x7xf32>
    return %2, %3, %4, %5, %6, %10, %11, %12, %13 : tensor<203x8xf32>, tensor<203x11xf32>, tensor<203x12xf32>, tensor<97x7xui8>, tensor<61x5xf64>, tensor<77x6xf16>, tensor<45x9xi1>, tensor<33x6xcomplex<f32>>, tensor<203x7xf32>
  }
}
