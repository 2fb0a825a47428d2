// Integers and predicates.
//
// Where the specification leaves a result open it is the evaluator's (eval/kernel_int.c): x / 0 has
// all bits set, x % 0 is x, the smallest number divided by -1 is itself, and shifts by the width or
// more leave nothing but sign bits. Integers of 2 and 4 bits are computed in 8 and cut afterwards.
#include "kernel/elem_rows.h"
#include "kernel/kir_range.h"

static bool is_signed(PjDtype dtype) {
  return pj_dtype_class(dtype) == PJ_CLASS_SINT;
}
static PjKirElem elem_of(const PjKir *k, PjKirVal v) {
  return (PjKirElem)pj_kir_typeof(k, v).elem;
}
static unsigned width_of(const PjKir *k, PjKirVal v) { // of the register
  return 8u * (unsigned)pj_kir_elem_bytes(elem_of(k, v));
}
// A constant of the type of |v|.
static PjKirVal integer(PjKir *k, PjKirVal v, uint64_t bits) {
  return pj_kir_const(k, pj_kir_type(elem_of(k, v), 1), bits);
}

// |v| with zeros above its bits.
static PjKirVal unsigned_bits(PjKir *k, PjDtype dtype, PjKirVal v) {
  unsigned bits = pj_dtype_bits(dtype);
  return is_signed(dtype) && bits < 8 ? pj_kir_and(k, v, integer(k, v, (1u << bits) - 1)) : v;
}

// ------------------------------------------------------------------ arithmetic

#define PLAIN_2(name, expr)                                               \
  static PjKirVal name(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) { \
    return expr;                                                          \
  }
PLAIN_2(add, pj_kir_add(k, x, y))
PLAIN_2(sub, pj_kir_sub(k, x, y))
PLAIN_2(mul, pj_kir_mul(k, x, y))
PLAIN_2(and, pj_kir_and(k, x, y))
PLAIN_2(or, pj_kir_or(k, x, y))
PLAIN_2(xor, pj_kir_xor(k, x, y))

static PjKirVal negate(PjKir *k, PjDtype dtype, PjKirVal x) {
  return pj_kir_sub(k, integer(k, x, 0), x);
}
static PjKirVal invert(PjKir *k, PjDtype dtype, PjKirVal x) {
  return pj_kir_not(k, x);
}
static PjKirVal square(PjKir *k, PjDtype dtype, PjKirVal x) {
  return pj_kir_mul(k, x, x);
}
static PjKirVal absolute(PjKir *k, PjDtype dtype, PjKirVal x) {
  return is_signed(dtype) ? pj_kir_2(k, PJ_KIR_SMAX, x, negate(k, dtype, x)) : x;
}
static PjKirVal sign(PjKir *k, PjDtype dtype, PjKirVal x) {
  PjKirVal one = integer(k, x, 1);
  if (!is_signed(dtype))
    return pj_kir_2(k, PJ_KIR_UMIN, x, one);
  return pj_kir_2(k, PJ_KIR_SMAX, pj_kir_2(k, PJ_KIR_SMIN, x, one), integer(k, x, ~0ull));
}

// ------------------------------------------------------------------ division

enum { MOST_F32 = (1 << 22) - 1 };

static bool fits_f32(bool with_sign, PjKirRange r) {
  return r.lo >= (with_sign ? -MOST_F32 : 0) && r.hi <= MOST_F32;
}

