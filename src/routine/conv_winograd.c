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
// A task has some tiles: it turns their input, then for a sliver of output features at a time
// multiplies and turns back, so that products never leave the cache.
#include <string.h>

#include "base/cpu.h"
#include "routine/conv.h"
#include "routine/variant.h"

enum { TURNED_ROWS = 16 };

typedef struct Transforms {
  void (*input)(int64_t features, const float *const *pixels, float *to, int64_t step);
  void (*window)(int64_t rows, int64_t count, int64_t width, const float *w, const int64_t *places,
                 int64_t row, int64_t lane, float *to, int64_t step);
  bool (*output)(int64_t features, const float *from, int64_t step, float *const *to);
} Transforms;

#define PJ_VARIANT_FILE "routine/conv_winograd_variant.h"
#include "routine/variants.h"

enum {
  PLACES = 16,
  UNIT = 16, // features are a multiple of it: whole vectors
  MOST_FEATURES = 2048,
  PAD = 16, // between rows and places whose distance is a power of two, else
  LINE = 64,
  INPUT_BYTES = 128 << 10,      // of the turned input of a task, about
  INPUT_BYTES_WIDE = 256 << 10, // with AVX-512, whose processors have a larger second cache
  NEAR_BYTES = 8 << 20,
  PART_FEATURES = 64, // that are worth turning the input again
  TASKS_EACH = 4,     // wanted for each thread
  // Multiplications that it takes as long as to turn a weight, of windows that stay near and of
  // larger ones, and a feature of a tile of the input and of the output; and by how much more the
  // direct way must have to be left.
  WEIGHT_WORK = 60,
  FAR_WEIGHT_WORK = 320,
  INPUT_WORK = 80,
  OUTPUT_WORK = 60,
};
static const double GAIN = 1.1;

static const float zeros[MOST_FEATURES] __attribute__((aligned(64)));

typedef struct Winograd {
  PjRoutine routine;
  const PjRoutine *exact;
  const PjConvShape *shape;
  const Transforms *transforms;
  const PjMicro *micro;
  int64_t taps[9];           // of the window, in elements
  int64_t rows, cols, tiles; // of tiles: of an image; of all images
  int64_t block, blocks;     // tiles of a task
  // Of the window: slivers of output features, elements from one to the next and from place to
  // place in one.
  int64_t slivers, sliver, window_place;
  // Of the input: elements from tile to tile and from place to place.
  int64_t line, input_place;
  size_t input_bytes, product_bytes, lines_bytes; // of a thread
} Winograd;

typedef struct Run {
  const Winograd *p;
  const float *in, *weights;
  float *out, *window;
  char *scratch;
  int64_t parts, part; // of the slivers
  _Atomic bool *special;
} Run;

typedef struct Tile {
  int64_t image, y, x; // its first position
} Tile;

static Tile tile_at(const Winograd *p, int64_t index) {
  const int64_t image = index / (p->rows * p->cols), at = index % (p->rows * p->cols);
  return (Tile){image, at / p->cols * 2, at % p->cols * 2};
}

static void window_tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Winograd *p = run->p;
  const PjConvShape *s = p->shape;
  const int64_t nr = p->micro->nr;
  for (int64_t j = begin; j < end; ++j)
    p->transforms->window(s->features, pj__min(nr, s->out_features - j * nr), nr,
                          run->weights + s->rhs_start + j * nr * s->rhs_out, p->taps, s->rhs_in,
                          s->rhs_out, run->window + j * p->sliver, p->window_place);
}

static void turn_input(const Run *run, int64_t first, int64_t count, float *to) {
  const Winograd *p = run->p;
  const PjConvShape *s = p->shape;
  for (int64_t t = 0; t < count; ++t, to += p->line) {
    const Tile tile = tile_at(p, first + t);
    const float *pixels[PLACES], *image = run->in + tile.image * s->lhs_batch;
    for (int e = 0; e < PLACES; ++e) {
      const int64_t y = tile.y + e / 4 - s->low[0], x = tile.x + e % 4 - s->low[1];
      const bool inside = y >= 0 && y < s->in[0] && x >= 0 && x < s->in[1];
      pixels[e] = inside ? image + y * s->lhs_spatial[0] + x * s->lhs_spatial[1] : zeros;
    }
    p->transforms->input(s->features, pixels, to, p->input_place);
  }
}

