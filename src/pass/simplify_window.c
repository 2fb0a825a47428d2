// reduce_window whose body no ready kernel knows, or of several operands, or of a few places each
// of which belongs to one window only (pooling), becomes operations that fuse.
//
//   %r = reduce_window(%x, %init) { body }, window [3], padding [1, 1]
//     =>  %p = pad %x, %init ; %a = body(%init.., %p[0 : n]) ; %b = body(%a, %p[1 : n + 1]) ; ...
//
// The places of a window are taken in row-major order, each combined into all results at once. As
// many of the last dimensions are written out as MAX_OPS allows; a loop goes through the places of
// the others:
//
//   while(%i = 0, %a = %init..) { %s = dynamic_slice %p, [%i / .., ..] ; %a = body(%a, %s[..]).. }
//
// Where every window ends behind the array (pj_window_run), the places are taken from the last to
// the first, each before what is accumulated, as the evaluator does: bits stay.
//
// Padding counts as the init value, also where the evaluator skips it: it does that only when the
// init value combined with itself stays as it is.
#include "eval/window.h"
#include "pass/body.h"
#include "pass/fold.h"
#include "pass/simplify.h"
#include "pass/simplify_scan.h"
#include "pass/stack.h"
#include "routine/routine.h"

enum {
  MAX_COUNT = PJ_MAX_SCANNED,
  MAX_BODY = 64,      // operations
  MAX_OPS = 256,      // of a window that are written out
  MAX_APART = 16,     // places of windows that do not meet
  MIN_APART = 64,     // results of them
  MAX_TURNS = 1 << 12 // of a loop
};

typedef struct Places {
  PjRewrite *rw;
  const PjOp *op;
  uint32_t count;
  PjWindow w;
  int32_t split; // dimensions before are looped over, those from it on are written out
  bool suffix;   // places are taken from the last to the first
  int64_t turns;
  const PjType *scalar; // the loop's counter
  PjValue *padded[MAX_COUNT];
} Places;

// |x|, folded if it was just made of a constant.
static PjValue *folded(PjRewrite *rw, PjValue *x) {
  if (x->def && x->def->kind == PJ_OP_CONVERT)
    pj_fold_op(rw, x->def);
  return pj_rw_value(rw, x);
}

// |x| with the edges and holes of the window, filled with |value|.
static PjValue *pad(PjRewrite *rw, PjOp *at, const PjWindow *w, PjValue *x, PjValue *value) {
  int64_t interior[PJ_MAX_RANK];
  bool changes = false;
  for (int32_t d = 0; d < w->rank; ++d) {
    interior[d] = w->base_dilation[d] - 1;
    changes |= w->low[d] || w->high[d] || interior[d];
  }
  return changes ? pj_build_pad(rw, at, x, value, w->low, w->high, interior) : x;
}

// Combines the places of the dimensions from |split| on, of which |arrays| hold as many elements as
// they reach, into |acc|.
static void write_out(const Places *p, PjOp *at, PjValue *const *arrays, PjValue **acc) {
  const PjWindow *w = &p->w;
  const uint32_t of_acc = p->suffix ? p->count : 0, of_new = p->count - of_acc;
  int64_t k[PJ_MAX_RANK] = {0}, start[PJ_MAX_RANK], limit[PJ_MAX_RANK];
  PjValue *args[2 * MAX_COUNT];
  for (;;) {
    for (int32_t d = 0; d < w->rank; ++d) {
      const int64_t place = p->suffix && d >= p->split ? w->size[d] - 1 - k[d] : k[d];
      start[d] = place * w->dilation[d];
      limit[d] = start[d] + (w->out[d] - 1) * w->stride[d] + 1;
    }
    for (uint32_t i = 0; i < p->count; ++i) {
      args[of_acc + i] = acc[i];
      args[of_new + i] = pj_build_slice(p->rw, at, arrays[i], start, limit, w->stride);
    }
    pj_region_spread(p->rw, at, &p->op->regions[0], args, acc);
    int32_t d = w->rank - 1;
    for (; d >= p->split && ++k[d] == w->size[d]; --d)
      k[d] = 0;
    if (d < p->split)
      return;
  }
}

