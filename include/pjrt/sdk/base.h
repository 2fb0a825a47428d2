/* SDK: what all its headers share. Errors, completions, texts.
 *
 * The SDK makes PJRT plugins of a vendor's C code: link libpjrt_sdk.a, fill a PjsPlatform, write
 * PJRT_SDK_PLUGIN(platform) (sdk.h). doc/new-device.md is the guide.
 *
 * Names: functions pjs_*, types Pjs*, constants PJS_*. Element types and error codes are those of
 * the interface (pjrt_c_api.h). Sizes and offsets are in bytes unless a comment says otherwise.
 * What has a |struct_size| grows at its end only: the one who makes the struct writes sizeof of the
 * type that he was compiled with, the reader looks at nothing beyond. Other structs change with
 * PJS_VERSION only. Functions may be called from
 * any thread unless they say otherwise.
 */
#ifndef PJRT_SDK_BASE_H
#define PJRT_SDK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pjrt/pjrt_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The number of this interface: it changes only when structs change other than by growing. */
#define PJS_VERSION 1

#if defined(__GNUC__)
#define PJS_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define PJS_PRINTF(text, first)
#endif

/* --- Errors --------------------------------------------------------------------------------------
 *
 * NULL is success. A function that returns one gives it to its caller, who frees it or hands it on;
 * so does whoever passes one to pjs_done. An error is used by one thread at a time. */
typedef struct PjsError PjsError;

/* Makes an error of |code| (not OK). Never fails: without memory it is a static RESOURCE_EXHAUSTED
 * one. */
PjsError *pjs_error(PJRT_Error_Code code, const char *format, ...) PJS_PRINTF(2, 3);
/* The error for exhausted host memory. */
PjsError *pjs_out_of_memory(void);
/* Puts "text: " before the message and returns |error|; NULL stays NULL. */
PjsError *pjs_error_prefix(PjsError *error, const char *format, ...) PJS_PRINTF(2, 3);
PJRT_Error_Code pjs_error_code(const PjsError *error); /* OK for NULL */
const char *pjs_error_message(const PjsError *error);  /* lives as long as |error|; "" for NULL */
void pjs_error_free(PjsError *error);                  /* NULL allowed */

/* Returns the error of |expression| from the function at hand, if it has one. */
#define PJS_TRY(expression)              \
  do {                                   \
    PjsError *pjs_error_ = (expression); \
    if (pjs_error_)                      \
      return pjs_error_;                 \
  } while (0)

/* --- Completions ---------------------------------------------------------------------------------
 *
 * What an asynchronous function is given to tell that it is done. */
typedef struct PjsDone PjsDone;

/* Tells that the work is done: with success (|error| NULL) or a failure, which is taken. Exactly
 * once per completion, from any thread, also within the call that began the work. Wakes other
 * threads and runs neither code of the host nor of the plugin, so locks may be held. |done| is gone
 * afterwards. */
void pjs_done(PjsDone *done, PjsError *error);

/* Frees a text or bytes that the SDK has returned. NULL allowed. */
void pjs_free(void *memory);

#ifdef __cplusplus
}
#endif

#endif
