module attributes {a = tensor<3x2>} {}
