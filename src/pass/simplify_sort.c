// A sort of a few elements along a dimension that is not the last becomes exchanges of neighbours,
// of whole arrays each:
//
//   %r = sort %x along 0 : tensor<3x500xi32>
//     =>  %a, %b = min, max of %x[0], %x[1] ; %c, %d = min, max of %b, %x[2] ; ..
//
// So are medians of images and of stacked measurements written. Odd-even transposition (Habermann,
// 1972) only exchanges neighbours, and only where the second one is less: it is stable, as all of
// our sorts are. What nobody reads of the result (all but the middle, for a median) is not
// computed.
//
// Where the comparator compares keys, these are computed once for each element, floats as integers
// of the same order, and exchanged beside the elements.
#include "eval/sort_key.h"
#include "pass/body.h"
#include "pass/simplify.h"
#include "pass/stack.h"

enum {
  MAX_FEW = 12,     // elements
  MAX_OPERANDS = 3, // beside each other
  MAX_BODY = 32,    // operations of the comparator
  MIN_COLUMNS = 16, // behind the dimension
};

typedef struct Sorted {
  PjRewrite *rw;
  PjOp *op;
  int32_t dim, n;
  uint32_t count;
  PjSortKey key;
  PjValue *keys[MAX_FEW];                   // integers in the order wanted
  PjValue *elements[MAX_OPERANDS][MAX_FEW]; // parts of size 1 along |dim|
  bool alone;                               // the keys are the elements
} Sorted;

static PjDtype integer_of(PjDtype dtype) {
  const size_t bytes = pj_dtype_bytes(dtype);
  return bytes == 2 ? PJ_DT_S16 : bytes == 4 ? PJ_DT_S32 : PJ_DT_S64;
}

static bool has_key(const PjSortKey *key) {
  if (pj_dtype_is_int(key->dtype))
    return pj_dtype_bits(key->dtype) >= 8;
  return key->total_order && (key->dtype == PJ_DT_F16 || key->dtype == PJ_DT_BF16 ||
                              key->dtype == PJ_DT_F32 || key->dtype == PJ_DT_F64);
}

// The integers that are ordered as the bits of the floats |x| are: those below zero are turned.
static PjValue *ordered(PjRewrite *rw, PjOp *at, PjValue *x) {
  const PjDtype dtype = integer_of(x->type->dtype);
  const PjType *type = pj_type_with_dtype(rw->arena, x->type, dtype);
  const int64_t width = pj_dtype_bits(dtype);
  PjValue *bits = pj_build_unary(rw, at, PJ_OP_BITCAST_CONVERT, x, type);
  PjValue *sign = pj_build_binary(rw, at, PJ_OP_SHIFT_RIGHT_ARITHMETIC, bits,
                                  pj_build_int(rw, at, type, width - 1));
  PjValue *most = pj_build_int(rw, at, type, (int64_t)(((uint64_t)1 << (width - 1)) - 1));
  return pj_build_binary(rw, at, PJ_OP_XOR, bits, pj_build_binary(rw, at, PJ_OP_AND, sign, most));
}

// The key of element |k|: what the comparator compares where both sides are this element.
static PjValue *key_of(Sorted *s, int32_t k) {
  PjValue *args[2 * MAX_OPERANDS], *less;
  for (uint32_t i = 0; i < s->count; ++i)
    args[2 * i] = args[2 * i + 1] = s->elements[i][k];
  pj_region_spread(s->rw, s->op, &s->op->regions[0], args, &less);
  PjValue *key = less->def->operands[0];
  return pj_is_float(key) ? ordered(s->rw, s->op, key) : key;
}

static void choose(Sorted *s, PjValue *swap, PjValue **a, PjValue **b) {
  PjValue *first = pj_build_select(s->rw, s->op, swap, *b, *a);
  *b = pj_build_select(s->rw, s->op, swap, *a, *b);
  *a = first;
}

static void exchange(Sorted *s, int32_t k) {
  PjRewrite *rw = s->rw;
  PjValue *a = s->keys[k], *b = s->keys[k + 1];
  const PjOpKind first = s->key.descending ? PJ_OP_MAXIMUM : PJ_OP_MINIMUM,
                 second = s->key.descending ? PJ_OP_MINIMUM : PJ_OP_MAXIMUM;
  if (!s->alone) {
    const int type =
        pj_dtype_class(a->type->dtype) == PJ_CLASS_UINT ? PJ_CMPTYPE_UNSIGNED : PJ_CMPTYPE_SIGNED;
    PjValue *swap =
        pj_build_compare(rw, s->op, b, a, s->key.descending ? PJ_CMP_GT : PJ_CMP_LT, type);
    for (uint32_t i = 0; i < s->count; ++i)
      choose(s, swap, &s->elements[i][k], &s->elements[i][k + 1]);
  }
  s->keys[k] = pj_build_binary(rw, s->op, first, a, b);
  s->keys[k + 1] = pj_build_binary(rw, s->op, second, a, b);
}

static bool fits(const Sorted *s) {
  const PjRegion *comparator = &s->op->regions[0];
  const PjType *type = s->op->operands[0]->type;
  int64_t columns = 1;
  for (int32_t d = s->dim + 1; d < type->rank; ++d)
    columns *= type->dims[d];
  if (s->n > MAX_FEW || columns < MIN_COLUMNS || s->count > MAX_OPERANDS ||
      comparator->num_args != 2 * s->count || !pj_region_spreads(comparator, MAX_BODY))
    return false;
  for (uint32_t i = 0; i < s->count; ++i)
    if (pj_count(s->op->operands[i]->type) != pj_count(type) ||
        comparator->args[2 * i].type->dtype != s->op->operands[i]->type->dtype)
      return false;
  return true;
}

bool pj_rule_sort_few(PjRewrite *rw, PjOp *op) {
  const PjType *type = op->operands[0]->type;
  int64_t dim = PJ_INT(op, dimension);
  Sorted s = {.rw = rw, .op = op, .count = op->num_operands};
  s.dim = (int32_t)(dim < 0 ? dim + type->rank : dim);
  if (!type->rank || type->dims[s.dim] > MAX_FEW || pj_count(type) == 0)
    return false;
  s.n = (int32_t)type->dims[s.dim];
  PjSortKey keys[PJ_MAX_SORT_KEYS];
  if (!fits(&s) || pj_sort_keys(&op->regions[0], keys) != 1 || !has_key(&keys[0]))
    return false;
  s.key = keys[0];
  for (int32_t k = 0; k < s.n; ++k) {
    for (uint32_t i = 0; i < s.count; ++i)
      s.elements[i][k] = pj_stack_part(rw, op, op->operands[i], s.dim, k);
    s.keys[k] = key_of(&s, k);
    s.alone = s.count == 1 && s.keys[k] == s.elements[0][k];
  }
  for (int32_t round = 0; round < s.n; ++round)
    for (int32_t k = round % 2; k + 1 < s.n; k += 2)
      exchange(&s, k);
  PjValue *results[MAX_OPERANDS];
  for (uint32_t i = 0; i < s.count; ++i) {
    PjOp *made = pj_build_op(rw, op, PJ_OP_CONCATENATE, (uint32_t)s.n,
                             s.alone ? s.keys : s.elements[i], op->results[i].type);
    pj_op_set_attr(made, PJ_KEY_dimension, pj_attr_i64(rw->arena, s.dim));
    results[i] = pj_build_done(rw, made);
  }
  return pj_rw_become_all(rw, op, results);
}
