// The forming of groups: which roots share a kernel.
//
// Units are numbered in an order in which they can run; every dependence goes from a later unit to
// an earlier one, or stays inside one. A root may therefore join any group whose number is not
// below those of the units it reads from: the group that makes what it reads (so that it stays in
// registers), or one that reads the same arrays (so that they are read once). It must read the
// group's own values at the very index that the group's loops are at:
//
//   ALIGNED  element i of the value is element i of the domain
//   ROW      element r of the value belongs to row r
//   OTHER    anything else: then the value must have been in memory before
//
// A reduction over the end of the row-major order opens a group of rows; what is computed from it
// row by row (softmax, layer norm) joins in later stages. Each root looks at a few candidates, so
// forming is linear.
#include "sched/lower.h"
#include "sched/shape_map.h"

enum {
  CANDIDATES = 6,
  MAX_GROUP_ROOTS = 16,
  MAX_GROUP_LEAVES = 48,
  MAX_ROW = 1 << 15, // elements of a row that a group of several stages may have
  MIN_ROWS = 8,
  SMALL_DOMAIN = 1 << 14,
  MAX_CONSTANT_DATA = 4096, // bytes up to which a splat constant is spelled out
};

typedef enum State { ALIGNED, ROW, OTHER } State;

typedef struct Walk {
  PjLower *l;
  const PjRegion *region;
  const PjUnit *group; // whose values must be read in place; or NULL
  int64_t count, inner;
  uint32_t max_order;
  int stage;    // the earliest in which the root can be made
  bool misread; // a value of the group at another index
  bool depends; // on a value of the group
  bool shares;  // a leaf with the group
  const PjOp *root;
  bool mark; // set |stored|, |reused| and |last_read| of what is read
  PJ_VEC(const PjValue *) leaves;
} Walk;

static int64_t reduced_at_end(
    const PjOp *op) { // elements of the reduced dimensions if they are the last ones, else 0
  const PjType *from = op->operands[0]->type;
  uint32_t n;
  const int64_t *dims = PJ_INTS(op, dimensions, &n);
  bool reduced[PJ_MAX_RANK] = {false};
  for (uint32_t i = 0; i < n; i++)
    reduced[dims[i]] = true;
  int64_t inner = 1;
  int d = from->rank - 1;
  for (; d >= 0 && (reduced[d] || from->dims[d] == 1); d--)
    inner *= from->dims[d];
  for (; d >= 0; d--)
    if (reduced[d] && from->dims[d] != 1)
      return 0;
  return inner;
}

// How |op| reads operand |i| when its own result is wanted in |state|.
static State through(const Walk *w, const PjOp *op, uint32_t i, State state) {
  const PjType *from = op->operands[i]->type, *to = op->results[0].type;
  if (state == OTHER || from->rank == 0)
    return OTHER;
  if (pj_op_keeps_order(op) || pj_elem_is(op))
    return state;
  if (op->kind != PJ_OP_BROADCAST_IN_DIM)
    return OTHER;
  int64_t in[PJ_MAX_RANK], out[PJ_MAX_RANK];
  int64_t count = pj_count(from), rows = w->count / w->inner;
  const int64_t *dims = PJ_INTS(op, broadcast_dimensions, NULL);
  pj_shape_strides(from, in);
  pj_shape_strides(to, out);
  bool same = true, prefix = state == ALIGNED;
  for (int d = 0; d < from->rank; d++) {
    if (from->dims[d] == 1)
      continue;
    same &= in[d] == out[dims[d]];
    prefix &= in[d] * w->inner == out[dims[d]];
  }
  if (same && count == pj_count(to))
    return state;
  return prefix && count == rows ? ROW : OTHER;
}

static void walk_value(Walk *w, const PjValue *value, State state);

