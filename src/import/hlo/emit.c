// Walking computations, and what the builders share.
#include <inttypes.h>

#include "import/hlo/hlo.h"
#include "ir/verify.h"

enum { MAX_DEPTH = 256 }; // of computations within computations

PjStatus pj_hlo_spend(PjHlo *h, uint64_t amount) {
  PJ_FAIL_IF(amount > (uint64_t)h->budget, RESOURCE_EXHAUSTED,
             "computations called from many places make the program too large");
  h->budget -= (int64_t)amount;
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------- walking
static PjStatus check_result(const PjHloSite *s) {
  const PjHloShape *shape = s->inst->shape;
  PJ_FAIL_IF(s->result.n != shape->num_leaves, INVALID_ARGUMENT,
             "its shape has %u arrays, but the result %u", shape->num_leaves, s->result.n);
  if (!shape->num_leaves)
    return PJ_STATUS_OK;
  const PjType *first, **declared = &first;
  if (shape->num_leaves > 1)
    declared = PJ_NEW_ARRAY(s->h->arena, const PjType *, shape->num_leaves);
  pj_hlo_shape_leaves(shape, declared);
  for (uint32_t i = 0; i < shape->num_leaves; ++i)
    PJ_FAIL_IF(s->result.v[i] && !pj_hlo_fits(s->result.v[i]->type, declared[i]), INVALID_ARGUMENT,
               "its shape says %s, but the result is %s", pj_type_text(s->h->arena, declared[i]),
               pj_type_text(s->h->arena, s->result.v[i]->type));
  return PJ_STATUS_OK;
}

// An instruction that says how its array lies on devices: one that does not, and a mark.
static PjStatus mark_result(PjHloSite *s) {
  const PjHloInst *inst = s->inst;
  const PjAttr *sharding;
  bool array = inst->shape->type && inst->shape->type->kind == PJ_TYPE_TENSOR;
  bool is_mark = inst->parameter_number >= 0 || pj_hlo_is_mark(s->msg.custom_call_target);
  if (!inst->sharding.ptr || !array || is_mark || s->frame->scalar_body || !s->result.v[0])
    return PJ_STATUS_OK;
  PjValue *value = s->result.v[0];
  PJ_TRY(pj_hlo_shardings(s->h, inst->sharding, 1, &sharding));
  PJ_TRY(pj_hlo_mark(s, PJ_STR("Sharding"), sharding, (PjStr){"", 0}, value, value->type, &value));
  pj_hlo_set_result(s, value);
  return PJ_STATUS_OK;
}

static PjStatus build(PjHloSite *s) {
  PJ_TRY(pj_hlo_spend(s->h, 1 + (uint64_t)s->inst->shape->num_leaves));
  PJ_TRY(pj_hlo_decode(s->h, s->inst->bytes, PJ_HLO_Instruction, &s->msg));
  s->loc = pj_hlo_loc(s->h, s->inst->name, s->msg.metadata);
  PjStatus status = s->inst->row->build(s);
  if (!status)
    status = check_result(s);
  if (!status)
    status = mark_result(s);
  if (!status)
    return PJ_STATUS_OK;
  PjStrBuf where = {0};
  pj_loc_describe(&where, s->loc);
  if (where.len && !where.failed)
    status = pj_status_at(status, where.data);
  pj_strbuf_free(&where);
  return status;
}

PjStatus pj_hlo_emit(PjHlo *h, PjHloComp *comp, PjRegion *region, bool scalar_body,
                     const PjHloLeaves *params, PjHloLeaves *out_root) {
  PjHloFrame frame = {comp, region, scalar_body, params, NULL};
  PJ_FAIL_IF(h->depth >= MAX_DEPTH, RESOURCE_EXHAUSTED, "computations call each other %d deep",
             MAX_DEPTH);
  ++h->depth;
  frame.values = PJ_NEW_ARRAY(h->arena, PjHloLeaves, comp->num_insts);
  for (uint32_t i = 0; i < comp->num_insts; ++i) {
    const PjHloInst *inst = &comp->insts[i];
    PjHloSite site = {.h = h, .frame = &frame, .inst = inst};
    PJ_TRY_IN(build(&site), "instruction %.*s (%.*s) at byte %zu of computation %.*s",
              PJ_STR_ARG(inst->name), PJ_STR_ARG(inst->opcode), (size_t)(inst->bytes.ptr - h->file),
              PJ_STR_ARG(comp->name));
    frame.values[i] = site.result;
  }
  --h->depth;
  *out_root = frame.values[comp->root];
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------- callees
// The leaves of |comp|'s parameters as arguments of |region|, grouped by parameter.
static PjHloLeaves *make_arguments(PjHlo *h, const PjHloComp *comp, PjRegion *region) {
  uint32_t count = 0, at = 0;
  for (uint32_t i = 0; i < comp->num_params; ++i)
    count += comp->insts[comp->params[i]].shape->num_leaves;
  const PjType **types = PJ_NEW_ARRAY(h->arena, const PjType *, count);
  PjValue **values = PJ_NEW_ARRAY(h->arena, PjValue *, count);
  PjHloLeaves *params = PJ_NEW_ARRAY(h->arena, PjHloLeaves, comp->num_params);
  for (uint32_t i = 0; i < comp->num_params; ++i) {
    const PjHloShape *shape = comp->insts[comp->params[i]].shape;
    params[i] = (PjHloLeaves){values + at, shape->num_leaves};
    pj_hlo_shape_leaves(shape, types + at);
    at += shape->num_leaves;
  }
  pj_region_set_args(h->arena, region, count, types);
  for (uint32_t i = 0; i < count; ++i)
    values[i] = &region->args[i];
  return params;
}

static void terminate(PjHlo *h, PjRegion *region, PjOpKind kind, PjHloLeaves values,
                      const PjLoc *loc) {
  PjOp *op = pj_op_create(h->arena, kind, values.n, 0, 0);
  for (uint32_t i = 0; i < values.n; ++i)
    op->operands[i] = values.v[i];
  op->loc = loc;
  pj_op_append(region, op);
}

static PjStatus check_present(PjHloLeaves values) {
  for (uint32_t i = 0; i < values.n; ++i)
    PJ_FAIL_IF(!values.v[i], UNIMPLEMENTED, "an asynchronous result that is not done is returned");
  return PJ_STATUS_OK;
}

void pj_hlo_return(PjHloSite *s, PjRegion *region, PjHloLeaves values) {
  terminate(s->h, region, PJ_OP_RETURN, values, s->loc);
}

PjStatus pj_hlo_region(PjHloSite *s, uint32_t callee, bool scalar_body, PjRegion *region) {
  PjHloComp *comp = &s->h->comps[s->inst->callees[callee]];
  PjHloLeaves *params = make_arguments(s->h, comp, region), root;
  PJ_TRY(pj_hlo_emit(s->h, comp, region, scalar_body || s->frame->scalar_body, params, &root));
  PJ_TRY(check_present(root));
  pj_hlo_return(s, region, root);
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_function(PjHlo *h, uint32_t place, PjStr name, PjOp **out) {
  PjHloComp *comp = &h->comps[place];
  PjOp *func = pj_op_create(h->arena, PJ_OP_FUNC, 0, 0, 1);
  PjHloLeaves *params = make_arguments(h, comp, &func->regions[0]), root;
  PJ_TRY(pj_hlo_emit(h, comp, &func->regions[0], false, params, &root));
  PJ_TRY(check_present(root));
  terminate(h, &func->regions[0], PJ_OP_FUNC_RETURN, root, NULL);
  PjRegion *region = &func->regions[0];
  const PjType **args = PJ_NEW_ARRAY(h->arena, const PjType *, region->num_args),
               **results = PJ_NEW_ARRAY(h->arena, const PjType *, root.n);
  for (uint32_t i = 0; i < region->num_args; ++i)
    args[i] = region->args[i].type;
  for (uint32_t i = 0; i < root.n; ++i)
    results[i] = root.v[i]->type;
  PJ_HLO_SET(func, sym_name, pj_attr_string(h->arena, name));
  const PjType *type = pj_type_function(h->arena, region->num_args, args, root.n, results);
  PJ_HLO_SET(func, function_type, pj_attr_type(h->arena, type));
  *out = func;
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------- for builders
PjStatus pj_hlo_value(PjHloSite *s, uint32_t i, PjValue **out) {
  PjHloLeaves leaves = pj_hlo_leaves(s, i);
  const PjHloInst *operand = &s->frame->comp->insts[s->inst->operands[i]];
  PJ_FAIL_IF(!operand->shape->type, INVALID_ARGUMENT, "operand %u is a tuple, expected an array",
             i);
  PJ_FAIL_IF(!leaves.v[0], UNIMPLEMENTED, "operand %u is an asynchronous result that is not done",
             i);
  *out = leaves.v[0];
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_array(PjHloSite *s, uint32_t i, PjValue **out) {
  PJ_TRY(pj_hlo_value(s, i, out));
  PJ_FAIL_IF((*out)->type->kind != PJ_TYPE_TENSOR, INVALID_ARGUMENT,
             "operand %u is a token, expected an array", i);
  return PJ_STATUS_OK;
}

PjHloLeaves pj_hlo_gather_leaves(PjHloSite *s, uint32_t first, uint32_t end) {
  PjHloLeaves all = {0};
  if (first + 1 == end)
    return pj_hlo_leaves(s, first);
  for (uint32_t i = first; i < end; ++i)
    all.n += pj_hlo_leaves(s, i).n;
  all.v = PJ_NEW_ARRAY(s->h->arena, PjValue *, all.n);
  PjValue **at = all.v;
  for (uint32_t i = first; i < end; ++i) {
    PjHloLeaves leaves = pj_hlo_leaves(s, i);
    if (leaves.n)
      memcpy(at, leaves.v, leaves.n * sizeof *at);
    at += leaves.n;
  }
  return all;
}

PjStatus pj_hlo_result_type(PjHloSite *s, const PjType **out) {
  *out = s->inst->shape->type;
  PJ_FAIL_IF(!*out, INVALID_ARGUMENT, "its shape is a tuple, expected an array");
  return PJ_STATUS_OK;
}

PjOp *pj_hlo_op(PjHloSite *s, PjOpKind kind, uint32_t operands, uint32_t results,
                uint32_t regions) {
  PjOp *op = pj_op_create(s->h->arena, kind, operands, results, regions);
  op->loc = s->loc;
  return op;
}

PjOp *pj_hlo_op_on_all(PjHloSite *s, PjOpKind kind, uint32_t results, uint32_t regions) {
  PjHloLeaves all = pj_hlo_gather_leaves(s, 0, s->inst->num_operands);
  PjOp *op = pj_hlo_op(s, kind, all.n, results, regions);
  for (uint32_t i = 0; i < all.n; ++i)
    op->operands[i] = all.v[i];
  return op;
}

PjStatus pj_hlo_append(PjHloSite *s, PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    PJ_FAIL_IF(!op->operands[i], UNIMPLEMENTED,
               "an operand is an asynchronous result that is not done");
  pj_op_fill_defaults(s->h->arena, op);
  // What a call must fit is not known before all functions are there.
  bool call = op->kind == PJ_OP_CALL || op->kind == PJ_OP_COMPOSITE;
  PjArenaMark mark = pj_arena_mark(s->h->arena);
  if (!call)
    PJ_TRY(pj_verify_op(s->h->arena, op));
  pj_arena_reset(s->h->arena, mark);
  pj_op_append(s->frame->region, op);
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_finish(PjHloSite *s, PjOp *op) {
  const PjHloShape *shape = s->inst->shape;
  PJ_FAIL_IF(shape->num_leaves != op->num_results, INVALID_ARGUMENT,
             "its shape has %u arrays, but the operation %u results", shape->num_leaves,
             op->num_results);
  const PjType **types = PJ_NEW_ARRAY(s->h->arena, const PjType *, op->num_results);
  PjValue **values = PJ_NEW_ARRAY(s->h->arena, PjValue *, op->num_results);
  pj_hlo_shape_leaves(shape, types);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    op->results[i].type = types[i];
    values[i] = &op->results[i];
  }
  s->result = (PjHloLeaves){values, op->num_results};
  return pj_hlo_append(s, op);
}

PjStatus pj_hlo_append_one(PjHloSite *s, PjOp *op, const PjType *type, PjValue **out) {
  op->results[0].type = type;
  *out = &op->results[0];
  return pj_hlo_append(s, op);
}

PjStatus pj_hlo_zeros(PjHloSite *s, const PjType *type, PjValue **out) {
  PJ_FAIL_IF(!pj_type_is_static(type), UNIMPLEMENTED, "zeros of type %s",
             pj_type_text(s->h->arena, type));
  size_t width = pj_dtype_bytes(type->dtype);
  int64_t count;
  pj_type_num_elements(type, &count);
  PjOp *op = pj_hlo_op(s, PJ_OP_CONSTANT, 0, 1, 0);
  void *zero = pj_arena_alloc(s->h->arena, width);
  const PjAttr *value = pj_attr_elements(s->h->arena, type, zero, count ? width : 0, count > 1);
  PJ_HLO_SET(op, value, value);
  return pj_hlo_append_one(s, op, type, out);
}

void pj_hlo_set_result(PjHloSite *s, PjValue *value) {
  PjValue **v = PJ_NEW(s->h->arena, PjValue *);
  *v = value;
  s->result = (PjHloLeaves){v, 1};
}
