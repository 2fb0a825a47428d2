// What is fused with what: schedules of small programs, by their steps. That the code computes the
// right thing is judged by the random programs of tests/differential and the StableHLO suite.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "pass_support.h"
#include "sched/sched.h"
#include "sched/trial.h"

enum { TRIED_BYTES = 1 << 16 };

typedef struct Made {
  Parsed parsed;
  PjArena *work, *kernels;
  PjSchedule *schedule;
  PjStatus status;
  int64_t past_bytes, returned_bytes, streamed_bytes; // of the target
  int writes_past;                                    // stores past the caches in all kernels
  int clamps;                                         // of indices: minima and maxima of integers
  int divisions;
  int calls; // copies of memory, say
  int branches;
  int loops;
  int gathers;  // loads of which each lane has an address
  int lanes;    // of the widest vector of floats
  int scratch;  // pointers to a kernel's own memory
  int stored;   // single floats
  int pointers; // moved ones
  int sums;     // of vectors of floats
  int shuffles;
} Made;

static void count_instructions(void *context, uint32_t code, const PjKir *function) {
  (void)code;
  Made *m = context;
  for (PjKirVal v = 1; v < function->insts.len; v++) {
    const PjKirInst *inst = pj_kir_inst(function, v);
    m->writes_past += inst->op == PJ_KIR_STORE && inst->imm;
    m->clamps += inst->op == PJ_KIR_SMIN || inst->op == PJ_KIR_SMAX;
    m->stored += inst->op == PJ_KIR_STORE &&
                 pj_kir_type_eq(pj_kir_typeof(function, inst->args[0]), PJ_KIR_T(F32, 1));
    m->calls += inst->op == PJ_KIR_CALL;
    m->branches += inst->op == PJ_KIR_IF;
    m->loops += inst->op == PJ_KIR_FOR;
    m->scratch += inst->op == PJ_KIR_SCRATCH;
    m->pointers += inst->op == PJ_KIR_PTRADD;
    m->sums += inst->op == PJ_KIR_FADD && inst->type.lanes >= 4;
    m->shuffles += inst->op == PJ_KIR_SHUFFLE;
    m->gathers += inst->op == PJ_KIR_GATHER || inst->op == PJ_KIR_READG;
    m->divisions += inst->op == PJ_KIR_SDIV || inst->op == PJ_KIR_ASHR;
    if (inst->type.elem == PJ_KIR_F32 && inst->type.lanes > m->lanes)
      m->lanes = inst->type.lanes;
  }
}

static PjStatus in_kernels(void *context) {
  Made *m = context;
  PjKirTarget target = *pj_kir_target_host();
  target.past_bytes = m->past_bytes;
  target.tried_bytes = TRIED_BYTES;
  target.returned_bytes = m->returned_bytes;
  target.streamed_bytes = m->streamed_bytes;
  PjScheduleOptions options = {.target = &target,
                               .work = m->work,
                               .kernels = m->kernels,
                               .dump = count_instructions,
                               .dump_context = m};
  return pj_schedule_create(m->parsed.arena, m->parsed.module, &options, &m->schedule);
}

static PjStatus in_work(void *context) {
  return pj_arena_guard(((Made *)context)->kernels, in_kernels, context);
}

static Made make_with(const char *text, Made m) {
  m.parsed = pass_run(text, NULL);
  assert_null(pj_arena_create(0, &m.work));
  assert_null(pj_arena_create(0, &m.kernels));
  m.status = pj_arena_guard(m.parsed.arena, in_work, &m);
  return m;
}

static Made make_for(const char *text, int64_t past_bytes, int64_t returned_bytes) {
  return make_with(text, (Made){.past_bytes = past_bytes, .returned_bytes = returned_bytes});
}

static Made make(const char *text) {
  return make_for(text, INT64_MAX, INT64_MAX);
}

static void unmake(Made *m) {
  pj_schedule_destroy(m->schedule);
  pj_status_free(m->status);
  pj_arena_destroy(m->work);
  pj_arena_destroy(m->kernels);
  parsed_free(&m->parsed);
}

// Expects so many steps and distinct functions, and no fallback; returns the bytes of temporaries.
static size_t expect(const char *text, uint32_t kernels, uint32_t functions) {
  Made m = make(text);
  if (m.status)
    fail_msg("%s", pj_status_message(m.status));
  if (m.schedule->num_kernels != kernels || m.schedule->num_codes != functions ||
      m.schedule->num_fallbacks) {
    PjStrBuf printed = {0};
    pj_schedule_print(m.schedule, &printed);
    print_message("%.*s", (int)printed.len, printed.data);
    pj_strbuf_free(&printed);
  }
  assert_int_equal(m.schedule->num_kernels, kernels);
  assert_int_equal(m.schedule->num_codes, functions);
  assert_int_equal(m.schedule->num_fallbacks, 0);
  size_t bytes = m.schedule->temp_bytes;
  unmake(&m);
  return bytes;
}

#define ADD1                                                                             \
  "applies stablehlo.add across dimensions = [1] : (tensor<64x96xf32>, tensor<f32>) -> " \
  "tensor<64xf32>\n"
#define MAX1                                                                                 \
  "applies stablehlo.maximum across dimensions = [1] : (tensor<64x96xf32>, tensor<f32>) -> " \
  "tensor<64xf32>\n"
#define ROWS "dims = [0] : (tensor<64xf32>) -> tensor<64x96xf32>\n"

static void test_elementwise(void **state) {
  (void)state;
  // One kernel, nothing in between in memory.
  size_t bytes = expect(
      pass_main(
          "%x: tensor<5x7xf32>, %y: tensor<7xf32>", "tensor<5x7xf32>",
          "%b = stablehlo.broadcast_in_dim %y, dims = [1] : (tensor<7xf32>) -> tensor<5x7xf32>\n"
          "%e = stablehlo.exponential %x : tensor<5x7xf32>\n"
          "%a = stablehlo.add %e, %b : tensor<5x7xf32>\n"
          "%r = stablehlo.multiply %a, %e : tensor<5x7xf32>\n"
          "return %r : tensor<5x7xf32>\n"),
      1, 1);
  assert_int_equal(bytes, 0);
}

static void test_softmax(void **state) {
  (void)state;
  size_t bytes = expect(pass_main("%x: tensor<64x96xf32>", "tensor<64x96xf32>",
                                  "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"
                                  "%i = stablehlo.constant dense<0xFF800000> : tensor<f32>\n"
                                  "%m = stablehlo.reduce(%x init: %i) " MAX1
                                  "%mb = stablehlo.broadcast_in_dim %m, " ROWS
                                  "%d = stablehlo.subtract %x, %mb : tensor<64x96xf32>\n"
                                  "%e = stablehlo.exponential %d : tensor<64x96xf32>\n"
                                  "%s = stablehlo.reduce(%e init: %z) " ADD1
                                  "%sb = stablehlo.broadcast_in_dim %s, " ROWS
                                  "%r = stablehlo.divide %e, %sb : tensor<64x96xf32>\n"
                                  "return %r : tensor<64x96xf32>\n"),
                        1, 1);
  assert_int_equal(bytes, 0);
}

static void test_peek(void **state) {
  (void)state;
  // Of the logarithms of softmax one of each row, and their sums: nothing is written but numbers
  // per row.
  size_t bytes = expect(
      pass_main(
          "%x: tensor<64x96xf32>, %l: tensor<64x1xi32>", "tensor<64xf32>, tensor<64xf32>",
          "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"
          "%i = stablehlo.constant dense<0xFF800000> : tensor<f32>\n"
          "%m = stablehlo.reduce(%x init: %i) " MAX1 "%mb = stablehlo.broadcast_in_dim %m, " ROWS
          "%d = stablehlo.subtract %x, %mb : tensor<64x96xf32>\n"
          "%e = stablehlo.exponential %d : tensor<64x96xf32>\n"
          "%s = stablehlo.reduce(%e init: %z) " ADD1 "%o = stablehlo.log %s : tensor<64xf32>\n"
          "%ob = stablehlo.broadcast_in_dim %o, " ROWS
          "%p = stablehlo.subtract %d, %ob : tensor<64x96xf32>\n"
          "%t = stablehlo.reduce(%p init: %z) " ADD1
          "%g = \"stablehlo.gather\"(%p, %l) <{dimension_numbers = #stablehlo.gather<"
          "collapsed_slice_dims = [1], operand_batching_dims = [0], "
          "start_indices_batching_dims = [0], start_index_map = [1], index_vector_dim = 1>, "
          "slice_sizes = array<i64: 1, 1>}> : (tensor<64x96xf32>, tensor<64x1xi32>) -> "
          "tensor<64xf32>\n"
          "return %g, %t : tensor<64xf32>, tensor<64xf32>\n"),
      2, 2);
  assert_in_range(bytes, 1, 4 * 64 * 4);
}

