// Rows of bytes or of bf16 by a few columns, where the processor multiplies 64 bytes by others and
// adds up groups of neighbours in one instruction: each element of the result is a sum over lanes.
// The columns are brought side by side once, filled up with zeros; rows are read as they lie.
//
// Signed rows of bytes are taken with 128 added, and what that brings is subtracted at the end;
// their sums are exact modulo 2^32. The instruction for bf16 takes subnormal numbers for zero: the
// smallest number is looked for on the way, and one that is too small has its tile computed again.
#include "routine/dot_rows.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/cpu.h"
#include "eval/comp.h"

#if defined(__x86_64__)
enum {
  MOST_COLS = 8,
  STEP = 64,    // bytes of a vector
  COLS = 4,     // columns of a tile at most
  FEW_COLS = 2, // up to here a tile has MANY rows, else FEW: enough sums that none
  MANY = 8,     // waits for its last addition; MOST of one column, of rows of one vector
  FEW = 4,
  MOST = 16,
  SUMS = 16,              // of a tile at most: a vector
  PART_ROWS = 64,         // of a matrix, in one part
  BRING = 4096,           // elements of all columns that are brought in one part, whole vectors
  SHORT_BYTES = 32,       // of rows: packing is better for them if there are more than COLS columns
  MOST_SCRATCH = 1 << 20, // bytes of columns
};

typedef struct Rows Rows;
// The sums of a tile, row by row; |of|: a number of each column (Rows.less).
typedef void TileFn(const Rows *y, const char *rows, const char *cols, const uint32_t *of, void *c);

struct Rows {
  PjRoutine routine;
  TileFn *const (*tiles)[COLS]; // of one row, of many, and of the most
  PjComp comp;
  PjDtype out_dtype;
  bool swapped;                 // the matrix is in[1]
  uint32_t flip;                // turns signed rows
  int64_t elem;                 // bytes
  int64_t rows, cols, k, row;   // of the matrix, |row| bytes apart
  int64_t col_step, sum_step;   // of the columns, in bytes
  int64_t filled, column_bytes; // of a column with its zeros; of a batch's
  int32_t num_batch;
  int64_t batch, batch_dims[PJ_MAX_RANK], matrix_batch[PJ_MAX_RANK], vector_batch[PJ_MAX_RANK];
};

typedef struct Run {
  const Rows *y;
  const char *matrix, *vectors;
  char *columns, *out;
} Run;

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define TARGET \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx2,fma")))

// ---- tiles
// to[l] = the sum over the lanes of vector l: two vectors become one of halves that were added, two
// of those one of quarters, and so on.
#define JOIN(x, y, SHUFFLE, LOW, HIGH, ADD) ADD(SHUFFLE(x, y, LOW), SHUFFLE(x, y, HIGH))
#define LANE_SUMS(NAME, VEC, HALVES, QUARTERS, ADD)                                            \
  TARGET static inline VEC NAME(const VEC *sum) {                                              \
    /* where vectors go in for their sums to come out in order */                              \
    static const int at[SUMS] = {0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15};        \
    VEC x[SUMS];                                                                               \
    UNROLL for (int i = 0; i < 8; ++i) x[i] =                                                  \
        JOIN(sum[at[i]], sum[at[i + 8]], HALVES, 0x44, 0xEE, ADD);                             \
    UNROLL for (int i = 0; i < 4; ++i) x[i] = JOIN(x[i], x[i + 4], HALVES, 0x88, 0xDD, ADD);   \
    UNROLL for (int i = 0; i < 2; ++i) x[i] = JOIN(x[i], x[i + 2], QUARTERS, 0x44, 0xEE, ADD); \
    return JOIN(x[0], x[1], QUARTERS, 0x88, 0xDD, ADD);                                        \
  }
#define QUARTERS_OF_INTEGERS(x, y, order) \
  _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(y), order))
LANE_SUMS(lane_integers, __m512i, _mm512_shuffle_i32x4, QUARTERS_OF_INTEGERS, _mm512_add_epi32)
LANE_SUMS(lane_floats, __m512, _mm512_shuffle_f32x4, _mm512_shuffle_ps, _mm512_add_ps)

