// Bit patterns of the float formats of dtypes.def as doubles and back: for attributes and literals,
// where one value at a time is converted.
#pragma once
#include "ir/types.h"

// The value of the low pj_dtype_bits(|dtype|) bits of |bits|; exact (NaN keeps its sign and, for
// F32 and F64, its payload).
double pj_float_from_bits(PjDtype dtype, uint64_t bits);

// |value| rounded to nearest even, as a bit pattern. Overflow gives infinity, NaN in formats
// without infinity, and the largest value in formats without either; NaN gives the format's NaN, or
// zero where there is none.
uint64_t pj_float_to_bits(PjDtype dtype, double value);
