// Matrix products: the choice between OpenBLAS, the blocked loop and the plain loop, and the latter
// two.
//
// The blocked loop is the usual one (Goto and van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008): a is cut into mc x kc blocks and b into kc x nc panels, both are packed
// into slivers that a micro-kernel reads front to back. Complex operands are packed as separate
// real and imaginary planes and take four real products.
#include "eval/gemm.h"

#include <limits.h>
#include <string.h>

#include "eval/blas.h"
#include "eval/gemm_kernel.h"

#ifdef PJ_HAVE_OPENBLAS
#include <cblas.h>
#endif

enum {
  BLOCK_M = 144, // a multiple of every kernel's mr
  BLOCK_K = 256,
  BLOCK_N = 1024,     // a multiple of every kernel's nr
  DIRECT_WORK = 4096, // products below which packing, or a library call, costs more than it saves
};

static inline int64_t min64(int64_t a, int64_t b) {
  return a < b ? a : b;
}
static inline int64_t round_up(int64_t n, int64_t to) {
  return (n + to - 1) / to * to;
}

static bool is_complex(PjComp comp) {
  return comp == PJ_COMP_C64 || comp == PJ_COMP_C128;
}
static PjComp part_of(PjComp comp) {
  return comp == PJ_COMP_C64 ? PJ_COMP_F32 : comp == PJ_COMP_C128 ? PJ_COMP_F64 : comp;
}

// --- direct --------------------------------------------------------------------------------------

// Rows of b next to each other: c's rows are summed up front to back, which vectorises; otherwise a
// sum each.

#define DIRECT(NAME, T)                                                \
  static void NAME(const PjGemm *g) {                                  \
    const T *a = g->a, *b = g->b;                                      \
    for (int64_t i = 0; i < g->m; ++i) {                               \
      T *restrict c = (T *)g->c + i * g->c_row;                        \
      const T *ai = a + i * g->a_row;                                  \
      if (g->b_col == 1 && g->n > 1) {                                 \
        memset(c, 0, (size_t)g->n * sizeof(T));                        \
        for (int64_t p = 0; p < g->k; ++p) {                           \
          const T factor = ai[p * g->a_col], *row = b + p * g->b_row;  \
          for (int64_t j = 0; j < g->n; ++j)                           \
            c[j] += factor * row[j];                                   \
        }                                                              \
        continue;                                                      \
      }                                                                \
      for (int64_t j = 0; j < g->n; ++j) {                             \
        const T *bj = b + j * g->b_col;                                \
        T sum[4] = {0};                                                \
        int64_t p = 0;                                                 \
        for (; p + 4 <= g->k; p += 4)                                  \
          for (int q = 0; q < 4; ++q)                                  \
            sum[q] += ai[(p + q) * g->a_col] * bj[(p + q) * g->b_row]; \
        for (; p < g->k; ++p)                                          \
          sum[0] += ai[p * g->a_col] * bj[p * g->b_row];               \
        c[j] = (sum[0] + sum[1]) + (sum[2] + sum[3]);                  \
      }                                                                \
    }                                                                  \
  }

#define DIRECT_COMPLEX(NAME, T)                                                    \
  static void NAME(const PjGemm *g) {                                              \
    const T *a = g->a, *b = g->b;                                                  \
    for (int64_t i = 0; i < g->m; ++i) {                                           \
      for (int64_t j = 0; j < g->n; ++j) {                                         \
        const T *x = a + 2 * i * g->a_row, *y = b + 2 * j * g->b_col;              \
        T re = 0, im = 0;                                                          \
        for (int64_t p = 0; p < g->k; ++p, x += 2 * g->a_col, y += 2 * g->b_row) { \
          re += x[0] * y[0] - x[1] * y[1];                                         \
          im += x[0] * y[1] + x[1] * y[0];                                         \
        }                                                                          \
        T *c = (T *)g->c + 2 * (i * g->c_row + j);                                 \
        c[0] = re;                                                                 \
        c[1] = im;                                                                 \
      }                                                                            \
    }                                                                              \
  }

