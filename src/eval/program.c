// Preparing a module for evaluation: a symbol table, and for each operation the values that die
// there.
//
// A value dies at the last operation of its own region that reads it, directly or in a nested
// region; found by one walk backwards over each region. A frame gives up its reference there, so
// memory is bounded by what is live, and an operation may write into an operand that dies
// (PjOpPlan.takes). Linear in operations times nesting depth.
#include "base/hash.h"
#include "base/vec.h"
#include "eval/run.h"

typedef struct Planner {
  PjArena *arena;
  PjOpPlan *ops;
  uint8_t *seen; // by value id
  uint32_t
      *captured; // by value id: 1 + id of the last operation whose regions were found to read it
  PJ_VEC(uint32_t) dead; // of the operation at hand
} Planner;

static const PjRegion *home(const PjValue *value) {
  return value->def ? value->def->region : value->region;
}

// Marks values of |region| that |op|, in the regions of |outer| (or |outer| itself), or anything
// inside it reads for the first time on the way backwards.
static void collect_uses(Planner *planner, const PjRegion *region, const PjOp *outer,
                         const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjValue *value = op->operands[i];
    if (home(value) != region)
      continue;
    if (op != outer)
      planner->captured[value->id] = outer->id + 1;
    if (planner->seen[value->id])
      continue;
    planner->seen[value->id] = 1;
    PJ_PUSH(planner->arena, &planner->dead, value->id);
  }
  for (uint32_t r = 0; r < op->num_regions; ++r)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      collect_uses(planner, region, outer, inner);
}

static bool is_quantized(const PjType *type) {
  return type->quant != NULL;
}

// Data movement and control flow carry storage values as they are; what computes goes through the
// expressed type.
static bool needs_quantized(const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_UNIFORM_QUANTIZE:
  case PJ_OP_UNIFORM_DEQUANTIZE:
    return false;
  case PJ_OP_DOT_GENERAL:
  case PJ_OP_DOT:
  case PJ_OP_CONVOLUTION:
  case PJ_OP_DYNAMIC_CONV:
  case PJ_OP_REDUCE:
  case PJ_OP_REDUCE_WINDOW:
  case PJ_OP_SELECT_AND_SCATTER:
  case PJ_OP_BATCH_NORM_GRAD:
  case PJ_OP_BATCH_NORM_INFERENCE:
  case PJ_OP_BATCH_NORM_TRAINING:
  case PJ_OP_CHOLESKY:
  case PJ_OP_TRIANGULAR_SOLVE:
  case PJ_OP_SORT:
  case PJ_OP_MAP:
  case PJ_OP_CHLO_TOP_K:
    break;
  default:
    if (!(pj_op_info[op->kind].traits & PJ_TRAIT_ELEM))
      return false;
  }
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (is_quantized(op->operands[i]->type))
      return true;
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (is_quantized(op->results[i].type))
      return true;
  return false;
}

// Operands that die at |op|, which names them once and whose regions do not read them.
static uint64_t takeable(const Planner *planner, const PjOp *op) {
  uint64_t takes = 0;
  for (uint32_t i = 0; i < op->num_operands && i < 64; ++i) {
    bool dies = false, once = planner->captured[op->operands[i]->id] != op->id + 1;
    for (size_t d = 0; d < planner->dead.len; ++d)
      dies |= planner->dead.data[d] == op->operands[i]->id;
    for (uint32_t j = 0; j < op->num_operands; ++j)
      once &= j == i || op->operands[j] != op->operands[i];
    if (dies && once)
      takes |= (uint64_t)1 << i;
  }
  return takes;
}

static void plan_region(Planner *planner, const PjRegion *region) {
  for (const PjOp *op = region->last; op; op = op->prev) {
    for (uint32_t r = 0; r < op->num_regions; ++r)
      plan_region(planner, &op->regions[r]);
    planner->dead.len = 0;
    collect_uses(planner, region, op, op);
    PjOpPlan *plan = &planner->ops[op->id];
    if (op->num_operands <= 256)
      plan->takes = takeable(planner, op);
    for (uint32_t i = 0; i < op->num_results; ++i)
      if (!planner->seen[op->results[i].id])
        PJ_PUSH(planner->arena, &planner->dead, op->results[i].id);
    plan->num_dead = (uint32_t)planner->dead.len;
    if (plan->num_dead)
      plan->dead =
          pj_arena_memdup(planner->arena, planner->dead.data, plan->num_dead * sizeof(uint32_t));
    plan->quantized = needs_quantized(op);
  }
}

PjStatus pj_program_create(PjModule *module, PjProgram **out_program) {
  PjArena *arena = module->arena;
  PjProgram *program = PJ_NEW(arena, PjProgram);
  program->module = module;
  program->entry = pj_module_entry(module);
  for (const PjOp *op = module->body.first; op; op = op->next)
    program->num_funcs += op->kind == PJ_OP_FUNC;
  program->funcs = PJ_NEW_ARRAY(arena, PjFuncPlan, program->num_funcs);
  program->table_size = 8;
  while (program->table_size < 2 * program->num_funcs)
    program->table_size *= 2;
  program->table = PJ_NEW_ARRAY(arena, const PjFuncPlan *, program->table_size);

  PjFuncPlan *next = program->funcs;
  for (const PjOp *op = module->body.first; op; op = op->next) {
    if (op->kind != PJ_OP_FUNC)
      continue;
    Planner planner = {.arena = arena,
                       .ops = PJ_NEW_ARRAY(arena, PjOpPlan, op->num_ops),
                       .seen = PJ_NEW_ARRAY(arena, uint8_t, op->num_values),
                       .captured = PJ_NEW_ARRAY(arena, uint32_t, op->num_values)};
    plan_region(&planner, &op->regions[0]);
    *next = (PjFuncPlan){op, planner.ops, program->num_ops};
    program->num_ops += op->num_ops;
    PjStr name = PJ_STRATTR(op, sym_name);
    uint64_t at = pj_hash_bytes(PJ_HASH_SEED, name.ptr, name.len);
    while (program->table[at & (program->table_size - 1)])
      ++at;
    program->table[at & (program->table_size - 1)] = next++;
  }
  *out_program = program;
  return PJ_STATUS_OK;
}

const PjFuncPlan *pj__program_find(const PjProgram *program, PjStr name) {
  for (uint64_t at = pj_hash_bytes(PJ_HASH_SEED, name.ptr, name.len);; ++at) {
    const PjFuncPlan *plan = program->table[at & (program->table_size - 1)];
    if (!plan || pj_str_eq(PJ_STRATTR(plan->func, sym_name), name))
      return plan;
  }
}

const PjFuncPlan *pj__program_plan(const PjProgram *program, const PjOp *func) {
  return pj__program_find(program, PJ_STRATTR(func, sym_name));
}

const PjOp *pj_program_entry(const PjProgram *program) {
  return program->entry;
}
