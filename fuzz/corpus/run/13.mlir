func.func @main(%a: tensor<?xf32>, %t: tensor<1xi32>) -> tensor<?xf32> {
  %3 = stablehlo.real_dynamic_slice %a, %t, %t, %t : (tensor<?xf32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<?xf32>
  return %3 : tensor<?xf32>
}
