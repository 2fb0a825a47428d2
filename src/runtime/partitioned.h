// Running a program for several devices once over whole arrays: who runs it assembles the
// parameters from their parts, runs the program, and cuts the results. Where all devices are called
// at once that is one thread; where each device is called by itself, the last of them to come.
//
// Right whatever the shardings are; a partitioner of single operations would take its place.
#pragma once
#include "runtime/compiler.h"
#include "runtime/placement.h"

typedef struct PjPartitioned {
  uint32_t num_partitions, num_in, num_out;
  const PjType *type;            // of the entry
  const PjPlacement **in, **out; // NULL: whole on every device
} PjPartitioned;

// Reads the shardings of the entry of |module|, which outlives the result. Under the guard of the
// module's arena. Errors: INVALID_ARGUMENT; UNIMPLEMENTED for replicas beside partitions and for
// results that are tuples.
PjStatus pj_partitioned_create(PjModule *module, const PjCompileOptions *options,
                               const PjPartitioned **out);

// Runs the program over whole arrays. |given_up|: whether an input may be overwritten.
typedef PjStatus PjWholeRun(void *user, const PjRunContext *context, PjArray *const *inputs,
                            const bool *given_up, PjArray *const *outputs);

// For all partitions at once: with the |inputs| and |outputs| of each. Memory must be such that the
// host can address it, here as below.
PjStatus pj_partitioned_run(const PjPartitioned *program, const PjRunContext *context,
                            PjArray *const *const *inputs, PjArray *const *const *outputs,
                            PjWholeRun *run, void *user);

// What one partition calls: with its own |inputs| and |outputs|, as the run function of a compiler.
// |run| is called by one of them.
PjStatus pj_partitioned_meet(const PjPartitioned *program, const PjRunContext *context,
                             PjArray *const *inputs, PjArray *const *outputs, PjWholeRun *run,
                             void *user);
