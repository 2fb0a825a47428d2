// Products of floats whose matrix b has its columns side by side: b and a are read as they lie, by
// tiles of eight rows and three vectors of columns, so that nothing is packed. A strip of b of the
// tiles' width stays in the nearest cache for all rows while the next one is asked for; a block of
// a stays in the second one. Of a matrix that comes from memory for a few rows only, each thread
// reads a piece of memory from end to end, that is some lines of it, and what the pieces give is
// added up in their order.
//
// A b whose columns lie along the sum is turned, a strip at a time just before it is used. Where b
// is a, turned (a square), strips are multiplied by the rows from the diagonal on, and what is
// above it is copied from below.
#include "routine/dot_direct.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "routine/variant.h"

// What of a product one call of a tile does; strides in elements.
typedef struct PjDirectBlock {
  int64_t a_row, a_sum, b_sum, c_row, sums;
  // How far what is read next lies from what is read now, and of which sums it is asked for.
  int64_t ahead, ahead_first, ahead_sums;
  int64_t count; // columns of a tile of one vector, or of half a one
  bool add;      // to what stands in c
} PjDirectBlock;
typedef void PjDirectTile(const PjDirectBlock *block, const void *a, const void *b, void *c);
enum { PJ_DIRECT_WIDE, PJ_DIRECT_TWO, PJ_DIRECT_ONE, PJ_DIRECT_HALF, PJ_DIRECT_ROWS = 8 }; // tiles
typedef struct PjDirectKernels {
  int lanes, half;     // of a vector, and of half a one if there are such tiles
  int rows, wide_rows; // of a tile at most
  int sums, many_sums; // of a block: a strip of b stays in the nearest cache, or is near enough;
                       // and of one of many rows
  PjDirectTile *const (*tiles)[PJ_DIRECT_ROWS]; // of each kind, by rows
} PjDirectKernels;

enum {
  PJ_DIRECT_LINE = 64, // bytes of a line of the caches
  PJ_DIRECT_LONG = 32, // sums of more hide that c is asked for before
};

#if defined(__x86_64__)
// A mask of n lanes of 32 bits begins n before the middle.
static const uint32_t lane_masks[16] = {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u};
#endif

#define PJ_VARIANT_FILE "routine/dot_direct_variant.h"
#include "routine/variants.h"

enum {
  SAME_SETS = 2048,    // bytes
  PACKED_ROWS = 128,   // of vectors that are half as long: more rows than these, and more sums,
  PACKED_SUMS = 128,   // of few columns as many, are better packed
  WIDE = 3,            // vectors of a tile
  A_BYTES = 256 << 10, // of a that are multiplied by one strip of b after the other
  NEAREST_BYTES = 24 << 10, // of b, or of a and c, that stay together in the nearest cache
  NEAR_BYTES = 192 << 10,   // of b that stay in a near cache
  TWO_ROWS = 4,             // in which tiles of two vectors have sums enough
  PART_TILES = 4,           // tiles side by side in the smallest part of columns
  PART_ROWS = 8,            // rows in the smallest part of rows, whole tiles,
  ROWS_NEAR = 16,           // which are shared out if there are more than these,
  ROWS_FAR = 96,            // or, of a matrix that does not stay in a near cache, these
  // Rows for which a matrix that no cache holds is read line by line: a block of so many bytes at a
  // time while the next is asked for, so many lines at least.
  LINES_ROWS = 4,
  LINES_ROWS_APART = 8, // the same with vectors half as long, if lines do not push each other out
  LINES_BYTES = 8 << 20,
  LINES_BLOCK = 12 << 10,
  LINES_SUMS = 8,
  LINES_PART = 2048, // bytes of a line in the smallest part, about: it is whole tiles, for their
                     // columns must not depend on which parts come together
  // Of the sum of such a product, if lines are shorter than these and each piece has so many.
  PIECES = 4,
  PIECE_SUMS = 64,
  PIECE_LINE = 16 << 10,
  // Of a turned b: rows and vectors of columns for which that is better than packing both; sums of
  // a block at least, and bytes of a block of a, for which strips are turned again.
  TURNED_ROWS = 5,
  TURNED_VECTORS = 1,
  TURNED_SUMS = 256,
  TURNED_A_BYTES = 512 << 10,
  TURNED_PART = 64,  // rows of a part at least, if there are
  PARTS_EACH = 4,    // parts wanted for each thread
  SQUARE_STRIPS = 2, // of a square whose upper half is not computed
  MOST_WIDE = 64,    // columns of a tile
};

