// scatter, with any body and any number of operands.
//
// Every index vector names the corner of a window of the operand, in which one window of the
// updates is combined. Updates are applied vector by vector, in row-major order of the indices.
//
// A window that does not lie within the operand is dropped whole, as XLA does and JAX's gradients
// rely on. The specification drops only the elements outside; no program of its suites tells the
// difference.
#include <inttypes.h>

#include "eval/combine.h"
#include "eval/indexing.h"

// A dimension of the window: its size, operand dimension and strides in elements.
typedef struct WindowDim {
  int64_t size, in_stride, update_stride;
  int32_t dim;
} WindowDim;

typedef struct Scatter {
  PjEval *ev;
  PjCombiner combiner;
  uint32_t count;
  int32_t num_dims, num_merged;
  WindowDim dims[PJ_MAX_RANK];   // outermost first
  WindowDim merged[PJ_MAX_RANK]; // the same with neighbours joined, for windows that lie inside
  void **results, **acc;         // operands being updated; where the current row is
  const void **updates, **x;
} Scatter;

// Combines the row of |n| elements at the given offsets.
static PjStatus row(Scatter *s, int64_t n, int64_t to, int64_t to_step, int64_t from,
                    int64_t from_step) {
  for (uint32_t i = 0; i < s->count; ++i) {
    size_t elem = pj_dtype_bytes(pj_combiner_dtype(&s->combiner, i));
    s->acc[i] = (char *)s->results[i] + (size_t)to * elem;
    s->x[i] = (const char *)s->updates[i] + (size_t)from * elem;
  }
  if (to_step == 1 || n == 1)
    return pj_combine(&s->combiner, n, s->acc, s->x, from_step);
  for (int64_t j = 0; j < n; ++j) {
    PJ_TRY(pj_combine(&s->combiner, 1, s->acc, s->x, 1));
    for (uint32_t i = 0; i < s->count; ++i) {
      int64_t elem = (int64_t)pj_dtype_bytes(pj_combiner_dtype(&s->combiner, i));
      s->acc[i] = (char *)s->acc[i] + to_step * elem;
      s->x[i] = (const char *)s->x[i] + from_step * elem;
    }
  }
  return PJ_STATUS_OK;
}

// Combines the box of sizes |sizes| (of |rank| dimensions described by |dims|) at the given
// offsets.
static PjStatus box(Scatter *s, int32_t rank, const WindowDim *dims, const int64_t *sizes,
                    int64_t to, int64_t from) {
  int32_t last = rank - 1;
  if (rank == 0)
    return row(s, 1, to, 1, from, 1);
  int64_t at[PJ_MAX_RANK] = {0};
  for (;;) {
    PJ_TRY(row(s, sizes[last], to, dims[last].in_stride, from, dims[last].update_stride));
    int32_t i = last - 1;
    for (; i >= 0; --i) {
      to += dims[i].in_stride;
      from += dims[i].update_stride;
      if (++at[i] < sizes[i])
        break;
      to -= dims[i].in_stride * sizes[i];
      from -= dims[i].update_stride * sizes[i];
      at[i] = 0;
    }
    if (i < 0)
      return PJ_STATUS_OK;
  }
}

// The window of the current index vector, |from| the offset of its updates.
static PjStatus window(Scatter *s, const PjIndexing *at, const PjTensor *operand, int64_t from) {
  int64_t sizes[PJ_MAX_RANK], to = 0;
  for (int32_t d = 0; d < operand->rank; ++d) {
    if (at->start[d] < 0 || at->start[d] >= operand->dims[d])
      return PJ_STATUS_OK;
    to += at->start[d] * at->strides[d];
  }
  for (int32_t i = 0; i < s->num_dims; ++i)
    if (s->dims[i].size > operand->dims[s->dims[i].dim] - at->start[s->dims[i].dim])
      return PJ_STATUS_OK;
  for (int32_t i = 0; i < s->num_merged; ++i)
    sizes[i] = s->merged[i].size;
  return box(s, s->num_merged, s->merged, sizes, to, from);
}

