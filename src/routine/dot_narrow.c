// Many rows of bytes or of bf16 by columns that stay in a cache. The columns are packed once, in
// slivers of up to two vectors, as groups of neighbours of the sum (gemm_groups.c); rows are read
// as they lie, a group of a row for all columns of a sliver at once. Nothing is added up across
// lanes and nothing of the rows is packed, so that rows of a few bytes cost their multiplications,
// and so do sums that end within a group.
//
// Signed rows of bytes are taken with 128 added: sums begin with what that brings too much. The
// instruction for bf16 takes subnormal numbers for zero: the least exponent of a part's rows and
// that of the columns say whether any could come up, then that part is computed exactly.
#include "routine/dot_narrow.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/cpu.h"
#include "eval/comp.h"

#if defined(__x86_64__)
enum {
  COLS = 32,         // of a sliver; the last one has 8, 16 or 32
  LEAST_ROWS = 24,   // for packing the columns to pay
  ROWS_COLS = 4,     // up to here, rows that are longer
  ROWS_BYTES = 32,   // than this are better off as in dot_rows.c
  TALL = 12,         // rows of a tile; what is left over has tiles of
  MID = 8,           // so many, so many,
  LOW = 4,           // or of one
  PART_ROWS = 96,    // of a matrix, in one part at most,
  PARTS = 16,        // so many if they are whole tiles,
  NEAR = 512 << 10,  // bytes of packed columns that stay in the second cache: a row of tiles is
  FAR = 4 << 20,     // multiplied by all of them; others are read once for a part of
  FAR_ROWS = 48,     // so many rows, which pays
  FAR_LEAST = 1000,  // if there are so many
  SUMS = 640,        // groups of bf16 that are added up in a row
  SCRATCH = 8 << 20, // of all batches' columns
};
_Static_assert(COLS <= (int)PJ_PACK_WIDTH, "packed as one sliver");

typedef struct Narrow Narrow;
// One tile: rows at |rows| by a sliver at |cols|, |n| columns.
typedef void TileFn(const Narrow *y, int64_t n, const char *rows, const char *cols,
                    const uint32_t *start, char *c);
enum { HEIGHTS = 4, WIDTHS = 3 };
typedef TileFn *const Tiles[WIDTHS][HEIGHTS]; // by columns; by rows

struct Narrow {
  PjRoutine routine;
  TileFn *const *tile, *const *last;        // of whole slivers, and of the last one, by height;
  TileFn *const *exact, *const *exact_last; // of bf16, with subnormal numbers, or NULL
  PjPanel b;
  PjDtype out_dtype;
  bool far;        // the columns do not stay in the second cache: sliver after sliver for a part
  bool flip;       // the rows are signed
  int width, size; // columns of the last sliver; elements of a group
  int64_t m, n, k, slivers;
  int64_t part;                // rows; the same for all numbers of threads, for tiles differ in NaN
  int64_t whole, rest, groups; // of a row: whole groups, elements behind them; and all
  int64_t row, c_row, out;     // bytes from row to row, and of an element of the result
  int64_t column_bytes;        // of a batch: slivers, then a word for each column
  int32_t num_batch;
  int64_t batch, batch_dims[PJ_MAX_RANK], a_batch[PJ_MAX_RANK], b_batch[PJ_MAX_RANK]; // bytes
};

typedef struct Run {
  const Narrow *y;
  const char *a, *b;
  char *columns, *c;
} Run;

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define TARGET                                                                               \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx2,fma," \
                        "bmi2")))

// The group behind the whole ones of a row that ends at |end|, filled up with zeros.
static inline uint32_t rest_of_bytes(const Narrow *y, const char *end) {
  const uint8_t *from = (const uint8_t *)end;
  uint32_t group = 0;
  if (y->whole) {
    memcpy(&group, from - 4, 4);
    return group >> (8 * (4 - y->rest));
  }
  for (int64_t b = 1; b <= y->rest; ++b)
    group = group << 8 | from[-b];
  return group;
}
static inline uint32_t rest_of_bf16(const Narrow *y, const char *end) {
  uint16_t last;
  memcpy(&last, end - 2, 2);
  return last;
}

