// Custom calls that the host partitions: the messages in which it is told how arrays lie, what
// becomes of its answers, and what it gets back. tests/python/test_custom_partitioner.py has what
// JAX does.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/proto.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "partition/op_sharding.h"
#include "partition/partition.h"
#include "partition/partitioners.h"
#include "partition/rule.h"
#include "pjrt/ext/custom_partitioner.h"
#include "text_tools.h"

// --- OpSharding ----------------------------------------------------------------------------------

typedef struct Grid {
  PjMesh mesh;
  PjStr names[4];
  int64_t sizes[4];
} Grid;

static void make_grid(Grid *g, int a, int b, int c) {
  const int sizes[3] = {a, b, c};
  *g = (Grid){.mesh = {.num_axes = 3, .names = g->names, .sizes = g->sizes, .num_devices = 1}};
  for (int i = 0; i < 3; ++i) {
    g->names[i] = pj_str(i == 0 ? "a" : i == 1 ? "b" : "c");
    g->sizes[i] = sizes[i];
    g->mesh.num_devices *= sizes[i];
  }
}

static PjStatus round_trips(void *context) {
  PjArena *arena = context;
  static const int64_t ids[8] = {3, 1, 2, 0, 7, 6, 5, 4};
  static const struct {
    PjAxes dims[2];
  } lays[] = {
      {{{0}, {0}}},
      {{{1, {{0, 1, 2}}}, {0}}},
      {{{0}, {2, {{2, 1, 2}, {0, 1, 2}}}}},
      {{{1, {{1, 1, 2}}}, {1, {{2, 1, 2}}}}},
      {{{3, {{2, 1, 2}, {1, 1, 2}, {0, 1, 2}}}, {0}}},
      {{{2, {{0, 1, 2}, {1, 1, 2}}}, {1, {{2, 1, 2}}}}},
  };
  for (int permuted = 0; permuted < 2; ++permuted)
    for (size_t i = 0; i < sizeof lays / sizeof *lays; ++i) {
      Grid g;
      make_grid(&g, 2, 2, 2);
      g.mesh.device_ids = permuted ? ids : NULL;
      PjLay *lay = pj_lay_new(arena, 2), *again;
      lay->dims[0] = lays[i].dims[0];
      lay->dims[1] = lays[i].dims[1];
      PjOpSharding said;
      PjStrBuf bytes = {0};
      pj_op_sharding_of(arena, &g.mesh, lay, &said);
      pj_op_sharding_write(&said, &bytes);
      PjStr text = {pj_arena_memdup(arena, bytes.data, bytes.len), bytes.len};
      pj_strbuf_free(&bytes);
      PJ_TRY(pj_op_sharding_read(arena, &g.mesh, text, 2, &again));
      assert_true(pj_lay_eq(lay, again));
      for (size_t size = 0; size < text.len; ++size) { // never more than a status
        PjLay *part;
        pj_status_free(pj_op_sharding_read(arena, &g.mesh, (PjStr){text.ptr, size}, 2, &part));
      }
    }
  return PJ_STATUS_OK;
}

// A message of tiles with their devices as a transposed array.
static PjStr iota(PjArena *arena, const int64_t *tiles, const int64_t *shape, const int64_t *order,
                  size_t dims, bool copies) {
  PjStrBuf bytes = {0};
  pj_proto_put_varint(&bytes, 1, 3);
  pj_proto_put_ints(&bytes, 3, tiles, 2 + copies);
  pj_proto_put_ints(&bytes, 9, shape, dims);
  pj_proto_put_ints(&bytes, 10, order, dims);
  if (copies)
    pj_proto_put_varint(&bytes, 6, 1);
  PjStr text = {pj_arena_memdup(arena, bytes.data, bytes.len), bytes.len};
  pj_strbuf_free(&bytes);
  return text;
}

