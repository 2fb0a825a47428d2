// Running regions: frames, dispatch through the op table, and the memory of a run.
#include "eval/run.h"

#include "base/alloc.h"
#include "base/block.h"
#include "eval/grid.h"

PjEvalFn *const pj_eval_table[PJ_OP_COUNT] = {
    [PJ_OP_INVALID] = pj_ev_none,
#define OP(ENUM, text, vhlo, operands, results, regions, traits, check, eval, attrs) \
  [PJ_OP_##ENUM] = pj_ev_##eval,
#include "ir/ops.def"
#undef OP
};

// ----------------------------------------------------------------------------------------------
// memory of a run
static void pool_init(PjPool *pool) {
  pool->tensors.pool_prev = pool->tensors.pool_next = &pool->tensors;
  pool->scratch.prev = pool->scratch.next = &pool->scratch;
}

// Frees whatever is left, ignoring reference counts: on failure frames and half-done operations own
// references that nobody returns.
static void pool_clear(PjPool *pool) {
  for (PjTensor *tensor = pool->tensors.pool_next; tensor != &pool->tensors;
       tensor = tensor->pool_next) {
    // A view of a tensor of this pool needs nothing: its base is in the ring too. Others hold a
    // reference outside.
    if (tensor->base && !tensor->base->pool_next)
      pj_tensor_release(tensor->base);
    for (uint32_t i = 0; i < tensor->num_elems; ++i)
      if (tensor->elems[i] && !tensor->elems[i]->pool_next)
        pj_tensor_release(tensor->elems[i]);
  }
  for (PjTensor *tensor = pool->tensors.pool_next, *next; tensor != &pool->tensors; tensor = next) {
    next = tensor->pool_next;
    pj_tensor_destroy_shallow(tensor);
  }
  for (PjScratch *scratch = pool->scratch.next, *next; scratch != &pool->scratch; scratch = next) {
    next = scratch->next;
    pj_block_free(scratch, scratch->size);
  }
  pool_init(pool);
}

PjTensor *pj__eval_adopt(PjEval *ev, PjTensor *tensor) {
  if (!tensor)
    pj_arena_exhausted(ev->arena);
  PjTensor *head = &ev->pool->tensors;
  tensor->pool_prev = head;
  tensor->pool_next = head->pool_next;
  head->pool_next->pool_prev = tensor;
  head->pool_next = tensor;
  return tensor;
}

PjTensor *pj_eval_new(PjEval *ev, PjDtype dtype, int32_t rank, const int64_t *dims) {
  return pj__eval_adopt(ev, pj_tensor_new(dtype, rank, dims));
}

PjTensor *pj_eval_new_like(PjEval *ev, PjDtype dtype, const PjTensor *shape) {
  return pj_eval_new(ev, dtype, shape->rank, shape->dims);
}

PjTensor *pj_eval_result(PjEval *ev, const PjOp *op, uint32_t index) {
  const PjType *type = op->results[index].type;
  return pj_eval_new(ev, type->dtype, type->rank, type->dims);
}

PjTensor *pj_eval_view(PjEval *ev, PjTensor *base, PjDtype dtype, int32_t rank,
                       const int64_t *dims) {
  return pj__eval_adopt(ev, pj_tensor_view(base, dtype, rank, dims));
}

PjTensor *pj_eval_keep(PjEval *ev, PjTensor *tensor) {
  (void)ev;
  return pj_tensor_retain(tensor);
}

void pj_eval_drop(PjEval *ev, PjTensor *tensor) {
  (void)ev;
  pj_tensor_release(tensor);
}

PjTensor *pj_eval_reuse(PjEval *ev, const PjOp *op, PjTensor *const *in, uint32_t i) {
  PjTensor *tensor = in[i];
  bool dies = i < 64 && op->region && (ev->frame->plan->ops[op->id].takes >> i & 1);
  if (!dies || !tensor->writable || atomic_load_explicit(&tensor->refs, memory_order_acquire) != 1)
    return NULL;
  return pj_tensor_retain(tensor);
}

PjTensor *pj_eval_take(PjEval *ev, const PjOp *op, PjTensor *const *in, uint32_t i) {
  PjTensor *tensor = in[i], *reused = pj_eval_reuse(ev, op, in, i);
  if (reused)
    return reused;
  PjTensor *copy = pj_eval_new_like(ev, tensor->dtype, tensor);
  if (tensor->bytes)
    memcpy(copy->data, tensor->data, tensor->bytes);
  return copy;
}

enum { SCRATCH_HEADER = 64 };
_Static_assert(sizeof(PjScratch) <= SCRATCH_HEADER, "the links fit before the data");

void *pj_eval_scratch(PjEval *ev, size_t size) {
  size_t total;
  PjScratch *scratch = pj_add_size(size, SCRATCH_HEADER, &total) ? pj_block_alloc(total) : NULL;
  if (!scratch)
    pj_arena_exhausted(ev->arena);
  PjScratch *head = &ev->pool->scratch;
  *scratch = (PjScratch){head, head->next, total};
  head->next->prev = scratch;
  head->next = scratch;
  return (char *)scratch + SCRATCH_HEADER;
}

void pj_eval_free(PjEval *ev, void *data) {
  (void)ev;
  if (!data)
    return;
  PjScratch *scratch = (PjScratch *)((char *)data - SCRATCH_HEADER);
  scratch->prev->next = scratch->next;
  scratch->next->prev = scratch->prev;
  pj_block_free(scratch, scratch->size);
}

// ----------------------------------------------------------------------------------------------
// probes
struct PjProbe {
  PjProbe *next;
  PjStr id;
  int64_t iteration;
  PjTensor *value;
};

void pj__eval_probe(PjEval *ev, PjStr id, PjTensor *value) {
  PjProbe *probe = pj_eval_scratch(ev, sizeof *probe);
  *probe = (PjProbe){ev->pool->probes, id, 1, pj_tensor_retain(value)};
  for (const PjProbe *earlier = probe->next; earlier; earlier = earlier->next)
    probe->iteration += pj_str_eq(earlier->id, id);
  ev->pool->probes = probe;
}

const PjTensor *pj__eval_probed(PjEval *ev, PjStr id, int64_t iteration) {
  for (const PjProbe *probe = ev->pool->probes; probe; probe = probe->next)
    if (pj_str_eq(probe->id, id) && (!iteration || probe->iteration == iteration))
      return probe->value;
  return NULL;
}

// ----------------------------------------------------------------------------------------------
// regions The evaluator's own promise: a result has the kind, element type and static sizes that
// the IR states.
static bool has_type(const PjTensor *tensor, const PjType *type) {
  switch (type->kind) {
  case PJ_TYPE_TENSOR:
    break;
  case PJ_TYPE_UNRANKED:
    return tensor->kind == PJ_TENSOR_ARRAY && tensor->dtype == type->dtype;
  case PJ_TYPE_TOKEN:
    return tensor->kind == PJ_TENSOR_TOKEN;
  case PJ_TYPE_TUPLE:
    if (tensor->kind != PJ_TENSOR_TUPLE || tensor->num_elems != type->num_elems)
      return false;
    for (uint32_t i = 0; i < type->num_elems; ++i)
      if (!has_type(tensor->elems[i], type->elems[i]))
        return false;
    return true;
  default:
    return true;
  }
  bool same =
      tensor->kind == PJ_TENSOR_ARRAY && tensor->dtype == type->dtype && tensor->rank == type->rank;
  for (int32_t i = 0; same && i < type->rank; ++i)
    same = type->dims[i] == PJ_DYN || type->dims[i] == tensor->dims[i];
  return same;
}

static PjStatus check_result(const PjOp *op, uint32_t index, const PjTensor *tensor) {
  const PjType *type = op->results[index].type;
  if (!tensor)
    return PJ_OP_ERROR(op, INTERNAL, "result %u was not computed", index);
  if (has_type(tensor, type))
    return PJ_STATUS_OK;
  PjStrBuf want = {0}, got = {0};
  pj_type_print(&want, type);
  pj_strbuf_printf(&got, "%s[",
                   tensor->kind == PJ_TENSOR_ARRAY ? pj_dtype_text(tensor->dtype) : "no array");
  for (int32_t i = 0; i < tensor->rank; ++i)
    pj_strbuf_printf(&got, i ? ",%lld" : "%lld", (long long)tensor->dims[i]);
  PjStatus status = PJ_OP_ERROR(
      op, INVALID_ARGUMENT, "result %u has shape %s] at run time, which does not fit its type %s",
      index, got.data ? got.data : "", want.data ? want.data : "");
  pj_strbuf_free(&want);
  pj_strbuf_free(&got);
  return status;
}

static void clear_region(PjFrame *frame, const PjRegion *region) {
  for (uint32_t i = 0; i < region->num_args; ++i) {
    pj_tensor_release(frame->slots[region->args[i].id]);
    frame->slots[region->args[i].id] = NULL;
  }
  for (const PjOp *op = region->first; op; op = op->next)
    for (uint32_t i = 0; i < op->num_results; ++i) {
      pj_tensor_release(frame->slots[op->results[i].id]);
      frame->slots[op->results[i].id] = NULL;
    }
}

static PjStatus run_op(PjEval *ev, const PjOp *op) {
  enum { INLINE = 24 };
  PjFrame *frame = ev->frame;
  PjTensor *in_inline[INLINE], *out_inline[INLINE];
  PjTensor **in =
      op->num_operands <= INLINE ? in_inline : pj_eval_scratch(ev, op->num_operands * sizeof *in);
  PjTensor **out =
      op->num_results <= INLINE ? out_inline : pj_eval_scratch(ev, op->num_results * sizeof *out);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    in[i] = frame->slots[op->operands[i]->id];
  for (uint32_t i = 0; i < op->num_results; ++i)
    out[i] = NULL;

  const PjOpPlan *plan = &frame->plan->ops[op->id];
  PjArenaMark mark = pj_arena_mark(ev->arena);
  PJ_TRY((plan->quantized ? pj_eval_quantized : pj_eval_table[op->kind])(ev, op, in, out));
  pj_arena_reset(ev->arena, mark);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    PJ_TRY(check_result(op, i, out[i]));
    frame->slots[op->results[i].id] = out[i];
  }
  for (uint32_t i = 0; i < plan->num_dead; ++i) {
    pj_tensor_release(frame->slots[plan->dead[i]]);
    frame->slots[plan->dead[i]] = NULL;
  }
  if (in != in_inline)
    pj_eval_free(ev, in);
  if (out != out_inline)
    pj_eval_free(ev, out);
  return PJ_STATUS_OK;
}

