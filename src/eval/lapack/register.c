// The table of targets: names as JAX 0.10 writes them, signatures as in call.h.
#include "eval/lapack/lapack.h"

#include "eval/lapack/routines.h"

#ifdef PJ_HAVE_LAPACK
#define REAL(NAME, SIGNATURE, ...)                             \
  {"lapack_s" NAME "_ffi", PJ_LA_S, SIGNATURE, __VA_ARGS__}, { \
    "lapack_d" NAME "_ffi", PJ_LA_D, SIGNATURE, __VA_ARGS__    \
  }
#define COMPLEX(NAME, SIGNATURE, ...)                          \
  {"lapack_c" NAME "_ffi", PJ_LA_C, SIGNATURE, __VA_ARGS__}, { \
    "lapack_z" NAME "_ffi", PJ_LA_Z, SIGNATURE, __VA_ARGS__    \
  }
#define ALL(NAME, SIGNATURE, ...) \
  REAL(NAME, SIGNATURE, __VA_ARGS__), COMPLEX(NAME, SIGNATURE, __VA_ARGS__)

static const PjLaTarget targets[] = {
    ALL("trsm", "Tss,Tmn>Tmn", pj_la_trsm, true),
    ALL("getrf", "Tmn>Tmn,IK,I", pj_la_getrf),
    ALL("geqrf", "Tmn>Tmn,TK", pj_la_geqrf),
    ALL("geqp3", "Tmn,In>Tmn,In,TK", pj_la_geqp3),
    REAL("orgqr", "Tmn,Tk>Tmn", pj_la_orgqr),
    COMPLEX("ungqr", "Tmn,Tk>Tmn", pj_la_orgqr),
    REAL("ormqr", "Tap,Tk,Tmn>Tmn", pj_la_ormqr),
    COMPLEX("unmqr", "Tap,Tk,Tmn>Tmn", pj_la_ormqr),
    ALL("potrf", "Tnn>Tnn,I", pj_la_potrf, true),
    ALL("gesdd", "Tmn>Tmn,RK,Tmu,Tvn,I", pj_la_gesdd),
    ALL("gesvd", "Tmn>Tmn,RK,Tmu,Tvn,I", pj_la_gesvd),
    REAL("syevd", "Tnn>Tnn,Rn,I", pj_la_syevd),
    COMPLEX("heevd", "Tnn>Tnn,Rn,I", pj_la_syevd),
    REAL("geev", "Tnn>Rn,Rn,Cnn,Cnn,I", pj_la_geev),
    COMPLEX("geev", "Tnn>Tn,Tnn,Tnn,I", pj_la_geev),
    REAL("gees", "Tnn>Tnn,Tnn,Rn,Rn,I,I", pj_la_gees),
    COMPLEX("gees", "Tnn>Tnn,Tnn,Tn,I,I", pj_la_gees),
    ALL("gehrd", "Tnn>Tnn,TP,I", pj_la_gehrd),
    REAL("sytrd", "Tnn>Tnn,Rn,RP,TP,I", pj_la_sytrd),
    COMPLEX("hetrd", "Tnn>Tnn,Rn,RP,TP,I", pj_la_sytrd),
    {"Eigh", PJ_LA_TYPES, "Tnn>Tnn,Rn", pj_la_eigh},
    {"Qr", PJ_LA_TYPES, "Tmn>Tmn,TK", pj_la_geqrf},
    {"ProductOfElementaryHouseholderReflectors", PJ_LA_TYPES, "Tmn,Tk>Tmn", pj_la_orgqr},
    ALL("gtsv", "Tm,Tm,Tm,Tmn>Tm,Tm,Tm,Tmn,I", pj_la_gtsv),
};
#endif

const PjLaTarget *pj_la_find(PjStr target) {
#ifdef PJ_HAVE_LAPACK
  for (size_t i = 0; i < sizeof targets / sizeof *targets; ++i)
    if (pj_str_is(target, targets[i].name))
      return &targets[i];
#endif
  return NULL;
}

bool pj_lapack_find(PjStr target, PjCustomCallFn **out_fn, void **out_user) {
  const PjLaTarget *found = pj_la_find(target);
  *out_user = (void *)(uintptr_t)found;
  *out_fn = found                                                  ? pj_la_custom_call
            : pj_str_is(target, "tridiagonal_solve_perturbed_ffi") ? pj_la_tridiagonal_perturbed
            : pj_str_is(target, "cpu_csr_sparse_dense_ffi")        ? pj_la_csr_dense
                                                                   : NULL;
  return *out_fn != NULL;
}
