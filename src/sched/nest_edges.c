// Pads and concatenations: where an element lies says what it is.
//
// Where all lanes of a vector agree on where they read, only that is read, behind a branch; else
// each lane chooses by a mask.
#include "sched/nest_parts.h"

enum {
  MAX_BRANCHES = 2,      // that write code twice, within each other; beyond, lanes choose by masks
  MAX_BRANCH_PARTS = 16, // of a concatenation: see FEW_PARTS and MANY_PARTS
};

static PjKirVal both(PjNest *nest, PjKirVal a, PjKirVal b) {
  return !a ? b : !b ? a : pj_kir_and(nest->ix.k, a, b);
}

// |x|, or the nearest number of lanes that there is.
static PjKirVal lane_number(PjNest *nest, PjKirVal x) {
  PjKir *k = nest->ix.k;
  x = pj_kir_2(k, PJ_KIR_SMAX, x, pj_kir_i64(k, 0));
  return pj_kir_2(k, PJ_KIR_SMIN, x, pj_kir_i64(k, nest->ix.lanes));
}

// Many lanes that follow one another: from which one on, and how many, lie in [0, size).
static PjKirVal lanes_in_range(PjNest *nest, PjIx ix, int64_t size) {
  PjKir *k = nest->ix.k;
  PjKirElem elem = pj_ix_narrow(k->target, nest->ix.lanes);
  PjKirType type = pj_kir_type(elem, nest->ix.lanes);
  PjKirVal base = pj_ix_base(&nest->ix, ix);
  PjKirVal first = lane_number(nest, pj_kir_sub(k, pj_kir_i64(k, 0), base));
  PjKirVal end = lane_number(nest, pj_kir_sub(k, pj_ix_number(&nest->ix, size), base));
  PjKirVal count = pj_kir_cast(k, PJ_KIR_TRUNC, elem, pj_kir_sub(k, end, first));
  first = pj_kir_splat(k, pj_kir_cast(k, PJ_KIR_TRUNC, elem, first), nest->ix.lanes);
  return pj_kir_2(k, PJ_KIR_ULT, pj_kir_sub(k, pj_kir_iota(k, type), first),
                  pj_kir_splat(k, count, nest->ix.lanes));
}

// 0 <= x < size, as a scalar or a mask.
static PjKirVal in_range(PjNest *nest, PjIx ix, int64_t size) {
  PjKir *k = nest->ix.k;
  if (pj_ix_is_linear(ix) && ix.step == 1 && nest->ix.lanes > k->target->vector_bytes / 4)
    return lanes_in_range(nest, ix, size);
  PjKirVal x = pj_ix_is_uniform(ix) ? pj_ix_base(&nest->ix, ix) : pj_ix_vector(&nest->ix, ix);
  return pj_kir_2(k, PJ_KIR_ULT, x,
                  pj_kir_splat(k, pj_ix_number(&nest->ix, size), pj_kir_typeof(k, x).lanes));
}

static PjElem choose(PjNest *nest, PjKirVal mask, PjElem a, PjElem b) {
  PjKir *k = nest->ix.k;
  if (pj_kir_typeof(k, mask).lanes > 1 ||
      pj_kir_typeof(k, a.re).lanes != pj_kir_typeof(k, b.re).lanes) {
    a = pj_nest_splat(nest, a);
    b = pj_nest_splat(nest, b);
  }
  return (PjElem){pj_kir_select(k, mask, a.re, b.re),
                  a.im ? pj_kir_select(k, mask, a.im, b.im) : 0};
}

// --- Branches ---

typedef struct Branch {
  PjMap memo; // of the code around it
  int deeper; // 1: the same is written once more, by lanes
} Branch;

static bool may_branch(const PjNest *nest, PjKirVal mask) {
  return !mask && nest->branches < MAX_BRANCHES;
}

static Branch branch_begin(PjNest *nest, PjKirVal condition, bool twice) {
  Branch branch = {nest->memo, twice};
  nest->branches += branch.deeper;
  nest->memo = (PjMap){0};
  pj_kir_if_begin(nest->ix.k, condition);
  return branch;
}

static uint32_t parts_of(PjNest *nest, PjElem *e, PjKirVal *out) {
  *e = pj_nest_splat(nest, *e);
  out[0] = e->re;
  out[1] = e->im;
  return e->im ? 2 : 1;
}

static void branch_else(PjNest *nest, PjElem then_value) {
  PjKirVal parts[2];
  uint32_t n = parts_of(nest, &then_value, parts);
  nest->memo = (PjMap){0};
  pj_kir_if_else(nest->ix.k, n, parts);
}

