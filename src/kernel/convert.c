// Conversion between element types; see convert.h. The narrow float formats are in convert_float.c.
#include "kernel/convert.h"

#include "ir/float_bits.h"
#include "kernel/convert_float.h"

PjKirElem pj_conv_memory(PjDtype dtype) {
  dtype = pj_dtype_part(dtype);
  if (dtype == PJ_DT_F32)
    return PJ_KIR_F32;
  if (dtype == PJ_DT_F64)
    return PJ_KIR_F64;
  switch (pj_dtype_bytes(dtype)) {
  case 1:
    return PJ_KIR_I8;
  case 2:
    return PJ_KIR_I16;
  case 4:
    return PJ_KIR_I32;
  case 8:
    return PJ_KIR_I64;
  default:
    return PJ_KIR_VOID;
  }
}

PjKirElem pj_conv_register(PjDtype dtype) {
  dtype = pj_dtype_part(dtype);
  if (dtype == PJ_DT_PRED)
    return PJ_KIR_I1;
  if (pj_dtype_is_float(dtype))
    return dtype == PJ_DT_F64 ? PJ_KIR_F64 : PJ_KIR_F32;
  return pj_conv_memory(dtype);
}

static PjKirVal integer(PjKir *k, PjKirElem elem, uint64_t bits) {
  return pj_kir_const(k, pj_kir_type(elem, 1), bits);
}
static PjKirVal number(PjKir *k, PjKirElem elem, double value) {
  return pj_kir_float(k, pj_kir_type(elem, 1), value);
}

PjKirVal pj_conv_from_memory(PjKir *k, PjDtype dtype, PjKirVal v) {
  dtype = pj_dtype_part(dtype);
  if (dtype == PJ_DT_PRED)
    return pj_kir_ne(k, v, integer(k, PJ_KIR_I8, 0));
  if (pj_conv_is_narrow(dtype))
    return pj_conv_decode(k, dtype, v);
  return v;
}

PjKirVal pj_conv_to_memory(PjKir *k, PjDtype dtype, PjKirVal v) {
  dtype = pj_dtype_part(dtype);
  if (dtype == PJ_DT_PRED)
    return pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I8, v);
  if (pj_conv_is_narrow(dtype))
    return pj_conv_encode(k, dtype, v);
  return v;
}

// Integers of 2 and 4 bits from the low bits of a byte.
static PjKirVal cut(PjKir *k, PjDtype dtype, PjKirVal v) {
  unsigned bits = pj_dtype_bits(dtype);
  if (pj_dtype_class(dtype) == PJ_CLASS_UINT)
    return pj_kir_and(k, v, integer(k, PJ_KIR_I8, (1u << bits) - 1));
  // The sign bit counts as its negative: (v ^ s) - s.
  PjKirVal sign = integer(k, PJ_KIR_I8, 1u << (bits - 1));
  v = pj_kir_and(k, v, integer(k, PJ_KIR_I8, (1u << bits) - 1));
  return pj_kir_sub(k, pj_kir_xor(k, v, sign), sign);
}

PjKirVal pj_conv_round(PjKir *k, PjDtype dtype, PjKirVal v) {
  dtype = pj_dtype_part(dtype);
  if (pj_conv_is_narrow(dtype))
    return pj_conv_round_narrow(k, dtype, v);
  if (pj_dtype_is_int(dtype) && pj_dtype_bits(dtype) < 8)
    return cut(k, dtype, v);
  return v;
}

// ------------------------------------------------------------------ between integers

static int elem_bits(PjKirElem elem) {
  return elem == PJ_KIR_I1 ? 1 : 8 * pj_kir_elem_bytes(elem);
}

static PjKirVal resize(PjKir *k, PjKirVal v, PjKirElem to, bool is_signed) {
  PjKirElem from = (PjKirElem)pj_kir_typeof(k, v).elem;
  if (from == to)
    return v;
  PjKirOp op = elem_bits(from) > elem_bits(to) ? PJ_KIR_TRUNC
               : is_signed                     ? PJ_KIR_SEXT
                                               : PJ_KIR_ZEXT;
  return pj_kir_cast(k, op, to, v);
}