// Quotients of up to 16 bits in f32 and of 32 bits in f64: x / y lies at least 1 / y away from an
// integer that it is not, which is more than the rounding of the quotient. The divisor is not zero.
// By a constant it is a product with the reciprocal, of a number half an integer further from zero:
// that keeps 1 / (2 y) from every integer. Where x has 22 bits, f32 will do for that: both
// roundings together are 2^-23 (x + 1/2) / y.
static PjKirVal float_quotient(PjKir *k, bool with_sign, PjKirVal x, PjKirVal y) {
  PjKirElem elem = elem_of(k, x), wide = elem == PJ_KIR_I32 ? PJ_KIR_F64 : PJ_KIR_F32;
  bool narrow = elem != PJ_KIR_I32;
  PjKirRange range = pj_kir_range(k, x), by = pj_kir_range(k, y);
  bool positive = !with_sign;
  if (!narrow && fits_f32(with_sign, range) && by.lo == by.hi && by.lo > 0 && by.hi <= MOST_F32) {
    wide = PJ_KIR_F32;
    with_sign = true; // that of an i32
    positive = range.lo >= 0;
  }
  if (narrow) { // of 32 bits with a sign, which machines convert
    PjKirOp op = with_sign ? PJ_KIR_SEXT : PJ_KIR_ZEXT;
    x = pj_kir_cast(k, op, PJ_KIR_I32, x);
    y = pj_kir_cast(k, op, PJ_KIR_I32, y);
  }
  PjKirOp to = with_sign || narrow ? PJ_KIR_SITOFP : PJ_KIR_UITOFP;
  uint64_t bits;
  bool reciprocal = pj_kir_is_const(k, y, &bits);
  x = pj_kir_cast(k, to, wide, x);
  y = pj_kir_cast(k, to, wide, y);
  PjKirVal quotient;
  if (reciprocal) {
    PjKirType type = pj_kir_typeof(k, x);
    PjKirVal half = pj_kir_float(k, type, 0.5);
    if (!positive) {
      PjKirElem integers = wide == PJ_KIR_F64 ? PJ_KIR_I64 : PJ_KIR_I32;
      PjKirVal sign = pj_kir_bitcast(k, integers, pj_kir_float(k, type, -0.0));
      sign = pj_kir_and(k, sign, pj_kir_bitcast(k, integers, x));
      half = pj_kir_bitcast(k, wide, pj_kir_or(k, sign, pj_kir_bitcast(k, integers, half)));
    }
    PjKirVal one = pj_kir_float(k, type, 1);
    quotient = pj_kir_fmul(k, pj_kir_fadd(k, x, half), pj_kir_fdiv(k, one, y));
  } else
    quotient = pj_kir_fdiv(k, x, y);
  PjKirOp back = with_sign || narrow ? PJ_KIR_FPTOSI : PJ_KIR_FPTOUI;
  quotient = pj_kir_cast(k, back, PJ_KIR_I32, quotient);
  return narrow ? pj_kir_cast(k, PJ_KIR_TRUNC, elem, quotient) : quotient;
}

// Vectors of 64 bits are divided in f64 where all lanes are less than 2^51 in size, which numbers
// that people divide are, as a rule; else lane by lane. Such integers, and their quotient rounded
// towards zero, are the last bits of a float that is 3 2^51 larger. With |x| and |y| below 2^52 the
// quotient is 1 / y away from an integer that it is not, and less than 2^52 / y in size: rounding
// it to 53 bits does not reach that integer. The divisor is not zero.
#define EXACT_BITS  51
#define EXACT_LIMIT (INT64_C(1) << EXACT_BITS)
#define BIAS_BITS   UINT64_C(0x4338000000000000) // of 3 2^51

static bool is_exact(PjKir *k, bool with_sign, PjKirVal x) {
  const PjKirRange r = pj_kir_range(k, x);
  return r.known && r.lo >= (with_sign ? -EXACT_LIMIT : 0) && r.hi < EXACT_LIMIT;
}

static PjKirVal exact_float(PjKir *k, PjKirVal x) {
  PjKirVal biased = pj_kir_bitcast(k, PJ_KIR_F64, pj_kir_add(k, x, integer(k, x, BIAS_BITS)));
  return pj_kir_fsub(k, biased, pj_kir_float(k, pj_kir_typeof(k, biased), 3 * 0x1p51));
}

static PjKirVal exact_quotient(PjKir *k, PjKirVal x, PjKirVal y) {
  PjKirVal quotient =
      pj_kir_1(k, PJ_KIR_FTRUNC, pj_kir_fdiv(k, exact_float(k, x), exact_float(k, y)));
  quotient = pj_kir_fadd(k, quotient, pj_kir_float(k, pj_kir_typeof(k, quotient), 3 * 0x1p51));
  return pj_kir_sub(k, pj_kir_bitcast(k, PJ_KIR_I64, quotient), integer(k, x, BIAS_BITS));
}

