// The custom partitioner extension: see partition/partitioners.h.
#include "partition/partitioners.h"
#include "pjrt/extensions.h"

static PJRT_Error *pj_api_Register_Custom_Partitioner(PJRT_Register_Custom_Partitioner_Args *args) {
  PJ_ARGS(Register_Custom_Partitioner, callbacks);
  PJ_NOT_NULL(name);
  PJ_NOT_NULL(callbacks);
  return pj_surface_error(
      pj_partitioner_register((PjStr){args->name, args->name_size}, args->callbacks));
}

static PJRT_Error *
pj_api_Register_Batch_Partitionable(PJRT_Register_Batch_Partitionable_Args *args) {
  PJ_ARGS(Register_Batch_Partitionable, name_size);
  PJ_NOT_NULL(name);
  return pj_surface_error(pj_partitioner_register_batches((PjStr){args->name, args->name_size}));
}

PJRT_Custom_Partitioner_Extension pj_ext_custom_partitioner = {
    .base = {.struct_size = PJRT_Custom_Partitioner_Extension_STRUCT_SIZE,
             .type = PJRT_Extension_Type_Custom_Partitioner,
             .next = &pj_ext_ffi.base},
    .register_custom_partitioner = pj_api_Register_Custom_Partitioner,
    .register_batch_partitionable = pj_api_Register_Batch_Partitionable,
};
