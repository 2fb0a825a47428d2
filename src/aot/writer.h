// Inside of the writer: what its files share.
#pragma once
#include "aot/write.h"
#include "base/map.h"
#include "emit/clike/clike.h"

typedef struct PjAotWriter {
  const PjSchedule *s;
  const PjKirTarget *target;
  const PjAotOptions *options;
  PjArena *arena, *kernels;
  PJ_VEC(const PjKir *) functions;
  PJ_VEC(const char *) names;
  PJ_VEC(size_t) scratch; // bytes, of the functions that are loops
  PjMap loops;            // by hash of the function
  bool *used, *swapped;   // slots
  size_t scratch_bytes;   // of any step
  size_t *weight; // by slot: where a constant begins in the file of weights, or PJ_AOT_INLINE
  size_t weights_bytes;
  PjStrBuf body, constants;
  int depth;
} PjAotWriter;

enum { PJ_AOT_WEIGHT_BYTES = 256 }; // smaller constants stay in the source
#define PJ_AOT_INLINE SIZE_MAX

// The C type of an element as it lies in memory. Complex numbers are two of it, the smallest types
// a byte.
const char *pj_aot__element_type(PjDtype dtype);

// --- data.c: constants
// Decides which constants go to the file of weights.
void pj_aot__place_weights(PjAotWriter *w);
// Appends all others, as arrays, and the contents of that file.
void pj_aot__print_constants(PjAotWriter *w, PjStrBuf *weights);

// --- steps.c
// A function of the source, and its number.
uint32_t pj_aot__add_function(PjAotWriter *w, const PjKir *k, const char *what);
// Notes which slots are in use, which change places, and how much scratch kernels need.
void pj_aot__survey(PjAotWriter *w, const PjSteps *steps);
PjStatus pj_aot__print_steps(PjAotWriter *w, const PjSteps *steps);
