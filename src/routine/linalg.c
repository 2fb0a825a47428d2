// cholesky and triangular_solve: batches by threads; small matrices of real numbers a vector at a
// time, others one by one through the evaluator's blocks (eval/triangular.h), whose results both
// have bit for bit.
//
// Every form of a system is brought to a lower triangular matrix on the left, as the evaluator
// does: x * t = b is t^T * x^T = b^T, and an upper triangular system read backwards is a lower one.
#include <math.h>
#include <string.h>

#include "eval/comp.h"
#include "eval/strided.h"
#include "eval/triangular.h"
#include "routine/plan.h"
#include "routine/variant.h"

typedef struct Lanes {
  int lanes;
  void (*cholesky)(int64_t n, void *data, bool *ok);
  void (*solve)(int64_t n, int64_t m, const void *matrix, bool unit, void *data);
} Lanes;

#define PJ_VARIANT_FILE "routine/linalg_variant.h"
#include "routine/variants.h"

enum { SMALL = 16, MAX_LANES = 16 };

typedef struct Linalg {
  PjRoutine routine;
  PjComp comp;
  PjDtype a_dtype, b_dtype; // of the matrix; of the right sides and the result
  bool solve, lower, left, unit, transposed, adjoint;
  int64_t batch, n, m, step_row, step_col; // of b: strides of the unknown's index and the other
  int64_t start;                           // of b: the first unknown, in elements
  const Lanes *lanes;                      // small, or NULL
  size_t bytes, square, sides, work;       // of an element; of scratch
} Linalg;

typedef struct Run {
  const Linalg *p;
  const char *a, *b;
  char *out, *scratch;
} Run;

// Element [i, j] of the lower triangular matrix as an index into the operand.
static int64_t place(const Linalg *p, int64_t i, int64_t j) {
  if (!p->lower) {
    i = p->n - 1 - i;
    j = p->n - 1 - j;
  }
  return p->transposed ? j * p->n + i : i * p->n + j;
}

// ---- small ones
static void load_lanes(const Linalg *p, int64_t count, const char *from, int64_t step, int64_t at,
                       int64_t to_index, char *to) {
  const size_t size = p->bytes;
  for (int64_t l = 0; l < count; ++l)
    memcpy(to + (size_t)(to_index * p->lanes->lanes + l) * size,
           from + (size_t)(l * step + at) * size, size);
}

static void store_lanes(const Linalg *p, int64_t count, const char *from, int64_t from_index,
                        int64_t step, int64_t at, char *to) {
  const size_t size = p->bytes;
  for (int64_t l = 0; l < count; ++l)
    memcpy(to + (size_t)(l * step + at) * size,
           from + (size_t)(from_index * p->lanes->lanes + l) * size, size);
}

static void set_nan(const Linalg *p, char *to, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    if (p->bytes == 8)
      ((double *)to)[i] = NAN;
    else
      ((float *)to)[i] = NAN;
}

static void small_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Linalg *p = run->p;
  const int lanes = p->lanes->lanes;
  const int64_t n = p->n, m = p->m, square = n * n, sides = n * m;
  char *matrix = pj__thread_scratch(&p->routine, run->scratch, thread), *right = matrix + p->square;
  for (int64_t group = begin; group < end; ++group) {
    const int64_t first = group * lanes, count = pj__min(lanes, p->batch - first);
    const char *a = run->a + (size_t)(first * square) * p->bytes;
    memset(matrix, 0, p->square); // lanes that are not used divide zero by zero, unseen
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j <= i; ++j)
        load_lanes(p, count, a, square, place(p, i, j), i * n + j, matrix);
    if (!p->solve) {
      bool ok[MAX_LANES];
      memset(ok, true, sizeof ok);
      p->lanes->cholesky(n, matrix, ok);
      char *out = run->out + (size_t)(first * square) * p->bytes;
      memset(out, 0, (size_t)(count * square) * p->bytes);
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j <= i; ++j)
          store_lanes(p, count, matrix, i * n + j, square, place(p, i, j), out);
      for (int64_t l = 0; l < count; ++l)
        if (!ok[l])
          set_nan(p, out + (size_t)(l * square) * p->bytes, square);
      continue;
    }
    const char *b = run->b + (size_t)(first * sides + p->start) * p->bytes;
    char *out = run->out + (size_t)(first * sides + p->start) * p->bytes;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t k = 0; k < m; ++k)
        load_lanes(p, count, b, sides, i * p->step_row + k * p->step_col, i * m + k, right);
    p->lanes->solve(n, m, matrix, p->unit, right);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t k = 0; k < m; ++k)
        store_lanes(p, count, right, i * m + k, sides, i * p->step_row + k * p->step_col, out);
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
  if (p->lanes) {
    const int64_t groups = pj__divide_up(p->batch, p->lanes->lanes);
    pj_threads_for(threads, groups, pj__grain(groups, work * p->lanes->lanes), small_parts, &run);
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
  if (real && native && p->n <= SMALL && p->m <= SMALL && p->batch >= 2)
    p->lanes = &PJ_PICK(lanes)[p->comp == PJ_COMP_F64];
  const size_t times = p->lanes ? (size_t)p->lanes->lanes : 1;
  p->square = pj__scratch_round((size_t)(p->n * p->n) * p->bytes * times);
  p->sides =
      pj__scratch_round((size_t)(p->n * pj__max(p->m, p->solve ? 0 : p->n)) * p->bytes * times);
  if (!p->lanes)
    p->work = pj__scratch_round(p->solve ? pj_solve_work(p->comp, p->n, p->m)
                                         : pj_cholesky_work(p->comp, p->n));
  p->routine.run = run_linalg;
  p->routine.in_place = -1;
  p->routine.thread_scratch_bytes =
      p->lanes ? p->square + p->sides : 3 * p->square + 2 * p->sides + p->work;
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

const PjRoutine *pj__routine_triangular_solve(PjArena *arena, const PjOp *op) {
  const PjType *a = pj__in(op, 0), *b = pj__in(op, 1);
  const bool left = PJ_INT(op, left_side) != 0;
  const int64_t form = PJ_INT(op, transpose_a);
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
  p->unit = PJ_INT(op, unit_diagonal) != 0;
  p->transposed = (form == PJ_TRANSPOSE_YES || form == PJ_TRANSPOSE_ADJOINT) == left;
  p->adjoint = form == PJ_TRANSPOSE_ADJOINT;
  p->lower = (PJ_INT(op, lower) != 0) != p->transposed;
  p->n = a->dims[a->rank - 1];
  p->m = b->dims[b->rank - (left ? 1 : 2)];
  const int64_t row = b->dims[b->rank - 1], step = left ? row : 1;
  p->step_row = p->lower ? step : -step;
  p->step_col = left ? 1 : row;
  p->start = p->lower ? 0 : (p->n - 1) * step;
  return finish(arena, p, a);
}
