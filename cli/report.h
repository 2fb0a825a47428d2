// What a command found out, as lines for people or as JSON for machines, from the same calls.
//
// People get one line per fact, `name  value`, indented by section; an object in a list is one line
// of its own, `- name value, name value`.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "pjrt/pjrt.h"

enum { PJ_REPORT_MAX_DEPTH = 8 };

typedef struct PjReport {
  PjStrBuf text;
  bool json;
  int depth;
  struct {
    bool list, line; // a list; written on one line (text only)
    size_t count;
  } levels[PJ_REPORT_MAX_DEPTH];
} PjReport;

// Every open is followed by its close. |key| is NULL for what stands in a list, and for the first
// object. Memory that runs out shows in the end.
void pj_report_open(PjReport *report, const char *key);
void pj_report_open_list(PjReport *report, const char *key);
void pj_report_close(PjReport *report);

// Text of any bytes: what is not UTF-8 is replaced; for people, long text is cut.
void pj_report_text(PjReport *report, const char *key, const char *text, size_t size);
void pj_report_string(PjReport *report, const char *key, const char *text);
void pj_report_int(PjReport *report, const char *key, int64_t value);
// Infinities and NaN are null in JSON.
void pj_report_real(PjReport *report, const char *key, double value);
void pj_report_bool(PjReport *report, const char *key, bool value);

// A value whose JSON text the caller appends to what is returned, at once.
PjStrBuf *pj_report_value(PjReport *report, const char *key);

// The values of a plugin under their names.
void pj_report_values(PjReport *report, const char *key, const PjhValues *values);

// Prints the report to standard output and frees it. Errors: RESOURCE_EXHAUSTED.
PjStatus pj_report_print(PjReport *report);
