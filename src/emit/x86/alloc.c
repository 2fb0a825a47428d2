// Registers for virtual registers.
//
// Liveness: one walk backwards over the instructions, with the set of live registers kept per label
// for the jumps that lie before it. At the head of a loop everything alive that the loop does not
// carry was made before it, so it lives through the whole loop.
//
// Places: registers are taken in the order in which they come to life. Each gets the first machine
// register that is free over all its ranges (a hint first: the register of an operand that dies, of
// the carried value that it becomes). If there is none, the cheapest to have on the stack goes
// there, for its whole life: the one at hand, or all that stand in its way in some register. Costs
// are accesses, ten times as many per level of loops, over the length of life. Then two registers
// of each class are set aside for operands on the stack, and everything is done again.
#include <math.h>
#include <string.h>

#include "emit/x86/mir.h"

enum { MAX_PHYS = 32, RAX = 0, RDX = 2, RSP = 4 };
#define RARELY 0.01F // counts what is read and written by code that runs rarely

// Order of preference: registers that need not be saved first.
static const uint8_t gpr_order[] = {1, 6, 7, 8, 9, 10, 11, 0, 2, 3, 12, 13, 14, 15, 5};

static int num_phys(const X86Fn *f, X86Class cls) {
  return cls == X86_GPR ? 16 : cls == X86_MASK ? 8 : f->vector_bytes == 64 ? 32 : 16;
}

// What is asked again and again of a register, once its ranges are known.
typedef struct Life {
  uint32_t first, last; // points
  bool whole;           // one range: it lives between them throughout
  float cost;           // of having it on the stack, per length of life
} Life;

typedef struct Alloc {
  X86Fn *f;
  Life *lives;     // by register
  uint32_t *open;  // by register: end of the range that is open, 0: not alive
  uint64_t **live; // by label: the registers alive there
  size_t words;
  uint32_t depth;
  PJ_VEC(X86Reg) at[X86_NUM_CLASSES][MAX_PHYS]; // registers that hold the machine register
  bool allowed[X86_NUM_CLASSES][MAX_PHYS];
} Alloc;

// ---- liveness

// Ranges come in falling order; they are kept so, the last one first in time.
static void add_range(Alloc *a, X86Reg r, uint32_t begin, uint32_t end) {
  X86VReg *v = &a->f->vregs.data[r];
  while (v->ranges.len) {
    X86Range *last = &v->ranges.data[v->ranges.len - 1];
    if (last->begin > end)
      break;
    if (last->end > end)
      end = last->end;
    if (last->begin < begin)
      begin = last->begin;
    --v->ranges.len;
  }
  PJ_PUSH(a->f->arena, &v->ranges, ((X86Range){begin, end}));
}

static void read_reg(Alloc *a, X86Reg r, uint32_t i, float weight) {
  if (!r)
    return;
  if (!a->open[r])
    a->open[r] = 2 * i + 1;
  a->f->vregs.data[r].weight += weight;
}

static void read_op(Alloc *a, X86Op op, uint32_t i, float weight) {
  if (op.kind == X86_REG)
    read_reg(a, op.id, i, weight);
  if (op.kind == X86_MEM) {
    const X86Mem *m = &a->f->mems.data[op.id];
    read_reg(a, m->base, i, weight);
    read_reg(a, m->index, i, weight);
  }
}

static void write_reg(Alloc *a, X86Reg r, uint32_t i, float weight) {
  X86VReg *v = &a->f->vregs.data[r];
  uint32_t begin = v->early ? 2 * i : 2 * i + 1;
  add_range(a, r, begin, a->open[r] ? a->open[r] : 2 * i + 2);
  a->open[r] = 0;
  v->weight += weight;
}

static bool is_live_at(const Alloc *a, uint32_t label, X86Reg r) {
  const uint64_t *set = a->live[label];
  return set && set[r / 64] >> (r % 64) & 1;
}

static void remember_label(Alloc *a, uint32_t label) {
  uint64_t *set = pj_arena_calloc(a->f->arena, a->words, sizeof *set);
  for (X86Reg r = 1; r < a->f->vregs.len; ++r)
    if (a->open[r])
      set[r / 64] |= 1ull << (r % 64);
  a->live[label] = set;
}

