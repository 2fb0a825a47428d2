// Tokens of MLIR text (MLIR language reference, "Notation" and "Common syntax"), and error
// messages.
#include <stdarg.h>
#include <stdio.h>

#include "import/text/text.h"

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static int hex_digit(char c) {
  if (is_digit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}
static bool is_word_char(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || c == '$' || c == '.';
}

static PjToken lex_failure(PjText *t, const char *start, const char *end, const char *what) {
  t->lex_error = what;
  return (PjToken){PJ_TOK_ERROR, start, end};
}

static const char *skip_space(const char *at, const char *end) {
  for (; at < end; ++at) {
    if (*at == '/' && end - at > 1 && at[1] == '/') {
      const char *line = memchr(at, '\n', (size_t)(end - at));
      if (!line)
        return end;
      at = line;
    } else if (*at != ' ' && *at != '\n' && *at != '\t' && *at != '\r') {
      break;
    }
  }
  return at;
}

// Strings end at the first quote that no backslash precedes and may not hold a line break.
static PjToken lex_string(PjText *t, const char *start, const char *at, PjTok kind) {
  // A constant is megabytes of hex digits: memchr finds its end when it has no escapes.
  const char *quote = memchr(at, '"', (size_t)(t->end - at));
  if (quote && !memchr(at, '\\', (size_t)(quote - at)) && !memchr(at, '\n', (size_t)(quote - at)))
    return (PjToken){kind, start, quote + 1};
  for (; at < t->end && *at != '\n'; ++at) {
    if (*at == '"')
      return (PjToken){kind, start, at + 1};
    if (*at == '\\' && ++at == t->end)
      break;
  }
  return lex_failure(t, start, at, "this string has no end");
}

// The part of a name behind its sigil: digits, or a letter or one of $._- and more of these.
static const char *name_end(const char *at, const char *end) {
  if (at < end && is_digit(*at)) {
    while (at < end && is_digit(*at))
      ++at;
    return at;
  }
  while (at < end && (is_word_char(*at) || *at == '-'))
    ++at;
  return at;
}

static PjToken lex_sigil(PjText *t, const char *start, PjTok kind) {
  const char *end = name_end(start + 1, t->end);
  // `%a->` and `#a->`: the arrow is not part of the name.
  if (end < t->end && *end == '>' && end[-1] == '-')
    --end;
  if (end == start + 1)
    return lex_failure(t, start, end, "a name is missing behind this sign");
  return (PjToken){kind, start, end};
}

static PjToken lex_symbol(PjText *t, const char *start) {
  const char *at = start + 1;
  if (at < t->end && *at == '"')
    return lex_string(t, start, at + 1, PJ_TOK_SYMBOL);
  if (at == t->end || !(is_letter(*at) || *at == '_'))
    return lex_failure(t, start, at, "@ must be followed by a name or a string");
  while (at < t->end && is_word_char(*at))
    ++at;
  return (PjToken){PJ_TOK_SYMBOL, start, at};
}

static PjToken lex_number(const char *start, const char *end) {
  const char *at = start;
  if (*at == '0' && end - at > 2 && at[1] == 'x' && hex_digit(at[2]) >= 0) {
    at += 2;
    while (at < end && hex_digit(*at) >= 0)
      ++at;
    return (PjToken){PJ_TOK_INT, start, at};
  }
  while (at < end && is_digit(*at))
    ++at;
  if (at == end || *at != '.')
    return (PjToken){PJ_TOK_INT, start, at};
  ++at;
  while (at < end && is_digit(*at))
    ++at;
  if (at < end && (*at == 'e' || *at == 'E')) {
    const char *power = at + 1;
    if (power < end && (*power == '+' || *power == '-'))
      ++power;
    if (power < end && is_digit(*power)) {
      while (power < end && is_digit(*power))
        ++power;
      at = power;
    }
  }
  return (PjToken){PJ_TOK_FLOAT, start, at};
}

// {-# dialect_resources: ... #-}: strings inside may hold the closing sign.
static PjToken lex_meta(PjText *t, const char *start) {
  for (const char *at = start + 3; at < t->end; ++at) {
    if (*at == '"') {
      PjToken string = lex_string(t, at, at + 1, PJ_TOK_STRING);
      if (string.kind == PJ_TOK_ERROR)
        return string;
      at = string.end - 1;
    } else if (*at == '#' && t->end - at > 2 && at[1] == '-' && at[2] == '}') {
      return (PjToken){PJ_TOK_META, start, at + 3};
    }
  }
  return lex_failure(t, start, t->end, "{-# has no end");
}

static PjToken lex(PjText *t, const char *at) {
  at = skip_space(at, t->end);
  if (at == t->end)
    return (PjToken){PJ_TOK_EOF, at, at};
  char c = *at;
  if (is_letter(c) || c == '_') {
    const char *end = at + 1;
    while (end < t->end && is_word_char(*end))
      ++end;
    return (PjToken){PJ_TOK_WORD, at, end};
  }
  if (is_digit(c))
    return lex_number(at, t->end);
  size_t left = (size_t)(t->end - at);
  switch (c) {
  case '"':
    return lex_string(t, at, at + 1, PJ_TOK_STRING);
  case '@':
    return lex_symbol(t, at);
  case '%':
    return lex_sigil(t, at, PJ_TOK_VALUE);
  case '#':
    return lex_sigil(t, at, PJ_TOK_HASH);
  case '!':
    return lex_sigil(t, at, PJ_TOK_BANG);
  case '^':
    return lex_sigil(t, at, PJ_TOK_CARET);
  case '-':
    if (left > 1 && at[1] == '>')
      return (PjToken){PJ_TOK_ARROW, at, at + 2};
    break;
  case ':':
    if (left > 1 && at[1] == ':')
      return (PjToken){PJ_TOK_COLONS, at, at + 2};
    break;
  case '{':
    if (left > 2 && at[1] == '-' && at[2] == '#')
      return lex_meta(t, at);
    break;
  case '(':
  case ')':
  case '}':
  case '[':
  case ']':
  case '<':
  case '>':
  case ',':
  case '=':
  case '?':
  case '+':
  case '*':
  case '/':
  case '|':
    break;
  default:
    return lex_failure(t, at, at + 1, "unexpected character");
  }
  return (PjToken){(PjTok)(unsigned char)c, at, at + 1};
}

void pj_text_next(PjText *t) {
  t->prev_end = t->tok.end;
  t->tok = lex(t, t->tok.end);
}

void pj_text_seek(PjText *t, const char *at) {
  t->prev_end = at;
  t->tok = lex(t, at);
}

PjTok pj_text_peek(PjText *t, PjStr *out) {
  PjToken tok = lex(t, t->tok.end);
  *out = pj_tok_str(tok);
  return tok.kind;
}

// ------------------------------------------------------------------------------------- errors
static PjStatus located(PjText *t, const char *at, PjStatus status) {
  size_t line = 1;
  const char *start = t->begin;
  for (const char *p = t->begin; p < at && (p = memchr(p, '\n', (size_t)(at - p)));) {
    ++line;
    start = ++p;
  }
  return pj_status_prefix(status, "%s%s%zu:%zu", t->file ? t->file : "", t->file ? ":" : "", line,
                          (size_t)(at - start) + 1);
}

PjStatus pj_text_error(PjText *t, const char *at, const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return located(t, at, PJ_ERROR(INVALID_ARGUMENT, "%s", text));
}

PjStatus pj_text_unsupported(PjText *t, const char *at, const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return located(t, at, PJ_ERROR(UNIMPLEMENTED, "%s", text));
}

PjStatus pj_text_unexpected(PjText *t, const char *what) {
  PjStr found = pj_tok_str(t->tok);
  if (pj_text_is(t, PJ_TOK_ERROR))
    return pj_text_error(t, t->tok.start, "%s; expected %s", t->lex_error, what);
  if (pj_text_is(t, PJ_TOK_EOF))
    return pj_text_error(t, t->tok.start, "expected %s, found the end of the text", what);
  int shown = found.len > 40 ? 40 : (int)found.len;
  return pj_text_error(t, t->tok.start, "expected %s, found `%.*s%s`", what, shown, found.ptr,
                       found.len > 40 ? "..." : "");
}

static const char *tok_name(PjTok kind, char buf[4]) {
  switch (kind) {
  case PJ_TOK_EOF:
    return "the end of the text";
  case PJ_TOK_WORD:
    return "a keyword";
  case PJ_TOK_INT:
    return "an integer";
  case PJ_TOK_FLOAT:
    return "a floating-point number";
  case PJ_TOK_STRING:
    return "a string";
  case PJ_TOK_SYMBOL:
    return "a symbol (@name)";
  case PJ_TOK_VALUE:
    return "an SSA value (%name)";
  case PJ_TOK_HASH:
    return "an attribute (#name)";
  case PJ_TOK_BANG:
    return "a type (!name)";
  case PJ_TOK_CARET:
    return "a block label (^name)";
  case PJ_TOK_ARROW:
    return "'->'";
  case PJ_TOK_COLONS:
    return "'::'";
  default:
    buf[0] = buf[2] = '\'';
    buf[1] = (char)kind;
    buf[3] = 0;
    return buf;
  }
}

PjStatus pj_text_expect(PjText *t, PjTok kind) {
  char buf[4];
  if (!pj_text_is(t, kind))
    return pj_text_unexpected(t, tok_name(kind, buf));
  pj_text_next(t);
  return PJ_STATUS_OK;
}

PjStatus pj_text_expect_word(PjText *t, const char *word) {
  char what[64];
  if (pj_text_accept_word(t, word))
    return PJ_STATUS_OK;
  snprintf(what, sizeof what, "`%s`", word);
  return pj_text_unexpected(t, what);
}

// ------------------------------------------------------------------------------------- strings and
// names
bool pj_text_unescape(PjText *t, PjToken tok, PjStr *out) {
  const char *at = tok.start + (*tok.start == '@') + 1, *end = tok.end - 1;
  *out = (PjStr){at, (size_t)(end - at)};
  if (!memchr(at, '\\', out->len))
    return true;
  char *copy = pj_arena_alloc(t->arena, out->len), *to = copy;
  while (at < end) {
    char c = *at++;
    if (c == '\\') {
      if (at == end)
        return false;
      c = *at++;
      if (c == 'n') {
        c = '\n';
      } else if (c == 't') {
        c = '\t';
      } else if (c != '"' && c != '\\') {
        int high = hex_digit(c), low = at < end ? hex_digit(*at) : -1;
        if (high < 0 || low < 0)
          return false;
        c = (char)(high << 4 | low);
        ++at;
      }
    }
    *to++ = c;
  }
  *out = (PjStr){copy, (size_t)(to - copy)};
  return true;
}

PjStatus pj_text_string(PjText *t, PjStr *out) {
  if (!pj_text_is(t, PJ_TOK_STRING))
    return pj_text_unexpected(t, "a string");
  if (!pj_text_unescape(t, t->tok, out))
    return pj_text_error(t, t->tok.start,
                         "this string has an unknown escape; expected \\\\, \\\", "
                         "\\n, \\t or two hex digits");
  pj_text_next(t);
  return PJ_STATUS_OK;
}

PjStatus pj_text_symbol(PjText *t, PjStr *out) {
  if (!pj_text_is(t, PJ_TOK_SYMBOL))
    return pj_text_unexpected(t, "a symbol (@name)");
  if (t->tok.start[1] != '"') {
    *out = (PjStr){t->tok.start + 1, (size_t)(t->tok.end - t->tok.start) - 1};
  } else if (!pj_text_unescape(t, t->tok, out)) {
    return pj_text_error(t, t->tok.start, "this symbol has an unknown escape");
  }
  if (!out->len)
    return pj_text_error(t, t->tok.start, "a symbol may not be empty");
  pj_text_next(t);
  return PJ_STATUS_OK;
}

PjStatus pj_text_word(PjText *t, const char *what, PjStr *out) {
  if (!pj_text_is(t, PJ_TOK_WORD))
    return pj_text_unexpected(t, what);
  *out = pj_tok_str(t->tok);
  pj_text_next(t);
  return PJ_STATUS_OK;
}

PjStatus pj_text_word_or_string(PjText *t, const char *what, PjStr *out) {
  return pj_text_is(t, PJ_TOK_STRING) ? pj_text_string(t, out) : pj_text_word(t, what, out);
}
