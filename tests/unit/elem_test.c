// Elementwise operations in kernel IR against the evaluator's kernels: for every type and every
// operation that the evaluator has, as vectors and as scalars, on all pairs of codes of the types
// of 8 bits and less, on edge values and random bits of the others. Exact operations must give the
// same bits (NaN for NaN), functions no more than the sum of both sides' errors.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/float.h"
#include "eval/kernel.h"
#include "jit_support.h"
#include "kernel/convert.h"
#include "kernel/elem.h"

enum { COUNT = 1 << 16, MAX_CASES = 128, LANES = 8, STRIDE = 16 };
enum { IN_X, IN_Y, IN_Z, IN_PRED, FIRST_OUT };

typedef struct Case {
  PjOpKind kind;
  int64_t a, b;
  PjDtype out; // 0: as the operands
  int math;    // of functions: MATH_name + 1
} Case;

// Bounds of kernel/math.def.
enum {
#define MATH(name, args, ulp32, ulp64) MATH_##name,
#include "kernel/math.def"
#undef MATH
  MATH_COUNT
};
static const double bounds[MATH_COUNT][2] = {
#define MATH(name, args, ulp32, ulp64) {ulp32, ulp64},
#include "kernel/math.def"
#undef MATH
};

static const Case cases[] = {
    {PJ_OP_ADD},
    {PJ_OP_SUBTRACT},
    {PJ_OP_MULTIPLY},
    {PJ_OP_DIVIDE},
    {PJ_OP_REMAINDER},
    {PJ_OP_MAXIMUM},
    {PJ_OP_MINIMUM},
    {PJ_OP_AND},
    {PJ_OP_OR},
    {PJ_OP_XOR},
    {PJ_OP_NOT},
    {PJ_OP_NEGATE},
    {PJ_OP_ABS},
    {PJ_OP_SIGN},
    {PJ_OP_SHIFT_LEFT},
    {PJ_OP_SHIFT_RIGHT_LOGICAL},
    {PJ_OP_SHIFT_RIGHT_ARITHMETIC},
    {PJ_OP_POPCNT},
    {PJ_OP_COUNT_LEADING_ZEROS},
    {PJ_OP_CHLO_MULHI},
    {PJ_OP_CHLO_SQUARE},
    {PJ_OP_FLOOR},
    {PJ_OP_CEIL},
    {PJ_OP_ROUND_NEAREST_AFZ},
    {PJ_OP_ROUND_NEAREST_EVEN},
    {PJ_OP_SQRT},
    {PJ_OP_IS_FINITE, .out = PJ_DT_PRED},
    {PJ_OP_CHLO_IS_INF, .out = PJ_DT_PRED},
    {PJ_OP_CHLO_IS_POS_INF, .out = PJ_DT_PRED},
    {PJ_OP_CHLO_IS_NEG_INF, .out = PJ_DT_PRED},
    {PJ_OP_CHLO_NEXT_AFTER},
    {PJ_OP_COMPARE, PJ_CMP_EQ, PJ_CMPTYPE_NOTYPE, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_NE, PJ_CMPTYPE_NOTYPE, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_LT, PJ_CMPTYPE_NOTYPE, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_LE, PJ_CMPTYPE_NOTYPE, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_GT, PJ_CMPTYPE_NOTYPE, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_GE, PJ_CMPTYPE_NOTYPE, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_EQ, PJ_CMPTYPE_TOTALORDER, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_NE, PJ_CMPTYPE_TOTALORDER, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_LT, PJ_CMPTYPE_TOTALORDER, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_LE, PJ_CMPTYPE_TOTALORDER, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_GT, PJ_CMPTYPE_TOTALORDER, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_GE, PJ_CMPTYPE_TOTALORDER, PJ_DT_PRED},
    {PJ_OP_SELECT},
    {PJ_OP_CLAMP},
    {PJ_OP_REAL},
    {PJ_OP_IMAG},
    {PJ_OP_CHLO_CONJ},
    {PJ_OP_REDUCE_PRECISION, 5, 10},
    {PJ_OP_REDUCE_PRECISION, 8, 7},
    {PJ_OP_REDUCE_PRECISION, 4, 3},
    {PJ_OP_REDUCE_PRECISION, 2, 0},
    {PJ_OP_REDUCE_PRECISION, 11, 1},
    {PJ_OP_REDUCE_PRECISION, 3, 30},
    {PJ_OP_POWER, .math = 1 + MATH_pow},
};

