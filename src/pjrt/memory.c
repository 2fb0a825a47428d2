// PJRT_Memory. A handle is the runtime's memory, whose first word is our function table.
#include <string.h>

#include "pjrt/surface.h"

static void *get_user_data(PJRT_Memory *memory, const void *key) {
  return pj_memory_get_user_data(pj_memory_of(memory), key);
}

static void set_user_data(PJRT_Memory *memory, const void *key, void *data, void (*dtor)(void *)) {
  pj_memory_set_user_data(pj_memory_of(memory), key, data, dtor);
}

const PJRT_Memory_FunctionTable pj_surface_memory_table = {
    .struct_size = PJRT_Memory_FunctionTable_STRUCT_SIZE,
    .instance_struct_size = PJRT_Memory_STRUCT_SIZE,
    .get_user_data = get_user_data,
    .set_user_data = set_user_data,
};
_Static_assert(offsetof(PjMemory, surface_table) == offsetof(PJRT_Memory, vtable),
               "hosts read the table");

PJRT_Error *pj_api_Memory_Id(PJRT_Memory_Id_Args *args) {
  PJ_ARGS(Memory_Id, id);
  PJ_NOT_NULL(memory);
  args->id = pj_memory_of(args->memory)->id;
  return NULL;
}

PJRT_Error *pj_api_Memory_Kind(PJRT_Memory_Kind_Args *args) {
  PJ_ARGS(Memory_Kind, kind_size);
  PJ_NOT_NULL(memory);
  args->kind = pj_memory_kind_name(pj_memory_of(args->memory)->kind);
  args->kind_size = strlen(args->kind);
  return NULL;
}

PJRT_Error *pj_api_Memory_Kind_Id(PJRT_Memory_Kind_Id_Args *args) {
  PJ_ARGS(Memory_Kind_Id, kind_id);
  PJ_NOT_NULL(memory);
  args->kind_id = pj_memory_kind_id(pj_memory_of(args->memory)->kind);
  return NULL;
}

PJRT_Error *pj_api_Memory_DebugString(PJRT_Memory_DebugString_Args *args) {
  PJ_ARGS(Memory_DebugString, debug_string_size);
  PJ_NOT_NULL(memory);
  args->debug_string = pj_memory_of(args->memory)->debug_string;
  args->debug_string_size = strlen(args->debug_string);
  return NULL;
}

PJRT_Error *pj_api_Memory_ToString(PJRT_Memory_ToString_Args *args) {
  PJ_ARGS(Memory_ToString, to_string_size);
  PJ_NOT_NULL(memory);
  args->to_string = pj_memory_of(args->memory)->to_string;
  args->to_string_size = strlen(args->to_string);
  return NULL;
}

PJRT_Error *pj_api_Memory_AddressableByDevices(PJRT_Memory_AddressableByDevices_Args *args) {
  PJ_ARGS(Memory_AddressableByDevices, num_devices);
  PJ_NOT_NULL(memory);
  args->devices = (PJRT_Device *const *)&pj_memory_of(args->memory)->device;
  args->num_devices = 1;
  return NULL;
}
