// See json.h.
#include "json.h"

#include <math.h>
#include <stdint.h>

size_t pj_utf8_length(const unsigned char *at, size_t left) {
  static const struct {
    unsigned char mask, bits;
    size_t length;
    uint32_t least;
  } forms[] = {
      {0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};
  for (int i = 0; i < 4; i++) {
    if ((*at & forms[i].mask) != forms[i].bits)
      continue;
    uint32_t value = *at & (unsigned char)~forms[i].mask;
    if (forms[i].length > left)
      return 0;
    for (size_t k = 1; k < forms[i].length; k++) {
      if ((at[k] & 0xc0) != 0x80)
        return 0;
      value = value << 6 | (at[k] & 0x3f);
    }
    bool good = value >= forms[i].least && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
    return good ? forms[i].length : 0;
  }
  return 0;
}

void pj_json_string(PjStrBuf *out, PjStr text) {
  pj_strbuf_putc(out, '"');
  for (size_t i = 0; i < text.len;) {
    const unsigned char *at = (const unsigned char *)text.ptr + i;
    size_t length = pj_utf8_length(at, text.len - i);
    if (!length)
      pj_strbuf_puts(out, "\\ufffd");
    else if (*at == '"' || *at == '\\')
      pj_strbuf_printf(out, "\\%c", *at);
    else if (*at == '\n')
      pj_strbuf_puts(out, "\\n");
    else if (*at < 0x20 || *at == 0x7f)
      pj_strbuf_printf(out, "\\u%04x", *at);
    else
      pj_strbuf_append(out, at, length);
    i += length ? length : 1;
  }
  pj_strbuf_putc(out, '"');
}

void pj_json_number(PjStrBuf *out, double value) {
  if (isfinite(value))
    pj_strbuf_printf(out, "%.15g", value);
  else
    pj_strbuf_puts(out, "null");
}

void pj_html_text(PjStrBuf *out, PjStr text) {
  for (size_t i = 0; i < text.len;) {
    const unsigned char *at = (const unsigned char *)text.ptr + i;
    size_t length = pj_utf8_length(at, text.len - i);
    if (!length || *at < 0x20)
      pj_strbuf_puts(out, "&#xfffd;");
    else if (*at == '<' || *at == '>' || *at == '&' || *at == '"' || *at == '\'')
      pj_strbuf_printf(out, "&#%d;", *at);
    else
      pj_strbuf_append(out, at, length);
    i += length ? length : 1;
  }
}
