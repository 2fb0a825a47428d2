// See reduce_edit.h.
//
// Values are known by their number in the entry function (PjValue.id). An edit notes for each what
// takes its place; one walk puts that in, others count uses, remove what is unused from the end on,
// and gather the parameters that are left.
#include "reduce_edit.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "import/import.h"
#include "ir/float_bits.h"
#include "ir/print.h"

typedef struct Editor {
  PjArena *arena;
  PjModule *module;
  PjOp *func; // the entry
  PjRegion *body;
  PjValue **instead; // by id: what takes the value's place, or NULL
  uint32_t *uses;    // by id
  // New parameters, NULL for new constants; their ids come after those of the function.
  PJ_VEC(PjValue *) added;
  int64_t *from; // by parameter at the end: its number at first, or -1
} Editor;

// --- Walks --------------------------------------------------------------------------------------

static void replace_in(Editor *e, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; i++)
      while (e->instead[op->operands[i]->id])
        op->operands[i] = e->instead[op->operands[i]->id];
    for (uint32_t i = 0; i < op->num_regions; i++)
      replace_in(e, &op->regions[i]);
  }
}

static void count_uses(Editor *e, const PjRegion *region) {
  for (const PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; i++)
      e->uses[op->operands[i]->id]++;
    for (uint32_t i = 0; i < op->num_regions; i++)
      count_uses(e, &op->regions[i]);
  }
}

static void forget_uses(Editor *e, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; i++)
    e->uses[op->operands[i]->id]--;
  for (uint32_t i = 0; i < op->num_regions; i++)
    for (const PjOp *inner = op->regions[i].first; inner; inner = inner->next)
      forget_uses(e, inner);
}

// From the end, so that one walk finds whole chains. An operation without results stays.
static void remove_unused(Editor *e, PjRegion *region) {
  for (PjOp *op = region->last, *before; op; op = before) {
    before = op->prev;
    bool used = !op->num_results || op == region->last;
    for (uint32_t i = 0; i < op->num_results && !used; i++)
      used = e->uses[op->results[i].id] > 0;
    if (!used) {
      forget_uses(e, op);
      pj_op_remove(op);
      continue;
    }
    for (uint32_t i = 0; i < op->num_regions; i++)
      remove_unused(e, &op->regions[i]);
  }
}

// Calls |fn| for each operation, in the order of the text, what is in regions included.
static void each_op(PjRegion *region, void (*fn)(void *context, PjOp *op), void *context) {
  for (PjOp *op = region->first, *next; op; op = next) {
    next = op->next;
    for (uint32_t i = 0; i < op->num_regions; i++)
      each_op(&op->regions[i], fn, context);
    fn(context, op);
  }
}

// --- Values -------------------------------------------------------------------------------------

// Bodies of reductions, scatters and sorts stay as they are: they may not use what is outside, and
// must compute what can be applied in any order.
static bool is_fixed_body(const PjRegion *region) {
  for (const PjOp *op = region->parent; op; op = op->region ? op->region->parent : NULL)
    if (op->kind != PJ_OP_FUNC && op->kind != PJ_OP_WHILE && op->kind != PJ_OP_IF &&
        op->kind != PJ_OP_CASE)
      return true;
  return false;
}

static PjValue *new_argument(Editor *e, const PjType *type) {
  PjValue *value = PJ_NEW(e->arena, PjValue);
  *value = (PjValue){
      .type = type, .region = e->body, .id = e->func->num_values + (uint32_t)e->added.len};
  PJ_PUSH(e->arena, &e->added, value);
  return value;
}

