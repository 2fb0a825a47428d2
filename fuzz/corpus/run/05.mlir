func.func @main(%a: tensor<f32>) -> tensor<f32> {
  %0 = stablehlo.custom_call @Sharding(%a) : (tensor<f32>) -> tuple<tensor<f32>>
  %1 = stablehlo.get_tuple_element %0[0] : (tuple<tensor<f32>>) -> tensor<f32>
  return %1 : tensor<f32>
}