static void test_spread(void **state) {
  (void)state;
  // What is spread by several kernels goes to memory once, and not as many times as it is spread:
  // beside two arrays a number takes a line of the cache.
  size_t bytes = expect(
      pass_main(
          "%x: tensor<64x96xf32>, %w: tensor<96x96xf32>, %s: tensor<f32>", "tensor<64x96xf32>",
          "%p = stablehlo.power %s, %s : tensor<f32>\n"
          "%b = stablehlo.broadcast_in_dim %p, dims = [] : (tensor<f32>) -> tensor<64x96xf32>\n"
          "%c = stablehlo.add %x, %b : tensor<64x96xf32>\n"
          "%d = stablehlo.dot_general %c, %w, contracting_dims = [1] x [0] : "
          "(tensor<64x96xf32>, tensor<96x96xf32>) -> tensor<64x96xf32>\n"
          "%r = stablehlo.multiply %d, %b : tensor<64x96xf32>\n"
          "return %r : tensor<64x96xf32>\n"),
      3, 3);
  assert_in_range(bytes, 64 * 96 * 4, 2 * 64 * 96 * 4 + 64);
}

static void test_siblings(void **state) {
  (void)state;
  // Two sums over the same array, by rows: one pass over memory.
  expect(pass_main("%x: tensor<64x96xf32>", "tensor<64xf32>, tensor<64xf32>",
                   "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"
                   "%q = stablehlo.multiply %x, %x : tensor<64x96xf32>\n"
                   "%s = stablehlo.reduce(%x init: %z) " ADD1
                   "%t = stablehlo.reduce(%q init: %z) " ADD1
                   "return %s, %t : tensor<64xf32>, tensor<64xf32>\n"),
         1, 1);
}

static void test_shared_code(void **state) {
  (void)state;
  // Sizes and constants are parameters: two kernels, one function.
  expect(pass_main("%x: tensor<1000xf32>, %y: tensor<2008xf32>",
                   "tensor<1000xf32>, tensor<2008xf32>",
                   "%c = stablehlo.constant dense<3.5> : tensor<1000xf32>\n"
                   "%d = stablehlo.constant dense<4.25> : tensor<2008xf32>\n"
                   "%a = stablehlo.multiply %x, %c : tensor<1000xf32>\n"
                   "%b = stablehlo.multiply %y, %d : tensor<2008xf32>\n"
                   "return %a, %b : tensor<1000xf32>, tensor<2008xf32>\n"),
         2, 1);
}

// What slices share out among them is computed where they are; what several of them have is not.
static void test_slices(void **state) {
  (void)state;
  for (int overlap = 0; overlap <= 16; overlap += 16) {
    char body[1024];
    snprintf(body, sizeof body,
             "%%s = stablehlo.sine %%x : tensor<64x64xf32>\n"
             "%%a = stablehlo.slice %%s [0:64, %d:%d] : (tensor<64x64xf32>) -> tensor<64x32xf32>\n"
             "%%b = stablehlo.slice %%s [0:64, 0:32] : (tensor<64x64xf32>) -> tensor<64x32xf32>\n"
             "%%c = stablehlo.slice %%s [0:64, 48:64] : (tensor<64x64xf32>) -> tensor<64x16xf32>\n"
             "%%t = stablehlo.tanh %%a : tensor<64x32xf32>\n"
             "%%r = stablehlo.multiply %%t, %%b : tensor<64x32xf32>\n"
             "return %%r%s\n",
             32 - overlap, 64 - overlap,
             overlap ? ", %c : tensor<64x32xf32>, tensor<64x16xf32>" : " : tensor<64x32xf32>");
    expect(pass_main("%x: tensor<64x64xf32>",
                     overlap ? "tensor<64x32xf32>, tensor<64x16xf32>" : "tensor<64x32xf32>", body),
           overlap ? 3 : 1, overlap ? 3 : 1);
  }
}

#define V "tensor<4096xf32>"

// Rounds that each read both results of the one before are as long as they are, not as many paths
// lead through them.
static void test_rounds(void **state) {
  (void)state;
  PjStrBuf body = {0};
  for (int i = 0; i < 40; i++)
    pj_strbuf_printf(&body,
                     "%%x%d = stablehlo.add %%x%d, %%y%d : " V "\n"
                     "%%y%d = stablehlo.multiply %%x%d, %%y%d : " V "\n",
                     i + 1, i, i, i + 1, i + 1, i);
  pj_strbuf_printf(&body, "%%r = stablehlo.subtract %%x40, %%y40 : " V "\nreturn %%r : " V "\n");
  size_t bytes = expect(pass_main("%x0: " V ", %y0: " V, V, body.data), 1, 1);
  assert_int_equal(bytes, 0);
  pj_strbuf_free(&body);
}

// A Horner scheme and its derivative, as an automatic gradient has it: each value of the one is
// read again by the other, from the last to the first. However long, it is one kernel without
// arrays between.
static void test_long_chain(void **state) {
  (void)state;
  enum { LENGTH = 120 };
  PjStrBuf text = {0};
  pj_strbuf_printf(&text,
                   "func.func @main(%%x: " V ", %%c: " V ", %%x0: " V ", %%d%d: " V ", %%s%d: " V
                   ") -> " V " {\n",
                   LENGTH, LENGTH);
  for (int i = 0; i < LENGTH; i++)
    pj_strbuf_printf(&text,
                     "%%y%d = stablehlo.multiply %%x%d, %%x : " V "\n"
                     "%%x%d = stablehlo.add %%y%d, %%c : " V "\n",
                     i, i, i + 1, i);
  for (int i = LENGTH; i > 0; i--)
    pj_strbuf_printf(&text,
                     "%%p%d = stablehlo.multiply %%x%d, %%d%d : " V "\n"
                     "%%s%d = stablehlo.add %%s%d, %%p%d : " V "\n"
                     "%%d%d = stablehlo.multiply %%d%d, %%x : " V "\n",
                     i, i, i, i - 1, i, i, i - 1, i);
  pj_strbuf_printf(&text, "return %%s0 : " V "\n}\n");
  assert_int_equal(expect(text.data, 1, 1), 0);
  pj_strbuf_free(&text);
}

// Rows of one vector are no loops.
static void test_one_turn(void **state) {
  (void)state;
  const int lanes = pj_kir_target_host()->vector_bytes / 4;
  char body[512], args[64];
  for (int more = 0; more <= 1; more++) {
    const int length = more ? 2 * lanes : lanes;
    snprintf(args, sizeof args, "%%x: tensor<512x%dxf32>, %%z: tensor<f32>", length);
    snprintf(body, sizeof body,
             "%%r = stablehlo.reduce(%%x init: %%z) applies stablehlo.add across dimensions = [1] "
             ": (tensor<512x%dxf32>, tensor<f32>) -> tensor<512xf32>\n"
             "return %%r : tensor<512xf32>\n",
             length);
    Made m = make(pass_main(args, "tensor<512xf32>", body));
    assert_null(m.status);
    assert_int_equal(m.schedule->num_kernels, 1);
    assert_int_equal(m.loops, 1 + more);
    unmake(&m);
  }
}

