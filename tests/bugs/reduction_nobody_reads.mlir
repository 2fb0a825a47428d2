// The result of the reduction goes into an empty array: it is computed, if at all, without a buffer.
module {
  func.func @main(%arg0: tensor<24x33xf16>, %arg1: tensor<6x0xui8>, %arg2: tensor<ui32>, %arg3: tensor<f16>) -> tensor<6x0x9xf16> {
    %0 = stablehlo.reduce(%arg0 init: %arg3) applies stablehlo.multiply across dimensions = [0] : (tensor<24x33xf16>, tensor<f16>) -> tensor<33xf16>
    %1 = stablehlo.dynamic_slice %0, %arg2, sizes = [9] : (tensor<33xf16>, tensor<ui32>) -> tensor<9xf16>
    %2 = "stablehlo.gather"(%1, %arg1) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], start_index_map = [0], index_vector_dim = 2>, slice_sizes = array<i64: 9>}> : (tensor<9xf16>, tensor<6x0xui8>) -> tensor<6x0x9xf16>
    return %2 : tensor<6x0x9xf16>
  }
}
