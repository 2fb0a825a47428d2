// Strided copies (eval/strided.h, routine/copy.h) against a loop that moves byte by byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "routine/copy.h"

enum { ROUNDS = 4000, MOST_RANK = 5, MOST_BYTES = 1 << 18 };

static uint32_t state = 1;

static int64_t random_to(int64_t most) { // from 0
  state = state * 1664525 + 1013904223;
  return (int64_t)(state >> 8) % (most + 1);
}

// A dense order of the dimensions, in elements, some of which run backwards or stand still.
static void strides_of(int32_t rank, const int64_t *dims, bool reads, int64_t *out) {
  int32_t order[MOST_RANK];
  for (int32_t d = 0; d < rank; ++d)
    order[d] = d;
  for (int32_t d = rank - 1; d > 0 && random_to(3); --d) {
    const int32_t other = (int32_t)random_to(d), swap = order[d];
    order[d] = order[other];
    order[other] = swap;
  }
  int64_t stride = 1;
  for (int32_t i = rank - 1; i >= 0; --i) {
    out[order[i]] = stride;
    stride *= dims[order[i]] + (random_to(9) ? 0 : 1);
  }
  for (int32_t d = 0; d < rank && reads; ++d)
    out[d] = random_to(9) == 0 ? 0 : random_to(9) == 0 ? -out[d] : out[d];
}

// The least and the greatest offset.
static void reach_of(int32_t rank, const int64_t *dims, const int64_t *strides, int64_t *low,
                     int64_t *high) {
  *low = *high = 0;
  for (int32_t d = 0; d < rank; ++d)
    *(strides[d] < 0 ? low : high) += (dims[d] - 1) * strides[d];
}

static void copy_slowly(size_t elem, int32_t rank, const int64_t *dims, const char *src,
                        const int64_t *from, char *dst, const int64_t *to) {
  if (!rank) {
    for (size_t i = 0; i < elem; ++i)
      dst[i] = src[i];
    return;
  }
  for (int64_t i = 0; i < dims[0]; ++i)
    copy_slowly(elem, rank - 1, dims + 1, src + i * from[0] * (int64_t)elem, from + 1,
                dst + i * to[0] * (int64_t)elem, to + 1);
}

static void test_copies(void **unused) {
  (void)unused;
  static const int64_t sizes[] = {1, 2, 3, 4, 5, 8, 16, 17, 33, 130};
  for (int round = 0; round < ROUNDS; ++round) {
    const size_t elem = (size_t)1 << random_to(4);
    const int32_t rank = (int32_t)random_to(MOST_RANK);
    int64_t dims[MOST_RANK], from[MOST_RANK], to[MOST_RANK], low, high, to_low, to_high;
    for (int32_t d = 0; d < rank; ++d)
      dims[d] = sizes[random_to(rank < 3 ? 9 : 6)];
    strides_of(rank, dims, true, from);
    strides_of(rank, dims, false, to);
    reach_of(rank, dims, from, &low, &high);
    reach_of(rank, dims, to, &to_low, &to_high);
    if ((high - low + 1) * (int64_t)elem > MOST_BYTES || (to_high + 1) * (int64_t)elem > MOST_BYTES)
      continue;
    const size_t read = (size_t)(high - low + 1) * elem, written = (size_t)(to_high + 1) * elem;
    char *src = malloc(read), *want = calloc(written, 1), *have = calloc(written, 1),
         *again = calloc(written, 1);
    for (size_t i = 0; i < read; ++i)
      src[i] = (char)random_to(255);
    const char *first = src - low * (int64_t)elem;
    copy_slowly(elem, rank, dims, first, from, want, to);
    pj_strided_copy(elem, rank, dims, first, from, have, to);
    assert_memory_equal(want, have, written);
    PjCopy copy;
    pj__copy_plan(&copy, elem, rank, dims, from, to);
    pj__copy_run(&copy, NULL, first, again);
    assert_memory_equal(want, again, written);
    free(src);
    free(want);
    free(have);
    free(again);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_copies)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
