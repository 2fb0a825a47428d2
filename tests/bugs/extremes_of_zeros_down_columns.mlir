// Columns of pages of zeros of both signs and of one, with a NaN whose sign is set in some: the signs of several
// rows say which zero is the extreme one.
module {
  func.func @main(%x: tensor<301x1030xf32>) -> (tensor<1030xf32>, tensor<1030xf32>, tensor<1030xf32>, tensor<1030xf32>, tensor<1030xf32>) {
    %least = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %most = stablehlo.constant dense<0x7F800000> : tensor<f32>
    %row = stablehlo.iota dim = 0 : tensor<301x1030xi32>
    %at = stablehlo.iota dim = 1 : tensor<301x1030xi32>
    %one = stablehlo.compare EQ, %at, %row, SIGNED : (tensor<301x1030xi32>, tensor<301x1030xi32>) -> tensor<301x1030xi1>
    %plus = stablehlo.constant dense<0.0> : tensor<301x1030xf32>
    %minus = stablehlo.constant dense<-0.0> : tensor<301x1030xf32>
    %nan = stablehlo.constant dense<0xFFC00000> : tensor<301x1030xf32>
    %a = stablehlo.select %one, %plus, %minus : tensor<301x1030xi1>, tensor<301x1030xf32>
    %b = stablehlo.select %one, %minus, %plus : tensor<301x1030xi1>, tensor<301x1030xf32>
    %c = stablehlo.select %one, %nan, %x : tensor<301x1030xi1>, tensor<301x1030xf32>
    %0 = stablehlo.reduce(%a init: %least) applies stablehlo.maximum across dimensions = [0] : (tensor<301x1030xf32>, tensor<f32>) -> tensor<1030xf32>
    %1 = stablehlo.reduce(%b init: %most) applies stablehlo.minimum across dimensions = [0] : (tensor<301x1030xf32>, tensor<f32>) -> tensor<1030xf32>
    %2 = stablehlo.reduce(%c init: %least) applies stablehlo.maximum across dimensions = [0] : (tensor<301x1030xf32>, tensor<f32>) -> tensor<1030xf32>
    %3 = stablehlo.reduce(%c init: %most) applies stablehlo.minimum across dimensions = [0] : (tensor<301x1030xf32>, tensor<f32>) -> tensor<1030xf32>
    %4 = stablehlo.reduce(%x init: %least) applies stablehlo.maximum across dimensions = [0] : (tensor<301x1030xf32>, tensor<f32>) -> tensor<1030xf32>
    return %0, %1, %2, %3, %4 : tensor<1030xf32>, tensor<1030xf32>, tensor<1030xf32>, tensor<1030xf32>, tensor<1030xf32>
  }
}