#define FUNCTION(op, name) \
  { PJ_OP_##op, .math = 1 + MATH_##name }
static const Case functions[] = {
    FUNCTION(EXPONENTIAL, exp),
    FUNCTION(EXPONENTIAL_MINUS_ONE, expm1),
    FUNCTION(LOG, log),
    FUNCTION(LOG_PLUS_ONE, log1p),
    FUNCTION(LOGISTIC, logistic),
    FUNCTION(TANH, tanh),
    FUNCTION(SINE, sin),
    FUNCTION(COSINE, cos),
    FUNCTION(TAN, tan),
    FUNCTION(CHLO_TAN, tan),
    FUNCTION(RSQRT, rsqrt),
    FUNCTION(CBRT, cbrt),
    FUNCTION(ATAN2, atan2),
    FUNCTION(CHLO_ASIN, asin),
    FUNCTION(CHLO_ACOS, acos),
    FUNCTION(CHLO_ATAN, atan),
    FUNCTION(CHLO_ERF, erf),
    FUNCTION(CHLO_ERFC, erfc),
    FUNCTION(CHLO_ERF_INV, erf_inv),
    FUNCTION(CHLO_SINH, sinh),
    FUNCTION(CHLO_COSH, cosh),
};
// Large kernels: in the slow test.
static const Case rare[] = {
    FUNCTION(CHLO_ASINH, asinh),     FUNCTION(CHLO_ACOSH, acosh),
    FUNCTION(CHLO_ATANH, atanh),     FUNCTION(CHLO_LGAMMA, lgamma),
    FUNCTION(CHLO_DIGAMMA, digamma), FUNCTION(CHLO_BESSEL_I1E, bessel_i1e),
    FUNCTION(CHLO_ZETA, zeta),       FUNCTION(CHLO_POLYGAMMA, polygamma),
};

// ------------------------------------------------------------------ values

static const Case complex_cases[] = {
    {PJ_OP_ADD},
    {PJ_OP_SUBTRACT},
    {PJ_OP_MULTIPLY},
    {PJ_OP_NEGATE},
    {PJ_OP_MAXIMUM},
    {PJ_OP_MINIMUM},
    {PJ_OP_COMPARE, PJ_CMP_EQ, PJ_CMPTYPE_NOTYPE, PJ_DT_PRED},
    {PJ_OP_COMPARE, PJ_CMP_NE, PJ_CMPTYPE_NOTYPE, PJ_DT_PRED},
    {PJ_OP_SELECT},
    {PJ_OP_CLAMP},
    {PJ_OP_REAL},
    {PJ_OP_IMAG},
    {PJ_OP_CHLO_CONJ},
};
// Functions, by the distance of the results as points of the plane in units of the last place of
// their size. Those of complex<f32> are computed in double on both sides. |special|: infinities and
// NaN are compared too.
static const struct {
  PjOpKind kind;
  double bound; // of complex<f64>
  bool special;
} complex_functions[] = {
    {PJ_OP_ABS, 1.5, true},
    {PJ_OP_DIVIDE, 3, true},
    {PJ_OP_SIGN, 3, true},
    {PJ_OP_SQRT, 2, true},
    {PJ_OP_EXPONENTIAL, 3, true},
    {PJ_OP_LOG, 3, true},
    {PJ_OP_RSQRT, 4, false},
    {PJ_OP_CBRT, 3, false},
    {PJ_OP_LOG_PLUS_ONE, 3, false},
    {PJ_OP_EXPONENTIAL_MINUS_ONE, 3, true},
    {PJ_OP_SINE, 3, false},
    {PJ_OP_COSINE, 3, false},
    {PJ_OP_TAN, 5, true},
    {PJ_OP_TANH, 5, false},
    {PJ_OP_CHLO_SQUARE, 2, false},
    {PJ_OP_CHLO_SINH, 3, true},
    {PJ_OP_CHLO_COSH, 3, true},
    {PJ_OP_CHLO_ASIN, 5, false},
    {PJ_OP_CHLO_ACOS, 5, false},
    {PJ_OP_CHLO_ATAN, 4, false},
    {PJ_OP_CHLO_ASINH, 5, false},
    {PJ_OP_CHLO_ACOSH, 5, false},
    {PJ_OP_CHLO_ATANH, 4, false},
    {PJ_OP_CHLO_ASIN_ACOS_KERNEL, 1000,
     false},                       // cosh of the imaginary part has its error as a factor
    {PJ_OP_LOGISTIC, 2000, false}, // poles at odd multiples of i pi
    {PJ_OP_POWER, 2000, false},    // the exponent's error is the result's
};

static uint64_t random_state = 88172645463325252u;
static uint64_t random_bits(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * 2685821657736338717u;
}

// Memory of COUNT elements of up to 16 bytes, of which |total| are in use.
static size_t total;
static char x[COUNT * STRIDE], y[COUNT * STRIDE], z[COUNT * STRIDE], want[COUNT * STRIDE];
static uint8_t pred[COUNT];
static char *outs[MAX_CASES];

static const double edges[] = {
    0,       -0.0,      1,        -1,         0.5,       -0.5,       1.5,      2.5,
    -2.5,    3,         INFINITY, -INFINITY,  NAN,       0x1p-149,   0x1p-126, -0x1p-126,
    0x1p-24, 0x1p-14,   0x1p-15,  0x1p-133,   65504,     65520,      1e30,     -1e30,
    0x1p31,  0x1p63,    0x1p32,   -0x1p31,    0x1p-1074, 0x1p-1022,  1e300,    88.7,
    100,     0x1.8p-25, 1 / 3.0,  0x1.fffp-1, 448,       464,        57344,    0x1p127,
    7,       255.5,     -128.5,   127.5,      1e-8,      0x1.9p-127, 1e10,     -3e5};
enum { EDGES = sizeof edges / sizeof *edges };

static void put(PjDtype part, char *at, uint64_t which) {
  uint64_t bits = random_bits();
  if (part == PJ_DT_PRED) {
    *at = (char)(which & 1);
  } else if (pj_dtype_is_float(part)) {
    unsigned width = pj_dtype_bits(part);
    if (which < EDGES)
      pj_double_encode(part, edges[which], at);
    else if (bits & 1 && part != PJ_DT_F8E8M0FNU) // of moderate size
      pj_double_encode(part, ldexp((double)(int64_t)random_bits(), -56 - (int)(bits >> 60)), at);
    else {
      bits = random_bits() & (width == 64 ? ~0ull : (1ull << width) - 1);
      memcpy(at, &bits, pj_dtype_bytes(part));
      if (isnan(pj_double_decode(part, at))) // a quiet one: C's functions may tell them apart
        pj_double_encode(part, bits & 1 ? -NAN : NAN, at);
    }
  } else {
    static const int64_t ints[] = {0,         1,         -1,  2,    3,  7,  INT64_MIN, INT64_MAX,
                                   INT32_MIN, INT32_MAX, 128, -128, 31, 32, 63,        64};
    int64_t value = which < 16 ? ints[which] : (int64_t)random_bits() >> (bits & 63);
    pj_int_encode(part, value, at);
  }
}

static void fill(PjDtype dtype) {
  PjDtype part = pj_dtype_part(dtype);
  size_t bytes = pj_dtype_bytes(part), parts = pj_dtype_is_complex(dtype) ? 2 : 1;
  unsigned code_bits = pj_dtype_bits(dtype);
  bool all = code_bits <= 8;
  total = all ? COUNT : 1 << 14;
  for (size_t i = 0; i < total * parts; ++i) {
    char *at[3] = {x + i * bytes, y + i * bytes, z + i * bytes};
    if (all) {
      unsigned mask = (1u << code_bits) - 1, code[2] = {i & 255 & mask, i >> 8 & mask};
      for (int o = 0; o < 2; ++o) {
        if (pj_dtype_is_float(dtype))
          *(uint8_t *)at[o] = (uint8_t)code[o];
        else
          pj_int_encode(dtype, code[o], at[o]);
      }
    } else {
      put(part, at[0], i % (EDGES + 13));
      put(part, at[1], i / (EDGES + 13));
    }
    put(part, at[2], i % 97);
  }
  for (size_t i = 0; i < total; ++i)
    pred[i] = random_bits() & 1;
}

// ------------------------------------------------------------------ the kernel

typedef struct Run {
  PjDtype dtype;
  int lanes;
  uint32_t count;
  const Case *list[MAX_CASES];
} Run;

static PjDtype result_type(PjDtype dtype, const Case *c) {
  if (c->out)
    return c->out;
  bool part = c->kind == PJ_OP_REAL || c->kind == PJ_OP_IMAG || c->kind == PJ_OP_ABS;
  return part ? pj_dtype_part(dtype) : dtype;
}

static PjOp *make_op(PjArena *arena, PjDtype dtype, const Case *c) {
  uint32_t operands = (uint32_t)pj_op_info[c->kind].operands;
  PjOp *op = pj_op_create(arena, c->kind, operands, 1, 0);
  for (uint32_t i = 0; i < operands; ++i) {
    PjValue *value = PJ_NEW(arena, PjValue);
    bool is_pred = c->kind == PJ_OP_SELECT && i == 0;
    value->type = pj_type_tensor(arena, is_pred ? PJ_DT_PRED : dtype, 0, NULL);
    op->operands[i] = value;
  }
  op->results[0].type = pj_type_tensor(arena, result_type(dtype, c), 0, NULL);
  if (c->kind == PJ_OP_COMPARE) {
    pj_op_set_attr(op, PJ_KEY_comparison_direction,
                   pj_attr_enum(arena, PJ_ENUM_COMPARE_DIRECTION, c->a));
    pj_op_set_attr(op, PJ_KEY_compare_type, pj_attr_enum(arena, PJ_ENUM_COMPARE_TYPE, c->b));
  } else if (c->kind == PJ_OP_REDUCE_PRECISION) {
    pj_op_set_attr(op, PJ_KEY_exponent_bits, pj_attr_int(arena, c->a, PJ_DT_S32));
    pj_op_set_attr(op, PJ_KEY_mantissa_bits, pj_attr_int(arena, c->b, PJ_DT_S32));
  }
  return op;
}

static void build(PjKir *k, void *context) {
  Run *run = context;
  PjDtype dtype = run->dtype;
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, run->lanes), 0, NULL, NULL);
  PjElem in[3],
      mask = pj_elem_load(k, PJ_DT_PRED, run->lanes, pj_kir_buffer(k, IN_PRED), i, 0, true);
  for (uint32_t o = 0; o < 3; ++o)
    in[o] = pj_elem_load(k, dtype, run->lanes, pj_kir_buffer(k, IN_X + o), i, 0, true);
  for (uint32_t c = 0; c < run->count; ++c) {
    const Case *one = run->list[c];
    PjOp *op = make_op(k->arena, dtype, one);
    assert_true(pj_elem_supports(op));
    PjElem chosen[3] = {mask, in[0], in[1]};
    PjElem clamped[3] = {in[1], in[0], in[2]};
    const PjElem *args = one->kind == PJ_OP_SELECT  ? chosen
                         : one->kind == PJ_OP_CLAMP ? clamped
                                                    : in;
    pj_elem_store(k, result_type(dtype, one), pj_elem_apply(k, op, args),
                  pj_kir_buffer(k, FIRST_OUT + c), i, 0);
  }
  pj_kir_for_end(k, 0, NULL, NULL);
}

