// The few things of cmocka that the cross-compiled tests use, so that no library of another
// architecture is needed.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
  const char *name;
  void (*run)(void **state);
};
#define cmocka_unit_test(function) \
  { #function, function }

#define fail_msg(...) \
  (fprintf(stderr, __VA_ARGS__), fprintf(stderr, "\n%s:%d\n", __FILE__, __LINE__), exit(1))
#define cross_check(cond, text)         ((cond) ? (void)0 : (void)fail_msg("%s", text))
#define assert_true(c)                  cross_check(c, #c)
#define assert_false(c)                 cross_check(!(c), "not " #c)
#define assert_null(p)                  cross_check(!(p), #p)
#define assert_non_null(p)              cross_check((p) != NULL, #p)
#define assert_int_equal(a, b)          cross_check((int64_t)(a) == (int64_t)(b), #a " == " #b)
#define assert_ptr_equal(a, b)          cross_check((a) == (b), #a " == " #b)
#define assert_string_equal(a, b)       cross_check(!strcmp(a, b), #a " == " #b)
#define assert_memory_equal(a, b, size) cross_check(!memcmp(a, b, size), #a " == " #b)

#define cmocka_run_group_tests(tests, setup, teardown) \
  cross_run(tests, sizeof(tests) / sizeof *(tests))
static inline int cross_run(const struct CMUnitTest *tests, size_t count) {
  void *state = NULL;
  for (size_t i = 0; i < count; ++i) {
    printf("%s\n", tests[i].name);
    fflush(stdout);
    tests[i].run(&state);
  }
  return 0;
}
