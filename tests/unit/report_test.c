// Reports of the pjrt command (cli/report.h), the forms of files (build.h), and programs inspected
// (inspect.h), also without memory.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "inspect.h"

static void write_report(PjReport *report) {
  pj_report_open(report, NULL);
  pj_report_open(report, "part");
  pj_report_string(report, "name", "a\"b\\c\n\x01");
  pj_report_text(report, "bytes", "\xc3\xa9\xff\xed\xa0\x80|", 7);
  pj_report_int(report, "int", INT64_MIN);
  pj_report_real(report, "real", 0.5);
  pj_report_real(report, "not", NAN);
  pj_report_bool(report, "yes", true);
  pj_report_open(report, "nothing");
  pj_report_close(report);
  pj_report_open_list(report, "list");
  pj_report_open(report, NULL);
  pj_report_int(report, "id", 1);
  pj_report_string(report, "kind", "x");
  pj_report_close(report);
  pj_report_string(report, NULL, "y");
  pj_report_close(report);
  pj_report_close(report);
  pj_report_close(report);
}

static void writes_json(void **state) {
  PjReport report = {.json = true};
  write_report(&report);
  assert_string_equal(report.text.data,
                      "{\n  \"part\": {\n    \"name\": \"a\\\"b\\\\c\\n\\u0001\",\n"
                      "    \"bytes\": \"\xc3\xa9\\ufffd\\ufffd\\ufffd\\ufffd|\",\n"
                      "    \"int\": -9223372036854775808,\n    \"real\": 0.5,\n    \"not\": null,\n"
                      "    \"yes\": true,\n    \"nothing\": {},\n    \"list\": [\n      {\n"
                      "        \"id\": 1,\n        \"kind\": \"x\"\n      },\n      \"y\"\n    ]\n"
                      "  }\n}");
  pj_strbuf_free(&report.text);
}

static void writes_lines(void **state) {
  PjReport report = {0};
  write_report(&report);
  assert_string_equal(report.text.data, "part\n"
                                        "  name                 a\"b\\c\\n\\x01\n"
                                        "  bytes                \xc3\xa9\xef\xbf\xbd\xef\xbf\xbd"
                                        "\xef\xbf\xbd\xef\xbf\xbd|\n"
                                        "  int                  -9223372036854775808\n"
                                        "  real                 0.5\n"
                                        "  not                  nan\n"
                                        "  yes                  true\n"
                                        "  nothing              none\n"
                                        "  list\n"
                                        "    - id 1, kind x\n"
                                        "    - y");
  pj_strbuf_free(&report.text);
}

static void cuts_long_text_for_people(void **state) {
  char text[1000];
  memset(text, 'x', sizeof text);
  PjReport people = {0}, machines = {.json = true};
  PjReport *reports[] = {&people, &machines};
  for (int i = 0; i < 2; ++i) {
    pj_report_open(reports[i], NULL);
    pj_report_text(reports[i], "text", text, sizeof text);
    pj_report_close(reports[i]);
  }
  assert_true(people.text.len < 500 && strstr(people.text.data, "x... (1000 bytes)"));
  assert_true(machines.text.len > 1000);
  pj_strbuf_free(&people.text);
  pj_strbuf_free(&machines.text);
}

static void tells_forms(void **state) {
  assert_int_equal(pj_form_of("", 0), PJ_FORM_TEXT);
  assert_int_equal(pj_form_of("module {\r\n\t}", 12), PJ_FORM_TEXT);
  assert_int_equal(pj_form_of("ML\xefR", 4), PJ_FORM_BYTECODE);
  assert_int_equal(pj_form_of("ML\xef", 3),
                   PJ_FORM_TEXT); // not yet bytecode; the parser refuses it
  assert_int_equal(pj_form_of("\x7f"
                              "ELF",
                              4),
                   PJ_FORM_LIBRARY);
  assert_int_equal(pj_form_of("abc\0", 4), PJ_FORM_EXECUTABLE);
}

static const char program[] =
    "func.func @main(%x: tensor<2xf32> {a.b = 1 : i32}) -> tensor<2xf32> {\n"
    "  %0 = stablehlo.add %x, %x : tensor<2xf32>\n  return %0 : tensor<2xf32>\n}\n";

// Every allocation fails once, with all after it: an error, or a report that says so.
static void survives_without_memory(void **state) {
  bool done = false;
  for (int n = 0; !done && n < 5000; ++n) {
    PjReport report = {.json = n % 2};
    pj_alloc_fail_after(n);
    pj_report_open(&report, NULL);
    PjStatus status = pj_inspect_program(&report, "file", program, sizeof program - 1);
    if (!status)
      status = pj_inspect_steps(&report, program, sizeof program - 1);
    pj_report_close(&report);
    pj_alloc_fail_after(-1);
    if (!status)
      status = pj_strbuf_status(&report.text);
    done = !status;
    assert_true(done || pj_status_code(status) == PJ_RESOURCE_EXHAUSTED);
    pj_status_free(status);
    pj_strbuf_free(&report.text);
  }
  assert_true(done);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_json),
      cmocka_unit_test(writes_lines),
      cmocka_unit_test(cuts_long_text_for_people),
      cmocka_unit_test(tells_forms),
      cmocka_unit_test(survives_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
