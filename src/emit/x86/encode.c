// Instructions as bytes.
//
// What stands on the stack is a memory operand where the form has room for one, and goes through
// the registers that alloc.c set aside where not. Constants lie behind the code and are reached
// relative to the instruction pointer.
//
// Frame, if there is one: rbp holds the caller's side, rsp is aligned to 64. From rsp upwards: the
// memory of STACK, vectors, general registers, what a call saves, arguments of a call.
#include <string.h>

#include "emit/extern.h"
#include "emit/x86/mir.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9 };
enum { SAVED_BYTES = 16 * 32 + 16 * 8, ARGUMENT_BYTES = 8 * 32 };

typedef enum RmKind { RM_REG, RM_MEM, RM_RIP } RmKind;

typedef struct Rm {
  RmKind kind;
  int reg;         // RM_REG
  int base, index; // RM_MEM; index -1: none
  int scale;
  int32_t disp;
  uint32_t pool; // RM_RIP
} Rm;

typedef struct Fixup {
  size_t at, end;  // of the 4 bytes; of the instruction
  uint32_t target; // label or constant
} Fixup;

typedef struct Enc {
  X86Fn *f;
  X86Bytes *out;
  size_t *labels;
  PJ_VEC(Fixup) jumps;
  PJ_VEC(Fixup) constants;
  bool framed, wide; // it has a frame; it writes upper halves of vector registers
  uint16_t pushed;   // registers saved on entry
  int32_t vec_at, gpr_at, save_at, argument_at, frame_bytes;
} Enc;

// ---- bytes

static void byte(Enc *e, int value) {
  PJ_PUSH(e->f->arena, e->out, (uint8_t)value);
}

static void word32(Enc *e, int32_t value) {
  for (int i = 0; i < 4; ++i)
    byte(e, value >> (8 * i) & 255);
}

static void word64(Enc *e, int64_t value) {
  word32(e, (int32_t)value);
  word32(e, (int32_t)(value >> 32));
}

static bool fits8(int64_t value) {
  return value == (int8_t)value;
}

static bool fits32(int64_t value) {
  return value == (int32_t)value;
}

// ModRM, SIB and displacement. |tail|: bytes of the instruction after it.
static void modrm(Enc *e, int reg, const Rm *rm, int tail) {
  int field = (reg & 7) << 3;
  if (rm->kind == RM_REG) {
    byte(e, 0xc0 | field | (rm->reg & 7));
    return;
  }
  if (rm->kind == RM_RIP) {
    byte(e, field | 5);
    PJ_PUSH(e->f->arena, &e->constants,
            ((Fixup){e->out->len, e->out->len + 4 + (size_t)tail, rm->pool}));
    word32(e, 0);
    return;
  }
  bool sib = rm->index >= 0 || (rm->base & 7) == RSP;
  int mode = !rm->disp && (rm->base & 7) != RBP ? 0 : fits8(rm->disp) ? 0x40 : 0x80;
  byte(e, mode | field | (sib ? 4 : rm->base & 7));
  if (sib)
    byte(e, rm->scale << 6 | ((rm->index >= 0 ? rm->index & 7 : 4) << 3) | (rm->base & 7));
  if (mode == 0x40)
    byte(e, rm->disp);
  else if (mode == 0x80)
    word32(e, rm->disp);
}

static int rm_x(const Rm *rm) {
  return rm->kind == RM_MEM && rm->index >= 8;
}

static int rm_b(const Rm *rm) {
  return (rm->kind == RM_REG && rm->reg >= 8) || (rm->kind == RM_MEM && rm->base >= 8);
}

static void vex(Enc *e, uint32_t enc, bool l256, int reg, int vvvv, const Rm *rm, int tail) {
  int pp = enc >> 8 & 3, map = enc >> 10 & 3, w = enc >> 13 & 1;
  int r = reg < 8, x = !rm_x(rm), b = !rm_b(rm);
  if (map == 1 && !w && x && b) {
    byte(e, 0xc5);
    byte(e, r << 7 | (~vvvv & 15) << 3 | l256 << 2 | pp);
  } else {
    byte(e, 0xc4);
    byte(e, r << 7 | x << 6 | b << 5 | map);
    byte(e, w << 7 | (~vvvv & 15) << 3 | l256 << 2 | pp);
  }
  byte(e, enc & 255);
  modrm(e, reg, rm, tail);
  e->wide |= l256;
}

