#include "runtime/dump.h"

#include <ctype.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/options.h"

struct PjDump {
  char prefix[512];
};

static _Atomic unsigned counter;

PjDump *pj_dump_open(PjStr program) {
  const char *folder = pj_option_text(PJ_OPTION_DUMP);
  if (!*folder)
    return NULL;
  PjDump *dump = pj_malloc(sizeof *dump);
  if (!dump)
    return NULL;
  char name[64] = "main";
  size_t len = 0;
  for (; len < program.len && len + 1 < sizeof name; len++)
    name[len] = isalnum((unsigned char)program.ptr[len]) ? program.ptr[len] : '_';
  if (len)
    name[len] = 0;
  unsigned number = atomic_fetch_add(&counter, 1);
  int written = snprintf(dump->prefix, sizeof dump->prefix, "%s/%04u.%s", folder, number, name);
  if (written < 0 || (size_t)written >= sizeof dump->prefix ||
      (mkdir(folder, 0777) && errno != EEXIST)) {
    pj_log(PJ_LOG_ERROR, "PJRT_DUMP: %s cannot be used: %s", folder, strerror(errno));
    pj_free(dump);
    return NULL;
  }
  return dump;
}

void pj_dump_close(PjDump *dump) {
  pj_free(dump);
}

void pj_dump_text(PjDump *dump, const char *name, PjStr text) {
  char path[640];
  if (!dump || snprintf(path, sizeof path, "%s.%s", dump->prefix, name) >= (int)sizeof path)
    return;
  FILE *file = fopen(path, "w");
  bool good = file && fwrite(text.ptr ? text.ptr : "", 1, text.len, file) == text.len;
  if (file && fclose(file))
    good = false;
  if (!good)
    pj_log(PJ_LOG_ERROR, "PJRT_DUMP: %s: %s", path, strerror(errno));
}
