// Strings, symbols and numbers in MLIR's spelling.
#include <inttypes.h>
#include <math.h>

#include "base/number.h"
#include "ir/float_bits.h"
#include "ir/print.h"

static bool is_printable(char c) {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

void pj_string_print(PjStrBuf *out, PjStr text) {
  pj_strbuf_putc(out, '"');
  for (size_t i = 0; i < text.len;) {
    size_t run = i;
    while (run < text.len && is_printable(text.ptr[run]))
      ++run;
    pj_strbuf_append(out, text.ptr + i, run - i);
    if (run < text.len) {
      if (text.ptr[run] == '\\')
        pj_strbuf_puts(out, "\\\\");
      else
        pj_strbuf_printf(out, "\\%02X", (unsigned char)text.ptr[run]);
      ++run;
    }
    i = run;
  }
  pj_strbuf_putc(out, '"');
}

static bool is_word(PjStr text) {
  for (size_t i = 0; i < text.len; ++i) {
    char c = text.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    bool other = (c >= '0' && c <= '9') || c == '$' || c == '.';
    if (!letter && !(other && i))
      return false;
  }
  return text.len != 0;
}

static void print_symbol_part(PjStrBuf *out, PjStr name) {
  pj_strbuf_putc(out, '@');
  if (is_word(name))
    pj_strbuf_str(out, name);
  else
    pj_string_print(out, name);
}

void pj_symbol_print(PjStrBuf *out, PjStr name) {
  // A nested reference: parts joined by "::".
  for (const char *colon; (colon = memmem(name.ptr, name.len, "::", 2)) && colon > name.ptr;) {
    PjStr rest = {colon + 2, (size_t)(name.ptr + name.len - colon) - 2};
    if (!rest.len)
      break;
    print_symbol_part(out, (PjStr){name.ptr, (size_t)(colon - name.ptr)});
    pj_strbuf_puts(out, "::");
    name = rest;
  }
  print_symbol_part(out, name);
}

void pj_float_print(PjStrBuf *out, PjDtype dtype, uint64_t bits) {
  double value = pj_float_from_bits(dtype, bits);
  size_t start = out->len;
  if (isfinite(value)) {
    for (int digits = 6; digits <= 16 && !out->failed; digits += digits < 8 ? 2 : 8) {
      double again;
      out->len = start;
      pj_strbuf_double(out, value, digits);
      if (pj_parse_double((PjStr){out->data + start, out->len - start}, &again) &&
          pj_float_to_bits(dtype, again) == bits)
        return;
    }
    out->len = start;
  }
  pj_strbuf_printf(out, "0x%0*" PRIX64, (int)(pj_dtype_bits(dtype) + 3) / 4, bits);
}
