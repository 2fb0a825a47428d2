// Every text program of the StableHLO suite (environment STABLEHLO_SUITE, or
// ../shared/suites/stablehlo beside the source tree) parses, and its printed text parses back to
// the same module. Skipped where the suite is absent.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "text_tools.h"

static char *read_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f)
    return NULL;
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  rewind(f);
  char *text = calloc(1, (size_t)size + 1);
  size_t n = fread(text, 1, (size_t)size, f);
  fclose(f);
  text[n] = 0;
  return text;
}

// Test files hold several programs, separated by a line `// -----`. Returns how many failed.
static int check_file(const char *path, bool must_parse, int *programs) {
  char *text = read_file(path);
  int failures = 0;
  if (!text)
    return 1;
  for (char *at = text, *next; at; at = next) {
    char *end = strstr(at, "\n// -----");
    size_t size = end ? (size_t)(end - at) : strlen(at);
    next = end ? strchr(end + 1, '\n') : NULL;
    Parsed parsed = parse(at, size);
    bool parses = !parsed.status;
    if (!parses && must_parse) {
      print_error("%s: %s\n", path, pj_status_message(parsed.status));
      ++failures;
    }
    parsed_free(&parsed);
    char *why = parses ? round_trip(at, size) : NULL;
    if (why) {
      print_error("%s: %s\n", path, why);
      ++failures;
    }
    ++*programs;
  }
  free(text);
  return failures;
}

static void check_folder(const char *folder, bool must_parse, int at_least) {
  const char *root = getenv("STABLEHLO_SUITE");
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", root ? root : PJ_SOURCE_DIR "/../shared/suites/stablehlo",
           folder);
  DIR *dir = opendir(path);
  if (!dir) {
    print_message("skipped: %s does not exist\n", path);
    skip();
  }
  int programs = 0, failures = 0;
  for (struct dirent *entry; (entry = readdir(dir));) {
    size_t len = strlen(entry->d_name);
    if (len < 5 || strcmp(entry->d_name + len - 5, ".mlir") != 0 ||
        strstr(entry->d_name, "invalid_vhlo"))
      continue;
    char file[2048];
    snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
    failures += check_file(file, must_parse, &programs);
  }
  closedir(dir);
  print_message("%s: %d programs\n", folder, programs);
  assert_int_equal(failures, 0);
  assert_true(programs >= at_least);
}

static void test_testdata(void **state) {
  check_folder("testdata", true, 100);
}
static void test_dynamic(void **state) {
  check_folder("testdata/dynamic", true, 50);
}
static void test_quantized(void **state) {
  check_folder("testdata/quantized", true, 50);
}
static void test_interpret(void **state) {
  check_folder("interpret", true, 50);
}
static void test_math(void **state) {
  check_folder("math", true, 10);
}
static void test_vhlo(void **state) {
  check_folder("vhlo", true, 10);
}
static void test_negative(void **state) {
  check_folder("verify_negative", false, 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_testdata),  cmocka_unit_test(test_dynamic),
      cmocka_unit_test(test_quantized), cmocka_unit_test(test_interpret),
      cmocka_unit_test(test_math),      cmocka_unit_test(test_vhlo),
      cmocka_unit_test(test_negative),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
