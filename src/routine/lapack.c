// custom_call: the targets of linear algebra that frameworks call LAPACK by. Batches by threads;
// small real matrices a vector at a time, and tiny ones alone so (small.h), large ones by blocks of
// our own (factor.h), others one by one by LAPACK, planned once.
#include "eval/blas.h"
#include "eval/lapack/call.h"
#include "eval/lapack/routines.h"
#include "routine/copy.h"
#include "routine/factor.h"
#include "routine/linalg.h"
#include "routine/plan.h"
#include "routine/small.h"
#include "routine/spectrum.h"

#ifdef PJ_HAVE_LAPACK
enum {
  PARALLEL = 4,  // so many matrices for each thread are better computed side by side
  FEW_SIDES = 4, // fewer right sides are not worth packing a triangle for
};

typedef struct Lapack Lapack;

// One vector of matrices, from |first| on.
typedef void GroupFn(const Lapack *p, int64_t first, int count, const void *const *in,
                     void *const *out, char *scratch);
// Matrix |index|, by all threads.
typedef void LargeFn(const Lapack *p, PjThreads *threads, int64_t index, const void *const *in,
                     void *const *out, void *scratch);

struct Lapack {
  PjRoutine routine;
  PjLaPlan plan;
  const PjSmall *small; // NULL: one by one
  GroupFn *group;
  LargeFn *large;                          // or NULL
  bool upper, left, turned, unit, vectors; // options of the call
};

typedef struct Run {
  const Lapack *p;
  const void *const *in;
  void *const *out;
  char *scratch;
  PjThreads *threads;
} Run;

static void transpose(size_t elem, int64_t rows, int64_t cols, const void *from, void *to) {
  const int64_t dims[2] = {cols, rows}, strides[2] = {1, cols}, dense[2] = {rows, 1};
  PjCopy copy;
  pj__copy_plan(&copy, elem, 2, dims, strides, dense);
  pj__copy_run(&copy, NULL, from, to);
}

static void single_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  void *work = pj__thread_scratch(&run->p->routine, run->scratch, thread);
  for (int64_t i = begin; i < end; ++i)
    pj_la_run(&run->p->plan, i, run->in, run->out, work);
}

static void group_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Lapack *p = run->p;
  const int64_t lanes = p->small->lanes;
  char *scratch = pj__thread_scratch(&p->routine, run->scratch, thread);
  for (int64_t i = begin; i < end; ++i)
    p->group(p, i * lanes, (int)pj__min(lanes, p->plan.call.batch - i * lanes), run->in, run->out,
             scratch);
}

// Loops of a large matrix's own run within the part.
static void large_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  void *work = pj__thread_scratch(&run->p->routine, run->scratch, thread);
  for (int64_t i = begin; i < end; ++i)
    run->p->large(run->p, run->threads, i, run->in, run->out, work);
}

static PjStatus run_lapack(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Lapack *p = (const Lapack *)self;
  Run run = {p, in, out, scratch, threads};
  const int64_t batch = p->plan.call.batch,
                count = p->small ? pj__divide_up(batch, p->small->lanes) : batch;
  const double work = batch ? self->flops / (double)batch : 0;
  if (p->large && batch < PARALLEL * pj_threads_count(threads))
    for (int64_t i = 0; i < batch; ++i)
      p->large(p, threads, i, in, out, pj__thread_scratch(self, scratch, 0));
  else if (p->large)
    pj_threads_for(threads, batch, 1, large_parts, &run);
  else if (p->small)
    pj_threads_for(threads, count, pj__grain(count, work * p->small->lanes), group_parts, &run);
  else
    pj_threads_for(threads, count, pj_blas_is_concurrent() ? pj__grain(count, work) : count,
                   single_parts, &run);
  return PJ_STATUS_OK;
}

// ---- small ones
static size_t vectors(const Lapack *p, int64_t count) {
  return pj__scratch_round((size_t)(count + p->small->lanes) * (size_t)p->small->lanes *
                           pj_la_bytes(&p->plan.call));
}

static void load(const Lapack *p, int64_t size, int64_t first, int count, const void *from,
                 void *to) {
  const char *at = (const char *)from + (size_t)(first * size) * pj_la_bytes(&p->plan.call);
  p->small->load(size, count, at, size, (p->plan.call.batch - first) * size, to);
}

static void store(const Lapack *p, int64_t size, int64_t first, int count, const void *from,
                  void *to) {
  char *at = (char *)to + (size_t)(first * size) * pj_la_bytes(&p->plan.call);
  p->small->store(size, count, from, at, size);
}

