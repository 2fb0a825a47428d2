// Parts are joined only to be combined: which condition holds first, as jnp.select and jnp.piecewise ask, without the array of all.
module @stacks {
  func.func public @main(%a: tensor<37x41xf32>, %b: tensor<37x41xf32>, %c: tensor<20x1xi32>) -> (tensor<37x41xi32>, tensor<37x41xi1>, tensor<37x41xf32>, tensor<20x3xi32>) {
    %x = stablehlo.reshape %a : (tensor<37x41xf32>) -> tensor<1x37x41xf32>
    %y = stablehlo.reshape %b : (tensor<37x41xf32>) -> tensor<1x37x41xf32>
    %p = stablehlo.compare LT, %x, %y, FLOAT : (tensor<1x37x41xf32>, tensor<1x37x41xf32>) -> tensor<1x37x41xi1>
    %q = stablehlo.compare GE, %x, %y, FLOAT : (tensor<1x37x41xf32>, tensor<1x37x41xf32>) -> tensor<1x37x41xi1>
    %no = stablehlo.constant dense<false> : tensor<1x37x41xi1>
    %s = stablehlo.concatenate %no, %p, %q, dim = 0 : (tensor<1x37x41xi1>, tensor<1x37x41xi1>, tensor<1x37x41xi1>) -> tensor<3x37x41xi1>
    %n = stablehlo.convert %s : (tensor<3x37x41xi1>) -> tensor<3x37x41xi32>
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %sums = "stablehlo.reduce_window"(%n, %zero) <{padding = dense<[[2, 0], [0, 0], [0, 0]]> : tensor<3x2xi64>, window_dimensions = array<i64: 3, 1, 1>}> ({
    ^bb0(%u: tensor<i32>, %v: tensor<i32>):
      %w = stablehlo.add %u, %v : tensor<i32>
      stablehlo.return %w : tensor<i32>
    }) : (tensor<3x37x41xi32>, tensor<i32>) -> tensor<3x37x41xi32>
    %iota = stablehlo.iota dim = 0 : tensor<3x37x41xi32>
    %least = stablehlo.constant dense<-2147483648> : tensor<i32>
    %first:2 = stablehlo.reduce(%sums init: %least), (%iota init: %zero) across dimensions = [0] : (tensor<3x37x41xi32>, tensor<3x37x41xi32>, tensor<i32>, tensor<i32>) -> (tensor<37x41xi32>, tensor<37x41xi32>)
     reducer(%d: tensor<i32>, %e: tensor<i32>) (%f: tensor<i32>, %g: tensor<i32>)  {
      %h = stablehlo.compare GT, %d, %e, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %i = stablehlo.compare EQ, %d, %e, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %j = stablehlo.compare LT, %f, %g, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %k = stablehlo.and %i, %j : tensor<i1>
      %l = stablehlo.or %h, %k : tensor<i1>
      %m = stablehlo.select %h, %d, %e : tensor<i1>, tensor<i32>
      %o = stablehlo.select %l, %f, %g : tensor<i1>, tensor<i32>
      stablehlo.return %m, %o : tensor<i32>, tensor<i32>
    }
    %yes = stablehlo.constant dense<true> : tensor<i1>
    %all = stablehlo.reduce(%s init: %yes) applies stablehlo.and across dimensions = [0] : (tensor<3x37x41xi1>, tensor<i1>) -> tensor<37x41xi1>
    // Of products, and beside each other.
    %r = stablehlo.concatenate %x, %y, dim = 0 : (tensor<1x37x41xf32>, tensor<1x37x41xf32>) -> tensor<2x37x41xf32>
    %two = stablehlo.constant dense<2.0> : tensor<2x37x41xf32>
    %t = stablehlo.multiply %r, %two : tensor<2x37x41xf32>
    %one = stablehlo.constant dense<1.0> : tensor<f32>
    %z = stablehlo.reduce(%t init: %one) applies stablehlo.maximum across dimensions = [0] : (tensor<2x37x41xf32>, tensor<f32>) -> tensor<37x41xf32>
    %cc = stablehlo.concatenate %c, %c, %c, dim = 1 : (tensor<20x1xi32>, tensor<20x1xi32>, tensor<20x1xi32>) -> tensor<20x3xi32>
    %runs = "stablehlo.reduce_window"(%cc, %zero) <{padding = dense<[[0, 0], [2, 0]]> : tensor<2x2xi64>, window_dimensions = array<i64: 1, 3>}> ({
    ^bb0(%u: tensor<i32>, %v: tensor<i32>):
      %w = stablehlo.add %u, %v : tensor<i32>
      stablehlo.return %w : tensor<i32>
    }) : (tensor<20x3xi32>, tensor<i32>) -> tensor<20x3xi32>
    return %first#1, %all, %z, %runs : tensor<37x41xi32>, tensor<37x41xi1>, tensor<37x41xf32>, tensor<20x3xi32>
  }
}
