// The private copy of the module, with calls and composites inlined on the way.
//
//   func.func @main(%0) { %1 = func.call @f(%0) ; return %1 }         func.func @main(%0) {
//   func.func @f(%0) { %1 = add %0, %0 ; return %1 }           =>       %1 = add %0, %0 ; return %1
//   }
//
// A call becomes a copy of the callee's body with the operands in place of its arguments, at any
// depth of regions and calls. Operations keep their locations: those of the callee, or of the call
// where the callee's say no place (as functions of JAX that are shared by several callers).
//
// A composite that stands for an operation of chlo (`chlo.erf`, `chlo.top_k`), as artifacts of JAX
// have them, becomes that operation: it has a kernel, which is faster than the decomposition and
// more exact. So does the custom call `mhlo.erf`, which is how XLA writes erf in StableHLO.
//
// Calls that stay: of functions without body, with operand types that differ from the callee's
// (dynamic sizes), or whose inlining would exceed the limits on size and nesting. Their callees,
// and whatever else the copy names, are copied as functions after the entry. The call graph has no
// cycle (pj_verify), but may be deep and may double at each level, hence the measures taken first.
//
// Linear in the operations copied.
#include "base/hash.h"
#include "eval/eval.h"
#include "ir/verify.h"
#include "pass/passes.h"

enum {
  MAX_CALL_DEPTH = 100,   // of calls within calls that are inlined
  FREE_GROWTH = 200000,   // operations that inlining may add to any module,
  GROWTH_FACTOR = 8,      // and in proportion to its size
  NO_MEASURE = UINT32_MAX // not to be inlined
};

typedef struct Func {
  const PjOp *op;
  struct Func *same_hash;
  uint64_t size;    // operations once everything is inlined in it
  uint32_t nesting; // of its regions then; NO_MEASURE: leave its calls
  bool measured, wanted;
} Func;

typedef struct Copier {
  PjRewrite *rw;
  PjMap names; // hash of a name: Func
  Func *funcs;
  uint32_t num_funcs;
  uint64_t budget; // operations that may still be copied
  Func **wanted;   // functions to copy, the entry first
  uint32_t num_wanted;
  const PjLoc *call; // where the body that is copied is called; NULL: it is a function's own
} Copier;

static uint64_t hash_name(PjStr name) {
  return pj_hash_bytes(PJ_HASH_SEED, name.ptr, name.len);
}

static Func *find(const Copier *copier, PjStr name) {
  const uint64_t *slot = pj_map_find(&copier->names, hash_name(name));
  Func *func = slot ? (Func *)(uintptr_t)*slot : NULL;
  while (func && !pj_str_eq(PJ_STRATTR(func->op, sym_name), name))
    func = func->same_hash;
  return func;
}

// The function that |op| is a call of, or NULL when it is none that could be inlined.
static Func *callee_of(const Copier *copier, const PjOp *op) {
  Func *func = NULL;
  if (op->kind == PJ_OP_CALL) {
    func = find(copier, PJ_STRATTR(op, callee));
  } else if (op->kind == PJ_OP_COMPOSITE && !op->num_regions) {
    PjCustomCallFn *fn;
    void *user;
    if (!pj_custom_call_find(PJ_STRATTR(op, name), &fn, &user))
      func = find(copier, PJ_STRATTR(op, decomposition));
  }
  if (!func)
    return NULL;
  const PjRegion *body = &func->op->regions[0];
  const PjOp *end = pj_region_terminator(body);
  if (!end || body->num_args != op->num_operands || end->num_operands != op->num_results)
    return NULL;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!pj_type_eq(op->operands[i]->type, body->args[i].type))
      return NULL;
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (!pj_type_eq(op->results[i].type, end->operands[i]->type))
      return NULL;
  return func;
}

static void measure_region(Copier *copier, Func *func, const PjRegion *region, uint32_t nesting,
                           uint32_t calls);

static void measure(Copier *copier, Func *func, uint32_t calls) {
  if (func->measured)
    return;
  func->measured = true;
  func->nesting = NO_MEASURE; // seen from calls below it, should the depth end the search there
  if (calls > MAX_CALL_DEPTH)
    return;
  Func sum = *func;
  sum.nesting = 0;
  measure_region(copier, &sum, &func->op->regions[0], 1, calls);
  func->size = sum.size;
  func->nesting = sum.nesting;
}

