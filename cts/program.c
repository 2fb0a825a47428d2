// Small programs with the numbers that they must compute: files of programs/, which the build puts
// into this object.
//
//   == NAME                 begins a program
//   in NAME ARRAY           an argument
//   out NAME[~TOLERANCE] ARRAY
//   the body                of a function whose signature and return are made from the above, or,
//   if it begins with
//                           `module`, a whole module
#include "array.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define EMBED(name)                                                                   \
  __asm__(".section .rodata\n.global pj_cts_text_" #name "\npj_cts_text_" #name ":\n" \
          ".incbin \"" PJ_CTS_DIR "/programs/" #name ".txt\"\n.byte 0\n.previous\n"); \
  extern const char pj_cts_text_##name[]
EMBED(elementwise);
EMBED(movement);
EMBED(reduction);
EMBED(control);
EMBED(dynamic);
EMBED(random);
EMBED(legacy);

static const char *const texts[] = {
    pj_cts_text_elementwise, pj_cts_text_movement, pj_cts_text_reduction, pj_cts_text_control,
    pj_cts_text_dynamic,     pj_cts_text_random,   pj_cts_text_legacy};

enum { MAX_ARRAYS = 8, MAX_TEXT = 16384 };

// A part of a program's text.
typedef struct Span {
  const char *start;
  size_t length;
} Span;

typedef struct Program {
  Span names[2][MAX_ARRAYS]; // of arguments, of results
  PjCtsArray arrays[2][MAX_ARRAYS];
  double tolerances[MAX_ARRAYS];
  size_t counts[2];
  Span body;
} Program;

static Span line_at(const char *at) {
  return (Span){at, strcspn(at, "\n")};
}

static const char *next_line(const char *at) {
  at += strcspn(at, "\n");
  return *at ? at + 1 : at;
}

static bool begins(const char *at) {
  return strncmp(at, "== ", 3) == 0;
}

static Program parse(const char *at) {
  Program p = {0};
  for (; !strncmp(at, "in ", 3) || !strncmp(at, "out ", 4); at = next_line(at)) {
    int out = *at == 'o';
    Span line = line_at(at + (out ? 4 : 3));
    size_t i = p.counts[out]++, n = strcspn(line.start, " ~");
    CHECK(i < MAX_ARRAYS, "the kit's own fault: too many arrays");
    p.names[out][i] = (Span){line.start, n};
    char *rest = (char *)line.start + n;
    if (*rest == '~')
      p.tolerances[i] = strtod(rest + 1, &rest);
    rest += *rest == ' ';
    p.arrays[out][i] = pj_cts_parse(rest, line.length - (size_t)(rest - line.start));
  }
  p.body.start = at;
  while (*at && !begins(at))
    at = next_line(at);
  p.body.length = (size_t)(at - p.body.start);
  return p;
}

__attribute__((format(printf, 2, 3))) static void add(char *text, const char *format, ...) {
  size_t n = strlen(text);
  va_list args;
  va_start(args, format);
  int more = vsnprintf(text + n, MAX_TEXT - n, format, args);
  va_end(args);
  CHECK(more >= 0 && n + (size_t)more < MAX_TEXT, "the kit's own fault: a long program");
}

static void add_type(char *text, const PjCtsArray *a) {
  add(text, "tensor<");
  for (size_t i = 0; i < a->rank; i++)
    add(text, "%" PRId64 "x", a->dims[i]);
  add(text, "%s>", a->type->mlir);
}

static void write_module(const Program *p, char *text) {
  text[0] = 0;
  if (strncmp(p->body.start, "module", 6) == 0) {
    add(text, "%.*s", (int)p->body.length, p->body.start);
    return;
  }
  add(text, "func.func public @main(");
  for (size_t i = 0; i < p->counts[0]; i++) {
    add(text, "%s%%%.*s: ", i ? ", " : "", (int)p->names[0][i].length, p->names[0][i].start);
    add_type(text, &p->arrays[0][i]);
  }
  add(text, ") -> (");
  for (size_t i = 0; i < p->counts[1]; i++) {
    add(text, i ? ", " : "");
    add_type(text, &p->arrays[1][i]);
  }
  add(text, ") {\n%.*s  return ", (int)p->body.length, p->body.start);
  for (size_t i = 0; i < p->counts[1]; i++)
    add(text, "%s%%%.*s", i ? ", " : "", (int)p->names[1][i].length, p->names[1][i].start);
  add(text, " : ");
  for (size_t i = 0; i < p->counts[1]; i++) {
    add(text, i ? ", " : "");
    add_type(text, &p->arrays[1][i]);
  }
  add(text, "\n}\n");
}

static const char *program_at(size_t row) {
  for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
    for (const char *at = texts[t]; *at; at = next_line(at))
      if (begins(at) && row-- == 0)
        return at;
  return NULL;
}

static void run(size_t row) {
  start();
  static char text[MAX_TEXT];
  Program p = parse(next_line(program_at(row)));
  write_module(&p, text);
  PJRT_LoadedExecutable *loaded = compile(text);
  PJRT_Buffer *args[MAX_ARRAYS], *out[MAX_ARRAYS];
  for (size_t i = 0; i < p.counts[0]; i++)
    args[i] = pj_cts_upload(&p.arrays[0][i]);
  execute(loaded, p.counts[0], args, out);
  for (size_t i = 0; i < p.counts[1]; i++) {
    char what[64];
    snprintf(what, sizeof what, "result %zu", i);
    PjCtsArray got = pj_cts_download(out[i], &p.arrays[1][i], what);
    pj_cts_compare(&got, &p.arrays[1][i], p.tolerances[i], what);
    destroy_buffer(out[i]);
  }
  for (size_t i = 0; i < p.counts[0]; i++)
    destroy_buffer(args[i]);
  destroy_loaded(loaded);
  stop();
}

bool pj_cts_program_test(size_t row, PjCtsTest *out) {
  const char *at = program_at(row);
  if (!at)
    return false;
  Span name = line_at(at + 3);
  *out = (PjCtsTest){.name = strndup(name.start, name.length),
                     .promise = "the program computes what the specification says",
                     .run_row = run,
                     .row = row};
  return true;
}
