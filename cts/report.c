// The report as a table for people and as JSON.
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "kit.h"

static int tag_length(const char *name) {
  return (int)strcspn(name, ".");
}

static bool same_tag(const char *a, const char *b) {
  return tag_length(a) == tag_length(b) && strncmp(a, b, (size_t)tag_length(a)) == 0;
}

// Sums of one tag into |counts|; the tests of a tag stand together. Returns the index after its
// last.
static size_t sum_tag(const PjCtsRun *run, size_t first, size_t counts[PJ_CTS_NUM_VERDICTS]) {
  memset(counts, 0, PJ_CTS_NUM_VERDICTS * sizeof *counts);
  size_t i = first;
  for (; i < run->count && same_tag(run->results[i].test->name, run->results[first].test->name);
       i++)
    counts[run->results[i].verdict]++;
  return i;
}

static void print_row(FILE *out, int length, const char *tag, const size_t *counts) {
  size_t total = 0;
  for (int v = 0; v < PJ_CTS_NUM_VERDICTS; v++)
    total += counts[v];
  fprintf(out, "%-*.*s %6zu", 12, length, tag, total);
  for (int v = PJ_CTS_PASSED; v < PJ_CTS_NUM_VERDICTS; v++)
    if (counts[v])
      fprintf(out, " %12zu", counts[v]);
    else
      fprintf(out, " %12s", ".");
  fputc('\n', out);
}

static void print_indented(FILE *out, const char *text) {
  while (*text) {
    int length = (int)strcspn(text, "\n");
    if (length)
      fprintf(out, "      | %.*s\n", length, text);
    text += length + (text[length] != 0);
  }
}

static void print_slots(FILE *out, const PjCtsRun *run) {
  int called = 0, missing = 0;
  for (int i = 0; i < PJRT_API_SLOT_COUNT; i++) {
    called += run->called[i] == 2;
    missing += run->not_offered[i];
  }
  fprintf(out, "functions: %d of %d called with success", called, PJRT_API_SLOT_COUNT);
  if (missing)
    fprintf(out, ", %d not offered:", missing);
  fputc('\n', out);
  for (int i = 0; i < PJRT_API_SLOT_COUNT; i++)
    if (run->not_offered[i])
      fprintf(out, "  not offered  PJRT_%s\n", pj_slot_name[i]);
  if (run->count == run->num_listed) // else most of them are not called for that reason
    for (int i = 0; i < PJRT_API_SLOT_COUNT; i++)
      if (run->called[i] < 2 && !run->not_offered[i])
        fprintf(out, "  %s PJRT_%s\n", run->called[i] ? "only errors " : "not called  ",
                pj_slot_name[i]);
}

void pj_cts_report_table(const PjCtsRun *run, FILE *out) {
  fprintf(out, "%s, PJRT C API %d.%d\n\n", run->plugin, run->major, run->minor);
  fprintf(out, "%-12s %6s", "tag", "tests");
  for (int v = PJ_CTS_PASSED; v < PJ_CTS_NUM_VERDICTS; v++)
    fprintf(out, " %12s", pj_cts_verdict_name[v]);
  fputc('\n', out);
  size_t counts[PJ_CTS_NUM_VERDICTS];
  for (size_t i = 0; i < run->count;) {
    const char *name = run->results[i].test->name;
    i = sum_tag(run, i, counts);
    print_row(out, tag_length(name), name, counts);
  }
  print_row(out, 5, "total", run->verdicts);
  fputc('\n', out);
  for (size_t i = 0; i < run->count; i++) {
    const PjCtsResult *r = &run->results[i];
    if (r->verdict == PJ_CTS_PASSED && !r->stale)
      continue;
    if (r->stale)
      fprintf(out, "passed, though declared unsupported: %s: %s\n", r->test->name, r->reason);
    else if (r->verdict == PJ_CTS_UNSUPPORTED)
      fprintf(out, "unsupported %s: %s\n    (%s)\n", r->test->name, r->reason, r->message);
    else
      fprintf(out, "%s %s: %s\n", pj_cts_verdict_name[r->verdict], r->test->name, r->message);
    if (!pj_cts_failed(r->verdict))
      continue;
    fprintf(out, "    promise: %s\n", r->test->promise);
    if (r->output && *r->output)
      print_indented(out, r->output);
  }
  print_slots(out, run);
  size_t failed = 0;
  for (int v = 0; v < PJ_CTS_NUM_VERDICTS; v++)
    failed += pj_cts_failed((PjCtsVerdict)v) ? run->verdicts[v] : 0;
  fprintf(out, "%zu of %zu tests, %zu failed, in %.1f s\n", run->count, run->num_listed, failed,
          run->seconds);
}

