// Memory of a schedule: slots, how long they are in use, and where they lie.
//
// Steps are numbered as they are made; a slot is in use from the first to the last that touches it.
// What a loop reads from outside, and what it carries, is in use until the loop's end. Temporaries
// are then laid out in the order in which they begin: each takes the lowest gap that fits among
// those in use at the same time.
#include <stdlib.h>
#include <string.h>

#include "sched/lower.h"
#include "sched/shape_map.h"

enum { ALIGNMENT = 64 };

size_t pj_value_bytes(const PjValue *value) {
  size_t bytes = 0;
  return pj_type_is_tensor(value->type) && pj_type_num_bytes(value->type, &bytes) ? bytes : 0;
}

uint32_t pj_slot_new(PjLower *l, PjSlotKind kind, size_t bytes) {
  PjSchedSlot slot = {.kind = kind, .bytes = bytes, .first = UINT32_MAX};
  PJ_PUSH(l->arena, &l->schedule->slots, slot);
  return (uint32_t)l->schedule->slots.len - 1;
}

void pj_slot_touch(PjLower *l, uint32_t slot) {
  PjSchedSlot *s = &l->schedule->slots.data[slot];
  if (s->first > l->time)
    s->first = l->time;
  if (s->last < l->time)
    s->last = l->time;
  if (l->num_loops && s->kind == PJ_SLOT_TEMP)
    PJ_PUSH(l->work, &l->touched, slot);
}

static uint32_t constant_slot(PjLower *l, const PjValue *value) {
  const PjAttr *attr = PJ_ATTR(value->def, value);
  size_t bytes = pj_value_bytes(value), elem = pj_dtype_bytes(attr->type->dtype);
  uint32_t slot = pj_slot_new(l, PJ_SLOT_CONSTANT, bytes);
  const void *data = attr->data;
  if (attr->splat && bytes > elem) {
    char *copy = pj_arena_alloc(l->arena, bytes);
    for (size_t i = 0; i < bytes; i += elem)
      memcpy(copy + i, attr->data, elem);
    data = copy;
  }
  l->schedule->slots.data[slot].data = data;
  l->schedule->slots.data[slot].type = attr->type;
  return slot;
}

uint32_t pj_slot_of(PjLower *l, const PjValue *value) {
  uint32_t slot = l->slot_of[value->id];
  if (slot != PJ_NO_SLOT)
    return slot;
  // A large splat that a kernel spells out at run time has memory like any other value.
  if (value->def && value->def->kind == PJ_OP_CONSTANT && !l->ops[value->def->id].unit)
    return l->slot_of[value->id] = constant_slot(l, value);
  return l->slot_of[value->id] = pj_slot_new(l, PJ_SLOT_TEMP, pj_value_bytes(value));
}

uint32_t pj_slot_for(PjLower *l, const PjValue *value) {
  uint32_t wanted = l->wanted[value->id];
  if (l->slot_of[value->id] == PJ_NO_SLOT && wanted != PJ_NO_SLOT)
    return l->slot_of[value->id] = wanted;
  return pj_slot_of(l, value);
}

bool pj_value_dies(PjLower *l, const PjValue *value, const PjUnit *unit) {
  const PjValue *origin = pj_origin(l, value);
  uint32_t number = pj_slot_of(l, value); // may add one, and move the others
  const PjSchedSlot *slot = &l->schedule->slots.data[number];
  bool ours = slot->kind == PJ_SLOT_TEMP || (slot->kind == PJ_SLOT_INPUT && slot->donated);
  return ours && pj_home(origin) == unit->op->region && pj_home(value) == unit->op->region &&
         l->last_read[origin->id] <= unit->order && l->owned[origin->id];
}

// --- Results -------------------------------------------------------------------------------------

// How often steps touch a slot, and whether a loop exchanges it.
typedef struct SlotUse {
  uint32_t count;
  bool exchanged;
} SlotUse;

static void count_uses(const PjSteps *steps, SlotUse *uses) {
  for (size_t i = 0; i < steps->len; i++) {
    const PjStep *step = &steps->data[i];
    for (uint32_t k = 0; k < step->num_in; k++)
      uses[step->in[k]].count++;
    for (uint32_t k = 0; k < step->num_out; k++)
      uses[step->out[k]].count++;
    for (uint32_t k = 0; k < 2 * step->num_swaps; k++)
      uses[step->swaps[k]].exchanged = true;
    for (uint32_t b = 0; b < step->num_bodies; b++)
      count_uses(&step->bodies[b], uses);
  }
}

