// See perturb.h.
#include "perturb.h"

#include <math.h>
#include <stdio.h>

#include "edit.h"
#include "perturb_calls.h"
#include "perturb_totals.h"
#include "perturb_unroll.h"

// ----------------------------------------------------------------------------------------------
// Which operations are inexact. Bounds of float and double; narrower types are computed in float
// and rounded, which leaves one unit.
typedef struct Bound {
  PjOpKind kind;
  int ulps;     // of the result
  int operands; // of the operands: functions that are ill-conditioned in themselves
} Bound;

static const Bound bounds[] = {
    {PJ_OP_ATAN2, 4},
    {PJ_OP_CBRT, 4},
    {PJ_OP_COSINE, 4},
    {PJ_OP_EXPONENTIAL, 4},
    {PJ_OP_EXPONENTIAL_MINUS_ONE, 4},
    {PJ_OP_LOG, 4},
    {PJ_OP_LOG_PLUS_ONE, 4},
    {PJ_OP_LOGISTIC, 4},
    {PJ_OP_POWER, 4},
    {PJ_OP_RSQRT, 4},
    {PJ_OP_SINE, 4},
    {PJ_OP_TAN, 4},
    {PJ_OP_TANH, 4},
    {PJ_OP_CHLO_ACOS, 8},
    {PJ_OP_CHLO_ACOSH, 8},
    {PJ_OP_CHLO_ASIN, 8},
    {PJ_OP_CHLO_ASINH, 8},
    {PJ_OP_CHLO_ATAN, 8},
    {PJ_OP_CHLO_ATANH, 8},
    {PJ_OP_CHLO_BESSEL_I1E, 8},
    {PJ_OP_CHLO_COSH, 8},
    {PJ_OP_CHLO_DIGAMMA, 8, 4},
    {PJ_OP_CHLO_ERF, 8},
    {PJ_OP_CHLO_ERF_INV, 8},
    {PJ_OP_CHLO_ERFC, 8},
    {PJ_OP_CHLO_LGAMMA, 8, 4},
    {PJ_OP_CHLO_POLYGAMMA, 16, 4},
    {PJ_OP_CHLO_SINH, 8},
    {PJ_OP_CHLO_TAN, 8},
    {PJ_OP_CHLO_ZETA, 16, 4},
    {PJ_OP_BATCH_NORM_GRAD, 8, 8},
    {PJ_OP_BATCH_NORM_INFERENCE, 4, 4},
    {PJ_OP_BATCH_NORM_TRAINING, 8, 8},
    {PJ_OP_CHOLESKY, 8, 8},
    {PJ_OP_TRIANGULAR_SOLVE, 8, 8},
};

// Elementwise operations that are exact on real numbers but not on complex ones.
static const Bound complex_bounds[] = {
    {PJ_OP_ABS, 4}, {PJ_OP_DIVIDE, 4, 2}, {PJ_OP_POWER, 4, 2}, {PJ_OP_SIGN, 4}, {PJ_OP_SQRT, 4},
};

static bool is_inexact_type(const PjType *type) {
  return type->kind == PJ_TYPE_TENSOR &&
         (pj_dtype_is_float(type->dtype) || pj_dtype_is_complex(type->dtype));
}

// Complex functions of which one part may be a difference of near numbers, while the other is
// large.
static bool cancels(PjOpKind kind) {
  return kind == PJ_OP_EXPONENTIAL_MINUS_ONE || kind == PJ_OP_LOG_PLUS_ONE ||
         kind == PJ_OP_LOGISTIC || kind == PJ_OP_POWER;
}

static bool is_narrow(const PjType *type) {
  return pj_dtype_bits(pj_dtype_part(type->dtype)) < 32;
}

typedef struct Perturbing {
  PjArena *arena;
  double scale;
  PerturbKind kind;
} Perturbing;

