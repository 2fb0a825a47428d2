#include "util.h"

PJRT_Event *pj_broken_pending_event(void) {
  PJRT_Event_Create_Args make = {.struct_size = PJRT_Event_Create_Args_STRUCT_SIZE};
  pj_real->PJRT_Event_Create(&make);
  return make.event;
}

PJRT_Event *pj_broken_ready_event(void) {
  PJRT_Event_Set_Args set = {.struct_size = PJRT_Event_Set_Args_STRUCT_SIZE,
                             .event = pj_broken_pending_event()};
  pj_real->PJRT_Event_Set(&set);
  return set.event;
}

PJRT_Error *pj_broken_invalid(void) {
  PJRT_Client_ProcessIndex_Args none = {.struct_size = PJRT_Client_ProcessIndex_Args_STRUCT_SIZE};
  return pj_real->PJRT_Client_ProcessIndex(&none);
}

PJRT_Device *pj_broken_first_device(PJRT_Client *client) {
  PJRT_Client_AddressableDevices_Args all = {
      .struct_size = PJRT_Client_AddressableDevices_Args_STRUCT_SIZE, .client = client};
  pj_real->PJRT_Client_AddressableDevices(&all);
  return all.addressable_devices[0];
}

PJRT_Memory *pj_broken_default_memory(PJRT_Device *device) {
  PJRT_Device_DefaultMemory_Args args = {.struct_size = PJRT_Device_DefaultMemory_Args_STRUCT_SIZE,
                                         .device = device};
  pj_real->PJRT_Device_DefaultMemory(&args);
  return args.memory;
}

void pj_broken_destroy_event(PJRT_Event *event) {
  PJRT_Event_Destroy_Args args = {.struct_size = PJRT_Event_Destroy_Args_STRUCT_SIZE,
                                  .event = event};
  pj_real->PJRT_Event_Destroy(&args);
}

void pj_broken_destroy_error(PJRT_Error *error) {
  PJRT_Error_Destroy_Args args = {.struct_size = PJRT_Error_Destroy_Args_STRUCT_SIZE,
                                  .error = error};
  pj_real->PJRT_Error_Destroy(&args);
}
