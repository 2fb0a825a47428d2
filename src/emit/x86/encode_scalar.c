// Instructions on general registers, comparisons and jumps as bytes.
#include "emit/x86/encode.h"

// ---- general registers

void enc_alu_imm(Enc *e, int ext, int size, const Rm *rm, int64_t imm) {
  if (enc_fits8(imm)) {
    enc_legacy(e, 0x83, size, ext, rm, false, 1);
    enc_byte(e, (int)imm);
  } else {
    enc_legacy(e, 0x81, size, ext, rm, false, 4);
    enc_word32(e, (int32_t)imm);
  }
}

// reg = reg op b
static void alu_into(Enc *e, int ext, int size, int reg, X86Op b) {
  if (b.kind == X86_IMM) {
    Rm rm = enc_reg_rm(reg);
    enc_alu_imm(e, ext, size, &rm, b.imm);
  } else {
    Rm rm = enc_rm_of(e, b);
    enc_legacy(e, (uint32_t)(ext << 3 | 3), size, reg, &rm, false, 0);
  }
}

void enc_alu(Enc *e, const X86Ins *ins) {
  int d = enc_out_reg(e, ins->d), pa = enc_phys(e, ins->a), pb = enc_phys(e, ins->b);
  X86Op a = ins->a, b = ins->b;
  if (ins->ext == 0 && pa >= 0 && pa != d && (b.kind == X86_IMM || (pb >= 0 && pb != d))) {
    Rm rm = {RM_MEM, 0, pa, b.kind == X86_IMM ? -1 : pb, 0, b.kind == X86_IMM ? (int32_t)b.imm : 0,
             0};
    enc_legacy(e, 0x8d, ins->size, d, &rm, false, 0);
    enc_finish(e, ins->d);
    return;
  }
  if (pb == d && pa != d) {
    if (ins->ext == 5) { // a - d = -d + a
      Rm rm = enc_reg_rm(d);
      enc_legacy(e, 0xf7, ins->size, 3, &rm, false, 0);
      alu_into(e, 0, ins->size, d, a);
      enc_finish(e, ins->d);
      return;
    }
    a = ins->b;
    b = ins->a;
  }
  enc_gpr_from(e, d, a);
  alu_into(e, ins->ext, ins->size, d, b);
  enc_finish(e, ins->d);
}

void enc_imul(Enc *e, const X86Ins *ins) {
  int d = enc_out_reg(e, ins->d);
  X86Op a = ins->a, b = ins->b;
  if (b.kind == X86_IMM) {
    Rm rm = enc_rm_of(e, a);
    bool small = enc_fits8(b.imm);
    enc_legacy(e, small ? 0x6b : 0x69, ins->size, d, &rm, false, small ? 1 : 4);
    if (small)
      enc_byte(e, (int)b.imm);
    else
      enc_word32(e, (int32_t)b.imm);
  } else {
    if (enc_phys(e, b) == d) {
      a = ins->b;
      b = ins->a;
    }
    enc_gpr_from(e, d, a);
    Rm rm = enc_rm_of(e, b);
    enc_legacy(e, X86_M0F | 0xaf, ins->size, d, &rm, false, 0);
  }
  enc_finish(e, ins->d);
}

void enc_unary_gpr(Enc *e, const X86Ins *ins) {
  int d = enc_out_reg(e, ins->d);
  Rm rm = enc_reg_rm(d);
  enc_gpr_from(e, d, ins->a);
  if (ins->form == X86_G_NEG)
    enc_legacy(e, 0xf7, ins->size, 3, &rm, false, 0);
  else {
    enc_legacy(e, 0xc1, ins->size, ins->ext, &rm, false, 1);
    enc_byte(e, ins->imm);
  }
  enc_finish(e, ins->d);
}

void enc_gpr_rm(Enc *e, const X86Ins *ins) {
  int d = enc_out_reg(e, ins->d);
  Rm rm = enc_rm_of(e, ins->b);
  enc_legacy(e, ins->enc, ins->size, d, &rm, (ins->enc & 0xf6) == 0xb6 && !(ins->enc & 1),
             0); // movzx, movsx of bytes
  enc_finish(e, ins->d);
}

void enc_gpr_store(Enc *e, const X86Ins *ins) {
  if (ins->a.kind == X86_IMM && x86_fits32(ins->a.imm)) {
    Rm rm = enc_rm_of(e, ins->b);
    int tail = ins->size == 1 ? 1 : ins->size == 2 ? 2 : 4;
    enc_legacy(e, ins->size == 1 ? 0xc6 : 0xc7, ins->size, 0, &rm, false, tail);
    for (int i = 0; i < tail; ++i)
      enc_byte(e, (int)(ins->a.imm >> (8 * i)) & 255);
    return;
  }
  Rm rm = enc_rm_of(e, ins->b);
  int a = enc_gpr_in(e, ins->a, X86_SCRATCH_GPR + 1);
  enc_legacy(e, ins->size == 1 ? 0x88 : 0x89, ins->size, a, &rm, ins->size == 1, 0);
}

