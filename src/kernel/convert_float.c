// Float formats of fewer bits than f32 in registers of kernel IR; ir/float_bits.h has the
// formats, eval/float.c the rules.
#include "kernel/convert_float.h"

#include <math.h>

#include "ir/float_bits.h"
#include "kernel/convert.h"

bool pj_conv_has_no_minus_zero(PjDtype dtype) {
  return pj_float_formats[dtype].exponent && pj_float_formats[dtype].specials == PJ_FLOAT_FNUZ;
}

static PjKirVal word(PjKir *k, uint32_t bits) {
  return pj_kir_const(k, PJ_KIR_T(I32, 1), bits);
}
static PjKirVal bits_of(PjKir *k, PjKirVal v) {
  return pj_kir_bitcast(k, PJ_KIR_I32, v);
}
static PjKirVal float_of(PjKir *k, PjKirVal bits) {
  return pj_kir_bitcast(k, PJ_KIR_F32, bits);
}
#define AND(a, b)    pj_kir_and(k, a, b)
#define OR(a, b)     pj_kir_or(k, a, b)
#define ADD(a, b)    pj_kir_add(k, a, b)
#define SUB(a, b)    pj_kir_sub(k, a, b)
#define SHL(a, n)    pj_kir_shl(k, a, word(k, n))
#define SHR(a, n)    pj_kir_lshr(k, a, word(k, n))
#define SEL(m, a, b) pj_kir_select(k, m, a, b)
#define LESS(a, b)   pj_kir_slt(k, a, b) // of magnitudes, which have no sign
#define EQUAL(a, b)  pj_kir_eq(k, a, b)
#define W(bits)      word(k, bits)

static const uint32_t MAGNITUDE = 0x7FFFFFFF, INFINITE = 0x7F800000, NOT_A_NUMBER = 0x7FC00000;

// ------------------------------------------------------------------ up to 8 bits

static PjKirVal small_decode(PjKir *k, const PjFloatFormat *f, PjKirVal code) {
  uint32_t sign_bit = 1u << (f->exponent + f->mantissa), ones = (1u << f->exponent) - 1;
  PjKirVal c = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I32, code);
  if (f->specials == PJ_FLOAT_SCALE) {
    PjKirVal bits = SEL(EQUAL(c, W(0)), W(0x00400000), SHL(c, 23));
    return float_of(k, SEL(EQUAL(c, W(0xFF)), W(NOT_A_NUMBER), bits));
  }
  PjKirVal magnitude = AND(c, W(sign_bit - 1)),
           sign = SHL(AND(c, W(sign_bit)), 31u - f->exponent - f->mantissa);
  // Moves the bias and normalises subnormal numbers, exactly.
  PjKirVal scale = pj_kir_float(k, PJ_KIR_T(F32, 1), ldexp(1, 127 - f->bias));
  PjKirVal bits = bits_of(k, pj_kir_fmul(k, float_of(k, SHL(magnitude, 23u - f->mantissa)), scale));
  if (f->specials ==
      PJ_FLOAT_IEEE) { // one NaN, as the evaluator reads them: total order tells them apart
    PjKirVal infinite = EQUAL(magnitude, W(ones << f->mantissa));
    PjKirVal other = SEL(infinite, W(INFINITE), W(NOT_A_NUMBER));
    bits = SEL(LESS(magnitude, W(ones << f->mantissa)), bits, other);
  }
  if (f->specials == PJ_FLOAT_ONLY_NAN)
    bits = SEL(EQUAL(magnitude, W(sign_bit - 1)), W(NOT_A_NUMBER), bits);
  else if (f->specials == PJ_FLOAT_FNUZ)
    bits = SEL(EQUAL(AND(c, W(2 * sign_bit - 1)), W(sign_bit)), W(NOT_A_NUMBER), bits);
  return float_of(k, OR(bits, sign));
}

