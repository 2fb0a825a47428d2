// The process grid of one execution: where devices meet in collectives, and the queues between
// them.
#pragma once
#include "eval/run.h"

// Members of a meeting: ids in the grid (replica * num_partitions + partition), in the order of the
// replica group.
typedef struct PjGroup {
  uint32_t size, self; // |self|: this process's position
  const uint32_t *ids;
} PjGroup;

// Where the devices of a grid are all at once (pj_program_meet); arrays by process.
typedef struct PjAssembly {
  uint32_t num_replicas, num_partitions;
  PjTensor *const *const *inputs; // of the function; NULL: does not take part
  PjTensor **const *outputs;      // of its operation
  bool *done;                     // its results are there, or being made
} PjAssembly;

// Computes a collective for a whole group: in[member][operand], to set out[member][result] to new
// references of |ev|'s run. Called by the last member to arrive, while the others wait.
typedef PjStatus PjMeetFn(PjEval *ev, const PjOp *op, const PjGroup *group,
                          PjTensor *const *const *in, PjTensor ***out);

// Brings the members of |group| together and gives each its results. Without a grid the group is
// this process alone.
PjStatus pj__grid_meet(PjEval *ev, const PjOp *op, int64_t channel, const PjGroup *group,
                       PjTensor *const *in, PjTensor **out, PjMeetFn *fn);

// As above for the group of |groups| (a matrix, as replica_groups) that this process is in: of
// partitions with a |channel|, else of replicas.
PjStatus pj__grid_exchange(PjEval *ev, const PjOp *op, const PjAttr *groups, int64_t channel,
                           PjTensor *const *in, PjTensor **out, PjMeetFn *fn);

// The custom call of that name (ragged_all_to_all.c).
PjCustomCallFn pj__ragged_all_to_all;

// Point to point: queues by channel. A message is for the process |target|, or for the first that
// asks. Sending never waits; receiving waits for a message for |self|, or with PJ_ANY_PROCESS for
// one that is for anybody; |out| gets |count| new references.
enum { PJ_ANY_PROCESS = -1 };
PjStatus pj__grid_send(PjEval *ev, const PjOp *op, int64_t channel, int64_t target, uint32_t count,
                       PjTensor *const *in);
PjStatus pj__grid_receive(PjEval *ev, const PjOp *op, int64_t channel, int64_t self, uint32_t count,
                          PjTensor **out);

// Functions that `infeed` takes its values from, in order (borrowed); and the next of them, or
// NULL.
void pj__grid_set_infeed(PjGrid *grid, uint32_t count, const PjFuncPlan *const *funcs);
const PjFuncPlan *pj__grid_next_infeed(PjGrid *grid);

// A process has ended: the others must not wait for it.
void pj__grid_leave(PjGrid *grid);

uint32_t pj__grid_replicas(const PjRunOptions *options); // 1 without a grid
uint32_t pj__grid_partitions(const PjRunOptions *options);
