// Transposition of a few rows against many elements.
//
//   interleave  n rows of K elements from K rows of n:   x.. y.. z..  =>  xyz xyz ..
//   part        the other way
//
// K vectors of the source are K vectors of the destination in another order. Each of these gathers
// its elements from the former with a permutation under a mask; the tables of both say it for every
// K, and for elements of several lanes of 32 bits. Squares in registers (copy.c) would be mostly
// empty.
#include "routine/copy_narrow.h"

#include <string.h>

#include "routine/variant.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
  MOST = 7,     // from there on squares do it
  ENOUGH = 128, // elements of a row: tables are made for each pass
};

typedef void NarrowFn(const PjStrided *plan, const char *src, char *dst);

#define PJ_VARIANT_FILE "routine/copy_narrow_variant.h"
#include "routine/variants.h"

NarrowFn *pj__copy_narrow(const PjStrided *plan) {
  const int32_t r = plan->rank;
  const int64_t elem = (int64_t)plan->elem, n1 = plan->dims[r - 2], n0 = plan->dims[r - 1];
  if ((elem != 4 && elem != 8 && elem != 16) || plan->src[r - 2] != elem ||
      plan->dst[r - 1] != elem)
    return NULL;
  if (n0 <= MOST && n1 >= ENOUGH && plan->dst[r - 2] == n0 * elem)
    return PJ_PICK(narrow)[0];
  if (n1 <= MOST && n0 >= ENOUGH && plan->src[r - 1] == n1 * elem)
    return PJ_PICK(narrow)[1];
  return NULL;
}
