// transpose, broadcast_in_dim, slice, reverse, concatenate, pad, dynamic_slice,
// dynamic_update_slice: copies of boxes (copy.h) whose strides are known when the routine is
// selected.
#include <string.h>

#include "eval/float.h"
#include "eval/structure.h"
#include "routine/copy.h"

// Copies between an operand and the result, one after the other.
typedef struct Part {
  uint32_t operand;
  int64_t from, to; // first elements, in bytes
  PjCopy copy;
} Part;

typedef struct Parts {
  PjRoutine routine;
  size_t elem;
  int64_t count; // elements of the result, where it is filled with operand 1 first; else 0
  uint32_t num;
  Part *parts;
} Parts;

static PjStatus run_parts(const PjRoutine *self, PjThreads *threads, const void *const *in,
                          void *const *out, void *scratch) {
  const Parts *p = (const Parts *)self;
  if (p->count)
    pj__fill(threads, p->elem, p->count, in[1], out[0]);
  for (uint32_t i = 0; i < p->num; ++i) {
    const Part *part = &p->parts[i];
    pj__copy_run(&part->copy, threads, (const char *)in[part->operand] + part->from,
                 (char *)out[0] + part->to);
  }
  return PJ_STATUS_OK;
}

static Parts *new_parts(PjArena *arena, const PjOp *op, const char *name, uint32_t num) {
  Parts *p = PJ_NEW(arena, Parts);
  p->routine = (PjRoutine){.name = name, .run = run_parts, .in_place = -1};
  p->routine.bytes = 2 * (double)pj__bytes(pj__out(op, 0));
  p->elem = pj_dtype_bytes(pj__out(op, 0)->dtype);
  p->parts = PJ_NEW_ARRAY(arena, Part, num);
  return p;
}

static void add_part(Parts *p, uint32_t operand, int64_t from, int64_t to, int32_t rank,
                     const int64_t *dims, const int64_t *src, const int64_t *dst) {
  for (int32_t d = 0; d < rank; ++d)
    if (dims[d] <= 0)
      return;
  Part *part = &p->parts[p->num++];
  part->operand = operand;
  part->from = from * (int64_t)p->elem;
  part->to = to * (int64_t)p->elem;
  pj__copy_plan(&part->copy, p->elem, rank, dims, src, dst);
}

const PjRoutine *pj__routine_transpose(PjArena *arena, const PjOp *op) {
  const PjType *in = pj__in(op, 0), *out = pj__out(op, 0);
  const int64_t *permutation = PJ_INTS(op, permutation, NULL);
  int64_t strides[PJ_MAX_RANK], src[PJ_MAX_RANK], dst[PJ_MAX_RANK];
  pj_strides(in->rank, in->dims, strides);
  pj_strides(out->rank, out->dims, dst);
  for (int32_t d = 0; d < out->rank; ++d)
    src[d] = strides[permutation[d]];
  Parts *p = new_parts(arena, op, "transpose", 1);
  add_part(p, 0, 0, 0, out->rank, out->dims, src, dst);
  return &p->routine;
}

const PjRoutine *pj__routine_broadcast_in_dim(PjArena *arena, const PjOp *op) {
  const PjType *in = pj__in(op, 0), *out = pj__out(op, 0);
  const int64_t *places = PJ_INTS(op, broadcast_dimensions, NULL);
  int64_t strides[PJ_MAX_RANK], src[PJ_MAX_RANK] = {0}, dst[PJ_MAX_RANK];
  pj_strides(in->rank, in->dims, strides);
  pj_strides(out->rank, out->dims, dst);
  for (int32_t d = 0; d < in->rank; ++d)
    if (in->dims[d] != 1)
      src[places[d]] = strides[d];
  Parts *p = new_parts(arena, op, "broadcast", 1);
  add_part(p, 0, 0, 0, out->rank, out->dims, src, dst);
  return &p->routine;
}

