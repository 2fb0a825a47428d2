// Bit patterns of the float formats of dtypes.def as doubles and back: for attributes and literals,
// where one value at a time is converted.
#pragma once
#include "ir/types.h"

// What a format does with the codes that IEEE 754 gives to infinity and NaN.
typedef enum PjFloatSpecials {
  PJ_FLOAT_IEEE,     // largest exponent: infinity and NaN
  PJ_FLOAT_ONLY_NAN, // FN: no infinity; all ones is NaN
  PJ_FLOAT_FNUZ,     // no infinity, no -0; the code of -0 is NaN
  PJ_FLOAT_FINITE,   // FN of 4 and 6 bits: neither; overflow gives the largest value
  PJ_FLOAT_SCALE,    // E8M0: powers of two without sign, zero or infinity; all ones is NaN
} PjFloatSpecials;

typedef struct PjFloatFormat {
  uint8_t exponent, mantissa; // bits; both 0: no float, or F32 or F64
  int16_t bias;
  PjFloatSpecials specials;
} PjFloatFormat;

// By dtype: the formats narrower than F32.
extern const PjFloatFormat pj_float_formats[PJ_DT_COUNT];

// The value of the low pj_dtype_bits(|dtype|) bits of |bits|; exact (NaN keeps its sign and, for
// F32 and F64, its payload).
double pj_float_from_bits(PjDtype dtype, uint64_t bits);

// |value| rounded to nearest even, as a bit pattern. Overflow gives infinity, NaN in formats
// without infinity, and the largest value in formats without either; NaN gives the format's NaN, or
// zero where there is none.
uint64_t pj_float_to_bits(PjDtype dtype, double value);