// Joins neighbouring window dimensions that are contiguous to each other on both sides.
static void merge(Scatter *s) {
  s->num_merged = 0;
  for (int32_t i = 0; i < s->num_dims; ++i) {
    const WindowDim *inner = &s->dims[i];
    if (inner->size == 1)
      continue;
    if (s->num_merged) {
      WindowDim *outer = &s->merged[s->num_merged - 1];
      if (outer->in_stride == inner->in_stride * inner->size &&
          outer->update_stride == inner->update_stride * inner->size) {
        outer->size *= inner->size;
        outer->in_stride = inner->in_stride;
        outer->update_stride = inner->update_stride;
        continue;
      }
    }
    s->merged[s->num_merged++] = *inner;
  }
}

static PjStatus prepare(Scatter *s, const PjOp *op, const PjTensor *operand, const PjTensor *update,
                        const PjIndexing *at, int64_t *index_strides) {
  uint32_t num_window, num_inserted;
  const int64_t *window_dims = PJ_INTS(op, update_window_dims, &num_window);
  const int64_t *inserted = PJ_INTS(op, inserted_window_dims, &num_inserted);
  int64_t strides[PJ_MAX_RANK];
  pj_strides(update->rank, update->dims, strides);
  for (int32_t d = 0; d < operand->rank; ++d) {
    if (pj_contains(inserted, num_inserted, d) || at->batching[d] >= 0)
      continue;
    if (s->num_dims == (int32_t)num_window)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "update_window_dims names too few dimensions");
    int64_t from = window_dims[s->num_dims];
    s->dims[s->num_dims++] = (WindowDim){update->dims[from], at->strides[d], strides[from], d};
  }
  int32_t rank = 0;
  for (int32_t d = 0; d < update->rank; ++d) {
    if (pj_contains(window_dims, num_window, d))
      continue;
    if (rank == at->rank || at->dims[rank] != update->dims[d])
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "update dimension %d of size %" PRId64
                         " does not fit the shape of the scatter indices",
                         d, update->dims[d]);
    index_strides[rank++] = strides[d];
  }
  if (rank != at->rank)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "updates of rank %d do not fit the scatter indices",
                       update->rank);
  merge(s);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_scatter(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjRegion *body = &op->regions[0];
  uint32_t count = (op->num_operands - 1) / 2;
  PjTensor *const *updates = in + count + 1;
  PjIndexing at;
  int64_t index_strides[PJ_MAX_RANK], from = 0;
  if (!count || body->num_args != 2 * count)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the body takes %u arguments for %u operands",
                       body->num_args, op->num_operands);
  PJ_TRY(pj_same_shapes(op, count, in));
  PJ_TRY(pj_same_shapes(op, count, updates));
  Scatter *s = pj_eval_scratch(ev, sizeof *s);
  s->ev = ev;
  s->count = count;
  s->num_dims = 0;
  PJ_TRY(pj_indexing_init(ev, op, in[0], in[count], PJ_KEY_scatter_dims_to_operand_dims,
                          PJ_KEY_input_batching_dims, PJ_KEY_scatter_indices_batching_dims, &at));
  PJ_TRY(prepare(s, op, in[0], updates[0], &at, index_strides));

  PjTensor **converted = pj_eval_scratch(ev, count * sizeof(PjTensor *));
  s->results = pj_eval_scratch(ev, 4 * count * sizeof(void *));
  s->acc = s->results + count;
  s->updates = (const void **)(s->acc + count);
  s->x = s->updates + count;
  for (uint32_t i = 0; i < count; ++i) {
    // The body may work in a wider type than the operands have.
    PjDtype dtype = op->results[i].type->dtype;
    PJ_TRY(pj_result_check(op, i, in[i]->rank, in[i]->dims));
    out[i] = in[i]->dtype == dtype ? pj_eval_take(ev, op, in, i) : pj_converted(ev, in[i], dtype);
    converted[i] = pj_converted(ev, updates[i], dtype);
    s->results[i] = out[i]->data;
    s->updates[i] = converted[i]->data;
  }
  if (updates[0]->count && in[0]->count) {
    int64_t longest = s->num_merged ? s->merged[s->num_merged - 1].size : 1;
    PJ_TRY(pj_combiner_init(ev, body, count, longest < 1024 ? longest : 1024, false, &s->combiner));
    do {
      PJ_TRY(window(s, &at, in[0], from));
    } while (pj_indexing_next(&at, index_strides, &from));
  }
  for (uint32_t i = 0; i < count; ++i)
    pj_eval_drop(ev, converted[i]);
  pj_indexing_free(ev, &at);
  pj_eval_free(ev, converted);
  pj_eval_free(ev, s->results);
  pj_eval_free(ev, s);
  return PJ_STATUS_OK;
}
