// Strings: slices that own nothing, and a growing buffer for building text.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/status.h"

typedef struct PjStr {
  const char *ptr; // not NUL-terminated in general
  size_t len;
} PjStr;

#define PJ_STR(literal) ((PjStr){"" literal, sizeof(literal) - 1})
#define PJ_STR_ARG(s)   (int)((s).len > 4096 ? 4096 : (s).len), (s).ptr ? (s).ptr : "" // for "%.*s"

static inline PjStr pj_str(const char *text) {
  return (PjStr){text, text ? strlen(text) : 0};
}
static inline bool pj_str_eq(PjStr a, PjStr b) {
  return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len));
}
static inline bool pj_str_is(PjStr a, const char *text) {
  return pj_str_eq(a, pj_str(text));
}
static inline bool pj_str_starts(PjStr a, const char *prefix) {
  size_t n = strlen(prefix);
  return a.len >= n && !memcmp(a.ptr, prefix, n);
}

// A heap buffer that grows. Appending never fails at once: |failed| is set when memory ran out, and
// pj_strbuf_status tells at the end. Zero-initialise; free with pj_strbuf_free.
typedef struct PjStrBuf {
  char *data; // NUL-terminated once anything was appended
  size_t len, capacity;
  bool failed;
} PjStrBuf;

void pj_strbuf_append(PjStrBuf *buf, const void *data, size_t len);
void pj_strbuf_puts(PjStrBuf *buf, const char *text);
void pj_strbuf_putc(PjStrBuf *buf, char c);
void pj_strbuf_str(PjStrBuf *buf, PjStr text);
void pj_strbuf_printf(PjStrBuf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
PjStatus pj_strbuf_status(const PjStrBuf *buf); // OK or RESOURCE_EXHAUSTED
void pj_strbuf_free(PjStrBuf *buf);
