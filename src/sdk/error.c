// Errors, completions, and freeing what was handed out.
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "sdk/internal.h"

static PjStatus make(PJRT_Error_Code code, const char *format, va_list args) {
  char text[2048];
  vsnprintf(text, sizeof text, format, args);
  bool known = code > PJRT_Error_Code_OK && (int)code <= PJ_UNAUTHENTICATED;
  return pj_status_make(known ? (PjCode)code : PJ_UNKNOWN, "plugin", 0, "%s", text);
}

PjsError *pjs_error(PJRT_Error_Code code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  PjStatus status = make(code, format, args);
  va_end(args);
  return pj_sdk_error(status);
}

PjsError *pjs_op_error(const PjsOp *op, PJRT_Error_Code code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  PjStatus status = make(code, format, args);
  va_end(args);
  return pj_sdk_error(pj_op_blame((const PjOp *)op, status));
}

PjsError *pjs_out_of_memory(void) {
  return pj_sdk_error(pj_status_oom());
}

PjsError *pjs_error_prefix(PjsError *error, const char *format, ...) {
  if (!error)
    return NULL;
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return pj_sdk_error(pj_status_prefix(pj_sdk_status(error), "%s", text));
}

PJRT_Error_Code pjs_error_code(const PjsError *error) {
  return (PJRT_Error_Code)pj_status_code((PjStatus)(uintptr_t)error);
}

const char *pjs_error_message(const PjsError *error) {
  return pj_status_message((PjStatus)(uintptr_t)error);
}

void pjs_error_free(PjsError *error) {
  pj_status_free(pj_sdk_status(error));
}

void pjs_free(void *memory) {
  pj_free(memory);
}

// --- Completions ---------------------------------------------------------------------------------

void pjs_done(PjsDone *done, PjsError *error) {
  PjCompletion *completion = (PjCompletion *)done;
  completion->fn(completion, pj_sdk_status(error));
}
