// valid
func.func @main(%p: tensor<i1>, %a: tensor<2xf32>) {
  %0 = "stablehlo.if"(%p) ({
    stablehlo.return %a : tensor<2xf32>
  }, {
    stablehlo.return %a : tensor<2xf32>
  }) : (tensor<i1>) -> tensor<2xf32>
  return
}
// -----
// error: the branches return different types (value 0)
func.func @main(%p: tensor<i1>, %a: tensor<2xf32>, %b: tensor<2xi32>) {
  %0 = "stablehlo.if"(%p) ({
    stablehlo.return %a : tensor<2xf32>
  }, {
    stablehlo.return %b : tensor<2xi32>
  }) : (tensor<i1>) -> tensor<2xf32>
  return
}
// -----
// valid
func.func @main(%p: tensor<i1>, %a: tensor<2xf32>, %b: tensor<?xf32>) {
  %0 = "stablehlo.if"(%p) ({
    stablehlo.return %a : tensor<2xf32>
  }, {
    stablehlo.return %b : tensor<?xf32>
  }) : (tensor<i1>) -> tensor<?xf32>
  return
}
// -----
// error: return 1 and 2 values
func.func @main(%p: tensor<i1>, %a: tensor<2xf32>) {
  %0 = "stablehlo.if"(%p) ({
    stablehlo.return %a : tensor<2xf32>
  }, {
    stablehlo.return %a, %a : tensor<2xf32>, tensor<2xf32>
  }) : (tensor<i1>) -> tensor<2xf32>
  return
}
// -----
// error: operand #0 must be a ranked tensor of i32
func.func @main(%i: tensor<i64>) {
  "stablehlo.case"(%i) ({
    stablehlo.return
  }) : (tensor<i64>) -> ()
  return
}
// -----
// valid
func.func @main(%a: tensor<i32>) {
  %0 = "stablehlo.while"(%a) ({
  ^bb0(%x: tensor<i32>):
    %c = stablehlo.compare LT, %x, %x : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  }, {
  ^bb0(%x: tensor<i32>):
    stablehlo.return %x : tensor<i32>
  }) : (tensor<i32>) -> tensor<i32>
  return
}
// -----
// error: the condition must return tensor<i1>
func.func @main(%a: tensor<i32>) {
  %0 = "stablehlo.while"(%a) ({
  ^bb0(%x: tensor<i32>):
    stablehlo.return %x : tensor<i32>
  }, {
  ^bb0(%x: tensor<i32>):
    stablehlo.return %x : tensor<i32>
  }) : (tensor<i32>) -> tensor<i32>
  return
}
// -----
// error: compatible with what the body returns, but #0 is not
func.func @main(%a: tensor<i32>) {
  %0 = "stablehlo.while"(%a) ({
  ^bb0(%x: tensor<i32>):
    %c = stablehlo.compare LT, %x, %x : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  }, {
  ^bb0(%x: tensor<i32>):
    %f = stablehlo.convert %x : (tensor<i32>) -> tensor<f32>
    stablehlo.return %f : tensor<f32>
  }) : (tensor<i32>) -> tensor<i32>
  return
}
// -----
// error: the body returns 0 values
func.func @main(%a: tensor<i32>) {
  %0 = "stablehlo.while"(%a) ({
  ^bb0(%x: tensor<i32>):
    %c = stablehlo.compare LT, %x, %x : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  }, {
  ^bb0(%x: tensor<i32>):
    stablehlo.return
  }) : (tensor<i32>) -> tensor<i32>
  return
}
// -----
// valid
func.func @main(%t: tuple<tensor<f32>, tensor<i32>>) {
  %0 = stablehlo.get_tuple_element %t[1] : (tuple<tensor<f32>, tensor<i32>>) -> tensor<i32>
  return
}
// -----
// error: index = 2 is out of range
func.func @main(%t: tuple<tensor<f32>, tensor<i32>>) {
  %0 = stablehlo.get_tuple_element %t[2] : (tuple<tensor<f32>, tensor<i32>>) -> tensor<i32>
  return
}
// -----
// error: incompatible
func.func @main(%a: tensor<f32>) {
  %0 = "stablehlo.tuple"(%a, %a) : (tensor<f32>, tensor<f32>) -> tuple<tensor<f32>, tensor<i32>>
  return
}
// -----
// valid
func.func @main(%a: tensor<f32>, %t: !stablehlo.token) {
  %0:2 = "stablehlo.optimization_barrier"(%a, %t) : (tensor<f32>, !stablehlo.token) -> (tensor<f32>, !stablehlo.token)
  return
}
// -----
// error: incompatible
func.func @main(%a: tensor<f32>) {
  %0 = "stablehlo.optimization_barrier"(%a) : (tensor<f32>) -> tensor<f64>
  return
}
// -----
// error: operand #0 must be a token
func.func @main(%a: tensor<f32>) {
  %0 = "stablehlo.after_all"(%a) : (tensor<f32>) -> !stablehlo.token
  return
}
// -----
// error: incorrect layout [0, 0] of result #0
func.func @main(%a: tensor<2xf32>) {
  %0 = "stablehlo.custom_call"(%a) {call_target_name = "f", operand_layouts = [dense<0> : tensor<1xindex>], result_layouts = [dense<[0, 0]> : tensor<2xindex>]} : (tensor<2xf32>) -> tensor<2x2xf32>
  return
}
// -----
// error: must be a dictionary attribute
func.func @main(%a: tensor<2xf32>) {
  %0 = stablehlo.custom_call @f(%a) {api_version = 4 : i32, backend_config = "x"} : (tensor<2xf32>) -> tensor<2xf32>
  return
}
