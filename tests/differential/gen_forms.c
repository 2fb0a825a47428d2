// Forms of operations that are rare, but that frameworks do write: sorting by several keys, pooling
// gradients whose windows overlap, arrays of one long dimension, chlo's comparisons and selections.
#include "gen.h"

static bool is_scale_type(const PjValue *value) {
  return value->type->dtype == PJ_DT_F8E8M0FNU;
}

static int total_order(PjDtype dtype) {
  switch (pj_dtype_class(dtype)) {
  case PJ_CLASS_FLOAT:
    return PJ_CMPTYPE_TOTALORDER;
  case PJ_CLASS_SINT:
    return PJ_CMPTYPE_SIGNED;
  default:
    return PJ_CMPTYPE_UNSIGNED;
  }
}

// By the first key, where that is equal by the second, and so on: numpy's lexsort. The last operand
// may be no key.
static void emit_sort_by_keys(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT | GEN_PRED, 1, 3);
  int64_t dim = rand_int(&g->rand, 0, a->type->rank - 1);
  uint32_t count = (uint32_t)rand_int(&g->rand, 2, 4),
           keys = rand_chance(&g->rand, 50) ? count : count - 1;
  PjValue *operands[4];
  const PjType *types[8];
  for (uint32_t i = 0; i < count; ++i) {
    // Few values, so that the next key decides.
    const int classes = i < keys ? GEN_FLOAT | GEN_INT | GEN_PRED : GEN_ANY;
    operands[i] = i ? gen_of_type(g, gen_like(g, a, gen_dtype(g, classes))) : a;
    if (i + 1 < keys && rand_chance(&g->rand, 50))
      operands[i] = gen_convert(g, gen_of_type(g, gen_like(g, a, PJ_DT_PRED)), PJ_DT_S32);
    types[2 * i] = types[2 * i + 1] = gen_scalar(g, operands[i]->type->dtype);
  }
  PjOp *op = gen_op(g, PJ_OP_SORT, count, operands, count, 1);
  gen_set_int(g, op, PJ_KEY_dimension, dim);
  gen_set_bool(g, op, PJ_KEY_is_stable, true);
  GenScope scope = gen_open(g, &op->regions[0], 2 * count, types, true);
  PjValue *args = op->regions[0].args, *less = NULL;
  for (uint32_t i = keys; i-- > 0;) {
    const int type = total_order(operands[i]->type->dtype),
              direction = rand_chance(&g->rand, 75) ? PJ_CMP_LT : PJ_CMP_GT;
    PjValue *before = gen_compare(g, direction, type, &args[2 * i], &args[2 * i + 1]);
    if (less) {
      PjValue *equal = gen_compare(g, PJ_CMP_EQ, type, &args[2 * i], &args[2 * i + 1]);
      before = rand_chance(&g->rand, 50)
                   ? gen_binary(g, PJ_OP_OR, before, gen_binary(g, PJ_OP_AND, equal, less))
                   : gen_select(g, equal, less, before);
    }
    less = before;
  }
  gen_close(g, scope, 1, &less);
  gen_done(g, op, NULL);
}

// The gradient of max pooling whose windows overlap, leave places out or begin in the padding.
static void emit_overlapping_pool(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 4);
  const PjDtype dtype = a->type->dtype;
  if (is_scale_type(a) || !gen_count(a->type) ||
      (pj_dtype_is_float(dtype) && pj_dtype_bits(dtype) < 32))
    return;
  const int32_t rank = a->type->rank;
  int64_t window[GEN_MAX_RANK], strides[GEN_MAX_RANK], padding[2 * GEN_MAX_RANK],
      dims[GEN_MAX_RANK];
  for (int32_t i = 0; i < rank; ++i) {
    const int64_t n = a->type->dims[i];
    window[i] = rand_chance(&g->rand, 60) ? rand_int(&g->rand, 1, 4) : 1;
    strides[i] = rand_int(&g->rand, 1, 3);
    for (int side = 0; side < 2; ++side) // no window lies in the padding alone
      padding[2 * i + side] = rand_int(&g->rand, 0, window[i] - 1);
    const int64_t span = n + padding[2 * i] + padding[2 * i + 1];
    if (span < window[i])
      return;
    dims[i] = (span - window[i]) / strides[i] + 1;
  }
  if (!gen_fits(g, rank, dims))
    return;
  PjValue *operands[] = {a, gen_of_type(g, gen_type(g, dtype, rank, dims)),
                         gen_splat(g, gen_scalar(g, dtype), 0)};
  PjOp *op = gen_op(g, PJ_OP_SELECT_AND_SCATTER, 3, operands, 1, 2);
  gen_set_ints(g, op, PJ_KEY_window_dimensions, (uint32_t)rank, window);
  gen_set_ints(g, op, PJ_KEY_window_strides, (uint32_t)rank, strides);
  gen_set_pairs(g, op, PJ_KEY_padding, (uint32_t)rank, padding);
  const PjType *types[] = {gen_scalar(g, dtype), gen_scalar(g, dtype)};
  GenScope scope = gen_open(g, &op->regions[0], 2, types, true);
  PjValue *args = op->regions[0].args;
  const int type = pj_dtype_is_float(dtype) ? PJ_CMPTYPE_FLOAT : total_order(dtype);
  PjValue *better =
      gen_compare(g, rand_chance(&g->rand, 70) ? PJ_CMP_GE : PJ_CMP_LE, type, &args[0], &args[1]);
  gen_close(g, scope, 1, &better);
  gen_binary_body(g, &op->regions[1], PJ_OP_ADD, dtype);
  gen_done(g, op, NULL);
}