// |beside| takes positions behind the last row and column. False if a result is not finite.
static bool turn_output(const Run *run, int64_t first, int64_t count, int64_t feature,
                        const float *from, float *beside) {
  const Winograd *p = run->p;
  const PjConvShape *s = p->shape;
  const int64_t nr = p->micro->nr, features = pj__min(nr, s->out_features - feature);
  bool finite = true;
  for (int64_t t = 0; t < count; ++t, from += nr) {
    const Tile tile = tile_at(p, first + t);
    float *to[4], *image = run->out + tile.image * s->out_batch + feature;
    for (int i = 0; i < 4; ++i) {
      const int64_t y = tile.y + i / 2, x = tile.x + i % 2;
      const bool inside = y < s->out[0] && x < s->out[1];
      to[i] = inside ? image + y * s->out_spatial[0] + x * s->out_spatial[1] : beside;
    }
    finite &= p->transforms->output(features, from, p->block * nr, to);
  }
  return finite;
}

// The products of |count| tiles by one sliver of the window, in all places.
static void multiply(const Winograd *p, int64_t count, const void *const *lines, const float *b,
                     float *c) {
  const PjMicro *micro = p->micro;
  const int64_t sums = p->shape->features, all = sums * micro->nr * 4 / LINE;
  for (int e = 0; e < PLACES; ++e, lines += p->block, c += p->block * micro->nr) {
    const float *next = b + p->window_place; // comes nearer meanwhile
    for (int64_t i = 0, near = 0; i < count; i += micro->mr, near += sums) {
      const bool more = e + 1 < PLACES && near < all;
      const int64_t height = pj__min(micro->mr, count - i);
      micro->lines[(height - 1) / micro->low](1, &sums, lines + i, b, c + i * micro->nr, micro->nr,
                                              false, (const char *)(more ? next : b) + near * LINE,
                                              more ? LINE : 0);
    }
    b = next;
  }
}

static void tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Winograd *p = run->p;
  char *at = pj__thread_scratch(&p->routine, run->scratch, thread);
  float *input = (float *)at, *products = (float *)(at + p->input_bytes);
  const void **lines = (const void **)(at + p->input_bytes + p->product_bytes);
  float *beside = (float *)((char *)lines + p->lines_bytes);
  bool finite = true;
  for (int e = 0; e < PLACES; ++e)
    for (int64_t t = 0; t < p->block; ++t)
      lines[e * p->block + t] = input + e * p->input_place + t * p->line;
  for (int64_t task = begin; task < end; ++task) {
    const int64_t first = task / run->parts * p->block, count = pj__min(p->block, p->tiles - first);
    const int64_t from = task % run->parts * run->part, to = pj__min(from + run->part, p->slivers);
    turn_input(run, first, count, input);
    for (int64_t j = from; j < to; ++j) {
      multiply(p, count, lines, run->window + j * p->sliver, products);
      finite &= turn_output(run, first, count, j * p->micro->nr, products, beside);
    }
  }
  if (!finite)
    *run->special = true;
}

static PjStatus run_winograd(const PjRoutine *self, PjThreads *threads, const void *const *in,
                             void *const *out, void *scratch) {
  const Winograd *p = (const Winograd *)self;
  const PjConvShape *s = p->shape;
  const int64_t count = pj_threads_count(threads), nr = p->micro->nr;
  _Atomic bool special = false;
  Run run = {.p = p,
             .in = in[0],
             .weights = in[1],
             .out = out[0],
             .window = scratch,
             .scratch = scratch,
             .parts = 1,
             .special = &special};
  pj_threads_for(threads, p->slivers, pj__grain(p->slivers, (double)(s->features * nr * PLACES)),
                 window_tasks, &run);
  // Features are cut where tiles are too few for the threads.
  if (count > 1)
    run.parts = pj__min(pj__max(1, s->out_features / PART_FEATURES),
                        pj__divide_up(count * TASKS_EACH, p->blocks));
  run.part = pj__divide_up(p->slivers, run.parts);
  run.parts = pj__divide_up(p->slivers, run.part);
  const int64_t num = p->blocks * run.parts;
  const double work = (double)(PLACES * p->block * run.part * nr) * (double)s->features;
  pj_threads_for(threads, num, pj__grain(num, work / 8), tasks, &run);
  return special ? p->exact->run(p->exact, threads, in, out, scratch) : PJ_STATUS_OK;
}

