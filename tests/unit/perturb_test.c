// What the judge's perturbed programs compute when nothing is moved: the same. Sums of small
// integers are exact in any order, so a term that is lost, or counted twice, shows.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "eval/eval.h"
#include "evaluate.h"
#include "import/import.h"
#include "perturb.h"

enum { RUNS = 12 };

typedef struct Case {
  const char *text;
  PjTensor **in, *want;
  PjArena *arena;
  PerturbKind kind;
} Case;

static PjStatus run_perturbed(void *context) {
  const Case *c = context;
  PjModule *module;
  PjProgram *program;
  PJ_TRY(pj_import(c->arena, c->text, strlen(c->text), &module));
  assert_int_equal(perturb_module(module, 0, c->kind), 1);
  PJ_TRY(pj_program_create(module, &program));
  for (int run = 0; run < RUNS; ++run) {
    PjTensor *have;
    PJ_TRY(perturb_start((uint64_t)run));
    PJ_TRY(pj_program_run(program, NULL, 2, c->in, NULL, 1, &have));
    for (int64_t i = 0; i < have->count; ++i) {
      float want = ((float *)c->want->data)[i], got = ((float *)have->data)[i];
      if (want != got)
        fail_msg("element %d is %g, should be %g, kind %d:\n%s", (int)i, (double)got, (double)want,
                 (int)c->kind, c->text);
    }
    pj_tensor_release(have);
  }
  return PJ_STATUS_OK;
}

static PjTensor *integers(int32_t rank, const int64_t *dims) {
  PjTensor *tensor = pj_tensor_new(PJ_DT_F32, rank, dims);
  for (int64_t i = 0; i < tensor->count; ++i)
    ((float *)tensor->data)[i] = (float)random_int(-9, 9);
  return tensor;
}

static void check(const char *text, int32_t ranks[2], const int64_t *dims[2]) {
  PjTensor *in[2] = {integers(ranks[0], dims[0]), integers(ranks[1], dims[1])};
  Case c = {.text = text, .in = in};
  evaluate_ok(text, 2, in, 1, &c.want);
  for (c.kind = 0; c.kind < PERTURB_KINDS; ++c.kind) {
    assert_null(pj_arena_create(0, &c.arena));
    PjStatus status = pj_arena_guard(c.arena, run_perturbed, &c);
    if (status)
      fail_msg("%s\n%s", pj_status_message(status), text);
    pj_arena_destroy(c.arena);
  }
  pj_tensor_release(c.want);
  pj_tensor_release(in[0]);
  pj_tensor_release(in[1]);
}

