// Preparation of a program for propagation, before its constraints: loops read cut arrays through
// open constraints, and constants are copied for each user.
//
// A constant that many operations use would carry the sharding of one to all others. So each
// operand that is a constant expression (constants and iotas, and broadcasts, reshapes, slices and
// elementwise operations of such) or the broadcast of a scalar gets a copy of its own. Scalars stay
// shared: nothing cuts them.
#include "partition/flow.h"
#include "partition/rule.h"

// --- Loops ---------------------------------------------------------------------------------------

static bool is_inside(const PjOp *op, const PjOp *loop) {
  for (const PjRegion *region = op->region; region && region->parent;
       region = region->parent->region)
    if (region->parent == loop)
      return true;
  return false;
}

static bool is_use_inside(void *context, const PjUse *use) {
  return is_inside(use->op, context);
}

static bool is_open(const PjSpec *spec) {
  for (int32_t d = 0; d < spec->rank; ++d)
    if (spec->dims[d].closed || spec->dims[d].axes.count)
      return false;
  return !spec->replicated.count && !spec->unreduced.count;
}

// |value|, used in |loop|, comes from outside.
static void open_value(PjFlow *flow, PjOp *loop, PjValue *value) {
  const PjSpec *spec = pj_flow_spec(flow, value);
  if (!spec || !spec->rank || is_open(spec) || spec->mesh->maximal)
    return;
  PjValue *open = pj_flow_constrain(flow, value, pj_spec_opened(flow->arena, spec), loop, NULL);
  pj_flow_replace(flow, value, open, is_use_inside, loop);
}

static bool is_defined_inside(const PjValue *value, const PjOp *loop) {
  const PjOp *at = value->def;
  if (!at) {
    at = value->region->parent;
    if (at == loop)
      return true;
  }
  return is_inside(at, loop);
}

static void open_captured(PjFlow *flow, PjOp *loop, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; ++i)
      if (!is_defined_inside(op->operands[i], loop))
        open_value(flow, loop, op->operands[i]);
    for (uint32_t r = 0; r < op->num_regions; ++r)
      open_captured(flow, loop, &op->regions[r]);
  }
}

static void open_loops(PjFlow *flow, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t r = 0; r < op->num_regions; ++r)
      open_loops(flow, &op->regions[r]);
    for (uint32_t r = 0; op->kind == PJ_OP_WHILE && r < op->num_regions; ++r)
      open_captured(flow, op, &op->regions[r]);
  }
}

void pj_flow_open_loops(PjFlow *flow) {
  open_loops(flow, &flow->entry->regions[0]);
}

// --- Constants -----------------------------------------------------------------------------------

typedef struct Split {
  PjFlow *flow;
  uint8_t *copied; // by value: a constant expression, or the broadcast of a scalar
  size_t count;    // of values there were in the beginning
  PJ_VEC(PjOp *) constants;
  PJ_VEC(PjOp *) expansions;
  PjMap copies; // of the operand at hand, by value
} Split;

enum { IS_CONSTANT = 1, IS_EXPANSION = 2 };

static bool has_kind(const Split *s, const PjValue *value, uint8_t kinds) {
  return value->def && value->id < s->count && s->copied[value->id] & kinds;
}

static bool keeps_constants(const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_RESHAPE:
  case PJ_OP_SLICE:
    return true;
  default:
    return pj_shard_is_elementwise(op);
  }
}

static bool is_constant(const Split *s, const PjOp *op) {
  if (op->kind == PJ_OP_CONSTANT || op->kind == PJ_OP_IOTA)
    return true;
  if (!op->num_operands || !keeps_constants(op))
    return false;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!has_kind(s, op->operands[i], IS_CONSTANT))
      return false;
  return true;
}

static PjValue *copy_of(const Split *s, PjValue *value) {
  const uint64_t *found = pj_map_find(&s->copies, pj_map_ptr(value));
  return found ? (PjValue *)(uintptr_t)*found : value;
}

static bool wants_copy(const Split *s, PjValue *value) {
  return value->def && !pj_type_is_scalar_tensor(value->type) && copy_of(s, value) == value;
}

// The groups of |value| hold its copy too.
static void copy_groups(Split *s, PjValue *value) {
  PjFlow *flow = s->flow;
  for (size_t i = 0; i < pj_flow_value(flow, value)->uses.len; ++i) {
    PjOp *use = pj_flow_value(flow, value)->uses.data[i].op;
    if (use->kind != PJ_OP_SDY_SHARDING_GROUP)
      continue;
    PjOp *group = pj_op_create(flow->arena, PJ_OP_SDY_SHARDING_GROUP, 1, 0, 0);
    group->attrs[0] = use->attrs[0];
    group->operands[0] = copy_of(s, value);
    pj_op_insert_before(value->def, group);
    pj_flow_add_op(flow, group);
  }
}