typedef struct Direct {
  PjRoutine routine;
  PjDirectKernels kernels;
  PjDirectBlock block;
  size_t elem;
  int64_t m, n, k, sums;
  int64_t b_col; // elements between columns of b: 1, unless it is |turned|
  bool turned, square;
  bool lines;   // it is read line by line
  bool twos;    // there are tiles of two vectors
  bool by_rows; // parts are of PART_ROWS rows and all columns,
  int64_t part; // or of at least so many columns and all rows; |near_rows| rows at a time,
  int64_t near_rows;
  int64_t piece;     // or, if not 0, of so many sums
  int32_t num_batch; // batches' strides in bytes
  int64_t batch, batch_dims[PJ_MAX_RANK], a_batch[PJ_MAX_RANK], b_batch[PJ_MAX_RANK];
} Direct;

typedef struct Run {
  const Direct *f;
  const char *a, *b;
  char *c, *scratch;
  int64_t rows, across, parts; // by columns: rows of a part, parts of these rows, and in a batch
} Run;

// What is computed together: rows [row, row + rows), columns [col, col + cols), sums [begin, end);
// a, b and c are those of the batch.
typedef struct Area {
  const char *a, *b;
  char *c;
  int64_t row, rows, col, cols, begin, end;
  char *room; // for a strip of a turned b
} Area;

// The columns of a tile of |kind|, of |count| rows.
static void strip(const Direct *f, PjDirectBlock *block, int kind, int64_t count, const char *a,
                  const char *b, char *c) {
  const int64_t most = kind == PJ_DIRECT_WIDE ? f->kernels.wide_rows : f->kernels.rows,
                steps = pj__divide_up(count, most);
  PjDirectTile *const *tiles = f->kernels.tiles[kind];
  for (int64_t s = 0, i = 0; s < steps; ++s) {
    // All about alike; where rows are shared out, a row's tile must not depend on its part, for
    // tiles differ in the order of sums and in which of two NaN they keep.
    const int64_t rows =
        f->by_rows || f->turned ? pj__min(most, count - i) : (count - i) / (steps - s);
    block->ahead_first = s * block->ahead_sums; // each asks for its share
    tiles[rows - 1](block, a + i * block->a_row * (int64_t)f->elem, b,
                    c + i * block->c_row * (int64_t)f->elem);
    i += rows;
  }
}

// The next tiles for |count| columns: whole vectors as threes and, where there are such tiles,
// twos.
static int kind_of(const Direct *f, int64_t count) {
  const int64_t vectors = count / f->kernels.lanes;
  if (vectors >= WIDE && (vectors != WIDE + 1 || !f->twos))
    return PJ_DIRECT_WIDE;
  return vectors >= 2 && f->twos    ? PJ_DIRECT_TWO
         : count <= f->kernels.half ? PJ_DIRECT_HALF
                                    : PJ_DIRECT_ONE;
}

// |width| columns of a turned b from |from| on, of |sums| sums, side by side in whole vectors,
// |row| elements a row.
static void turn(const Direct *f, const char *from, int64_t width, int64_t sums, int64_t row,
                 char *to) {
  const void *lines[MOST_WIDE];
  for (int64_t i = 0; i < width; ++i)
    lines[i] = from + i * f->b_col * (int64_t)f->elem;
  pj__pack_lines(f->elem)(lines, (int)width, (int)row, sums, width * f->b_col, to);
}

