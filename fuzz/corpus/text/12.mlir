func.func @main(%a: tensor<3x4xf32>, %i: tensor<i32>, %p: tensor<3x4xi1>, %t: !stablehlo.token, %f: tensor<f32>) {
  %0 = stablehlo.slice %a [0:2, 1:4:2] : (tensor<3x4xf32>) -> tensor<2x2xf32>
  %1 = stablehlo.dynamic_slice %a, %i, %i, sizes = [1, 4] : (tensor<3x4xf32>, tensor<i32>, tensor<i32>) -> tensor<1x4xf32>
  %2 = stablehlo.select %p, %a, %a : tensor<3x4xi1>, tensor<3x4xf32>
  %3 = stablehlo.complex %a, %a : tensor<3x4xcomplex<f32>>
  %4 = stablehlo.pad %a, %f, low = [0, -1], high = [1, 0], interior = [0, 2] : (tensor<3x4xf32>, tensor<f32>) -> tensor<4x9xf32>
  %5 = stablehlo.reduce_precision %a, format = e5m10 : tensor<3x4xf32>
  %6 = stablehlo.tuple %a, %t : tuple<tensor<3x4xf32>, !stablehlo.token>
  %7 = stablehlo.get_tuple_element %6[1] : (tuple<tensor<3x4xf32>, !stablehlo.token>) -> !stablehlo.token
  stablehlo.optimization_barrier ()
  %8 = stablehlo.after_all %t, %7 : !stablehlo.token
  %9 = stablehlo.custom_call @"a b"(%a) {api_version = 2 : i32, operand_layouts = [dense<[1, 0]> : tensor<2xindex>], result_layouts = [dense<> : tensor<0xindex>], output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [], operand_index = 0, operand_tuple_indices = []>], called_computations = [@main]} : (tensor<3x4xf32>) -> tensor<f32>
  %10 = stablehlo.composite "x.y" %a, %f {decomposition = @main, version = 3 : i32, composite_attributes = {k = array<f32: 1.0, 0x7FC00000>}} : (tensor<3x4xf32>, tensor<f32>) -> tensor<f32>
  %11 = stablehlo.exponential %a {result_accuracy = #stablehlo.result_accuracy<atol = 0.5, ulps = 3, mode = #stablehlo.result_accuracy_mode<TOLERANCE>>} : tensor<3x4xf32>
  %12 = stablehlo.cholesky %a, lower = true : tensor<3x4xf32>
  %13:2 = chlo.top_k(%a, k = 2) : tensor<3x4xf32> -> (tensor<3x2xf32>, tensor<3x2xi32>)
  %14 = chlo.next_after %a, %a : tensor<3x4xf32>, tensor<3x4xf32> -> tensor<3x4xf32>
  check.expect_almost_eq_const %f, dense<1.0> : tensor<f32>, tolerance = 0.1
  return
}
