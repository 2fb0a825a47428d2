// Kernel IR to instructions over virtual registers: values, control, calls.
#include "emit/x86/lower.h"

// ---- making instructions

void x86_refuse(Lower *l, const char *why) {
  if (!l->f->refused)
    l->f->refused = why;
}

X86Reg x86_new_reg(Lower *l, X86Class cls) {
  PJ_PUSH(l->f->arena, &l->f->vregs, ((X86VReg){.cls = (uint8_t)cls}));
  return (X86Reg)l->f->vregs.len - 1;
}

X86Ins *x86_ins(Lower *l, X86Form form, int size) {
  PJ_PUSH(l->f->arena, &l->f->code, ((X86Ins){.form = (uint8_t)form, .size = (uint8_t)size}));
  return &l->f->code.data[l->f->code.len - 1];
}

uint32_t x86_new_label(Lower *l) {
  return l->f->num_labels++;
}

void x86_label(Lower *l, uint32_t label) {
  x86_ins(l, X86_LABEL, 0)->label = label;
}

// The register of an operand that dies makes a good place for the result.
static X86Reg result(Lower *l, X86Class cls, X86Op like) {
  X86Reg d = x86_new_reg(l, cls);
  if (like.kind == X86_REG && l->f->vregs.data[like.id].cls == cls)
    l->f->vregs.data[d].hint = like.id;
  return d;
}

static bool all_zero(const X86PoolEntry *entry) {
  static const X86PoolEntry zero;
  return !memcmp(entry, &zero, sizeof zero);
}

void x86_move(Lower *l, X86Reg d, X86Op a) {
  X86Ins *ins = x86_ins(l, X86_MOVE, 0);
  ins->d = d;
  ins->a = a;
}

X86Op x86_in_reg(Lower *l, X86Class cls, X86Op op) {
  if (op.kind == X86_REG)
    return op;
  X86Reg d = x86_new_reg(l, cls);
  if (op.kind == X86_POOL && all_zero(&l->f->pool.data[op.id]))
    x86_ins(l, X86_ZERO, 16)->d = d;
  else
    x86_move(l, d, op);
  return pj_x86_reg(d);
}

static X86Op three(Lower *l, uint32_t enc, int size, X86Op a, X86Op b, bool commutes, int imm) {
  if (commutes && a.kind != X86_REG) {
    X86Op swap = a;
    a = b;
    b = swap;
  }
  a = x86_in_reg(l, X86_VEC, a);
  X86Reg d = result(l, X86_VEC, a);
  X86Ins *ins = x86_ins(l, X86_RVM, size);
  *ins = (X86Ins){.form = X86_RVM,
                  .size = (uint8_t)size,
                  .enc = enc,
                  .d = d,
                  .a = a,
                  .b = b,
                  .commutes = commutes,
                  .has_imm = imm >= 0,
                  .imm = imm};
  return pj_x86_reg(d);
}

X86Op x86_rvm(Lower *l, uint32_t enc, int size, X86Op a, X86Op b) {
  return three(l, enc, size, a, b, false, -1);
}

X86Op x86_rvm_commuting(Lower *l, uint32_t enc, int size, X86Op a, X86Op b) {
  return three(l, enc, size, a, b, true, -1);
}

X86Op x86_rvmi(Lower *l, uint32_t enc, int size, X86Op a, X86Op b, int imm) {
  return three(l, enc, size, a, b, false, imm);
}

X86Op x86_rm(Lower *l, X86Class cls, uint32_t enc, int size, X86Op b) {
  X86Reg d = result(l, cls, b);
  X86Ins *ins = x86_ins(l, X86_RM, size);
  ins->enc = enc;
  ins->d = d;
  ins->b = b;
  return pj_x86_reg(d);
}

X86Op x86_rmi(Lower *l, uint32_t enc, int size, X86Op b, int imm) {
  X86Op d = x86_rm(l, X86_VEC, enc, size, b);
  X86Ins *ins = &l->f->code.data[l->f->code.len - 1];
  ins->has_imm = true;
  ins->imm = imm;
  return d;
}

X86Op x86_mr(Lower *l, X86Class cls, uint32_t enc, int size, X86Op a, int imm) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Reg d = x86_new_reg(l, cls);
  X86Ins *ins = x86_ins(l, X86_MR, size);
  ins->enc = enc;
  ins->d = d;
  ins->a = a;
  ins->has_imm = imm >= 0;
  ins->imm = imm;
  return pj_x86_reg(d);
}

