// Common subexpressions: an operation that computes what an earlier one, visible to it, computes.
//
//   %1 = add %a, %b ; %2 = add %b, %a ; %3 = multiply %1, %2        =>   %3 = multiply %1, %1
//
// One walk forward with a hash table of the operations seen, over kind, operands, attributes,
// result types and regions; operands of commutative operations in either order. What a region adds
// to the table is taken out when the region ends, and an isolated region begins with an empty
// table, so whatever is found is visible. Two regions are compared with their arguments and results
// taken as equal by position.
//
// Constants of equal or few elements are merged within one region only. They cost nothing where
// they are used, and regions that hold all of their constants are what kernels are made of.
//
// Only pure operations take part: not control flow, calls, barriers, which keep what they guard
// apart, and nothing that touches a token. The order of commutative operands matters when both are
// NaN; that is the one difference of bits that this pass allows.
//
// Expected linear time; hashes look at the first bytes of large constants only.
#include "pass/cse.h"

#include "base/hash.h"
#include "pass/constant.h"
#include "pass/passes.h"

enum { HASHED_BYTES = 256, LOCAL_BYTES = 64, MAX_REGION_OPS = 4096 };

typedef struct Entry {
  PjOp *op;
  uint64_t hash;
  uint32_t next; // of the same bucket: 1 + index of the entry; 0: none
} Entry;

// PjSlot.tag holds a value's position within the region being hashed or compared, 0 outside.
struct PjCse {
  PjRewrite *rw;
  PJ_VEC(Entry) entries; // in order of entering, so that a region's can be taken out again
  uint32_t *buckets;     // 1 + index of the newest entry
  uint32_t mask;
  size_t floor; // entries below belong to what an isolated region does not see
};

static uint32_t *tag_of(PjCse *t, const PjValue *value) {
  return &t->rw->slots[value->id].tag;
}

// --------------------------------------------------------------------------------------- hashes

static uint64_t hash_type(uint64_t h, const PjType *type) {
  h = pj_hash_u64(h,
                  (uint64_t)type->kind << 32 | (uint64_t)type->dtype << 16 | (uint64_t)type->rank);
  for (int32_t i = 0; i < type->rank && type->dims; ++i)
    h = pj_hash_u64(h, (uint64_t)type->dims[i]);
  return h;
}

static uint64_t hash_attr(uint64_t h, const PjAttr *attr) {
  if (!attr)
    return pj_hash_u64(h, 0);
  h = pj_hash_u64(h, (uint64_t)attr->kind << 32 | attr->count);
  h = pj_hash_u64(h, (uint64_t)attr->i64);
  if (attr->ints)
    h = pj_hash_bytes(h, attr->ints, attr->count * sizeof *attr->ints);
  if (attr->str.len)
    h = pj_hash_bytes(h, attr->str.ptr, attr->str.len);
  if (attr->data_size)
    h = pj_hash_bytes(h, attr->data,
                      attr->data_size < HASHED_BYTES ? attr->data_size : HASHED_BYTES);
  return h;
}

static uint64_t hash_value(PjCse *t, const PjValue *value) {
  return *tag_of(t, value) ? *tag_of(t, value) : (uint64_t)value->id << 32;
}

static uint64_t hash_op(PjCse *t, PjOp *op, bool top);

// Numbers the values of |region| by position, from |next| on.
static void tag_region(PjCse *t, PjRegion *region, uint32_t *next) {
  for (uint32_t i = 0; i < region->num_args; ++i)
    *tag_of(t, &region->args[i]) = (*next)++;
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_results; ++i)
      *tag_of(t, &op->results[i]) = (*next)++;
    for (uint32_t r = 0; r < op->num_regions; ++r)
      tag_region(t, &op->regions[r], next);
  }
}

static void untag_region(PjCse *t, PjRegion *region) {
  for (uint32_t i = 0; i < region->num_args; ++i)
    *tag_of(t, &region->args[i]) = 0;
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_results; ++i)
      *tag_of(t, &op->results[i]) = 0;
    for (uint32_t r = 0; r < op->num_regions; ++r)
      untag_region(t, &op->regions[r]);
  }
}

