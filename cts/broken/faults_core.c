// Faults of the table, errors and events.
#include "broken.h"

#include <string.h>

void pj_broken_table_short(void) {
  pj_broken.struct_size = offsetof(PJRT_Api, PJRT_Client_Compile) + 4;
}

void pj_broken_table_version(void) {
  pj_broken.pjrt_api_version.major_version = 1;
}

void pj_broken_table_hole(void) {
  pj_broken.PJRT_Client_CreateUninitializedBuffer = NULL;
}

PJRT_Error *pj_broken_attributes_twice(PJRT_Plugin_Attributes_Args *args) {
  static PJRT_NamedValue twice[64];
  PJRT_Error *error = pj_real->PJRT_Plugin_Attributes(args);
  if (error)
    return error;
  memcpy(twice, args->attributes, args->num_attributes * sizeof *twice);
  twice[args->num_attributes++] = twice[0];
  args->attributes = twice;
  return NULL;
}

PJRT_Error *pj_broken_destroy_null_crash(PJRT_Buffer_Destroy_Args *args) {
  *(volatile char *)args->buffer;
  return pj_real->PJRT_Buffer_Destroy(args);
}

PJRT_Error *pj_broken_size_unchecked(PJRT_Client_ProcessIndex_Args *args) {
  args->process_index = 0;
  return NULL;
}

PJRT_Error *pj_broken_size_overrun(PJRT_Client_PlatformName_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Client_PlatformName(args);
  *(void **)(args + 1) = NULL;
  return error;
}

PJRT_Error *pj_broken_error_code_ok(PJRT_Error_GetCode_Args *args) {
  args->code = PJRT_Error_Code_OK;
  return NULL;
}

PJRT_Error *pj_broken_error_code_lost(PJRT_Error_GetCode_Args *args) {
  args->code = PJRT_Error_Code_UNKNOWN;
  return NULL;
}

void pj_broken_error_message_empty(PJRT_Error_Message_Args *args) {
  args->message = "";
  args->message_size = 0;
}

PJRT_Error *pj_broken_event_never_ready(PJRT_Event_IsReady_Args *args) {
  args->is_ready = false;
  return NULL;
}

PJRT_Error *pj_broken_event_callback_twice(PJRT_Event_OnReady_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Event_OnReady(args);
  return error ? error : pj_real->PJRT_Event_OnReady(args);
}

static bool ready(PJRT_Event *event) {
  PJRT_Event_IsReady_Args ask = {.struct_size = PJRT_Event_IsReady_Args_STRUCT_SIZE,
                                 .event = event};
  pj_real->PJRT_Event_IsReady(&ask);
  return ask.is_ready;
}

PJRT_Error *pj_broken_event_callback_late_lost(PJRT_Event_OnReady_Args *args) {
  return ready(args->event) ? NULL : pj_real->PJRT_Event_OnReady(args);
}

// What the plugin does to the waiting callbacks of a handle is imitated by never letting the next
// ones through: the callbacks of the handle go through here, and are dropped if the handle went
// first.
static PJRT_Event *gone[256];
static size_t num_gone;

typedef struct Forward {
  PJRT_Event *event;
  PJRT_Event_OnReadyCallback callback;
  void *user_arg;
} Forward;

static void forward(PJRT_Error *error, void *user_arg) {
  const Forward *to = user_arg;
  for (size_t i = 0; i < num_gone; i++)
    if (gone[i] == to->event)
      return;
  to->callback(error, to->user_arg);
}

// OnReady with |callback| in between, whose user_arg is a Forward.
static PJRT_Error *watch_by(PJRT_Event_OnReady_Args *args, PJRT_Event_OnReadyCallback callback) {
  static Forward forwards[256];
  static size_t count;
  Forward *to = &forwards[count++ % 256];
  *to = (Forward){args->event, args->callback, args->user_arg};
  PJRT_Event_OnReady_Args mine = *args;
  mine.callback = callback;
  mine.user_arg = to;
  return pj_real->PJRT_Event_OnReady(&mine);
}

PJRT_Error *pj_broken_watch(PJRT_Event_OnReady_Args *args) {
  return watch_by(args, forward);
}

PJRT_Error *pj_broken_event_callback_lost(PJRT_Event_Destroy_Args *args) {
  if (num_gone < 256)
    gone[num_gone++] = args->event;
  return pj_real->PJRT_Event_Destroy(args);
}

static void without_error(PJRT_Error *error, void *user_arg) {
  Forward *to = user_arg;
  PJRT_Error_Destroy_Args destroy = {.struct_size = PJRT_Error_Destroy_Args_STRUCT_SIZE,
                                     .error = error};
  pj_real->PJRT_Error_Destroy(&destroy);
  to->callback(NULL, to->user_arg);
}

PJRT_Error *pj_broken_event_callback_no_error(PJRT_Event_OnReady_Args *args) {
  return watch_by(args, without_error);
}

PJRT_Error *pj_broken_event_error_lost(PJRT_Event_Await_Args *args) {
  PJRT_Error_Destroy_Args destroy = {.struct_size = PJRT_Error_Destroy_Args_STRUCT_SIZE};
  destroy.error = pj_real->PJRT_Event_Await(args);
  pj_real->PJRT_Error_Destroy(&destroy);
  return NULL;
}

PJRT_Error *pj_broken_event_shared(PJRT_Buffer_ReadyEvent_Args *args) {
  static PJRT_Event *last;
  static PJRT_Buffer *of;
  if (of == args->buffer) {
    args->event = last;
    return NULL;
  }
  PJRT_Error *error = pj_real->PJRT_Buffer_ReadyEvent(args);
  of = args->buffer;
  last = args->event;
  return error;
}

PJRT_Error *pj_broken_event_set_ignored(PJRT_Event_Set_Args *args) {
  return NULL;
}
