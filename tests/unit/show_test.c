// What the pjrt command prints of arrays (cli/show.h).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "show.h"

static void shows(PJRT_Buffer_Type type, const int64_t *dims, size_t rank, const void *data,
                  const char *expected) {
  PjStrBuf out = {0};
  pj_show_elements(&out, type, dims, rank, data);
  assert_null(pj_strbuf_status(&out));
  assert_string_equal(out.data, expected);
  pj_strbuf_free(&out);
}

static void prints_elements(void **state) {
  const int64_t three = 3, two_two[] = {2, 2}, one = 1, none[] = {2, 0};
  shows(PJRT_Buffer_Type_F32, NULL, 0, &(float){0.1F}, "0.1");
  shows(PJRT_Buffer_Type_F64, &three, 1, (double[]){1.0 / 3, 1e300, -0.0},
        "[0.3333333333333333, 1e+300, -0]");
  shows(PJRT_Buffer_Type_F32, &three, 1, (float[]){-__builtin_inff(), __builtin_nanf(""), 16777216},
        "[-inf, nan, 16777216]");
  shows(PJRT_Buffer_Type_S32, two_two, 2, (int32_t[]){1, -2, 3, INT32_MIN},
        "[[1, -2],\n [3, -2147483648]]");
  shows(PJRT_Buffer_Type_U64, &one, 1, (uint64_t[]){UINT64_MAX}, "[18446744073709551615]");
  shows(PJRT_Buffer_Type_PRED, &three, 1, "\1\0\1", "[true, false, true]");
  shows(PJRT_Buffer_Type_C64, &one, 1, (float[]){1, -2}, "[1-2i]");
  shows(PJRT_Buffer_Type_F32, none, 2, "", "[[],\n []]");
  shows(PJRT_Buffer_Type_F16, &three, 1, (uint16_t[]){0x3c00, 0x7c00, 0x0001},
        "[1, inf, 5.9605e-08]");
  shows(PJRT_Buffer_Type_BF16, &three, 1, (uint16_t[]){0x3dcd, 0xff80, 0x7fc0},
        "[0.1001, -inf, nan]");
  shows(PJRT_Buffer_Type_F8E4M3FN, &three, 1, "\x7e\x7f\x81", "[448, nan, -0.00195]");
  shows(PJRT_Buffer_Type_F8E5M2FNUZ, &three, 1, "\x80\x7f\x40", "[nan, 5.7e+04, 1]");
  shows(PJRT_Buffer_Type_F8E8M0FNU, &three, 1, "\x7f\xff\x80", "[1, nan, 2]");
  shows(PJRT_Buffer_Type_F4E2M1FN, &three, 1, "\x07\x0f\x01", "[6, -6, 0.5]");
  shows(PJRT_Buffer_Type_S4, &three, 1, "\xf8\x07\xff", "[-8, 7, -1]");
}

static void as_json(PJRT_Buffer_Type type, const void *data, size_t size, const char *expected) {
  PjStrBuf out = {0};
  pj_show_json(&out, type, data, size);
  assert_null(pj_strbuf_status(&out));
  assert_string_equal(out.data, expected);
  pj_strbuf_free(&out);
}

static void prints_json(void **state) {
  as_json(PJRT_Buffer_Type_F32, (float[]){0.5, -__builtin_inff(), __builtin_nanf(""), -2}, 16,
          "[0.5, \"-inf\", \"nan\", -2]");
  as_json(PJRT_Buffer_Type_PRED, "\1\0", 2, "[true, false]");
  as_json(PJRT_Buffer_Type_C64, (float[]){1, -2}, 8, "[\"1-2i\"]");
  as_json(PJRT_Buffer_Type_S64, "", 0, "[]");
}

static void shortens_large_arrays(void **state) {
  int32_t data[200];
  for (int i = 0; i < 200; i++)
    data[i] = i;
  const int64_t dims[] = {100, 2}, flat = 200;
  shows(PJRT_Buffer_Type_S32, &flat, 1, data, "[0, 1, 2, ..., 197, 198, 199]");
  shows(PJRT_Buffer_Type_S32, dims, 2, data,
        "[[0, 1],\n [2, 3],\n [4, 5],\n ...,\n [194, 195],\n [196, 197],\n [198, 199]]");
}

static void names_types(void **state) {
  for (int type = 1; type <= PJRT_Buffer_Type_U1; type++) {
    const char *name = pjh_type_name((PJRT_Buffer_Type)type);
    assert_int_equal(pjh_type_from_name(name, strlen(name)), type);
  }
  assert_int_equal(pjh_type_from_name("f3", 2), PJRT_Buffer_Type_INVALID);
  assert_string_equal(pjh_type_name((PJRT_Buffer_Type)99), "invalid");
  assert_int_equal(pjh_type_host_size(PJRT_Buffer_Type_C128), 16);
  assert_int_equal(pjh_type_host_size((PJRT_Buffer_Type)-1), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(prints_elements),
      cmocka_unit_test(prints_json),
      cmocka_unit_test(shortens_large_arrays),
      cmocka_unit_test(names_types),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
