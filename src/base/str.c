// The growing text buffer.
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"

static bool reserve(PjStrBuf *buf, size_t extra) {
  if (buf->failed)
    return false;
  size_t need;
  if (!pj_add_size(buf->len, extra + 1, &need))
    return !(buf->failed = true);
  if (need <= buf->capacity)
    return true;
  size_t capacity = buf->capacity ? buf->capacity : 128;
  while (capacity < need)
    capacity = capacity > (size_t)-1 / 2 ? need : capacity * 2;
  char *data = pj_realloc(buf->data, capacity);
  if (!data)
    return !(buf->failed = true);
  buf->data = data;
  buf->capacity = capacity;
  return true;
}

void pj_strbuf_append(PjStrBuf *buf, const void *data, size_t len) {
  if (!reserve(buf, len))
    return;
  if (len)
    memcpy(buf->data + buf->len, data, len);
  buf->len += len;
  buf->data[buf->len] = 0;
}

void pj_strbuf_puts(PjStrBuf *buf, const char *text) {
  pj_strbuf_append(buf, text, strlen(text));
}
void pj_strbuf_putc(PjStrBuf *buf, char c) {
  pj_strbuf_append(buf, &c, 1);
}
void pj_strbuf_str(PjStrBuf *buf, PjStr text) {
  pj_strbuf_append(buf, text.ptr, text.len);
}

void pj_strbuf_printf(PjStrBuf *buf, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (len < 0 || !reserve(buf, (size_t)len))
    return;
  va_start(args, format);
  vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
  va_end(args);
  buf->len += (size_t)len;
}

PjStatus pj_strbuf_status(const PjStrBuf *buf) {
  return buf->failed ? pj_status_oom() : PJ_STATUS_OK;
}

void pj_strbuf_free(PjStrBuf *buf) {
  pj_free(buf->data);
  *buf = (PjStrBuf){0};
}
