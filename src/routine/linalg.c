// cholesky and triangular_solve: batches by threads; small matrices of real numbers a vector at a
// time (small.h), and many right sides of a small one by the vector of sides; others one by one
// through the evaluator's blocks (eval/triangular.h), whose results all have bit for bit.
//
// Every form of a system is brought to a lower triangular matrix on the left, as the evaluator
// does: x * t = b is t^T * x^T = b^T, and an upper triangular system read backwards is a lower one.
#include <math.h>
#include <string.h>

#include "eval/comp.h"
#include "eval/strided.h"
#include "eval/triangular.h"
#include "routine/linalg.h"
#include "routine/plan.h"
#include "routine/small.h"

enum {
  SIDES = 4,      // vectors of right sides that are solved for together,
  SIDES_WORTH = 2 // of so many at least
};

typedef struct Linalg {
  PjRoutine routine;
  PjComp comp;
  PjDtype a_dtype, b_dtype; // of the matrix; of the right sides and the result
  bool solve, lower, left, unit, transposed, adjoint;
  int64_t batch, n, m, step_row, step_col; // of b: strides of the unknown's index and the other
  int64_t start;                           // of b: the first unknown, in elements
  const PjSmall *small;                    // NULL: one by one
  bool by_sides;                           // small: a vector has right sides of one matrix
  size_t bytes, square, sides, work;       // of an element; of scratch
} Linalg;

typedef struct Run {
  const Linalg *p;
  const char *a, *b;
  char *out, *scratch;
} Run;

// ---- small ones
static void set_nan(const Linalg *p, char *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    if (p->bytes == 8)
      ((double *)to)[i] = NAN;
    else
      ((float *)to)[i] = NAN;
}

// Zero above the diagonal of a lower factor, or below that of an upper one; all NaN without one.
static void finish_factor(const Linalg *p, char *out, bool ok) {
  const int64_t n = p->n;
  const size_t row = (size_t)n * p->bytes;
  if (!ok) {
    set_nan(p, out, n * n);
    return;
  }
  for (int64_t i = 0; i < n; ++i, out += row)
    if (p->transposed)
      memset(out, 0, (size_t)i * p->bytes);
    else
      memset(out + (size_t)(i + 1) * p->bytes, 0, (size_t)(n - i - 1) * p->bytes);
}

// The lower triangular matrix within the one that is there: steps, and where it begins, in
// elements.
static void triangle(const Linalg *p, int64_t *row, int64_t *col, int64_t *first) {
  const int64_t sign = p->lower ? 1 : -1;
  *row = sign * (p->transposed ? 1 : p->n);
  *col = sign * (p->transposed ? p->n : 1);
  *first = p->lower ? 0 : p->n * p->n - 1;
}

static void small_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Linalg *p = run->p;
  const PjSmall *small = p->small;
  const int64_t n = p->n, m = p->m, square = n * n, sides = n * m;
  int64_t row, col, corner_at;
  triangle(p, &row, &col, &corner_at);
  const size_t vector = (size_t)small->lanes * p->bytes;
  char *matrix = pj__thread_scratch(&p->routine, run->scratch, thread), *right = matrix + p->square;
  char *corner = matrix + (size_t)corner_at * vector;
  for (int64_t group = begin; group < end; ++group) {
    const int64_t first = group * small->lanes, left = p->batch - first;
    const int count = (int)pj__min(small->lanes, left);
    small->load(square, count, run->a + (size_t)(first * square) * p->bytes, square, left * square,
                matrix);
    if (!p->solve) {
      int32_t info[PJ_SMALL_LANES];
      small->cholesky(n, corner, row, col, info);
      char *out = run->out + (size_t)(first * square) * p->bytes;
      small->store(square, count, matrix, out, square);
      for (int64_t l = 0; l < count; ++l)
        finish_factor(p, out + (size_t)(l * square) * p->bytes, !info[l]);
      continue;
    }
    const size_t at = (size_t)(first * sides) * p->bytes;
    small->load(sides, count, run->b + at, sides, left * sides, right);
    small->solve(n, m, corner, row, col, p->unit, right + (size_t)p->start * vector, p->step_row,
                 p->step_col);
    small->store(sides, count, right, run->out + at, sides);
  }
}

