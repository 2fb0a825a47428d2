// See partition.h. The order of propagation: priorities that the program states, within each five
// levels of eagerness, within each all operations until nothing changes.
//
// Level 0: operations that only pass shardings on, where operands have no other use; 1: those,
// whatever the uses; 2: all operations along factors that need no communication; 3: along all
// factors; 4: also forward through broadcasts. So decisions that cost nothing come first.
#include "partition/partition.h"

#include "base/options.h"
#include "ir/verify.h"
#include "partition/annotate.h"
#include "partition/calls.h"
#include "partition/custom.h"
#include "partition/flow.h"
#include "partition/local.h"
#include "partition/step.h"
#include "pass/pass.h"

enum { LEVELS = 5 };

typedef enum NodeKind {
  NODE_OP,
  NODE_EDGE,       // control flow: sources and the owner of what they lead to
  NODE_MANUAL_IN,  // from an operand into a manual computation
  NODE_MANUAL_OUT, // and out of it
} NodeKind;

typedef struct Node {
  NodeKind kind;
  const PjOp *op;
  uint32_t index; // of an edge: which result or argument
  const PjShardingRule *rule;
  PjValue **tensors; // operands, then results
  bool single_use;   // of ranked operands
  bool waiting;      // on the stack
} Node;

typedef struct Propagation {
  PjFlow flow;
  PjArena *arena, *scratch; // of specifications; for one step
  PJ_VEC(Node) nodes;       // in program order
  // Nodes that read a value, by its id: readers[first_reader[id] ...].
  uint32_t *first_reader, *readers;
  int64_t *producer; // node, by the id of a value; -1: none
  uint32_t *stack, depth;
  int level;
  uint64_t work; // steps that may still be made
  PjCustom custom;
} Propagation;

// --- The graph -----------------------------------------------------------------------------------

static void add_node(Propagation *p, Node node) {
  PJ_PUSH(p->arena, &p->nodes, node);
}

static bool has_single_uses(Propagation *p, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!pj_type_is_scalar_tensor(op->operands[i]->type) &&
        pj_flow_value(&p->flow, op->operands[i])->uses.len != 1)
      return false;
  return true;
}

static void add_op(Propagation *p, const PjOp *op) {
  const PjShardingRule *rule = pj_shard_rule_of(p->arena, op);
  if (!rule)
    return;
  PjValue **tensors = PJ_NEW_ARRAY(p->arena, PjValue *, op->num_operands + op->num_results);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    tensors[i] = op->operands[i];
  for (uint32_t i = 0; i < op->num_results; ++i)
    tensors[op->num_operands + i] = &op->results[i];
  add_node(
      p, (Node){.op = op, .rule = rule, .tensors = tensors, .single_use = has_single_uses(p, op)});
}

static void add_edge(Propagation *p, NodeKind kind, const PjOp *op, uint32_t index,
                     uint32_t num_sources, PjValue *const *sources, PjValue *owner) {
  if (!pj_type_is_tensor(owner->type))
    return;
  PjValue **tensors = PJ_NEW_ARRAY(p->arena, PjValue *, num_sources + 1);
  for (uint32_t i = 0; i < num_sources; ++i)
    tensors[i] = sources[i];
  tensors[num_sources] = owner;
  add_node(p, (Node){.kind = kind,
                     .op = op,
                     .index = index,
                     .rule = pj_shard_rule_identity(p->arena, owner->type, num_sources, 1),
                     .tensors = tensors,
                     .single_use = true});
}

static PjValue *returned(const PjRegion *region, uint32_t i) {
  return pj_region_terminator(region)->operands[i];
}

// Edges to the results of |op|.
static void add_result_edges(Propagation *p, PjOp *op) {
  PjValue **sources = PJ_NEW_ARRAY(p->arena, PjValue *, op->num_regions + 1);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    uint32_t count = 0;
    NodeKind kind = NODE_EDGE;
    switch (op->kind) {
    case PJ_OP_WHILE:
      sources[count++] = op->operands[i];
      sources[count++] = returned(&op->regions[1], i);
      break;
    case PJ_OP_IF:
    case PJ_OP_CASE:
      for (uint32_t r = 0; r < op->num_regions; ++r)
        sources[count++] = returned(&op->regions[r], i);
      break;
    case PJ_OP_OPTIMIZATION_BARRIER:
      sources[count++] = op->operands[i];
      break;
    case PJ_OP_SDY_MANUAL_COMPUTATION:
      kind = NODE_MANUAL_OUT;
      sources[count++] = returned(&op->regions[0], i);
      break;
    default:
      return;
    }
    add_edge(p, kind, op, i, count, sources, &op->results[i]);
  }
}

