// Small matrices, and rows of little more than a vector, each element of which is made in its own way, as gradients are of
// what reads them one by one: vectors run down the matrices and are stored lane by lane; what is left of them goes element
// by element.
module {
  func.func @main(%a: tensor<37x3x3xf32>, %b: tensor<3x21x9xf32>, %c: tensor<19x2x3xf64>, %d: tensor<18x7xf64>) -> (tensor<37x3x3xf32>, tensor<3x21x9xf32>, tensor<19x2x3xf64>, tensor<18x7xf64>) {
    %az = stablehlo.constant dense<0.0> : tensor<f32>
    %as0 = stablehlo.slice %a [0:37, 0:1, 0:1] : (tensor<37x3x3xf32>) -> tensor<37x1x1xf32>
    %af0 = stablehlo.sine %as0 : tensor<37x1x1xf32>
    %am0 = stablehlo.multiply %af0, %af0 : tensor<37x1x1xf32>
    %ap0 = stablehlo.pad %am0, %az, low = [0, 1, 2], high = [0, 1, 0], interior = [0, 0, 0] : (tensor<37x1x1xf32>, tensor<f32>) -> tensor<37x3x3xf32>
    %as1 = stablehlo.slice %a [0:37, 1:2, 2:3] : (tensor<37x3x3xf32>) -> tensor<37x1x1xf32>
    %af1 = stablehlo.exponential %as1 : tensor<37x1x1xf32>
    %am1 = stablehlo.multiply %af1, %af0 : tensor<37x1x1xf32>
    %ap1 = stablehlo.pad %am1, %az, low = [0, 2, 1], high = [0, 0, 1], interior = [0, 0, 0] : (tensor<37x1x1xf32>, tensor<f32>) -> tensor<37x3x3xf32>
    %aa1 = stablehlo.add %ap0, %ap1 : tensor<37x3x3xf32>
    %as2 = stablehlo.slice %a [0:37, 2:3, 1:2] : (tensor<37x3x3xf32>) -> tensor<37x1x1xf32>
    %af2 = stablehlo.tanh %as2 : tensor<37x1x1xf32>
    %am2 = stablehlo.multiply %af2, %af1 : tensor<37x1x1xf32>
    %ap2 = stablehlo.pad %am2, %az, low = [0, 0, 2], high = [0, 2, 0], interior = [0, 0, 0] : (tensor<37x1x1xf32>, tensor<f32>) -> tensor<37x3x3xf32>
    %aa2 = stablehlo.add %aa1, %ap2 : tensor<37x3x3xf32>
    %as3 = stablehlo.slice %a [0:37, 0:1, 2:3] : (tensor<37x3x3xf32>) -> tensor<37x1x1xf32>
    %af3 = stablehlo.cosine %as3 : tensor<37x1x1xf32>
    %am3 = stablehlo.multiply %af3, %af2 : tensor<37x1x1xf32>
    %ap3 = stablehlo.pad %am3, %az, low = [0, 2, 2], high = [0, 0, 0], interior = [0, 0, 0] : (tensor<37x1x1xf32>, tensor<f32>) -> tensor<37x3x3xf32>
    %aa3 = stablehlo.add %aa2, %ap3 : tensor<37x3x3xf32>
    %as4 = stablehlo.slice %a [0:37, 2:3, 2:3] : (tensor<37x3x3xf32>) -> tensor<37x1x1xf32>
    %af4 = stablehlo.exponential %as4 : tensor<37x1x1xf32>
    %am4 = stablehlo.multiply %af4, %af3 : tensor<37x1x1xf32>
    %ap4 = stablehlo.pad %am4, %az, low = [0, 0, 0], high = [0, 2, 2], interior = [0, 0, 0] : (tensor<37x1x1xf32>, tensor<f32>) -> tensor<37x3x3xf32>
    %aa4 = stablehlo.add %aa3, %ap4 : tensor<37x3x3xf32>
    %bz = stablehlo.constant dense<0.0> : tensor<f32>
    %bs0 = stablehlo.slice %b [0:3, 0:21, 0:1] : (tensor<3x21x9xf32>) -> tensor<3x21x1xf32>
    %bf0 = stablehlo.exponential %bs0 : tensor<3x21x1xf32>
    %bm0 = stablehlo.multiply %bf0, %bf0 : tensor<3x21x1xf32>
    %bp0 = stablehlo.pad %bm0, %bz, low = [0, 0, 8], high = [0, 0, 0], interior = [0, 0, 0] : (tensor<3x21x1xf32>, tensor<f32>) -> tensor<3x21x9xf32>
    %bs1 = stablehlo.slice %b [0:3, 0:21, 8:9] : (tensor<3x21x9xf32>) -> tensor<3x21x1xf32>
    %bf1 = stablehlo.sine %bs1 : tensor<3x21x1xf32>
    %bm1 = stablehlo.multiply %bf1, %bf0 : tensor<3x21x1xf32>
    %bp1 = stablehlo.pad %bm1, %bz, low = [0, 0, 3], high = [0, 0, 5], interior = [0, 0, 0] : (tensor<3x21x1xf32>, tensor<f32>) -> tensor<3x21x9xf32>
    %ba1 = stablehlo.add %bp0, %bp1 : tensor<3x21x9xf32>
    %bs2 = stablehlo.slice %b [0:3, 0:21, 3:4] : (tensor<3x21x9xf32>) -> tensor<3x21x1xf32>
    %bf2 = stablehlo.tanh %bs2 : tensor<3x21x1xf32>
    %bm2 = stablehlo.multiply %bf2, %bf1 : tensor<3x21x1xf32>
    %bp2 = stablehlo.pad %bm2, %bz, low = [0, 0, 5], high = [0, 0, 3], interior = [0, 0, 0] : (tensor<3x21x1xf32>, tensor<f32>) -> tensor<3x21x9xf32>
    %ba2 = stablehlo.add %ba1, %bp2 : tensor<3x21x9xf32>
    %bs3 = stablehlo.slice %b [0:3, 0:21, 5:6] : (tensor<3x21x9xf32>) -> tensor<3x21x1xf32>
    %bf3 = stablehlo.exponential %bs3 : tensor<3x21x1xf32>
    %bm3 = stablehlo.multiply %bf3, %bf2 : tensor<3x21x1xf32>
    %bp3 = stablehlo.pad %bm3, %bz, low = [0, 0, 0], high = [0, 0, 8], interior = [0, 0, 0] : (tensor<3x21x1xf32>, tensor<f32>) -> tensor<3x21x9xf32>
    %ba3 = stablehlo.add %ba2, %bp3 : tensor<3x21x9xf32>
    %cz = stablehlo.constant dense<0.0> : tensor<f64>
    %cs0 = stablehlo.slice %c [0:19, 0:1, 0:1] : (tensor<19x2x3xf64>) -> tensor<19x1x1xf64>
    %cf0 = stablehlo.sine %cs0 : tensor<19x1x1xf64>
    %cm0 = stablehlo.multiply %cf0, %cf0 : tensor<19x1x1xf64>
    %cp0 = stablehlo.pad %cm0, %cz, low = [0, 1, 2], high = [0, 0, 0], interior = [0, 0, 0] : (tensor<19x1x1xf64>, tensor<f64>) -> tensor<19x2x3xf64>
    %cs1 = stablehlo.slice %c [0:19, 1:2, 2:3] : (tensor<19x2x3xf64>) -> tensor<19x1x1xf64>
    %cf1 = stablehlo.exponential %cs1 : tensor<19x1x1xf64>
    %cm1 = stablehlo.multiply %cf1, %cf0 : tensor<19x1x1xf64>
    %cp1 = stablehlo.pad %cm1, %cz, low = [0, 1, 0], high = [0, 0, 2], interior = [0, 0, 0] : (tensor<19x1x1xf64>, tensor<f64>) -> tensor<19x2x3xf64>
    %ca1 = stablehlo.add %cp0, %cp1 : tensor<19x2x3xf64>
    %cs2 = stablehlo.slice %c [0:19, 1:2, 0:1] : (tensor<19x2x3xf64>) -> tensor<19x1x1xf64>
    %cf2 = stablehlo.tanh %cs2 : tensor<19x1x1xf64>
    %cm2 = stablehlo.multiply %cf2, %cf1 : tensor<19x1x1xf64>
    %cp2 = stablehlo.pad %cm2, %cz, low = [0, 0, 0], high = [0, 1, 2], interior = [0, 0, 0] : (tensor<19x1x1xf64>, tensor<f64>) -> tensor<19x2x3xf64>
    %ca2 = stablehlo.add %ca1, %cp2 : tensor<19x2x3xf64>
    %dz = stablehlo.constant dense<0.0> : tensor<f64>
    %ds0 = stablehlo.slice %d [0:18, 6:7] : (tensor<18x7xf64>) -> tensor<18x1xf64>
    %df0 = stablehlo.sine %ds0 : tensor<18x1xf64>
    %dm0 = stablehlo.multiply %df0, %df0 : tensor<18x1xf64>
    %dp0 = stablehlo.pad %dm0, %dz, low = [0, 2], high = [0, 4], interior = [0, 0] : (tensor<18x1xf64>, tensor<f64>) -> tensor<18x7xf64>
    %ds1 = stablehlo.slice %d [0:18, 2:3] : (tensor<18x7xf64>) -> tensor<18x1xf64>
    %df1 = stablehlo.exponential %ds1 : tensor<18x1xf64>
    %dm1 = stablehlo.multiply %df1, %df0 : tensor<18x1xf64>
    %dp1 = stablehlo.pad %dm1, %dz, low = [0, 4], high = [0, 2], interior = [0, 0] : (tensor<18x1xf64>, tensor<f64>) -> tensor<18x7xf64>
    %da1 = stablehlo.add %dp0, %dp1 : tensor<18x7xf64>
    %ds2 = stablehlo.slice %d [0:18, 4:5] : (tensor<18x7xf64>) -> tensor<18x1xf64>
    %df2 = stablehlo.tanh %ds2 : tensor<18x1xf64>
    %dm2 = stablehlo.multiply %df2, %df1 : tensor<18x1xf64>
    %dp2 = stablehlo.pad %dm2, %dz, low = [0, 6], high = [0, 0], interior = [0, 0] : (tensor<18x1xf64>, tensor<f64>) -> tensor<18x7xf64>
    %da2 = stablehlo.add %da1, %dp2 : tensor<18x7xf64>
    return %aa4, %ba3, %ca2, %da2 : tensor<37x3x3xf32>, tensor<3x21x9xf32>, tensor<19x2x3xf64>, tensor<18x7xf64>
  }
}