// The end of a row is one more vector: with some lanes off, where the machine has masks for all, or
// one that begins in the one before.
static void test_masked_ends(void **state) {
  (void)state;
  Made m = make(pass_main(
      "%x: tensor<500x37xf32>, %y: tensor<500xf32>, %z: tensor<f32>", "tensor<500xf32>",
      "%b = stablehlo.broadcast_in_dim %y, dims = [0] : (tensor<500xf32>) -> tensor<500x37xf32>\n"
      "%d = stablehlo.subtract %x, %b : tensor<500x37xf32>\n"
      "%r = stablehlo.reduce(%d init: %z) applies stablehlo.add across dimensions = [1] : "
      "(tensor<500x37xf32>, tensor<f32>) -> tensor<500xf32>\nreturn %r : tensor<500xf32>\n"));
  assert_null(m.status);
  assert_int_equal(m.schedule->num_kernels, 1);
  assert_int_equal(m.loops, 2);
  assert_int_equal(m.gathers, 0);
  unmake(&m);
}

// So is the end of a row of elements; but where shorter vectors fill it, or lanes are read one by
// one. In place, where the next row, read from where this one is written, would wait for lanes that
// are off, it begins in the one before.
static void test_masked_ends_of_maps(void **state) {
  (void)state;
  static const struct {
    int extent;
    bool turned, donated;
  } cases[] = {{37, false, false}, {40, false, false}, {37, true, false}, {37, false, true}};
  for (int i = 0; i < 4; i++) {
    char args[128], body[512], result[48];
    const int n = cases[i].extent;
    snprintf(result, sizeof result, "tensor<500x%dxf32>", n);
    snprintf(args, sizeof args, "%%x: tensor<500x%dxf32>%s, %%y: tensor<500xf32>", n,
             cases[i].donated ? " {tf.aliasing_output = 0 : i32}" : "");
    snprintf(body, sizeof body,
             "%%b = stablehlo.broadcast_in_dim %%y, dims = [0] : (tensor<500xf32>) -> %s\n"
             "%%d = stablehlo.%s : %s\n"
             "%%r = stablehlo.subtract %%d, %%b : %s\nreturn %%r : %s\n",
             result, cases[i].turned ? "reverse %x, dims = [1]" : "negate %x", result, result,
             result);
    Made m = make(pass_main(args, result, body));
    assert_null(m.status);
    assert_int_equal(m.schedule->num_kernels, 1);
    const int lanes = pj_kir_target_host()->vector_bytes / (int)sizeof(float);
    assert_int_equal(m.stored, cases[i].turned);
    assert_int_equal(m.lanes, n == 40 && lanes > 8 ? 8 : lanes);
    unmake(&m);
  }
}

// Of rows of 13 most columns are read: rows are turned together. Two columns alone are picked.
static void test_columns_turned(void **state) {
  (void)state;
  enum { N = 13 };
  for (int columns = 2; columns <= N; columns += N - 2) {
    PjStrBuf body = {0};
    for (int i = 0; i < columns; i++) {
      pj_strbuf_printf(&body,
                       "%%s%d = stablehlo.slice %%x [0:4096, %d:%d] : (tensor<4096x13xf32>) -> "
                       "tensor<4096x1xf32>\n",
                       i, i, i + 1);
      if (i)
        pj_strbuf_printf(&body, "%%m%d = stablehlo.add %%%s%d, %%s%d : tensor<4096x1xf32>\n", i,
                         i > 1 ? "m" : "s", i - 1, i);
    }
    pj_strbuf_printf(&body, "return %%m%d : tensor<4096x1xf32>\n", columns - 1);
    Made m = make(pass_main("%x: tensor<4096x13xf32>", "tensor<4096x1xf32>", body.data));
    assert_null(m.status);
    assert_int_equal(m.schedule->num_kernels, 1);
    if (pj_kir_target_host()->vector_bytes == 64) {
      const int registers = m.lanes / 16; // in turn, and then one of all of them
      assert_int_equal(m.gathers, 0);
      assert_int_equal(m.shuffles, columns == N ? registers * 59 + (registers - 1) * N : 2 * 7);
    }
    unmake(&m);
    pj_strbuf_free(&body);
  }
}

// Blocks of columns are vectors side by side but for the last, which is asked for.
static void test_blocks_of_columns(void **state) {
  (void)state;
  const int lanes = pj_kir_target_host()->vector_bytes / 4;
  for (int left = 0; left <= 3; left += 3) {
    const int columns = 2 * lanes + left;
    char args[64], type[32], body[256];
    snprintf(args, sizeof args, "%%x: tensor<100x%dxf32>, %%z: tensor<f32>", columns);
    snprintf(type, sizeof type, "tensor<%dxf32>", columns);
    snprintf(body, sizeof body,
             "%%r = stablehlo.reduce(%%x init: %%z) applies stablehlo.add across dimensions = [0] "
             ": (tensor<100x%dxf32>, tensor<f32>) -> %s\nreturn %%r : %s\n",
             columns, type, type);
    Made m = make(pass_main(args, type, body));
    assert_null(m.status);
    assert_int_equal(m.schedule->num_kernels, 1);
    // And the end, one more vector, of which there may be none.
    assert_int_equal(m.branches, left ? 2 : 0);
    unmake(&m);
  }
}

// Many sums of the same columns are one kernel, of fewer vectors at a time.
static void test_many_sums(void **state) {
  (void)state;
  enum { SUMS = 16 };
  char body[8192], results[1024] = "", values[256] = "";
  size_t at = 0;
  for (int i = 0; i < SUMS; ++i) {
    at += (size_t)snprintf(
        body + at, sizeof body - at,
        "%%c%d = stablehlo.constant dense<%d.5> : tensor<70x200xf32>\n"
        "%%x%d = stablehlo.multiply %%x, %%c%d : tensor<70x200xf32>\n"
        "%%s%d = stablehlo.reduce(%%x%d init: %%z) applies stablehlo.add across dimensions = [0] : "
        "(tensor<70x200xf32>, tensor<f32>) -> tensor<200xf32>\n",
        i, i, i, i, i, i);
    snprintf(values + strlen(values), sizeof values - strlen(values), "%s%%s%d", i ? ", " : "", i);
    snprintf(results + strlen(results), sizeof results - strlen(results), "%stensor<200xf32>",
             i ? ", " : "");
  }
  snprintf(body + at, sizeof body - at, "return %s : %s\n", values, results);
  Made m = make(pass_main("%x: tensor<70x200xf32>, %z: tensor<f32>", results, body));
  assert_null(m.status);
  assert_int_equal(m.schedule->num_kernels, 1);
  unmake(&m);
}

// Rows of three that are computed of columns are vectors down the rows where those are long.
static void test_down_columns(void **state) {
  (void)state;
#define COLUMN(name, at)                                                     \
  "%" name " = stablehlo.slice %x [0:500, " at "] : (tensor<500x3xf32>) -> " \
  "tensor<500x1xf32>\n"
#define DIFFERENCE(name, a, b) "%" name " = stablehlo.subtract %" a ", %" b " : tensor<500x1xf32>\n"
  Made m = make(pass_main(
      "%x: tensor<500x3xf32>", "tensor<500x3xf32>",
      COLUMN("a", "0:1") COLUMN("b", "1:2") COLUMN("c", "2:3") DIFFERENCE("p", "a", "b")
          DIFFERENCE("q", "b", "c") DIFFERENCE(
              "s", "c",
              "a") "%r = stablehlo.concatenate %p, %q, %s, dim = 1 : (tensor<500x1xf32>, "
                   "tensor<500x1xf32>, "
                   "tensor<500x1xf32>) -> tensor<500x3xf32>\nreturn %r : tensor<500x3xf32>\n"));
#undef COLUMN
#undef DIFFERENCE
  assert_null(m.status);
  assert_int_equal(m.schedule->num_kernels, 1);
  if (pj_kir_target_host()->vector_bytes == 64)
    assert_true(m.lanes >= 16);
  unmake(&m);
}

// A number that is long to compute is computed once, not by every part of the loop that reads it.
static void test_long_number(void **state) {
  (void)state;
  for (int length = 4; length <= 60; length += 56) {
    PjStrBuf body = {0};
    for (int i = 0; i < length; i++)
      pj_strbuf_printf(&body, "%%n%d = stablehlo.%s %%n%d, %%m : tensor<f32>\n", i + 1,
                       i % 2 ? "add" : "multiply", i);
    pj_strbuf_printf(&body,
                     "%%b = stablehlo.broadcast_in_dim %%n%d, dims = [] : (tensor<f32>) -> " V "\n"
                     "%%r = stablehlo.add %%x, %%b : " V "\nreturn %%r : " V "\n",
                     length);
    uint32_t kernels = length > 32 ? 2 : 1;
    expect(pass_main("%x: " V ", %n0: tensor<f32>, %m: tensor<f32>", V, body.data), kernels,
           kernels);
    pj_strbuf_free(&body);
  }
}

