// See kir_split.h. The function is built anew, instruction by instruction, through the builder: it
// folds the branches whose conditions have become known, and moves what the loops no longer change
// in front of them.
#include "kernel/kir_split.h"

#include "kernel/kir_build.h"
#include "kernel/kir_range.h"

enum { MOST_INSTS = 400, MOST_LIMITS = 32, MOST_APART = 2, MOST_IN_TURN = 8 };
#define MOST_MOVE ((int64_t)1 << 31)
#define MOST_SIZE ((int64_t)1 << 48) // whose sums do not overflow

// i + from + move < bound (or <=, with |or_equal|), in unsigned numbers.
typedef struct Limit {
  PjKirVal condition, bound, from; // |from| may be 0: nothing
  int64_t move;
  bool or_equal;
  bool ends; // |bound| is no negative number: beyond it, and before the start, the condition fails
} Limit;

typedef struct Limits {
  uint32_t len;
  Limit data[MOST_LIMITS];
} Limits;

typedef struct Split {
  PjKir *from, *to;
  PjKirVal *map; // of values, to those of |to|
  bool *known; // conditions of the branches around what is copied, or of the part of a loop, which
  bool *truth; // are |truth|
  int apart;   // branches around what is copied, on what a loop does not change
  int in_turn; // splits of one loop, each of what the one before left
} Split;

// --- what to split
// ---------------------------------------------------------------------------------

static const PjKirInst *inst_of(const PjKir *k, PjKirVal v) {
  return &k->insts.data[v];
}

static const PjKirInst *yield_of(const PjKir *k, uint32_t block) {
  const PjKirBlock *b = &k->blocks.data[block];
  return inst_of(k, b->insts.data[b->insts.len - 1]);
}

// Whether |block| is |outer| or lies in it.
static bool lies_in(const PjKir *k, uint32_t block, uint32_t outer) {
  while (block && block != outer)
    block = k->blocks.data[block].parent;
  return block == outer;
}

// Whether |condition|, in the loop |body|, is known by what |s| (NULL: nothing) knows of what the
// loop does not change.
static bool is_known(const Split *s, PjKirVal condition, uint32_t body, bool *out) {
  if (!s)
    return false;
  const PjKirInst *inst = inst_of(s->from, condition);
  uint64_t bits;
  if (s->known[condition]) {
    *out = s->truth[condition];
    return true;
  }
  if (!lies_in(s->from, inst->block, body)) {
    if (!pj_kir_is_const(s->to, s->map[condition], &bits))
      return false;
    *out = bits;
    return true;
  }
  if (inst->op != PJ_KIR_AND)
    return false;
  bool a, b, knows_a = is_known(s, inst->args[0], body, &a),
             knows_b = is_known(s, inst->args[1], body, &b);
  *out = knows_a && knows_b && a && b;
  return (knows_a && (knows_b || !a)) || (knows_b && !b);
}

static bool within(PjKirRange r, int64_t low, int64_t high) {
  return r.known && r.lo >= low && r.hi <= high;
}

// i, i + number, i + value or their sum, of which the value does not change in the loop |body|.
static bool is_moved_index(PjKir *k, PjKirVal v, uint32_t body, Limit *out) {
  const PjKirVal index = k->blocks.data[body].args.data[0];
  const PjKirInst *add = inst_of(k, v);
  uint64_t move = 0;
  if (add->op == PJ_KIR_ADD && pj_kir_is_const(k, add->args[1], &move)) {
    v = add->args[0];
    add = inst_of(k, v);
  }
  out->move = (int64_t)move;
  if (out->move > MOST_MOVE || out->move < -MOST_MOVE)
    return false;
  if (v == index)
    return true;
  if (add->op != PJ_KIR_ADD || (add->args[0] != index && add->args[1] != index))
    return false;
  out->from = add->args[add->args[0] == index];
  return !lies_in(k, inst_of(k, out->from)->block, body) &&
         within(pj_kir_range(k, out->from), -MOST_SIZE, MOST_SIZE);
}

