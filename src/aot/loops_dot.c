// dot_general as loops: batch, rows, columns, and the sum innermost.
//
// With enough rows, a few vectors of columns are first copied beside each other, in the type of the
// sums, and blocks of a few rows run over that panel: so the second operand is read once, in
// whatever order it lies. With few rows a copy does not pay: where columns lie beside each other, a
// block is summed in registers, and where the summed dimension does in both operands, lanes run
// along it. Anything else is element by element. The order of each sum is the same with a panel and
// without, but for lanes along it.
#include <string.h>

#include "aot/loops.h"
#include "sched/shape_map.h"

enum {
  ROWS = 4,
  VECTORS = 2,
  PANEL_ROWS = 8,
  BLOCK_SUMS = 512 // that are added up before the rest
};

// The dimensions of one kind as one walk through each operand: several, or one that is walked
// evenly.
typedef struct Axes {
  int n;
  int64_t size[PJ_MAX_RANK], a[PJ_MAX_RANK], b[PJ_MAX_RANK]; // sizes, strides in the operands
  int64_t out[PJ_MAX_RANK];
} Axes;

typedef struct Dot {
  PjLoops *l;
  Axes batch, rows, columns, sum;
  PjDtype in[2], acc, result;
  bool wide; // f32 or f64: multiplied and added at once
  // at hand:
  PjIx a, b, out;
  int num_rows, num_vectors, lanes; // of the block
  int64_t row_stride, column_stride, out_row;
  bool along_sum; // lanes run along the sum
  bool packed;    // the second operand is read from |panel|: [sum, columns of the block]
  PjPlace panel;
} Dot;

static void add_axis(Axes *axes, int64_t size, int64_t a, int64_t b) {
  if (size == 1)
    return;
  int last = axes->n - 1;
  // Two dimensions that are one in memory of both.
  if (axes->n && axes->a[last] == a * size && axes->b[last] == b * size) {
    axes->size[last] *= size;
    axes->a[last] = a;
    axes->b[last] = b;
    return;
  }
  axes->size[axes->n] = size;
  axes->a[axes->n] = a;
  axes->b[axes->n++] = b;
}

static bool contains(const int64_t *list, uint32_t n, int64_t d) {
  for (uint32_t i = 0; i < n; ++i)
    if (list[i] == d)
      return true;
  return false;
}

static int64_t product(const Axes *axes) {
  int64_t count = 1;
  for (int i = 0; i < axes->n; ++i)
    count *= axes->size[i];
  return count;
}

static void read_axes(Dot *d) {
  const PjOp *op = d->l->op;
  const PjType *a = op->operands[0]->type, *b = op->operands[1]->type;
  uint32_t nb, nc;
  const int64_t *ab = PJ_INTS(op, lhs_batching_dimensions, &nb),
                *bb = PJ_INTS(op, rhs_batching_dimensions, NULL);
  const int64_t *ac = PJ_INTS(op, lhs_contracting_dimensions, &nc),
                *bc = PJ_INTS(op, rhs_contracting_dimensions, NULL);
  int64_t as[PJ_MAX_RANK], bs[PJ_MAX_RANK];
  pj_shape_strides(a, as);
  pj_shape_strides(b, bs);
  for (uint32_t i = 0; i < nb; ++i)
    add_axis(&d->batch, a->dims[ab[i]], as[ab[i]], bs[bb[i]]);
  for (uint32_t i = 0; i < nc; ++i)
    add_axis(&d->sum, a->dims[ac[i]], as[ac[i]], bs[bc[i]]);
  for (int i = 0; i < a->rank; ++i)
    if (!contains(ab, nb, i) && !contains(ac, nc, i))
      add_axis(&d->rows, a->dims[i], as[i], 0);
  for (int i = 0; i < b->rank; ++i)
    if (!contains(bb, nb, i) && !contains(bc, nc, i))
      add_axis(&d->columns, b->dims[i], 0, bs[i]);
  // The result is batch, rows, columns, dense.
  Axes *order[] = {&d->columns, &d->rows, &d->batch};
  int64_t stride = 1;
  for (int g = 0; g < 3; ++g)
    for (int i = order[g]->n; i-- > 0;) {
      order[g]->out[i] = stride;
      stride *= order[g]->size[i];
    }
}

