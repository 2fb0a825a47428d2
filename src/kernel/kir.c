// The builder's core: where a value goes, and which are shared.
//
// A pure value goes into the outermost block in which its operands exist, at the block's present
// end. That is before the control operation that is being built there, so what does not change in a
// loop precedes it. Two fences: a branch of an IF keeps what it computes (its author put the IF
// there to save the work), but for scalar integers and splats, which are cheap and are the
// invariants of surrounding loops; and what the body of a WHILE computes of the carried values
// stays out of the condition, which runs once more than the body.
//
// Reads and divisions must not run where the program would not have run them, so they leave the
// block at hand only for that around a loop that is sure to turn; but an equal one that is in scope
// serves.
//
// The table holds one value per expression. An entry whose block was closed can never be used
// again, so the next equal value takes its place: the table needs no scopes.
#include "kernel/kir.h"

#include <assert.h>

#include "base/hash.h"
#include "kernel/kir_build.h"

enum { PURE = 1, COMM = 2 };
#define V (-1)
const PjKirOpInfo pj_kir_op_info[PJ_KIR_OP_COUNT] = {
#define KIR(ENUM, text, operands, result, flags) \
  {text, operands, ((flags)&PURE) != 0, ((flags)&COMM) != 0},
#include "kernel/kir.def"
#undef KIR
};
#undef V

const PjKirExternInfo pj_kir_extern_info[PJ_KIR_EXTERN_COUNT] = {
#define EXTERN(ENUM, name, result, args) {name, result, args},
#include "kernel/kir_extern.def"
#undef EXTERN
};

int pj_kir_elem_bytes(PjKirElem elem) {
  static const uint8_t bytes[PJ_KIR_ELEM_COUNT] = {0, 1, 1, 2, 4, 8, 4, 8, 8};
  return elem < PJ_KIR_ELEM_COUNT ? bytes[elem] : 0;
}

bool pj_kir__pure_call(PjKirExtern callee) {
  return !strchr(pj_kir_extern_info[callee].args, 'p');
}

static uint32_t new_block(PjKir *k, uint32_t parent, PjKirBlockKind kind) {
  uint32_t index = (uint32_t)k->blocks.len;
  PjKirBlock block = {.parent = parent, .depth = index > 1 ? k->blocks.data[parent].depth + 1 : 0};
  PJ_PUSH(k->arena, &k->blocks, block);
  PJ_PUSH(k->arena, &k->table->kinds, (uint8_t)kind);
  return index;
}

// Makes |block| the one at hand.
static void enter(PjKir *k, uint32_t block) {
  PjKirTable *t = k->table;
  uint32_t depth = k->blocks.data[block].depth;
  if (t->path.len <= depth)
    PJ_PUSH(k->arena, &t->path, block);
  t->path.data[depth] = block;
  k->current = block;
  pj_kir__forget(k);
}

PjKir *pj_kir_create(PjArena *arena, const PjKirTarget *target, const char *name) {
  PjKir *k = PJ_NEW(arena, PjKir);
  k->arena = arena;
  k->target = target;
  k->name = name;
  k->table = PJ_NEW(arena, PjKirTable);
  PjKirInst none = {0};
  PJ_PUSH(arena, &k->insts, none);
  new_block(k, 0, PJ_KIR_BLOCK_BODY);
  enter(k, new_block(k, 0, PJ_KIR_BLOCK_BODY));
  return k;
}

// ----------------------------------------------------------------------------------------------------------
// sharing

static bool is_open(const PjKir *k, uint32_t block) {
  const PjKirTable *t = k->table;
  uint32_t depth = k->blocks.data[block].depth;
  return depth <= k->blocks.data[k->current].depth && t->path.data[depth] == block;
}

static uint64_t hash_inst(const PjKirInst *i) {
  uint64_t hash = pj_hash_u64(PJ_HASH_SEED, (uint64_t)i->op << 48 | (uint64_t)i->type.elem << 40 |
                                                (uint64_t)i->type.lanes << 32 | i->alias << 24);
  hash = pj_hash_u64(hash, i->imm);
  for (uint32_t a = 0; a < i->num_args; ++a)
    hash = pj_hash_u64(hash, i->args[a]);
  if (i->pattern)
    hash = pj_hash_bytes(hash, i->pattern, i->type.lanes);
  return hash;
}

