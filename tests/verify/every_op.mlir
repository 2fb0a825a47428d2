// valid
func.func @one_float(%a: tensor<2xf32>) {
  %0 = stablehlo.cbrt %a : tensor<2xf32>
  %1 = stablehlo.ceil %a : tensor<2xf32>
  %2 = stablehlo.cosine %a : tensor<2xf32>
  %3 = stablehlo.exponential %a : tensor<2xf32>
  %4 = stablehlo.exponential_minus_one %a : tensor<2xf32>
  %5 = stablehlo.floor %a : tensor<2xf32>
  %6 = stablehlo.log %a : tensor<2xf32>
  %7 = stablehlo.log_plus_one %a : tensor<2xf32>
  %8 = stablehlo.logistic %a : tensor<2xf32>
  %9 = stablehlo.negate %a : tensor<2xf32>
  %10 = stablehlo.round_nearest_afz %a : tensor<2xf32>
  %11 = stablehlo.round_nearest_even %a : tensor<2xf32>
  %12 = stablehlo.rsqrt %a : tensor<2xf32>
  %13 = stablehlo.sign %a : tensor<2xf32>
  %14 = stablehlo.sine %a : tensor<2xf32>
  %15 = stablehlo.sqrt %a : tensor<2xf32>
  %16 = stablehlo.tan %a : tensor<2xf32>
  %17 = stablehlo.tanh %a : tensor<2xf32>
  %18 = stablehlo.real %a : tensor<2xf32>
  %19 = stablehlo.reduce_precision %a, format = e5m10 : tensor<2xf32>
  %20 = stablehlo.convert %a : (tensor<2xf32>) -> tensor<2xi4>
  return
}
// -----
// valid
func.func @two_floats(%a: tensor<2xf32>) {
  %0 = stablehlo.atan2 %a, %a : tensor<2xf32>
  %1 = stablehlo.divide %a, %a : tensor<2xf32>
  %2 = stablehlo.maximum %a, %a : tensor<2xf32>
  %3 = stablehlo.minimum %a, %a : tensor<2xf32>
  %4 = stablehlo.power %a, %a : tensor<2xf32>
  %5 = stablehlo.remainder %a, %a : tensor<2xf32>
  %6 = stablehlo.subtract %a, %a : tensor<2xf32>
  %7 = stablehlo.complex %a, %a : tensor<2xcomplex<f32>>
  %8 = stablehlo.imag %7 : (tensor<2xcomplex<f32>>) -> tensor<2xf32>
  return
}
// -----
// valid
func.func @integers(%a: tensor<2xui16>, %p: tensor<2xi1>) {
  %0 = stablehlo.count_leading_zeros %a : tensor<2xui16>
  %1 = stablehlo.popcnt %a : tensor<2xui16>
  %2 = stablehlo.not %p : tensor<2xi1>
  %3 = stablehlo.and %a, %a : tensor<2xui16>
  %4 = stablehlo.or %p, %p : tensor<2xi1>
  %5 = stablehlo.xor %a, %a : tensor<2xui16>
  %6 = stablehlo.shift_left %a, %a : tensor<2xui16>
  %7 = stablehlo.shift_right_arithmetic %a, %a : tensor<2xui16>
  %8 = stablehlo.shift_right_logical %a, %a : tensor<2xui16>
  return
}
// -----
// valid
func.func @movement(%a: tensor<2x3xf32>, %i: tensor<i32>) {
  %0 = stablehlo.broadcast %a, sizes = [4] : (tensor<2x3xf32>) -> tensor<4x2x3xf32>
  %1 = stablehlo.reverse %a, dims = [0, 1] : tensor<2x3xf32>
  %2 = stablehlo.dynamic_update_slice %a, %a, %i, %i : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<i32>, tensor<i32>) -> tensor<2x3xf32>
  %3 = stablehlo.unary_einsum %a, config = "ab->a" : (tensor<2x3xf32>) -> tensor<2xf32>
  %4 = "stablehlo.cross-replica-sum"(%a) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}
