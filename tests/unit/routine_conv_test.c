// convolution by routine and by evaluator, over dimension numbers, windows and types.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "routine_support.h"

typedef struct Conv {
  int32_t spatial;
  int64_t batch, features, out_features, feature_groups, batch_groups;
  int64_t in[3], window[3], stride[3], in_dilation[3], window_dilation[3], padding[6], reversal[3];
  int layout[3]; // of input, kernel, output: where batch and feature (in, out) stand; see place()
} Conv;

// Dimensions of an array of two special ones and |spatial| others, for a layout: positions of the
// special ones.
static void place(int32_t spatial, int layout, int64_t *first, int64_t *second, int64_t *others) {
  const int64_t rank = spatial + 2;
  static const int64_t places[6][2] = {{0, -1}, {0, 1}, {-1, 0}, {-2, -1}, {-1, -2}, {1, 0}};
  *first = (places[layout][0] + rank) % rank;
  *second = (places[layout][1] + rank) % rank;
  for (int64_t d = 0, at = 0; d < rank; ++d)
    if (d != *first && d != *second)
      others[at++] = d;
}

static int by_window, by_lines, by_spread, by_winograd; // cases that conv_window.c, ... computed
static const char *precision = "";
static bool special_window;

static void check(const Conv *c, PjDtype in_type, PjDtype out_type, bool special) {
  int64_t batch_dim, feature_dim, in_dims[3], k_in, k_out, kernel_dims[3], out_batch, out_feature,
      out_dims[3];
  int64_t in[5], kernel[5], out[5];
  const int32_t rank = c->spatial + 2;
  place(c->spatial, c->layout[0], &batch_dim, &feature_dim, in_dims);
  place(c->spatial, c->layout[1], &k_in, &k_out, kernel_dims);
  place(c->spatial, c->layout[2], &out_batch, &out_feature, out_dims);
  in[batch_dim] = c->batch;
  in[feature_dim] = c->features;
  kernel[k_in] = c->features / c->feature_groups;
  kernel[k_out] = c->out_features;
  out[out_batch] = c->batch / c->batch_groups;
  out[out_feature] = c->out_features;
  double sums = (double)kernel[k_in];
  for (int32_t d = 0; d < c->spatial; ++d) {
    in[in_dims[d]] = c->in[d];
    kernel[kernel_dims[d]] = c->window[d];
    sums *= (double)c->window[d];
    const int64_t padded = (c->in[d] ? (c->in[d] - 1) * c->in_dilation[d] + 1 : 0) +
                           c->padding[2 * d] + c->padding[2 * d + 1];
    const int64_t window = c->window[d] ? (c->window[d] - 1) * c->window_dilation[d] + 1 : 0;
    out[out_dims[d]] = padded <= 0 || window > padded ? 0 : (padded - window) / c->stride[d] + 1;
  }
  text_start();
  text_add("func.func @main(%%a: ");
  text_type(in_type, rank, in);
  text_add(", %%b: ");
  text_type(in_type, rank, kernel);
  text_add(") -> ");
  text_type(out_type, rank, out);
  text_add(" {\n  %%r = \"stablehlo.convolution\"(%%a, %%b) <{batch_group_count = %d : i64, "
           "feature_group_count = %d : i64, "
           "dimension_numbers = #stablehlo.conv<raw input_batch_dimension = %d, "
           "input_feature_dimension = %d, "
           "input_spatial_dimensions = [",
           (int)c->batch_groups, (int)c->feature_groups, (int)batch_dim, (int)feature_dim);
  text_list(c->spatial, in_dims);
  text_add("], kernel_input_feature_dimension = %d, kernel_output_feature_dimension = %d, "
           "kernel_spatial_dimensions = [",
           (int)k_in, (int)k_out);
  text_list(c->spatial, kernel_dims);
  text_add("], output_batch_dimension = %d, output_feature_dimension = %d, "
           "output_spatial_dimensions = [",
           (int)out_batch, (int)out_feature);
  text_list(c->spatial, out_dims);
  text_add("]>%s", precision);
  if (c->spatial) {
    static const char *const names[] = {"window_strides", "lhs_dilation", "rhs_dilation"};
    const int64_t *const lists[] = {c->stride, c->in_dilation, c->window_dilation};
    for (int i = 0; i < 3; ++i) {
      text_add(", %s = array<i64: ", names[i]);
      text_list(c->spatial, lists[i]);
      text_add(">");
    }
    text_add(", window_reversal = array<i1: ");
    for (int32_t d = 0; d < c->spatial; ++d)
      text_add("%s%s", d ? ", " : "", c->reversal[d] ? "true" : "false");
    text_add(">, padding = dense<[");
    for (int32_t d = 0; d < c->spatial; ++d)
      text_add("%s[%d, %d]", d ? ", " : "", (int)c->padding[2 * d], (int)c->padding[2 * d + 1]);
    text_add("]> : tensor<%dx2xi64>", c->spatial);
  }
  text_add("}> : (");
  text_type(in_type, rank, in);
  text_add(", ");
  text_type(in_type, rank, kernel);
  text_add(") -> ");
  text_type(out_type, rank, out);
  text_add("\n  return %%r : ");
  text_type(out_type, rank, out);
  text_add("\n}\n");
  PjTensor *inputs[] = {random_tensor(in_type, rank, in, special),
                        random_tensor(in_type, rank, kernel, special_window)};
  check_routine(text_get(), PJ_OP_CONVOLUTION, 2, inputs, MATCH_SUM, 2 * sums + 8);
  RoutineCase chosen;
  routine_open(text_get(), PJ_OP_CONVOLUTION, &chosen);
  by_window += chosen.routine && !strcmp(chosen.routine->name, "conv_window");
  by_lines += chosen.routine && !strcmp(chosen.routine->name, "conv_lines");
  by_spread += chosen.routine && !strcmp(chosen.routine->name, "conv_spread");
  by_winograd += chosen.routine && !strcmp(chosen.routine->name, "conv_winograd");
  routine_close(&chosen);
  for (int i = 0; i < 2; ++i)
    pj_tensor_release(inputs[i]);
}

