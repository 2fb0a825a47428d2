// Index vectors of gather and scatter.
#include "routine/indexing.h"

#include <string.h>

bool pj__index_plan(const PjOp *op, const PjType *operand, const PjType *indices, PjKey index_map,
                    PjKey operand_batching, PjKey indices_batching, PjIndexPlan *out) {
  uint32_t num_map, num_batching, num_along;
  const int64_t *map = pj_op_ints(op, index_map, &num_map),
                *batching = pj_op_ints(op, operand_batching, &num_batching),
                *along = pj_op_ints(op, indices_batching, &num_along);
  const int64_t vector_dim = PJ_INT(op, index_vector_dim);
  int64_t strides[PJ_MAX_RANK], operand_strides[PJ_MAX_RANK];
  pj_strides(indices->rank, indices->dims, strides);
  pj_strides(operand->rank, operand->dims, operand_strides);
  out->dtype = indices->dtype;
  out->rank = 0;
  out->count = 1;
  out->num = 0;
  out->component_step = vector_dim < indices->rank ? strides[vector_dim] : 0;
  const int64_t components = vector_dim < indices->rank ? indices->dims[vector_dim] : 1;
  if (components != (int64_t)num_map || num_batching != num_along ||
      !pj_dtype_is_int(indices->dtype))
    return false;
  for (int32_t d = 0; d < indices->rank; ++d) {
    if (d == vector_dim)
      continue;
    out->dims[out->rank] = indices->dims[d];
    out->steps[out->rank++] = strides[d];
    out->count *= indices->dims[d];
  }
  for (uint32_t i = 0; i < num_map; ++i)
    out->moved[out->num++] = (PjIndexed){(int32_t)map[i], (int32_t)i, 0, operand_strides[map[i]]};
  for (uint32_t i = 0; i < num_batching; ++i) {
    if (indices->dims[along[i]] != operand->dims[batching[i]])
      return false;
    out->moved[out->num++] = (PjIndexed){(int32_t)batching[i], -1,
                                         (int32_t)(along[i] < vector_dim ? along[i] : along[i] - 1),
                                         operand_strides[batching[i]]};
  }
  return true;
}

void pj__index_walk(PjIndexWalk *walk, const PjIndexPlan *plan, const int64_t *strides,
                    int64_t first) {
  walk->plan = plan;
  walk->strides = strides;
  walk->offset = walk->other = 0;
  for (int32_t d = plan->rank - 1; d >= 0; --d) {
    walk->at[d] = first % plan->dims[d];
    first /= plan->dims[d];
    walk->offset += walk->at[d] * plan->steps[d];
    walk->other += walk->at[d] * strides[d];
  }
}

void pj__index_next(PjIndexWalk *walk) {
  const PjIndexPlan *plan = walk->plan;
  for (int32_t d = plan->rank - 1; d >= 0; --d) {
    walk->offset += plan->steps[d];
    walk->other += walk->strides[d];
    if (++walk->at[d] < plan->dims[d])
      return;
    walk->offset -= plan->steps[d] * plan->dims[d];
    walk->other -= walk->strides[d] * plan->dims[d];
    walk->at[d] = 0;
  }
}

bool pj__index_uniform(const PjIndexPlan *plan, const int64_t *strides, int64_t *out_step,
                       int64_t *out_other) {
  *out_step = *out_other = 0;
  int64_t size = 0; // of the dimensions seen, from the last
  for (int32_t d = plan->rank - 1; d >= 0; --d) {
    if (plan->dims[d] == 1)
      continue;
    if (!size) {
      *out_step = plan->steps[d];
      *out_other = strides[d];
      size = 1;
    } else if (plan->steps[d] != *out_step * size || strides[d] != *out_other * size) {
      return false;
    }
    size *= plan->dims[d];
  }
  return true;
}
