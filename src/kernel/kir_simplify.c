// Identities. Each rule gives the same bits as the operation it replaces, NaNs apart, which stay
// NaNs: so x + 0 of floats stays (it turns -0 into +0) but for squares and their sums, x / 8
// becomes x * 0.125, and sums are never reordered.
//
// Operands come in canonical order (a constant second) and no rule meets operands that are all
// constant. A rule that builds values builds smaller ones, so the recursion ends; every rule takes
// constant time.
#include "kernel/kir_build.h"
#include "kernel/kir_range.h"

typedef struct Ctx {
  PjKir *k;
  PjKirOp op;
  PjKirType type;
  PjKirVal a, b;    // operands
  bool known;       // the second operand is a constant
  uint64_t c, ones; // its bits; all bits of the element
} Ctx;

static const PjKirInst *def(const Ctx *x, PjKirVal v) {
  return pj_kir_inst(x->k, v);
}
static bool is_op(const Ctx *x, PjKirVal v, PjKirOp op) {
  return v && def(x, v)->op == op;
}
static PjKirVal arg(const Ctx *x, PjKirVal v, int i) {
  return def(x, v)->args[i];
}
static PjKirVal constant(const Ctx *x, uint64_t bits) {
  return pj_kir_const(x->k, x->type, bits);
}
// True and the second operand's bits if |v| is |op| by a constant.
static bool is_op_const(const Ctx *x, PjKirVal v, PjKirOp op, uint64_t *bits) {
  return is_op(x, v, op) && pj_kir_is_const(x->k, arg(x, v, 1), bits);
}
static bool is_power_of_two(uint64_t n) {
  return n && !(n & (n - 1));
}

static bool is_index(const Ctx *x) {
  return x->type.elem == PJ_KIR_I64 && x->type.lanes == 1;
}

static bool both_from_outside(const Ctx *x, PjKirVal a, PjKirVal b, PjKirVal v) {
  return pj_kir_is_from_outside(x->k, a, v) && pj_kir_is_from_outside(x->k, b, v);
}

// Of |a| + |b|, indices: what a loop does not change is added up before it.
static PjKirVal add_outside(const Ctx *x, PjKirVal a, PjKirVal b) {
  PjKir *k = x->k;
  if (!is_op(x, a, PJ_KIR_ADD) && !is_op(x, a, PJ_KIR_SUB))
    return 0;
  PjKirVal first = arg(x, a, 0), second = arg(x, a, 1);
  if (is_op(x, a, PJ_KIR_ADD)) {
    if (both_from_outside(x, second, b, first))
      return pj_kir_add(k, first, pj_kir_add(k, second, b));
    return both_from_outside(x, first, b, second) ? pj_kir_add(k, second, pj_kir_add(k, first, b))
                                                  : 0;
  }
  if (both_from_outside(x, second, b, first))
    return pj_kir_add(k, first, pj_kir_sub(k, b, second));
  return both_from_outside(x, first, b, second) ? pj_kir_sub(k, pj_kir_add(k, first, b), second)
                                                : 0;
}

// Of |a| - |b|.
static PjKirVal sub_outside(const Ctx *x, PjKirVal a, PjKirVal b) {
  PjKir *k = x->k;
  if (is_op(x, b, PJ_KIR_SUB) && both_from_outside(x, a, arg(x, b, 0), arg(x, b, 1)))
    return pj_kir_add(k, arg(x, b, 1), pj_kir_sub(k, a, arg(x, b, 0)));
  if (!is_op(x, b, PJ_KIR_ADD))
    return 0;
  PjKirVal first = arg(x, b, 0), second = arg(x, b, 1);
  if (both_from_outside(x, a, second, first))
    return pj_kir_sub(k, pj_kir_sub(k, a, second), first);
  return both_from_outside(x, a, first, second) ? pj_kir_sub(k, pj_kir_sub(k, a, first), second)
                                                : 0;
}