// Adds what |condition| asks of the index of the loop |body|. True if that, and what |s| knows, is
// all that it asks.
static bool add_limit(const Split *s, PjKir *k, PjKirVal condition, uint32_t body, Limits *out) {
  const PjKirInst *inst = inst_of(k, condition);
  bool truth;
  if (is_known(s, condition, body, &truth))
    return truth;
  if (inst->op == PJ_KIR_AND && inst->type.lanes == 1) {
    const bool first = add_limit(s, k, inst->args[0], body, out);
    return add_limit(s, k, inst->args[1], body, out) && first;
  }
  Limit limit = {.condition = condition};
  if ((inst->op != PJ_KIR_ULT && inst->op != PJ_KIR_ULE) || inst->type.lanes != 1 ||
      out->len == MOST_LIMITS || !is_moved_index(k, inst->args[0], body, &limit) ||
      lies_in(k, inst_of(k, inst->args[1])->block, body))
    return false;
  for (uint32_t i = 0; i < out->len; ++i)
    if (out->data[i].condition == condition)
      return true;
  limit.bound = inst->args[1];
  limit.or_equal = inst->op == PJ_KIR_ULE;
  limit.ends = within(pj_kir_range(k, limit.bound), 0, MOST_SIZE);
  if (limit.from && !limit.ends)
    return false;
  out->data[out->len++] = limit;
  return true;
}

// Finds the limits in |block| of the loop |body|, where |s| does not know what branches do, and not
// in those that are passed by where other limits hold; |out| may be NULL. False if the loop is not
// one to split.
static bool find_limits(const Split *s, PjKir *k, uint32_t block, uint32_t body, uint32_t *insts,
                        Limits *out) {
  const PjKirBlock *b = &k->blocks.data[block];
  for (uint32_t i = 0; i < b->insts.len; ++i) {
    const PjKirInst *inst = inst_of(k, b->insts.data[i]);
    if (++*insts > MOST_INSTS || inst->op == PJ_KIR_FOR || inst->op == PJ_KIR_WHILE)
      return false;
    if (inst->op != PJ_KIR_IF)
      continue;
    bool known = false, truth = false, all = false;
    known = is_known(s, inst->args[0], body, &truth);
    if (!known && out)
      all = add_limit(s, k, inst->args[0], body, out);
    if (((!known || truth) && !find_limits(s, k, inst->blocks[0], body, insts, out)) ||
        ((!known || !truth) && !find_limits(s, k, inst->blocks[1], body, insts, all ? NULL : out)))
      return false;
  }
  return true;
}

static bool has_limits(const Split *s, PjKir *k, const PjKirInst *loop, Limits *out) {
  uint32_t insts = 0;
  uint64_t step;
  out->len = 0;
  return pj_kir_is_const(k, loop->args[2], &step) && step && !(step & (step - 1)) &&
         find_limits(s, k, loop->blocks[0], loop->blocks[0], &insts, out) && out->len;
}

// The only thing that |block| does: a read of all lanes.
static const PjKirInst *only_read(const PjKir *k, uint32_t block) {
  const PjKirBlock *b = &k->blocks.data[block];
  const PjKirInst *first = inst_of(k, b->insts.data[0]);
  bool reads = (first->op == PJ_KIR_READ || first->op == PJ_KIR_LOAD) && first->num_args == 2;
  return reads && b->insts.len == 2 && yield_of(k, block)->num_args == 1 &&
                 yield_of(k, block)->args[0] == b->insts.data[0]
             ? first
             : NULL;
}

static bool is_choice_of_reads(const PjKir *k, const PjKirInst *branch) {
  const PjKirInst *a = only_read(k, branch->blocks[0]), *b = only_read(k, branch->blocks[1]);
  return a && b && a->op == b->op && a->alias == b->alias && a->args[0] == b->args[0] &&
         pj_kir_type_eq(a->type, b->type);
}

// A part of |condition| that the loop |body| does not change, and |s| does not know; 0: none.
static PjKirVal settled_part(const Split *s, const PjKir *k, PjKirVal condition, uint32_t body) {
  const PjKirInst *inst = inst_of(k, condition);
  uint64_t bits;
  if (!lies_in(k, inst->block, body))
    return s && pj_kir_is_const(s->to, s->map[condition], &bits) ? 0 : condition;
  if (inst->op != PJ_KIR_AND)
    return 0;
  PjKirVal part = settled_part(s, k, inst->args[0], body);
  return part ? part : settled_part(s, k, inst->args[1], body);
}

