// The end of building: what nobody needs is dropped, and the rest is numbered in the order of
// printing.
//
// Needed is what has effects, what it uses, and the control operations around it. A carried value
// is needed if the loop's body or somebody after the loop uses it; so a value that only computes
// its own successor goes away, with the loop if nothing else is left in it. A carried value that
// never changes is replaced by its initial value. What the condition of a loop computes, but only
// the body needs (the builder puts scalar integers as far out as they go), goes to the body: the
// condition runs once more.
#include "kernel/kir_build.h"
#include "kernel/kir_range.h"

typedef struct Sweep {
  PjKir *k;
  PjKirVal *forward; // a value that stands for this one, or 0
  bool *live;
  bool **keep; // of control operations: which carried values stay
  bool *late;  // of the condition of a loop, but computed in its body
  PJ_VEC(PjKirVal) work;
  // of the new function
  PjKirVal *number; // new numbers
  PJ_VEC(PjKirInst) insts;
  PJ_VEC(PjKirBlock) blocks;
} Sweep;

static PjKirInst *inst_of(const Sweep *s, PjKirVal v) {
  return &s->k->insts.data[v];
}

static bool is_control(const PjKirInst *inst) {
  return inst->op == PJ_KIR_FOR || inst->op == PJ_KIR_WHILE || inst->op == PJ_KIR_IF;
}

static bool has_effect(const PjKirInst *inst) {
  return inst->op == PJ_KIR_STORE || inst->op == PJ_KIR_SCATTER ||
         (inst->op == PJ_KIR_CALL && !pj_kir__pure_call((PjKirExtern)inst->imm));
}

static PjKirVal resolve(const Sweep *s, PjKirVal v) {
  while (s->forward[v])
    v = s->forward[v];
  return v;
}

static const PjKirInst *yield_of(const Sweep *s, uint32_t block) {
  const PjKirBlock *b = &s->k->blocks.data[block];
  return inst_of(s, b->insts.data[b->insts.len - 1]);
}

// The block whose yield gives the next carried values, and where those begin among the operands.
static uint32_t next_block(const PjKirInst *control) {
  return control->op == PJ_KIR_WHILE ? control->blocks[1] : control->blocks[0];
}
static uint32_t first_init(const PjKirInst *control) {
  return control->op == PJ_KIR_FOR ? 3 : 0;
}
static uint32_t num_carried(const Sweep *s, const PjKirInst *control) {
  return yield_of(s, next_block(control))->num_args;
}
// The ARG of carried value |i|.
static PjKirVal carried_arg(const Sweep *s, const PjKirInst *control, uint32_t i) {
  return s->k->blocks.data[control->blocks[0]].args.data[i + (control->op == PJ_KIR_FOR)];
}

// Inner operations have lower numbers than those around them, so one pass sees through nests.
static void forward_unchanged(Sweep *s) {
  PjKir *k = s->k;
  for (PjKirVal v = 1; v < k->insts.len; ++v) {
    const PjKirInst *inst = inst_of(s, v);
    if (inst->op == PJ_KIR_RESULT) {
      const PjKirInst *control = inst_of(s, inst->args[0]);
      uint32_t i = (uint32_t)inst->imm;
      if (control->op != PJ_KIR_IF) {
        s->forward[v] = s->forward[carried_arg(s, control, i)];
        continue;
      }
      PjKirVal then = resolve(s, yield_of(s, control->blocks[0])->args[i]);
      if (then == resolve(s, yield_of(s, control->blocks[1])->args[i]))
        s->forward[v] = then;
    }
    if (inst->op != PJ_KIR_FOR && inst->op != PJ_KIR_WHILE)
      continue;
    const PjKirInst *next = yield_of(s, next_block(inst));
    for (uint32_t i = 0; i < next->num_args; ++i) {
      PjKirVal arg = carried_arg(s, inst, i), to = resolve(s, next->args[i]);
      PjKirVal init = resolve(s, inst->args[first_init(inst) + i]);
      if (to == arg || to == init)
        s->forward[arg] = init;
    }
  }
}

static void mark(Sweep *s, PjKirVal v) {
  v = resolve(s, v);
  if (s->live[v])
    return;
  s->live[v] = true;
  PJ_PUSH(s->k->arena, &s->work, v);
}

static void mark_carried(Sweep *s, PjKirVal owner, uint32_t i) {
  const PjKirInst *control = inst_of(s, owner);
  mark(s, owner);
  bool **keep = &s->keep[owner];
  if (!*keep)
    *keep = PJ_NEW_ARRAY(s->k->arena, bool, num_carried(s, control));
  if ((*keep)[i])
    return;
  (*keep)[i] = true;
  if (control->op == PJ_KIR_IF)
    mark(s, yield_of(s, control->blocks[1])->args[i]);
  else
    mark(s, control->args[first_init(control) + i]);
  mark(s, yield_of(s, next_block(control))->args[i]);
}

