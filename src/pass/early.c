// What a region returns is computed as soon as it can be.
//
//   %g0 = dot_general ...                       %g0 = dot_general ...
//   %g1 = dot_general ...                =>     %m0 = f(%m, %g0) ; %p0 = h(%p, %m0)
//   %m0 = f(%m, %g0)  ... %p0 = h(%p, %m0)      %g1 = dot_general ...
//
// Training steps compute the gradients of all parameters, and then go over all parameters once for
// each moment of their optimizer and once for themselves. Moved up, an update finds the gradient in
// the cache, stands beside the others of its parameter, so that they are one kernel, and the
// gradient's memory is free again.
//
// Moved: elementwise operations and what only spreads or renames their operands, all of whose
// results go to such operations or to the end of the region. They come behind what they read, and
// behind all else that reads an argument of their own size, which they may so overwrite in place.
// What they read of each other waits for them if that is not long: moments and parameter are one
// kernel. Bodies of loops are treated like functions. Nothing is moved where each such operation
// stands there already, or has no budget left for it. Operations are pure, and keep their order
// among themselves. Linear.
#include "pass/passes.h"
#include "pass/simplify.h"

enum { NEAR = 4 }; // operations that an update waits for

typedef struct Walk {
  PjRewrite *rw;
  PjRegion *region;
  bool *moves;     // by place in the region: it may be moved
  uint32_t *first; // by value: the place of its first reader, while that is asked for
} Walk;

static uint32_t *tag(Walk *w, const PjValue *value) {
  return &w->rw->slots[value->id].tag;
}

static bool is_here(const Walk *w, const PjValue *value) {
  return (value->def ? value->def->region : value->region) == w->region;
}

static bool may_move(const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_CONSTANT:
  case PJ_OP_IOTA:
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_RESHAPE:
  case PJ_OP_TRANSPOSE:
    return true;
  default:
    return pj_op_info[op->kind].traits & PJ_TRAIT_ELEM &&
           pj_op_info[op->kind].traits & PJ_TRAIT_PURE && op->num_results == 1 && !op->num_regions;
  }
}

// Finds what moves: tags count uses by such operations and by the terminator, and are 0 afterwards.
// Returns how many.
static uint32_t find_moves(Walk *w, uint32_t count) {
  uint32_t found = 0;
  for (PjOp *op = w->region->last; op; op = op->prev) {
    const bool end = op == w->region->last;
    bool *moves = &w->moves[--count];
    *moves = !end && may_move(op) && *tag(w, op->results) == pj_rw_uses(w->rw, op->results);
    for (uint32_t i = 0; i < op->num_results; ++i)
      *tag(w, &op->results[i]) = 0;
    for (uint32_t i = 0; (end || *moves) && i < op->num_operands; ++i)
      if (op->operands[i]->def && is_here(w, op->operands[i]))
        ++*tag(w, op->operands[i]);
    found += *moves;
  }
  return found;
}

static void note_reads(Walk *w, const PjOp *op, uint32_t place) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!op->operands[i]->def && is_here(w, op->operands[i]))
      *tag(w, op->operands[i]) = place;
  for (uint32_t r = 0; r < op->num_regions; ++r)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      note_reads(w, inner, place);
}

static bool same_size(const PjType *a, const PjType *b) {
  return pj_type_is_tensor(a) && pj_type_is_static(a) && pj_type_is_static(b) &&
         pj_count(a) == pj_count(b);
}

// The number of the fixed operation behind which |op| may stand: what it reads is tagged with its
// own place.
static uint32_t place_of(Walk *w, const PjOp *op) {
  uint32_t place = 0;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjValue *value = op->operands[i];
    if (is_here(w, value) && (value->def || same_size(value->type, op->results[0].type)) &&
        *tag(w, value) > place)
      place = *tag(w, value);
  }
  return place;
}