bool pj__eval_is_noted(const PjRegion *region) {
  const PjOp *parent = region->parent;
  return parent &&
         (parent->kind == PJ_OP_FUNC || parent->kind == PJ_OP_WHILE || parent->kind == PJ_OP_IF ||
          parent->kind == PJ_OP_CASE || parent->kind == PJ_OP_SDY_MANUAL_COMPUTATION);
}

static PjStatus run_noted(PjEval *ev, const PjOp *op) {
  uint32_t index = ev->frame->plan->first + op->id;
  int64_t begin = pj_trace_clock();
  PJ_TRY(run_op(ev, op));
  pj_trace_add(ev->options->labels, index, begin, pj_trace_clock(), 0);
  return PJ_STATUS_OK;
}

PjStatus pj__eval_region_move(PjEval *ev, const PjRegion *region, PjTensor **args, PjTensor **out,
                              uint32_t num_out) {
  PjFrame *frame = ev->frame;
  PJ_FAIL_IF(frame->depth >= PJ_MAX_CALL_DEPTH, RESOURCE_EXHAUSTED,
             "calls and regions nest deeper than %d", PJ_MAX_CALL_DEPTH);
  ++frame->depth;
  for (uint32_t i = 0; i < region->num_args; ++i) {
    frame->slots[region->args[i].id] = args[i];
    args[i] = NULL;
  }
  const PjOp *end = pj_region_terminator(region);
  PJ_FAIL_IF(!end || end->num_operands != num_out, INTERNAL,
             "a region returns %u values where %u are expected", end ? end->num_operands : 0,
             num_out);
  bool noted = ev->options->labels && pj__eval_is_noted(region);
  for (const PjOp *op = region->first; op != end; op = op->next)
    PJ_TRY(noted && op->kind != PJ_OP_CONSTANT ? run_noted(ev, op) : run_op(ev, op));
  for (uint32_t i = 0; i < num_out; ++i)
    out[i] = pj_tensor_retain(frame->slots[end->operands[i]->id]);
  clear_region(frame, region);
  --frame->depth;
  return PJ_STATUS_OK;
}

