// See shrink.h.
//
// Each attempt reads the program anew, edits it, prints it and tries it; what fails in the same way
// is the program of the next attempt. Passes over all operations are made until one changes
// nothing.
#include "shrink.h"

#include <stdio.h>
#include <time.h>

#include "edit.h"
#include "eval/float.h"
#include "import/import.h"
#include "inputs.h"
#include "ir/print.h"

typedef enum Edit {
  KEEP_RESULT,   // the function returns only result |at|
  DROP_RESULT,   // all but result |at|
  TO_OPERAND,    // the uses of value |at| see an operand of that type instead
  TO_ARGUMENT,   // ... a new argument
  TO_ONE,        // ... a splat constant
  DROP_DONATION, // no argument is donated
  ONLY_CLEAN,    // nothing but the removal of what is unused
} Edit;

typedef struct Attempt {
  PjArena *arena;
  PjStr text;
  Edit edit;
  uint32_t at;
  bool applied; // the edit was possible
  uint32_t num_values, num_results;
  PjStrBuf out;
} Attempt;

static bool is_used(const PjRegion *region, const PjValue *value) {
  for (const PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; ++i)
      if (op->operands[i] == value)
        return true;
    for (uint32_t i = 0; i < op->num_regions; ++i)
      if (is_used(&op->regions[i], value))
        return true;
  }
  return false;
}

static bool remove_dead(PjRegion *root, PjRegion *region) {
  bool changed = false;
  for (PjOp *op = region->last, *prev; op; op = prev) {
    prev = op->prev;
    bool used = !op->num_results || op == region->last;
    for (uint32_t i = 0; i < op->num_results && !used; ++i)
      used = is_used(root, &op->results[i]);
    if (!used) {
      pj_op_remove(op);
      changed = true;
      continue;
    }
    for (uint32_t i = 0; i < op->num_regions; ++i)
      changed |= remove_dead(root, &op->regions[i]);
  }
  return changed;
}

static PjOp *definition(const PjRegion *region, uint32_t id, uint32_t *out_result) {
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_results; ++i)
      if (op->results[i].id == id) {
        *out_result = i;
        return op;
      }
    for (uint32_t i = 0; i < op->num_regions; ++i) {
      PjOp *inner = definition(&op->regions[i], id, out_result);
      if (inner)
        return inner;
    }
  }
  return NULL;
}

// The function's arguments that are used and, with |extra|, one more, which is returned.
static PjValue *rebuild_arguments(PjArena *arena, PjOp *func, const PjType *extra) {
  PjRegion *body = &func->regions[0];
  PjValue *args = PJ_NEW_ARRAY(arena, PjValue, body->num_args + 1);
  const PjAttr *old = PJ_ATTR(func, arg_attrs),
               **attrs = PJ_NEW_ARRAY(arena, const PjAttr *, body->num_args + 1);
  uint32_t count = 0;
  for (uint32_t i = 0; i < body->num_args; ++i) {
    if (!is_used(body, &body->args[i]))
      continue;
    // Contents go with the argument, not with its number.
    const PjStr names[] = {PJ_STR(INPUT_ATTR)};
    const PjAttr *code[] = {pj_attr_i64(arena, input_code_of(func, i))};
    const PjAttr *given = old && i < old->count ? old->elems[i] : NULL;
    attrs[count] = pj_attr_get(given, INPUT_ATTR) ? given : pj_attr_dict(arena, 1, names, code);
    args[count] = (PjValue){.type = body->args[i].type, .region = body, .index = count};
    edit_replace_uses(body, NULL, &body->args[i], &args[count]);
    ++count;
  }
  PjValue *added = NULL;
  if (extra) {
    const PjStr names[] = {PJ_STR(INPUT_ATTR)};
    // As wild as what the program has got so far.
    InputKind kind = INPUT_NORMAL;
    for (uint32_t i = 0; i < body->num_args; ++i)
      if ((input_code_of(func, i) & 0xFF) == INPUT_SPECIAL)
        kind = INPUT_SPECIAL;
    const PjAttr *code[] = {pj_attr_i64(arena, input_code(kind, 0, count + 1))};
    attrs[count] = pj_attr_dict(arena, 1, names, code);
    args[count] = (PjValue){.type = extra, .region = body, .index = count};
    added = &args[count++];
  }
  body->args = args;
  body->num_args = count;
  body->arg_locs = NULL;
  pj_op_set_attr(func, PJ_KEY_arg_attrs, pj_attr_array(arena, count, attrs));
  return added;
}

