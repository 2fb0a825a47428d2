// Tables that are computed from positions, and choices between a few arrays, at indices that lie anywhere.
module {
  func.func @main(%i: tensor<7x5xi32>, %b: tensor<7x5xui8>, %x: tensor<7x5xf32>, %y: tensor<7x5xf32>) -> (tensor<7x5xf32>, tensor<7x5xf32>, tensor<7x5xi16>, tensor<7x5xf32>) {
    %p = stablehlo.iota dim = 0 : tensor<9xf32>
    %c = stablehlo.constant dense<8.0> : tensor<9xf32>
    %q = stablehlo.divide %p, %c : tensor<9xf32>
    %e = stablehlo.constant dense<[3.0, 3.0]> : tensor<2xf32>
    %t = stablehlo.concatenate %q, %e, dim = 0 : (tensor<9xf32>, tensor<2xf32>) -> tensor<11xf32>
    %n = stablehlo.reshape %i : (tensor<7x5xi32>) -> tensor<7x5x1xi32>
    %r = "stablehlo.gather"(%t, %n) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, slice_sizes = array<i64: 1>}> : (tensor<11xf32>, tensor<7x5x1xi32>) -> tensor<7x5xf32>
    %w = stablehlo.convert %b : (tensor<7x5xui8>) -> tensor<7x5xi32>
    %m = stablehlo.reshape %w : (tensor<7x5xi32>) -> tensor<7x5x1xi32>
    %s = "stablehlo.gather"(%t, %m) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, slice_sizes = array<i64: 1>}> : (tensor<11xf32>, tensor<7x5x1xi32>) -> tensor<7x5xf32>
    %z = stablehlo.iota dim = 0 : tensor<300xi16>
    %zz = stablehlo.multiply %z, %z : tensor<300xi16>
    %u = "stablehlo.gather"(%zz, %m) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, slice_sizes = array<i64: 1>}> : (tensor<300xi16>, tensor<7x5x1xi32>) -> tensor<7x5xi16>
    %xs = stablehlo.reshape %x : (tensor<7x5xf32>) -> tensor<1x7x5xf32>
    %ys = stablehlo.reshape %y : (tensor<7x5xf32>) -> tensor<1x7x5xf32>
    %a = stablehlo.concatenate %xs, %ys, %xs, dim = 0 : (tensor<1x7x5xf32>, tensor<1x7x5xf32>, tensor<1x7x5xf32>) -> tensor<3x7x5xf32>
    %j = stablehlo.iota dim = 0 : tensor<7x5x1xi32>
    %k = stablehlo.iota dim = 1 : tensor<7x5x1xi32>
    %v = stablehlo.concatenate %n, %j, %k, dim = 2 : (tensor<7x5x1xi32>, tensor<7x5x1xi32>, tensor<7x5x1xi32>) -> tensor<7x5x3xi32>
    %o = "stablehlo.gather"(%a, %v) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0, 1, 2], start_index_map = [0, 1, 2], index_vector_dim = 2>, slice_sizes = array<i64: 1, 1, 1>}> : (tensor<3x7x5xf32>, tensor<7x5x3xi32>) -> tensor<7x5xf32>
    return %r, %s, %u, %o : tensor<7x5xf32>, tensor<7x5xf32>, tensor<7x5xi16>, tensor<7x5xf32>
  }
}
