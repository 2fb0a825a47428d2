// References to mesh axes and lists of them, in Shardy's representation.
//
// An axis of size n, or the middle factor k of it seen as [m, k, n/(mk)] (a sub-axis, written
// x:(m)k). A reference is the interval [pre, pre * size) of its axis; a whole axis is pre = 1, size
// = n. Lists are ordered major to minor and hold no two adjacent sub-axes that could be one.
#pragma once
#include "ir/sharding.h"

typedef struct PjAxisRef {
  uint16_t axis; // index in the mesh
  int32_t pre, size;
} PjAxisRef;

// References in a list are disjoint and of size 2 or more, and a mesh has at most PJ_MAX_DEVICES
// devices: so no list is longer.
enum { PJ_MAX_REFS = 16 };

typedef struct PjAxes {
  uint32_t count;
  PjAxisRef refs[PJ_MAX_REFS];
} PjAxes;

static inline bool pj_axis_eq(PjAxisRef a, PjAxisRef b) {
  return a.axis == b.axis && a.pre == b.pre && a.size == b.size;
}
bool pj_axis_overlaps(PjAxisRef a, PjAxisRef b);
// |a| begins where |b| does and is no longer.
bool pj_axis_prefix(PjAxisRef a, PjAxisRef b);
// |inner| lies within |outer|.
bool pj_axis_contains(PjAxisRef outer, PjAxisRef inner);

bool pj_axes_eq(const PjAxes *a, const PjAxes *b);
int64_t pj_axes_product(const PjAxes *axes);
// Adds |ref|; one that continues the last reference becomes part of it.
void pj_axes_add(PjAxes *axes, PjAxisRef ref);
void pj_axes_push(PjAxes *axes, PjAxisRef ref); // without joining
// The references of |from| added, the first of them joined to the last one if they are one axis.
void pj_axes_append(PjAxes *axes, const PjAxes *from);
// In the order of the mesh, adjacent parts joined.
void pj_axes_sort(PjAxes *axes);
bool pj_axes_overlap(const PjAxes *axes, PjAxisRef ref);

typedef enum PjPrefix { PJ_PREFIX_NONE, PJ_PREFIX_STRICT, PJ_PREFIX_EQUAL } PjPrefix;
// How |a| begins |b|; the last reference of |a| may be a prefix of |b|'s.
PjPrefix pj_axes_prefix(const PjAxes *a, const PjAxes *b);

// Cuts |ref| to the longest prefix that overlaps none of |axes|; false if nothing is left.
bool pj_axis_avoid(PjAxisRef *ref, const PjAxes *axes);

// The list that agrees with |old| and |add|: equal references stay, where one is a prefix of the
// other and ends its list the longer one stays, else it ends there and *can_grow becomes false.
// Without *can_grow nothing of |add| extends |old|.
void pj_axes_merge(PjAxes *old, const PjAxes *add, bool *can_grow);
