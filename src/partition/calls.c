// See calls.h.
#include "partition/calls.h"

#include "ir/sharding.h"

// Whether |op| is such a call; its index in |out|.
static bool is_partitioned(const PjOp *op, int64_t *out) {
  if (op->kind != PJ_OP_CUSTOM_CALL || op->num_results ||
      !pj_str_is(PJ_STRATTR(op, call_target_name), "xla_ffi_partitioned_python_cpu_callback"))
    return false;
  const PjAttr *config = pj_attr_get(op->extra, "mhlo.backend_config");
  const PjAttr *index =
      config && config->kind == PJ_ATTR_DICT ? pj_attr_get(config, "index") : NULL;
  if (!index || index->kind != PJ_ATTR_INT)
    return false;
  *out = index->i64;
  return true;
}

typedef struct Call {
  int64_t index;
  uint32_t num_operands;
  const PjAttr *shardings; // sdy.sharding_per_value
  const PjType **parts;
} Call;

typedef struct Calls {
  PjFlow *flow;
  PjModule *module;
  const PjSpecMesh *mesh;
  PJ_VEC(Call) found;
} Calls;

static const PjAttr *per_value(PjArena *arena, uint32_t count, const PjAttr *const *shardings) {
  const PjStr name = PJ_STR("shardings");
  const PjAttr *list = pj_attr_array(arena, count, shardings);
  return pj_attr_struct(arena, "sdy.sharding_per_value", 1, &name, &list);
}

// How the operands of |op|, of the copy, are cut.
static PjStatus describe(Calls *c, PjOp *op, int64_t index) {
  PjArena *arena = c->module->arena;
  Call call = {.index = index,
               .num_operands = op->num_operands,
               .parts = PJ_NEW_ARRAY(arena, const PjType *, op->num_operands + 1)};
  const PjAttr **shardings = PJ_NEW_ARRAY(arena, const PjAttr *, op->num_operands + 1);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjType *type = op->operands[i]->type;
    if (!pj_type_is_tensor(type))
      return PJ_STATUS_OK; // a token: left as it is
    const PjSpec *spec = pj_spec_even(arena, pj_flow_spec(c->flow, op->operands[i]), type);
    const PjSpec whole = {.mesh = c->mesh,
                          .rank = type->rank,
                          .dims = PJ_NEW_ARRAY(arena, PjSpecDim, (size_t)type->rank + 1),
                          .reduction = -1};
    if (!spec || spec->mesh != c->mesh)
      spec = &whole;
    shardings[i] = pj_spec_attr(arena, spec);
    PjTiling *tiling;
    PJ_TRY(pj_sharding_tiling(arena, c->mesh->mesh, shardings[i], type->rank, 0, NULL, &tiling));
    int64_t dims[PJ_MAX_RANK];
    for (int32_t d = 0; d < type->rank; ++d)
      dims[d] = type->dims[d] / tiling->counts[d];
    call.parts[i] = pj_type_with_dims(arena, type, type->rank, dims);
  }
  call.shardings = per_value(arena, op->num_operands, shardings);
  PJ_PUSH(arena, &c->found, call);
  return PJ_STATUS_OK;
}

static PjStatus find(Calls *c, PjRegion *region) {
  int64_t index;
  for (PjOp *op = region->first; op; op = op->next) {
    if (is_partitioned(op, &index))
      PJ_TRY(describe(c, op, index));
    for (uint32_t i = 0; i < op->num_regions && op->kind != PJ_OP_SDY_MANUAL_COMPUTATION; ++i)
      PJ_TRY(find(c, &op->regions[i]));
  }
  return PJ_STATUS_OK;
}

static void wrap(Calls *c, PjOp *op, const Call *call) {
  PjArena *arena = c->module->arena;
  PjOp *manual = pj_op_create(arena, PJ_OP_SDY_MANUAL_COMPUTATION, op->num_operands, 0, 1);
  manual->loc = op->loc;
  const PjMesh *mesh = c->mesh->mesh;
  const PjAttr **names = PJ_NEW_ARRAY(arena, const PjAttr *, mesh->num_axes + 1);
  for (uint32_t i = 0; i < mesh->num_axes; ++i)
    names[i] = pj_attr_string(arena, mesh->names[i]);
  const PjStr field = PJ_STR("axes");
  const PjAttr *axes = pj_attr_array(arena, mesh->num_axes, names);
  pj_op_set_attr(manual, PJ_KEY_in_shardings, call->shardings);
  pj_op_set_attr(manual, PJ_KEY_out_shardings, per_value(arena, 0, NULL));
  pj_op_set_attr(manual, PJ_KEY_manual_axes,
                 pj_attr_struct(arena, "sdy.manual_axes", 1, &field, &axes));
  PjRegion *body = &manual->regions[0];
  pj_region_set_args(arena, body, op->num_operands, call->parts);
  pj_op_insert_before(op, manual);
  pj_op_remove(op);
  pj_op_append(body, op);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    manual->operands[i] = op->operands[i];
    op->operands[i] = &body->args[i];
  }
  pj_op_append(body, pj_op_create(arena, PJ_OP_SDY_RETURN, 0, 0, 0));
}

static const Call *match(const Calls *c, const PjOp *op) {
  int64_t index;
  if (!is_partitioned(op, &index))
    return NULL;
  for (size_t i = 0; i < c->found.len; ++i)
    if (c->found.data[i].index == index && c->found.data[i].num_operands == op->num_operands)
      return &c->found.data[i];
  return NULL;
}

static void wrap_all(Calls *c, PjRegion *region) {
  for (PjOp *op = region->first, *next; op; op = next) {
    next = op->next;
    const Call *call = match(c, op);
    if (call)
      wrap(c, op, call);
    for (uint32_t i = 0; i < op->num_regions && op->kind != PJ_OP_SDY_MANUAL_COMPUTATION; ++i)
      wrap_all(c, &op->regions[i]);
  }
}

PjStatus pj_partition_calls(PjFlow *flow, PjModule *module, const PjSpecMesh *mesh) {
  Calls c = {flow, module, mesh};
  if (!mesh)
    return PJ_STATUS_OK;
  PJ_TRY(find(&c, &flow->entry->regions[0]));
  if (c.found.len) {
    wrap_all(&c, &module->body);
    pj_module_number(module);
  }
  return PJ_STATUS_OK;
}
