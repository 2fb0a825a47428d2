// Facts about a program that are read off its IR.
#pragma once
#include "ir/ir.h"

typedef struct PjCost {
  double flops, transcendentals, bytes_accessed;
  uint64_t ops;        // operations, those in regions included
  bool host_callbacks; // calls back into Python
  bool has_loops;      // no bound on the time can be given
  bool may_wait;       // custom calls, sends: for something outside of the program
  bool collectives;    // for the other devices of the program
} PjCost;

// Estimates for one execution. Loop bodies count once.
void pj_module_cost(const PjModule *module, PjCost *out);