static PjKirVal wide_quotient(PjKir *k, bool with_sign, PjKirVal x, PjKirVal y) {
  const int lanes =
      pj_kir_typeof(k, x).lanes > 1 ? pj_kir_typeof(k, x).lanes : pj_kir_typeof(k, y).lanes;
  x = pj_kir_splat(k, x, lanes);
  y = pj_kir_splat(k, y, lanes);
  if (is_exact(k, with_sign, x) && is_exact(k, with_sign, y))
    return exact_quotient(k, x, y);
  const uint64_t middle = with_sign ? EXACT_LIMIT : 0,
                 limit = with_sign ? 2 * EXACT_LIMIT : EXACT_LIMIT;
  PjKirVal offset = integer(k, x, middle),
           size = pj_kir_or(k, pj_kir_add(k, x, offset), pj_kir_add(k, y, offset)), chosen;
  pj_kir_if_begin(
      k, pj_kir_reduce_lanes(k, PJ_KIR_OR, pj_kir_2(k, PJ_KIR_ULE, integer(k, x, limit), size)));
  PjKirVal quotient = pj_kir_2(k, with_sign ? PJ_KIR_SDIV : PJ_KIR_UDIV, x, y);
  pj_kir_if_else(k, 1, &quotient);
  quotient = exact_quotient(k, x, y);
  pj_kir_if_end(k, 1, &quotient, &chosen);
  return chosen;
}

// Without a sign by a constant, after Granlund and Montgomery, of w bits, 16 or 32: with 2^s <= y <
// 2^(s + 1) the number m = floor(2^(w + s) / y) + 1 has w bits, and x m / 2^(w + s) is x / y and
// less than 1 / y more where m y - 2^(w + s) <= 2^s. Otherwise m of one more bit does, the highest
// of which is added by hand, in halves so that the sum stays within w bits.
static PjKirVal multiplied_quotient(PjKir *k, PjKirVal x, uint64_t y) {
  PjKirElem elem = elem_of(k, x);
  if (elem == PJ_KIR_I8)
    x = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I16, x);
  const unsigned s = 63 - (unsigned)__builtin_clzll(y), w = elem == PJ_KIR_I32 ? 32 : 16;
  uint64_t scaled = 1ull << (w + s), m = scaled / y + 1;
  PjKirVal quotient;
  if (m * y - scaled <= 1ull << s) {
    quotient = pj_kir_2(k, PJ_KIR_UMULH, x, integer(k, x, m));
    quotient = pj_kir_lshr(k, quotient, integer(k, x, s));
  } else {
    m = 2 * scaled / y + 1; // of w + 1 bits
    PjKirVal low = pj_kir_2(k, PJ_KIR_UMULH, x, integer(k, x, m));
    PjKirVal half = pj_kir_lshr(k, pj_kir_sub(k, x, low), integer(k, x, 1));
    quotient = pj_kir_lshr(k, pj_kir_add(k, low, half), integer(k, x, s));
  }
  return elem == PJ_KIR_I8 ? pj_kir_cast(k, PJ_KIR_TRUNC, elem, quotient) : quotient;
}

// The number by which product_quotient multiplies, and the shift behind that.
typedef struct Multiplier {
  uint64_t m;
  unsigned shift;
} Multiplier;
static Multiplier multiplier_of(uint64_t divisor) {
  const unsigned l = 64 - (unsigned)__builtin_clzll(divisor - 1);
  return (Multiplier){(UINT64_C(1) << (31 + l)) / divisor + 1, 31 + l};
}

// Vectors of 32 bits by a constant, as product_quotient; 0: not for these. Where few bits are in
// use, a product of floats takes less.
static PjKirVal product_of_vectors(PjKir *k, bool with_sign, PjKirVal x, uint64_t divisor) {
  const PjKirRange r = pj_kir_range(k, x);
  const bool natural = r.known && r.lo >= 0 && r.hi <= INT32_MAX;
  if (elem_of(k, x) != PJ_KIR_I32 || divisor < 3 || divisor > INT32_MAX || fits_f32(with_sign, r))
    return 0;
  if (!with_sign && !natural)
    return multiplied_quotient(k, x, divisor);
  const Multiplier by = multiplier_of(divisor);
  PjKirVal m = integer(k, x, by.m), quotient = pj_kir_2(k, PJ_KIR_UMULH, x, m),
           shift = integer(k, x, by.shift - 32);
  if (natural) {
    quotient = pj_kir_lshr(k, quotient, shift);
    pj_kir_assume(k, quotient, r.lo / (int64_t)divisor, r.hi / (int64_t)divisor);
    return quotient;
  }
  PjKirVal sign = pj_kir_ashr(k, x, integer(k, x, 31)); // with which x counted as 2^32 too much
  quotient = pj_kir_sub(k, quotient, pj_kir_and(k, sign, m));
  return pj_kir_sub(k, pj_kir_ashr(k, quotient, shift), sign);
}

