module @m attributes {mhlo.num_partitions = 2 : i32, a, "b c" = [1, 2.5, "x\22\n"]} {}