static void read_leaf(Walk *w, const PjValue *value, State state) {
  const PjUnit *g = w->group;
  PjOpInfoSched *info =
      value->def && value->def->region == w->region ? &w->l->ops[value->def->id] : NULL;
  if (info && info->unit) {
    if (info->unit->order > w->max_order)
      w->max_order = info->unit->order;
    if (g && info->unit == g) {
      w->depends = true;
      bool per_row = info->role == PJ_OPROLE_REDUCE ||
                     (g->kind == PJ_GROUP_ROWS && pj_count(value->type) != g->count);
      if (g->general || state != (per_row ? ROW : ALIGNED))
        w->misread = true;
      int from = info->stage + (per_row && info->role == PJ_OPROLE_REDUCE);
      if (from > w->stage)
        w->stage = from;
      if (w->mark && info->role != PJ_OPROLE_REDUCE && !per_row &&
          info->stage < w->l->ops[w->root->id].stage)
        info->reused = true;
      return;
    }
    if (w->mark)
      info->stored = true;
  }
  uint32_t origin = pj_origin(w->l, value)->id, *last = &w->l->last_read[origin];
  if (w->mark && pj_home(value) == w->region && *last <= g->order) {
    bool moved = state != ALIGNED;
    w->l->read_moved[origin] = moved || (*last == g->order && w->l->read_moved[origin]);
    *last = g->order;
  }
  if (w->leaves.len < MAX_GROUP_LEAVES)
    PJ_PUSH(w->l->work, &w->leaves, value);
  for (size_t i = 0; g && !w->shares && i < g->leaves.len; i++)
    w->shares = g->leaves.data[i] == value && value->type->rank > 0;
}

static void walk_op(Walk *w, const PjOp *op, State state) {
  PjOpInfoSched *info = &w->l->ops[op->id];
  if (info->stamp != w->l->stamp) {
    info->stamp = w->l->stamp;
    info->seen = 0;
  }
  if (info->seen & 1 << state)
    return;
  info->seen |= (uint8_t)(1 << state);
  for (uint32_t i = 0; i < op->num_operands; i++)
    walk_value(w, op->operands[i], through(w, op, i, state));
}

static void walk_value(Walk *w, const PjValue *value, State state) {
  const PjOp *def = value->def;
  if (def && def->region == w->region && !pj_is_root(&w->l->ops[def->id]))
    walk_op(w, def, state);
  else
    read_leaf(w, value, state);
}

static Walk walk(PjLower *l, const PjOp *root, const PjUnit *group, int64_t count, int64_t inner,
                 State state, bool mark) {
  Walk w = {.l = l,
            .region = root->region,
            .group = group,
            .count = count,
            .inner = inner,
            .root = root,
            .mark = mark};
  l->stamp++;
  const PjOpInfoSched *info = &l->ops[root->id];
  if (info->role == PJ_OPROLE_INLINE) {
    walk_op(&w, root, state);
    return w;
  }
  uint32_t num_reads;
  const PjValue *const *reads = pj_reads(info, root, &num_reads);
  for (uint32_t i = 0; i < num_reads; i++)
    walk_value(&w, reads[i],
               info->role == PJ_OPROLE_REDUCE && i < root->num_results ? state : OTHER);
  return w;
}

// --- Joining -------------------------------------------------------------------------------------

static bool worth_rows(int64_t count, int64_t inner) {
  return inner <= MAX_ROW && (count / inner >= MIN_ROWS || count <= SMALL_DOMAIN);
}

static void note_leaves(PjLower *l, PjUnit *group, const Walk *w) {
  for (size_t i = 0; i < w->leaves.len && group->leaves.len < MAX_GROUP_LEAVES; i++)
    PJ_PUSH(l->work, &group->leaves, w->leaves.data[i]);
}

static void add_root(PjLower *l, PjUnit *group, const PjOp *op, const Walk *w, int stage) {
  PjOpInfoSched *info = &l->ops[op->id];
  info->unit = group;
  info->stage = stage;
  group->nodes += info->nodes;
  group->cost += info->cost;
  if (stage + 1 > group->num_stages)
    group->num_stages = stage + 1;
  PJ_PUSH(l->work, &group->roots, op);
  note_leaves(l, group, w);
}

// Scales cuts of a per-row value into those of the domain.
static bool merge_row_cuts(PjUnit *group, const PjCuts *cuts) {
  PjCuts merged = group->cuts;
  for (int i = 0; i < cuts->n; i++)
    if (!pj_cuts_add(&merged, cuts->at[i] * group->inner, group->count))
      return false;
  group->cuts = merged;
  return true;
}

