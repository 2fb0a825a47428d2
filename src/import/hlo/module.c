// The module: its entry computation becomes `main`, whose parameters and results are the leaves of
// the entry's.
#include <inttypes.h>

#include "import/hlo/hlo.h"

// Attributes of the arguments of `main`, gathered before they become dictionaries.
typedef struct Argument {
  const PjAttr *alias, *donor, *sharding;
} Argument;

static const PjHloShape *entry_result(const PjHlo *h) {
  const PjHloComp *entry = &h->comps[h->entry];
  return entry->insts[entry->root].shape;
}

// Where among the arguments the part |path| of parameter |number| is: |*out_count| from
// |*out_first|.
static PjStatus find_argument(const PjHlo *h, int64_t number, PjHloInts path, uint32_t *out_first,
                              uint32_t *out_count) {
  const PjHloComp *entry = &h->comps[h->entry];
  uint32_t leaf;
  PJ_FAIL_IF(number < 0 || number >= entry->num_params, INVALID_ARGUMENT,
             "parameter %" PRId64 " of %u", number, entry->num_params);
  *out_first = 0;
  for (int64_t i = 0; i < number; ++i)
    *out_first += entry->insts[entry->params[i]].shape->num_leaves;
  const PjHloShape *part =
      pj_hlo_shape_part(entry->insts[entry->params[number]].shape, path, &leaf);
  PJ_FAIL_IF(!part, INVALID_ARGUMENT, "there is no such part of parameter %" PRId64, number);
  *out_first += leaf;
  *out_count = part->num_leaves;
  return PJ_STATUS_OK;
}

// input_output_alias: the result may, or must, lie in the memory of the parameter.
static PjStatus read_alias(PjHlo *h, PjStr bytes, Argument *arguments) {
  PjHloAliasEntryMsg msg = {0};
  uint32_t argument, count, result;
  PJ_TRY(pj_hlo_decode(h, bytes, PJ_HLO_AliasEntry, &msg));
  const PjHloShape *part = pj_hlo_shape_part(entry_result(h), msg.output_shape_index, &result);
  PJ_FAIL_IF(!part, INVALID_ARGUMENT, "there is no such part of the result");
  PJ_TRY(find_argument(h, msg.parameter_number, msg.parameter_shape_index, &argument, &count));
  PJ_FAIL_IF(count != part->num_leaves, INVALID_ARGUMENT,
             "%u arrays of the result share memory with %u of parameter %" PRId64, part->num_leaves,
             count, msg.parameter_number);
  for (uint32_t i = 0; i < count; ++i)
    arguments[argument + i].alias = pj_attr_int(h->arena, result + i, PJ_DT_S32);
  return PJ_STATUS_OK;
}

// buffer_donor: any result may.
static PjStatus read_donor(PjHlo *h, PjStr bytes, Argument *arguments) {
  PjHloDonorEntryMsg msg = {0};
  uint32_t argument, count;
  PJ_TRY(pj_hlo_decode(h, bytes, PJ_HLO_DonorEntry, &msg));
  PJ_TRY(find_argument(h, msg.parameter_number, msg.parameter_shape_index, &argument, &count));
  for (uint32_t i = 0; i < count; ++i)
    arguments[argument + i].donor = pj_attr_bool(h->arena, true);
  return PJ_STATUS_OK;
}

static PjStatus read_entries(PjHlo *h, PjStr bytes, Argument *arguments,
                             PjStatus (*read)(PjHlo *h, PjStr bytes, Argument *arguments)) {
  PjHloEntriesMsg msg = {0};
  if (!bytes.ptr)
    return PJ_STATUS_OK;
  PJ_TRY(pj_hlo_decode(h, bytes, PJ_HLO_Entries, &msg));
  for (uint32_t i = 0; i < msg.entries.len; ++i)
    PJ_TRY_IN(read(h, msg.entries.data[i], arguments), "entry %u", i);
  return PJ_STATUS_OK;
}

