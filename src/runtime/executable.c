// See executable.h.
//
// Serialised form: magic, format version, sizes, then the compile options and the program as a
// portable artifact or as the HLO that it came as, then what the compiler stores, then a hash of
// all that. Ours stores nothing: the artifact fits every machine and version of ours, and compiling
// is cheap.
#include "runtime/executable.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/options.h"
#include "base/progress.h"
#include "base/trace.h"
#include "import/import.h"
#include "ir/fingerprint.h"
#include "ir/print.h"
#include "runtime/ffi_call.h"
#include "runtime/shardings.h"

// --- Making --------------------------------------------------------------------------------------

typedef enum Format { FORMAT_MLIR, FORMAT_HLO, FORMAT_HLO_WITH_CONFIG, NUM_FORMATS } Format;

typedef struct Compilation {
  PjExecutable *executable;
  PjStr code;
  Format format;
  PjStr compiled; // what the compiler stored, or empty
} Compilation;

static PjStatus make_compiled(const Compilation *c) {
  PjExecutable *executable = c->executable;
  const PjCompilerOps *compiler = executable->compiler;
  PjModule *module = executable->options.local ? executable->local : executable->module;
  if (c->compiled.len && compiler->deserialize) {
    PjStatus status =
        compiler->deserialize(module, &executable->options, c->compiled, &executable->compiled);
    PjCode code = pj_status_code(status);
    if (code != PJ_UNIMPLEMENTED && code != PJ_FAILED_PRECONDITION)
      return status;
    pj_log(PJ_LOG_COMPILE, "%s: compiled again: %s", executable->name, pj_status_message(status));
    pj_status_free(status);
  }
  return compiler->compile(module, &executable->options, &executable->compiled);
}

// A program for several devices must have been lowered for as many as the options say. One device
// may run a program of many partitions: its shapes are those of the whole arrays.
static PjStatus check_device_counts(const PjModule *module, const PjCompileOptions *options) {
  static const char *const names[2] = {"mhlo.num_replicas", "mhlo.num_partitions"};
  const int counts[2] = {options->num_replicas, options->num_partitions};
  for (int i = 0; i < 2; i++) {
    const PjAttr *attr = pj_attr_get(module->attrs, names[i]);
    if (!attr || attr->kind != PJ_ATTR_INT || attr->i64 <= 1)
      continue;
    bool whole = i == 1 && counts[0] == 1 && counts[1] == 1;
    PJ_FAIL_IF(attr->i64 != counts[i] && !whole, INVALID_ARGUMENT,
               "the program was lowered for %s = %lld, but the compile options ask for %d",
               names[i], (long long)attr->i64, counts[i]);
  }
  return PJ_STATUS_OK;
}

// A bound on the time of a run, in nanoseconds, that can be told beforehand.
static bool is_cheap(const PjCost *cost) {
  double ns = (double)cost->ops * 1000 + cost->flops + 10 * cost->transcendentals +
              cost->bytes_accessed / 4;
  return !cost->has_loops && !cost->may_wait && ns < 100e3;
}

static void trace_phase(const char *phase, const char *program, int64_t begin) {
  PjTraceLabel label = {.kind = PJ_TRACE_COMPILE, .name = phase, .program = program};
  pj_trace_add_once(&label, begin, pj_trace_clock(), 0);
}

static PjStatus read_program(const Compilation *c, const void *bytes) {
  PjExecutable *executable = c->executable;
  bool as_mlir = c->format == FORMAT_MLIR;
  PJ_FAIL_IF(as_mlir && pj_is_hlo(bytes, c->code.len, &(bool){0}), INVALID_ARGUMENT,
             "the program is HLO, but its format is said to be 'mlir'");
  if (as_mlir)
    return pj_import(executable->arena, bytes, c->code.len, &executable->module);
  bool with_config = c->format == FORMAT_HLO_WITH_CONFIG;
  PJ_TRY(pj_import_hlo(executable->arena, bytes, c->code.len, with_config, &executable->module));
  executable->hlo = (PjStr){bytes, c->code.len};
  if (with_config)
    executable->hlo = pj_hlo_module_of(executable->hlo);
  return PJ_STATUS_OK;
}

static PjStatus compile_guarded(void *context) {
  Compilation *c = context;
  PjExecutable *executable = c->executable;
  // The module may point into the bytes, which are the caller's.
  void *bytes = pj_arena_memdup(executable->arena, c->code.ptr, c->code.len);
  PJ_TRY(pj_compile_tick("reading", 0, 0));
  int64_t begin = pj_trace_on() ? pj_trace_clock() : 0;
  PJ_TRY(read_program(c, bytes));
  pj_executable_forget_kernels(executable->module);
  if (begin)
    trace_phase("read", "", begin);
  PJ_TRY(check_device_counts(executable->module, &executable->options));
  PJ_TRY(pj_shardings_complete(executable->module, &executable->options, &executable->local));
  PJ_TRY(pj_signature_read(executable->module, &executable->options, &executable->signature));
  pj_fingerprint_text(pj_module_fingerprint(executable->module), executable->fingerprint);
  pj_module_cost(executable->module, &executable->cost);
  // A program that is going to fail for want of a handler does so within the call.
  executable->prefers_inline =
      !pj_ffi_resolve(executable->module) || executable->cost.host_callbacks;
  PjStr name = executable->module->name.len ? executable->module->name : PJ_STR("main");
  executable->name = pj_strndup(name.ptr, name.len);
  if (!executable->name)
    return pj_status_oom();
  atomic_store(&pj_progress_current()->name, executable->name);
  PJ_TRY(pj_compile_tick("read", 0, 0));
  PJ_TRY(make_compiled(c));
  executable->compiler->stats(executable->compiled, &executable->stats);
  executable->cheap = is_cheap(&executable->cost);
  return PJ_STATUS_OK;
}

