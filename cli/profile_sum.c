// Adding up a profile, and telling it as text, JSON and trace.
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "json.h"
#include "profile.h"
#include "subject.h"

// --- Adding up ----------------------------------------------------------------------------------

static int slower_first(const void *a, const void *b) {
  const PjCostRow *x = a, *y = b;
  return (x->self_us < y->self_us) - (x->self_us > y->self_us);
}

// The row of these strings: events that say the same count as one kernel.
static PjCostRow *row_of(PjArena *arena, PjMap *map, PjCostRows *rows, PjStr name, PjStr program,
                         PjStr source) {
  uint64_t key = pj_hash_bytes(PJ_HASH_SEED, name.ptr, name.len);
  key = pj_hash_bytes(key, program.ptr, program.len);
  key = pj_hash_bytes(key, source.ptr, source.len);
  const uint64_t *known = pj_map_find(map, key);
  if (known)
    return &rows->data[*known];
  pj_map_set(arena, map, key, rows->len);
  PjCostRow row = {.name = name, .source = source};
  PJ_PUSH(arena, rows, row);
  return &rows->data[rows->len - 1];
}

static void count_span(PjCostRow *row, const PjSpan *span) {
  row->calls++;
  row->total_us += span->duration_us;
  row->self_us += span->self_us > 0 ? span->self_us : 0;
}

static void sort_rows(PjCostRows *rows) {
  if (rows->len)
    qsort(rows->data, rows->len, sizeof *rows->data, slower_first);
}

// "model.py:41:3" without the column; the whole where there are no numbers.
static PjStr line_of(PjStr source) {
  size_t end = source.len, colons = 0, last = source.len;
  while (end > 0 && ((source.ptr[end - 1] >= '0' && source.ptr[end - 1] <= '9') ||
                     source.ptr[end - 1] == ':')) {
    if (source.ptr[--end] == ':') {
      if (++colons == 1)
        last = end;
    }
  }
  return (PjStr){source.ptr, colons >= 2 ? last : source.len};
}

void pj_profile_add_up(PjArena *arena, PjProfile *p) {
  PjMap kernels = {0}, lines = {0}, phases = {0};
  for (size_t i = 0; i < p->runs.spans.len; i++) {
    const PjSpan *span = &p->runs.spans.data[i];
    const PjSpanName *name = &p->runs.names.data[span->name];
    if (name->kind != PJ_SPAN_STEP)
      continue;
    PjCostRow *row = row_of(arena, &kernels, &p->kernels, name->name, name->program, name->source);
    row->ops = name->ops;
    row->op_name = name->op_name;
    row->flops = name->flops;
    row->bytes = name->bytes;
    count_span(row, span);
    p->kernels_us += span->self_us > 0 ? span->self_us : 0;
    if (name->source.len)
      count_span(row_of(arena, &lines, &p->lines, line_of(name->source), PJ_STR(""), PJ_STR("")),
                 span);
  }
  for (size_t i = 0; i < p->before.spans.len; i++) {
    const PjSpan *span = &p->before.spans.data[i];
    const PjSpanName *name = &p->before.names.data[span->name];
    if (name->kind == PJ_SPAN_COMPILE)
      count_span(row_of(arena, &phases, &p->phases, name->name, PJ_STR(""), PJ_STR("")), span);
  }
  sort_rows(&p->kernels);
  sort_rows(&p->lines);
  sort_rows(&p->phases);
}

// --- For people ---------------------------------------------------------------------------------

