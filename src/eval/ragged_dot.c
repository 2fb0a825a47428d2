// chlo.ragged_dot: a contraction with the lhs cut into groups along one dimension (ChloOps.td;
// jax.lax.ragged_dot_general).
//
//   mode 1  [b.., x.., m, r.., k..], [g, b.., k.., n..], [b.., x.., g] -> [b.., x.., m, r.., n..]
//           m is cut: its rows of group g meet rhs[g]; rows after the last group give zeros
//   mode 2  [b.., m.., x.., k, r..], [b.., x.., k, r.., n..], [b.., x.., g] -> [g, b.., m.., n..]
//           k is cut: each group is summed on its own
//   mode 3  a batch dimension is cut: as dot_general
//
// The group sizes may be [g], the same for all.
#include <string.h>

#include "eval/dot.h"
#include "eval/float.h"

typedef struct Ragged {
  PjContraction c; // of the whole operands; mode 1: without the rhs' group dimension
  int32_t at;      // position of the cut index in c.rows (mode 1) or c.sum (mode 2)
  int64_t groups;
  int64_t rhs_group; // mode 1: stride of the rhs' group dimension
  const PjTensor *sizes;
  char *out; // elements of c.comp
} Ragged;

static int32_t find(const int64_t *list, uint32_t count, int64_t value) {
  for (uint32_t i = 0; i < count; ++i)
    if (list[i] == value)
      return (int32_t)i;
  return -1;
}

static void add_n(PjComp comp, int64_t n, const void *in, void *out) {
  const bool complex = comp == PJ_COMP_C64 || comp == PJ_COMP_C128;
  if (complex)
    n *= 2;
  switch (comp) {
  case PJ_COMP_F32:
  case PJ_COMP_C64:
    for (int64_t i = 0; i < n; ++i)
      ((float *)out)[i] += ((const float *)in)[i];
    return;
  case PJ_COMP_F64:
  case PJ_COMP_C128:
    for (int64_t i = 0; i < n; ++i)
      ((double *)out)[i] += ((const double *)in)[i];
    return;
  case PJ_COMP_U32:
    for (int64_t i = 0; i < n; ++i)
      ((uint32_t *)out)[i] += ((const uint32_t *)in)[i];
    return;
  case PJ_COMP_U64:
    for (int64_t i = 0; i < n; ++i)
      ((uint64_t *)out)[i] += ((const uint64_t *)in)[i];
    return;
  }
}

// One cell of the leading indices (b.., x..): offsets of its parts in elements.
typedef struct Cell {
  int64_t lhs, rhs, out;
  const char *sizes; // its group sizes
} Cell;

// The next group of a cell as [start, start + size) within |extent|; false after the last.
static bool next_group(const Ragged *r, const Cell *cell, int64_t extent, int64_t *group,
                       int64_t *start, int64_t *size) {
  const size_t bytes = pj_dtype_bytes(r->sizes->dtype);
  *start += *size;
  while (++*group < r->groups && *start < extent) {
    int64_t n = pj_int_decode(r->sizes->dtype, cell->sizes + (size_t)*group * bytes);
    *size = n < 0 ? 0 : n > extent - *start ? extent - *start : n;
    if (*size)
      return true;
  }
  return false;
}

// Both modes: |part| is the contraction of one cell, its cut index first in |cut|.
static void run_rows(PjEval *ev, const Ragged *r, PjContraction *part, const Cell *cell) {
  const size_t bytes = pj_comp_bytes(r->c.comp);
  PjAxis *cut = &part->rows.at[0];
  const int64_t extent = r->c.rows.at[r->at].size;
  cut->size = 1;
  const int64_t row = pj_axes_size(&part->rows) * pj_axes_size(&part->cols);
  for (int64_t group = -1, start = 0, size = 0;
       next_group(r, cell, extent, &group, &start, &size);) {
    cut->size = size;
    part->lhs = (const char *)r->c.lhs + (size_t)(cell->lhs + start * cut->lhs) * bytes;
    part->rhs = (const char *)r->c.rhs + (size_t)(cell->rhs + group * r->rhs_group) * bytes;
    pj_contract(ev, part, r->out + (size_t)(cell->out + start * row) * bytes);
  }
}

