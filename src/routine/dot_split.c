// A result of few elements with long sums leaves all threads but one without work. So the sums are
// cut into pieces, which are computed as if they were batches, and added up in order. Where they
// are cut follows from the sizes alone: the bits are those of one thread.
#include "routine/dot_split.h"

#include <string.h>

#include "eval/comp.h"
#include "routine/plan.h"

enum {
  PIECES = 16,         // at most, of a sum,
  PIECE_SUMS = 1024,   // and so long at least, in multiples
  PIECE_STEP = 16,     // of this
  TILE = 48,           // rows and columns of the result that are worth a task;
  FEW_TILES = 8,       // of more than so many there is work for everybody
  WORTH = 1 << 19,     // multiplications
  ADD_ELEMENTS = 1024, // of the result, added up in one part
};

typedef struct Split {
  PjRoutine routine;
  const PjRoutine *pieces, *rest; // rest: of what is behind the last piece, or NULL
  PjComp comp;
  PjDtype out_dtype;
  int64_t count, num_pieces; // elements of the result; with |rest| one more lies behind the pieces
  int64_t a_rest, b_rest;    // where it begins, in bytes
  size_t sums_bytes;
} Split;

typedef struct Run {
  const Split *s;
  char *sums, *out;
} Run;

#define ADD_PIECES(NAME, T)                                                         \
  static void NAME(int64_t n, int64_t pieces, int64_t step, const T *from, T *to) { \
    memcpy(to, from, (size_t)n * sizeof(T));                                        \
    for (int64_t p = 1; p < pieces; ++p)                                            \
      for (int64_t i = 0; i < n; ++i)                                               \
        to[i] += from[p * step + i];                                                \
  }
ADD_PIECES(add_f32, float)
ADD_PIECES(add_f64, double)
ADD_PIECES(add_u32, uint32_t)
#undef ADD_PIECES

static void add_part(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Split *s = run->s;
  const size_t comp = pj_comp_bytes(s->comp), out = pj_dtype_bytes(s->out_dtype);
  const int64_t pieces = s->num_pieces + (s->rest != NULL);
  char total[ADD_ELEMENTS * sizeof(double)] __attribute__((aligned(64)));
  for (int64_t part = begin; part < end; ++part) {
    const int64_t at = part * ADD_ELEMENTS, n = pj__min(ADD_ELEMENTS, s->count - at);
    const char *from = run->sums + (size_t)at * comp;
    if (s->comp == PJ_COMP_F32)
      add_f32(n, pieces, s->count, (const float *)from, (float *)total);
    else if (s->comp == PJ_COMP_U32)
      add_u32(n, pieces, s->count, (const uint32_t *)from, (uint32_t *)total);
    else
      add_f64(n, pieces, s->count, (const double *)from, (double *)total);
    pj_comp_store(s->comp, s->out_dtype, n, total, run->out + (size_t)at * out);
  }
}

static PjStatus run_split(const PjRoutine *self, PjThreads *threads, const void *const *in,
                          void *const *out, void *scratch) {
  const Split *s = (const Split *)self;
  char *sums = scratch, *inner = sums + s->sums_bytes;
  PJ_TRY(s->pieces->run(s->pieces, threads, in, (void *[]){sums}, inner));
  if (s->rest) {
    const void *const rest[] = {(const char *)in[0] + s->a_rest, (const char *)in[1] + s->b_rest};
    char *to = sums + (size_t)(s->num_pieces * s->count) * pj_comp_bytes(s->comp);
    PJ_TRY(s->rest->run(s->rest, threads, rest, (void *[]){to}, inner));
  }
  Run run = {s, sums, out[0]};
  const int64_t parts = pj__divide_up(s->count, ADD_ELEMENTS);
  pj_threads_for(threads, parts, pj__grain(parts, (double)ADD_ELEMENTS * (double)s->num_pieces / 8),
                 add_part, &run);
  return PJ_STATUS_OK;
}

// |g| with |pieces| pieces of |k| elements as its outermost batches.
static PjProduct *piece_product(PjArena *arena, const PjProduct *g, int64_t pieces, int64_t k) {
  PjProduct *of = PJ_NEW(arena, PjProduct);
  *of = *g;
  of->k = k;
  of->constant = NULL;
  of->batch = g->batch * pieces;
  of->num_batch = g->num_batch + 1;
  for (int32_t d = 0; d < g->num_batch; ++d) {
    of->batch_dims[d + 1] = g->batch_dims[d];
    of->a_batch[d + 1] = g->a_batch[d];
    of->b_batch[d + 1] = g->b_batch[d];
    of->c_batch[d + 1] = g->c_batch[d];
  }
  of->batch_dims[0] = pieces;
  of->a_batch[0] = k * g->a.sum_step * (int64_t)pj_dtype_bytes(g->a.dtype);
  of->b_batch[0] = k * g->b.sum_step * (int64_t)pj_dtype_bytes(g->b.dtype);
  of->c_batch[0] = g->batch * g->m * g->n;
  of->out_dtype = g->comp == PJ_COMP_F32   ? PJ_DT_F32
                  : g->comp == PJ_COMP_U32 ? PJ_DT_U32
                                           : PJ_DT_F64;
  return of;
}

const PjRoutine *pj__dot_split(PjArena *arena, const PjProduct *g) {
  const double tiles =
      (double)g->batch * (double)pj__divide_up(g->m, TILE) * (double)pj__divide_up(g->n, TILE);
  if ((g->comp != PJ_COMP_F32 && g->comp != PJ_COMP_F64 && g->comp != PJ_COMP_U32) ||
      g->num_batch == PJ_MAX_RANK || g->a.sum_step < 0 || g->b.sum_step < 0 ||
      g->k < 2 * PIECE_SUMS || tiles > FEW_TILES ||
      (double)g->batch * (double)g->m * (double)g->n * (double)g->k < WORTH)
    return NULL;
  Split *s = PJ_NEW(arena, Split);
  *s = (Split){.comp = g->comp, .out_dtype = g->out_dtype, .count = g->batch * g->m * g->n};
  s->num_pieces = pj__min(PIECES, g->k / PIECE_SUMS);
  const int64_t sums = g->k / s->num_pieces / PIECE_STEP * PIECE_STEP,
                rest = g->k - sums * s->num_pieces;
  PjProduct *pieces = piece_product(arena, g, s->num_pieces, sums);
  s->a_rest = s->num_pieces * pieces->a_batch[0];
  s->b_rest = s->num_pieces * pieces->b_batch[0];
  s->pieces = pj__dot_select(arena, pieces);
  if (rest)
    s->rest = pj__dot_select(arena, piece_product(arena, g, 1, rest));
  const size_t zero = 0, rest_scratch = s->rest ? s->rest->scratch_bytes : zero,
               rest_thread = s->rest ? s->rest->thread_scratch_bytes : zero;
  s->sums_bytes =
      pj__scratch_round((size_t)((s->num_pieces + (rest > 0)) * s->count) * pj_comp_bytes(g->comp));
  s->routine = (PjRoutine){
      .name = "gemm_split",
      .run = run_split,
      .in_place = -1,
      .scratch_bytes =
          s->sums_bytes +
          (s->pieces->scratch_bytes > rest_scratch ? s->pieces->scratch_bytes : rest_scratch),
      .thread_scratch_bytes = s->pieces->thread_scratch_bytes > rest_thread
                                  ? s->pieces->thread_scratch_bytes
                                  : rest_thread,
  };
  return &s->routine;
}
