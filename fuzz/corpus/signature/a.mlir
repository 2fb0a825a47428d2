module @m attributes {mhlo.n = 1 : i32} {
  func.func public @main(%arg0: tensor<2x?xf32> {a.b = "x,)"}, %arg1: tensor<complex<f64>>) -> (tensor<f32>) {
