// Rules that bring other forms of an operation into the usual one: operations with dynamic sizes
// whose result is static after all, legacy operations, chlo's implicit broadcasts, map.
//
// They see operations of any types. What a dynamic operation computes when its size operands
// contradict its static result type is undefined (the evaluator reports an error); the static form
// takes the type at its word.
#include <stdio.h>

#include "eval/kernel.h"
#include "pass/body.h"
#include "pass/shapes.h"
#include "pass/simplify.h"

static bool keep(PjRewrite *rw, PjOp *op, PjValue *value) {
  return pj_rw_become(rw, op, value);
}

static bool is_plain(const PjType *type) {
  return pj_type_is_static(type) && !type->quant;
}

static bool all_plain(const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!is_plain(op->operands[i]->type))
      return false;
  return is_plain(op->results[0].type);
}

// The integers of operand |i|, as an attribute; NULL when they are not constant.
static const PjAttr *ints_of(PjRewrite *rw, const PjOp *op, uint32_t i, uint32_t count) {
  int64_t values[PJ_MAX_RANK];
  uint32_t found;
  if (!pj_const_ints(op->operands[i], PJ_MAX_RANK, values, &found) || found != count)
    return NULL;
  return pj_attr_ints(rw->arena, found, values);
}

// A |kind| on the first |num_operands| operands, with the attributes that |op| has, too.
static PjOp *convert(PjRewrite *rw, PjOp *op, PjOpKind kind, uint32_t num_operands) {
  PjOp *made = pj_build_op(rw, op, kind, num_operands, op->operands, op->results[0].type);
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
    if (op->attrs[i])
      pj_op_set_attr(made, pj_op_info[op->kind].attrs[i].key, op->attrs[i]);
  return made;
}

static bool done(PjRewrite *rw, PjOp *op, PjOp *made) {
  return keep(rw, op, pj_build_done(rw, made));
}

// --------------------------------------------------------------------------------- dynamic sizes

bool pj_rule_dynamic_shape(PjRewrite *rw, PjOp *op) {
  const PjType *type = op->results[0].type, *x = op->num_operands ? op->operands[0]->type : NULL;
  if (!is_plain(type))
    return false;
  switch (op->kind) {
  case PJ_OP_DYNAMIC_RESHAPE:
    return is_plain(x) && pj_count(x) == pj_count(type) &&
           keep(rw, op, pj_build_reshape(rw, op, op->operands[0], type));
  case PJ_OP_DYNAMIC_IOTA:
    return done(rw, op, convert(rw, op, PJ_OP_IOTA, 0));
  case PJ_OP_DYNAMIC_BROADCAST_IN_DIM: {
    const int64_t *to = PJ_INTS(op, broadcast_dimensions, NULL);
    if (!is_plain(x))
      return false;
    for (int32_t i = 0; i < x->rank; ++i)
      if (x->dims[i] != 1 && x->dims[i] != type->dims[to[i]])
        return false;
    return done(rw, op, convert(rw, op, PJ_OP_BROADCAST_IN_DIM, 1));
  }
  case PJ_OP_DYNAMIC_PAD: {
    uint32_t rank = (uint32_t)type->rank;
    if (!is_plain(x))
      return false;
    const PjAttr *low = ints_of(rw, op, 2, rank), *high = ints_of(rw, op, 3, rank),
                 *interior = ints_of(rw, op, 4, rank);
    if (!low || !high || !interior)
      return false;
    for (uint32_t d = 0; d < rank; ++d) {
      int64_t size = x->dims[d], gaps = size > 1 ? size - 1 : 0;
      if (interior->ints[d] < 0 ||
          size + gaps * interior->ints[d] + low->ints[d] + high->ints[d] != type->dims[d])
        return false;
    }
    PjOp *made = convert(rw, op, PJ_OP_PAD, 2);
    pj_op_set_attr(made, PJ_KEY_edge_padding_low, low);
    pj_op_set_attr(made, PJ_KEY_edge_padding_high, high);
    pj_op_set_attr(made, PJ_KEY_interior_padding, interior);
    return done(rw, op, made);
  }
  case PJ_OP_DYNAMIC_GATHER: {
    const PjAttr *sizes = is_plain(x) ? ints_of(rw, op, 2, (uint32_t)x->rank) : NULL;
    if (!sizes || !is_plain(op->operands[1]->type))
      return false;
    for (int32_t d = 0; d < x->rank; ++d)
      if (sizes->ints[d] < 0 || sizes->ints[d] > x->dims[d])
        return false;
    PjOp *made = convert(rw, op, PJ_OP_GATHER, 2);
    pj_op_set_attr(made, PJ_KEY_slice_sizes, sizes);
    pj_op_fill_defaults(rw->arena, made);
    const PjType *inferred;
    if (pj_rw_infers(rw, made, &inferred) && pj_type_eq(inferred, type))
      return done(rw, op, made);
    pj_rw_erase(rw, made);
    return false;
  }
  case PJ_OP_REAL_DYNAMIC_SLICE: {
    uint32_t rank = (uint32_t)type->rank;
    const PjAttr *start = ints_of(rw, op, 1, rank), *limit = ints_of(rw, op, 2, rank),
                 *strides = ints_of(rw, op, 3, rank);
    if (!is_plain(x) || !start || !limit || !strides)
      return false;
    for (uint32_t d = 0; d < rank; ++d)
      if (start->ints[d] < 0 || limit->ints[d] < start->ints[d] || limit->ints[d] > x->dims[d] ||
          strides->ints[d] < 1 ||
          (limit->ints[d] - start->ints[d] + strides->ints[d] - 1) / strides->ints[d] !=
              type->dims[d])
        return false;
    return keep(rw, op,
                pj_build_slice(rw, op, op->operands[0], start->ints, limit->ints, strides->ints));
  }
  case PJ_OP_GET_DIMENSION_SIZE: {
    int64_t size = x->kind == PJ_TYPE_TENSOR ? x->dims[PJ_INT(op, dimension)] : PJ_DYN;
    return size != PJ_DYN && !x->bounds && keep(rw, op, pj_build_int(rw, op, type, size));
  }
  default:
    return false;
  }
}