// An instruction on general registers. |enc|: opcode, and its map (0: one byte) and prefix.
// |bytes_op|: its r/m is a byte.
static void legacy(Enc *e, uint32_t enc, int size, int reg, const Rm *rm, bool byte_op, int tail) {
  if (size == 2)
    byte(e, 0x66);
  int prefix = enc >> 8 & 3;
  if (prefix)
    byte(e, prefix == 1 ? 0x66 : prefix == 2 ? 0xf3 : 0xf2);
  int rex = (size == 8) << 3 | (reg >= 8) << 2 | rm_x(rm) << 1 | rm_b(rm);
  // sil, dil and the like need the prefix, or they are ch, dh.
  bool high = byte_op && ((reg >= 4 && reg < 8) || (rm->kind == RM_REG && rm->reg >= 4));
  if (rex || high)
    byte(e, 0x40 | rex);
  if (enc & X86_M0F)
    byte(e, 0x0f);
  byte(e, enc & 255);
  modrm(e, reg, rm, tail);
}

// ---- operands

static X86VReg *vreg(const Enc *e, X86Reg r) {
  return &e->f->vregs.data[r];
}

static Rm slot(const Enc *e, const X86VReg *v) {
  int32_t at =
      v->cls == X86_VEC ? e->vec_at + (int32_t)v->slot * 32 : e->gpr_at + (int32_t)v->slot * 8;
  return (Rm){RM_MEM, 0, RSP, -1, 0, at, 0};
}

static Rm reg_rm(int reg) {
  return (Rm){RM_REG, reg, 0, -1, 0, 0, 0};
}

static bool on_stack(const Enc *e, X86Op op) {
  return op.kind == X86_REG && vreg(e, op.id)->phys >= 16;
}

static int phys(const Enc *e, X86Op op) {
  return op.kind == X86_REG && vreg(e, op.id)->phys < 16 ? vreg(e, op.id)->phys : -1;
}

static void load_gpr(Enc *e, int reg, const Rm *rm) {
  legacy(e, 0x8b, 8, reg, rm, false, 0);
}

static void load_vec(Enc *e, int reg, const Rm *rm) {
  vex(e, X86_M0F | 0x10, true, reg, 0, rm, 0); // vmovups
}

static int address_reg(Enc *e, X86Reg r, int scratch) {
  const X86VReg *v = vreg(e, r);
  if (v->phys < 16)
    return v->phys;
  Rm from = slot(e, v);
  load_gpr(e, scratch, &from);
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
  bool both =
      rm.base == X86_SCRATCH_GPR && vreg(e, m->base)->phys >= 16 && vreg(e, m->index)->phys >= 16;
  rm.index = address_reg(e, m->index, both ? X86_SCRATCH_GPR + 1 : X86_SCRATCH_GPR);
  if (both) { // leave the second one free
    legacy(e, 0x8d, 8, X86_SCRATCH_GPR, &rm, false, 0);
    rm = (Rm){RM_MEM, 0, X86_SCRATCH_GPR, -1, 0, 0, 0};
  }
  return rm;
}

static Rm rm_of(Enc *e, X86Op op) {
  switch (op.kind) {
  case X86_REG:
    return on_stack(e, op) ? slot(e, vreg(e, op.id)) : reg_rm(vreg(e, op.id)->phys);
  case X86_POOL:
    return (Rm){RM_RIP, 0, 0, -1, 0, 0, op.id};
  default:
    return memory(e, op);
  }
}

// A vector or general register with the operand in it; |scratch| if it is on the stack.
static int vec_in(Enc *e, X86Op op, int scratch) {
  int reg = phys(e, op);
  if (reg >= 0)
    return reg;
  Rm rm = rm_of(e, op);
  load_vec(e, scratch, &rm);
  return scratch;
}

static int gpr_in(Enc *e, X86Op op, int scratch) {
  int reg = phys(e, op);
  if (reg >= 0)
    return reg;
  Rm rm = rm_of(e, op);
  load_gpr(e, scratch, &rm);
  return scratch;
}

static int vec_out(const Enc *e, X86Reg d) {
  return vreg(e, d)->phys < 16 ? vreg(e, d)->phys : X86_SCRATCH_VEC + 1;
}

static int gpr_out(const Enc *e, X86Reg d) {
  return vreg(e, d)->phys < 16 ? vreg(e, d)->phys : X86_SCRATCH_GPR + 1;
}

// After an instruction that wrote |d|'s register: to the stack, if it lives there.
static void finish(Enc *e, X86Reg d) {
  const X86VReg *v = vreg(e, d);
  if (v->phys < 16 || v->phys == X86_NOWHERE)
    return;
  Rm to = slot(e, v);
  if (v->cls == X86_VEC)
    vex(e, X86_M0F | 0x11, true, X86_SCRATCH_VEC + 1, 0, &to, 0);
  else
    legacy(e, 0x89, 8, X86_SCRATCH_GPR + 1, &to, false, 0);
}

static int out_reg(const Enc *e, X86Reg d) {
  return vreg(e, d)->cls == X86_VEC ? vec_out(e, d) : gpr_out(e, d);
}

// ---- moves

