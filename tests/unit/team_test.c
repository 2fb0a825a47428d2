// Manual computations run by a team: the same bits as from the evaluator, where every device is a
// thread of its own, on any number of threads; what is computed once for all devices; and what
// devices that come apart are told.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "pass_support.h"
#include "sched/manual.h"

typedef struct Made {
  Parsed parsed;
  PjArena *work, *kernels;
  PjSchedule *schedule;
  PjProgram *program;
} Made;

static PjStatus in_kernels(void *context) {
  Made *m = context;
  PjScheduleOptions options = {
      .target = pj_kir_target_host(), .work = m->work, .kernels = m->kernels};
  PJ_TRY(pj_program_create(m->parsed.module, &m->program));
  return pj_schedule_create(m->parsed.arena, m->parsed.module, &options, &m->schedule);
}

static PjStatus in_work(void *context) {
  return pj_arena_guard(((Made *)context)->kernels, in_kernels, context);
}

static Made make(const char *text) {
  Made m = {.parsed = pass_run(text, NULL)};
  assert_null(pj_arena_create(0, &m.work));
  assert_null(pj_arena_create(0, &m.kernels));
  PjStatus status = pj_arena_guard(m.parsed.arena, in_work, &m);
  if (status)
    fail_msg("%s", pj_status_message(status));
  return m;
}

static void unmake(Made *m) {
  pj_schedule_destroy(m->schedule);
  pj_arena_destroy(m->work);
  pj_arena_destroy(m->kernels);
  parsed_free(&m->parsed);
}

enum { MOST = 8 };

typedef struct Arrays {
  uint32_t num_in, num_out;
  PjTensor *in[MOST], *want[MOST], *got[MOST];
} Arrays;

static Arrays make_arrays(const Made *m) {
  const PjType *type = PJ_ATTR(pj_module_entry(m->parsed.module), function_type)->type;
  Arrays a = {.num_in = type->num_elems, .num_out = type->num_results};
  assert_true(a.num_in <= MOST && a.num_out <= MOST);
  for (uint32_t i = 0; i < a.num_in; i++) {
    const PjType *t = type->elems[i];
    a.in[i] = pj_tensor_new(t->dtype, t->rank, t->dims);
    for (int64_t e = 0; e < a.in[i]->count; e++) // small integers: sums are exact
      if (t->dtype == PJ_DT_F32)
        ((float *)a.in[i]->data)[e] = (float)((e * 7 + 3 * i) % 23 - 11);
      else
        ((int32_t *)a.in[i]->data)[e] = (int32_t)((e * 5 + i) % 17);
  }
  for (uint32_t i = 0; i < a.num_out; i++)
    a.got[i] =
        pj_tensor_new(type->results[i]->dtype, type->results[i]->rank, type->results[i]->dims);
  return a;
}

static PjStatus run_schedule(const Made *m, Arrays *a, int num_threads) {
  PjThreads *threads;
  void *in[MOST], *out[MOST];
  for (uint32_t i = 0; i < a->num_in; i++)
    in[i] = a->in[i]->data;
  for (uint32_t i = 0; i < a->num_out; i++)
    memset(out[i] = a->got[i]->data, 0xA5, a->got[i]->bytes);
  assert_null(pj_threads_create(num_threads, &threads));
  void **buffers = pj_calloc(m->schedule->slots.len + 1, sizeof *buffers);
  void *memory = pj_malloc_aligned(pj_schedule_memory(m->schedule, threads) + 64, 64);
  PjRunOptions options = {0};
  PjStatus status = pj_schedule_run(m->schedule, threads, &options, in, out, buffers, memory);
  pj_free(buffers);
  pj_free_aligned(memory);
  pj_threads_destroy(threads);
  return status;
}

static void free_arrays(Arrays *a) {
  for (uint32_t i = 0; i < MOST; i++) {
    pj_tensor_release(a->in[i]);
    pj_tensor_release(a->want[i]);
    pj_tensor_release(a->got[i]);
  }
}

