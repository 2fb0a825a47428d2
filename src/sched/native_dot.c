// Small contractions as loops inside a native function.
//
// A tile of the result, a few rows by a few columns, lies in registers while a loop runs over what
// is summed: a row's element and a column's are then loaded once for several products, and no
// product waits for the one before. Lanes run along the columns where these lie beside each other
// in memory, else along what is summed, else there is one lane. A small matrix that the function
// only reads, times a vector, is turned in registers before any loop, so that its columns are
// vectors. A larger matrix b from outside of the loop is packed before it into panels, as wide as a
// tile, so that every turn reads it in the order of memory: lines that lie a row apart push each
// other out of the nearest cache, and are not asked for before they are wanted.
#include "pass/match.h"
#include "sched/native.h"
#include "sched/shape_map.h"

enum {
  MAX_DOT = 1 << 18,    // products
  MAX_SCALAR = 1 << 14, // of one lane
  MAX_TILE = 16,        // accumulators, half as many with 16 registers
  UNROLLED = 64,        // products of a tile whose loop is written out
  CHAINS = 4,           // accumulators at least, where the sum is long enough to be cut
  MAX_TURNED = 64,      // vectors
  PACK_BYTES = 8 << 10, // of a matrix that is packed, at least
  PACK_TURNS = 8,       // of a loop that is worth it, at least
};

typedef struct Dot {
  int64_t m, n, k, batch;
  // Strides of the flattened loops, in elements; valid when each of them runs through memory
  // evenly.
  int64_t a_batch, a_m, a_k, b_batch, b_n, b_k;
} Dot;

// The stride at which dims |list| of |type| are walked as one loop, slowest first; false if they
// are not even.
static bool flat_stride(const PjType *type, const int64_t *strides, const int64_t *list,
                        uint32_t count, int64_t *size, int64_t *stride) {
  *size = 1;
  *stride = 0;
  for (uint32_t i = count; i-- > 0;) {
    int64_t dim = type->dims[list[i]];
    if (dim == 1)
      continue;
    if (*size == 1)
      *stride = strides[list[i]];
    else if (strides[list[i]] != *stride * *size)
      return false;
    *size *= dim;
  }
  return true;
}

static uint32_t free_dims(const PjType *type, const int64_t *a, uint32_t n, const int64_t *b,
                          uint32_t m, int64_t *out) {
  uint32_t count = 0;
  for (int d = 0; d < type->rank; d++) {
    bool used = false;
    for (uint32_t i = 0; i < n; i++)
      used |= a[i] == d;
    for (uint32_t i = 0; i < m; i++)
      used |= b[i] == d;
    if (!used)
      out[count++] = d;
  }
  return count;
}

static bool read_dot(const PjOp *op, Dot *dot) {
  const PjType *a = op->operands[0]->type, *b = op->operands[1]->type;
  uint32_t nb, nb2, nc, nc2;
  const int64_t *ab = PJ_INTS(op, lhs_batching_dimensions, &nb),
                *bb = PJ_INTS(op, rhs_batching_dimensions, &nb2);
  const int64_t *ac = PJ_INTS(op, lhs_contracting_dimensions, &nc),
                *bc = PJ_INTS(op, rhs_contracting_dimensions, &nc2);
  int64_t as[PJ_MAX_RANK], bs[PJ_MAX_RANK], free_a[PJ_MAX_RANK], free_b[PJ_MAX_RANK], again;
  pj_shape_strides(a, as);
  pj_shape_strides(b, bs);
  uint32_t na = free_dims(a, ab, nb, ac, nc, free_a), nf = free_dims(b, bb, nb2, bc, nc2, free_b);
  return flat_stride(a, as, ab, nb, &dot->batch, &dot->a_batch) &&
         flat_stride(b, bs, bb, nb2, &again, &dot->b_batch) &&
         flat_stride(a, as, free_a, na, &dot->m, &dot->a_m) &&
         flat_stride(b, bs, free_b, nf, &dot->n, &dot->b_n) &&
         flat_stride(a, as, ac, nc, &dot->k, &dot->a_k) &&
         flat_stride(b, bs, bc, nc2, &again, &dot->b_k);
}

typedef enum Lanes { LANES_COLUMNS, LANES_SUM, LANES_NONE } Lanes;

