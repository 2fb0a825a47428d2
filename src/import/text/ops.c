// Operations: results, the generic form, regions, and putting the parts together.
#include <stdio.h>

#include "import/text/text.h"
#include "ir/form.h"

PjDraft pj_text_draft(PjText *t, PjOpKind kind) {
  return (PjDraft){.kind = kind,
                   .at = t->tok.start,
                   .operands = t->operands.len,
                   .attrs = t->attrs.len,
                   .types = t->types.len,
                   .regions = t->regions.len};
}

// ------------------------------------------------------------------------------------- regions
PjStatus pj_text_block_args(PjText *t, PjRegion *region, PjTok open, PjTok close) {
  PJ_VEC(const PjLoc *) locs = {0};
  PJ_VEC(PjToken) names = {0};
  size_t base = t->types.len;
  PJ_TRY(pj_text_expect(t, open));
  if (!pj_text_accept(t, close)) {
    do {
      const PjType *type;
      const PjLoc *loc;
      if (!pj_text_is(t, PJ_TOK_VALUE))
        return pj_text_unexpected(t, "an SSA name (%name)");
      PJ_PUSH(t->arena, &names, t->tok);
      pj_text_next(t);
      PJ_TRY(pj_text_expect(t, ':'));
      PJ_TRY(pj_text_type(t, &type));
      PJ_TRY(pj_text_optional_loc(t, &loc));
      PJ_PUSH(t->arena, &t->types, type);
      PJ_PUSH(t->arena, &locs, loc);
    } while (pj_text_accept(t, ','));
    PJ_TRY(pj_text_expect(t, close));
  }
  pj_region_set_args(t->arena, region, (uint32_t)names.len, t->types.data + base);
  t->types.len = base;
  region->arg_locs = locs.data;
  for (size_t i = 0; i < names.len; ++i)
    PJ_TRY(pj_text_define(t, pj_tok_str(names.data[i]), names.data[i].start, &region->args[i], 1));
  return PJ_STATUS_OK;
}

PjStatus pj_text_region_body(PjText *t, PjRegion *region, bool label) {
  if (t->region_depth >= PJ_TEXT_MAX_REGION_DEPTH)
    return pj_text_error(t, t->tok.start, "regions nest deeper than %d", PJ_TEXT_MAX_REGION_DEPTH);
  ++t->region_depth;
  if (label && pj_text_accept(t, PJ_TOK_CARET)) {
    if (pj_text_is(t, '('))
      PJ_TRY(pj_text_block_args(t, region, '(', ')'));
    PJ_TRY(pj_text_expect(t, ':'));
  }
  while (!pj_text_accept(t, '}')) {
    if (pj_text_is(t, PJ_TOK_CARET))
      return pj_text_unsupported(t, t->tok.start, "regions of several blocks are not supported");
    PJ_TRY(pj_text_op(t, region));
  }
  --t->region_depth;
  return PJ_STATUS_OK;
}

PjStatus pj_text_region(PjText *t, PjRegion *region) {
  size_t scope = pj_text_open_scope(t);
  PJ_TRY(pj_text_expect(t, '{'));
  PJ_TRY(pj_text_region_body(t, region, true));
  pj_text_close_scope(t, scope);
  return PJ_STATUS_OK;
}

PjRegion *pj_text_new_region(PjText *t) {
  PjRegion *region = PJ_NEW(t->arena, PjRegion);
  PJ_PUSH(t->arena, &t->regions, region);
  return region;
}

PjStatus pj_text_regions(PjText *t) {
  PJ_TRY(pj_text_expect(t, '('));
  do
    PJ_TRY(pj_text_region(t, pj_text_new_region(t)));
  while (pj_text_accept(t, ','));
  return pj_text_expect(t, ')');
}

// ------------------------------------------------------------------------------------- building
// Regions are read before their operation exists: their contents learn of their new place here.
static void adopt(PjOp *op, PjRegion *to, const PjRegion *from) {
  *to = *from;
  to->parent = op;
  for (uint32_t i = 0; i < to->num_args; ++i)
    to->args[i].region = to;
  for (PjOp *child = to->first; child; child = child->next)
    child->region = to;
}

PjStatus pj_text_finish(PjText *t, PjDraft *draft, PjRegion *into, PjOp **out) {
  size_t operands = t->operands.len - draft->operands, results = t->types.len - draft->types;
  size_t regions = t->regions.len - draft->regions;
  PjOp *op =
      pj_op_create(t->arena, draft->kind, (uint32_t)operands, (uint32_t)results, (uint32_t)regions);
  for (size_t i = 0; i < operands; ++i)
    op->operands[i] = t->operands.data[draft->operands + i].value;
  for (size_t i = 0; i < results; ++i)
    op->results[i].type = t->types.data[draft->types + i];
  for (size_t i = 0; i < regions; ++i)
    adopt(op, &op->regions[i], t->regions.data[draft->regions + i]);
  op->loc = draft->loc;
  t->operands.len = draft->operands;
  t->types.len = draft->types;
  t->regions.len = draft->regions;
  PJ_TRY(pj_text_canonical(t, draft, op));
  pj_op_fill_defaults(t->arena, op);
  pj_op_append(into, op);
  *out = op;
  return PJ_STATUS_OK;
}

