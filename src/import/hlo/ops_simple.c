// Opcodes that are an operation of ours with few attributes or none, and those that only pass
// values on.
#include <inttypes.h>

#include "import/hlo/builders.h"

// Opcodes without a meaning here.
PjStatus pj_hlo_build_unsupported(PjHloSite *s) {
  return PJ_ERROR(UNIMPLEMENTED, "%.*s is not supported", PJ_STR_ARG(s->inst->opcode));
}

// ---------------------------------------------------------------------- passing on
PjStatus pj_hlo_build_parameter(PjHloSite *s) {
  s->result = s->frame->params[s->inst->parameter_number];
  return PJ_STATUS_OK;
}

// The first operand: copy, domain, add-dependency.
PjStatus pj_hlo_build_forward(PjHloSite *s) {
  s->result = pj_hlo_leaves(s, 0);
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_tuple(PjHloSite *s) {
  s->result = pj_hlo_gather_leaves(s, 0, s->inst->num_operands);
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_get_tuple_element(PjHloSite *s) {
  const PjHloShape *shape = s->frame->comp->insts[s->inst->operands[0]].shape;
  uint32_t first;
  PJ_FAIL_IF(shape->type, INVALID_ARGUMENT, "its operand is no tuple");
  const PjHloShape *part =
      pj_hlo_shape_part(shape, (PjHloInts){.data = &s->msg.tuple_index, .len = 1}, &first);
  PJ_FAIL_IF(!part, INVALID_ARGUMENT, "element %" PRId64 " of a tuple of %u", s->msg.tuple_index,
             shape->num_elems);
  s->result = (PjHloLeaves){pj_hlo_leaves(s, 0).v + first, part->num_leaves};
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------- elementwise
static PjStatus set_accuracy(PjHloSite *s, PjOp *op) {
  PjHloAccuracyMsg msg = {0};
  PjHloToleranceMsg tolerance = {0};
  if (!s->msg.result_accuracy.ptr)
    return PJ_STATUS_OK;
  PJ_TRY(pj_hlo_decode(s->h, s->msg.result_accuracy, PJ_HLO_Accuracy, &msg));
  if (msg.tolerance.ptr)
    PJ_TRY(pj_hlo_decode(s->h, msg.tolerance, PJ_HLO_Tolerance, &tolerance));
  PJ_FAIL_IF(msg.mode < 0 || msg.mode > 1, INVALID_ARGUMENT, "result_accuracy of mode %" PRId64,
             msg.mode);
  int mode = msg.tolerance.ptr ? PJ_ACCURACY_TOLERANCE
             : msg.mode        ? PJ_ACCURACY_HIGHEST
                               : PJ_ACCURACY_DEFAULT;
  PJ_HLO_SET(op, result_accuracy,
             pj_attr_accuracy(s->h->arena, tolerance.atol, tolerance.rtol, tolerance.ulps, mode));
  return PJ_STATUS_OK;
}

// Operand |i| cut to the size that |sized| has in |dim|.
static PjStatus set_size(PjHloSite *s, PjOp *op, uint32_t i, PjValue *sized, int32_t dim) {
  PjArena *arena = s->h->arena;
  const PjType *type = op->operands[i]->type;
  const PjAttr *dimension = pj_attr_i64(arena, dim);
  int64_t dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  PjOp *get = pj_hlo_op(s, PJ_OP_GET_DIMENSION_SIZE, 1, 1, 0),
       *set = pj_hlo_op(s, PJ_OP_SET_DIMENSION_SIZE, 2, 1, 0);
  for (int32_t d = 0; d < type->rank; ++d) {
    dims[d] = d == dim ? PJ_DYN : type->dims[d];
    bounds[d] = d == dim ? type->dims[d] : type->bounds ? type->bounds[d] : PJ_DYN;
  }
  get->operands[0] = sized;
  set->operands[0] = op->operands[i];
  PJ_HLO_SET(get, dimension, dimension);
  PJ_HLO_SET(set, dimension, dimension);
  PJ_TRY(pj_hlo_append_one(s, get, pj_type_tensor(arena, PJ_DT_S32, 0, NULL), &set->operands[1]));
  return pj_hlo_append_one(s, set,
                           pj_type_tensor_full(arena, type->dtype, NULL, type->rank, dims, bounds),
                           &op->operands[i]);
}

// In HLO an array of bounded size is one that is padded to its bound, so that it goes with arrays
// of that size; what they have beyond the smaller one's size counts for nothing.
static PjStatus align_sizes(PjHloSite *s, PjOp *op) {
  for (uint32_t k = 0; k < op->num_operands; ++k) {
    PjValue *sized = op->operands[k];
    if (!sized || !pj_type_is_tensor(sized->type) || pj_type_is_static(sized->type))
      continue;
    for (int32_t d = 0; d < sized->type->rank; ++d)
      for (uint32_t i = 0; i < op->num_operands && sized->type->dims[d] == PJ_DYN; ++i) {
        const PjType *type = op->operands[i] ? op->operands[i]->type : NULL;
        if (type && pj_type_is_tensor(type) && type->rank == sized->type->rank &&
            type->dims[d] != PJ_DYN)
          PJ_TRY(set_size(s, op, i, sized, d));
      }
  }
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_same(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, s->inst->row->kind, 1, 0);
  PJ_TRY(set_accuracy(s, op));
  if (pj_op_info[op->kind].traits & PJ_TRAIT_ELEM)
    PJ_TRY(align_sizes(s, op));
  return pj_hlo_finish(s, op);
}

// To booleans: whether it is not zero.
PjStatus pj_hlo_build_convert(PjHloSite *s) {
  PjValue *value, *zeros;
  PJ_TRY(pj_hlo_array(s, 0, &value));
  bool test = s->inst->shape->type && s->inst->shape->type->dtype == PJ_DT_PRED &&
              value->type->dtype != PJ_DT_PRED;
  if (!test || !pj_type_is_static(value->type))
    return pj_hlo_build_same(s);
  PJ_TRY(pj_hlo_zeros(s, value->type, &zeros));
  PjOp *op = pj_hlo_op(s, PJ_OP_COMPARE, 2, 1, 0);
  op->operands[0] = value;
  op->operands[1] = zeros;
  PJ_HLO_SET(op, comparison_direction,
             pj_attr_enum(s->h->arena, PJ_ENUM_COMPARE_DIRECTION, PJ_CMP_NE));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_compare(PjHloSite *s) {
  static const struct {
    const char *opcode;
    int direction;
  } old[] = {
      {"equal-to", PJ_CMP_EQ},     {"not-equal-to", PJ_CMP_NE},
      {"greater-than", PJ_CMP_GT}, {"greater-than-or-equal-to", PJ_CMP_GE},
      {"less-than", PJ_CMP_LT},    {"less-than-or-equal-to", PJ_CMP_LE},
  };
  PjArena *arena = s->h->arena;
  int64_t direction = pj_enum_value(PJ_ENUM_COMPARE_DIRECTION, s->msg.comparison_direction);
  for (size_t i = 0; i < sizeof old / sizeof *old; ++i)
    if (pj_str_is(s->inst->opcode, old[i].opcode))
      direction = old[i].direction;
  PJ_FAIL_IF(direction < 0, INVALID_ARGUMENT, "comparison_direction \"%.*s\"",
             PJ_STR_ARG(s->msg.comparison_direction));
  int64_t type = PJ_CMPTYPE_NOTYPE;
  if (s->msg.comparison_type.len)
    type = pj_enum_value(PJ_ENUM_COMPARE_TYPE, s->msg.comparison_type);
  PJ_FAIL_IF(type < 0, INVALID_ARGUMENT, "comparison_type \"%.*s\"",
             PJ_STR_ARG(s->msg.comparison_type));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_COMPARE, 1, 0);
  PJ_TRY(align_sizes(s, op));
  PJ_HLO_SET(op, comparison_direction, pj_attr_enum(arena, PJ_ENUM_COMPARE_DIRECTION, direction));
  PJ_HLO_SET(op, compare_type, pj_attr_enum(arena, PJ_ENUM_COMPARE_TYPE, type));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_reduce_precision(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_REDUCE_PRECISION, 1, 0);
  PJ_HLO_SET(op, exponent_bits, pj_attr_int(s->h->arena, s->msg.exponent_bits, PJ_DT_S32));
  PJ_HLO_SET(op, mantissa_bits, pj_attr_int(s->h->arena, s->msg.mantissa_bits, PJ_DT_S32));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_map(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_MAP, 1, 1);
  PJ_HLO_SET(op, dimensions, pj_hlo_ints_attr(s, s->msg.dimensions));
  PJ_TRY(pj_hlo_region(s, 0, true, &op->regions[0]));
  return pj_hlo_finish(s, op);
}

// ---------------------------------------------------------------------- creation
// The arrays of |literal|, of |shape|, from |*at| on. Literals nest as shapes do.
static PjStatus make_constants(PjHloSite *s, const PjHloShape *shape, PjStr literal,
                               PjValue ***at) {
  PjHloTupleLiteralMsg msg = {0};
  const PjAttr *value;
  if (shape->type) {
    PJ_FAIL_IF(shape->type->kind != PJ_TYPE_TENSOR, INVALID_ARGUMENT, "a constant token");
    PJ_TRY(pj_hlo_literal(s->h, literal, shape->type, &value));
    PjOp *op = pj_hlo_op(s, PJ_OP_CONSTANT, 0, 1, 0);
    PJ_HLO_SET(op, value, value);
    return pj_hlo_append_one(s, op, shape->type, (*at)++);
  }
  PJ_TRY(pj_hlo_decode(s->h, literal, PJ_HLO_TupleLiteral, &msg));
  PJ_FAIL_IF(msg.elements.len != shape->num_elems, INVALID_ARGUMENT,
             "a literal of %zu elements for a tuple of %u", msg.elements.len, shape->num_elems);
  for (uint32_t i = 0; i < shape->num_elems; ++i)
    PJ_TRY(make_constants(s, &shape->elems[i], msg.elements.data[i], at));
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_constant(PjHloSite *s) {
  PJ_FAIL_IF(!s->msg.literal.ptr, INVALID_ARGUMENT, "a constant without a literal");
  uint32_t count = s->inst->shape->num_leaves;
  PjValue **at = PJ_NEW_ARRAY(s->h->arena, PjValue *, count);
  s->result = (PjHloLeaves){at, count};
  return make_constants(s, s->inst->shape, s->msg.literal, &at);
}

PjStatus pj_hlo_build_iota(PjHloSite *s) {
  PjOp *op = pj_hlo_op(s, PJ_OP_IOTA, 0, 1, 0);
  int64_t dimension;
  PJ_TRY(pj_hlo_one_dimension(s, &dimension));
  PJ_HLO_SET(op, iota_dimension, pj_attr_i64(s->h->arena, dimension));
  return pj_hlo_finish(s, op);
}
