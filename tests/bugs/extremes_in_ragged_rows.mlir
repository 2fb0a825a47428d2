// Rows of 31 whose extremes lie at 14 and 29, in the same lane of vectors of 4, 8 and 16 that end with the row or that begin with it: of
// equal elements the first counts.
func.func @main(%n: tensor<f32>) -> (tensor<64xi32>, tensor<64xi32>) {
  %at = stablehlo.iota dim = 1 : tensor<64x31xi32>
  %one = stablehlo.constant dense<1> : tensor<64x31xi32>
  %fifteen = stablehlo.constant dense<15> : tensor<64x31xi32>
  %next = stablehlo.add %at, %one : tensor<64x31xi32>
  %rest = stablehlo.remainder %next, %fifteen : tensor<64x31xi32>
  %none = stablehlo.constant dense<0> : tensor<64x31xi32>
  %here = stablehlo.compare EQ, %rest, %none, SIGNED : (tensor<64x31xi32>, tensor<64x31xi32>) -> tensor<64x31xi1>
  %size = stablehlo.abs %n : tensor<f32>
  %plus = stablehlo.constant dense<1.0> : tensor<f32>
  %high = stablehlo.add %size, %plus : tensor<f32>
  %highs = stablehlo.broadcast_in_dim %high, dims = [] : (tensor<f32>) -> tensor<64x31xf32>
  %lows = stablehlo.negate %highs : tensor<64x31xf32>
  %x = stablehlo.select %here, %lows, %highs : tensor<64x31xi1>, tensor<64x31xf32>
  %y = stablehlo.negate %x : tensor<64x31xf32>
  %inf = stablehlo.constant dense<0x7F800000> : tensor<f32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %least:2 = stablehlo.reduce(%x init: %inf), (%at init: %zero) across dimensions = [1] : (tensor<64x31xf32>, tensor<64x31xi32>, tensor<f32>, tensor<i32>) -> (tensor<64xf32>, tensor<64xi32>)
   reducer(%a: tensor<f32>, %b: tensor<f32>) (%i: tensor<i32>, %j: tensor<i32>) {
    %lt = stablehlo.compare LT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %ne = stablehlo.compare NE, %a, %a, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %or = stablehlo.or %lt, %ne : tensor<i1>
    %eq = stablehlo.compare EQ, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %before = stablehlo.compare LT, %i, %j, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %and = stablehlo.and %eq, %before : tensor<i1>
    %take = stablehlo.or %or, %and : tensor<i1>
    %v = stablehlo.select %or, %a, %b : tensor<i1>, tensor<f32>
    %k = stablehlo.select %take, %i, %j : tensor<i1>, tensor<i32>
    stablehlo.return %v, %k : tensor<f32>, tensor<i32>
  }
  %most:2 = stablehlo.reduce(%y init: %low), (%at init: %zero) across dimensions = [1] : (tensor<64x31xf32>, tensor<64x31xi32>, tensor<f32>, tensor<i32>) -> (tensor<64xf32>, tensor<64xi32>)
   reducer(%a: tensor<f32>, %b: tensor<f32>) (%i: tensor<i32>, %j: tensor<i32>) {
    %gt = stablehlo.compare GT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %ne = stablehlo.compare NE, %a, %a, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %or = stablehlo.or %gt, %ne : tensor<i1>
    %eq = stablehlo.compare EQ, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %before = stablehlo.compare LT, %i, %j, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %and = stablehlo.and %eq, %before : tensor<i1>
    %take = stablehlo.or %or, %and : tensor<i1>
    %v = stablehlo.select %or, %a, %b : tensor<i1>, tensor<f32>
    %k = stablehlo.select %take, %i, %j : tensor<i1>, tensor<i32>
    stablehlo.return %v, %k : tensor<f32>, tensor<i32>
  }
  return %least#1, %most#1 : tensor<64xi32>, tensor<64xi32>
}