static PjStatus transposed_lists(void *context) {
  PjArena *arena = context;
  Grid g;
  PjLay *lay;
  make_grid(&g, 4, 2, 1);
  // [2, 1, 4] of [4, 2] transposed: along b, copies along a.
  PjStr text = iota(arena, (int64_t[]){2, 1, 4}, (int64_t[]){4, 2}, (int64_t[]){1, 0}, 2, true);
  PJ_TRY(pj_op_sharding_read(arena, &g.mesh, text, 2, &lay));
  assert_true(lay->dims[0].count == 1 && lay->dims[0].refs[0].axis == 1 && !lay->dims[1].count);
  // [2, 2, 2] of [8]: the halves of a, and its quarters.
  text = iota(arena, (int64_t[]){2, 2, 2}, (int64_t[]){8}, (int64_t[]){0}, 1, true);
  PJ_TRY(pj_op_sharding_read(arena, &g.mesh, text, 2, &lay));
  assert_true(lay->dims[0].refs[0].pre == 1 && lay->dims[0].refs[0].size == 2);
  assert_true(lay->dims[1].refs[0].pre == 2 && lay->dims[1].refs[0].size == 2);
  // None of eight devices, and no permutation.
  static const int64_t shapes[2][2] = {{4, 4}, {4, 2}}, orders[2][2] = {{1, 0}, {1, 1}};
  for (int i = 0; i < 2; ++i) {
    text = iota(arena, (int64_t[]){2, 1, 4}, shapes[i], orders[i], 2, true);
    PjStatus status = pj_op_sharding_read(arena, &g.mesh, text, 2, &lay);
    assert_int_equal(pj_status_code(status), PJ_INVALID_ARGUMENT);
    pj_status_free(status);
  }
  return PJ_STATUS_OK;
}

static void in_arena(PjStatus (*body)(void *)) {
  PjArena *arena;
  assert_null(pj_arena_create(0, &arena));
  PjStatus status = pj_arena_guard(arena, body, arena);
  if (status)
    fail_msg("%s", pj_status_message(status));
  pj_arena_destroy(arena);
}

static void lays_come_back_from_their_messages(void **state) {
  in_arena(round_trips);
}

static void devices_are_listed_or_counted(void **state) {
  in_arena(transposed_lists);
}

// --- A partitioner -------------------------------------------------------------------------------

typedef struct Host {
  JAX_CustomCallPartitioner_Callbacks callbacks;
  const char *program, *error;
  PJRT_Error_Code code;
  JAX_CustomCallPartitioner_string arg, result, args[2];
  bool no_args;
  int calls, cleanups, destroyed;
  size_t num_args;
} Host;

static void count_cleanup(void *data) {
  ++*(int *)data;
}

static void destroy(JAX_CustomCallPartitioner_Callbacks *callbacks) {
  ++((Host *)callbacks->private_data)->destroyed;
}

static void partition(JAX_CustomCallPartitioner_Callbacks *callbacks,
                      JAX_CustomCallPartitioner_Partition_Args *args) {
  Host *host = callbacks->private_data;
  ++host->calls;
  host->num_args = args->num_args;
  args->header.data = &host->cleanups;
  args->header.cleanup_fn = count_cleanup;
  if (host->error) {
    args->header.has_error = true;
    args->header.code = host->code;
    args->header.error_msg = (JAX_CustomCallPartitioner_string){host->error, strlen(host->error)};
    return;
  }
  host->args[0] = host->args[1] = host->arg.data ? host->arg : args->op_args[0].sharding;
  args->args_sharding = host->no_args ? NULL : host->args;
  args->mlir_module = (JAX_CustomCallPartitioner_string){host->program, strlen(host->program)};
  args->result_sharding = host->result.data ? host->result : args->op_result.sharding;
}

static void fill(Host *host, const char *program) {
  *host = (Host){.program = program};
  host->callbacks = (JAX_CustomCallPartitioner_Callbacks){
      .private_data = host, .dtor = destroy, .partition = partition};
}

static PjStatus propagate(void *context) {
  PjPartitionOptions options = {.num_devices = 4};
  return pj_partition_propagate(context, &options);
}

