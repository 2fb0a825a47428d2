// Calls with guards, verdicts and errors: what every test stands on.
#include "kit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

PJRT_Api pj_api;
const PJRT_Api *pj_api_given;
PJRT_GetPjrtApi *pj_get_api;
PjCtsRecord *pj_record;
size_t pj_extra_size;
bool pj_print_verdict;
const PJRT_NamedValue *pj_options, *pj_several_options;
size_t pj_num_options, pj_num_several_options;

const char *const pj_slot_name[PJRT_API_SLOT_COUNT] = {
#define X(slot, name, since) [slot] = #name,
    PJRT_API_SLOTS(X)
#undef X
};

const int pj_slot_since[PJRT_API_SLOT_COUNT] = {
#define X(slot, name, since) [slot] = since,
    PJRT_API_SLOTS(X)
#undef X
};

bool pj_slot_optional(int slot) {
  switch (slot) {
  case PJ_SLOT_Client_AddressableMemories:
  case PJ_SLOT_Device_AddressableMemories:
  case PJ_SLOT_Device_DefaultMemory:
  case PJ_SLOT_Device_MemoryStats:
  case PJ_SLOT_Executable_SizeOfGeneratedCodeInBytes:
  case PJ_SLOT_Executable_GetCostAnalysis:
  case PJ_SLOT_Executable_OutputMemoryKinds:
  case PJ_SLOT_Executable_OptimizedProgram:
  case PJ_SLOT_Executable_Serialize:
  case PJ_SLOT_Executable_DeserializeAndLoad:
  case PJ_SLOT_LoadedExecutable_Fingerprint:
  case PJ_SLOT_Buffer_UnpaddedDimensions:
  case PJ_SLOT_Buffer_DynamicDimensionIndices:
  case PJ_SLOT_Buffer_GetMemoryLayout:
  case PJ_SLOT_Buffer_Memory:
  case PJ_SLOT_Buffer_CopyToDevice:
  case PJ_SLOT_Buffer_UnsafePointer:
  case PJ_SLOT_Buffer_IncreaseExternalReferenceCount:
  case PJ_SLOT_Buffer_DecreaseExternalReferenceCount:
  case PJ_SLOT_Buffer_OpaqueDeviceMemoryDataPointer:
    return true;
  case PJ_SLOT_Executable_OutputElementTypes:
  case PJ_SLOT_Executable_OutputDimensions:
    return false;
  default:
    // Streams, topologies, compiling without devices, and all that came after the first versions.
    return slot >= PJ_SLOT_CopyToDeviceStream_Destroy;
  }
}

const char *pj_code_text(PJRT_Error_Code code) {
  static const char *const names[] = {"OK",
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
                                      "UNAUTHENTICATED"};
  return (unsigned)code < sizeof names / sizeof *names ? names[code] : "(no code of the interface)";
}

