// A convolution by Winograd's algorithm: what its two ways share (conv_winograd.c says what it is).
#pragma once
#include <stdatomic.h>

#include "routine/conv.h"

enum {
  PJ_WINOGRAD_PLACES = 16,
  PJ_WINOGRAD_UNIT = 16,  // a multiple of every vector's elements
  PJ_WINOGRAD_SUMS = 256, // features that are summed up by themselves: it bounds the error
  PJ_WINOGRAD_LEAST = 64, // features below which the direct sum is the more exact one
};

// See conv_winograd_variant.h.
typedef struct PjWinogradTurns {
  void (*window)(int64_t rows, int64_t count, int64_t width, const float *w, const int64_t *places,
                 int64_t row, int64_t lane, float *to, int64_t to_row, int64_t step);
  // Features last.
  void (*input_tile)(int64_t features, const float *const *pixels, float *to, int64_t step);
  bool (*output_tile)(int64_t features, const float *from, int64_t step, float *const *to);
  // Features first.
  void (*input_row)(int64_t count, const float *const *rows, float *to, int64_t step);
  bool (*output_row)(int64_t count, const float *from, int64_t step, float *to, int64_t to_row);
  void (*copy_row)(int64_t n, const float *from, float *to);
  // The gradient by the window.
  void (*gradient_input)(int64_t features, int64_t height, const float *const *pixels, float *to,
                         int64_t sliver, int64_t step);
  void (*gradient_output)(int64_t features, int64_t width, const float *const *pixels, float *to,
                          int64_t sliver, int64_t step);
  bool (*gradient_window)(int64_t features, const float *from, int64_t parts, int64_t part,
                          int64_t step, const int64_t *places, float *to);
} PjWinogradTurns;
// The best ones here.
const PjWinogradTurns *pj__winograd_turns(void);

typedef struct PjWinograd PjWinograd;
typedef struct PjWinogradRun PjWinogradRun;
// Turns the input of a block of tiles.
typedef void PjWinogradInput(const PjWinogradRun *run, int64_t block, float *to, void *temp);
// Turns the part of the window that has the output features of |unit|.
typedef void PjWinogradWindow(const PjWinogradRun *run, int64_t unit, float *to);
// Multiplies both and stores what that makes of the output. False if a result is not finite.
typedef bool PjWinogradOutput(const PjWinogradRun *run, int64_t block, int64_t unit,
                              const float *input, const float *window, void *temp);

struct PjWinograd {
  PjRoutine routine;
  const PjRoutine *exact; // what is not finite
  const PjConvShape *shape;
  const PjWinogradTurns *turns;
  const PjMicro *micro;
  int64_t taps[9];           // of the window, in elements
  int64_t phases;            // of an image, as dilation has it
  int64_t rows, cols, tiles; // of tiles: of a phase; of all images
  bool input_first;          // all of the input is turned first, else the window
  // Set by the ways' plans.
  PjWinogradInput *input;
  PjWinogradWindow *window;
  PjWinogradOutput *output;
  int64_t block, blocks;             // tiles of a block
  int64_t unit, units;               // output features
  int64_t window_place, window_size; // elements from place to place of a turned part; of one
  int64_t input_place, input_size;   // the same of a block of the input
  int64_t line;                      // from row to row of what lies in rows
  int64_t product_place;
  int64_t buffer_line; // features first: elements of a row of the input in a buffer
  size_t temp_bytes;   // of a thread
};

struct PjWinogradRun {
  const PjWinograd *p;
  const float *in, *weights;
  float *out, *turned; // all of the window, or of the input
  char *scratch;
  int64_t parts, part; // of the units: a task has |part| of them
  _Atomic bool *special;
};

// Completes the plan for features last and for features first.
void pj__winograd_plan_last(PjWinograd *p);
void pj__winograd_plan_first(PjWinograd *p);

typedef struct PjWinogradTile {
  int64_t image, y, x; // its first position
} PjWinogradTile;
static inline PjWinogradTile pj__winograd_tile(const PjWinograd *p, int64_t index) {
  const int64_t *step = p->shape->window_dilation, at = index % (p->rows * p->cols),
                phase = index / (p->rows * p->cols);
  return (PjWinogradTile){phase / p->phases,
                          at / p->cols * 2 * step[0] + phase % p->phases / step[1],
                          at % p->cols * 2 * step[1] + phase % step[1]};
}