static PjStatus run(const char *text, PjStrBuf *out) {
  Parsed parsed = parse(text, strlen(text));
  if (parsed.status)
    fail_msg("%s", pj_status_message(parsed.status));
  PjStatus status = pj_verify(parsed.module);
  pj_module_number(parsed.module);
  if (!status)
    status = pj_arena_guard(parsed.arena, propagate, parsed.module);
  if (!status && out)
    pj_module_print(out, parsed.module, NULL);
  pj_arena_destroy(parsed.arena);
  return status;
}

#define PROGRAM(name, sharding)                                                           \
  "sdy.mesh @mesh = <[\"a\"=2, \"b\"=2]>\n"                                               \
  "func.func @main(%x: tensor<8x4xf32> " sharding ") -> tensor<8x4xf32> {\n"              \
  "  %0 = stablehlo.custom_call @" name "(%x) {sdy.sharding_rule = "                      \
  "#sdy.op_sharding_rule<([i, j])->([i, j]) {i=8, j=4}, custom>} : (tensor<8x4xf32>) -> " \
  "tensor<8x4xf32>\n"                                                                     \
  "  return %0 : tensor<8x4xf32>\n}\n"

#define SHARDING "{sdy.sharding = #sdy.sharding<@mesh, [{\"a\"}, {\"b\"}]>}"

#define DOUBLE(type)                                   \
  "func.func @main(%x: " type ") -> " type " {\n"      \
  "  %0 = func.call @f(%x) : (" type ") -> " type "\n" \
  "  return %0 : " type "\n}\n"                        \
  "func.func private @f(%x: " type ") -> " type " {\n" \
  "  %0 = stablehlo.add %x, %x : " type "\n"           \
  "  return %0 : " type "\n}\n"

static void register_host(const char *name, Host *host) {
  PjStatus status = pj_partitioner_register(pj_str(name), &host->callbacks);
  if (status)
    fail_msg("%s", pj_status_message(status));
}

static void expect_print(PjStatus status, PjStrBuf *text, const char *part) {
  if (status)
    fail_msg("%s", pj_status_message(status));
  pj_strbuf_putc(text, '\0');
  if (!strstr(text->data, part))
    fail_msg("%s", text->data);
  pj_strbuf_free(text);
}

static void expect_error(PjStatus status, PjCode code, const char *part) {
  if (pj_status_code(status) != code || !strstr(pj_status_message(status), part))
    fail_msg("%d: %s", pj_status_code(status), pj_status_message(status));
  pj_status_free(status);
}

static void calls_become_manual_computations(void **state) {
  Host host;
  PjStrBuf text = {0};
  fill(&host, DOUBLE("tensor<4x2xf32>"));
  register_host("double", &host);
  expect_print(run(PROGRAM("double", SHARDING), &text), &text,
               "sdy.manual_computation(%arg0) in_shardings=[<@mesh, [{\"a\"}, {\"b\"}]>] "
               "out_shardings=[<@mesh, [{\"a\"}, {\"b\"}]>] manual_axes={\"a\", \"b\"} (%arg2: "
               "tensor<4x2xf32>)");
  assert_int_equal(host.calls, 1);
  assert_int_equal(host.num_args, 1);
  assert_int_equal(host.cleanups, 1);
  // Calls of other names, and those within manual computations, stay.
  expect_print(run(PROGRAM("other", SHARDING), &text), &text, "custom_call @other");
  assert_int_equal(host.calls, 1);
}

static void a_program_without_a_mesh_gets_one(void **state) {
  Host host;
  PjStrBuf text = {0};
  fill(&host, DOUBLE("tensor<8x4xf32>"));
  register_host("whole", &host);
  expect_print(
      run("func.func @main(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {\n"
          "  %0 = stablehlo.custom_call @whole(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>\n"
          "  return %0 : tensor<8x4xf32>\n}\n",
          &text),
      &text, "sdy.mesh @pjrt.devices = <[\"device\"=4]>");
  assert_int_equal(host.cleanups, 1);
}

