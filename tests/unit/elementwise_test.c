// Elementwise kernels: integers exhaustively in 8 bits and fewer against arithmetic on unbounded
// integers, the rules for NaN, zeros and ties of floats, comparison, conversion and reduced
// precision.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "eval/float.h"
#include "eval/kernel.h"

static void apply(PjOpKind kind, PjDtype in, PjDtype out, int64_t a, int64_t b, int64_t n,
                  const void *x, const void *y, const void *z, void *result) {
  PjKernel kernel;
  assert_true(pj_kernel_make(kind, in, out, a, b, &kernel));
  kernel.fn(&kernel, n, (const void *[]){x, y, z}, result);
}

// ------------------------------------------------------------------ integers
// What the specification says about unbounded integers; the caller wraps the result to |bits|.
static int64_t expected_int(PjOpKind kind, int64_t x, int64_t y, unsigned bits, bool is_signed) {
  int64_t modulus = (int64_t)1 << bits, ux = ((x % modulus) + modulus) % modulus;
  int64_t uy = ((y % modulus) + modulus) % modulus, value = 0;
  switch (kind) {
  case PJ_OP_ADD:
    return x + y;
  case PJ_OP_SUBTRACT:
    return x - y;
  case PJ_OP_MULTIPLY:
    return x * y;
  case PJ_OP_DIVIDE:
    return y ? x / y : -1;
  case PJ_OP_REMAINDER:
    return y ? x - x / y * y : x;
  case PJ_OP_MAXIMUM:
    return x > y ? x : y;
  case PJ_OP_MINIMUM:
    return x < y ? x : y;
  case PJ_OP_NEGATE:
    return -x;
  case PJ_OP_ABS:
    return x < 0 ? -x : x;
  case PJ_OP_SIGN:
    return x < 0 ? -1 : x > 0;
  case PJ_OP_NOT:
    return -1 - x;
  case PJ_OP_POWER:
    if (y < 0)
      return x == 1 ? 1 : x == -1 ? (y % 2 ? -1 : 1) : 0;
    for (value = 1; y > 0; --y)
      value = value * x % modulus;
    return value;
  case PJ_OP_SHIFT_LEFT:
    for (value = ux; uy > 0 && value; --uy)
      value = value * 2 % modulus;
    return value;
  case PJ_OP_SHIFT_RIGHT_LOGICAL:
    for (value = ux; uy > 0 && value; --uy)
      value /= 2;
    return value;
  case PJ_OP_SHIFT_RIGHT_ARITHMETIC: // towards minus infinity, on the value read as signed
    value = ux >= modulus / 2 ? ux - modulus : ux;
    for (int64_t i = 0; i < uy && i < 64; ++i)
      value = (value - (value % 2 != 0 && value < 0)) / 2;
    return value;
  case PJ_OP_POPCNT:
    for (; ux; ux /= 2)
      value += ux % 2;
    return value;
  case PJ_OP_COUNT_LEADING_ZEROS:
    for (value = bits; ux; ux /= 2)
      --value;
    return value;
  case PJ_OP_AND:
  case PJ_OP_OR:
  case PJ_OP_XOR:
    for (unsigned i = 0; i < bits; ++i, ux /= 2, uy /= 2) {
      int64_t both = ux % 2 + uy % 2;
      value += (kind == PJ_OP_AND  ? both == 2
                : kind == PJ_OP_OR ? both > 0
                                   : both == 1) *
               ((int64_t)1 << i);
    }
    return value;
  case PJ_OP_CHLO_MULHI: // floor(x y / 2^bits)
    value = x * y;
    return (value - (((value % modulus) + modulus) % modulus)) / modulus;
  default:
    fail();
    return is_signed;
  }
}

static int64_t wrap(int64_t value, unsigned bits, bool is_signed) {
  int64_t modulus = (int64_t)1 << bits, rest = ((value % modulus) + modulus) % modulus;
  return is_signed && rest >= modulus / 2 ? rest - modulus : rest;
}