// ------------------------------------------------------------------ comparing

static bool is_nan(PjDtype dtype, const char *at) {
  return pj_dtype_is_float(dtype) && isnan(pj_double_decode(dtype, at));
}

// Distance in units of the last place of the larger one (of 1 if that is larger and |absolute|), of
// a float type.
static double distance(PjDtype dtype, const char *a, const char *b, bool absolute) {
  long double u = pj_double_decode(dtype, a), v = pj_double_decode(dtype, b);
  long double top = dtype == PJ_DT_F64 ? 0x1p1024L : 0x1p128L;
  if (isnan(u) || isnan(v))
    return isnan(u) && isnan(v) ? 0 : INFINITY;
  if (u == v)
    return 0;
  u = isinf(u) ? copysignl(top, u) : u;
  v = isinf(v) ? copysignl(top, v) : v;
  int exponent;
  frexpl(fabsl(u) > fabsl(v) ? u : v, &exponent);
  if (absolute && exponent < 1)
    exponent = 1;
  exponent -= dtype == PJ_DT_F64 ? 53 : 24;
  int least = dtype == PJ_DT_F64 ? -1074 : -149;
  return (double)(fabsl(u - v) / ldexpl(1, exponent < least ? least : exponent));
}

static void describe(PjDtype dtype, const char *at, char *text, size_t size) {
  PjDtype part = pj_dtype_part(dtype);
  if (pj_dtype_is_complex(dtype))
    snprintf(text, size, "(%a, %a)", pj_double_decode(part, at),
             pj_double_decode(part, at + pj_dtype_bytes(part)));
  else if (pj_dtype_is_float(dtype))
    snprintf(text, size, "%a", pj_double_decode(dtype, at));
  else
    snprintf(text, size, "%lld", (long long)pj_int_decode(dtype, at));
}

