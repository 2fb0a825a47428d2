#include "sched/body.h"

#include <math.h>

#include "pass/match.h"

static bool body_supported(const PjRegion *region) {
  const PjOp *end = pj_region_terminator(region);
  if (!end)
    return false;
  for (const PjOp *op = region->first; op != end; op = op->next) {
    if (op->num_results != 1 || !pj_type_is_scalar_tensor(op->results[0].type))
      return false;
    if (op->kind == PJ_OP_RESHAPE || op->kind == PJ_OP_BROADCAST_IN_DIM ||
        op->kind == PJ_OP_TRANSPOSE) {
      if (op->operands[0]->type->rank)
        return false;
      continue;
    }
    if (!pj_nest_can_inline(op) || op->kind == PJ_OP_IOTA)
      return false;
  }
  return true;
}

bool pj_reducer_body_supported(const PjRegion *region, uint32_t num_args) {
  for (uint32_t i = 0; i < region->num_args; i++)
    if (!pj_type_is_scalar_tensor(region->args[i].type) || region->args[i].type->quant)
      return false;
  return region->num_args == num_args && body_supported(region);
}

// The operation, of a known identity, that combines result |i| from arguments i and n + i alone.
static PjOpKind known_monoid(const PjRegion *region, uint32_t i, uint32_t n) {
  const PjOp *op = pj_region_terminator(region)->operands[i]->def;
  const PjValue *a = &region->args[i], *b = &region->args[n + i];
  if (!op || op->num_operands != 2 ||
      !((op->operands[0] == a && op->operands[1] == b) ||
        (op->operands[0] == b && op->operands[1] == a)))
    return PJ_OP_INVALID;
  switch (op->kind) {
  case PJ_OP_ADD:
  case PJ_OP_MULTIPLY:
  case PJ_OP_MAXIMUM:
  case PJ_OP_MINIMUM:
  case PJ_OP_AND:
  case PJ_OP_OR:
  case PJ_OP_XOR:
    break;
  default:
    return PJ_OP_INVALID;
  }
  // No complex number leaves the infinite ones as they are when it is multiplied with them.
  return pj_dtype_is_complex(a->type->dtype) && op->kind != PJ_OP_ADD ? PJ_OP_INVALID : op->kind;
}

static bool known_monoids(const PjRegion *region, uint32_t n, PjOpKind *out) {
  for (uint32_t i = 0; i < n; i++)
    if ((out[i] = known_monoid(region, i, n)) == PJ_OP_INVALID)
      return false;
  return true;
}

bool pj_reducer_make(const PjOp *op, PjReducer *out) {
  *out = (PjReducer){.op = op, .count = op->num_results};
  if (op->num_results < 1 || op->num_results > PJ_MAX_REDUCED ||
      op->num_operands != 2 * op->num_results)
    return false;
  for (uint32_t i = 0; i < op->num_operands; i++)
    if (!pj_type_is_static(op->operands[i]->type) || op->operands[i]->type->quant ||
        op->operands[i]->type->rank > PJ_MAX_LOOP_RANK ||
        pj_elem_type(op->operands[i]->type->dtype) == PJ_KIR_VOID)
      return false;
  for (uint32_t i = 0; i < op->num_results; i++)
    if (op->results[i].type->dtype != op->operands[i]->type->dtype)
      return false;
  const PjRegion *region = &op->regions[0];
  if (region->num_args != op->num_operands || !body_supported(region))
    return false;
  for (uint32_t i = 0; i < region->num_args; i++)
    if (region->args[i].type->dtype != op->operands[i]->type->dtype)
      return false;
  PjArgMatch arg;
  out->has_identity = known_monoids(region, op->num_results, out->monoids);
  out->by_index = !out->has_identity && pj_match_arg_reduce(op, &arg);
  out->index = out->by_index ? arg.index : 0;
  out->largest = out->by_index && arg.max;
  out->ordered = !out->has_identity && !out->by_index;
  PjDtype dtype = op->results[0].type->dtype;
  // Also of extremes: what they begin with, an infinity, is not a number of every narrow format.
  out->wide = out->has_identity && op->num_results == 1 && pj_dtype_is_float(dtype) &&
              dtype != PJ_DT_F32 && dtype != PJ_DT_F64;
  return true;
}

