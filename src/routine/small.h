// Small real matrices by the vector: as many as a vector has lanes are factored or solved at once,
// matrix l in lane l. What one of these does to a matrix does not depend on the other lanes.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// |lanes| vectors of the widest instruction set at hand; element e of the matrices is vector e of
// an array, aligned to 64. Steps between rows and columns are in vectors and may be negative. No
// function allocates or fails; all are safe with any contents, infinities and NaN included.
typedef struct PjSmall {
  int lanes;

  // |to| gets elements 0 to size - 1 of |count| <= lanes matrices that lie |step| elements apart;
  // other lanes are zero. |room| elements may be read from |from| on, at least up to the last that
  // is wanted. |to| has size + lanes vectors.
  void (*load)(int64_t size, int count, const void *from, int64_t step, int64_t room, void *to);
  // The opposite. |from| has size + lanes vectors, of which the last |lanes| hold anything.
  void (*store)(int64_t size, int count, const void *from, void *to, int64_t step);

  // |to| gets the elements of one matrix, each in all lanes.
  void (*spread)(int64_t size, const void *from, void *to);

  // The lower triangle of |a| [n, n] becomes its Cholesky factor, by the operations of
  // pj_cholesky_lower for n <= 32 in their order. info[lane]: 0, or the order of the first leading
  // minor that is not positive; the lane is then undefined.
  void (*cholesky)(int64_t n, void *a, int64_t row, int64_t col, int32_t *info);
  // |l| x = |b| in place of |b| [n, m] by forward substitution, as pj_solve_lower does for n <= 32.
  void (*solve)(int64_t n, int64_t m, const void *l, int64_t row, int64_t col, bool unit, void *b,
                int64_t b_row, int64_t b_col);
  // |a| [m, n], row-major, becomes its LU factors with partial pivoting as xGETRF gives them: rows
  // are exchanged for the first largest element. pivots[k * lanes + lane]: the row that changed
  // places with row k, from 1, for k < min(m, n). info[lane]: 0, or the first k (from 1) whose
  // pivot is zero.
  void (*lu)(int64_t m, int64_t n, void *a, int32_t *pivots, int32_t *info);
  // |a| [m, n], row-major, becomes R and the reflectors below it, |tau| [min(m, n)] their factors,
  // with the signs of xGEQRF.
  void (*qr)(int64_t m, int64_t n, void *a, void *tau);
  // |a| [m, n], row-major, of n <= m columns of which the first k <= n hold reflectors, becomes the
  // first n columns of their product (xORGQR).
  void (*form_q)(int64_t m, int64_t n, int64_t k, void *a, const void *tau);
} PjSmall;

enum {
  PJ_SMALL_SIZE = 32, // up to which rows and columns the vectors stay in the cache
  // Up to which one matrix alone is faster so, in one lane, than by calls of LAPACK.
  PJ_SMALL_ALONE = 10,
  PJ_SMALL_LANES = 16 // at most so many
};

// For float, or |wide| for double.
const PjSmall *pj__small(bool wide);
