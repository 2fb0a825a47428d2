// What becomes of each operation: computed inline, a root of a kernel, a routine, control flow, or
// a fallback.
//
// Forwards: an operation that can be inlined takes its operands' trees into its own, as long as
// their indices can be expressed (pj_cuts_through) and the tree stays small; otherwise the operand
// goes to memory. Backwards: a value with several users stays inline when it is cheap, or when all
// of them are computed by one root at the same index; else it goes to memory, where the forming of
// groups (units.c) may still keep it in registers.
//
// What several users read at one index is computed once for all of them, so that operations which
// use each other's operands again and again (rounds of a hash) are as many as they are, not as many
// as the paths through them. Counting those exactly would take a walk for each. Instead all
// operations are added up in their order: what is computed at one index lies between the first
// operation of it and the last.
//
// Linear in operations. Nothing here looks at values.
#include <string.h>

#include "pass/match_turn.h"
#include "sched/lower.h"
#include "sched/shape_map.h"

enum {
  CHEAP_NODES = 4,
  FEW_NODES = 12,       // of few elements, which take longer on their way through memory
  SHORT_LOOP = 16,      // elements
  FEW_ELEMENTS = 64,    // that are computed one by one rather than by a kernel more
  SEAM_FACTOR = 16,     // how much smaller than the whole a seam is
  LONG_SCALAR = 32,     // operations that are not done again by every part of a loop
  SPREAD_FACTOR = 8,    // how many times what is repeated is larger than what it repeats
  PEEK_FACTOR = 32,     // how many times what is peeked at is larger than what is taken of it
  SMALL_STEP = 4,       // elements from one lane to the next that are still read in kernels
  LONG_ROW = 64,        // of such lanes
  SMALL_PLACE = 16,     // bytes of all channels of a place that kernels interleave
  SMALL_MOVE = 1 << 12, // elements up to which data is moved inside kernels rather than by routines
};
#define CHEAP_COST 0.8 // nanoseconds per element up to which a value is computed again

static PjOpInfoSched *info_of(PjLower *l, const PjOp *op) {
  return &l->ops[op->id];
}

// ---- What is computed together

// Nodes and what they cost.
typedef struct Sums {
  double nodes, cost;
} Sums;

// What an operation computes with the operands that it has taken in.
typedef struct Tree {
  const PjOp *op;
  Sums paths;        // operands that share something count it twice
  Sums before, here; // of all operations: up to the first at the same index, and up to |op|
} Tree;

// A reshape computes nothing.
static double own_nodes(const PjOp *op) {
  return pj_op_keeps_order(op) ? 0 : 1;
}

static Tree tree_begin(const PjOp *op, Sums here) {
  return (Tree){op, {own_nodes(op), pj_op_cost(op)}, here, here};
}

// With an operand of which each element is wanted |times| times.
static Tree tree_with(Tree t, const PjOpInfoSched *source, double times) {
  t.paths.nodes += source->nodes;
  t.paths.cost += times * (double)source->cost;
  if (source->nodes_before < t.before.nodes)
    t.before = (Sums){source->nodes_before, source->cost_before};
  return t;
}

static bool reads_in_place(const PjOp *op) {
  return pj_op_keeps_order(op) || pj_elem_is(op);
}

static Sums tree_size(const Tree *t) {
  Sums size = t->paths;
  if (!reads_in_place(t->op))
    return size;
  double nodes = own_nodes(t->op) + t->here.nodes - t->before.nodes,
         cost = pj_op_cost(t->op) + t->here.cost - t->before.cost;
  return (Sums){nodes < size.nodes ? nodes : size.nodes, cost < size.cost ? cost : size.cost};
}

// Notes the size of |t|, and counts an operation that is inlined among all of them: one that reads
// other indices than its own with what it reads.
static void tree_end(const Tree *t, PjOpInfoSched *info, Sums *all) {
  bool in_place = reads_in_place(t->op);
  Sums size = tree_size(t), before = in_place ? t->before : t->here;
  info->nodes = (uint32_t)size.nodes;
  info->cost = (float)size.cost;
  info->nodes_before = before.nodes;
  info->cost_before = before.cost;
  if (info->role != PJ_OPROLE_INLINE)
    return;
  all->nodes += in_place ? own_nodes(t->op) : size.nodes;
  all->cost += in_place ? pj_op_cost(t->op) : size.cost;
}

