// Control flow, calls, custom calls, tokens, dynamic sizes.
#include <inttypes.h>
#include <stdio.h>

#include "import/hlo/builders.h"

// ---------------------------------------------------------------------- calls
// The computation in place of the instruction: fusions, and calls from the bodies of reductions.
static PjStatus inline_callee(PjHloSite *s, uint32_t callee, PjRegion *region,
                              uint32_t first_operand, uint32_t num_operands, PjHloLeaves *out) {
  PjHloComp *comp = &s->h->comps[s->inst->callees[callee]];
  PJ_FAIL_IF(comp->num_params != num_operands, INVALID_ARGUMENT,
             "computation %.*s takes %u parameters, but gets %u", PJ_STR_ARG(comp->name),
             comp->num_params, num_operands);
  PjHloLeaves *params = PJ_NEW_ARRAY(s->h->arena, PjHloLeaves, num_operands);
  for (uint32_t i = 0; i < num_operands; ++i) {
    const PjHloShape *shape = comp->insts[comp->params[i]].shape;
    params[i] = pj_hlo_leaves(s, first_operand + i);
    bool fits = params[i].n == shape->num_leaves;
    const PjType **types = PJ_NEW_ARRAY(s->h->arena, const PjType *, shape->num_leaves);
    pj_hlo_shape_leaves(shape, types);
    for (uint32_t j = 0; fits && j < params[i].n; ++j)
      fits = params[i].v[j] && pj_hlo_fits(params[i].v[j]->type, types[j]);
    PJ_FAIL_IF(!fits, INVALID_ARGUMENT, "operand %u does not fit parameter %u of computation %.*s",
               first_operand + i, i, PJ_STR_ARG(comp->name));
  }
  return pj_hlo_emit(s->h, comp, region, s->frame->scalar_body, params, out);
}

PjStatus pj_hlo_build_inlined(PjHloSite *s) {
  return inline_callee(s, 0, s->frame->region, 0, s->inst->num_operands, &s->result);
}

// The name of the function that computation |place| becomes, which is made at its first use. Names
// of computations may be any text, also several times: a number makes them unique.
static PjStatus callee_symbol(PjHlo *h, uint32_t place, PjStr *out) {
  PjHloComp *comp = &h->comps[place];
  if (!comp->symbol.len) {
    PjOp *func;
    const char *name =
        pj_arena_printf(h->arena, "%.*s_%u", PJ_STR_ARG(comp->name), h->num_symbols++);
    PJ_TRY(pj_hlo_function(h, place, pj_str(name), &func));
    PJ_HLO_SET(func, sym_visibility, pj_attr_string(h->arena, PJ_STR("private")));
    pj_op_fill_defaults(h->arena, func);
    pj_op_append(&h->module->body, func);
    comp->symbol = pj_str(name);
  }
  *out = comp->symbol;
  return PJ_STATUS_OK;
}

