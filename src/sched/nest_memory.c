// Elements from memory and into it: contiguous lanes as one vector, lanes whose distances are known
// as whole vectors and a choice among their lanes, others one by one (gather, scatter).
#include "kernel/convert.h"
#include "sched/nest.h"

PjElem pj_nest_splat(PjNest *nest, PjElem e) {
  PjKir *k = nest->ix.k;
  e.re = pj_kir_splat(k, e.re, nest->ix.lanes);
  if (e.im)
    e.im = pj_kir_splat(k, e.im, nest->ix.lanes);
  return e;
}

// The base address moved by the uniform part of |at|, so that vector indices stay small.
static PjKirVal moved(PjNest *nest, PjDtype dtype, PjKirVal ptr, PjIx at) {
  PjKir *k = nest->ix.k;
  if (!at.base)
    return ptr;
  return pj_kir_ptradd(k, ptr,
                       pj_kir_mul(k, at.base, pj_kir_i64(k, (int64_t)pj_dtype_bytes(dtype))));
}

// Moves |ptr| by what |index| consists of outside of the loop at hand. What is left of it all
// streams share: no instruction but the load itself is needed for each then.
static PjKirVal moved_outside(PjNest *nest, PjDtype dtype, PjKirVal ptr, PjKirVal *index) {
  PjKir *k = nest->ix.k;
  PjKirVal outside = 0, near = 0;
  for (const PjKirInst *sum; sum = pj_kir_inst(k, *index), sum->op == PJ_KIR_ADD;) {
    uint64_t number;
    PjKirVal a = sum->args[0], b = sum->args[1];
    bool is_near = pj_kir_is_const(k, b, &number);
    if (is_near) {
      near = near ? pj_kir_add(k, near, b) : b;
    } else if (pj_kir_is_from_outside(k, a, b)) {
      outside = outside ? pj_kir_add(k, outside, a) : a;
      a = b;
    } else if (pj_kir_is_from_outside(k, b, a)) {
      outside = outside ? pj_kir_add(k, outside, b) : b;
    } else {
      break;
    }
    *index = a;
  }
  if (near)
    *index = pj_kir_add(k, *index, near);
  return moved(nest, dtype, ptr, pj_ix_uniform(outside));
}

// --- Lanes picked from whole vectors ---

enum { MOST_LOADS = 8 };

// A load of lanes that lie at |from| to |from| + |lanes| - 1, seen from the base.
typedef struct Window {
  int64_t from;
  int lanes;
} Window;

// Loads that hold all lanes of |at|, and none that reaches beyond the lowest or the highest of
// them. 0 if there are none, or too many.
static int windows_of(PjIx at, int lanes, Window *out) {
  int64_t low = pj_ix_lane(at, 0), high = low;
  for (int l = 1; l < lanes; l++) {
    int64_t x = pj_ix_lane(at, l);
    low = x < low ? x : low;
    high = x > high ? x : high;
  }
  int width = lanes, n = 0;
  while (width > high - low + 1)
    width /= 2;
  int most = lanes / 2 < MOST_LOADS ? lanes / 2 : MOST_LOADS;
  for (int64_t next = low; next <= high;) {
    if (n == most)
      return 0;
    int64_t from = next < high - width + 1 ? next : high - width + 1;
    out[n++] = (Window){from, width};
    next = high + 1;
    for (int l = 0; l < lanes; l++) {
      int64_t x = pj_ix_lane(at, l);
      if (x >= from + width && x < next)
        next = x;
    }
  }
  return n;
}

// Which lanes of a window are wanted where |mask| says so of the lanes of |at|.
static PjKirVal wanted_of(const PjNest *nest, PjIx at, PjKirVal mask, const Window *window) {
  PjKir *k = nest->ix.k;
  const int lanes = nest->ix.lanes;
  uint8_t pattern[PJ_KIR_MAX_LANES];
  for (int i = 0; i < window->lanes; i++) {
    pattern[i] = (uint8_t)lanes; // of none: off
    for (int l = 0; l < lanes; l++)
      if (pj_ix_lane(at, l) == window->from + i)
        pattern[i] = (uint8_t)l;
  }
  return pj_kir_shuffle(k, mask, pj_kir_const(k, pj_kir_typeof(k, mask), 0), window->lanes,
                        pattern);
}