static bool is_signed_type(PjDtype dtype) {
  return pj_dtype_class(dtype) == PJ_CLASS_SINT;
}

// ------------------------------------------------------------------ from
// integers to floats

// Exact of an integer that the format has: of up to 16 bits f32, of up to 32 f64.
static PjKirVal exact_float(PjKir *k, PjDtype from, PjKirVal v, PjKirElem to) {
  bool is_signed = is_signed_type(from);
  if (elem_bits((PjKirElem)pj_kir_typeof(k, v).elem) <
      32) { // conversions from 32 signed bits are the machine's own
    v = resize(k, v, PJ_KIR_I32, is_signed);
    is_signed = true;
  }
  return pj_kir_cast(k, is_signed ? PJ_KIR_SITOFP : PJ_KIR_UITOFP, to, v);
}

// A 64-bit integer as a double that rounds to any format of at most 24 digits as the integer itself
// does: of more than 53 bits the lowest are replaced by one that says whether any was set.
static PjKirVal sticky(PjKir *k, PjDtype from, PjKirVal v) {
  PjKirVal zero = integer(k, PJ_KIR_I64, 0), negative = 0, magnitude = v;
  if (is_signed_type(from)) {
    negative = pj_kir_slt(k, v, zero);
    magnitude = pj_kir_select(k, negative, pj_kir_sub(k, zero, v), v);
  }
  PjKirVal low = pj_kir_and(k, magnitude, integer(k, PJ_KIR_I64, 0x7FF));
  PjKirVal high = pj_kir_xor(k, magnitude, low);
  PjKirVal mark = pj_kir_select(k, pj_kir_ne(k, low, zero), integer(k, PJ_KIR_I64, 0x800), zero);
  PjKirVal wide = pj_kir_ne(k, pj_kir_lshr(k, magnitude, integer(k, PJ_KIR_I64, 53)), zero);
  PjKirVal value = pj_kir_cast(k, PJ_KIR_UITOFP, PJ_KIR_F64,
                               pj_kir_select(k, wide, pj_kir_or(k, high, mark), magnitude));
  return negative ? pj_kir_select(k, negative, pj_kir_1(k, PJ_KIR_FNEG, value), value) : value;
}

// An integer of more than 16 bits for a format of a small range: what lies far beyond its largest
// number becomes one that does, and f32 has all that are left.
static PjKirVal near_float(PjKir *k, PjDtype from, PjKirVal v) {
  PjKirElem elem = (PjKirElem)pj_kir_typeof(k, v).elem;
  const uint64_t far = 1u << 17;
  if (is_signed_type(from)) {
    v = pj_kir_2(k, PJ_KIR_SMIN, v, integer(k, elem, far));
    v = pj_kir_2(k, PJ_KIR_SMAX, v, integer(k, elem, 0 - far));
  } else
    v = pj_kir_2(k, PJ_KIR_UMIN, v, integer(k, elem, far));
  return pj_kir_cast(k, PJ_KIR_SITOFP, PJ_KIR_F32, resize(k, v, PJ_KIR_I32, false));
}

// An integer of 32 bits as an f32 that rounds to a format of at most 14 digits as the integer
// itself does: of more than 24 bits the lowest 9 are replaced by one that says whether any was set.
// (Those of a negative number too, as they are counted from below: both lie between the same
// multiples of 512, where there are no ties.)
static PjKirVal sticky_32(PjKir *k, PjDtype from, PjKirVal v) {
  bool is_signed = is_signed_type(from);
  PjKirVal zero = integer(k, PJ_KIR_I32, 0), far = integer(k, PJ_KIR_I32, 1u << 24);
  PjKirVal low = pj_kir_and(k, v, integer(k, PJ_KIR_I32, 0x1FF));
  PjKirVal high = pj_kir_and(k, v, integer(k, PJ_KIR_I32, ~(uint64_t)0x1FF));
  PjKirVal mark = pj_kir_select(k, pj_kir_ne(k, low, zero), integer(k, PJ_KIR_I32, 0x100), zero);
  PjKirVal wide =
      is_signed ? pj_kir_2(k, PJ_KIR_ULT, integer(k, PJ_KIR_I32, 2u << 24), pj_kir_add(k, v, far))
                : pj_kir_2(k, PJ_KIR_ULT, far, v);
  return exact_float(k, from, pj_kir_select(k, wide, pj_kir_or(k, high, mark), v), PJ_KIR_F32);
}

