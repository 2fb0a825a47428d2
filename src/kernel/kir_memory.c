// What the last accesses of the block at hand left in registers.
//
// A load that follows a store to the same place, or a load of it, is that value, and one of lanes
// that a literal mask leaves on is made of what was stored there: small loops hand their arrays
// from one operation to the next in registers, where memory would make each wait for the store
// before. Entries end with the block, with a store that may meet them, and with calls; the branches
// of an IF begin with those of the block around it, which has them again afterwards where nothing
// was written (as around a call of a function of the C library). Behind a loop they are loaded
// again: in registers they would lie in the loop's way.
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

// Lanes as bits.
typedef uint64_t LaneSet;
static LaneSet all_of(int lanes) {
  return lanes == 64 ? ~0ull : (1ull << lanes) - 1;
}

// Of what was stored, the element |at| behind |ptr|: its place in the table and its lane. Looks at
// |first| before others.
static bool find_element(PjKir *k, PjKirElem elem, PjKirVal ptr, int64_t at, uint32_t first,
                         uint32_t *out, int *lane) {
  const PjKirTable *t = k->table;
  for (uint32_t i = 0; i <= t->num_recent; i++) {
    const uint32_t place = i ? i - 1 : first;
    if (place >= t->num_recent)
      continue;
    const PjKirRecent *r = &t->recent[place];
    const PjKirType held = pj_kir_typeof(k, r->value);
    int64_t from;
    if (!r->stored || r->ptr != ptr || held.elem != elem || !number_of(k, r->index, &from) ||
        at < from || at >= from + held.lanes)
      continue;
    *out = place;
    *lane = (int)(at - from);
    return true;
  }
  return false;
}

// |v|, but 0 in all lanes that are not |on|.
static PjKirVal only(PjKir *k, PjKirVal v, LaneSet on) {
  const PjKirType type = pj_kir_typeof(k, v);
  uint8_t pattern[PJ_KIR_MAX_LANES];
  if (on == all_of(type.lanes))
    return v;
  for (int l = 0; l < type.lanes; l++)
    pattern[l] = (uint8_t)(on >> l & 1 ? l : type.lanes + l);
  return pj_kir_shuffle(k, v, pj_kir_const(k, type, 0), type.lanes, pattern);
}

// Elements from |at| on, put together from what was stored, zeros where lanes are not |on|: a load
// would wait for memory, and longer where they were stored in other pieces. As lanes of one vector
// or of two alike, else of halves. 0 where one of them is not known.
static PjKirVal assemble(PjKir *k, PjKirType type, PjKirVal ptr, int64_t at, LaneSet on) {
  enum { SOURCES = 2 };
  const PjKirElem elem = (PjKirElem)type.elem;
  uint32_t place = 0;
  PjKirVal source[SOURCES] = {0};
  uint8_t pattern[PJ_KIR_MAX_LANES] = {0};
  int count = 0, from = 0;
  if (!on)
    return pj_kir_const(k, type, 0);
  for (int l = 0, lane; l < type.lanes && count <= SOURCES; l++) {
    if (!(on >> l & 1))
      continue;
    if (!find_element(k, elem, ptr, at + l, place, &place, &lane))
      return 0;
    const PjKirVal value = k->table->recent[place].value;
    const int held = pj_kir_typeof(k, value).lanes;
    int which = 0;
    while (which < count && source[which] != value)
      which++;
    if (which == count && (count == SOURCES || (count && held != from)))
      count = SOURCES + 1;
    else if (which == count)
      source[count++] = value;
    from = held;
    pattern[l] = (uint8_t)(which * held + lane);
  }
  if (type.lanes == 1)
    return pj_kir_extract(k, source[0], pattern[0]);
  if (count == 1 && from > 1 && on != all_of(type.lanes)) {
    for (int l = 0; l < type.lanes; l++)
      if (!(on >> l & 1))
        pattern[l] = (uint8_t)(from + l % from);
    return pj_kir_shuffle(k, source[0], pj_kir_const(k, pj_kir_type(elem, from), 0), type.lanes,
                          pattern);
  }
  if (count == 1 || (count == SOURCES && from > 1))
    return only(k, pj_kir_shuffle(k, source[0], source[count - 1], type.lanes, pattern), on);
  const PjKirType half = pj_kir_type(elem, type.lanes / 2);
  PjKirVal low = assemble(k, half, ptr, at, on & all_of(half.lanes));
  PjKirVal high = low ? assemble(k, half, ptr, at + half.lanes, on >> half.lanes) : 0;
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
  return number_of(k, index, &at) ? assemble(k, type, ptr, at, all_of(type.lanes)) : 0;
}

// The bits of |v| in |lane|, if they can be told here; looks at |left| instructions.
static bool literal(PjKir *k, PjKirVal v, int lane, int *left, uint64_t *out) {
  if (pj_kir_is_const(k, v, out))
    return true;
  const PjKirInst *inst = pj_kir_inst(k, v);
  const PjKirOp op = (PjKirOp)inst->op;
  uint64_t args[2];
  if (op == PJ_KIR_IOTA) {
    *out = (uint64_t)lane;
    return true;
  }
  if (--*left < 0 ||
      !(op == PJ_KIR_ADD || op == PJ_KIR_SUB || op == PJ_KIR_AND || op == PJ_KIR_OR ||
        op == PJ_KIR_XOR || (op >= PJ_KIR_EQ && op <= PJ_KIR_ULE)))
    return false;
  for (int i = 0; i < 2; i++)
    if (!literal(k, inst->args[i], lane, left, &args[i]))
      return false;
  if (!pj_kir__fold(op, (PjKirElem)pj_kir_typeof(k, inst->args[0]).elem, (PjKirElem)inst->type.elem,
                    args, out))
    return false;
  *out &= pj_kir__mask((PjKirElem)inst->type.elem);
  return true;
}

PjKirVal pj_kir__recall_some(PjKir *k, PjKirType type, PjKirVal ptr, PjKirVal index,
                             PjKirVal mask) {
  enum { LOOKS = 12 };
  const PjKirTable *t = k->table;
  int64_t at;
  bool any = false;
  for (uint32_t i = 0; i < t->num_recent; i++)
    any |= t->recent[i].stored && t->recent[i].ptr == ptr;
  if (!any || !number_of(k, index, &at))
    return 0;
  LaneSet on = 0;
  for (int l = 0, left; l < type.lanes; l++) {
    uint64_t bit;
    left = LOOKS;
    if (!literal(k, mask, l, &left, &bit))
      return 0;
    on |= (bit & 1) << l;
  }
  return assemble(k, type, ptr, at, on);
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
