// The list of all tests, made of the tables in test_*.c and of rows.
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>

static PjCtsTest *all;
static size_t count, room;

static void add(PjCtsTest test) {
  if (count == room) {
    room = room ? 2 * room : 256;
    all = realloc(all, room * sizeof *all);
    if (!all) {
      perror("pjrt check");
      exit(2);
    }
  }
  all[count++] = test;
}

static void add_table(const PjCtsTest *table) {
  for (; table->name; table++)
    add(*table);
}

static void add_rows(bool (*row)(size_t, PjCtsTest *)) {
  PjCtsTest test;
  for (size_t i = 0; row(i, &test); i++)
    if (test.name)
      add(test);
}

const PjCtsTest *pj_cts_tests(size_t *out_count) {
  if (!all) {
    add_table(pj_cts_api_tests);
    add_rows(pj_cts_size_test);
    add_table(pj_cts_error_tests);
    add_table(pj_cts_event_tests);
    add_table(pj_cts_client_tests);
    add_table(pj_cts_device_tests);
    add_table(pj_cts_memory_tests);
    add_table(pj_cts_upload_tests);
    add_rows(pj_cts_type_test);
    add_table(pj_cts_download_tests);
    add_table(pj_cts_buffer_tests);
    add_table(pj_cts_compile_tests);
    add_table(pj_cts_hlo_tests);
    add_table(pj_cts_execute_tests);
    add_table(pj_cts_donation_tests);
    add_table(pj_cts_serialize_tests);
    add_table(pj_cts_topology_tests);
    add_table(pj_cts_ahead_tests);
    add_rows(pj_cts_program_test);
    add_table(pj_cts_transfer_tests);
    add_table(pj_cts_stream_tests);
    add_table(pj_cts_thread_tests);
    add_table(pj_cts_devices_tests);
    add_rows(pj_cts_collective_test);
    add_table(pj_cts_extension_tests);
    add_rows(pj_cts_guard_test);
    add_table(pj_cts_leak_tests);
  }
  *out_count = count;
  return all;
}