static void measure_region(Copier *copier, Func *func, const PjRegion *region, uint32_t nesting,
                           uint32_t calls) {
  uint32_t deepest = nesting;
  for (const PjOp *op = region->first; op; op = op->next) {
    ++func->size;
    for (uint32_t r = 0; r < op->num_regions; ++r)
      measure_region(copier, func, &op->regions[r], nesting + 1, calls);
    Func *callee = callee_of(copier, op);
    if (!callee)
      continue;
    measure(copier, callee, calls + 1);
    if (callee->nesting == NO_MEASURE || nesting - 1 + callee->nesting > PJ_MAX_NESTING)
      continue;
    func->size = func->size + callee->size < func->size ? UINT64_MAX : func->size + callee->size;
    if (nesting - 1 + callee->nesting > deepest)
      deepest = nesting - 1 + callee->nesting;
  }
  if (deepest > func->nesting)
    func->nesting = deepest;
}

// ------------------------------------------------------------------------------------------ names

static void want(Copier *copier, Func *func) {
  if (func->wanted)
    return;
  func->wanted = true;
  copier->wanted[copier->num_wanted++] = func;
}

static void want_symbols(Copier *copier, const PjAttr *attr) {
  if (attr->kind == PJ_ATTR_SYMBOL) {
    Func *func = find(copier, attr->str);
    if (func)
      want(copier, func);
  }
  if (attr->kind == PJ_ATTR_ARRAY)
    for (uint32_t i = 0; i < attr->count; ++i)
      want_symbols(copier, attr->elems[i]);
}

static void want_named(Copier *copier, const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_CALL:
  case PJ_OP_COMPOSITE:
  case PJ_OP_CUSTOM_CALL:
  case PJ_OP_INTERPRETER_RUN_PARALLEL:
    for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
      if (op->attrs[i])
        want_symbols(copier, op->attrs[i]);
    break;
  default:
    break;
  }
}

// ---------------------------------------------------------------------------------------- copying

// Whether |loc| leads to a position in a file, by the way that pj_loc_describe takes.
static bool has_place(const PjLoc *loc) {
  for (int depth = 0; loc && depth < 64; ++depth) {
    if (loc->kind == PJ_LOC_FILE)
      return true;
    loc = loc->kind == PJ_LOC_FUSED ? (loc->count ? loc->parts[0] : NULL) : loc->child;
  }
  return false;
}

// |loc|, at the place of the call if it has none: with its name, if it is one.
static const PjLoc *place(Copier *copier, const PjLoc *loc) {
  if (!copier->call || has_place(loc))
    return loc;
  if (!loc || loc->kind != PJ_LOC_NAME)
    return copier->call;
  PjLoc *placed = PJ_NEW(copier->rw->arena, PjLoc);
  *placed = (PjLoc){.kind = PJ_LOC_NAME, .text = loc->text, .child = copier->call};
  return placed;
}

static void copy_ops(Copier *copier, const PjRegion *from, const PjOp *end, PjRegion *to,
                     PjValue **map, uint32_t nesting);

static void copy_args(Copier *copier, const PjRegion *from, PjRegion *to, PjValue **map) {
  PjRewrite *rw = copier->rw;
  to->num_args = from->num_args;
  to->arg_locs = from->arg_locs;
  if (from->num_args)
    to->args = PJ_NEW_ARRAY(rw->arena, PjValue, from->num_args);
  for (uint32_t i = 0; i < from->num_args; ++i) {
    to->args[i] = (PjValue){.type = from->args[i].type, .region = to, .index = i};
    pj_rw_add_value(rw, &to->args[i]);
    map[from->args[i].id] = &to->args[i];
  }
}

// The results of |op|, which stands for |from|; its operands are known.
static void add_results(Copier *copier, const PjOp *from, PjOp *op, PjValue **map) {
  pj_rw_count_operands(copier->rw, op);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    op->results[i].type = from->results[i].type;
    pj_rw_add_value(copier->rw, &op->results[i]);
    map[from->results[i].id] = &op->results[i];
  }
}