static const PjDtype types[][2] = {{PJ_DT_F32, PJ_DT_F32},    {PJ_DT_F64, PJ_DT_F64},
                                   {PJ_DT_BF16, PJ_DT_BF16},  {PJ_DT_F16, PJ_DT_F16},
                                   {PJ_DT_S8, PJ_DT_S32},     {PJ_DT_S32, PJ_DT_S32},
                                   {PJ_DT_F8E5M2, PJ_DT_F32}, {PJ_DT_S64, PJ_DT_S64}};

static void random_windows(void **state) {
  (void)state;
  for (size_t t = 0; t < sizeof types / sizeof *types; ++t)
    for (int round = 0; round < 60; ++round) {
      Conv c = {.spatial = (int32_t)random_int(0, 3),
                .batch = random_int(1, 4),
                .feature_groups = 1,
                .batch_groups = 1};
      c.features = random_int(0, 12) ? random_int(1, 9) : 0;
      c.out_features = random_int(1, 20);
      if (round % 4 == 1) {
        c.feature_groups = random_int(1, 5);
        c.features = c.feature_groups * random_int(1, 3);
        c.out_features = c.feature_groups * random_int(1, 3);
      } else if (round % 4 == 2) {
        c.batch_groups = random_int(1, 4);
        c.batch = c.batch_groups * random_int(1, 2);
        c.out_features = c.batch_groups * random_int(1, 3);
      }
      for (int32_t d = 0; d < c.spatial; ++d) {
        c.in[d] = random_int(0, 20) ? random_int(1, d ? 9 : 40) : 0;
        c.window[d] = random_int(1, 4);
        c.stride[d] = random_int(0, 1) ? 1 : random_int(1, 3);
        c.in_dilation[d] = random_int(0, 2) ? 1 : random_int(1, 3);
        c.window_dilation[d] = random_int(0, 2) ? 1 : random_int(1, 3);
        c.padding[2 * d] = random_int(0, 1) ? random_int(-1, 4) : 0;
        c.padding[2 * d + 1] = random_int(0, 1) ? random_int(-1, 4) : 0;
        c.reversal[d] = random_int(0, 3) == 0;
      }
      // Layouts with features between spatial dimensions are the evaluator's.
      c.layout[0] = (int)random_int(0, 5);
      c.layout[1] = (int)random_int(0, 5);
      static const int outs[] = {0, 1, 2, 3, 5};
      c.layout[2] = outs[random_int(0, c.spatial > 1 ? 3 : 4)];
      if (c.layout[2] == 5 || (c.spatial > 0 && c.layout[2] == 4))
        c.layout[2] = 0;
      check(&c, types[t][0], types[t][1], round % 3 == 0);
    }
}

