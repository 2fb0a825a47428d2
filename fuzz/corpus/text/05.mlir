func.func @main(%arg0: tensor<2x?xf32, #stablehlo.bounds<?, 5>> {a.b}) -> tensor<2x?xf32, #stablehlo.type_extensions<bounds = [?, 5]>> { func.return %arg0 : tensor<2x?xf32, #stablehlo.bounds<?, 5>> }
