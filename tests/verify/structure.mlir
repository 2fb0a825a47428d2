// error: redefinition of symbol
func.func private @f() {
  return
}
func.func private @f() {
  return
}
// -----
// error: operand #0 has type tensor<f32>, but '@main' returns tensor<i32>
func.func @main(%a: tensor<f32>) -> tensor<i32> {
  return %a : tensor<f32>
}
// -----
// error: '@main' returns 2 values
func.func @main(%a: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  return %a : tensor<f32>
}
// -----
// error: must end with func.return
func.func @main(%a: tensor<f32>) {
  %0 = stablehlo.abs %a : tensor<f32>
}
// -----
// error: must be the last op of its region
func.func @main(%a: tensor<f32>) {
  return
  return
}
// -----
// error: must end with stablehlo.return, not with func.return
func.func @main(%p: tensor<i1>, %a: tensor<f32>) -> tensor<f32> {
  %0 = "stablehlo.if"(%p) ({
    func.return %a : tensor<f32>
  }, {
    stablehlo.return %a : tensor<f32>
  }) : (tensor<i1>) -> tensor<f32>
  return %0 : tensor<f32>
}
// -----
// valid
func.func private @sum(%a: tensor<f32>, %b: tensor<f32>) -> tensor<f32> {
  %0 = stablehlo.add %a, %b : tensor<f32>
  return %0 : tensor<f32>
}
func.func @main(%a: tensor<f32>) -> tensor<f32> {
  %0 = call @sum(%a, %a) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
// -----
// error: '@nothing' does not reference a valid function
func.func @main(%a: tensor<f32>) -> tensor<f32> {
  %0 = call @nothing(%a) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
// -----
// error: '@declared' has no body to call
func.func private @declared(%a: tensor<f32>) -> tensor<f32>
func.func @main(%a: tensor<f32>) -> tensor<f32> {
  %0 = call @declared(%a) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
// -----
// error: operand #0 has type tensor<f32>, but '@f' takes tensor<?xf32>
func.func private @f(%a: tensor<?xf32>) {
  return
}
func.func @main(%a: tensor<f32>) {
  call @f(%a) : (tensor<f32>) -> ()
  return
}
// -----
// error: functions must not call themselves
func.func private @f(%a: tensor<f32>) -> tensor<f32> {
  %0 = call @g(%a) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @g(%a: tensor<f32>) -> tensor<f32> {
  %0 = call @f(%a) : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
// -----
// error: functions must not call themselves
func.func private @f(%a: tensor<f32>) -> tensor<f32> {
  %0 = stablehlo.composite "a.b" %a {decomposition = @f} : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
// -----
// error: name must be a valid namespaced op name
func.func private @f(%a: tensor<f32>) -> tensor<f32> {
  return %a : tensor<f32>
}
func.func @main(%a: tensor<f32>) -> tensor<f32> {
  %0 = stablehlo.composite "ab" %a {decomposition = @f} : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
// -----
// error: has 2 operand(s), but '@f' takes 1
func.func private @f(%a: tensor<f32>) -> tensor<f32> {
  return %a : tensor<f32>
}
func.func @main(%a: tensor<f32>) -> tensor<f32> {
  %0 = stablehlo.composite "a.b" %a, %a {decomposition = @f} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
// -----
// error: output_operand_alias: the operand index must be in [0, 1), but is 3
func.func @main(%a: tensor<f32>) -> tensor<f32> {
  %0 = "stablehlo.custom_call"(%a) {
    call_target_name = "f",
    output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [], operand_index = 3, operand_tuple_indices = []>]
  } : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
// -----
// error: buffer output [] is not used in output_operand_alias
func.func @main(%a: memref<2xf32>) {
  %0 = "stablehlo.custom_call"(%a) {call_target_name = "f"} : (memref<2xf32>) -> memref<2xf32>
  return
}
// -----
// valid
func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {
  %0 = stablehlo.custom_call @Pin(%a) : (tensor<2xf32>) -> memref<2xf32>
  %1 = "stablehlo.custom_call"(%0) {
    call_target_name = "f",
    output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [], operand_index = 0, operand_tuple_indices = []>]
  } : (memref<2xf32>) -> memref<2xf32>
  %2 = stablehlo.custom_call @Unpin(%1) : (memref<2xf32>) -> tensor<2xf32>
  return %2 : tensor<2xf32>
}
// -----
// error: Unpin must have compatible input and output types
func.func @main(%a: memref<2xf32>) {
  %2 = stablehlo.custom_call @Unpin(%a) : (memref<2xf32>) -> tensor<3xf32>
  return
}
// -----
// valid
sdy.mesh @m = <["x"=2, "y"=4]>
func.func @main(%a: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %0 = sdy.sharding_constraint %a <@m, [{"x"}, {}]> : tensor<8x16xf32>
  %1 = sdy.manual_computation(%0) in_shardings=[<@m, [{"x"}, {}]>] out_shardings=[<@m, [{"x"}, {}]>] manual_axes={"x"} (%b: tensor<4x16xf32>) {
    %2 = stablehlo.add %b, %b : tensor<4x16xf32>
    sdy.return %2 : tensor<4x16xf32>
  } : (tensor<8x16xf32>) -> tensor<8x16xf32>
  return %1 : tensor<8x16xf32>
}
// -----
// error: unknown mesh '@n'
sdy.mesh @m = <["x"=2]>
func.func @main(%a: tensor<8x16xf32>) {
  %0 = sdy.sharding_constraint %a <@n, [{"x"}, {}]> : tensor<8x16xf32>
  return
}
// -----
// error: the sharding has 1 dimensions, but the tensor has rank 2
sdy.mesh @m = <["x"=2]>
func.func @main(%a: tensor<8x16xf32>) {
  %0 = sdy.sharding_constraint %a <@m, [{"x"}]> : tensor<8x16xf32>
  return
}
// -----
// error: the body returns tensor<4x16xf64>
sdy.mesh @m = <["x"=2]>
func.func @main(%a: tensor<8x16xf32>) {
  %1 = sdy.manual_computation(%a) in_shardings=[<@m, [{"x"}, {}]>] out_shardings=[<@m, [{"x"}, {}]>] manual_axes={"x"} (%b: tensor<4x16xf32>) {
    %2 = stablehlo.convert %b : (tensor<4x16xf32>) -> tensor<4x16xf64>
    sdy.return %2 : tensor<4x16xf64>
  } : (tensor<8x16xf32>) -> tensor<8x16xf32>
  return
}
// -----
// valid
func.func @start(%a: tensor<4xf32>) -> tensor<8xf32> {
  %0 = "stablehlo.async_start"(%a) ({
  ^bb0(%b: tensor<4xf32>):
    %1 = "stablehlo.all_gather"(%b) {all_gather_dim = 0 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<4xf32>) -> tensor<8xf32>
    stablehlo.return %1 : tensor<8xf32>
  }) : (tensor<4xf32>) -> !stablehlo.future<tensor<8xf32>>
  %1 = "stablehlo.async_done"(%0) : (!stablehlo.future<tensor<8xf32>>) -> tensor<8xf32>
  return %1 : tensor<8xf32>
}
// -----
// error: must contain a collective or slice op, not stablehlo.abs
func.func @main(%a: tensor<4xf32>) {
  %0 = "stablehlo.async_start"(%a) ({
  ^bb0(%b: tensor<4xf32>):
    %1 = stablehlo.abs %b : tensor<4xf32>
    stablehlo.return %1 : tensor<4xf32>
  }) : (tensor<4xf32>) -> !stablehlo.future<tensor<4xf32>>
  return
}
// -----
// error: a future must hold ranked tensors, but got i32
func.func private @f() -> !stablehlo.future<i32>
// -----
// error: the number of inputs (0) must be the sum of those of all programs (2)
func.func @f(%a: tensor<i32>) {
  return
}
func.func @main() {
  "interpreter.run_parallel"() {programs = [[@f, @f]]} : () -> ()
  return
}
// -----
// error: function '@nothing' not found
func.func @main() {
  "interpreter.run_parallel"() {programs = [[@nothing]]} : () -> ()
  return
}
// -----
// error: the operand has type tensor<2xf32>, but the expected value has type tensor<3xf32>
func.func @main(%a: tensor<2xf32>) {
  "check.expect_eq_const"(%a) {value = dense<0.0> : tensor<3xf32>} : (tensor<2xf32>) -> ()
  return
}
// -----
// error: operands must have the same type
func.func @main(%a: tensor<2xf32>, %b: tensor<2xf64>) {
  "check.expect_eq"(%a, %b) : (tensor<2xf32>, tensor<2xf64>) -> ()
  return
}
// -----
// error: out of all proportion
!t0 = tuple<tensor<f32>, tensor<f32>>
!t1 = tuple<!t0, !t0, !t0, !t0, !t0, !t0, !t0, !t0, !t0, !t0, !t0, !t0>
!t2 = tuple<!t1, !t1, !t1, !t1, !t1, !t1, !t1, !t1, !t1, !t1, !t1, !t1>
!t3 = tuple<!t2, !t2, !t2, !t2, !t2, !t2, !t2, !t2, !t2, !t2, !t2, !t2>
!t4 = tuple<!t3, !t3, !t3, !t3, !t3, !t3, !t3, !t3, !t3, !t3, !t3, !t3>
!t5 = tuple<!t4, !t4, !t4, !t4, !t4, !t4, !t4, !t4, !t4, !t4, !t4, !t4>
!t6 = tuple<!t5, !t5, !t5, !t5, !t5, !t5, !t5, !t5, !t5, !t5, !t5, !t5>
func.func @main(%a: !t6) {
  return
}
// -----
// valid
func.func @main(%p: tensor<i1>, %a: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "stablehlo.if"(%p) ({
    stablehlo.return %a : tensor<2xf32>
  }, {
    stablehlo.return %a : tensor<2xf32>
  }) : (tensor<i1>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
// -----
// error: operand #0 must be a ranked tensor
func.func @main(%p: tensor<i1>, %a: tensor<2xf32>) {
  %0 = "stablehlo.if"(%p) ({
    stablehlo.return %a : tensor<2xf32>
  }, {
    %1 = stablehlo.custom_call @f() : () -> tensor<*xf32>
    stablehlo.return %1 : tensor<*xf32>
  }) : (tensor<i1>) -> tensor<?xf32>
  return
}
