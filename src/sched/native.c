// Small loops as one function: the choice, and the operations in them one after the other.
//
// The region of a loop goes through the same analysis as any other (roles, units), but its units
// are emitted one after the other into one function, with sizes as literals. Values of one element
// are registers, carried by the loop; arrays lie in slots as elsewhere. A loop that makes a new
// array for a carry exchanges the addresses of the two; after its last turn the array is put back
// where everybody expects it.
#include "sched/native.h"
#include "kernel/kir_split.h"
#include "sched/emit_loops.h"
#include "sched/shape_map.h"

enum {
  MAX_OPS = 400,
  JOIN_VISITS = 200,
};
#define MAX_TURN_NS 20e3
#define DEAR_NS     0.8 // an element of what is worth a vector, though its lanes must be gathered

// --- Choice --------------------------------------------------------------------------------------

typedef struct Survey {
  PjLower *l;
  uint32_t ops;
  double ns;
} Survey;

bool pj_native_is_single(const PjValue *value) {
  return pj_type_is_tensor(value->type) && pj_count(value->type) == 1;
}

static bool survey_region(Survey *s, const PjRegion *region) {
  if (!pj_region_terminator(region))
    return false;
  pj_lower_roles(s->l, region);
  for (uint32_t i = 0; i < region->num_args; i++)
    if (!pj_type_is_tensor(region->args[i].type) || pj_count(region->args[i].type) == 0 ||
        pj_elem_type(region->args[i].type->dtype) == PJ_KIR_VOID || region->args[i].type->quant)
      return false;
  for (const PjOp *op = region->first; op != pj_region_terminator(region); op = op->next) {
    const PjOpInfoSched *info = &s->l->ops[op->id];
    if (++s->ops > MAX_OPS)
      return false;
    switch (info->role) {
    case PJ_OPROLE_NONE:
      if (op->kind != PJ_OP_CONSTANT)
        return false;
      break;
    case PJ_OPROLE_INLINE:
      if (info->in_memory)
        s->ns += 1 + info->cost * (double)pj_count(op->results[0].type);
      break;
    case PJ_OPROLE_REDUCE:
      s->ns += 2 + (info->cost + 0.2) * (double)pj_count(op->operands[0]->type);
      break;
    case PJ_OPROLE_UPDATE:
      if (pj_native_is_single(op->operands[0]))
        return false;
      // In place, as a rule; a copy of a large array would be a matter for several threads.
      s->ns += 1 + 0.3 * (double)pj_count(op->operands[1]->type);
      break;
    case PJ_OPROLE_ALIAS:
      if (op->kind ==
          PJ_OP_BITCAST_CONVERT) // of one element as several, say, which lies in no memory here
        return false;
      break;
    case PJ_OPROLE_ROUTINE: {
      double ns;
      if (!pj_native_supports(op, &ns))
        return false;
      s->ns += ns;
      break;
    }
    case PJ_OPROLE_CONTROL:
      for (uint32_t r = 0; r < op->num_regions; r++)
        if (!survey_region(s, &op->regions[r]))
          return false;
      break;
    default:
      return false;
    }
    if (s->ns > MAX_TURN_NS)
      return false;
  }
  return true;
}

bool pj_native_fits(PjLower *l, const PjOp *op) {
  Survey s = {.l = l};
  if (op->num_operands > PJ_NATIVE_CARRIES)
    return false;
  for (uint32_t r = 0; r < op->num_regions; r++)
    if (!survey_region(&s, &op->regions[r]))
      return false;
  return true;
}

// --- Memory --------------------------------------------------------------------------------------

PjKirVal pj_native_slot(PjNative *n, uint32_t slot) {
  pj_slot_touch(n->l, slot);
  uint64_t *current = pj_map_find(&n->current, slot);
  if (current && *current)
    return (PjKirVal)*current;
  uint64_t *known = pj_map_find(&n->buffers, slot);
  uint32_t number = known ? (uint32_t)*known : (uint32_t)n->slots.len;
  if (!known) {
    pj_map_set(n->l->work, &n->buffers, slot, number);
    PJ_PUSH(n->l->work, &n->slots, slot);
  }
  return pj_kir_buffer(n->k, number);
}

uint8_t pj_native_alias(PjNative *n, uint32_t slot) {
  uint64_t *group = pj_map_find(&n->group_of, slot);
  if (group)
    return (uint8_t)*group;
  uint64_t number = n->group_of.len + 1;
  if (number > 180)
    number = 0;
  pj_map_set(n->l->work, &n->group_of, slot, number);
  return (uint8_t)number;
}

