#include "aot/loops.h"

#include "sched/shape_map.h"

PjLoopFn *pj_loop_find(PjOpKind kind) {
  switch (kind) {
#define LOOP(KIND, name) \
  case PJ_OP_##KIND:     \
    return pj_loop_##name;
#include "aot/loops.def"
#undef LOOP
  default:
    return NULL;
  }
}

PjKirVal pj_loop_number(PjLoops *l, int64_t value) {
  return pj_kir_i64(l->k, value);
}

PjKirVal pj_loop_affine(PjLoops *l, PjKirVal index, int64_t factor, int64_t offset) {
  return pj_kir_add(l->k, pj_kir_mul(l->k, index, pj_loop_number(l, factor)),
                    pj_loop_number(l, offset));
}

// Values computed before a loop must not be remembered as values in it, nor the other way round.
static void forget(PjLoops *l) {
  pj_nest_forget(l->nest);
}

void pj_loop_open(PjLoops *l, int n, const int64_t *sizes, PjKirVal *index) {
  PjKirVal zero = pj_loop_number(l, 0), one = pj_loop_number(l, 1);
  for (int i = 0; i < n; ++i)
    index[i] = sizes[i] == 1
                   ? zero
                   : pj_kir_for_begin(l->k, zero, pj_loop_number(l, sizes[i]), one, 0, NULL, NULL);
  forget(l);
}

void pj_loop_close(PjLoops *l, int n, const int64_t *sizes) {
  for (int i = n; i-- > 0;)
    if (sizes[i] != 1)
      pj_kir_for_end(l->k, 0, NULL, NULL);
  forget(l);
}

enum { MAX_CARRIED = 2 * 2 * PJ_LOOP_MAX_OPERANDS };

static uint32_t flatten(uint32_t count, const PjElem *elems, PjKirVal *values) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; ++i) {
    values[n++] = elems[i].re;
    if (elems[i].im)
      values[n++] = elems[i].im;
  }
  return n;
}

static void unflatten(uint32_t count, PjElem *elems, const PjKirVal *values) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; ++i) {
    elems[i].re = values[n++];
    if (elems[i].im)
      elems[i].im = values[n++];
  }
}

static void carry_from(PjLoops *l, int at, int n, const int64_t *sizes, PjKirVal *index,
                       uint32_t count, PjElem *carried, PjLoopBody *body, void *context) {
  if (at == n) {
    body(context, index, carried);
    return;
  }
  PjKirVal zero = pj_loop_number(l, 0), values[MAX_CARRIED];
  if (sizes[at] == 1) {
    index[at] = zero;
    carry_from(l, at + 1, n, sizes, index, count, carried, body, context);
    return;
  }
  uint32_t num = flatten(count, carried, values);
  index[at] = pj_kir_for_begin(l->k, zero, pj_loop_number(l, sizes[at]), pj_loop_number(l, 1), num,
                               values, values);
  unflatten(count, carried, values);
  forget(l);
  carry_from(l, at + 1, n, sizes, index, count, carried, body, context);
  flatten(count, carried, values);
  pj_kir_for_end(l->k, num, values, values);
  unflatten(count, carried, values);
  forget(l);
}

void pj_loop_carry(PjLoops *l, int n, const int64_t *sizes, PjKirVal *index, uint32_t count,
                   PjElem *carried, PjLoopBody *body, void *context) {
  carry_from(l, 0, n, sizes, index, count, carried, body, context);
}

void pj_loop_when(PjLoops *l, PjKirVal condition, const PjKirVal *index, uint32_t count,
                  PjElem *carried, PjLoopBody *body, void *context) {
  uint64_t known;
  if (condition && pj_kir_is_const(l->k, condition, &known)) {
    if (!known)
      return;
    condition = 0;
  }
  if (!condition) {
    body(context, index, carried);
    return;
  }
  PjKirVal before[MAX_CARRIED], after[MAX_CARRIED];
  uint32_t num = flatten(count, carried, before);
  forget(l);
  pj_kir_if_begin(l->k, condition);
  body(context, index, carried);
  flatten(count, carried, after);
  pj_kir_if_else(l->k, num, after);
  pj_kir_if_end(l->k, num, before, after);
  unflatten(count, carried, after);
  forget(l);
}

PjIx pj_loop_at(PjLoops *l, int n, const PjKirVal *index, const int64_t *strides) {
  PjIx sum = {0};
  for (int i = 0; i < n; ++i)
    sum = pj_ix_add(&l->nest->ix, sum,
                    pj_ix_scale(&l->nest->ix, pj_ix_uniform(index[i]), strides[i]));
  return sum;
}

