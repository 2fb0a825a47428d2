// Loops and branches of kernel IR, and the values that they carry.
#include "emit/x86/masks.h"

static const PjKirInst *yield_of(const Lower *l, uint32_t block) {
  const PjKirBlock *b = &l->k->blocks.data[block];
  return pj_kir_inst(l->k, b->insts.data[b->insts.len - 1]);
}

// Bytes of a lane of what is carried as a mask: 4, but of bytes in whole registers 1. A scalar i1
// is one register.
static int carried_mask_bytes(const Lower *l, int lanes) {
  return lanes >= l->f->vector_bytes ? 1 : 4;
}

static X86Class class_of(const Lower *l, PjKirType t) {
  return t.elem == PJ_KIR_I1 && t.lanes > 1 ? l->masks->cls : x86_class(t);
}

static Parts parts_to_carry(Lower *l, PjKirVal v) {
  PjKirType t = pj_kir_typeof(l->k, v);
  if (t.elem == PJ_KIR_I1 && t.lanes > 1)
    return x86_mask(l, v, carried_mask_bytes(l, t.lanes));
  if (x86_is_gpr(t))
    return (Parts){.op = {x86_scalar(l, v)}, .n = 1};
  return *x86_parts(l, v);
}

static Parts new_parts(Lower *l, PjKirType t) {
  int bytes = t.elem == PJ_KIR_I1 ? carried_mask_bytes(l, t.lanes) : x86_bytes(t);
  Parts parts = {.n = t.lanes == 1 ? 1 : x86_num_parts(l, t.lanes, bytes)};
  if (parts.n > X86_MAX_PARTS) {
    x86_refuse(l, "a wide mask is carried");
    parts.n = 1;
  }
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = pj_x86_reg(x86_new_reg(l, class_of(l, t)));
  return parts;
}

static void set_carried(Lower *l, PjKirVal v, const Parts *parts) {
  PjKirType t = pj_kir_typeof(l->k, v);
  if (t.elem == PJ_KIR_I1 && t.lanes > 1)
    x86_set_mask(l, v, parts, carried_mask_bytes(l, t.lanes));
  else
    x86_set(l, v, parts);
}

static void move_parts(Lower *l, const Parts *to, const Parts *from) {
  for (int i = 0; i < to->n && i < from->n; ++i)
    x86_move(l, to->op[i].id, from->op[i]);
}

// Carried values of a loop, all parts of all of them in a row.
typedef struct Carried {
  uint32_t count; // values
  Parts *parts;
  X86Reg *regs; // flat
  uint32_t num_regs;
} Carried;

static Carried begin_carried(Lower *l, uint32_t count, const PjKirVal *init, const PjKirVal *args,
                             X86Reg extra) {
  Carried c = {.count = count, .parts = pj_arena_calloc(l->f->arena, count, sizeof(Parts))};
  c.regs = pj_arena_calloc(l->f->arena, (size_t)count * X86_MAX_PARTS + 1, sizeof(X86Reg));
  for (uint32_t i = 0; i < count; ++i) {
    Parts from = parts_to_carry(l, init[i]);
    c.parts[i] = new_parts(l, pj_kir_typeof(l->k, args[i]));
    move_parts(l, &c.parts[i], &from);
    set_carried(l, args[i], &c.parts[i]);
    for (int part = 0; part < c.parts[i].n; ++part)
      c.regs[c.num_regs++] = c.parts[i].op[part].id;
  }
  if (extra)
    c.regs[c.num_regs++] = extra;
  return c;
}

static bool is_carried(const Carried *c, X86Op op, uint32_t below) {
  for (uint32_t i = 0; i < below; ++i)
    if (op.kind == X86_REG && c->regs[i] == op.id)
      return true;
  return false;
}