static PjKirVal simplify_add(const Ctx *x) {
  PjKirVal a = x->a, b = x->b;
  uint64_t first;
  if (x->known && !x->c)
    return a;
  if (x->known && is_op_const(x, a, PJ_KIR_ADD, &first))
    return pj_kir_add(x->k, arg(x, a, 0), constant(x, first + x->c));
  if (is_op(x, a, PJ_KIR_SUB) && arg(x, a, 1) == b)
    return arg(x, a, 0);
  if (is_op(x, b, PJ_KIR_SUB) && arg(x, b, 1) == a)
    return arg(x, b, 0);
  // Of indices the constant comes last: near elements then share the rest, and addresses take it.
  if (!is_index(x) || x->known)
    return 0;
  if (is_op_const(x, a, PJ_KIR_ADD, &first))
    return pj_kir_add(x->k, pj_kir_add(x->k, arg(x, a, 0), b), constant(x, first));
  if (is_op_const(x, b, PJ_KIR_ADD, &first))
    return pj_kir_add(x->k, pj_kir_add(x->k, a, arg(x, b, 0)), constant(x, first));
  PjKirVal sum = add_outside(x, a, b);
  return sum ? sum : add_outside(x, b, a);
}

static PjKirVal simplify_sub(const Ctx *x) {
  PjKirVal a = x->a, b = x->b;
  if (a == b)
    return constant(x, 0);
  if (x->known)
    return pj_kir_add(x->k, a, constant(x, 0 - x->c));
  if (is_op(x, a, PJ_KIR_ADD) && arg(x, a, 1) == b)
    return arg(x, a, 0);
  if (is_op(x, a, PJ_KIR_ADD) && arg(x, a, 0) == b)
    return arg(x, a, 1);
  return is_index(x) ? sub_outside(x, a, b) : 0;
}

static PjKirVal simplify_mul(const Ctx *x) {
  uint64_t first;
  if (!x->known)
    return 0;
  if (!x->c)
    return x->b;
  if (x->c == 1)
    return x->a;
  if (is_op_const(x, x->a, PJ_KIR_MUL, &first))
    return pj_kir_mul(x->k, arg(x, x->a, 0), constant(x, first * x->c));
  if (is_power_of_two(x->c))
    return pj_kir_shl(x->k, x->a, constant(x, (unsigned)__builtin_ctzll(x->c)));
  return 0;
}

static PjKirVal simplify_divide(const Ctx *x) {
  bool divide = x->op == PJ_KIR_UDIV || x->op == PJ_KIR_SDIV;
  if (!x->known)
    return 0;
  if (x->c == 1)
    return divide ? x->a : constant(x, 0);
  if (x->op == PJ_KIR_UDIV && is_power_of_two(x->c))
    return pj_kir_lshr(x->k, x->a, constant(x, (unsigned)__builtin_ctzll(x->c)));
  if (x->op == PJ_KIR_UREM && is_power_of_two(x->c))
    return pj_kir_and(x->k, x->a, constant(x, x->c - 1));
  return 0;
}

static PjKirVal simplify_min_max(const Ctx *x) {
  if (x->a == x->b)
    return x->a;
  if (x->op == PJ_KIR_SMIN || x->op == PJ_KIR_SMAX) {
    const PjKirRange a = pj_kir_range(x->k, x->a), b = pj_kir_range(x->k, x->b);
    const bool most = x->op == PJ_KIR_SMAX;
    if (a.known && b.known && (most ? a.lo >= b.hi : a.hi <= b.lo))
      return x->a;
    if (a.known && b.known && (most ? b.lo >= a.hi : b.hi <= a.lo))
      return x->b;
  }
  if (!x->known)
    return 0;
  uint64_t least_signed = (x->ones >> 1) + 1;
  uint64_t keeps_a = x->op == PJ_KIR_SMIN   ? x->ones >> 1
                     : x->op == PJ_KIR_SMAX ? least_signed
                     : x->op == PJ_KIR_UMIN ? x->ones
                                            : 0;
  uint64_t keeps_b = x->op == PJ_KIR_SMIN   ? least_signed
                     : x->op == PJ_KIR_SMAX ? x->ones >> 1
                     : x->op == PJ_KIR_UMIN ? 0
                                            : x->ones;
  return x->c == keeps_a ? x->a : x->c == keeps_b ? x->b : 0;
}

static PjKirVal inverse(const Ctx *x, PjKirVal v) {
  bool turned;
  const PjKirOp op = pj_kir__opposite((PjKirOp)def(x, v)->op, &turned);
  return op == PJ_KIR_CONST ? 0 : pj_kir_2(x->k, op, arg(x, v, turned), arg(x, v, !turned));
}

