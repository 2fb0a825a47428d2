// gather, dynamic_gather and torch_index_select: windows of the operand at run-time positions.
//
// Every index vector names the corner of a window, clamped into the operand. The window's
// dimensions and their place in the result are the same for all vectors, so the copy of one window
// is planned once.
#include <inttypes.h>

#include "eval/indexing.h"
#include "eval/structure.h"

static PjStatus gather(PjEval *ev, const PjOp *op, PjTensor *const *in, const int64_t *sizes,
                       PjTensor **out) {
  const PjTensor *operand = in[0];
  PjIndexing at;
  uint32_t num_offset_dims, num_collapsed;
  const int64_t *offset_dims = PJ_INTS(op, offset_dims, &num_offset_dims);
  const int64_t *collapsed = PJ_INTS(op, collapsed_slice_dims, &num_collapsed);
  PJ_TRY(pj_indexing_init(ev, op, operand, in[1], PJ_KEY_start_index_map,
                          PJ_KEY_operand_batching_dims, PJ_KEY_start_indices_batching_dims, &at));
  for (int32_t d = 0; d < operand->rank; ++d)
    if (sizes[d] < 0 || sizes[d] > operand->dims[d])
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "slice size %" PRId64 " does not fit into operand dimension %d of size "
                         "%" PRId64,
                         sizes[d], d, operand->dims[d]);

  // Result sizes: those of the index vectors' dimensions with the window's dimensions at
  // |offset_dims|.
  int32_t rank = at.rank + (int32_t)num_offset_dims, window = 0, batch = 0;
  int64_t dims[PJ_MAX_RANK], window_dims[PJ_MAX_RANK], source[PJ_MAX_RANK], target[PJ_MAX_RANK];
  int64_t strides[PJ_MAX_RANK], batch_strides[PJ_MAX_RANK];
  if (rank > PJ_MAX_RANK)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "rank %d is too large", rank);
  for (int32_t d = 0; d < operand->rank; ++d) {
    if (pj_contains(collapsed, num_collapsed, d) || at.batching[d] >= 0) {
      if (sizes[d] > 1)
        return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                           "slice size %" PRId64 " of the dropped dimension %d is not 1", sizes[d],
                           d);
      continue;
    }
    if (window == (int32_t)num_offset_dims)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "offset_dims names too few dimensions");
    window_dims[window] = sizes[d];
    source[window] = at.strides[d];
    dims[offset_dims[window++]] = sizes[d];
  }
  for (int32_t d = 0; d < rank; ++d)
    if (!pj_contains(offset_dims, num_offset_dims, d))
      dims[d] = at.dims[batch++];
  PJ_TRY(pj_result_new(ev, op, 0, rank, dims, out));
  if (!(*out)->count) {
    pj_indexing_free(ev, &at);
    return PJ_STATUS_OK;
  }
  pj_strides(rank, dims, strides);
  batch = 0;
  for (int32_t d = 0; d < rank; ++d)
    if (!pj_contains(offset_dims, num_offset_dims, d))
      batch_strides[batch++] = strides[d];
  for (int32_t i = 0; i < window; ++i)
    target[i] = strides[offset_dims[i]];

  size_t elem = pj_dtype_bytes(operand->dtype);
  PjStrided plan;
  pj_strided_plan(&plan, elem, window, window_dims, source, target);
  char *result = (*out)->data;
  int64_t to = 0;
  do {
    int64_t from = 0;
    for (int32_t d = 0; d < operand->rank; ++d)
      from += pj_clamp_i64(at.start[d], 0, operand->dims[d] - sizes[d]) * at.strides[d];
    pj_strided_run(&plan, (const char *)operand->data + (size_t)from * elem,
                   result + (size_t)to * elem);
  } while (pj_indexing_next(&at, batch_strides, &to));
  pj_indexing_free(ev, &at);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_gather(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return gather(ev, op, in, PJ_INTS(op, slice_sizes, NULL), out);
}

PjStatus pj_ev_dynamic_gather(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  int64_t sizes[PJ_MAX_RANK];
  PJ_TRY(pj_read_ints(op, in[2], "slice_sizes", in[0]->rank, sizes));
  return gather(ev, op, in, sizes, out);
}

// result[b.., m.., i.., r..] = operand[b.., m.., index[b.., i..], r..] with b the batch dimensions,
// m those before |dim|.
PjStatus pj_ev_torch_index_select(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *operand = in[0], *index = in[1];
  int32_t dim = (int32_t)PJ_INT(op, dim), batch_dims = (int32_t)PJ_INT(op, batch_dims);
  if (dim < 0)
    dim += operand->rank;
  if (batch_dims < 0)
    batch_dims += index->rank;
  bool fits = dim >= 0 && dim < operand->rank && batch_dims >= 0 && batch_dims <= dim &&
              batch_dims <= index->rank && operand->rank - 1 + index->rank <= PJ_MAX_RANK;
  for (int32_t i = 0; fits && i < batch_dims; ++i)
    fits = operand->dims[i] == index->dims[i];
  if (!fits)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "dim or batch_dims do not fit the operands");

  int64_t dims[PJ_MAX_RANK], batch = 1, middle = 1, picks = 1, row = 1;
  int32_t rank = 0;
  for (int32_t i = 0; i < dim; ++i) {
    dims[rank++] = operand->dims[i];
    *(i < batch_dims ? &batch : &middle) *= operand->dims[i];
  }
  for (int32_t i = batch_dims; i < index->rank; ++i)
    picks *= dims[rank++] = index->dims[i];
  for (int32_t i = dim + 1; i < operand->rank; ++i)
    row *= dims[rank++] = operand->dims[i];
  PJ_TRY(pj_result_new(ev, op, 0, rank, dims, out));
  if (!(*out)->count)
    return PJ_STATUS_OK;
  int64_t n = operand->dims[dim];
  if (!n)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "nothing to select from in dimension %d", dim);
  size_t bytes = (size_t)row * pj_dtype_bytes(operand->dtype);
  char *to = (*out)->data;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t m = 0; m < middle; ++m)
      for (int64_t i = 0; i < picks; ++i, to += bytes) {
        int64_t pick = pj_clamp_i64(pj_index_at(index, b * picks + i), 0, n - 1);
        memcpy(to, (const char *)operand->data + (size_t)((b * middle + m) * n + pick) * bytes,
               bytes);
      }
  return PJ_STATUS_OK;
}
