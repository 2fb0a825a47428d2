// Rotations: in kernel IR a shift to the left and one to the right, joined.
#include "emit/x86/lower.h"

static bool is_shift(const PjKir *k, PjKirVal v, PjKirOp op, PjKirVal *of, uint64_t *amount) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  if (inst->op != op)
    return false;
  *of = inst->args[0];
  return pj_kir_is_const(k, inst->args[1], amount);
}

PjKirVal x86_rotated(const Lower *l, PjKirVal v, int *left) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  bool joins = inst->op == PJ_KIR_OR || inst->op == PJ_KIR_XOR || inst->op == PJ_KIR_ADD;
  if (!joins || (inst->type.elem != PJ_KIR_I32 && inst->type.elem != PJ_KIR_I64) ||
      (inst->type.lanes > 1 && !l->avx512))
    return 0;
  for (int swapped = 0; swapped < 2; ++swapped) {
    PjKirVal one, other;
    uint64_t up, down;
    if (is_shift(l->k, inst->args[swapped], PJ_KIR_SHL, &one, &up) &&
        is_shift(l->k, inst->args[!swapped], PJ_KIR_LSHR, &other, &down) && one == other && up &&
        up + down == 8 * (uint64_t)x86_bytes(inst->type)) {
      *left = (int)up;
      return one;
    }
  }
  return 0;
}

void x86_lower_rotation(Lower *l, PjKirVal v, PjKirVal of, int left) {
  PjKirType t = pj_kir_typeof(l->k, v);
  bool wide = t.elem == PJ_KIR_I64;
  if (t.lanes == 1) {
    X86Op a = x86_in_reg(l, X86_GPR, x86_scalar(l, of));
    X86Op d = x86_rm(l, X86_GPR, X86_RORX | (wide ? X86_W : 0), 16, a);
    X86Ins *ins = &l->f->code.data[l->f->code.len - 1];
    ins->has_imm = true;
    ins->imm = (wide ? 64 : 32) - left;
    x86_set_one(l, v, d);
    return;
  }
  Parts parts = *x86_parts(l, of);
  int size = x86_part_size(l, t.lanes, x86_bytes(t));
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] =
        x86_vmi(l, wide ? X86_VPROLQ : X86_VPROLD, X86_ROTATE_LEFT_OF, size, parts.op[i], left);
  x86_set(l, v, &parts);
}