static const PjStep *team_step(const Made *m) {
  for (size_t i = 0; i < m->schedule->steps.len; i++)
    if (m->schedule->steps.data[i].kind == PJ_STEP_MANUAL)
      return &m->schedule->steps.data[i];
  return NULL;
}

static uint32_t count_once(const PjSteps *steps) {
  uint32_t count = 0;
  for (size_t i = 0; i < steps->len; i++)
    count += steps->data[i].once;
  return count;
}

// Expects the evaluator's bits from a team, which does |once| of its steps for all devices.
static void expect(const char *text, uint32_t once) {
  static const int threads[] = {1, 2, 5};
  Made m = make(text);
  Arrays a = make_arrays(&m);
  PjStatus status = pj_program_run(m.program, NULL, a.num_in, a.in, NULL, a.num_out, a.want);
  if (status)
    fail_msg("the evaluator: %s", pj_status_message(status));
  assert_non_null(team_step(&m));
  assert_int_equal(m.schedule->num_fallbacks, 0);
  assert_int_equal(count_once(&pj_manual_schedule(team_step(&m))->steps), once);
  for (int k = 0; k < 3; k++) {
    status = run_schedule(&m, &a, threads[k]);
    if (status)
      fail_msg("%d threads: %s", threads[k], pj_status_message(status));
    for (uint32_t i = 0; i < a.num_out; i++)
      if (memcmp(a.got[i]->data, a.want[i]->data, a.want[i]->bytes))
        fail_msg("result %u differs on %d threads", i, threads[k]);
  }
  free_arrays(&a);
  unmake(&m);
}

#define MESH(axes) "sdy.mesh @m = <[" axes "]>\n"
#define MANUAL(operands, in, out, axes, args)                                           \
  "%r = sdy.manual_computation(" operands ") in_shardings=[" in "] out_shardings=[" out \
  "] manual_axes={" axes "} (" args ") {\n"
#define SUM(result, from, groups, type)                                                            \
  result " = \"stablehlo.all_reduce\"(" from ") <{replica_groups = dense<" groups                  \
         ">, channel_handle = #stablehlo.channel_handle<handle = 1, type = 0>, "                   \
         "use_global_device_ids}> ({\n^bb0(%p: tensor<f32>, %q: tensor<f32>):\n"                   \
         "%s = stablehlo.add %p, %q : tensor<f32>\nstablehlo.return %s : tensor<f32>\n}) : (" type \
         ") -> " type "\n"

static void test_rows(void **state) {
  (void)state;
  // Parts of whole rows; the weights, and what follows the sum over all devices, are everybody's.
  expect(MESH("\"x\"=4") "func.func @main(%x: tensor<64x8xf32>, %w: tensor<8x8xf32>) -> "
                         "(tensor<64x8xf32>, tensor<8x8xf32>) {\n"
                         "%r:2 = sdy.manual_computation(%x, %w) in_shardings=[<@m, [{\"x\"}, {}]>, "
                         "<@m, [{}, {}]>] "
                         "out_shardings=[<@m, [{\"x\"}, {}]>, <@m, [{}, {}]>] manual_axes={\"x\"} "
                         "(%a: tensor<16x8xf32>, %b: tensor<8x8xf32>) {\n"
                         "%g = stablehlo.dot_general %a, %a, contracting_dims = [0] x [0] : "
                         "(tensor<16x8xf32>, tensor<16x8xf32>) -> tensor<8x8xf32>\n" SUM(
                             "%t", "%g", "[[0, 1, 2, 3]]> : tensor<1x4xi64",
                             "tensor<8x8xf32>") "%u = stablehlo.subtract %b, %t : tensor<8x8xf32>\n"
                                                "%v = stablehlo.dot_general %a, %u, "
                                                "contracting_dims = [1] x [0] : (tensor<16x8xf32>, "
                                                "tensor<8x8xf32>) -> tensor<16x8xf32>\n"
                                                "sdy.return %v, %u : tensor<16x8xf32>, "
                                                "tensor<8x8xf32>\n"
                                                "} : (tensor<64x8xf32>, tensor<8x8xf32>) -> "
                                                "(tensor<64x8xf32>, tensor<8x8xf32>)\n"
                                                "return %r#0, %r#1 : tensor<64x8xf32>, "
                                                "tensor<8x8xf32>\n}\n",
         1);
}

