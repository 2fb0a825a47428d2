// Symbols of a module: look-up by name, and the call graph, which must have no cycle so that
// callers can be inlined.
#include "base/hash.h"
#include "base/vec.h"
#include "ir/verify/check.h"

typedef struct Edge {
  const PjOp *op; // the call
  uint32_t caller, callee;
} Edge;

// Operations of the module's body are numbered from 0, in order.
struct PjSymbols {
  const PjOp **slots; // by name, open addressing
  uint32_t *index;    // number of the op in a slot
  uint32_t mask, count;
  PJ_VEC(Edge) edges; // callers ascending
};

static uint64_t hash_name(PjStr name) {
  return pj_hash_bytes(PJ_HASH_SEED, name.ptr, name.len);
}

static PjStr name_of(const PjOp *op) {
  const PjAttr *name = PJ_ATTR(op, sym_name);
  return name ? name->str : (PjStr){0};
}

static uint32_t slot_of(const PjSymbols *symbols, PjStr name) {
  uint32_t at = (uint32_t)hash_name(name) & symbols->mask;
  while (symbols->slots[at] && !pj_str_eq(name_of(symbols->slots[at]), name))
    at = (at + 1) & symbols->mask;
  return at;
}

PjStatus pj__symbols_create(PjCheck *check) {
  PjArena *arena = check->lasting;
  const PjModule *module = check->module;
  PjSymbols *symbols = PJ_NEW(arena, PjSymbols);
  for (const PjOp *op = module->body.first; op; op = op->next)
    ++symbols->count;
  uint32_t size = 8;
  while (size < 2 * (size_t)symbols->count)
    size *= 2;
  symbols->mask = size - 1;
  symbols->slots = PJ_NEW_ARRAY(arena, const PjOp *, size);
  symbols->index = PJ_NEW_ARRAY(arena, uint32_t, size);
  uint32_t index = 0;
  for (const PjOp *op = module->body.first; op; op = op->next, ++index) {
    PJ_REQUIRE(op, op->kind == PJ_OP_FUNC || op->kind == PJ_OP_SDY_MESH,
               "cannot stand at the top of a module");
    const PjAttr *name = PJ_ATTR(op, sym_name);
    PJ_REQUIRE(op, name && name->kind == PJ_ATTR_STRING && name->str.len,
               "requires a name (attribute 'sym_name')");
    uint32_t slot = slot_of(symbols, name->str);
    PJ_REQUIRE(op, !symbols->slots[slot], "redefinition of symbol '@%.*s'", PJ_STR_ARG(name->str));
    symbols->slots[slot] = op;
    symbols->index[slot] = index;
  }
  check->symbols = symbols;
  return NULL;
}

const PjOp *pj__symbol(const PjCheck *check, const PjOp *from, PjStr name) {
  if (check->symbols)
    return check->symbols->slots[slot_of(check->symbols, name)];
  const PjRegion *region =
      from->region; // pj_infer: search the module that the op stands in, if any
  while (region && region->parent)
    region = region->parent->region;
  for (const PjOp *op = region ? region->first : NULL; op; op = op->next)
    if ((op->kind == PJ_OP_FUNC || op->kind == PJ_OP_SDY_MESH) && pj_str_eq(name_of(op), name))
      return op;
  return NULL;
}

const PjOp *pj__function(const PjCheck *check, const PjOp *from, PjStr name) {
  const PjOp *op = pj__symbol(check, from, name);
  return op && op->kind == PJ_OP_FUNC ? op : NULL;
}

const PjAttr *pj__mesh(const PjCheck *check, const PjOp *op, const PjAttr *mesh) {
  if (!mesh || mesh->kind == PJ_ATTR_STRUCT)
    return mesh;
  if (mesh->kind != PJ_ATTR_SYMBOL && mesh->kind != PJ_ATTR_STRING)
    return NULL;
  const PjOp *symbol = pj__symbol(check, op, mesh->str);
  return symbol && symbol->kind == PJ_OP_SDY_MESH ? PJ_ATTR(symbol, mesh) : NULL;
}

// ---------------------------------------------------------------------- call graph
static void add_edges(PjCheck *check, const PjOp *op, const PjAttr *attr) {
  PjSymbols *symbols = check->symbols;
  if (!attr)
    return;
  if (attr->kind == PJ_ATTR_SYMBOL) {
    uint32_t slot = slot_of(symbols, attr->str);
    const PjOp *caller = op;
    while (caller->region->parent)
      caller = caller->region->parent;
    Edge edge = {op, symbols->index[slot_of(symbols, name_of(caller))], symbols->index[slot]};
    if (symbols->slots[slot])
      PJ_PUSH(check->lasting, &symbols->edges, edge);
  }
  if (attr->kind == PJ_ATTR_ARRAY)
    for (uint32_t i = 0; i < attr->count; ++i)
      add_edges(check, op, attr->elems[i]);
}

void pj__note_calls(PjCheck *check, const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_CALL:
    add_edges(check, op, PJ_ATTR(op, callee));
    break;
  case PJ_OP_COMPOSITE:
    add_edges(check, op, PJ_ATTR(op, decomposition));
    break;
  case PJ_OP_CUSTOM_CALL:
    add_edges(check, op, PJ_ATTR(op, called_computations));
    break;
  case PJ_OP_INTERPRETER_RUN_PARALLEL:
    add_edges(check, op, PJ_ATTR(op, programs));
    add_edges(check, op, PJ_ATTR(op, infeed));
    break;
  default:
    break;
  }
}

PjStatus pj__check_call_graph(PjCheck *check) {
  const PjSymbols *symbols = check->symbols;
  const Edge *edges = symbols->edges.data;
  uint32_t count = symbols->count, at = 0;
  if (!symbols->edges.len)
    return NULL;
  uint32_t *begin = PJ_NEW_ARRAY(check->lasting, uint32_t, count + 1);
  for (uint32_t f = 0; f < count; ++f) {
    begin[f] = at;
    while (at < symbols->edges.len && edges[at].caller == f)
      ++at;
  }
  begin[count] = at;
  // Depth first without recursion: next[f] is the edge of f that is followed next; a function is
  // open while it is on the stack.
  enum { NEW, OPEN, DONE };
  uint32_t *next = pj_arena_memdup(check->lasting, begin, count * sizeof *begin),
           *stack = PJ_NEW_ARRAY(check->lasting, uint32_t, count);
  unsigned char *state = PJ_NEW_ARRAY(check->lasting, unsigned char, count);
  for (uint32_t root = 0; root < count; ++root) {
    if (state[root] != NEW)
      continue;
    uint32_t depth = 0;
    stack[depth++] = root;
    state[root] = OPEN;
    while (depth) {
      uint32_t top = stack[depth - 1];
      if (next[top] == begin[top + 1]) {
        state[top] = DONE;
        --depth;
        continue;
      }
      const Edge *edge = &edges[next[top]++];
      PJ_REQUIRE(edge->op, state[edge->callee] != OPEN,
                 "functions must not call themselves, directly or through others");
      if (state[edge->callee] == NEW) {
        state[edge->callee] = OPEN;
        stack[depth++] = edge->callee;
      }
    }
  }
  return NULL;
}
