// The gradient by a window of 3 x 3 with 16 multiplications instead of 36, features last.
//
// What Winograd's algorithm computes (conv_winograd.c) is linear in the window, in the input and in
// what the output is multiplied by. So the gradient is the same three turns in another order: the
// input's tiles are turned as there, the 2 x 2 positions of the output's gradient the way back,
// into 16 places; their products, of input by output features, are summed over all tiles of all
// images; and these sums are turned into the window's 9 places. In conv.h's words the output's
// gradient is the window, images are the features, and input features the batch.
//
// A task has some input and output features, whose products stay in the cache, and a part of the
// tiles; the parts follow from the shape and are added in order.
#include <stdatomic.h>
#include <string.h>

#include "base/cpu.h"
#include "routine/conv_winograd.h"

enum {
  PLACES = PJ_WINOGRAD_PLACES,
  UNIT = PJ_WINOGRAD_UNIT,
  PAD = 16,      // between places whose distance is a power of two, else
  FEATURES = 64, // of a task, of input and output
  TILES = 24,    // turned at a time
  TILES_WIDE = 48,
  TASKS = 8,             // wanted
  PART_BLOCKS = 4,       // that are worth a part
  MOST_BYTES = 64 << 20, // of products
  INPUT_WORK = 110,      // multiplications that it takes as long as to turn a feature of a tile
  OUTPUT_WORK = 80,
  WINDOW_WORK = 60, // and products back
};
static const double GAIN = 1.1; // by how much more work the direct way must have to be left

static const float zeros[FEATURES + UNIT] __attribute__((aligned(64)));

typedef struct Gradient {
  PjRoutine routine;
  const PjRoutine *exact;
  const PjConvShape *shape;
  const PjWinogradTurns *turns;
  const PjMicro *micro;
  int64_t rows, cols, tiles; // of tiles: of an image; of all images
  int64_t block;             // tiles turned at a time
  int64_t parts, part;       // of the tiles: how many, and tiles of one
  int64_t in_blocks, out_blocks;
  int64_t places[9];                     // of the window, in the result
  int64_t input_sliver;                  // elements from sliver to sliver of the turned input
  int64_t input_place, output_place;     // and from place to place of what is turned
  int64_t product_place, products, sums; // the same of products; of a task; of a part's tasks
  size_t input_bytes;
} Gradient;

typedef struct Run {
  const Gradient *p;
  const float *in, *gradient;
  float *out, *products;
  char *scratch;
  _Atomic bool *special;
} Run;

// Tiles [first, first + count) of |inputs| and |outputs| features.
static void turn_tiles(const Run *run, int64_t first, int64_t count, int64_t in, int64_t inputs,
                       int64_t out, int64_t outputs, float *input, float *output) {
  const Gradient *p = run->p;
  const PjConvShape *s = p->shape;
  const int64_t mr = p->micro->mr, nr = p->micro->nr;
  for (int64_t t = 0; t < count; ++t, input += mr, output += nr) {
    const int64_t image = (first + t) / (p->rows * p->cols),
                  place = (first + t) % (p->rows * p->cols);
    const int64_t y = place / p->cols * 2, x = place % p->cols * 2;
    const float *pixels[PLACES], *from = run->in + image * s->lhs_feature + in * s->lhs_batch;
    for (int e = 0; e < PLACES; ++e) {
      const int64_t i = y + e / 4 - s->low[0], j = x + e % 4 - s->low[1];
      const bool inside = i >= 0 && i < s->in[0] && j >= 0 && j < s->in[1];
      pixels[e] = inside ? from + i * s->lhs_spatial[0] + j * s->lhs_spatial[1] : zeros;
    }
    p->turns->gradient_input(inputs, mr, pixels, input, p->input_sliver, p->input_place);
    from = run->gradient + s->rhs_start + image * s->rhs_in + out * s->rhs_out;
    for (int e = 0; e < 4; ++e) {
      const int64_t i = y + e / 2, j = x + e % 2;
      const bool inside = i < s->window[0] && j < s->window[1];
      pixels[e] = inside ? from + i * s->rhs_spatial[0] + j * s->rhs_spatial[1] : zeros;
    }
    p->turns->gradient_output(outputs, nr, pixels, output, p->block * nr, p->output_place);
  }
}

