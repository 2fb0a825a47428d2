// scatter along several dimensions, or along batches: along one, to places that are computed.
//
//   scatter(x[a, b, ...], [i, j]) = reshape(scatter(reshape(x)[a * b, ...], i * b + j))
//
// Where components are joined into vectors (x.at[i, j], gradients of x[i, j]), and where a batch's
// own number is one (gradients of take_along_axis, vmap), finding a place takes longer than what is
// done there. Computed by the kernel that makes the indices, it costs next to nothing, and one
// component is what routine/scatter.c is best at. Places outside, which are dropped whole, become
// -1.
#include "pass/body.h"
#include "pass/shapes.h"
#include "pass/simplify.h"

enum { FEW_VECTORS = 64 }; // another kernel is not worth it

typedef struct Places {
  PjRewrite *rw;
  PjOp *op;
  PjValue *indices;
  const int64_t *map, *batching, *index_batching;
  uint32_t num_map, num_batching;
  int64_t vector_dim;
  const PjType *space; // of the vectors: the indices' dimensions without that of vectors
} Places;

// Component |k| of all vectors.
static PjValue *component(const Places *p, uint32_t k) {
  const PjType *type = p->indices->type;
  if (p->vector_dim == type->rank)
    return p->indices;
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK];
  for (int32_t d = 0; d < type->rank; ++d) {
    start[d] = d == p->vector_dim ? k : 0;
    limit[d] = d == p->vector_dim ? k + 1 : type->dims[d];
  }
  PjValue *slice = pj_build_slice(p->rw, p->op, p->indices, start, limit, NULL);
  return pj_build_reshape_dims(p->rw, p->op, slice, p->space->rank, p->space->dims);
}

static PjValue *number(const Places *p, const PjValue *like, int64_t value) {
  return pj_build_int(p->rw, p->op, like->type, value);
}

static PjValue *binary(const Places *p, PjOpKind kind, PjValue *x, PjValue *y) {
  return pj_build_binary(p->rw, p->op, kind, x, y);
}

// |x| as i32, after |inside| became whether it is in [0, size), too.
static PjValue *start(const Places *p, PjValue *x, int64_t size, PjValue **inside) {
  const PjType *i32 = pj_type_with_dtype(p->rw->arena, x->type, PJ_DT_S32);
  const bool narrow = pj_dtype_bits(x->type->dtype) < 32; // may not hold the size
  if (narrow)
    x = pj_build_unary(p->rw, p->op, PJ_OP_CONVERT, x, i32);
  const bool is_signed = pj_dtype_class(x->type->dtype) == PJ_CLASS_SINT;
  const int type = is_signed ? PJ_CMPTYPE_SIGNED : PJ_CMPTYPE_UNSIGNED;
  PjValue *within = pj_build_compare(p->rw, p->op, x, number(p, x, size), PJ_CMP_LT, type);
  if (is_signed) {
    PjValue *low = pj_build_compare(p->rw, p->op, x, number(p, x, 0), PJ_CMP_GE, type);
    within = binary(p, PJ_OP_AND, within, low);
  }
  *inside = *inside ? binary(p, PJ_OP_AND, *inside, within) : within;
  return x->type->dtype == PJ_DT_S32 ? x : pj_build_unary(p->rw, p->op, PJ_OP_CONVERT, x, i32);
}

// The numbers of batch |b|, as many as there are vectors.
static PjValue *batch_numbers(const Places *p, uint32_t b) {
  const int64_t d = p->index_batching[b];
  const PjType *type = pj_type_with_dtype(p->rw->arena, p->space, PJ_DT_S32);
  PjOp *iota = pj_build_op(p->rw, p->op, PJ_OP_IOTA, 0, NULL, type);
  pj_op_set_attr(iota, PJ_KEY_iota_dimension, pj_attr_i64(p->rw->arena, d - (d > p->vector_dim)));
  return pj_build_done(p->rw, iota);
}

