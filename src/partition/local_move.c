// Localising: bringing values from one lay to another (local.h). What both begin with stays. Then,
// as long as something differs, the first of these that is possible, the cheapest first: terms of
// sums are added, each device getting what it wants of the sum; parts of parts are taken; a
// dimension is cut instead of another; parts change places; parts are put together.
#include <string.h>

#include "partition/local.h"

typedef struct Move {
  PjLocal *l;
  PjValue *x;
  PjLay *now, *goal; // of axes that are equal or disjoint
} Move;

// --- Axes that are equal or disjoint -------------------------------------------------------------

enum { MAX_BOUNDS = 32 }; // of the parts of one axis

typedef struct Bounds {
  uint32_t count;
  int64_t at[MAX_BOUNDS]; // ascending
} Bounds;

static void add_bound(Bounds *b, int64_t bound) {
  uint32_t i = b->count;
  for (uint32_t k = 0; k < b->count; ++k)
    if (b->at[k] == bound)
      return;
  if (b->count == MAX_BOUNDS)
    return;
  for (; i && b->at[i - 1] > bound; --i)
    b->at[i] = b->at[i - 1];
  b->at[i] = bound;
  ++b->count;
}

static void add_bounds(Bounds *b, const PjAxes *axes, uint16_t axis) {
  for (uint32_t i = 0; i < axes->count; ++i) {
    PjAxisRef ref = axes->refs[i];
    if (ref.axis != axis)
      continue;
    add_bound(b, ref.pre);
    add_bound(b, (int64_t)ref.pre * ref.size);
  }
}

static void add_lay(Bounds *b, const PjLay *lay, uint16_t axis) {
  add_bounds(b, &lay->unreduced, axis);
  for (int32_t d = 0; d < lay->rank; ++d)
    add_bounds(b, &lay->dims[d], axis);
}

// Cuts the references of |axes| at the bounds that lie in them. False: they are no divisors.
static bool split(PjAxes *axes, const Bounds *b, uint16_t axis) {
  PjAxes cut = {0};
  for (uint32_t i = 0; i < axes->count; ++i) {
    PjAxisRef ref = axes->refs[i];
    int64_t end = (int64_t)ref.pre * ref.size;
    for (uint32_t k = 0; ref.axis == axis && k < b->count; ++k) {
      int64_t bound = b->at[k];
      if (bound <= ref.pre || bound >= end)
        continue;
      if (bound % ref.pre || end % bound)
        return false;
      pj_axes_push(&cut, (PjAxisRef){axis, ref.pre, (int32_t)(bound / ref.pre)});
      ref = (PjAxisRef){axis, (int32_t)bound, (int32_t)(end / bound)};
    }
    pj_axes_push(&cut, ref);
  }
  *axes = cut;
  return true;
}

static bool split_lay(PjLay *lay, const Bounds *b, uint16_t axis) {
  bool good = split(&lay->unreduced, b, axis);
  for (int32_t d = 0; d < lay->rank && good; ++d)
    good = split(&lay->dims[d], b, axis);
  return good;
}

static bool make_disjoint(Move *m) {
  for (uint32_t a = 0; a < m->l->mesh->mesh->num_axes; ++a) {
    Bounds bounds = {0};
    add_lay(&bounds, m->now, (uint16_t)a);
    add_lay(&bounds, m->goal, (uint16_t)a);
    if (!split_lay(m->now, &bounds, (uint16_t)a) || !split_lay(m->goal, &bounds, (uint16_t)a))
      return false;
  }
  return true;
}

static bool has(const PjAxes *axes, PjAxisRef ref) {
  for (uint32_t i = 0; i < axes->count; ++i)
    if (pj_axis_eq(axes->refs[i], ref))
      return true;
  return false;
}

static void drop(PjAxes *axes, PjAxisRef ref) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < axes->count; ++i)
    if (!pj_axis_eq(axes->refs[i], ref))
      axes->refs[kept++] = axes->refs[i];
  axes->count = kept;
}

