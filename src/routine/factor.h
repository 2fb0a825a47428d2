// Triangular systems and factors of one large real matrix, in blocks whose work is that of the
// packed product's micro-kernels (gemm.h), by all threads.
//
// What is computed is defined by the sizes alone, so results have the same bits for any number of
// threads. |wide|: double instead of float. |scratch| has the bytes that the function beside says,
// aligned to 64; several may run at once, each with its own. No function allocates or fails.
#pragma once
#include "routine/plan.h"

// Where the other routines gain nothing from blocks: fewer rows and columns than this.
enum { PJ_FACTOR_LEAST = 48 };

// The triangle of |a| [n, n], row-major, becomes its Cholesky factor: l of l * l^T, or, unless
// |lower|, u of u^T * u. The other triangle is neither read nor written. Returns 0, or the order of
// the first leading minor that is not positive; what has been written then is undefined.
int32_t pj__factor_cholesky(PjThreads *threads, bool wide, int64_t n, bool lower, void *a,
                            void *scratch);
size_t pj__factor_cholesky_scratch(bool wide, int64_t n);

// |a| [m, n], row-major, becomes its LU factors with partial pivoting as xGETRF gives them.
// |pivots| [min(m, n)]: the row that changed places with row k, from 1. Returns 0, or the first k
// (from 1) whose pivot is zero.
int32_t pj__factor_lu(PjThreads *threads, bool wide, int64_t m, int64_t n, void *a, int32_t *pivots,
                      void *scratch);
size_t pj__factor_lu_scratch(bool wide, int64_t m, int64_t n);

// A triangular matrix of order |n|; element (i, j) lies i * row + j * col elements from |at|, and
// one of |row| and |col| is 1.
typedef struct PjFactorTriangle {
  const void *at;
  int64_t n, row, col;
  bool lower, unit;
} PjFactorTriangle;
// Solves |t| x = |b| in place of |b| [n, m], whose strides are |row| and |col|, one of them 1.
void pj__factor_solve(PjThreads *threads, bool wide, const PjFactorTriangle *t, int64_t m, void *b,
                      int64_t row, int64_t col, void *scratch);
size_t pj__factor_solve_scratch(bool wide, int64_t n, int64_t m);

// ---- shared by the files of these
// A sliver holds |micro.nr| columns of a matrix, row by row; a triangle is packed as what the rows
// of each tile multiply, and solved by: a tile of rows at a time.
typedef struct PjFactorKernels {
  // to[p * step + j] = the element of row p and column j, |from| [p * row + j * col], or its
  // negative, for rows p < k and columns j < cols <= nr; others up to nr are zero. One of |row| and
  // |col| is 1. And the opposite.
  void (*take)(int64_t k, int64_t cols, const void *from, int64_t row, int64_t col, bool negate,
               void *to, int64_t step);
  void (*give)(int64_t k, int64_t cols, const void *from, int64_t step, void *to, int64_t row,
               int64_t col);
  // A tile's square of a triangle: |c| [mr] rows of a sliver that hold what is to be solved,
  // negated, become the solution. |square| [mr, mr], column by column; |diagonal| [mr] holds
  // negative reciprocals, or, to |divide| by, negative elements.
  void (*solve)(const void *square, const void *diagonal, bool lower, bool divide, void *c);
  // The negatives of |slivers| [.., k, nr], columns of one matrix, as rows for micro-kernels:
  // |tiles| of mr each, |step| elements apart, with room for a vector behind each. Tiles end where
  // slivers do.
  void (*left)(int64_t k, int64_t slivers, const void *from, int64_t tiles, int64_t step, void *to);
  // The same of |rows| rows of columns that are |column| elements apart. What fills up the last
  // tile is what lies there, for a vector may be read behind the last row.
  void (*left_columns)(int64_t k, int64_t rows, const void *from, int64_t column, int64_t step,
                       void *to);
  // u of u^T * u in place of a dense [n, n] whose upper triangle is there, |row| elements a row, a
  // multiple of a vector. As pj__factor_cholesky.
  int32_t (*cholesky)(int64_t n, void *a, int64_t row);
  // The LU factors of |n| columns of |rows| >= n elements, |column| apart, whole vectors with zeros
  // behind the last row. |pivots| and what it returns are as pj__factor_lu's.
  int32_t (*lu)(int64_t rows, int64_t n, void *a, int64_t column, int32_t *pivots);
  // Columns [0, cols) of rows k and pivots[k] - 1 of |a| change places, for k < count in turn.
  void (*swap)(int64_t count, const int32_t *pivots, int64_t cols, void *a, int64_t row);
} PjFactorKernels;
const PjFactorKernels *pj__factor_kernels(bool wide);

// |t| packed: its tiles' rows, their diagonals and whether to divide by those.
typedef struct PjFactorPacked {
  int64_t n; // filled up to whole tiles
  bool lower;
  char *rows, *diagonal;
  bool *divide;
} PjFactorPacked;
size_t pj__factor_pack_bytes(bool wide, int64_t n);
// Where the parts of a packed triangle lie in |memory|, of pj__factor_pack_bytes.
PjFactorPacked pj__factor_packed(bool wide, int64_t n, bool lower, void *memory);
// Packs tiles [begin, end) of |t|.
void pj__factor_pack(bool wide, const PjFactorTriangle *t, const PjFactorPacked *packed,
                     int64_t begin, int64_t end);
// Solves for one sliver of packed->n rows, which holds the negatives of the right sides.
void pj__factor_solve_sliver(bool wide, const PjFactorPacked *packed, void *sliver);
// The tile of |rows| x |cols| at |c|, |c_row| elements a row, += |a| x the sliver |b|, over |k|, of
// what |triangle| says: 0, all; 1, where column >= row + |shift|; -1, where column <= row +
// |shift|.
void pj__factor_tile(bool wide, int64_t k, const void *a, const void *b, void *c, int64_t c_row,
                     int64_t rows, int64_t cols, int triangle, int64_t shift);
