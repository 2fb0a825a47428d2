// Computing elements on demand.
//
// A value is asked for at an index, a list of pieces in its own row-major space (sched/index.h).
// Operations that move data turn the index of their result into that of their operand; pieces keep
// loops linear wherever they can, so that a broadcast, slice or padding inside a fused kernel still
// reads memory in vectors. Values are remembered per index, so a diamond of operations is computed
// once; the builder shares what is equal below.
#include "sched/nest.h"

#include <string.h>

#include "base/hash.h"
#include "pass/range.h"
#include "sched/shape_map.h"

enum {
  MAX_DEPTH = 200,
  DEEP = 100, // from here on what chains of operations are computed of comes first
  DEFAULT_BUDGET = 60000,
  MAX_BRANCHES = 2,      // that write code twice, within each other; beyond, lanes choose by masks
  MAX_BRANCH_PARTS = 16, // of a concatenation: see FEW_PARTS and MANY_PARTS
};

PjNest *pj_nest_create(PjKir *k, bool literal) {
  PjNest *nest = PJ_NEW(k->arena, PjNest);
  nest->arena = k->arena;
  nest->ix = (PjIxBuilder){.k = k, .lanes = 1, .literal = literal};
  nest->budget = DEFAULT_BUDGET;
  return nest;
}

void pj_nest_bind(PjNest *nest, const PjValue *value, const PjPlace *place) {
  PjPlace *copy = PJ_NEW(nest->arena, PjPlace);
  *copy = *place;
  pj_map_set(nest->arena, &nest->places, pj_map_ptr(value), pj_map_ptr(copy));
}

const PjPlace *pj_nest_place(const PjNest *nest, const PjValue *value) {
  uint64_t *found = pj_map_find(&nest->places, pj_map_ptr(value));
  return found ? (const PjPlace *)(uintptr_t)*found : NULL;
}

void pj_nest_forget(PjNest *nest) {
  nest->memo = (PjMap){0};
}

static PjElem fail(PjNest *nest, const char *why) {
  if (!nest->failed)
    nest->failed = why;
  return (PjElem){pj_kir_const(nest->ix.k, PJ_KIR_T(I32, 1), 0), 0};
}

static int lanes_of(const PjNest *nest, PjElem e) {
  return pj_kir_typeof(nest->ix.k, e.re).lanes;
}

static PjElem from_place(PjNest *nest, PjDtype dtype, const PjPlace *place, const PjIndex *index,
                         PjKirVal mask) {
  if (place->kind == PJ_PLACE_VALUE)
    return place->value;
  PjIndex kept = {0};
  for (int i = 0; i < index->n; i++)
    if (!place->row || index->p[i].pos < place->row)
      kept.p[kept.n++] = index->p[i];
  // Without an index it is the only element there is.
  nest->ix.k->always = place->readonly && !index->n;
  PjElem e = pj_nest_load(nest, dtype, place, pj_ix_offset(&nest->ix, &kept), mask);
  nest->ix.k->always = false;
  return e;
}

// --- Indices -------------------------------------------------------------------------------------

// The index along the dimension whose positions are [stride, stride * size).
PjIx pj_nest_dim_index(PjNest *nest, const PjIndex *index, int64_t stride, int64_t size) {
  PjIx sum = {0};
  for (int i = 0; i < index->n; i++) {
    const PjPiece *p = &index->p[i];
    if (p->pos >= stride && p->pos < stride * size)
      sum = pj_ix_add(&nest->ix, sum, pj_ix_scale(&nest->ix, p->ix, p->pos / stride));
  }
  return sum;
}

// A touched dimension of size |size| whose positions are [stride, stride * size). Where a piece
// runs across it and the dimensions behind it (pj_cuts_through), it is one with them: |times| as
// long.
typedef struct Span {
  PjIx ix;
  int64_t times;
} Span;

