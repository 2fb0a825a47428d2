// Eigenvalues and singular values on LAPACK. Matrices are column-major. A matrix with infinities or
// NaN is not handed to the iterations that might not end on it: its info is -4, upon which JAX
// fills the results with NaN.
#include "eval/blas.h"
#include "eval/lapack/routines.h"

#ifdef PJ_HAVE_LAPACK
#include <math.h>
#include <string.h>

#define TWO(A, B, ...) \
  void A(__VA_ARGS__); \
  void B(__VA_ARGS__)

TWO(sgesdd_, dgesdd_, const char *job, const int *m, const int *n, void *a, const int *lda, void *s,
    void *u, const int *ldu, void *vt, const int *ldvt, void *work, const int *lwork, int *iwork,
    int *info, size_t);
TWO(cgesdd_, zgesdd_, const char *job, const int *m, const int *n, void *a, const int *lda, void *s,
    void *u, const int *ldu, void *vt, const int *ldvt, void *work, const int *lwork, void *rwork,
    int *iwork, int *info, size_t);
TWO(sgesvd_, dgesvd_, const char *jobu, const char *jobvt, const int *m, const int *n, void *a,
    const int *lda, void *s, void *u, const int *ldu, void *vt, const int *ldvt, void *work,
    const int *lwork, int *info, size_t, size_t);
TWO(cgesvd_, zgesvd_, const char *jobu, const char *jobvt, const int *m, const int *n, void *a,
    const int *lda, void *s, void *u, const int *ldu, void *vt, const int *ldvt, void *work,
    const int *lwork, void *rwork, int *info, size_t, size_t);
TWO(ssyevd_, dsyevd_, const char *job, const char *uplo, const int *n, void *a, const int *lda,
    void *w, void *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t,
    size_t);
TWO(cheevd_, zheevd_, const char *job, const char *uplo, const int *n, void *a, const int *lda,
    void *w, void *work, const int *lwork, void *rwork, const int *lrwork, int *iwork,
    const int *liwork, int *info, size_t, size_t);
TWO(sgeev_, dgeev_, const char *jobvl, const char *jobvr, const int *n, void *a, const int *lda,
    void *wr, void *wi, void *vl, const int *ldvl, void *vr, const int *ldvr, void *work,
    const int *lwork, int *info, size_t, size_t);
TWO(cgeev_, zgeev_, const char *jobvl, const char *jobvr, const int *n, void *a, const int *lda,
    void *w, void *vl, const int *ldvl, void *vr, const int *ldvr, void *work, const int *lwork,
    void *rwork, int *info, size_t, size_t);
TWO(sgees_, dgees_, const char *job, const char *sort, const void *select, const int *n, void *a,
    const int *lda, int *sdim, void *wr, void *wi, void *vs, const int *ldvs, void *work,
    const int *lwork, int *bwork, int *info, size_t, size_t);
TWO(cgees_, zgees_, const char *job, const char *sort, const void *select, const int *n, void *a,
    const int *lda, int *sdim, void *w, void *vs, const int *ldvs, void *work, const int *lwork,
    void *rwork, int *bwork, int *info, size_t, size_t);

void dsterf_(const int *n, double *d, double *e, int *info);
TWO(slasq1_, dlasq1_, const int *n, void *d, void *e, void *work, int *info);

#define REAL(call, s, d)    ((call)->type == PJ_LA_S ? PJ_LA_SINGLE(s) : (d))
#define COMPLEX(call, c, z) ((call)->type == PJ_LA_C ? PJ_LA_SINGLE(c) : (z))

static int size_of(const PjLaCall *c, char letter) {
  return (int)pj_la_size(c, letter);
}
static void copy(PjLaCall *c, int64_t count) {
  if (!c->measure)
    memcpy(c->out[0], c->in[0], (size_t)count * pj_la_bytes(c));
}
static int64_t min64(int64_t a, int64_t b) {
  return a < b ? a : b;
}
static int64_t max64(int64_t a, int64_t b) {
  return a > b ? a : b;
}

// --- singular values -----------------------------------------------------------------------------

typedef struct Svd {
  PjLaCall *c;
  char mode;
  bool divide; // gesdd, else gesvd
  int m, n, ldu, ldvt;
  void *rwork;
  int *iwork;
} Svd;

