// Numbers: integers and floats of any width with MLIR's rules for what fits, and lists of integers.
#include <inttypes.h>

#include "base/number.h"
#include "import/text/text.h"
#include "ir/float_bits.h"

static bool is_hex(PjToken tok) {
  return tok.end - tok.start > 2 && tok.start[1] == 'x';
}

// The value of an integer token; false when it needs more than 64 bits.
static bool magnitude(PjToken tok, uint64_t *out) {
  uint64_t value = 0;
  if (is_hex(tok)) {
    for (const char *at = tok.start + 2; at < tok.end; ++at) {
      unsigned digit = (unsigned)(*at <= '9' ? *at - '0' : (*at | 32) - 'a' + 10);
      if (value >> 60)
        return false;
      value = value << 4 | digit;
    }
  } else {
    for (const char *at = tok.start; at < tok.end; ++at)
      if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
          __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
        return false;
  }
  *out = value;
  return true;
}

PjStatus pj_text_int(PjText *t, int64_t *out) {
  const char *at = t->tok.start;
  bool negative = pj_text_accept(t, '-');
  if (!pj_text_is(t, PJ_TOK_INT))
    return pj_text_unexpected(t, "an integer");
  uint64_t value;
  if (!magnitude(t->tok, &value) || value > (uint64_t)INT64_MAX + negative)
    return pj_text_error(t, at, "this integer does not fit 64 bits");
  *out = (int64_t)(negative ? -value : value);
  pj_text_next(t);
  return PJ_STATUS_OK;
}

PjStatus pj_text_bool(PjText *t, bool *out) {
  *out = pj_text_is_word(t, "true");
  if (!*out && !pj_text_is_word(t, "false"))
    return pj_text_unexpected(t, "`true` or `false`");
  pj_text_next(t);
  return PJ_STATUS_OK;
}

PjStatus pj_text_int_value(PjText *t, PjToken tok, bool negative, PjDtype dtype, int64_t *out) {
  uint64_t value;
  unsigned bits = pj_dtype_bits(dtype);
  bool is_unsigned = pj_dtype_class(dtype) == PJ_CLASS_UINT;
  if (negative && is_unsigned)
    return pj_text_error(t, tok.start, "expected an unsigned value for %s, found a negative one",
                         pj_dtype_text(dtype));
  bool fits = magnitude(tok, &value) && (bits == 64 || value >> bits == 0);
  // A signless type takes -2^(n-1) .. 2^n-1; `-0` has no encoding. Only index is signed.
  if (negative)
    fits = fits && value && value <= (uint64_t)1 << (bits - 1);
  if (dtype == PJ_DT_INDEX && !negative)
    fits = fits && value <= INT64_MAX;
  if (!fits)
    return pj_text_error(t, tok.start, "integer constant out of range for type %s",
                         pj_dtype_text(dtype));
  if (negative)
    value = -value;
  unsigned unused = 64 - bits;
  *out = is_unsigned || dtype == PJ_DT_PRED ? (int64_t)(value << unused >> unused)
                                            : (int64_t)(value << unused) >> unused;
  return PJ_STATUS_OK;
}

PjStatus pj_text_float_bits(PjText *t, PjToken tok, bool negative, PjDtype dtype, uint64_t *out) {
  if (tok.kind == PJ_TOK_INT && is_hex(tok)) {
    unsigned bits = pj_dtype_bits(dtype);
    if (negative)
      return pj_text_error(t, tok.start, "a hexadecimal float is a bit pattern and takes no minus");
    if (!magnitude(tok, out) || (bits < 64 && *out >> bits))
      return pj_text_error(t, tok.start, "hexadecimal float constant out of range for type %s",
                           pj_dtype_text(dtype));
    return PJ_STATUS_OK;
  }
  double value;
  if (tok.kind == PJ_TOK_INT)
    return pj_text_error(t, tok.start,
                         "unexpected decimal integer for a floating-point value; expected %.*s.0",
                         PJ_STR_ARG(pj_tok_str(tok)));
  if (tok.kind != PJ_TOK_FLOAT)
    return pj_text_unexpected(t, "a floating-point number");
  if (!pj_parse_double(pj_tok_str(tok), &value))
    return pj_status_oom();
  *out = pj_float_to_bits(dtype, negative ? -value : value);
  return PJ_STATUS_OK;
}

PjStatus pj_text_double(PjText *t, double *out) {
  bool negative = pj_text_accept(t, '-');
  if (pj_text_is(t, PJ_TOK_INT) && !is_hex(t->tok)) { // a whole number
    if (!pj_parse_double(pj_tok_str(t->tok), out))
      return pj_status_oom();
    if (negative)
      *out = -*out;
  } else {
    uint64_t bits;
    if (!pj_text_is(t, PJ_TOK_FLOAT) && !pj_text_is(t, PJ_TOK_INT))
      return pj_text_unexpected(t, "a floating-point number");
    PJ_TRY(pj_text_float_bits(t, t->tok, negative, PJ_DT_F64, &bits));
    *out = pj_float_from_bits(PJ_DT_F64, bits);
  }
  pj_text_next(t);
  return PJ_STATUS_OK;
}

PjStatus pj_text_int_list(PjText *t, PjTok open, PjTok close, bool dynamic) {
  PJ_TRY(pj_text_expect(t, open));
  if (pj_text_accept(t, close))
    return PJ_STATUS_OK;
  do {
    int64_t value = PJ_DYN;
    if (!(dynamic && pj_text_accept(t, '?')))
      PJ_TRY(pj_text_int(t, &value));
    PJ_PUSH(t->arena, &t->ints, value);
  } while (pj_text_accept(t, ','));
  return pj_text_expect(t, close);
}

PjStatus pj_text_ints_attr(PjText *t, const PjAttr **out) {
  if (!pj_text_is(t, '['))
    return pj_text_attr(t, out);
  size_t base = t->ints.len;
  PJ_TRY(pj_text_int_list(t, '[', ']', false));
  *out = pj_attr_ints(t->arena, t->ints.len - base, t->ints.data + base);
  t->ints.len = base;
  return PJ_STATUS_OK;
}