// A call that the framework marked as an operation of its own: its name, attributes and version
// stand beside it.
static PjStatus composite(PjHloSite *s, PjOp *op, PjStr decomposition) {
  PjHloFrontendAttributesMsg attributes = {0};
  PjStr name = {0}, version = {0};
  const PjAttr *dict = NULL;
  PJ_TRY(pj_hlo_decode(s->h, s->msg.frontend_attributes, PJ_HLO_FrontendAttributes, &attributes));
  for (uint32_t i = 0; i < attributes.map.len; ++i) {
    PjHloMapEntryMsg entry = {0};
    PJ_TRY(pj_hlo_decode(s->h, attributes.map.data[i], PJ_HLO_MapEntry, &entry));
    if (pj_str_is(entry.key, "composite.name"))
      name = entry.value;
    else if (pj_str_is(entry.key, "composite.attributes"))
      PJ_TRY_IN(pj_hlo_dict(s, entry.value, &dict), "composite.attributes");
    else if (pj_str_is(entry.key, "composite.version"))
      version = entry.value;
  }
  PJ_FAIL_IF(!name.len, INVALID_ARGUMENT, "a composite without the attribute composite.name");
  int64_t number = 0;
  for (size_t i = 0; i < version.len && i < 9; ++i)
    if (version.ptr[i] >= '0' && version.ptr[i] <= '9')
      number = number * 10 + (version.ptr[i] - '0');
  PJ_HLO_SET(op, name, pj_attr_string(s->h->arena, name));
  if (dict)
    PJ_HLO_SET(op, composite_attributes, dict);
  PJ_HLO_SET(op, decomposition, pj_attr_symbol(s->h->arena, decomposition));
  PJ_HLO_SET(op, version, pj_attr_int(s->h->arena, number, PJ_DT_S32));
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_call(PjHloSite *s) {
  PjStr symbol;
  if (s->frame->scalar_body)
    return pj_hlo_build_inlined(s);
  PJ_TRY(callee_symbol(s->h, s->inst->callees[0], &symbol));
  uint32_t results = s->inst->shape->num_leaves;
  PjOp *op = pj_hlo_op_on_all(s, s->msg.is_composite ? PJ_OP_COMPOSITE : PJ_OP_CALL, results, 0);
  if (s->msg.is_composite)
    PJ_TRY(composite(s, op, symbol));
  else
    PJ_HLO_SET(op, callee, pj_attr_symbol(s->h->arena, symbol));
  return pj_hlo_finish(s, op);
}

// Layouts that a custom call insists on, one list for each array.
static const PjAttr *layouts_attr(PjHloSite *s, const PjHloShape *const *shapes, uint32_t count) {
  PjArena *arena = s->h->arena;
  const PjAttr **lists = PJ_NEW_ARRAY(arena, const PjAttr *, count);
  for (uint32_t i = 0; i < count; ++i) {
    int64_t order[PJ_MAX_RANK];
    int32_t rank = shapes[i]->type->kind == PJ_TYPE_TENSOR ? shapes[i]->type->rank : 0;
    for (int32_t d = 0; d < rank; ++d)
      order[d] = shapes[i]->layout ? shapes[i]->layout[d] : rank - 1 - d;
    lists[i] = pj_attr_ints(arena, (size_t)rank, order);
  }
  return pj_attr_array(arena, count, lists);
}

static const PjHloShape **put_shapes(const PjHloShape *shape, const PjHloShape **out) {
  if (shape->type)
    *out++ = shape;
  for (uint32_t i = 0; i < shape->num_elems; ++i)
    out = put_shapes(&shape->elems[i], out);
  return out;
}

static PjStatus set_layouts(PjHloSite *s, PjOp *op) {
  PjArena *arena = s->h->arena;
  const PjHloShape **operands = PJ_NEW_ARRAY(arena, const PjHloShape *, op->num_operands),
                   **results = PJ_NEW_ARRAY(arena, const PjHloShape *, op->num_results);
  uint32_t count = 0;
  for (uint32_t i = 0; i < s->msg.operand_shapes_with_layout.len; ++i) {
    const PjHloShape *shape;
    PJ_TRY(pj_hlo_shape(s->h, s->msg.operand_shapes_with_layout.data[i], &shape));
    PJ_FAIL_IF(shape->num_leaves > op->num_operands - count, INVALID_ARGUMENT,
               "more operand layouts than operands");
    put_shapes(shape, operands + count);
    count += shape->num_leaves;
  }
  PJ_FAIL_IF(count != op->num_operands, INVALID_ARGUMENT, "%u operand layouts of %u operands",
             count, op->num_operands);
  put_shapes(s->inst->shape, results);
  PJ_HLO_SET(op, operand_layouts, layouts_attr(s, operands, count));
  PJ_HLO_SET(op, result_layouts, layouts_attr(s, results, op->num_results));
  return PJ_STATUS_OK;
}

static PjStatus set_aliases(PjHloSite *s, PjOp *op) {
  uint32_t count = s->msg.output_operand_aliasing.len;
  const PjAttr **aliases = PJ_NEW_ARRAY(s->h->arena, const PjAttr *, count);
  for (uint32_t i = 0; i < count; ++i) {
    PjHloOperandAliasingMsg msg = {0};
    PJ_TRY(
        pj_hlo_decode(s->h, s->msg.output_operand_aliasing.data[i], PJ_HLO_OperandAliasing, &msg));
    aliases[i] =
        pj_attr_alias(s->h->arena, msg.output_shape_index.len, msg.output_shape_index.data,
                      msg.operand_index, msg.operand_shape_index.len, msg.operand_shape_index.data);
  }
  PJ_HLO_SET(op, output_operand_aliases, pj_attr_array(s->h->arena, count, aliases));
  return PJ_STATUS_OK;
}

// XLA's name for the largest elements of the last dimension, which its passes make of sorts.
static bool is_top_k(const PjHloSite *s) {
  const PjHloShape *shape = s->inst->shape;
  return s->inst->num_operands == 1 && shape->num_elems == 2 && shape->elems[0].type &&
         shape->elems[0].type->rank > 0;
}

static PjStatus top_k(PjHloSite *s) {
  const PjType *values = s->inst->shape->elems[0].type;
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_CHLO_TOP_K, 2, 0);
  PJ_HLO_SET(op, k, pj_attr_i64(s->h->arena, values->dims[values->rank - 1]));
  return pj_hlo_finish(s, op);
}