static void getrf(const Lapack *p, int64_t first, int count, const void *const *in,
                  void *const *out, char *scratch) {
  const int64_t m = pj_la_size(&p->plan.call, 'm'), n = pj_la_size(&p->plan.call, 'n'),
                least = pj__min(m, n), lanes = p->small->lanes;
  int32_t pivots[PJ_SMALL_SIZE * PJ_SMALL_LANES], info[PJ_SMALL_LANES];
  load(p, m * n, first, count, in[0], scratch);
  p->small->lu(m, n, scratch, pivots, info);
  store(p, m * n, first, count, scratch, out[0]);
  int32_t *to = (int32_t *)out[1] + first * least, *to_info = (int32_t *)out[2] + first;
  for (int64_t l = 0; l < count; ++l) {
    for (int64_t k = 0; k < least; ++k)
      to[l * least + k] = pivots[k * lanes + l];
    to_info[l] = info[l];
  }
}

static void potrf(const Lapack *p, int64_t first, int count, const void *const *in,
                  void *const *out, char *scratch) {
  const int64_t n = pj_la_size(&p->plan.call, 'n');
  int32_t info[PJ_SMALL_LANES], *to_info = (int32_t *)out[1] + first;
  load(p, n * n, first, count, in[0], scratch);
  p->small->cholesky(n, scratch, p->upper ? 1 : n, p->upper ? n : 1, info);
  store(p, n * n, first, count, scratch, out[0]);
  for (int64_t l = 0; l < count; ++l)
    to_info[l] = info[l];
}

static void geqrf(const Lapack *p, int64_t first, int count, const void *const *in,
                  void *const *out, char *scratch) {
  const int64_t m = pj_la_size(&p->plan.call, 'm'), n = pj_la_size(&p->plan.call, 'n'),
                least = pj__min(m, n);
  char *tau = scratch + vectors(p, m * n);
  load(p, m * n, first, count, in[0], scratch);
  p->small->qr(m, n, scratch, tau);
  store(p, m * n, first, count, scratch, out[0]);
  store(p, least, first, count, tau, out[1]);
}

static void orgqr(const Lapack *p, int64_t first, int count, const void *const *in,
                  void *const *out, char *scratch) {
  const int64_t m = pj_la_size(&p->plan.call, 'm'), n = pj_la_size(&p->plan.call, 'n'),
                k = pj_la_size(&p->plan.call, 'k');
  char *tau = scratch + vectors(p, m * n);
  load(p, m * n, first, count, in[0], scratch);
  load(p, k, first, count, in[1], tau);
  p->small->form_q(m, n, k, scratch, tau);
  store(p, m * n, first, count, scratch, out[0]);
}

// ---- large ones
typedef struct Rows {
  const char *from;
  char *to;
} Rows;

enum { PIECE = 1 << 14 };

static void copy_parts(void *context, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const Rows *r = context;
  memcpy(r->to + begin, r->from + begin, (size_t)(end - begin));
}

// Matrix |index| of operand |i| as that of result 0.
static void *copied(const Lapack *p, PjThreads *threads, int64_t index, int i,
                    const void *const *in, void *const *out) {
  const size_t step = p->plan.in[i].step, at = (size_t)index * step;
  Rows rows = {(const char *)in[i] + at, (char *)out[0] + at};
  pj_threads_for(threads, (int64_t)step, PIECE, copy_parts, &rows);
  return rows.to;
}

static bool is_wide(const Lapack *p) {
  return p->plan.call.type == PJ_LA_D;
}

static void large_potrf(const Lapack *p, PjThreads *threads, int64_t index, const void *const *in,
                        void *const *out, void *scratch) {
  ((int32_t *)out[1])[index] = pj__factor_cholesky(
      threads, is_wide(p), pj_la_size(&p->plan.call, 'n'), p->upper != p->plan.call.by_rows,
      copied(p, threads, index, 0, in, out), scratch);
}

static void large_getrf(const Lapack *p, PjThreads *threads, int64_t index, const void *const *in,
                        void *const *out, void *scratch) {
  const int64_t m = pj_la_size(&p->plan.call, 'm'), n = pj_la_size(&p->plan.call, 'n');
  ((int32_t *)out[2])[index] =
      pj__factor_lu(threads, is_wide(p), m, n, copied(p, threads, index, 0, in, out),
                    (int32_t *)out[1] + index * pj__min(m, n), scratch);
}