// Whether two integers differ in their signs is the sign of what they differ in.
static PjKirVal differing_signs(const Ctx *x) {
  uint64_t zero;
  if (!is_op_const(x, x->a, PJ_KIR_SLT, &zero) || zero ||
      !is_op_const(x, x->b, PJ_KIR_SLT, &zero) || zero)
    return 0;
  const PjKirVal a = arg(x, x->a, 0), b = arg(x, x->b, 0);
  return pj_kir_type_eq(pj_kir_typeof(x->k, a), pj_kir_typeof(x->k, b))
             ? pj_kir_slt(x->k, pj_kir_xor(x->k, a, b), arg(x, x->a, 1))
             : 0;
}

static PjKirVal simplify_bits(const Ctx *x) {
  uint64_t first;
  PjKirOp op = x->op;
  if (x->a == x->b)
    return op == PJ_KIR_XOR ? constant(x, 0) : x->a;
  if (!x->known)
    return op == PJ_KIR_XOR && x->type.elem == PJ_KIR_I1 ? differing_signs(x) : 0;
  if (!x->c)
    return op == PJ_KIR_AND ? x->b : x->a;
  if (x->c == x->ones && op != PJ_KIR_XOR)
    return op == PJ_KIR_AND ? x->a : x->b;
  if (op == PJ_KIR_XOR && x->type.elem == PJ_KIR_I1) {
    PjKirVal v = inverse(x, x->a);
    if (v)
      return v;
  }
  if (!is_op_const(x, x->a, op, &first))
    return 0;
  uint64_t both = op == PJ_KIR_AND ? first & x->c : op == PJ_KIR_OR ? first | x->c : first ^ x->c;
  return pj_kir_2(x->k, op, arg(x, x->a, 0), constant(x, both));
}

static PjKirVal simplify_shift(const Ctx *x) {
  uint64_t first, width = (uint64_t)pj_kir_elem_bytes((PjKirElem)x->type.elem) * 8;
  if (pj_kir_is_const(x->k, x->a, &first) && !first)
    return x->a;
  if (!x->known)
    return 0;
  if (!x->c)
    return x->a;
  if (x->c >= width)
    return constant(x, 0);
  if (x->op == PJ_KIR_LSHR) { // the high halves of indices, say
    PjKirRange r = pj_kir_range(x->k, x->a);
    if (r.known && r.lo >= 0 && !(r.hi >> x->c))
      return constant(x, 0);
  }
  if (x->op == PJ_KIR_LSHR && is_op(x, x->a, PJ_KIR_ASHR) && x->c == width - 1) // the sign
    return pj_kir_2(x->k, PJ_KIR_LSHR, arg(x, x->a, 0), constant(x, x->c));
  // Narrow floats that only move.
  if (x->op == PJ_KIR_LSHR && is_op_const(x, x->a, PJ_KIR_SHL, &first) && first == x->c) {
    PjKirRange r = pj_kir_range(x->k, arg(x, x->a, 0));
    if (r.known && r.lo >= 0 && !((uint64_t)r.hi >> (width - x->c)))
      return arg(x, x->a, 0);
  }
  if (!is_op_const(x, x->a, x->op, &first) || first >= width)
    return 0;
  uint64_t sum = first + x->c;
  if (sum >= width && x->op != PJ_KIR_ASHR)
    return constant(x, 0);
  return pj_kir_2(x->k, x->op, arg(x, x->a, 0), constant(x, sum < width ? sum : width - 1));
}

// 0 or 1 where a comparison with the least or the greatest integer has one answer, else -1.
static int compare_extreme(const Ctx *x) {
  PjKirElem elem = (PjKirElem)pj_kir_typeof(x->k, x->a).elem;
  bool strict = x->op == PJ_KIR_ULT || x->op == PJ_KIR_SLT;
  bool is_signed = x->op == PJ_KIR_SLT || x->op == PJ_KIR_SLE;
  if (!pj_kir__is_int(elem) || !(strict || x->op == PJ_KIR_ULE || x->op == PJ_KIR_SLE))
    return -1;
  uint64_t ones = pj_kir__mask(elem), bits;
  uint64_t greatest = is_signed ? ones >> 1 : ones, least = is_signed ? (ones >> 1) + 1 : 0;
  if (pj_kir_is_const(x->k, x->a, &bits)) // greatest < b, least <= b
    return bits == (strict ? greatest : least) ? !strict : -1;
  if (x->known) // a < least, a <= greatest
    return x->c == (strict ? least : greatest) ? !strict : -1;
  return -1;
}