// The turn of the loop: |carry| is the counter, then what is accumulated.
static void write_turn(const Places *p, PjOp *at, PjValue **carry) {
  PjRewrite *rw = p->rw;
  const PjWindow *w = &p->w;
  PjValue *starts[PJ_MAX_RANK], *arrays[MAX_COUNT], *rest = carry[0];
  if (p->suffix)
    rest = pj_build_binary(rw, at, PJ_OP_SUBTRACT, pj_build_int(rw, at, p->scalar, p->turns - 1),
                           rest);
  int64_t sizes[PJ_MAX_RANK];
  for (int32_t d = w->rank - 1; d >= 0; --d) {
    const bool looped = d < p->split;
    sizes[d] =
        (w->out[d] - 1) * w->stride[d] + (looped ? 0 : (w->size[d] - 1) * w->dilation[d]) + 1;
    starts[d] = pj_build_int(rw, at, p->scalar, 0);
    if (!looped || w->size[d] == 1)
      continue;
    PjValue *size = pj_build_int(rw, at, p->scalar, w->size[d]);
    starts[d] = pj_build_binary(rw, at, PJ_OP_MULTIPLY,
                                pj_build_binary(rw, at, PJ_OP_REMAINDER, rest, size),
                                pj_build_int(rw, at, p->scalar, w->dilation[d]));
    rest = pj_build_binary(rw, at, PJ_OP_DIVIDE, rest, size);
  }
  for (uint32_t i = 0; i < p->count; ++i)
    arrays[i] = pj_build_dynamic_slice(rw, at, p->padded[i], starts, sizes);
  write_out(p, at, arrays, carry + 1);
}

static void write_loop(const Places *p, PjOp *at, PjValue **acc) {
  const uint32_t num = 1 + p->count;
  PjValue *carry[1 + MAX_COUNT];
  carry[0] = pj_build_int(p->rw, at, p->scalar, 0);
  for (uint32_t i = 0; i < p->count; ++i)
    carry[1 + i] = acc[i];
  PjOp *end = pj_build_loop(p->rw, at, p->turns, num, carry);
  write_turn(p, end, carry);
  pj_build_loop_end(p->rw, end, num, carry);
  for (uint32_t i = 0; i < p->count; ++i)
    acc[i] = carry[1 + i];
}

static uint32_t length(const PjRegion *region) {
  uint32_t count = 0;
  for (const PjOp *op = region->first; op; op = op->next)
    ++count;
  return count;
}

// Which dimensions are written out, and how often the loop over the others turns.
static bool choose_split(Places *p) {
  const PjWindow *w = &p->w;
  const int64_t most = MAX_OPS / (length(&p->op->regions[0]) + p->count);
  int64_t places = 1;
  p->split = w->rank;
  while (p->split > 0 && w->size[p->split - 1] <= most / places)
    places *= w->size[--p->split];
  p->turns = 1;
  for (int32_t d = 0; d < p->split; ++d) {
    if (w->size[d] > MAX_TURNS / p->turns)
      return false;
    p->turns *= w->size[d];
  }
  return true;
}

// Small windows, beside each other and inside of the array, of elements that are combined as they
// lie there: as slices they are read once, by the kernel of what follows.
static bool stands_apart(const PjOp *op, const PjWindow *w) {
  const PjDtype dtype = op->operands[0]->type->dtype;
  int64_t places = 1;
  if (op->num_results != 1 || op->regions[0].args[0].type->dtype != dtype ||
      (pj_dtype_is_float(dtype) && pj_dtype_bytes(dtype) < 4) ||
      pj_count(op->results[0].type) < MIN_APART)
    return false;
  for (int32_t d = 0; d < w->rank; ++d) {
    if (w->low[d] || w->high[d] || w->base_dilation[d] != 1 || w->stride[d] < w->size[d] ||
        (w->dilation[d] != 1 && w->size[d] != 1) || w->size[d] > MAX_APART / places)
      return false;
    places *= w->size[d];
  }
  return places > 1 && w->stride[w->rank - 1] <= 4;
}

// Combines all places into |init|, scalars of the body's types; |acc|: the results.
static void write_windows(Places *p, PjOp *op, PjValue *const *init, PjValue **acc) {
  for (uint32_t i = 0; i < p->count; ++i) {
    const PjDtype dtype = init[i]->type->dtype;
    p->padded[i] =
        pad(p->rw, op, &p->w, pj_build_convert(p->rw, op, op->operands[i], dtype), init[i]);
    acc[i] = pj_build_broadcast(p->rw, op, init[i], NULL,
                                pj_type_with_dtype(p->rw->arena, op->results[i].type, dtype));
  }
  if (p->turns > 1)
    write_loop(p, op, acc);
  else
    write_out(p, op, p->padded, acc);
}