// Copies what is below the square at rows and columns [at, at + width), of rows up to |end|, to
// where its columns are rows.
static void mirror(const Direct *f, char *c, int64_t at, int64_t width, int64_t begin,
                   int64_t end) {
  for (int64_t i = begin, rows; i < end; i += rows) {
    const void *lines[MOST_WIDE];
    rows = pj__min(MOST_WIDE, end - i);
    for (int64_t r = 0; r < rows; ++r)
      lines[r] = c + ((i + r) * f->n + at) * (int64_t)f->elem;
    pj__pack_lines(f->elem)(lines, (int)rows, (int)f->n, width, 0,
                            c + (at * f->n + i) * (int64_t)f->elem);
  }
}

// Some sums of an area, from |p| on.
static void columns(const Direct *f, const PjDirectBlock *of, const Area *r, int64_t p, bool last) {
  const int64_t lanes = f->kernels.lanes, elem = (int64_t)f->elem, end = r->row + r->rows,
                share = pj__divide_up(of->sums, pj__divide_up(r->rows, f->kernels.wide_rows));
  PjDirectBlock block = *of;
  for (int64_t j = r->col; j < r->col + r->cols; j += block.count) {
    const int64_t rest = r->col + r->cols - j;
    const int kind = kind_of(f, rest);
    const int64_t width = kind == PJ_DIRECT_WIDE  ? WIDE * lanes
                          : kind == PJ_DIRECT_TWO ? 2 * lanes
                                                  : pj__min(lanes, rest);
    // Strips begin where tiles do.
    const int64_t row = f->square ? pj__max(r->row, j) : r->row;
    if (row >= end)
      return;
    const char *b = r->b + (p * of->b_sum + j * f->b_col) * elem;
    block.count = width;
    block.ahead_sums = !f->turned && (kind == PJ_DIRECT_WIDE || kind == PJ_DIRECT_TWO) ? share : 0;
    if (f->turned) {
      block.b_sum = pj__divide_up(width, lanes) * lanes;
      turn(f, b, width, block.sums, block.b_sum, r->room);
      b = r->room;
    } else {
      // Next comes the next strip, and after the last one the first of the next sums.
      block.ahead = !f->lines && 2 * width <= rest ? width : of->sums * of->b_sum;
      if (!f->lines && 2 * width > rest)
        block.ahead -= j - r->col;
    }
    strip(f, &block, kind, end - row, r->a + (row * block.a_row + p * block.a_sum) * elem, b,
          r->c + (row * block.c_row + j) * elem);
    if (f->square && last)
      mirror(f, r->c, j, width, pj__max(r->row, j + width), end);
  }
}

static void run_area(const Direct *f, const Area *r) {
  for (int64_t p = r->begin; p < r->end; p += f->sums) {
    PjDirectBlock block = f->block;
    block.sums = pj__min(f->sums, r->end - p);
    block.add = p > r->begin;
    columns(f, &block, r, p, p + block.sums == r->end);
  }
}

// Rows of all columns, so many at a time that they stay near.
static void row_parts(const Run *run, Area *area, int64_t first, int64_t count) {
  const Direct *f = run->f;
  const int64_t last = first + count == run->parts ? f->m : (first + count) * PART_ROWS;
  area->cols = f->n;
  for (area->row = first * PART_ROWS; area->row < last; area->row += area->rows) {
    area->rows = pj__min(f->near_rows, last - area->row);
    run_area(f, area);
  }
}

// Columns of all or of some rows, of which those side by side are taken together.
static void column_parts(const Run *run, Area *area, int64_t first, int64_t count) {
  const Direct *f = run->f;
  for (int64_t at = first, n; at < first + count; at += n) {
    const int64_t col = at % run->across;
    n = pj__min(run->across - col, first + count - at);
    area->row = at / run->across * run->rows;
    area->rows = pj__min(run->rows, f->m - area->row);
    area->col = col * f->part;
    area->cols = (col + n == run->across ? f->n : (col + n) * f->part) - area->col;
    run_area(f, area);
  }
}

