// Data movement that is one strided copy per operand: broadcast_in_dim, broadcast, transpose,
// reverse, slice, concatenate, pad and their dynamic forms; reshape, which copies nothing.
#include <inttypes.h>

#include "eval/structure.h"

static bool same_dims(const PjTensor *tensor, int32_t rank, const int64_t *dims) {
  if (tensor->rank != rank)
    return false;
  for (int32_t i = 0; i < rank; ++i)
    if (tensor->dims[i] != dims[i])
      return false;
  return true;
}

// ---- broadcast
static PjStatus broadcast(PjEval *ev, const PjOp *op, PjTensor *const *in, int32_t rank,
                          const int64_t *dims, const int64_t *map, PjTensor **out) {
  const PjTensor *operand = in[0];
  int64_t strides[PJ_MAX_RANK], source[PJ_MAX_RANK] = {0}, target[PJ_MAX_RANK];
  bool in_order = true;
  for (int32_t i = 0; i < operand->rank; ++i) {
    if (operand->dims[i] != 1 && operand->dims[i] != dims[map[i]])
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "operand dimension %d has size %" PRId64
                         ", which is neither 1 nor the size "
                         "%" PRId64 " of result dimension %" PRId64,
                         i, operand->dims[i], dims[map[i]], map[i]);
    in_order &= !i || map[i] > map[i - 1];
  }
  PJ_TRY(pj_result_check(op, 0, rank, dims));
  pj_strides(operand->rank, operand->dims, strides);
  bool repeats = false, named[PJ_MAX_RANK] = {false};
  for (int32_t i = 0; i < operand->rank; ++i) {
    named[map[i]] = operand->dims[i] == dims[map[i]];
    source[map[i]] = operand->dims[i] == 1 ? 0 : strides[i];
  }
  for (int32_t i = 0; i < rank; ++i)
    repeats |= !named[i] && dims[i] != 1;
  if (in_order && !repeats)
    return pj_result_view(ev, op, 0, in, 0, rank, dims, out);
  PJ_TRY(pj_result_new(ev, op, 0, rank, dims, out));
  pj_strides(rank, dims, target);
  pj_strided_copy(pj_dtype_bytes(operand->dtype), rank, dims, operand->data, source, (*out)->data,
                  target);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_broadcast_in_dim(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjType *type = op->results[0].type;
  const int64_t *map = PJ_INTS(op, broadcast_dimensions, NULL);
  int64_t dims[PJ_MAX_RANK];
  for (int32_t i = 0; i < type->rank; ++i)
    dims[i] = type->dims[i];
  // A size that is not known beforehand (HLO's arrays of bounded sizes) is the operand's, or the
  // bound where the operand has none.
  for (int32_t i = 0; i < in[0]->rank; ++i)
    if (dims[map[i]] == PJ_DYN)
      dims[map[i]] = in[0]->dims[i];
  for (int32_t i = 0; i < type->rank; ++i)
    if (dims[i] == PJ_DYN && type->bounds)
      dims[i] = type->bounds[i];
  return broadcast(ev, op, in, type->rank, dims, map, out);
}

PjStatus pj_ev_broadcast(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  uint32_t added;
  const int64_t *sizes = PJ_INTS(op, broadcast_sizes, &added);
  int32_t rank = in[0]->rank + (int32_t)added;
  int64_t dims[PJ_MAX_RANK], map[PJ_MAX_RANK];
  if (rank > PJ_MAX_RANK)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "rank %d is too large", rank);
  for (uint32_t i = 0; i < added; ++i)
    dims[i] = sizes[i];
  for (int32_t i = 0; i < in[0]->rank; ++i) {
    dims[(int32_t)added + i] = in[0]->dims[i];
    map[i] = (int32_t)added + i;
  }
  return broadcast(ev, op, in, rank, dims, map, out);
}

PjStatus pj_ev_dynamic_broadcast_in_dim(PjEval *ev, const PjOp *op, PjTensor *const *in,
                                        PjTensor **out) {
  int32_t rank = op->results[0].type->rank;
  int64_t dims[PJ_MAX_RANK];
  PJ_TRY(pj_read_ints(op, in[1], "output_dimensions", rank, dims));
  return broadcast(ev, op, in, rank, dims, PJ_INTS(op, broadcast_dimensions, NULL), out);
}