// Pieces of one element are joined one by one, so what is long to compute is computed in vectors
// before.
static void test_short_pieces(void **state) {
  (void)state;
  for (int quick = 0; quick <= 1; quick++) {
    char body[512];
    snprintf(body, sizeof body,
             "%%a = stablehlo.%s %%x : tensor<512x1xf32>\n"
             "%%r = stablehlo.concatenate %%a, %%x, dim = 1 : (tensor<512x1xf32>, "
             "tensor<512x1xf32>) -> tensor<512x2xf32>\nreturn %%r : tensor<512x2xf32>\n",
             quick ? "negate" : "sine");
    expect(pass_main("%x: tensor<512x1xf32>", "tensor<512x2xf32>", body), quick ? 1 : 2,
           quick ? 1 : 2);
  }
}

// Channels that come to stand first are picked from vectors, not moved by themselves.
static void test_channels_first(void **state) {
  (void)state;
  const char *text =
      pass_main("%x: tensor<64x96x3xui8>", "tensor<3x64x96xf32>",
                "%a = stablehlo.convert %x : (tensor<64x96x3xui8>) -> tensor<64x96x3xf32>\n"
                "%b = stablehlo.multiply %a, %a : tensor<64x96x3xf32>\n"
                "%r = stablehlo.transpose %b, dims = [2, 0, 1] : (tensor<64x96x3xf32>) -> "
                "tensor<3x64x96xf32>\nreturn %r : tensor<3x64x96xf32>\n");
  assert_int_equal(expect(text, 1, 1), 0);
}

// Channels of bytes that come to stand last, truth values too, are interleaved by vectors, as
// arrays are that are stacked.
static void test_channels_last(void **state) {
  (void)state;
  Made moved =
      make(pass_main("%x: tensor<3x32x96xui8>", "tensor<32x96x3xui8>",
                     "%r = stablehlo.transpose %x, dims = [1, 2, 0] : (tensor<3x32x96xui8>) -> "
                     "tensor<32x96x3xui8>\nreturn %r : tensor<32x96x3xui8>\n"));
  Made stacked = make(pass_main(
      "%x: tensor<512x1xui8>, %y: tensor<512x1xui8>", "tensor<512x2xi1>",
      "%a = stablehlo.compare LT, %x, %y : (tensor<512x1xui8>, tensor<512x1xui8>) -> "
      "tensor<512x1xi1>\n"
      "%b = stablehlo.compare EQ, %x, %y : (tensor<512x1xui8>, tensor<512x1xui8>) -> "
      "tensor<512x1xi1>\n"
      "%r = stablehlo.concatenate %a, %b, dim = 1 : (tensor<512x1xi1>, tensor<512x1xi1>) -> "
      "tensor<512x2xi1>\nreturn %r : tensor<512x2xi1>\n"));
  assert_null(moved.status);
  assert_null(stacked.status);
  assert_int_equal(moved.schedule->num_kernels, 1);
  assert_int_equal(stacked.schedule->num_kernels, 1);
  assert_int_equal(moved.shuffles, 6);   // three vectors of three
  assert_int_equal(stacked.shuffles, 2); // two of two
  unmake(&moved);
  unmake(&stacked);
}

// The gradient of an array mirrored at its right border: the strip that is added there is brought
// into order before, and read in vectors, under a mask where some lanes lie in it.
static void test_strip(void **state) {
  (void)state;
  Made m = make(pass_main(
      "%x: tensor<96x515xf32>", "tensor<96x512xf32>",
      "%zero = stablehlo.constant dense<0.0> : tensor<f32>\n"
      "%a = stablehlo.slice %x [0:96, 0:512] : (tensor<96x515xf32>) -> tensor<96x512xf32>\n"
      "%b = stablehlo.slice %x [0:96, 512:515] : (tensor<96x515xf32>) -> tensor<96x3xf32>\n"
      "%c = stablehlo.reverse %b, dims = [1] : tensor<96x3xf32>\n"
      "%d = stablehlo.pad %c, %zero, low = [0, 508], high = [0, 1], interior = [0, 0] : "
      "(tensor<96x3xf32>, tensor<f32>) -> tensor<96x512xf32>\n"
      "%r = stablehlo.add %a, %d : tensor<96x512xf32>\n"
      "return %r : tensor<96x512xf32>\n"));
  assert_null(m.status);
  assert_int_equal(m.schedule->num_kernels, 2);
  assert_int_equal(m.gathers, 0);
  unmake(&m);
}

// Short rows that are joined are written out.
static void test_short_joined(void **state) {
  (void)state;
  Made m = make(pass_main(
      "%x: tensor<64x8xf32>, %y: tensor<64x1xf32>", "tensor<64x11xf32>",
      "%a = stablehlo.slice %y [0:64, 0:1] : (tensor<64x1xf32>) -> tensor<64x1xf32>\n"
      "%b = stablehlo.broadcast_in_dim %a, dims = [0, 1] : (tensor<64x1xf32>) -> "
      "tensor<64x2xf32>\n"
      "%r = stablehlo.concatenate %b, %x, %y, dim = 1 : (tensor<64x2xf32>, tensor<64x8xf32>, "
      "tensor<64x1xf32>) -> tensor<64x11xf32>\nreturn %r : tensor<64x11xf32>\n"));
  assert_null(m.status);
  assert_int_equal(m.gathers, 0);
  unmake(&m);
}

// What is computed one after the other is so in several vectors in turn: in two where it is one
// function, in four where it is many operations, if there are registers for that.
static void test_vectors_at_once(void **state) {
  (void)state;
  static const struct {
    const char *operations[2];
    int count, vectors;
  } cases[] = {
      {{"multiply", "add"}, 4, 1}, {{"power", "power"}, 1, 2}, {{"multiply", "add"}, 40, 4}};
  int lanes = pj_kir_target_host()->vector_bytes / 4, most = lanes >= 8 ? 4 : 2;
  for (size_t c = 0; c < 3; c++) {
    PjStrBuf body = {0};
    for (int i = 0; i < cases[c].count; i++)
      pj_strbuf_printf(&body, "%%x%d = stablehlo.%s %%x%d, %%y : " V "\n", i + 1,
                       cases[c].operations[i % 2], i);
    pj_strbuf_printf(&body, "return %%x%d : " V "\n", cases[c].count);
    Made m = make(pass_main("%x0: " V ", %y: " V, V, body.data));
    assert_null(m.status);
    assert_int_equal(m.lanes, lanes * (cases[c].vectors < most ? cases[c].vectors : most));
    unmake(&m);
    pj_strbuf_free(&body);
  }
}

// A truth value for each row is no reason for two vectors at a time; one for each element is.
static void test_narrow_rows(void **state) {
  (void)state;
  const int lanes = pj_kir_target_host()->vector_bytes / 4;
  for (int each = 0; each < 2; each++) {
    Made m = make(pass_main(
        each ? "%p: tensor<64x512xi1>, %x: tensor<64x512xf32>, %y: tensor<64x512xf32>"
             : "%p: tensor<64xi1>, %x: tensor<64x512xf32>, %y: tensor<64x512xf32>",
        "tensor<64x512xf32>",
        each ? "%r = stablehlo.select %p, %x, %y : tensor<64x512xi1>, tensor<64x512xf32>\n"
               "return %r : tensor<64x512xf32>\n"
             : "%b = stablehlo.broadcast_in_dim %p, dims = [0] : (tensor<64xi1>) -> "
               "tensor<64x512xi1>\n"
               "%r = stablehlo.select %b, %x, %y : tensor<64x512xi1>, tensor<64x512xf32>\n"
               "return %r : tensor<64x512xf32>\n"));
    assert_null(m.status);
    assert_int_equal(m.lanes, lanes * (each ? 2 : 1));
    unmake(&m);
  }
}