// The operation of this region whose result |value| is, if it might be inlined.
static PjOpInfoSched *inline_def(PjLower *l, const PjValue *value, const PjRegion *region) {
  if (!value->def || value->def->region != region)
    return NULL;
  PjOpInfoSched *info = info_of(l, value->def);
  return info->role == PJ_OPROLE_INLINE && !info->in_memory ? info : NULL;
}

static bool has_dense_layout(const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; i++)
    if (!pj_type_is_static(op->operands[i]->type))
      return false;
  for (uint32_t i = 0; i < op->num_results; i++)
    if (!pj_type_is_static(op->results[i].type))
      return false;
  return true;
}

enum { FEW_PARTS = 8, MANY_PARTS = 16 };

// Whether the parts of a concatenation are mostly pieces of what lies in memory: a routine would
// want all of them written first.
static bool joins_pieces(const PjOp *op) {
  uint32_t pieces = 0;
  for (uint32_t i = 0; i < op->num_operands; i++) {
    const PjOp *def = op->operands[i]->def;
    pieces += def && def->region == op->region && def->kind == PJ_OP_SLICE;
  }
  return pieces > op->num_operands / 2;
}

// Data that moves along the innermost dimension, or between many arrays, is moved faster by a
// routine.
static bool moves_better_alone(const PjOp *op) {
  int64_t count = pj_count(op->results[0].type);
  if (op->kind == PJ_OP_CONCATENATE)
    return op->num_operands > (joins_pieces(op) ? MANY_PARTS : FEW_PARTS);
  if (op->kind != PJ_OP_TRANSPOSE || count <= SMALL_MOVE)
    return false;
  const PjType *from = op->operands[0]->type, *to = op->results[0].type;
  int d = from->rank - 1, r = to->rank - 1;
  const int64_t *permutation = PJ_INTS(op, permutation, NULL);
  while (d >= 0 && from->dims[d] == 1)
    d--;
  while (r >= 0 && to->dims[r] == 1)
    r--;
  if (d < 0 || r < 0 || permutation[r] == d)
    return false;
  // Channels that come to stand last: vectors, one of each, are interleaved, where that takes no
  // longer than the routine's squares.
  if (r > 0 && permutation[r - 1] == d && to->dims[r - 1] >= LONG_ROW &&
      to->dims[r] <= PJ_MAX_DOWN && to->dims[r] * (int64_t)pj_dtype_bytes(to->dtype) <= SMALL_PLACE)
    return false;
  // Every third element, say, as where channels come to stand first: vectors of which lanes are
  // picked.
  int64_t step = 1;
  for (int i = (int)permutation[r] + 1; i < from->rank; i++)
    step *= from->dims[i];
  return step > SMALL_STEP || to->dims[r] < LONG_ROW;
}

// JAX's dce_sink: its operands are to be computed, and that is all, whoever has registered it.
static bool is_sink(const PjOp *op) {
  return !op->num_results && pj_str_is(PJ_STRATTR(op, call_target_name), "dce_sink");
}

static bool same_bytes(const PjOp *op) { // a bitcast that leaves memory as it is
  const PjType *from = op->operands[0]->type, *to = op->results[0].type;
  return has_dense_layout(op) && pj_dtype_bits(from->dtype) >= 8 && pj_dtype_bits(to->dtype) >= 8 &&
         pj_dtype_class(from->dtype) != PJ_CLASS_PRED && pj_dtype_class(to->dtype) != PJ_CLASS_PRED;
}

static const PjRoutine *select_routine(PjLower *l, const PjOp *op) {
  return l->options->source ? NULL : pj_routine_select(l->arena, op);
}

// Loops that apply pivots to a batch are a routine. (A single row is a loop of microseconds, which
// becomes a function by itself.)
static bool find_exchange(PjLower *l, const PjOp *op, PjOpInfoSched *info) {
  PjExchangeMatch match;
  if (l->options->source || !pj_match_exchange(op, &match) || match.batch < 2)
    return false;
  const PjExchange what = {match.batch, match.n,
                           match.width, match.count,
                           match.wraps, op->results[match.counter].type->dtype == PJ_DT_S64};
  info->routine = pj_routine_exchange(l->arena, &what);
  info->exchange = PJ_NEW(l->work, PjExchangeMatch);
  *info->exchange = match;
  return true;
}

