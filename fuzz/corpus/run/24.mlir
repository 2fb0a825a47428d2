func.func @main() -> tensor<?xf32> {
 %u = stablehlo.constant dense<700> : tensor<1xi64>
 %v = stablehlo.constant dense<3> : tensor<1xi64>
 %x = stablehlo.dynamic_iota %u, dim = 0 : (tensor<1xi64>) -> tensor<?xf32>
 %y = stablehlo.dynamic_iota %v, dim = 0 : (tensor<1xi64>) -> tensor<?xf32>
 %0:2 = "stablehlo.sort"(%x, %y) ({
 ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>, %d: tensor<f32>):
 %z = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
 stablehlo.return %z : tensor<i1>}) {dimension = 0 : i64} : (tensor<?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>)
 return %0#0 : tensor<?xf32>
}