// Rows that functions are computed of: four vectors of AVX2, if they are made of fours, nearly so,
// or long.
static void test_vectors_of_rows(void **state) {
  (void)state;
  static const struct {
    const char *columns, *function;
    int vectors;
  } cases[] = {{"512", "exponential", 4},
               {"496", "exponential", 4},
               {"80", "exponential", 2},
               {"512", "negate", 1}};
  int lanes = pj_kir_target_host()->vector_bytes / 4;
  for (size_t c = 0; c < 4; c++) {
    char body[1024], type[32];
    snprintf(type, sizeof type, "tensor<64x%sxf32>", cases[c].columns);
    snprintf(body, sizeof body,
             "%%z = stablehlo.constant dense<0.0> : tensor<f32>\n"
             "%%a = stablehlo.%s %%x : %s\n"
             "%%s = stablehlo.reduce(%%a init: %%z) applies stablehlo.add across dimensions = [1] "
             ": (%s, tensor<f32>) -> tensor<64xf32>\n"
             "%%b = stablehlo.broadcast_in_dim %%s, dims = [0] : (tensor<64xf32>) -> %s\n"
             "%%r = stablehlo.multiply %%a, %%b : %s\nreturn %%r : %s\n",
             cases[c].function, type, type, type, type, type);
    char argument[64];
    snprintf(argument, sizeof argument, "%%x: %s", type);
    Made m = make(pass_main(argument, type, body));
    assert_null(m.status);
    assert_int_equal(m.lanes, lanes * (lanes == 8 ? cases[c].vectors : 1));
    unmake(&m);
  }
}

static int moved_pointers(int64_t streamed_bytes) {
  const char *text = pass_main(
      "%x: tensor<4x1000000xf32>", "tensor<4xf32>",
      "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"
      "%s = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [1] : "
      "(tensor<4x1000000xf32>, tensor<f32>) -> tensor<4xf32>\n"
      "return %s : tensor<4xf32>\n");
  Made m = make_with(text, (Made){.past_bytes = INT64_MAX,
                                  .returned_bytes = INT64_MAX,
                                  .streamed_bytes = streamed_bytes});
  assert_null(m.status);
  int pointers = m.pointers;
  unmake(&m);
  return pointers;
}

static void test_long_sum(void **state) {
  (void)state;
  // Cut into parts by its size alone, then joined.
  expect(pass_main(
             "%x: tensor<1000000xf32>", "tensor<f32>",
             "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"
             "%s = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = [0] : "
             "(tensor<1000000xf32>, tensor<f32>) -> tensor<f32>\n"
             "return %s : tensor<f32>\n"),
         2, 2);
  // Rows are read in four places, with a pointer each, where more is read than the limit.
  assert_int_equal(moved_pointers(0), 4);
  assert_int_equal(moved_pointers(16000000), 0);
  assert_int_equal(moved_pointers(15999999), 4);
}

static int scratch_of(const char *text) {
  Made m = make(text);
  assert_null(m.status);
  int scratch = m.scratch;
  unmake(&m);
  return scratch;
}

// Sums of columns need memory of their own for wide rows only.
static void test_tall_sum(void **state) {
  (void)state;
#define SUM(rows, columns)                                                           \
  pass_main("%x: tensor<" rows "x" columns "xf32>", "tensor<" columns "xf32>",       \
            "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"                     \
            "%s = stablehlo.reduce(%x init: %z) applies stablehlo.add across "       \
            "dimensions = [0] : (tensor<" rows "x" columns "xf32>, tensor<f32>) -> " \
            "tensor<" columns "xf32>\n"                                              \
            "return %s : tensor<" columns "xf32>\n")
  assert_int_equal(scratch_of(SUM("100000", "32")), 0);
  assert_int_equal(scratch_of(SUM("2000", "2048")), 1);
  // Rows of a single vector, and a little more, are cut into parts for all threads too.
  expect(SUM("100000", "16"), 2, 2);
  expect(SUM("100000", "20"), 2, 2);
  // Short rows are whole vectors, without lanes that are off.
  Made m = make(SUM("100000", "24"));
  assert_null(m.status);
  assert_true(m.lanes <= 8);
  unmake(&m);
#undef SUM
}

// Which operand a vector of a short row lies in is known where each is whole vectors.
static void test_joined_vectors(void **state) {
  (void)state;
  Made m = make(pass_main(
      "%x: tensor<50x16xf32>, %y: tensor<50x32xf32>", "tensor<50x64xf32>",
      "%r = stablehlo.concatenate %x, %y, %x, dim = 1 : (tensor<50x16xf32>, tensor<50x32xf32>, "
      "tensor<50x16xf32>) -> tensor<50x64xf32>\n"
      "return %r : tensor<50x64xf32>\n"));
  assert_null(m.status);
  assert_int_equal(m.schedule->num_kernels, 1);
  assert_int_equal(m.branches, 0);
  unmake(&m);
}

static void test_loop(void **state) {
  (void)state;
  // A small loop is one function, whatever is in it.
  expect(
      pass_main(
          "%x: tensor<10xf32>, %n: tensor<i32>", "tensor<10xf32>",
          "%c = stablehlo.constant dense<0> : tensor<i32>\n"
          "%r:2 = stablehlo.while(%i = %c, %v = %x) : tensor<i32>, tensor<10xf32>\n"
          "cond {\n%p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
          "stablehlo.return %p : tensor<i1>\n} do {\n"
          "%one = stablehlo.constant dense<1> : tensor<i32>\n"
          "%j = stablehlo.add %i, %one : tensor<i32>\n"
          "%u = stablehlo.dynamic_slice %v, %i, sizes = [1] : (tensor<10xf32>, tensor<i32>) -> "
          "tensor<1xf32>\n"
          "%t = stablehlo.tanh %u : tensor<1xf32>\n"
          "%w = stablehlo.dynamic_update_slice %v, %t, %j : (tensor<10xf32>, tensor<1xf32>, "
          "tensor<i32>) -> "
          "tensor<10xf32>\n"
          "stablehlo.return %j, %w : tensor<i32>, tensor<10xf32>\n}\n"
          "return %r#1 : tensor<10xf32>\n"),
      1, 1);
}

#define FEW_TURNS                                                                                \
  "cond {\n%n = stablehlo.constant dense<7> : tensor<i32>\n"                                     \
  "%p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"               \
  "stablehlo.return %p : tensor<i1>\n} do {\n%one = stablehlo.constant dense<1> : tensor<i32>\n" \
  "%j = stablehlo.add %i, %one : tensor<i32>\n"

// Two elements that change places, the larger one behind: the array is changed in place.
static void test_exchange(void **state) {
  (void)state;
  Made m = make(pass_main(
      "%x: tensor<32xf32>", "tensor<32xf32>",
      "%c = stablehlo.constant dense<0> : tensor<i32>\n"
      "%r:2 = stablehlo.while(%i = %c, %v = %x) : tensor<i32>, tensor<32xf32>\n" FEW_TURNS
      "%a = stablehlo.dynamic_slice %v, %i, sizes = [1] : (tensor<32xf32>, tensor<i32>) -> "
      "tensor<1xf32>\n"
      "%b = stablehlo.dynamic_slice %v, %j, sizes = [1] : (tensor<32xf32>, tensor<i32>) -> "
      "tensor<1xf32>\n"
      "%s = stablehlo.minimum %a, %b : tensor<1xf32>\n"
      "%w = stablehlo.dynamic_update_slice %v, %s, %i : (tensor<32xf32>, tensor<1xf32>, "
      "tensor<i32>) -> tensor<32xf32>\n"
      "%l = stablehlo.maximum %a, %b : tensor<1xf32>\n"
      "%y = stablehlo.dynamic_update_slice %w, %l, %j : (tensor<32xf32>, tensor<1xf32>, "
      "tensor<i32>) -> tensor<32xf32>\n"
      "stablehlo.return %j, %y : tensor<i32>, tensor<32xf32>\n}\n"
      "return %r#1 : tensor<32xf32>\n"));
  assert_null(m.status);
  assert_int_equal(m.calls, 1); // %x becomes the carry
  unmake(&m);
}