X86Op x86_vmi(Lower *l, uint32_t enc, int ext, int size, X86Op a, int imm) {
  a = x86_in_reg(l, X86_VEC, a);
  X86Reg d = result(l, X86_VEC, a);
  X86Ins *ins = x86_ins(l, X86_VMI, size);
  ins->enc = enc;
  ins->ext = (uint8_t)ext;
  ins->d = d;
  ins->a = a;
  ins->imm = imm;
  return pj_x86_reg(d);
}

X86Op x86_blend(Lower *l, uint32_t enc, int size, X86Op no, X86Op yes, X86Op mask) {
  no = x86_in_reg(l, X86_VEC, no);
  mask = x86_in_reg(l, X86_VEC, mask);
  X86Reg d = result(l, X86_VEC, no);
  X86Ins *ins = x86_ins(l, X86_RVMR, size);
  ins->enc = enc;
  ins->d = d;
  ins->a = no;
  ins->b = yes;
  ins->c = mask;
  return pj_x86_reg(d);
}

static bool fits32(int64_t value) {
  return value == (int32_t)value;
}

X86Op x86_alu(Lower *l, int ext, int size, X86Op a, X86Op b) {
  if (a.kind == X86_IMM && ext != 5) {
    X86Op swap = a;
    a = b;
    b = swap;
  }
  a = x86_in_reg(l, X86_GPR, a);
  if (b.kind == X86_IMM && !fits32(b.imm))
    b = x86_in_reg(l, X86_GPR, b);
  X86Reg d = result(l, X86_GPR, a);
  X86Ins *ins = x86_ins(l, X86_G_ALU, size);
  ins->ext = (uint8_t)ext;
  ins->d = d;
  ins->a = a;
  ins->b = b;
  return pj_x86_reg(d);
}

X86Op x86_shift(Lower *l, int ext, int size, X86Op a, int imm) {
  a = x86_in_reg(l, X86_GPR, a);
  X86Reg d = result(l, X86_GPR, a);
  X86Ins *ins = x86_ins(l, X86_G_SHIFT, size);
  ins->ext = (uint8_t)ext;
  ins->d = d;
  ins->a = a;
  ins->imm = imm;
  return pj_x86_reg(d);
}

X86Op x86_gpr_rm(Lower *l, uint32_t enc, int size, X86Op b) {
  if (b.kind == X86_IMM)
    b = x86_in_reg(l, X86_GPR, b);
  X86Reg d = x86_new_reg(l, X86_GPR);
  X86Ins *ins = x86_ins(l, X86_G_RM, size);
  ins->enc = enc;
  ins->d = d;
  ins->b = b;
  return pj_x86_reg(d);
}

// ---- constants

X86Op x86_pool(Lower *l, const void *bytes) {
  for (size_t i = l->f->pool.len; i-- > 0;)
    if (!memcmp(l->f->pool.data[i].bytes, bytes, 32))
      return (X86Op){X86_POOL, (uint32_t)i, 0};
  X86PoolEntry entry;
  memcpy(entry.bytes, bytes, 32);
  PJ_PUSH(l->f->arena, &l->f->pool, entry);
  return (X86Op){X86_POOL, (uint32_t)l->f->pool.len - 1, 0};
}

X86Op x86_splat_const(Lower *l, int bytes, uint64_t bits) {
  uint8_t all[32];
  for (int i = 0; i < 32; i += bytes)
    memcpy(all + i, &bits, (size_t)bytes);
  return x86_pool(l, all);
}

X86Op x86_zero(Lower *l) {
  return x86_splat_const(l, 8, 0);
}

X86Op x86_memory(Lower *l, X86Mem mem) {
  PJ_PUSH(l->f->arena, &l->f->mems, mem);
  return (X86Op){X86_MEM, (uint32_t)l->f->mems.len - 1, 0};
}

// ---- values

void x86_set(Lower *l, PjKirVal v, const Parts *parts) {
  l->values[v].parts = pj_arena_memdup(l->f->arena, parts, sizeof *parts);
}

void x86_set_one(Lower *l, PjKirVal v, X86Op op) {
  Parts parts = {.op = {op}, .n = 1};
  x86_set(l, v, &parts);
}