// All carried values get their next ones at once: one that is read after its register was written
// is copied before.
static void next_carried(Lower *l, Carried *c, const PjKirVal *next) {
  Parts *from = pj_arena_calloc(l->f->arena, c->count, sizeof *from);
  uint32_t flat = 0;
  for (uint32_t i = 0; i < c->count; ++i) {
    from[i] = parts_to_carry(l, next[i]);
    for (int part = 0; part < c->parts[i].n; ++part, ++flat)
      if (is_carried(c, from[i].op[part], flat)) {
        X86Reg copy = x86_new_reg(l, class_of(l, pj_kir_typeof(l->k, next[i])));
        x86_move(l, copy, from[i].op[part]);
        from[i].op[part] = pj_x86_reg(copy);
      }
  }
  for (uint32_t i = 0; i < c->count; ++i)
    for (int part = 0; part < c->parts[i].n; ++part) {
      X86Op to = c->parts[i].op[part], op = from[i].op[part];
      if (op.kind == X86_REG && op.id == to.id)
        continue;
      if (op.kind == X86_REG && !l->f->vregs.data[op.id].hint_is_firm) {
        l->f->vregs.data[op.id].hint = to.id;
        l->f->vregs.data[op.id].hint_is_firm = true;
      }
      x86_move(l, to.id, op);
    }
}

static uint32_t begin_loop(Lower *l, const Carried *c, uint32_t *out_loop) {
  PJ_PUSH(l->f->arena, &l->f->loops, ((X86Loop){.num_carried = c->num_regs, .carried = c->regs}));
  *out_loop = (uint32_t)l->f->loops.len - 1;
  X86Ins *ins = x86_ins(l, X86_LOOP, 0);
  ins->loop = *out_loop;
  ins->label = x86_new_label(l);
  return ins->label;
}

// The instruction at hand, the last one, jumps back.
static void end_loop(Lower *l, uint32_t loop) {
  uint32_t last = (uint32_t)l->f->code.len - 1;
  l->f->code.data[last].loop_end = loop + 1;
  l->f->loops.data[loop].end = last;
}

static void compare_jump(Lower *l, X86Op a, X86Op b, int cc, uint32_t label) {
  a = x86_in_reg(l, X86_GPR, a);
  if (b.kind == X86_IMM && !x86_fits32(b.imm))
    b = x86_in_reg(l, X86_GPR, b);
  X86Ins *ins = x86_ins(l, X86_JCC, 8);
  ins->a = a;
  ins->b = b;
  ins->cc = (uint8_t)cc;
  ins->label = label;
}

static void set_results(Lower *l, PjKirVal control, const Parts *parts) {
  for (PjKirVal v = control + 1; v < l->k->insts.len; ++v) {
    const PjKirInst *inst = pj_kir_inst(l->k, v);
    if (inst->op != PJ_KIR_RESULT || inst->args[0] != control) {
      if (inst->block == pj_kir_inst(l->k, control)->block && inst->op != PJ_KIR_ARG)
        break; // results directly follow, after the instructions within
      continue;
    }
    set_carried(l, v, &parts[inst->imm]);
  }
}

void x86_lower_for(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  const PjKirBlock *body = &l->k->blocks.data[inst->blocks[0]];
  X86Op begin = x86_scalar(l, inst->args[0]), end = x86_scalar(l, inst->args[1]),
        step = x86_scalar(l, inst->args[2]);
  X86Reg index = x86_new_reg(l, X86_GPR);
  Carried c = begin_carried(l, inst->num_args - 3, inst->args + 3, body->args.data + 1, index);
  x86_move(l, index, begin);
  x86_set_one(l, body->args.data[0], pj_x86_reg(index));
  uint32_t after = x86_new_label(l), loop;
  bool runs = begin.kind == X86_IMM && end.kind == X86_IMM && begin.imm < end.imm;
  if (!runs)
    compare_jump(l, pj_x86_reg(index), end, X86_CC_GE, after);
  uint32_t head = begin_loop(l, &c, &loop);
  x86_lower_block(l, inst->blocks[0]);
  next_carried(l, &c, yield_of(l, inst->blocks[0])->args);
  if (step.kind == X86_IMM && !x86_fits32(step.imm))
    step = x86_in_reg(l, X86_GPR, step);
  if (end.kind == X86_IMM && !x86_fits32(end.imm))
    end = x86_in_reg(l, X86_GPR, end);
  X86Ins *add = x86_ins(l, X86_G_ALU, 8);
  add->d = index;
  add->a = pj_x86_reg(index);
  add->b = step;
  compare_jump(l, pj_x86_reg(index), end, X86_CC_L, head);
  end_loop(l, loop);
  x86_label(l, after);
  set_results(l, v, c.parts);
}

