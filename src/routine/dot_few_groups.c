// A few rows by a matrix of bf16 or of bytes whose columns lie side by side: the matrix is
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
  MOST_ROWS = 48,      // of more, packing the matrix pays;
  MOST_ROWS_BYTES = 8, // of bytes, whose lines take longer to zip
  SAME_SET = 4096,     // bytes from line to line, so that all lie in one set of that cache;
  SETS_ROWS = 32,      // of more, two sets are too few, too
  LINES = 64,          // of the matrix, read side by side; the next ones are asked for
  PART = 512,          // columns in one part, a multiple of every kernel's,
  SMALL_PART = 128,    // or, for there to be work for all,
  PARTS = 4,           // if there would be less than so many
};

// |rows| rows of groups at |a|, as many to a group as the kernel has rows, by the |cols| columns of
// |lines| lines at |b|, |b_row| bytes apart. |bound|: of numbers smaller than that, as codes
// without sign, subnormal sums may come up.
typedef struct PjFewStrip {
  int rows, cols;
  int64_t lines, b_row, c_row;
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
#define BF16_GROUP(ROWS, ADD, LOOK, SECOND)                                              \
  {                                                                                      \
    const __m512i x = _mm512_maskz_loadu_epi16(have, line), y = SECOND;                  \
    LOOK();                                                                              \
    const __m512i low = _mm512_unpacklo_epi16(x, y), high = _mm512_unpackhi_epi16(x, y); \
    UNROLL for (int i = 0; i < ROWS; ++i) {                                              \
      const __m512i each = _mm512_set1_epi32((int)w[i]);                                 \
      sum[i][0] = ADD(sum[i][0], each, low);                                             \
      sum[i][1] = ADD(sum[i][1], each, high);                                            \
    }                                                                                    \
    w += ROWS;                                                                           \
    line += 2 * f->b_row;                                                                \
  }
#define BF16_SUMS(ROWS, ADD, LOOK)                                                     \
  {                                                                                    \
    UNROLL for (int i = 0; i < ROWS; ++i) sum[i][0] = sum[i][1] = _mm512_setzero_ps(); \
    const uint32_t *w = a;                                                             \
    const char *line = b;                                                              \
    int64_t p = 0;                                                                     \
    for (; p + 2 <= f->lines; p += 2)                                                  \
      BF16_GROUP(ROWS, ADD, LOOK, _mm512_maskz_loadu_epi16(have, line + f->b_row))     \
    if (p < f->lines)                                                                  \
      BF16_GROUP(ROWS, ADD, LOOK, _mm512_setzero_si512())                              \
  }
#define BF16_KERNEL(NAME, ROWS, ADD, LOOK, AGAIN)                                                \
  TARGET static void NAME##_##ROWS(const PjFewStrip *f, const uint32_t *a, const char *b,        \
                                   void *pc) {                                                   \
    const __m512i one = _mm512_set1_epi16(1), size = _mm512_set1_epi16(0x7FFF);                  \
    const __mmask32 have = (__mmask32)(((uint64_t)1 << f->cols) - 1);                            \
    const __mmask16 first_have = (__mmask16)have, second_have = (__mmask16)(have >> 16);         \
    __m512i least = _mm512_set1_epi16(-1);                                                       \
    __m512 sum[ROWS][2];                                                                         \
    BF16_SUMS(ROWS, ADD, LOOK)                                                                   \
    AGAIN(ROWS)                                                                                  \
    const __m512i first =                                                                        \
                      _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23), \
                  second = _mm512_add_epi32(first, _mm512_set1_epi32(8));                        \
    float *c = pc;                                                                               \
    UNROLL for (int i = 0; i < ROWS; ++i, c += f->c_row) if (i < f->rows) {                      \
      __m512 x = _mm512_permutex2var_ps(sum[i][0], first, sum[i][1]),                            \
             y = _mm512_permutex2var_ps(sum[i][0], second, sum[i][1]);                           \
      if (f->add) {                                                                              \
        x = _mm512_add_ps(x, _mm512_maskz_loadu_ps(first_have, c));                              \
        y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(second_have, c + 16));                        \
      }                                                                                          \
      _mm512_mask_storeu_ps(c, first_have, x);                                                   \
      _mm512_mask_storeu_ps(c + 16, second_have, y);                                             \
    }                                                                                            \
  }