#define BYTES(R, C)                                                                                \
  TARGET static void bytes_##R##_##C(const Rows *y, const char *rows, const char *cols,            \
                                     const uint32_t *less, void *pc) {                             \
    const __m512i flip = _mm512_set1_epi32((int)y->flip);                                          \
    const int64_t k = y->k, row = y->row, filled = y->filled;                                      \
    __m512i sum[SUMS];                                                                             \
    UNROLL for (int i = 0; i < SUMS; ++i) sum[i] = _mm512_setzero_si512();                         \
    for (int64_t p = 0; p < k; p += STEP) {                                                        \
      const __mmask64 have = k - p >= STEP ? ~(__mmask64)0 : ((__mmask64)1 << (k - p)) - 1;        \
      __m512i x[R];                                                                                \
      UNROLL for (int i = 0; i < R; ++i) x[i] =                                                    \
          _mm512_xor_si512(flip, _mm512_maskz_loadu_epi8(have, rows + i * row + p));               \
      UNROLL for (int j = 0; j < C; ++j) {                                                         \
        const __m512i v = _mm512_loadu_si512(cols + j * filled + p);                               \
        UNROLL for (int i = 0; i < R; ++i) sum[i * C + j] =                                        \
            _mm512_dpbusd_epi32(sum[i * C + j], x[i], v);                                          \
      }                                                                                            \
    }                                                                                              \
    uint32_t *c = pc;                                                                              \
    _mm512_storeu_si512(c, lane_integers(sum));                                                    \
    UNROLL for (int i = 0; i < R; ++i) UNROLL for (int j = 0; j < C; ++j) c[i * C + j] -= less[j]; \
  }

#define UPPER(x) _mm512_castsi512_ps(_mm512_and_si512(x, _mm512_set1_epi32((int)0xFFFF0000)))
#define LOWER(x) _mm512_castsi512_ps(_mm512_slli_epi32(x, 16))
#define ADD_EXACT(sum, x, y) \
  _mm512_fmadd_ps(LOWER(x), LOWER(y), _mm512_fmadd_ps(UPPER(x), UPPER(y), sum))
#define ADD_DOTS(sum, x, y) _mm512_dpbf16_ps(sum, (__m512bh)(x), (__m512bh)(y))
#define BF16_SUMS(R, C, ADD, LOOK)                                                      \
  UNROLL for (int i = 0; i < SUMS; ++i) sum[i] = _mm512_setzero_ps();                   \
  for (int64_t p = 0; p < bytes; p += STEP) {                                           \
    const __mmask32 have =                                                              \
        bytes - p >= STEP ? ~(__mmask32)0 : ((__mmask32)1 << ((bytes - p) / 2)) - 1;    \
    __m512i x[R];                                                                       \
    UNROLL for (int i = 0; i < R; ++i) {                                                \
      x[i] = _mm512_maskz_loadu_epi16(have, rows + i * row + p);                        \
      LOOK;                                                                             \
    }                                                                                   \
    UNROLL for (int j = 0; j < C; ++j) {                                                \
      const __m512i v = _mm512_loadu_si512(cols + j * filled + p);                      \
      UNROLL for (int i = 0; i < R; ++i) sum[i * C + j] = ADD(sum[i * C + j], x[i], v); \
    }                                                                                   \
  }
#define BF16(R, C)                                                                              \
  TARGET static void bf16_##R##_##C(const Rows *y, const char *rows, const char *cols,          \
                                    const uint32_t *bound, void *c) {                           \
    const __m512i one = _mm512_set1_epi16(1), size = _mm512_set1_epi16(0x7FFF);                 \
    const int64_t bytes = 2 * y->k, row = y->row, filled = y->filled;                           \
    __m512i least = _mm512_set1_epi16(-1); /* zero is more than all others */                   \
    __m512 sum[SUMS];                                                                           \
    BF16_SUMS(R, C, ADD_DOTS,                                                                   \
              least =                                                                           \
                  _mm512_min_epu16(least, _mm512_sub_epi16(_mm512_and_si512(x[i], size), one))) \
    if (_mm512_cmplt_epu16_mask(least, _mm512_set1_epi16((short)(bound[0] - 1)))) {             \
      BF16_SUMS(R, C, ADD_EXACT, )                                                              \
    }                                                                                           \
    _mm512_storeu_ps(c, lane_floats(sum));                                                      \
  }
#define TILES(KIND) \
  KIND(1, 1)        \
  KIND(1, 2) KIND(1, 3) KIND(1, 4) KIND(8, 1) KIND(8, 2) KIND(4, 3) KIND(4, 4) KIND(16, 1)