// ---- many right sides
static int64_t side_blocks(const Linalg *p) {
  return pj__divide_up(p->m, SIDES * p->small->lanes);
}

// |count| sides of |p->n| unknowns each; those of one lie side by side, or those of one unknown do.
static void solve_sides(const Linalg *p, const char *corner, int64_t row, int64_t col,
                        const char *from, int64_t room, int64_t count, char *right, char *to) {
  const PjSmall *small = p->small;
  const int64_t lanes = small->lanes, n = p->n, vectors = pj__divide_up(count, lanes);
  const size_t vector = (size_t)lanes * p->bytes, wide = (size_t)vectors * vector,
               dense = (size_t)count * p->bytes, line = (size_t)p->m * p->bytes;
  const int64_t sign = p->lower ? 1 : -1;
  if (p->left) {
    for (int64_t i = 0; i < n; ++i) {
      memcpy(right + (size_t)i * wide, from + (size_t)i * line, dense);
      memset(right + (size_t)i * wide + dense, 0, wide - dense);
    }
    small->solve(n, vectors, corner, row, col, p->unit,
                 right + (size_t)(p->lower ? 0 : n - 1) * wide, sign * vectors, 1);
    for (int64_t i = 0; i < n; ++i)
      memcpy(to + (size_t)i * line, right + (size_t)i * wide, dense);
    return;
  }
  for (int64_t v = 0; v < vectors; ++v)
    small->load(n, (int)pj__min(lanes, count - v * lanes),
                from + (size_t)(v * lanes * n) * p->bytes, n, room - v * lanes * n,
                right + (size_t)(v * n) * vector);
  small->solve(n, vectors, corner, row, col, p->unit,
               right + (size_t)(p->lower ? 0 : n - 1) * vector, sign, n);
  for (int64_t v = 0; v < vectors; ++v)
    small->store(n, (int)pj__min(lanes, count - v * lanes), right + (size_t)(v * n) * vector,
                 to + (size_t)(v * lanes * n) * p->bytes, n);
}

static void side_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Linalg *p = run->p;
  const int64_t blocks = side_blocks(p), n = p->n, each = SIDES * p->small->lanes;
  int64_t row, col, corner_at, known = -1;
  triangle(p, &row, &col, &corner_at);
  char *matrix = pj__thread_scratch(&p->routine, run->scratch, thread), *right = matrix + p->square;
  for (int64_t part = begin; part < end; ++part) {
    const int64_t index = part / blocks, first = part % blocks * each,
                  at = index * n * p->m + first * (p->left ? 1 : n);
    if (index != known)
      p->small->spread(n * n, run->a + (size_t)(index * n * n) * p->bytes, matrix);
    known = index;
    solve_sides(p, matrix + (size_t)(corner_at * p->small->lanes) * p->bytes, row, col,
                run->b + (size_t)at * p->bytes, p->batch * n * p->m - at,
                pj__min(each, p->m - first), right, run->out + (size_t)at * p->bytes);
  }
}

// ---- one by one
static const void *converted(const Linalg *p, PjDtype dtype, int64_t count, const char *from,
                             int64_t index, char *to) {
  from += (size_t)(index * count) * pj_dtype_bytes(dtype);
  if (pj_comp_is_native(p->comp, dtype))
    return from;
  pj_comp_load(p->comp, dtype, count, from, to);
  return to;
}

static void factor_one(const Linalg *p, const void *a, char *square, char *work, char *out) {
  const int64_t n = p->n;
  const size_t row = (size_t)n * p->bytes;
  pj_copy_square(p->comp, n, a, !p->left, !p->left, square);
  if (!pj_cholesky_lower(p->comp, n, square, work)) {
    const bool wide = p->comp == PJ_COMP_F64 || p->comp == PJ_COMP_C128;
    for (int64_t i = 0; i < n * n * (int64_t)(p->bytes / (wide ? 8 : 4)); ++i)
      if (wide)
        ((double *)out)[i] = NAN;
      else
        ((float *)out)[i] = NAN;
    return;
  }
  for (int64_t i = 0; i + 1 < n; ++i)
    memset(square + (size_t)i * row + (size_t)(i + 1) * p->bytes, 0,
           (size_t)(n - i - 1) * p->bytes);
  pj_copy_square(p->comp, n, square, !p->left, !p->left, out);
}

