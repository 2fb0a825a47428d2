// `pjrt inspect` of a program as text or bytecode.
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "import/import.h"
#include "inspect.h"
#include "ir/fingerprint.h"
#include "ir/print.h"

typedef struct Job {
  PjArena *arena;
  PjReport *report;
  const char *path, *bytes;
  size_t size;
} Job;

// The header of MLIR bytecode: four bytes, the format's number as a one-byte varint, the producer
// up to a zero. False when it goes on beyond the bytes.
static bool read_header(const char *bytes, size_t size, int *out_format, PjStr *out_producer) {
  const char *end = size > 5 ? memchr(bytes + 5, 0, size - 5) : NULL;
  if (!end)
    return false;
  *out_format = (unsigned char)bytes[4] >> 1;
  *out_producer = (PjStr){bytes + 5, (size_t)(end - bytes - 5)};
  return true;
}

static void report_form(const Job *job) {
  PjReport *report = job->report;
  int format;
  PjStr producer;
  if (!pj_is_bytecode(job->bytes, job->size) ||
      !read_header(job->bytes, job->size, &format, &producer)) {
    pj_report_string(report, "form", "text");
    return;
  }
  pj_report_string(report, "form", "bytecode");
  pj_report_int(report, "bytecode_version", format);
  pj_report_text(report, "producer", producer.ptr, producer.len);
  const char prefix[] = "StableHLO_v";
  if (producer.len > strlen(prefix) && memcmp(producer.ptr, prefix, strlen(prefix)) == 0)
    pj_report_text(report, "vhlo_version", producer.ptr + strlen(prefix),
                   producer.len - strlen(prefix));
}

// --- Signature -----------------------------------------------------------------------------------

static void report_type(const Job *job, const PjType *type, const PjAttr *attrs, PjStr name) {
  PjReport *report = job->report;
  PjStrBuf text = {0};
  pj_report_open(report, NULL);
  if (name.len)
    pj_report_text(report, "name", name.ptr, name.len);
  pj_type_print(&text, type);
  pj_report_text(report, "type", text.data, text.len);
  bool failed = text.failed;
  text.len = 0;
  if (attrs && attrs->kind == PJ_ATTR_DICT && attrs->count) {
    pj_attr_print(&text, attrs);
    pj_report_text(report, "attributes", text.data, text.len);
  }
  pj_report_close(report);
  report->text.failed |= failed | text.failed;
  pj_strbuf_free(&text);
}

// The dictionary of argument or result |index| in a list of them, or NULL.
static const PjAttr *dictionary(const PjAttr *list, uint32_t index) {
  return list && list->kind == PJ_ATTR_ARRAY && index < list->count ? list->elems[index] : NULL;
}

static void report_signature(const Job *job, const PjOp *entry) {
  PjReport *report = job->report;
  const PjRegion *body = &entry->regions[0];
  pj_report_open_list(report, "parameters");
  for (uint32_t i = 0; i < body->num_args; ++i) {
    const PjLoc *loc = body->arg_locs ? body->arg_locs[i] : NULL;
    report_type(job, body->args[i].type, dictionary(PJ_ATTR(entry, arg_attrs), i),
                loc && loc->kind == PJ_LOC_NAME ? loc->text : (PjStr){0});
  }
  pj_report_close(report);
  pj_report_open_list(report, "results");
  const PjOp *end = pj_region_terminator(body);
  for (uint32_t i = 0; end && i < end->num_operands; ++i)
    report_type(job, end->operands[i]->type, dictionary(PJ_ATTR(entry, res_attrs), i), (PjStr){0});
  pj_report_close(report);
}

// --- Operations ----------------------------------------------------------------------------------

// Regions nest no deeper than PJ_MAX_NESTING.
static void count_ops(const PjRegion *region, int64_t counts[PJ_OP_COUNT]) {
  for (const PjOp *op = region->first; op; op = op->next) {
    ++counts[op->kind];
    for (uint32_t i = 0; i < op->num_regions; ++i)
      count_ops(&op->regions[i], counts);
  }
}

// |counts| by kind but for functions, the most frequent first, which clears them.
static void report_counts(PjReport *report, const char *key, int64_t counts[PJ_OP_COUNT]) {
  counts[PJ_OP_FUNC] = 0;
  pj_report_open(report, key);
  for (;;) {
    int best = 0;
    for (int kind = 1; kind < PJ_OP_COUNT; ++kind)
      if (counts[kind] > counts[best])
        best = kind;
    if (!counts[best])
      break;
    pj_report_int(report, pj_op_info[best].text, counts[best]);
    counts[best] = 0;
  }
  pj_report_close(report);
}

