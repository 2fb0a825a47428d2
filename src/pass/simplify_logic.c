// Rules of comparison, choice, bits and conversion.
#include "eval/float.h"
#include "pass/simplify.h"

static bool keep(PjRewrite *rw, PjOp *op, PjValue *value) {
  return pj_rw_become(rw, op, value);
}

static bool become_int(PjRewrite *rw, PjOp *op, int64_t value) {
  return pj_rw_become(rw, op, pj_build_int(rw, op, op->results[0].type, value));
}

static bool is_pred(const PjValue *value) {
  return value->type->dtype == PJ_DT_PRED;
}

static PjValue *build_not(PjRewrite *rw, PjOp *at, PjValue *x) {
  PjOp *inner = pj_def(x, PJ_OP_NOT);
  return inner ? inner->operands[0] : pj_build_unary(rw, at, PJ_OP_NOT, x, x->type);
}

static bool is_not_of(const PjValue *x, const PjValue *y) {
  const PjOp *a = pj_def(x, PJ_OP_NOT), *b = pj_def(y, PJ_OP_NOT);
  return (a && a->operands[0] == y) || (b && b->operands[0] == x);
}

bool pj_rule_and_or(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *y = op->operands[1];
  bool is_and = op->kind == PJ_OP_AND;
  if (pj_rule_commute(rw, op))
    return true;
  if (x == y)
    return keep(rw, op, x);
  if (pj_const_is_ones(y))
    return keep(rw, op, is_and ? x : y);
  if (pj_const_is_zero(y))
    return keep(rw, op, is_and ? y : x);
  if (is_not_of(x, y))
    return become_int(rw, op, is_and ? 0 : -1);
  PjOp *inner = pj_def(x, op->kind);
  if (inner && pj_const_of(y) && pj_const_of(inner->operands[1]) &&
      !pj_const_of(inner->operands[0])) {
    PjValue *both = pj_build_binary(rw, op, op->kind, inner->operands[1], y);
    return keep(rw, op, pj_build_binary(rw, op, op->kind, inner->operands[0], both));
  }
  if (inner && (inner->operands[0] == y || inner->operands[1] == y))
    return keep(rw, op, x);
  return is_and && pj_rule_and_floor(rw, op);
}

bool pj_rule_xor(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *y = op->operands[1];
  if (pj_rule_commute(rw, op))
    return true;
  if (x == y)
    return become_int(rw, op, 0);
  if (pj_const_is_zero(y))
    return keep(rw, op, x);
  if (pj_const_is_ones(y))
    return keep(rw, op, build_not(rw, op, x));
  PjOp *inner = pj_def(x, PJ_OP_XOR);
  if (!inner)
    return false;
  if (inner->operands[0] == y || inner->operands[1] == y)
    return keep(rw, op, inner->operands[inner->operands[0] == y]);
  if (!pj_const_of(y) || !pj_const_of(inner->operands[1]) || pj_const_of(inner->operands[0]))
    return false;
  PjValue *both = pj_build_binary(rw, op, PJ_OP_XOR, inner->operands[1], y);
  return keep(rw, op, pj_build_binary(rw, op, PJ_OP_XOR, inner->operands[0], both));
}

// ---------------------------------------------------------------------------------------- compare

// 1 or 0 if a DIR b is known from the ranges, -1 otherwise.
static int compare_ranges(int direction, PjRange a, PjRange b) {
  bool one = a.low == a.high && b.low == b.high && a.low == b.low,
       apart = a.high < b.low || b.high < a.low;
  switch (direction) {
  case PJ_CMP_EQ:
    return one ? 1 : apart ? 0 : -1;
  case PJ_CMP_NE:
    return one ? 0 : apart ? 1 : -1;
  case PJ_CMP_LT:
    return a.high < b.low ? 1 : a.low >= b.high ? 0 : -1;
  case PJ_CMP_LE:
    return a.high <= b.low ? 1 : a.low > b.high ? 0 : -1;
  case PJ_CMP_GT:
    return a.low > b.high ? 1 : a.high <= b.low ? 0 : -1;
  default:
    return a.low >= b.high ? 1 : a.high < b.low ? 0 : -1;
  }
}