// Marks what |v| needs.
static void scan(Sweep *s, PjKirVal v) {
  PjKir *k = s->k;
  const PjKirInst *inst = inst_of(s, v);
  if (inst->block && k->blocks.data[inst->block].owner)
    mark(s, k->blocks.data[inst->block].owner);
  uint32_t n = inst->num_args;
  switch (inst->op) {
  case PJ_KIR_ARG: {
    PjKirVal owner = k->blocks.data[inst->block].owner;
    bool is_for = inst_of(s, owner)->op == PJ_KIR_FOR;
    if (!is_for || inst->imm > 0)
      mark_carried(s, owner, (uint32_t)inst->imm - is_for);
    return;
  }
  case PJ_KIR_RESULT:
    mark_carried(s, inst->args[0], (uint32_t)inst->imm);
    return;
  case PJ_KIR_FOR:
    n = 3;
    break;
  case PJ_KIR_WHILE:
    n = 0;
    mark(s, yield_of(s, inst->blocks[0])->args[0]);
    break;
  default:
    break;
  }
  for (uint32_t i = 0; i < n; ++i)
    mark(s, inst->args[i]);
}

// -----------------------------------------------------------------------------------------------------
// the new order

static PjKirVal new_number(const Sweep *s, PjKirVal v) {
  return s->number[resolve(s, v)];
}

static void add_inst(Sweep *s, PjKirVal old, uint32_t block) {
  PjKirInst inst = *inst_of(s, old);
  inst.block = block;
  s->number[old] = (PjKirVal)s->insts.len;
  PJ_PUSH(s->k->arena, &s->insts, inst);
}

// Rewrites the operands from |from| on, leaving out carried values that do not stay; |keep| NULL:
// all stay.
static void renumber_args(const Sweep *s, PjKirInst *inst, uint32_t from, const bool *keep) {
  uint32_t n = from;
  for (uint32_t i = 0; i < inst->num_args; ++i)
    if (i < from)
      inst->args[i] = new_number(s, inst->args[i]);
    else if (!keep || keep[i - from])
      inst->args[n++] = new_number(s, inst->args[i]);
  inst->num_args = n;
}

static uint32_t copy_block(Sweep *s, uint32_t old, uint32_t parent, PjKirVal owner,
                           PjKirVal old_owner);

static const bool *kept(Sweep *s, PjKirVal control) {
  if (!s->keep[control])
    s->keep[control] = PJ_NEW_ARRAY(s->k->arena, bool, num_carried(s, inst_of(s, control)));
  return s->keep[control];
}

static void copy_control(Sweep *s, PjKirVal old, uint32_t block) {
  const PjKirInst *control = inst_of(s, old);
  PjKirVal number = s->number[old];
  const bool *keep = kept(s, old);
  // Operands first: the yields are still needed in full to count the carried values.
  bool is_if = control->op == PJ_KIR_IF;
  renumber_args(s, &s->insts.data[number], is_if ? 1 : first_init(control), is_if ? NULL : keep);
  uint32_t first = copy_block(s, control->blocks[0], block, number, old);
  uint32_t second = 0;
  if (control->blocks[1])
    second = copy_block(s, control->blocks[1], is_if ? block : first, number, old);
  s->insts.data[number].blocks[0] = first;
  s->insts.data[number].blocks[1] = second;
}

// Finds what the condition |test| need not compute for its yield.
static void find_late(Sweep *s, uint32_t test) {
  const PjKirBlock *block = &s->k->blocks.data[test];
  for (uint32_t i = 0; i < block->insts.len; ++i)
    if (is_control(inst_of(s, block->insts.data[i])))
      return;
  for (uint32_t i = 0; i < block->insts.len; ++i)
    s->late[block->insts.data[i]] = true;
  for (uint32_t i = (uint32_t)block->insts.len; i-- > 0;) {
    PjKirVal v = block->insts.data[i];
    const PjKirInst *inst = inst_of(s, v);
    bool needed = !pj_kir_op_info[inst->op].pure || inst->op == PJ_KIR_READ ||
                  inst->op == PJ_KIR_READG || !s->late[v];
    s->late[v] = !needed;
    for (uint32_t a = 0; needed && a < inst->num_args; ++a)
      s->late[resolve(s, inst->args[a])] = false;
  }
}

static void copy_inst(Sweep *s, PjKirVal v, uint32_t old, uint32_t to, PjKirVal old_owner) {
  PjArena *arena = s->k->arena;
  const PjKirInst *inst = inst_of(s, v);
  bool is_yield = inst->op == PJ_KIR_YIELD;
  if (!is_yield && (!s->live[v] || s->forward[v]))
    return;
  add_inst(s, v, to);
  PjKirVal number = s->number[v];
  PJ_PUSH(arena, &s->blocks.data[to].insts, number);
  PjKirInst *copy = &s->insts.data[number];
  if (is_control(inst)) {
    copy_control(s, v, to);
  } else if (is_yield) {
    bool is_test =
        inst_of(s, old_owner)->op == PJ_KIR_WHILE && inst_of(s, old_owner)->blocks[0] == old;
    // A copy of the operands: the old ones are still counted (num_carried).
    copy->args = pj_arena_memdup(arena, inst->args, inst->num_args * sizeof *inst->args);
    renumber_args(s, copy, 0, is_test ? NULL : kept(s, old_owner));
  } else if (inst->op == PJ_KIR_RESULT) {
    const bool *keep = kept(s, inst->args[0]);
    copy->imm = 0;
    for (uint32_t j = 0; j < inst->imm; ++j)
      copy->imm += keep[j];
    renumber_args(s, copy, 0, NULL);
  } else {
    renumber_args(s, copy, 0, NULL);
  }
}

