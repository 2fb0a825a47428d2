// control_dep, a custom call without results: a wish for the order of what its operands come from.
func.func @main(%a: tensor<16xf32>) -> tensor<16xf32> {
  %0 = stablehlo.sine %a : tensor<16xf32>
  %1 = stablehlo.cosine %a : tensor<16xf32>
  stablehlo.custom_call @control_dep(%1, %0) {has_side_effect = true} : (tensor<16xf32>, tensor<16xf32>) -> ()
  %2 = stablehlo.add %0, %1 : tensor<16xf32>
  return %2 : tensor<16xf32>
}
