// See partitioned.h.
#include "runtime/partitioned.h"

#include "base/alloc.h"
#include "eval/tile.h"
#include "runtime/client.h"
#include "runtime/eval_group.h"

PjStatus pj_partitioned_create(PjModule *module, const PjCompileOptions *options,
                               const PjPartitioned **out) {
  *out = NULL;
  PJ_FAIL_IF(options->num_replicas > 1, UNIMPLEMENTED,
             "a program of %d replicas and %d partitions: one of the two must be 1",
             options->num_replicas, options->num_partitions);
  const PjOp *entry = pj_module_entry(module);
  PJ_FAIL_IF(!entry, INVALID_ARGUMENT, "the program has no entry function");
  const PjType *type = PJ_ATTR(entry, function_type)->type;
  const PjAttr *args = PJ_ATTR(entry, arg_attrs), *results = PJ_ATTR(entry, res_attrs);
  PjPartitioned *program = PJ_NEW(module->arena, PjPartitioned);
  *program = (PjPartitioned){
      .num_partitions = (uint32_t)options->num_partitions,
      .num_in = type->num_elems,
      .num_out = type->num_results,
      .type = type,
      .in = PJ_NEW_ARRAY(module->arena, const PjPlacement *, type->num_elems),
      .out = PJ_NEW_ARRAY(module->arena, const PjPlacement *, type->num_results),
  };
  for (uint32_t i = 0; i < type->num_elems; i++)
    PJ_TRY(pj_placement_read(module->arena, module, type->elems[i],
                             args && i < args->count ? args->elems[i] : NULL,
                             options->num_partitions, &program->in[i]));
  for (uint32_t i = 0; i < type->num_results; i++) {
    PJ_FAIL_IF(type->results[i]->kind == PJ_TYPE_TUPLE, UNIMPLEMENTED,
               "a partitioned program that returns a tuple");
    PJ_TRY(pj_placement_read(module->arena, module, type->results[i],
                             results && i < results->count ? results->elems[i] : NULL,
                             options->num_partitions, &program->out[i]));
  }
  *out = program;
  return PJ_STATUS_OK;
}

// --- Whole arrays --------------------------------------------------------------------------------

// A tensor over the memory of |array|; NULL without memory.
static PjTensor *tensor_of(const PjArray *array) {
  const PjShape *shape = array->shape;
  return pj_tensor_wrap(shape->dtype, shape->rank, shape->dims, pj_array_host_pointer(array), true,
                        NULL, NULL);
}

// An array of the whole |type|, without memory, where |part| is.
static PjStatus make_whole(const PjType *type, const PjArray *part, PjArray **out) {
  const PjShape *shape;
  PJ_TRY(pj_shape_create(type->dtype, (size_t)type->rank, type->dims, NULL, &shape));
  *out = pj_array_create(part->memory, shape, part->ready);
  pj_shape_release(shape);
  return *out ? PJ_STATUS_OK : pj_status_oom();
}

static PjStatus copy_part(const PjPlacement *placement, uint32_t partition, const PjArray *part,
                          const PjArray *whole, bool extract) {
  PjTensor *small = tensor_of(part), *large = tensor_of(whole);
  bool good = small && large;
  int64_t position = placement->position[partition];
  if (good && extract)
    pj_tile_extract(placement->tiling, position, large, small);
  else if (good)
    pj_tile_insert(placement->tiling, position, small, large);
  pj_tensor_release(small);
  pj_tensor_release(large);
  return good ? PJ_STATUS_OK : pj_status_oom();
}

typedef struct Joint {
  const PjPartitioned *program;
  const PjRunContext *context;
  PjWholeRun *run;
  void *user;
  PjArray **in, **out; // whole
  bool *given_up;
} Joint;

