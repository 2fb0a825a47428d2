// Arena, status, text buffer, options: what the rest of the library leans on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/options.h"
#include "base/str.h"
#include "base/vec.h"

static PjStatus fill_arena(void *context) {
  PjArena *arena = context;
  for (int i = 0; i < 1000; ++i) {
    unsigned char *block = pj_arena_alloc(arena, 777);
    for (int j = 0; j < 777; ++j)
      if (block[j] != 0)
        return PJ_ERROR(INTERNAL, "not zeroed");
    memset(block, 0xAB, 777);
    if ((uintptr_t)block % 16)
      return PJ_ERROR(INTERNAL, "not aligned");
  }
  return PJ_STATUS_OK;
}

static void arena_gives_zeroed_aligned_memory(void **state) {
  (void)state;
  PjArena *arena;
  assert_null(pj_arena_create(0, &arena));
  assert_null(pj_arena_guard(arena, fill_arena, arena));
  pj_arena_destroy(arena);
}

static void arena_limit_is_an_error_not_a_crash(void **state) {
  (void)state;
  PjArena *arena;
  assert_null(pj_arena_create(100000, &arena));
  PjStatus status = pj_arena_guard(arena, fill_arena, arena);
  assert_int_equal(pj_status_code(status), PJ_RESOURCE_EXHAUSTED);
  assert_non_null(strstr(pj_status_message(status), "100000"));
  pj_status_free(status);
  pj_arena_destroy(arena);
}

static PjStatus overflow(void *context) {
  pj_arena_calloc(context, SIZE_MAX / 2, 8);
  return PJ_STATUS_OK;
}

static PjStatus nested(void *context) {
  PjStatus inner = pj_arena_guard(context, overflow, context);
  PjCode code = pj_status_code(inner);
  pj_status_free(inner);
  return code == PJ_RESOURCE_EXHAUSTED ? PJ_STATUS_OK
                                       : PJ_ERROR(INTERNAL, "the inner guard did not catch it");
}

static void guards_nest(void **state) {
  (void)state;
  PjArena *arena;
  assert_null(pj_arena_create(0, &arena));
  assert_null(pj_arena_guard(arena, nested, arena));
  pj_arena_destroy(arena);
}

static void every_failing_allocation_is_reported(void **state) {
  (void)state;
  for (int n = 0;; ++n) {
    PjArena *arena = NULL;
    pj_alloc_fail_after(n);
    PjStatus status = pj_arena_create(0, &arena);
    if (!status)
      status = pj_arena_guard(arena, fill_arena, arena);
    pj_alloc_fail_after(-1);
    bool done = status == NULL;
    if (!done)
      assert_int_equal(pj_status_code(status), PJ_RESOURCE_EXHAUSTED);
    pj_status_free(status);
    pj_arena_destroy(arena);
    if (done)
      break;
    assert_true(n < 1000);
  }
}

static void reset_returns_to_the_mark(void **state) {
  (void)state;
  PjArena *arena;
  assert_null(pj_arena_create(0, &arena));
  size_t before = pj_arena_used(arena);
  PjArenaMark mark = pj_arena_mark(arena);
  assert_null(pj_arena_guard(arena, fill_arena, arena));
  assert_true(pj_arena_used(arena) > before);
  pj_arena_reset(arena, mark);
  assert_int_equal(pj_arena_used(arena), before);
  assert_null(pj_arena_guard(arena, fill_arena, arena));
  pj_arena_destroy(arena);
}

static PjStatus failing(int rank) {
  PJ_FAIL_IF(rank > 3, INVALID_ARGUMENT, "rank %d", rank);
  return PJ_STATUS_OK;
}

static PjStatus outer(int rank) {
  PJ_TRY_IN(failing(rank), "operand %d", 1);
  return PJ_STATUS_OK;
}