static PjElem operand(Dot *d, uint32_t i, PjIx at, int lanes, int64_t step) {
  PjElem value = pj_loop_load(d->l, i, at, lanes, step);
  return d->in[i] == d->acc ? value : pj_elem_convert(d->l->k, d->in[i], d->acc, value);
}

static PjElem splat(Dot *d, PjElem value, int lanes) {
  return pj_elem_splat(d->l->k, value, lanes);
}

static PjElem multiply_add(Dot *d, PjElem a, PjElem b, PjElem sum) {
  if (d->wide)
    return (PjElem){pj_kir_muladd(d->l->k, a.re, b.re, sum.re), 0};
  return pj_loop_2(d->l, PJ_OP_ADD, d->acc, sum, pj_loop_2(d->l, PJ_OP_MULTIPLY, d->acc, a, b));
}

// Places in the panel by the indices of the sum, for |width| columns; their number.
static int64_t panel_strides(const Dot *d, int64_t width, int64_t *strides) {
  int64_t rows = 1;
  for (int i = d->sum.n; i-- > 0; rows *= d->sum.size[i])
    strides[i] = rows * width;
  return rows;
}

// |lanes| columns from the |v|-th vector of the block on, for one step of the sum.
static PjElem columns_at(Dot *d, const PjKirVal *index, int v) {
  PjIxBuilder *ix = &d->l->nest->ix;
  if (!d->packed) {
    PjIx b = pj_ix_add(ix, d->b, pj_loop_at(d->l, d->sum.n, index, d->sum.b));
    return operand(d, 1, pj_ix_add_number(ix, b, v * d->lanes * d->column_stride), d->lanes,
                   d->lanes > 1 ? d->column_stride : 0);
  }
  int64_t strides[PJ_MAX_RANK];
  panel_strides(d, d->num_vectors * d->lanes, strides);
  PjIx at = pj_ix_add_number(ix, pj_loop_at(d->l, d->sum.n, index, strides), v * d->lanes);
  at.step = d->lanes > 1 ? 1 : 0;
  ix->lanes = d->lanes;
  PjElem value = pj_nest_load(d->l->nest, d->acc, &d->panel, at, 0);
  ix->lanes = 1;
  return value;
}

// One step of the sum for the block at hand.
static void sum_turn(void *context, const PjKirVal *index, PjElem *sums) {
  Dot *d = context;
  PjIxBuilder *ix = &d->l->nest->ix;
  PjIx a = pj_ix_add(ix, d->a, pj_loop_at(d->l, d->sum.n, index, d->sum.a));
  PjElem rows[ROWS], columns[VECTORS];
  for (int r = 0; r < d->num_rows; ++r)
    rows[r] = splat(d, operand(d, 0, pj_ix_add_number(ix, a, r * d->row_stride), 1, 0), d->lanes);
  for (int v = 0; v < d->num_vectors; ++v)
    columns[v] = columns_at(d, index, v);
  for (int r = 0; r < d->num_rows; ++r)
    for (int v = 0; v < d->num_vectors; ++v)
      sums[r * d->num_vectors + v] =
          multiply_add(d, rows[r], columns[v], sums[r * d->num_vectors + v]);
}

// A sum in blocks: turns |first| and on of its outermost dimension.
typedef struct SumBlock {
  Dot *d;
  PjKirVal first;
  int64_t turns;
  uint32_t count;
} SumBlock;

