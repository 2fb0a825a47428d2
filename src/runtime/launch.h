// Launches: one execution from its arguments to its results.
//
// One launch is one block of memory. It holds its inputs, and waits (without a thread) until they
// are ready. Then each device's part runs: a cheap one on the thread that came last, others on a
// worker; parts that must meet in collectives all at the same time, each on a thread of its own. A
// program that one thread can run for all its devices is one such part.
#pragma once
#include "runtime/execute.h"
#include "runtime/meeting.h"

typedef struct PjLaunch PjLaunch;

typedef struct PjPart {
  PjTask task;
  PjLaunch *launch;
  PjDevice *device;
  uint32_t index; // among the program's devices, replica-major
  PjHostPart host;
  PjArray **in;
  bool *donated;
  PjArray **out;
  PjEvent *done; // shared by the outputs
} PjPart;

struct PjLaunch {
  PjLoadedExecutable *loaded;
  PjExecuteContext *context;
  PjDeviceGroup *group;
  PjMeeting *meeting; // NULL: the group is ours
  PjHostTransfers *transfers;
  uint64_t run_id;
  uint32_t num_parts, num_in, num_out;
  _Atomic uint32_t inputs_left; // not ready yet, and one for the call itself
  _Atomic uint32_t parts_left;
  bool joint; // one thread runs all parts; there is no group
  bool prefer_inline;
  bool here; // on the stack of the call that runs it; loaded, context, transfers, outputs borrowed
  PjEventWaiter *waiters; // room for one per input; NULL here
  PjPart parts[];
};

enum { PJ_LAUNCH_ROOM = 2048 }; // bytes on the stack

// In |room| (of PJ_LAUNCH_ROOM bytes, aligned for anything) if it fits there, else on the heap;
// |room| NULL: a launch that outlives the call. NULL without memory.
PjLaunch *pj_launch_create(uint32_t parts, uint32_t in, uint32_t out, void *room);
// Of one that is not here: releases all that it holds.
void pj_launch_destroy(PjLaunch *launch);

// Checks the arguments of |execution| and takes them, makes results, and says who runs. After an
// error donated arguments are as before. Errors: as of pj_execute.
PjStatus pj_launch_bind(PjLaunch *launch, const PjExecution *execution);

// True if a run is so short that it should be done within the call.
bool pj_launch_is_short(const PjLoadedExecutable *loaded);
// Counts down inputs_left; who comes last starts the launch, which may then be gone. With
// |out_failure| the caller can take a failure of a part that ran here and now (a copy).
void pj_launch_arrive(PjLaunch *launch, PjStatus *out_failure);
// For an input that is not ready: a waiter (PjEventWaiter) that arrives when it is.
void pj_launch_input_ready(void *launch, PjStatus status);

PjStatus pj_part_run(PjPart *part);
void pj_part_release_inputs(PjPart *part);
// Tasks of workers: a part; a launch whose parts one thread runs.
void pj_part_task(void *part);
void pj_launch_joint_task(void *launch);
