// What a kernel reads and writes, while it is built (kernels.c), and how wide its vectors are
// (vectors.c).
#pragma once
#include "sched/lower.h"

typedef struct PjBinding {
  PjLower *l;
  PjNest *nest;
  const PjUnit *unit;
  const PjRegion *region;
  PjArenaMark mark; // of the kernels' arena before this one
  PjMap visited;    // values
  double inlined;   // cost per element of what is computed in registers, each operation once
  size_t widest;    // bytes of a lane of what is computed in registers, 4 at most
  bool chooses;     // some operation asks where its elements come from
  bool joins;       // some pads or concatenates
  bool gathers;
  bool computes;     // some operation does more than move
  int64_t joined;    // elements from where a dimension that is padded or joined begins to its end
  bool lane_by_lane; // where lanes are off, some operation reads each of the others by itself
  bool in_place;     // some result lies where an input does
  bool within;       // a part of a native loop
  bool tried;        // whether its results go past the caches shows when it runs
  PJ_VEC(uint32_t) in, out;
  PJ_VEC(const PjValue *) leaves; // of |in|
  PJ_VEC(const PjOp *) ops;       // that it computes
} PjBinding;

// |bytes|, or more if a lane that holds an element of |type| takes more. Narrow floats are computed
// in 32 bits; what has one element is no reason for short vectors.
size_t pj_wider_lane(size_t bytes, const PjType *type);
int pj_lanes_of_width(const PjLower *l, size_t widest); // of so many bytes
// The lanes of a group: as many as a vector holds of the widest element. Reductions are computed in
// 32 bits at least, but for those of bits.
int pj_lanes_of(const PjLower *l, const PjUnit *unit, const PjBinding *b);
// True if the lanes changed. Vectors of elements narrower than four bytes: shorter ones where these
// would leave much to do one by one, or run across or down short rows where bytes are moved within
// 16.
bool pj_lanes_shorten(const PjLower *l, PjGroup *g);
// True if the lanes changed. Shorter vectors, of 16 bytes at least, where rows are short and whole
// ones would leave much of them to be done one by one, or of their lanes off.
bool pj_lanes_fit(const PjLower *l, PjGroup *g);
// How many vectors are computed in turn, so that none waits for its operations: 1, 2 or 4.
int pj_vectors_at_once(const PjLower *l, const PjUnit *unit, const PjBinding *b, const PjGroup *g);