const PjRoutine *pj__routine_slice(PjArena *arena, const PjOp *op) {
  const PjType *in = pj__in(op, 0), *out = pj__out(op, 0);
  const int64_t *start = PJ_INTS(op, start_indices, NULL), *step = PJ_INTS(op, strides, NULL);
  int64_t src[PJ_MAX_RANK], dst[PJ_MAX_RANK], from = 0;
  pj_strides(in->rank, in->dims, src);
  pj_strides(out->rank, out->dims, dst);
  for (int32_t d = 0; d < out->rank; ++d) {
    from += start[d] * src[d];
    src[d] = out->dims[d] > 1 ? src[d] * step[d] : 0;
  }
  Parts *p = new_parts(arena, op, "slice", 1);
  add_part(p, 0, from, 0, out->rank, out->dims, src, dst);
  return &p->routine;
}

const PjRoutine *pj__routine_reverse(PjArena *arena, const PjOp *op) {
  const PjType *out = pj__out(op, 0);
  uint32_t count;
  const int64_t *list = PJ_INTS(op, dimensions, &count);
  int64_t src[PJ_MAX_RANK], dst[PJ_MAX_RANK], from = 0;
  pj_strides(out->rank, out->dims, src);
  pj_strides(out->rank, out->dims, dst);
  for (uint32_t i = 0; i < count; ++i) {
    from += (out->dims[list[i]] - 1) * src[list[i]];
    src[list[i]] = -src[list[i]];
  }
  Parts *p = new_parts(arena, op, "reverse", 1);
  add_part(p, 0, from, 0, out->rank, out->dims, src, dst);
  return &p->routine;
}

const PjRoutine *pj__routine_concatenate(PjArena *arena, const PjOp *op) {
  const PjType *out = pj__out(op, 0);
  const int32_t axis = (int32_t)PJ_INT(op, dimension);
  int64_t src[PJ_MAX_RANK], dst[PJ_MAX_RANK], at = 0;
  pj_strides(out->rank, out->dims, dst);
  Parts *p = new_parts(arena, op, "concatenate", op->num_operands);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjType *in = pj__in(op, i);
    pj_strides(in->rank, in->dims, src);
    add_part(p, i, 0, at * dst[axis], in->rank, in->dims, src, dst);
    at += in->dims[axis];
  }
  return &p->routine;
}

// The operand's box, and around it, dimension by dimension, slabs of the padding value; with
// interior padding the value goes everywhere first.
const PjRoutine *pj__routine_pad(PjArena *arena, const PjOp *op) {
  const PjType *in = pj__in(op, 0), *out = pj__out(op, 0);
  const int64_t *low = PJ_INTS(op, edge_padding_low, NULL),
                *interior = PJ_INTS(op, interior_padding, NULL);
  int64_t src[PJ_MAX_RANK], dst[PJ_MAX_RANK], box[PJ_MAX_RANK], steps[PJ_MAX_RANK],
      first[PJ_MAX_RANK], from = 0, to = 0;
  const int64_t nothing[PJ_MAX_RANK] = {0};
  pj_strides(in->rank, in->dims, src);
  pj_strides(out->rank, out->dims, dst);
  Parts *p = new_parts(arena, op, "pad", 1 + 2 * (uint32_t)in->rank);
  if (!pj__count(out))
    return &p->routine;
  bool dense = true, empty = false;
  for (int32_t d = 0; d < in->rank; ++d) {
    // Elements [skip, end) of the operand lie within the result.
    const int64_t step = interior[d] + 1, skip = low[d] < 0 ? pj__divide_up(-low[d], step) : 0;
    const int64_t room = out->dims[d] - low[d],
                  end = room <= 0 ? 0 : pj__min(in->dims[d], pj__divide_up(room, step));
    box[d] = end - skip;
    empty |= box[d] <= 0;
    first[d] = low[d] + skip * step;
    from += skip * src[d];
    to += first[d] * dst[d];
    steps[d] = box[d] > 1 ? dst[d] * step : 0;
    dense &= interior[d] == 0 || box[d] <= 1;
  }
  if (!dense || empty) {
    p->count = pj__count(out);
    if (!empty)
      add_part(p, 0, from, to, in->rank, box, src, steps);
    return &p->routine;
  }
  for (int32_t d = 0; d < in->rank; ++d) {
    // Dimensions before this one are within the box, those behind it whole.
    int64_t dims[PJ_MAX_RANK], at = 0;
    for (int32_t k = 0; k < in->rank; ++k) {
      dims[k] = k < d ? box[k] : out->dims[k];
      at += k < d ? first[k] * dst[k] : 0;
    }
    dims[d] = first[d];
    add_part(p, 1, 0, at, in->rank, dims, nothing, dst);
    dims[d] = out->dims[d] - first[d] - box[d];
    add_part(p, 1, 0, at + (first[d] + box[d]) * dst[d], in->rank, dims, nothing, dst);
  }
  add_part(p, 0, from, to, in->rank, box, src, dst);
  return &p->routine;
}