// How many references both begin with.
static uint32_t common(const PjAxes *a, const PjAxes *b) {
  uint32_t i = 0;
  while (i < a->count && i < b->count && pj_axis_eq(a->refs[i], b->refs[i]))
    ++i;
  return i;
}

static bool begins(const PjAxes *a, const PjAxes *b) {
  return common(a, b) == a->count;
}

static bool is_used(const PjLay *lay, PjAxisRef ref) {
  bool used = has(&lay->unreduced, ref);
  for (int32_t d = 0; d < lay->rank; ++d)
    used |= has(&lay->dims[d], ref);
  return used;
}

// --- Sums ----------------------------------------------------------------------------------------

static void add_terms(Move *m) {
  PjAxes summed = {0};
  for (uint32_t i = 0; i < m->now->unreduced.count; ++i)
    if (!has(&m->goal->unreduced, m->now->unreduced.refs[i]))
      pj_axes_push(&summed, m->now->unreduced.refs[i]);
  for (int32_t d = 0; d < m->now->rank && summed.count; ++d) {
    PjAxes *now = &m->now->dims[d], along = {0};
    const PjAxes *goal = &m->goal->dims[d];
    if (!begins(now, goal))
      continue;
    for (uint32_t i = now->count; i < goal->count && has(&summed, goal->refs[i]); ++i)
      pj_axes_push(&along, goal->refs[i]);
    if (!along.count)
      continue;
    m->x = pj_local_reduce_scatter(m->l, m->x, &along, d);
    for (uint32_t i = 0; i < along.count; ++i) {
      pj_axes_push(now, along.refs[i]);
      drop(&summed, along.refs[i]);
      drop(&m->now->unreduced, along.refs[i]);
    }
  }
  if (!summed.count)
    return;
  pj_axes_sort(&summed);
  m->x = pj_local_all_reduce(m->l, m->x, &summed, PJ_OP_ADD);
  PjAxes kept = {0};
  for (uint32_t i = 0; i < m->now->unreduced.count; ++i)
    if (has(&m->goal->unreduced, m->now->unreduced.refs[i]))
      pj_axes_push(&kept, m->now->unreduced.refs[i]);
  m->now->unreduced = kept;
}

static void gather_behind(Move *m, int32_t dim, uint32_t keep);

// The part that a device has becomes its term: zero elsewhere.
static void make_term_of_part(Move *m, int32_t dim, PjAxisRef ref) {
  PjLocal *l = m->l;
  PjAxes one = {.count = 1, .refs = {ref}}, *axes = &m->now->dims[dim];
  uint32_t at = 0;
  while (!pj_axis_eq(axes->refs[at], ref))
    ++at;
  gather_behind(m, dim, at + 1);
  const PjType *type = m->x->type;
  int64_t dims[PJ_MAX_RANK];
  memcpy(dims, type->dims, (size_t)type->rank * sizeof *dims);
  dims[dim] *= ref.size;
  PjValue **operands = PJ_NEW_ARRAY(l->scratch, PjValue *, (size_t)type->rank + 2);
  operands[0] = pj_local_zero(l, pj_type_with_dims(l->arena, type, type->rank, dims), false);
  operands[1] = m->x;
  for (int32_t d = 0; d < type->rank; ++d)
    operands[2 + d] = d == dim ? pj_local_offset(l, &one, type->dims[d]) : pj_local_int(l, 0);
  m->x = pj_local_end(l, pj_local_begin(l, PJ_OP_DYNAMIC_UPDATE_SLICE, 2 + (uint32_t)type->rank,
                                        operands, operands[0]->type));
  --axes->count;
}