// ---- reshape
static PjStatus reshape(PjEval *ev, const PjOp *op, PjTensor *const *in, int32_t rank,
                        const int64_t *dims, PjTensor **out) {
  int64_t count = 1;
  bool fits = true, empty = false;
  for (int32_t i = 0; i < rank; ++i) {
    if (dims[i] == 0)
      empty = true;
    fits = fits && dims[i] >= 0 && pj_mul_i64(count, dims[i] ? dims[i] : 1, &count);
  }
  if (!fits || (empty ? 0 : count) != in[0]->count) {
    char from[PJ_DIMS_TEXT], to[PJ_DIMS_TEXT];
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "an operand of shape %s cannot take the shape %s",
                       pj_dims_text(in[0]->rank, in[0]->dims, from), pj_dims_text(rank, dims, to));
  }
  return pj_result_view(ev, op, 0, in, 0, rank, dims, out);
}

// HLO's reshapes of arrays of bounded sizes keep the number of elements: of a type with one dynamic
// dimension (others are left to the error above) that dimension is what remains.
PjStatus pj_ev_reshape(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjType *type = op->results[0].type;
  int64_t dims[PJ_MAX_RANK], known = 1;
  int32_t open = -1;
  for (int32_t i = 0; i < type->rank; ++i) {
    dims[i] = type->dims[i];
    if (dims[i] == PJ_DYN && open < 0)
      open = i;
    else if (!pj_mul_i64(known, dims[i], &known))
      known = 0;
  }
  if (open >= 0 && known > 0)
    dims[open] = in[0]->count / known;
  return reshape(ev, op, in, type->rank, dims, out);
}

PjStatus pj_ev_dynamic_reshape(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  int32_t rank = op->results[0].type->rank;
  int64_t dims[PJ_MAX_RANK];
  PJ_TRY(pj_read_ints(op, in[1], "output_shape", rank, dims));
  return reshape(ev, op, in, rank, dims, out);
}

