// LU factors with partial pivoting by blocks: a panel of columns with its exchanges of rows, the
// rows beside its square, then all below and beside as a product. Columns of what is behind a panel
// are exchanged, solved and updated by one part, while they are near.
#include <string.h>

#include "routine/factor.h"
#include "routine/gemm.h"

enum {
  BLOCK = 48, // columns of a panel, a multiple of every kernel's mr
  BLOCK_LARGE = 96,
  LARGE = 768,
};

typedef struct Lu {
  bool wide;
  int64_t m, n;
  int mr, nr;
  size_t elem;
  const PjFactorKernels *kernels;
  char *a;
  int32_t *pivots;
  // Of the panel at hand: its place and columns, rows below its square, columns behind; itself
  // column by column; its square packed, what is below as tiles; what is beside it as slivers.
  int64_t at, width, below, behind, column, step;
  char *panel, *tiles, *slivers;
  PjFactorPacked packed;
} Lu;

static char *element_at(const Lu *c, int64_t i, int64_t j) {
  return c->a + (size_t)(i * c->n + j) * c->elem;
}

// Slivers of the panel's rows: turned into columns, and back.
static void take_parts(void *context, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const Lu *c = context;
  for (int64_t i = begin * c->nr; i < end * c->nr; i += c->nr)
    c->kernels->take(c->width, pj__min(c->nr, c->m - c->at - i), element_at(c, c->at + i, c->at), 1,
                     c->n, false, c->panel + (size_t)i * c->elem, c->column);
}

static void give_parts(void *context, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const Lu *c = context;
  for (int64_t i = begin * c->nr; i < end * c->nr; i += c->nr)
    c->kernels->give(c->width, pj__min(c->nr, c->m - c->at - i), c->panel + (size_t)i * c->elem,
                     c->column, element_at(c, c->at + i, c->at), 1, c->n);
}

// Tiles below the square.
static void tile_parts(void *context, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const Lu *c = context;
  c->kernels->left_columns(c->width, pj__min(end * c->mr, c->below) - begin * c->mr,
                           c->panel + (size_t)(c->width + begin * c->mr) * c->elem, c->column,
                           c->step, c->tiles + (size_t)(begin * c->step) * c->elem);
}

// Columns behind the panel.
static void update_parts(void *context, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const Lu *c = context;
  const int64_t first = c->at + c->width;
  for (int64_t s = begin; s < end; ++s) {
    const int64_t j = first + s * c->nr, cols = pj__min(c->nr, c->n - j);
    char *sliver = c->slivers + (size_t)(s * c->packed.n * c->nr) * c->elem,
         *above = element_at(c, c->at, j);
    c->kernels->swap(c->width, c->pivots + c->at, cols, above, c->n);
    c->kernels->take(c->width, cols, above, c->n, 1, true, sliver, c->nr);
    memset(sliver + (size_t)(c->width * c->nr) * c->elem, 0,
           (size_t)((c->packed.n - c->width) * c->nr) * c->elem);
    pj__factor_solve_sliver(c->wide, &c->packed, sliver);
    c->kernels->give(c->width, cols, sliver, c->nr, above, c->n, 1);
    for (int64_t i = 0; i < c->below; i += c->mr)
      pj__factor_tile(c->wide, c->width, c->tiles + (size_t)(i / c->mr * c->step) * c->elem, sliver,
                      element_at(c, first + i, j), c->n, pj__min(c->mr, c->below - i), cols, 0, 0);
  }
}

// Columns of earlier panels: exchanged as all later ones were.
static void swap_parts(void *context, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const Lu *c = context;
  const int64_t least = pj__min(c->m, c->n);
  for (int64_t panel = begin; panel < end; ++panel)
    for (int64_t at = (panel + 1) * c->width; at < least; at += c->width)
      c->kernels->swap(pj__min(c->width, least - at), c->pivots + at, c->width,
                       element_at(c, at, panel * c->width), c->n);
}