// A matrix in panels of |width| columns: column c at k is [(c / width * sums + k) * width + c %
// width]. Columns that fill no panel are read where they lie.
typedef struct PjPanels {
  const PjValue *matrix;
  Dot dot; // that it was packed for: those alike in k, n and strides of b share it
  int64_t width;
  uint32_t slot;
  PjPlace place;
} PjPanels;

typedef struct DotLoops {
  PjNative *n;
  Dot dot;
  Lanes kind;
  int lanes;
  int most;          // accumulators
  int rows, columns; // of a tile; columns of |lanes| elements each with LANES_COLUMNS
  PjKirVal *turned;  // of b: column c at k is [k * columns + c]; or NULL
  PjPlace a, b;
  int64_t b_column; // between the columns of a tile
  PjDtype dtype;
  PjKirVal out;
  uint8_t alias; // of |out|
  PjKirVal batch;
} DotLoops;

// The larger ones of as few about equal parts of |count| as have |most| each.
static int64_t even_part(int64_t count, int64_t most) {
  const int64_t parts = (count + most - 1) / most;
  return (count + parts - 1) / parts;
}

static void choose_tile(DotLoops *d, int vector_bytes, int elem_bytes) {
  const Dot *dot = &d->dot;
  int most = vector_bytes / elem_bytes, lanes = most;
  // Longer ones take longer to be summed up in the end than they save.
  int along = vector_bytes < 32 ? most : 32 / elem_bytes;
  while (lanes > dot->n)
    lanes /= 2;
  d->kind = LANES_NONE;
  d->lanes = 1;
  if (dot->b_n == 1 && lanes * elem_bytes >= 16) {
    d->kind = LANES_COLUMNS;
    d->lanes = lanes;
  } else if (dot->a_k == 1 && dot->b_k == 1 && dot->k >= along) {
    d->kind = LANES_SUM;
    d->lanes = along;
  }
  int64_t columns = d->kind == LANES_COLUMNS ? (dot->n + d->lanes - 1) / d->lanes : dot->n;
  d->columns = (int)(columns < 2 ? columns : 2);
  d->rows = (int)(dot->m < d->most / d->columns ? dot->m : d->most / d->columns);
  d->columns = (int)(columns < d->most / d->rows ? columns : d->most / d->rows);
  if (d->kind == LANES_COLUMNS && d->most < MAX_TILE) { // what is left should fill them, too
    d->rows = (int)even_part(dot->m, d->rows);
    d->columns = (int)even_part(columns, d->most / d->rows);
  }
}

bool pj_native_dot_supported(const PjOp *op, double *cost) {
  PjDtype dtype = op->results[0].type->dtype;
  DotLoops d = {.most = MAX_TILE / 2};
  if ((dtype != PJ_DT_F32 && dtype != PJ_DT_F64) || op->operands[0]->type->dtype != dtype ||
      op->operands[1]->type->dtype != dtype || !read_dot(op, &d.dot))
    return false;
  choose_tile(&d, 32, (int)pj_dtype_bytes(dtype));
  double work = (double)d.dot.batch * (double)d.dot.m * (double)d.dot.n * (double)d.dot.k;
  *cost = 2 + (d.lanes > 1 ? 0.3 / d.lanes : 0.15) * work;
  return work <= (d.lanes > 1 ? MAX_DOT : MAX_SCALAR) && work > 0;
}

// --- One tile ------------------------------------------------------------------------------------

typedef struct Tile {
  PjKirVal row, column; // where it begins
  int rows, columns;
  int64_t offset[MAX_TILE]; // of its columns, from |column|
} Tile;

static PjIx scaled(DotLoops *d, PjKirVal index, int64_t stride) {
  return index ? pj_ix_scale(&d->n->nest->ix, pj_ix_uniform(index), stride) : (PjIx){0};
}

static PjKirVal load(DotLoops *d, const PjPlace *place, PjIx base, int64_t offset, int64_t step,
                     int lanes) {
  PjIxBuilder *ix = &d->n->nest->ix;
  PjIx at = pj_ix_add_number(ix, base, offset);
  at.step = step;
  ix->lanes = lanes;
  PjKirVal v = pj_nest_splat(d->n->nest, pj_nest_load(d->n->nest, d->dtype, place, at, 0)).re;
  ix->lanes = 1;
  return v;
}