static void test_small_integers(void **state) {
  static const PjOpKind kinds[] = {PJ_OP_ADD,
                                   PJ_OP_SUBTRACT,
                                   PJ_OP_MULTIPLY,
                                   PJ_OP_DIVIDE,
                                   PJ_OP_REMAINDER,
                                   PJ_OP_MAXIMUM,
                                   PJ_OP_MINIMUM,
                                   PJ_OP_NEGATE,
                                   PJ_OP_ABS,
                                   PJ_OP_SIGN,
                                   PJ_OP_NOT,
                                   PJ_OP_POWER,
                                   PJ_OP_AND,
                                   PJ_OP_OR,
                                   PJ_OP_XOR,
                                   PJ_OP_SHIFT_LEFT,
                                   PJ_OP_POPCNT,
                                   PJ_OP_SHIFT_RIGHT_LOGICAL,
                                   PJ_OP_CHLO_MULHI,
                                   PJ_OP_COUNT_LEADING_ZEROS,
                                   PJ_OP_SHIFT_RIGHT_ARITHMETIC};
  static const PjDtype dtypes[] = {PJ_DT_S2, PJ_DT_S4, PJ_DT_S8, PJ_DT_U2, PJ_DT_U4, PJ_DT_U8};
  for (size_t d = 0; d < 6; ++d) {
    PjDtype dtype = dtypes[d];
    unsigned bits = pj_dtype_bits(dtype), codes = 1u << bits;
    bool is_signed = pj_dtype_class(dtype) == PJ_CLASS_SINT;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; ++k)
      for (unsigned i = 0; i < codes; ++i) {
        uint8_t x[256], y[256], got[256];
        for (unsigned j = 0; j < codes; ++j) {
          pj_int_encode(dtype, i, &x[j]);
          pj_int_encode(dtype, j, &y[j]);
        }
        apply(kinds[k], dtype, dtype, 0, 0, codes, x, y, NULL, got);
        for (unsigned j = 0; j < codes; ++j) {
          int64_t a = wrap(i, bits, is_signed), b = wrap(j, bits, is_signed);
          int64_t want = wrap(expected_int(kinds[k], a, b, bits, is_signed), bits, is_signed);
          if (pj_int_decode(dtype, &got[j]) != want)
            fail_msg("%s(%d, %d) of %s: %d, not %d", pj_op_info[kinds[k]].text, (int)a, (int)b,
                     pj_dtype_text(dtype), (int)pj_int_decode(dtype, &got[j]), (int)want);
        }
      }
  }
}