// -----
// valid
func.func @windows(%a: tensor<4x6xf32>, %s: tensor<2x2xf32>, %z: tensor<f32>, %v: tensor<6xf32>) {
  %0 = "stablehlo.select_and_scatter"(%a, %s, %z) ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %c = stablehlo.compare GE, %x, %y : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  }, {
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %c = stablehlo.add %x, %y : tensor<f32>
    stablehlo.return %c : tensor<f32>
  }) {window_dimensions = array<i64: 2, 3>, window_strides = array<i64: 2, 3>} : (tensor<4x6xf32>, tensor<2x2xf32>, tensor<f32>) -> tensor<4x6xf32>
  %1:3 = "stablehlo.batch_norm_training"(%a, %v, %v) {epsilon = 1.0 : f32, feature_index = 1 : i64} : (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>)
  %2:3 = "stablehlo.batch_norm_grad"(%a, %v, %v, %v, %a) {epsilon = 1.0 : f32, feature_index = 1 : i64} : (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>)
  return
}
// -----
// valid
func.func @control(%i: tensor<i32>, %a: tensor<2xf32>) {
  %0 = "stablehlo.case"(%i) ({
    stablehlo.return %a : tensor<2xf32>
  }, {
    stablehlo.return %a : tensor<2xf32>
  }) : (tensor<i32>) -> tensor<2xf32>
  %1 = "stablehlo.tuple"(%a, %i) : (tensor<2xf32>, tensor<i32>) -> tuple<tensor<2xf32>, tensor<i32>>
  %2 = stablehlo.create_token : !stablehlo.token
  %3 = stablehlo.after_all %2, %2 : !stablehlo.token
  %4 = stablehlo.partition_id : tensor<ui32>
  %5 = stablehlo.replica_id : tensor<ui32>
  %6 = "stablehlo.send"(%a, %3) {channel_handle = #stablehlo.channel_handle<handle = 1, type = 1>} : (tensor<2xf32>, !stablehlo.token) -> !stablehlo.token
  %7:2 = "stablehlo.recv"(%3) {channel_handle = #stablehlo.channel_handle<handle = 1, type = 3>, is_host_transfer = true} : (!stablehlo.token) -> (tensor<2xf32>, !stablehlo.token)
  %8 = "stablehlo.outfeed"(%a, %3) : (tensor<2xf32>, !stablehlo.token) -> !stablehlo.token
  return
}
// -----
// valid
func.func private @sum(%a: tensor<f32>, %b: tensor<f32>) -> tensor<f32> {
  %0 = stablehlo.add %a, %b : tensor<f32>
  return %0 : tensor<f32>
}
func.func @calls(%a: tensor<f32>) {
  %0 = stablehlo.composite "my.sum" %a, %a {decomposition = @sum, version = 3 : i32} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1:2 = stablehlo.custom_call @f(%a) {api_version = 4 : i32, backend_config = {x = 1 : i32}} : (tensor<f32>) -> (tensor<f32>, tuple<tensor<i1>>)
  return
}
// -----
// valid
func.func @collectives(%a: tensor<4x4xf32>) {
  %0 = "stablehlo.collective_permute"(%a) {source_target_pairs = dense<[[0, 1], [1, 0]]> : tensor<2x2xi64>} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = "stablehlo.reduce_scatter"(%a) ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %s = stablehlo.add %x, %y : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) {scatter_dimension = 0 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<4x4xf32>) -> tensor<2x4xf32>
  %2 = "stablehlo.collective_reduce"(%a) ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %s = stablehlo.add %x, %y : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}
// -----
// valid
func.func @dynamic(%a: tensor<1x8x8x4xf32>, %k: tensor<3x3x4x16xf32>, %p: tensor<2x2xi64>, %n: tensor<4xi64>, %g: tensor<3x4xf32>, %i: tensor<5x1xi32>, %s: tensor<2xi32>, %q: tensor<2xui64>) {
  %0 = "stablehlo.dynamic_conv"(%a, %k, %p) {
    dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 1 : i64, batch_group_count = 1 : i64
  } : (tensor<1x8x8x4xf32>, tensor<3x3x4x16xf32>, tensor<2x2xi64>) -> tensor<1x?x?x16xf32>
  %1 = "stablehlo.dynamic_gather"(%g, %i, %s) {
    dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>
  } : (tensor<3x4xf32>, tensor<5x1xi32>, tensor<2xi32>) -> tensor<5x?xf32>
  %2 = stablehlo.dynamic_iota %n, dim = 1 : (tensor<4xi64>) -> tensor<?x?x?x?xf32>
  %3 = stablehlo.real_dynamic_slice %a, %n, %n, %n : (tensor<1x8x8x4xf32>, tensor<4xi64>, tensor<4xi64>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  %4:2 = stablehlo.rng_bit_generator %q, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4xui32>)
  return
}
// -----
// valid
func.func @chlo(%a: tensor<2xf32>, %c: tensor<2xcomplex<f32>>, %i: tensor<2xi32>, %p: tensor<2xi1>) {
  %0 = chlo._asin_acos_kernel %c : tensor<2xcomplex<f32>> -> tensor<2xcomplex<f32>>
  %1 = chlo.acos %a : tensor<2xf32> -> tensor<2xf32>
  %2 = chlo.acosh %a : tensor<2xf32> -> tensor<2xf32>
  %3 = chlo.asin %a : tensor<2xf32> -> tensor<2xf32>
  %4 = chlo.asinh %a : tensor<2xf32> -> tensor<2xf32>
  %5 = chlo.atan %a : tensor<2xf32> -> tensor<2xf32>
  %6 = chlo.atanh %a : tensor<2xf32> -> tensor<2xf32>
  %7 = chlo.bessel_i1e %a : tensor<2xf32> -> tensor<2xf32>
  %8 = chlo.conj %c : tensor<2xcomplex<f32>> -> tensor<2xcomplex<f32>>
  %9 = chlo.cosh %a : tensor<2xf32> -> tensor<2xf32>
  %10 = chlo.digamma %a : tensor<2xf32> -> tensor<2xf32>
  %11 = chlo.erf_inv %a : tensor<2xf32> -> tensor<2xf32>
  %12 = chlo.erfc %a : tensor<2xf32> -> tensor<2xf32>
  %13 = chlo.lgamma %a : tensor<2xf32> -> tensor<2xf32>
  %14 = chlo.sinh %a : tensor<2xf32> -> tensor<2xf32>
  %15 = chlo.square %a : tensor<2xf32> -> tensor<2xf32>
  %16 = chlo.tan %a : tensor<2xf32> -> tensor<2xf32>
  %17 = chlo.is_inf %a : tensor<2xf32> -> tensor<2xi1>
  %18 = chlo.is_neg_inf %a : tensor<2xf32> -> tensor<2xi1>
  %19 = chlo.is_pos_inf %a : tensor<2xf32> -> tensor<2xi1>
  %20 = chlo.mulhi %i, %i : tensor<2xi32>, tensor<2xi32> -> tensor<2xi32>
  %21 = chlo.next_after %a, %a : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  %22 = chlo.polygamma %a, %a : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  %23 = chlo.zeta %a, %a : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  return
}
// -----
// valid
func.func @chlo_broadcasts(%a: tensor<2xf32>, %b: tensor<f32>, %i: tensor<2xi32>, %j: tensor<i32>, %p: tensor<2xi1>) {
  %0 = chlo.broadcast_and %i, %j : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  %1 = chlo.broadcast_atan2 %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = chlo.broadcast_complex %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xcomplex<f32>>
  %3 = chlo.broadcast_divide %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %4 = chlo.broadcast_maximum %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %5 = chlo.broadcast_minimum %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %6 = chlo.broadcast_multiply %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %7 = chlo.broadcast_next_after %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %8 = chlo.broadcast_or %i, %j : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  %9 = chlo.broadcast_polygamma %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %10 = chlo.broadcast_power %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %11 = chlo.broadcast_remainder %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %12 = chlo.broadcast_shift_left %i, %j : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  %13 = chlo.broadcast_shift_right_arithmetic %i, %j : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  %14 = chlo.broadcast_shift_right_logical %i, %j : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  %15 = chlo.broadcast_subtract %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %16 = chlo.broadcast_xor %i, %j : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  %17 = chlo.broadcast_zeta %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %18 = chlo.broadcast_compare %a, %b {comparison_direction = #chlo<comparison_direction EQ>} : (tensor<2xf32>, tensor<f32>) -> tensor<2xi1>
  %19 = chlo.broadcast_select %p, %a, %b : (tensor<2xi1>, tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  return
}
// -----
// valid
func.func @chlo_others(%a: tensor<11x5xf32>, %g: tensor<3x5x7xf32>, %n: tensor<3xi64>, %x: tensor<2x3xf32>, %z: tensor<3xf32>) {
  %0 = chlo.constant dense<1.0> : tensor<2xf32>
  %1 = "chlo.constant_like"(%x) {value = 1.0 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = "chlo.ragged_dot"(%a, %g, %n) {
    ragged_dot_dimension_numbers = #chlo.ragged_dot<
      lhs_batching_dimensions = [], rhs_batching_dimensions = [], lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1],
      lhs_ragged_dimensions = [0], rhs_group_dimensions = [0]>
  } : (tensor<11x5xf32>, tensor<3x5x7xf32>, tensor<3xi64>) -> tensor<11x7xf32>
  %3:2 = chlo.scan(%x) inits(%z) dimension = 0 {
  ^bb0(%i: tensor<3xf32>, %c: tensor<3xf32>):
    %s = stablehlo.add %i, %c : tensor<3xf32>
    stablehlo.return %s, %s : tensor<3xf32>, tensor<3xf32>
  } : (tensor<2x3xf32>, tensor<3xf32>) -> (tensor<2x3xf32>, tensor<3xf32>)
  return
}
// -----
// valid
sdy.mesh @m = <["x"=2]>
func.func @shardy(%a: tensor<8xf32>) {
  sdy.sharding_group %a group_id=3 : tensor<8xf32>
  %0 = sdy.propagation_barrier %a allowed_direction=FORWARD : tensor<8xf32>
  return
}
// -----
// valid
func.func private @f(%a: tensor<i32>) -> tensor<i32> {
  return %a : tensor<i32>
}
func.func @checks(%a: tensor<i32>, %b: tensor<2xf32>) {
  check.expect_eq_const %b, dense<[1.0, 2.0]> : tensor<2xf32>
  check.expect_almost_eq_const %b, dense<[1.0, 2.0]> : tensor<2xf32>
  "check.expect_eq"(%b, %b) : (tensor<2xf32>, tensor<2xf32>) -> ()
  "check.expect_almost_eq"(%b, %b) : (tensor<2xf32>, tensor<2xf32>) -> ()
  "check.expect_close"(%b, %b) {max_ulp_difference = 3 : ui64} : (tensor<2xf32>, tensor<2xf32>) -> ()
  "check.expect_serialized_eq"(%b) {probe_id = "p"} : (tensor<2xf32>) -> ()
  %0:2 = "interpreter.run_parallel"(%a, %a) {programs = [[@f], [@f]]} : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
  interpreter.print %b : tensor<2xf32>
  %1 = interpreter.probe %b, probe_id = "p" : tensor<2xf32>
  return
}
