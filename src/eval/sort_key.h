// Sorting by keys: comparators that compare keys of their operands, and the sort of such keys.
#pragma once
#include "eval/body.h"
#include "eval/structure.h"

enum { PJ_MAX_SORT_KEYS = 16 };

typedef struct PjSortKey {
  PjValue *left; // the key as a value of the comparator, made from its even arguments only
  PjDtype dtype;
  bool total_order; // floats: -NaN < -inf < ... < -0 < +0 < ... < NaN; otherwise NaN is not
                    // comparable
  bool descending;
} PjSortKey;

// If |comparator| compares the keys f0(a), f1(a), ... of its left with those of its right arguments
// in lexicographic order, sets |keys|, the most significant first, and returns their number;
// otherwise 0. Recognised are compare(LT or GT, f(a), f(b)), and or(compare(f(a), f(b)),
// and(compare(EQ, f(a), f(b)), rest)) as JAX writes it.
uint32_t pj_sort_keys(const PjRegion *comparator, PjSortKey keys[PJ_MAX_SORT_KEYS]);

// Maps |n| elements to integers in the order of |key|. False if an element is not comparable (NaN).
bool pj_sort_encode(const PjSortKey *key, int64_t n, const void *elements, uint64_t *out);

// Puts |order| into the stable ascending order of |keys|; both have |n| < 2^32 entries and are
// permuted together. |spare_keys|, |spare_order|: scratch of the same size.
void pj_sort_by_key(int64_t n, uint64_t *keys, uint32_t *order, uint64_t *spare_keys,
                    uint32_t *spare_order);
