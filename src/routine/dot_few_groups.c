// A few rows by a large matrix of bf16 or of bytes whose columns lie side by side: the matrix is
// read once, as it lies, and its lines are zipped to groups (gemm_groups.c) in registers. The rows
// are packed before. Blocks of LINES lines are summed up from zero and added to what is there, so
// bits do not depend on how columns are shared out.
#include "routine/dot_few_groups.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/cpu.h"
#include "eval/comp.h"

enum {
  MOST_ROWS = 12,        // of more, packing the matrix pays;
  MOST_ROWS_BYTES = 8,   // of bytes, whose lines take longer to zip
  LINES = 64,            // of the matrix, read side by side; the next ones are asked for
  PART = 512,            // columns in one part, a multiple of every kernel's
  FAR_BYTES = 192 << 10, // of a matrix that does not stay in a near cache
};

// |rows| rows of |groups| groups at |a|, as many to a group as the kernel has rows, by the lines at
// |b|, |b_row| bytes apart. |bound|: of numbers smaller than that, as codes without sign, subnormal
// sums may come up.
typedef struct PjFewStrip {
  int rows;
  int64_t groups, b_row, c_row;
  uint16_t bound;
  bool add;
} PjFewStrip;
typedef void PjFewGroupsFn(const PjFewStrip *f, const uint32_t *a, const char *b, void *c);
typedef struct PjFewGroups {
  int rows, cols;
  PjFewGroupsFn *fn;
} PjFewGroups;

#if defined(__x86_64__)
#define TARGET \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx2,fma")))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

// Two lines of 32 bf16 as words of columns {0-3, 8-11, 16-19, 24-27} and the others.
#define UPPER(x) _mm512_castsi512_ps(_mm512_and_si512(x, _mm512_set1_epi32((int)0xFFFF0000)))
#define LOWER(x) _mm512_castsi512_ps(_mm512_slli_epi32(x, 16))
#define ADD_EXACT(sum, x, y) \
  _mm512_fmadd_ps(LOWER(x), LOWER(y), _mm512_fmadd_ps(UPPER(x), UPPER(y), sum))
#define ADD_DOTS(sum, x, y) _mm512_dpbf16_ps(sum, (__m512bh)(x), (__m512bh)(y))
#define BF16_SUMS(ROWS, ADD, LOOK)                                                       \
  memset(sum, 0, sizeof sum);                                                            \
  for (int64_t p = 0; p < f->groups; ++p) {                                              \
    const char *line = b + 2 * p * f->b_row;                                             \
    const __m512i x = _mm512_loadu_si512(line), y = _mm512_loadu_si512(line + f->b_row); \
    LOOK;                                                                                \
    const __m512i low = _mm512_unpacklo_epi16(x, y), high = _mm512_unpackhi_epi16(x, y); \
    UNROLL for (int i = 0; i < ROWS; ++i) {                                              \
      const __m512i each = _mm512_set1_epi32((int)a[p * ROWS + i]);                      \
      sum[i][0] = ADD(sum[i][0], each, low);                                             \
      sum[i][1] = ADD(sum[i][1], each, high);                                            \
    }                                                                                    \
  }
