// Squares of rows are turned, so that a vector holds one place of as many rows; Batcher's odd-even
// mergesort (1968) of 4, 8 or 16 places, of which those behind the row's end hold the largest key
// and so stay where they are.
#include "routine/sort_short.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "routine/plan.h"
#include "routine/variant.h"

#define PJ_VARIANT_FILE "routine/sort_short_variant.h"
#include "routine/variants.h"

static const int lanes_base = 4;
#if defined(__x86_64__)
static const int lanes_avx2 = 8, lanes_avx512 = 16;
#endif

int64_t pj__short_row(void) {
  return PJ_PICK(lanes);
}

void pj__sort_short_rows(int64_t rows, int64_t n, uint32_t *keys) {
  PJ_PICK(short_rows)(rows, n, keys);
}
