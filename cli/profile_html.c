// A profile as one page of HTML: style and charts are inside, nothing is fetched.
//
// Charts are SVG whose horizontal coordinates are percentages, so they take any width while their
// text keeps its size.
#include <math.h>

#include "json.h"
#include "profile.h"
#include "subject.h"

static const char style[] =
    ":root{color-scheme:light "
    "dark;--back:#fff;--text:#1c2330;--soft:#5b6675;--line:#d8dee6;"
    "--card:#f5f7fa;--bar:#2f6fde;--c0:#2f6fde;--c1:#0f8f7c;--c2:#b4610b;--c3:#"
    "8a4fc7;--c4:#c23b5e;"
    "--c5:#5f7d14}"
    "@media(prefers-color-scheme:dark){:root{--back:#14181f;--text:#e6eaf0;--"
    "soft:#9aa5b4;"
    "--line:#333c49;--card:#1d232c;--bar:#6ea0f5;--c0:#6ea0f5;--c1:#3fbfa9;--"
    "c2:#e09a4a;"
    "--c3:#b48ae6;--c4:#ec7d98;--c5:#a5c04e}}"
    "*{box-sizing:border-box}body{margin:0 auto;max-width:1100px;padding:24px "
    "16px 48px;"
    "font:15px/1.45 "
    "system-ui,sans-serif;background:var(--back);color:var(--text)}"
    "h1{font-size:22px;margin:0 0 "
    "4px;overflow-wrap:anywhere}h2{font-size:17px;margin:34px 0 8px}"
    "p{margin:4px 0;color:var(--soft);overflow-wrap:anywhere}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,"
    "1fr));gap:10px;"
    "margin-top:18px}.tile{background:var(--card);border:1px solid "
    "var(--line);border-radius:8px;"
    "padding:10px 14px}.tile b{display:block;font-size:21px;font-weight:600}"
    ".tile span{color:var(--soft);font-size:13px}"
    "svg{display:block;width:100%;overflow:hidden}svg "
    "text{fill:var(--text);font-size:13px}"
    "svg .axis{fill:var(--soft);font-size:12px}svg .grid{stroke:var(--line)}"
    ".wide{overflow-x:auto;border:1px solid var(--line);border-radius:8px}"
    "table{border-collapse:collapse;width:100%;font-size:13.5px}"
    "th,td{padding:6px 10px;text-align:left;border-bottom:1px solid "
    "var(--line);vertical-align:top}"
    "tr:last-child "
    "td{border-bottom:0}th{background:var(--card);white-space:nowrap}"
    ".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    ".k{overflow-wrap:anywhere;min-width:160px}.k "
    "small{color:var(--soft);display:block}";

// --- Axes ---------------------------------------------------------------------------------------

typedef struct Axis {
  double step, end; // microseconds; |end| is a multiple of |step|
  double unit;      // microseconds
  const char *name;
} Axis;

// An axis from 0 that holds |most|, with four to eight round steps.
static Axis axis_for(double most) {
  Axis axis = {.unit = 1, .name = "us"};
  if (!(most > 0))
    most = 1;
  if (most >= 2e6)
    axis.unit = 1e6, axis.name = "s";
  else if (most >= 2e3)
    axis.unit = 1e3, axis.name = "ms";
  else if (most < 1)
    axis.unit = 1e-3, axis.name = "ns";
  double raw = most / axis.unit / 4, power = pow(10, floor(log10(raw))), part = raw / power;
  axis.step = (part >= 5 ? 5 : part >= 2 ? 2 : 1) * power * axis.unit;
  axis.end = ceil(most / axis.step - 1e-9) * axis.step;
  return axis;
}

// Grid lines of |height| pixels, numbers below them and the title below those: 40 pixels.
static void put_axis(PjStrBuf *out, const Axis *axis, double height, const char *title) {
  int count = (int)floor(axis->end / axis->step + 0.5);
  for (int i = 0; i <= count; i++) {
    double x = 100.0 * i / count;
    const char *anchor = i == 0 ? "start" : i == count ? "end" : "middle";
    pj_strbuf_printf(out,
                     "<line class=grid x1='%.3f%%' x2='%.3f%%' y1=0 y2='%.0f'/>"
                     "<text class=axis x='%.3f%%' y='%.0f' text-anchor=%s>%g</text>",
                     x, x, height, x, height + 14, anchor, i * axis->step / axis->unit);
  }
  pj_strbuf_printf(out, "<text class=axis x='50%%' y='%.0f' text-anchor=middle>%s [%s]</text>",
                   height + 32, title, axis->name);
}