static void test_columns(void **state) {
  (void)state;
  // Parts that are no piece of the whole, and pieces that do not begin where kernels may write.
  expect(
      MESH("\"x\"=2, \"y\"=3") "func.func @main(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {\n" MANUAL(
          "%x", "<@m, [{\"x\"}, {\"y\"}]>", "<@m, [{\"x\"}, {\"y\"}]>", "\"x\", \"y\"",
          "%a: tensor<2x2xf32>") "%v = stablehlo.multiply %a, %a : tensor<2x2xf32>\n"
                                 "sdy.return %v : tensor<2x2xf32>\n} : (tensor<4x6xf32>) -> "
                                 "tensor<4x6xf32>\n"
                                 "return %r : tensor<4x6xf32>\n}\n",
      0);
  expect(MESH("\"x\"=4") "func.func @main(%x: tensor<4x3xf32>) -> tensor<4x3xf32> {\n" MANUAL(
             "%x", "<@m, [{\"x\"}, {}]>", "<@m, [{\"x\"}, {}]>", "\"x\"",
             "%a: tensor<1x3xf32>") "%v = stablehlo.negate %a : tensor<1x3xf32>\n"
                                    "sdy.return %v : tensor<1x3xf32>\n} : (tensor<4x3xf32>) -> "
                                    "tensor<4x3xf32>\n"
                                    "return %r : tensor<4x3xf32>\n}\n",
         0);
}

static void test_groups(void **state) {
  (void)state;
  // Sums over pairs: devices differ in the result, of which they are said to have the same.
  expect(MESH("\"x\"=4") "func.func @main(%x: tensor<64xf32>) -> tensor<16xf32> {\n" MANUAL(
             "%x", "<@m, [{\"x\"}]>", "<@m, [{}]>", "\"x\"", "%a: tensor<16xf32>")
             SUM("%t", "%a", "[[0, 1], [2, 3]]> : tensor<2x2xi64",
                 "tensor<16xf32>") "sdy.return %t : tensor<16xf32>\n} : (tensor<64xf32>) -> "
                                   "tensor<16xf32>\n"
                                   "return %r : tensor<16xf32>\n}\n",
         0);
}

static void test_device_order(void **state) {
  (void)state;
  // Mesh positions are not device numbers.
  expect("sdy.mesh @m = <[\"x\"=4], device_ids=[2, 0, 3, 1]>\n"
         "func.func @main(%x: tensor<8xf32>) -> (tensor<4xui32>, tensor<2xf32>) {\n"
         "%r:2 = sdy.manual_computation(%x) in_shardings=[<@m, [{\"x\"}]>] out_shardings=[<@m, "
         "[{\"x\"}]>, <@m, [{}]>] "
         "manual_axes={\"x\"} (%a: tensor<2xf32>) {\n"
         "%i = stablehlo.partition_id : tensor<ui32>\n"
         "%j = stablehlo.reshape %i : (tensor<ui32>) -> tensor<1xui32>\n"
         "sdy.return %j, %a : tensor<1xui32>, tensor<2xf32>\n"
         "} : (tensor<8xf32>) -> (tensor<4xui32>, tensor<2xf32>)\n"
         "return %r#0, %r#1 : tensor<4xui32>, tensor<2xf32>\n}\n",
         0);
}

// While the counter, which begins at |from|, is below 5: the sum over all devices is added.
#define LOOP(from)                                                                                 \
  "%z = stablehlo.constant dense<0> : tensor<i32>\n%one = stablehlo.constant dense<1> : "          \
  "tensor<i32>\n%five = stablehlo.constant dense<5> : tensor<i32>\n" from                          \
  "%l:2 = stablehlo.while(%c = %f, %d = %a) : tensor<i32>, tensor<16xf32>\n"                       \
  "cond {\n%k = stablehlo.compare LT, %c, %five : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"      \
  "stablehlo.return %k : tensor<i1>\n} do {\n" SUM(                                                \
      "%t", "%d", "[[0, 1, 2, 3]]> : tensor<1x4xi64",                                              \
      "tensor<16xf32>") "%n = stablehlo.add %t, %a : tensor<16xf32>\n%m = stablehlo.add %c, %one " \
                        ": tensor<i32>\n"                                                          \
                        "stablehlo.return %m, %n : tensor<i32>, tensor<16xf32>\n}\n"

