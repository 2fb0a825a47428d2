// The general contraction: brings its operands to matrices and multiplies those, one per batch
// index.
#include "eval/contract.h"

#include <string.h>

#include "eval/strided.h"

int64_t pj_axes_size(const PjAxes *axes) {
  int64_t size = 1;
  for (int32_t i = 0; i < axes->count; ++i)
    size *= axes->at[i].size;
  return size;
}

// Folds |axes|, as one operand sees them, into a single stride. False when they have none.
static bool single_stride(const PjAxes *axes, bool rhs, int64_t *out_stride) {
  int64_t stride = -1, size = 1; // of the axes looked at so far, from the last to the first
  for (int32_t i = axes->count - 1; i >= 0; --i) {
    const PjAxis *axis = &axes->at[i];
    const int64_t step = rhs ? axis->rhs : axis->lhs;
    if (axis->size == 1)
      continue;
    if (stride < 0)
      stride = step;
    else if (step != stride * size)
      return false;
    size *= axis->size;
  }
  *out_stride = stride < 0 ? 1 : stride;
  return true;
}

// One operand as a matrix per batch index.
typedef struct Matrix {
  const char *data;
  int64_t row, col;               // strides of the outer (rows or cols) and the summed index
  int64_t batch[2 * PJ_MAX_RANK]; // strides
  void *scratch;
} Matrix;

// The operand as it lies, when BLAS can take it so; else a dense copy [batch, outer, sum] of the
// indices that move it.
static void prepare(PjEval *ev, const PjContraction *c, bool rhs, Matrix *out) {
  const PjAxes *outer = rhs ? &c->cols : &c->rows;
  out->data = rhs ? c->rhs : c->lhs;
  out->scratch = NULL;
  for (int32_t i = 0; i < c->batch.count; ++i)
    out->batch[i] = rhs ? c->batch.at[i].rhs : c->batch.at[i].lhs;
  const int64_t n = pj_axes_size(outer), k = pj_axes_size(&c->sum);
  if (single_stride(outer, rhs, &out->row) && single_stride(&c->sum, rhs, &out->col) &&
      (out->row == 1 || out->col == 1 || n == 1 || k == 1))
    return;

  int32_t rank = 0;
  int64_t dims[6 * PJ_MAX_RANK], from[6 * PJ_MAX_RANK], to[6 * PJ_MAX_RANK], count = 1;
  const PjAxes *const groups[] = {&c->batch, outer, &c->sum};
  for (int g = 0; g < 3; ++g) {
    for (int32_t i = 0; i < groups[g]->count; ++i) {
      const PjAxis *axis = &groups[g]->at[i];
      const int64_t step = rhs ? axis->rhs : axis->lhs;
      if (axis->size == 1 || (g == 0 && step == 0))
        continue;
      dims[rank] = axis->size;
      from[rank++] = step;
      count *= axis->size;
    }
  }
  int64_t dense = 1;
  for (int32_t i = rank - 1; i >= 0; dense *= dims[i--])
    to[i] = dense;
  out->scratch = pj_comp_scratch(ev, c->comp, count);
  pj_strided_copy(pj_comp_bytes(c->comp), rank, dims, out->data, from, out->scratch, to);
  out->data = out->scratch;
  out->col = 1;
  out->row = k;
  // The kept batch indices are the first of |dims|, in the same order.
  for (int32_t i = 0, at = 0; i < c->batch.count; ++i)
    if (c->batch.at[i].size != 1 && (rhs ? c->batch.at[i].rhs : c->batch.at[i].lhs) != 0)
      out->batch[i] = to[at++];
}

void pj_contract(PjEval *ev, const PjContraction *c, void *out) {
  const int64_t batch = pj_axes_size(&c->batch), m = pj_axes_size(&c->rows),
                n = pj_axes_size(&c->cols), k = pj_axes_size(&c->sum);
  const size_t bytes = pj_comp_bytes(c->comp);
  if (!batch || !m || !n)
    return;
  if (!k) {
    memset(out, 0, (size_t)(batch * m * n) * bytes);
    return;
  }
  Matrix lhs, rhs;
  prepare(ev, c, false, &lhs);
  prepare(ev, c, true, &rhs);
  PjGemm g = {c->comp, m, n, k, lhs.data, lhs.row, lhs.col, rhs.data, rhs.col, rhs.row, out, n};
  const size_t scratch_bytes = pj_gemm_scratch(&g);
  void *scratch = scratch_bytes ? pj_eval_scratch(ev, scratch_bytes) : NULL;
  int64_t index[2 * PJ_MAX_RANK] = {0};
  for (int64_t b = 0; b < batch; ++b) {
    int64_t at_lhs = 0, at_rhs = 0;
    for (int32_t i = 0; i < c->batch.count; ++i) {
      at_lhs += index[i] * lhs.batch[i];
      at_rhs += index[i] * rhs.batch[i];
    }
    g.a = lhs.data + (size_t)at_lhs * bytes;
    g.b = rhs.data + (size_t)at_rhs * bytes;
    g.c = (char *)out + (size_t)(b * m * n) * bytes;
    pj_gemm(&g, scratch);
    for (int32_t i = c->batch.count - 1; i >= 0 && ++index[i] == c->batch.at[i].size; --i)
      index[i] = 0;
  }
  if (scratch)
    pj_eval_free(ev, scratch);
  if (lhs.scratch)
    pj_eval_free(ev, lhs.scratch);
  if (rhs.scratch)
    pj_eval_free(ev, rhs.scratch);
}
