// Updates at places that are known become joined pieces where only elementwise operations read
// them.
//
//   %u = dynamic_update_slice %x, %w, 10, 0       %a = slice %x [0:10, ..] ; %b = slice %x [12:64,
//   ..] %r = exponential %u                     =>    %u = concatenate %a, %w, %b ; %r =
//   exponential %u
//
// An update changes its operand in place, or a copy of it: another pass over the array, and its
// memory. Pieces are joined where they are read, in the kernel of what reads them. Left as they
// are: updates that anything else reads, for then the array has to be in memory; updates of
// updates, which change one array in turn; those in the bodies of loops, whose arrays change in
// place; and of small arrays, where a copy costs less than a choice. Linear.
#include "pass/passes.h"
#include "pass/simplify.h"

enum {
  MIN_ELEMENTS = 1024,
  MAX_DIMS = 2, // in which the update is smaller than the whole: each makes three pieces of one
};

static bool reads_in_place(const PjOp *op) {
  return pj_op_info[op->kind].traits & PJ_TRAIT_ELEM && op->num_results == 1 && !op->num_regions;
}

// Where the update begins, and how many dimensions it is smaller in.
static bool find_starts(const PjOp *op, int64_t *start, int *smaller) {
  const PjType *whole = op->results[0].type, *part = op->operands[1]->type;
  *smaller = 0;
  if (whole->quant || !pj_type_is_static(whole) || !pj_type_is_static(part) ||
      pj_count(whole) < MIN_ELEMENTS || !pj_count(part))
    return false;
  for (int32_t d = 0; d < whole->rank; ++d) {
    const int64_t last = whole->dims[d] - part->dims[d];
    if (!pj_const_int(op->operands[2 + d], &start[d]) || start[d] < 0 || start[d] > last)
      return false;
    *smaller += last > 0;
  }
  return *smaller <= MAX_DIMS;
}

static bool pays(const PjOp *op) {
  const PjOp *from = op->operands[0]->def;
  int64_t start[PJ_MAX_RANK];
  int smaller;
  if (from && (from->kind == PJ_OP_DYNAMIC_UPDATE_SLICE || from->kind == PJ_OP_SCATTER))
    return false;
  return find_starts(op, start, &smaller);
}

// Of the box [start, limit) of |x|, with |part| in the middle of dimension |d|.
static PjValue *join(PjRewrite *rw, PjOp *at, PjValue *x, int32_t d, const int64_t *start,
                     const int64_t *limit, PjValue *part, int64_t place) {
  const int64_t from = start[d], to = limit[d], behind = place + part->type->dims[d];
  int64_t edge[PJ_MAX_RANK], dims[PJ_MAX_RANK];
  PjValue *parts[3];
  uint32_t count = 0;
  for (int32_t i = 0; i < x->type->rank; ++i) {
    edge[i] = i == d ? place : limit[i];
    dims[i] = limit[i] - start[i];
  }
  if (place > from)
    parts[count++] = pj_build_slice(rw, at, x, start, edge, NULL);
  parts[count++] = part;
  memcpy(edge, start, sizeof edge);
  edge[d] = behind;
  if (to > behind)
    parts[count++] = pj_build_slice(rw, at, x, edge, limit, NULL);
  PjOp *made = pj_build_op(rw, at, PJ_OP_CONCATENATE, count, parts,
                           pj_type_with_dims(rw->arena, x->type, x->type->rank, dims));
  pj_op_set_attr(made, PJ_KEY_dimension, pj_attr_int(rw->arena, d, PJ_DT_S64));
  return &made->results[0];
}

// From the innermost dimension outwards, what is joined is the whole of one dimension more.
static void rewrite(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *part = op->operands[1];
  int64_t place[PJ_MAX_RANK], start[PJ_MAX_RANK], limit[PJ_MAX_RANK];
  PjValue *starts[PJ_MAX_RANK];
  int smaller;
  if (!find_starts(op, place, &smaller))
    return;
  for (int32_t d = 0; d < x->type->rank; ++d) {
    start[d] = place[d];
    limit[d] = place[d] + part->type->dims[d];
  }
  for (int32_t d = x->type->rank - 1; d >= 0; --d) {
    start[d] = 0;
    limit[d] = x->type->dims[d];
    if (part->type->dims[d] != limit[d])
      part = join(rw, op, x, d, start, limit, part, place[d]);
  }
  for (int32_t d = 0; d < x->type->rank; ++d)
    starts[d] = op->operands[2 + d];
  pj_rw_become(rw, op, part);
  for (int32_t d = 0; d < x->type->rank; ++d) { // constants; one may be several starts
    bool again = false;
    for (int32_t i = 0; i < d; ++i)
      again |= starts[i] == starts[d];
    if (!again && !pj_rw_uses(rw, starts[d]))
      pj_rw_erase(rw, starts[d]->def);
  }
  ++rw->changes;
}

// Tags count uses by elementwise operations, from the last to the first.
static uint32_t find(PjRewrite *rw, PjRegion *region, PjOp **found) {
  uint32_t count = 0;
  for (PjOp *op = region->last; op; op = op->prev) {
    if (op->kind == PJ_OP_DYNAMIC_UPDATE_SLICE && !rw->exhausted && pj_rw_spend(rw, 1)) {
      const PjSlot *slot = &rw->slots[op->results[0].id];
      if (slot->uses && slot->tag == slot->uses && pays(op))
        found[count++] = op;
    }
    for (uint32_t i = 0; i < op->num_results; ++i)
      rw->slots[op->results[i].id].tag = 0;
    for (uint32_t i = 0; reads_in_place(op) && i < op->num_operands; ++i)
      if (op->operands[i]->def && op->operands[i]->def->kind == PJ_OP_DYNAMIC_UPDATE_SLICE &&
          op->operands[i]->def->region == region)
        ++rw->slots[op->operands[i]->id].tag;
  }
  return count;
}

static void resolve(PjRewrite *rw, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    pj_rw_resolve(rw, op);
    for (uint32_t r = 0; r < op->num_regions; ++r)
      resolve(rw, &op->regions[r]);
  }
}

PjStatus pj_pass_updates(PjRewrite *rw) {
  for (PjOp *func = rw->module->body.first; func; func = func->next) {
    if (func->kind != PJ_OP_FUNC)
      continue;
    PjOp **found = PJ_NEW_ARRAY(rw->scratch, PjOp *, rw->num_ops + 1);
    const uint32_t count = find(rw, &func->regions[0], found);
    for (uint32_t i = count; i-- > 0;) { // from the first on: operands are up to date
      pj_rw_resolve(rw, found[i]);
      rewrite(rw, found[i]);
    }
    if (count)
      resolve(rw, &func->regions[0]);
  }
  return PJ_STATUS_OK;
}