// compare(convert(p), constant) for a truth value p: what the comparison is for p = 0 and 1.
static bool compare_converted(PjRewrite *rw, PjOp *op, int direction) {
  PjOp *convert = pj_def(op->operands[0], PJ_OP_CONVERT);
  int64_t c;
  if (!convert || !is_pred(convert->operands[0]) || !pj_is_int(op->operands[0]) ||
      !pj_const_int(op->operands[1], &c) || pj_dtype_bits(op->operands[0]->type->dtype) < 8)
    return false;
  PjRange at = {c, c};
  int if_false = compare_ranges(direction, (PjRange){0, 0}, at),
      if_true = compare_ranges(direction, (PjRange){1, 1}, at);
  if (op->operands[0]->type->dtype == PJ_DT_U64 && c < 0)
    return false;
  if (if_false == if_true)
    return become_int(rw, op, if_true);
  PjValue *p = convert->operands[0];
  return keep(rw, op, if_true ? p : build_not(rw, op, p));
}

bool pj_rule_compare(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *y = op->operands[1];
  int direction = (int)PJ_INT(op, comparison_direction);
  if (pj_const_of(x) && !pj_const_of(y)) {
    static const int swapped[] = {PJ_CMP_EQ, PJ_CMP_NE, PJ_CMP_LE, PJ_CMP_LT, PJ_CMP_GE, PJ_CMP_GT};
    return keep(rw, op,
                pj_build_compare(rw, op, y, x, swapped[direction], (int)PJ_INT(op, compare_type)));
  }
  if (is_pred(x)) {
    if (x == y)
      return become_int(rw, op,
                        direction == PJ_CMP_EQ || direction == PJ_CMP_GE || direction == PJ_CMP_LE);
    int64_t c;
    if (!pj_const_int(y, &c))
      return false;
    int if_false = compare_ranges(direction, (PjRange){0, 0}, (PjRange){c, c}),
        if_true = compare_ranges(direction, (PjRange){1, 1}, (PjRange){c, c});
    if (if_false == if_true)
      return become_int(rw, op, if_true);
    return keep(rw, op, if_true ? x : build_not(rw, op, x));
  }
  if (!pj_is_int(x))
    return false;
  if (x == y)
    return become_int(rw, op,
                      direction == PJ_CMP_EQ || direction == PJ_CMP_GE || direction == PJ_CMP_LE);
  PjRange a, b;
  if (pj_range_of(x, &a) && pj_range_of(y, &b)) {
    int known = compare_ranges(direction, a, b);
    if (known >= 0)
      return become_int(rw, op, known);
  }
  return compare_converted(rw, op, direction) || pj_rule_compare_floor(rw, op);
}

// ----------------------------------------------------------------------------------------- choice