// ---- transpose, reverse
PjStatus pj_ev_transpose(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *operand = in[0];
  const int64_t *permutation = PJ_INTS(op, permutation, NULL);
  int32_t rank = operand->rank, previous = -1;
  int64_t dims[PJ_MAX_RANK], strides[PJ_MAX_RANK], source[PJ_MAX_RANK], target[PJ_MAX_RANK];
  bool in_order = true; // apart from dimensions of size 1
  pj_strides(rank, operand->dims, strides);
  for (int32_t i = 0; i < rank; ++i) {
    int32_t from = (int32_t)permutation[i];
    dims[i] = operand->dims[from];
    source[i] = strides[from];
    if (dims[i] == 1)
      continue;
    in_order &= from > previous;
    previous = from;
  }
  if (in_order)
    return pj_result_view(ev, op, 0, in, 0, rank, dims, out);
  PJ_TRY(pj_result_new(ev, op, 0, rank, dims, out));
  pj_strides(rank, dims, target);
  pj_strided_copy(pj_dtype_bytes(operand->dtype), rank, dims, operand->data, source, (*out)->data,
                  target);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_reverse(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *operand = in[0];
  uint32_t count;
  const int64_t *axes = PJ_INTS(op, dimensions, &count);
  size_t elem = pj_dtype_bytes(operand->dtype);
  int64_t source[PJ_MAX_RANK], target[PJ_MAX_RANK], first = 0;
  pj_strides(operand->rank, operand->dims, source);
  pj_strides(operand->rank, operand->dims, target);
  for (uint32_t i = 0; i < count; ++i) {
    first += (operand->dims[axes[i]] - 1) * source[axes[i]];
    source[axes[i]] = -source[axes[i]];
  }
  PJ_TRY(pj_result_new(ev, op, 0, operand->rank, operand->dims, out));
  if (!operand->count)
    return PJ_STATUS_OK;
  pj_strided_copy(elem, operand->rank, operand->dims,
                  (const char *)operand->data + first * (int64_t)elem, source, (*out)->data,
                  target);
  return PJ_STATUS_OK;
}

// ---- slice
static PjStatus slice(PjEval *ev, const PjOp *op, PjTensor *const *in, const int64_t *start,
                      const int64_t *limit, const int64_t *step, PjTensor **out) {
  const PjTensor *operand = in[0];
  size_t elem = pj_dtype_bytes(operand->dtype);
  int64_t dims[PJ_MAX_RANK], source[PJ_MAX_RANK], target[PJ_MAX_RANK], first = 0;
  pj_strides(operand->rank, operand->dims, source);
  for (int32_t i = 0; i < operand->rank; ++i) {
    if (start[i] < 0 || start[i] > limit[i] || limit[i] > operand->dims[i] || step[i] <= 0)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "the slice %" PRId64 ":%" PRId64 ":%" PRId64
                         " of dimension %d does not lie "
                         "within its size %" PRId64,
                         start[i], limit[i], step[i], i, operand->dims[i]);
    dims[i] = (limit[i] - start[i]) / step[i] + ((limit[i] - start[i]) % step[i] != 0);
  }
  if (same_dims(operand, operand->rank, dims))
    return pj_result_view(ev, op, 0, in, 0, operand->rank, dims, out);
  PJ_TRY(pj_result_new(ev, op, 0, operand->rank, dims, out));
  if (!(*out)->count)
    return PJ_STATUS_OK;
  for (int32_t i = 0; i < operand->rank; ++i) {
    first += start[i] * source[i];
    source[i] = dims[i] > 1 ? source[i] * step[i] : 0;
  }
  pj_strides(operand->rank, dims, target);
  pj_strided_copy(elem, operand->rank, dims, (const char *)operand->data + first * (int64_t)elem,
                  source, (*out)->data, target);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_slice(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const int64_t *step = PJ_INTS(op, strides, NULL);
  const PjType *from = op->operands[0]->type, *to = op->results[0].type;
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK];
  for (int32_t i = 0; i < in[0]->rank; ++i) {
    start[i] = PJ_INTS(op, start_indices, NULL)[i];
    limit[i] = PJ_INTS(op, limit_indices, NULL)[i];
    // Of HLO's arrays of bounded sizes the indices speak of the bound.
    if (from->dims[i] != PJ_DYN || to->dims[i] != PJ_DYN)
      continue;
    limit[i] = limit[i] < in[0]->dims[i] ? limit[i] : in[0]->dims[i];
    start[i] = start[i] < limit[i] ? start[i] : limit[i];
  }
  return slice(ev, op, in, start, limit, step, out);
}

PjStatus pj_ev_real_dynamic_slice(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK], step[PJ_MAX_RANK];
  PJ_TRY(pj_read_ints(op, in[1], "start_indices", in[0]->rank, start));
  PJ_TRY(pj_read_ints(op, in[2], "limit_indices", in[0]->rank, limit));
  PJ_TRY(pj_read_ints(op, in[3], "strides", in[0]->rank, step));
  return slice(ev, op, in, start, limit, step, out);
}

// ---- concatenate
PjStatus pj_ev_concatenate(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  int32_t rank = in[0]->rank, axis = (int32_t)PJ_INT(op, dimension);
  int64_t dims[PJ_MAX_RANK], target[PJ_MAX_RANK], source[PJ_MAX_RANK], at = 0;
  for (int32_t d = 0; d < rank; ++d)
    dims[d] = in[0]->dims[d];
  for (uint32_t i = 1; i < op->num_operands; ++i) {
    bool fits = in[i]->rank == rank;
    for (int32_t d = 0; fits && d < rank; ++d)
      fits = d == axis || in[i]->dims[d] == dims[d];
    if (!fits || !pj_add_i64(dims[axis], in[i]->dims[axis], &dims[axis])) {
      char a[PJ_DIMS_TEXT], b[PJ_DIMS_TEXT];
      return PJ_OP_ERROR(
          op, INVALID_ARGUMENT, "operand %u has shape %s, which does not fit operand 0 of shape %s",
          i, pj_dims_text(in[i]->rank, in[i]->dims, a), pj_dims_text(rank, in[0]->dims, b));
    }
  }
  if (op->num_operands == 1)
    return pj_result_view(ev, op, 0, in, 0, rank, dims, out);
  PJ_TRY(pj_result_new(ev, op, 0, rank, dims, out));
  size_t elem = pj_dtype_bytes((*out)->dtype);
  pj_strides(rank, dims, target);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    pj_strides(rank, in[i]->dims, source);
    if (in[i]->count)
      pj_strided_copy(elem, rank, in[i]->dims, in[i]->data, source,
                      (char *)(*out)->data + (size_t)(at * target[axis]) * elem, target);
    at += in[i]->dims[axis];
  }
  return PJ_STATUS_OK;
}

