// What few elements are gathered of is computed where they are, also where it reads arrays at several indices.
module @jit_fn attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<24x70xf32>, %arg1: tensor<6x64x40xf32>, %arg2: tensor<6x64xf32>, %arg3: tensor<40xf32>, %arg4: tensor<64xf32>, %arg5: tensor<24xi32>, %arg6: tensor<3xi32>) -> (tensor<24x1xf32> {jax.result_info = "result[0]"}, tensor<24xf32> {jax.result_info = "result[1]"}, tensor<24xf32> {jax.result_info = "result[2]"}, tensor<6x3x40xf32> {jax.result_info = "result[3]"}, tensor<3x2x3x5xf32> {jax.result_info = "result[4]"}, tensor<6x64x3xf32> {jax.result_info = "result[5]"}, tensor<6x3xf32> {jax.result_info = "result[6]"}, tensor<3x40xf32> {jax.result_info = "result[7]"}, tensor<2x64x40xf32> {jax.result_info = "result[8]"}, tensor<24xf32> {jax.result_info = "result[9]"}) {
    %0 = call @log_softmax(%arg0) : (tensor<24x70xf32>) -> tensor<24x70xf32>
    %1 = stablehlo.broadcast_in_dim %arg5, dims = [0] : (tensor<24xi32>) -> tensor<24x1xi32>
    %2 = call @take_along_axis(%0, %1) : (tensor<24x70xf32>, tensor<24x1xi32>) -> tensor<24x1xf32>
    %3 = stablehlo.iota dim = 0 : tensor<24xi32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %4 = stablehlo.broadcast_in_dim %c, dims = [] : (tensor<i32>) -> tensor<24xi32>
    %5 = stablehlo.compare LT, %3, %4, SIGNED : (tensor<24xi32>, tensor<24xi32>) -> tensor<24xi1>
    %c_0 = stablehlo.constant dense<24> : tensor<i32>
    %6 = stablehlo.broadcast_in_dim %c_0, dims = [] : (tensor<i32>) -> tensor<24xi32>
    %7 = stablehlo.add %3, %6 : tensor<24xi32>
    %8 = stablehlo.select %5, %7, %3 : tensor<24xi1>, tensor<24xi32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %9 = stablehlo.broadcast_in_dim %c_1, dims = [] : (tensor<i32>) -> tensor<24xi32>
    %10 = stablehlo.compare LT, %arg5, %9, SIGNED : (tensor<24xi32>, tensor<24xi32>) -> tensor<24xi1>
    %c_2 = stablehlo.constant dense<70> : tensor<i32>
    %11 = stablehlo.broadcast_in_dim %c_2, dims = [] : (tensor<i32>) -> tensor<24xi32>
    %12 = stablehlo.add %arg5, %11 : tensor<24xi32>
    %13 = stablehlo.select %10, %12, %arg5 : tensor<24xi1>, tensor<24xi32>
    %14 = stablehlo.broadcast_in_dim %8, dims = [0] : (tensor<24xi32>) -> tensor<24x1xi32>
    %15 = stablehlo.broadcast_in_dim %13, dims = [0] : (tensor<24xi32>) -> tensor<24x1xi32>
    %16 = stablehlo.concatenate %14, %15, dim = 1 : (tensor<24x1xi32>, tensor<24x1xi32>) -> tensor<24x2xi32>
    %17 = "stablehlo.gather"(%0, %16) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 1>}> : (tensor<24x70xf32>, tensor<24x2xi32>) -> tensor<24xf32>
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %18 = stablehlo.reduce(%0 init: %cst) applies stablehlo.add across dimensions = [1] : (tensor<24x70xf32>, tensor<f32>) -> tensor<24xf32>
    %cst_3 = stablehlo.constant dense<7.000000e+01> : tensor<f32>
    %19 = stablehlo.broadcast_in_dim %cst_3, dims = [] : (tensor<f32>) -> tensor<24xf32>
    %20 = stablehlo.divide %18, %19 : tensor<24xf32>
    %21 = stablehlo.subtract %20, %17 : tensor<24xf32>
    %cst_4 = stablehlo.constant dense<2.000000e+00> : tensor<f32>
    %22 = stablehlo.broadcast_in_dim %cst_4, dims = [] : (tensor<f32>) -> tensor<6x64x40xf32>
    %23 = stablehlo.multiply %22, %arg1 : tensor<6x64x40xf32>
    %24 = stablehlo.broadcast_in_dim %arg2, dims = [0, 1] : (tensor<6x64xf32>) -> tensor<6x64x1xf32>
    %25 = stablehlo.broadcast_in_dim %24, dims = [0, 1, 2] : (tensor<6x64x1xf32>) -> tensor<6x64x40xf32>
    %26 = stablehlo.multiply %23, %25 : tensor<6x64x40xf32>
    %27 = stablehlo.broadcast_in_dim %arg3, dims = [2] : (tensor<40xf32>) -> tensor<1x1x40xf32>
    %28 = stablehlo.broadcast_in_dim %27, dims = [0, 1, 2] : (tensor<1x1x40xf32>) -> tensor<6x64x40xf32>
    %29 = stablehlo.add %26, %28 : tensor<6x64x40xf32>
    %c_5 = stablehlo.constant dense<0> : tensor<i32>
    %30 = stablehlo.broadcast_in_dim %c_5, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %31 = stablehlo.compare LT, %arg6, %30, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_6 = stablehlo.constant dense<64> : tensor<i32>
    %32 = stablehlo.broadcast_in_dim %c_6, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %33 = stablehlo.add %arg6, %32 : tensor<3xi32>
    %34 = stablehlo.select %31, %33, %arg6 : tensor<3xi1>, tensor<3xi32>
    %35 = stablehlo.broadcast_in_dim %34, dims = [0] : (tensor<3xi32>) -> tensor<3x1xi32>
    %36 = "stablehlo.gather"(%29, %35) <{dimension_numbers = #stablehlo.gather<offset_dims = [0, 2], collapsed_slice_dims = [1], start_index_map = [1], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 6, 1, 40>}> : (tensor<6x64x40xf32>, tensor<3x1xi32>) -> tensor<6x3x40xf32>
    %cst_7 = stablehlo.constant dense<3.000000e+00> : tensor<f32>
    %37 = stablehlo.broadcast_in_dim %cst_7, dims = [] : (tensor<f32>) -> tensor<6x64x40xf32>
    %38 = stablehlo.multiply %37, %arg1 : tensor<6x64x40xf32>
    %39 = stablehlo.broadcast_in_dim %arg2, dims = [0, 1] : (tensor<6x64xf32>) -> tensor<6x64x1xf32>
    %40 = stablehlo.broadcast_in_dim %39, dims = [0, 1, 2] : (tensor<6x64x1xf32>) -> tensor<6x64x40xf32>
    %41 = stablehlo.multiply %38, %40 : tensor<6x64x40xf32>
    %42 = stablehlo.broadcast_in_dim %arg3, dims = [2] : (tensor<40xf32>) -> tensor<1x1x40xf32>
    %43 = stablehlo.broadcast_in_dim %42, dims = [0, 1, 2] : (tensor<1x1x40xf32>) -> tensor<6x64x40xf32>
    %44 = stablehlo.add %41, %43 : tensor<6x64x40xf32>
    %c_8 = stablehlo.constant dense<2> : tensor<i32>
    %45 = call @remainder(%arg6, %c_8) : (tensor<3xi32>, tensor<i32>) -> tensor<3xi32>
    %c_9 = stablehlo.constant dense<3> : tensor<i32>
    %46 = call @remainder(%arg6, %c_9) : (tensor<3xi32>, tensor<i32>) -> tensor<3xi32>
    %c_10 = stablehlo.constant dense<0> : tensor<i32>
    %47 = stablehlo.broadcast_in_dim %c_10, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %48 = stablehlo.compare LT, %45, %47, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_11 = stablehlo.constant dense<6> : tensor<i32>
    %49 = stablehlo.broadcast_in_dim %c_11, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %50 = stablehlo.add %45, %49 : tensor<3xi32>
    %51 = stablehlo.select %48, %50, %45 : tensor<3xi1>, tensor<3xi32>
    %c_12 = stablehlo.constant dense<0> : tensor<i32>
    %52 = stablehlo.broadcast_in_dim %c_12, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %53 = stablehlo.compare LT, %46, %52, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_13 = stablehlo.constant dense<64> : tensor<i32>
    %54 = stablehlo.broadcast_in_dim %c_13, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %55 = stablehlo.add %46, %54 : tensor<3xi32>
    %56 = stablehlo.select %53, %55, %46 : tensor<3xi1>, tensor<3xi32>
    %c_14 = stablehlo.constant dense<0> : tensor<i32>
    %57 = stablehlo.broadcast_in_dim %c_14, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %58 = stablehlo.compare LT, %arg6, %57, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_15 = stablehlo.constant dense<40> : tensor<i32>
    %59 = stablehlo.broadcast_in_dim %c_15, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %60 = stablehlo.add %arg6, %59 : tensor<3xi32>
    %61 = stablehlo.select %58, %60, %arg6 : tensor<3xi1>, tensor<3xi32>
    %62 = stablehlo.broadcast_in_dim %51, dims = [0] : (tensor<3xi32>) -> tensor<3x1xi32>
    %63 = stablehlo.broadcast_in_dim %56, dims = [0] : (tensor<3xi32>) -> tensor<3x1xi32>
    %64 = stablehlo.broadcast_in_dim %61, dims = [0] : (tensor<3xi32>) -> tensor<3x1xi32>
    %65 = stablehlo.concatenate %62, %63, %64, dim = 1 : (tensor<3x1xi32>, tensor<3x1xi32>, tensor<3x1xi32>) -> tensor<3x3xi32>
    %66 = "stablehlo.gather"(%44, %65) <{dimension_numbers = #stablehlo.gather<offset_dims = [1, 2, 3], start_index_map = [0, 1, 2], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 2, 3, 5>}> : (tensor<6x64x40xf32>, tensor<3x3xi32>) -> tensor<3x2x3x5xf32>
    %cst_16 = stablehlo.constant dense<4.000000e+00> : tensor<f32>
    %67 = stablehlo.broadcast_in_dim %cst_16, dims = [] : (tensor<f32>) -> tensor<6x64x40xf32>
    %68 = stablehlo.multiply %67, %arg1 : tensor<6x64x40xf32>
    %69 = stablehlo.broadcast_in_dim %arg2, dims = [0, 1] : (tensor<6x64xf32>) -> tensor<6x64x1xf32>
    %70 = stablehlo.broadcast_in_dim %69, dims = [0, 1, 2] : (tensor<6x64x1xf32>) -> tensor<6x64x40xf32>
    %71 = stablehlo.multiply %68, %70 : tensor<6x64x40xf32>
    %72 = stablehlo.broadcast_in_dim %arg3, dims = [2] : (tensor<40xf32>) -> tensor<1x1x40xf32>
    %73 = stablehlo.broadcast_in_dim %72, dims = [0, 1, 2] : (tensor<1x1x40xf32>) -> tensor<6x64x40xf32>
    %74 = stablehlo.add %71, %73 : tensor<6x64x40xf32>
    %c_17 = stablehlo.constant dense<0> : tensor<i32>
    %75 = stablehlo.broadcast_in_dim %c_17, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %76 = stablehlo.compare LT, %arg6, %75, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_18 = stablehlo.constant dense<40> : tensor<i32>
    %77 = stablehlo.broadcast_in_dim %c_18, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %78 = stablehlo.add %arg6, %77 : tensor<3xi32>
    %79 = stablehlo.select %76, %78, %arg6 : tensor<3xi1>, tensor<3xi32>
    %80 = stablehlo.broadcast_in_dim %79, dims = [0] : (tensor<3xi32>) -> tensor<3x1xi32>
    %81 = "stablehlo.gather"(%74, %80) <{dimension_numbers = #stablehlo.gather<offset_dims = [0, 1], collapsed_slice_dims = [2], start_index_map = [2], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 6, 64, 1>}> : (tensor<6x64x40xf32>, tensor<3x1xi32>) -> tensor<6x64x3xf32>
    %82 = stablehlo.broadcast_in_dim %arg4, dims = [1] : (tensor<64xf32>) -> tensor<1x64x1xf32>
    %83 = stablehlo.broadcast_in_dim %82, dims = [0, 1, 2] : (tensor<1x64x1xf32>) -> tensor<6x64x3xf32>
    %84 = stablehlo.subtract %81, %83 : tensor<6x64x3xf32>
    %cst_19 = stablehlo.constant dense<5.000000e+00> : tensor<f32>
    %85 = stablehlo.broadcast_in_dim %cst_19, dims = [] : (tensor<f32>) -> tensor<6x64x40xf32>
    %86 = stablehlo.multiply %85, %arg1 : tensor<6x64x40xf32>
    %87 = stablehlo.broadcast_in_dim %arg2, dims = [0, 1] : (tensor<6x64xf32>) -> tensor<6x64x1xf32>
    %88 = stablehlo.broadcast_in_dim %87, dims = [0, 1, 2] : (tensor<6x64x1xf32>) -> tensor<6x64x40xf32>
    %89 = stablehlo.multiply %86, %88 : tensor<6x64x40xf32>
    %90 = stablehlo.broadcast_in_dim %arg3, dims = [2] : (tensor<40xf32>) -> tensor<1x1x40xf32>
    %91 = stablehlo.broadcast_in_dim %90, dims = [0, 1, 2] : (tensor<1x1x40xf32>) -> tensor<6x64x40xf32>
    %92 = stablehlo.add %89, %91 : tensor<6x64x40xf32>
    %93 = stablehlo.reshape %92 : (tensor<6x64x40xf32>) -> tensor<6x2560xf32>
    %94 = stablehlo.slice %arg2 [0:6, 0:1] : (tensor<6x64xf32>) -> tensor<6x1xf32>
    %95 = stablehlo.broadcast_in_dim %94, dims = [0, 1] : (tensor<6x1xf32>) -> tensor<6x2560xf32>
    %96 = stablehlo.add %93, %95 : tensor<6x2560xf32>
    %c_20 = stablehlo.constant dense<7> : tensor<i32>
    %97 = stablehlo.broadcast_in_dim %c_20, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %98 = stablehlo.multiply %arg6, %97 : tensor<3xi32>
    %c_21 = stablehlo.constant dense<0> : tensor<i32>
    %99 = stablehlo.broadcast_in_dim %c_21, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %100 = stablehlo.compare LT, %98, %99, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_22 = stablehlo.constant dense<2560> : tensor<i32>
    %101 = stablehlo.broadcast_in_dim %c_22, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %102 = stablehlo.add %98, %101 : tensor<3xi32>
    %103 = stablehlo.select %100, %102, %98 : tensor<3xi1>, tensor<3xi32>
    %104 = stablehlo.broadcast_in_dim %103, dims = [0] : (tensor<3xi32>) -> tensor<3x1xi32>
    %105 = "stablehlo.gather"(%96, %104) <{dimension_numbers = #stablehlo.gather<offset_dims = [0], collapsed_slice_dims = [1], start_index_map = [1], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 6, 1>}> : (tensor<6x2560xf32>, tensor<3x1xi32>) -> tensor<6x3xf32>
    %cst_23 = stablehlo.constant dense<6.000000e+00> : tensor<f32>
    %106 = stablehlo.broadcast_in_dim %cst_23, dims = [] : (tensor<f32>) -> tensor<6x64x40xf32>
    %107 = stablehlo.multiply %106, %arg1 : tensor<6x64x40xf32>
    %108 = stablehlo.broadcast_in_dim %arg2, dims = [0, 1] : (tensor<6x64xf32>) -> tensor<6x64x1xf32>
    %109 = stablehlo.broadcast_in_dim %108, dims = [0, 1, 2] : (tensor<6x64x1xf32>) -> tensor<6x64x40xf32>
    %110 = stablehlo.multiply %107, %109 : tensor<6x64x40xf32>
    %111 = stablehlo.broadcast_in_dim %arg3, dims = [2] : (tensor<40xf32>) -> tensor<1x1x40xf32>
    %112 = stablehlo.broadcast_in_dim %111, dims = [0, 1, 2] : (tensor<1x1x40xf32>) -> tensor<6x64x40xf32>
    %113 = stablehlo.add %110, %112 : tensor<6x64x40xf32>
    %c_24 = stablehlo.constant dense<6> : tensor<i32>
    %114 = call @remainder_0(%arg6, %c_24) : (tensor<3xi32>, tensor<i32>) -> tensor<3xi32>
    %c_25 = stablehlo.constant dense<0> : tensor<i32>
    %115 = stablehlo.broadcast_in_dim %c_25, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %116 = stablehlo.compare LT, %114, %115, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_26 = stablehlo.constant dense<6> : tensor<i32>
    %117 = stablehlo.broadcast_in_dim %c_26, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %118 = stablehlo.add %114, %117 : tensor<3xi32>
    %119 = stablehlo.select %116, %118, %114 : tensor<3xi1>, tensor<3xi32>
    %c_27 = stablehlo.constant dense<0> : tensor<i32>
    %120 = stablehlo.broadcast_in_dim %c_27, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %121 = stablehlo.compare LT, %arg6, %120, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_28 = stablehlo.constant dense<64> : tensor<i32>
    %122 = stablehlo.broadcast_in_dim %c_28, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %123 = stablehlo.add %arg6, %122 : tensor<3xi32>
    %124 = stablehlo.select %121, %123, %arg6 : tensor<3xi1>, tensor<3xi32>
    %125 = stablehlo.broadcast_in_dim %119, dims = [0] : (tensor<3xi32>) -> tensor<3x1xi32>
    %126 = stablehlo.broadcast_in_dim %124, dims = [0] : (tensor<3xi32>) -> tensor<3x1xi32>
    %127 = stablehlo.concatenate %125, %126, dim = 1 : (tensor<3x1xi32>, tensor<3x1xi32>) -> tensor<3x2xi32>
    %128 = "stablehlo.gather"(%113, %127) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 1, 40>}> : (tensor<6x64x40xf32>, tensor<3x2xi32>) -> tensor<3x40xf32>
    %129 = stablehlo.broadcast_in_dim %arg4, dims = [1] : (tensor<64xf32>) -> tensor<1x64x1xf32>
    %130 = stablehlo.broadcast_in_dim %arg2, dims = [0, 1] : (tensor<6x64xf32>) -> tensor<6x64x1xf32>
    %131 = stablehlo.broadcast_in_dim %129, dims = [0, 1, 2] : (tensor<1x64x1xf32>) -> tensor<6x64x1xf32>
    %132 = stablehlo.multiply %131, %130 : tensor<6x64x1xf32>
    %133 = stablehlo.broadcast_in_dim %132, dims = [0, 1, 2] : (tensor<6x64x1xf32>) -> tensor<6x64x40xf32>
    %134 = stablehlo.subtract %arg1, %133 : tensor<6x64x40xf32>
    %135 = stablehlo.slice %arg6 [0:2] : (tensor<3xi32>) -> tensor<2xi32>
    %c_29 = stablehlo.constant dense<6> : tensor<i32>
    %136 = call @remainder_2(%135, %c_29) : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
    %c_30 = stablehlo.constant dense<0> : tensor<i32>
    %137 = stablehlo.broadcast_in_dim %c_30, dims = [] : (tensor<i32>) -> tensor<2xi32>
    %138 = stablehlo.compare LT, %136, %137, SIGNED : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi1>
    %c_31 = stablehlo.constant dense<6> : tensor<i32>
    %139 = stablehlo.broadcast_in_dim %c_31, dims = [] : (tensor<i32>) -> tensor<2xi32>
    %140 = stablehlo.add %136, %139 : tensor<2xi32>
    %141 = stablehlo.select %138, %140, %136 : tensor<2xi1>, tensor<2xi32>
    %142 = stablehlo.broadcast_in_dim %141, dims = [0] : (tensor<2xi32>) -> tensor<2x1xi32>
    %143 = "stablehlo.gather"(%134, %142) <{dimension_numbers = #stablehlo.gather<offset_dims = [1, 2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 64, 40>}> : (tensor<6x64x40xf32>, tensor<2x1xi32>) -> tensor<2x64x40xf32>
    %144 = stablehlo.exponential %0 : tensor<24x70xf32>
    %cst_32 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %145 = stablehlo.reduce(%144 init: %cst_32) applies stablehlo.add across dimensions = [1] : (tensor<24x70xf32>, tensor<f32>) -> tensor<24xf32>
    return %2, %17, %21, %36, %66, %84, %105, %128, %143, %145 : tensor<24x1xf32>, tensor<24xf32>, tensor<24xf32>, tensor<6x3x40xf32>, tensor<3x2x3x5xf32>, tensor<6x64x3xf32>, tensor<6x3xf32>, tensor<3x40xf32>, tensor<2x64x40xf32>, tensor<24xf32>
  }
  func.func private @log_softmax(%arg0: tensor<24x70xf32>) -> tensor<24x70xf32> {
    %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.maximum across dimensions = [1] : (tensor<24x70xf32>, tensor<f32>) -> tensor<24xf32>
    %cst_0 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<24xf32>
    %2 = stablehlo.maximum %1, %0 : tensor<24xf32>
    %3 = stablehlo.broadcast_in_dim %2, dims = [0] : (tensor<24xf32>) -> tensor<24x1xf32>
    %4 = stablehlo.broadcast_in_dim %3, dims = [0, 1] : (tensor<24x1xf32>) -> tensor<24x70xf32>
    %5 = stablehlo.subtract %arg0, %4 : tensor<24x70xf32>
    %6 = stablehlo.exponential %5 : tensor<24x70xf32>
    %cst_1 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %7 = stablehlo.reduce(%6 init: %cst_1) applies stablehlo.add across dimensions = [1] : (tensor<24x70xf32>, tensor<f32>) -> tensor<24xf32>
    %8 = stablehlo.broadcast_in_dim %7, dims = [0] : (tensor<24xf32>) -> tensor<24x1xf32>
    %9 = stablehlo.log %8 : tensor<24x1xf32>
    %10 = stablehlo.broadcast_in_dim %9, dims = [0, 1] : (tensor<24x1xf32>) -> tensor<24x70xf32>
    %11 = stablehlo.subtract %5, %10 : tensor<24x70xf32>
    return %11 : tensor<24x70xf32>
  }
  func.func private @take_along_axis(%arg0: tensor<24x70xf32>, %arg1: tensor<24x1xi32>) -> tensor<24x1xf32> {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.broadcast_in_dim %c, dims = [] : (tensor<i32>) -> tensor<24x1xi32>
    %1 = stablehlo.compare LT, %arg1, %0, SIGNED : (tensor<24x1xi32>, tensor<24x1xi32>) -> tensor<24x1xi1>
    %c_0 = stablehlo.constant dense<70> : tensor<i32>
    %2 = stablehlo.broadcast_in_dim %c_0, dims = [] : (tensor<i32>) -> tensor<24x1xi32>
    %3 = stablehlo.add %arg1, %2 : tensor<24x1xi32>
    %4 = stablehlo.select %1, %3, %arg1 : tensor<24x1xi1>, tensor<24x1xi32>
    %5 = stablehlo.reshape %4 : (tensor<24x1xi32>) -> tensor<24x1x1xi32>
    %c_1 = stablehlo.constant dense<69> : tensor<1xi32>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %6 = stablehlo.broadcast_in_dim %c_2, dims = [] : (tensor<i32>) -> tensor<24x1x1xi32>
    %7 = stablehlo.compare GE, %5, %6, SIGNED : (tensor<24x1x1xi32>, tensor<24x1x1xi32>) -> tensor<24x1x1xi1>
    %8 = stablehlo.broadcast_in_dim %c_1, dims = [2] : (tensor<1xi32>) -> tensor<1x1x1xi32>
    %9 = stablehlo.broadcast_in_dim %8, dims = [0, 1, 2] : (tensor<1x1x1xi32>) -> tensor<24x1x1xi32>
    %10 = stablehlo.compare LE, %5, %9, SIGNED : (tensor<24x1x1xi32>, tensor<24x1x1xi32>) -> tensor<24x1x1xi1>
    %11 = stablehlo.and %7, %10 : tensor<24x1x1xi1>
    %c_3 = stablehlo.constant dense<true> : tensor<i1>
    %12 = stablehlo.reduce(%11 init: %c_3) applies stablehlo.and across dimensions = [2] : (tensor<24x1x1xi1>, tensor<i1>) -> tensor<24x1xi1>
    %13 = "stablehlo.gather"(%arg0, %5) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [1], operand_batching_dims = [0], start_indices_batching_dims = [0], start_index_map = [1], index_vector_dim = 2>, indices_are_sorted = false, slice_sizes = array<i64: 1, 1>}> : (tensor<24x70xf32>, tensor<24x1x1xi32>) -> tensor<24x1xf32>
    %cst = stablehlo.constant dense<0x7FC00000> : tensor<f32>
    %14 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<24x1xf32>
    %15 = stablehlo.select %12, %13, %14 : tensor<24x1xi1>, tensor<24x1xf32>
    return %15 : tensor<24x1xf32>
  }
  func.func private @remainder(%arg0: tensor<3xi32>, %arg1: tensor<i32>) -> tensor<3xi32> {
    %0 = stablehlo.convert %arg1 : tensor<i32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.compare EQ, %0, %c, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %c_0 = stablehlo.constant dense<1> : tensor<i32>
    %2 = call @_where(%1, %c_0, %0) : (tensor<i1>, tensor<i32>, tensor<i32>) -> tensor<i32>
    %3 = stablehlo.broadcast_in_dim %2, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %4 = stablehlo.remainder %arg0, %3 : tensor<3xi32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %5 = stablehlo.broadcast_in_dim %c_1, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %6 = stablehlo.compare NE, %4, %5, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %7 = stablehlo.broadcast_in_dim %c_2, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %8 = stablehlo.compare LT, %4, %7, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_3 = stablehlo.constant dense<0> : tensor<i32>
    %9 = stablehlo.compare LT, %2, %c_3, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %10 = stablehlo.broadcast_in_dim %9, dims = [] : (tensor<i1>) -> tensor<3xi1>
    %11 = stablehlo.compare NE, %8, %10, UNSIGNED : (tensor<3xi1>, tensor<3xi1>) -> tensor<3xi1>
    %12 = stablehlo.and %11, %6 : tensor<3xi1>
    %13 = stablehlo.broadcast_in_dim %2, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %14 = stablehlo.add %4, %13 : tensor<3xi32>
    %15 = stablehlo.select %12, %14, %4 : tensor<3xi1>, tensor<3xi32>
    return %15 : tensor<3xi32>
  }
  func.func private @_where(%arg0: tensor<i1>, %arg1: tensor<i32>, %arg2: tensor<i32>) -> tensor<i32> {
    %0 = stablehlo.select %arg0, %arg1, %arg2 : tensor<i1>, tensor<i32>
    return %0 : tensor<i32>
  }
  func.func private @remainder_0(%arg0: tensor<3xi32>, %arg1: tensor<i32>) -> tensor<3xi32> {
    %0 = stablehlo.convert %arg1 : tensor<i32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.compare EQ, %0, %c, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %c_0 = stablehlo.constant dense<1> : tensor<i32>
    %2 = call @_where_1(%1, %c_0, %0) : (tensor<i1>, tensor<i32>, tensor<i32>) -> tensor<i32>
    %3 = stablehlo.broadcast_in_dim %2, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %4 = stablehlo.remainder %arg0, %3 : tensor<3xi32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %5 = stablehlo.broadcast_in_dim %c_1, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %6 = stablehlo.compare NE, %4, %5, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %7 = stablehlo.broadcast_in_dim %c_2, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %8 = stablehlo.compare LT, %4, %7, SIGNED : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
    %c_3 = stablehlo.constant dense<0> : tensor<i32>
    %9 = stablehlo.compare LT, %2, %c_3, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %10 = stablehlo.broadcast_in_dim %9, dims = [] : (tensor<i1>) -> tensor<3xi1>
    %11 = stablehlo.compare NE, %8, %10, UNSIGNED : (tensor<3xi1>, tensor<3xi1>) -> tensor<3xi1>
    %12 = stablehlo.and %11, %6 : tensor<3xi1>
    %13 = stablehlo.broadcast_in_dim %2, dims = [] : (tensor<i32>) -> tensor<3xi32>
    %14 = stablehlo.add %4, %13 : tensor<3xi32>
    %15 = stablehlo.select %12, %14, %4 : tensor<3xi1>, tensor<3xi32>
    return %15 : tensor<3xi32>
  }
  func.func private @_where_1(%arg0: tensor<i1>, %arg1: tensor<i32>, %arg2: tensor<i32>) -> tensor<i32> {
    %0 = stablehlo.select %arg0, %arg1, %arg2 : tensor<i1>, tensor<i32>
    return %0 : tensor<i32>
  }
  func.func private @remainder_2(%arg0: tensor<2xi32>, %arg1: tensor<i32>) -> tensor<2xi32> {
    %0 = stablehlo.convert %arg1 : tensor<i32>
    %c = stablehlo.constant dense<0> : tensor<i32>
    %1 = stablehlo.compare EQ, %0, %c, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %c_0 = stablehlo.constant dense<1> : tensor<i32>
    %2 = call @_where_1(%1, %c_0, %0) : (tensor<i1>, tensor<i32>, tensor<i32>) -> tensor<i32>
    %3 = stablehlo.broadcast_in_dim %2, dims = [] : (tensor<i32>) -> tensor<2xi32>
    %4 = stablehlo.remainder %arg0, %3 : tensor<2xi32>
    %c_1 = stablehlo.constant dense<0> : tensor<i32>
    %5 = stablehlo.broadcast_in_dim %c_1, dims = [] : (tensor<i32>) -> tensor<2xi32>
    %6 = stablehlo.compare NE, %4, %5, SIGNED : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi1>
    %c_2 = stablehlo.constant dense<0> : tensor<i32>
    %7 = stablehlo.broadcast_in_dim %c_2, dims = [] : (tensor<i32>) -> tensor<2xi32>
    %8 = stablehlo.compare LT, %4, %7, SIGNED : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi1>
    %c_3 = stablehlo.constant dense<0> : tensor<i32>
    %9 = stablehlo.compare LT, %2, %c_3, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %10 = stablehlo.broadcast_in_dim %9, dims = [] : (tensor<i1>) -> tensor<2xi1>
    %11 = stablehlo.compare NE, %8, %10, UNSIGNED : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
    %12 = stablehlo.and %11, %6 : tensor<2xi1>
    %13 = stablehlo.broadcast_in_dim %2, dims = [] : (tensor<i32>) -> tensor<2xi32>
    %14 = stablehlo.add %4, %13 : tensor<2xi32>
    %15 = stablehlo.select %12, %14, %4 : tensor<2xi1>, tensor<2xi32>
    return %15 : tensor<2xi32>
  }
}

