// What values an integer array can hold.
#pragma once
#include "pass/constant.h"

typedef struct PjRange {
  int64_t low, high; // both included; for U64 only when below 2^63
} PjRange;

// Bounds on the elements of |value|, of an integer type or PRED; false where nothing better than
// the limits of a 64-bit type is known. Looks at a bounded number of definitions.
bool pj_range_of(const PjValue *value, PjRange *out);
