// A pool of threads for parallel loops: fork and join in a few microseconds.
//
// One per client. The caller of a loop is one of its threads, so a pool of one has no thread of its
// own. Workers spin shortly for the next loop, then sleep; they are started by the first loop that
// needs them. Several loops may be asked for at once from different threads: a loop that finds the
// workers busy runs on its caller, until they are free. A loop inside a loop's part runs right
// there, in one range, under the part's thread number. A child of fork() starts workers of its own;
// fork() must not be called inside a part.
#pragma once
#include <stdint.h>

#include "base/status.h"

typedef struct PjThreads PjThreads;

// |count| threads including the caller (0: the processors that affinity and cgroup quota leave).
PjStatus pj_threads_create(int count, PjThreads **out_threads);
void pj_threads_destroy(PjThreads *threads);    // no loop is running; NULL allowed
int pj_threads_count(const PjThreads *threads); // 1 for NULL

// A part of a loop: elements |begin| to |end| (exclusive), on thread |thread| (0 to count - 1,
// distinct among the parts that run at the same time).
typedef void PjRangeFn(void *context, int64_t begin, int64_t end, int thread);

// Calls |fn| for ranges that cover [0, |count|). Ranges begin at multiples of |grain| (>= 1) and,
// but for the last, are multiples of it long; which thread runs which range, and how long ranges
// are, is not fixed. So |fn| must not let its results depend on them. |threads| NULL, or a |count|
// up to |grain|: runs here, in one range. Choose |grain| so that as many elements are worth handing
// over: 5 microseconds of work at least. Cost (bench/threads.c): 0.1 us where the workers are
// awake, 4 us where they sleep, and about 50 us until they help.
void pj_threads_for(PjThreads *threads, int64_t count, int64_t grain, PjRangeFn *fn, void *context);
