// PJRT_Event: a handle is a reference to the runtime's event.
#include "base/alloc.h"
#include "pjrt/surface.h"

PJRT_Error *pj_api_Event_Destroy(PJRT_Event_Destroy_Args *args) {
  PJ_ARGS(Event_Destroy, event);
  pj_event_release(pj_event_of(args->event));
  return NULL;
}

PJRT_Error *pj_api_Event_IsReady(PJRT_Event_IsReady_Args *args) {
  PJ_ARGS(Event_IsReady, is_ready);
  PJ_NOT_NULL(event);
  args->is_ready = pj_event_is_ready(pj_event_of(args->event));
  return NULL;
}

PJRT_Error *pj_api_Event_Error(PJRT_Event_Error_Args *args) {
  PJ_ARGS(Event_Error, event);
  PJ_NOT_NULL(event);
  if (!pj_event_is_ready(pj_event_of(args->event)))
    return pj_surface_error(
        PJ_ERROR(FAILED_PRECONDITION, "PJRT_Event_Error: the event is not ready"));
  return pj_surface_error(pj_event_status(pj_event_of(args->event)));
}

PJRT_Error *pj_api_Event_Await(PJRT_Event_Await_Args *args) {
  PJ_ARGS(Event_Await, event);
  PJ_NOT_NULL(event);
  return pj_surface_error(pj_event_await(pj_event_of(args->event)));
}

typedef struct HostCallback {
  PJRT_Event_OnReadyCallback callback;
  void *user_arg;
} HostCallback;

static void call_host(void *arg, PjStatus status) {
  HostCallback host = *(HostCallback *)arg;
  pj_free(arg);
  host.callback(pj_surface_error(pj_status_clone(status)), host.user_arg);
}

PJRT_Error *pj_api_Event_OnReady(PJRT_Event_OnReady_Args *args) {
  PJ_ARGS(Event_OnReady, user_arg);
  PJ_NOT_NULL(event);
  PJ_NOT_NULL(callback);
  if (pj_event_is_ready(pj_event_of(args->event))) {
    args->callback(pj_surface_error(pj_event_status(pj_event_of(args->event))), args->user_arg);
    return NULL;
  }
  HostCallback *host = pj_malloc(sizeof *host);
  if (!host)
    return pj_surface_error(pj_status_oom());
  *host = (HostCallback){args->callback, args->user_arg};
  PjStatus status = pj_event_on_ready(pj_event_of(args->event), call_host, host);
  if (status)
    pj_free(host);
  return pj_surface_error(status);
}

PJRT_Error *pj_api_Event_Create(PJRT_Event_Create_Args *args) {
  PJ_ARGS(Event_Create, event);
  args->event = (PJRT_Event *)pj_event_create();
  return args->event ? NULL : pj_surface_error(pj_status_oom());
}

PJRT_Error *pj_api_Event_Set(PJRT_Event_Set_Args *args) {
  PJ_ARGS(Event_Set, error_message_size);
  PJ_NOT_NULL(event);
  // A ready event stays what it is.
  if (pj_event_is_ready(pj_event_of(args->event)) ||
      !pj_event_set(
          pj_event_of(args->event),
          pj_surface_host_status(args->error_code, args->error_message, args->error_message_size)))
    return pj_surface_error(
        PJ_ERROR(FAILED_PRECONDITION, "PJRT_Event_Set: the event is ready already"));
  return NULL;
}
