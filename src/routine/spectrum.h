// Eigenvalues of a symmetric matrix and singular values of any, without vectors: reduced here to
// two diagonals, whose values LAPACK finds. A reflection from both sides, and the products for the
// next one, take one or two passes over the matrix, where LAPACK's unblocked steps take four.
#pragma once
#include "routine/plan.h"

// Bytes up to which this is faster: LAPACK's blocks read larger matrices less often.
enum { PJ_SPECTRUM_BYTES = 1 << 20 };

// |wide|: double instead of float. Both return LAPACK's info: 0, -4 for a matrix with elements that
// are not finite, or how many off-diagonal elements did not converge. |scratch| is aligned to 64.
// Threads: the bits of results do not depend on how many there are.

// |values| [n], ascending, of the matrix whose lower triangle, or unless |lower| the upper one, is
// that of |a| [n, n], row-major.
int32_t pj__spectrum_symmetric(PjThreads *threads, bool wide, int64_t n, bool lower, const void *a,
                               void *values, void *scratch);
size_t pj__spectrum_symmetric_scratch(bool wide, int64_t n);
// |values| [min(m, n)], descending, of |a| [m, n], row-major.
int32_t pj__spectrum_general(bool wide, int64_t m, int64_t n, const void *a, void *values,
                             void *scratch);
size_t pj__spectrum_general_scratch(bool wide, int64_t m, int64_t n);
