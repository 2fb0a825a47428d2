// The index side of gather and scatter, for static shapes: which dimensions an index vector moves,
// and where a vector stands.
#pragma once
#include "eval/strided.h"
#include "routine/plan.h"

// A dimension of the operand that an index vector, or its place, moves.
typedef struct PjIndexed {
  int32_t dim;
  int32_t
      component; // of the vector, or -1: runs along with dimension |along| of the vectors' space
  int32_t along;
  int64_t stride; // of the operand, in elements
} PjIndexed;

typedef struct PjIndexPlan {
  PjDtype dtype;              // of the indices
  int32_t rank;               // of the vectors' space
  int64_t count;              // of vectors
  int64_t dims[PJ_MAX_RANK];  // of that space
  int64_t steps[PJ_MAX_RANK]; // strides of the indices along it
  int64_t component_step;
  int32_t num;
  PjIndexed moved[PJ_MAX_RANK];
} PjIndexPlan;

// Reads the attributes of |op| named by the keys; false when they do not fit the shapes.
bool pj__index_plan(const PjOp *op, const PjType *operand, const PjType *indices, PjKey index_map,
                    PjKey operand_batching, PjKey indices_batching, PjIndexPlan *out);

// A walk over vectors in row-major order. |offset| is that of the current vector in the indices;
// |strides| those of another array that is walked along, with its offset |other|.
typedef struct PjIndexWalk {
  const PjIndexPlan *plan;
  const int64_t *strides;
  int64_t at[PJ_MAX_RANK], offset, other;
} PjIndexWalk;
void pj__index_walk(PjIndexWalk *walk, const PjIndexPlan *plan, const int64_t *strides,
                    int64_t first);
void pj__index_next(PjIndexWalk *walk);

// Where vectors and another array walked along are equidistant: their strides from one vector to
// the next. False when they are not.
bool pj__index_uniform(const PjIndexPlan *plan, const int64_t *strides, int64_t *out_step,
                       int64_t *out_other);

// Element |at| of integers of |dtype|; unsigned 64-bit numbers above INT64_MAX become that.
static inline int64_t pj__index_read(PjDtype dtype, const void *indices, int64_t at) {
  switch (dtype) {
  case PJ_DT_S32:
    return ((const int32_t *)indices)[at];
  case PJ_DT_S64:
  case PJ_DT_INDEX:
    return ((const int64_t *)indices)[at];
  case PJ_DT_U32:
    return ((const uint32_t *)indices)[at];
  case PJ_DT_U64:
    return ((const uint64_t *)indices)[at] > INT64_MAX ? INT64_MAX : ((const int64_t *)indices)[at];
  case PJ_DT_S16:
    return ((const int16_t *)indices)[at];
  case PJ_DT_U16:
    return ((const uint16_t *)indices)[at];
  case PJ_DT_S2:
  case PJ_DT_S4:
  case PJ_DT_S8:
    return ((const int8_t *)indices)[at];
  default:
    return ((const uint8_t *)indices)[at];
  }
}
// Where dimension |moved| starts for the walk's vector.
static inline int64_t pj__index_start(const PjIndexWalk *walk, const PjIndexed *moved,
                                      const void *indices) {
  return moved->component < 0
             ? walk->at[moved->along]
             : pj__index_read(walk->plan->dtype, indices,
                              walk->offset + moved->component * walk->plan->component_step);
}
