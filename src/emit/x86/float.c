// Float arithmetic, scalars and vectors alike.
#include "emit/x86/lower.h"

static uint32_t packed(PjKirType t) {
  return x86_packed((PjKirElem)t.elem);
}

static X86Op sign_bit(Lower *l, PjKirType t, bool inverted) {
  uint64_t bit = t.elem == PJ_KIR_F32 ? 0x80000000 : 0x8000000000000000;
  return x86_splat_const(l, x86_bytes(t), inverted ? ~bit : bit);
}

PjKirVal x86_without_sign(const PjKir *k, PjKirVal v, bool *negated) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  for (; inst->op == PJ_KIR_FNEG; inst = pj_kir_inst(k, v)) {
    v = inst->args[0];
    *negated = !*negated;
  }
  return v;
}

PjKirVal x86_below_zero(const PjKir *k, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(k, v);
  if (inst->op != PJ_KIR_FNEG)
    return 0;
  const PjKirInst *magnitude = pj_kir_inst(k, inst->args[0]);
  return magnitude->op == PJ_KIR_FABS ? magnitude->args[0] : 0;
}

// a b + c, or with |product| and |sum| the negative of either: there are instructions for that.
static X86Op fused(Lower *l, PjKirType t, int size, X86Op a, X86Op b, X86Op c, bool product,
                   bool sum) {
  // One operand may be in memory; c does best, since factors are shared more often.
  int in_memory = !x86_is_reg(a) + !x86_is_reg(b) + !x86_is_reg(c);
  if (in_memory > 1 && !x86_is_reg(a))
    a = x86_in_reg(l, X86_VEC, a);
  if (in_memory > 1 && !x86_is_reg(b))
    b = x86_in_reg(l, X86_VEC, b);
  X86Reg d = x86_new_reg(l, X86_VEC);
  X86Ins *ins = x86_ins(l, X86_FMA, size);
  ins->enc = (t.elem == PJ_KIR_F64 ? X86_VFMADD132PD : X86_VFMADD132PS) |
             (t.lanes > 1            ? 0
              : t.elem == PJ_KIR_F64 ? 1 | X86_N8
                                     : 1 | X86_N4) |
             (uint32_t)sum << 1 | (uint32_t)product << 2;
  ins->d = d;
  ins->a = a;
  ins->b = b;
  ins->c = c;
  // What was just computed is the one that most likely ends here.
  X86Reg newest = 0;
  const X86Op ops[] = {a, b, c};
  for (int i = 0; i < 3; ++i)
    if (x86_is_reg(ops[i]) && ops[i].id > newest)
      newest = ops[i].id;
  l->f->vregs.data[d].hint = newest;
  return pj_x86_reg(d);
}

static X86Op with_sign(Lower *l, PjKirType t, int size, X86Op a, X86Op b) {
  if (l->avx512) // the sign bit's b, the others' a
    return x86_ternary(l, size, 0xd8, a, b, sign_bit(l, t, false));
  X86Op magnitude = x86_rvm_commuting(l, X86_VAND | packed(t), size, a, sign_bit(l, t, true));
  X86Op sign = x86_rvm_commuting(l, X86_VAND | packed(t), size, b, sign_bit(l, t, false));
  return x86_rvm_commuting(l, X86_VOR | packed(t), size, magnitude, sign);
}

static X86Op root(Lower *l, PjKirType t, int size, X86Op a) {
  a = x86_in_reg(l, X86_VEC, a);
  if (t.lanes == 1)
    return x86_rvm(l, X86_VSQRT | x86_format(t), size, a, a);
  return x86_rm(l, X86_VEC, X86_VSQRT | x86_format(t), size, a);
}

// |how|: to nearest 8, down 9, up 10, towards zero 11; each without the inexact exception.
static X86Op to_whole(Lower *l, PjKirType t, int size, X86Op a, int how) {
  return x86_rmi(l, t.elem == PJ_KIR_F32 ? X86_VROUNDPS : X86_VROUNDPD, size,
                 x86_in_reg(l, X86_VEC, a), how);
}

static X86Op one_part(Lower *l, PjKirOp op, PjKirType t, int size, const X86Op *a) {
  uint32_t format = x86_format(t);
  switch (op) {
  case PJ_KIR_FADD:
    return x86_rvm_commuting(l, X86_VADD | format, size, a[0], a[1]);
  case PJ_KIR_FSUB:
    return x86_rvm(l, X86_VSUB | format, size, a[0], a[1]);
  case PJ_KIR_FMUL:
    return x86_rvm_commuting(l, X86_VMUL | format, size, a[0], a[1]);
  case PJ_KIR_FDIV:
    return x86_rvm(l, X86_VDIV | format, size, a[0], a[1]);
  case PJ_KIR_FMIN:
    return x86_rvm(l, X86_VMIN | format, size, a[0], a[1]);
  case PJ_KIR_FMAX:
    return x86_rvm(l, X86_VMAX | format, size, a[0], a[1]);
  case PJ_KIR_FNEG:
    return x86_rvm_commuting(l, X86_VXOR | packed(t), size, a[0], sign_bit(l, t, false));
  case PJ_KIR_FABS:
    return x86_rvm_commuting(l, X86_VAND | packed(t), size, a[0], sign_bit(l, t, true));
  case PJ_KIR_COPYSIGN:
    return with_sign(l, t, size, a[0], a[1]);
  case PJ_KIR_FSQRT:
    return root(l, t, size, a[0]);
  case PJ_KIR_RINT:
    return to_whole(l, t, size, a[0], 8);
  case PJ_KIR_FLOOR:
    return to_whole(l, t, size, a[0], 9);
  case PJ_KIR_CEIL:
    return to_whole(l, t, size, a[0], 10);
  default:
    return to_whole(l, t, size, a[0], 11);
  }
}

bool x86_lower_float(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (inst->op < PJ_KIR_FADD || inst->op > PJ_KIR_RINT)
    return false;
  PjKirType t = inst->type;
  int size = x86_part_size(l, t.lanes, x86_bytes(t));
  Parts out = {.n = t.lanes == 1 ? 1 : x86_num_parts(l, t.lanes, x86_bytes(t))};
  PjKirVal from[3];
  bool negated[3] = {false};
  PjKirVal below_zero = x86_below_zero(l->k, v);
  for (int part = 0; below_zero && part < out.n; ++part)
    out.op[part] = x86_rvm_commuting(l, X86_VOR | packed(t), size,
                                     x86_parts(l, below_zero)->op[part], sign_bit(l, t, false));
  if (below_zero) {
    x86_set(l, v, &out);
    return true;
  }
  for (uint32_t i = 0; i < inst->num_args && i < 3; ++i)
    from[i] =
        inst->op == PJ_KIR_FMA ? x86_without_sign(l->k, inst->args[i], &negated[i]) : inst->args[i];
  for (int part = 0; part < out.n; ++part) {
    X86Op a[3] = {{0}};
    for (uint32_t i = 0; i < inst->num_args && i < 3; ++i)
      a[i] = x86_parts(l, from[i])->op[part];
    out.op[part] = inst->op == PJ_KIR_FMA
                       ? fused(l, t, size, a[0], a[1], a[2], negated[0] != negated[1], negated[2])
                       : one_part(l, (PjKirOp)inst->op, t, size, a);
  }
  x86_set(l, v, &out);
  return true;
}
