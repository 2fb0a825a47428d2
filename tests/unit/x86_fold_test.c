// Loads that become operands: which do, and that they read no more than they say.
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emit/x86/encode.h"
#include "jit_support.h"

enum { BASE = 1, INDEX, LOADED, OTHER, RESULT, NUM_REGS };

static X86Ins load(uint32_t enc, int size) {
  return (X86Ins){
      .form = X86_RM, .size = (uint8_t)size, .enc = enc, .d = LOADED, .b = {X86_MEM, 0, 0}};
}

static X86Ins binary(uint32_t enc, int size, X86Reg a, X86Reg b, bool commutes) {
  return (X86Ins){.form = X86_RVM,
                  .size = (uint8_t)size,
                  .enc = enc,
                  .d = RESULT,
                  .a = pj_x86_reg(a),
                  .b = pj_x86_reg(b),
                  .commutes = commutes};
}

// Instructions that are left of |count|; 1 less: the load went into the next one.
static size_t left(PjArena *arena, const X86Ins *code, size_t count, X86Ins *out_last) {
  X86Fn f = {.arena = arena, .vector_bytes = 64};
  for (X86Reg r = 0; r < NUM_REGS; ++r)
    PJ_PUSH(arena, &f.vregs, ((X86VReg){.cls = r == BASE || r == INDEX ? X86_GPR : X86_VEC}));
  f.vregs.data[RESULT].hint = LOADED;
  PJ_PUSH(arena, &f.mems, ((X86Mem){.base = BASE, .index = INDEX}));
  for (size_t i = 0; i < count; ++i)
    PJ_PUSH(arena, &f.code, code[i]);
  pj_x86_fold_loads(&f);
  *out_last = f.code.data[f.code.len - 1];
  if (f.code.len < count)
    assert_int_not_equal(f.vregs.data[RESULT].hint, LOADED);
  return f.code.len;
}

static PjStatus cases(void *arena) {
  X86Ins last;
  const X86Ins whole = load(X86_VMOVUPS_LOAD, 32), single = load(X86_VMOVSS_LOAD, 16);
#define LEFT(...) \
  left(arena, (X86Ins[]){__VA_ARGS__}, sizeof(X86Ins[]){__VA_ARGS__} / sizeof(X86Ins), &last)
  assert_int_equal(LEFT(whole, binary(X86_VSUB, 32, OTHER, LOADED, false)), 1);
  assert_int_equal(last.b.kind, X86_MEM);
  assert_int_equal(LEFT(whole, binary(X86_VADD, 32, LOADED, OTHER, true)), 1);
  assert_true(last.b.kind == X86_MEM && last.a.id == OTHER);
  assert_int_equal(LEFT(single, binary(X86_VMUL | X86_SS, 16, OTHER, LOADED, true)), 1);
  // A left operand that has to stay one, other sizes, another reader.
  assert_int_equal(LEFT(whole, binary(X86_VSUB, 32, LOADED, OTHER, false)), 2);
  assert_int_equal(LEFT(whole, binary(X86_VADD, 64, OTHER, LOADED, true)), 2);
  assert_int_equal(LEFT(single, binary(X86_VMUL, 32, OTHER, LOADED, true)), 2);
  assert_int_equal(LEFT(whole, binary(X86_VMUL | X86_SS, 16, OTHER, LOADED, true)), 2);
  assert_int_equal(LEFT(whole, binary(X86_VADD, 32, OTHER, LOADED, true),
                        binary(X86_VADD, 32, OTHER, LOADED, true)),
                   3);
  // What may write there, jumps, and a change of the address.
  const X86Ins add = binary(X86_VADD, 32, OTHER, LOADED, true);
  assert_int_equal(LEFT(whole, (X86Ins){.form = X86_ST, .a = pj_x86_reg(OTHER)}, add), 3);
  assert_int_equal(LEFT(whole, (X86Ins){.form = X86_LABEL}, add), 3);
  assert_int_equal(LEFT(whole, (X86Ins){.form = X86_CALL}, add), 3);
  assert_int_equal(LEFT(whole, (X86Ins){.form = X86_MOVE, .d = INDEX, .a = pj_x86_reg(BASE)}, add),
                   3);
  assert_int_equal(
      LEFT(whole, (X86Ins){.form = X86_MOVE, .d = RESULT, .a = pj_x86_reg(OTHER)}, add), 2);
  // Sums of products: any operand, but one.
  X86Ins sum = {.form = X86_FMA,
                .size = 32,
                .enc = X86_VFMADD132PS,
                .d = RESULT,
                .a = pj_x86_reg(OTHER),
                .b = pj_x86_reg(LOADED),
                .c = pj_x86_reg(OTHER)};
  assert_int_equal(LEFT(whole, sum), 1);
  sum.c = (X86Op){X86_POOL, 0, 0};
  assert_int_equal(LEFT(whole, sum), 2);
#undef LEFT
  return NULL;
}