static void multiply(const Gradient *p, int64_t count, int64_t inputs, int64_t outputs,
                     const float *input, const float *output, float *products, bool add) {
  const PjMicro *micro = p->micro;
  for (int e = 0; e < PLACES; ++e) {
    for (int64_t j = 0; j < outputs; j += micro->nr)
      for (int64_t i = 0; i < inputs; i += micro->mr) {
        const int64_t height = pj__min(micro->mr, inputs - i);
        const float *b = output + j * p->block;
        micro->tiles.tile[(height - 1) / micro->low](count, input + i / micro->mr * p->input_sliver,
                                                     b, products + i * FEATURES + j, FEATURES, add,
                                                     (const char *)b, 0);
      }
    input += p->input_place;
    output += p->output_place;
    products += p->product_place;
  }
}

static void tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Gradient *p = run->p;
  const PjConvShape *s = p->shape;
  char *at = pj__thread_scratch(&p->routine, run->scratch, thread);
  float *input = (float *)at, *output = (float *)(at + p->input_bytes);
  for (int64_t task = begin; task < end; ++task) {
    const int64_t blocks = p->in_blocks * p->out_blocks, part = task / blocks;
    const int64_t in = task % blocks / p->out_blocks * FEATURES,
                  out = task % p->out_blocks * FEATURES;
    const int64_t inputs = pj__min(FEATURES, s->batch - in),
                  outputs = pj__min(FEATURES, s->out_features - out);
    const int64_t from = part * p->part, to = pj__min(from + p->part, p->tiles);
    float *products = run->products + task * p->products;
    // Columns behind the last feature.
    memset(output, 0, (size_t)(PLACES * p->output_place) * sizeof(float));
    for (int64_t t = from; t < to; t += p->block) {
      const int64_t count = pj__min(p->block, to - t);
      turn_tiles(run, t, count, in, inputs, out, outputs, input, output);
      multiply(p, count, inputs, outputs, input, output, products, t > from);
    }
  }
}

// Rows of the result: input features.
static void turn_back(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Gradient *p = run->p;
  const PjConvShape *s = p->shape;
  bool finite = true;
  for (int64_t in = begin; in < end; ++in)
    for (int64_t out = 0; out < s->out_features; out += FEATURES) {
      const int64_t block = in / FEATURES * p->out_blocks + out / FEATURES;
      finite &= p->turns->gradient_window(
          pj__min(FEATURES, s->out_features - out),
          run->products + block * p->products + in % FEATURES * FEATURES, p->parts, p->sums,
          p->product_place, p->places, run->out + in * s->out_batch + out * s->out_feature);
    }
  if (!finite)
    *run->special = true;
}

static PjStatus run_gradient(const PjRoutine *self, PjThreads *threads, const void *const *in,
                             void *const *out, void *scratch) {
  const Gradient *p = (const Gradient *)self;
  const PjConvShape *s = p->shape;
  _Atomic bool special = false;
  Run run = {.p = p,
             .in = in[0],
             .gradient = in[1],
             .out = out[0],
             .products = scratch,
             .scratch = scratch,
             .special = &special};
  const int64_t count = p->in_blocks * p->out_blocks * p->parts;
  pj_threads_for(threads, count, pj__grain(count, (double)p->part * FEATURES * FEATURES * 2), tasks,
                 &run);
  pj_threads_for(threads, s->batch,
                 pj__grain(s->batch, (double)(s->out_features * PLACES * p->parts)), turn_back,
                 &run);
  return special ? p->exact->run(p->exact, threads, in, out, scratch) : PJ_STATUS_OK;
}

