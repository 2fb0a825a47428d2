// Small loops as one function.
//
// The region of a loop goes through the same analysis as any other (roles, units), but its units
// are emitted one after the other into one function, with sizes as literals. Values of one element
// are registers, carried by the loop; arrays lie in slots as elsewhere. A loop that makes a new
// array for a carry exchanges the addresses of the two; after its last turn the array is put back
// where everybody expects it.
#include "sched/native.h"
#include "kernel/convert.h"
#include "kernel/kir_range.h"
#include "kernel/kir_split.h"
#include "pass/range.h"

#include "sched/emit_loops.h"
#include "sched/shape_map.h"

enum {
  FEW = 12,
  SHORT = 4,
  MAX_OPS = 400,
  JOIN_VISITS = 200,
  MAX_CARRIES = 64,
  MAX_PIECES = 16, // of a small array, in registers
  MAX_CARRIED = 4 * MAX_CARRIES + 1 + 4 * MAX_PIECES,
};
#define MAX_TURN_NS 20e3
#define DEAR_NS     0.8 // an element of what is worth a vector, though its lanes must be gathered

// --- Choice --------------------------------------------------------------------------------------

typedef struct Survey {
  PjLower *l;
  uint32_t ops;
  double ns;
} Survey;

static bool is_single(const PjValue *value) {
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
      if (is_single(op->operands[0]))
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
  if (op->num_operands > MAX_CARRIES)
    return false;
  for (uint32_t r = 0; r < op->num_regions; r++)
    if (!survey_region(&s, &op->regions[r]))
      return false;
  return true;
}

// --- Memory --------------------------------------------------------------------------------------

static PjKirVal slot_ptr(PjNative *n, uint32_t slot) {
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

static uint8_t slot_alias(PjNative *n, uint32_t slot) {
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
                .ptr = slot_ptr(n, slot),
                .alias = slot_alias(n, slot),
                .readonly = (kind == PJ_SLOT_INPUT && !n->l->schedule->slots.data[slot].donated) ||
                            kind == PJ_SLOT_CONSTANT};
}

static void bind_memory(PjNative *n, const PjValue *value) {
  PjPlace place;
  pj_native_memory(n, pj_slot_of(n->l, value), &place);
  pj_nest_bind(n->nest, value, &place);
}