// The same of the conditions of branches in |block| of the loop |body|.
static PjKirVal settled_in(const Split *s, const PjKir *k, uint32_t block, uint32_t body) {
  const PjKirBlock *b = &k->blocks.data[block];
  PjKirVal found = 0;
  for (uint32_t i = 0; i < b->insts.len && !found; ++i) {
    const PjKirInst *inst = inst_of(k, b->insts.data[i]);
    if (inst->op != PJ_KIR_IF || is_choice_of_reads(k, inst))
      continue;
    bool known = false, truth = false;
    known = is_known(s, inst->args[0], body, &truth);
    if (!known)
      found = settled_part(s, k, inst->args[0], body);
    if (!found && (!known || truth))
      found = settled_in(s, k, inst->blocks[0], body);
    if (!found && (!known || !truth))
      found = settled_in(s, k, inst->blocks[1], body);
  }
  return found;
}

// A condition of branches in the innermost loop |loop| that it does not change, 0: none.
static PjKirVal settled(const Split *s, PjKir *k, const PjKirInst *loop) {
  uint32_t insts = 0;
  return find_limits(s, k, loop->blocks[0], loop->blocks[0], &insts, NULL)
             ? settled_in(s, k, loop->blocks[0], loop->blocks[0])
             : 0;
}

static bool worth_it(PjKir *k) {
  Limits limits;
  for (PjKirVal v = 1; v < k->insts.len; ++v) {
    const PjKirInst *inst = inst_of(k, v);
    if (inst->op == PJ_KIR_IF ? is_choice_of_reads(k, inst)
                              : inst->op == PJ_KIR_FOR &&
                                    (has_limits(NULL, k, inst, &limits) || settled(NULL, k, inst)))
      return true;
  }
  return false;
}

// --- building anew
// -----------------------------------------------------------------------------------

static PjKirVal *copy_block(Split *s, uint32_t block);

static PjKirVal *mapped(Split *s, const PjKirVal *args, uint32_t n) {
  PjKirVal *to = PJ_NEW_ARRAY(s->to->arena, PjKirVal, n + 1);
  for (uint32_t i = 0; i < n; ++i)
    to[i] = s->map[args[i]];
  return to;
}

// c ? x : y of indices, with what both have in common taken out.
static PjKirVal choose_index(PjKir *k, PjKirVal c, PjKirVal x, PjKirVal y) {
  PjKirVal zero = pj_kir_i64(k, 0);
  for (int a = 0; a < 2; ++a) {
    const PjKirInst *ix = inst_of(k, x), *iy = inst_of(k, y);
    PjKirVal x0 = ix->op == PJ_KIR_ADD ? ix->args[a] : 0, y0 = 0;
    if (x0 == y && x0)
      return pj_kir_add(k, y, pj_kir_select(k, c, ix->args[!a], zero));
    for (int b = 0; b < 2; ++b) {
      y0 = iy->op == PJ_KIR_ADD ? iy->args[b] : 0;
      if (y0 == x && y0)
        return pj_kir_add(k, x, pj_kir_select(k, c, zero, iy->args[!b]));
      if (x0 && x0 == y0)
        return pj_kir_add(k, x0, pj_kir_select(k, c, ix->args[!a], iy->args[!b]));
    }
  }
  return pj_kir_select(k, c, x, y);
}

static void suppose(Split *s, const Limits *limits, bool known, bool truth) {
  for (uint32_t i = 0; limits && i < limits->len; ++i) {
    s->known[limits->data[i].condition] = known;
    s->truth[limits->data[i].condition] = truth;
  }
}

static PjKirVal *copy_if(Split *s, const PjKirInst *branch) {
  const PjKir *from = s->from;
  PjKir *k = s->to;
  PjKirVal condition = s->map[branch->args[0]];
  uint64_t known = s->truth[branch->args[0]];
  if (s->known[branch->args[0]] || pj_kir_is_const(k, condition, &known))
    return copy_block(s, branch->blocks[known ? 0 : 1]);
  uint32_t n = yield_of(from, branch->blocks[0])->num_args;
  PjKirVal *results = PJ_NEW_ARRAY(k->arena, PjKirVal, n + 1);
  if (is_choice_of_reads(from, branch)) {
    const PjKirInst *a = only_read(from, branch->blocks[0]),
                    *b = only_read(from, branch->blocks[1]);
    PjKirVal index = choose_index(k, condition, s->map[a->args[1]], s->map[b->args[1]]);
    k->alias = a->alias;
    results[0] = pj_kir_load(k, a->type, s->map[a->args[0]], index, 0, a->op == PJ_KIR_READ);
    return results;
  }
  s->known[branch->args[0]] = true;
  pj_kir_if_begin(k, condition);
  if (branch->imm == 1)
    pj_kir_if_rare(k);
  s->truth[branch->args[0]] = true;
  PjKirVal *values = copy_block(s, branch->blocks[0]);
  pj_kir_if_else(k, n, values);
  if (branch->imm == 2)
    pj_kir_if_rare(k);
  s->truth[branch->args[0]] = false;
  values = copy_block(s, branch->blocks[1]);
  pj_kir_if_end(k, n, values, results);
  s->known[branch->args[0]] = false;
  return results;
}

