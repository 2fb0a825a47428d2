// See manual.h. Parts that lie in one piece of the whole array are read and written there; others
// are cut out before, and put together after, the team runs.
#include "sched/manual.h"

#include <string.h>

#include "eval/tile.h"
#include "ir/manual.h"
#include "sched/outline.h"
#include "sched/team.h"

// How an operand or a result is handed to the devices.
typedef struct Share {
  const PjType *whole, *part;
  const PjTiling *tiling; // NULL: all have the whole
  bool in_place;          // a device's part is a piece of the whole
  size_t part_bytes;
  bool *owner; // of a result, by position: its part counts
} Share;

typedef struct PjManualStep {
  PjSchedule *inner;
  PjTeam team;
  const uint32_t *device; // by mesh position
  Share *in, *out;
} PjManualStep;

// --- Making --------------------------------------------------------------------------------------

// Of the devices that hold the same part, the first by position is its owner.
static bool *owners(PjArena *arena, const PjTiling *t, int64_t pieces) {
  bool *owner = PJ_NEW_ARRAY(arena, bool, (size_t)t->num_devices),
       *taken = PJ_NEW_ARRAY(arena, bool, (size_t)pieces);
  for (int64_t p = 0; p < t->num_devices; p++) {
    int64_t piece = 0;
    for (int32_t d = 0; d < t->rank; d++)
      piece = piece * t->counts[d] + t->index[p * t->rank + d];
    owner[p] = t->terms > 1 || !taken[piece];
    taken[piece] = true;
  }
  return owner;
}

// False where the parts are not those of |tiling|; the evaluator says so better.
static bool make_share(PjArena *arena, const PjTiling *tiling, const PjType *whole,
                       const PjType *part, bool result, Share *out) {
  *out = (Share){.whole = whole, .part = part};
  if (!tiling || !pj_type_is_tensor(whole))
    return whole == part || pj_type_eq(whole, part);
  int64_t dims[PJ_MAX_RANK], pieces = tiling->terms;
  bool whole_rows = true;
  if (!pj_type_is_tensor(part) || part->rank != whole->rank ||
      !pj_tile_dims(tiling, whole->dims, dims) || !pj_type_num_bytes(part, &out->part_bytes))
    return false;
  for (int32_t d = 0; d < whole->rank; d++) {
    if (dims[d] != part->dims[d])
      return false;
    pieces *= tiling->counts[d];
    whole_rows &= d == 0 || tiling->counts[d] == 1;
  }
  if (pieces == 1)
    return true;
  out->tiling = tiling;
  // What devices write to is aligned to 64 bytes.
  out->in_place = whole_rows && tiling->terms == 1 && (!result || out->part_bytes % 64 == 0);
  if (!result)
    return true;
  out->owner = owners(arena, tiling, pieces);
  return true;
}

static bool make_shares(PjArena *arena, const PjOp *op, const PjManual *manual,
                        PjManualStep *step) {
  const PjRegion *body = &op->regions[0];
  const PjOp *end = pj_region_terminator(body);
  bool whole = pj_manual_is_whole(manual), *cut_in, *cut_out;
  if (!end || body->num_args != op->num_operands || end->num_operands != op->num_results)
    return false;
  step->in = PJ_NEW_ARRAY(arena, Share, op->num_operands + 1);
  step->out = PJ_NEW_ARRAY(arena, Share, op->num_results + 1);
  step->team.cut_in = cut_in = PJ_NEW_ARRAY(arena, bool, op->num_operands + 1);
  step->team.cut_out = cut_out = PJ_NEW_ARRAY(arena, bool, op->num_results + 1);
  for (uint32_t i = 0; i < op->num_operands; i++) {
    if (!make_share(arena, whole ? NULL : manual->in[i], op->operands[i]->type, body->args[i].type,
                    false, &step->in[i]))
      return false;
    cut_in[i] = step->in[i].tiling;
  }
  for (uint32_t i = 0; i < op->num_results; i++) {
    if (!make_share(arena, whole ? NULL : manual->out[i], op->results[i].type,
                    end->operands[i]->type, true, &step->out[i]))
      return false;
    cut_out[i] = step->out[i].tiling;
  }
  return true;
}

// The devices of the mesh: each of 0 to count - 1 once.
static bool make_devices(PjArena *arena, const PjManual *manual, PjManualStep *step) {
  int64_t count = pj_manual_is_whole(manual) ? 1 : manual->mesh->num_devices;
  uint32_t *device = PJ_NEW_ARRAY(arena, uint32_t, (size_t)count);
  bool *taken = PJ_NEW_ARRAY(arena, bool, (size_t)count);
  for (int64_t p = 0; p < count; p++) {
    int64_t id = count == 1 ? 0 : pj_mesh_device(manual->mesh, p);
    if (id < 0 || id >= count || taken[id])
      return false;
    taken[id] = true;
    device[p] = (uint32_t)id;
  }
  step->device = device;
  step->team.num_replicas = 1;
  step->team.num_partitions = (uint32_t)count;
  return true;
}