static void set_function_type(PjArena *arena, PjOp *func) {
  const PjRegion *body = &func->regions[0];
  const PjOp *end = body->last;
  const PjType **in = PJ_NEW_ARRAY(arena, const PjType *, body->num_args + 1),
               **out = PJ_NEW_ARRAY(arena, const PjType *, end->num_operands + 1);
  for (uint32_t i = 0; i < body->num_args; ++i)
    in[i] = body->args[i].type;
  for (uint32_t i = 0; i < end->num_operands; ++i)
    out[i] = end->operands[i]->type;
  const PjType *type = pj_type_function(arena, body->num_args, in, end->num_operands, out);
  pj_op_set_attr(func, PJ_KEY_function_type, pj_attr_type(arena, type));
}

// Arguments whose donation names a result keep it only if it is |kept|, which is the first now.
static void renumber_donations(PjArena *arena, PjOp *func, int64_t kept) {
  const PjAttr *old = PJ_ATTR(func, arg_attrs);
  if (!old)
    return;
  const PjAttr **attrs = PJ_NEW_ARRAY(arena, const PjAttr *, old->count + 1);
  for (uint32_t i = 0; i < old->count; ++i) {
    const PjAttr *alias = pj_attr_get(old->elems[i], "tf.aliasing_output");
    const PjStr names[] = {PJ_STR(INPUT_ATTR), PJ_STR("tf.aliasing_output")};
    const PjAttr *values[] = {pj_attr_i64(arena, input_code_of(func, i)),
                              pj_attr_int(arena, 0, PJ_DT_S32)};
    attrs[i] = pj_attr_dict(arena, alias && alias->i64 == kept ? 2 : 1, names, values);
  }
  pj_op_set_attr(func, PJ_KEY_arg_attrs, pj_attr_array(arena, old->count, attrs));
}

static PjValue *splat_one(PjArena *arena, const PjType *type, PjOp *before) {
  PjOp *op = pj_op_create(arena, PJ_OP_CONSTANT, 0, 1, 0);
  size_t bytes = pj_dtype_bytes(type->dtype);
  void *data = pj_arena_alloc(arena, 16);
  if (type->dtype == PJ_DT_PRED || pj_dtype_is_int(type->dtype))
    pj_int_encode(type->dtype, 1, data);
  else
    pj_double_encode(pj_dtype_part(type->dtype), 1, data);
  int64_t count = 0;
  pj_type_num_elements(type, &count);
  pj_op_set_attr(op, PJ_KEY_value,
                 pj_attr_elements(arena, type, data, count ? bytes : 0, count > 1));
  op->results[0].type = type;
  pj_op_insert_before(before, op);
  return &op->results[0];
}

// Bodies of reductions, scatters and sorts stay as they are: what remains of them must be a body
// that may be applied in any order.
static bool is_fixed_body(const PjRegion *region) {
  const PjOp *parent = region->parent;
  return parent && parent->kind != PJ_OP_FUNC && parent->kind != PJ_OP_WHILE &&
         parent->kind != PJ_OP_IF && parent->kind != PJ_OP_CASE;
}

static bool replace_value(Attempt *a, PjOp *func) {
  PjRegion *body = &func->regions[0];
  uint32_t result;
  PjOp *op = definition(body, a->at, &result);
  if (!op || !pj_type_is_static(op->results[result].type) || is_fixed_body(op->region))
    return false;
  PjValue *value = &op->results[result], *to = NULL;
  if (!is_used(body, value))
    return false;
  if (a->edit == TO_OPERAND) {
    // The one of the same number first: of a loop, that is what it starts from.
    for (uint32_t i = 0; i < op->num_operands && !to; ++i) {
      uint32_t k = (i + result) % op->num_operands;
      if (pj_type_eq(op->operands[k]->type, value->type))
        to = op->operands[k];
    }
  } else if (a->edit == TO_ARGUMENT) {
    to = rebuild_arguments(a->arena, func, value->type);
  } else if (op->kind != PJ_OP_CONSTANT) {
    to = splat_one(a->arena, value->type, op);
  }
  if (to)
    edit_replace_uses(body, NULL, value, to);
  return to != NULL;
}

static void remove_unused_functions(PjModule *module) {
  PjOp *main_func = pj_module_entry(module);
  for (PjOp *func = module->body.first, *next; func; func = next) {
    next = func->next;
    bool called = func == main_func;
    PjStrBuf text = {0};
    pj_module_number(module);
    char name[80];
    snprintf(name, sizeof name, "@%.*s(", PJ_STR_ARG(PJ_STRATTR(func, sym_name)));
    for (PjOp *other = module->body.first; other && !called; other = other->next) {
      text.len = 0;
      pj_op_print(&text, other, NULL);
      called = other != func && text.data && strstr(text.data, name);
    }
    pj_strbuf_free(&text);
    if (!called)
      pj_op_remove(func);
  }
}