TILES(BYTES)
TILES(BF16)
#define TILES_OF(KIND)                                      \
  {                                                         \
    {KIND##_1_1, KIND##_1_2, KIND##_1_3, KIND##_1_4},       \
        {KIND##_8_1, KIND##_8_2, KIND##_4_3, KIND##_4_4}, { \
      KIND##_16_1                                           \
    }                                                       \
  }
static TileFn *const tiles_of_bytes[3][COLS] = TILES_OF(bytes), *const tiles_of_bf16[3][COLS] =
                                                                    TILES_OF(bf16);

// |rows| rows of COLS sums, |row| apart, of a tile that was stored just now.
TARGET static inline void spread(int64_t rows, const uint32_t *c, uint32_t *to, int64_t row) {
  const __m512i all = _mm512_loadu_si512(c);
  _mm_storeu_si128((__m128i_u *)to, _mm512_castsi512_si128(all));
  if (rows == 1)
    return;
  _mm_storeu_si128((__m128i_u *)(to + row), _mm512_extracti32x4_epi32(all, 1));
  _mm_storeu_si128((__m128i_u *)(to + 2 * row), _mm512_extracti32x4_epi32(all, 2));
  _mm_storeu_si128((__m128i_u *)(to + 3 * row), _mm512_extracti32x4_epi32(all, 3));
}

// |count| columns of |height| rows into |sums|, behind which there is room for a tile.
static void strip(const Rows *y, const char *rows, int64_t height, const char *cols, int64_t count,
                  const uint32_t *of, uint32_t *sums, int64_t row_step, int64_t col_step) {
  const int64_t most = count == 1 && height >= MOST && y->k * y->elem <= STEP ? MOST
                       : count <= FEW_COLS                                    ? MANY
                                                                              : FEW;
  for (int64_t i = 0, n; i < height; i += n) {
    n = height < most ? 1 : most;
    if (i + n > height) // the last rows, some of them once more
      i = height - n;
    TileFn *const tile = y->tiles[n == MOST ? 2 : n > 1][count - 1];
    uint32_t c[SUMS], *to = sums + i * row_step;
    if (col_step == 1 && row_step == count) { // what lies behind comes later
      tile(y, rows + i * y->row, cols, of, to);
      continue;
    }
    tile(y, rows + i * y->row, cols, of, c);
    if (col_step == 1 && count == COLS)
      spread(n, c, to, row_step);
    else
      for (int64_t r = 0; r < n; ++r, to += row_step)
        for (int64_t j = 0; j < count; ++j)
          to[j * col_step] = c[r * count + j];
  }
}

static void row_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Rows *y = run->y;
  const int64_t parts = pj__divide_up(y->rows, PART_ROWS),
                out = (int64_t)pj_dtype_bytes(y->out_dtype);
  uint32_t sums[PART_ROWS * MOST_COLS + SUMS];
  for (; begin < end; ++begin) {
    const int64_t batch = begin / parts, first = begin % parts * PART_ROWS,
                  height = pj__min(PART_ROWS, y->rows - first);
    const char *cols = run->columns + batch * y->column_bytes,
               *rows = run->matrix +
                       pj__batch_offset(y->num_batch, y->batch_dims, y->matrix_batch, batch) +
                       first * y->row;
    const uint32_t *of = (const uint32_t *)(cols + y->cols * y->filled);
    char *c = run->out + batch * y->rows * y->cols * out;
    const int64_t row_step = y->swapped ? 1 : y->cols, col_step = y->swapped ? PART_ROWS : 1;
    for (int64_t j = 0; j < y->cols; j += COLS)
      strip(y, rows, height, cols + j * y->filled, pj__min(COLS, y->cols - j), of + j,
            sums + j * col_step, row_step, col_step);
    if (!y->swapped)
      pj_comp_store(y->comp, y->out_dtype, height * y->cols, sums, c + first * y->cols * out);
    for (int64_t j = 0; y->swapped && j < y->cols; ++j)
      pj_comp_store(y->comp, y->out_dtype, height, sums + j * PART_ROWS,
                    c + (j * y->rows + first) * out);
  }
}