static void add_region(Propagation *p, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    add_op(p, op);
    for (uint32_t i = 0; op->kind == PJ_OP_SDY_MANUAL_COMPUTATION && i < op->num_operands; ++i)
      add_edge(p, NODE_MANUAL_IN, op, i, 1, &op->operands[i], &op->regions[0].args[i]);
    for (uint32_t r = 0; r < op->num_regions; ++r)
      add_region(p, &op->regions[r]);
    add_result_edges(p, op);
  }
}

static void link_nodes(Propagation *p) {
  size_t values = p->flow.values.len;
  uint32_t *first = p->first_reader = PJ_NEW_ARRAY(p->arena, uint32_t, values + 2);
  p->producer = PJ_NEW_ARRAY(p->arena, int64_t, values);
  for (size_t v = 0; v < values; ++v)
    p->producer[v] = -1;
  ++first; // counted one place on, to be filled in from there
  for (size_t n = 0; n < p->nodes.len; ++n)
    for (uint32_t i = 0; i < p->nodes.data[n].rule->num_operands; ++i)
      ++first[p->nodes.data[n].tensors[i]->id + 1];
  for (size_t v = 0; v < values; ++v)
    first[v + 1] += first[v];
  p->readers = PJ_NEW_ARRAY(p->arena, uint32_t, first[values]);
  for (size_t n = 0; n < p->nodes.len; ++n) {
    const Node *node = &p->nodes.data[n];
    for (uint32_t i = 0; i < node->rule->num_operands; ++i)
      p->readers[first[node->tensors[i]->id]++] = (uint32_t)n;
    for (uint32_t i = 0; i < node->rule->num_results; ++i)
      p->producer[node->tensors[node->rule->num_operands + i]->id] = (int64_t)n;
  }
}

// --- The stack -----------------------------------------------------------------------------------

static void push(Propagation *p, uint32_t node, int64_t except) {
  if (node == except || p->nodes.data[node].waiting)
    return;
  p->nodes.data[node].waiting = true;
  p->stack[p->depth++] = node;
}

static void push_readers(Propagation *p, const PjValue *value, int64_t except) {
  for (uint32_t i = p->first_reader[value->id + 1]; i-- > p->first_reader[value->id];)
    push(p, p->readers[i], except);
}

// The sharding of |owner| has changed: everything around it but |except| is looked at again.
static void notify(Propagation *p, PjValue *owner, int64_t except) {
  PjOp *loop = owner->def;
  for (uint32_t r = 0; loop && loop->kind == PJ_OP_WHILE && r < loop->num_regions; ++r)
    push_readers(p, &loop->regions[r].args[owner->index], except);
  if (p->producer[owner->id] >= 0)
    push(p, (uint32_t)p->producer[owner->id], except);
  push_readers(p, owner, except);
}

// |node| < 0: nobody is told.
static void store(Propagation *p, PjValue *value, const PjSpec *spec, int64_t node) {
  PjFlow *flow = &p->flow;
  pj_flow_set_spec(flow, value, spec);
  if (node >= 0)
    notify(p, pj_flow_owner(value), node);
  const PjFlowGroup *group = pj_flow_value(flow, pj_flow_owner(value))->group;
  for (size_t i = 0; group && i < group->members.len; ++i) {
    PjValue *member = pj_flow_owner(group->members.data[i]);
    if (member == pj_flow_owner(value))
      continue;
    pj_flow_set_spec(flow, member, spec);
    if (node >= 0)
      notify(p, member, node);
  }
}

// --- Steps ---------------------------------------------------------------------------------------

static bool passes_on(const Node *node) {
  if (node->kind != NODE_OP || pj_shard_is_elementwise(node->op))
    return true;
  switch (node->op->kind) {
  case PJ_OP_RESHAPE:
  case PJ_OP_TRANSPOSE:
    return true;
  case PJ_OP_CUSTOM_CALL: {
    PjStr name = PJ_STRATTR(node->op, call_target_name);
    return pj_str_is(name, "MoveToDevice") || pj_str_is(name, "MoveToHost");
  }
  default:
    return false;
  }
}

