// The process of one test.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "kit.h"

int pj_cts_run_one(const char *plugin, const char *name, int report) {
  static PjCtsRecord own;
  pj_record = &own;
  pj_print_verdict = report < 0;
  if (report >= 0) {
    pj_record = mmap(NULL, sizeof *pj_record, PROT_READ | PROT_WRITE, MAP_SHARED, report, 0);
    if (pj_record == MAP_FAILED) {
      perror("pjrt check: the record of a test");
      return PJ_CTS_EXIT_USAGE;
    }
    close(report);
  }
  pj_record->slot = -1;
  size_t count;
  const PjCtsTest *tests = pj_cts_tests(&count), *test = NULL;
  for (size_t i = 0; i < count && !test; i++)
    if (strcmp(tests[i].name, name) == 0)
      test = &tests[i];
  if (!test) {
    fprintf(stderr, "pjrt check: no test is named '%s'; --list shows them\n", name);
    return PJ_CTS_EXIT_USAGE;
  }
  void *library = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
  PJRT_GetPjrtApi *get;
  if (library)
    *(void **)&get = dlsym(library, "GetPjrtApi");
  if (!library || !get) {
    fprintf(stderr, "pjrt check: %s\n", dlerror());
    return PJ_CTS_EXIT_NO_PLUGIN;
  }
  pj_get_api = get;
  pj_api_given = get();
  if (!pj_api_given) {
    fprintf(stderr, "pjrt check: GetPjrtApi of %s returns null\n", plugin);
    return PJ_CTS_EXIT_NO_PLUGIN;
  }
  size_t size = pj_api_given->struct_size;
  memcpy(&pj_api, pj_api_given, size < sizeof pj_api ? size : sizeof pj_api);
  if (test->run)
    test->run();
  else
    test->run_row(test->row);
  pj_record->verdict = PJ_CTS_PASSED;
  if (report < 0)
    fprintf(stderr, "%s passed\n", name);
  return 0; // and the plugin's destructors run, which must not crash either
}
