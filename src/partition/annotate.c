// See annotate.h.
#include "partition/annotate.h"

// |dict| with |sharding| as sdy.sharding (NULL: without one).
static const PjAttr *with_sharding(PjArena *arena, const PjAttr *dict, const PjAttr *sharding) {
  uint32_t count = dict ? dict->count : 0, kept = 0;
  PjStr *names = PJ_NEW_ARRAY(arena, PjStr, count + 1);
  const PjAttr **values = PJ_NEW_ARRAY(arena, const PjAttr *, count + 1);
  for (uint32_t i = 0; i < count; ++i) {
    if (pj_str_is(dict->names[i], "sdy.sharding"))
      continue;
    names[kept] = dict->names[i];
    values[kept++] = dict->elems[i];
  }
  if (sharding) {
    names[kept] = PJ_STR("sdy.sharding");
    values[kept++] = sharding;
  }
  return pj_attr_dict(arena, kept, names, values);
}

// True if |spec| is worth reporting: cut, or parts of sums.
static bool says_something(const PjSpec *spec) {
  return spec && !spec->mesh->maximal && (pj_spec_has_axes(spec) || spec->unreduced.count);
}

// What to write for a value of |type| with |spec|: NULL: nothing.
static const PjAttr *sharding_of(PjArena *arena, const PjSpecMesh *mesh, const PjType *type,
                                 const PjSpec *spec) {
  if (!pj_type_is_tensor(type))
    return NULL;
  if (says_something(spec))
    spec = pj_spec_even(arena, spec, type);
  if (says_something(spec))
    return pj_spec_attr(arena, spec);
  // Whole, and said to be so: the program, stored and read again, shall mean the same.
  PjSpec whole = {.mesh = mesh,
                  .rank = type->rank,
                  .dims = PJ_NEW_ARRAY(arena, PjSpecDim, (size_t)type->rank),
                  .reduction = -1};
  return mesh ? pj_spec_attr(arena, &whole) : NULL;
}

static void write_list(PjArena *arena, PjOp *entry, PjKey key, const PjSpecMesh *mesh,
                       bool unspecified, uint32_t count, const PjType *const *types,
                       const PjSpec *const *specs) {
  const PjAttr *old = pj_op_attr(entry, key);
  const PjAttr **dicts = PJ_NEW_ARRAY(arena, const PjAttr *, count);
  for (uint32_t i = 0; i < count; ++i) {
    const PjAttr *dict = old && i < old->count ? old->elems[i] : NULL;
    bool wanted = unspecified || pj_attr_get(dict, "sdy.sharding");
    dicts[i] =
        with_sharding(arena, dict, wanted ? sharding_of(arena, mesh, types[i], specs[i]) : NULL);
  }
  pj_op_set_attr(entry, key, pj_attr_array(arena, count, dicts));
}

void pj_annotate_arguments(PjArena *arena, PjOp *entry, const PjSpecMesh *mesh, bool unspecified,
                           const PjSpec *const *specs) {
  const PjType *type = PJ_ATTR(entry, function_type)->type;
  write_list(arena, entry, PJ_KEY_arg_attrs, mesh, unspecified, type->num_elems, type->elems,
             specs);
}

void pj_annotate_results(PjArena *arena, PjOp *entry, const PjSpecMesh *mesh, bool unspecified,
                         const PjSpec *const *specs) {
  const PjType *type = PJ_ATTR(entry, function_type)->type;
  write_list(arena, entry, PJ_KEY_res_attrs, mesh, unspecified, type->num_results, type->results,
             specs);
}

void pj_annotate_operations(PjFlow *flow, const PjSpecMesh *mesh, PjRegion *region) {
  PjArena *arena = flow->arena;
  for (PjOp *op = region->first; op; op = op->next) {
    const PjAttr **shardings = PJ_NEW_ARRAY(arena, const PjAttr *, op->num_results);
    bool any = false;
    for (uint32_t i = 0; i < op->num_results; ++i) {
      const PjType *type = op->results[i].type;
      const PjSpec *spec = pj_flow_spec(flow, &op->results[i]);
      any |= says_something(spec);
      PjSpec whole = {.mesh = mesh,
                      .rank = pj_type_is_tensor(type) ? type->rank : 0,
                      .dims = PJ_NEW_ARRAY(arena, PjSpecDim, PJ_MAX_RANK),
                      .reduction = -1};
      shardings[i] = pj_spec_attr(arena, says_something(spec) ? spec : &whole);
    }
    if (any) {
      const PjStr name = PJ_STR("shardings");
      const PjAttr *list = pj_attr_array(arena, op->num_results, shardings);
      op->extra = with_sharding(arena, op->extra,
                                pj_attr_struct(arena, "sdy.sharding_per_value", 1, &name, &list));
    }
    for (uint32_t r = 0; r < op->num_regions; ++r)
      pj_annotate_operations(flow, mesh, &op->regions[r]);
  }
}

static PjStatus look(PjFlow *flow, const PjPartitionOptions *options, const PjRegion *region,
                     bool manual) {
  for (const PjOp *op = region->first; op; op = op->next) {
    if (op->kind == PJ_OP_CUSTOM_CALL && op->num_operands == 1 &&
        pj_type_is_tensor(op->operands[0]->type)) {
      const PjType *type = op->operands[0]->type;
      const PjSpec *spec = pj_flow_spec(flow, op->operands[0]);
      if (says_something(spec))
        spec = pj_spec_even(flow->arena, spec, type);
      PJ_TRY(options->look(options->look_context, op,
                           says_something(spec) ? pj_spec_attr(flow->arena, spec) : NULL, manual));
    }
    for (uint32_t i = 0; i < op->num_regions; ++i)
      PJ_TRY(
          look(flow, options, &op->regions[i], manual || op->kind == PJ_OP_SDY_MANUAL_COMPUTATION));
  }
  return PJ_STATUS_OK;
}

PjStatus pj_annotate_look(PjFlow *flow, const PjPartitionOptions *options, const PjRegion *region) {
  return look(flow, options, region, false);
}