static void test_wide_integers(void **state) {
  static const struct {
    PjOpKind kind;
    PjDtype dtype;
    int64_t x, y, want;
  } cases[] = {
      {PJ_OP_ADD, PJ_DT_S64, INT64_MAX, 1, INT64_MIN},
      {PJ_OP_MULTIPLY, PJ_DT_S64, 3037000500, 3037000500, -9223372036709301616},
      {PJ_OP_DIVIDE, PJ_DT_S64, INT64_MIN, -1, INT64_MIN},
      {PJ_OP_DIVIDE, PJ_DT_S32, INT32_MIN, -1, INT32_MIN},
      {PJ_OP_DIVIDE, PJ_DT_S64, 7, 0, -1},
      {PJ_OP_DIVIDE, PJ_DT_U32, 7, 0, UINT32_MAX},
      {PJ_OP_DIVIDE, PJ_DT_U64, -1, 2, INT64_MAX},
      {PJ_OP_REMAINDER, PJ_DT_S64, INT64_MIN, -1, 0},
      {PJ_OP_REMAINDER, PJ_DT_S32, -7, 4, -3},
      {PJ_OP_REMAINDER, PJ_DT_S64, -7, 0, -7},
      {PJ_OP_SHIFT_LEFT, PJ_DT_S64, 1, 64, 0},
      {PJ_OP_SHIFT_LEFT, PJ_DT_S64, 1, 63, INT64_MIN},
      {PJ_OP_SHIFT_LEFT, PJ_DT_S32, 1, -1, 0},
      {PJ_OP_SHIFT_RIGHT_ARITHMETIC, PJ_DT_S64, INT64_MIN, 100, -1},
      {PJ_OP_SHIFT_RIGHT_ARITHMETIC, PJ_DT_U32, 0x80000000, 31, UINT32_MAX},
      {PJ_OP_SHIFT_RIGHT_LOGICAL, PJ_DT_S32, -1, 28, 15},
      {PJ_OP_SHIFT_RIGHT_LOGICAL, PJ_DT_S64, -1, 63, 1},
      {PJ_OP_MAXIMUM, PJ_DT_U64, -1, 1, -1},
      {PJ_OP_MAXIMUM, PJ_DT_S64, -1, 1, 1},
      {PJ_OP_POWER, PJ_DT_S64, 3, 40, -6289078614652622815},
      {PJ_OP_POWER, PJ_DT_U32, 3, 21, 1870418611},
      {PJ_OP_POWER, PJ_DT_S32, -1, -3, -1},
      {PJ_OP_POWER, PJ_DT_S32, 2, -1, 0},
      {PJ_OP_ABS, PJ_DT_S64, INT64_MIN, 0, INT64_MIN},
      {PJ_OP_NEGATE, PJ_DT_S32, INT32_MIN, 0, INT32_MIN},
      {PJ_OP_POPCNT, PJ_DT_S64, -1, 0, 64},
      {PJ_OP_COUNT_LEADING_ZEROS, PJ_DT_U64, 0, 0, 64},
      {PJ_OP_COUNT_LEADING_ZEROS, PJ_DT_S16, 1, 0, 15},
      {PJ_OP_CHLO_MULHI, PJ_DT_U64, -1, -1, -2},
      {PJ_OP_CHLO_MULHI, PJ_DT_S64, INT64_MIN, INT64_MIN, 0x4000000000000000},
      {PJ_OP_CHLO_MULHI, PJ_DT_S32, -1, 1, -1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    int64_t x, y, got;
    pj_int_encode(cases[i].dtype, cases[i].x, &x);
    pj_int_encode(cases[i].dtype, cases[i].y, &y);
    apply(cases[i].kind, cases[i].dtype, cases[i].dtype, 0, 0, 1, &x, &y, NULL, &got);
    if (pj_int_decode(cases[i].dtype, &got) != cases[i].want)
      fail_msg("%s of %s, case %zu", pj_op_info[cases[i].kind].text, pj_dtype_text(cases[i].dtype),
               i);
  }
}

static void test_pred(void **state) {
  const uint8_t x[] = {0, 0, 1, 1}, y[] = {0, 1, 0, 1};
  uint8_t got[4];
  apply(PJ_OP_ADD, PJ_DT_PRED, PJ_DT_PRED, 0, 0, 4, x, y, NULL, got);
  assert_memory_equal(got, ((uint8_t[]){0, 1, 1, 1}), 4);
  apply(PJ_OP_MULTIPLY, PJ_DT_PRED, PJ_DT_PRED, 0, 0, 4, x, y, NULL, got);
  assert_memory_equal(got, ((uint8_t[]){0, 0, 0, 1}), 4);
  apply(PJ_OP_XOR, PJ_DT_PRED, PJ_DT_PRED, 0, 0, 4, x, y, NULL, got);
  assert_memory_equal(got, ((uint8_t[]){0, 1, 1, 0}), 4);
  apply(PJ_OP_NOT, PJ_DT_PRED, PJ_DT_PRED, 0, 0, 4, x, NULL, NULL, got);
  assert_memory_equal(got, ((uint8_t[]){1, 1, 0, 0}), 4);
  apply(PJ_OP_COMPARE, PJ_DT_PRED, PJ_DT_PRED, PJ_CMP_GT, 0, 4, x, y, NULL, got);
  assert_memory_equal(got, ((uint8_t[]){0, 0, 1, 0}), 4);
}

// ------------------------------------------------------------------ floats
static bool same_double(double a, double b) {
  return isnan(a) ? isnan(b) : a == b && !signbit(a) == !signbit(b);
}

// One operation in F64, F32 and, where the numbers fit, every narrower format.
static void expect_float(PjOpKind kind, double x, double y, double want) {
  static const PjDtype dtypes[] = {PJ_DT_F64, PJ_DT_F32,    PJ_DT_TF32,  PJ_DT_BF16,
                                   PJ_DT_F16, PJ_DT_F8E5M2, PJ_DT_F8E3M4};
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; ++i) {
    uint64_t a = 0, b = 0, got = 0, check = 0;
    pj_double_encode(dtypes[i], x, &a);
    pj_double_encode(dtypes[i], y, &b);
    pj_double_encode(dtypes[i], want, &check);
    if (!same_double(pj_double_decode(dtypes[i], &a), x) ||
        !same_double(pj_double_decode(dtypes[i], &b), y) ||
        !same_double(pj_double_decode(dtypes[i], &check), want))
      continue;
    apply(kind, dtypes[i], dtypes[i], 0, 0, 1, &a, &b, NULL, &got);
    if (!same_double(pj_double_decode(dtypes[i], &got), want))
      fail_msg("%s(%g, %g) of %s: %g, not %g", pj_op_info[kind].text, x, y,
               pj_dtype_text(dtypes[i]), pj_double_decode(dtypes[i], &got), want);
  }
}

static void test_maximum_and_minimum(void **state) {
  static const double values[] = {-INFINITY, -2, -0.5, -0.0, 0.0, 0.25, 3, INFINITY};
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 8; ++j) {
      expect_float(PJ_OP_MAXIMUM, values[i], values[j], values[i > j ? i : j]);
      expect_float(PJ_OP_MINIMUM, values[i], values[j], values[i < j ? i : j]);
    }
  for (int i = 0; i < 8; ++i) {
    expect_float(PJ_OP_MAXIMUM, values[i], NAN, NAN);
    expect_float(PJ_OP_MAXIMUM, NAN, values[i], NAN);
    expect_float(PJ_OP_MINIMUM, values[i], NAN, NAN);
    expect_float(PJ_OP_MINIMUM, NAN, values[i], NAN);
  }
}