// The shardings of the arguments: the parameters say them, or the module does for all.
static PjStatus read_shardings(PjHlo *h, Argument *arguments) {
  const PjHloComp *entry = &h->comps[h->entry];
  for (uint32_t i = 0; i < entry->num_params; ++i) {
    const PjHloInst *inst = &entry->insts[entry->params[i]];
    uint32_t leaves = inst->shape->num_leaves;
    const PjAttr **shardings = PJ_NEW_ARRAY(h->arena, const PjAttr *, leaves);
    PjStr bytes = inst->sharding;
    if (!bytes.ptr && i < h->msg.spmd_parameters_shardings.len)
      bytes = h->msg.spmd_parameters_shardings.data[i];
    PJ_TRY_IN(pj_hlo_shardings(h, bytes, leaves, shardings), "parameter %u", i);
    for (uint32_t j = 0; j < leaves; ++j)
      (arguments++)->sharding = shardings[j];
  }
  return PJ_STATUS_OK;
}

static const PjAttr *argument_dict(PjHlo *h, const Argument *argument) {
  PjStr names[2];
  const PjAttr *values[2];
  uint32_t count = 0;
  if (argument->donor && !argument->alias) {
    names[count] = PJ_STR("jax.buffer_donor");
    values[count++] = argument->donor;
  }
  if (argument->sharding) {
    names[count] = PJ_STR("mhlo.sharding");
    values[count++] = argument->sharding;
  }
  if (argument->alias) {
    names[count] = PJ_STR("tf.aliasing_output");
    values[count++] = argument->alias;
  }
  return pj_attr_dict(h->arena, count, names, values);
}

static PjStatus set_arguments(PjHlo *h, PjOp *main) {
  uint32_t count = main->regions[0].num_args;
  Argument *arguments = PJ_NEW_ARRAY(h->arena, Argument, count);
  PJ_TRY_IN(read_entries(h, h->msg.input_output_alias, arguments, read_alias),
            "input_output_alias");
  PJ_TRY_IN(read_entries(h, h->msg.buffer_donor, arguments, read_donor), "buffer_donor");
  PJ_TRY_IN(read_shardings(h, arguments), "sharding");
  const PjAttr **dicts = PJ_NEW_ARRAY(h->arena, const PjAttr *, count);
  bool any = false;
  for (uint32_t i = 0; i < count; ++i) {
    dicts[i] = argument_dict(h, &arguments[i]);
    any |= dicts[i]->count > 0;
  }
  if (any)
    PJ_HLO_SET(main, arg_attrs, pj_attr_array(h->arena, count, dicts));
  return PJ_STATUS_OK;
}