// Says how its operand lies on devices. Without a sharding it says nothing.
static PjStatus mark(PjHloSite *s) {
  const PjType *type;
  const PjAttr *sharding;
  PjValue *value;
  if (!s->inst->sharding.ptr)
    return pj_hlo_build_forward(s);
  PJ_TRY(pj_hlo_array(s, 0, &value));
  PJ_TRY(pj_hlo_result_type(s, &type));
  PJ_TRY(pj_hlo_shardings(s->h, s->inst->sharding, 1, &sharding));
  PJ_TRY(pj_hlo_mark(s, s->msg.custom_call_target, sharding, s->msg.backend_config, value, type,
                     &value));
  pj_hlo_set_result(s, value);
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_custom_call(PjHloSite *s) {
  PjArena *arena = s->h->arena;
  if (pj_hlo_is_mark(s->msg.custom_call_target) && s->inst->num_operands == 1)
    return mark(s);
  if (pj_str_is(s->msg.custom_call_target, "TopK") && is_top_k(s))
    return top_k(s);
  int64_t version = s->msg.custom_call_api_version;
  PJ_FAIL_IF(version < PJ_API_UNSPECIFIED || version > PJ_API_TYPED_FFI, UNIMPLEMENTED,
             "custom_call_api_version %" PRId64, version);
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_CUSTOM_CALL, s->inst->shape->num_leaves, 0);
  PJ_HLO_SET(op, call_target_name, pj_attr_string(arena, s->msg.custom_call_target));
  PJ_HLO_SET(op, has_side_effect, pj_attr_bool(arena, s->msg.custom_call_has_side_effect));
  const PjAttr *config = pj_attr_string(arena, s->msg.backend_config);
  if (version == PJ_API_TYPED_FFI && !s->msg.backend_config.len)
    config = pj_attr_dict(arena, 0, NULL, NULL);
  else if (version == PJ_API_TYPED_FFI)
    PJ_TRY_IN(pj_hlo_dict(s, s->msg.backend_config, &config), "backend_config");
  PJ_HLO_SET(op, backend_config, config);
  PJ_HLO_SET(op, api_version, pj_attr_enum(arena, PJ_ENUM_API_VERSION, version));
  const PjAttr **callees = PJ_NEW_ARRAY(arena, const PjAttr *, s->inst->num_callees);
  for (uint32_t i = 0; i < s->inst->num_callees; ++i) {
    PjStr symbol;
    PJ_TRY(callee_symbol(s->h, s->inst->callees[i], &symbol));
    callees[i] = pj_attr_symbol(arena, symbol);
  }
  PJ_HLO_SET(op, called_computations, pj_attr_array(arena, s->inst->num_callees, callees));
  if (s->msg.constrain_layout)
    PJ_TRY(set_layouts(s, op));
  PJ_TRY(set_aliases(s, op));
  return pj_hlo_finish(s, op);
}

// ---------------------------------------------------------------------- loops and branches
// The called computations are the body and the condition.
PjStatus pj_hlo_build_while(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_WHILE, s->inst->shape->num_leaves, 2);
  PJ_TRY(pj_hlo_region(s, 1, false, &op->regions[0]));
  PJ_TRY(pj_hlo_region(s, 0, false, &op->regions[1]));
  return pj_hlo_finish(s, op);
}

