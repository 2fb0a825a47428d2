// Instructions as bytes: the bytes, operands and moves.
#include <string.h>

#include "emit/x86/encode.h"

// ---- bytes

void enc_byte(Enc *e, int value) {
  PJ_PUSH(e->f->arena, e->out, (uint8_t)value);
}

void enc_word32(Enc *e, int32_t value) {
  for (int i = 0; i < 4; ++i)
    enc_byte(e, value >> (8 * i) & 255);
}

static void word64(Enc *e, int64_t value) {
  enc_word32(e, (int32_t)value);
  enc_word32(e, (int32_t)(value >> 32));
}

// ModRM, SIB and displacement. |tail|: bytes of the instruction after it.
static void modrm(Enc *e, int reg, const Rm *rm, int tail) {
  int field = (reg & 7) << 3;
  if (rm->kind == RM_REG) {
    enc_byte(e, 0xc0 | field | (rm->reg & 7));
    return;
  }
  if (rm->kind == RM_RIP) {
    enc_byte(e, field | 5);
    PJ_PUSH(e->f->arena, &e->constants,
            ((Fixup){e->out->len, e->out->len + 4 + (size_t)tail, rm->pool}));
    enc_word32(e, 0);
    return;
  }
  bool sib = rm->index >= 0 || (rm->base & 7) == RSP;
  int mode = !rm->disp && (rm->base & 7) != RBP ? 0 : enc_fits8(rm->disp) ? 0x40 : 0x80;
  enc_byte(e, mode | field | (sib ? 4 : rm->base & 7));
  if (sib)
    enc_byte(e, rm->scale << 6 | ((rm->index >= 0 ? rm->index & 7 : 4) << 3) | (rm->base & 7));
  if (mode == 0x40)
    enc_byte(e, rm->disp);
  else if (mode == 0x80)
    enc_word32(e, rm->disp);
}

static int rm_x(const Rm *rm) {
  return rm->kind == RM_MEM && rm->index >= 8;
}

static int rm_b(const Rm *rm) {
  return (rm->kind == RM_REG && rm->reg >= 8) || (rm->kind == RM_MEM && rm->base >= 8);
}

void enc_vex(Enc *e, uint32_t enc, bool l256, int reg, int vvvv, const Rm *rm, int tail) {
  int pp = enc >> 8 & 3, map = enc >> 10 & 3, w = enc >> 13 & 1;
  int r = reg < 8, x = !rm_x(rm), b = !rm_b(rm);
  if (map == 1 && !w && x && b) {
    enc_byte(e, 0xc5);
    enc_byte(e, r << 7 | (~vvvv & 15) << 3 | l256 << 2 | pp);
  } else {
    enc_byte(e, 0xc4);
    enc_byte(e, r << 7 | x << 6 | b << 5 | map);
    enc_byte(e, w << 7 | (~vvvv & 15) << 3 | l256 << 2 | pp);
  }
  enc_byte(e, enc & 255);
  modrm(e, reg, rm, tail);
  e->wide |= l256;
}

// An instruction on general registers. |enc|: opcode, and its map (0: one byte) and prefix.
// |bytes_op|: its r/m is a byte.
void enc_legacy(Enc *e, uint32_t enc, int size, int reg, const Rm *rm, bool byte_op, int tail) {
  if (size == 2)
    enc_byte(e, 0x66);
  int prefix = enc >> 8 & 3;
  if (prefix)
    enc_byte(e, prefix == 1 ? 0x66 : prefix == 2 ? 0xf3 : 0xf2);
  int rex = (size == 8) << 3 | (reg >= 8) << 2 | rm_x(rm) << 1 | rm_b(rm);
  // sil, dil and the like need the prefix, or they are ch, dh.
  bool high = byte_op && ((reg >= 4 && reg < 8) || (rm->kind == RM_REG && rm->reg >= 4));
  if (rex || high)
    enc_byte(e, 0x40 | rex);
  if (enc & X86_M0F)
    enc_byte(e, 0x0f);
  enc_byte(e, enc & 255);
  modrm(e, reg, rm, tail);
}

// ---- operands

X86VReg *enc_vreg(const Enc *e, X86Reg r) {
  return &e->f->vregs.data[r];
}

