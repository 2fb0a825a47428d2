// Loop-invariant code motion: what a loop computes anew in each iteration though nothing in it
// changes is computed before the loop.
//
//   while(...) do { %1 = transpose %w ; %2 = dot_general %x, %1 ... }
//     =>  %1 = transpose %w ; while(...) do { %2 = dot_general %x, %1 ... }
//
// Moved out of the body of a while loop: pure operations (linear algebra's calls are) all of whose
// operands (and what their regions capture) come from outside of it, inner loops first, so that an
// operation may leave several. The condition is left alone: it is small.
//
// Not worth a place in memory, and left where they are used: constants, iota, broadcasts, reshapes,
// slices, and elementwise operations whose result is larger than what they read. They go along, as
// a copy if others in the loop use them too, when something that is moved needs them.
//
// The operation runs even when the loop does not; it has no effect, so that is only a cost.
// Linear in the operations times the depth of loops.
#include "eval/lapack/lapack.h"
#include "pass/build.h"
#include "pass/passes.h"

// True if everything that |op| reads comes from outside of |body|, or lies within its own regions.
static bool reads_outside_only(const PjOp *op, const PjRegion *body, const PjOp *top) {
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjValue *value = op->operands[i];
    if (!pj_rw_inside(value, body))
      continue;
    // Within |top|'s own regions?
    const PjRegion *home = value->def ? value->def->region : value->region;
    while (home != body && home->parent != top)
      home = home->parent->region;
    if (home == body)
      return false;
  }
  for (uint32_t r = 0; r < op->num_regions; ++r)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      if (!reads_outside_only(inner, body, top))
        return false;
  return true;
}

static bool is_generator(PjOpKind kind) {
  switch (kind) {
  case PJ_OP_CONSTANT:
  case PJ_OP_IOTA:
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_RESHAPE:
  case PJ_OP_SLICE:
  case PJ_OP_REVERSE:
    return true;
  default:
    return false;
  }
}

static size_t bytes_of(const PjType *type) {
  size_t bytes;
  return pj_type_num_bytes(type, &bytes) ? bytes : 0;
}

static bool grows(const PjOp *op) {
  size_t in = 0, out = 0;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    in += bytes_of(op->operands[i]->type);
  for (uint32_t i = 0; i < op->num_results; ++i)
    out += bytes_of(op->results[i].type);
  return out > in + 64;
}

// Calls of functions that are ours to compute, and have no state.
static bool is_pure_call(const PjOp *op) {
  PjCustomCallFn *fn;
  void *user;
  return op->kind == PJ_OP_CUSTOM_CALL &&
         pj_lapack_find(PJ_STRATTR(op, call_target_name), &fn, &user);
}

static bool may_move(const PjOp *op) {
  const bool pure = pj_op_info[op->kind].traits & PJ_TRAIT_PURE || is_pure_call(op);
  if (!pure || !pj_rw_droppable_deep(op))
    return false;
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (!pj_type_is_tensor(op->results[i].type))
      return false;
  return true;
}

// A generator of |body| that depends on nothing in it but such generators.
static bool is_free(const PjValue *value, const PjRegion *body, int depth) {
  const PjOp *op = value->def;
  if (!pj_rw_inside(value, body))
    return true;
  if (!op || op->region != body || !is_generator(op->kind) || !depth)
    return false;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!is_free(op->operands[i], body, depth - 1))
      return false;
  return true;
}

// |value|, free, as it is before |loop|.
static PjValue *outside(PjRewrite *rw, PjValue *value, const PjRegion *body, PjOp *loop) {
  PjOp *op = value->def;
  if (!pj_rw_inside(value, body))
    return value;
  PjValue *operands[4];
  for (uint32_t i = 0; i < op->num_operands; ++i)
    operands[i] = outside(rw, op->operands[i], body, loop);
  return pj_build_like(rw, loop, op, operands, value->type);
}

static void hoist_from(PjRewrite *rw, PjOp *loop) {
  enum { MAX_DEPTH = 4 };
  PjRegion *body = &loop->regions[1];
  for (PjOp *op = body->first, *next; op->next; op = next) {
    next = op->next;
    if (rw->exhausted || !pj_rw_spend(rw, 1) || !op->num_operands || is_generator(op->kind) ||
        !may_move(op) || (pj_op_info[op->kind].traits & PJ_TRAIT_ELEM && grows(op)))
      continue;
    bool ready = true;
    for (uint32_t i = 0; i < op->num_operands && ready; ++i)
      ready = is_free(op->operands[i], body, MAX_DEPTH);
    for (uint32_t r = 0; r < op->num_regions && ready; ++r)
      for (const PjOp *inner = op->regions[r].first; inner && ready; inner = inner->next)
        ready = reads_outside_only(inner, body, op);
    if (!ready)
      continue;
    for (uint32_t i = 0; i < op->num_operands; ++i)
      pj_rw_set_operand(rw, op, i, outside(rw, op->operands[i], body, loop));
    pj_op_remove(op);
    pj_op_insert_before(loop, op);
    ++rw->changes;
  }
}

static void visit(PjRewrite *rw, PjOp *op, void *context) {
  (void)context;
  if (op->kind == PJ_OP_WHILE)
    hoist_from(rw, op);
}

PjStatus pj_pass_hoist(PjRewrite *rw) {
  pj_rw_visit(rw, visit, NULL);
  return PJ_STATUS_OK;
}