// Copies |op|, whose operands have been, before itself.
static void copy_op(Split *s, PjOp *op) {
  PjFlow *flow = s->flow;
  PjOp *copy = pj_op_create(flow->arena, op->kind, op->num_operands, op->num_results, 0);
  copy->loc = op->loc;
  copy->extra = op->extra;
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
    copy->attrs[i] = op->attrs[i];
  for (uint32_t i = 0; i < op->num_operands; ++i)
    copy->operands[i] = copy_of(s, op->operands[i]);
  for (uint32_t i = 0; i < op->num_results; ++i)
    copy->results[i].type = op->results[i].type;
  pj_op_insert_before(op, copy);
  pj_flow_add_op(flow, copy);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    pj_flow_set_spec(flow, &copy->results[i], pj_flow_spec(flow, &op->results[i]));
    pj_map_set(flow->arena, &s->copies, pj_map_ptr(&op->results[i]), pj_map_ptr(&copy->results[i]));
    copy_groups(s, &op->results[i]);
  }
}

// Copies |value| and what it is made of. Expressions may be deep, hence a stack of our own.
static void copy_expression(Split *s, PjValue *value) {
  struct Visit {
    PjOp *op;
    uint32_t next; // operand to look at
  };
  PJ_VEC(struct Visit) stack = {0};
  if (wants_copy(s, value))
    PJ_PUSH(s->flow->arena, &stack, ((struct Visit){value->def, 0}));
  while (stack.len) {
    struct Visit *top = &stack.data[stack.len - 1];
    if (top->next == top->op->num_operands) {
      --stack.len;
      copy_op(s, top->op);
      continue;
    }
    PjValue *operand = top->op->operands[top->next++];
    if (wants_copy(s, operand))
      PJ_PUSH(s->flow->arena, &stack, ((struct Visit){operand->def, 0}));
  }
}

static bool is_use(void *context, const PjUse *use) {
  const PjUse *wanted = context;
  return use->op == wanted->op && use->operand == wanted->operand;
}

static void split_op(Split *s, PjOp *op) {
  if (op->kind == PJ_OP_SDY_SHARDING_GROUP)
    return;
  bool expansion =
      op->kind == PJ_OP_BROADCAST_IN_DIM && pj_type_is_scalar_tensor(op->operands[0]->type);
  bool constant = is_constant(s, op);
  if (constant || expansion) {
    for (uint32_t i = 0; i < op->num_results; ++i)
      if (op->results[i].id < s->count)
        s->copied[op->results[i].id] = constant ? IS_CONSTANT : IS_EXPANSION;
    if (constant)
      PJ_PUSH(s->flow->arena, &s->constants, op);
    else
      PJ_PUSH(s->flow->arena, &s->expansions, op);
    return;
  }
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjValue *value = op->operands[i];
    if (!has_kind(s, value, IS_CONSTANT | IS_EXPANSION))
      continue;
    s->copies = (PjMap){0};
    copy_expression(s, value);
    PjUse use = {op, i};
    if (copy_of(s, value) != value)
      pj_flow_replace(s->flow, value, copy_of(s, value), is_use, &use);
  }
}

static void split_region(Split *s, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    split_op(s, op);
    for (uint32_t r = 0; r < op->num_regions; ++r)
      split_region(s, &op->regions[r]);
  }
}

// Takes |op| out if nothing but groups uses it.
static void drop_unused(PjFlow *flow, PjOp *op) {
  for (uint32_t i = 0; i < op->num_results; ++i)
    for (size_t k = 0; k < pj_flow_value(flow, &op->results[i])->uses.len; ++k)
      if (pj_flow_value(flow, &op->results[i])->uses.data[k].op->kind != PJ_OP_SDY_SHARDING_GROUP)
        return;
  for (uint32_t i = 0; i < op->num_results; ++i) {
    PjFlowValue *value = pj_flow_value(flow, &op->results[i]);
    for (size_t k = 0; k < value->uses.len; ++k)
      pj_op_remove(value->uses.data[k].op);
    value->uses.len = 0;
  }
  // Uses that are gone are no uses.
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjFlowValue *value = pj_flow_value(flow, op->operands[i]);
    size_t kept = 0;
    for (size_t k = 0; k < value->uses.len; ++k)
      if (value->uses.data[k].op != op)
        value->uses.data[kept++] = value->uses.data[k];
    value->uses.len = kept;
  }
  pj_op_remove(op);
}

void pj_flow_split_constants(PjFlow *flow) {
  Split split = {.flow = flow, .count = flow->values.len};
  split.copied = PJ_NEW_ARRAY(flow->arena, uint8_t, split.count);
  split_region(&split, &flow->entry->regions[0]);
  for (size_t i = 0; i < split.expansions.len; ++i)
    drop_unused(flow, split.expansions.data[i]);
  for (size_t i = split.constants.len; i-- > 0;)
    drop_unused(flow, split.constants.data[i]);
}