// The place of each vector in |x|, in windows: along its first |count| dimensions, all of which
// components or batches move.
static PjValue *places(const Places *p, const PjType *x, int32_t count) {
  PjValue *sum = NULL, *inside = NULL;
  for (int32_t d = 0; d < count; ++d) {
    PjValue *here = NULL;
    for (uint32_t k = 0; k < p->num_map; ++k)
      if (p->map[k] == d)
        here = start(p, component(p, k), x->dims[d], &inside);
    for (uint32_t b = 0; b < p->num_batching; ++b)
      if (p->batching[b] == d)
        here = batch_numbers(p, b);
    if (sum)
      sum = binary(p, PJ_OP_MULTIPLY, sum, number(p, sum, x->dims[d]));
    sum = sum ? binary(p, PJ_OP_ADD, sum, here) : here;
  }
  return inside ? pj_build_select(p->rw, p->op, inside, sum, number(p, sum, -1)) : sum;
}

// The body of |op| becomes that of |made|.
static void take_body(PjOp *op, PjOp *made) {
  PjRegion *body = &made->regions[0];
  *body = op->regions[0];
  body->parent = made;
  for (uint32_t i = 0; i < body->num_args; ++i)
    body->args[i].region = body;
  for (PjOp *inner = body->first; inner; inner = inner->next)
    inner->region = body;
  op->regions[0] = (PjRegion){.parent = op};
}

bool pj_rule_scatter_places(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *update = op->operands[2];
  const PjType *type = x->type;
  uint32_t num_inserted, num_window;
  const int64_t *inserted = PJ_INTS(op, inserted_window_dims, &num_inserted),
                *window = PJ_INTS(op, update_window_dims, &num_window);
  Places p = {.rw = rw, .op = op, .indices = op->operands[1]};
  p.map = PJ_INTS(op, scatter_dims_to_operand_dims, &p.num_map);
  p.batching = PJ_INTS(op, input_batching_dims, &p.num_batching);
  p.index_batching = PJ_INTS(op, scatter_indices_batching_dims, NULL);
  p.vector_dim = PJ_INT(op, index_vector_dim);
  const int32_t count = (int32_t)(num_inserted + p.num_batching);
  // An exchange of elements of rows (match_exchange.h) is known by its form.
  const bool exchange =
      pj_region_argument(&op->regions[0]) == 1 && pj_def(x, PJ_OP_DYNAMIC_UPDATE_SLICE);
  if (count < 2 || !p.num_map || p.num_map + p.num_batching != (uint32_t)count || exchange)
    return false;
  int64_t rows = 1, dims[PJ_MAX_RANK];
  for (int32_t d = 0; d < count; ++d) {
    const bool moved = pj_list_has(p.map, p.num_map, d) && pj_list_has(inserted, num_inserted, d);
    if ((!moved && !pj_list_has(p.batching, p.num_batching, d)) || type->dims[d] > INT32_MAX / rows)
      return false;
    rows *= type->dims[d];
  }
  for (int32_t d = count; d < type->rank; ++d)
    if (update->type->dims[window[d - count]] != type->dims[d])
      return false;
  int32_t rank = 0;
  for (int32_t d = 0; d < p.indices->type->rank; ++d)
    if (d != p.vector_dim)
      dims[rank++] = p.indices->type->dims[d];
  p.space = pj_type_with_dims(rw->arena, p.indices->type, rank, dims);
  if (pj_count(p.space) < FEW_VECTORS)
    return false;

  dims[0] = rows;
  for (int32_t d = count; d < type->rank; ++d)
    dims[d - count + 1] = type->dims[d];
  const int64_t zero = 0;
  PjValue *operands[] = {pj_build_reshape_dims(rw, op, x, type->rank - count + 1, dims),
                         places(&p, type, count), update};
  PjOp *made = pj_build_op_full(rw, op, PJ_OP_SCATTER, 3, operands, 1, &operands[0]->type, 1);
  pj_op_set_attr(made, PJ_KEY_update_window_dims, pj_attr_ints(rw->arena, num_window, window));
  pj_op_set_attr(made, PJ_KEY_inserted_window_dims, pj_attr_ints(rw->arena, 1, &zero));
  pj_op_set_attr(made, PJ_KEY_scatter_dims_to_operand_dims, pj_attr_ints(rw->arena, 1, &zero));
  pj_op_set_attr(made, PJ_KEY_index_vector_dim, pj_attr_i64(rw->arena, rank));
  pj_op_set_attr(made, PJ_KEY_unique_indices,
                 pj_attr_bool(rw->arena, PJ_INT(op, unique_indices) != 0));
  take_body(op, made);
  pj_build_done(rw, made);
  return pj_rw_become(rw, op, pj_build_reshape(rw, op, &made->results[0], type));
}