// Lanes at places known from each other: whole vectors, and what is wanted picked from them. An
// element without lanes (re 0) if that is not worth it: with |mask| (0: all lanes) only where masks
// have registers of their own, a vector is one register, and few of them hold all that is wanted,
// for each is masked in its own way. (A gather is made of loads one by one, whatever its mask is.)
static PjElem load_picked(PjNest *nest, PjDtype dtype, const PjPlace *place, PjIx at,
                          PjKirVal mask) {
  PjKir *k = nest->ix.k;
  int lanes = nest->ix.lanes;
  Window windows[MOST_LOADS];
  int n = at.vec || pj_dtype_is_complex(dtype) ? 0 : windows_of(at, lanes, windows);
  if (!n)
    return (PjElem){0};
  const PjKirElem elem = pj_conv_memory(dtype);
  if (mask && (k->target->isa != PJ_ISA_AVX512 || !pj_ix_is_linear(at) || !at.step ||
               n > lanes / 4 || lanes * (int)pj_kir_elem_bytes(elem) > k->target->vector_bytes))
    return (PjElem){0};
  int width = windows[0].lanes;
  PjKirType type = pj_kir_type(elem, width);
  PjKirVal parts[MOST_LOADS];
  for (int w = 0; w < n; w++) {
    PjIx from = pj_ix_add_near(&nest->ix, pj_ix_uniform(at.base), windows[w].from);
    parts[w] = pj_kir_load(k, type, place->ptr, pj_ix_base(&nest->ix, from),
                           mask ? wanted_of(nest, at, mask, &windows[w]) : 0, place->readonly);
  }
  // The first two together, which may be shorter than the result; then one after the other.
  PjKirVal all = 0;
  uint8_t pattern[PJ_KIR_MAX_LANES];
  for (int w = n > 1; w < n; w++) {
    const Window *now = &windows[w], *before = &windows[w ? w - 1 : 0];
    int held = all ? lanes : width;
    for (int l = 0; l < lanes; l++) {
      int64_t x = pj_ix_lane(at, l), here = x - now->from, there = x - before->from;
      if (here >= 0 && here < width)
        pattern[l] = (uint8_t)(w ? held + here : here);
      else
        pattern[l] = (uint8_t)(all ? l : there >= 0 && there < width ? there : 0);
    }
    all = pj_kir_shuffle(k, all ? all : parts[w ? w - 1 : 0], parts[w], lanes, pattern);
  }
  return (PjElem){pj_conv_from_memory(k, dtype, all), 0};
}

// --- Columns of short rows, turned together ---
//
// Each row is read as a vector, and the vectors are turned by pairs: then by pairs of pairs, and so
// on, until a vector holds one column of all rows. What columns have in common on that way is made
// once, for the builder shares equal values: n columns of 16 rows take 16 reads and about 4 n
// shuffles, where picking each column on its own takes n reads and shuffles for each of them.
//
// Vectors of 32 bytes are turned in halves, for which there are instructions: each half holds
// columns of its own of the same rows, until halves of two vectors make one.

enum { FEWEST_COLUMNS = 6 }; // below, picking is less

typedef struct Turn {
  PjNest *nest;
  const PjPlace *place;
  PjKirType type;
  int lanes;     // of a register, and rows that are turned together
  int part;      // lanes that are turned within themselves: a register or half of one
  PjKirVal row;  // where the first row begins
  int64_t n;     // elements of a row
  int64_t first; // column of the block at hand: columns beyond a vector's are another block
} Turn;

bool pj_nest_number(const PjNest *nest, PjKirVal v, int64_t *out) {
  const PjKirInst *inst = pj_kir_inst(nest->ix.k, v);
  uint64_t bits;
  if (pj_kir_is_const(nest->ix.k, v, &bits))
    *out = (int64_t)bits;
  else if (inst->op == PJ_KIR_PARAM && inst->type.elem == PJ_KIR_I64)
    *out = (int64_t)nest->ix.params.data[inst->imm];
  else
    return false;
  return true;
}

