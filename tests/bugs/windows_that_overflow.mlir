// Windows with an infinity, whose other elements overflow the other way where they are added first.
module {
  func.func @main(%arg0: tensor<47x96xf32> {pj.fill = 59211488421740545 : i64}, %arg1: tensor<f32> {pj.fill = 33554433 : i64}) -> tensor<47x96xf32> {
    %2 = stablehlo.add %arg0, %arg0 : tensor<47x96xf32>
    %3 = "stablehlo.reduce_window"(%2, %arg1) <{window_dimensions = array<i64: 1, 96>, padding = dense<[[0, 0], [0, 95]]> : tensor<2x2xi64>}> ({
    ^bb0(%arg4: tensor<f32>, %arg5: tensor<f32>):
      %6 = stablehlo.add %arg4, %arg5 : tensor<f32>
      stablehlo.return %6 : tensor<f32>
    }) : (tensor<47x96xf32>, tensor<f32>) -> tensor<47x96xf32>
    return %3 : tensor<47x96xf32>
  }
}