static bool dims_equal(const PjOp *a, const PjOp *b) {
  const PjType *x = a->operands[0]->type, *y = b->operands[0]->type;
  uint32_t n, m;
  const int64_t *p = PJ_INTS(a, dimensions, &n), *q = PJ_INTS(b, dimensions, &m);
  if (x->rank != y->rank || n != m)
    return false;
  for (int d = 0; d < x->rank; d++)
    if (x->dims[d] != y->dims[d])
      return false;
  for (uint32_t i = 0; i < n; i++)
    if (p[i] != q[i])
      return false;
  return true;
}

static bool join_reduce(PjLower *l, PjUnit *group, const PjOp *op) {
  PjOpInfoSched *info = &l->ops[op->id];
  int64_t count = pj_count(op->operands[0]->type), inner = reduced_at_end(op);
  if (group->general) {
    if (l->ops[group->roots.data[0]->id].role != PJ_OPROLE_REDUCE ||
        !dims_equal(op, group->roots.data[0]))
      return false;
    Walk w = walk(l, op, group, count, 1, OTHER, false);
    PjCuts cuts = group->cuts;
    if (w.depends || !w.shares || w.max_order > group->order ||
        !pj_cuts_merge(&cuts, &info->cuts, count))
      return false;
    group->cuts = cuts;
    add_root(l, group, op, &w, 0);
    return true;
  }
  if (!inner || count != group->count || !worth_rows(count, inner))
    return false;
  bool opens = group->kind == PJ_GROUP_MAP;
  if (!opens && group->inner != inner)
    return false;
  Walk w = walk(l, op, group, count, inner, ALIGNED, false);
  if (w.misread || w.max_order > group->order || !(w.depends || (w.shares && !opens)))
    return false;
  PjCuts cuts = group->cuts;
  if (!pj_cuts_merge(&cuts, &info->cuts, count) || !pj_cuts_add(&cuts, inner, count))
    return false;
  group->cuts = cuts;
  group->kind = PJ_GROUP_ROWS;
  group->inner = inner;
  add_root(l, group, op, &w, w.stage);
  return true;
}

static bool join_elements(PjLower *l, PjUnit *group, const PjOp *op) {
  PjOpInfoSched *info = &l->ops[op->id];
  int64_t count = pj_count(op->results[0].type);
  if (group->general)
    return false;
  bool per_row =
      group->kind == PJ_GROUP_ROWS && count != group->count && count == group->count / group->inner;
  if (!per_row && count != group->count)
    return false;
  Walk w = walk(l, op, group, group->count, group->inner, per_row ? ROW : ALIGNED, false);
  if (w.misread || w.max_order > group->order || !(w.depends || (w.shares && !per_row)))
    return false;
  PjCuts cuts = group->cuts;
  if (per_row ? !merge_row_cuts(group, &info->cuts) : !pj_cuts_merge(&cuts, &info->cuts, count))
    return false;
  if (!per_row)
    group->cuts = cuts;
  add_root(l, group, op, &w, w.stage);
  return true;
}

static bool join(PjLower *l, PjUnit *group, const PjOp *op) {
  const PjOpInfoSched *info = &l->ops[op->id];
  if (!group->is_group || group->roots.len >= MAX_GROUP_ROOTS ||
      !pj_fits_kernel(group->nodes + info->nodes, group->cost + info->cost))
    return false;
  return info->role == PJ_OPROLE_REDUCE ? join_reduce(l, group, op) : join_elements(l, group, op);
}

static PjUnit *open_unit(PjLower *l, const PjOp *op, PjUnits *units, bool is_group) {
  PjUnit *unit = PJ_NEW(l->work, PjUnit);
  *unit = (PjUnit){.is_group = is_group, .op = op, .order = (uint32_t)units->len + 1, .inner = 1};
  l->ops[op->id].unit = unit;
  PJ_PUSH(l->work, units, unit);
  return unit;
}

static void open_group(PjLower *l, const PjOp *op, PjUnits *units) {
  PjOpInfoSched *info = &l->ops[op->id];
  bool reduce = info->role == PJ_OPROLE_REDUCE;
  PjUnit *unit = open_unit(l, op, units, true);
  unit->kind = PJ_GROUP_MAP;
  unit->count = pj_count(reduce ? op->operands[0]->type : op->results[0].type);
  unit->cuts = info->cuts;
  if (reduce) {
    int64_t inner = reduced_at_end(op);
    unit->kind = PJ_GROUP_ROWS;
    unit->general =
        !inner || !worth_rows(unit->count, inner) || !pj_cuts_add(&unit->cuts, inner, unit->count);
    unit->inner = unit->general ? 1 : inner;
  }
  Walk w = walk(l, op, NULL, unit->count, unit->inner, ALIGNED, false);
  add_root(l, unit, op, &w, 0);
}

