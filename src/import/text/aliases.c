// Aliases: `#name = attribute`, `!name = type`, `#name = loc(...)`, at the top level.
//
// Definitions may stand behind their uses (MLIR prints locations at the end), so the start of every
// line is looked at first. Attributes and types are read at their first use; a location's uses all
// share one PjLoc, which its definition fills in, so that long chains of locations cost no
// recursion.
//
// An alias may be used many times and stand in further aliases, so that a short file could describe
// a type of 2^60 nodes. Hence uses are charged what the alias stands for, against a budget that is
// in proportion to the file, and nesting counts through aliases.
#include "import/text/text.h"

static PjAlias *alias_of(PjText *t, PjStr name) {
  uint32_t id = pj_names_add(t->arena, &t->alias_names, name);
  while (t->aliases.len <= id)
    PJ_PUSH(t->arena, &t->aliases, (PjAlias){0});
  return &t->aliases.data[id];
}

// Moves to the attribute or type behind `#name =`, which is the current token; NULL if it is no
// definition.
static const char *definition(PjText *t) {
  if (!pj_text_is(t, PJ_TOK_HASH) && !pj_text_is(t, PJ_TOK_BANG))
    return NULL;
  pj_text_next(t);
  if (!pj_text_is(t, '='))
    return NULL;
  pj_text_next(t);
  return t->tok.start;
}

static PjStatus declare(PjText *t, PjStr name, const char *at) {
  PjAlias *alias = alias_of(t, name);
  if (alias->definition && alias->definition != at)
    return pj_text_error(t, name.ptr, "the alias %.*s is defined twice", PJ_STR_ARG(name));
  alias->definition = at;
  return PJ_STATUS_OK;
}

PjStatus pj_text_scan_aliases(PjText *t) {
  for (const char *at = t->begin; at < t->end;) {
    const char *line = at;
    while (line < t->end && (*line == ' ' || *line == '\t'))
      ++line;
    if (line < t->end && (*line == '#' || *line == '!')) {
      pj_text_seek(t, line);
      PjStr name = pj_tok_str(t->tok);
      const char *found = definition(t);
      if (found)
        PJ_TRY(declare(t, name, found));
    }
    at = memchr(line, '\n', (size_t)(t->end - line));
    at = at ? at + 1 : t->end;
  }
  return PJ_STATUS_OK;
}

void pj_text_descend(PjText *t) {
  ++t->weight;
  if (++t->depth > t->deepest)
    t->deepest = t->depth;
}

// Charges one use of an attribute or type that |weight| and |depth| describe.
static PjStatus charge(PjText *t, PjStr name, uint64_t weight, int depth) {
  t->weight += weight;
  if (t->weight > 64 * (uint64_t)(t->end - t->begin) + (1 << 20))
    return pj_text_error(t, name.ptr, "what the alias %.*s stands for is out of all proportion",
                         PJ_STR_ARG(name));
  if (t->depth + depth > PJ_TEXT_MAX_DEPTH)
    return pj_text_error(t, name.ptr, "types and attributes nest deeper than %d",
                         PJ_TEXT_MAX_DEPTH);
  if (t->depth + depth > t->deepest)
    t->deepest = t->depth + depth;
  return PJ_STATUS_OK;
}

static PjStatus read_alias(PjText *t, PjStr name) {
  PjAlias alias = *alias_of(t, name); // the table may move while the definition is read
  alias.reading = true;
  *alias_of(t, name) = alias;
  PjToken resume = t->tok;
  const char *prev_end = t->prev_end, *lex_error = t->lex_error;
  uint64_t outer_weight = t->weight;
  int outer_deepest = t->deepest;
  t->weight = 0;
  t->deepest = t->depth;
  pj_text_seek(t, alias.definition);
  PJ_TRY(*name.ptr == '!' ? pj_text_type(t, &alias.type) : pj_text_attr(t, &alias.attr));
  alias.end = t->prev_end;
  alias.weight = t->weight;
  alias.depth = t->deepest - t->depth;
  t->weight = outer_weight;
  t->deepest = outer_deepest;
  alias.reading = false;
  *alias_of(t, name) = alias;
  t->tok = resume;
  t->prev_end = prev_end;
  t->lex_error = lex_error;
  return PJ_STATUS_OK;
}

PjStatus pj_text_alias(PjText *t, PjAlias **out) {
  PjStr name = pj_tok_str(t->tok);
  PjAlias *alias = alias_of(t, name);
  if (!alias->definition)
    return pj_text_error(t, name.ptr, "undefined alias %.*s", PJ_STR_ARG(name));
  if (alias->reading)
    return pj_text_error(t, name.ptr, "the alias %.*s contains itself", PJ_STR_ARG(name));
  pj_text_next(t);
  if (!alias->end)
    PJ_TRY(read_alias(t, name));
  *out = alias_of(t, name);
  return charge(t, name, (*out)->weight, (*out)->depth);
}

static PjLoc *loc_of(PjText *t, PjStr name) {
  PjAlias *alias = alias_of(t, name);
  if (!alias->loc)
    alias->loc = PJ_NEW(t->arena, PjLoc);
  return alias->loc;
}

