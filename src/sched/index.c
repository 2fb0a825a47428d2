#include "sched/index.h"

#include <string.h>

#include "kernel/kir_range.h"

enum { NEAR = 4096 };

PjKirVal pj_ix_number(PjIxBuilder *b, int64_t value) {
  const int64_t small = b->small > 8 ? b->small : 8;
  if (b->literal || (value >= -small && value <= small))
    return pj_kir_i64(b->k, value);
  uint64_t *known = pj_map_find(&b->numbers, (uint64_t)value);
  if (known)
    return (PjKirVal)*known;
  PjKirVal param = pj_ix_scalar(b, PJ_KIR_T(I64, 1), (uint64_t)value);
  pj_map_set(b->k->arena, &b->numbers, (uint64_t)value, param);
  return param;
}

PjKirVal pj_ix_scalar(PjIxBuilder *b, PjKirType type, uint64_t bits) {
  if (b->literal)
    return pj_kir_const(b->k, type, bits);
  PJ_PUSH(b->k->arena, &b->params, bits);
  PjKirVal param = pj_kir_param(b->k, type, (uint32_t)b->params.len - 1);
  pj_kir_assume_bits(b->k, param, bits);
  return param;
}

PjKirVal pj_ix_base(PjIxBuilder *b, PjIx a) {
  return a.base ? a.base : pj_kir_i64(b->k, 0);
}

static PjKirVal add_maybe(PjIxBuilder *b, PjKirVal x, PjKirVal y) {
  return !x ? y : !y ? x : pj_kir_add(b->k, x, y);
}

// Adds |numbers| to the lanes of |ix|, which has a base and a vector at most: a step if they grow
// evenly.
static PjIx add_lanes(PjIxBuilder *b, PjIx ix, const int64_t *numbers) {
  int64_t step = b->lanes > 1 ? numbers[1] - numbers[0] : 0;
  int l = 0;
  while (l < b->lanes && numbers[l] - numbers[0] == step * l)
    l++;
  if (l == b->lanes) {
    ix.step = step;
    return pj_ix_add_near(b, ix, numbers[0]);
  }
  size_t bytes = (size_t)b->lanes * sizeof *numbers;
  for (size_t i = 0; i < b->lists.len; i++)
    if (!memcmp(b->lists.data[i], numbers, bytes)) {
      ix.each = b->lists.data[i];
      return ix;
    }
  int64_t *copy = PJ_NEW_ARRAY(b->k->arena, int64_t, PJ_KIR_MAX_LANES);
  memcpy(copy, numbers, bytes);
  PJ_PUSH(b->k->arena, &b->lists, copy);
  ix.each = copy;
  return ix;
}

PjIx pj_ix_lanes(PjIxBuilder *b, PjKirVal base, const int64_t *numbers) {
  return add_lanes(b, pj_ix_uniform(base), numbers);
}

PjIx pj_ix_add(PjIxBuilder *b, PjIx a, PjIx c) {
  PjIx sum = {.base = add_maybe(b, a.base, c.base), .vec = add_maybe(b, a.vec, c.vec)};
  if (!a.each && !c.each) {
    sum.step = a.step + c.step;
    return sum;
  }
  int64_t numbers[PJ_KIR_MAX_LANES];
  for (int l = 0; l < b->lanes; l++)
    numbers[l] = pj_ix_lane(a, l) + pj_ix_lane(c, l);
  return add_lanes(b, sum, numbers);
}

PjIx pj_ix_add_near(PjIxBuilder *b, PjIx a, int64_t c) {
  if (c < -NEAR || c > NEAR)
    return pj_ix_add_number(b, a, c);
  if (c)
    a.base = add_maybe(b, a.base, pj_kir_i64(b->k, c));
  return a;
}

PjIx pj_ix_add_number(PjIxBuilder *b, PjIx a, int64_t c) {
  if (c)
    a.base = add_maybe(b, a.base, pj_ix_number(b, c));
  return a;
}

PjIx pj_ix_scale(PjIxBuilder *b, PjIx a, int64_t c) {
  if (c == 1)
    return a;
  if (c == 0)
    return (PjIx){0};
  if (a.each) {
    int64_t numbers[PJ_KIR_MAX_LANES];
    for (int l = 0; l < b->lanes; l++)
      numbers[l] = a.each[l] * c;
    a.each = NULL;
    return add_lanes(b, pj_ix_scale(b, a, c), numbers);
  }
  PjKirVal factor = a.base || a.vec ? pj_ix_number(b, c) : 0;
  if (c == -1 && !a.vec) {
    a.base = a.base ? pj_kir_sub(b->k, pj_kir_i64(b->k, 0), a.base) : 0;
    a.step = -a.step;
    return a;
  }
  if (a.base)
    a.base = pj_kir_mul(b->k, a.base, factor);
  if (a.vec)
    a.vec = pj_kir_mul(b->k, a.vec, factor);
  a.step *= c;
  return a;
}