// The smallest number is looked for on the way; one that is too small has all computed again.
#define BF16_ROWS(ROWS)                                                                          \
  TARGET static void bf16_##ROWS(const PjFewStrip *f, const uint32_t *a, const char *b,          \
                                 void *pc) {                                                     \
    const __m512i one = _mm512_set1_epi16(1), size = _mm512_set1_epi16(0x7FFF);                  \
    __m512i least = _mm512_set1_epi16(-1);                                                       \
    __m512 sum[ROWS][2];                                                                         \
    BF16_SUMS(ROWS, ADD_DOTS, {                                                                  \
      _mm_prefetch(line + LINES * f->b_row, _MM_HINT_T1);                                        \
      _mm_prefetch(line + (LINES + 1) * f->b_row, _MM_HINT_T1);                                  \
      least = _mm512_min_epu16(least, _mm512_sub_epi16(_mm512_and_si512(x, size), one));         \
      least = _mm512_min_epu16(least, _mm512_sub_epi16(_mm512_and_si512(y, size), one));         \
    })                                                                                           \
    if (_mm512_cmplt_epu16_mask(least, _mm512_set1_epi16((short)(f->bound - 1)))) {              \
      BF16_SUMS(ROWS, ADD_EXACT, )                                                               \
    }                                                                                            \
    const __m512i first =                                                                        \
                      _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23), \
                  second = _mm512_add_epi32(first, _mm512_set1_epi32(8));                        \
    float *c = pc;                                                                               \
    for (int i = 0; i < ROWS; ++i, c += f->c_row)                                                \
      if (i < f->rows) {                                                                         \
        __m512 x = _mm512_permutex2var_ps(sum[i][0], first, sum[i][1]),                          \
               y = _mm512_permutex2var_ps(sum[i][0], second, sum[i][1]);                         \
        if (f->add) {                                                                            \
          x = _mm512_add_ps(x, _mm512_loadu_ps(c));                                              \
          y = _mm512_add_ps(y, _mm512_loadu_ps(c + 16));                                         \
        }                                                                                        \
        _mm512_storeu_ps(c, x);                                                                  \
        _mm512_storeu_ps(c + 16, y);                                                             \
      }                                                                                          \
  }
BF16_ROWS(4)
BF16_ROWS(8)

// Four lines of 64 bytes: word w of lane q is column 16 q + 4 w of each vector.
#define BYTES_ROWS(SIGN, ROWS, START)                                                             \
  TARGET static void bytes_##SIGN##_##ROWS(const PjFewStrip *f, const uint32_t *a, const char *b, \
                                           void *pc) {                                            \
    const __m512i all = _mm512_set1_epi32((int)0x80808080);                                       \
    __m512i sum[ROWS][4], much[4];                                                                \
    memset(sum, 0, sizeof sum);                                                                   \
    memset(much, 0, sizeof much);                                                                 \
    for (int64_t p = 0; p < f->groups; ++p) {                                                     \
      __m512i line[4], pair[4], quad[4];                                                          \
      UNROLL for (int q = 0; q < 4; ++q) {                                                        \
        const char *at = b + (4 * p + q) * f->b_row;                                              \
        line[q] = _mm512_loadu_si512(at);                                                         \
        _mm_prefetch(at + LINES * f->b_row, _MM_HINT_T1);                                         \
      }                                                                                           \
      UNROLL for (int q = 0; q < 2; ++q) {                                                        \
        pair[q] = _mm512_unpacklo_epi8(line[2 * q], line[2 * q + 1]);                             \
        pair[2 + q] = _mm512_unpackhi_epi8(line[2 * q], line[2 * q + 1]);                         \
      }                                                                                           \
      UNROLL for (int q = 0; q < 2; ++q) {                                                        \
        quad[2 * q] = _mm512_unpacklo_epi16(pair[2 * q], pair[2 * q + 1]);                        \
        quad[2 * q + 1] = _mm512_unpackhi_epi16(pair[2 * q], pair[2 * q + 1]);                    \
      }                                                                                           \
      UNROLL for (int v = 0; v < 4; ++v) START;                                                   \
      UNROLL for (int i = 0; i < ROWS; ++i) {                                                     \
        const __m512i each = _mm512_set1_epi32((int)a[p * ROWS + i]);                             \
        UNROLL for (int v = 0; v < 4; ++v) sum[i][v] =                                            \
            _mm512_dpbusd_epi32(sum[i][v], each, quad[v]);                                        \
      }                                                                                           \
    }                                                                                             \
    uint32_t *c = pc;                                                                             \
    for (int i = 0; i < ROWS; ++i, c += f->c_row)                                                 \
      if (i < f->rows) {                                                                          \
        __m512i s[4];                                                                             \
        UNROLL for (int v = 0; v < 4; ++v) s[v] = _mm512_sub_epi32(sum[i][v], much[v]);           \
        const __m512i low = _mm512_shuffle_i32x4(s[0], s[1], 0x44),                               \
                      up = _mm512_shuffle_i32x4(s[0], s[1], 0xEE),                                \
                      low2 = _mm512_shuffle_i32x4(s[2], s[3], 0x44),                              \
                      up2 = _mm512_shuffle_i32x4(s[2], s[3], 0xEE);                               \
        s[0] = _mm512_shuffle_i32x4(low, low2, 0x88);                                             \
        s[1] = _mm512_shuffle_i32x4(low, low2, 0xDD);                                             \
        s[2] = _mm512_shuffle_i32x4(up, up2, 0x88);                                               \
        s[3] = _mm512_shuffle_i32x4(up, up2, 0xDD);                                               \
        UNROLL for (int v = 0; v < 4; ++v) {                                                      \
          if (f->add)                                                                             \
            s[v] = _mm512_add_epi32(s[v], _mm512_loadu_si512(c + 16 * v));                        \
          _mm512_storeu_si512(c + 16 * v, s[v]);                                                  \
        }                                                                                         \
      }                                                                                           \
  }
