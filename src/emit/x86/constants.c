// Constants of innermost loops into registers, as many as are free.
//
// Lowering leaves constants in memory, where instructions read them. In a loop that is a load per
// use, which for long vectors are as dear as the arithmetic. Here the constants that a loop uses
// most are loaded before it, as long as by an estimate registers remain for them; where a register
// had to be loaded with one, its users take the constant's. So it is for numbers in general
// registers, which what chooses between two needs.
#include <string.h>

#include "emit/x86/loops.h"

// Instructions next to each other, from |first| to |last|, that read the same place of the pool.
typedef struct Run {
  uint32_t place, first, last, uses;
} Run;

typedef struct Constants {
  X86Fn *f;
  size_t num_regs;        // before those made here
  uint32_t *defs;         // by register: instructions that write it
  uint32_t *first, *last; // by register: positions in the loop at hand, from 1; 0: not there
  X86Reg *instead;        // by register: the constant's
  uint32_t *uses;         // by place in the pool, in the loop at hand
  X86Reg *regs;           // by place in the pool, of the loop at hand
  uint32_t *until;        // by place in the pool: the last instruction of the run that its register
                          // is for; 0: the whole loop
  int32_t *alive;         // by instruction of the loop at hand: vectors in use
  PJ_VEC(Run) runs;       // of the loop at hand
  bool *kept;             // by register: part of an address, or of a call
  X86Rewrite w;
} Constants;

// The operands of |ins| that may be a constant in memory as well as in a register with the whole of
// it.
static int replaceable(X86Ins *ins, X86Op *out[3]) {
  int count = 0;
  switch ((X86Form)ins->form) {
  case X86_FMA:
  case X86_TIED:
  case X86_RVMR:
    out[count++] = &ins->c;
    out[count++] = &ins->a;
    out[count++] = &ins->b;
    break;
  case X86_RVM:
  case X86_RM:
    if (!(ins->enc >> 16 & 15)) // it reads a whole vector
      out[count++] = &ins->b;
    break;
  case X86_MOVE:
    out[count++] = &ins->a;
    break;
  default:
    break;
  }
  return count;
}

static void see(Constants *c, X86Reg r, uint32_t at) {
  if (!c->first[r])
    c->first[r] = at;
  c->last[r] = at;
}

// Registers of |cls| that are in use at once in code [begin, end), at most. What comes from
// outside, and what is carried, is in use all the time. |alive|: of every instruction, from 1.
static uint32_t pressure(Constants *c, X86Class cls, uint32_t begin, uint32_t end,
                         int32_t **alive) {
  X86Fn *f = c->f;
  uint32_t length = end - begin, most = 0;
  int32_t now = 0;
  int32_t *change = pj_arena_calloc(f->arena, length + 2, sizeof *change);
  memset(c->first, 0, c->num_regs * sizeof *c->first);
  for (uint32_t i = 0; i < length; ++i) {
    const X86Ins *ins = &f->code.data[begin + i];
    const X86Op *ops[] = {&ins->a, &ins->b, &ins->c, &ins->sel[0], &ins->sel[1]};
    for (size_t n = 0; n < sizeof ops / sizeof *ops; ++n)
      if (ops[n]->kind == X86_REG)
        see(c, ops[n]->id, i + 1);
      else if (ops[n]->kind == X86_MEM) {
        see(c, f->mems.data[ops[n]->id].base, i + 1);
        see(c, f->mems.data[ops[n]->id].index, i + 1);
      }
    if (ins->d)
      see(c, ins->d, i + 1);
  }
  for (X86Reg r = 1; r < c->num_regs; ++r) {
    if (!c->first[r] || f->vregs.data[r].cls != cls || f->vregs.data[r].phys == X86_ON_STACK)
      continue;
    const X86Ins *ins = &f->code.data[begin + c->first[r] - 1];
    bool within = ins->d == r && c->defs[r] == 1;
    ++change[within ? c->first[r] : 0];
    --change[within ? c->last[r] : length + 1];
  }
  for (uint32_t i = 0; i <= length; ++i) {
    now += change[i];
    change[i] = now;
    if (now > (int32_t)most)
      most = (uint32_t)now;
  }
  if (alive)
    *alive = change;
  return most;
}

// The constant that the loop uses most and that is in no register yet; NULL: none.
static uint32_t *most_used(Constants *c) {
  uint32_t *best = NULL;
  for (size_t i = 0; i < c->f->pool.len; ++i)
    if (!c->regs[i] && c->uses[i] && (!best || c->uses[i] > *best))
      best = &c->uses[i];
  return best;
}

