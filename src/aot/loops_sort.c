// sort and top_k as loops: a stable merge sort of each line, and insertion into the k best so far.
#include "aot/loops.h"
#include "sched/body.h"
#include "sched/shape_map.h"

typedef struct Sort {
  PjLoops *l;
  uint32_t count;
  int64_t n;
  int64_t offset[PJ_LOOP_MAX_OPERANDS]; // of each array in a line's copy, in bytes
  int64_t bytes;                        // of a line's copy
} Sort;

static PjElem line_load(Sort *s, uint32_t i, PjKirVal line, PjKirVal index) {
  PjDtype dtype = s->l->op->operands[i]->type->dtype;
  PjKirVal ptr = pj_kir_ptradd(s->l->k, line, pj_loop_number(s->l, s->offset[i]));
  return pj_elem_load(s->l->k, dtype, 1, ptr, index, 0, false);
}

static void line_store(Sort *s, uint32_t i, PjKirVal line, PjKirVal index, PjElem value) {
  PjDtype dtype = s->l->op->operands[i]->type->dtype;
  PjKirVal ptr = pj_kir_ptradd(s->l->k, line, pj_loop_number(s->l, s->offset[i]));
  pj_elem_store(s->l->k, dtype, value, ptr, index, 0);
}

// Merges the runs [start, middle) and [middle, end) of |from| into |to|.
static void merge(Sort *s, PjKirVal from, PjKirVal to, PjKirVal start, PjKirVal middle,
                  PjKirVal end) {
  PjLoops *l = s->l;
  PjKir *k = l->k;
  PjKirVal one = pj_loop_number(l, 1), top = pj_loop_number(l, s->n - 1),
           heads[2] = {start, middle}, at[2], out[2];
  PjKirVal place = pj_kir_for_begin(k, start, end, one, 2, heads, at);
  pj_nest_forget(l->nest);
  // Both heads are read; one that is past its run is not taken, but must be read somewhere.
  PjKirVal left = pj_kir_2(k, PJ_KIR_SMIN, at[0], top),
           right = pj_kir_2(k, PJ_KIR_SMIN, at[1], top);
  PjElem args[2 * PJ_LOOP_MAX_OPERANDS], less;
  for (uint32_t i = 0; i < s->count; ++i) {
    args[2 * i] = line_load(s, i, from, right);
    args[2 * i + 1] = line_load(s, i, from, left);
  }
  pj_region_apply(l->nest, &l->op->regions[0], 2 * s->count, args, 1, &less);
  PjKirVal right_left = pj_kir_slt(k, at[1], end), left_left = pj_kir_slt(k, at[0], middle);
  PjKirVal take_right = pj_kir_and(k, right_left, pj_kir_or(k, less.re, pj_kir_not(k, left_left)));
  for (uint32_t i = 0; i < s->count; ++i)
    line_store(s, i, to, place, pj_loop_select(l, take_right, args[2 * i], args[2 * i + 1]));
  PjKirVal next[2] = {pj_kir_select(k, take_right, at[0], pj_kir_add(k, at[0], one)),
                      pj_kir_select(k, take_right, pj_kir_add(k, at[1], one), at[1])};
  pj_kir_for_end(k, 2, next, out);
  pj_nest_forget(l->nest);
}

// Sorts the line in |from| with the help of |to|; returns where it is afterwards.
static PjKirVal sort_line(Sort *s, PjKirVal from, PjKirVal to) {
  PjLoops *l = s->l;
  PjKir *k = l->k;
  PjKirVal n = pj_loop_number(l, s->n), carried[3], out[3];
  PjKirVal init[3] = {from, to, pj_loop_number(l, 1)};
  pj_kir_while_begin(k, 3, init, carried);
  PjKirVal width = carried[2];
  pj_kir_while_test(k, pj_kir_slt(k, width, n));
  PjKirVal two = pj_kir_add(k, width, width);
  PjKirVal start = pj_kir_for_begin(k, pj_loop_number(l, 0), n, two, 0, NULL, NULL);
  PjKirVal middle = pj_kir_2(k, PJ_KIR_SMIN, pj_kir_add(k, start, width), n);
  PjKirVal end = pj_kir_2(k, PJ_KIR_SMIN, pj_kir_add(k, start, two), n);
  merge(s, carried[0], carried[1], start, middle, end);
  pj_kir_for_end(k, 0, NULL, NULL);
  PjKirVal next[3] = {carried[1], carried[0], two};
  pj_kir_while_end(k, 3, next, out);
  return out[0];
}