// A choice between scalar predicates may stand before tensors; rules that combine predicates and
// operands need one shape.
bool pj_rule_select(PjRewrite *rw, PjOp *op) {
  PjValue *p = op->operands[0], *x = op->operands[1], *y = op->operands[2];
  int64_t known;
  if (x == y)
    return keep(rw, op, x);
  if (pj_const_int(p, &known))
    return keep(rw, op, known ? x : y);
  // A predicate of equal elements.
  PjOp *broadcast = pj_def(p, PJ_OP_BROADCAST_IN_DIM);
  if (broadcast && broadcast->operands[0]->type->rank == 0)
    return keep(rw, op, pj_build_select(rw, op, broadcast->operands[0], x, y));
  PjOp *negated = pj_def(p, PJ_OP_NOT);
  if (negated)
    return keep(rw, op, pj_build_select(rw, op, negated->operands[0], y, x));
  if (is_pred(x) && p->type->rank == x->type->rank) {
    if (pj_const_is_one(x) && pj_const_is_zero(y))
      return keep(rw, op, p);
    if (pj_const_is_zero(x) && pj_const_is_one(y))
      return keep(rw, op, build_not(rw, op, p));
    if (pj_const_is_zero(y))
      return keep(rw, op, pj_build_binary(rw, op, PJ_OP_AND, p, x));
    if (pj_const_is_one(x))
      return keep(rw, op, pj_build_binary(rw, op, PJ_OP_OR, p, y));
  }
  // Equal constants, whichever operation makes them.
  const void *a = pj_const_splat(x), *b = pj_const_splat(y);
  if (a && b && !memcmp(a, b, pj_dtype_bytes(x->type->dtype)))
    return keep(rw, op, x);
  // A choice by the same predicate inside.
  PjOp *inner = pj_def(x, PJ_OP_SELECT);
  if (inner && inner->operands[0] == p)
    return keep(rw, op, pj_build_select(rw, op, p, inner->operands[1], y));
  inner = pj_def(y, PJ_OP_SELECT);
  if (inner && inner->operands[0] == p)
    return keep(rw, op, pj_build_select(rw, op, p, x, inner->operands[2]));
  return pj_rule_select_floor(rw, op);
}

bool pj_rule_clamp(PjRewrite *rw, PjOp *op) {
  PjValue *low = op->operands[0], *x = op->operands[1], *high = op->operands[2];
  PjRange a, b, c;
  if (!pj_is_int(x) || !pj_range_of(x, &b) || !pj_range_of(low, &a) || !pj_range_of(high, &c))
    return false;
  // clamp is min(max(x, low), high)
  return b.low >= a.high && b.high <= c.low && keep(rw, op, x);
}

// ------------------------------------------------------------------------------------- conversion

// Digits of the significand of the formats whose conversions are plain.
static int precision(PjDtype dtype) {
  switch (dtype) {
  case PJ_DT_BF16:
    return 8;
  case PJ_DT_F16:
    return 11;
  case PJ_DT_F32:
    return 24;
  case PJ_DT_F64:
    return 53;
  default:
    return 0;
  }
}

// True if |to| represents every value of |from|: converting there and on is converting at once.
static bool holds_all(PjDtype to, PjDtype from) {
  unsigned bits = pj_dtype_bits(from);
  PjDtypeClass a = pj_dtype_class(from), b = pj_dtype_class(to);
  if (a == PJ_CLASS_PRED)
    return b == PJ_CLASS_SINT || b == PJ_CLASS_UINT ? pj_dtype_bits(to) >= 8 : precision(to) > 0;
  if (a == PJ_CLASS_SINT || a == PJ_CLASS_UINT) {
    unsigned digits = a == PJ_CLASS_SINT ? bits - 1 : bits;
    if (b == PJ_CLASS_SINT)
      return pj_dtype_bits(to) - 1 >= digits;
    if (b == PJ_CLASS_UINT)
      return a == PJ_CLASS_UINT && pj_dtype_bits(to) >= bits;
    return precision(to) >= (int)digits && (to != PJ_DT_F16 || digits <= 11);
  }
  if (a != PJ_CLASS_FLOAT || !precision(from) || !precision(to))
    return false;
  return precision(to) >= precision(from) && (to != PJ_DT_F16 || from == PJ_DT_F16);
}

// True if |from| as |via| as |to| is |from| as |to|.
static bool passes_through(PjDtype from, PjDtype via, PjDtype to) {
  if (!holds_all(via, from))
    return false;
  // Floats end at the limits of an integer type, integers wrap around. And integers may be rounded
  // twice on their way to a narrow float, where |via| would round once.
  bool to_float = pj_dtype_class(from) != PJ_CLASS_FLOAT && pj_dtype_is_float(via);
  return !to_float || holds_all(to, from) || to == PJ_DT_F32 || to == PJ_DT_F64;
}

