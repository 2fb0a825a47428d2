// Units that become kernels: binding of buffers, and the steps that call them.
#include "kernel/kir_split.h"
#include "sched/binding.h"
#include "sched/emit_loops.h"
#include "sched/shape_map.h"
#include "sched/trial.h"

#define PART_NS \
  10e3 // about how long a part of a loop should take: several times what it costs to hand it to a
       // thread

static void gather(PjBinding *b, const PjValue *value);

// Whether a vector of results with lanes off reads vectors with lanes off, and not each lane by
// itself.
static bool reads_vectors(const PjOp *op) {
  enum { FEW_PARTS = 4 }; // each of them is read where lanes choose
  uint32_t n;
  const int64_t *strides;
  if (op->num_results && pj_dtype_is_complex(op->results[0].type->dtype))
    return false;
  switch (op->kind) {
  case PJ_OP_CONSTANT:
  case PJ_OP_IOTA:
  case PJ_OP_RESHAPE:
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_PAD:
  case PJ_OP_DYNAMIC_SLICE:
    return true;
  case PJ_OP_CONCATENATE:
    return op->num_operands <= FEW_PARTS;
  case PJ_OP_SLICE:
    strides = PJ_INTS(op, strides, &n);
    return n == 0 || strides[n - 1] == 1;
  default:
    return pj_elem_is(op);
  }
}

// Columns of short rows are read together if most of them are wanted (nest_memory.c). An element of
// small matrices is one of rows as well.
static void count_column(PjBinding *b, const PjOp *op) {
  const PjType *from = op->operands[0]->type, *to = op->results[0].type;
  int64_t n = 1;
  for (int d = from->rank - 1; d >= 0 && to->dims[d] == 1 && n <= PJ_MOST_COLUMNS; d--)
    n *= from->dims[d];
  if (n > 1 && n <= PJ_MOST_COLUMNS && b->nest->columns[n] < UINT8_MAX)
    b->nest->columns[n]++;
}

static void count_joined(PjBinding *b, const PjOp *op) {
  const PjType *to = op->results[0].type;
  int64_t strides[PJ_MAX_RANK];
  PjShapeMap map;
  pj_shape_strides(to, strides);
  b->joins = true;
  if (!pj_shape_map(op, 0, &map))
    return;
  for (int d = 0; d < map.rank; d++)
    if (map.touched[d] && strides[d] * to->dims[d] > b->joined)
      b->joined = strides[d] * to->dims[d];
}

static void gather_op(PjBinding *b, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_results; i++) {
    size_t bytes = pj_wider_lane(b->widest, op->results[i].type);
    b->widest = bytes < 4 ? bytes : 4;
  }
  b->lane_by_lane |= !reads_vectors(op);
  if (op->kind == PJ_OP_SLICE && b->nest)
    count_column(b, op);
  if (op->kind == PJ_OP_PAD || op->kind == PJ_OP_CONCATENATE)
    count_joined(b, op);
  b->computes |= pj_elem_is(op);
  b->chooses |= b->joins || op->kind == PJ_OP_GATHER;
  b->gathers |= op->kind == PJ_OP_GATHER;
  for (uint32_t i = 0; i < op->num_operands; i++)
    gather(b, op->operands[i]);
  // Bodies of reductions may capture scalars.
  for (uint32_t r = 0; r < op->num_regions; r++)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      for (uint32_t i = 0; i < inner->num_operands; i++) {
        const PjValue *value = inner->operands[i];
        if ((value->def ? value->def->region : value->region) != &op->regions[r])
          gather(b, value);
      }
}

static void compute_op(PjBinding *b, const PjOp *op) {
  PJ_PUSH(b->l->work, &b->ops, op);
  gather_op(b, op);
}

static void gather(PjBinding *b, const PjValue *value) {
  PjArena *arena = b->l->work;
  if (pj_map_find(&b->visited, pj_map_ptr(value)))
    return;
  pj_map_set(arena, &b->visited, pj_map_ptr(value), 1);
  const PjOp *def = value->def;
  if (def && def->kind == PJ_OP_CONSTANT && pj_nest_can_inline(def))
    return;
  if (def && def->region == b->region) {
    const PjOpInfoSched *info = &b->l->ops[def->id];
    if (!pj_is_root(info)) {
      b->inlined += pj_op_cost(def);
      compute_op(b, def);
      return;
    }
    if (info->unit == b->unit && b->unit->is_group)
      return;
  }
  PJ_PUSH(arena, &b->in, pj_slot_of(b->l, value));
  PJ_PUSH(arena, &b->leaves, value);
}