void x86_set_mask(Lower *l, PjKirVal v, const Parts *parts, int bytes) {
  x86_set(l, v, parts);
  l->values[v].mask = (uint8_t)bytes;
}

static int64_t sign_extended(PjKirElem elem, uint64_t bits) {
  if (elem == PJ_KIR_I1)
    return (int64_t)(bits & 1);
  int unused = 64 - 8 * pj_kir_elem_bytes(elem);
  return elem == PJ_KIR_PTR ? (int64_t)bits : (int64_t)(bits << unused) >> unused;
}

// Constants are made where they are used: they are operands.
static void make_const(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (x86_is_gpr(inst->type)) {
    x86_set_one(l, v, pj_x86_imm(sign_extended((PjKirElem)inst->type.elem, inst->imm)));
    return;
  }
  int bytes = x86_bytes(inst->type);
  if (inst->type.elem == PJ_KIR_I1) {
    Parts parts = {.n = x86_num_parts(inst->type.lanes, 1)};
    for (int i = 0; i < parts.n; ++i)
      parts.op[i] = x86_splat_const(l, 8, inst->imm & 1 ? ~0ull : 0);
    x86_set_mask(l, v, &parts, 1);
    return;
  }
  Parts parts = {.n = x86_num_parts(inst->type.lanes, bytes)};
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = x86_splat_const(l, bytes, inst->imm);
  x86_set(l, v, &parts);
}

static void make_iota(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (inst->type.lanes == 1) {
    x86_set_one(l, v, pj_x86_imm(0));
    return;
  }
  int bytes = x86_bytes(inst->type), per_part = 32 / bytes;
  Parts parts = {.n = x86_num_parts(inst->type.lanes, bytes)};
  for (int i = 0; i < parts.n; ++i) {
    uint8_t all[32];
    for (int lane = 0; lane < per_part; ++lane) {
      uint64_t number = (uint64_t)(i * per_part + lane);
      memcpy(all + lane * bytes, &number, (size_t)bytes);
    }
    parts.op[i] = x86_pool(l, all);
  }
  x86_set(l, v, &parts);
}

const Parts *x86_parts(Lower *l, PjKirVal v) {
  static const Parts none = {.n = 1};
  if (!l->values[v].parts) { // an operation that was refused
    x86_refuse(l, "an operand is missing");
    return &none;
  }
  return l->values[v].parts;
}

X86Op x86_scalar(Lower *l, PjKirVal v) {
  if (pj_kir_inst(l->k, v)->op == PJ_KIR_STACK)
    return x86_stack_pointer(l, v);
  if (l->values[v].lazy)
    return x86_scalar_compare(l, pj_kir_inst(l->k, v));
  return x86_parts(l, v)->op[0];
}

Parts x86_mask(Lower *l, PjKirVal v, int bytes) {
  int lanes = pj_kir_typeof(l->k, v).lanes, have = l->values[v].mask;
  uint64_t bits;
  if (pj_kir_inst(l->k, v)->op == PJ_KIR_CONST && pj_kir_is_const(l->k, v, &bits)) {
    Parts parts = {.n = x86_num_parts(lanes, bytes)};
    for (int i = 0; i < parts.n; ++i)
      parts.op[i] = x86_splat_const(l, 8, bits & 1 ? ~0ull : 0);
    return parts;
  }
  Parts parts = *x86_parts(l, v);
  if (!have)
    x86_refuse(l, "a mask without width");
  for (; have && have < bytes; have *= 2)
    parts = x86_widen(l, &parts, lanes, have, true);
  for (; have > bytes; have /= 2)
    parts = x86_narrow(l, &parts, lanes, have, true);
  return parts;
}

// ---- what must be made

static void need(Lower *l, PjKirVal v) {
  l->values[v].needed = true;
  ++l->values[v].uses;
}

static bool has_effects(const PjKirInst *inst) {
  switch ((PjKirOp)inst->op) {
  case PJ_KIR_STORE:
  case PJ_KIR_SCATTER:
  case PJ_KIR_FOR:
  case PJ_KIR_WHILE:
  case PJ_KIR_IF:
  case PJ_KIR_YIELD:
  case PJ_KIR_CALL:
    return true;
  default:
    return false;
  }
}

static void need_address(Lower *l, PjKirVal ptr, PjKirVal index, int bytes) {
  Address a = x86_address(l->k, ptr, index, bytes);
  need(l, a.ptr);
  if (a.index)
    need(l, a.index);
}

