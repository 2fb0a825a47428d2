// Ten thousand different programs, one after the other, compiled, run and destroyed: the process
// keeps what its cache of code may keep, and no more. And as many that are alive at once: they take
// few mappings, of which the kernel allows a process some 65,000, and what they took comes back.
#include "pjrt_util.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { COUNT = 10000, WARM = 2000, STEPS = 6, NUM_OPS = 5 };

static const char *const ops[NUM_OPS] = {"add", "subtract", "multiply", "maximum", "minimum"};

static float apply(int op, float a, float b) {
  switch (op) {
  case 0:
    return a + b;
  case 1:
    return a - b;
  case 2:
    return a * b;
  case 3:
    return fmaxf(a, b);
  default:
    return fminf(a, b);
  }
}

// The digits of |number| choose the operations.
static PJRT_LoadedExecutable *compile_number(int number) {
  char text[1024];
  int len =
      snprintf(text, sizeof text,
               "func.func @main(%%0: tensor<5xf32>, %%b: tensor<5xf32>) -> tensor<5xf32> {\n");
  for (int i = 0; i < STEPS; ++i, number /= NUM_OPS)
    len += snprintf(text + len, sizeof text - (size_t)len,
                    "%%%d = stablehlo.%s %%%d, %s : tensor<5xf32>\n", i + 1, ops[number % NUM_OPS],
                    i, i ? "%0" : "%b");
  snprintf(text + len, sizeof text - (size_t)len, "return %%%d : tensor<5xf32>\n}\n", STEPS);
  return compile(text);
}

static float expected(int number, float a, float b) {
  float value = a;
  for (int i = 0; i < STEPS; ++i, number /= NUM_OPS)
    value = apply(number % NUM_OPS, value, i ? a : b);
  return value;
}

static int64_t resident_bytes(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  long pages = 0;
  assert_non_null(f);
  assert_int_equal(fscanf(f, "%*d %ld", &pages), 1);
  fclose(f);
  return pages * sysconf(_SC_PAGESIZE);
}

static int mappings(void) {
  FILE *f = fopen("/proc/self/maps", "r");
  int lines = 0;
  assert_non_null(f);
  for (int c; (c = fgetc(f)) != EOF;)
    lines += c == '\n';
  fclose(f);
  return lines;
}

static void expect_result(PJRT_LoadedExecutable *program, PJRT_Buffer **inputs, int number,
                          const float *a, const float *b) {
  PJRT_Buffer *output;
  float out[5];
  expect_ok(try_execute(program, 2, inputs, &output), "execute", __FILE__, __LINE__);
  read_buffer(output, out, sizeof out);
  for (int k = 0; k < 5; ++k)
    assert_true(out[k] == expected(number, a[k], b[k]));
  destroy_buffer(output);
}

static void many_programs(void **state) {
  (void)state;
  const float a[5] = {1, -2, 3, 0.5f, 7}, b[5] = {2, 5, -1, 4, 0.25f};
  const int64_t dims[] = {5};
  PJRT_Buffer *inputs[] = {make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, dims, a),
                           make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, dims, b)};
  int64_t warm_bytes = 0;
  for (int i = 0; i < COUNT; ++i) {
    PJRT_LoadedExecutable *program = compile_number(i);
    expect_result(program, inputs, i, a, b);
    destroy_executable(program);
    if (i == WARM)
      warm_bytes = resident_bytes();
  }
  int64_t grown = resident_bytes() - warm_bytes;
  print_message("resident: %d KiB more than after %d programs\n", (int)(grown >> 10), WARM);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ // these keep freed memory
  assert_true(grown < 8 << 20);
#endif
  destroy_buffer(inputs[0]);
  destroy_buffer(inputs[1]);
}

static void many_alive(void **state) {
  (void)state;
  static PJRT_LoadedExecutable *programs[COUNT];
  const float a[5] = {1, -2, 3, 0.5f, 7}, b[5] = {2, 5, -1, 4, 0.25f};
  const int64_t dims[] = {5};
  PJRT_Buffer *inputs[] = {make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, dims, a),
                           make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, dims, b)};
  const int mappings_before = mappings();
  const int64_t bytes_before = resident_bytes();
  for (int i = 0; i < COUNT; ++i)
    programs[i] = compile_number(i);
  for (int i = 0; i < COUNT; i += 97)
    expect_result(programs[i], inputs, i, a, b);
  const int mappings_alive = mappings() - mappings_before;
  const int64_t bytes_alive = resident_bytes() - bytes_before;
  for (int i = 0; i < COUNT; ++i)
    destroy_executable(programs[i]);
  malloc_trim(0); // the allocator keeps what lies below blocks in use
  const int64_t kept = resident_bytes() - bytes_before;
  print_message("%d programs alive: %d KiB in %d mappings; freed: %d KiB in %d\n", COUNT,
                (int)(bytes_alive >> 10), mappings_alive, (int)(kept >> 10),
                mappings() - mappings_before);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ // whose memory is mapped too
  assert_true(mappings_alive < 1000);
  assert_true(kept < bytes_alive / 2);
#endif
  destroy_buffer(inputs[0]);
  destroy_buffer(inputs[1]);
}

static int setup(void **state) {
  setenv("PJRT_CODE_CACHE_MB", "1", 1);
  return plugin_setup(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(many_programs), cmocka_unit_test(many_alive)};
  return cmocka_run_group_tests(tests, setup, plugin_teardown);
}