// A vector of these numbers: its digits to the base of |lanes| are lanes of 0, 1, 2 ...
static PjKirVal number_lanes(PjIxBuilder *b, const int64_t *each) {
  PjKirType type = PJ_KIR_T(I64, b->lanes);
  PjKirVal iota = pj_kir_iota(b->k, type);
  int64_t least = 0, most = 0;
  for (int l = 0; l < b->lanes; l++) {
    least = each[l] < least ? each[l] : least;
    most = each[l] > most ? each[l] : most;
  }
  PjKirVal sum = pj_kir_const(b->k, type, (uint64_t)least);
  uint64_t range = (uint64_t)most - (uint64_t)least, lanes = (uint64_t)b->lanes;
  for (uint64_t place = 1; range; range /= lanes, place *= lanes) {
    uint8_t digits[PJ_KIR_MAX_LANES];
    for (int l = 0; l < b->lanes; l++)
      digits[l] = (uint8_t)(((uint64_t)each[l] - (uint64_t)least) / place % lanes);
    PjKirVal digit = pj_kir_shuffle(b->k, iota, iota, b->lanes, digits);
    sum = pj_kir_add(b->k, sum, pj_kir_mul(b->k, digit, pj_kir_const(b->k, type, place)));
  }
  return sum;
}

PjKirVal pj_ix_vector(PjIxBuilder *b, PjIx a) {
  PjKirVal v = a.vec;
  if (b->lanes > 1 && a.each)
    v = add_maybe(b, v, number_lanes(b, a.each));
  if (b->lanes > 1 && a.step) {
    PjKirVal lanes = pj_kir_iota(b->k, PJ_KIR_T(I64, b->lanes));
    if (a.step != 1)
      lanes = pj_kir_mul(b->k, lanes, pj_ix_number(b, a.step));
    v = add_maybe(b, v, lanes);
  }
  if (!v)
    return pj_kir_splat(b->k, pj_ix_base(b, a), b->lanes);
  return a.base ? pj_kir_add(b->k, v, pj_kir_splat(b->k, a.base, b->lanes)) : v;
}

PjKirElem pj_ix_narrow(const PjKirTarget *target, int lanes) {
  const int bytes = target->vector_bytes / lanes;
  return bytes >= 4 ? PJ_KIR_I32 : bytes == 2 ? PJ_KIR_I16 : PJ_KIR_I8;
}

PjIx pj_ix_from(PjIxBuilder *b, PjKirVal v) {
  return pj_kir_typeof(b->k, v).lanes == 1 ? (PjIx){.base = v} : (PjIx){.vec = v};
}

PjIx pj_ix_offset(PjIxBuilder *b, const PjIndex *index) {
  // What is the same in all lanes first: it belongs to loops around them.
  PjIx sum = {0};
  for (int moving = 0; moving < 2; moving++)
    for (int i = 0; i < index->n; i++)
      if (pj_ix_is_uniform(index->p[i].ix) != moving)
        sum = pj_ix_add(b, sum, pj_ix_scale(b, index->p[i].ix, index->p[i].pos));
  return sum;
}

bool pj_cuts_add(PjCuts *cuts, int64_t cut, int64_t count) {
  if (cut <= 1 || cut >= count)
    return true;
  int i = 0;
  while (i < cuts->n && cuts->at[i] < cut)
    i++;
  if (i < cuts->n && cuts->at[i] == cut)
    return true;
  if (cuts->n == PJ_MAX_CUTS || count % cut || (i > 0 && cut % cuts->at[i - 1]) ||
      (i < cuts->n && cuts->at[i] % cut))
    return false;
  for (int j = cuts->n++; j > i; j--)
    cuts->at[j] = cuts->at[j - 1];
  cuts->at[i] = cut;
  return true;
}

bool pj_cuts_merge(PjCuts *cuts, const PjCuts *other, int64_t count) {
  PjCuts merged = *cuts;
  for (int i = 0; i < other->n; i++)
    if (!pj_cuts_add(&merged, other->at[i], count))
      return false;
  *cuts = merged;
  return true;
}