// Operands come before their users, so one walk from behind is enough; what only addresses want is
// not needed.
static void find_needed(Lower *l) {
  for (PjKirVal v = (PjKirVal)l->k->insts.len; v-- > 1;) {
    const PjKirInst *inst = pj_kir_inst(l->k, v);
    if (!has_effects(inst) && !l->values[v].needed)
      continue;
    uint32_t first = 0;
    if (inst->op == PJ_KIR_LOAD || inst->op == PJ_KIR_READ) {
      need_address(l, inst->args[0], inst->args[1], x86_bytes(inst->type));
      first = 2;
    } else if (inst->op == PJ_KIR_STORE) {
      need(l, inst->args[0]);
      need_address(l, inst->args[1], inst->args[2], x86_bytes(pj_kir_typeof(l->k, inst->args[0])));
      first = 3;
    }
    for (uint32_t i = first; i < inst->num_args; ++i)
      need(l, inst->args[i]);
  }
}

// ---- control

static void lower_block(Lower *l, uint32_t block);

static const PjKirInst *yield_of(const Lower *l, uint32_t block) {
  const PjKirBlock *b = &l->k->blocks.data[block];
  return pj_kir_inst(l->k, b->insts.data[b->insts.len - 1]);
}

// What is carried as a mask has lanes of 4 bytes, a scalar i1 is one register.
enum { CARRIED_MASK_BYTES = 4 };

static Parts parts_to_carry(Lower *l, PjKirVal v) {
  PjKirType t = pj_kir_typeof(l->k, v);
  if (t.elem == PJ_KIR_I1 && t.lanes > 1)
    return x86_mask(l, v, CARRIED_MASK_BYTES);
  if (x86_is_gpr(t))
    return (Parts){.op = {x86_scalar(l, v)}, .n = 1};
  return *x86_parts(l, v);
}

static Parts new_parts(Lower *l, PjKirType t) {
  int bytes = t.elem == PJ_KIR_I1 ? CARRIED_MASK_BYTES : x86_bytes(t);
  Parts parts = {.n = t.lanes == 1 ? 1 : x86_num_parts(t.lanes, bytes)};
  if (parts.n > X86_MAX_PARTS) {
    x86_refuse(l, "a wide mask is carried");
    parts.n = 1;
  }
  for (int i = 0; i < parts.n; ++i)
    parts.op[i] = pj_x86_reg(x86_new_reg(l, x86_class(t)));
  return parts;
}

