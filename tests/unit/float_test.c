// Float formats against tables made by walking: from 0 upwards each code adds one step, the step is
// the smallest subnormal number until the first full binade is over and doubles with every further
// one. So no expectation here comes from taking a code apart, which is what float.c does.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/float.h"

typedef struct Expect {
  PjDtype dtype;
  double smallest;     // subnormal number
  unsigned binade;     // codes per power of two
  unsigned one;        // code of 1.0
  unsigned last;       // code of the largest finite number
  double max;          // that number
  unsigned overflow;   // code of 1e38 (E8M0 and 8-bit exponents: of infinity)
  unsigned nan;        // code of a positive NaN
  unsigned sign;       // bit of the sign, 0: none
  unsigned minus_zero; // code of -0.0
} Expect;

static const Expect expects[] = {
    {PJ_DT_F4E2M1FN, 0.5, 2, 0x2, 0x7, 6, 0x7, 0x8, 0x8, 0x8},
    {PJ_DT_F6E2M3FN, 0.125, 8, 0x8, 0x1F, 7.5, 0x1F, 0x20, 0x20, 0x20},
    {PJ_DT_F6E3M2FN, 0.0625, 4, 0xC, 0x1F, 28, 0x1F, 0x20, 0x20, 0x20},
    {PJ_DT_F8E3M4, 0x1p-6, 16, 0x30, 0x6F, 15.5, 0x70, 0x78, 0x80, 0x80},
    {PJ_DT_F8E4M3, 0x1p-9, 8, 0x38, 0x77, 240, 0x78, 0x7C, 0x80, 0x80},
    {PJ_DT_F8E4M3B11FNUZ, 0x1p-13, 8, 0x58, 0x7F, 30, 0x80, 0x80, 0x80, 0},
    {PJ_DT_F8E4M3FN, 0x1p-9, 8, 0x38, 0x7E, 448, 0x7F, 0x7F, 0x80, 0x80},
    {PJ_DT_F8E4M3FNUZ, 0x1p-10, 8, 0x40, 0x7F, 240, 0x80, 0x80, 0x80, 0},
    {PJ_DT_F8E5M2, 0x1p-16, 4, 0x3C, 0x7B, 57344, 0x7C, 0x7E, 0x80, 0x80},
    {PJ_DT_F8E5M2FNUZ, 0x1p-17, 4, 0x40, 0x7F, 57344, 0x80, 0x80, 0x80, 0},
    {PJ_DT_F16, 0x1p-24, 1024, 0x3C00, 0x7BFF, 65504, 0x7C00, 0x7E00, 0x8000, 0x8000},
    {PJ_DT_BF16, 0x1p-133, 128, 0x3F80, 0x7F7F, 0x1.FEp127, 0x7F80, 0x7FC0, 0x8000, 0x8000},
    {PJ_DT_TF32, 0x1p-136, 1024, 0x1FC00, 0x3FBFF, 0x1.FFCp127, 0x3FC00, 0x3FE00, 0x40000, 0x40000},
};

enum { MAX_CODES = 1 << 18 };

static unsigned encode_double(PjDtype dtype, double value) {
  uint32_t code = 0;
  pj_double_encode(dtype, value, &code);
  return code;
}

static unsigned encode_float(PjDtype dtype, float value) {
  uint32_t code = 0, block = 0;
  pj_float_encode(dtype, value, &code);
  pj_float_encode_n(dtype, 1, &value, &block);
  assert_int_equal(code, block);
  return code;
}

static double decode(PjDtype dtype, uint32_t code) {
  float block;
  pj_float_decode_n(dtype, 1, &code, &block);
  double value = pj_double_decode(dtype, &code);
  assert_true(isnan(value) ? isnan(block) : value == (double)block);
  assert_int_equal(!!signbit(value), !!signbit(block));
  return value;
}

static double *walk(const Expect *e) {
  double *values = malloc(MAX_CODES * sizeof *values), step = e->smallest, value = 0;
  assert_non_null(values);
  for (unsigned code = 0; code <= e->last; ++code) {
    values[code] = value;
    if (code >= 2 * e->binade && code % e->binade == 0)
      step *= 2;
    value += step;
  }
  return values;
}

