// Products by the processor's instructions on tiles, against the evaluator: on processors that have
// them, and with a model of them (tile_model.h). Started with TILES=refused or TILES=wrong the
// kernel refuses tiles, or the model of those for bf16 rounds otherwise: then products must go
// without them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "eval/float.h"
#include "routine_support.h"

#ifdef PJ_TILE_MODEL
enum { NEEDED = PJ_CPU_AVX512 | PJ_CPU_F16C | PJ_CPU_AVX512_VNNI | PJ_CPU_AVX512_BF16 };
#else
enum { NEEDED = PJ_CPU_AVX512 | PJ_CPU_F16C | PJ_CPU_AMX };
#endif

static bool uses_tiles(PjDtype dtype) {
  const char *fault = getenv("TILES");
  return pj_cpu_has(NEEDED) && (!fault || (!strcmp(fault, "wrong") && dtype != PJ_DT_BF16));
}

typedef struct Case {
  PjDtype lhs, rhs, out;
  int64_t batch, m, n, k;
  bool lhs_turned, rhs_turned; // [k, m] and [n, k]
} Case;

static void write_product(const Case *c, int64_t dims[2][3]) {
  const int64_t lhs[] = {c->batch, c->lhs_turned ? c->k : c->m, c->lhs_turned ? c->m : c->k},
                rhs[] = {c->batch, c->rhs_turned ? c->n : c->k, c->rhs_turned ? c->k : c->n},
                out[] = {c->batch, c->m, c->n};
  memcpy(dims[0], lhs, sizeof lhs);
  memcpy(dims[1], rhs, sizeof rhs);
  text_start();
  text_add("func.func @main(%%a: ");
  text_type(c->lhs, 3, lhs);
  text_add(", %%b: ");
  text_type(c->rhs, 3, rhs);
  text_add(") -> ");
  text_type(c->out, 3, out);
  text_add(" {\n  %%r = stablehlo.dot_general %%a, %%b, batching_dims = [0] x [0], "
           "contracting_dims = [%d] x [%d] : (",
           c->lhs_turned ? 1 : 2, c->rhs_turned ? 2 : 1);
  text_type(c->lhs, 3, lhs);
  text_add(", ");
  text_type(c->rhs, 3, rhs);
  text_add(") -> ");
  text_type(c->out, 3, out);
  text_add("\n  return %%r : ");
  text_type(c->out, 3, out);
  text_add("\n}\n");
}

static bool goes_by_tiles(void) {
  RoutineCase c;
  routine_open(text_get(), PJ_OP_DOT_GENERAL, &c);
  assert_non_null(c.routine);
  const bool tiles = !strcmp(c.routine->name, "gemm_tiles");
  routine_close(&c);
  return tiles;
}

static void check(const Case *c) {
  int64_t dims[2][3];
  write_product(c, dims);
  assert_int_equal(goes_by_tiles(), uses_tiles(c->lhs));
  PjTensor *inputs[] = {random_tensor(c->lhs, 3, dims[0], false),
                        random_tensor(c->rhs, 3, dims[1], false)};
  const bool floats = c->lhs == PJ_DT_BF16;
  check_routine(text_get(), PJ_OP_DOT_GENERAL, 2, inputs, floats ? MATCH_SUM : MATCH_BITS,
                floats ? 2 * (double)(c->k + 4) : 0);
  for (int side = 0; side < 2; ++side)
    pj_tensor_release(inputs[side]);
}

static const PjDtype types[][3] = {
    {PJ_DT_BF16, PJ_DT_BF16, PJ_DT_F32}, {PJ_DT_BF16, PJ_DT_BF16, PJ_DT_BF16},
    {PJ_DT_S8, PJ_DT_S8, PJ_DT_S32},     {PJ_DT_U8, PJ_DT_S8, PJ_DT_S32},
    {PJ_DT_S8, PJ_DT_U8, PJ_DT_S32},     {PJ_DT_U8, PJ_DT_U8, PJ_DT_U32},
};
enum { TYPES = sizeof types / sizeof *types };