PjStatus pj_eval_region(PjEval *ev, const PjRegion *region, PjTensor *const *args, PjTensor **out,
                        uint32_t num_out) {
  enum { INLINE = 16 };
  PjTensor *inline_args[INLINE], **owned = inline_args;
  if (region->num_args > INLINE)
    owned = pj_eval_scratch(ev, region->num_args * sizeof *owned);
  for (uint32_t i = 0; i < region->num_args; ++i)
    owned[i] = pj_tensor_retain(args[i]);
  PjStatus status = pj__eval_region_move(ev, region, owned, out, num_out);
  if (owned != inline_args)
    pj_eval_free(ev, owned);
  return status;
}

PjStatus pj__eval_call_move(PjEval *ev, const PjFuncPlan *plan, PjTensor **args, PjTensor **out,
                            uint32_t num_out) {
  const PjRegion *body = &plan->func->regions[0];
  PjFrame *caller = ev->frame, frame = {.plan = plan, .depth = caller ? caller->depth + 1 : 0};
  PJ_FAIL_IF(!body->first, INVALID_ARGUMENT, "function @%.*s has no body",
             PJ_STR_ARG(PJ_STRATTR(plan->func, sym_name)));
  frame.slots = pj_eval_scratch(ev, plan->func->num_values * sizeof *frame.slots);
  memset(frame.slots, 0, plan->func->num_values * sizeof *frame.slots);
  ev->frame = &frame;
  PJ_TRY(pj__eval_region_move(ev, body, args, out, num_out));
  ev->frame = caller;
  pj_eval_free(ev, frame.slots);
  return PJ_STATUS_OK;
}