#define LOOP_PROGRAM(from)                                                                    \
  MESH("\"x\"=4")                                                                             \
  "func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {\n" MANUAL(                         \
      "%x", "<@m, [{\"x\"}]>", "<@m, [{\"x\"}]>", "\"x\"", "%a: tensor<16xf32>")              \
      LOOP(from) "sdy.return %l#1 : tensor<16xf32>\n} : (tensor<64xf32>) -> tensor<64xf32>\n" \
                 "return %r : tensor<64xf32>\n}\n"

static void test_loop(void **state) {
  (void)state;
  expect(LOOP_PROGRAM("%f = stablehlo.add %z, %z : tensor<i32>\n"), 1);
}

static void test_apart(void **state) {
  (void)state;
  // Device i begins at i, so device 3 leaves the loop first, and the others wait for it.
  Made m = make(LOOP_PROGRAM("%i = stablehlo.partition_id : tensor<ui32>\n"
                             "%f = stablehlo.convert %i : (tensor<ui32>) -> tensor<i32>\n"));
  Arrays a = make_arrays(&m);
  PjStatus status = run_schedule(&m, &a, 2);
  assert_int_equal(pj_status_code(status), PJ_FAILED_PRECONDITION);
  assert_non_null(strstr(pj_status_message(status), "device 3 does not come"));
  pj_status_free(status);
  free_arrays(&a);
  unmake(&m);
}

static void test_branches(void **state) {
  (void)state;
  // Pairs take branches of their own, with collectives in them.
  expect(
      MESH("\"x\"=4") "func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {\n" MANUAL(
          "%x", "<@m, [{\"x\"}]>", "<@m, [{\"x\"}]>", "\"x\"",
          "%a: tensor<16xf32>") "%i = stablehlo.partition_id : tensor<ui32>\n"
                                "%two = stablehlo.constant dense<2> : tensor<ui32>\n"
                                "%h = stablehlo.divide %i, %two : tensor<ui32>\n"
                                "%j = stablehlo.convert %h : (tensor<ui32>) -> tensor<i32>\n"
                                "%b = \"stablehlo.case\"(%j) ({\n" SUM(
                                    "%t", "%a", "[[0, 1], [2, 3]]> : tensor<2x2xi64",
                                    "tensor<16xf32>") "stablehlo.return %t : tensor<16xf32>\n}, "
                                                      "{\n" SUM("%u", "%a",
                                                                "[[0, 1], [2, 3]]> : "
                                                                "tensor<2x2xi64",
                                                                "tensor<16xf32>") "%v = "
                                                                                  "stablehlo."
                                                                                  "negate %u : "
                                                                                  "tensor<16xf32>"
                                                                                  "\nstablehlo."
                                                                                  "return %v : "
                                                                                  "tensor<16xf32>\n"
                                                                                  "}) : "
                                                                                  "(tensor<i32>) "
                                                                                  "-> "
                                                                                  "tensor<16xf32>\n"
                                                                                  "sdy.return %b : "
                                                                                  "tensor<16xf32>"
                                                                                  "\n} : "
                                                                                  "(tensor<64xf32>)"
                                                                                  " -> "
                                                                                  "tensor<64xf32>\n"
                                                                                  "return %r : "
                                                                                  "tensor<64xf32>"
                                                                                  "\n}\n",
      0);
}