static void run_sum(PjEval *ev, const Ragged *r, PjContraction *part, const Cell *cell,
                    void *scratch) {
  const size_t bytes = pj_comp_bytes(r->c.comp);
  PjAxis *cut = &part->sum.at[0];
  const int64_t extent = r->c.sum.at[r->at].size;
  const int64_t cell_size = pj_axes_size(&part->rows) * pj_axes_size(&part->cols);
  const int64_t group_size = pj_axes_size(&r->c.batch) * cell_size;
  for (int64_t group = -1, start = 0, size = 0;
       next_group(r, cell, extent, &group, &start, &size);) {
    cut->size = size;
    part->lhs = (const char *)r->c.lhs + (size_t)(cell->lhs + start * cut->lhs) * bytes;
    part->rhs = (const char *)r->c.rhs + (size_t)(cell->rhs + start * cut->rhs) * bytes;
    pj_contract(ev, part, scratch);
    add_n(r->c.comp, cell_size, scratch, r->out + (size_t)(group * group_size + cell->out) * bytes);
  }
}

static void run(PjEval *ev, const Ragged *r, bool sum_mode) {
  PjContraction part = r->c;
  part.batch.count = 0;
  const PjAxes *axes = sum_mode ? &r->c.sum : &r->c.rows;
  PjAxes *cut = sum_mode ? &part.sum : &part.rows;
  cut->count = 0;
  for (int32_t i = r->at; i < axes->count; ++i)
    cut->at[cut->count++] = axes->at[i];

  // The cells: batch indices, then the indices before the cut one. |out_step|: of the result, whose
  // rows follow its batch.
  const int32_t cells = r->c.batch.count + r->at;
  PjAxis cell_axes[2 * PJ_MAX_RANK];
  int64_t out_step[2 * PJ_MAX_RANK], index[2 * PJ_MAX_RANK] = {0};
  int64_t step = pj_axes_size(&part.rows) * pj_axes_size(&part.cols), count = 1;
  for (int32_t i = cells - 1; i >= 0; --i) {
    const bool before = i >= r->c.batch.count;
    cell_axes[i] = before ? axes->at[i - r->c.batch.count] : r->c.batch.at[i];
    out_step[i] = before && sum_mode ? 0 : step;
    if (out_step[i])
      step *= cell_axes[i].size;
    count *= cell_axes[i].size;
  }
  const bool shared = r->sizes->rank == 1;
  const size_t size_bytes = pj_dtype_bytes(r->sizes->dtype) * (size_t)r->groups;
  const int64_t result = pj_axes_size(&part.rows) * pj_axes_size(&part.cols);
  void *scratch = sum_mode ? pj_comp_scratch(ev, r->c.comp, result) : NULL;
  for (int64_t n = 0; n < count; ++n) {
    Cell cell = {.sizes = (const char *)r->sizes->data + (shared ? 0 : (size_t)n * size_bytes)};
    for (int32_t i = 0; i < cells; ++i) {
      cell.lhs += index[i] * cell_axes[i].lhs;
      cell.rhs += index[i] * cell_axes[i].rhs;
      cell.out += index[i] * out_step[i];
    }
    if (sum_mode)
      run_sum(ev, r, &part, &cell, scratch);
    else
      run_rows(ev, r, &part, &cell);
    for (int32_t i = cells - 1; i >= 0 && ++index[i] == cell_axes[i].size; --i)
      index[i] = 0;
  }
  if (scratch)
    pj_eval_free(ev, scratch);
}