void pj__eval_move_operands(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **args) {
  uint64_t takes = ev->frame->plan->ops[op->id].takes;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    args[i] = in[i];
    if (i < 64 && (takes >> i & 1))
      ev->frame->slots[op->operands[i]->id] = NULL;
    else
      pj_tensor_retain(in[i]);
  }
}

// ----------------------------------------------------------------------------------------------
// entry
typedef struct Run {
  PjEval ev;
  PjPool pool;
  const PjFuncPlan *plan;
  const PjRegion *region;
  uint32_t num_inputs, num_outputs;
  PjTensor *const *inputs;
  const bool *may_overwrite;
  PjTensor **outputs;
} Run;

static PjStatus check_input(const Run *run, uint32_t index) {
  const PjType *type = run->region->args[index].type;
  const PjTensor *tensor = run->inputs[index];
  if (type->kind == PJ_TYPE_TOKEN || has_type(tensor, type))
    return PJ_STATUS_OK;
  const PjType got = {
      .kind = PJ_TYPE_TENSOR, .dtype = tensor->dtype, .rank = tensor->rank, .dims = tensor->dims};
  return PJ_ERROR(INVALID_ARGUMENT, "argument %u is %s, but the program wants %s", index,
                  pj_type_text(run->ev.arena, &got), pj_type_text(run->ev.arena, type));
}

// An input as a tensor of this run: the pool's links are not shared between runs.
static PjTensor *import_input(Run *run, uint32_t index) {
  PjTensor *input = run->inputs[index], *own;
  if (input->kind == PJ_TENSOR_TOKEN)
    return pj__eval_adopt(&run->ev, pj_tensor_token());
  own = pj_eval_view(&run->ev, input, input->dtype, input->rank, input->dims);
  own->writable = input->writable && run->may_overwrite && run->may_overwrite[index];
  return own;
}

// True if |tensor| can leave the run as it is: nobody else in the run holds it or the data behind
// it, and that data does not belong to the program's constants.
static bool can_leave(const PjTensor *tensor) {
  if (!tensor->pool_next)
    return true; // an input, held from outside
  if (atomic_load(&tensor->refs) != 1 || (tensor->foreign && !tensor->base))
    return false;
  return !tensor->base || can_leave(tensor->base);
}

// Makes |tensor| independent of the run, by copying where it shares its data.
PjTensor *pj__eval_export(PjEval *ev, PjTensor *tensor) {
  if (tensor->kind == PJ_TENSOR_ARRAY && !can_leave(tensor)) {
    PjTensor *copy = pj_eval_new_like(ev, tensor->dtype, tensor);
    if (tensor->bytes)
      memcpy(copy->data, tensor->data, tensor->bytes);
    pj_tensor_release(tensor);
    tensor = copy;
  } else if (tensor->kind != PJ_TENSOR_ARRAY && atomic_load(&tensor->refs) != 1) {
    PjTensor *copy =
        pj__eval_adopt(ev, tensor->kind == PJ_TENSOR_TOKEN
                               ? pj_tensor_token()
                               : pj_tensor_tuple(tensor->kind, tensor->num_elems, tensor->elems));
    pj_tensor_release(tensor);
    tensor = copy;
  }
  for (uint32_t i = 0; i < tensor->num_elems; ++i)
    tensor->elems[i] = pj__eval_export(ev, tensor->elems[i]);
  for (PjTensor *each = tensor; each && each->pool_next; each = each->base)
    pj_tensor_unlink(each);
  return tensor;
}

