// convolution and dynamic_conv with every attribute at random, each element against the sum over
// its window.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "contraction_support.h"

enum { ROUNDS = 400 };

typedef struct Conv {
  int64_t spatial, batch, features, out_features, feature_groups, batch_groups;
  int64_t in[3], window[3], out[3], stride[3], low[3], high[3], in_dilation[3], window_dilation[3],
      reverse[3];
  int64_t in_order[5], kernel_order[5],
      out_order[5]; // batch, feature, spatial..; in, out, spatial..: where they lie
} Conv;

static void random_conv(Conv *v) {
  v->spatial = random_int(0, 3);
  v->feature_groups = v->batch_groups = 1;
  const int64_t kind = random_int(0, 4);
  if (kind == 1)
    v->feature_groups = random_int(2, 4);
  if (kind == 2)
    v->batch_groups = random_int(2, 3);
  v->batch = random_int(1, 2) * v->batch_groups;
  v->features = random_int(1, 2) * v->feature_groups;
  v->out_features = random_int(1, 2) * v->feature_groups * v->batch_groups;
  for (int64_t d = 0; d < v->spatial; ++d) {
    do {
      v->in[d] = random_int(random_int(0, 20) ? 1 : 0, 6);
      v->window[d] = random_int(1, 3);
      v->stride[d] = random_int(1, 2);
      v->low[d] = random_int(-1, 2);
      v->high[d] = random_int(-1, 2);
      v->in_dilation[d] = random_int(1, 2);
      v->window_dilation[d] = random_int(1, 2);
      v->reverse[d] = random_int(0, 1);
      const int64_t padded =
          (v->in[d] ? (v->in[d] - 1) * v->in_dilation[d] + 1 : 0) + v->low[d] + v->high[d];
      const int64_t window = (v->window[d] - 1) * v->window_dilation[d] + 1;
      v->out[d] = padded < 0                   ? -1
                  : window > padded || !padded ? 0
                                               : (padded - window) / v->stride[d] + 1;
    } while (v->out[d] < 0);
  }
  random_order(v->spatial + 2, v->in_order);
  random_order(v->spatial + 2, v->kernel_order);
  random_order(v->spatial + 2, v->out_order);
}

static void place(const Conv *v, const int64_t *order, int64_t first, int64_t second,
                  const int64_t *rest, int64_t *dims) {
  dims[order[0]] = first;
  dims[order[1]] = second;
  for (int64_t d = 0; d < v->spatial; ++d)
    dims[order[2 + d]] = rest[d];
}

// "[b, 0, 1, f]"
static void add_labels(const Conv *v, const int64_t *order, const char *first, const char *second) {
  text_add("[");
  for (int64_t at = 0; at < v->spatial + 2; ++at) {
    if (at)
      text_add(", ");
    for (int64_t d = 0; d < v->spatial + 2; ++d) {
      if (order[d] != at)
        continue;
      if (d < 2)
        text_add("%s", d ? second : first);
      else
        text_add("%" PRId64, d - 2);
    }
  }
  text_add("]");
}

// "[[low, high], ..]"
static void add_padding(const Conv *v) {
  text_add("[");
  for (int64_t d = 0; d < v->spatial; ++d)
    text_add("%s[%" PRId64 ", %" PRId64 "]", d ? ", " : "", v->low[d], v->high[d]);
  text_add("]");
}

// "name = array<i64: 1, 2>, "
static void add_array(const char *name, int64_t count, const int64_t *values) {
  text_add("%s = array<i64%s", name, count ? ": " : "");
  text_list(count, values);
  text_add(">, ");
}