// Sizes of real networks, smaller: both usual layouts, gradients, depthwise.
static void usual(void **state) {
  (void)state;
  for (int layout = 0; layout < 2; ++layout)
    for (int kind = 0; kind < 7; ++kind) {
      Conv c = {.spatial = 2,
                .batch = 2,
                .features = 24,
                .out_features = 40,
                .feature_groups = 1,
                .batch_groups = 1,
                .in = {15, 17},
                .window = {3, 3},
                .stride = {1, 1},
                .in_dilation = {1, 1},
                .window_dilation = {1, 1},
                .padding = {1, 1, 1, 1},
                .layout = {layout, layout ? 2 : 3, layout}};
      switch (kind) {
      case 0:
        break;
      case 1:
        c.stride[0] = c.stride[1] = 2;
        break;
      case 2: // transposed
        c.in_dilation[0] = c.in_dilation[1] = 2;
        c.padding[0] = c.padding[2] = 2;
        break;
      case 3:
        c.window[0] = c.window[1] = 1;
        c.padding[0] = c.padding[1] = c.padding[2] = c.padding[3] = 0;
        break;
      case 4: // depthwise
        c.feature_groups = c.out_features = c.features = 48;
        break;
      case 5: // its gradient by the kernel: batches are features
        c.batch = c.batch_groups = c.out_features = 48;
        c.features = 3;
        c.window[0] = 13;
        c.window[1] = 15;
        c.layout[0] = layout ? 5 : 2;
        break;
      case 6: // a large window with few features
        c.features = 3;
        c.window[0] = c.window[1] = 7;
        c.stride[0] = c.stride[1] = 2;
        c.padding[0] = c.padding[1] = c.padding[2] = c.padding[3] = 3;
        break;
      }
      for (size_t t = 0; t < 4; ++t)
        check(&c, types[t][0], types[t][1], false);
    }
}

// Features first, of many sizes: planes and copies of them, blocks of the sum, whole and partial
// vectors and tiles, weights as they lie (OIHW), turned and packed.
// Groups of a few features, features last: vectors of some groups, or of one.
static void few_features(void **state) {
  (void)state;
  for (int round = 0; round < 24; ++round) {
    static const int64_t few[] = {2, 4, 8, 16};
    const int64_t features = few[round % 4], groups = random_int(1, 6) * 16 / features;
    Conv c = {.spatial = 1 + round % 3,
              .batch = random_int(1, 3),
              .features = groups * features,
              .out_features = groups * features,
              .feature_groups = groups,
              .batch_groups = 1,
              .layout = {0, round % 3 + 1, 0}};
    for (int32_t d = 0; d < c.spatial; ++d) {
      c.in[d] = random_int(5, d ? 9 : 40);
      c.window[d] = random_int(1, 4);
      c.stride[d] = random_int(1, 2);
      c.in_dilation[d] = 1 + (round % 8 == 7);
      c.window_dilation[d] = random_int(1, 2);
      c.padding[2 * d] = random_int(-1, 3);
      c.padding[2 * d + 1] = random_int(-1, 3);
    }
    check(&c, PJ_DT_F32, PJ_DT_F32, round % 3 == 0);
  }
}

