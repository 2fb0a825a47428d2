// cholesky and triangular_solve as loops, as in the textbook.
#include <math.h>

#include "aot/loops.h"
#include "ir/attr.h"
#include "sched/shape_map.h"

// A matrix of a batch: base + row * |row| + column * |column|, in memory of an operand or of the
// result.
typedef struct Matrix {
  PjLoops *l;
  PjPlace place;
  PjDtype dtype;
  PjIx base;
  int64_t row, column;
  bool conjugate;
} Matrix;

static PjIx element_at(const Matrix *m, PjKirVal i, PjKirVal j) {
  PjIxBuilder *ix = &m->l->nest->ix;
  return pj_ix_add(
      ix, m->base,
      pj_ix_add(ix, pj_loop_at(m->l, 1, &i, &m->row), pj_loop_at(m->l, 1, &j, &m->column)));
}

static PjElem conjugate(PjLoops *l, PjElem x) {
  if (x.im)
    x.im = pj_kir_1(l->k, PJ_KIR_FNEG, x.im);
  return x;
}

static PjElem get(const Matrix *m, PjKirVal i, PjKirVal j) {
  m->l->nest->ix.lanes = 1;
  PjElem x = pj_nest_load(m->l->nest, m->dtype, &m->place, element_at(m, i, j), 0);
  return m->conjugate ? conjugate(m->l, x) : x;
}

static void set(const Matrix *m, PjKirVal i, PjKirVal j, PjElem x) {
  m->l->nest->ix.lanes = 1;
  pj_nest_store(m->l->nest, m->dtype, m->place.ptr, 0, element_at(m, i, j), x, 0);
}

static PjKirVal open(PjLoops *l, PjKirVal begin, PjKirVal end) {
  PjKirVal i = pj_kir_for_begin(l->k, begin, end, pj_loop_number(l, 1), 0, NULL, NULL);
  pj_nest_forget(l->nest);
  return i;
}

static void close(PjLoops *l) {
  pj_kir_for_end(l->k, 0, NULL, NULL);
  pj_nest_forget(l->nest);
}

// |from| - sum over k < |n| of a(i, k) * b(j, k).
static PjElem minus_products(const Matrix *a, PjKirVal i, const Matrix *b, PjKirVal j,
                             PjKirVal begin, PjKirVal end, PjElem from) {
  PjLoops *l = a->l;
  PjKirVal init[2] = {from.re, from.im}, args[2], out[2];
  uint32_t n = from.im ? 2 : 1;
  PjKirVal k = pj_kir_for_begin(l->k, begin, end, pj_loop_number(l, 1), n, init, args);
  pj_nest_forget(l->nest);
  PjElem sum = {args[0], n > 1 ? args[1] : 0};
  sum = pj_loop_2(l, PJ_OP_SUBTRACT, a->dtype, sum,
                  pj_loop_2(l, PJ_OP_MULTIPLY, a->dtype, get(a, i, k), get(b, j, k)));
  PjKirVal next[2] = {sum.re, sum.im};
  pj_kir_for_end(l->k, n, next, out);
  pj_nest_forget(l->nest);
  return (PjElem){out[0], n > 1 ? out[1] : 0};
}

// The matrices of the last two dimensions of operand |i| or, with |result|, of the result.
static Matrix matrix_of(PjLoops *l, uint32_t i, bool result, const PjKirVal *batch) {
  const PjType *type = result ? l->op->results[0].type : l->op->operands[i]->type;
  int64_t strides[PJ_MAX_RANK];
  pj_shape_strides(type, strides);
  PjPlace place = result ? (PjPlace){.kind = PJ_PLACE_MEMORY, .ptr = l->out[0]} : l->in[i];
  return (Matrix){.l = l,
                  .place = place,
                  .dtype = type->dtype,
                  .base = pj_loop_at(l, type->rank - 2, batch, strides),
                  .row = strides[type->rank - 2],
                  .column = strides[type->rank - 1]};
}

static Matrix transposed(Matrix m, bool conjugates) {
  int64_t row = m.row;
  m.row = m.column;
  m.column = row;
  m.conjugate = m.conjugate != conjugates;
  return m;
}

static bool is_wide(PjDtype dtype) {
  return dtype == PJ_DT_F32 || dtype == PJ_DT_F64 || dtype == PJ_DT_C64 || dtype == PJ_DT_C128;
}

static void fill(PjLoops *l, const Matrix *m, int64_t n, PjElem x) {
  int64_t sizes[2] = {n, n};
  PjKirVal index[2];
  pj_loop_open(l, 2, sizes, index);
  set(m, index[0], index[1], x);
  pj_loop_close(l, 2, sizes);
}