// ---------------------------------------------------------------------------------------- legacy

bool pj_rule_legacy_broadcast(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  if (!all_plain(op))
    return false;
  int64_t dims[PJ_MAX_RANK];
  int32_t before = op->results[0].type->rank - x->type->rank;
  for (int32_t i = 0; i < x->type->rank; ++i)
    dims[i] = before + i;
  return keep(rw, op, pj_build_broadcast(rw, op, x, dims, op->results[0].type));
}

// The last dimension of the left operand with the first of the right one.
bool pj_rule_legacy_dot(PjRewrite *rw, PjOp *op) {
  if (!all_plain(op))
    return false;
  int64_t lhs = op->operands[0]->type->rank - 1, rhs = 0;
  PjOp *made = convert(rw, op, PJ_OP_DOT_GENERAL, 2);
  pj_op_set_attr(made, PJ_KEY_lhs_contracting_dimensions, pj_attr_ints(rw->arena, 1, &lhs));
  pj_op_set_attr(made, PJ_KEY_rhs_contracting_dimensions, pj_attr_ints(rw->arena, 1, &rhs));
  return done(rw, op, made);
}

bool pj_rule_map(PjRewrite *rw, PjOp *op) {
  enum { MAX_BODY = 64, MAX_ARGS = 8 };
  PjValue *value;
  if (!all_plain(op) || op->num_operands > MAX_ARGS ||
      !pj_region_spreads(&op->regions[0], MAX_BODY))
    return false;
  pj_region_spread(rw, op, &op->regions[0], op->operands, &value);
  return pj_type_eq(value->type, op->results[0].type) && keep(rw, op, value);
}

// ------------------------------------------------------------------------------------------ chlo

bool pj_rule_chlo_constant(PjRewrite *rw, PjOp *op) {
  const PjAttr *value = PJ_ATTR(op, value);
  return is_plain(op->results[0].type) &&
         keep(rw, op, pj_build_const(rw, op, op->results[0].type, value->data, value->data_size));
}

bool pj_rule_chlo_constant_like(PjRewrite *rw, PjOp *op) {
  const PjAttr *value = PJ_ATTR(op, value);
  const PjType *type = op->results[0].type;
  _Alignas(16) char element[16] = {0};
  if (!is_plain(type) || pj_dtype_is_complex(type->dtype))
    return false;
  if (value->kind == PJ_ATTR_FLOAT)
    pj_convert_n(PJ_DT_F64, type->dtype, 1, &value->f64, element);
  else if (value->kind == PJ_ATTR_INT || value->kind == PJ_ATTR_BOOL)
    pj_convert_n(PJ_DT_S64, type->dtype, 1, &value->i64, element);
  else
    return false;
  return keep(rw, op, pj_build_splat(rw, op, type, element));
}

// The operation that chlo.broadcast_<name> is on equal shapes.
static PjOpKind plain_kind(PjOpKind kind) {
  static const char prefix[] = "chlo.broadcast_";
  const char *name = pj_op_info[kind].text + sizeof prefix - 1;
  char text[64];
  for (int dialect = 0; dialect < 2; ++dialect) {
    int len = snprintf(text, sizeof text, "%s.%s", dialect ? "chlo" : "stablehlo", name);
    PjOpKind found = pj_op_from_text((PjStr){text, (size_t)len});
    if (found != PJ_OP_INVALID)
      return found;
  }
  return PJ_OP_INVALID;
}

// Dimensions are aligned at the last, or |broadcast_dimensions| places those of the operand of
// smaller rank; size 1 fits any.
bool pj_rule_chlo_broadcast(PjRewrite *rw, PjOp *op) {
  const PjType *type = op->results[0].type;
  PjOpKind kind = plain_kind(op->kind);
  if (!all_plain(op) || kind == PJ_OP_INVALID || op->num_operands > 3)
    return false;
  const PjAttr *placed = PJ_ATTR(op, broadcast_dimensions);
  PjValue *operands[3];
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjType *from = op->operands[i]->type;
    int64_t dims[PJ_MAX_RANK];
    if (from->rank < type->rank && placed && placed->count != (uint32_t)from->rank)
      return false;
    for (int32_t d = 0; d < from->rank; ++d) {
      dims[d] = from->rank < type->rank && placed ? placed->ints[d] : d + type->rank - from->rank;
      if (dims[d] < 0 || dims[d] >= type->rank ||
          (from->dims[d] != 1 && from->dims[d] != type->dims[dims[d]]))
        return false;
    }
    const PjType *to = pj_type_with_dtype(rw->arena, type, from->dtype);
    operands[i] = pj_type_eq(from, to) ? op->operands[i]
                                       : pj_build_broadcast(rw, op, op->operands[i], dims, to);
  }
  PjOp *made = pj_build_op(rw, op, kind, op->num_operands, operands, type);
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
    if (op->attrs[i])
      pj_op_set_attr(made, pj_op_info[op->kind].attrs[i].key, op->attrs[i]);
  return done(rw, op, made);
}