// Appends the live part of |old| and all inside it, in order; returns its number.
static uint32_t copy_block(Sweep *s, uint32_t old, uint32_t parent, PjKirVal owner,
                           PjKirVal old_owner) {
  PjArena *arena = s->k->arena;
  const PjKirBlock *from = &s->k->blocks.data[old];
  uint32_t to = (uint32_t)s->blocks.len;
  PjKirBlock fresh = {
      .parent = parent, .owner = owner, .depth = parent ? s->blocks.data[parent].depth + 1 : 0};
  PJ_PUSH(arena, &s->blocks, fresh);
  const PjKirInst *control = old_owner ? inst_of(s, old_owner) : NULL;
  bool is_for = control && control->op == PJ_KIR_FOR;
  for (uint32_t i = 0; i < from->args.len; ++i) {
    if (!(is_for && i == 0) && !kept(s, old_owner)[i - is_for])
      continue;
    add_inst(s, from->args.data[i], to);
    s->insts.data[s->insts.len - 1].imm = s->blocks.data[to].args.len;
    PJ_PUSH(arena, &s->blocks.data[to].args, (PjKirVal)s->insts.len - 1);
  }
  const bool is_while = control && control->op == PJ_KIR_WHILE;
  if (is_while && control->blocks[0] == old)
    find_late(s, old);
  if (is_while && control->blocks[1] == old) {
    const PjKirBlock *test = &s->k->blocks.data[control->blocks[0]];
    for (uint32_t i = 0; i < test->insts.len; ++i)
      if (s->late[test->insts.data[i]])
        copy_inst(s, test->insts.data[i], old, to, old_owner);
  }
  for (uint32_t i = 0; i < from->insts.len; ++i)
    if (!s->late[from->insts.data[i]])
      copy_inst(s, from->insts.data[i], old, to, old_owner);
  return to;
}

// What is known of the values that are left (kir_range.h).
static void renumber_ranges(const Sweep *s, size_t old_len) {
  PjKirTable *t = s->k->table;
  PjKirRange **ranges = PJ_NEW_ARRAY(s->k->arena, PjKirRange *, s->insts.len);
  for (size_t v = 0; v < old_len && v < t->ranges.len; ++v)
    if (s->number[v])
      ranges[s->number[v]] = t->ranges.data[v];
  t->ranges.data = ranges;
  t->ranges.len = t->ranges.cap = s->insts.len;
}

void pj_kir_finish(PjKir *k) {
  if (k->table->finished)
    return;
  size_t n = k->insts.len;
  Sweep sweep = {.k = k}, *s = &sweep;
  s->forward = PJ_NEW_ARRAY(k->arena, PjKirVal, n);
  s->live = PJ_NEW_ARRAY(k->arena, bool, n);
  s->keep = PJ_NEW_ARRAY(k->arena, bool *, n);
  s->late = PJ_NEW_ARRAY(k->arena, bool, n);
  s->number = PJ_NEW_ARRAY(k->arena, PjKirVal, n);
  forward_unchanged(s);
  for (PjKirVal v = 1; v < n; ++v)
    if (has_effect(inst_of(s, v)))
      mark(s, v);
  while (s->work.len)
    scan(s, s->work.data[--s->work.len]);
  PjKirInst none = {0};
  PjKirBlock no_block = {0};
  PJ_PUSH(k->arena, &s->insts, none);
  PJ_PUSH(k->arena, &s->blocks, no_block);
  copy_block(s, 1, 0, 0, 0);
  k->insts.data = s->insts.data;
  k->insts.len = s->insts.len;
  k->insts.cap = s->insts.cap;
  k->blocks.data = s->blocks.data;
  k->blocks.len = s->blocks.len;
  k->blocks.cap = s->blocks.cap;
  k->current = 0;
  k->table->finished = true;
  renumber_ranges(s, n);
}

const PjKir *pj_kir_through_caches(const PjKir *k) {
  PjKir *copy = NULL;
  for (PjKirVal v = 1; v < k->insts.len; v++) {
    if (k->insts.data[v].op != PJ_KIR_STORE || !k->insts.data[v].imm)
      continue;
    if (!copy) {
      copy = pj_arena_memdup(k->arena, k, sizeof *k);
      copy->insts.data =
          pj_arena_memdup(k->arena, k->insts.data, k->insts.len * sizeof *k->insts.data);
      copy->insts.cap = copy->insts.len;
    }
    copy->insts.data[v].imm = 0;
  }
  return copy ? copy : k;
}
