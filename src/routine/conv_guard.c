// Ways to compute a convolution that multiply zeros which its definition leaves out, or leave out
// such that it multiplies: both are right as long as the window holds finite numbers.
#include <string.h>

#include "eval/float.h"
#include "routine/conv.h"

typedef struct Scan {
  PjDtype dtype;
  const char *data;
  _Atomic bool *found;
} Scan;

enum { PIECE = 256 };

static void find_special(void *context, int64_t begin, int64_t end, int thread) {
  const Scan *scan = context;
  const size_t elem = pj_dtype_bytes(scan->dtype);
  float numbers[PIECE];
  for (int64_t i = begin; i < end && !*scan->found; i += PIECE) {
    const int64_t n = pj__min(PIECE, end - i);
    const char *from = scan->data + (size_t)i * elem;
    // x - x is zero, or NaN; so is the sum of such.
    if (scan->dtype == PJ_DT_F64) {
      double sum = 0;
      for (int64_t j = 0; j < n; ++j)
        sum += ((const double *)from)[j] - ((const double *)from)[j];
      if (sum != 0)
        *scan->found = true;
      continue;
    }
    if (scan->dtype == PJ_DT_F32)
      memcpy(numbers, from, (size_t)n * elem);
    else
      pj_float_decode_n(scan->dtype, n, from, numbers);
    float sum = 0;
    for (int64_t j = 0; j < n; ++j)
      sum += numbers[j] - numbers[j];
    if (sum != 0)
      *scan->found = true;
  }
}

bool pj__conv_is_finite(PjThreads *threads, PjDtype dtype, int64_t count, const void *data) {
  _Atomic bool found = false;
  Scan scan = {dtype, data, &found};
  if (pj_dtype_is_float(dtype))
    pj_threads_for(threads, count, pj__grain(count, 1), find_special, &scan);
  return !found;
}

typedef struct Guarded {
  PjRoutine routine;
  const PjRoutine *fast, *exact;
  PjDtype dtype;
  int64_t count;
} Guarded;

static PjStatus run_guarded(const PjRoutine *self, PjThreads *threads, const void *const *in,
                            void *const *out, void *scratch) {
  const Guarded *g = (const Guarded *)self;
  const PjRoutine *routine =
      pj__conv_is_finite(threads, g->dtype, g->count, in[1]) ? g->fast : g->exact;
  return routine->run(routine, threads, in, out, scratch);
}

const PjRoutine *pj__conv_guarded(PjArena *arena, const PjType *rhs, const PjRoutine *fast,
                                  const PjRoutine *exact) {
  if (!fast || !exact)
    return exact;
  Guarded *g = PJ_NEW(arena, Guarded);
  *g = (Guarded){.fast = fast, .exact = exact, .dtype = rhs->dtype, .count = pj__count(rhs)};
  g->routine = (PjRoutine){.name = fast->name, .run = run_guarded, .in_place = -1};
  g->routine.scratch_bytes =
      (size_t)pj__max((int64_t)fast->scratch_bytes, (int64_t)exact->scratch_bytes);
  g->routine.thread_scratch_bytes =
      (size_t)pj__max((int64_t)fast->thread_scratch_bytes, (int64_t)exact->thread_scratch_bytes);
  return &g->routine;
}
