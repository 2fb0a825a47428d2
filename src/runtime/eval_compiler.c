// The evaluator as a compiler: "compiling" prepares the module, running evaluates it on host
// memory.
#include "base/alloc.h"
#include "eval/eval.h"
#include "eval/tile.h"
#include "runtime/client.h"
#include "runtime/eval_group.h"
#include "runtime/ffi_call.h"

struct PjCompiled {
  PjProgram *program;
  // Of a partitioned program: where its parameters and results lie. It is run once over whole
  // arrays; only its manual computations run device by device.
  uint32_t num_partitions;
  const PjPlacement **in, **out;
  _Atomic(PjTraceLabels *) labels; // of its operations, made for the first profiler; else NULL
};

static PjStatus read_placements(PjModule *module, const PjType *type, int num_partitions,
                                PjCompiled *compiled) {
  const PjOp *entry = pj_program_entry(compiled->program);
  const PjAttr *args = PJ_ATTR(entry, arg_attrs), *results = PJ_ATTR(entry, res_attrs);
  compiled->in = PJ_NEW_ARRAY(module->arena, const PjPlacement *, type->num_elems);
  compiled->out = PJ_NEW_ARRAY(module->arena, const PjPlacement *, type->num_results);
  for (uint32_t i = 0; i < type->num_elems; i++)
    PJ_TRY(pj_placement_read(module->arena, module, type->elems[i],
                             args && i < args->count ? args->elems[i] : NULL, num_partitions,
                             &compiled->in[i]));
  for (uint32_t i = 0; i < type->num_results; i++) {
    PJ_FAIL_IF(type->results[i]->kind == PJ_TYPE_TUPLE, UNIMPLEMENTED,
               "a partitioned program that returns a tuple");
    PJ_TRY(pj_placement_read(module->arena, module, type->results[i],
                             results && i < results->count ? results->elems[i] : NULL,
                             num_partitions, &compiled->out[i]));
  }
  return PJ_STATUS_OK;
}