// From |begin| to |end|, where |limits| hold, or fail (NULL: nobody knows).
static PjKirVal *copy_loop(Split *s, const PjKirInst *loop, PjKirVal begin, PjKirVal end,
                           PjKirVal *carried, const Limits *limits, bool hold) {
  PjKir *k = s->to;
  const PjKirBlock *body = &s->from->blocks.data[loop->blocks[0]];
  uint32_t n = (uint32_t)body->args.len - 1;
  PjKirVal *args = PJ_NEW_ARRAY(k->arena, PjKirVal, n + 1),
           *results = PJ_NEW_ARRAY(k->arena, PjKirVal, n + 1);
  const PjKirRange first = pj_kir_range(k, begin), last = pj_kir_range(k, end);
  const bool known = first.known && last.known;
  if (known && first.lo >= last.hi)
    return carried;
  PjKirVal index = s->map[body->args.data[0]] =
      pj_kir_for_begin(k, begin, end, s->map[loop->args[2]], n, carried, args);
  if (known)
    pj_kir_assume(k, index, first.lo, last.hi - 1);
  for (uint32_t i = 0; i < n; ++i)
    s->map[body->args.data[i + 1]] = args[i];
  suppose(s, limits, true, hold);
  PjKirVal *next = copy_block(s, loop->blocks[0]);
  pj_kir_for_end(k, n, next, results);
  suppose(s, limits, false, hold);
  return results;
}

// |from| and as many steps as reach |to|, which does not lie before it.
static PjKirVal reach(PjKir *k, PjKirVal from, PjKirVal to, uint64_t step) {
  PjKirVal way = pj_kir_add(k, pj_kir_sub(k, to, from), pj_kir_i64(k, (int64_t)step - 1));
  PjKirVal there = pj_kir_add(k, from, pj_kir_and(k, way, pj_kir_i64(k, -(int64_t)step)));
  const PjKirRange a = pj_kir_range(k, from), b = pj_kir_range(k, to);
  if (within(a, -MOST_SIZE, MOST_SIZE) && within(b, a.hi, MOST_SIZE) && a.lo == a.hi) {
    const int64_t low = (b.lo - a.lo + (int64_t)step - 1) & -(int64_t)step,
                  high = (b.hi - a.lo + (int64_t)step - 1) & -(int64_t)step;
    pj_kir_assume(k, there, a.lo + low, a.lo + high);
  }
  return there;
}

static PjKirVal *copy_for(Split *s, const PjKirInst *loop);

// Twice, behind a branch on what it does not change: |condition|.
static PjKirVal *copy_apart(Split *s, const PjKirInst *loop, PjKirVal condition) {
  PjKir *k = s->to;
  PjKirVal here = s->map[condition];
  uint32_t n = loop->num_args - 3;
  PjKirVal *results = PJ_NEW_ARRAY(k->arena, PjKirVal, n + 1);
  ++s->apart;
  pj_kir_if_begin(k, here);
  s->map[condition] = pj_kir_const(k, PJ_KIR_T(I1, 1), 1);
  PjKirVal *values = copy_for(s, loop);
  pj_kir_if_else(k, n, values);
  s->map[condition] = pj_kir_const(k, PJ_KIR_T(I1, 1), 0);
  values = copy_for(s, loop);
  pj_kir_if_end(k, n, values, results);
  s->map[condition] = here;
  --s->apart;
  return results;
}

