// convolution as loops: over the output, then over the window and the input features of a group.
//
// Output features that lie beside each other in the kernel and in the output are computed in
// vectors, several of them at once so that an input element is read once for all. So are the
// channels of a depthwise convolution.
#include "aot/loops.h"
#include "sched/shape_map.h"

enum { MAX_VECTORS = 4 };

typedef struct Conv {
  PjLoops *l;
  int spatial;
  int64_t in_size[PJ_MAX_RANK], window[PJ_MAX_RANK], out_size[PJ_MAX_RANK];
  int64_t in_stride[PJ_MAX_RANK], kernel_stride[PJ_MAX_RANK],
      out_stride[PJ_MAX_RANK]; // in elements
  const int64_t *stride, *in_dilation, *dilation, *reversal, *padding;
  int64_t in_batch, in_feature, kernel_in, kernel_out, out_batch,
      out_feature; // strides in elements
  int64_t batch, features, group_features,
      out_features; // of the output, of the input, of a group, of a group
  int64_t feature_groups, batch_groups;
  PjDtype in[2], acc, result;
  bool real, depthwise;
  bool skips; // padding, as the evaluator does where a group has one input feature; else padding is
              // zeros, which infinite weights make NaN
  // at hand:
  PjKirVal inside;             // whether the window's place is on an element of the input; 0: it is
  PjKirVal place[PJ_MAX_RANK]; // of the output, spatial
  PjIx input, kernel, out;
  PjIx window_input, window_kernel;
  int vectors, lanes;
} Conv;

static PjElem operand(Conv *c, uint32_t i, PjIx at, int lanes, int64_t step) {
  PjElem value = pj_loop_load(c->l, i, at, lanes, step);
  return c->in[i] == c->acc ? value : pj_elem_convert(c->l->k, c->in[i], c->acc, value);
}

static PjElem multiply_add(Conv *c, PjElem a, PjElem b, PjElem sum) {
  if (c->real)
    return (PjElem){pj_kir_muladd(c->l->k, a.re, b.re, sum.re), 0};
  return pj_loop_2(c->l, PJ_OP_ADD, c->acc, sum, pj_loop_2(c->l, PJ_OP_MULTIPLY, c->acc, a, b));
}

// One input feature at one place of the window.
static void feature_turn(void *context, const PjKirVal *index, PjElem *sums) {
  Conv *c = context;
  PjIxBuilder *ix = &c->l->nest->ix;
  PjIx in = pj_ix_add(ix, c->window_input, pj_loop_at(c->l, 1, index, &c->in_feature));
  PjIx kernel = pj_ix_add(ix, c->window_kernel, pj_loop_at(c->l, 1, index, &c->kernel_in));
  PjElem x = {0, 0};
  if (!c->depthwise) {
    x = operand(c, 0, in, 1, 0);
    if (c->inside)
      x = pj_elem_select(c->l->k, c->inside, x, pj_loop_zero(c->l, c->acc, 1));
    x = pj_elem_splat(c->l->k, x, c->lanes);
  }
  for (int v = 0; v < c->vectors; ++v) {
    int64_t move = (int64_t)v * c->lanes;
    if (c->depthwise)
      x = operand(c, 0, pj_ix_add_number(ix, in, move * c->in_feature), c->lanes, 1);
    PjElem w = operand(c, 1, pj_ix_add_number(ix, kernel, move * c->kernel_out), c->lanes, 1);
    sums[v] = multiply_add(c, x, w, sums[v]);
  }
}

static void features(void *context, const PjKirVal *index, PjElem *sums) {
  Conv *c = context;
  PjKirVal feature;
  pj_loop_carry(c->l, 1, &c->group_features, &feature, (uint32_t)c->vectors, sums, feature_turn, c);
}

