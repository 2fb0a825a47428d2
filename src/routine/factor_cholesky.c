// Cholesky factors by blocks: the square on the diagonal, the panel beside it, then all behind both
// as a product. A block is some columns of the factor, which lie in rows of what is written where
// the upper factor is wanted: only taking and giving them back differs.
#include <string.h>

#include "routine/factor.h"
#include "routine/gemm.h"

enum {
  SQUARE = 48, // factored in the nearest cache; a multiple of every kernel's mr, as are blocks
  BLOCK = 96,  // of matrices of more than two squares,
  BLOCK_LARGE = 192,
  LARGE = 1024, // and of more than this
};

typedef struct Cholesky {
  bool wide, lower;
  int64_t n, row, group; // elements of a row; columns that fill slivers and tiles
  int mr, nr;
  size_t elem;
  const PjFactorKernels *kernels;
  char *a;
  // Of the block at hand: its first column, its columns, how many groups come behind; the packed
  // square; what comes behind as slivers and as tiles of |step| elements.
  int64_t at, width, behind, groups, step;
  PjFactorPacked packed;
  char *slivers, *tiles;
} Cholesky;

static char *element_at(const Cholesky *c, int64_t i, int64_t j) {
  return c->a + (size_t)(i * c->row + j) * c->elem;
}

// Columns of the block, of group |g| behind it.
static char *panel_at(const Cholesky *c, int64_t g) {
  const int64_t first = c->at + c->width + g * c->group;
  return c->lower ? element_at(c, first, c->at) : element_at(c, c->at, first);
}

static void panel_parts(void *context, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const Cholesky *c = context;
  const int64_t row = c->lower ? 1 : c->row, col = c->lower ? c->row : 1,
                slivers = c->group / c->nr, tiles = c->group / c->mr;
  for (int64_t g = begin; g < end; ++g) {
    char *memory = panel_at(c, g),
         *first = c->slivers + (size_t)(g * c->group * c->width) * c->elem;
    for (int64_t s = 0; s < slivers; ++s) {
      const int64_t cols = pj__max(0, pj__min(c->nr, c->behind - g * c->group - s * c->nr));
      char *from = memory + (size_t)(s * c->nr * col) * c->elem,
           *sliver = first + (size_t)(s * c->nr * c->width) * c->elem;
      c->kernels->take(c->width, cols, from, row, col, true, sliver, c->nr);
      if (!cols)
        continue;
      pj__factor_solve_sliver(c->wide, &c->packed, sliver);
      c->kernels->give(c->width, cols, sliver, c->nr, from, row, col);
    }
    c->kernels->left(c->width, slivers, first, tiles, c->step,
                     c->tiles + (size_t)(g * tiles * c->step) * c->elem);
  }
}

// Blocks of a group by a group, those of the triangle in a row.
static void update_parts(void *context, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const Cholesky *c = context;
  const int64_t first = c->at + c->width;
  int64_t high = 0; // the larger of the groups
  while ((high + 1) * (high + 2) / 2 <= begin)
    ++high;
  int64_t low = begin - high * (high + 1) / 2;
  for (int64_t part = begin; part < end; ++part) {
    const int64_t i_group = c->lower ? high : low, j_group = c->lower ? low : high;
    const int64_t i_end = pj__min((i_group + 1) * c->group, c->behind),
                  j_end = pj__min((j_group + 1) * c->group, c->behind);
    for (int64_t j = j_group * c->group; j < j_end; j += c->nr) {
      const int64_t cols = pj__min(c->nr, j_end - j);
      const char *sliver = c->slivers + (size_t)(j * c->width) * c->elem;
      for (int64_t i = i_group * c->group; i < i_end; i += c->mr) {
        const int64_t rows = pj__min(c->mr, i_end - i);
        if (c->lower ? i + rows <= j : j + cols <= i)
          continue;
        pj__factor_tile(c->wide, c->width, c->tiles + (size_t)(i / c->mr * c->step) * c->elem,
                        sliver, element_at(c, first + i, first + j), c->row, rows, cols,
                        i_group != j_group ? 0
                        : c->lower         ? -1
                                           : 1,
                        i - j);
      }
    }
    if (++low > high) {
      ++high;
      low = 0;
    }
  }
}