// Of one or two operands.
static PjOp *make_call2(PjArena *arena, const char *name, PjValue *value, PjValue *other,
                        const PjType *type, const char *config) {
  PjOp *op = pj_op_create(arena, PJ_OP_CUSTOM_CALL, other ? 2 : 1, 1, 0);
  op->operands[0] = value;
  if (other)
    op->operands[1] = other;
  op->results[0].type = type;
  pj_op_set_attr(op, PJ_KEY_call_target_name, pj_attr_string(arena, pj_str(name)));
  const char *copy = pj_arena_strndup(arena, config, strlen(config));
  pj_op_set_attr(op, PJ_KEY_backend_config, pj_attr_string(arena, pj_str(copy)));
  pj_op_fill_defaults(arena, op);
  return op;
}

static PjOp *make_call(PjArena *arena, const char *name, PjValue *value, const char *config) {
  return make_call2(arena, name, value, NULL, value->type, config);
}

static PjOp *make_move(const Perturbing *p, PjValue *value, int64_t ulps, int64_t every,
                       int64_t all) {
  char text[64];
  int64_t scaled = (int64_t)ceil((double)ulps * p->scale);
  snprintf(text, sizeof text, "%lld %lld %lld", (long long)scaled, (long long)every,
           (long long)((double)all * p->scale));
  return make_call(p->arena, perturb_move, value, text);
}

static void move_operand(const Perturbing *p, PjOp *op, uint32_t i, int64_t ulps, int64_t every,
                         int64_t all) {
  if (!is_inexact_type(op->operands[i]->type))
    return;
  PjOp *moved = make_move(p, op->operands[i], ulps, every, all);
  pj_op_insert_before(op, moved);
  op->operands[i] = &moved->results[0];
}

// Every other use of the result sees the moved value.
static void see_moved(PjOp *op, uint32_t i, PjOp *moved) {
  pj_op_insert_before(op->next, moved);
  edit_replace_uses(op->region, moved, &op->results[i], &moved->results[0]);
}

static void move_result(const Perturbing *p, PjOp *op, uint32_t i, int64_t ulps) {
  if (is_inexact_type(op->results[i].type))
    see_moved(op, i, make_move(p, &op->results[i], ulps, 1, 0));
}

// Results in groups of |size| elements err by units of the group's largest.
static void move_group(const Perturbing *p, PjOp *op, double ulps, int64_t size) {
  char text[64];
  snprintf(text, sizeof text, "%g %lld", ulps * p->scale, (long long)size);
  see_moved(op, 0, make_call(p->arena, perturb_noise, &op->results[0], text));
}

static void move_fft(const Perturbing *p, PjOp *op) {
  const PjAttr *length = PJ_ATTR(op, fft_length);
  const PjType *type = op->results[0].type, *source = op->operands[0]->type;
  int64_t kind = PJ_INT(op, fft_type), size = 1, from = 1;
  double terms = 1;
  for (uint32_t i = 0; i < length->count; ++i) {
    terms *= (double)length->ints[i];
    size *= type->dims[type->rank - 1 - (int)i];
    from *= source->dims[source->rank - 1 - (int)i];
  }
  bool inverse = kind == PJ_FFT_IFFT || kind == PJ_FFT_IRFFT;
  char text[128];
  snprintf(text, sizeof text, "%g %lld %lld %g %d", (4 + log2(terms)) * p->scale, (long long)size,
           (long long)from, inverse ? terms : 1, kind == PJ_FFT_IRFFT ? 2 : 1);
  if (size)
    see_moved(op, 0,
              make_call2(p->arena, perturb_noise, &op->results[0], op->operands[0], type, text));
}

// ----------------------------------------------------------------------------------------------
// Sums and products of many elements.
static bool adds_floats(const PjRegion *region, bool *multiplies) {
  bool adds = false;
  for (const PjOp *op = region->first; op; op = op->next) {
    bool inexact = op->num_results == 1 && is_inexact_type(op->results[0].type);
    adds |= inexact && (op->kind == PJ_OP_ADD || op->kind == PJ_OP_SUBTRACT);
    *multiplies |= inexact && op->kind == PJ_OP_MULTIPLY;
  }
  return adds;
}

