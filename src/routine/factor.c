// Triangles in tiles of the packed product's micro-kernels, and systems of them: factor.h.
#include "routine/factor.h"

#include <math.h>
#include <string.h>

#include "routine/gemm.h"
#include "routine/variant.h"

#define PJ_VARIANT_FILE "routine/factor_variant.h"
#include "routine/variants.h"

enum { MAX_TILE_BYTES = 12 * 2 * 64 };

const PjFactorKernels *pj__factor_kernels(bool wide) {
  return &PJ_PICK(factor)[wide];
}

static const PjMicro *micro_of(bool wide) {
  return pj__micro(wide ? PJ_COMP_F64 : PJ_COMP_F32);
}
static size_t element(bool wide) {
  return wide ? sizeof(double) : sizeof(float);
}

#define ADD_ROW(T)                      \
  for (int64_t j = begin; j < end; ++j) \
  ((T *)to)[j] += ((const T *)from)[j]

void pj__factor_tile(bool wide, int64_t k, const void *a, const void *b, void *c, int64_t c_row,
                     int64_t rows, int64_t cols, int triangle, int64_t shift) {
  const PjMicro *micro = micro_of(wide);
  const size_t elem = element(wide);
  const bool inside = !triangle || (triangle > 0 ? rows - 1 + shift <= 0 : cols - 1 <= shift);
  PjMicroTile *const tile = micro->tiles.tile[(micro->mr - 1) / micro->low];
  if (inside && rows == micro->mr && cols == micro->nr) {
    tile(k, a, b, c, c_row, true, b, 0);
    return;
  }
  // Not all of it is wanted: computed whole beside c.
  _Alignas(64) char beside[MAX_TILE_BYTES];
  tile(k, a, b, beside, micro->nr, false, b, 0);
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t begin = triangle > 0 ? pj__max(i + shift, 0) : 0,
                  end = triangle < 0 ? pj__min(i + shift + 1, cols) : cols;
    char *to = (char *)c + (size_t)(i * c_row) * elem;
    const char *from = beside + (size_t)(i * micro->nr) * elem;
    if (wide)
      ADD_ROW(double);
    else
      ADD_ROW(float);
  }
}

// ---- packed triangles
// The tile of rows [at, at + mr) has, of a lower triangle, the columns before them, then the square
// of them; of an upper one the square, then the columns behind.
static int64_t tile_start(int mr, int64_t n, bool lower, int64_t tile) {
  const int64_t all = n / mr,
                squares = lower ? tile * (tile + 1) / 2 : tile * all - tile * (tile - 1) / 2;
  return squares * mr * mr;
}

typedef struct Sizes {
  size_t rows, diagonal, divide;
} Sizes;

static Sizes sizes_of(bool wide, int64_t n) {
  const int mr = micro_of(wide)->mr;
  const int64_t tiles = pj__divide_up(n, mr);
  return (Sizes){pj__scratch_round((size_t)(tiles * (tiles + 1) / 2 * mr * mr) * element(wide)),
                 pj__scratch_round((size_t)(tiles * mr) * element(wide)),
                 pj__scratch_round((size_t)tiles * sizeof(bool))};
}

size_t pj__factor_pack_bytes(bool wide, int64_t n) {
  const Sizes sizes = sizes_of(wide, n);
  return sizes.rows + sizes.diagonal + sizes.divide;
}

PjFactorPacked pj__factor_packed(bool wide, int64_t n, bool lower, void *memory) {
  const int mr = micro_of(wide)->mr;
  const Sizes sizes = sizes_of(wide, n);
  char *at = memory;
  return (PjFactorPacked){.n = pj__divide_up(n, mr) * mr,
                          .lower = lower,
                          .rows = at,
                          .diagonal = at + sizes.rows,
                          .divide = (bool *)(at + sizes.rows + sizes.diagonal)};
}

// The diagonal of the tile at row |at|: reciprocals where all are normal numbers, else what is to
// be divided by.
#define DIAGONAL(NAME, T)                                                                  \
  static bool NAME(const PjFactorTriangle *t, int64_t at, int count, int mr, void *to_v) { \
    const T *from = t->at;                                                                 \
    T *to = to_v;                                                                          \
    bool divide = false;                                                                   \
    for (int i = 0; i < mr; ++i) {                                                         \
      to[i] = t->unit || i >= count ? 1 : from[(at + i) * (t->row + t->col)];              \
      divide |= !isnormal(to[i]) || !isnormal(1 / to[i]);                                  \
    }                                                                                      \
    for (int i = 0; i < mr; ++i)                                                           \
      to[i] = divide ? -to[i] : -1 / to[i];                                                \
    return divide;                                                                         \
  }
DIAGONAL(diagonal_f32, float)
DIAGONAL(diagonal_f64, double)