// --- Bars ---------------------------------------------------------------------------------------

enum { MAX_BARS = 15, BAR_ROW = 38, AXIS_ROOM = 40 };

// Text that fits on one line of a narrow screen: of a path the end, else the beginning.
static void put_short(PjStrBuf *out, PjStr text, size_t most) {
  bool cut = text.len > most, path = cut && memchr(text.ptr, '/', text.len);
  size_t begin = path ? text.len - most : 0, end = cut && !path ? most : text.len;
  while (begin < end && begin > 0 && ((unsigned char)text.ptr[begin] & 0xc0) == 0x80)
    begin++;
  while (end > 0 && end < text.len && ((unsigned char)text.ptr[end] & 0xc0) == 0x80)
    end--;
  pj_strbuf_puts(out, path ? "…" : "");
  pj_html_text(out, (PjStr){text.ptr + begin, end - begin});
  pj_strbuf_puts(out, cut && !path ? "…" : "");
}

static void put_bars(PjStrBuf *out, const PjCostRows *rows, double per, const char *title) {
  size_t count = rows->len < MAX_BARS ? rows->len : MAX_BARS;
  if (!count)
    return;
  Axis axis = axis_for(rows->data[0].self_us / per);
  double height = (double)(count * BAR_ROW);
  pj_strbuf_printf(out, "<svg role=img height='%.0f'>", height + AXIS_ROOM);
  put_axis(out, &axis, height, title);
  for (size_t i = 0; i < count; i++) {
    double us = rows->data[i].self_us / per, y = (double)(i * BAR_ROW);
    pj_strbuf_printf(out, "<g><title>");
    pj_html_text(out, rows->data[i].name);
    pj_strbuf_printf(out,
                     "</title><rect x=0 y='%.0f' height=12 rx=2 width='%.3f%%' "
                     "fill='var(--bar)'/>"
                     "<text x=2 y='%.0f'>",
                     y + 20, fmax(100 * us / axis.end, 0.2), y + 14);
    put_short(out, rows->data[i].name, 34);
    pj_strbuf_printf(out, "</text><text x='100%%' y='%.0f' text-anchor=end>", y + 14);
    pj_show_us(out, us);
    pj_strbuf_puts(out, "</text></g>");
  }
  pj_strbuf_puts(out, "</svg>");
}

// --- Timeline -----------------------------------------------------------------------------------

enum { MAX_RECTS = 3000, LANE = 22, LANE_LABEL = 20 };

// The run that took about the median time; false when the profile names no runs.
static bool find_run(const PjProfile *p, double *begin, double *end) {
  double median = pj_quantile(p->runs_s, p->repeat, 0.5) * 1e6, nearest = INFINITY;
  for (size_t i = 0; i < p->runs.spans.len; i++) {
    const PjSpan *span = &p->runs.spans.data[i];
    double distance = fabs(span->duration_us - median);
    if (p->runs.names.data[span->name].kind != PJ_SPAN_RUN || distance >= nearest)
      continue;
    nearest = distance;
    *begin = span->begin_us;
    *end = span->begin_us + span->duration_us;
  }
  return nearest < INFINITY;
}

static bool is_inside(const PjProfile *p, const PjSpan *span, double begin, double end) {
  return p->runs.names.data[span->name].kind == PJ_SPAN_STEP && span->begin_us >= begin &&
         span->begin_us + span->duration_us <= end + 1e-3;
}