// Arguments and results of zeta and polygamma for which math.def promises nothing of double, and
// infinite orders.
static bool is_outside_of_sums(PjDtype dtype, const char *order, const char *argument,
                               const char *result) {
  bool wide = dtype == PJ_DT_F64;
  double value = fabs(pj_double_decode(dtype, result));
  return pj_double_decode(dtype, order) > 170 || pj_double_decode(dtype, argument) <= 0 ||
         (wide && value > 0 && value < 1e-280);
}

static void check(PjDtype dtype, int lanes, const Case *c, const char *got) {
  PjKernel kernel;
  PjDtype out = result_type(dtype, c), part = pj_dtype_part(out);
  assert_true(pj_kernel_make(c->kind, dtype, out, c->a, c->b, &kernel));
  const void *plain[3] = {x, y, z}, *chosen[3] = {pred, x, y}, *clamped[3] = {y, x, z};
  kernel.fn(&kernel, (int64_t)total,
            c->kind == PJ_OP_SELECT  ? chosen
            : c->kind == PJ_OP_CLAMP ? clamped
                                     : plain,
            want);
  size_t bytes = pj_dtype_bytes(part), parts = pj_dtype_is_complex(out) ? 2 : 1;
  double bound = c->math ? bounds[c->math - 1][dtype == PJ_DT_F64] : 0;
  bool wide = part == PJ_DT_F32 || part == PJ_DT_F64;
  bool absolute = c->kind == PJ_OP_CHLO_LGAMMA || c->kind == PJ_OP_CHLO_DIGAMMA;
  bool sum = c->kind == PJ_OP_CHLO_ZETA || c->kind == PJ_OP_CHLO_POLYGAMMA;
  for (size_t i = 0; i < total * parts; ++i) {
    const char *g = got + i * bytes, *w = want + i * bytes;
    if (!memcmp(g, w, bytes) || (is_nan(part, g) && is_nan(part, w)))
      continue;
    if (sum && is_outside_of_sums(dtype, x + i * bytes, y + i * bytes, w))
      continue;
    if (bound && pj_dtype_is_float(part)) {
      // The evaluator errs by up to 0.6 units, of double up to 2.2 (glibc's tanh and cbrt's kin); a
      // narrow result may be rounded to the other side, and the sign of a NaN is all that is left
      // of it where a format has none.
      bool near_zero = absolute || (c->kind == PJ_OP_CHLO_POLYGAMMA && // digamma
                                    pj_double_decode(dtype, x + i * bytes) == 0);
      if (wide && distance(part, g, w, near_zero) <= bound + (part == PJ_DT_F64 ? 2.2 : 0.6))
        continue;
      if (!wide && pj_double_decode(part, g) == 0 && pj_double_decode(part, w) == 0)
        continue;
      int64_t code = 0, other = 0;
      memcpy(&code, g, bytes);
      memcpy(&other, w, bytes);
      if (!wide && (code - other == 1 || other - code == 1))
        continue;
    }
    char a[64], b[64], p[64], q[64], r[64];
    size_t e = i / parts, size = pj_dtype_bytes(dtype);
    describe(dtype, x + e * size, a, sizeof a);
    describe(dtype, y + e * size, b, sizeof b);
    describe(dtype, z + e * size, p, sizeof p);
    describe(part, g, q, sizeof q);
    describe(part, w, r, sizeof r);
    fail_msg("%s (%lld, %lld) of %s, %d lanes: x %s y %s z %s: %s, not %s",
             pj_op_info[c->kind].text, (long long)c->a, (long long)c->b, pj_dtype_text(dtype),
             lanes, a, b, p, q, r);
  }
}

