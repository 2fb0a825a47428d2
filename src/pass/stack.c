#include "pass/stack.h"

#include "pass/simplify.h"

enum { MAX_DEPTH = 4 };

static bool is_join(const PjOp *op, int32_t dim) {
  return op->kind == PJ_OP_CONCATENATE && PJ_INT(op, dimension) == dim;
}

static bool same_shape(const PjType *a, const PjType *b) {
  if (a->rank != b->rank || a->quant || b->quant)
    return false;
  for (int32_t d = 0; d < a->rank; ++d)
    if (a->dims[d] != b->dims[d])
      return false;
  return true;
}

// Computed element by element of arrays of one shape.
static bool is_spread(const PjOp *op) {
  if (!(pj_op_info[op->kind].traits & PJ_TRAIT_ELEM) || op->num_results != 1 ||
      op->num_operands > 3 || op->num_regions)
    return false;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!same_shape(op->operands[i]->type, op->results[0].type))
      return false;
  return op->num_operands > 0;
}

static bool stacked(const PjRewrite *rw, const PjValue *value, int32_t dim, int64_t size,
                    int depth) {
  const PjOp *op = value->def;
  if (!op || depth > MAX_DEPTH || !pj_type_is_static(value->type))
    return false;
  if (is_join(op, dim))
    return op->num_operands == size && value->type->dims[dim] == size;
  if (!is_spread(op) || pj_rw_uses(rw, value) > 1)
    return false;
  bool any = false;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const bool stack = stacked(rw, op->operands[i], dim, size, depth + 1);
    if (!stack && !pj_const_splat(op->operands[i]))
      return false;
    any |= stack;
  }
  return any;
}

bool pj_is_stack(const PjRewrite *rw, const PjValue *value, int32_t dim, int64_t size) {
  return stacked(rw, value, dim, size, 0);
}

PjValue *pj_stack_part(PjRewrite *rw, PjOp *at, PjValue *value, int32_t dim, int64_t k) {
  const PjType *type = value->type;
  const PjOp *op = value->def;
  int64_t start[PJ_MAX_RANK] = {0}, dims[PJ_MAX_RANK], limit[PJ_MAX_RANK];
  for (int32_t d = 0; d < type->rank; ++d)
    dims[d] = limit[d] = type->dims[d];
  dims[dim] = 1;
  const PjType *part = pj_type_with_dims(rw->arena, type, type->rank, dims);
  if (op && op->kind == PJ_OP_IOTA && PJ_INT(op, iota_dimension) == dim &&
      pj_dtype_is_int(type->dtype))
    return pj_build_int(rw, at, part, k);
  if (pj_is_stack(rw, value, dim, type->dims[dim])) {
    if (is_join(op, dim))
      return op->operands[k];
    PjValue *operands[3];
    for (uint32_t i = 0; i < op->num_operands; ++i)
      operands[i] = pj_stack_part(rw, at, op->operands[i], dim, k);
    return pj_build_like(rw, at, op, operands, part);
  }
  start[dim] = k;
  limit[dim] = k + 1;
  return pj_build_slice(rw, at, value, start, limit, NULL);
}
