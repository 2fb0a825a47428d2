// Reductions: over dimensions, over windows, of several operands; bodies that may be combined in
// any order.
#include "gen.h"

static bool is_scale_type(const PjValue *value) {
  return value->type->dtype == PJ_DT_F8E8M0FNU;
}

static PjOpKind reduction_body(Gen *g, PjDtype dtype) {
  static const PjOpKind pred[] = {PJ_OP_AND,     PJ_OP_OR, PJ_OP_XOR,
                                  PJ_OP_MAXIMUM, PJ_OP_OR, PJ_OP_ADD};
  static const PjOpKind ints[] = {PJ_OP_ADD, PJ_OP_MAXIMUM, PJ_OP_MINIMUM,
                                  PJ_OP_OR,  PJ_OP_ADD,     PJ_OP_MULTIPLY};
  static const PjOpKind floats[] = {PJ_OP_ADD,     PJ_OP_MAXIMUM, PJ_OP_ADD,
                                    PJ_OP_MINIMUM, PJ_OP_ADD,     PJ_OP_MULTIPLY};
  int64_t i = rand_int(&g->rand, 0, 5);
  if (dtype == PJ_DT_PRED)
    return pred[i];
  if (pj_dtype_is_complex(dtype))
    return i < 5 ? PJ_OP_ADD : PJ_OP_MULTIPLY;
  return pj_dtype_is_int(dtype) ? ints[i] : floats[i];
}

static uint32_t choose_dims(Gen *g, int32_t rank, int64_t *dims) {
  uint32_t count = 0;
  int64_t style = rand_int(&g->rand, 0, 9);
  for (int32_t i = 0; i < rank; ++i)
    if (style < 2 || (style < 5 ? i == rank - 1 : style < 7 ? i == 0 : rand_chance(&g->rand, 50)))
      dims[count++] = i;
  if (rand_chance(&g->rand, 20))
    gen_shuffle(g, count, dims);
  return count;
}

static void emit_reduce(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, rand_chance(&g->rand, 96), GEN_MAX_RANK);
  if (is_scale_type(a))
    return;
  int64_t dims[GEN_MAX_RANK];
  uint32_t count = choose_dims(g, a->type->rank, dims);
  PjOpKind body = reduction_body(g, a->type->dtype);
  if (rand_chance(&g->rand, 80)) {
    gen_reduce(g, body, a, count, dims);
    return;
  }
  // A start that is no neutral element.
  PjValue *operands[] = {a, gen_of_type(g, gen_scalar(g, a->type->dtype))};
  // Twice the start would be a different result: only where that does not matter.
  if (body != PJ_OP_MAXIMUM && body != PJ_OP_MINIMUM && body != PJ_OP_OR && body != PJ_OP_AND)
    operands[1] = gen_neutral(g, body, a->type->dtype);
  PjOp *op = gen_op(g, PJ_OP_REDUCE, 2, operands, 1, 1);
  gen_set_ints(g, op, PJ_KEY_dimensions, count, dims);
  gen_binary_body(g, &op->regions[0], body, a->type->dtype);
  gen_done(g, op, NULL);
}

// Several reductions of one or related arrays over the same dimensions.
static void emit_siblings(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 4);
  if (is_scale_type(a))
    return;
  int64_t dims[GEN_MAX_RANK];
  uint32_t count = choose_dims(g, a->type->rank, dims);
  gen_reduce(g, PJ_OP_ADD, a, count, dims);
  gen_reduce(g, PJ_OP_MAXIMUM, a, count, dims);
  if (rand_chance(&g->rand, 60))
    gen_reduce(g, PJ_OP_ADD, gen_binary(g, PJ_OP_MULTIPLY, a, a), count, dims);
  if (rand_chance(&g->rand, 40))
    gen_reduce(g, PJ_OP_MINIMUM, gen_of_type(g, a->type), count, dims);
}

