// Errors of the host library: a code and a message, made by us or copied from a plugin's error.
#include "host/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct PjhError {
  PJRT_Error_Code code;
  char message[];
};

// For when there is no memory for an error; never freed, never written.
static const struct {
  PJRT_Error_Code code;
  char message[16];
} out_of_memory = {PJRT_Error_Code_RESOURCE_EXHAUSTED, "out of memory"};

PjhError *pjh__out_of_memory(void) {
  return (PjhError *)(uintptr_t)&out_of_memory;
}

static PjhError *error_make(PJRT_Error_Code code, const char *message, size_t size) {
  PjhError *error = malloc(sizeof *error + size + 1);
  if (!error)
    return pjh__out_of_memory();
  error->code = code;
  if (size)
    memcpy(error->message, message, size);
  error->message[size] = 0;
  return error;
}

PjhError *pjh__error(PJRT_Error_Code code, const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (n < 0)
    n = 0;
  if ((size_t)n >= sizeof text)
    n = sizeof text - 1;
  return error_make(code, text, (size_t)n);
}

PjhError *pjh__take(const PjhPlugin *plugin, PJRT_Error *error) {
  if (!error)
    return NULL;
  const PJRT_Api *api = plugin->api;
  PJH_ARGS(Error_GetCode, code);
  code.error = error;
  code.code = PJRT_Error_Code_UNKNOWN;
  PJRT_Error *nested = api->PJRT_Error_GetCode(&code);
  PJH_ARGS(Error_Destroy, destroy);
  if (nested) { // An error about an error: give up on the code, keep the message.
    destroy.error = nested;
    api->PJRT_Error_Destroy(&destroy);
    code.code = PJRT_Error_Code_UNKNOWN;
  }
  PJH_ARGS(Error_Message, message);
  message.error = error;
  api->PJRT_Error_Message(&message);
  PjhError *ours =
      error_make(code.code, message.message, message.message ? message.message_size : 0);
  destroy.error = error;
  api->PJRT_Error_Destroy(&destroy);
  return ours;
}

PJRT_Error_Code pjh_error_code(const PjhError *error) {
  return error ? error->code : PJRT_Error_Code_OK;
}

const char *pjh_error_message(const PjhError *error) {
  return error ? error->message : "";
}

void pjh_error_free(PjhError *error) {
  if (error != pjh__out_of_memory())
    free(error);
}

const char *pjh_error_code_name(PJRT_Error_Code code) {
  static const char *const names[] = {
      "OK",
      "CANCELLED",
      "UNKNOWN",
      "INVALID_ARGUMENT",
      "DEADLINE_EXCEEDED",
      "NOT_FOUND",
      "ALREADY_EXISTS",
      "PERMISSION_DENIED",
      "RESOURCE_EXHAUSTED",
      "FAILED_PRECONDITION",
      "ABORTED",
      "OUT_OF_RANGE",
      "UNIMPLEMENTED",
      "INTERNAL",
      "UNAVAILABLE",
      "DATA_LOSS",
      "UNAUTHENTICATED",
  };
  size_t index = (size_t)code;
  return index < sizeof names / sizeof *names ? names[index] : "UNKNOWN";
}

char *pjh__copy_string(const char *text, size_t size) {
  char *copy = malloc(size + 1);
  if (!copy)
    return NULL;
  if (size)
    memcpy(copy, text, size);
  copy[size] = 0;
  return copy;
}

void pjh_free(void *memory) {
  free(memory);
}
