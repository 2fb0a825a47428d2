// A program made ready for propagation: a private copy, its values with their shardings and uses.
//
// Values that must be cut alike share a sharding, which belongs to the *owner* among them: the
// result of a loop owns those of the arguments of its regions.
#pragma once
#include "base/map.h"
#include "base/vec.h"
#include "partition/spec.h"

typedef struct PjUse {
  PjOp *op;
  uint32_t operand;
} PjUse;

typedef struct PjFlowGroup PjFlowGroup;

typedef struct PjFlowValue {
  PjValue *value;
  PJ_VEC(PjUse) uses;
  const PjSpec *spec; // of owners
  PjFlowGroup *group; // of values to be cut alike, or NULL
  bool is_member;     // listed in it
} PjFlowValue;

struct PjFlowGroup {
  int64_t id;
  PjFlowGroup *joined; // the group that it is part of, or NULL
  PJ_VEC(PjValue *) members;
};

// A manual computation: its axes, and the specifications of operands and results, complete
// (pj_spec_complete).
typedef struct PjFlowManual {
  PjAxes axes;
  const PjSpec **in, **out;
} PjFlowManual;

typedef struct PjFlow {
  PjArena *arena;
  PjModule *module;
  PjOp *entry;
  PjSpecReader reader;
  PJ_VEC(PjFlowValue) values; // by PjValue.id
  PjMap manuals;              // by operation: PjFlowManual
  PJ_VEC(PjFlowGroup *) groups;
  PjMap group_ids;
  const PjSpec **results; // of the entry
  uint32_t num_results;
} PjFlow;

// Prepares |module|, a copy that is changed: with calls inlined, without dead code. Loops that read
// cut arrays from outside do so by open constraints, constant expressions have one user each,
// constraints are applied to what they constrain, and groups are joined. *out_static: all shapes
// are known; if not, nothing was prepared. Errors: INVALID_ARGUMENT for shardings that do not fit.
PjStatus pj_flow_prepare(PjFlow *flow, PjArena *arena, PjModule *module, bool *out_static);

static inline PjFlowValue *pj_flow_value(PjFlow *flow, const PjValue *value) {
  return &flow->values.data[value->id];
}
// The owner of the sharding of |value|.
PjValue *pj_flow_owner(PjValue *value);
// The specification of |value|: its owner's.
const PjSpec *pj_flow_spec(PjFlow *flow, PjValue *value);
void pj_flow_set_spec(PjFlow *flow, PjValue *value, const PjSpec *spec);
// True for values that come from others through control flow, barriers or manual computations.
bool pj_flow_is_edge(const PjValue *value);
// True if a sharding can be given to |value|: not the scalar arguments of reducers and the like.
bool pj_flow_shardable(const PjValue *value);
const PjFlowManual *pj_flow_manual(const PjFlow *flow, const PjOp *op);

// --- For the parts of the preparation
PjValue *
pj_flow_constrain(PjFlow *flow, PjValue *value, const PjSpec *spec, PjOp *before,
                  PjRegion *front); // a new constraint: before |before|, or first in |front|
void pj_flow_add_op(PjFlow *flow, PjOp *op); // counts uses and results of a new operation
// Uses of |from| for which |wanted| holds become uses of |to|.
typedef bool PjUseFn(void *context, const PjUse *use);
void pj_flow_replace(PjFlow *flow, PjValue *from, PjValue *to, PjUseFn *wanted, void *context);
PjStatus pj_flow_read(PjFlow *flow);        // shardings as the program states them
void pj_flow_open_loops(PjFlow *flow);      // open constraints
void pj_flow_split_constants(PjFlow *flow); // constant expressions
void pj_flow_apply(PjFlow *flow);           // constraints
void pj_flow_join_groups(PjFlow *flow);
