// Factorisations and solvers on LAPACK: LU, QR, Cholesky, Hessenberg, tridiagonal forms, triangular
// and tridiagonal systems. Matrices are column-major; results are exactly LAPACK's, ipiv and jpvt
// from 1.
#include "eval/lapack/routines.h"

#ifdef PJ_HAVE_LAPACK
#include <string.h>

#define FOUR(NAME, ...)      \
  void s##NAME(__VA_ARGS__); \
  void d##NAME(__VA_ARGS__); \
  void c##NAME(__VA_ARGS__); \
  void z##NAME(__VA_ARGS__)
#define TWO(A, B, ...) \
  void A(__VA_ARGS__); \
  void B(__VA_ARGS__)

// Fortran: every argument by reference, then a length per character argument.
FOUR(getrf_, const int *m, const int *n, void *a, const int *lda, int *ipiv, int *info);
FOUR(geqrf_, const int *m, const int *n, void *a, const int *lda, void *tau, void *work,
     const int *lwork, int *info);
TWO(sgeqp3_, dgeqp3_, const int *m, const int *n, void *a, const int *lda, int *jpvt, void *tau,
    void *work, const int *lwork, int *info);
TWO(cgeqp3_, zgeqp3_, const int *m, const int *n, void *a, const int *lda, int *jpvt, void *tau,
    void *work, const int *lwork, void *rwork, int *info);
TWO(sorgqr_, dorgqr_, const int *m, const int *n, const int *k, void *a, const int *lda,
    const void *tau, void *work, const int *lwork, int *info);
TWO(cungqr_, zungqr_, const int *m, const int *n, const int *k, void *a, const int *lda,
    const void *tau, void *work, const int *lwork, int *info);
TWO(sormqr_, dormqr_, const char *side, const char *trans, const int *m, const int *n, const int *k,
    const void *a, const int *lda, const void *tau, void *c, const int *ldc, void *work,
    const int *lwork, int *info, size_t, size_t);
TWO(cunmqr_, zunmqr_, const char *side, const char *trans, const int *m, const int *n, const int *k,
    const void *a, const int *lda, const void *tau, void *c, const int *ldc, void *work,
    const int *lwork, int *info, size_t, size_t);
FOUR(potrf_, const char *uplo, const int *n, void *a, const int *lda, int *info, size_t);
FOUR(gehrd_, const int *n, const int *low, const int *high, void *a, const int *lda, void *tau,
     void *work, const int *lwork, int *info);
TWO(ssytrd_, dsytrd_, const char *uplo, const int *n, void *a, const int *lda, void *d, void *e,
    void *tau, void *work, const int *lwork, int *info, size_t);
TWO(chetrd_, zhetrd_, const char *uplo, const int *n, void *a, const int *lda, void *d, void *e,
    void *tau, void *work, const int *lwork, int *info, size_t);
FOUR(gtsv_, const int *n, const int *nrhs, void *dl, void *d, void *du, void *b, const int *ldb,
     int *info);
FOUR(trsm_, const char *side, const char *uplo, const char *trans, const char *diag, const int *m,
     const int *n, const void *alpha, const void *a, const int *lda, void *b, const int *ldb,
     size_t, size_t, size_t, size_t);

#define TABLE(name, s, d, c, z) \
  static __typeof__(&s) const name##table[PJ_LA_TYPES] = {PJ_LA_SINGLE(s), d, PJ_LA_SINGLE(c), z}
TABLE(getrf_, sgetrf_, dgetrf_, cgetrf_, zgetrf_);
TABLE(geqrf_, sgeqrf_, dgeqrf_, cgeqrf_, zgeqrf_);
TABLE(orgqr_, sorgqr_, dorgqr_, cungqr_, zungqr_);
TABLE(ormqr_, sormqr_, dormqr_, cunmqr_, zunmqr_);
TABLE(potrf_, spotrf_, dpotrf_, cpotrf_, zpotrf_);
TABLE(gehrd_, sgehrd_, dgehrd_, cgehrd_, zgehrd_);
TABLE(sytrd_, ssytrd_, dsytrd_, chetrd_, zhetrd_);
TABLE(gtsv_, sgtsv_, dgtsv_, cgtsv_, zgtsv_);
TABLE(trsm_, strsm_, dtrsm_, ctrsm_, ztrsm_);

static int size_of(const PjLaCall *c, char letter) {
  return (int)pj_la_size(c, letter);
}
static int at_least_1(int n) {
  return n > 0 ? n : 1;
}

// The first result starts as a copy of operand |i|.
static void copy(PjLaCall *c, int i, int64_t count) {
  if (!c->measure)
    memcpy(c->out[0], c->in[i], (size_t)count * pj_la_bytes(c));
}

PjStatus pj_la_getrf(PjLaCall *c) {
  const int m = size_of(c, 'm'), n = size_of(c, 'n');
  if (!m || !n || c->measure)
    return PJ_STATUS_OK;
  copy(c, 0, (int64_t)m * n);
  getrf_table[c->type](&m, &n, c->out[0], &m, (int *)c->out[1], (int *)c->out[2]);
  return PJ_STATUS_OK;
}