static bool same_inst(const PjKirInst *a, const PjKirInst *b) {
  return a->op == b->op && pj_kir_type_eq(a->type, b->type) && a->alias == b->alias &&
         a->imm == b->imm && a->num_args == b->num_args &&
         (!a->num_args || !memcmp(a->args, b->args, a->num_args * sizeof *a->args)) &&
         (!a->pattern || !memcmp(a->pattern, b->pattern, a->type.lanes));
}

static void grow_table(PjKir *k) {
  PjKirTable *t = k->table;
  size_t cap = t->cap ? t->cap * 2 : 64;
  PjKirSlot *slots = PJ_NEW_ARRAY(k->arena, PjKirSlot, cap);
  for (size_t i = 0; i < t->cap; ++i) {
    if (!t->slots[i].value)
      continue;
    size_t at = t->slots[i].hash & (cap - 1);
    while (slots[at].value)
      at = (at + 1) & (cap - 1);
    slots[at] = t->slots[i];
  }
  t->slots = slots;
  t->cap = cap;
}

// The slot of an equal instruction, or the empty one where it belongs.
static PjKirSlot *find_slot(PjKir *k, const PjKirInst *inst, uint64_t hash) {
  PjKirTable *t = k->table;
  if (2 * (t->len + 1) > t->cap)
    grow_table(k);
  size_t at = hash & (t->cap - 1);
  for (; t->slots[at].value; at = (at + 1) & (t->cap - 1))
    if (t->slots[at].hash == hash && same_inst(&k->insts.data[t->slots[at].value], inst))
      break;
  return &t->slots[at];
}

// --------------------------------------------------------------------------------------------------------
// placement

typedef enum Freedom { PINNED, SCOPED, FREE } Freedom;

static Freedom freedom(const PjKirInst *inst) {
  switch (inst->op) {
  case PJ_KIR_READ:
    return inst->imm ? FREE : SCOPED; // PjKir.always
  case PJ_KIR_READG:
  case PJ_KIR_UDIV:
  case PJ_KIR_SDIV:
  case PJ_KIR_UREM:
  case PJ_KIR_SREM:
    return SCOPED;
  case PJ_KIR_CALL:
    return pj_kir__pure_call((PjKirExtern)inst->imm) ? FREE : PINNED;
  default:
    return pj_kir_op_info[inst->op].pure ? FREE : PINNED;
  }
}

// What costs no more than keeping it in a register: may leave the branch of an IF.
static bool is_cheap(const PjKirInst *inst) {
  return !inst->num_args || inst->op == PJ_KIR_SPLAT ||
         (inst->type.lanes == 1 && !pj_kir_is_float(inst->type) && inst->op != PJ_KIR_CALL &&
          inst->op != PJ_KIR_EXTRACT && inst->op != PJ_KIR_FPTOSI && inst->op != PJ_KIR_FPTOUI);
}

static uint32_t place(const PjKir *k, const PjKirInst *inst) {
  const PjKirBlock *blocks = k->blocks.data;
  uint32_t deepest = 1;
  for (uint32_t a = 0; a < inst->num_args; ++a) {
    uint32_t block = k->insts.data[inst->args[a]].block;
    if (blocks[block].depth > blocks[deepest].depth)
      deepest = block;
  }
  if (is_cheap(inst))
    return is_open(k, deepest) ? deepest : k->current;
  uint32_t at = k->current;
  while (at != deepest) {
    PjKirBlockKind kind = (PjKirBlockKind)k->table->kinds.data[at];
    if (kind == PJ_KIR_BLOCK_IF || (kind == PJ_KIR_BLOCK_WHILE && blocks[at].parent == deepest))
      break;
    at = blocks[at].parent;
    if (!at) // An operand that is not in scope: the verifier will say so.
      return k->current;
  }
  return at;
}

static uint32_t place_scoped(const PjKir *k, const PjKirInst *inst) {
  const PjKirBlock *blocks = k->blocks.data;
  uint32_t deepest = 1, at = k->current;
  for (uint32_t a = 0; a < inst->num_args; ++a) {
    uint32_t block = k->insts.data[inst->args[a]].block;
    if (blocks[block].depth > blocks[deepest].depth)
      deepest = block;
  }
  while (blocks[at].depth > blocks[deepest].depth && k->table->kinds.data[at] == PJ_KIR_BLOCK_SURE)
    at = blocks[at].parent;
  return at;
}