// ---- columns
// 512 bytes of lines of eight elements, of which |cols| count, as so many columns of 64 bytes,
// |filled| bytes apart.
TARGET static void turn(const char *lines, bool bytes, int64_t cols, int64_t filled, char *to) {
  const __m512i pairs =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));
  uint16_t order[32]; // four lines' part of each column together
  for (int i = 0; i < 32; ++i)
    order[i] = (uint16_t)(i % 4 * 8 + i / 4);
  const __m512i each = _mm512_loadu_si512(order);
  __m512i x[8], low[4], high[4], column[8];
  UNROLL for (int i = 0; i < 8; ++i) {
    x[i] = _mm512_loadu_si512(lines + i * STEP);
    if (bytes)
      x[i] = _mm512_shuffle_epi8(x[i], pairs);
    x[i] = _mm512_permutexvar_epi16(each, x[i]);
  }
  UNROLL for (int i = 0; i < 4; ++i) {
    low[i] = _mm512_unpacklo_epi64(x[2 * i], x[2 * i + 1]);
    high[i] = _mm512_unpackhi_epi64(x[2 * i], x[2 * i + 1]);
  }
  UNROLL for (int odd = 0; odd < 2; ++odd) {
    const __m512i *l = odd ? high : low;
    UNROLL for (int i = 0; i < 2; ++i) {
      const __m512i a = i ? _mm512_shuffle_i64x2(l[0], l[1], 0xEE)
                          : _mm512_shuffle_i64x2(l[0], l[1], 0x44),
                    b = i ? _mm512_shuffle_i64x2(l[2], l[3], 0xEE)
                          : _mm512_shuffle_i64x2(l[2], l[3], 0x44);
      column[4 * i + odd] = _mm512_shuffle_i64x2(a, b, 0x88);
      column[4 * i + 2 + odd] = _mm512_shuffle_i64x2(a, b, 0xDD);
    }
  }
  for (int64_t j = 0; j < cols; ++j)
    _mm512_storeu_si512(to + j * filled, column[j]);
}

// Elements [p, end) of all columns at |from|, whole vectors of them but for the last part.
static void bring(const Rows *y, const char *from, int64_t p, int64_t end, char *to) {
  const int64_t elem = y->elem, per = STEP / elem, line = y->cols * elem;
  if (y->sum_step == elem || y->k == 1) {
    for (int64_t j = 0; j < y->cols; ++j)
      memcpy(to + j * y->filled + p * elem, from + j * y->col_step + p * elem,
             (size_t)((end - p) * elem));
    p = end;
  }
  if (y->col_step != elem && y->cols > 1)
    for (; p < end; ++p)
      for (int64_t j = 0; j < y->cols; ++j)
        memcpy(to + j * y->filled + p * elem, from + j * y->col_step + p * y->sum_step,
               (size_t)elem);
  // Lines of columns side by side: eight elements are read where they lie in the array.
  const int64_t most = (y->k - 1) * y->sum_step + line - 8 * elem;
  for (; p < end; p += per) {
    char lines[512] = {0};
    const int64_t n = pj__min(per, end - p);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t at = (p + i) * y->sum_step;
      if (at > most)
        memcpy(lines + i * 8 * elem, from + at, (size_t)line);
      else if (elem == 1)
        memcpy(lines + i * 8, from + at, 8);
      else
        memcpy(lines + i * 16, from + at, 16);
    }
    turn(lines, elem == 1, y->cols, y->filled, to + p * elem);
  }
  for (int64_t j = 0; end == y->k && j < y->cols; ++j)
    memset(to + j * y->filled + end * elem, 0, (size_t)(y->filled - end * elem));
}

static int64_t bring_parts(const Rows *y) {
  return pj__divide_up(y->k, BRING);
}

static void columns_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Rows *y = run->y;
  for (; begin < end; ++begin) {
    const int64_t batch = begin / bring_parts(y), p = begin % bring_parts(y) * BRING;
    bring(y, run->vectors + pj__batch_offset(y->num_batch, y->batch_dims, y->vector_batch, batch),
          p, pj__min(y->k, p + BRING), run->columns + batch * y->column_bytes);
  }
}

// What signed rows of bytes bring too much by the |filled| bytes at |column|.
TARGET static uint32_t too_much(const char *column, int64_t filled) {
  const __m512i all = _mm512_set1_epi32((int)0x80808080);
  __m512i sum = _mm512_setzero_si512();
  for (int64_t p = 0; p < filled; p += STEP)
    sum = _mm512_dpbusd_epi32(sum, all, _mm512_loadu_si512(column + p));
  return (uint32_t)_mm512_reduce_add_epi32(sum);
}

// The smallest bf16 but zero, as a code without sign, that keeps all products with |bytes| of them
// at |columns|, and their sums, multiples of the smallest normal float: see pj__keeps_normal.
TARGET static uint32_t bound_of(const char *columns, int64_t bytes) {
  const __m512i one = _mm512_set1_epi16(1), size = _mm512_set1_epi16(0x7FFF);
  __m512i least = _mm512_set1_epi16(-1);
  for (int64_t p = 0; p < bytes; p += STEP)
    least = _mm512_min_epu16(
        least, _mm512_sub_epi16(_mm512_and_si512(_mm512_loadu_si512(columns + p), size), one));
  uint16_t each[32];
  int all = UINT16_MAX;
  _mm512_storeu_si512(each, least);
  for (int i = 0; i < 32; ++i)
    all = each[i] < all ? each[i] : all;
  const int exponent = (all + 1) >> 7;
  return exponent ? (uint32_t)pj__max(1, 142 - exponent) << 7 : UINT16_MAX;
}

