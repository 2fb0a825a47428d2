// Rules of reduce and sort.
#include <math.h>

#include "ir/flops.h"
#include "pass/body.h"
#include "pass/match.h"
#include "pass/shapes.h"
#include "pass/simplify.h"
#include "pass/stack.h"

// Nothing to reduce in: the initial values.
static bool reduce_nothing(PjRewrite *rw, PjOp *op) {
  PjValue *values[16];
  uint32_t count = op->num_results;
  if (count > 16)
    return false;
  for (uint32_t i = 0; i < count; ++i) {
    PjValue *init = op->operands[count + i];
    if (init->type->dtype != op->results[i].type->dtype)
      return false;
  }
  for (uint32_t i = 0; i < count; ++i)
    values[i] = pj_build_broadcast(rw, op, op->operands[count + i], NULL, op->results[i].type);
  return pj_rw_become_all(rw, op, values);
}

// One element each, or |few| along |dim|, too few for vectors along them or parts of a stack: the
// body applied to them one by one.
static bool reduce_few(PjRewrite *rw, PjOp *op, int32_t dim, int64_t few) {
  enum { MAX_BODY = 16, MAX_COUNT = 4 };
  uint32_t count = op->num_results;
  const PjRegion *body = &op->regions[0];
  PjValue *args[2 * MAX_COUNT], *values[MAX_COUNT];
  if (count > MAX_COUNT || !pj_region_spreads(body, MAX_BODY))
    return false;
  for (uint32_t i = 0; i < 2 * count; ++i)
    if (body->args[i].type->dtype != op->operands[i]->type->dtype ||
        op->results[i % count].type->dtype != op->operands[i]->type->dtype)
      return false;
  for (uint32_t i = 0; i < count; ++i)
    values[i] = pj_build_broadcast(rw, op, op->operands[count + i], NULL, op->results[i].type);
  for (int64_t k = 0; k < few; ++k) {
    for (uint32_t i = 0; i < count; ++i) {
      PjValue *x = op->operands[i];
      if (few > 1)
        x = pj_stack_part(rw, op, x, dim, k);
      args[i] = values[i];
      args[count + i] = pj_build_reshape(rw, op, x, op->results[i].type);
    }
    pj_region_spread(rw, op, body, args, values);
  }
  return pj_rw_become_all(rw, op, values);
}

// A search for an extreme element and where it is, along few elements.
typedef struct Search {
  PjRewrite *rw;
  PjOp *op;
  PjArgMatch match;
  int order; // of what is compared, PJ_CMPTYPE_*
} Search;
typedef struct Found {
  PjValue *value, *index;
} Found;

// The first of the extreme elements [begin, end), or of those that are NaN: of two halves, for a
// chain of comparisons waits for each. All indices of the left half are the lower ones, so it only
// has to be no worse than the right one.
static Found search(const Search *s, int64_t begin, int64_t end) {
  PjOp *op = s->op;
  const PjArgMatch *m = &s->match;
  if (end - begin == 1) {
    PjValue *x = pj_stack_part(s->rw, op, op->operands[m->value], m->dimension, begin);
    return (Found){pj_build_reshape(s->rw, op, x, op->results[m->value].type),
                   pj_build_int(s->rw, op, op->results[m->index].type, begin)};
  }
  const int64_t middle = begin + (end - begin + 1) / 2;
  const Found a = search(s, begin, middle), b = search(s, middle, end);
  PjValue *left =
      pj_build_compare(s->rw, op, a.value, b.value, m->max ? PJ_CMP_GE : PJ_CMP_LE, s->order);
  if (s->order == PJ_CMPTYPE_FLOAT)
    left = pj_build_binary(s->rw, op, PJ_OP_OR, left,
                           pj_build_compare(s->rw, op, a.value, a.value, PJ_CMP_NE, s->order));
  return (Found){pj_build_select(s->rw, op, left, a.value, b.value),
                 pj_build_select(s->rw, op, left, a.index, b.index)};
}

// As reduce_few, where that is what the body does.
static bool search_few(PjRewrite *rw, PjOp *op, int64_t few) {
  Search s = {.rw = rw, .op = op};
  PjValue *results[2];
  if (few < 2 || !pj_match_arg_reduce(op, &s.match))
    return false;
  const PjDtype dtype = op->operands[s.match.value]->type->dtype;
  s.order = pj_dtype_is_float(dtype)                 ? PJ_CMPTYPE_FLOAT
            : pj_dtype_class(dtype) == PJ_CLASS_SINT ? PJ_CMPTYPE_SIGNED
                                                     : PJ_CMPTYPE_UNSIGNED;
  const Found found = search(&s, 0, few);
  results[s.match.value] = found.value;
  results[s.match.index] = found.index;
  return pj_rw_become_all(rw, op, results);
}

