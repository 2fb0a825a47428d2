func.func private @f(tensor<2xf32>, tensor<*xi1>) -> (tensor<f32> {jax.result_info = "a"})