static void move_vec(Enc *e, int to, int from) {
  if (to == from)
    return;
  Rm rm = reg_rm(from);
  if (from >= 8 && to < 8) { // the form that needs two bytes of prefix only
    rm.reg = to;
    vex(e, X86_M0F | 0x29, true, from, 0, &rm, 0);
  } else
    vex(e, X86_M0F | 0x28, true, to, 0, &rm, 0);
}

static void move_gpr(Enc *e, int to, int from) {
  Rm rm = reg_rm(from);
  if (to != from)
    load_gpr(e, to, &rm);
}

static void immediate(Enc *e, int reg, int64_t value) {
  if (value >= 0 && value <= UINT32_MAX) {
    if (reg >= 8)
      byte(e, 0x41);
    byte(e, 0xb8 | (reg & 7));
    word32(e, (int32_t)value);
  } else if (fits32(value)) {
    Rm rm = reg_rm(reg);
    legacy(e, 0xc7, 8, 0, &rm, false, 4);
    word32(e, (int32_t)value);
  } else {
    byte(e, 0x48 | (reg >= 8));
    byte(e, 0xb8 | (reg & 7));
    word64(e, value);
  }
}

static void zero_vec(Enc *e, int reg) {
  Rm rm = reg_rm(reg);
  vex(e, X86_M0F | 0x57, false, reg, reg, &rm, 0);
}

static void gpr_from(Enc *e, int to, X86Op op) {
  if (op.kind == X86_IMM)
    immediate(e, to, op.imm);
  else if (phys(e, op) >= 0)
    move_gpr(e, to, phys(e, op));
  else {
    Rm rm = rm_of(e, op);
    load_gpr(e, to, &rm);
  }
}

static bool is_zero(const Enc *e, X86Op op) {
  static const X86PoolEntry zero;
  return op.kind == X86_POOL && !memcmp(&e->f->pool.data[op.id], &zero, sizeof zero);
}

static void vec_from(Enc *e, int to, X86Op op) {
  if (is_zero(e, op))
    zero_vec(e, to);
  else if (phys(e, op) >= 0)
    move_vec(e, to, phys(e, op));
  else {
    Rm rm = rm_of(e, op);
    load_vec(e, to, &rm);
  }
}

static void move(Enc *e, const X86Ins *ins) {
  int d = out_reg(e, ins->d);
  const X86VReg *v = vreg(e, ins->d);
  if (v->phys >= 16 && phys(e, ins->a) >= 0) { // straight to its place
    Rm to = slot(e, v);
    if (v->cls == X86_VEC)
      vex(e, X86_M0F | 0x11, true, phys(e, ins->a), 0, &to, 0);
    else
      legacy(e, 0x89, 8, phys(e, ins->a), &to, false, 0);
    return;
  }
  if (ins->a.kind == X86_REG && on_stack(e, ins->a) && v->phys >= 16 &&
      v->slot == vreg(e, ins->a.id)->slot)
    return;
  if (v->cls == X86_VEC)
    vec_from(e, d, ins->a);
  else
    gpr_from(e, d, ins->a);
  finish(e, ins->d);
}

// ---- vector instructions

static void rvm(Enc *e, const X86Ins *ins) {
  int d = out_reg(e, ins->d);
  X86Op a = ins->a, b = ins->b;
  if (ins->commutes && phys(e, a) < 0 && phys(e, b) >= 0) {
    a = ins->b;
    b = ins->a;
  }
  // A short prefix wants the low registers behind.
  if (ins->commutes && phys(e, a) >= 0 && phys(e, a) < 8 && phys(e, b) >= 8) {
    X86Op swap = a;
    a = b;
    b = swap;
  }
  int va = vec_in(e, a, X86_SCRATCH_VEC + 1);
  Rm rm = rm_of(e, b);
  vex(e, ins->enc, ins->size == 32, d, va, &rm, ins->has_imm);
  if (ins->has_imm)
    byte(e, ins->imm);
  finish(e, ins->d);
}

static void rm_form(Enc *e, const X86Ins *ins) {
  int d = out_reg(e, ins->d);
  Rm rm = ins->in_reg ? reg_rm(vec_in(e, ins->b, X86_SCRATCH_VEC + 1)) : rm_of(e, ins->b);
  vex(e, ins->enc, ins->size == 32, d, 0, &rm, ins->has_imm);
  if (ins->has_imm)
    byte(e, ins->imm);
  finish(e, ins->d);
}

static void mr_form(Enc *e, const X86Ins *ins) {
  Rm rm = reg_rm(out_reg(e, ins->d));
  int a = vec_in(e, ins->a, X86_SCRATCH_VEC);
  vex(e, ins->enc, ins->size == 32, a, 0, &rm, ins->has_imm);
  if (ins->has_imm)
    byte(e, ins->imm);
  finish(e, ins->d);
}