static void test_decode(void **state) {
  for (size_t i = 0; i < sizeof expects / sizeof *expects; ++i) {
    const Expect *e = &expects[i];
    double *values = walk(e);
    assert_true(values[e->one] == 1 && values[e->last] == e->max);
    for (unsigned code = 0; code <= e->last; ++code) {
      assert_true(decode(e->dtype, code) == values[code]);
      if (code)
        assert_true(decode(e->dtype, code | e->sign) == -values[code]);
    }
    assert_true(isinf(decode(e->dtype, e->overflow)) || isnan(decode(e->dtype, e->overflow)) ||
                e->overflow == e->last);
    free(values);
  }
}

// Every code, the middle between neighbours (to even), and the doubles just beside the middle.
static void test_encode_rounds_to_nearest_even(void **state) {
  for (size_t i = 0; i < sizeof expects / sizeof *expects; ++i) {
    const Expect *e = &expects[i];
    double *values = walk(e);
    for (unsigned code = 0; code <= e->last; ++code) {
      assert_int_equal(encode_double(e->dtype, values[code]), code);
      assert_int_equal(encode_float(e->dtype, (float)values[code]), code);
      if (code)
        assert_int_equal(encode_double(e->dtype, -values[code]), code | e->sign);
      if (code == e->last)
        break;
      double middle = (values[code] + values[code + 1]) / 2;
      unsigned even = code + (code & 1);
      assert_int_equal(encode_double(e->dtype, middle), even);
      if ((double)(float)middle == middle) {
        assert_int_equal(encode_float(e->dtype, (float)middle), even);
        assert_int_equal(encode_float(e->dtype, nextafterf((float)middle, 0)), code);
        assert_int_equal(encode_float(e->dtype, nextafterf((float)middle, INFINITY)), code + 1);
      }
      assert_int_equal(encode_double(e->dtype, nextafter(middle, 0)), code);
      assert_int_equal(encode_double(e->dtype, nextafter(middle, INFINITY)), code + 1);
      if (even)
        assert_int_equal(encode_double(e->dtype, -middle), even | e->sign);
    }
    // Past the largest number, where the format had one more: below the middle it still rounds
    // down.
    double half = (values[e->last] - values[e->last - 1]) / 2;
    assert_int_equal(encode_double(e->dtype, nextafter(e->max + half, 0)), e->last);
    assert_int_equal(encode_double(e->dtype, nextafter(e->max + half, INFINITY)), e->overflow);
    free(values);
  }
}

static void test_special_values(void **state) {
  for (size_t i = 0; i < sizeof expects / sizeof *expects; ++i) {
    const Expect *e = &expects[i];
    assert_int_equal(encode_double(e->dtype, 1e300), e->overflow);
    assert_int_equal(encode_float(e->dtype, INFINITY), e->overflow);
    assert_int_equal(encode_double(e->dtype, INFINITY), e->overflow);
    assert_int_equal(encode_double(e->dtype, -INFINITY), e->overflow | e->sign);
    assert_int_equal(encode_double(e->dtype, NAN), e->nan);
    assert_int_equal(encode_double(e->dtype, -0.0), e->minus_zero);
    assert_int_equal(encode_double(e->dtype, 1e-300), 0);
    assert_int_equal(encode_double(e->dtype, -1e-300), e->minus_zero);
  }
}

static void test_powers_of_two(void **state) {
  double value = 0x1p-127;
  for (unsigned code = 0; code < 255; ++code, value *= 2) {
    assert_true(decode(PJ_DT_F8E8M0FNU, code) == value);
    assert_int_equal(encode_double(PJ_DT_F8E8M0FNU, value), code);
    if (code == 0 || code == 254)
      continue;
    assert_int_equal(encode_double(PJ_DT_F8E8M0FNU, value * 1.25), code);
    assert_int_equal(encode_double(PJ_DT_F8E8M0FNU, value * 1.5), code + 1);
  }
  static const double no_value[] = {0, -0.0, -1, INFINITY, -INFINITY, NAN, 1e39, 0x1.8p127};
  for (size_t i = 0; i < sizeof no_value / sizeof *no_value; ++i)
    assert_int_equal(encode_double(PJ_DT_F8E8M0FNU, no_value[i]), 0xFF);
  assert_true(isnan(decode(PJ_DT_F8E8M0FNU, 0xFF)));
}

