#include "text_tools.h"

#include <stdio.h>

#include "ir/equal.h"
#include "ir/print.h"

typedef struct Job {
  const char *text;
  size_t size;
  Parsed *parsed;
} Job;

static PjStatus run(void *ctx) {
  Job *job = ctx;
  PJ_TRY(pj_text_parse(job->parsed->arena, job->text, job->size, NULL, &job->parsed->module));
  pj_module_number(job->parsed->module);
  return PJ_STATUS_OK;
}

Parsed parse_limited(const char *text, size_t size, size_t limit_bytes) {
  Parsed parsed = {0};
  parsed.status = pj_arena_create(limit_bytes, &parsed.arena);
  if (parsed.status)
    return parsed;
  parsed.status = pj_arena_guard(parsed.arena, run, &(Job){text, size, &parsed});
  return parsed;
}

Parsed parse(const char *text, size_t size) {
  return parse_limited(text, size, (size_t)1 << 30);
}

void parsed_free(Parsed *parsed) {
  pj_arena_destroy(parsed->arena);
  pj_status_free(parsed->status);
  *parsed = (Parsed){0};
}

static char message[2048];

static bool one_mode(const PjModule *module, const PjPrintOptions *options) {
  PjStrBuf first = {0}, second = {0}, difference = {0};
  pj_module_print(&first, module, options);
  Parsed again = parse(first.data, first.len);
  bool ok = false;
  if (first.failed) {
    snprintf(message, sizeof message, "out of memory");
  } else if (again.status) {
    snprintf(message, sizeof message, "the printed text does not parse: %s\n%.1500s",
             pj_status_message(again.status), first.data);
  } else if (!pj_module_compare(module, again.module, &difference)) {
    snprintf(message, sizeof message, "the module has changed: %s", difference.data);
  } else {
    pj_module_print(&second, again.module, options);
    ok = first.len == second.len && !memcmp(first.data, second.data, first.len);
    if (!ok)
      snprintf(message, sizeof message, "the text has changed:\n%.900s\n%.900s", first.data,
               second.data);
  }
  parsed_free(&again);
  pj_strbuf_free(&first);
  pj_strbuf_free(&second);
  pj_strbuf_free(&difference);
  return ok;
}

char *round_trip(const char *text, size_t size) {
  Parsed parsed = parse(text, size);
  bool ok = !parsed.status;
  if (!ok)
    snprintf(message, sizeof message, "%s", pj_status_message(parsed.status));
  for (int mode = 0; ok && mode < 4; ++mode) {
    PjPrintOptions options = {.generic = mode & 1, .locations = mode & 2};
    ok = one_mode(parsed.module, &options);
  }
  parsed_free(&parsed);
  return ok ? NULL : message;
}