// Dimensions of size 1 among those reduced are taken away before.
static bool drop_units(PjRewrite *rw, PjOp *op) {
  uint32_t count = op->num_results, num_dims, left = 0;
  const int64_t *dims = PJ_INTS(op, dimensions, &num_dims);
  const PjType *type = op->operands[0]->type;
  int64_t shape[PJ_MAX_RANK], reduced[PJ_MAX_RANK];
  int32_t rank = 0;
  for (int32_t d = 0; d < type->rank; ++d) {
    bool is_reduced = pj_list_has(dims, num_dims, d);
    if (is_reduced && type->dims[d] == 1)
      continue;
    if (is_reduced)
      reduced[left++] = rank;
    shape[rank++] = type->dims[d];
  }
  if (left == num_dims)
    return false;
  for (uint32_t i = 0; i < count; ++i)
    pj_rw_set_operand(rw, op, i, pj_build_reshape_dims(rw, op, op->operands[i], rank, shape));
  pj_op_set_attr(op, PJ_KEY_dimensions, pj_attr_ints(rw->arena, left, reduced));
  ++rw->changes;
  return true;
}

static bool any_stack(const PjRewrite *rw, const PjOp *op, int32_t dim, int64_t size) {
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (pj_is_stack(rw, op->operands[i], dim, size))
      return true;
  return false;
}

// Whether all that is reduced is constant and short along |dim|: the bodies fold then. (What JAX
// asks of the indices of a gather, for each of them, are such.)
static bool is_constant(const PjOp *op, int64_t size) {
  enum { FEW_CONSTANTS = 8 };
  for (uint32_t i = 0; i < 2 * op->num_results; ++i)
    if (!pj_const_of(op->operands[i]))
      return false;
  return size <= FEW_CONSTANTS;
}

// |count| times the float |value| where that and all sums on the way have few enough digits to be
// exact, and are no subnormal numbers, in |type|. (Sums of narrow floats are those of f32.)
static bool exact_multiple(const PjType *type, double value, int64_t count, double *out) {
  int digits, exponent;
  switch (type->dtype) {
  case PJ_DT_F64:
    digits = 53;
    break;
  case PJ_DT_F32:
    digits = 24;
    break;
  case PJ_DT_F16:
    digits = 11;
    break;
  case PJ_DT_BF16:
    digits = 8;
    break;
  default:
    return false;
  }
  const double least = type->dtype == PJ_DT_F16 ? 0x1p-14 : 0x1p-100,
               most = type->dtype == PJ_DT_F16 ? 0x1p15 : 0x1p100;
  if (!(fabs(value) >= least && fabs(value) <= most))
    return false;
  uint64_t odd = (uint64_t)ldexp(frexp(fabs(value), &exponent), 53);
  odd >>= __builtin_ctzll(odd);
  const uint64_t times = (uint64_t)count;
  if (odd > (UINT64_C(1) << (digits < 24 ? 24 : digits)) / times)
    return false;
  *out = value * (double)count;
  odd *= times;
  return fabs(*out) <= most && odd >> __builtin_ctzll(odd) < UINT64_C(1) << digits;
}

// Equal numbers, as gradients of sums are full of: what they come to is known. An extremum or a
// logical operation takes one of them for all.
static bool reduce_equal(PjRewrite *rw, PjOp *op, int64_t count) {
  const PjValue *x = op->operands[0];
  const PjType *type = op->results[0].type;
  const PjOpKind kind = op->num_results == 1 ? pj_region_binary(&op->regions[0]) : PJ_OP_COUNT;
  const void *element = op->num_results == 1 ? pj_const_splat(x) : NULL;
  PjValue *init = op->operands[1], *result;
  double sum, one;
  int64_t integer;
  if (!element || x->type->quant || x->type->dtype != type->dtype ||
      init->type->dtype != type->dtype || op->regions[0].args[0].type->dtype != type->dtype)
    return false;
  if (kind == PJ_OP_ADD && pj_const_float(x, &one)) {
    if (!(pj_const_is_zero(init) || pj_const_is_neg_zero(init)) ||
        !exact_multiple(type, one, count, &sum))
      return false;
    result = pj_build_float(rw, op, type, sum);
  } else if (kind == PJ_OP_ADD && pj_dtype_is_int(type->dtype) && pj_const_int(x, &integer)) {
    if (pj_dtype_bits(type->dtype) < 32 || count > INT32_MAX)
      return false;
    PjValue *times = pj_build_binary(rw, op, PJ_OP_MULTIPLY, pj_build_int(rw, op, type, integer),
                                     pj_build_int(rw, op, type, count));
    init = pj_build_broadcast(rw, op, init, NULL, type);
    result = pj_build_binary(rw, op, PJ_OP_ADD, init, times);
  } else if ((kind == PJ_OP_MAXIMUM || kind == PJ_OP_MINIMUM || kind == PJ_OP_AND ||
              kind == PJ_OP_OR) &&
             !pj_dtype_is_complex(type->dtype)) {
    init = pj_build_broadcast(rw, op, init, NULL, type);
    result = pj_build_binary(rw, op, kind, init, pj_build_splat(rw, op, type, element));
  } else
    return false;
  return pj_rw_become_all(rw, op, &result);
}

