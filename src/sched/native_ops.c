// Small contractions and scatters as loops inside a native function.
#include "sched/native.h"
#include "sched/shape_map.h"

enum { MAX_DOT = 1 << 14, UNROLL = 64 };

// --- dot_general ---------------------------------------------------------------------------------

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

static bool dot_supported(const PjOp *op, double *cost) {
  PjDtype dtype = op->results[0].type->dtype;
  Dot dot;
  if ((dtype != PJ_DT_F32 && dtype != PJ_DT_F64) || op->operands[0]->type->dtype != dtype ||
      op->operands[1]->type->dtype != dtype || !read_dot(op, &dot))
    return false;
  double work = (double)dot.batch * (double)dot.m * (double)dot.n * (double)dot.k;
  *cost = 2 + 0.15 * work;
  return work <= MAX_DOT && work > 0;
}

// A loop, or its turns one after the other when they are few.
typedef void TurnFn(void *context, PjKirVal index, uint32_t num_carried, PjKirVal *carried);

static void turns(PjNative *n, int64_t count, int64_t step, bool unroll, uint32_t num,
                  PjKirVal *carried, TurnFn *fn, void *context) {
  PjKir *k = n->k;
  if (unroll) {
    for (int64_t i = 0; i < count; i += step)
      fn(context, pj_kir_i64(k, i), num, carried);
    return;
  }
  PjKirVal args[8];
  PjKirVal i = pj_kir_for_begin(k, pj_kir_i64(k, 0), pj_kir_i64(k, count), pj_kir_i64(k, step), num,
                                carried, args);
  fn(context, i, num, args);
  pj_kir_for_end(k, num, args, carried);
}

typedef struct DotLoops {
  PjNative *n;
  const PjOp *op;
  Dot dot;
  PjPlace a, b;
  PjDtype dtype;
  PjKirVal out;
  PjKirVal batch, row, column; // indices of the loops at hand
  int lanes;                   // along columns
  int inner;                   // along what is summed
  int64_t column_base;
  bool unroll;
} DotLoops;

static PjIx scaled(DotLoops *d, PjKirVal index, int64_t stride) {
  return index ? pj_ix_scale(&d->n->nest->ix, pj_ix_uniform(index), stride) : (PjIx){0};
}

static PjKirVal load(DotLoops *d, const PjPlace *place, PjIx x, PjIx y, PjIx z, int64_t step,
                     int lanes) {
  PjIxBuilder *ix = &d->n->nest->ix;
  PjIx at = pj_ix_add(ix, pj_ix_add(ix, x, y), z);
  at.step = step;
  ix->lanes = lanes;
  PjKirVal v = pj_nest_splat(d->n->nest, pj_nest_load(d->n->nest, d->dtype, place, at, 0)).re;
  ix->lanes = 1;
  return v;
}

static void dot_turn(void *context, PjKirVal k, uint32_t num, PjKirVal *acc) {
  DotLoops *d = context;
  const Dot *dot = &d->dot;
  int lanes = d->inner > 1 ? d->inner : d->lanes;
  PjKirVal a = load(d, &d->a, scaled(d, d->batch, dot->a_batch), scaled(d, d->row, dot->a_m),
                    scaled(d, k, dot->a_k), d->inner > 1 ? dot->a_k : 0, lanes);
  PjKirVal b = load(d, &d->b, scaled(d, d->batch, dot->b_batch), scaled(d, d->column, dot->b_n),
                    scaled(d, k, dot->b_k), d->inner > 1 ? dot->b_k : dot->b_n, lanes);
  acc[0] = pj_kir_muladd(d->n->k, a, b, acc[0]);
}