// The smallest number is looked for on the way; one that is too small has all computed again.
#define LOOK_AHEAD()                                                                   \
  {                                                                                    \
    _mm_prefetch(line + LINES * f->b_row, _MM_HINT_T1);                                \
    _mm_prefetch(line + (LINES + 1) * f->b_row, _MM_HINT_T1);                          \
    least = _mm512_min_epu16(least, _mm512_sub_epi16(_mm512_and_si512(x, size), one)); \
    least = _mm512_min_epu16(least, _mm512_sub_epi16(_mm512_and_si512(y, size), one)); \
  }
#define NO_LOOK() (void)one, (void)size, (void)least
#define IF_SMALL(ROWS)                                                            \
  if (_mm512_cmplt_epu16_mask(least, _mm512_set1_epi16((short)(f->bound - 1)))) { \
    exact_##ROWS(f, a, b, pc);                                                    \
    return;                                                                       \
  }
#define NEVER(ROWS)
BF16_KERNEL(exact, 4, ADD_EXACT, NO_LOOK, NEVER)
BF16_KERNEL(exact, 8, ADD_EXACT, NO_LOOK, NEVER)
BF16_KERNEL(bf16, 4, ADD_DOTS, LOOK_AHEAD, IF_SMALL)
BF16_KERNEL(bf16, 8, ADD_DOTS, LOOK_AHEAD, IF_SMALL)

// Four lines of 64 bytes: word w of lane q is column 16 q + 4 w of each vector.
#define BYTES_GROUP(ROWS, START, HAVE)                                       \
  {                                                                          \
    __m512i line[4], pair[4], quad[4];                                       \
    UNROLL for (int q = 0; q < 4; ++q) {                                     \
      const char *at = lines + q * f->b_row;                                 \
      line[q] = _mm512_maskz_loadu_epi8(HAVE, at);                           \
      _mm_prefetch(at + LINES * f->b_row, _MM_HINT_T1);                      \
    }                                                                        \
    UNROLL for (int q = 0; q < 2; ++q) {                                     \
      pair[q] = _mm512_unpacklo_epi8(line[2 * q], line[2 * q + 1]);          \
      pair[2 + q] = _mm512_unpackhi_epi8(line[2 * q], line[2 * q + 1]);      \
    }                                                                        \
    UNROLL for (int q = 0; q < 2; ++q) {                                     \
      quad[2 * q] = _mm512_unpacklo_epi16(pair[2 * q], pair[2 * q + 1]);     \
      quad[2 * q + 1] = _mm512_unpackhi_epi16(pair[2 * q], pair[2 * q + 1]); \
    }                                                                        \
    UNROLL for (int v = 0; v < 4; ++v) START;                                \
    UNROLL for (int i = 0; i < ROWS; ++i) {                                  \
      const __m512i each = _mm512_set1_epi32((int)w[i]);                     \
      UNROLL for (int v = 0; v < 4; ++v) sum[i][v] =                         \
          _mm512_dpbusd_epi32(sum[i][v], each, quad[v]);                     \
    }                                                                        \
    w += ROWS;                                                               \
    lines += 4 * f->b_row;                                                   \
  }