// acc += a * b at |k|, or at |lanes| of them from |k| on.
static void take(DotLoops *d, const Tile *t, PjKirVal k, int lanes, PjKirVal *acc) {
  PjIxBuilder *ix = &d->n->nest->ix;
  const Dot *dot = &d->dot;
  bool sum = d->kind == LANES_SUM;
  PjIx a = pj_ix_add(ix, scaled(d, d->batch, dot->a_batch), scaled(d, t->row, dot->a_m));
  PjIx b = pj_ix_add(ix, scaled(d, d->batch, dot->b_batch), scaled(d, t->column, dot->b_n));
  a = pj_ix_add(ix, a, scaled(d, k, dot->a_k));
  b = pj_ix_add(ix, b, scaled(d, k, dot->b_k));
  PjKirVal rows[MAX_TILE], columns[MAX_TILE];
  uint64_t at = 0;
  bool turned = d->turned && pj_kir_is_const(d->n->k, k, &at);
  // The fewer ones stay in registers, of the others one at a time.
  const bool rows_first = t->rows < t->columns;
  for (int r = 0; r < t->rows && rows_first; r++)
    rows[r] = load(d, &d->a, a, r * dot->a_m, sum && lanes > 1, lanes);
  for (int c = 0; c < t->columns; c++) {
    columns[c] = turned ? d->turned[at * (uint64_t)d->columns + (uint64_t)c]
                        : load(d, &d->b, b, t->offset[c] * d->b_column, lanes > 1, lanes);
    for (int r = 0; r < t->rows && rows_first; r++)
      acc[r * t->columns + c] =
          pj_kir_muladd(d->n->k, rows[r], columns[c], acc[r * t->columns + c]);
  }
  for (int r = 0; r < t->rows && !rows_first; r++) {
    PjKirVal row = load(d, &d->a, a, r * dot->a_m, sum && lanes > 1, lanes);
    for (int c = 0; c < t->columns; c++)
      acc[r * t->columns + c] = pj_kir_muladd(d->n->k, row, columns[c], acc[r * t->columns + c]);
  }
}

// The sums of all lanes of the vectors |v|, as many as lanes, as one vector.
static PjKirVal sums_of(PjKir *k, PjKirVal *v, int lanes) {
  for (int count = lanes / 2, width = lanes; count > 0; count /= 2, width /= 2)
    for (int i = 0; i < count; i++) {
      // Of each group of |width| lanes the lower and the upper half, of one vector and of the
      // other. Of the last four lanes neighbours are joined, pair by pair: instructions that stay
      // within 16 bytes do that at once.
      bool four = width == 4 && lanes > 4, two = width == 2 && lanes > 4;
      uint8_t low[PJ_KIR_MAX_LANES], high[PJ_KIR_MAX_LANES];
      for (int l = 0; l < lanes; l++) {
        int half = width / 2, group = l / width * width, second = l % width >= half;
        low[l] = (uint8_t)(second * lanes + group + l % half);
        if (two)
          low[l] = (uint8_t)((l % 4 / 2) * lanes + l / 4 * 4 + l % 2 * 2);
        high[l] = (uint8_t)(low[l] + half);
      }
      PjKirVal a = v[four ? 2 * i : i], b = v[four ? 2 * i + 1 : i + count];
      v[i] =
          pj_kir_fadd(k, pj_kir_shuffle(k, a, b, lanes, low), pj_kir_shuffle(k, a, b, lanes, high));
    }
  return v[0];
}

static void store(DotLoops *d, const Tile *t, int row, int64_t column, PjKirVal value, int lanes) {
  PjIxBuilder *ix = &d->n->nest->ix;
  const Dot *dot = &d->dot;
  PjIx at = pj_ix_add(ix, scaled(d, d->batch, dot->m * dot->n), scaled(d, t->row, dot->n));
  at = pj_ix_add_number(ix, pj_ix_add(ix, at, scaled(d, t->column, 1)), row * dot->n + column);
  at.step = 1;
  ix->lanes = lanes;
  pj_nest_store(d->n->nest, d->dtype, d->out, d->alias, at, (PjElem){value, 0}, 0);
  ix->lanes = 1;
}