static uint8_t alias_of(const PjBinding *b, uint32_t slot) {
  for (size_t i = 0; i < b->in.len; i++)
    if (b->in.data[i] == slot)
      return (uint8_t)(i < 180 ? i + 1 : 0);
  for (size_t i = 0; i < b->out.len; i++)
    if (b->out.data[i] == slot)
      return (uint8_t)(i + b->in.len < 180 ? i + b->in.len + 1 : 0);
  return 0;
}

static void bind_inputs(PjBinding *b) {
  for (size_t i = 0; i < b->in.len; i++) {
    bool written = false;
    for (size_t o = 0; o < b->out.len; o++)
      written |= b->out.data[o] == b->in.data[i];
    PjPlace place = {.kind = PJ_PLACE_MEMORY,
                     .ptr = pj_kir_buffer(b->nest->ix.k, (uint32_t)i),
                     .readonly = !written,
                     .count = pj_count(b->leaves.data[i]->type),
                     .alias = alias_of(b, b->in.data[i])};
    pj_nest_bind(b->nest, b->leaves.data[i], &place);
  }
}

static PjBinding new_binding(PjLower *l, const PjUnit *unit, const char *name) {
  PjArenaMark mark = pj_arena_mark(l->options->kernels);
  PjKir *k = pj_kir_create(l->options->kernels, l->options->target, name);
  return (PjBinding){.l = l,
                     .mark = mark,
                     .nest = pj_nest_create(k, l->options->source),
                     .unit = unit,
                     .region = unit->op->region};
}

static PjStatus add_kernel_step(PjBinding *b, PjSteps *out, int64_t units, int64_t align,
                                double unit_ns, size_t scratch_bytes) {
  PjLower *l = b->l;
  PjKir *k = b->nest->ix.k;
  if (b->nest->failed)
    return pj_op_blame(b->unit->op,
                       PJ_ERROR(INTERNAL, "while making a kernel: %s", b->nest->failed));
  pj_kir_finish(k);
  k = pj_kir_split(k);
  PjStep *step =
      pj_step_add(l, out, PJ_STEP_KERNEL, b->unit->op, (uint32_t)b->in.len, (uint32_t)b->out.len);
  for (size_t i = 0; i < b->in.len; i++)
    pj_slot_touch(l, step->in[i] = b->in.data[i]);
  for (size_t i = 0; i < b->out.len; i++)
    pj_slot_touch(l, step->out[i] = b->out.data[i]);
  bool known, through_known = true;
  step->code = pj_code_add(l, k, &known);
  const PjKir *through = b->tried ? pj_kir_through_caches(k) : k;
  if (through != k) {
    step->through = pj_code_add(l, through, &through_known);
    step->trial = PJ_NEW(l->arena, PjTrial);
  }
  step->params = PJ_NEW_ARRAY(l->arena, uint64_t, b->nest->ix.params.len + 1);
  for (size_t i = 0; i < b->nest->ix.params.len; i++)
    step->params[i] = b->nest->ix.params.data[i];
  step->units = units;
  double grain = unit_ns > 0 ? PART_NS / unit_ns : 1;
  step->grain = grain < 1 ? 1 : grain > 1e12 ? (int64_t)1e12 : (int64_t)grain;
  step->grain = (step->grain + align - 1) / align * align;
  step->scratch_bytes = scratch_bytes;
  step->num_ops = (uint32_t)b->ops.len;
  if (b->ops.len)
    step->ops = pj_arena_memdup(l->arena, b->ops.data, b->ops.len * sizeof *step->ops);
  if (known && through_known)
    pj_arena_reset(l->options->kernels, b->mark);
  l->schedule->num_kernels++;
  l->schedule->cost += unit_ns * (double)units;
  return PJ_STATUS_OK;
}

// PjGroup.reversed.
static int64_t reversed_by(const PjBinding *b) {
  int64_t stride = 0;
  int dims = 0;
  for (size_t i = 0; i < b->ops.len && b->in.len == 1; i++) {
    const PjOp *op = b->ops.data[i];
    if (op->kind != PJ_OP_REVERSE)
      continue;
    const PjType *type = op->results[0].type;
    uint32_t n;
    int64_t strides[PJ_MAX_RANK];
    const int64_t *list = PJ_INTS(op, dimensions, &n);
    pj_shape_strides(type, strides);
    for (uint32_t d = 0; d < n; d++)
      if (type->dims[list[d]] > 1) {
        stride = strides[list[d]];
        dims++;
      }
  }
  return dims == 1 ? stride : 0;
}

