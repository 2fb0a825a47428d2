// Decimal numbers in text. The C locale is asked for by name, since a host process may have set one
// with a decimal comma.
#include "base/number.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

static locale_t c_locale;

static void make_locale(void) {
  c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static bool have_locale(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_locale);
  return c_locale != (locale_t)0;
}

// At most 19 digits whose value fits 2^53, and a power of ten that a double holds exactly: one
// correctly rounded operation then gives the correctly rounded result (Clinger's fast path).
static bool parse_short(PjStr text, double *out) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  uint64_t mantissa = 0;
  int exponent = 0, digits = 0;
  size_t i = 0;
  bool negative = i < text.len && text.ptr[i] == '-', point = false;
  if (negative)
    ++i;
  for (; i < text.len; ++i) {
    char c = text.ptr[i];
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      if (++digits > 19)
        return false;
      mantissa = mantissa * 10 + (uint64_t)(c - '0');
      exponent -= point;
    } else {
      break;
    }
  }
  if (!digits)
    return false;
  if (i < text.len && (text.ptr[i] == 'e' || text.ptr[i] == 'E')) {
    bool down = ++i < text.len && text.ptr[i] == '-';
    if (i < text.len && (text.ptr[i] == '-' || text.ptr[i] == '+'))
      ++i;
    int value = 0;
    if (i == text.len || text.len - i > 3)
      return false;
    for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; ++i)
      value = value * 10 + (text.ptr[i] - '0');
    exponent += down ? -value : value;
  }
  if (i != text.len || mantissa > (uint64_t)1 << 53 || exponent < -22 || exponent > 22)
    return false;
  double value = (double)mantissa;
  value = exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
  *out = negative ? -value : value;
  return true;
}

bool pj_parse_double(PjStr text, double *out) {
  if (parse_short(text, out))
    return true;
  char stack[128], *copy = stack, *end;
  if (!text.len)
    return false;
  if (text.len >= sizeof stack && !(copy = pj_malloc(text.len + 1)))
    return false;
  memcpy(copy, text.ptr, text.len);
  copy[text.len] = 0;
  *out = have_locale() ? strtod_l(copy, &end, c_locale) : strtod(copy, &end);
  bool whole = end == copy + text.len;
  if (copy != stack)
    pj_free(copy);
  return whole;
}

void pj_strbuf_double(PjStrBuf *buf, double value, int digits) {
  locale_t before = have_locale() ? uselocale(c_locale) : (locale_t)0;
  pj_strbuf_printf(buf, "%.*e", digits, value);
  if (before)
    uselocale(before);
}
