// Ten thousand different functions, one after the other: the process keeps what its cache may keep,
// and no more. And all alive at once: their code takes few mappings, of which a process may have
// some 65,000, and freed it is memory of the system again.
#include <stdlib.h>
#include <unistd.h>

#include "emit/jit_memory.h"
#include "jit_support.h"

static void build(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(F32, 8);
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 8), 0, NULL, NULL);
  PjKirVal v = pj_kir_load(k, t, pj_kir_buffer(k, 0), i, 0, true);
  v = pj_kir_fmul(k, v, pj_kir_float(k, t, *(int *)context));
  pj_kir_store(k, v, pj_kir_buffer(k, 1), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

static int64_t resident_bytes(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  long pages = 0;
  assert_non_null(f);
  assert_int_equal(fscanf(f, "%*d %ld", &pages), 1);
  fclose(f);
  return pages * sysconf(_SC_PAGESIZE);
}

// Of this process; under ThreadSanitizer those of code, as its shadow of the others is mapped, too.
static int mappings(void) {
  FILE *f = fopen("/proc/self/maps", "r");
  int lines = 0;
  char *line = NULL;
  size_t room = 0;
  assert_non_null(f);
  while (getline(&line, &room, f) > 0) {
#ifdef __SANITIZE_THREAD__
    char access[5];
    lines += sscanf(line, "%*s %4s", access) == 1 && access[2] == 'x';
#else
    lines++;
#endif
  }
  free(line);
  fclose(f);
  return lines;
}

static void many_functions(void **state) {
  enum { COUNT = 10000, WARM = 2000, KEPT = 16 };
  setenv("PJRT_CODE_CACHE_MB", "1", 1);
  int64_t warm_bytes = 0;
  int warm_mappings = 0;
  PjJitCode *kept[KEPT] = {
      NULL}; // some stay in use for a while, so that the freed ones leave holes
  for (int i = 0; i < COUNT; ++i) {
    PjJitCode *code = test_compile(pj_kir_target_host()->isa, "many", build, &i);
    float in[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[8];
    void *buffers[] = {in, out};
    pj_jit_entry(code)(buffers, NULL, 0, 8, NULL);
    assert_true(out[0] == (float)i && out[7] == 8 * (float)i);
    pj_jit_release(kept[i % KEPT]);
    kept[i % KEPT] = code;
    if (i == WARM) {
      warm_bytes = resident_bytes();
      warm_mappings = mappings();
    }
  }
  PjJitStats stats;
  pj_jit_stats(&stats);
  print_message("resident: %d KiB more than after %d functions, %d mappings more; %d KiB of code\n",
                (int)((resident_bytes() - warm_bytes) >> 10), WARM, mappings() - warm_mappings,
                (int)(stats.code_bytes >> 10));
  assert_int_equal(stats.compiled, COUNT);
  assert_true(stats.code_bytes <= (1 << 20) + KEPT * 4096);
  assert_true(mappings() - warm_mappings < 400);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ // these keep freed memory
  assert_true(resident_bytes() - warm_bytes < 16 << 20);
#endif
  for (int i = 0; i < KEPT; ++i)
    pj_jit_release(kept[i]);
}

// As many as are alive at once, in blocks of sizes from 64 bytes to 8 KiB, as kernels are.
static PjStatus put_code(int i, int round, PjJitSpan *span) {
  static uint8_t code[8192];
  uint64_t bytes = (uint64_t)(i * 911 + round * 7) % (sizeof code - 8) + 8;
  memset(code, i + round, bytes);
  memcpy(code, &i, sizeof i);
  PJ_TRY(pj_jit_memory_alloc(bytes, span));
  return pj_jit_memory_fill(span, code, bytes);
}

static void expect_code(int i, int round, const PjJitSpan *span) {
  int first;
  memcpy(&first, span->address, sizeof first);
  assert_int_equal(first, i);
  assert_int_equal(span->address[7], (uint8_t)(i + round));
}

static void many_alive(void **state) {
  enum { COUNT = 10000, ROUNDS = 3 };
  static PjJitSpan spans[COUNT];
  int mappings_before = mappings();
  int64_t bytes_before = resident_bytes();
  for (int i = 0; i < COUNT; ++i)
    test_ok(put_code(i, 0, &spans[i]));
  int of_all = mappings() - mappings_before;
  for (int i = 0; i < COUNT; ++i)
    expect_code(i, 0, &spans[i]);
  // Holes all over that are filled again, by code of other sizes.
  for (int round = 1; round <= ROUNDS; ++round) {
    for (int i = round; i < COUNT; i += 3)
      pj_jit_memory_free(&spans[i]);
    for (int i = round; i < COUNT; i += 3)
      test_ok(put_code(i, round, &spans[i]));
    for (int i = round; i < COUNT; i += 3)
      expect_code(i, round, &spans[i]);
  }
  int of_holes = mappings() - mappings_before;
  int64_t bytes = resident_bytes() - bytes_before, used = (int64_t)pj_jit_memory_used();
  // Seven of eight: pages that nothing lies in any more are given back, though regions stay.
  for (int i = 0; i < COUNT; ++i)
    if (i % 8)
      pj_jit_memory_free(&spans[i]);
  int64_t bytes_few = resident_bytes() - bytes_before;
  for (int i = 0; i < COUNT; i += 8)
    pj_jit_memory_free(&spans[i]);
  int64_t bytes_none = resident_bytes() - bytes_before;
  print_message("%d KiB in %d mappings, %d after changes, %d KiB resident; an eighth of it %d, "
                "nothing %d\n",
                (int)(used >> 10), of_all, of_holes, (int)(bytes >> 10), (int)(bytes_few >> 10),
                (int)(bytes_none >> 10));
  assert_true(of_all < 400);
  assert_true(of_holes < 1000);
  assert_int_equal(pj_jit_memory_used(), 0);
  assert_true(mappings() - mappings_before < 10);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
  assert_true(bytes < used + (16 << 20));
  assert_true(bytes_few < used / 2);
  assert_true(bytes_none < 2 << 20);
#endif
}

int main(void) {
  if (!pj_jit_available()) {
    printf("no code generator for this processor: nothing to test\n");
    return 0;
  }
  const struct CMUnitTest tests[] = {cmocka_unit_test(many_alive),
                                     cmocka_unit_test(many_functions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