static bool make_group(PjLower *l, const PjUnit *unit, PjBinding *b, PjGroup *g) {
  *g = (PjGroup){.kind = unit->kind,
                 .num_roots = (uint32_t)unit->roots.len,
                 .count = unit->count,
                 .inner = unit->inner,
                 .plain = !b->chooses,
                 .joins = b->joins,
                 .joined = b->gathers || b->computes ? INT64_MAX : b->joined,
                 .maskable = unit->kind != PJ_GROUP_MAP || !b->lane_by_lane,
                 .in_place = b->in_place,
                 .within = b->within,
                 .reversed = reversed_by(b),
                 .inputs = (int)b->in.len,
                 .lanes = pj_lanes_of(l, unit, b)};
  g->roots = PJ_NEW_ARRAY(l->work, PjRoot, g->num_roots);
  for (uint32_t i = 0; i < g->num_roots; i++) {
    const PjOp *op = unit->roots.data[i];
    const PjOpInfoSched *info = &l->ops[op->id];
    PjRoot *root = &g->roots[i];
    *root =
        (PjRoot){.op = op, .stage = info->stage, .stored = info->stored, .reused = info->reused};
    if (info->role == PJ_OPROLE_REDUCE) {
      root->role = PJ_ROOT_REDUCE;
      root->reducer = *info->reducer;
    } else if (unit->kind == PJ_GROUP_ROWS && pj_count(op->results[0].type) != unit->count) {
      root->role = PJ_ROOT_PER_ROW;
    }
    if (root->role != PJ_ROOT_PER_ROW && root->stage >= g->num_stages)
      g->num_stages = root->stage + 1;
    g->cost += root->role == PJ_ROOT_PER_ROW ? 0 : info->cost;
  }
  g->cost += 0.1 * (double)(b->in.len + b->out.len);
  if (unit->general)
    return pj_group_shape_reduce(g, &unit->cuts) &&
           (!pj_lanes_fit(l, g) || pj_group_shape_reduce(g, &unit->cuts));
  if (!pj_group_shape(g, &unit->cuts) ||
      ((pj_lanes_shorten(l, g) || pj_lanes_fit(l, g)) && !pj_group_shape(g, &unit->cuts)))
    return false;
  int times = pj_vectors_at_once(l, unit, b, g);
  g->lanes *= times;
  return times == 1 || pj_group_shape(g, &unit->cuts);
}

bool pj_unit_shape(PjLower *l, const PjUnit *unit, PjGroup *out) {
  PjBinding b = {.l = l, .unit = unit, .region = unit->op->region, .within = true};
  for (size_t i = 0; i < unit->roots.len; i++)
    compute_op(&b, unit->roots.data[i]);
  return make_group(l, unit, &b, out);
}

void pj_unit_touch(PjLower *l, const PjUnit *unit) {
  PjBinding b = {.l = l, .unit = unit, .region = unit->op->region};
  for (size_t i = 0; i < unit->roots.len; i++)
    compute_op(&b, unit->roots.data[i]);
  uint32_t num_reads;
  const PjValue *const *reads = pj_reads(&l->ops[unit->op->id], unit->op, &num_reads);
  for (uint32_t i = 0; !unit->is_group && i < num_reads; i++)
    gather(&b, reads[i]);
  for (size_t i = 0; i < b.in.len; i++)
    pj_slot_touch(l, b.in.data[i]);
}

bool pj_update_shape(PjLower *l, const PjOp *op, PjRoot *root, PjGroup *g) {
  const PjValue *update = op->operands[1];
  const PjOpInfoSched *info =
      update->def && update->def->region == op->region ? &l->ops[update->def->id] : NULL;
  bool inlined = info && !pj_is_root(info);
  *root = (PjRoot){.op = op, .stored = true};
  *g = (PjGroup){.kind = PJ_GROUP_MAP,
                 .num_roots = 1,
                 .roots = root,
                 .count = pj_count(update->type),
                 .inner = 1,
                 .lanes = pj_lanes_of_width(l, pj_wider_lane(4, update->type)),
                 .cost = 0.2 + (inlined ? info->cost : 0)};
  PjCuts cuts = {0}, none = {0};
  return pj_update_cuts(op, inlined ? &info->cuts : &none, &cuts) && pj_group_shape(g, &cuts);
}

