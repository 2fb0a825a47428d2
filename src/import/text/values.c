// SSA names. A name stands for one value or for several (`%a:2`, used as `%a#1`); it is visible
// from its definition to the end of its region, nested regions included, and may not be defined
// again meanwhile.
#include <inttypes.h>

#include "import/text/text.h"

size_t pj_text_open_scope(PjText *t) {
  return t->defined.len;
}

void pj_text_close_scope(PjText *t, size_t scope) {
  while (t->defined.len > scope)
    t->bindings.data[t->defined.data[--t->defined.len]].values = NULL;
}

PjStatus pj_text_define(PjText *t, PjStr name, const char *at, PjValue *values, uint32_t count) {
  if (!count)
    return PJ_STATUS_OK;
  uint32_t id = pj_names_add(t->arena, &t->value_names, name);
  while (t->bindings.len <= id)
    PJ_PUSH(t->arena, &t->bindings, (PjBinding){0});
  if (t->bindings.data[id].values)
    return pj_text_error(t, at, "redefinition of SSA value '%.*s'", PJ_STR_ARG(name));
  t->bindings.data[id] = (PjBinding){values, count};
  PJ_PUSH(t->arena, &t->defined, id);
  return PJ_STATUS_OK;
}

PjStatus pj_text_operand(PjText *t) {
  if (!pj_text_is(t, PJ_TOK_VALUE))
    return pj_text_unexpected(t, "an SSA value (%name)");
  PjToken tok = t->tok;
  PjStr name = pj_tok_str(tok);
  pj_text_next(t);
  uint64_t number = 0;
  PjToken hash = t->tok;
  if (hash.kind == PJ_TOK_HASH && hash.start == tok.end) {
    for (const char *at = hash.start + 1; at < hash.end; ++at) {
      if (*at < '0' || *at > '9' || number > UINT32_MAX)
        return pj_text_error(t, hash.start, "expected a result number behind '#'");
      number = number * 10 + (uint64_t)(*at - '0');
    }
    pj_text_next(t);
  }
  uint32_t id = pj_names_find(&t->value_names, name);
  if (id == PJ_NAMES_NONE || !t->bindings.data[id].values)
    return pj_text_error(t, tok.start, "use of undeclared SSA value '%.*s'", PJ_STR_ARG(name));
  PjBinding binding = t->bindings.data[id];
  if (number >= binding.count)
    return pj_text_error(t, hash.start, "'%.*s' has %u results, there is no #%" PRIu64,
                         PJ_STR_ARG(name), binding.count, number);
  PjOperand operand = {&binding.values[number], tok.start};
  PJ_PUSH(t->arena, &t->operands, operand);
  return PJ_STATUS_OK;
}

PjStatus pj_text_operands(PjText *t) {
  if (!pj_text_is(t, PJ_TOK_VALUE))
    return PJ_STATUS_OK;
  do
    PJ_TRY(pj_text_operand(t));
  while (pj_text_accept(t, ','));
  return PJ_STATUS_OK;
}

PjStatus pj_text_check_operands(PjText *t, const char *at, size_t base, size_t count,
                                const PjType *const *types) {
  size_t given = t->operands.len - base;
  if (given != count)
    return pj_text_error(t, at, "%zu operands present, but expected %zu: as many as operand types",
                         given, count);
  for (size_t i = 0; i < count; ++i) {
    const PjOperand *operand = &t->operands.data[base + i];
    if (!pj_type_eq(operand->value->type, types[i]))
      return pj_text_error(
          t, operand->at, "use of this value expects different type than its definition: %s vs %s",
          pj_type_text(t->arena, types[i]), pj_type_text(t->arena, operand->value->type));
  }
  return PJ_STATUS_OK;
}