static void bind_value(PjNative *n, const PjValue *value, PjElem elem) {
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
  bind_memory(n, value);
  if (is_single(value))
    bind_value(n, value, pj_nest_scalar(n->nest, value));
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

static void copy_array(PjNative *n, PjKirVal to, PjKirVal from, size_t bytes) {
  PjKirVal args[3] = {to, from, pj_kir_i64(n->k, (int64_t)bytes)};
  pj_kir_call(n->k, PJ_KIR_EXTERN_MEMCPY, 3, args);
}

// --- Units ---------------------------------------------------------------------------------------

static void native_region(PjNative *n, const PjRegion *region);

static void forget(PjNative *n) {
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
    g.lanes = pj_group_lanes(extent, g.lanes, SHORT);
  if (g.kind != PJ_GROUP_COLUMNS && extent <= FEW && extent % g.lanes && g.cost < DEAR_NS)
    g.lanes = 1;
  int left = JOIN_VISITS;
  for (uint32_t r = 0; r < g.num_roots && g.kind != PJ_GROUP_COLUMNS; r++)
    if (g.lanes > 1 && g.count <= FEW && joins_short(n, g.roots[r].op, g.lanes, &left))
      g.lanes = 1;
  bool single = true;
  for (uint32_t r = 0; r < g.num_roots; r++) {
    PjRoot *root = &g.roots[r];
    for (uint32_t i = 0; i < root->op->num_results; i++) {
      const PjValue *value = &root->op->results[i];
      if (is_single(value)) {
        root->stored = false;
      } else {
        single = false;
        if (root->stored) {
          uint32_t slot = pj_slot_for(l, value);
          buffers[r].ptr[i] = slot_ptr(n, slot);
          buffers[r].alias[i] = slot_alias(n, slot);
        }
      }
    }
  }
  forget(n);
  bool elements_only = g.kind == PJ_GROUP_MAP && single;
  if (!elements_only) {
    if (g.scratch_bytes)
      n->nest->scratch = pj_kir_stack(n->k, g.scratch_bytes);
    int64_t units = g.kind == PJ_GROUP_MAP && g.num_loops == 1 ? g.count : g.units;
    pj_group_emit(n->nest, &g, buffers, pj_kir_i64(n->k, 0), pj_kir_i64(n->k, units));
  }
  forget(n);
  for (uint32_t r = 0; r < g.num_roots; r++)
    for (uint32_t i = 0; i < g.roots[r].op->num_results; i++) {
      const PjValue *value = &g.roots[r].op->results[i];
      if (is_single(value)) {
        if (!pj_nest_place(n->nest, value) || g.roots[r].role != PJ_ROOT_REDUCE)
          bind_value(n, value, pj_nest_scalar(n->nest, value));
      } else if (g.roots[r].stored) {
        bind_memory(n, value);
      }
    }
}

static void native_update(PjNative *n, const PjUnit *unit) {
  PjLower *l = n->l;
  const PjOp *op = unit->op;
  uint32_t source = pj_slot_of(l, op->operands[0]), target = source;
  if (pj_value_dies(l, op->operands[0], unit)) {
    l->slot_of[op->results[0].id] = source;
  } else {
    target = pj_slot_for(l, &op->results[0]);
    copy_array(n, slot_ptr(n, target), slot_ptr(n, source), pj_value_bytes(op->operands[0]));
  }
  PjRootBuffers buffer = {.ptr = {slot_ptr(n, target)}, .alias = {slot_alias(n, target)}};
  forget(n);
  PjGroup g;
  PjRoot root;
  if (!pj_update_shape(l, op, &root, &g)) {
    n->failed = "an update that cannot be computed in place";
    return;
  }
  PjEmit e = {n->nest, n->k, &g, &buffer};
  pj_emit_map(&e, pj_kir_i64(n->k, 0), pj_kir_i64(n->k, g.units));
  forget(n);
  bind_memory(n, &op->results[0]);
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
      copy_array(n, slot_ptr(n, target), slot_ptr(n, source), pj_value_bytes(op->operands[0]));
    forget(n);
    bind_memory(n, &op->results[0]);
    pj_native_scatter(n, op, slot_ptr(n, target));
    forget(n);
    return;
  }
  forget(n);
  for (uint32_t i = 0; i < op->num_operands; i++) // what others have in registers, too
    if (inlines(op->operands[i]) && !pj_nest_place(n->nest, op->operands[i]))
      bind_memory(n, op->operands[i]);
  uint32_t slot = pj_slot_for(l, &op->results[0]);
  bind_memory(n, &op->results[0]);
  pj_native_dot(n, op, slot_ptr(n, slot), slot_alias(n, slot));
  forget(n);
  if (is_single(&op->results[0])) {
    PjElem e = pj_nest_scalar(n->nest, &op->results[0]);
    bind_value(n, &op->results[0], e);
  }
}

// Values of |region|'s terminator in the slots |targets| (arrays) or registers (single elements,
// into |out|).
static void native_results(PjNative *n, const PjRegion *region, const uint32_t *targets,
                           PjElem *out) {
  const PjOp *end = pj_region_terminator(region);
  forget(n);
  for (uint32_t i = 0; i < end->num_operands; i++) {
    const PjValue *value = end->operands[i];
    if (is_single(value)) {
      out[i] = pj_nest_scalar(n->nest, value);
      continue;
    }
    uint32_t slot = pj_slot_of(n->l, value);
    if (slot != targets[i])
      copy_array(n, slot_ptr(n, targets[i]), slot_ptr(n, slot), pj_value_bytes(value));
  }
}

static void want(PjNative *n, const PjRegion *region, const uint32_t *targets) {
  const PjOp *end = pj_region_terminator(region);
  for (uint32_t i = 0; i < end->num_operands; i++) {
    const PjValue *value = end->operands[i];
    if (value->def && value->def->region == region && !is_single(value) &&
        n->l->wanted[value->id] == PJ_NO_SLOT)
      n->l->wanted[value->id] = targets[i];
  }
}

static uint32_t flatten(const PjElem *elems, const PjValue *const *values, uint32_t count,
                        PjKirVal *out) {
  uint32_t m = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!is_single(values[i]))
      continue;
    out[m++] = elems[i].re;
    if (elems[i].im)
      out[m++] = elems[i].im;
  }
  return m;
}

static const PjKirVal *unflatten(PjElem *elems, const PjValue *const *values, uint32_t count,
                                 const PjKirVal *in) {
  for (uint32_t i = 0; i < count; i++) {
    if (!is_single(values[i]))
      continue;
    elems[i].re = *in++;
    elems[i].im = pj_dtype_is_complex(values[i]->type->dtype) ? *in++ : 0;
  }
  return in;
}

