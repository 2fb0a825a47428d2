// See perturb.h.
#include "perturb.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "eval/eval.h"
#include "eval/float.h"
#include "rand.h"

static const char target[] = "pj.perturb", reorder_target[] = "pj.reorder", nan_target[] = "pj.nan",
                  noise_target[] = "pj.noise", scale_target[] = "pj.scale";

// ----------------------------------------------------------------------------------------------
// The move itself: a custom call of one operand. Its configuration: by how many units in the last
// place at most, of how many elements one is moved, and by how many units at most all are moved
// together.
static _Thread_local Rand rand_state;

static bool is_ieee(PjDtype dtype) {
  return dtype == PJ_DT_F16 || dtype == PJ_DT_BF16 || dtype == PJ_DT_F32 || dtype == PJ_DT_F64;
}

// The sign of a zero part of a complex result is as open as that of NaN.
static void turn_zero(PjDtype part, void *element) {
  if (pj_double_decode(part, element) == 0 && rand_chance(&rand_state, 50))
    ((char *)element)[pj_dtype_bytes(part) - 1] ^= (char)0x80;
}

// Moves a finite number other than zero by |steps| representable ones, without leaving its sign.
static void move(PjDtype dtype, int64_t steps, void *element) {
  double value = pj_double_decode(dtype, element);
  if (!isfinite(value) || value == 0)
    return;
  size_t bytes = pj_dtype_bytes(dtype);
  unsigned bits = pj_dtype_bits(dtype);
  uint64_t raw = 0, sign = dtype == PJ_DT_F8E8M0FNU ? 0 : (uint64_t)1 << (bits - 1);
  memcpy(&raw, element, bytes);
  int64_t magnitude = (int64_t)(raw & (sign ? sign - 1 : 0xFF));
  if (dtype != PJ_DT_F64)
    magnitude += steps;
  else if (steps < 0 || magnitude < INT64_MAX - steps)
    magnitude += steps;
  uint64_t moved = (raw & sign) | (uint64_t)(magnitude < 1 ? 1 : magnitude);
  memcpy(element, &moved, bytes);
  double now = pj_double_decode(dtype, element);
  // Past the largest number lies infinity, or, without one, nothing to move to.
  if (!isfinite(now) && !(is_ieee(dtype) && isinf(now)))
    memcpy(element, &raw, bytes);
}

static PjStatus perturb(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                        void *user) {
  PjStr config = PJ_STRATTR(op, backend_config);
  char text[64];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(config));
  long long ulps = 1, every = 1, all = 0;
  sscanf(text, "%lld %lld %lld", &ulps, &every, &all);
  int64_t drift = rand_int(&rand_state, -all, all);
  PjTensor *result = out[0] = pj_eval_take(ev, op, in, 0);
  PjDtype part = pj_dtype_part(result->dtype);
  size_t step = pj_dtype_bytes(part);
  for (size_t at = 0; at + step <= result->bytes; at += step) {
    if (every > 1 && rand_int(&rand_state, 1, every) != 1)
      continue;
    // Mostly more than half of the bound, to either side: a few runs then come near the extremes.
    // Some less: what follows may round the extremes as it rounds the value itself, but not a near
    // one.
    double least = rand_chance(&rand_state, 75) ? 0.5 : 0;
    int64_t steps = (int64_t)ceil((least + (1 - least) * rand_unit(&rand_state)) * (double)ulps);
    if (rand_chance(&rand_state, 50))
      steps = -steps;
    move(part, steps + drift, (char *)result->data + at);
    if (part != result->dtype)
      turn_zero(part, (char *)result->data + at);
  }
  return PJ_STATUS_OK;
}

// Another order along one dimension: configuration `dimension key`. Calls of one key use one order.
static _Thread_local uint64_t run_seed;

static PjStatus reorder(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                        void *user) {
  const PjTensor *x = in[0];
  char text[64];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(PJ_STRATTR(op, backend_config)));
  int dim = 0;
  unsigned long long key = 0;
  sscanf(text, "%d %llu", &dim, &key);
  int64_t n = x->dims[dim], outer = 1;
  size_t inner = pj_dtype_bytes(x->dtype);
  for (int i = 0; i < x->rank; ++i)
    if (i < dim)
      outer *= x->dims[i];
    else if (i > dim)
      inner *= (size_t)x->dims[i];
  PjTensor *result = out[0] = pj_tensor_new(x->dtype, x->rank, x->dims);
  int64_t *order = malloc((size_t)(n + 1) * sizeof *order);
  if (!result || !order) {
    free(order);
    return pj_status_oom();
  }
  Rand r = {rand_mix(run_seed * 31 + key)};
  for (int64_t i = 0; i < n; ++i)
    order[i] = i;
  for (int64_t i = n; i > 1; --i) {
    int64_t j = rand_int(&r, 0, i - 1), swap = order[i - 1];
    order[i - 1] = order[j];
    order[j] = swap;
  }
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < n; ++i)
      memcpy((char *)result->data + (size_t)(o * n + i) * inner,
             (const char *)x->data + (size_t)(o * n + order[i]) * inner, inner);
  free(order);
  return PJ_STATUS_OK;
}

