// reduce_window by routine and by evaluator: cumulative operations, pooling.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "routine_support.h"

typedef struct Window {
  int64_t size[4], stride[4], base[4], dilation[4], padding[8];
} Window;

static void check(const char *body, const char *init, PjDtype dtype, int32_t rank,
                  const int64_t *dims, const Window *w, bool special, double factor) {
  int64_t out[4];
  for (int32_t d = 0; d < rank; ++d) {
    const int64_t n = dims[d] ? (dims[d] - 1) * w->base[d] + 1 : 0,
                  padded = n + w->padding[2 * d] + w->padding[2 * d + 1];
    const int64_t extent = (w->size[d] - 1) * w->dilation[d] + 1;
    out[d] = padded < extent || padded <= 0 ? 0 : (padded - extent) / w->stride[d] + 1;
  }
  const char *type = pj_dtype_text(dtype);
  text_start();
  text_add("func.func @main(%%x: ");
  text_type(dtype, rank, dims);
  text_add(") -> ");
  text_type(dtype, rank, out);
  text_add(" {\n  %%i = stablehlo.constant dense<%s> : tensor<%s>\n  %%r = "
           "\"stablehlo.reduce_window\"(%%x, %%i) <{",
           init, type);
  static const char *const names[] = {"window_dimensions", "window_strides", "base_dilations",
                                      "window_dilations"};
  const int64_t *const lists[] = {w->size, w->stride, w->base, w->dilation};
  for (int i = 0; i < 4; ++i) {
    text_add(rank ? "%s = array<i64: " : "%s = array<i64", names[i]);
    text_list(rank, lists[i]);
    text_add(">, ");
  }
  text_add(rank ? "padding = dense<[" : "padding = dense<");
  for (int32_t d = 0; d < rank; ++d)
    text_add("%s[%d, %d]", d ? ", " : "", (int)w->padding[2 * d], (int)w->padding[2 * d + 1]);
  text_add("%s> : tensor<%dx2xi64>}> ({\n  ^bb0(%%a: tensor<%s>, %%b: tensor<%s>):\n    %%c = "
           "stablehlo.%s %%a, %%b : "
           "tensor<%s>\n    stablehlo.return %%c : tensor<%s>\n  }) : (",
           rank ? "]" : "", rank, type, type, body, type, type);
  text_type(dtype, rank, dims);
  text_add(", tensor<%s>) -> ", type);
  text_type(dtype, rank, out);
  text_add("\n  return %%r : ");
  text_type(dtype, rank, out);
  text_add("\n}\n");
  PjTensor *x = random_tensor(dtype, rank, dims, special);
  check_routine(text_get(), PJ_OP_REDUCE_WINDOW, 1, &x, factor > 0 ? MATCH_SUM : MATCH_BITS,
                factor);
  pj_tensor_release(x);
}

typedef struct Body {
  const char *name, *float_init, *int_init;
} Body;
static const Body bodies[] = {{"add", "0.0", "0"},
                              {"maximum", "0xFF800000", "-2147483648"},
                              {"minimum", "0x7F800000", "2147483647"},
                              {"multiply", "1.0", "1"},
                              {"and", NULL, "-1"},
                              {"or", NULL, "0"},
                              {"xor", NULL, "0"}};

static void cumulative(void **state) {
  (void)state;
  static const PjDtype types[] = {PJ_DT_F32,  PJ_DT_F64, PJ_DT_S32, PJ_DT_U32, PJ_DT_S64,
                                  PJ_DT_U64,  PJ_DT_S8,  PJ_DT_U8,  PJ_DT_S16, PJ_DT_U16,
                                  PJ_DT_BF16, PJ_DT_F16, PJ_DT_PRED};
  static const int64_t shapes[][3] = {{1, 5000, 1}, {3, 17, 1},   {20, 4100, 1}, {2, 30, 700},
                                      {4, 3, 5},    {2, 9000, 1}, {1, 1, 1}};
  for (size_t t = 0; t < sizeof types / sizeof *types; ++t)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i)
      for (size_t b = 0; b < sizeof bodies / sizeof *bodies; ++b)
        for (int backwards = 0; backwards < 2; ++backwards) {
          const bool is_float = pj_dtype_is_float(types[t]), is_pred = types[t] == PJ_DT_PRED;
          const bool half = is_float && pj_dtype_bytes(types[t]) == 2;
          // Products of many leave the range of 16-bit floats.
          if (is_float ? b > (half ? 2 : 3) : b == 4 && pj_dtype_class(types[t]) == PJ_CLASS_UINT)
            continue;
          const char *init = is_float           ? b == 1 || b == 2 ? "-1.0" : bodies[b].float_init
                             : is_pred          ? b >= 2 && b <= 4 ? "true" : "false"
                             : b == 1 || b == 2 ? "3"
                                                : bodies[b].int_init;
          const int64_t n = shapes[i][1];
          Window w = {{1, n, 1},
                      {1, 1, 1},
                      {1, 1, 1},
                      {1, 1, 1},
                      {0, 0, backwards ? 0 : n - 1, backwards ? n - 1 : 0}};
          // The evaluator rounds 16-bit floats at each step, the routine at the end.
          const double unit = types[t] == PJ_DT_BF16 ? 0x1p16 : types[t] == PJ_DT_F16 ? 0x1p13 : 1;
          check(bodies[b].name, init, types[t], 3, shapes[i], &w, b != 3 && b != 0,
                is_float && b == 0 ? 2 * (double)n * unit : 0);
        }
}