#define BYTES_ROWS(SIGN, ROWS, START)                                                             \
  TARGET static void bytes_##SIGN##_##ROWS(const PjFewStrip *f, const uint32_t *a, const char *b, \
                                           void *pc) {                                            \
    const __m512i all = _mm512_set1_epi32((int)0x80808080);                                       \
    const __mmask64 have = f->cols == 64 ? ~(__mmask64)0 : ((__mmask64)1 << f->cols) - 1;         \
    __m512i sum[ROWS][4], much[4];                                                                \
    UNROLL for (int v = 0; v < 4; ++v) {                                                          \
      much[v] = _mm512_setzero_si512();                                                           \
      UNROLL for (int i = 0; i < ROWS; ++i) sum[i][v] = much[v];                                  \
    }                                                                                             \
    const uint32_t *w = a;                                                                        \
    const char *lines = b;                                                                        \
    int64_t p = 0;                                                                                \
    for (; p + 4 <= f->lines; p += 4)                                                             \
      BYTES_GROUP(ROWS, START, have)                                                              \
    if (p < f->lines)                                                                             \
      BYTES_GROUP(ROWS, START, p + q < f->lines ? have : 0)                                       \
    uint32_t *c = pc;                                                                             \
    UNROLL for (int i = 0; i < ROWS; ++i, c += f->c_row) if (i < f->rows) {                       \
      __m512i s[4];                                                                               \
      UNROLL for (int v = 0; v < 4; ++v) s[v] = _mm512_sub_epi32(sum[i][v], much[v]);             \
      const __m512i low = _mm512_shuffle_i32x4(s[0], s[1], 0x44),                                 \
                    up = _mm512_shuffle_i32x4(s[0], s[1], 0xEE),                                  \
                    low2 = _mm512_shuffle_i32x4(s[2], s[3], 0x44),                                \
                    up2 = _mm512_shuffle_i32x4(s[2], s[3], 0xEE);                                 \
      s[0] = _mm512_shuffle_i32x4(low, low2, 0x88);                                               \
      s[1] = _mm512_shuffle_i32x4(low, low2, 0xDD);                                               \
      s[2] = _mm512_shuffle_i32x4(up, up2, 0x88);                                                 \
      s[3] = _mm512_shuffle_i32x4(up, up2, 0xDD);                                                 \
      UNROLL for (int v = 0; v < 4; ++v) {                                                        \
        const __mmask16 part = (__mmask16)(have >> (16 * v));                                     \
        if (f->add)                                                                               \
          s[v] = _mm512_add_epi32(s[v], _mm512_maskz_loadu_epi32(part, c + 16 * v));              \
        _mm512_mask_storeu_epi32(c + 16 * v, part, s[v]);                                         \
      }                                                                                           \
    }                                                                                             \
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
  int64_t lines, part; // of the matrix; columns of a part
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
// normal: see pj__keeps_normal.
static uint16_t bound_of(int least) {
  return least <= 0 ? UINT16_MAX : (uint16_t)(pj__max(1, 142 - least) << 7);
}

static void few_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Few *f = run->f;
  const int64_t parts = pj__divide_up(f->n, f->part), lines = LINES / f->groups->size,
                out_elem = (int64_t)pj_dtype_bytes(f->out_dtype);
  const bool native = pj_comp_is_native(f->comp, f->out_dtype);
  char *sums = pj__thread_scratch(&f->routine, run->scratch, thread);
  for (; begin < end; ++begin) {
    const int64_t batch = begin / parts, first = begin % parts * f->part,
                  cols = pj__min(f->part, f->n - first);
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
                                    .cols = (int)pj__min(f->kernel.cols, cols - j),
                                    .lines = pj__min(LINES, f->lines - p * f->groups->size),
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
  const int64_t parts = f->batch * pj__divide_up(f->n, f->part);
  pj_threads_for(threads, parts,
                 pj__grain(parts, (double)f->part * (double)f->k * (double)f->m / 4), few_parts,
                 &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__dot_few_groups(PjArena *arena, const PjProduct *g) {
  PjPanel a = g->a, b = g->b;
  if (g->m < 2 || g->m > MOST_ROWS || g->b.outer_step != 1 || g->b.sum_step < g->n)
    return NULL;
  const PjGroups *groups = pj__panels_group(&a, &b, g->comp, g->n, g->k);
  const PjFewGroups *kernel = groups ? pick(g, groups) : NULL;
  if (!kernel || (groups->size == 4 && g->m > MOST_ROWS_BYTES))
    return NULL;
  // Lines that push each other out of the nearest cache before the next rows take them.
  const int64_t line = g->b.sum_step * (int64_t)pj_dtype_bytes(g->b.dtype);
  if ((g->m > kernel->rows && line % SAME_SET == 0) ||
      (g->m > SETS_ROWS && line % (SAME_SET / 2) == 0))
    return NULL;
  Few *f = PJ_NEW(arena, Few);
  *f = (Few){.kernel = *kernel,
             .groups = groups,
             .a = a,
             .comp = g->comp,
             .out_dtype = g->out_dtype,
             .m = g->m,
             .n = g->n,
             .k = pj__divide_up(g->k, groups->size),
             .lines = g->k,
             .part = (double)g->batch * (double)g->n < PARTS * PART ? SMALL_PART : PART,
             .elem = (int64_t)pj_dtype_bytes(g->b.dtype),
             .b_row = g->b.sum_step * (int64_t)pj_dtype_bytes(g->b.dtype),
             .num_batch = g->num_batch,
             .batch = g->batch};
  memcpy(f->batch_dims, g->batch_dims, sizeof f->batch_dims);
  memcpy(f->a_batch, g->a_batch, sizeof f->a_batch);
  memcpy(f->b_batch, g->b_batch, sizeof f->b_batch);
  f->routine =
      (PjRoutine){.name = "gemm_few",
                  .run = run_few,
                  .in_place = -1,
                  .scratch_bytes = pj__scratch_round((size_t)(f->batch * packed_words(f)) * 4),
                  .thread_scratch_bytes =
                      pj_comp_is_native(g->comp, g->out_dtype) ? 0 : (size_t)(g->m * PART * 4)};
  return &f->routine;
}