static void native_case_branch(PjNative *n, const PjOp *op, uint32_t branch, PjKirVal index,
                               const uint32_t *targets, PjElem *results) {
  const PjValue *values[MAX_CARRIES];
  PjKirVal flat[2 * MAX_CARRIES];
  for (uint32_t i = 0; i < op->num_results; i++)
    values[i] = &op->results[i];
  if (branch == op->num_regions - 1) {
    native_region(n, &op->regions[branch]);
    native_results(n, &op->regions[branch], targets, results);
    return;
  }
  PjKirVal here = index;
  if (op->kind == PJ_OP_CASE)
    here = pj_kir_eq(n->k, index, pj_kir_const(n->k, pj_kir_typeof(n->k, index), branch));
  pj_kir_if_begin(n->k, here);
  native_region(n, &op->regions[branch]);
  native_results(n, &op->regions[branch], targets, results);
  uint32_t m = flatten(results, values, op->num_results, flat);
  forget(n);
  pj_kir_if_else(n->k, m, flat);
  native_case_branch(n, op, branch + 1, index, targets, results);
  m = flatten(results, values, op->num_results, flat);
  forget(n);
  pj_kir_if_end(n->k, m, flat, flat);
  unflatten(results, values, op->num_results, flat);
}

static void native_case(PjNative *n, const PjUnit *unit) {
  const PjOp *op = unit->op;
  uint32_t targets[MAX_CARRIES];
  PjElem results[MAX_CARRIES] = {0};
  if (op->num_results > MAX_CARRIES) {
    n->failed = "a branch with many results";
    return;
  }
  for (uint32_t i = 0; i < op->num_results; i++) {
    targets[i] = is_single(&op->results[i]) ? PJ_NO_SLOT : pj_slot_for(n->l, &op->results[i]);
    if (targets[i] != PJ_NO_SLOT)
      bind_memory(n, &op->results[i]);
  }
  for (uint32_t r = 0; r < op->num_regions; r++)
    want(n, &op->regions[r], targets);
  forget(n);
  PjKirVal index = pj_nest_scalar(n->nest, op->operands[0]).re;
  native_case_branch(n, op, 0, index, targets, results);
  forget(n);
  for (uint32_t i = 0; i < op->num_results; i++) {
    if (is_single(&op->results[i]))
      bind_value(n, &op->results[i], results[i]);
    else
      bind_memory(n, &op->results[i]);
  }
}

// What a loop carries of a small array beside its memory, so that a turn need not wait for what the
// one before stored.
typedef struct Pieces {
  int count;
  int64_t at[MAX_PIECES];
  PjKirType type[MAX_PIECES];
} Pieces;

static Pieces pieces_of(const PjNative *n, const PjValue *array) {
  Pieces p = {0};
  const PjDtype dtype = array->type->dtype;
  const int64_t count = pj_count(array->type);
  if (pj_dtype_is_complex(dtype) || count > FEW * MAX_PIECES)
    return p;
  const PjKirElem elem = pj_conv_memory(dtype);
  const int bytes = pj_kir_elem_bytes(elem), most = n->l->options->target->vector_bytes / bytes;
  int lanes = pj_group_lanes(count, most, SHORT);
  if (count <= FEW && count % lanes)
    lanes = 1;
  if (lanes > PJ_KIR_MAX_LANES || count / lanes + count % lanes > MAX_PIECES)
    return p;
  for (int64_t at = 0; at < count; at += p.type[p.count++].lanes) {
    p.at[p.count] = at;
    p.type[p.count] = pj_kir_type(elem, at + lanes <= count ? lanes : 1);
  }
  return p;
}

static uint32_t load_pieces(PjNative *n, const Pieces *p, uint32_t slot, PjKirVal *out) {
  n->k->alias = slot_alias(n, slot);
  for (int i = 0; i < p->count; i++)
    out[i] = pj_kir_load(n->k, p->type[i], slot_ptr(n, slot), pj_kir_i64(n->k, p->at[i]), 0, false);
  n->k->alias = 0;
  return (uint32_t)p->count;
}

static void know_pieces(PjNative *n, const Pieces *p, uint32_t slot, const PjKirVal *in) {
  n->k->alias = slot_alias(n, slot);
  for (int i = 0; i < p->count; i++)
    pj_kir_known(n->k, in[i], slot_ptr(n, slot), pj_kir_i64(n->k, p->at[i]));
  n->k->alias = 0;
}

