// Helpers for tests of the host library (src/host), which they link statically: the CPU plugin
// loaded through it, and function tables like those of older plugins.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/host.h"

#define CPU_PLUGIN PJ_BINARY_DIR "/pjrt_plugin_cpu.so"

// cmocka group fixtures: the CPU plugin, `host_plugin`, and a client with two devices,
// `host_client`.
extern PjhPlugin *host_plugin;
extern PjhClient *host_client;
int host_setup(void **state);
int host_teardown(void **state);

// Fails the test with the message when there is an error.
#define HOST_OK(call) host_expect_ok((call), #call, __FILE__, __LINE__)
// Expects an error of |code| whose message holds |text|, and frees it.
#define HOST_FAILS(call, code, text) \
  host_expect_error((call), PJRT_Error_Code_##code, text, "", #call, __FILE__, __LINE__)
// The same, and whose hint holds |hint|.
#define HOST_FAILS_HINT(call, code, text, hint) \
  host_expect_error((call), PJRT_Error_Code_##code, text, hint, #call, __FILE__, __LINE__)
void host_expect_ok(PjhError *error, const char *what, const char *file, int line);
void host_expect_error(PjhError *error, PJRT_Error_Code code, const char *text, const char *hint,
                       const char *what, const char *file, int line);

// y = x + 1 over four floats.
extern const char host_add_one[];
PjhExecutable *host_compile(PjhClient *client, const char *text, const PjhCompileOptions *options);
PjhBuffer *host_floats(PjhClient *client, size_t device, const float *values, int64_t count);
// Waits for |buffer| and compares its |count| floats.
void host_expect_floats(PjhBuffer *buffer, const float *expected, size_t count);

// The CPU plugin's table as a plugin of version 0.|minor| would have it: |api| is a copy, cut
// behind the last function of that version.
void host_older(PJRT_Api *api, int minor);