static PjStatus compile(PjExecutable *executable, PjStr code, Format format, PjStr compiled,
                        PjStr option_bytes) {
  executable->option_bytes = pj_strndup(option_bytes.ptr, option_bytes.len);
  if (!executable->option_bytes)
    return pj_status_oom();
  executable->option_size = option_bytes.len;
  PJ_TRY(pj_compile_options_parse(option_bytes.ptr, option_bytes.len, &executable->options));
  int64_t limit_mb = pj_option_int(PJ_OPTION_COMPILE_LIMIT_MB);
  PJ_TRY(pj_arena_create(limit_mb > 0 ? (size_t)limit_mb << 20 : 0, &executable->arena));
  Compilation c = {executable, code, format, compiled};
  PjProgress own = {.limit_s = (double)pj_option_int(PJ_OPTION_COMPILE_TIMEOUT_S)};
  PjProgress *progress = pj_progress_current();
  if (!progress)
    pj_progress_begin(progress = &own);
  PjStatus status = pj_arena_guard(executable->arena, compile_guarded, &c);
  atomic_store(&progress->name, NULL);
  if (progress == &own)
    pj_progress_end(&own);
  return status;
}

static PjStatus make(const PjCompilerOps *compiler, PjStr code, Format format, PjStr compiled,
                     PjStr option_bytes, PjExecutable **out) {
  PjExecutable *executable = pj_calloc(1, sizeof *executable);
  if (!executable)
    return pj_status_oom();
  atomic_init(&executable->refs, 1);
  executable->compiler = compiler;
  double start = pj_log_clock(PJ_LOG_COMPILE);
  executable->ffi_states = pj_ffi_states_create();
  int64_t begin = pj_trace_on() ? pj_trace_clock() : 0;
  PjStatus status = executable->ffi_states
                        ? compile(executable, code, format, compiled, option_bytes)
                        : pj_status_oom();
  if (begin)
    trace_phase("compile", executable->name, begin);
  if (status) {
    pj_executable_release(executable);
    return status;
  }
  pj_log(PJ_LOG_COMPILE, "%s: %lld operations, %zu bytes, %.3f ms, fingerprint %s",
         executable->name, (long long)executable->cost.ops, code.len,
         pj_log_clock(PJ_LOG_COMPILE) - start, executable->fingerprint);
  *out = executable;
  return PJ_STATUS_OK;
}

PjStatus pj_executable_compile(const PjCompilerOps *compiler, PjStr code, PjStr format,
                               PjStr option_bytes, PjExecutable **out) {
  *out = NULL;
  static const char *const formats[] = {"mlir", "hlo", "hlo_with_config"};
  Format known = FORMAT_MLIR;
  while (known < NUM_FORMATS && !pj_str_is(format, formats[known]))
    ++known;
  // What upstream says, word for word: its tests look for it.
  PJ_FAIL_IF(known == NUM_FORMATS, INVALID_ARGUMENT,
             "Unknown program format '%.*s': this plugin takes 'mlir', StableHLO as text or "
             "bytecode, and 'hlo' or 'hlo_with_config', XLA's HloModuleProto alone or with its "
             "configuration.",
             PJ_STR_ARG(format));
  return make(compiler, code, known, (PjStr){0}, option_bytes, out);
}

PjExecutable *pj_executable_retain(PjExecutable *executable) {
  atomic_fetch_add_explicit(&executable->refs, 1, memory_order_relaxed);
  return executable;
}

void pj_executable_release(PjExecutable *executable) {
  if (!executable || atomic_fetch_sub_explicit(&executable->refs, 1, memory_order_acq_rel) != 1)
    return;
  void *surface = atomic_load(&executable->surface);
  if (surface)
    executable->surface_free(surface);
  if (executable->compiled)
    executable->compiler->destroy(executable->compiled);
  pj_ffi_states_destroy(executable->ffi_states);
  pj_signature_clear(&executable->signature);
  pj_compile_options_clear(&executable->options);
  pj_arena_destroy(executable->arena);
  pj_free(executable->option_bytes);
  pj_free(executable->name);
  pj_free(executable);
}

// --- Serialising ---------------------------------------------------------------------------------