// Elements that are computed in different ways are computed one by one.
static void test_joined(void **state) {
  (void)state;
  Made m = make(pass_main(
      "%x: tensor<4xf32>", "tensor<4xf32>",
      "%c = stablehlo.constant dense<0> : tensor<i32>\n"
      "%r:2 = stablehlo.while(%i = %c, %v = %x) : tensor<i32>, tensor<4xf32>\n" FEW_TURNS
      "%a = stablehlo.slice %v [0:1] : (tensor<4xf32>) -> tensor<1xf32>\n"
      "%b = stablehlo.slice %v [1:2] : (tensor<4xf32>) -> tensor<1xf32>\n"
      "%d = stablehlo.slice %v [2:3] : (tensor<4xf32>) -> tensor<1xf32>\n"
      "%e = stablehlo.slice %v [3:4] : (tensor<4xf32>) -> tensor<1xf32>\n"
      "%f = stablehlo.multiply %b, %d : tensor<1xf32>\n"
      "%g = stablehlo.subtract %a, %e : tensor<1xf32>\n"
      "%h = stablehlo.add %f, %d : tensor<1xf32>\n"
      "%s = stablehlo.concatenate %h, %f, %g, %e, dim = 0 : (tensor<1xf32>, tensor<1xf32>, "
      "tensor<1xf32>, tensor<1xf32>) -> tensor<4xf32>\n"
      "%w = stablehlo.add %s, %v : tensor<4xf32>\n"
      "stablehlo.return %j, %w : tensor<i32>, tensor<4xf32>\n}\n"
      "return %r#1 : tensor<4xf32>\n"));
  assert_null(m.status);
  assert_int_equal(m.gathers, 0);
  unmake(&m);
}

// A loop's counter is known to be within an array's bounds, where its limit says so.
static void test_counter(void **state) {
  (void)state;
  for (int limit = 10; limit <= 11; limit++) {
    char body[2048];
    snprintf(
        body, sizeof body,
        "%%c = stablehlo.constant dense<0> : tensor<i32>\n"
        "%%n = stablehlo.constant dense<%d> : tensor<i32>\n"
        "%%r:2 = stablehlo.while(%%i = %%c, %%v = %%x) : tensor<i32>, tensor<10xf32>\n"
        "cond {\n%%p = stablehlo.compare LT, %%i, %%n : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
        "stablehlo.return %%p : tensor<i1>\n} do {\n"
        "%%one = stablehlo.constant dense<1> : tensor<i32>\n"
        "%%three = stablehlo.constant dense<3> : tensor<i32>\n"
        "%%j = stablehlo.add %%i, %%one : tensor<i32>\n"
        "%%t = stablehlo.divide %%i, %%three : tensor<i32>\n"
        "%%u = stablehlo.dynamic_slice %%v, %%t, sizes = [1] : (tensor<10xf32>, tensor<i32>) -> "
        "tensor<1xf32>\n"
        "%%w = stablehlo.dynamic_update_slice %%v, %%u, %%i : (tensor<10xf32>, tensor<1xf32>, "
        "tensor<i32>) -> tensor<10xf32>\n"
        "stablehlo.return %%j, %%w : tensor<i32>, tensor<10xf32>\n}\n"
        "return %%r#1 : tensor<10xf32>\n",
        limit);
    Made m = make(pass_main("%x: tensor<10xf32>", "tensor<10xf32>", body));
    assert_null(m.status);
    assert_int_equal(m.clamps, limit == 10 ? 0 : 1); // from above
    assert_int_equal(m.divisions, 0);                // by a product, without care for signs
    unmake(&m);
  }
}

static void test_large_loop(void **state) {
  (void)state;
  // A large one stays a loop over kernels: the array changes in place, the counter is exchanged.
  Made m = make(pass_main(
      "%x: tensor<200000xf32>, %n: tensor<i32>", "tensor<200000xf32>",
      "%c = stablehlo.constant dense<0> : tensor<i32>\n"
      "%r:2 = stablehlo.while(%i = %c, %v = %x) : tensor<i32>, tensor<200000xf32>\n"
      "cond {\n%p = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
      "stablehlo.return %p : tensor<i1>\n} do {\n"
      "%one = stablehlo.constant dense<1> : tensor<i32>\n"
      "%j = stablehlo.add %i, %one : tensor<i32>\n"
      "%w = stablehlo.tanh %v : tensor<200000xf32>\n"
      "stablehlo.return %j, %w : tensor<i32>, tensor<200000xf32>\n}\n"
      "return %r#1 : tensor<200000xf32>\n"));
  assert_null(m.status);
  const PjStep *loop = NULL;
  for (size_t i = 0; i < m.schedule->steps.len; i++)
    if (m.schedule->steps.data[i].kind == PJ_STEP_WHILE)
      loop = &m.schedule->steps.data[i];
  assert_non_null(loop);
  assert_int_equal(loop->num_swaps, 1);
  for (size_t i = 0; i < loop->bodies[1].len; i++)
    assert_int_equal(loop->bodies[1].data[i].kind, PJ_STEP_KERNEL);
  // The array is the result's memory from the start: no copy follows.
  assert_ptr_equal(loop, &m.schedule->steps.data[m.schedule->steps.len - 1]);
  unmake(&m);
}

static void test_result_in_place(void **state) {
  (void)state;
  // What is made and then changed in place lies in the result's memory.
  assert_int_equal(
      expect(pass_main("%x: tensor<64x32xf32>, %u: tensor<1x32xf32>, %i: tensor<i32>",
                       "tensor<64x32xf32>",
                       "%c = stablehlo.constant dense<0> : tensor<i32>\n"
                       "%s = stablehlo.sine %x : tensor<64x32xf32>\n"
                       "%r = stablehlo.dynamic_update_slice %s, %u, %i, %c : (tensor<64x32xf32>, "
                       "tensor<1x32xf32>, tensor<i32>, tensor<i32>) -> tensor<64x32xf32>\n"
                       "return %r : tensor<64x32xf32>\n"),
             2, 2),
      0);
}

// How many stores of the kernels go past the caches, where |past_bytes| are too many for them.
static int writes_past(const char *text, int64_t past_bytes) {
  Made m = make_for(text, past_bytes, INT64_MAX);
  if (m.status)
    fail_msg("%s", pj_status_message(m.status));
  int count = m.writes_past;
  unmake(&m);
  return count;
}

// Which way 256 turns take, of which past the caches takes |past_ns|, through them |through_ns|.
static void trial_of(PjTrial *trial, uint64_t past_ns, uint64_t through_ns, int want) {
  for (int turn = 0; turn < PJ_TRIAL_PERIOD; turn++) {
    PjTrialTurn t = pj_trial_begin(trial);
    if (turn < PJ_TRIAL_WAYS * (1 + PJ_TRIAL_RUNS)) {
      assert_int_equal(t.way, turn / (1 + PJ_TRIAL_RUNS));
      if (t.measured >= 0) {
        uint64_t ns = t.way == PJ_TRIAL_PAST ? past_ns : through_ns;
        pj_trial_end(trial, t);
        trial->ns[t.way][t.measured] = t.measured != 1 ? 1000 * ns : ns; // two were disturbed
      }
    } else {
      assert_int_equal(t.way, want);
      assert_int_equal(t.measured, -1);
    }
  }
}

static void test_trials(void **state) {
  (void)state;
  PjTrial trial = {0};
  trial_of(&trial, 100, 90, PJ_TRIAL_THROUGH);
  trial_of(&trial, 90, 100, PJ_TRIAL_PAST);
  trial_of(&trial, 100, 100, PJ_TRIAL_PAST);
}

// Functions of a sum of two arrays of so many rows of 32.
static uint32_t forms(int rows, int64_t past_bytes, int64_t returned_bytes) {
  char type[64], arguments[160], body[256];
  snprintf(type, sizeof type, "tensor<%dx32xf32>", rows);
  snprintf(arguments, sizeof arguments, "%%x: %s, %%y: %s", type, type);
  snprintf(body, sizeof body, "%%r = stablehlo.add %%x, %%y : %s\nreturn %%r : %s\n", type, type);
  Made m = make_for(pass_main(arguments, type, body), past_bytes, returned_bytes);
  if (m.status)
    fail_msg("%s", pj_status_message(m.status));
  uint32_t count = m.schedule->num_codes;
  unmake(&m);
  return count;
}