PjDtype pj_reducer_dtype(const PjReducer *r, uint32_t i) {
  return r->wide ? PJ_DT_F32 : r->op->results[i].type->dtype;
}

static PjElem identity(const PjReducer *r, PjNest *nest, uint32_t i) {
  PjKir *k = nest->ix.k;
  PjOpKind monoid = r->monoids[i];
  PjDtype dtype = r->op->results[i].type->dtype;
  PjKirType t = pj_kir_type(pj_elem_type(dtype), 1);
  unsigned bits = pj_dtype_bits(dtype);
  bool is_signed = pj_dtype_class(dtype) == PJ_CLASS_SINT;
  if (pj_dtype_is_complex(dtype)) {
    PjKirType part = pj_kir_type(dtype == PJ_DT_C64 ? PJ_KIR_F32 : PJ_KIR_F64, 1);
    return (PjElem){pj_kir_float(k, part, -0.0), pj_kir_float(k, part, -0.0)};
  }
  if (pj_kir_is_float(t)) {
    double v = monoid == PJ_OP_ADD        ? -0.0
               : monoid == PJ_OP_MULTIPLY ? 1
               : monoid == PJ_OP_MAXIMUM  ? -INFINITY
                                          : INFINITY;
    return (PjElem){pj_kir_float(k, t, v), 0};
  }
  uint64_t v = 0;
  switch (monoid) {
  case PJ_OP_MULTIPLY:
    v = 1;
    break;
  case PJ_OP_AND:
    v = ~0ull;
    break;
  case PJ_OP_MAXIMUM:
    v = is_signed ? ~0ull << (bits - 1) : 0;
    break;
  case PJ_OP_MINIMUM:
    v = is_signed ? ~(~0ull << (bits - 1)) : bits == 64 ? ~0ull : ~(~0ull << bits);
    break;
  default:
    break;
  }
  // Unsigned numbers narrower than a byte keep zeros above their bits.
  if (monoid == PJ_OP_AND && !is_signed && bits < 8 && t.elem != PJ_KIR_I1)
    v &= ~(~0ull << bits);
  return (PjElem){pj_kir_const(k, t, v), 0};
}

void pj_reducer_begin(const PjReducer *r, PjNest *nest, PjElem *out) {
  for (uint32_t i = 0; i < r->count; i++)
    out[i] = r->has_identity ? identity(r, nest, i)
                             : pj_nest_scalar(nest, r->op->operands[r->count + i]);
}

// Values of a region that is applied again and again: by position, not remembered in the nest.
typedef struct Scope {
  PjMap values; // to PjElem *
  PjNest *nest;
  int lanes;
} Scope;

static void set(Scope *scope, const PjValue *value, PjElem e) {
  PjElem *copy = PJ_NEW(scope->nest->arena, PjElem);
  *copy = e;
  pj_map_set(scope->nest->arena, &scope->values, pj_map_ptr(value), pj_map_ptr(copy));
}

static PjElem get(Scope *scope, const PjValue *value) {
  uint64_t *found = pj_map_find(&scope->values, pj_map_ptr(value));
  PjElem e = found ? *(const PjElem *)(uintptr_t)*found : pj_nest_scalar(scope->nest, value);
  PjKir *k = scope->nest->ix.k;
  e.re = pj_kir_splat(k, e.re, scope->lanes);
  if (e.im)
    e.im = pj_kir_splat(k, e.im, scope->lanes);
  return e;
}