// Products around a softmax are one routine, and so is their gradient: one of the operations has
// the role.
static void find_attention(PjLower *l, const PjOp *op, bool gradient) {
  PjAttentionMatch match, *kept;
  if (op->kind != PJ_OP_DOT_GENERAL || info_of(l, op)->absorbed || info_of(l, op)->attention ||
      !(gradient ? pj_match_attention_gradient : pj_match_attention)(op, l->uses, &match))
    return;
  PjAttentionMatch wide = match; // what is taken is known by the inputs as the program has them
  pj_attention_look_through(&wide);
  const PjRoutine *routine = gradient ? pj_routine_attention_gradient(l->arena, &wide.gradient)
                                      : pj_routine_attention(l->arena, &wide.what);
  if (!routine || (gradient && !pj_attention_take(&match, l->uses)))
    return;
  memcpy(match.inputs, wide.inputs, sizeof match.inputs);
  for (uint32_t i = 0; i < match.num_ops; i++)
    info_of(l, match.ops[i])->absorbed = match.ops[i] != match.place;
  kept = PJ_NEW(l->work, PjAttentionMatch);
  *kept = match;
  info_of(l, match.place)->routine = routine;
  info_of(l, match.place)->attention = kept;
}

static PjRole role_of(PjLower *l, const PjOp *op, PjOpInfoSched *info) {
  switch (op->kind) {
  case PJ_OP_CONSTANT:
    return pj_nest_can_inline(op) ? PJ_OPROLE_INLINE : PJ_OPROLE_NONE;
  case PJ_OP_WHILE:
    return find_exchange(l, op, info) ? PJ_OPROLE_ROUTINE : PJ_OPROLE_CONTROL;
  case PJ_OP_IF:
  case PJ_OP_CASE:
    return PJ_OPROLE_CONTROL;
  case PJ_OP_OPTIMIZATION_BARRIER:
    return PJ_OPROLE_ALIAS;
  case PJ_OP_CUSTOM_CALL:
    if (is_sink(op))
      return PJ_OPROLE_ALIAS;
    break;
  case PJ_OP_BITCAST_CONVERT:
    // What lies in memory has both types there.
    if (same_bytes(op) && !(pj_nest_can_inline(op) && inline_def(l, op->operands[0], op->region)))
      return PJ_OPROLE_ALIAS;
    break;
  case PJ_OP_REDUCE: {
    PjReducer reducer;
    int64_t count = pj_count(op->operands[0]->type);
    if (count > 0 && pj_reducer_make(op, &reducer)) {
      PjGroup shape = {.kind = PJ_GROUP_ROWS, .lanes = 8};
      PjRoot root = {.op = op, .role = PJ_ROOT_REDUCE, .reducer = reducer};
      PjCuts none = {0};
      shape.roots = &root;
      shape.num_roots = 1;
      if (pj_group_shape_reduce(&shape, &none)) {
        info->reducer = PJ_NEW(l->work, PjReducer);
        *info->reducer = reducer;
        return PJ_OPROLE_REDUCE;
      }
    }
    break;
  }
  case PJ_OP_DYNAMIC_UPDATE_SLICE:
    if (has_dense_layout(op) && !op->results[0].type->quant &&
        pj_elem_type(op->results[0].type->dtype) != PJ_KIR_VOID &&
        op->results[0].type->rank <= PJ_MAX_LOOP_RANK && pj_count(op->operands[1]->type) > 0) {
      PjCuts none = {0}, cuts;
      return pj_update_cuts(op, &none, &cuts) ? PJ_OPROLE_UPDATE : PJ_OPROLE_EVAL;
    }
    break;
  default:
    break;
  }
  if (op->num_results == 1 && pj_nest_can_inline(op) &&
      pj_elem_type(op->results[0].type->dtype) != PJ_KIR_VOID) {
    if (!moves_better_alone(op))
      return PJ_OPROLE_INLINE;
    info->routine = select_routine(l, op);
    return info->routine ? PJ_OPROLE_ROUTINE : PJ_OPROLE_INLINE;
  }
  if (op->num_results && has_dense_layout(op)) {
    info->routine = select_routine(l, op);
    if (info->routine)
      return PJ_OPROLE_ROUTINE;
  }
  return PJ_OPROLE_EVAL;
}

