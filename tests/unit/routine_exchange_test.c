// Loops that apply pivots to a batch: which are found, and the routine against the evaluator.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "evaluate.h"
#include "pass/match_exchange.h"
#include "pass_support.h"
#include "routine/routine.h"

enum { BATCH = 7, N = 5, WIDTH = 4 };

typedef struct Variant {
  int trips, wrap;
  const char *places, *returned, *more;
} Variant;

// |places|: what gather and scatter take as indices; |returned|: of the scatter's two; |more|:
// another operation in the body.
static const char *program(Variant v) {
  static char text[4096];
  snprintf(
      text, sizeof text,
      "func.func @main(%%rows: tensor<7x5xi32>, %%at: tensor<7x4xi32>) -> tensor<7x5xi32> {\n"
      "  %%c0 = stablehlo.constant dense<0> : tensor<i32>\n"
      "  %%c1 = stablehlo.constant dense<1> : tensor<i32>\n"
      "  %%limit = stablehlo.constant dense<%d> : tensor<i32>\n"
      "  %%zero = stablehlo.constant dense<0> : tensor<7x1xi32>\n"
      "  %%n = stablehlo.constant dense<%d> : tensor<7x1xi32>\n"
      "  %%r:2 = stablehlo.while(%%i = %%c0, %%p = %%rows) : tensor<i32>, tensor<7x5xi32>\n"
      "  cond {\n"
      "    %%go = stablehlo.compare LT, %%i, %%limit, SIGNED : (tensor<i32>, tensor<i32>) -> "
      "tensor<i1>\n"
      "    stablehlo.return %%go : tensor<i1>\n"
      "  } do {\n"
      "    %%raw = stablehlo.dynamic_slice %%at, %%c0, %%i, sizes = [7, 1] : (tensor<7x4xi32>, "
      "tensor<i32>, tensor<i32>) -> tensor<7x1xi32>\n"
      "    %%old2 = stablehlo.dynamic_slice %%p, %%c0, %%i, sizes = [7, 1] : (tensor<7x5xi32>, "
      "tensor<i32>, tensor<i32>) -> tensor<7x1xi32>\n"
      "    %%old = stablehlo.reshape %%old2 : (tensor<7x1xi32>) -> tensor<7xi32>\n"
      "    %%less = stablehlo.compare LT, %%raw, %%zero, SIGNED : (tensor<7x1xi32>, "
      "tensor<7x1xi32>) -> tensor<7x1xi1>\n"
      "    %%sum = stablehlo.add %%raw, %%n : tensor<7x1xi32>\n"
      "    %%j = stablehlo.select %%less, %%sum, %%raw : tensor<7x1xi1>, tensor<7x1xi32>\n"
      "    %%new = \"stablehlo.gather\"(%%p, %%%s) <{dimension_numbers = "
      "#stablehlo.gather<offset_dims = [1], operand_batching_dims = [0], "
      "start_indices_batching_dims = [0], start_index_map = [1], index_vector_dim = 1>, "
      "slice_sizes = array<i64: 1, 1>}> : (tensor<7x5xi32>, tensor<7x1xi32>) -> tensor<7x1xi32>\n"
      "    %%q = stablehlo.dynamic_update_slice %%p, %%new, %%c0, %%i : (tensor<7x5xi32>, "
      "tensor<7x1xi32>, tensor<i32>, tensor<i32>) -> tensor<7x5xi32>\n"
      "    %%s = \"stablehlo.scatter\"(%%q, %%%s, %%old) <{scatter_dimension_numbers = "
      "#stablehlo.scatter<inserted_window_dims = [1], input_batching_dims = [0], "
      "scatter_indices_batching_dims = [0], scatter_dims_to_operand_dims = [1], index_vector_dim = "
      "1>, unique_indices = true}> ({\n"
      "    ^bb0(%%x: tensor<i32>, %%y: tensor<i32>):\n"
      "      stablehlo.return %%%s : tensor<i32>\n"
      "    }) : (tensor<7x5xi32>, tensor<7x1xi32>, tensor<7xi32>) -> tensor<7x5xi32>\n"
      "    %%next = stablehlo.add %%i, %%c1 : tensor<i32>\n"
      "    %s\n"
      "    stablehlo.return %%next, %%s : tensor<i32>, tensor<7x5xi32>\n"
      "  }\n"
      "  return %%r#1 : tensor<7x5xi32>\n}\n",
      v.trips, v.wrap, v.places, v.places, v.returned, v.more);
  return text;
}

