// A few rows by a matrix whose columns lie side by side: the matrix is read once, as it lies, for
// packing it would cost more than the product. Of a large one each thread reads a piece of memory
// from end to end, that is some lines of it, and what the pieces give is added up in their order.
#include "routine/dot_few.h"

#include <string.h>

#include "routine/variant.h"

// What of a product one call of a tile does; strides in elements.
typedef struct PjFewBlock {
  int64_t a_row, a_sum, b_sum, c_row, sums;
  int64_t ahead; // how far what is read next lies from what is read now, if it is to be asked for
  bool add;      // to what stands in c
} PjFewBlock;
typedef void PjFewTile(const PjFewBlock *f, const void *a, const void *b, void *c);
typedef struct PjFewKernels {
  int lanes;
  PjFewTile *const *tiles; // one vector wide by one to four rows, then three vectors wide
} PjFewKernels;

enum { PJ_FEW_LINE = 64 }; // bytes of a line of the caches

#define PJ_VARIANT_FILE "routine/dot_few_variant.h"
#include "routine/variants.h"

enum {
  MOST_ROWS = 16,       // of a large matrix
  MOST_ROWS_NEAR = 128, // of one that stays in a near cache: of more, packing it pays;
  MOST_ROWS_SHORT = 64, // with vectors of less than 64 bytes
  TILE_ROWS = 4,
  WIDE = 3,               // vectors of a tile
  NEAR_BYTES = 192 << 10, // a matrix that stays in a near cache
  // Of a larger one so much is read at a time while the next is asked for, in lines side by side;
  // no more of them than gemm.c takes.
  BLOCK_BYTES = 12 << 10,
  SUMS = 8,
  SUMS_ONE = 512,
  FAR_PART_BYTES = 2048, // of a line in the smallest part, if the matrix is large
  // Of the sum of such a matrix, if lines are shorter than these and each piece has so many.
  PIECES = 4,
  PIECE_SUMS = 64,
  PIECE_LINE = 16 << 10,
  PART_TILES = 4, // tiles side by side in the smallest part,
  PART_ROWS = 8,  // or, of more than MOST_ROWS rows, so many rows of all columns
};

typedef struct Few {
  PjRoutine routine;
  PjFewKernels kernels;
  PjFewBlock block;
  size_t elem;
  int64_t m, n, k, sums;
  bool by_rows;      // parts are of PART_ROWS rows and all columns,
  int64_t part;      // or of at least so many columns and all rows,
  int64_t piece;     // or, if not 0, of so many sums
  int32_t num_batch; // batches' strides in bytes
  int64_t batch, batch_dims[PJ_MAX_RANK], a_batch[PJ_MAX_RANK], b_batch[PJ_MAX_RANK];
} Few;

typedef struct Run {
  const Few *f;
  const char *a, *b;
  char *c, *scratch;
} Run;

// Columns [j, j + wide * lanes) of every row.
static void strip(const Few *f, const PjFewBlock *block, bool wide, const char *a, const char *b,
                  char *c) {
  const int64_t steps = pj__divide_up(f->m, TILE_ROWS);
  for (int64_t s = 0, i = 0; s < steps; ++s) {
    // All about alike; where rows are shared out, a row's tile must not depend on its part, for
    // tiles differ in which of two NaN they keep.
    const int64_t rows = f->by_rows ? pj__min(TILE_ROWS, f->m - i) : (f->m - i) / (steps - s);
    f->kernels.tiles[rows - 1 + (wide ? TILE_ROWS : 0)](
        block, a + i * f->block.a_row * (int64_t)f->elem, b,
        c + i * f->block.c_row * (int64_t)f->elem);
    i += rows;
  }
}