// ---- boxes at run-time positions
typedef struct Dynamic {
  PjRoutine routine;
  const PjOp *op;
  size_t elem, bytes; // of the operand, for an update
  bool update, whole; // whole: the update covers everything
  int32_t rank;
  uint32_t first;                                  // operand with the first start index
  int64_t strides[PJ_MAX_RANK], room[PJ_MAX_RANK]; // of the operand; largest start
  PjCopy copy;
} Dynamic;

static PjStatus run_dynamic(const PjRoutine *self, PjThreads *threads, const void *const *in,
                            void *const *out, void *scratch) {
  const Dynamic *p = (const Dynamic *)self;
  int64_t offset = 0;
  for (int32_t d = 0; d < p->rank; ++d) {
    const PjDtype dtype = pj__in(p->op, p->first + (uint32_t)d)->dtype;
    int64_t start = pj_int_decode(dtype, in[p->first + (uint32_t)d]);
    if (dtype == PJ_DT_U64 && start < 0)
      start = INT64_MAX;
    offset += pj_clamp_i64(start, 0, p->room[d]) * p->strides[d];
  }
  offset *= (int64_t)p->elem;
  if (!p->update) {
    pj__copy_run(&p->copy, threads, (const char *)in[0] + offset, out[0]);
    return PJ_STATUS_OK;
  }
  if (!p->whole)
    pj__move(threads, out[0], in[0], p->bytes);
  pj__copy_run(&p->copy, threads, in[1], (char *)out[0] + offset);
  return PJ_STATUS_OK;
}

static const PjRoutine *select_dynamic(PjArena *arena, const PjOp *op, bool update,
                                       const int64_t *sizes) {
  const PjType *in = pj__in(op, 0);
  Dynamic *p = PJ_NEW(arena, Dynamic);
  int64_t dense[PJ_MAX_RANK];
  p->op = op;
  p->elem = pj_dtype_bytes(in->dtype);
  p->bytes = pj__bytes(in);
  p->update = update;
  p->first = update ? 2 : 1;
  p->rank = in->rank;
  if (op->num_operands != p->first + (uint32_t)in->rank)
    return NULL;
  pj_strides(in->rank, in->dims, p->strides);
  pj_strides(in->rank, sizes, dense);
  p->whole = true;
  for (int32_t d = 0; d < in->rank; ++d) {
    p->room[d] = in->dims[d] - sizes[d];
    p->whole &= p->room[d] == 0;
    if (sizes[d] < 0 || p->room[d] < 0)
      return NULL;
  }
  pj__copy_plan(&p->copy, p->elem, in->rank, sizes, update ? dense : p->strides,
                update ? p->strides : dense);
  p->routine = (PjRoutine){.name = update ? "dynamic_update_slice" : "dynamic_slice",
                           .run = run_dynamic,
                           .in_place = update ? 0 : -1,
                           .bytes = 2 * (double)p->elem};
  for (int32_t d = 0; d < in->rank; ++d)
    p->routine.bytes *= (double)sizes[d];
  return &p->routine;
}

const PjRoutine *pj__routine_dynamic_slice(PjArena *arena, const PjOp *op) {
  return select_dynamic(arena, op, false, PJ_INTS(op, slice_sizes, NULL));
}

const PjRoutine *pj__routine_dynamic_update_slice(PjArena *arena, const PjOp *op) {
  return pj__in(op, 1)->rank == pj__in(op, 0)->rank
             ? select_dynamic(arena, op, true, pj__in(op, 1)->dims)
             : NULL;
}