static void visit_jump(Alloc *a, const X86Ins *ins, uint32_t i) {
  for (X86Reg r = 1; r < a->f->vregs.len; ++r) {
    bool there = is_live_at(a, ins->label, r);
    if (ins->form == X86_JUMP && a->open[r] && !there) { // alive after it, but not by way of it
      add_range(a, r, 2 * i + 2, a->open[r]);
      a->open[r] = 0;
    }
    if (there && !a->open[r])
      a->open[r] = 2 * i + 2;
  }
}

static void visit_ins(Alloc *a, uint32_t i, float weight) {
  const X86Ins *ins = &a->f->code.data[i];
  if (ins->d)
    write_reg(a, ins->d, i, weight);
  read_op(a, ins->a, i, weight);
  read_op(a, ins->b, i, weight);
  // It is in the result's register before the others are read, which may be its own.
  if (ins->form == X86_TIED && ins->c.kind == X86_REG && !a->open[ins->c.id])
    a->open[ins->c.id] = 2 * i;
  read_op(a, ins->c, i, weight);
  read_reg(a, ins->mask, i, weight);
  read_op(a, ins->sel[0], i, weight);
  read_op(a, ins->sel[1], i, weight);
  for (uint32_t n = 0; n < ins->num_call_args; ++n)
    read_op(a, ins->call_args[n], i, weight);
}

// Ends of loops open them, from behind. A loop's end is its jump back, where what it carries is
// alive.
static void find_ranges(Alloc *a) {
  X86Fn *f = a->f;
  float weight = 1;
  for (uint32_t i = (uint32_t)f->code.len; i-- > 0;) {
    const X86Ins *ins = &f->code.data[i];
    if (ins->loop_end) {
      weight *= 10;
      const X86Loop *loop = &f->loops.data[ins->loop_end - 1];
      uint64_t *set = pj_arena_calloc(f->arena, a->words, sizeof *set);
      for (uint32_t n = 0; n < loop->num_carried; ++n)
        set[loop->carried[n] / 64] |= 1ull << (loop->carried[n] % 64);
      a->live[ins->label] = set;
    }
    if (ins->form == X86_LABEL)
      remember_label(a, ins->label);
    if (ins->form == X86_JUMP || ins->form == X86_JCC)
      visit_jump(a, ins, i);
    visit_ins(a, i, ins->rare ? weight * RARELY : weight);
    if (ins->form == X86_LOOP) {
      const X86Loop *loop = &f->loops.data[ins->loop];
      for (X86Reg r = 1; r < f->vregs.len; ++r)
        if (a->open[r]) {
          bool carried = false;
          for (uint32_t n = 0; n < loop->num_carried && !carried; ++n)
            carried = loop->carried[n] == r;
          if (!carried) {
            add_range(a, r, 2 * i, 2 * loop->end + 2);
            a->open[r] = a->open[r] > 2 * loop->end + 2 ? a->open[r] : 2 * loop->end + 2;
          }
        }
      weight /= 10;
    }
  }
  for (X86Reg r = 1; r < f->vregs.len; ++r)
    if (a->open[r]) // read before it is written: an error of ours, harmless here
      add_range(a, r, 0, a->open[r]);
}

// ---- places

static bool overlap(const X86VReg *x, const X86VReg *y) {
  size_t i = x->ranges.len, j = y->ranges.len; // both fall, so from the end in rising order
  while (i && j) {
    const X86Range *p = &x->ranges.data[i - 1], *q = &y->ranges.data[j - 1];
    if (p->begin < q->end && q->begin < p->end)
      return true;
    if (p->end <= q->end)
      --i;
    else
      --j;
  }
  return false;
}

static uint32_t first_point(const X86VReg *v) {
  return v->ranges.data[v->ranges.len - 1].begin;
}

// Cost of having the register on the stack, per length of life.
static float cost_of_stack(const X86VReg *v) {
  float length = 4;
  for (size_t i = 0; i < v->ranges.len; ++i)
    length += (float)(v->ranges.data[i].end - v->ranges.data[i].begin);
  return v->weight / length;
}

