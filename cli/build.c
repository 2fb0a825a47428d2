// Opening a plugin's client or topology, and compiling for it.
#include "build.h"

#include <string.h>

#include "base/alloc.h"
#include "base/proto.h"
#include "file.h"
#include "import/import.h"
#include "progress.h"

// --- Programs ------------------------------------------------------------------------------------

PjForm pj_form_of(const void *bytes, size_t size) {
  const unsigned char *at = bytes;
  if (size >= 4 && memcmp(at, "ML\xefR", 4) == 0)
    return PJ_FORM_BYTECODE;
  if (size >= 4 && memcmp(at,
                          "\x7f"
                          "ELF",
                          4) == 0)
    return PJ_FORM_LIBRARY;
  bool with_config;
  if (pj_is_hlo(bytes, size, &with_config))
    return with_config ? PJ_FORM_HLO_WITH_CONFIG : PJ_FORM_HLO;
  for (size_t i = 0; i < size && i < 4096; ++i)
    if (at[i] < ' ' && (at[i] < '\t' || at[i] > '\r'))
      return PJ_FORM_EXECUTABLE;
  return PJ_FORM_TEXT;
}

const char *pj_form_format(PjForm form) {
  switch (form) {
  case PJ_FORM_TEXT:
  case PJ_FORM_BYTECODE:
    return "mlir";
  case PJ_FORM_HLO:
    return "hlo";
  case PJ_FORM_HLO_WITH_CONFIG:
    return "hlo_with_config";
  case PJ_FORM_LIBRARY:
  case PJ_FORM_EXECUTABLE:
    break;
  }
  return "executable";
}

typedef struct Reading {
  PjArena *arena;
  const void *bytes;
  size_t size;
} Reading;

static PjStatus read_hlo(void *context) {
  Reading *r = context;
  PjModule *module;
  return pj_import_hlo(r->arena, r->bytes, r->size, false, &module);
}

PjStatus pj_form_check_hlo(const char *path, const void *bytes, size_t size) {
  Reading reading = {.bytes = bytes, .size = size};
  size_t len = strlen(path);
  if (len < 4 || strcmp(path + len - 4, ".hlo") || pj_form_of(bytes, size) != PJ_FORM_EXECUTABLE)
    return PJ_STATUS_OK;
  PJ_TRY(pj_arena_create(0, &reading.arena));
  PjStatus status = pj_arena_guard(reading.arena, read_hlo, &reading);
  PjStatus damaged = PJ_ERROR(INVALID_ARGUMENT, "%s: a damaged HLO file: %s", path,
                              status ? pj_status_message(status) : "it holds no program");
  pj_status_free(status);
  pj_arena_destroy(reading.arena);
  return damaged;
}

PjStatus pj_form_check(const char *path, const void *bytes, size_t size, const char *hint) {
  PJ_TRY(pj_form_check_hlo(path, bytes, size));
  PjForm form = pj_form_of(bytes, size);
  PJ_FAIL_IF(form == PJ_FORM_LIBRARY || form == PJ_FORM_EXECUTABLE, INVALID_ARGUMENT,
             "%s: neither StableHLO text nor MLIR bytecode nor HLO, but %s%s", path,
             form == PJ_FORM_LIBRARY ? "a shared library" : "other bytes", hint);
  return PJ_STATUS_OK;
}

// --- Options -------------------------------------------------------------------------------------

PjStatus pj_build_take_topology_option(void *args, const char *text) {
  return pj_option_add(&((PjBuildArgs *)args)->topology_options, "--topology-option", text);
}

PjStatus pj_build_take_override(void *args, const char *text) {
  return pj_option_add(&((PjBuildArgs *)args)->overrides, "--set", text);
}

