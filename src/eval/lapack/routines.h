// The routines of the targets, each for one matrix (call.h); the table in register.c gives their
// signatures.
#pragma once
#include "eval/lapack/call.h"

#ifdef PJ_HAVE_LAPACK
PjStatus pj_la_getrf(PjLaCall *call);
PjStatus pj_la_geqrf(PjLaCall *call);
PjStatus pj_la_geqp3(PjLaCall *call);
PjStatus pj_la_orgqr(PjLaCall *call);
PjStatus pj_la_ormqr(PjLaCall *call);
PjStatus pj_la_potrf(PjLaCall *call);
PjStatus pj_la_gehrd(PjLaCall *call);
PjStatus pj_la_sytrd(PjLaCall *call);
PjStatus pj_la_gtsv(PjLaCall *call);
PjStatus pj_la_trsm(PjLaCall *call);
PjStatus pj_la_gesdd(PjLaCall *call);
PjStatus pj_la_gesvd(PjLaCall *call);
PjStatus pj_la_syevd(PjLaCall *call);
PjStatus pj_la_eigh(PjLaCall *call);
PjStatus pj_la_geev(PjLaCall *call);
PjStatus pj_la_gees(PjLaCall *call);

// Eigenvalues, ascending, of the symmetric tridiagonal matrix of |d| [n] and |e| [n - 1], in place
// of |d|; |e| is used up. Returns LAPACK's info.
int32_t pj_la_dsterf(int n, double *d, double *e);
// Singular values, descending, of the upper bidiagonal one; |work| is [4 n]. |wide|: double, else
// float, unless PJ_LA_ONLY_DOUBLE.
int32_t pj_la_lasq1(bool wide, int n, void *d, void *e, void *work);
#endif

// Without LAPACK.
PjStatus pj_la_tridiagonal_perturbed(PjEval *ev, const PjOp *op, PjTensor *const *operands,
                                     PjTensor **results, void *user);
PjStatus pj_la_csr_dense(PjEval *ev, const PjOp *op, PjTensor *const *operands, PjTensor **results,
                         void *user);