static void finish_sums(DotLoops *d, const Tile *t, PjKirVal *acc, int64_t whole) {
  PjKir *k = d->n->k;
  int count = t->rows * t->columns;
  bool together = count % d->lanes == 0 && d->dot.k == whole &&
                  (t->rows == 1 || (t->columns == 1 && d->dot.n == 1));
  if (together) {
    // In vectors as long as those who read them take: two stores do not serve one load.
    int most = d->n->l->options->target->vector_bytes / (int)pj_dtype_bytes(d->dtype), step;
    for (int i = 0; i < count; i += step) {
      PjKirVal sums = sums_of(k, acc + i, d->lanes);
      for (step = d->lanes; step < most && i + 2 * step <= count; step *= 2)
        sums = pj_kir_join(k, sums, sums_of(k, acc + i + step, d->lanes));
      store(d, t, 0, i, sums, step);
    }
    return;
  }
  for (int i = 0; i < count; i++)
    acc[i] = pj_kir_reduce_lanes(k, PJ_KIR_FADD, acc[i]);
  for (int64_t i = whole; i < d->dot.k; i++)
    take(d, t, pj_kir_i64(k, i), 1, acc);
  for (int r = 0; r < t->rows; r++)
    for (int c = 0; c < t->columns; c++)
      store(d, t, r, t->offset[c], acc[r * t->columns + c], 1);
}

// How many accumulators take an element's products in turn, so that none waits for the one before.
static int chains_of(const DotLoops *d, int count) {
  int chains = 1;
  while (chains * count < CHAINS && d->dot.k >= 4 * (int64_t)chains && d->lanes > 1)
    chains *= 2;
  return d->kind == LANES_COLUMNS ? chains : 1;
}

static void tile(DotLoops *d, const Tile *t) {
  PjKir *k = d->n->k;
  bool sum = d->kind == LANES_SUM;
  int count = t->rows * t->columns, chains = chains_of(d, count);
  int64_t step = sum ? d->lanes : chains, whole = d->dot.k / step * step;
  uint32_t all = (uint32_t)(count * chains);
  PjKirVal acc[MAX_TILE], args[MAX_TILE];
  for (uint32_t i = 0; i < all; i++)
    acc[i] = pj_kir_float(k, pj_kir_type(pj_elem_type(d->dtype), d->lanes), 0);
  if (whole / step * (int64_t)all <= UNROLLED) {
    for (int64_t i = 0; i < whole; i += step)
      for (int c = 0; c < chains; c++)
        take(d, t, pj_kir_i64(k, i + c), d->lanes, acc + c * count);
  } else {
    PjKirVal i = pj_kir_for_begin(k, pj_kir_i64(k, 0), pj_kir_i64(k, whole), pj_kir_i64(k, step),
                                  all, acc, args);
    for (int c = 0; c < chains; c++)
      take(d, t, pj_kir_add(k, i, pj_kir_i64(k, c)), d->lanes, args + c * count);
    pj_kir_for_end(k, all, args, acc);
  }
  if (sum) {
    finish_sums(d, t, acc, whole);
    return;
  }
  for (int64_t i = whole; i < d->dot.k; i++)
    take(d, t, pj_kir_i64(k, i), d->lanes, acc);
  for (int half = chains / 2; half > 0; half /= 2)
    for (int i = 0; i < half * count; i++)
      acc[i] = pj_kir_fadd(k, acc[i], acc[i + half * count]);
  for (int r = 0; r < t->rows; r++)
    for (int c = 0; c < t->columns; c++)
      store(d, t, r, t->offset[c], acc[r * t->columns + c], d->lanes);
}

// --- Loops over tiles ----------------------------------------------------------------------------

// for (i = 0; i < count; i += step), without a loop for one turn. Ends with end_turns.
static PjKirVal begin_turns(DotLoops *d, int64_t count, int64_t step) {
  PjKir *k = d->n->k;
  if (count <= step)
    return pj_kir_i64(k, 0);
  return pj_kir_for_begin(k, pj_kir_i64(k, 0), pj_kir_i64(k, count), pj_kir_i64(k, step), 0, NULL,
                          NULL);
}

static void end_turns(DotLoops *d, int64_t count, int64_t step) {
  if (count > step)
    pj_kir_for_end(d->n->k, 0, NULL, NULL);
}

static void over_rows(DotLoops *d, Tile *t) {
  int64_t m = d->dot.m, whole = m / d->rows * d->rows;
  t->rows = d->rows;
  t->row = begin_turns(d, whole, d->rows);
  tile(d, t);
  end_turns(d, whole, d->rows);
  if (whole == m)
    return;
  t->row = pj_kir_i64(d->n->k, whole);
  t->rows = (int)(m - whole);
  tile(d, t);
}