static void test_rounding(void **state) {
  // value, to even, away from zero at ties, floor, ceil
  static const double rows[][5] = {{0.5, 0, 1, 0, 1},
                                   {1.5, 2, 2, 1, 2},
                                   {2.5, 2, 3, 2, 3},
                                   {-0.5, -0.0, -1, -1, -0.0},
                                   {-1.5, -2, -2, -2, -1},
                                   {-2.5, -2, -3, -3, -2},
                                   {0.25, 0, 0, 0, 1},
                                   {-0.25, -0.0, -0.0, -1, -0.0},
                                   {-0.0, -0.0, -0.0, -0.0, -0.0},
                                   {0.75, 1, 1, 0, 1},
                                   {3, 3, 3, 3, 3},
                                   {-7, -7, -7, -7, -7}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    expect_float(PJ_OP_ROUND_NEAREST_EVEN, rows[i][0], 0, rows[i][1]);
    expect_float(PJ_OP_ROUND_NEAREST_AFZ, rows[i][0], 0, rows[i][2]);
    expect_float(PJ_OP_FLOOR, rows[i][0], 0, rows[i][3]);
    expect_float(PJ_OP_CEIL, rows[i][0], 0, rows[i][4]);
  }
  // Random bit patterns against the C library.
  uint64_t seed = 1;
  for (int i = 0; i < 200000; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    uint32_t bits = (uint32_t)(seed >> 32);
    // Half of them between 2^-2 and 2^30.
    if (i & 1)
      bits = (bits & 0x807FFFFFu) | (125u + (bits >> 23 & 31)) << 23;
    float x, got;
    memcpy(&x, &bits, sizeof x);
    apply(PJ_OP_ROUND_NEAREST_EVEN, PJ_DT_F32, PJ_DT_F32, 0, 0, 1, &x, NULL, NULL, &got);
    assert_true(same_double((double)got, (double)rintf(x)));
    apply(PJ_OP_ROUND_NEAREST_AFZ, PJ_DT_F32, PJ_DT_F32, 0, 0, 1, &x, NULL, NULL, &got);
    assert_true(same_double((double)got, (double)roundf(x)));
    apply(PJ_OP_FLOOR, PJ_DT_F32, PJ_DT_F32, 0, 0, 1, &x, NULL, NULL, &got);
    assert_true(same_double((double)got, (double)floorf(x)));
    apply(PJ_OP_CEIL, PJ_DT_F32, PJ_DT_F32, 0, 0, 1, &x, NULL, NULL, &got);
    assert_true(same_double((double)got, (double)ceilf(x)));
    double wide = (double)x * 1.000000001, got_wide;
    apply(PJ_OP_ROUND_NEAREST_AFZ, PJ_DT_F64, PJ_DT_F64, 0, 0, 1, &wide, NULL, NULL, &got_wide);
    assert_true(same_double(got_wide, round(wide)));
  }
}

static void test_signs(void **state) {
  expect_float(PJ_OP_SIGN, -3, 0, -1);
  expect_float(PJ_OP_SIGN, INFINITY, 0, 1);
  expect_float(PJ_OP_SIGN, -0.0, 0, -0.0);
  expect_float(PJ_OP_SIGN, 0, 0, 0);
  expect_float(PJ_OP_SIGN, NAN, 0, NAN);
  expect_float(PJ_OP_NEGATE, 0, 0, -0.0);
  expect_float(PJ_OP_ABS, -0.0, 0, 0);
  expect_float(PJ_OP_ABS, -INFINITY, 0, INFINITY);
  expect_float(PJ_OP_SQRT, -0.0, 0, -0.0);
  expect_float(PJ_OP_SQRT, -1, 0, NAN);
  expect_float(PJ_OP_DIVIDE, 1, -0.0, -INFINITY);
  expect_float(PJ_OP_DIVIDE, 0, 0, NAN);
  expect_float(PJ_OP_SUBTRACT, INFINITY, INFINITY, NAN);
}

