// Extremes of few columns are found by halves: of equal elements the first counts, and so does a NaN.
module {
  func.func @main(%arg0: tensor<200x13xbf16> {pj.fill = 2975724570935297 : i64}, %arg1: tensor<200x16xi8> {pj.fill = 2975724570935298 : i64}, %arg2: tensor<40x24xf32>)
      -> (tensor<200xi32>, tensor<200xi8>, tensor<200xi32>, tensor<40xi32>) {
    %0 = stablehlo.iota dim = 1 : tensor<200x13xi32>
    %1 = stablehlo.constant dense<0x7F80> : tensor<bf16>
    %2 = stablehlo.constant dense<0> : tensor<i32>
    %3:2 = stablehlo.reduce(%arg0 init: %1), (%0 init: %2) across dimensions = [1] : (tensor<200x13xbf16>, tensor<200x13xi32>, tensor<bf16>, tensor<i32>) -> (tensor<200xbf16>, tensor<200xi32>)
     reducer(%a: tensor<bf16>, %b: tensor<bf16>) (%ai: tensor<i32>, %bi: tensor<i32>)  {
      %20 = stablehlo.compare LT, %a, %b, FLOAT : (tensor<bf16>, tensor<bf16>) -> tensor<i1>
      %21 = stablehlo.compare NE, %a, %a, FLOAT : (tensor<bf16>, tensor<bf16>) -> tensor<i1>
      %22 = stablehlo.or %20, %21 : tensor<i1>
      %23 = stablehlo.compare EQ, %a, %b, FLOAT : (tensor<bf16>, tensor<bf16>) -> tensor<i1>
      %24 = stablehlo.compare LT, %ai, %bi, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %25 = stablehlo.and %23, %24 : tensor<i1>
      %26 = stablehlo.or %22, %25 : tensor<i1>
      %27 = stablehlo.select %22, %a, %b : tensor<i1>, tensor<bf16>
      %28 = stablehlo.select %26, %ai, %bi : tensor<i1>, tensor<i32>
      stablehlo.return %27, %28 : tensor<bf16>, tensor<i32>
    }
    %4 = stablehlo.iota dim = 1 : tensor<200x16xi32>
    %5 = stablehlo.constant dense<-128> : tensor<i8>
    %6 = stablehlo.constant dense<7> : tensor<200x16xi8>
    %7 = stablehlo.and %arg1, %6 : tensor<200x16xi8>
    %8:2 = stablehlo.reduce(%7 init: %5), (%4 init: %2) across dimensions = [1] : (tensor<200x16xi8>, tensor<200x16xi32>, tensor<i8>, tensor<i32>) -> (tensor<200xi8>, tensor<200xi32>)
     reducer(%a: tensor<i8>, %b: tensor<i8>) (%ai: tensor<i32>, %bi: tensor<i32>)  {
      %20 = stablehlo.compare GT, %a, %b, SIGNED : (tensor<i8>, tensor<i8>) -> tensor<i1>
      %21 = stablehlo.compare EQ, %a, %b, SIGNED : (tensor<i8>, tensor<i8>) -> tensor<i1>
      %22 = stablehlo.compare LT, %ai, %bi, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %23 = stablehlo.and %21, %22 : tensor<i1>
      %24 = stablehlo.or %20, %23 : tensor<i1>
      %25 = stablehlo.select %20, %a, %b : tensor<i1>, tensor<i8>
      %26 = stablehlo.select %24, %ai, %bi : tensor<i1>, tensor<i32>
      stablehlo.return %25, %26 : tensor<i8>, tensor<i32>
    }
    // A NaN in the middle of each second row, before an infinity.
    %9 = stablehlo.iota dim = 1 : tensor<40x24xi32>
    %10 = stablehlo.iota dim = 0 : tensor<40x24xi32>
    %11 = stablehlo.constant dense<0x7FC00000> : tensor<40x24xf32>
    %12 = stablehlo.constant dense<0x7F800000> : tensor<40x24xf32>
    %13 = stablehlo.constant dense<20> : tensor<40x24xi32>
    %14 = stablehlo.compare EQ, %9, %10, SIGNED : (tensor<40x24xi32>, tensor<40x24xi32>) -> tensor<40x24xi1>
    %15 = stablehlo.select %14, %11, %arg2 : tensor<40x24xi1>, tensor<40x24xf32>
    %16 = stablehlo.compare EQ, %9, %13, SIGNED : (tensor<40x24xi32>, tensor<40x24xi32>) -> tensor<40x24xi1>
    %17 = stablehlo.select %16, %12, %15 : tensor<40x24xi1>, tensor<40x24xf32>
    %18 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %19:2 = stablehlo.reduce(%17 init: %18), (%9 init: %2) across dimensions = [1] : (tensor<40x24xf32>, tensor<40x24xi32>, tensor<f32>, tensor<i32>) -> (tensor<40xf32>, tensor<40xi32>)
     reducer(%a: tensor<f32>, %b: tensor<f32>) (%ai: tensor<i32>, %bi: tensor<i32>)  {
      %20 = stablehlo.compare GT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %21 = stablehlo.compare NE, %a, %a, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %22 = stablehlo.or %20, %21 : tensor<i1>
      %23 = stablehlo.compare EQ, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %24 = stablehlo.compare LT, %ai, %bi, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %25 = stablehlo.and %23, %24 : tensor<i1>
      %26 = stablehlo.or %22, %25 : tensor<i1>
      %27 = stablehlo.select %22, %a, %b : tensor<i1>, tensor<f32>
      %28 = stablehlo.select %26, %ai, %bi : tensor<i1>, tensor<i32>
      stablehlo.return %27, %28 : tensor<f32>, tensor<i32>
    }
    return %3#1, %8#0, %8#1, %19#1 : tensor<200xi32>, tensor<200xi8>, tensor<200xi32>, tensor<40xi32>
  }
}