// Raises an entry of the record; threads may do so at a time.
static void note(unsigned char *entry, unsigned char value) {
  if (__atomic_load_n(entry, __ATOMIC_RELAXED) < value)
    __atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

static void conclude(PjCtsVerdict verdict, const char *file, int line, const char *format,
                     va_list args) {
  const char *slash = strrchr(file, '/');
  snprintf(pj_record->file, sizeof pj_record->file, "%s", slash ? slash + 1 : file);
  pj_record->line = line;
  vsnprintf(pj_record->message, sizeof pj_record->message, format, args);
  pj_record->verdict = verdict;
  if (pj_print_verdict)
    fprintf(stderr, "%s: %s (%s:%d)\n", verdict == PJ_CTS_FAILED ? "failed" : "not offered",
            pj_record->message, pj_record->file, line);
}

void pj_fail(const char *file, int line, const char *format, ...) {
  va_list args;
  va_start(args, format);
  conclude(PJ_CTS_FAILED, file, line, format, args);
  va_end(args);
  _exit(1); // the plugin may be in any state, so its destructors are not run
}

void pj_not_offered(const char *format, ...) {
  va_list args;
  va_start(args, format);
  conclude(PJ_CTS_NOT_OFFERED, "", 0, format, args);
  va_end(args);
  _exit(0);
}

typedef PJRT_Error *Function(void *args);

static Function *function_at(int slot) {
  Function *function;
  memcpy(&function,
         (const char *)&pj_api + offsetof(PJRT_Api, PJRT_Error_Destroy) +
             (size_t)slot * sizeof function,
         sizeof function);
  return function;
}

bool pj_has(int slot) {
  return function_at(slot) != NULL;
}

bool pj_of_version(int slot) {
  bool has = pj_slot_since[slot] <= pj_api.pjrt_api_version.minor_version;
  if (!has)
    note(&pj_record->not_offered[slot], 1);
  return has;
}

PJRT_Error *pj_call(int slot, void *args, const char *file, int line) {
  enum { ROOM = 1024, GUARD = 64, PATTERN = 0xa7 };
  union {
    max_align_t align;
    unsigned char bytes[ROOM];
  } copy;
  Function *function = function_at(slot);
  if (!function) {
    note(&pj_record->not_offered[slot], 1);
    if (pj_slot_since[slot] > pj_api.pjrt_api_version.minor_version)
      pj_not_offered("PJRT_%s came with 0.%d, the plugin is of 0.%d", pj_slot_name[slot],
                     pj_slot_since[slot], pj_api.pjrt_api_version.minor_version);
    pj_fail(file, line, "PJRT_%s is a null pointer", pj_slot_name[slot]);
  }
  size_t size;
  memcpy(&size, args, sizeof size);
  size_t passed = size + pj_extra_size;
  if (passed + GUARD > ROOM)
    pj_fail(file, line, "the kit's own fault: arguments of %zu bytes", passed);
  memset(copy.bytes, 0, passed);
  memcpy(copy.bytes, args, size);
  memcpy(copy.bytes, &passed, sizeof passed);
  memset(copy.bytes + passed, PATTERN, GUARD);
  note(&pj_record->called[slot], 1);
  __atomic_store_n(&pj_record->slot, slot, __ATOMIC_RELAXED);
  PJRT_Error *error = NULL;
  if (slot == PJ_SLOT_Error_Destroy)
    pj_api.PJRT_Error_Destroy((PJRT_Error_Destroy_Args *)copy.bytes);
  else if (slot == PJ_SLOT_Error_Message)
    pj_api.PJRT_Error_Message((PJRT_Error_Message_Args *)copy.bytes);
  else
    error = function(copy.bytes);
  __atomic_store_n(&pj_record->slot, -1, __ATOMIC_RELAXED);
  if (!error)
    note(&pj_record->called[slot], 2);
  for (int i = 0; i < GUARD; i++)
    if (copy.bytes[passed + (size_t)i] != PATTERN)
      pj_fail(file, line, "PJRT_%s wrote beyond its arguments: at byte %zu, struct_size is %zu",
              pj_slot_name[slot], passed + (size_t)i, passed);
  for (size_t i = size; i < passed; i++)
    if (copy.bytes[i])
      pj_fail(file, line, "PJRT_%s wrote at byte %zu into a field that it does not know",
              pj_slot_name[slot], i);
  if (memcmp(copy.bytes, &passed, sizeof passed) != 0)
    pj_fail(file, line, "PJRT_%s changed struct_size", pj_slot_name[slot]);
  memcpy((char *)args + sizeof size, copy.bytes + sizeof size, size - sizeof size);
  return error;
}

// --- Errors --------------------------------------------------------------------------------------

PJRT_Error_Code pj_error_code(const PJRT_Error *error) {
  ARGS(Error_GetCode, get, .error = error);
  get.code = (PJRT_Error_Code)-1;
  PJRT_Error *second = CALL(Error_GetCode, get);
  if (second)
    FAIL("PJRT_Error_GetCode answered with an error");
  return get.code;
}

const char *pj_error_text(const PJRT_Error *error) {
  static _Thread_local char buffers[4][1024];
  static _Thread_local unsigned next;
  char *buffer = buffers[next++ % 4];
  ARGS(Error_Message, get, .error = error);
  CALL(Error_Message, get);
  CHECK(get.message || !get.message_size, "PJRT_Error_Message answers null with size %zu",
        get.message_size);
  snprintf(buffer, sizeof buffers[0], "%.*s",
           get.message_size > 1000 ? 1000 : (int)get.message_size, get.message ? get.message : "");
  return buffer;
}

void pj_error_free(PJRT_Error *error) {
  ARGS(Error_Destroy, destroy, .error = error);
  CALL(Error_Destroy, destroy);
}

bool pj_expect_offered(int slot, PJRT_Error *error, const char *file, int line) {
  if (!error)
    return true;
  PJRT_Error_Code code = pj_error_code(error);
  if (code == PJRT_Error_Code_UNIMPLEMENTED && pj_slot_optional(slot)) {
    note(&pj_record->not_offered[slot], 1);
    pj_error_free(error);
    return false;
  }
  pj_fail(file, line, "PJRT_%s: %s: %s", pj_slot_name[slot], pj_code_text(code),
          pj_error_text(error));
}

void pj_expect_ok(int slot, PJRT_Error *error, const char *file, int line) {
  if (!error)
    return;
  const char *text = pj_error_text(error);
  if (!pj_expect_offered(slot, error, file, line))
    pj_not_offered("PJRT_%s: UNIMPLEMENTED: %s", pj_slot_name[slot], text);
}

void pj_expect_error(int slot, PJRT_Error *error, PJRT_Error_Code code, const char *what,
                     const char *file, int line) {
  if (!error)
    pj_fail(file, line, "%s succeeds, %s is due", what, code ? pj_code_text(code) : "an error");
  PJRT_Error_Code got = pj_error_code(error);
  const char *text = pj_error_text(error);
  if (got == PJRT_Error_Code_UNIMPLEMENTED && code != got && slot >= 0 && pj_slot_optional(slot)) {
    note(&pj_record->not_offered[slot], 1);
    pj_not_offered("%s: UNIMPLEMENTED: %s", what, text);
  }
  if (code && got != code)
    pj_fail(file, line, "%s: %s is due, not %s: %s", what, pj_code_text(code), pj_code_text(got),
            text);
  if (got <= PJRT_Error_Code_OK || got > PJRT_Error_Code_UNAUTHENTICATED)
    pj_fail(file, line, "%s: an error of code %d", what, (int)got);
  if (!*text)
    pj_fail(file, line, "%s: an error without a message", what);
  pj_error_free(error);
}

double pj_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void pj_sleep(double seconds) {
  struct timespec t = {.tv_sec = (time_t)seconds};
  t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
  nanosleep(&t, NULL);
}