static PjValue *ones(Editor *e, PjOp *before, const PjType *type) {
  PjDtype part = pj_dtype_part(type->dtype);
  int64_t count;
  if (!pj_type_num_elements(type, &count) || type->quant)
    return NULL;
  uint64_t bits = pj_dtype_is_float(part) ? pj_float_to_bits(part, 1) : 1;
  char *data = pj_arena_alloc(e->arena, 16); // zeroed: the imaginary part
  memcpy(data, &bits, pj_dtype_bytes(part));
  PjOp *op = pj_op_create(e->arena, PJ_OP_CONSTANT, 0, 1, 0);
  pj_op_set_attr(
      op, PJ_KEY_value,
      pj_attr_elements(e->arena, type, data, count ? pj_dtype_bytes(type->dtype) : 0, count > 1));
  op->results[0].type = type;
  op->results[0].id = e->func->num_values + (uint32_t)e->added.len; // as if it were a parameter
  PJ_PUSH(e->arena, &e->added, NULL);
  pj_op_insert_before(before, op);
  return &op->results[0];
}

// The operand of the same number first: of a loop, that is what it begins with.
static PjValue *like_operand(const PjOp *op, uint32_t result) {
  for (uint32_t i = 0; i < op->num_operands; i++) {
    PjValue *operand = op->operands[(i + result) % op->num_operands];
    if (pj_type_eq(operand->type, op->results[result].type))
      return operand;
  }
  return NULL;
}

typedef struct Replacing {
  Editor *e;
  const PjEdit *edit;
} Replacing;

static void replace_results(void *context, PjOp *op) {
  const Replacing *r = context;
  if (is_fixed_body(op->region) || op->kind == PJ_OP_CONSTANT)
    return;
  for (uint32_t i = 0; i < op->num_results; i++) {
    PjValue *value = &op->results[i];
    if (value->id < r->edit->begin || value->id >= r->edit->end || !r->e->uses[value->id] ||
        !pj_type_is_static(value->type))
      continue;
    r->e->instead[value->id] = r->edit->kind == PJ_EDIT_TO_OPERANDS ? like_operand(op, i)
                               : r->edit->kind == PJ_EDIT_TO_CONSTANTS
                                   ? ones(r->e, op, value->type)
                                   : new_argument(r->e, value->type);
  }
}

// --- Bodies -------------------------------------------------------------------------------------

// The body number |which| that can stand for |op|, or NULL.
static PjRegion *body_of(const PjModule *module, const PjOp *op, uint32_t which) {
  if (op->kind == PJ_OP_WHILE) // one turn
    return which == 0 ? &op->regions[1] : NULL;
  if (op->kind == PJ_OP_IF || op->kind == PJ_OP_CASE)
    return which < op->num_regions ? &op->regions[which] : NULL;
  if (op->kind != PJ_OP_CALL || which)
    return NULL;
  PjOp *callee = pj_module_find(module, PJ_STRATTR(op, callee));
  return callee && callee->num_regions && pj_region_terminator(&callee->regions[0])
             ? &callee->regions[0]
             : NULL;
}

static void replace_pointers(PjRegion *region, const PjValue *from, PjValue *to) {
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; i++)
      if (op->operands[i] == from)
        op->operands[i] = to;
    for (uint32_t i = 0; i < op->num_regions; i++)
      replace_pointers(&op->regions[i], from, to);
  }
}

typedef struct Search {
  PjModule *module;
  uint32_t at; // of the one looked for
  PjOp *found;
  uint32_t count; // of those seen
  PjStr callee;   // of calls of this one
  uint32_t calls;
} Search;

static void find_body(void *context, PjOp *op) {
  Search *s = context;
  if (op->kind == PJ_OP_CALL && s->callee.len && pj_str_eq(PJ_STRATTR(op, callee), s->callee))
    s->calls++;
  if (is_fixed_body(op->region) || !body_of(s->module, op, 0))
    return;
  if (s->count++ == s->at)
    s->found = op;
}