bool pj_is_constant_data(const PjOp *op) {
  if (op->kind != PJ_OP_CONSTANT)
    return false;
  const PjAttr *value = PJ_ATTR(op, value);
  return !value->splat ||
         pj_count(op->results[0].type) * (int64_t)pj_dtype_bytes(value->type->dtype) <=
             MAX_CONSTANT_DATA;
}

bool pj_is_alias(PjLower *l, const PjOp *op) {
  const PjOpInfoSched *info = &l->ops[op->id];
  if (info->role == PJ_OPROLE_ALIAS)
    return true;
  if (!pj_op_keeps_order(op) || info->role != PJ_OPROLE_INLINE)
    return false;
  const PjOp *def = op->operands[0]->def;
  return !def || def->region != op->region || pj_is_root(&l->ops[def->id]);
}

// Marks what |unit| reads as stored; of its own values those that later stages read.
static void mark_reads(PjLower *l, const PjUnit *unit) {
  if (!unit->is_group) {
    walk(l, unit->op, unit, 1, 1, OTHER, true);
    return;
  }
  for (size_t i = 0; i < unit->roots.len; i++) {
    const PjOp *op = unit->roots.data[i];
    bool per_row = unit->kind == PJ_GROUP_ROWS && l->ops[op->id].role == PJ_OPROLE_INLINE &&
                   pj_count(op->results[0].type) != unit->count;
    walk(l, op, unit, unit->count, unit->inner, per_row ? ROW : ALIGNED, true);
  }
}

static void mark_captured(PjLower *l, const PjRegion *region, const PjOp *op, uint32_t order) {
  for (uint32_t r = 0; r < op->num_regions; r++)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next) {
      for (uint32_t i = 0; i < inner->num_operands; i++) {
        const PjValue *value = inner->operands[i];
        if (pj_home(value) != region)
          continue;
        if (value->def)
          l->ops[value->def->id].stored = true;
        // Beyond the unit itself: a loop must not take over what its body reads from outside.
        uint32_t *last = &l->last_read[pj_origin(l, value)->id];
        *last = *last > order + 1 ? *last : order + 1;
      }
      mark_captured(l, region, inner, order);
    }
}

void pj_lower_units(PjLower *l, const PjRegion *region, PjUnits *out) {
  const PjOp *end = pj_region_terminator(region);
  for (const PjOp *op = region->first; op != end; op = op->next) {
    PjOpInfoSched *info = &l->ops[op->id];
    if (!pj_is_root(info) || info->role == PJ_OPROLE_NONE)
      continue;
    if (info->role == PJ_OPROLE_INLINE && pj_is_constant_data(op))
      continue;
    bool groups =
        (info->role == PJ_OPROLE_INLINE || info->role == PJ_OPROLE_REDUCE) && !pj_is_alias(l, op);
    if (!groups) {
      PjUnit *unit = open_unit(l, op, out, false);
      for (uint32_t r = 0; info->attention && r < info->attention->num_outputs; r++)
        l->ops[info->attention->outputs[r]->def->id].unit = unit;
      for (uint32_t r = 0; pj_is_alias(l, op) && r < op->num_results; r++)
        l->origin[op->results[r].id] = pj_origin(l, op->operands[r]);
      continue;
    }
    bool joined = false;
    for (size_t back = 0; back < CANDIDATES && back < out->len && !joined; back++)
      joined = join(l, out->data[out->len - 1 - back], op);
    if (!joined)
      open_group(l, op, out);
  }
  for (size_t i = 0; i < out->len; i++) {
    mark_reads(l, out->data[i]);
    if (!out->data[i]->is_group)
      mark_captured(l, region, out->data[i]->op, out->data[i]->order);
  }
  for (uint32_t i = 0; end && i < end->num_operands; i++) {
    const PjValue *value = end->operands[i];
    if (pj_home(value) != region)
      continue;
    if (value->def)
      l->ops[value->def->id].stored = true;
    l->last_read[pj_origin(l, value)->id] = UINT32_MAX;
  }
}
