// Quotients and rests of numbers that a loop takes one by one, of all signs, by zero and the extreme ones too; and Euclid's
// algorithm, whose condition says of the divisor that it is not zero.
module {
  func.func @main(%x: tensor<i32>) -> (tensor<64xi32>, tensor<64xi32>, tensor<64xi32>, tensor<64xi32>) {
    %as = stablehlo.constant dense<[0, 1, -1, 7, -7, -2147483648, 2147483647, 123456]> : tensor<8xi32>
    %bs = stablehlo.constant dense<[1, -1, 0, 3, -3, -2147483648, 2147483647, 2]> : tensor<8xi32>
    %none = stablehlo.constant dense<0> : tensor<64xi32>
    %start = stablehlo.constant dense<0> : tensor<i32>
    %0:5 = stablehlo.while(%i = %start, %qs = %none, %rs = %none, %ms = %none, %gs = %none) : tensor<i32>, tensor<64xi32>, tensor<64xi32>, tensor<64xi32>, tensor<64xi32>
    cond {
      %end = stablehlo.constant dense<64> : tensor<i32>
      %go = stablehlo.compare LT, %i, %end : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %go : tensor<i1>
    } do {
      %zero = stablehlo.constant dense<0> : tensor<i32>
      %one = stablehlo.constant dense<1> : tensor<i32>
      %three = stablehlo.constant dense<3> : tensor<i32>
      %seven = stablehlo.constant dense<7> : tensor<i32>
      %ia = stablehlo.shift_right_logical %i, %three : tensor<i32>
      %ib = stablehlo.and %i, %seven : tensor<i32>
      %a1 = stablehlo.dynamic_slice %as, %ia, sizes = [1] : (tensor<8xi32>, tensor<i32>) -> tensor<1xi32>
      %b1 = stablehlo.dynamic_slice %bs, %ib, sizes = [1] : (tensor<8xi32>, tensor<i32>) -> tensor<1xi32>
      %a = stablehlo.reshape %a1 : (tensor<1xi32>) -> tensor<i32>
      %b = stablehlo.reshape %b1 : (tensor<1xi32>) -> tensor<i32>
      %q = stablehlo.divide %a, %b : tensor<i32>
      %r = stablehlo.remainder %a, %b : tensor<i32>
      %rest = stablehlo.compare NE, %r, %zero : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %below = stablehlo.compare LT, %r, %zero : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %by = stablehlo.compare LT, %b, %zero : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %differ = stablehlo.compare NE, %below, %by : (tensor<i1>, tensor<i1>) -> tensor<i1>
      %wrong = stablehlo.and %differ, %rest : tensor<i1>
      %sum = stablehlo.add %r, %b : tensor<i32>
      %m = stablehlo.select %wrong, %sum, %r : tensor<i1>, tensor<i32>
      %1:2 = stablehlo.while(%u = %a, %v = %b) : tensor<i32>, tensor<i32>
      cond {
        %left = stablehlo.compare NE, %v, %zero : (tensor<i32>, tensor<i32>) -> tensor<i1>
        stablehlo.return %left : tensor<i1>
      } do {
        %is_zero = stablehlo.compare EQ, %v, %zero : (tensor<i32>, tensor<i32>) -> tensor<i1>
        %safe = stablehlo.select %is_zero, %one, %v : tensor<i1>, tensor<i32>
        %w = stablehlo.remainder %u, %safe : tensor<i32>
        stablehlo.return %v, %w : tensor<i32>, tensor<i32>
      }
      %q1 = stablehlo.reshape %q : (tensor<i32>) -> tensor<1xi32>
      %r1 = stablehlo.reshape %r : (tensor<i32>) -> tensor<1xi32>
      %m1 = stablehlo.reshape %m : (tensor<i32>) -> tensor<1xi32>
      %g1 = stablehlo.reshape %1#0 : (tensor<i32>) -> tensor<1xi32>
      %qs2 = stablehlo.dynamic_update_slice %qs, %q1, %i : (tensor<64xi32>, tensor<1xi32>, tensor<i32>) -> tensor<64xi32>
      %rs2 = stablehlo.dynamic_update_slice %rs, %r1, %i : (tensor<64xi32>, tensor<1xi32>, tensor<i32>) -> tensor<64xi32>
      %ms2 = stablehlo.dynamic_update_slice %ms, %m1, %i : (tensor<64xi32>, tensor<1xi32>, tensor<i32>) -> tensor<64xi32>
      %gs2 = stablehlo.dynamic_update_slice %gs, %g1, %i : (tensor<64xi32>, tensor<1xi32>, tensor<i32>) -> tensor<64xi32>
      %j = stablehlo.add %i, %one : tensor<i32>
      stablehlo.return %j, %qs2, %rs2, %ms2, %gs2 : tensor<i32>, tensor<64xi32>, tensor<64xi32>, tensor<64xi32>, tensor<64xi32>
    }
    return %0#1, %0#2, %0#3, %0#4 : tensor<64xi32>, tensor<64xi32>, tensor<64xi32>, tensor<64xi32>
  }
}