static PjStatus eval_compile(PjModule *module, const PjCompileOptions *options, PjCompiled **out) {
  *out = NULL;
  PjCompiled *compiled = PJ_NEW(module->arena, PjCompiled);
  PJ_TRY(pj_program_create(module, &compiled->program));
  compiled->num_partitions = (uint32_t)options->num_partitions;
  if (options->num_partitions > 1) {
    PJ_FAIL_IF(options->num_replicas > 1, UNIMPLEMENTED,
               "a program of %d replicas and %d partitions: one of the two must be 1",
               options->num_replicas, options->num_partitions);
    PJ_FAIL_IF(!pj_program_entry(compiled->program), INVALID_ARGUMENT,
               "the program has no entry function");
    const PjType *type = PJ_ATTR(pj_program_entry(compiled->program), function_type)->type;
    PJ_TRY(read_placements(module, type, options->num_partitions, compiled));
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

// --- Partitioned programs ------------------------------------------------------------------------

static PjTensor *part_of(const PjArray *array) {
  const PjShape *shape = array->shape;
  return pj_tensor_wrap(shape->dtype, shape->rank, shape->dims, pj_array_host_pointer(array), true,
                        NULL, NULL);
}

static PjStatus gather_input(const PjPlacement *placement, const PjType *type,
                             PjArray *const *const *inputs, uint32_t i, uint32_t num_partitions,
                             PjTensor **out) {
  if (!placement)
    return wrap_input(type, inputs[0][i], false, out);
  PjTensor *whole = *out = pj_tensor_new(type->dtype, type->rank, type->dims);
  if (!whole)
    return pj_status_oom();
  for (uint32_t q = 0; q < num_partitions; q++) {
    PjTensor *part = part_of(inputs[q][i]);
    if (!part)
      return pj_status_oom();
    pj_tile_insert(placement->tiling, placement->position[q], part, whole);
    pj_tensor_release(part);
  }
  return PJ_STATUS_OK;
}

static PjStatus scatter_output(const PjPlacement *placement, PjTensor *whole,
                               PjArray *const *const *outputs, uint32_t i,
                               uint32_t num_partitions) {
  for (uint32_t q = 0; q < num_partitions; q++) {
    PjArray *array = outputs[q][i];
    if (whole->kind != PJ_TENSOR_ARRAY)
      continue;
    PJ_TRY(pj_array_allocate(array));
    if (!placement) {
      PJ_TRY(pj_array_write(array, 0, whole->bytes, whole->data));
      continue;
    }
    PjTensor *part = part_of(array);
    if (!part)
      return pj_status_oom();
    pj_tile_extract(placement->tiling, placement->position[q], whole, part);
    pj_tensor_release(part);
  }
  return PJ_STATUS_OK;
}

// Whole arrays are no device's, and each device has callbacks of its own.
static PjStatus send_whole(void *context, int64_t channel, uint32_t count,
                           PjTensor *const *values) {
  return PJ_ERROR(UNIMPLEMENTED, "a partitioned program that sends to the host, on channel %lld",
                  (long long)channel);
}

static PjStatus receive_whole(void *context, int64_t channel, uint32_t count,
                              PjTensor *const *into) {
  return PJ_ERROR(UNIMPLEMENTED,
                  "a partitioned program that receives from the host, on channel %lld",
                  (long long)channel);
}

static const PjHostEnd no_host = {.send = send_whole, .receive = receive_whole};

typedef struct Joint {
  const PjCompiled *compiled;
  const PjRunContext *context;
} Joint;

static PjStatus joint_with(const Joint *joint, PjArray *const *const *inputs,
                           PjArray *const *const *outputs, Tensors *tensors) {
  const PjCompiled *compiled = joint->compiled;
  const PjType *type = PJ_ATTR(pj_program_entry(compiled->program), function_type)->type;
  for (uint32_t i = 0; i < tensors->num_inputs; i++)
    PJ_TRY(gather_input(compiled->in[i], type->elems[i], inputs, i, compiled->num_partitions,
                        &tensors->inputs[i]));
  PjRunOptions options = {.ffi_context = (void *)(uintptr_t)joint->context,
                          .device_ordinal = joint->context->device_ordinal,
                          .client = joint->context->client,
                          .host = &no_host,
                          .labels = labels_of(compiled)};
  PJ_TRY(pj_program_run(compiled->program, &options, tensors->num_inputs, tensors->inputs, NULL,
                        tensors->num_results, tensors->results));
  for (uint32_t i = 0; i < tensors->num_results; i++)
    PJ_TRY(scatter_output(compiled->out[i], tensors->results[i], outputs, i,
                          compiled->num_partitions));
  return PJ_STATUS_OK;
}

// Called by the last partition to arrive: its |context| stands for all of them.
static PjStatus joint_run(void *context, PjArray *const *const *inputs,
                          PjArray *const *const *outputs) {
  const Joint *joint = context;
  const PjType *type = PJ_ATTR(pj_program_entry(joint->compiled->program), function_type)->type;
  PjTensor **block = pj_calloc((size_t)type->num_elems + type->num_results, sizeof *block);
  if (!block)
    return pj_status_oom();
  Tensors tensors = {block, block + type->num_elems, type->num_elems, type->num_results};
  PjStatus status = joint_with(joint, inputs, outputs, &tensors);
  for (uint32_t i = 0; i < type->num_elems + type->num_results; i++)
    pj_tensor_release(block[i]);
  pj_free(block);
  return status;
}

// --- The vtable ----------------------------------------------------------------------------------

static PjStatus eval_run(const PjCompiled *compiled, const PjRunContext *context,
                         uint32_t num_inputs, PjArray *const *inputs, const bool *may_overwrite,
                         uint32_t num_outputs, PjArray *const *outputs) {
  if (compiled->num_partitions > 1 && context->group) {
    Joint joint = {compiled, context};
    return pj_eval_group_join(context->group, context->partition, inputs, outputs, joint_run,
                              &joint);
  }
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

const PjCompilerOps pj_compiler_eval = {
    .name = "eval",
    .host_memory = true,
    .compile = eval_compile,
    .destroy = eval_destroy,
    .stats = eval_stats,
    .run = eval_run,
    .group_create = pj_eval_group_create,
    .group_abort = pj_eval_group_abort,
    .group_destroy = pj_eval_group_destroy,
};