// Whether fewer multiplications are worth the turns.
static bool gains(const Winograd *p) {
  const PjConvShape *s = p->shape;
  const double features = (double)s->features, tiles = (double)p->tiles,
               columns = (double)(p->slivers * p->micro->nr),
               positions = (double)s->batch * (double)s->out[0] * (double)s->out[1];
  const bool near = PLACES * features * columns * 4 <= NEAR_BYTES;
  const double turns = features * columns * (near ? WEIGHT_WORK : FAR_WEIGHT_WORK) +
                       tiles * (features * INPUT_WORK + columns * OUTPUT_WORK);
  return (PLACES * tiles * features * columns + turns) * GAIN <
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
  return s->features % UNIT == 0 && s->out_features % UNIT == 0 && s->features <= MOST_FEATURES &&
         s->lhs_feature == 1 && s->out_feature == 1;
}

const PjRoutine *pj__conv_winograd(PjArena *arena, const PjConvShape *s, const PjRoutine *exact) {
  if (!exact || !is_for(s))
    return NULL;
  Winograd *p = PJ_NEW(arena, Winograd);
  *p = (Winograd){.exact = exact,
                  .shape = s,
                  .transforms = PJ_PICK(transforms),
                  .micro = pj__micro(PJ_COMP_F32),
                  .rows = pj__divide_up(s->out[0], 2),
                  .cols = pj__divide_up(s->out[1], 2)};
  const int64_t mr = p->micro->mr, nr = p->micro->nr;
  for (int t = 0; t < 9; ++t)
    p->taps[t] = t / 3 * s->rhs_spatial[0] + t % 3 * s->rhs_spatial[1];
  p->tiles = s->batch * p->rows * p->cols;
  p->slivers = pj__divide_up(s->out_features, nr);
  if (!gains(p))
    return NULL;
  p->window_place = s->features * nr + 2 * PAD;
  p->sliver = PLACES * p->window_place;
  p->line = s->features + PAD;
  // Blocks alike, of whole tiles of the product.
  const int64_t bytes = pj_cpu_has(PJ_CPU_AVX512) ? INPUT_BYTES_WIDE : INPUT_BYTES;
  const int64_t most = pj__max(2, bytes / (PLACES * p->line * 4 * mr)) * mr;
  p->block = pj__divide_up(pj__divide_up(p->tiles, pj__divide_up(p->tiles, most)), mr) * mr;
  p->blocks = pj__divide_up(p->tiles, p->block);
  p->input_place = p->block * p->line;
  p->input_bytes = pj__scratch_round((size_t)(PLACES * p->input_place) * 4);
  p->product_bytes = pj__scratch_round((size_t)(PLACES * p->block * nr) * 4);
  p->lines_bytes = pj__scratch_round((size_t)(PLACES * p->block) * sizeof(void *));
  const size_t window_bytes = pj__scratch_round((size_t)(p->slivers * p->sliver) * 4),
               thread_bytes = p->input_bytes + p->product_bytes + p->lines_bytes +
                              pj__scratch_round((size_t)nr * 4);
  p->routine = (PjRoutine){.name = "conv_winograd", .run = run_winograd, .in_place = -1};
  p->routine.scratch_bytes = (size_t)pj__max((int64_t)window_bytes, (int64_t)exact->scratch_bytes);
  p->routine.thread_scratch_bytes =
      (size_t)pj__max((int64_t)thread_bytes, (int64_t)exact->thread_scratch_bytes);
  return &p->routine;
}
