// See local.h: the program, its control flow and its manual computations.
#include "partition/local.h"

#include "partition/partitioners.h"

// --- Values --------------------------------------------------------------------------------------

static bool is_plain_mesh(const PjSpecMesh *mesh) {
  return !mesh->empty && !mesh->maximal;
}

static bool says_nothing(const PjSpec *spec) {
  return !spec || !is_plain_mesh(spec->mesh) ||
         (!pj_spec_has_axes(spec) && !spec->replicated.count && !spec->unreduced.count);
}

static PjStatus settle(PjLocal *l, const PjSpec *spec, const PjType *type, const PjLay **out) {
  PjLay *lay = pj_lay_new(l->scratch, type->rank);
  *out = lay;
  if (says_nothing(spec))
    return PJ_STATUS_OK;
  PJ_FAIL_IF(spec->mesh != l->mesh, UNIMPLEMENTED, "several meshes");
  PJ_FAIL_IF(spec->reduction >= 0 && spec->unreduced.count, UNIMPLEMENTED,
             "unreduced values that are no terms of sums");
  for (int32_t d = 0; d < type->rank; ++d) {
    lay->dims[d] = spec->dims[d].axes;
    pj_axes_make_even(&lay->dims[d], type->dims[d]);
    PJ_FAIL_IF(type->dims[d] > INT32_MAX, UNIMPLEMENTED, "an array with %lld elements in a row",
               (long long)type->dims[d]);
  }
  lay->unreduced = spec->unreduced;
  l->has_own |= spec->unreduced.count > 0;
  pj_axes_sort(&lay->unreduced);
  return PJ_STATUS_OK;
}

PjStatus pj_local_wanted(PjLocal *l, PjValue *value, const PjLay **out) {
  return settle(l, pj_flow_spec(l->flow, value), value->type, out);
}

PjValue *pj_local_get(PjLocal *l, const PjValue *value, const PjLay *lay) {
  const PjLocalValue *local = pj_local_value(l, value);
  if (!lay || !local->lay || pj_lay_eq(local->lay, lay))
    return local->value;
  for (size_t i = l->copies.len; i-- > 0;) {
    const PjLocalCopy *copy = &l->copies.data[i];
    if (copy->of == value && copy->region == l->at && pj_lay_eq(copy->lay, lay))
      return copy->value;
  }
  PjValue *moved = pj_local_move(l, local->value, value->type, local->lay, lay);
  PJ_PUSH(l->scratch, &l->copies, ((PjLocalCopy){value, l->at, lay, moved}));
  return moved;
}

// --- Control flow --------------------------------------------------------------------------------

static PjStatus add_region(PjLocal *l, PjRegion *from, PjRegion *to, const PjLay *const *returned,
                           PjOpKind end);

typedef struct Signature {
  const PjLay **lays; // of results
  const PjType **types;
} Signature;

// How the results of |op| lie.
static PjStatus read_results(PjLocal *l, PjOp *op, Signature *out) {
  out->lays = PJ_NEW_ARRAY(l->scratch, const PjLay *, op->num_results + 1);
  out->types = PJ_NEW_ARRAY(l->scratch, const PjType *, op->num_results + 1);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    const PjType *type = op->results[i].type;
    if (pj_type_is_tensor(type))
      PJ_TRY(pj_local_wanted(l, &op->results[i], &out->lays[i]));
    out->types[i] = out->lays[i] ? pj_lay_part(l->arena, out->lays[i], type) : type;
  }
  return PJ_STATUS_OK;
}

static PjOp *begin(PjLocal *l, const PjOp *op, const Signature *s, PjValue *const *operands) {
  PjOp *copy = pj_op_create(l->arena, op->kind, op->num_operands, op->num_results, op->num_regions);
  copy->loc = op->loc;
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
    copy->attrs[i] = op->attrs[i];
  for (uint32_t i = 0; i < op->num_operands; ++i)
    copy->operands[i] = operands[i];
  for (uint32_t i = 0; i < op->num_results; ++i)
    copy->results[i].type = s->types[i];
  return copy;
}

static void end(PjLocal *l, PjOp *op, PjOp *copy, const Signature *s) {
  pj_op_append(l->at, copy);
  for (uint32_t i = 0; i < op->num_results; ++i)
    pj_local_set(l, &op->results[i], &copy->results[i], s->lays[i]);
}

