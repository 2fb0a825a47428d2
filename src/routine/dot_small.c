// Small products in batches: each is too short for packing to pay, and too short for a call of its
// own. One call of a kernel walks along the last batch dimension; in it the operands are read as
// they lie, but for a b whose columns do not lie side by side: that is turned first, on the stack.
//
// Every element is one sum in the order of p, so its bits depend neither on the threads nor on the
// vector's width.
#include "routine/dot_small.h"

#include <string.h>

#include "routine/dot_complex.h"
#include "routine/variant.h"

enum {
  SMALL_WORK = 4096,  // multiplications of one product
  SMALL_TURNED = 1024 // elements of b that are turned
};

typedef PjSmallProduct SmallRun;
// |count| products, whose operands lie |a_step| and |b_step| elements apart; c is dense.
typedef void SmallKernel(const SmallRun *s, const void *a, const void *b, void *c, int64_t count,
                         int64_t a_step, int64_t b_step);

// b with its columns side by side, [k, n].
#define SMALL_TURN(T) turn_##T
#define DEFINE_TURN(T)                                                                         \
  static __attribute__((noinline)) void SMALL_TURN(T)(const SmallRun *s, int64_t k, int64_t n, \
                                                      const T *b, T *to) {                     \
    for (int64_t p = 0; p < k; ++p)                                                            \
      for (int64_t j = 0; j < n; ++j)                                                          \
        *to++ = b[p * s->b_sum + j * s->b_col];                                                \
  }
DEFINE_TURN(float)
DEFINE_TURN(double)
DEFINE_TURN(uint32_t)
DEFINE_TURN(uint64_t)

#define PJ_VARIANT_FILE "routine/dot_small_variant.h"
#include "routine/variants.h"

// A few wide rows, single columns, and what would be too much to turn: element by element.
#define SMALL_ELEMENTS(NAME, T)                                                                \
  static void NAME(const SmallRun *s, const void *pa, const void *pb, void *pc, int64_t count, \
                   int64_t a_step, int64_t b_step) {                                           \
    const T *a = pa, *b = pb;                                                                  \
    T *c = pc;                                                                                 \
    for (int64_t at = 0; at < count; ++at, a += a_step, b += b_step)                           \
      for (int64_t i = 0; i < s->m; ++i)                                                       \
        for (int64_t j = 0; j < s->n; ++j) {                                                   \
          T sum = 0;                                                                           \
          for (int64_t p = 0; p < s->k; ++p)                                                   \
            sum += a[i * s->a_row + p * s->a_sum] * b[p * s->b_sum + j * s->b_col];            \
          *c++ = sum;                                                                          \
        }                                                                                      \
  }
SMALL_ELEMENTS(elements_f32, float)
SMALL_ELEMENTS(elements_f64, double)
SMALL_ELEMENTS(elements_u32, uint32_t)
SMALL_ELEMENTS(elements_u64, uint64_t)

#define SMALL_COMPLEX(NAME, T, ONE)                                                            \
  static void NAME(const SmallRun *s, const void *pa, const void *pb, void *pc, int64_t count, \
                   int64_t a_step, int64_t b_step) {                                           \
    for (int64_t at = 0; at < count; ++at)                                                     \
      ONE(s, (const T *)pa + 2 * at * a_step, (const T *)pb + 2 * at * b_step,                 \
          (T *)pc + 2 * at * s->m * s->n);                                                     \
  }
SMALL_COMPLEX(complex_float, float, pj__small_c64)
SMALL_COMPLEX(complex_double, double, pj__small_c128)

static SmallKernel *const elements[] = {
    [PJ_COMP_F32] = elements_f32, [PJ_COMP_F64] = elements_f64,  [PJ_COMP_U32] = elements_u32,
    [PJ_COMP_U64] = elements_u64, [PJ_COMP_C64] = complex_float, [PJ_COMP_C128] = complex_double,
};

typedef struct SmallPlan {
  PjRoutine routine;
  SmallRun s;
  SmallKernel *kernel;
  size_t elem;
  int32_t num_batch;
  int64_t batch, batch_dims[PJ_MAX_RANK];
  int64_t a_batch[PJ_MAX_RANK], b_batch[PJ_MAX_RANK]; // in bytes
} SmallPlan;

