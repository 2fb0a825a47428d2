func.func @main(%a: tensor<2xui64>) -> (tensor<2xui64>, tensor<3x0xui16>, tensor<0x5xi2>) {
  %0, %1 = stablehlo.rng_bit_generator %a, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<3x0xui16>)
  %2, %3 = stablehlo.rng_bit_generator %a, algorithm = PHILOX : (tensor<2xui64>) -> (tensor<2xui64>, tensor<0x5xi2>)
  return %0, %1, %3 : tensor<2xui64>, tensor<3x0xui16>, tensor<0x5xi2>
}