static void store(Enc *e, const X86Ins *ins) {
  int a = vec_in(e, ins->a, X86_SCRATCH_VEC + 1);
  Rm rm = rm_of(e, ins->b);
  // vmaskmov: the mask in vvvv
  int mask = ins->c.kind == X86_NONE ? 0 : vec_in(e, ins->c, X86_SCRATCH_VEC);
  vex(e, ins->enc, ins->size == 32, a, mask, &rm, ins->has_imm);
  if (ins->has_imm)
    byte(e, ins->imm);
}

static void vmi(Enc *e, const X86Ins *ins) {
  int d = out_reg(e, ins->d);
  Rm rm = reg_rm(vec_in(e, ins->a, X86_SCRATCH_VEC + 1));
  vex(e, ins->enc, ins->size == 32, ins->ext, d, &rm, 1);
  byte(e, ins->imm);
  finish(e, ins->d);
}

static void rvmr(Enc *e, const X86Ins *ins) {
  int d = out_reg(e, ins->d);
  int a = vec_in(e, ins->a, X86_SCRATCH_VEC + 1);
  int c = vec_in(e, ins->c, X86_SCRATCH_VEC);
  Rm rm = rm_of(e, ins->b);
  vex(e, ins->enc, ins->size == 32, d, a, &rm, 1);
  byte(e, c << 4);
  finish(e, ins->d);
}

// d = a * b + c. The operand whose register d has stays where it is; if there is none, one is moved
// there, best one that has to be loaded anyway.
static void fma_form(Enc *e, const X86Ins *ins) {
  enum { ADD_98 = 0x00, ADD_213 = 0x10, ADD_231 = 0x20 };
  int d = out_reg(e, ins->d);
  X86Op ops[3] = {ins->a, ins->b, ins->c};
  int tie = -1;
  for (int i = 0; i < 3 && tie < 0; ++i)
    if (phys(e, ops[i]) == d)
      tie = i;
  if (tie < 0) {
    tie = 2;
    for (int i = 0; i < 3; ++i)
      if (phys(e, ops[i]) < 0 && (i == 2 || phys(e, ops[2]) >= 0))
        tie = i;
    vec_from(e, d, ops[tie]);
  }
  if (tie == 1) { // factors may change places
    X86Op swap = ops[0];
    ops[0] = ops[1];
    ops[1] = swap;
    tie = 0;
  }
  X86Op in_vvvv = tie == 2 ? ops[0] : ops[1], in_rm = tie == 2 ? ops[1] : ops[2];
  uint32_t form = tie == 2 ? ADD_231 : ADD_213;
  if (phys(e, in_vvvv) < 0 && phys(e, in_rm) >= 0) {
    X86Op swap = in_vvvv;
    in_vvvv = in_rm;
    in_rm = swap;
    if (tie != 2)
      form = ADD_98;
  }
  int v = vec_in(e, in_vvvv, X86_SCRATCH_VEC);
  Rm rm = rm_of(e, in_rm);
  vex(e, ins->enc + form, ins->size == 32, d, v, &rm, 0);
  finish(e, ins->d);
}

// ---- general registers

static void alu_imm(Enc *e, int ext, int size, const Rm *rm, int64_t imm) {
  if (fits8(imm)) {
    legacy(e, 0x83, size, ext, rm, false, 1);
    byte(e, (int)imm);
  } else {
    legacy(e, 0x81, size, ext, rm, false, 4);
    word32(e, (int32_t)imm);
  }
}

// reg = reg op b
static void alu_into(Enc *e, int ext, int size, int reg, X86Op b) {
  if (b.kind == X86_IMM) {
    Rm rm = reg_rm(reg);
    alu_imm(e, ext, size, &rm, b.imm);
  } else {
    Rm rm = rm_of(e, b);
    legacy(e, (uint32_t)(ext << 3 | 3), size, reg, &rm, false, 0);
  }
}

static void alu(Enc *e, const X86Ins *ins) {
  int d = gpr_out(e, ins->d), pa = phys(e, ins->a), pb = phys(e, ins->b);
  X86Op a = ins->a, b = ins->b;
  if (ins->ext == 0 && pa >= 0 && pa != d && ins->size == 8 &&
      (b.kind == X86_IMM || (pb >= 0 && pb != d))) {
    Rm rm = {RM_MEM, 0, pa, b.kind == X86_IMM ? -1 : pb, 0, b.kind == X86_IMM ? (int32_t)b.imm : 0,
             0};
    legacy(e, 0x8d, 8, d, &rm, false, 0);
    finish(e, ins->d);
    return;
  }
  if (pb == d && pa != d) {
    if (ins->ext == 5) { // a - d = -d + a
      Rm rm = reg_rm(d);
      legacy(e, 0xf7, ins->size, 3, &rm, false, 0);
      alu_into(e, 0, ins->size, d, a);
      finish(e, ins->d);
      return;
    }
    a = ins->b;
    b = ins->a;
  }
  gpr_from(e, d, a);
  alu_into(e, ins->ext, ins->size, d, b);
  finish(e, ins->d);
}