// Several operands with a body for each: (sum, maximum) of two arrays.
static void emit_variadic(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT | GEN_PRED, 1, 4);
  if (is_scale_type(a))
    return;
  PjDtype dtypes[2] = {a->type->dtype, gen_dtype(g, GEN_INT | GEN_FLOAT)};
  if (dtypes[1] == PJ_DT_F8E8M0FNU)
    return;
  PjOpKind bodies[2] = {reduction_body(g, dtypes[0]), reduction_body(g, dtypes[1])};
  PjValue *operands[] = {a, gen_of_type(g, gen_like(g, a, dtypes[1])),
                         gen_neutral(g, bodies[0], dtypes[0]),
                         gen_neutral(g, bodies[1], dtypes[1])};
  int64_t dims[GEN_MAX_RANK];
  uint32_t count = choose_dims(g, a->type->rank, dims);
  PjOp *op = gen_op(g, PJ_OP_REDUCE, 4, operands, 2, 1);
  gen_set_ints(g, op, PJ_KEY_dimensions, count, dims);
  const PjType *s0 = gen_scalar(g, dtypes[0]), *s1 = gen_scalar(g, dtypes[1]);
  const PjType *types[] = {s0, s1, s0, s1};
  GenScope scope = gen_open(g, &op->regions[0], 4, types, true);
  PjValue *args = op->regions[0].args;
  PjValue *results[] = {gen_binary(g, bodies[0], &args[0], &args[2]),
                        gen_binary(g, bodies[1], &args[1], &args[3])};
  gen_close(g, scope, 2, results);
  gen_done(g, op, NULL);
}

// The body of argmax and argmin, as JAX writes it: NaN first, then the value, then the lower index.
static void argmax_body(Gen *g, PjRegion *region, PjDtype value, PjDtype index, int direction) {
  const PjType *v = gen_scalar(g, value), *i = gen_scalar(g, index);
  const PjType *types[] = {v, i, v, i};
  GenScope scope = gen_open(g, region, 4, types, true);
  PjValue *a = &region->args[0], *ai = &region->args[1], *b = &region->args[2],
          *bi = &region->args[3];
  bool is_float = pj_dtype_is_float(value);
  int vt = is_float                                 ? PJ_CMPTYPE_FLOAT
           : pj_dtype_class(value) == PJ_CLASS_SINT ? PJ_CMPTYPE_SIGNED
                                                    : PJ_CMPTYPE_UNSIGNED;
  PjValue *pick = gen_compare(g, direction, vt, a, b);
  if (is_float)
    pick = gen_binary(g, PJ_OP_OR, pick, gen_compare(g, PJ_CMP_NE, vt, a, a));
  PjValue *equal = gen_compare(g, PJ_CMP_EQ, vt, a, b);
  int it = pj_dtype_class(index) == PJ_CLASS_SINT ? PJ_CMPTYPE_SIGNED : PJ_CMPTYPE_UNSIGNED;
  PjValue *first = gen_compare(g, PJ_CMP_LT, it, ai, bi);
  PjValue *pick_index = gen_binary(g, PJ_OP_OR, pick, gen_binary(g, PJ_OP_AND, equal, first));
  PjValue *results[] = {gen_select(g, pick, a, b), gen_select(g, pick_index, ai, bi)};
  gen_close(g, scope, 2, results);
}

static void emit_argmax(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 4);
  if (is_scale_type(a) || !gen_count(a->type))
    return;
  bool is_max = rand_chance(&g->rand, 60);
  // Of equal values either may be given back: let no zeros of different sign be equal.
  if (pj_dtype_is_float(a->type->dtype))
    a = gen_binary(g, PJ_OP_ADD, a, gen_splat(g, a->type, 0));
  int64_t dim = rand_int(&g->rand, 0, a->type->rank - 1);
  PjDtype index = rand_chance(&g->rand, 80) ? PJ_DT_S32 : PJ_DT_S64;
  PjValue *operands[] = {a, gen_iota(g, gen_like(g, a, index), dim),
                         gen_neutral(g, is_max ? PJ_OP_MAXIMUM : PJ_OP_MINIMUM, a->type->dtype),
                         gen_splat(g, gen_scalar(g, index), 0)};
  PjOp *op = gen_op(g, PJ_OP_REDUCE, 4, operands, 2, 1);
  gen_set_ints(g, op, PJ_KEY_dimensions, 1, &dim);
  argmax_body(g, &op->regions[0], a->type->dtype, index, is_max ? PJ_CMP_GT : PJ_CMP_LT);
  gen_done(g, op, NULL);
}

// x -> a x + b, composed: associative in integers that wrap, but the order matters.
static void composition_body(Gen *g, PjRegion *region, PjDtype dtype) {
  const PjType *t = gen_scalar(g, dtype), *types[] = {t, t, t, t};
  GenScope scope = gen_open(g, region, 4, types, true);
  PjValue *args = region->args;
  PjValue *results[] = {
      gen_binary(g, PJ_OP_MULTIPLY, &args[0], &args[2]),
      gen_binary(g, PJ_OP_ADD, gen_binary(g, PJ_OP_MULTIPLY, &args[2], &args[1]), &args[3])};
  gen_close(g, scope, 2, results);
}

