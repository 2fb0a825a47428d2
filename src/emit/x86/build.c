// Instructions over virtual registers and their constants, made one by one.
#include "emit/x86/lower.h"

void x86_refuse(Lower *l, const char *why) {
  if (!l->f->refused)
    l->f->refused = why;
}

X86Reg x86_new_reg(Lower *l, X86Class cls) {
  PJ_PUSH(l->f->arena, &l->f->vregs, ((X86VReg){.cls = (uint8_t)cls}));
  return (X86Reg)l->f->vregs.len - 1;
}

X86Ins *x86_ins(Lower *l, X86Form form, int size) {
  PJ_PUSH(l->f->arena, &l->f->code, ((X86Ins){.form = (uint8_t)form, .size = (uint8_t)size}));
  return &l->f->code.data[l->f->code.len - 1];
}

uint32_t x86_new_label(Lower *l) {
  return l->f->num_labels++;
}

void x86_label(Lower *l, uint32_t label) {
  x86_ins(l, X86_LABEL, 0)->label = label;
}

// The register of an operand that dies makes a good place for the result.
static X86Reg result(Lower *l, X86Class cls, X86Op like) {
  X86Reg d = x86_new_reg(l, cls);
  if (like.kind == X86_REG && l->f->vregs.data[like.id].cls == cls)
    l->f->vregs.data[d].hint = like.id;
  return d;
}

bool x86_is_zero(const Lower *l, X86Op op) {
  static const X86PoolEntry zero;
  return op.kind == X86_POOL && !memcmp(&l->f->pool.data[op.id], &zero, sizeof zero);
}

void x86_move(Lower *l, X86Reg d, X86Op a) {
  X86Ins *ins = x86_ins(l, X86_MOVE, 0);
  ins->d = d;
  ins->a = a;
}

X86Op x86_in_reg(Lower *l, X86Class cls, X86Op op) {
  if (op.kind == X86_REG)
    return op;
  X86Reg d = x86_new_reg(l, cls);
  if (x86_is_zero(l, op))
    x86_ins(l, X86_ZERO, 16)->d = d;
  else
    x86_move(l, d, op);
  return pj_x86_reg(d);
}

static X86Op three(Lower *l, uint32_t enc, int size, X86Op a, X86Op b, bool commutes, int imm) {
  if (commutes && a.kind != X86_REG) {
    X86Op swap = a;
    a = b;
    b = swap;
  }
  a = x86_in_reg(l, X86_VEC, a);
  X86Reg d = result(l, X86_VEC, a);
  X86Ins *ins = x86_ins(l, X86_RVM, size);
  *ins = (X86Ins){.form = X86_RVM,
                  .size = (uint8_t)size,
                  .enc = enc,
                  .d = d,
                  .a = a,
                  .b = b,
                  .commutes = commutes,
                  .has_imm = imm >= 0,
                  .imm = imm};
  return pj_x86_reg(d);
}

X86Op x86_rvm(Lower *l, uint32_t enc, int size, X86Op a, X86Op b) {
  return three(l, enc, size, a, b, false, -1);
}

X86Op x86_rvm_commuting(Lower *l, uint32_t enc, int size, X86Op a, X86Op b) {
  return three(l, enc, size, a, b, true, -1);
}

X86Op x86_rvmi(Lower *l, uint32_t enc, int size, X86Op a, X86Op b, int imm) {
  return three(l, enc, size, a, b, false, imm);
}

X86Op x86_rm(Lower *l, X86Class cls, uint32_t enc, int size, X86Op b) {
  X86Reg d = result(l, cls, b);
  X86Ins *ins = x86_ins(l, X86_RM, size);
  ins->enc = enc;
  ins->d = d;
  ins->b = b;
  return pj_x86_reg(d);
}

X86Op x86_rmi(Lower *l, uint32_t enc, int size, X86Op b, int imm) {
  X86Op d = x86_rm(l, X86_VEC, enc, size, b);
  X86Ins *ins = &l->f->code.data[l->f->code.len - 1];
  ins->has_imm = true;
  ins->imm = imm;
  return d;
}

X86Op x86_mr(Lower *l, X86Class cls, uint32_t enc, int size, X86Op a, int imm) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Reg d = x86_new_reg(l, cls);
  X86Ins *ins = x86_ins(l, X86_MR, size);
  ins->enc = enc;
  ins->d = d;
  ins->a = a;
  ins->has_imm = imm >= 0;
  ins->imm = imm;
  return pj_x86_reg(d);
}

X86Op x86_vmi(Lower *l, uint32_t enc, int ext, int size, X86Op a, int imm) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Reg d = result(l, X86_VEC, a);
  X86Ins *ins = x86_ins(l, X86_VMI, size);
  ins->enc = enc;
  ins->ext = (uint8_t)ext;
  ins->d = d;
  ins->a = a;
  ins->imm = imm;
  return pj_x86_reg(d);
}

X86Op x86_blend(Lower *l, uint32_t enc, int size, X86Op no, X86Op yes, X86Op mask) {
  no = x86_in_reg(l, X86_VEC, no);
  mask = x86_in_reg(l, X86_VEC, mask);
  X86Reg d = result(l, X86_VEC, no);
  X86Ins *ins = x86_ins(l, X86_RVMR, size);
  ins->enc = enc;
  ins->d = d;
  ins->a = no;
  ins->b = yes;
  ins->c = mask;
  return pj_x86_reg(d);
}