static uint64_t hash_op(PjCse *t, PjOp *op, bool top) {
  uint64_t h = pj_hash_u64(PJ_HASH_SEED, op->kind);
  if (pj_op_commutes(op)) {
    h = pj_hash_u64(h, hash_value(t, op->operands[0]) + hash_value(t, op->operands[1]));
  } else {
    for (uint32_t i = 0; i < op->num_operands; ++i)
      h = pj_hash_u64(h, hash_value(t, op->operands[i]));
  }
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
    h = hash_attr(h, op->attrs[i]);
  for (uint32_t i = 0; i < op->num_results; ++i)
    h = hash_type(h, op->results[i].type);
  uint32_t next = 1;
  for (uint32_t r = 0; r < op->num_regions; ++r) {
    if (top)
      tag_region(t, &op->regions[r], &next);
    for (PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      h = pj_hash_u64(h, hash_op(t, inner, false));
    if (top)
      untag_region(t, &op->regions[r]);
  }
  return h;
}

// -------------------------------------------------------------------------------------- equality

static bool same_value(PjCse *t, const PjValue *a, const PjValue *b) {
  return a == b || (*tag_of(t, a) && *tag_of(t, a) == *tag_of(t, b));
}

static bool same_extra(const PjAttr *a, const PjAttr *b) {
  bool none_a = !a || !a->count, none_b = !b || !b->count;
  return none_a == none_b && (none_a || pj_attr_eq(a, b));
}

static bool same_regions(PjCse *t, const PjOp *a, const PjOp *b);

static bool same_op(PjCse *t, const PjOp *a, const PjOp *b, bool top) {
  if (a->kind != b->kind || a->num_operands != b->num_operands ||
      a->num_results != b->num_results || a->num_regions != b->num_regions)
    return false;
  bool same = true;
  for (uint32_t i = 0; i < a->num_operands; ++i)
    same &= same_value(t, a->operands[i], b->operands[i]);
  if (!same && pj_op_commutes(a))
    same = same_value(t, a->operands[0], b->operands[1]) &&
           same_value(t, a->operands[1], b->operands[0]);
  if (!same)
    return false;
  for (uint32_t i = 0; i < pj_op_info[a->kind].num_attrs; ++i)
    if (!pj_attr_eq(a->attrs[i], b->attrs[i]))
      return false;
  for (uint32_t i = 0; i < a->num_results; ++i)
    if (!pj_type_eq(a->results[i].type, b->results[i].type))
      return false;
  if (!same_extra(a->extra, b->extra))
    return false;
  if (!a->num_regions)
    return true;
  uint32_t next_a = 1, next_b = 1;
  for (uint32_t r = 0; top && r < a->num_regions; ++r) {
    tag_region(t, &a->regions[r], &next_a);
    tag_region(t, &b->regions[r], &next_b);
  }
  same = (!top || next_a == next_b) && same_regions(t, a, b);
  for (uint32_t r = 0; top && r < a->num_regions; ++r) {
    untag_region(t, &a->regions[r]);
    untag_region(t, &b->regions[r]);
  }
  return same;
}

static bool same_regions(PjCse *t, const PjOp *a, const PjOp *b) {
  for (uint32_t r = 0; r < a->num_regions; ++r) {
    const PjRegion *x = &a->regions[r], *y = &b->regions[r];
    if (x->num_args != y->num_args)
      return false;
    for (uint32_t i = 0; i < x->num_args; ++i)
      if (!pj_type_eq(x->args[i].type, y->args[i].type))
        return false;
    const PjOp *p = x->first, *q = y->first;
    for (; p && q; p = p->next, q = q->next)
      if (!same_op(t, p, q, false))
        return false;
    if (p || q)
      return false;
  }
  return true;
}

// ------------------------------------------------------------------------------------------ walk

static bool takes_part(const PjOp *op) {
  if (!(pj_op_info[op->kind].traits & PJ_TRAIT_PURE) || !pj_rw_droppable(op))
    return false;
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (op->results[i].type->kind == PJ_TYPE_TOKEN)
      return false;
  if (!op->num_regions)
    return true;
  // Regions are walked for each comparison, so they must be small, and pure themselves.
  uint32_t count = 0;
  for (uint32_t r = 0; r < op->num_regions; ++r)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      if (++count > MAX_REGION_OPS || inner->num_regions)
        return false;
  return pj_rw_droppable_deep(op);
}

static bool is_local(const PjOp *op) {
  return op->kind == PJ_OP_CONSTANT && op->attrs[0]->data_size <= LOCAL_BYTES;
}

static void grow(PjCse *t) {
  uint32_t size = t->buckets ? 2 * (t->mask + 1) : 64;
  t->buckets = PJ_NEW_ARRAY(t->rw->scratch, uint32_t, size);
  t->mask = size - 1;
  for (size_t i = 0; i < t->entries.len; ++i) {
    Entry *entry = &t->entries.data[i];
    entry->next = t->buckets[entry->hash & t->mask];
    t->buckets[entry->hash & t->mask] = (uint32_t)i + 1;
  }
}

static PjOp *find(PjCse *t, PjOp *op, uint64_t hash) {
  for (uint32_t at = t->buckets[hash & t->mask]; at > t->floor; at = t->entries.data[at - 1].next) {
    const Entry *entry = &t->entries.data[at - 1];
    const PjRegion *home = entry->op->region; // NULL: it is gone
    if (entry->hash == hash && home && (!is_local(op) || home == op->region) &&
        same_op(t, entry->op, op, true))
      return entry->op;
  }
  return NULL;
}

PjCse *pj_cse_create(PjRewrite *rw) {
  PjCse *cse = PJ_NEW(rw->scratch, PjCse);
  cse->rw = rw;
  grow(cse);
  return cse;
}

PjCseScope pj_cse_enter(PjCse *cse, bool isolated) {
  PjCseScope scope = {cse->entries.len, cse->floor};
  if (isolated)
    cse->floor = cse->entries.len;
  return scope;
}

void pj_cse_leave(PjCse *cse, PjCseScope scope) {
  while (cse->entries.len > scope.len) {
    const Entry *entry = &cse->entries.data[--cse->entries.len];
    cse->buckets[entry->hash & cse->mask] = entry->next;
  }
  cse->floor = scope.floor;
}

bool pj_cse_merge(PjCse *cse, PjOp *op) {
  enum { MAX_RESULTS = 64 };
  if (!takes_part(op) || op->num_results > MAX_RESULTS)
    return false;
  uint64_t hash = hash_op(cse, op, true);
  PjOp *same = find(cse, op, hash);
  if (same) {
    PjValue *values[MAX_RESULTS];
    for (uint32_t i = 0; i < op->num_results; ++i)
      values[i] = &same->results[i];
    return pj_rw_become_all(cse->rw, op, values);
  }
  if (cse->entries.len >= cse->mask / 2)
    grow(cse);
  Entry entry = {op, hash, cse->buckets[hash & cse->mask]};
  PJ_PUSH(cse->rw->scratch, &cse->entries, entry);
  cse->buckets[hash & cse->mask] = (uint32_t)cse->entries.len;
  return false;
}

static void walk(PjCse *cse, PjRegion *region, bool isolated) {
  PjRewrite *rw = cse->rw;
  PjCseScope scope = pj_cse_enter(cse, isolated);
  for (PjOp *op = region->first, *next; op; op = next) {
    next = op->next;
    pj_rw_resolve(rw, op);
    for (uint32_t r = 0; r < op->num_regions; ++r)
      walk(cse, &op->regions[r], pj_op_info[op->kind].traits & PJ_TRAIT_ISOLATED);
    if (!rw->exhausted && pj_rw_spend(rw, 1))
      pj_cse_merge(cse, op);
  }
  pj_cse_leave(cse, scope);
}

PjStatus pj_pass_cse(PjRewrite *rw) {
  PjCse *cse = pj_cse_create(rw);
  for (PjOp *func = rw->module->body.first; func; func = func->next)
    if (func->kind == PJ_OP_FUNC)
      walk(cse, &func->regions[0], true);
  return PJ_STATUS_OK;
}
