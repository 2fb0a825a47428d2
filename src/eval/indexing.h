// The index side of gather and scatter: walks over index vectors and says where in the operand each
// points.
#pragma once
#include "eval/structure.h"

typedef struct PjIndexing {
  int32_t rank; // of the index vectors' space
  int32_t operand_rank;
  int64_t dims[PJ_MAX_RANK];      // sizes of that space
  int64_t at[PJ_MAX_RANK];        // position in it
  int64_t strides[PJ_MAX_RANK];   // of the operand, in elements
  int32_t batching[PJ_MAX_RANK];  // operand dimension -> dimension of |dims| that runs along with
                                  // it, or -1
  int32_t component[PJ_MAX_RANK]; // operand dimension -> component of the index vector, or -1
  int64_t steps[PJ_MAX_RANK];     // strides of |values| for |dims|
  int64_t step;                   // between the components of a vector
  int64_t *values;                // all indices, scratch
  int64_t offset;                 // of the current vector in |values|
  int64_t
      start[PJ_MAX_RANK]; // where the current vector points: full_start_index + full_batching_index
} PjIndexing;

// Prepares the walk from the attributes of |op| named by the three keys, and stands on the first
// vector (whether or not there is one). INVALID_ARGUMENT when sizes known only at run time do not
// fit.
PjStatus pj_indexing_init(PjEval *ev, const PjOp *op, const PjTensor *operand,
                          const PjTensor *indices, PjKey index_map, PjKey operand_batching,
                          PjKey indices_batching, PjIndexing *out);
// Goes to the next vector in row-major order; false after the last. |*offset| follows with
// |strides|.
bool pj_indexing_next(PjIndexing *at, const int64_t *strides, int64_t *offset);
void pj_indexing_free(PjEval *ev, PjIndexing *at);
