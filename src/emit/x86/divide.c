// Division of scalar integers. Divisors that are known are products before (elem_int.c).
#include "emit/x86/lower.h"

enum { ALU_SUB = 5 };
enum { RAX_HINT = 1, RDX_HINT = 3 };

static X86Op rax_rdx(Lower *l, X86Form form, int size, X86Op a, X86Op b, int hint) {
  b = x86_in_reg(l, X86_GPR, b);
  X86Reg d = x86_new_reg(l, X86_GPR);
  l->f->vregs.data[d].fixed_hint = (uint8_t)hint;
  X86Ins *ins = x86_ins(l, form, size);
  ins->d = d;
  ins->a = a;
  ins->b = b;
  l->f->uses_rax_rdx = true;
  return pj_x86_reg(d);
}

X86Op x86_high_product(Lower *l, int size, X86Op a, X86Op b) {
  return rax_rdx(l, X86_G_MULH, size, a, b, RDX_HINT);
}

static X86Op by_instruction(Lower *l, int size, bool is_signed, bool remainder, X86Op a, X86Op b) {
  X86Op d = rax_rdx(l, X86_G_DIV, size, a, b, remainder ? RDX_HINT : RAX_HINT);
  X86Ins *ins = &l->f->code.data[l->f->code.len - 1];
  ins->ext = is_signed ? 7 : 6;
  ins->imm = remainder;
  return d;
}

static X86Op remainder_of(Lower *l, int size, X86Op a, X86Op quotient, X86Op b) {
  return x86_alu(l, ALU_SUB, size, a, x86_product(l, size, quotient, b));
}

X86Op x86_divide(Lower *l, PjKirOp op, PjKirElem elem, X86Op a, X86Op b) {
  bool is_signed = op == PJ_KIR_SDIV || op == PJ_KIR_SREM,
       remainder = op == PJ_KIR_UREM || op == PJ_KIR_SREM;
  int size = x86_gpr_size(elem);
  a = x86_extend(l, a, elem, is_signed);
  b = x86_extend(l, b, elem, is_signed);
  return by_instruction(l, size, is_signed, remainder, a, b);
}

// ---- quotient and remainder of the same numbers

enum { NEAR = 8 }; // values

// The quotient of |v|'s operands, which somebody wants, not far from |v| in its block; 0: there is
// none.
static PjKirVal quotient_beside(const Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirOp wanted = inst->op == PJ_KIR_UREM ? PJ_KIR_UDIV : PJ_KIR_SDIV;
  PjKirVal first = v > NEAR ? v - NEAR : 1, end = v + NEAR;
  for (PjKirVal w = first; w < end && w < l->k->insts.len; ++w) {
    const PjKirInst *other = pj_kir_inst(l->k, w);
    if (other->op == wanted && other->block == inst->block && l->values[w].needed &&
        other->args[0] == inst->args[0] && other->args[1] == inst->args[1])
      return w;
  }
  return 0;
}

void x86_lower_division(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirElem elem = (PjKirElem)inst->type.elem;
  if (l->values[v].parts) // made with the remainder
    return;
  X86Op a = x86_scalar(l, inst->args[0]), b = x86_scalar(l, inst->args[1]);
  bool remainder = inst->op == PJ_KIR_UREM || inst->op == PJ_KIR_SREM;
  PjKirVal quotient = remainder ? quotient_beside(l, v) : 0;
  if (!quotient) {
    x86_set_one(l, v, x86_divide(l, (PjKirOp)inst->op, elem, a, b));
    return;
  }
  bool is_signed = inst->op == PJ_KIR_SREM;
  x86_lower_division(l, quotient);
  x86_set_one(l, v,
              remainder_of(l, x86_gpr_size(elem), x86_extend(l, a, elem, is_signed),
                           x86_scalar(l, quotient), x86_extend(l, b, elem, is_signed)));
}