static void report_ops(const Job *job, const PjModule *module) {
  int64_t *counts = PJ_NEW_ARRAY(job->arena, int64_t, PJ_OP_COUNT), total = 0;
  count_ops(&module->body, counts);
  for (int kind = 0; kind < PJ_OP_COUNT; ++kind)
    total += kind == PJ_OP_FUNC ? 0 : counts[kind];
  pj_report_int(job->report, "functions", counts[PJ_OP_FUNC]);
  pj_report_int(job->report, "operations", total);
  report_counts(job->report, "operations_by_kind", counts);
}

static PjStatus inspect(void *context) {
  Job *job = context;
  PjModule *module;
  PJ_TRY(pj_import(job->arena, job->bytes, job->size, &module));
  PjReport *report = job->report;
  pj_report_open(report, "program");
  pj_report_string(report, "path", job->path);
  pj_report_int(report, "bytes", (int64_t)job->size);
  report_form(job);
  pj_report_text(report, "name", module->name.len ? module->name.ptr : "", module->name.len);
  char fingerprint[33];
  pj_fingerprint_text(pj_module_fingerprint(module), fingerprint);
  pj_report_string(report, "fingerprint", fingerprint);
  const PjOp *entry = pj_module_entry(module);
  if (entry)
    report_signature(job, entry);
  report_ops(job, module);
  pj_report_close(report);
  return PJ_STATUS_OK;
}

// --- Kernels -------------------------------------------------------------------------------------

enum { MAX_LISTED = 40 };

bool pj_inspect_lists(const PjReport *report, size_t index) {
  return report->json || index < MAX_LISTED;
}

void pj_inspect_unlisted(PjReport *report, size_t count) {
  char text[64];
  if (pj_inspect_lists(report, count ? count - 1 : 0))
    return;
  snprintf(text, sizeof text, "%zu others (--json lists them)", count - MAX_LISTED);
  pj_report_string(report, NULL, text);
}

static void report_kernel(PjReport *report, const PjAttr *kernel) {
  static const char *const texts[] = {"name", "operations", "source"};
  static const char *const numbers[] = {"code_bytes", "bytes", "flops"};
  pj_report_open(report, NULL);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    const PjAttr *value = pj_attr_get(kernel, texts[i]);
    if (value && value->kind == PJ_ATTR_STRING)
      pj_report_text(report, texts[i], value->str.ptr, value->str.len);
  }
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
    const PjAttr *value = pj_attr_get(kernel, numbers[i]);
    if (value && value->kind == PJ_ATTR_INT)
      pj_report_int(report, numbers[i], value->i64);
  }
  pj_report_close(report);
}

static void report_kernels(PjReport *report, const PjModule *module) {
  const PjAttr *kernels = pj_attr_get(module->attrs, "pjrt.kernels");
  if (!kernels || kernels->kind != PJ_ATTR_ARRAY)
    return;
  pj_report_open_list(report, "kernels");
  for (uint32_t i = 0; i < kernels->count; ++i) {
    const PjAttr *kernel = kernels->elems[i];
    if (kernel->kind == PJ_ATTR_DICT && pj_inspect_lists(report, i))
      report_kernel(report, kernel);
  }
  pj_inspect_unlisted(report, kernels->count);
  pj_report_close(report);
}

static PjStatus steps(void *context) {
  Job *job = context;
  PjModule *module;
  PJ_TRY(pj_import(job->arena, job->bytes, job->size, &module));
  int64_t *counts = PJ_NEW_ARRAY(job->arena, int64_t, PJ_OP_COUNT);
  const PjOp *entry = pj_module_entry(module);
  for (const PjOp *op = entry ? entry->regions[0].first : NULL; op; op = op->next)
    ++counts[op->kind];
  report_counts(job->report, "steps", counts);
  report_kernels(job->report, module);
  return PJ_STATUS_OK;
}

// Runs |fn| on a program with an arena of its own.
static PjStatus run(PjStatus (*fn)(void *), Job *job) {
  PJ_TRY(pj_arena_create(0, &job->arena));
  PjStatus status = pj_arena_guard(job->arena, fn, job);
  pj_arena_destroy(job->arena);
  return status;
}

PjStatus pj_inspect_program(PjReport *report, const char *path, const char *bytes, size_t size) {
  Job job = {.report = report, .path = path, .bytes = bytes, .size = size};
  return run(inspect, &job);
}

PjStatus pj_inspect_steps(PjReport *report, const char *bytes, size_t size) {
  Job job = {.report = report, .bytes = bytes, .size = size};
  return run(steps, &job);
}
