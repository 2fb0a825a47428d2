// Programs brought to the version that a plugin reads.
#include "host/program.h"

#include <stdio.h>

#include "import/import.h"

PjhError *pjh__from_status(PjStatus status) {
  if (!status)
    return NULL;
  const char *location = pj_status_location(status);
  PjhError *error = pjh__error((PJRT_Error_Code)pj_status_code(status), "%s%s%s",
                               pj_status_message(status), *location ? " | " : "", location);
  pj_status_free(status);
  return error;
}

// The version that a portable artifact was written for; false for anything else. The file begins
// with "ML\xEFR", the format's version (a varint of one byte so far) and the producer.
static bool artifact_version(const void *code, size_t size, PjVersion *out) {
  static const char producer[] = "StableHLO_v";
  const char *at = code, *end = at + size;
  if (!pj_is_bytecode(code, size) || size < 6)
    return false;
  at += 5;
  char text[48];
  size_t n = 0;
  while (at < end && *at && n + 1 < sizeof text)
    text[n++] = *at++;
  text[n] = 0;
  return strncmp(text, producer, sizeof producer - 1) == 0 &&
         sscanf(text + sizeof producer - 1, "%d.%d.%d", &out->major, &out->minor, &out->patch) == 3;
}

static bool newer(PjVersion a, PjVersion b) {
  if (a.major != b.major)
    return a.major > b.major;
  return a.minor != b.minor ? a.minor > b.minor : a.patch > b.patch;
}

// The version that the plugin states; false when it states none.
static PjhError *stated_version(const PjhPlugin *plugin, bool *out_stated, PjVersion *out) {
  static const char name[] = "stablehlo_current_version";
  *out_stated = false;
  PJH_ARGS(Plugin_Attributes, args);
  PjhError *error = PJH_CALL(plugin, Plugin_Attributes, &args);
  if (pjh_error_code(error) == PJRT_Error_Code_UNIMPLEMENTED) {
    pjh_error_free(error);
    return NULL;
  }
  if (error)
    return error;
  for (size_t i = 0; i < args.num_attributes; i++) {
    const PJRT_NamedValue *value = &args.attributes[i];
    if (value->type != PJRT_NamedValue_kInt64List || value->value_size != 3 ||
        value->name_size != sizeof name - 1 || memcmp(value->name, name, sizeof name - 1) != 0)
      continue;
    const int64_t *v = value->int64_array_value;
    *out = (PjVersion){(int)v[0], (int)v[1], (int)v[2]};
    *out_stated = true;
  }
  return NULL;
}

typedef struct Job {
  PjArena *arena;
  const void *code;
  size_t size;
  PjVersion target;
  PjStrBuf *out;
  bool read; // it could be read: what is wrong then is its version
} Job;

static PjStatus rewrite(void *context) {
  Job *job = context;
  PjModule *module;
  PJ_TRY(pj_import(job->arena, job->code, job->size, &module));
  job->read = true;
  return pj_bytecode_write(module, job->target, job->out);
}

PjhError *pjh__convert(const PjhPlugin *plugin, const void *code, size_t size, PjStrBuf *made,
                       const void **out, size_t *out_size) {
  *out = code;
  *out_size = size;
  PjVersion written, stated;
  bool is_stated;
  if (!artifact_version(code, size, &written))
    return NULL;
  PjhError *error = stated_version(plugin, &is_stated, &stated);
  if (error || !is_stated || !newer(written, stated))
    return error;
  Job job = {.code = code, .size = size, .target = stated, .out = made};
  PjStatus status = pj_arena_create(0, &job.arena);
  if (!status) {
    status = pj_arena_guard(job.arena, rewrite, &job);
    pj_arena_destroy(job.arena);
  }
  if (!status)
    status = pj_strbuf_status(made);
  // What this library cannot read may be damaged, or newer than both.
  if (status && !job.read && !newer(written, pj_version_current))
    return pjh__from_status(status);
  if (status) {
    bool exhausted = pj_status_code(status) == PJ_RESOURCE_EXHAUSTED;
    status = pj_status_prefix(
        status, "the program is StableHLO %d.%d.%d, the plugin reads up to %d.%d.%d", written.major,
        written.minor, written.patch, stated.major, stated.minor, stated.patch);
    error = pjh__from_status(status);
    return exhausted ? error : pjh__hint(error, "upgrade the plugin, or export for its version");
  }
  *out = made->data;
  *out_size = made->len;
  return NULL;
}