// How many times as many elements |op| has as its operand |value|.
static double growth(const PjOp *op, const PjValue *value) {
  int64_t count = pj_count(value->type);
  return count ? (double)pj_count(op->results[0].type) / (double)count : 1;
}

// Elements that are joined or padded are computed once; those that are spread, again and again.
static bool joins(const PjOp *op) {
  return op->kind == PJ_OP_CONCATENATE || op->kind == PJ_OP_PAD;
}

static Tree tree_with_operand(const Tree *t, uint32_t i, const PjOpInfoSched *source) {
  double factor = growth(t->op, t->op->operands[i]);
  return tree_with(*t, source, joins(t->op) && factor > 1 ? 1 / factor : 1);
}

// Whether pieces so short are joined that they are taken element by element: what is long to
// compute would be so too, instead of in vectors.
static bool joins_short(const PjOp *op, uint32_t i) {
  if (op->kind != PJ_OP_CONCATENATE || pj_count(op->results[0].type) < FEW_ELEMENTS)
    return false;
  const PjType *from = op->operands[i]->type;
  int64_t length = 1;
  for (int d = (int)PJ_INT(op, dimension); d < from->rank; d++)
    length *= from->dims[d];
  return length < SHORT_LOOP;
}

// Whether |op| cuts, not where they were joined, what several such want of parts that are computed:
// a step of a transform by halves, say. Vectors would be put together of both parts at each seam,
// and steps that follow each other would do so with all that is before them.
static bool cuts_joined(PjLower *l, const PjOp *op) {
  const PjValue *joined = op->operands[0];
  if (op->kind != PJ_OP_SLICE || pj_count(joined->type) < FEW_ELEMENTS || l->uses[joined->id] < 2)
    return false;
  while (joined->def && joined->def->kind == PJ_OP_RESHAPE && inline_def(l, joined, op->region))
    joined = joined->def->operands[0];
  const PjOp *def = joined->def;
  return def && def->kind == PJ_OP_CONCATENATE && !joins_pieces(def) &&
         inline_def(l, joined, op->region);
}

// Takes operand |i| of an operation into its tree, or sends it to memory.
static void absorb(PjLower *l, Tree *tree, PjOpInfoSched *info, uint32_t i) {
  const PjOp *op = tree->op;
  const PjValue *operand = op->operands[i];
  PjOpInfoSched *source = inline_def(l, operand, op->region);
  if (!source)
    return;
  double factor = growth(op, operand);
  bool repeated =
      factor >= 2 && !joins(op) && source->cost > CHEAP_COST && pj_count(operand->type) > 1;
  repeated |= source->cost > CHEAP_COST && joins_short(op, i);
  repeated |=
      op->kind == PJ_OP_BROADCAST_IN_DIM && factor >= SPREAD_FACTOR && source->nodes > LONG_SCALAR;
  // A seam (an edge that is repeated, say) would cut the innermost loop of all short.
  bool seam =
      joins(op) && factor >= SEAM_FACTOR && source->cuts.n && source->cuts.at[0] < SHORT_LOOP;
  Tree with = tree_with_operand(tree, i, source);
  Sums size = tree_size(&with);
  if (repeated || seam || cuts_joined(l, op) || !pj_fits_kernel(size.nodes, size.cost) ||
      !pj_cuts_through(op, i, &source->cuts, &info->cuts)) {
    source->in_memory = true;
    PjCuts none = {0};
    if (!pj_cuts_through(op, i, &none, &info->cuts))
      info->role = PJ_OPROLE_EVAL;
    return;
  }
  *tree = with;
}