// Cases that the evaluator has for |dtype|.
static void select_cases(Run *run, const Case *list, size_t count) {
  run->count = 0;
  for (size_t i = 0; i < count; ++i) {
    PjKernel kernel;
    bool parts =
        list[i].kind == PJ_OP_REAL || list[i].kind == PJ_OP_IMAG || list[i].kind == PJ_OP_CHLO_CONJ;
    if (parts && !pj_dtype_is_float(run->dtype) && !pj_dtype_is_complex(run->dtype))
      continue; // by the specification
    if (run->dtype == PJ_DT_F8E8M0FNU && list[i].math)
      continue; // next to 0, which it lacks, the least error makes NaN of 2^-127
    if (pj_kernel_make(list[i].kind, run->dtype, result_type(run->dtype, &list[i]), list[i].a,
                       list[i].b, &kernel))
      run->list[run->count++] = &list[i];
  }
}

// Types that the quick test looks at; the slow one (elem_slow_test.c) takes all, as vectors and
// scalars.
static bool is_chosen(PjDtype dtype, int lanes) {
#ifdef ELEM_SLOW
  return true;
#else
  switch (dtype) {
  case PJ_DT_S32:
  case PJ_DT_BF16:
  case PJ_DT_F32:
    return true;
  case PJ_DT_PRED:
  case PJ_DT_S4:
  case PJ_DT_S8:
  case PJ_DT_U16:
  case PJ_DT_U64:
  case PJ_DT_F8E4M3:
  case PJ_DT_F8E4M3FNUZ:
  case PJ_DT_F16:
  case PJ_DT_F64:
  case PJ_DT_C64:
    return lanes > 1;
  default:
    return false;
  }
#endif
}