// A square of at most SQUARE columns at column |at|.
#define SMALL(NAME, T)                                                             \
  static int32_t NAME(const Cholesky *c, int64_t at, int64_t n) {                  \
    _Alignas(64) T square[SQUARE * SQUARE];                                        \
    T *a = (T *)element_at(c, at, at);                                             \
    memset(square, 0, sizeof square);                                              \
    for (int64_t i = 0; i < n; ++i)                                                \
      for (int64_t j = i; j < n; ++j)                                              \
        square[i * SQUARE + j] = c->lower ? a[j * c->row + i] : a[i * c->row + j]; \
    const int32_t info = c->kernels->cholesky(n, square, SQUARE);                  \
    for (int64_t i = 0; i < n; ++i)                                                \
      for (int64_t j = i; j < n; ++j)                                              \
        a[c->lower ? j * c->row + i : i * c->row + j] = square[i * SQUARE + j];    \
    return info;                                                                   \
  }
SMALL(small_f32, float)
SMALL(small_f64, double)

static int64_t block_of(int64_t n) {
  return n > LARGE ? BLOCK_LARGE : n > 2 * SQUARE ? BLOCK : SQUARE;
}

static void sizes(Cholesky *c, bool wide) {
  const PjMicro *micro = pj__micro(wide ? PJ_COMP_F64 : PJ_COMP_F32);
  c->wide = wide;
  c->mr = micro->mr;
  c->nr = micro->nr;
  c->elem = wide ? sizeof(double) : sizeof(float);
  c->kernels = pj__factor_kernels(wide);
  for (c->group = micro->nr; c->group % micro->mr;)
    c->group += micro->nr;
}

static int64_t step_of(const Cholesky *c, int64_t width) {
  return width * c->mr + c->nr; // a vector more than is used
}

static size_t panel_bytes(const Cholesky *c, int64_t n, int64_t block, size_t *slivers) {
  const int64_t groups = pj__divide_up(n, c->group);
  *slivers = pj__scratch_round((size_t)(groups * c->group * block) * c->elem);
  return *slivers +
         pj__scratch_round((size_t)(groups * c->group / c->mr * step_of(c, block)) * c->elem);
}

size_t pj__factor_cholesky_scratch(bool wide, int64_t n) {
  Cholesky c;
  sizes(&c, wide);
  size_t slivers, most = 0;
  // Of a block and, before that, the blocks of its square.
  for (int64_t block = block_of(n); n > SQUARE; n = block, block = block_of(n)) {
    const size_t bytes = pj__factor_pack_bytes(wide, block) + panel_bytes(&c, n, block, &slivers);
    most = bytes > most ? bytes : most;
  }
  return most;
}

static int32_t factor(Cholesky *all, PjThreads *threads, int64_t at, int64_t n, void *scratch) {
  if (n <= SQUARE)
    return (all->wide ? small_f64 : small_f32)(all, at, n);
  const int64_t block = block_of(n), end = at + n;
  Cholesky c = *all;
  for (; at < end; at += block) {
    c.width = pj__min(block, end - at);
    const int32_t info = factor(all, threads, at, c.width, scratch);
    if (info)
      return info + (int32_t)(at - (end - n));
    c.behind = end - at - c.width;
    if (!c.behind)
      break;
    c.at = at;
    c.groups = pj__divide_up(c.behind, c.group);
    c.step = step_of(&c, c.width);
    const PjFactorTriangle square = {.at = element_at(&c, at, at),
                                     .n = c.width,
                                     .row = c.lower ? c.row : 1,
                                     .col = c.lower ? 1 : c.row,
                                     .lower = true};
    size_t slivers;
    panel_bytes(&c, c.behind, c.width, &slivers);
    c.packed = pj__factor_packed(c.wide, c.width, true, scratch);
    c.slivers = (char *)scratch + pj__factor_pack_bytes(c.wide, c.width);
    c.tiles = c.slivers + slivers;
    pj__factor_pack(c.wide, &square, &c.packed, 0, c.width / c.mr);
    pj_threads_for(threads, c.groups,
                   pj__grain(c.groups, (double)(c.group * c.width * c.width) / 16), panel_parts,
                   &c);
    const int64_t parts = c.groups * (c.groups + 1) / 2;
    pj_threads_for(threads, parts, pj__grain(parts, (double)(c.group * c.group * c.width) / 16),
                   update_parts, &c);
  }
  return 0;
}

int32_t pj__factor_cholesky(PjThreads *threads, bool wide, int64_t n, bool lower, void *a,
                            void *scratch) {
  Cholesky c = {.lower = lower, .n = n, .row = n, .a = a};
  sizes(&c, wide);
  return factor(&c, threads, 0, n, scratch);
}