// The last columns, fewer than a vector: a whole one computed beside c, of which they are the end.
static void last_strip(const Few *f, const PjFewBlock *block, const char *a, const char *b, char *c,
                       int64_t count) {
  char beside[MOST_ROWS_NEAR * 64] __attribute__((aligned(64)));
  const size_t elem = f->elem, line = (size_t)f->kernels.lanes * elem;
  const int64_t back = f->kernels.lanes - count;
  PjFewBlock last = *block;
  Few own = *f;
  last.c_row = own.block.c_row = f->kernels.lanes;
  for (int64_t i = 0; block->add && i < f->m; ++i)
    memcpy(beside + (size_t)i * line, c + (i * block->c_row - back) * (int64_t)elem, line);
  strip(&own, &last, false, a, b - back * (int64_t)elem, beside);
  for (int64_t i = 0; i < f->m; ++i)
    memcpy(c + i * block->c_row * (int64_t)elem, beside + (size_t)i * line + (size_t)back * elem,
           (size_t)count * elem);
}

// Columns [j, last) of |block|, of a matrix whose column j is at |b|.
static void columns(const Few *f, const PjFewBlock *block, const char *a, const char *b, char *c,
                    int64_t count) {
  const int64_t lanes = f->kernels.lanes, elem = (int64_t)f->elem;
  int64_t j = 0;
  for (; j + WIDE * lanes <= count; j += WIDE * lanes)
    strip(f, block, true, a, b + j * elem, c + j * elem);
  for (; j + lanes <= count; j += lanes)
    strip(f, block, false, a, b + j * elem, c + j * elem);
  if (j < count)
    last_strip(f, block, a, b + j * elem, c + j * elem, count - j);
}

// Columns [first, last), sums [begin, end).
static void run_columns(const Few *f, const char *a, const char *b, char *c, int64_t first,
                        int64_t last, int64_t begin, int64_t end) {
  const int64_t elem = (int64_t)f->elem;
  for (int64_t p = begin; p < end; p += f->sums) {
    PjFewBlock block = f->block;
    block.sums = pj__min(f->sums, end - p);
    block.add = p > begin;
    columns(f, &block, a + p * block.a_sum * elem, b + (p * block.b_sum + first) * elem,
            c + first * elem, last - first);
  }
}

static int64_t parts_of(const Few *f) {
  return pj__max(1, f->by_rows ? f->m / PART_ROWS : f->n / f->part);
}

static void few_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const int64_t parts = parts_of(run->f);
  while (begin < end) { // parts of a batch together
    const int64_t first = begin % parts, count = pj__min(parts - first, end - begin);
    Few own = *run->f;
    const Few *f = &own;
    int64_t rest = begin / parts, at_a = 0, at_b = 0;
    char *c = run->c + (size_t)(rest * f->m * f->n) * f->elem;
    for (int32_t d = f->num_batch - 1; d >= 0; rest /= f->batch_dims[d--]) {
      at_a += rest % f->batch_dims[d] * f->a_batch[d];
      at_b += rest % f->batch_dims[d] * f->b_batch[d];
    }
    begin += count;
    if (!f->by_rows) {
      run_columns(f, run->a + at_a, run->b + at_b, c, first * f->part,
                  first + count == parts ? f->n : (first + count) * f->part, 0, f->k);
      continue;
    }
    const int64_t row = first * PART_ROWS;
    own.m = first + count == parts ? f->m - row : count * PART_ROWS;
    run_columns(f, run->a + at_a + row * f->block.a_row * (int64_t)f->elem, run->b + at_b,
                c + row * f->n * (int64_t)f->elem, 0, f->n, 0, f->k);
  }
}

// Piece i > 0 of the sum is left in |scratch|.
static void few_pieces(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Few *f = run->f;
  for (int64_t i = begin; i < end; ++i)
    run_columns(f, run->a, run->b,
                i ? run->scratch + (size_t)((i - 1) * f->m * f->n) * f->elem : run->c, 0, f->n,
                i * f->piece, pj__min(f->k, (i + 1) * f->piece));
}

