// Values of the elementary and special functions. The expected ones were computed with 400 bits by
// mpmath and rounded to double; float results are compared with the same values computed for the
// operand rounded to float, so only operands that float holds are used there.
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "eval/kernel.h"

typedef struct One {
  PjOpKind kind;
  double x, want;
} One;

static const One ones[] = {
    {PJ_OP_CHLO_DIGAMMA, 0.5, -0x1.f6a897d3214fcp+0},
    {PJ_OP_CHLO_DIGAMMA, 1.0, -0x1.2788cfc6fb619p-1},
    {PJ_OP_CHLO_DIGAMMA, 1.5, 0x1.2aed059bd608ap-5},
    {PJ_OP_CHLO_DIGAMMA, 10.0, 0x1.20396dc85cc95p+1},
    {PJ_OP_CHLO_DIGAMMA, -0.5, 0x1.2aed059bd608ap-5},
    {PJ_OP_CHLO_DIGAMMA, -3.25, 0x1.1dd776c1aa21fp+2},
    {PJ_OP_CHLO_DIGAMMA, 1e-05, -0x1.86a093c353ea9p+16},
    {PJ_OP_CHLO_DIGAMMA, 300.0, 0x1.6cef734220293p+2},
    {PJ_OP_CHLO_LGAMMA, 0.5, 0x1.250d048e7a1bdp-1},
    {PJ_OP_CHLO_LGAMMA, 3.0, 0x1.62e42fefa39efp-1},
    {PJ_OP_CHLO_LGAMMA, 10.25, 0x1.abc6d99424974p+3},
    {PJ_OP_CHLO_LGAMMA, -0.5, 0x1.43f89a3f0edd6p+0},
    {PJ_OP_CHLO_LGAMMA, -2.75, 0x1.261e6d250cf63p-8},
    {PJ_OP_CHLO_LGAMMA, 1e-08, 0x1.26bb1bb9c8a88p+4},
    {PJ_OP_CHLO_LGAMMA, 120.0, 0x1.c5065f9992226p+8},
    {PJ_OP_CHLO_ERF, 0.1, 0x1.cca5ea24fb334p-4},
    {PJ_OP_CHLO_ERF, -0.5, -0x1.0a7ef5c18edd2p-1},
    {PJ_OP_CHLO_ERF, 1.0, 0x1.af767a741088bp-1},
    {PJ_OP_CHLO_ERF, 2.5, 0x1.ffcaa8f4c9beap-1},
    {PJ_OP_CHLO_ERFC, 0.1, 0x1.c66b42bb60999p-1},
    {PJ_OP_CHLO_ERFC, -0.5, 0x1.853f7ae0c76e9p+0},
    {PJ_OP_CHLO_ERFC, 1.0, 0x1.4226162fbddd5p-3},
    {PJ_OP_CHLO_ERFC, 5.0, 0x1.b0c1a759f7739p-40},
    {PJ_OP_CHLO_ERFC, 20.0, 0x1.b54f244df93dfp-583},
    {PJ_OP_CHLO_ERF_INV, 1e-12, 0x1.f2e6c291f30e8p-41},
    {PJ_OP_CHLO_ERF_INV, 0.1, 0x1.6bf442539fd74p-4},
    {PJ_OP_CHLO_ERF_INV, -0.5, -0x1.e861fbb24c00ap-2},
    {PJ_OP_CHLO_ERF_INV, 0.9, 0x1.29c0146770651p+0},
    {PJ_OP_CHLO_ERF_INV, 0.999999, 0x1.babd964830d58p+1},
    {PJ_OP_CHLO_ERF_INV, -0.99999999999, -0x1.3406f2a1d32d3p+2},
    {PJ_OP_CHLO_BESSEL_I1E, 0.001, 0x1.05e1cc0c16f57p-11},
    {PJ_OP_CHLO_BESSEL_I1E, -0.5, -0x1.40598cd0be9efp-3},
    {PJ_OP_CHLO_BESSEL_I1E, 1.0, 0x1.a9ccef9365f00p-3},
    {PJ_OP_CHLO_BESSEL_I1E, 7.5, 0x1.1ab559c8cf604p-3},
    {PJ_OP_CHLO_BESSEL_I1E, 29.0, 0x1.2b78a927550c9p-4},
    {PJ_OP_CHLO_BESSEL_I1E, 31.0, 0x1.21e66d48d72f3p-4},
    {PJ_OP_CHLO_BESSEL_I1E, 500.0, 0x1.24176e2aa1e06p-6},
    {PJ_OP_CBRT, 2.0, 0x1.428a2f98d728bp+0},
    {PJ_OP_CBRT, -10.0, -0x1.13c484138704fp+1},
    {PJ_OP_CBRT, 1e-300, 0x1.bff2ee48e0530p-333},
    {PJ_OP_LOGISTIC, 0.25, 0x1.1fd5992bc4b83p-1},
    {PJ_OP_LOGISTIC, -3.0, 0x1.848343c905445p-5},
    {PJ_OP_LOGISTIC, -700.0, 0x1.14f2b0fb9307fp-1010},
    {PJ_OP_LOGISTIC, 40.0, 0x1.0000000000000p+0},
    {PJ_OP_RSQRT, 2.0, 0x1.6a09e667f3bcdp-1},
    {PJ_OP_RSQRT, 3e-05, 0x1.6d25fbaf8ec75p+7},
    {PJ_OP_TANH, 0.3, 0x1.2a4dda7d914fap-2},
    {PJ_OP_TANH, -2.0, -0x1.ed9505e1bc3d4p-1},
    {PJ_OP_LOG_PLUS_ONE, 1e-10, 0x1.b7cdfd9d1d693p-34},
    {PJ_OP_LOG_PLUS_ONE, -0.75, -0x1.62e42fefa39efp+0},
    {PJ_OP_EXPONENTIAL_MINUS_ONE, 1e-10, 0x1.b7cdfd9dda4e3p-34},
    {PJ_OP_EXPONENTIAL_MINUS_ONE, -3.0, -0x1.e6824f33314f5p-1},
    {PJ_OP_TAN, 1.0, 0x1.8eb245cbee3a6p+0},
    {PJ_OP_TAN, 100.0, -0x1.2ca74d62b5d38p-1},
    {PJ_OP_CHLO_ACOSH, 1.0001, 0x1.cf67d7ec0d4e5p-7},
    {PJ_OP_CHLO_ACOSH, 50.0, 0x1.26b9783d0a89dp+2},
    {PJ_OP_CHLO_ATANH, 0.001, 0x1.0624e2e91ed17p-10},
    {PJ_OP_CHLO_ATANH, -0.9, -0x1.78e360604b32dp+0},
    {PJ_OP_CHLO_ASINH, 1e-05, 0x1.4f8b588e1e8a2p-17},
    {PJ_OP_CHLO_ASINH, -40.0, -0x1.1875af0c62241p+2},
};