// The code of the largest finite value.
static uint32_t largest(const PjFloatFormat *f) {
  uint32_t all = (1u << (f->exponent + f->mantissa)) - 1;
  return f->specials == PJ_FLOAT_IEEE       ? all - (1u << f->mantissa)
         : f->specials == PJ_FLOAT_ONLY_NAN ? all - 1
                                            : all;
}

static PjKirVal small_encode(PjKir *k, const PjFloatFormat *f, PjKirVal v) {
  PjKirVal bits = bits_of(k, v), magnitude = AND(bits, W(MAGNITUDE)),
           is_nan = LESS(W(INFINITE), magnitude);
  if (f->specials == PJ_FLOAT_SCALE) {
    PjKirVal code = SHR(ADD(magnitude, W(0x00400000)), 23);
    code = SEL(LESS(W(0x00400000), magnitude), code, W(0));
    // Neither zero, negative numbers nor NaN: 1 <= bits <= infinity.
    PjKirVal valid = AND(LESS(W(0), bits), LESS(bits, W(INFINITE + 1)));
    return SEL(valid, code, W(0xFF));
  }
  uint32_t sign_bit = 1u << (f->exponent + f->mantissa), max = largest(f), drop = 23u - f->mantissa;
  PjKirVal sign = AND(SHR(bits, 31u - f->exponent - f->mantissa), W(sign_bit));
  PjKirVal odd = AND(SHR(magnitude, drop), W(1));
  PjKirVal normal = SHR(ADD(ADD(magnitude, W((1u << (drop - 1)) - 1)), odd), drop);
  normal = SUB(normal, W((uint32_t)(127 - f->bias) << f->mantissa));
  // Below the normal numbers: adding a number whose last place is that of the subnormal ones
  // rounds.
  float align = ldexpf(1, 24 - f->bias - f->mantissa);
  PjKirVal aligned =
      pj_kir_fadd(k, float_of(k, magnitude), pj_kir_float(k, PJ_KIR_T(F32, 1), (double)align));
  PjKirVal subnormal =
      SUB(bits_of(k, aligned), bits_of(k, pj_kir_float(k, PJ_KIR_T(F32, 1), (double)align)));
  PjKirVal code = SEL(LESS(magnitude, W((uint32_t)(128 - f->bias) << 23)), subnormal, normal);
  PjKirVal above = LESS(W(max), code);
  switch (f->specials) {
  case PJ_FLOAT_IEEE:
    code = SEL(is_nan, W((max + 1) | 1u << (f->mantissa - 1)), SEL(above, W(max + 1), code));
    return OR(code, sign);
  case PJ_FLOAT_ONLY_NAN: // also of NaN, which lies above
    return OR(SEL(above, W(max + 1), code), sign);
  case PJ_FLOAT_FNUZ:
    code = SEL(EQUAL(code, W(0)), code, OR(code, sign));
    return SEL(above, W(sign_bit), code);
  default: // no NaN: the zero of the other sign
    code = OR(SEL(above, W(max), code), sign);
    return SEL(is_nan, pj_kir_xor(k, sign, W(sign_bit)), code);
  }
}

// ------------------------------------------------------------------ by format

// To nearest even on the bits, |drop| of them: half less one is added, and one to odd numbers. That
// sum is even but for the one, so its negative is all of its bits exchanged, less one: one
// operation of bits where the machine has those of three.
static PjKirVal round_bits(PjKir *k, PjKirVal v, uint32_t drop) {
  PjKirVal bits = bits_of(k, v), odd = AND(SHR(bits, drop), W(1));
  PjKirVal minus = pj_kir_xor(k, odd, W(~((1u << (drop - 1)) - 2)));
  return float_of(k, AND(SUB(bits, minus), W(~((1u << drop) - 1))));
}

PjKirVal pj_conv_decode(PjKir *k, PjDtype dtype, PjKirVal code) {
  switch (dtype) {
  case PJ_DT_BF16:
    return float_of(k, SHL(pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I32, code), 16));
  case PJ_DT_F16:
    return pj_kir_cast(k, PJ_KIR_F16TOF32, PJ_KIR_F32, code);
  case PJ_DT_TF32:
    return float_of(k, SHL(code, 13));
  default:
    return small_decode(k, &pj_float_formats[dtype], code);
  }
}