static void turn_in_block(void *context, const PjKirVal *index, PjElem *sums) {
  const SumBlock *b = context;
  PjKirVal moved[PJ_MAX_RANK];
  memcpy(moved, index, (size_t)b->d->sum.n * sizeof *moved);
  moved[0] = pj_kir_add(b->d->l->k, b->first, index[0]);
  sum_turn(b->d, moved, sums);
}

// Adds one block, summed up by itself, to |sums|.
static void add_block(SumBlock *b, PjElem *sums) {
  Dot *d = b->d;
  PjElem part[ROWS * VECTORS];
  PjKirVal index[PJ_MAX_RANK];
  int64_t sizes[PJ_MAX_RANK];
  memcpy(sizes, d->sum.size, sizeof sizes);
  sizes[0] = b->turns;
  for (uint32_t i = 0; i < b->count; ++i)
    part[i] = pj_loop_zero(d->l, d->acc, d->lanes);
  pj_loop_carry(d->l, d->sum.n, sizes, index, b->count, part, turn_in_block, b);
  for (uint32_t i = 0; i < b->count; ++i)
    sums[i] = pj_loop_2(d->l, PJ_OP_ADD, d->acc, sums[i], part[i]);
}

static void block_turn(void *context, const PjKirVal *index, PjElem *sums) {
  SumBlock *b = context;
  PjKir *k = b->d->l->k;
  b->first = pj_kir_2(k, PJ_KIR_MUL, index[0], pj_kir_i64(k, b->turns));
  add_block(b, sums);
}

// Long sums are added up in blocks, so that rounding errors do not grow with the place.
static void add_up(Dot *d, uint32_t count, PjElem *sums) {
  PjKirVal index[PJ_MAX_RANK];
  int64_t all = d->sum.n ? d->sum.size[0] : 1, inner = product(&d->sum) / (all ? all : 1),
          turns = inner < BLOCK_SUMS ? BLOCK_SUMS / (inner ? inner : 1) : 1, blocks = all / turns;
  if (d->sum.n == 0 || blocks <= 1) {
    pj_loop_carry(d->l, d->sum.n, d->sum.size, index, count, sums, sum_turn, d);
    return;
  }
  SumBlock b = {.d = d, .turns = turns, .count = count};
  pj_loop_carry(d->l, 1, &blocks, index, count, sums, block_turn, &b);
  b.first = pj_kir_i64(d->l->k, blocks * turns);
  b.turns = all % turns;
  if (b.turns)
    add_block(&b, sums);
}

static void block(Dot *d) {
  PjElem sums[ROWS * VECTORS];
  PjIxBuilder *ix = &d->l->nest->ix;
  uint32_t count = (uint32_t)(d->num_rows * d->num_vectors);
  for (uint32_t i = 0; i < count; ++i)
    sums[i] = pj_loop_zero(d->l, d->acc, d->lanes);
  add_up(d, count, sums);
  for (int r = 0; r < d->num_rows; ++r)
    for (int v = 0; v < d->num_vectors; ++v) {
      PjElem sum = sums[r * d->num_vectors + v];
      if (d->acc != d->result)
        sum = pj_elem_convert(d->l->k, d->acc, d->result, sum);
      PjIx at = pj_ix_add_number(ix, d->out, r * d->out_row + v * d->lanes);
      pj_loop_store(d->l, 0, at, d->lanes, sum);
    }
}

// Lanes along the sum, of which one dimension lies innermost in both operands.
static void sum_lanes_turn(void *context, const PjKirVal *index, PjElem *sums) {
  Dot *d = context;
  PjIxBuilder *ix = &d->l->nest->ix;
  PjIx at = pj_ix_uniform(index[0]);
  PjElem a = operand(d, 0, pj_ix_add(ix, d->a, at), d->lanes, 1);
  PjElem b = operand(d, 1, pj_ix_add(ix, d->b, at), d->lanes, 1);
  sums[0] = multiply_add(d, a, b, sums[0]);
}