static void run_all(PjDtype dtype, const Case *list, size_t count) {
  fill(dtype);
  for (int lanes = 1; lanes <= LANES; lanes *= LANES) {
    Run run = {.dtype = dtype, .lanes = lanes};
    select_cases(&run, list, count);
    if (!run.count || !is_chosen(dtype, lanes))
      continue;
    PjJitCode *code = test_compile(pj_kir_target_host()->isa, "elem", build, &run);
    void *buffers[FIRST_OUT + MAX_CASES] = {x, y, z, pred};
    for (uint32_t c = 0; c < run.count; ++c)
      buffers[FIRST_OUT + c] = outs[c];
    pj_jit_entry(code)(buffers, NULL, 0, (int64_t)total, NULL);
    for (uint32_t c = 0; c < run.count; ++c)
      check(dtype, lanes, run.list[c], outs[c]);
    pj_jit_release(code);
  }
}

static void exact_of(PjDtype first, PjDtype last) {
  for (PjDtype dtype = first; dtype <= last; ++dtype)
    run_all(dtype, cases, sizeof cases / sizeof *cases);
}

static void test_integers(void **state) {
  exact_of(PJ_DT_PRED, PJ_DT_INDEX);
}
static void test_small_floats(void **state) {
  exact_of(PJ_DT_F4E2M1FN, PJ_DT_F8E8M0FNU);
}
static void test_floats(void **state) {
  exact_of(PJ_DT_BF16, PJ_DT_F64);
}
static void test_functions(void **state) {
  static const PjDtype dtypes[] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_BF16};
  for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; ++d)
    run_all(dtypes[d], functions, sizeof functions / sizeof *functions);
}