static void set_carried(Lower *l, PjKirVal v, const Parts *parts) {
  PjKirType t = pj_kir_typeof(l->k, v);
  if (t.elem == PJ_KIR_I1 && t.lanes > 1)
    x86_set_mask(l, v, parts, CARRIED_MASK_BYTES);
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
        X86Reg copy = x86_new_reg(l, x86_class(pj_kir_typeof(l->k, next[i])));
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
  if (b.kind == X86_IMM && !fits32(b.imm))
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

static void lower_for(Lower *l, PjKirVal v) {
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
  lower_block(l, inst->blocks[0]);
  next_carried(l, &c, yield_of(l, inst->blocks[0])->args);
  if (step.kind == X86_IMM && !fits32(step.imm))
    step = x86_in_reg(l, X86_GPR, step);
  if (end.kind == X86_IMM && !fits32(end.imm))
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

static void lower_while(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  const PjKirBlock *test = &l->k->blocks.data[inst->blocks[0]];
  Carried c = begin_carried(l, inst->num_args, inst->args, test->args.data, 0);
  uint32_t after = x86_new_label(l), loop;
  uint32_t head = begin_loop(l, &c, &loop);
  lower_block(l, inst->blocks[0]);
  x86_branch_unless(l, yield_of(l, inst->blocks[0])->args[0], after);
  lower_block(l, inst->blocks[1]);
  next_carried(l, &c, yield_of(l, inst->blocks[1])->args);
  x86_ins(l, X86_JUMP, 0)->label = head;
  end_loop(l, loop);
  x86_label(l, after);
  set_results(l, v, c.parts);
}

static void lower_if(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  const PjKirInst *then = yield_of(l, inst->blocks[0]), *other = yield_of(l, inst->blocks[1]);
  uint32_t otherwise = x86_new_label(l), after = x86_new_label(l);
  x86_branch_unless(l, inst->args[0], otherwise);
  lower_block(l, inst->blocks[0]);
  Parts *joined = pj_arena_calloc(l->f->arena, then->num_args, sizeof *joined);
  for (uint32_t i = 0; i < then->num_args; ++i) {
    Parts from = parts_to_carry(l, then->args[i]);
    joined[i] = new_parts(l, pj_kir_typeof(l->k, then->args[i]));
    move_parts(l, &joined[i], &from);
  }
  bool empty = l->k->blocks.data[inst->blocks[1]].insts.len == 1 && !other->num_args;
  if (!empty)
    x86_ins(l, X86_JUMP, 0)->label = after;
  x86_label(l, otherwise);
  lower_block(l, inst->blocks[1]);
  for (uint32_t i = 0; i < other->num_args; ++i) {
    Parts from = parts_to_carry(l, other->args[i]);
    move_parts(l, &joined[i], &from);
  }
  x86_label(l, after);
  set_results(l, v, joined);
}

static void lower_call(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  X86Op *args = pj_arena_calloc(l->f->arena, inst->num_args, sizeof *args);
  for (uint32_t i = 0; i < inst->num_args; ++i)
    args[i] = x86_is_gpr(pj_kir_typeof(l->k, inst->args[i])) ? x86_scalar(l, inst->args[i])
                                                             : x86_parts(l, inst->args[i])->op[0];
  X86Reg d = inst->type.elem == PJ_KIR_VOID ? 0 : x86_new_reg(l, x86_class(inst->type));
  X86Ins *ins = x86_ins(l, X86_CALL, 0);
  ins->d = d;
  ins->imm = (int32_t)inst->imm;
  ins->call_args = args;
  ins->num_call_args = inst->num_args;
  if (d) {
    x86_set_one(l, v, pj_x86_reg(d));
    l->f->vregs.data[d].early = false;
  }
  l->f->uses_calls = true;
}

// ---- instructions

static X86Op argument(const Lower *l, PjX86Argument which) {
  return pj_x86_reg(l->arguments[which]);
}

static void lower_param(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  X86Op at =
      x86_memory(l, (X86Mem){.base = l->arguments[ARG_PARAMS], .disp = (int32_t)inst->imm * 8});
  if (inst->imm > 1 << 20)
    x86_refuse(l, "a parameter too far");
  X86Op out;
  switch (inst->type.elem) {
  case PJ_KIR_F32:
    out = x86_rm(l, X86_VEC, X86_M0F | X86_PF3 | 0x10, 16, at);
    break;
  case PJ_KIR_F64:
    out = x86_rm(l, X86_VEC, X86_M0F | X86_PF2 | 0x10, 16, at);
    break;
  case PJ_KIR_I64:
    out = x86_gpr_rm(l, 0x8b, 8, at);
    break;
  case PJ_KIR_I32:
    out = x86_gpr_rm(l, 0x8b, 4, at);
    break;
  case PJ_KIR_I1:
    out = x86_alu(l, 4, 4, x86_gpr_rm(l, X86_M0F | 0xb6, 4, at), pj_x86_imm(1));
    break;
  default:
    out = x86_gpr_rm(l, X86_M0F | (inst->type.elem == PJ_KIR_I8 ? 0xb6 : 0xb7), 4, at);
  }
  x86_set_one(l, v, out);
}

// A scalar comparison whose users can make it themselves is left to them.
static bool stays_lazy(const Lower *l, PjKirVal v) {
  return x86_is_comparison(pj_kir_inst(l->k, v)) && l->values[v].uses <= 2;
}

static void lower_scalar(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  PjKirElem elem = (PjKirElem)inst->type.elem;
  if (inst->op == PJ_KIR_SELECT) {
    x86_set_one(l, v, x86_scalar_select(l, inst));
    return;
  }
  if (inst->op >= PJ_KIR_EQ && inst->op <= PJ_KIR_UNO) {
    x86_set_one(l, v, x86_scalar_compare(l, inst));
    return;
  }
  if (inst->op >= PJ_KIR_SEXT && inst->op <= PJ_KIR_F32TOF16) {
    PjKirElem from = (PjKirElem)pj_kir_typeof(l->k, inst->args[0]).elem;
    X86Op a = x86_is_gpr(pj_kir_typeof(l->k, inst->args[0])) ? x86_scalar(l, inst->args[0])
                                                             : x86_parts(l, inst->args[0])->op[0];
    x86_set_one(l, v, x86_scalar_convert(l, (PjKirOp)inst->op, from, elem, a));
    return;
  }
  if (inst->op < PJ_KIR_ADD || inst->op > PJ_KIR_POPCNT) {
    x86_refuse(l, pj_kir_op_info[inst->op].text);
    return;
  }
  X86Op a = x86_scalar(l, inst->args[0]);
  X86Op b = inst->num_args > 1 ? x86_scalar(l, inst->args[1]) : pj_x86_imm(0);
  x86_set_one(l, v, x86_scalar_int(l, (PjKirOp)inst->op, elem, a, b));
}

static void lower_inst(Lower *l, PjKirVal v) {
  const PjKirInst *inst = pj_kir_inst(l->k, v);
  if (!has_effects(inst) && !l->values[v].needed && inst->op != PJ_KIR_STACK)
    return;
  switch ((PjKirOp)inst->op) {
  case PJ_KIR_CONST:
    make_const(l, v);
    return;
  case PJ_KIR_IOTA:
    make_iota(l, v);
    return;
  case PJ_KIR_BUFFER:
    if (inst->imm > 1 << 20)
      x86_refuse(l, "a buffer too far");
    x86_set_one(l, v,
                x86_gpr_rm(l, 0x8b, 8,
                           x86_memory(l, (X86Mem){.base = l->arguments[ARG_BUFFERS],
                                                  .disp = (int32_t)inst->imm * 8})));
    return;
  case PJ_KIR_PARAM:
    lower_param(l, v);
    return;
  case PJ_KIR_BEGIN:
    x86_set_one(l, v, argument(l, ARG_BEGIN));
    return;
  case PJ_KIR_END:
    x86_set_one(l, v, argument(l, ARG_END));
    return;
  case PJ_KIR_SCRATCH:
    x86_set_one(l, v, argument(l, ARG_SCRATCH));
    return;
  case PJ_KIR_RESULT:
  case PJ_KIR_YIELD:
  case PJ_KIR_ARG:
    return;
  case PJ_KIR_FOR:
    lower_for(l, v);
    return;
  case PJ_KIR_WHILE:
    lower_while(l, v);
    return;
  case PJ_KIR_IF:
    lower_if(l, v);
    return;
  case PJ_KIR_CALL:
    lower_call(l, v);
    return;
  default:
    break;
  }
  if (stays_lazy(l, v)) {
    l->values[v].lazy = true;
    return;
  }
  if (x86_lower_memory(l, v) || x86_lower_lanes(l, v) || x86_lower_float(l, v))
    return;
  bool from_scalar = !inst->num_args || pj_kir_typeof(l->k, inst->args[0]).lanes == 1;
  if (inst->type.lanes == 1 && from_scalar)
    lower_scalar(l, v);
  else if (!x86_lower_vector(l, v) && !x86_lower_convert(l, v))
    x86_refuse(l, pj_kir_op_info[inst->op].text);
}

static void lower_block(Lower *l, uint32_t block) {
  const PjKirBlock *b = &l->k->blocks.data[block];
  for (size_t i = 0; i < b->insts.len && !l->f->refused; ++i)
    lower_inst(l, b->insts.data[i]);
}

static void enter(Lower *l) {
  static const uint8_t places[] = {7, 6, 2, 1, 8}; // rdi, rsi, rdx, rcx, r8
  for (int i = 0; i < 5; ++i) {
    X86Reg d = l->arguments[i] = x86_new_reg(l, X86_GPR);
    l->f->vregs.data[d].fixed_hint = places[i] + 1;
    X86Ins *ins = x86_ins(l, X86_ENTRY, 8);
    ins->d = d;
    ins->imm = i;
  }
}

void pj_x86_lower(X86Fn *f, const PjKir *k) {
  Lower *l = PJ_NEW(f->arena, Lower);
  l->f = f;
  l->k = k;
  l->values = pj_arena_calloc(f->arena, k->insts.len, sizeof *l->values);
  PJ_RESERVE(f->arena, &f->vregs);
  f->vregs.len = 1;
  find_needed(l);
  enter(l);
  lower_block(l, 1);
  x86_ins(l, X86_RET, 0);
}