// Features last: rows of positions of several tasks, tiles of quads of several rows, quads and
// vectors that are not full, columns that are cut, windows of one run and of many.
static void lines(void **state) {
  (void)state;
  by_lines = 0;
  for (int round = 0; round < 60; ++round) {
    const int64_t groups = round % 6 == 5 ? 2 : 1;
    Conv c = {.spatial = 1 + round % 3,
              .batch = random_int(1, 3),
              .features = groups * random_int(3, 20),
              .out_features = groups * random_int(6, 70),
              .feature_groups = groups,
              .batch_groups = 1,
              .layout = {0, random_int(0, 5), 0}};
    for (int32_t d = 0; d < c.spatial; ++d) {
      static const int64_t most[] = {3000, 60, 12};
      c.window[d] = random_int(1, 4);
      c.stride[d] = random_int(0, 2) ? 1 : random_int(2, 3);
      c.in_dilation[d] = 1;
      c.window_dilation[d] = random_int(0, 2) ? 1 : random_int(2, 3);
      c.padding[2 * d] = random_int(-1, 4);
      c.padding[2 * d + 1] = random_int(-1, 4);
      c.reversal[d] = random_int(0, 3) == 0;
      c.in[d] = d < c.spatial - 1 ? random_int(1, 9) : random_int(12, most[c.spatial - 1]);
    }
    check(&c, PJ_DT_F32, PJ_DT_F32, round % 3 == 0);
    if (round % 4 == 1)
      check(&c, PJ_DT_F64, PJ_DT_F64, round % 8 == 5);
  }
  assert_true(by_lines > 25);
}

// Groups of one feature, features last: neighbouring positions together, vectors that overlap,
// edges.
static void depthwise(void **state) {
  (void)state;
  for (int round = 0; round < 48; ++round) {
    const int64_t groups = random_int(2, 90);
    Conv c = {.spatial = 1 + round % 3,
              .batch = random_int(1, 3),
              .features = groups,
              .out_features = groups,
              .feature_groups = groups,
              .batch_groups = 1,
              .layout = {0, round % 3 + 1, 0}};
    for (int32_t d = 0; d < c.spatial; ++d) {
      c.in[d] = random_int(5, d < c.spatial - 1 ? 7 : 80);
      c.window[d] = random_int(1, 5);
      c.stride[d] = round % 2 ? 1 : random_int(1, 3);
      c.in_dilation[d] = 1 + (round % 8 == 7);
      c.window_dilation[d] = random_int(1, 2);
      c.padding[2 * d] = random_int(-1, 3);
      c.padding[2 * d + 1] = random_int(-1, 3);
    }
    const PjDtype type = round % 4 == 3 ? PJ_DT_F64 : PJ_DT_F32;
    check(&c, type, type, round % 3 == 0);
  }
}

// Inputs with holes, features first: two phases take turns in a row, which ends with either.
static void turns(void **state) {
  (void)state;
  for (int round = 0; round < 48; ++round) {
    Conv c = {.spatial = 1 + round % 3,
              .batch = random_int(1, 3),
              .features = random_int(8, 40),
              .out_features = random_int(8, 40),
              .feature_groups = 1,
              .batch_groups = 1,
              .layout = {1, random_int(0, 2) ? 5 : (int)random_int(0, 5), 1}};
    for (int32_t d = 0; d < c.spatial; ++d) {
      c.in[d] = random_int(1, d < c.spatial - 1 ? 5 : 30);
      c.window[d] = random_int(1, 5);
      c.stride[d] = c.window_dilation[d] = 1;
      c.in_dilation[d] = d < c.spatial - 1 ? random_int(1, 3) : round % 12 == 11 ? 3 : 2;
      c.padding[2 * d] = random_int(-1, 4);
      c.padding[2 * d + 1] = random_int(-1, 4);
      c.reversal[d] = random_int(0, 3) == 0;
    }
    const PjDtype type = types[round % 4 == 3 ? round / 4 % 4 : 0][0];
    check(&c, type, type, round % 3 == 0);
  }
}

