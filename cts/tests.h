// The list of tests.
#pragma once
#include <stdbool.h>
#include <stddef.h>

// A name is TAG.WHAT[.VARIANT]; reports are summed up by tag. |promise| is the sentence of the
// interface that the test tries.
typedef struct PjCtsTest {
  const char *name, *promise;
  void (*run)(void);
  // For tests that are made from a table: which row.
  void (*run_row)(size_t row);
  size_t row;
} PjCtsTest;

// All tests, made on the first call. Not thread-safe.
const PjCtsTest *pj_cts_tests(size_t *out_count);

// The tables that it is made of. Each ends in a row without a name.
extern const PjCtsTest pj_cts_api_tests[], pj_cts_error_tests[], pj_cts_event_tests[];
extern const PjCtsTest pj_cts_client_tests[], pj_cts_device_tests[], pj_cts_memory_tests[];
extern const PjCtsTest pj_cts_upload_tests[], pj_cts_download_tests[], pj_cts_buffer_tests[];
extern const PjCtsTest pj_cts_compile_tests[], pj_cts_execute_tests[], pj_cts_donation_tests[];
extern const PjCtsTest pj_cts_serialize_tests[], pj_cts_transfer_tests[], pj_cts_topology_tests[];
extern const PjCtsTest pj_cts_thread_tests[], pj_cts_devices_tests[], pj_cts_leak_tests[];
extern const PjCtsTest pj_cts_extension_tests[], pj_cts_ahead_tests[], pj_cts_stream_tests[],
    pj_cts_hlo_tests[];

// Tests made from tables: row |row| into |out|, whose strings live as long as the process; false
// after the last.
bool pj_cts_size_test(size_t row, PjCtsTest *out);
bool pj_cts_type_test(size_t row, PjCtsTest *out);
bool pj_cts_program_test(size_t row, PjCtsTest *out);
bool pj_cts_collective_test(size_t row, PjCtsTest *out);
bool pj_cts_guard_test(size_t row, PjCtsTest *out);
