module attributes {a = dense<256> : tensor<i8>} {}