static void direct_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Direct *f = run->f;
  while (begin < end) { // parts of a batch together
    const int64_t first = begin % run->parts, count = pj__min(run->parts - first, end - begin);
    int64_t rest = begin / run->parts, at_a = 0, at_b = 0;
    Area area = {.c = run->c + (size_t)(rest * f->m * f->n) * f->elem,
                 .end = f->k,
                 .room = pj__thread_scratch(&f->routine, run->scratch, thread)};
    for (int32_t d = f->num_batch - 1; d >= 0; rest /= f->batch_dims[d--]) {
      at_a += rest % f->batch_dims[d] * f->a_batch[d];
      at_b += rest % f->batch_dims[d] * f->b_batch[d];
    }
    area.a = run->a + at_a;
    area.b = run->b + at_b;
    if (f->by_rows)
      row_parts(run, &area, first, count);
    else
      column_parts(run, &area, first, count);
    begin += count;
  }
}

// Piece i > 0 of the sum is left in |scratch|.
static void direct_pieces(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Direct *f = run->f;
  for (int64_t i = begin; i < end; ++i) {
    const Area area = {.a = run->a,
                       .b = run->b,
                       .c = i ? run->scratch + (size_t)((i - 1) * f->m * f->n) * f->elem : run->c,
                       .rows = f->m,
                       .cols = f->n,
                       .begin = i * f->piece,
                       .end = pj__min(f->k, (i + 1) * f->piece)};
    run_area(f, &area);
  }
}