static Span span_of(PjNest *nest, const PjIndex *index, int64_t stride, int64_t size) {
  int64_t times = 1;
  for (int i = 0; i < index->n; i++) {
    const PjPiece *p = &index->p[i];
    if (size > 1 && p->pos < stride && p->pos * p->extent > stride)
      times = stride;
  }
  return (Span){pj_nest_dim_index(nest, index, stride / times, size * times), times};
}

static void add_piece(PjIndex *index, int64_t pos, int64_t extent, PjIx ix) {
  // Never more than cuts and dimensions together: PJ_MAX_CUTS + 1 + PJ_MAX_LOOP_RANK <
  // PJ_MAX_PIECES.
  index->p[index->n++] = (PjPiece){pos, extent, ix};
}

// The index of operand |operand| for dimensions that are not touched; those that are have |touched|
// by operand dimension.
static PjIndex operand_index(const PjOp *op, uint32_t operand, const PjShapeMap *map,
                             const PjIndex *index, const Span *touched) {
  const PjType *from = op->operands[operand]->type, *to = op->results[0].type;
  int64_t in[PJ_MAX_RANK], out[PJ_MAX_RANK];
  int inverse[PJ_MAX_RANK];
  PjIndex result = {0};
  pj_shape_strides(from, in);
  pj_shape_strides(to, out);
  int64_t below =
      1; // pieces there are in the index of a dimension that is one with those behind it
  for (int r = 0; r < to->rank; r++)
    inverse[r] = -1;
  for (int d = 0; d < map->rank; d++) {
    if (map->result_dim[d] >= 0 && !map->touched[d])
      inverse[map->result_dim[d]] = d;
    if (!map->touched[d])
      continue;
    int64_t times = touched[d].times;
    add_piece(&result, in[d] / times, from->dims[d] * times, touched[d].ix);
    if (times > 1)
      below = out[map->result_dim[d]] * to->dims[map->result_dim[d]];
  }
  for (int i = 0; i < index->n; i++) {
    const PjPiece *p = &index->p[i];
    if (p->pos < below)
      continue;
    int r = pj_dim_counted(to, out, p->pos);
    int d = r < 0 ? -1 : inverse[r];
    if (d >= 0)
      add_piece(&result, in[d] * (p->pos / out[r]), p->extent, p->ix);
  }
  return result;
}

// --- Operations that move data -------------------------------------------------------------------

static PjKirVal both(PjNest *nest, PjKirVal a, PjKirVal b) {
  return !a ? b : !b ? a : pj_kir_and(nest->ix.k, a, b);
}

// low <= x < high, as a scalar or a mask.
static PjKirVal in_range(PjNest *nest, PjIx ix, int64_t size) {
  PjKir *k = nest->ix.k;
  PjKirVal x = pj_ix_is_uniform(ix) ? pj_ix_base(&nest->ix, ix) : pj_ix_vector(&nest->ix, ix);
  return pj_kir_2(k, PJ_KIR_ULT, x,
                  pj_kir_splat(k, pj_ix_number(&nest->ix, size), pj_kir_typeof(k, x).lanes));
}

static PjElem choose(PjNest *nest, PjKirVal mask, PjElem a, PjElem b) {
  PjKir *k = nest->ix.k;
  if (pj_kir_typeof(k, mask).lanes > 1 || lanes_of(nest, a) != lanes_of(nest, b)) {
    a = pj_nest_splat(nest, a);
    b = pj_nest_splat(nest, b);
  }
  return (PjElem){pj_kir_select(k, mask, a.re, b.re),
                  a.im ? pj_kir_select(k, mask, a.im, b.im) : 0};
}

