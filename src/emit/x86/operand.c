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

// ModRM, SIB and displacement. |tail|: bytes of the instruction after it. |log_n|: what a
// displacement of one byte counts by.
static void modrm(Enc *e, int reg, const Rm *rm, int tail, int log_n) {
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
  bool is_short = !(rm->disp & ((1 << log_n) - 1)) && enc_fits8(rm->disp / (1 << log_n));
  int mode = !rm->disp && (rm->base & 7) != RBP ? 0 : is_short ? 0x40 : 0x80;
  enc_byte(e, mode | field | (sib ? 4 : rm->base & 7));
  if (sib)
    enc_byte(e, rm->scale << 6 | ((rm->index >= 0 ? rm->index & 7 : 4) << 3) | (rm->base & 7));
  if (mode == 0x40)
    enc_byte(e, rm->disp / (1 << log_n));
  else if (mode == 0x80)
    enc_word32(e, rm->disp);
}

static int rm_x(const Rm *rm) {
  return rm->kind == RM_MEM && rm->index >= 8;
}

static int rm_b(const Rm *rm) {
  return (rm->kind == RM_REG && rm->reg & 8) || (rm->kind == RM_MEM && rm->base >= 8);
}

static void vex(Enc *e, uint32_t enc, int size, int reg, int vvvv, const Rm *rm) {
  int pp = enc >> 8 & 3, map = enc >> 10 & 3, w = !!(enc & X86_W), l = size == 32;
  int r = reg < 8, x = !rm_x(rm), b = !rm_b(rm);
  if (map == 1 && !w && x && b) {
    enc_byte(e, 0xc5);
    enc_byte(e, r << 7 | (~vvvv & 15) << 3 | l << 2 | pp);
  } else {
    enc_byte(e, 0xc4);
    enc_byte(e, r << 7 | x << 6 | b << 5 | map);
    enc_byte(e, w << 7 | (~vvvv & 15) << 3 | l << 2 | pp);
  }
}

// The fifth bit of a register of |rm| stands where that of an index has its fourth.
static void evex(Enc *e, uint32_t enc, int size, EncLanes lanes, int reg, int vvvv, const Rm *rm) {
  int pp = enc >> 8 & 3, map = enc >> 10 & 3, w = !!(enc & X86_EW);
  int x = rm->kind == RM_REG ? rm->reg >> 4 & 1 : rm_x(rm);
  enc_byte(e, 0x62);
  enc_byte(e, (~reg >> 3 & 1) << 7 | !x << 6 | !rm_b(rm) << 5 | (~reg >> 4 & 1) << 4 | map);
  enc_byte(e, w << 7 | (~vvvv & 15) << 3 | 4 | pp);
  enc_byte(e, lanes.zeroing << 7 | (size == 64 ? 2 : size == 32) << 5 | (~vvvv >> 4 & 1) << 3 |
                  lanes.k);
}

void enc_masked(Enc *e, uint32_t enc, int size, EncLanes lanes, int reg, int vvvv, const Rm *rm,
                int tail) {
  bool needs_evex = enc & X86_EVEX || size == 64 || lanes.k || reg >= 16 || vvvv >= 16 ||
                    (rm->kind == RM_REG && rm->reg >= 16);
  if (needs_evex)
    evex(e, enc, size, lanes, reg, vvvv, rm);
  else
    vex(e, enc, size, reg, vvvv, rm);
  enc_byte(e, enc & 255);
  modrm(e, reg, rm, tail, needs_evex ? x86_log2_of_memory(enc, size) : 0);
  e->wide |= size > 16;
}

void enc_vector(Enc *e, uint32_t enc, int size, int reg, int vvvv, const Rm *rm, int tail) {
  enc_masked(e, enc, size, (EncLanes){0}, reg, vvvv, rm, tail);
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
  modrm(e, reg, rm, tail, 0);
}

// ---- operands

X86VReg *enc_vreg(const Enc *e, X86Reg r) {
  return &e->f->vregs.data[r];
}

Rm enc_slot(const Enc *e, const X86VReg *v) {
  int32_t at = v->cls == X86_VEC   ? e->vec_at + (int32_t)v->slot * e->f->vector_bytes
               : v->cls == X86_GPR ? e->gpr_at + (int32_t)v->slot * 8
                                   : e->mask_at + (int32_t)v->slot * 8;
  return (Rm){RM_MEM, 0, RSP, -1, 0, at, 0};
}

Rm enc_reg_rm(int reg) {
  return (Rm){RM_REG, reg, 0, -1, 0, 0, 0};
}

static bool on_stack(const Enc *e, X86Op op) {
  return op.kind == X86_REG && !x86_in_register(enc_vreg(e, op.id));
}

int enc_phys(const Enc *e, X86Op op) {
  return op.kind == X86_REG && !on_stack(e, op) ? enc_vreg(e, op.id)->phys : -1;
}

void enc_load_gpr(Enc *e, int reg, const Rm *rm) {
  enc_legacy(e, 0x8b, 8, reg, rm, false, 0);
}