PjStatus pj_la_geqrf(PjLaCall *c) {
  const int m = size_of(c, 'm'), n = size_of(c, 'n'), query = -1;
  int size, info;
  double answer[2];
  if (!m || !n)
    return PJ_STATUS_OK;
  copy(c, 0, (int64_t)m * n);
  geqrf_table[c->type](&m, &n, c->out[0], &m, c->out[1], answer, &query, &info);
  void *work = pj_la_work(c, answer, &size);
  if (c->measure)
    return PJ_STATUS_OK;
  geqrf_table[c->type](&m, &n, c->out[0], &m, c->out[1], work, &size, &info);
  return PJ_STATUS_OK;
}

static void geqp3(PjLaCall *c, int m, int n, void *work, int size, void *rwork, int *info) {
  int *pivots = (int *)c->out[1];
  if (pj_la_is_complex(c))
    (c->type == PJ_LA_C ? PJ_LA_SINGLE(cgeqp3_) : zgeqp3_)(&m, &n, c->out[0], &m, pivots, c->out[2],
                                                           work, &size, rwork, info);
  else
    (c->type == PJ_LA_S ? PJ_LA_SINGLE(sgeqp3_) : dgeqp3_)(&m, &n, c->out[0], &m, pivots, c->out[2],
                                                           work, &size, info);
}

PjStatus pj_la_geqp3(PjLaCall *c) {
  const int m = size_of(c, 'm'), n = size_of(c, 'n');
  int size, info;
  double answer[2];
  if (!c->measure)
    memcpy(c->out[1], c->in[1], (size_t)n * sizeof(int));
  if (!m || !n)
    return PJ_STATUS_OK;
  copy(c, 0, (int64_t)m * n);
  void *rwork = pj_la_scratch(c, 2 * (int64_t)n, pj_la_real_bytes(c));
  geqp3(c, m, n, answer, -1, rwork, &info);
  void *work = pj_la_work(c, answer, &size);
  if (c->measure)
    return PJ_STATUS_OK;
  geqp3(c, m, n, work, size, rwork, &info);
  return PJ_STATUS_OK;
}

PjStatus pj_la_orgqr(PjLaCall *c) {
  const int m = size_of(c, 'm'), n = size_of(c, 'n'), k = size_of(c, 'k'), query = -1;
  int size, info;
  double answer[2];
  if (n > m || k > n)
    return PJ_OP_ERROR(c->op, INVALID_ARGUMENT,
                       "%d reflectors for a matrix of %d x %d, expected no more than columns, "
                       "those no more than rows",
                       k, m, n);
  if (!m || !n)
    return PJ_STATUS_OK;
  copy(c, 0, (int64_t)m * n);
  orgqr_table[c->type](&m, &n, &k, c->out[0], &m, c->in[1], answer, &query, &info);
  void *work = pj_la_work(c, answer, &size);
  if (c->measure)
    return PJ_STATUS_OK;
  orgqr_table[c->type](&m, &n, &k, c->out[0], &m, c->in[1], work, &size, &info);
  return PJ_STATUS_OK;
}

PjStatus pj_la_ormqr(PjLaCall *c) {
  const int m = size_of(c, 'm'), n = size_of(c, 'n'), k = size_of(c, 'k'), rows = size_of(c, 'a'),
            query = -1;
  int64_t left, transpose;
  int size, info;
  double answer[2];
  PJ_TRY(pj_la_attr(c, "left", &left));
  PJ_TRY(pj_la_attr(c, "transpose", &transpose));
  const char side = left ? 'L' : 'R', trans = !transpose ? 'N' : pj_la_is_complex(c) ? 'C' : 'T';
  if (rows != (left ? m : n) || k > rows || k > size_of(c, 'p'))
    return PJ_OP_ERROR(c->op, INVALID_ARGUMENT,
                       "%d reflectors in %d x %d do not fit a matrix of %d x %d", k, rows,
                       size_of(c, 'p'), m, n);
  copy(c, 2, (int64_t)m * n);
  if (!m || !n || !k)
    return PJ_STATUS_OK;
  ormqr_table[c->type](&side, &trans, &m, &n, &k, c->in[0], &rows, c->in[1], c->out[0], &m, answer,
                       &query, &info, 1, 1);
  void *work = pj_la_work(c, answer, &size);
  // LAPACK changes the reflectors and restores them; operands may be shared with other threads.
  void *reflectors = pj_la_scratch(c, (int64_t)rows * k, pj_la_bytes(c));
  if (c->measure)
    return PJ_STATUS_OK;
  memcpy(reflectors, c->in[0], (size_t)rows * (size_t)k * pj_la_bytes(c));
  ormqr_table[c->type](&side, &trans, &m, &n, &k, reflectors, &rows, c->in[1], c->out[0], &m, work,
                       &size, &info, 1, 1);
  return PJ_STATUS_OK;
}

