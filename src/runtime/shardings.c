// See shardings.h.
#include "runtime/shardings.h"

#include "ir/print.h"
#include "partition/gspmd.h"
#include "partition/partition.h"
#include "runtime/dump.h"

static void dump(void *context, const PjModule *module) {
  PjStrBuf text = {0};
  pj_module_print(&text, module, NULL);
  pj_dump_text(context, "shardings.mlir", (PjStr){text.data, text.len});
  pj_strbuf_free(&text);
}

PjStatus pj_shardings_complete(PjModule *module, const PjCompileOptions *options) {
  if (options->num_partitions <= 1)
    return PJ_STATUS_OK;
  PJ_TRY(pj_gspmd_import(module, options->num_partitions));
  PjDump *file = pj_dump_open(module->name);
  PjPartitionOptions partition = {.to_parameters = options->allow_parameter_sharding,
                                  .to_results = options->allow_output_sharding,
                                  .dump = file ? dump : NULL,
                                  .dump_context = file};
  PjStatus status = pj_partition_propagate(module, &partition);
  pj_dump_close(file);
  return status;
}