static void imul(Enc *e, const X86Ins *ins) {
  int d = gpr_out(e, ins->d);
  X86Op a = ins->a, b = ins->b;
  if (b.kind == X86_IMM) {
    Rm rm = rm_of(e, a);
    bool small = fits8(b.imm);
    legacy(e, small ? 0x6b : 0x69, ins->size, d, &rm, false, small ? 1 : 4);
    if (small)
      byte(e, (int)b.imm);
    else
      word32(e, (int32_t)b.imm);
  } else {
    if (phys(e, b) == d) {
      a = ins->b;
      b = ins->a;
    }
    gpr_from(e, d, a);
    Rm rm = rm_of(e, b);
    legacy(e, X86_M0F | 0xaf, ins->size, d, &rm, false, 0);
  }
  finish(e, ins->d);
}

static void unary_gpr(Enc *e, const X86Ins *ins) {
  int d = gpr_out(e, ins->d);
  Rm rm = reg_rm(d);
  gpr_from(e, d, ins->a);
  if (ins->form == X86_G_NEG)
    legacy(e, 0xf7, ins->size, 3, &rm, false, 0);
  else {
    legacy(e, 0xc1, ins->size, ins->ext, &rm, false, 1);
    byte(e, ins->imm);
  }
  finish(e, ins->d);
}

static void gpr_rm(Enc *e, const X86Ins *ins) {
  int d = gpr_out(e, ins->d);
  Rm rm = rm_of(e, ins->b);
  legacy(e, ins->enc, ins->size, d, &rm, (ins->enc & 0xf6) == 0xb6 && !(ins->enc & 1),
         0); // movzx, movsx of bytes
  finish(e, ins->d);
}

static void gpr_store(Enc *e, const X86Ins *ins) {
  if (ins->a.kind == X86_IMM && fits32(ins->a.imm)) {
    Rm rm = rm_of(e, ins->b);
    int tail = ins->size == 1 ? 1 : ins->size == 2 ? 2 : 4;
    legacy(e, ins->size == 1 ? 0xc6 : 0xc7, ins->size, 0, &rm, false, tail);
    for (int i = 0; i < tail; ++i)
      byte(e, (int)(ins->a.imm >> (8 * i)) & 255);
    return;
  }
  Rm rm = rm_of(e, ins->b);
  int a = gpr_in(e, ins->a, X86_SCRATCH_GPR + 1);
  legacy(e, ins->size == 1 ? 0x88 : 0x89, ins->size, a, &rm, ins->size == 1, 0);
}

static void divide(Enc *e, const X86Ins *ins) {
  gpr_from(e, RAX, ins->a);
  if (ins->ext == 7) {
    if (ins->size == 8)
      byte(e, 0x48);
    byte(e, 0x99); // cdq, cqo
  } else
    immediate(e, RDX, 0);
  Rm rm = rm_of(e, ins->b);
  legacy(e, 0xf7, ins->size, ins->ext, &rm, false, 0);
  int d = gpr_out(e, ins->d);
  move_gpr(e, d, ins->imm ? RDX : RAX);
  finish(e, ins->d);
}

static void high_product(Enc *e, const X86Ins *ins) {
  gpr_from(e, RAX, ins->a);
  Rm rm = rm_of(e, ins->b);
  legacy(e, 0xf7, ins->size, 4, &rm, false, 0);
  int d = gpr_out(e, ins->d);
  move_gpr(e, d, RDX);
  finish(e, ins->d);
}

// ---- comparisons and jumps

static void compare(Enc *e, const X86Ins *ins) {
  if (ins->compare == X86_CMP_INT || ins->compare == X86_CMP_TEST) {
    int a = gpr_in(e, ins->a, X86_SCRATCH_GPR + 1);
    Rm rm = reg_rm(a);
    if (ins->compare == X86_CMP_TEST)
      legacy(e, 0x85, ins->size, a, &rm, false, 0);
    else
      alu_into(e, 7, ins->size, a, ins->b);
    return;
  }
  int a = vec_in(e, ins->a, X86_SCRATCH_VEC + 1);
  Rm rm = rm_of(e, ins->b);
  vex(e, X86_M0F | 0x2e | (ins->compare == X86_CMP_F64 ? X86_P66 : 0), false, a, 0, &rm, 0);
}

static void set_cc(Enc *e, const X86Ins *ins) {
  compare(e, ins);
  int d = gpr_out(e, ins->d);
  Rm rm = reg_rm(d);
  legacy(e, X86_M0F | 0x90 | ins->cc, 4, 0, &rm, true, 0);
  legacy(e, X86_M0F | 0xb6, 4, d, &rm, true, 0);
  finish(e, ins->d);
}