static void make_terms(Move *m) {
  PjAxes fresh = {0};
  for (uint32_t i = 0; i < m->goal->unreduced.count; ++i) {
    PjAxisRef ref = m->goal->unreduced.refs[i];
    if (has(&m->now->unreduced, ref))
      continue;
    int32_t dim = 0;
    while (dim < m->now->rank && !has(&m->now->dims[dim], ref))
      ++dim;
    if (dim < m->now->rank)
      make_term_of_part(m, dim, ref);
    else
      pj_axes_push(&fresh, ref);
  }
  if (fresh.count)
    m->x = pj_local_select(m->l, pj_local_is_first(m->l, &fresh), m->x,
                           pj_local_zero(m->l, m->x->type, false));
  m->now->unreduced = m->goal->unreduced;
}

// --- Parts ---------------------------------------------------------------------------------------

static bool take_parts(Move *m) {
  PjLocal *l = m->l;
  const PjType *type = m->x->type;
  int64_t sizes[PJ_MAX_RANK];
  PjValue **operands = PJ_NEW_ARRAY(l->scratch, PjValue *, (size_t)type->rank + 1), *zero = NULL;
  bool any = false;
  for (int32_t d = 0; d < type->rank; ++d) {
    PjAxes *now = &m->now->dims[d], along = {0};
    const PjAxes *goal = &m->goal->dims[d];
    sizes[d] = type->dims[d];
    for (uint32_t i = now->count;
         begins(now, goal) && i < goal->count && !is_used(m->now, goal->refs[i]); ++i) {
      pj_axes_push(&along, goal->refs[i]);
      pj_axes_push(now, goal->refs[i]);
    }
    if (!along.count)
      continue;
    any = true;
    sizes[d] /= pj_axes_product(&along);
    operands[1 + d] = pj_local_offset(l, &along, sizes[d]);
  }
  if (!any)
    return false;
  operands[0] = m->x;
  for (int32_t d = 0; d < type->rank; ++d)
    if (!operands[1 + d])
      operands[1 + d] = zero ? zero : (zero = pj_local_int(l, 0));
  PjOp *op = pj_local_begin(l, PJ_OP_DYNAMIC_SLICE, 1 + (uint32_t)type->rank, operands,
                            pj_type_with_dims(l->arena, type, type->rank, sizes));
  pj_op_set_attr(op, PJ_KEY_slice_sizes, pj_attr_ints(l->arena, (size_t)type->rank, sizes));
  m->x = pj_local_end(l, op);
  return true;
}

// The last references of dimension |from| that dimension |to| wants next.
static uint32_t exchanged(const Move *m, int32_t from, int32_t to) {
  const PjAxes *leaving = &m->now->dims[from], *now = &m->now->dims[to], *goal = &m->goal->dims[to];
  uint32_t kept = common(leaving, &m->goal->dims[from]);
  if (from == to || !begins(now, goal))
    return 0;
  for (uint32_t count = leaving->count - kept; count; --count) {
    bool match = now->count + count <= goal->count;
    for (uint32_t i = 0; match && i < count; ++i)
      match = pj_axis_eq(leaving->refs[leaving->count - count + i], goal->refs[now->count + i]);
    if (match)
      return count;
  }
  return 0;
}

static bool exchange(Move *m) {
  for (int32_t from = 0; from < m->now->rank; ++from)
    for (int32_t to = 0; to < m->now->rank; ++to) {
      uint32_t count = exchanged(m, from, to);
      if (!count)
        continue;
      PjAxes along = {.count = count}, *leaving = &m->now->dims[from];
      memcpy(along.refs, leaving->refs + leaving->count - count, count * sizeof *along.refs);
      m->x = pj_local_all_to_all(m->l, m->x, &along, to, from);
      leaving->count -= count;
      for (uint32_t i = 0; i < count; ++i)
        pj_axes_push(&m->now->dims[to], along.refs[i]);
      return true;
    }
  return false;
}

static bool differ(const Move *m) {
  for (int32_t d = 0; d < m->now->rank; ++d)
    if (!pj_axes_eq(&m->now->dims[d], &m->goal->dims[d]))
      return true;
  return false;
}