bool pj_update_cuts(const PjOp *op, const PjCuts *inner, PjCuts *out) {
  const PjType *whole = op->operands[0]->type, *part = op->operands[1]->type;
  int64_t strides[PJ_MAX_RANK], count = pj_count(part);
  *out = *inner;
  pj_shape_strides(part, strides);
  for (int d = 0; d < part->rank; d++)
    if (part->dims[d] != whole->dims[d] && !(pj_cuts_add(out, strides[d], count) &&
                                             pj_cuts_add(out, strides[d] * part->dims[d], count)))
      return false;
  return true;
}

// True if computing |value| where it is wanted would read |array|, as far as can be seen.
static bool reads(PjLower *l, const PjValue *value, const PjValue *array, int depth) {
  if (value == array || depth > 40)
    return true;
  const PjOp *def = value->def;
  if (!def || def->region != (array->def ? array->def->region : array->region))
    return false;
  const PjOpInfoSched *info = info_of(l, def);
  if (info->role != PJ_OPROLE_ALIAS && !pj_op_keeps_order(def) && pj_is_root(info))
    return false;
  for (uint32_t i = 0; i < def->num_operands; i++)
    if (reads(l, def->operands[i], array, depth + 1))
      return true;
  return false;
}

// True if no result of |op| has an element, and it does nothing else.
static bool has_nothing_to_do(const PjOp *op) {
  bool nothing = pj_op_info[op->kind].traits & PJ_TRAIT_PURE && has_dense_layout(op);
  for (uint32_t i = 0; i < op->num_results; i++)
    nothing = nothing && pj_count(op->results[i].type) == 0;
  return nothing && op->num_results && op->kind != PJ_OP_CONSTANT;
}

// Whether |op| reads a little of an array that an update overwrites, and what it reads is wanted
// behind that update, as where two elements change places: then it is read when its turn comes.
// Else the update would have to leave the array as it is and change a copy of it.
static bool wanted_behind_update(PjLower *l, const PjOp *op) {
  enum { AHEAD = 64, FOLLOWED = 8 };
  if (op->kind != PJ_OP_DYNAMIC_SLICE && op->kind != PJ_OP_SLICE && op->kind != PJ_OP_GATHER)
    return false;
  const PjValue *array = op->operands[0], *followed[FOLLOWED] = {&op->results[0]};
  if (l->uses[array->id] < 2 ||
      pj_count(op->results[0].type) > pj_count(array->type) / SPREAD_FACTOR)
    return false;
  uint32_t count = 1, ahead = 0;
  bool behind = false;
  for (const PjOp *next = op->next; next && ahead < AHEAD; next = next->next, ahead++) {
    bool wants = false;
    for (uint32_t i = 0; i < next->num_operands; i++)
      for (uint32_t f = 0; f < count; f++)
        wants |= next->operands[i] == followed[f];
    if (wants && behind)
      return true;
    const bool updates = next->kind == PJ_OP_DYNAMIC_UPDATE_SLICE || next->kind == PJ_OP_SCATTER;
    if (updates)
      behind |= next->operands[0] == array; // what it writes is computed before (reads)
    else if (wants && count < FOLLOWED && next->num_results == 1 && !next->num_regions)
      followed[count++] = &next->results[0];
  }
  return false;
}