static void large_trsm(const Lapack *p, PjThreads *threads, int64_t index, const void *const *in,
                       void *const *out, void *scratch) {
  const int64_t n = pj_la_size(&p->plan.call, 's'), cols = pj_la_size(&p->plan.call, 'n');
  // x op(a) = b is op(a)^T x^T = b^T.
  const bool turned = p->turned == p->left;
  const PjFactorTriangle t = {.at = (const char *)in[0] + (size_t)index * p->plan.in[0].step,
                              .n = n,
                              .row = turned ? 1 : n,
                              .col = turned ? n : 1,
                              .lower = p->upper == turned,
                              .unit = p->unit};
  pj__factor_solve(threads, is_wide(p), &t, p->left ? cols : pj_la_size(&p->plan.call, 'm'),
                   copied(p, threads, index, 1, in, out), p->left ? cols : 1, p->left ? 1 : cols,
                   scratch);
}

static void *result(const Lapack *p, int64_t index, int i, void *const *out) {
  return (char *)out[i] + (size_t)index * p->plan.out[i].step;
}

// Results that are vectors if such are wanted, and what LAPACK leaves of the matrix, are zero.
static void large_syevd(const Lapack *p, PjThreads *threads, int64_t index, const void *const *in,
                        void *const *out, void *scratch) {
  const PjLaArray *a = &p->plan.in[0];
  for (int i = 0; i < 2; ++i)
    memset(result(p, index, i, out), 0, p->plan.out[i].step);
  *(int32_t *)result(p, index, 2, out) = pj__spectrum_symmetric(
      threads, is_wide(p), a->rows, p->upper != a->transposed,
      (const char *)in[0] + (size_t)index * a->step, result(p, index, 1, out), scratch);
}

static void large_gesdd(const Lapack *p, PjThreads *threads, int64_t index, const void *const *in,
                        void *const *out, void *scratch) {
  (void)threads;
  const PjLaArray *a = &p->plan.in[0];
  for (int i = 0; i < 4; ++i)
    memset(result(p, index, i, out), 0, p->plan.out[i].step);
  *(int32_t *)result(p, index, 4, out) = pj__spectrum_general(
      is_wide(p), a->transposed ? a->rows : a->cols, a->transposed ? a->cols : a->rows,
      (const char *)in[0] + (size_t)index * a->step, result(p, index, 1, out), scratch);
}

// Values alone, of matrices that are neither too large for this nor much longer than wide, which
// are better made square first.
static LargeFn *values_of(const Lapack *p, const PjLaTarget *target, size_t *out_scratch) {
  const PjLaArray *a = &p->plan.in[0];
  const int64_t least = pj__min(a->rows, a->cols);
  if (p->vectors || least < 2 || a->step > PJ_SPECTRUM_BYTES ||
      2 * pj__max(a->rows, a->cols) > 3 * least)
    return NULL;
  if (target->run == pj_la_syevd) {
    *out_scratch = pj__spectrum_symmetric_scratch(is_wide(p), a->rows);
    return large_syevd;
  }
  if ((target->run == pj_la_gesdd || target->run == pj_la_gesvd) &&
      (is_wide(p) || !PJ_LA_ONLY_DOUBLE)) {
    *out_scratch = pj__spectrum_general_scratch(is_wide(p), a->rows, a->cols);
    return large_gesdd;
  }
  return NULL;
}

// How |target| is computed here, and the scratch for that; NULL: by LAPACK.
static LargeFn *large_of(const Lapack *p, const PjLaTarget *target, size_t *out_scratch) {
  const PjLaCall *call = &p->plan.call;
  const PjLaArray *a = &p->plan.in[0];
  if (pj_la_is_complex(call))
    return NULL;
  LargeFn *values = values_of(p, target, out_scratch);
  if (values)
    return values;
  if (a->rows < PJ_FACTOR_LEAST || a->cols < PJ_FACTOR_LEAST ||
      a->transposed != p->plan.out[0].transposed)
    return NULL;
  if (target->run == pj_la_potrf) {
    *out_scratch = pj__factor_cholesky_scratch(is_wide(p), a->rows);
    return large_potrf;
  }
  if (target->run == pj_la_getrf && a->transposed) {
    *out_scratch = pj__factor_lu_scratch(is_wide(p), a->rows, a->cols);
    return large_getrf;
  }
  if (target->run == pj_la_trsm && call->by_rows) {
    *out_scratch =
        pj__factor_solve_scratch(is_wide(p), a->rows, pj_la_size(call, p->left ? 'n' : 'm'));
    return large_trsm;
  }
  return NULL;
}

static GroupFn *group_of(const PjLaTarget *target) {
  return target->run == pj_la_getrf   ? getrf
         : target->run == pj_la_potrf ? potrf
         : target->run == pj_la_geqrf ? geqrf
         : target->run == pj_la_orgqr ? orgqr
                                      : NULL;
}