X86Op x86_tied(Lower *l, uint32_t enc, int size, X86Op c, X86Op a, X86Op b) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Reg d = result(l, X86_VEC, c);
  l->f->vregs.data[d].early = true;
  X86Ins *ins = x86_ins(l, X86_TIED, size);
  ins->enc = enc;
  ins->d = d;
  ins->a = a;
  ins->b = b;
  ins->c = c;
  return pj_x86_reg(d);
}

X86Op x86_ternary(Lower *l, int size, int table, X86Op c, X86Op a, X86Op b) {
  X86Op d = x86_tied(l, X86_VPTERNLOGD, size, c, a, b);
  X86Ins *ins = &l->f->code.data[l->f->code.len - 1];
  ins->has_imm = true;
  ins->imm = table;
  return d;
}

X86Op x86_compare_bits(Lower *l, uint32_t enc, int size, X86Op a, X86Op b, int imm) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Reg d = x86_new_reg(l, X86_MASK);
  X86Ins *ins = x86_ins(l, X86_RVM, size);
  ins->enc = enc;
  ins->d = d;
  ins->a = a;
  ins->b = b;
  ins->commutes = imm < 0 || imm == 0 || imm == 4 || imm == 3; // a test; EQ, NE, UNO
  ins->has_imm = imm >= 0;
  ins->imm = imm;
  return pj_x86_reg(d);
}

X86Op x86_mask_op(Lower *l, uint32_t enc, X86Op a, X86Op b) {
  a = x86_in_reg(l, X86_MASK, a);
  b = x86_in_reg(l, X86_MASK, b);
  X86Reg d = x86_new_reg(l, X86_MASK);
  X86Ins *ins = x86_ins(l, X86_RVM, 32);
  ins->enc = enc;
  ins->in_reg = true;
  ins->d = d;
  ins->a = a;
  ins->b = b;
  return pj_x86_reg(d);
}

X86Op x86_from_reg(Lower *l, X86Class cls, uint32_t enc, int size, X86Op b) {
  X86Op d = x86_rm(l, cls, enc, size, b);
  l->f->code.data[l->f->code.len - 1].in_reg = true;
  return d;
}

X86Op x86_zero_where_off(Lower *l, X86Op mask, X86Op d) {
  X86Ins *ins = &l->f->code.data[l->f->code.len - 1];
  ins->mask = mask.id;
  ins->zeroing = true;
  return d;
}

X86Op x86_negative(Lower *l, X86Op value) {
  value = x86_in_reg(l, X86_GPR, value);
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Ins *ins = x86_ins(l, X86_G_NEG, 8);
  ins->a = value;
  ins->d = d;
  return pj_x86_reg(d);
}

X86Op x86_alu(Lower *l, int ext, int size, X86Op a, X86Op b) {
  if (a.kind == X86_IMM && ext != 5) {
    X86Op swap = a;
    a = b;
    b = swap;
  }
  a = x86_in_reg(l, X86_GPR, a);
  if (b.kind == X86_IMM && !x86_fits32(b.imm))
    b = x86_in_reg(l, X86_GPR, b);
  X86Reg d = result(l, X86_GPR, a);
  X86Ins *ins = x86_ins(l, X86_G_ALU, size);
  ins->ext = (uint8_t)ext;
  ins->d = d;
  ins->a = a;
  ins->b = b;
  return pj_x86_reg(d);
}

X86Op x86_shift(Lower *l, int ext, int size, X86Op a, int imm) {
  a = x86_in_reg(l, X86_GPR, a);
  X86Reg d = result(l, X86_GPR, a);
  X86Ins *ins = x86_ins(l, X86_G_SHIFT, size);
  ins->ext = (uint8_t)ext;
  ins->d = d;
  ins->a = a;
  ins->imm = imm;
  return pj_x86_reg(d);
}

X86Op x86_gpr_rm(Lower *l, uint32_t enc, int size, X86Op b) {
  if (b.kind == X86_IMM)
    b = x86_in_reg(l, X86_GPR, b);
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Ins *ins = x86_ins(l, X86_G_RM, size);
  ins->enc = enc;
  ins->d = d;
  ins->b = b;
  return pj_x86_reg(d);
}

// ---- constants

X86Op x86_pool(Lower *l, const void *bytes) {
  X86PoolEntry entry = {{0}};
  memcpy(entry.bytes, bytes, (size_t)l->f->vector_bytes);
  for (size_t i = l->f->pool.len; i-- > 0;)
    if (!memcmp(&l->f->pool.data[i], &entry, sizeof entry))
      return (X86Op){X86_POOL, (uint32_t)i, 0};
  PJ_PUSH(l->f->arena, &l->f->pool, entry);
  return (X86Op){X86_POOL, (uint32_t)l->f->pool.len - 1, 0};
}

X86Op x86_splat_const(Lower *l, int bytes, uint64_t bits) {
  uint8_t all[64];
  for (int i = 0; i < 64; i += bytes)
    memcpy(all + i, &bits, (size_t)bytes);
  return x86_pool(l, all);
}

X86Op x86_zero(Lower *l) {
  return x86_splat_const(l, 8, 0);
}

X86Op x86_memory(Lower *l, X86Mem mem) {
  PJ_PUSH(l->f->arena, &l->f->mems, mem);
  return (X86Op){X86_MEM, (uint32_t)l->f->mems.len - 1, 0};
}
