// Verifier and inference over the StableHLO suites: nothing valid is refused, nothing invalid gets
// through, and inference agrees with every declared type. The suites lie at $STABLEHLO_SUITE or
// ../shared/suites/stablehlo; without them the tests are skipped.
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "import/import.h"
#include "reinfer.h"

static struct {
  bool negative;
  int files, sections, inferred, wrong;
} tally;

typedef struct Program {
  PjArena *arena;
  PjStr text;
} Program;

static PjStatus import(void *context) {
  Program *program = context;
  PjModule *module;
  PJ_TRY(pj_import(program->arena, program->text.ptr, program->text.len, &module));
  return pj_test_infer_again(module, &tally.inferred);
}

static PjStatus run(PjStr text) {
  Program program = {.text = text};
  ++tally.sections;
  PJ_TRY(pj_arena_create(0, &program.arena));
  PjStatus status = pj_arena_guard(program.arena, import, &program);
  pj_arena_destroy(program.arena);
  return status;
}

// The status of the first section that fails.
static PjStatus run_sections(char *text, size_t len) {
  static const char cut[] = "\n// -----";
  if (pj_is_bytecode(text, len))
    return run((PjStr){text, len});
  for (char *at = text, *next; at; at = next) {
    next = strstr(at, cut);
    PJ_TRY(run((PjStr){at, next ? (size_t)(next + 1 - at) : (size_t)(text + len - at)}));
    if (next)
      next += strlen(cut);
  }
  return NULL;
}

static int visit(const char *path, const struct stat *info, int kind, struct FTW *walk) {
  const char *end = path + strlen(path);
  if (kind != FTW_F || (strcmp(end - 5, ".mlir") && strcmp(end - 3, ".bc")))
    return 0;
  FILE *file = fopen(path, "rb");
  if (!file)
    return 0;
  char *text = malloc((size_t)info->st_size + 1);
  size_t len = text ? fread(text, 1, (size_t)info->st_size, file) : 0;
  fclose(file);
  if (!text)
    return 1;
  text[len] = 0;
  PjStatus status = run_sections(text, len);
  bool refuse = tally.negative || strstr(path, "invalid_vhlo_future");
  if (pj_status_code(status) != (refuse ? PJ_INVALID_ARGUMENT : PJ_OK)) {
    ++tally.wrong;
    print_message("%s: %s: %s\n", path, pj_code_name(pj_status_code(status)),
                  pj_status_message(status));
  }
  ++tally.files;
  pj_status_free(status);
  free(text);
  return 0;
}

static void check(const char *folder, bool negative) {
  const char *suite = getenv("STABLEHLO_SUITE");
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", suite ? suite : PJ_SOURCE_DIR "/../shared/suites/stablehlo",
           folder);
  memset(&tally, 0, sizeof tally);
  tally.negative = negative;
  nftw(path, visit, 16, FTW_PHYS);
  if (!tally.files) {
    print_message("skipped: no suite at %s\n", path);
    skip();
  }
  print_message("%s: %d files, %d sections, %d ops inferred, %d wrong\n", folder, tally.files,
                tally.sections, tally.inferred, tally.wrong);
  assert_int_equal(tally.wrong, 0);
}

static void test_negative(void **state) {
  check("verify_negative", true);
}
static void test_testdata(void **state) {
  check("testdata", false);
}
static void test_interpret(void **state) {
  check("interpret", false);
}
static void test_math(void **state) {
  check("math", false);
}
static void test_vhlo(void **state) {
  check("vhlo", false);
}
static void test_jax(void **state) {
  check("../jax", false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_negative),  cmocka_unit_test(test_testdata),
      cmocka_unit_test(test_interpret), cmocka_unit_test(test_math),
      cmocka_unit_test(test_vhlo),      cmocka_unit_test(test_jax),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
