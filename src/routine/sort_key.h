// Keys of sort and top-k: elements as unsigned integers of the same order, and the radix sort of
// such integers.
#pragma once
#include "eval/sort_key.h"
#include "routine/body.h"

typedef void PjCodeFn(int64_t n, const void *in, void *out, uint64_t turn);

// How a type's elements become keys of |key_bytes| (4 or 8).
typedef struct PjCoding {
  PjCodeFn *encode;       // in total order; NULL: none
  PjCodeFn *encode_plain; // the same with one zero and one NaN; NULL for types that have neither
  PjCodeFn *decode;       // back; the inverse of |encode|
  int key_bytes;
  uint64_t turn; // the bits in use
  uint64_t nan;  // the one NaN's bits as an element
} PjCoding;
// |coding| of |dtype|; false when there is none (narrow floats).
bool pj__coding(PjDtype dtype, PjCoding *out);

// Where a key is a plain operand, or a float brought to one zero and one NaN as JAX's comparators
// do, this says so: the argument of the comparator, and whether it was |plain|.
bool pj__key_is_operand(const PjRegion *comparator, const PjSortKey *key, uint32_t *out_arg,
                        bool *out_plain);

// A stable sort of |n| < 2^32 keys, bytes |first| to |last| of them (exclusive). |order|, or NULL,
// is permuted with them. Afterwards |keys| and |order| are the sorted ones; they may have changed
// places with the spare arrays.
typedef struct PjRadix {
  int64_t n;
  int key_bytes, first, last;
  void *keys, *spare;
  uint32_t *order, *spare_order;
  uint32_t *counts; // PJ_RADIX_COUNTS
} PjRadix;
enum { PJ_RADIX_BLOCKS = 16, PJ_RADIX_COUNTS = PJ_RADIX_BLOCKS * 256 };
// |threads| may be NULL. The result does not depend on them.
void pj__radix_sort(PjRadix *r, PjThreads *threads);
