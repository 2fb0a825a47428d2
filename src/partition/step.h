// One step of propagation: the shardings of an operation's operands and results, made alike along
// the factors of its rule as far as they do not contradict each other.
#pragma once
#include "partition/rule.h"
#include "partition/spec.h"

typedef enum PjDirection {
  PJ_DIRECTION_NONE = 0,
  PJ_DIRECTION_FORWARD = 1,  // operands to results
  PJ_DIRECTION_BACKWARD = 2, // results to operands
  PJ_DIRECTION_BOTH = 3,
} PjDirection;

typedef struct PjStep {
  PjArena *arena;   // of new specifications
  PjArena *scratch; // whose state is as before after the step
  const PjShardingRule *rule;
  const PjDirection *directions; // by factor
  bool elementwise;
  const PjSpec **specs; // operands, then results; in and out
  bool *changed;        // of each; out
} PjStep;

// True if anything changed. Nothing does where the specifications name different meshes.
bool pj_step_run(PjStep *step);