static void cell_along_sum(Dot *d) {
  PjLoops *l = d->l;
  PjKir *k = l->k;
  int64_t n = d->sum.size[0], whole = n / d->lanes * d->lanes;
  PjElem sum = pj_loop_zero(l, d->acc, d->lanes);
  PjKirVal args;
  PjKirVal i = pj_kir_for_begin(k, pj_loop_number(l, 0), pj_loop_number(l, whole),
                                pj_loop_number(l, d->lanes), 1, &sum.re, &args);
  PjElem next = {args, 0};
  sum_lanes_turn(d, &i, &next);
  pj_kir_for_end(k, 1, &next.re, &sum.re);
  pj_nest_forget(l->nest);
  PjElem total = {pj_kir_reduce_lanes(k, PJ_KIR_FADD, sum.re), 0};
  int lanes = d->lanes;
  d->lanes = 1;
  for (int64_t j = whole; j < n; ++j) {
    PjKirVal at = pj_loop_number(l, j);
    sum_lanes_turn(d, &at, &total);
  }
  d->lanes = lanes;
  if (d->acc != d->result)
    total = pj_elem_convert(k, d->acc, d->result, total);
  pj_loop_store(l, 0, d->out, 1, total);
}

// for index from |begin| to |end| by |step|: indices are put onto the addresses by the caller.
static PjKirVal open(Dot *d, int64_t begin, int64_t end, int64_t step) {
  if (end - begin <= step)
    return pj_loop_number(d->l, begin);
  PjKirVal index = pj_kir_for_begin(d->l->k, pj_loop_number(d->l, begin), pj_loop_number(d->l, end),
                                    pj_loop_number(d->l, step), 0, NULL, NULL);
  pj_nest_forget(d->l->nest);
  return index;
}

static void close(Dot *d, int64_t begin, int64_t end, int64_t step) {
  if (end - begin > step)
    pj_kir_for_end(d->l->k, 0, NULL, NULL);
  pj_nest_forget(d->l->nest);
}

// Columns [begin, end) of the last column dimension in steps of |vectors| * |lanes|.
static void columns_range(Dot *d, int64_t begin, int64_t end, int vectors, int lanes) {
  int64_t step = (int64_t)vectors * lanes;
  if (begin >= end)
    return;
  int last = d->columns.n - 1;
  PjIxBuilder *ix = &d->l->nest->ix;
  PjIx b = d->b, out = d->out;
  PjKirVal j = open(d, begin, end, step);
  if (last >= 0) {
    d->b = pj_ix_add(ix, b, pj_loop_at(d->l, 1, &j, &d->columns.b[last]));
    d->out = pj_ix_add(ix, out, pj_ix_uniform(j));
  }
  d->num_vectors = vectors;
  d->lanes = lanes;
  block(d);
  close(d, begin, end, step);
  d->b = b;
  d->out = out;
}

static void along_sum_columns(Dot *d, int64_t n, int lanes) {
  int last = d->columns.n - 1;
  PjIxBuilder *ix = &d->l->nest->ix;
  PjIx b = d->b, out = d->out;
  PjKirVal j = open(d, 0, n, 1);
  if (last >= 0) {
    d->b = pj_ix_add(ix, b, pj_loop_at(d->l, 1, &j, &d->columns.b[last]));
    d->out = pj_ix_add(ix, out, pj_ix_uniform(j));
  }
  d->lanes = lanes;
  cell_along_sum(d);
  close(d, 0, n, 1);
  d->b = b;
  d->out = out;
}

