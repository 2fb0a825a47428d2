// The two files around the steps: header, constants, functions of kernels, the program.
#include "aot/write.h"

#include <inttypes.h>

#include "aot/writer.h"

typedef PjAotWriter Writer;

static const PjType *input_type(const Writer *w, uint32_t i) {
  return pj_module_entry(w->s->module)->regions[0].args[i].type;
}

static const PjType *output_type(const Writer *w, uint32_t i) {
  return pj_region_terminator(&pj_module_entry(w->s->module)->regions[0])->operands[i]->type;
}

static void print_prototype(const Writer *w, PjStrBuf *out) {
  pj_strbuf_printf(out, "void %s(", w->options->name);
  for (uint32_t i = 0; i < w->s->num_inputs; ++i)
    pj_strbuf_printf(out, "const %s *in%" PRIu32 ", ",
                     pj_aot__element_type(input_type(w, i)->dtype), i);
  for (uint32_t i = 0; i < w->s->num_outputs; ++i)
    pj_strbuf_printf(out, "%s *out%" PRIu32 ", ", pj_aot__element_type(output_type(w, i)->dtype),
                     i);
  pj_strbuf_printf(out, "%svoid *workspace)", w->options->weights ? "const void *weights, " : "");
}

static void define(PjStrBuf *out, const char *name, const char *what, size_t value) {
  pj_strbuf_puts(out, "#define ");
  for (; *name; ++name)
    pj_strbuf_putc(out, *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name);
  pj_strbuf_printf(out, "_%s %zu\n", what, value);
}

// The first line of both files. What names its origin may not end the comment.
static void print_origin(const PjAotOptions *o, PjStrBuf *out) {
  pj_strbuf_puts(out, "// Made by pjrt-aot");
  if (o->origin)
    pj_strbuf_puts(out, " from ");
  for (const char *c = o->origin; c && *c; ++c)
    pj_strbuf_putc(out, *c < ' ' || *c == 127 || *c == '\\' || *c == '?' ? '_' : *c);
  pj_strbuf_puts(out, ".\n");
}

static void print_header(const Writer *w, PjStrBuf *out) {
  const PjAotOptions *o = w->options;
  print_origin(o, out);
  pj_strbuf_puts(out, "#pragma once\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n"
                      "#endif\n\n// Bytes of memory for temporaries that a call needs.\n");
  define(out, o->name, "WORKSPACE", (w->s->temp_bytes + w->scratch_bytes + 63) / 64 * 64 + 64);
  if (o->weights) {
    pj_strbuf_puts(out, "// Bytes of the file of weights.\n");
    define(out, o->name, "WEIGHTS", w->weights_bytes);
  }
  pj_strbuf_puts(
      out, "\n// Computes the outputs from the inputs: dense arrays, the last dimension innermost, "
           "which do not overlap.\n// |workspace| is aligned to 64 bytes; what it holds does not "
           "matter, before or after.\n");
  if (o->weights)
    pj_strbuf_puts(out, "// |weights|: what the file holds, read or mapped on a little-endian "
                        "machine, aligned to 64 bytes.\n");
  pj_strbuf_puts(
      out, "// Allocates nothing, keeps nothing, cannot fail. Any number of threads may call it at "
           "once, each with outputs\n// and a workspace of its own.\n//\n");
  for (uint32_t i = 0; i < w->s->num_inputs + w->s->num_outputs; ++i) {
    bool in = i < w->s->num_inputs;
    uint32_t n = in ? i : i - w->s->num_inputs;
    pj_strbuf_printf(out, "//   %s%" PRIu32 ": ", in ? "in" : "out", n);
    pj_type_print(out, in ? input_type(w, n) : output_type(w, n));
    pj_strbuf_puts(out, "\n");
  }
  print_prototype(w, out);
  pj_strbuf_puts(out, ";\n\n#ifdef __cplusplus\n}\n#endif\n");
}

static bool has_swaps(const PjSteps *steps) {
  for (size_t i = 0; i < steps->len; ++i) {
    if (steps->data[i].num_swaps)
      return true;
    for (uint32_t b = 0; b < steps->data[i].num_bodies; ++b)
      if (has_swaps(&steps->data[i].bodies[b]))
        return true;
  }
  return false;
}

// Parameters that no step looks at, so that compilers do not wonder.
static void print_unused(const Writer *w, PjStrBuf *out) {
  for (uint32_t i = 0; i < w->s->num_inputs; ++i)
    if (!w->used[w->s->inputs[i]])
      pj_strbuf_printf(out, "  (void)in%" PRIu32 ";\n", i);
  for (uint32_t i = 0; i < w->s->num_outputs; ++i)
    if (!w->used[w->s->outputs[i]])
      pj_strbuf_printf(out, "  (void)out%" PRIu32 ";\n", i);
  if (w->options->weights && !w->weights_bytes)
    pj_strbuf_puts(out, "  (void)weights;\n");
}

// The addresses of temporaries.
static void print_temporaries(const Writer *w, PjStrBuf *out) {
  pj_strbuf_printf(out, "  char *memory = workspace, *scratch = memory + %zu;\n", w->s->temp_bytes);
  for (size_t i = 0; i < w->s->slots.len; ++i) {
    const PjSchedSlot *slot = &w->s->slots.data[i];
    if (slot->kind == PJ_SLOT_TEMP && w->used[i])
      pj_strbuf_printf(out, "  char *%st%zu = memory + %zu; // %zu bytes\n",
                       w->swapped[i] ? "" : "const ", i, slot->offset, slot->bytes);
  }
  pj_strbuf_puts(out, "  (void)scratch;\n");
}