typedef struct Two {
  PjOpKind kind;
  double x, y, want;
} Two;

static const Two twos[] = {
    {PJ_OP_CHLO_ZETA, 2.0, 1.0, 0x1.a51a6625307d3p+0},
    {PJ_OP_CHLO_ZETA, 1.5, 0.25, 0x1.46d15979ae212p+3},
    {PJ_OP_CHLO_ZETA, 3.0, -2.5, 0x1.bb342bf188dd7p-5},
    {PJ_OP_CHLO_ZETA, 4.0, -0.25, 0x1.034b3c13364d4p+8},
    {PJ_OP_CHLO_ZETA, 20.0, 3.5, 0x1.d175f130b73d3p-37},
    {PJ_OP_CHLO_ZETA, 5.0, 1000.0, 0x1.1a09d44e70d06p-42},
    {PJ_OP_CHLO_POLYGAMMA, 0.0, 2.5, 0x1.680425af12b5ep-1},
    {PJ_OP_CHLO_POLYGAMMA, 1.0, 0.5, 0x1.3bd3cc9be45dep+2},
    {PJ_OP_CHLO_POLYGAMMA, 2.0, -1.25, 0x1.eee2adf961009p+6},
    {PJ_OP_CHLO_POLYGAMMA, 5.0, 12.0, 0x1.efcd2f7aa2700p-14},
    {PJ_OP_CHLO_POLYGAMMA, 9.0, 0.125, 0x1.62600001b5492p+48},
    {PJ_OP_POWER, 2.0, 0.5, 0x1.6a09e667f3bcdp+0},
    {PJ_OP_POWER, 0.3, -7.25, 0x1.82253c23b0916p+12},
    {PJ_OP_POWER, -2.0, 3.0, -0x1.0000000000000p+3},
    {PJ_OP_ATAN2, 1.0, -1.0, 0x1.2d97c7f3321d2p+1},
    {PJ_OP_ATAN2, -0.5, 3.0, -0x1.52397843c9addp-3},
};

typedef struct Complex {
  PjOpKind kind;
  double x[2], want[2];
} Complex;