void pj_region_apply(PjNest *nest, const PjRegion *region, uint32_t num_args, const PjElem *args,
                     uint32_t num_results, PjElem *results) {
  PjKir *k = nest->ix.k;
  Scope scope = {.nest = nest, .lanes = pj_kir_typeof(k, args[0].re).lanes};
  for (uint32_t i = 0; i < num_args; i++)
    set(&scope, &region->args[i], args[i]);
  const PjOp *end = pj_region_terminator(region);
  for (const PjOp *op = region->first; op != end; op = op->next) {
    PjElem in[3];
    if (op->kind == PJ_OP_CONSTANT) {
      set(&scope, &op->results[0],
          pj_elem_const(k, op->results[0].type->dtype, scope.lanes, PJ_ATTR(op, value)->data));
      continue;
    }
    for (uint32_t i = 0; i < op->num_operands && i < 3; i++)
      in[i] = get(&scope, op->operands[i]);
    bool moves = !pj_elem_is(op);
    set(&scope, &op->results[0], moves ? in[0] : pj_elem_apply(k, op, in));
  }
  for (uint32_t i = 0; i < num_results; i++)
    results[i] = get(&scope, end->operands[i]);
}

bool pj_reducer_keeps_signs(const PjReducer *r) {
  return r->has_identity && r->count == 1 && pj_dtype_is_float(r->op->results[0].type->dtype) &&
         (r->monoids[0] == PJ_OP_MAXIMUM || r->monoids[0] == PJ_OP_MINIMUM);
}

static PjKirElem integer_of(const PjKir *k, PjKirVal v) {
  return pj_kir_typeof(k, v).elem == PJ_KIR_F64 ? PJ_KIR_I64 : PJ_KIR_I32;
}

// The greatest of zeros is -0 if all signs are set, the least if any is; other elements beside them
// have the sign that does not count, and so have infinities that accumulators begin with.
static PjKirOp signs_join(const PjReducer *r) {
  return r->monoids[0] == PJ_OP_MAXIMUM ? PJ_KIR_AND : PJ_KIR_OR;
}

void pj_reducer_begin_signs(const PjReducer *r, PjNest *nest, PjElem *acc) {
  PjKir *k = nest->ix.k;
  acc->im = pj_kir_bitcast(k, integer_of(k, acc->re), acc->re);
}

// The greater or the smaller of both, one that is NaN if there is one, any of two zeros.
static PjKirVal extreme_of(const PjReducer *r, PjKir *k, PjKirVal acc, PjKirVal x) {
  // The accumulator where one is NaN.
  PjKirVal value = pj_kir_2(k, r->monoids[0] == PJ_OP_MAXIMUM ? PJ_KIR_FMAX : PJ_KIR_FMIN, x, acc);
  return pj_kir_select(k, pj_kir_2(k, PJ_KIR_UNO, x, x), x, value);
}

void pj_reducer_extreme(const PjReducer *r, PjNest *nest, PjElem *acc, PjElem *signs, PjKirVal x) {
  PjKir *k = nest->ix.k;
  acc->re = extreme_of(r, k, acc->re, x);
  signs->im = pj_kir_2(k, signs_join(r), signs->im, pj_kir_bitcast(k, integer_of(k, x), x));
}

void pj_reducer_end_signs(const PjReducer *r, PjNest *nest, PjElem *acc) {
  PjKir *k = nest->ix.k;
  PjKirType t = pj_kir_typeof(k, acc->re), bits = pj_kir_typeof(k, acc->im);
  uint64_t sign = UINT64_C(1) << (pj_kir_elem_bytes((PjKirElem)bits.elem) * 8 - 1);
  PjKirVal null =
      pj_kir_bitcast(k, (PjKirElem)t.elem, pj_kir_and(k, acc->im, pj_kir_const(k, bits, sign)));
  PjKirVal is_zero = pj_kir_2(k, PJ_KIR_FEQ, acc->re, pj_kir_float(k, t, 0.0));
  *acc = (PjElem){pj_kir_select(k, is_zero, null, acc->re), 0};
}

// The lanes of an accumulator with signs become one number.
static void join_extreme(const PjReducer *r, PjNest *nest, PjElem *acc) {
  PjKir *k = nest->ix.k;
  PjKirVal zero = pj_kir_const(k, pj_kir_type(integer_of(k, acc->re), 1), 0);
  PjKirVal minus = pj_kir_reduce_lanes(k, signs_join(r), pj_kir_slt(k, acc->im, zero));
  PjKirVal v = acc->re;
  while (pj_kir_typeof(k, v).lanes > 1)
    v = extreme_of(r, k, pj_kir_half(k, v, 0), pj_kir_half(k, v, 1));
  PjKirType t = pj_kir_typeof(k, v);
  PjKirVal null = pj_kir_select(k, minus, pj_kir_float(k, t, -0.0), pj_kir_float(k, t, 0.0));
  PjKirVal is_zero = pj_kir_2(k, PJ_KIR_FEQ, v, pj_kir_float(k, t, 0.0));
  *acc = (PjElem){pj_kir_select(k, is_zero, null, v), 0};
}