static void put_span(PjStrBuf *out, const PjProfile *p, const PjSpan *span, double x, double width,
                     double y) {
  const PjSpanName *name = &p->runs.names.data[span->name];
  pj_strbuf_printf(out, "<g><title>");
  pj_html_text(out, name->name);
  pj_strbuf_puts(out, ", ");
  pj_show_us(out, span->duration_us);
  pj_strbuf_puts(out, name->source.len ? ", " : "");
  pj_html_text(out, name->source);
  // A nested svg cuts off a name that is too long for its box.
  pj_strbuf_printf(out,
                   "</title><svg x='%.4f%%' y='%.0f' width='%.4f%%' height=20 "
                   "style='width:%.4f%%'>"
                   "<rect width='100%%' height=20 rx=2 fill='var(--c%zu)'/>",
                   x, y, width, width, span->name % 6);
  if (width > 3) {
    pj_strbuf_puts(out, "<text x=4 y=14 style='fill:var(--back);font-size:11px'>");
    pj_html_text(out, name->name);
    pj_strbuf_puts(out, "</text>");
  }
  pj_strbuf_puts(out, "</svg></g>");
}

// How deep the spans of |line| lie in each other.
static int line_depth(const PjProfile *p, size_t line, double begin, double end, double *ends,
                      int most) {
  int deepest = 0, depth = 0;
  for (size_t i = 0; i < p->runs.spans.len; i++) {
    const PjSpan *span = &p->runs.spans.data[i];
    if (span->line != line || !is_inside(p, span, begin, end))
      continue;
    while (depth && ends[depth - 1] <= span->begin_us)
      depth--;
    if (depth < most)
      ends[depth++] = span->begin_us + span->duration_us;
    deepest = depth > deepest ? depth : deepest;
  }
  return deepest;
}

enum { MAX_DEPTH = 8 };

// The spans of one line; returns how many.
static size_t put_line(PjStrBuf *out, const PjProfile *p, size_t line, double begin, double end,
                       const Axis *axis, double y, size_t room) {
  double ends[MAX_DEPTH];
  int depth = 0;
  size_t count = 0;
  for (size_t i = 0; i < p->runs.spans.len && count < room; i++) {
    const PjSpan *span = &p->runs.spans.data[i];
    if (span->line != line || !is_inside(p, span, begin, end))
      continue;
    while (depth && ends[depth - 1] <= span->begin_us)
      depth--;
    put_span(out, p, span, 100 * (span->begin_us - begin) / axis->end,
             fmax(100 * span->duration_us / axis->end, 0.05), y + depth * LANE);
    if (depth < MAX_DEPTH - 1)
      ends[depth++] = span->begin_us + span->duration_us;
    count++;
  }
  return count;
}

static void put_timeline(PjStrBuf *out, const PjProfile *p) {
  double begin = 0, end = 0, ends[MAX_DEPTH], y = 0;
  if (!find_run(p, &begin, &end))
    return;
  Axis axis = axis_for(end - begin);
  PjStrBuf body = {0};
  size_t count = 0;
  for (size_t line = 0; line < p->runs.lines.len; line++) {
    int depth = line_depth(p, line, begin, end, ends, MAX_DEPTH);
    if (!depth)
      continue;
    pj_strbuf_printf(&body, "<text class=axis x=2 y='%.0f'>", y + 14);
    pj_html_text(&body, p->runs.lines.data[line].name);
    pj_strbuf_puts(&body, "</text>");
    count += put_line(&body, p, line, begin, end, &axis, y + LANE_LABEL, MAX_RECTS - count);
    y += LANE_LABEL + depth * LANE;
  }
  if (count) {
    pj_strbuf_puts(out, "<h2>One run, step by step</h2><p>The run that took about the "
                        "median time. "
                        "Hold the pointer over a box for its name, time and source line.");
    if (count == MAX_RECTS)
      pj_strbuf_printf(out, " Only its first %d steps are drawn.", MAX_RECTS);
    pj_strbuf_printf(out, "</p><svg role=img height='%.0f'>", y + 4 + AXIS_ROOM);
    put_axis(out, &axis, y + 4, "time since the run began");
    pj_strbuf_append(out, body.data, body.len);
    pj_strbuf_puts(out, "</svg>");
  }
  out->failed |= body.failed;
  pj_strbuf_free(&body);
}

// --- Page ---------------------------------------------------------------------------------------

static void put_tile(PjStrBuf *out, const char *what, double us) {
  pj_strbuf_puts(out, "<div class=tile><b>");
  pj_show_us(out, us);
  pj_strbuf_printf(out, "</b><span>%s</span></div>", what);
}

