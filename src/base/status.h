// Status: the result of every function that can fail. One word; NULL is OK. A failure carries a
// code, a message (what, with shapes and dtypes printed), and, where known, the location in the
// user's program and a hint.
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

// Equal to PJRT_Error_Code (and absl's codes), so that the surface translates nothing. ORDER
// status-code
typedef enum PjCode {
  PJ_OK = 0,
  PJ_CANCELLED = 1,
  PJ_UNKNOWN = 2,
  PJ_INVALID_ARGUMENT = 3,
  PJ_DEADLINE_EXCEEDED = 4,
  PJ_NOT_FOUND = 5,
  PJ_ALREADY_EXISTS = 6,
  PJ_PERMISSION_DENIED = 7,
  PJ_RESOURCE_EXHAUSTED = 8,
  PJ_FAILED_PRECONDITION = 9,
  PJ_ABORTED = 10,
  PJ_OUT_OF_RANGE = 11,
  PJ_UNIMPLEMENTED = 12,
  PJ_INTERNAL = 13,
  PJ_UNAVAILABLE = 14,
  PJ_DATA_LOSS = 15,
  PJ_UNAUTHENTICATED = 16,
} PjCode;

// Owned by whoever holds it; free with pj_status_free. Not shared between threads without a lock.
typedef struct PjStatusRep *PjStatus;
#define PJ_STATUS_OK ((PjStatus)NULL)

// Makes a failure. Never fails itself: without memory it returns a static RESOURCE_EXHAUSTED
// status.
PjStatus pj_status_make(PjCode code, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));

// As pj_status_make with a code known at the place of the call: PJ_ERROR(INVALID_ARGUMENT, "rank
// %d", rank).
#define PJ_ERROR(code, ...) pj_status_make(PJ_##code, __FILE__, __LINE__, __VA_ARGS__)

// The static status for exhausted memory; freeing it does nothing.
PjStatus pj_status_oom(void);

PjCode pj_status_code(PjStatus status);          // PJ_OK for NULL
const char *pj_status_message(PjStatus status);  // "" for NULL; lives as long as |status|
const char *pj_status_location(PjStatus status); // where in the user's program, or ""
const char *pj_code_name(PjCode code);           // "INVALID_ARGUMENT"

// Puts "context: " before the message and returns |status|; NULL stays NULL.
PjStatus pj_status_prefix(PjStatus status, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));

// Sets the location (of the user's program, e.g. "model.py:41:3") unless one is set already; copies
// |location|.
PjStatus pj_status_at(PjStatus status, const char *location);

// Attaches bytes under a key, for a host that put them there to find again (PJRT error payloads).
// Copies both; does nothing for NULL or without memory. Copies of the status share what was
// attached before.
void pj_status_add_payload(PjStatus status, const char *key, size_t key_len, const void *value,
                           size_t value_len);
// Payload |index|, in the order of attaching; false when there are no more. Lives as long as
// |status|.
bool pj_status_payload(PjStatus status, size_t index, const char **key, size_t *key_len,
                       const char **value, size_t *value_len);

// An independent copy, for a failure that has several receivers.
PjStatus pj_status_clone(PjStatus status);

void pj_status_free(PjStatus status); // NULL allowed

#define PJ_TRY(expr)                                 \
  do {                                               \
    PjStatus pj_try_status_ = (expr);                \
    if (__builtin_expect(pj_try_status_ != NULL, 0)) \
      return pj_try_status_;                         \
  } while (0)

// As PJ_TRY, with context put before the message: PJ_TRY_IN(read(x), "argument %d", i).
#define PJ_TRY_IN(expr, ...)                                \
  do {                                                      \
    PjStatus pj_try_status_ = (expr);                       \
    if (__builtin_expect(pj_try_status_ != NULL, 0))        \
      return pj_status_prefix(pj_try_status_, __VA_ARGS__); \
  } while (0)

// Returns an error of |code| when |cond| holds.
#define PJ_FAIL_IF(cond, code, ...)       \
  do {                                    \
    if (__builtin_expect(!!(cond), 0))    \
      return PJ_ERROR(code, __VA_ARGS__); \
  } while (0)
