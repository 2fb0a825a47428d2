// Attention reads its arrays where they lie: one that is a slice of a larger array, as where
// queries, keys and values are made by one product, is read from there.
#include "pass/attention.h"
#include "pass/simplify.h"

enum {
  MAX_STEPS = 8,  // operations between an array and what it is a part of
  MOST_PARTS = 4, // what else would not lie in memory may be so much larger
  MAX_VIEW_DIMS = PJ_MAX_RANK + 2,
};

// Part of an array, whose elements are counted in row-major order.
typedef struct View {
  int n;
  int64_t size[MAX_VIEW_DIMS], stride[MAX_VIEW_DIMS], offset;
} View;

// Strides of |type|.
static void strides_of(const PjType *type, int64_t *out) {
  int64_t stride = 1;
  for (int d = type->rank - 1; d >= 0; d--) {
    out[d] = stride;
    stride *= type->dims[d];
  }
}

// Counts |view|, a part of |slice|'s result, in its operand. False, and |view| is of no use, where
// a step along one of its dimensions is none along one of the result's.
static bool through_slice(const PjOp *slice, View *view) {
  const PjType *from = slice->operands[0]->type, *to = slice->results[0].type;
  const int64_t *start = PJ_INTS(slice, start_indices, NULL), *step = PJ_INTS(slice, strides, NULL);
  int64_t from_stride[PJ_MAX_RANK], to_stride[PJ_MAX_RANK], last[PJ_MAX_RANK];
  int64_t left = view->offset;
  strides_of(from, from_stride);
  strides_of(to, to_stride);
  view->offset = 0;
  for (int d = 0; d < to->rank; d++) {
    last[d] = left / to_stride[d]; // the first element's index, then the last one's
    left -= last[d] * to_stride[d];
    view->offset += (start[d] + last[d] * step[d]) * from_stride[d];
  }
  for (int i = 0; i < view->n; i++) {
    const int64_t stride = view->size[i] == 1 ? 0 : view->stride[i];
    view->stride[i] = 0;
    if (stride == 0)
      continue;
    int d = 0;
    while (d < to->rank && (to->dims[d] == 1 || stride < to_stride[d]))
      d++;
    if (d == to->rank || stride % to_stride[d])
      return false;
    last[d] += stride / to_stride[d] * (view->size[i] - 1);
    view->stride[i] = stride / to_stride[d] * step[d] * from_stride[d];
  }
  for (int d = 0; d < to->rank; d++)
    if (last[d] >= to->dims[d])
      return false;
  return true;
}

// What |value| is a part of, if routines had better read that: |view| then is one of it.
static const PjValue *whole_of(const PjValue *value, const PjOp *place, View *view) {
  const PjValue *whole = value, *at = value;
  View now = *view;
  for (int steps = 0; steps < MAX_STEPS; steps++) {
    const PjOp *op = at->def;
    if (!op || op->region != place->region ||
        (op->kind != PJ_OP_RESHAPE && op->kind != PJ_OP_SLICE) ||
        !pj_attention_is_float(op->operands[0]))
      break;
    at = op->operands[0];
    if (op->kind == PJ_OP_RESHAPE)
      continue;
    if (!through_slice(op, &now))
      break;
    const bool in_memory = !at->def || at->def->kind == PJ_OP_DOT_GENERAL;
    if (in_memory || pj_count(at->type) <= MOST_PARTS * pj_count(value->type)) {
      whole = at;
      *view = now;
    }
  }
  return whole;
}

// Input |input|, of |rows| rows of |cols| numbers in each batch of |of|.
static void look_through(PjAttentionMatch *match, uint32_t input, const PjAttention *of,
                         PjAttentionArray *array, int64_t rows, int64_t cols) {
  View view = {.n = of->num_batch + 2, .size = {rows, cols}, .stride = {array->row, array->col}};
  for (int32_t d = 0; d < of->num_batch; d++) {
    view.size[d + 2] = of->batch[d];
    view.stride[d + 2] = array->batch[d];
  }
  const PjValue *whole = whole_of(match->inputs[input], match->place, &view);
  // Numbers that stand side by side are read faster than others.
  if (whole == match->inputs[input] || (cols > 1 && view.stride[1] != array->col))
    return;
  match->inputs[input] = whole;
  array->row = view.stride[0];
  array->col = cols > 1 ? view.stride[1] : 1;
  array->offset = view.offset;
  for (int32_t d = 0; d < of->num_batch; d++)
    array->batch[d] = view.stride[d + 2];
}

void pj_attention_look_through(PjAttentionMatch *match) {
  PjAttention *a = match->is_gradient ? &match->gradient.of : &match->what;
  look_through(match, 0, a, &a->q, a->rows, a->depth);
  look_through(match, 1, a, &a->k, a->keys, a->depth);
  look_through(match, 2, a, &a->v, a->keys, a->width);
  if (match->is_gradient)
    look_through(match, 3, a, &a->out, a->rows, a->width);
}
