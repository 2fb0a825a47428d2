// Comparing results with the evaluator's, within what perturbed runs did to those.
#pragma once
#include "base/str.h"
#include "eval/tensor.h"

// What the perturbed runs gave for one result: per number (complex ones are two) the least, the
// greatest, the largest distance to the evaluator's, whether NaN occurred, and which signs.
typedef struct Spread {
  size_t count;
  long double *least, *greatest, *distance;
  bool *nan, *plus, *minus;
} Spread;

typedef struct Mismatch {
  uint32_t result;
  int64_t element;   // the first that differs
  int64_t count;     // how many differ
  long double worst; // largest distance over what was allowed
} Mismatch;

// Equal bits, NaN aside: any NaN equals any other.
bool compare_equal(const PjTensor *want, const PjTensor *have);
// Equal bits, all of them.
bool compare_same_bits(const PjTensor *a, const PjTensor *b);

// |with|: the evaluator's result is one of the runs.
bool spread_init(Spread *spread, const PjTensor *want, bool with);
void spread_free(Spread *spread);
// Takes note of one more perturbed run.
void spread_add(Spread *spread, const PjTensor *want, const PjTensor *perturbed);
// True if each number of |have| is within twice the largest distance that a perturbed run had from
// |want|, or between the least and greatest. Otherwise |out| tells.
// |far|: of runs in which nothing overflows, for numbers that |want| has not (range.h); empty if
// there are none.
bool spread_allows(const Spread *spread, const Spread *far, const PjTensor *want,
                   const PjTensor *have, Mismatch *out);
// The first difference between results that must be equal.
void compare_find(const PjTensor *want, const PjTensor *have, Mismatch *out);

// Appends one element, floats in decimal and as bits.
void compare_print_element(PjStrBuf *out, const PjTensor *tensor, int64_t element);