// The body as the entry of a module; NULL if it reads from outside.
static PjModule *make_module(PjArena *arena, const PjModule *from, const PjOp *op) {
  const PjRegion *body = &op->regions[0];
  const PjOp *end = pj_region_terminator(body);
  PjOutline captured = {.arena = arena}, o = {.arena = arena};
  pj_outline_collect(&captured, op);
  for (size_t i = 0; i < captured.inputs.len; i++) {
    bool operand = false;
    for (uint32_t k = 0; k < op->num_operands && !operand; k++)
      operand = captured.inputs.data[i] == op->operands[k];
    if (!operand)
      return NULL;
  }
  const PjType **inputs = PJ_NEW_ARRAY(arena, const PjType *, body->num_args + 1);
  const PjType **results = PJ_NEW_ARRAY(arena, const PjType *, end->num_operands + 1);
  for (uint32_t i = 0; i < body->num_args; i++)
    inputs[i] = body->args[i].type;
  for (uint32_t i = 0; i < end->num_operands; i++)
    results[i] = end->operands[i]->type;
  PjOp *func = pj_outline_func(arena, "main", body->num_args, inputs, end->num_operands, results);
  for (uint32_t i = 0; i < body->num_args; i++)
    pj_outline_map(&o, &body->args[i], &func->regions[0].args[i]);
  for (const PjOp *inner = body->first; inner != end; inner = inner->next)
    pj_op_append(&func->regions[0], pj_outline_clone(&o, inner));
  PjOp *last = pj_op_create(arena, PJ_OP_FUNC_RETURN, end->num_operands, 0, 0);
  for (uint32_t i = 0; i < end->num_operands; i++)
    last->operands[i] = pj_outline_copy_of(&o, end->operands[i]);
  pj_op_append(&func->regions[0], last);
  PjModule *module = pj_module_create(arena);
  module->name = from->name;
  pj_outline_surroundings(arena, from, module);
  pj_op_append(&module->body, func);
  pj_module_number(module);
  return module;
}

PjStatus pj_lower_manual(PjLower *l, const PjOp *op, PjSteps *out, bool *done) {
  enum { INNER_CODES = 1000 };
  PjSchedule *s = l->schedule;
  PjManual manual;
  *done = false;
  PJ_TRY(pj_manual_read(l->arena, s->module, op, &manual));
  PjManualStep *made = PJ_NEW(l->arena, PjManualStep);
  *made = (PjManualStep){0};
  PjModule *module;
  if (!make_devices(l->arena, &manual, made) || !make_shares(l->arena, op, &manual, made) ||
      !(module = make_module(l->arena, s->module, op)))
    return PJ_STATUS_OK;
  PjScheduleOptions options = *l->options;
  options.team = &made->team;
  options.first_code = l->options->first_code + INNER_CODES * ((uint32_t)s->inner.len + 1);
  PjStatus status = pj_schedule_create(l->arena, module, &options, &made->inner);
  if (status)
    pj_schedule_destroy(made->inner);
  if (pj_status_code(status) == PJ_UNIMPLEMENTED) {
    pj_status_free(status);
    return PJ_STATUS_OK;
  }
  if (status)
    return status;
  PJ_PUSH(l->arena, &s->inner, made->inner);
  s->cost += made->inner->cost * pj_team_size(&made->team);
  s->num_fallbacks += made->inner->num_fallbacks;

  PjStep *step = pj_step_add(l, out, PJ_STEP_MANUAL, op, op->num_operands, op->num_results);
  step->manual = made;
  for (uint32_t i = 0; i < op->num_operands; i++)
    pj_slot_touch(l, step->in[i] = pj_slot_of(l, op->operands[i]));
  for (uint32_t i = 0; i < op->num_results; i++)
    pj_slot_touch(l, step->out[i] = pj_slot_for(l, &op->results[i]));
  *done = true;
  return PJ_STATUS_OK;
}

const PjSchedule *pj_manual_schedule(const PjStep *step) {
  return step->manual->inner;
}

// --- Running -------------------------------------------------------------------------------------

// Without |memory|, only how many bytes there would be.
typedef struct Room {
  char *memory;
  size_t bytes;
} Room;

static void *take(Room *room, size_t bytes) {
  char *at = room->memory ? room->memory + room->bytes : NULL;
  room->bytes += pj_run_aligned(bytes);
  return at;
}

typedef struct Parts {
  void ***in, ***out; // by device
  PjRunOptions *options;
  void *team;
} Parts;