// Fills the panel with the columns at hand.
static void pack(Dot *d) {
  PjLoops *l = d->l;
  PjIxBuilder *ix = &l->nest->ix;
  PjKirVal index[PJ_MAX_RANK];
  int64_t strides[PJ_MAX_RANK], width = d->num_vectors * d->lanes;
  panel_strides(d, width, strides);
  // Along the sum innermost where that lies closer than columns do.
  bool across = d->lanes > 1 && d->column_stride != 1;
  for (int64_t c = 0; c < (across ? width : 1); ++c) {
    pj_loop_open(l, d->sum.n, d->sum.size, index);
    PjIx from = pj_ix_add(ix, d->b, pj_loop_at(l, d->sum.n, index, d->sum.b));
    PjIx to = pj_loop_at(l, d->sum.n, index, strides);
    int lanes = across ? 1 : d->lanes;
    for (int v = 0; v < (across ? 1 : d->num_vectors); ++v) {
      int64_t column = across ? c : v * lanes;
      PjElem value = operand(d, 1, pj_ix_add_number(ix, from, column * d->column_stride), lanes,
                             lanes > 1 ? 1 : 0);
      PjIx at = pj_ix_add_number(ix, to, column);
      at.step = 1;
      ix->lanes = lanes;
      pj_nest_store(l->nest, d->acc, d->panel.ptr, 0, at, value, 0);
      ix->lanes = 1;
    }
    pj_loop_close(l, d->sum.n, d->sum.size);
  }
}

static void packed_rows(Dot *d, int64_t begin, int64_t end, int rows) {
  if (begin >= end)
    return;
  int last = d->rows.n - 1;
  PjIxBuilder *ix = &d->l->nest->ix;
  PjIx a = d->a, out = d->out;
  PjKirVal i = open(d, begin, end, rows);
  d->a = pj_ix_add(ix, a, pj_loop_at(d->l, 1, &i, &d->rows.a[last]));
  d->out = pj_ix_add(ix, out, pj_loop_at(d->l, 1, &i, &d->rows.out[last]));
  d->num_rows = rows;
  block(d);
  close(d, begin, end, rows);
  d->a = a;
  d->out = out;
}

// Columns [begin, end) by way of the panel, all |m| rows for each block of them.
static void packed_columns(Dot *d, int64_t m, int64_t begin, int64_t end, int vectors, int lanes) {
  int64_t step = (int64_t)vectors * lanes;
  if (begin >= end)
    return;
  int last = d->columns.n - 1;
  PjIxBuilder *ix = &d->l->nest->ix;
  PjIx b = d->b, out = d->out;
  PjKirVal j = open(d, begin, end, step);
  d->b = pj_ix_add(ix, b, pj_loop_at(d->l, 1, &j, &d->columns.b[last]));
  d->out = pj_ix_add(ix, out, pj_ix_uniform(j));
  d->num_vectors = vectors;
  d->lanes = lanes;
  pack(d);
  packed_rows(d, 0, m / ROWS * ROWS, ROWS);
  packed_rows(d, m / ROWS * ROWS, m, 1);
  close(d, begin, end, step);
  d->b = b;
  d->out = out;
}

// True if the product was made by way of a panel.
static bool with_panel(Dot *d, int64_t m) {
  PjLoops *l = d->l;
  int last = d->columns.n - 1, lanes = pj_loop_lanes(l, d->acc);
  if (!d->wide || m < PANEL_ROWS || last < 0 || !d->sum.n || d->columns.size[last] < lanes ||
      lanes < 2)
    return false;
  int64_t n = d->columns.size[last], width = (int64_t)VECTORS * lanes, strides[PJ_MAX_RANK];
  l->scratch_bytes = (size_t)(panel_strides(d, width, strides) * width) * pj_dtype_bytes(d->acc);
  d->packed = true;
  d->panel = (PjPlace){.kind = PJ_PLACE_MEMORY, .ptr = pj_kir_scratch(l->k)};
  d->column_stride = d->columns.b[last];
  int64_t blocks = n / width * width, vectors = n / lanes * lanes;
  packed_columns(d, m, 0, blocks, VECTORS, lanes);
  packed_columns(d, m, blocks, vectors, 1, lanes);
  packed_columns(d, m, vectors, n, 1, 1);
  return true;
}