PjKirVal pj_kir__append(PjKir *k, uint32_t block, const PjKirInst *inst) {
  PjKirInst copy = *inst;
  copy.block = block;
  if (copy.num_args)
    copy.args = pj_arena_memdup(k->arena, inst->args, inst->num_args * sizeof *inst->args);
  if (copy.pattern)
    copy.pattern = pj_arena_memdup(k->arena, inst->pattern, inst->type.lanes);
  PjKirVal value = (PjKirVal)k->insts.len;
  PJ_PUSH(k->arena, &k->insts, copy);
  if (copy.op == PJ_KIR_ARG)
    PJ_PUSH(k->arena, &k->blocks.data[block].args, value);
  else
    PJ_PUSH(k->arena, &k->blocks.data[block].insts, value);
  return value;
}

PjKirVal pj_kir__value(PjKir *k, const PjKirInst *inst) {
  Freedom free = freedom(inst);
  if (free == PINNED)
    return pj_kir__append(k, k->current, inst);
  uint64_t hash = hash_inst(inst);
  PjKirSlot *slot = find_slot(k, inst, hash);
  if (slot->value && is_open(k, k->insts.data[slot->value].block))
    return slot->value;
  if (!slot->value)
    ++k->table->len;
  slot->hash = hash;
  slot->value = pj_kir__append(k, free == FREE ? place(k, inst) : place_scoped(k, inst), inst);
  return slot->value;
}

// -----------------------------------------------------------------------------------------
// constants and arguments

bool pj_kir_is_const(const PjKir *k, PjKirVal v, uint64_t *out_bits) {
  const PjKirInst *inst = &k->insts.data[v];
  if (inst->op == PJ_KIR_SPLAT)
    inst = &k->insts.data[inst->args[0]];
  if (inst->op != PJ_KIR_CONST || !v)
    return false;
  *out_bits = inst->imm;
  return true;
}

static PjKirVal leaf(PjKir *k, PjKirOp op, PjKirType type, uint64_t imm) {
  PjKirInst inst = {.op = (uint8_t)op, .type = type, .imm = imm};
  return pj_kir__value(k, &inst);
}

PjKirVal pj_kir_const(PjKir *k, PjKirType type, uint64_t bits) {
  return leaf(k, PJ_KIR_CONST, type, bits & pj_kir__mask((PjKirElem)type.elem));
}

PjKirVal pj_kir_float(PjKir *k, PjKirType type, double value) {
  uint64_t bits = 0;
  if (type.elem == PJ_KIR_F64) {
    memcpy(&bits, &value, 8);
  } else {
    float rounded = (float)value;
    memcpy(&bits, &rounded, 4);
  }
  return pj_kir_const(k, type, bits);
}

PjKirVal pj_kir_i64(PjKir *k, int64_t value) {
  return pj_kir_const(k, PJ_KIR_T(I64, 1), (uint64_t)value);
}

PjKirVal pj_kir_iota(PjKir *k, PjKirType type) {
  return type.lanes == 1 ? pj_kir_const(k, type, 0) : leaf(k, PJ_KIR_IOTA, type, 0);
}

PjKirVal pj_kir_buffer(PjKir *k, uint32_t index) {
  if (index >= k->num_buffers)
    k->num_buffers = index + 1;
  return leaf(k, PJ_KIR_BUFFER, PJ_KIR_T(PTR, 1), index);
}

PjKirVal pj_kir_param(PjKir *k, PjKirType type, uint32_t index) {
  if (index >= k->num_params)
    k->num_params = index + 1;
  return leaf(k, PJ_KIR_PARAM, type, index);
}

PjKirVal pj_kir_begin(PjKir *k) {
  return leaf(k, PJ_KIR_BEGIN, PJ_KIR_T(I64, 1), 0);
}

PjKirVal pj_kir_end(PjKir *k) {
  return leaf(k, PJ_KIR_END, PJ_KIR_T(I64, 1), 0);
}

PjKirVal pj_kir_scratch(PjKir *k) {
  return leaf(k, PJ_KIR_SCRATCH, PJ_KIR_T(PTR, 1), 0);
}

PjKirVal pj_kir_stack(PjKir *k, uint64_t bytes) {
  // Of the function, not of an iteration.
  PjKirInst inst = {.op = PJ_KIR_STACK, .type = PJ_KIR_T(PTR, 1), .imm = bytes};
  return pj_kir__append(k, 1, &inst);
}

