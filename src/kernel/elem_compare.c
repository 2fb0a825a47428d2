// Comparison, minimum and maximum.
#include <math.h>

#include "kernel/elem_rows.h"

// ------------------------------------------------------------------ comparison

static PjKirVal compare_pred(PjKir *k, int64_t direction, PjKirVal x, PjKirVal y) {
  switch (direction) {
  case PJ_CMP_EQ:
    return pj_kir_not(k, pj_kir_xor(k, x, y));
  case PJ_CMP_NE:
    return pj_kir_xor(k, x, y);
  case PJ_CMP_GE:
    return pj_kir_or(k, x, pj_kir_not(k, y));
  case PJ_CMP_GT:
    return pj_kir_and(k, x, pj_kir_not(k, y));
  case PJ_CMP_LE:
    return pj_kir_or(k, pj_kir_not(k, x), y);
  default:
    return pj_kir_and(k, pj_kir_not(k, x), y);
  }
}

// |less|, |less_equal| and so on: the operations that compare the type at hand.
static PjKirVal compare_by(PjKir *k, int64_t direction, PjKirOp equal, PjKirOp differ, PjKirOp less,
                           PjKirOp less_equal, PjKirVal x, PjKirVal y) {
  switch (direction) {
  case PJ_CMP_EQ:
    return pj_kir_2(k, equal, x, y);
  case PJ_CMP_NE:
    return pj_kir_2(k, differ, x, y);
  case PJ_CMP_GE:
    return pj_kir_2(k, less_equal, y, x);
  case PJ_CMP_GT:
    return pj_kir_2(k, less, y, x);
  case PJ_CMP_LE:
    return pj_kir_2(k, less_equal, x, y);
  default:
    return pj_kir_2(k, less, x, y);
  }
}

static PjKirVal compare_signed(PjKir *k, int64_t direction, PjKirVal x, PjKirVal y) {
  return compare_by(k, direction, PJ_KIR_EQ, PJ_KIR_NE, PJ_KIR_SLT, PJ_KIR_SLE, x, y);
}

// -NaN < -inf < ... < -0 < +0 < ... < inf < NaN: the order of the bits as an integer once the
// magnitude bits of negative numbers are flipped.
static PjKirVal order(PjKir *k, PjKirVal x) {
  bool wide = pj_kir_typeof(k, x).elem == PJ_KIR_F64;
  PjKirElem elem = wide ? PJ_KIR_I64 : PJ_KIR_I32;
  PjKirVal bits = pj_kir_bitcast(k, elem, x);
  PjKirVal sign = pj_kir_ashr(k, bits, pj_kir_const(k, pj_kir_type(elem, 1), wide ? 63 : 31));
  return pj_kir_xor(k, bits, pj_kir_lshr(k, sign, pj_kir_const(k, pj_kir_type(elem, 1), 1)));
}

PjKirVal pj_elem__compare(PjKir *k, PjDtype dtype, int64_t direction, bool total_order, PjElem x,
                          PjElem y) {
  switch (pj_dtype_class(dtype)) {
  case PJ_CLASS_PRED:
    return compare_pred(k, direction, x.re, y.re);
  case PJ_CLASS_SINT:
    return compare_signed(k, direction, x.re, y.re);
  case PJ_CLASS_UINT:
    return compare_by(k, direction, PJ_KIR_EQ, PJ_KIR_NE, PJ_KIR_ULT, PJ_KIR_ULE, x.re, y.re);
  case PJ_CLASS_COMPLEX: // equality alone
    return direction == PJ_CMP_EQ
               ? pj_kir_and(k, pj_kir_feq(k, x.re, y.re), pj_kir_feq(k, x.im, y.im))
               : pj_kir_or(k, pj_kir_2(k, PJ_KIR_FNE, x.re, y.re),
                           pj_kir_2(k, PJ_KIR_FNE, x.im, y.im));
  default:
    if (total_order)
      return compare_signed(k, direction, order(k, x.re), order(k, y.re));
    return compare_by(k, direction, PJ_KIR_FEQ, PJ_KIR_FNE, PJ_KIR_FLT, PJ_KIR_FLE, x.re, y.re);
  }
}

// ------------------------------------------------------------------ minimum and maximum
// A NaN wins, and -0 lies below +0. The machine's own operation gives its second operand when one
// is NaN or both are equal, so a known number other than that zero is put first and the rest
// follows.

static double known(const PjKir *k, PjKirVal v, bool *is_known) {
  uint64_t bits;
  *is_known = pj_kir_is_const(k, v, &bits);
  if (!*is_known)
    return NAN;
  if (pj_kir_typeof(k, v).elem == PJ_KIR_F64) {
    double value;
    memcpy(&value, &bits, 8);
    return value;
  }
  float value;
  memcpy(&value, &bits, 4);
  return (double)value;
}

static PjKirVal extreme(PjKir *k, bool maximum, PjKirVal x, PjKirVal y) {
  PjKirOp op = maximum ? PJ_KIR_FMAX : PJ_KIR_FMIN;
  bool x_known, y_known;
  double cx = known(k, x, &x_known), cy = known(k, y, &y_known);
  if (x_known && !y_known) {
    PjKirVal swap = x;
    x = y;
    y = swap;
    cy = cx;
    y_known = true;
  }
  if (y_known && !isnan(cy)) {
    PjKirVal value = pj_kir_2(k, op, y, x);
    bool winning_zero =
        cy == 0 && (signbit(cy) != 0) != maximum; // +0 of a maximum, -0 of a minimum
    if (!winning_zero)
      return value;
    if (maximum) // -0 + 0 is +0, and the sum changes nothing else
      return pj_kir_fadd(k, value, y);
  }
  // Of x with its sign set, the other way round, y is given for -0 and +0; see the table:
  //   max: x -0 -> y, x +0 -> x.  min: x -0 -> x, x +0 -> y.
  PjKirElem elem = pj_kir_typeof(k, x).elem == PJ_KIR_F64 ? PJ_KIR_I64 : PJ_KIR_I32;
  PjKirVal negative =
      pj_kir_slt(k, pj_kir_bitcast(k, elem, x), pj_kir_const(k, pj_kir_type(elem, 1), 0));
  PjKirVal first = pj_kir_select(k, negative, x, y), second = pj_kir_select(k, negative, y, x);
  if (!maximum) {
    PjKirVal swap = first;
    first = second;
    second = swap;
  }
  // |second| where |first| is NaN; a NaN in |second| alone comes out by itself.
  PjKirVal value = pj_kir_2(k, op, first, second);
  return pj_kir_select(k, pj_kir_2(k, PJ_KIR_UNO, first, first), first, value);
}

static PjKirVal choose(PjKir *k, bool maximum, PjDtype dtype, PjKirVal x, PjKirVal y) {
  switch (pj_dtype_class(dtype)) {
  case PJ_CLASS_PRED:
    return maximum ? pj_kir_or(k, x, y) : pj_kir_and(k, x, y);
  case PJ_CLASS_SINT:
    return pj_kir_2(k, maximum ? PJ_KIR_SMAX : PJ_KIR_SMIN, x, y);
  case PJ_CLASS_UINT:
    return pj_kir_2(k, maximum ? PJ_KIR_UMAX : PJ_KIR_UMIN, x, y);
  default:
    return extreme(k, maximum, x, y);
  }
}

PjKirVal pj_elem__minimum(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  return choose(k, false, dtype, x, y);
}
PjKirVal pj_elem__maximum(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  return choose(k, true, dtype, x, y);
}
