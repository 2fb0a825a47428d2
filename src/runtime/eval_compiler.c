// The evaluator as a compiler: "compiling" prepares the module, running evaluates it on host
// memory.
#include <string.h>

#include "base/alloc.h"
#include "eval/eval.h"
#include "runtime/client.h"
#include "runtime/eval_group.h"
#include "runtime/ffi_call.h"
#include "runtime/partitioned.h"

struct PjCompiled {
  PjProgram *program;
  const PjPartitioned *partitioned; // how it is run over whole arrays, or NULL
  _Atomic(PjTraceLabels *) labels;  // of its operations, made for the first profiler; else NULL
};

static PjStatus eval_compile(PjModule *module, const PjCompileOptions *options, PjCompiled **out) {
  *out = NULL;
  PjCompiled *compiled = PJ_NEW(module->arena, PjCompiled);
  PJ_TRY(pj_program_create(module, &compiled->program));
  if (options->num_partitions > 1 && !options->local) {
    PJ_FAIL_IF(!pj_program_entry(compiled->program), INVALID_ARGUMENT,
               "the program has no entry function");
    PJ_TRY(pj_partitioned_create(module, options, &compiled->partitioned));
  }
  *out = compiled;
  return PJ_STATUS_OK;
}

// All else lies in the module's arena.
static void eval_destroy(PjCompiled *compiled) {
  pj_trace_labels_release(atomic_load(&compiled->labels));
}

// While a profiler is on; else, and without memory, NULL.
static PjTraceLabels *labels_of(const PjCompiled *compiled) {
  // The labels are no part of what is immutable.
  _Atomic(PjTraceLabels *) *place = (_Atomic(PjTraceLabels *) *)(uintptr_t)&compiled->labels;
  PjTraceLabels *labels = pj_trace_on() ? atomic_load(place) : NULL, *other = NULL;
  if (labels || !pj_trace_on())
    return labels;
  labels = pj_program_labels(compiled->program);
  if (!labels || atomic_compare_exchange_strong(place, &other, labels))
    return labels;
  pj_trace_labels_release(labels);
  return other; // of a thread that was faster
}

static void eval_stats(const PjCompiled *compiled, PjCompiledStats *out) {
  *out = (PjCompiledStats){0};
}

static void release_input(void *context, void *data) {
  pj_array_release((PjArray *)context);
}

static PjStatus wrap_input(const PjType *type, PjArray *array, bool may_overwrite, PjTensor **out) {
  // Hosts pass an empty array where a token is wanted.
  if (type->kind == PJ_TYPE_TOKEN) {
    *out = pj_tensor_token();
    return *out ? PJ_STATUS_OK : pj_status_oom();
  }
  void *data = pj_array_host_pointer(array);
  PJ_FAIL_IF(!data && array->shape->num_bytes, INTERNAL,
             "the evaluator needs arrays in host memory");
  const PjShape *shape = array->shape;
  *out = pj_tensor_wrap(shape->dtype, shape->rank, shape->dims, data, may_overwrite, release_input,
                        array);
  if (!*out)
    return pj_status_oom();
  pj_array_retain(array);
  return PJ_STATUS_OK;
}

// True if |tensor| is an input that was not given up: a result must not share memory with it.
static bool is_borrowed(const PjTensor *tensor) {
  while (tensor->base)
    tensor = tensor->base;
  return tensor->release == release_input && !tensor->writable;
}

// Results of bounded sizes have their real ones only now (execute.c hands out no buffer before).
static PjStatus settle_shape(PjArray *array, const PjTensor *tensor) {
  const PjShape *bound = array->shape, *shape;
  bool same = bound->token || bound->rank != tensor->rank ||
              !memcmp(bound->dims, tensor->dims, (size_t)tensor->rank * sizeof *tensor->dims);
  if (same)
    return PJ_STATUS_OK;
  for (int32_t i = 0; i < tensor->rank; i++)
    PJ_FAIL_IF(tensor->dims[i] > bound->dims[i], INTERNAL,
               "a result has size %lld in dimension %d, at most %lld were expected",
               (long long)tensor->dims[i], i, (long long)bound->dims[i]);
  PJ_TRY(pj_shape_create(bound->dtype, (size_t)tensor->rank, tensor->dims, NULL, &shape));
  pj_shape_release(bound);
  array->shape = shape;
  return PJ_STATUS_OK;
}