// Whether |value| is a position: iotas, and sums and products of them and constants. Then it is
// computed in integers of |dtype|, narrower ones, as well: those wrap around where a conversion
// does. Vectors hold more of them.
static bool is_position(const PjValue *value, PjDtype dtype, int depth) {
  const PjOp *op = value->def;
  if (!op || !depth)
    return false;
  switch (op->kind) {
  case PJ_OP_IOTA: {
    int64_t size = op->results[0].type->dims[PJ_INT(op, iota_dimension)];
    return size != PJ_DYN && size - 1 <= INT64_MAX >> (64 - pj_dtype_bits(dtype));
  }
  case PJ_OP_CONSTANT:
    return pj_const_of(value) && pj_const_of(value)->splat;
  case PJ_OP_ADD:
  case PJ_OP_SUBTRACT:
  case PJ_OP_MULTIPLY:
    return is_position(op->operands[0], dtype, depth - 1) &&
           is_position(op->operands[1], dtype, depth - 1);
  default:
    return false;
  }
}

static PjValue *narrow_position(PjRewrite *rw, PjOp *at, PjValue *value, PjDtype dtype) {
  const PjType *type = pj_type_with_dtype(rw->arena, value->type, dtype);
  const PjOp *op = value->def;
  switch (op->kind) {
  case PJ_OP_IOTA:
    return pj_build_like(rw, at, op, NULL, type);
  case PJ_OP_CONSTANT:
    return pj_build_unary(rw, at, PJ_OP_CONVERT, value, type);
  default: {
    PjValue *x = narrow_position(rw, at, op->operands[0], dtype);
    return pj_build_binary(rw, at, op->kind, x, narrow_position(rw, at, op->operands[1], dtype));
  }
  }
}

bool pj_rule_convert(PjRewrite *rw, PjOp *op) {
  enum { TERMS = 6 };
  PjValue *x = op->operands[0];
  const PjType *type = op->results[0].type;
  if (x->type->dtype == type->dtype)
    return keep(rw, op, x);
  if (pj_is_int(x) && pj_dtype_is_int(type->dtype) && pj_dtype_bits(type->dtype) >= 8 &&
      pj_dtype_bits(type->dtype) < pj_dtype_bits(x->type->dtype) && x->def &&
      x->def->kind != PJ_OP_CONSTANT && is_position(x, type->dtype, TERMS))
    return keep(rw, op, narrow_position(rw, op, x, type->dtype));
  PjOp *inner = pj_def(x, PJ_OP_CONVERT);
  if (inner && passes_through(inner->operands[0]->type->dtype, x->type->dtype, type->dtype)) {
    PjValue *source = inner->operands[0];
    if (source->type->dtype == type->dtype)
      return keep(rw, op, source);
    return keep(rw, op, pj_build_unary(rw, op, PJ_OP_CONVERT, source, type));
  }
  return false;
}

// ----------------------------------------------------------------------------------------- bits

static PjDtype unsigned_of(unsigned bits) {
  switch (bits) {
  case 2:
    return PJ_DT_U2;
  case 4:
    return PJ_DT_U4;
  case 8:
    return PJ_DT_U8;
  case 16:
    return PJ_DT_U16;
  case 32:
    return PJ_DT_U32;
  case 64:
    return PJ_DT_U64;
  default:
    return PJ_DT_INVALID;
  }
}

// |x| by |kind|, a conversion, as elements of |dtype|.
static PjValue *as(PjRewrite *rw, PjOp *at, PjOpKind kind, PjValue *x, PjDtype dtype) {
  if (x->type->dtype == dtype)
    return x;
  return pj_build_unary(rw, at, kind, x, pj_type_with_dtype(rw->arena, x->type, dtype));
}