static void svd_call(const Svd *v, void *work, int size) {
  PjLaCall *c = v->c;
  const char *job = &v->mode;
  const int *m = &v->m, *n = &v->n, *ldu = &v->ldu, *ldvt = &v->ldvt;
  void *a = c->out[0], *s = c->out[1], *u = c->out[2], *vt = c->out[3];
  int *info = (int *)c->out[4];
  if (v->divide && pj_la_is_complex(c))
    COMPLEX(c, cgesdd_, zgesdd_)
  (job, m, n, a, m, s, u, ldu, vt, ldvt, work, &size, v->rwork, v->iwork, info, 1);
  else if (v->divide) REAL(c, sgesdd_, dgesdd_)(job, m, n, a, m, s, u, ldu, vt, ldvt, work, &size,
                                                v->iwork, info, 1);
  else if (pj_la_is_complex(c)) COMPLEX(c, cgesvd_, zgesvd_)(
      job, job, m, n, a, m, s, u, ldu, vt, ldvt, work, &size, v->rwork, info, 1, 1);
  else REAL(c, sgesvd_, dgesvd_)(job, job, m, n, a, m, s, u, ldu, vt, ldvt, work, &size, info, 1,
                                 1);
}

static PjStatus svd(PjLaCall *c, bool divide) {
  Svd v = {.c = c, .divide = divide, .m = size_of(c, 'm'), .n = size_of(c, 'n')};
  const int64_t low = min64(v.m, v.n), high = max64(v.m, v.n);
  const int64_t u_cols = pj_la_size(c, 'u'), vt_rows = pj_la_size(c, 'v');
  PJ_TRY(pj_la_letter(c, "mode", "ASN", &v.mode));
  const int64_t need_u = v.mode == 'A'   ? v.m
                         : v.mode == 'S' ? low
                                         : 0,
                need_v = v.mode == 'A'   ? v.n
                         : v.mode == 'S' ? low
                                         : 0;
  if (u_cols < need_u || vt_rows < need_v)
    return PJ_OP_ERROR(c->op, INVALID_ARGUMENT,
                       "mode '%c' on %d x %d needs %lld columns of u and %lld rows of v, the "
                       "results have %lld and %lld",
                       v.mode, v.m, v.n, (long long)need_u, (long long)need_v, (long long)u_cols,
                       (long long)vt_rows);
  if (!low)
    return PJ_STATUS_OK;
  copy(c, (int64_t)v.m * v.n);
  if (!pj_la_all_finite(c, (int64_t)v.m * v.n, c->out[0])) {
    *(int *)c->out[4] = -4;
    return PJ_STATUS_OK;
  }
  v.ldu = v.m;
  v.ldvt = (int)max64(vt_rows, 1);
  // Sizes from the documentation of xGESDD and xGESVD, which do not tell them in their query.
  const int64_t rwork =
      divide ? max64(5 * low * low + 7 * low, 2 * high * low + 2 * low * low + low) : 5 * low;
  v.rwork = pj_la_is_complex(c) ? pj_la_scratch(c, rwork, pj_la_real_bytes(c)) : NULL;
  v.iwork = pj_la_scratch(c, 8 * low, sizeof(int));
  double answer[2];
  int size;
  svd_call(&v, answer, -1);
  void *work = pj_la_work(c, answer, &size);
  if (c->measure)
    return PJ_STATUS_OK;
  svd_call(&v, work, size);
  return PJ_STATUS_OK;
}

PjStatus pj_la_gesdd(PjLaCall *c) {
  return svd(c, true);
}
PjStatus pj_la_gesvd(PjLaCall *c) {
  return svd(c, false);
}

// --- Hermitian -----------------------------------------------------------------------------------

static void syevd_call(PjLaCall *c, char job, char uplo, int n, void *work, int lwork, void *rwork,
                       int lrwork, int *iwork, int liwork, int *info) {
  if (pj_la_is_complex(c))
    COMPLEX(c, cheevd_, zheevd_)
  (&job, &uplo, &n, c->out[0], &n, c->out[1], work, &lwork, rwork, &lrwork, iwork, &liwork, info, 1,
   1);
  else REAL(c, ssyevd_, dsyevd_)(&job, &uplo, &n, c->out[0], &n, c->out[1], work, &lwork, iwork,
                                 &liwork, info, 1, 1);
}

