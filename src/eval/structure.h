// What the data movement operations share: results with run-time shapes, integer operands, views.
#pragma once
#include "base/alloc.h"
#include "eval/eval.h"
#include "eval/strided.h"

// Makes result |index| of |op| with shape |dims|, uninitialised. INVALID_ARGUMENT when a size is
// negative or contradicts the result's type.
PjStatus pj_result_new(PjEval *ev, const PjOp *op, uint32_t index, int32_t rank,
                       const int64_t *dims, PjTensor **out);
// The check alone.
PjStatus pj_result_check(const PjOp *op, uint32_t index, int32_t rank, const int64_t *dims);
// Makes result |index| of |op| from operand |i| with the same elements in the same order: no copy.
PjStatus pj_result_view(PjEval *ev, const PjOp *op, uint32_t index, PjTensor *const *in, uint32_t i,
                        int32_t rank, const int64_t *dims, PjTensor **out);

// Reads |count| integers of |tensor| into |out|, saturated to +-PJ_INDEX_LIMIT so that sums of a
// few of them cannot overflow. |tensor| must hold that many: INVALID_ARGUMENT otherwise, naming
// |what|.
PjStatus pj_read_ints(const PjOp *op, const PjTensor *tensor, const char *what, int64_t count,
                      int64_t *out);
#define PJ_INDEX_LIMIT ((int64_t)1 << 60)
// Element |at| of an integer tensor, saturated likewise.
int64_t pj_index_at(const PjTensor *tensor, int64_t at);

// "2x3x4", for messages; |text| holds the last bytes of it.
#define PJ_DIMS_TEXT 96
const char *pj_dims_text(int32_t rank, const int64_t *dims, char text[PJ_DIMS_TEXT]);

// A copy of |tensor| (borrowed) converted to |dtype|; a new reference to |tensor| itself if it has
// that type.
PjTensor *pj_converted(PjEval *ev, PjTensor *tensor, PjDtype dtype);

// Fills |tensor| with the rank-0 tensor |value| of the same dtype.
void pj_splat(PjTensor *tensor, const PjTensor *value);

// Fills |result| (of the padded shape) with |value| (rank 0) and |operand|: result element
// low + i * (interior + 1) is operand element i, where both exist. Negative |low| leaves elements
// out.
void pj_pad(const PjTensor *operand, const PjTensor *value, const int64_t *low,
            const int64_t *interior, PjTensor *result);

// INVALID_ARGUMENT unless the first |count| tensors have one shape (known only at run time when
// dynamic).
PjStatus pj_same_shapes(const PjOp *op, uint32_t count, PjTensor *const *tensors);
bool pj_shapes_agree(uint32_t count, PjTensor *const *tensors);

// Calls |eval|, which found the shapes of the first |count| operands to differ, with operands cut
// to the shape in which they meet: where their types leave a size open (HLO's arrays of bounded
// sizes), the least of theirs counts, for an array that stands there in full, such as a number
// spread to the bound, has only as many elements that mean something. Scalars stay.
// INVALID_ARGUMENT where the shapes differ otherwise.
PjStatus pj_meet(PjEval *ev, const PjOp *op, uint32_t count, PjTensor *const *in, PjTensor **out,
                 PjEvalFn *eval);

static inline bool pj_contains(const int64_t *list, uint32_t count, int64_t x) {
  for (uint32_t i = 0; i < count; ++i)
    if (list[i] == x)
      return true;
  return false;
}
static inline int64_t pj_clamp_i64(int64_t x, int64_t low, int64_t high) {
  return x > high ? (high < low ? low : high) : x < low ? low : x;
}
