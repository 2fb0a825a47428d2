#include "sched/shape_map.h"

#include "eval/strided.h"
#include "sched/nest.h"

void pj_shape_strides(const PjType *type, int64_t *strides) {
  pj_strides(type->rank, type->dims, strides);
}

int64_t pj_count(const PjType *type) {
  int64_t count;
  return pj_type_is_tensor(type) && pj_type_num_elements(type, &count) ? count : 0;
}

int pj_dim_at(const PjType *type, const int64_t *strides, int64_t pos) {
  for (int d = 0; d < type->rank; d++)
    if (type->dims[d] > 1 && pos >= strides[d] && pos < strides[d] * type->dims[d])
      return d;
  return -1;
}

static int next_wide(const PjType *type,
                     int d) { // the next dimension of size > 1 after |d|, or the rank
  for (d++; d < type->rank && type->dims[d] == 1; d++)
    ;
  return d;
}

int pj_dim_counted(const PjType *type, const int64_t *strides, int64_t pos) {
  int d = pj_dim_at(type, strides, pos);
  while (d >= 0 && pos % strides[d])
    d = next_wide(type, d);
  return d;
}

bool pj_op_keeps_order(const PjOp *op) {
  return op->kind == PJ_OP_RESHAPE;
}

static void identity(const PjType *from, PjShapeMap *out) {
  out->rank = from->rank;
  for (int d = 0; d < from->rank; d++) {
    out->result_dim[d] = from->dims[d] == 1 ? -1 : (int8_t)d;
    out->touched[d] = false;
  }
}

static void touch(PjShapeMap *out, int d) {
  out->result_dim[d] = (int8_t)d;
  out->touched[d] = true;
}

bool pj_shape_map(const PjOp *op, uint32_t operand, PjShapeMap *out) {
  const PjType *from = op->operands[operand]->type, *to = op->results[0].type;
  if (!pj_type_is_tensor(from) || !pj_type_is_tensor(to))
    return false;
  if (from->rank == 0) { // also the start of a dynamic_slice, the value of a pad
    out->rank = 0;
    return true;
  }
  switch (op->kind) {
  case PJ_OP_BROADCAST_IN_DIM: {
    const int64_t *dims = PJ_INTS(op, broadcast_dimensions, NULL);
    out->rank = from->rank;
    for (int d = 0; d < from->rank; d++) {
      out->result_dim[d] = from->dims[d] == 1 ? -1 : (int8_t)dims[d];
      out->touched[d] = false;
    }
    return true;
  }
  case PJ_OP_TRANSPOSE: {
    const int64_t *permutation = PJ_INTS(op, permutation, NULL);
    out->rank = from->rank;
    for (int r = 0; r < from->rank; r++) {
      int d = (int)permutation[r];
      out->result_dim[d] = from->dims[d] == 1 ? -1 : (int8_t)r;
      out->touched[d] = false;
    }
    return true;
  }
  case PJ_OP_SLICE: {
    const int64_t *start = PJ_INTS(op, start_indices, NULL), *stride = PJ_INTS(op, strides, NULL);
    identity(from, out);
    for (int d = 0; d < from->rank; d++)
      if (start[d] || stride[d] != 1 || to->dims[d] != from->dims[d])
        touch(out, d);
    return true;
  }
  case PJ_OP_PAD: {
    const int64_t *low = PJ_INTS(op, edge_padding_low, NULL),
                  *high = PJ_INTS(op, edge_padding_high, NULL);
    const int64_t *interior = PJ_INTS(op, interior_padding, NULL);
    identity(from, out);
    for (int d = 0; d < from->rank; d++)
      if (low[d] || high[d] || interior[d])
        touch(out, d);
    return true;
  }
  case PJ_OP_REVERSE: {
    uint32_t n;
    const int64_t *dims = PJ_INTS(op, dimensions, &n);
    identity(from, out);
    for (uint32_t i = 0; i < n; i++)
      if (from->dims[dims[i]] != 1)
        touch(out, (int)dims[i]);
    return true;
  }
  case PJ_OP_CONCATENATE:
    identity(from, out);
    touch(out, (int)PJ_INT(op, dimension));
    return true;
  case PJ_OP_DYNAMIC_SLICE:
    identity(from, out);
    for (int d = 0; d < from->rank; d++)
      if (to->dims[d] != from->dims[d])
        touch(out, d);
    return true;
  default:
    if (!pj_elem_is(op))
      return false;
    identity(from, out);
    return true;
  }
}

