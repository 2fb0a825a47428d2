// Padded planes: a convolution's input where neighbouring positions are neighbouring numbers.
//
// Along a dimension, tap |t| at position |o| reads element o * step + t * dilation - low of the
// input, which is element o + shift of a phase: the elements whose number has one remainder by
// |step|. So a plane has the phases one after another, with zeros where taps reach past the input,
// and what a tap reads of a row of positions is a row of the plane, at an offset that is the tap's
// alone. Forward, positions are those of the output and taps those of the window; for the gradient
// by the window it is the other way round.
#pragma once
#include "routine/conv.h"

enum { PJ_PLANE_DIMS = 3, PJ_PLANE_PHASES = 8 }; // of a dimension at most

typedef struct PjPlaneDim {
  int64_t count, step; // of positions
  int64_t taps, dilation, low;
  int64_t in, input; // elements of the input, and their stride there
  // Set by pj__planes_init.
  int64_t first, reach; // the smallest shift, and how much larger the largest is
  int32_t phases;
  int64_t residues[PJ_PLANE_PHASES]; // of those that a tap reads
} PjPlaneDim;

typedef struct PjPlanes {
  PjPlaneDim dims[PJ_PLANE_DIMS]; // the last one's |input| is 1
  PjComp comp;
  PjDtype dtype; // of the input
  // Set by pj__planes_block: positions of one set of planes, the length of a plane along each
  // dimension, and elements of comp of a phase and of a set.
  int64_t block[PJ_PLANE_DIMS], length[PJ_PLANE_DIMS];
  int64_t pitch; // from row to row: less than a row where the zeros at its end are also those at
                 // the next one's beginning
  int64_t phase, set;
} PjPlanes;

// Completes |planes|, whose dims are set up to |input|. False for what has too many phases, or
// positions that do not fit.
bool pj__planes_init(PjPlanes *planes);
// The pitch of planes whose rows are whole.
int64_t pj__planes_pitch(const PjPlanes *planes);
// Lays planes out for |block| positions; elements of a set, or -1 if there are too many.
int64_t pj__planes_block(PjPlanes *planes, const int64_t *block);
// Where, in a set, the first position of a block finds tap |tap|.
int64_t pj__planes_tap(const PjPlanes *planes, const int64_t *tap);

// The part of the input that the planes of the block at |start| hold.
typedef struct PjPlaneSpan {
  int64_t start[PJ_PLANE_DIMS];
  int64_t low[PJ_PLANE_PHASES], high[PJ_PLANE_PHASES]; // elements of a row of each phase
  int64_t from, to;                                    // of a row of the input
} PjPlaneSpan;
void pj__planes_span(const PjPlanes *planes, const int64_t *start, PjPlaneSpan *span);
// Fills one set from the input at |from| (one image, one feature). |line| takes a row of it where
// it is to be converted: pj__planes_line bytes.
void pj__planes_fill(const PjPlanes *planes, const PjPlaneSpan *span, const void *from, void *to,
                     void *line);
size_t pj__planes_line(const PjPlanes *planes);
