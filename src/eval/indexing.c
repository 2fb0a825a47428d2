// Index vectors of gather and scatter (spec: gather, full_start_index and full_batching_index).
#include "eval/indexing.h"

#include <inttypes.h>

static void load(PjIndexing *at) {
  for (int32_t d = 0; d < at->operand_rank; ++d)
    at->start[d] = at->component[d] >= 0  ? at->values[at->offset + at->component[d] * at->step]
                   : at->batching[d] >= 0 ? at->at[at->batching[d]]
                                          : 0;
}

PjStatus pj_indexing_init(PjEval *ev, const PjOp *op, const PjTensor *operand,
                          const PjTensor *indices, PjKey index_map, PjKey operand_batching,
                          PjKey indices_batching, PjIndexing *out) {
  uint32_t num_map, num_batching, num_start_batching;
  const int64_t *map = pj_op_ints(op, index_map, &num_map);
  const int64_t *batching = pj_op_ints(op, operand_batching, &num_batching);
  const int64_t *start_batching = pj_op_ints(op, indices_batching, &num_start_batching);
  int64_t vector_dim = PJ_INT(op, index_vector_dim), strides[PJ_MAX_RANK];

  memset(out->at, 0, sizeof out->at);
  out->rank = 0;
  out->operand_rank = operand->rank;
  out->offset = 0;
  out->step = 0;
  pj_strides(operand->rank, operand->dims, out->strides);
  pj_strides(indices->rank, indices->dims, strides);
  int64_t components = vector_dim < indices->rank ? indices->dims[vector_dim] : 1;
  if (components != (int64_t)num_map)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "index vectors have %" PRId64 " components, %u are mapped to dimensions",
                       components, num_map);
  if (vector_dim < indices->rank)
    out->step = strides[vector_dim];
  for (int32_t d = 0; d < indices->rank; ++d) {
    if (d == vector_dim)
      continue;
    out->dims[out->rank] = indices->dims[d];
    out->steps[out->rank++] = strides[d];
  }
  for (int32_t d = 0; d < operand->rank; ++d)
    out->batching[d] = out->component[d] = -1;
  for (uint32_t i = 0; i < num_map; ++i)
    out->component[map[i]] = (int32_t)i;
  for (uint32_t i = 0; i < num_batching && i < num_start_batching; ++i) {
    int64_t from = start_batching[i];
    if (indices->dims[from] != operand->dims[batching[i]])
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "batching dimensions differ: operand %" PRId64 ", indices %" PRId64,
                         operand->dims[batching[i]], indices->dims[from]);
    out->batching[batching[i]] = (int32_t)(from < vector_dim ? from : from - 1);
  }
  out->values = pj_eval_scratch(ev, (size_t)indices->count * sizeof *out->values);
  PJ_TRY(pj_read_ints(op, indices, "indices", indices->count, out->values));
  if (indices->count || !num_map)
    load(out);
  return PJ_STATUS_OK;
}

bool pj_indexing_next(PjIndexing *at, const int64_t *strides, int64_t *offset) {
  for (int32_t d = at->rank - 1; d >= 0; --d) {
    at->offset += at->steps[d];
    *offset += strides[d];
    if (++at->at[d] < at->dims[d]) {
      load(at);
      return true;
    }
    at->offset -= at->steps[d] * at->dims[d];
    *offset -= strides[d] * at->dims[d];
    at->at[d] = 0;
  }
  return false;
}

void pj_indexing_free(PjEval *ev, PjIndexing *at) {
  pj_eval_free(ev, at->values);
}
