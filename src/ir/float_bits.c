// Float formats described by four numbers and a rule for their special values. F32 and F64 are the
// machine's own.
#include "ir/float_bits.h"

#include <math.h>
#include <string.h>

const PjFloatFormat pj_float_formats[PJ_DT_COUNT] = {
    [PJ_DT_F4E2M1FN] = {2, 1, 1, PJ_FLOAT_FINITE},
    [PJ_DT_F6E2M3FN] = {2, 3, 1, PJ_FLOAT_FINITE},
    [PJ_DT_F6E3M2FN] = {3, 2, 3, PJ_FLOAT_FINITE},
    [PJ_DT_F8E3M4] = {3, 4, 3, PJ_FLOAT_IEEE},
    [PJ_DT_F8E4M3] = {4, 3, 7, PJ_FLOAT_IEEE},
    [PJ_DT_F8E4M3B11FNUZ] = {4, 3, 11, PJ_FLOAT_FNUZ},
    [PJ_DT_F8E4M3FN] = {4, 3, 7, PJ_FLOAT_ONLY_NAN},
    [PJ_DT_F8E4M3FNUZ] = {4, 3, 8, PJ_FLOAT_FNUZ},
    [PJ_DT_F8E5M2] = {5, 2, 15, PJ_FLOAT_IEEE},
    [PJ_DT_F8E5M2FNUZ] = {5, 2, 16, PJ_FLOAT_FNUZ},
    [PJ_DT_F8E8M0FNU] = {8, 0, 127, PJ_FLOAT_SCALE},
    [PJ_DT_BF16] = {8, 7, 127, PJ_FLOAT_IEEE},
    [PJ_DT_F16] = {5, 10, 15, PJ_FLOAT_IEEE},
    [PJ_DT_TF32] = {8, 10, 127, PJ_FLOAT_IEEE},
};

static bool describe(PjDtype dtype, PjFloatFormat *out) {
  *out = pj_float_formats[dtype];
  return out->exponent != 0;
}

double pj_float_from_bits(PjDtype dtype, uint64_t bits) {
  PjFloatFormat f;
  if (dtype == PJ_DT_F32) {
    uint32_t word = (uint32_t)bits;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
  }
  if (!describe(dtype, &f)) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
  }
  uint64_t top = ((uint64_t)1 << f.exponent) - 1, field = bits >> f.mantissa & top;
  uint64_t ones = ((uint64_t)1 << f.mantissa) - 1, fraction = bits & ones;
  if (f.specials == PJ_FLOAT_SCALE)
    return field == top ? NAN : ldexp(1, (int)field - f.bias);
  bool negative = bits >> (f.exponent + f.mantissa) & 1;
  double sign = negative ? -1 : 1;
  if (f.specials == PJ_FLOAT_IEEE && field == top)
    return fraction ? copysign(NAN, sign) : sign * INFINITY;
  if (f.specials == PJ_FLOAT_ONLY_NAN && field == top && fraction == ones)
    return copysign(NAN, sign);
  if (f.specials == PJ_FLOAT_FNUZ && negative && !field && !fraction)
    return NAN;
  if (!field)
    return sign * ldexp((double)fraction, 1 - f.bias - f.mantissa);
  return sign * ldexp((double)(fraction | (ones + 1)), (int)field - f.bias - f.mantissa);
}

static uint64_t not_a_number(const PjFloatFormat *f, bool negative) {
  uint64_t sign = (uint64_t)negative << (f->exponent + f->mantissa);
  uint64_t top = (((uint64_t)1 << f->exponent) - 1) << f->mantissa;
  uint64_t ones = ((uint64_t)1 << f->mantissa) - 1;
  switch (f->specials) {
  case PJ_FLOAT_IEEE:
    return sign | top | (f->mantissa ? (uint64_t)1 << (f->mantissa - 1) : 0);
  case PJ_FLOAT_ONLY_NAN:
    return sign | top | ones;
  case PJ_FLOAT_FNUZ:
    return (uint64_t)1 << (f->exponent + f->mantissa);
  case PJ_FLOAT_SCALE:
    return top;
  case PJ_FLOAT_FINITE:
    break;
  }
  return 0;
}

static uint64_t overflow(const PjFloatFormat *f, bool negative) {
  uint64_t sign = (uint64_t)negative << (f->exponent + f->mantissa);
  uint64_t top = (((uint64_t)1 << f->exponent) - 1) << f->mantissa;
  if (f->specials == PJ_FLOAT_IEEE)
    return sign | top;
  if (f->specials == PJ_FLOAT_FINITE)
    return sign | top | (((uint64_t)1 << f->mantissa) - 1);
  return not_a_number(f, negative);
}

uint64_t pj_float_to_bits(PjDtype dtype, double value) {
  PjFloatFormat f;
  if (dtype == PJ_DT_F32) {
    float single = (float)value;
    uint32_t word;
    memcpy(&word, &single, sizeof word);
    return word;
  }
  if (!describe(dtype, &f)) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
  }
  bool negative = signbit(value) != 0;
  if (isnan(value))
    return not_a_number(&f, negative);
  if (isinf(value))
    return overflow(&f, negative);
  uint64_t sign = (uint64_t)negative << (f.exponent + f.mantissa);
  uint64_t ones = ((uint64_t)1 << f.mantissa) - 1;
  int64_t top = ((int64_t)1 << f.exponent) - 1;
  if (f.specials == PJ_FLOAT_SCALE)
    sign = 0;
  int exponent;
  frexp(value, &exponent);
  int lowest =
      f.specials == PJ_FLOAT_SCALE ? -f.bias : 1 - f.bias; // PJ_FLOAT_SCALE has no subnormal values
  int at = exponent - 1 > lowest ? exponent - 1 : lowest;
  uint64_t rounded = (uint64_t)nearbyint(ldexp(fabs(value), f.mantissa - at));
  if (f.specials == PJ_FLOAT_SCALE && !rounded)
    rounded = 1;
  if (rounded > 2 * ones + 1) {
    rounded >>= 1;
    ++at;
  }
  if (rounded <= ones)
    return rounded || f.specials != PJ_FLOAT_FNUZ ? sign | rounded : 0; // subnormal or zero
  int64_t field = at + f.bias;
  bool special = f.specials == PJ_FLOAT_IEEE || f.specials == PJ_FLOAT_SCALE
                     ? field >= top
                     : f.specials == PJ_FLOAT_ONLY_NAN && field == top && (rounded & ones) == ones;
  if (field > top || special)
    return overflow(&f, negative);
  return sign | (uint64_t)field << f.mantissa | (rounded & ones);
}