// x / 2^|shift| rounded towards zero: a negative number is brought up first.
static PjKirVal shifted_quotient(PjKir *k, PjKirVal x, unsigned shift) {
  if (!shift)
    return x;
  unsigned bits = elem_of(k, x) == PJ_KIR_I64 ? 64 : 32;
  PjKirVal sign = pj_kir_ashr(k, x, integer(k, x, bits - 1));
  PjKirVal up = pj_kir_lshr(k, sign, integer(k, x, bits - shift));
  return pj_kir_ashr(k, pj_kir_add(k, x, up), integer(k, x, shift));
}

// x / |divisor| of a single integer, as a product of 64 bits; 0: not for these. With l the bits of
// the divisor less 1, m = 2^(31 + l) / divisor, rounded up, is too large by at most 2^l /
// divisor / 2^(31 + l) of itself, so that no quotient of |x| <= 2^31 passes the next integer
// (Granlund and Montgomery, 1994).
static PjKirVal product_quotient(PjKir *k, bool with_sign, PjKirVal x, uint64_t divisor) {
  const PjKirElem elem = elem_of(k, x);
  const PjKirRange r = pj_kir_range(k, x);
  const bool natural = r.known && r.lo >= 0 && r.hi <= INT32_MAX;
  if ((elem != PJ_KIR_I32 && elem != PJ_KIR_I64) || (elem == PJ_KIR_I64 && !natural) ||
      divisor < 2 || divisor > INT32_MAX)
    return 0;
  PjKirVal wide = x, quotient;
  if (elem == PJ_KIR_I32)
    wide = pj_kir_cast(k, with_sign && !natural ? PJ_KIR_SEXT : PJ_KIR_ZEXT, PJ_KIR_I64, x);
  if (!with_sign && !natural) {
    quotient = pj_kir_2(k, PJ_KIR_UMULH, wide, pj_kir_i64(k, (int64_t)(UINT64_MAX / divisor + 1)));
  } else {
    const Multiplier by = multiplier_of(divisor);
    quotient = pj_kir_mul(k, wide, pj_kir_i64(k, (int64_t)by.m));
    quotient = pj_kir_2(k, natural ? PJ_KIR_LSHR : PJ_KIR_ASHR, quotient, pj_kir_i64(k, by.shift));
  }
  if (elem == PJ_KIR_I32)
    quotient = pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, quotient);
  if (with_sign && !natural)
    quotient = pj_kir_sub(k, quotient, pj_kir_ashr(k, x, integer(k, x, 31)));
  if (natural)
    pj_kir_assume(k, quotient, r.lo / (int64_t)divisor, r.hi / (int64_t)divisor);
  return quotient;
}

// x / y rounded towards zero for a divisor that is neither 0 nor -1 (of signed numbers).
static PjKirVal safe_quotient(PjKir *k, bool with_sign, PjKirVal x, PjKirVal y) {
  uint64_t bits;
  bool vector = pj_kir_typeof(k, x).lanes > 1 || pj_kir_typeof(k, y).lanes > 1;
  // The builder makes a shift of a division of numbers without a sign by a power of two.
  bool shifts = pj_kir_is_const(k, y, &bits) && !(bits & (bits - 1));
  if (shifts && with_sign) {
    PjKirElem elem = elem_of(k, x);
    bool negative = bits == (elem == PJ_KIR_I64 ? 1ull << 63 : 1ull << 31);
    shifts = (elem == PJ_KIR_I32 || elem == PJ_KIR_I64) && bits && !negative;
    if (shifts)
      return shifted_quotient(k, x, (unsigned)__builtin_ctzll(bits));
  }
  const bool known = !shifts && pj_kir_is_const(k, y, &bits);
  bool narrow = elem_of(k, x) == PJ_KIR_I8 || elem_of(k, x) == PJ_KIR_I16;
  if (narrow && !with_sign && known)
    return multiplied_quotient(k, x, bits);
  PjKirVal product =
      known ? (vector ? product_of_vectors : product_quotient)(k, with_sign, x, bits) : 0;
  if (product)
    return product;
  if (vector && !shifts)
    return (elem_of(k, x) == PJ_KIR_I64 ? wide_quotient : float_quotient)(k, with_sign, x, y);
  return pj_kir_2(k, with_sign ? PJ_KIR_SDIV : PJ_KIR_UDIV, x, y);
}