// ----------------------------------------------------------------------------------------------------------
// control

static PjKirOpen *innermost(PjKir *k) {
  PjKirTable *t = k->table;
  assert(t->open.len);
  return &t->open.data[t->open.len - 1];
}

static PjKirOpen *open_control(PjKir *k, PjKirOp op, uint32_t num_operands) {
  PjKirOpen open = {.op = op, .num_operands = num_operands};
  open.operands = PJ_NEW_ARRAY(k->arena, PjKirVal, num_operands);
  pj_kir__keep_recent(k, &open);
  PJ_PUSH(k->arena, &k->table->open, open);
  return innermost(k);
}

static PjKirVal add_arg(PjKir *k, uint32_t block, PjKirType type) {
  PjKirInst arg = {.op = PJ_KIR_ARG, .type = type, .imm = k->blocks.data[block].args.len};
  return pj_kir__append(k, block, &arg);
}

static void yield(PjKir *k, uint32_t block, uint32_t n, const PjKirVal *values) {
  PjKirInst inst = {.op = PJ_KIR_YIELD, .num_args = n, .args = (PjKirVal *)values};
  pj_kir__append(k, block, &inst);
}

// |next| as values of the types of the carried ones.
static PjKirVal *conform(PjKir *k, uint32_t n, const PjKirVal *next, const PjKirVal *carried) {
  PjKirVal *values = PJ_NEW_ARRAY(k->arena, PjKirVal, n);
  for (uint32_t i = 0; i < n; ++i)
    values[i] = pj_kir_typeof(k, next[i]).lanes == 1
                    ? pj_kir_splat(k, next[i], pj_kir_typeof(k, carried[i]).lanes)
                    : next[i];
  return values;
}

// Ends the innermost control operation; the result types are those of |values|.
static void close_control(PjKir *k, uint32_t n, const PjKirVal *values, PjKirVal *results) {
  PjKirTable *t = k->table;
  PjKirOpen open = *innermost(k);
  --t->open.len;
  enter(k, k->blocks.data[open.blocks[0]].parent);
  if (open.op == PJ_KIR_IF && t->writes == open.writes)
    pj_kir__restore_recent(k, &open);
  PjKirInst inst = {.op = (uint8_t)open.op,
                    .imm = open.rare,
                    .num_args = open.num_operands,
                    .args = open.operands,
                    .blocks = {open.blocks[0], open.blocks[1]}};
  PjKirVal owner = pj_kir__append(k, k->current, &inst);
  k->blocks.data[open.blocks[0]].owner = owner;
  if (open.blocks[1])
    k->blocks.data[open.blocks[1]].owner = owner;
  for (uint32_t i = 0; i < n; ++i) {
    PjKirInst result = {.op = PJ_KIR_RESULT,
                        .type = pj_kir_typeof(k, values[i]),
                        .imm = i,
                        .num_args = 1,
                        .args = &owner};
    results[i] = pj_kir__append(k, k->current, &result);
  }
}

PjKirVal pj_kir_for_begin(PjKir *k, PjKirVal begin, PjKirVal end, PjKirVal step, uint32_t n,
                          const PjKirVal *init, PjKirVal *args) {
  PjKirOpen *open = open_control(k, PJ_KIR_FOR, 3 + n);
  open->operands[0] = begin;
  open->operands[1] = end;
  open->operands[2] = step;
  uint32_t body = open->blocks[0] = new_block(k, k->current, PJ_KIR_BLOCK_FOR);
  for (uint32_t i = 0; i < n; ++i)
    open->operands[3 + i] = init[i];
  PjKirVal index = add_arg(k, body, PJ_KIR_T(I64, 1));
  for (uint32_t i = 0; i < n; ++i)
    args[i] = add_arg(k, body, pj_kir_typeof(k, open->operands[3 + i]));
  enter(k, body);
  return index;
}

void pj_kir_for_sure(PjKir *k) {
  k->table->kinds.data[k->current] = PJ_KIR_BLOCK_SURE;
}

void pj_kir_for_end(PjKir *k, uint32_t n, const PjKirVal *next, PjKirVal *results) {
  uint32_t body = innermost(k)->blocks[0];
  const PjKirVal *carried = k->blocks.data[body].args.data + 1;
  next = conform(k, n, next, carried);
  yield(k, body, n, next);
  close_control(k, n, carried, results);
}