PjElem pj_loop_load(PjLoops *l, uint32_t i, PjIx at, int lanes, int64_t step) {
  l->nest->ix.lanes = lanes;
  at.step = step;
  PjElem value = pj_nest_load(l->nest, l->op->operands[i]->type->dtype, &l->in[i], at, 0);
  if (lanes > 1)
    value = pj_nest_splat(l->nest, value);
  l->nest->ix.lanes = 1;
  return value;
}

void pj_loop_store(PjLoops *l, uint32_t result, PjIx at, int lanes, PjElem value) {
  l->nest->ix.lanes = lanes;
  at.step = 1;
  pj_nest_store(l->nest, l->op->results[result].type->dtype, l->out[result], 0, at, value, 0);
  l->nest->ix.lanes = 1;
}

PjElem pj_loop_scalar(PjLoops *l, uint32_t i) {
  return pj_loop_load(l, i, (PjIx){0}, 1, 0);
}

int pj_loop_lanes(const PjLoops *l, PjDtype dtype) {
  if (pj_dtype_is_complex(dtype))
    return 1;
  int bytes = (int)pj_dtype_bytes(dtype);
  // Narrow elements are computed in 32 bits as a rule.
  return l->k->target->vector_bytes / (bytes < 4 ? 4 : bytes);
}

PjKirVal pj_loop_integer(PjLoops *l, PjDtype dtype, PjElem value) {
  if (pj_kir_typeof(l->k, value.re).elem == PJ_KIR_I64)
    return value.re;
  bool is_signed = pj_dtype_class(dtype) == PJ_CLASS_SINT;
  return pj_kir_cast(l->k, is_signed ? PJ_KIR_SEXT : PJ_KIR_ZEXT, PJ_KIR_I64, value.re);
}

void pj_loop_copy(PjLoops *l, uint32_t i, uint32_t result) {
  const PjType *type = l->op->operands[i]->type;
  PjKirVal args[3] = {l->out[result], l->in[i].ptr,
                      pj_loop_number(l, pj_count(type) * (int64_t)pj_dtype_bytes(type->dtype))};
  pj_kir_call(l->k, PJ_KIR_EXTERN_MEMCPY, 3, args);
}

// (a + bi) / (c + di), divided through by the larger of c and d (Smith 1962), so that squares do
// not overflow.
static PjElem divide_complex(PjKir *k, PjElem x, PjElem y) {
  PjKirVal swap = pj_kir_flt(k, pj_kir_1(k, PJ_KIR_FABS, y.re), pj_kir_1(k, PJ_KIR_FABS, y.im));
  PjKirVal large = pj_kir_select(k, swap, y.im, y.re), small = pj_kir_select(k, swap, y.re, y.im);
  PjKirVal ratio = pj_kir_fdiv(k, small, large);
  PjKirVal size = pj_kir_fadd(k, large, pj_kir_fmul(k, small, ratio));
  PjKirVal a = pj_kir_select(k, swap, x.im, x.re), b = pj_kir_select(k, swap, x.re, x.im);
  PjKirVal re = pj_kir_fadd(k, a, pj_kir_fmul(k, b, ratio));
  PjKirVal plus = pj_kir_fsub(k, pj_kir_fmul(k, x.im, ratio), x.re);
  PjKirVal minus = pj_kir_fsub(k, x.im, pj_kir_fmul(k, x.re, ratio));
  PjKirVal im = pj_kir_select(k, swap, plus, minus);
  return (PjElem){pj_kir_fdiv(k, re, size), pj_kir_fdiv(k, im, size)};
}

PjElem pj_loop_2(PjLoops *l, PjOpKind kind, PjDtype dtype, PjElem a, PjElem b) {
  PjElem in[2] = {a, b};
  if (pj_elem_supports_kind(kind, dtype, dtype))
    return pj_elem_apply_kind(l->k, kind, dtype, dtype, in);
  if (kind == PJ_OP_DIVIDE && pj_dtype_is_complex(dtype))
    return divide_complex(l->k, a, b);
  l->nest->failed = "arithmetic of a type that has none";
  return a;
}

PjElem pj_loop_select(PjLoops *l, PjKirVal mask, PjElem a, PjElem b) {
  return pj_elem_select(l->k, mask, a, b);
}

PjElem pj_loop_zero(PjLoops *l, PjDtype dtype, int lanes) {
  static const char zeros[16];
  return pj_elem_const(l->k, dtype, lanes, zeros);
}
