// Triangular matrices: solving and Cholesky factors, in blocks whose work is matrix products.
#pragma once
#include "eval/comp.h"

// Solves l * x = b in place of |b| [n, m], row-major without gaps. |l| [n, n] likewise; only its
// lower triangle is read, without the diagonal if |unit|. A zero on the diagonal gives infinities
// and NaNs. |comp| is not an integer type.
void pj_solve_lower(PjEval *ev, PjComp comp, int64_t n, int64_t m, const void *l, bool unit,
                    void *b);

// Replaces the lower triangle of |a| [n, n] (Hermitian, only that triangle is read) by its Cholesky
// factor l, a = l * l^H. False when a pivot is not positive; |a| is then undefined. The strict
// upper triangle is undefined.
bool pj_cholesky_lower(PjEval *ev, PjComp comp, int64_t n, void *a);

// Copies n x n elements, transposed and conjugated as asked: to[i, j] = conj?(from[j, i]?).
void pj_copy_square(PjComp comp, int64_t n, const void *from, bool transpose, bool conjugate,
                    void *to);
