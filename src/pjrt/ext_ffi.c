// The FFI extension: see runtime/ffi.h.
#include "pjrt/extensions.h"
#include "runtime/ffi.h"

static PJRT_Error *pj_api_FFI_Type_Register(PJRT_FFI_Type_Register_Args *args) {
  PJ_ARGS(FFI_Type_Register, type_id);
  PJ_NOT_NULL(type_name);
  PJRT_FFI_Type_Info *info = PJ_HAS(args, type_info) ? args->type_info : NULL;
  return pj_surface_error(pj_ffi_type_register((PjStr){args->type_name, args->type_name_size},
                                               info ? info->deleter : NULL, &args->type_id));
}

static PJRT_Error *pj_api_FFI_UserData_Add(PJRT_FFI_UserData_Add_Args *args) {
  PJ_ARGS(FFI_UserData_Add, user_data);
  PJ_NOT_NULL(context);
  return pj_surface_error(pj_execute_context_add(pj_context_of(args->context),
                                                 args->user_data.type_id, args->user_data.data,
                                                 pj_ffi_type_deleter(args->user_data.type_id)));
}

static PJRT_Error *pj_api_FFI_Register_Handler(PJRT_FFI_Register_Handler_Args *args) {
  PJ_ARGS(FFI_Register_Handler, platform_name_size);
  PJ_NOT_NULL(target_name);
  PJ_NOT_NULL(handler);
  PjStr target = {args->target_name, args->target_name_size};
  XLA_FFI_Handler_Bundle bundle = {.execute = (XLA_FFI_Handler *)args->handler};
  return pj_surface_error(pj_ffi_register(target, &bundle));
}

PJRT_FFI_Extension pj_ext_ffi = {
    .base = {.struct_size = PJRT_FFI_Extension_STRUCT_SIZE,
             .type = PJRT_Extension_Type_FFI,
             .next = &pj_ext_profiler.base},
    .type_register = pj_api_FFI_Type_Register,
    .user_data_add = pj_api_FFI_UserData_Add,
    .register_handler = pj_api_FFI_Register_Handler,
};
