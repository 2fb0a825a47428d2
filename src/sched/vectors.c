// How many lanes a kernel has, and how many vectors it computes at once.
#include "sched/binding.h"
#include "sched/shape_map.h"

// Of what is computed one after the other: from where on vectors are taken in twos, as a share of
// what is computed at all too, and in fours, without the longest operation.
#define LONG_CHAIN_NS      1.4
#define CHAIN_SHARE        0.55
#define SHORT_SHARE        0.4 // of vectors of 32 bytes and less, and of what is out of sight
#define OUT_OF_SIGHT_NS    12. // a chain of which others beside it begin too late to be seen
#define VERY_LONG_CHAIN_NS 0.9
#define BESIDE_FUNCTION_NS 0.3 // of vectors of 32 bytes, where the longest is a function
#define FUNCTION_NS        1.0 // an operation that is a function of many steps and constants
enum { LONG_LOOP = 512, VERY_LONG_LOOP = 4096, TALL = 1 << 16 }; // elements

size_t pj_wider_lane(size_t bytes, const PjType *type) {
  if (!pj_type_is_tensor(type) || type->rank == 0)
    return bytes;
  size_t own = pj_dtype_bytes(type->dtype) / (pj_dtype_is_complex(type->dtype) ? 2 : 1);
  if (own < 4 && pj_dtype_class(type->dtype) == PJ_CLASS_FLOAT)
    own = 4;
  return own > bytes ? own : bytes;
}

int pj_lanes_of_width(const PjLower *l, size_t widest) {
  return l->options->target->vector_bytes / (int)widest;
}

// Whether rows are only asked whether any or all of their elements are true.
static bool asks_only(const PjUnit *unit) {
  bool only = unit->kind == PJ_GROUP_ROWS;
  for (size_t i = 0; i < unit->roots.len; i++)
    only &= unit->roots.data[i]->results[0].type->dtype == PJ_DT_PRED;
  return only;
}

int pj_lanes_of(const PjLower *l, const PjUnit *unit, const PjBinding *b) {
  size_t widest = unit->kind == PJ_GROUP_MAP || asks_only(unit) ? 1 : 4;
  for (size_t i = 0; i < b->leaves.len; i++)
    widest = pj_wider_lane(widest, b->leaves.data[i]->type);
  for (size_t i = 0; i < unit->roots.len; i++) {
    const PjReducer *reducer = l->ops[unit->roots.data[i]->id].reducer;
    if (reducer && reducer->ordered)
      return 1;
    widest = pj_wider_lane(widest, unit->roots.data[i]->results[0].type);
  }
  return pj_lanes_of_width(l, widest < b->widest ? b->widest : widest);
}

// Whether elements of less than four bytes are read or written, whose vectors fill no register
// where lanes have four. (Not a few that are spread, as one for each row is.)
static bool has_narrow(const PjUnit *unit, const PjBinding *b) {
  enum { SPREAD_FACTOR = 8 };
  bool narrow = false;
  for (size_t i = 0; i < b->leaves.len; i++) {
    const PjType *type = b->leaves.data[i]->type;
    narrow |= pj_type_is_tensor(type) && pj_count(type) > unit->count / SPREAD_FACTOR &&
              pj_dtype_bytes(type->dtype) < 4;
  }
  for (size_t i = 0; i < unit->roots.len; i++)
    narrow |= pj_dtype_bytes(unit->roots.data[i]->results[0].type->dtype) < 4;
  return narrow;
}

// Vectors of a row, if they had |lanes|, and what is behind them.
static int64_t turns(const PjLower *l, const PjGroup *g, int lanes) {
  const int64_t extent = g->loops[g->num_loops - 1].extent;
  PjGroup other = *g;
  other.lanes = lanes;
  const bool single = pj_group_ends(&other, l->options->target) == PJ_ENDS_SINGLE;
  return extent / lanes + (single ? extent % lanes : 1);
}

bool pj_lanes_shorten(const PjLower *l, PjGroup *g) {
  int least = pj_lanes_of_width(l, 4), lanes = g->lanes;
  if (g->kind != PJ_GROUP_MAP || pj_group_ends(g, l->options->target) != PJ_ENDS_SINGLE)
    return false;
  if (g->across || g->down) {
    int bytes = l->options->target->vector_bytes / lanes;
    if (bytes < 4 && lanes * bytes > 16 && !l->options->target->bytes_move)
      g->lanes = 16 / bytes;
  } else {
    for (int shorter = lanes / 2; shorter >= least; shorter /= 2)
      if (turns(l, g, shorter) < turns(l, g, g->lanes))
        g->lanes = shorter;
  }
  return g->lanes != lanes;
}

// Whether rows of |extent| are whole vectors of |shorter| lanes, not many more than there are of
// |lanes|, the last of them with lanes off.
static bool fits_better(int64_t extent, int shorter, int lanes) {
  enum { END = 3 }; // vectors that take as long as one with lanes off
  return extent % shorter == 0 && extent / shorter <= extent / lanes + END;
}

