// Bodies of scalar operations as lists of kernels.
#include "routine/body.h"

#include <string.h>

#include "base/vec.h"
#include "eval/eval.h"
#include "eval/strided.h"

// Where a value is: an argument, a constant (already a vector), or scratch.
typedef struct Place {
  const void *data;
  int64_t arg; // or -1
  size_t offset;
} Place;

typedef struct Step {
  PjKernel kernel;
  uint32_t num_in, in[3], out; // places
} Step;

struct PjScalarBody {
  int64_t width;
  size_t scratch;
  PJ_VEC(Place) places;
  PJ_VEC(Step) steps;
  uint32_t num_wanted, *wanted;
};

typedef struct Maker {
  PjArena *arena;
  PjScalarBody *body;
  const PjRegion *region;
  PJ_VEC(const PjValue *) values; // of places with the same number
} Maker;

static uint32_t add_place(Maker *m, const PjValue *value, Place place) {
  PJ_PUSH(m->arena, &m->body->places, place);
  PJ_PUSH(m->arena, &m->values, value);
  return (uint32_t)m->body->places.len - 1;
}

static bool add_constant(Maker *m, const PjOp *op) {
  const PjAttr *value = PJ_ATTR(op, value);
  const PjType *type = op->results[0].type;
  if (!value || value->kind != PJ_ATTR_ELEMENTS || type->rank != 0 ||
      value->data_size < pj_dtype_bytes(type->dtype))
    return false;
  const size_t elem = pj_dtype_bytes(type->dtype);
  void *data = pj_arena_calloc(m->arena, (size_t)m->body->width, elem);
  pj_fill(elem, m->body->width, value->data, data);
  add_place(m, &op->results[0], (Place){.data = data, .arg = -1});
  return true;
}

// The place of |value|; constants may also stand outside of the region.
static bool find(Maker *m, const PjValue *value, uint32_t *out) {
  for (int round = 0; round < 2; ++round) {
    for (size_t i = m->values.len; i-- > 0;)
      if (m->values.data[i] == value) {
        *out = (uint32_t)i;
        return true;
      }
    if (!value->def || value->def->kind != PJ_OP_CONSTANT || !add_constant(m, value->def))
      return false;
  }
  return false;
}

static bool add_step(Maker *m, const PjOp *op) {
  if (op->kind == PJ_OP_RESHAPE || op->kind == PJ_OP_BROADCAST_IN_DIM ||
      op->kind == PJ_OP_TRANSPOSE) {
    // Of scalars: the same value.
    uint32_t same;
    if (op->results[0].type->rank != 0 || op->operands[0]->type->rank != 0 ||
        !find(m, op->operands[0], &same))
      return false;
    add_place(m, &op->results[0], m->body->places.data[same]);
    return true;
  }
  Step step = {.num_in = op->num_operands};
  if (op->num_operands < 1 || op->num_operands > 3 || op->num_results != 1 ||
      !pj_kernel_select(op, &step.kernel))
    return false;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (op->operands[i]->type->rank != 0 || !find(m, op->operands[i], &step.in[i]))
      return false;
  const size_t bytes = (size_t)m->body->width * pj_dtype_bytes(op->results[0].type->dtype);
  step.out = add_place(m, &op->results[0], (Place){.arg = -1, .offset = m->body->scratch});
  m->body->scratch += pj__scratch_round(bytes);
  PJ_PUSH(m->arena, &m->body->steps, step);
  return true;
}

// Whether |wanted| or a later operation of the region that was marked needs |op|.
typedef struct Needs {
  PJ_VEC(const PjOp *) ops;
} Needs;

static bool needed(const Needs *needs, const PjOp *op) {
  for (size_t i = 0; i < needs->ops.len; ++i)
    if (needs->ops.data[i] == op)
      return true;
  return false;
}

enum { MAX_OPS = 256 }; // searching is quadratic

const PjScalarBody *pj__body_make(PjArena *arena, const PjRegion *region, uint32_t num_wanted,
                                  PjValue *const *wanted, int64_t width) {
  PjScalarBody *body = PJ_NEW(arena, PjScalarBody);
  body->width = width;
  Maker m = {.arena = arena, .body = body, .region = region};
  for (uint32_t i = 0; i < region->num_args; ++i) {
    if (!pj_type_is_scalar_tensor(region->args[i].type) || region->args[i].type->quant)
      return NULL;
    add_place(&m, &region->args[i], (Place){.arg = i});
  }
  // Backwards: what is needed; then forwards: places and steps.
  Needs needs = {0};
  for (uint32_t i = 0; i < num_wanted; ++i)
    if (wanted[i]->def)
      PJ_PUSH(arena, &needs.ops, wanted[i]->def);
  for (const PjOp *op = region->last; op; op = op->prev) {
    if (!needed(&needs, op))
      continue;
    for (uint32_t i = 0; i < op->num_operands; ++i)
      if (op->operands[i]->def && !needed(&needs, op->operands[i]->def))
        PJ_PUSH(arena, &needs.ops, op->operands[i]->def);
    if (needs.ops.len > MAX_OPS)
      return NULL;
  }
  for (const PjOp *op = region->first; op; op = op->next)
    if (needed(&needs, op) &&
        !(op->kind == PJ_OP_CONSTANT ? add_constant(&m, op) : add_step(&m, op)))
      return NULL;
  body->num_wanted = num_wanted;
  body->wanted = PJ_NEW_ARRAY(arena, uint32_t, num_wanted);
  for (uint32_t i = 0; i < num_wanted; ++i)
    if (!find(&m, wanted[i], &body->wanted[i]))
      return NULL;
  return body;
}

const PjScalarBody *pj__body_returns(PjArena *arena, const PjRegion *region, int64_t width) {
  const PjOp *end = pj_region_terminator(region);
  return end ? pj__body_make(arena, region, end->num_operands, end->operands, width) : NULL;
}

size_t pj__body_scratch(const PjScalarBody *body) {
  return body->scratch;
}

void pj__body_run(const PjScalarBody *body, int64_t n, const void *const *args, const void **outs,
                  void *scratch) {
  const Place *places = body->places.data;
#define AT(place)                                   \
  (places[place].arg >= 0 ? args[places[place].arg] \
   : places[place].data   ? places[place].data      \
                          : (char *)scratch + places[place].offset)
  for (size_t i = 0; i < body->steps.len; ++i) {
    const Step *step = &body->steps.data[i];
    const void *in[3];
    for (uint32_t k = 0; k < step->num_in; ++k)
      in[k] = AT(step->in[k]);
    step->kernel.fn(&step->kernel, n, in, (char *)scratch + places[step->out].offset);
  }
  for (uint32_t i = 0; i < body->num_wanted; ++i)
    outs[i] = AT(body->wanted[i]);
#undef AT
}