static bool is_for(const PjConvShape *s) {
  if (s->spatial != 2 || s->groups != 1 || s->comp != PJ_COMP_F32 || s->lhs_dtype != PJ_DT_F32 ||
      s->rhs_dtype != PJ_DT_F32 || s->out_dtype != PJ_DT_F32 || s->lhs_batch != 1 ||
      s->rhs_out != 1 || s->out_feature != 1 || s->batch % UNIT || s->out_features % UNIT ||
      s->batch < PJ_WINOGRAD_LEAST || s->out_features < PJ_WINOGRAD_LEAST)
    return false;
  for (int d = 0; d < 2; ++d)
    if (s->out[d] != 3 || s->stride[d] != 1 || s->in_dilation[d] != 1 || s->window_dilation[d] != 1)
      return false;
  return true;
}

// Whether fewer multiplications are worth the turns.
static bool gains(const Gradient *p) {
  const PjConvShape *s = p->shape;
  const double inputs = (double)s->batch, outputs = (double)s->out_features,
               tiles = (double)p->tiles, columns = (double)pj__divide_up(s->out_features, 32) * 32;
  const double turns = tiles * (inputs * (double)p->out_blocks * INPUT_WORK +
                                outputs * (double)p->in_blocks * OUTPUT_WORK) +
                       inputs * outputs * (double)p->parts * WINDOW_WORK;
  return (PLACES * tiles * inputs * columns + turns) * GAIN <
         9 * (double)s->features * (double)s->window_size * inputs * outputs;
}

const PjRoutine *pj__conv_winograd_gradient(PjArena *arena, const PjConvShape *s,
                                            const PjRoutine *exact) {
  if (!exact || !is_for(s))
    return NULL;
  Gradient *p = PJ_NEW(arena, Gradient);
  *p = (Gradient){.exact = exact,
                  .shape = s,
                  .turns = pj__winograd_turns(),
                  .micro = pj__micro(PJ_COMP_F32),
                  .rows = pj__divide_up(s->window[0], 2),
                  .cols = pj__divide_up(s->window[1], 2),
                  .block = pj_cpu_has(PJ_CPU_AVX512) ? TILES_WIDE : TILES,
                  .in_blocks = pj__divide_up(s->batch, FEATURES),
                  .out_blocks = pj__divide_up(s->out_features, FEATURES)};
  const int64_t mr = p->micro->mr, nr = p->micro->nr;
  p->tiles = s->features * p->rows * p->cols;
  const int64_t blocks = pj__divide_up(p->tiles, p->block),
                parts = pj__min(pj__divide_up(TASKS, p->in_blocks * p->out_blocks),
                                pj__divide_up(blocks, PART_BLOCKS));
  p->part = pj__divide_up(blocks, parts) * p->block;
  p->parts = pj__divide_up(p->tiles, p->part);
  for (int t = 0; t < 9; ++t)
    p->places[t] = t / 3 * s->out_spatial[0] + t % 3 * s->out_spatial[1];
  p->input_sliver = p->block * mr + PAD; // its last vector runs on
  p->input_place = pj__divide_up(FEATURES, mr) * p->input_sliver + PAD;
  p->output_place = pj__divide_up(FEATURES, nr) * nr * p->block + 2 * PAD;
  p->product_place = FEATURES * FEATURES + PAD;
  p->products = PLACES * p->product_place;
  p->sums = p->in_blocks * p->out_blocks * p->products;
  const double bytes = (double)p->sums * (double)p->parts * sizeof(float);
  if (bytes > MOST_BYTES || !gains(p))
    return NULL;
  p->input_bytes = pj__scratch_round((size_t)(PLACES * p->input_place) * sizeof(float));
  const size_t thread_bytes =
      p->input_bytes + pj__scratch_round((size_t)(PLACES * p->output_place) * sizeof(float));
  p->routine = (PjRoutine){.name = "conv_winograd", .run = run_gradient, .in_place = -1};
  p->routine.scratch_bytes =
      (size_t)pj__max((int64_t)pj__scratch_round((size_t)bytes), (int64_t)exact->scratch_bytes);
  p->routine.thread_scratch_bytes =
      (size_t)pj__max((int64_t)thread_bytes, (int64_t)exact->thread_scratch_bytes);
  return &p->routine;
}