static PjElem branch_end(PjNest *nest, Branch *branch, PjElem else_value) {
  PjKirVal parts[2], results[2] = {0};
  uint32_t n = parts_of(nest, &else_value, parts);
  pj_kir_if_end(nest->ix.k, n, parts, results);
  nest->branches -= branch->deeper;
  nest->memo = branch->memo;
  return (PjElem){results[0], n > 1 ? results[1] : 0};
}

// Whether all lanes of |ix| lie in [0, size): a scalar. False if only each lane can say.
static bool whole_range(PjNest *nest, PjIx ix, int64_t size, PjKirVal *out) {
  PjKir *k = nest->ix.k;
  if (pj_ix_is_uniform(ix)) {
    *out = in_range(nest, ix, size);
    return true;
  }
  if (!pj_ix_is_linear(ix) || ix.step != 1 || size < nest->ix.lanes)
    return false;
  *out = pj_kir_2(k, PJ_KIR_ULE, pj_ix_base(&nest->ix, ix),
                  pj_ix_number(&nest->ix, size - nest->ix.lanes));
  return true;
}

// Whether any lane of |ix| lies in [0, size): a scalar. False if only each lane can say.
static bool some_range(PjNest *nest, PjIx ix, int64_t size, PjKirVal *out) {
  PjKir *k = nest->ix.k;
  const int64_t others = nest->ix.lanes - 1;
  if (pj_ix_is_uniform(ix)) {
    *out = in_range(nest, ix, size);
    return true;
  }
  if (!pj_ix_is_linear(ix) || (ix.step != 1 && ix.step != -1))
    return false;
  ix = pj_ix_add_number(&nest->ix, ix, ix.step == 1 ? others : 0); // the highest
  *out = pj_kir_2(k, PJ_KIR_ULT, pj_ix_base(&nest->ix, ix), pj_ix_number(&nest->ix, size + others));
  return true;
}

// --- Lanes whose places are known ---

// Where each lane of |ix| lies, if that is known here.
static bool known_lanes(PjNest *nest, PjIx ix, int64_t *at) {
  int64_t base = 0;
  if (ix.vec || !ix.each || (ix.base && !pj_nest_number(nest, ix.base, &base)))
    return false;
  for (int l = 0; l < nest->ix.lanes; l++)
    at[l] = base + ix.each[l];
  return true;
}

// Lanes of |at| that lie in [start, start + size), from there on; the others at its nearest end.
static PjIx lanes_within(PjNest *nest, const int64_t *at, int64_t start, int64_t size) {
  int64_t numbers[PJ_KIR_MAX_LANES];
  for (int l = 0; l < nest->ix.lanes; l++) {
    const int64_t x = at[l] - start;
    numbers[l] = x < 0 ? 0 : x < size ? x : size - 1;
  }
  return pj_ix_lanes(&nest->ix, 0, numbers);
}

// |a| in lanes that are |inside|, |b| in the others.
static PjElem lanes_of_two(PjNest *nest, const bool *inside, PjElem a, PjElem b) {
  PjKir *k = nest->ix.k;
  const int lanes = nest->ix.lanes;
  uint8_t pattern[PJ_KIR_MAX_LANES];
  for (int l = 0; l < lanes; l++)
    pattern[l] = (uint8_t)(inside[l] ? l : lanes + l);
  a = pj_nest_splat(nest, a);
  b = pj_nest_splat(nest, b);
  return (PjElem){pj_kir_shuffle(k, a.re, b.re, lanes, pattern),
                  a.im ? pj_kir_shuffle(k, a.im, b.im, lanes, pattern) : 0};
}

// What a padding asks of its indices. Conditions are scalars; 0: none.
typedef struct Padding {
  PjKirVal whole, some; // of all lanes, of any
  bool by_lane;         // lanes may differ
  bool known;           // |whole| says it: else lanes always differ, or are looked at one by one
} Padding;

static void padding_add(PjNest *nest, PjIx ix, int64_t size, Padding *p) {
  PjKirVal condition;
  p->by_lane |= !pj_ix_is_uniform(ix);
  p->known = p->known && whole_range(nest, ix, size, &condition);
  if (p->known)
    p->whole = both(nest, p->whole, condition);
  if (some_range(nest, ix, size, &condition))
    p->some = both(nest, p->some, condition);
}

// Where only some lanes lie inside, if any does: a read that no lane takes part in may cost
// hundreds of cycles, and the mask alone dozens.
static PjElem padded_by_lane(PjNest *nest, const PjOp *op, const PjIndex *inner,
                             const PjSpan *touched, const Padding *p, PjKirVal mask) {
  const PjType *from = op->operands[0]->type;
  PjElem outside = pj_nest_scalar(nest, op->operands[1]);
  Branch edge = {0};
  if (p->some)
    edge = branch_begin(nest, p->some, false);
  PjKirVal inside = 0; // what is the same in all lanes |some| says
  for (int d = 0; d < from->rank; d++)
    if (touched[d].times && !(p->some && pj_ix_is_uniform(touched[d].ix)))
      inside = both(nest, inside, in_range(nest, touched[d].ix, from->dims[d] * touched[d].times));
  PjElem value = pj_nest_value(nest, op->operands[0], inner, both(nest, mask, inside));
  value = choose(nest, inside, value, pj_nest_scalar(nest, op->operands[1]));
  if (!p->some)
    return value;
  branch_else(nest, value);
  return branch_end(nest, &edge, outside);
}

