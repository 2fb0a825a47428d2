// OpSharding, XLA's message of how an array lies on devices, and lays on the axes of a mesh.
#pragma once
#include "base/str.h"
#include "partition/lay.h"

// Devices in the order in which the message lists them: tile by tile, within each copy by copy.
typedef struct PjOpSharding {
  uint32_t num_dims; // 0: whole on every device
  int64_t dims[PJ_MAX_RANK + 1];
  bool copies; // they are the last of the dimensions
  int64_t num_devices;
  const int64_t *devices;
} PjOpSharding;

// What |lay| is on |mesh|, but for terms of sums; lists lie in |arena|.
void pj_op_sharding_of(PjArena *arena, const PjMesh *mesh, const PjLay *lay, PjOpSharding *out);
// Appends the message.
void pj_op_sharding_write(const PjOpSharding *sharding, PjStrBuf *out);

// The lay that the message |bytes| says, of an array of |rank|, on |mesh|. Errors: INVALID_ARGUMENT
// for bytes that are no such message; UNIMPLEMENTED where parts are not along axes of the mesh.
PjStatus pj_op_sharding_read(PjArena *arena, const PjMesh *mesh, PjStr bytes, int32_t rank,
                             PjLay **out);
// The messages of |count| arrays that make up a tuple. Errors: INVALID_ARGUMENT.
PjStatus pj_op_sharding_leaves(PjStr bytes, uint32_t count, PjStr *out);