// Loops carry, and barriers hold, values as their results lie.
static PjStatus add_carrying(PjLocal *l, PjOp *op) {
  Signature s;
  PJ_TRY(read_results(l, op, &s));
  PjValue **operands = PJ_NEW_ARRAY(l->scratch, PjValue *, op->num_operands + 1);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    operands[i] = pj_local_get(l, op->operands[i], s.lays[i]);
  PjOp *copy = begin(l, op, &s, operands);
  for (uint32_t r = 0; r < op->num_regions; ++r) {
    PjRegion *from = &op->regions[r], *to = &copy->regions[r];
    pj_region_set_args(l->arena, to, from->num_args, s.types);
    for (uint32_t i = 0; i < from->num_args; ++i)
      pj_local_set(l, &from->args[i], &to->args[i], s.lays[i]);
    PJ_TRY(add_region(l, from, to, r ? s.lays : NULL, PJ_OP_RETURN));
  }
  end(l, op, copy, &s);
  return PJ_STATUS_OK;
}

static PjStatus add_branches(PjLocal *l, PjOp *op) {
  Signature s;
  PJ_TRY(read_results(l, op, &s));
  PjValue *index = pj_local_get(l, op->operands[0], pj_lay_new(l->scratch, 0));
  PjOp *copy = begin(l, op, &s, &index);
  for (uint32_t r = 0; r < op->num_regions; ++r)
    PJ_TRY(add_region(l, &op->regions[r], &copy->regions[r], s.lays, PJ_OP_RETURN));
  end(l, op, copy, &s);
  return PJ_STATUS_OK;
}

// --- Manual computations -------------------------------------------------------------------------

// The part of |whole| that |lay| says must be that of |inner| that |inner_lay| says.
static PjStatus check_parts(PjLocal *l, const PjOp *op, const PjType *whole, const PjLay *lay,
                            const PjType *inner, const PjLay *inner_lay) {
  if (!pj_type_eq(pj_lay_part(l->scratch, lay, whole), pj_lay_part(l->scratch, inner_lay, inner)))
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "parts that do not divide evenly");
  return PJ_STATUS_OK;
}

static PjStatus add_ops(PjLocal *l, PjRegion *region);

// Its body is the program of a device already, as far as its axes go.
static PjStatus add_manual(PjLocal *l, PjOp *op) {
  const PjFlowManual *manual = pj_flow_manual(l->flow, op);
  PjRegion *body = &op->regions[0];
  PjOp *last = pj_region_terminator(body);
  bool outside = !l->in_manual;
  l->has_own = true;
  if (!manual || !last)
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "a manual computation without a mesh");
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjValue *arg = &body->args[i], *operand = op->operands[i];
    if (!pj_type_is_tensor(arg->type)) {
      pj_local_set(l, arg, pj_local_value(l, operand)->value, NULL);
      continue;
    }
    const PjSpec *inner = pj_flow_spec(l->flow, arg);
    const PjSpec *spec = pj_spec_with_free(l->scratch, manual->in[i], inner, &manual->axes);
    const PjLay *lay, *inner_lay;
    PJ_TRY(settle(l, spec, operand->type, &lay));
    PJ_TRY(settle(l, inner, arg->type, &inner_lay));
    PJ_TRY(check_parts(l, op, operand->type, lay, arg->type, inner_lay));
    pj_local_set(l, arg, pj_local_get(l, operand, lay), inner_lay);
  }
  l->in_manual = true;
  PJ_TRY(add_ops(l, body));
  l->in_manual = !outside;
  for (uint32_t i = 0; i < op->num_results; ++i) {
    PjValue *result = &op->results[i], *returned = last->operands[i];
    if (!pj_type_is_tensor(result->type)) {
      pj_local_set(l, result, pj_local_value(l, returned)->value, NULL);
      continue;
    }
    const PjSpec *spec = pj_flow_spec(l->flow, result);
    const PjLay *lay, *inner_lay;
    PJ_TRY(settle(l, spec, result->type, &lay));
    PJ_TRY(settle(l, pj_spec_without(l->scratch, spec, &manual->axes), returned->type, &inner_lay));
    PJ_TRY(check_parts(l, op, result->type, lay, returned->type, inner_lay));
    pj_local_set(l, result, pj_local_get(l, returned, inner_lay), lay);
  }
  return PJ_STATUS_OK;
}

// --- Operations ----------------------------------------------------------------------------------

// Calls that compute something of their operands and nothing else.
static bool is_known_call(const PjOp *op) {
  PjStr name = PJ_STRATTR(op, call_target_name), lapack = PJ_STR("lapack_");
  const PjAttr *computations = PJ_ATTR(op, called_computations);
  if (PJ_INT(op, has_side_effect) || (computations && computations->count))
    return false;
  return (name.len > lapack.len && pj_str_eq((PjStr){name.ptr, lapack.len}, lapack)) ||
         pj_attr_get(op->extra, "sdy.sharding_rule") || pj_partitioner_has_batches(name) ||
         pj_str_is(name, "annotate_device_placement") || pj_str_is(name, "LayoutConstraint") ||
         pj_str_is(name, "MoveToHost") || pj_str_is(name, "MoveToDevice") ||
         pj_str_is(name, "mhlo.topk");
}