static int64_t count_of(const PjType *type) {
  int64_t count = 1;
  pj_type_num_elements(type, &count);
  return count;
}

static int64_t product(const PjType *type, const PjAttr *dims) {
  int64_t n = 1;
  for (uint32_t i = 0; dims && i < dims->count; ++i)
    n *= type->dims[dims->ints[i]];
  return n;
}

// How many elements go into one of the results, at most.
static int64_t terms_of(const PjOp *op) {
  const PjType *first = op->operands[0]->type;
  switch (op->kind) {
  case PJ_OP_REDUCE:
    return product(first, PJ_ATTR(op, dimensions));
  case PJ_OP_REDUCE_WINDOW:
  case PJ_OP_SELECT_AND_SCATTER: {
    int64_t n = 1;
    const PjAttr *window = PJ_ATTR(op, window_dimensions);
    for (uint32_t i = 0; i < window->count; ++i)
      n *= window->ints[i];
    return n;
  }
  case PJ_OP_SCATTER: {
    int64_t indices = count_of(op->operands[op->num_results]->type);
    return indices + 1;
  }
  case PJ_OP_DOT_GENERAL:
    return product(first, PJ_ATTR(op, lhs_contracting_dimensions));
  case PJ_OP_CONVOLUTION: {
    const PjType *kernel = op->operands[1]->type;
    int64_t outputs = kernel->dims[PJ_INT(op, kernel_output_feature_dimension)];
    return outputs ? count_of(kernel) / outputs : 1;
  }
  default: // dot, einsum
    return first->rank ? first->dims[first->rank - 1] : 1;
  }
}

// Operand |i| in another order along |n| dimensions together.
static void reorder_operand(const Perturbing *p, PjOp *op, uint32_t i, uint32_t n,
                            const int64_t *dims, uint64_t key) {
  char text[256];
  int at = snprintf(text, sizeof text, "%llu", (unsigned long long)key);
  for (uint32_t d = 0; d < n && at < (int)sizeof text; ++d)
    at += snprintf(text + at, sizeof text - (size_t)at, " %d", (int)dims[d]);
  PjOp *moved = make_call(p->arena, perturb_reorder, op->operands[i], text);
  pj_op_insert_before(op, moved);
  op->operands[i] = &moved->results[0];
}

// The dimensions of both operands over which a contraction sums. Returns how many, at most |most|.
static uint32_t contracted(const PjOp *op, uint32_t most, int64_t (*out)[2]) {
  uint32_t n = 0;
  if (op->kind == PJ_OP_DOT_GENERAL) {
    const PjAttr *lhs = PJ_ATTR(op, lhs_contracting_dimensions),
                 *rhs = PJ_ATTR(op, rhs_contracting_dimensions);
    for (; n < lhs->count && n < most; ++n) {
      out[n][0] = lhs->ints[n];
      out[n][1] = rhs->ints[n];
    }
  } else if (op->kind == PJ_OP_CONVOLUTION) { // features, of all places where it is unrolled
    if (PJ_INT(op, feature_group_count) == 1) {
      out[n][0] = PJ_INT(op, input_feature_dimension);
      out[n++][1] = PJ_INT(op, kernel_input_feature_dimension);
    }
  } else if (op->kind == PJ_OP_DOT) {
    out[n][0] = op->operands[0]->type->rank - 1;
    out[n++][1] = 0;
  } else if (op->kind ==
             PJ_OP_EINSUM) { // "ab,bc->ac": letters of both operands that the result lacks
    PjStr config = PJ_STRATTR(op, einsum_config);
    const char *comma = memchr(config.ptr, ',', config.len), *end = config.ptr + config.len;
    const char *arrow = memchr(config.ptr, '-', config.len);
    if (!comma || !arrow || memchr(config.ptr, '.', config.len))
      return 0;
    for (const char *a = config.ptr; a < comma && n < most; ++a) {
      const char *b = memchr(comma + 1, *a, (size_t)(arrow - comma - 1));
      if (!b || memchr(arrow, *a, (size_t)(end - arrow)))
        continue;
      out[n][0] = a - config.ptr;
      out[n++][1] = b - comma - 1;
    }
  }
  return n;
}