Rm enc_slot(const Enc *e, const X86VReg *v) {
  int32_t at =
      v->cls == X86_VEC ? e->vec_at + (int32_t)v->slot * 32 : e->gpr_at + (int32_t)v->slot * 8;
  return (Rm){RM_MEM, 0, RSP, -1, 0, at, 0};
}

Rm enc_reg_rm(int reg) {
  return (Rm){RM_REG, reg, 0, -1, 0, 0, 0};
}

static bool on_stack(const Enc *e, X86Op op) {
  return op.kind == X86_REG && enc_vreg(e, op.id)->phys >= 16;
}

int enc_phys(const Enc *e, X86Op op) {
  return op.kind == X86_REG && enc_vreg(e, op.id)->phys < 16 ? enc_vreg(e, op.id)->phys : -1;
}

void enc_load_gpr(Enc *e, int reg, const Rm *rm) {
  enc_legacy(e, 0x8b, 8, reg, rm, false, 0);
}

static void load_vec(Enc *e, int reg, const Rm *rm) {
  enc_vex(e, X86_M0F | 0x10, true, reg, 0, rm, 0); // vmovups
}

static int address_reg(Enc *e, X86Reg r, int scratch) {
  const X86VReg *v = enc_vreg(e, r);
  if (v->phys < 16)
    return v->phys;
  Rm from = enc_slot(e, v);
  enc_load_gpr(e, scratch, &from);
  return scratch;
}

// Memory of an operand; uses the first general scratch register only.
static Rm memory(Enc *e, X86Op op) {
  const X86Mem *m = &e->f->mems.data[op.id];
  if (m->frame)
    return (Rm){RM_MEM,   0,       RSP, m->index ? address_reg(e, m->index, X86_SCRATCH_GPR) : -1,
                m->scale, m->disp, 0};
  Rm rm = {RM_MEM, 0, address_reg(e, m->base, X86_SCRATCH_GPR), -1, m->scale, m->disp, 0};
  if (!m->index)
    return rm;
  bool both = rm.base == X86_SCRATCH_GPR && enc_vreg(e, m->base)->phys >= 16 &&
              enc_vreg(e, m->index)->phys >= 16;
  rm.index = address_reg(e, m->index, both ? X86_SCRATCH_GPR + 1 : X86_SCRATCH_GPR);
  if (both) { // leave the second one free
    enc_legacy(e, 0x8d, 8, X86_SCRATCH_GPR, &rm, false, 0);
    rm = (Rm){RM_MEM, 0, X86_SCRATCH_GPR, -1, 0, 0, 0};
  }
  return rm;
}

Rm enc_rm_of(Enc *e, X86Op op) {
  switch (op.kind) {
  case X86_REG:
    return on_stack(e, op) ? enc_slot(e, enc_vreg(e, op.id)) : enc_reg_rm(enc_vreg(e, op.id)->phys);
  case X86_POOL:
    return (Rm){RM_RIP, 0, 0, -1, 0, 0, op.id};
  default:
    return memory(e, op);
  }
}

// A vector or general register with the operand in it; |scratch| if it is on the stack.
int enc_vec_in(Enc *e, X86Op op, int scratch) {
  int reg = enc_phys(e, op);
  if (reg >= 0)
    return reg;
  Rm rm = enc_rm_of(e, op);
  load_vec(e, scratch, &rm);
  return scratch;
}

int enc_gpr_in(Enc *e, X86Op op, int scratch) {
  int reg = enc_phys(e, op);
  if (reg >= 0)
    return reg;
  Rm rm = enc_rm_of(e, op);
  enc_load_gpr(e, scratch, &rm);
  return scratch;
}

int enc_vec_out(const Enc *e, X86Reg d) {
  return enc_vreg(e, d)->phys < 16 ? enc_vreg(e, d)->phys : X86_SCRATCH_VEC + 1;
}

int enc_gpr_out(const Enc *e, X86Reg d) {
  return enc_vreg(e, d)->phys < 16 ? enc_vreg(e, d)->phys : X86_SCRATCH_GPR + 1;
}