static void forwards(PjLower *l, const PjOp *op, Sums *all) {
  PjOpInfoSched *info = info_of(l, op);
  *info = (PjOpInfoSched){.nodes = 1,
                          .cost = (float)pj_op_cost(op),
                          .routine = info->routine,
                          .attention = info->attention,
                          .absorbed = info->absorbed};
  if (info->absorbed || has_nothing_to_do(op)) {
    info->role = PJ_OPROLE_NONE;
    return;
  }
  info->role = info->attention ? PJ_OPROLE_ROUTINE : role_of(l, op, info);
  if (op->kind == PJ_OP_WHILE && info->role == PJ_OPROLE_CONTROL)
    info->written = pj_match_written(op);
  if (info->role == PJ_OPROLE_INLINE) {
    if (!pj_cuts_of(op, &info->cuts))
      info->role = PJ_OPROLE_EVAL;
    Tree tree = tree_begin(op, *all);
    for (uint32_t i = 0; i < op->num_operands && info->role == PJ_OPROLE_INLINE; i++) {
      const PjValue *operand = op->operands[i];
      if (inline_def(l, operand, op->region))
        absorb(l, &tree, info, i);
      else {
        PjCuts none = {0};
        if (!pj_cuts_through(op, i, &none, &info->cuts))
          info->role = PJ_OPROLE_EVAL;
      }
    }
    if (info->role == PJ_OPROLE_INLINE) {
      info->in_memory = wanted_behind_update(l, op);
      tree_end(&tree, info, all);
      return;
    }
  }
  // Operands of everything else lie in memory, but for what a reduction takes in and an update
  // writes.
  uint32_t num_reads;
  const PjValue *const *reads_of = pj_reads(info, op, &num_reads);
  for (uint32_t i = 0; i < num_reads; i++) {
    PjOpInfoSched *source = inline_def(l, reads_of[i], op->region);
    if (!source || (pj_starts_empty(info, i) && reads_of[i]->def->kind == PJ_OP_CONSTANT))
      continue;
    if (info->role == PJ_OPROLE_REDUCE) {
      if (i >= op->num_results && source->nodes <= 2)
        continue; // an initial value, as a rule a constant
      if (i < op->num_results &&
          pj_fits_kernel(info->nodes + source->nodes, info->cost + source->cost)) {
        PjCuts merged = info->cuts;
        PjRoot root = {.op = op, .role = PJ_ROOT_REDUCE, .reducer = *info->reducer};
        PjGroup shape = {.kind = PJ_GROUP_ROWS, .lanes = 8, .roots = &root, .num_roots = 1};
        if (pj_cuts_merge(&merged, &source->cuts, pj_count(op->operands[i]->type)) &&
            pj_group_shape_reduce(&shape, &merged)) {
          info->cuts = merged;
          info->nodes += source->nodes;
          info->cost += source->cost;
          continue;
        }
      }
    }
    PjCuts cuts;
    if (info->role == PJ_OPROLE_UPDATE && i >= 1 && pj_fits_kernel(source->nodes, source->cost) &&
        !reads(l, op->operands[i], op->operands[0], 0) &&
        (i > 1 || pj_update_cuts(op, &source->cuts, &cuts)))
      continue;
    if (!pj_is_constant_data(reads_of[i]->def))
      source->in_memory = true;
  }
}

static void capture(PjLower *l, const PjOp *op) { // what nested regions read lies in memory
  for (uint32_t r = 0; r < op->num_regions; r++)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next) {
      for (uint32_t i = 0; i < inner->num_operands; i++) {
        const PjValue *value = inner->operands[i];
        if (value->def && value->def->region != inner->region && !pj_is_constant_data(value->def))
          info_of(l, value->def)->in_memory = true;
      }
      capture(l, inner);
    }
}

// The root that computes what |user| reads: itself, or where it is inlined; NULL for several.
static const PjOp *home_of(PjLower *l, const PjOp *user) {
  PjOpInfoSched *info = info_of(l, user);
  return info->role == PJ_OPROLE_INLINE && !info->in_memory ? info->home : user;
}

static bool keeps_index(const PjOp *user) {
  return pj_op_keeps_order(user) || pj_elem_is(user) || user->kind == PJ_OP_REDUCE;
}

// Of an operation that only spreads elements, what is spread goes to memory instead of the many
// copies of it. True if that is so, and |op| is cheap then.
static bool spreads(PjLower *l, const PjOp *op) {
  if (op->kind != PJ_OP_BROADCAST_IN_DIM ||
      pj_count(op->operands[0]->type) > pj_count(op->results[0].type) / SPREAD_FACTOR)
    return false;
  PjOpInfoSched *source = inline_def(l, op->operands[0], op->region);
  if (source)
    source->in_memory = true;
  return true;
}

// Whether |op| takes so little of its operand |i| that it had better compute that again than have
// all of it written: of rows of probabilities, say, the one at each label.
static bool peeks(PjLower *l, const PjOp *op, uint32_t i) {
  const PjOpInfoSched *info = info_of(l, op);
  return op->kind == PJ_OP_GATHER && i == 0 && info->role == PJ_OPROLE_INLINE &&
         pj_count(op->results[0].type) <= pj_count(op->operands[0]->type) / PEEK_FACTOR;
}