static _Thread_local uint64_t keys; // of the next calls that go together

// The order of a sum also decides where it overflows, and what becomes of infinities.
static void reorder_terms(const Perturbing *p, PjOp *op) {
  int64_t dims[8][2];
  for (uint32_t i = 0, n = contracted(op, 8, dims); i < n; ++i, ++keys)
    for (uint32_t o = 0; o < 2; ++o)
      reorder_operand(p, op, o, 1, &dims[i][o], keys);
  if (op->kind != PJ_OP_REDUCE)
    return;
  // Along one dimension after the other, or along all of them together: rows, or columns, may
  // overflow first.
  const PjAttr *reduced = PJ_ATTR(op, dimensions);
  uint32_t together = p->kind == PERTURB_PLAIN ? 1 : reduced->count;
  for (uint32_t d = 0; d < reduced->count; d += together, ++keys)
    for (uint32_t i = 0; i < op->num_results; ++i)
      reorder_operand(p, op, i, together, reduced->ints + d, keys);
}

static int print_dims(char *text, int at, int size, const PjAttr *dims) {
  for (uint32_t i = 0; i < dims->count && at < size; ++i)
    at += snprintf(text + at, (size_t)(size - at), " %d", (int)dims->ints[i]);
  return at;
}

// |dot| with multiply-adds that are fused, in some of the runs; NULL if it is none of real numbers,
// or takes long. A fused one sees products that overflow as numbers.
static PjOp *make_fused(const Perturbing *p, PjOp *dot) {
  enum { MOST_PRODUCTS = 1 << 21 };
  const PjType *type = dot->results[0].type;
  if (dot->kind != PJ_OP_DOT_GENERAL || type->quant || !pj_dtype_is_float(type->dtype) ||
      (double)count_of(type) * (double)terms_of(dot) > MOST_PRODUCTS)
    return NULL;
  for (uint32_t i = 0; i < 2; ++i) {
    const PjType *of = dot->operands[i]->type;
    if (!pj_dtype_is_float(of->dtype) || of->quant ||
        (of->dtype == PJ_DT_F64 && type->dtype != PJ_DT_F64))
      return NULL;
  }
  const PjAttr *lists[2][2] = {
      {PJ_ATTR(dot, lhs_batching_dimensions), PJ_ATTR(dot, rhs_batching_dimensions)},
      {PJ_ATTR(dot, lhs_contracting_dimensions), PJ_ATTR(dot, rhs_contracting_dimensions)}};
  char text[256] = "";
  for (int l = 0, at = 0; l < 2; ++l) {
    at += snprintf(text + at, sizeof text - (size_t)at, " %d", (int)lists[l][0]->count);
    at = print_dims(text, at, sizeof text, lists[l][0]);
    at = print_dims(text, at, sizeof text, lists[l][1]);
  }
  return make_call2(p->arena, perturb_fused, dot->operands[0], dot->operands[1], type, text);
}

// A contraction as the sum of two: one of them may overflow one way, and the other the other way.
static void halve_contraction(const Perturbing *p, PjOp *op) {
  int64_t dims[8][2];
  if (!contracted(op, 8, dims))
    return;
  PjOp *other = pj_op_create(p->arena, op->kind, 2, 1, 0), *parts[2] = {op, other},
       *sum = pj_op_create(p->arena, PJ_OP_ADD, 2, 1, 0);
  other->attrs = op->attrs;
  other->results[0].type = sum->results[0].type = op->results[0].type;
  PjValue *operands[2] = {op->operands[0], op->operands[1]};
  for (int h = 0; h < 2; ++h)
    for (uint32_t o = 0; o < 2; ++o) {
      char text[64];
      snprintf(text, sizeof text, "%d %llu %d", (int)dims[0][o], (unsigned long long)keys, h);
      PjOp *half = make_call(p->arena, perturb_half, operands[o], text);
      pj_op_insert_before(op, half);
      parts[h]->operands[o] = &half->results[0];
    }
  ++keys;
  pj_op_insert_before(op->next, other);
  pj_op_insert_before(other->next, sum);
  edit_replace_uses(op->region, sum, &op->results[0], &sum->results[0]);
  for (int h = 0; h < 2; ++h) {
    PjOp *fused = make_fused(p, parts[h]);
    sum->operands[h] = fused ? &fused->results[0] : &parts[h]->results[0];
    if (!fused)
      continue;
    pj_op_insert_before(parts[h], fused);
    pj_op_remove(parts[h]);
  }
}