static void test_shared_loop(void **state) {
  (void)state;
  // A loop over what all devices have, exchanging addresses: run once, seen by all.
  expect(
      MESH(
          "\"x\"=4") "func.func @main(%x: tensor<4096xf32>, %w: tensor<64x64xf32>) -> "
                     "tensor<4096xf32> {\n"
                     "%r = sdy.manual_computation(%x, %w) in_shardings=[<@m, [{\"x\"}]>, <@m, [{}, "
                     "{}]>] out_shardings=[<@m, [{\"x\"}]>] "
                     "manual_axes={\"x\"} (%a: tensor<1024xf32>, %b: tensor<64x64xf32>) {\n"
                     "%z = stablehlo.constant dense<0> : tensor<i32>\n%one = stablehlo.constant "
                     "dense<1> : tensor<i32>\n"
                     "%n = stablehlo.slice %b [0:1, 0:1] : (tensor<64x64xf32>) -> tensor<1x1xf32>\n"
                     "%l:2 = stablehlo.while(%c = %z, %d = %b) : tensor<i32>, tensor<64x64xf32>\n"
                     "cond {\n%five = stablehlo.constant dense<3> : tensor<i32>\n%k = "
                     "stablehlo.compare LT, %c, %five : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
                     "stablehlo.return %k : tensor<i1>\n} do {\n"
                     "%e = stablehlo.dot_general %d, %b, contracting_dims = [1] x [0] : "
                     "(tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>\n"
                     "%s = stablehlo.constant dense<7.8125e-3> : tensor<64x64xf32>\n%f = "
                     "stablehlo.multiply %e, %s : tensor<64x64xf32>\n"
                     "%g = stablehlo.floor %f : tensor<64x64xf32>\n"
                     "%m = stablehlo.add %c, %one : tensor<i32>\nstablehlo.return %m, %g : "
                     "tensor<i32>, tensor<64x64xf32>\n}\n"
                     "%o = stablehlo.slice %l#1 [0:16, 0:64] : (tensor<64x64xf32>) -> "
                     "tensor<16x64xf32>\n"
                     "%p = stablehlo.reshape %o : (tensor<16x64xf32>) -> tensor<1024xf32>\n"
                     "%q = stablehlo.add %p, %a : tensor<1024xf32>\n"
                     "sdy.return %q : tensor<1024xf32>\n} : (tensor<4096xf32>, tensor<64x64xf32>) "
                     "-> tensor<4096xf32>\n"
                     "return %r : tensor<4096xf32>\n}\n",
      1);
}

static void test_mixed_loop(void **state) {
  (void)state;
  // A counter that is everybody's in a loop that each runs by itself, in memory of its own then.
  expect(MESH("\"x\"=4") "func.func @main(%x: tensor<4096xf32>) -> tensor<4096xf32> {\n" MANUAL(
             "%x", "<@m, [{\"x\"}]>", "<@m, [{\"x\"}]>", "\"x\"",
             "%a: tensor<1024xf32>") "%z = stablehlo.constant dense<0> : tensor<i32>\n"
                                     "%l:2 = stablehlo.while(%c = %z, %d = %a) : tensor<i32>, "
                                     "tensor<1024xf32>\n"
                                     "cond {\n%five = stablehlo.constant dense<5> : tensor<i32>\n"
                                     "%k = stablehlo.compare LT, %c, %five : (tensor<i32>, "
                                     "tensor<i32>) -> tensor<i1>\n"
                                     "stablehlo.return %k : tensor<i1>\n} do {\n"
                                     "%i = stablehlo.partition_id : tensor<ui32>\n"
                                     "%f = stablehlo.convert %i : (tensor<ui32>) -> tensor<f32>\n"
                                     "%b = stablehlo.broadcast_in_dim %f, dims = [] : "
                                     "(tensor<f32>) -> tensor<1024xf32>\n"
                                     "%g = stablehlo.add %d, %b : tensor<1024xf32>\n"
                                     "%one = stablehlo.constant dense<1> : tensor<i32>\n"
                                     "%m = stablehlo.add %c, %one : tensor<i32>\n"
                                     "stablehlo.return %m, %g : tensor<i32>, tensor<1024xf32>\n}\n"
                                     "sdy.return %l#1 : tensor<1024xf32>\n} : (tensor<4096xf32>) "
                                     "-> tensor<4096xf32>\n"
                                     "return %r : tensor<4096xf32>\n}\n",
         0);
}

