// Quantised element types: `!quant.uniform<i8<-128:127>:f32:axis, {scale:zero_point, ...}>`
// (StableHLO spec, "Quantized types"; MLIR quant dialect for what is refused).
#include <inttypes.h>
#include <math.h>

#include "import/text/text.h"
#include "ir/float_bits.h"

static PjStatus storage_type(PjText *t, PjDtype *out, PjQuant *quant) {
  PjStr word = pj_tok_str(t->tok);
  char name[8] = "u";
  if (!pj_text_is(t, PJ_TOK_WORD) || word.len > 5)
    return pj_text_unexpected(t, "a storage type");
  // u8 here is ui8 elsewhere.
  bool is_signed = word.ptr[0] == 'i';
  memcpy(name + !is_signed, is_signed ? word.ptr : "i", is_signed ? word.len : 1);
  if (!is_signed && word.ptr[0] == 'u')
    memcpy(name + 2, word.ptr + 1, word.len - 1);
  *out = pj_dtype_from_text(pj_str(name));
  unsigned bits = *out == PJ_DT_INVALID ? 0 : pj_dtype_bits(*out);
  if (!pj_dtype_is_int(*out) || *out == PJ_DT_INDEX || bits > 32)
    return pj_text_unexpected(t, "a storage type: i or u and 2, 4, 8, 16 or 32 bits");
  pj_text_next(t);
  quant->min = is_signed ? -((int64_t)1 << (bits - 1)) : 0;
  quant->max = is_signed ? ((int64_t)1 << (bits - 1)) - 1 : ((int64_t)1 << bits) - 1;
  if (!pj_text_is(t, '<'))
    return PJ_STATUS_OK;
  const char *at = t->tok.start;
  int64_t low, high;
  pj_text_next(t);
  PJ_TRY(pj_text_int(t, &low));
  PJ_TRY(pj_text_expect(t, ':'));
  PJ_TRY(pj_text_int(t, &high));
  if (low < quant->min || high > quant->max || low >= high)
    return pj_text_error(t, at,
                         "the range %" PRId64 ":%" PRId64
                         " is empty or exceeds the storage type's %" PRId64 ":%" PRId64,
                         low, high, quant->min, quant->max);
  quant->min = low;
  quant->max = high;
  return pj_text_expect(t, '>');
}

static PjStatus scale(PjText *t, PjDtype expressed, double *out_scale, int64_t *out_zero_point) {
  const char *at = t->tok.start;
  PJ_TRY(pj_text_double(t, out_scale));
  if (!(*out_scale > 0) || isinf(*out_scale))
    return pj_text_error(t, at, "expected a scale that is positive and finite, found %g",
                         *out_scale);
  uint64_t bits = pj_float_to_bits(expressed, *out_scale);
  if (*out_scale < pj_float_from_bits(expressed, 1) ||
      !isfinite(pj_float_from_bits(expressed, bits)))
    return pj_text_error(t, at, "scale %g out of expressed type range of %s", *out_scale,
                         pj_dtype_text(expressed));
  *out_zero_point = 0;
  return pj_text_accept(t, ':') ? pj_text_int(t, out_zero_point) : PJ_STATUS_OK;
}

static PjStatus scales(PjText *t, PjQuant *quant) {
  struct {
    double *data;
    size_t len, cap;
  } list = {0};
  struct {
    int64_t *data;
    size_t len, cap;
  } zeros = {0};
  do {
    double value;
    int64_t zero_point;
    PJ_TRY(scale(t, quant->expressed, &value, &zero_point));
    PJ_PUSH(t->arena, &list, value);
    PJ_PUSH(t->arena, &zeros, zero_point);
  } while (quant->axis >= 0 && pj_text_accept(t, ','));
  quant->num_scales = (uint32_t)list.len;
  quant->scales = list.data;
  quant->zero_points = zeros.data;
  return PJ_STATUS_OK;
}

PjStatus pj_text_quant(PjText *t, PjDtype *out_dtype, const PjQuant **out_quant) {
  PjQuant *quant = PJ_NEW(t->arena, PjQuant);
  quant->axis = -1;
  pj_text_next(t);
  PJ_TRY(pj_text_expect(t, '<'));
  PJ_TRY(storage_type(t, out_dtype, quant));
  PJ_TRY(pj_text_expect(t, ':'));
  quant->expressed =
      pj_text_is(t, PJ_TOK_WORD) ? pj_dtype_from_text(pj_tok_str(t->tok)) : PJ_DT_INVALID;
  if (!pj_dtype_is_float(quant->expressed))
    return pj_text_unexpected(t, "a floating-point type");
  pj_text_next(t);
  if (pj_text_accept(t, ':')) {
    int64_t axis;
    if (pj_text_is(t, '{'))
      return pj_text_unsupported(t, t->tok.start, "sub-channel quantisation is not supported");
    const char *at = t->tok.start;
    PJ_TRY(pj_text_int(t, &axis));
    if (axis < 0 || axis >= PJ_MAX_RANK)
      return pj_text_error(t, at, "expected a dimension from 0 to %d", PJ_MAX_RANK - 1);
    quant->axis = (int32_t)axis;
  }
  PJ_TRY(pj_text_expect(t, ','));
  if (quant->axis >= 0)
    PJ_TRY(pj_text_expect(t, '{'));
  PJ_TRY(scales(t, quant));
  if (quant->axis >= 0)
    PJ_TRY(pj_text_expect(t, '}'));
  *out_quant = quant;
  return pj_text_expect(t, '>');
}