// One place of the window.
static void window_turn(void *context, const PjKirVal *index, PjElem *sums) {
  Conv *c = context;
  PjLoops *l = c->l;
  PjKir *k = l->k;
  PjKirVal inside = 0, at[PJ_MAX_RANK], kernel_at[PJ_MAX_RANK];
  for (int s = 0; s < c->spatial; ++s) {
    int64_t low = c->padding[2 * s],
            dilated = c->in_size[s] ? (c->in_size[s] - 1) * c->in_dilation[s] + 1 : 0;
    PjKirVal x = pj_kir_add(k, pj_loop_affine(l, c->place[s], c->stride[s], -low),
                            pj_loop_affine(l, index[s], c->dilation[s], 0));
    kernel_at[s] = c->reversal[s] ? pj_loop_affine(l, index[s], -1, c->window[s] - 1) : index[s];
    int64_t most = (c->out_size[s] - 1) * c->stride[s] - low + (c->window[s] - 1) * c->dilation[s];
    if (low > 0 || most >= dilated) {
      PjKirVal fits =
          pj_kir_2(k, PJ_KIR_ULT, x, pj_loop_number(l, dilated)); // negative ones are large
      inside = inside ? pj_kir_and(k, inside, fits) : fits;
    }
    if (c->in_dilation[s] > 1) {
      // Unsigned, as divisions by powers of two become shifts: what is negative is outside anyway.
      PjKirVal by = pj_loop_number(l, c->in_dilation[s]), zero = pj_loop_number(l, 0);
      PjKirVal fits = pj_kir_eq(k, pj_kir_2(k, PJ_KIR_UREM, x, by), zero);
      inside = inside ? pj_kir_and(k, inside, fits) : fits;
      x = pj_kir_2(k, PJ_KIR_UDIV, x, by);
    }
    at[s] = x;
  }
  PjIxBuilder *ix = &l->nest->ix;
  for (int s = 0; s < c->spatial && inside && !c->skips; ++s)
    at[s] = pj_kir_select(k, inside, at[s], pj_loop_number(l, 0));
  c->window_input = pj_ix_add(ix, c->input, pj_loop_at(l, c->spatial, at, c->in_stride));
  c->window_kernel =
      pj_ix_add(ix, c->kernel, pj_loop_at(l, c->spatial, kernel_at, c->kernel_stride));
  if (c->skips) {
    pj_loop_when(l, inside, index, (uint32_t)c->vectors, sums, features, c);
  } else {
    c->inside = inside;
    features(c, index, sums);
  }
}

// Features [begin, end) of a group in steps of |vectors| * |lanes|.
static void features_range(Conv *c, int64_t begin, int64_t end, int vectors, int lanes) {
  PjLoops *l = c->l;
  PjIxBuilder *ix = &l->nest->ix;
  int64_t step = (int64_t)vectors * lanes;
  if (begin >= end)
    return;
  PjKirVal f = pj_loop_number(l, begin);
  bool many = end - begin > step;
  if (many)
    f = pj_kir_for_begin(l->k, f, pj_loop_number(l, end), pj_loop_number(l, step), 0, NULL, NULL);
  pj_nest_forget(l->nest);
  PjIx kernel = c->kernel, out = c->out, input = c->input;
  c->kernel = pj_ix_add(ix, kernel, pj_loop_at(l, 1, &f, &c->kernel_out));
  c->out = pj_ix_add(ix, out, pj_loop_at(l, 1, &f, &c->out_feature));
  if (c->depthwise)
    c->input = pj_ix_add(ix, input, pj_loop_at(l, 1, &f, &c->in_feature));
  c->vectors = vectors;
  c->lanes = lanes;
  PjElem sums[MAX_VECTORS];
  PjKirVal index[PJ_MAX_RANK];
  for (int v = 0; v < vectors; ++v)
    sums[v] = pj_loop_zero(l, c->acc, lanes);
  pj_loop_carry(l, c->spatial, c->window, index, (uint32_t)vectors, sums, window_turn, c);
  for (int v = 0; v < vectors; ++v) {
    PjElem sum = c->acc == c->result ? sums[v] : pj_elem_convert(l->k, c->acc, c->result, sums[v]);
    pj_loop_store(l, 0, pj_ix_add_number(ix, c->out, (int64_t)v * lanes * c->out_feature), lanes,
                  sum);
  }
  c->kernel = kernel;
  c->out = out;
  c->input = input;
  if (many)
    pj_kir_for_end(l->k, 0, NULL, NULL);
  pj_nest_forget(l->nest);
}

static void all_features(Conv *c) {
  int lanes = pj_loop_lanes(c->l, c->acc);
  bool beside =
      c->real && c->kernel_out == 1 && c->out_feature == 1 && (!c->depthwise || c->in_feature == 1);
  int64_t n = c->out_features;
  if (!beside)
    lanes = 1;
  int vectors = MAX_VECTORS;
  while (vectors > 1 && n < (int64_t)vectors * lanes)
    vectors /= 2;
  if (lanes == 1)
    vectors = 1;
  int64_t step = (int64_t)vectors * lanes, blocks = n / step * step, whole = n / lanes * lanes;
  features_range(c, 0, blocks, vectors, lanes);
  features_range(c, blocks, whole, 1, lanes);
  features_range(c, whole, n, 1, 1);
}

