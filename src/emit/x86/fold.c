// Loads as operands of the instruction that reads them.
//
// What is loaded for one instruction needs no register and no instruction of its own, if the reader
// reads as many bytes of memory as were loaded, and nothing between the two may write there, jumps,
// or changes the address. What the processor keeps in flight is counted in instructions, so
// products whose sums wait for each other then overlap further. Constants have got their registers
// before: an instruction has room for one operand in memory, and a constant's is read again and
// again.
#include "emit/x86/loops.h"

typedef struct Fold {
  X86Fn *f;
  uint32_t *defs, *uses; // by register
  uint32_t *load;        // by register: the instruction that loads it, plus 1
  uint32_t *written;     // by register: the last instruction that wrote it, plus 1
  uint32_t straight;     // where the straight line at hand begins
  uint32_t store;        // behind the last store in it
  uint32_t folded;
} Fold;

static void use_op(Fold *s, const X86Op *op) {
  if (op->kind == X86_REG)
    ++s->uses[op->id];
  else if (op->kind == X86_MEM) {
    ++s->uses[s->f->mems.data[op->id].base];
    ++s->uses[s->f->mems.data[op->id].index];
  }
}

static void count(Fold *s) {
  for (size_t i = 0; i < s->f->code.len; ++i) {
    const X86Ins *ins = &s->f->code.data[i];
    ++s->defs[ins->d];
    ++s->uses[ins->mask];
    use_op(s, &ins->a);
    use_op(s, &ins->b);
    use_op(s, &ins->c);
    use_op(s, &ins->sel[0]);
    use_op(s, &ins->sel[1]);
    for (uint32_t n = 0; n < ins->num_call_args; ++n)
      use_op(s, &ins->call_args[n]);
  }
}

static bool is_load(const Fold *s, const X86Ins *ins) {
  if (ins->form != X86_RM || ins->b.kind != X86_MEM || ins->mask || ins->has_imm)
    return false;
  if (s->f->vregs.data[ins->d].cls != X86_VEC || s->defs[ins->d] != 1 || s->uses[ins->d] != 1)
    return false;
  return ins->enc == X86_VMOVUPS_LOAD || ins->enc == X86_VMOVSS_LOAD ||
         ins->enc == X86_VMOVSD_LOAD || ins->enc == X86_VMOVQ_LOAD || ins->enc == X86_VMOVD;
}

// The load that made |op|, if its bytes can still be read now, and are as many as |ins| reads.
static X86Ins *load_of(const Fold *s, const X86Ins *ins, uint32_t enc, const X86Op *op) {
  uint32_t at = op->kind == X86_REG ? s->load[op->id] : 0;
  if (at <= s->straight)
    return NULL;
  X86Ins *load = &s->f->code.data[at - 1];
  const X86Mem *m = &s->f->mems.data[load->b.id];
  if ((at <= s->store && !m->unwritten) || s->written[m->base] > at || s->written[m->index] > at)
    return NULL;
  return x86_log2_of_memory(enc, ins->size) == x86_log2_of_memory(load->enc, load->size) ? load
                                                                                         : NULL;
}

// Instructions that are no more have no reader either: their result is register 0.
static bool take(Fold *s, const X86Ins *ins, uint32_t enc, X86Op *op) {
  X86Ins *load = load_of(s, ins, enc, op);
  if (!load)
    return false;
  *op = load->b;
  X86VReg *d = &s->f->vregs.data[ins->d];
  if (d->hint == load->d) { // the newest of those that are left
    const X86Op *ops[] = {&ins->a, &ins->b, &ins->c};
    d->hint = 0;
    for (int n = 0; n < 3; ++n)
      if (ops[n]->kind == X86_REG && ops[n]->id > d->hint &&
          s->f->vregs.data[ops[n]->id].cls == d->cls)
        d->hint = ops[n]->id;
  }
  load->d = 0;
  ++s->folded;
  return true;
}

static void fold_into(Fold *s, X86Ins *ins) {
  switch ((X86Form)ins->form) {
  case X86_RVM:
    if (ins->in_reg || (ins->enc == X86_VINSERTPS && ins->imm >> 6)) // from which lane
      return;
    if (!take(s, ins, ins->enc, &ins->b) && ins->commutes && ins->b.kind == X86_REG &&
        take(s, ins, ins->enc, &ins->a)) {
      X86Op swap = ins->a;
      ins->a = ins->b;
      ins->b = swap;
    }
    return;
  case X86_RM:
    if (!ins->in_reg)
      take(s, ins, ins->enc, &ins->b);
    return;
  case X86_TIED:
  case X86_RVMR:
    take(s, ins, ins->enc, &ins->b);
    return;
  case X86_FMA:
    if (ins->a.kind == X86_REG && ins->b.kind == X86_REG && ins->c.kind == X86_REG &&
        !take(s, ins, ins->enc, &ins->c) && !take(s, ins, ins->enc, &ins->b))
      take(s, ins, ins->enc, &ins->a);
    return;
  case X86_JCC:
  case X86_G_SETCC:
  case X86_G_CSEL:
    if (ins->compare == X86_CMP_F32 || ins->compare == X86_CMP_F64)
      take(s, ins, ins->compare == X86_CMP_F32 ? X86_VUCOMISS : X86_VUCOMISD, &ins->b);
    return;
  default:
    return;
  }
}

static void close_gaps(X86Fn *f) {
  uint32_t to = 0;
  for (uint32_t i = 0; i < f->code.len; ++i) {
    const X86Ins *ins = &f->code.data[i];
    if (ins->form == X86_RM && !ins->d)
      continue;
    if (ins->loop_end)
      f->loops.data[ins->loop_end - 1].end = to;
    f->code.data[to++] = *ins;
  }
  f->code.len = to;
}

void pj_x86_fold_loads(X86Fn *f) {
  Fold *s = PJ_NEW(f->arena, Fold);
  s->f = f;
  s->defs = pj_arena_calloc(f->arena, f->vregs.len, sizeof *s->defs);
  s->uses = pj_arena_calloc(f->arena, f->vregs.len, sizeof *s->uses);
  s->load = pj_arena_calloc(f->arena, f->vregs.len, sizeof *s->load);
  s->written = pj_arena_calloc(f->arena, f->vregs.len, sizeof *s->written);
  count(s);
  for (uint32_t i = 0; i < f->code.len; ++i) {
    X86Ins *ins = &f->code.data[i];
    fold_into(s, ins);
    if (ins->form == X86_LABEL || ins->form == X86_LOOP)
      s->straight = i + 1;
    if (ins->form == X86_ST || ins->form == X86_G_STORE || ins->form == X86_CALL)
      s->store = i + 1;
    if (ins->d)
      s->written[ins->d] = i + 1;
    if (is_load(s, ins))
      s->load[ins->d] = i + 1;
  }
  if (s->folded)
    close_gaps(f);
}