DIRECT(direct_f32, float)
DIRECT(direct_f64, double)
DIRECT(direct_u32, uint32_t)
DIRECT(direct_u64, uint64_t)
DIRECT_COMPLEX(direct_c64, float)
DIRECT_COMPLEX(direct_c128, double)

void pj_gemm_direct(const PjGemm *g) {
  static void (*const table[])(const PjGemm *) = {
      [PJ_COMP_F32] = direct_f32, [PJ_COMP_F64] = direct_f64, [PJ_COMP_U32] = direct_u32,
      [PJ_COMP_U64] = direct_u64, [PJ_COMP_C64] = direct_c64, [PJ_COMP_C128] = direct_c128,
  };
  table[g->comp](g);
}

// --- blocked -------------------------------------------------------------------------------------

// Packs |rows| x |k| elements into slivers of |width| rows, each sliver k-major; missing
// rows of the last one are zero. |step| is 2 for a plane of a complex matrix, else 1; strides are
// in elements of that matrix.
#define PACK(NAME, T)                                                             \
  static void NAME(const void *from, int64_t rows, int64_t k, int64_t row_stride, \
                   int64_t k_stride, int step, int width, void *to) {             \
    T *out = to;                                                                  \
    row_stride *= step;                                                           \
    k_stride *= step;                                                             \
    for (int64_t r = 0; r < rows; r += width) {                                   \
      const T *in = (const T *)from + r * row_stride;                             \
      const int have = (int)min64(width, rows - r);                               \
      if (row_stride == 1 && have == width) {                                     \
        for (int64_t p = 0; p < k; ++p, out += width)                             \
          memcpy(out, in + p * k_stride, (size_t)width * sizeof(T));              \
        continue;                                                                 \
      }                                                                           \
      for (int64_t p = 0; p < k; ++p, out += width) {                             \
        for (int i = 0; i < have; ++i)                                            \
          out[i] = in[i * row_stride + p * k_stride];                             \
        for (int i = have; i < width; ++i)                                        \
          out[i] = 0;                                                             \
      }                                                                           \
    }                                                                             \
  }
PACK(pack4, uint32_t)
PACK(pack8, uint64_t)

typedef void PackFn(const void *, int64_t, int64_t, int64_t, int64_t, int, int, void *);

// Adds (or, with |first|, stores) the top left rows x cols of a tile into c. The second form takes
// the four products of a complex tile: re * re, im * im, re * im, im * re.
#define STORE(NAME, T)                                                                         \
  static void NAME(const void *tile, int nr, int64_t rows, int64_t cols, bool first, void *to, \
                   int64_t c_row) {                                                            \
    for (int64_t i = 0; i < rows; ++i) {                                                       \
      const T *in = (const T *)tile + i * nr;                                                  \
      T *c = (T *)to + i * c_row;                                                              \
      if (first)                                                                               \
        memcpy(c, in, (size_t)cols * sizeof(T));                                               \
      else                                                                                     \
        for (int64_t j = 0; j < cols; ++j)                                                     \
          c[j] += in[j];                                                                       \
    }                                                                                          \
  }
#define STORE_COMPLEX(NAME, T)                                                               \
  static void NAME(const void *tile, int mr, int nr, int64_t rows, int64_t cols, bool first, \
                   void *to, int64_t c_row) {                                                \
    const T *rr = tile, *ii = rr + mr * nr, *ri = ii + mr * nr, *ir = ri + mr * nr;          \
    for (int64_t i = 0; i < rows; ++i) {                                                     \
      T *c = (T *)to + 2 * i * c_row;                                                        \
      for (int64_t j = 0; j < cols; ++j) {                                                   \
        const int64_t at = i * nr + j;                                                       \
        const T re = rr[at] - ii[at], im = ri[at] + ir[at];                                  \
        c[2 * j] = first ? re : c[2 * j] + re;                                               \
        c[2 * j + 1] = first ? im : c[2 * j + 1] + im;                                       \
      }                                                                                      \
    }                                                                                        \
  }
