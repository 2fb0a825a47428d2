// Convolution by windows of 3 x 3 with fewer multiplications: Winograd's F(2 x 2, 3 x 3), as
// A. Lavin and S. Gray describe it in "Fast Algorithms for Convolutional Neural Networks" (CVPR
// 2016). Tiles of 4 x 4 of the input, two apart, and the window are each turned into 16 places; the
// sum over the features is a product of matrices in each place; and 16 places of products are
// turned into 2 x 2 positions of the output: 16 multiplications instead of 36.
//
// Exactness. The turns add, and halve: small integers stay exact. As the sum is nine times shorter,
// and cut in pieces, its error on the whole is that of the direct sums (of normally distributed
// numbers and 64, 256 and 512 features 2.7e-7, 5.0e-7 and 5.1e-7 of the results' root mean square,
// against 2.8e-7 to 8.0e-7), which tiles of 6 x 6, F(4 x 4, 3 x 3), exceed by far (2.2e-6 to
// 4.6e-6): so they are not used. But it is relative to the largest weights and inputs of a window,
// where that of the direct sum is relative to the products that the element is the sum of: a small
// result beside large cancelled terms keeps fewer digits. Hence only for precision DEFAULT, never
// HIGH or HIGHEST, and not of fewer features, whose direct sums are short and have no more error
// than the turns add. What is not finite, or leaves the range on the way, makes a result that is
// not finite; then all is computed anew, directly.
//
// The positions of a dilated window's elements are those of an input of every so many'th row and
// column: tiles are of one such phase.
//
// Either the window is turned first, and a task has some tiles: it turns their input, then for some
// output features at a time multiplies and turns back, so that products never leave the cache. Or,
// of less input than window, the input is turned first, and a task has some output features. Where
// features come last, tiles are the rows of the product (conv_winograd_last.c), where they come
// first its columns (conv_winograd_first.c).
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
  // Multiplications that it takes as long as to turn a weight: of windows that stay near, of larger
  // ones that come from memory, and where all of these are turned first, and back to memory; and
  // more if it lies across. And a feature of a tile of the input and of the output.
  WEIGHT_WORK = 60,
  FAR_WEIGHT_WORK = 200,
  FAR_WINDOW_WORK = 320,
  ACROSS_WORK = 210,
  INPUT_WORK = 80,
  OUTPUT_WORK = 60,
};
static const double GAIN = 1.1; // by how much more work the direct way must have to be left

const PjWinogradTurns *pj__winograd_turns(void) {
  return PJ_PICK(turns);
}

static void turn_window(void *context, int64_t begin, int64_t end, int thread) {
  const PjWinogradRun *run = context;
  for (int64_t unit = begin; unit < end; ++unit)
    run->p->window(run, unit, run->turned + unit * run->p->window_size);
}

static void turn_input(void *context, int64_t begin, int64_t end, int thread) {
  const PjWinogradRun *run = context;
  void *temp = pj__thread_scratch(&run->p->routine, run->scratch, thread);
  for (int64_t block = begin; block < end; ++block)
    run->p->input(run, block, run->turned + block * run->p->input_size, temp);
}

// Blocks of tiles by parts of the turned window.
static void block_tasks(void *context, int64_t begin, int64_t end, int thread) {
  const PjWinogradRun *run = context;
  const PjWinograd *p = run->p;
  char *temp = pj__thread_scratch(&p->routine, run->scratch, thread);
  float *input = (float *)(temp + p->temp_bytes);
  bool finite = true;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t block = task / run->parts, first = task % run->parts * run->part;
    p->input(run, block, input, temp);
    for (int64_t unit = first; unit < pj__min(first + run->part, p->units); ++unit)
      finite &= p->output(run, block, unit, input, run->turned + unit * p->window_size, temp);
  }
  if (!finite)
    *run->special = true;
}

// Output features by all of the turned input.
static void unit_tasks(void *context, int64_t begin, int64_t end, int thread) {
  const PjWinogradRun *run = context;
  const PjWinograd *p = run->p;
  char *temp = pj__thread_scratch(&p->routine, run->scratch, thread);
  float *window = (float *)(temp + p->temp_bytes);
  bool finite = true;
  for (int64_t unit = begin; unit < end; ++unit) {
    p->window(run, unit, window);
    for (int64_t block = 0; block < p->blocks; ++block)
      finite &= p->output(run, block, unit, run->turned + block * p->input_size, window, temp);
  }
  if (!finite)
    *run->special = true;
}