static void read_shapes(Conv *c) {
  const PjOp *op = c->l->op;
  const PjType *in = op->operands[0]->type, *kernel = op->operands[1]->type,
               *out = op->results[0].type;
  uint32_t spatial;
  const int64_t *in_dims = PJ_INTS(op, input_spatial_dimensions, &spatial),
                *kernel_dims = PJ_INTS(op, kernel_spatial_dimensions, NULL),
                *out_dims = PJ_INTS(op, output_spatial_dimensions, NULL);
  int64_t is[PJ_MAX_RANK], ks[PJ_MAX_RANK], os[PJ_MAX_RANK];
  pj_shape_strides(in, is);
  pj_shape_strides(kernel, ks);
  pj_shape_strides(out, os);
  c->spatial = (int)spatial;
  for (uint32_t s = 0; s < spatial; ++s) {
    c->in_size[s] = in->dims[in_dims[s]];
    c->window[s] = kernel->dims[kernel_dims[s]];
    c->out_size[s] = out->dims[out_dims[s]];
    c->in_stride[s] = is[in_dims[s]];
    c->kernel_stride[s] = ks[kernel_dims[s]];
    c->out_stride[s] = os[out_dims[s]];
  }
  c->stride = PJ_INTS(op, window_strides, NULL);
  c->in_dilation = PJ_INTS(op, lhs_dilation, NULL);
  c->dilation = PJ_INTS(op, rhs_dilation, NULL);
  c->reversal = PJ_INTS(op, window_reversal, NULL);
  c->padding = PJ_INTS(op, padding, NULL);
  c->in_batch = is[PJ_INT(op, input_batch_dimension)];
  c->in_feature = is[PJ_INT(op, input_feature_dimension)];
  c->kernel_in = ks[PJ_INT(op, kernel_input_feature_dimension)];
  c->kernel_out = ks[PJ_INT(op, kernel_output_feature_dimension)];
  c->out_batch = os[PJ_INT(op, output_batch_dimension)];
  c->out_feature = os[PJ_INT(op, output_feature_dimension)];
  c->feature_groups = PJ_INT(op, feature_group_count);
  c->batch_groups = PJ_INT(op, batch_group_count);
  c->batch = out->dims[PJ_INT(op, output_batch_dimension)];
  c->group_features = kernel->dims[PJ_INT(op, kernel_input_feature_dimension)];
  int64_t groups = c->feature_groups > 1 ? c->feature_groups : c->batch_groups;
  c->out_features = kernel->dims[PJ_INT(op, kernel_output_feature_dimension)] / groups;
}

bool pj_loop_convolution(PjLoops *l) {
  const PjOp *op = l->op;
  Conv conv = {.l = l}, *c = &conv;
  c->in[0] = op->operands[0]->type->dtype;
  c->in[1] = op->operands[1]->type->dtype;
  c->result = op->results[0].type->dtype;
  c->real = pj_dtype_is_float(c->result);
  c->acc = c->real && c->result != PJ_DT_F64 ? PJ_DT_F32 : c->result;
  read_shapes(c);
  int64_t groups = c->feature_groups > 1 ? c->feature_groups : c->batch_groups;
  c->depthwise = c->feature_groups > 1 && c->group_features == 1 && c->out_features == 1;
  int64_t elements;
  bool empty = !pj_type_num_elements(op->operands[0]->type, &elements) || !elements;
  c->skips = c->feature_groups > 1 && c->group_features == 1 && !pj_dtype_is_complex(c->result);
  c->skips |= empty;  // there is nothing to read instead
  if (c->depthwise) { // Features of all groups side by side.
    c->out_features = groups;
    groups = 1;
  }
  // Batch, places, groups; then features.
  int64_t sizes[PJ_MAX_RANK + 2] = {c->batch};
  PjKirVal index[PJ_MAX_RANK + 2];
  for (int s = 0; s < c->spatial; ++s)
    sizes[1 + s] = c->out_size[s];
  sizes[1 + c->spatial] = groups;
  pj_loop_open(l, 2 + c->spatial, sizes, index);
  PjIxBuilder *ix = &l->nest->ix;
  PjKirVal group = index[1 + c->spatial];
  for (int s = 0; s < c->spatial; ++s)
    c->place[s] = index[1 + s];
  c->input = pj_loop_at(l, 1, index, &c->in_batch);
  int64_t group_input =
      c->feature_groups > 1 ? c->group_features * c->in_feature : c->batch * c->in_batch;
  int64_t group_kernel = c->out_features * c->kernel_out,
          group_out = c->out_features * c->out_feature;
  if (groups > 1)
    c->input = pj_ix_add(ix, c->input, pj_loop_at(l, 1, &group, &group_input));
  c->kernel = pj_loop_at(l, 1, &group, &group_kernel);
  c->out =
      pj_ix_add(ix, pj_loop_at(l, 1, index, &c->out_batch), pj_loop_at(l, 1, &group, &group_out));
  c->out = pj_ix_add(ix, c->out, pj_loop_at(l, c->spatial, c->place, c->out_stride));
  all_features(c);
  pj_loop_close(l, 2 + c->spatial, sizes);
  return true;
}