static PjStatus run_rows(const PjRoutine *self, PjThreads *threads, const void *const *in,
                         void *const *out, void *scratch) {
  const Rows *y = (const Rows *)self;
  Run run = {y, in[y->swapped], in[!y->swapped], scratch, out[0]};
  const int64_t brought = y->batch * bring_parts(y), parts = pj__divide_up(y->rows, PART_ROWS);
  pj_threads_for(threads, brought,
                 pj__grain(brought, (double)pj__min(y->k, BRING) * (double)y->cols), columns_parts,
                 &run);
  for (int64_t b = 0; b < y->batch; ++b) {
    char *columns = run.columns + b * y->column_bytes;
    uint32_t *of = (uint32_t *)(columns + y->cols * y->filled);
    const uint32_t bound = y->elem == 2 ? bound_of(columns, y->cols * y->filled) : 0;
    for (int64_t j = 0; j < y->cols; ++j)
      of[j] = y->elem == 2 ? bound : y->flip ? too_much(columns + j * y->filled, y->filled) : 0;
  }
  pj_threads_for(threads, y->batch * parts,
                 pj__grain(y->batch * parts,
                           (double)PART_ROWS * (double)y->cols * (double)(y->filled + 64) / 32),
                 row_parts, &run);
  return PJ_STATUS_OK;
}

static bool is_byte(PjDtype dtype) {
  return dtype == PJ_DT_S8 || dtype == PJ_DT_U8;
}

const PjRoutine *pj__dot_rows(PjArena *arena, const PjProduct *g) {
  // The matrix is the one with more rows.
  const bool swapped = g->m < g->n;
  const PjPanel *matrix = swapped ? &g->b : &g->a, *vector = swapped ? &g->a : &g->b;
  const bool bytes = g->comp == PJ_COMP_U32 && is_byte(matrix->dtype) &&
                     vector->dtype == PJ_DT_S8 && pj_comp_is_native(g->comp, g->out_dtype) &&
                     pj_cpu_has(PJ_CPU_AVX512 | PJ_CPU_AVX512_VNNI),
             bf16 = g->comp == PJ_COMP_F32 && matrix->dtype == PJ_DT_BF16 &&
                    vector->dtype == PJ_DT_BF16 && pj_cpu_has(PJ_CPU_AVX512 | PJ_CPU_AVX512_BF16);
  const int64_t elem = bytes ? 1 : 2;
  const int64_t rows = swapped ? g->n : g->m, cols = swapped ? g->m : g->n,
                filled = pj__divide_up(g->k * elem, STEP) * STEP,
                column_bytes = cols * filled + STEP; // and a word for each column
  if ((!bytes && !bf16) || cols > MOST_COLS || (swapped && g->k == 1) ||
      (cols > COLS && g->k * elem < SHORT_BYTES) || (matrix->sum_step != 1 && g->k > 1) ||
      matrix->outer_step < 0 || vector->sum_step < 0 || vector->outer_step < 0 ||
      (double)g->batch * (double)cols * (double)filled > MOST_SCRATCH)
    return NULL;
  Rows *y = PJ_NEW(arena, Rows);
  *y = (Rows){.tiles = bytes ? tiles_of_bytes : tiles_of_bf16,
              .comp = g->comp,
              .out_dtype = g->out_dtype,
              .swapped = swapped,
              .flip = matrix->dtype == PJ_DT_S8 ? 0x80808080u : 0,
              .elem = elem,
              .rows = rows,
              .cols = cols,
              .k = g->k,
              .row = matrix->outer_step * elem,
              .col_step = vector->outer_step * elem,
              .sum_step = vector->sum_step * elem,
              .filled = filled,
              .column_bytes = column_bytes,
              .num_batch = g->num_batch,
              .batch = g->batch};
  memcpy(y->batch_dims, g->batch_dims, sizeof y->batch_dims);
  memcpy(y->matrix_batch, swapped ? g->b_batch : g->a_batch, sizeof y->matrix_batch);
  memcpy(y->vector_batch, swapped ? g->a_batch : g->b_batch, sizeof y->vector_batch);
  y->routine =
      (PjRoutine){.name = "gemm_rows",
                  .run = run_rows,
                  .in_place = -1,
                  .scratch_bytes = pj__scratch_round((size_t)(y->batch * y->column_bytes))};
  return &y->routine;
}
#else
const PjRoutine *pj__dot_rows(PjArena *arena, const PjProduct *g) {
  return NULL;
}
#endif
