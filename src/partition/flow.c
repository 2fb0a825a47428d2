// See flow.h: values and uses, what the program states, and the order of the preparation.
#include "partition/flow.h"

#include <string.h>

// --- Values --------------------------------------------------------------------------------------

PjValue *pj_flow_owner(PjValue *value) {
  PjOp *parent = value->region ? value->region->parent : NULL;
  if (parent && parent->kind == PJ_OP_WHILE && value->index < parent->num_results)
    return &parent->results[value->index];
  return value;
}

const PjSpec *pj_flow_spec(PjFlow *flow, PjValue *value) {
  return pj_flow_value(flow, pj_flow_owner(value))->spec;
}

void pj_flow_set_spec(PjFlow *flow, PjValue *value, const PjSpec *spec) {
  pj_flow_value(flow, pj_flow_owner(value))->spec = spec;
}

bool pj_flow_is_edge(const PjValue *value) {
  const PjOp *op = value->region ? value->region->parent : value->def;
  switch (op->kind) {
  case PJ_OP_WHILE:
  case PJ_OP_SDY_MANUAL_COMPUTATION:
    return true;
  case PJ_OP_CASE:
  case PJ_OP_IF:
  case PJ_OP_OPTIMIZATION_BARRIER:
    return !value->region;
  default:
    return false;
  }
}

bool pj_flow_shardable(const PjValue *value) {
  return pj_type_is_tensor(value->type) &&
         (!value->region || value->region->parent->kind == PJ_OP_FUNC || pj_flow_is_edge(value));
}

const PjFlowManual *pj_flow_manual(const PjFlow *flow, const PjOp *op) {
  const uint64_t *found = pj_map_find(&flow->manuals, pj_map_ptr(op));
  return found ? (const PjFlowManual *)(uintptr_t)*found : NULL;
}

static void add_value(PjFlow *flow, PjValue *value) {
  value->id = (uint32_t)flow->values.len;
  PJ_PUSH(flow->arena, &flow->values, ((PjFlowValue){.value = value}));
}

static void add_uses(PjFlow *flow, PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    PJ_PUSH(flow->arena, &pj_flow_value(flow, op->operands[i])->uses, ((PjUse){op, i}));
}

void pj_flow_add_op(PjFlow *flow, PjOp *op) {
  for (uint32_t i = 0; i < op->num_results; ++i)
    add_value(flow, &op->results[i]);
  add_uses(flow, op);
}

static void add_region(PjFlow *flow, PjRegion *region) {
  for (uint32_t i = 0; i < region->num_args; ++i)
    add_value(flow, &region->args[i]);
  for (PjOp *op = region->first; op; op = op->next) {
    pj_flow_add_op(flow, op);
    for (uint32_t r = 0; r < op->num_regions; ++r)
      add_region(flow, &op->regions[r]);
  }
}

void pj_flow_replace(PjFlow *flow, PjValue *from, PjValue *to, PjUseFn *wanted, void *context) {
  size_t kept = 0, count = pj_flow_value(flow, from)->uses.len;
  for (size_t i = 0; i < count; ++i) {
    PjFlowValue *old = pj_flow_value(flow, from);
    PjUse use = old->uses.data[i];
    if (!wanted(context, &use)) {
      old->uses.data[kept++] = use;
      continue;
    }
    use.op->operands[use.operand] = to;
    PJ_PUSH(flow->arena, &pj_flow_value(flow, to)->uses, use);
  }
  pj_flow_value(flow, from)->uses.len = kept;
}

PjValue *pj_flow_constrain(PjFlow *flow, PjValue *value, const PjSpec *spec, PjOp *before,
                           PjRegion *front) {
  PjOp *op = pj_op_create(flow->arena, PJ_OP_SDY_SHARDING_CONSTRAINT, 1, 1, 0);
  op->operands[0] = value;
  op->results[0].type = value->type;
  pj_op_set_attr(op, PJ_KEY_sharding, pj_spec_attr(flow->arena, spec));
  if (!before && front)
    before = front->first;
  pj_op_insert_before(before, op);
  pj_flow_add_op(flow, op);
  pj_flow_set_spec(flow, &op->results[0], spec);
  return &op->results[0];
}

// --- What the program states ---------------------------------------------------------------------

static PjStatus read_list(PjFlow *flow, const PjAttr *list, uint32_t count, PjValue *const *values,
                          const PjSpec **out) {
  const PjAttr *shardings = pj_attr_get(list, "shardings");
  for (uint32_t i = 0; shardings && i < count && i < shardings->count; ++i)
    PJ_TRY(pj_spec_read(&flow->reader, shardings->elems[i], values[i]->type, &out[i]));
  return PJ_STATUS_OK;
}

// The mesh that manual axes are of.
static const PjSpecMesh *manual_mesh(const PjFlowManual *manual, const PjOp *op) {
  const PjSpecMesh *mesh = NULL;
  for (uint32_t i = 0; i < op->num_operands + op->num_results; ++i) {
    const PjSpec *spec = i < op->num_operands ? manual->in[i] : manual->out[i - op->num_operands];
    if (spec && (!mesh || mesh->empty))
      mesh = spec->mesh;
  }
  return mesh;
}

static void read_manual_axes(PjFlowManual *manual, const PjOp *op, const PjSpecMesh *mesh) {
  const PjAttr *axes = pj_attr_get(PJ_ATTR(op, manual_axes), "axes");
  for (uint32_t a = 0; mesh && axes && a < mesh->mesh->num_axes; ++a)
    for (uint32_t i = 0; i < axes->count; ++i)
      if (pj_str_eq(axes->elems[i]->str, mesh->mesh->names[a]) && mesh->mesh->sizes[a] > 1)
        pj_axes_push(&manual->axes, (PjAxisRef){(uint16_t)a, 1, (int32_t)mesh->mesh->sizes[a]});
}