static PjKirVal simplify_compare(const Ctx *x) {
  if (x->a == x->b)
    switch (x->op) {
    case PJ_KIR_EQ:
    case PJ_KIR_SLE:
    case PJ_KIR_ULE:
      return constant(x, 1);
    case PJ_KIR_NE:
    case PJ_KIR_SLT:
    case PJ_KIR_ULT:
    case PJ_KIR_FLT:
      return constant(x, 0);
    case PJ_KIR_FNE:
      return pj_kir_2(x->k, PJ_KIR_UNO, x->a, x->b);
    case PJ_KIR_FEQ:
      return pj_kir_not(x->k, pj_kir_2(x->k, PJ_KIR_UNO, x->a, x->b));
    default:
      return 0;
    }
  int sure = compare_extreme(x);
  if (sure >= 0)
    return constant(x, (uint64_t)sure);
  if (!x->known || x->c)
    return 0;
  // A mask that was widened is compared with zero to become one again.
  bool widened = (is_op(x, x->a, PJ_KIR_ZEXT) || is_op(x, x->a, PJ_KIR_SEXT)) &&
                 pj_kir_typeof(x->k, arg(x, x->a, 0)).elem == PJ_KIR_I1;
  if (widened && x->op == PJ_KIR_NE)
    return arg(x, x->a, 0);
  if (widened && x->op == PJ_KIR_EQ)
    return pj_kir_not(x->k, arg(x, x->a, 0));
  return 0;
}

// -----------------------------------------------------------------------------------------------------------
// floats

static uint64_t float_bits(const Ctx *x, double value) {
  uint64_t bits = 0;
  float narrow = (float)value;
  if (x->type.elem == PJ_KIR_F32)
    memcpy(&bits, &narrow, 4);
  else
    memcpy(&bits, &value, 8);
  return bits;
}

// True and the bits of 1/c if |c| is a power of two whose reciprocal is a normal number.
static bool exact_reciprocal(const Ctx *x, uint64_t *out) {
  int fraction = x->type.elem == PJ_KIR_F32 ? 23 : 52,
      exponents = x->type.elem == PJ_KIR_F32 ? 8 : 11;
  uint64_t top = (1ull << exponents) - 1, exponent = x->c >> fraction & top;
  uint64_t inverse_exponent = top - 1 - exponent;
  if (x->c & ((1ull << fraction) - 1) || exponent == 0 || exponent >= top - 1)
    return false;
  *out = (x->c & ~(top << fraction)) | inverse_exponent << fraction;
  return inverse_exponent > 0;
}

// Whether the float |v| is never -0: squares are not, and a sum is only if both of its parts are.
static bool never_minus_zero(const Ctx *x, PjKirVal v, int depth) {
  switch ((PjKirOp)def(x, v)->op) {
  case PJ_KIR_FABS:
  case PJ_KIR_SITOFP:
  case PJ_KIR_UITOFP:
    return true;
  case PJ_KIR_FMUL:
    return arg(x, v, 0) == arg(x, v, 1);
  case PJ_KIR_FMA:
    return arg(x, v, 0) == arg(x, v, 1) && depth > 0 &&
           never_minus_zero(x, arg(x, v, 2), depth - 1);
  case PJ_KIR_FADD:
    return depth > 0 && (never_minus_zero(x, arg(x, v, 0), depth - 1) ||
                         never_minus_zero(x, arg(x, v, 1), depth - 1));
  default:
    return false;
  }
}

static PjKirVal simplify_fadd(const Ctx *x) {
  if (x->known && x->c == float_bits(x, -0.0))
    return x->a;
  if (x->known && x->c == 0 && never_minus_zero(x, x->a, 6))
    return x->a;
  if (is_op(x, x->b, PJ_KIR_FNEG))
    return pj_kir_fsub(x->k, x->a, arg(x, x->b, 0));
  if (is_op(x, x->a, PJ_KIR_FNEG))
    return pj_kir_fsub(x->k, x->b, arg(x, x->a, 0));
  return 0;
}