void pj__factor_pack(bool wide, const PjFactorTriangle *t, const PjFactorPacked *packed,
                     int64_t begin, int64_t end) {
  const int mr = micro_of(wide)->mr;
  const size_t elem = element(wide);
  for (int64_t tile = begin; tile < end; ++tile) {
    const int64_t at = tile * mr, first = t->lower ? 0 : at,
                  last = t->lower ? pj__min(at + mr, t->n) : t->n, cols = last - first,
                  all = t->lower ? at + mr : packed->n - at;
    const int have = (int)pj__min(mr, t->n - at);
    char *to = packed->rows + (size_t)tile_start(mr, packed->n, t->lower, tile) * elem;
    const char *from = (const char *)t->at + (at * t->row + first * t->col) * (int64_t)elem;
    pj__pack_clear(elem, have, all, mr, to, all * mr);
    if (t->col == 1) {
      const void *lines[PJ_PACK_WIDTH];
      for (int i = 0; i < have; ++i)
        lines[i] = from + i * t->row * (int64_t)elem;
      pj__pack_lines(elem)(lines, have, mr, cols, 0, to);
    } else {
      pj__pack_copy(elem)(from, NULL, t->col, have, cols, mr, to, all * mr);
    }
    memset(to + (size_t)(cols * mr) * elem, 0, (size_t)((all - cols) * mr) * elem);
    packed->divide[tile] =
        (wide ? diagonal_f64 : diagonal_f32)(t, at, have, mr, packed->diagonal + (size_t)at * elem);
  }
}

void pj__factor_solve_sliver(bool wide, const PjFactorPacked *packed, void *sliver) {
  const PjMicro *micro = micro_of(wide);
  const PjFactorKernels *kernels = pj__factor_kernels(wide);
  PjMicroTile *const multiply = micro->tiles.tile[(micro->mr - 1) / micro->low];
  const size_t elem = element(wide), row = (size_t)micro->nr * elem;
  const int mr = micro->mr;
  const int64_t tiles = packed->n / mr;
  char *x = sliver;
  for (int64_t step = 0; step < tiles; ++step) {
    const int64_t tile = packed->lower ? step : tiles - 1 - step, at = tile * mr,
                  others = packed->lower ? at : packed->n - at - mr;
    const char *rows = packed->rows + (size_t)tile_start(mr, packed->n, packed->lower, tile) * elem,
               *square = packed->lower ? rows + (size_t)(at * mr) * elem : rows,
               *beside = packed->lower ? rows : rows + (size_t)(mr * mr) * elem;
    const char *known = x + (size_t)(packed->lower ? 0 : at + mr) * row;
    if (others)
      multiply(others, beside, known, x + (size_t)at * row, micro->nr, true, known, 0);
    kernels->solve(square, packed->diagonal + (size_t)at * elem, packed->lower,
                   packed->divide[tile], x + (size_t)at * row);
  }
}

// ---- systems
typedef struct Solve {
  bool wide;
  const PjFactorTriangle *t;
  PjFactorPacked packed;
  int64_t m, row, col;
  char *b, *slivers;
} Solve;

static void pack_parts(void *context, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const Solve *s = context;
  pj__factor_pack(s->wide, s->t, &s->packed, begin, end);
}

static void solve_parts(void *context, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const Solve *s = context;
  const PjFactorKernels *kernels = pj__factor_kernels(s->wide);
  const size_t elem = element(s->wide);
  const int64_t n = s->t->n, nr = micro_of(s->wide)->nr;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t cols = pj__min(nr, s->m - i * nr);
    char *sliver = s->slivers + (size_t)(i * s->packed.n * nr) * elem,
         *b = s->b + (i * nr * s->col) * (int64_t)elem;
    kernels->take(n, cols, b, s->row, s->col, true, sliver, nr);
    memset(sliver + (size_t)(n * nr) * elem, 0, (size_t)((s->packed.n - n) * nr) * elem);
    pj__factor_solve_sliver(s->wide, &s->packed, sliver);
    kernels->give(n, cols, sliver, nr, b, s->row, s->col);
  }
}

static size_t slivers_bytes(bool wide, int64_t n, int64_t m) {
  const PjMicro *micro = micro_of(wide);
  return pj__scratch_round(
      (size_t)(pj__divide_up(n, micro->mr) * micro->mr * pj__divide_up(m, micro->nr) * micro->nr) *
      element(wide));
}

size_t pj__factor_solve_scratch(bool wide, int64_t n, int64_t m) {
  return pj__factor_pack_bytes(wide, n) + slivers_bytes(wide, n, m);
}

void pj__factor_solve(PjThreads *threads, bool wide, const PjFactorTriangle *t, int64_t m, void *b,
                      int64_t row, int64_t col, void *scratch) {
  const PjMicro *micro = micro_of(wide);
  Solve s = {.wide = wide,
             .t = t,
             .packed = pj__factor_packed(wide, t->n, t->lower, scratch),
             .m = m,
             .row = row,
             .col = col,
             .b = b,
             .slivers = (char *)scratch + pj__factor_pack_bytes(wide, t->n)};
  const double n = (double)t->n;
  const int64_t tiles = s.packed.n / micro->mr, slivers = pj__divide_up(m, micro->nr);
  pj_threads_for(threads, tiles, pj__grain(tiles, n * micro->mr), pack_parts, &s);
  pj_threads_for(threads, slivers, pj__grain(slivers, n * n), solve_parts, &s);
}
