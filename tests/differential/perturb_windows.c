// Sums of windows in other orders. See perturb_calls.h.
//
// The configuration: of each dimension the window's size, stride, dilation, the dilation of the
// operand and what it is padded with before, or rather the numbers of that.
#include <stdio.h>
#include <stdlib.h>

#include "eval/eval.h"
#include "eval/float.h"
#include "eval/window.h"
#include "perturb_calls.h"

typedef enum Order { BACKWARD, TREE, SHUFFLED, ORDERS } Order;

typedef struct Sum {
  PjDtype dtype;
  const double *terms;
  const int64_t *order;
  Rand rand;
} Sum;

// As the type rounds; narrow ones are added in float.
static double add(PjDtype dtype, double a, double b) {
  return dtype == PJ_DT_F64 ? a + b : (double)((float)a + (float)b);
}

// Terms [from, to), joined in any tree.
static double sum_tree(Sum *s, int64_t from, int64_t to) {
  if (to - from == 1)
    return s->terms[from];
  int64_t cut = rand_int(&s->rand, from + 1, to - 1);
  double left = sum_tree(s, from, cut);
  return add(s->dtype, left, sum_tree(s, cut, to));
}

static double sum_of(Sum s, Order order, int64_t count) {
  if (order == TREE)
    return sum_tree(&s, 0, count);
  double sum = s.terms[order == BACKWARD ? count - 1 : s.order[0]];
  for (int64_t i = 1; i < count; ++i)
    sum = add(s.dtype, sum, s.terms[order == BACKWARD ? count - 1 - i : s.order[i]]);
  return sum;
}

static void read_window(const PjOp *op, const PjTensor *x, PjWindow *w) {
  PjStr config = PJ_STRATTR(op, backend_config);
  char text[1024];
  snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(config));
  char *at = text;
  w->rank = x->rank;
  for (int32_t d = 0; d < x->rank; ++d) {
    w->in[d] = x->dims[d];
    w->out[d] = op->results[0].type->dims[d];
    int64_t *numbers[] = {&w->size[d], &w->stride[d], &w->dilation[d], &w->base_dilation[d],
                          &w->low[d]};
    for (int i = 0; i < 5; ++i)
      *numbers[i] = strtoll(at, &at, 10);
  }
}

// Advances |at| in the box of |sizes|; false after the last position.
static bool next(int32_t rank, const int64_t *sizes, int64_t *at) {
  for (int32_t d = rank - 1; d >= 0; --d) {
    if (++at[d] < sizes[d])
      return true;
    at[d] = 0;
  }
  return false;
}

// Where in the operand element |k| of window |j| lies, or -1.
static int64_t place_of(const PjWindow *w, const int64_t *j, const int64_t *k) {
  int64_t at = 0;
  for (int32_t d = 0; d < w->rank; ++d) {
    int64_t i = j[d] * w->stride[d] + k[d] * w->dilation[d] - w->low[d];
    if (i < 0 || i % w->base_dilation[d] || i / w->base_dilation[d] >= w->in[d])
      return -1;
    at = at * w->in[d] + i / w->base_dilation[d];
  }
  return at;
}

static void sum_all(const PjWindow *w, Sum s, Order order, int64_t *places, double *terms,
                    PjTensor *const *in, PjTensor *out) {
  size_t part = pj_dtype_bytes(s.dtype), parts = pj_dtype_is_complex(out->dtype) ? 2 : 1;
  int64_t j[PJ_MAX_RANK] = {0}, k[PJ_MAX_RANK] = {0};
  char *to = out->data;
  do {
    int64_t count = 0;
    do
      places[count++] = place_of(w, j, k);
    while (next(w->rank, w->size, k));
    for (size_t p = 0; p < parts; ++p, to += part) {
      const char *x = (const char *)in[0]->data + p * part;
      double initial = terms[0] = pj_double_decode(s.dtype, (const char *)in[1]->data + p * part);
      for (int64_t i = 0; i < count; ++i)
        terms[i + 1] = places[i] < 0
                           ? initial
                           : pj_double_decode(s.dtype, x + (size_t)places[i] * parts * part);
      pj_double_encode(s.dtype, sum_of(s, order, count + 1), to);
    }
  } while (next(w->rank, w->out, j));
}

PjStatus perturb_sum_windows(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                             Rand *rand) {
  PjWindow w;
  read_window(op, in[0], &w);
  int64_t count = 1;
  for (int32_t d = 0; d < w.rank; ++d)
    count *= w.size[d];
  PjTensor *result = out[0] = pj_tensor_new(in[0]->dtype, w.rank, w.out);
  int64_t *order = malloc((size_t)(2 * count + 1) * sizeof *order);
  double *terms = malloc((size_t)(count + 1) * sizeof *terms);
  if (result && order && terms && result->count) {
    rand_order(rand, count + 1, order);
    Sum sum = {pj_dtype_part(result->dtype), terms, order, {rand_bits(rand)}};
    sum_all(&w, sum, (Order)rand_int(rand, 0, ORDERS - 1), order + count + 1, terms, in, result);
  }
  bool fine = result && order && terms;
  free(order);
  free(terms);
  return fine ? PJ_STATUS_OK : pj_status_oom();
}