static void pooling(void **state) {
  (void)state;
  static const PjDtype types[] = {PJ_DT_F32,  PJ_DT_F64, PJ_DT_S32,  PJ_DT_S8,
                                  PJ_DT_BF16, PJ_DT_U16, PJ_DT_PRED, PJ_DT_U32};
  for (size_t t = 0; t < sizeof types / sizeof *types; ++t)
    for (int round = 0; round < 60; ++round) {
      const bool is_float = pj_dtype_is_float(types[t]), is_pred = types[t] == PJ_DT_PRED;
      const size_t b = (size_t)round % (types[t] == PJ_DT_BF16 ? 3 : 4);
      const int32_t rank = (int32_t)random_int(0, 4);
      int64_t dims[4], places = 1;
      Window w;
      for (int32_t d = 0; d < rank; ++d) {
        dims[d] = random_int(0, 25) ? random_int(1, d == rank - 1 && round % 3 == 0   ? 1100
                                                    : d >= rank - 2 && round % 3 == 1 ? 40
                                                                                      : 9)
                                    : 0;
        w.size[d] = random_int(0, 1) ? random_int(1, 4) : 1;
        w.stride[d] = random_int(0, 1) ? random_int(1, 3) : 1;
        w.base[d] = random_int(0, 4) ? 1 : random_int(1, 3);
        w.dilation[d] = random_int(0, 3) ? 1 : random_int(1, 3);
        w.padding[2 * d] = random_int(0, 1) ? random_int(-1, 3) : 0;
        w.padding[2 * d + 1] = random_int(0, 1) ? random_int(-1, 3) : 0;
        places *= w.size[d];
        const int64_t n = dims[d] ? (dims[d] - 1) * w.base[d] + 1 : 0;
        if (n + w.padding[2 * d] + w.padding[2 * d + 1] < (w.size[d] - 1) * w.dilation[d] + 1)
          w.padding[2 * d + 1] =
              (w.size[d] - 1) * w.dilation[d] + 1 - n - w.padding[2 * d]; // at least one window
      }
      const char *init = is_pred            ? b == 2 || b == 3 ? "true" : "false"
                         : is_float         ? bodies[b].float_init
                         : b == 1 || b == 2 ? "3"
                                            : bodies[b].int_init;
      if (is_float && types[t] == PJ_DT_F64)
        init = b == 1 ? "0xFFF0000000000000" : b == 2 ? "0x7FF0000000000000" : init;
      if (is_float && types[t] == PJ_DT_BF16)
        init = b == 1 ? "0xFF80" : b == 2 ? "0x7F80" : init;
      // Bits: windows are combined in the evaluator's order, but for sums of 16 bits.
      check(bodies[b].name, init, types[t], rank, dims, &w, round % 2,
            types[t] == PJ_DT_BF16 && b == 0 ? 2 * (double)places * 0x1p16 : 0);
    }
}

