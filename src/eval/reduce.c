// reduce, with any body and any number of operands.
//
// Adjacent dimensions that are all kept or all reduced are merged first. A single native operation
// then runs over the input in memory order: along rows when the innermost dimension is reduced, on
// vectors of results when it is kept. Any other body needs vectors of results: inputs are brought
// into the order [reduced, kept], and when there are few results, runs of the reduced dimension are
// accumulated side by side and combined at the end. The order of elements is kept throughout, so
// bodies need to be associative but not commutative (spec: reduce).
#include <inttypes.h>

#include "eval/combine.h"
#include "eval/structure.h"

enum { WIDTH = 1024, TILE = 16, ROWS_IN_ORDER = 64, COLUMN_CHUNK = 512 };

typedef struct Layout {
  int32_t rank;
  int64_t dims[PJ_MAX_RANK]; // merged
  bool reduced[PJ_MAX_RANK];
  int64_t rows, width; // product of the reduced and of the kept sizes
} Layout;

static Layout make_layout(const PjTensor *input, const int64_t *axes, uint32_t num_axes) {
  Layout layout = {.rows = 1, .width = 1};
  for (int32_t i = 0; i < input->rank; ++i) {
    bool reduced = pj_contains(axes, num_axes, i);
    int64_t n = input->dims[i];
    *(reduced ? &layout.rows : &layout.width) *= n;
    if (n == 1)
      continue;
    if (layout.rank && layout.reduced[layout.rank - 1] == reduced) {
      layout.dims[layout.rank - 1] *= n;
    } else {
      layout.dims[layout.rank] = n;
      layout.reduced[layout.rank++] = reduced;
    }
  }
  return layout;
}

// ---- native
typedef struct Columns {
  const PjFold *fold;
  size_t elem;
  int64_t width, stride; // elements per row in use; bytes between rows
} Columns;

// acc op= |rows| rows of |x|; more than ROWS_IN_ORDER of them pairwise, with partial results in
// |spare|.
static void fold_columns(const Columns *c, int64_t rows, const char *x, void *acc, char *spare) {
  if (rows <= ROWS_IN_ORDER) {
    for (; rows > 0; --rows, x += c->stride)
      c->fold->vec(c->width, acc, x, 1);
    return;
  }
  int64_t half = rows / 2;
  size_t bytes = (size_t)c->width * c->elem;
  fold_columns(c, half, x, acc, spare);
  memcpy(spare, x + half * c->stride, bytes);
  fold_columns(c, rows - half - 1, x + (half + 1) * c->stride, spare, spare + bytes);
  c->fold->vec(c->width, acc, spare, 1);
}

static void reduce_native(PjEval *ev, const Layout *layout, const PjFold *fold, size_t elem,
                          const char *x, char *result) {
  int32_t rank = layout->rank, last = rank - 1;
  if (!rank) {
    fold->vec(1, result, x, 1);
    return;
  }
  // The innermost block: a row, or rows of columns.
  bool along_row = layout->reduced[last];
  int64_t n = layout->dims[last], rows = 1;
  int32_t outer = last;
  if (!along_row && last > 0)
    rows = layout->dims[--outer]; // of the other kind, hence reduced
  Columns columns = {fold, elem, 0, n * (int64_t)elem};
  char *spare = NULL;
  if (rows > ROWS_IN_ORDER) {
    size_t levels = 1;
    for (int64_t r = rows; r > ROWS_IN_ORDER; r = (r + 1) / 2)
      ++levels;
    int64_t chunk = n < COLUMN_CHUNK ? n : COLUMN_CHUNK;
    spare = pj_eval_scratch(ev, levels * (size_t)chunk * elem);
  }
  int64_t at[PJ_MAX_RANK] = {0}, step[PJ_MAX_RANK], stride = along_row ? 1 : n, block = n * rows;
  for (int32_t i = outer - 1; i >= 0; --i) {
    step[i] = layout->reduced[i] ? 0 : stride;
    if (!layout->reduced[i])
      stride *= layout->dims[i];
  }
  for (int64_t to = 0;; x += block * (int64_t)elem) {
    char *acc = result + to * (int64_t)elem;
    if (along_row) {
      fold->row(n, x, acc);
    } else {
      for (int64_t j = 0; j < n; j += COLUMN_CHUNK) {
        columns.width = n - j < COLUMN_CHUNK ? n - j : COLUMN_CHUNK;
        fold_columns(&columns, rows, x + j * (int64_t)elem, acc + j * (int64_t)elem, spare);
      }
    }
    int32_t i = outer - 1;
    for (; i >= 0; --i) {
      to += step[i];
      if (++at[i] < layout->dims[i])
        break;
      to -= step[i] * layout->dims[i];
      at[i] = 0;
    }
    if (i < 0)
      break;
  }
  pj_eval_free(ev, spare);
}