void pj_show_us(PjStrBuf *out, double us) {
  static const struct {
    double unit;
    const char *name;
  } units[] = {{1e6, "s"}, {1e3, "ms"}, {1, "us"}, {1e-3, "ns"}};
  int i = 0;
  while (i < 3 && us < units[i].unit * 0.9995)
    i++;
  double value = us / units[i].unit;
  pj_strbuf_printf(out, "%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[i].name);
}

// |rate| in 10^9 per second, or blank.
static void show_rate(PjStrBuf *out, double amount, const PjCostRow *row) {
  double rate = row->total_us > 0 ? amount * (double)row->calls / row->total_us * 1e-3 : 0;
  if (rate > 0)
    pj_strbuf_printf(out, " %8.*f", rate < 9.995 ? 2 : rate < 99.95 ? 1 : 0, rate);
  else
    pj_strbuf_printf(out, " %8s", "");
}

static void show_padded_us(PjStrBuf *out, double us) {
  PjStrBuf text = {0};
  pj_show_us(&text, us);
  pj_strbuf_printf(out, " %9s", text.data ? text.data : "");
  pj_strbuf_free(&text);
}

static void show_kernel(const PjProfile *p, const PjCostRow *row, PjStrBuf *out) {
  pj_strbuf_printf(out, "%5.1f %%", 100 * row->self_us / (p->kernels_us > 0 ? p->kernels_us : 1));
  show_padded_us(out, row->self_us / (double)p->repeat);
  pj_strbuf_printf(out, " %6.*f", row->calls % p->repeat ? 1 : 0,
                   (double)row->calls / (double)p->repeat);
  show_rate(out, row->bytes, row);
  show_rate(out, row->flops, row);
  pj_strbuf_printf(out, "  %.*s", PJ_STR_ARG(row->name));
  if (row->source.len)
    pj_strbuf_printf(out, "  %.*s", PJ_STR_ARG(row->source));
  pj_strbuf_putc(out, '\n');
}

static void show_head(const PjProfile *p, PjStrBuf *out) {
  double median = pj_quantile(p->runs_s, p->repeat, 0.5) * 1e6, least = p->runs_s[0] * 1e6;
  pj_strbuf_printf(out, "%.*s on %.*s (%.*s)\ncompile ", PJ_STR_ARG(p->program),
                   PJ_STR_ARG(p->platform), PJ_STR_ARG(p->version));
  pj_show_us(out, p->compile_s * 1e6);
  pj_strbuf_puts(out, ", first run ");
  pj_show_us(out, p->first_s * 1e6);
  pj_strbuf_printf(out, ", then %zu run%s: median ", p->repeat, p->repeat == 1 ? "" : "s");
  pj_show_us(out, median);
  pj_strbuf_puts(out, ", least ");
  pj_show_us(out, least);
  pj_strbuf_putc(out, '\n');
}

void pj_profile_table(const PjProfile *p, size_t top, PjStrBuf *out) {
  show_head(p, out);
  if (!p->has_steps) {
    pj_strbuf_puts(out, "This plugin has no profiler (the profiler extension of the interface), so "
                        "there are only times of whole runs.\n");
    return;
  }
  if (!p->kernels.len) {
    pj_strbuf_puts(out,
                   "The plugin's profiler saw no steps inside of the runs: there are only times "
                   "of whole runs.\n");
    return;
  }
  pj_strbuf_puts(out,
                 "\n  share  per run  calls     GB/s  GFLOP/s  kernel and where it comes from\n");
  double others = 0;
  for (size_t i = 0; i < p->kernels.len; i++)
    if (i < top)
      show_kernel(p, &p->kernels.data[i], out);
    else
      others += p->kernels.data[i].self_us;
  if (p->kernels.len > top) {
    pj_strbuf_printf(out, "%5.1f %%", 100 * others / p->kernels_us);
    show_padded_us(out, others / (double)p->repeat);
    pj_strbuf_printf(out, "  %zu others (--top shows more)\n", p->kernels.len - top);
  }
  if (p->lines.len)
    pj_strbuf_puts(out, "\n  share  per run  line of the program\n");
  for (size_t i = 0; i < p->lines.len && i < top; i++) {
    const PjCostRow *row = &p->lines.data[i];
    pj_strbuf_printf(out, "%5.1f %%", 100 * row->self_us / p->kernels_us);
    show_padded_us(out, row->self_us / (double)p->repeat);
    pj_strbuf_printf(out, "  %.*s\n", PJ_STR_ARG(row->name));
  }
  for (size_t i = 0; i < p->runs.warnings.len; i++)
    pj_strbuf_printf(out, "\nnote: %.*s\n", PJ_STR_ARG(p->runs.warnings.data[i]));
}

// --- JSON ---------------------------------------------------------------------------------------

static void put_text(PjStrBuf *out, const char *key, PjStr text) {
  pj_strbuf_printf(out, "\"%s\": ", key);
  pj_json_string(out, text);
}

static void put_number(PjStrBuf *out, const char *key, double value) {
  pj_strbuf_printf(out, ", \"%s\": ", key);
  pj_json_number(out, value);
}

// With |details| kernels, else names and times.
static void put_rows(PjStrBuf *out, const char *key, const PjCostRows *rows, bool details) {
  pj_strbuf_printf(out, ",\n  \"%s\": [", key);
  for (size_t i = 0; i < rows->len; i++) {
    const PjCostRow *row = &rows->data[i];
    pj_strbuf_puts(out, i ? ",\n    {" : "\n    {");
    put_text(out, "name", row->name);
    put_number(out, "calls", (double)row->calls);
    put_number(out, "total_us", row->total_us);
    put_number(out, "self_us", row->self_us);
    if (details) {
      put_number(out, "flops", row->flops);
      put_number(out, "bytes", row->bytes);
      pj_strbuf_puts(out, ", ");
      put_text(out, "ops", row->ops);
      pj_strbuf_puts(out, ", ");
      put_text(out, "op_name", row->op_name);
      pj_strbuf_puts(out, ", ");
      put_text(out, "source", row->source);
    }
    pj_strbuf_putc(out, '}');
  }
  pj_strbuf_puts(out, rows->len ? "\n  ]" : "]");
}

void pj_profile_json(const PjProfile *p, PjStrBuf *out) {
  pj_strbuf_puts(out, "{\n  ");
  put_text(out, "program", p->program);
  pj_strbuf_puts(out, ",\n  ");
  put_text(out, "plugin", p->plugin);
  pj_strbuf_puts(out, ",\n  ");
  put_text(out, "platform", p->platform);
  pj_strbuf_puts(out, ",\n  ");
  put_text(out, "platform_version", p->version);
  pj_strbuf_printf(out, ",\n  \"profiler\": %s", p->has_steps ? "true" : "false");
  put_number(out, "compile_s", p->compile_s);
  put_number(out, "first_run_s", p->first_s);
  pj_strbuf_puts(out, ",\n  \"runs_s\": [");
  for (size_t i = 0; i < p->repeat; i++) {
    pj_strbuf_puts(out, i ? ", " : "");
    pj_json_number(out, p->runs_s[i]);
  }
  pj_strbuf_puts(out, "]");
  put_rows(out, "kernels", &p->kernels, true);
  put_rows(out, "lines", &p->lines, false);
  put_rows(out, "compile_phases", &p->phases, false);
  pj_strbuf_puts(out, "\n}\n");
}

// --- Trace --------------------------------------------------------------------------------------

static void put_events(PjStrBuf *out, const PjXSpace *space, int process, double origin_us,
                       bool *first) {
  static const char *const kinds[] = {"step", "run", "compile", "transfer", "host"};
  for (size_t i = 0; i < space->lines.len; i++) {
    const PjSpanLine *line = &space->lines.data[i];
    pj_strbuf_printf(
        out, "%s{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": %d, \"tid\": %zu, \"args\": {",
        *first ? "" : ",\n", process, i + 1);
    put_text(out, "name", line->name);
    pj_strbuf_puts(out, "}}");
    *first = false;
  }
  for (size_t i = 0; i < space->spans.len; i++) {
    const PjSpan *span = &space->spans.data[i];
    const PjSpanName *name = &space->names.data[span->name];
    pj_strbuf_puts(out, ",\n{\"ph\": \"X\", ");
    put_text(out, "name", name->name);
    pj_strbuf_printf(
        out,
        ", \"cat\": \"%s\", \"pid\": %d, \"tid\": %zu, \"ts\": %.3f, \"dur\": %.3f, \"args\": {",
        kinds[name->kind], process, span->line + 1, span->begin_us - origin_us, span->duration_us);
    put_text(out, "program", name->program);
    pj_strbuf_puts(out, ", ");
    put_text(out, "ops", name->ops);
    pj_strbuf_puts(out, ", ");
    put_text(out, "op_name", name->op_name);
    pj_strbuf_puts(out, ", ");
    put_text(out, "source", name->source);
    put_number(out, "flops", name->flops);
    put_number(out, "bytes", name->bytes);
    pj_strbuf_puts(out, "}}");
  }
}

// When the first event of |space| was, and |until|; both in microseconds since |origin_ns|.
static double first_us(const PjXSpace *space, uint64_t origin_ns, double until) {
  double shift = (double)(int64_t)(space->origin_ns - origin_ns) * 1e-3;
  for (size_t i = 0; i < space->spans.len; i++)
    if (space->spans.data[i].begin_us + shift < until)
      until = space->spans.data[i].begin_us + shift;
  return until;
}

void pj_profile_trace(const PjProfile *p, PjStrBuf *out) {
  uint64_t origin = p->before.origin_ns;
  double shift = (double)(int64_t)(p->runs.origin_ns - origin) * 1e-3;
  double begin = first_us(&p->before, origin, first_us(&p->runs, origin, 1e18));
  bool first = true;
  pj_strbuf_puts(out, "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n");
  put_events(out, &p->before, 1, begin, &first);
  put_events(out, &p->runs, 2, begin - shift, &first);
  for (int process = 1; process <= 2; process++)
    pj_strbuf_printf(
        out,
        "%s{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": %d, \"args\": {\"name\": \"%s\"}}",
        first && process == 1 ? "" : ",\n", process,
        process == 1 ? "compilation and first run" : "runs");
  pj_strbuf_puts(out, "\n]}\n");
}