void pj_native_memory(PjNative *n, uint32_t slot, PjPlace *out) {
  PjSlotKind kind = n->l->schedule->slots.data[slot].kind;
  *out =
      (PjPlace){.kind = PJ_PLACE_MEMORY,
                .ptr = pj_native_slot(n, slot),
                .alias = pj_native_alias(n, slot),
                .readonly = (kind == PJ_SLOT_INPUT && !n->l->schedule->slots.data[slot].donated) ||
                            kind == PJ_SLOT_CONSTANT};
}

void pj_native_bind_memory(PjNative *n, const PjValue *value) {
  PjPlace place;
  pj_native_memory(n, pj_slot_of(n->l, value), &place);
  pj_nest_bind(n->nest, value, &place);
}

void pj_native_bind_value(PjNative *n, const PjValue *value, PjElem elem) {
  PjPlace place = {.kind = PJ_PLACE_VALUE, .value = elem};
  pj_nest_bind(n->nest, value, &place);
}

static bool inlines(const PjValue *value) {
  return value->def && value->def->kind == PJ_OP_CONSTANT && pj_nest_can_inline(value->def);
}

// Makes |value|, of an outer region or an argument of the program, known to the function; before
// any loop begins.
static void import_value(PjNative *n, const PjValue *value) {
  if (inlines(value) || pj_nest_place(n->nest, value))
    return;
  pj_native_bind_memory(n, value);
  if (pj_native_is_single(value))
    pj_native_bind_value(n, value, pj_nest_scalar(n->nest, value));
}

static bool within(const PjRegion *region, const PjOp *op) {
  for (; region; region = region->parent->region) {
    for (uint32_t r = 0; r < op->num_regions; r++)
      if (region == &op->regions[r])
        return true;
    if (!region->parent || !region->parent->region)
      return false;
  }
  return false;
}

static void import_captured(PjNative *n, const PjOp *whole, const PjOp *op) {
  for (uint32_t r = 0; r < op->num_regions; r++)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next) {
      for (uint32_t i = 0; i < inner->num_operands; i++)
        if (!within(pj_home(inner->operands[i]), whole))
          import_value(n, inner->operands[i]);
      import_captured(n, whole, inner);
    }
}

void pj_native_copy(PjNative *n, PjKirVal to, PjKirVal from, size_t bytes) {
  PjKirVal args[3] = {to, from, pj_kir_i64(n->k, (int64_t)bytes)};
  pj_kir_call(n->k, PJ_KIR_EXTERN_MEMCPY, 3, args);
}

// --- Units ---------------------------------------------------------------------------------------

void pj_native_forget(PjNative *n) {
  n->nest->ix.lanes = 1;
  pj_nest_forget(n->nest);
}

// Whether what |op| takes into its tree joins pieces of rows that are shorter than |lanes|: the
// elements of a vector are then computed in different ways, and a vector would be computed once for
// each of them. Looks at |left| operations.
static bool joins_short(const PjNative *n, const PjOp *op, int lanes, int *left) {
  if (--*left < 0)
    return false;
  if (op->kind == PJ_OP_CONCATENATE) {
    const PjType *type = op->operands[0]->type;
    int64_t piece = 1;
    for (int d = type->rank - 1; d >= PJ_INT(op, dimension); d--)
      piece *= type->dims[d];
    if (piece < lanes)
      return true;
  }
  for (uint32_t i = 0; i < op->num_operands; i++) {
    const PjOp *def = op->operands[i]->def;
    if (!def || def->region != op->region)
      continue;
    const PjOpInfoSched *info = &n->l->ops[def->id];
    if (info->role == PJ_OPROLE_INLINE && !info->in_memory && joins_short(n, def, lanes, left))
      return true;
  }
  return false;
}