// A jump of one byte's distance over what comes next; returns the place to patch.
static size_t skip_if(Enc *e, int cc) {
  byte(e, 0x70 | cc);
  byte(e, 0);
  return e->out->len;
}

static void skip_to_here(Enc *e, size_t from) {
  e->out->data[from - 1] = (uint8_t)(e->out->len - from);
}

static void choose(Enc *e, const X86Ins *ins) {
  compare(e, ins);
  int d = out_reg(e, ins->d), cc = ins->cc;
  X86Op yes = ins->sel[0], no = ins->sel[1];
  if (phys(e, yes) == d) {
    yes = ins->sel[1];
    no = ins->sel[0];
    cc ^= 1;
  }
  if (vreg(e, ins->d)->cls == X86_VEC) {
    vec_from(e, d, no);
    size_t skip = skip_if(e, cc ^ 1);
    vec_from(e, d, yes);
    skip_to_here(e, skip);
  } else {
    gpr_from(e, d, no); // moves leave the flags alone
    if (yes.kind == X86_IMM) {
      size_t skip = skip_if(e, cc ^ 1);
      gpr_from(e, d, yes);
      skip_to_here(e, skip);
    } else {
      Rm rm = rm_of(e, yes);
      legacy(e, X86_M0F | 0x40 | (uint32_t)cc, 8, d, &rm, false, 0);
    }
  }
  finish(e, ins->d);
}

static void jump(Enc *e, const X86Ins *ins) {
  if (ins->form == X86_JCC) {
    compare(e, ins);
    byte(e, 0x0f);
    byte(e, 0x80 | ins->cc);
  } else
    byte(e, 0xe9);
  PJ_PUSH(e->f->arena, &e->jumps, ((Fixup){e->out->len, e->out->len + 4, ins->label}));
  word32(e, 0);
}

