// Arrays that become the columns of one: vectors down its rows, interleaved.
module {
  func.func @main(%a: tensor<45x1xf32>, %b: tensor<45x1xf32>, %c: tensor<45x1xf32>, %d: tensor<7x16x1xi64>, %e: tensor<7x16x1xi64>) -> (tensor<45x2xf32>, tensor<45x3xf32>, tensor<45x4xf32>, tensor<7x16x2xi64>) {
    %n = stablehlo.negate %a : tensor<45x1xf32>
    %two = stablehlo.concatenate %a, %b, dim = 1 : (tensor<45x1xf32>, tensor<45x1xf32>) -> tensor<45x2xf32>
    %three = stablehlo.concatenate %c, %n, %b, dim = 1 : (tensor<45x1xf32>, tensor<45x1xf32>, tensor<45x1xf32>) -> tensor<45x3xf32>
    %four = stablehlo.concatenate %b, %c, %a, %n, dim = 1 : (tensor<45x1xf32>, tensor<45x1xf32>, tensor<45x1xf32>, tensor<45x1xf32>) -> tensor<45x4xf32>
    %whole = stablehlo.concatenate %d, %e, dim = 2 : (tensor<7x16x1xi64>, tensor<7x16x1xi64>) -> tensor<7x16x2xi64>
    return %two, %three, %four, %whole : tensor<45x2xf32>, tensor<45x3xf32>, tensor<45x4xf32>, tensor<7x16x2xi64>
  }
}
