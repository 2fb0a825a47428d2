// Vector instructions as bytes, by form.
#include "emit/x86/encode.h"

void enc_rvm(Enc *e, const X86Ins *ins) {
  int d = enc_out_reg(e, ins->d);
  X86Op a = ins->a, b = ins->b;
  if (ins->commutes && enc_phys(e, a) < 0 && enc_phys(e, b) >= 0) {
    a = ins->b;
    b = ins->a;
  }
  // A short prefix wants the low registers behind.
  if (ins->commutes && enc_phys(e, a) >= 0 && enc_phys(e, a) < 8 && enc_phys(e, b) >= 8) {
    X86Op swap = a;
    a = b;
    b = swap;
  }
  int va = enc_any_in(e, a, 1);
  Rm rm = ins->in_reg ? enc_reg_rm(enc_any_in(e, b, 0)) : enc_rm_of(e, b);
  enc_masked(e, ins->enc, ins->size, enc_lanes_of(e, ins), d, va, &rm, ins->has_imm);
  if (ins->has_imm)
    enc_byte(e, ins->imm);
  enc_finish(e, ins->d);
}

void enc_rm_form(Enc *e, const X86Ins *ins) {
  int d = enc_out_reg(e, ins->d);
  Rm rm = ins->in_reg ? enc_reg_rm(enc_any_in(e, ins->b, 1)) : enc_rm_of(e, ins->b);
  enc_masked(e, ins->enc, ins->size, enc_lanes_of(e, ins), d, 0, &rm, ins->has_imm);
  if (ins->has_imm)
    enc_byte(e, ins->imm);
  enc_finish(e, ins->d);
}

void enc_mr_form(Enc *e, const X86Ins *ins) {
  Rm rm = enc_reg_rm(enc_out_reg(e, ins->d));
  int a = enc_vec_in(e, ins->a, X86_SCRATCH_VEC);
  enc_vector(e, ins->enc, ins->size, a, 0, &rm, ins->has_imm);
  if (ins->has_imm)
    enc_byte(e, ins->imm);
  enc_finish(e, ins->d);
}

void enc_store(Enc *e, const X86Ins *ins) {
  int a = enc_vec_in(e, ins->a, X86_SCRATCH_VEC + 1);
  Rm rm = enc_rm_of(e, ins->b);
  // vmaskmov: the mask in vvvv
  int in_vvvv = ins->c.kind == X86_NONE ? 0 : enc_vec_in(e, ins->c, X86_SCRATCH_VEC);
  enc_masked(e, ins->enc, ins->size, enc_lanes_of(e, ins), a, in_vvvv, &rm, ins->has_imm);
  if (ins->has_imm)
    enc_byte(e, ins->imm);
}

void enc_vmi(Enc *e, const X86Ins *ins) {
  int d = enc_out_reg(e, ins->d);
  Rm rm = enc_reg_rm(enc_vec_in(e, ins->a, X86_SCRATCH_VEC + 1));
  enc_vector(e, ins->enc, ins->size, ins->ext, d, &rm, 1);
  enc_byte(e, ins->imm);
  enc_finish(e, ins->d);
}

void enc_rvmr(Enc *e, const X86Ins *ins) {
  int d = enc_out_reg(e, ins->d);
  int a = enc_vec_in(e, ins->a, X86_SCRATCH_VEC + 1);
  int c = enc_vec_in(e, ins->c, X86_SCRATCH_VEC);
  Rm rm = enc_rm_of(e, ins->b);
  enc_vector(e, ins->enc, ins->size, d, a, &rm, 1);
  enc_byte(e, c << 4);
  enc_finish(e, ins->d);
}

// d = a * b + c. The operand whose register d has stays where it is; if there is none, one is moved
// there, best one that has to be loaded anyway.
void enc_fma_form(Enc *e, const X86Ins *ins) {
  enum { ADD_98 = 0x00, ADD_213 = 0x10, ADD_231 = 0x20 };
  int d = enc_out_reg(e, ins->d);
  X86Op ops[3] = {ins->a, ins->b, ins->c};
  int tie = -1;
  for (int i = 0; i < 3 && tie < 0; ++i)
    if (enc_phys(e, ops[i]) == d)
      tie = i;
  if (tie < 0) {
    // Not one that lies in memory with others behind it.
    tie = ops[2].kind == X86_MEM ? 0 : 2;
    for (int i = 0; i < 3; ++i)
      if (enc_phys(e, ops[i]) < 0 && ops[i].kind != X86_MEM && (i == 2 || enc_phys(e, ops[2]) >= 0))
        tie = i;
    enc_vec_from(e, d, ops[tie]);
  }
  if (tie == 1) { // factors may change places
    X86Op swap = ops[0];
    ops[0] = ops[1];
    ops[1] = swap;
    tie = 0;
  }
  X86Op in_vvvv = tie == 2 ? ops[0] : ops[1], in_rm = tie == 2 ? ops[1] : ops[2];
  uint32_t form = tie == 2 ? ADD_231 : ADD_213;
  if (in_vvvv.kind == X86_MEM || (enc_phys(e, in_vvvv) < 0 && enc_phys(e, in_rm) >= 0)) {
    X86Op swap = in_vvvv;
    in_vvvv = in_rm;
    in_rm = swap;
    if (tie != 2)
      form = ADD_98;
  }
  int v = enc_vec_in(e, in_vvvv, X86_SCRATCH_VEC);
  Rm rm = enc_rm_of(e, in_rm);
  enc_vector(e, ins->enc + form, ins->size, d, v, &rm, 0);
  enc_finish(e, ins->d);
}

void enc_tied(Enc *e, const X86Ins *ins) {
  int d = enc_out_reg(e, ins->d);
  enc_vec_from(e, d, ins->c);
  int a = enc_vec_in(e, ins->a, X86_SCRATCH_VEC);
  Rm rm = enc_rm_of(e, ins->b);
  enc_masked(e, ins->enc, ins->size, enc_lanes_of(e, ins), d, a, &rm, ins->has_imm);
  if (ins->has_imm)
    enc_byte(e, ins->imm);
  enc_finish(e, ins->d);
}
