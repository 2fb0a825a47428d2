// By a known power of two a remainder takes no division; signs, zeros, infinities and numbers of any size as by others.
module {
  func.func @main(%a: tensor<77xf32>, %b: tensor<33xf64>) -> (tensor<77xf32>, tensor<77xf32>, tensor<77xf32>, tensor<33xf64>, tensor<33xf64>, tensor<16xf32>) {
    %one = stablehlo.constant dense<1.0> : tensor<77xf32>
    %r0 = stablehlo.remainder %a, %one : tensor<77xf32>
    %two = stablehlo.constant dense<-2.0> : tensor<77xf32>
    %r1 = stablehlo.remainder %a, %two : tensor<77xf32>
    %half = stablehlo.constant dense<0.5> : tensor<77xf32>
    %r2 = stablehlo.remainder %a, %half : tensor<77xf32>
    %wide = stablehlo.constant dense<1.0> : tensor<33xf64>
    %r3 = stablehlo.remainder %b, %wide : tensor<33xf64>
    %more = stablehlo.constant dense<2.0> : tensor<33xf64>
    %r4 = stablehlo.remainder %b, %more : tensor<33xf64>
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %all = stablehlo.constant dense<[0x7F800000, 0xFF800000, 0x7FC00000, 0x80000000, 0x00000001, 0x80000001, 0x7F7FFFFF, 0xFF7FFFFF, 0x4B000001, 0xCB000001, 0x4AFFFFFF, 0x3F7FFFFF, 0xBF7FFFFF, 0x40490FDB, 0xC0490FDB, 0x3F800000]> : tensor<16xf32>
    %first = stablehlo.slice %a [0:1] : (tensor<77xf32>) -> tensor<1xf32>
    %never = stablehlo.subtract %first, %first : tensor<1xf32>
    %none = stablehlo.compare LT, %never, %never : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
    %where = stablehlo.broadcast_in_dim %none, dims = [0] : (tensor<1xi1>) -> tensor<16xi1>
    %ones = stablehlo.constant dense<1.0> : tensor<16xf32>
    %x = stablehlo.select %where, %ones, %all : tensor<16xi1>, tensor<16xf32>
    %r5 = stablehlo.remainder %x, %ones : tensor<16xf32>
    return %r0, %r1, %r2, %r3, %r4, %r5 : tensor<77xf32>, tensor<77xf32>, tensor<77xf32>, tensor<33xf64>, tensor<33xf64>, tensor<16xf32>
  }
}
