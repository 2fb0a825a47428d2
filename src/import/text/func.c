// Functions, meshes and the module around them.
#include "import/text/text.h"

PjStatus pj_text_define_symbol(PjText *t, PjStr name, const char *at) {
  uint32_t before = t->symbols.count;
  PjStr copy = {pj_arena_strndup(t->arena, name.ptr, name.len), name.len};
  if (pj_names_add(t->arena, &t->symbols, copy) == before)
    return PJ_STATUS_OK;
  return pj_text_error(t, at, "redefinition of symbol named '%.*s'", PJ_STR_ARG(name));
}

// ------------------------------------------------------------------------------------- signatures
typedef struct Signature {
  PJ_VEC(const PjType *) types;
  PJ_VEC(const PjAttr *) dicts; // NULL where a value has no attributes
  PJ_VEC(const PjLoc *) locs;
  PJ_VEC(PjToken) names; // of arguments; none for declarations
  bool any_dict;
} Signature;

// T {attributes} loc(..)
static PjStatus signature_type(PjText *t, Signature *s) {
  const PjType *type;
  const PjAttr *dict = NULL;
  const PjLoc *loc;
  PJ_TRY(pj_text_type(t, &type));
  if (pj_text_is(t, '{')) {
    size_t base = t->attrs.len;
    PJ_TRY(pj_text_attr_dict(t));
    PJ_TRY(pj_text_pop_dict(t, base, &dict));
  }
  PJ_TRY(pj_text_optional_loc(t, &loc));
  s->any_dict |= dict != NULL;
  PJ_PUSH(t->arena, &s->types, type);
  PJ_PUSH(t->arena, &s->dicts, dict);
  PJ_PUSH(t->arena, &s->locs, loc);
  return PJ_STATUS_OK;
}

static PjStatus arguments(PjText *t, Signature *s) {
  PJ_TRY(pj_text_expect(t, '('));
  if (pj_text_accept(t, ')'))
    return PJ_STATUS_OK;
  do {
    bool named = pj_text_is(t, PJ_TOK_VALUE);
    if (named != (s->names.len == s->types.len) && s->types.len)
      return pj_text_unexpected(t, s->names.len ? "an SSA name (%name), as for the other arguments"
                                                : "a type, as for the other arguments");
    if (named) {
      PJ_PUSH(t->arena, &s->names, t->tok);
      pj_text_next(t);
      PJ_TRY(pj_text_expect(t, ':'));
    }
    PJ_TRY(signature_type(t, s));
  } while (pj_text_accept(t, ','));
  return pj_text_expect(t, ')');
}

static PjStatus result_types(PjText *t, Signature *s) {
  if (!pj_text_accept(t, PJ_TOK_ARROW))
    return PJ_STATUS_OK;
  if (!pj_text_accept(t, '(')) {
    const PjType *type;
    PJ_TRY(pj_text_type(t, &type));
    PJ_PUSH(t->arena, &s->types, type);
    PJ_PUSH(t->arena, &s->dicts, NULL);
    return PJ_STATUS_OK;
  }
  if (pj_text_accept(t, ')'))
    return PJ_STATUS_OK;
  do
    PJ_TRY(signature_type(t, s));
  while (pj_text_accept(t, ','));
  return pj_text_expect(t, ')');
}

// The dictionaries of a signature as an attribute: one for each value, or none when all are empty.
static PjStatus push_dicts(PjText *t, const char *name, Signature *s, const char *at) {
  if (!s->any_dict)
    return PJ_STATUS_OK;
  for (size_t i = 0; i < s->dicts.len; ++i)
    if (!s->dicts.data[i])
      s->dicts.data[i] = pj_attr_dict(t->arena, 0, NULL, NULL);
  return pj_text_push_attr(t, pj_str(name), pj_attr_array(t->arena, s->dicts.len, s->dicts.data),
                           at);
}

