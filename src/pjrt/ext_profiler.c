// Profiler extension: profilers over the log of base/trace.h, with errors of their own.
#include <string.h>

#include "base/alloc.h"
#include "pjrt/extensions.h"
#include "runtime/profile.h"

struct PLUGIN_Profiler {
  pthread_mutex_t lock;
  bool started, stopped, written;
  int64_t begin_ns, end_ns;
  PjStrBuf data; // once it is |written|
};

// An error is a status; the static one for exhausted memory included.
static PLUGIN_Profiler_Error *error_of(PjStatus status) {
  return (PLUGIN_Profiler_Error *)status;
}

static PjStatus status_of(const PLUGIN_Profiler_Error *error) {
  return (PjStatus)(uintptr_t)error;
}

// As PJ_ARGS for the rest of the interface, but for sizes: jaxlib stops profilers with a
// struct_size of 1. The structs never had other fields.
#define PROFILER_ARGS(name, field)                                                              \
  do {                                                                                          \
    if (!args || !args->field)                                                                  \
      return error_of(                                                                          \
          PJ_ERROR(INVALID_ARGUMENT, "PLUGIN_Profiler_" #name ": args or " #field " is null")); \
  } while (0)

static void error_destroy(PLUGIN_Profiler_Error_Destroy_Args *args) {
  if (args)
    pj_status_free(status_of(args->error));
}

static void error_message(PLUGIN_Profiler_Error_Message_Args *args) {
  args->message = pj_status_message(status_of(args->error));
  args->message_size = strlen(args->message);
}

static PLUGIN_Profiler_Error *error_get_code(PLUGIN_Profiler_Error_GetCode_Args *args) {
  PROFILER_ARGS(Error_GetCode, error);
  args->code = (int)pj_status_code(status_of(args->error));
  return NULL;
}

static PLUGIN_Profiler_Error *profiler_create(PLUGIN_Profiler_Create_Args *args) {
  if (!args)
    return error_of(PJ_ERROR(INVALID_ARGUMENT, "PLUGIN_Profiler_Create: args is null"));
  // Options choose among levels of detail that we do not have.
  args->profiler = pj_calloc(1, sizeof *args->profiler);
  if (!args->profiler || pthread_mutex_init(&args->profiler->lock, NULL)) {
    pj_free(args->profiler);
    args->profiler = NULL;
    return error_of(pj_status_oom());
  }
  pj_trace_enter();
  return NULL;
}

static PLUGIN_Profiler_Error *profiler_destroy(PLUGIN_Profiler_Destroy_Args *args) {
  PROFILER_ARGS(Destroy, profiler);
  PLUGIN_Profiler *profiler = args->profiler;
  if (profiler->started && !profiler->stopped)
    pj_trace_stop();
  pj_trace_leave();
  pthread_mutex_destroy(&profiler->lock);
  pj_strbuf_free(&profiler->data);
  pj_free(profiler);
  return NULL;
}

static PjStatus start(PLUGIN_Profiler *profiler) {
  PJ_FAIL_IF(profiler->started, FAILED_PRECONDITION, "the profiler was started before");
  profiler->started = true;
  pj_trace_start();
  profiler->begin_ns = pj_trace_clock();
  return PJ_STATUS_OK;
}

static PjStatus stop(PLUGIN_Profiler *profiler) {
  PJ_FAIL_IF(!profiler->started || profiler->stopped, FAILED_PRECONDITION,
             "the profiler is not running");
  profiler->stopped = true;
  profiler->end_ns = pj_trace_clock();
  pj_trace_stop();
  return PJ_STATUS_OK;
}

static PjStatus write(PLUGIN_Profiler *profiler) {
  PJ_FAIL_IF(!profiler->stopped, FAILED_PRECONDITION, "the profiler was not stopped yet");
  if (profiler->written)
    return PJ_STATUS_OK;
  PjStatus status = pj_profile_write(profiler->begin_ns, profiler->end_ns, &profiler->data);
  profiler->written = !status;
  if (status) {
    pj_strbuf_free(&profiler->data);
    profiler->data = (PjStrBuf){0};
  }
  return status;
}

static PLUGIN_Profiler_Error *locked(PLUGIN_Profiler *profiler,
                                     PjStatus (*step)(PLUGIN_Profiler *)) {
  pthread_mutex_lock(&profiler->lock);
  PjStatus status = step(profiler);
  pthread_mutex_unlock(&profiler->lock);
  return error_of(status);
}

static PLUGIN_Profiler_Error *profiler_start(PLUGIN_Profiler_Start_Args *args) {
  PROFILER_ARGS(Start, profiler);
  return locked(args->profiler, start);
}

static PLUGIN_Profiler_Error *profiler_stop(PLUGIN_Profiler_Stop_Args *args) {
  PROFILER_ARGS(Stop, profiler);
  return locked(args->profiler, stop);
}

static PLUGIN_Profiler_Error *profiler_collect(PLUGIN_Profiler_CollectData_Args *args) {
  PROFILER_ARGS(CollectData, profiler);
  PLUGIN_Profiler_Error *error = locked(args->profiler, write);
  if (error)
    return error;
  const PjStrBuf *data = &args->profiler->data;
  // Either way of asking: room of the host's, after a first call for the size; or, what jaxlib
  // does, one call, whose data belongs to the profiler.
  if (!args->buffer)
    args->buffer = (uint8_t *)data->data;
  else if (data->len)
    memmove(args->buffer, data->data, data->len);
  args->buffer_size_in_bytes = data->len;
  return NULL;
}

static PLUGIN_Profiler_Api profiler_api = {
    .struct_size = PLUGIN_Profiler_Api_STRUCT_SIZE,
    .error_destroy = error_destroy,
    .error_message = error_message,
    .error_get_code = error_get_code,
    .create = profiler_create,
    .destroy = profiler_destroy,
    .start = profiler_start,
    .stop = profiler_stop,
    .collect_data = profiler_collect,
};

PJRT_Profiler_Extension pj_ext_profiler = {
    .base = {.struct_size = PJRT_Profiler_Extension_STRUCT_SIZE,
             .type = PJRT_Extension_Type_Profiler},
    .profiler_api = &profiler_api,
    .traceme_context_id = -1,
};
