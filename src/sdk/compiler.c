// A vendor's compiler as the runtime's. What it refuses, and programs of several devices, libpjrt's
// own compiler takes.
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "pass/pass.h"
#include "runtime/eval_group.h"
#include "runtime/remote.h"
#include "sdk/internal.h"

struct PjCompiled {
  PjsExecutable *vendor; // NULL: |whole|
  PjCompiled *whole;     // of pj_compiler_native
};

static const PjsCompilerOps *ops(void) {
  return &pj_sdk()->compiler;
}

// --- Compiling -----------------------------------------------------------------------------------

// In the form that the vendor asks for.
static PjStatus prepare(PjModule *module, PjModule **out) {
  *out = module;
  return ops()->form == PJS_FORM_SIMPLIFIED ? pj_passes_run(module->arena, module, NULL, out)
                                            : PJ_STATUS_OK;
}

static PjsCompileOptions options_of(const PjCompileOptions *options) {
  return (PjsCompileOptions){.struct_size = sizeof(PjsCompileOptions),
                             .optimization_level = options->optimization_level};
}

static PjStatus compile_by_vendor(PjModule *module, const PjCompileOptions *options,
                                  PjCompiled *compiled) {
  PjModule *form;
  PJ_TRY(prepare(module, &form));
  PjsCompileOptions vendor_options = options_of(options);
  PJ_TRY(
      pj_sdk_status(ops()->compile((const PjsModule *)form, &vendor_options, &compiled->vendor)));
  PJ_FAIL_IF(!compiled->vendor, INTERNAL, "platform %s: compile succeeded without an executable",
             pj_sdk()->name);
  return PJ_STATUS_OK;
}

static PjStatus sdk_compile(PjModule *module, const PjCompileOptions *options, PjCompiled **out) {
  *out = NULL;
  PjCompiled *compiled = PJ_NEW(module->arena, PjCompiled);
  bool alone = options->num_partitions <= 1 && options->num_replicas <= 1;
  if (alone) {
    PjStatus status = compile_by_vendor(module, options, compiled);
    if (status && pj_status_code(status) != PJ_UNIMPLEMENTED)
      return status;
    if (status)
      pj_log(PJ_LOG_FALLBACK, "the whole program, by libpjrt: %s", pj_status_message(status));
    pj_status_free(status);
  }
  if (!compiled->vendor)
    PJ_TRY(pj_compiler_native.compile(module, options, &compiled->whole));
  *out = compiled;
  return PJ_STATUS_OK;
}

static void sdk_destroy(PjCompiled *compiled) {
  if (compiled->vendor)
    ops()->destroy(compiled->vendor);
  else
    pj_compiler_native.destroy(compiled->whole);
}

static void sdk_stats(const PjCompiled *compiled, PjCompiledStats *out) {
  *out = (PjCompiledStats){0};
  if (!compiled->vendor)
    pj_compiler_native.stats(compiled->whole, out);
}

static const PjTraceLabels *sdk_steps(const PjCompiled *compiled) {
  return compiled->vendor ? NULL : pj_compiler_native.steps(compiled->whole);
}

static PjStatus sdk_serialize(const PjCompiled *compiled, PjStrBuf *out) {
  if (!compiled->vendor || !ops()->serialize)
    return PJ_STATUS_OK;
  PjsBytes bytes = {0};
  PJ_TRY(pj_sdk_status(ops()->serialize(compiled->vendor, &bytes)));
  pj_strbuf_append(out, bytes.data, bytes.size);
  free(bytes.data);
  return PJ_STATUS_OK;
}

static PjStatus sdk_deserialize(PjModule *module, const PjCompileOptions *options, PjStr bytes,
                                PjCompiled **out) {
  *out = NULL;
  PJ_FAIL_IF(!ops()->deserialize || options->num_partitions > 1 || options->num_replicas > 1,
             UNIMPLEMENTED, "platform %s stores no executables of this kind", pj_sdk()->name);
  PjCompiled *compiled = PJ_NEW(module->arena, PjCompiled);
  PjModule *form;
  PJ_TRY(prepare(module, &form));
  PjsCompileOptions vendor_options = options_of(options);
  PJ_TRY(pj_sdk_status(ops()->deserialize((const PjsModule *)form, &vendor_options, bytes.ptr,
                                          bytes.len, &compiled->vendor)));
  PJ_FAIL_IF(!compiled->vendor, INTERNAL,
             "platform %s: deserialize succeeded without an executable", pj_sdk()->name);
  *out = compiled;
  return PJ_STATUS_OK;
}

// --- Running -------------------------------------------------------------------------------------

static PjsArray view_of(const PjArray *array) {
  const PjShape *shape = array->shape;
  if (shape->token)
    return (PjsArray){.element = PJRT_Buffer_Type_TOKEN};
  bool on_device = pj_sdk()->has_device && array->memory->kind == PJ_MEMORY_DEVICE;
  int code = pj_dtype_info[shape->dtype].pjrt;
  return (PjsArray){.element = (PJRT_Buffer_Type)(code > 0 ? code : 0),
                    .rank = shape->rank,
                    .dims = shape->dims,
                    .bytes = shape->num_bytes,
                    .host = pj_array_host_pointer(array),
                    .address = on_device ? (PjsAddress)(uintptr_t)array->data : 0};
}