static PjStatus run_winograd(const PjRoutine *self, PjThreads *threads, const void *const *in,
                             void *const *out, void *scratch) {
  const PjWinograd *p = (const PjWinograd *)self;
  const PjConvShape *s = p->shape;
  const int64_t count = pj_threads_count(threads);
  const double unit = (double)s->features * (double)p->unit * PJ_WINOGRAD_PLACES,
               tile = (double)s->features * PJ_WINOGRAD_PLACES, block = (double)p->block;
  _Atomic bool special = false;
  PjWinogradRun run = {.p = p,
                       .in = in[0],
                       .weights = in[1],
                       .out = out[0],
                       .turned = scratch,
                       .scratch = scratch,
                       .parts = 1,
                       .special = &special};
  if (p->input_first) {
    pj_threads_for(threads, p->blocks, pj__grain(p->blocks, tile * block), turn_input, &run);
    pj_threads_for(threads, p->units, pj__grain(p->units, unit * (double)p->tiles / 8), unit_tasks,
                   &run);
  } else {
    pj_threads_for(threads, p->units, pj__grain(p->units, unit), turn_window, &run);
    // Features are cut where tiles are too few for the threads.
    if (count > 1)
      run.parts = pj__min(pj__max(1, s->out_features / PART_FEATURES),
                          pj__divide_up(count * TASKS_EACH, p->blocks));
    run.part = pj__divide_up(p->units, run.parts);
    run.parts = pj__divide_up(p->units, run.part);
    const int64_t num = p->blocks * run.parts;
    pj_threads_for(threads, num, pj__grain(num, unit * (double)run.part * block / 8), block_tasks,
                   &run);
  }
  return special ? p->exact->run(p->exact, threads, in, out, scratch) : PJ_STATUS_OK;
}

// Whether fewer multiplications are worth the turns. |outputs|, |tiles|: filled up to what the
// product has.
static bool gains(const PjWinograd *p, double outputs, double tiles, bool across) {
  const PjConvShape *s = p->shape;
  const double features = (double)s->features,
               positions = (double)s->batch * (double)s->out[0] * (double)s->out[1];
  const bool near = PJ_WINOGRAD_PLACES * features * outputs * 4 <= NEAR_BYTES;
  const double weight = near ? WEIGHT_WORK : p->input_first ? FAR_WEIGHT_WORK : FAR_WINDOW_WORK;
  const double turns = features * outputs * (weight + (across ? ACROSS_WORK : 0)) +
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
        s->window_dilation[d] > s->out[d])
      return false;
  return s->features % PJ_WINOGRAD_UNIT == 0 && s->out_features % PJ_WINOGRAD_UNIT == 0 &&
         s->features >= PJ_WINOGRAD_LEAST && s->features <= MOST_FEATURES;
}

const PjRoutine *pj__conv_winograd(PjArena *arena, const PjConvShape *s, const PjRoutine *exact) {
  if (!exact || !is_for(s))
    return NULL;
  const bool last = s->lhs_feature == 1 && s->out_feature == 1,
             first = s->lhs_spatial[1] == 1 && s->out_spatial[1] == 1 &&
                     s->window_dilation[0] == 1 && s->window_dilation[1] == 1;
  PjWinograd *p = PJ_NEW(arena, PjWinograd);
  *p = (PjWinograd){.exact = exact,
                    .shape = s,
                    .turns = pj__winograd_turns(),
                    .micro = pj__micro(PJ_COMP_F32),
                    .phases = s->window_dilation[0] * s->window_dilation[1],
                    .rows = pj__divide_up(s->out[0], 2 * s->window_dilation[0]),
                    .cols = pj__divide_up(s->out[1], 2 * s->window_dilation[1])};
  p->tiles = s->batch * p->phases * p->rows * p->cols;
  p->input_first = p->tiles < s->out_features;
  const int64_t unit = last ? p->micro->nr : p->micro->low,
                tile = last ? p->micro->low : p->micro->nr;
  const bool across = (last ? s->rhs_out : s->rhs_in) != 1;
  if ((!last && !first) || !gains(p, (double)(pj__divide_up(s->out_features, unit) * unit),
                                  (double)(pj__divide_up(p->tiles, tile) * tile), across))
    return NULL;
  for (int t = 0; t < 9; ++t)
    p->taps[t] = t / 3 * s->rhs_spatial[0] + t % 3 * s->rhs_spatial[1];
  (last ? pj__winograd_plan_last : pj__winograd_plan_first)(p);
  p->temp_bytes = pj__scratch_round(p->temp_bytes);
  const int64_t windows = p->units * p->window_size, inputs = p->blocks * p->input_size;
  const size_t all = pj__scratch_round((size_t)(p->input_first ? inputs : windows) * 4),
               thread_bytes =
                   p->temp_bytes +
                   pj__scratch_round((size_t)(p->input_first ? p->window_size : p->input_size) * 4);
  p->routine = (PjRoutine){.name = "conv_winograd", .run = run_winograd, .in_place = -1};
  p->routine.scratch_bytes = (size_t)pj__max((int64_t)all, (int64_t)exact->scratch_bytes);
  p->routine.thread_scratch_bytes =
      (size_t)pj__max((int64_t)thread_bytes, (int64_t)exact->thread_scratch_bytes);
  return &p->routine;
}