// Memory of the part that the device at |position| makes of result |i|; 0: a piece of the whole.
static size_t own_bytes(const PjManualStep *m, uint32_t i, uint32_t position) {
  const Share *share = &m->out[i];
  if (share->tiling)
    return share->in_place && share->owner[position] ? 0 : share->part_bytes;
  // All make the same, or the first one's counts.
  size_t bytes = 0;
  bool differs = position > 0 && !m->inner->shared[m->inner->outputs[i]];
  if (differs && pj_type_is_tensor(share->whole))
    pj_type_num_bytes(share->whole, &bytes);
  return bytes;
}

static void lay_out(const PjStep *step, const PjThreads *threads, Room *room, Parts *parts) {
  const PjManualStep *m = step->manual;
  uint32_t count = pj_team_size(&m->team);
  parts->in = take(room, count * sizeof *parts->in);
  parts->out = take(room, count * sizeof *parts->out);
  parts->options = take(room, count * sizeof *parts->options);
  for (uint32_t q = 0; q < count; q++) {
    void **in = take(room, step->num_in * sizeof *in),
         **out = take(room, step->num_out * sizeof *out);
    if (room->memory) {
      parts->in[m->device[q]] = in;
      parts->out[m->device[q]] = out;
    }
    for (uint32_t i = 0; i < step->num_in; i++) {
      bool cut = m->in[i].tiling && !m->in[i].in_place;
      void *part = cut ? take(room, m->in[i].part_bytes) : NULL;
      if (room->memory)
        in[i] = part;
    }
    for (uint32_t i = 0; i < step->num_out; i++) {
      size_t bytes = own_bytes(m, i, q);
      void *part = bytes ? take(room, bytes) : NULL;
      if (room->memory)
        out[i] = part;
    }
  }
  parts->team = take(room, pj_team_memory(m->inner, threads));
}

size_t pj_manual_memory(const PjStep *step, const PjThreads *threads) {
  Room room = {0};
  Parts parts;
  lay_out(step, threads, &room, &parts);
  return room.bytes;
}

// The piece of the array at |whole| that the device at |position| has.
static void *piece(const Share *share, void *whole, int64_t position) {
  int64_t at = share->tiling ? share->tiling->index[position * share->tiling->rank] : 0;
  return (char *)whole + (size_t)at * share->part_bytes;
}

// Copies a part out of the whole array, or into it.
static PjStatus move_part(const Share *share, int64_t position, void *whole, void *part,
                          bool into) {
  PjTensor *large = pj_run_tensor(share->whole, whole), *small = pj_run_tensor(share->part, part);
  PjStatus status = large && small ? PJ_STATUS_OK : pj_status_oom();
  if (!status && into)
    pj_tile_insert(share->tiling, position, small, large);
  else if (!status)
    pj_tile_extract(share->tiling, position, large, small);
  pj_tensor_release(large);
  pj_tensor_release(small);
  return status;
}

static PjStatus hand_out(PjRun *r, const PjStep *step, Parts *parts) {
  const PjManualStep *m = step->manual;
  uint32_t count = pj_team_size(&m->team);
  for (uint32_t q = 0; q < count; q++) {
    uint32_t p = m->device[q];
    parts->options[p] = *r->options;
    parts->options[p].grid = NULL;
    parts->options[p].replica = 0;
    parts->options[p].partition = p;
    for (uint32_t i = 0; i < step->num_in; i++) {
      void *whole = r->buffers[step->in[i]];
      if (parts->in[p][i])
        PJ_TRY(move_part(&m->in[i], q, whole, parts->in[p][i], false));
      else
        parts->in[p][i] = piece(&m->in[i], whole, q);
    }
    for (uint32_t i = 0; i < step->num_out; i++)
      if (!parts->out[p][i])
        parts->out[p][i] = piece(&m->out[i], r->buffers[step->out[i]], q);
  }
  return PJ_STATUS_OK;
}

static PjStatus put_together(PjRun *r, const PjStep *step, const Parts *parts) {
  const PjManualStep *m = step->manual;
  uint32_t count = pj_team_size(&m->team);
  for (uint32_t i = 0; i < step->num_out; i++) {
    const Share *share = &m->out[i];
    if (!share->tiling || share->in_place)
      continue;
    void *whole = r->buffers[step->out[i]];
    if (share->tiling->terms > 1)
      memset(whole, 0, r->s->slots.data[step->out[i]].bytes);
    for (uint32_t q = 0; q < count; q++)
      if (share->owner[q])
        PJ_TRY(move_part(share, q, whole, parts->out[m->device[q]][i], true));
  }
  return PJ_STATUS_OK;
}

PjStatus pj_manual_run(PjRun *r, const PjStep *step) {
  const PjManualStep *m = step->manual;
  Room room = {.memory = r->scratch};
  Parts parts;
  lay_out(step, r->threads, &room, &parts);
  PJ_TRY(hand_out(r, step, &parts));
  PJ_TRY(pj_team_run(m->inner, r->threads, parts.options, (void *const *const *)parts.in,
                     (void *const *const *)parts.out, parts.team));
  return put_together(r, step, &parts);
}