static void emit_ordered(Gen *g) {
  PjValue *a = gen_pick(g, GEN_INT, 1, 4);
  PjDtype dtype = a->type->dtype;
  if (pj_dtype_bits(dtype) < 8)
    return;
  PjValue *operands[] = {a, gen_of_type(g, a->type), gen_splat(g, gen_scalar(g, dtype), 1),
                         gen_splat(g, gen_scalar(g, dtype), 0)};
  int32_t rank = a->type->rank;
  if (rand_chance(&g->rand, 60)) {
    int64_t dims[GEN_MAX_RANK];
    uint32_t count = choose_dims(g, rank, dims);
    PjOp *op = gen_op(g, PJ_OP_REDUCE, 4, operands, 2, 1);
    gen_set_ints(g, op, PJ_KEY_dimensions, count, dims);
    composition_body(g, &op->regions[0], dtype);
    gen_done(g, op, NULL);
    return;
  }
  // A running composition.
  int64_t dim = rand_int(&g->rand, 0, rank - 1), n = a->type->dims[dim];
  if (!gen_count(a->type) || n > 4096)
    return;
  int64_t window[GEN_MAX_RANK], padding[2 * GEN_MAX_RANK] = {0};
  for (int32_t i = 0; i < rank; ++i)
    window[i] = i == dim ? n : 1;
  padding[2 * dim + rand_chance(&g->rand, 30)] = n - 1;
  PjOp *op = gen_op(g, PJ_OP_REDUCE_WINDOW, 4, operands, 2, 1);
  gen_set_ints(g, op, PJ_KEY_window_dimensions, (uint32_t)rank, window);
  gen_set_pairs(g, op, PJ_KEY_padding, (uint32_t)rank, padding);
  composition_body(g, &op->regions[0], dtype);
  gen_done(g, op, NULL);
}

typedef struct SlidingWindow {
  int64_t size[GEN_MAX_RANK], strides[GEN_MAX_RANK], base[GEN_MAX_RANK], dilation[GEN_MAX_RANK],
      padding[2 * GEN_MAX_RANK];
} SlidingWindow;

// A window over arrays of |type| whose results are not too many.
static bool choose_window(Gen *g, const PjType *type, SlidingWindow *w) {
  int64_t dims[GEN_MAX_RANK];
  for (int32_t i = 0; i < type->rank; ++i) {
    bool in_use = rand_chance(&g->rand, 60);
    w->size[i] = in_use ? rand_int(&g->rand, 1, 4) : 1;
    w->strides[i] = in_use ? rand_int(&g->rand, 1, 3) : 1;
    w->base[i] = rand_chance(&g->rand, 85) ? 1 : 2;
    w->dilation[i] = in_use && rand_chance(&g->rand, 20) ? 2 : 1;
    w->padding[2 * i] = in_use ? rand_int(&g->rand, -1, 2) : 0;
    w->padding[2 * i + 1] = in_use ? rand_int(&g->rand, -1, 2) : 0;
    int64_t n = type->dims[i], dilated = n ? (n - 1) * w->base[i] + 1 : 0;
    if (dilated + w->padding[2 * i] + w->padding[2 * i + 1] < 0)
      w->padding[2 * i] = w->padding[2 * i + 1] = 0;
    dims[i] = dilated + 4;
  }
  return gen_fits(g, type->rank, dims);
}

static PjOp *windowed(Gen *g, const SlidingWindow *w, uint32_t count, PjValue **operands) {
  const uint32_t rank = (uint32_t)operands[0]->type->rank;
  PjOp *op = gen_op(g, PJ_OP_REDUCE_WINDOW, 2 * count, operands, count, 1);
  gen_set_ints(g, op, PJ_KEY_window_dimensions, rank, w->size);
  gen_set_ints(g, op, PJ_KEY_window_strides, rank, w->strides);
  gen_set_ints(g, op, PJ_KEY_base_dilations, rank, w->base);
  gen_set_ints(g, op, PJ_KEY_window_dilations, rank, w->dilation);
  gen_set_pairs(g, op, PJ_KEY_padding, rank, w->padding);
  return op;
}

static void emit_reduce_window(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 4);
  SlidingWindow w;
  if (is_scale_type(a) || !choose_window(g, a->type, &w))
    return;
  PjDtype dtype = a->type->dtype;
  PjOpKind body = reduction_body(g, dtype);
  PjValue *operands[] = {a, rand_chance(&g->rand, 75) ? gen_neutral(g, body, dtype)
                                                      : gen_of_type(g, gen_scalar(g, dtype))};
  PjOp *op = windowed(g, &w, 1, operands);
  gen_binary_body(g, &op->regions[0], body, dtype);
  gen_done(g, op, NULL);
}

