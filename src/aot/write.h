// The text of a schedule (scheduled with option |source|).
#pragma once
#include "aot/aot.h"
#include "sched/sched.h"

// Runs under the guards of the schedule's arena and of |kernels|.
PjStatus pj_aot_print(const PjSchedule *schedule, const PjKirTarget *target, PjArena *kernels,
                      const PjAotOptions *options, PjAotFiles *out);
