// dce_sink, a custom call without results: what it takes is computed, and nothing else happens.
module {
  func.func @main(%x: tensor<16xf32>) -> tensor<16xf32> {
    %0 = stablehlo.sine %x : tensor<16xf32>
    stablehlo.custom_call @dce_sink(%0) {has_side_effect = true} : (tensor<16xf32>) -> ()
    %1 = stablehlo.negate %x : tensor<16xf32>
    return %1 : tensor<16xf32>
  }
}