// Brings what moves nearer to what it is moved for: behind |NEAR| more operations at most.
static void wait_for_readers(Walk *w, PjOp *const *ops, uint32_t count) {
  uint32_t *first = w->first;
  for (uint32_t i = count; i-- > 0;) {
    if (!w->moves[i])
      continue;
    uint32_t *place = tag(w, ops[i]->results);
    const uint32_t wanted = first[ops[i]->results[0].id];
    if (wanted != UINT32_MAX && wanted > *place && wanted - *place <= NEAR)
      *place = wanted;
    for (uint32_t k = 0; k < ops[i]->num_operands; ++k) {
      uint32_t *at = &first[ops[i]->operands[k]->id];
      *at = *place < *at ? *place : *at;
    }
  }
  for (uint32_t i = 0; i < count; ++i)
    for (uint32_t k = 0; w->moves[i] && k < ops[i]->num_operands; ++k)
      first[ops[i]->operands[k]->id] = UINT32_MAX;
}

// Fixed operations have numbers from 1 on; what stands behind number n goes before |next[n]|.
static void move(Walk *w, uint32_t count, uint32_t fixed) {
  PjRewrite *rw = w->rw;
  PjOp **ops = PJ_NEW_ARRAY(rw->scratch, PjOp *, count), *op = w->region->first;
  PjOp **next = PJ_NEW_ARRAY(rw->scratch, PjOp *, fixed);
  uint32_t place = 0, last = 0;
  bool changes = false;
  for (uint32_t i = 0; i < count; ++i, op = op->next) {
    ops[i] = op;
    if (w->moves[i])
      continue;
    next[place++] = op;
    if (op->next) // what the end returns it may return as it is
      note_reads(w, op, place);
    for (uint32_t r = 0; r < op->num_results; ++r)
      *tag(w, &op->results[r]) = place;
  }
  for (uint32_t i = 0; i < count; ++i)
    if (w->moves[i])
      *tag(w, ops[i]->results) = place_of(w, ops[i]);
  wait_for_readers(w, ops, count);
  for (uint32_t i = 0; i < count; ++i) {
    last += !w->moves[i];
    changes |= w->moves[i] && *tag(w, ops[i]->results) < last && ops[i]->num_operands;
  }
  for (uint32_t i = 0; changes && i < count; ++i)
    if (w->moves[i]) {
      pj_op_remove(ops[i]);
      pj_op_insert_before(next[*tag(w, ops[i]->results)], ops[i]);
      ++rw->changes;
    }
  for (uint32_t i = 0; i < count; ++i)
    for (uint32_t r = 0; r < ops[i]->num_results; ++r)
      *tag(w, &ops[i]->results[r]) = 0;
  for (uint32_t i = 0; i < w->region->num_args; ++i)
    *tag(w, &w->region->args[i]) = 0;
}

static void treat(PjRewrite *rw, PjRegion *region, uint32_t *first) {
  uint32_t count = 0;
  for (PjOp *op = region->first; op; op = op->next) {
    if (op->kind == PJ_OP_WHILE)
      treat(rw, &op->regions[1], first);
    ++count;
  }
  if (!pj_region_terminator(region) || rw->exhausted || !pj_rw_spend(rw, 3 * (uint64_t)count))
    return;
  Walk w = {rw, region, PJ_NEW_ARRAY(rw->scratch, bool, count), first};
  const uint32_t found = find_moves(&w, count);
  if (found)
    move(&w, count, count - found);
}

PjStatus pj_pass_early(PjRewrite *rw) {
  uint32_t *first = PJ_NEW_ARRAY(rw->scratch, uint32_t, rw->num_values);
  for (uint32_t i = 0; i < rw->num_values; ++i)
    first[i] = UINT32_MAX;
  for (PjOp *func = rw->module->body.first; func; func = func->next)
    if (func->kind == PJ_OP_FUNC)
      treat(rw, &func->regions[0], first);
  return PJ_STATUS_OK;
}
