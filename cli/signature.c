// A reader for one line of StableHLO text:
//
//   func.func public @main(%arg0: tensor<2x3xf32> {jax.buffer_donor = true}, %arg1: tensor<i32>) ->
//   ...
//
// It lets `pjrt run` say which argument does not fit before the plugin is asked, and gives a type
// to files of raw bytes. Programs in bytecode have no such line; for them the plugin checks.
#include "signature.h"

#include <string.h>

#include "base/alloc.h"

typedef struct Scanner {
  const char *at, *end;
} Scanner;

static bool looking_at(const Scanner *s, const char *word) {
  size_t n = strlen(word);
  return (size_t)(s->end - s->at) >= n && memcmp(s->at, word, n) == 0;
}

// Moves past one character, or one whole string or comment.
static void skip_one(Scanner *s) {
  if (*s->at == '"') {
    for (s->at++; s->at < s->end && *s->at != '"'; s->at++)
      if (*s->at == '\\' && s->at + 1 < s->end)
        s->at++;
    if (s->at < s->end)
      s->at++;
  } else if (looking_at(s, "//")) {
    while (s->at < s->end && *s->at != '\n')
      s->at++;
  } else if (looking_at(s, "->")) {
    s->at += 2; // its '>' closes nothing
  } else {
    s->at++;
  }
}

static void skip_space(Scanner *s) {
  while (s->at < s->end && (strchr(" \t\r\n", *s->at) || looking_at(s, "//")))
    skip_one(s);
}

static bool accept(Scanner *s, char c) {
  skip_space(s);
  if (s->at >= s->end || *s->at != c)
    return false;
  s->at++;
  return true;
}

// Finds `@main` directly followed by `(`, after `func.func`. The text starts with a header in
// practice, so that this is near its beginning.
static bool find_main(Scanner *s) {
  bool after_func = false;
  while (s->at < s->end) {
    if (looking_at(s, "func.func")) {
      after_func = true;
      s->at += strlen("func.func");
    } else if (after_func && looking_at(s, "@main")) {
      s->at += strlen("@main");
      if (accept(s, '('))
        return true;
      after_func = false; // @main_something
    } else {
      if (after_func && *s->at == '{')
        after_func = false;
      skip_one(s);
    }
  }
  return false;
}

// Moves to the comma or bracket that ends the current item, past balanced brackets.
static bool skip_item(Scanner *s) {
  int depth = 0;
  while (s->at < s->end) {
    char c = *s->at;
    if (depth == 0 && (c == ',' || c == ')'))
      return true;
    if (strchr("<([{", c) && c)
      depth++;
    else if (strchr(">)]}", c) && c && --depth < 0)
      return false;
    skip_one(s);
  }
  return false;
}

static PjParameter unknown_parameter(void) {
  return (PjParameter){.type = PJRT_Buffer_Type_INVALID};
}

// Reads `tensor<2x3x?xf32, #encoding>`; anything else is unknown. Leaves |s| at the type's start or
// inside it: the caller skips to the item's end.
static PjParameter read_type(Scanner *s) {
  PjParameter p = unknown_parameter();
  if (!looking_at(s, "tensor<"))
    return p;
  s->at += strlen("tensor<");
  for (;;) {
    skip_space(s);
    const char *start = s->at;
    int64_t dim = 0;
    if (s->at < s->end && *s->at == '?') {
      dim = -1;
      s->at++;
    } else {
      for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
        if (!pj_mul_i64(dim, 10, &dim) || !pj_add_i64(dim, *s->at - '0', &dim))
          return unknown_parameter();
      if (s->at == start)
        break;
    }
    if (s->at >= s->end || *s->at != 'x' || p.rank == PJ_SIGNATURE_MAX_RANK)
      return unknown_parameter();
    s->at++;
    p.dims[p.rank++] = dim;
  }
  const char *start = s->at;
  int depth = 0;
  for (; s->at < s->end; s->at++) {
    if (*s->at == '<')
      depth++;
    else if (*s->at == '>' && depth-- == 0)
      break;
    else if (*s->at == ',' && depth == 0)
      break;
  }
  p.type = pjh_type_from_name(start, (size_t)(s->at - start));
  s->at = start; // back, so that the caller sees the brackets balanced
  return p;
}

PjStatus pj_cli_signature_read(const char *text, size_t size, PjSignature *out) {
  *out = (PjSignature){0};
  Scanner s = {text, text + size};
  if (size >= 4 && memcmp(text, "ML\xefR", 4) == 0)
    return PJ_STATUS_OK; // bytecode
  if (!find_main(&s))
    return PJ_STATUS_OK;
  size_t capacity = 0;
  bool good = accept(&s, ')');
  while (!good) {
    // %name : type [attributes] [location]
    skip_space(&s);
    while (s.at < s.end && *s.at != ':' && *s.at != ',' && *s.at != ')')
      s.at++;
    if (!accept(&s, ':'))
      break;
    skip_space(&s);
    if (out->count == capacity) {
      size_t larger = capacity ? capacity * 2 : 8;
      PjParameter *grown = pj_realloc(out->parameters, larger * sizeof *grown);
      if (!grown) {
        pj_cli_signature_free(out);
        return pj_status_oom();
      }
      out->parameters = grown;
      capacity = larger;
    }
    Scanner item = s;
    out->parameters[out->count++] = read_type(&item);
    if (!skip_item(&s))
      break;
    if (accept(&s, ')'))
      good = true;
    else if (!accept(&s, ','))
      break;
  }
  if (!good) {
    pj_cli_signature_free(out);
    return PJ_STATUS_OK;
  }
  out->known = true;
  return PJ_STATUS_OK;
}

void pj_cli_signature_free(PjSignature *signature) {
  pj_free(signature->parameters);
  *signature = (PjSignature){0};
}
