// Float formats described by four numbers and a rule for their special values. F32 and F64 are the
// machine's own.
#include "ir/float_bits.h"

#include <math.h>
#include <string.h>

typedef enum Specials {
  IEEE,   // all-ones exponent: infinity and NaN
  FN,     // no infinity; all ones is NaN
  FNUZ,   // no infinity, no negative zero; its pattern is the only NaN
  FINITE, // neither
  SCALE,  // a bare exponent without sign or zero; all ones is NaN
} Specials;

typedef struct Format {
  uint8_t exponent, mantissa; // bits
  int16_t bias;
  Specials specials;
} Format;

static bool describe(PjDtype dtype, Format *out) {
  static const Format formats[PJ_DT_COUNT] = {
      [PJ_DT_F4E2M1FN] = {2, 1, 1, FINITE},   [PJ_DT_F6E2M3FN] = {2, 3, 1, FINITE},
      [PJ_DT_F6E3M2FN] = {3, 2, 3, FINITE},   [PJ_DT_F8E3M4] = {3, 4, 3, IEEE},
      [PJ_DT_F8E4M3] = {4, 3, 7, IEEE},       [PJ_DT_F8E4M3B11FNUZ] = {4, 3, 11, FNUZ},
      [PJ_DT_F8E4M3FN] = {4, 3, 7, FN},       [PJ_DT_F8E4M3FNUZ] = {4, 3, 8, FNUZ},
      [PJ_DT_F8E5M2] = {5, 2, 15, IEEE},      [PJ_DT_F8E5M2FNUZ] = {5, 2, 16, FNUZ},
      [PJ_DT_F8E8M0FNU] = {8, 0, 127, SCALE}, [PJ_DT_BF16] = {8, 7, 127, IEEE},
      [PJ_DT_F16] = {5, 10, 15, IEEE},        [PJ_DT_TF32] = {8, 10, 127, IEEE},
  };
  *out = formats[dtype];
  return out->exponent != 0;
}

double pj_float_from_bits(PjDtype dtype, uint64_t bits) {
  Format f;
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
  if (f.specials == SCALE)
    return field == top ? NAN : ldexp(1, (int)field - f.bias);
  bool negative = bits >> (f.exponent + f.mantissa) & 1;
  double sign = negative ? -1 : 1;
  if (f.specials == IEEE && field == top)
    return fraction ? copysign(NAN, sign) : sign * INFINITY;
  if (f.specials == FN && field == top && fraction == ones)
    return copysign(NAN, sign);
  if (f.specials == FNUZ && negative && !field && !fraction)
    return NAN;
  if (!field)
    return sign * ldexp((double)fraction, 1 - f.bias - f.mantissa);
  return sign * ldexp((double)(fraction | (ones + 1)), (int)field - f.bias - f.mantissa);
}

static uint64_t not_a_number(const Format *f, bool negative) {
  uint64_t sign = (uint64_t)negative << (f->exponent + f->mantissa);
  uint64_t top = (((uint64_t)1 << f->exponent) - 1) << f->mantissa;
  uint64_t ones = ((uint64_t)1 << f->mantissa) - 1;
  switch (f->specials) {
  case IEEE:
    return sign | top | (f->mantissa ? (uint64_t)1 << (f->mantissa - 1) : 0);
  case FN:
    return sign | top | ones;
  case FNUZ:
    return (uint64_t)1 << (f->exponent + f->mantissa);
  case SCALE:
    return top;
  case FINITE:
    break;
  }
  return 0;
}

static uint64_t overflow(const Format *f, bool negative) {
  uint64_t sign = (uint64_t)negative << (f->exponent + f->mantissa);
  uint64_t top = (((uint64_t)1 << f->exponent) - 1) << f->mantissa;
  if (f->specials == IEEE)
    return sign | top;
  if (f->specials == FINITE)
    return sign | top | (((uint64_t)1 << f->mantissa) - 1);
  return not_a_number(f, negative);
}

uint64_t pj_float_to_bits(PjDtype dtype, double value) {
  Format f;
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
  if (f.specials == SCALE)
    sign = 0;
  int exponent;
  frexp(value, &exponent);
  int lowest = f.specials == SCALE ? -f.bias : 1 - f.bias; // SCALE has no subnormal values
  int at = exponent - 1 > lowest ? exponent - 1 : lowest;
  uint64_t rounded = (uint64_t)nearbyint(ldexp(fabs(value), f.mantissa - at));
  if (f.specials == SCALE && !rounded)
    rounded = 1;
  if (rounded > 2 * ones + 1) {
    rounded >>= 1;
    ++at;
  }
  if (rounded <= ones)
    return rounded || f.specials != FNUZ ? sign | rounded : 0; // subnormal or zero
  int64_t field = at + f.bias;
  bool special = f.specials == IEEE || f.specials == SCALE
                     ? field >= top
                     : f.specials == FN && field == top && (rounded & ones) == ones;
  if (field > top || special)
    return overflow(&f, negative);
  return sign | (uint64_t)field << f.mantissa | (rounded & ones);
}
