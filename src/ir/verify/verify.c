// Verification of modules: walks all ops once, in textual order, and checks each after what it
// depends on.
//
//   names of the module; the call graph;
//   per op: counts, operands defined before and visible, types of results, attributes, regions and
//   their terminators, signature of the operands, inferred result types against the declared ones,
//   signature of the results, remaining rules; then its regions.
//
// Visibility: a value may be used after its definition in the same region or in one nested there,
// unless an isolated op lies between. |table| maps each value of the current function seen so far
// to the nesting depth of its region; it is visible while that region is still open. Everything is
// linear in the number of ops, operands and attributes.
#include "ir/verify.h"

#include "ir/verify/check.h"

const PjRule pj__rules[PJ_OP_COUNT] = {
#define C(signature, infer, verify) \
  { signature, pj_infer_##infer, pj_verify_##verify }
#define OP(ENUM, text, vhlo, operands, results, regions, traits, check, eval, attrs) \
  [PJ_OP_##ENUM] = check,
#include "ir/ops.def"
#undef OP
#undef C
};

enum { MAX_DEPTH = PJ_MAX_NESTING + 2 }; // of open regions: the module, a function, nested ones

typedef struct Entry {
  const PjValue *value;
  uint32_t depth;
} Entry;

typedef struct Walk {
  PjCheck check;
  Entry *table; // of |mask| + 1 slots, at most half of them taken
  size_t mask, taken;
  const PjRegion *open[MAX_DEPTH];
  uint32_t depth, floor; // open regions; those below |floor| are invisible
} Walk;

PjStatus pj_infer_none(PjCheck *check, const PjOp *op, const PjType **out) {
  return NULL;
}
PjStatus pj_verify_none(PjCheck *check, const PjOp *op) {
  return NULL;
}

// ---------------------------------------------------------------------- visibility
static Entry *entry_of(const Walk *walk, const PjValue *value) {
  size_t at = (uintptr_t)value / sizeof *value & walk->mask; // neighbours stay neighbours
  while (walk->table[at].value && walk->table[at].value != value)
    at = (at + 1) & walk->mask;
  return &walk->table[at];
}

static void grow(Walk *walk) {
  Walk next = *walk;
  size_t size = walk->table ? 2 * (walk->mask + 1) : 256;
  next.table = PJ_NEW_ARRAY(walk->check.lasting, Entry, size);
  next.mask = size - 1;
  for (size_t i = 0; walk->table && i <= walk->mask; ++i)
    if (walk->table[i].value)
      *entry_of(&next, walk->table[i].value) = walk->table[i];
  walk->table = next.table;
  walk->mask = next.mask;
}

static void define(Walk *walk, const PjValue *value) {
  if (!walk->table || 2 * ++walk->taken > walk->mask)
    grow(walk);
  *entry_of(walk, value) = (Entry){value, walk->depth - 1};
}

static bool visible(const Walk *walk, const PjValue *value) {
  if (!walk->table)
    return false;
  const Entry *entry = entry_of(walk, value);
  if (!entry->value || entry->depth < walk->floor || entry->depth >= walk->depth)
    return false;
  return walk->open[entry->depth] == (value->def ? value->def->region : value->region);
}

// ---------------------------------------------------------------------- structure
static PjStatus check_counts(const PjOp *op) {
  const PjOpInfo *info = &pj_op_info[op->kind];
  PJ_REQUIRE(op, info->operands < 0 || op->num_operands == (uint32_t)info->operands,
             "needs %d operand%s, but has %u", info->operands, info->operands == 1 ? "" : "s",
             op->num_operands);
  PJ_REQUIRE(op, info->results < 0 || op->num_results == (uint32_t)info->results,
             "needs %d result%s, but has %u", info->results, info->results == 1 ? "" : "s",
             op->num_results);
  PJ_REQUIRE(op, info->regions < 0 || op->num_regions == (uint32_t)info->regions,
             "needs %d region%s, but has %u", info->regions, info->regions == 1 ? "" : "s",
             op->num_regions);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    PJ_REQUIRE(op, op->operands[i] && op->operands[i]->type, "operand #%u is missing", i);
  return NULL;
}

// The op that must end the regions of |op|.
static PjOpKind terminator_of(const PjOp *op) {
  return op->kind == PJ_OP_FUNC                     ? PJ_OP_FUNC_RETURN
         : op->kind == PJ_OP_SDY_MANUAL_COMPUTATION ? PJ_OP_SDY_RETURN
                                                    : PJ_OP_RETURN;
}

static PjStatus check_region(PjCheck *check, const PjOp *op, const PjRegion *region) {
  for (uint32_t i = 0; i < region->num_args; ++i)
    PJ_TRY(pj__check_type(check, op, "an argument type", region->args[i].type));
  if (!region->first) {
    PJ_REQUIRE(op, op->kind == PJ_OP_FUNC || op->kind == PJ_OP_COMPOSITE,
               "its region must not be empty");
    return NULL;
  }
  const PjOp *last = pj_region_terminator(region);
  PJ_REQUIRE(op, last && last->kind == terminator_of(op),
             "its region must end with %s, not with %s", pj_op_info[terminator_of(op)].text,
             pj_op_info[region->last->kind].text);
  return check_counts(last);
}

// What pj_verify and pj_infer check before the rules of the op run.
static PjStatus check_inputs(PjCheck *check, const PjOp *op) {
  PJ_TRY(pj__check_attributes(check, op));
  for (uint32_t i = 0; i < op->num_regions; ++i)
    PJ_TRY(check_region(check, op, &op->regions[i]));
  return pj__check_signature(check, op, false);
}

static const char *types_text(PjCheck *check, uint32_t count, const PjType *const *types) {
  const char *text = "";
  for (uint32_t i = 0; i < count && i < 8; ++i)
    text = pj_arena_printf(check->arena, "%s%s%s", text, i ? ", " : "",
                           types[i] ? pj__type_text(check, types[i]) : "?");
  return count > 8 ? pj_arena_printf(check->arena, "%s, ...", text) : text;
}

static PjStatus check_results(PjCheck *check, const PjOp *op) {
  enum { FEW = 16 };
  const PjType *few[FEW] = {0}, **types = few;
  if (op->num_results > FEW)
    types = PJ_NEW_ARRAY(check->arena, const PjType *, op->num_results);
  PJ_TRY(pj__rules[op->kind].infer(check, op, types));
  for (uint32_t i = 0; i < op->num_results; ++i) {
    if (!types[i] || pj__types_compatible(types[i], op->results[i].type))
      continue;
    const PjType **declared = PJ_NEW_ARRAY(check->arena, const PjType *, op->num_results);
    for (uint32_t j = 0; j < op->num_results; ++j)
      declared[j] = op->results[j].type;
    return PJ_WRONG(
        op, "the inferred type(s) %s are incompatible with the declared result type(s) %s",
        types_text(check, op->num_results, types), types_text(check, op->num_results, declared));
  }
  return NULL;
}

static PjStatus walk_region(Walk *walk, const PjRegion *region);

static PjStatus walk_op(Walk *walk, const PjOp *op) {
  PjCheck *check = &walk->check;
  PJ_FAIL_IF(op->kind <= PJ_OP_INVALID || op->kind >= PJ_OP_COUNT, INVALID_ARGUMENT,
             "an operation of no known kind");
  PJ_REQUIRE(op, op->kind != PJ_OP_FUNC || !op->region->parent,
             "functions must stand at the top of the module");
  PJ_REQUIRE(op, !(pj_op_info[op->kind].traits & PJ_TRAIT_TERM) || !op->next,
             "must be the last op of its region");
  PJ_TRY(check_counts(op));
  for (uint32_t i = 0; i < op->num_operands; ++i)
    PJ_REQUIRE(op, visible(walk, op->operands[i]),
               "operand #%u is used before its definition or is not visible here", i);
  for (uint32_t i = 0; i < op->num_results; ++i)
    PJ_TRY(pj__check_type(check, op, "a result type", op->results[i].type));
  PJ_TRY(check_inputs(check, op));
  PJ_TRY(check_results(check, op));
  PJ_TRY(pj__check_signature(check, op, true));
  PJ_TRY(pj__rules[op->kind].verify(check, op));
  pj__note_calls(check, op);
  for (uint32_t i = 0; i < op->num_regions; ++i) {
    PJ_REQUIRE(op, walk->depth < MAX_DEPTH, "regions nest deeper than %d", MAX_DEPTH);
    PJ_TRY(walk_region(walk, &op->regions[i]));
  }
  return NULL;
}

static PjStatus walk_region(Walk *walk, const PjRegion *region) {
  uint32_t floor = walk->floor;
  if (region->parent && pj_op_info[region->parent->kind].traits & PJ_TRAIT_ISOLATED)
    walk->floor = walk->depth;
  walk->open[walk->depth++] = region;
  for (uint32_t i = 0; i < region->num_args; ++i)
    define(walk, &region->args[i]);
  PjArenaMark mark = pj_arena_mark(walk->check.arena);
  for (const PjOp *op = region->first; op; op = op->next) {
    PJ_TRY(walk_op(walk, op));
    for (uint32_t i = 0; i < op->num_results; ++i)
      define(walk, &op->results[i]);
    if (pj_arena_used(walk->check.arena) - mark.used > 256 << 10)
      pj_arena_reset(walk->check.arena, mark);
  }
  --walk->depth;
  walk->floor = floor;
  return NULL;
}

// ---------------------------------------------------------------------- entry points
static PjStatus verify_module(void *ctx) {
  Walk *walk = ctx;
  const PjModule *module = walk->check.module;
  PJ_TRY(pj__symbols_create(&walk->check));
  walk->open[walk->depth++] = &module->body;
  for (const PjOp *op = module->body.first; op; op = op->next)
    PJ_TRY(walk_op(walk, op));
  return pj__check_call_graph(&walk->check);
}

static PjStatus guard_scratch(void *ctx) {
  return pj_arena_guard(((Walk *)ctx)->check.arena, verify_module, ctx);
}

PjStatus pj_verify(const PjModule *module) {
  Walk walk = {.check.module = module};
  PjCheck *check = &walk.check;
  PjStatus status = pj_arena_create(0, &check->arena);
  if (!status)
    status = pj_arena_create(0, &check->lasting);
  if (!status)
    status = pj_arena_guard(check->lasting, guard_scratch, &walk);
  pj_arena_destroy(check->lasting);
  pj_arena_destroy(check->arena);
  return status;
}

PjStatus pj_verify_op(PjArena *arena, const PjOp *op) {
  PjCheck check = {.arena = arena};
  PJ_TRY(check_counts(op));
  for (uint32_t i = 0; i < op->num_results; ++i)
    PJ_TRY(pj__check_type(&check, op, "a result type", op->results[i].type));
  PJ_TRY(check_inputs(&check, op));
  PJ_TRY(check_results(&check, op));
  return pj__check_signature(&check, op, true);
}

PjStatus pj_infer(PjArena *arena, const PjOp *op, const PjType **out_types) {
  PjCheck check = {.arena = arena};
  for (uint32_t i = 0; i < op->num_results; ++i)
    out_types[i] = NULL;
  PJ_TRY(check_counts(op));
  PJ_TRY(check_inputs(&check, op));
  PJ_TRY(pj__rules[op->kind].infer(&check, op, out_types));
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (!out_types[i])
      return PJ_OP_ERROR(op, UNIMPLEMENTED, "the type of result #%u is not implied by the operands",
                         i);
  return NULL;
}