static int64_t part_number(const Move *m, const PjLay *lay, int64_t position) {
  int64_t part = 0;
  for (int32_t d = 0; d < lay->rank; ++d)
    part = part * pj_axes_product(&lay->dims[d]) +
           pj_axes_index(m->l->mesh->mesh, &lay->dims[d], position);
  return part;
}

// Parts that have the right size change places. Terms of sums must not get to other devices.
static bool permute(Move *m) {
  const PjMesh *mesh = m->l->mesh->mesh;
  int64_t count = mesh->num_devices, parts = 1;
  for (int32_t d = 0; d < m->now->rank; ++d) {
    int64_t size = pj_axes_product(&m->now->dims[d]);
    if (size != pj_axes_product(&m->goal->dims[d]))
      return false;
    parts *= size;
  }
  if (m->now->unreduced.count)
    return false;
  // Of the devices that have a part, the k-th sends it to the k-th of those that want it.
  int64_t *pairs = PJ_NEW_ARRAY(m->l->scratch, int64_t, 2 * (size_t)count);
  int64_t *senders = PJ_NEW_ARRAY(m->l->scratch, int64_t, (size_t)count);
  int64_t *found = PJ_NEW_ARRAY(m->l->scratch, int64_t, 2 * (size_t)parts), copies = count / parts;
  for (int64_t p = 0; p < count; ++p) {
    int64_t part = part_number(m, m->now, p);
    senders[part * copies + found[part]++] = p;
  }
  for (int64_t p = 0; p < count; ++p) {
    int64_t part = part_number(m, m->goal, p);
    int64_t from = senders[part * copies + found[parts + part]++];
    pairs[2 * p] = mesh->device_ids ? mesh->device_ids[from] : from;
    pairs[2 * p + 1] = mesh->device_ids ? mesh->device_ids[p] : p;
  }
  PjOp *op = pj_local_begin(m->l, PJ_OP_COLLECTIVE_PERMUTE, 1, &m->x, m->x->type);
  pj_op_set_attr(op, PJ_KEY_channel_id, pj_attr_i64(m->l->arena, 1));
  pj_op_set_attr(op, PJ_KEY_source_target_pairs,
                 pj_attr_matrix(m->l->arena, (size_t)count, 2, pairs));
  m->x = pj_local_end(m->l, op);
  for (int32_t d = 0; d < m->now->rank; ++d)
    m->now->dims[d] = m->goal->dims[d];
  return true;
}

// Puts a dimension together but for its first |keep| references.
static void gather_behind(Move *m, int32_t dim, uint32_t keep) {
  PjAxes *now = &m->now->dims[dim], along = {.count = now->count - keep};
  if (!along.count)
    return;
  memcpy(along.refs, now->refs + keep, along.count * sizeof *along.refs);
  m->x = pj_local_all_gather(m->l, m->x, &along, dim);
  now->count = keep;
}

static void gather(Move *m) {
  for (int32_t d = 0; d < m->now->rank; ++d)
    gather_behind(m, d, common(&m->now->dims[d], &m->goal->dims[d]));
}

PjValue *pj_local_move(PjLocal *l, PjValue *x, const PjType *whole, const PjLay *from,
                       const PjLay *to) {
  if (!pj_type_is_tensor(whole) || pj_lay_eq(from, to))
    return x;
  Move m = {l, x, pj_lay_copy(l->scratch, from), pj_lay_copy(l->scratch, to)};
  if (!make_disjoint(&m)) { // through the whole array
    const PjLay *between = pj_lay_new(l->scratch, whole->rank);
    x = pj_local_move(l, x, whole, from, between);
    return pj_local_move(l, x, whole, between, to);
  }
  add_terms(&m);
  make_terms(&m);
  while (differ(&m))
    if (!take_parts(&m) && !exchange(&m) && !permute(&m))
      gather(&m);
  return m.x;
}
