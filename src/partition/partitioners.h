// Partitioners of custom calls, by the name of the target: functions of the host, of the process.
#pragma once
#include "base/arena.h"
#include "base/str.h"

struct JAX_CustomCallPartitioner_Callbacks;

// Custom calls of |name| are partitioned by |callbacks| (pjrt/ext/custom_partitioner.h), which are
// taken unless there is an error; those that had the name before are destroyed once no compilation
// calls them. Errors: INVALID_ARGUMENT, RESOURCE_EXHAUSTED. Threads: any, as below.
PjStatus pj_partitioner_register(PjStr name, struct JAX_CustomCallPartitioner_Callbacks *callbacks);
// Custom calls of |name| compute the elements of a batch independently.
PjStatus pj_partitioner_register_batches(PjStr name);

bool pj_partitioner_any(void); // whether there is one for any name
bool pj_partitioner_knows(PjStr name);
bool pj_partitioner_has_batches(PjStr name);

// A question to a partitioner. Shapes are ShapeProtos and shardings OpShardings, of whole arrays;
// of several results (or none) together a tuple's.
typedef struct PjPartitionerCall {
  PjStr name, backend_config;
  uint32_t num_args;
  const PjStr *arg_shapes, *arg_shardings;
  PjStr result_shape;
  PjStr result_sharding; // in and, in the arena, out
  PjStr module;          // out, as the next: in the arena
  PjStr *out_args;
} PjPartitionerCall;

// The program in place of a call: |module| as MLIR, |out_args| and |result_sharding| how it wants
// what it reads and gives its results. Results in |arena|. Errors: those of the function, its name
// before; NOT_FOUND without a partitioner; INVALID_ARGUMENT for an answer that is none.
PjStatus pj_partitioner_partition(PjArena *arena, PjPartitionerCall *call);
// How the results are cut, seen from the operands (*out_known: whether the function says so) or
// from how users want them: |result_sharding|.
PjStatus pj_partitioner_infer(PjArena *arena, PjPartitionerCall *call, bool *out_known);
PjStatus pj_partitioner_propagate(PjArena *arena, PjPartitionerCall *call);
