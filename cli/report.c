// Reports as text and as JSON.
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

enum { KEY_COLUMN = 22, MAX_SHOWN = 400 };

// --- Strings -------------------------------------------------------------------------------------

// For people: on one line, long text cut.
static void put_shown(PjStrBuf *out, const char *text, size_t size) {
  size_t shown = size <= MAX_SHOWN ? size : MAX_SHOWN;
  for (size_t i = 0; i < shown;) {
    unsigned char c = (unsigned char)text[i];
    size_t length = pj_utf8_length((const unsigned char *)text + i, size - i);
    if (!length)
      pj_strbuf_puts(out, "\xef\xbf\xbd");
    else if (c == '\n')
      pj_strbuf_puts(out, "\\n");
    else if (c < 0x20 || c == 0x7f)
      pj_strbuf_printf(out, "\\x%02x", c);
    else
      pj_strbuf_append(out, text + i, length);
    i += length ? length : 1;
  }
  if (shown < size)
    pj_strbuf_printf(out, "... (%zu bytes)", size);
}

// --- Structure -----------------------------------------------------------------------------------

// All that stands before a value: separator, line, indentation, key, and the way to the values'
// column unless it is a section that begins.
static void begin(PjReport *report, const char *key, bool section) {
  PjStrBuf *out = &report->text;
  if (!report->depth)
    return;
  bool first = report->levels[report->depth - 1].count++ == 0;
  if (report->json) {
    pj_strbuf_puts(out, first ? "\n" : ",\n");
    pj_strbuf_printf(out, "%*s", 2 * report->depth, "");
    if (key) {
      pj_json_string(out, pj_str(key));
      pj_strbuf_puts(out, ": ");
    }
    return;
  }
  if (report->levels[report->depth - 1].line) {
    pj_strbuf_printf(out, "%s%s ", first ? "" : ", ", key);
    return;
  }
  if (out->len) // the first line has none before it
    pj_strbuf_putc(out, '\n');
  int indent = 2 * (report->depth - 1);
  pj_strbuf_printf(out, "%*s", indent, "");
  if (report->levels[report->depth - 1].list)
    pj_strbuf_puts(out, "- ");
  else if (section)
    pj_strbuf_puts(out, key);
  else
    pj_strbuf_printf(out, "%-*s ", KEY_COLUMN - indent, key);
}

static void open_level(PjReport *report, const char *key, bool list) {
  bool inside = report->depth &&
                (report->levels[report->depth - 1].list || report->levels[report->depth - 1].line);
  begin(report, key, true);
  if (report->json)
    pj_strbuf_putc(&report->text, list ? '[' : '{');
  report->levels[report->depth].list = list;
  report->levels[report->depth].line = inside;
  report->levels[report->depth++].count = 0;
}

void pj_report_open(PjReport *report, const char *key) {
  open_level(report, key, false);
}

void pj_report_open_list(PjReport *report, const char *key) {
  open_level(report, key, true);
}

// "none" in the values' column of a section's line.
static void put_none(PjStrBuf *out) {
  const char *line = out->data ? strrchr(out->data, '\n') : NULL;
  int column = line ? (int)(out->data + out->len - line) - 1 : (int)out->len;
  int gap = column < KEY_COLUMN ? KEY_COLUMN + 1 - column : 1;
  pj_strbuf_printf(out, "%*snone", gap, "");
}

void pj_report_close(PjReport *report) {
  bool list = report->levels[--report->depth].list;
  bool empty = report->levels[report->depth].count == 0;
  if (!report->json) {
    if (empty)
      put_none(&report->text);
    return;
  }
  if (!empty)
    pj_strbuf_printf(&report->text, "\n%*s", 2 * report->depth, "");
  pj_strbuf_putc(&report->text, list ? ']' : '}');
}

// --- Values --------------------------------------------------------------------------------------

void pj_report_text(PjReport *report, const char *key, const char *text, size_t size) {
  begin(report, key, false);
  if (report->json)
    pj_json_string(&report->text, (PjStr){text, size});
  else
    put_shown(&report->text, text, size);
}

void pj_report_string(PjReport *report, const char *key, const char *text) {
  pj_report_text(report, key, text, strlen(text));
}

void pj_report_int(PjReport *report, const char *key, int64_t value) {
  begin(report, key, false);
  pj_strbuf_printf(&report->text, "%" PRId64, value);
}

void pj_report_real(PjReport *report, const char *key, double value) {
  begin(report, key, false);
  if (report->json && !isfinite(value))
    pj_strbuf_puts(&report->text, "null");
  else
    pj_strbuf_printf(&report->text, "%.9g", value);
}

void pj_report_bool(PjReport *report, const char *key, bool value) {
  begin(report, key, false);
  pj_strbuf_puts(&report->text, value ? "true" : "false");
}

PjStrBuf *pj_report_value(PjReport *report, const char *key) {
  begin(report, key, false);
  return &report->text;
}

static void put_list(PjReport *report, const PjhValue *value) {
  begin(report, value->name, false);
  pj_strbuf_putc(&report->text, '[');
  for (size_t i = 0; i < value->list_size; ++i)
    pj_strbuf_printf(&report->text, "%s%" PRId64, i ? ", " : "", value->list[i]);
  pj_strbuf_putc(&report->text, ']');
}

void pj_report_values(PjReport *report, const char *key, const PjhValues *values) {
  pj_report_open(report, key);
  for (size_t i = 0; i < pjh_values_count(values); ++i) {
    const PjhValue *value = pjh_values_get(values, i);
    switch (value->type) {
    case PJRT_NamedValue_kString:
      pj_report_string(report, value->name, value->text);
      break;
    case PJRT_NamedValue_kInt64:
      pj_report_int(report, value->name, value->integer);
      break;
    case PJRT_NamedValue_kFloat:
      pj_report_real(report, value->name, value->real);
      break;
    case PJRT_NamedValue_kBool:
      pj_report_bool(report, value->name, value->integer != 0);
      break;
    case PJRT_NamedValue_kInt64List:
      put_list(report, value);
      break;
    }
  }
  pj_report_close(report);
}

PjStatus pj_report_print(PjReport *report) {
  pj_strbuf_putc(&report->text, '\n');
  PjStatus status = pj_strbuf_status(&report->text);
  if (!status)
    fwrite(report->text.data, 1, report->text.len, stdout);
  pj_strbuf_free(&report->text);
  return status;
}
