// Many rows by a few columns: a row to a lane. Squares of a are turned in registers on their way
// in, squares of c on their way out; b stays in the nearest cache. Nothing is packed, so that short
// sums cost their multiplications.
#include "routine/dot_tall.h"

#include <string.h>

#include "routine/variant.h"

// Strides in elements; |k| sums.
typedef struct PjTallBlock {
  int64_t a_row, b_sum, b_col, k;
} PjTallBlock;
// c[rows, cols], dense, of |rows| rows, a multiple of the lanes. |room|: elements that may be read
// at |a|.
typedef void PjTallKernel(const PjTallBlock *t, int64_t rows, const void *a, const void *b, void *c,
                          int64_t room);
typedef struct PjTallKernels {
  int lanes;
  PjTallKernel *const *of; // one to MOST_COLS columns
} PjTallKernels;

#define PJ_VARIANT_FILE "routine/dot_tall_variant.h"
#include "routine/variants.h"

enum {
  MOST_COLS = 8,
  MOST_SUMS = 48,  // of more, packing pays,
  FEW_ROWS = 64,   // but for so few rows
  FEW_COLS = 3,    // or columns
  PART_ROWS = 256, // at least, of a batch
};

typedef struct Tall {
  PjRoutine routine;
  PjTallKernel *kernel;
  PjTallBlock block;
  size_t elem;
  int64_t lanes, m, n;
  int32_t num_batch; // batches' strides in bytes
  int64_t batch, batch_dims[PJ_MAX_RANK], a_batch[PJ_MAX_RANK], b_batch[PJ_MAX_RANK];
} Tall;

typedef struct Run {
  const Tall *t;
  const char *a, *b;
  char *c;
} Run;

static int64_t parts_of(const Tall *t) {
  return pj__max(1, t->m / PART_ROWS);
}

static void tall_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Tall *t = run->t;
  const int64_t parts = parts_of(t), elem = (int64_t)t->elem;
  for (; begin < end; ++begin) {
    const int64_t part = begin % parts, first = part * PART_ROWS;
    const int64_t rows = part + 1 == parts ? t->m - first : PART_ROWS;
    int64_t rest = begin / parts, at_a = 0, at_b = 0;
    char *c = run->c + (rest * t->m + first) * t->n * elem;
    for (int32_t d = t->num_batch - 1; d >= 0; rest /= t->batch_dims[d--]) {
      at_a += rest % t->batch_dims[d] * t->a_batch[d];
      at_b += rest % t->batch_dims[d] * t->b_batch[d];
    }
    const char *a = run->a + at_a + first * t->block.a_row * elem, *b = run->b + at_b;
    const int64_t whole = rows / t->lanes * t->lanes, back = rows - t->lanes;
    const int64_t room = (t->m - 1 - first) * t->block.a_row + t->block.k;
    t->kernel(&t->block, whole, a, b, c, room);
    if (whole < rows) // the last vector of rows, some of them once more
      t->kernel(&t->block, t->lanes, a + back * t->block.a_row * elem, b, c + back * t->n * elem,
                room - back * t->block.a_row);
  }
}

static PjStatus run_tall(const PjRoutine *self, PjThreads *threads, const void *const *in,
                         void *const *out, void *scratch) {
  const Tall *t = (const Tall *)self;
  Run run = {t, in[0], in[1], out[0]};
  const int64_t parts = t->batch * parts_of(t);
  const double work = (double)pj__min(t->m, PART_ROWS) * (double)(t->n + 4) * (double)t->block.k;
  pj_threads_for(threads, parts, pj__grain(parts, work / 4), tall_parts, &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__dot_tall(PjArena *arena, const PjProduct *g) {
  if (g->comp != PJ_COMP_F32 && g->comp != PJ_COMP_F64)
    return NULL;
  const PjTallKernels *kernels = &PJ_PICK(tall_kernels)[g->comp];
  if (g->n > MOST_COLS || (g->k > MOST_SUMS && g->m > FEW_ROWS && g->n > FEW_COLS) ||
      g->m < kernels->lanes || g->a.sum_step != 1 || g->a.outer_step < g->k || g->b.sum_step < 0 ||
      g->b.outer_step < 0 || !pj_comp_is_native(g->comp, g->a.dtype) ||
      !pj_comp_is_native(g->comp, g->b.dtype) || !pj_comp_is_native(g->comp, g->out_dtype))
    return NULL;
  Tall *t = PJ_NEW(arena, Tall);
  *t = (Tall){.kernel = kernels->of[g->n - 1],
              .block = {.a_row = g->a.outer_step,
                        .b_sum = g->b.sum_step,
                        .b_col = g->b.outer_step,
                        .k = g->k},
              .elem = pj_comp_bytes(g->comp),
              .lanes = kernels->lanes,
              .m = g->m,
              .n = g->n,
              .num_batch = g->num_batch,
              .batch = g->batch};
  memcpy(t->batch_dims, g->batch_dims, sizeof t->batch_dims);
  memcpy(t->a_batch, g->a_batch, sizeof t->a_batch);
  memcpy(t->b_batch, g->b_batch, sizeof t->b_batch);
  t->routine = (PjRoutine){.name = "gemm_tall", .run = run_tall, .in_place = -1};
  return &t->routine;
}
