// Manual computations (sdy.manual_computation) in a schedule: the body is a schedule of its own,
// which a team of one device per mesh position runs on parts of the operands.
#pragma once
#include "sched/lower.h"
#include "sched/run.h"

// Makes |op| one step. |*done| is false where that cannot be, and nothing was made.
PjStatus pj_lower_manual(PjLower *l, const PjOp *op, PjSteps *out, bool *done);

// What each of the devices runs.
const PjSchedule *pj_manual_schedule(const PjStep *step);

// Bytes of scratch that the step needs on |threads|.
size_t pj_manual_memory(const PjStep *step, const PjThreads *threads);
PjStatus pj_manual_run(PjRun *r, const PjStep *step);