static void solve_one(const Linalg *p, const char *a, const char *b, char *square, char *other,
                      char *sides, char *work, char *out) {
  const int64_t n = p->n, m = p->m, square_dims[2] = {n, n}, dense_square[2] = {n, 1},
                reversed[2] = {-n, -1};
  const int64_t dims[2] = {n, m}, dense[2] = {m, 1}, strides[2] = {p->step_row, p->step_col};
  const size_t start = (size_t)p->start * p->bytes;
  const char *l = square;
  pj_copy_square(p->comp, n, a, p->transposed, p->adjoint, square);
  if (!p->lower) {
    pj_strided_copy(p->bytes, 2, square_dims, square + (size_t)(n * n - 1) * p->bytes, reversed,
                    other, dense_square);
    l = other;
  }
  pj_strided_copy(p->bytes, 2, dims, b + start, strides, sides, dense);
  pj_solve_lower(p->comp, n, m, l, p->unit, sides, work);
  pj_strided_copy(p->bytes, 2, dims, sides, dense, out + start, strides);
}

static void single_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Linalg *p = run->p;
  const int64_t square = p->n * p->n, sides = p->n * p->m, results = p->solve ? sides : square;
  char *matrix = pj__thread_scratch(&p->routine, run->scratch, thread), *copy = matrix + p->square,
       *other = copy + p->square, *right = other + p->square, *right_copy = right + p->sides,
       *work = right_copy + p->sides;
  for (int64_t i = begin; i < end; ++i) {
    const void *a = converted(p, p->a_dtype, square, run->a, i, copy);
    char *out = run->out + (size_t)(i * results) * pj_dtype_bytes(p->b_dtype);
    const bool native = pj_comp_is_native(p->comp, p->b_dtype);
    char *to = native ? out : right_copy;
    if (p->solve)
      solve_one(p, a, converted(p, p->b_dtype, sides, run->b, i, right_copy), matrix, other, right,
                work, to);
    else
      factor_one(p, a, matrix, work, to);
    if (!native)
      pj_comp_store(p->comp, p->b_dtype, results, to, out);
  }
}

static PjStatus run_linalg(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Linalg *p = (const Linalg *)self;
  Run run = {p, in[0], p->solve ? in[1] : NULL, out[0], scratch};
  if (!p->batch || !p->n || !p->m)
    return PJ_STATUS_OK;
  const double work = (double)p->n * (double)p->n * (double)(p->solve ? p->m : p->n);
  if (p->by_sides) {
    const int64_t parts = p->batch * side_blocks(p), sides = SIDES * p->small->lanes;
    pj_threads_for(threads, parts, pj__grain(parts, (double)(p->n * (p->n + 4) * sides) / 8),
                   side_parts, &run);
  } else if (p->small) {
    const int64_t groups = pj__divide_up(p->batch, p->small->lanes);
    const double moved = (double)(p->n * (p->n + p->m) * p->small->lanes);
    pj_threads_for(threads, groups, pj__grain(groups, work + 4 * moved), small_parts, &run);
  } else {
    pj_threads_for(threads, p->batch, pj__grain(p->batch, work), single_parts, &run);
  }
  return PJ_STATUS_OK;
}