static PjStatus read_manual(PjFlow *flow, PjOp *op) {
  PjFlowManual *manual = PJ_NEW(flow->arena, PjFlowManual);
  manual->in = PJ_NEW_ARRAY(flow->arena, const PjSpec *, op->num_operands);
  manual->out = PJ_NEW_ARRAY(flow->arena, const PjSpec *, op->num_results);
  PjValue **results = PJ_NEW_ARRAY(flow->arena, PjValue *, op->num_results);
  for (uint32_t i = 0; i < op->num_results; ++i)
    results[i] = &op->results[i];
  PJ_TRY(read_list(flow, PJ_ATTR(op, in_shardings), op->num_operands, op->operands, manual->in));
  PJ_TRY(read_list(flow, PJ_ATTR(op, out_shardings), op->num_results, results, manual->out));
  const PjSpecMesh *mesh = manual_mesh(manual, op);
  read_manual_axes(manual, op, mesh);
  PjRegion *body = &op->regions[0];
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    manual->in[i] = pj_spec_complete(flow->arena, manual->in[i], mesh, &manual->axes);
    pj_flow_set_spec(flow, &body->args[i],
                     pj_spec_without(flow->arena, manual->in[i], &manual->axes));
  }
  for (uint32_t i = 0; i < op->num_results; ++i) {
    manual->out[i] = pj_spec_complete(flow->arena, manual->out[i], mesh, &manual->axes);
    pj_flow_set_spec(flow, &op->results[i], manual->out[i]);
  }
  pj_map_set(flow->arena, &flow->manuals, pj_map_ptr(op), pj_map_ptr(manual));
  return PJ_STATUS_OK;
}

static PjStatus read_op(PjFlow *flow, PjOp *op) {
  if (op->kind == PJ_OP_SDY_MANUAL_COMPUTATION)
    return read_manual(flow, op);
  const PjSpec *spec;
  if (op->kind == PJ_OP_SDY_SHARDING_CONSTRAINT) {
    PJ_TRY(pj_spec_read(&flow->reader, PJ_ATTR(op, sharding), op->results[0].type, &spec));
    pj_flow_set_spec(flow, &op->results[0], spec);
    return PJ_STATUS_OK;
  }
  const PjAttr *stated = pj_attr_get(pj_attr_get(op->extra, "sdy.sharding"), "shardings");
  for (uint32_t i = 0; stated && i < op->num_results && i < stated->count; ++i) {
    PJ_TRY(pj_spec_read(&flow->reader, stated->elems[i], op->results[i].type, &spec));
    pj_flow_set_spec(flow, &op->results[i], spec);
  }
  return PJ_STATUS_OK;
}

static PjStatus read_region(PjFlow *flow, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    PJ_TRY(read_op(flow, op));
    for (uint32_t r = 0; r < op->num_regions; ++r)
      PJ_TRY(read_region(flow, &op->regions[r]));
  }
  return PJ_STATUS_OK;
}

static const PjAttr *stated_at(const PjAttr *dicts, uint32_t i) {
  return dicts && i < dicts->count ? pj_attr_get(dicts->elems[i], "sdy.sharding") : NULL;
}

PjStatus pj_flow_read(PjFlow *flow) {
  PjRegion *body = &flow->entry->regions[0];
  const PjAttr *args = PJ_ATTR(flow->entry, arg_attrs), *results = PJ_ATTR(flow->entry, res_attrs);
  const PjType *type = PJ_ATTR(flow->entry, function_type)->type;
  for (uint32_t i = 0; i < body->num_args; ++i)
    PJ_TRY(pj_spec_read(&flow->reader, stated_at(args, i), body->args[i].type,
                        &pj_flow_value(flow, &body->args[i])->spec));
  flow->num_results = type->num_results;
  flow->results = PJ_NEW_ARRAY(flow->arena, const PjSpec *, type->num_results);
  for (uint32_t i = 0; i < type->num_results; ++i)
    PJ_TRY(pj_spec_read(&flow->reader, stated_at(results, i), type->results[i], &flow->results[i]));
  return read_region(flow, body);
}

// --- Preparing -----------------------------------------------------------------------------------

PjStatus pj_flow_prepare(PjFlow *flow, PjArena *arena, PjModule *module, bool *out_static) {
  *flow = (PjFlow){.arena = arena, .module = module, .entry = pj_module_entry(module)};
  flow->reader = (PjSpecReader){.arena = arena, .module = module};
  PJ_FAIL_IF(!flow->entry || !pj_region_terminator(&flow->entry->regions[0]), INVALID_ARGUMENT,
             "the program has no entry function");
  add_region(flow, &flow->entry->regions[0]);
  *out_static = true;
  for (size_t i = 0; i < flow->values.len; ++i) {
    const PjType *type = flow->values.data[i].value->type;
    *out_static &= type->kind != PJ_TYPE_TUPLE && type->kind != PJ_TYPE_UNRANKED &&
                   (!pj_type_is_tensor(type) || pj_type_is_static(type));
  }
  if (!*out_static)
    return PJ_STATUS_OK;
  PJ_TRY(pj_flow_read(flow));
  pj_flow_open_loops(flow);
  pj_flow_split_constants(flow);
  pj_flow_apply(flow);
  pj_flow_join_groups(flow);
  return PJ_STATUS_OK;
}