// The greatest or least of each window and where it is.
static void emit_window_argmax(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 4);
  SlidingWindow w;
  if (is_scale_type(a) || !choose_window(g, a->type, &w))
    return;
  bool is_max = rand_chance(&g->rand, 60);
  int64_t dim = rand_int(&g->rand, 0, a->type->rank - 1);
  PjValue *operands[] = {a, gen_iota(g, gen_like(g, a, PJ_DT_S32), dim),
                         gen_neutral(g, is_max ? PJ_OP_MAXIMUM : PJ_OP_MINIMUM, a->type->dtype),
                         gen_splat(g, gen_scalar(g, PJ_DT_S32), 0)};
  PjOp *op = windowed(g, &w, 2, operands);
  argmax_body(g, &op->regions[0], a->type->dtype, PJ_DT_S32, is_max ? PJ_CMP_GT : PJ_CMP_LT);
  gen_done(g, op, NULL);
}

// Running sums and maxima, as JAX writes them for CPUs: a window as long as the dimension.
static void emit_cumulative(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 3);
  if (is_scale_type(a) || !gen_count(a->type))
    return;
  int32_t rank = a->type->rank;
  int64_t dim = rand_int(&g->rand, 0, rank - 1), n = a->type->dims[dim];
  if (n > 1024)
    return;
  int64_t window[GEN_MAX_RANK], padding[2 * GEN_MAX_RANK] = {0};
  bool reversed = rand_chance(&g->rand, 30);
  for (int32_t i = 0; i < rank; ++i)
    window[i] = i == dim ? n : 1;
  padding[2 * dim + reversed] = n - 1;
  PjOpKind body = reduction_body(g, a->type->dtype);
  PjOp *op = gen_op(g, PJ_OP_REDUCE_WINDOW, 2,
                    (PjValue *[]){a, gen_neutral(g, body, a->type->dtype)}, 1, 1);
  gen_set_ints(g, op, PJ_KEY_window_dimensions, (uint32_t)rank, window);
  gen_set_pairs(g, op, PJ_KEY_padding, (uint32_t)rank, padding);
  gen_binary_body(g, &op->regions[0], body, a->type->dtype);
  gen_done(g, op, NULL);
}

// The gradient of max pooling.
static void emit_select_and_scatter(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 4);
  if (is_scale_type(a) || !gen_count(a->type))
    return;
  int32_t rank = a->type->rank;
  int64_t window[GEN_MAX_RANK], dims[GEN_MAX_RANK];
  for (int32_t i = 0; i < rank; ++i) {
    int64_t n = a->type->dims[i];
    window[i] = n >= 2 && rand_chance(&g->rand, 60) ? 2 : 1;
    dims[i] = (n - window[i]) / window[i] + 1;
  }
  PjDtype dtype = a->type->dtype;
  PjValue *operands[] = {a, gen_of_type(g, gen_type(g, dtype, rank, dims)),
                         gen_splat(g, gen_scalar(g, dtype), 0)};
  PjOp *op = gen_op(g, PJ_OP_SELECT_AND_SCATTER, 3, operands, 1, 2);
  gen_set_ints(g, op, PJ_KEY_window_dimensions, (uint32_t)rank, window);
  gen_set_ints(g, op, PJ_KEY_window_strides, (uint32_t)rank, window);
  const PjType *types[] = {gen_scalar(g, dtype), gen_scalar(g, dtype)};
  GenScope scope = gen_open(g, &op->regions[0], 2, types, true);
  int type = pj_dtype_is_float(dtype)                 ? PJ_CMPTYPE_FLOAT
             : pj_dtype_class(dtype) == PJ_CLASS_SINT ? PJ_CMPTYPE_SIGNED
                                                      : PJ_CMPTYPE_UNSIGNED;
  PjValue *better =
      gen_compare(g, PJ_CMP_GE, type, &op->regions[0].args[0], &op->regions[0].args[1]);
  gen_close(g, scope, 1, &better);
  gen_binary_body(g, &op->regions[1], PJ_OP_ADD, dtype);
  gen_done(g, op, NULL);
}

const GenEmitter gen_reductions[] = {
    {"reduce", 60, emit_reduce},
    {"reduce siblings", 12, emit_siblings},
    {"reduce variadic", 12, emit_variadic},
    {"reduce argmax", 12, emit_argmax},
    {"reduce reduce_window ordered", 8, emit_ordered},
    {"reduce_window", 18, emit_reduce_window},
    {"reduce_window argmax", 6, emit_window_argmax},
    {"reduce_window cumulative", 8, emit_cumulative},
    {"select_and_scatter", 6, emit_select_and_scatter},
    {0},
};
