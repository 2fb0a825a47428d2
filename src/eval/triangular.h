// Triangular matrices: solving and Cholesky factors, in blocks whose work is matrix products.
#pragma once
#include "eval/comp.h"

// Solves l * x = b in place of |b| [n, m], row-major without gaps. |l| [n, n] likewise; only its
// lower triangle is read, without the diagonal if |unit|. A zero on the diagonal gives infinities
// and NaNs. |comp| is not an integer type. |work| has pj_solve_work bytes, aligned to 64.
void pj_solve_lower(PjComp comp, int64_t n, int64_t m, const void *l, bool unit, void *b,
                    void *work);
// Its workspace; SIZE_MAX when that overflows.
size_t pj_solve_work(PjComp comp, int64_t n, int64_t m);

// Replaces the lower triangle of |a| [n, n] (Hermitian, only that triangle is read) by its Cholesky
// factor l, a = l * l^H. False when a pivot is not positive; |a| is then undefined. The strict
// upper triangle is undefined. |work| has pj_cholesky_work bytes, aligned to 64.
bool pj_cholesky_lower(PjComp comp, int64_t n, void *a, void *work);
size_t pj_cholesky_work(PjComp comp, int64_t n);

// Copies n x n elements, transposed and conjugated as asked: to[i, j] = conj?(from[j, i]?).
void pj_copy_square(PjComp comp, int64_t n, const void *from, bool transpose, bool conjugate,
                    void *to);