// Arrays whose matrices are the rows and columns of LAPACK's.
static bool keeps_order(const PjLaPlan *plan) {
  if (plan->call.by_rows)
    return true;
  for (uint32_t i = 0; i < plan->num_in; ++i)
    if (plan->in[i].rows > 1 && plan->in[i].cols > 1 && !plan->in[i].transposed)
      return false;
  for (uint32_t i = 0; i < plan->num_out; ++i)
    if (plan->out[i].rows > 1 && plan->out[i].cols > 1 && !plan->out[i].transposed)
      return false;
  return true;
}

static bool is_small(const PjLaPlan *plan) {
  const PjLaArray *a = &plan->in[0];
  return !pj_la_is_complex(&plan->call) && a->rows <= PJ_SMALL_SIZE && a->cols <= PJ_SMALL_SIZE &&
         keeps_order(plan);
}

// Many of them, or one that is tiny.
static bool worth_vectors(const PjLaPlan *plan) {
  const PjLaArray *a = &plan->in[0];
  return plan->call.batch >= 2 || (a->rows <= PJ_SMALL_ALONE && a->cols <= PJ_SMALL_ALONE);
}

// Small triangles: many of them, a tiny one, or one with many right sides.
static bool solves_small(const Lapack *p) {
  const PjLaArray *b = &p->plan.in[1];
  const int64_t sides = p->left ? b->cols : b->rows;
  return is_small(&p->plan) && (worth_vectors(&p->plan) || sides >= 2 * PJ_SMALL_LANES);
}

// ---- selection
// A letter that was found good when the call was planned.
static char letter_of(const PjLaPlan *plan, const char *name, const char *allowed) {
  char letter = 0;
  pj_status_free(pj_la_letter(&plan->call, name, allowed, &letter));
  return letter;
}

static void read_options(Lapack *p, const PjLaTarget *target) {
  if (target->run == pj_la_gesdd || target->run == pj_la_gesvd || target->run == pj_la_syevd)
    p->vectors = letter_of(&p->plan, "mode", "NASV") != 'N';
  if (target->run == pj_la_potrf || target->run == pj_la_trsm || target->run == pj_la_syevd)
    p->upper = letter_of(&p->plan, "uplo", "LU") == 'U';
  if (target->run != pj_la_trsm)
    return;
  p->left = letter_of(&p->plan, "side", "LR") == 'L';
  p->turned = letter_of(&p->plan, "trans_x", "NTC") != 'N';
  p->unit = letter_of(&p->plan, "diag", "NU") == 'U';
}

static PjLaShape shape_of(const PjType *type) {
  return (PjLaShape){type->dtype, type->rank, type->dims};
}
#endif

const PjRoutine *pj__routine_custom_call(PjArena *arena, const PjOp *op) {
#ifdef PJ_HAVE_LAPACK
  const PjLaTarget *target = pj_la_find(PJ_STRATTR(op, call_target_name));
  if (!target || op->num_operands > PJ_LA_MAX_IN || op->num_results > PJ_LA_MAX_OUT)
    return NULL;
  PjLaShape in[PJ_LA_MAX_IN], out[PJ_LA_MAX_OUT];
  for (uint32_t i = 0; i < op->num_operands; ++i)
    in[i] = shape_of(pj__in(op, i));
  for (uint32_t i = 0; i < op->num_results; ++i)
    out[i] = shape_of(pj__out(op, i));
  Lapack *p = PJ_NEW(arena, Lapack);
  PjStatus status = pj_la_plan(op, target, in, out, &p->plan);
  if (status) { // the evaluator tells it to who runs the program
    pj_status_free(status);
    return NULL;
  }
  p->plan.transpose = transpose;
  read_options(p, target);
  if (target->run == pj_la_trsm && solves_small(p))
    return pj__linalg_solve(arena, pj__in(op, 0), pj__in(op, 1), p->left, !p->upper, p->unit,
                            p->turned ? PJ_TRANSPOSE_YES : PJ_TRANSPOSE_NO);
  p->group = worth_vectors(&p->plan) && is_small(&p->plan) ? group_of(target) : NULL;
  const double m = (double)p->plan.in[0].rows, n = (double)p->plan.in[0].cols;
  p->routine = (PjRoutine){.name = "lapack",
                           .run = run_lapack,
                           .in_place = -1,
                           .thread_scratch_bytes = p->plan.work_bytes,
                           .flops = (double)p->plan.call.batch * (m + n) * (4 + m * n)};
  if (p->group) {
    p->small = pj__small(p->plan.call.type == PJ_LA_D);
    p->routine.thread_scratch_bytes = vectors(p, (int64_t)(m * n)) + vectors(p, PJ_SMALL_SIZE);
  }
  size_t large_scratch;
  p->large = large_of(p, target, &large_scratch);
  if (p->large)
    p->routine.thread_scratch_bytes = large_scratch;
  return &p->routine;
#else
  return NULL;
#endif
}