static PjKirVal simplify_fsub(const Ctx *x) {
  if (x->known && x->c == float_bits(x, 0.0))
    return x->a;
  if (is_op(x, x->b, PJ_KIR_FNEG))
    return pj_kir_fadd(x->k, x->a, arg(x, x->b, 0));
  return 0;
}

static PjKirVal simplify_fmul(const Ctx *x) {
  if (x->known && x->c == float_bits(x, 1.0))
    return x->a;
  if (x->known && x->c == float_bits(x, -1.0))
    return pj_kir_1(x->k, PJ_KIR_FNEG, x->a);
  if (is_op(x, x->a, PJ_KIR_FNEG) && x->known)
    return pj_kir_fmul(x->k, arg(x, x->a, 0), pj_kir_1(x->k, PJ_KIR_FNEG, x->b));
  if (is_op(x, x->a, PJ_KIR_FNEG) && is_op(x, x->b, PJ_KIR_FNEG))
    return pj_kir_fmul(x->k, arg(x, x->a, 0), arg(x, x->b, 0));
  return 0;
}

static PjKirVal simplify_fdiv(const Ctx *x) {
  uint64_t reciprocal;
  if (x->known && x->c == float_bits(x, 1.0))
    return x->a;
  if (x->known && exact_reciprocal(x, &reciprocal))
    return pj_kir_fmul(x->k, x->a, constant(x, reciprocal));
  return pj_kir__divide(x->k, x->a, x->b);
}

static PjKirVal simplify_fma(const Ctx *x, PjKirVal addend) {
  uint64_t bits;
  if (x->known && x->c == float_bits(x, 1.0))
    return pj_kir_fadd(x->k, x->a, addend);
  if (pj_kir_is_const(x->k, addend, &bits) && bits == float_bits(x, -0.0))
    return pj_kir_fmul(x->k, x->a, x->b);
  if (is_op(x, x->a, PJ_KIR_FNEG) && is_op(x, x->b, PJ_KIR_FNEG))
    return pj_kir_fma(x->k, arg(x, x->a, 0), arg(x, x->b, 0), addend);
  return 0;
}

static PjKirVal simplify_sign(const Ctx *x) {
  PjKirOp inner = (PjKirOp)def(x, x->a)->op;
  if (x->op == PJ_KIR_FNEG)
    return inner == PJ_KIR_FNEG ? arg(x, x->a, 0) : 0;
  if (inner == PJ_KIR_FABS)
    return x->a;
  return inner == PJ_KIR_FNEG || inner == PJ_KIR_COPYSIGN
             ? pj_kir_1(x->k, PJ_KIR_FABS, arg(x, x->a, 0))
             : 0;
}

// Rounding what is whole already.
static PjKirVal simplify_round(const Ctx *x) {
  switch (def(x, x->a)->op) {
  case PJ_KIR_FLOOR:
  case PJ_KIR_CEIL:
  case PJ_KIR_FTRUNC:
  case PJ_KIR_RINT:
  case PJ_KIR_SITOFP:
  case PJ_KIR_UITOFP:
    return x->a;
  default:
    return 0;
  }
}

// ------------------------------------------------------------------------------------------------
// casts and choices

static bool is_counted(const Ctx *x, PjKirVal v) {
  PjKirOp op = (PjKirOp)def(x, v)->op;
  return op == PJ_KIR_IOTA || op == PJ_KIR_SPLAT || op == PJ_KIR_CONST;
}

// Sums and products of lanes that are counted: indices, made in as many bits as are wanted of them.
static PjKirVal narrow_index(const Ctx *x) {
  PjKirOp op = (PjKirOp)def(x, x->a)->op;
  PjKirElem to = (PjKirElem)x->type.elem;
  if (op == PJ_KIR_IOTA)
    return pj_kir_iota(x->k, x->type);
  if (op == PJ_KIR_SPLAT)
    return pj_kir_splat(x->k, pj_kir_cast(x->k, PJ_KIR_TRUNC, to, arg(x, x->a, 0)), x->type.lanes);
  if ((op != PJ_KIR_ADD && op != PJ_KIR_SUB && op != PJ_KIR_MUL) ||
      !is_counted(x, arg(x, x->a, 0)) || !is_counted(x, arg(x, x->a, 1)))
    return 0;
  PjKirVal a = pj_kir_cast(x->k, PJ_KIR_TRUNC, to, arg(x, x->a, 0));
  return pj_kir_2(x->k, op, a, pj_kir_cast(x->k, PJ_KIR_TRUNC, to, arg(x, x->a, 1)));
}