static const PjType *long_type(Gen *g, PjDtype dtype) {
  static const int64_t most[] = {1000, 16000, 400000};
  const int64_t n = rand_int(&g->rand, most[g->options->size] / 16, most[g->options->size]);
  return gen_type(g, dtype, 1, &n);
}

// One long dimension, which others pick up, and what runs along it.
static void emit_long(Gen *g) {
  PjValue *a = gen_argument(g, long_type(g, gen_dtype(g, GEN_ANY)));
  const PjDtype dtype = a->type->dtype;
  const int64_t n = a->type->dims[0], zero = 0;
  const int64_t choice = rand_int(&g->rand, 0, 5);
  if (is_scale_type(a) || dtype == PJ_DT_PRED || pj_dtype_is_complex(dtype))
    return;
  if (choice == 0) {
    gen_reduce(g, rand_chance(&g->rand, 50) ? PJ_OP_ADD : PJ_OP_MAXIMUM, a, 1, &zero);
  } else if (choice == 1) { // by itself and by few columns
    const int64_t columns = rand_int(&g->rand, 1, 4), dims[] = {n, columns};
    PjDtype wide = pj_dtype_bits(dtype) < 16 ? PJ_DT_F32 : dtype;
    PjValue *x = wide == dtype ? a : gen_convert(g, a, wide);
    if (!gen_fits(g, 2, dims))
      return;
    PjValue *operands[] = {x, gen_of_type(g, gen_type(g, wide, 2, dims))};
    PjOp *op = gen_op(g, PJ_OP_DOT_GENERAL, 2, operands, 1, 0);
    gen_set_ints(g, op, PJ_KEY_lhs_contracting_dimensions, 1, &zero);
    gen_set_ints(g, op, PJ_KEY_rhs_contracting_dimensions, 1, &zero);
    const PjType *type = gen_type(g, wide, 1, &columns);
    gen_done(g, op, &type);
  } else if (choice == 2) { // places of the smallest
    PjValue *operands[] = {a, gen_iota(g, gen_like(g, a, PJ_DT_S32), 0)};
    PjOp *op = gen_op(g, PJ_OP_SORT, 2, operands, 2, 1);
    gen_set_int(g, op, PJ_KEY_dimension, 0);
    gen_set_bool(g, op, PJ_KEY_is_stable, true);
    const PjType *s = gen_scalar(g, dtype), *i = gen_scalar(g, PJ_DT_S32), *types[] = {s, s, i, i};
    GenScope scope = gen_open(g, &op->regions[0], 4, types, true);
    PjValue *args = op->regions[0].args;
    PjValue *less = gen_compare(g, PJ_CMP_LT, total_order(dtype), &args[0], &args[1]);
    gen_close(g, scope, 1, &less);
    gen_done(g, op, NULL);
  } else if (choice == 3) {
    PjOp *op = gen_op(g, PJ_OP_CHLO_TOP_K, 1, &a, 2, 0);
    gen_set_int(g, op, PJ_KEY_k, rand_int(&g->rand, 1, rand_chance(&g->rand, 70) ? 60 : n));
    gen_done(g, op, NULL);
  }
}

// chlo.broadcast_compare and chlo.broadcast_select: shapes meet as in numpy.
static void emit_implicit_select(Gen *g) {
  PjValue *x = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 4);
  if (is_scale_type(x))
    return;
  const int32_t rank = x->type->rank, drop = (int32_t)rand_int(&g->rand, 0, rank);
  int64_t dims[GEN_MAX_RANK];
  for (int32_t i = drop; i < rank; ++i)
    dims[i - drop] = rand_chance(&g->rand, 30) ? 1 : x->type->dims[i];
  PjValue *y = gen_of_type(g, gen_type(g, x->type->dtype, rank - drop, dims));
  PjOp *op = gen_op(g, PJ_OP_CHLO_BROADCAST_COMPARE, 2, (PjValue *[]){x, y}, 1, 0);
  pj_op_set_attr(
      op, PJ_KEY_comparison_direction,
      pj_attr_enum(g->arena, PJ_ENUM_COMPARE_DIRECTION, rand_int(&g->rand, PJ_CMP_EQ, PJ_CMP_LT)));
  PjValue *p = gen_done(g, op, NULL);
  if (rand_chance(&g->rand, 60))
    gen_done(g, gen_op(g, PJ_OP_CHLO_BROADCAST_SELECT, 3, (PjValue *[]){p, x, y}, 1, 0), NULL);
}

const GenEmitter gen_forms[] = {
    {"forms sort keys", 60, emit_sort_by_keys},
    {"forms select_and_scatter pool", 40, emit_overlapping_pool},
    {"forms long sort top_k reduce dot_general", 60, emit_long},
    {"forms chlo compare select", 15, emit_implicit_select},
    {0},
};