// Of a propagation barrier.
static PjDirection allowed_by(PjStr text) {
  return pj_str_is(text, "FORWARD")    ? PJ_DIRECTION_FORWARD
         : pj_str_is(text, "BACKWARD") ? PJ_DIRECTION_BACKWARD
         : pj_str_is(text, "BOTH")     ? PJ_DIRECTION_BOTH
                                       : PJ_DIRECTION_NONE;
}

static PjDirection direction(const Propagation *p, const Node *node, uint32_t factor) {
  if (node->kind == NODE_OP && node->op->kind == PJ_OP_SDY_PROPAGATION_BARRIER)
    return allowed_by(PJ_STRATTR(node->op, allowed_direction));
  PjDirection found = PJ_DIRECTION_NONE;
  if (p->level >= 1 || node->single_use) {
    PjOpKind kind = node->kind == NODE_OP ? node->op->kind : PJ_OP_INVALID;
    if (passes_on(node))
      found = found | PJ_DIRECTION_BOTH;
    else if (kind == PJ_OP_DYNAMIC_SLICE || kind == PJ_OP_DYNAMIC_UPDATE_SLICE)
      found = found | PJ_DIRECTION_FORWARD;
  }
  bool broadcast = node->kind == NODE_OP && node->op->kind == PJ_OP_BROADCAST_IN_DIM;
  PjDirection eager = broadcast ? PJ_DIRECTION_BACKWARD : PJ_DIRECTION_BOTH;
  if (p->level >= 2 && node->rule->factors[factor].kind == PJ_FACTOR_PASS)
    found = found | eager;
  if (p->level >= 3)
    found = found | eager;
  if (p->level >= 4)
    found = found | PJ_DIRECTION_BOTH;
  return found;
}

// The specification that an edge compares: that of a manual computation's other side.
static const PjSpec *across(Propagation *p, const Node *node, const PjSpec *spec, bool back) {
  const PjFlowManual *manual = pj_flow_manual(&p->flow, node->op);
  bool into = node->kind == NODE_MANUAL_IN;
  if (into != back)
    return pj_spec_with_free(p->arena, into ? manual->in[node->index] : manual->out[node->index],
                             spec, &manual->axes);
  return pj_spec_without(p->arena, spec, &manual->axes);
}

static void run_step(Propagation *p, PjStep *step) {
  PjArenaMark mark = pj_arena_mark(p->scratch);
  uint32_t node_index = p->stack[--p->depth];
  Node *node = &p->nodes.data[node_index];
  node->waiting = false;
  const PjShardingRule *rule = node->rule;
  uint32_t count = rule->num_operands + rule->num_results;
  bool manual = node->kind == NODE_MANUAL_IN || node->kind == NODE_MANUAL_OUT, any = false;
  step->rule = rule;
  step->elementwise = node->kind == NODE_OP && pj_shard_is_elementwise(node->op);
  step->specs = PJ_NEW_ARRAY(p->scratch, const PjSpec *, count);
  step->changed = PJ_NEW_ARRAY(p->scratch, bool, count);
  PjDirection *directions = PJ_NEW_ARRAY(p->scratch, PjDirection, rule->num_factors);
  for (uint32_t f = 0; f < rule->num_factors; ++f)
    any |= (directions[f] = direction(p, node, f)) != PJ_DIRECTION_NONE;
  step->directions = directions;
  for (uint32_t t = 0; any && t < count; ++t) {
    step->specs[t] = pj_flow_spec(&p->flow, node->tensors[t]);
    if (manual && t + 1 == count)
      step->specs[t] = across(p, node, step->specs[t], false);
  }
  if (any && pj_step_run(step))
    for (uint32_t t = 0; t < count; ++t) {
      if (!step->changed[t])
        continue;
      const PjSpec *spec = step->specs[t];
      if (manual && t + 1 == count)
        spec = across(p, node, spec, true);
      store(p, node->tensors[t], spec, node_index);
    }
  pj_arena_reset(p->scratch, mark);
}

// What the entry returns and its results are cut alike.
static void exchange_results(Propagation *p, PjStep *step) {
  PjFlow *flow = &p->flow;
  const PjOp *end = pj_region_terminator(&flow->entry->regions[0]);
  for (uint32_t i = 0; i < end->num_operands && i < flow->num_results; ++i) {
    PjValue *value = end->operands[i];
    if (!pj_type_is_tensor(value->type))
      continue;
    PjArenaMark mark = pj_arena_mark(p->scratch);
    const PjSpec *specs[2] = {pj_flow_spec(flow, value), flow->results[i]};
    bool changed[2];
    PjDirection *directions = PJ_NEW_ARRAY(p->scratch, PjDirection, (size_t)value->type->rank);
    for (int32_t d = 0; d < value->type->rank; ++d)
      directions[d] = PJ_DIRECTION_BOTH;
    step->rule = pj_shard_rule_identity(p->scratch, value->type, 1, 1);
    step->directions = directions;
    step->elementwise = false;
    step->specs = specs;
    step->changed = changed;
    if (pj_step_run(step)) {
      if (changed[0])
        store(p, value, specs[0], -1);
      if (changed[1])
        flow->results[i] = specs[1];
    }
    pj_arena_reset(p->scratch, mark);
  }
}