static void json_string(FILE *out, const char *text) {
  fputc('"', out);
  for (; text && *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      fprintf(out, "\\%c", c);
    else if (c == '\n')
      fputs("\\n", out);
    else if (c == '\t')
      fputs("\\t", out);
    else if (c < ' ' || c >= 0x7f) // what is not ASCII need not be UTF-8 either
      fprintf(out, "\\u%04x", c);
    else
      fputc(c, out);
  }
  fputc('"', out);
}

static void json_counts(FILE *out, const size_t *counts) {
  for (int v = PJ_CTS_PASSED; v < PJ_CTS_NUM_VERDICTS; v++)
    fprintf(out, "%s\"%s\": %zu", v == PJ_CTS_PASSED ? "" : ", ", pj_cts_verdict_name[v],
            counts[v]);
}

void pj_cts_report_json(const PjCtsRun *run, FILE *out) {
  size_t counts[PJ_CTS_NUM_VERDICTS];
  fprintf(out, "{\n  \"plugin\": ");
  json_string(out, run->plugin);
  fprintf(out, ",\n  \"api\": {\"major\": %d, \"minor\": %d},\n  \"seconds\": %.3f,\n", run->major,
          run->minor, run->seconds);
  fprintf(out, "  \"listed\": %zu,\n  \"total\": {\"tests\": %zu, ", run->num_listed, run->count);
  json_counts(out, run->verdicts);
  fprintf(out, "},\n  \"tags\": {");
  for (size_t i = 0; i < run->count;) {
    size_t first = i;
    i = sum_tag(run, i, counts);
    const char *name = run->results[first].test->name;
    fprintf(out, "%s\n    \"%.*s\": {\"tests\": %zu, ", first ? "," : "", tag_length(name), name,
            i - first);
    json_counts(out, counts);
    fputc('}', out);
  }
  fprintf(out, "\n  },\n  \"functions\": {");
  for (int i = 0; i < PJRT_API_SLOT_COUNT; i++)
    fprintf(out, "%s\n    \"PJRT_%s\": \"%s\"", i ? "," : "", pj_slot_name[i],
            run->not_offered[i]  ? "not offered"
            : run->called[i] > 1 ? "called"
            : run->called[i]     ? "only errors"
                                 : "not called");
  fprintf(out, "\n  },\n  \"tests\": [");
  for (size_t i = 0; i < run->count; i++) {
    const PjCtsResult *r = &run->results[i];
    fprintf(out, "%s\n    {\"name\": ", i ? "," : "");
    json_string(out, r->test->name);
    fprintf(out, ", \"verdict\": \"%s\", \"seconds\": %.3f, \"promise\": ",
            pj_cts_verdict_name[r->verdict], r->seconds);
    json_string(out, r->test->promise);
    if (r->reason) {
      fprintf(out, ", \"declared\": ");
      json_string(out, r->reason);
    }
    if (r->message && *r->message) {
      fprintf(out, ", \"message\": ");
      json_string(out, r->message);
    }
    if (pj_cts_failed(r->verdict) && r->output && *r->output) {
      fprintf(out, ", \"output\": ");
      json_string(out, r->output);
    }
    fputc('}', out);
  }
  fprintf(out, "\n  ]\n}\n");
}