// Eigenvalues, and with mode V eigenvectors, of the matrix in |in|. |*info| is LAPACK's, -4 for a
// matrix that is not finite.
static void hermitian(PjLaCall *c, char mode, char uplo, int *info) {
  const int n = size_of(c, 'n');
  if (!n)
    return;
  copy(c, (int64_t)n * n);
  if (!pj_la_all_finite(c, (int64_t)n * n, c->out[0])) {
    *info = -4;
    return;
  }
  double answer[2], real_answer[1];
  int int_answer, size, real_size = 1;
  syevd_call(c, mode, uplo, n, answer, -1, real_answer, -1, &int_answer, -1, info);
  void *work = pj_la_work(c, answer, &size), *rwork = NULL;
  int *iwork = pj_la_scratch(c, int_answer, sizeof(int));
  if (pj_la_is_complex(c)) {
    const double real =
        pj_la_real_bytes(c) == 8 ? real_answer[0] : *(float *)real_answer * (1 + 0x1p-22);
    real_size = (int)real + 1;
    rwork = pj_la_scratch(c, real_size, pj_la_real_bytes(c));
  }
  if (!c->measure)
    syevd_call(c, mode, uplo, n, work, size, rwork, real_size, iwork, int_answer, info);
}

PjStatus pj_la_syevd(PjLaCall *c) {
  char mode, uplo;
  PJ_TRY(pj_la_letter(c, "mode", "NV", &mode));
  PJ_TRY(pj_la_letter(c, "uplo", "LU", &uplo));
  hermitian(c, mode, uplo, (int *)c->out[2]);
  return PJ_STATUS_OK;
}

static void fill_nan(PjLaCall *c, void *at, int64_t reals) {
  for (int64_t i = 0; i < reals; ++i) {
    if (pj_la_real_bytes(c) == 8)
      ((double *)at)[i] = NAN;
    else
      ((float *)at)[i] = NAN;
  }
}

// What torch_xla and TensorFlow write for any platform: vectors, then values in ascending order.
// The configuration is text, "lower,sort,iterations,tolerance"; LAPACK sorts always and has its own
// tolerance. Without an info among the results, what has none is NaN.
PjStatus pj_la_eigh(PjLaCall *c) {
  const PjAttr *config = PJ_ATTR(c->op, backend_config);
  if (!config || config->kind != PJ_ATTR_STRING || config->str.len < 2 ||
      config->str.ptr[1] != ',' || (config->str.ptr[0] != '0' && config->str.ptr[0] != '1'))
    return PJ_OP_ERROR(
        c->op, INVALID_ARGUMENT,
        "the configuration of Eigh is \"lower,sort,iterations,tolerance\", lower 0 or 1");
  int info = 0;
  hermitian(c, 'V', config->str.ptr[0] == '1' ? 'L' : 'U', &info);
  if (info && !c->measure) {
    const int64_t n = size_of(c, 'n');
    fill_nan(c, c->out[0], n * n * (pj_la_is_complex(c) ? 2 : 1));
    fill_nan(c, c->out[1], n);
  }
  return PJ_STATUS_OK;
}

int32_t pj_la_dsterf(int n, double *d, double *e) {
  int info;
  pj_blas_begin();
  dsterf_(&n, d, e, &info);
  pj_blas_end();
  return info;
}

int32_t pj_la_lasq1(bool wide, int n, void *d, void *e, void *work) {
  int info;
  pj_blas_begin();
  (wide ? dlasq1_ : PJ_LA_SINGLE(slasq1_))(&n, d, e, work, &info);
  pj_blas_end();
  return info;
}

// --- general -------------------------------------------------------------------------------------

// Eigenvectors of a real matrix come as columns of reals: a pair of columns holds the
// real and imaginary parts of one vector of a conjugate pair of eigenvalues.
#define UNPACK(NAME, T)                                                   \
  static void NAME(int n, const void *imag, const void *from, void *to) { \
    const T *wi = imag, *v = from;                                        \
    T *out = to;                                                          \
    for (int64_t j = 0; j < n; ++j) {                                     \
      const bool pair = wi[j] != 0 && j + 1 < n;                          \
      for (int64_t i = 0; i < n; ++i) {                                   \
        const T re = v[j * n + i], im = pair ? v[(j + 1) * n + i] : 0;    \
        out[2 * (j * n + i)] = re;                                        \
        out[2 * (j * n + i) + 1] = im;                                    \
        if (!pair)                                                        \
          continue;                                                       \
        out[2 * ((j + 1) * n + i)] = re;                                  \
        out[2 * ((j + 1) * n + i) + 1] = -im;                             \
      }                                                                   \
      j += pair;                                                          \
    }                                                                     \
  }