// True if |name|, of a function beside it, would get into the way of the C text: it is called or
// defined as a function or macro there, or stands outside of functions. Parameters and variables
// may have it.
static bool has_name(const PjStrBuf *text, const char *name) {
  size_t len = strlen(name);
  int depth = 0;
  bool outside = false; // the line at hand is no function's and no macro's
  for (size_t i = 0, end; i < text->len; i = end) {
    const char *c = &text->data[i], *stop = text->data + text->len;
    if (!i || c[-1] == '\n')
      outside = !depth && *c != '#' && strncmp(c, "FN ", 3) && strncmp(c, "static ", 7);
    end = i + 1;
    depth += (*c == '{') - (*c == '}');
    if (*c == '/' && c + 1 < stop && c[1] == '/') {
      const char *line = memchr(c, '\n', (size_t)(stop - c));
      end = line ? (size_t)(line - text->data) : text->len;
    }
    if (!pj_aot_is_name_char(*c))
      continue;
    while (end < text->len && pj_aot_is_name_char(text->data[end]))
      ++end;
    bool called = end < text->len && text->data[end] == '(';
    bool defined = i >= 8 && !memcmp(c - 8, "#define ", 8);
    if ((called || defined || outside) && end - i == len && !memcmp(c, name, len))
      return true;
  }
  return false;
}

static PjStatus print_source(const Writer *w, PjStrBuf *out) {
  PjClikeDialect dialect = pj_clike_c;
  char *signature = pj_arena_printf(w->arena, "static %s", pj_clike_c.signature);
  dialect.signature = signature;
  const PjAotOptions *o = w->options;
  size_t start = out->len;
  print_origin(o, out);
  pj_strbuf_printf(
      out,
      "// Needs nothing but libm. Written for vectors of %d bytes. A kernel computes units begin "
      "to end of its loop.\n#include \"%s\"\n#include <stddef.h>\n\n",
      w->target->vector_bytes, o->header);
  PJ_TRY(
      pj_clike_emit(&dialect, (uint32_t)w->functions.len, w->functions.data, w->names.data, out));
  pj_strbuf_append(out, w->constants.data, w->constants.len);
  if (has_swaps(&w->s->steps))
    pj_strbuf_puts(out, "\nstatic void swap(char **a, char **b) {\n  char *kept = *a;\n  *a = "
                        "*b;\n  *b = kept;\n}\n");
  PJ_TRY(pj_strbuf_status(out));
  PjStrBuf before = {.data = out->data + start, .len = out->len - start};
  PJ_FAIL_IF(has_name(&before, o->name) || has_name(&w->body, o->name), INVALID_ARGUMENT,
             "the name '%s' has a meaning inside of the source; choose another", o->name);
  pj_strbuf_puts(out, "\n");
  print_prototype(w, out);
  pj_strbuf_puts(out, " {\n");
  print_unused(w, out);
  print_temporaries(w, out);
  pj_strbuf_puts(out, "\n");
  pj_strbuf_append(out, w->body.data, w->body.len);
  pj_strbuf_puts(out, "}\n");
  return pj_strbuf_status(out);
}

static PjStatus check_io(const char *what, uint32_t i, const PjType *type) {
  PJ_FAIL_IF(type->kind != PJ_TYPE_TENSOR, UNIMPLEMENTED, "%s %" PRIu32 " is no array", what, i);
  return PJ_STATUS_OK;
}

static PjStatus print_all(Writer *w, PjAotFiles *out) {
  const PjSchedule *s = w->s;
  for (uint32_t i = 0; i < s->num_inputs; ++i)
    PJ_TRY(check_io("argument", i, input_type(w, i)));
  for (uint32_t i = 0; i < s->num_outputs; ++i)
    PJ_TRY(check_io("result", i, output_type(w, i)));
  w->used = PJ_NEW_ARRAY(w->arena, bool, s->slots.len + 1);
  w->swapped = PJ_NEW_ARRAY(w->arena, bool, s->slots.len + 1);
  pj_aot__survey(w, &s->steps);
  pj_aot__place_weights(w);
  for (uint32_t i = 0; i < s->num_codes; ++i)
    pj_aot__add_function(w, s->functions[i], s->functions[i]->name);
  w->depth = 1;
  PJ_TRY(pj_aot__print_steps(w, &s->steps));
  PJ_TRY(pj_strbuf_status(&w->body));
  pj_aot__print_constants(w, &out->weights);
  PJ_TRY(pj_strbuf_status(&w->constants));
  PJ_TRY(pj_strbuf_status(&out->weights));
  print_header(w, &out->header);
  PJ_TRY(pj_strbuf_status(&out->header));
  return print_source(w, &out->source);
}

typedef struct Job {
  Writer *w;
  PjAotFiles *out;
} Job;

static PjStatus run(void *context) {
  Job *job = context;
  return print_all(job->w, job->out);
}

static PjStatus run_in_arena(void *context) {
  Job *job = context;
  return pj_arena_guard(job->w->arena, run, job);
}

PjStatus pj_aot_print(const PjSchedule *schedule, const PjKirTarget *target, PjArena *kernels,
                      const PjAotOptions *options, PjAotFiles *out) {
  Writer writer = {.s = schedule,
                   .target = target,
                   .options = options,
                   .arena = schedule->arena,
                   .kernels = kernels};
  Job job = {&writer, out};
  // Guards of its own, so that the buffers are freed whatever arena runs out.
  PjStatus status = pj_arena_guard(kernels, run_in_arena, &job);
  pj_strbuf_free(&writer.body);
  pj_strbuf_free(&writer.constants);
  return status;
}