void enc_divide(Enc *e, const X86Ins *ins) {
  enc_gpr_from(e, RAX, ins->a);
  if (ins->ext == 7) {
    if (ins->size == 8)
      enc_byte(e, 0x48);
    enc_byte(e, 0x99); // cdq, cqo
  } else
    enc_immediate(e, RDX, 0);
  Rm rm = enc_rm_of(e, ins->b);
  enc_legacy(e, 0xf7, ins->size, ins->ext, &rm, false, 0);
  int d = enc_out_reg(e, ins->d);
  enc_move_gpr(e, d, ins->imm ? RDX : RAX);
  enc_finish(e, ins->d);
}

void enc_high_product(Enc *e, const X86Ins *ins) {
  enc_gpr_from(e, RAX, ins->a);
  Rm rm = enc_rm_of(e, ins->b);
  enc_legacy(e, 0xf7, ins->size, 4, &rm, false, 0);
  int d = enc_out_reg(e, ins->d);
  enc_move_gpr(e, d, RDX);
  enc_finish(e, ins->d);
}

// ---- comparisons and jumps

static bool same_operand(X86Op a, X86Op b) {
  return a.kind == b.kind && a.id == b.id && a.imm == b.imm;
}

// What the last instruction compared need not be compared again.
static bool is_compared(const Enc *e, const X86Ins *ins) {
  const X86Ins *last = e->flags;
  return last && last->compare == ins->compare && last->size == ins->size &&
         same_operand(last->a, ins->a) && same_operand(last->b, ins->b);
}

static void compare(Enc *e, const X86Ins *ins) {
  if (is_compared(e, ins))
    return;
  if (ins->compare == X86_CMP_BIT) {
    Rm rm = enc_reg_rm(enc_gpr_in(e, ins->a, X86_SCRATCH_GPR + 1));
    enc_legacy(e, X86_M0F | 0xba, 8, 4, &rm, false, 1);
    enc_byte(e, (int)ins->b.imm);
    return;
  }
  if (ins->compare == X86_CMP_INT || ins->compare == X86_CMP_TEST) {
    int a = enc_gpr_in(e, ins->a, X86_SCRATCH_GPR + 1);
    Rm rm = enc_reg_rm(a);
    if (ins->compare == X86_CMP_TEST)
      enc_legacy(e, 0x85, ins->size, a, &rm, false, 0);
    else
      alu_into(e, 7, ins->size, a, ins->b);
    return;
  }
  int a = enc_vec_in(e, ins->a, X86_SCRATCH_VEC + 1);
  Rm rm = enc_rm_of(e, ins->b);
  enc_vector(e, ins->compare == X86_CMP_F64 ? X86_VUCOMISD : X86_VUCOMISS, 16, a, 0, &rm, 0);
}

void enc_set_cc(Enc *e, const X86Ins *ins) {
  compare(e, ins);
  int d = enc_out_reg(e, ins->d);
  Rm rm = enc_reg_rm(d);
  enc_legacy(e, X86_M0F | 0x90 | ins->cc, 4, 0, &rm, true, 0);
  enc_legacy(e, X86_M0F | 0xb6, 4, d, &rm, true, 0);
  enc_finish(e, ins->d);
}

// A jump of one byte's distance over what comes next; returns the place to patch.
static size_t skip_if(Enc *e, int cc) {
  enc_byte(e, 0x70 | cc);
  enc_byte(e, 0);
  return e->out->len;
}

static void skip_to_here(Enc *e, size_t from) {
  e->out->data[from - 1] = (uint8_t)(e->out->len - from);
}

void enc_choose(Enc *e, const X86Ins *ins) {
  compare(e, ins);
  int d = enc_out_reg(e, ins->d), cc = ins->cc;
  X86Op yes = ins->sel[0], no = ins->sel[1];
  if (enc_phys(e, yes) == d) {
    yes = ins->sel[1];
    no = ins->sel[0];
    cc ^= 1;
  }
  if (enc_vreg(e, ins->d)->cls == X86_VEC) {
    enc_vec_from(e, d, no);
    size_t skip = skip_if(e, cc ^ 1);
    enc_vec_from(e, d, yes);
    skip_to_here(e, skip);
  } else {
    enc_gpr_from(e, d, no); // moves leave the flags alone
    if (yes.kind == X86_IMM) {
      size_t skip = skip_if(e, cc ^ 1);
      enc_gpr_from(e, d, yes);
      skip_to_here(e, skip);
    } else {
      Rm rm = enc_rm_of(e, yes);
      enc_legacy(e, X86_M0F | 0x40 | (uint32_t)cc, 8, d, &rm, false, 0);
    }
  }
  enc_finish(e, ins->d);
}

void enc_jump(Enc *e, const X86Ins *ins) {
  if (ins->form == X86_JCC) {
    compare(e, ins);
    enc_byte(e, 0x0f);
    enc_byte(e, 0x80 | ins->cc);
  } else
    enc_byte(e, 0xe9);
  PJ_PUSH(e->f->arena, &e->jumps, ((Fixup){e->out->len, e->out->len + 4, ins->label}));
  enc_word32(e, 0);
}

void enc_align(Enc *e, size_t bytes) {
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
      enc_byte(e, nops[n - 1][i]);
    left -= n;
  }
}
