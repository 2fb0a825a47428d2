module attributes {a = #stablehlo.conv<[b, f]x[i, o]->[b, b]>} {}
