// Shared by the files of the math expansions (math_*.c); nobody else includes it.
//
// A small language for expressions: every expansion has the builder |k| and its argument |x| in
// scope, and the macros below build values from them. A constant has the element type of |x| and
// one lane; the builder spreads it.
#pragma once
#include "kernel/kir.h"
#include "kernel/math.h"

static inline bool pj__wide(const PjKir *k, PjKirVal x) { // f64, not f32
  return pj_kir_typeof(k, x).elem == PJ_KIR_F64;
}

static inline PjKirVal pj__const(PjKir *k, PjKirVal x, double v) {
  return pj_kir_float(k, pj_kir_type((PjKirElem)pj_kir_typeof(k, x).elem, 1), v);
}

// An integer as wide as |x|.
static inline PjKirElem pj__int_elem(const PjKir *k, PjKirVal x) {
  return pj__wide(k, x) ? PJ_KIR_I64 : PJ_KIR_I32;
}
static inline PjKirVal pj__int(PjKir *k, PjKirVal x, uint64_t bits) {
  return pj_kir_const(k, pj_kir_type(pj__int_elem(k, x), 1), bits);
}
static inline PjKirVal pj__bits(PjKir *k, PjKirVal x) {
  return pj_kir_bitcast(k, pj__int_elem(k, x), x);
}
static inline PjKirVal pj__from_bits(PjKir *k, PjKirVal bits) {
  return pj_kir_bitcast(k, pj_kir_typeof(k, bits).elem == PJ_KIR_I64 ? PJ_KIR_F64 : PJ_KIR_F32,
                        bits);
}