static PjStatus gather(Joint *joint, PjArray *const *const *inputs, uint32_t i) {
  const PjPartitioned *program = joint->program;
  const PjPlacement *placement = program->in[i];
  if (!placement) {
    joint->in[i] = pj_array_retain(inputs[0][i]);
    return PJ_STATUS_OK;
  }
  PJ_TRY(make_whole(program->type->elems[i], inputs[0][i], &joint->in[i]));
  PJ_TRY(pj_array_allocate(joint->in[i]));
  joint->given_up[i] = true;
  if (placement->tiling->terms > 1)
    PJ_TRY(pj_array_clear(joint->in[i]));
  for (uint32_t p = 0; p < program->num_partitions; p++)
    PJ_TRY(copy_part(placement, p, inputs[p][i], joint->in[i], false));
  return PJ_STATUS_OK;
}

static PjStatus scatter(Joint *joint, PjArray *const *const *outputs, uint32_t i) {
  const PjPlacement *placement = joint->program->out[i];
  const PjArray *whole = joint->out[i];
  if (whole->shape->token)
    return PJ_STATUS_OK;
  for (uint32_t p = 0; p < joint->program->num_partitions; p++) {
    PjArray *part = outputs[p][i];
    PJ_TRY(pj_array_allocate(part));
    if (placement)
      PJ_TRY(copy_part(placement, p, part, whole, true));
    else
      PJ_TRY(pj_array_copy(part, whole));
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

static PjStatus run_whole(Joint *joint, PjArray *const *const *inputs,
                          PjArray *const *const *outputs) {
  const PjPartitioned *program = joint->program;
  for (uint32_t i = 0; i < program->num_in; i++)
    PJ_TRY(gather(joint, inputs, i));
  for (uint32_t i = 0; i < program->num_out; i++) {
    if (pj_type_is_tensor(program->type->results[i]))
      PJ_TRY(make_whole(program->type->results[i], outputs[0][i], &joint->out[i]));
    else
      joint->out[i] = pj_array_retain(outputs[0][i]);
  }
  PjRunContext context = *joint->context;
  context.group = NULL;
  context.replica = context.partition = 0;
  context.host = &no_host;
  PJ_TRY(joint->run(joint->user, &context, joint->in, joint->given_up, joint->out));
  for (uint32_t i = 0; i < program->num_out; i++)
    PJ_TRY(scatter(joint, outputs, i));
  return PJ_STATUS_OK;
}

static PjStatus run_joint(void *context, PjArray *const *const *inputs,
                          PjArray *const *const *outputs) {
  Joint *joint = context;
  uint32_t in = joint->program->num_in, out = joint->program->num_out;
  joint->in = pj_calloc((size_t)in + out + 1, sizeof *joint->in);
  joint->given_up = pj_calloc((size_t)in + 1, sizeof *joint->given_up);
  joint->out = joint->in + in;
  PjStatus status = joint->in && joint->given_up ? run_whole(joint, inputs, outputs) : NULL;
  if (!joint->in || !joint->given_up)
    status = pj_status_oom();
  for (uint32_t i = 0; joint->in && i < in + out; i++)
    pj_array_release(joint->in[i]);
  pj_free(joint->in);
  pj_free(joint->given_up);
  return status;
}

PjStatus pj_partitioned_run(const PjPartitioned *program, const PjRunContext *context,
                            PjArray *const *const *inputs, PjArray *const *const *outputs,
                            PjWholeRun *run, void *user) {
  Joint joint = {.program = program, .context = context, .run = run, .user = user};
  return run_joint(&joint, inputs, outputs);
}

// The |context| of the last partition to come stands for all of them.
PjStatus pj_partitioned_meet(const PjPartitioned *program, const PjRunContext *context,
                             PjArray *const *inputs, PjArray *const *outputs, PjWholeRun *run,
                             void *user) {
  Joint joint = {.program = program, .context = context, .run = run, .user = user};
  return pj_eval_group_join(context->group, context->partition, inputs, outputs, run_joint, &joint);
}