static PjKirVal divide_any(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  PjKirVal one = integer(k, y, 1), ones = integer(k, y, ~0ull);
  PjKirVal by_zero = pj_kir_eq(k, y, integer(k, y, 0)), unsafe = by_zero, by_minus_one = 0;
  if (is_signed(dtype)) {
    by_minus_one = pj_kir_eq(k, y, ones);
    unsafe = pj_kir_or(k, unsafe, by_minus_one);
  }
  PjKirVal quotient = safe_quotient(k, is_signed(dtype), x, pj_kir_select(k, unsafe, one, y));
  if (by_minus_one)
    quotient = pj_kir_select(k, by_minus_one, negate(k, dtype, x), quotient);
  return pj_kir_select(k, by_zero, ones, quotient);
}

static PjKirVal rest_of_any(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  uint64_t bits;
  const PjKirElem elem = elem_of(k, x);
  const bool wide = elem == PJ_KIR_I32 || elem == PJ_KIR_I64,
             single = pj_kir_typeof(k, x).lanes == 1 && pj_kir_typeof(k, y).lanes == 1;
  PjKirVal zero = integer(k, y, 0), one = integer(k, y, 1), by_zero = pj_kir_eq(k, y, zero),
           unsafe = by_zero;
  if (is_signed(dtype)) {
    PjKirVal by_minus_one = pj_kir_eq(k, y, integer(k, y, ~0ull));
    const bool known =
        pj_kir_is_const(k, by_zero, &bits) || pj_kir_is_const(k, by_minus_one, &bits);
    unsafe = single && wide && !known
                 ? pj_kir_2(k, PJ_KIR_ULE, pj_kir_add(k, y, one), one) // one question for both
                 : pj_kir_or(k, unsafe, by_minus_one);
  }
  PjKirVal divisor = pj_kir_select(k, unsafe, one, y), rest;
  // A division of single integers leaves the rest, too.
  if (single && wide && !pj_kir_is_const(k, divisor, &bits))
    rest = pj_kir_2(k, is_signed(dtype) ? PJ_KIR_SREM : PJ_KIR_UREM, x, divisor);
  else
    rest = pj_kir_sub(k, x, pj_kir_mul(k, safe_quotient(k, is_signed(dtype), x, divisor), divisor));
  return pj_kir_select(k, by_zero, x, rest); // by -1 as by 1: 0
}

// What waits for a quotient of two numbers, or its rest, should not wait for questions about the
// divisor, which is positive nearly always.
typedef PjKirVal Division(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y);
static PjKirVal by_positive(PjKir *k, PjDtype dtype, PjKirOp op, Division *any, PjKirVal x,
                            PjKirVal y) {
  const PjKirElem elem = elem_of(k, x);
  uint64_t bits;
  if (!k->alone || !is_signed(dtype) || (elem != PJ_KIR_I32 && elem != PJ_KIR_I64) ||
      pj_kir_typeof(k, x).lanes > 1 || pj_kir_typeof(k, y).lanes > 1 ||
      pj_kir_is_const(k, y, &bits))
    return any(k, dtype, x, y);
  PjKirVal result;
  pj_kir_if_begin(k, pj_kir_slt(k, integer(k, y, 0), y));
  PjKirVal ordinary = pj_kir_2(k, op, x, y);
  pj_kir_if_else(k, 1, &ordinary);
  pj_kir_if_rare(k);
  PjKirVal other = any(k, dtype, x, y);
  pj_kir_if_end(k, 1, &other, &result);
  return result;
}