// --- Branches: where all lanes of a vector agree on where they read, only that is read. ---

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
                             const Span *touched, const Padding *p, PjKirVal mask) {
  const PjType *from = op->operands[0]->type;
  PjElem outside = pj_nest_scalar(nest, op->operands[1]);
  Branch edge = {0};
  if (p->some)
    edge = branch_begin(nest, p->some, false);
  PjKirVal inside = 0;
  for (int d = 0; d < from->rank; d++)
    if (touched[d].times)
      inside = both(nest, inside, in_range(nest, touched[d].ix, from->dims[d] * touched[d].times));
  PjElem value = pj_nest_value(nest, op->operands[0], inner, both(nest, mask, inside));
  value = choose(nest, inside, value, pj_nest_scalar(nest, op->operands[1]));
  if (!p->some)
    return value;
  branch_else(nest, value);
  return branch_end(nest, &edge, outside);
}

static PjElem pad_value(PjNest *nest, const PjOp *op, const PjShapeMap *map, const PjIndex *index,
                        PjKirVal mask) {
  const PjType *from = op->operands[0]->type, *to = op->results[0].type;
  const int64_t *low = PJ_INTS(op, edge_padding_low, NULL);
  int64_t out[PJ_MAX_RANK];
  Span touched[PJ_MAX_RANK] = {0};
  Padding p = {.known = true};
  pj_shape_strides(to, out);
  for (int d = 0; d < from->rank; d++) {
    if (!map->touched[d])
      continue;
    Span *span = &touched[d];
    *span = span_of(nest, index, out[d], to->dims[d]);
    span->ix = pj_ix_add_number(&nest->ix, span->ix, -low[d] * span->times);
    padding_add(nest, span->ix, from->dims[d] * span->times, &p);
  }
  PjIndex inner = operand_index(op, 0, map, index, touched);
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
  Span span; // along |dim|
} Concatenation;

// Of operand |i|, in units of the span.
static int64_t part_size(const Concatenation *c, uint32_t i) {
  return c->op->operands[i]->type->dims[c->dim] * c->span.times;
}

