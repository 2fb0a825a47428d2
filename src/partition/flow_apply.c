// Preparation of a program for propagation: what constraints say is said of the values that they
// constrain, and groups are joined.
#include "partition/flow.h"

// --- Constraints ---------------------------------------------------------------------------------

static bool is_constraint(const PjOp *op) {
  return op->kind == PJ_OP_SDY_SHARDING_CONSTRAINT || op->kind == PJ_OP_SDY_MANUAL_COMPUTATION;
}

// What |use|, by a constraint or a manual computation, wants.
static const PjSpec *wanted_by(PjFlow *flow, const PjUse *use) {
  if (use->op->kind == PJ_OP_SDY_MANUAL_COMPUTATION)
    return pj_flow_manual(flow, use->op)->in[use->operand];
  return pj_flow_value(flow, &use->op->results[0])->spec;
}

static bool should_apply(PjFlow *flow, PjValue *input, const PjSpec *spec) {
  if (!spec || !pj_flow_shardable(input) || pj_flow_spec(flow, input) || !pj_spec_is_closed(spec))
    return false;
  const PjFlowValue *value = pj_flow_value(flow, input);
  for (size_t i = 0; i < value->uses.len; ++i)
    if (is_constraint(value->uses.data[i].op) &&
        !pj_spec_eq(wanted_by(flow, &value->uses.data[i]), spec))
      return false;
  return true;
}

static bool is_not_of(void *context, const PjUse *use) {
  return use->op != context;
}

// The place right after |value| comes to be: before an operation, or the front of a region.
static PjOp *place_after(PjValue *value) {
  return value->def ? value->def->next : value->region->first;
}

// |constraint|: the operation that constrains |input|, or NULL: one is made.
static void apply(PjFlow *flow, PjValue *input, const PjSpec *spec, PjOp *constraint) {
  if (!should_apply(flow, input, spec))
    return;
  if (!pj_flow_is_edge(input)) {
    pj_flow_set_spec(flow, input, spec);
    return;
  }
  // All that an edge leads to would be cut so: instead, what uses it here reads the constraint.
  PjOp *before = place_after(input);
  if (!constraint) {
    constraint = pj_flow_constrain(flow, input, spec, before, NULL)->def;
  } else if (before != constraint) {
    pj_op_remove(constraint);
    pj_op_insert_before(before, constraint);
  }
  pj_flow_replace(flow, input, &constraint->results[0], is_not_of, constraint);
  if (spec->unreduced.count) {
    PjSpecDim *dims;
    PjSpec *own = pj_spec_copy(flow->arena, pj_spec_opened(flow->arena, spec), &dims);
    own->unreduced = spec->unreduced;
    own->reduction = spec->reduction;
    pj_flow_set_spec(flow, input, own);
  }
}

static bool is_constrained(PjFlow *flow, PjValue *value, const PjOp *except) {
  const PjFlowValue *v = pj_flow_value(flow, value);
  for (size_t i = 0; i < v->uses.len; ++i)
    if (v->uses.data[i].op != except && is_constraint(v->uses.data[i].op))
      return true;
  return false;
}

// The end of a chain of constraints that begins with |head|, each but the last with one use; NULL
// where later users of the input must not read it.
static PjOp *end_of_chain(PjFlow *flow, PjOp *head) {
  PjValue *input = head->operands[0];
  if ((input->def && input->def->kind == PJ_OP_SDY_SHARDING_CONSTRAINT) ||
      pj_flow_spec(flow, input) || is_constrained(flow, input, head))
    return NULL;
  PjOp *end = head;
  for (;;) {
    const PjFlowValue *value = pj_flow_value(flow, &end->results[0]);
    if (value->uses.len != 1 || value->uses.data[0].op->kind != PJ_OP_SDY_SHARDING_CONSTRAINT)
      break;
    end = value->uses.data[0].op;
  }
  return end == head || is_constrained(flow, &end->results[0], NULL) ? NULL : end;
}

typedef struct Chain {
  const PjOp *head, *end;
} Chain;

static bool is_after(const PjOp *op, const PjOp *end) {
  for (const PjOp *at = end->next; at; at = at->next)
    if (at == op)
      return true;
  return false;
}

static bool reads_end(void *context, const PjUse *use) {
  const Chain *chain = context;
  return use->op != chain->head && use->op->kind != PJ_OP_FUNC_RETURN &&
         use->op->region == chain->end->region && is_after(use->op, chain->end);
}

static void apply_region(PjFlow *flow, PjRegion *region);

static void apply_op(PjFlow *flow, PjOp *op) {
  for (uint32_t r = 0; r < op->num_regions; ++r)
    apply_region(flow, &op->regions[r]);
  if (op->kind == PJ_OP_SDY_SHARDING_CONSTRAINT) {
    PjOp *end = end_of_chain(flow, op);
    Chain chain = {op, end};
    if (end)
      pj_flow_replace(flow, op->operands[0], &end->results[0], reads_end, &chain);
    apply(flow, op->operands[0], pj_flow_value(flow, &op->results[0])->spec, op);
  }
  if (op->kind == PJ_OP_SDY_MANUAL_COMPUTATION)
    for (uint32_t i = 0; i < op->num_operands; ++i)
      apply(flow, op->operands[i], pj_flow_manual(flow, op)->in[i], NULL);
}