static void add_pieces(const Direct *f, int64_t pieces, const char *scratch, char *c) {
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

// Rows of whole tiles of which |bytes| each fit |all|.
static int64_t rows_within(int64_t all, int64_t bytes) {
  return pj__max(1, all / bytes / PART_ROWS) * PART_ROWS;
}

static PjStatus run_direct(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Direct *f = (const Direct *)self;
  Run run = {f, in[0], in[1], out[0], scratch};
  if (f->piece) {
    const int64_t pieces = pj__divide_up(f->k, f->piece);
    pj_threads_for(threads, pieces, pj__grain(pieces, (double)(f->m * f->n) * (double)f->piece / 8),
                   direct_pieces, &run);
    add_pieces(f, pieces, scratch, run.c);
    return PJ_STATUS_OK;
  }
  run.across = pj__max(1, f->n / f->part);
  run.rows = f->near_rows;
  // Fewer rows have their strips turned more often.
  const int64_t wanted = f->turned && !f->square && pj_threads_count(threads) > 1
                             ? PARTS_EACH * pj_threads_count(threads)
                             : 1;
  while (f->batch * run.across * pj__divide_up(f->m, run.rows) < wanted &&
         pj__min(run.rows, f->m) >= 2 * TURNED_PART)
    run.rows = rows_within(pj__min(run.rows, f->m) / 2, 1);
  run.parts =
      f->by_rows ? pj__max(1, f->m / PART_ROWS) : run.across * pj__divide_up(f->m, run.rows);
  const double work = (double)f->k * (f->by_rows ? (double)PART_ROWS * (double)f->n
                                                 : (double)pj__min(f->m, run.rows) *
                                                       (double)pj__min(f->n, f->part));
  pj_threads_for(threads, f->batch * run.parts, pj__grain(f->batch * run.parts, work / 8),
                 direct_parts, &run);
  return PJ_STATUS_OK;
}

// Half of a product is left out that is a square of some size.
static bool is_square(const PjProduct *g, const PjDirectKernels *kernels) {
  return g->square && g->m >= SQUARE_STRIPS * WIDE * kernels->lanes;
}

// Whether packing both first pays more (gemm.h).
static bool is_for_gemm(const PjProduct *g, const PjDirectKernels *kernels, bool turned) {
  const int64_t elem = (int64_t)pj_comp_bytes(g->comp);
  if (is_square(g, kernels))
    return false;
  if (turned && (g->m < TURNED_ROWS || g->n < TURNED_VECTORS * kernels->lanes))
    return true;
  if (kernels->half)
    return false;
  // Lines of b that push each other out of the nearest cache, which is too much for vectors that
  // are half as long: packing it pays for many rows.
  if (!turned && g->m > ROWS_NEAR && g->b.sum_step * elem % SAME_SETS == 0)
    return true;
  // So it does where a strip is read again for many rows a piece of the sum at a time, and where no
  // tile is as wide as three vectors.
  return g->m > PACKED_ROWS && g->k >= PACKED_SUMS + (g->n >= WIDE * kernels->lanes);
}

const PjRoutine *pj__dot_direct(PjArena *arena, const PjProduct *g) {
  const bool turned = g->b.outer_step != 1;
  if ((g->comp != PJ_COMP_F32 && g->comp != PJ_COMP_F64) || g->m < 2 || g->n < 2 ||
      (turned && (g->b.sum_step != 1 || g->b.outer_step < 0)) || g->b.sum_step < 0 ||
      g->a.outer_step < 0 || g->a.sum_step < 0 || !pj_comp_is_native(g->comp, g->a.dtype) ||
      !pj_comp_is_native(g->comp, g->b.dtype) || !pj_comp_is_native(g->comp, g->out_dtype))
    return NULL;
  const PjDirectKernels *kernels = &PJ_PICK(direct_kernels)[g->comp];
  if (is_for_gemm(g, kernels, turned))
    return NULL;
  const int64_t elem = (int64_t)pj_comp_bytes(g->comp), line = g->n * elem,
                wide = WIDE * kernels->lanes;
  const double bytes = (double)g->k * (double)line;
  const int64_t lines_rows =
      kernels->half || g->b.sum_step * elem % SAME_SETS == 0 ? LINES_ROWS : LINES_ROWS_APART;
  const bool far = bytes > NEAR_BYTES, lines = !turned && bytes > LINES_BYTES && g->m <= lines_rows,
             square = is_square(g, kernels);
  Direct *f = PJ_NEW(arena, Direct);
  *f = (Direct){.kernels = *kernels,
                .block = {.a_row = g->a.outer_step,
                          .a_sum = g->a.sum_step,
                          .b_sum = g->b.sum_step,
                          .c_row = g->n},
                .elem = (size_t)elem,
                .m = g->m,
                .n = g->n,
                .k = g->k,
                .b_col = g->b.outer_step,
                .turned = turned,
                .square = square,
                .lines = lines,
                .twos = kernels->tiles[PJ_DIRECT_TWO][0] && g->m >= TWO_ROWS,
                .by_rows = !turned && !square && g->m > (far ? ROWS_FAR : ROWS_NEAR),
                .part = (lines              ? pj__divide_up(LINES_PART, wide * elem)
                         : turned || square ? 1
                                            : PART_TILES) *
                        wide,
                .num_batch = g->num_batch,
                .batch = g->batch};
  int64_t sums = f->by_rows || square || turned ? kernels->many_sums : kernels->sums;
  if (turned) // or so few that all of a stays near
    sums = pj__min(sums, pj__max(TURNED_A_BYTES / (g->m * elem), TURNED_SUMS));
  f->sums = lines ? pj__max(LINES_SUMS, pj__min(LINES_BLOCK / line, sums))
                  : pj__divide_up(g->k, pj__divide_up(g->k, sums)); // all about alike
  f->near_rows = turned || square         ? rows_within(TURNED_A_BYTES, f->sums * elem)
                 : !f->by_rows            ? g->m
                 : bytes <= NEAREST_BYTES ? rows_within(NEAREST_BYTES, (g->n + g->k) * elem)
                                          : rows_within(A_BYTES, f->sums * elem);
  memcpy(f->batch_dims, g->batch_dims, sizeof f->batch_dims);
  memcpy(f->a_batch, g->a_batch, sizeof f->a_batch);
  memcpy(f->b_batch, g->b_batch, sizeof f->b_batch);
  f->routine = (PjRoutine){.name = "gemm_direct", .run = run_direct, .in_place = -1};
  if (turned)
    f->routine.thread_scratch_bytes = pj__scratch_round((size_t)(f->sums * wide * elem));
  if (far && !turned && g->m <= LINES_ROWS && line < PIECE_LINE && g->batch == 1 &&
      g->k >= PIECES * PIECE_SUMS) {
    f->piece = pj__divide_up(pj__divide_up(g->k, PIECES), LINES_SUMS) * LINES_SUMS;
    f->routine.scratch_bytes =
        pj__scratch_round((size_t)((pj__divide_up(g->k, f->piece) - 1) * g->m * g->n) * f->elem);
  }
  return &f->routine;
}
