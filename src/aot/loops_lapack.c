// LAPACK's calls that JAX makes of Cholesky factors and triangular systems on a CPU, by the loops
// of StableHLO's own operations for them.
#include <string.h>

#include "aot/loops.h"
#include "ir/attr.h"
#include "sched/shape_map.h"

// "lapack_spotrf_ffi" and the like for other types.
static bool is_call(PjStr target, const char *routine) {
  static const char letters[] = "sdcz";
  size_t len = strlen(routine);
  return target.len == len + 12 && !memcmp(target.ptr, "lapack_", 7) && target.ptr[7] &&
         strchr(letters, target.ptr[7]) && !memcmp(target.ptr + 8, routine, len) &&
         !memcmp(target.ptr + 8 + len, "_ffi", 4);
}

static bool letter(const PjOp *op, const char *name, int64_t *out) {
  const PjAttr *extra = pj_attr_get(op->extra, "mhlo.backend_config"),
               *config = PJ_ATTR(op, backend_config);
  const PjAttr *from = extra && extra->kind == PJ_ATTR_DICT     ? extra
                       : config && config->kind == PJ_ATTR_DICT ? config
                                                                : NULL;
  const PjAttr *attr = pj_attr_get(from, name);
  if (!attr || attr->kind != PJ_ATTR_INT)
    return false;
  *out = attr->i64;
  return true;
}

// True if every array of at least two dimensions is told to be column-major: then LAPACK's matrices
// are the tensors' matrices, in whatever order they lie.
static bool columns_first(const PjAttr *layouts, uint32_t count, const PjValue *const *values) {
  if (!layouts || layouts->kind != PJ_ATTR_ARRAY || layouts->count != count)
    return false;
  for (uint32_t i = 0; i < count; ++i) {
    const PjAttr *layout = layouts->elems[i];
    int32_t rank = values[i]->type->rank;
    if (layout->kind != PJ_ATTR_INTS || (int64_t)layout->count != rank)
      return false;
    if (rank >= 2 && (layout->ints[0] != rank - 2 || layout->ints[1] != rank - 1))
      return false;
  }
  return true;
}

static bool has_layouts(PjLoops *l) {
  const PjOp *op = l->op;
  const PjValue *results[2] = {&op->results[0], &op->results[op->num_results - 1]};
  return columns_first(PJ_ATTR(op, operand_layouts), op->num_operands,
                       (const PjValue *const *)op->operands) &&
         columns_first(PJ_ATTR(op, result_layouts), op->num_results, results);
}

static bool is_square(const PjType *type) {
  return type->rank >= 2 && type->dims[type->rank - 1] == type->dims[type->rank - 2] &&
         type->dims[type->rank - 1] > 0;
}

static bool same_dims(const PjType *a, const PjType *b, int32_t count) {
  return a->rank >= count && b->rank >= count && a->dtype == b->dtype &&
         !memcmp(a->dims, b->dims, (size_t)count * sizeof *a->dims);
}

// An operation of StableHLO with the call's operands and first result.
static PjOp *stand_in(PjLoops *l, PjOpKind kind) {
  PjOp *op = pj_op_create(l->k->arena, kind, l->op->num_operands, 1, 0);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    op->operands[i] = l->op->operands[i];
  op->results[0].type = l->op->results[0].type;
  return op;
}

static void set_bool(PjLoops *l, PjOp *op, PjKey key, bool value) {
  pj_op_set_attr(op, key, pj_attr_bool(l->k->arena, value));
}

