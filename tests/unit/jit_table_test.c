// The table of compiled functions: sharing, concurrent askers, what is kept and what is not,
// failing allocations.
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "emit/codegen.h"
#include "emit/x86/x86.h"
#include "jit_support.h"

// out[i] = in[i] + constant, with a constant in the code, so that each value is a function of its
// own.
static void build_add(PjKir *k, void *context) {
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 1), 0, NULL, NULL);
  PjKirVal v = pj_kir_load(k, PJ_KIR_T(I64, 1), pj_kir_buffer(k, 0), i, 0, true);
  v = pj_kir_add(k, v, pj_kir_i64(k, *(int64_t *)context));
  pj_kir_store(k, v, pj_kir_buffer(k, 1), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

static PjJitCode *make(int64_t constant) {
  return test_compile(pj_kir_target_host()->isa, "add", build_add, &constant);
}

static void expect_adds(const PjJitCode *code, int64_t constant) {
  int64_t in[3] = {1, 20, -300}, out[3] = {0};
  void *buffers[] = {in, out};
  pj_jit_entry(code)(buffers, NULL, 0, 3, NULL);
  for (int i = 0; i < 3; ++i)
    assert_int_equal(out[i], in[i] + constant);
}

static PjJitStats stats(void) {
  PjJitStats s;
  pj_jit_stats(&s);
  return s;
}

static void equal_functions_share(void **state) {
  PjJitStats before = stats();
  PjJitCode *a = make(1000), *b = make(1000), *c = make(1001);
  assert_ptr_equal(a, b);
  assert_ptr_not_equal(a, c);
  expect_adds(a, 1000);
  expect_adds(c, 1001);
  PjJitStats after = stats();
  assert_int_equal(after.compiled - before.compiled, 2);
  assert_int_equal(after.shared - before.shared, 1);
  assert_true(after.emit_ns > before.emit_ns && after.code_bytes > before.code_bytes);
  assert_true(pj_jit_bytes(a) > 0);
  pj_jit_retain(a);
  pj_jit_release(a);
  pj_jit_release(a);
  expect_adds(b, 1000);
  pj_jit_release(b);
  pj_jit_release(c);
  // Nobody holds it, yet it is still there.
  PjJitCode *again = make(1000);
  expect_adds(again, 1000);
  assert_int_equal(stats().compiled, after.compiled);
  pj_jit_release(again);
}

static void nothing_is_kept(void **state) {
  setenv("PJRT_CODE_CACHE_MB", "0", 1);
  pj_jit_release(make(2000)); // drops what earlier tests left too
  assert_int_equal(stats().code_bytes, 0);
  uint64_t compiled = stats().compiled;
  PjJitCode *code = make(2000);
  assert_int_equal(stats().compiled, compiled + 1);
  expect_adds(code, 2000);
  pj_jit_release(code);
  unsetenv("PJRT_CODE_CACHE_MB");
}

// Code of one generator is not what a request for the other one gets.
static void each_generator_has_its_own(void **state) {
  if (!pj_codegen_available(pj_kir_target_host()->isa))
    return;
  setenv("PJRT_CODEGEN", "llvm", 1);
  PjJitStats before = stats();
  PjJitCode *llvm = make(2500);
  unsetenv("PJRT_CODEGEN");
  PjJitCode *code = make(2500);
  assert_ptr_not_equal(llvm, code);
  assert_int_equal(stats().compiled - before.compiled, 2);
  setenv("PJRT_CODEGEN", "llvm", 1);
  PjJitCode *again = make(2500);
  unsetenv("PJRT_CODEGEN");
  assert_ptr_equal(llvm, again);
  expect_adds(llvm, 2500);
  expect_adds(code, 2500);
  pj_jit_release(again);
  pj_jit_release(llvm);
  pj_jit_release(code);
}

enum { BATCH = 24 };

typedef struct Batch {
  int64_t first;
  PjThreads *threads;
  PjJitCode *codes[BATCH];
  PjStatus status;
  PjArena *arena;
} Batch;

static PjStatus compile_batch(void *context) {
  Batch *b = context;
  PjKirTarget target = pj_kir_target_of(pj_kir_target_host()->isa);
  const PjKir *functions[BATCH];
  for (int i = 0; i < BATCH; ++i) {
    PjKir *k = pj_kir_create(b->arena, &target, "batch");
    int64_t constant = b->first + i / 2; // each twice
    build_add(k, &constant);
    pj_kir_finish(k);
    functions[i] = k;
  }
  return pj_jit_compile(b->threads, BATCH, functions, b->codes);
}

static void *batch_thread(void *context) {
  Batch *b = context;
  PjStatus status = pj_arena_create(0, &b->arena);
  b->status = status ? status : pj_arena_guard(b->arena, compile_batch, b);
  return NULL;
}

static void free_batch(Batch *b) {
  for (int i = 0; i < BATCH; ++i)
    pj_jit_release(b->codes[i]);
  pj_arena_destroy(b->arena);
}

static void one_request(void **state) {
  Batch b = {.first = 3000};
  test_ok(pj_threads_create(3, &b.threads));
  uint64_t compiled = stats().compiled;
  batch_thread(&b);
  test_ok(b.status);
  assert_int_equal(stats().compiled - compiled, BATCH / 2);
  for (int i = 0; i < BATCH; ++i)
    expect_adds(b.codes[i], 3000 + i / 2);
  free_batch(&b);
  pj_threads_destroy(b.threads);
}

// Askers whose requests overlap in part: every function is compiled by one of them.
static void concurrent_requests(void **state) {
  enum { ASKERS = 6 };
  for (int64_t round = 0; round < 4; ++round) {
    Batch batches[ASKERS] = {0};
    pthread_t threads[ASKERS];
    uint64_t compiled = stats().compiled;
    for (int i = 0; i < ASKERS; ++i) {
      batches[i].first = 4000 + round * 1000 + i % 3 * (BATCH / 4);
      assert_int_equal(pthread_create(&threads[i], NULL, batch_thread, &batches[i]), 0);
    }
    for (int i = 0; i < ASKERS; ++i)
      pthread_join(threads[i], NULL);
    assert_int_equal(stats().compiled - compiled,
                     BATCH); // 12 of the first, 6 more of each other start
    for (int i = 0; i < ASKERS; ++i) {
      test_ok(batches[i].status);
      for (int j = 0; j < BATCH; ++j)
        expect_adds(batches[i].codes[j], batches[i].first + j / 2);
      free_batch(&batches[i]);
    }
  }
}

// Whatever allocation of ours fails, the request fails whole, and the next one succeeds.
static void failing_allocations(void **state) {
  setenv("PJRT_CODE_CACHE_MB", "0", 1);
  pj_jit_release(make(8999)); // drops what earlier tests left
  Batch b = {.first = 9000};
  int64_t n = 0;
  for (bool done = false; !done; ++n) {
    memset(b.codes, 0xff, sizeof b.codes);
    b.arena = NULL;
    test_ok(pj_arena_create(0, &b.arena));
    pj_alloc_fail_after(n);
    PjStatus status = pj_arena_guard(b.arena, compile_batch, &b);
    pj_alloc_fail_after(-1);
    done = !status;
    if (status) {
      test_code(status, PJ_RESOURCE_EXHAUSTED);
      if (b.codes[0] == (PjJitCode *)~(uintptr_t)0) // it did not come to the request
        memset(b.codes, 0, sizeof b.codes);
      for (int i = 0; i < BATCH; ++i)
        assert_null(b.codes[i]);
      assert_int_equal(stats().code_bytes, 0);
    }
    if (done)
      for (int i = 0; i < BATCH; ++i)
        expect_adds(b.codes[i], 9000 + i / 2);
    free_batch(&b);
  }
  assert_true(n > 10);
  unsetenv("PJRT_CODE_CACHE_MB");
}

typedef struct Stopped {
  _Atomic bool reached, go_on;
} Stopped;

static void stop(void *context, const char *phase, int64_t done, int64_t total) {
  Stopped *s = context;
  atomic_store(&s->reached, true);
  while (!atomic_load(&s->go_on))
    sched_yield();
}

static void *make_slowly(void *context) {
  PjProgress progress = {.report = stop, .context = context};
  pj_progress_begin(&progress);
  PjJitCode *code = make(9500);
  pj_progress_end(&progress);
  return code;
}

// What another thread compiles when a process forks, the child compiles itself.
static void a_child_of_fork_claims_anew(void **state) {
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
  skip(); // their own locks may be held by the thread that the child does not have
#endif
  Stopped stopped = {0};
  pthread_t thread;
  void *code;
  pj_jit_release(make(9499));
  assert_int_equal(pthread_create(&thread, NULL, make_slowly, &stopped), 0);
  while (!atomic_load(&stopped.reached))
    sched_yield();
  pid_t child = fork();
  if (child == 0) {
    alarm(20); // one that hangs fails
    PjJitCode *own = make(9500), *shared = make(9499);
    expect_adds(own, 9500);
    expect_adds(shared, 9499);
    pj_jit_release(own);
    pj_jit_release(shared);
    _exit(0);
  }
  atomic_store(&stopped.go_on, true);
  assert_int_equal(pthread_join(thread, &code), 0);
  expect_adds(code, 9500);
  pj_jit_release(code);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
}

static void dump_one(const PjKir *k, void *context) {
  PjStrBuf ir = {0}, assembly = {0};
  test_ok(pj_jit_dump(k, &ir, &assembly));
  assert_non_null(strstr(ir.data, "add i64"));
  assert_non_null(strstr(assembly.data, "pj_kernel:"));
  pj_strbuf_free(&ir);
  pj_strbuf_free(&assembly);
}

static void dump_own(const PjKir *k, void *context) {
  PjStrBuf code = {0};
  test_ok(pj_jit_dump_own(k, &code));
  assert_non_null(memchr(code.data, 0xc3, code.len)); // ret
  pj_strbuf_free(&code);
}

static void no_dump(const PjKir *k, void *context) {
  test_code(pj_jit_dump(k, NULL, NULL), PJ_UNIMPLEMENTED);
}

static void dumps(void **state) {
  int64_t constant = 5;
  PjIsa isa = pj_kir_target_host()->isa;
  test_kernel(isa, "dump", build_add, pj_codegen_available(isa) ? dump_one : no_dump, &constant);
  if (pj_x86_available(isa))
    test_kernel(isa, "dump", build_add, dump_own, &constant);
}

static void refused(const PjKir *k, void *context) {
  PjJitCode *code = (PjJitCode *)context;
  test_code(pj_jit_compile(NULL, 1, &k, &code), PJ_UNIMPLEMENTED);
  assert_null(code);
  test_code(pj_jit_dump(k, NULL, NULL), PJ_UNIMPLEMENTED);
}

static void without_generator(void **state) {
  int64_t constant = 5;
  test_kernel(pj_kir_target_host()->isa, "none", build_add, refused, &constant);
  PjJitCode *code;
  test_ok(pj_jit_compile(NULL, 0, NULL, &code));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_functions_share),       cmocka_unit_test(nothing_is_kept),
      cmocka_unit_test(each_generator_has_its_own),  cmocka_unit_test(one_request),
      cmocka_unit_test(concurrent_requests),         cmocka_unit_test(failing_allocations),
      cmocka_unit_test(a_child_of_fork_claims_anew), cmocka_unit_test(dumps),
  };
  const struct CMUnitTest none[] = {cmocka_unit_test(without_generator)};
  return pj_jit_available() ? cmocka_run_group_tests(tests, NULL, NULL)
                            : cmocka_run_group_tests(none, NULL, NULL);
}