static PjStatus run_levels(Propagation *p) {
  PjStep step = {.arena = p->arena, .scratch = p->scratch};
  for (p->level = 0; p->level < LEVELS; ++p->level) {
    exchange_results(p, &step);
    for (size_t n = p->nodes.len; n-- > 0;)
      push(p, (uint32_t)n, -1);
    while (p->depth) {
      PJ_FAIL_IF(!p->work--, RESOURCE_EXHAUSTED, "sharding propagation does not come to an end");
      run_step(p, &step);
    }
    exchange_results(p, &step);
  }
  return PJ_STATUS_OK;
}

// --- Priorities ----------------------------------------------------------------------------------

// A sharding with priorities, as the program stated it.
typedef struct Stated {
  const PjSpec **place;
  const PjSpec *spec;
} Stated;

typedef struct Priorities {
  PJ_VEC(Stated) stated;
  PJ_VEC(int64_t) order; // other than 0, ascending
} Priorities;

static void add_priority(PjArena *arena, Priorities *priorities, int64_t priority) {
  size_t at = 0;
  while (at < priorities->order.len && priorities->order.data[at] < priority)
    ++at;
  if (at < priorities->order.len && priorities->order.data[at] == priority)
    return;
  PJ_PUSH(arena, &priorities->order, priority);
  for (size_t i = priorities->order.len - 1; i > at; --i)
    priorities->order.data[i] = priorities->order.data[i - 1];
  priorities->order.data[at] = priority;
}

// Dimensions of later priorities begin closed and whole; their axes must not be used meanwhile.
static void hold_later(PjArena *arena, Priorities *priorities, const PjSpec **place) {
  const PjSpec *spec = *place;
  bool later = false;
  for (int32_t d = 0; spec && d < spec->rank; ++d)
    later |= spec->dims[d].priority > 0;
  if (!later)
    return;
  PJ_PUSH(arena, &priorities->stated, ((Stated){place, spec}));
  PjSpecDim *dims;
  PjSpec *held = pj_spec_copy(arena, spec, &dims);
  for (int32_t d = 0; d < spec->rank; ++d) {
    if (dims[d].priority <= 0)
      continue;
    add_priority(arena, priorities, dims[d].priority);
    for (uint32_t i = 0; i < dims[d].axes.count; ++i)
      pj_axes_push(&held->replicated, dims[d].axes.refs[i]);
    dims[d] = (PjSpecDim){.closed = true};
  }
  pj_axes_sort(&held->replicated);
  *place = held;
}

static void release(PjArena *arena, const Stated *stated, int64_t priority) {
  PjSpecDim *dims;
  PjSpec *now = pj_spec_copy(arena, *stated->place, &dims);
  PjAxes kept = {0};
  for (int32_t d = 0; d < now->rank; ++d) {
    if (stated->spec->dims[d].priority != priority)
      continue;
    dims[d] = stated->spec->dims[d];
    dims[d].priority = 0;
  }
  for (uint32_t i = 0; i < now->replicated.count; ++i) {
    bool used = false;
    for (int32_t d = 0; d < now->rank; ++d)
      used |= pj_axes_overlap(&dims[d].axes, now->replicated.refs[i]);
    if (!used)
      pj_axes_push(&kept, now->replicated.refs[i]);
  }
  now->replicated = kept;
  *stated->place = now;
}

static PjStatus run_priorities(Propagation *p) {
  Priorities priorities = {0};
  for (size_t v = 0; v < p->flow.values.len; ++v)
    if (!pj_flow_is_edge(p->flow.values.data[v].value))
      hold_later(p->arena, &priorities, &p->flow.values.data[v].spec);
  for (uint32_t i = 0; i < p->flow.num_results; ++i)
    hold_later(p->arena, &priorities, &p->flow.results[i]);
  PJ_TRY(run_levels(p));
  for (size_t k = 0; k < priorities.order.len; ++k) {
    for (size_t i = 0; i < priorities.stated.len; ++i)
      release(p->arena, &priorities.stated.data[i], priorities.order.data[k]);
    PJ_TRY(run_levels(p));
  }
  return PJ_STATUS_OK;
}