// Bits of which the upper 16 are those of |v|: round_bits clears the others, which whoever shifts
// them out need not wait for.
static PjKirVal upper_bits(PjKir *k, PjKirVal v) {
  PjKirVal bits = bits_of(k, v);
  const PjKirInst *inst = pj_kir_inst(k, v);
  uint64_t mask;
  if (inst->op == PJ_KIR_SELECT) { // of a NaN and what was rounded
    PjKirVal when = inst->args[0], yes = inst->args[1], no = inst->args[2];
    PjKirVal upper_yes = upper_bits(k, yes), upper_no = upper_bits(k, no);
    bool same = upper_yes == bits_of(k, yes) && upper_no == bits_of(k, no);
    return same ? bits : SEL(when, upper_yes, upper_no);
  }
  inst = pj_kir_inst(k, bits);
  return inst->op == PJ_KIR_AND && pj_kir_is_const(k, inst->args[1], &mask) && mask == 0xFFFF0000
             ? inst->args[0]
             : bits;
}

PjKirVal pj_conv_encode(PjKir *k, PjDtype dtype, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  switch (dtype) {
  case PJ_DT_BF16:
    return pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I16, SHR(upper_bits(k, v), 16));
  case PJ_DT_F16: // rounded before, in which case the code is at hand
    return inst->op == PJ_KIR_F16TOF32 ? inst->args[0]
                                       : pj_kir_cast(k, PJ_KIR_F32TOF16, PJ_KIR_I16, v);
  case PJ_DT_TF32:
    return SHR(bits_of(k, v), 13);
  default:
    return pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I8, small_encode(k, &pj_float_formats[dtype], v));
  }
}

PjKirVal pj_conv_round_narrow(PjKir *k, PjDtype dtype, PjKirVal v) {
  switch (dtype) {
  case PJ_DT_BF16:
    return round_bits(k, v, 16);
  case PJ_DT_TF32:
    return round_bits(k, v, 13);
  case PJ_DT_F16:
    return pj_conv_decode(k, dtype, pj_kir_cast(k, PJ_KIR_F32TOF16, PJ_KIR_I16, v));
  default: {
    PjKirVal code = small_encode(k, &pj_float_formats[dtype], v);
    return small_decode(k, &pj_float_formats[dtype], pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I8, code));
  }
  }
}

PjKirVal pj_conv_round_any(PjKir *k, PjDtype dtype, PjKirVal v) {
  PjKirVal rounded = pj_conv_round_narrow(k, dtype, v);
  if (dtype != PJ_DT_BF16 && dtype != PJ_DT_TF32)
    return rounded;
  // A payload of low bits only would be rounded to infinity or across the sign.
  PjKirVal sign = AND(bits_of(k, v), W(~MAGNITUDE)), nan = float_of(k, OR(sign, W(NOT_A_NUMBER)));
  return SEL(pj_kir_2(k, PJ_KIR_UNO, v, v), nan, rounded);
}

PjKirVal pj_conv_round_odd(PjKir *k, PjKirVal v) {
  PjKirVal rounded = pj_kir_cast(k, PJ_KIR_FPTRUNC, PJ_KIR_F32, v);
  PjKirVal back = pj_kir_cast(k, PJ_KIR_FPEXT, PJ_KIR_F64, rounded), bits = bits_of(k, rounded);
  PjKirVal up = pj_kir_1(k, PJ_KIR_FABS, back), exact = pj_kir_1(k, PJ_KIR_FABS, v);
  PjKirVal step = SEL(pj_kir_flt(k, exact, up), W(~0u), W(1));
  PjKirVal inexact = OR(pj_kir_flt(k, back, v), pj_kir_flt(k, v, back));
  PjKirVal even = EQUAL(AND(bits, W(1)), W(0));
  return float_of(k, ADD(bits, SEL(AND(inexact, even), step, W(0))));
}