static void which(void **state) {
  (void)state;
  PjArena *arena;
  assert_null(pj_arena_create(0, &arena));
  assert_null(pj_arena_guard(arena, cases, arena));
  pj_arena_destroy(arena);
}

// More sums than registers, of products with what lies at the very end of memory, in every place.
enum { SUMS = 36, LANES = 4, TURNS = 3 };

static void build(PjKir *k, void *context) {
  const int lanes = *(const int *)context;
  const PjKirType t = PJ_KIR_T(F32, lanes);
  PjKirVal sums[SUMS], next[SUMS];
  for (int i = 0; i < SUMS; ++i)
    sums[i] = pj_kir_load(k, t, pj_kir_buffer(k, 0), pj_kir_i64(k, i * lanes), 0, false);
  PjKirVal at =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 1), SUMS, sums, next);
  for (int i = 0; i < SUMS; ++i) {
    PjKirVal place =
        pj_kir_add(k, pj_kir_mul(k, at, pj_kir_i64(k, SUMS * lanes)), pj_kir_i64(k, i * lanes));
    PjKirVal x = pj_kir_load(k, t, pj_kir_buffer(k, 1), place, 0, false), last = next[i];
    PjKirVal other = next[(i + 1) % SUMS];
    next[i] = i % 3 == 0   ? pj_kir_fma(k, x, other, last)
              : i % 3 == 1 ? pj_kir_fma(k, last, other, x)
                           : pj_kir_fsub(k, last, x);
  }
  pj_kir_for_end(k, SUMS, next, sums);
  for (int i = 0; i < SUMS; ++i)
    pj_kir_store(k, sums[i], pj_kir_buffer(k, 2), pj_kir_i64(k, i * lanes), 0);
  pj_kir_finish(k);
}

static void at_the_end_of_memory(void **state) {
  (void)state;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(pages != MAP_FAILED && !mprotect(pages + page, page, PROT_NONE));
  PjIsa isas[PJ_ISA_COUNT];
  const uint32_t n = test_isas(isas);
  for (uint32_t a = 0; a < n; ++a)
    for (int lanes = 1; lanes <= LANES; lanes *= 4) {
      float start[SUMS * LANES], out[SUMS * LANES], want[SUMS * LANES], turn[SUMS * LANES];
      const int count = SUMS * lanes;
      float *x = (float *)(pages + page) - TURNS * count;
      for (int i = 0; i < count; ++i)
        start[i] = want[i] = (float)(i % 7) * 0.25f;
      for (int i = 0; i < TURNS * count; ++i)
        x[i] = (float)(i % 5) - 2;
      for (int t = 0; t < TURNS; ++t) {
        memcpy(turn, want, sizeof turn);
        for (int i = 0; i < count; ++i) {
          const int sum = i / lanes;
          const float v = x[t * count + i], other = turn[(i + lanes) % count];
          want[i] = sum % 3 == 0   ? v * other + turn[i]
                    : sum % 3 == 1 ? turn[i] * other + v
                                   : turn[i] - v; // all exact
        }
      }
      int context = lanes;
      PjJitCode *code = test_compile(isas[a], "fold", build, &context);
      void *buffers[] = {start, x, out};
      pj_jit_entry(code)(buffers, NULL, 0, TURNS, NULL);
      assert_memory_equal(out, want, sizeof *out * (size_t)count);
      pj_jit_release(code);
    }
  munmap(pages, 2 * page);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(which)};
  const struct CMUnitTest with_code[] = {cmocka_unit_test(at_the_end_of_memory)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (pj_jit_available())
    failed += cmocka_run_group_tests(with_code, NULL, NULL);
  return failed;
}