void pj_kir_while_begin(PjKir *k, uint32_t n, const PjKirVal *init, PjKirVal *args) {
  PjKirOpen *open = open_control(k, PJ_KIR_WHILE, n);
  uint32_t test = open->blocks[0] = new_block(k, k->current, PJ_KIR_BLOCK_TEST);
  for (uint32_t i = 0; i < n; ++i)
    open->operands[i] = init[i];
  for (uint32_t i = 0; i < n; ++i)
    args[i] = add_arg(k, test, pj_kir_typeof(k, open->operands[i]));
  enter(k, test);
}

void pj_kir_while_test(PjKir *k, PjKirVal condition) {
  PjKirOpen *open = innermost(k);
  open->condition = condition;
  open->blocks[1] = new_block(k, open->blocks[0], PJ_KIR_BLOCK_WHILE);
  enter(k, open->blocks[1]);
}

void pj_kir_while_end(PjKir *k, uint32_t n, const PjKirVal *next, PjKirVal *results) {
  PjKirOpen *open = innermost(k);
  uint32_t test = open->blocks[0], body = open->blocks[1];
  PjKirVal condition = open->condition;
  const PjKirVal *carried = k->blocks.data[test].args.data;
  next = conform(k, n, next, carried);
  yield(k, body, n, next);
  // Only now, since until here cheap values of the body could still go to the end of the condition.
  yield(k, test, 1, &condition);
  close_control(k, n, carried, results);
}

void pj_kir_if_begin(PjKir *k, PjKirVal condition) {
  PjKirOpen *open = open_control(k, PJ_KIR_IF, 1);
  open->operands[0] = condition;
  open->blocks[0] = new_block(k, k->current, PJ_KIR_BLOCK_IF);
  enter(k, open->blocks[0]);
  pj_kir__restore_recent(k, open);
}

void pj_kir_if_rare(PjKir *k) {
  PjKirOpen *open = innermost(k);
  open->rare = open->blocks[1] ? 2 : 1;
}

void pj_kir_if_else(PjKir *k, uint32_t n, const PjKirVal *then_values) {
  PjKirOpen *open = innermost(k);
  open->num_then = n;
  open->then_values = PJ_NEW_ARRAY(k->arena, PjKirVal, n);
  for (uint32_t i = 0; i < n; ++i)
    open->then_values[i] = then_values[i];
  open->blocks[1] = new_block(k, k->blocks.data[open->blocks[0]].parent, PJ_KIR_BLOCK_IF);
  // Splats that the join needs must be put in here, so the block is not left before its values are
  // known.
  enter(k, open->blocks[1]);
  pj_kir__restore_recent(k, open);
}

void pj_kir_if_end(PjKir *k, uint32_t n, const PjKirVal *else_values, PjKirVal *results) {
  PjKirOpen open = *innermost(k);
  assert(n == open.num_then);
  PjKirVal *others = conform(k, n, else_values, open.then_values);
  yield(k, open.blocks[1], n, others);
  enter(k, open.blocks[0]);
  PjKirVal *values = conform(k, n, open.then_values, others);
  yield(k, open.blocks[0], n, values);
  close_control(k, n, others, results);
}

PjKirVal pj_kir_call(PjKir *k, PjKirExtern callee, uint32_t n, const PjKirVal *args) {
  if (!pj_kir__pure_call(callee)) {
    pj_kir__forget(k);
    k->table->writes++;
  }
  PjKirType type = {PJ_KIR_VOID, 0};
  switch (pj_kir_extern_info[callee].result) {
  case 'p':
    type = PJ_KIR_T(PTR, 1);
    break;
  case 'l':
    type = PJ_KIR_T(I64, 1);
    break;
  case 'i':
    type = PJ_KIR_T(I32, 1);
    break;
  case 'f':
    type = PJ_KIR_T(F32, 1);
    break;
  case 'd':
    type = PJ_KIR_T(F64, 1);
    break;
  default:
    break;
  }
  PjKirInst inst = {
      .op = PJ_KIR_CALL, .type = type, .imm = callee, .num_args = n, .args = (PjKirVal *)args};
  PjKirVal call = pj_kir__value(k, &inst);
  return type.elem == PJ_KIR_VOID ? 0 : call;
}
