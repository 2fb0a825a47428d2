// Matrices of real and complex numbers and programs of one op, for tests of linear algebra.
#pragma once
#include <complex.h>

#include "evaluate.h"

typedef double _Complex Number;

// f32, f64, complex<f32>, complex<f64>.
extern const PjDtype linalg_types[4];
bool is_wide(PjDtype dtype); // whether its parts are f64

Number number_get(const PjTensor *t, int64_t i);
void number_set(PjTensor *t, int64_t i, Number value);
Number matrix_at(const PjTensor *t, int64_t b, int64_t i, int64_t j); // element [b, i, j]
PjTensor *random_matrix(PjDtype dtype, int64_t batch, int64_t rows, int64_t cols);
PjTensor *positive_definite(PjDtype dtype, int64_t batch, int64_t n);

typedef struct Result {
  PjDtype dtype;
  int32_t rank;
  int64_t dims[3];
} Result;

// Runs |op| (of the operands %a0, %a1 .., up to the types) on |in|; results have the given types
// and shapes.
void run_op(const char *op, uint32_t num_in, PjTensor *const *in, uint32_t num_out,
            const Result *results, PjTensor **out);
void release_all(uint32_t count, PjTensor **tensors);
// Fails the test unless |have| is |want| up to rounding of numbers of size |scale|.
void expect_number(Number have, Number want, PjDtype dtype, double scale);
