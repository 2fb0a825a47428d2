// pad with elements between, which no kernel computes in place, and the numbers of the one device.
#include "aot/loops.h"
#include "sched/shape_map.h"

bool pj_loop_pad(PjLoops *l) {
  const PjOp *op = l->op;
  const PjType *in = op->operands[0]->type, *out = op->results[0].type;
  const int64_t *low = PJ_INTS(op, edge_padding_low, NULL),
                *between = PJ_INTS(op, interior_padding, NULL);
  int64_t in_strides[PJ_MAX_RANK], out_strides[PJ_MAX_RANK], size[PJ_MAX_RANK],
      count = pj_count(out);
  PjKirVal index[PJ_MAX_RANK], at[PJ_MAX_RANK];
  int rank = in->rank;
  pj_shape_strides(in, in_strides);
  pj_shape_strides(out, out_strides);
  pj_loop_open(l, 1, &count, index);
  pj_loop_store(l, 0, pj_ix_uniform(index[0]), 1, pj_loop_scalar(l, 1));
  pj_loop_close(l, 1, &count);

  // Elements begin to end of each dimension are not cut off.
  int64_t from = 0, to = 0;
  bool any = true;
  for (int d = 0; d < rank; ++d) {
    int64_t step = between[d] + 1, begin = low[d] < 0 ? (-low[d] + step - 1) / step : 0,
            room = out->dims[d] - 1 - low[d], end = room < 0 ? 0 : room / step + 1;
    end = end < in->dims[d] ? end : in->dims[d];
    size[d] = end - begin;
    any &= size[d] > 0;
    from += begin * in_strides[d];
    to += (low[d] + begin * step) * out_strides[d];
    out_strides[d] *= step;
  }
  if (!any)
    return true;
  pj_loop_open(l, rank, size, at);
  PjIxBuilder *ix = &l->nest->ix;
  PjIx source = pj_ix_add_number(ix, pj_loop_at(l, rank, at, in_strides), from);
  PjIx target = pj_ix_add_number(ix, pj_loop_at(l, rank, at, out_strides), to);
  pj_loop_store(l, 0, target, 1, pj_loop_load(l, 0, source, 1, 0));
  pj_loop_close(l, rank, size);
  return true;
}

// There is one process.
static bool zero(PjLoops *l) {
  pj_loop_store(l, 0, (PjIx){0}, 1, pj_loop_zero(l, l->op->results[0].type->dtype, 1));
  return true;
}

bool pj_loop_replica_id(PjLoops *l) {
  return zero(l);
}

bool pj_loop_partition_id(PjLoops *l) {
  return zero(l);
}