// What a row is computed of, element by element.
typedef struct Origin {
  int left;       // operations still to be looked at
  bool functions; // exp and the like
  bool products;  // of matrices in batches
} Origin;

static void look_for_origin(const PjValue *value, Origin *origin) {
  const PjOp *op = value->def;
  if (!op || origin->left-- <= 0)
    return;
  uint32_t batches = 0;
  if (op->kind == PJ_OP_DOT_GENERAL)
    PJ_INTS(op, lhs_batching_dimensions, &batches);
  origin->products |= batches > 0;
  if (op->kind != PJ_OP_RESHAPE && op->kind != PJ_OP_TRANSPOSE &&
      !(pj_op_info[op->kind].traits & PJ_TRAIT_ELEM))
    return;
  double functions;
  pj_op_flops(op, &functions);
  origin->functions |= functions > 0;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    look_for_origin(op->operands[i], origin);
}

// Whether one row after the other takes long even if it is a vector or two: functions of so few
// lanes, and extrema of floats, which ask of every pair that is brought together for NaN and zeros.
// (But products in batches may be attention, which is found by its rows.)
static bool is_slow_by_rows(const PjOp *op) {
  enum { LOOKED_AT = 32 };
  Origin origin = {.left = LOOKED_AT};
  look_for_origin(op->operands[0], &origin);
  const PjOpKind kind = pj_region_binary(&op->regions[0]);
  const bool extremum = kind == PJ_OP_MAXIMUM || kind == PJ_OP_MINIMUM;
  return !origin.products && (origin.functions || (extremum && pj_is_float(op->operands[0])));
}

bool pj_rule_reduce(PjRewrite *rw, PjOp *op) {
  // Parts of a stack. Elements of a row (more where that is slow, and where rows are searched,
  // whose lanes are brought together by branches); rows that fill vectors.
  enum { FEW_PARTS = 8, FEW = 7, FEW_SLOW = 15, FEW_SEARCHED = 24, ENOUGH = 16 };
  uint32_t num_dims;
  const int64_t *dims = PJ_INTS(op, dimensions, &num_dims);
  const PjType *type = op->operands[0]->type;
  int64_t count = 1;
  bool empty = false, units = true;
  for (uint32_t i = 0; i < num_dims; ++i) {
    empty |= type->dims[dims[i]] == 0;
    units &= type->dims[dims[i]] == 1;
    count *= type->dims[dims[i]]; // of what an array holds
  }
  if (empty)
    return reduce_nothing(rw, op);
  if (units)
    return reduce_few(rw, op, 0, 1);
  if (drop_units(rw, op) || reduce_equal(rw, op, count) || pj_rule_reduce_copies(rw, op))
    return true;
  // Sums of narrow floats are kept wider than their type.
  bool narrow = pj_is_float(op->operands[0]) && pj_dtype_bits(type->dtype) < 32;
  if (num_dims != 1 || narrow)
    return false;
  const int32_t dim = (int32_t)dims[0];
  const int64_t size = type->dims[dim];
  if (is_constant(op, size) && reduce_few(rw, op, dim, size))
    return true;
  if (pj_count(op->results[0].type) < ENOUGH)
    return false;
  const int64_t few = op->num_results > 1 ? FEW_SEARCHED : is_slow_by_rows(op) ? FEW_SLOW : FEW;
  const bool short_rows = dim == type->rank - 1 && size <= few;
  return (short_rows || (size <= FEW_PARTS && any_stack(rw, op, dim, size))) &&
         (search_few(rw, op, size) || reduce_few(rw, op, dim, size));
}

bool pj_rule_sort(PjRewrite *rw, PjOp *op) {
  const PjType *type = op->operands[0]->type;
  int64_t dim = PJ_INT(op, dimension);
  if (dim < 0)
    dim += type->rank;
  if (type->rank && type->dims[dim] > 1)
    return pj_rule_sort_few(rw, op);
  return pj_rw_become_all(rw, op, op->operands);
}
