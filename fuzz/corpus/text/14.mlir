sdy.mesh @mesh = <["x"=2, "y"=4], device_ids=[7, 6, 5, 4, 3, 2, 1, 0]>
func.func @main(%a: tensor<8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x", ?}p1], replicated={"y":(2)2}, unreduced={"z"}>}) -> tensor<8xf32> {
  %0 = sdy.sharding_constraint %a <@mesh, [{?}]> : tensor<8xf32>
  %1 = sdy.manual_computation(%0) in_shardings=[<@mesh, [{"x"}]>] out_shardings=[<mesh<["x"=2]>, [{}]>] manual_axes={"x"} (%b: tensor<4xf32>) {
    %2 = "stablehlo.all_gather"(%b) <{all_gather_dim = 0 : i64, channel_handle = #stablehlo.channel_handle<handle = 1, type = 1>, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, use_global_device_ids}> : (tensor<4xf32>) -> tensor<8xf32>
    sdy.return %2 : tensor<8xf32>
  } : (tensor<8xf32>) -> tensor<8xf32>
  %3 = stablehlo.custom_call @f(%1) {sdy.sharding_rule = #sdy.op_sharding_rule<([i, jk])->([i, z_1]) {i=1, j=2, k=3} reduction={j} need_replication={i, k}, custom>, m = #sdy<manual_axes{"x"}>, g = #stablehlo.replica_group_mesh_axes<mesh = @mesh, axes = [#stablehlo.axis_ref<name = "x", sub_axis_info = (1)2>]>} : (tensor<8xf32>) -> tensor<8xf32>
  sdy.sharding_group %3 group_id = 4 : tensor<8xf32>
  return %3 : tensor<8xf32>
}
