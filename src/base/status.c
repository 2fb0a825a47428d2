// Status objects: a small heap block per failure.
#include "base/status.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

// A payload; a chain from the latest to the first, shared by copies of a status.
typedef struct Payload {
  struct Payload *older;
  _Atomic int refs;
  size_t key_len, value_len;
  char bytes[]; // key, then value
} Payload;

struct PjStatusRep {
  PjCode code;
  int line;         // of ours, for PJRT_LOG
  const char *file; // static
  char *message;    // owned
  char *location;   // owned or NULL
  Payload *payload; // a reference, or NULL
};

static struct PjStatusRep oom_status = {
    .code = PJ_RESOURCE_EXHAUSTED, .file = __FILE__, .message = "out of memory"};

PjStatus pj_status_oom(void) {
  return &oom_status;
}

static char *format_text(const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int len = vsnprintf(NULL, 0, format, again);
  va_end(again);
  if (len < 0)
    return NULL;
  char *text = pj_malloc((size_t)len + 1);
  if (text)
    vsnprintf(text, (size_t)len + 1, format, args);
  return text;
}

PjStatus pj_status_make(PjCode code, const char *file, int line, const char *format, ...) {
  struct PjStatusRep *status = pj_calloc(1, sizeof *status);
  if (!status)
    return pj_status_oom();
  va_list args;
  va_start(args, format);
  status->message = format_text(format, args);
  va_end(args);
  if (!status->message) {
    pj_free(status);
    return pj_status_oom();
  }
  status->code = code;
  status->file = file;
  status->line = line;
  return status;
}

PjCode pj_status_code(PjStatus status) {
  return status ? status->code : PJ_OK;
}
const char *pj_status_message(PjStatus status) {
  return status ? status->message : "";
}
const char *pj_status_location(PjStatus status) {
  return status && status->location ? status->location : "";
}

const char *pj_code_name(PjCode code) {
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
  return (unsigned)code < sizeof names / sizeof *names ? names[code] : "UNKNOWN";
}

PjStatus pj_status_prefix(PjStatus status, const char *format, ...) {
  if (!status || status == &oom_status)
    return status;
  va_list args;
  va_start(args, format);
  char *prefix = format_text(format, args);
  va_end(args);
  if (!prefix)
    return status;
  size_t a = strlen(prefix), b = strlen(status->message);
  char *joined = pj_malloc(a + b + 3);
  if (joined) {
    memcpy(joined, prefix, a);
    memcpy(joined + a, ": ", 2);
    memcpy(joined + a + 2, status->message, b + 1);
    pj_free(status->message);
    status->message = joined;
  }
  pj_free(prefix);
  return status;
}

PjStatus pj_status_at(PjStatus status, const char *location) {
  if (!status || status == &oom_status || status->location || !location || !*location)
    return status;
  status->location = pj_strndup(location, strlen(location));
  return status;
}

void pj_status_add_payload(PjStatus status, const char *key, size_t key_len, const void *value,
                           size_t value_len) {
  size_t size;
  if (!status || status == &oom_status || !pj_add_size(key_len, value_len, &size) ||
      !pj_add_size(size, sizeof(Payload), &size))
    return;
  Payload *payload = pj_malloc(size);
  if (!payload)
    return;
  *payload =
      (Payload){.older = status->payload, .refs = 1, .key_len = key_len, .value_len = value_len};
  if (key_len)
    memcpy(payload->bytes, key, key_len);
  if (value_len)
    memcpy(payload->bytes + key_len, value, value_len);
  status->payload = payload;
}

bool pj_status_payload(PjStatus status, size_t index, const char **key, size_t *key_len,
                       const char **value, size_t *value_len) {
  size_t count = 0;
  const Payload *payload = status ? status->payload : NULL;
  for (const Payload *each = payload; each; each = each->older)
    count++;
  if (index >= count)
    return false;
  for (size_t skip = count - 1 - index; skip; skip--)
    payload = payload->older;
  *key = payload->bytes;
  *key_len = payload->key_len;
  *value = payload->bytes + payload->key_len;
  *value_len = payload->value_len;
  return true;
}

static void release_payload(Payload *payload) {
  while (payload && atomic_fetch_sub_explicit(&payload->refs, 1, memory_order_acq_rel) == 1) {
    Payload *older = payload->older;
    pj_free(payload);
    payload = older;
  }
}

PjStatus pj_status_clone(PjStatus status) {
  if (!status || status == &oom_status)
    return status;
  PjStatus copy = pj_status_make(status->code, status->file, status->line, "%s", status->message);
  if (copy != &oom_status && status->payload) {
    atomic_fetch_add_explicit(&status->payload->refs, 1, memory_order_relaxed);
    copy->payload = status->payload;
  }
  return pj_status_at(copy, status->location);
}

void pj_status_free(PjStatus status) {
  if (!status || status == &oom_status)
    return;
  pj_free(status->message);
  pj_free(status->location);
  release_payload(status->payload);
  pj_free(status);
}