// The neighbour of every float16 is the one in a list sorted by value.
static void test_next_after(void **state) {
  for (uint32_t code = 0; code < 0x7C00; ++code) {
    uint16_t x = (uint16_t)code, up = 0x7C00, down = 0xFC00, got;
    apply(PJ_OP_CHLO_NEXT_AFTER, PJ_DT_F16, PJ_DT_F16, 0, 0, 1, &x, &up, NULL, &got);
    assert_int_equal(got, code + 1);
    apply(PJ_OP_CHLO_NEXT_AFTER, PJ_DT_F16, PJ_DT_F16, 0, 0, 1, &x, &down, NULL, &got);
    assert_int_equal(got, code ? code - 1 : 0x8001);
    x = (uint16_t)(code | 0x8000);
    apply(PJ_OP_CHLO_NEXT_AFTER, PJ_DT_F16, PJ_DT_F16, 0, 0, 1, &x, &down, NULL, &got);
    assert_int_equal(got, (code | 0x8000) + 1);
    apply(PJ_OP_CHLO_NEXT_AFTER, PJ_DT_F16, PJ_DT_F16, 0, 0, 1, &x, &x, NULL, &got);
    assert_int_equal(got, x);
  }
  uint8_t least = 0x81, up = 0x7F, got; // a format without -0
  apply(PJ_OP_CHLO_NEXT_AFTER, PJ_DT_F8E5M2FNUZ, PJ_DT_F8E5M2FNUZ, 0, 0, 1, &least, &up, NULL,
        &got);
  assert_int_equal(got, 0);
  uint8_t four = 0x81, half = 0x7E; // a format without a sign: the bit is one of the exponent
  apply(PJ_OP_CHLO_NEXT_AFTER, PJ_DT_F8E8M0FNU, PJ_DT_F8E8M0FNU, 0, 0, 1, &four, &half, NULL, &got);
  assert_int_equal(got, 0x80);
}

// ------------------------------------------------------------------ comparison, selection, clamp
static void test_compare(void **state) {
  // In total order; equal in the usual one: the zeros. NaNs are unordered there.
  static const double values[] = {-NAN, -INFINITY, -1, -0.0, 0.0, 1, INFINITY, NAN};
  static const PjDtype dtypes[] = {PJ_DT_F64, PJ_DT_F32, PJ_DT_F16, PJ_DT_BF16, PJ_DT_F8E5M2};
  for (size_t d = 0; d < 5; ++d)
    for (int i = 0; i < 8; ++i)
      for (int j = 0; j < 8; ++j) {
        uint64_t x = 0, y = 0;
        pj_double_encode(dtypes[d], values[i], &x);
        pj_double_encode(dtypes[d], values[j], &y);
        bool nan = isnan(values[i]) || isnan(values[j]), equal = values[i] == values[j],
             less = values[i] < values[j];
        bool usual[6], total[6] = {i == j, i != j, i >= j, i > j, i <= j, i < j};
        usual[PJ_CMP_EQ] = equal;
        usual[PJ_CMP_NE] = !equal;
        usual[PJ_CMP_LT] = less;
        usual[PJ_CMP_LE] = less || equal;
        usual[PJ_CMP_GT] = !nan && !less && !equal;
        usual[PJ_CMP_GE] = !nan && !less;
        for (int direction = 0; direction < 6; ++direction) {
          uint8_t got;
          apply(PJ_OP_COMPARE, dtypes[d], PJ_DT_PRED, direction, PJ_CMPTYPE_FLOAT, 1, &x, &y, NULL,
                &got);
          assert_int_equal(got, usual[direction]);
          apply(PJ_OP_COMPARE, dtypes[d], PJ_DT_PRED, direction, PJ_CMPTYPE_TOTALORDER, 1, &x, &y,
                NULL, &got);
          assert_int_equal(got, total[direction]);
        }
      }
  const int8_t low = -1, high = 1;
  uint8_t got;
  apply(PJ_OP_COMPARE, PJ_DT_S8, PJ_DT_PRED, PJ_CMP_LT, 0, 1, &low, &high, NULL, &got);
  assert_int_equal(got, 1);
  apply(PJ_OP_COMPARE, PJ_DT_U8, PJ_DT_PRED, PJ_CMP_LT, 0, 1, &low, &high, NULL, &got);
  assert_int_equal(got, 0);
}

static void test_select_and_clamp(void **state) {
  const uint8_t pred[] = {1, 0, 1};
  const double x[] = {1, 2, 3, 4, 5, 6}, y[] = {-1, -2, -3, -4, -5, -6};
  double got[6];
  apply(PJ_OP_SELECT, PJ_DT_C128, PJ_DT_C128, 0, 0, 3, pred, x, y, got);
  assert_memory_equal(got, ((double[]){1, 2, -3, -4, 5, 6}), sizeof got);
  const float low[] = {0, 0, 0, NAN}, value[] = {-1, 0.5f, 2, 1}, high[] = {1, 1, 1, 1};
  float clamped[4];
  apply(PJ_OP_CLAMP, PJ_DT_F32, PJ_DT_F32, 0, 0, 4, low, value, high, clamped);
  assert_true(clamped[0] == 0 && clamped[1] == 0.5f && clamped[2] == 1 && isnan(clamped[3]));
  const int8_t lowest[] = {-3, 2}, numbers[] = {-8, 7}, highest[] = {4, 1};
  int8_t cut[2];
  apply(PJ_OP_CLAMP, PJ_DT_S4, PJ_DT_S4, 0, 0, 2, lowest, numbers, highest, cut);
  assert_true(cut[0] == -3 && cut[1] == 1);
}