// Windows with what is not finite, of ways that leave out zeros, or multiply those that are left
// out: depthwise and its gradients, several features for one, holes.
static void infinite_windows(void **state) {
  (void)state;
  special_window = true;
  for (int round = 0; round < 90; ++round) {
    const int kind = round % 5;
    const int64_t groups = random_int(8, 40);
    Conv c = {.spatial = 1 + round % 2,
              .batch = random_int(1, 3),
              .features = groups,
              .out_features = groups,
              .feature_groups = groups,
              .batch_groups = 1,
              .layout = {round / 5 % 2, round / 5 % 2 ? 5 : 2, round / 5 % 2}};
    for (int32_t d = 0; d < c.spatial; ++d) {
      c.in[d] = random_int(5, 17);
      c.window[d] = random_int(2, 4);
      c.stride[d] = random_int(1, 2);
      c.window_dilation[d] = 1;
      c.in_dilation[d] = kind == 3 || kind == 4 ? c.stride[d] = 1, 2 : 1;
      c.padding[2 * d] = random_int(-1, 3);
      c.padding[2 * d + 1] = random_int(-1, 3);
    }
    if (kind == 1) { // the gradient by the window
      c.feature_groups = 1;
      c.batch = c.batch_groups = groups;
      c.features = random_int(1, 3);
      c.layout[0] = round / 5 % 2 ? 5 : 2;
      for (int32_t d = 0; d < c.spatial; ++d) {
        c.window[d] = c.in[d] - random_int(0, 3);
        c.stride[d] = 1;
      }
    } else if (kind == 2) {
      c.features *= 2;
    } else if (kind == 3) {
      c.feature_groups = 1;
    }
    check(&c, PJ_DT_F32, PJ_DT_F32, false);
    if (round % 5 == 1)
      check(&c, PJ_DT_F64, PJ_DT_F64, false);
  }
  special_window = false;
}

static void features_first(void **state) {
  (void)state;
  for (int round = 0; round < 90; ++round) {
    Conv c = {.spatial = round % 10 == 9   ? 3
                         : round % 10 == 8 ? 1
                                           : 2,
              .batch = random_int(1, 5),
              .features = random_int(1, round % 3 ? 9 : 150),
              .out_features = random_int(1, round % 2 ? 12 : 70),
              .feature_groups = 1,
              .batch_groups = 1,
              .layout = {1, random_int(0, 2) ? 5 : (int)random_int(0, 5), 1}};
    if (round % 5 == 4) {
      c.feature_groups = random_int(2, 4);
      c.features = c.feature_groups * random_int(2, 6);
      c.out_features = c.feature_groups * random_int(1, 9);
    }
    for (int32_t d = 0; d < c.spatial; ++d) {
      const bool point = random_int(0, 3) == 0;
      c.in[d] = random_int(1, c.spatial == 3 ? 9 : round % 7 ? 20 : 60);
      c.window[d] = point ? 1 : random_int(1, 5);
      c.stride[d] = random_int(0, 2) ? 1 : random_int(2, 3);
      c.in_dilation[d] = random_int(0, 7) ? 1 : 2;
      c.window_dilation[d] = random_int(0, 3) ? 1 : random_int(2, 3);
      c.padding[2 * d] = point ? 0 : random_int(-1, 5);
      c.padding[2 * d + 1] = point ? 0 : random_int(-1, 5);
      c.reversal[d] = random_int(0, 3) == 0;
    }
    for (size_t t = 0; t < 4; ++t)
      if (t == 0 || (size_t)round % 4 == t)
        check(&c, types[t][0], types[t][1], round % 3 == 0);
  }
}