// Floats of 64-bit integers that have 32 bits, as indices have: twice as many go into a register.
static PjKirVal float_of_few_bits(const Ctx *x) {
  PjKirRange r = pj_kir_range(x->k, x->a);
  if (pj_kir_typeof(x->k, x->a).elem != PJ_KIR_I64 || x->type.lanes == 1 || !r.known ||
      r.lo < (x->op == PJ_KIR_UITOFP ? 0 : INT32_MIN) || r.hi > INT32_MAX)
    return 0;
  PjKirVal narrow = pj_kir_cast(x->k, PJ_KIR_TRUNC, PJ_KIR_I32, x->a);
  return pj_kir_cast(x->k, PJ_KIR_SITOFP, (PjKirElem)x->type.elem, narrow);
}

static PjKirVal simplify_cast(const Ctx *x) {
  PjKirElem from = (PjKirElem)pj_kir_typeof(x->k, x->a).elem, to = (PjKirElem)x->type.elem;
  PjKirOp inner = (PjKirOp)def(x, x->a)->op;
  if (x->op == PJ_KIR_FPTRUNC)
    return from == to ? x->a : inner == PJ_KIR_FPEXT ? arg(x, x->a, 0) : 0;
  if (x->op == PJ_KIR_SITOFP || x->op == PJ_KIR_UITOFP)
    return float_of_few_bits(x);
  if (x->op > PJ_KIR_TRUNC && x->op != PJ_KIR_BITCAST && x->op != PJ_KIR_FPEXT)
    return 0;
  if (from == to)
    return x->a;
  bool widened = inner == PJ_KIR_SEXT || inner == PJ_KIR_ZEXT;
  if (x->op == PJ_KIR_TRUNC && from == PJ_KIR_I64 && to == PJ_KIR_I32 && x->type.lanes > 1 &&
      inner != x->op && !widened)
    return narrow_index(x);
  if (!widened && inner != x->op)
    return 0;
  PjKirVal source = arg(x, x->a, 0);
  PjKirElem first = (PjKirElem)pj_kir_typeof(x->k, source).elem;
  if (x->op == PJ_KIR_BITCAST)
    return inner == PJ_KIR_BITCAST && first == to ? source : 0;
  if (x->op == PJ_KIR_TRUNC) {
    if (first == to)
      return source;
    // ORDER kir-elem: narrower integers come first.
    PjKirOp op = first > to ? PJ_KIR_TRUNC : inner;
    return pj_kir_cast(x->k, op, to, source);
  }
  // Sign bits of what was widened with zeros are zero.
  if (x->op == PJ_KIR_SEXT && widened)
    return pj_kir_cast(x->k, inner, to, source);
  if (x->op == PJ_KIR_ZEXT && inner == PJ_KIR_ZEXT)
    return pj_kir_cast(x->k, PJ_KIR_ZEXT, to, source);
  return 0;
}

static PjKirVal simplify_select(const Ctx *x, PjKirVal b) {
  PjKirVal mask = x->a, a = x->b;
  uint64_t bits, first, second;
  if (a == b)
    return a;
  if (pj_kir_is_const(x->k, mask, &bits))
    return bits ? a : b;
  if (is_op_const(x, mask, PJ_KIR_XOR, &bits))
    return pj_kir_select(x->k, arg(x, mask, 0), b, a);
  // One integer is moved twice sooner than two conditions become one.
  if (x->k->alone && x->type.lanes == 1 && pj_kir__is_int((PjKirElem)x->type.elem) &&
      is_op(x, mask, PJ_KIR_AND))
    return pj_kir_select(x->k, arg(x, mask, 0), pj_kir_select(x->k, arg(x, mask, 1), a, b), b);
  if (x->type.elem != PJ_KIR_I1)
    return 0;
  if (pj_kir_is_const(x->k, a, &first) && pj_kir_is_const(x->k, b, &second))
    return pj_kir_splat(x->k, first ? mask : pj_kir_not(x->k, mask), x->type.lanes);
  if (pj_kir_is_const(x->k, a, &first))
    return first ? pj_kir_or(x->k, mask, b) : pj_kir_and(x->k, pj_kir_not(x->k, mask), b);
  if (pj_kir_is_const(x->k, b, &second))
    return second ? pj_kir_or(x->k, pj_kir_not(x->k, mask), a) : pj_kir_and(x->k, mask, a);
  return 0;
}