// A result may take the place of an operand, also with more elements than fit a block.
static void test_in_place(void **state) {
  enum { N = 1000 };
  static uint16_t x[N], y[N], apart[N];
  static int32_t a[N], b[N];
  for (int i = 0; i < N; ++i) {
    pj_float_encode(PJ_DT_F16, (float)i, &x[i]);
    pj_float_encode(PJ_DT_F16, (float)(i % 7), &y[i]);
    a[i] = i;
    b[i] = N - i;
  }
  apply(PJ_OP_SUBTRACT, PJ_DT_F16, PJ_DT_F16, 0, 0, N, x, y, NULL, apart);
  apply(PJ_OP_SUBTRACT, PJ_DT_F16, PJ_DT_F16, 0, 0, N, x, y, NULL, y);
  assert_memory_equal(apart, y, sizeof y);
  apply(PJ_OP_ADD, PJ_DT_S32, PJ_DT_S32, 0, 0, N, a, b, NULL, a);
  for (int i = 0; i < N; ++i)
    assert_int_equal(a[i], N);
  apply(PJ_OP_CONVERT, PJ_DT_S32, PJ_DT_F32, 0, 0, N, b, NULL, NULL, b);
  for (int i = 0; i < N; ++i)
    assert_true(((float *)b)[i] == (float)(N - i));
}

// ------------------------------------------------------------------ conversion
static double convert_double(PjDtype from, PjDtype to, double value) {
  uint64_t in[2] = {0}, out[2] = {0};
  if (pj_dtype_is_float(from))
    pj_double_encode(from, value, in);
  else
    pj_int_encode(from, (int64_t)value, in);
  pj_convert_n(from, to, 1, in, out);
  return pj_dtype_is_float(to) ? pj_double_decode(to, out) : (double)pj_int_decode(to, out);
}

static void test_float_to_integer(void **state) {
  static const PjDtype floats[] = {PJ_DT_F64, PJ_DT_F32, PJ_DT_BF16, PJ_DT_F16};
  static const struct {
    PjDtype to;
    double low, high;
  } ints[] = {{PJ_DT_S2, -2, 1},
              {PJ_DT_S4, -8, 7},
              {PJ_DT_S8, -128, 127},
              {PJ_DT_S16, -32768, 32767},
              {PJ_DT_S32, -0x1p31, 0x1p31 - 1},
              {PJ_DT_S64, -0x1p63, 0x1p63},
              {PJ_DT_U2, 0, 3},
              {PJ_DT_U4, 0, 15},
              {PJ_DT_U8, 0, 255},
              {PJ_DT_U16, 0, 65535},
              {PJ_DT_U32, 0, 0x1p32 - 1}};
  for (size_t f = 0; f < 4; ++f)
    for (size_t i = 0; i < sizeof ints / sizeof *ints; ++i) {
      PjDtype from = floats[f], to = ints[i].to;
      assert_true(convert_double(from, to, NAN) == 0);
      assert_true(convert_double(from, to, INFINITY) == ints[i].high);
      assert_true(convert_double(from, to, -INFINITY) == ints[i].low);
      assert_true(convert_double(from, to, 1.75) == 1);
      assert_true(convert_double(from, to, -0.75) == 0);
      assert_true(convert_double(from, to, -1.5) == (ints[i].low < 0 ? -1 : 0));
      for (int exponent = 0; exponent < 16; ++exponent) {
        double value = ldexp(1, exponent);
        assert_true(convert_double(from, to, value) ==
                    (value > ints[i].high ? ints[i].high : value));
        assert_true(convert_double(from, to, -value) ==
                    (-value < ints[i].low ? ints[i].low : -value));
      }
    }
  double huge = 1e300;
  uint64_t unsigned_max;
  pj_convert_n(PJ_DT_F64, PJ_DT_U64, 1, &huge, &unsigned_max);
  assert_true(unsigned_max == UINT64_MAX);
  assert_true(convert_double(PJ_DT_F64, PJ_DT_S32, 2147483647.9) == 2147483647);
  assert_true(convert_double(PJ_DT_F64, PJ_DT_U32, 4294967294.9) == 4294967294.0);
  assert_true(convert_double(PJ_DT_F64, PJ_DT_U32, 4294967295) == 4294967295.0);
  assert_true(convert_double(PJ_DT_F64, PJ_DT_U32, 4294967295.9) == 4294967295.0);
  assert_true(convert_double(PJ_DT_F32, PJ_DT_U32, 4294967040) == 4294967040.0);
  assert_true(convert_double(PJ_DT_F64, PJ_DT_S32, -2147483648.9) == -2147483648.0);
  assert_true(convert_double(PJ_DT_F32, PJ_DT_S32, 2147483520) == 2147483520);
}