STORE(store_f32, float)
STORE(store_f64, double)
STORE(store_u32, uint32_t)
STORE(store_u64, uint64_t)
STORE_COMPLEX(store_c64, float)
STORE_COMPLEX(store_c128, double)

static void store_tile(PjComp comp, const PjMicroKernel *kernel, const void *tile, int64_t rows,
                       int64_t cols, bool first, void *c, int64_t c_row) {
  switch (comp) {
  case PJ_COMP_F32:
    store_f32(tile, kernel->nr, rows, cols, first, c, c_row);
    break;
  case PJ_COMP_F64:
    store_f64(tile, kernel->nr, rows, cols, first, c, c_row);
    break;
  case PJ_COMP_U32:
    store_u32(tile, kernel->nr, rows, cols, first, c, c_row);
    break;
  case PJ_COMP_U64:
    store_u64(tile, kernel->nr, rows, cols, first, c, c_row);
    break;
  case PJ_COMP_C64:
    store_c64(tile, kernel->mr, kernel->nr, rows, cols, first, c, c_row);
    break;
  case PJ_COMP_C128:
    store_c128(tile, kernel->mr, kernel->nr, rows, cols, first, c, c_row);
    break;
  }
}

size_t pj_gemm_blocked_scratch(const PjGemm *g) {
  const int64_t m = min64(round_up(g->m, PJ_MICRO_MAX_MR), BLOCK_M);
  const int64_t n = min64(round_up(g->n, PJ_MICRO_MAX_NR), BLOCK_N), k = min64(g->k, BLOCK_K);
  return (size_t)((m + n) * k) * pj_comp_bytes(g->comp) + 128;
}

void pj_gemm_blocked(const PjGemm *g, void *scratch) {
  const PjMicroKernel kernel = pj_micro_kernel(part_of(g->comp));
  const size_t bytes = pj_comp_bytes(g->comp), part = pj_comp_bytes(part_of(g->comp));
  const int planes = is_complex(g->comp) ? 2 : 1;
  PackFn *const pack = part == 4 ? pack4 : pack8;
  _Alignas(64) char tile[4 * PJ_MICRO_MAX_MR * 16 * 8]; // four tiles of the largest kernel
  const size_t tile_bytes = (size_t)(kernel.mr * kernel.nr) * part;
  char *const packed_a = scratch;
  if (g->k == 0)
    for (int64_t i = 0; i < g->m; ++i)
      memset((char *)g->c + (size_t)(i * g->c_row) * bytes, 0, (size_t)g->n * bytes);

  for (int64_t jc = 0; jc < g->n; jc += BLOCK_N) {
    const int64_t nc = min64(BLOCK_N, g->n - jc), nc_up = round_up(nc, kernel.nr);
    for (int64_t pc = 0; pc < g->k; pc += BLOCK_K) {
      const int64_t kc = min64(BLOCK_K, g->k - pc);
      const int64_t m_up = min64(round_up(g->m, kernel.mr), BLOCK_M);
      const size_t plane_a = (size_t)(m_up * kc) * part, plane_b = (size_t)(nc_up * kc) * part;
      char *const packed_b = packed_a + (planes * plane_a + 63) / 64 * 64;
      const char *b = (const char *)g->b + (size_t)(pc * g->b_row + jc * g->b_col) * bytes;
      for (int q = 0; q < planes; ++q)
        pack(b + (size_t)q * part, nc, kc, g->b_col, g->b_row, planes, kernel.nr,
             packed_b + (size_t)q * plane_b);
      for (int64_t ic = 0; ic < g->m; ic += BLOCK_M) {
        const int64_t mc = min64(BLOCK_M, g->m - ic);
        const char *a = (const char *)g->a + (size_t)(ic * g->a_row + pc * g->a_col) * bytes;
        for (int q = 0; q < planes; ++q)
          pack(a + (size_t)q * part, mc, kc, g->a_row, g->a_col, planes, kernel.mr,
               packed_a + (size_t)q * plane_a);
        for (int64_t j = 0; j < nc; j += kernel.nr) {
          for (int64_t i = 0; i < mc; i += kernel.mr) {
            const char *sa = packed_a + (size_t)(i * kc) * part,
                       *sb = packed_b + (size_t)(j * kc) * part;
            kernel.fn(kc, sa, sb, tile);
            if (planes == 2) {
              kernel.fn(kc, sa + plane_a, sb + plane_b, tile + tile_bytes);
              kernel.fn(kc, sa, sb + plane_b, tile + 2 * tile_bytes);
              kernel.fn(kc, sa + plane_a, sb, tile + 3 * tile_bytes);
            }
            char *c = (char *)g->c + (size_t)((ic + i) * g->c_row + jc + j) * bytes;
            store_tile(g->comp, &kernel, tile, min64(kernel.mr, mc - i), min64(kernel.nr, nc - j),
                       pc == 0, c, g->c_row);
          }
        }
      }
    }
  }
}