static void put_rate(PjStrBuf *out, double amount, const PjCostRow *row) {
  double rate = row->total_us > 0 ? amount * (double)row->calls / row->total_us * 1e-3 : 0;
  pj_strbuf_puts(out, "<td class=n>");
  if (rate > 0)
    pj_strbuf_printf(out, "%.*f", rate < 9.995 ? 2 : rate < 99.95 ? 1 : 0, rate);
  pj_strbuf_puts(out, "</td>");
}

static void put_kernels(PjStrBuf *out, const PjProfile *p) {
  pj_strbuf_puts(out, "<div class=wide><table><tr><th>kernel and the operations in it<th "
                      "class=n>share<th class=n>per run<th class=n>"
                      "calls per run<th class=n>GB/s<th class=n>GFLOP/s<th>source</tr>");
  for (size_t i = 0; i < p->kernels.len; i++) {
    const PjCostRow *row = &p->kernels.data[i];
    pj_strbuf_puts(out, "<tr><td class=k>");
    pj_html_text(out, row->name);
    pj_strbuf_puts(out, "<small>");
    pj_html_text(out, row->ops);
    pj_strbuf_printf(out, "</small><td class=n>%.1f %%<td class=n>",
                     100 * row->self_us / (p->kernels_us > 0 ? p->kernels_us : 1));
    pj_show_us(out, row->self_us / (double)p->repeat);
    pj_strbuf_printf(out, "<td class=n>%.*f", row->calls % p->repeat ? 1 : 0,
                     (double)row->calls / (double)p->repeat);
    put_rate(out, row->bytes, row);
    put_rate(out, row->flops, row);
    pj_strbuf_puts(out, "<td class=k>");
    pj_html_text(out, row->source);
    pj_strbuf_puts(out, "<small>");
    pj_html_text(out, row->op_name);
    pj_strbuf_puts(out, "</small></tr>");
  }
  pj_strbuf_puts(out, "</table></div><p>GB/s counts what a kernel reads and writes, "
                      "each element once; GFLOP/s counts a "
                      "multiply-add as two and a transcendental function as one.</p>");
}

void pj_profile_html(const PjProfile *p, PjStrBuf *out) {
  pj_strbuf_puts(out, "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
                      "content='width=device-width,initial-scale=1'><title>");
  pj_html_text(out, p->program);
  pj_strbuf_printf(out, "</title><style>%s</style><h1>", style);
  pj_html_text(out, p->program);
  pj_strbuf_puts(out, "</h1><p>on ");
  pj_html_text(out, p->platform);
  pj_strbuf_puts(out, ", ");
  pj_html_text(out, p->version);
  pj_strbuf_printf(out, "; %zu run%s after the first one</p><div class=tiles>", p->repeat,
                   p->repeat == 1 ? "" : "s");
  put_tile(out, "median run", pj_quantile(p->runs_s, p->repeat, 0.5) * 1e6);
  put_tile(out, "least run", p->runs_s[0] * 1e6);
  put_tile(out, "compilation", p->compile_s * 1e6);
  put_tile(out, "first run", p->first_s * 1e6);
  pj_strbuf_puts(out, "</div>");
  if (!p->has_steps) {
    pj_strbuf_puts(out, "<p>This plugin has no profiler (the profiler "
                        "extension of the interface), so there are "
                        "only times of whole runs.</p>");
    return;
  }
  if (!p->kernels.len) {
    pj_strbuf_puts(out, "<p>The plugin's profiler saw no steps inside of the runs: there are only "
                        "times of whole runs.</p>");
    return;
  }
  pj_strbuf_puts(out, "<h2>Kernels</h2>");
  put_bars(out, &p->kernels, (double)p->repeat, "time per run");
  put_timeline(out, p);
  if (p->lines.len) {
    pj_strbuf_puts(out, "<h2>Lines of the program</h2>");
    put_bars(out, &p->lines, (double)p->repeat, "time per run");
  }
  if (p->phases.len) {
    pj_strbuf_puts(out, "<h2>Compilation</h2>");
    put_bars(out, &p->phases, 1, "time");
  }
  pj_strbuf_puts(out, "<h2>All kernels</h2>");
  put_kernels(out, p);
}