// Gradients by the window, features first: windows as large as the input, batch and features
// exchanged, strides as dilation.
static void window_gradients(void **state) {
  (void)state;
  for (int round = 0; round < 60; ++round) {
    Conv c = {.spatial = round % 8 == 7   ? 3
                         : round % 8 == 6 ? 1
                                          : 2,
              .batch = random_int(1, 20),
              .features = random_int(1, 9),
              .out_features = random_int(1, round % 2 ? 9 : 50),
              .feature_groups = 1,
              .batch_groups = 1,
              .layout = {5, 3, 5}};
    if (round % 5 == 4) {
      c.batch_groups = random_int(2, 4);
      c.batch *= c.batch_groups;
      c.out_features = c.batch_groups * random_int(1, 5);
    }
    c.layout[0] = 5, c.layout[1] = random_int(0, 5) ? 1 : 5, c.layout[2] = 5;
    for (int32_t d = 0; d < c.spatial; ++d) {
      const int64_t taps = random_int(1, 4), step = random_int(1, 2);
      c.window[d] = random_int(1, c.spatial == 3 ? 7 : 33);
      c.stride[d] = random_int(0, 4) ? 1 : 2;
      c.in_dilation[d] = 1;
      c.window_dilation[d] = step;
      c.padding[2 * d] = taps == 1 ? 0 : random_int(0, 2);
      c.in[d] = (c.window[d] - 1) * step + 1 + random_int(0, step - 1);
      c.padding[2 * d + 1] =
          (taps - 1) * c.stride[d] + (c.window[d] - 1) * step + 1 - c.in[d] - c.padding[2 * d];
    }
    for (size_t t = 0; t < 4; ++t)
      if (t == 0 || (size_t)round % 4 == t)
        check(&c, types[t][0], types[t][1], round % 3 == 0);
  }
}

// The same with features last and first, for windows that are copied: one and several images in a
// block, features and taps in several tasks, taps that are neighbours and that are not, edges of
// tiles.
static void large_windows(void **state) {
  (void)state;
  static const int64_t features[] = {3, 16, 1, 70, 64, 24, 37, 48}, outputs[] = {40, 12, 300, 33};
  int volumes = 0, few = 0;
  by_window = 0;
  for (int round = 0; round < 60; ++round) {
    const bool last = round % 3 != 2;
    Conv c = {.spatial = round % 8 == 7   ? 1
                         : round % 4 == 2 ? 3
                                          : 2,
              .batch = features[round % 8],
              .features = random_int(1, 5),
              .out_features = round % 10 ? outputs[round % 3 ? random_int(0, 1) : 3] : outputs[2],
              .feature_groups = 1,
              .batch_groups = 1,
              .layout = {last ? 2 : 5, last ? 0 : 1, last ? 3 : 5}};
    if (round % 5 == 4) {
      c.batch_groups = 2;
      c.batch = 2 * random_int(10, 20);
      c.out_features = 2 * random_int(12, 40);
    }
    if (round % 7 == 5) // less than a vector of output features
      c.out_features = c.batch_groups * random_int(6, 8);
    if (round % 7 == 6)
      c.layout[2] = 1; // features neither last nor first in the result
    for (int32_t d = 0; d < c.spatial; ++d) {
      const int64_t taps = round % 6 == 5 ? random_int(1, 7) : random_int(1, 3),
                    step = random_int(1, 2);
      c.window[d] = c.spatial == 1   ? random_int(97, 600)
                    : c.spatial == 3 ? random_int(last ? 5 : 7, 9)
                                     : random_int(last ? 10 : 17, 36);
      c.stride[d] = random_int(0, 4) ? 1 : 2;
      c.in_dilation[d] = 1;
      c.window_dilation[d] = step;
      c.padding[2 * d] = taps == 1 ? 0 : random_int(-1, 2);
      c.in[d] = (c.window[d] - 1) * step + 1 + random_int(0, step + 1);
      c.padding[2 * d + 1] =
          (taps - 1) * c.stride[d] + (c.window[d] - 1) * step + 1 - c.in[d] - c.padding[2 * d];
    }
    const int before = by_window;
    check(&c, PJ_DT_F32, PJ_DT_F32, round % 4 == 3);
    volumes += c.spatial == 3 && by_window > before;
    few += c.out_features / c.batch_groups <= 8 && by_window > before;
    if (round % 4 == 1)
      check(&c, PJ_DT_F64, PJ_DT_F64, round % 8 == 5);
  }
  assert_true(by_window > 20);
  assert_true(volumes > 5);
  assert_true(few > 3);
}

