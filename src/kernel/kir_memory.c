// What the last accesses of the block at hand left in registers.
//
// A load that follows a store to the same place, or a load of it, is that value: small loops hand
// their arrays from one operation to the next in registers, where memory would make each wait for
// the store before. Entries end with the block, with a store that may meet them, and with calls;
// the branches of an IF begin with those of the block around it, which has them again afterwards
// where nothing was written (as around a call of a function of the C library). Behind a loop they
// are loaded again: in registers they would lie in the loop's way.
#include "kernel/kir_build.h"

void pj_kir__forget(PjKir *k) {
  k->table->num_recent = 0;
}

void pj_kir__keep_recent(PjKir *k, PjKirOpen *open) {
  const PjKirTable *t = k->table;
  open->num_recent = t->num_recent;
  open->recent = pj_arena_memdup(k->arena, t->recent, t->num_recent * sizeof *t->recent);
  open->writes = t->writes;
}

void pj_kir__restore_recent(PjKir *k, const PjKirOpen *open) {
  PjKirTable *t = k->table;
  t->num_recent = open->num_recent;
  if (open->num_recent)
    memcpy(t->recent, open->recent, open->num_recent * sizeof *t->recent);
}

static bool number_of(PjKir *k, PjKirVal index, int64_t *out) {
  uint64_t bits;
  if (!pj_kir_is_const(k, index, &bits) || (int64_t)bits > 1 << 30 || (int64_t)bits < -(1 << 30))
    return false;
  *out = (int64_t)bits;
  return true;
}

// Elements from |at| on, put together from what was stored: a load would wait for memory, and
// longer where they were stored in other pieces. 0 where one of them is not known.
static PjKirVal assemble(PjKir *k, PjKirType type, PjKirVal ptr, int64_t at) {
  const PjKirTable *t = k->table;
  for (uint32_t i = 0; i < t->num_recent; i++) {
    const PjKirRecent *r = &t->recent[i];
    PjKirType held = pj_kir_typeof(k, r->value);
    int64_t from;
    if (!r->stored || r->ptr != ptr || held.elem != type.elem || !number_of(k, r->index, &from) ||
        at < from || at + type.lanes > from + held.lanes)
      continue;
    if (type.lanes == 1)
      return pj_kir_extract(k, r->value, (int)(at - from));
    uint8_t pattern[PJ_KIR_MAX_LANES];
    for (int l = 0; l < type.lanes; l++)
      pattern[l] = (uint8_t)(at - from + l);
    return pj_kir_shuffle(k, r->value, r->value, type.lanes, pattern);
  }
  if (type.lanes == 1)
    return 0;
  PjKirType half = pj_kir_type((PjKirElem)type.elem, type.lanes / 2);
  PjKirVal low = assemble(k, half, ptr, at);
  PjKirVal high = low ? assemble(k, half, ptr, at + half.lanes) : 0;
  return high ? pj_kir_join(k, low, high) : 0;
}

PjKirVal pj_kir__recall(PjKir *k, PjKirType type, PjKirVal ptr, PjKirVal index) {
  const PjKirTable *t = k->table;
  for (uint32_t i = 0; i < t->num_recent; i++) {
    const PjKirRecent *r = &t->recent[i];
    if (r->ptr == ptr && r->index == index && pj_kir_type_eq(pj_kir_typeof(k, r->value), type))
      return r->value;
  }
  int64_t at;
  return number_of(k, index, &at) ? assemble(k, type, ptr, at) : 0;
}

void pj_kir__remember(PjKir *k, PjKirVal ptr, PjKirVal index, PjKirVal value, bool stored) {
  PjKirTable *t = k->table;
  if (t->num_recent == PJ_KIR_RECENT) { // the oldest makes room
    for (uint32_t i = 1; i < PJ_KIR_RECENT; i++)
      t->recent[i - 1] = t->recent[i];
    t->num_recent--;
  }
  t->recent[t->num_recent++] = (PjKirRecent){ptr, index, value, k->alias, stored};
}

void pj_kir_known(PjKir *k, PjKirVal value, PjKirVal ptr, PjKirVal index) {
  pj_kir__remember(k, ptr, index, value, true);
}

static bool range_of(PjKir *k, PjKirVal index, PjKirType type, int64_t *begin, int64_t *end) {
  if (!index || !number_of(k, index, begin))
    return false;
  *begin *= pj_kir_elem_bytes((PjKirElem)type.elem);
  *end = *begin + (int64_t)type.lanes * pj_kir_elem_bytes((PjKirElem)type.elem);
  return true;
}

void pj_kir__overwrite(PjKir *k, PjKirVal ptr, PjKirVal index, PjKirType type) {
  PjKirTable *t = k->table;
  uint32_t kept = 0;
  int64_t begin = 0, end = 0;
  bool known = range_of(k, index, type, &begin, &end);
  t->writes++;
  for (uint32_t i = 0; i < t->num_recent; i++) {
    const PjKirRecent *r = &t->recent[i];
    bool apart = r->alias && k->alias && r->alias != k->alias;
    int64_t first, last;
    if (!apart && known && r->ptr == ptr &&
        range_of(k, r->index, pj_kir_typeof(k, r->value), &first, &last))
      apart = last <= begin || end <= first;
    if (apart)
      t->recent[kept++] = *r;
  }
  t->num_recent = kept;
}