static PjKirVal divide(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  return by_positive(k, dtype, PJ_KIR_SDIV, divide_any, x, y);
}

static PjKirVal rest_of(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  return by_positive(k, dtype, PJ_KIR_SREM, rest_of_any, x, y);
}

// ------------------------------------------------------------------ power
// By repeated squaring, for all lanes until the largest exponent is used up. Of negative exponents
// only the lowest bit counts, for 1 and -1, which alone have an integer as inverse.

static PjKirVal power_const(PjKir *k, PjKirVal x, uint64_t exponent) {
  PjKirVal result = 0, factor = x;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1)
      result = result ? pj_kir_mul(k, result, factor) : factor;
    if (exponent > 1)
      factor = pj_kir_mul(k, factor, factor);
  }
  return result ? result : integer(k, x, 1);
}

static PjKirVal power(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  uint64_t exponent;
  PjKirVal zero = integer(k, x, 0), one = integer(k, x, 1);
  unsigned width = width_of(k, y);
  if (pj_kir_is_const(k, y, &exponent) && (!is_signed(dtype) || !(exponent >> (width - 1))))
    return power_const(k, x, exponent);
  int lanes = pj_kir_typeof(k, x).lanes > pj_kir_typeof(k, y).lanes ? pj_kir_typeof(k, x).lanes
                                                                    : pj_kir_typeof(k, y).lanes;
  x = pj_kir_splat(k, x, lanes);
  y = pj_kir_splat(k, y, lanes);
  PjKirVal left = y, negative = 0;
  if (is_signed(dtype)) {
    negative = pj_kir_slt(k, y, zero);
    left = pj_kir_select(k, negative, pj_kir_and(k, y, one), y);
  }
  PjKirVal carried[3] = {pj_kir_splat(k, one, lanes), x, left}, state[3], results[3];
  pj_kir_while_begin(k, 3, carried, state);
  pj_kir_while_test(k, pj_kir_ne(k, pj_kir_reduce_lanes(k, PJ_KIR_OR, state[2]), zero));
  PjKirVal odd = pj_kir_ne(k, pj_kir_and(k, state[2], one), zero);
  PjKirVal next[3] = {pj_kir_select(k, odd, pj_kir_mul(k, state[0], state[1]), state[0]),
                      pj_kir_mul(k, state[1], state[1]), pj_kir_lshr(k, state[2], one)};
  pj_kir_while_end(k, 3, next, results);
  if (!negative)
    return results[0];
  PjKirVal unit = pj_kir_or(k, pj_kir_eq(k, x, one), pj_kir_eq(k, x, integer(k, x, ~0ull)));
  PjKirVal vanishes = pj_kir_and(k, negative, pj_kir_not(k, unit));
  return pj_kir_select(k, vanishes, zero, results[0]);
}

// ------------------------------------------------------------------ bits

// Shifts by |y|, an amount read as unsigned; |beyond| is the result for amounts of the width and
// above.
static PjKirVal shift(PjKir *k, PjKirOp op, PjKirVal x, PjKirVal y, PjKirVal beyond) {
  unsigned width = width_of(k, x);
  PjKirVal inside = pj_kir_2(k, PJ_KIR_ULT, y, integer(k, y, width));
  PjKirVal shifted = pj_kir_2(k, op, x, pj_kir_and(k, y, integer(k, y, width - 1)));
  return pj_kir_select(k, inside, shifted, beyond);
}

static PjKirVal shift_left(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  return shift(k, PJ_KIR_SHL, x, unsigned_bits(k, dtype, y), integer(k, x, 0));
}
static PjKirVal shift_right(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  return shift(k, PJ_KIR_LSHR, unsigned_bits(k, dtype, x), unsigned_bits(k, dtype, y),
               integer(k, x, 0));
}
// Also of unsigned types, whose highest bit then counts as a sign.
static PjKirVal shift_right_signed(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  unsigned bits = pj_dtype_bits(dtype), width = width_of(k, x);
  PjKirVal most = integer(k, x, width - 1), unused = integer(k, x, width - bits);
  if (bits < width)
    x = pj_kir_ashr(k, pj_kir_shl(k, x, unused), unused);
  return pj_kir_ashr(k, x, pj_kir_2(k, PJ_KIR_UMIN, unsigned_bits(k, dtype, y), most));
}