static void native_group(PjNative *n, const PjUnit *unit) {
  PjLower *l = n->l;
  PjGroup g;
  PjRootBuffers buffers[PJ_MAX_ROOTS] = {0};
  if (!pj_unit_shape(l, unit, &g)) {
    n->failed = "a group without a shape";
    return;
  }
  g.units /= g.split;
  g.split = 1;
  // Few elements that fill no vector, one by one: who made them one by one can hand them over at
  // once, which memory cannot do for a vector.
  int64_t extent = g.loops[g.num_loops - 1].extent;
  if (g.kind == PJ_GROUP_MAP && g.num_loops == 1)
    g.lanes = pj_group_lanes(extent, g.lanes, PJ_NATIVE_SHORT);
  if (g.kind != PJ_GROUP_COLUMNS && extent <= PJ_NATIVE_FEW && extent % g.lanes && g.cost < DEAR_NS)
    g.lanes = 1;
  int left = JOIN_VISITS;
  for (uint32_t r = 0; r < g.num_roots && g.kind != PJ_GROUP_COLUMNS; r++)
    if (g.lanes > 1 && g.count <= PJ_NATIVE_FEW && joins_short(n, g.roots[r].op, g.lanes, &left))
      g.lanes = 1;
  bool single = true;
  for (uint32_t r = 0; r < g.num_roots; r++) {
    PjRoot *root = &g.roots[r];
    for (uint32_t i = 0; i < root->op->num_results; i++) {
      const PjValue *value = &root->op->results[i];
      if (pj_native_is_single(value)) {
        root->stored = false;
      } else {
        single = false;
        if (root->stored) {
          uint32_t slot = pj_slot_for(l, value);
          buffers[r].ptr[i] = pj_native_slot(n, slot);
          buffers[r].alias[i] = pj_native_alias(n, slot);
        }
      }
    }
  }
  pj_native_forget(n);
  bool elements_only = g.kind == PJ_GROUP_MAP && single;
  if (!elements_only) {
    if (g.scratch_bytes)
      n->nest->scratch = pj_kir_stack(n->k, g.scratch_bytes);
    int64_t units = g.kind == PJ_GROUP_MAP && g.num_loops == 1 ? g.count : g.units;
    pj_group_emit(n->nest, &g, buffers, pj_kir_i64(n->k, 0), pj_kir_i64(n->k, units));
  }
  pj_native_forget(n);
  for (uint32_t r = 0; r < g.num_roots; r++)
    for (uint32_t i = 0; i < g.roots[r].op->num_results; i++) {
      const PjValue *value = &g.roots[r].op->results[i];
      if (pj_native_is_single(value)) {
        if (!pj_nest_place(n->nest, value) || g.roots[r].role != PJ_ROOT_REDUCE)
          pj_native_bind_value(n, value, pj_nest_scalar(n->nest, value));
      } else if (g.roots[r].stored) {
        pj_native_bind_memory(n, value);
      }
    }
}

static void native_update(PjNative *n, const PjUnit *unit) {
  PjLower *l = n->l;
  const PjOp *op = unit->op;
  uint32_t source = pj_slot_of(l, op->operands[0]), target = source;
  if (pj_value_dies(l, op->operands[0], unit))
    l->slot_of[op->results[0].id] = source;
  else
    target = pj_slot_for(l, &op->results[0]);
  pj_native_forget(n);
  if (pj_native_update_pieces(n, op, source, target)) {
    pj_native_forget(n);
    pj_native_bind_memory(n, &op->results[0]);
    return;
  }
  if (target != source)
    pj_native_copy(n, pj_native_slot(n, target), pj_native_slot(n, source),
                   pj_value_bytes(op->operands[0]));
  PjRootBuffers buffer = {.ptr = {pj_native_slot(n, target)},
                          .alias = {pj_native_alias(n, target)}};
  pj_native_forget(n);
  PjGroup g;
  PjRoot root;
  if (!pj_update_shape(l, op, &root, &g)) {
    n->failed = "an update that cannot be computed in place";
    return;
  }
  PjEmit e = {n->nest, n->k, &g, &buffer};
  pj_emit_map(&e, pj_kir_i64(n->k, 0), pj_kir_i64(n->k, g.units));
  pj_native_forget(n);
  pj_native_bind_memory(n, &op->results[0]);
}

static void native_routine(PjNative *n, const PjUnit *unit) {
  PjLower *l = n->l;
  const PjOp *op = unit->op;
  if (op->kind == PJ_OP_SCATTER) {
    uint32_t source = pj_slot_of(l, op->operands[0]);
    if (pj_value_dies(l, op->operands[0], unit))
      l->slot_of[op->results[0].id] = source;
    uint32_t target = pj_slot_for(l, &op->results[0]);
    if (target != source)
      pj_native_copy(n, pj_native_slot(n, target), pj_native_slot(n, source),
                     pj_value_bytes(op->operands[0]));
    pj_native_forget(n);
    pj_native_bind_memory(n, &op->results[0]);
    pj_native_scatter(n, op, pj_native_slot(n, target));
    pj_native_forget(n);
    return;
  }
  pj_native_forget(n);
  for (uint32_t i = 0; i < op->num_operands; i++) { // what others have in registers, too
    if (inlines(op->operands[i]) && !pj_nest_place(n->nest, op->operands[i]))
      pj_native_bind_memory(n, op->operands[i]);
    pj_slot_touch(l, pj_slot_of(l, op->operands[i]));
  }
  uint32_t slot = pj_slot_for(l, &op->results[0]);
  pj_native_bind_memory(n, &op->results[0]);
  pj_native_dot(n, op, pj_native_slot(n, slot), pj_native_alias(n, slot));
  pj_native_forget(n);
  if (pj_native_is_single(&op->results[0])) {
    PjElem e = pj_nest_scalar(n->nest, &op->results[0]);
    pj_native_bind_value(n, &op->results[0], e);
  }
}