// Rows, columns and sums that fill tiles, and that end within one of each kind; both orders of each
// operand.
static void every_end(void **state) {
  (void)state;
  static const int64_t rows[] = {16, 17, 31, 32, 33, 50, 64, 97},
                       columns[] = {17, 31, 32, 33, 64, 71},
                       sums[] = {64, 65, 67, 96, 127, 128, 130, 200};
  for (int t = 0; t < TYPES; ++t)
    for (int i = 0; i < 12; ++i) {
      const Case c = {types[t][0],
                      types[t][1],
                      types[t][2],
                      1 + random_int(0, 3) / 3,
                      rows[random_int(0, 7)],
                      columns[random_int(0, 5)],
                      sums[random_int(0, 7)],
                      i & 1,
                      i & 2};
      check(&c);
    }
}

// Sums of several blocks, whose tiles are added to c, and blocks of several tasks.
static void blocks(void **state) {
  (void)state;
  for (int t = 0; t < TYPES; ++t) {
    const Case long_sums = {types[t][0], types[t][1], types[t][2], 1,    149 + t,
                            120 - t,     2700 + t,    t & 1,       t & 2},
               many_rows = {types[t][0], types[t][1], types[t][2], 1,    390 + t,
                            40 + t,      70 + t,      t & 1,       t & 2};

    check(&long_sums);
    check(&many_rows);
  }
}

// Less than a tile is left to others.
static void small(void **state) {
  (void)state;
  for (int t = 0; t < TYPES; ++t)
    for (int side = 0; side < 3; ++side) {
      const Case c = {
          types[t][0],         types[t][1],         types[t][2], 1,    side == 0 ? 15 : 40,
          side == 1 ? 16 : 40, side == 2 ? 31 : 90, false,       false};
      int64_t dims[2][3];
      write_product(&c, dims);
      assert_false(goes_by_tiles());
    }
}

// Tiles take subnormal numbers for zero. Where such may occur, other instructions give what tiles
// would have given else: a column that makes them necessary leaves those beside it as they were.
static void subnormal(void **state) {
  (void)state;
  const Case c = {PJ_DT_BF16, PJ_DT_BF16, PJ_DT_F32, 1, 45, 70, 301, false, false};
  int64_t dims[2][3];
  write_product(&c, dims);
  RoutineCase product;
  routine_open(text_get(), PJ_OP_DOT_GENERAL, &product);
  PjTensor *inputs[] = {random_tensor(c.lhs, 3, dims[0], false),
                        random_tensor(c.rhs, 3, dims[1], false)},
           *outputs[2];
  for (int tiny = 0; tiny < 2; ++tiny) {
    for (int64_t p = 0; tiny && p < c.k; ++p)
      for (int64_t j = 3; j < c.n; j += 32)
        pj_double_encode(PJ_DT_BF16, p == 40 ? 0x1p-131 : 0,
                         (char *)inputs[1]->data + (p * c.n + j) * 2);
    for (int64_t i = 0; i < c.m; ++i)
      for (int64_t p = 0; p < c.k; ++p) {
        uint16_t *at = (uint16_t *)inputs[0]->data + i * c.k + p;
        if (!tiny) // of many digits, so that all sums are rounded
          *at = (uint16_t)(0x3F80 | random_int(0, 127) | random_int(0, 1) << 15);
      }
    assert_null(routine_run(&product, 1, false, inputs, &outputs[tiny]));
  }
  const float *without = (const float *)outputs[0]->data, *with = (const float *)outputs[1]->data;
  for (int64_t i = 0; i < c.m; ++i)
    for (int64_t j = 0; j < c.n; ++j) {
      const float at = with[i * c.n + j];
      if (j % 32 == 3)
        assert_true(at != 0 && at < 0x1p-126f && at > -0x1p-126f);
      else
        assert_memory_equal(&at, &without[i * c.n + j], sizeof at);
    }
  for (int side = 0; side < 2; ++side) {
    pj_tensor_release(inputs[side]);
    pj_tensor_release(outputs[side]);
  }
  routine_close(&product);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_end), cmocka_unit_test(blocks),
                                     cmocka_unit_test(small), cmocka_unit_test(subnormal)};
  if (!pj_cpu_has(NEEDED))
    print_message("the processor has no tiles: products go without them\n");
  return cmocka_run_group_tests(tests, NULL, NULL);
}