// Moves the operations of the body in front of the operation, whose results become what the body
// returns. Of a function only when nothing else calls it.
static bool hoist(PjModule *module, PjOp *func, const PjEdit *edit) {
  Search search = {.module = module, .at = edit->begin};
  each_op(&func->regions[0], find_body, &search);
  PjOp *op = search.found;
  PjRegion *body = op ? body_of(module, op, edit->end) : NULL;
  if (!body)
    return false;
  if (op->kind == PJ_OP_CALL) {
    Search calls = {.module = module, .at = UINT32_MAX, .callee = PJ_STRATTR(op, callee)};
    each_op(&module->body, find_body, &calls);
    if (calls.calls != 1)
      return false;
  }
  PjOp *end = pj_region_terminator(body);
  bool takes = op->kind == PJ_OP_WHILE || op->kind == PJ_OP_CALL;
  if (end->num_operands != op->num_results || (takes && body->num_args != op->num_operands))
    return false;
  for (uint32_t i = 0; takes && i < body->num_args; i++)
    replace_pointers(body, &body->args[i], op->operands[i]);
  while (body->first != end) {
    PjOp *moved = body->first;
    pj_op_remove(moved);
    pj_op_insert_before(op, moved);
  }
  for (uint32_t i = 0; i < op->num_results; i++)
    replace_pointers(&func->regions[0], &op->results[i], end->operands[i]);
  pj_op_remove(op);
  return true;
}

// --- Results and parameters ---------------------------------------------------------------------

// Parameters that were donated to result |i| of old are to |new_index[i]|; -1: to none.
static void renumber_donations(Editor *e, const int64_t *new_index, uint32_t count) {
  const PjAttr *old = PJ_ATTR(e->func, arg_attrs);
  if (!old || !old->count)
    return;
  const PjAttr **attrs = PJ_NEW_ARRAY(e->arena, const PjAttr *, old->count);
  for (uint32_t i = 0; i < old->count; i++) {
    const PjAttr *own = old->elems[i];
    PjStr *names = PJ_NEW_ARRAY(e->arena, PjStr, own->count + 1);
    const PjAttr **values = PJ_NEW_ARRAY(e->arena, const PjAttr *, own->count + 1);
    uint32_t kept = 0;
    for (uint32_t k = 0; k < own->count; k++) {
      const PjAttr *value = own->elems[k];
      if (pj_str_is(own->names[k], "tf.aliasing_output")) {
        int64_t to = value->i64 >= 0 && value->i64 < count ? new_index[value->i64] : -1;
        if (to < 0)
          continue;
        value = pj_attr_int(e->arena, to, PJ_DT_S32);
      }
      names[kept] = own->names[k];
      values[kept++] = value;
    }
    attrs[i] = pj_attr_dict(e->arena, kept, names, values);
  }
  pj_op_set_attr(e->func, PJ_KEY_arg_attrs, pj_attr_array(e->arena, old->count, attrs));
}

static bool drop_results(Editor *e, const PjEdit *edit) {
  PjOp *end = pj_region_terminator(e->body);
  uint32_t old = end->num_operands, kept = 0;
  int64_t *new_index = PJ_NEW_ARRAY(e->arena, int64_t, old + 1);
  for (uint32_t i = 0; i < old; i++) {
    bool drop =
        edit->kind == PJ_EDIT_KEEP_RESULT ? i != edit->begin : i >= edit->begin && i < edit->end;
    new_index[i] = drop ? -1 : (int64_t)kept;
    if (!drop)
      end->operands[kept++] = end->operands[i];
  }
  if (!kept || kept == old) // nothing may be left that a run can be seen by
    return false;
  end->num_operands = kept;
  renumber_donations(e, new_index, old);
  pj_op_set_attr(e->func, PJ_KEY_res_attrs, pj_attr_array(e->arena, 0, NULL));
  return true;
}

// The value of that number among the operations of the body itself, which can be returned.
static PjValue *top_value(const PjRegion *body, uint32_t id) {
  for (PjOp *op = body->first; op; op = op->next)
    for (uint32_t i = 0; i < op->num_results; i++)
      if (op->results[i].id == id)
        return &op->results[i];
  return NULL;
}