// ------------------------------------------------------------------ conversion

static double moderate(void) {
  static const double some[] = {0, 1, -1, 0.5, -2};
  uint64_t which = random_bits();
  double unit = ldexp((double)(int64_t)random_bits(), -63);
  return which % 8 == 0   ? some[which / 8 % 5]
         : which % 8 == 1 ? ldexp(unit, (int)(which >> 8 & 31) - 20)
         : which % 8 == 2 ? 1 + ldexp(unit, -(int)(which >> 8 & 15))
                          : 4 * unit;
}

static bool same(long double a, long double b) {
  return a == b || (isnan(a) && isnan(b));
}

static void check_complex(PjDtype dtype, size_t f, size_t specials, const char *got) {
  PjOpKind kind = complex_functions[f].kind;
  PjDtype part = pj_dtype_part(dtype), out = kind == PJ_OP_ABS ? part : dtype;
  PjKernel kernel;
  assert_true(pj_kernel_make(kind, dtype, out, 0, 0, &kernel));
  kernel.fn(&kernel, (int64_t)total, (const void *[]){x, y}, want);
  size_t bytes = pj_dtype_bytes(part), step = pj_dtype_bytes(out);
  bool real = step == bytes;
  double bound = part == PJ_DT_F32 ? 1 : complex_functions[f].bound;
  for (size_t i = complex_functions[f].special ? 0 : specials; i < total; ++i) {
    const char *g = got + i * step, *w = want + i * step;
    long double gr = pj_double_decode(part, g), gi = real ? 0 : pj_double_decode(part, g + bytes);
    long double wr = pj_double_decode(part, w), wi = real ? 0 : pj_double_decode(part, w + bytes);
    int exponent;
    frexpl(hypotl(wr, wi), &exponent);
    long double unit = ldexpl(1, exponent - (part == PJ_DT_F32 ? 24 : 53));
    bool finite = isfinite(wr) && isfinite(wi);
    if (finite ? hypotl(gr - wr, gi - wi) <= (long double)bound * unit
               : same(gr, wr) && same(gi, wi))
      continue;
    char a[64], b[64];
    describe(dtype, x + i * 2 * bytes, a, sizeof a);
    describe(dtype, y + i * 2 * bytes, b, sizeof b);
    fail_msg("%s of %s: x %s y %s: (%La, %La), not (%La, %La)", pj_op_info[kind].text,
             pj_dtype_text(dtype), a, b, gr, gi, wr, wi);
  }
}

static void complex_of(PjDtype dtype) {
  static const double special[] = {0, 1, -1, INFINITY, -INFINITY, NAN, 2.5, -0.5};
  size_t bytes = pj_dtype_bytes(dtype) / 2, specials = 1 << 12; // all of four parts
  run_all(dtype, complex_cases, sizeof complex_cases / sizeof *complex_cases);
  total = 1 << 13;
  for (size_t i = 0; i < total; ++i)
    for (size_t p = 0; p < 4; ++p) {
      double value = i < specials ? special[i >> 3 * p & 7] : moderate();
      pj_double_encode(pj_dtype_part(dtype), value, (p < 2 ? x : y) + (2 * i + p % 2) * bytes);
    }
  for (size_t f = 0; f < sizeof complex_functions / sizeof *complex_functions; ++f) {
#ifndef ELEM_SLOW
    if (!complex_functions[f].special || dtype == PJ_DT_C128)
      continue;
#endif
    Case one = {complex_functions[f].kind};
    // The inverse sines, and roots of complex<f64>, are left to the evaluator (elem_complex.c).
    if (!pj_elem_supports_kind(one.kind, dtype, result_type(dtype, &one))) {
      print_message("%s of %s: not in kernels\n", pj_op_info[one.kind].text, pj_dtype_text(dtype));
      continue;
    }
    Run run = {.dtype = dtype, .lanes = 4, .count = 1, .list = {&one}};
    PjJitCode *code = test_compile(pj_kir_target_host()->isa, "complex", build, &run);
    void *buffers[FIRST_OUT + 1] = {x, y, z, pred, outs[0]};
    pj_jit_entry(code)(buffers, NULL, 0, (int64_t)total, NULL);
    check_complex(dtype, f, specials, outs[0]);
    pj_jit_release(code);
  }
}