// The element of the result at |batch|, |feature|, |at|, from the definition.
static Value conv_element(const Conv *v, const PjTensor *lhs, const PjTensor *rhs, int64_t batch,
                          int64_t feature, const int64_t *at) {
  const int64_t groups = v->feature_groups > 1 ? v->feature_groups : v->batch_groups;
  const int64_t group = feature / (v->out_features / groups),
                inputs = v->features / v->feature_groups;
  const int32_t rank = (int32_t)v->spatial + 2;
  Value sum = {0};
  for (int64_t w = 0; w < product((int32_t)v->spatial, v->window); ++w) {
    int64_t window[3], position[3];
    bool inside = true;
    unravel(w, (int32_t)v->spatial, v->window, window);
    for (int64_t d = 0; d < v->spatial; ++d) {
      const int64_t p = at[d] * v->stride[d] + window[d] * v->window_dilation[d] - v->low[d];
      inside &= p >= 0 && p % v->in_dilation[d] == 0 && p / v->in_dilation[d] < v->in[d];
      position[d] = p / v->in_dilation[d];
      if (v->reverse[d])
        window[d] = v->window[d] - 1 - window[d];
    }
    for (int64_t i = 0; inside && i < inputs; ++i) {
      int64_t x[5], y[5];
      place(v, v->in_order,
            v->batch_groups > 1 ? group * (v->batch / v->batch_groups) + batch : batch,
            v->feature_groups > 1 ? group * inputs + i : i, position, x);
      place(v, v->kernel_order, i, feature, window, y);
      value_add_product(&sum, value_get(lhs, ravel(rank, lhs->dims, x)),
                        value_get(rhs, ravel(rank, rhs->dims, y)));
    }
  }
  return sum;
}

static void test_convolution(void **state) {
  static const PjDtype dtypes[] = {PJ_DT_F32, PJ_DT_F64,  PJ_DT_S32,
                                   PJ_DT_C64, PJ_DT_BF16, PJ_DT_S8};
  (void)state;
  for (int round = 0; round < ROUNDS; ++round) {
    const PjDtype dtype = dtypes[round % 6];
    Conv v;
    random_conv(&v);
    const bool dynamic = round % 5 == 4 && v.spatial > 0;
    const int32_t rank = (int32_t)v.spatial + 2;
    int64_t lhs_dims[5], rhs_dims[5], dims[5];
    place(&v, v.in_order, v.batch, v.features, v.in, lhs_dims);
    place(&v, v.kernel_order, v.features / v.feature_groups, v.out_features, v.window, rhs_dims);
    place(&v, v.out_order, v.batch / v.batch_groups, v.out_features, v.out, dims);
    PjTensor *a = random_operand(dtype, rank, lhs_dims), *b = random_operand(dtype, rank, rhs_dims);
    char more[64] = "";
    program_start(a, b, dtype, rank, dims);
    if (dynamic) {
      snprintf(more, sizeof more, ", tensor<%" PRId64 "x2xi64>", v.spatial);
      text_add("%%p = stablehlo.constant dense<");
      add_padding(&v);
      text_add("> : tensor<%" PRId64 "x2xi64>\n", v.spatial);
    }
    text_add("%%r = \"stablehlo.%s\"(%%a, %%b%s) {", dynamic ? "dynamic_conv" : "convolution",
             dynamic ? ", %p" : "");
    if (!dynamic && v.spatial) {
      text_add("padding = dense<");
      add_padding(&v);
      text_add("> : tensor<%" PRId64 "x2xi64>, ", v.spatial);
    }
    add_array("window_strides", v.spatial, v.stride);
    add_array("lhs_dilation", v.spatial, v.in_dilation);
    add_array("rhs_dilation", v.spatial, v.window_dilation);
    if (v.spatial)
      text_add("window_reversal = array<i1: ");
    for (int64_t d = 0; d < v.spatial; ++d)
      text_add("%s%s", d ? ", " : "", v.reverse[d] ? "true" : "false");
    text_add("%sdimension_numbers = #stablehlo.conv<", v.spatial ? ">, " : "");
    add_labels(&v, v.in_order, "b", "f");
    text_add("x");
    add_labels(&v, v.kernel_order, "i", "o");
    text_add("->");
    add_labels(&v, v.out_order, "b", "f");
    text_add(">, batch_group_count = %" PRId64 " : i64, feature_group_count = %" PRId64 " : i64}",
             v.batch_groups, v.feature_groups);
    PjTensor *out = program_finish(a, b, more, dtype, rank, dims);
    for (int64_t o = 0; o < out->count; ++o) {
      int64_t index[5], at[3];
      unravel(o, rank, dims, index);
      for (int64_t d = 0; d < v.spatial; ++d)
        at[d] = index[v.out_order[2 + d]];
      expect_sum(out, o, conv_element(&v, a, b, index[v.out_order[0]], index[v.out_order[1]], at),
                 product((int32_t)v.spatial, v.window) * v.features);
    }
    pj_tensor_release(a);
    pj_tensor_release(b);
    pj_tensor_release(out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_convolution)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