static int64_t block_of(int64_t m, int64_t n) {
  return pj__min(m, n) > LARGE ? BLOCK_LARGE : BLOCK;
}

// Scratch, its parts beginning at |memory| if that is not NULL.
static size_t sizes(Lu *c, bool wide, int64_t m, int64_t n, char *memory) {
  const PjMicro *micro = pj__micro(wide ? PJ_COMP_F64 : PJ_COMP_F32);
  const int64_t block = block_of(m, n);
  *c = (Lu){.wide = wide,
            .m = m,
            .n = n,
            .mr = micro->mr,
            .nr = micro->nr,
            .elem = wide ? sizeof(double) : sizeof(float),
            .kernels = pj__factor_kernels(wide)};
  // Room for a vector that is read behind the last row, and for one that is written behind a tile.
  c->column = (pj__divide_up(m, c->nr) + 1) * c->nr;
  c->step = block * c->mr + c->nr;
  const size_t panel = pj__scratch_round((size_t)(block * c->column) * c->elem),
               tiles = pj__scratch_round((size_t)(pj__divide_up(m, c->mr) * c->step) * c->elem),
               slivers =
                   pj__scratch_round((size_t)(block * pj__divide_up(n, c->nr) * c->nr) * c->elem);
  c->panel = memory;
  c->tiles = memory ? memory + panel : NULL;
  c->slivers = memory ? memory + panel + tiles : NULL;
  return panel + tiles + slivers + pj__factor_pack_bytes(wide, block);
}

size_t pj__factor_lu_scratch(bool wide, int64_t m, int64_t n) {
  Lu c;
  return sizes(&c, wide, m, n, NULL);
}

int32_t pj__factor_lu(PjThreads *threads, bool wide, int64_t m, int64_t n, void *a, int32_t *pivots,
                      void *scratch) {
  Lu c;
  const int64_t least = pj__min(m, n), block = block_of(m, n);
  char *packed =
      (char *)scratch + sizes(&c, wide, m, n, scratch) - pj__factor_pack_bytes(wide, block);
  int32_t info = 0;
  c.a = a;
  c.pivots = pivots;
  memset(c.panel, 0, (size_t)(block * c.column) * c.elem);
  for (c.at = 0; c.at < least; c.at += block) {
    const int64_t rows = m - c.at;
    c.width = pj__min(block, least - c.at);
    c.below = rows - c.width;
    c.behind = n - c.at - c.width;
    const int64_t chunks = pj__divide_up(rows, c.nr), tiles = pj__divide_up(c.below, c.mr),
                  slivers = pj__divide_up(c.behind, c.nr),
                  grain = pj__grain(chunks, (double)(c.nr * c.width));
    pj_threads_for(threads, chunks, grain, take_parts, &c);
    const int32_t failed = c.kernels->lu(rows, c.width, c.panel, c.column, pivots + c.at);
    info = info || !failed ? info : failed + (int32_t)c.at;
    pj_threads_for(threads, chunks, grain, give_parts, &c);
    const PjFactorTriangle square = {
        .at = c.panel, .n = c.width, .row = 1, .col = c.column, .lower = true, .unit = true};
    if (c.behind) {
      c.packed = pj__factor_packed(wide, c.width, true, packed);
      pj__factor_pack(wide, &square, &c.packed, 0, c.packed.n / c.mr);
      pj_threads_for(threads, tiles, pj__grain(tiles, (double)(c.mr * c.width)), tile_parts, &c);
      const double work = (double)(c.width * c.nr) * (double)(rows + c.width);
      pj_threads_for(threads, slivers, pj__grain(slivers, work / 16), update_parts, &c);
    }
  }
  const int64_t earlier = (least - 1) / block;
  c.width = block;
  pj_threads_for(threads, earlier, pj__grain(earlier, (double)(block * least)), swap_parts, &c);
  for (int64_t k = block; k < least; ++k) // until here they counted from the panel's first row
    pivots[k] += (int32_t)(k / block * block);
  return info;
}