static void test_integer_to_narrow_float(void **state) {
  // 2^60 + 2^52 is the middle between two bfloat16; one more goes up, although a double does not
  // show the one.
  const int64_t middle = ((int64_t)1 << 60) + ((int64_t)1 << 52);
  const int64_t in[] = {middle - 1, middle, middle + 1, -middle - 1, 65519, 65520};
  uint16_t out[6];
  pj_convert_n(PJ_DT_S64, PJ_DT_BF16, 4, in, out);
  assert_memory_equal(out, ((uint16_t[]){0x5D80, 0x5D80, 0x5D81, 0xDD81}), 8);
  pj_convert_n(PJ_DT_S64, PJ_DT_F16, 2, in + 4, out);
  assert_memory_equal(out, ((uint16_t[]){0x7BFF, 0x7C00}), 4);
  const uint64_t all = UINT64_MAX;
  float single;
  pj_convert_n(PJ_DT_U64, PJ_DT_F32, 1, &all, &single);
  assert_true(single == 0x1p64f);
}

static void test_other_conversions(void **state) {
  const int32_t wide[] = {300, -1, 128, 0};
  int8_t s8[4], s4[4];
  uint8_t u4[4], pred[4];
  pj_convert_n(PJ_DT_S32, PJ_DT_S8, 4, wide, s8);
  assert_memory_equal(s8, ((int8_t[]){44, -1, -128, 0}), 4);
  pj_convert_n(PJ_DT_S32, PJ_DT_S4, 4, wide, s4);
  assert_memory_equal(s4, ((int8_t[]){-4, -1, 0, 0}), 4);
  pj_convert_n(PJ_DT_S32, PJ_DT_U4, 4, wide, u4);
  assert_memory_equal(u4, ((uint8_t[]){12, 15, 0, 0}), 4);
  pj_convert_n(PJ_DT_S32, PJ_DT_PRED, 4, wide, pred);
  assert_memory_equal(pred, ((uint8_t[]){1, 1, 1, 0}), 4);
  const float numbers[] = {0.25f, -0.0f, NAN, 2, 0, 3};
  pj_convert_n(PJ_DT_F32, PJ_DT_PRED, 4, numbers, pred);
  assert_memory_equal(pred, ((uint8_t[]){1, 0, 1, 1}), 4);
  pj_convert_n(PJ_DT_C64, PJ_DT_PRED, 3, numbers, pred); // (0.25, -0) (NaN, 2) (0, 3)
  assert_memory_equal(pred, ((uint8_t[]){1, 1, 1}), 3);
  double complex_parts[2];
  pj_convert_n(PJ_DT_C64, PJ_DT_C128, 1, numbers + 4, complex_parts);
  assert_true(complex_parts[0] == 0 && complex_parts[1] == 3);
  int8_t real;
  const double pair[] = {-2.5, 100};
  pj_convert_n(PJ_DT_C128, PJ_DT_S8, 1, pair, &real);
  assert_int_equal(real, -2);
  pj_convert_n(PJ_DT_S4, PJ_DT_C128, 1, s4, complex_parts);
  assert_true(complex_parts[0] == -4 && complex_parts[1] == 0);
}

// Every pair of types, with a number that each of them holds, over several blocks.
static void test_all_pairs(void **state) {
  enum { N = 600 };
  static uint64_t from[2 * N], to[2 * N], back[2 * N];
  for (PjDtype a = PJ_DT_PRED; a < PJ_DT_COUNT; ++a)
    for (PjDtype b = PJ_DT_PRED; b < PJ_DT_COUNT; ++b) {
      static double ones[N];
      for (int i = 0; i < N; ++i)
        ones[i] = 1;
      pj_convert_n(PJ_DT_F64, a, N, ones, from);
      pj_convert_n(a, b, N, from, to);
      memset(back, 0, sizeof back);
      pj_convert_n(b, PJ_DT_F64, N, to, back);
      if (memcmp(back, ones, sizeof ones))
        fail_msg("%s to %s", pj_dtype_text(a), pj_dtype_text(b));
    }
}

// ------------------------------------------------------------------ reduced precision
static float reduced(float x, int ebits, int mbits) {
  float got;
  apply(PJ_OP_REDUCE_PRECISION, PJ_DT_F32, PJ_DT_F32, ebits, mbits, 1, &x, NULL, NULL, &got);
  return got;
}