static void load_constant(Constants *c, uint32_t place) {
  PJ_PUSH(c->f->arena, &c->f->vregs, ((X86VReg){.cls = X86_VEC, .constant = place + 1}));
  c->regs[place] = (X86Reg)c->f->vregs.len - 1;
  pj_x86_push(&c->w, (X86Ins){.form = X86_MOVE, .d = c->regs[place], .a = {X86_POOL, place, 0}});
}

// Extends the run at hand of a place that instruction |i| reads, or begins one.
static void add_use(Constants *c, uint32_t *open, uint32_t place, uint32_t i, uint32_t straight) {
  enum { NEAR = 4 };
  Run *run = open[place] ? &c->runs.data[open[place] - 1] : NULL;
  if (run && run->first >= straight && i <= run->last + NEAR) {
    run->last = i;
    ++run->uses;
    return;
  }
  PJ_PUSH(c->f->arena, &c->runs, ((Run){place, i, i, 1}));
  open[place] = (uint32_t)c->runs.len;
}

// Runs of what has no register yet, as far as with them no more than |room| are in use.
static void find_runs(Constants *c, uint32_t begin, uint32_t end, int32_t room) {
  X86Fn *f = c->f;
  uint32_t *open = pj_arena_calloc(f->arena, f->pool.len, sizeof *open), straight = begin;
  size_t kept = 0;
  for (uint32_t i = begin; i < end; ++i) {
    X86Ins *ins = &f->code.data[i];
    X86Op *ops[3];
    if (ins->form == X86_LABEL || ins->form == X86_LOOP || ins->form == X86_JCC ||
        ins->form == X86_JUMP)
      straight = i + 1;
    for (int n = replaceable(ins, ops); n-- > 0;)
      if (ops[n]->kind == X86_POOL && !c->regs[ops[n]->id] && !ins->rare)
        add_use(c, open, ops[n]->id, i, straight);
  }
  for (size_t n = 0; n < c->runs.len; ++n) {
    Run run = c->runs.data[n];
    bool fits = run.uses > 1;
    for (uint32_t i = run.first; i <= run.last && fits; ++i)
      fits = c->alive[i - begin + 1] < room;
    if (!fits)
      continue;
    for (uint32_t i = run.first; i <= run.last; ++i)
      ++c->alive[i - begin + 1];
    c->runs.data[kept++] = run;
  }
  c->runs.len = kept;
}

static void load_constants(Constants *c, uint32_t begin, uint32_t end) {
  X86Fn *f = c->f;
  memset(c->uses, 0, f->pool.len * sizeof *c->uses);
  memset(c->regs, 0, f->pool.len * sizeof *c->regs);
  c->runs.len = 0;
  for (uint32_t i = begin; i < end; ++i) {
    X86Op *ops[3];
    for (int n = replaceable(&f->code.data[i], ops); n-- > 0;)
      if (ops[n]->kind == X86_POOL && !f->code.data[i].rare)
        ++c->uses[ops[n]->id];
  }
  if (!most_used(c))
    return;
  // Two remain, for what the estimate does not see.
  uint32_t used = 2 + pressure(c, X86_VEC, begin, end, &c->alive),
           room = f->vector_bytes == 64 ? 32 : 16, kept = used;
  for (uint32_t *uses; used < room && (uses = most_used(c)); ++used) {
    uint32_t place = (uint32_t)(uses - c->uses);
    c->until[place] = 0;
    load_constant(c, place);
  }
  if (f->vector_bytes == 32)
    find_runs(c, begin, end, (int32_t)(room - (used - kept)));
}

// A register that only ever holds a number, wherever in the code [begin, end) it is wanted.
static bool is_number(const Constants *c, const X86Ins *ins) {
  return ins->form == X86_MOVE && ins->a.kind == X86_IMM &&
         c->f->vregs.data[ins->d].cls == X86_GPR && c->defs[ins->d] == 1 && !c->kept[ins->d];
}