static void test_complex(void **state) {
  complex_of(PJ_DT_C64);
  complex_of(PJ_DT_C128);
}

static void test_rare_functions(void **state) {
#ifdef ELEM_SLOW
  run_all(PJ_DT_F32, rare, sizeof rare / sizeof *rare);
  run_all(PJ_DT_F64, rare, sizeof rare / sizeof *rare);
#else
  run_all(PJ_DT_F32, &rare[3], 1); // lgamma stands for them
#endif
}

static PjDtype convert_from;
static int convert_lanes;

static void build_convert(PjKir *k, void *context) {
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, convert_lanes), 0,
                                NULL, NULL);
  PjElem in = pj_elem_load(k, convert_from, convert_lanes, pj_kir_buffer(k, 0), i, 0, true);
  for (PjDtype to = PJ_DT_PRED; to < PJ_DT_COUNT; ++to)
    pj_elem_store(k, to, pj_elem_convert(k, convert_from, to, in), pj_kir_buffer(k, to), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

static void test_convert(void **state) {
  for (convert_from = PJ_DT_PRED; convert_from < PJ_DT_COUNT; ++convert_from) {
    fill(convert_from);
    for (convert_lanes = 1; convert_lanes <= LANES; convert_lanes *= LANES) {
      if (!is_chosen(convert_from, convert_lanes))
        continue;
      PjJitCode *code = test_compile(pj_kir_target_host()->isa, "convert", build_convert, NULL);
      void *buffers[PJ_DT_COUNT] = {x};
      for (PjDtype to = PJ_DT_PRED; to < PJ_DT_COUNT; ++to)
        buffers[to] = outs[to];
      pj_jit_entry(code)(buffers, NULL, 0, (int64_t)total, NULL);
      for (PjDtype to = PJ_DT_PRED; to < PJ_DT_COUNT; ++to) {
        PjDtype part = pj_dtype_part(to);
        size_t bytes = pj_dtype_bytes(part), count = total * pj_dtype_bytes(to) / bytes;
        pj_convert_n(convert_from, to, (int64_t)total, x, want);
        for (size_t i = 0; i < count; ++i) {
          const char *g = outs[to] + i * bytes, *w = want + i * bytes;
          if (!memcmp(g, w, bytes) || (is_nan(part, g) && is_nan(part, w)))
            continue;
          char a[64], q[64], r[64];
          describe(convert_from, x + i * bytes / pj_dtype_bytes(to) * pj_dtype_bytes(convert_from),
                   a, sizeof a);
          describe(part, g, q, sizeof q);
          describe(part, w, r, sizeof r);
          fail_msg("%s to %s, %d lanes: %s gives %s, not %s", pj_dtype_text(convert_from),
                   pj_dtype_text(to), convert_lanes, a, q, r);
        }
      }
      pj_jit_release(code);
    }
  }
}

static int set_up(void **state) {
  for (int i = 0; i < MAX_CASES; ++i)
    if (!(outs[i] = malloc(COUNT * STRIDE)))
      return 1;
  return 0;
}
static int tear_down(void **state) {
  for (int i = 0; i < MAX_CASES; ++i)
    free(outs[i]);
  return 0;
}

int main(void) {
  if (!pj_jit_available())
    return 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_integers),       cmocka_unit_test(test_small_floats),
      cmocka_unit_test(test_floats),         cmocka_unit_test(test_functions),
      cmocka_unit_test(test_rare_functions), cmocka_unit_test(test_complex),
      cmocka_unit_test(test_convert),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
