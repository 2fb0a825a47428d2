// Teams: the devices of one execution run one schedule in step.
//
// Between two collectives each device runs its steps on memory of its own, several devices at a
// time on the threads of the client; a collective is computed for all of them by one caller. So
// nobody waits for anybody, whatever the number of threads. What all devices would compute alike
// (from parameters that they share, or behind a sum over all of them) is computed once.
//
// A loop or branch that holds a collective is run by those of the devices whose condition says so;
// a collective that somebody else of its group does not come to is an error, where devices that run
// by themselves would wait for ever.
#pragma once
#include "sched/run.h"

static inline uint32_t pj_team_size(const PjTeam *team) {
  return team->num_replicas * team->num_partitions;
}

// Finds what is the same on all devices, and which steps hold collectives: PjSchedule.shared,
// PjStep.once and meets. Before temporaries are placed.
void pj_team_plan(PjSchedule *schedule);

// Bytes of memory that a run on |threads| needs, a multiple of 64.
size_t pj_team_memory(const PjSchedule *schedule, const PjThreads *threads);
// Runs |schedule| for its team. Arrays go by device, replica-major: |options| for what is
// evaluated, and addresses of parameters and results as pj_schedule_run wants them; those that are
// not cut are taken from the first device, but where devices differ in such a result after all,
// each writes to its own. |memory|: as told above, aligned to 64. Errors: of the program;
// FAILED_PRECONDITION for a collective that not all of its group come to.
PjStatus pj_team_run(const PjSchedule *schedule, PjThreads *threads, const PjRunOptions *options,
                     void *const *const *inputs, void *const *const *outputs, void *memory);
