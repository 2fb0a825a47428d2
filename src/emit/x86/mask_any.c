// Whether any lane of a mask is on, or all are: in kernel IR the "or" or "and" of its halves, of
// the halves of that, and so on to one lane (pj_kir_reduce_lanes). Here it is one test of the
// mask's bits.
#include "emit/x86/masks.h"

// |v| is lanes [first, first + lanes of v) of |*of|, which must be the same for all that ask.
static bool is_run_of(const PjKir *k, PjKirVal v, int first, PjKirVal *of) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  if (inst->op != PJ_KIR_EXTRACT && inst->op != PJ_KIR_SHUFFLE)
    return false;
  if (*of && inst->args[0] != *of)
    return false;
  *of = inst->args[0];
  if (inst->op == PJ_KIR_EXTRACT)
    return inst->imm == (uint64_t)first;
  for (int i = 0; i < inst->type.lanes; ++i)
    if (inst->pattern[i] != first + i)
      return false;
  return true;
}

// The mask whose halves |v| joins by |op|; 0: there is none.
static PjKirVal joined(const PjKir *k, PjKirOp op, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  if (inst->op != op || inst->type.elem != PJ_KIR_I1)
    return 0;
  int lanes = inst->type.lanes;
  for (int swapped = 0; swapped < 2; ++swapped) {
    PjKirVal of = 0;
    if (is_run_of(k, inst->args[swapped], 0, &of) &&
        is_run_of(k, inst->args[!swapped], lanes, &of) && pj_kir_typeof(k, of).lanes == 2 * lanes)
      return of;
  }
  return 0;
}

PjKirVal x86_any_of(const PjKir *k, PjKirVal v) {
  PjKirVal mask = 0;
  PjKirOp op = (PjKirOp)pj_kir_inst(k, v)->op;
  if (pj_kir_typeof(k, v).lanes == 1 && (op == PJ_KIR_OR || op == PJ_KIR_AND))
    for (PjKirVal next = joined(k, op, v); next; next = joined(k, op, next))
      mask = next;
  return mask;
}

X86Op x86_any_lane(Lower *l, PjKirOp op, PjKirVal mask) {
  int lanes = pj_kir_typeof(l->k, mask).lanes;
  int bytes = l->values[mask].mask ? l->values[mask].mask : 4;
  X86Shape s = x86_shape(l, lanes, bytes);
  Parts parts = x86_mask(l, mask, bytes);
  X86Op all = parts.op[0];
  for (int i = 1; i < parts.n; ++i)
    all = l->masks->logic(l, s, op, all, parts.op[i]);
  X86Op bits = l->masks->bits(l, s, all);
  int count = lanes / s.n * l->masks->bits_per_lane(bytes);
  int64_t on = count < 64 ? (1ll << count) - 1 : -1;
  if (count < 64)
    bits = x86_alu(l, 4, 8, bits, pj_x86_imm(on));
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Op want =
      op == PJ_KIR_AND && !x86_fits32(on) ? x86_in_reg(l, X86_GPR, pj_x86_imm(on)) : pj_x86_imm(on);
  X86Ins *ins = x86_ins(l, X86_G_SETCC, 8);
  ins->compare = op == PJ_KIR_AND ? X86_CMP_INT : X86_CMP_TEST;
  ins->a = bits;
  if (op == PJ_KIR_AND)
    ins->b = want;
  ins->cc = op == PJ_KIR_AND ? X86_CC_E : X86_CC_NE;
  ins->d = d;
  return pj_x86_reg(d);
}