static bool return_value(Editor *e, uint32_t id) {
  PjOp *end = pj_region_terminator(e->body);
  PjValue *value = top_value(e->body, id);
  if (!value || !end->num_operands || (end->num_operands == 1 && end->operands[0] == value))
    return false;
  int64_t *none = PJ_NEW_ARRAY(e->arena, int64_t, end->num_operands);
  memset(none, -1, end->num_operands * sizeof *none);
  renumber_donations(e, none, end->num_operands);
  end->operands[0] = value;
  end->num_operands = 1;
  pj_op_set_attr(e->func, PJ_KEY_res_attrs, pj_attr_array(e->arena, 0, NULL));
  return true;
}

static void set_function_type(Editor *e) {
  const PjOp *end = pj_region_terminator(e->body);
  const PjType **in = PJ_NEW_ARRAY(e->arena, const PjType *, e->body->num_args + 1),
               **out = PJ_NEW_ARRAY(e->arena, const PjType *, end->num_operands + 1);
  for (uint32_t i = 0; i < e->body->num_args; i++)
    in[i] = e->body->args[i].type;
  for (uint32_t i = 0; i < end->num_operands; i++)
    out[i] = end->operands[i]->type;
  const PjType *type = pj_type_function(e->arena, e->body->num_args, in, end->num_operands, out);
  pj_op_set_attr(e->func, PJ_KEY_function_type, pj_attr_type(e->arena, type));
}

// The parameters that are used, old ones first.
static void gather_parameters(Editor *e) {
  uint32_t old = e->body->num_args, count = 0;
  PjValue *args = PJ_NEW_ARRAY(e->arena, PjValue, old + e->added.len + 1);
  e->from = PJ_NEW_ARRAY(e->arena, int64_t, old + e->added.len + 1);
  const PjAttr *given = PJ_ATTR(e->func, arg_attrs),
               **attrs = PJ_NEW_ARRAY(e->arena, const PjAttr *, old + e->added.len + 1);
  memset(e->instead, 0, (e->func->num_values + e->added.len) * sizeof *e->instead);
  for (size_t i = 0; i < old + e->added.len; i++) {
    PjValue *from = i < old ? &e->body->args[i] : e->added.data[i - old];
    if (!from || !e->uses[from->id])
      continue;
    e->from[count] = i < old ? (int64_t)i : -1;
    attrs[count] =
        given && i < given->count ? given->elems[i] : pj_attr_dict(e->arena, 0, NULL, NULL);
    args[count] = *from;
    args[count].index = count;
    e->instead[from->id] = &args[count];
    // The copy has the old number, and is its own replacement no more.
    count++;
  }
  for (uint32_t i = 0; i < count; i++)
    args[i].id = e->func->num_values + (uint32_t)e->added.len + i;
  replace_in(e, e->body);
  e->body->args = args;
  e->body->num_args = count;
  e->body->arg_locs = NULL;
  bool any = given && given->count;
  pj_op_set_attr(e->func, PJ_KEY_arg_attrs, pj_attr_array(e->arena, any ? count : 0, attrs));
}

// --- The program --------------------------------------------------------------------------------

static void mark_symbols(const PjAttr *attr, PjModule *module, bool *used) {
  if (!attr)
    return;
  if (attr->kind == PJ_ATTR_SYMBOL) {
    uint32_t index = 0;
    for (const PjOp *op = module->body.first; op; op = op->next, index++)
      if (op->kind != PJ_OP_FUNC || pj_str_eq(PJ_STRATTR(op, sym_name), attr->str))
        used[index] = true;
  }
  if (attr->kind == PJ_ATTR_ARRAY || attr->kind == PJ_ATTR_DICT || attr->kind == PJ_ATTR_STRUCT)
    for (uint32_t i = 0; i < attr->count; i++)
      mark_symbols(attr->elems[i], module, used);
}

typedef struct Marking {
  PjModule *module;
  bool *used;
} Marking;

static void mark_op(void *context, PjOp *op) {
  Marking *m = context;
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; i++)
    if (op->kind != PJ_OP_FUNC)
      mark_symbols(op->attrs[i], m->module, m->used);
  mark_symbols(op->extra, m->module, m->used);
}

