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

// Lanes at places known from each other: whole vectors, and what is wanted picked from them. An
// element without lanes (re 0) if that is not worth it.
static PjElem load_picked(PjNest *nest, PjDtype dtype, const PjPlace *place, PjIx at) {
  PjKir *k = nest->ix.k;
  int lanes = nest->ix.lanes;
  Window windows[MOST_LOADS];
  int n = at.vec || pj_dtype_is_complex(dtype) ? 0 : windows_of(at, lanes, windows);
  if (!n)
    return (PjElem){0};
  int width = windows[0].lanes;
  PjKirType type = pj_kir_type(pj_conv_memory(dtype), width);
  PjKirVal parts[MOST_LOADS];
  for (int w = 0; w < n; w++) {
    PjIx from = pj_ix_add_near(&nest->ix, pj_ix_uniform(at.base), windows[w].from);
    parts[w] = pj_kir_load(k, type, place->ptr, pj_ix_base(&nest->ix, from), 0, place->readonly);
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
  PjElem picked = mask ? (PjElem){0} : load_picked(nest, dtype, place, at);
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
