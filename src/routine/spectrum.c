#include "routine/spectrum.h"

#include <math.h>
#include <string.h>

#include "eval/lapack/routines.h"
#include "routine/copy.h"
#include "routine/variant.h"

#ifdef PJ_HAVE_LAPACK
typedef struct PjSpectrum {
  int lanes;
  // |a| [n, row], symmetric, its largest element about 1, in rows of whole vectors that are zero
  // behind the last column, becomes tridiagonal: |d| [n] and |e| [n - 1]. |a| is used up; |work|
  // has 3 * row elements.
  void (*tridiagonal)(PjThreads *threads, int64_t n, void *a, int64_t row, void *d, void *e,
                      void *work);
  // |a| [m, row], the same of m >= n rows and any contents, becomes bidiagonal, |e| above |d|.
  // |work| has 2 * row elements and as many for m.
  void (*bidiagonal)(int64_t m, int64_t n, void *a, int64_t row, void *d, void *e, void *work);
} PjSpectrum;

#define PJ_VARIANT_FILE "routine/spectrum_variant.h"
#include "routine/variants.h"

static const PjSpectrum *kernels(bool wide) {
  return &PJ_PICK(spectrum)[wide];
}

static size_t element(bool wide) {
  return wide ? sizeof(double) : sizeof(float);
}

static int64_t whole(bool wide, int64_t n) {
  const int lanes = kernels(wide)->lanes;
  return pj__divide_up(n, lanes) * lanes;
}

// Whether all of |a| is finite.
#define FINITE(NAME, T)                                     \
  static bool NAME(int64_t count, const void *a) {          \
    bool finite = true;                                     \
    for (int64_t i = 0; i < count; ++i)                     \
      finite &= ((const T *)a)[i] - ((const T *)a)[i] == 0; \
    return finite;                                          \
  }
FINITE(finite_f32, float)
FINITE(finite_f64, double)

// Brings the largest of |count| elements near 1 by a power of two, whose exponent is returned.
#define SCALE(NAME, T)                                                                          \
  static int NAME(int64_t count, void *a) {                                                     \
    T most = 0, *x = a;                                                                         \
    int exponent;                                                                               \
    for (int64_t i = 0; i < count; ++i) {                                                       \
      const T size = x[i] < 0 ? -x[i] : x[i];                                                   \
      most = size > most ? size : most;                                                         \
    }                                                                                           \
    frexp(most, &exponent);                                                                     \
    exponent = most > 0 ? exponent : 0;                                                         \
    /* In two steps: the factor may not be a number itself. */                                  \
    const T half = (T)ldexp(1, -exponent / 2), rest = (T)ldexp(1, -exponent - (-exponent / 2)); \
    for (int64_t i = 0; exponent && i < count; ++i)                                             \
      x[i] = x[i] * half * rest;                                                                \
    return exponent;                                                                            \
  }                                                                                             \
  static void NAME##_back(int64_t count, int exponent, void *a) {                               \
    for (int64_t i = 0; exponent && i < count; ++i)                                             \
      ((T *)a)[i] = (T)ldexp(((T *)a)[i], exponent);                                            \
  }
SCALE(scale_f32, float)
SCALE(scale_f64, double)

#define MIRROR(NAME, T)                                                                      \
  static void NAME(int64_t n, bool lower, const void *from_v, int64_t row, void *to_v) {     \
    enum { SIDE = 16 };                                                                      \
    const T *from = from_v;                                                                  \
    T *to = to_v;                                                                            \
    for (int64_t i = 0; i < n; ++i) {                                                        \
      const int64_t begin = lower ? 0 : i, end = lower ? i + 1 : n;                          \
      memcpy(to + i * row + begin, from + i * n + begin, (size_t)(end - begin) * sizeof(T)); \
      memset(to + i * row + n, 0, (size_t)(row - n) * sizeof(T));                            \
    }                                                                                        \
    for (int64_t p = 0; p < n; p += SIDE)                                                    \
      for (int64_t q = 0; q <= p; q += SIDE)                                                 \
        for (int64_t i = p; i < pj__min(p + SIDE, n); ++i)                                   \
          for (int64_t j = q; j < pj__min(q + SIDE, i); ++j)                                 \
            if (lower)                                                                       \
              to[j * row + i] = to[i * row + j];                                             \
            else                                                                             \
              to[i * row + j] = to[j * row + i];                                             \
  }
