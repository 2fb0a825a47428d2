// Manual computations (sdy.manual_computation): a body that each device of a mesh runs on its part
// of the operands.
#pragma once
#include "ir/sharding.h"

typedef struct PjManual {
  PjMesh *mesh;      // NULL: no operand or result names one; the body runs once, on whole arrays
  PjTiling **in;     // by operand, NULL for tokens; manual axes only
  PjTiling **out;    // by result
  uint32_t num_axes; // that are manual
} PjManual;

// Reads the shardings of |op|. Errors: INVALID_ARGUMENT, located.
PjStatus pj_manual_read(PjArena *arena, const PjModule *module, const PjOp *op, PjManual *out);

// Whether the body runs once, on whole arrays: there is nothing to cut.
static inline bool pj_manual_is_whole(const PjManual *manual) {
  return !manual->mesh || !manual->num_axes || manual->mesh->num_devices == 1;
}

// The device at a mesh position.
static inline int64_t pj_mesh_device(const PjMesh *mesh, int64_t position) {
  return mesh->device_ids ? mesh->device_ids[position] : position;
}