// Operand 1 + i is the parameter of branch i, which becomes a region that uses the outer values.
PjStatus pj_hlo_build_conditional(PjHloSite *s) {
  PjValue *selector;
  uint32_t branches = s->inst->num_callees;
  PJ_TRY(pj_hlo_array(s, 0, &selector));
  PJ_FAIL_IF(s->inst->num_operands != branches + 1, INVALID_ARGUMENT,
             "%u operands for %u branches, expected one for each and the selector",
             s->inst->num_operands, branches);
  bool two = selector->type->dtype == PJ_DT_PRED;
  PJ_FAIL_IF(two && branches != 2, INVALID_ARGUMENT, "%u branches for a boolean", branches);
  PjOp *op = pj_hlo_op(s, two ? PJ_OP_IF : PJ_OP_CASE, 1, s->inst->shape->num_leaves, branches);
  op->operands[0] = selector;
  for (uint32_t i = 0; i < branches; ++i) {
    PjHloLeaves results;
    PJ_TRY(inline_callee(s, i, &op->regions[i], i + 1, 1, &results));
    pj_hlo_return(s, &op->regions[i], results);
  }
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_optimization_barrier(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_OPTIMIZATION_BARRIER, s->inst->shape->num_leaves, 0);
  return pj_hlo_finish(s, op);
}

// ---------------------------------------------------------------------- tokens
PjStatus pj_hlo_build_after_all(PjHloSite *s) {
  return pj_hlo_finish(
      s, pj_hlo_op_on_all(s, s->inst->num_operands ? PJ_OP_AFTER_ALL : PJ_OP_CREATE_TOKEN, 1, 0));
}

PjStatus pj_hlo_build_infeed(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_INFEED, s->inst->shape->num_leaves, 0);
  PJ_HLO_SET(op, infeed_config, pj_attr_string(s->h->arena, s->msg.infeed_config));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_outfeed(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_OUTFEED, 1, 0);
  PJ_HLO_SET(op, outfeed_config, pj_attr_string(s->h->arena, s->msg.outfeed_config));
  return pj_hlo_finish(s, op);
}

// ---------------------------------------------------------------------- dynamic sizes
PjStatus pj_hlo_build_get_dimension_size(PjHloSite *s) {
  int64_t dimension;
  PJ_TRY(pj_hlo_one_dimension(s, &dimension));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_GET_DIMENSION_SIZE, 1, 0);
  PJ_HLO_SET(op, dimension, pj_attr_i64(s->h->arena, dimension));
  return pj_hlo_finish(s, op);
}

// Where the result is static the whole size was set.
PjStatus pj_hlo_build_set_dimension_size(PjHloSite *s) {
  int64_t dimension;
  PjValue *value;
  PJ_TRY(pj_hlo_one_dimension(s, &dimension));
  PJ_TRY(pj_hlo_array(s, 0, &value));
  const PjType *type = s->inst->shape->type;
  if (type && pj_type_is_static(type) && pj_type_eq(type, value->type))
    return pj_hlo_build_forward(s);
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_SET_DIMENSION_SIZE, 1, 0);
  PJ_HLO_SET(op, dimension, pj_attr_i64(s->h->arena, dimension));
  return pj_hlo_finish(s, op);
}

// The sizes come as scalars, and go as a vector.
PjStatus pj_hlo_build_dynamic_reshape(PjHloSite *s) {
  PjArena *arena = s->h->arena;
  uint32_t rank = s->inst->num_operands - 1;
  int64_t one = 1, length = rank;
  PjOp *op = pj_hlo_op(s, PJ_OP_DYNAMIC_RESHAPE, 2, 1, 0);
  PJ_TRY(pj_hlo_array(s, 0, &op->operands[0]));
  PJ_FAIL_IF(!rank, UNIMPLEMENTED, "a dynamic reshape to a scalar");
  PjOp *sizes = pj_hlo_op(s, PJ_OP_CONCATENATE, rank, 1, 0);
  PjDtype dtype = PJ_DT_INVALID;
  for (uint32_t i = 0; i < rank; ++i) {
    PjOp *reshape = pj_hlo_op(s, PJ_OP_RESHAPE, 1, 1, 0);
    PJ_TRY(pj_hlo_array(s, i + 1, &reshape->operands[0]));
    dtype = reshape->operands[0]->type->dtype;
    PJ_TRY(
        pj_hlo_append_one(s, reshape, pj_type_tensor(arena, dtype, 1, &one), &sizes->operands[i]));
  }
  PJ_HLO_SET(sizes, dimension, pj_attr_i64(arena, 0));
  PJ_TRY(pj_hlo_append_one(s, sizes, pj_type_tensor(arena, dtype, 1, &length), &op->operands[1]));
  return pj_hlo_finish(s, op);
}