// Row by row; the upper factor is the conjugate transpose of the lower one, so it is written as
// that. Zeros in the other triangle. A matrix that is not positive definite becomes NaN: a pivot
// that is not positive spreads to the last one.
bool pj_loop_cholesky(PjLoops *l) {
  const PjType *type = l->op->results[0].type;
  PjKir *k = l->k;
  int rank = type->rank;
  if (!is_wide(type->dtype))
    return false;
  PjKirVal batch[PJ_MAX_RANK], zero = pj_loop_number(l, 0),
                               n = pj_loop_number(l, type->dims[rank - 1]);
  pj_loop_open(l, rank - 2, type->dims, batch);
  Matrix a = matrix_of(l, 0, false, batch), r = matrix_of(l, 0, true, batch), whole = r;
  fill(l, &r, type->dims[rank - 1], pj_loop_zero(l, type->dtype, 1));
  if (!PJ_INT(l->op, lower)) {
    a = transposed(a, true);
    r = transposed(r, true);
  }
  Matrix other = r;
  other.conjugate = !r.conjugate;
  // set writes what is meant as an element of the factor's lower form.
  PjKirVal i = open(l, zero, n), j = open(l, zero, pj_kir_add(k, i, pj_loop_number(l, 1)));
  PjElem sum = minus_products(&r, i, &other, j, zero, j, get(&a, i, j));
  PjKirVal diagonal = pj_kir_eq(k, i, j);
  pj_kir_if_begin(k, diagonal);
  PjKirType real = pj_kir_typeof(k, sum.re);
  PjKirVal positive = pj_kir_flt(k, pj_kir_float(k, real, 0), sum.re);
  PjElem root = {pj_kir_1(k, PJ_KIR_FSQRT, sum.re), 0};
  root.re = pj_kir_select(k, positive, root.re, pj_kir_float(k, real, NAN));
  if (sum.im)
    root.im = pj_kir_float(k, real, 0);
  PjKirVal values[2] = {root.re, root.im}, others[2], chosen[2];
  uint32_t parts = sum.im ? 2 : 1;
  pj_kir_if_else(k, parts, values);
  pj_nest_forget(l->nest);
  PjElem quotient = pj_loop_2(l, PJ_OP_DIVIDE, type->dtype, sum, get(&r, j, j));
  others[0] = quotient.re;
  others[1] = quotient.im;
  pj_kir_if_end(k, parts, others, chosen);
  pj_nest_forget(l->nest);
  PjElem value = {chosen[0], parts > 1 ? chosen[1] : 0};
  set(&r, i, j, r.conjugate ? conjugate(l, value) : value);
  close(l);
  close(l);
  PjKirVal end = pj_loop_number(l, type->dims[rank - 1] - 1), pivot = get(&r, end, end).re;
  PjKirVal nan = pj_kir_float(k, real, NAN);
  pj_kir_if_begin(k, pj_kir_2(k, PJ_KIR_UNO, pivot, pivot));
  fill(l, &whole, type->dims[rank - 1], (PjElem){nan, root.im ? nan : 0});
  pj_kir_if_else(k, 0, NULL);
  pj_kir_if_end(k, 0, NULL, NULL);
  pj_loop_close(l, rank - 2, type->dims);
  return true;
}

// Solves a x = b (or x a = b, as its transpose) by substitution, column by column of b.
bool pj_loop_triangular_solve(PjLoops *l) {
  const PjOp *op = l->op;
  const PjType *type = op->results[0].type;
  PjKir *k = l->k;
  int rank = type->rank;
  if (!is_wide(type->dtype))
    return false;
  bool left = PJ_INT(op, left_side), lower = PJ_INT(op, lower), unit = PJ_INT(op, unit_diagonal);
  int64_t transpose = PJ_INT(op, transpose_a);
  PjKirVal batch[PJ_MAX_RANK], zero = pj_loop_number(l, 0), one = pj_loop_number(l, 1);
  pj_loop_open(l, rank - 2, type->dims, batch);
  Matrix a = matrix_of(l, 0, false, batch), b = matrix_of(l, 1, false, batch),
         x = matrix_of(l, 0, true, batch);
  int64_t size = op->operands[0]->type->dims[rank - 1],
          columns = type->dims[left ? rank - 1 : rank - 2];
  if (transpose != PJ_TRANSPOSE_NO) {
    a = transposed(a, transpose == PJ_TRANSPOSE_ADJOINT);
    lower = !lower;
  }
  if (!left) { // x a = b is a' x' = b'
    a = transposed(a, false);
    b = transposed(b, false);
    x = transposed(x, false);
    lower = !lower;
  }
  Matrix column = transposed(x, false); // so that both are walked by their second index
  PjKirVal n = pj_loop_number(l, size);
  PjKirVal c = open(l, zero, pj_loop_number(l, columns)), turn = open(l, zero, n);
  // An upper matrix is solved from its last row.
  PjKirVal i = lower ? turn : pj_kir_sub(k, pj_loop_number(l, size - 1), turn);
  PjKirVal begin = lower ? zero : pj_kir_add(k, i, one), end = lower ? i : n;
  PjElem sum = minus_products(&a, i, &column, c, begin, end, get(&b, i, c));
  if (!unit)
    sum = pj_loop_2(l, PJ_OP_DIVIDE, type->dtype, sum, get(&a, i, i));
  set(&x, i, c, sum);
  close(l);
  close(l);
  pj_loop_close(l, rank - 2, type->dims);
  return true;
}