static const Complex complexes[] = {
    {PJ_OP_LOG_PLUS_ONE, {-5e-07, 0.001}, {0x1.1979981482a11p-43, 0x1.0624e00c1c8d6p-10}},
    {PJ_OP_LOG_PLUS_ONE, {-2.0, 1e-09}, {0x1.2725dd1d243acp-61, 0x1.921fb5421d100p+1}},
    {PJ_OP_LOG_PLUS_ONE, {-1.0, 1e-08}, {-0x1.26bb1bbb55516p+4, 0x1.921fb54442d18p+0}},
    {PJ_OP_LOG_PLUS_ONE, {1e+200, 1.0}, {0x1.cc845b54b54f2p+8, 0x1.87e92154ef7acp-665}},
    {PJ_OP_LOG, {1.0, 1e-06}, {0x1.19799812de065p-41, 0x1.0c6f7a0b5e767p-20}},
    {PJ_OP_LOG, {-3.0, -0.0}, {0x1.193ea7aad030bp+0, -0x1.921fb54442d18p+1}},
    {PJ_OP_LOG, {0.0, 1e-300}, {-0x1.5963447f87fb5p+9, 0x1.921fb54442d18p+0}},
    {PJ_OP_SQRT, {-4.0, 1e-09}, {0x1.12e0be826d695p-32, 0x1.0000000000000p+1}},
    {PJ_OP_SQRT, {1e+300, 1e+300}, {0x1.57b2468f15c93p+498, 0x1.1cba37a2eacf6p+497}},
    {PJ_OP_EXPONENTIAL_MINUS_ONE, {1e-09, 2e-09}, {0x1.12e0be7b82862p-30, 0x1.12e0be870a00cp-29}},
    {PJ_OP_EXPONENTIAL_MINUS_ONE, {2.0, -3.0}, {-0x1.0a1561c407ab9p+3, -0x1.0af13f8da5098p+0}},
    {PJ_OP_TANH, {0.5, 1.5}, {0x1.0ff96af61cdd1p+1, 0x1.0545d66d286e7p-2}},
    {PJ_OP_CHLO_ACOS, {1.0, 1e-09}, {0x1.094565495f2a1p-15, -0x1.0945654a1d0d8p-15}},
    {PJ_OP_CHLO_ACOS, {0.5, -2.0}, {0x1.598b07e074455p+0, 0x1.77391f0ddbd69p+0}},
    {PJ_OP_CBRT, {-8.0, 1.0}, {0x1.12dd325d63a0fp+0, 0x1.b188cb86f537dp+0}},
    {PJ_OP_RSQRT, {3.0, 4.0}, {0x1.999999999999ap-2, -0x1.999999999999ap-3}},
    {PJ_OP_CHLO_ATANH, {2.0, 1.0}, {0x1.9c041f7ed8d33p-2, 0x1.56c6e7397f5aep+0}},
    {PJ_OP_LOGISTIC, {0.5, -1.0}, {0x1.4ffacd70e46d3p-1, -0x1.024dea85cc77cp-2}},
};

// Distance in units of the last place of |want|.
static double ulps(double got, double want) {
  double unit = nextafter(fabs(want), INFINITY) - fabs(want);
  return got == want ? 0 : fabs(got - want) / unit;
}

static double ulps_f32(float got, double want) {
  double unit = (double)nextafterf((float)fabs(want), INFINITY) - (double)(float)fabs(want);
  return (double)got == want ? 0 : fabs((double)got - want) / unit;
}

static void run(PjOpKind kind, PjDtype dtype, const void *x, const void *y, void *out) {
  PjKernel kernel;
  assert_true(pj_kernel_make(kind, dtype, dtype, 0, 0, &kernel));
  kernel.fn(&kernel, 1, (const void *[]){x, y}, out);
}

static void expect(double error, double limit, PjOpKind kind, double x) {
  if (error <= limit)
    return;
  fail_msg("%s(%.17g): off by %.3g ULP", pj_op_info[kind].text, x, error);
}

static void test_one_operand(void **state) {
  for (size_t i = 0; i < sizeof ones / sizeof *ones; ++i) {
    double got;
    run(ones[i].kind, PJ_DT_F64, &ones[i].x, NULL, &got);
    expect(ulps(got, ones[i].want), 2.5, ones[i].kind, ones[i].x);
    float x = (float)ones[i].x, got_f32;
    if ((double)x != ones[i].x || fabs(ones[i].want) < FLT_MIN)
      continue;
    run(ones[i].kind, PJ_DT_F32, &x, NULL, &got_f32);
    expect(ulps_f32(got_f32, ones[i].want), 1, ones[i].kind, ones[i].x);
  }
}

static void test_two_operands(void **state) {
  for (size_t i = 0; i < sizeof twos / sizeof *twos; ++i) {
    double got;
    run(twos[i].kind, PJ_DT_F64, &twos[i].x, &twos[i].y, &got);
    expect(ulps(got, twos[i].want), 1, twos[i].kind, twos[i].x);
    float x = (float)twos[i].x, y = (float)twos[i].y, got_f32;
    if ((double)x != twos[i].x || (double)y != twos[i].y)
      continue;
    run(twos[i].kind, PJ_DT_F32, &x, &y, &got_f32);
    expect(ulps_f32(got_f32, twos[i].want), 1, twos[i].kind, twos[i].x);
  }
}