static void statuses_carry_context_and_location(void **state) {
  (void)state;
  assert_null(outer(3));
  PjStatus status = pj_status_at(outer(4), "model.py:41:3");
  status = pj_status_at(status, "elsewhere");
  assert_int_equal(pj_status_code(status), PJ_INVALID_ARGUMENT);
  assert_string_equal(pj_status_message(status), "operand 1: rank 4");
  assert_string_equal(pj_status_location(status), "model.py:41:3");
  PjStatus copy = pj_status_clone(status);
  pj_status_free(status);
  assert_string_equal(pj_status_message(copy), "operand 1: rank 4");
  assert_string_equal(pj_status_location(copy), "model.py:41:3");
  pj_status_free(copy);
  pj_status_free(pj_status_oom()); // static: freeing does nothing
  assert_int_equal(pj_status_code(pj_status_oom()), PJ_RESOURCE_EXHAUSTED);
}

static void text_buffer_grows_and_reports_failure(void **state) {
  (void)state;
  PjStrBuf buf = {0};
  for (int i = 0; i < 10000; ++i)
    pj_strbuf_printf(&buf, "%d,", i);
  assert_null(pj_strbuf_status(&buf));
  assert_int_equal(buf.len, strlen(buf.data));
  assert_memory_equal(buf.data + buf.len - 5, "9999,", 5);
  pj_strbuf_free(&buf);
  pj_alloc_fail_after(0);
  pj_strbuf_puts(&buf, "x");
  pj_alloc_fail_after(-1);
  assert_int_equal(pj_status_code(pj_strbuf_status(&buf)), PJ_RESOURCE_EXHAUSTED);
  pj_strbuf_free(&buf);
}

static void options_fall_back_to_their_defaults(void **state) {
  (void)state;
  unsetenv("PJRT_THREADS");
  assert_int_equal(pj_option_int(PJ_OPTION_THREADS), 0);
  setenv("PJRT_THREADS", "3", 1);
  assert_int_equal(pj_option_int(PJ_OPTION_THREADS), 3);
  setenv("PJRT_THREADS", "three", 1);
  assert_int_equal(pj_option_int(PJ_OPTION_THREADS), 0);
  unsetenv("PJRT_THREADS");
}

static void check_option(const char *name, const char *value, const char *complaint) {
  setenv(name, value, 1);
  PjStatus status = pj_options_check();
  assert_string_equal(pj_status_message(status), complaint);
  assert_int_equal(pj_status_code(status), *complaint ? PJ_INVALID_ARGUMENT : PJ_OK);
  pj_status_free(status);
  unsetenv(name);
}

static void options_that_cannot_be_are_named(void **state) {
  (void)state;
  check_option("PJRT_THREADS", "3", "");
  check_option("PJRT_THREADS", "", "");
  check_option("PJRT_THREADS", "three", "PJRT_THREADS must be a whole number, but is \"three\"");
  check_option("PJRT_THREADS", "-1", "PJRT_THREADS must be a whole number, but is \"-1\"");
  check_option("PJRT_THREADS", "3 ", "PJRT_THREADS must be a whole number, but is \"3 \"");
  check_option("PJRT_CODEGEN", "own", "");
  check_option("PJRT_CODEGEN", "gcc", "PJRT_CODEGEN must be one of auto|llvm|own, but is \"gcc\"");
  check_option("PJRT_CODEGEN", "auto|llvm",
               "PJRT_CODEGEN must be one of auto|llvm|own, but is \"auto|llvm\"");
  check_option("PJRT_COMPILER", "nat", "PJRT_COMPILER must be one of native|eval, but is \"nat\"");
  check_option("PJRT_CPU", "avx", "PJRT_CPU must be one of sse|avx2|avx512|amx, but is \"avx\"");
  check_option("PJRT_LOG", "compile,,error", "");
  check_option("PJRT_LOG", "compile,noise",
               "PJRT_LOG must be a list of error,compile,execute,fallback,all, but is "
               "\"compile,noise\"");
  check_option("PJRT_CACHE_DIR", "any|thing", "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arena_gives_zeroed_aligned_memory),
      cmocka_unit_test(arena_limit_is_an_error_not_a_crash),
      cmocka_unit_test(guards_nest),
      cmocka_unit_test(every_failing_allocation_is_reported),
      cmocka_unit_test(reset_returns_to_the_mark),
      cmocka_unit_test(statuses_carry_context_and_location),
      cmocka_unit_test(text_buffer_grows_and_reports_failure),
      cmocka_unit_test(options_fall_back_to_their_defaults),
      cmocka_unit_test(options_that_cannot_be_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
