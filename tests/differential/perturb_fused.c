// Contractions as fused multiply-adds make them. See perturb_calls.h.
//
// To such an instruction a product that overflows is a number, and only the sum is rounded: one
// that is infinite stays so where the product alone would be the other infinity, and their sum NaN.
//
// The configuration: how many batch dimensions, which of the first operand, which of the second;
// then the same of those that are summed.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "eval/float.h"
#include "perturb_calls.h"

// Dimensions that are walked together, the last one fastest: sizes, and strides of both operands.
typedef struct Walk {
  int32_t rank;
  int64_t size[2 * PJ_MAX_RANK], stride[2][2 * PJ_MAX_RANK];
} Walk;

static void add_dim(Walk *w, int64_t size, int64_t a, int64_t b) {
  w->size[w->rank] = size;
  w->stride[0][w->rank] = a;
  w->stride[1][w->rank++] = b;
}

static void read_walks(const PjOp *op, PjTensor *const *in, Walk *outer, Walk *inner) {
  char text[512];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(PJ_STRATTR(op, backend_config)));
  int64_t strides[2][PJ_MAX_RANK];
  bool used[2][PJ_MAX_RANK] = {{false}};
  for (int o = 0; o < 2; ++o)
    for (int64_t d = in[o]->rank - 1, stride = 1; d >= 0; stride *= in[o]->dims[d--])
      strides[o][d] = stride;
  outer->rank = inner->rank = 0;
  char *at = text;
  for (int list = 0; list < 2; ++list) {
    int64_t n = strtoll(at, &at, 10), dims[2][PJ_MAX_RANK];
    for (int o = 0; o < 2; ++o)
      for (int64_t i = 0; i < n; ++i)
        used[o][dims[o][i] = strtoll(at, &at, 10)] = true;
    for (int64_t i = 0; i < n; ++i)
      add_dim(list ? inner : outer, in[0]->dims[dims[0][i]], strides[0][dims[0][i]],
              strides[1][dims[1][i]]);
  }
  for (int o = 0; o < 2; ++o)
    for (int64_t d = 0; d < in[o]->rank; ++d)
      if (!used[o][d])
        add_dim(outer, in[o]->dims[d], o ? 0 : strides[0][d], o ? strides[1][d] : 0);
}

// Goes on to the next position, |at| and both operands' offsets; false after the last.
static bool next(const Walk *w, int64_t *at, int64_t offset[2]) {
  for (int32_t d = w->rank - 1; d >= 0; --d) {
    bool more = ++at[d] < w->size[d];
    for (int o = 0; o < 2; ++o)
      offset[o] += more ? w->stride[o][d] : -w->stride[o][d] * (w->size[d] - 1);
    if (more)
      return true;
    at[d] = 0;
  }
  return false;
}

// Narrow types are summed in float, in which |a| times |b| is exact as a double.
static double add_product(PjDtype dtype, bool fused, double a, double b, double sum) {
  if (dtype == PJ_DT_F64)
    return fused ? fma(a, b, sum) : a * b + sum;
  return fused ? (float)(a * b + sum) : (float)a * (float)b + (float)sum;
}

static double *decode(const PjTensor *x) {
  double *out = malloc((size_t)(x->count + 1) * sizeof *out);
  for (int64_t i = 0; out && i < x->count; ++i)
    out[i] =
        pj_double_decode(x->dtype, (const char *)x->data + (size_t)i * pj_dtype_bytes(x->dtype));
  return out;
}

PjStatus perturb_sum_products(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                              bool fused) {
  const PjType *type = op->results[0].type;
  PjTensor *result = out[0] = pj_tensor_new(type->dtype, type->rank, type->dims);
  double *x[2] = {decode(in[0]), decode(in[1])};
  Walk outer, inner;
  read_walks(op, in, &outer, &inner);
  int64_t terms = 1, i[2 * PJ_MAX_RANK] = {0}, from[2] = {0};
  for (int32_t d = 0; d < inner.rank; ++d)
    terms *= inner.size[d];
  for (int64_t r = 0; result && x[0] && x[1] && r < result->count; ++r) {
    int64_t k[2 * PJ_MAX_RANK] = {0}, at[2] = {from[0], from[1]};
    double sum = 0;
    for (int64_t t = 0; t < terms; ++t) {
      sum = add_product(type->dtype, fused, x[0][at[0]], x[1][at[1]], sum);
      next(&inner, k, at);
    }
    pj_double_encode(type->dtype, sum,
                     (char *)result->data + (size_t)r * pj_dtype_bytes(type->dtype));
    next(&outer, i, from);
  }
  bool fine = result && x[0] && x[1];
  free(x[0]);
  free(x[1]);
  return fine ? PJ_STATUS_OK : pj_status_oom();
}