// A conversion of one of two constants, or a shift of it, is one of two others: what is stored
// narrower is then chosen as it is stored.
static PjKirVal simplify_choice(const Ctx *x) {
  const bool casts = x->op >= PJ_KIR_SEXT && x->op <= PJ_KIR_F32TOF16,
             shifts = x->op >= PJ_KIR_SHL && x->op <= PJ_KIR_ASHR && x->known;
  uint64_t bits;
  if ((!casts && !shifts) || !is_op(x, x->a, PJ_KIR_SELECT) ||
      !pj_kir_is_const(x->k, arg(x, x->a, 1), &bits) ||
      !pj_kir_is_const(x->k, arg(x, x->a, 2), &bits))
    return 0;
  PjKirVal arms[2];
  for (int i = 0; i < 2; i++) {
    const PjKirVal arm = arg(x, x->a, (uint32_t)i + 1);
    arms[i] = casts ? pj_kir_cast(x->k, x->op, (PjKirElem)x->type.elem, arm)
                    : pj_kir_2(x->k, x->op, arm, x->b);
  }
  return pj_kir_select(x->k, arg(x, x->a, 0), arms[0], arms[1]);
}

PjKirVal pj_kir__simplify(PjKir *k, PjKirOp op, PjKirType type, const PjKirVal *args) {
  Ctx ctx = {.k = k, .op = op, .type = type, .a = args[0]}, *x = &ctx;
  if (pj_kir_op_info[op].operands > 1) {
    x->b = args[1];
    x->known = pj_kir_is_const(k, x->b, &x->c);
  }
  x->ones = pj_kir__mask((PjKirElem)type.elem);
  const PjKirVal choice = simplify_choice(x);
  if (choice)
    return choice;
  switch (op) {
  case PJ_KIR_ADD:
    return simplify_add(x);
  case PJ_KIR_SUB:
    return simplify_sub(x);
  case PJ_KIR_MUL:
    return simplify_mul(x);
  case PJ_KIR_UDIV:
  case PJ_KIR_SDIV:
  case PJ_KIR_UREM:
  case PJ_KIR_SREM:
    return simplify_divide(x);
  case PJ_KIR_SMIN:
  case PJ_KIR_SMAX:
  case PJ_KIR_UMIN:
  case PJ_KIR_UMAX:
    return simplify_min_max(x);
  case PJ_KIR_AND:
  case PJ_KIR_OR:
  case PJ_KIR_XOR:
    return simplify_bits(x);
  case PJ_KIR_SHL:
  case PJ_KIR_LSHR:
  case PJ_KIR_ASHR:
    return simplify_shift(x);
  case PJ_KIR_FADD:
    return simplify_fadd(x);
  case PJ_KIR_FSUB:
    return simplify_fsub(x);
  case PJ_KIR_FMUL:
    return simplify_fmul(x);
  case PJ_KIR_FDIV:
    return simplify_fdiv(x);
  case PJ_KIR_FMA:
    return simplify_fma(x, args[2]);
  case PJ_KIR_FMIN:
  case PJ_KIR_FMAX:
    return x->a == x->b ? x->a : 0;
  case PJ_KIR_FNEG:
  case PJ_KIR_FABS:
    return simplify_sign(x);
  case PJ_KIR_FLOOR:
  case PJ_KIR_CEIL:
  case PJ_KIR_FTRUNC:
  case PJ_KIR_RINT:
    return simplify_round(x);
  case PJ_KIR_SELECT:
    return simplify_select(x, args[2]);
  default:
    if (op >= PJ_KIR_EQ && op <= PJ_KIR_UNO)
      return simplify_compare(x);
    if (op >= PJ_KIR_SEXT && op <= PJ_KIR_F32TOF16)
      return simplify_cast(x);
    return 0;
  }
}
