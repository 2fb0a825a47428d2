// The report as JUnit XML for build servers and as a page of HTML that needs no other file.
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "kit.h"

// Text for XML and HTML. Bytes outside ASCII need not be valid UTF-8, so they become question
// marks.
static void escape(FILE *out, const char *text) {
  for (; text && *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '&')
      fputs("&amp;", out);
    else if (c == '<')
      fputs("&lt;", out);
    else if (c == '>')
      fputs("&gt;", out);
    else if (c == '"')
      fputs("&quot;", out);
    else
      fputc((c < ' ' && c != '\n' && c != '\t') || c >= 0x7f ? '?' : c, out);
  }
}

static size_t failures(const PjCtsRun *run) {
  size_t n = 0;
  for (int v = 0; v < PJ_CTS_NUM_VERDICTS; v++)
    n += pj_cts_failed((PjCtsVerdict)v) ? run->verdicts[v] : 0;
  return n;
}

void pj_cts_report_junit(const PjCtsRun *run, FILE *out) {
  fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
  fprintf(out, "<testsuite name=\"pjrt check\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" ",
          run->count, failures(run));
  fprintf(out, "skipped=\"%zu\" time=\"%.3f\">\n<properties><property name=\"plugin\" value=\"",
          run->verdicts[PJ_CTS_NOT_OFFERED] + run->verdicts[PJ_CTS_UNSUPPORTED], run->seconds);
  escape(out, run->plugin);
  fprintf(out, "\"/><property name=\"api\" value=\"%d.%d\"/></properties>\n", run->major,
          run->minor);
  for (size_t i = 0; i < run->count; i++) {
    const PjCtsResult *r = &run->results[i];
    const char *name = r->test->name;
    fprintf(out, "<testcase classname=\"%.*s\" name=\"", (int)strcspn(name, "."), name);
    escape(out, name);
    fprintf(out, "\" time=\"%.3f\"", r->seconds);
    if (r->verdict == PJ_CTS_PASSED) {
      fprintf(out, "/>\n");
      continue;
    }
    if (pj_cts_failed(r->verdict)) {
      fprintf(out, "><failure type=\"%s\" message=\"", pj_cts_verdict_name[r->verdict]);
      escape(out, r->message);
      fprintf(out, "\">");
      escape(out, r->test->promise);
      fputc('\n', out);
      escape(out, r->output);
      fprintf(out, "</failure></testcase>\n");
    } else {
      fprintf(out, "><skipped message=\"%s: ", pj_cts_verdict_name[r->verdict]);
      escape(out, r->verdict == PJ_CTS_UNSUPPORTED ? r->reason : r->message);
      fprintf(out, "\"/></testcase>\n");
    }
  }
  fprintf(out, "</testsuite>\n</testsuites>\n");
}

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>pjrt check</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:64em;padding:0 "
    "1em;color:#222}\n"
    "h1,small,code{overflow-wrap:anywhere}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "td,th{padding:.25em .6em;text-align:left;border-bottom:1px solid #ddd;vertical-align:top}\n"
    "td.n,th.n{text-align:right;white-space:nowrap}\n"
    ".bar{display:flex;height:.9em;width:12em;background:#eee}\n"
    ".bar i{display:block;height:100%}\n"
    ".passed{background:#3a8f4d}.failed,.crashed,.hung,.no{background:#c0392b}\n"
    ".not{background:#9aa3ad}.unsupported{background:#d9a520}\n"
    ".v{color:#fff;padding:0 .5em;border-radius:.3em;white-space:nowrap}\n"
    "code,pre{font:13px/1.45 ui-monospace,monospace}\n"
    "pre{background:#f5f5f5;padding:.5em;white-space:pre-wrap;margin:.3em 0}\n"
    "small{color:#666}\n"
    "@media(max-width:44em){.tags{display:block;overflow-x:auto}.bar{width:6em}}\n"
    "</style></head><body>\n";

static void badge(FILE *out, PjCtsVerdict verdict) {
  // The class is the first word of the name, as class lists are split at spaces.
  fprintf(out, "<span class=\"v %s\">%s</span>", pj_cts_verdict_name[verdict],
          pj_cts_verdict_name[verdict]);
}

static void tag_row(FILE *out, const PjCtsRun *run, size_t first, size_t last) {
  size_t counts[PJ_CTS_NUM_VERDICTS] = {0};
  const char *name = run->results[first].test->name;
  for (size_t i = first; i < last; i++)
    counts[run->results[i].verdict]++;
  fprintf(out, "<tr><td>%.*s</td><td class=\"n\">%zu</td>", (int)strcspn(name, "."), name,
          last - first);
  for (int v = PJ_CTS_PASSED; v < PJ_CTS_NUM_VERDICTS; v++)
    fprintf(out, counts[v] ? "<td class=\"n\">%zu</td>" : "<td class=\"n\"></td>", counts[v]);
  fprintf(out, "<td><div class=\"bar\">");
  for (int v = 0; v < PJ_CTS_NUM_VERDICTS; v++)
    if (counts[v])
      fprintf(out, "<i class=\"%s\" style=\"width:%.1f%%\"></i>", pj_cts_verdict_name[v],
              100.0 * (double)counts[v] / (double)(last - first));
  fprintf(out, "</div></td></tr>\n");
}

static void test_row(FILE *out, const PjCtsResult *r) {
  fprintf(out, "<tr><td>");
  badge(out, r->verdict);
  fprintf(out, "</td><td><code>%s</code><br><small>", r->test->name);
  escape(out, r->test->promise);
  fprintf(out, "</small>");
  if (r->reason) {
    fprintf(out, "<br>%s", r->stale ? "passed, though declared unsupported: " : "declared: ");
    escape(out, r->reason);
  }
  if (r->message && *r->message) {
    fprintf(out, "<pre>");
    escape(out, r->message);
    if (pj_cts_failed(r->verdict) && r->output && *r->output) {
      fprintf(out, "\n\n");
      escape(out, r->output);
    }
    fprintf(out, "</pre>");
  }
  fprintf(out, "</td><td class=\"n\">%.2f s</td></tr>\n", r->seconds);
}

static void functions(FILE *out, const PjCtsRun *run) {
  fprintf(out, "<h2>Functions of the interface</h2><table><tr><th>function</th><th "
               "class=\"n\">since</th><th>in this run</th></tr>\n");
  for (int i = 0; i < PJRT_API_SLOT_COUNT; i++)
    fprintf(out, "<tr><td><code>PJRT_%s</code></td><td class=\"n\">%s%.0d</td><td>%s</td></tr>\n",
            pj_slot_name[i], pj_slot_since[i] ? "0." : "", pj_slot_since[i],
            run->not_offered[i]  ? "not offered"
            : run->called[i] > 1 ? "called"
            : run->called[i]     ? "only errors"
                                 : "<b>not called</b>");
  fprintf(out, "</table>\n");
}

void pj_cts_report_html(const PjCtsRun *run, FILE *out) {
  fputs(head, out);
  size_t failed = failures(run);
  fprintf(out, "<h1>pjrt check: ");
  escape(out, run->plugin);
  fprintf(out, "</h1>\n<p>PJRT C API %d.%d. %zu of %zu tests in %.1f s: <b>%zu failed</b>, %zu ",
          run->major, run->minor, run->count, run->num_listed, run->seconds, failed,
          run->verdicts[PJ_CTS_PASSED]);
  fprintf(out, "passed, %zu not offered, %zu declared unsupported.</p>\n",
          run->verdicts[PJ_CTS_NOT_OFFERED], run->verdicts[PJ_CTS_UNSUPPORTED]);
  fprintf(out, "<table class=\"tags\"><tr><th>tag</th><th class=\"n\">tests</th>");
  for (int v = PJ_CTS_PASSED; v < PJ_CTS_NUM_VERDICTS; v++)
    fprintf(out, "<th class=\"n\">%s</th>", pj_cts_verdict_name[v]);
  fprintf(out, "<th></th></tr>\n");
  for (size_t i = 0; i < run->count;) {
    size_t first = i, length = strcspn(run->results[i].test->name, ".");
    while (i < run->count && strcspn(run->results[i].test->name, ".") == length &&
           strncmp(run->results[i].test->name, run->results[first].test->name, length) == 0)
      i++;
    tag_row(out, run, first, i);
  }
  fprintf(out, "</table>\n");
  if (run->verdicts[PJ_CTS_PASSED] < run->count) {
    fprintf(out, "<h2>What did not pass</h2><table>\n");
    for (int pass = 0; pass < 2; pass++) // failures first
      for (size_t i = 0; i < run->count; i++) {
        const PjCtsResult *r = &run->results[i];
        if (r->verdict != PJ_CTS_PASSED && pj_cts_failed(r->verdict) == !pass)
          test_row(out, r);
      }
    fprintf(out, "</table>\n");
  }
  fprintf(out, "<h2>What passed</h2><table>\n");
  for (size_t i = 0; i < run->count; i++)
    if (run->results[i].verdict == PJ_CTS_PASSED)
      test_row(out, &run->results[i]);
  fprintf(out, "</table>\n");
  functions(out, run);
  fprintf(out, "</body></html>\n");
}
