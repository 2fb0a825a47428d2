// Winograd's algorithm with features last: a tile's features are a row of the product, which the
// micro-kernel reads as it lies, and output features its columns, in slivers.
#include "base/cpu.h"
#include "routine/conv_winograd.h"

enum {
  PLACES = PJ_WINOGRAD_PLACES,
  PAD = 16, // between rows and places whose distance is a power of two, else
  LINE = 64,
  MOST_ROWS = 12, // of a micro-kernel
  MOST_FEATURES = 2048,
  INPUT_BYTES = 128 << 10,      // of the turned input of a task, about
  INPUT_BYTES_WIDE = 256 << 10, // with AVX-512, whose processors have a larger second cache
};

static const float zeros[MOST_FEATURES] __attribute__((aligned(64)));

static void turn_window(const PjWinogradRun *run, int64_t unit, float *to) {
  const PjWinograd *p = run->p;
  const PjConvShape *s = p->shape;
  const int64_t first = unit * p->unit;
  p->turns->window(s->features, pj__min(p->unit, s->out_features - first), p->unit,
                   run->weights + s->rhs_start + first * s->rhs_out, p->taps, s->rhs_in, s->rhs_out,
                   to, p->unit, p->window_place);
}

static void turn_input(const PjWinogradRun *run, int64_t block, float *to, void *temp) {
  const PjWinograd *p = run->p;
  const PjConvShape *s = p->shape;
  const int64_t first = block * p->block, count = pj__min(p->block, p->tiles - first);
  for (int64_t t = 0; t < count; ++t, to += p->line) {
    const PjWinogradTile tile = pj__winograd_tile(p, first + t);
    const float *pixels[PLACES], *image = run->in + tile.image * s->lhs_batch;
    for (int e = 0; e < PLACES; ++e) {
      const int64_t y = tile.y + e / 4 * s->window_dilation[0] - s->low[0],
                    x = tile.x + e % 4 * s->window_dilation[1] - s->low[1];
      const bool inside = y >= 0 && y < s->in[0] && x >= 0 && x < s->in[1];
      pixels[e] = inside ? image + y * s->lhs_spatial[0] + x * s->lhs_spatial[1] : zeros;
    }
    p->turns->input_tile(s->features, pixels, to, p->input_place);
  }
}

// |beside| takes positions behind the last row and column. False if a result is not finite.
static bool turn_output(const PjWinogradRun *run, int64_t first, int64_t count, int64_t feature,
                        const float *from, float *beside) {
  const PjWinograd *p = run->p;
  const PjConvShape *s = p->shape;
  const int64_t nr = p->unit, features = pj__min(nr, s->out_features - feature);
  bool finite = true;
  for (int64_t t = 0; t < count; ++t, from += nr) {
    const PjWinogradTile tile = pj__winograd_tile(p, first + t);
    float *to[4], *image = run->out + tile.image * s->out_batch + feature;
    for (int i = 0; i < 4; ++i) {
      const int64_t y = tile.y + i / 2 * s->window_dilation[0],
                    x = tile.x + i % 2 * s->window_dilation[1];
      const bool inside = y < s->out[0] && x < s->out[1];
      to[i] = inside ? image + y * s->out_spatial[0] + x * s->out_spatial[1] : beside;
    }
    finite &= p->turns->output_tile(features, from, p->product_place, to);
  }
  return finite;
}

// The products of |count| tiles by a part of the window, in all places.
static void multiply(const PjWinograd *p, int64_t count, const float *a, const float *b, float *c) {
  const PjMicro *micro = p->micro;
  const int64_t features = p->shape->features;
  for (int e = 0; e < PLACES; ++e, a += p->input_place, b += p->window_place, c += p->product_place)
    for (int64_t f = 0; f < features; f += PJ_WINOGRAD_SUMS) {
      const int64_t sums = pj__min(PJ_WINOGRAD_SUMS, features - f),
                    all = sums * micro->nr * 4 / LINE;
      const float *of = b + f * micro->nr, *next = of + sums * micro->nr; // comes nearer meanwhile
      if (f + sums == features)
        next = e + 1 < PLACES ? b + p->window_place : NULL;
      for (int64_t i = 0, near = 0; i < count; i += micro->mr, near += sums) {
        const bool more = next && near < all;
        const int64_t height = pj__min(micro->mr, count - i);
        const void *lines[MOST_ROWS];
        for (int64_t r = 0; r < micro->mr; ++r)
          lines[r] = a + (i + r) * p->line + f;
        micro->tiles.lines[(height - 1) / micro->low](
            1, &sums, lines, of, c + i * micro->nr, micro->nr, f > 0,
            (const char *)(more ? next : of) + near * LINE, more ? LINE : 0);
      }
    }
}

static bool make_output(const PjWinogradRun *run, int64_t block, int64_t unit, const float *input,
                        const float *window, void *temp) {
  const PjWinograd *p = run->p;
  const int64_t first = block * p->block, count = pj__min(p->block, p->tiles - first);
  float *products = temp;
  multiply(p, count, input, window, products);
  return turn_output(run, first, count, unit * p->unit, products,
                     products + PLACES * p->product_place);
}

void pj__winograd_plan_last(PjWinograd *p) {
  const PjConvShape *s = p->shape;
  const int64_t mr = p->micro->mr, nr = p->micro->nr;
  p->window = turn_window;
  p->input = turn_input;
  p->output = make_output;
  p->unit = nr;
  p->units = pj__divide_up(s->out_features, nr);
  p->window_place = s->features * nr + 2 * PAD;
  p->window_size = PLACES * p->window_place;
  p->line = s->features + PAD;
  // Blocks alike, of whole tiles of the product.
  const int64_t bytes = pj_cpu_has(PJ_CPU_AVX512) ? INPUT_BYTES_WIDE : INPUT_BYTES;
  const int64_t most = pj__max(2, bytes / (PLACES * p->line * 4 * mr)) * mr;
  p->block = pj__divide_up(pj__divide_up(p->tiles, pj__divide_up(p->tiles, most)), mr) * mr;
  p->blocks = pj__divide_up(p->tiles, p->block);
  p->input_place = p->block * p->line;
  p->input_size = PLACES * p->input_place;
  p->product_place = p->block * nr + PAD;
  p->temp_bytes = (size_t)(PLACES * p->product_place + nr) * 4;
}
