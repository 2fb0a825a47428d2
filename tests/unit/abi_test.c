// The layout of our ABI headers, asserted against a table of upstream's: every offset, size and
// constant.
//
// The comparison with upstream's header itself is tests/abi/abi_table.py (make check-abi).

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
