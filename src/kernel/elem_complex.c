// Complex numbers.
//
// Sums and products are those of the parts, rounded after each step as the specification has it.
#include "kernel/elem_rows.h"
#include "kernel/math.h"

#define PARTS(name, real, imaginary)                 \
  static PjElem name(PjKir *k, PjElem x, PjElem y) { \
    return (PjElem){real, imaginary};                \
  }
PARTS(add, pj_kir_fadd(k, x.re, y.re), pj_kir_fadd(k, x.im, y.im))
PARTS(sub, pj_kir_fsub(k, x.re, y.re), pj_kir_fsub(k, x.im, y.im))
PARTS(mul, pj_kir_fsub(k, pj_kir_fmul(k, x.re, y.re), pj_kir_fmul(k, x.im, y.im)),
      pj_kir_fadd(k, pj_kir_fmul(k, x.re, y.im), pj_kir_fmul(k, x.im, y.re)))

static PjElem negate(PjKir *k, PjElem x) {
  return (PjElem){pj_kir_1(k, PJ_KIR_FNEG, x.re), pj_kir_1(k, PJ_KIR_FNEG, x.im)};
}

// The lexical order; a NaN in either part wins, the first operand's before the second's.
static PjElem extreme(PjKir *k, bool maximum, PjElem x, PjElem y) {
  PjKirVal tie = pj_kir_feq(k, x.re, y.re), before;
  if (maximum)
    before = pj_kir_select(k, tie, pj_kir_flt(k, x.im, y.im), pj_kir_flt(k, x.re, y.re));
  else
    before = pj_kir_select(k, tie, pj_kir_flt(k, y.im, x.im), pj_kir_flt(k, y.re, x.re));
  PjKirVal x_nan = pj_kir_2(k, PJ_KIR_UNO, x.re, x.im), y_nan = pj_kir_2(k, PJ_KIR_UNO, y.re, y.im);
  PjKirVal take_y = pj_kir_and(k, pj_kir_not(k, x_nan), pj_kir_or(k, y_nan, before));
  return pj_elem_select(k, take_y, y, x);
}
static PjElem larger(PjKir *k, PjElem x, PjElem y) {
  return extreme(k, true, x, y);
}
static PjElem smaller(PjKir *k, PjElem x, PjElem y) {
  return extreme(k, false, x, y);
}

static const PjElemComplex rows[PJ_OP_COUNT] = {
    [PJ_OP_ADD] = {.binary = add},        [PJ_OP_SUBTRACT] = {.binary = sub},
    [PJ_OP_MULTIPLY] = {.binary = mul},   [PJ_OP_NEGATE] = {.unary = negate},
    [PJ_OP_MAXIMUM] = {.binary = larger}, [PJ_OP_MINIMUM] = {.binary = smaller},
};

const PjElemComplex *pj_elem__complex(PjOpKind kind, PjDtype dtype) {
  return &rows[kind];
}