// Whether |base| is |column| elements behind the begin of a row of |n|: a multiple of |n|, so that
// the whole row lies in an array of such rows.
static bool in_row(const PjNest *nest, PjKirVal base, int64_t n, PjKirVal *row, int64_t *column) {
  const PjKirInst *inst = pj_kir_inst(nest->ix.k, base);
  int64_t number;
  *row = base;
  *column = 0;
  for (int i = 0; inst->op == PJ_KIR_ADD && i < 2 && *row == base; i++)
    if (pj_nest_number(nest, inst->args[i], column))
      *row = inst->args[!i];
  inst = pj_kir_inst(nest->ix.k, *row);
  if (*column < 0 || *column >= n)
    return false;
  for (int i = 0; i < 2; i++)
    if (inst->op == PJ_KIR_MUL && pj_nest_number(nest, inst->args[i], &number) && number > 0)
      return number % n == 0;
  return inst->op == PJ_KIR_SHL && pj_nest_number(nest, inst->args[1], &number) && number < 32 &&
         (INT64_C(1) << number) % n == 0;
}

// A vector of 2^|level| rows, the |q|-th such: in each part of it as many columns as it has room
// for, |column| of the part among them, row after row of each. Of the first part these begin at
// column |*begin|, in lanes from |*lane| on.
static PjKirVal turned(const Turn *t, int level, int64_t q, int64_t column, int64_t *begin,
                       int64_t *lane) {
  PjKir *k = t->nest->ix.k;
  const int64_t lanes = t->lanes;
  if (!level) { // a row; nothing is read beyond the last one of its registerful
    const int64_t end = (q / lanes + 1) * lanes * t->n, at = q * t->n + t->first,
                  from = at < end - lanes ? at : end - lanes;
    const PjIx ix = pj_ix_add_near(&t->nest->ix, pj_ix_uniform(t->row), from);
    *begin = 0;
    *lane = at - from;
    return pj_kir_load(k, t->type, t->place->ptr, pj_ix_base(&t->nest->ix, ix), 0, true);
  }
  const int64_t half = INT64_C(1) << (level - 1), room = t->part >> level;
  int64_t from[2], lane_of[2];
  PjKirVal parts[2];
  for (int i = 0; i < 2; i++)
    parts[i] = turned(t, level - 1, 2 * q + i, column, &from[i], &lane_of[i]);
  *begin = column / room * room;
  *lane = 0;
  uint8_t pattern[PJ_KIR_MAX_LANES];
  for (int64_t l = 0; l < lanes; l++) {
    const int64_t within = l % t->part, c = *begin + within / (2 * half), r = within % (2 * half);
    const int side = r >= half;
    const int64_t at = lane_of[side] + l - within + (c - from[side]) * half + r % half;
    pattern[l] = (uint8_t)((at < lanes ? at : 0) + side * lanes); // of no column: anything
  }
  return pj_kir_shuffle(k, parts[0], parts[1], (int)lanes, pattern);
}

// |column|, from the first of its block on, of the |q|-th registerful of rows.
static PjKirVal turned_column(const Turn *t, int64_t q, int64_t column) {
  const int level = __builtin_ctz((unsigned)t->part), parts = t->lanes / t->part;
  int64_t begin, lane;
  PjKirVal of[2];
  for (int i = 0; i < parts; i++)
    of[i] = turned(t, level, parts * q + i, column % t->part, &begin, &lane);
  if (parts == 1)
    return of[0];
  uint8_t pattern[PJ_KIR_MAX_LANES];
  for (int l = 0; l < t->part; l++) {
    pattern[l] = (uint8_t)(column / t->part * t->part + l);
    pattern[t->part + l] = (uint8_t)(t->lanes + pattern[l]);
  }
  return pj_kir_shuffle(t->nest->ix.k, of[0], of[1], t->lanes, pattern);
}

