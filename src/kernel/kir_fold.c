// Constants of one lane through every operation that gives at compile time what it gives at run
// time. Not folded: NaN results of arithmetic, whose sign and payload are the processor's, and what
// kir.def calls undefined.
#include <math.h>

#include "ir/float_bits.h"
#include "kernel/kir_build.h"

static double to_double(PjKirElem elem, uint64_t bits) {
  if (elem == PJ_KIR_F32) {
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, 4);
    return value;
  }
  double value;
  memcpy(&value, &bits, 8);
  return value;
}

// |value| is a value of |elem| already, or the one rounding that is due.
static uint64_t from_double(PjKirElem elem, double value) {
  if (elem == PJ_KIR_F32) {
    float narrow = (float)value;
    uint32_t low;
    memcpy(&low, &narrow, 4);
    return low;
  }
  uint64_t bits;
  memcpy(&bits, &value, 8);
  return bits;
}

static bool fold_int(PjKirOp op, PjKirElem elem, uint64_t a, uint64_t b, uint64_t *out) {
  unsigned width = elem == PJ_KIR_I1 ? 1 : (unsigned)pj_kir_elem_bytes(elem) * 8;
  int64_t sa = pj_kir__signed(elem, a), sb = pj_kir__signed(elem, b);
  int64_t least = pj_kir__signed(elem, 1ull << (width - 1));
  switch (op) {
  case PJ_KIR_ADD:
    *out = a + b;
    return true;
  case PJ_KIR_SUB:
    *out = a - b;
    return true;
  case PJ_KIR_MUL:
    *out = a * b;
    return true;
  case PJ_KIR_UMULH:
    *out = (uint64_t)((unsigned __int128)a * b >> width);
    return true;
  case PJ_KIR_UDIV:
  case PJ_KIR_UREM:
    if (!b)
      return false;
    *out = op == PJ_KIR_UDIV ? a / b : a % b;
    return true;
  case PJ_KIR_SDIV:
  case PJ_KIR_SREM:
    if (!b || (sa == least && sb == -1))
      return false;
    *out = (uint64_t)(op == PJ_KIR_SDIV ? sa / sb : sa % sb);
    return true;
  case PJ_KIR_SMIN:
    *out = sa < sb ? a : b;
    return true;
  case PJ_KIR_SMAX:
    *out = sa > sb ? a : b;
    return true;
  case PJ_KIR_UMIN:
    *out = a < b ? a : b;
    return true;
  case PJ_KIR_UMAX:
    *out = a > b ? a : b;
    return true;
  case PJ_KIR_AND:
    *out = a & b;
    return true;
  case PJ_KIR_OR:
    *out = a | b;
    return true;
  case PJ_KIR_XOR:
    *out = a ^ b;
    return true;
  // Undefined amounts give zero here, so that no emitter meets one that is constant.
  case PJ_KIR_SHL:
    *out = b < width ? a << b : 0;
    return true;
  case PJ_KIR_LSHR:
    *out = b < width ? a >> b : 0;
    return true;
  case PJ_KIR_ASHR:
    *out = b < width ? (uint64_t)(sa >> b) : 0;
    return true;
  case PJ_KIR_CTLZ:
    *out = a ? (unsigned)__builtin_clzll(a) - (64 - width) : width;
    return true;
  case PJ_KIR_POPCNT:
    *out = (unsigned)__builtin_popcountll(a);
    return true;
  case PJ_KIR_EQ:
    *out = a == b;
    return true;
  case PJ_KIR_NE:
    *out = a != b;
    return true;
  case PJ_KIR_SLT:
    *out = sa < sb;
    return true;
  case PJ_KIR_SLE:
    *out = sa <= sb;
    return true;
  case PJ_KIR_ULT:
    *out = a < b;
    return true;
  case PJ_KIR_ULE:
    *out = a <= b;
    return true;
  default:
    return false;
  }
}

// Operations whose result is rounded at most once.
static bool fold_arithmetic(PjKirOp op, PjKirElem elem, double a, double b, double c,
                            uint64_t *out) {
  double r;
  bool narrow = elem == PJ_KIR_F32;
  switch (op) {
  case PJ_KIR_FADD:
    r = narrow ? (double)((float)a + (float)b) : a + b;
    break;
  case PJ_KIR_FSUB:
    r = narrow ? (double)((float)a - (float)b) : a - b;
    break;
  case PJ_KIR_FMUL:
    r = narrow ? (double)((float)a * (float)b) : a * b;
    break;
  case PJ_KIR_FDIV:
    r = narrow ? (double)((float)a / (float)b) : a / b;
    break;
  case PJ_KIR_FMA:
    r = narrow ? (double)fmaf((float)a, (float)b, (float)c) : fma(a, b, c);
    break;
  case PJ_KIR_FSQRT:
    r = narrow ? (double)sqrtf((float)a) : sqrt(a);
    break;
  case PJ_KIR_FLOOR:
    r = floor(a);
    break;
  case PJ_KIR_CEIL:
    r = ceil(a);
    break;
  case PJ_KIR_FTRUNC:
    r = trunc(a);
    break;
  case PJ_KIR_RINT:
    r = rint(a);
    break;
  default:
    return false;
  }
  if (isnan(r))
    return false;
  *out = from_double(elem, r);
  return true;
}

