// reduce, reduce_window, select_and_scatter, map and scan against folds over explicit lists of the
// elements that the specification names, in its order.
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "evaluate.h"

enum { ROUNDS = 200, MAX = 8 };

// Monoids on pairs of 32-bit integers; |q| is unused by those of one operand.
typedef struct Pair {
  uint32_t p, q;
} Pair;

typedef struct Body {
  const char *text; // of %p, %q (first arguments) and %s, %t (second), defines %y and, of two, %z
  int operands;
  bool commutes;
  Pair neutral;
  Pair (*apply)(Pair a, Pair b);
} Body;

static Pair add(Pair a, Pair b) {
  return (Pair){a.p + b.p, 0};
}
static Pair maximum(Pair a, Pair b) {
  return (int32_t)a.p > (int32_t)b.p ? a : b;
}
static Pair first(Pair a, Pair b) {
  return (Pair){a.p ? a.p : b.p, 0};
}
static Pair affine(Pair a, Pair b) {
  return (Pair){a.p * b.p, a.q * b.p + b.q};
}

static const Body bodies[] = {
    {"%y = stablehlo.add %p, %s : tensor<i32>\n", 1, true, {0, 0}, add},
    {"%y = stablehlo.maximum %s, %p : tensor<i32>\n", 1, true, {0x80000000u, 0}, maximum},
    // The first that is not 0: associative, does not commute.
    {"%zero = stablehlo.constant dense<0> : tensor<i32>\n"
     "%c = stablehlo.compare NE, %p, %zero : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
     "%y = stablehlo.select %c, %p, %s : tensor<i1>, tensor<i32>\n",
     1,
     false,
     {0, 0},
     first},
    // x -> p * x + q, composed: two operands, does not commute.
    {"%y = stablehlo.multiply %p, %s : tensor<i32>\n"
     "%m = stablehlo.multiply %q, %s : tensor<i32>\n"
     "%z = stablehlo.add %m, %t : tensor<i32>\n",
     2,
     false,
     {1, 0},
     affine},
    // The same through the region: something in it is no scalar.
    {"%y = stablehlo.multiply %p, %s : tensor<i32>\n"
     "%v = stablehlo.reshape %q : (tensor<i32>) -> tensor<1xi32>\n"
     "%w = stablehlo.reshape %v : (tensor<1xi32>) -> tensor<i32>\n"
     "%m = stablehlo.multiply %w, %s : tensor<i32>\n"
     "%z = stablehlo.add %m, %t : tensor<i32>\n",
     2,
     false,
     {1, 0},
     affine},
};

static void add_region(const Body *body) {
  text_add(body->operands == 1
               ? "({\n^bb0(%%p: tensor<i32>, %%s: tensor<i32>):\n%s"
                 "stablehlo.return %%y : tensor<i32>\n})"
               : "({\n^bb0(%%p: tensor<i32>, %%q: tensor<i32>, %%s: tensor<i32>, %%t: "
                 "tensor<i32>):\n%sstablehlo.return %%y, %%z : tensor<i32>, tensor<i32>\n})",
           body->text);
}

