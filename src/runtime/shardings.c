// See shardings.h.
#include "runtime/shardings.h"

#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "ir/print.h"
#include "partition/gspmd.h"
#include "partition/partition.h"
#include "runtime/dump.h"
#include "runtime/inspect.h"
#include "runtime/placement.h"

static void dump_as(PjDump *file, const char *name, const PjModule *module) {
  PjStrBuf text = {0};
  pj_module_print(&text, module, NULL);
  pj_dump_text(file, name, (PjStr){text.data, text.len});
  pj_strbuf_free(&text);
}

static void dump(void *context, const PjModule *module) {
  dump_as(context, "shardings.mlir", module);
}

static void tell(void *context, PjStatus why) {
  const PjModule *module = context;
  pj_log(PJ_LOG_FALLBACK, "%.*s: runs over whole arrays: %s", PJ_STR_ARG(module->name),
         pj_status_message(why));
}

typedef struct Looking {
  const PjModule *module;
  int num_partitions;
} Looking;

static PjStatus look(void *context, const PjOp *op, const PjAttr *sharding, bool manual) {
  const Looking *looking = context;
  const PjPlacement *placement = NULL;
  const PjStr name = PJ_STR("sdy.sharding");
  if (!pj_inspect_is_call(op))
    return PJ_STATUS_OK;
  if (manual)
    return pj_inspect_tell(op, PJ_STR("\x08\x04")); // type: MANUAL
  PjArena *arena = looking->module->arena;
  if (sharding)
    PJ_TRY(pj_placement_read(arena, looking->module, op->operands[0]->type,
                             pj_attr_dict(arena, 1, &name, &sharding), looking->num_partitions,
                             &placement));
  PjStrBuf message = {0};
  pj_placement_proto(placement, &message);
  PjStatus status = pj_strbuf_status(&message);
  if (!status)
    status = pj_inspect_tell(op, (PjStr){message.data, message.len});
  pj_strbuf_free(&message);
  return status;
}

PjStatus pj_shardings_complete(PjModule *module, PjCompileOptions *options, PjModule **out_local) {
  const char *how = pj_option_text(PJ_OPTION_PARTITION);
  *out_local = NULL;
  if (options->num_partitions <= 1)
    return PJ_STATUS_OK;
  PJ_TRY(pj_gspmd_import(module, options->num_partitions));
  PjDump *file = pj_dump_open(module->name);
  Looking looking = {module, options->num_partitions};
  PjPartitionOptions partition = {.num_devices = options->num_partitions,
                                  .to_parameters = options->allow_parameter_sharding,
                                  .to_results = options->allow_output_sharding,
                                  .dump = file ? dump : NULL,
                                  .dump_context = file,
                                  .look = look,
                                  .look_context = &looking,
                                  .why_whole = tell,
                                  .why_context = module};
  if (strcmp(how, "whole"))
    partition.local_devices = options->num_partitions;
  PjStatus status = pj_partition_propagate(module, &partition);
  if (!status && file && partition.local)
    dump_as(file, "local.mlir", partition.local);
  pj_dump_close(file);
  pj_inspect_remove(module);
  *out_local = status ? NULL : partition.local;
  if (*out_local)
    pj_inspect_remove(*out_local);
  options->local = *out_local && (partition.local_own || !strcmp(how, "local"));
  return status;
}