// ------------------------------------------------------------------------------------- functions
static PjStatus body(PjText *t, const Signature *args, PjRegion *region) {
  size_t scope = pj_text_open_scope(t);
  pj_region_set_args(t->arena, region, (uint32_t)args->types.len, args->types.data);
  region->arg_locs = args->locs.data;
  for (size_t i = 0; i < args->names.len; ++i)
    PJ_TRY(pj_text_define(t, pj_tok_str(args->names.data[i]), args->names.data[i].start,
                          &region->args[i], 1));
  if (args->names.len != args->types.len)
    return pj_text_unexpected(t, "no body: the arguments of this function have no names");
  const char *at = t->tok.start;
  PJ_TRY(pj_text_expect(t, '{'));
  PJ_TRY(pj_text_region_body(t, region, false));
  if (!region->first)
    return pj_text_error(t, at, "expected non-empty function body");
  pj_text_close_scope(t, scope);
  return PJ_STATUS_OK;
}

// func.func private @f(%a: T {..}) -> (T {..}) attributes {..} { .. }, behind the first word.
static PjStatus function(PjText *t, PjDraft *draft) {
  const char *at = t->tok.start;
  PjStr name;
  if (pj_text_is_word(t, "public") || pj_text_is_word(t, "private") ||
      pj_text_is_word(t, "nested")) {
    PjStr visibility = pj_tok_str(t->tok);
    PJ_TRY(pj_text_push_key(t, PJ_KEY_sym_visibility, pj_attr_string(t->arena, visibility), at));
    pj_text_next(t);
  }
  PJ_TRY(pj_text_symbol(t, &name));
  PJ_TRY(pj_text_push_key(t, PJ_KEY_sym_name, pj_attr_string(t->arena, name), at));
  Signature args = {0}, results = {0};
  PJ_TRY(arguments(t, &args));
  PJ_TRY(result_types(t, &results));
  const PjType *type = pj_type_function(t->arena, (uint32_t)args.types.len, args.types.data,
                                        (uint32_t)results.types.len, results.types.data);
  PJ_TRY(pj_text_push_key(t, PJ_KEY_function_type, pj_attr_type(t->arena, type), at));
  PJ_TRY(push_dicts(t, "arg_attrs", &args, at));
  PJ_TRY(push_dicts(t, "res_attrs", &results, at));
  if (pj_text_accept_word(t, "attributes"))
    PJ_TRY(pj_text_attr_dict(t));
  PjRegion *region = pj_text_new_region(t);
  return pj_text_is(t, '{') ? body(t, &args, region) : PJ_STATUS_OK;
}

// mesh @name = <["x"=2]> {..}, behind the word.
static PjStatus mesh(PjText *t) {
  const char *at = t->tok.start;
  const PjAttr *value;
  PjStr name;
  PJ_TRY(pj_text_symbol(t, &name));
  PJ_TRY(pj_text_push_key(t, PJ_KEY_sym_name, pj_attr_string(t->arena, name), at));
  PJ_TRY(pj_text_expect(t, '='));
  PJ_TRY(pj_text_sdy_mesh(t, &value));
  PJ_TRY(pj_text_push_key(t, PJ_KEY_mesh, value, at));
  return pj_text_is(t, '{') ? pj_text_attr_dict(t) : PJ_STATUS_OK;
}

static PjStatus module_op(PjText *t, PjRegion *into) {
  PjDraft draft = pj_text_draft(t, PJ_OP_INVALID);
  PjOp *op;
  if (pj_text_accept_word(t, "func.func")) {
    draft.kind = PJ_OP_FUNC;
    draft.properties = draft.attrs;
    PJ_TRY(function(t, &draft));
    PJ_TRY(pj_text_optional_loc(t, &draft.loc));
    PJ_TRY(pj_text_finish(t, &draft, into, &op));
  } else if (pj_text_accept_word(t, "sdy.mesh")) {
    draft.kind = PJ_OP_SDY_MESH;
    draft.properties = draft.attrs;
    PJ_TRY(mesh(t));
    PJ_TRY(pj_text_optional_loc(t, &draft.loc));
    PJ_TRY(pj_text_finish(t, &draft, into, &op));
  } else if (pj_text_is(t, PJ_TOK_STRING)) {
    PJ_TRY(pj_text_op(t, into));
    op = into->last;
  } else {
    return pj_text_unexpected(t, "func.func, sdy.mesh or the end of the module");
  }
  if (op->kind != PJ_OP_FUNC && op->kind != PJ_OP_SDY_MESH)
    return pj_text_error(t, draft.at, "expected func.func or sdy.mesh in the module, found %s",
                         pj_op_info[op->kind].text);
  const PjAttr *name = PJ_ATTR(op, sym_name);
  return name ? pj_text_define_symbol(t, name->str, draft.at)
              : pj_text_error(t, draft.at, "%s requires the attribute 'sym_name'",
                              pj_op_info[op->kind].text);
}

