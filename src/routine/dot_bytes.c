// Rows of bytes by a few columns, where the processor multiplies 64 pairs of unsigned and signed
// bytes and adds up groups of four in one instruction: each element of the result is a sum over
// lanes. The columns are brought side by side once, filled up with zeros; rows are read as they
// lie. Signed rows are taken with 128 added, and what that brings is subtracted at the end. Sums
// are exact modulo 2^32, so their order does not matter.
#include "routine/dot_bytes.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/cpu.h"
#include "eval/comp.h"

#if defined(__x86_64__)
enum {
  MOST_COLS = 8,
  STEP = 64,              // bytes of a vector
  ROWS = 4,               // of a tile,
  COLS = 4,               // and its columns at most
  PART_ROWS = 64,         // of a matrix, in one part
  MOST_SCRATCH = 1 << 20, // of columns
};

typedef struct Bytes {
  PjRoutine routine;
  bool swapped;                                 // the matrix is in[1]
  uint32_t flip;                                // turns signed rows
  int64_t rows, cols, k, row;                   // of the matrix, |row| bytes apart
  int64_t col_step, sum_step, out_row, out_col; // in elements
  int64_t filled, column_bytes;                 // of a column with its zeros; of a batch's
  int32_t num_batch;
  int64_t batch, batch_dims[PJ_MAX_RANK], matrix_batch[PJ_MAX_RANK], vector_batch[PJ_MAX_RANK];
} Bytes;

typedef struct Run {
  const Bytes *y;
  const char *matrix;
  char *scratch;
  uint32_t *out;
} Run;

static int64_t batch_offset(const Bytes *y, const int64_t *strides, int64_t batch) {
  int64_t offset = 0;
  for (int32_t d = y->num_batch - 1; d >= 0; batch /= y->batch_dims[d--])
    offset += batch % y->batch_dims[d] * strides[d];
  return offset;
}

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")))

// c[i, j] of some rows and columns; |less|: what is too much in each column.
typedef void TileFn(const Bytes *y, const char *rows, const char *cols, const uint32_t *less,
                    uint32_t *c);
#define TILE(R, C)                                                                              \
  TARGET static void tile_##R##_##C(const Bytes *y, const char *rows, const char *cols,         \
                                    const uint32_t *less, uint32_t *c) {                        \
    const __m512i flip = _mm512_set1_epi32((int)y->flip);                                       \
    const int64_t k = y->k, row = y->row, filled = y->filled;                                   \
    __m512i sum[R][C];                                                                          \
    UNROLL for (int i = 0; i < R; ++i) UNROLL for (int j = 0; j < C; ++j) sum[i][j] =           \
        _mm512_setzero_si512();                                                                 \
    for (int64_t p = 0; p < k; p += STEP) {                                                     \
      const __mmask64 have = k - p >= STEP ? ~(__mmask64)0 : ((__mmask64)1 << (k - p)) - 1;     \
      __m512i x[R];                                                                             \
      UNROLL for (int i = 0; i < R; ++i) x[i] =                                                 \
          _mm512_xor_si512(flip, _mm512_maskz_loadu_epi8(have, rows + i * row + p));            \
      UNROLL for (int j = 0; j < C; ++j) {                                                      \
        const __m512i v = _mm512_loadu_si512(cols + j * filled + p);                            \
        UNROLL for (int i = 0; i < R; ++i) sum[i][j] = _mm512_dpbusd_epi32(sum[i][j], x[i], v); \
      }                                                                                         \
    }                                                                                           \
    UNROLL for (int i = 0; i < R; ++i) UNROLL for (int j = 0; j < C; ++j)                       \
        c[i * y->out_row + j * y->out_col] =                                                    \
            (uint32_t)_mm512_reduce_add_epi32(sum[i][j]) - less[j];                             \
  }
#define TILES(R) TILE(R, 1) TILE(R, 2) TILE(R, 3) TILE(R, 4)
TILES(1)
TILES(4)
static TileFn *const tiles[2][COLS] = {{tile_1_1, tile_1_2, tile_1_3, tile_1_4},
                                       {tile_4_1, tile_4_2, tile_4_3, tile_4_4}};