// --- OpenBLAS ------------------------------------------------------------------------------------

#ifdef PJ_HAVE_OPENBLAS
// Whether a matrix with these strides is row-major (or, transposed, column-major) in BLAS' sense.
static bool blas_layout(int64_t rows, int64_t cols, int64_t row, int64_t col,
                        enum CBLAS_TRANSPOSE *out_trans, int *out_ld) {
  bool plain = (col == 1 || cols == 1) && (row >= cols || rows == 1);
  bool swapped = (row == 1 || rows == 1) && (col >= rows || cols == 1);
  if (!plain && !swapped)
    return false;
  int64_t ld = plain ? (rows == 1 ? cols : row) : (cols == 1 ? rows : col);
  if (ld > INT_MAX)
    return false;
  *out_trans = plain ? CblasNoTrans : CblasTrans;
  *out_ld = ld > 0 ? (int)ld : 1;
  return true;
}

bool pj_gemm_blas(const PjGemm *g) {
  enum CBLAS_TRANSPOSE ta, tb;
  int lda, ldb;
  // Of complex numbers it scales products by the complex factor 1, which makes NaN of infinities.
  if ((g->comp != PJ_COMP_F32 && g->comp != PJ_COMP_F64) || !g->m || !g->n || !g->k)
    return false;
  if (g->m > INT_MAX || g->n > INT_MAX || g->k > INT_MAX || g->c_row > INT_MAX)
    return false;
  if (!blas_layout(g->m, g->k, g->a_row, g->a_col, &ta, &lda))
    return false;
  if (!blas_layout(g->k, g->n, g->b_row, g->b_col, &tb, &ldb))
    return false;
  pj_blas_begin();
  const int m = (int)g->m, n = (int)g->n, k = (int)g->k, ldc = (int)g->c_row;
  if (g->comp == PJ_COMP_F32)
    cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, g->a, lda, g->b, ldb, 0, g->c, ldc);
  else
    cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, g->a, lda, g->b, ldb, 0, g->c, ldc);
  pj_blas_end();
  return true;
}
#else
bool pj_gemm_blas(const PjGemm *g) {
  (void)g;
  return false;
}
#endif

// --- choice --------------------------------------------------------------------------------------

static bool is_small(const PjGemm *g) {
  // Bounded stepwise, so that the product cannot overflow.
  return g->m == 0 || g->n == 0 || g->k == 0 ||
         (g->m <= DIRECT_WORK && g->n <= DIRECT_WORK && g->m * g->n <= DIRECT_WORK &&
          g->k <= DIRECT_WORK && g->m * g->n * g->k <= DIRECT_WORK);
}

size_t pj_gemm_scratch(const PjGemm *g) {
  return is_small(g) ? 0 : pj_gemm_blocked_scratch(g);
}

void pj_gemm(const PjGemm *g, void *scratch) {
  if (is_small(g)) {
    pj_gemm_direct(g);
  } else if (!pj_gemm_blas(g)) {
    // A single row or column reads its matrix once, so packing it would double the work.
    bool vector = !is_complex(g->comp) &&
                  ((g->m == 1 && g->b_col == 1) || (g->n == 1 && g->a_col == 1 && g->b_row == 1));
    if (vector)
      pj_gemm_direct(g);
    else
      pj_gemm_blocked(g, scratch);
  }
}