static void backwards(PjLower *l, const PjOp *op) {
  PjOpInfoSched *info = info_of(l, op);
  if (info->absorbed)
    return;
  if (info->role == PJ_OPROLE_INLINE && !info->in_memory && op->kind != PJ_OP_CONSTANT &&
      (info->users ? info->users : info->peeks) > 1) {
    const int64_t count = pj_count(op->results[0].type);
    bool cheap = info->cost <= CHEAP_COST &&
                 info->nodes <= (count <= FEW_ELEMENTS ? FEW_NODES : CHEAP_NODES);
    // Slices that have it among them, as gates of a recurrent cell do, compute each element once.
    bool shared_out = info->sliced <= pj_count(op->results[0].type);
    const bool moved = info->moved || !info->users;
    if (!cheap && !shared_out && (!info->home || moved) && !spreads(l, op))
      info->in_memory = true;
  }
  const PjOp *home = home_of(l, op);
  uint32_t num_reads;
  const PjValue *const *reads_of = pj_reads(info, op, &num_reads);
  for (uint32_t i = 0; i < num_reads; i++) {
    const PjValue *value = reads_of[i];
    if (!value->def || value->def->region != op->region)
      continue;
    PjOpInfoSched *source = info_of(l, value->def);
    if (peeks(l, op, i)) {
      if (source->users == 0)
        source->home = source->peeks == 0 || source->home == home ? home : NULL;
      source->peeks++;
      source->sliced += pj_count(op->results[0].type);
      continue;
    }
    source->home = source->users == 0 || source->home == home ? home : NULL;
    source->users++;
    if (op->kind == PJ_OP_SLICE)
      source->sliced += pj_count(op->results[0].type);
    else
      source->sliced = pj_count(value->type) + 1;
    if (!keeps_index(op))
      source->moved = true;
  }
}

// What went to memory after its readers were visited leaves them with cuts and costs that they no
// longer need. Without them everything that fitted fits still.
static void again(PjLower *l, const PjOp *op, Sums *all) {
  PjOpInfoSched *info = info_of(l, op);
  bool reduces = info->role == PJ_OPROLE_REDUCE;
  if (info->role != PJ_OPROLE_INLINE && !reduces)
    return;
  PjCuts cuts = {0};
  float chain = 0, longest = 0;
  Tree tree = tree_begin(op, *all);
  bool fits = reduces || pj_cuts_of(op, &cuts);
  for (uint32_t i = 0; i < op->num_operands; i++) {
    const PjValue *operand = op->operands[i];
    const PjOpInfoSched *source = inline_def(l, operand, op->region);
    static const PjCuts none = {0};
    if (!reduces)
      fits = fits && pj_cuts_through(op, i, source ? &source->cuts : &none, &cuts);
    else if (source && i < op->num_results)
      fits = fits && pj_cuts_merge(&cuts, &source->cuts, pj_count(operand->type));
    if (!source || (reduces && i >= op->num_results))
      continue;
    if (source->chain > chain) {
      chain = source->chain;
      longest = source->longest;
    }
    tree = tree_with_operand(&tree, i, source);
  }
  tree_end(&tree, info, all);
  if (!fits)
    return;
  info->cuts = cuts;
  float own = (float)pj_op_cost(op);
  info->chain = chain + own;
  info->longest = own > longest ? own : longest;
}

void pj_lower_roles(PjLower *l, const PjRegion *region) {
  const PjOp *end = pj_region_terminator(region);
  Sums all = {0};
  for (int gradient = 1; gradient >= 0 && !l->options->source; gradient--)
    for (const PjOp *op = region->first; op; op = op->next)
      find_attention(l, op, gradient);
  for (const PjOp *op = region->first; op; op = op->next) {
    if (op == end) {
      for (uint32_t i = 0; i < op->num_operands; i++)
        if (op->operands[i]->def && op->operands[i]->def->region == region &&
            !pj_is_constant_data(op->operands[i]->def))
          info_of(l, op->operands[i]->def)->in_memory = true;
      break;
    }
    forwards(l, op, &all);
    capture(l, op);
  }
  for (const PjOp *op = end ? end->prev : region->last; op; op = op->prev)
    backwards(l, op);
  all = (Sums){0};
  for (const PjOp *op = region->first; op != end; op = op->next)
    again(l, op, &all);
}
