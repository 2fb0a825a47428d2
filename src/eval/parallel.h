// One process of a grid per thread.
#pragma once
#include "eval/grid.h"

typedef struct PjProcess {
  const PjFuncPlan *plan; // whose values the region uses
  const PjRegion *region;
  PjRunOptions options; // grid, replica, partition ...
  uint32_t num_inputs, num_outputs;
  PjTensor **inputs, **outputs;
  PjStatus status; // out
  const PjProgram *program;
} PjProcess;

// Runs all |processes| at the same time and waits for them. Returns the first process's own failure
// (not those that another one caused), or OK. Outputs are new references outside any pool, all NULL
// on failure.
PjStatus pj__run_processes(uint32_t count, PjProcess *processes);
