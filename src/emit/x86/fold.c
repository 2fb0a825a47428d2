// Loads as operands of the instruction that reads them.
//
// A vector or float that is loaded for one instruction needs no register and no instruction of its
// own: an arithmetic instruction reads memory as well. What the processor keeps in flight is
// counted in instructions, so products whose sums wait for each other then overlap further.
#include "emit/x86/loops.h"

// Instructions between a load and its reader, at most.
enum { FAR = 12 };

static bool is_load(const X86Ins *ins) {
  return ins->form == X86_RM && ins->b.kind == X86_MEM && !ins->mask && !ins->has_imm &&
         (ins->enc == X86_VMOVUPS_LOAD || ins->enc == X86_VMOVSS_LOAD ||
          ins->enc == X86_VMOVSD_LOAD);
}

// Ends what a load can be moved over: other memory accesses that it may not pass, and jumps.
static bool stops(const X86Ins *ins) {
  switch ((X86Form)ins->form) {
  case X86_ST:
  case X86_G_STORE:
  case X86_JCC:
  case X86_JUMP:
  case X86_LABEL:
  case X86_LOOP:
  case X86_ENTRY:
  case X86_CALL:
  case X86_RET:
    return true;
  default:
    return false;
  }
}

static bool is_arithmetic(uint32_t family) {
  return family == X86_VADD || family == X86_VMUL || family == X86_VSUB || family == X86_VMIN ||
         family == X86_VDIV || family == X86_VMAX;
}

// Does |ins| read as many bytes of memory as |load|?
static bool reads_alike(const X86Ins *ins, const X86Ins *load) {
  const uint32_t field = 15 << 16;
  if (load->enc == X86_VMOVUPS_LOAD)
    return !(ins->enc & field) && ins->size == load->size;
  const uint32_t format = load->enc == X86_VMOVSS_LOAD ? X86_SS : X86_SD;
  if (ins->form == X86_FMA)
    return (ins->enc & field) == (format & field);
  return (ins->enc & field) == (format & field) && (ins->enc & format) == format &&
         is_arithmetic(ins->enc & ~format);
}

static bool is(X86Op op, X86Reg r) {
  return op.kind == X86_REG && op.id == r;
}

// Where |ins| may read what |load| loads from memory; NULL: nowhere.
static X86Op *place_in(X86Ins *ins, const X86Ins *load) {
  X86Op *const ops[] = {&ins->a, &ins->b, &ins->c};
  if (ins->mask || ins->in_reg || !reads_alike(ins, load))
    return NULL;
  if (ins->form == X86_FMA) {
    X86Op *found = NULL;
    for (int i = 0; i < 3; ++i) {
      if (is(*ops[i], load->d))
        found = ops[i];
      else if (ops[i]->kind != X86_REG)
        return NULL; // one operand in memory
    }
    return found;
  }
  if (ins->form != X86_RVM || ins->c.kind != X86_NONE)
    return NULL;
  if (is(ins->a, load->d) && ins->commutes && ins->b.kind == X86_REG) {
    X86Op swap = ins->a;
    ins->a = ins->b;
    ins->b = swap;
  }
  return is(ins->b, load->d) && ins->a.kind == X86_REG ? &ins->b : NULL;
}

static void count(uint32_t *reads, X86Op op) {
  if (op.kind == X86_REG)
    ++reads[op.id];
}

static uint32_t *count_reads(const X86Fn *f) {
  uint32_t *reads = pj_arena_calloc(f->arena, f->vregs.len, sizeof *reads);
  for (size_t i = 0; i < f->code.len; ++i) {
    const X86Ins *ins = &f->code.data[i];
    count(reads, ins->a);
    count(reads, ins->b);
    count(reads, ins->c);
    count(reads, ins->sel[0]);
    count(reads, ins->sel[1]);
    for (uint32_t n = 0; n < ins->num_call_args; ++n)
      count(reads, ins->call_args[n]);
  }
  return reads;
}

// The instruction that takes the load at |at| in; NULL: none.
static X86Ins *reader(X86Fn *f, size_t at) {
  const X86Ins *load = &f->code.data[at];
  const X86Mem *m = &f->mems.data[load->b.id];
  for (size_t i = at + 1; i < f->code.len && i <= at + FAR; ++i) {
    X86Ins *ins = &f->code.data[i];
    if (stops(ins))
      return NULL;
    X86Op *place = place_in(ins, load);
    if (place) {
      *place = load->b;
      return ins;
    }
    // Another place reads it, or the address changes.
    if (is(ins->a, load->d) || is(ins->b, load->d) || is(ins->c, load->d) ||
        (ins->d && (ins->d == m->base || ins->d == m->index)))
      return NULL;
  }
  return NULL;
}

void pj_x86_fold_loads(X86Fn *f) {
  const uint32_t *reads = count_reads(f);
  X86Rewrite w = {.f = f};
  for (size_t i = 0; i < f->code.len; ++i) {
    const X86Ins *load = &f->code.data[i];
    X86Ins *ins = is_load(load) && reads[load->d] == 1 ? reader(f, i) : NULL;
    if (!ins) {
      pj_x86_push(&w, *load);
      continue;
    }
    X86VReg *d = &f->vregs.data[ins->d];
    if (d->hint == load->d) { // the newest of those that are left
      const X86Op ops[] = {ins->a, ins->b, ins->c};
      d->hint = 0;
      for (int n = 0; n < 3; ++n)
        if (ops[n].kind == X86_REG && ops[n].id > d->hint)
          d->hint = ops[n].id;
    }
  }
  pj_x86_rewritten(&w);
}