typedef struct SmallCall {
  const SmallPlan *p;
  const char *a, *b;
  char *c;
} SmallCall;

static void small_part(void *context, int64_t begin, int64_t end, int thread) {
  const SmallCall *call = context;
  const SmallPlan *p = call->p;
  const int64_t elem = (int64_t)p->elem, c_bytes = p->s.m * p->s.n * elem;
  const int32_t last = p->num_batch - 1;
  while (begin < end) {
    int64_t count = end - begin, a_step = 0, b_step = 0;
    if (last >= 0) {
      count = pj__min(count, p->batch_dims[last] - begin % p->batch_dims[last]);
      a_step = p->a_batch[last] / elem;
      b_step = p->b_batch[last] / elem;
    }
    p->kernel(&p->s, call->a + pj__batch_offset(p->num_batch, p->batch_dims, p->a_batch, begin),
              call->b + pj__batch_offset(p->num_batch, p->batch_dims, p->b_batch, begin),
              call->c + begin * c_bytes, count, a_step, b_step);
    begin += count;
  }
}

static PjStatus run_small(const PjRoutine *self, PjThreads *threads, const void *const *in,
                          void *const *out, void *scratch) {
  const SmallPlan *p = (const SmallPlan *)self;
  SmallCall call = {p, in[0], in[1], out[0]};
  const double work = (double)(p->s.m * p->s.n) * (double)p->s.k;
  pj_threads_for(threads, p->batch, pj__grain(p->batch, work), small_part, &call);
  return PJ_STATUS_OK;
}

bool pj__dot_is_small(const PjProduct *g) {
  return (double)g->m * (double)g->n * (double)g->k <= SMALL_WORK;
}

static SmallKernel *select_kernel(const PjProduct *g) {
  const bool real = g->comp == PJ_COMP_F32 || g->comp == PJ_COMP_F64 || g->comp == PJ_COMP_U32 ||
                    g->comp == PJ_COMP_U64;
  const bool beside = g->b.outer_step == 1;
  if (!real || g->n < 2 || (!beside && (g->m < 2 || g->k * g->n > SMALL_TURNED)))
    return elements[g->comp];
  if ((g->comp == PJ_COMP_F32 || g->comp == PJ_COMP_F64) && g->m == g->n && g->k == g->n &&
      g->n <= 4)
    return PJ_PICK(squares)[g->comp == PJ_COMP_F64][g->n - 2];
  int width = 0; // the widest vector that a row fills
  while (width + 1 < 4 && (4 << width) <= g->n && PJ_PICK(widths)[g->comp][width + 1])
    ++width;
  return PJ_PICK(widths)[g->comp][width];
}

const PjRoutine *pj__dot_small(PjArena *arena, const PjProduct *g) {
  if (!pj__dot_is_small(g) || g->comp >= sizeof elements / sizeof *elements || !elements[g->comp] ||
      g->a.outer_step < 0 || g->a.sum_step < 0 || g->b.outer_step < 0 || g->b.sum_step < 0 ||
      !pj_comp_is_native(g->comp, g->a.dtype) || !pj_comp_is_native(g->comp, g->b.dtype) ||
      !pj_comp_is_native(g->comp, g->out_dtype))
    return NULL;
  SmallPlan *p = PJ_NEW(arena, SmallPlan);
  *p = (SmallPlan){
      .kernel = select_kernel(g),
      .elem = pj_comp_bytes(g->comp),
      .num_batch = g->num_batch,
      .batch = g->batch,
      .s = {g->m, g->n, g->k, g->a.outer_step, g->a.sum_step, g->b.sum_step, g->b.outer_step}};
  memcpy(p->batch_dims, g->batch_dims, sizeof p->batch_dims);
  memcpy(p->a_batch, g->a_batch, sizeof p->a_batch);
  memcpy(p->b_batch, g->b_batch, sizeof p->b_batch);
  p->routine = (PjRoutine){.name = "gemm_small", .run = run_small, .in_place = -1};
  return &p->routine;
}
