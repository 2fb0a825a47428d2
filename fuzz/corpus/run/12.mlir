func.func @main(%a: tensor<8xi8>) -> (tensor<8xi64>, tensor<8xi64>) {
  %0 = "stablehlo.all_reduce"(%a) ({
  ^bb0(%x: tensor<i64>, %y: tensor<i64>):
    %z = stablehlo.add %x, %y : tensor<i64>
    stablehlo.return %z : tensor<i64>
  }) {replica_groups = dense<0> : tensor<1x1xi64>} : (tensor<8xi8>) -> tensor<8xi64>
  %1 = "stablehlo.reduce_scatter"(%a) ({
  ^bb0(%x: tensor<i64>, %y: tensor<i64>):
    %z = stablehlo.add %x, %y : tensor<i64>
    stablehlo.return %z : tensor<i64>
  }) {scatter_dimension = 0 : i64, replica_groups = dense<0> : tensor<1x1xi64>} : (tensor<8xi8>) -> tensor<8xi64>
  return %0, %1 : tensor<8xi64>, tensor<8xi64>
}
