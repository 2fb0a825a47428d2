func.func @main(%a: tensor<3x4xf32>, %t: !stablehlo.token) -> (tensor<3x4xf32>, tensor<3x4xi64>, tensor<3x2xf32>, !stablehlo.token) {
  %i = stablehlo.iota dim = 1 : tensor<3x4xi64>
  %0:2 = "stablehlo.sort"(%a, %i) ({
  ^bb0(%p: tensor<f32>, %q: tensor<f32>, %r: tensor<i64>, %s: tensor<i64>):
    %z = stablehlo.compare LT, %p, %q, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %z : tensor<i1>
  }) {dimension = 1 : i64, is_stable = true} : (tensor<3x4xf32>, tensor<3x4xi64>) -> (tensor<3x4xf32>, tensor<3x4xi64>)
  %1:2 = chlo.top_k(%a, k = 2) : tensor<3x4xf32> -> (tensor<3x2xf32>, tensor<3x2xi32>)
  %2 = stablehlo.after_all %t, %t : !stablehlo.token
  return %0#0, %0#1, %1#0, %2 : tensor<3x4xf32>, tensor<3x4xi64>, tensor<3x2xf32>, !stablehlo.token
}