static void a_function_called_twice_is_partitioned_once(void **state) {
  Host host;
  PjStrBuf text = {0};
  fill(&host, DOUBLE("tensor<4x2xf32>"));
  register_host("shared", &host);
  expect_print(
      run("sdy.mesh @mesh = <[\"a\"=2, \"b\"=2]>\n"
          "func.func @main(%x: tensor<8x4xf32> " SHARDING ") -> tensor<8x4xf32> {\n"
          "  %0 = call @f(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>\n"
          "  %1 = call @f(%0) : (tensor<8x4xf32>) -> tensor<8x4xf32>\n"
          "  return %1 : tensor<8x4xf32>\n}\n"
          "func.func private @f(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {\n"
          "  %0 = stablehlo.custom_call @shared(%x) {sdy.sharding_rule = "
          "#sdy.op_sharding_rule<([i, j])->([i, j]) {i=8, j=4}, custom>} : (tensor<8x4xf32>) -> "
          "tensor<8x4xf32>\n"
          "  return %0 : tensor<8x4xf32>\n}\n",
          &text),
      &text, "sdy.manual_computation");
  assert_int_equal(host.calls, 1);
}

static void errors_are_the_host_s(void **state) {
  Host host;
  fill(&host, "");
  register_host("bad", &host);
  host.error = "ValueError: no";
  host.code = (PJRT_Error_Code)PJ_FAILED_PRECONDITION;
  expect_error(run(PROGRAM("bad", SHARDING), NULL), PJ_FAILED_PRECONDITION,
               "the partitioner of \"bad\": ValueError: no");
  host.code = (PJRT_Error_Code)77;
  expect_error(run(PROGRAM("bad", SHARDING), NULL), PJ_INTERNAL, "ValueError: no");
  assert_int_equal(host.cleanups, 2);
  host.error = NULL;
  expect_error(run(PROGRAM("bad", SHARDING), NULL), PJ_INVALID_ARGUMENT, "");
  host.program = "ML\xEFR\x0D";
  expect_error(run(PROGRAM("bad", SHARDING), NULL), PJ_INVALID_ARGUMENT, "bytecode, byte");
  host.program = DOUBLE("tensor<8x2xf32>");
  expect_error(run(PROGRAM("bad", SHARDING), NULL), PJ_INVALID_ARGUMENT,
               "parameter 0 is tensor<8x2xf32>, and says by its sharding that it is "
               "tensor<4x2xf32>");
  host.program = "func.func @main() -> tensor<4x2xf32> {\n"
                 "  %0 = stablehlo.constant dense<1.0> : tensor<4x2xf32>\n"
                 "  return %0 : tensor<4x2xf32>\n}\n";
  expect_error(run(PROGRAM("bad", SHARDING), NULL), PJ_INVALID_ARGUMENT,
               "0 parameters and 1 results, expected 1 and 1");
  host.program = DOUBLE("tensor<4x2xf32>");
  host.no_args = true;
  expect_error(run(PROGRAM("bad", SHARDING), NULL), PJ_INVALID_ARGUMENT, "no shardings");
  host.no_args = false;
  host.result = (JAX_CustomCallPartitioner_string){"\xFF\xFF", 2};
  expect_error(run(PROGRAM("bad", SHARDING), NULL), PJ_INVALID_ARGUMENT, "no message");
  host.result = (JAX_CustomCallPartitioner_string){"\x08\x04", 2}; // MANUAL
  expect_error(run(PROGRAM("bad", SHARDING), NULL), PJ_UNIMPLEMENTED, "type 4");
  host.result = (JAX_CustomCallPartitioner_string){0};
  PjStatus status = run(PROGRAM("bad", SHARDING), NULL);
  assert_null(status);
  assert_int_equal(host.cleanups, host.calls);
}

