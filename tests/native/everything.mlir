// everything.bc is this program as MLIR writes it in its own bytecode: tests/native/write.py makes it.
module @everything attributes {mhlo.num_partitions = 2 : i32, jax.note = [1 : i8, -1.5 : f64, true, "x", unit, f32, @main]} {
  sdy.mesh @mesh = <["x"=2]>
  func.func public @main(%arg0: tensor<2x3xf32> {jax.buffer_donor = true, sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {?}]>}, %arg1: tensor<3x?xf32>, %arg2: tensor<i1>, %arg3: tensor<i32>, %arg4: !stablehlo.token) -> (tensor<2x3xf32> {jax.result_info = "out"}) {
    %0 = stablehlo.constant dense<[[1.0, 2.0, 3.0], [4.0, -5.0, 6.5]]> : tensor<2x3xf32>
    %1 = stablehlo.constant dense<[true, false, true, true, false, true, false, false, true]> : tensor<9xi1>
    %2 = stablehlo.constant dense<[-2, 7, -8]> : tensor<3xi4>
    %3 = stablehlo.constant dense<(1.5, -2.5)> : tensor<4xcomplex<f32>>
    %4 = stablehlo.constant dense<> : tensor<0x3xui16>
    %5 = stablehlo.constant dense<1.0> : tensor<f32>
    %6 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0], precision = [HIGHEST, DEFAULT] : (tensor<2x3xf32>, tensor<3x?xf32>) -> tensor<2x?xf32>
    %a = stablehlo.dot_general %arg0, %0, batching_dims = [0] x [0], contracting_dims = [1] x [1], algorithm = <lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32, lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1, allow_imprecise_accumulation = false> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2xf32>
    %7 = stablehlo.reduce(%0 init: %5) applies stablehlo.add across dimensions = [1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>
    %8 = "stablehlo.if"(%arg2) ({
      %t = stablehlo.tanh %0 {result_accuracy = #stablehlo.result_accuracy<atol = 1.0e-3, rtol = 0.0, ulps = 2, mode = #stablehlo.result_accuracy_mode<TOLERANCE>>} : tensor<2x3xf32>
      stablehlo.return %t : tensor<2x3xf32>
    }, {
      %w = func.call @helper(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
      stablehlo.return %w : tensor<2x3xf32>
    }) : (tensor<i1>) -> tensor<2x3xf32>
    %9 = stablehlo.custom_call @target(%8) {api_version = 2 : i32, backend_config = "opaque", has_side_effect = true, operand_layouts = [dense<[1, 0]> : tensor<2xindex>], result_layouts = [dense<[1, 0]> : tensor<2xindex>], output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [], operand_index = 0, operand_tuple_indices = []>], mhlo.frontend_attributes = {a = "b", n = 3 : i64}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    %10 = stablehlo.compare LT, %8, %9, FLOAT : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
    %11 = stablehlo.slice %9 [0:2, 0:3] : (tensor<2x3xf32>) -> tensor<2x3xf32>
    %12 = stablehlo.select %10, %8, %11 : tensor<2x3xi1>, tensor<2x3xf32>
    %i = stablehlo.iota dim = 0 : tensor<4x1xi32>
    %g = "stablehlo.gather"(%12, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = true, slice_sizes = array<i64: 1, 3>}> : (tensor<2x3xf32>, tensor<4x1xi32>) -> tensor<4x3xf32>
    %s = "stablehlo.scatter"(%12, %i, %g) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, unique_indices = true}> ({
    ^bb0(%p: tensor<f32>, %q: tensor<f32>):
      stablehlo.return %q : tensor<f32>
    }) : (tensor<2x3xf32>, tensor<4x1xi32>, tensor<4x3xf32>) -> tensor<2x3xf32>
    %im = stablehlo.constant dense<0.5> : tensor<1x5x4x2xf32>
    %ke = stablehlo.constant dense<0.25> : tensor<3x3x2x6xf32>
    %cv = stablehlo.convolution(%im, %ke) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 1], pad = [[1, 1], [0, 2]], reverse = [false, true]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64, precision_config = [#stablehlo<precision HIGH>, #stablehlo<precision DEFAULT>]} : (tensor<1x5x4x2xf32>, tensor<3x3x2x6xf32>) -> tensor<1x3x4x6xf32>
    %so:2 = "stablehlo.sort"(%0, %s) <{dimension = 1 : i64, is_stable = true}> ({
    ^bb0(%p: tensor<f32>, %q: tensor<f32>, %r: tensor<f32>, %u: tensor<f32>):
      %z = stablehlo.compare GT, %p, %q, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %z : tensor<i1>
    }) : (tensor<2x3xf32>, tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
    %wh:2 = stablehlo.while(%it = %arg3, %x = %so#0) : tensor<i32>, tensor<2x3xf32> cond {
      %z = stablehlo.compare LT, %it, %it, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %z : tensor<i1>
    } do {
      %y = stablehlo.add %x, %so#1 : tensor<2x3xf32>
      stablehlo.return %it, %y : tensor<i32>, tensor<2x3xf32>
    }
    %rw = "stablehlo.reduce_window"(%0, %5) <{padding = dense<[[1, 0], [0, 1]]> : tensor<2x2xi64>, window_dimensions = array<i64: 2, 2>}> ({
    ^bb0(%p: tensor<f32>, %q: tensor<f32>):
      %z = stablehlo.maximum %p, %q : tensor<f32>
      stablehlo.return %z : tensor<f32>
    }) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
    %sc = "stablehlo.select_and_scatter"(%0, %rw, %5) <{window_dimensions = array<i64: 1, 1>}> ({
    ^bb0(%p: tensor<f32>, %q: tensor<f32>):
      %z = stablehlo.compare GE, %p, %q : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %z : tensor<i1>
    }, {
    ^bb0(%p: tensor<f32>, %q: tensor<f32>):
      %z = stablehlo.add %p, %q : tensor<f32>
      stablehlo.return %z : tensor<f32>
    }) : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
    %se = "stablehlo.send"(%0, %arg4) <{channel_handle = #stablehlo.channel_handle<handle = 5, type = 2>, is_host_transfer = true}> : (tensor<2x3xf32>, !stablehlo.token) -> !stablehlo.token
    %ge = "stablehlo.collective_permute"(%0) <{channel_handle = #stablehlo.channel_handle<handle = 2, type = 0>, source_target_pairs = dense<[[0, 1], [1, 0]]> : tensor<2x2xi64>}> : (tensor<2x3xf32>) -> tensor<2x3xf32>
    %ft = stablehlo.fft %3, type = FFT, length = [4] : (tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
    %st = stablehlo.constant dense<1> : tensor<2xui64>
    %ra:2 = stablehlo.rng_bit_generator %st, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4xui32>)
    %sq = stablehlo.constant dense<2.0> : tensor<3x3xf32>
    %tr = "stablehlo.triangular_solve"(%sq, %sq) <{left_side = true, lower = true, transpose_a = #stablehlo<transpose NO_TRANSPOSE>, unit_diagonal = false}> : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
    %tk:2 = chlo.top_k(%0, k = 2) : tensor<2x3xf32> -> (tensor<2x2xf32>, tensor<2x2xi32>)
    %as = chlo.asin %0 : tensor<2x3xf32> -> tensor<2x3xf32>
    %bc = chlo.broadcast_compare %0, %0 {comparison_direction = #chlo<comparison_direction GT>} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
    %gs = stablehlo.constant dense<[1, 1]> : tensor<2xi32>
    %rh = stablehlo.constant dense<2.0> : tensor<2x3x5xf32>
    %rd = "chlo.ragged_dot"(%0, %rh, %gs) <{precision_config = [#chlo<precision DEFAULT>, #chlo<precision DEFAULT>], ragged_dot_dimension_numbers = #chlo.ragged_dot<lhs_batching_dimensions = [], rhs_batching_dimensions = [], lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1], lhs_ragged_dimensions = [0], rhs_group_dimensions = [0]>}> : (tensor<2x3xf32>, tensor<2x3x5xf32>, tensor<2xi32>) -> tensor<2x5xf32>
    %bo = stablehlo.custom_call @dynamic(%0) : (tensor<2x3xf32>) -> tensor<?x3xf32, #stablehlo.bounds<4, ?>>
    %co = stablehlo.composite "my.op" %0 {composite_attributes = {n = 1 : i64}, decomposition = @helper, version = 3 : i32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    %ma = sdy.manual_computation(%0) in_shardings=[<@mesh, [{"x"}, {}]>] out_shardings=[<@mesh, [{"x"}, {}]>] manual_axes={"x"} (%p: tensor<1x3xf32>) {
      %z = stablehlo.add %p, %p : tensor<1x3xf32>
      sdy.return %z : tensor<1x3xf32>
    } : (tensor<2x3xf32>) -> tensor<2x3xf32>
    %sh = sdy.sharding_constraint %ma <@mesh, [{}, {?}]> : tensor<2x3xf32>
    %ru = stablehlo.custom_call @foo(%sh) {sdy.sharding_rule = #sdy.op_sharding_rule<([i, j])->([i, j]) {i=2, j=3}, custom>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %12 : tensor<2x3xf32>
  }
  func.func private @helper(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %0 = "stablehlo.all_reduce"(%arg0) ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = stablehlo.add %a, %b : tensor<f32>
      stablehlo.return %s : tensor<f32>
    }) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, channel_handle = #stablehlo.channel_handle<handle = 1, type = 0>, use_global_device_ids} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
