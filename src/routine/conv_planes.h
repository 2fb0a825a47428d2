// A convolution from padded planes: its plan (conv_planes_plan.c) and its run (conv_planes.c).
#pragma once
#include "routine/copy.h"
#include "routine/planes.h"

enum { PJ_TILE_ROWS = 8, PJ_TILE_VECTORS = 3, PJ_TILE_LANES = 16 }; // at most
enum {
  PJ_TILE_LOW = 4,
  PJ_TILE_HEIGHTS = PJ_TILE_LOW + 1
};                              // one to PJ_TILE_LOW rows, and the most
enum { PJ_TASK_FEATURES = 64 }; // output features that are worth copying planes again

// A tile of output features by vectors of positions, and rows put one behind the other: see
// conv_planes_variant.h.
typedef void PjPlaneTileFn(int64_t k, const void *a, int64_t a_row, const int32_t *offsets,
                           const void *const *x, const void *from, int64_t from_row,
                           void *const *to, int64_t to_row);
typedef void PjPlaneRowsFn(int64_t rows, int64_t n, const int32_t *offsets, const void *from,
                           void *to);
typedef struct PjPlaneKernels {
  int lanes, rows; // of the highest tile
  PjPlaneTileFn *tile[PJ_TILE_HEIGHTS][PJ_TILE_VECTORS];
  PjPlaneRowsFn *put_rows;
} PjPlaneKernels;

// The kernels for f32, or, if |wide|, f64.
const PjPlaneKernels *pj__plane_kernels(bool wide);

// What vectors are of: rows of positions, rows with the padding between them, positions without.
typedef enum PjVectors { PJ_VECTORS_ROWS, PJ_VECTORS_RUNS, PJ_VECTORS_PATCHES } PjVectors;

typedef struct PjConvPlanes {
  PjRoutine routine;
  const PjConvShape *shape;
  const PjPlaneKernels *kernels;
  size_t elem; // bytes of comp
  PjPlanes planes;
  int64_t out_step[PJ_PLANE_DIMS];   // of positions, in the output
  int32_t place_of[PJ_CONV_SPATIAL]; // a spatial dimension among those of the planes
  int64_t places, features;          // of the window; input features in one block
  int64_t images;                    // of a task: more than one only if all their positions are
  int32_t cut;                       // dimension that tasks cut; those before it go one by one
  int64_t positions;                 // of a task at most
  PjVectors mode;
  bool native_out;
  const int32_t *offsets; // of the elements of a block's sum
  const int32_t *taps;    // patches: of the window's places in a set of planes
  // Weights: as they lie or copied to rows [group, output feature, feature, place].
  int64_t rhs_start, rhs_group, rhs_row;
  int64_t rhs_count;  // elements to convert, or 0
  const PjCopy *pack; // or NULL
  int64_t pack_start; // its first element
  size_t converted_bytes, packed_bytes;
  int64_t vectors, pieces;                                       // of a task at most
  size_t plane_bytes, patch_bytes, sum_bytes, table_bytes, line; // of a thread
  int64_t sum_features; // output features of a task at most
} PjConvPlanes;

// Neighbouring lanes of a vector whose places in the output are neighbours.
typedef struct PjPiece {
  int32_t lane, count;
  int64_t out;
  int64_t room; // places from |out| on that the task writes: in this piece, then in those behind it
} PjPiece;
typedef struct PjVector {
  int64_t at;                // its first position in the planes, or patches
  int32_t piece, num_pieces; // its first
} PjVector;

// The |run| of such a routine.
PjStatus pj__conv_planes_run(const PjRoutine *self, PjThreads *threads, const void *const *in,
                             void *const *out, void *scratch);