static void test_reduce_precision(void **state) {
  uint64_t seed = 7;
  for (int i = 0; i < 200000; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    uint32_t bits = (uint32_t)(seed >> 32), code = 0;
    float x;
    memcpy(&x, &bits, sizeof x);
    if (isnan(x)) {
      assert_true(isnan(reduced(x, 5, 10)));
      assert_true(isinf(reduced(x, 5, 0)));
      continue;
    }
    pj_float_encode(PJ_DT_BF16, x, &code);
    assert_true(same_double((double)reduced(x, 8, 7), (double)pj_float_decode(PJ_DT_BF16, &code)));
    pj_float_encode(PJ_DT_F16, x, &code);
    float half = pj_float_decode(PJ_DT_F16, &code);
    // Below its normal numbers float16 goes on with fewer digits; reduce_precision stops.
    if (fabsf(half) >= 0x1p-14f && fabsf(x) >= 0x1p-14f)
      assert_true(same_double((double)reduced(x, 5, 10), (double)half));
    else if (fabsf(x) < 0x1.ff8p-15f)
      assert_true(same_double((double)reduced(x, 5, 10), (double)copysignf(0, x)));
  }
  assert_true(reduced(1.3125f, 8, 2) == 1.25f && reduced(1.375f, 8, 2) == 1.5f);
  assert_true(isinf(reduced(65520, 5, 10)) && reduced(65519, 5, 10) == 65504);
  uint16_t tiny = 0x0001,
           kept; // float16's own subnormal numbers stay when its exponent is not reduced
  apply(PJ_OP_REDUCE_PRECISION, PJ_DT_F16, PJ_DT_F16, 5, 10, 1, &tiny, NULL, NULL, &kept);
  assert_int_equal(kept, 1);
}

static void test_complex_arithmetic(void **state) {
  const float x[] = {1, 2, 1, 5, NAN, 0, 3, 4}, y[] = {3, -1, 1, 7, 9, 9, 3, 4};
  float got[8];
  uint8_t equal[4];
  apply(PJ_OP_MULTIPLY, PJ_DT_C64, PJ_DT_C64, 0, 0, 1, x, y, NULL, got);
  assert_true(got[0] == 5 && got[1] == 5);
  apply(PJ_OP_MAXIMUM, PJ_DT_C64, PJ_DT_C64, 0, 0, 4, x, y, NULL, got);
  assert_true(got[0] == 3 && got[1] == -1 && got[2] == 1 && got[3] == 7 && isnan(got[4]));
  apply(PJ_OP_MINIMUM, PJ_DT_C64, PJ_DT_C64, 0, 0, 4, x, y, NULL, got);
  assert_true(got[0] == 1 && got[1] == 2 && got[2] == 1 && got[3] == 5 && isnan(got[4]));
  apply(PJ_OP_COMPARE, PJ_DT_C64, PJ_DT_PRED, PJ_CMP_EQ, 0, 4, x, y, NULL, equal);
  assert_memory_equal(equal, ((uint8_t[]){0, 0, 0, 1}), 4);
  apply(PJ_OP_ABS, PJ_DT_C64, PJ_DT_F32, 0, 0, 4, x, NULL, NULL, got);
  assert_true(got[3] == 5 && isnan(got[2]));
  apply(PJ_OP_REAL, PJ_DT_C64, PJ_DT_F32, 0, 0, 4, x, NULL, NULL, got);
  assert_true(got[1] == 1 && got[3] == 3);
  apply(PJ_OP_IMAG, PJ_DT_F32, PJ_DT_F32, 0, 0, 4, x, NULL, NULL, got);
  assert_true(got[0] == 0 && got[3] == 0);
  apply(PJ_OP_COMPLEX, PJ_DT_F32, PJ_DT_C64, 0, 0, 2, x, y, NULL, got);
  assert_memory_equal(got, ((float[]){1, 3, 2, -1}), 16);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_small_integers),
      cmocka_unit_test(test_wide_integers),
      cmocka_unit_test(test_pred),
      cmocka_unit_test(test_maximum_and_minimum),
      cmocka_unit_test(test_rounding),
      cmocka_unit_test(test_signs),
      cmocka_unit_test(test_next_after),
      cmocka_unit_test(test_compare),
      cmocka_unit_test(test_select_and_clamp),
      cmocka_unit_test(test_in_place),
      cmocka_unit_test(test_float_to_integer),
      cmocka_unit_test(test_integer_to_narrow_float),
      cmocka_unit_test(test_other_conversions),
      cmocka_unit_test(test_all_pairs),
      cmocka_unit_test(test_reduce_precision),
      cmocka_unit_test(test_complex_arithmetic),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