static void test_complex(void **state) {
  for (size_t i = 0; i < sizeof complexes / sizeof *complexes; ++i) {
    const Complex *c = &complexes[i];
    double got[2];
    run(c->kind, PJ_DT_C128, c->x, NULL, got);
    expect(ulps(got[0], c->want[0]), 1, c->kind, c->x[0]);
    expect(ulps(got[1], c->want[1]), 1, c->kind, c->x[0]);
    float x[2] = {(float)c->x[0], (float)c->x[1]}, got_f32[2];
    if ((double)x[0] != c->x[0] || (double)x[1] != c->x[1])
      continue;
    run(c->kind, PJ_DT_C64, x, NULL, got_f32);
    expect(ulps_f32(got_f32[0], c->want[0]), 1, c->kind, c->x[0]);
    expect(ulps_f32(got_f32[1], c->want[1]), 1, c->kind, c->x[0]);
  }
}

// Poles, limits and domains; |want| NaN means NaN.
static void test_special_values(void **state) {
  static const One specials[] = {
      {PJ_OP_CHLO_DIGAMMA, 0, NAN},
      {PJ_OP_CHLO_DIGAMMA, -3, NAN},
      {PJ_OP_CHLO_DIGAMMA, INFINITY, INFINITY},
      {PJ_OP_CHLO_LGAMMA, -INFINITY, INFINITY},
      {PJ_OP_CHLO_LGAMMA, -2, INFINITY},
      {PJ_OP_CHLO_LGAMMA, 1, 0},
      {PJ_OP_CHLO_ERF_INV, 1, INFINITY},
      {PJ_OP_CHLO_ERF_INV, -1, -INFINITY},
      {PJ_OP_CHLO_ERF_INV, 1.5, NAN},
      {PJ_OP_CHLO_ERF_INV, 0, 0},
      {PJ_OP_CHLO_BESSEL_I1E, INFINITY, 0},
      {PJ_OP_CHLO_BESSEL_I1E, 0, 0},
      {PJ_OP_LOG, 0, -INFINITY},
      {PJ_OP_LOG, -1, NAN},
      {PJ_OP_RSQRT, 0, INFINITY},
      {PJ_OP_LOGISTIC, -INFINITY, 0},
      {PJ_OP_EXPONENTIAL, -INFINITY, 0},
      {PJ_OP_CHLO_ACOS, 2, NAN},
  };
  for (size_t i = 0; i < sizeof specials / sizeof *specials; ++i) {
    double got, want = specials[i].want;
    run(specials[i].kind, PJ_DT_F64, &specials[i].x, NULL, &got);
    expect(isnan(want) ? !isnan(got) : got != want, 0, specials[i].kind, specials[i].x);
    float x = (float)specials[i].x, got_f32;
    run(specials[i].kind, PJ_DT_F32, &x, NULL, &got_f32);
    expect(isnan(want) ? !isnan(got_f32) : (double)got_f32 != want, 0, specials[i].kind,
           specials[i].x);
  }
  static const Two pairs[] = {
      {PJ_OP_CHLO_ZETA, 1, 2, INFINITY},   {PJ_OP_CHLO_ZETA, 0.5, 2, NAN},
      {PJ_OP_CHLO_ZETA, 2, -1, INFINITY},  {PJ_OP_CHLO_ZETA, 3, -1, NAN},
      {PJ_OP_CHLO_ZETA, 2.5, -0.5, NAN},   {PJ_OP_CHLO_POLYGAMMA, -1, 2, NAN},
      {PJ_OP_CHLO_POLYGAMMA, 0.5, 2, NAN}, {PJ_OP_POWER, 0, -1, INFINITY},
      {PJ_OP_POWER, -8, 0.5, NAN},         {PJ_OP_POWER, 2, 0, 1},
      {PJ_OP_REMAINDER, -7.5, 2, -1.5},    {PJ_OP_REMAINDER, 1, 0, NAN},
      {PJ_OP_REMAINDER, 3, INFINITY, 3},   {PJ_OP_ATAN2, 0, -0.0, 3.141592653589793},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i) {
    double got, want = pairs[i].want;
    run(pairs[i].kind, PJ_DT_F64, &pairs[i].x, &pairs[i].y, &got);
    expect(isnan(want) ? !isnan(got) : got != want, 0, pairs[i].kind, pairs[i].x);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_operand),
      cmocka_unit_test(test_two_operands),
      cmocka_unit_test(test_complex),
      cmocka_unit_test(test_special_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