// The shardings of the results: the root says them, or the module.
static PjStatus set_results(PjHlo *h, PjOp *main) {
  const PjHloComp *entry = &h->comps[h->entry];
  const PjHloInst *root = &entry->insts[entry->root];
  PjStr bytes = root->sharding.ptr ? root->sharding : h->msg.spmd_output_sharding;
  uint32_t count = root->shape->num_leaves;
  const PjAttr **dicts = PJ_NEW_ARRAY(h->arena, const PjAttr *, count);
  const PjStr name = PJ_STR("mhlo.sharding");
  if (!bytes.ptr)
    return PJ_STATUS_OK;
  PJ_TRY_IN(pj_hlo_shardings(h, bytes, count, dicts), "sharding of the results");
  for (uint32_t i = 0; i < count; ++i)
    dicts[i] = pj_attr_dict(h->arena, 1, &name, &dicts[i]);
  PJ_HLO_SET(main, res_attrs, pj_attr_array(h->arena, count, dicts));
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------- the whole
// The shape that the program shows to hosts must be that of its entry, but for layouts.
static bool same_shape(const PjHloShape *a, const PjHloShape *b) {
  if (!a->type != !b->type || a->num_elems != b->num_elems)
    return false;
  for (uint32_t i = 0; i < a->num_elems; ++i)
    if (!same_shape(&a->elems[i], &b->elems[i]))
      return false;
  return !a->type || pj_type_eq(a->type, b->type);
}

static PjStatus check_program_shape(PjHlo *h) {
  PjHloProgramShapeMsg msg = {0};
  const PjHloShape *shape;
  const PjHloComp *entry = &h->comps[h->entry];
  if (!h->msg.host_program_shape.ptr)
    return PJ_STATUS_OK;
  PJ_TRY(pj_hlo_decode(h, h->msg.host_program_shape, PJ_HLO_ProgramShape, &msg));
  PJ_FAIL_IF(msg.parameters.len != entry->num_params, INVALID_ARGUMENT,
             "it has %zu parameters, but the entry computation %u", msg.parameters.len,
             entry->num_params);
  for (uint32_t i = 0; i < msg.parameters.len; ++i) {
    PJ_TRY(pj_hlo_shape(h, msg.parameters.data[i], &shape));
    PJ_FAIL_IF(!same_shape(shape, entry->insts[entry->params[i]].shape), INVALID_ARGUMENT,
               "parameter %u has another shape than in the entry computation", i);
  }
  PJ_TRY(pj_hlo_shape(h, msg.result, &shape));
  PJ_FAIL_IF(!same_shape(shape, entry_result(h)), INVALID_ARGUMENT,
             "the result has another shape than in the entry computation");
  return PJ_STATUS_OK;
}

static PjStatus read_envelope(PjHlo *h, PjStr bytes, bool with_config) {
  PjHloModuleWithConfigMsg envelope = {.hlo_module = bytes};
  if (with_config) {
    envelope.hlo_module = (PjStr){0};
    PJ_TRY(pj_hlo_decode(h, bytes, PJ_HLO_ModuleWithConfig, &envelope));
    PJ_FAIL_IF(!envelope.hlo_module.ptr, INVALID_ARGUMENT, "there is no module in it");
    PJ_TRY(pj_hlo_decode(h, envelope.config, PJ_HLO_Config, &h->config));
  }
  PJ_TRY(pj_hlo_decode(h, envelope.hlo_module, PJ_HLO_Module, &h->msg));
  if (h->msg.stack_frame_index.ptr)
    PJ_TRY(pj_hlo_decode(h, h->msg.stack_frame_index, PJ_HLO_StackFrameIndex, &h->frames));
  return PJ_STATUS_OK;
}

static PjStatus read_module(PjHlo *h, PjStr bytes, bool with_config) {
  PjOp *main;
  PJ_TRY(read_envelope(h, bytes, with_config));
  PJ_TRY(pj_hlo_index(h));
  PJ_TRY_IN(check_program_shape(h), "host_program_shape");
  h->budget = 65536;
  for (uint32_t i = 0; i < h->num_comps; ++i)
    for (uint32_t j = 0; j < h->comps[i].num_insts; ++j)
      h->budget += 16 * (1 + (int64_t)h->comps[i].insts[j].shape->num_leaves);
  h->module->name = h->msg.name;
  PJ_TRY(pj_hlo_function(h, h->entry, PJ_STR("main"), &main));
  PJ_TRY(set_arguments(h, main));
  PJ_TRY(set_results(h, main));
  PJ_HLO_SET(main, sym_visibility, pj_attr_string(h->arena, PJ_STR("public")));
  pj_op_fill_defaults(h->arena, main);
  pj_op_append(&h->module->body, main);
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_read(PjArena *arena, const void *bytes, size_t size, bool with_config,
                     PjModule **out_module) {
  *out_module = NULL;
  PjHlo *h = PJ_NEW(arena, PjHlo);
  h->arena = arena;
  h->file = bytes;
  h->module = pj_module_create(arena);
  PJ_TRY_IN(read_module(h, (PjStr){bytes, size}, with_config), "HLO");
  *out_module = h->module;
  return PJ_STATUS_OK;
}