static void note_life(Alloc *a, X86Reg r) {
  const X86VReg *v = &a->f->vregs.data[r];
  if (v->ranges.len)
    a->lives[r] =
        (Life){first_point(v), v->ranges.data[0].end, v->ranges.len == 1, cost_of_stack(v)};
}

static bool meet(const Alloc *a, X86Reg x, X86Reg y) {
  const Life *p = &a->lives[x], *q = &a->lives[y];
  if (p->last <= q->first || q->last <= p->first)
    return false;
  return (p->whole && q->whole) || overlap(&a->f->vregs.data[x], &a->f->vregs.data[y]);
}

// What it costs to empty machine register |phys| of class |cls| for |r|; those in the way stay
// there. Negative: it is free.
static float cost_of_place(Alloc *a, X86Reg r, int cls, int phys) {
  float sum = -1;
  for (size_t i = 0; i < a->at[cls][phys].len;) {
    X86Reg other = a->at[cls][phys].data[i];
    const Life *o = &a->lives[other];
    if (o->last <= a->lives[r].first) { // it is over for all that come
      a->at[cls][phys].data[i] = a->at[cls][phys].data[--a->at[cls][phys].len];
      continue;
    }
    if (meet(a, r, other))
      sum = (sum < 0 ? 0 : sum) + o->cost;
    ++i;
  }
  return sum;
}

static void put_on_stack(Alloc *a, X86VReg *v) {
  v->phys = X86_ON_STACK;
  v->slot = a->f->num_slots[v->cls]++;
  a->f->spills = true;
}

static void take_place(Alloc *a, X86Reg r, int phys) {
  X86VReg *v = &a->f->vregs.data[r];
  v->phys = (uint8_t)phys;
  PJ_PUSH(a->f->arena, &a->at[v->cls][phys], r);
}

static void evict(Alloc *a, X86Reg r, int cls, int phys) {
  for (size_t i = 0; i < a->at[cls][phys].len;) {
    X86Reg other = a->at[cls][phys].data[i];
    if (meet(a, r, other)) {
      put_on_stack(a, &a->f->vregs.data[other]);
      a->at[cls][phys].data[i] = a->at[cls][phys].data[--a->at[cls][phys].len];
    } else
      ++i;
  }
}

static int place_wanted(const Alloc *a, const X86VReg *v) {
  if (v->fixed_hint)
    return v->fixed_hint - 1;
  X86Reg hint = v->hint;
  if (hint && x86_in_register(&a->f->vregs.data[hint]) && a->f->vregs.data[hint].cls == v->cls)
    return a->f->vregs.data[hint].phys;
  return -1;
}

static void place(Alloc *a, X86Reg r) {
  X86VReg *v = &a->f->vregs.data[r];
  int wanted = place_wanted(a, v), best = -1;
  if (wanted >= 0 && a->allowed[v->cls][wanted] && cost_of_place(a, r, v->cls, wanted) < 0) {
    take_place(a, r, wanted);
    return;
  }
  float least = 0;
  int count = v->cls == X86_GPR ? (int)sizeof gpr_order : num_phys(a->f, (X86Class)v->cls);
  for (int n = 0; n < count; ++n) {
    int phys = v->cls == X86_GPR ? gpr_order[n] : n;
    if (!a->allowed[v->cls][phys])
      continue;
    float sum = cost_of_place(a, r, v->cls, phys);
    if (sum < 0) {
      take_place(a, r, phys);
      return;
    }
    if (best < 0 || sum < least) {
      best = phys;
      least = sum;
    }
  }
  if (best >= 0 && least < a->lives[r].cost) {
    evict(a, r, v->cls, best);
    take_place(a, r, best);
  } else
    put_on_stack(a, v);
}

typedef struct Start {
  uint32_t point;
  X86Reg reg;
} Start;

