// max_float, min_float, max_double, min_double.
#pragma once
#include <stdint.h>
#include <string.h>

// IEEE 754-2019 maximum and minimum: NaN wins, and -0 < +0. Equal operands differ in nothing but
// the sign of zero, so combining their bits picks the right one.
#define PJ_EXTREMA(T, U)                   \
  static inline T bits_and_##T(T a, T b) { \
    U x, y;                                \
    memcpy(&x, &a, sizeof x);              \
    memcpy(&y, &b, sizeof y);              \
    x &= y;                                \
    memcpy(&a, &x, sizeof x);              \
    return a;                              \
  }                                        \
  static inline T bits_or_##T(T a, T b) {  \
    U x, y;                                \
    memcpy(&x, &a, sizeof x);              \
    memcpy(&y, &b, sizeof y);              \
    x |= y;                                \
    memcpy(&a, &x, sizeof x);              \
    return a;                              \
  }                                        \
  static inline T max_##T(T a, T b) {      \
    T r = a > b ? a : b;                   \
    r = a == b ? bits_and_##T(a, b) : r;   \
    return a != a ? a : r;                 \
  }                                        \
  static inline T min_##T(T a, T b) {      \
    T r = a < b ? a : b;                   \
    r = a == b ? bits_or_##T(a, b) : r;    \
    return a != a ? a : r;                 \
  }
PJ_EXTREMA(float, uint32_t)
PJ_EXTREMA(double, uint64_t)
#undef PJ_EXTREMA
