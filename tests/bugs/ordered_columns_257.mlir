// A reduction whose order matters: rows are neither taken in several places at a time nor joined out of turn.
func.func @main(%x: tensor<257x1x8x52xi64>) -> tensor<1x8x52xi64> {
  %a = stablehlo.constant dense<1> : tensor<i64>
  %b = stablehlo.constant dense<0> : tensor<i64>
  %r:2 = stablehlo.reduce(%x init: %a), (%x init: %b) across dimensions = [0] : (tensor<257x1x8x52xi64>, tensor<257x1x8x52xi64>, tensor<i64>, tensor<i64>) -> (tensor<1x8x52xi64>, tensor<1x8x52xi64>)
   reducer(%p: tensor<i64>, %q: tensor<i64>) (%s: tensor<i64>, %t: tensor<i64>) {
    %m = stablehlo.multiply %p, %q : tensor<i64>
    %n = stablehlo.multiply %q, %s : tensor<i64>
    %o = stablehlo.add %n, %t : tensor<i64>
    stablehlo.return %m, %o : tensor<i64>, tensor<i64>
  }
  return %r#1 : tensor<1x8x52xi64>
}
