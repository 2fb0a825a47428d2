// What tests of the conformance kit are written with. A test runs in a process of its own, so a
// failed check ends the process and nothing is cleaned up after it.
#pragma once
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pjrt/pjrt_c_api.h"
#include "record.h"
#include "tests.h"

enum {
#define X(slot, name, since) PJ_SLOT_##name = slot,
  PJRT_API_SLOTS(X)
#undef X
};

// The plugin's table, padded with nulls to the size that this kit knows, and where its verdict
// goes.
extern PJRT_Api pj_api;
extern const PJRT_Api *pj_api_given; // as the plugin returned it
extern PJRT_GetPjrtApi *pj_get_api;  // the plugin's exported function
extern PjCtsRecord *pj_record;
extern size_t
    pj_extra_size; // added to the struct_size of every call, as a host of a later version would

extern bool pj_print_verdict; // to stderr, for a test run by hand

extern const char *const pj_slot_name[PJRT_API_SLOT_COUNT];
extern const int pj_slot_since[PJRT_API_SLOT_COUNT];

// Whether a plugin may leave out the function, by UNIMPLEMENTED. Hosts cannot do without the
// others.
bool pj_slot_optional(int slot);
const char *pj_code_text(PJRT_Error_Code code);

// Ends the test.
_Noreturn void pj_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
_Noreturn void pj_not_offered(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define FAIL(...)             pj_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(condition, ...) ((condition) ? (void)0 : FAIL(__VA_ARGS__))
// Of integers.
#define EQUAL(got, want, what)                                       \
  do {                                                               \
    long long got_ = (long long)(got), want_ = (long long)(want);    \
    CHECK(got_ == want_, "%s is %lld, not %lld", what, got_, want_); \
  } while (0)

// ARGS(Client_Compile, c, .client = client): arguments with their size set.
#define ARGS(name, variable, ...) \
  PJRT_##name##_Args variable = {.struct_size = PJRT_##name##_Args_STRUCT_SIZE, ##__VA_ARGS__}
// Calls a function of the plugin and returns its error. A copy of the arguments is passed, with
// guards behind their end; the test fails if the plugin writes there or changes the size. A
// function that is not there ends the test.
#define CALL(name, variable) \
  pj_call(PJ_SLOT_##name, true ? &(variable) : (PJRT_##name##_Args *)NULL, __FILE__, __LINE__)
// The same for success: an error fails the test with its message; UNIMPLEMENTED of an optional
// function ends it as not offered.
#define OK(name, variable) pj_expect_ok(PJ_SLOT_##name, CALL(name, variable), __FILE__, __LINE__)
// The same, but returns false for UNIMPLEMENTED of an optional function, and for one that came
// later.
#define OFFERED(name, variable)     \
  (pj_of_version(PJ_SLOT_##name) && \
   pj_expect_offered(PJ_SLOT_##name, CALL(name, variable), __FILE__, __LINE__))
// Expects an error of the code, with a message.
#define FAILS(name, variable, code)                                                            \
  pj_expect_error(PJ_SLOT_##name, CALL(name, variable), PJRT_Error_Code_##code, "PJRT_" #name, \
                  __FILE__, __LINE__)
// Expects an error of any code, with a message.
#define REFUSES(name, variable)                                                            \
  pj_expect_error(PJ_SLOT_##name, CALL(name, variable), PJRT_Error_Code_OK, "PJRT_" #name, \
                  __FILE__, __LINE__)

PJRT_Error *pj_call(int slot, void *args, const char *file, int line);
bool pj_has(int slot);
bool pj_of_version(int slot); // whether the plugin's version has the function
void pj_expect_ok(int slot, PJRT_Error *error, const char *file, int line);
bool pj_expect_offered(int slot, PJRT_Error *error, const char *file, int line);
// |code| OK: any. Frees the error.
void pj_expect_error(int slot, PJRT_Error *error, PJRT_Error_Code code, const char *what,
                     const char *file, int line);

PJRT_Error_Code pj_error_code(const PJRT_Error *error);
// The message, ended by zero, in one of four static buffers in turn.
const char *pj_error_text(const PJRT_Error *error);
void pj_error_free(PJRT_Error *error);

double pj_now(void); // seconds
void pj_sleep(double seconds);
// Options of --option, for clients.
extern const PJRT_NamedValue *pj_options;
extern size_t pj_num_options;
// Options of the profile's `several` line, for tests of several devices.
extern const PJRT_NamedValue *pj_several_options;
extern size_t pj_num_several_options;
extern const char *pj_topology; // --topology, or null

// --- Objects -------------------------------------------------------------------------------------

// The client that most tests use; made by start(), which every one of them calls first.
extern PJRT_Client *client;
extern PJRT_Device *device; // the first addressable one
// PJRT_Plugin_Initialize, once in a process; start() calls it.
void pj_initialize(void);
void start(void);
// Destroys the client; the test's own objects must be gone.
void stop(void);
// A client of at least |count| addressable devices becomes `client`. Ends the test as not offered
// if the plugin has fewer and does not know how to be given more.
void start_several(size_t count);

PJRT_Device *device_at(size_t index);
size_t num_devices(void);
int device_id(PJRT_Device *of);
PJRT_Memory *default_memory(PJRT_Device *of);

typedef enum { DURING_CALL, UNTIL_TRANSFER, ZERO_COPY, MUTABLE_ZERO_COPY } Semantics;

// A buffer with a copy of dense |data| on |on|, waited for.
PJRT_Buffer *make_buffer(PJRT_Device *on, PJRT_Buffer_Type type, size_t rank, const int64_t *dims,
                         const void *data);
// One dimension, on the first device.
PJRT_Buffer *make_f32(size_t count, const float *data);
// Waits for the contents and copies |size| bytes of them, row-major. The plugin must say that it is
// that many.
void read_buffer(PJRT_Buffer *buffer, void *out, size_t size);
void destroy_buffer(PJRT_Buffer *buffer);
bool is_deleted(PJRT_Buffer *buffer);
PJRT_Event *ready_event(PJRT_Buffer *buffer);
// Checks that the buffer holds these numbers.
void expect_f32(PJRT_Buffer *buffer, size_t count, const float *want, const char *what);

bool is_ready(PJRT_Event *event);
// Waits for an event, destroys it, and returns its error.
PJRT_Error *await_event(PJRT_Event *event);
// The same, for an event that must be one of success. Null is taken as "already done".
void await_ok(PJRT_Event *event, const char *what);
void destroy_event(PJRT_Event *event);

// CompileOptionsProto for |replicas| x |partitions|, of |*size| bytes, in a static array.
const char *compile_options(int replicas, int partitions, size_t *size);
// The first device that compile_options assigns, an index; 0 by default.
extern size_t pj_first_device;
PJRT_Error *try_compile(const char *code, size_t code_size, const char *format, const char *options,
                        size_t options_size, PJRT_LoadedExecutable **out);
// Compiles StableHLO text for one device.
PJRT_LoadedExecutable *compile(const char *text);
PJRT_Executable *executable_of(PJRT_LoadedExecutable *loaded);
void destroy_executable(PJRT_Executable *executable);
void destroy_loaded(PJRT_LoadedExecutable *loaded);
// Runs on one device; |outputs| are set. The device's event is waited for.
PJRT_Error *try_execute(PJRT_LoadedExecutable *loaded, size_t num_args, PJRT_Buffer **args,
                        PJRT_Buffer **outputs);
void execute(PJRT_LoadedExecutable *loaded, size_t num_args, PJRT_Buffer **args,
             PJRT_Buffer **outputs);

// Small programs.
extern const char program_add[];      // (f32[4], f32[4]) -> f32[4]: sum
extern const char program_two[];      // f32[4] -> f32[4], f32[]: negated, and the sum of all
extern const char program_identity[]; // f32[4] -> f32[4]
extern const char program_donate[];   // f32[4] (may become the result) -> f32[4]: doubled
extern const char program_none[];     // () -> f32[2]: 1, 2
extern const char program_slow[]; // f32[256,256], s32[] -> f32[256,256]: that many products in turn
