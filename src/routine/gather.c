// gather: a window of the operand per index vector, clamped into it. Windows whose elements lie
// next to each other on both sides are moved as one run; others by a copy planned once.
#include <string.h>

#include "eval/structure.h"
#include "routine/indexing.h"

typedef struct Gather {
  PjRoutine routine;
  PjIndexPlan index;
  size_t elem, run_bytes;             // run_bytes: of a window that is one run, else 0
  int64_t room[PJ_MAX_RANK];          // largest start, by index.moved
  int64_t batch_strides[PJ_MAX_RANK]; // of the result, along the vectors' space, in elements
  PjStrided window;
  // One run per vector of one component, everything equidistant: steps of the indices, of the
  // result in bytes.
  bool simple;
  int64_t index_step, out_step, from_step; // from_step: bytes per start
} Gather;

typedef struct Run {
  const Gather *g;
  const char *operand, *indices;
  char *out;
} Run;

#define SIMPLE(SIZE)                                                                               \
  for (int64_t i = begin; i < end; ++i) {                                                          \
    const int64_t start = pj__index_read(g->index.dtype, run->indices, i * g->index_step);         \
    memcpy(run->out + i * g->out_step, run->operand + pj_clamp_i64(start, 0, room) * g->from_step, \
           SIZE);                                                                                  \
  }                                                                                                \
  return

static void simple_part(const Run *run, int64_t begin, int64_t end) {
  const Gather *g = run->g;
  const int64_t room = g->room[0];
  if (g->index.dtype == PJ_DT_S32 && g->run_bytes == 4) { // the usual one
    const int32_t *indices = (const int32_t *)run->indices;
    for (int64_t i = begin; i < end; ++i)
      memcpy(run->out + i * g->out_step,
             run->operand + pj_clamp_i64(indices[i * g->index_step], 0, room) * g->from_step, 4);
    return;
  }
  switch (g->run_bytes) {
  case 1:
    SIMPLE(1);
  case 2:
    SIMPLE(2);
  case 4:
    SIMPLE(4);
  case 8:
    SIMPLE(8);
  case 16:
    SIMPLE(16);
  case 32:
    SIMPLE(32);
  default:
    SIMPLE(g->run_bytes);
  }
}

static void gather_part(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Gather *g = run->g;
  const int64_t elem = (int64_t)g->elem;
  if (g->simple) {
    simple_part(run, begin, end);
    return;
  }
  PjIndexWalk walk;
  pj__index_walk(&walk, &g->index, g->batch_strides, begin);
  for (int64_t i = begin; i < end; ++i, pj__index_next(&walk)) {
    int64_t from = 0;
    for (int32_t k = 0; k < g->index.num; ++k) {
      const PjIndexed *moved = &g->index.moved[k];
      from +=
          pj_clamp_i64(pj__index_start(&walk, moved, run->indices), 0, g->room[k]) * moved->stride;
    }
    const char *source = run->operand + from * elem;
    char *to = run->out + walk.other * elem;
    if (g->run_bytes)
      memcpy(to, source, g->run_bytes);
    else
      pj_strided_run(&g->window, source, to);
  }
}

static PjStatus run_gather(const PjRoutine *self, PjThreads *threads, const void *const *in,
                           void *const *out, void *scratch) {
  const Gather *g = (const Gather *)self;
  Run run = {g, in[0], in[1], out[0]};
  if (!g->window.empty && g->index.count)
    pj_threads_for(threads, g->index.count,
                   pj__grain(g->index.count, 16 + g->routine.bytes / (double)g->index.count),
                   gather_part, &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__routine_gather(PjArena *arena, const PjOp *op) {
  const PjType *operand = pj__in(op, 0), *out = pj__out(op, 0);
  uint32_t num_offset, num_collapsed;
  const int64_t *offset_dims = PJ_INTS(op, offset_dims, &num_offset),
                *collapsed = PJ_INTS(op, collapsed_slice_dims, &num_collapsed),
                *sizes = PJ_INTS(op, slice_sizes, NULL);
  Gather *g = PJ_NEW(arena, Gather);
  if (!pj__index_plan(op, operand, pj__in(op, 1), PJ_KEY_start_index_map,
                      PJ_KEY_operand_batching_dims, PJ_KEY_start_indices_batching_dims, &g->index))
    return NULL;
  int64_t operand_strides[PJ_MAX_RANK], strides[PJ_MAX_RANK];
  int64_t window[PJ_MAX_RANK], source[PJ_MAX_RANK], target[PJ_MAX_RANK];
  int32_t num_window = 0, batch = 0;
  pj_strides(operand->rank, operand->dims, operand_strides);
  pj_strides(out->rank, out->dims, strides);
  for (int32_t d = 0; d < operand->rank; ++d) {
    bool dropped = pj_contains(collapsed, num_collapsed, d);
    for (int32_t k = 0; k < g->index.num; ++k)
      dropped |= g->index.moved[k].component < 0 && g->index.moved[k].dim == d;
    if (sizes[d] < 0 || sizes[d] > operand->dims[d] || (dropped && sizes[d] > 1))
      return NULL;
    if (dropped)
      continue;
    if (num_window == (int32_t)num_offset)
      return NULL;
    window[num_window] = sizes[d];
    source[num_window] = operand_strides[d];
    target[num_window] = strides[offset_dims[num_window]];
    ++num_window;
  }
  for (int32_t d = 0; d < out->rank; ++d)
    if (!pj_contains(offset_dims, num_offset, d)) {
      if (batch == g->index.rank)
        return NULL;
      g->batch_strides[batch++] = strides[d];
    }
  for (int32_t k = 0; k < g->index.num; ++k)
    g->room[k] = operand->dims[g->index.moved[k].dim] - sizes[g->index.moved[k].dim];
  g->elem = pj_dtype_bytes(operand->dtype);
  pj_strided_plan(&g->window, g->elem, num_window, window, source, target);
  g->window.empty |= !pj__count(out);
  const PjStrided *w = &g->window;
  if (!w->empty && w->dims[0] == 1 && w->rank == 2 &&
      (w->dims[1] == 1 || (w->src[1] == (int64_t)g->elem && w->dst[1] == (int64_t)g->elem)))
    g->run_bytes = (size_t)w->dims[1] * g->elem;
  g->simple = g->run_bytes && g->index.num == 1 && g->index.moved[0].component == 0 &&
              pj__index_uniform(&g->index, g->batch_strides, &g->index_step, &g->out_step);
  g->out_step *= (int64_t)g->elem;
  if (g->simple)
    g->from_step = g->index.moved[0].stride * (int64_t)g->elem;
  g->routine = (PjRoutine){
      .name = "gather", .run = run_gather, .in_place = -1, .bytes = 2 * (double)pj__bytes(out)};
  return &g->routine;
}
