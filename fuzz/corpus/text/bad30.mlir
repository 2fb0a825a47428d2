module attributes {a = dense_resource<x> : tensor<2xf32>} {}
