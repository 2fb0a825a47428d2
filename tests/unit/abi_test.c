// The layout of our ABI headers, asserted against a table of upstream's: every offset, size and
// constant.
//
// The comparison with upstream's header itself is tests/abi/abi_table.py (make check-abi).

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pjrt/ext/custom_partitioner.h"
#include "pjrt/ext/ffi.h"
#include "pjrt/ext/layouts.h"
#include "pjrt/ext/memory_descriptions.h"
#include "pjrt/ext/profiler.h"
#include "pjrt/ext/shardings.h"
#include "pjrt/ext/stream.h"
#include "pjrt/ext/xla_ffi.h"
#include "pjrt/pjrt_c_api.h"
#include "pjrt/pjrt_slots.h"

#define SIZE(s, size) _Static_assert(sizeof(struct s) == (size), "size of " #s);
#define LAST(s, size) _Static_assert(s##_STRUCT_SIZE == (size), "STRUCT_SIZE of " #s);
#define FIELD(s, f, offset, size)                                            \
  _Static_assert(offsetof(struct s, f) == (offset), "offset of " #s "." #f); \
  _Static_assert(sizeof(((struct s *)0)->f) == (size), "size of " #s "." #f);
#define VALUE(c, value) _Static_assert((c) == (value), "value of " #c);
#include "../abi/abi_expected.h"

// Upstream's wheels do not hold this header.
SIZE(JAX_CustomCallPartitioner_string, 16)
SIZE(JAX_CustomCallPartitioner_aval, 40)
FIELD(JAX_CustomCallPartitioner_aval, has_sharding, 16, 1)
FIELD(JAX_CustomCallPartitioner_aval, sharding, 24, 16)
SIZE(JAX_CustomCallPartitioner_version_and_error, 48)
FIELD(JAX_CustomCallPartitioner_version_and_error, cleanup_fn, 16, 8)
FIELD(JAX_CustomCallPartitioner_version_and_error, has_error, 24, 1)
FIELD(JAX_CustomCallPartitioner_version_and_error, code, 28, 4)
FIELD(JAX_CustomCallPartitioner_version_and_error, error_msg, 32, 16)
SIZE(JAX_CustomCallPartitioner_Partition_Args, 160)
FIELD(JAX_CustomCallPartitioner_Partition_Args, op_args, 56, 8)
FIELD(JAX_CustomCallPartitioner_Partition_Args, op_result, 64, 40)
FIELD(JAX_CustomCallPartitioner_Partition_Args, backend_config, 104, 16)
FIELD(JAX_CustomCallPartitioner_Partition_Args, mlir_module, 120, 16)
FIELD(JAX_CustomCallPartitioner_Partition_Args, args_sharding, 136, 8)
FIELD(JAX_CustomCallPartitioner_Partition_Args, result_sharding, 144, 16)
SIZE(JAX_CustomCallPartitioner_InferShardingFromOperands_Args, 120)
FIELD(JAX_CustomCallPartitioner_InferShardingFromOperands_Args, has_result_sharding, 96, 1)
FIELD(JAX_CustomCallPartitioner_InferShardingFromOperands_Args, result_sharding, 104, 16)
SIZE(JAX_CustomCallPartitioner_PropagateUserSharding_Args, 96)
FIELD(JAX_CustomCallPartitioner_PropagateUserSharding_Args, result_sharding, 80, 16)
SIZE(JAX_CustomCallPartitioner_Callbacks, 56)
FIELD(JAX_CustomCallPartitioner_Callbacks, dtor, 16, 8)
FIELD(JAX_CustomCallPartitioner_Callbacks, partition, 24, 8)
FIELD(JAX_CustomCallPartitioner_Callbacks, infer_sharding, 32, 8)
FIELD(JAX_CustomCallPartitioner_Callbacks, propagate_user_sharding, 40, 8)
FIELD(JAX_CustomCallPartitioner_Callbacks, can_side_effecting_have_replicated_sharding, 48, 1)
SIZE(PJRT_Register_Custom_Partitioner_Args, 32)
LAST(PJRT_Register_Custom_Partitioner_Args, 32)
SIZE(PJRT_Register_Batch_Partitionable_Args, 24)
LAST(PJRT_Register_Batch_Partitionable_Args, 24)
_Static_assert(sizeof(PJRT_Custom_Partitioner_Extension) == 40, "size of the extension");
_Static_assert(offsetof(PJRT_Custom_Partitioner_Extension, register_batch_partitionable) == 32,
               "its second function");
#undef SIZE
#undef LAST
#undef FIELD
#undef VALUE

static void test_slots_are_where_the_table_says(void **state) {
  (void)state;
  size_t count = 0;
#define X(slot, name, since)                                          \
  assert_int_equal(offsetof(PJRT_Api, PJRT_##name), 40 + 8 * (slot)); \
  assert_int_equal(slot, count);                                      \
  assert_in_range(since, 0, PJRT_API_MINOR);                          \
  count++;
  PJRT_API_SLOTS(X)
#undef X
  assert_int_equal(count, PJRT_API_SLOT_COUNT);
  assert_int_equal(sizeof(PJRT_Api), 40 + 8 * PJRT_API_SLOT_COUNT);
}

// The table is only worth something if it covers what we declare.
static void test_table_covers_the_function_table(void **state) {
  (void)state;
  size_t api_fields = 0;
#define SIZE(s, size)
#define LAST(s, size)
#define FIELD(s, f, offset, size) api_fields += sizeof(#s) == sizeof("PJRT_Api") && #s[5] == 'A';
#define VALUE(c, value)
#include "../abi/abi_expected.h"
  assert_int_equal(api_fields, 3 + PJRT_API_SLOT_COUNT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_slots_are_where_the_table_says),
      cmocka_unit_test(test_table_covers_the_function_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
