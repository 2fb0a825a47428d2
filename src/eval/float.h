// Conversions between every float format of dtypes.def and float/double, and scalar access by
// dtype.
//
// An element lies in the low bits of its storage with zeros above: TF32 (19 bits) is the upper 19
// bits of a float, shifted down, in four bytes.
#pragma once
#include "ir/types.h"

// Value of an element. Every format but F64 is a subset of float, so it is exact for them; F64 is
// rounded.
float pj_float_decode(PjDtype dtype, const void *element);
double pj_double_decode(PjDtype dtype, const void *element);
// Rounds to nearest even and stores one element; overflow goes to infinity, or to NaN / the largest
// value in formats without infinity, as the StableHLO convert op (and XLA's CPU, ml_dtypes) do.
// Encoding from double rounds once.
void pj_float_encode(PjDtype dtype, float value, void *element);
void pj_double_encode(PjDtype dtype, double value, void *element);
// Whole arrays of |n| elements; |in| and |out| must not overlap.
void pj_float_decode_n(PjDtype dtype, int64_t n, const void *in, float *out);
void pj_float_encode_n(PjDtype dtype, int64_t n, const float *in, void *out);
// |value| rounded to odd: encoding the result rounds as if from |value| itself, for every format
// narrower than float.
float pj_float_round_odd(double value);
// An integer or PRED element as int64 (U64 keeps its bits), and back (truncating to the width,
// sign- or zero-extended storage).
int64_t pj_int_decode(PjDtype dtype, const void *element);
void pj_int_encode(PjDtype dtype, int64_t value, void *element);