// ------------------------------------------------------------------------------------- module
static PjStatus module_body(PjText *t, PjModule *module, bool label) {
  PJ_TRY(pj_text_expect(t, '{'));
  if (label && pj_text_accept(t, PJ_TOK_CARET))
    PJ_TRY(pj_text_expect(t, ':'));
  while (!pj_text_accept(t, '}'))
    PJ_TRY(module_op(t, &module->body));
  return PJ_STATUS_OK;
}

// Takes sym_name out of the attributes pushed since |base|; the others become the module's.
static PjStatus module_attrs(PjText *t, PjModule *module, size_t base) {
  size_t kept = base;
  for (size_t i = base; i < t->attrs.len; ++i) {
    PjRawAttr raw = t->attrs.data[i];
    if (pj_str_is(raw.name, "sym_name") && raw.value->kind == PJ_ATTR_STRING)
      module->name = raw.value->str;
    else
      t->attrs.data[kept++] = raw;
  }
  t->attrs.len = kept;
  return pj_text_pop_dict(t, base, &module->attrs);
}

// module @name attributes {..} { .. }, behind the word.
static PjStatus pretty_module(PjText *t, PjModule *module) {
  size_t base = t->attrs.len;
  if (pj_text_is(t, PJ_TOK_SYMBOL)) {
    PjStr name;
    PJ_TRY(pj_text_symbol(t, &name));
    module->name = (PjStr){pj_arena_strndup(t->arena, name.ptr, name.len), name.len};
  }
  if (pj_text_accept_word(t, "attributes"))
    PJ_TRY(pj_text_attr_dict(t));
  PJ_TRY(module_attrs(t, module, base));
  return module_body(t, module, false);
}

// "builtin.module"() <{..}> ({ .. }) {..} : () -> (), behind the string.
static PjStatus generic_module(PjText *t, PjModule *module) {
  size_t base = t->attrs.len;
  PJ_TRY(pj_text_expect(t, '('));
  PJ_TRY(pj_text_expect(t, ')'));
  if (pj_text_accept(t, '<')) {
    PJ_TRY(pj_text_attr_dict(t));
    PJ_TRY(pj_text_expect(t, '>'));
  }
  PJ_TRY(pj_text_expect(t, '('));
  PJ_TRY(module_body(t, module, true));
  PJ_TRY(pj_text_expect(t, ')'));
  if (pj_text_is(t, '{'))
    PJ_TRY(pj_text_attr_dict(t));
  PJ_TRY(pj_text_expect(t, ':'));
  const char *at = t->tok.start;
  const PjType *type;
  PJ_TRY(pj_text_function_type(t, &type));
  if (type->num_elems || type->num_results)
    return pj_text_error(t, at, "expected () -> () as the type of a module");
  return module_attrs(t, module, base);
}

PjStatus pj_text_module(PjText *t, PjModule *module) {
  const PjLoc *loc;
  bool have_module = false;
  while (!pj_text_is(t, PJ_TOK_EOF)) {
    const char *at = t->tok.start;
    bool pretty = pj_text_is_word(t, "module") || pj_text_is_word(t, "builtin.module");
    bool generic =
        pj_text_is(t, PJ_TOK_STRING) && pj_str_is(pj_tok_str(t->tok), "\"builtin.module\"");
    if (pj_text_is(t, PJ_TOK_HASH) || pj_text_is(t, PJ_TOK_BANG)) {
      PJ_TRY(pj_text_alias_definition(t));
    } else if (pj_text_is(t, PJ_TOK_META)) {
      pj_text_next(t); // resources: refused where an attribute refers to one
    } else if (pretty || generic) {
      if (have_module || module->body.first)
        return pj_text_unsupported(t, at, "expected one module and nothing beside it");
      have_module = true;
      pj_text_next(t);
      PJ_TRY(pretty ? pretty_module(t, module) : generic_module(t, module));
      PJ_TRY(pj_text_optional_loc(t, &loc));
    } else {
      if (have_module)
        return pj_text_unsupported(t, at, "expected the end of the text behind the module");
      PJ_TRY(module_op(t, &module->body));
    }
  }
  return PJ_STATUS_OK;
}