// The program of one operation on |body->operands| arrays and as many init values.
static void add_program(const Body *body, const char *name, const char *attributes, int32_t rank,
                        const int64_t *dims, int32_t out_rank, const int64_t *out_dims) {
  int n = body->operands;
  text_start();
  text_add("func.func @main(");
  for (int i = 0; i < 2 * n; ++i) {
    text_add(i ? ", %%a%d: " : "%%a%d: ", i);
    text_type(PJ_DT_S32, i < n ? rank : 0, dims);
  }
  for (int pass = 0; pass < 2; ++pass) {
    if (pass) {
      text_add(" {\n  %%r:%d = \"stablehlo.%s\"(", n, name);
      for (int i = 0; i < 2 * n; ++i)
        text_add(i ? ", %%a%d" : "%%a%d", i);
      text_add(") <{%s}> ", attributes);
      add_region(body);
      text_add(" : (");
      for (int i = 0; i < 2 * n; ++i) {
        text_add(i ? ", " : "");
        text_type(PJ_DT_S32, i < n ? rank : 0, dims);
      }
    }
    text_add(") -> (");
    for (int i = 0; i < n; ++i) {
      text_add(i ? ", " : "");
      text_type(PJ_DT_S32, out_rank, out_dims);
    }
    text_add(")");
  }
  text_add(n == 1 ? "\n  return %%r : " : "\n  return %%r#0, %%r#1 : ");
  for (int i = 0; i < n; ++i) {
    text_add(i ? ", " : "");
    text_type(PJ_DT_S32, out_rank, out_dims);
  }
  text_add("\n}\n");
}

typedef struct Operands {
  PjTensor *args[4];
} Operands;

static Operands random_operands(const Body *body, int32_t rank, const int64_t *dims, Pair init) {
  Operands o;
  for (int i = 0; i < body->operands; ++i) {
    o.args[i] = make_tensor(PJ_DT_S32, rank, dims, NULL);
    o.args[body->operands + i] = make_tensor(PJ_DT_S32, 0, NULL, i ? &init.q : &init.p);
  }
  return o;
}

static Pair element(const Body *body, const Operands *o, int64_t at) {
  return (Pair){((uint32_t *)o->args[0]->data)[at],
                body->operands == 2 ? ((uint32_t *)o->args[1]->data)[at] : 0};
}

static void expect_pair(const Body *body, PjTensor *const *out, int64_t at, Pair want) {
  if (((uint32_t *)out[0]->data)[at] != want.p ||
      (body->operands == 2 && ((uint32_t *)out[1]->data)[at] != want.q))
    fail_msg("result %" PRId64 " is %d, expected %d\n%s", at, ((int32_t *)out[0]->data)[at],
             (int32_t)want.p, text_get());
}

static void release(const Body *body, Operands *o, PjTensor **out) {
  for (int i = 0; i < 2 * body->operands; ++i)
    pj_tensor_release(o->args[i]);
  for (int i = 0; i < body->operands; ++i)
    pj_tensor_release(out[i]);
}

static void check_reduce(const Body *body, int32_t rank, const int64_t *dims, uint32_t set,
                         Pair init) {
  int64_t axes[MAX], kept[MAX], out_dims[MAX] = {0};
  int32_t num_axes = 0, out_rank = 0;
  char attributes[128] = "dimensions = array<i64";
  for (int32_t d = 0; d < rank; ++d) {
    if (set >> d & 1) {
      sprintf(attributes + strlen(attributes), "%s%d", num_axes ? ", " : ": ", d);
      axes[num_axes++] = d;
    } else {
      kept[out_rank] = d;
      out_dims[out_rank++] = dims[d];
    }
  }
  strcat(attributes, ">");
  add_program(body, "reduce", attributes, rank, dims, out_rank, out_dims);
  Operands o = random_operands(body, rank, dims, init);
  PjTensor *out[2];
  evaluate_ok(text_get(), 2 * (uint32_t)body->operands, o.args, (uint32_t)body->operands, out);
  int64_t space[MAX], rows = 1;
  for (int32_t i = 0; i < num_axes; ++i)
    rows *= space[i] = dims[axes[i]];
  for (int64_t j = 0; j < product(out_rank, out_dims); ++j) {
    int64_t index[MAX], at[MAX], step[MAX];
    unravel(j, out_rank, out_dims, index);
    for (int32_t i = 0; i < out_rank; ++i)
      at[kept[i]] = index[i];
    Pair acc = init;
    for (int64_t r = 0; r < rows; ++r) {
      unravel(r, num_axes, space, step);
      for (int32_t i = 0; i < num_axes; ++i)
        at[axes[i]] = step[i];
      acc = body->apply(acc, element(body, &o, ravel(rank, dims, at)));
    }
    expect_pair(body, out, j, acc);
  }
  release(body, &o, out);
}

