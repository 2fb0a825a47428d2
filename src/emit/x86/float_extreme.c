// The greater or lesser of two floats, where NaN wins and -0 lies below +0.
//
// In kernel IR (kernel/elem_compare.c) that is a comparison, three choices and two operations
// around the machine's maximum, which knows neither. AVX-512 has an instruction that orders zeros
// and gives the other operand for a NaN, and one that puts NaN of an operand in the place of a
// result. Of two NaN the second one comes out.
//
// AVX2's gives its second operand for a NaN and for two zeros, so both orders of the operands give
// the same bits but for those. "And" of the two gives a maximum's +0 of zeros, "or" a minimum's -0;
// then a NaN is put where an operand is one. (Rounding to bf16 counts on the upper bits of its
// payload being few, which "or" does not see to.)
// So it is for single numbers with either, since chains of them wait for one after the other.
#include "emit/x86/masks.h"

// Whether |v| chooses |yes| where |mask| holds, and |no| elsewhere.
static bool chooses(const PjKir *k, PjKirVal v, PjKirVal mask, PjKirVal yes, PjKirVal no) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  return inst->op == PJ_KIR_SELECT && inst->args[0] == mask && inst->args[1] == yes &&
         inst->args[2] == no;
}

bool x86_float_extreme(const Lower *l, PjKirVal v, X86Extreme *out) {
  const PjKir *k = l->k;
  const PjKirInst *outer = pj_kir_inst(k, v);
  if (outer->op != PJ_KIR_SELECT || !pj_kir_is_float(outer->type))
    return false;
  PjKirVal first = outer->args[1];
  const PjKirInst *nan = pj_kir_inst(k, outer->args[0]), *value = pj_kir_inst(k, outer->args[2]),
                  *chosen = pj_kir_inst(k, first);
  bool largest = value->op == PJ_KIR_FMAX;
  if (nan->op != PJ_KIR_UNO || nan->args[0] != first || nan->args[1] != first ||
      !(largest || value->op == PJ_KIR_FMIN) || value->args[0] != first ||
      chosen->op != PJ_KIR_SELECT)
    return false;
  PjKirVal negative = chosen->args[0];
  const PjKirInst *less = pj_kir_inst(k, negative);
  uint64_t zero;
  if (less->op != PJ_KIR_SLT || !pj_kir_is_const(k, less->args[1], &zero) || zero)
    return false;
  // Where x is negative it is the first of a maximum, the second of a minimum.
  const PjKirInst *bits = pj_kir_inst(k, less->args[0]);
  PjKirVal x = chosen->args[largest ? 1 : 2], y = chosen->args[largest ? 2 : 1];
  if (bits->op != PJ_KIR_BITCAST || bits->args[0] != x ||
      !chooses(k, value->args[1], negative, largest ? y : x, largest ? x : y))
    return false;
  *out = (X86Extreme){x, y, largest};
  return true;
}

// |at|, but NaN where |from| is.
static X86Op or_nan(Lower *l, bool wide, int size, X86Op at, X86Op from) {
  enum { QUIET_NAN = 0x22 }; // for the first two kinds of numbers; the others stay
  X86Op d = x86_tied(l, wide ? X86_VFIXUPIMMPD : X86_VFIXUPIMMPS, size, at, from,
                     x86_splat_const(l, wide ? 8 : 4, QUIET_NAN));
  X86Ins *ins = &l->f->code.data[l->f->code.len - 1];
  ins->has_imm = true;
  ins->imm = 0;
  return d;
}

static X86Op both_orders(Lower *l, PjKirType t, X86Op x, X86Op y, bool largest) {
  const PjKirElem elem = (PjKirElem)t.elem;
  const X86Shape s = x86_shape(l, t.lanes, x86_bytes(t));
  uint32_t format = x86_packed(elem), code = (largest ? X86_VMAX : X86_VMIN) | format;
  x = x86_in_reg(l, X86_VEC, x);
  y = x86_in_reg(l, X86_VEC, y);
  X86Op first = x86_rvm(l, code, s.size, x, y), second = x86_rvm(l, code, s.size, y, x);
  X86Op value =
      x86_rvm_commuting(l, (largest ? X86_VAND : X86_VOR) | format, s.size, first, second);
  X86Op either = l->masks->compare(l, s, PJ_KIR_UNO, x, y);
  bool wide = elem == PJ_KIR_F64;
  X86Op nan = x86_splat_const(l, wide ? 8 : 4, wide ? 0x7ff8000000000000 : 0x7fc00000);
  return l->masks->choose(l, s, true, either, nan, value);
}

void x86_lower_extreme(Lower *l, PjKirVal v, const X86Extreme *extreme) {
  enum { MINIMUM = 4, MAXIMUM = 5 }; // with the sign of what is chosen
  PjKirType t = pj_kir_typeof(l->k, v);
  bool wide = t.elem == PJ_KIR_F64;
  int size = x86_part_size(l, t.lanes, x86_bytes(t));
  Parts out = {.n = x86_num_parts(l, t.lanes, x86_bytes(t))};
  for (int i = 0; i < out.n; ++i) {
    X86Op x = x86_parts(l, extreme->x)->op[i], y = x86_parts(l, extreme->y)->op[i];
    if (!l->avx512 || t.lanes == 1) {
      out.op[i] = both_orders(l, t, x, y, extreme->largest);
      continue;
    }
    X86Op value = x86_rvmi(l, wide ? X86_VRANGEPD : X86_VRANGEPS, size, x, y,
                           extreme->largest ? MAXIMUM : MINIMUM);
    out.op[i] = or_nan(l, wide, size, or_nan(l, wide, size, value, x), y);
  }
  x86_set(l, v, &out);
}
