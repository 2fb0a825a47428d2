// How a value lies among the devices of one mesh, once that is settled: axes by dimension, each cut
// even, and axes along which devices hold terms of a sum.
#pragma once
#include "partition/spec.h"

typedef struct PjLay {
  int32_t rank;
  PjAxes unreduced;
  PjAxes dims[];
} PjLay;

PjLay *pj_lay_new(PjArena *arena, int32_t rank); // whole
PjLay *pj_lay_copy(PjArena *arena, const PjLay *lay);
bool pj_lay_eq(const PjLay *a, const PjLay *b);
bool pj_lay_is_whole(const PjLay *lay); // the same on all devices
// The part of |type| that a device has; |type| itself where that is all.
const PjType *pj_lay_part(PjArena *arena, const PjLay *lay, const PjType *type);

// --- Devices by position in the mesh (row-major)

// How far apart neighbours along |ref| are.
int64_t pj_axis_step(const PjMesh *mesh, PjAxisRef ref);
// The number of the part that the device at |position| has of what |axes| cut.
int64_t pj_axes_index(const PjMesh *mesh, const PjAxes *axes, int64_t position);