static PjOp *make_scale(PjArena *arena, PjOp *before, PjValue *value, int exponent) {
  char text[16];
  snprintf(text, sizeof text, "%d", exponent);
  PjOp *op = make_call(arena, perturb_scale, value, text);
  pj_op_insert_before(before, op);
  return op;
}

// Products and sums in double: as a fused multiply-add sees them, a product that overflows is a
// number, and not infinity, when it meets an infinity.
static void widen(const Perturbing *p, PjOp *op) {
  const PjType *type = op->results[0].type;
  bool complex = pj_dtype_is_complex(type->dtype);
  PjDtype wide = complex ? PJ_DT_C128 : PJ_DT_F64;
  for (uint32_t i = 0; i < 2; ++i)
    if (!is_inexact_type(op->operands[i]->type) || op->operands[i]->type->quant)
      return;
  if (type->dtype == wide) { // nothing is wider: of smaller numbers
    for (uint32_t i = 0; i < 2; ++i)
      op->operands[i] = &make_scale(p->arena, op, op->operands[i], -512)->results[0];
    PjOp *back = make_scale(p->arena, op->next, &op->results[0], 1024);
    edit_replace_uses(op->region, back, &op->results[0], &back->results[0]);
    return;
  }
  for (uint32_t i = 0; i < 2; ++i) {
    PjOp *convert = edit_convert(p->arena, op->operands[i],
                                 pj_type_with_dtype(p->arena, op->operands[i]->type, wide));
    pj_op_insert_before(op, convert);
    op->operands[i] = &convert->results[0];
  }
  op->results[0].type = pj_type_with_dtype(p->arena, type, wide);
  PjOp *back = edit_convert(p->arena, &op->results[0], type);
  pj_op_insert_before(op->next, back);
  edit_replace_uses(op->region, back, &op->results[0], &back->results[0]);
}

// A window's sum, of one operation, in any order.
static void reorder_windows(const Perturbing *p, PjOp *op) {
  const PjRegion *body = &op->regions[0];
  const PjOp *only = body->first;
  const PjType *type = op->results[0].type;
  if (op->num_results != 1 || only->next != body->last || only->kind != PJ_OP_ADD ||
      body->last->operands[0] != &only->results[0] || only->operands[0] == only->operands[1] ||
      type->quant || op->operands[0]->type->dtype != type->dtype)
    return;
  char text[1024] = "";
  for (int32_t d = 0, at = 0; d < type->rank && at < (int)sizeof text; ++d)
    at += snprintf(text + at, sizeof text - (size_t)at, "%lld %lld %lld %lld %lld ",
                   (long long)PJ_INTS(op, window_dimensions, NULL)[d],
                   (long long)PJ_INTS(op, window_strides, NULL)[d],
                   (long long)PJ_INTS(op, window_dilations, NULL)[d],
                   (long long)PJ_INTS(op, base_dilations, NULL)[d],
                   (long long)PJ_INTS(op, padding, NULL)[2 * d]);
  PjOp *call = make_call2(p->arena, perturb_windows, op->operands[0], op->operands[1], type, text);
  pj_op_insert_before(op->next, call);
  edit_replace_uses(op->region, call, &op->results[0], &call->results[0]);
  pj_op_remove(op);
}