// From |begin| to |end|.
static PjKirVal *copy_range(Split *s, const PjKirInst *loop, PjKirVal begin, PjKirVal end,
                            PjKirVal *carried) {
  PjKir *k = s->to;
  Limits limits;
  if (s->in_turn == MOST_IN_TURN || !has_limits(s, s->from, loop, &limits))
    return copy_loop(s, loop, begin, end, carried, NULL, false);
  uint64_t step, first;
  pj_kir_is_const(s->from, loop->args[2], &step);
  // All hold from |low| to |high|: i + from + move >= 0, and i + from + move < bound where that is
  // no negative number.
  int64_t least = 0;
  PjKirVal low = begin, high = end;
  bool moved = false;
  for (uint32_t i = 0; i < limits.len; ++i) {
    const Limit *l = &limits.data[i];
    PjKirVal bound = s->map[l->bound];
    if (l->from) {
      moved = true;
      bound = pj_kir_sub(k, bound, s->map[l->from]);
      PjKirVal start = pj_kir_sub(k, pj_kir_i64(k, -l->move), s->map[l->from]);
      low = pj_kir_2(k, PJ_KIR_SMAX, low, start);
    } else if (-l->move > least)
      least = -l->move;
    high =
        pj_kir_2(k, PJ_KIR_SMIN, high, pj_kir_add(k, bound, pj_kir_i64(k, l->or_equal - l->move)));
  }
  // A single one that does not hold fails.
  const Limits *fails = limits.len == 1 && limits.data[0].ends ? &limits : NULL;
  if (moved || !pj_kir_is_const(k, begin, &first) || (int64_t)first < least) {
    low = reach(k, begin, pj_kir_2(k, PJ_KIR_SMAX, low, pj_kir_i64(k, least)), step);
    carried = copy_loop(s, loop, begin, pj_kir_2(k, PJ_KIR_SMIN, low, end), carried, fails, false);
  }
  high = pj_kir_2(k, PJ_KIR_SMAX, low, high);
  carried = copy_loop(s, loop, low, high, carried, &limits, true);
  low = reach(k, low, high, step);
  if (!fails)
    return copy_loop(s, loop, low, end, carried, NULL, false);
  // What is left may be split by what is asked next, as of the parts of a concatenation.
  ++s->in_turn;
  suppose(s, fails, true, false);
  carried = copy_range(s, loop, low, end, carried);
  suppose(s, fails, false, false);
  --s->in_turn;
  return carried;
}

static PjKirVal *copy_for(Split *s, const PjKirInst *loop) {
  PjKirVal condition = s->apart < MOST_APART ? settled(s, s->from, loop) : 0;
  if (condition)
    return copy_apart(s, loop, condition);
  return copy_range(s, loop, s->map[loop->args[0]], s->map[loop->args[1]],
                    mapped(s, loop->args + 3, loop->num_args - 3));
}

static PjKirVal *copy_while(Split *s, const PjKirInst *loop) {
  PjKir *k = s->to;
  uint32_t n = loop->num_args;
  const PjKirBlock *test = &s->from->blocks.data[loop->blocks[0]];
  PjKirVal *args = PJ_NEW_ARRAY(k->arena, PjKirVal, n + 1),
           *results = PJ_NEW_ARRAY(k->arena, PjKirVal, n + 1);
  pj_kir_while_begin(k, n, mapped(s, loop->args, n), args);
  for (uint32_t i = 0; i < n; ++i)
    s->map[test->args.data[i]] = args[i];
  pj_kir_while_test(k, copy_block(s, loop->blocks[0])[0]);
  pj_kir_while_end(k, n, copy_block(s, loop->blocks[1]), results);
  return results;
}

// What the sizes at hand say of a < b (or <=, with |or_equal|), unsigned numbers: 0 or 1, else -1.
static int compared(PjKirRange a, PjKirRange b, bool or_equal) {
  if (!a.known || !b.known || b.lo < 0)
    return -1;
  if (a.lo >= 0 && (or_equal ? a.hi <= b.lo : a.hi < b.lo))
    return 1;
  return a.hi < 0 || (or_equal ? a.lo > b.hi : a.lo >= b.hi) ? 0 : -1;
}

static PjKirVal copy_leaf(PjKir *k, const PjKirInst *inst) {
  switch (inst->op) {
  case PJ_KIR_CONST:
    return pj_kir_const(k, inst->type, inst->imm);
  case PJ_KIR_IOTA:
    return pj_kir_iota(k, inst->type);
  case PJ_KIR_BUFFER:
    return pj_kir_buffer(k, (uint32_t)inst->imm);
  case PJ_KIR_BEGIN:
    return pj_kir_begin(k);
  case PJ_KIR_END:
    return pj_kir_end(k);
  case PJ_KIR_SCRATCH:
    return pj_kir_scratch(k);
  default:
    return pj_kir_stack(k, inst->imm);
  }
}

