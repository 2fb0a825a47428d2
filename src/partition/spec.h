// What is known of how a value is cut: a sharding that may still grow, as propagation sees it.
#pragma once
#include "partition/axes.h"

// A mesh of the module. Meshes that are equal are one.
typedef struct PjSpecMesh {
  const PjMesh *mesh;
  const PjAttr *ref; // how shardings name it
  bool empty;        // no axes, no devices: means nothing
  bool maximal;      // one named device
  struct PjSpecMesh *next;
} PjSpecMesh;

typedef struct PjSpecDim {
  PjAxes axes;
  bool closed;      // takes no further axes
  int64_t priority; // of propagation, 0 first
} PjSpecDim;

// Immutable. No specification (NULL) is an open one without axes.
typedef struct PjSpec {
  const PjSpecMesh *mesh;
  int32_t rank;
  const PjSpecDim *dims;
  PjAxes replicated; // must not be used
  PjAxes unreduced;  // along these, values are parts of a sum
  int64_t reduction; // of those parts, -1: addition
} PjSpec;

// Reads shardings of one module; lies in |arena|, as do its results.
typedef struct PjSpecReader {
  PjArena *arena;
  const PjModule *module;
  PjSpecMesh *meshes;
} PjSpecReader;

// The specification that |sharding| (sdy.sharding) is for a value of |type|; axes of size 1 are
// dropped. Errors: INVALID_ARGUMENT.
PjStatus pj_spec_read(PjSpecReader *reader, const PjAttr *sharding, const PjType *type,
                      const PjSpec **out);
// And back: closed, without priorities.
const PjAttr *pj_spec_attr(PjArena *arena, const PjSpec *spec);

bool pj_spec_eq(const PjSpec *a, const PjSpec *b); // NULL equals NULL only
bool pj_spec_has_axes(const PjSpec *spec);         // of NULL: false
// Every dimension closed.
bool pj_spec_is_closed(const PjSpec *spec);
// |like| with open dimensions and nothing else.
const PjSpec *pj_spec_opened(PjArena *arena, const PjSpec *like);
// A copy to be changed, with dimensions of its own.
PjSpec *pj_spec_copy(PjArena *arena, const PjSpec *spec, PjSpecDim **out_dims);

// For a manual computation along |manual|: what is left of |spec| within it, and what |inner| is
// outside, where the value has the |outer| specification.
const PjSpec *pj_spec_without(PjArena *arena, const PjSpec *spec, const PjAxes *manual);
const PjSpec *pj_spec_with_free(PjArena *arena, const PjSpec *outer, const PjSpec *inner,
                                const PjAxes *manual);
// |spec| with those of |manual| that it does not use as replicated axes; an empty mesh becomes
// |mesh|.
const PjSpec *pj_spec_complete(PjArena *arena, const PjSpec *spec, const PjSpecMesh *mesh,
                               const PjAxes *manual);

// The longest prefix of |axes| that divides |size| evenly.
void pj_axes_make_even(PjAxes *axes, int64_t size);
// The longest prefix of each dimension that divides a value of |type| evenly; open dimensions end
// before their first sub-axis. NULL stays NULL.
const PjSpec *pj_spec_even(PjArena *arena, const PjSpec *spec, const PjType *type);