// Appends |list| as CompileOptionsProto.env_option_overrides (7), a map from names (1) to
// OptionOverrideProto (2): string 1, bool 2, int64 3.
static void write_overrides(const PjOptionList *list, PjStrBuf *out) {
  for (size_t i = 0; i < list->count; ++i) {
    const PJRT_NamedValue *option = &list->values[i];
    PjStrBuf value = {0}, entry = {0};
    if (option->type == PJRT_NamedValue_kInt64)
      pj_proto_put_varint(&value, 3, (uint64_t)option->int64_value);
    else if (option->type == PJRT_NamedValue_kBool)
      pj_proto_put_varint(&value, 2, option->bool_value);
    else
      pj_proto_put_bytes(&value, 1, (PjStr){option->string_value, option->value_size});
    pj_proto_put_bytes(&entry, 1, (PjStr){option->name, option->name_size});
    pj_proto_put_bytes(&entry, 2, (PjStr){value.data, value.len});
    pj_proto_put_bytes(out, 7, (PjStr){entry.data, entry.len});
    out->failed |= value.failed | entry.failed;
    pj_strbuf_free(&value);
    pj_strbuf_free(&entry);
  }
}

// The topology's options, those of @FILE with the file's contents.
static PjStatus read_option_files(PjBuild *build, PjOptionList *out) {
  *out = build->args->topology_options;
  for (size_t i = 0; i < out->count; ++i) {
    PJRT_NamedValue *option = &out->values[i];
    if (option->type != PJRT_NamedValue_kString || option->string_value[0] != '@')
      continue;
    size_t size;
    PJ_TRY_IN(pj_file_read(option->string_value + 1, &build->option_files[i], &size),
              "--topology-option %.*s", (int)option->name_size, option->name);
    option->string_value = build->option_files[i];
    option->value_size = size;
  }
  return PJ_STATUS_OK;
}

// --- Machines ------------------------------------------------------------------------------------

bool pj_build_is_ahead(const PjBuildArgs *args) {
  return args->topology || args->topology_options.count;
}

PjStatus pj_build_open(const PjBuildArgs *args, PjBuild *build) {
  build->args = args;
  PjOptionList options;
  PJ_TRY(read_option_files(build, &options));
  if (args->options_file)
    PJ_TRY(pj_file_read(args->options_file, &build->options, &build->options_size));
  write_overrides(&args->overrides, &build->overrides);
  PJ_TRY(pj_strbuf_status(&build->overrides));
  pj_show_progress(pj_build_is_ahead(args) ? "making a topology" : "starting a client");
  PJ_TRY(pj_plugin_load(&args->plugin, &build->plugin));
  if (!pj_build_is_ahead(args))
    return pj_plugin_client(&args->plugin, build->plugin, &build->client);
  PJ_TRY_IN(pj_plugin_status(pjh_topology_create(build->plugin, args->topology, options.values,
                                                 options.count, &build->topology)),
            "topology %s", args->topology ? args->topology : "");
  return PJ_STATUS_OK;
}

void pj_build_close(PjBuild *build) {
  pjh_topology_destroy(build->topology);
  pjh_client_destroy(build->client);
  pjh_plugin_destroy(build->plugin);
  for (size_t i = 0; i < PJ_MAX_OPTIONS; ++i)
    pj_free(build->option_files[i]);
  pj_free(build->options);
  pj_strbuf_free(&build->overrides);
}

PjStatus pj_build_compile(const PjBuild *build, const void *code, size_t size,
                          PjhExecutable **out) {
  const PjBuildArgs *args = build->args;
  const char *format = args->format ? args->format : pj_form_format(pj_form_of(code, size));
  PjhCompileOptions options = {.format = format,
                               .device = args->device,
                               .num_replicas = args->replicas,
                               .num_partitions = args->partitions,
                               .more_options = build->overrides.data,
                               .more_options_size = build->overrides.len};
  if (args->options_file) {
    options.serialized_options = build->options;
    options.serialized_options_size = build->options_size;
  }
  pj_show_progress("compiling");
  return pj_plugin_status(build->topology
                              ? pjh_compile_ahead(build->topology, code, size, &options, out)
                              : pjh_compile(build->client, code, size, &options, out));
}