// Functions that nothing names. What only such functions name goes the next time.
static void remove_functions(Editor *e) {
  uint32_t count = 0, index = 0;
  for (const PjOp *op = e->module->body.first; op; op = op->next)
    count++;
  Marking marking = {e->module, PJ_NEW_ARRAY(e->arena, bool, count + 1)};
  each_op(&e->module->body, mark_op, &marking);
  for (PjOp *op = e->module->body.first, *next; op; op = next, index++) {
    next = op->next;
    if (op->kind == PJ_OP_FUNC && op != e->func && !marking.used[index])
      pj_op_remove(op);
  }
}

static void count_op(void *context, PjOp *op) {
  PjEdited *out = context;
  if (op->kind != PJ_OP_FUNC && !(pj_op_info[op->kind].traits & PJ_TRAIT_TERM))
    out->ops++;
  for (uint32_t i = 0; i < op->num_results; i++) {
    const PjType *type = op->results[i].type;
    for (int32_t d = 0; type->kind == PJ_TYPE_TENSOR && d < type->rank; d++) {
      bool known = type->dims[d] < 3 || type->dims[d] > UINT32_MAX / 2;
      for (uint32_t k = 0; k < out->num_sizes && !known; k++)
        known = out->sizes[k] == type->dims[d];
      if (!known && out->num_sizes < PJ_EDIT_MAX_SIZES)
        out->sizes[out->num_sizes++] = (uint32_t)type->dims[d];
    }
  }
}

static int greater_first(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x < y) - (x > y);
}

static void describe(PjModule *module, PjEdited *out) {
  const PjOp *func = pj_module_entry(module);
  Search search = {.module = module, .at = UINT32_MAX};
  out->ops = out->num_sizes = 0;
  each_op(&module->body, count_op, out);
  each_op((PjRegion *)(uintptr_t)&func->regions[0], find_body, &search);
  out->values = func->num_values;
  out->results = pj_region_terminator(&func->regions[0])->num_operands;
  out->bodies = search.count;
  qsort(out->sizes, out->num_sizes, sizeof *out->sizes, greater_first);
}

static bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '.' || c == '%' || c == '@' || c == '#';
}

// |program|, which is as pj_module_print writes it, with |to| in place of every number |from| that
// stands alone or is a dimension. Whether that is a program, the reader says.
static void resize(PjStr program, uint32_t from, uint32_t to, PjStrBuf *out) {
  for (size_t i = 0; i < program.len;) {
    size_t end = i;
    uint64_t value = 0;
    while (end < program.len && program.ptr[end] >= '0' && program.ptr[end] <= '9') {
      value = value < UINT32_MAX ? value * 10 + (uint64_t)(program.ptr[end] - '0') : value;
      end++;
    }
    char before = i ? program.ptr[i - 1] : ' ', after = end < program.len ? program.ptr[end] : ' ';
    bool dimension =
        before == 'x' && i >= 2 && program.ptr[i - 2] >= '0' && program.ptr[i - 2] <= '9';
    if (end > i && value == from && (dimension || !is_word(before)) &&
        (after == 'x' || !is_word(after)))
      pj_strbuf_printf(out, "%u", to);
    else
      pj_strbuf_append(out, program.ptr + i, end > i ? end - i : 1);
    i = end > i ? end : i + 1;
  }
}

static bool apply(Editor *e, const PjEdit *edit) {
  Replacing replacing = {e, edit};
  switch (edit->kind) {
  case PJ_EDIT_DROP_RESULTS:
  case PJ_EDIT_KEEP_RESULT:
    return drop_results(e, edit);
  case PJ_EDIT_RETURN:
    return return_value(e, edit->begin);
  case PJ_EDIT_NO_ATTRIBUTES:
    pj_op_set_attr(e->func, PJ_KEY_arg_attrs, pj_attr_array(e->arena, 0, NULL));
    pj_op_set_attr(e->func, PJ_KEY_res_attrs, pj_attr_array(e->arena, 0, NULL));
    return true;
  case PJ_EDIT_TO_ARGUMENTS:
  case PJ_EDIT_TO_OPERANDS:
  case PJ_EDIT_TO_CONSTANTS:
    count_uses(e, e->body);
    each_op(e->body, replace_results, &replacing);
    replace_in(e, e->body);
    return true;
  default:
    return true;
  }
}