// Sizes of |type| with dimension |dim| left out.
static void other_dims(const PjType *type, int64_t dim, int64_t *sizes) {
  for (int d = 0; d < type->rank; ++d)
    sizes[d] = d == dim ? 1 : type->dims[d];
}

bool pj_loop_sort(PjLoops *l) {
  const PjOp *op = l->op;
  const PjType *type = op->operands[0]->type;
  if (op->num_operands > PJ_LOOP_MAX_OPERANDS ||
      !pj_reducer_body_supported(&op->regions[0], 2 * op->num_operands))
    return false;
  int64_t dim = PJ_INT(op, dimension), sizes[PJ_MAX_RANK], strides[PJ_MAX_RANK];
  if (dim < 0)
    dim += type->rank;
  Sort sort = {.l = l, .count = op->num_operands, .n = type->dims[dim]}, *s = &sort;
  for (uint32_t i = 0; i < s->count; ++i) {
    s->offset[i] = s->bytes;
    s->bytes += (s->n * (int64_t)pj_dtype_bytes(op->operands[i]->type->dtype) + 63) / 64 * 64;
  }
  l->scratch_bytes = 2 * (size_t)s->bytes;
  pj_shape_strides(type, strides);
  other_dims(type, dim, sizes);
  PjKirVal index[PJ_MAX_RANK], first = pj_kir_scratch(l->k), i;
  PjKirVal second = pj_kir_ptradd(l->k, first, pj_loop_number(l, s->bytes));
  pj_loop_open(l, type->rank, sizes, index);
  pj_loop_open(l, 1, &s->n, &i);
  index[dim] = i;
  for (uint32_t a = 0; a < s->count; ++a)
    line_store(s, a, first, i, pj_loop_load(l, a, pj_loop_at(l, type->rank, index, strides), 1, 0));
  pj_loop_close(l, 1, &s->n);
  PjKirVal sorted = sort_line(s, first, second);
  pj_loop_open(l, 1, &s->n, &i);
  index[dim] = i;
  for (uint32_t a = 0; a < s->count; ++a)
    pj_loop_store(l, a, pj_loop_at(l, type->rank, index, strides), 1, line_load(s, a, sorted, i));
  pj_loop_close(l, 1, &s->n);
  pj_loop_close(l, type->rank, sizes);
  return true;
}

// --- top_k
// -------------------------------------------------------------------------------------------------------

// An integer that grows as the element does, in total order: -NaN < -inf < ... < -0 < 0 < ... <
// NaN.
static PjKirVal order_key(PjLoops *l, PjDtype dtype, PjElem x) {
  PjKir *k = l->k;
  PjKirVal bits = x.re;
  PjKirType type = pj_kir_typeof(k, bits);
  if (type.elem == PJ_KIR_I1)
    return pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, bits);
  if (pj_kir_is_float(type)) {
    bits = pj_kir_bitcast(k, type.elem == PJ_KIR_F32 ? PJ_KIR_I32 : PJ_KIR_I64, bits);
    PjKirVal wide = type.elem == PJ_KIR_F32 ? pj_kir_cast(k, PJ_KIR_SEXT, PJ_KIR_I64, bits) : bits;
    // Negative numbers: all but the sign turned round.
    PjKirVal sign = pj_kir_ashr(k, wide, pj_loop_number(l, 63));
    return pj_kir_xor(k, wide, pj_kir_and(k, sign, pj_loop_number(l, INT64_MAX)));
  }
  PjKirVal wide = pj_loop_integer(l, dtype, x);
  // Unsigned ones of 64 bits: as signed ones, moved by half the range.
  return pj_dtype_class(dtype) == PJ_CLASS_UINT && pj_dtype_bits(dtype) == 64
             ? pj_kir_xor(k, wide, pj_loop_number(l, INT64_MIN))
             : wide;
}

