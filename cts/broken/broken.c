// A plugin with one deliberate fault: it loads the CPU plugin beside it (or PJRT_BROKEN_PLUGIN),
// copies the table and falsifies the slot that PJRT_BROKEN names. Each fault of faults.def must be
// caught by the conformance kit.
#include "broken.h"
#include "pjrt/pjrt_slots.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const PJRT_Api *pj_real;
PJRT_Api pj_broken;

static bool is(const char *fault) {
  const char *which = getenv("PJRT_BROKEN");
  return which && strcmp(which, fault) == 0;
}

static const PJRT_Api *load_real(void) {
  char path[4096];
  const char *given = getenv("PJRT_BROKEN_PLUGIN");
  Dl_info self;
  if (given)
    snprintf(path, sizeof path, "%s", given);
  else if (dladdr((void *)load_real, &self) && strrchr(self.dli_fname, '/'))
    snprintf(path, sizeof path, "%.*s/pjrt_plugin_cpu.so",
             (int)(strrchr(self.dli_fname, '/') - self.dli_fname), self.dli_fname);
  else
    snprintf(path, sizeof path, "pjrt_plugin_cpu.so");
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "broken plugin: %s\n", dlerror());
    return NULL;
  }
  PJRT_GetPjrtApi *get;
  *(void **)&get = dlsym(library, "GetPjrtApi");
  return get ? get() : NULL;
}

// No fault, but a plugin of 0.75: its table ends before what came later.
static void become_old(void) {
  size_t slots = 0;
#define X(slot, name, since) slots += since <= 75 && slots == slot;
  PJRT_API_SLOTS(X)
#undef X
  size_t size = offsetof(PJRT_Api, PJRT_Error_Destroy) + slots * sizeof(void *);
  memset((char *)&pj_broken + size, 0xee, sizeof pj_broken - size);
  pj_broken.struct_size = size;
  pj_broken.pjrt_api_version.minor_version = 75;
}

__attribute__((visibility("default"))) const PJRT_Api *GetPjrtApi(void);
const PJRT_Api *GetPjrtApi(void) {
  pj_real = load_real();
  if (!pj_real)
    return NULL;
  pj_broken = *pj_real;
  bool found = false;
#define FAULT(name, slot, test, text)         \
  if (is(#name)) {                            \
    pj_broken.PJRT_##slot = pj_broken_##name; \
    found = true;                             \
  }
#define TABLE_FAULT(name, test, text) \
  if (is(#name)) {                    \
    pj_broken_##name();               \
    found = true;                     \
  }
#include "faults.def"
  if (is("event_callback_lost"))
    pj_broken.PJRT_Event_OnReady = pj_broken_watch;
  if (is("version_75")) {
    become_old();
    found = true;
  }
  if (!found) {
    fprintf(stderr, "broken plugin: PJRT_BROKEN names no fault of faults.def\n");
    return NULL;
  }
  return &pj_broken;
}