// Inputs with holes: phases with and without places of the window, turned windows, groups, numbers
// that are not finite.
static void holes(void **state) {
  (void)state;
  for (int kind = 0; kind < 24; ++kind) {
    Conv c = {.spatial = 1 + kind % 3,
              .batch = 2,
              .features = 8,
              .out_features = 12,
              .feature_groups = kind % 4 == 3 ? 2 : 1,
              .batch_groups = 1,
              .in = {9, 7, 5},
              .window = {random_int(1, 4), random_int(2, 5), 3},
              .stride = {1, 1, 1},
              .in_dilation = {random_int(2, 4), random_int(1, 3), random_int(1, 2)},
              .window_dilation = {1, 1, 1},
              .reversal = {kind % 2, random_int(0, 1), random_int(0, 1)},
              .layout = {kind % 2, kind % 2 ? 2 : 3, kind % 2}};
    for (int i = 0; i < 6; ++i)
      c.padding[i] = random_int(-1, 4);
    for (size_t t = 0; t < 4; ++t)
      check(&c, types[t][0], types[t][1], kind % 3 == 2);
  }
}

// Few output features, and inputs with many holes: windows that overlap and that do not, rows that
// no element reaches, edges, windows that are turned, features last and first.
static void few_outputs(void **state) {
  (void)state;
  by_spread = 0;
  for (int round = 0; round < 48; ++round) {
    const bool first = round % 4 == 3;
    Conv c = {.spatial = first ? 2 : 1 + round % 3,
              .batch = random_int(1, 3),
              .features = random_int(8, 40),
              .out_features = random_int(1, first ? 20 : 8),
              .feature_groups = 1,
              .batch_groups = 1,
              .layout = {first, random_int(0, 5), first}};
    for (int32_t d = 0; d < c.spatial; ++d) {
      c.in[d] = random_int(1, c.spatial == 1 ? 60 : 7);
      c.window[d] = random_int(2, 6);
      c.stride[d] = 1;
      c.in_dilation[d] = first ? random_int(4, 6) : random_int(1, 5);
      c.window_dilation[d] = d < c.spatial - 1 ? random_int(1, 2) : 1;
      c.padding[2 * d] = random_int(-1, 6);
      c.padding[2 * d + 1] = random_int(-1, 6);
      c.reversal[d] = random_int(0, 3) == 0;
    }
    check(&c, PJ_DT_F32, PJ_DT_F32, round % 3 == 0);
    if (round % 4 == 1)
      check(&c, PJ_DT_F64, PJ_DT_F64, round % 8 == 5);
  }
  assert_true(by_spread > 25);
}

