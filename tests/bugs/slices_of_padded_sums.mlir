// Sums of padded arrays, cut: inside, at the borders, within the padding alone; of negative padding; folded back and cut again.
module {
  func.func @main(%x: tensor<5x7xf32>, %y: tensor<6x7xf32>) -> (tensor<5x7xf32>, tensor<1x9xf32>, tensor<7x1xf32>, tensor<3x4xf32>, tensor<5x7xf32>) {
    %z = stablehlo.constant dense<0.0> : tensor<f32>
    %o = stablehlo.constant dense<-0.0> : tensor<f32>
    %c = stablehlo.constant dense<2.5> : tensor<7x9xf32>
    %a = stablehlo.pad %x, %z, low = [2, 1], high = [0, 1], interior = [0, 0] : (tensor<5x7xf32>, tensor<f32>) -> tensor<7x9xf32>
    %b = stablehlo.pad %y, %o, low = [0, 2], high = [1, 0], interior = [0, 0] : (tensor<6x7xf32>, tensor<f32>) -> tensor<7x9xf32>
    %d = stablehlo.pad %y, %z, low = [-1, 3], high = [2, -1], interior = [0, 0] : (tensor<6x7xf32>, tensor<f32>) -> tensor<7x9xf32>
    %ab = stablehlo.add %a, %b : tensor<7x9xf32>
    %s0 = stablehlo.subtract %ab, %d : tensor<7x9xf32>
    %s = stablehlo.add %s0, %c : tensor<7x9xf32>
    %r0 = stablehlo.slice %s [1:6, 1:8] : (tensor<7x9xf32>) -> tensor<5x7xf32>
    %r1 = stablehlo.slice %s [6:7, 0:9] : (tensor<7x9xf32>) -> tensor<1x9xf32>
    %r2 = stablehlo.slice %s [0:7, 0:1] : (tensor<7x9xf32>) -> tensor<7x1xf32>
    %r3 = stablehlo.slice %s [0:7:3, 0:8:2] : (tensor<7x9xf32>) -> tensor<3x4xf32>
    %e0 = stablehlo.slice %ab [0:7, 0:1] : (tensor<7x9xf32>) -> tensor<7x1xf32>
    %e1 = stablehlo.slice %ab [0:7, 8:9] : (tensor<7x9xf32>) -> tensor<7x1xf32>
    %m = stablehlo.slice %ab [0:7, 1:8] : (tensor<7x9xf32>) -> tensor<7x7xf32>
    %p0 = stablehlo.pad %e0, %z, low = [0, 0], high = [0, 6], interior = [0, 0] : (tensor<7x1xf32>, tensor<f32>) -> tensor<7x7xf32>
    %p1 = stablehlo.pad %e1, %z, low = [0, 6], high = [0, 0], interior = [0, 0] : (tensor<7x1xf32>, tensor<f32>) -> tensor<7x7xf32>
    %q0 = stablehlo.add %m, %p0 : tensor<7x7xf32>
    %q1 = stablehlo.add %q0, %p1 : tensor<7x7xf32>
    %f0 = stablehlo.slice %q1 [0:1, 0:7] : (tensor<7x7xf32>) -> tensor<1x7xf32>
    %f1 = stablehlo.slice %q1 [6:7, 0:7] : (tensor<7x7xf32>) -> tensor<1x7xf32>
    %n = stablehlo.slice %q1 [1:6, 0:7] : (tensor<7x7xf32>) -> tensor<5x7xf32>
    %g0 = stablehlo.pad %f0, %z, low = [0, 0], high = [4, 0], interior = [0, 0] : (tensor<1x7xf32>, tensor<f32>) -> tensor<5x7xf32>
    %g1 = stablehlo.pad %f1, %z, low = [4, 0], high = [0, 0], interior = [0, 0] : (tensor<1x7xf32>, tensor<f32>) -> tensor<5x7xf32>
    %h0 = stablehlo.add %n, %g0 : tensor<5x7xf32>
    %h1 = stablehlo.add %h0, %g1 : tensor<5x7xf32>
    return %r0, %r1, %r2, %r3, %h1 : tensor<5x7xf32>, tensor<1x9xf32>, tensor<7x1xf32>, tensor<3x4xf32>, tensor<5x7xf32>
  }
}
