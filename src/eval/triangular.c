// Triangular matrices in blocks of BLOCK rows: the part left of a block's diagonal square is one
// matrix product, the square itself takes plain loops.
#include "eval/triangular.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { BLOCK = 32 };

typedef struct C64 {
  float re, im;
} C64;
typedef struct C128 {
  double re, im;
} C128;

// Arithmetic by type, so that one text serves all four.
#define REAL_OPS(T, S)                         \
  static inline T sub_mul_##S(T a, T b, T c) { \
    return a - b * c;                          \
  }                                            \
  static inline T divide_##S(T a, T b) {       \
    return a / b;                              \
  }                                            \
  static inline T conj_##S(T a) {              \
    return a;                                  \
  }                                            \
  static inline T real_##S(T a) {              \
    return a;                                  \
  }                                            \
  static inline T from_##S(T a) {              \
    return a;                                  \
  }
#define COMPLEX_OPS(T, P, S)                                                            \
  static inline T sub_mul_##S(T a, T b, T c) {                                          \
    return (T){a.re - (b.re * c.re - b.im * c.im), a.im - (b.re * c.im + b.im * c.re)}; \
  }                                                                                     \
  /* Smith's method: no overflow on the way. */                                         \
  static inline T divide_##S(T a, T b) {                                                \
    if (fabs((double)b.re) >= fabs((double)b.im)) {                                     \
      const P r = b.im / b.re, d = b.re + b.im * r;                                     \
      return b.im == 0 ? (T){a.re / b.re, a.im / b.re}                                  \
                       : (T){(a.re + a.im * r) / d, (a.im - a.re * r) / d};             \
    }                                                                                   \
    const P r = b.re / b.im, d = b.re * r + b.im;                                       \
    return (T){(a.re * r + a.im) / d, (a.im * r - a.re) / d};                           \
  }                                                                                     \
  static inline T conj_##S(T a) {                                                       \
    return (T){a.re, -a.im};                                                            \
  }                                                                                     \
  static inline P real_##S(T a) {                                                       \
    return a.re;                                                                        \
  }                                                                                     \
  static inline T from_##S(P a) {                                                       \
    return (T){a, 0};                                                                   \
  }
REAL_OPS(float, f32)
REAL_OPS(double, f64)
COMPLEX_OPS(C64, float, c64)
COMPLEX_OPS(C128, double, c128)

#define KERNELS(T, P, S)                                                                          \
  /* Forward substitution within a diagonal square; rows of l are ld apart. */                    \
  static void solve_##S(int64_t n, int64_t m, const void *lv, int64_t ld, bool unit, void *bv) {  \
    const T *l = lv;                                                                              \
    for (int64_t i = 0; i < n; ++i) {                                                             \
      T *restrict row = (T *)bv + i * m;                                                          \
      for (int64_t j = 0; j < i; ++j) {                                                           \
        const T factor = l[i * ld + j], *above = (const T *)bv + j * m;                           \
        for (int64_t k = 0; k < m; ++k)                                                           \
          row[k] = sub_mul_##S(row[k], factor, above[k]);                                         \
      }                                                                                           \
      if (!unit)                                                                                  \
        for (int64_t k = 0; k < m; ++k)                                                           \
          row[k] = divide_##S(row[k], l[i * ld + i]);                                             \
    }                                                                                             \
  }                                                                                               \
  /* Factors a panel of |width| <= BLOCK columns whose square is at the top. */                   \
  static bool factor_##S(int64_t rows, int64_t width, void *av, int64_t ld) {                     \
    T *a = av, column[BLOCK];                                                                     \
    for (int64_t j = 0; j < width; ++j) {                                                         \
      const P pivot = real_##S(a[j * ld + j]);                                                    \
      if (!(pivot > 0) || !isfinite(pivot))                                                       \
        return false;                                                                             \
      const T root = from_##S((P)sqrt(pivot));                                                    \
      a[j * ld + j] = root;                                                                       \
      for (int64_t i = j + 1; i < rows; ++i)                                                      \
        a[i * ld + j] = divide_##S(a[i * ld + j], root);                                          \
      for (int64_t k = j + 1; k < width; ++k)                                                     \
        column[k] = conj_##S(a[k * ld + j]);                                                      \
      for (int64_t i = j + 1; i < rows; ++i) {                                                    \
        const T factor = a[i * ld + j];                                                           \
        const int64_t end = i < width ? i + 1 : width;                                            \
        for (int64_t k = j + 1; k < end; ++k)                                                     \
          a[i * ld + k] = sub_mul_##S(a[i * ld + k], factor, column[k]);                          \
      }                                                                                           \
    }                                                                                             \
    return true;                                                                                  \
  }                                                                                               \
  static void copy_##S(int64_t n, const void *from, bool transpose, bool conjugate, void *to) {   \
    for (int64_t i = 0; i < n; ++i) {                                                             \
      for (int64_t j = 0; j < n; ++j) {                                                           \
        const T value = ((const T *)from)[transpose ? j * n + i : i * n + j];                     \
        ((T *)to)[i * n + j] = conjugate ? conj_##S(value) : value;                               \
      }                                                                                           \
    }                                                                                             \
  }                                                                                               \
  static void conj_rows_##S(int64_t rows, int64_t cols, const void *from, int64_t ld, void *to) { \
    for (int64_t i = 0; i < rows; ++i)                                                            \
      for (int64_t j = 0; j < cols; ++j)                                                          \
        ((T *)to)[i * cols + j] = conj_##S(((const T *)from)[i * ld + j]);                        \
  }