// The row's keys so far are in scratch, best first; an element goes before the first that is
// smaller.
bool pj_loop_top_k(PjLoops *l) {
  const PjOp *op = l->op;
  const PjType *type = op->operands[0]->type, *out = op->results[0].type;
  int rank = type->rank;
  int64_t best = PJ_INT(op, k), n = type->dims[rank - 1], in_strides[PJ_MAX_RANK],
          out_strides[PJ_MAX_RANK];
  if (pj_dtype_is_complex(type->dtype))
    return false;
  PjKir *k = l->k;
  PjDtype index_dtype = op->results[1].type->dtype;
  PjKirVal keys = pj_kir_scratch(k), index[PJ_MAX_RANK], one = pj_loop_number(l, 1),
           zero = pj_loop_number(l, 0);
  l->scratch_bytes = (size_t)best * 8 + 64;
  pj_shape_strides(type, in_strides);
  pj_shape_strides(out, out_strides);
  pj_loop_open(l, rank - 1, type->dims, index);
  PjIx row_in = pj_loop_at(l, rank - 1, index, in_strides),
       row_out = pj_loop_at(l, rank - 1, index, out_strides);
  PjKirVal filled_init = zero, filled, done;
  PjKirVal i = pj_kir_for_begin(k, zero, pj_loop_number(l, n), one, 1, &filled_init, &filled);
  pj_nest_forget(l->nest);
  PjIxBuilder *ix = &l->nest->ix;
  PjElem x = pj_loop_load(l, 0, pj_ix_add(ix, row_in, pj_ix_uniform(i)), 1, 0);
  PjKirVal key = order_key(l, type->dtype, x);
  PjKirType key_type = PJ_KIR_T(I64, 1);
  PjKirVal limit = pj_loop_number(l, best), full = pj_kir_eq(k, filled, limit);
  PjKirVal last = pj_kir_load(k, key_type, keys,
                              pj_kir_select(k, full, pj_loop_number(l, best - 1), zero), 0, false);
  PjKirVal enters = pj_kir_or(k, pj_kir_not(k, full), pj_kir_slt(k, last, key));
  pj_kir_if_begin(k, enters);
  pj_nest_forget(l->nest);
  // From the end: what is smaller moves down by one, the last one of a full list goes away.
  PjKirVal from = pj_kir_select(k, full, pj_loop_number(l, best - 1), filled), place, found;
  PjPlace values = {.kind = PJ_PLACE_MEMORY, .ptr = l->out[0]},
          indices = {.kind = PJ_PLACE_MEMORY, .ptr = l->out[1]};
  pj_kir_while_begin(k, 1, &from, &place);
  PjKirVal before = pj_kir_sub(k, place, one);
  PjKirVal some = pj_kir_slt(k, zero, place);
  PjKirVal other = pj_kir_load(k, key_type, keys, before, some, false);
  pj_kir_while_test(k, pj_kir_and(k, some, pj_kir_slt(k, other, key)));
  PjIx to = pj_ix_add(ix, row_out, pj_ix_uniform(place)),
       at = pj_ix_add(ix, row_out, pj_ix_uniform(before));
  pj_kir_store(k, other, keys, place, 0);
  pj_loop_store(l, 0, to, 1, pj_nest_load(l->nest, type->dtype, &values, at, 0));
  pj_loop_store(l, 1, to, 1, pj_nest_load(l->nest, index_dtype, &indices, at, 0));
  pj_kir_while_end(k, 1, &before, &found);
  pj_nest_forget(l->nest);
  PjIx here = pj_ix_add(ix, row_out, pj_ix_uniform(found));
  pj_kir_store(k, key, keys, found, 0);
  pj_loop_store(l, 0, here, 1, x);
  pj_loop_store(l, 1, here, 1, pj_elem_from_index(k, index_dtype, i));
  PjKirVal more = pj_kir_2(k, PJ_KIR_SMIN, pj_kir_add(k, filled, one), limit);
  pj_kir_if_else(k, 1, &more);
  pj_kir_if_end(k, 1, &filled, &more);
  pj_kir_for_end(k, 1, &more, &done);
  pj_loop_close(l, rank - 1, type->dims);
  return best > 0;
}
