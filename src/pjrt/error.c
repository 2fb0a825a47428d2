// PJRT_Error.
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "pjrt/surface.h"

typedef struct Error {
  PJRT_Error base; // first: the host may use its table
  PjStatus status;
  char *text; // message and location
  size_t text_size;
} Error;

static void error_free(PJRT_Error *error);
static void error_message(const PJRT_Error *error, const char **message, size_t *message_size);
static PJRT_Error_Code error_code(const PJRT_Error *error);
static void error_payloads(const PJRT_Error *error, PJRT_Error_PayloadVisitor visitor,
                           void *user_arg);

static const PJRT_Error_FunctionTable table = {
    .struct_size = PJRT_Error_FunctionTable_STRUCT_SIZE,
    .instance_size = sizeof(Error),
    .destroy = error_free,
    .message = error_message,
    .get_code = error_code,
    .for_each_payload = error_payloads,
};

static char oom_text[] = "out of memory";
static Error oom_error = {{&table}, NULL, oom_text, sizeof oom_text - 1};

static void error_free(PJRT_Error *handle) {
  Error *error = (Error *)handle;
  if (!error || error == &oom_error)
    return;
  pj_status_free(error->status);
  pj_free(error->text);
  pj_free(error);
}

static void error_message(const PJRT_Error *handle, const char **message, size_t *message_size) {
  const Error *error = (const Error *)handle;
  *message = error->text;
  *message_size = error->text_size;
}

static PJRT_Error_Code error_code(const PJRT_Error *handle) {
  const Error *error = (const Error *)handle;
  return error == &oom_error ? PJRT_Error_Code_RESOURCE_EXHAUSTED
                             : (PJRT_Error_Code)pj_status_code(error->status);
}

static void error_payloads(const PJRT_Error *handle, PJRT_Error_PayloadVisitor visitor,
                           void *user_arg) {
  const Error *error = (const Error *)handle;
  PjStr key, value;
  for (size_t i = 0;
       pj_status_payload(error->status, i, &key.ptr, &key.len, &value.ptr, &value.len); i++)
    visitor(key.ptr, key.len, value.ptr, value.len, user_arg);
}

PJRT_Error *pj_surface_error(PjStatus status) {
  if (!status)
    return NULL;
  pj_log(PJ_LOG_ERROR, "%s: %s %s", pj_code_name(pj_status_code(status)), pj_status_message(status),
         pj_status_location(status));
  Error *error = pj_calloc(1, sizeof *error);
  PjStrBuf text = {0};
  if (error) {
    pj_strbuf_puts(&text, pj_status_message(status));
    if (*pj_status_location(status))
      pj_strbuf_printf(&text, " | %s", pj_status_location(status));
    if (!text.data)
      pj_strbuf_puts(&text, pj_code_name(pj_status_code(status)));
  }
  if (!error || text.failed) {
    pj_strbuf_free(&text);
    pj_free(error);
    pj_status_free(status);
    return &oom_error.base;
  }
  error->base.vtable = &table;
  error->status = status;
  error->text = text.data;
  error->text_size = text.len;
  return &error->base;
}

PjStatus pj_surface_host_status(PJRT_Error_Code code, const char *message, size_t message_size) {
  if (code == PJRT_Error_Code_OK)
    return PJ_STATUS_OK;
  if ((unsigned)code > PJ_UNAUTHENTICATED)
    code = PJRT_Error_Code_UNKNOWN;
  return pj_status_make((PjCode)code, __FILE__, __LINE__, "%.*s",
                        (int)(message_size > 65536 ? 65536 : message_size), message ? message : "");
}

PJRT_Error *pj_surface_bad_args(const char *name, size_t given, size_t wanted) {
  return pj_surface_error(PJ_ERROR(
      INVALID_ARGUMENT, "Unexpected %s size: expected at least %zu, got %zu", name, wanted, given));
}

void pj_api_Error_Destroy(PJRT_Error_Destroy_Args *args) {
  if (args && args->error)
    args->error->vtable->destroy(args->error);
}

// Has no way to say that its arguments are wrong.
void pj_api_Error_Message(PJRT_Error_Message_Args *args) {
  if (!args)
    return;
  args->message = "";
  args->message_size = 0;
  if (args->error)
    args->error->vtable->message(args->error, &args->message, &args->message_size);
}

PJRT_Error *pj_api_Error_GetCode(PJRT_Error_GetCode_Args *args) {
  PJ_ARGS(Error_GetCode, code);
  PJ_NOT_NULL(error);
  args->code = args->error->vtable->get_code(args->error);
  return NULL;
}

PJRT_Error *pj_api_Error_ForEachPayload(PJRT_Error_ForEachPayload_Args *args) {
  PJ_ARGS(Error_ForEachPayload, user_arg);
  PJ_NOT_NULL(error);
  PJ_NOT_NULL(visitor);
  args->error->vtable->for_each_payload(args->error, args->visitor, args->user_arg);
  return NULL;
}
