// Rows shorter than a vector: which row a lane lies in is known when code is made, for reversed, broadcast,
// strided and transposed reads, and what no vector fills goes element by element.
module {
  func.func @main(%a: tensor<37x41x3xui8>, %b: tensor<29x12xf32>, %c: tensor<3xf32>, %d: tensor<67xf32>, %e: tensor<50x5xi16>, %f: tensor<3x70xf64>, %g: tensor<40x3xcomplex<f32>>, %h: tensor<9x19x3xf32>) -> (tensor<33x39x3xui8>, tensor<37x41x3xui8>, tensor<9x19x3xf32>, tensor<29x12xf32>, tensor<335xf32>, tensor<25x5xi16>, tensor<70x3xf64>, tensor<40x3xcomplex<f32>>) {
    %a1 = stablehlo.reverse %a, dims = [1] : tensor<37x41x3xui8>
    %a2 = stablehlo.slice %a1 [2:35, 1:40, 0:3] : (tensor<37x41x3xui8>) -> tensor<33x39x3xui8>
    %a3 = stablehlo.reverse %a, dims = [2] : tensor<37x41x3xui8>
    %h1 = stablehlo.broadcast_in_dim %c, dims = [2] : (tensor<3xf32>) -> tensor<9x19x3xf32>
    %h2 = stablehlo.multiply %h, %h1 : tensor<9x19x3xf32>
    %h3 = stablehlo.reverse %h2, dims = [0, 1, 2] : tensor<9x19x3xf32>
    %b1 = stablehlo.reverse %b, dims = [1] : tensor<29x12xf32>
    %b2 = stablehlo.add %b1, %b : tensor<29x12xf32>
    %d1 = stablehlo.broadcast_in_dim %d, dims = [0] : (tensor<67xf32>) -> tensor<67x5xf32>
    %d2 = stablehlo.reshape %d1 : (tensor<67x5xf32>) -> tensor<335xf32>
    %e1 = stablehlo.slice %e [0:50:2, 0:5] : (tensor<50x5xi16>) -> tensor<25x5xi16>
    %e2 = stablehlo.iota dim = 1 : tensor<25x5xi16>
    %e3 = stablehlo.multiply %e1, %e2 : tensor<25x5xi16>
    %f1 = stablehlo.transpose %f, dims = [1, 0] : (tensor<3x70xf64>) -> tensor<70x3xf64>
    %f2 = stablehlo.negate %f1 : tensor<70x3xf64>
    %g1 = stablehlo.reverse %g, dims = [1] : tensor<40x3xcomplex<f32>>
    %g2 = stablehlo.add %g1, %g : tensor<40x3xcomplex<f32>>
    return %a2, %a3, %h3, %b2, %d2, %e3, %f2, %g2 : tensor<33x39x3xui8>, tensor<37x41x3xui8>, tensor<9x19x3xf32>, tensor<29x12xf32>, tensor<335xf32>, tensor<25x5xi16>, tensor<70x3xf64>, tensor<40x3xcomplex<f32>>
  }
}
