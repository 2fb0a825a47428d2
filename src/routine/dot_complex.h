// Small products of complex matrices.
#pragma once
#include <stdint.h>

typedef struct PjSmallProduct {
  int64_t m, n, k;
  int64_t a_row, a_sum, b_sum, b_col; // strides in elements
} PjSmallProduct;

// c[i, j] = sum over p of a[i, p] * b[p, j], of float and of double parts; c is dense.
void pj__small_c64(const PjSmallProduct *s, const void *a, const void *b, void *c);
void pj__small_c128(const PjSmallProduct *s, const void *a, const void *b, void *c);