enum { SERIALIZED_VERSION = 1 };

typedef struct SerializedHeader {
  char magic[8];
  uint32_t version;
  uint32_t compiled_size; // of what the compiler stores; 0: nothing
  uint64_t option_size, code_size;
} SerializedHeader;

static const char magic[8] = {'P', 'J', 'E', 'X', 'E', 'C', '\r', '\n'};

static uint64_t checksum(const char *bytes, size_t size) {
  return pj_hash_bytes(PJ_HASH_SEED, bytes, size);
}

typedef struct Writing {
  const PjExecutable *executable;
  PjStrBuf *out;
} Writing;

// As an artifact, or where it has operations that artifacts have not (chlo's), as text.
static PjStatus write_guarded(void *context) {
  Writing *w = context;
  size_t start = w->out->len;
  PjStatus status = pj_bytecode_write(w->executable->module, pj_version_current, w->out);
  if (pj_status_code(status) != PJ_INVALID_ARGUMENT)
    return status;
  pj_status_free(status);
  const PjPrintOptions options = {.locations = true};
  w->out->len = start;
  pj_module_print(w->out, w->executable->module, &options);
  return PJ_STATUS_OK;
}

PjStatus pj_executable_serialize(const PjExecutable *executable, PjStrBuf *out) {
  PjStrBuf code = {0}, compiled = {0};
  Writing w = {executable, &code};
  // The writer may want scratch from an arena of its own; the module's is shared and stays as it
  // is.
  // What came as HLO may hold operations that portable artifacts have not.
  PjStatus status = PJ_STATUS_OK;
  if (executable->hlo.len)
    pj_strbuf_str(&code, executable->hlo);
  else
    status = write_guarded(&w);
  if (!status)
    status = pj_strbuf_status(&code);
  if (!status && executable->compiler->serialize)
    status = executable->compiler->serialize(executable->compiled, &compiled);
  if (!status)
    status = pj_strbuf_status(&compiled);
  if (!status && compiled.len > UINT32_MAX)
    status = PJ_ERROR(RESOURCE_EXHAUSTED, "the compiled form of program %s takes %zu bytes",
                      executable->name, compiled.len);
  if (!status) {
    SerializedHeader header = {.version = SERIALIZED_VERSION,
                               .option_size = executable->option_size,
                               .code_size = code.len,
                               .compiled_size = (uint32_t)compiled.len};
    memcpy(header.magic, magic, sizeof magic);
    size_t start = out->len;
    pj_strbuf_append(out, &header, sizeof header);
    pj_strbuf_append(out, executable->option_bytes, executable->option_size);
    pj_strbuf_append(out, code.data, code.len);
    pj_strbuf_append(out, compiled.data, compiled.len);
    status = pj_strbuf_status(out);
    if (!status) {
      uint64_t sum = checksum(out->data + start, out->len - start);
      pj_strbuf_append(out, &sum, sizeof sum);
      status = pj_strbuf_status(out);
    }
  }
  pj_strbuf_free(&code);
  pj_strbuf_free(&compiled);
  return status;
}

PjStatus pj_executable_deserialize(const PjCompilerOps *compiler, PjStr bytes, PjStr option_bytes,
                                   PjExecutable **out) {
  *out = NULL;
  SerializedHeader header;
  uint64_t sum;
  PJ_FAIL_IF(bytes.len < sizeof header + sizeof sum || memcmp(bytes.ptr, magic, sizeof magic) != 0,
             INVALID_ARGUMENT, "the %zu bytes are no serialized executable of this plugin",
             bytes.len);
  memcpy(&header, bytes.ptr, sizeof header);
  PJ_FAIL_IF(header.version != SERIALIZED_VERSION, INVALID_ARGUMENT,
             "a serialized executable of format %u; this plugin reads format %d", header.version,
             SERIALIZED_VERSION);
  size_t payload = bytes.len - sizeof header - sizeof sum;
  memcpy(&sum, bytes.ptr + bytes.len - sizeof sum, sizeof sum);
  bool fits = header.compiled_size <= payload;
  payload -= fits ? header.compiled_size : 0;
  PJ_FAIL_IF(
      !fits || header.option_size > payload || header.code_size != payload - header.option_size ||
          sum != checksum(bytes.ptr, bytes.len - sizeof sum),
      INVALID_ARGUMENT,
      "a serialized executable is damaged: sizes or checksum do not fit its %zu bytes", bytes.len);
  PjStr stored = {bytes.ptr + sizeof header, (size_t)header.option_size};
  PjStr code = {stored.ptr + stored.len, (size_t)header.code_size};
  PjStr compiled = {code.ptr + code.len, header.compiled_size};
  // Other options make it another executable.
  bool same = !option_bytes.len || pj_str_eq(option_bytes, stored);
  bool with_config;
  Format format = pj_is_hlo(code.ptr, code.len, &with_config) ? FORMAT_HLO : FORMAT_MLIR;
  return make(compiler, code, format, same ? compiled : (PjStr){0}, same ? stored : option_bytes,
              out);
}