bool pj_lanes_fit(const PjLower *l, PjGroup *g) {
  if (g->lanes == 1 || (g->kind == PJ_GROUP_MAP && (g->num_loops == 1 || g->across || g->down)))
    return false;
  const int lanes = g->lanes, least = 16 * lanes / l->options->target->vector_bytes;
  const int64_t extent = g->loops[g->num_loops - 1].extent;
  // Short rows of tall columns are brought to and from their accumulators in memory turn by turn,
  // where a vector with lanes off waits for the one before.
  const bool is_short = g->kind == PJ_GROUP_COLUMNS && extent < 4 * (int64_t)lanes;
  const int shorter = pj_group_lanes(extent, lanes, least);
  const PjEnds ends = pj_group_ends(g, l->options->target);
  if ((is_short && g->count >= TALL && extent % least == 0) || ends == PJ_ENDS_SINGLE ||
      (ends == PJ_ENDS_MASKED && g->kind == PJ_GROUP_MAP && fits_better(extent, shorter, lanes)))
    g->lanes = shorter;
  else
    while (g->lanes > least && g->lanes / 2 >= extent)
      g->lanes /= 2;
  return g->lanes != lanes;
}

// How many kinds of functions a kernel computes; each has constants of its own.
static int kinds_of_functions(const PjBinding *b) {
  int kinds = 0;
  for (size_t i = 0; i < b->ops.len; i++) {
    const PjOp *op = b->ops.data[i];
    bool seen = pj_op_cost(op) < FUNCTION_NS;
    for (size_t before = 0; before < i && !seen; before++)
      seen = b->ops.data[before]->kind == op->kind;
    kinds += !seen;
  }
  return kinds;
}

// Complex numbers lie in memory as vectors of twice the lanes.
static bool has_complex(const PjBinding *b) {
  for (size_t i = 0; i < b->ops.len; i++) {
    const PjOp *op = b->ops.data[i];
    bool complex = pj_dtype_is_complex(op->results[0].type->dtype);
    for (uint32_t o = 0; o < op->num_operands; o++)
      complex |= pj_dtype_is_complex(op->operands[o]->type->dtype);
    if (complex)
      return true;
  }
  return false;
}

// Whether vectors of |lanes| leave little of a row to be done one by one, which is |from| elements
// long then, or to be done twice.
static bool fills(const PjLower *l, const PjGroup *g, int lanes, int64_t from) {
  const int64_t extent = g->loops[g->num_loops - 1].extent, whole = extent / lanes + 1;
  PjGroup wider = *g;
  wider.lanes = lanes;
  return extent % lanes == 0 || extent >= from ||
         (pj_group_ends(&wider, l->options->target) == PJ_ENDS_AGAIN &&
          8 * whole * lanes <= 9 * extent);
}

// Vectors of 32 bytes of rows that functions are computed of: four where rows allow it.
static int vectors_of_rows(const PjLower *l, const PjBinding *b, const PjGroup *g) {
  int64_t extent = g->loops[g->num_loops - 1].extent;
  if (l->options->target->vector_bytes != 32 || !kinds_of_functions(b) || has_complex(b))
    return 1;
  for (int times = 4; times > 1; times /= 2) {
    int lanes = times * g->lanes;
    if (lanes <= PJ_KIR_MAX_LANES && extent >= 2 * lanes &&
        fills(l, g, lanes, times == 4 ? VERY_LONG_LOOP : LONG_LOOP))
      return times;
  }
  return 1;
}

// Operations one after the other wait for each other more than they compute: several vectors at a
// time, their instructions in turn. Two, as the processor looks ahead to the next ones by itself;
// four where so much comes one after the other that the end of it is out of its sight. (Within a
// function enough is computed side by side.) Where much is computed side by side, or there are many
// constants, registers would not do. Narrow elements too: two vectors of what they are computed in
// make one of theirs.
//
// Short vectors keep the processor busy for half as long, so that it waits more: for them more may
// be computed side by side, and by functions of several kinds. What then has no register is on the
// stack, which costs less than waiting.
int pj_vectors_at_once(const PjLower *l, const PjUnit *unit, const PjBinding *b, const PjGroup *g) {
  if (g->lanes < 4)
    return 1;
  if (g->kind == PJ_GROUP_ROWS)
    return vectors_of_rows(l, b, g);
  if (g->kind != PJ_GROUP_MAP)
    return 1;
  double within = 0, last = 0, longest = 0, all = b->inlined;
  for (uint32_t i = 0; i < g->num_roots; i++) {
    const PjOp *op = g->roots[i].op;
    const PjOpInfoSched *info = &l->ops[op->id];
    double chain = info->chain;
    if (!g->roots[i].stored) // others begin with it
      within += chain;
    else if (chain > last)
      last = chain;
    if (info->longest > longest)
      longest = info->longest;
    all += pj_op_cost(op);
  }
  double chain = within + last;
  bool narrow_vectors = l->options->target->vector_bytes < 64;
  const double share =
      narrow_vectors || chain - longest >= OUT_OF_SIGHT_NS ? SHORT_SHARE : CHAIN_SHARE;
  bool waits = chain >= LONG_CHAIN_NS && chain >= share * all;
  int kinds = kinds_of_functions(b);
  double beside = narrow_vectors && kinds ? BESIDE_FUNCTION_NS : VERY_LONG_CHAIN_NS;
  bool far = chain - longest >= beside && (narrow_vectors || kinds <= 1) &&
             l->options->target->vector_bytes >= 32;
  bool narrow = !g->across && g->lanes == pj_lanes_of_width(l, 4) && has_narrow(unit, b);
  if (waits && far && 4 * g->lanes <= PJ_KIR_MAX_LANES && !has_complex(b) &&
      fills(l, g, 4 * g->lanes, VERY_LONG_LOOP))
    return 4;
  bool fits = 2 * g->lanes <= PJ_KIR_MAX_LANES && fills(l, g, 2 * g->lanes, LONG_LOOP);
  return (waits || narrow) && fits ? 2 : 1;
}