PjStatus pj_ev_chlo_ragged_dot(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *lhs = in[0], *rhs = in[1], *sizes = in[2];
  PjDotDims dims;
  uint32_t num_group_dims, num_ragged;
  dims.lhs_batch = PJ_INTS(op, lhs_batching_dimensions, &dims.num_batch);
  dims.rhs_batch = PJ_INTS(op, rhs_batching_dimensions, NULL);
  dims.lhs_sum = PJ_INTS(op, lhs_contracting_dimensions, &dims.num_sum);
  dims.rhs_sum = PJ_INTS(op, rhs_contracting_dimensions, NULL);
  const int64_t *group_dims = PJ_INTS(op, rhs_group_dimensions, &num_group_dims);
  const int64_t *ragged_dims = PJ_INTS(op, lhs_ragged_dimensions, &num_ragged);
  if (num_ragged != 1 || sizes->rank < 1)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "%u ragged dimensions, expected 1, and group sizes of rank >= 1",
                       num_ragged);
  PJ_TRY(pj_dot_check(op, lhs, rhs, &dims));
  const int64_t ragged = ragged_dims[0];
  const PjDtype dtype = op->results[0].type->dtype;
  const PjComp comp = pj_comp_pick(lhs->dtype, rhs->dtype, dtype);
  if (find(dims.lhs_batch, dims.num_batch, ragged) >= 0) {
    out[0] = pj_dot(ev, comp, dtype, lhs, rhs, &dims);
    return PJ_STATUS_OK;
  }
  Ragged r = {.at = find(dims.lhs_sum, dims.num_sum, ragged),
              .sizes = sizes,
              .groups = sizes->dims[sizes->rank - 1]};
  const bool sum_mode = r.at >= 0;
  if (!sum_mode) {
    if (num_group_dims != 1)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "%u group dimensions of the rhs, expected 1",
                         num_group_dims);
    r.at = 0;
    for (int64_t d = 0; d < ragged; ++d)
      r.at +=
          find(dims.lhs_batch, dims.num_batch, d) < 0 && find(dims.lhs_sum, dims.num_sum, d) < 0;
    r.rhs_group = 1;
    for (int64_t d = rhs->rank - 1; d > group_dims[0]; --d)
      r.rhs_group *= rhs->dims[d];
  }
  pj_dot_axes(lhs, rhs, &dims, sum_mode ? 0 : UINT64_C(1) << group_dims[0], &r.c);
  int64_t cells = 1;
  for (int32_t i = 0; i < r.c.batch.count; ++i)
    cells *= r.c.batch.at[i].size;
  for (int32_t i = 0; i < r.at; ++i)
    cells *= (sum_mode ? &r.c.sum : &r.c.rows)->at[i].size;
  if ((!sum_mode && rhs->dims[group_dims[0]] < r.groups) ||
      (sizes->rank > 1 && sizes->count != cells * r.groups))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "%lld group sizes do not fit the operands",
                       (long long)sizes->count);

  int64_t shape[3 * PJ_MAX_RANK];
  int32_t rank = 0;
  if (sum_mode)
    shape[rank++] = r.groups;
  const PjAxes *const parts[] = {&r.c.batch, &r.c.rows, &r.c.cols};
  for (int p = 0; p < 3; ++p)
    for (int32_t i = 0; i < parts[p]->count; ++i)
      shape[rank++] = parts[p]->at[i].size;
  PjTensor *result = pj_eval_new(ev, dtype, rank, shape);
  void *lhs_scratch, *rhs_scratch;
  r.c.comp = comp;
  r.c.lhs = pj_comp_operand(ev, comp, lhs, &lhs_scratch);
  r.c.rhs = pj_comp_operand(ev, comp, rhs, &rhs_scratch);
  r.out = pj_comp_target(ev, comp, result);
  if (result->count) {
    memset(r.out, 0, (size_t)result->count * pj_comp_bytes(comp));
    run(ev, &r, sum_mode);
  }
  pj_comp_finish(ev, comp, result, r.out);
  if (lhs_scratch)
    pj_eval_free(ev, lhs_scratch);
  if (rhs_scratch)
    pj_eval_free(ev, rhs_scratch);
  out[0] = result;
  return PJ_STATUS_OK;
}