static PjOp *copy_op(Copier *copier, const PjOp *from, PjRegion *to, PjValue **map,
                     uint32_t nesting) {
  PjRewrite *rw = copier->rw;
  PjOp *op =
      pj_op_create(rw->arena, from->kind, from->num_operands, from->num_results, from->num_regions);
  op->loc = place(copier, from->loc);
  op->extra = from->extra;
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; ++i)
    op->attrs[i] = from->attrs[i];
  for (uint32_t i = 0; i < op->num_operands; ++i)
    op->operands[i] = map[from->operands[i]->id];
  add_results(copier, from, op, map);
  pj_op_append(to, op);
  ++rw->num_ops;
  rw->has_control |= op->kind == PJ_OP_WHILE || op->kind == PJ_OP_IF || op->kind == PJ_OP_CASE;
  copier->budget -= copier->budget > 0;
  for (uint32_t i = 0; i < op->num_regions; ++i) {
    copy_args(copier, &from->regions[i], &op->regions[i], map);
    copy_ops(copier, &from->regions[i], NULL, &op->regions[i], map, nesting + 1);
  }
  want_named(copier, op);
  return op;
}

// The operation of chlo that a composite or a custom call is named after, with the dictionary of
// its attributes; PJ_OP_INVALID: none.
static PjOpKind chlo_meant(const PjOp *op, const PjAttr **out_given) {
  if (op->kind == PJ_OP_COMPOSITE) {
    *out_given = PJ_ATTR(op, composite_attributes);
    PjStr name = PJ_STRATTR(op, name);
    return pj_str_starts(name, "chlo.") ? pj_op_from_text(name) : PJ_OP_INVALID;
  }
  *out_given = NULL;
  if (op->kind == PJ_OP_CUSTOM_CALL && pj_str_is(PJ_STRATTR(op, call_target_name), "mhlo.erf"))
    return PJ_OP_CHLO_ERF;
  return PJ_OP_INVALID;
}

// Copies a composite or a custom call as the operation of chlo that it is named after, if it is
// one.
static bool copy_as_chlo(Copier *copier, const PjOp *composite, PjRegion *to, PjValue **map) {
  PjRewrite *rw = copier->rw;
  const PjAttr *given;
  PjOpKind kind = chlo_meant(composite, &given);
  if (kind == PJ_OP_INVALID || composite->num_regions)
    return false;
  const PjOpInfo *info = &pj_op_info[kind];
  bool elementwise = info->traits & PJ_TRAIT_ELEM && !info->num_attrs && (!given || !given->count);
  const PjAttr *k = given && given->count == 1 ? pj_attr_get(given, "k") : NULL;
  bool top_k = kind == PJ_OP_CHLO_TOP_K && k && k->kind == PJ_ATTR_INT;
  // Of complex numbers there are decompositions only, but for two whose infinities differ from what
  // exponentials give.
  bool hyperbolic = kind == PJ_OP_CHLO_SINH || kind == PJ_OP_CHLO_COSH;
  const PjType *type = composite->num_operands ? composite->operands[0]->type : NULL;
  if (elementwise && (!type || !(pj_dtype_is_float(type->dtype) ||
                                 (hyperbolic && pj_dtype_is_complex(type->dtype)))))
    return false;
  if ((!elementwise && !top_k) || info->operands != (int)composite->num_operands ||
      info->results != (int)composite->num_results)
    return false;
  PjOp *op = pj_op_create(rw->arena, kind, composite->num_operands, composite->num_results, 0);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    op->operands[i] = map[composite->operands[i]->id];
  if (top_k)
    pj_op_set_attr(op, PJ_KEY_k, pj_attr_i64(rw->arena, k->i64));
  pj_op_fill_defaults(rw->arena, op);
  const PjType *types[2];
  PjStatus status = pj_infer(rw->arena, op, types);
  bool fits = !status;
  pj_status_free(status);
  for (uint32_t i = 0; i < op->num_results && fits; ++i)
    fits = pj_type_eq(types[i], composite->results[i].type);
  if (!fits)
    return false;
  op->loc = place(copier, composite->loc);
  add_results(copier, composite, op, map);
  pj_op_append(to, op);
  ++rw->num_ops;
  ++rw->changes;
  return true;
}

