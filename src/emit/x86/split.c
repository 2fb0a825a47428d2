// A second attempt at registers: what lives on the stack is copied for the loops that only read it.
//
// A register has one place for its whole life, so one that lives long and is read in a short loop
// loses against all that lives briefly. Its copy lives as long as the loop, and has one.
#include "emit/x86/loops.h"

typedef struct Split {
  X86Rewrite w;
  size_t num_regs;  // before those made here
  uint32_t *loop;   // by register: the loop (its number + 1) that was last seen to write it
  uint32_t *copied; // and that it was copied for
  X86Reg *copies;
} Split;

typedef void Visit(Split *s, X86Reg *r, uint32_t loop);

static void visit_op(Split *s, X86Op *op, uint32_t loop, Visit *visit) {
  if (op->kind == X86_REG) {
    X86Reg r = op->id;
    visit(s, &r, loop);
    op->id = r;
  } else if (op->kind == X86_MEM) {
    X86Mem m = s->w.f->mems.data[op->id];
    X86Reg base = m.base, index = m.index;
    if (base)
      visit(s, &m.base, loop);
    if (index)
      visit(s, &m.index, loop);
    if (m.base == base && m.index == index)
      return;
    PJ_PUSH(s->w.f->arena, &s->w.f->mems, m); // others may have the same place
    op->id = (uint32_t)s->w.f->mems.len - 1;
  }
}

static void visit_reads(Split *s, X86Ins *ins, uint32_t loop, Visit *visit) {
  visit_op(s, &ins->a, loop, visit);
  visit_op(s, &ins->b, loop, visit);
  visit_op(s, &ins->c, loop, visit);
  visit_op(s, &ins->sel[0], loop, visit);
  visit_op(s, &ins->sel[1], loop, visit);
  for (uint32_t i = 0; i < ins->num_call_args; ++i)
    visit_op(s, &ins->call_args[i], loop, visit);
  if (ins->mask)
    visit(s, &ins->mask, loop);
}

// A register on the stack that the loop reads and does not write gets a copy in front of it.
static void copy(Split *s, X86Reg *r, uint32_t loop) {
  X86Fn *f = s->w.f;
  if (*r >= s->num_regs || f->vregs.data[*r].phys != X86_ON_STACK || s->loop[*r] == loop ||
      s->copied[*r] == loop)
    return;
  X86VReg made = {.cls = f->vregs.data[*r].cls, .constant = f->vregs.data[*r].constant};
  PJ_PUSH(f->arena, &f->vregs, made);
  s->copied[*r] = loop;
  s->copies[*r] = (X86Reg)f->vregs.len - 1;
  pj_x86_push(&s->w, (X86Ins){.form = X86_MOVE, .d = s->copies[*r], .a = pj_x86_reg(*r)});
}

static void use_copy(Split *s, X86Reg *r, uint32_t loop) {
  if (*r < s->num_regs && s->copied[*r] == loop)
    *r = s->copies[*r];
}

static void split_loop(Split *s, uint32_t begin, uint32_t end) {
  X86Fn *f = s->w.f;
  uint32_t loop = f->code.data[begin].loop + 1;
  for (uint32_t i = begin; i <= end; ++i)
    s->loop[f->code.data[i].d] = loop;
  for (uint32_t i = begin; i <= end; ++i)
    visit_reads(s, &f->code.data[i], loop, copy);
  for (uint32_t i = begin; i <= end; ++i) {
    visit_reads(s, &f->code.data[i], loop, use_copy);
    pj_x86_push(&s->w, f->code.data[i]);
  }
}

void pj_x86_split(X86Fn *f) {
  Split *s = PJ_NEW(f->arena, Split);
  s->w.f = f;
  s->num_regs = f->vregs.len;
  s->loop = pj_arena_calloc(f->arena, s->num_regs, sizeof *s->loop);
  s->copied = pj_arena_calloc(f->arena, s->num_regs, sizeof *s->copied);
  s->copies = pj_arena_calloc(f->arena, s->num_regs, sizeof *s->copies);
  for (uint32_t i = 0; i < f->code.len; ++i) {
    uint32_t end = f->code.data[i].form == X86_LOOP ? pj_x86_innermost_end(f, i) : 0;
    if (end) {
      split_loop(s, i, end);
      i = end;
    } else
      pj_x86_push(&s->w, f->code.data[i]);
  }
  pj_x86_rewritten(&s->w);
  for (X86Reg r = 1; r < f->vregs.len; ++r) { // as before the first attempt
    X86VReg *v = &f->vregs.data[r];
    v->ranges.len = 0;
    v->weight = 0;
  }
}
