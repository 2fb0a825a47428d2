// What the runtime needs of a CompileOptionsProto.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct PjCompileOptions {
  int num_replicas, num_partitions; // at least 1
  int *device_ids; // replica-major, num_replicas * num_partitions; NULL: the client's default
  bool portable;   // no device of its own: the host names one per execution
  bool tupled_arguments;
  bool use_spmd_partitioning;
  bool use_shardy;
  // The compiler may choose the shardings of results and parameters that have none.
  bool allow_output_sharding, allow_parameter_sharding;
  int optimization_level;
  // What is compiled is the program of one device, its types those of parts (runtime/shardings.h).
  bool local;
} PjCompileOptions;

// Reads the serialised proto; empty bytes are a proto with defaults. Free with
// pj_compile_options_clear, on error too. Errors: INVALID_ARGUMENT if the bytes are no such proto
// or ask for what cannot be.
PjStatus pj_compile_options_parse(const void *bytes, size_t size, PjCompileOptions *out);
void pj_compile_options_clear(PjCompileOptions *options);