// Whether |block|, or one within it, uses what an instruction of |test| makes.
static bool uses_values_of(const Lower *l, uint32_t block, uint32_t test) {
  const PjKirBlock *b = &l->k->blocks.data[block];
  for (uint32_t i = 0; i < b->insts.len; ++i) {
    const PjKirInst *inst = pj_kir_inst(l->k, b->insts.data[i]);
    for (uint32_t a = 0; a < inst->num_args; ++a) {
      const PjKirInst *arg = pj_kir_inst(l->k, inst->args[a]);
      if (arg->block == test && arg->op != PJ_KIR_ARG)
        return true;
    }
    for (int inner = 0; inner < 2; ++inner)
      if (inst->blocks[inner] && uses_values_of(l, inst->blocks[inner], test))
        return true;
  }
  return false;
}

// A short condition that leaves the body nothing stands twice: before the loop, and at its end,
// whose jump then is the only one of a turn.
static bool stands_twice(const Lower *l, const PjKirInst *loop) {
  enum { SHORT = 6 };
  const PjKirBlock *test = &l->k->blocks.data[loop->blocks[0]];
  for (uint32_t i = 0; i < test->insts.len; ++i) {
    const PjKirInst *inst = pj_kir_inst(l->k, test->insts.data[i]);
    if (inst->blocks[0] || inst->op == PJ_KIR_CALL)
      return false;
  }
  return test->insts.len <= SHORT && !uses_values_of(l, loop->blocks[1], loop->blocks[0]);
}

void x86_lower_while(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  const PjKirBlock *test = &l->k->blocks.data[inst->blocks[0]];
  const PjKirVal condition = yield_of(l, inst->blocks[0])->args[0];
  const bool twice = stands_twice(l, inst);
  Carried c = begin_carried(l, inst->num_args, inst->args, test->args.data, 0);
  uint32_t after = x86_new_label(l), loop, head = 0;
  if (!twice)
    head = begin_loop(l, &c, &loop);
  x86_lower_block(l, inst->blocks[0]);
  x86_branch(l, condition, false, after);
  if (twice)
    head = begin_loop(l, &c, &loop);
  x86_lower_block(l, inst->blocks[1]);
  next_carried(l, &c, yield_of(l, inst->blocks[1])->args);
  if (twice) {
    x86_lower_block(l, inst->blocks[0]);
    x86_branch(l, condition, true, head);
  } else {
    x86_ins(l, X86_JUMP, 0)->label = head;
  }
  end_loop(l, loop);
  x86_label(l, after);
  set_results(l, v, c.parts);
}

// The part that is not rare comes first.
void x86_lower_if(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  const int first = inst->imm == 1;
  const uint32_t then = inst->blocks[first], other = inst->blocks[!first];
  const PjKirInst *values = yield_of(l, then), *others = yield_of(l, other);
  uint32_t otherwise = x86_new_label(l), after = x86_new_label(l);
  x86_branch(l, inst->args[0], first, otherwise);
  x86_lower_block(l, then);
  Parts *joined = pj_arena_calloc(l->f->arena, values->num_args, sizeof *joined);
  for (uint32_t i = 0; i < values->num_args; ++i) {
    Parts from = parts_to_carry(l, values->args[i]);
    joined[i] = new_parts(l, pj_kir_typeof(l->k, values->args[i]));
    for (int part = 0; inst->imm && part < joined[i].n; ++part)
      if (from.op[part].kind == X86_REG)
        l->f->vregs.data[joined[i].op[part].id].hint = from.op[part].id;
    move_parts(l, &joined[i], &from);
  }
  bool empty = l->k->blocks.data[other].insts.len == 1 && !others->num_args;
  if (!empty)
    x86_ins(l, X86_JUMP, 0)->label = after;
  const size_t begin = l->f->code.len;
  x86_label(l, otherwise);
  x86_lower_block(l, other);
  for (uint32_t i = 0; i < others->num_args; ++i) {
    Parts from = parts_to_carry(l, others->args[i]);
    move_parts(l, &joined[i], &from);
  }
  for (size_t i = begin; i < l->f->code.len; ++i)
    l->f->code.data[i].rare |= inst->imm != 0;
  x86_label(l, after);
  set_results(l, v, joined);
}