static void add_pieces(const Few *f, int64_t pieces, const char *scratch, char *c) {
  const int64_t n = f->m * f->n;
#define ADD(T)                         \
  for (int64_t p = 1; p < pieces; ++p) \
    PJ_IVDEP for (int64_t i = 0; i < n; ++i)((T *)c)[i] += ((const T *)scratch)[(p - 1) * n + i];
  if (f->elem == sizeof(float)) {
    ADD(float)
  } else {
    ADD(double)
  }
#undef ADD
}

static PjStatus run_few(const PjRoutine *self, PjThreads *threads, const void *const *in,
                        void *const *out, void *scratch) {
  const Few *f = (const Few *)self;
  Run run = {f, in[0], in[1], out[0], scratch};
  if (f->piece) {
    const int64_t pieces = pj__divide_up(f->k, f->piece);
    pj_threads_for(threads, pieces, pj__grain(pieces, (double)(f->m * f->n) * (double)f->piece / 8),
                   few_pieces, &run);
    add_pieces(f, pieces, scratch, run.c);
    return PJ_STATUS_OK;
  }
  const int64_t parts = f->batch * parts_of(f);
  const double work = f->by_rows ? (double)PART_ROWS * (double)f->n * (double)f->k
                                 : (double)f->m * (double)f->part * (double)f->k;
  pj_threads_for(threads, parts, pj__grain(parts, work / 8), few_parts, &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__dot_few(PjArena *arena, const PjProduct *g) {
  if (g->comp != PJ_COMP_F32 && g->comp != PJ_COMP_F64)
    return NULL;
  const PjFewKernels *kernels = &PJ_PICK(few_kernels)[g->comp];
  const bool far = (double)g->k * (double)g->n * (double)pj_comp_bytes(g->comp) > NEAR_BYTES;
  const bool is_long = kernels->lanes * (int)pj_comp_bytes(g->comp) >= 64;
  const int64_t near = is_long ? MOST_ROWS_NEAR : MOST_ROWS_SHORT;
  if (g->m > (far ? MOST_ROWS : near) || g->n < kernels->lanes || g->b.outer_step != 1 ||
      g->b.sum_step < 0 || g->a.outer_step < 0 || g->a.sum_step < 0 ||
      !pj_comp_is_native(g->comp, g->a.dtype) || !pj_comp_is_native(g->comp, g->b.dtype) ||
      !pj_comp_is_native(g->comp, g->out_dtype))
    return NULL;
  Few *f = PJ_NEW(arena, Few);
  *f = (Few){.kernels = *kernels,
             .block = {.a_row = g->a.outer_step,
                       .a_sum = g->a.sum_step,
                       .b_sum = g->b.sum_step,
                       .c_row = g->n},
             .elem = pj_comp_bytes(g->comp),
             .by_rows = g->m > MOST_ROWS,
             .m = g->m,
             .n = g->n,
             .k = g->k,
             .num_batch = g->num_batch,
             .batch = g->batch};
  const int64_t line = g->n * (int64_t)f->elem;
  f->sums = far ? pj__max(SUMS, pj__min(BLOCK_BYTES / line, SUMS_ONE)) : pj__min(g->k, SUMS_ONE);
  f->block.ahead = far ? f->sums * g->b.sum_step : 0;
  f->part = far ? FAR_PART_BYTES / (int64_t)f->elem : (int64_t)PART_TILES * WIDE * kernels->lanes;
  memcpy(f->batch_dims, g->batch_dims, sizeof f->batch_dims);
  memcpy(f->a_batch, g->a_batch, sizeof f->a_batch);
  memcpy(f->b_batch, g->b_batch, sizeof f->b_batch);
  f->routine = (PjRoutine){.name = "gemm_few", .run = run_few, .in_place = -1};
  if (far && g->m <= TILE_ROWS && line < PIECE_LINE && g->batch == 1 &&
      g->k >= PIECES * PIECE_SUMS) {
    f->piece = pj__divide_up(pj__divide_up(g->k, PIECES), SUMS) * SUMS;
    f->routine.scratch_bytes =
        pj__scratch_round((size_t)((pj__divide_up(g->k, f->piece) - 1) * g->m * g->n) * f->elem);
  }
  return &f->routine;
}