// Elements of less than a byte lie in a byte each, so what other types make of them is computed:
// wider elements are the sum of their shifted parts, parts what is left of them after a shift.
static bool bitcast_of_parts(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  const PjType *type = op->results[0].type;
  const PjDtype from = x->type->dtype, to = type->dtype;
  const unsigned from_bits = pj_dtype_bits(from), to_bits = pj_dtype_bits(to);
  const unsigned narrow = from_bits < to_bits ? from_bits : to_bits,
                 wide = from_bits < to_bits ? to_bits : from_bits;
  const PjDtype part = unsigned_of(narrow), whole = unsigned_of(wide);
  // Narrow integers are computed in bytes.
  const PjDtype comp = wide < 8 ? PJ_DT_U8 : whole;
  if (narrow >= 8 || narrow == wide || !part || !whole || pj_dtype_is_complex(from) ||
      pj_dtype_is_complex(to))
    return false;
  const int64_t parts = wide / narrow;
  const int32_t rank = x->type->rank;
  if (from_bits > to_bits) {
    int64_t dims[PJ_MAX_RANK];
    if (rank + 1 > PJ_MAX_RANK)
      return false;
    for (int32_t d = 0; d < rank; ++d)
      dims[d] = d;
    const PjType *spread = pj_type_with_dtype(rw->arena, type, comp);
    x = as(rw, op, PJ_OP_CONVERT, as(rw, op, PJ_OP_BITCAST_CONVERT, x, whole), comp);
    PjOp *iota = pj_build_op(rw, op, PJ_OP_IOTA, 0, NULL, spread);
    pj_op_set_attr(iota, PJ_KEY_iota_dimension, pj_attr_int(rw->arena, rank, PJ_DT_S64));
    PjValue *shift = pj_build_binary(rw, op, PJ_OP_MULTIPLY, &iota->results[0],
                                     pj_build_int(rw, op, spread, narrow));
    x = pj_build_binary(rw, op, PJ_OP_SHIFT_RIGHT_LOGICAL,
                        pj_build_broadcast(rw, op, x, dims, spread), shift);
    x = pj_build_binary(rw, op, PJ_OP_AND, x,
                        pj_build_int(rw, op, spread, (INT64_C(1) << narrow) - 1));
    return keep(rw, op, as(rw, op, PJ_OP_BITCAST_CONVERT, as(rw, op, PJ_OP_CONVERT, x, part), to));
  }
  const PjType *joined = pj_type_with_dtype(rw->arena, type, comp);
  x = as(rw, op, PJ_OP_CONVERT, as(rw, op, PJ_OP_BITCAST_CONVERT, x, part), comp);
  PjValue *sum = NULL;
  for (int64_t i = 0; i < parts; ++i) {
    int64_t start[PJ_MAX_RANK] = {0}, limit[PJ_MAX_RANK];
    memcpy(limit, x->type->dims, (size_t)rank * sizeof *limit);
    start[rank - 1] = i;
    limit[rank - 1] = i + 1;
    PjValue *one = pj_build_reshape(rw, op, pj_build_slice(rw, op, x, start, limit, NULL), joined);
    if (i)
      one =
          pj_build_binary(rw, op, PJ_OP_SHIFT_LEFT, one, pj_build_int(rw, op, joined, i * narrow));
    sum = sum ? pj_build_binary(rw, op, PJ_OP_OR, sum, one) : one;
  }
  return keep(rw, op, as(rw, op, PJ_OP_BITCAST_CONVERT, as(rw, op, PJ_OP_CONVERT, sum, whole), to));
}

bool pj_rule_bitcast(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  const PjType *type = op->results[0].type;
  if (pj_type_eq(x->type, type))
    return keep(rw, op, x);
  if (bitcast_of_parts(rw, op))
    return true;
  PjOp *inner = pj_def(x, PJ_OP_BITCAST_CONVERT);
  if (!inner)
    return false;
  PjValue *source = inner->operands[0];
  if (pj_type_eq(source->type, type))
    return keep(rw, op, source);
  return source->type->rank == type->rank && source->type->rank == x->type->rank &&
         keep(rw, op, pj_build_unary(rw, op, PJ_OP_BITCAST_CONVERT, source, type));
}