// After an instruction that wrote |d|'s register: to the stack, if it lives there.
void enc_finish(Enc *e, X86Reg d) {
  const X86VReg *v = enc_vreg(e, d);
  if (v->phys < 16 || v->phys == X86_NOWHERE)
    return;
  Rm to = enc_slot(e, v);
  if (v->cls == X86_VEC)
    enc_vex(e, X86_M0F | 0x11, true, X86_SCRATCH_VEC + 1, 0, &to, 0);
  else
    enc_legacy(e, 0x89, 8, X86_SCRATCH_GPR + 1, &to, false, 0);
}

int enc_out_reg(const Enc *e, X86Reg d) {
  return enc_vreg(e, d)->cls == X86_VEC ? enc_vec_out(e, d) : enc_gpr_out(e, d);
}

// ---- moves

static void move_vec(Enc *e, int to, int from) {
  if (to == from)
    return;
  Rm rm = enc_reg_rm(from);
  if (from >= 8 && to < 8) { // the form that needs two bytes of prefix only
    rm.reg = to;
    enc_vex(e, X86_M0F | 0x29, true, from, 0, &rm, 0);
  } else
    enc_vex(e, X86_M0F | 0x28, true, to, 0, &rm, 0);
}

void enc_move_gpr(Enc *e, int to, int from) {
  Rm rm = enc_reg_rm(from);
  if (to != from)
    enc_load_gpr(e, to, &rm);
}

void enc_immediate(Enc *e, int reg, int64_t value) {
  if (value >= 0 && value <= UINT32_MAX) {
    if (reg >= 8)
      enc_byte(e, 0x41);
    enc_byte(e, 0xb8 | (reg & 7));
    enc_word32(e, (int32_t)value);
  } else if (x86_fits32(value)) {
    Rm rm = enc_reg_rm(reg);
    enc_legacy(e, 0xc7, 8, 0, &rm, false, 4);
    enc_word32(e, (int32_t)value);
  } else {
    enc_byte(e, 0x48 | (reg >= 8));
    enc_byte(e, 0xb8 | (reg & 7));
    word64(e, value);
  }
}

void enc_zero_vec(Enc *e, int reg) {
  Rm rm = enc_reg_rm(reg);
  enc_vex(e, X86_M0F | 0x57, false, reg, reg, &rm, 0);
}

void enc_gpr_from(Enc *e, int to, X86Op op) {
  if (op.kind == X86_IMM)
    enc_immediate(e, to, op.imm);
  else if (enc_phys(e, op) >= 0)
    enc_move_gpr(e, to, enc_phys(e, op));
  else {
    Rm rm = enc_rm_of(e, op);
    enc_load_gpr(e, to, &rm);
  }
}

static bool is_zero(const Enc *e, X86Op op) {
  static const X86PoolEntry zero;
  return op.kind == X86_POOL && !memcmp(&e->f->pool.data[op.id], &zero, sizeof zero);
}

void enc_vec_from(Enc *e, int to, X86Op op) {
  if (is_zero(e, op))
    enc_zero_vec(e, to);
  else if (enc_phys(e, op) >= 0)
    move_vec(e, to, enc_phys(e, op));
  else {
    Rm rm = enc_rm_of(e, op);
    load_vec(e, to, &rm);
  }
}

void enc_move(Enc *e, const X86Ins *ins) {
  int d = enc_out_reg(e, ins->d);
  const X86VReg *v = enc_vreg(e, ins->d);
  if (v->phys >= 16 && enc_phys(e, ins->a) >= 0) { // straight to its place
    Rm to = enc_slot(e, v);
    if (v->cls == X86_VEC)
      enc_vex(e, X86_M0F | 0x11, true, enc_phys(e, ins->a), 0, &to, 0);
    else
      enc_legacy(e, 0x89, 8, enc_phys(e, ins->a), &to, false, 0);
    return;
  }
  if (ins->a.kind == X86_REG && on_stack(e, ins->a) && v->phys >= 16 &&
      v->slot == enc_vreg(e, ins->a.id)->slot)
    return;
  if (v->cls == X86_VEC)
    enc_vec_from(e, d, ins->a);
  else
    enc_gpr_from(e, d, ins->a);
  enc_finish(e, ins->d);
}