// Signed rows are packed with 128 added, which brings so much too much.
#define TOO_MUCH much[v] = _mm512_dpbusd_epi32(much[v], all, quad[v])
BYTES_ROWS(signed, 2, TOO_MUCH)
BYTES_ROWS(signed, 4, TOO_MUCH)
BYTES_ROWS(unsigned, 2, (void)all)
BYTES_ROWS(unsigned, 4, (void)all)

static const PjFewGroups few_bf16[] = {{4, 32, bf16_4}, {8, 32, bf16_8}},
                         few_signed[] = {{2, 64, bytes_signed_2}, {4, 64, bytes_signed_4}},
                         few_unsigned[] = {{2, 64, bytes_unsigned_2}, {4, 64, bytes_unsigned_4}};

static const PjFewGroups *pick(const PjProduct *g, const PjGroups *groups) {
  const PjFewGroups *of = groups->least            ? few_bf16
                          : !groups->start         ? NULL
                          : g->a.dtype == PJ_DT_S8 ? few_signed
                                                   : few_unsigned;
  return of ? of + (g->m > of->rows) : NULL;
}
#else
static const PjFewGroups *pick(const PjProduct *g, const PjGroups *groups) {
  return NULL;
}
#endif

typedef struct Few {
  PjRoutine routine;
  PjFewGroups kernel;
  const PjGroups *groups;
  PjPanel a;
  PjComp comp;
  PjDtype out_dtype;
  int64_t m, n, k;     // k: groups
  int64_t elem, b_row; // of the matrix, in bytes
  int32_t num_batch;
  int64_t batch, batch_dims[PJ_MAX_RANK], a_batch[PJ_MAX_RANK], b_batch[PJ_MAX_RANK]; // bytes
} Few;

typedef struct Run {
  const Few *f;
  const char *b;
  char *out, *scratch;
} Run;

static int64_t packed_words(const Few *f) {
  return pj__divide_up(f->m, f->kernel.rows) * f->kernel.rows * f->k;
}

// The smallest code without sign that keeps every sum of products with |least| exponents or more
// normal: see keeps_normal in gemm.c.
static uint16_t bound_of(int least) {
  return least <= 0 ? UINT16_MAX : (uint16_t)(pj__max(1, 142 - least) << 7);
}

