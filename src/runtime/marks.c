// See marks.h.
#include "runtime/marks.h"

#include <string.h>

#include "base/map.h"
#include "pass/pass.h"

static bool is_mark(PjOpKind kind) {
  return kind == PJ_OP_SDY_MANUAL_COMPUTATION || kind == PJ_OP_SDY_SHARDING_CONSTRAINT ||
         kind == PJ_OP_SDY_PROPAGATION_BARRIER || kind == PJ_OP_SDY_SHARDING_GROUP ||
         kind == PJ_OP_ASYNC_START || kind == PJ_OP_ASYNC_DONE;
}

static bool is_chlo(const PjOp *op) {
  return pj_str_starts(pj_str(pj_op_info[op->kind].text), "chlo.") && !op->num_regions;
}

bool pj_marks_needed(const PjRegion *region) {
  for (const PjOp *op = region->first; op; op = op->next) {
    if (is_mark(op->kind) || is_chlo(op))
      return true;
    for (uint32_t i = 0; i < op->num_regions; i++)
      if (pj_marks_needed(&op->regions[i]))
        return true;
  }
  return false;
}

typedef struct Opening {
  PjArena *arena;
  PjMap places; // of values that are gone: those in their place
} Opening;

static void put(Opening *o, const PjValue *gone, const PjValue *place) {
  pj_map_set(o->arena, &o->places, pj_map_ptr(gone), pj_map_ptr(place));
}

// A call of |target| on |x| before |at|, whose result of |type| takes the place of |gone|.
static void mark(Opening *o, PjOp *at, const char *target, PjValue *x, PjValue *gone) {
  PjOp *call = pj_op_create(o->arena, PJ_OP_CUSTOM_CALL, 1, 1, 0);
  call->operands[0] = x;
  call->results[0].type = gone->type;
  call->loc = at->loc;
  pj_op_set_attr(call, PJ_KEY_call_target_name, pj_attr_string(o->arena, pj_str(target)));
  pj_op_fill_defaults(o->arena, call);
  pj_op_insert_before(at, call);
  put(o, gone, &call->results[0]);
}

// The custom call that XLA takes for an operation of chlo; NULL: there is none, and one of the
// operation's own name shows it.
static const char *mhlo_name(PjOpKind kind) {
  static const char *const names[] = {"acos",  "acosh", "asin", "asinh", "atan",
                                      "atanh", "cosh",  "erf",  "sinh",  NULL};
  const char *name = pj_op_info[kind].text + strlen("chlo.");
  for (const char *const *known = names; *known; known++)
    if (!strcmp(name, *known))
      return name;
  return kind == PJ_OP_CHLO_TOP_K ? "topk" : NULL;
}

// Puts a custom call in the place of an operation of chlo: mhlo.erf, mhlo.topk.
static void call_chlo(Opening *o, PjOp *op) {
  PjArena *arena = o->arena;
  const char *name = mhlo_name(op->kind);
  PjOp *call = pj_op_create(arena, PJ_OP_CUSTOM_CALL, op->num_operands, op->num_results, 0);
  for (uint32_t i = 0; i < op->num_operands; i++)
    call->operands[i] = op->operands[i];
  for (uint32_t i = 0; i < op->num_results; i++) {
    call->results[i].type = op->results[i].type;
    put(o, &op->results[i], &call->results[i]);
  }
  call->loc = op->loc;
  const char *target = name ? pj_arena_printf(arena, "mhlo.%s", name) : pj_op_info[op->kind].text;
  pj_op_set_attr(call, PJ_KEY_call_target_name, pj_attr_string(arena, pj_str(target)));
  pj_op_fill_defaults(arena, call);
  if (name) {
    bool top_k = op->kind == PJ_OP_CHLO_TOP_K;
    const PjAttr *fields[] = {top_k ? PJ_ATTR(op, k) : NULL, pj_attr_bool(arena, true)};
    const PjStr names[] = {PJ_STR("k"), PJ_STR("largest")},
                extra[] = {PJ_STR("mhlo.attributes"), PJ_STR("mhlo.version")};
    const PjAttr *values[] = {pj_attr_dict(arena, top_k ? 2 : 0, names, fields),
                              pj_attr_i64(arena, 1)};
    call->extra = pj_attr_dict(arena, 2, extra, values);
  }
  pj_op_insert_before(op, call);
}

// Moves the operations of the only region of |op| before it. Returns what to look at next.
static PjOp *move_out(PjOp *op) {
  PjRegion *body = &op->regions[0];
  PjOp *first = body->first == body->last ? op->next : body->first;
  while (body->first != body->last) {
    PjOp *inner = body->first;
    pj_op_remove(inner);
    pj_op_insert_before(op, inner);
  }
  return first;
}

static PjOp *open_manual(Opening *o, PjOp *op) {
  PjRegion *body = &op->regions[0];
  for (uint32_t i = 0; i < op->num_operands; i++)
    mark(o, op, "SPMDFullToShardShape", op->operands[i], &body->args[i]);
  PjOp *next = move_out(op);
  for (uint32_t i = 0; i < op->num_results; i++)
    mark(o, op, "SPMDShardToFullShape", body->last->operands[i], &op->results[i]);
  return next;
}

static void open_region(Opening *o, PjRegion *region) {
  PjOp *next;
  for (PjOp *op = region->first; op; op = next) {
    next = op->next;
    switch (op->kind) {
    case PJ_OP_SDY_MANUAL_COMPUTATION:
      next = open_manual(o, op);
      break;
    case PJ_OP_SDY_SHARDING_CONSTRAINT:
      mark(o, op, "Sharding", op->operands[0], &op->results[0]);
      break;
    case PJ_OP_SDY_PROPAGATION_BARRIER:
      put(o, &op->results[0], op->operands[0]);
      break;
    case PJ_OP_ASYNC_START:
      for (uint32_t i = 0; i < op->num_operands; i++)
        put(o, &op->regions[0].args[i], op->operands[i]);
      next = move_out(op);
      break;
    case PJ_OP_ASYNC_DONE: {
      const PjOp *start = op->operands[0]->def;
      for (uint32_t i = 0; i < op->num_results && start && start->kind == PJ_OP_ASYNC_START; i++)
        put(o, &op->results[i], start->regions[0].last->operands[i]);
      break;
    }
    default:
      if (is_chlo(op))
        call_chlo(o, op);
      for (uint32_t i = 0; i < op->num_regions; i++)
        open_region(o, &op->regions[i]);
    }
    if (is_mark(op->kind) || is_chlo(op))
      pj_op_remove(op);
  }
}

static void replace(const Opening *o, const PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; i++) {
      const uint64_t *place;
      while ((place = pj_map_find(&o->places, pj_map_ptr(op->operands[i]))))
        op->operands[i] = (PjValue *)(uintptr_t)*place;
    }
    for (uint32_t i = 0; i < op->num_regions; i++)
      replace(o, &op->regions[i]);
  }
}

PjStatus pj_marks_make(PjArena *arena, const PjModule *module, PjModule **out) {
  const PjPassOptions passes = {.only = "dead_code"};
  PJ_TRY(pj_passes_run(arena, module, &passes, out));
  Opening o = {.arena = arena};
  open_region(&o, &(*out)->body);
  replace(&o, &(*out)->body);
  pj_module_number(*out);
  return PJ_STATUS_OK;
}