static PjKirVal popcnt(PjKir *k, PjDtype dtype, PjKirVal x) {
  return pj_kir_1(k, PJ_KIR_POPCNT, unsigned_bits(k, dtype, x));
}
static PjKirVal leading_zeros(PjKir *k, PjDtype dtype, PjKirVal x) {
  PjKirVal zeros = pj_kir_1(k, PJ_KIR_CTLZ, unsigned_bits(k, dtype, x));
  return pj_kir_sub(k, zeros, integer(k, x, width_of(k, x) - pj_dtype_bits(dtype)));
}

static PjKirVal mul_high(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  unsigned bits = pj_dtype_bits(dtype);
  if (bits < 32) {
    PjKirOp extend = is_signed(dtype) ? PJ_KIR_SEXT : PJ_KIR_ZEXT;
    PjKirElem elem = elem_of(k, x);
    PjKirVal product =
        pj_kir_mul(k, pj_kir_cast(k, extend, PJ_KIR_I32, x), pj_kir_cast(k, extend, PJ_KIR_I32, y));
    return pj_kir_cast(k, PJ_KIR_TRUNC, elem,
                       pj_kir_ashr(k, product, pj_kir_const(k, PJ_KIR_T(I32, 1), bits)));
  }
  PjKirVal high = pj_kir_2(k, PJ_KIR_UMULH, x, y);
  if (!is_signed(dtype))
    return high;
  // A negative factor counts as 2^bits too much.
  PjKirVal all = integer(k, x, bits - 1);
  high = pj_kir_sub(k, high, pj_kir_and(k, pj_kir_ashr(k, x, all), y));
  return pj_kir_sub(k, high, pj_kir_and(k, pj_kir_ashr(k, y, all), x));
}

// ------------------------------------------------------------------ tables

static const PjElemReal ints[PJ_OP_COUNT] = {
    [PJ_OP_ADD] = {.binary = add},
    [PJ_OP_SUBTRACT] = {.binary = sub},
    [PJ_OP_MULTIPLY] = {.binary = mul},
    [PJ_OP_DIVIDE] = {.binary = divide},
    [PJ_OP_REMAINDER] = {.binary = rest_of},
    [PJ_OP_POWER] = {.binary = power},
    [PJ_OP_AND] = {.binary = and, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_OR] = {.binary = or, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_XOR] = {.binary = xor, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_NOT] = {.unary = invert},
    [PJ_OP_MAXIMUM] = {.binary = pj_elem__maximum, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_MINIMUM] = {.binary = pj_elem__minimum, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_SHIFT_LEFT] = {.binary = shift_left},
    [PJ_OP_SHIFT_RIGHT_LOGICAL] = {.binary = shift_right},
    [PJ_OP_SHIFT_RIGHT_ARITHMETIC] = {.binary = shift_right_signed},
    [PJ_OP_NEGATE] = {.unary = negate},
    [PJ_OP_ABS] = {.unary = absolute},
    [PJ_OP_SIGN] = {.unary = sign, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_POPCNT] = {.unary = popcnt},
    [PJ_OP_COUNT_LEADING_ZEROS] = {.unary = leading_zeros},
    [PJ_OP_CHLO_MULHI] = {.binary = mul_high},
    [PJ_OP_CHLO_SQUARE] = {.unary = square},
};

// Addition is `or`, multiplication `and`.
static const PjElemReal preds[PJ_OP_COUNT] = {
    [PJ_OP_ADD] = {.binary = or },      [PJ_OP_OR] = {.binary = or },
    [PJ_OP_MAXIMUM] = {.binary = or },  [PJ_OP_AND] = {.binary = and},
    [PJ_OP_MINIMUM] = {.binary = and},  [PJ_OP_MULTIPLY] = {.binary = and},
    [PJ_OP_SUBTRACT] = {.binary = xor}, [PJ_OP_XOR] = {.binary = xor},
    [PJ_OP_NOT] = {.unary = invert},
};

const PjElemReal *pj_elem__int(PjOpKind kind) {
  return &ints[kind];
}
const PjElemReal *pj_elem__pred(PjOpKind kind) {
  return &preds[kind];
}
