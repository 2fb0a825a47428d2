// Region bodies as flat lists of kernel calls over short vectors.
//
// A body such as (a, b) -> select(compare(a, b), a, b) is run for thousands of elements at once
// instead of operation by operation on scalars. Every value of the region gets a slot: a pointer to
// |width| elements, which is an argument (set by each run), a constant or captured scalar (filled
// once) or the output of a kernel. Functions and composites that are called from the region are
// taken in.
#include "eval/body.h"

#include "base/vec.h"
#include "eval/run.h"
#include "eval/strided.h"

enum { MAX_STEPS = 4096, MAX_CALLS = 16 };

typedef struct Step {
  PjKernel kernel;
  uint32_t num_in, in[3], out;
} Step;

struct PjBody {
  int64_t width;
  uint32_t num_args, num_out;
  const void **slots; // arguments first
  uint32_t *returned;
  struct {
    Step *data;
    size_t len, cap;
  } steps;
};

typedef struct Compiler {
  PjEval *ev;
  PjBody *body;
  PJ_VEC(const void *) slots;
} Compiler;

// Slots of the values of one function or region: PjValue.id - first.
typedef struct Scope {
  uint32_t first, count;
  uint32_t *slots; // slot + 1, or 0
} Scope;

static uint32_t add_slot(Compiler *c, const void *data) {
  PJ_PUSH(c->ev->arena, &c->slots, data);
  return (uint32_t)c->slots.len - 1;
}

static void *add_vector(Compiler *c, PjDtype dtype, uint32_t *out_slot) {
  void *data = pj_arena_calloc(c->ev->arena, (size_t)c->body->width, pj_dtype_bytes(dtype));
  *out_slot = add_slot(c, data);
  return data;
}

static uint32_t add_splat(Compiler *c, PjDtype dtype, const void *value) {
  uint32_t slot;
  char aligned[16] __attribute__((aligned(16)));
  void *data = add_vector(c, dtype, &slot);
  memcpy(aligned, value, pj_dtype_bytes(dtype));
  pj_fill(pj_dtype_bytes(dtype), c->body->width, aligned, data);
  return slot;
}

// The slot of |value|, reading it from the running function's frame if it lies outside the region.
// False if that is no scalar array.
static bool find_slot(Compiler *c, Scope *scope, const PjValue *value, uint32_t *out) {
  uint32_t at = value->id - scope->first;
  if (value->id >= scope->first && at < scope->count && scope->slots[at]) {
    *out = scope->slots[at] - 1;
    return true;
  }
  if (!c->ev->frame || value->id >= scope->first)
    return false;
  const PjTensor *tensor = c->ev->frame->slots[value->id];
  if (!tensor || tensor->kind != PJ_TENSOR_ARRAY || tensor->rank != 0)
    return false;
  *out = add_splat(c, tensor->dtype, tensor->data);
  return true;
}

static void set_slot(Scope *scope, const PjValue *value, uint32_t slot) {
  scope->slots[value->id - scope->first] = slot + 1;
}

static uint32_t last_id(const PjRegion *region) {
  uint32_t last = region->num_args ? region->args[region->num_args - 1].id : 0;
  for (const PjOp *op = region->first; op; op = op->next)
    if (op->num_results)
      last = op->results[op->num_results - 1].id;
  return last;
}

static Scope make_scope(Compiler *c, const PjRegion *region) {
  Scope scope = {0};
  if (region->num_args)
    scope.first = region->args[0].id;
  else if (region->first && region->first->num_results)
    scope.first = region->first->results[0].id;
  scope.count = last_id(region) - scope.first + 1;
  scope.slots = PJ_NEW_ARRAY(c->ev->arena, uint32_t, scope.count);
  return scope;
}

static bool is_scalar(const PjValue *value) {
  return pj_type_is_scalar_tensor(value->type);
}

static bool add_region(Compiler *c, Scope *scope, const PjRegion *region, int depth);

