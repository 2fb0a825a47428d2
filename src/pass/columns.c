// A matrix that a loop multiplies a few rows by is turned before the loop, so that its columns lie
// side by side.
//
//   while(...) do { %1 = dot_general %x, %w, contracting_dims = [1] x [1] ... }
//     =>  %2 = transpose %w, dims = [1, 0]
//         while(...) do { %1 = dot_general %x, %2, contracting_dims = [1] x [0] ... }
//
// The gradient of a recurrent network is written so. What multiplies few rows reads such a matrix
// as it lies, where the other would be packed in every turn (routine/dot_direct.c). Large matrices
// stay: turning one takes memory, and time that a few turns do not win back.
//
// After the simplifier, which would take the transpose back. Linear in the operations times the
// depth of loops.
#include "base/alloc.h"
#include "pass/build.h"
#include "pass/match.h"
#include "pass/passes.h"

enum {
  MIN_ROWS = 8,
  MAX_ROWS = 128,
  MIN_TURNS = 4,
  MIN_SIDE = 16,         // of the matrix
  MAX_BYTES = 192 << 10, // as dot_direct.c's NEAR_BYTES
  MAX_TURNED = 16,       // of one function
};

typedef struct Turned {
  const PjOp *loop;
  PjValue *from, *to;
} Turned;

// Is it rows by the turned matrix, in each of enough turns?
static bool pays(const PjOp *dot) {
  const PjType *x = dot->operands[0]->type, *w = dot->operands[1]->type,
               *type = dot->results[0].type;
  uint32_t count, batch;
  const int64_t *dims = PJ_INTS(dot, rhs_contracting_dimensions, &count);
  PJ_INTS(dot, rhs_batching_dimensions, &batch);
  if (count != 1 || batch || !pj_type_is_tensor(x) || !pj_type_is_tensor(w) || w->rank != 2 ||
      dims[0] != 1 || x->dtype != w->dtype || type->dtype != w->dtype || w->quant ||
      (w->dtype != PJ_DT_F32 && w->dtype != PJ_DT_F64) || !pj_type_is_static(x) ||
      !pj_type_is_static(w))
    return false;
  int64_t elements = 1;
  for (int32_t d = 0; d < type->rank; ++d)
    if (!pj_mul_i64(elements, type->dims[d], &elements))
      return false;
  const int64_t n = w->dims[0], k = w->dims[1];
  if (n < MIN_SIDE || k < MIN_SIDE || n > MAX_BYTES || k > MAX_BYTES ||
      n * k * (int64_t)pj_dtype_bytes(w->dtype) > MAX_BYTES)
    return false;
  return elements / n >= MIN_ROWS && elements / n <= MAX_ROWS;
}

// The outermost loop around |dot| that |w| comes from outside of; NULL: none. Each turns often.
static PjOp *loop_around(const PjOp *dot, const PjValue *w) {
  PjOp *found = NULL;
  for (const PjRegion *region = dot->region; region && region->parent;
       region = region->parent->region) {
    PjOp *op = region->parent;
    PjCounter counter;
    if (op->kind != PJ_OP_WHILE || region != &op->regions[1] || pj_rw_inside(w, region))
      break;
    if (pj_match_counter(op, &counter) && counter.trips >= MIN_TURNS)
      found = op;
  }
  return found;
}

static void turn(PjRewrite *rw, PjOp *dot, PjOp *loop, Turned turned[MAX_TURNED]) {
  PjValue *w = dot->operands[1];
  int at = 0;
  while (at < MAX_TURNED && turned[at].from && (turned[at].from != w || turned[at].loop != loop))
    ++at;
  if (at == MAX_TURNED)
    return;
  if (!turned[at].from)
    turned[at] = (Turned){loop, w, pj_build_transpose(rw, loop, w, (int64_t[]){1, 0})};
  pj_rw_set_operand(rw, dot, 1, turned[at].to);
  pj_op_set_attr(dot, PJ_KEY_rhs_contracting_dimensions,
                 pj_attr_ints(rw->arena, 1, (int64_t[]){0}));
  ++rw->changes;
}

static void visit(PjRewrite *rw, PjOp *op, void *turned) {
  if (op->kind != PJ_OP_DOT_GENERAL || rw->exhausted || !pj_rw_spend(rw, 1) || !pays(op))
    return;
  PjOp *loop = loop_around(op, op->operands[1]);
  if (loop)
    turn(rw, op, loop, turned);
}

PjStatus pj_pass_columns(PjRewrite *rw) {
  pj_rw_visit(rw, visit, (Turned[MAX_TURNED]){{0}});
  return PJ_STATUS_OK;
}
