// custom_call: the targets of linear algebra that frameworks call LAPACK by. Batches by threads;
// many small real matrices a vector at a time (small.h), others one by one by LAPACK, planned once.
#include "eval/blas.h"
#include "eval/lapack/call.h"
#include "eval/lapack/routines.h"
#include "routine/copy.h"
#include "routine/linalg.h"
#include "routine/plan.h"
#include "routine/small.h"

#ifdef PJ_HAVE_OPENBLAS
typedef struct Lapack Lapack;

// One vector of matrices, from |first| on.
typedef void GroupFn(const Lapack *p, int64_t first, int count, const void *const *in,
                     void *const *out, char *scratch);

struct Lapack {
  PjRoutine routine;
  PjLaPlan plan;
  const PjSmall *small; // NULL: one by one
  GroupFn *group;
  bool upper;
};

typedef struct Run {
  const Lapack *p;
  const void *const *in;
  void *const *out;
  char *scratch;
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

static PjStatus run_lapack(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Lapack *p = (const Lapack *)self;
  Run run = {p, in, out, scratch};
  const int64_t batch = p->plan.call.batch,
                count = p->small ? pj__divide_up(batch, p->small->lanes) : batch;
  const double work = batch ? self->flops / (double)batch : 0;
  if (p->small)
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
  return plan->call.batch >= 2 && !pj_la_is_complex(&plan->call) && a->rows <= PJ_SMALL_SIZE &&
         a->cols <= PJ_SMALL_SIZE && keeps_order(plan);
}

// ---- selection
static const PjRoutine *triangular(PjArena *arena, const PjLaPlan *plan, const PjOp *op) {
  char side, uplo, trans, diag;
  PjStatus failed[] = {pj_la_letter(&plan->call, "side", "LR", &side),
                       pj_la_letter(&plan->call, "uplo", "LU", &uplo),
                       pj_la_letter(&plan->call, "trans_x", "NTC", &trans),
                       pj_la_letter(&plan->call, "diag", "NU", &diag)};
  for (int i = 0; i < 4; ++i)
    if (failed[i]) {
      for (; i < 4; ++i)
        pj_status_free(failed[i]);
      return NULL;
    }
  return pj__linalg_solve(arena, pj__in(op, 0), pj__in(op, 1), side == 'L', uplo == 'L',
                          diag == 'U',
                          trans == 'N'   ? PJ_TRANSPOSE_NO
                          : trans == 'T' ? PJ_TRANSPOSE_YES
                                         : PJ_TRANSPOSE_ADJOINT);
}

static PjLaShape shape_of(const PjType *type) {
  return (PjLaShape){type->dtype, type->rank, type->dims};
}
#endif

const PjRoutine *pj__routine_custom_call(PjArena *arena, const PjOp *op) {
#ifdef PJ_HAVE_OPENBLAS
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
  const bool small = is_small(&p->plan);
  if (small && target->run == pj_la_trsm && p->plan.in[1].rows <= PJ_SMALL_SIZE &&
      p->plan.in[1].cols <= PJ_SMALL_SIZE)
    return triangular(arena, &p->plan, op);
  p->group = small ? group_of(target) : NULL;
  const double m = (double)p->plan.in[0].rows, n = (double)p->plan.in[0].cols;
  p->routine = (PjRoutine){.name = "lapack",
                           .run = run_lapack,
                           .in_place = -1,
                           .thread_scratch_bytes = p->plan.work_bytes,
                           .flops = (double)p->plan.call.batch * (m + n) * (4 + m * n)};
  if (p->group) {
    p->small = pj__small(p->plan.call.type == PJ_LA_D);
    p->routine.thread_scratch_bytes = vectors(p, (int64_t)(m * n)) + vectors(p, PJ_SMALL_SIZE);
    char uplo = 'L';
    if (p->group == potrf)
      status = pj_la_letter(&p->plan.call, "uplo", "LU", &uplo);
    pj_status_free(status);
    p->upper = uplo == 'U';
  }
  return &p->routine;
#else
  return NULL;
#endif
}