static bool find(Variant v, PjExchangeMatch *out) {
  Parsed parsed = pass_run(program(v), "dead_code");
  const PjOp *loop = NULL;
  for (const PjOp *op = pj_module_entry(parsed.module)->regions[0].first; op; op = op->next)
    if (op->kind == PJ_OP_WHILE)
      loop = op;
  assert_non_null(loop);
  const bool found = pj_match_exchange(loop, out);
  parsed_free(&parsed);
  return found;
}

static void recognised(void **state) {
  (void)state;
  PjExchangeMatch match;
  const Variant plain = {4, N, "j", "y", ""};
  assert_true(find(plain, &match));
  assert_int_equal(match.batch, BATCH);
  assert_int_equal(match.n, N);
  assert_int_equal(match.width, WIDTH);
  assert_int_equal(match.count, 4);
  assert_true(match.wraps && match.rows == 1 && match.counter == 0);
  assert_true(find((Variant){3, N, "raw", "y", ""}, &match));
  assert_int_equal(match.count, 3);
  assert_false(match.wraps);
  // More turns than pivots; another wrap; the old element stays; something else happens, too.
  assert_false(find((Variant){5, N, "j", "y", ""}, &match));
  assert_false(find((Variant){4, N + 1, "j", "y", ""}, &match));
  assert_false(find((Variant){4, N, "j", "x", ""}, &match));
  assert_false(find((Variant){4, N, "j", "y",
                              "stablehlo.custom_call @tell(%i) {has_side_effect = true} : "
                              "(tensor<i32>) -> ()"},
                    &match));
}

typedef struct Made {
  PjArena *arena;
  PjExchange what;
  const PjRoutine *routine;
} Made;

static PjStatus make(void *context) {
  Made *made = context;
  made->routine = pj_routine_exchange(made->arena, &made->what);
  return PJ_STATUS_OK;
}

static void same_as_evaluator(void **state) {
  (void)state;
  for (int round = 0; round < 40; ++round) {
    int32_t rows[BATCH * N], at[BATCH * WIDTH], have[BATCH * N], counted = -1;
    for (int i = 0; i < BATCH * N; ++i)
      rows[i] = (int32_t)random_int(-100, 100);
    for (int i = 0; i < BATCH * WIDTH; ++i) // also out of the rows, on both sides
      at[i] = (int32_t)(round < 20 ? random_int(i % WIDTH, N - 1) : random_int(-2 * N, 2 * N));
    const bool wraps = round % 2;
    const int count = round % 5 ? 4 : 2;
    const int64_t row_dims[] = {BATCH, N}, at_dims[] = {BATCH, WIDTH};
    PjTensor *in[] = {make_tensor(PJ_DT_S32, 2, row_dims, rows),
                      make_tensor(PJ_DT_S32, 2, at_dims, at)},
             *want;
    evaluate_ok(program((Variant){count, N, wraps ? "j" : "raw", "y", ""}), 2, in, 1, &want);
    Made made = {.what = {BATCH, N, WIDTH, count, wraps, false}};
    assert_null(pj_arena_create(0, &made.arena));
    assert_null(pj_arena_guard(made.arena, make, &made));
    for (int threads = 1; threads <= 2; ++threads) {
      PjThreads *pool = NULL;
      if (threads > 1)
        assert_null(pj_threads_create(threads, &pool));
      const void *from[] = {rows, at};
      void *to[] = {have, &counted};
      assert_null(made.routine->run(made.routine, pool, from, to, NULL));
      assert_memory_equal(have, want->data, sizeof have);
      assert_int_equal(counted, count);
      pj_threads_destroy(pool);
    }
    pj_arena_destroy(made.arena);
    pj_tensor_release(want);
    pj_tensor_release(in[0]);
    pj_tensor_release(in[1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(recognised),
                                     cmocka_unit_test(same_as_evaluator)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