// The running reduction of a stack: a stack again, whose parts continue each other.
static bool run_over_stack(PjRewrite *rw, PjOp *op, const PjWindow *w) {
  enum { FEW_PARTS = 6 };
  const PjRegion *body = &op->regions[0];
  const PjType *type = op->operands[0]->type;
  const bool narrow = pj_dtype_is_float(type->dtype) && pj_dtype_bytes(type->dtype) < 4;
  int32_t axis;
  if (op->num_results != 1 || narrow || !pj_type_eq(op->results[0].type, type) ||
      body->args[0].type->dtype != type->dtype || pj_window_run(w, &axis) != PJ_WINDOWS_PREFIX ||
      w->low[axis] != w->size[axis] - 1)
    return false;
  const int64_t size = type->dims[axis];
  if (size > FEW_PARTS || !pj_is_stack(rw, op->operands[0], axis, size) ||
      pj_scan_init(rw, op, body, 1, &op->operands[1]) != PJ_INIT_NEUTRAL)
    return false;
  PjValue *sums[FEW_PARTS], *sum = NULL;
  for (int64_t k = 0; k < size; ++k) {
    PjValue *part = pj_stack_part(rw, op, op->operands[0], axis, k);
    if (!sum)
      sum = pj_build_broadcast(rw, op, op->operands[1], NULL, part->type);
    PjValue *args[] = {sum, part};
    pj_region_spread(rw, op, body, args, &sum);
    sums[k] = sum;
  }
  PjOp *made = pj_build_op(rw, op, PJ_OP_CONCATENATE, (uint32_t)size, sums, type);
  pj_op_set_attr(made, PJ_KEY_dimension, pj_attr_i64(rw->arena, axis));
  return pj_rw_become(rw, op, pj_build_done(rw, made));
}

bool pj_rule_reduce_window(PjRewrite *rw, PjOp *op) {
  Places p = {.rw = rw, .op = op, .count = op->num_results};
  const PjRegion *body = &op->regions[0];
  const PjType *type = op->operands[0]->type;
  const PjTensor shape = {.rank = type->rank, .dims = (int64_t *)type->dims, .dtype = type->dtype};
  if (!p.count || p.count > MAX_COUNT || op->num_operands != 2 * p.count ||
      body->num_args != 2 * p.count || !pj_region_spreads(body, MAX_BODY))
    return false;
  for (uint32_t i = 0; i < p.count; ++i)
    if (body->args[i].type->dtype != body->args[p.count + i].type->dtype ||
        body->args[i].type->dtype != body->last->operands[i]->type->dtype)
      return false;
  if (pj_count(op->results[0].type) == 0)
    return false;
  PjStatus status = pj_window_init(op, &shape, &p.w);
  if (status) {
    pj_status_free(status);
    return false;
  }
  if (run_over_stack(rw, op, &p.w))
    return true;
  if (!stands_apart(op, &p.w) && pj_routine_select(rw->scratch, op))
    return false;
  const bool short_windows = choose_split(&p);
  int32_t axis;
  const PjWindowRun run = pj_window_run(&p.w, &axis);
  if (!short_windows && run == PJ_WINDOWS_APART)
    return false;
  PjValue *init[MAX_COUNT], *results[MAX_COUNT];
  for (uint32_t i = 0; i < p.count; ++i) // the body may work in a wider type
    init[i] =
        folded(rw, pj_build_convert(rw, op, op->operands[p.count + i], body->args[i].type->dtype));
  PjInitKind kind = PJ_INIT_UNKNOWN;
  if (run != PJ_WINDOWS_APART)
    kind = pj_scan_init(rw, op, body, p.count, init);
  p.suffix = run == PJ_WINDOWS_SUFFIX && kind != PJ_INIT_COUNTS;
  p.scalar = pj_type_with_dtype(rw->arena, pj_type_with_dims(rw->arena, type, 0, NULL), PJ_DT_S32);
  if (kind == PJ_INIT_NEUTRAL && (!short_windows || p.turns > 1) && pj_scan_fits(&p.w, run, axis)) {
    const PjScanLoop scan = {p.count, body, p.scalar, axis, p.suffix};
    PjValue *x[MAX_COUNT];
    for (uint32_t i = 0; i < p.count; ++i)
      x[i] = pj_build_convert(rw, op, op->operands[i], body->args[i].type->dtype);
    pj_scan_write(rw, op, &scan, x, init, results);
  } else if (short_windows) {
    write_windows(&p, op, init, results);
  } else {
    return false;
  }
  for (uint32_t i = 0; i < p.count; ++i)
    results[i] = pj_build_convert(rw, op, results[i], op->results[i].type->dtype);
  return pj_rw_become_all(rw, op, results);
}
