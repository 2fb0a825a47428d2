// Roots of unity, as tables of the routine fft: complex numbers of double, if |wide|, or float.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

enum { PJ_TWIDDLE_ROWS = 32 };

typedef struct PjRoot {
  double re, im;
} PjRoot;

// exp(-2 pi i k / n) for 0 <= k < n, from an angle within an eighth of the circle.
PjRoot pj__root(int64_t k, int64_t n);

// A table of |count| numbers, and number i of it.
void *pj__root_table(PjArena *arena, bool wide, int64_t count);
void pj__put_root(bool wide, void *table, int64_t i, PjRoot value);

// Roots of which many are wanted: each is the product of one of |lows| and one of |highs|. Two
// roundings of double; for tables of float, as good as exact.
typedef struct PjRootProducts {
  PjRoot *lows, *highs;
} PjRootProducts;
// For roots 0 to |count| - 1 of |n|.
PjRootProducts pj__root_products(PjArena *arena, int64_t n, int64_t count);
PjRoot pj__root_product(const PjRootProducts *p, int64_t k);

// Roots 0 to |count| - 1 of |n|, over again from n on.
void *pj__fft_roots(PjArena *arena, bool wide, int64_t n, int64_t count);

// exp(-2 pi i j k / (rows * cols)) for j < rows, k < cols, as products of those for j below
// PJ_TWIDDLE_ROWS and for its multiples: so few that the table stays in the cache. In the order in
// which groups of |lanes| columns need them: [group, low rows and high rows, real parts and
// imaginary parts of the lanes].
const void *pj__fft_twiddles(PjArena *arena, bool wide, int64_t rows, int64_t cols, int lanes);