MIRROR(mirror_f32, float)
MIRROR(mirror_f64, double)

// The iteration loses more of floats than all before it, but not in double, at the same speed.
static int32_t values_f32(int64_t n, float *d, const float *e, double *work) {
  for (int64_t i = 0; i < n; ++i) {
    work[i] = d[i];
    work[n + i] = i + 1 < n ? e[i] : 0;
  }
  const int32_t info = pj_la_dsterf((int)n, work, work + n);
  for (int64_t i = 0; i < n; ++i)
    d[i] = (float)work[i];
  return info;
}

size_t pj__spectrum_symmetric_scratch(bool wide, int64_t n) {
  return pj__scratch_round((size_t)((n + 4) * whole(wide, n)) * element(wide));
}

int32_t pj__spectrum_symmetric(PjThreads *threads, bool wide, int64_t n, bool lower, const void *a,
                               void *values, void *scratch) {
  const int64_t row = whole(wide, n);
  char *work = (char *)scratch + (size_t)(n * row) * element(wide);
  void *e = work + (size_t)(3 * row) * element(wide);
  if (!(wide ? finite_f64 : finite_f32)(n * n, a))
    return -4;
  (wide ? mirror_f64 : mirror_f32)(n, lower, a, row, scratch);
  const int exponent = (wide ? scale_f64 : scale_f32)(n * row, scratch);
  kernels(wide)->tridiagonal(threads, n, scratch, row, values, e, work);
  const int32_t info = wide ? pj_la_dsterf((int)n, values, e) : values_f32(n, values, e, scratch);
  (wide ? scale_f64_back : scale_f32_back)(n, exponent, values);
  return info;
}

// The longer side are the rows.
static void order(int64_t *m, int64_t *n) {
  if (*m >= *n)
    return;
  const int64_t other = *m;
  *m = *n;
  *n = other;
}

size_t pj__spectrum_general_scratch(bool wide, int64_t m, int64_t n) {
  order(&m, &n);
  const int64_t row = whole(wide, n);
  return pj__scratch_round((size_t)(m * row + 2 * row + 2 * whole(wide, m) + 5 * n) *
                           element(wide));
}

int32_t pj__spectrum_general(bool wide, int64_t m, int64_t n, const void *a, void *values,
                             void *scratch) {
  const bool turned = m < n;
  const size_t elem = element(wide);
  if (!(wide ? finite_f64 : finite_f32)(m * n, a))
    return -4;
  order(&m, &n);
  const int64_t row = whole(wide, n), dims[2] = {m, n}, rows[2] = {row, 1},
                from[2] = {turned ? 1 : n, turned ? m : 1};
  char *work = (char *)scratch + (size_t)(m * row) * elem,
       *e = work + (size_t)(2 * row + 2 * whole(wide, m)) * elem;
  PjCopy copy;
  memset(scratch, 0, (size_t)(m * row) * elem);
  pj__copy_plan(&copy, elem, 2, dims, from, rows);
  pj__copy_run(&copy, NULL, a, scratch);
  const int exponent = (wide ? scale_f64 : scale_f32)(m * row, scratch);
  kernels(wide)->bidiagonal(m, n, scratch, row, values, e, work);
  const int32_t info = pj_la_lasq1(wide, (int)n, values, e, e + (size_t)n * elem);
  (wide ? scale_f64_back : scale_f32_back)(n, exponent, values);
  return info;
}
#endif