static bool add_call(Compiler *c, Scope *scope, const PjOp *op, PjStr callee, int depth) {
  const PjFuncPlan *plan = pj__program_find(c->ev->program, callee);
  if (!plan || depth >= MAX_CALLS)
    return false;
  const PjRegion *region = &plan->func->regions[0];
  const PjOp *end = pj_region_terminator(region);
  if (!end || region->num_args != op->num_operands || end->num_operands != op->num_results)
    return false;
  // A function sees nothing of its caller: all its values have ids from its first argument on.
  Scope inner = make_scope(c, region);
  uint32_t slot;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    if (!find_slot(c, scope, op->operands[i], &slot))
      return false;
    set_slot(&inner, &region->args[i], slot);
  }
  if (!add_region(c, &inner, region, depth + 1))
    return false;
  for (uint32_t i = 0; i < op->num_results; ++i) {
    if (!find_slot(c, &inner, end->operands[i], &slot))
      return false;
    set_slot(scope, &op->results[i], slot);
  }
  return true;
}

static bool add_kernel(Compiler *c, Scope *scope, const PjOp *op) {
  Step step = {.num_in = op->num_operands};
  if (op->num_results != 1 || op->num_operands > 3 || c->body->steps.len >= MAX_STEPS ||
      !pj_kernel_select(op, &step.kernel))
    return false;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!find_slot(c, scope, op->operands[i], &step.in[i]))
      return false;
  add_vector(c, op->results[0].type->dtype, &step.out);
  PJ_PUSH(c->ev->arena, &c->body->steps, step);
  set_slot(scope, &op->results[0], step.out);
  return true;
}

static bool add_op(Compiler *c, Scope *scope, const PjOp *op, int depth) {
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (!is_scalar(&op->results[i]))
      return false;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!is_scalar(op->operands[i]))
      return false;
  switch (op->kind) {
  case PJ_OP_CONSTANT:
  case PJ_OP_CHLO_CONSTANT: {
    const PjAttr *value = PJ_ATTR(op, value);
    if (value->data_size < pj_dtype_bytes(value->type->dtype))
      return false;
    set_slot(scope, &op->results[0], add_splat(c, value->type->dtype, value->data));
    return true;
  }
  case PJ_OP_RESHAPE:
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_TRANSPOSE:
  case PJ_OP_OPTIMIZATION_BARRIER: {
    uint32_t slot;
    for (uint32_t i = 0; i < op->num_results; ++i) {
      if (!find_slot(c, scope, op->operands[i], &slot))
        return false;
      set_slot(scope, &op->results[i], slot);
    }
    return true;
  }
  case PJ_OP_CALL:
    return add_call(c, scope, op, PJ_STRATTR(op, callee), depth);
  case PJ_OP_COMPOSITE:
    return add_call(c, scope, op, PJ_STRATTR(op, decomposition), depth);
  default:
    return (pj_op_info[op->kind].traits & PJ_TRAIT_ELEM) && !op->num_regions &&
           add_kernel(c, scope, op);
  }
}

static bool add_region(Compiler *c, Scope *scope, const PjRegion *region, int depth) {
  const PjOp *end = pj_region_terminator(region);
  if (!end)
    return false;
  for (const PjOp *op = region->first; op != end; op = op->next)
    if (!add_op(c, scope, op, depth))
      return false;
  return true;
}

// Drops the steps whose results nobody wants: a comparator asked for its left key needs half of
// them.
static void drop_dead_steps(Compiler *c) {
  PjBody *body = c->body;
  uint8_t *live = PJ_NEW_ARRAY(c->ev->arena, uint8_t, c->slots.len);
  for (uint32_t i = 0; i < body->num_out; ++i)
    live[body->returned[i]] = 1;
  for (size_t s = body->steps.len; s-- > 0;) {
    const Step *step = &body->steps.data[s];
    for (uint32_t i = 0; live[step->out] && i < step->num_in; ++i)
      live[step->in[i]] = 1;
  }
  size_t kept = 0;
  for (size_t s = 0; s < body->steps.len; ++s)
    if (live[body->steps.data[s].out])
      body->steps.data[kept++] = body->steps.data[s];
  body->steps.len = kept;
}