// One element of the result, or |lanes| of a row.
static void dot_cell(DotLoops *d) {
  PjKir *k = d->n->k;
  const Dot *dot = &d->dot;
  PjKirElem elem = pj_elem_type(d->dtype);
  int lanes = d->inner > 1 ? d->inner : d->lanes;
  PjKirVal sum = pj_kir_float(k, pj_kir_type(elem, lanes), 0);
  int64_t whole = dot->k / (d->inner > 1 ? d->inner : 1) * (d->inner > 1 ? d->inner : 1);
  turns(d->n, whole, d->inner > 1 ? d->inner : 1, d->unroll, 1, &sum, dot_turn, d);
  if (d->inner > 1) {
    sum = pj_kir_reduce_lanes(k, PJ_KIR_FADD, sum);
    int inner = d->inner;
    d->inner = 1;
    for (int64_t i = whole; i < dot->k; i++)
      dot_turn(d, pj_kir_i64(k, i), 1, &sum);
    d->inner = inner;
  }
  PjIxBuilder *ix = &d->n->nest->ix;
  PjIx at = pj_ix_add(ix, scaled(d, d->batch, dot->m * dot->n), scaled(d, d->row, dot->n));
  at = pj_ix_add(ix, at, scaled(d, d->column, 1));
  at.step = 1;
  ix->lanes = d->inner > 1 ? 1 : d->lanes;
  pj_nest_store(d->n->nest, d->dtype, d->out, 0, at, (PjElem){sum, 0}, 0);
  ix->lanes = 1;
}

static void column_turn(void *context, PjKirVal index, uint32_t num, PjKirVal *carried) {
  DotLoops *d = context;
  d->column =
      d->column_base ? pj_kir_add(d->n->k, index, pj_kir_i64(d->n->k, d->column_base)) : index;
  dot_cell(d);
}

static void row_turn(void *context, PjKirVal index, uint32_t num, PjKirVal *carried) {
  DotLoops *d = context;
  d->row = index;
  int lanes = d->n->l->options->target->vector_bytes / (int)pj_dtype_bytes(d->dtype);
  const Dot *dot = &d->dot;
  d->column_base = 0;
  if (dot->n >= lanes && (dot->b_n == 1 || dot->k < lanes)) {
    int64_t whole = dot->n / lanes * lanes;
    d->lanes = lanes;
    turns(d->n, whole, lanes, d->unroll, 0, NULL, column_turn, d);
    d->lanes = 1;
    d->column_base = whole;
    if (whole < dot->n)
      turns(d->n, dot->n - whole, 1, d->unroll, 0, NULL, column_turn, d);
    return;
  }
  d->inner = dot->k >= lanes && dot->a_k == 1 && dot->b_k == 1 ? lanes : 1;
  turns(d->n, dot->n, 1, d->unroll, 0, NULL, column_turn, d);
  d->inner = 1;
}

static void batch_turn(void *context, PjKirVal index, uint32_t num, PjKirVal *carried) {
  DotLoops *d = context;
  d->batch = index;
  turns(d->n, d->dot.m, 1, d->unroll, 0, NULL, row_turn, d);
}

void pj_native_dot(PjNative *n, const PjOp *op, PjKirVal out) {
  DotLoops d = {
      .n = n, .op = op, .dtype = op->results[0].type->dtype, .out = out, .lanes = 1, .inner = 1};
  const PjPlace *a = pj_nest_place(n->nest, op->operands[0]),
                *b = pj_nest_place(n->nest, op->operands[1]);
  if (!read_dot(op, &d.dot) || !a || !b || a->kind != PJ_PLACE_MEMORY ||
      b->kind != PJ_PLACE_MEMORY) {
    n->failed = "a contraction that cannot be emitted";
    return;
  }
  d.a = *a;
  d.b = *b;
  d.unroll = d.dot.batch * d.dot.m * d.dot.n * d.dot.k <= UNROLL;
  turns(n, d.dot.batch, 1, d.unroll, 0, NULL, batch_turn, &d);
}

// --- scatter of one element ----------------------------------------------------------------------