// Gives result |tensor| (borrowed) to the arrays from |*at| on; tuples are taken apart.
static PjStatus unwrap_output(PjTensor *tensor, PjArray *const *outputs, uint32_t num_outputs,
                              uint32_t *at) {
  if (tensor->kind == PJ_TENSOR_TUPLE) {
    for (uint32_t i = 0; i < tensor->num_elems; i++)
      PJ_TRY(unwrap_output(tensor->elems[i], outputs, num_outputs, at));
    return PJ_STATUS_OK;
  }
  PJ_FAIL_IF(*at >= num_outputs, INTERNAL, "the program returned more than its %u results",
             num_outputs);
  PjArray *array = outputs[(*at)++];
  if (tensor->kind != PJ_TENSOR_ARRAY)
    return PJ_STATUS_OK;
  PJ_TRY(settle_shape(array, tensor));
  PJ_FAIL_IF(tensor->bytes != array->shape->num_bytes, INTERNAL,
             "result %u has %zu bytes instead of %zu", *at - 1, tensor->bytes,
             array->shape->num_bytes);
  if (is_borrowed(tensor)) {
    PJ_TRY(pj_array_allocate(array));
    return pj_array_write(array, 0, tensor->bytes, tensor->data);
  }
  pj_array_adopt(array, tensor);
  return PJ_STATUS_OK;
}

typedef struct Tensors {
  PjTensor **inputs, **results;
  uint32_t num_inputs, num_results;
} Tensors;

static PjStatus run_with(const PjCompiled *compiled, const PjRunContext *context,
                         PjArray *const *inputs, const bool *may_overwrite, uint32_t num_outputs,
                         PjArray *const *outputs, Tensors *tensors) {
  const PjOp *entry = pj_program_entry(compiled->program);
  for (uint32_t i = 0; i < tensors->num_inputs; i++)
    PJ_TRY(wrap_input(entry->regions[0].args[i].type, inputs[i], may_overwrite && may_overwrite[i],
                      &tensors->inputs[i]));
  PjRunOptions options = {.grid = context->group ? context->group->grid : NULL,
                          .replica = context->replica,
                          .partition = context->partition,
                          .ffi_context = (void *)(uintptr_t)context,
                          .device_ordinal = context->device_ordinal,
                          .client = context->client,
                          .host = context->host,
                          .labels = labels_of(compiled)};
  PJ_TRY(pj_program_run(compiled->program, &options, tensors->num_inputs, tensors->inputs,
                        may_overwrite, tensors->num_results, tensors->results));
  uint32_t at = 0;
  for (uint32_t i = 0; i < tensors->num_results; i++)
    PJ_TRY(unwrap_output(tensors->results[i], outputs, num_outputs, &at));
  PJ_FAIL_IF(at != num_outputs, INTERNAL, "the program returned %u of its %u results", at,
             num_outputs);
  return PJ_STATUS_OK;
}

// --- The vtable ----------------------------------------------------------------------------------

static PjStatus run_alone(const PjCompiled *compiled, const PjRunContext *context,
                          uint32_t num_inputs, PjArray *const *inputs, const bool *may_overwrite,
                          uint32_t num_outputs, PjArray *const *outputs) {
  const PjOp *entry = pj_program_entry(compiled->program);
  uint32_t num_results = PJ_ATTR(entry, function_type)->type->num_results;
  PjTensor **block = pj_calloc((size_t)num_inputs + num_results, sizeof *block);
  if (!block)
    return pj_status_oom();
  Tensors tensors = {block, block + num_inputs, num_inputs, num_results};
  PjStatus status =
      run_with(compiled, context, inputs, may_overwrite, num_outputs, outputs, &tensors);
  for (uint32_t i = 0; i < num_inputs + num_results; i++)
    pj_tensor_release(block[i]);
  pj_free(block);
  return status;
}

static PjStatus run_whole(void *user, const PjRunContext *context, PjArray *const *inputs,
                          const bool *given_up, PjArray *const *outputs) {
  const PjCompiled *compiled = user;
  return run_alone(compiled, context, compiled->partitioned->num_in, inputs, given_up,
                   compiled->partitioned->num_out, outputs);
}

static PjStatus eval_run(const PjCompiled *compiled, const PjRunContext *context,
                         uint32_t num_inputs, PjArray *const *inputs, const bool *may_overwrite,
                         uint32_t num_outputs, PjArray *const *outputs) {
  if (compiled->partitioned && context->group)
    return pj_partitioned_meet(compiled->partitioned, context, inputs, outputs, run_whole,
                               (void *)(uintptr_t)compiled);
  return run_alone(compiled, context, num_inputs, inputs, may_overwrite, num_outputs, outputs);
}

static bool eval_is_joint(const PjCompiled *compiled) {
  return compiled->partitioned;
}

static PjStatus eval_run_joint(const PjCompiled *compiled, const PjRunContext *context,
                               PjArray *const *const *inputs, PjArray *const *const *outputs) {
  return pj_partitioned_run(compiled->partitioned, context, inputs, outputs, run_whole,
                            (void *)(uintptr_t)compiled);
}

const PjCompilerOps pj_compiler_eval = {
    .name = "eval",
    .host_memory = true,
    .compile = eval_compile,
    .destroy = eval_destroy,
    .stats = eval_stats,
    .run = eval_run,
    .is_joint = eval_is_joint,
    .run_joint = eval_run_joint,
    .group_create = pj_eval_group_create,
    .group_abort = pj_eval_group_abort,
    .group_destroy = pj_eval_group_destroy,
};