static const PjRoutine *finish(PjArena *arena, Linalg *p, const PjType *a) {
  const bool real = p->comp == PJ_COMP_F32 || p->comp == PJ_COMP_F64;
  if (p->comp == PJ_COMP_U32 || p->comp == PJ_COMP_U64)
    return NULL;
  p->bytes = pj_comp_bytes(p->comp);
  p->batch = 1;
  for (int32_t d = 0; d < a->rank - 2; ++d)
    p->batch *= a->dims[d];
  const bool native =
      pj_comp_is_native(p->comp, p->a_dtype) && pj_comp_is_native(p->comp, p->b_dtype);
  const PjSmall *small =
      real && native && p->n <= PJ_SMALL_SIZE ? pj__small(p->comp == PJ_COMP_F64) : NULL;
  p->by_sides = small && p->solve && p->m >= SIDES_WORTH * small->lanes &&
                (p->m > PJ_SMALL_SIZE || p->batch < small->lanes);
  if (p->by_sides || (small && p->m <= PJ_SMALL_SIZE && (p->batch >= 2 || p->n <= PJ_SMALL_ALONE)))
    p->small = small;
  const int64_t spare = p->small ? p->small->lanes : 0;
  const size_t times = p->small ? (size_t)p->small->lanes : 1;
  p->square = pj__scratch_round((size_t)(p->n * p->n + spare) * p->bytes * times);
  const int64_t sides = p->by_sides ? SIDES : pj__max(p->m, p->solve ? 0 : p->n);
  p->sides = pj__scratch_round((size_t)(p->n * sides + spare) * p->bytes * times);
  if (!p->small)
    p->work = pj__scratch_round(p->solve ? pj_solve_work(p->comp, p->n, p->m)
                                         : pj_cholesky_work(p->comp, p->n));
  p->routine.run = run_linalg;
  p->routine.in_place = -1;
  p->routine.thread_scratch_bytes =
      p->small ? p->square + p->sides : 3 * p->square + 2 * p->sides + p->work;
  p->routine.flops = (double)p->batch * (double)p->n * (double)p->n *
                     (double)(p->solve ? p->m : p->n) / (p->solve ? 1 : 3);
  return &p->routine;
}

const PjRoutine *pj__routine_cholesky(PjArena *arena, const PjOp *op) {
  const PjType *a = pj__in(op, 0);
  if (a->rank < 2 || a->dims[a->rank - 2] != a->dims[a->rank - 1])
    return NULL;
  Linalg *p = PJ_NEW(arena, Linalg);
  // An upper factor is the lower one of the transposed matrix, transposed.
  const bool lower = PJ_INT(op, lower) != 0;
  p->routine.name = "cholesky";
  p->comp = pj_comp_pick(a->dtype, a->dtype, a->dtype);
  p->a_dtype = p->b_dtype = a->dtype;
  p->lower = true;
  p->left = lower; // one by one: as it lies
  p->transposed = !lower;
  p->n = a->dims[a->rank - 1];
  p->m = 1;
  return finish(arena, p, a);
}

const PjRoutine *pj__linalg_solve(PjArena *arena, const PjType *a, const PjType *b, bool left,
                                  bool lower, bool unit, int64_t form) {
  bool fits = a->rank == b->rank && a->rank >= 2 && a->dims[a->rank - 2] == a->dims[a->rank - 1] &&
              a->dims[a->rank - 1] == b->dims[b->rank - (left ? 2 : 1)];
  for (int32_t d = 0; fits && d < a->rank - 2; ++d)
    fits = a->dims[d] == b->dims[d];
  if (!fits)
    return NULL;
  Linalg *p = PJ_NEW(arena, Linalg);
  p->routine.name = "triangular_solve";
  p->comp = pj_comp_pick(a->dtype, b->dtype, b->dtype);
  p->a_dtype = a->dtype;
  p->b_dtype = b->dtype;
  p->solve = true;
  p->left = left;
  p->unit = unit;
  p->transposed = (form == PJ_TRANSPOSE_YES || form == PJ_TRANSPOSE_ADJOINT) == left;
  p->adjoint = form == PJ_TRANSPOSE_ADJOINT;
  p->lower = lower != p->transposed;
  p->n = a->dims[a->rank - 1];
  p->m = b->dims[b->rank - (left ? 1 : 2)];
  const int64_t row = b->dims[b->rank - 1], step = left ? row : 1;
  p->step_row = p->lower ? step : -step;
  p->step_col = left ? 1 : row;
  p->start = p->lower ? 0 : (p->n - 1) * step;
  return finish(arena, p, a);
}

const PjRoutine *pj__routine_triangular_solve(PjArena *arena, const PjOp *op) {
  return pj__linalg_solve(arena, pj__in(op, 0), pj__in(op, 1), PJ_INT(op, left_side) != 0,
                          PJ_INT(op, lower) != 0, PJ_INT(op, unit_diagonal) != 0,
                          PJ_INT(op, transpose_a));
}