PjStatus pj_text_loc_alias(PjText *t, const PjLoc **out) {
  PjStr name = pj_tok_str(t->tok);
  *out = loc_of(t, name);
  PjAlias *alias = alias_of(t, name);
  if (!alias->used)
    alias->used = name.ptr;
  pj_text_next(t);
  return PJ_STATUS_OK;
}

PjStatus pj_text_alias_definition(PjText *t) {
  PjStr name = pj_tok_str(t->tok);
  const char *at = definition(t);
  if (!at)
    return pj_text_unexpected(t, "'='");
  PJ_TRY(declare(t, name, at));
  if (*name.ptr == '#' && pj_text_accept_word(t, "loc")) {
    PjAlias *alias = alias_of(t, name);
    if (alias->end)
      return pj_text_error(t, name.ptr, "the alias %.*s is defined twice", PJ_STR_ARG(name));
    PjLoc loc = {0};
    PJ_TRY(pj_text_expect(t, '('));
    PJ_TRY(pj_text_loc_inside(t, &loc));
    PJ_TRY(pj_text_expect(t, ')'));
    *loc_of(t, name) = loc;
    alias_of(t, name)->end = t->prev_end;
    return PJ_STATUS_OK;
  }
  if (!alias_of(t, name)->end)
    PJ_TRY(read_alias(t, name));
  pj_text_seek(t, alias_of(t, name)->end);
  return PJ_STATUS_OK;
}

// ------------------------------------------------------------------------------------- cycles
// Locations form a graph through their aliases, walked depth first with a stack of its own.
typedef struct Walk {
  const PjLoc *loc;
  uint32_t next; // child to visit next
} Walk;

static const PjLoc *child_of(const PjLoc *loc, uint32_t i) {
  switch (loc->kind) {
  case PJ_LOC_NAME:
    return i == 0 ? loc->child : NULL;
  case PJ_LOC_CALLSITE:
    return i == 0 ? loc->child : i == 1 ? loc->caller : NULL;
  case PJ_LOC_FUSED:
    return i < loc->count ? loc->parts[i] : NULL;
  default:
    return NULL;
  }
}

static uint32_t num_children(const PjLoc *loc) {
  return loc->kind == PJ_LOC_NAME       ? 1
         : loc->kind == PJ_LOC_CALLSITE ? 2
         : loc->kind == PJ_LOC_FUSED    ? loc->count
                                        : 0;
}

typedef struct Mark {
  const PjLoc *loc;
  bool done; // otherwise on the stack
} Mark;

// The mark of an alias's location, or NULL: |loc| is a part of one only.
static Mark *mark_of(Mark *marks, size_t mask, const PjLoc *loc) {
  uint64_t at = pj_hash_u64(PJ_HASH_SEED, (uint64_t)(uintptr_t)loc);
  while (marks[at & mask].loc && marks[at & mask].loc != loc)
    ++at;
  return &marks[at & mask];
}

static PjStatus check_cycles(PjText *t) {
  size_t slots = 64;
  while (slots < 2 * t->aliases.len)
    slots *= 2;
  Mark *marks = PJ_NEW_ARRAY(t->arena, Mark, slots), *starts = PJ_NEW_ARRAY(t->arena, Mark, slots);
  for (size_t i = 0; i < t->aliases.len; ++i)
    if (t->aliases.data[i].loc)
      mark_of(starts, slots - 1, t->aliases.data[i].loc)->loc = t->aliases.data[i].loc;
  PJ_VEC(Walk) stack = {0};
  for (size_t i = 0; i < t->aliases.len; ++i) {
    const PjLoc *root = t->aliases.data[i].loc;
    if (!root || mark_of(marks, slots - 1, root)->loc)
      continue;
    mark_of(marks, slots - 1, root)->loc = root;
    PJ_PUSH(t->arena, &stack, ((Walk){root, 0}));
    while (stack.len) {
      Walk *top = &stack.data[stack.len - 1];
      if (top->next == num_children(top->loc)) {
        Mark *mark = mark_of(marks, slots - 1, top->loc);
        if (mark->loc)
          mark->done = true;
        --stack.len;
        continue;
      }
      const PjLoc *child = child_of(top->loc, top->next++);
      if (!child)
        continue;
      if (mark_of(starts, slots - 1, child)->loc) { // only aliases can close a cycle or be shared
        Mark *mark = mark_of(marks, slots - 1, child);
        if (mark->loc && !mark->done)
          return pj_text_error(t, t->aliases.data[i].definition, "this location contains itself");
        if (mark->loc)
          continue;
        mark->loc = child;
      }
      PJ_PUSH(t->arena, &stack, ((Walk){child, 0}));
    }
  }
  return PJ_STATUS_OK;
}

PjStatus pj_text_finish_aliases(PjText *t) {
  bool any = false;
  for (size_t i = 0; i < t->aliases.len; ++i) {
    const PjAlias *alias = &t->aliases.data[i];
    if (alias->used && !(alias->end && alias->loc && !alias->attr))
      return pj_text_error(t, alias->used, "undefined location alias %.*s",
                           PJ_STR_ARG(t->alias_names.names[i]));
    any |= alias->loc != NULL;
  }
  return any ? check_cycles(t) : PJ_STATUS_OK;
}