// Numbers in general registers that code [begin, end) loads get registers before it, each once.
static void load_numbers(Constants *c, uint32_t begin, uint32_t end) {
  enum { MOST = 4, ROOM = 15, ASIDE = 6 };
  X86Fn *f = c->f;
  int64_t numbers[MOST];
  X86Reg regs[MOST];
  uint32_t count = 0, room = MOST;
  for (uint32_t i = begin; i < end && room; ++i) {
    const X86Ins *ins = &f->code.data[i];
    uint32_t n = 0;
    if (!is_number(c, ins))
      continue;
    if (!count) {
      uint32_t used = ASIDE + pressure(c, X86_GPR, begin, end, NULL);
      room = used >= ROOM ? 0 : ROOM - used < MOST ? ROOM - used : MOST;
    }
    while (n < count && numbers[n] != ins->a.imm)
      ++n;
    if (n >= room)
      continue;
    if (n == count) {
      PJ_PUSH(f->arena, &f->vregs, ((X86VReg){.cls = X86_GPR}));
      regs[count] = (X86Reg)f->vregs.len - 1;
      numbers[count++] = ins->a.imm;
      pj_x86_push(&c->w, (X86Ins){.form = X86_MOVE, .d = regs[n], .a = ins->a});
    }
    c->instead[ins->d] = regs[n];
  }
}

static void replace(const Constants *c, X86Op *op) {
  if (op->kind == X86_REG && op->id < c->num_regs && c->instead[op->id])
    op->id = c->instead[op->id];
}

// The instructions of a loop with its constants in registers.
static void rewrite(Constants *c, uint32_t begin, uint32_t end) {
  X86Fn *f = c->f;
  size_t next = 0;
  for (uint32_t i = begin; i < end; ++i) {
    X86Ins ins = f->code.data[i];
    X86Op *ops[3];
    for (; next < c->runs.len && c->runs.data[next].first == i; ++next) {
      const Run *run = &c->runs.data[next];
      c->until[run->place] = run->last;
      load_constant(c, run->place);
    }
    if (ins.d < c->num_regs && is_number(c, &ins) && c->instead[ins.d])
      continue;
    for (int n = replaceable(&ins, ops); n-- > 0;)
      if (ops[n]->kind == X86_POOL && c->regs[ops[n]->id] && !ins.rare &&
          (!c->until[ops[n]->id] || i <= c->until[ops[n]->id]))
        *ops[n] = pj_x86_reg(c->regs[ops[n]->id]);
    bool copies = ins.form == X86_MOVE && ins.a.kind == X86_REG && ins.a.id >= c->num_regs;
    if (copies && ins.d < c->num_regs && c->defs[ins.d] == 1) {
      c->instead[ins.d] = ins.a.id;
      continue;
    }
    replace(c, &ins.a);
    replace(c, &ins.b);
    replace(c, &ins.c);
    replace(c, &ins.sel[0]);
    replace(c, &ins.sel[1]);
    pj_x86_push(&c->w, ins);
  }
}

void pj_x86_place_constants(X86Fn *f) {
  if (!f->loops.len)
    return;
  Constants *c = PJ_NEW(f->arena, Constants);
  c->f = c->w.f = f;
  c->num_regs = f->vregs.len;
  c->defs = pj_arena_calloc(f->arena, c->num_regs, sizeof *c->defs);
  c->first = pj_arena_calloc(f->arena, c->num_regs, sizeof *c->first);
  c->last = pj_arena_calloc(f->arena, c->num_regs, sizeof *c->last);
  c->instead = pj_arena_calloc(f->arena, c->num_regs, sizeof *c->instead);
  c->uses = pj_arena_calloc(f->arena, f->pool.len, sizeof *c->uses);
  c->regs = pj_arena_calloc(f->arena, f->pool.len, sizeof *c->regs);
  c->until = pj_arena_calloc(f->arena, f->pool.len, sizeof *c->until);
  c->kept = pj_arena_calloc(f->arena, c->num_regs, sizeof *c->kept);
  for (size_t i = 0; i < f->code.len; ++i) {
    const X86Ins *ins = &f->code.data[i];
    ++c->defs[ins->d];
    for (uint32_t n = 0; n < ins->num_call_args; ++n)
      if (ins->call_args[n].kind == X86_REG)
        c->kept[ins->call_args[n].id] = true;
  }
  for (size_t i = 0; i < f->mems.len; ++i)
    c->kept[f->mems.data[i].base] = c->kept[f->mems.data[i].index] = true;
  for (uint32_t i = 0; i < f->code.len;) {
    const X86Ins *ins = &f->code.data[i];
    uint32_t end = ins->form == X86_LOOP && !ins->rare ? pj_x86_innermost_end(f, i) : 0;
    if (end) {
      load_constants(c, i, end + 1);
      load_numbers(c, i, end + 1);
      rewrite(c, i, end + 1);
      i = end + 1;
    } else
      pj_x86_push(&c->w, f->code.data[i++]);
  }
  pj_x86_rewritten(&c->w);
}