// A run of the vendor's executable, with room for its arrays.
typedef struct VendorRun {
  PjStarted started; // first; of a run that was begun
  PjsRun run;
  PjThenFn *then;
  void *user;
  PjsArray arrays[];
} VendorRun;

static PjStatus vendor_run_create(const PjRunContext *context, uint32_t num_inputs,
                                  PjArray *const *inputs, const bool *may_overwrite,
                                  uint32_t num_outputs, PjArray *const *outputs, VendorRun **out) {
  size_t count = (size_t)num_inputs + num_outputs;
  VendorRun *run = *out =
      pj_calloc(1, sizeof *run + count * (sizeof *run->arrays + sizeof(bool)) + 1);
  if (!run)
    return pj_status_oom();
  bool *given_up = (bool *)(run->arrays + count);
  int device = 0;
  for (uint32_t i = 0; i < num_inputs; i++) {
    run->arrays[i] = view_of(inputs[i]);
    given_up[i] = may_overwrite && may_overwrite[i];
    device = inputs[i]->memory->device->index;
  }
  for (uint32_t i = 0; i < num_outputs; i++) {
    if (!outputs[i]->shape->token)
      PJ_TRY(pj_array_allocate(outputs[i]));
    run->arrays[num_inputs + i] = view_of(outputs[i]);
    device = outputs[i]->memory->device->index;
  }
  bool own = pj_sdk()->has_device && context->client;
  run->run = (PjsRun){.struct_size = sizeof run->run,
                      .driver = own ? pj_sdk_driver(context->client->driver) : NULL,
                      .device = device,
                      .num_inputs = num_inputs,
                      .num_outputs = num_outputs,
                      .inputs = run->arrays,
                      .outputs = run->arrays + num_inputs,
                      .given_up = given_up};
  return PJ_STATUS_OK;
}

static PjStatus run_and_wait(const PjCompiled *compiled, const PjRunContext *context,
                             VendorRun *run) {
  PjWait wait;
  pj_wait_begin(&wait);
  PjWorkers *workers = context->client ? context->client->workers : NULL;
  pj_workers_block_begin(workers);
  ops()->run(compiled->vendor, &run->run, pj_sdk_done(&wait.completion));
  PjStatus status = pj_wait_end(&wait);
  pj_workers_block_end(workers);
  return status;
}

static PjStatus sdk_run(const PjCompiled *compiled, const PjRunContext *context,
                        uint32_t num_inputs, PjArray *const *inputs, const bool *may_overwrite,
                        uint32_t num_outputs, PjArray *const *outputs) {
  if (!compiled->vendor)
    return pj_compiled_run(&pj_compiler_native, compiled->whole, context, num_inputs, inputs,
                           may_overwrite, num_outputs, outputs);
  VendorRun *run;
  PjStatus status =
      vendor_run_create(context, num_inputs, inputs, may_overwrite, num_outputs, outputs, &run);
  if (!status)
    status = run_and_wait(compiled, context, run);
  pj_free(run);
  return status;
}

static void vendor_run_ended(PjStarted *started, PjStatus status) {
  VendorRun *run = (VendorRun *)started;
  PjThenFn *then = run->then;
  void *user = run->user;
  pj_free(run);
  then(user, status);
}

static bool sdk_start(const PjCompiled *compiled, const PjRunContext *context, uint32_t num_inputs,
                      PjArray *const *inputs, const bool *may_overwrite, uint32_t num_outputs,
                      PjArray *const *outputs, PjThenFn *then, void *user) {
  if (!compiled->vendor)
    return pj_compiled_start(&pj_compiler_native, compiled->whole, context, num_inputs, inputs,
                             may_overwrite, num_outputs, outputs, then, user);
  VendorRun *run;
  PjStatus status =
      vendor_run_create(context, num_inputs, inputs, may_overwrite, num_outputs, outputs, &run);
  if (status) {
    pj_free(run);
    then(user, status);
    return true;
  }
  run->then = then;
  run->user = user;
  if (!pj_started_begin(&run->started, context->client, vendor_run_ended)) {
    vendor_run_ended(&run->started, run_and_wait(compiled, context, run));
    return true;
  }
  ops()->run(compiled->vendor, &run->run, pj_sdk_done(&run->started.completion));
  return true;
}

const PjCompilerOps pj_sdk_compiler = {
    .name = "vendor",
    .compile = sdk_compile,
    .serialize = sdk_serialize,
    .deserialize = sdk_deserialize,
    .destroy = sdk_destroy,
    .stats = sdk_stats,
    .steps = sdk_steps,
    .run = sdk_run,
    .start = sdk_start,
    .group_create = pj_eval_group_create,
    .group_abort = pj_eval_group_abort,
    .group_destroy = pj_eval_group_destroy,
};