static void sort_starts(PjArena *arena, Start *starts, size_t count) {
  Start *from = starts, *to = pj_arena_calloc(arena, count, sizeof *to);
  for (size_t width = 1; width < count; width *= 2) {
    for (size_t begin = 0; begin < count; begin += 2 * width) {
      size_t middle = begin + width < count ? begin + width : count;
      size_t end = begin + 2 * width < count ? begin + 2 * width : count;
      size_t i = begin, j = middle;
      for (size_t out = begin; out < end; ++out)
        to[out] =
            i < middle && (j >= end || from[i].point <= from[j].point) ? from[i++] : from[j++];
    }
    Start *swap = from;
    from = to;
    to = swap;
  }
  if (from != starts)
    memcpy(starts, from, count * sizeof *starts);
}

// rax and rdx belong to divisions and long products while they read their operands: a register of
// their own lives there, whose place nobody gets.
static void keep_for_divisions(Alloc *a) {
  X86Fn *f = a->f;
  if (!f->divides) {
    PJ_PUSH(f->arena, &f->vregs, ((X86VReg){.cls = X86_GPR, .phys = X86_NOWHERE}));
    f->divides = (X86Reg)f->vregs.len - 1;
  }
  X86VReg *v = &f->vregs.data[f->divides];
  v->weight = INFINITY;
  v->ranges.len = 0;
  for (uint32_t i = (uint32_t)f->code.len; i-- > 0;)
    if (f->code.data[i].form == X86_G_DIV || f->code.data[i].form == X86_G_MULH)
      add_range(a, f->divides, 2 * i, 2 * i + 1);
}

static void place_all(Alloc *a, const Start *starts, size_t count, bool with_stack) {
  X86Fn *f = a->f;
  memset(f->num_slots, 0, sizeof f->num_slots);
  f->spills = false;
  for (int cls = 0; cls < X86_NUM_CLASSES; ++cls)
    for (int phys = 0; phys < num_phys(f, (X86Class)cls); ++phys) {
      a->at[cls][phys].len = 0;
      a->allowed[cls][phys] = true;
    }
  a->allowed[X86_MASK][0] = false; // as a mask it means all lanes
  a->allowed[X86_GPR][RSP] = false;
  if (f->uses_rax_rdx) {
    PJ_PUSH(f->arena, &a->at[X86_GPR][RAX], f->divides);
    PJ_PUSH(f->arena, &a->at[X86_GPR][RDX], f->divides);
  }
  if (with_stack) {
    a->allowed[X86_GPR][X86_SCRATCH_GPR] = a->allowed[X86_GPR][X86_SCRATCH_GPR + 1] = false;
    a->allowed[X86_VEC][X86_SCRATCH_VEC] = a->allowed[X86_VEC][X86_SCRATCH_VEC + 1] = false;
    a->allowed[X86_MASK][X86_SCRATCH_MASK] = a->allowed[X86_MASK][X86_SCRATCH_MASK + 1] = false;
  }
  for (size_t i = 0; i < count; ++i)
    place(a, starts[i].reg);
}

void pj_x86_allocate(X86Fn *f) {
  Alloc *a = PJ_NEW(f->arena, Alloc);
  a->f = f;
  a->words = f->vregs.len / 64 + 1;
  a->open = pj_arena_calloc(f->arena, f->vregs.len, sizeof *a->open);
  a->live = pj_arena_calloc(f->arena, f->num_labels + 1, sizeof *a->live);
  find_ranges(a);
  if (f->uses_rax_rdx)
    keep_for_divisions(a);
  Start *starts = pj_arena_calloc(f->arena, f->vregs.len, sizeof *starts);
  a->lives = pj_arena_calloc(f->arena, f->vregs.len, sizeof *a->lives);
  size_t count = 0;
  for (X86Reg r = 1; r < f->vregs.len; ++r) {
    note_life(a, r);
    f->vregs.data[r].phys = X86_NOWHERE;
    if (f->vregs.data[r].ranges.len && r != f->divides)
      starts[count++] = (Start){first_point(&f->vregs.data[r]), r};
  }
  sort_starts(f->arena, starts, count);
  place_all(a, starts, count, false);
  if (f->spills)
    place_all(a, starts, count, true);
}