PjStatus pj_la_potrf(PjLaCall *c) {
  const int n = size_of(c, 'n');
  char uplo;
  PJ_TRY(pj_la_letter(c, "uplo", "LU", &uplo));
  if (!n || c->measure)
    return PJ_STATUS_OK;
  copy(c, 0, (int64_t)n * n);
  if (c->by_rows) // the conjugate, whose factor is the conjugate's
    uplo = uplo == 'L' ? 'U' : 'L';
  potrf_table[c->type](&uplo, &n, c->out[0], &n, (int *)c->out[1], 1);
  return PJ_STATUS_OK;
}

PjStatus pj_la_gehrd(PjLaCall *c) {
  const int n = size_of(c, 'n'), query = -1;
  int64_t low, high;
  int size;
  double answer[2];
  PJ_TRY(pj_la_attr(c, "low", &low));
  PJ_TRY(pj_la_attr(c, "high", &high));
  if (!n)
    return PJ_STATUS_OK;
  if (low < 1 || high > n || low > high)
    return PJ_OP_ERROR(c->op, INVALID_ARGUMENT, "rows %lld to %lld of %d", (long long)low,
                       (long long)high, n);
  const int from = (int)low, to = (int)high;
  copy(c, 0, (int64_t)n * n);
  gehrd_table[c->type](&n, &from, &to, c->out[0], &n, c->out[1], answer, &query, (int *)c->out[2]);
  void *work = pj_la_work(c, answer, &size);
  if (c->measure)
    return PJ_STATUS_OK;
  gehrd_table[c->type](&n, &from, &to, c->out[0], &n, c->out[1], work, &size, (int *)c->out[2]);
  return PJ_STATUS_OK;
}

PjStatus pj_la_sytrd(PjLaCall *c) {
  const int n = size_of(c, 'n'), query = -1;
  char uplo;
  int size;
  double answer[2];
  PJ_TRY(pj_la_letter(c, "uplo", "LU", &uplo));
  if (!n)
    return PJ_STATUS_OK;
  copy(c, 0, (int64_t)n * n);
  sytrd_table[c->type](&uplo, &n, c->out[0], &n, c->out[1], c->out[2], c->out[3], answer, &query,
                       (int *)c->out[4], 1);
  void *work = pj_la_work(c, answer, &size);
  if (c->measure)
    return PJ_STATUS_OK;
  sytrd_table[c->type](&uplo, &n, c->out[0], &n, c->out[1], c->out[2], c->out[3], work, &size,
                       (int *)c->out[4], 1);
  return PJ_STATUS_OK;
}

PjStatus pj_la_gtsv(PjLaCall *c) {
  const int m = size_of(c, 'm'), n = size_of(c, 'n');
  const size_t bytes = pj_la_bytes(c);
  if (c->measure)
    return PJ_STATUS_OK;
  for (int i = 0; i < 3; ++i)
    memcpy(c->out[i], c->in[i], (size_t)m * bytes);
  memcpy(c->out[3], c->in[3], (size_t)m * (size_t)n * bytes);
  // The lower diagonal is stored from its second element on.
  if (m && n)
    gtsv_table[c->type](&m, &n, c->out[0] + bytes, c->out[1], c->out[2], c->out[3], &m,
                        (int *)c->out[4]);
  return PJ_STATUS_OK;
}

PjStatus pj_la_trsm(PjLaCall *c) {
  const int m = size_of(c, 'm'), n = size_of(c, 'n'), order = size_of(c, 's'),
            lda = at_least_1(order);
  char side, uplo, trans, diag;
  PJ_TRY(pj_la_letter(c, "side", "LR", &side));
  PJ_TRY(pj_la_letter(c, "uplo", "LU", &uplo));
  PJ_TRY(pj_la_letter(c, "trans_x", "NTC", &trans));
  PJ_TRY(pj_la_letter(c, "diag", "NU", &diag));
  if (order != (side == 'L' ? m : n))
    return PJ_OP_ERROR(c->op, INVALID_ARGUMENT,
                       "a triangular matrix of order %d on side %c of %d x %d", order, side, m, n);
  if (!m || !n || c->measure)
    return PJ_STATUS_OK;
  copy(c, 1, (int64_t)m * n);
  int rows = m, cols = n;
  if (c->by_rows) { // op(a) x = b is x^T op(a)^T = b^T, of which the transposes lie here
    side = side == 'L' ? 'R' : 'L';
    uplo = uplo == 'L' ? 'U' : 'L';
    rows = n;
    cols = m;
  }
  static const float one_f[2] = {1, 0};
  static const double one_d[2] = {1, 0};
  const void *one = pj_la_real_bytes(c) == 4 ? (const void *)one_f : (const void *)one_d;
  trsm_table[c->type](&side, &uplo, &trans, &diag, &rows, &cols, one, c->in[0], &lda, c->out[0],
                      &rows, 1, 1, 1, 1);
  return PJ_STATUS_OK;
}
#endif