static PjKirVal copy_value(Split *s, PjKirVal v) {
  const PjKirInst *inst = inst_of(s->from, v);
  PjKir *k = s->to;
  uint32_t n = inst->num_args;
  const PjKirVal *args = mapped(s, inst->args, n);
  k->alias = inst->alias;
  k->past = inst->op == PJ_KIR_STORE && inst->imm;
  switch (inst->op) {
  case PJ_KIR_SPLAT:
    return pj_kir_splat(k, args[0], inst->type.lanes);
  case PJ_KIR_EXTRACT:
    return pj_kir_extract(k, args[0], (int)inst->imm);
  case PJ_KIR_SHUFFLE:
    return pj_kir_shuffle(k, args[0], args[1], inst->type.lanes, inst->pattern);
  case PJ_KIR_PTRADD:
    return pj_kir_ptradd(k, args[0], args[1]);
  case PJ_KIR_LOAD:
  case PJ_KIR_READ:
    return pj_kir_load(k, inst->type, args[0], args[1], n > 2 ? args[2] : 0,
                       inst->op == PJ_KIR_READ);
  case PJ_KIR_GATHER:
  case PJ_KIR_READG:
    return pj_kir_gather(k, inst->type, args[0], args[1], n > 2 ? args[2] : 0,
                         inst->op == PJ_KIR_READG);
  case PJ_KIR_STORE:
    pj_kir_store(k, args[0], args[1], args[2], n > 3 ? args[3] : 0);
    return 0;
  case PJ_KIR_SCATTER:
    pj_kir_scatter(k, args[0], args[1], args[2], n > 3 ? args[3] : 0);
    return 0;
  case PJ_KIR_CALL:
    return pj_kir_call(k, (PjKirExtern)inst->imm, n, args);
  case PJ_KIR_SELECT:
    return pj_kir_select(k, args[0], args[1], args[2]);
  case PJ_KIR_ULT:
  case PJ_KIR_ULE: {
    const int known =
        compared(pj_kir_range(k, args[0]), pj_kir_range(k, args[1]), inst->op == PJ_KIR_ULE);
    return known >= 0 ? pj_kir_const(k, inst->type, (uint64_t)known)
                      : pj_kir_2(k, (PjKirOp)inst->op, args[0], args[1]);
  }
  case PJ_KIR_PARAM: {
    const PjKirVal param = pj_kir_param(k, inst->type, (uint32_t)inst->imm);
    const PjKirRange range = pj_kir_range(s->from, v);
    if (inst->type.elem == PJ_KIR_I64 && inst->type.lanes == 1 && range.known)
      pj_kir_assume(k, param, range.lo, range.hi);
    return param;
  }
  default:
    return n ? pj_kir__lanewise(k, (PjKirOp)inst->op, inst->type, n, args) : copy_leaf(k, inst);
  }
}

// Copies what is in |block| to the place at hand; returns the values that it yields.
static PjKirVal *copy_block(Split *s, uint32_t block) {
  const PjKir *from = s->from;
  const PjKirBlock *b = &from->blocks.data[block];
  PjKirVal *results = NULL;
  for (uint32_t i = 0; i < b->insts.len; ++i) {
    PjKirVal v = b->insts.data[i];
    const PjKirInst *inst = inst_of(from, v);
    switch (inst->op) {
    case PJ_KIR_FOR:
      results = copy_for(s, inst);
      break;
    case PJ_KIR_WHILE:
      results = copy_while(s, inst);
      break;
    case PJ_KIR_IF:
      results = copy_if(s, inst);
      break;
    case PJ_KIR_RESULT: // directly behind their operation
      s->map[v] = results[inst->imm];
      break;
    case PJ_KIR_YIELD:
      return mapped(s, inst->args, inst->num_args);
    default:
      s->map[v] = s->known[v] ? pj_kir_const(s->to, inst->type, s->truth[v]) : copy_value(s, v);
      break;
    }
  }
  return results;
}

PjKir *pj_kir_split(PjKir *k) {
  if (!worth_it(k))
    return k;
  Split s = {.from = k, .to = pj_kir_create(k->arena, k->target, k->name)};
  s.map = PJ_NEW_ARRAY(k->arena, PjKirVal, k->insts.len);
  s.known = PJ_NEW_ARRAY(k->arena, bool, k->insts.len);
  s.truth = PJ_NEW_ARRAY(k->arena, bool, k->insts.len);
  copy_block(&s, 1);
  pj_kir_finish(s.to);
  return s.to;
}