// ---- any body
typedef struct Job {
  PjEval *ev;
  PjCombiner *combiner;
  uint32_t count;
} Job;

// acc..[0, width) = body over |rows| rows of x..[rows][width], in order.
static PjStatus reduce_rows(const Job *job, int64_t rows, int64_t width, void *const *acc,
                            const void *const *x) {
  const PjCombiner *c = job->combiner;
  int64_t lanes = rows / 16;
  if (lanes > WIDTH / width)
    lanes = WIDTH / width;
  if (!c->body || lanes < 2) {
    const void **row = pj_eval_scratch(job->ev, job->count * sizeof *row);
    for (uint32_t i = 0; i < job->count; ++i)
      row[i] = x[i];
    for (int64_t r = 0; r < rows; ++r) {
      PJ_TRY(pj_combine(job->combiner, width, acc, row, 1));
      for (uint32_t i = 0; i < job->count; ++i)
        row[i] = (const char *)row[i] + (size_t)width * pj_dtype_bytes(pj_combiner_dtype(c, i));
    }
    pj_eval_free(job->ev, row);
    return PJ_STATUS_OK;
  }
  // |lanes| runs of |length| consecutive rows each, side by side; then the runs' results, then what
  // is left over. TILE rows of all runs at a time are brought into the order [row][run][element].
  int64_t length = rows / lanes, wide = lanes * width;
  const int64_t to[] = {wide, width, 1}, from[] = {width, length * width, 1};
  void **sums = pj_eval_scratch(job->ev, 5 * job->count * sizeof *sums), **tile = sums + job->count;
  const void **partial = (const void **)(tile + job->count), **rest = partial + job->count;
  const void **row = rest + job->count;
  for (uint32_t i = 0; i < job->count; ++i) {
    size_t elem = pj_dtype_bytes(pj_combiner_dtype(c, i));
    sums[i] = pj_eval_scratch(job->ev, (1 + TILE) * (size_t)wide * elem);
    tile[i] = (char *)sums[i] + (size_t)wide * elem;
    partial[i] = sums[i];
    rest[i] = (const char *)x[i] + (size_t)(length * wide) * elem;
  }
  for (int64_t r = 0; r < length; r += TILE) {
    int64_t some = length - r < TILE ? length - r : TILE;
    const int64_t dims[] = {some, lanes, width};
    for (uint32_t i = 0; i < job->count; ++i) {
      size_t elem = pj_dtype_bytes(pj_combiner_dtype(c, i));
      pj_strided_copy(elem, 3, dims, (const char *)x[i] + (size_t)(r * width) * elem, from, tile[i],
                      to);
      row[i] = tile[i];
      if (r == 0)
        memcpy(sums[i], tile[i], (size_t)wide * elem);
    }
    for (int64_t k = 0; k < some; ++k) {
      if (r + k > 0)
        PJ_TRY(pj_combine(job->combiner, wide, sums, row, 1));
      for (uint32_t i = 0; i < job->count; ++i)
        row[i] = (const char *)row[i] + (size_t)wide * pj_dtype_bytes(pj_combiner_dtype(c, i));
    }
  }
  PJ_TRY(reduce_rows(job, lanes, width, acc, partial));
  PJ_TRY(reduce_rows(job, rows - lanes * length, width, acc, rest));
  for (uint32_t i = 0; i < job->count; ++i)
    pj_eval_free(job->ev, sums[i]);
  pj_eval_free(job->ev, sums);
  return PJ_STATUS_OK;
}

