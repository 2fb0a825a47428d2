// Device meshes and tilings: what an sdy.sharding means for each device (Shardy's sharding
// representation).
#pragma once
#include "ir/ir.h"

typedef struct PjMesh {
  uint32_t num_axes;
  const PjStr *names;
  const int64_t *sizes;
  int64_t num_devices;       // product of the sizes, at most PJ_MAX_DEVICES
  const int64_t *device_ids; // by row-major position in the mesh; NULL: the position itself
} PjMesh;

enum { PJ_MAX_DEVICES = 65536 };

// |ref|: a symbol of an sdy.mesh of |module|, or an sdy.mesh / stablehlo.mesh attribute. Errors:
// INVALID_ARGUMENT.
PjStatus pj_mesh_resolve(PjArena *arena, const PjModule *module, const PjAttr *ref,
                         PjMesh **out_mesh);

// How a tensor is cut: dimension i into counts[i] equal parts; the device at mesh position p holds
// part index[p * rank + i] of it.
//
// Along unreduced axes devices hold terms whose sum is the tensor: |terms| of each part, and the
// device at p holds the one of number term[p]. Of the devices with the same term of the same part,
// first[p] is true for one.
typedef struct PjTiling {
  int32_t rank;
  int64_t num_devices;
  int64_t *counts;
  int64_t *index;
  int64_t terms; // 1: the parts themselves
  int64_t *term; // NULL where terms is 1, as |first|
  uint8_t *first;
} PjTiling;

// The tiling that |sharding| (sdy.sharding) gives a tensor of |rank| dimensions. With |only| (count
// axis names) other axes are ignored.
PjStatus pj_sharding_tiling(PjArena *arena, const PjMesh *mesh, const PjAttr *sharding,
                            int32_t rank, uint32_t only_count, const PjStr *only,
                            PjTiling **out_tiling);

// An axis reference ({name, [sub_axis]} of sdy or stablehlo, or a name): its extent, and the step
// in mesh positions from one coordinate to the next, so that the coordinate of a position is
// position / step % size.
PjStatus pj_mesh_axis(const PjMesh *mesh, const PjAttr *axis_ref, int64_t *out_size,
                      int64_t *out_step);