static void select_scatter(const char *direction, bool turned, const char *body, PjDtype dtype,
                           int32_t rank, const int64_t *dims, const Window *w) {
  int64_t out[4];
  const char *type = pj_dtype_text(dtype);
  for (int32_t d = 0; d < rank; ++d) {
    const int64_t padded = dims[d] + w->padding[2 * d] + w->padding[2 * d + 1];
    out[d] = padded < w->size[d] || padded <= 0 ? 0 : (padded - w->size[d]) / w->stride[d] + 1;
  }
  text_start();
  text_add("func.func @main(%%x: ");
  text_type(dtype, rank, dims);
  text_add(", %%s: ");
  text_type(dtype, rank, out);
  text_add(", %%i: tensor<%s>) -> ", type);
  text_type(dtype, rank, dims);
  text_add(" {\n  %%r = \"stablehlo.select_and_scatter\"(%%x, %%s, %%i) <{window_dimensions = "
           "array<i64: ");
  text_list(rank, w->size);
  text_add(">, window_strides = array<i64: ");
  text_list(rank, w->stride);
  text_add(">, padding = dense<[");
  for (int32_t d = 0; d < rank; ++d)
    text_add("%s[%d, %d]", d ? ", " : "", (int)w->padding[2 * d], (int)w->padding[2 * d + 1]);
  text_add("]> : tensor<%dx2xi64>}> ({\n  ^bb0(%%a: tensor<%s>, %%b: tensor<%s>):\n    %%c = "
           "stablehlo.compare %s, %s, %s : "
           "(tensor<%s>, tensor<%s>) -> tensor<i1>\n    stablehlo.return %%c : tensor<i1>\n  }, "
           "{\n  ^bb0(%%a: tensor<%s>, "
           "%%b: tensor<%s>):\n    %%c = stablehlo.%s %%a, %%b : tensor<%s>\n    stablehlo.return "
           "%%c : tensor<%s>\n  }) : (",
           rank, type, type, direction, turned ? "%b" : "%a", turned ? "%a" : "%b", type, type,
           type, type, body, type, type);
  text_type(dtype, rank, dims);
  text_add(", ");
  text_type(dtype, rank, out);
  text_add(", tensor<%s>) -> ", type);
  text_type(dtype, rank, dims);
  text_add("\n  return %%r : ");
  text_type(dtype, rank, dims);
  text_add("\n}\n");
  PjTensor *inputs[] = {random_tensor(dtype, rank, dims, true),
                        random_tensor(dtype, rank, out, true),
                        random_tensor(dtype, 0, NULL, false)};
  check_routine(text_get(), PJ_OP_SELECT_AND_SCATTER, 3, inputs, MATCH_BITS, 0);
  for (int i = 0; i < 3; ++i)
    pj_tensor_release(inputs[i]);
}

static void pooling_gradients(void **state) {
  (void)state;
  static const PjDtype types[] = {PJ_DT_F32,  PJ_DT_F64, PJ_DT_S32, PJ_DT_S8,
                                  PJ_DT_BF16, PJ_DT_U16, PJ_DT_F16};
  static const char *const directions[] = {"GE", "GT", "LE", "LT"};
  for (size_t t = 0; t < sizeof types / sizeof *types; ++t)
    for (int round = 0; round < 40; ++round) {
      const int32_t rank = (int32_t)random_int(1, 4);
      int64_t dims[4];
      Window w;
      for (int32_t d = 0; d < rank; ++d) {
        dims[d] = random_int(1, d == rank - 1 && round % 3 == 0 ? 300 : 7);
        w.size[d] = random_int(0, 1) ? random_int(1, 3) : 1;
        w.stride[d] = random_int(0, 1) ? random_int(1, 3) : 1;
        w.padding[2 * d] = random_int(0, 1) ? random_int(0, 2) : 0;
        w.padding[2 * d + 1] = random_int(0, 1) ? random_int(0, 2) : 0;
      }
      select_scatter(directions[round % 4], round % 5 == 0,
                     round % 3 ? "add" : bodies[round / 3 % 4].name, types[t], rank, dims, &w);
    }
  // Windows side by side along the last dimension: more than a vector of them, with edges.
  for (size_t t = 0; t < sizeof types / sizeof *types; ++t)
    for (int64_t stride = 1; stride < 4; ++stride) {
      const Window w = {.size = {2, 5}, .stride = {1, stride}, .padding = {0, 0, 3, 2}};
      select_scatter(directions[stride], false, "add", types[t], 2, (const int64_t[]){4, 1500}, &w);
    }
}

static void plain_instructions(void **state) {
  static const uint32_t sets[] = {0, PJ_CPU_AVX2 | PJ_CPU_F16C};
  for (int i = 0; i < 2; ++i) {
    pj_cpu_limit(sets[i]);
    cumulative(state);
    pooling(state);
    pooling_gradients(state);
  }
  pj_cpu_limit(~0u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(cumulative), cmocka_unit_test(pooling),
                                     cmocka_unit_test(pooling_gradients),
                                     cmocka_unit_test(plain_instructions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