// What has its meaning for whole arrays only, or for one caller.
static PjStatus check_op(const PjLocal *l, const PjOp *op) {
  bool meets = pj_op_meets(op) || op->kind == PJ_OP_PARTITION_ID;
  switch (op->kind) {
  case PJ_OP_ASYNC_START:
  case PJ_OP_ASYNC_DONE:
  case PJ_OP_SEND:
  case PJ_OP_RECV:
  case PJ_OP_INFEED:
  case PJ_OP_OUTFEED:
  case PJ_OP_RNG:
  case PJ_OP_CALL:
  case PJ_OP_COMPOSITE:
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "runs over whole arrays");
  default:
    break;
  }
  if (meets && !l->in_manual)
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "meets other devices outside of a manual computation");
  if (op->kind == PJ_OP_CUSTOM_CALL && !l->in_manual && !is_known_call(op))
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "a call that is made once, with whole arrays");
  if (pj_op_info[op->kind].traits & PJ_TRAIT_TEST)
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "runs over whole arrays");
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (pj_type_is_tensor(op->results[i].type) && op->results[i].type->quant)
      return PJ_OP_ERROR(op, UNIMPLEMENTED, "quantised arrays");
  return PJ_STATUS_OK;
}

// What nobody reads is not made: it might meet other devices for nothing.
static bool is_dead(PjLocal *l, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (pj_flow_value(l->flow, &op->results[i])->uses.len)
      return false;
  return pj_op_info[op->kind].traits & PJ_TRAIT_PURE;
}

static PjStatus add_op(PjLocal *l, PjOp *op) {
  const PjLay *lay;
  if (is_dead(l, op))
    return PJ_STATUS_OK;
  l->loc = op->loc;
  PJ_TRY(check_op(l, op));
  switch (op->kind) {
  case PJ_OP_SDY_SHARDING_GROUP:
    return PJ_STATUS_OK;
  case PJ_OP_SDY_SHARDING_CONSTRAINT:
  case PJ_OP_SDY_PROPAGATION_BARRIER:
    PJ_TRY(pj_local_wanted(l, &op->results[0], &lay));
    pj_local_set(l, &op->results[0], pj_local_get(l, op->operands[0], lay), lay);
    return PJ_STATUS_OK;
  case PJ_OP_SDY_MANUAL_COMPUTATION:
    return add_manual(l, op);
  case PJ_OP_WHILE:
  case PJ_OP_OPTIMIZATION_BARRIER:
    return add_carrying(l, op);
  case PJ_OP_IF:
  case PJ_OP_CASE:
    return add_branches(l, op);
  default:
    return pj_local_op(l, op);
  }
}

static PjStatus add_ops(PjLocal *l, PjRegion *region) {
  const PjOp *last = pj_region_terminator(region);
  for (PjOp *op = region->first; op && op != last; op = op->next)
    PJ_TRY(add_op(l, op));
  return PJ_STATUS_OK;
}

// |returned|: how what the region returns lies; NULL: whole.
static PjStatus add_region(PjLocal *l, PjRegion *from, PjRegion *to, const PjLay *const *returned,
                           PjOpKind kind) {
  PjRegion *at = l->at;
  const PjOp *last = pj_region_terminator(from);
  l->at = to;
  PJ_TRY(add_ops(l, from));
  PjValue **values = PJ_NEW_ARRAY(l->scratch, PjValue *, last->num_operands + 1);
  for (uint32_t i = 0; i < last->num_operands; ++i) {
    const PjType *type = last->operands[i]->type;
    bool tensor = pj_type_is_tensor(type);
    values[i] = pj_local_get(l, last->operands[i],
                             returned ? returned[i]
                             : tensor ? pj_lay_new(l->scratch, type->rank)
                                      : NULL);
  }
  l->loc = last->loc;
  pj_local_end(l, pj_local_begin(l, kind, last->num_operands, values, NULL));
  l->at = at;
  return PJ_STATUS_OK;
}

// --- The program ---------------------------------------------------------------------------------