static void apply_region(PjFlow *flow, PjRegion *region) {
  for (PjOp *op = region->first, *next; op; op = next) {
    next = op->next; // |op| may move back
    apply_op(flow, op);
  }
}

void pj_flow_apply(PjFlow *flow) {
  apply_region(flow, &flow->entry->regions[0]);
}

// --- Groups --------------------------------------------------------------------------------------

static PjFlowGroup *root_of(PjFlowGroup *group) {
  while (group->joined)
    group = group->joined;
  return group;
}

static PjFlowGroup *group_of(PjFlow *flow, int64_t id) {
  const uint64_t *found = pj_map_find(&flow->group_ids, (uint64_t)id);
  if (found)
    return (PjFlowGroup *)(uintptr_t)*found;
  PjFlowGroup *group = PJ_NEW(flow->arena, PjFlowGroup);
  group->id = id;
  PJ_PUSH(flow->arena, &flow->groups, group);
  pj_map_set(flow->arena, &flow->group_ids, (uint64_t)id, pj_map_ptr(group));
  return group;
}

// Values of two groups join them, under the smaller number.
static void join(PjFlowGroup *a, PjFlowGroup *b) {
  if (a == b)
    return;
  PjFlowGroup *kept = a->id < b->id ? a : b;
  (kept == a ? b : a)->joined = kept;
}

// Of the shape of the first member.
static bool fits(const PjFlowGroup *group, const PjValue *value) {
  if (!pj_type_is_tensor(value->type))
    return false;
  const PjType *type = group->members.len ? group->members.data[0]->type : value->type;
  bool same = type->rank == value->type->rank;
  for (int32_t d = 0; same && d < type->rank; ++d)
    same = type->dims[d] == value->type->dims[d];
  return same;
}

static void join_region(PjFlow *flow, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    if (op->kind == PJ_OP_SDY_SHARDING_GROUP) {
      PjFlowValue *value = pj_flow_value(flow, op->operands[0]);
      PjFlowGroup *group = root_of(group_of(flow, PJ_INT(op, group_id)));
      if (value->group)
        join(root_of(value->group), group);
      value->group = root_of(group);
    }
    for (uint32_t r = 0; r < op->num_regions; ++r)
      join_region(flow, &op->regions[r]);
  }
}

static void list_members(PjFlow *flow, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    if (op->kind == PJ_OP_SDY_SHARDING_GROUP) {
      PjFlowValue *value = pj_flow_value(flow, op->operands[0]);
      PjFlowGroup *group = root_of(group_of(flow, PJ_INT(op, group_id)));
      value->group = group;
      if (!value->is_member && fits(group, op->operands[0])) {
        value->is_member = true;
        PJ_PUSH(flow->arena, &group->members, op->operands[0]);
      }
    }
    for (uint32_t r = 0; r < op->num_regions; ++r)
      list_members(flow, &op->regions[r]);
  }
}

// The sharding that members have; *out_conflict: they have several.
static const PjSpec *common_spec(PjFlow *flow, const PjFlowGroup *group, bool *out_conflict) {
  const PjSpec *common = NULL;
  *out_conflict = false;
  for (size_t i = 0; i < group->members.len; ++i) {
    const PjSpec *spec = pj_flow_spec(flow, group->members.data[i]);
    bool says_nothing = !pj_spec_has_axes(spec) && spec && !spec->replicated.count;
    for (int32_t d = 0; says_nothing && d < spec->rank; ++d)
      says_nothing = !spec->dims[d].closed;
    if (!spec || says_nothing)
      continue;
    if (!common)
      common = spec;
    else if (!pj_spec_eq(common, spec))
      *out_conflict = true;
  }
  return common;
}

static void settle(PjFlow *flow, PjFlowGroup *group) {
  bool conflict;
  const PjSpec *common = common_spec(flow, group, &conflict);
  for (size_t i = 0; common && i < group->members.len; ++i) {
    PjValue *member = group->members.data[i];
    if (!conflict) {
      pj_flow_set_spec(flow, member, common);
      continue;
    }
    PjValue *open = pj_flow_constrain(flow, member, pj_spec_opened(flow->arena, common),
                                      place_after(member), NULL);
    pj_flow_replace(flow, member, open, is_not_of, open->def);
    pj_flow_value(flow, member)->group = NULL;
    pj_flow_value(flow, open)->group = group;
    group->members.data[i] = open;
  }
}

void pj_flow_join_groups(PjFlow *flow) {
  join_region(flow, &flow->entry->regions[0]);
  list_members(flow, &flow->entry->regions[0]);
  for (size_t i = 0; i < flow->groups.len; ++i)
    if (!flow->groups.data[i]->joined)
      settle(flow, flow->groups.data[i]);
}
