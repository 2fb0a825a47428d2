// Localising: sums over the same devices that do not need each other become one (local.h), so that
// devices meet once: those of all gradients of a step, say.
//
//   %2 = all_reduce %0 ; %3 = all_reduce %1 ; use %2, %3   =>   %2, %3 = all_reduce %0, %1
//
// Walking a region, sums wait in a list until one of their results is read; those of one kind then
// become one operation, where the last of them stood. Near-linear: a list is as long as the sums
// that nobody has read yet, and each is compared with the first of each kind.
#include "partition/local.h"

typedef struct Kind {
  PjOp *first; // that the others are like
  PJ_VEC(PjOp *) members;
} Kind;

// The sums of one region.
typedef struct Combine {
  PjLocal *l;
  PJ_VEC(Kind) kinds;
  PjMap waiting; // results of members
  PjMap *places; // of results that are gone
} Combine;

static bool alike(const PjOp *a, const PjOp *b) {
  bool same = a->operands[0]->type->dtype == b->operands[0]->type->dtype &&
              pj_shard_reducer(&a->regions[0]) == pj_shard_reducer(&b->regions[0]);
  for (uint32_t i = 0; i < pj_op_info[PJ_OP_ALL_REDUCE].num_attrs && same; ++i)
    same = pj_attr_eq(a->attrs[i], b->attrs[i]);
  return same;
}

// Of one array, by a reduction that has no attributes of its own.
static bool is_sum(const PjOp *op) {
  return op->kind == PJ_OP_ALL_REDUCE && op->num_operands == 1 &&
         pj_shard_reducer(&op->regions[0]) != PJ_OP_INVALID;
}

static void join(Combine *c, const Kind *kind) {
  PjArena *arena = c->l->arena;
  uint32_t count = (uint32_t)kind->members.len;
  if (count < 2)
    return;
  PjOp *last = kind->members.data[count - 1];
  PjOp *all = pj_op_create(arena, PJ_OP_ALL_REDUCE, count, count, 1);
  for (uint32_t i = 0; i < pj_op_info[PJ_OP_ALL_REDUCE].num_attrs; ++i)
    all->attrs[i] = last->attrs[i];
  all->loc = last->loc;
  for (uint32_t i = 0; i < count; ++i) {
    PjOp *op = kind->members.data[i];
    all->operands[i] = op->operands[0];
    all->results[i].type = op->results[0].type;
    pj_map_set(c->l->scratch, c->places, pj_map_ptr(&op->results[0]), pj_map_ptr(&all->results[i]));
  }
  PjRegion *from = &last->regions[0], *to = &all->regions[0];
  to->args = from->args;
  to->num_args = from->num_args;
  for (uint32_t i = 0; i < to->num_args; ++i)
    to->args[i].region = to;
  for (PjOp *op; (op = from->first);) {
    pj_op_remove(op);
    pj_op_append(to, op);
  }
  pj_op_insert_before(last, all);
  for (uint32_t i = 0; i < count; ++i)
    pj_op_remove(kind->members.data[i]);
}

static void join_all(Combine *c) {
  for (size_t i = 0; i < c->kinds.len; ++i)
    join(c, &c->kinds.data[i]);
  c->kinds.len = 0;
  c->waiting = (PjMap){0};
}

static void wait_for(Combine *c, PjOp *op) {
  Kind *kind = NULL;
  for (size_t i = 0; i < c->kinds.len && !kind; ++i)
    if (alike(c->kinds.data[i].first, op))
      kind = &c->kinds.data[i];
  if (!kind) {
    PJ_PUSH(c->l->scratch, &c->kinds, ((Kind){.first = op}));
    kind = &c->kinds.data[c->kinds.len - 1];
  }
  PJ_PUSH(c->l->scratch, &kind->members, op);
  pj_map_set(c->l->scratch, &c->waiting, pj_map_ptr(&op->results[0]), 1);
}

static bool reads_waiting(const Combine *c, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (pj_map_find(&c->waiting, pj_map_ptr(op->operands[i])))
      return true;
  for (uint32_t r = 0; r < op->num_regions; ++r)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      if (reads_waiting(c, inner))
        return true;
  return false;
}

static void combine_region(PjLocal *l, PjRegion *region, PjMap *places) {
  Combine c = {.l = l, .places = places};
  for (PjOp *op = region->first, *next; op; op = next) {
    next = op->next;
    if (c.kinds.len && reads_waiting(&c, op))
      join_all(&c);
    if (is_sum(op)) {
      wait_for(&c, op);
      continue;
    }
    for (uint32_t r = 0; r < op->num_regions; ++r)
      combine_region(l, &op->regions[r], places);
  }
  join_all(&c);
}

static void replace(const PjMap *places, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; ++i) {
      const uint64_t *place = pj_map_find(places, pj_map_ptr(op->operands[i]));
      if (place)
        op->operands[i] = (PjValue *)(uintptr_t)*place;
    }
    for (uint32_t r = 0; r < op->num_regions; ++r)
      replace(places, &op->regions[r]);
  }
}

void pj_local_combine(PjLocal *l, PjRegion *region) {
  PjMap places = {0};
  combine_region(l, region, &places);
  replace(&places, region);
}
