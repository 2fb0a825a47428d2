// Helpers for tests that drive the CPU plugin through its function table, as a host does.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pjrt/pjrt_c_api.h"

// The function table of build/pjrt_plugin_cpu.so.
extern const PJRT_Api *api;

// cmocka group fixtures: load the plugin and open a client with two devices, `client`.
extern PJRT_Client *client;
int plugin_setup(void **state);
int plugin_teardown(void **state);

// ARGS(Client_Compile, c, .client = client): arguments with size set.
#define ARGS(name, variable, ...) \
  PJRT_##name##_Args variable = {.struct_size = PJRT_##name##_Args_STRUCT_SIZE, ##__VA_ARGS__}
// Calls api->PJRT_NAME(&variable) and fails the test, with the message, on an error.
#define OK(name, variable) expect_ok(api->PJRT_##name(&variable), #name, __FILE__, __LINE__)
// Expects an error of |code| whose message holds |text|.
#define FAILS(name, variable, code, text) \
  expect_error(api->PJRT_##name(&variable), PJRT_Error_Code_##code, text, #name, __FILE__, __LINE__)

void expect_ok(PJRT_Error *error, const char *what, const char *file, int line);
void expect_error(PJRT_Error *error, PJRT_Error_Code code, const char *text, const char *what,
                  const char *file, int line);

PJRT_Device *device_at(size_t index);
PJRT_Memory *memory_of_kind(PJRT_Device *device, const char *kind);
// A buffer with a copy of |data| on |device|.
PJRT_Buffer *make_buffer(PJRT_Device *device, PJRT_Buffer_Type type, size_t rank,
                         const int64_t *dims, const void *data);
// Waits for the contents and copies |size| bytes of them, row-major. The buffer must have that
// size.
void read_buffer(PJRT_Buffer *buffer, void *out, size_t size);
void destroy_buffer(PJRT_Buffer *buffer);
// Waits for an event, destroys it, and returns its error.
PJRT_Error *await_event(PJRT_Event *event);
bool is_deleted(PJRT_Buffer *buffer);

// CompileOptionsProto for |replicas| x |partitions|, of |*size| bytes, in a static array.
const char *compile_options(int replicas, int partitions, size_t *size);
// Compiles StableHLO text for one device.
PJRT_LoadedExecutable *compile(const char *text);
PJRT_Error *try_compile(const char *code, size_t code_size, const char *format, const char *options,
                        size_t options_size, PJRT_LoadedExecutable **out);
void destroy_executable(PJRT_LoadedExecutable *executable);
// Runs on one device; |outputs| are set.
PJRT_Error *try_execute(PJRT_LoadedExecutable *executable, size_t num_args, PJRT_Buffer **args,
                        PJRT_Buffer **outputs);