void pj_slots_adopt(PjLower *l) {
  PjSchedule *schedule = l->schedule;
  PjSteps *steps = &schedule->steps;
  size_t kept = steps->len;
  while (kept > 0 && steps->data[kept - 1].kind == PJ_STEP_COPY)
    kept--;
  if (kept == steps->len)
    return;
  SlotUse *uses = PJ_NEW_ARRAY(l->work, SlotUse, schedule->slots.len);
  memset(uses, 0, schedule->slots.len * sizeof *uses);
  count_uses(steps, uses);
  for (size_t i = kept; i < steps->len; i++) {
    const PjStep *copy = &steps->data[i];
    const uint32_t in = copy->in[0], out = copy->out[0];
    PjSchedSlot *from = &schedule->slots.data[in];
    const PjSchedSlot *to = &schedule->slots.data[out];
    if (from->kind == PJ_SLOT_TEMP && to->kind == PJ_SLOT_OUTPUT && from->bytes == to->bytes &&
        uses[out].count == 1 && !uses[in].exchanged && !uses[out].exchanged) {
      from->kind = PJ_SLOT_OUTPUT;
      from->index = to->index;
      continue;
    }
    steps->data[kept++] = *copy;
  }
  steps->len = kept;
}

// --- Layout --------------------------------------------------------------------------------------

typedef struct Range {
  size_t begin, end;
  uint32_t last;
} Range;

static int by_first(const void *a, const void *b) {
  const PjSchedSlot *x = *(const PjSchedSlot *const *)a, *y = *(const PjSchedSlot *const *)b;
  if (x->first != y->first)
    return x->first < y->first ? -1 : 1;
  return x->bytes > y->bytes ? -1 : x->bytes < y->bytes;
}

// Slots that a loop exchanges end up in each other's memory: they are in use for as long as any of
// them is.
static bool join_swapped(PjSchedule *schedule, const PjSteps *steps) {
  bool changed = false;
  for (size_t i = 0; i < steps->len; i++) {
    const PjStep *step = &steps->data[i];
    for (uint32_t b = 0; b < step->num_bodies; b++)
      changed |= join_swapped(schedule, &step->bodies[b]);
    for (uint32_t p = 0; p < step->num_swaps; p++) {
      PjSchedSlot *x = &schedule->slots.data[step->swaps[2 * p]],
                  *y = &schedule->slots.data[step->swaps[2 * p + 1]];
      uint32_t first = x->first < y->first ? x->first : y->first,
               last = x->last > y->last ? x->last : y->last;
      changed |= x->first != first || y->first != first || x->last != last || y->last != last;
      x->first = y->first = first;
      x->last = y->last = last;
    }
  }
  return changed;
}

// Lays out the temporaries that are |shared| by a team, or not; returns their bytes.
static size_t place(PjSchedule *schedule, bool shared) {
  size_t count = 0;
  PjSchedSlot **order = PJ_NEW_ARRAY(schedule->arena, PjSchedSlot *, schedule->slots.len + 1);
  for (size_t i = 0; i < schedule->slots.len; i++) {
    PjSchedSlot *slot = &schedule->slots.data[i];
    if (slot->kind == PJ_SLOT_TEMP && slot->first != UINT32_MAX &&
        (schedule->shared && schedule->shared[i]) == shared)
      order[count++] = slot;
  }
  qsort(order, count, sizeof *order, by_first);
  Range *live = PJ_NEW_ARRAY(schedule->arena, Range, count + 1); // by address
  size_t num_live = 0, num_dense = 0, top = 0; // the first |num_dense| have no gaps
  uint32_t next_end = UINT32_MAX;              // no slot in use is free before
  for (size_t i = 0; i < count; i++) {
    PjSchedSlot *slot = order[i];
    if (next_end < slot->first) {
      size_t kept = 0;
      next_end = UINT32_MAX;
      for (size_t j = 0; j < num_live; j++)
        if (live[j].last >= slot->first) {
          next_end = live[j].last < next_end ? live[j].last : next_end;
          live[kept++] = live[j];
        } else if (num_dense > kept) {
          num_dense = kept;
        }
      num_live = kept;
    }
    size_t bytes = (slot->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, j = num_dense,
           at = j ? live[j - 1].end : 0;
    if (!bytes)
      bytes = ALIGNMENT;
    for (; j < num_live && live[j].begin - at < bytes; j++)
      at = live[j].end;
    memmove(live + j + 1, live + j, (num_live - j) * sizeof *live);
    live[j] = (Range){at, at + bytes, slot->last};
    num_live++;
    next_end = slot->last < next_end ? slot->last : next_end;
    while (num_dense < num_live &&
           live[num_dense].begin == (num_dense ? live[num_dense - 1].end : 0))
      num_dense++;
    slot->offset = at;
    if (at + bytes > top)
      top = at + bytes;
  }
  return top;
}

void pj_slots_place(PjSchedule *schedule) {
  while (join_swapped(schedule, &schedule->steps))
    ;
  schedule->temp_bytes = place(schedule, false);
  schedule->shared_bytes = schedule->shared ? place(schedule, true) : 0;
}
