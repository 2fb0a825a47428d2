// The gradient of an array mirrored at its far borders: strips that are narrower than a vector, reversed and padded. Along rows a branch
// chooses; along lanes a mask does, but only where some lane lies in the strip.
module @pads {
  func.func public @main(%x: tensor<43x70xf32>, %b: tensor<9x3xi8>) -> (tensor<40x67xf32>, tensor<12x90xi8>) {
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %r = stablehlo.slice %x [0:43, 67:70] : (tensor<43x70xf32>) -> tensor<43x3xf32>
    %r1 = stablehlo.reverse %r, dims = [1] : tensor<43x3xf32>
    %r2 = stablehlo.pad %r1, %zero, low = [0, 63], high = [0, 1], interior = [0, 0] : (tensor<43x3xf32>, tensor<f32>) -> tensor<43x67xf32>
    %c = stablehlo.slice %x [0:43, 0:67] : (tensor<43x70xf32>) -> tensor<43x67xf32>
    %d = stablehlo.add %c, %r2 : tensor<43x67xf32>
    %u = stablehlo.slice %d [40:43, 0:67] : (tensor<43x67xf32>) -> tensor<3x67xf32>
    %u1 = stablehlo.reverse %u, dims = [0] : tensor<3x67xf32>
    %u2 = stablehlo.pad %u1, %zero, low = [36, 0], high = [1, 0], interior = [0, 0] : (tensor<3x67xf32>, tensor<f32>) -> tensor<40x67xf32>
    %g = stablehlo.slice %d [0:40, 0:67] : (tensor<43x67xf32>) -> tensor<40x67xf32>
    %h = stablehlo.add %g, %u2 : tensor<40x67xf32>
    // Three columns in the middle of vectors of bytes, from behind.
    %k = stablehlo.constant dense<7> : tensor<i8>
    %m = stablehlo.constant dense<-3> : tensor<i8>
    %b1 = stablehlo.pad %b, %k, low = [1, 29], high = [0, 31], interior = [0, 0] : (tensor<9x3xi8>, tensor<i8>) -> tensor<10x63xi8>
    %b2 = stablehlo.reverse %b1, dims = [1] : tensor<10x63xi8>
    %b3 = stablehlo.pad %b2, %m, low = [1, 13], high = [1, 14], interior = [0, 0] : (tensor<10x63xi8>, tensor<i8>) -> tensor<12x90xi8>
    return %h, %b3 : tensor<40x67xf32>, tensor<12x90xi8>
  }
}
