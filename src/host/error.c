// Errors of the host library: a code, a message, where in the user's program, and what to do about
// it; made by us or copied from a plugin's error.
#include "host/host.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "pjrt/pjrt_slots.h"

struct PjhError {
  PJRT_Error_Code code;
  const char *message, *location, *hint; // in |text|, or static
  char text[];                           // one after another, each ended by zero
};

// For when there is no memory for an error; never freed, never written.
static const struct PjhError out_of_memory = {
    .code = PJRT_Error_Code_RESOURCE_EXHAUSTED,
    .message = "out of memory",
    .location = "",
    .hint = "",
};

PjhError *pjh__out_of_memory(void) {
  return (PjhError *)(uintptr_t)&out_of_memory;
}

// --- Locations -----------------------------------------------------------------------------------

typedef struct Span {
  const char *begin, *end;
} Span;

// The end of ":LINE" or ":LINE:COLUMN" at |at|; null when there is none.
static const char *position_end(const char *at) {
  const char *end = NULL;
  for (int part = 0; part < 2 && *at == ':' && isdigit((unsigned char)at[1]); part++) {
    for (at++; isdigit((unsigned char)*at); at++) {
    }
    end = at;
  }
  return end;
}

// Our plugin ends a message with " | model.py:41:3" or " | model.py:41:3 (tanh)".
static bool after_bar(const char *message, Span *out) {
  const char *bar = NULL;
  for (const char *at = message; (at = strstr(at, " | ")); at += 3)
    bar = at + 3;
  if (!bar)
    return false;
  for (const char *at = bar; *at && *at != ' '; at++) {
    const char *end = *at == ':' ? position_end(at) : NULL;
    if (end && (!*end || *end == ' ')) {
      *out = (Span){bar, end};
      return true;
    }
  }
  return false;
}

// MLIR writes loc("model.py":41:3) and model.mlir:41:3: error: .... Gives the span with the quotes.
static bool in_text(const char *message, Span *out) {
  for (const char *at = message; (at = strchr(at, ':')); at++) {
    const char *end = position_end(at), *begin = at;
    if (!end || begin == message)
      continue;
    if (begin[-1] == '"') {
      for (begin--; begin > message && begin[-1] != '"'; begin--) {
      }
      if (begin == message)
        continue;
      begin--;
    } else if (strncmp(end, ": error:", 8) == 0) {
      for (; begin > message && !isspace((unsigned char)begin[-1]); begin--) {
      }
      if (*begin == ':')
        continue;
    } else {
      continue;
    }
    *out = (Span){begin, end};
    return true;
  }
  return false;
}

// --- Making --------------------------------------------------------------------------------------

static PjhError *error_make(PJRT_Error_Code code, Span message, const char *hint) {
  size_t size = (size_t)(message.end - message.begin), hint_size = strlen(hint) + 1;
  // A location is no longer than the message it stands in.
  PjhError *error = pj_malloc(sizeof *error + 2 * (size + 1) + hint_size);
  if (!error)
    return pjh__out_of_memory();
  char *text = error->text, *location = text + size + 1;
  if (size)
    memcpy(text, message.begin, size);
  text[size] = 0;
  size_t n = 0;
  Span found;
  if (after_bar(text, &found) || in_text(text, &found))
    for (const char *at = found.begin; at < found.end; at++)
      if (*at != '"')
        location[n++] = *at;
  location[n] = 0;
  char *kept_hint = location + n + 1;
  memcpy(kept_hint, hint, hint_size);
  error->code = code;
  error->message = text;
  error->location = location;
  error->hint = kept_hint;
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
  return error_make(code, (Span){text, text + n}, "");
}

PjhError *pjh__hint(PjhError *error, const char *format, ...) {
  if (!error || error == pjh__out_of_memory() || *error->hint)
    return error;
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const char *message = error->message;
  PjhError *hinted = error_make(error->code, (Span){message, message + strlen(message)}, text);
  pjh_error_free(error);
  return hinted;
}

PjhError *pjh__missing(const PjhPlugin *plugin, const char *function) {
  static const struct {
    const char *name;
    int since;
  } slots[] = {
#define SLOT(slot, name, since) {#name, since},
      PJRT_API_SLOTS(SLOT)
#undef SLOT
  };
  int major = plugin->api->pjrt_api_version.major_version;
  int minor = plugin->api->pjrt_api_version.minor_version, since = 0;
  for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
    if (strcmp(slots[i].name, function) == 0)
      since = slots[i].since;
  PjhError *error = pjh__error(PJRT_Error_Code_UNIMPLEMENTED,
                               "the plugin (PJRT %d.%d) has no PJRT_%s", major, minor, function);
  if (minor < since)
    return pjh__hint(error, "upgrade the plugin: PJRT_%s came with PJRT %d.%d", function,
                     PJRT_API_MAJOR, since);
  return pjh__hint(error, "ask the plugin's maker for PJRT_%s", function);
}

PjhError *pjh__nothing_given(const char *what) {
  return pjh__hint(
      pjh__error(PJRT_Error_Code_INTERNAL, "a call of the plugin succeeded, but gave no %s", what),
      "tell the plugin's maker: pjrt check finds such faults");
}

// What a plugin's complaint about a struct's size means: one side is too old for this call.
static const char *size_hint(const PjhPlugin *plugin, const char *message) {
  if (!strstr(message, "Unexpected ") || !strstr(message, " size: expected"))
    return "";
  return plugin->api->pjrt_api_version.minor_version > PJRT_API_MINOR
             ? "upgrade libpjrt: the plugin is newer and needs more from this call"
             : "upgrade the plugin: it does not accept what newer hosts pass";
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
  if (code.code == PJRT_Error_Code_OK) // An error there is.
    code.code = PJRT_Error_Code_UNKNOWN;
  PJH_ARGS(Error_Message, message);
  message.error = error;
  api->PJRT_Error_Message(&message);
  Span span = {message.message, message.message};
  if (message.message)
    span.end += message.message_size;
  PjhError *ours = error_make(code.code, span, "");
  destroy.error = error;
  api->PJRT_Error_Destroy(&destroy);
  const char *hint = size_hint(plugin, ours->message);
  return *hint ? pjh__hint(ours, "%s", hint) : ours;
}

// --- Reading -------------------------------------------------------------------------------------

PJRT_Error_Code pjh_error_code(const PjhError *error) {
  return error ? error->code : PJRT_Error_Code_OK;
}

const char *pjh_error_message(const PjhError *error) {
  return error ? error->message : "";
}

const char *pjh_error_location(const PjhError *error) {
  return error ? error->location : "";
}

const char *pjh_error_hint(const PjhError *error) {
  return error ? error->hint : "";
}

void pjh_error_free(PjhError *error) {
  if (error != pjh__out_of_memory())
    pj_free(error);
}

const char *pjh_error_code_name(PJRT_Error_Code code) {
  return pj_code_name((PjCode)code);
}