static PjStatus run_guarded(void *context) {
  Run *run = context;
  PjEval *ev = &run->ev;
  PJ_FAIL_IF(run->num_inputs != run->region->num_args, INVALID_ARGUMENT,
             "the program takes %u arguments, but %u were given", run->region->num_args,
             run->num_inputs);
  const PjOp *end = pj_region_terminator(run->region);
  PJ_FAIL_IF(!end || end->num_operands != run->num_outputs, INVALID_ARGUMENT,
             "the program returns %u values, but %u are asked for", end ? end->num_operands : 0,
             run->num_outputs);
  PjTensor **args = pj_eval_scratch(ev, run->num_inputs * sizeof *args);
  for (uint32_t i = 0; i < run->num_inputs; ++i) {
    PJ_TRY(check_input(run, i));
    args[i] = import_input(run, i);
  }
  PjFrame frame = {.plan = run->plan};
  frame.slots = pj_eval_scratch(ev, run->plan->func->num_values * sizeof *frame.slots);
  memset(frame.slots, 0, run->plan->func->num_values * sizeof *frame.slots);
  ev->frame = &frame;
  PJ_TRY(pj__eval_region_move(ev, run->region, args, run->outputs, run->num_outputs));
  for (uint32_t i = 0; i < run->num_outputs; ++i)
    run->outputs[i] = pj__eval_export(ev, run->outputs[i]);
  return PJ_STATUS_OK;
}

PjStatus pj__run_isolated(const PjProgram *program, const PjFuncPlan *plan, const PjRegion *region,
                          const PjRunOptions *options, uint32_t num_inputs, PjTensor *const *inputs,
                          const bool *may_overwrite, uint32_t num_outputs, PjTensor **outputs) {
  static const PjRunOptions alone;
  Run run = {.ev = {.program = program, .options = options ? options : &alone},
             .plan = plan,
             .region = region,
             .num_inputs = num_inputs,
             .num_outputs = num_outputs,
             .inputs = inputs,
             .may_overwrite = may_overwrite,
             .outputs = outputs};
  for (uint32_t i = 0; i < num_outputs; ++i)
    outputs[i] = NULL;
  pool_init(&run.pool);
  run.ev.pool = &run.pool;
  PjStatus status = pj_arena_create(0, &run.ev.arena);
  if (!status)
    status = pj_arena_guard(run.ev.arena, run_guarded, &run);
  if (status) {
    // Outputs already made independent are not in the pool any more.
    for (uint32_t i = 0; i < num_outputs; ++i) {
      if (outputs[i] && !outputs[i]->pool_next)
        pj_tensor_release(outputs[i]);
      outputs[i] = NULL;
    }
  }
  pool_clear(&run.pool);
  pj_arena_destroy(run.ev.arena);
  if (options && options->grid) {
    if (status)
      pj_grid_abort(options->grid, status);
    pj__grid_leave(options->grid);
  }
  return status;
}

// ----------------------------------------------------------------------------------------------
// one operation
typedef struct OpRun {
  PjEval ev;
  PjPool pool;
  PjFrame frame;
  const PjOp *op;
  PjTensor **values;
} OpRun;

// Takes what |op|, in the regions of |run->op| (or itself), reads from outside into the frame.
static PjStatus import_values(OpRun *run, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjValue *value = op->operands[i];
    const PjOp *home = value->def ? value->def->region->parent : value->region->parent;
    while (home && home != run->op)
      home = home->region ? home->region->parent : NULL;
    if (home || run->frame.slots[value->id])
      continue; // made inside, or there already
    PjTensor *tensor = run->values[value->id];
    if (!tensor)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "operand %u has no value", i);
    if (!has_type(tensor, value->type))
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the value of operand %u does not fit its type %s",
                         i, pj_type_text(run->ev.arena, value->type));
    if (tensor->kind == PJ_TENSOR_ARRAY) {
      PjTensor *view = pj_eval_view(&run->ev, tensor, tensor->dtype, tensor->rank, tensor->dims);
      view->writable = false;
      run->frame.slots[value->id] = view;
    } else {
      run->frame.slots[value->id] = pj_tensor_retain(tensor);
    }
  }
  for (uint32_t r = 0; r < op->num_regions; ++r)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      PJ_TRY(import_values(run, inner));
  return PJ_STATUS_OK;
}