static bool has_signed_nans(PjDtype dtype) {
  return is_ieee(dtype) || dtype == PJ_DT_F8E5M2 || dtype == PJ_DT_F8E4M3 ||
         dtype == PJ_DT_F8E4M3FN || dtype == PJ_DT_F8E3M4;
}

// The sign of a NaN that was computed is anything: here of each one alone, or the same of all.
static PjStatus turn_nans(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                          void *user) {
  PjTensor *result = out[0] = pj_eval_take(ev, op, in, 0);
  PjDtype part = pj_dtype_part(result->dtype);
  size_t step = pj_dtype_bytes(part), sign_byte = step - 1;
  int minus = (int)rand_int(&rand_state, 0, 2) * 50; // of a hundred
  for (size_t at = 0; at + step <= result->bytes && has_signed_nans(part); at += step) {
    char *element = (char *)result->data + at;
    if (!isnan(pj_double_decode(part, element)))
      continue;
    element[sign_byte] &= 0x7F;
    if (rand_chance(&rand_state, minus))
      element[sign_byte] |= (char)0x80;
  }
  return PJ_STATUS_OK;
}

// Moves numbers by units of the largest finite one of their group: configuration `ulps size`.
static PjStatus add_noise(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                          void *user) {
  PjStr config = PJ_STRATTR(op, backend_config);
  char text[64];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(config));
  double ulps = 0;
  long long size = 1;
  sscanf(text, "%lf %lld", &ulps, &size);
  PjTensor *result = out[0] = pj_eval_take(ev, op, in, 0);
  PjDtype part = pj_dtype_part(result->dtype);
  size_t step = pj_dtype_bytes(part), group = (size_t)size * pj_dtype_bytes(result->dtype);
  double unit = ldexp(1, part == PJ_DT_F64 ? -53 : part == PJ_DT_F32 ? -24 : -8);
  for (size_t from = 0; from + group <= result->bytes; from += group) {
    char *data = (char *)result->data + from;
    double most = 0;
    for (size_t at = 0; at < group; at += step) {
      double value = fabs(pj_double_decode(part, data + at));
      most = value > most && isfinite(value) ? value : most;
    }
    most *= ulps * unit;
    for (size_t at = 0; at < group; at += step) {
      double value = pj_double_decode(part, data + at);
      pj_double_encode(part, value + most * (2 * rand_unit(&rand_state) - 1), data + at);
    }
  }
  return PJ_STATUS_OK;
}

// Multiplies by a power of two, the real and the imaginary part each: configuration `exponent`.
static PjStatus scale(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out, void *user) {
  PjStr config = PJ_STRATTR(op, backend_config);
  char text[64];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(config));
  int exponent = 0;
  sscanf(text, "%d", &exponent);
  PjTensor *result = out[0] = pj_eval_take(ev, op, in, 0);
  PjDtype part = pj_dtype_part(result->dtype);
  size_t step = pj_dtype_bytes(part);
  for (size_t at = 0; at + step <= result->bytes; at += step) {
    char *element = (char *)result->data + at;
    pj_double_encode(part, ldexp(pj_double_decode(part, element), exponent), element);
  }
  return PJ_STATUS_OK;
}

PjStatus perturb_start(uint64_t seed) {
  rand_state.state = rand_mix(seed + 77);
  run_seed = seed;
  PJ_TRY(pj_custom_call_register(pj_str(reorder_target), reorder, NULL));
  PJ_TRY(pj_custom_call_register(pj_str(nan_target), turn_nans, NULL));
  PJ_TRY(pj_custom_call_register(pj_str(noise_target), add_noise, NULL));
  PJ_TRY(pj_custom_call_register(pj_str(scale_target), scale, NULL));
  return pj_custom_call_register(pj_str(target), perturb, NULL);
}

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
  bool wide;
} Perturbing;