// What is known of the integers that a loop carries, a counter, say: in its condition, which sees
// all that the body sees.
static void know_ranges(PjNative *n, const PjOp *op, const PjElem *elems) {
  for (uint32_t i = 0; i < op->num_operands; i++) {
    const PjValue *arg = &op->regions[0].args[i];
    const PjDtype dtype = arg->type->dtype;
    PjRange range;
    if (is_single(arg) && pj_dtype_is_int(dtype) && pj_dtype_bits(dtype) >= 32 &&
        pj_range_of(arg, &range) && (dtype != PJ_DT_U32 || range.high <= INT32_MAX))
      pj_kir_assume(n->k, elems[i].re, range.low, range.high);
  }
}

static void native_while(PjNative *n, const PjUnit *unit) {
  PjLower *l = n->l;
  PjKir *k = n->k;
  const PjOp *op = unit->op;
  const PjRegion *cond = &op->regions[0], *body = &op->regions[1];
  const PjOp *test = pj_region_terminator(cond);
  uint32_t count = op->num_operands, carry[MAX_CARRIES] = {0}, next[MAX_CARRIES] = {0};
  PjElem elems[MAX_CARRIES] = {0};
  const PjValue *values[MAX_CARRIES] = {0};
  Pieces pieces[MAX_CARRIES];
  if (count > MAX_CARRIES) {
    n->failed = "a loop with many carries";
    return;
  }
  forget(n);
  for (uint32_t i = 0; i < count; i++) {
    const PjValue *init = values[i] = op->operands[i];
    if (is_single(init)) {
      elems[i] = pj_nest_scalar(n->nest, init);
      continue;
    }
    const bool empty = pj_starts_empty(&l->ops[op->id], i);
    const bool none = empty && init->def && init->def->kind == PJ_OP_CONSTANT;
    uint32_t source = none ? PJ_NO_SLOT : pj_slot_of(l, init);
    bool taken = none || !pj_value_dies(l, init, unit);
    for (uint32_t j = 0; j < i; j++)
      taken |= !is_single(values[j]) && carry[j] == source;
    carry[i] = taken ? pj_slot_new(l, PJ_SLOT_TEMP, pj_value_bytes(init)) : source;
    next[i] = pj_slot_new(l, PJ_SLOT_TEMP, pj_value_bytes(init));
    if (taken && !empty)
      copy_array(n, slot_ptr(n, carry[i]), slot_ptr(n, source), pj_value_bytes(init));
    l->slot_of[op->results[i].id] = carry[i];
  }
  uint32_t begin = ++l->time;
  size_t mark = pj_loop_begin(l);
  PjKirVal init[MAX_CARRIED], args[MAX_CARRIED];
  uint32_t m = flatten(elems, values, count, init);
  uint32_t room = MAX_CARRIED - (4 * MAX_CARRIES + 1);
  for (uint32_t i = 0; i < count; i++)
    if (!is_single(values[i])) {
      init[m++] = slot_ptr(n, carry[i]);
      init[m++] = slot_ptr(n, next[i]);
      pieces[i] = pieces_of(n, values[i]);
      if ((uint32_t)pieces[i].count > room)
        pieces[i].count = 0;
      room -= (uint32_t)pieces[i].count;
      m += load_pieces(n, &pieces[i], carry[i], init + m);
    }
  init[m++] = pj_kir_const(k, PJ_KIR_T(I1, 1), 0);
  pj_kir_while_begin(k, m, init, args);
  const PjKirVal *at = unflatten(elems, values, count, args);
  know_ranges(n, op, elems);
  uint64_t outer_ptr[2 * MAX_CARRIES];
  const PjKirVal *known[MAX_CARRIES] = {0};
  for (uint32_t i = 0; i < count; i++) {
    if (is_single(values[i])) {
      for (int r = 0; r < 2; r++)
        bind_value(n, &op->regions[r].args[i], elems[i]);
      continue;
    }
    for (int which = 0; which < 2; which++) {
      uint32_t slot = which ? next[i] : carry[i];
      uint64_t *before = pj_map_find(&n->current, slot);
      outer_ptr[2 * i + which] = before ? *before : 0;
      pj_map_set(l->work, &n->current, slot, *at++);
    }
    known[i] = at;
    at += pieces[i].count;
    for (int r = 0; r < 2; r++) {
      const PjValue *arg = &op->regions[r].args[i];
      l->slot_of[arg->id] = carry[i];
      l->owned[arg->id] = r == 1;
      bind_memory(n, arg);
    }
  }
  PjKirVal odd = *at;
  for (uint32_t i = 0; i < count; i++)
    if (known[i])
      know_pieces(n, &pieces[i], carry[i], known[i]);
  native_region(n, cond);
  forget(n);
  PjKirVal go = pj_nest_scalar(n->nest, test->operands[0]).re;
  forget(n);
  pj_kir_while_test(k, go);
  for (uint32_t i = 0; i < count; i++)
    if (known[i])
      know_pieces(n, &pieces[i], carry[i], known[i]);
  want(n, body, next);
  native_region(n, body);

  // An array that was changed in place stays; any other lies in |next| now, or is copied there.
  const PjOp *end = pj_region_terminator(body);
  bool swaps[MAX_CARRIES] = {false};
  PjElem results[MAX_CARRIES] = {0};
  forget(n);
  for (uint32_t i = 0; i < count; i++) {
    if (is_single(values[i])) {
      results[i] = pj_nest_scalar(n->nest, end->operands[i]);
      continue;
    }
    uint32_t slot = pj_slot_of(l, end->operands[i]);
    swaps[i] = slot != carry[i];
    if (swaps[i] && slot != next[i])
      copy_array(n, slot_ptr(n, next[i]), slot_ptr(n, slot), pj_value_bytes(end->operands[i]));
  }
  m = flatten(results, values, count, init);
  for (uint32_t i = 0; i < count; i++)
    if (!is_single(values[i])) {
      init[m++] = slot_ptr(n, swaps[i] ? next[i] : carry[i]);
      init[m++] = slot_ptr(n, swaps[i] ? carry[i] : next[i]);
      m += load_pieces(n, &pieces[i], swaps[i] ? next[i] : carry[i], init + m);
    }
  init[m++] = pj_kir_not(k, odd);
  pj_kir_while_end(k, m, init, args);
  forget(n);
  at = unflatten(elems, values, count, args);
  for (uint32_t i = 0; i < count; i++) {
    if (is_single(values[i]))
      continue;
    pj_map_set(l->work, &n->current, carry[i], outer_ptr[2 * i]);
    pj_map_set(l->work, &n->current, next[i], outer_ptr[2 * i + 1]);
    at += 2 + pieces[i].count;
  }
  odd = *at;
  bool any = false;
  for (uint32_t i = 0; i < count; i++)
    any |= swaps[i];
  if (any) {
    pj_kir_if_begin(k, odd);
    for (uint32_t i = 0; i < count; i++)
      if (swaps[i])
        copy_array(n, slot_ptr(n, carry[i]), slot_ptr(n, next[i]), pj_value_bytes(values[i]));
    pj_kir_if_else(k, 0, NULL);
    pj_kir_if_end(k, 0, NULL, NULL);
  }
  l->time++;
  for (uint32_t i = 0; i < count; i++) {
    if (is_single(values[i])) {
      bind_value(n, &op->results[i], elems[i]);
      continue;
    }
    pj_slot_touch(l, carry[i]);
    pj_slot_touch(l, next[i]);
    PjSchedSlot *slot = &l->schedule->slots.data[next[i]];
    slot->first = slot->first > begin ? begin : slot->first;
    bind_memory(n, &op->results[i]);
  }
  pj_loop_end(l, mark, begin);
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
      if (is_single(&op->results[i]) && l->ops[op->id].role == PJ_OPROLE_ALIAS) {
        bind_value(n, &op->results[i], pj_nest_scalar(n->nest, op->operands[i]));
      } else if (is_single(&op->results[i])) {
        bind_value(n, &op->results[i], pj_nest_scalar(n->nest, &op->results[i]));
      } else {
        l->slot_of[op->results[i].id] = pj_slot_of(l, op->operands[i]);
        bind_memory(n, &op->results[i]);
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
      native_while(n, unit);
    else
      native_case(n, unit);
    break;
  default:
    n->failed = "an operation that cannot be emitted";
  }
}

static void native_region(PjNative *n, const PjRegion *region) {
  PjUnits units = {0};
  pj_lower_roles(n->l, region);
  pj_lower_units(n->l, region, &units);
  for (const PjOp *op = region->first; op; op = op->next) // dense constants
    for (uint32_t i = 0; i < op->num_operands; i++) {
      const PjValue *value = op->operands[i];
      if (value->def && value->def->kind == PJ_OP_CONSTANT && !inlines(value) &&
          !pj_nest_place(n->nest, value))
        bind_memory(n, value);
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
  native_while(&n, unit);
  for (uint32_t i = 0; i < op->num_results && !n.failed; i++) {
    const PjValue *value = &op->results[i];
    if (!is_single(value))
      continue;
    uint32_t slot = pj_slot_for(l, value);
    pj_nest_store(n.nest, value->type->dtype, slot_ptr(&n, slot), 0, (PjIx){0},
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
