// A convolution by Winograd's algorithm: what its two ways share (conv_winograd.c says what it is).
#pragma once
#include <stdatomic.h>

#include "routine/conv.h"

enum {
  PJ_WINOGRAD_PLACES = 16,
  PJ_WINOGRAD_UNIT = 16, // a multiple of every vector's elements
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
} PjWinogradTurns;

typedef struct PjWinograd {
  PjRoutine routine;
  const PjRoutine *exact; // what is not finite
  const PjConvShape *shape;
  const PjWinogradTurns *turns;
  const PjMicro *micro;
  int64_t taps[9];           // of the window, in elements
  int64_t rows, cols, tiles; // of tiles: of an image; of all images
  // Set by the ways' plans.
  PjRangeFn *window_tasks, *tasks;
  int64_t block, blocks;        // tiles of a task
  int64_t unit, units;          // output features that a part of the window has, and how many parts
  int64_t window_place, window; // elements from place to place of a turned part; of all parts
  int64_t line, input_place;    // from row to row of what lies in rows; of the turned input
  size_t input_bytes, product_bytes, lines_bytes; // of a thread
  size_t beside_bytes;
  int64_t product_place; // elements from place to place of the products
  int64_t buffer_line;   // of a row of the input in a buffer
} PjWinograd;

typedef struct PjWinogradRun {
  const PjWinograd *p;
  const float *in, *weights;
  float *out, *window;
  char *scratch;
  int64_t parts, part; // of the units: a task has |part| of them
  _Atomic bool *special;
} PjWinogradRun;

// Completes the plan for features last and for features first.
void pj__winograd_plan_last(PjWinograd *p);
void pj__winograd_plan_first(PjWinograd *p);

typedef struct PjWinogradTile {
  int64_t image, y, x; // its first position
} PjWinogradTile;
static inline PjWinogradTile pj__winograd_tile(const PjWinograd *p, int64_t index) {
  const int64_t image = index / (p->rows * p->cols), at = index % (p->rows * p->cols);
  return (PjWinogradTile){image, at / p->cols * 2, at % p->cols * 2};
}