void enc_load_vec(Enc *e, int reg, const Rm *rm) {
  enc_vector(e, X86_VMOVUPS_LOAD, e->f->vector_bytes, reg, 0, rm, 0);
}

void enc_store_vec(Enc *e, int reg, const Rm *rm) {
  enc_vector(e, X86_VMOVUPS_STORE, e->f->vector_bytes, reg, 0, rm, 0);
}

static int address_reg(Enc *e, X86Reg r, int scratch) {
  const X86VReg *v = enc_vreg(e, r);
  if (x86_in_register(v))
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
  bool both = rm.base == X86_SCRATCH_GPR && !x86_in_register(enc_vreg(e, m->base)) &&
              !x86_in_register(enc_vreg(e, m->index));
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
  enc_load_vec(e, scratch, &rm);
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

int enc_mask_in(Enc *e, X86Op op, int scratch) {
  int reg = enc_phys(e, op);
  if (reg >= 0)
    return reg;
  Rm rm = enc_rm_of(e, op);
  enc_vector(e, X86_KMOVQ, 16, scratch, 0, &rm, 0);
  return scratch;
}

// The first of the two that are set aside.
static const uint8_t scratch[X86_NUM_CLASSES] = {X86_SCRATCH_GPR, X86_SCRATCH_VEC,
                                                 X86_SCRATCH_MASK};

int enc_any_in(Enc *e, X86Op op, int which) {
  X86Class cls = op.kind == X86_REG ? (X86Class)enc_vreg(e, op.id)->cls : X86_VEC;
  int reg = scratch[cls] + which;
  return cls == X86_VEC   ? enc_vec_in(e, op, reg)
         : cls == X86_GPR ? enc_gpr_in(e, op, reg)
                          : enc_mask_in(e, op, reg);
}

EncLanes enc_lanes_of(Enc *e, const X86Ins *ins) {
  if (!ins->mask)
    return (EncLanes){0};
  return (EncLanes){enc_mask_in(e, pj_x86_reg(ins->mask), X86_SCRATCH_MASK), ins->zeroing};
}

int enc_out_reg(const Enc *e, X86Reg d) {
  const X86VReg *v = enc_vreg(e, d);
  return x86_in_register(v) ? v->phys : scratch[v->cls] + 1;
}

// A register to its place on the stack.
static void store_reg(Enc *e, const X86VReg *v, int reg) {
  Rm to = enc_slot(e, v);
  if (v->cls == X86_VEC)
    enc_store_vec(e, reg, &to);
  else if (v->cls == X86_GPR)
    enc_legacy(e, 0x89, 8, reg, &to, false, 0);
  else
    enc_vector(e, X86_KMOVQ_STORE, 16, reg, 0, &to, 0);
}

// After an instruction that wrote |d|'s register: to the stack, if it lives there.
void enc_finish(Enc *e, X86Reg d) {
  const X86VReg *v = enc_vreg(e, d);
  if (v->phys == X86_ON_STACK)
    store_reg(e, v, scratch[v->cls] + 1);
}

// ---- moves

void enc_move_vec(Enc *e, int to, int from) {
  if (to == from)
    return;
  Rm rm = enc_reg_rm(from);
  if (from >= 8 && to < 8) { // the form that needs two bytes of prefix only
    rm.reg = to;
    enc_vector(e, X86_VMOVAPS_MR, e->f->vector_bytes, from, 0, &rm, 0);
  } else
    enc_vector(e, X86_VMOVAPS, e->f->vector_bytes, to, 0, &rm, 0);
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
  enc_vector(e, X86_VXOR | X86_PS, 16, reg, reg, &rm, 0);
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
    enc_move_vec(e, to, enc_phys(e, op));
  else {
    Rm rm = enc_rm_of(e, op);
    enc_load_vec(e, to, &rm);
  }
}

// Of immediates there are all lanes and none.
static void mask_from(Enc *e, int to, X86Op op) {
  if (op.kind == X86_IMM) {
    Rm rm = enc_reg_rm(to);
    enc_vector(e, op.imm ? X86_KXNORQ : X86_KXORQ, 32, to, to, &rm, 0);
  } else if (enc_phys(e, op) != to) {
    Rm rm = enc_rm_of(e, op);
    enc_vector(e, X86_KMOVQ, 16, to, 0, &rm, 0);
  }
}

void enc_move(Enc *e, const X86Ins *ins) {
  int d = enc_out_reg(e, ins->d);
  const X86VReg *v = enc_vreg(e, ins->d);
  if (!x86_in_register(v) && enc_phys(e, ins->a) >= 0) { // straight to its place
    store_reg(e, v, enc_phys(e, ins->a));
    return;
  }
  if (ins->a.kind == X86_REG && on_stack(e, ins->a) && !x86_in_register(v) &&
      v->slot == enc_vreg(e, ins->a.id)->slot)
    return;
  if (v->cls == X86_VEC)
    enc_vec_from(e, d, ins->a);
  else if (v->cls == X86_GPR)
    enc_gpr_from(e, d, ins->a);
  else
    mask_from(e, d, ins->a);
  enc_finish(e, ins->d);
}
