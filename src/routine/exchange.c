// Pivots applied: pairs of elements of each row change places, one after the other.
#include <string.h>

#include "routine/plan.h"

typedef struct Exchange {
  PjRoutine routine;
  PjExchange what;
} Exchange;

typedef struct Run {
  const PjExchange *what;
  const int32_t *from, *at;
  int32_t *to;
} Run;

static void run_rows(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const PjExchange *e = run->what;
  const int64_t n = e->n;
  for (int64_t row = begin; row < end; ++row) {
    int32_t *x = run->to + row * n;
    const int32_t *at = run->at + row * e->width;
    memcpy(x, run->from + row * n, (size_t)n * sizeof *x);
    for (int64_t i = 0; i < e->count; ++i) {
      int64_t j = at[i];
      if (e->wraps && j < 0)
        j += n;
      const int32_t old = x[i];
      x[i] = x[j < 0 ? 0 : pj__min(j, n - 1)];
      if (j >= 0 && j < n)
        x[j] = old;
    }
  }
}

static PjStatus run_exchange(const PjRoutine *self, PjThreads *threads, const void *const *in,
                             void *const *out, void *scratch) {
  const PjExchange *what = &((const Exchange *)self)->what;
  Run run = {what, in[0], in[1], out[0]};
  pj_threads_for(threads, what->batch, pj__grain(what->batch, 4 * (double)(what->n + what->count)),
                 run_rows, &run);
  if (what->wide)
    *(int64_t *)out[1] = what->count;
  else
    *(int32_t *)out[1] = (int32_t)what->count;
  return PJ_STATUS_OK;
}

const PjRoutine *pj_routine_exchange(PjArena *arena, const PjExchange *what) {
  Exchange *e = PJ_NEW(arena, Exchange);
  e->what = *what;
  e->routine = (PjRoutine){.name = "exchange",
                           .run = run_exchange,
                           .in_place = -1,
                           .bytes = 4 * (double)what->batch * (double)(2 * what->n + what->width)};
  return &e->routine;
}