static void test_convolutions(void **state) {
  static const struct {
    const char *numbers, *window, *y;
    int groups;
    int64_t x[4], w[4];
  } cases[] = {
      {"[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]",
       "pad = [[1, 2], [2, 0]]",
       "2x5x6x5",
       1,
       {2, 5, 6, 3},
       {4, 3, 3, 5}},
      {"[0, b, f, 1]x[0, 1, i, o]->[0, b, 1, f]",
       "pad = [[2, -1], [2, 0]], reverse = [0, 1]",
       "13x2x10x4",
       1,
       {14, 2, 2, 9},
       {3, 2, 2, 4}},
      {"[b, f, 0, 1]x[o, i, 1, 0]->[f, 1, 0, b]",
       "stride = [2, 3], pad = [[1, 1], [3, 2]], lhs_dilate = [1, 2], rhs_dilate = [2, 1], reverse "
       "= [1, 1]",
       "3x6x4x2",
       1,
       {2, 4, 7, 7},
       {3, 4, 3, 2}},
      {"[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]",
       "pad = [[1, 1], [0, 0]]",
       "2x6x4x6",
       2,
       {2, 6, 6, 4},
       {3, 3, 2, 6}},
      {"[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]", "", "2x6x6x7", 1, {2, 6, 6, 4}, {1, 1, 4, 7}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char type[2][64];
    const int64_t *x = cases[i].x, *w = cases[i].w;
    for (int o = 0; o < 2; ++o) {
      const int64_t *d = o ? w : x;
      snprintf(type[o], sizeof type[o], "tensor<%dx%dx%dx%dxf32>", (int)d[0], (int)d[1], (int)d[2],
               (int)d[3]);
    }
    text_start();
    text_add("func.func @main(%%x: %s, %%w: %s) -> tensor<%sxf32> {\n", type[0], type[1],
             cases[i].y);
    text_add("%%y = stablehlo.convolution(%%x, %%w) dim_numbers = %s, window = {%s} ",
             cases[i].numbers, cases[i].window);
    text_add("{feature_group_count = %d : i64, batch_group_count = 1 : i64} : (%s, %s) -> "
             "tensor<%sxf32>\n",
             cases[i].groups, type[0], type[1], cases[i].y);
    text_add("return %%y : tensor<%sxf32>\n}\n", cases[i].y);
    check(text_get(), (int32_t[]){4, 4}, (const int64_t *[]){x, w});
  }
}

static void test_windows(void **state) {
  static const struct {
    const char *attributes, *y;
  } cases[] = {
      {"window_dimensions = array<i64: 1, 7>, padding = dense<[[0, 0], [0, 6]]> : tensor<2x2xi64>",
       "6x7"},
      {"window_dimensions = array<i64: 3, 2>, window_strides = array<i64: 2, 1>, padding = "
       "dense<[[2, 1], [0, 3]]> : tensor<2x2xi64>",
       "4x9"},
      {"window_dimensions = array<i64: 2, 3>, window_dilations = array<i64: 3, 2>, base_dilations "
       "= array<i64: 2, 3>, padding = dense<[[1, 0], [-2, 4]]> : tensor<2x2xi64>",
       "9x17"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    text_start();
    text_add("func.func @main(%%x: tensor<6x7xf32>, %%i: tensor<f32>) -> tensor<%sxf32> {\n",
             cases[i].y);
    text_add("%%y = \"stablehlo.reduce_window\"(%%x, %%i) <{%s}> ({\n", cases[i].attributes);
    text_add(
        "^bb0(%%a: tensor<f32>, %%b: tensor<f32>):\n%%s = stablehlo.add %%a, %%b : tensor<f32>\n");
    text_add("stablehlo.return %%s : tensor<f32>\n}) : (tensor<6x7xf32>, tensor<f32>) -> "
             "tensor<%sxf32>\n",
             cases[i].y);
    text_add("return %%y : tensor<%sxf32>\n}\n", cases[i].y);
    check(text_get(), (int32_t[]){2, 0}, (const int64_t *[]){(int64_t[]){6, 7}, NULL});
  }
}

static void test_reductions(void **state) {
  static const struct {
    const char *dimensions, *y;
  } cases[] = {{"0, 2", "5"}, {"1", "6x4"}, {"0, 1, 2", ""}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char y[32];
    snprintf(y, sizeof y, "tensor<%s%sf32>", cases[i].y, *cases[i].y ? "x" : "");
    text_start();
    text_add("func.func @main(%%x: tensor<6x5x4xf32>, %%i: tensor<f32>) -> %s {\n", y);
    text_add(
        "%%y = stablehlo.reduce(%%x init: %%i) applies stablehlo.add across dimensions = [%s] : "
        "(tensor<6x5x4xf32>, tensor<f32>) -> %s\nreturn %%y : %s\n}\n",
        cases[i].dimensions, y, y);
    check(text_get(), (int32_t[]){3, 0}, (const int64_t *[]){(int64_t[]){6, 5, 4}, NULL});
  }
}

// What a loop adds up, from a total that is not zero: products of rows, of vectors, in batches.
static void test_totals(void **state) {
  static const struct {
    const char *turn, *total, *product;
  } cases[] = {
      {"4x3x", "3x3x", ", contracting_dims = [0] x [0]"},
      {"4x3x", "4x4x", ", contracting_dims = [1] x [1]"},
      {"4x3x", "4x3x3x", ", batching_dims = [0] x [0], contracting_dims = [] x []"},
      {"5x", "5x5x", ", contracting_dims = [] x []"},
      {"5x", "", ", contracting_dims = [0] x [0]"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char turn[32], total[32];
    const int32_t rank = strlen(cases[i].turn) > 2 ? 2 : 1;
    const int64_t dims[] = {rank == 2 ? 4 : 5, 3};
    snprintf(turn, sizeof turn, "tensor<%sf32>", cases[i].turn);
    snprintf(total, sizeof total, "tensor<%sf32>", cases[i].total);
    text_start();
    text_add("func.func @main(%%x: %s, %%y: %s) -> %s {\n", turn, turn, total);
    text_add("%%c = stablehlo.constant dense<0> : tensor<i32>\n"
             "%%one = stablehlo.constant dense<1> : tensor<i32>\n"
             "%%n = stablehlo.constant dense<3> : tensor<i32>\n"
             "%%z = stablehlo.constant dense<7.0> : %s\n",
             total);
    text_add("%%r:3 = stablehlo.while(%%i = %%c, %%s = %%x, %%t = %%z) : tensor<i32>, %s, %s\n"
             "cond {\n"
             "%%p = stablehlo.compare LT, %%i, %%n, SIGNED : (tensor<i32>, tensor<i32>) -> "
             "tensor<i1>\n"
             "stablehlo.return %%p : tensor<i1>\n",
             turn, total);
    text_add("} do {\n%%j = stablehlo.add %%i, %%one : tensor<i32>\n"
             "%%u = stablehlo.add %%s, %%y : %s\n"
             "%%d = stablehlo.dot_general %%s, %%y%s : (%s, %s) -> %s\n"
             "%%v = stablehlo.add %%d, %%t : %s\n",
             turn, cases[i].product, turn, turn, total, total);
    text_add("stablehlo.return %%j, %%u, %%v : tensor<i32>, %s, %s\n}\nreturn %%r#2 : %s\n}\n",
             turn, total, total);
    check(text_get(), (int32_t[]){rank, rank}, (const int64_t *[]){dims, dims});
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_convolutions),
      cmocka_unit_test(test_windows),
      cmocka_unit_test(test_reductions),
      cmocka_unit_test(test_totals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
