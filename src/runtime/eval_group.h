// The evaluator's device groups: a process grid for programs that state their collectives, and for
// partitioned programs (one program over whole arrays, cut over several devices) a place where
// their devices meet.
#pragma once
#include "eval/eval.h"
#include "runtime/compiler.h"
#include "runtime/placement.h"

struct PjDeviceGroup {
  PjGrid *grid;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  uint32_t num_partitions, arrived;
  bool computing, done;
  PjStatus failure;
  PjArray *const **inputs; // by partition
  PjArray *const **outputs;
};

PjStatus pj_eval_group_create(uint32_t num_replicas, uint32_t num_partitions, const int *device_ids,
                              PjDeviceGroup **out);
void pj_eval_group_abort(PjDeviceGroup *group, PjStatus why);
void pj_eval_group_destroy(PjDeviceGroup *group);

// Brings the partitions together: the last to come calls |run| with everybody's arrays, the others
// wait. All get its status.
typedef PjStatus PjJointRun(void *context, PjArray *const *const *inputs,
                            PjArray *const *const *outputs);
PjStatus pj_eval_group_join(PjDeviceGroup *group, uint32_t partition, PjArray *const *inputs,
                            PjArray *const *outputs, PjJointRun *run, void *context);