static void partitioners_are_destroyed_when_replaced(void **state) {
  Host first, second, none;
  fill(&first, DOUBLE("tensor<4x2xf32>"));
  fill(&second, DOUBLE("tensor<4x2xf32>"));
  fill(&none, "");
  none.callbacks.partition = NULL;
  register_host("again", &first);
  expect_error(pj_partitioner_register(PJ_STR("again"), &none.callbacks), PJ_INVALID_ARGUMENT,
               "no function");
  assert_int_equal(first.destroyed, 0);
  assert_int_equal(none.destroyed, 0);
  register_host("again", &second);
  assert_int_equal(first.destroyed, 1);
  PjStatus status = run(PROGRAM("again", SHARDING), NULL);
  assert_null(status);
  assert_int_equal(second.calls, 1);
  assert_int_equal(second.destroyed, 0);
}

static void failing_allocations_give_everything_back(void **state) {
  Host host;
  fill(&host, DOUBLE("tensor<4x2xf32>"));
  register_host("scarce", &host);
  for (int64_t n = 0;; ++n) {
    const char *text = PROGRAM("scarce", SHARDING);
    Parsed parsed = parse(text, strlen(text));
    assert_null(parsed.status);
    pj_module_number(parsed.module);
    pj_alloc_fail_after(n);
    PjStatus status = pj_arena_guard(parsed.arena, propagate, parsed.module);
    pj_alloc_fail_after(-1);
    PjCode code = pj_status_code(status);
    pj_status_free(status);
    pj_arena_destroy(parsed.arena);
    assert_int_equal(host.cleanups, host.calls);
    if (code == PJ_OK)
      break;
    assert_int_equal(code, PJ_RESOURCE_EXHAUSTED);
    assert_true(n < 100000);
  }
  assert_int_equal(host.destroyed, 0);
}

// --- Batches -------------------------------------------------------------------------------------

static void expect_rule(const char *attributes, const char *expected) {
  char text[1024];
  snprintf(text, sizeof text,
           "func.func @main(%%x: tensor<8x4x5xf32>) -> (tensor<8x4x5xf32>, tensor<8x4xf32>) {\n"
           "  %%0:2 = stablehlo.custom_call @batches(%%x) {%s} : (tensor<8x4x5xf32>) -> "
           "(tensor<8x4x5xf32>, tensor<8x4xf32>)\n"
           "  return %%0#0, %%0#1 : tensor<8x4x5xf32>, tensor<8x4xf32>\n}\n",
           attributes);
  Parsed parsed = parse(text, strlen(text));
  if (parsed.status)
    fail_msg("%s", pj_status_message(parsed.status));
  const PjOp *op = pj_module_entry(parsed.module)->regions[0].first;
  const PjShardingRule *rule = pj_shard_rule_of(parsed.arena, op);
  PjStrBuf printed = {0};
  if (rule)
    pj_shard_rule_print(&printed, rule);
  pj_strbuf_putc(&printed, '\0');
  assert_string_equal(printed.data, expected);
  pj_strbuf_free(&printed);
  pj_arena_destroy(parsed.arena);
}

static void batches_are_cut_alike(void **state) {
#define DIMS(n) "mhlo.frontend_attributes = {num_batch_dims = \"" n "\"}"
  expect_rule(DIMS("1"), "");
  PjStatus status = pj_partitioner_register_batches(PJ_STR("batches"));
  assert_null(status);
  expect_rule("", "");
  expect_rule(DIMS("1"), "([i, j, k])->([i, l, m], [i, n]) {i=8, j=1, k=1, l=1, m=1, n=1}");
  expect_rule(DIMS("2"), "([i, j, k])->([i, j, l], [i, j]) {i=8, j=4, k=1, l=1}");
  expect_rule(DIMS("3"), "");
  expect_rule(DIMS("x"), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lays_come_back_from_their_messages),
      cmocka_unit_test(devices_are_listed_or_counted),
      cmocka_unit_test(calls_become_manual_computations),
      cmocka_unit_test(a_program_without_a_mesh_gets_one),
      cmocka_unit_test(a_function_called_twice_is_partitioned_once),
      cmocka_unit_test(errors_are_the_host_s),
      cmocka_unit_test(partitioners_are_destroyed_when_replaced),
      cmocka_unit_test(failing_allocations_give_everything_back),
      cmocka_unit_test(batches_are_cut_alike),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
