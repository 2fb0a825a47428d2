// See axes.h.
#include "partition/axes.h"

#include <string.h>

static int64_t end_of(PjAxisRef ref) {
  return (int64_t)ref.pre * ref.size;
}

bool pj_axis_overlaps(PjAxisRef a, PjAxisRef b) {
  return a.axis == b.axis && a.pre < end_of(b) && b.pre < end_of(a);
}

bool pj_axis_contains(PjAxisRef outer, PjAxisRef inner) {
  return outer.axis == inner.axis && outer.pre <= inner.pre && end_of(inner) <= end_of(outer);
}

bool pj_axis_prefix(PjAxisRef a, PjAxisRef b) {
  return pj_axis_contains(b, a) && a.pre == b.pre;
}

bool pj_axes_eq(const PjAxes *a, const PjAxes *b) {
  if (a->count != b->count)
    return false;
  for (uint32_t i = 0; i < a->count; ++i)
    if (!pj_axis_eq(a->refs[i], b->refs[i]))
      return false;
  return true;
}

int64_t pj_axes_product(const PjAxes *axes) {
  int64_t product = 1;
  for (uint32_t i = 0; i < axes->count; ++i)
    product *= axes->refs[i].size;
  return product;
}

void pj_axes_push(PjAxes *axes, PjAxisRef ref) {
  if (axes->count < PJ_MAX_REFS)
    axes->refs[axes->count++] = ref;
}

void pj_axes_add(PjAxes *axes, PjAxisRef ref) {
  PjAxisRef *last = axes->count ? &axes->refs[axes->count - 1] : NULL;
  if (last && last->axis == ref.axis && end_of(*last) == ref.pre)
    last->size *= ref.size;
  else
    pj_axes_push(axes, ref);
}

void pj_axes_append(PjAxes *axes, const PjAxes *from) {
  for (uint32_t i = 0; i < from->count; ++i) {
    if (i == 0)
      pj_axes_add(axes, from->refs[i]);
    else
      pj_axes_push(axes, from->refs[i]);
  }
}

static bool before(PjAxisRef a, PjAxisRef b) {
  return a.axis != b.axis ? a.axis < b.axis : a.pre < b.pre;
}

void pj_axes_sort(PjAxes *axes) {
  PjAxes sorted = {0};
  for (uint32_t n = 0; n < axes->count; ++n) {
    uint32_t at = n;
    PjAxisRef ref = axes->refs[n];
    for (; at && before(ref, axes->refs[at - 1]); --at)
      axes->refs[at] = axes->refs[at - 1];
    axes->refs[at] = ref;
  }
  for (uint32_t i = 0; i < axes->count; ++i)
    pj_axes_add(&sorted, axes->refs[i]);
  *axes = sorted;
}

bool pj_axes_overlap(const PjAxes *axes, PjAxisRef ref) {
  for (uint32_t i = 0; i < axes->count; ++i)
    if (pj_axis_overlaps(axes->refs[i], ref))
      return true;
  return false;
}

PjPrefix pj_axes_prefix(const PjAxes *a, const PjAxes *b) {
  if (!a->count)
    return b->count ? PJ_PREFIX_STRICT : PJ_PREFIX_EQUAL;
  if (a->count > b->count)
    return PJ_PREFIX_NONE;
  uint32_t last = a->count - 1;
  for (uint32_t i = 0; i < last; ++i)
    if (!pj_axis_eq(a->refs[i], b->refs[i]))
      return PJ_PREFIX_NONE;
  if (a->count == b->count && pj_axis_eq(a->refs[last], b->refs[last]))
    return PJ_PREFIX_EQUAL;
  return pj_axis_prefix(a->refs[last], b->refs[last]) ? PJ_PREFIX_STRICT : PJ_PREFIX_NONE;
}

// Whether an axis could be cut at the bounds of both.
static bool can_coexist(PjAxisRef a, PjAxisRef b) {
  if (a.axis != b.axis)
    return true;
  int64_t pre[2] = {a.pre, b.pre}, end[2] = {end_of(a), end_of(b)};
  int low = pre[1] < pre[0], high = end[1] < end[0];
  if (pre[!low] % pre[low] || end[!high] % end[high])
    return false;
  return end[high] >= pre[!low] ? end[high] % pre[!low] == 0 : pre[!low] % end[high] == 0;
}

bool pj_axis_avoid(PjAxisRef *ref, const PjAxes *axes) {
  for (uint32_t i = 0; i < axes->count; ++i) {
    PjAxisRef other = axes->refs[i];
    if (!can_coexist(*ref, other))
      return false;
    if (!pj_axis_overlaps(*ref, other))
      continue;
    if (ref->pre >= other.pre)
      return false;
    ref->size = other.pre / ref->pre;
  }
  return true;
}

void pj_axes_merge(PjAxes *old, const PjAxes *add, bool *can_grow) {
  PjAxes merged = {0};
  uint32_t i = 0;
  for (; i < old->count && i < add->count; ++i) {
    PjAxisRef a = old->refs[i], b = add->refs[i];
    bool ends = false;
    if (pj_axis_eq(a, b)) {
      pj_axes_push(&merged, a);
    } else if (a.axis != b.axis) {
      ends = true;
    } else if (pj_axis_prefix(b, a)) {
      ends = i + 1 < add->count;
      pj_axes_push(&merged, ends ? b : a);
    } else if (pj_axis_prefix(a, b)) {
      ends = !*can_grow || i + 1 < old->count;
      pj_axes_push(&merged, ends ? a : b);
    } else {
      ends = true;
    }
    if (ends) {
      *can_grow = false;
      *old = merged;
      return;
    }
  }
  for (uint32_t k = i; k < old->count; ++k)
    pj_axes_push(&merged, old->refs[k]);
  if (*can_grow)
    for (uint32_t k = i; k < add->count; ++k)
      pj_axes_push(&merged, add->refs[k]);
  *old = merged;
}
