// Recognising arg reductions.
//
// The body takes (v1, i1, v2, i2), in the order of the operands, and returns one of v1 and v2, and
// one of i1 and i2. Programs write it in many ways. If it is made of nothing but comparisons of v1
// with v2 and of i1 with i2 (each also with itself), logic and choices, then what it chooses
// depends only on how the two compare. So it is tried on one example of each case, which is a
// proof.
#include "pass/match.h"
#include "pass/constant.h"

typedef struct Example {
  int order;   // of v1 to v2: -1, 0, 1; 2 if a NaN is among them
  bool nan[2]; // v1, v2
  int indices; // order of i1 to i2
} Example;

enum { MAX_BODY = 32, IS_FALSE = -2, IS_TRUE = -1, UNKNOWN = -3 }; // else: the argument chosen

typedef struct Trial {
  const PjRegion *body;
  const Example *example;
  uint32_t value; // which operand is the value
  const PjValue *values[MAX_BODY];
  int results[MAX_BODY];
  uint32_t count;
} Trial;

static int result_of(const Trial *t, const PjValue *value) {
  if (value->region == t->body)
    return (int)value->index;
  for (uint32_t i = 0; i < t->count; ++i)
    if (t->values[i] == value)
      return t->results[i];
  int64_t known;
  if (value->type->dtype == PJ_DT_PRED && pj_const_int(value, &known))
    return known ? IS_TRUE : IS_FALSE;
  return UNKNOWN;
}

static bool compares(int order, int direction) {
  switch (direction) {
  case PJ_CMP_EQ:
    return order == 0;
  case PJ_CMP_NE:
    return order != 0;
  case PJ_CMP_GE:
    return order == 0 || order == 1;
  case PJ_CMP_GT:
    return order == 1;
  case PJ_CMP_LE:
    return order == 0 || order == -1;
  default:
    return order == -1;
  }
}

// Order of arguments |a| and |b|, both values or both indices.
static int order_of(const Trial *t, int a, int b) {
  bool is_value = (uint32_t)(a & 1) == t->value;
  if (a == b)
    return is_value && t->example->nan[a >> 1] ? 2 : 0;
  int order = is_value ? t->example->order : t->example->indices;
  return a < b || order == 2 ? order : -order;
}

static int try_compare(const Trial *t, const PjOp *op) {
  int a = result_of(t, op->operands[0]), b = result_of(t, op->operands[1]);
  if (a < 0 || b < 0 || (a & 1) != (b & 1) || PJ_INT(op, compare_type) == PJ_CMPTYPE_TOTALORDER)
    return UNKNOWN;
  return compares(order_of(t, a, b), (int)PJ_INT(op, comparison_direction)) ? IS_TRUE : IS_FALSE;
}

static int try_op(const Trial *t, const PjOp *op) {
  int x[3] = {UNKNOWN, UNKNOWN, UNKNOWN};
  if (op->kind == PJ_OP_COMPARE)
    return try_compare(t, op);
  for (uint32_t i = 0; i < op->num_operands && i < 3; ++i)
    if ((x[i] = result_of(t, op->operands[i])) == UNKNOWN)
      return UNKNOWN;
  bool logic = (x[0] == IS_TRUE || x[0] == IS_FALSE) &&
               (op->num_operands != 2 || x[1] == IS_TRUE || x[1] == IS_FALSE);
  bool a = x[0] == IS_TRUE, b = x[1] == IS_TRUE;
  if (!logic)
    return UNKNOWN;
  switch (op->kind) {
  case PJ_OP_AND:
    return a && b ? IS_TRUE : IS_FALSE;
  case PJ_OP_OR:
    return a || b ? IS_TRUE : IS_FALSE;
  case PJ_OP_XOR:
    return a != b ? IS_TRUE : IS_FALSE;
  case PJ_OP_NOT:
    return a ? IS_FALSE : IS_TRUE;
  case PJ_OP_SELECT:
    return a ? x[1] : x[2];
  default:
    return UNKNOWN;
  }
}

