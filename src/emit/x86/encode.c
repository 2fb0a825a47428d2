// A function as bytes: every instruction, then the constants, then the distances between them.
#include <string.h>

#include "emit/x86/encode.h"

static void encode(Enc *e, uint32_t number) {
  const X86Ins *ins = &e->f->code.data[number];
  const bool compares = ins->form == X86_G_CSEL || ins->form == X86_G_SETCC;
  // Nobody reads what it writes: only calls do more than that.
  if (ins->d && enc_vreg(e, ins->d)->phys == X86_NOWHERE && ins->form != X86_CALL)
    return;
  switch ((X86Form)ins->form) {
  case X86_RVM:
    enc_rvm(e, ins);
    break;
  case X86_RM:
    enc_rm_form(e, ins);
    break;
  case X86_MR:
    enc_mr_form(e, ins);
    break;
  case X86_ST:
    enc_store(e, ins);
    break;
  case X86_VMI:
    enc_vmi(e, ins);
    break;
  case X86_RVMR:
    enc_rvmr(e, ins);
    break;
  case X86_FMA:
    enc_fma_form(e, ins);
    break;
  case X86_TIED:
    enc_tied(e, ins);
    break;
  case X86_ZERO:
    enc_zero_vec(e, enc_out_reg(e, ins->d));
    enc_finish(e, ins->d);
    break;
  case X86_RMV: {
    int d = enc_out_reg(e, ins->d);
    int b = enc_gpr_in(e, ins->b, X86_SCRATCH_GPR + 1);
    Rm rm = enc_rm_of(e, ins->a);
    enc_vector(e, ins->enc, 16, d, b, &rm, 0);
    enc_finish(e, ins->d);
    break;
  }
  case X86_G_MOV:
    enc_gpr_from(e, enc_out_reg(e, ins->d), ins->b);
    enc_finish(e, ins->d);
    break;
  case X86_G_LOAD:
  case X86_G_RM:
  case X86_G_LEA:
    enc_gpr_rm(e, ins);
    break;
  case X86_G_STORE:
    enc_gpr_store(e, ins);
    break;
  case X86_G_ALU:
    enc_alu(e, ins);
    break;
  case X86_G_IMUL:
    enc_imul(e, ins);
    break;
  case X86_G_SHIFT:
  case X86_G_NEG:
    enc_unary_gpr(e, ins);
    break;
  case X86_G_DIV:
    enc_divide(e, ins);
    break;
  case X86_G_MULH:
    enc_high_product(e, ins);
    break;
  case X86_G_SETCC:
    enc_set_cc(e, ins);
    break;
  case X86_G_CSEL:
    enc_choose(e, ins);
    break;
  case X86_JCC:
  case X86_JUMP:
    enc_jump(e, ins);
    break;
  case X86_MOVE:
    enc_move(e, ins);
    break;
  case X86_LOOP:
    enc_align(e, 32);
    e->labels[ins->label] = e->out->len;
    break;
  case X86_LABEL:
    e->labels[ins->label] = e->out->len;
    break;
  case X86_CALL:
    enc_call(e, ins, number);
    break;
  case X86_RET:
    enc_leave(e);
    break;
  case X86_ENTRY:
    break;
  }
  e->flags = compares ? ins : NULL; // moves, which they are made of, too, leave the flags alone
}

static void patch(Enc *e, const Fixup *fixup, size_t target) {
  int32_t distance = (int32_t)((int64_t)target - (int64_t)fixup->end);
  memcpy(e->out->data + fixup->at, &distance, 4);
}

// The end of the run of rare instructions that begins at |i|; |i| if there is none.
static uint32_t rare_end(const X86Fn *f, uint32_t i) {
  while (i < f->code.len && f->code.data[i].rare)
    ++i;
  return i;
}

// What runs rarely comes behind the rest, run by run, each with a jump to where it goes on; the
// jump over it is not needed.
static void encode_code(Enc *e, uint32_t begin) {
  const X86Fn *f = e->f;
  for (uint32_t i = begin; i < f->code.len; ++i) {
    const X86Ins *ins = &f->code.data[i];
    const uint32_t end = rare_end(f, i), after = rare_end(f, i + 1);
    if (end > i)
      i = end - 1;
    else if (ins->form != X86_JUMP || after == i + 1 || after == f->code.len ||
             f->code.data[after].label != ins->label)
      encode(e, i);
  }
  for (uint32_t i = begin; i < f->code.len; ++i) {
    const uint32_t end = rare_end(f, i);
    if (end == i)
      continue;
    e->flags = NULL;
    for (; i < end; ++i)
      encode(e, i);
    enc_jump(e, &(X86Ins){.form = X86_JUMP, .label = f->code.data[end].label});
  }
}

void pj_x86_encode(X86Fn *f, X86Bytes *out) {
  Enc *e = PJ_NEW(f->arena, Enc);
  e->f = f;
  e->out = out;
  e->labels = pj_arena_calloc(f->arena, f->num_labels + 1, sizeof *e->labels);
  enc_lay_out_frame(e);
  enc_enter(e);
  encode_code(e, enc_take_arguments(e));
  size_t entry = (size_t)f->vector_bytes;
  while (out->len % entry)
    enc_byte(e, 0xcc);
  size_t pool = out->len;
  for (size_t i = 0; i < f->pool.len; ++i)
    for (size_t n = 0; n < entry; ++n)
      enc_byte(e, f->pool.data[i].bytes[n]);
  for (size_t i = 0; i < e->jumps.len; ++i)
    patch(e, &e->jumps.data[i], e->labels[e->jumps.data[i].target]);
  for (size_t i = 0; i < e->constants.len; ++i)
    patch(e, &e->constants.data[i], pool + e->constants.data[i].target * entry);
}