// One index vector, windows of one element: x.at[i, j].set(v) with a body of scalar operations.
static bool scatter_supported(const PjOp *op, double *cost) {
  if (op->num_operands != 3 || op->num_results != 1)
    return false;
  const PjType *array = op->operands[0]->type, *indices = op->operands[1]->type,
               *updates = op->operands[2]->type;
  uint32_t inserted, batching, update_window;
  PJ_INTS(op, inserted_window_dims, &inserted);
  PJ_INTS(op, input_batching_dims, &batching);
  PJ_INTS(op, update_window_dims, &update_window);
  int64_t vector_dim = PJ_INT(op, index_vector_dim);
  *cost = 5;
  return pj_count(updates) == 1 && pj_count(array) > 1 && batching == 0 &&
         (int)(inserted + update_window) == array->rank && indices->rank <= 1 + updates->rank &&
         pj_dtype_is_int(indices->dtype) && (vector_dim == indices->rank || vector_dim >= 0) &&
         array->rank <= PJ_MAX_LOOP_RANK && pj_elem_type(array->dtype) != PJ_KIR_VOID &&
         pj_reducer_body_supported(&op->regions[0], 2);
}

bool pj_native_supports(const PjOp *op, double *out_cost) {
  for (uint32_t i = 0; i < op->num_operands; i++)
    if (op->kind == PJ_OP_DOT_GENERAL && pj_count(op->operands[i]->type) == 1)
      return false;
  return op->kind == PJ_OP_DOT_GENERAL
             ? dot_supported(op, out_cost)
             : op->kind == PJ_OP_SCATTER && scatter_supported(op, out_cost);
}

void pj_native_scatter(PjNative *n, const PjOp *op, PjKirVal array) {
  PjKir *k = n->k;
  PjNest *nest = n->nest;
  const PjType *type = op->operands[0]->type, *indices = op->operands[1]->type;
  uint32_t count;
  const int64_t *to_dim = PJ_INTS(op, scatter_dims_to_operand_dims, &count);
  int64_t strides[PJ_MAX_RANK];
  pj_shape_strides(type, strides);
  PjIx at = {0};
  PjKirVal inside = 0;
  for (uint32_t i = 0; i < count; i++) {
    PjIndex index = {0};
    int64_t pos[PJ_MAX_RANK];
    int64_t vector_dim = PJ_INT(op, index_vector_dim);
    pj_shape_strides(indices, pos);
    if (vector_dim < indices->rank && indices->dims[vector_dim] > 1)
      index.p[index.n++] =
          (PjPiece){pos[vector_dim], indices->dims[vector_dim], pj_ix_uniform(pj_kir_i64(k, i))};
    PjKirVal x = pj_nest_value(nest, op->operands[1], &index, 0).re;
    bool is_signed = pj_dtype_class(indices->dtype) == PJ_CLASS_SINT;
    if (pj_kir_typeof(k, x).elem != PJ_KIR_I64)
      x = pj_kir_cast(k, is_signed ? PJ_KIR_SEXT : PJ_KIR_ZEXT, PJ_KIR_I64, x);
    PjKirVal fits = pj_kir_2(k, PJ_KIR_ULT, x, pj_kir_i64(k, type->dims[to_dim[i]]));
    inside = inside ? pj_kir_and(k, inside, fits) : fits;
    at = pj_ix_add(&nest->ix, at, pj_ix_scale(&nest->ix, pj_ix_uniform(x), strides[to_dim[i]]));
  }
  PjElem update = pj_nest_scalar(nest, op->operands[2]);
  if (inside)
    pj_kir_if_begin(k, inside);
  PjPlace place = {.kind = PJ_PLACE_MEMORY, .ptr = array};
  PjElem pair[2] = {pj_nest_load(nest, type->dtype, &place, at, 0), update}, result;
  pj_region_apply(nest, &op->regions[0], 2, pair, 1, &result);
  pj_nest_store(nest, type->dtype, array, 0, at, result, 0);
  if (inside) {
    pj_nest_forget(nest);
    pj_kir_if_else(k, 0, NULL);
    pj_kir_if_end(k, 0, NULL, NULL);
  }
}
