// Float formats: every pattern of the narrow ones reads and writes back, and the corners of
// rounding.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ir/float_bits.h"

static void every_pattern_survives(void **state) {
  for (PjDtype d = 1; d < PJ_DT_COUNT; ++d) {
    if (!pj_dtype_is_float(d) || pj_dtype_bits(d) > 19)
      continue;
    for (uint64_t bits = 0; bits < (uint64_t)1 << pj_dtype_bits(d); ++bits) {
      double value = pj_float_from_bits(d, bits);
      uint64_t again = pj_float_to_bits(d, value);
      if (isnan(value))
        assert_true(isnan(pj_float_from_bits(d, again)));
      else if (again != bits)
        fail_msg("%s: 0x%llx -> %g -> 0x%llx", pj_dtype_text(d), (unsigned long long)bits, value,
                 (unsigned long long)again);
    }
  }
}

static void values_are_those_of_the_formats(void **state) {
  assert_true(pj_float_from_bits(PJ_DT_F8E4M3FN, 0x7E) == 448);
  assert_true(pj_float_from_bits(PJ_DT_F8E5M2, 0x7B) == 57344);
  assert_true(pj_float_from_bits(PJ_DT_F8E4M3FNUZ, 0x7F) == 240);
  assert_true(pj_float_from_bits(PJ_DT_F8E4M3B11FNUZ, 0x7F) == 30);
  assert_true(pj_float_from_bits(PJ_DT_F8E8M0FNU, 127) == 1);
  assert_true(pj_float_from_bits(PJ_DT_F4E2M1FN, 7) == 6);
  assert_true(pj_float_from_bits(PJ_DT_F6E2M3FN, 0x1F) == 7.5);
  assert_true(pj_float_from_bits(PJ_DT_BF16, 0x3FC0) == 1.5);
}

static void rounding_goes_to_even_and_overflow_to_the_formats_rule(void **state) {
  assert_int_equal(pj_float_to_bits(PJ_DT_BF16, 1 + 0x1p-8), 0x3F80);
  assert_int_equal(pj_float_to_bits(PJ_DT_BF16, 1 + 0x3p-8), 0x3F82);
  assert_int_equal(pj_float_to_bits(PJ_DT_F16, 65520), 0x7C00);
  assert_int_equal(pj_float_to_bits(PJ_DT_F16, 0x1p-25), 0);
  assert_int_equal(pj_float_to_bits(PJ_DT_F16, 0x1.8p-25), 1);
  assert_int_equal(pj_float_to_bits(PJ_DT_F8E4M3FN, 1e9), 0x7F);
  assert_int_equal(pj_float_to_bits(PJ_DT_F8E5M2, -INFINITY), 0xFC);
  assert_int_equal(pj_float_to_bits(PJ_DT_F8E4M3FNUZ, -0.0), 0);
  assert_int_equal(pj_float_to_bits(PJ_DT_F4E2M1FN, -100), 0xF);
  assert_int_equal(pj_float_to_bits(PJ_DT_F32, 1.0), 0x3F800000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_pattern_survives),
      cmocka_unit_test(values_are_those_of_the_formats),
      cmocka_unit_test(rounding_goes_to_even_and_overflow_to_the_formats_rule),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