static PjOp *make_call(PjArena *arena, const char *name, PjValue *value, const char *config) {
  PjOp *op = pj_op_create(arena, PJ_OP_CUSTOM_CALL, 1, 1, 0);
  op->operands[0] = value;
  op->results[0].type = value->type;
  pj_op_set_attr(op, PJ_KEY_call_target_name, pj_attr_string(arena, pj_str(name)));
  const char *copy = pj_arena_strndup(arena, config, strlen(config));
  pj_op_set_attr(op, PJ_KEY_backend_config, pj_attr_string(arena, pj_str(copy)));
  pj_op_fill_defaults(arena, op);
  return op;
}

static PjOp *make_move(const Perturbing *p, PjValue *value, int64_t ulps, int64_t every,
                       int64_t all) {
  char text[64];
  int64_t scaled = (int64_t)ceil((double)ulps * p->scale);
  snprintf(text, sizeof text, "%lld %lld %lld", (long long)scaled, (long long)every,
           (long long)((double)all * p->scale));
  return make_call(p->arena, target, value, text);
}

static void move_operand(const Perturbing *p, PjOp *op, uint32_t i, int64_t ulps, int64_t every,
                         int64_t all) {
  if (!is_inexact_type(op->operands[i]->type))
    return;
  PjOp *moved = make_move(p, op->operands[i], ulps, every, all);
  pj_op_insert_before(op, moved);
  op->operands[i] = &moved->results[0];
}

static void replace_uses(PjRegion *region, const PjOp *except, PjValue *from, PjValue *to) {
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; op != except && i < op->num_operands; ++i)
      if (op->operands[i] == from)
        op->operands[i] = to;
    for (uint32_t i = 0; i < op->num_regions; ++i)
      replace_uses(&op->regions[i], except, from, to);
  }
}

// Every other use of the result sees the moved value.
static void see_moved(PjOp *op, uint32_t i, PjOp *moved) {
  pj_op_insert_before(op->next, moved);
  replace_uses(op->region, moved, &op->results[i], &moved->results[0]);
}

static void move_result(const Perturbing *p, PjOp *op, uint32_t i, int64_t ulps) {
  if (is_inexact_type(op->results[i].type))
    see_moved(op, i, make_move(p, &op->results[i], ulps, 1, 0));
}

// Results in groups of |size| elements err by units of the group's largest: those of a transform,
// of which each is a sum of all operands, and the two parts of a complex number.
static void move_group(const Perturbing *p, PjOp *op, double ulps, int64_t size) {
  char text[64];
  snprintf(text, sizeof text, "%g %lld", ulps * p->scale, (long long)size);
  see_moved(op, 0, make_call(p->arena, noise_target, &op->results[0], text));
}

static void move_fft(const Perturbing *p, PjOp *op) {
  const PjAttr *length = PJ_ATTR(op, fft_length);
  const PjType *type = op->results[0].type;
  double terms = 1;
  int64_t size = 1;
  for (uint32_t i = 0; i < length->count; ++i) {
    terms *= (double)length->ints[i];
    size *= type->dims[type->rank - 1 - (int)i];
  }
  if (size)
    move_group(p, op, 4 + log2(terms), size);
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

// Operand |i| in another order along |dim|.
static void reorder_operand(const Perturbing *p, PjOp *op, uint32_t i, int64_t dim, uint64_t key) {
  char text[64];
  snprintf(text, sizeof text, "%d %llu", (int)dim, (unsigned long long)key);
  PjOp *moved = make_call(p->arena, reorder_target, op->operands[i], text);
  pj_op_insert_before(op, moved);
  op->operands[i] = &moved->results[0];
}

// The order of a sum also decides where it overflows, and what becomes of infinities.
static void reorder_terms(const Perturbing *p, PjOp *op) {
  static _Thread_local uint64_t keys;
  if (op->kind == PJ_OP_REDUCE) {
    const PjAttr *dims = PJ_ATTR(op, dimensions);
    for (uint32_t d = 0; d < dims->count; ++d, ++keys)
      for (uint32_t i = 0; i < op->num_results; ++i)
        reorder_operand(p, op, i, dims->ints[d], keys);
  } else if (op->kind == PJ_OP_DOT_GENERAL) {
    const PjAttr *lhs = PJ_ATTR(op, lhs_contracting_dimensions),
                 *rhs = PJ_ATTR(op, rhs_contracting_dimensions);
    for (uint32_t d = 0; d < lhs->count; ++d, ++keys) {
      reorder_operand(p, op, 0, lhs->ints[d], keys);
      reorder_operand(p, op, 1, rhs->ints[d], keys);
    }
  }
}

static PjOp *make_convert(PjArena *arena, PjValue *value, const PjType *type) {
  PjOp *op = pj_op_create(arena, PJ_OP_CONVERT, 1, 1, 0);
  op->operands[0] = value;
  op->results[0].type = type;
  return op;
}

static PjOp *make_scale(PjArena *arena, PjOp *before, PjValue *value, int exponent) {
  char text[16];
  snprintf(text, sizeof text, "%d", exponent);
  PjOp *op = make_call(arena, scale_target, value, text);
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
    replace_uses(op->region, back, &op->results[0], &back->results[0]);
    return;
  }
  for (uint32_t i = 0; i < 2; ++i) {
    PjOp *convert = make_convert(p->arena, op->operands[i],
                                 pj_type_with_dtype(p->arena, op->operands[i]->type, wide));
    pj_op_insert_before(op, convert);
    op->operands[i] = &convert->results[0];
  }
  op->results[0].type = pj_type_with_dtype(p->arena, type, wide);
  PjOp *back = make_convert(p->arena, &op->results[0], type);
  pj_op_insert_before(op->next, back);
  replace_uses(op->region, back, &op->results[0], &back->results[0]);
}

