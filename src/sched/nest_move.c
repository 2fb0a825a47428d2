// Operations that move data: the index of their result becomes that of their operand.
#include "pass/range.h"
#include "sched/nest_parts.h"

PjIx pj_nest_dim_index(PjNest *nest, const PjIndex *index, int64_t stride, int64_t size) {
  PjIx sum = {0};
  for (int i = 0; i < index->n; i++) {
    const PjPiece *p = &index->p[i];
    if (p->pos >= stride && p->pos < stride * size)
      sum = pj_ix_add(&nest->ix, sum, pj_ix_scale(&nest->ix, p->ix, p->pos / stride));
  }
  return sum;
}

PjSpan pj_nest_span(PjNest *nest, const PjIndex *index, int64_t stride, int64_t size) {
  int64_t times = 1;
  for (int i = 0; i < index->n; i++) {
    const PjPiece *p = &index->p[i];
    if (size > 1 && p->pos < stride && p->pos * p->extent > stride)
      times = stride;
  }
  return (PjSpan){pj_nest_dim_index(nest, index, stride / times, size * times), times};
}

static void add_piece(PjIndex *index, int64_t pos, int64_t extent, PjIx ix) {
  // Never more than cuts and dimensions together: PJ_MAX_CUTS + 1 + PJ_MAX_LOOP_RANK <
  // PJ_MAX_PIECES.
  index->p[index->n++] = (PjPiece){pos, extent, ix};
}

PjIndex pj_nest_operand_index(const PjOp *op, uint32_t operand, const PjShapeMap *map,
                              const PjIndex *index, const PjSpan *touched) {
  const PjType *from = op->operands[operand]->type, *to = op->results[0].type;
  int64_t in[PJ_MAX_RANK], out[PJ_MAX_RANK];
  int inverse[PJ_MAX_RANK];
  PjIndex result = {0};
  pj_shape_strides(from, in);
  pj_shape_strides(to, out);
  int64_t below =
      1; // pieces there are in the index of a dimension that is one with those behind it
  for (int r = 0; r < to->rank; r++)
    inverse[r] = -1;
  for (int d = 0; d < map->rank; d++) {
    if (map->result_dim[d] >= 0 && !map->touched[d])
      inverse[map->result_dim[d]] = d;
    if (!map->touched[d])
      continue;
    int64_t times = touched[d].times;
    add_piece(&result, in[d] / times, from->dims[d] * times, touched[d].ix);
    if (times > 1)
      below = out[map->result_dim[d]] * to->dims[map->result_dim[d]];
  }
  for (int i = 0; i < index->n; i++) {
    const PjPiece *p = &index->p[i];
    if (p->pos < below)
      continue;
    int r = pj_dim_counted(to, out, p->pos);
    int d = r < 0 ? -1 : inverse[r];
    if (d >= 0)
      add_piece(&result, in[d] * (p->pos / out[r]), p->extent, p->ix);
  }
  return result;
}

// Unsigned numbers of 64 bits that look negative are large.
PjKirVal pj_nest_start(PjNest *nest, const PjValue *value, int64_t limit, int64_t size) {
  PjKir *k = nest->ix.k;
  PjKirVal x = pj_nest_integer(nest, value), zero = pj_kir_i64(k, 0);
  // A loop's counter needs no care.
  PjRange known;
  if (pj_range_of(value, &known) && known.low >= 0 && known.high <= limit - size)
    return x;
  PjKirVal last = pj_ix_number(&nest->ix, limit - size);
  if (value->type->dtype == PJ_DT_U64)
    return pj_kir_2(k, PJ_KIR_UMIN, x, last);
  return pj_kir_2(k, PJ_KIR_SMIN, pj_kir_2(k, PJ_KIR_SMAX, x, zero), last);
}

PjElem pj_nest_moved(PjNest *nest, const PjOp *op, const PjIndex *index, PjKirVal mask) {
  PjShapeMap map;
  if (!pj_shape_map(op, 0, &map))
    return pj_nest_fail(nest, "an operation that cannot be fused");
  if (op->kind == PJ_OP_PAD)
    return pj_nest_pad(nest, op, &map, index, mask);
  const PjType *from = op->operands[0]->type, *to = op->results[0].type;
  PjIxBuilder *b = &nest->ix;
  int64_t out[PJ_MAX_RANK];
  PjSpan touched[PJ_MAX_RANK] = {0};
  pj_shape_strides(to, out);
  for (int d = 0; d < map.rank; d++) {
    if (!map.touched[d])
      continue;
    PjSpan *span = &touched[d];
    *span = pj_nest_span(nest, index, out[d], to->dims[d]);
    PjIx start;
    switch (op->kind) {
    case PJ_OP_SLICE:
      span->ix = pj_ix_add_number(b, pj_ix_scale(b, span->ix, PJ_INTS(op, strides, NULL)[d]),
                                  PJ_INTS(op, start_indices, NULL)[d] * span->times);
      break;
    case PJ_OP_REVERSE:
      span->ix = pj_ix_add_number(b, pj_ix_scale(b, span->ix, -1), from->dims[d] - 1);
      break;
    default: // DYNAMIC_SLICE
      start = pj_ix_uniform(pj_nest_start(nest, op->operands[1 + d], from->dims[d], to->dims[d]));
      span->ix = pj_ix_add(b, span->ix, pj_ix_scale(b, start, span->times));
    }
  }
  PjIndex inner = pj_nest_operand_index(op, 0, &map, index, touched);
  return pj_nest_value(nest, op->operands[0], &inner, mask);
}
