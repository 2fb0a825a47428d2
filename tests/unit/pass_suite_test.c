// The pipeline over every program of the StableHLO suite (environment STABLEHLO_SUITE, or
// ../shared/suites/stablehlo beside the source tree) and over artifacts of JAX beside it: the
// module stays valid after each pass, and the evaluator gives the same bits before and after.
// Programs of the suite check their own results, too. Skipped where the suite is absent.
//
// PASS_PROGRAMS names a folder of further programs to run.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "eval/check.h"
#include "import/import.h"
#include "ir/print.h"
#include "pass_support.h"

static char *read_file(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  if (!f)
    return NULL;
  fseek(f, 0, SEEK_END);
  *size = (size_t)ftell(f);
  rewind(f);
  char *text = calloc(1, *size + 1);
  *size = fread(text, 1, *size, f);
  fclose(f);
  return text;
}

typedef struct Job {
  PjArena *arena;
  const char *text;
  size_t size;
  PjModule *before, *after;
  PjPassReport report;
} Job;

static bool has_chlo_composite(const PjModule *module) {
  for (const PjOp *func = module->body.first; func; func = func->next)
    for (const PjOp *op = func->num_regions ? func->regions[0].first : NULL; op; op = op->next)
      if (op->kind == PJ_OP_COMPOSITE && pj_str_starts(PJ_STRATTR(op, name), "chlo."))
        return true;
  return false;
}

static bool found_functions(const PjPassReport *report) {
  for (uint32_t i = 0; i < report->count; ++i)
    if (!strcmp(report->passes[i].name, "functions"))
      return report->passes[i].changes > 0;
  return false;
}

static PjStatus run(void *context) {
  Job *job = context;
  PJ_TRY(pj_import(job->arena, job->text, job->size, &job->before));
  PjPassOptions options = {.verify = true, .report = &job->report};
  PJ_TRY(pj_passes_run(job->arena, job->before, &options, &job->after));
  // The inliner makes operations of chlo's composites, and another pass of functions that were
  // written out: they are more exact. From there on bits must stay.
  PjPassOptions inline_only = {.verify = true, .only = "inline,functions"};
  return has_chlo_composite(job->before) || found_functions(&job->report)
             ? pj_passes_run(job->arena, job->before, &inline_only, &job->before)
             : PJ_STATUS_OK;
}

static bool can_compare(const PjModule *module) {
  const PjOp *entry = pj_module_entry(module);
  if (!entry || entry->regions[0].num_args > 64)
    return false;
  for (uint32_t i = 0; i < entry->regions[0].num_args; ++i) {
    const PjType *type = entry->regions[0].args[i].type;
    if (type->kind != PJ_TYPE_TENSOR && type->kind != PJ_TYPE_TOKEN)
      return false;
    int64_t count;
    if (pj_type_num_elements(type, &count) && count > 100000)
      return false;
  }
  return pj_region_terminator(&entry->regions[0])->num_operands <= 64;
}

static int check_program(const char *path, const char *text, size_t size, bool compare) {
  Job job = {.text = text, .size = size};
  PjStatus status = pj_arena_create(0, &job.arena);
  if (!status)
    status = pj_arena_guard(job.arena, run, &job);
  const char *why = status ? pj_status_message(status) : NULL;
  for (int seed = 0; !why && seed < 2 && compare && can_compare(job.before); ++seed)
    why = pass_compare(job.before, job.after, seed);
  if (why)
    print_error("%s: %s\n", path, why);
  int failed = why != NULL;
  if (failed && job.after && getenv("PASS_PRINT")) {
    PjStrBuf buf = {0};
    pj_module_print(&buf, job.after, NULL);
    print_error("%s\n", buf.data);
    pj_strbuf_free(&buf);
  }
  if (getenv("PASS_SIZES"))
    print_message("%s: %u -> %u\n", path, job.report.ops_before, job.report.ops_after);
  pj_status_free(status);
  pj_arena_destroy(job.arena);
  return failed;
}

static int check_file(const char *path, bool compare, int *programs) {
  size_t size;
  char *text = read_file(path, &size);
  int failures = 0;
  if (!text)
    return 1;
  if (pj_is_bytecode(text, size)) {
    ++*programs;
    failures = check_program(path, text, size, compare);
  } else {
    for (char *at = text, *next; at; at = next) {
      char *end = strstr(at, "\n// -----");
      size_t len = end ? (size_t)(end - at) : strlen(at);
      next = end ? strchr(end + 1, '\n') : NULL;
      failures += check_program(path, at, len, compare);
      ++*programs;
    }
  }
  free(text);
  return failures;
}

static void check_folder(const char *path, const char *suffix, bool compare, int at_least) {
  DIR *dir = opendir(path);
  if (!dir) {
    print_message("skipped: %s does not exist\n", path);
    skip();
  }
  int programs = 0, failures = 0;
  for (struct dirent *entry; (entry = readdir(dir));) {
    size_t len = strlen(entry->d_name), tail = strlen(suffix);
    if (len < tail || strcmp(entry->d_name + len - tail, suffix) != 0)
      continue;
    char file[2048];
    snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
    failures += check_file(file, compare, &programs);
  }
  closedir(dir);
  print_message("%s: %d programs\n", path, programs);
  assert_int_equal(failures, 0);
  assert_true(programs >= at_least);
}

static void check_suite(const char *folder, int at_least) {
  const char *root = getenv("STABLEHLO_SUITE");
  char path[1024];
  assert_null(pj_check_register());
  snprintf(path, sizeof path, "%s/%s", root ? root : PJ_SOURCE_DIR "/../shared/suites/stablehlo",
           folder);
  check_folder(path, ".mlir", true, at_least);
}

static void test_testdata(void **state) {
  check_suite("testdata", 1000);
}
static void test_dynamic(void **state) {
  check_suite("testdata/dynamic", 50);
}
static void test_quantized(void **state) {
  check_suite("testdata/quantized", 50);
}
static void test_interpret(void **state) {
  check_suite("interpret", 200);
}
static void test_math(void **state) {
  check_suite("math", 10);
}

static void check_jax(const char *folder, bool compare, int at_least) {
  const char *root = getenv("STABLEHLO_SUITE");
  char path[1024];
  snprintf(path, sizeof path, "%s/../jax/%s",
           root ? root : PJ_SOURCE_DIR "/../shared/suites/stablehlo", folder);
  check_folder(path, ".bc", compare, at_least);
}

static void test_jax(void **state) {
  check_jax("one_device", true, 40);
}
static void test_jax_devices(void **state) {
  check_jax("many_devices", false, 60);
}

static void test_programs(void **state) {
  if (!getenv("PASS_PROGRAMS"))
    skip();
  check_folder(getenv("PASS_PROGRAMS"), ".mlir", true, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_testdata),    cmocka_unit_test(test_dynamic),
      cmocka_unit_test(test_quantized),   cmocka_unit_test(test_interpret),
      cmocka_unit_test(test_math),        cmocka_unit_test(test_jax),
      cmocka_unit_test(test_jax_devices), cmocka_unit_test(test_programs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
