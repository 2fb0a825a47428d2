func.func @main() {
  %t = stablehlo.constant dense<false> : tensor<i1>
  stablehlo.custom_call @shape_assertion(%t) {error_message = 5 : i32, has_side_effect = true} : (tensor<i1>) -> ()
  return
}