static void add_output(PjBinding *b, PjRootBuffers *buffers, uint32_t result, uint32_t slot) {
  buffers->ptr[result] = pj_kir_buffer(b->nest->ix.k, (uint32_t)(b->in.len + b->out.len));
  PJ_PUSH(b->l->work, &b->out, slot);
}

static void number_aliases(const PjBinding *b, PjRootBuffers *buffers, uint32_t count,
                           const PjGroup *g, bool all) {
  size_t at = 0;
  for (uint32_t r = 0; r < count; r++)
    for (uint32_t i = 0; i < g->roots[r].op->num_results; i++)
      if (all || g->roots[r].stored)
        buffers[r].alias[i] = alias_of(b, b->out.data[at++]);
}

// Whether |root| is returned and read by nobody else.
static bool is_only_returned(const PjBinding *b, const PjRoot *root, uint32_t slot) {
  enum { LEAST_BYTES = 1 << 16 };
  const PjSchedule *s = b->l->schedule;
  const PjOpInfoSched *info = &b->l->ops[root->op->id];
  return s->slots.data[slot].kind == PJ_SLOT_OUTPUT && s->slots.data[slot].bytes >= LEAST_BYTES &&
         !info->peeks &&
         (!info->users || (info->home && b->l->ops[info->home->id].unit == b->unit));
}

// Bytes that are read of input |i|: of an array that is gathered or sliced from, what is taken.
static size_t bytes_read(const PjBinding *b, size_t i) {
  const PjValue *value = b->leaves.data[i];
  size_t whole = b->l->schedule->slots.data[b->in.data[i]].bytes, taken = 0, bytes;
  for (size_t o = 0; o < b->ops.len && taken < whole; o++) {
    const PjOp *op = b->ops.data[o];
    bool takes =
        op->kind == PJ_OP_GATHER || op->kind == PJ_OP_SLICE || op->kind == PJ_OP_DYNAMIC_SLICE;
    for (uint32_t k = 0; k < op->num_operands; k++)
      if (op->operands[k] == value)
        taken += takes && k == 0 && pj_type_num_bytes(op->results[0].type, &bytes) ? bytes : whole;
  }
  return taken && taken < whole ? taken : whole;
}

static bool moves_more(const PjBinding *b, int64_t most) {
  const PjSchedule *s = b->l->schedule;
  size_t bytes = 0;
  for (size_t i = 0; i < b->out.len; i++)
    bytes += s->slots.data[b->out.data[i]].bytes;
  for (size_t i = 0; i < b->in.len; i++)
    bytes += s->slots.data[b->in.data[i]].bytes;
  for (size_t i = 0; i < b->in.len && (int64_t)bytes > most; i++)
    bytes -= s->slots.data[b->in.data[i]].bytes - bytes_read(b, i);
  return (int64_t)bytes > most;
}

// Results that are written past the caches, if all that the kernel moves is too much for them, or
// all that the program returns: nobody will find it in them. What lies where an input does is in
// them already.
static void choose_past(PjBinding *b, PjRootBuffers *buffers, const PjGroup *g) {
  const PjSchedule *s = b->l->schedule;
  const PjKirTarget *target = b->l->options->target;
  size_t at = 0;
  if (b->l->options->source)
    return;
  const bool much = moves_more(b, target->past_bytes);
  // What is written from little that is read waits for nothing but its own lines.
  int64_t written = 0;
  for (size_t i = 0; i < b->out.len; i++)
    written += (int64_t)s->slots.data[b->out.data[i]].bytes;
  const bool returns_much = b->l->returned_bytes > target->past_bytes,
             some = !much && !returns_much && moves_more(b, target->returned_bytes) &&
                    moves_more(b, written / 2 * 3);
  b->tried = some || (much && !moves_more(b, target->tried_bytes));
  for (uint32_t r = 0; r < g->num_roots; r++) {
    if (!g->roots[r].stored)
      continue;
    uint32_t slot = b->out.data[at];
    at += g->roots[r].op->num_results;
    buffers[r].past = s->slots.data[slot].kind != PJ_SLOT_INPUT && pj_group_is_aligned(g, r) &&
                      (much || ((returns_much || some) && is_only_returned(b, &g->roots[r], slot)));
    for (size_t i = 0; i < b->in.len; i++)
      buffers[r].past &= b->in.data[i] != slot;
  }
}

