// Convolution by windows of 3 x 3 with fewer multiplications: Winograd's F(2 x 2, 3 x 3), as
// A. Lavin and S. Gray describe it in "Fast Algorithms for Convolutional Neural Networks" (CVPR
// 2016). Tiles of 4 x 4 of the input, two apart, and the window are each turned into 16 places; the
// sum over the features is a product of matrices in each place; and 16 places of products are
// turned into 2 x 2 positions of the output: 16 multiplications instead of 36.
//
// Exactness. The turns add, and halve: small integers stay exact. As the sum is nine times shorter,
// its error on the whole is below that of the direct sum (of 64 to 512 features, normally
// distributed: 2.8e-7 to 7.0e-7 of the results' root mean square against 4.3e-7 to 1.2e-6), which
// tiles of 6 x 6, F(4 x 4, 3 x 3), exceed by far (2.2e-6 to 4.6e-6): so they are not used. But it
// is relative to the largest weights and inputs of a window, where that of the direct sum is
// relative to the products that the element is the sum of: a small result beside large cancelled
// terms keeps fewer digits. Hence only for precision DEFAULT, never HIGH or HIGHEST. What is not
// finite, or leaves the range on the way, makes a result that is not finite; then all is computed
// anew, directly.
//
// A task has some tiles: it turns their input, then for some output features at a time multiplies
// and turns back, so that products never leave the cache. Where features come last, tiles are the
// rows of the product (conv_winograd_last.c), where they come first its outputs
// (conv_winograd_first.c).
#include "routine/conv_winograd.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "routine/variant.h"

enum { TURNED_ROWS = 16 };

#define PJ_VARIANT_FILE "routine/conv_winograd_variant.h"
#include "routine/variants.h"

enum {
  MOST_FEATURES = 2048,
  PART_FEATURES = 64, // that are worth turning the input again
  TASKS_EACH = 4,     // wanted for each thread
  NEAR_BYTES = 8 << 20,
  // Multiplications that it takes as long as to turn a weight, of windows that stay near and of
  // larger ones, and more if it lies across; a feature of a tile of the input and of the output.
  WEIGHT_WORK = 60,
  FAR_WEIGHT_WORK = 320,
  ACROSS_WORK = 210,
  INPUT_WORK = 80,
  OUTPUT_WORK = 60,
};
static const double GAIN = 1.1; // by how much more work the direct way must have to be left

static PjStatus run_winograd(const PjRoutine *self, PjThreads *threads, const void *const *in,
                             void *const *out, void *scratch) {
  const PjWinograd *p = (const PjWinograd *)self;
  const PjConvShape *s = p->shape;
  const int64_t count = pj_threads_count(threads);
  _Atomic bool special = false;
  PjWinogradRun run = {.p = p,
                       .in = in[0],
                       .weights = in[1],
                       .out = out[0],
                       .window = scratch,
                       .scratch = scratch,
                       .parts = 1,
                       .special = &special};
  const double unit = (double)s->features * (double)p->unit * PJ_WINOGRAD_PLACES;
  pj_threads_for(threads, p->units, pj__grain(p->units, unit), p->window_tasks, &run);
  // Features are cut where tiles are too few for the threads.
  if (count > 1)
    run.parts = pj__min(pj__max(1, s->out_features / PART_FEATURES),
                        pj__divide_up(count * TASKS_EACH, p->blocks));
  run.part = pj__divide_up(p->units, run.parts);
  run.parts = pj__divide_up(p->units, run.part);
  const int64_t num = p->blocks * run.parts;
  const double work = unit * (double)run.part * (double)p->block;
  pj_threads_for(threads, num, pj__grain(num, work / 8), p->tasks, &run);
  return special ? p->exact->run(p->exact, threads, in, out, scratch) : PJ_STATUS_OK;
}

// Whether fewer multiplications are worth the turns. |outputs|, |tiles|: filled up to what the
// product has.
static bool gains(const PjWinograd *p, double outputs, double tiles, bool across) {
  const PjConvShape *s = p->shape;
  const double features = (double)s->features,
               positions = (double)s->batch * (double)s->out[0] * (double)s->out[1];
  const bool near = PJ_WINOGRAD_PLACES * features * outputs * 4 <= NEAR_BYTES;
  const double turns =
      features * outputs * ((near ? WEIGHT_WORK : FAR_WEIGHT_WORK) + (across ? ACROSS_WORK : 0)) +
      tiles * (features * INPUT_WORK + outputs * OUTPUT_WORK);
  return (PJ_WINOGRAD_PLACES * tiles * features * outputs + turns) * GAIN <
         9 * positions * features * (double)s->out_features;
}

static bool is_for(const PjConvShape *s) {
  if (s->spatial != 2 || s->groups != 1 || s->comp != PJ_COMP_F32 || s->lhs_dtype != PJ_DT_F32 ||
      s->rhs_dtype != PJ_DT_F32 || s->out_dtype != PJ_DT_F32)
    return false;
  for (int d = 0; d < 2; ++d)
    if (s->window[d] != 3 || s->stride[d] != 1 || s->in_dilation[d] != 1 ||
        s->window_dilation[d] != 1)
      return false;
  return s->features % PJ_WINOGRAD_UNIT == 0 && s->out_features % PJ_WINOGRAD_UNIT == 0 &&
         s->features <= MOST_FEATURES;
}

const PjRoutine *pj__conv_winograd(PjArena *arena, const PjConvShape *s, const PjRoutine *exact) {
  if (!exact || !is_for(s))
    return NULL;
  const bool last = s->lhs_feature == 1 && s->out_feature == 1,
             first = s->lhs_spatial[1] == 1 && s->out_spatial[1] == 1;
  PjWinograd *p = PJ_NEW(arena, PjWinograd);
  *p = (PjWinograd){.exact = exact,
                    .shape = s,
                    .turns = PJ_PICK(turns),
                    .micro = pj__micro(PJ_COMP_F32),
                    .rows = pj__divide_up(s->out[0], 2),
                    .cols = pj__divide_up(s->out[1], 2)};
  p->tiles = s->batch * p->rows * p->cols;
  const int64_t unit = last ? p->micro->nr : p->micro->low,
                tile = last ? p->micro->low : p->micro->nr;
  const bool across = (last ? s->rhs_out : s->rhs_in) != 1;
  if ((!last && !first) || !gains(p, (double)(pj__divide_up(s->out_features, unit) * unit),
                                  (double)(pj__divide_up(p->tiles, tile) * tile), across))
    return NULL;
  for (int t = 0; t < 9; ++t)
    p->taps[t] = t / 3 * s->rhs_spatial[0] + t % 3 * s->rhs_spatial[1];
  (last ? pj__winograd_plan_last : pj__winograd_plan_first)(p);
  p->product_bytes = pj__scratch_round(p->product_bytes);
  p->input_bytes = pj__scratch_round(p->input_bytes);
  p->lines_bytes = pj__scratch_round(p->lines_bytes);
  const size_t window_bytes = pj__scratch_round((size_t)p->window * 4),
               thread_bytes = p->input_bytes + p->product_bytes + p->lines_bytes +
                              pj__scratch_round(p->beside_bytes);
  p->routine = (PjRoutine){.name = "conv_winograd", .run = run_winograd, .in_place = -1};
  p->routine.scratch_bytes = (size_t)pj__max((int64_t)window_bytes, (int64_t)exact->scratch_bytes);
  p->routine.thread_scratch_bytes =
      (size_t)pj__max((int64_t)thread_bytes, (int64_t)exact->thread_scratch_bytes);
  return &p->routine;
}