static PjKirVal int_to_float(PjKir *k, PjDtype from, PjDtype to, PjKirVal v) {
  unsigned bits = pj_dtype_bits(from);
  if (to == PJ_DT_F64 || to == PJ_DT_F32)
    return exact_float(k, from, v, to == PJ_DT_F64 ? PJ_KIR_F64 : PJ_KIR_F32);
  if (bits <= 16)
    return pj_conv_round_narrow(k, to, exact_float(k, from, v, PJ_KIR_F32));
  if (pj_float_formats[to].exponent <= 5) // none of them reaches 2^16
    return pj_conv_round_narrow(k, to, near_float(k, from, v));
  return pj_conv_round_narrow(
      k, to, bits <= 32 ? sticky_32(k, from, v) : pj_conv_round_odd(k, sticky(k, from, v)));
}

// ------------------------------------------------------------------ from
// floats to integers

// Towards zero; the nearest integer of the type where there is none, 0 for NaN.
static PjKirVal float_to_int(PjKir *k, PjDtype to, PjKirVal v) {
  PjKirElem from = (PjKirElem)pj_kir_typeof(k, v).elem, elem = pj_conv_register(to);
  bool is_signed = is_signed_type(to);
  int digits = from == PJ_KIR_F64 ? 53 : 24, bits = (int)pj_dtype_bits(to) - is_signed;
  double end = bits == 64 ? 0x1p64 : (double)(1ull << bits);
  // The largest value below |end|: an integer, and if it is the largest of the type, then cutting
  // is all there is to do.
  bool ends_inside = bits > digits;
  double below = ends_inside ? end - end / (double)(1ull << digits) : end - 1;
  PjKirVal inside = pj_kir_select(k, pj_kir_feq(k, v, v), v, number(k, from, 0));
  inside = pj_kir_2(k, PJ_KIR_FMAX, inside, number(k, from, is_signed ? -end : 0));
  inside = pj_kir_2(k, PJ_KIR_FMIN, inside, number(k, from, below));
  PjKirElem whole_elem = elem_bits(elem) < 32 ? PJ_KIR_I32 : elem;
  PjKirOp op = is_signed || elem_bits(elem) < 32 ? PJ_KIR_FPTOSI : PJ_KIR_FPTOUI;
  PjKirVal whole = pj_kir_cast(k, op, whole_elem, inside);
  if (ends_inside) {
    uint64_t largest = bits == 64 ? ~0ull : (1ull << bits) - 1;
    whole = pj_kir_select(k, pj_kir_fle(k, number(k, from, end), v),
                          integer(k, whole_elem, largest), whole);
  }
  return resize(k, whole, elem, false);
}

// ------------------------------------------------------------------ convert

PjKirVal pj_conv_convert(PjKir *k, PjDtype from, PjDtype to, PjKirVal v) {
  from = pj_dtype_part(from);
  to = pj_dtype_part(to);
  if (from == to)
    return v;
  PjKirElem elem = (PjKirElem)pj_kir_typeof(k, v).elem;
  if (from == PJ_DT_PRED) {
    PjKirElem result = pj_conv_register(to);
    if (!pj_dtype_is_float(to)) // of 2 signed bits 1 is in range
      return pj_kir_cast(k, PJ_KIR_ZEXT, result, v);
    return pj_conv_round(k, to, pj_kir_select(k, v, number(k, result, 1), number(k, result, 0)));
  }
  if (to == PJ_DT_PRED)
    return pj_dtype_is_float(from) ? pj_kir_2(k, PJ_KIR_FNE, v, number(k, elem, 0))
                                   : pj_kir_ne(k, v, integer(k, elem, 0));
  if (!pj_dtype_is_float(from))
    return pj_dtype_is_float(to)
               ? int_to_float(k, from, to, v)
               : pj_conv_round(k, to, resize(k, v, pj_conv_register(to), is_signed_type(from)));
  if (!pj_dtype_is_float(to))
    return float_to_int(k, to, v);
  if (to == PJ_DT_F64)
    return pj_kir_cast(k, PJ_KIR_FPEXT, PJ_KIR_F64, v);
  if (to == PJ_DT_F32)
    return from == PJ_DT_F64 ? pj_kir_cast(k, PJ_KIR_FPTRUNC, PJ_KIR_F32, v) : v;
  if (from == PJ_DT_F64)
    v = pj_conv_round_odd(k, v);
  return pj_conv_round_any(k, to, v);
}

