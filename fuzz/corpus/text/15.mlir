func.func @main(%a: tensor<3xf32>, %i: tensor<f32>) {
  %0:2 = chlo.scan(%a) inits(%i) dimension = 0 attributes {is_reverse = true} {
  ^bb0(%x: tensor<f32>, %c: tensor<f32>):
    %1 = stablehlo.add %x, %c : tensor<f32>
    stablehlo.return %1, %1 : tensor<f32>, tensor<f32>
  } : (tensor<3xf32>, tensor<f32>) -> (tensor<3xf32>, tensor<f32>)
  "interpreter.run_parallel"() {programs = [[@main], [@main]], infeed = [@q]} : () -> ()
  return
}
