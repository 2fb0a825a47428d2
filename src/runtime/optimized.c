// The optimized program: StableHLO, with what was made of it as an attribute of the module; or the
// HLO that it came as.
#include <string.h>

#include "import/import.h"
#include "ir/print.h"
#include "runtime/executable.h"
#include "runtime/marks.h"

typedef struct Job {
  const PjExecutable *executable;
  PjArena *arena;
  PjStrBuf *out;
} Job;

// --- Kernels -------------------------------------------------------------------------------------

enum { MAX_FIELDS = 8 };

typedef struct Fields {
  uint32_t count;
  PjStr names[MAX_FIELDS];
  const PjAttr *values[MAX_FIELDS];
} Fields;

static void add(Fields *fields, const char *name, const PjAttr *value) {
  fields->names[fields->count] = pj_str(name);
  fields->values[fields->count++] = value;
}

static void add_text(PjArena *arena, Fields *fields, const char *name, const char *text) {
  if (*text)
    add(fields, name, pj_attr_string(arena, pj_str(pj_arena_strndup(arena, text, strlen(text)))));
}

static void add_number(PjArena *arena, Fields *fields, const char *name, double number) {
  if (number > 0)
    add(fields, name, pj_attr_i64(arena, number < 9e18 ? (int64_t)number : INT64_MAX));
}

// A dictionary for each step, in the order of the schedule.
static const PjAttr *list_kernels(PjArena *arena, const PjTraceLabels *labels) {
  uint32_t count = pj_trace_labels_count(labels);
  const PjAttr **kernels = PJ_NEW_ARRAY(arena, const PjAttr *, count + 1);
  for (uint32_t i = 0; i < count; i++) {
    const PjTraceLabel *label = pj_trace_label(labels, i);
    Fields fields = {0};
    add_text(arena, &fields, "name", label->name);
    add_text(arena, &fields, "operations", label->ops);
    add_text(arena, &fields, "source", label->source);
    add_number(arena, &fields, "code_bytes", label->code_bytes);
    add_number(arena, &fields, "bytes", label->bytes);
    add_number(arena, &fields, "flops", label->flops);
    kernels[i] = pj_attr_dict(arena, fields.count, fields.names, fields.values);
  }
  return pj_attr_array(arena, count, kernels);
}

// The attributes of |module| with |kernels| as `pjrt.kernels`; NULL: without it.
static const PjAttr *with_kernels(PjArena *arena, const PjModule *module, const PjAttr *kernels) {
  uint32_t count = module->attrs ? module->attrs->count : 0, kept = 0;
  PjStr *names = PJ_NEW_ARRAY(arena, PjStr, count + 1);
  const PjAttr **values = PJ_NEW_ARRAY(arena, const PjAttr *, count + 1);
  for (uint32_t i = 0; i < count; i++) {
    if (pj_str_is(module->attrs->names[i], "pjrt.kernels"))
      continue;
    names[kept] = module->attrs->names[i];
    values[kept++] = module->attrs->elems[i];
  }
  if (kernels) {
    names[kept] = PJ_STR("pjrt.kernels");
    values[kept++] = kernels;
  }
  return pj_attr_dict(arena, kept, names, values);
}

void pj_executable_forget_kernels(PjModule *module) {
  if (pj_attr_get(module->attrs, "pjrt.kernels"))
    module->attrs = with_kernels(module->arena, module, NULL);
}

// --- The program ---------------------------------------------------------------------------------

static PjStatus print_guarded(void *context) {
  Job *job = context;
  const PjExecutable *executable = job->executable;
  PjModule *marked = NULL;
  // Hosts turn the text into HLO, which has no operations of Shardy.
  const PjModule *runs = executable->local ? executable->local : executable->module;
  if (pj_marks_needed(&runs->body))
    PJ_TRY(pj_marks_make(job->arena, runs, &marked));
  PjModule module = marked ? *marked : *runs;
  const PjTraceLabels *labels =
      executable->compiler->steps ? executable->compiler->steps(executable->compiled) : NULL;
  if (labels)
    module.attrs = with_kernels(job->arena, &module, list_kernels(job->arena, labels));
  pj_module_print(job->out, &module, NULL);
  return pj_strbuf_status(job->out);
}

static const PjStr *shardings_of(PjArena *arena, const PjSlot *slots, uint32_t count) {
  PjStr *out = PJ_NEW_ARRAY(arena, PjStr, (size_t)count + 1);
  for (uint32_t i = 0; i < count; i++)
    out[i] = (PjStr){slots[i].sharding.data, slots[i].sharding.len};
  return out;
}

// Hosts that hand over HLO (torch_xla) read there how results lie, too.
static PjStatus write_hlo_guarded(void *context) {
  Job *job = context;
  const PjExecutable *executable = job->executable;
  const PjSignature *signature = &executable->signature;
  bool partitioned = executable->options.num_partitions > 1;
  const PjHloParts parts = {
      .num_params = signature->num_params,
      .num_results = signature->num_results,
      .params = shardings_of(job->arena, signature->params, signature->num_params),
      .results = shardings_of(job->arena, signature->results, signature->num_results)};
  return pj_hlo_write(job->arena, executable->hlo, executable->options.num_replicas,
                      executable->options.num_partitions, partitioned ? &parts : NULL, job->out);
}

PjStatus pj_executable_program(const PjExecutable *executable, PjStrBuf *out,
                               const char **out_format) {
  bool hlo = executable->hlo.len;
  *out_format = hlo ? "hlo_with_config" : "mlir";
  Job job = {.executable = executable, .out = out};
  PJ_TRY(pj_arena_create(0, &job.arena));
  PjStatus status = pj_arena_guard(job.arena, hlo ? write_hlo_guarded : print_guarded, &job);
  pj_arena_destroy(job.arena);
  return status;
}