// The operation that alone makes result |i| of a reduction's body, of nothing else than element and
// total; NULL where there is more to it.
static PjOp *body_of(const PjOp *op, uint32_t i) {
  const PjRegion *body = &op->regions[0];
  PjOp *only = body->last->operands[i]->def;
  const PjValue *pair[] = {&body->args[i], &body->args[op->num_results + i]};
  if (!only || only->region != body || only->num_operands != 2 || only->num_results != 1 ||
      !((only->operands[0] == pair[0] && only->operands[1] == pair[1]) ||
        (only->operands[0] == pair[1] && only->operands[1] == pair[0])))
    return NULL;
  for (const PjOp *other = body->first; other; other = other->next)
    for (uint32_t o = 0; o < other->num_operands; ++o)
      if ((other != only && (other->operands[o] == pair[0] || other->operands[o] == pair[1])) ||
          (other->operands[o] == &only->results[0] && (other != body->last || o != i)))
        return NULL;
  return only;
}

// The same for results of reductions that one operation makes.
static void widen_reduce(const Perturbing *p, PjOp *op) {
  PjRegion *body = &op->regions[0];
  const uint32_t n = op->num_results;
  for (uint32_t r = 0; r < n; ++r) {
    PjOp *only = body_of(op, r);
    const PjType *type = op->results[r].type;
    if (!only || !pj_dtype_is_float(type->dtype) || type->dtype == PJ_DT_F64)
      continue;
    const PjType *scalar = pj_type_tensor(p->arena, PJ_DT_F64, 0, NULL);
    for (uint32_t i = r; i < 2 * n; i += n) {
      PjOp *convert = edit_convert(p->arena, op->operands[i],
                                   pj_type_with_dtype(p->arena, op->operands[i]->type, PJ_DT_F64));
      pj_op_insert_before(op, convert);
      op->operands[i] = &convert->results[0];
      body->args[i].type = scalar;
    }
    only->results[0].type = scalar;
    op->results[r].type = pj_type_with_dtype(p->arena, type, PJ_DT_F64);
    PjOp *back = edit_convert(p->arena, &op->results[r], type);
    pj_op_insert_before(op->next, back);
    edit_replace_uses(op->region, back, &op->results[r], &back->results[0]);
  }
}

// A sum of n terms in any order errs by a few square roots of n units of its terms: their moves add
// up to that. One term after the other, as the evaluator sums, it errs by about the square root of
// n units of itself, since each rounding is one of the sum so far: all terms move together. Of
// narrow types the terms are exact in the float that sums them, and a unit of one of them is more
// than all the rounding.
static void move_sum(const Perturbing *p, PjOp *op, bool multiplies) {
  int64_t n = terms_of(op), root = (int64_t)sqrt((double)n), ulps = 2 + 2 * root, drift = root / 2;
  bool product_of_terms = multiplies && op->num_regions;
  reorder_terms(p, op);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    bool narrow = is_inexact_type(op->operands[i]->type) && is_narrow(op->operands[i]->type);
    int64_t every = narrow ? 1 + (int64_t)sqrt((double)n) : 1;
    move_operand(p, op, i, narrow ? 1 : ulps, every, narrow ? 0 : drift);
  }
  for (uint32_t i = 0; i < op->num_results; ++i) {
    bool narrow = is_inexact_type(op->results[i].type) && is_narrow(op->results[i].type);
    // Bodies of more than one operation may round to the narrow type at every step, and windows do.
    bool stepwise = narrow && op->num_regions &&
                    (op->kind == PJ_OP_REDUCE_WINDOW || op->regions[0].first->next->next);
    move_result(p, op, i, product_of_terms || stepwise ? ulps : 1);
  }
}

static bool has_no_nan(PjDtype dtype) {
  return dtype == PJ_DT_F4E2M1FN || dtype == PJ_DT_F6E2M3FN || dtype == PJ_DT_F6E3M2FN;
}

