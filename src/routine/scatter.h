// What the files of scatter share: its plan, and where windows begin.
//
// Index vectors are taken in blocks. Of each block first come the places: which of its windows lie
// in the operand, and in the part of it that is asked for, found without branches. Then the windows
// of these places are combined, by a loop that knows type and operation where windows are single
// elements.
#pragma once
#include "routine/body.h"
#include "routine/fold.h"
#include "routine/indexing.h"

enum { PJ_SCATTER_BLOCK = 1024, PJ_SCATTER_WIDTH = 256 };

// Windows of a block, in the order of their vectors.
typedef struct PjScatterPlaces {
  int64_t count;
  uint32_t to[PJ_SCATTER_BLOCK + 16];   // where they begin in the operand, in units
  uint32_t from[PJ_SCATTER_BLOCK + 16]; // their vectors, counted from the block's first
} PjScatterPlaces;

// Starts [low, low + size) of each component; others are outside.
typedef struct PjScatterBounds {
  uint64_t low[PJ_MAX_RANK], size[PJ_MAX_RANK];
} PjScatterBounds;

// How vectors lie that are equidistant and that components alone move.
typedef struct PjScatterVectors {
  int32_t num;
  int64_t step, component_step;
  uint32_t factor[PJ_MAX_RANK]; // units per start
  uint64_t lanes[256];          // by mask of eight lanes: the numbers of those in it, a byte each
} PjScatterVectors;

// The places of |count| <= PJ_SCATTER_BLOCK vectors, the first at |indices|. |values|, of four
// bytes and as many as vectors, or NULL: they are listed as |from|.
typedef void PjLocateFn(const PjScatterVectors *v, const PjScatterBounds *bounds,
                        const void *indices, const uint32_t *values, int64_t count,
                        PjScatterPlaces *out);
PjLocateFn *pj__scatter_locate(PjDtype index, PjScatterVectors *v);

// Loops over single elements of a type with one operation.
typedef struct PjSingles {
  // acc[to * unit] = op(acc[to * unit], update[from * step]) for all places.
  void (*listed)(const PjScatterPlaces *places, int64_t unit, int64_t step, void *acc,
                 const void *update);
  // Without places: one component, starts in [0, size), of which most are.
  void (*direct)(int64_t count, const int32_t *starts, int64_t starts_step, uint64_t size,
                 int64_t unit, int64_t step, void *acc, const void *update);
  // The updates are |from| themselves: types of four bytes.
  void (*packed)(const PjScatterPlaces *places, int64_t unit, void *acc);
  // As |direct|, where few updates change what they are combined with: nothing is written for
  // others. Extrema, else NULL.
  void (*seldom)(int64_t count, const int32_t *starts, int64_t starts_step, uint64_t size,
                 int64_t unit, int64_t step, void *acc, const void *update);
} PjSingles;
// NULL where there are none. |kind| is computed as pj__fold_pairs does.
const PjSingles *pj__scatter_singles(PjFoldKind kind, PjDtype dtype);
const PjSingles *pj__scatter_set_singles(size_t elem);
