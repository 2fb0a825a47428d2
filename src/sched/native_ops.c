// Small scatters inside a native function.
#include "sched/native.h"
#include "sched/shape_map.h"

// --- scatter of one element ----------------------------------------------------------------------

// One index vector, windows of one element: x.at[i, j].set(v) with a body of scalar operations.
static bool scatter_supported(const PjOp *op, double *cost) {
  if (op->num_operands != 3 || op->num_results != 1)
    return false;
  const PjType *array = op->operands[0]->type, *indices = op->operands[1]->type,
               *updates = op->operands[2]->type;
  uint32_t inserted, batching, update_window;
  PJ_INTS(op, inserted_window_dims, &inserted);
  PJ_INTS(op, input_batching_dims, &batching);
  PJ_INTS(op, update_window_dims, &update_window);
  int64_t vector_dim = PJ_INT(op, index_vector_dim);
  *cost = 5;
  return pj_count(updates) == 1 && pj_count(array) > 1 && batching == 0 &&
         (int)(inserted + update_window) == array->rank && indices->rank <= 1 + updates->rank &&
         pj_dtype_is_int(indices->dtype) && (vector_dim == indices->rank || vector_dim >= 0) &&
         array->rank <= PJ_MAX_LOOP_RANK && pj_elem_type(array->dtype) != PJ_KIR_VOID &&
         pj_reducer_body_supported(&op->regions[0], 2);
}

bool pj_native_supports(const PjOp *op, double *out_cost) {
  for (uint32_t i = 0; i < op->num_operands; i++)
    if (op->kind == PJ_OP_DOT_GENERAL && pj_count(op->operands[i]->type) == 1)
      return false;
  return op->kind == PJ_OP_DOT_GENERAL
             ? pj_native_dot_supported(op, out_cost)
             : op->kind == PJ_OP_SCATTER && scatter_supported(op, out_cost);
}

void pj_native_scatter(PjNative *n, const PjOp *op, PjKirVal array) {
  PjKir *k = n->k;
  PjNest *nest = n->nest;
  const PjType *type = op->operands[0]->type, *indices = op->operands[1]->type;
  uint32_t count;
  const int64_t *to_dim = PJ_INTS(op, scatter_dims_to_operand_dims, &count);
  int64_t strides[PJ_MAX_RANK];
  pj_shape_strides(type, strides);
  PjIx at = {0};
  PjKirVal inside = 0;
  for (uint32_t i = 0; i < count; i++) {
    PjIndex index = {0};
    int64_t pos[PJ_MAX_RANK];
    int64_t vector_dim = PJ_INT(op, index_vector_dim);
    pj_shape_strides(indices, pos);
    if (vector_dim < indices->rank && indices->dims[vector_dim] > 1)
      index.p[index.n++] =
          (PjPiece){pos[vector_dim], indices->dims[vector_dim], pj_ix_uniform(pj_kir_i64(k, i))};
    PjKirVal x = pj_nest_value(nest, op->operands[1], &index, 0).re;
    bool is_signed = pj_dtype_class(indices->dtype) == PJ_CLASS_SINT;
    if (pj_kir_typeof(k, x).elem != PJ_KIR_I64)
      x = pj_kir_cast(k, is_signed ? PJ_KIR_SEXT : PJ_KIR_ZEXT, PJ_KIR_I64, x);
    PjKirVal fits = pj_kir_2(k, PJ_KIR_ULT, x, pj_kir_i64(k, type->dims[to_dim[i]]));
    inside = inside ? pj_kir_and(k, inside, fits) : fits;
    at = pj_ix_add(&nest->ix, at, pj_ix_scale(&nest->ix, pj_ix_uniform(x), strides[to_dim[i]]));
  }
  PjElem update = pj_nest_scalar(nest, op->operands[2]);
  if (inside)
    pj_kir_if_begin(k, inside);
  PjPlace place = {.kind = PJ_PLACE_MEMORY, .ptr = array};
  PjElem pair[2] = {pj_nest_load(nest, type->dtype, &place, at, 0), update}, result;
  pj_region_apply(nest, &op->regions[0], 2, pair, 1, &result);
  pj_nest_store(nest, type->dtype, array, 0, at, result, 0);
  if (inside) {
    pj_nest_forget(nest);
    pj_kir_if_else(k, 0, NULL);
    pj_kir_if_end(k, 0, NULL, NULL);
  }
}