static void few_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Few *f = run->f;
  const int64_t parts = pj__divide_up(f->n, PART), lines = LINES / f->groups->size,
                out_elem = (int64_t)pj_dtype_bytes(f->out_dtype);
  const bool native = pj_comp_is_native(f->comp, f->out_dtype);
  char *sums = pj__thread_scratch(&f->routine, run->scratch, thread);
  for (; begin < end; ++begin) {
    const int64_t batch = begin / parts, first = begin % parts * PART,
                  cols = pj__min(PART, f->n - first);
    const uint32_t *a = (const uint32_t *)run->scratch + batch * packed_words(f);
    const char *b =
        run->b + pj__batch_offset(f->num_batch, f->batch_dims, f->b_batch, batch) + first * f->elem;
    char *out = run->out + (batch * f->m * f->n + first) * out_elem, *c = native ? out : sums;
    const int64_t c_row = native ? f->n : PART;
    const uint16_t bound = f->groups->least ? bound_of(f->groups->least(packed_words(f), a)) : 0;
    for (int64_t p = 0; p < f->k; p += lines)
      for (int64_t j = 0; j < cols; j += f->kernel.cols)
        for (int64_t i = 0; i < f->m; i += f->kernel.rows) {
          const PjFewStrip strip = {.rows = (int)pj__min(f->kernel.rows, f->m - i),
                                    .groups = pj__min(lines, f->k - p),
                                    .b_row = f->b_row,
                                    .c_row = c_row,
                                    .bound = bound,
                                    .add = p > 0};
          f->kernel.fn(&strip, a + i * f->k + p * f->kernel.rows,
                       b + p * f->groups->size * f->b_row + j * f->elem, c + (i * c_row + j) * 4);
        }
    for (int64_t i = 0; !native && i < f->m; ++i)
      pj_comp_store(f->comp, f->out_dtype, cols, sums + i * PART * 4, out + i * f->n * out_elem);
  }
}

static PjStatus run_few(const PjRoutine *self, PjThreads *threads, const void *const *in,
                        void *const *out, void *scratch) {
  const Few *f = (const Few *)self;
  char temp[PJ_PACK_TEMP] __attribute__((aligned(64)));
  for (int64_t batch = 0; batch < f->batch; ++batch)
    f->a.pack(&f->a,
              (const char *)in[0] +
                  pj__batch_offset(f->num_batch, f->batch_dims, f->a_batch, batch),
              0, f->m, 0, f->k, f->kernel.rows, (uint32_t *)scratch + batch * packed_words(f),
              f->k * f->kernel.rows, temp);
  Run run = {f, in[1], out[0], scratch};
  const int64_t parts = f->batch * pj__divide_up(f->n, PART);
  pj_threads_for(threads, parts, pj__grain(parts, (double)PART * (double)f->k * (double)f->m / 4),
                 few_parts, &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__dot_few_groups(PjArena *arena, const PjProduct *g) {
  PjPanel a = g->a, b = g->b;
  if (g->m < 2 || g->m > MOST_ROWS || g->b.outer_step != 1 || g->b.sum_step < g->n ||
      (double)g->k * (double)g->n < FAR_BYTES)
    return NULL;
  const PjGroups *groups = pj__panels_group(&a, &b, g->comp, g->n, g->k);
  const PjFewGroups *kernel = groups ? pick(g, groups) : NULL;
  if (kernel && groups->size == 4 && g->m > MOST_ROWS_BYTES)
    return NULL;
  if (!kernel || g->n % kernel->cols || g->k % groups->size)
    return NULL;
  Few *f = PJ_NEW(arena, Few);
  *f = (Few){.kernel = *kernel,
             .groups = groups,
             .a = a,
             .comp = g->comp,
             .out_dtype = g->out_dtype,
             .m = g->m,
             .n = g->n,
             .k = g->k / groups->size,
             .elem = (int64_t)pj_dtype_bytes(g->b.dtype),
             .b_row = g->b.sum_step * (int64_t)pj_dtype_bytes(g->b.dtype),
             .num_batch = g->num_batch,
             .batch = g->batch};
  memcpy(f->batch_dims, g->batch_dims, sizeof f->batch_dims);
  memcpy(f->a_batch, g->a_batch, sizeof f->a_batch);
  memcpy(f->b_batch, g->b_batch, sizeof f->b_batch);
  f->routine = (PjRoutine){
      .name = "gemm_few",
      .run = run_few,
      .in_place = -1,
      .scratch_bytes = pj__scratch_round((size_t)(f->batch * packed_words(f)) * 4),
      .thread_scratch_bytes =
          pj_comp_is_native(g->comp, g->out_dtype) ? 0 : (size_t)(MOST_ROWS * PART * 4)};
  return &f->routine;
}