static PjStatus edit_guarded(void *context) {
  Attempt *a = context;
  PjModule *module;
  PJ_TRY(pj_import(a->arena, a->text.ptr, a->text.len, &module));
  PjOp *func = pj_module_entry(module);
  PjRegion *body = &func->regions[0];
  PjOp *end = body->last;
  a->num_values = func->num_values;
  a->num_results = end->num_operands;
  switch (a->edit) {
  case KEEP_RESULT:
    if (a->at >= end->num_operands || end->num_operands == 1)
      return PJ_STATUS_OK;
    end->operands[0] = end->operands[a->at];
    end->num_operands = 1;
    renumber_donations(a->arena, func, a->at);
    pj_op_set_attr(func, PJ_KEY_res_attrs, pj_attr_array(a->arena, 0, NULL));
    break;
  case DROP_RESULT:
    if (a->at >= end->num_operands || end->num_operands == 1)
      return PJ_STATUS_OK;
    for (uint32_t i = a->at; i + 1 < end->num_operands; ++i)
      end->operands[i] = end->operands[i + 1];
    --end->num_operands;
    renumber_donations(a->arena, func, -1);
    pj_op_set_attr(func, PJ_KEY_res_attrs, pj_attr_array(a->arena, 0, NULL));
    break;
  case DROP_DONATION:
    renumber_donations(a->arena, func, -1);
    break;
  case ONLY_CLEAN:
    break;
  default:
    if (!replace_value(a, func))
      return PJ_STATUS_OK;
  }
  while (remove_dead(body, body))
    continue;
  rebuild_arguments(a->arena, func, NULL);
  set_function_type(a->arena, func);
  remove_unused_functions(module);
  pj_module_number(module);
  a->out.len = 0;
  pj_module_print(&a->out, module, NULL);
  a->applied = true;
  return pj_strbuf_status(&a->out);
}

typedef struct Shrinking {
  const TrialOptions *options;
  PjStrBuf *text;
  Verdict verdict;
  int attempts, limit;
  uint32_t num_values, num_results;
} Shrinking;

// Makes the edit; keeps it if the program still fails in the same way.
static bool try_edit(Shrinking *s, Edit edit, uint32_t at) {
  Attempt a = {.text = {s->text->data, s->text->len}, .edit = edit, .at = at};
  PjStatus status = pj_arena_create((size_t)1 << 30, &a.arena);
  if (!status)
    status = pj_arena_guard(a.arena, edit_guarded, &a);
  bool kept = false;
  if (!status && a.num_values) {
    s->num_values = a.num_values;
    s->num_results = a.num_results;
  }
  bool changed = !status && a.applied &&
                 (a.out.len != s->text->len || memcmp(a.out.data, s->text->data, a.out.len) != 0);
  if (changed && s->attempts < s->limit) {
    ++s->attempts;
    Report report;
    trial_run(s->options, (PjStr){a.out.data, a.out.len}, &report);
    kept = report.verdict == s->verdict;
    pj_strbuf_free(&report.text);
  }
  if (kept) {
    s->text->len = 0;
    pj_strbuf_append(s->text, a.out.data, a.out.len);
  }
  pj_status_free(status);
  pj_strbuf_free(&a.out);
  pj_arena_destroy(a.arena);
  return kept;
}

int shrink(const TrialOptions *options, PjStrBuf *text, Verdict verdict, int attempts) {
  Shrinking s = {.options = options, .text = text, .verdict = verdict, .limit = attempts};
  try_edit(&s, ONLY_CLEAN, 0);
  for (uint32_t r = 0; r < s.num_results; ++r)
    if (try_edit(&s, KEEP_RESULT, r))
      break;
  for (uint32_t r = s.num_results; r-- > 0;)
    try_edit(&s, DROP_RESULT, r);
  try_edit(&s, DROP_DONATION, 0);
  for (bool changed = true; changed && s.attempts < s.limit;) {
    changed = false;
    static const Edit edits[] = {TO_ARGUMENT, TO_OPERAND, TO_ONE};
    for (size_t e = 0; e < sizeof edits / sizeof *edits; ++e)
      for (uint32_t id = s.num_values; id-- > 0 && s.attempts < s.limit;)
        changed |= try_edit(&s, edits[e], id);
  }
  return s.attempts;
}
