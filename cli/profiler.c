// See profiler.h.
#include "profiler.h"

const PLUGIN_Profiler_Api *pj_profiler_find(const PjhPlugin *plugin) {
  const PJRT_Extension_Base *base = pjh_plugin_find_extension(plugin, PJRT_Extension_Type_Profiler);
  if (!base || base->struct_size < PJRT_STRUCT_SIZE(PJRT_Profiler_Extension, profiler_api))
    return NULL;
  const PLUGIN_Profiler_Api *api = ((const PJRT_Profiler_Extension *)base)->profiler_api;
  return api && api->create && api->destroy && api->start && api->stop && api->collect_data ? api
                                                                                            : NULL;
}

// Takes over |error|.
static PjStatus status_of(const PLUGIN_Profiler_Api *api, PLUGIN_Profiler_Error *error,
                          const char *what) {
  if (!error)
    return PJ_STATUS_OK;
  PLUGIN_Profiler_Error_Message_Args message = {
      .struct_size = PLUGIN_Profiler_Error_Message_Args_STRUCT_SIZE, .error = error};
  PLUGIN_Profiler_Error_GetCode_Args code = {
      .struct_size = PLUGIN_Profiler_Error_GetCode_Args_STRUCT_SIZE, .error = error};
  if (api->error_message)
    api->error_message(&message);
  if (api->error_get_code && api->error_get_code(&code))
    code.code = 0;
  int known = code.code > PJ_OK && code.code <= PJ_UNAUTHENTICATED ? code.code : PJ_UNKNOWN;
  PjStatus status =
      pj_status_make((PjCode)known, __FILE__, __LINE__, "the plugin's profiler, %s: %.*s", what,
                     (int)(message.message_size < 4096 ? message.message_size : 4096),
                     message.message ? message.message : "");
  PLUGIN_Profiler_Error_Destroy_Args destroy = {
      .struct_size = PLUGIN_Profiler_Error_Destroy_Args_STRUCT_SIZE, .error = error};
  if (api->error_destroy)
    api->error_destroy(&destroy);
  return status;
}

PjStatus pj_profiler_begin(const PLUGIN_Profiler_Api *api, PLUGIN_Profiler **out) {
  *out = NULL;
  PLUGIN_Profiler_Create_Args create = {.struct_size = PLUGIN_Profiler_Create_Args_STRUCT_SIZE,
                                        .options = ""};
  PJ_TRY(status_of(api, api->create(&create), "create"));
  PLUGIN_Profiler_Start_Args start = {.struct_size = PLUGIN_Profiler_Start_Args_STRUCT_SIZE,
                                      .profiler = create.profiler};
  PjStatus status = status_of(api, api->start(&start), "start");
  if (status)
    pj_profiler_drop(api, create.profiler);
  else
    *out = create.profiler;
  return status;
}

static PjStatus collect(const PLUGIN_Profiler_Api *api, PLUGIN_Profiler *profiler, PjStrBuf *out) {
  PLUGIN_Profiler_Stop_Args stop = {.struct_size = PLUGIN_Profiler_Stop_Args_STRUCT_SIZE,
                                    .profiler = profiler};
  PJ_TRY(status_of(api, api->stop(&stop), "stop"));
  PLUGIN_Profiler_CollectData_Args args = {
      .struct_size = PLUGIN_Profiler_CollectData_Args_STRUCT_SIZE, .profiler = profiler};
  PJ_TRY(status_of(api, api->collect_data(&args), "collect"));
  if (args.buffer || !args.buffer_size_in_bytes) { // lent
    pj_strbuf_append(out, args.buffer, args.buffer_size_in_bytes);
    return pj_strbuf_status(out);
  }
  PjStrBuf room = {0};
  for (size_t i = 0; i < args.buffer_size_in_bytes && !room.failed; i++)
    pj_strbuf_putc(&room, 0);
  PjStatus status = pj_strbuf_status(&room);
  args.buffer = (uint8_t *)room.data;
  if (!status)
    status = status_of(api, api->collect_data(&args), "collect");
  if (!status)
    pj_strbuf_append(out, room.data,
                     args.buffer_size_in_bytes < room.len ? args.buffer_size_in_bytes : room.len);
  pj_strbuf_free(&room);
  return status ? status : pj_strbuf_status(out);
}

PjStatus pj_profiler_end(const PLUGIN_Profiler_Api *api, PLUGIN_Profiler *profiler, PjStrBuf *out) {
  PjStatus status = collect(api, profiler, out);
  pj_profiler_drop(api, profiler);
  return status;
}

void pj_profiler_drop(const PLUGIN_Profiler_Api *api, PLUGIN_Profiler *profiler) {
  if (!profiler)
    return;
  PLUGIN_Profiler_Destroy_Args destroy = {.struct_size = PLUGIN_Profiler_Destroy_Args_STRUCT_SIZE,
                                          .profiler = profiler};
  pj_status_free(status_of(api, api->destroy(&destroy), "destroy"));
}
