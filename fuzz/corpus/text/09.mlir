func.func private @q(tensor<4x!quant.uniform<i8<-127:127>:f32:0, {0.1:-30, 0.5, 2.0:1, 1.0e-3}>>, tensor<!quant.uniform<u4:bf16, 3.0:2>>)