// Windows of 3 x 3: tiles over the edges, several blocks of them, windows that are turned, numbers
// that are not finite; and by more multiplications for another precision.
static void fewer_multiplications(void **state) {
  (void)state;
  static const int64_t features[] = {64, 80, 96, 112};
  by_winograd = 0;
  for (int round = 0; round < 40; ++round) {
    Conv c = {
        .spatial = 2,
        .batch = random_int(1, 4),
        .features = features[random_int(0, 3)],
        .out_features = features[random_int(0, 3)],
        .feature_groups = 1,
        .batch_groups = 1,
        .window = {3, 3},
        .stride = {1, 1},
        .in_dilation = {1, 1},
        .window_dilation = {1, 1},
        .layout = {round % 2, round % 3 ? (round % 2 ? 5 : 3) : (int)random_int(0, 5), round % 2}};
    for (int d = 0; d < 2; ++d) {
      c.in[d] = random_int(6, 21);
      c.padding[2 * d] = random_int(-1, 2);
      c.padding[2 * d + 1] = random_int(-1, 2);
      c.reversal[d] = random_int(0, 3) == 0;
      if (round % 8 == 2) {
        c.window_dilation[d] = random_int(1, 3);
        c.in[d] += 20;
      }
    }
    check(&c, PJ_DT_F32, PJ_DT_F32, round % 9 == 8);
  }
  assert_true(by_winograd > 20);
  by_winograd = 0;
  for (int round = 0; round < 16; ++round) { // gradients by the window
    Conv c = {.spatial = 2,
              .batch = features[random_int(0, 3)],
              .features = random_int(1, 5),
              .out_features = features[random_int(0, 3)],
              .feature_groups = 1,
              .batch_groups = 1,
              .stride = {1, 1},
              .in_dilation = {1, 1},
              .window_dilation = {1, 1},
              .layout = {2, 0, 3}};
    for (int d = 0; d < 2; ++d) {
      c.in[d] = random_int(8, 21);
      c.padding[2 * d] = random_int(-1, 2);
      c.padding[2 * d + 1] = random_int(-1, 2);
      c.window[d] = c.in[d] + c.padding[2 * d] + c.padding[2 * d + 1] - 2;
    }
    check(&c, PJ_DT_F32, PJ_DT_F32, round % 9 == 8);
  }
  assert_true(by_winograd > 8);
  const Conv one = {.spatial = 2,
                    .batch = 2,
                    .features = 64,
                    .out_features = 64,
                    .feature_groups = 1,
                    .batch_groups = 1,
                    .in = {14, 14},
                    .window = {3, 3},
                    .stride = {1, 1},
                    .in_dilation = {1, 1},
                    .window_dilation = {1, 1},
                    .layout = {0, 3, 0}};
  Conv few = one; // its direct sums are the more exact ones
  few.features = 48;
  by_winograd = 0;
  check(&few, PJ_DT_F32, PJ_DT_F32, false);
  assert_int_equal(by_winograd, 0);
  static const char *const configs[] = {"DEFAULT", "HIGH", "HIGHEST"};
  for (int i = 0; i < 3; ++i) {
    char text[120];
    snprintf(text, sizeof text,
             ", precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision %s>]",
             configs[i]);
    precision = text;
    by_winograd = 0;
    check(&one, PJ_DT_F32, PJ_DT_F32, false);
    assert_int_equal(by_winograd, i == 0);
  }
  precision = "";
}

static void avx2(void **state) {
  pj_cpu_limit(PJ_CPU_AVX2 | PJ_CPU_F16C);
  few_features(state);
  depthwise(state);
  lines(state);
  few_outputs(state);
  usual(state);
  features_first(state);
  large_windows(state);
  fewer_multiplications(state);
  pj_cpu_limit(~0u);
}
static void plain_instructions(void **state) {
  pj_cpu_limit(0);
  usual(state);
  depthwise(state);
  features_first(state);
  window_gradients(state);
  large_windows(state);
  fewer_multiplications(state);
  pj_cpu_limit(~0u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_windows),
                                     cmocka_unit_test(usual),
                                     cmocka_unit_test(few_features),
                                     cmocka_unit_test(depthwise),
                                     cmocka_unit_test(lines),
                                     cmocka_unit_test(few_outputs),
                                     cmocka_unit_test(avx2),
                                     cmocka_unit_test(features_first),
                                     cmocka_unit_test(turns),
                                     cmocka_unit_test(infinite_windows),
                                     cmocka_unit_test(window_gradients),
                                     cmocka_unit_test(holes),
                                     cmocka_unit_test(plain_instructions),
                                     cmocka_unit_test(large_windows),
                                     cmocka_unit_test(fewer_multiplications)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