static PjStatus run_op_guarded(void *context) {
  OpRun *run = context;
  run->ev.frame = &run->frame;
  PJ_TRY(import_values(run, run->op));
  PJ_TRY(run_op(&run->ev, run->op));
  for (uint32_t i = 0; i < run->op->num_results; ++i) {
    uint32_t id = run->op->results[i].id;
    if (run->frame.slots[id])
      run->frame.slots[id] = pj__eval_export(&run->ev, run->frame.slots[id]);
  }
  for (uint32_t i = 0; i < run->op->num_results; ++i)
    run->values[run->op->results[i].id] = run->frame.slots[run->op->results[i].id];
  return PJ_STATUS_OK;
}

// Empties the frame of what |op| reads and makes. References to values of others go with it; those
// of the run are the pool's.
static void clear_values(OpRun *run, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjTensor **slot = &run->frame.slots[op->operands[i]->id];
    if (*slot && (*slot)->kind != PJ_TENSOR_ARRAY && !(*slot)->pool_next)
      pj_tensor_release(*slot);
    *slot = NULL;
  }
  for (uint32_t i = 0; i < op->num_results; ++i)
    run->frame.slots[op->results[i].id] = NULL;
  for (uint32_t r = 0; r < op->num_regions; ++r) {
    for (uint32_t i = 0; i < op->regions[r].num_args; ++i)
      run->frame.slots[op->regions[r].args[i].id] = NULL;
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      clear_values(run, inner);
  }
}

PjStatus pj_program_run_op(const PjProgram *program, const PjOp *op, const PjRunOptions *options,
                           PjTensor **slots, PjTensor **values) {
  static const PjRunOptions alone;
  const PjOp *func = op;
  while (func && func->kind != PJ_OP_FUNC)
    func = func->region ? func->region->parent : NULL;
  PJ_FAIL_IF(!func || func == op, INVALID_ARGUMENT, "%s is no operation of a function",
             pj_op_info[op->kind].text);
  PJ_FAIL_IF(pj_op_info[op->kind].traits & PJ_TRAIT_TERM, INVALID_ARGUMENT,
             "%s ends a region and computes nothing", pj_op_info[op->kind].text);
  OpRun run = {.ev = {.program = program, .options = options ? options : &alone},
               .frame = {.plan = pj__program_plan(program, func), .slots = slots},
               .op = op,
               .values = values};
  pool_init(&run.pool);
  run.ev.pool = &run.pool;
  PjStatus status = pj_arena_create(0, &run.ev.arena);
  if (!status)
    status = pj_arena_guard(run.ev.arena, run_op_guarded, &run);
  if (status)
    for (uint32_t i = 0; i < op->num_results; ++i) {
      // Results already made independent are not in the pool any more.
      PjTensor *tensor = slots[op->results[i].id];
      if (tensor && !tensor->pool_next)
        pj_tensor_release(tensor);
    }
  clear_values(&run, op);
  pool_clear(&run.pool);
  pj_arena_destroy(run.ev.arena);
  return status;
}

PjStatus pj_program_call(const PjProgram *program, const PjOp *func, const PjRunOptions *options,
                         uint32_t num_inputs, PjTensor *const *inputs, uint32_t num_outputs,
                         PjTensor **outputs) {
  return pj__run_isolated(program, pj__program_plan(program, func), &func->regions[0], options,
                          num_inputs, inputs, NULL, num_outputs, outputs);
}

PjStatus pj_program_run(const PjProgram *program, const PjRunOptions *options, uint32_t num_inputs,
                        PjTensor *const *inputs, const bool *may_overwrite, uint32_t num_outputs,
                        PjTensor **outputs) {
  for (uint32_t i = 0; i < num_outputs; ++i)
    outputs[i] = NULL;
  PJ_FAIL_IF(!program->entry, INVALID_ARGUMENT,
             "the program has neither a function @main nor exactly one function with a body");
  const PjFuncPlan *plan = pj__program_plan(program, program->entry);
  return pj__run_isolated(program, plan, &program->entry->regions[0], options, num_inputs, inputs,
                          may_overwrite, num_outputs, outputs);
}