// What the body returns for |example|: arguments 0 to 3.
static bool try_body(const PjRegion *body, uint32_t value, const Example *example, int out[2]) {
  Trial t = {.body = body, .example = example, .value = value};
  const PjOp *end = body->last;
  for (const PjOp *op = body->first; op != end; op = op->next) {
    if (op->kind == PJ_OP_CONSTANT)
      continue;
    if (op->num_results != 1 || op->num_regions || t.count == MAX_BODY)
      return false;
    t.values[t.count] = &op->results[0];
    t.results[t.count++] = try_op(&t, op);
  }
  for (int i = 0; i < 2; ++i) {
    out[i] = result_of(&t, end->operands[i]);
    if (out[i] < 0 || (out[i] & 1) != i)
      return false;
  }
  return true;
}

// True if the body chooses as PjArgMatch says.
static bool chooses(const PjRegion *body, uint32_t value, bool max, bool is_float) {
  for (int order = -1; order <= 2; ++order)
    for (int indices = -1; indices <= 1; ++indices)
      for (int nans = 1; nans <= (order == 2 ? 3 : 1); ++nans) {
        Example example = {.order = order, .indices = indices};
        if (order == 2 && !is_float)
          continue;
        example.nan[0] = order == 2 && nans & 1;
        example.nan[1] = order == 2 && nans & 2;
        int got[2], want;
        if (!try_body(body, value, &example, got))
          return false;
        if (order == 2)
          want = nans == 3 ? -1 : nans == 1 ? 0 : 1;
        else if (order == 0)
          want = indices < 0 ? 0 : indices > 0 ? 1 : -1;
        else
          want = (order > 0) == max ? 0 : 1;
        // Equal values may come from either side, the index may not; of two NaNs any will do.
        if (want >= 0 && got[1 - value] >> 1 != want)
          return false;
        if (want >= 0 && order != 0 && got[value] >> 1 != want)
          return false;
      }
  return true;
}

bool pj_match_arg_reduce(const PjOp *op, PjArgMatch *out) {
  uint32_t num_dims;
  if (op->kind != PJ_OP_REDUCE || op->num_operands != 4)
    return false;
  const int64_t *dims = PJ_INTS(op, dimensions, &num_dims);
  const PjRegion *body = &op->regions[0];
  if (num_dims != 1 || body->last->num_operands != 2)
    return false;
  for (uint32_t value = 0; value < 2; ++value) {
    uint32_t index = 1 - value;
    const PjType *type = op->operands[value]->type, *index_type = op->operands[index]->type;
    const PjOp *iota = op->operands[index]->def;
    if (!iota || iota->kind != PJ_OP_IOTA || PJ_INT(iota, iota_dimension) != dims[0] ||
        !pj_dtype_is_int(index_type->dtype) || !pj_type_is_static(type) || type->quant)
      continue;
    bool is_float = pj_dtype_is_float(type->dtype);
    if ((!is_float && !pj_dtype_is_int(type->dtype) && type->dtype != PJ_DT_PRED) ||
        body->args[value].type->dtype != type->dtype ||
        body->args[index].type->dtype != index_type->dtype ||
        op->results[value].type->dtype != type->dtype ||
        op->results[index].type->dtype != index_type->dtype)
      continue;
    const PjValue *init = op->operands[2 + value], *first = op->operands[2 + index];
    bool max = pj_const_is_lowest(init);
    // An element like the initial value counts only if that has no smaller index than the first.
    if ((!max && !pj_const_is_highest(init)) ||
        (!pj_const_is_zero(first) && !pj_const_is_highest(first)) ||
        !chooses(body, value, max, is_float))
      continue;
    *out = (PjArgMatch){max, value, index, (int32_t)dims[0]};
    return true;
  }
  return false;
}