static void all_columns(Dot *d) {
  int last = d->columns.n - 1, lanes = pj_loop_lanes(d->l, d->acc);
  int64_t n = last < 0 ? 1 : d->columns.size[last];
  d->column_stride = last < 0 ? 0 : d->columns.b[last];
  if (d->along_sum) {
    d->num_vectors = 1;
    along_sum_columns(d, n, lanes);
    return;
  }
  if (d->column_stride != 1 || !d->wide)
    lanes = 1;
  int64_t blocks = lanes > 1 ? n / (lanes * VECTORS) * (lanes * VECTORS) : 0,
          vectors = lanes > 1 ? n / lanes * lanes : 0;
  columns_range(d, 0, blocks, VECTORS, lanes);
  columns_range(d, blocks, vectors, 1, lanes);
  columns_range(d, vectors, n, 1, 1);
}

static void rows_range(Dot *d, int64_t begin, int64_t end, int rows) {
  if (begin >= end)
    return;
  int last = d->rows.n - 1;
  PjIxBuilder *ix = &d->l->nest->ix;
  PjIx a = d->a, out = d->out;
  PjKirVal i = open(d, begin, end, rows);
  if (last >= 0) {
    d->a = pj_ix_add(ix, a, pj_loop_at(d->l, 1, &i, &d->rows.a[last]));
    d->out = pj_ix_add(ix, out, pj_loop_at(d->l, 1, &i, &d->rows.out[last]));
  }
  d->num_rows = rows;
  all_columns(d);
  close(d, begin, end, rows);
  d->a = a;
  d->out = out;
}

bool pj_loop_dot_general(PjLoops *l) {
  const PjOp *op = l->op;
  Dot dot = {.l = l}, *d = &dot;
  d->in[0] = op->operands[0]->type->dtype;
  d->in[1] = op->operands[1]->type->dtype;
  d->result = op->results[0].type->dtype;
  bool is_real = pj_dtype_is_float(d->result);
  d->acc = is_real && d->result != PJ_DT_F64 ? PJ_DT_F32 : d->result;
  d->wide = is_real;
  read_axes(d);
  // Outer dimensions one by one, the last of the rows and of the columns in blocks.
  Axes outer = d->batch;
  for (int i = 0; i + 1 < d->rows.n; ++i) {
    outer.size[outer.n] = d->rows.size[i];
    outer.a[outer.n] = d->rows.a[i];
    outer.b[outer.n] = 0;
    outer.out[outer.n++] = d->rows.out[i];
  }
  for (int i = 0; i + 1 < d->columns.n; ++i) {
    outer.size[outer.n] = d->columns.size[i];
    outer.a[outer.n] = 0;
    outer.b[outer.n] = d->columns.b[i];
    outer.out[outer.n++] = d->columns.out[i];
  }
  PjKirVal index[3 * PJ_MAX_RANK];
  pj_loop_open(l, outer.n, outer.size, index);
  d->a = pj_loop_at(l, outer.n, index, outer.a);
  d->b = pj_loop_at(l, outer.n, index, outer.b);
  d->out = pj_loop_at(l, outer.n, index, outer.out);
  int rank = d->rows.n - 1;
  int64_t m = rank < 0 ? 1 : d->rows.size[rank];
  d->row_stride = rank < 0 ? 0 : d->rows.a[rank];
  d->out_row = rank < 0 ? 0 : d->rows.out[rank];
  if (with_panel(d, m)) {
    pj_loop_close(l, outer.n, outer.size);
    return true;
  }
  bool by_columns = d->columns.n && d->columns.b[d->columns.n - 1] == 1;
  d->along_sum = !by_columns && d->wide && d->sum.n == 1 && d->sum.a[0] == 1 && d->sum.b[0] == 1 &&
                 product(&d->sum) >= pj_loop_lanes(l, d->acc);
  int64_t blocks = d->along_sum ? 0 : m / ROWS * ROWS;
  rows_range(d, 0, blocks, ROWS);
  rows_range(d, blocks, m, 1);
  pj_loop_close(l, outer.n, outer.size);
  return true;
}