// ---- pad
void pj_pad(const PjTensor *operand, const PjTensor *value, const int64_t *low,
            const int64_t *interior, PjTensor *result) {
  size_t elem = pj_dtype_bytes(operand->dtype);
  int64_t dims[PJ_MAX_RANK], source[PJ_MAX_RANK], target[PJ_MAX_RANK], from = 0, to = 0, count = 1;
  pj_strides(operand->rank, operand->dims, source);
  pj_strides(operand->rank, result->dims, target);
  for (int32_t i = 0; i < operand->rank; ++i) {
    int64_t step = interior[i] + 1;
    int64_t begin = low[i] >= 0 ? 0 : (-low[i] + step - 1) / step;
    int64_t room = result->dims[i] - low[i]; // positions from operand element 0 to the end
    int64_t end = room <= 0 ? 0 : (room + step - 1) / step;
    if (end > operand->dims[i])
      end = operand->dims[i];
    dims[i] = end > begin ? end - begin : 0;
    count *= dims[i]; // at most operand->count
  }
  if (count < result->count)
    pj_splat(result, value);
  if (!count)
    return;
  for (int32_t i = 0; i < operand->rank; ++i) {
    int64_t step = interior[i] + 1;
    int64_t begin = low[i] >= 0 ? 0 : (-low[i] + step - 1) / step;
    from += begin * source[i];
    to += (low[i] + begin * step) * target[i];
    target[i] = dims[i] > 1 ? target[i] * step : 0;
  }
  pj_strided_copy(elem, operand->rank, dims, (const char *)operand->data + from * (int64_t)elem,
                  source, (char *)result->data + to * (int64_t)elem, target);
}

static PjStatus pad(PjEval *ev, const PjOp *op, PjTensor *const *in, const int64_t *low,
                    const int64_t *high, const int64_t *interior, PjTensor **out) {
  int64_t dims[PJ_MAX_RANK];
  for (int32_t i = 0; i < in[0]->rank; ++i) {
    int64_t n = in[0]->dims[i], gaps;
    bool fits = interior[i] >= 0 && interior[i] < PJ_INDEX_LIMIT && low[i] > -PJ_INDEX_LIMIT &&
                pj_mul_i64(n > 0 ? n - 1 : 0, interior[i], &gaps) && pj_add_i64(n, gaps, &n) &&
                pj_add_i64(n, low[i], &n) && pj_add_i64(n, high[i], &n) && n >= 0;
    if (!fits)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "padding %" PRId64 ", %" PRId64 ", %" PRId64
                         " (low, high, interior) of dimension %d with size %" PRId64
                         " leaves no valid size",
                         low[i], high[i], interior[i], i, in[0]->dims[i]);
    dims[i] = n;
  }
  PJ_TRY(pj_result_new(ev, op, 0, in[0]->rank, dims, out));
  pj_pad(in[0], in[1], low, interior, *out);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_pad(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return pad(ev, op, in, PJ_INTS(op, edge_padding_low, NULL), PJ_INTS(op, edge_padding_high, NULL),
             PJ_INTS(op, interior_padding, NULL), out);
}

PjStatus pj_ev_dynamic_pad(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  int64_t low[PJ_MAX_RANK], high[PJ_MAX_RANK], interior[PJ_MAX_RANK];
  PJ_TRY(pj_read_ints(op, in[2], "edge_padding_low", in[0]->rank, low));
  PJ_TRY(pj_read_ints(op, in[3], "edge_padding_high", in[0]->rank, high));
  PJ_TRY(pj_read_ints(op, in[4], "interior_padding", in[0]->rank, interior));
  return pad(ev, op, in, low, high, interior, out);
}
