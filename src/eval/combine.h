// Accumulating with a region: acc = body(acc, x) on whole vectors. reduce, reduce_window, scatter,
// select_and_scatter and the reducing collectives are loops around this.
//
// Three ways, picked once: native loops for a single add, multiply, maximum ... (PjFold); the
// compiled body; and running the region element by element.
#pragma once
#include "eval/body.h"
#include "eval/fold.h"

typedef struct PjCombiner {
  PjEval *ev;
  const PjRegion *region;
  uint32_t count;        // values that are accumulated together: the region has 2 * count arguments
  int64_t width;         // elements per run of the body
  bool native, replaces; // |fold| is set; the body just returns its second half
  bool widened;          // narrow floats are accumulated as F32
  PjFold fold;
  PjBody *body;      // or NULL
  const void **args; // scratch of the body's runs
  const void **outs;
  void **columns; // |width| elements each, for strided x
  void **copies;  // |width| elements each, where results alias accumulators
} PjCombiner;

// Prepares for |region| with 2 * |count| rank-0 arguments; vectors are worked on in pieces of
// |width|. Lives in the run's arena. With |may_widen|, an add, multiply, maximum or minimum of
// floats narrower than F32 works on F32, so that long sums do not stagnate (as XLA's do not): the
// caller converts.
PjStatus pj_combiner_init(PjEval *ev, const PjRegion *region, uint32_t count, int64_t width,
                          bool may_widen, PjCombiner *out);
// The element type of accumulator |i| and of what is combined with it.
static inline PjDtype pj_combiner_dtype(const PjCombiner *c, uint32_t i) {
  return c->widened ? PJ_DT_F32 : c->region->args[i].type->dtype;
}
// acc[i][j] = body(acc..[j], x..[j * x_stride])[i] for j < n. Strides in elements.
PjStatus pj_combine(PjCombiner *c, int64_t n, void *const *acc, const void *const *x,
                    int64_t x_stride);
// acc[i][j] = body(x..[j * x_stride], acc..[j])[i]: x comes before what is accumulated.
PjStatus pj_combine_before(PjCombiner *c, int64_t n, void *const *acc, const void *const *x,
                           int64_t x_stride);