// Where the place of each lane is known: those that lie outside read what is nearest.
static bool padded_known(PjNest *nest, const PjOp *op, const PjShapeMap *map, const PjIndex *index,
                         const PjSpan *touched, PjKirVal mask, PjElem *out) {
  const PjType *from = op->operands[0]->type;
  bool inside[PJ_KIR_MAX_LANES], any = false, all = true;
  PjSpan near[PJ_MAX_RANK] = {0};
  for (int l = 0; l < nest->ix.lanes; l++)
    inside[l] = true;
  for (int d = 0; d < from->rank; d++) {
    int64_t at[PJ_KIR_MAX_LANES];
    const int64_t size = from->dims[d] * touched[d].times;
    if (!touched[d].times)
      continue;
    if (!size || !known_lanes(nest, touched[d].ix, at))
      return false;
    near[d] = (PjSpan){lanes_within(nest, at, 0, size), touched[d].times};
    for (int l = 0; l < nest->ix.lanes; l++)
      inside[l] = inside[l] && at[l] >= 0 && at[l] < size;
  }
  for (int l = 0; l < nest->ix.lanes; l++) {
    any |= inside[l];
    all &= inside[l];
  }
  *out = pj_nest_scalar(nest, op->operands[1]);
  if (!any)
    return true;
  PjIndex inner = pj_nest_operand_index(op, 0, map, index, near);
  PjElem value = pj_nest_value(nest, op->operands[0], &inner, mask);
  *out = all ? value : lanes_of_two(nest, inside, value, *out);
  return true;
}

PjElem pj_nest_pad(PjNest *nest, const PjOp *op, const PjShapeMap *map, const PjIndex *index,
                   PjKirVal mask) {
  const PjType *from = op->operands[0]->type, *to = op->results[0].type;
  const int64_t *low = PJ_INTS(op, edge_padding_low, NULL);
  int64_t out[PJ_MAX_RANK];
  PjSpan touched[PJ_MAX_RANK] = {0};
  Padding p = {.known = true};
  PjElem known;
  pj_shape_strides(to, out);
  for (int d = 0; d < from->rank; d++) {
    if (!map->touched[d])
      continue;
    PjSpan *span = &touched[d];
    *span = pj_nest_span(nest, index, out[d], to->dims[d]);
    span->ix = pj_ix_add_number(&nest->ix, span->ix, -low[d] * span->times);
  }
  if (padded_known(nest, op, map, index, touched, mask, &known))
    return known;
  for (int d = 0; d < from->rank; d++)
    if (touched[d].times)
      padding_add(nest, touched[d].ix, from->dims[d] * touched[d].times, &p);
  PjIndex inner = pj_nest_operand_index(op, 0, map, index, touched);
  uint64_t whole;
  bool all = p.known && !p.whole; // no dimension is padded
  // Else all lanes alike, as a rule.
  bool plain = p.known && (!p.by_lane || may_branch(nest, mask));
  if (plain && p.whole && pj_kir_is_const(nest->ix.k, p.whole, &whole)) {
    all = whole;
    plain = false;
  }
  if (all)
    return pj_nest_value(nest, op->operands[0], &inner, mask);
  if (!plain)
    return p.by_lane ? padded_by_lane(nest, op, &inner, touched, &p, mask)
                     : pj_nest_scalar(nest, op->operands[1]);
  Branch b = branch_begin(nest, p.whole, p.by_lane);
  branch_else(nest, pj_nest_value(nest, op->operands[0], &inner, mask));
  return branch_end(nest, &b,
                    p.by_lane ? padded_by_lane(nest, op, &inner, touched, &p, mask)
                              : pj_nest_scalar(nest, op->operands[1]));
}

typedef struct Concatenation {
  PjNest *nest;
  const PjOp *op;
  const PjIndex *index;
  int dim;
  PjSpan span; // along |dim|
} Concatenation;

// Of operand |i|, in units of the span.
static int64_t part_size(const Concatenation *c, uint32_t i) {
  return c->op->operands[i]->type->dims[c->dim] * c->span.times;
}