// --- Calls that the host partitions --------------------------------------------------------------

// Without a sharding rule: the partitioner is asked how results are cut, each once what it goes by
// is known.
static PjStatus ask_partitioners(Propagation *p, const PjSpecMesh *mesh) {
  for (bool any = true; any;) {
    any = false;
    for (size_t i = 0; i < p->custom.calls.len; ++i) {
      PjCustomCall *call = &p->custom.calls.data[i];
      const PjSpec *const *specs = NULL;
      if (!call->copy || pj_shard_rule_of(p->arena, call->copy))
        continue;
      PjStatus status = pj_custom_ask(&p->custom, call, &p->flow, mesh, &specs);
      if (status)
        return pj_op_blame(call->copy, status);
      for (uint32_t r = 0; specs && r < call->copy->num_results; ++r)
        if (specs[r])
          store(p, &call->copy->results[r], specs[r], -1);
      any |= specs != NULL;
    }
    if (any)
      PJ_TRY(run_levels(p));
  }
  return PJ_STATUS_OK;
}

// A mesh of all devices: one that shardings name, or one that is made for the program.
static PjStatus mesh_of_all(Propagation *p, PjModule *module, int num_devices,
                            const PjSpecMesh **out) {
  for (const PjSpecMesh *mesh = p->flow.reader.meshes; mesh; mesh = mesh->next)
    if (!mesh->empty && !mesh->maximal && mesh->mesh->num_devices == num_devices) {
      *out = mesh;
      return PJ_STATUS_OK;
    }
  PjArena *arena = module->arena;
  const PjStr axis_fields[2] = {PJ_STR("name"), PJ_STR("size")},
              fields[2] = {PJ_STR("axes"), PJ_STR("device_ids")}, name = PJ_STR("pjrt.devices");
  const PjAttr *sizes[2] = {pj_attr_string(arena, PJ_STR("device")),
                            pj_attr_i64(arena, num_devices)};
  const PjAttr *axis = pj_attr_struct(arena, "sdy.mesh_axis", 2, axis_fields, sizes);
  const PjAttr *values[2] = {pj_attr_array(arena, 1, &axis), pj_attr_ints(arena, 0, NULL)};
  PjOp *op = pj_op_create(arena, PJ_OP_SDY_MESH, 0, 0, 0);
  pj_op_set_attr(op, PJ_KEY_sym_name, pj_attr_string(arena, name));
  pj_op_set_attr(op, PJ_KEY_mesh, pj_attr_struct(arena, "sdy.mesh", 2, fields, values));
  pj_op_insert_before(module->body.first, op);
  PjSpecMesh *mesh = PJ_NEW(p->arena, PjSpecMesh);
  PjMesh *resolved;
  mesh->ref = pj_attr_symbol(arena, name);
  PJ_TRY(pj_mesh_resolve(p->arena, module, mesh->ref, &resolved));
  mesh->mesh = resolved;
  *out = mesh;
  return PJ_STATUS_OK;
}

// A mesh to say of values that they are whole.
static const PjSpecMesh *any_mesh(const Propagation *p) {
  const PjSpecMesh *mesh = p->flow.reader.meshes;
  while (mesh && mesh->maximal)
    mesh = mesh->next;
  return mesh;
}

// --- All of it -----------------------------------------------------------------------------------

typedef struct Job {
  PjModule *module;
  PjPartitionOptions *options;
  PjArena *arena, *scratch;
  bool again; // calls have become manual computations
} Job;

// The program of one device, or why there is none. What it holds lies in the module's arena, where
// the copy is.
static PjStatus localize(Propagation *p, const Job *job) {
  PjModule *module = job->module, *local;
  PjStatus status = pj_local_make(&p->flow, module->arena, p->arena, pj_module_entry(module),
                                  job->options->local_devices, &local, &job->options->local_own);
  if (!status)
    status = pj_verify(local);
  PjCode code = pj_status_code(status);
  if (code == PJ_RESOURCE_EXHAUSTED)
    return status;
  if (status && job->options->why_whole)
    job->options->why_whole(job->options->why_context, status);
  job->options->local = status ? NULL : local;
  pj_status_free(status);
  return PJ_STATUS_OK;
}