PjBody *pj_body_compile_values(PjEval *ev, const PjRegion *region, uint32_t num_wanted,
                               PjValue *const *wanted, int64_t width) {
  if (width < 1)
    width = 1;
  PjBody *body = PJ_NEW(ev->arena, PjBody);
  *body = (PjBody){.width = width, .num_args = region->num_args, .num_out = num_wanted};
  Compiler c = {.ev = ev, .body = body};
  for (uint32_t i = 0; i < region->num_args; ++i)
    if (!is_scalar(&region->args[i]) || region->args[i].type->quant)
      return NULL;
  Scope scope = make_scope(&c, region);
  for (uint32_t i = 0; i < region->num_args; ++i)
    set_slot(&scope, &region->args[i], add_slot(&c, NULL));
  if (!add_region(&c, &scope, region, 0))
    return NULL;
  body->returned = PJ_NEW_ARRAY(ev->arena, uint32_t, num_wanted);
  for (uint32_t i = 0; i < num_wanted; ++i)
    if (!is_scalar(wanted[i]) || !find_slot(&c, &scope, wanted[i], &body->returned[i]))
      return NULL;
  body->slots = c.slots.data;
  drop_dead_steps(&c);
  return body;
}

PjBody *pj_body_compile(PjEval *ev, const PjRegion *region, int64_t width) {
  const PjOp *end = pj_region_terminator(region);
  if (!end)
    return NULL;
  return pj_body_compile_values(ev, region, end->num_operands, end->operands, width);
}

void pj_body_run(PjBody *body, int64_t n, const void *const *args, const void **out) {
  for (uint32_t i = 0; i < body->num_args; ++i)
    body->slots[i] = args[i];
  for (size_t s = 0; s < body->steps.len; ++s) {
    const Step *step = &body->steps.data[s];
    const void *in[3];
    for (uint32_t i = 0; i < step->num_in; ++i)
      in[i] = body->slots[step->in[i]];
    step->kernel.fn(&step->kernel, n, in, (void *)body->slots[step->out]);
  }
  for (uint32_t i = 0; i < body->num_out; ++i)
    out[i] = body->slots[body->returned[i]];
}

PjOpKind pj_body_binary(const PjRegion *region) {
  const PjOp *op = region->first, *end = pj_region_terminator(region);
  if (!op || region->num_args != 2 || op->next != end || !end || end->num_operands != 1 ||
      op->num_operands != 2 || op->num_results != 1 || end->operands[0] != &op->results[0])
    return PJ_OP_INVALID;
  if (!(pj_op_info[op->kind].traits & PJ_TRAIT_ELEM) || op->kind == PJ_OP_COMPARE)
    return PJ_OP_INVALID;
  const PjValue *a = &region->args[0], *b = &region->args[1];
  bool straight = op->operands[0] == a && op->operands[1] == b;
  bool swapped = op->operands[0] == b && op->operands[1] == a && pj_op_commutes(op);
  bool plain = is_scalar(a) && !a->type->quant && pj_type_eq(a->type, b->type) &&
               pj_type_eq(a->type, op->results[0].type);
  return plain && (straight || swapped) ? op->kind : PJ_OP_INVALID;
}

bool pj_body_returns_args(const PjRegion *region, uint32_t first) {
  const PjOp *end = pj_region_terminator(region);
  if (!end || region->first != end || first + end->num_operands > region->num_args)
    return false;
  for (uint32_t i = 0; i < end->num_operands; ++i)
    if (end->operands[i] != &region->args[first + i])
      return false;
  return true;
}