void pj_reducer_combine(const PjReducer *r, PjNest *nest, PjElem *acc, const PjElem *x) {
  PjKir *k = nest->ix.k;
  if (acc->im && pj_reducer_keeps_signs(r)) {
    pj_reducer_extreme(r, nest, acc, acc, x->re);
    return;
  }
  if (r->wide && (r->monoids[0] == PJ_OP_ADD || r->monoids[0] == PJ_OP_MULTIPLY)) {
    acc[0].re =
        pj_kir_2(k, r->monoids[0] == PJ_OP_ADD ? PJ_KIR_FADD : PJ_KIR_FMUL, acc[0].re, x[0].re);
    return;
  }
  PjElem args[2 * PJ_MAX_REDUCED];
  for (uint32_t i = 0; i < r->count; i++) {
    args[i] = acc[i];
    args[r->count + i] = x[i];
  }
  pj_region_apply(nest, &r->op->regions[0], 2 * r->count, args, r->count, acc);
}

void pj_reducer_merge(const PjReducer *r, PjNest *nest, PjElem *acc, const PjElem *x) {
  if (!r->by_index) {
    pj_reducer_combine(r, nest, acc, x);
    return;
  }
  PjKir *k = nest->ix.k;
  bool is_signed = pj_dtype_class(r->op->results[r->index].type->dtype) == PJ_CLASS_SINT;
  PjKirVal later =
      pj_kir_2(k, is_signed ? PJ_KIR_SLT : PJ_KIR_ULT, x[r->index].re, acc[r->index].re);
  PjElem second[PJ_MAX_REDUCED];
  for (uint32_t i = 0; i < r->count; i++) {
    second[i] = pj_elem_select(k, later, acc[i], x[i]);
    acc[i] = pj_elem_select(k, later, x[i], acc[i]);
  }
  pj_reducer_combine(r, nest, acc, second);
}

void pj_reducer_lanes(const PjReducer *r, PjNest *nest, PjElem *acc) {
  PjKir *k = nest->ix.k;
  if (acc->im && pj_reducer_keeps_signs(r)) {
    join_extreme(r, nest, acc);
    return;
  }
  while (pj_kir_typeof(k, acc[0].re).lanes > 1) {
    PjElem high[PJ_MAX_REDUCED];
    for (uint32_t i = 0; i < r->count; i++) {
      high[i] =
          (PjElem){pj_kir_half(k, acc[i].re, 1), acc[i].im ? pj_kir_half(k, acc[i].im, 1) : 0};
      acc[i] = (PjElem){pj_kir_half(k, acc[i].re, 0), acc[i].im ? pj_kir_half(k, acc[i].im, 0) : 0};
    }
    pj_reducer_merge(r, nest, acc, high);
  }
}

void pj_reducer_finish(const PjReducer *r, PjNest *nest, PjElem *acc) {
  if (!r->has_identity)
    return;
  PjKir *k = nest->ix.k;
  int lanes = pj_kir_typeof(k, acc[0].re).lanes;
  PjElem sum[PJ_MAX_REDUCED];
  for (uint32_t i = 0; i < r->count; i++) {
    sum[i] = pj_nest_scalar(nest, r->op->operands[r->count + i]);
    sum[i].re = pj_kir_splat(k, sum[i].re, lanes);
    if (sum[i].im)
      sum[i].im = pj_kir_splat(k, sum[i].im, lanes);
  }
  pj_reducer_combine(r, nest, sum, acc);
  if (r->wide)
    sum[0] = pj_elem_convert(k, PJ_DT_F32, r->op->results[0].type->dtype, sum[0]);
  for (uint32_t i = 0; i < r->count; i++)
    acc[i] = sum[i];
}