static const char *group_name(const PjGroup *g) {
  return g->kind == PJ_GROUP_MAP ? "map" : g->kind == PJ_GROUP_ROWS ? "rows" : "columns";
}

// Puts the elements of root |r| where an array lay that dies here, if the kernel reads each element
// of that before it writes to the same place.
static void reuse_input(PjLower *l, const PjUnit *unit, const PjBinding *b, const PjGroup *g,
                        uint32_t r) {
  const PjRoot *root = &g->roots[r];
  const PjValue *result = &root->op->results[0];
  if (root->role != PJ_ROOT_ELEMENTS ||
      (g->kind == PJ_GROUP_ROWS && root->stage != g->num_stages - 1))
    return;
  for (size_t i = 0; i < b->leaves.len; i++) {
    const PjValue *leaf = b->leaves.data[i];
    uint32_t slot = b->in.data[i], wanted = l->wanted[result->id];
    // A result of the program goes where a parameter was donated to it, or into memory of its own.
    const PjSchedSlot *memory = &l->schedule->slots.data[slot];
    if (wanted == PJ_NO_SLOT ? memory->kind != PJ_SLOT_TEMP
                             : memory->kind != PJ_SLOT_INPUT || !memory->donated ||
                                   l->donated_to[memory->index] != wanted)
      continue;
    if (pj_count(leaf->type) != g->count || pj_value_bytes(leaf) != pj_value_bytes(result) ||
        !pj_value_dies(l, leaf, unit) || l->read_moved[pj_origin(l, leaf)->id])
      continue;
    bool again = false; // under another name, or taken by another root
    for (size_t j = 0; j < b->in.len; j++)
      again |= j != i && b->in.data[j] == slot;
    for (size_t j = 0; j < b->out.len; j++)
      again |= b->out.data[j] == slot;
    if (again)
      continue;
    l->slot_of[result->id] = slot;
    return;
  }
}

static bool lies_in_place(const PjBinding *b) {
  for (size_t i = 0; i < b->in.len; i++)
    for (size_t o = 0; o < b->out.len; o++)
      if (b->in.data[i] == b->out.data[o])
        return true;
  return false;
}

// The second half of a reduction that was cut: joins what the parts left.
static PjStatus lower_join(PjLower *l, const PjUnit *unit, const PjGroup *g, const uint32_t *parts,
                           PjSteps *out) {
  PjBinding b = new_binding(l, unit, "join");
  PjRootBuffers in[PJ_MAX_ROOTS] = {0}, results[PJ_MAX_ROOTS] = {0};
  uint32_t at = 0;
  for (uint32_t r = 0; r < g->num_roots; r++)
    for (uint32_t i = 0; i < g->roots[r].op->num_results; i++) {
      in[r].ptr[i] = pj_kir_buffer(b.nest->ix.k, (uint32_t)b.in.len);
      in[r].alias[i] = (uint8_t)(b.in.len + 1);
      PJ_PUSH(l->work, &b.in, parts[at++]);
      PJ_PUSH(l->work, &b.leaves, (const PjValue *)NULL);
    }
  size_t num_parts = b.in.len;
  for (uint32_t r = 0; r < g->num_roots; r++)
    for (uint32_t i = 0; i < g->roots[r].op->num_results; i++)
      gather(&b, g->roots[r].op->operands[g->roots[r].op->num_results + i]);
  for (uint32_t r = 0; r < g->num_roots; r++) { // captured by bodies
    PjBinding inner = b;
    gather_op(&inner, &(PjOp){.num_regions = g->roots[r].op->num_regions,
                              .regions = g->roots[r].op->regions});
    b = inner;
  }
  for (uint32_t r = 0; r < g->num_roots; r++)
    for (uint32_t i = 0; i < g->roots[r].op->num_results; i++)
      add_output(&b, &results[r], i, pj_slot_for(l, &g->roots[r].op->results[i]));
  number_aliases(&b, results, g->num_roots, g, true);
  for (size_t i = num_parts; i < b.in.len; i++) {
    PjPlace place = {.kind = PJ_PLACE_MEMORY,
                     .ptr = pj_kir_buffer(b.nest->ix.k, (uint32_t)i),
                     .readonly = true,
                     .alias = alias_of(&b, b.in.data[i])};
    pj_nest_bind(b.nest, b.leaves.data[i], &place);
  }
  PjKir *k = b.nest->ix.k;
  pj_group_emit_join(b.nest, g, in, results, pj_kir_begin(k), pj_kir_end(k));
  return add_kernel_step(&b, out, g->outer, g->lanes, 0.3 * (double)g->split * g->num_roots, 0);
}

