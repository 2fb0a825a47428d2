// The operations that reductions, scans, windows and scatters use most, as loops over native types.
#pragma once
#include "routine/plan.h"

typedef enum PjFoldKind {
  PJ_FOLD_ADD,
  PJ_FOLD_MUL,
  PJ_FOLD_MAX,
  PJ_FOLD_MIN,
  PJ_FOLD_AND,
  PJ_FOLD_OR,
  PJ_FOLD_XOR,
  PJ_FOLDS
} PjFoldKind;

// out[i] = op(a[i], b[i * b_stride]) for i < n; |out| may be |a|.
typedef void PjPairsFn(int64_t n, const void *a, const void *b, int64_t b_stride, void *out);
// out[i] = op(*carry, x[0] op .. op x[i]), *carry = out[n - 1]; with |backwards| x[n - 1] comes
// first and x[0] last. |out| may be |x|, or NULL. |neutral| changes nothing when combined.
typedef void PjScanFn(int64_t n, const void *x, void *out, bool backwards, const void *neutral,
                      void *carry);

// acc[i] = op(.. op(acc[i], xs[0][i]) .., xs[count - 1][i]).
typedef void PjManyFn(int64_t n, int count, const void *const *xs, void *acc);

// acc[to[i] * unit + j] = op(.., x[from[i] * step + j]) for j < n, of i = 0 to |count| - 1 in turn.
typedef void PjRowsFn(int64_t count, int64_t n, const uint32_t *to, int64_t unit,
                      const uint32_t *from, int64_t step, const void *x, void *acc);

// Which operation |region| is, if it does nothing but apply one to its two arguments.
bool pj__fold_kind(const PjRegion *region, PjFoldKind *out);
// NULL for types and operations that have none: 16-bit floats are computed in F32 by the caller.
PjPairsFn *pj__fold_pairs(PjFoldKind kind, PjDtype dtype);
PjScanFn *pj__fold_scan(PjFoldKind kind, PjDtype dtype); // where there are pairs
PjManyFn *pj__fold_many(PjFoldKind kind, PjDtype dtype); // S32, U32, F32, F64; add, mul, max, min
// The same types and operations, for rows of 2 to 15 elements or one to four vectors; other ones have none.
PjRowsFn *pj__fold_rows(PjFoldKind kind, PjDtype dtype, int64_t n);
// The element that changes nothing when combined, of a type that has pairs.
void pj__fold_neutral(PjFoldKind kind, PjDtype dtype, void *out);

// The element of a rank-0 operand that is a constant, through reshapes and broadcasts; NULL when it
// is none.
const void *pj__constant_element(const PjValue *value);
