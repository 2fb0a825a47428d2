module attributes {a = dense<true> : tensor<i8>} {}
