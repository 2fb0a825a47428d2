// Winograd's algorithm with features first: output features are the rows of the product, of the
// turned window as it lies, and a sliver of neighbouring tiles its columns.
//
// Tiles run on from row to row and image to image. Rows of the input are copied between zeros, so
// that tiles at the edges are like all others.
#include <string.h>

#include "routine/conv_winograd.h"

enum {
  PLACES = PJ_WINOGRAD_PLACES,
  UNIT = PJ_WINOGRAD_UNIT,
  PAD = 16,               // between rows and places whose distance is a power of two, else
  BEHIND = 80,            // elements that are read behind a row
  PART_ROWS = 48,         // a multiple of every kernel's mr
  PART_BYTES = 832 << 10, // of the turned window, where it stays
  LINE = 64,
  MOST_ROWS = 12, // of a micro-kernel
  MOST_STRIPS = 32,
};

// Tiles side by side in one row.
typedef struct Strip {
  int64_t lane, count;
  PjWinogradTile tile; // the first
} Strip;

static void turn_window(const PjWinogradRun *run, int64_t unit, float *to) {
  const PjWinograd *p = run->p;
  const PjConvShape *s = p->shape;
  const int64_t first = unit * p->unit, rows = pj__min(p->unit, s->out_features - first);
  p->turns->window(rows, s->features, pj__divide_up(s->features, UNIT) * UNIT,
                   run->weights + s->rhs_start + first * s->rhs_out, p->taps, s->rhs_out, s->rhs_in,
                   to, p->line, p->window_place);
}

static int64_t list_strips(const PjWinograd *p, int64_t block, Strip *strips) {
  const int64_t first = block * p->block, count = pj__min(p->block, p->tiles - first);
  int64_t num = 0;
  for (int64_t lane = 0; lane < count; lane += strips[num++].count) {
    const PjWinogradTile tile = pj__winograd_tile(p, first + lane);
    strips[num] = (Strip){lane, pj__min(count - lane, p->cols - tile.x / 2), tile};
  }
  return num;
}

// Feature by feature; lanes behind the last tile are zero.
static void turn_input(const PjWinogradRun *run, int64_t block, float *to, void *temp) {
  const PjWinograd *p = run->p;
  const PjConvShape *s = p->shape;
  const int64_t nr = p->micro->nr, width = 2 * p->cols + 2, low = s->low[1];
  const int64_t left = pj__min(width, pj__max(0, low)),
                have = pj__max(0, pj__min(width, s->in[1] + low) - left);
  Strip strips[MOST_STRIPS];
  const int64_t num = list_strips(p, block, strips);
  float *buffer = temp; // four rows, and one of zeros
  const float *zeros = buffer + 4 * p->buffer_line;
  memset(buffer, 0, (size_t)(5 * p->buffer_line) * 4);
  const int64_t lanes = strips[num - 1].lane + strips[num - 1].count;
  for (int64_t f = 0; f < s->features; ++f, to += nr) {
    const float *feature = run->in + f * s->lhs_feature;
    int64_t filled = -1, image = -1; // the last row in the buffer
    for (int64_t i = 0; i < num; ++i) {
      const Strip *strip = &strips[i];
      const float *rows[4];
      if (strip->tile.image != image)
        filled = -1;
      image = strip->tile.image;
      for (int64_t r = 0; r < 4; ++r) {
        const int64_t at = strip->tile.y + r, y = at - s->low[0];
        float *line = buffer + at % 4 * p->buffer_line;
        const bool inside = y >= 0 && y < s->in[0] && have > 0;
        rows[r] = (inside ? line : zeros) + strip->tile.x;
        if (inside && at > filled)
          p->turns->copy_row(have,
                             feature + image * s->lhs_batch + y * s->lhs_spatial[0] + (left - low),
                             line + left);
      }
      filled = strip->tile.y + 3;
      p->turns->input_row(strip->count, rows, to + strip->lane, p->input_place);
    }
    if (lanes < nr) {
      const float *const none[] = {zeros, zeros, zeros, zeros};
      p->turns->input_row(nr - lanes, none, to + lanes, p->input_place);
    }
  }
}

