// Recognising pivots applied to a batch.
#pragma once
#include "ir/ir.h"

// A loop that exchanges elements of each row of |n|, |count| pairs one after the other, as the
// pivots of LU factors say: for i < count, j = at[row, i] (plus n if |wraps| and it is negative):
// the element at j goes to i; the one at i to j, or nowhere if there is no j. Reading, j is
// clamped. All are i32.
typedef struct PjExchangeMatch {
  uint32_t rows, counter; // carried values: [batch, n], and what counts to |count|
  PjValue *at;            // captured: [batch, width], width >= count
  int64_t batch, n, width, count;
  bool wraps;
} PjExchangeMatch;
bool pj_match_exchange(const PjOp *op, PjExchangeMatch *out);