static void test_past_the_caches(void **state) {
  (void)state;
  const char *sum = pass_main("%x: tensor<64x32xf32>, %y: tensor<64x32xf32>", "tensor<64x32xf32>",
                              "%r = stablehlo.add %x, %y : tensor<64x32xf32>\n"
                              "return %r : tensor<64x32xf32>\n");
  assert_int_equal(writes_past(sum, 3 * 8192), 0);
  assert_int_equal(writes_past(sum, 3 * 8192 - 1), 1);
  assert_int_equal(forms(64, 3 * 8192, INT64_MAX), 1);
  assert_int_equal(forms(64, 3 * 8192 - 1, INT64_MAX), 2);
  assert_int_equal(forms(192, 1, INT64_MAX), 1); // more than is tried
  // What is only returned is tried from fewer bytes on.
  assert_int_equal(forms(512, INT64_MAX, 3 * 65536), 1);
  assert_int_equal(forms(512, INT64_MAX, 3 * 65536 - 1), 2);
  Made fill = make_for(pass_main("%x: tensor<32xf32>", "tensor<512x32xf32>",
                                 "%e = stablehlo.sine %x : tensor<32xf32>\n"
                                 "%r = stablehlo.broadcast_in_dim %e, dims = [1] : "
                                 "(tensor<32xf32>) -> tensor<512x32xf32>\n"
                                 "return %r : tensor<512x32xf32>\n"),
                       INT64_MAX, 1024);
  assert_null(fill.status);
  assert_int_equal(fill.writes_past, 0);
  unmake(&fill);
  // Where an operand lay that was given up, what is written is in the caches.
  assert_int_equal(
      writes_past("func.func @main(%x: tensor<64x32xf32> {tf.aliasing_output = 0 : i32}) -> "
                  "tensor<64x32xf32> {\n"
                  "%r = stablehlo.sine %x : tensor<64x32xf32>\n"
                  "return %r : tensor<64x32xf32>\n}\n",
                  1),
      0);
  // Of an array that is gathered from, what is taken counts: 2 * 2048 bytes, and 64 of indices.
  const char *rows = pass_main(
      "%x: tensor<4096x32xf32>, %i: tensor<16x1xi32>", "tensor<16x32xf32>",
      "%r = \"stablehlo.gather\"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = "
      "[1], "
      "collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = "
      "array<i64: 1, 32>}> : (tensor<4096x32xf32>, tensor<16x1xi32>) -> tensor<16x32xf32>\n"
      "return %r : tensor<16x32xf32>\n");
  assert_int_equal(writes_past(rows, 2 * 2048 + 64), 0);
  assert_true(writes_past(rows, 2 * 2048 + 63) > 0);
  // Rows that are no whole vectors do not begin where one may be written.
  assert_int_equal(
      writes_past(pass_main("%x: tensor<40x33xf32>, %y: tensor<33xf32>", "tensor<40x33xf32>",
                            "%b = stablehlo.broadcast_in_dim %y, dims = [1] : (tensor<33xf32>) -> "
                            "tensor<40x33xf32>\n"
                            "%r = stablehlo.add %x, %b : tensor<40x33xf32>\n"
                            "return %r : tensor<40x33xf32>\n"),
                  1),
      0);
}

static void test_refused(void **state) {
  (void)state;
  Made m =
      make(pass_main("%x: tensor<?xf32>", "tensor<?xf32>",
                     "%r = stablehlo.add %x, %x : tensor<?xf32>\nreturn %r : tensor<?xf32>\n"));
  assert_int_equal(pj_status_code(m.status), PJ_UNIMPLEMENTED);
  unmake(&m);
}

// --- Bytes ---------------------------------------------------------------------------------------

// Expects the bytes that the steps of a program move, in their order.
static void expect_traffic(const char *args, const char *results, const char *body, size_t count,
                           const double *expected) {
  Made m = make(pass_main(args, results, body));
  if (m.status)
    fail_msg("%s", pj_status_message(m.status));
  double *bytes = pj_schedule_traffic(m.schedule);
  assert_non_null(bytes);
  assert_int_equal(m.schedule->num_steps, count);
  for (size_t i = 0; i < count; i++)
    if (bytes[i] != expected[i])
      fail_msg("step %zu: %.0f bytes instead of %.0f", i, bytes[i], expected[i]);
  pj_free(bytes);
  unmake(&m);
}
#define ONE(number)     \
  1, (const double[]) { \
    number              \
  }

static void test_traffic(void **state) {
  (void)state;
  // What is read twice counts once, a value between not at all, a broadcast row as a row.
  expect_traffic(
      "%x: tensor<50x70xf32>, %y: tensor<70xf32>", "tensor<50x70xf32>",
      "%b = stablehlo.broadcast_in_dim %y, dims = [1] : (tensor<70xf32>) -> tensor<50x70xf32>\n"
      "%e = stablehlo.multiply %x, %b : tensor<50x70xf32>\n"
      "%r = stablehlo.add %e, %x : tensor<50x70xf32>\nreturn %r : tensor<50x70xf32>\n",
      ONE(4 * (50 * 70 + 70 + 50 * 70)));
  // Of a large array a few rows, plain, reshaped and computed with.
  expect_traffic("%x: tensor<5000x64xf32>", "tensor<10x64xf32>",
                 "%s = stablehlo.slice %x [20:30, 0:64] : (tensor<5000x64xf32>) -> "
                 "tensor<10x64xf32>\n"
                 "%r = stablehlo.add %s, %s : tensor<10x64xf32>\nreturn %r : tensor<10x64xf32>\n",
                 ONE(4 * 2 * 640));
  expect_traffic("%x: tensor<5000x64xf32>, %i: tensor<i32>", "tensor<10x64xf32>",
                 "%e = stablehlo.negate %x : tensor<5000x64xf32>\n"
                 "%z = stablehlo.constant dense<0> : tensor<i32>\n"
                 "%s = stablehlo.dynamic_slice %e, %i, %z, sizes = [10, 64] : "
                 "(tensor<5000x64xf32>, tensor<i32>, tensor<i32>) -> tensor<10x64xf32>\n"
                 "return %s : tensor<10x64xf32>\n",
                 ONE(4 * 2 * 640 + 4));
  // Two slices of one array, and one that they do not exceed.
  expect_traffic("%x: tensor<100xf32>", "tensor<60xf32>",
                 "%a = stablehlo.slice %x [0:60] : (tensor<100xf32>) -> tensor<60xf32>\n"
                 "%b = stablehlo.slice %x [40:100] : (tensor<100xf32>) -> tensor<60xf32>\n"
                 "%r = stablehlo.add %a, %b : tensor<60xf32>\nreturn %r : tensor<60xf32>\n",
                 ONE(4 * (100 + 60)));
  // Rows of a table by their numbers.
  expect_traffic(
      "%x: tensor<9000x32xf32>, %i: tensor<7x1xi32>", "tensor<7x32xf32>",
      "%g = \"stablehlo.gather\"(%x, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1], "
      "collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = "
      "array<i64: 1, 32>} : (tensor<9000x32xf32>, tensor<7x1xi32>) -> tensor<7x32xf32>\n"
      "return %g : tensor<7x32xf32>\n",
      ONE(4 * (2 * 7 * 32 + 7)));
  // An update of an array that must be kept: a copy of all of it, then the part.
  expect_traffic("%x: tensor<9000xf32>, %u: tensor<10xf32>, %i: tensor<i32>", "tensor<9000xf32>",
                 "%r = stablehlo.dynamic_update_slice %x, %u, %i : (tensor<9000xf32>, "
                 "tensor<10xf32>, tensor<i32>) -> tensor<9000xf32>\n"
                 "return %r : tensor<9000xf32>\n",
                 2, (const double[]){4 * 2 * 9000, 4 * 2 * 10 + 4});
  // Pieces of rows that lie far apart: four for each part, which are joined afterwards.
  expect_traffic("%x: tensor<64x512x128xf32>, %z: tensor<f32>", "tensor<512xf32>",
                 "%r = stablehlo.reduce(%x init: %z) applies stablehlo.add across dimensions = "
                 "[0, 2] : (tensor<64x512x128xf32>, tensor<f32>) -> tensor<512xf32>\n"
                 "return %r : tensor<512xf32>\n",
                 2, (const double[]){(1 << 24) + 16 * 2048 + 4, 16 * 2048 + 2048 + 4});
  // Nine pieces of one array are joined where they lie, and not written before.
  expect_traffic(
      "%x: tensor<12x96xf32>", "tensor<12x144xf32>",
      "%a = stablehlo.slice %x [0:12, 0:16] : (tensor<12x96xf32>) -> tensor<12x16xf32>\n"
      "%b = stablehlo.slice %x [0:12, 8:24] : (tensor<12x96xf32>) -> tensor<12x16xf32>\n"
      "%c = stablehlo.slice %x [0:12, 16:32] : (tensor<12x96xf32>) -> tensor<12x16xf32>\n"
      "%d = stablehlo.slice %x [0:12, 24:40] : (tensor<12x96xf32>) -> tensor<12x16xf32>\n"
      "%e = stablehlo.slice %x [0:12, 32:48] : (tensor<12x96xf32>) -> tensor<12x16xf32>\n"
      "%f = stablehlo.slice %x [0:12, 40:56] : (tensor<12x96xf32>) -> tensor<12x16xf32>\n"
      "%g = stablehlo.slice %x [0:12, 48:64] : (tensor<12x96xf32>) -> tensor<12x16xf32>\n"
      "%h = stablehlo.slice %x [0:12, 56:72] : (tensor<12x96xf32>) -> tensor<12x16xf32>\n"
      "%i = stablehlo.slice %x [0:12, 80:96] : (tensor<12x96xf32>) -> tensor<12x16xf32>\n"
      "%r = stablehlo.concatenate %a, %b, %c, %d, %e, %f, %g, %h, %i, dim = 1 : "
      "(tensor<12x16xf32>, tensor<12x16xf32>, tensor<12x16xf32>, tensor<12x16xf32>, "
      "tensor<12x16xf32>, tensor<12x16xf32>, tensor<12x16xf32>, tensor<12x16xf32>, "
      "tensor<12x16xf32>) -> tensor<12x144xf32>\nreturn %r : tensor<12x144xf32>\n",
      ONE(12 * 96 * 4 + 12 * 144 * 4));
}