// Columns of b stay in the cache for all rows.
static void over_columns(DotLoops *d, const PjPanels *panels) {
  int64_t n = d->dot.n, unit = d->kind == LANES_COLUMNS ? d->lanes : 1;
  int64_t width = d->columns * unit, whole = n / width * width, rest = n - whole;
  Tile t = {.columns = d->columns};
  const DotLoops apart = *d;
  if (whole) {
    if (panels) {
      d->b = panels->place;
      d->dot.b_n = d->dot.k; // of whole panels
      d->dot.b_k = width;
    }
    for (int c = 0; c < t.columns; c++)
      t.offset[c] = c * unit;
    t.column = begin_turns(d, whole, width);
    over_rows(d, &t);
    end_turns(d, whole, width);
    d->b = apart.b;
    d->dot = apart.dot;
  }
  if (!rest)
    return;
  t.column = pj_kir_i64(d->n->k, whole);
  t.columns = (int)((rest + unit - 1) / unit);
  for (int c = 0; c < t.columns; c++) // the last vector ends with the row
    t.offset[c] = (c + 1) * unit <= rest ? c * unit : rest - unit;
  over_rows(d, &t);
}

// --- A matrix in registers -----------------------------------------------------------------------

// Rows |v|, as many as lanes, become columns.
static void turn(PjKir *k, PjKirVal *v, int lanes) {
  for (int width = lanes / 2; width > 0; width /= 2)
    for (int i = 0; i < lanes; i++) {
      if (i & width)
        continue;
      // Of each pair of groups of |width| lanes the first, or the second, of both rows.
      uint8_t first[PJ_KIR_MAX_LANES], second[PJ_KIR_MAX_LANES];
      for (int l = 0; l < lanes; l++) {
        bool other = l & width;
        first[l] = (uint8_t)(other ? lanes + l - width : l);
        second[l] = (uint8_t)(other ? lanes + l : l + width);
      }
      PjKirVal a = v[i], b = v[i + width];
      v[i] = pj_kir_shuffle(k, a, b, lanes, first);
      v[i + width] = pj_kir_shuffle(k, a, b, lanes, second);
    }
}

// The product of a matrix a that the function only reads, and whose rows lie in memory, with a
// vector: that of the vector with the matrix turned. Reads may leave all loops, and so does what is
// made of them.
static void turn_matrix(DotLoops *d) {
  const Dot *dot = &d->dot;
  PjKir *k = d->n->k;
  if (!d->a.readonly || dot->n != 1 || dot->batch != 1 || dot->a_k != 1 || d->kind != LANES_SUM)
    return;
  const int elem_bytes = (int)pj_dtype_bytes(d->dtype);
  int lanes = d->n->l->options->target->vector_bytes / elem_bytes;
  while (lanes > 1 && (dot->m % lanes || dot->k % lanes))
    lanes /= 2;
  const int64_t columns = dot->m / lanes;
  if (lanes * elem_bytes < 16 || columns > 2 || columns * dot->k > MAX_TURNED)
    return;
  PjKirVal *turned = PJ_NEW_ARRAY(d->n->l->work, PjKirVal, columns * dot->k);
  PjKirVal block[PJ_KIR_MAX_LANES];
  k->always = true;
  for (int64_t c = 0; c < columns; c++)
    for (int64_t at = 0; at < dot->k; at += lanes) {
      for (int r = 0; r < lanes; r++)
        block[r] = load(d, &d->a, (PjIx){0}, (c * lanes + r) * dot->a_m + at, 1, lanes);
      turn(k, block, lanes);
      for (int i = 0; i < lanes; i++)
        turned[(at + i) * columns + c] = block[i];
    }
  k->always = false;
  d->turned = turned;
  d->kind = LANES_COLUMNS;
  d->lanes = lanes;
  d->rows = 1;
  d->columns = (int)columns;
  d->a = d->b;
  d->b_column = 1;
  d->dot = (Dot){.m = 1, .n = dot->m, .k = dot->k, .batch = 1, .a_k = dot->b_k, .b_n = 1};
}

// --- A matrix in panels --------------------------------------------------------------------------

static bool begin_dot(DotLoops *d, PjNative *n, const PjOp *op) {
  const PjPlace *a = pj_nest_place(n->nest, op->operands[0]),
                *b = pj_nest_place(n->nest, op->operands[1]);
  *d = (DotLoops){.n = n, .dtype = op->results[0].type->dtype};
  if (!read_dot(op, &d->dot) || !b || b->kind != PJ_PLACE_MEMORY ||
      (a && a->kind != PJ_PLACE_MEMORY))
    return false;
  d->a = a ? *a : (PjPlace){0};
  d->b = *b;
  const PjIsa isa = n->l->options->target->isa;
  d->most = isa == PJ_ISA_AVX512 || isa == PJ_ISA_NEON ? MAX_TILE : MAX_TILE / 2;
  choose_tile(d, n->l->options->target->vector_bytes, (int)pj_dtype_bytes(d->dtype));
  d->b_column = d->dot.b_n;
  return true;
}