// False if a result is not finite.
static bool turn_output(const PjWinogradRun *run, int64_t num, const Strip *strips, int64_t feature,
                        int64_t rows, const float *from, float *beside) {
  const PjWinograd *p = run->p;
  const PjConvShape *s = p->shape;
  const int64_t nr = p->micro->nr;
  bool finite = true;
  for (int64_t r = 0; r < rows; ++r, from += nr) {
    finite &= p->turns->output_row(nr, from, p->product_place, beside, 2 * nr);
    float *out = run->out + (feature + r) * s->out_feature;
    for (int64_t i = 0; i < num; ++i) {
      const Strip *strip = &strips[i];
      const int64_t y = strip->tile.y, x = strip->tile.x;
      float *to = out + strip->tile.image * s->out_batch + y * s->out_spatial[0] + x;
      const int64_t n = pj__min(2 * strip->count, s->out[1] - x);
      p->turns->copy_row(n, beside + 2 * strip->lane, to);
      if (y + 1 < s->out[0])
        p->turns->copy_row(n, beside + 2 * (nr + strip->lane), to + s->out_spatial[0]);
    }
  }
  return finite;
}

// The products of |rows| output features by a block of the input, in all places.
static void multiply(const PjWinograd *p, int64_t rows, const float *a, const float *b, float *c) {
  const PjMicro *micro = p->micro;
  const int64_t features = p->shape->features;
  for (int e = 0; e < PLACES; ++e, b += p->input_place, c += p->product_place) {
    const float *next = a + p->window_place;
    for (int64_t f = 0; f < features; f += PJ_WINOGRAD_SUMS) {
      const int64_t sums = pj__min(PJ_WINOGRAD_SUMS, features - f);
      for (int64_t i = 0; i < rows; i += micro->mr) {
        const int64_t height = pj__min(micro->mr, rows - i);
        const void *lines[MOST_ROWS];
        for (int64_t r = 0; r < micro->mr; ++r)
          lines[r] = a + pj__min(i + r, rows - 1) * p->line + f;
        micro->tiles.lines[(height - 1) / micro->low](
            1, &sums, lines, b + f * micro->nr, c + i * micro->nr, micro->nr, f > 0,
            (const char *)(i + micro->mr < rows ? a + (i + micro->mr) * p->line : next), LINE);
      }
    }
    a = next;
  }
}

static bool make_output(const PjWinogradRun *run, int64_t block, int64_t unit, const float *input,
                        const float *window, void *temp) {
  const PjWinograd *p = run->p;
  const int64_t first = unit * p->unit, rows = pj__min(p->unit, p->shape->out_features - first);
  float *products = temp;
  Strip strips[MOST_STRIPS];
  const int64_t num = list_strips(p, block, strips);
  multiply(p, rows, window, input, products);
  return turn_output(run, num, strips, first, rows, products, products + PLACES * p->product_place);
}

void pj__winograd_plan_first(PjWinograd *p) {
  const PjConvShape *s = p->shape;
  const int64_t mr = p->micro->mr, nr = p->micro->nr;
  p->window = turn_window;
  p->input = turn_input;
  p->output = make_output;
  p->line = pj__divide_up(s->features, UNIT) * UNIT + PAD;
  const int64_t fits = PART_BYTES / (PLACES * p->line * 4 * mr) * mr;
  p->unit = p->input_first ? pj__max(mr, pj__min(fits, PART_ROWS)) : PART_ROWS;
  p->units = pj__divide_up(s->out_features, p->unit);
  p->window_place = p->unit * p->line + PAD;
  p->window_size = PLACES * p->window_place;
  p->block = nr;
  p->blocks = pj__divide_up(p->tiles, nr);
  p->input_place = (s->features + 1) * nr + PAD;
  p->input_size = PLACES * p->input_place;
  p->product_place = PART_ROWS * nr + PAD;
  p->buffer_line = 2 * p->cols + 2 + BEHIND;
  p->temp_bytes =
      (size_t)pj__max(PLACES * p->product_place + 4 * nr, 5 * p->buffer_line) * sizeof(float);
}
