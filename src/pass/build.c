// Making operations.
#include "pass/build.h"

#include "ir/verify.h"
#include "pass/constant.h"
#include "pass/shapes.h"

PjOp *pj_build_op_full(PjRewrite *rw, PjOp *at, PjOpKind kind, uint32_t num_operands,
                       PjValue *const *operands, uint32_t num_results, const PjType *const *types,
                       uint32_t num_regions) {
  PjOp *op = pj_op_create(rw->arena, kind, num_operands, num_results, num_regions);
  for (uint32_t i = 0; i < num_operands; ++i)
    op->operands[i] = operands[i];
  for (uint32_t i = 0; i < num_results; ++i) {
    op->results[i].type = types[i];
    pj_rw_add_value(rw, &op->results[i]);
  }
  op->loc = at->loc;
  pj_op_insert_before(at, op);
  pj_rw_count_operands(rw, op);
  return op;
}

PjOp *pj_build_op(PjRewrite *rw, PjOp *at, PjOpKind kind, uint32_t num_operands,
                  PjValue *const *operands, const PjType *type) {
  return pj_build_op_full(rw, at, kind, num_operands, operands, 1, &type, 0);
}

PjValue *pj_build_done(PjRewrite *rw, PjOp *op) {
  pj_op_fill_defaults(rw->arena, op);
  return &op->results[0];
}

PjValue *pj_build_unary(PjRewrite *rw, PjOp *at, PjOpKind kind, PjValue *x, const PjType *type) {
  return pj_build_done(rw, pj_build_op(rw, at, kind, 1, &x, type));
}

PjValue *pj_build_binary(PjRewrite *rw, PjOp *at, PjOpKind kind, PjValue *x, PjValue *y) {
  PjValue *operands[] = {x, y};
  return pj_build_done(rw, pj_build_op(rw, at, kind, 2, operands, x->type));
}

PjValue *pj_build_select(PjRewrite *rw, PjOp *at, PjValue *pred, PjValue *x, PjValue *y) {
  PjValue *operands[] = {pred, x, y};
  return pj_build_done(rw, pj_build_op(rw, at, PJ_OP_SELECT, 3, operands, x->type));
}

PjValue *pj_build_compare(PjRewrite *rw, PjOp *at, PjValue *x, PjValue *y, int direction,
                          int type) {
  PjValue *operands[] = {x, y};
  PjOp *op = pj_build_op(rw, at, PJ_OP_COMPARE, 2, operands,
                         pj_type_with_dtype(rw->arena, x->type, PJ_DT_PRED));
  pj_op_set_attr(op, PJ_KEY_comparison_direction,
                 pj_attr_enum(rw->arena, PJ_ENUM_COMPARE_DIRECTION, direction));
  pj_op_set_attr(op, PJ_KEY_compare_type, pj_attr_enum(rw->arena, PJ_ENUM_COMPARE_TYPE, type));
  return pj_build_done(rw, op);
}

PjValue *pj_build_reshape(PjRewrite *rw, PjOp *at, PjValue *x, const PjType *type) {
  if (pj_type_eq(x->type, type))
    return x;
  return pj_build_unary(rw, at, PJ_OP_RESHAPE, x, type);
}

PjValue *pj_build_reshape_dims(PjRewrite *rw, PjOp *at, PjValue *x, int32_t rank,
                               const int64_t *dims) {
  return pj_build_reshape(rw, at, x, pj_type_with_dims(rw->arena, x->type, rank, dims));
}

static void set_ints(PjRewrite *rw, PjOp *op, PjKey key, size_t count, const int64_t *values) {
  pj_op_set_attr(op, key, pj_attr_ints(rw->arena, count, values));
}

PjValue *pj_build_transpose(PjRewrite *rw, PjOp *at, PjValue *x, const int64_t *permutation) {
  int64_t dims[PJ_MAX_RANK];
  int32_t rank = x->type->rank;
  bool same = true;
  for (int32_t i = 0; i < rank; ++i) {
    dims[i] = x->type->dims[permutation[i]];
    same &= permutation[i] == i;
  }
  if (same)
    return x;
  PjOp *op = pj_build_op(rw, at, PJ_OP_TRANSPOSE, 1, &x,
                         pj_type_with_dims(rw->arena, x->type, rank, dims));
  set_ints(rw, op, PJ_KEY_permutation, (size_t)rank, permutation);
  return &op->results[0];
}

PjValue *pj_build_broadcast(PjRewrite *rw, PjOp *at, PjValue *x, const int64_t *dims,
                            const PjType *type) {
  PjOp *op = pj_build_op(rw, at, PJ_OP_BROADCAST_IN_DIM, 1, &x, type);
  set_ints(rw, op, PJ_KEY_broadcast_dimensions, (size_t)x->type->rank, dims);
  return &op->results[0];
}

PjValue *pj_build_slice(PjRewrite *rw, PjOp *at, PjValue *x, const int64_t *start,
                        const int64_t *limit, const int64_t *strides) {
  int64_t dims[PJ_MAX_RANK], steps[PJ_MAX_RANK];
  int32_t rank = x->type->rank;
  bool whole = true;
  for (int32_t i = 0; i < rank; ++i) {
    steps[i] = strides ? strides[i] : 1;
    dims[i] = (limit[i] - start[i] + steps[i] - 1) / steps[i];
    whole &= dims[i] == x->type->dims[i];
  }
  if (whole)
    return x;
  PjOp *op =
      pj_build_op(rw, at, PJ_OP_SLICE, 1, &x, pj_type_with_dims(rw->arena, x->type, rank, dims));
  set_ints(rw, op, PJ_KEY_start_indices, (size_t)rank, start);
  set_ints(rw, op, PJ_KEY_limit_indices, (size_t)rank, limit);
  set_ints(rw, op, PJ_KEY_strides, (size_t)rank, steps);
  return &op->results[0];
}

