// Joined rows of joined columns: where a vector crosses from one operand to the next, only one of the outer operands is read.
module @rolls {
  func.func public @main(%a: tensor<37x101xf32>, %p: tensor<3x4099xi1>) -> (tensor<37x101xf32>, tensor<3xi1>, tensor<3xi1>) {
    %b = stablehlo.slice %a [32:37, 0:101] : (tensor<37x101xf32>) -> tensor<5x101xf32>
    %c = stablehlo.slice %a [0:32, 0:101] : (tensor<37x101xf32>) -> tensor<32x101xf32>
    %d = stablehlo.concatenate %b, %c, dim = 0 : (tensor<5x101xf32>, tensor<32x101xf32>) -> tensor<37x101xf32>
    %e = stablehlo.slice %d [0:37, 94:101] : (tensor<37x101xf32>) -> tensor<37x7xf32>
    %f = stablehlo.slice %d [0:37, 0:94] : (tensor<37x101xf32>) -> tensor<37x94xf32>
    %g = stablehlo.concatenate %e, %f, dim = 1 : (tensor<37x7xf32>, tensor<37x94xf32>) -> tensor<37x101xf32>
    // Rows of bits, which are bytes, in whole registers.
    %no = stablehlo.constant dense<false> : tensor<i1>
    %yes = stablehlo.constant dense<true> : tensor<i1>
    %any = stablehlo.reduce(%p init: %no) applies stablehlo.or across dimensions = [1] : (tensor<3x4099xi1>, tensor<i1>) -> tensor<3xi1>
    %all = stablehlo.reduce(%p init: %yes) applies stablehlo.and across dimensions = [1] : (tensor<3x4099xi1>, tensor<i1>) -> tensor<3xi1>
    return %g, %any, %all : tensor<37x101xf32>, tensor<3xi1>, tensor<3xi1>
  }
}