static void native_unit(PjNative *n, const PjUnit *unit) {
  PjLower *l = n->l;
  const PjOp *op = unit->op;
  l->time++;
  if (unit->is_group) {
    native_group(n, unit);
    return;
  }
  if (pj_is_alias(l, op)) {
    for (uint32_t i = 0; i < op->num_results; i++) {
      if (pj_native_is_single(&op->results[i]) && l->ops[op->id].role == PJ_OPROLE_ALIAS) {
        pj_native_bind_value(n, &op->results[i], pj_nest_scalar(n->nest, op->operands[i]));
      } else if (pj_native_is_single(&op->results[i])) {
        pj_native_bind_value(n, &op->results[i], pj_nest_scalar(n->nest, &op->results[i]));
      } else {
        l->slot_of[op->results[i].id] = pj_slot_of(l, op->operands[i]);
        pj_native_bind_memory(n, &op->results[i]);
      }
    }
    return;
  }
  switch (l->ops[op->id].role) {
  case PJ_OPROLE_UPDATE:
    native_update(n, unit);
    break;
  case PJ_OPROLE_ROUTINE:
    native_routine(n, unit);
    break;
  case PJ_OPROLE_CONTROL:
    if (op->kind == PJ_OP_WHILE)
      pj_native_while(n, unit);
    else
      pj_native_case(n, unit);
    break;
  default:
    n->failed = "an operation that cannot be emitted";
  }
}

void pj_native_region(PjNative *n, const PjRegion *region) {
  PjUnits units = {0};
  pj_lower_roles(n->l, region);
  pj_lower_units(n->l, region, &units);
  for (const PjOp *op = region->first; op; op = op->next) // dense constants
    for (uint32_t i = 0; i < op->num_operands; i++) {
      const PjValue *value = op->operands[i];
      if (value->def && value->def->kind == PJ_OP_CONSTANT && !inlines(value) &&
          !pj_nest_place(n->nest, value))
        pj_native_bind_memory(n, value);
    }
  for (size_t i = 0; i < units.len && !n->failed && !n->nest->failed; i++) {
    native_unit(n, units.data[i]);
    pj_unit_touch(n->l, units.data[i]);
  }
}

PjStatus pj_lower_native(PjLower *l, const PjUnit *unit, PjSteps *out) {
  const PjOp *op = unit->op;
  PjArenaMark mark = pj_arena_mark(l->options->kernels);
  PjKir *k = pj_kir_create(l->options->kernels, l->options->target, "loop");
  PjNative n = {.l = l, .nest = pj_nest_create(k, true), .k = k};
  PjStep *step = pj_step_add(l, out, PJ_STEP_KERNEL, op, 0, 0);
  size_t number = out->len - 1;
  for (uint32_t i = 0; i < op->num_operands; i++)
    if (!pj_starts_empty(&l->ops[op->id], i))
      import_value(&n, op->operands[i]);
  import_captured(&n, op, op);
  pj_native_pack(&n, op);
  pj_native_while(&n, unit);
  for (uint32_t i = 0; i < op->num_results && !n.failed; i++) {
    const PjValue *value = &op->results[i];
    if (!pj_native_is_single(value))
      continue;
    uint32_t slot = pj_slot_for(l, value);
    pj_nest_store(n.nest, value->type->dtype, pj_native_slot(&n, slot), 0, (PjIx){0},
                  pj_nest_scalar(n.nest, value), 0);
  }
  if (n.failed || n.nest->failed)
    return pj_op_blame(
        op, PJ_ERROR(INTERNAL, "while making a loop: %s", n.failed ? n.failed : n.nest->failed));
  pj_kir_finish(k);
  k = pj_kir_split(k);
  step = &out->data[number];
  step->num_in = (uint32_t)n.slots.len;
  step->in = PJ_NEW_ARRAY(l->arena, uint32_t, n.slots.len + 1);
  step->out = step->in + step->num_in;
  for (size_t i = 0; i < n.slots.len; i++)
    step->in[i] = n.slots.data[i];
  bool known;
  step->code = pj_code_add(l, k, &known);
  if (known)
    pj_arena_reset(l->options->kernels, mark);
  step->params = PJ_NEW_ARRAY(l->arena, uint64_t, 1);
  step->units = step->grain = 1;
  l->schedule->num_kernels++;
  l->schedule->cost += 1e4;
  return PJ_STATUS_OK;
}