typedef struct Job {
  PjArena *arena;
  PjStr program;
  const PjEdit *edit;
  PjEdited *out;
  const int64_t *from; // NULL: the parameters are what they were
} Job;

static PjStatus edit_module(Job *job, PjModule *module) {
  Editor e = {.arena = job->arena, .module = module, .func = pj_module_entry(module)};
  PJ_FAIL_IF(!e.func || !pj_region_terminator(&e.func->regions[0]), INVALID_ARGUMENT,
             "the program has no entry function");
  if (job->edit->kind == PJ_EDIT_HOIST && !hoist(module, e.func, job->edit))
    return PJ_STATUS_OK;
  pj_module_number(module);
  e.body = &e.func->regions[0];
  // Each value of the function may get a successor, and each parameter a new place.
  size_t ids = 4 * ((size_t)e.func->num_values + 1);
  e.instead = PJ_NEW_ARRAY(job->arena, PjValue *, ids);
  e.uses = PJ_NEW_ARRAY(job->arena, uint32_t, ids);
  if (!apply(&e, job->edit))
    return PJ_STATUS_OK;
  memset(e.uses, 0, ids * sizeof *e.uses);
  count_uses(&e, e.body);
  remove_unused(&e, e.body);
  gather_parameters(&e);
  job->from = e.from;
  set_function_type(&e);
  remove_functions(&e);
  pj_module_number(module);
  pj_module_print(&job->out->text, module, NULL);
  return pj_strbuf_status(&job->out->text);
}

static PjStatus tell_parameters(const Job *job, uint32_t count) {
  PjEdited *out = job->out;
  out->from = pj_malloc((count + 1) * sizeof *out->from);
  if (!out->from)
    return pj_status_oom();
  out->num_parameters = count;
  for (uint32_t i = 0; i < count; i++)
    out->from[i] = job->from ? job->from[i] : (int64_t)i;
  return PJ_STATUS_OK;
}

static PjStatus edit_guarded(void *context) {
  Job *job = context;
  PjModule *module;
  PJ_TRY(pj_import(job->arena, job->program.ptr, job->program.len, &module));
  if (job->edit->kind == PJ_EDIT_RESIZE)
    resize(job->program, job->edit->begin, job->edit->end, &job->out->text);
  else
    PJ_TRY(edit_module(job, module));
  PJ_TRY(pj_strbuf_status(&job->out->text));
  if (!job->out->text.len)
    return PJ_STATUS_OK;
  // The edits know little of what each operation demands: the verifier judges.
  PjStatus status = pj_import(job->arena, job->out->text.data, job->out->text.len, &module);
  if (!status) {
    describe(module, job->out);
    return tell_parameters(job, pj_module_entry(module)->regions[0].num_args);
  }
  job->out->text.len = 0;
  bool exhausted = pj_status_code(status) == PJ_RESOURCE_EXHAUSTED;
  if (exhausted)
    return status;
  pj_status_free(status);
  return PJ_STATUS_OK;
}

PjStatus pj_edit(PjStr program, const PjEdit *edit, PjEdited *out) {
  *out = (PjEdited){0};
  Job job = {.program = program, .edit = edit, .out = out};
  PJ_TRY(pj_arena_create((size_t)4 << 30, &job.arena));
  PjStatus status = pj_arena_guard(job.arena, edit_guarded, &job);
  pj_arena_destroy(job.arena);
  return status;
}

void pj_edited_free(PjEdited *edited) {
  pj_strbuf_free(&edited->text);
  pj_free(edited->from);
  edited->from = NULL;
}
