// A matrix of one number that a turn of a loop spells out stays in memory until it is multiplied: the
// product of a turn was given the same memory, and its first rows were the matrix of the others.
module {
  func.func @main(%total: tensor<31x17xf32>, %state: tensor<62x17xf32>) -> tensor<31x17xf32> {
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %turns = stablehlo.constant dense<7> : tensor<i32>
    %loop:3 = stablehlo.while(%i = %zero, %x = %state, %sum = %total) : tensor<i32>, tensor<62x17xf32>, tensor<31x17xf32>
    cond {
      %more = stablehlo.compare LT, %i, %turns, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %more : tensor<i1>
    } do {
      %weights = stablehlo.constant dense<0.75> : tensor<62x31xf32>
      %product = stablehlo.dot_general %weights, %x, contracting_dims = [0] x [0] : (tensor<62x31xf32>, tensor<62x17xf32>) -> tensor<31x17xf32>
      %next_sum = stablehlo.add %sum, %product : tensor<31x17xf32>
      %next_x = stablehlo.tanh %x : tensor<62x17xf32>
      %next = stablehlo.add %i, %one : tensor<i32>
      stablehlo.return %next, %next_x, %next_sum : tensor<i32>, tensor<62x17xf32>, tensor<31x17xf32>
    }
    return %loop#2 : tensor<31x17xf32>
  }
}