static void align(Enc *e, size_t bytes) {
  static const uint8_t nops[9][9] = {
      {0x90},
      {0x66, 0x90},
      {0x0f, 0x1f, 0x00},
      {0x0f, 0x1f, 0x40, 0x00},
      {0x0f, 0x1f, 0x44, 0x00, 0x00},
      {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
      {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
      {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
      {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
  };
  size_t left = -e->out->len & (bytes - 1);
  while (left) {
    size_t n = left < 9 ? left : 9;
    for (size_t i = 0; i < n; ++i)
      byte(e, nops[n - 1][i]);
    left -= n;
  }
}

// ---- calls

static bool lives_across(const X86VReg *v, uint32_t ins) {
  for (size_t i = 0; i < v->ranges.len; ++i)
    if (v->ranges.data[i].begin <= 2 * ins && v->ranges.data[i].end > 2 * ins + 1)
      return true;
  return false;
}

static Rm frame_rm(int32_t at) {
  return (Rm){RM_MEM, 0, RSP, -1, 0, at, 0};
}

// Saves or restores every register that must survive instruction |number|.
static void save_registers(Enc *e, uint32_t number, bool restore) {
  for (X86Reg r = 1; r < e->f->vregs.len; ++r) {
    const X86VReg *v = vreg(e, r);
    if (v->phys >= 16 || !lives_across(v, number))
      continue;
    Rm rm = frame_rm(e->save_at + (v->cls == X86_VEC ? v->phys * 32 : 16 * 32 + v->phys * 8));
    if (v->cls == X86_VEC)
      vex(e, X86_M0F | (restore ? 0x10 : 0x11), true, v->phys, 0, &rm, 0);
    else
      legacy(e, restore ? 0x8b : 0x89, 8, v->phys, &rm, false, 0);
  }
}

// Arguments go to memory first and from there to where they belong, so that none is in another's
// way.
static void call(Enc *e, const X86Ins *ins, uint32_t number) {
  static const int gprs[] = {RDI, RSI, RDX, RCX, R8, R9};
  const PjKirExternInfo *callee = &pj_kir_extern_info[ins->imm];
  save_registers(e, number, false);
  for (int scratch = 0; scratch < 2; ++scratch) // those that need a register of their own come last
    for (uint32_t i = 0; i < ins->num_call_args; ++i) {
      Rm to = frame_rm(e->argument_at + (int32_t)i * 32);
      bool vec = callee->args[i] == 'f' || callee->args[i] == 'd';
      int reg = phys(e, ins->call_args[i]);
      if ((reg < 0) != scratch)
        continue;
      if (vec && scratch)
        vec_from(e, reg = X86_SCRATCH_VEC + 1, ins->call_args[i]);
      else if (scratch)
        gpr_from(e, reg = X86_SCRATCH_GPR + 1, ins->call_args[i]);
      if (vec)
        vex(e, X86_M0F | 0x11, true, reg, 0, &to, 0);
      else
        legacy(e, 0x89, 8, reg, &to, false, 0);
    }
  int num_gprs = 0, num_vecs = 0;
  for (uint32_t i = 0; i < ins->num_call_args; ++i) {
    Rm from = frame_rm(e->argument_at + (int32_t)i * 32);
    if (callee->args[i] == 'f' || callee->args[i] == 'd')
      vex(e, X86_M0F | 0x10, false, num_vecs++, 0, &from, 0);
    else
      load_gpr(e, gprs[num_gprs++], &from);
  }
  byte(e, 0xc5); // vzeroupper: what is called may use the old encodings
  byte(e, 0xf8);
  byte(e, 0x77);
  immediate(e, RAX, (int64_t)(uintptr_t)pj_emit_extern((PjKirExtern)ins->imm));
  Rm target = reg_rm(RAX);
  legacy(e, 0xff, 4, 2, &target, false, 0);
  bool vec = callee->result == 'f' || callee->result == 'd';
  Rm result = frame_rm(e->argument_at);
  if (ins->d && vec)
    vex(e, X86_M0F | 0x11, false, 0, 0, &result, 0);
  else if (ins->d)
    legacy(e, 0x89, 8, RAX, &result, false, 0);
  save_registers(e, number, true);
  if (!ins->d)
    return;
  if (vec)
    vex(e, X86_M0F | 0x10, false, vec_out(e, ins->d), 0, &result, 0);
  else
    load_gpr(e, gpr_out(e, ins->d), &result);
  finish(e, ins->d);
}

// ---- entry and exit

static const int saved_order[] = {RBX, 12, 13, 14, 15, RBP};

static void push_pop(Enc *e, int opcode, int reg) {
  if (reg >= 8)
    byte(e, 0x41);
  byte(e, opcode | (reg & 7));
}

static void move_sp(Enc *e, int opcode) { // mov between rsp and rbp
  byte(e, 0x48);
  byte(e, opcode);
  byte(e, 0xe5);
}

static void lay_out_frame(Enc *e) {
  const X86Fn *f = e->f;
  int32_t at = (int32_t)f->frame_bytes;
  e->vec_at = at;
  at += (int32_t)f->num_slots[X86_VEC] * 32;
  e->gpr_at = at;
  at += ((int32_t)f->num_slots[X86_GPR] * 8 + 31) & ~31;
  e->save_at = at;
  e->argument_at = at + SAVED_BYTES;
  if (f->uses_calls)
    at += SAVED_BYTES + ARGUMENT_BYTES;
  e->frame_bytes = (at + 63) & ~63;
  e->framed = e->frame_bytes > 0;
}

static void enter(Enc *e) {
  const X86Fn *f = e->f;
  for (X86Reg r = 1; r < f->vregs.len; ++r)
    if (f->vregs.data[r].cls == X86_GPR && f->vregs.data[r].phys < 16)
      e->pushed |= (uint16_t)(1u << f->vregs.data[r].phys);
  if (e->framed)
    e->pushed |= 1u << RBP;
  if (f->spills) // the scratch registers need no saving: r10 and r11
    e->pushed &= (uint16_t) ~(3u << X86_SCRATCH_GPR);
  for (size_t i = 0; i < sizeof saved_order / sizeof *saved_order; ++i)
    if (e->pushed >> saved_order[i] & 1)
      push_pop(e, 0x50, saved_order[i]);
  if (!e->framed)
    return;
  move_sp(e, 0x89); // mov rbp, rsp
  Rm rsp = reg_rm(RSP);
  alu_imm(e, 5, 8, &rsp, e->frame_bytes);
  alu_imm(e, 4, 8, &rsp, -64);
}

static void leave(Enc *e) {
  if (e->wide) {
    byte(e, 0xc5);
    byte(e, 0xf8);
    byte(e, 0x77);
  }
  if (e->framed) {
    byte(e, 0x48); // mov rsp, rbp
    byte(e, 0x89);
    byte(e, 0xec);
  }
  for (size_t i = sizeof saved_order / sizeof *saved_order; i-- > 0;)
    if (e->pushed >> saved_order[i] & 1)
      push_pop(e, 0x58, saved_order[i]);
  byte(e, 0xc3);
}

// The function's arguments, from where the caller puts them to their registers, all at once.
static uint32_t take_arguments(Enc *e) {
  static const int places[] = {RDI, RSI, RDX, RCX, R8};
  int from[5], to[5];
  int count = 0;
  uint32_t i = 0;
  for (; i < e->f->code.len && e->f->code.data[i].form == X86_ENTRY; ++i) {
    const X86Ins *ins = &e->f->code.data[i];
    const X86VReg *v = vreg(e, ins->d);
    if (v->phys == X86_ON_STACK) {
      Rm rm = slot(e, v);
      legacy(e, 0x89, 8, places[ins->imm], &rm, false, 0);
    } else if (v->phys < 16) {
      from[count] = places[ins->imm];
      to[count++] = v->phys;
    }
  }
  while (count) {
    int free = -1; // a move whose target no other one still needs
    for (int m = 0; m < count && free < 0; ++m) {
      free = m;
      for (int n = 0; n < count; ++n)
        if (n != m && from[n] == to[m])
          free = -1;
    }
    if (free >= 0) {
      move_gpr(e, to[free], from[free]);
      from[free] = from[--count];
      to[free] = to[count];
      continue;
    }
    Rm rm = reg_rm(from[0]); // a ring: exchange, after which the value for to[0] is there
    legacy(e, 0x87, 8, to[0], &rm, false, 0);
    for (int n = 1; n < count; ++n)
      from[n] = from[n] == to[0] ? from[0] : from[n] == from[0] ? to[0] : from[n];
    from[0] = from[--count];
    to[0] = to[count];
  }
  return i;
}

// ---- all of it

static void encode(Enc *e, uint32_t number) {
  const X86Ins *ins = &e->f->code.data[number];
  // Nobody reads what it writes: only calls do more than that.
  if (ins->d && vreg(e, ins->d)->phys == X86_NOWHERE && ins->form != X86_CALL)
    return;
  switch ((X86Form)ins->form) {
  case X86_RVM:
    rvm(e, ins);
    break;
  case X86_RM:
    rm_form(e, ins);
    break;
  case X86_MR:
    mr_form(e, ins);
    break;
  case X86_ST:
    store(e, ins);
    break;
  case X86_VMI:
    vmi(e, ins);
    break;
  case X86_RVMR:
    rvmr(e, ins);
    break;
  case X86_FMA:
    fma_form(e, ins);
    break;
  case X86_ZERO:
    zero_vec(e, vec_out(e, ins->d));
    finish(e, ins->d);
    break;
  case X86_RMV: {
    int d = gpr_out(e, ins->d);
    int b = gpr_in(e, ins->b, X86_SCRATCH_GPR + 1);
    Rm rm = rm_of(e, ins->a);
    vex(e, ins->enc, false, d, b, &rm, 0);
    finish(e, ins->d);
    break;
  }
  case X86_G_MOV:
    gpr_from(e, gpr_out(e, ins->d), ins->b);
    finish(e, ins->d);
    break;
  case X86_G_LOAD:
  case X86_G_RM:
  case X86_G_LEA:
    gpr_rm(e, ins);
    break;
  case X86_G_STORE:
    gpr_store(e, ins);
    break;
  case X86_G_ALU:
    alu(e, ins);
    break;
  case X86_G_IMUL:
    imul(e, ins);
    break;
  case X86_G_SHIFT:
  case X86_G_NEG:
    unary_gpr(e, ins);
    break;
  case X86_G_DIV:
    divide(e, ins);
    break;
  case X86_G_MULH:
    high_product(e, ins);
    break;
  case X86_G_SETCC:
    set_cc(e, ins);
    break;
  case X86_G_CSEL:
    choose(e, ins);
    break;
  case X86_JCC:
  case X86_JUMP:
    jump(e, ins);
    break;
  case X86_MOVE:
    move(e, ins);
    break;
  case X86_LOOP:
    align(e, 32);
    e->labels[ins->label] = e->out->len;
    break;
  case X86_LABEL:
    e->labels[ins->label] = e->out->len;
    break;
  case X86_CALL:
    call(e, ins, number);
    break;
  case X86_RET:
    leave(e);
    break;
  case X86_ENTRY:
    break;
  }
}

static void patch(Enc *e, const Fixup *fixup, size_t target) {
  int32_t distance = (int32_t)((int64_t)target - (int64_t)fixup->end);
  memcpy(e->out->data + fixup->at, &distance, 4);
}

void pj_x86_encode(X86Fn *f, X86Bytes *out) {
  Enc *e = PJ_NEW(f->arena, Enc);
  e->f = f;
  e->out = out;
  e->labels = pj_arena_calloc(f->arena, f->num_labels + 1, sizeof *e->labels);
  lay_out_frame(e);
  enter(e);
  for (uint32_t i = take_arguments(e); i < f->code.len; ++i)
    encode(e, i);
  while (out->len % 32)
    byte(e, 0xcc);
  size_t pool = out->len;
  for (size_t i = 0; i < f->pool.len; ++i)
    for (int n = 0; n < 32; ++n)
      byte(e, f->pool.data[i].bytes[n]);
  for (size_t i = 0; i < e->jumps.len; ++i)
    patch(e, &e->jumps.data[i], e->labels[e->jumps.data[i].target]);
  for (size_t i = 0; i < e->constants.len; ++i)
    patch(e, &e->constants.data[i], pool + e->constants.data[i].target * 32);
}