static void test_exchange(void **state) {
  (void)state;
  // Each device's part to the next one, and everybody's to all.
  expect(
      MESH("\"x\"=4") "func.func @main(%x: tensor<64xf32>) -> (tensor<64xf32>, tensor<64xf32>) {\n"
                      "%r:2 = sdy.manual_computation(%x) in_shardings=[<@m, [{\"x\"}]>] "
                      "out_shardings=[<@m, [{\"x\"}]>, <@m, [{}]>] "
                      "manual_axes={\"x\"} (%a: tensor<16xf32>) {\n"
                      "%t = \"stablehlo.collective_permute\"(%a) <{source_target_pairs = "
                      "dense<[[0, 1], [1, 2], [2, 3], [3, 0]]> : tensor<4x2xi64>, "
                      "channel_handle = #stablehlo.channel_handle<handle = 1, type = 0>}> : "
                      "(tensor<16xf32>) -> tensor<16xf32>\n"
                      "%g = \"stablehlo.all_gather\"(%a) <{all_gather_dim = 0 : i64, "
                      "replica_groups = dense<[[0, 1, 2, 3]]> : tensor<1x4xi64>, "
                      "channel_handle = #stablehlo.channel_handle<handle = 2, type = 0>, "
                      "use_global_device_ids}> : (tensor<16xf32>) -> tensor<64xf32>\n"
                      "%h = stablehlo.negate %g : tensor<64xf32>\n"
                      "sdy.return %t, %h : tensor<16xf32>, tensor<64xf32>\n} : (tensor<64xf32>) -> "
                      "(tensor<64xf32>, tensor<64xf32>)\n"
                      "return %r#0, %r#1 : tensor<64xf32>, tensor<64xf32>\n}\n",
      1);
}

// Pieces of 0 to 2 rows: device i sends |sizes| to the others, which |at| says where to put.
#define RAGGED(sizes, at)                                                                          \
  MESH("\"x\"=2")                                                                                  \
  "func.func @main(%x: tensor<8x3xf32>, %o: tensor<10x3xf32>, %b: tensor<4xi32>) -> "              \
  "tensor<10x3xf32> {\n%s = stablehlo.constant dense<" sizes "> : tensor<4xi32>\n"                 \
  "%t = stablehlo.constant dense<" at "> : tensor<4xi32>\n"                                        \
  "%f = stablehlo.constant dense<[0, 2, 1, 3]> : tensor<4xi32>\n"                                  \
  "%r = sdy.manual_computation(%x, %o, %f, %s, %t, %b) in_shardings=[<@m, [{\"x\"}, {}]>, <@m, "   \
  "[{\"x\"}, {}]>, <@m, [{\"x\"}]>, <@m, [{\"x\"}]>, <@m, [{\"x\"}]>, <@m, [{\"x\"}]>] "           \
  "out_shardings=[<@m, [{\"x\"}, {}]>] manual_axes={\"x\"} (%a: tensor<4x3xf32>, %c: "             \
  "tensor<5x3xf32>, %d: tensor<2xi32>, %e: tensor<2xi32>, %g: tensor<2xi32>, %h: "                 \
  "tensor<2xi32>) {\n%v = stablehlo.custom_call @ragged_all_to_all(%a, %c, %d, %e, %g, %h) "       \
  "{api_version = 4 : i32, backend_config = {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, " \
  "channel_id = 1 : i64}} : (tensor<4x3xf32>, tensor<5x3xf32>, tensor<2xi32>, tensor<2xi32>, "     \
  "tensor<2xi32>, tensor<2xi32>) -> tensor<5x3xf32>\n"                                             \
  "sdy.return %v : tensor<5x3xf32>\n} : (tensor<8x3xf32>, tensor<10x3xf32>, tensor<4xi32>, "       \
  "tensor<4xi32>, tensor<4xi32>, tensor<4xi32>) -> tensor<10x3xf32>\n"                             \
  "return %r : tensor<10x3xf32>\n}\n"