static const PjPanels *panels_of(const DotLoops *d, const PjValue *matrix) {
  for (size_t i = 0; i < d->n->panels.len; i++) {
    const PjPanels *p = d->n->panels.data[i];
    if (p->matrix == matrix && p->width == (int64_t)d->columns * d->lanes && p->dot.n == d->dot.n &&
        p->dot.k == d->dot.k && p->dot.b_k == d->dot.b_k)
      return p;
  }
  return NULL;
}

static bool is_packed(const DotLoops *d) {
  const Dot *dot = &d->dot;
  return d->kind == LANES_COLUMNS && dot->batch == 1 && dot->n >= 2 * d->columns * d->lanes &&
         dot->n * dot->k * (int64_t)pj_dtype_bytes(d->dtype) >= PACK_BYTES;
}

static void pack(DotLoops *d, const PjValue *matrix) {
  PjNative *n = d->n;
  PjKir *k = n->k;
  const Dot *dot = &d->dot;
  PjPanels *p = PJ_NEW(n->l->work, PjPanels);
  const int64_t width = (int64_t)d->columns * d->lanes, whole = dot->n / width * width;
  *p = (PjPanels){matrix, *dot, width, .place = {.kind = PJ_PLACE_MEMORY}};
  p->slot = pj_slot_new(n->l, PJ_SLOT_TEMP, (size_t)(whole * dot->k) * pj_dtype_bytes(d->dtype));
  pj_native_memory(n, p->slot, &p->place);
  PjKirVal column = pj_kir_for_begin(k, pj_kir_i64(k, 0), pj_kir_i64(k, whole),
                                     pj_kir_i64(k, width), 0, NULL, NULL);
  PjKirVal at =
      pj_kir_for_begin(k, pj_kir_i64(k, 0), pj_kir_i64(k, dot->k), pj_kir_i64(k, 1), 0, NULL, NULL);
  PjIxBuilder *ix = &n->nest->ix;
  PjIx from = pj_ix_add(ix, pj_ix_uniform(column), scaled(d, at, dot->b_k)),
       to = pj_ix_add(ix, scaled(d, column, dot->k), scaled(d, at, width));
  for (int c = 0; c < d->columns; c++) {
    PjKirVal vector = load(d, &d->b, from, (int64_t)c * d->lanes, 1, d->lanes);
    PjIx there = pj_ix_add_number(ix, to, (int64_t)c * d->lanes);
    there.step = 1;
    ix->lanes = d->lanes;
    pj_nest_store(n->nest, d->dtype, p->place.ptr, p->place.alias, there, (PjElem){vector, 0}, 0);
    ix->lanes = 1;
  }
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_for_end(k, 0, NULL, NULL);
  PJ_PUSH(n->l->work, &n->panels, p);
}

static void pack_within(PjNative *n, const PjOp *op) {
  for (uint32_t r = 0; r < op->num_regions; r++)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next) {
      DotLoops d;
      if (inner->kind == PJ_OP_DOT_GENERAL && begin_dot(&d, n, inner) && is_packed(&d) &&
          !panels_of(&d, inner->operands[1]))
        pack(&d, inner->operands[1]);
      pack_within(n, inner);
    }
}

void pj_native_pack(PjNative *n, const PjOp *op) {
  PjCounter counter;
  if (!pj_match_counter(op, &counter) || counter.trips < 0 || counter.trips >= PACK_TURNS)
    pack_within(n, op);
}

void pj_native_dot(PjNative *n, const PjOp *op, PjKirVal out, uint8_t alias) {
  DotLoops d;
  if (!begin_dot(&d, n, op) || !pj_nest_place(n->nest, op->operands[0])) {
    n->failed = "a contraction that cannot be emitted";
    return;
  }
  d.out = out;
  d.alias = alias;
  const PjPanels *panels = panels_of(&d, op->operands[1]);
  if (panels)
    pj_slot_touch(n->l, panels->slot);
  turn_matrix(&d);
  d.batch = begin_turns(&d, d.dot.batch, 1);
  over_columns(&d, panels);
  end_turns(&d, d.dot.batch, 1);
}