// |x| with the reduced dimensions before the kept ones: itself, or a copy in scratch memory
// (|*out_copy|).
static const void *reduced_first(PjEval *ev, const Layout *layout, size_t elem, const void *x,
                                 void **out_copy) {
  int32_t rank = layout->rank;
  *out_copy = NULL;
  if (rank < 2 || (rank == 2 && layout->reduced[0]))
    return x;
  int64_t source[PJ_MAX_RANK], target[PJ_MAX_RANK], stride = 1;
  pj_strides(rank, layout->dims, source);
  for (int pass = 0; pass < 2; ++pass)
    for (int32_t i = rank - 1; i >= 0; --i) {
      if (layout->reduced[i] != (pass == 1))
        continue;
      target[i] = stride;
      stride *= layout->dims[i];
    }
  *out_copy = pj_eval_scratch(ev, (size_t)(layout->rows * layout->width) * elem);
  pj_strided_copy(elem, rank, layout->dims, x, source, *out_copy, target);
  return *out_copy;
}

static PjStatus reduce_any(PjEval *ev, const Layout *layout, PjCombiner *combiner, uint32_t count,
                           PjTensor *const *inputs, PjTensor *const *out) {
  void **copies = pj_eval_scratch(ev, 3 * count * sizeof *copies), **acc = copies + count;
  const void **x = (const void **)(acc + count);
  for (uint32_t i = 0; i < count; ++i) {
    x[i] = reduced_first(ev, layout, pj_dtype_bytes(inputs[i]->dtype), inputs[i]->data, &copies[i]);
    acc[i] = out[i]->data;
  }
  const Job job = {ev, combiner, count};
  PJ_TRY(reduce_rows(&job, layout->rows, layout->width, acc, x));
  for (uint32_t i = 0; i < count; ++i)
    pj_eval_free(ev, copies[i]);
  pj_eval_free(ev, copies);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_reduce(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjRegion *body = &op->regions[0];
  uint32_t count = op->num_operands / 2, num_axes;
  const int64_t *axes = PJ_INTS(op, dimensions, &num_axes);
  int64_t dims[PJ_MAX_RANK];
  int32_t rank = 0;
  if (!count || body->num_args != 2 * count)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the body takes %u arguments for %u operands",
                       body->num_args, op->num_operands);
  if (!pj_shapes_agree(count, in))
    return pj_meet(ev, op, count, in, out, pj_ev_reduce);
  for (int32_t i = 0; i < in[0]->rank; ++i)
    if (!pj_contains(axes, num_axes, i))
      dims[rank++] = in[0]->dims[i];
  Layout layout = make_layout(in[0], axes, num_axes);
  PjCombiner combiner;
  int64_t most = in[0]->count < WIDTH ? in[0]->count : WIDTH;
  PJ_TRY(pj_combiner_init(ev, body, count, most, true, &combiner));
  PjTensor **inputs = pj_eval_scratch(ev, 2 * count * sizeof *inputs), **sums = inputs + count;
  for (uint32_t i = 0; i < count; ++i) {
    PJ_TRY(pj_result_check(op, i, rank, dims));
    // The body may work in a wider type than the operands have.
    PjDtype dtype = pj_combiner_dtype(&combiner, i);
    PjTensor *init = pj_converted(ev, in[count + i], dtype);
    inputs[i] = pj_converted(ev, in[i], dtype);
    sums[i] = pj_eval_new(ev, dtype, rank, dims);
    pj_splat(sums[i], init);
    pj_eval_drop(ev, init);
  }
  if (in[0]->count && combiner.native)
    reduce_native(ev, &layout, &combiner.fold, pj_dtype_bytes(sums[0]->dtype), inputs[0]->data,
                  sums[0]->data);
  else if (in[0]->count)
    PJ_TRY(reduce_any(ev, &layout, &combiner, count, inputs, sums));
  for (uint32_t i = 0; i < count; ++i) {
    out[i] = pj_converted(ev, sums[i], op->results[i].type->dtype);
    pj_eval_drop(ev, sums[i]);
    pj_eval_drop(ev, inputs[i]);
  }
  pj_eval_free(ev, inputs);
  return PJ_STATUS_OK;
}