// Operations that tell one NaN from another.
static bool sees_signs(const PjOp *op) {
  if (op->kind == PJ_OP_BITCAST_CONVERT || op->kind == PJ_OP_CHLO_TOP_K)
    return true;
  if (op->kind == PJ_OP_CONVERT) // NaN becomes a zero of its sign
    return has_no_nan(op->results[0].type->dtype) && is_inexact_type(op->results[0].type);
  if (op->kind == PJ_OP_COMPARE)
    return PJ_INT(op, compare_type) == PJ_CMPTYPE_TOTALORDER;
  if (op->kind != PJ_OP_SORT)
    return false;
  for (const PjOp *inner = op->regions[0].first; inner; inner = inner->next)
    if (sees_signs(inner))
      return true;
  return false;
}

static uint32_t turn_operands(const Perturbing *p, PjOp *op) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    if (!is_inexact_type(op->operands[i]->type))
      continue;
    PjOp *turned = make_call(p->arena, perturb_nans, op->operands[i], "");
    pj_op_insert_before(op, turned);
    op->operands[i] = &turned->results[0];
    ++count;
  }
  return count;
}

// An operation on a type without NaN gives a zero of NaN's sign in its place: computed in float,
// where the sign is turned. Returns whether it may.
static bool turn_result(const Perturbing *p, PjOp *op, bool inexact) {
  const PjType *type = op->num_results == 1 ? op->results[0].type : NULL;
  bool makes_nans =
      inexact || op->kind == PJ_OP_DIVIDE || op->kind == PJ_OP_REMAINDER || op->kind == PJ_OP_SQRT;
  if (!makes_nans || !type || !is_inexact_type(type) || !has_no_nan(type->dtype) ||
      op->num_regions || op->kind == PJ_OP_COMPOSITE)
    return false;
  const PjType *wide = pj_type_with_dtype(p->arena, type, PJ_DT_F32);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjOp *convert = edit_convert(p->arena, op->operands[i],
                                 pj_type_with_dtype(p->arena, op->operands[i]->type, PJ_DT_F32));
    pj_op_insert_before(op, convert);
    op->operands[i] = &convert->results[0];
  }
  op->results[0].type = wide;
  PjOp *turned = make_call(p->arena, perturb_nans, &op->results[0], "");
  PjOp *back = edit_convert(p->arena, &turned->results[0], type);
  pj_op_insert_before(op->next, turned);
  pj_op_insert_before(turned->next, back);
  edit_replace_uses(op->region, turned, &op->results[0], &back->results[0]);
  return true;
}

static uint32_t perturb_region(const Perturbing *p, PjRegion *region);

// Of the sums inside an operation; see move_sum.
static int64_t drift_of(const PjOp *op) {
  if (op->kind != PJ_OP_BATCH_NORM_TRAINING && op->kind != PJ_OP_BATCH_NORM_GRAD)
    return 0;
  return (int64_t)sqrt((double)count_of(op->operands[0]->type)) / 2;
}

// A composite of chlo counts as the operation that it is named after: compilers put it in its
// place, and its decomposition has the error of a chain of others.
static PjOpKind kind_of(const PjOp *op) {
  if (op->kind != PJ_OP_COMPOSITE)
    return op->kind;
  PjStr name = PJ_STRATTR(op, name);
  return pj_str_starts(name, "chlo.") ? pj_op_from_text(name) : op->kind;
}

static uint32_t perturb_op(const Perturbing *p, PjOp *op);

// A loop. What it adds up is rounded in each turn, or summed behind it.
static uint32_t perturb_while(const Perturbing *p, PjOp *op) {
  uint32_t totals[PERTURB_MOST_TOTALS], num_totals = perturb_find_totals(op, totals), count = 0;
  PjOp *products[PERTURB_MOST_TOTALS];
  for (uint32_t i = 0; i < num_totals && p->kind != PERTURB_PLAIN; ++i)
    products[i] = perturb_total(p->arena, op, totals[i]);
  for (uint32_t i = 0; i < op->num_regions; ++i)
    count += perturb_region(p, &op->regions[i]);
  for (uint32_t i = 0; i < num_totals; ++i)
    if (p->kind == PERTURB_PLAIN)
      move_result(p, op->regions[1].last->operands[totals[i]]->def, 0, 1);
    else
      count += perturb_op(p, products[i]);
  return count;
}