#define ADD(a, b)      pj_kir_fadd(k, a, b)
#define SUB(a, b)      pj_kir_fsub(k, a, b)
#define MUL(a, b)      pj_kir_fmul(k, a, b)
#define DIV(a, b)      pj_kir_fdiv(k, a, b)
#define MADD(a, b, c)  pj_kir_muladd(k, a, b, c) // a b + c, rounded once or twice
#define NEG(a)         pj_kir_1(k, PJ_KIR_FNEG, a)
#define ABS(a)         pj_kir_1(k, PJ_KIR_FABS, a)
#define SQRT(a)        pj_kir_1(k, PJ_KIR_FSQRT, a)
#define RINT(a)        pj_kir_1(k, PJ_KIR_RINT, a)
#define FLOOR(a)       pj_kir_1(k, PJ_KIR_FLOOR, a)
#define TRUNC(a)       pj_kir_1(k, PJ_KIR_FTRUNC, a)
#define FMIN(a, b)     pj_kir_2(k, PJ_KIR_FMIN, a, b) // b if one is NaN
#define FMAX(a, b)     pj_kir_2(k, PJ_KIR_FMAX, a, b)
#define COPYSIGN(a, b) pj_kir_2(k, PJ_KIR_COPYSIGN, a, b)
#define LT(a, b)       pj_kir_flt(k, a, b)
#define LE(a, b)       pj_kir_fle(k, a, b)
#define EQ(a, b)       pj_kir_feq(k, a, b)
#define UNO(a, b)      pj_kir_2(k, PJ_KIR_UNO, a, b)
#define SEL(m, a, b)   pj_kir_select(k, m, a, b)
#define AND(a, b)      pj_kir_and(k, a, b)
#define OR(a, b)       pj_kir_or(k, a, b)
#define XOR(a, b)      pj_kir_xor(k, a, b)
#define IADD(a, b)     pj_kir_add(k, a, b)
#define ISUB(a, b)     pj_kir_sub(k, a, b)
#define SHL(a, n)      pj_kir_shl(k, a, I(n))
#define LSHR(a, n)     pj_kir_lshr(k, a, I(n))
#define ASHR(a, n)     pj_kir_ashr(k, a, I(n))
#define C(v)           pj__const(k, x, v)
#define CW(v32, v64)   pj__const(k, x, pj__wide(k, x) ? (v64) : (v32))
#define I(v)           pj__int(k, x, (uint64_t)(v))
#define IW(v32, v64)   pj__int(k, x, pj__wide(k, x) ? (uint64_t)(v64) : (uint64_t)(v32))
#define BITS(a)        pj__bits(k, a)
#define FLOAT(bits)    pj__from_bits(k, bits)
#define MANTISSA       (pj__wide(k, x) ? 52 : 23)
#define IS_NAN(a)      UNO(a, a)
// Of |v| with the coefficients |name|_32 or |name|_64, as a call of |by| below.
#define TABLE_OF(by, v, name)                                                    \
  (pj__wide(k, x) ? by(k, v, sizeof(name##_64) / sizeof *(name##_64), name##_64) \
                  : by(k, v, sizeof(name##_32) / sizeof *(name##_32), name##_32))
#define POLY(v, name)   TABLE_OF(pj_math__poly, v, name)
#define HORNER(v, name) TABLE_OF(pj_math__horner, v, name)

// sum of coefficients[i] v^i. Long ones by Horner's rule in v^2 or v^4, over pairs or fours of
// terms that wait for nothing (G. Estrin, 1960): a third of the latency for one or two
// multiplications, but larger sums where the signs alternate. Callers that need the last digit add
// the first terms.
PjKirVal pj_math__poly(PjKir *k, PjKirVal v, size_t n, const double *coefficients);
PjKirVal pj_math__horner(PjKir *k, PjKirVal v, size_t n, const double *coefficients);
// first + coefficients[0] v + coefficients[1] v^2 + ..., up to 31 of them, by Estrin's method
// alone: the shortest chain, a product more for each doubling.
PjKirVal pj_math__estrin(PjKir *k, PjKirVal v, PjKirVal first, size_t n,
                         const double *coefficients);
// a b + c rounded once, on every target (an approximation of that, good to twice the digits, where
// the target has no such instruction; for products below 2^900).
PjKirVal pj_math__fma(PjKir *k, PjKirVal a, PjKirVal b, PjKirVal c);
// True (one lane) if any lane of |mask| holds.
PjKirVal pj_math__any(PjKir *k, PjKirVal mask);
// |callee| for the lanes of |x|, one after the other: what vector code does not handle, inside of
// an IF.
PjKirVal pj_math__call_lanes(PjKir *k, PjKirExtern callee, uint32_t n, const PjKirVal *args);
// f64 of |x| (f32), and back.
static inline PjKirVal pj__widen(PjKir *k, PjKirVal x) {
  return pj_kir_cast(k, PJ_KIR_FPEXT, PJ_KIR_F64, x);
}
static inline PjKirVal pj__narrow(PjKir *k, PjKirVal x) {
  return pj_kir_cast(k, PJ_KIR_FPTRUNC, PJ_KIR_F32, x);
}

// Unevaluated sums high + low, |low| at most half a unit of the last place of |high| when
// normalised.
typedef struct PjPair {
  PjKirVal hi, lo;
} PjPair;
PjPair pj_math__two_sum(PjKir *k, PjKirVal a, PjKirVal b);      // exact
PjPair pj_math__fast_two_sum(PjKir *k, PjKirVal a, PjKirVal b); // exact for |a| >= |b|
PjPair pj_math__two_prod(PjKir *k, PjKirVal a, PjKirVal b);     // exact but for underflow
PjPair pj_math__pair_mul(PjKir *k, PjPair a, PjPair b); // about twice the digits less 3 bits

// e^(hi + lo), |lo| small against 1; lo 0: none.
PjKirVal pj_math__exp(PjKir *k, PjKirVal hi, PjKirVal lo);
// |factor| times that, hi between -104 and 89 (of double -746 and 710) or NaN.
PjKirVal pj_math__exp_times(PjKir *k, PjKirVal hi, PjKirVal lo, PjKirVal factor);
// e^x - 1 for x between -30 and 0.
PjKirVal pj_math__expm1_small(PjKir *k, PjKirVal x);
// log(1 + hi + lo), |lo| small against hi.
PjKirVal pj_math__log1p(PjKir *k, PjKirVal hi, PjKirVal lo);
// |function| of double on |x|, which may be a float.
PjKirVal pj_math__in_double(PjKir *k, PjKirVal (*function)(PjKir *, PjKirVal), PjKirVal x);
// Sine and tangent of |x| up to pi / 2.
PjKirVal pj_math__sin_small(PjKir *k, PjKirVal x);
PjKirVal pj_math__tan_small(PjKir *k, PjKirVal x);

// --- math_alone.c: of one number; the others are the general forms that it leaves to.
static inline bool pj_math__is_alone(const PjKir *k, PjKirVal x) {
  return k->alone && pj_kir_typeof(k, x).lanes == 1;
}
extern const double pj_math__exp_32[5], pj_math__exp2_32[5], pj_math__exp_64[11],
    pj_math__tanh_32[6], pj_math__tanh_64[13];
extern const double pj_math__erf_32[6];
PjKirVal pj_math__exp_alone(PjKir *k, PjKirVal x);
PjKirVal pj_math__exp_any(PjKir *k, PjKirVal x);
PjKirVal pj_math__logistic_alone(PjKir *k, PjKirVal x);
PjKirVal pj_math__logistic_any(PjKir *k, PjKirVal x);
PjKirVal pj_math__tanh_alone(PjKir *k, PjKirVal x);
PjKirVal pj_math__tanh_any(PjKir *k, PjKirVal x);
PjKirVal pj_math__erf_alone(PjKir *k, PjKirVal x); // of float
PjKirVal pj_math__erf_any(PjKir *k, PjKirVal x);
PjKirVal pj_math__log_alone(PjKir *k, PjKirVal x);
PjKirVal pj_math__log_any(PjKir *k, PjKirVal x);
PjKirVal pj_math__pow_alone(PjKir *k, PjKirVal x, PjKirVal y);
PjKirVal pj_math__pow_any(PjKir *k, PjKirVal x, PjKirVal y);