UNPACK(unpack_s, float)
UNPACK(unpack_d, double)

typedef struct Geev {
  PjLaCall *c;
  char left, right;
  int n;
  void *a, *vl, *vr, *rwork;
} Geev;

static void geev_call(const Geev *g, void *work, int size, int *info) {
  PjLaCall *c = g->c;
  if (pj_la_is_complex(c))
    COMPLEX(c, cgeev_, zgeev_)
  (&g->left, &g->right, &g->n, g->a, &g->n, c->out[0], g->vl, &g->n, g->vr, &g->n, work, &size,
   g->rwork, info, 1, 1);
  else REAL(c, sgeev_, dgeev_)(&g->left, &g->right, &g->n, g->a, &g->n, c->out[0], c->out[1], g->vl,
                               &g->n, g->vr, &g->n, work, &size, info, 1, 1);
}

PjStatus pj_la_geev(PjLaCall *c) {
  const bool complex = pj_la_is_complex(c);
  const int64_t n = pj_la_size(c, 'n');
  Geev g = {.c = c, .n = (int)n};
  int *info = (int *)c->out[complex ? 3 : 4], size;
  PJ_TRY(pj_la_letter(c, "compute_left", "NV", &g.left));
  PJ_TRY(pj_la_letter(c, "compute_right", "NV", &g.right));
  if (!n)
    return PJ_STATUS_OK;
  if (!pj_la_all_finite(c, n * n, c->in[0])) {
    *info = -4;
    return PJ_STATUS_OK;
  }
  g.a = pj_la_scratch(c, n * n, pj_la_bytes(c));
  if (!c->measure)
    memcpy(g.a, c->in[0], (size_t)(n * n) * pj_la_bytes(c));
  g.vl = complex ? c->out[1] : pj_la_scratch(c, n * n, pj_la_bytes(c));
  g.vr = complex ? c->out[2] : pj_la_scratch(c, n * n, pj_la_bytes(c));
  g.rwork = complex ? pj_la_scratch(c, 2 * n, pj_la_real_bytes(c)) : NULL;
  double answer[2];
  geev_call(&g, answer, -1, info);
  void *work = pj_la_work(c, answer, &size);
  if (c->measure)
    return PJ_STATUS_OK;
  geev_call(&g, work, size, info);
  if (!complex && *info == 0) {
    void (*const unpack)(int, const void *, const void *, void *) =
        c->type == PJ_LA_S ? unpack_s : unpack_d;
    if (g.left == 'V')
      unpack(g.n, c->out[1], g.vl, c->out[2]);
    if (g.right == 'V')
      unpack(g.n, c->out[1], g.vr, c->out[3]);
  }
  return PJ_STATUS_OK;
}

// --- Schur ---------------------------------------------------------------------------------------

static void gees_call(PjLaCall *c, char mode, int n, void *work, int size, void *rwork, int *info) {
  const char sort = 'N';
  int unused; // the number of selected eigenvalues: no order is asked for, so none
  if (pj_la_is_complex(c))
    COMPLEX(c, cgees_, zgees_)
  (&mode, &sort, NULL, &n, c->out[0], &n, &unused, c->out[2], c->out[1], &n, work, &size, rwork,
   NULL, info, 1, 1);
  else REAL(c, sgees_, dgees_)(&mode, &sort, NULL, &n, c->out[0], &n, &unused, c->out[2], c->out[3],
                               c->out[1], &n, work, &size, NULL, info, 1, 1);
}

PjStatus pj_la_gees(PjLaCall *c) {
  const int n = size_of(c, 'n');
  int *info = (int *)c->out[pj_la_is_complex(c) ? 4 : 5], size;
  char mode, sort;
  PJ_TRY(pj_la_letter(c, "mode", "NV", &mode));
  PJ_TRY(pj_la_letter(c, "sort", "N", &sort));
  if (!n)
    return PJ_STATUS_OK;
  copy(c, (int64_t)n * n);
  if (!pj_la_all_finite(c, (int64_t)n * n, c->out[0])) {
    *info = -4;
    return PJ_STATUS_OK;
  }
  void *rwork = pj_la_scratch(c, n, pj_la_real_bytes(c));
  double answer[2];
  gees_call(c, mode, n, answer, -1, rwork, info);
  void *work = pj_la_work(c, answer, &size);
  if (c->measure)
    return PJ_STATUS_OK;
  gees_call(c, mode, n, work, size, rwork, info);
  return PJ_STATUS_OK;
}
#endif