// ------------------------------------------------------------------ reduced precision

// What the target bits do to a float of |ebits| and |mbits| in the integers |v|, of elements
// |elem|.
static PjKirVal reduce(PjKir *k, PjKirElem elem, unsigned ebits, unsigned mbits, int to_ebits,
                       int to_mbits, PjKirVal v) {
  uint64_t sign = 1ull << (ebits + mbits), infinity = ((1ull << ebits) - 1) << mbits;
  PjKirVal magnitude = pj_kir_and(k, v, integer(k, elem, sign - 1)),
           signs = pj_kir_and(k, v, integer(k, elem, sign));
  PjKirVal is_nan = pj_kir_slt(k, integer(k, elem, infinity), magnitude), bits = v;
  if (to_mbits < (int)mbits) {
    unsigned drop = mbits - (unsigned)to_mbits;
    PjKirVal odd = pj_kir_and(k, pj_kir_lshr(k, bits, integer(k, elem, drop)), integer(k, elem, 1));
    bits = pj_kir_add(k, pj_kir_add(k, bits, integer(k, elem, (1ull << (drop - 1)) - 1)), odd);
    bits = pj_kir_and(k, bits, integer(k, elem, ~((1ull << drop) - 1)));
  }
  if (to_ebits < (int)ebits) {
    uint64_t bias = (1ull << (ebits - 1)) - 1, to_bias = (1ull << (to_ebits - 1)) - 1;
    PjKirVal exponent = pj_kir_and(k, bits, integer(k, elem, infinity));
    PjKirVal above = pj_kir_slt(k, integer(k, elem, (bias + to_bias) << mbits), exponent);
    PjKirVal below = pj_kir_2(k, PJ_KIR_SLE, exponent, integer(k, elem, (bias - to_bias) << mbits));
    bits = pj_kir_select(k, below, signs, bits);
    bits = pj_kir_select(k, above, pj_kir_or(k, signs, integer(k, elem, infinity)), bits);
  }
  PjKirVal nan = to_mbits > 0 ? v : pj_kir_or(k, signs, integer(k, elem, infinity));
  return pj_kir_select(k, is_nan, nan, bits);
}

PjKirVal pj_conv_reduce_precision(PjKir *k, PjDtype dtype, int exponent_bits, int mantissa_bits,
                                  PjKirVal v) {
  if (dtype == PJ_DT_F64)
    return pj_kir_bitcast(k, PJ_KIR_F64,
                          reduce(k, PJ_KIR_I64, 11, 52, exponent_bits, mantissa_bits,
                                 pj_kir_bitcast(k, PJ_KIR_I64, v)));
  if (dtype == PJ_DT_F16) { // its own subnormal numbers are no float's
    PjKirVal code = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I32, pj_conv_to_memory(k, dtype, v));
    code = reduce(k, PJ_KIR_I32, 5, 10, exponent_bits, mantissa_bits, code);
    return pj_conv_from_memory(k, dtype, pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I16, code));
  }
  v = reduce(k, PJ_KIR_I32, 8, 23, exponent_bits, mantissa_bits, pj_kir_bitcast(k, PJ_KIR_I32, v));
  v = pj_kir_bitcast(k, PJ_KIR_F32, v);
  // bf16 and tf32 are floats with zeros below; the formats of 8 bits and less have a range of their
  // own to round to.
  return dtype == PJ_DT_F32 || dtype == PJ_DT_BF16 || dtype == PJ_DT_TF32
             ? v
             : pj_conv_round_any(k, dtype, v);
}