// |lanes|: of one register, or of several that are computed in turn.
static PjElem load_turned(PjNest *nest, PjDtype dtype, const PjPlace *place, PjIx at) {
  PjKir *k = nest->ix.k;
  const int lanes = nest->ix.lanes;
  const int64_t n = at.step;
  const PjKirElem elem = pj_conv_memory(dtype);
  const int bytes = (int)pj_kir_elem_bytes(elem), wide = k->target->vector_bytes / bytes;
  Turn t = {.nest = nest, .place = place, .type = pj_kir_type(elem, wide), .lanes = wide, .n = n};
  int64_t column;
  if (!pj_ix_is_linear(at) || !at.base || n < FEWEST_COLUMNS || n > PJ_MOST_COLUMNS ||
      nest->columns[n] <= n / 2 || bytes < 4 || lanes < wide || lanes % wide ||
      (k->target->vector_bytes != 32 && n > 2 * wide) || !place->readonly || place->count <= 0 ||
      place->count % n || pj_dtype_is_complex(dtype) || !in_row(nest, at.base, n, &t.row, &column))
    return (PjElem){0};
  // With AVX-512 a shuffle of two registers is one instruction, with AVX2 one within halves.
  if (k->target->vector_bytes < 32 && n < wide)
    return (PjElem){0};
  t.part = k->target->vector_bytes == 32 ? wide / 2 : wide;
  t.first = column / wide * wide;
  uint8_t pattern[PJ_KIR_MAX_LANES];
  for (int l = 0; l < lanes; l++)
    pattern[l] = (uint8_t)l;
  PjKirVal parts[PJ_KIR_MAX_LANES];
  for (int q = 0; q < lanes / wide; q++)
    parts[q] = turned_column(&t, q, column - t.first);
  for (int width = 2 * wide; width <= lanes; width *= 2)
    for (int q = 0; q < lanes / width; q++)
      parts[q] = pj_kir_shuffle(k, parts[2 * q], parts[2 * q + 1], width, pattern);
  return (PjElem){pj_conv_from_memory(k, dtype, parts[0]), 0};
}

static PjElem load_lanes(PjNest *nest, PjDtype dtype, const PjPlace *place, PjIx at,
                         PjKirVal mask) {
  PjKir *k = nest->ix.k;
  int lanes = nest->ix.lanes;
  if (mask)
    mask = pj_kir_splat(k, mask, lanes);
  if (pj_ix_is_linear(at) && at.step == 1) {
    PjKirVal index = pj_ix_base(&nest->ix, at),
             ptr = nest->streams ? moved_outside(nest, dtype, place->ptr, &index) : place->ptr;
    return pj_elem_load(k, dtype, lanes, ptr, index, mask, place->readonly);
  }
  PjElem picked = mask ? (PjElem){0} : load_turned(nest, dtype, place, at);
  if (!picked.re)
    picked = load_picked(nest, dtype, place, at, mask);
  if (picked.re)
    return picked;
  PjKirVal ptr = moved(nest, dtype, place->ptr, at);
  at.base = 0;
  return pj_elem_gather(k, dtype, lanes, ptr, pj_ix_vector(&nest->ix, at), mask, place->readonly);
}

PjElem pj_nest_load(PjNest *nest, PjDtype dtype, const PjPlace *place, PjIx at, PjKirVal mask) {
  PjKir *k = nest->ix.k;
  if (mask && mask == nest->some && pj_ix_is_uniform(at))
    mask = 0; // a lane that is on reads it too
  bool vector_mask = mask && pj_kir_typeof(k, mask).lanes > 1;
  PjElem e;
  k->alias = place->alias;
  if (nest->ix.lanes == 1 || (pj_ix_is_uniform(at) && !vector_mask)) {
    PjKirVal index = at.vec ? pj_ix_vector(&nest->ix, at) : pj_ix_base(&nest->ix, at);
    e = pj_elem_load(k, dtype, 1, place->ptr, index, mask, place->readonly);
  } else {
    e = load_lanes(nest, dtype, place, at, mask);
  }
  k->alias = 0;
  return e;
}

void pj_nest_store(PjNest *nest, PjDtype dtype, PjKirVal ptr, uint8_t alias, PjIx at, PjElem value,
                   PjKirVal mask) {
  PjKir *k = nest->ix.k;
  int lanes = nest->ix.lanes;
  k->alias = alias;
  value = pj_nest_splat(nest, value);
  if (mask)
    mask = pj_kir_splat(k, mask, lanes);
  if (lanes == 1) {
    pj_elem_store(k, dtype, value, ptr, pj_ix_vector(&nest->ix, at), mask);
  } else if (pj_ix_is_linear(at) && at.step == 1) {
    pj_elem_store(k, dtype, value, ptr, pj_ix_base(&nest->ix, at), mask);
  } else {
    ptr = moved(nest, dtype, ptr, at);
    at.base = 0;
    pj_elem_scatter(k, dtype, value, ptr, pj_ix_vector(&nest->ix, at), mask);
  }
  k->alias = 0;
}