bool pj_cuts_of(const PjOp *op, PjCuts *cuts) {
  const PjType *to = op->results[0].type;
  int64_t strides[PJ_MAX_RANK], count = pj_count(to);
  if (op->kind != PJ_OP_IOTA)
    return true;
  pj_shape_strides(to, strides);
  int d = (int)PJ_INT(op, iota_dimension);
  return pj_cuts_add(cuts, strides[d], count) && pj_cuts_add(cuts, strides[d] * to->dims[d], count);
}

enum { LONG_LOOP = 32 }; // elements

// The touched dimension of the operand that may be one with all those behind it, or -1: they are
// read as they lie, and the index of it grows by what lies behind. Where elements come from several
// places, a long loop over what lies behind is better: it asks once where from.
static int flat_dim(const PjOp *op, const PjType *from, const int64_t *strides,
                    const PjShapeMap *map) {
  int d = from->rank - 1;
  while (d >= 0 && !map->touched[d])
    d--;
  if (d < 0 || op->kind == PJ_OP_REVERSE ||
      (op->kind == PJ_OP_SLICE && PJ_INTS(op, strides, NULL)[d] != 1) ||
      ((op->kind == PJ_OP_PAD || op->kind == PJ_OP_CONCATENATE) && strides[d] >= LONG_LOOP))
    return -1;
  return d;
}

bool pj_cuts_through(const PjOp *op, uint32_t operand, const PjCuts *inner, PjCuts *cuts) {
  const PjType *from = op->operands[operand]->type, *to = op->results[0].type;
  int64_t count = pj_count(to);
  if (from->rank == 0)
    return true;
  if (pj_op_keeps_order(op) || pj_elem_is(op))
    return pj_cuts_merge(cuts, inner, count);
  if (op->kind == PJ_OP_GATHER)
    return pj_gather_cuts(op, operand, inner, cuts);
  PjShapeMap map;
  if (!pj_shape_map(op, operand, &map))
    return false;
  int64_t in[PJ_MAX_RANK], out[PJ_MAX_RANK];
  int inverse[PJ_MAX_RANK];
  pj_shape_strides(from, in);
  pj_shape_strides(to, out);
  for (int r = 0; r < to->rank; r++)
    inverse[r] = -1;
  for (int d = 0; d < from->rank; d++)
    if (map.result_dim[d] >= 0)
      inverse[map.result_dim[d]] = d;
  int flat = flat_dim(op, from, in, &map);
  for (int i = 0; i < inner->n; i++)
    if (flat >= 0 && inner->at[i] < in[flat] * from->dims[flat])
      flat = -1; // what is read there must tell them apart
  // Between two neighbours no cut is needed if both are broadcast, or both are read as they lie.
  for (int r = next_wide(to, -1); r < to->rank; r = next_wide(to, r)) {
    int next = next_wide(to, r), a = inverse[r], b = next < to->rank ? inverse[next] : -1;
    if (a >= 0 && map.touched[a] && !pj_cuts_add(cuts, out[r] * to->dims[r], count))
      return false;
    if (next == to->rank) {
      if (a >= 0 && map.touched[a] && !pj_cuts_add(cuts, out[r], count))
        return false;
      continue;
    }
    bool joined =
        a < 0 ? b < 0 : b >= 0 && !map.touched[a] && !map.touched[b] && next_wide(from, a) == b;
    joined |= a >= 0 && a == flat;
    if (!joined && !pj_cuts_add(cuts, out[r], count))
      return false;
  }
  for (int i = 0; i < inner->n; i++) {
    int64_t cut = inner->at[i];
    int d = pj_dim_at(from, in, cut);
    if (d < 0)
      continue;
    // A cut within dimensions that are read as one needs them to stay one.
    for (int low = pj_dim_counted(from, in, cut); d != low; d = next_wide(from, d))
      if (map.touched[d] || map.result_dim[d] < 0 || map.touched[next_wide(from, d)] ||
          map.result_dim[next_wide(from, d)] != next_wide(to, map.result_dim[d]))
        return false;
    int r = map.result_dim[d];
    if (r < 0 || (map.touched[d] && cut != in[d]))
      return false;
    if (!pj_cuts_add(cuts, out[r] * (cut / in[d]), count))
      return false;
  }
  return true;
}