// Operand |i| at |ix| along the dimension.
static PjElem part_at(const Concatenation *c, uint32_t i, PjIx ix, PjKirVal mask) {
  PjShapeMap map;
  PjSpan touched[PJ_MAX_RANK] = {0};
  pj_shape_map(c->op, i, &map);
  touched[c->dim] = (PjSpan){ix, c->span.times};
  PjIndex inner = pj_nest_operand_index(c->op, i, &map, c->index, touched);
  return pj_nest_value(c->nest, c->op->operands[i], &inner, mask);
}

// Operand |i|, which begins at |start|; of a single place along the dimension it is read there,
// whatever the lane.
static PjElem part_of(const Concatenation *c, uint32_t i, int64_t start, PjKirVal mask) {
  PjIx ix = {0};
  if (part_size(c, i) > 1)
    ix = pj_ix_add_number(&c->nest->ix, c->span.ix, -start);
  return part_at(c, i, ix, mask);
}

// Lanes at |at|: each part as a vector, and what is wanted picked from them.
static PjElem parts_of_known(const Concatenation *c, const int64_t *at, PjKirVal mask) {
  PjElem result = {0};
  int64_t start = 0;
  for (uint32_t i = 0; i < c->op->num_operands; i++) {
    const int64_t size = part_size(c, i);
    bool inside[PJ_KIR_MAX_LANES], wanted = false;
    for (int l = 0; l < c->nest->ix.lanes; l++) {
      inside[l] = at[l] >= start && at[l] < start + size;
      wanted |= inside[l];
    }
    if (wanted) {
      PjElem part = part_at(c, i, lanes_within(c->nest, at, start, size), mask);
      result = result.re ? lanes_of_two(c->nest, inside, part, result) : part;
    }
    start += size;
  }
  return result;
}

static PjElem parts_by_lane(const Concatenation *c, PjKirVal mask) {
  PjElem result = {0};
  int64_t start = 0;
  for (uint32_t i = 0; i < c->op->num_operands; i++) {
    if (pj_count(c->op->operands[i]->type) == 0)
      continue;
    PjIx ix = pj_ix_add_number(&c->nest->ix, c->span.ix, -start);
    PjKirVal inside = in_range(c->nest, ix, part_size(c, i));
    PjElem value = part_of(c, i, start, part_size(c, i) > 1 ? both(c->nest, mask, inside) : mask);
    result = result.re ? choose(c->nest, inside, value, result) : value;
    start += part_size(c, i);
  }
  return result;
}

// From operand |i| on, if the lanes agree; what crosses from one operand to the next goes lane by
// lane. |mask|: of lanes that all lie in the same operand.
static PjElem parts_from(const Concatenation *c, uint32_t i, int64_t start, PjKirVal mask) {
  while (i < c->op->num_operands && pj_count(c->op->operands[i]->type) == 0)
    i++;
  bool uniform = pj_ix_is_uniform(c->span.ix);
  if (i == c->op->num_operands)
    return parts_by_lane(c, mask);
  int64_t size = part_size(c, i);
  if (uniform && start + size == c->op->results[0].type->dims[c->dim] * c->span.times)
    return part_of(c, i, start, mask);
  PjKirVal whole;
  if (!whole_range(c->nest, pj_ix_add_number(&c->nest->ix, c->span.ix, -start), size, &whole))
    return parts_from(c, i + 1, start + size, mask);
  uint64_t known; // by literal indices
  if (pj_kir_is_const(c->nest->ix.k, whole, &known))
    return known ? part_of(c, i, start, mask) : parts_from(c, i + 1, start + size, mask);
  Branch b = branch_begin(c->nest, whole, !uniform);
  branch_else(c->nest, part_of(c, i, start, mask));
  return branch_end(c->nest, &b, parts_from(c, i + 1, start + size, mask));
}

PjElem pj_nest_concatenate(PjNest *nest, const PjOp *op, const PjIndex *index, PjKirVal mask) {
  const PjType *to = op->results[0].type;
  int64_t out[PJ_MAX_RANK];
  Concatenation c = {nest, op, index, (int)PJ_INT(op, dimension), {{0}, 1}};
  pj_shape_strides(to, out);
  c.span = pj_nest_span(nest, index, out[c.dim], to->dims[c.dim]);
  int64_t at[PJ_KIR_MAX_LANES];
  if (known_lanes(nest, c.span.ix, at))
    return parts_of_known(&c, at, mask);
  bool linear = pj_ix_is_linear(c.span.ix) && (c.span.ix.step == 0 || c.span.ix.step == 1);
  // Under a mask, too, no operand is read where another one is meant: that a whole vector is off
  // does not make an access beyond the end of an array cheap.
  bool branch = pj_ix_is_uniform(c.span.ix) || may_branch(nest, mask);
  if (!branch || !linear || op->num_operands > MAX_BRANCH_PARTS)
    return parts_by_lane(&c, mask);
  return parts_from(&c, 0, 0, mask);
}