// The same for a reduction whose body is one operation.
static void widen_reduce(const Perturbing *p, PjOp *op) {
  PjRegion *body = &op->regions[0];
  PjOp *only = body->first;
  const PjType *type = op->results[0].type;
  if (op->num_results != 1 || only->next != body->last || only->num_operands != 2 ||
      body->last->operands[0] != &only->results[0] || type->dtype == PJ_DT_F64 ||
      pj_dtype_is_complex(type->dtype))
    return;
  for (uint32_t i = 0; i < 2; ++i) {
    PjOp *convert = make_convert(p->arena, op->operands[i],
                                 pj_type_with_dtype(p->arena, op->operands[i]->type, PJ_DT_F64));
    pj_op_insert_before(op, convert);
    op->operands[i] = &convert->results[0];
  }
  const PjType *scalar = pj_type_tensor(p->arena, PJ_DT_F64, 0, NULL);
  body->args[0].type = body->args[1].type = only->results[0].type = scalar;
  op->results[0].type = pj_type_with_dtype(p->arena, type, PJ_DT_F64);
  PjOp *back = make_convert(p->arena, &op->results[0], type);
  pj_op_insert_before(op->next, back);
  replace_uses(op->region, back, &op->results[0], &back->results[0]);
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
    PjOp *turned = make_call(p->arena, nan_target, op->operands[i], "");
    pj_op_insert_before(op, turned);
    op->operands[i] = &turned->results[0];
    ++count;
  }
  return count;
}

static uint32_t perturb_region(const Perturbing *p, PjRegion *region);

// Of the sums inside an operation; see move_sum.
static int64_t drift_of(const PjOp *op) {
  if (op->kind != PJ_OP_BATCH_NORM_TRAINING && op->kind != PJ_OP_BATCH_NORM_GRAD)
    return 0;
  return (int64_t)sqrt((double)count_of(op->operands[0]->type)) / 2;
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
    if ((adds || multiplies) && p->wide && op->kind == PJ_OP_REDUCE)
      widen_reduce(p, op);
    return adds || multiplies;
  }
  case PJ_OP_DOT_GENERAL:
  case PJ_OP_DOT:
  case PJ_OP_EINSUM:
  case PJ_OP_CONVOLUTION:
    if (!is_inexact_type(op->results[0].type))
      return 0;
    move_sum(p, op, false);
    if (p->wide && op->num_operands == 2)
      widen(p, op);
    return 1;
  case PJ_OP_WHILE:
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
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; ++i)
    if (bounds[i].kind == op->kind)
      found = &bounds[i];
  for (size_t i = 0; i < sizeof complex_bounds / sizeof *complex_bounds; ++i)
    if (complex_bounds[i].kind == op->kind && pj_dtype_is_complex(op->operands[0]->type->dtype))
      found = &complex_bounds[i];
  if (!found || !is_inexact_type(op->results[0].type))
    return 0;
  bool narrow = is_narrow(op->results[0].type);
  for (uint32_t i = 0; found->operands && i < op->num_operands; ++i)
    move_operand(p, op, i, narrow ? 1 : found->operands, 1, narrow ? 0 : drift_of(op));
  for (uint32_t i = 0; i < op->num_results; ++i)
    move_result(p, op, i, narrow ? 1 : found->ulps);
  if (pj_dtype_is_complex(op->results[0].type->dtype) && cancels(op->kind))
    move_group(p, op, found->ulps, 1);
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

uint32_t perturb_module(PjModule *module, double scale, bool wide) {
  uint32_t count = 0;
  const Perturbing perturbing = {module->arena, scale, wide};
  for (PjOp *op = module->body.first; op; op = op->next)
    if (op->kind == PJ_OP_FUNC)
      count += perturb_region(&perturbing, &op->regions[0]);
  pj_module_number(module);
  return count;
}