// ------------------------------------------------------------------------------------- the generic
// form "name"(%a, %b) <{properties}> ({region}, ...) {attributes} : (T, T) -> T
static PjStatus generic_op(PjText *t, PjDraft *draft) {
  PjStr name;
  PJ_TRY(pj_text_string(t, &name));
  draft->kind = pj_op_from_text(name);
  if (draft->kind == PJ_OP_INVALID)
    return pj_text_error(t, draft->at, "unknown operation \"%.*s\"", PJ_STR_ARG(name));
  PJ_TRY(pj_text_expect(t, '('));
  PJ_TRY(pj_text_operands(t));
  PJ_TRY(pj_text_expect(t, ')'));
  if (pj_text_is(t, '['))
    return pj_text_unsupported(t, t->tok.start, "operations with successors are not supported");
  if (pj_text_accept(t, '<')) {
    PJ_TRY(pj_text_attr_dict(t));
    PJ_TRY(pj_text_expect(t, '>'));
    draft->properties = t->attrs.len;
  }
  if (pj_text_is(t, '('))
    PJ_TRY(pj_text_regions(t));
  if (pj_text_is(t, '{'))
    PJ_TRY(pj_text_attr_dict(t));
  PJ_TRY(pj_text_expect(t, ':'));
  const char *at = t->tok.start;
  const PjType *type;
  PJ_TRY(pj_text_function_type(t, &type));
  PJ_TRY(pj_text_check_operands(t, at, draft->operands, type->num_elems, type->elems));
  for (uint32_t i = 0; i < type->num_results; ++i)
    PJ_PUSH(t->arena, &t->types, type->results[i]);
  return PJ_STATUS_OK;
}

// ------------------------------------------------------------------------------------- the custom
// form
static PjStatus custom_kind(PjText *t, PjOpKind *out) {
  PjStr word = pj_tok_str(t->tok);
  char prefixed[64];
  if (!memchr(word.ptr, '.', word.len) && word.len < sizeof prefixed - 5) { // the default dialect
    memcpy(prefixed, "func.", 5);
    memcpy(prefixed + 5, word.ptr, word.len);
    *out = pj_op_from_text((PjStr){prefixed, word.len + 5});
  } else if (pj_str_is(word, "arith.constant")) {
    *out = PJ_OP_CONSTANT;
  } else {
    *out = pj_op_from_text(word);
  }
  if (*out == PJ_OP_INVALID)
    return pj_text_error(t, t->tok.start, "unknown operation '%.*s'", PJ_STR_ARG(word));
  pj_text_next(t);
  return PJ_STATUS_OK;
}

static PjStatus custom_op(PjText *t, PjDraft *draft) {
  PJ_TRY(custom_kind(t, &draft->kind));
  switch (draft->kind) {
  case PJ_OP_FUNC:
  case PJ_OP_SDY_MESH:
    return pj_text_error(t, draft->at, "%s may only stand in the module",
                         pj_op_info[draft->kind].text);
  case PJ_OP_CONSTANT:
  case PJ_OP_CHLO_CONSTANT:
    return pj_text_constant(t, draft);
  case PJ_OP_REDUCE:
    return pj_text_reduce(t, draft);
  case PJ_OP_WHILE:
    return pj_text_while(t, draft);
  case PJ_OP_CHLO_SCAN:
    return pj_text_scan(t, draft);
  case PJ_OP_SDY_MANUAL_COMPUTATION:
    return pj_text_manual_computation(t, draft);
  default:
    break;
  }
  if (pj_form(draft->kind))
    return pj_text_pretty(t, draft);
  return pj_text_error(t, draft->at, "%s has only the generic form; expected \"%s\"(...)",
                       pj_op_info[draft->kind].text, pj_op_info[draft->kind].text);
}

// %a, %b:2 =
static PjStatus result_names(PjText *t) {
  do {
    if (!pj_text_is(t, PJ_TOK_VALUE))
      return pj_text_unexpected(t, "a result's name (%name)");
    PjResultName name = {t->tok, 1};
    pj_text_next(t);
    if (pj_text_accept(t, ':')) {
      const char *at = t->tok.start;
      PJ_TRY(pj_text_int(t, &name.count));
      if (name.count < 1 || name.count > UINT32_MAX)
        return pj_text_error(t, at, "expected a number of results from 1 on");
    }
    PJ_PUSH(t->arena, &t->results, name);
  } while (pj_text_accept(t, ','));
  return pj_text_expect(t, '=');
}

static PjStatus bind_results(PjText *t, size_t base, PjOp *op) {
  int64_t named = 0;
  for (size_t i = base; i < t->results.len; ++i)
    named += t->results.data[i].count;
  if (t->results.len > base && named != op->num_results)
    return pj_text_error(t, t->results.data[base].tok.start,
                         "operation defines %u results but was provided %lld to bind",
                         op->num_results, (long long)named);
  PjValue *next = op->results;
  for (size_t i = base; i < t->results.len; ++i) {
    PjResultName name = t->results.data[i];
    PJ_TRY(pj_text_define(t, pj_tok_str(name.tok), name.tok.start, next, (uint32_t)name.count));
    next += name.count;
  }
  t->results.len = base;
  return PJ_STATUS_OK;
}

PjStatus pj_text_op(PjText *t, PjRegion *into) {
  size_t names = t->results.len;
  if (pj_text_is(t, PJ_TOK_VALUE))
    PJ_TRY(result_names(t));
  PjDraft draft = pj_text_draft(t, PJ_OP_INVALID);
  draft.properties = draft.attrs;
  if (pj_text_is(t, PJ_TOK_STRING))
    PJ_TRY(generic_op(t, &draft));
  else if (pj_text_is(t, PJ_TOK_WORD))
    PJ_TRY(custom_op(t, &draft));
  else
    return pj_text_unexpected(t, "an operation");
  PJ_TRY(pj_text_optional_loc(t, &draft.loc));
  PjOp *op;
  PJ_TRY(pj_text_finish(t, &draft, into, &op));
  return bind_results(t, names, op);
}
