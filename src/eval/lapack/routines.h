// The routines of the targets, each for one matrix (call.h); the table in register.c gives their
// signatures.
#pragma once
#include "eval/lapack/call.h"

#ifdef PJ_HAVE_OPENBLAS
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
#endif

// Without LAPACK.
PjStatus pj_la_tridiagonal_perturbed(PjEval *ev, const PjOp *op, PjTensor *const *operands,
                                     PjTensor **results, void *user);
PjStatus pj_la_csr_dense(PjEval *ev, const PjOp *op, PjTensor *const *operands, PjTensor **results,
                         void *user);