PjValue *pj_build_pad(PjRewrite *rw, PjOp *at, PjValue *x, PjValue *value, const int64_t *low,
                      const int64_t *high, const int64_t *interior) {
  int64_t dims[PJ_MAX_RANK], between[PJ_MAX_RANK];
  const int32_t rank = x->type->rank;
  for (int32_t d = 0; d < rank; ++d) {
    const int64_t size = x->type->dims[d];
    between[d] = interior ? interior[d] : 0;
    dims[d] = low[d] + high[d] + (size ? (size - 1) * (between[d] + 1) + 1 : 0);
  }
  PjValue *operands[] = {x, value};
  PjOp *op = pj_build_op(rw, at, PJ_OP_PAD, 2, operands,
                         pj_type_with_dims(rw->arena, x->type, rank, dims));
  set_ints(rw, op, PJ_KEY_edge_padding_low, (size_t)rank, low);
  set_ints(rw, op, PJ_KEY_edge_padding_high, (size_t)rank, high);
  set_ints(rw, op, PJ_KEY_interior_padding, (size_t)rank, between);
  return &op->results[0];
}

PjValue *pj_build_dynamic_slice(PjRewrite *rw, PjOp *at, PjValue *x, PjValue *const *starts,
                                const int64_t *sizes) {
  uint32_t rank = (uint32_t)x->type->rank;
  PjValue *operands[1 + PJ_MAX_RANK] = {x};
  for (uint32_t i = 0; i < rank; ++i)
    operands[1 + i] = starts[i];
  PjOp *op = pj_build_op(rw, at, PJ_OP_DYNAMIC_SLICE, 1 + rank, operands,
                         pj_type_with_dims(rw->arena, x->type, (int32_t)rank, sizes));
  set_ints(rw, op, PJ_KEY_slice_sizes, rank, sizes);
  return &op->results[0];
}

PjValue *pj_build_dynamic_update_slice(PjRewrite *rw, PjOp *at, PjValue *x, PjValue *update,
                                       PjValue *const *starts) {
  uint32_t rank = (uint32_t)x->type->rank;
  PjValue *operands[2 + PJ_MAX_RANK] = {x, update};
  for (uint32_t i = 0; i < rank; ++i)
    operands[2 + i] = starts[i];
  return &pj_build_op(rw, at, PJ_OP_DYNAMIC_UPDATE_SLICE, 2 + rank, operands, x->type)->results[0];
}

PjValue *pj_build_like(PjRewrite *rw, PjOp *at, const PjOp *op, PjValue *const *operands,
                       const PjType *type) {
  PjOp *copy = pj_build_op(rw, at, op->kind, op->num_operands, operands, type);
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
    copy->attrs[i] = op->attrs[i];
  copy->loc = op->loc;
  return &copy->results[0];
}

bool pj_rw_infers(PjRewrite *rw, const PjOp *op, const PjType **out) {
  PjStatus status = pj_infer(rw->arena, op, out);
  pj_status_free(status);
  return !status;
}

PjValue *pj_build_convert(PjRewrite *rw, PjOp *at, PjValue *x, PjDtype dtype) {
  if (x->type->dtype == dtype)
    return x;
  return pj_build_unary(rw, at, PJ_OP_CONVERT, x, pj_type_with_dtype(rw->arena, x->type, dtype));
}

PjValue *pj_build_sum(PjRewrite *rw, PjOp *at, PjValue *x, uint32_t count, const int64_t *dims) {
  const PjType *scalar = pj_type_with_dims(rw->arena, x->type, 0, NULL);
  int64_t left[PJ_MAX_RANK];
  int32_t rank = 0;
  for (int32_t d = 0; d < x->type->rank; ++d)
    if (!pj_list_has(dims, count, d))
      left[rank++] = x->type->dims[d];
  const PjType *type = pj_type_with_dims(rw->arena, x->type, rank, left);
  PjValue *operands[] = {x, pj_dtype_is_float(scalar->dtype) ? pj_build_float(rw, at, scalar, 0)
                                                             : pj_build_int(rw, at, scalar, 0)};
  PjOp *reduce = pj_build_op_full(rw, at, PJ_OP_REDUCE, 2, operands, 1, &type, 1);
  pj_op_set_attr(reduce, PJ_KEY_dimensions, pj_attr_ints(rw->arena, count, dims));
  PjRegion *body = &reduce->regions[0];
  pj_region_set_args(rw->arena, body, 2, (const PjType *[]){scalar, scalar});
  PjOp *end = pj_op_create(rw->arena, PJ_OP_RETURN, 1, 0, 0);
  pj_op_append(body, end);
  for (uint32_t i = 0; i < 2; ++i)
    pj_rw_add_value(rw, &body->args[i]);
  end->operands[0] = pj_build_binary(rw, end, PJ_OP_ADD, &body->args[0], &body->args[1]);
  pj_rw_count_operands(rw, end);
  return &reduce->results[0];
}

bool pj_rw_become(PjRewrite *rw, PjOp *op, PjValue *value) {
  return pj_rw_become_all(rw, op, &value);
}

bool pj_rw_become_all(PjRewrite *rw, PjOp *op, PjValue *const *values) {
  for (uint32_t i = 0; i < op->num_results; ++i)
    pj_rw_replace(rw, &op->results[i], values[i]);
  pj_rw_erase(rw, op);
  return true;
}