static uint32_t perturb_op(const Perturbing *p, PjOp *op) {
  if (sees_signs(op))
    return turn_operands(p, op);
  switch (op->kind) {
  case PJ_OP_REDUCE:
  case PJ_OP_REDUCE_WINDOW:
  case PJ_OP_SCATTER:
  case PJ_OP_SELECT_AND_SCATTER: {
    bool multiplies = false;
    bool adds = adds_floats(&op->regions[op->num_regions - 1], &multiplies);
    if (adds || multiplies)
      move_sum(p, op, multiplies);
    if ((adds || multiplies) && p->kind == PERTURB_WIDE && op->kind == PJ_OP_REDUCE)
      widen_reduce(p, op);
    if (adds && p->kind == PERTURB_HALVES && op->kind == PJ_OP_REDUCE_WINDOW)
      reorder_windows(p, op);
    return adds || multiplies;
  }
  case PJ_OP_DOT_GENERAL:
  case PJ_OP_DOT:
  case PJ_OP_EINSUM:
  case PJ_OP_CONVOLUTION:
    if (!is_inexact_type(op->results[0].type))
      return 0;
    if (op->kind == PJ_OP_CONVOLUTION && p->kind != PERTURB_PLAIN)
      perturb_unroll(p->arena, op);
    move_sum(p, op, false);
    if (p->kind == PERTURB_WIDE && op->num_operands == 2)
      widen(p, op);
    else if (p->kind == PERTURB_HALVES && op->num_operands == 2)
      halve_contraction(p, op);
    return 1;
  case PJ_OP_WHILE:
    return perturb_while(p, op);
  case PJ_OP_IF:
  case PJ_OP_CASE:
  case PJ_OP_MAP:
  case PJ_OP_CHLO_SCAN: {
    uint32_t count = 0;
    for (uint32_t i = 0; i < op->num_regions; ++i)
      count += perturb_region(p, &op->regions[i]);
    return count;
  }
  case PJ_OP_FFT:
    move_fft(p, op);
    return 1;
  default:
    break;
  }
  const Bound *found = NULL;
  PjOpKind kind = kind_of(op);
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; ++i)
    if (bounds[i].kind == kind)
      found = &bounds[i];
  for (size_t i = 0; i < sizeof complex_bounds / sizeof *complex_bounds; ++i)
    if (complex_bounds[i].kind == op->kind && pj_dtype_is_complex(op->operands[0]->type->dtype))
      found = &complex_bounds[i];
  if (!found || !is_inexact_type(op->results[0].type))
    return turn_result(p, op, false);
  bool narrow = is_narrow(op->results[0].type);
  for (uint32_t i = 0; found->operands && i < op->num_operands; ++i)
    move_operand(p, op, i, narrow ? 1 : found->operands, 1, narrow ? 0 : drift_of(op));
  for (uint32_t i = 0; i < op->num_results; ++i)
    move_result(p, op, i, narrow ? 1 : found->ulps);
  if (pj_dtype_is_complex(op->results[0].type->dtype) && cancels(op->kind))
    move_group(p, op, found->ulps, 1);
  turn_result(p, op, true);
  return 1;
}

static uint32_t perturb_region(const Perturbing *p, PjRegion *region) {
  uint32_t count = 0;
  for (PjOp *op = region->first, *next; op; op = next) {
    next = op->next; // what is inserted is not looked at
    count += perturb_op(p, op);
  }
  return count;
}

uint32_t perturb_module(PjModule *module, double scale, PerturbKind kind) {
  uint32_t count = 0;
  const Perturbing perturbing = {module->arena, scale, kind};
  keys = 0;
  for (PjOp *op = module->body.first; op; op = op->next)
    if (op->kind == PJ_OP_FUNC)
      count += perturb_region(&perturbing, &op->regions[0]);
  pj_module_number(module);
  return count;
}