KERNELS(float, float, f32)
KERNELS(double, double, f64)
KERNELS(C64, float, c64)
KERNELS(C128, double, c128)

typedef struct Kernels {
  void (*solve)(int64_t, int64_t, const void *, int64_t, bool, void *);
  bool (*factor)(int64_t, int64_t, void *, int64_t);
  void (*copy)(int64_t, const void *, bool, bool, void *);
  void (*conj_rows)(int64_t, int64_t, const void *, int64_t, void *);
} Kernels;

static const Kernels kernels[] = {
    [PJ_COMP_F32] = {solve_f32, factor_f32, copy_f32, conj_rows_f32},
    [PJ_COMP_F64] = {solve_f64, factor_f64, copy_f64, conj_rows_f64},
    [PJ_COMP_C64] = {solve_c64, factor_c64, copy_c64, conj_rows_c64},
    [PJ_COMP_C128] = {solve_c128, factor_c128, copy_c128, conj_rows_c128},
};

// to[rows, cols] -= product[rows, cols]; rows of |to| are |ld| apart. Complex numbers are two
// reals.
static void subtract(PjComp comp, int64_t rows, int64_t cols, const void *product, void *to,
                     int64_t ld) {
  if (comp == PJ_COMP_C64 || comp == PJ_COMP_C128) {
    cols *= 2;
    ld *= 2;
  }
  const bool wide = comp == PJ_COMP_F64 || comp == PJ_COMP_C128;
  for (int64_t i = 0; i < rows; ++i) {
    if (wide)
      for (int64_t j = 0; j < cols; ++j)
        ((double *)to)[i * ld + j] -= ((const double *)product)[i * cols + j];
    else
      for (int64_t j = 0; j < cols; ++j)
        ((float *)to)[i * ld + j] -= ((const float *)product)[i * cols + j];
  }
}

// |count| elements of |comp| and a matrix product's own workspace behind them.
static size_t work_bytes(PjComp comp, int64_t count, int64_t times, const PjGemm *g) {
  size_t bytes;
  if (!pj_mul_size((size_t)count, (size_t)times * pj_comp_bytes(comp), &bytes) ||
      !pj_add_size(bytes, 64 + pj_gemm_blocked_scratch(g), &bytes))
    return SIZE_MAX;
  return bytes;
}

static char *align(char *at) {
  return at + (-(uintptr_t)at & 63);
}

size_t pj_solve_work(PjComp comp, int64_t n, int64_t m) {
  const PjGemm largest = {.comp = comp, .m = BLOCK, .n = m, .k = n};
  return n > BLOCK ? work_bytes(comp, m, BLOCK, &largest) : 0;
}

void pj_solve_lower(PjComp comp, int64_t n, int64_t m, const void *l, bool unit, void *b,
                    void *work) {
  const size_t bytes = pj_comp_bytes(comp);
  if (!n || !m)
    return;
  char *temporary = work,
       *scratch = n > BLOCK ? align(temporary + (size_t)(BLOCK * m) * bytes) : work;
  for (int64_t i = 0; i < n; i += BLOCK) {
    const int64_t rows = n - i < BLOCK ? n - i : BLOCK;
    const char *left = (const char *)l + (size_t)(i * n) * bytes;
    char *part = (char *)b + (size_t)(i * m) * bytes;
    if (i) {
      const PjGemm g = {comp, rows, m, i, left, n, 1, b, m, 1, temporary, m};
      pj_gemm(&g, scratch);
      subtract(comp, rows, m, temporary, part, m);
    }
    kernels[comp].solve(rows, m, left + (size_t)i * bytes, n, unit, part);
  }
}

size_t pj_cholesky_work(PjComp comp, int64_t n) {
  const PjGemm largest = {.comp = comp, .m = n, .n = BLOCK, .k = n};
  return n > BLOCK ? work_bytes(comp, n, 2 * BLOCK, &largest) : 0;
}

bool pj_cholesky_lower(PjComp comp, int64_t n, void *a, void *work) {
  const size_t bytes = pj_comp_bytes(comp);
  char *at = a, *conjugated = work, *temporary = work, *scratch = work;
  if (n > BLOCK) {
    temporary += (size_t)(BLOCK * n) * bytes;
    scratch = align(temporary + (size_t)(BLOCK * n) * bytes);
  }
  bool ok = true;
  for (int64_t j = 0; ok && j < n; j += BLOCK) {
    const int64_t width = n - j < BLOCK ? n - j : BLOCK, rows = n - j;
    char *left = at + (size_t)(j * n) * bytes, *panel = left + (size_t)j * bytes;
    if (j) {
      kernels[comp].conj_rows(width, j, left, n, conjugated);
      const PjGemm g = {comp, rows, width, j, left, n, 1, conjugated, 1, j, temporary, width};
      pj_gemm(&g, scratch);
      subtract(comp, rows, width, temporary, panel, n);
    }
    ok = kernels[comp].factor(rows, width, panel, n);
  }
  return ok;
}

void pj_copy_square(PjComp comp, int64_t n, const void *from, bool transpose, bool conjugate,
                    void *to) {
  kernels[comp].copy(n, from, transpose, conjugate, to);
}