static bool inline_call(Copier *copier, const PjOp *call, PjRegion *to, PjValue **map,
                        uint32_t nesting) {
  Func *callee = callee_of(copier, call);
  if (!callee)
    return false;
  measure(copier, callee, 0);
  if (callee->nesting == NO_MEASURE || nesting - 1 + callee->nesting > PJ_MAX_NESTING ||
      callee->size > copier->budget)
    return false;
  PjRewrite *rw = copier->rw;
  const PjRegion *body = &callee->op->regions[0];
  const PjOp *end = pj_region_terminator(body);
  PjArenaMark mark = pj_arena_mark(rw->scratch);
  PjValue **inner = PJ_NEW_ARRAY(rw->scratch, PjValue *, callee->op->num_values);
  for (uint32_t i = 0; i < body->num_args; ++i)
    inner[body->args[i].id] = map[call->operands[i]->id];
  const PjLoc *outer = copier->call;
  copier->call = place(copier, call->loc);
  copy_ops(copier, body, end, to, inner, nesting);
  copier->call = outer;
  for (uint32_t i = 0; i < call->num_results; ++i)
    map[call->results[i].id] = inner[end->operands[i]->id];
  pj_arena_reset(rw->scratch, mark);
  ++rw->changes;
  return true;
}

// Copies the operations of |from|, up to |end|, to the end of |to|, which lies |nesting| regions
// deep.
static void copy_ops(Copier *copier, const PjRegion *from, const PjOp *end, PjRegion *to,
                     PjValue **map, uint32_t nesting) {
  for (const PjOp *op = from->first; op != end; op = op->next) {
    bool call = op->kind == PJ_OP_COMPOSITE || op->kind == PJ_OP_CALL;
    if (copy_as_chlo(copier, op, to, map))
      continue;
    if (!call || !inline_call(copier, op, to, map, nesting))
      copy_op(copier, op, to, map, nesting);
  }
}

static void copy_func(Copier *copier, const PjOp *func) {
  PjRewrite *rw = copier->rw;
  PjArenaMark mark = pj_arena_mark(rw->scratch);
  PjValue **map = PJ_NEW_ARRAY(rw->scratch, PjValue *, func->num_values);
  copy_op(copier, func, &rw->module->body, map, 0);
  pj_arena_reset(rw->scratch, mark);
}

static void add_func(Copier *copier, Func *func, const PjOp *op) {
  uint64_t hash = hash_name(PJ_STRATTR(op, sym_name));
  const uint64_t *slot = pj_map_find(&copier->names, hash);
  *func = (Func){.op = op, .same_hash = slot ? (Func *)(uintptr_t)*slot : NULL};
  pj_map_set(copier->rw->scratch, &copier->names, hash, pj_map_ptr(func));
}

PjStatus pj_pass_inline(PjRewrite *rw, const PjModule *in) {
  PjModule *module = rw->module;
  module->name = in->name;
  module->attrs = in->attrs;
  module->loc = in->loc;

  Copier copier = {.rw = rw, .budget = FREE_GROWTH};
  uint32_t num_funcs = 0;
  for (const PjOp *op = in->body.first; op; op = op->next) {
    num_funcs += op->kind == PJ_OP_FUNC;
    copier.budget += GROWTH_FACTOR * (uint64_t)op->num_ops;
  }
  Func *funcs = PJ_NEW_ARRAY(rw->scratch, Func, num_funcs), *next = funcs;
  copier.wanted = PJ_NEW_ARRAY(rw->scratch, Func *, num_funcs);
  const PjOp *entry = pj_module_entry(in);
  for (const PjOp *op = in->body.first; op; op = op->next) {
    if (op->kind != PJ_OP_FUNC) {
      copy_op(&copier, op, &module->body, NULL, 0);
      continue;
    }
    add_func(&copier, next, op);
    if (op == entry || !entry)
      want(&copier, next);
    ++next;
  }
  for (uint32_t i = 0; i < copier.num_wanted; ++i)
    copy_func(&copier, copier.wanted[i]->op);
  return PJ_STATUS_OK;
}
