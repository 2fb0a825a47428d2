// Locations as text. In a module every location gets a name, #loc1, #loc2 ..., defined once at the
// end: they form a graph with much sharing, whose paths are many more than its nodes.
#include "base/alloc.h"
#include "base/hash.h"
#include "ir/print_parts.h"

struct PjLocNames {
  const PjLoc **locs; // in the order of their definitions, children first
  size_t count, capacity;
  size_t *slots; // index + 1 by the hash of the pointer; 0: free
  size_t num_slots;
  bool failed;
};

typedef struct Visit {
  const PjLoc *loc;
  uint32_t next; // child to visit next
} Visit;

static size_t find_slot(const PjLocNames *names, const PjLoc *loc) {
  size_t at = (size_t)pj_hash_u64(PJ_HASH_SEED, (uint64_t)(uintptr_t)loc),
         mask = names->num_slots - 1;
  while (names->slots[at & mask] && names->locs[names->slots[at & mask] - 1] != loc)
    ++at;
  return at & mask;
}

static bool grow(PjLocNames *names) {
  size_t capacity = names->capacity ? 2 * names->capacity : 256;
  const PjLoc **locs = pj_realloc(names->locs, capacity * sizeof *locs);
  if (!locs)
    return false;
  names->locs = locs;
  size_t *slots = pj_calloc(2 * capacity, sizeof *slots);
  if (!slots)
    return false;
  pj_free(names->slots);
  names->slots = slots;
  names->num_slots = 2 * capacity;
  names->capacity = capacity;
  for (size_t i = 0; i < names->count; ++i)
    names->slots[find_slot(names, names->locs[i])] = i + 1;
  return true;
}

static bool is_named(const PjLocNames *names, const PjLoc *loc) {
  return names->num_slots && names->slots[find_slot(names, loc)];
}

static void name(PjLocNames *names, const PjLoc *loc) {
  if (names->failed || is_named(names, loc))
    return;
  if (names->count == names->capacity && !grow(names)) {
    names->failed = true;
    return;
  }
  names->locs[names->count++] = loc;
  names->slots[find_slot(names, loc)] = names->count;
}

static uint32_t num_children(const PjLoc *loc) {
  return loc->kind == PJ_LOC_NAME       ? 1
         : loc->kind == PJ_LOC_CALLSITE ? 2
         : loc->kind == PJ_LOC_FUSED    ? loc->count
                                        : 0;
}

static const PjLoc *child_of(const PjLoc *loc, uint32_t i) {
  return loc->kind == PJ_LOC_FUSED ? loc->parts[i] : i == 0 ? loc->child : loc->caller;
}

// Names what |root| is made of, then itself. The depth of the graph is not bounded: the stack is
// our own.
static void name_all(PjLocNames *names, const PjLoc *root) {
  if (!root || root->kind == PJ_LOC_UNKNOWN || is_named(names, root))
    return;
  size_t len = 0, capacity = 32;
  Visit *stack = pj_malloc(capacity * sizeof *stack);
  if (!stack) {
    names->failed = true;
    return;
  }
  stack[len++] = (Visit){root, 0};
  while (len && !names->failed) {
    Visit *top = &stack[len - 1];
    if (top->next == num_children(top->loc)) {
      name(names, top->loc);
      --len;
      continue;
    }
    const PjLoc *child = child_of(top->loc, top->next++);
    if (!child || child->kind == PJ_LOC_UNKNOWN || is_named(names, child))
      continue;
    if (len == capacity) {
      Visit *more = pj_realloc(stack, 2 * capacity * sizeof *stack);
      if (!more) {
        names->failed = true;
        break;
      }
      stack = more;
      capacity *= 2;
    }
    stack[len++] = (Visit){child, 0};
  }
  pj_free(stack);
}

PjLocNames *pj_loc_names(void) {
  return pj_calloc(1, sizeof(PjLocNames));
}

void pj_loc_names_free(PjLocNames *names) {
  if (!names)
    return;
  pj_free(names->locs);
  pj_free(names->slots);
  pj_free(names);
}

// ------------------------------------------------------------------------------------- text
static void print_inside(PjPrinter *p, const PjLoc *loc, int depth);

static void print_nested(PjPrinter *p, const PjLoc *loc, int depth) {
  if (!loc || loc->kind == PJ_LOC_UNKNOWN || depth > 32)
    pj_strbuf_puts(p->out, "unknown");
  else if (p->locs)
    pj_strbuf_printf(p->out, "#loc%zu", p->locs->slots[find_slot(p->locs, loc)]);
  else
    print_inside(p, loc, depth + 1);
}

static void print_inside(PjPrinter *p, const PjLoc *loc, int depth) {
  PjStrBuf *out = p->out;
  switch (loc->kind) {
  case PJ_LOC_UNKNOWN:
    pj_strbuf_puts(out, "unknown");
    return;
  case PJ_LOC_FILE:
    pj_string_print(out, loc->text);
    pj_strbuf_printf(out, ":%u:%u", loc->line, loc->column);
    if (loc->end_line || loc->end_column)
      pj_strbuf_printf(out, " to %u:%u", loc->end_line, loc->end_column);
    return;
  case PJ_LOC_NAME:
    pj_string_print(out, loc->text);
    if (!loc->child)
      return;
    pj_strbuf_putc(out, '(');
    print_nested(p, loc->child, depth);
    pj_strbuf_putc(out, ')');
    return;
  case PJ_LOC_CALLSITE:
    pj_strbuf_puts(out, "callsite(");
    print_nested(p, loc->child, depth);
    pj_strbuf_puts(out, " at ");
    print_nested(p, loc->caller, depth);
    pj_strbuf_putc(out, ')');
    return;
  case PJ_LOC_FUSED:
    pj_strbuf_puts(out, "fused[");
    for (uint32_t i = 0; i < loc->count; ++i) {
      if (i)
        pj_strbuf_puts(out, ", ");
      print_nested(p, loc->parts[i], depth);
    }
    pj_strbuf_putc(out, ']');
    return;
  }
}

void pj_print_loc(PjPrinter *p, const PjLoc *loc) {
  if (!p->options.locations || !loc)
    return;
  if (p->locs)
    name_all(p->locs, loc);
  if (p->locs && p->locs->failed) {
    p->out->failed = true;
    return;
  }
  pj_strbuf_puts(p->out, " loc(");
  print_nested(p, loc, 0);
  pj_strbuf_putc(p->out, ')');
}

void pj_print_loc_definitions(PjPrinter *p) {
  for (size_t i = 0; i < p->locs->count; ++i) {
    pj_strbuf_printf(p->out, "#loc%zu = loc(", i + 1);
    print_inside(p, p->locs->locs[i], 0);
    pj_strbuf_puts(p->out, ")\n");
  }
}