static bool fold_float(PjKirOp op, PjKirElem elem, const uint64_t *args, uint64_t *out) {
  uint64_t sign = elem == PJ_KIR_F32 ? 1ull << 31 : 1ull << 63;
  double a = to_double(elem, args[0]), b = 0, c = 0;
  if (pj_kir_op_info[op].operands > 1)
    b = to_double(elem, args[1]);
  if (pj_kir_op_info[op].operands > 2)
    c = to_double(elem, args[2]);
  switch (op) {
  case PJ_KIR_FMIN:
    *out = a < b ? args[0] : args[1];
    return true;
  case PJ_KIR_FMAX:
    *out = a > b ? args[0] : args[1];
    return true;
  case PJ_KIR_FNEG:
    *out = args[0] ^ sign;
    return true;
  case PJ_KIR_FABS:
    *out = args[0] & ~sign;
    return true;
  case PJ_KIR_COPYSIGN:
    *out = (args[0] & ~sign) | (args[1] & sign);
    return true;
  case PJ_KIR_FEQ:
    *out = a == b;
    return true;
  case PJ_KIR_FNE:
    *out = a != b;
    return true;
  case PJ_KIR_FLT:
    *out = a < b;
    return true;
  case PJ_KIR_FLE:
    *out = a <= b;
    return true;
  case PJ_KIR_UNO:
    *out = isnan(a) || isnan(b);
    return true;
  default:
    return fold_arithmetic(op, elem, a, b, c, out);
  }
}

// The number as an integer of |to|, if it is in range.
static bool fold_to_int(double value, PjKirElem to, bool is_signed, uint64_t *out) {
  int width = pj_kir_elem_bytes(to) * 8;
  double limit = ldexp(1, is_signed ? width - 1 : width), whole = trunc(value);
  if (!(whole < limit) || !(whole >= (is_signed ? -limit : 0)))
    return false;
  *out = is_signed ? (uint64_t)(int64_t)whole : (uint64_t)whole;
  return true;
}

static bool fold_cast(PjKirOp op, PjKirElem from, PjKirElem to, uint64_t a, uint64_t *out) {
  bool narrow = to == PJ_KIR_F32;
  double value = 0;
  switch (op) {
  case PJ_KIR_SEXT:
    *out = (uint64_t)pj_kir__signed(from, a);
    return true;
  case PJ_KIR_ZEXT:
  case PJ_KIR_TRUNC:
  case PJ_KIR_BITCAST:
    *out = a;
    return true;
  case PJ_KIR_SITOFP: {
    int64_t n = pj_kir__signed(from, a);
    *out = from_double(to, narrow ? (double)(float)n : (double)n);
    return true;
  }
  case PJ_KIR_UITOFP:
    *out = from_double(to, narrow ? (double)(float)a : (double)a);
    return true;
  case PJ_KIR_FPTOSI:
    return fold_to_int(to_double(from, a), to, true, out);
  case PJ_KIR_FPTOUI:
    return fold_to_int(to_double(from, a), to, false, out);
  case PJ_KIR_FPEXT:
  case PJ_KIR_FPTRUNC:
  case PJ_KIR_F32TOF16:
    value = to_double(from, a);
    break;
  case PJ_KIR_F16TOF32:
    value = pj_float_from_bits(PJ_DT_F16, a);
    break;
  default:
    return false;
  }
  if (isnan(value))
    return false;
  *out = op == PJ_KIR_F32TOF16 ? pj_float_to_bits(PJ_DT_F16, value) : from_double(to, value);
  return true;
}

bool pj_kir__fold(PjKirOp op, PjKirElem from, PjKirElem to, const uint64_t *args, uint64_t *out) {
  if (op == PJ_KIR_SELECT) {
    *out = args[0] & 1 ? args[1] : args[2];
    return true;
  }
  if (op >= PJ_KIR_SEXT && op <= PJ_KIR_F32TOF16)
    return fold_cast(op, from, to, args[0], out);
  if (from == PJ_KIR_F32 || from == PJ_KIR_F64)
    return fold_float(op, from, args, out);
  return fold_int(op, from, args[0], pj_kir_op_info[op].operands > 1 ? args[1] : 0, out);
}