static void byte_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Bytes *y = run->y;
  const int64_t parts = pj__divide_up(y->rows, PART_ROWS);
  for (; begin < end; ++begin) {
    const int64_t batch = begin / parts, first = begin % parts * PART_ROWS,
                  last = pj__min(y->rows, first + PART_ROWS);
    const char *cols = run->scratch + batch * y->column_bytes,
               *rows = run->matrix + batch_offset(y, y->matrix_batch, batch);
    const uint32_t *less = (const uint32_t *)(cols + y->cols * y->filled);
    uint32_t *out = run->out + batch * y->rows * y->cols;
    for (int64_t i = first, count; i < last; i += count) {
      count = last - i >= ROWS ? ROWS : 1;
      for (int64_t j = 0; j < y->cols; j += COLS)
        tiles[count == ROWS][pj__min(COLS, y->cols - j) - 1](y, rows + i * y->row,
                                                             cols + j * y->filled, less + j,
                                                             out + i * y->out_row + j * y->out_col);
    }
  }
}

static void bring_columns(const Bytes *y, const int8_t *from, char *to) {
  uint32_t *less = (uint32_t *)(to + y->cols * y->filled);
  for (int64_t j = 0; j < y->cols; ++j, to += y->filled) {
    uint32_t sum = 0;
    memset(to + y->k, 0, (size_t)(y->filled - y->k));
    for (int64_t p = 0; p < y->k; ++p) {
      const int8_t x = from[j * y->col_step + p * y->sum_step];
      to[p] = (char)x;
      sum += (uint32_t)x;
    }
    less[j] = y->flip ? 128 * sum : 0;
  }
}

static PjStatus run_bytes(const PjRoutine *self, PjThreads *threads, const void *const *in,
                          void *const *out, void *scratch) {
  const Bytes *y = (const Bytes *)self;
  const char *vectors = in[!y->swapped];
  Run run = {y, in[y->swapped], scratch, out[0]};
  for (int64_t b = 0; b < y->batch; ++b)
    bring_columns(y, (const int8_t *)vectors + batch_offset(y, y->vector_batch, b),
                  run.scratch + b * y->column_bytes);
  const int64_t parts = y->batch * pj__divide_up(y->rows, PART_ROWS);
  pj_threads_for(threads, parts,
                 pj__grain(parts, (double)PART_ROWS * (double)y->cols * (double)(y->k + 64) / 32),
                 byte_parts, &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__dot_bytes(PjArena *arena, const PjProduct *g) {
  if (g->comp != PJ_COMP_U32 || !pj_cpu_has(PJ_CPU_AVX512 | PJ_CPU_AVX512_VNNI) ||
      !pj_comp_is_native(g->comp, g->out_dtype))
    return NULL;
  // The matrix is the one with more rows.
  const bool swapped = g->m < g->n;
  const PjPanel *matrix = swapped ? &g->b : &g->a, *vector = swapped ? &g->a : &g->b;
  const int64_t rows = swapped ? g->n : g->m, cols = swapped ? g->m : g->n,
                filled = pj__divide_up(g->k, STEP) * STEP,
                column_bytes = cols * filled + STEP; // and a word for each column
  if ((matrix->dtype != PJ_DT_S8 && matrix->dtype != PJ_DT_U8) || vector->dtype != PJ_DT_S8 ||
      cols > MOST_COLS || (matrix->sum_step != 1 && g->k > 1) || matrix->outer_step < 0 ||
      vector->sum_step < 0 || vector->outer_step < 0 ||
      (double)g->batch * (double)cols * (double)filled > MOST_SCRATCH)
    return NULL;
  Bytes *y = PJ_NEW(arena, Bytes);
  *y = (Bytes){.swapped = swapped,
               .flip = matrix->dtype == PJ_DT_S8 ? 0x80808080u : 0,
               .rows = rows,
               .cols = cols,
               .k = g->k,
               .row = matrix->outer_step,
               .col_step = vector->outer_step,
               .sum_step = vector->sum_step,
               .out_row = swapped ? 1 : g->n,
               .out_col = swapped ? g->n : 1,
               .filled = filled,
               .column_bytes = column_bytes,
               .num_batch = g->num_batch,
               .batch = g->batch};
  memcpy(y->batch_dims, g->batch_dims, sizeof y->batch_dims);
  memcpy(y->matrix_batch, swapped ? g->b_batch : g->a_batch, sizeof y->matrix_batch);
  memcpy(y->vector_batch, swapped ? g->a_batch : g->b_batch, sizeof y->vector_batch);
  y->routine =
      (PjRoutine){.name = "gemm_bytes",
                  .run = run_bytes,
                  .in_place = -1,
                  .scratch_bytes = pj__scratch_round((size_t)(y->batch * y->column_bytes))};
  return &y->routine;
}
#else
const PjRoutine *pj__dot_bytes(PjArena *arena, const PjProduct *g) {
  return NULL;
}
#endif