PjStatus pj_lower_group(PjLower *l, const PjUnit *unit, PjSteps *out) {
  PjGroup g;
  PjBinding b = new_binding(l, unit, unit->kind == PJ_GROUP_MAP ? "map" : "reduce");
  for (size_t i = 0; i < unit->roots.len; i++)
    compute_op(&b, unit->roots.data[i]);
  if (!make_group(l, unit, &b, &g))
    return pj_op_blame(unit->op, PJ_ERROR(INTERNAL, "a group without a shape"));
  b.nest->ix.k->name = group_name(&g);
  PjRootBuffers buffers[PJ_MAX_ROOTS] = {0};
  uint32_t *parts = NULL, num_parts = 0;
  if (g.split > 1)
    parts = PJ_NEW_ARRAY(l->work, uint32_t, PJ_MAX_ROOTS * PJ_MAX_REDUCED);
  for (uint32_t r = 0; r < g.num_roots; r++) {
    const PjRoot *root = &g.roots[r];
    for (uint32_t i = 0; i < root->op->num_results; i++) {
      if (parts) {
        size_t bytes =
            (size_t)(g.split * g.outer) * pj_dtype_bytes(pj_reducer_dtype(&root->reducer, i));
        parts[num_parts] = pj_slot_new(l, PJ_SLOT_TEMP, bytes);
        add_output(&b, &buffers[r], i, parts[num_parts++]);
      } else if (root->stored) {
        reuse_input(l, unit, &b, &g, r);
        add_output(&b, &buffers[r], i, pj_slot_for(l, &root->op->results[i]));
      }
    }
  }
  b.in_place = !parts && lies_in_place(&b);
  if (b.in_place && pj_group_ends(&g, l->options->target) != PJ_ENDS_SINGLE &&
      !make_group(l, unit, &b, &g))
    return pj_op_blame(unit->op, PJ_ERROR(INTERNAL, "a group without a shape"));
  number_aliases(&b, buffers, g.num_roots, &g, parts != NULL);
  if (!parts)
    choose_past(&b, buffers, &g);
  bind_inputs(&b);
  PjKir *k = b.nest->ix.k;
  pj_group_emit(b.nest, &g, buffers, pj_kir_begin(k), pj_kir_end(k));
  PJ_TRY(add_kernel_step(&b, out, g.units, g.align, g.cost * (double)g.count / (double)g.units,
                         g.scratch_bytes));
  return parts ? lower_join(l, unit, &g, parts, out) : PJ_STATUS_OK;
}

// --- dynamic_update_slice ------------------------------------------------------------------------

PjStatus pj_lower_update(PjLower *l, const PjUnit *unit, PjSteps *out) {
  const PjOp *op = unit->op;
  const PjValue *operand = op->operands[0];
  uint32_t source = pj_slot_of(l, operand), target;
  if (pj_value_dies(l, operand, unit)) {
    target = source;
    l->slot_of[op->results[0].id] = target;
  } else {
    target = pj_slot_for(l, &op->results[0]);
    PjStep *copy = pj_step_add(l, out, PJ_STEP_COPY, op, 1, 1);
    pj_slot_touch(l, copy->in[0] = source);
    pj_slot_touch(l, copy->out[0] = target);
  }
  PjBinding b = new_binding(l, unit, "update");
  PJ_PUSH(l->work, &b.ops, op);
  for (uint32_t i = 1; i < op->num_operands; i++)
    gather(&b, op->operands[i]);
  PjRootBuffers buffer = {0};
  add_output(&b, &buffer, 0, target);
  buffer.alias[0] = alias_of(&b, target);
  bind_inputs(&b);

  PjRoot root;
  PjGroup g;
  if (!pj_update_shape(l, op, &root, &g))
    return pj_op_blame(op, PJ_ERROR(INTERNAL, "an update that cannot be computed in place"));
  PjKir *k = b.nest->ix.k;
  PjEmit e = {b.nest, k, &g, &buffer};
  pj_emit_map(&e, pj_kir_begin(k), pj_kir_end(k));
  return add_kernel_step(&b, out, g.units, g.align, g.cost * (double)g.count / (double)g.units, 0);
}
