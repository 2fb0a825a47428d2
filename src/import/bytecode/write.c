// Writes a module as a portable artifact: tables and IR are collected as tokens, then sections are
// put together.
#include <stdio.h>

#include "import/bytecode/writer.h"

#define V(major, minor) ((major)*1000 + (minor))

static const char *const dialect_names[PJ_BCW_DIALECTS] = {"builtin", "sdy", "stablehlo", "vhlo"};

static PjStatus format_of(PjVersion target, uint32_t *out) {
  int v = pj__vhlo_number(target);
  if (v < pj__vhlo_number(pj_version_minimum) || v > pj__vhlo_number(pj_version_current) ||
      target.major < 0 || target.minor < 0 || target.minor > 999)
    return PJ_ERROR(INVALID_ARGUMENT,
                    "no portable artifact for StableHLO %d.%d.%d, expected %d.%d.%d to %d.%d.%d",
                    target.major, target.minor, target.patch, pj_version_minimum.major,
                    pj_version_minimum.minor, pj_version_minimum.patch, pj_version_current.major,
                    pj_version_current.minor, pj_version_current.patch);
  *out = v < V(0, 10) ? 0 : v < V(0, 12) ? 1 : v < V(0, 14) ? 3 : v < V(0, 15) ? 4 : 6;
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- tables
// Dialects that occur, numbered in their order. |numbers| gets -1 for the others.
static uint32_t used_dialects(const PjBcw *w, int *numbers) {
  bool used[PJ_BCW_DIALECTS] = {0};
  uint32_t count = 0;
  for (size_t i = 0; i < w->attrs.entries.len; ++i)
    used[w->attrs.entries.data[i].dialect] = true;
  for (size_t i = 0; i < w->types.entries.len; ++i)
    used[w->types.entries.data[i].dialect] = true;
  for (size_t i = 0; i < w->ops.len; ++i)
    used[w->ops.data[i].dialect] = true;
  for (int d = 0; d < PJ_BCW_DIALECTS; ++d)
    numbers[d] = used[d] ? (int)count++ : -1;
  return count;
}

// A string's number, above a flag in the formats that have it.
static void put_name(PjBcw *w, PjBytes *out, uint32_t string, bool flagged, bool flag) {
  pj__bytes_varint(w, out, flagged ? (uint64_t)string << 1 | flag : string);
}

static void put_dialects(PjBcw *w, PjBytes *out, const int *numbers, uint32_t count) {
  pj__bytes_varint(w, out, count);
  for (int d = 0; d < PJ_BCW_DIALECTS; ++d)
    if (numbers[d] >= 0)
      put_name(w, out, pj__bcw_string(w, pj_str(dialect_names[d])), w->format >= 1, false);
  if (w->format >= 4)
    pj__bytes_varint(w, out, w->ops.len);
  for (PjBcwDialect d = 0; d < PJ_BCW_DIALECTS; ++d) {
    uint64_t in_group = 0;
    for (size_t i = 0; i < w->ops.len; ++i)
      in_group += w->ops.data[i].dialect == d;
    if (!in_group)
      continue;
    pj__bytes_varint(w, out, (uint64_t)numbers[d]);
    pj__bytes_varint(w, out, in_group);
    for (size_t i = 0; i < w->ops.len; ++i)
      if (w->ops.data[i].dialect == d)
        put_name(w, out, w->ops.data[i].string, w->format >= 5, true); // registered
  }
}

// One dialect's entries of |table|: their bytes, and their sizes in a group of |offsets|.
static void put_group(PjBcw *w, const PjBcwTable *table, PjBcwDialect dialect, int number,
                      PjBytes *data, PjBytes *offsets) {
  uint64_t count = 0;
  for (size_t i = 0; i < table->entries.len; ++i)
    count += table->entries.data[i].dialect == dialect;
  if (!count)
    return;
  pj__bytes_varint(w, offsets, (uint64_t)number);
  pj__bytes_varint(w, offsets, count);
  for (size_t i = 0; i < table->entries.len; ++i) {
    const PjBcwEntry *entry = &table->entries.data[i];
    if (entry->dialect != dialect)
      continue;
    size_t begin = data->len;
    pj__bytes_tokens(w, data, table->tokens.data + entry->begin, entry->end - entry->begin);
    pj__bytes_varint(w, offsets, (uint64_t)(data->len - begin) << 1 | 1); // custom encoding
  }
}

static void put_attr_types(PjBcw *w, const int *numbers, PjBytes *data, PjBytes *offsets) {
  pj__bytes_varint(w, offsets, w->attrs.entries.len);
  pj__bytes_varint(w, offsets, w->types.entries.len);
  for (PjBcwDialect d = 0; d < PJ_BCW_DIALECTS; ++d)
    put_group(w, &w->attrs, d, numbers[d], data, offsets);
  for (PjBcwDialect d = 0; d < PJ_BCW_DIALECTS; ++d)
    put_group(w, &w->types, d, numbers[d], data, offsets);
}

static void put_properties(PjBcw *w, PjBytes *out) {
  pj__bytes_varint(w, out, w->props.entries.len);
  for (size_t i = 0; i < w->props.entries.len; ++i) {
    const PjBcwEntry *entry = &w->props.entries.data[i];
    PjBytes bytes = {0};
    pj__bytes_tokens(w, &bytes, w->props.tokens.data + entry->begin, entry->end - entry->begin);
    pj__bytes_varint(w, out, bytes.len);
    pj__bytes_put(w, out, bytes.data, bytes.len);
  }
}

// Sizes last string first, each counting a NUL, then the strings.
static void put_strings(PjBcw *w, PjBytes *out) {
  pj__bytes_varint(w, out, w->strings.len);
  for (size_t i = w->strings.len; i--;)
    pj__bytes_varint(w, out, w->strings.data[i].len + 1);
  for (size_t i = 0; i < w->strings.len; ++i) {
    pj__bytes_put(w, out, w->strings.data[i].ptr, w->strings.data[i].len);
    pj__bytes_put(w, out, "", 1);
  }
}

// ---------------------------------------------------------------------------------------- the file
static void put_section(PjBcw *w, PjStrBuf *out, uint8_t id, const PjBytes *bytes) {
  PjBytes head = {0};
  pj__bytes_put(w, &head, &id, 1);
  pj__bytes_varint(w, &head, bytes->len);
  pj_strbuf_append(out, head.data, head.len);
  if (bytes->len)
    pj_strbuf_append(out, bytes->data, bytes->len);
}

static void put_file(PjBcw *w, PjStrBuf *out) {
  PjBytes dialects = {0}, offsets = {0}, entries = {0}, ir = {0}, props = {0}, strings = {0};
  PjBytes head = {0}, resources = {0}, no_resources = {0};
  int numbers[PJ_BCW_DIALECTS];
  uint32_t count = used_dialects(w, numbers);
  pj__bcw_number(w);
  put_dialects(w, &dialects, numbers, count);
  put_attr_types(w, numbers, &entries, &offsets);
  pj__bytes_tokens(w, &ir, w->ir.data, w->ir.len);
  pj__bytes_varint(w, &resources, 0);
  put_strings(w, &strings); // the last table: all strings are known
  put_properties(w, &props);
  char producer[48];
  int len = snprintf(producer, sizeof producer, "StableHLO_v%d.%d.%d", w->target.major,
                     w->target.minor, w->target.patch);
  pj__bytes_put(w, &head, "ML\xEFR", 4);
  pj__bytes_varint(w, &head, w->format);
  pj__bytes_put(w, &head, producer, (size_t)len + 1);
  pj_strbuf_append(out, head.data, head.len);
  put_section(w, out, 1, &dialects);
  put_section(w, out, 3, &offsets);
  put_section(w, out, 2, &entries);
  put_section(w, out, 4, &ir);
  put_section(w, out, 6, &resources);
  put_section(w, out, 5, &no_resources);
  put_section(w, out, 0, &strings);
  if (w->format >= 5)
    put_section(w, out, 8, &props);
}

typedef struct Job {
  PjBcw w;
  PjStrBuf *out;
} Job;

static PjStatus write_module(void *ctx) {
  Job *job = ctx;
  PJ_TRY(pj__bcw_module(&job->w));
  put_file(&job->w, job->out);
  return pj_strbuf_status(job->out);
}

PjStatus pj_bytecode_write(const PjModule *module, PjVersion target, PjStrBuf *out) {
  Job job = {.out = out};
  job.w.module = module;
  job.w.target = target;
  job.w.version = pj__vhlo_number(target);
  PJ_TRY(format_of(target, &job.w.format));
  PJ_TRY(pj_arena_create(0, &job.w.arena));
  PjStatus status = pj_arena_guard(job.w.arena, write_module, &job);
  pj_arena_destroy(job.w.arena);
  return status;
}