// The number of the first pivot that is not positive, from 1, or 0. The factor is NaN then.
static void store_info(PjLoops *l) {
  const PjType *type = l->op->results[0].type;
  PjKir *k = l->k;
  int rank = type->rank;
  int64_t n = type->dims[rank - 1], strides[PJ_MAX_RANK], info_strides[PJ_MAX_RANK];
  PjKirVal batch[PJ_MAX_RANK], zero = pj_loop_number(l, 0);
  pj_shape_strides(type, strides);
  pj_shape_strides(l->op->results[1].type, info_strides);
  pj_loop_open(l, rank - 2, type->dims, batch);
  PjKirVal i =
      pj_kir_for_begin(k, zero, pj_loop_number(l, n), pj_loop_number(l, 1), 1, &zero, &zero);
  PjKirVal at[PJ_MAX_RANK], found = zero;
  memcpy(at, batch, (size_t)(rank - 2) * sizeof *at);
  at[rank - 2] = at[rank - 1] = i;
  PjPlace place = {.kind = PJ_PLACE_MEMORY, .ptr = l->out[0]};
  pj_nest_forget(l->nest);
  l->nest->ix.lanes = 1;
  PjKirVal pivot =
      pj_nest_load(l->nest, type->dtype, &place, pj_loop_at(l, rank, at, strides), 0).re;
  PjKirVal good = pj_kir_flt(k, pj_kir_float(k, pj_kir_typeof(k, pivot), 0), pivot);
  PjKirVal first = pj_kir_and(k, pj_kir_not(k, good), pj_kir_eq(k, found, pj_loop_number(l, 0)));
  PjKirVal next = pj_kir_select(k, first, pj_loop_affine(l, i, 1, 1), found), info;
  pj_kir_for_end(k, 1, &next, &info);
  pj_nest_forget(l->nest);
  PjElem value = {pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, info), 0};
  pj_loop_store(l, 1, pj_loop_at(l, rank - 2, batch, info_strides), 1, value);
  pj_loop_close(l, rank - 2, type->dims);
}

static bool potrf(PjLoops *l) {
  const PjOp *op = l->op;
  int64_t uplo;
  if (op->num_operands != 1 || op->num_results != 2)
    return false;
  const PjType *a = op->operands[0]->type, *factor = op->results[0].type,
               *info = op->results[1].type;
  if (!is_square(a) || a->rank != factor->rank || !same_dims(a, factor, a->rank) ||
      info->dtype != PJ_DT_S32 || info->rank != a->rank - 2 ||
      memcmp(info->dims, a->dims, (size_t)info->rank * sizeof *a->dims) || !has_layouts(l) ||
      !letter(op, "uplo", &uplo) || (uplo != 'L' && uplo != 'U'))
    return false;
  PjOp *own = stand_in(l, PJ_OP_CHOLESKY);
  set_bool(l, own, PJ_KEY_lower, uplo == 'L');
  l->op = own;
  bool done = pj_loop_cholesky(l);
  l->op = op;
  if (done)
    store_info(l);
  return done;
}

static bool trsm(PjLoops *l) {
  const PjOp *op = l->op;
  int64_t side, uplo, trans, diag;
  if (op->num_operands != 2 || op->num_results != 1)
    return false;
  const PjType *a = op->operands[0]->type, *b = op->operands[1]->type, *x = op->results[0].type;
  if (!is_square(a) || a->rank != b->rank || b->rank != x->rank || !same_dims(b, x, b->rank) ||
      !same_dims(a, b, a->rank - 2) || !has_layouts(l) || !letter(op, "side", &side) ||
      !letter(op, "uplo", &uplo) || !letter(op, "trans_x", &trans) || !letter(op, "diag", &diag) ||
      (side != 'L' && side != 'R') || (uplo != 'L' && uplo != 'U') ||
      (trans != 'N' && trans != 'T' && trans != 'C') || (diag != 'N' && diag != 'U') ||
      b->dims[side == 'L' ? b->rank - 2 : b->rank - 1] != a->dims[a->rank - 1])
    return false;
  PjOp *own = stand_in(l, PJ_OP_TRIANGULAR_SOLVE);
  set_bool(l, own, PJ_KEY_left_side, side == 'L');
  set_bool(l, own, PJ_KEY_lower, uplo == 'L');
  set_bool(l, own, PJ_KEY_unit_diagonal, diag == 'U');
  pj_op_set_attr(own, PJ_KEY_transpose_a,
                 pj_attr_enum(l->k->arena, PJ_ENUM_TRANSPOSE,
                              trans == 'N'   ? PJ_TRANSPOSE_NO
                              : trans == 'T' ? PJ_TRANSPOSE_YES
                                             : PJ_TRANSPOSE_ADJOINT));
  l->op = own;
  bool done = pj_loop_triangular_solve(l);
  l->op = op;
  return done;
}

bool pj_loop_custom_call(PjLoops *l) {
  PjStr target = PJ_STRATTR(l->op, call_target_name);
  return is_call(target, "potrf") ? potrf(l) : is_call(target, "trsm") ? trsm(l) : false;
}