// Tiles whose sums are in the registers of BITS, |V| of them in a row. OP names an operation of
// these.
#define OP(BITS, NAME)  OP_(BITS, NAME)
#define OP_(BITS, NAME) _mm##BITS##_##NAME
#define TILE_SUMS(R, BITS, V, EACH, ADD, REST)                                                    \
  const int64_t row = y->row, whole = y->whole;                                                   \
  enum { STEP = V * BITS / 8 };                                                                   \
  const char *third[4] = {rows, rows + 3 * row, rows + 6 * row, rows + 9 * row};                  \
  const char *b = cols;                                                                           \
  for (int64_t p = 0; p < whole; ++p, b += STEP) {                                                \
    __m##BITS##i x[V];                                                                            \
    UNROLL for (int v = 0; v < V; ++v) x[v] =                                                     \
        OP(BITS, loadu_si##BITS)((const void *)(b + v * BITS / 8));                               \
    UNROLL for (int i = 0; i < R; ++i) {                                                          \
      int32_t group;                                                                              \
      memcpy(&group, third[i / 3] + i % 3 * row, 4);                                              \
      const __m##BITS##i each = EACH(BITS, group);                                                \
      UNROLL for (int v = 0; v < V; ++v) sum[i][v] = ADD(BITS, sum[i][v], each, x[v]);            \
    }                                                                                             \
    UNROLL for (int t = 0; t < 4; ++t) third[t] += 4;                                             \
  }                                                                                               \
  if (y->rest) {                                                                                  \
    const char *end = rows + whole * 4 + y->rest * (4 / y->size);                                 \
    UNROLL for (int i = 0; i < R; ++i) {                                                          \
      const __m##BITS##i each = EACH(BITS, (int32_t)REST(y, end + i * row));                      \
      UNROLL for (int v = 0; v < V; ++v) sum[i][v] =                                              \
          ADD(BITS, sum[i][v], each, OP(BITS, loadu_si##BITS)((const void *)(b + v * BITS / 8))); \
    }                                                                                             \
  }
#define STORE_WORDS(R, BITS, V, SUM)                                                        \
  UNROLL for (int v = 0; v < V; ++v) {                                                      \
    const int64_t left = n - v * (BITS / 32);                                               \
    char *to = c + v * BITS / 8;                                                            \
    if (left >= BITS / 32) {                                                                \
      UNROLL for (int i = 0; i < R; ++i, to += y->c_row)                                    \
          OP(BITS, storeu_si##BITS)((void *)to, SUM(BITS, sum[i][v]));                      \
    } else {                                                                                \
      const __mmask16 have = (__mmask16)((1u << left) - 1);                                 \
      UNROLL for (int i = 0; i < R; ++i, to += y->c_row)                                    \
          OP(BITS, mask_storeu_epi32)((void *)to, (MASK_##BITS)have, SUM(BITS, sum[i][v])); \
    }                                                                                       \
  }
#define MASK_256          __mmask8
#define MASK_512          __mmask16
#define AS_IS(BITS, x)    (x)
#define AS_WORDS(BITS, x) OP(BITS, castps_si##BITS)(x)

// ---- bytes
#define EACH_SIGNED(BITS, g) \
  OP(BITS, xor_si##BITS)(OP(BITS, set1_epi32)(g), OP(BITS, set1_epi32)((int32_t)0x80808080))
#define EACH_AS_IS(BITS, g)      OP(BITS, set1_epi32)(g)
#define ADD_BYTES(BITS, s, x, y) OP(BITS, dpbusd_epi32)(s, x, y)
#define BYTES(SIGN, EACH, R, W, BITS, V)                                                  \
  TARGET static void SIGN##_##R##_##W(const Narrow *y, int64_t n, const char *rows,       \
                                      const char *cols, const uint32_t *start, char *c) { \
    __m##BITS##i sum[R][V];                                                               \
    UNROLL for (int i = 0; i < R; ++i) UNROLL for (int v = 0; v < V; ++v) sum[i][v] =     \
        OP(BITS, loadu_si##BITS)((const void *)(start + v * BITS / 32));                  \
    TILE_SUMS(R, BITS, V, EACH, ADD_BYTES, rest_of_bytes)                                 \
    STORE_WORDS(R, BITS, V, AS_IS)                                                        \
  }

// ---- bf16
// Rows of sums as bf16, one by one: what the instruction for it does not keep, NaN and subnormal
// numbers, included.
static __attribute__((noinline)) void encode_rows(const Narrow *y, int64_t n, int64_t rows,
                                                  const float *sums, int64_t step, char *c) {
  for (int64_t i = 0; i < rows; ++i, sums += step, c += y->c_row)
    pj_comp_store(PJ_COMP_F32, PJ_DT_BF16, n, sums, c);
}
enum { UNLIKE = 0x01 | 0x20 | 0x80 }; // quiet NaN, subnormal, signalling NaN
#define HALF_256(NAME) _mm_##NAME
#define HALF_512(NAME) _mm256_##NAME
#define HALF_OF_256    __m128i
#define HALF_OF_512    __m256i
#define STORE_BF16(R, BITS, V)                                                                    \
  uint32_t unlike = 0;                                                                            \
  UNROLL for (int v = 0; v < V; ++v) {                                                            \
    const int64_t left = n - v * (BITS / 32);                                                     \
    const __mmask16 have =                                                                        \
        left >= BITS / 32 ? (__mmask16)((1u << (BITS / 32)) - 1) : (__mmask16)((1u << left) - 1); \
    char *to = c + v * BITS / 16;                                                                 \
    UNROLL for (int i = 0; i < R; ++i, to += y->c_row) {                                          \
      unlike |= OP(BITS, fpclass_ps_mask)(sum[i][v], UNLIKE);                                     \
      HALF_##BITS(mask_storeu_epi16)((void *)to, (MASK_##BITS)have,                               \
                                     (HALF_OF_##BITS)OP(BITS, cvtneps_pbh)(sum[i][v]));           \
    }                                                                                             \
  }                                                                                               \
  if (unlike) {                                                                                   \
    float all[R * V * BITS / 32];                                                                 \
    UNROLL for (int i = 0; i < R; ++i) UNROLL for (int v = 0; v < V; ++v)                         \
        OP(BITS, storeu_ps)(all + (i * V + v) * (BITS / 32), sum[i][v]);                          \
    encode_rows(y, n, R, all, V *BITS / 32, c);                                                   \
  }
#define FLOATS(BITS, x) OP(BITS, castsi##BITS##_ps)(x)
#define UPPER(BITS, x) \
  FLOATS(BITS, OP(BITS, and_si##BITS)(x, OP(BITS, set1_epi32)((int32_t)0xFFFF0000)))
#define LOWER(BITS, x)          FLOATS(BITS, OP(BITS, slli_epi32)(x, 16))
#define ADD_DOTS(BITS, s, x, y) OP(BITS, dpbf16_ps)(s, (__m##BITS##bh)(x), (__m##BITS##bh)(y))
#define ADD_EXACT(BITS, s, x, y) \
  OP(BITS, fmadd_ps)             \
  (LOWER(BITS, x), LOWER(BITS, y), OP(BITS, fmadd_ps)(UPPER(BITS, x), UPPER(BITS, y), s))
#define BF16(NAME, ADD, R, W, BITS, V)                                                    \
  TARGET static void NAME##_##R##_##W(const Narrow *y, int64_t n, const char *rows,       \
                                      const char *cols, const uint32_t *start, char *c) { \
    __m##BITS sum[R][V];                                                                  \
    UNROLL for (int i = 0; i < R; ++i) UNROLL for (int v = 0; v < V; ++v) sum[i][v] =     \
        OP(BITS, setzero_ps)();                                                           \
    TILE_SUMS(R, BITS, V, EACH_AS_IS, ADD, rest_of_bf16)                                  \
    if (y->out_dtype == PJ_DT_BF16) {                                                     \
      STORE_BF16(R, BITS, V)                                                              \
    } else {                                                                              \
      STORE_WORDS(R, BITS, V, AS_WORDS)                                                   \
    }                                                                                     \
  }

#define HEIGHTS_OF(KIND, NAME, HOW, W, BITS, V) \
  KIND(NAME, HOW, 12, W, BITS, V)               \
  KIND(NAME, HOW, 8, W, BITS, V) KIND(NAME, HOW, 4, W, BITS, V) KIND(NAME, HOW, 1, W, BITS, V)
#define TILES_OF(NAME, W) \
  { NAME##_12_##W, NAME##_8_##W, NAME##_4_##W, NAME##_1_##W }
#define SIZES(KIND, NAME, HOW)            \
  HEIGHTS_OF(KIND, NAME, HOW, 8, 256, 1)  \
  HEIGHTS_OF(KIND, NAME, HOW, 16, 512, 1) \
  HEIGHTS_OF(KIND, NAME, HOW, 32, 512, 2) \
  static Tiles NAME##_tiles = {TILES_OF(NAME, 8), TILES_OF(NAME, 16), TILES_OF(NAME, 32)};
SIZES(BYTES, bytes_signed, EACH_SIGNED)
SIZES(BYTES, bytes_unsigned, EACH_AS_IS)
SIZES(BF16, bf16, ADD_DOTS)
SIZES(BF16, bf16_exact, ADD_EXACT)

// The least biased exponent of |n| bf16 but zeros, some of them more than once; |row| bytes apart
// are |rows| rows of them.
TARGET static int least_exponent(const char *at, int64_t rows, int64_t row, int64_t n) {
  if (row == 2 * n) { // they lie one behind the other
    n *= rows;
    rows = 1;
  }
  const __m512i one = _mm512_set1_epi16(1), size = _mm512_set1_epi16(0x7FFF);
  __m512i least = _mm512_set1_epi16(-1); // one less, so that zeros are more than all others
  for (int64_t r = 0; r < rows; ++r, at += row)
    for (int64_t p = 0; p < n; p += 32) {
      const __mmask32 have = n - p >= 32 ? ~(__mmask32)0 : ((__mmask32)1 << (n - p)) - 1;
      const __m512i x = _mm512_maskz_loadu_epi16(have, at + 2 * p);
      least = _mm512_min_epu16(least, _mm512_sub_epi16(_mm512_and_si512(x, size), one));
    }
  uint16_t each[32], all = UINT16_MAX;
  _mm512_storeu_si512(each, least);
  for (int i = 0; i < 32; ++i)
    all = each[i] < all ? each[i] : all;
  return (all + 1) >> 7;
}

// The least exponents or what sums begin with, of all columns of a batch.
static uint32_t *starts(const Narrow *y, char *columns) {
  return (uint32_t *)(columns + y->column_bytes) - y->slivers * COLS;
}

// The height of the tile at |left| rows before the end of a part.
static int height_of(int64_t left, int64_t height) {
  if (left > MID && height >= TALL)
    return 0;
  if (left > LOW && height >= MID)
    return 1;
  return height >= LOW ? 2 : 3;
}

// |height| rows by slivers [first, end) of the packed columns |cols|; |least|: of the rows'
// exponents.
static void multiply(const Narrow *y, const char *rows, int64_t height, int least, char *cols,
                     int64_t first, int64_t end, char *c) {
  static const int of_height[HEIGHTS] = { TALL, MID, LOW, 1 };
  const uint32_t *start = starts(y, cols);
  for (int64_t i = 0, most; i < height; i += most) {
    const int kind = height_of(height - i, height);
    most = of_height[kind];
    i = pj__min(i, height - most); // the last rows, some of them once more
    for (int64_t s = first; s < end; ++s) {
      const bool last = s + 1 == y->slivers,
                 exact = y->exact && !pj__keeps_normal(least, (int)start[s * COLS]);
      TileFn *const *tile = exact ? (last ? y->exact_last : y->exact) : last ? y->last : y->tile;
      tile[kind](y, pj__min(COLS, y->n - s * COLS), rows + i * y->row,
                 cols + s * y->groups * COLS * 4, start + s * COLS,
                 c + i * y->c_row + s * COLS * y->out);
    }
  }
}

static void row_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Narrow *y = run->y;
  const int64_t parts = pj__divide_up(y->m, y->part);
  for (; begin < end; ++begin) {
    const int64_t batch = begin / parts, first = begin % parts * y->part,
                  height = pj__min(y->part, y->m - first);
    const char *rows =
        run->a + pj__batch_offset(y->num_batch, y->batch_dims, y->a_batch, batch) + first * y->row;
    char *cols = run->columns + batch * y->column_bytes,
         *c = run->c + (batch * y->m + first) * y->c_row;
    const int least = y->exact ? least_exponent(rows, height, y->row, y->k) : 0;
    const int64_t together = y->far ? 1 : y->slivers;
    for (int64_t s = 0; s < y->slivers; s += together)
      multiply(y, rows, height, least, cols, s, s + together, c);
  }
}

// What signed rows bring too much by each column of a sliver, turned.
TARGET static void too_much(int64_t groups, int width, const char *cols, uint32_t *start) {
  const __m512i all = _mm512_set1_epi32((int)0x80808080);
  const int64_t vectors = groups * width / 16, odd = groups * width % 16;
  __m512i sum[4] = {0}; // vectors in turn: of one, two or half a line of groups
  int64_t v = 0;
  for (; v + 4 <= vectors; v += 4)
    UNROLL for (int q = 0; q < 4; ++q) sum[q] =
        _mm512_dpbusd_epi32(sum[q], all, _mm512_loadu_si512(cols + (v + q) * 64));
  for (; v < vectors; ++v)
    sum[v % 4] = _mm512_dpbusd_epi32(sum[v % 4], all, _mm512_loadu_si512(cols + v * 64));
  if (odd)
    sum[v % 4] =
        _mm512_dpbusd_epi32(sum[v % 4], all, _mm512_maskz_loadu_epi32(0xFF, cols + v * 64));
  __m512i even = _mm512_add_epi32(sum[0], sum[2]), other = _mm512_add_epi32(sum[1], sum[3]);
  if (width < COLS)
    even = _mm512_add_epi32(even, other);
  if (width < COLS / 2)
    even = _mm512_add_epi32(even, _mm512_shuffle_i64x2(even, even, 0x4E));
  _mm512_storeu_si512(start, _mm512_sub_epi32(_mm512_setzero_si512(), even));
  _mm512_storeu_si512(start + 16, _mm512_sub_epi32(_mm512_setzero_si512(), other));
}

// Packs slivers of columns, whole ones of a batch together, and finds what goes with them.
static void pack_slivers(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Narrow *y = run->y;
  const int64_t step = y->groups * COLS; // words of a sliver
  char temp[PJ_PACK_TEMP] __attribute__((aligned(64)));
  for (int64_t count; begin < end; begin += count) {
    const int64_t batch = begin / y->slivers, s = begin % y->slivers,
                  whole = pj__min(end - begin, y->slivers - 1 - s);
    const int width = whole ? COLS : y->width;
    count = pj__max(1, whole);
    char *cols = run->columns + batch * y->column_bytes;
    uint32_t *start = starts(y, cols) + s * COLS;
    cols += s * step * 4;
    y->b.pack(&y->b, run->b + pj__batch_offset(y->num_batch, y->batch_dims, y->b_batch, batch),
              s * COLS, pj__min(count * COLS, y->n - s * COLS), 0, y->groups, width, cols, step,
              temp);
    memset(start, 0, (size_t)(count * COLS) * sizeof *start);
    for (int64_t i = 0; i < count; ++i, start += COLS, cols += step * 4)
      if (y->exact)
        *start = (uint32_t)least_exponent(cols, 1, 0, y->groups * width * 2);
      else if (y->flip)
        too_much(y->groups, width, cols, start);
  }
}

static PjStatus run_narrow(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Narrow *y = (const Narrow *)self;
  Run run = {y, in[0], in[1], scratch, out[0]};
  const int64_t slivers = y->batch * y->slivers, parts = y->batch * pj__divide_up(y->m, y->part);
  pj_threads_for(threads, slivers, pj__grain(slivers, (double)y->groups * COLS * 4), pack_slivers,
                 &run);
  const double work = (double)pj__min(y->m, y->part) * (double)y->n * (double)(y->groups + 4);
  pj_threads_for(threads, parts, pj__grain(parts, work / 4), row_parts, &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__dot_narrow(PjArena *arena, const PjProduct *g) {
  const int64_t elem = (int64_t)pj_dtype_bytes(g->a.dtype);
  const bool beside = g->a.sum_step == 1 || g->k == 1;
  if (g->n < 2 || g->m < LEAST_ROWS || !beside || g->a.outer_step < 0 ||
      (g->n <= ROWS_COLS && g->k * elem > ROWS_BYTES) || pj__product_keeps(g) ||
      (g->out_dtype != PJ_DT_BF16 && !pj_comp_is_native(g->comp, g->out_dtype)))
    return NULL;
  PjPanel a = g->a, b = g->b;
  const PjGroups *of = pj__panels_group(&a, &b, g->comp, g->n, g->k);
  if (!of || !of->can_reach)
    return NULL;
  const int64_t slivers = pj__divide_up(g->n, COLS), left = g->n - (slivers - 1) * COLS,
                groups = pj__divide_up(g->k, of->size);
  const int which = left <= 8 ? 0 : left <= 16 ? 1 : 2, width = 8 << which;
  const double packed = (double)groups * (double)((slivers - 1) * COLS + width) * 4;
  if (packed > (g->m < FAR_LEAST ? NEAR : FAR) || (double)g->batch * packed > SCRATCH ||
      (of->least && groups > SUMS))
    return NULL;
  Narrow *y = PJ_NEW(arena, Narrow);
  *y = (Narrow) {
    .b = b, .out_dtype = g->out_dtype, .far = packed > NEAR,
    .part = packed > NEAR ? FAR_ROWS : pj__min(PART_ROWS, pj__divide_up(g->m, PARTS * TALL) * TALL),
    .flip = a.flip != 0, .width = width, .size = of->size, .m = g->m, .n = g->n, .k = g->k,
    .slivers = slivers, .whole = g->k / of->size, .rest = g->k % of->size, .groups = groups,
    .row = g->a.outer_step * elem, .out = (int64_t)pj_dtype_bytes(g->out_dtype),
    .column_bytes = (int64_t)packed + slivers * COLS * 4, .num_batch = g->num_batch,
    .batch = g->batch
  };
  y->c_row = g->n * y->out;
  Tiles *tiles = of->least ? &bf16_tiles : y->flip ? &bytes_signed_tiles : &bytes_unsigned_tiles;
  y->tile = (*tiles)[WIDTHS - 1];
  y->last = (*tiles)[which];
  if (of->least) {
    y->exact = bf16_exact_tiles[WIDTHS - 1];
    y->exact_last = bf16_exact_tiles[which];
  }
  memcpy(y->batch_dims, g->batch_dims, sizeof y->batch_dims);
  memcpy(y->a_batch, g->a_batch, sizeof y->a_batch);
  memcpy(y->b_batch, g->b_batch, sizeof y->b_batch);
  y->routine =
      (PjRoutine){.name = "gemm_narrow",
                  .run = run_narrow,
                  .in_place = -1,
                  .scratch_bytes = pj__scratch_round((size_t)(y->batch * y->column_bytes))};
  return &y->routine;
}
#else
const PjRoutine *pj__dot_narrow(PjArena *arena, const PjProduct *g) {
  return NULL;
}
#endif
