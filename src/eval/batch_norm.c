// batch_norm_training, batch_norm_inference and batch_norm_grad, by the formulas of the StableHLO
// specification. Sums and intermediate values are double; only results are rounded to their type.
#include <math.h>

#include "base/alloc.h"
#include "eval/eval.h"
#include "eval/float.h"

// The operand as [outer, features, inner].
typedef struct Layout {
  int64_t outer, features, inner;
} Layout;

static Layout layout_of(const PjTensor *operand, int64_t feature_index) {
  Layout l = {1, operand->dims[feature_index], 1};
  for (int64_t d = 0; d < feature_index; ++d)
    l.outer *= operand->dims[d];
  for (int64_t d = feature_index + 1; d < operand->rank; ++d)
    l.inner *= operand->dims[d];
  return l;
}

static double *new_doubles(PjEval *ev, int64_t count) {
  size_t bytes;
  if (!pj_mul_size((size_t)count, sizeof(double), &bytes))
    pj_arena_exhausted(ev->arena);
  return pj_eval_scratch(ev, bytes);
}

// |tensor| as doubles, in scratch.
static double *load(PjEval *ev, const PjTensor *tensor) {
  double *out = new_doubles(ev, tensor->count);
  const size_t bytes = pj_dtype_bytes(tensor->dtype);
  for (int64_t i = 0; i < tensor->count; ++i)
    out[i] = pj_double_decode(tensor->dtype, (const char *)tensor->data + (size_t)i * bytes);
  return out;
}

// A tensor of |dtype| and the shape of |like| with |values|, which are freed.
static PjTensor *store(PjEval *ev, PjDtype dtype, const PjTensor *like, double *values) {
  PjTensor *out = pj_eval_new_like(ev, dtype, like);
  const size_t bytes = pj_dtype_bytes(dtype);
  for (int64_t i = 0; i < out->count; ++i)
    pj_double_encode(dtype, values[i], (char *)out->data + (size_t)i * bytes);
  pj_eval_free(ev, values);
  return out;
}

// Loops over a Layout |l|: |c| is the feature, |i| the element.
#define EACH(l, c, i)                                                          \
  for (int64_t block_ = 0, i = 0; block_ < (l).outer * (l).features; ++block_) \
    for (int64_t c = block_ % (l).features, end_ = i + (l).inner; i < end_; ++i)

// Sizes known only at run time must agree too: operands 1 .. |vectors| are one number per feature,
// and a further one has the shape of operand 0.
static PjStatus check_sizes(const PjOp *op, const Layout *l, PjTensor *const *in,
                            uint32_t vectors) {
  for (uint32_t i = 1; i <= vectors; ++i)
    if (in[i]->count != l->features)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "operand %u has %lld elements for %lld features", i,
                         (long long)in[i]->count, (long long)l->features);
  for (int32_t d = 0; op->num_operands > vectors + 1 && d < in[0]->rank; ++d)
    if (in[vectors + 1]->dims[d] != in[0]->dims[d])
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "dimension %d of the gradient has size %lld, of the operand %lld", d,
                         (long long)in[vectors + 1]->dims[d], (long long)in[0]->dims[d]);
  return PJ_STATUS_OK;
}

static double epsilon_of(const PjOp *op) {
  return PJ_ATTR(op, epsilon)->f64;
}

static void normalise(const Layout *l, const double *x, const double *scale, const double *offset,
                      const double *mean, const double *variance, double epsilon, double *out) {
  EACH(*l, c, i) out[i] = scale[c] * ((x[i] - mean[c]) / sqrt(variance[c] + epsilon)) + offset[c];
}

PjStatus pj_ev_batch_norm_inference(PjEval *ev, const PjOp *op, PjTensor *const *in,
                                    PjTensor **out) {
  const Layout l = layout_of(in[0], PJ_INT(op, feature_index));
  double *values[5];
  PJ_TRY(check_sizes(op, &l, in, 4));
  for (int i = 0; i < 5; ++i)
    values[i] = load(ev, in[i]);
  normalise(&l, values[0], values[1], values[2], values[3], values[4], epsilon_of(op), values[0]);
  out[0] = store(ev, in[0]->dtype, in[0], values[0]);
  for (int i = 1; i < 5; ++i)
    pj_eval_free(ev, values[i]);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_batch_norm_training(PjEval *ev, const PjOp *op, PjTensor *const *in,
                                   PjTensor **out) {
  const Layout l = layout_of(in[0], PJ_INT(op, feature_index));
  const double count = (double)(l.outer * l.inner);
  PJ_TRY(check_sizes(op, &l, in, 2));
  double *x = load(ev, in[0]), *scale = load(ev, in[1]), *offset = load(ev, in[2]);
  double *mean = new_doubles(ev, l.features), *variance = new_doubles(ev, l.features);
  for (int64_t c = 0; c < l.features; ++c)
    mean[c] = variance[c] = 0;
  EACH(l, c, i) mean[c] += x[i];
  for (int64_t c = 0; c < l.features; ++c)
    mean[c] /= count;
  EACH(l, c, i) variance[c] += (x[i] - mean[c]) * (x[i] - mean[c]);
  for (int64_t c = 0; c < l.features; ++c)
    variance[c] /= count;
  normalise(&l, x, scale, offset, mean, variance, epsilon_of(op), x);
  out[0] = store(ev, in[0]->dtype, in[0], x);
  out[1] = store(ev, in[0]->dtype, in[1], mean);
  out[2] = store(ev, in[0]->dtype, in[1], variance);
  pj_eval_free(ev, scale);
  pj_eval_free(ev, offset);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_batch_norm_grad(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const Layout l = layout_of(in[0], PJ_INT(op, feature_index));
  const double count = (double)(l.outer * l.inner), epsilon = epsilon_of(op);
  PJ_TRY(check_sizes(op, &l, in, 3));
  double *x = load(ev, in[0]), *scale = load(ev, in[1]), *mean = load(ev, in[2]),
         *variance = load(ev, in[3]);
  double *grad = load(ev, in[4]);
  double *grad_scale = new_doubles(ev, l.features), *grad_offset = new_doubles(ev, l.features);
  double *products = new_doubles(ev, l.features); // sums of grad * centred operand
  for (int64_t c = 0; c < l.features; ++c)
    grad_scale[c] = grad_offset[c] = products[c] = 0;
  EACH(l, c, i) {
    const double centred = x[i] - mean[c];
    grad_offset[c] += grad[i];
    products[c] += grad[i] * centred;
    grad_scale[c] += grad[i] * (centred / sqrt(variance[c] + epsilon));
  }
  EACH(l, c, i) {
    const double square = variance[c] + epsilon;
    const double rest = grad[i] * count - grad_offset[c] - products[c] * (x[i] - mean[c]) / square;
    x[i] = scale[c] / sqrt(square) / count * rest;
  }
  out[0] = store(ev, in[0]->dtype, in[0], x);
  out[1] = store(ev, in[0]->dtype, in[1], grad_scale);
  out[2] = store(ev, in[0]->dtype, in[1], grad_offset);
  pj_eval_free(ev, scale);
  pj_eval_free(ev, mean);
  pj_eval_free(ev, variance);
  pj_eval_free(ev, grad);
  pj_eval_free(ev, products);
  return PJ_STATUS_OK;
}