static void test_ragged(void **state) {
  (void)state;
  static const char text[] = RAGGED("[2, 1, 0, 1]", "[0, 3, 0, 4]");
  expect(text, 0);
  // Device 0 sends its rows 0 and 1 to itself, at 0, and row 2 to device 1, at 3; device 1 sends
  // its row 3 to itself, at 4.
  Made m = make(text);
  Arrays a = make_arrays(&m);
  PjStatus status = run_schedule(&m, &a, 1);
  assert_null(status);
  const float *x = a.in[0]->data, *o = a.in[1]->data, *got = a.got[0]->data;
  enum { ROW = 3, DEVICE = 5 };
  for (int i = 0; i < 10 * ROW; i++) {
    int row = i / ROW, of = row < 2 ? row : row == DEVICE + 3 ? 2 : row == DEVICE + 4 ? 7 : -1;
    assert_true(got[i] == (of < 0 ? o[i] : x[of * ROW + i % ROW]));
  }
  free_arrays(&a);
  unmake(&m);
  m = make(RAGGED("[2, 1, 0, 1]", "[4, 3, 0, 4]")); // two rows at the last one
  a = make_arrays(&m);
  status = run_schedule(&m, &a, 1);
  assert_int_equal(pj_status_code(status), PJ_INVALID_ARGUMENT);
  assert_non_null(
      strstr(pj_status_message(status), "member 0 sends 2 rows from 0 on to member 0, at 4"));
  pj_status_free(status);
  free_arrays(&a);
  unmake(&m);
}

static void test_many_devices(void **state) {
  (void)state;
  // More devices than there can be threads, and no time that grows with their square.
  Made m = make(
      MESH("\"x\"=65536") "func.func @main(%x: tensor<65536x2xf32>) -> "
                          "tensor<65536x2xf32> {\n" MANUAL(
                              "%x", "<@m, [{\"x\"}, {}]>", "<@m, [{\"x\"}, {}]>", "\"x\"",
                              "%a: tensor<1x2xf32>") "%v = stablehlo.negate %a : tensor<1x2xf32>\n"
                                                     "sdy.return %v : tensor<1x2xf32>\n} : "
                                                     "(tensor<65536x2xf32>) -> "
                                                     "tensor<65536x2xf32>\nreturn %r : "
                                                     "tensor<65536x2xf32>\n}\n");
  Arrays a = make_arrays(&m);
  assert_null(run_schedule(&m, &a, 2));
  for (int64_t i = 0; i < a.got[0]->count; i++)
    assert_true(((float *)a.got[0]->data)[i] == -((float *)a.in[0]->data)[i]);
  free_arrays(&a);
  unmake(&m);
}

static void test_one_device(void **state) {
  (void)state;
  // Nothing to cut, and nobody to meet: all of it is done once.
  expect(MESH("\"x\"=1") "func.func @main(%x: tensor<16xf32>) -> tensor<16xf32> {\n" MANUAL(
             "%x", "<@m, [{\"x\"}]>", "<@m, [{\"x\"}]>", "\"x\"", "%a: tensor<16xf32>")
             SUM("%t", "%a", "[[0]]> : tensor<1x1xi64",
                 "tensor<16xf32>") "%v = stablehlo.negate %t : tensor<16xf32>\n"
                                   "sdy.return %v : tensor<16xf32>\n} : (tensor<16xf32>) -> "
                                   "tensor<16xf32>\n"
                                   "return %r : tensor<16xf32>\n}\n",
         1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),       cmocka_unit_test(test_columns),
      cmocka_unit_test(test_groups),     cmocka_unit_test(test_device_order),
      cmocka_unit_test(test_loop),       cmocka_unit_test(test_apart),
      cmocka_unit_test(test_branches),   cmocka_unit_test(test_shared_loop),
      cmocka_unit_test(test_mixed_loop), cmocka_unit_test(test_exchange),
      cmocka_unit_test(test_ragged),     cmocka_unit_test(test_many_devices),
      cmocka_unit_test(test_one_device),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
