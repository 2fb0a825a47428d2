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
//
// One long line has nothing beside it, so each of its elements would wait for the one before. It is
// cut into blocks that lie beside each other: they are accumulated together, each from the init
// value on, then the blocks' totals; and each element is combined with the total before its block.
// That takes another order, as the specification allows, but not where floats are multiplied: a
// block alone may overflow where the whole does not.
#include "pass/simplify_scan.h"

#include <string.h>

#include "pass/body.h"
#include "pass/fold.h"
#include "pass/simplify.h"

enum {
  NEAR = 8,            // elements side by side, at least, where others could be
  LONG_LINE = 1 << 11, // elements from which a line is cut
};

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

static bool multiplies_floats(const PjRegion *body) {
  for (const PjOp *op = body->first; op; op = op->next)
    if ((op->kind == PJ_OP_MULTIPLY || op->kind == PJ_OP_DIVIDE || op->kind == PJ_OP_POWER) &&
        !pj_dtype_is_int(op->results[0].type->dtype))
      return true;
  return false;
}

// How many blocks the line becomes that |type| is, or 0: about as many as elements in each.
static int64_t blocks_of(const PjScanLoop *what, const PjType *type) {
  const int64_t n = type->dims[what->axis];
  if (n < LONG_LINE || pj_count(type) != n || multiplies_floats(what->body))
    return 0;
  int64_t blocks = NEAR;
  while (blocks * blocks < n)
    blocks *= 2;
  return blocks;
}

static void write_blocks(PjRewrite *rw, PjOp *at, const PjScanLoop *what, int64_t blocks,
                         PjValue *const *operands, PjValue *const *inits, PjValue **out) {
  const PjType *type = operands[0]->type;
  const uint32_t count = what->count, of_acc = what->suffix ? count : 0;
  const int64_t n = type->dims[what->axis], size = (n + blocks - 1) / blocks, none = 0, one = 1,
                left = size * blocks - n, turn[] = {1, 0}, beside = 1,
                last[] = {what->suffix ? 0 : size - 1, 0}, last_end[] = {last[0] + 1, blocks},
                kept[] = {what->suffix ? 1 : 0}, kept_end[] = {kept[0] + blocks - 1},
                line[] = {what->suffix ? left : 0}, line_end[] = {line[0] + n};
  PjValue *rows[PJ_MAX_SCANNED] = {0}, *totals[PJ_MAX_SCANNED] = {0}, *args[2 * PJ_MAX_SCANNED];
  for (uint32_t i = 0; i < count; ++i) {
    PjValue *x = pj_build_reshape_dims(rw, at, operands[i], 1, &n);
    if (left) // what is put there comes last
      x = pj_build_pad(rw, at, x, inits[i], what->suffix ? &left : &none,
                       what->suffix ? &none : &left, NULL);
    x = pj_build_reshape_dims(rw, at, x, 2, (int64_t[]){blocks, size});
    rows[i] = pj_build_transpose(rw, at, x, turn);
  }
  PjScanLoop along = *what;
  along.axis = 0;
  pj_scan_write(rw, at, &along, rows, inits, rows);
  for (uint32_t i = 0; i < count; ++i) {
    PjValue *total = pj_build_slice(rw, at, rows[i], last, last_end, NULL);
    totals[i] = pj_build_reshape_dims(rw, at, total, 1, &blocks);
  }
  pj_scan_write(rw, at, &along, totals, inits, totals);
  for (uint32_t i = 0; i < count; ++i) {
    PjValue *before = pj_build_slice(rw, at, totals[i], kept, kept_end, NULL);
    before = pj_build_pad(rw, at, before, inits[i], what->suffix ? &none : &one,
                          what->suffix ? &one : &none, NULL);
    args[of_acc + i] = pj_build_broadcast(rw, at, before, &beside, rows[i]->type);
    args[count - of_acc + i] = rows[i];
  }
  pj_region_spread(rw, at, what->body, args, rows);
  for (uint32_t i = 0; i < count; ++i) {
    PjValue *x = pj_build_transpose(rw, at, rows[i], turn);
    x = pj_build_reshape_dims(rw, at, x, 1, (int64_t[]){size * blocks});
    if (left)
      x = pj_build_slice(rw, at, x, line, line_end, NULL);
    out[i] = pj_build_reshape_dims(rw, at, x, type->rank, type->dims);
  }
}

void pj_scan_write(PjRewrite *rw, PjOp *at, const PjScanLoop *what, PjValue *const *operands,
                   PjValue *const *inits, PjValue **out) {
  const int64_t blocks = blocks_of(what, operands[0]->type);
  if (blocks) {
    write_blocks(rw, at, what, blocks, operands, inits, out);
    return;
  }
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