static void test_nan_codes(void **state) {
  static const struct {
    PjDtype dtype;
    unsigned from, to;
  } nans[] = {{PJ_DT_F8E3M4, 0x71, 0x7F},   {PJ_DT_F8E4M3, 0x79, 0x7F},
              {PJ_DT_F8E5M2, 0x7D, 0x7F},   {PJ_DT_F8E4M3FN, 0x7F, 0x7F},
              {PJ_DT_F16, 0x7C01, 0x7FFF},  {PJ_DT_BF16, 0x7F81, 0x7FFF},
              {PJ_DT_F8E5M2, 0xFD, 0xFF},   {PJ_DT_F8E4M3FNUZ, 0x80, 0x80},
              {PJ_DT_F16, 0xFC01, 0xFFFF},  {PJ_DT_F8E5M2FNUZ, 0x80, 0x80},
              {PJ_DT_BF16, 0xFF81, 0xFFFF}, {PJ_DT_F8E4M3B11FNUZ, 0x80, 0x80}};
  for (size_t i = 0; i < sizeof nans / sizeof *nans; ++i)
    for (unsigned code = nans[i].from; code <= nans[i].to; ++code)
      assert_true(isnan(decode(nans[i].dtype, code)));
  assert_true(decode(PJ_DT_F8E5M2, 0x7C) == INFINITY && decode(PJ_DT_F8E5M2, 0xFC) == -INFINITY);
  assert_true(decode(PJ_DT_F16, 0x7C00) == INFINITY && decode(PJ_DT_F16, 0xFC00) == -INFINITY);
  assert_true(decode(PJ_DT_F8E4M3, 0x78) == INFINITY && decode(PJ_DT_F8E3M4, 0xF0) == -INFINITY);
}

static void test_double_rounds_once(void **state) {
  // Twice rounded, through float, each of these would go up to the even neighbour.
  assert_int_equal(encode_double(PJ_DT_BF16, 0x1.03p0 - 0x1p-50), 0x3F81);
  assert_int_equal(encode_double(PJ_DT_F16, 0x1.006p0 - 0x1p-50), 0x3C01);
  assert_int_equal(encode_double(PJ_DT_F8E5M2, 1.375 - 0x1p-50), 0x3D);
  // The largest double below the middle between the largest float16 and the next: not infinite.
  assert_int_equal(encode_double(PJ_DT_F16, nextafter(65520, 0)), 0x7BFF);
  assert_int_equal(encode_double(PJ_DT_F16, 65520), 0x7C00);
}

static void test_integers(void **state) {
  uint64_t cell = 0;
  for (int value = -300; value < 300; ++value) {
    int s4 = ((value % 16) + 16) % 16, s2 = ((value % 4) + 4) % 4;
    pj_int_encode(PJ_DT_S4, value, &cell);
    assert_int_equal(pj_int_decode(PJ_DT_S4, &cell), s4 < 8 ? s4 : s4 - 16);
    pj_int_encode(PJ_DT_U4, value, &cell);
    assert_int_equal(pj_int_decode(PJ_DT_U4, &cell), s4);
    pj_int_encode(PJ_DT_S2, value, &cell);
    assert_int_equal(pj_int_decode(PJ_DT_S2, &cell), s2 < 2 ? s2 : s2 - 4);
    pj_int_encode(PJ_DT_U2, value, &cell);
    assert_int_equal(pj_int_decode(PJ_DT_U2, &cell), s2);
    pj_int_encode(PJ_DT_U32, value, &cell);
    assert_true(pj_int_decode(PJ_DT_U32, &cell) == (value < 0 ? value + 4294967296LL : value));
    pj_int_encode(PJ_DT_S32, value, &cell);
    assert_int_equal(pj_int_decode(PJ_DT_S32, &cell), value);
    pj_int_encode(PJ_DT_S64, value, &cell);
    assert_int_equal(pj_int_decode(PJ_DT_S64, &cell), value);
  }
  pj_int_encode(PJ_DT_U64, -1, &cell);
  assert_true(cell == UINT64_MAX && pj_int_decode(PJ_DT_U64, &cell) == -1);
  pj_int_encode(PJ_DT_S8, 200, &cell);
  assert_int_equal(pj_int_decode(PJ_DT_S8, &cell), 200 - 256);
  pj_int_encode(PJ_DT_U16, -1, &cell);
  assert_int_equal(pj_int_decode(PJ_DT_U16, &cell), 65535);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_decode),         cmocka_unit_test(test_encode_rounds_to_nearest_even),
      cmocka_unit_test(test_special_values), cmocka_unit_test(test_powers_of_two),
      cmocka_unit_test(test_nan_codes),      cmocka_unit_test(test_double_rounds_once),
      cmocka_unit_test(test_integers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
