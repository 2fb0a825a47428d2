func.func @main(%a: tensor<?xf32>, %b: tensor<?xf32>, %s: tensor<1xi64>) -> (tensor<?xf32>, tensor<?xi1>, tensor<?xf32>, tensor<?xf32>) {
  %x = stablehlo.dynamic_broadcast_in_dim %a, %s, dims = [0] : (tensor<?xf32>, tensor<1xi64>) -> tensor<?xf32>
  %0 = stablehlo.add %x, %b : tensor<?xf32>
  %1 = stablehlo.compare LT, %x, %b : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xi1>
  %2 = stablehlo.select %1, %x, %b : tensor<?xi1>, tensor<?xf32>
  %3 = stablehlo.clamp %x, %b, %b : tensor<?xf32>
  return %0, %1, %2, %3 : tensor<?xf32>, tensor<?xi1>, tensor<?xf32>, tensor<?xf32>
}