// Rows of 16 turned round by one: the last element of a row is read as one number.
static void test_rows_turned(void **state) {
  (void)state;
  Made m = make(pass_main(
      "%x: tensor<16x16xf32>", "tensor<16x16xf32>",
      "%a = stablehlo.slice %x [0:16, 1:16] : (tensor<16x16xf32>) -> tensor<16x15xf32>\n"
      "%b = stablehlo.slice %x [0:16, 0:1] : (tensor<16x16xf32>) -> tensor<16x1xf32>\n"
      "%j = stablehlo.concatenate %a, %b, dim = 1 : (tensor<16x15xf32>, tensor<16x1xf32>) -> "
      "tensor<16x16xf32>\n"
      "%r = stablehlo.add %j, %x : tensor<16x16xf32>\n"
      "return %r : tensor<16x16xf32>\n"));
  assert_null(m.status);
  assert_int_equal(m.gathers, 0);
  unmake(&m);
}

// An element of a vector that is read as a whole is changed in the register, not in memory.
// Groups of features, a vector each, beside each other: a mean goes through short pieces of memory
// several at a time, and what is left of the mean is not kept in memory for the mean of its
// squares.
static void test_groups_of_features(void **state) {
  (void)state;
#define SUM(of)                                                     \
  "stablehlo.reduce(" of " init: %z) applies stablehlo.add across " \
  "dimensions = [1, 3] : (tensor<8x400x4x8xf32>, tensor<f32>) -> tensor<8x4xf32>\n"
#define SPREAD "dims = [0, 2] : (tensor<8x4xf32>) -> tensor<8x400x4x8xf32>\n"
  static const char text[] =
      "%a = stablehlo.reshape %x : (tensor<8x20x20x32xf32>) -> tensor<8x400x4x8xf32>\n"
      "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"
      "%n = stablehlo.constant dense<0.0003125> : tensor<8x4xf32>\n"
      "%s = " SUM("%a") "%m = stablehlo.multiply %s, %n : tensor<8x4xf32>\n"
                        "%mb = stablehlo.broadcast_in_dim %m, " SPREAD
                        "%d = stablehlo.subtract %a, %mb : tensor<8x400x4x8xf32>\n"
                        "%q = stablehlo.multiply %d, %d : tensor<8x400x4x8xf32>\n"
                        "%v = " SUM(
                            "%q") "%vb = stablehlo.broadcast_in_dim %v, " SPREAD
                                  "%r = stablehlo.multiply %d, %vb : tensor<8x400x4x8xf32>\n"
                                  "return %r : tensor<8x400x4x8xf32>\n";
  Made m = make(pass_main("%x: tensor<8x20x20x32xf32>", "tensor<8x400x4x8xf32>", text));
  assert_null(m.status);
  assert_in_range(m.schedule->temp_bytes, 1, 4096);
  assert_in_range(m.sums, 8, 100);
  unmake(&m);
#undef SPREAD
#undef SUM
}

static void test_ring(void **state) {
  (void)state;
  Made m = make(
      pass_main("%x: tensor<8xf32>, %v: tensor<f32>", "tensor<8xf32>",
                "%c = stablehlo.constant dense<0> : tensor<i32>\n"
                "%r:2 = stablehlo.while(%i = %c, %b = %x) : tensor<i32>, tensor<8xf32>\n" FEW_TURNS
                "%n = stablehlo.reshape %v : (tensor<f32>) -> tensor<1xf32>\n"
                "%u = stablehlo.dynamic_update_slice %b, %n, %i : (tensor<8xf32>, tensor<1xf32>, "
                "tensor<i32>) -> tensor<8xf32>\n"
                "%w = stablehlo.add %u, %u : tensor<8xf32>\n"
                "stablehlo.return %j, %w : tensor<i32>, tensor<8xf32>\n}\n"
                "return %r#1 : tensor<8xf32>\n"));
  assert_null(m.status);
  assert_int_equal(m.stored, 0);
  unmake(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_elementwise),
      cmocka_unit_test(test_softmax),
      cmocka_unit_test(test_peek),
      cmocka_unit_test(test_spread),
      cmocka_unit_test(test_siblings),
      cmocka_unit_test(test_shared_code),
      cmocka_unit_test(test_slices),
      cmocka_unit_test(test_long_sum),
      cmocka_unit_test(test_loop),
      cmocka_unit_test(test_tall_sum),
      cmocka_unit_test(test_joined_vectors),
      cmocka_unit_test(test_exchange),
      cmocka_unit_test(test_joined),
      cmocka_unit_test(test_counter),
      cmocka_unit_test(test_large_loop),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_result_in_place),
      cmocka_unit_test(test_trials),
      cmocka_unit_test(test_past_the_caches),
      cmocka_unit_test(test_traffic),
      cmocka_unit_test(test_rounds),
      cmocka_unit_test(test_long_number),
      cmocka_unit_test(test_short_pieces),
      cmocka_unit_test(test_vectors_at_once),
      cmocka_unit_test(test_narrow_rows),
      cmocka_unit_test(test_strip),
      cmocka_unit_test(test_short_joined),
      cmocka_unit_test(test_channels_first),
      cmocka_unit_test(test_channels_last),
      cmocka_unit_test(test_vectors_of_rows),
      cmocka_unit_test(test_rows_turned),
      cmocka_unit_test(test_long_chain),
      cmocka_unit_test(test_one_turn),
      cmocka_unit_test(test_ring),
      cmocka_unit_test(test_groups_of_features),
      cmocka_unit_test(test_masked_ends),
      cmocka_unit_test(test_masked_ends_of_maps),
      cmocka_unit_test(test_columns_turned),
      cmocka_unit_test(test_blocks_of_columns),
      cmocka_unit_test(test_many_sums),
      cmocka_unit_test(test_down_columns),
  };
  if (!pj_jit_available()) {
    print_message("[  SKIPPED ] no code generator in this build: nothing can be scheduled\n");
    return 0;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
