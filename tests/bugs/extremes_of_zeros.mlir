// Rows of zeros of both signs, of one sign but for their first, middle or last element, and rows with a
// NaN whose sign is set: along vectors, the signs of all elements say which zero is the extreme one.
module {
  func.func @main(%x: tensor<6x101xf32>, %d: tensor<5x70xf64>, %h: tensor<4x200xbf16>) -> (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<f32>, tensor<5xf64>, tensor<5xf64>, tensor<4xbf16>, tensor<4xbf16>, tensor<6xf32>, tensor<6xf32>) {
    %least = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %most = stablehlo.constant dense<0x7F800000> : tensor<f32>
    %row = stablehlo.iota dim = 0 : tensor<6x101xi32>
    %at = stablehlo.iota dim = 1 : tensor<6x101xi32>
    %step = stablehlo.constant dense<20> : tensor<6x101xi32>
    %place = stablehlo.multiply %row, %step : tensor<6x101xi32>
    %one = stablehlo.compare EQ, %at, %place, SIGNED : (tensor<6x101xi32>, tensor<6x101xi32>) -> tensor<6x101xi1>
    %plus = stablehlo.constant dense<0.0> : tensor<6x101xf32>
    %minus = stablehlo.constant dense<-0.0> : tensor<6x101xf32>
    %nan = stablehlo.constant dense<0xFFC00000> : tensor<6x101xf32>
    %zero = stablehlo.compare EQ, %x, %x, FLOAT : (tensor<6x101xf32>, tensor<6x101xf32>) -> tensor<6x101xi1>
    %all_minus = stablehlo.select %zero, %minus, %minus : tensor<6x101xi1>, tensor<6x101xf32>
    %one_plus = stablehlo.select %one, %plus, %minus : tensor<6x101xi1>, tensor<6x101xf32>
    %one_minus = stablehlo.select %one, %minus, %plus : tensor<6x101xi1>, tensor<6x101xf32>
    %one_nan = stablehlo.select %one, %nan, %x : tensor<6x101xi1>, tensor<6x101xf32>
    %a = stablehlo.reduce(%one_plus init: %least) applies stablehlo.maximum across dimensions = [1] : (tensor<6x101xf32>, tensor<f32>) -> tensor<6xf32>
    %b = stablehlo.reduce(%one_plus init: %most) applies stablehlo.minimum across dimensions = [1] : (tensor<6x101xf32>, tensor<f32>) -> tensor<6xf32>
    %c = stablehlo.reduce(%one_minus init: %least) applies stablehlo.maximum across dimensions = [1] : (tensor<6x101xf32>, tensor<f32>) -> tensor<6xf32>
    %e = stablehlo.reduce(%one_minus init: %most) applies stablehlo.minimum across dimensions = [1] : (tensor<6x101xf32>, tensor<f32>) -> tensor<6xf32>
    %f = stablehlo.reduce(%one_nan init: %least) applies stablehlo.maximum across dimensions = [1] : (tensor<6x101xf32>, tensor<f32>) -> tensor<6xf32>
    %g = stablehlo.reduce(%one_nan init: %most) applies stablehlo.minimum across dimensions = [1] : (tensor<6x101xf32>, tensor<f32>) -> tensor<6xf32>
    %i = stablehlo.reduce(%all_minus init: %least) applies stablehlo.maximum across dimensions = [0, 1] : (tensor<6x101xf32>, tensor<f32>) -> tensor<f32>
    // What is rounded to zeros of both signs, and less or more than those.
    %tiny = stablehlo.constant dense<1.0e-320> : tensor<5x70xf64>
    %small = stablehlo.multiply %d, %tiny : tensor<5x70xf64>
    %null = stablehlo.multiply %small, %tiny : tensor<5x70xf64>
    %least64 = stablehlo.constant dense<0xFFF0000000000000> : tensor<f64>
    %most64 = stablehlo.constant dense<0x7FF0000000000000> : tensor<f64>
    %j = stablehlo.reduce(%null init: %least64) applies stablehlo.maximum across dimensions = [1] : (tensor<5x70xf64>, tensor<f64>) -> tensor<5xf64>
    %k = stablehlo.reduce(%null init: %most64) applies stablehlo.minimum across dimensions = [1] : (tensor<5x70xf64>, tensor<f64>) -> tensor<5xf64>
    %zero16 = stablehlo.constant dense<0.0> : tensor<4x200xbf16>
    %null16 = stablehlo.multiply %h, %zero16 : tensor<4x200xbf16>
    %least16 = stablehlo.constant dense<0xFF80> : tensor<bf16>
    %most16 = stablehlo.constant dense<0x7F80> : tensor<bf16>
    %l = stablehlo.reduce(%null16 init: %least16) applies stablehlo.maximum across dimensions = [1] : (tensor<4x200xbf16>, tensor<bf16>) -> tensor<4xbf16>
    %m = stablehlo.reduce(%null16 init: %most16) applies stablehlo.minimum across dimensions = [1] : (tensor<4x200xbf16>, tensor<bf16>) -> tensor<4xbf16>
    %below = stablehlo.minimum %x, %minus : tensor<6x101xf32>
    %above = stablehlo.maximum %x, %plus : tensor<6x101xf32>
    %n = stablehlo.reduce(%below init: %least) applies stablehlo.maximum across dimensions = [1] : (tensor<6x101xf32>, tensor<f32>) -> tensor<6xf32>
    %o = stablehlo.reduce(%above init: %most) applies stablehlo.minimum across dimensions = [1] : (tensor<6x101xf32>, tensor<f32>) -> tensor<6xf32>
    return %a, %b, %c, %e, %f, %g, %i, %j, %k, %l, %m, %n, %o : tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<f32>, tensor<5xf64>, tensor<5xf64>, tensor<4xbf16>, tensor<4xbf16>, tensor<6xf32>, tensor<6xf32>
  }
}
