// Sums of rows that lie in pieces far apart are made of parts in the order of memory; with what is
// computed on the way, with a body that keeps its order, and with pieces that fill no vectors.
func.func @main(%x: tensor<33x40x120xf32>, %y: tensor<70x48x100xi32>) -> (tensor<40xf32>, tensor<40xf32>, tensor<48xi32>, tensor<48xi32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %none = stablehlo.constant dense<0> : tensor<i32>
  %s = stablehlo.multiply %x, %x : tensor<33x40x120xf32>
  %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.maximum across dimensions = [0, 2] : (tensor<33x40x120xf32>, tensor<f32>) -> tensor<40xf32>
  %1 = stablehlo.reduce(%s init: %zero) applies stablehlo.add across dimensions = [0, 2] : (tensor<33x40x120xf32>, tensor<f32>) -> tensor<40xf32>
  %2 = stablehlo.reduce(%y init: %none) applies stablehlo.add across dimensions = [0, 2] : (tensor<70x48x100xi32>, tensor<i32>) -> tensor<48xi32>
  %3 = stablehlo.reduce(%y init: %none) across dimensions = [0, 2] : (tensor<70x48x100xi32>, tensor<i32>) -> tensor<48xi32>
   reducer(%a: tensor<i32>, %b: tensor<i32>) {
    %c = stablehlo.compare EQ, %a, %none : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %d = stablehlo.select %c, %b, %a : tensor<i1>, tensor<i32>
    stablehlo.return %d : tensor<i32>
  }
  return %0, %1, %2, %3 : tensor<40xf32>, tensor<40xf32>, tensor<48xi32>, tensor<48xi32>
}