static void reduce(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; ++round) {
    const Body *body = &bodies[round % 5];
    int32_t rank = (int32_t)random_int(0, 5);
    int64_t dims[MAX];
    for (int32_t i = 0; i < rank; ++i)
      dims[i] = random_int(0, 12) ? random_int(1, 5) : 0;
    Pair init = {(uint32_t)random_int(-3, 3), (uint32_t)random_int(-3, 3)};
    check_reduce(body, rank, dims, (uint32_t)random_int(0, (1 << rank) - 1), init);
  }
}

// Sizes at which rows are cut into lanes, blocks and halves.
static void reduce_large(void **state) {
  (void)state;
  static const struct {
    int32_t rank;
    int64_t dims[3];
    uint32_t set;
  } cases[] = {
      {1, {5000}, 1},       {1, {257}, 1},       {2, {1000, 3}, 1},   {2, {3, 1000}, 2},
      {2, {300, 700}, 1},   {2, {130, 1100}, 1}, {3, {70, 5, 40}, 5}, {3, {2, 999, 3}, 2},
      {3, {31, 33, 35}, 7}, {2, {1100, 20}, 2},  {1, {70000}, 1},     {3, {3, 70, 2}, 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
    for (int body = 0; body < 4; ++body)
      check_reduce(&bodies[body], cases[i].rank, cases[i].dims, cases[i].set, (Pair){5, 7});
}

static void random_window(int64_t n, int64_t *size, int64_t *stride, int64_t *dilation,
                          int64_t *base, int64_t *low, int64_t *high, int64_t *count) {
  do {
    bool running = !random_int(0, 3);
    *size = running ? random_int(1, 8) : random_int(1, 3);
    *stride = running ? 1 : random_int(1, 3);
    *dilation = running ? 1 : random_int(1, 3);
    *base = random_int(0, 2) ? 1 : random_int(1, 3);
    *low = random_int(0, 2) ? random_int(-2, 8) : 0;
    *high = random_int(0, 2) ? random_int(-2, 8) : 0;
    int64_t padded = (n ? (n - 1) * *base + 1 : 0) + *low + *high;
    int64_t extent = (*size - 1) * *dilation + 1;
    *count = padded <= 0       ? (padded == 0 ? 0 : -1)
             : extent > padded ? 0
                               : (padded - extent) / *stride + 1;
  } while (*count < 0);
}

static void reduce_window(void **state) {
  (void)state;
  for (int round = 0; round < 4 * ROUNDS; ++round) {
    const Body *body = &bodies[round % 5];
    int32_t rank = (int32_t)random_int(0, 3);
    int64_t dims[MAX], size[MAX], stride[MAX], dilation[MAX], base[MAX], low[MAX], high[MAX];
    int64_t count[MAX];
    for (int32_t d = 0; d < rank; ++d) {
      dims[d] = random_int(0, 12) ? random_int(1, 6) : 0;
      if (random_int(0, 2)) {
        random_window(dims[d], &size[d], &stride[d], &dilation[d], &base[d], &low[d], &high[d],
                      &count[d]);
      } else {
        size[d] = stride[d] = dilation[d] = base[d] = 1;
        low[d] = high[d] = 0;
        count[d] = dims[d];
      }
    }
    // Seldom an init value that is not neutral: padding counts then.
    Pair init = random_int(0, 3) ? body->neutral : (Pair){3, 2};
    char attributes[1024] = "";
    static const char *const names[] = {"window_dimensions", "window_strides", "base_dilations",
                                        "window_dilations"};
    const int64_t *lists[] = {size, stride, base, dilation};
    for (int i = 0; i < 4; ++i) {
      sprintf(attributes + strlen(attributes), "%s = array<i64", names[i]);
      for (int32_t d = 0; d < rank; ++d)
        sprintf(attributes + strlen(attributes), "%s%" PRId64, d ? ", " : ": ", lists[i][d]);
      strcat(attributes, ">, ");
    }
    strcat(attributes, "padding = dense<[");
    for (int32_t d = 0; d < rank; ++d)
      sprintf(attributes + strlen(attributes), "%s[%" PRId64 ", %" PRId64 "]", d ? ", " : "",
              low[d], high[d]);
    if (rank == 0)
      attributes[strlen(attributes) - 1] = 0;
    sprintf(attributes + strlen(attributes), "%s> : tensor<%dx2xi64>", rank ? "]" : "", rank);
    add_program(body, "reduce_window", attributes, rank, dims, rank, count);
    Operands o = random_operands(body, rank, dims, init);
    PjTensor *out[2];
    evaluate_ok(text_get(), 2 * (uint32_t)body->operands, o.args, (uint32_t)body->operands, out);
    for (int64_t j = 0; j < product(rank, count); ++j) {
      int64_t window[MAX], k[MAX], at[MAX];
      unravel(j, rank, count, window);
      Pair acc = init;
      for (int64_t place = 0; place < product(rank, size); ++place) {
        unravel(place, rank, size, k);
        bool inside = true;
        for (int32_t d = 0; d < rank; ++d) {
          at[d] = window[d] * stride[d] + k[d] * dilation[d] - low[d];
          inside = inside && at[d] >= 0 && at[d] % base[d] == 0 && at[d] / base[d] < dims[d];
          at[d] /= base[d];
        }
        acc = body->apply(acc, inside ? element(body, &o, ravel(rank, dims, at)) : init);
      }
      expect_pair(body, out, j, acc);
    }
    release(body, &o, out);
  }
}

// A running sum as a window as long as the array: must not take its square.
static void running_sums_are_linear(void **state) {
  (void)state;
  static const char text[] =
      "func.func @main(%%x: tensor<1000000xi32>) -> tensor<1000000xi32> {\n"
      "  %%zero = stablehlo.constant dense<0> : tensor<i32>\n"
      "  %%r = \"stablehlo.reduce_window\"(%%x, %%zero) <{window_dimensions = array<i64: 1000000>, "
      "padding = dense<[[%d, %d]]> : tensor<1x2xi64>}> ({\n"
      "  ^bb0(%%p: tensor<i32>, %%s: tensor<i32>):\n"
      "    %%y = stablehlo.add %%p, %%s : tensor<i32>\n"
      "    stablehlo.return %%y : tensor<i32>\n"
      "  }) : (tensor<1000000xi32>, tensor<i32>) -> tensor<1000000xi32>\n"
      "  return %%r : tensor<1000000xi32>\n}\n";
  enum { N = 1000000 };
  PjTensor *in = make_tensor(PJ_DT_S32, 1, (int64_t[]){N}, NULL), *out;
  const int32_t *x = in->data;
  for (int suffix = 0; suffix < 2; ++suffix) {
    char program[1024];
    sprintf(program, text, suffix ? 0 : N - 1, suffix ? N - 1 : 0);
    evaluate_ok(program, 1, &in, 1, &out);
    const int32_t *y = out->data;
    int32_t sum = 0;
    for (int64_t i = 0; i < N; ++i) {
      int64_t at = suffix ? N - 1 - i : i;
      sum += x[at];
      assert_int_equal(y[at], sum);
    }
    pj_tensor_release(out);
  }
  pj_tensor_release(in);
}

// source_index -> the first place of its window that |select| prefers to those before.
static void select_and_scatter(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; ++round) {
    int32_t rank = (int32_t)random_int(1, 3);
    int64_t dims[MAX], size[MAX], stride[MAX], low[MAX], high[MAX], count[MAX];
    char attributes[512] = "";
    for (int32_t d = 0; d < rank; ++d) {
      do {
        dims[d] = random_int(1, 7);
        size[d] = random_int(1, 3);
        stride[d] = random_int(1, 3);
        low[d] = random_int(0, size[d] - 1);
        high[d] = random_int(0, size[d] - 1);
      } while (dims[d] + low[d] + high[d] < size[d]);
      count[d] = (dims[d] + low[d] + high[d] - size[d]) / stride[d] + 1;
    }
    const int64_t *lists[] = {size, stride};
    for (int i = 0; i < 2; ++i) {
      strcat(attributes, i ? "window_strides = array<i64: " : "window_dimensions = array<i64: ");
      for (int32_t d = 0; d < rank; ++d)
        sprintf(attributes + strlen(attributes), "%s%" PRId64, d ? ", " : "", lists[i][d]);
      strcat(attributes, ">, ");
    }
    strcat(attributes, "padding = dense<[");
    for (int32_t d = 0; d < rank; ++d)
      sprintf(attributes + strlen(attributes), "%s[%" PRId64 ", %" PRId64 "]", d ? ", " : "",
              low[d], high[d]);
    sprintf(attributes + strlen(attributes), "]> : tensor<%dx2xi64>", rank);

    int through_region = round % 3 == 2;
    PjTensor *args[3] = {make_tensor(PJ_DT_S32, rank, dims, NULL),
                         make_tensor(PJ_DT_S32, rank, count, NULL),
                         make_tensor(PJ_DT_S32, 0, NULL, (int32_t[]){10})};
    PjTensor *out;
    text_start();
    text_add("func.func @main(%%a: ");
    text_type(PJ_DT_S32, rank, dims);
    text_add(", %%b: ");
    text_type(PJ_DT_S32, rank, count);
    text_add(", %%c: tensor<i32>) -> ");
    text_type(PJ_DT_S32, rank, dims);
    text_add(" {\n  %%r = \"stablehlo.select_and_scatter\"(%%a, %%b, %%c) <{%s}> ({\n"
             "  ^bb0(%%p: tensor<i32>, %%q: tensor<i32>):\n%s"
             "    %%y = stablehlo.compare GE, %%p, %%q : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
             "    stablehlo.return %%y : tensor<i1>\n  }, {\n"
             "  ^bb0(%%s: tensor<i32>, %%t: tensor<i32>):\n"
             "    %%z = stablehlo.add %%s, %%t : tensor<i32>\n"
             "    stablehlo.return %%z : tensor<i32>\n  }) : (",
             attributes,
             through_region ? "    %v = stablehlo.reshape %q : (tensor<i32>) -> tensor<1x1xi32>\n"
                            : "");
    text_type(PJ_DT_S32, rank, dims);
    text_add(", ");
    text_type(PJ_DT_S32, rank, count);
    text_add(", tensor<i32>) -> ");
    text_type(PJ_DT_S32, rank, dims);
    text_add("\n  return %%r : ");
    text_type(PJ_DT_S32, rank, dims);
    text_add("\n}\n");
    evaluate_ok(text_get(), 3, args, 1, &out);

    int32_t want[512];
    for (int64_t i = 0; i < args[0]->count; ++i)
      want[i] = 10;
    for (int64_t j = 0; j < args[1]->count; ++j) {
      int64_t window[MAX], k[MAX], at[MAX], best = -1;
      unravel(j, rank, count, window);
      for (int64_t place = 0; place < product(rank, size); ++place) {
        unravel(place, rank, size, k);
        bool inside = true;
        for (int32_t d = 0; d < rank; ++d) {
          at[d] = window[d] * stride[d] + k[d] - low[d];
          inside = inside && at[d] >= 0 && at[d] < dims[d];
        }
        int64_t here = ravel(rank, dims, at);
        const int32_t *x = args[0]->data;
        if (inside && (best < 0 || x[best] < x[here]))
          best = here;
      }
      if (best >= 0)
        want[best] += ((int32_t *)args[1]->data)[j];
    }
    if (memcmp(want, out->data, out->bytes) != 0)
      fail_msg("results differ\n%s", text_get());
    pj_tensor_release(out);
    for (int i = 0; i < 3; ++i)
      pj_tensor_release(args[i]);
  }
}

// ---- floats

static float reduce_f32(const char *op, const char *init, int64_t n, const float *x) {
  char text[1024];
  sprintf(text,
          "func.func @main(%%x: tensor<%" PRId64 "xf32>) -> tensor<f32> {\n"
          "  %%i = stablehlo.constant dense<%s> : tensor<f32>\n"
          "  %%r = stablehlo.reduce(%%x init: %%i) applies stablehlo.%s across dimensions = [0] : "
          "(tensor<%" PRId64 "xf32>, tensor<f32>) -> tensor<f32>\n"
          "  return %%r : tensor<f32>\n}\n",
          n, init, op, n);
  PjTensor *in = make_tensor(PJ_DT_F32, 1, &n, x), *out;
  evaluate_ok(text, 1, &in, 1, &out);
  float result = *(float *)out->data;
  pj_tensor_release(in);
  pj_tensor_release(out);
  return result;
}

static void sums_of_floats_keep_their_accuracy(void **state) {
  (void)state;
  enum { N = 1 << 20 };
  static float x[N];
  double sum = 0;
  for (int i = 0; i < N; ++i)
    sum += x[i] = (float)random_int(1, 1000000) * 1e-3f;
  // In order the error of f32 would be about 1e-4.
  assert_true(fabs(reduce_f32("add", "0.0", N, x) - sum) <= 2e-7 * sum);
}

static void extrema_follow_ieee(void **state) {
  (void)state;
  for (int64_t n = 2; n < 600; n = n * 2 + 1) {
    float x[600];
    for (int64_t i = 0; i < n; ++i)
      x[i] = -0.0f;
    assert_true(signbit(reduce_f32("maximum", "0xFF800000", n, x)));
    x[n / 2] = 0.0f;
    assert_false(signbit(reduce_f32("maximum", "0xFF800000", n, x)));
    assert_true(signbit(reduce_f32("minimum", "0x7F800000", n, x)));
    x[n - 1] = NAN;
    assert_true(isnan(reduce_f32("maximum", "0xFF800000", n, x)));
    assert_true(isnan(reduce_f32("minimum", "0x7F800000", n, x)));
    x[n - 1] = 3;
    x[0] = NAN;
    assert_true(isnan(reduce_f32("maximum", "0xFF800000", n, x)));
  }
}

// ---- bodies

static void bodies_capture_call_and_widen(void **state) {
  (void)state;
  // A captured scalar, a function that calls another, and an accumulator wider than the operand.
  static const char text[] =
      "func.func private @twice(%x: tensor<i32>) -> tensor<i32> {\n"
      "  %y = stablehlo.add %x, %x : tensor<i32>\n"
      "  return %y : tensor<i32>\n}\n"
      "func.func private @thrice(%x: tensor<i32>) -> tensor<i32> {\n"
      "  %d = call @twice(%x) : (tensor<i32>) -> tensor<i32>\n"
      "  %y = stablehlo.add %d, %x : tensor<i32>\n"
      "  return %y : tensor<i32>\n}\n"
      "func.func @main(%k: tensor<i32>) -> (tensor<i32>, tensor<i32>) {\n"
      "  %x = stablehlo.constant dense<[1, 2, 3, 4]> : tensor<4xi32>\n"
      "  %b = stablehlo.constant dense<[100, 100, 100, 100]> : tensor<4xi8>\n"
      "  %zero = stablehlo.constant dense<0> : tensor<i32>\n"
      "  %small = stablehlo.constant dense<1> : tensor<i8>\n"
      "  %m = \"stablehlo.map\"(%x) <{dimensions = array<i64: 0>}> ({\n"
      "  ^bb0(%p: tensor<i32>):\n"
      "    %t = func.call @thrice(%p) : (tensor<i32>) -> tensor<i32>\n"
      "    %y = stablehlo.add %t, %k : tensor<i32>\n"
      "    stablehlo.return %y : tensor<i32>\n"
      "  }) : (tensor<4xi32>) -> tensor<4xi32>\n"
      "  %r = stablehlo.reduce(%m init: %zero) applies stablehlo.add across dimensions = [0] : "
      "(tensor<4xi32>, tensor<i32>) -> tensor<i32>\n"
      "  %w = \"stablehlo.reduce\"(%b, %small) <{dimensions = array<i64: 0>}> ({\n"
      "  ^bb0(%p: tensor<i32>, %q: tensor<i32>):\n"
      "    %y = stablehlo.add %p, %q : tensor<i32>\n"
      "    stablehlo.return %y : tensor<i32>\n"
      "  }) : (tensor<4xi8>, tensor<i8>) -> tensor<i32>\n"
      "  return %r, %w : tensor<i32>, tensor<i32>\n}\n";
  int32_t k = 1000;
  PjTensor *in = make_tensor(PJ_DT_S32, 0, NULL, &k), *out[2];
  evaluate_ok(text, 1, &in, 2, out);
  assert_int_equal(*(int32_t *)out[0]->data, 3 * 10 + 4 * 1000);
  assert_int_equal(*(int32_t *)out[1]->data, 401);
  pj_tensor_release(in);
  pj_tensor_release(out[0]);
  pj_tensor_release(out[1]);
}

static void scans_carry_whole_arrays(void **state) {
  (void)state;
  static const char text[] =
      "func.func @main() -> (tensor<2x3xi32>, tensor<2xi32>) {\n"
      "  %%x = stablehlo.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>\n"
      "  %%i = stablehlo.constant dense<[10, 20]> : tensor<2xi32>\n"
      "  %%r:2 = \"chlo.scan\"(%%x, %%i) <{dimension = 1 : i64, is_reverse = %s, "
      "operandSegmentSizes = array<i32: 1, 1>, resultSegmentSizes = array<i32: 1, 1>}> ({\n"
      "  ^bb0(%%p: tensor<2xi32>, %%c: tensor<2xi32>):\n"
      "    %%y = stablehlo.add %%p, %%c : tensor<2xi32>\n"
      "    stablehlo.return %%y, %%y : tensor<2xi32>, tensor<2xi32>\n"
      "  }) : (tensor<2x3xi32>, tensor<2xi32>) -> (tensor<2x3xi32>, tensor<2xi32>)\n"
      "  return %%r#0, %%r#1 : tensor<2x3xi32>, tensor<2xi32>\n}\n";
  static const int32_t forward[] = {11, 13, 16, 24, 29, 35}, back[] = {16, 15, 13, 35, 31, 26};
  for (int reverse = 0; reverse < 2; ++reverse) {
    char program[1024];
    PjTensor *out[2];
    sprintf(program, text, reverse ? "true" : "false");
    evaluate_ok(program, 0, NULL, 2, out);
    assert_memory_equal(out[0]->data, reverse ? back : forward, sizeof back);
    assert_memory_equal(out[1]->data, ((int32_t[]){16, 35}), 8);
    pj_tensor_release(out[0]);
    pj_tensor_release(out[1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reduce),
      cmocka_unit_test(reduce_large),
      cmocka_unit_test(reduce_window),
      cmocka_unit_test(running_sums_are_linear),
      cmocka_unit_test(select_and_scatter),
      cmocka_unit_test(sums_of_floats_keep_their_accuracy),
      cmocka_unit_test(extrema_follow_ieee),
      cmocka_unit_test(bodies_capture_call_and_widen),
      cmocka_unit_test(scans_carry_whole_arrays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