static PjStatus run(void *context) {
  Job *job = context;
  pj_arena_alloc(job->scratch, 1); // the first block stays between steps
  PjModule *copy;
  const PjPassOptions passes = {.only = "dead_code,carries"};
  PjArena *home = job->options->local_devices ? job->module->arena : job->arena;
  Propagation *p = PJ_NEW(job->arena, Propagation);
  pj_custom_mark(&p->custom, job->module);
  PjStatus status = pj_passes_run(home, job->module, &passes, &copy);
  pj_custom_unmark(&p->custom);
  PJ_TRY(status);
  p->arena = job->arena;
  p->scratch = job->scratch;
  bool is_static;
  PJ_TRY(pj_flow_prepare(&p->flow, job->arena, copy, &is_static));
  const PjSpecMesh *all = NULL;
  pj_custom_find(&p->custom, &p->flow.entry->regions[0]);
  if (!is_static || (!p->flow.reader.meshes && !p->custom.calls.len))
    return PJ_STATUS_OK;
  if (p->custom.calls.len)
    PJ_TRY(mesh_of_all(p, job->module, job->options->num_devices, &all));
  add_region(p, &p->flow.entry->regions[0]);
  link_nodes(p);
  p->stack = PJ_NEW_ARRAY(job->arena, uint32_t, p->nodes.len);
  p->work = 10000 + 1000 * (uint64_t)p->nodes.len; // 5 to 10 steps of each node are usual
  PJ_TRY(run_priorities(p));
  PJ_TRY(ask_partitioners(p, all));
  const PjRegion *body = &p->flow.entry->regions[0];
  const PjSpec **args = PJ_NEW_ARRAY(job->arena, const PjSpec *, body->num_args);
  for (uint32_t i = 0; i < body->num_args; ++i)
    args[i] = pj_flow_spec(&p->flow, &body->args[i]);
  PjOp *entry = pj_module_entry(job->module);
  const PjSpecMesh *mesh = any_mesh(p);
  pj_annotate_arguments(job->module->arena, entry, mesh, job->options->to_parameters, args);
  pj_annotate_results(job->module->arena, entry, mesh, job->options->to_results, p->flow.results);
  // What the partitioners made is propagated through like the rest.
  PJ_TRY(pj_custom_partition(&p->custom, &p->flow, all, &job->again));
  if (job->again)
    return PJ_STATUS_OK;
  PJ_TRY(pj_partition_calls(&p->flow, job->module, mesh));
  if (job->options->local_devices)
    PJ_TRY(localize(p, job));
  if (job->options->look)
    PJ_TRY(pj_annotate_look(&p->flow, job->options, body));
  if (job->options->dump && mesh) {
    pj_annotate_operations(&p->flow, mesh, &p->flow.entry->regions[0]);
    p->flow.entry->attrs[pj_op_attr_index(PJ_OP_FUNC, PJ_KEY_arg_attrs)] =
        PJ_ATTR(entry, arg_attrs);
    p->flow.entry->attrs[pj_op_attr_index(PJ_OP_FUNC, PJ_KEY_res_attrs)] =
        PJ_ATTR(entry, res_attrs);
    pj_module_number(copy);
    job->options->dump(job->options->dump_context, copy);
  }
  return PJ_STATUS_OK;
}

static PjStatus guard_scratch(void *context) {
  Job *job = context;
  return pj_arena_guard(job->scratch, run, job);
}

// The module's arena lives on, so its guard is the outermost: a failure that leaves to another one
// must not leave it behind.
static PjStatus guard_arena(void *context) {
  Job *job = context;
  return pj_arena_guard(job->arena, guard_scratch, job);
}

static PjStatus run_once(PjModule *module, PjPartitionOptions *options, bool *out_again) {
  Job job = {.module = module, .options = options};
  size_t limit = (size_t)pj_option_int(PJ_OPTION_COMPILE_LIMIT_MB) << 20;
  PjStatus status = pj_arena_create(limit, &job.arena);
  if (!status)
    status = pj_arena_create(limit, &job.scratch);
  if (!status)
    status = pj_arena_guard(module->arena, guard_arena, &job);
  pj_arena_destroy(job.arena);
  pj_arena_destroy(job.scratch);
  *out_again = job.again;
  return status;
}

PjStatus pj_partition_propagate(PjModule *module, PjPartitionOptions *options) {
  bool again = true;
  while (again)
    PJ_TRY(run_once(module, options, &again));
  return PJ_STATUS_OK;
}