// Operand |i|, which begins at |start|; of a single place along the dimension it is read there,
// whatever the lane.
static PjElem part_of(const Concatenation *c, uint32_t i, int64_t start, PjKirVal mask) {
  PjShapeMap map;
  Span touched[PJ_MAX_RANK] = {0};
  pj_shape_map(c->op, i, &map);
  PjIx ix = {0};
  if (part_size(c, i) > 1)
    ix = pj_ix_add_number(&c->nest->ix, c->span.ix, -start);
  touched[c->dim] = (Span){ix, c->span.times};
  PjIndex inner = operand_index(c->op, i, &map, c->index, touched);
  return pj_nest_value(c->nest, c->op->operands[i], &inner, mask);
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

static PjElem concatenate_value(PjNest *nest, const PjOp *op, const PjIndex *index, PjKirVal mask) {
  const PjType *to = op->results[0].type;
  int64_t out[PJ_MAX_RANK];
  Concatenation c = {nest, op, index, (int)PJ_INT(op, dimension), {{0}, 1}};
  pj_shape_strides(to, out);
  c.span = span_of(nest, index, out[c.dim], to->dims[c.dim]);
  bool linear = pj_ix_is_linear(c.span.ix) && (c.span.ix.step == 0 || c.span.ix.step == 1);
  // Under a mask, too, no operand is read where another one is meant: that a whole vector is off
  // does not make an access beyond the end of an array cheap.
  bool branch = pj_ix_is_uniform(c.span.ix) || may_branch(nest, mask);
  if (!branch || !linear || op->num_operands > MAX_BRANCH_PARTS)
    return parts_by_lane(&c, mask);
  return parts_from(&c, 0, 0, mask);
}

PjKirVal pj_nest_integer(PjNest *nest, const PjValue *value) {
  PjKirVal v = pj_nest_scalar(nest, value).re;
  PjKirElem elem = (PjKirElem)pj_kir_typeof(nest->ix.k, v).elem;
  if (elem == PJ_KIR_I64)
    return v;
  bool is_signed = pj_dtype_class(value->type->dtype) == PJ_CLASS_SINT;
  return pj_kir_cast(nest->ix.k, is_signed ? PJ_KIR_SEXT : PJ_KIR_ZEXT, PJ_KIR_I64, v);
}

// Unsigned numbers of 64 bits that look negative are large.
PjKirVal pj_nest_start(PjNest *nest, const PjValue *value, int64_t limit, int64_t size) {
  PjKir *k = nest->ix.k;
  PjKirVal x = pj_nest_integer(nest, value), zero = pj_kir_i64(k, 0);
  // A loop's counter needs no care.
  PjRange known;
  if (pj_range_of(value, &known) && known.low >= 0 && known.high <= limit - size)
    return x;
  PjKirVal last = pj_ix_number(&nest->ix, limit - size);
  if (value->type->dtype == PJ_DT_U64)
    return pj_kir_2(k, PJ_KIR_UMIN, x, last);
  return pj_kir_2(k, PJ_KIR_SMIN, pj_kir_2(k, PJ_KIR_SMAX, x, zero), last);
}

static PjElem moved_value(PjNest *nest, const PjOp *op, const PjIndex *index, PjKirVal mask) {
  PjShapeMap map;
  if (!pj_shape_map(op, 0, &map))
    return fail(nest, "an operation that cannot be fused");
  if (op->kind == PJ_OP_PAD)
    return pad_value(nest, op, &map, index, mask);
  const PjType *from = op->operands[0]->type, *to = op->results[0].type;
  PjIxBuilder *b = &nest->ix;
  int64_t out[PJ_MAX_RANK];
  Span touched[PJ_MAX_RANK] = {0};
  pj_shape_strides(to, out);
  for (int d = 0; d < map.rank; d++) {
    if (!map.touched[d])
      continue;
    Span *span = &touched[d];
    *span = span_of(nest, index, out[d], to->dims[d]);
    PjIx start;
    switch (op->kind) {
    case PJ_OP_SLICE:
      span->ix = pj_ix_add_number(b, pj_ix_scale(b, span->ix, PJ_INTS(op, strides, NULL)[d]),
                                  PJ_INTS(op, start_indices, NULL)[d] * span->times);
      break;
    case PJ_OP_REVERSE:
      span->ix = pj_ix_add_number(b, pj_ix_scale(b, span->ix, -1), from->dims[d] - 1);
      break;
    default: // DYNAMIC_SLICE
      start = pj_ix_uniform(pj_nest_start(nest, op->operands[1 + d], from->dims[d], to->dims[d]));
      span->ix = pj_ix_add(b, span->ix, pj_ix_scale(b, start, span->times));
    }
  }
  PjIndex inner = operand_index(op, 0, &map, index, touched);
  return pj_nest_value(nest, op->operands[0], &inner, mask);
}

// --- Sources -------------------------------------------------------------------------------------

// Whether a consumer makes better code when it knows the constant.
static bool wants_literal(const PjOp *user) {
  switch (user->kind) {
  case PJ_OP_DIVIDE:
  case PJ_OP_REMAINDER:
    return pj_dtype_is_int(user->results[0].type->dtype);
  case PJ_OP_POWER:
  case PJ_OP_SHIFT_LEFT:
  case PJ_OP_SHIFT_RIGHT_ARITHMETIC:
  case PJ_OP_SHIFT_RIGHT_LOGICAL:
    return true;
  default:
    return false;
  }
}

// A splat constant: literal where it is a number that simplifies code, else a param.
static PjElem new_constant(PjNest *nest, const PjAttr *attr, bool literal) {
  PjKir *k = nest->ix.k;
  PjDtype dtype = attr->type->dtype;
  uint64_t bits = 0;
  size_t bytes = pj_dtype_bytes(dtype);
  if (nest->ix.literal || literal || bytes > 8)
    return pj_elem_const(k, dtype, 1, attr->data);
  memcpy(&bits, attr->data, bytes);
  switch (dtype) {
  case PJ_DT_F32: {
    float v;
    memcpy(&v, attr->data, 4);
    if (v == 0 || v == 1 || v == -1 || v == 2 || v == 0.5f || v - v != 0)
      break;
    return (PjElem){pj_ix_scalar(&nest->ix, PJ_KIR_T(F32, 1), bits), 0};
  }
  case PJ_DT_F64: {
    double v;
    memcpy(&v, attr->data, 8);
    if (v == 0 || v == 1 || v == -1 || v == 2 || v == 0.5 || v - v != 0)
      break;
    return (PjElem){pj_ix_scalar(&nest->ix, PJ_KIR_T(F64, 1), bits), 0};
  }
  case PJ_DT_S32:
  case PJ_DT_U32:
    if ((int32_t)bits >= -2 && (int32_t)bits <= 2)
      break;
    return (PjElem){pj_ix_scalar(&nest->ix, PJ_KIR_T(I32, 1), bits), 0};
  case PJ_DT_S64:
  case PJ_DT_U64:
    if ((int64_t)bits >= -2 && (int64_t)bits <= 2)
      break;
    return (PjElem){pj_ix_scalar(&nest->ix, PJ_KIR_T(I64, 1), bits), 0};
  default:
    break;
  }
  return pj_elem_const(k, dtype, 1, attr->data);
}

// A param is one for the whole kernel. Code belongs to the block at hand (NaNs of few bits are
// decoded by instructions); the builder shares it where it is in scope.
static PjElem constant(PjNest *nest, const PjAttr *attr, bool literal) {
  uint64_t key = pj_map_ptr(attr), *found = literal ? NULL : pj_map_find(&nest->constants, key);
  if (found)
    return (PjElem){(PjKirVal)*found, 0};
  PjElem e = new_constant(nest, attr, literal);
  if (!literal && pj_kir_inst(nest->ix.k, e.re)->op == PJ_KIR_PARAM)
    pj_map_set(nest->arena, &nest->constants, key, e.re);
  return e;
}

static PjElem iota(PjNest *nest, const PjOp *op, const PjIndex *index) {
  const PjType *to = op->results[0].type;
  int64_t out[PJ_MAX_RANK];
  int d = (int)PJ_INT(op, iota_dimension);
  pj_shape_strides(to, out);
  PjIx ix = pj_nest_dim_index(nest, index, out[d], to->dims[d]);
  PjKirVal v = pj_ix_is_uniform(ix) ? pj_ix_base(&nest->ix, ix) : pj_ix_vector(&nest->ix, ix);
  return pj_elem_convert(nest->ix.k, PJ_DT_S64, to->dtype, (PjElem){v, 0});
}

// --- The walk ------------------------------------------------------------------------------------

static bool in_kernels(const PjType *type) {
  return pj_type_is_static(type) && !type->quant && type->rank <= PJ_MAX_LOOP_RANK &&
         pj_elem_type(type->dtype) != PJ_KIR_VOID;
}

bool pj_nest_can_inline(const PjOp *op) {
  if (op->num_results != 1 || !in_kernels(op->results[0].type))
    return false;
  for (uint32_t i = 0; i < op->num_operands; i++)
    if (!in_kernels(op->operands[i]->type))
      return false;
  switch (op->kind) {
  case PJ_OP_CONSTANT:
    return PJ_ATTR(op, value)->splat || pj_count(op->results[0].type) == 1;
  case PJ_OP_PAD: {
    uint32_t n;
    const int64_t *interior = PJ_INTS(op, interior_padding, &n);
    for (uint32_t i = 0; i < n; i++)
      if (interior[i])
        return false;
    return true;
  }
  case PJ_OP_GATHER:
    return pj_dtype_is_int(op->operands[1]->type->dtype) && pj_count(op->operands[0]->type) > 0 &&
           op->operands[1]->type->rank <= PJ_MAX_LOOP_RANK;
  case PJ_OP_IOTA:
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_RESHAPE:
  case PJ_OP_TRANSPOSE:
  case PJ_OP_SLICE:
  case PJ_OP_REVERSE:
  case PJ_OP_CONCATENATE:
  case PJ_OP_DYNAMIC_SLICE:
    return true;
  default:
    return pj_elem_supports(op);
  }
}

// Where the truth values |value| lie in memory, perhaps in another shape, or NULL.
static const PjPlace *truth_in_memory(PjNest *nest, const PjValue *value) {
  for (;;) {
    const PjPlace *place = pj_nest_place(nest, value);
    if (place)
      return place->kind == PJ_PLACE_MEMORY ? place : NULL;
    const PjOp *def = value->def;
    if (!def || !(pj_op_keeps_order(def) ||
                  (def->kind == PJ_OP_BROADCAST_IN_DIM && pj_count(value->type) == 1)))
      return NULL;
    value = def->operands[0];
  }
}

static PjElem elementwise(PjNest *nest, const PjOp *op, const PjIndex *index, PjKirVal mask) {
  // Hosts see arrays of bytes as arrays of truth values and back: a byte above 1 becomes the number
  // that it is.
  const PjType *from = op->operands[0]->type;
  const PjPlace *place = op->kind == PJ_OP_CONVERT && from->dtype == PJ_DT_PRED
                             ? truth_in_memory(nest, op->operands[0])
                             : NULL;
  if (place) {
    static const PjIndex first = {0};
    PjElem byte = from_place(nest, PJ_DT_U8, place, pj_count(from) == 1 ? &first : index, mask);
    return pj_elem_convert(nest->ix.k, PJ_DT_U8, op->results[0].type->dtype, byte);
  }
  PjElem in[3];
  bool vector = false;
  static const PjIndex none = {0};
  for (uint32_t i = 0; i < op->num_operands; i++) {
    const PjValue *operand = op->operands[i];
    if (operand->def && operand->def->kind == PJ_OP_CONSTANT &&
        PJ_ATTR(operand->def, value)->data_size && !pj_nest_place(nest, operand) &&
        pj_nest_can_inline(operand->def))
      in[i] = constant(nest, PJ_ATTR(operand->def, value), i > 0 && wants_literal(op));
    else
      in[i] = pj_nest_value(nest, operand, operand->type->rank == 0 ? &none : index, mask);
    vector |= lanes_of(nest, in[i]) > 1;
  }
  for (uint32_t i = 0; vector && i < op->num_operands; i++)
    in[i] = pj_nest_splat(nest, in[i]);
  return pj_elem_apply(nest->ix.k, op, in);
}

static PjElem compute(PjNest *nest, const PjValue *value, const PjIndex *index, PjKirVal mask) {
  const PjOp *op = value->def;
  if (!op || nest->failed)
    return fail(nest, "a value without a place");
  if (nest->depth >= MAX_DEPTH || pj_kir_size(nest->ix.k) > nest->budget)
    return fail(nest, "a kernel too large");
  if (!pj_nest_can_inline(op))
    return fail(nest, "an operation that cannot be fused");
  switch (op->kind) {
  case PJ_OP_CONSTANT:
    return constant(nest, PJ_ATTR(op, value), false);
  case PJ_OP_IOTA:
    return iota(nest, op, index);
  case PJ_OP_RESHAPE:
    return pj_nest_value(nest, op->operands[0], index, mask);
  case PJ_OP_GATHER:
    return pj_gather_value(nest, op, index, mask);
  case PJ_OP_CONCATENATE:
    return concatenate_value(nest, op, index, mask);
  default:
    if (pj_elem_is(op))
      return elementwise(nest, op, index, mask);
    return moved_value(nest, op, index, mask);
  }
}

static uint64_t memo_key(const PjValue *value, const PjIndex *index, PjKirVal mask) {
  uint64_t hash = pj_hash_u64(PJ_HASH_SEED, pj_map_ptr(value));
  hash = pj_hash_u64(hash, mask);
  for (int i = 0; i < index->n; i++) {
    const PjPiece *p = &index->p[i];
    hash = pj_hash_u64(hash, (uint64_t)p->pos);
    hash = pj_hash_u64(hash, (uint64_t)p->ix.base << 32 | p->ix.vec);
    hash = pj_hash_u64(hash, (uint64_t)p->ix.step);
    hash = pj_hash_u64(hash, pj_map_ptr(p->ix.each));
  }
  return hash;
}

typedef struct Memo {
  const PjValue *value;
  PjKirVal mask;
  PjIndex index;
  PjElem elem;
} Memo;

static bool same_index(const PjIndex *a, const PjIndex *b) {
  if (a->n != b->n)
    return false;
  for (int i = 0; i < a->n; i++)
    if (a->p[i].pos != b->p[i].pos || !pj_ix_eq(a->p[i].ix, b->p[i].ix))
      return false;
  return true;
}

static const PjIndex no_index; // of what is a single element

static const Memo *recall(const PjNest *nest, uint64_t key, const PjValue *value,
                          const PjIndex *index, PjKirVal mask) {
  uint64_t *found = pj_map_find(&nest->memo, key);
  const Memo *memo = found ? (const Memo *)(uintptr_t)*found : NULL;
  return memo && memo->value == value && memo->mask == mask && same_index(&memo->index, index)
             ? memo
             : NULL;
}

// An operand that is still to be computed, at the index of the operation that reads it.
static bool waits(const PjNest *nest, const PjValue *value, const PjIndex *index, PjKirVal mask) {
  const PjOp *op = value->def;
  if (!op || !(op->kind == PJ_OP_RESHAPE || pj_elem_is(op)) || pj_nest_place(nest, value))
    return false;
  if (pj_count(value->type) == 1)
    index = &no_index;
  return !recall(nest, memo_key(value, index, mask), value, index, mask);
}

// What |value| is computed of, the last of the chain first: by itself it would be a recursion as
// deep as the chain is long.
static void compute_before(PjNest *nest, const PjValue *value, const PjIndex *index,
                           PjKirVal mask) {
  PJ_VEC(const PjValue *) left = {0};
  PJ_PUSH(nest->arena, &left, value);
  while (left.len && !nest->failed) {
    const PjValue *last = left.data[left.len - 1], *next = NULL;
    for (uint32_t i = 0; i < last->def->num_operands && !next; i++)
      if (waits(nest, last->def->operands[i], index, mask))
        next = last->def->operands[i];
    if (next) {
      PJ_PUSH(nest->arena, &left, next);
    } else {
      left.len--;
      if (left.len)
        pj_nest_value(nest, last, index, mask);
    }
  }
}

PjElem pj_nest_value(PjNest *nest, const PjValue *value, const PjIndex *index, PjKirVal mask) {
  if (value->type->rank == 0 || pj_count(value->type) == 1)
    index = &no_index;
  const PjPlace *place = pj_nest_place(nest, value);
  if (place && place->kind == PJ_PLACE_VALUE)
    return place->value;
  uint64_t key = memo_key(value, index, mask);
  const Memo *known = recall(nest, key, value, index, mask);
  if (known)
    return known->elem;
  if (nest->depth >= DEEP && waits(nest, value, index, mask))
    compute_before(nest, value, index, mask);
  nest->depth++;
  PjElem e = place ? from_place(nest, value->type->dtype, place, index, mask)
                   : compute(nest, value, index, mask);
  nest->depth--;
  Memo *memo = PJ_NEW(nest->arena, Memo);
  *memo = (Memo){value, mask, *index, e};
  pj_map_set(nest->arena, &nest->memo, key, pj_map_ptr(memo));
  return e;
}

PjElem pj_nest_scalar(PjNest *nest, const PjValue *value) {
  static const PjIndex none = {0};
  PjElem e = pj_nest_value(nest, value, &none, 0);
  if (lanes_of(nest, e) > 1 && !nest->failed)
    return fail(nest, "a scalar that is not one");
  return e;
}