// How parameter or result |i| lies: the host is told so.
static PjStatus stated(PjLocal *l, const PjAttr *dicts, uint32_t i, const PjType *type,
                       const PjLay **out) {
  const PjAttr *dict = dicts && i < dicts->count ? dicts->elems[i] : NULL;
  const PjSpec *spec;
  PJ_FAIL_IF(!pj_type_is_tensor(type), UNIMPLEMENTED, "a parameter or result that is no array");
  PJ_TRY(pj_spec_read(&l->flow->reader, pj_attr_get(dict, "sdy.sharding"), type, &spec));
  PJ_TRY(settle(l, spec, type, out));
  for (int32_t d = 0; !says_nothing(spec) && d < type->rank; ++d)
    PJ_FAIL_IF(!pj_axes_eq(&spec->dims[d].axes, &(*out)->dims[d]), UNIMPLEMENTED,
               "a parameter or result that is cut unevenly");
  return PJ_STATUS_OK;
}

static PjStatus add_entry(PjLocal *l, const PjOp *entry, PjModule *module) {
  const PjOp *from = l->flow->entry;
  PjRegion *body = &l->flow->entry->regions[0];
  const PjType *type = PJ_ATTR(from, function_type)->type;
  const PjType **in = PJ_NEW_ARRAY(l->arena, const PjType *, type->num_elems + 1);
  const PjType **out = PJ_NEW_ARRAY(l->arena, const PjType *, type->num_results + 1);
  const PjLay **results = PJ_NEW_ARRAY(l->scratch, const PjLay *, type->num_results + 1), *lay;
  PjOp *func = pj_op_create(l->arena, PJ_OP_FUNC, 0, 0, 1);
  for (uint32_t i = 0; i < pj_op_info[PJ_OP_FUNC].num_attrs; ++i)
    func->attrs[i] = entry->attrs[i];
  func->extra = entry->extra;
  func->loc = entry->loc;
  pj_region_set_args(l->arena, &func->regions[0], body->num_args, type->elems);
  for (uint32_t i = 0; i < body->num_args; ++i) {
    PJ_TRY(stated(l, PJ_ATTR(entry, arg_attrs), i, type->elems[i], &lay));
    in[i] = func->regions[0].args[i].type = pj_lay_part(l->arena, lay, type->elems[i]);
    pj_local_set(l, &body->args[i], &func->regions[0].args[i], lay);
  }
  for (uint32_t i = 0; i < type->num_results; ++i) {
    PJ_TRY(stated(l, PJ_ATTR(entry, res_attrs), i, type->results[i], &results[i]));
    out[i] = pj_lay_part(l->arena, results[i], type->results[i]);
  }
  pj_op_set_attr(func, PJ_KEY_function_type,
                 pj_attr_type(l->arena, pj_type_function(l->arena, type->num_elems, in,
                                                         type->num_results, out)));
  pj_op_append(&module->body, func);
  PJ_TRY(add_region(l, body, &func->regions[0], results, PJ_OP_FUNC_RETURN));
  pj_local_combine(l, &func->regions[0]);
  PjOp *first = func->regions[0].first;
  for (PjOp *op; (op = l->front.first);) {
    pj_op_remove(op);
    pj_op_insert_before(first, op);
  }
  return PJ_STATUS_OK;
}

static const PjSpecMesh *find_mesh(const PjFlow *flow, int num_partitions) {
  for (const PjSpecMesh *mesh = flow->reader.meshes; mesh; mesh = mesh->next)
    if (is_plain_mesh(mesh) && mesh->mesh->num_devices == num_partitions)
      return mesh;
  return NULL;
}

PjStatus pj_local_make(PjFlow *flow, PjArena *arena, PjArena *scratch, const PjOp *entry,
                       int num_partitions, PjModule **out, bool *out_own) {
  const PjModule *from = flow->module;
  PjLocal *l = PJ_NEW(scratch, PjLocal);
  *out = NULL;
  *l = (PjLocal){.arena = arena,
                 .scratch = scratch,
                 .flow = flow,
                 .mesh = find_mesh(flow, num_partitions),
                 .values = PJ_NEW_ARRAY(scratch, PjLocalValue, flow->values.len + 1)};
  PJ_FAIL_IF(!l->mesh, UNIMPLEMENTED, "no mesh of %d devices", num_partitions);
  PjModule *module = pj_module_create(arena);
  module->name = from->name;
  module->attrs = from->attrs;
  module->loc = from->loc;
  for (const PjOp *op = from->body.first; op; op = op->next) {
    if (op->kind != PJ_OP_SDY_MESH)
      continue;
    PjOp *mesh = pj_op_create(arena, op->kind, 0, 0, 0);
    for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
      mesh->attrs[i] = op->attrs[i];
    pj_op_append(&module->body, mesh);
  }
  PJ_TRY(add_entry(l, entry, module));
  pj_module_number(module);
  *out = module;
  *out_own = l->has_own;
  return PJ_STATUS_OK;
}
