// Running reductions by any body: reduce_window whose windows are prefixes, or suffixes, of a
// dimension, becomes a loop along it that carries what is accumulated.
//
//   %r = reduce_window(%x, %init) { body }, window [n], padding [n - 1, 0]
//     =>  while(%i = 0, %a = %init.., %r = ..) {
//           %b = body(%a, dynamic_slice %x, [%i]) ; %s = dynamic_update_slice %r, %b, [%i] }
//
// Elements are taken in the evaluator's order, so bits stay: a prefix from the first element on, a
// suffix from the last, each new element before what was accumulated. Where the dimension is nearly
// the last, others are brought behind it first, so that a turn works on elements side by side.
#include "pass/simplify_scan.h"

#include <string.h>

#include "pass/body.h"
#include "pass/fold.h"

enum { NEAR = 8 }; // elements side by side, at least, where others could be

typedef struct Scan {
  PjRewrite *rw;
  const PjScanLoop *what;
  int32_t axis, rank;
  int64_t n;
  int64_t perm[PJ_MAX_RANK], back[PJ_MAX_RANK]; // of the dimensions, and the way back
} Scan;

static bool moves_axis(const PjType *type, int32_t axis) {
  int64_t inner = 1, outer = 1;
  for (int32_t d = 0; d < type->rank; ++d)
    if (d != axis)
      *(d < axis ? &outer : &inner) *= type->dims[d];
  return inner < NEAR && outer > 1;
}

static void choose_order(Scan *s, const PjType *type) {
  const int32_t axis = s->what->axis;
  s->rank = type->rank;
  s->n = type->dims[axis];
  s->axis = moves_axis(type, axis) ? 0 : axis;
  for (int32_t d = 0; d < s->rank; ++d)
    s->perm[d] = d;
  for (int32_t d = axis; d > s->axis; --d)
    s->perm[d] = d - 1;
  s->perm[s->axis] = axis;
  for (int32_t d = 0; d < s->rank; ++d)
    s->back[s->perm[d]] = d;
}

// |carry|: the counter, what is accumulated, the results.
static void write_turn(const Scan *s, PjOp *end, PjValue *const *x, PjValue **carry) {
  PjRewrite *rw = s->rw;
  const uint32_t count = s->what->count, of_acc = s->what->suffix ? count : 0;
  PjValue *starts[PJ_MAX_RANK], *args[2 * PJ_MAX_SCANNED], *place = carry[0];
  if (s->what->suffix)
    place = pj_build_binary(rw, end, PJ_OP_SUBTRACT, pj_build_int(rw, end, place->type, s->n - 1),
                            place);
  for (int32_t d = 0; d < s->rank; ++d)
    starts[d] = d == s->axis ? place : pj_build_int(rw, end, place->type, 0);
  for (uint32_t i = 0; i < count; ++i) {
    args[of_acc + i] = carry[1 + i];
    args[count - of_acc + i] =
        pj_build_dynamic_slice(rw, end, x[i], starts, carry[1 + i]->type->dims);
  }
  pj_region_spread(rw, end, s->what->body, args, carry + 1);
  for (uint32_t i = 0; i < count; ++i)
    carry[1 + count + i] =
        pj_build_dynamic_update_slice(rw, end, carry[1 + count + i], carry[1 + i], starts);
}

PjInitKind pj_scan_init(PjRewrite *rw, PjOp *at, const PjRegion *body, uint32_t count,
                        PjValue *const *inits) {
  PjValue *args[2 * PJ_MAX_SCANNED], *results[PJ_MAX_SCANNED];
  for (uint32_t i = 0; i < count; ++i) {
    args[i] = args[count + i] = inits[i];
    if (!pj_const_splat(inits[i]))
      return PJ_INIT_UNKNOWN;
  }
  PjOp *before = at->prev;
  pj_region_spread(rw, at, body, args, results);
  for (PjOp *op = before ? before->next : at->region->first, *next; op != at; op = next) {
    next = op->next;
    pj_rw_resolve(rw, op);
    if (op->kind != PJ_OP_CONSTANT)
      pj_fold_op(rw, op);
  }
  for (uint32_t i = 0; i < count; ++i) {
    const void *result = pj_const_splat(pj_rw_value(rw, results[i]));
    if (!result)
      return PJ_INIT_UNKNOWN;
    const size_t bytes = pj_dtype_bytes(inits[i]->type->dtype);
    if (memcmp(result, pj_const_splat(inits[i]), bytes) != 0)
      return PJ_INIT_COUNTS;
  }
  return PJ_INIT_NEUTRAL;
}

bool pj_scan_fits(const PjWindow *w, PjWindowRun run, int32_t axis) {
  return run != PJ_WINDOWS_APART && w->in[axis] == w->out[axis] && w->in[axis] <= INT32_MAX &&
         w->low[axis] == (run == PJ_WINDOWS_SUFFIX ? 0 : w->size[axis] - 1);
}

void pj_scan_write(PjRewrite *rw, PjOp *at, const PjScanLoop *what, PjValue *const *operands,
                   PjValue *const *inits, PjValue **out) {
  Scan s = {.rw = rw, .what = what};
  const uint32_t count = what->count, num = 1 + 2 * count;
  PjValue *x[PJ_MAX_SCANNED], *carry[1 + 2 * PJ_MAX_SCANNED];
  choose_order(&s, operands[0]->type);
  carry[0] = pj_build_int(rw, at, what->counter, 0);
  for (uint32_t i = 0; i < count; ++i) {
    int64_t dims[PJ_MAX_RANK];
    x[i] = pj_build_transpose(rw, at, operands[i], s.perm);
    for (int32_t d = 0; d < s.rank; ++d)
      dims[d] = d == s.axis ? 1 : x[i]->type->dims[d];
    carry[1 + i] = pj_build_broadcast(rw, at, inits[i], NULL,
                                      pj_type_with_dims(rw->arena, x[i]->type, s.rank, dims));
    carry[1 + count + i] = pj_build_broadcast(rw, at, inits[i], NULL, x[i]->type);
  }
  PjOp *end = pj_build_loop(rw, at, s.n, num, carry);
  write_turn(&s, end, x, carry);
  pj_build_loop_end(rw, end, num, carry);
  for (uint32_t i = 0; i < count; ++i)
    out[i] = pj_build_transpose(rw, at, carry[1 + count + i], s.back);
}
