// What a program says of its parameters and results, and runs by name.
#include "host/program.h"
#include "import/import.h"

struct PjhSignature {
  size_t num_parameters, num_results;
  PjhSlot slots[]; // parameters, then results; then their dimensions, then their names
};

// --- Reading -------------------------------------------------------------------------------------

typedef struct Job {
  PjArena *arena;
  const void *code;
  size_t size;
  PjModule *module;
} Job;

static PjStatus import(void *context) {
  Job *job = context;
  return pj_import(job->arena, job->code, job->size, &job->module);
}

// --- Names in text -------------------------------------------------------------------------------

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c && strchr("_$.-", c));
}

// Past a string or comment that begins at |at|; |at| itself where none does.
static const char *skip_text(const char *at, const char *end) {
  if (*at == '"') {
    for (at++; at < end && *at != '"'; at++)
      at += *at == '\\' && at + 1 < end;
    return at < end ? at + 1 : end;
  }
  if (end - at >= 2 && at[0] == '/' && at[1] == '/')
    while (at < end && *at != '\n')
      at++;
  return at;
}

static const char *skip_blanks(const char *at, const char *end) {
  while (at < end && strchr(" \t\r\n", *at))
    at++;
  return at;
}

// Past |word| if it stands at |at|, else null.
static const char *past(const char *at, const char *end, PjStr word) {
  if ((size_t)(end - at) < word.len || memcmp(at, word.ptr, word.len) != 0)
    return NULL;
  at += word.len;
  return at < end && is_word(*at) ? NULL : at;
}

// The list of parameters of function |name|, behind its parenthesis; null when there is none.
static const char *find_parameters(const char *at, const char *end, PjStr name) {
  static const char *const visible[] = {"public", "private", "nested"};
  while (at < end) {
    const char *next = skip_text(at, end),
               *here = next == at ? past(at, end, PJ_STR("func.func")) : NULL;
    if (!here) {
      at = next > at ? next : at + 1;
      continue;
    }
    at = here = skip_blanks(here, end);
    for (size_t i = 0; i < 3; i++) {
      const char *behind = past(here, end, pj_str(visible[i]));
      here = behind ? skip_blanks(behind, end) : here;
    }
    if (here < end && *here == '@' && (here = past(here + 1, end, name)) &&
        (here = skip_blanks(here, end)) < end && *here == '(')
      return here + 1;
  }
  return NULL;
}

// Reads the names of |count| parameters, without the percent sign: |names| is left as it is where
// the text does not have so many. The text has been read as a program before.
static void names_in_text(const char *text, size_t size, PjStr function, PjStr *names,
                          size_t count) {
  const char *end = text + size, *at = find_parameters(text, end, function);
  size_t found = 0;
  bool first = true; // of a parameter
  for (int depth = 0; at && at < end && depth >= 0;) {
    const char *next = skip_text(at, end);
    if (next > at) {
      at = next;
    } else if (end - at >= 2 && at[0] == '-' && at[1] == '>') {
      at += 2; // no bracket
    } else if (*at == '%' && first && depth == 0) {
      const char *begin = ++at;
      while (at < end && is_word(*at))
        at++;
      if (found < count)
        names[found] = (PjStr){begin, (size_t)(at - begin)};
      found++;
      first = false;
    } else {
      depth += strchr("(<[{", *at) != NULL;
      depth -= strchr(")>]}", *at) != NULL;
      first = first || (*at == ',' && depth == 0);
      at++;
    }
  }
}

// --- Building ------------------------------------------------------------------------------------

// One parameter or result in the program.
typedef struct Source {
  const PjType *type;
  PjStr name;
  bool donated;
} Source;

// Dictionary |i| of a list of them, or null.
static const PjAttr *dict_at(const PjAttr *list, uint32_t i) {
  return list && list->kind == PJ_ATTR_ARRAY && i < list->count ? list->elems[i] : NULL;
}

static Source parameter_source(const PjOp *entry, const PjStr *names, uint32_t i) {
  const PjRegion *body = &entry->regions[0];
  const PjAttr *dict = dict_at(PJ_ATTR(entry, arg_attrs), i);
  const PjAttr *donor = pj_attr_get(dict, "jax.buffer_donor");
  Source source = {.type = PJ_ATTR(entry, function_type)->type->elems[i], .name = names[i]};
  source.donated = pj_attr_get(dict, "tf.aliasing_output") ||
                   (donor && (donor->kind == PJ_ATTR_UNIT || donor->i64));
  const PjLoc *loc = body->arg_locs && i < body->num_args ? body->arg_locs[i] : NULL;
  if (loc && loc->kind == PJ_LOC_NAME)
    source.name = loc->text;
  return source;
}

static Source result_source(const PjOp *entry, uint32_t i) {
  Source source = {.type = PJ_ATTR(entry, function_type)->type->results[i]};
  const PjAttr *info = pj_attr_get(dict_at(PJ_ATTR(entry, res_attrs), i), "jax.result_info");
  if (info && info->kind == PJ_ATTR_STRING)
    source.name = info->str;
  return source;
}

static size_t rank_of(const PjType *type) {
  return pj_type_is_tensor(type) ? (size_t)type->rank : 0;
}

// Fills in one slot; |dims| and |text| advance.
static void fill(PjhSlot *slot, const Source *source, int64_t **dims, char **text) {
  const PjType *type = source->type;
  slot->name = *text;
  if (source->name.len)
    memcpy(*text, source->name.ptr, source->name.len);
  *text += source->name.len + 1; // the block is zeroed
  slot->donated = source->donated;
  slot->rank = rank_of(type);
  slot->dims = *dims;
  for (size_t i = 0; i < slot->rank; i++)
    (*dims)[i] = type->dims[i] == PJ_DYN ? -1 : type->dims[i];
  *dims += slot->rank;
  if (type->kind == PJ_TYPE_TOKEN)
    slot->type = PJRT_Buffer_Type_TOKEN;
  else if (pj_type_is_tensor(type) && !type->quant && pj_dtype_info[type->dtype].pjrt > 0)
    slot->type = (PJRT_Buffer_Type)pj_dtype_info[type->dtype].pjrt;
}

// |names| are those that the text gives the parameters.
static PjhError *build(const PjOp *entry, const PjStr *names, PjhSignature **out) {
  const PjType *type = PJ_ATTR(entry, function_type)->type;
  size_t count = (size_t)type->num_elems + type->num_results, num_dims = 0, num_bytes = 0;
  for (uint32_t i = 0; i < count; i++) {
    Source source = i < type->num_elems ? parameter_source(entry, names, i)
                                        : result_source(entry, i - type->num_elems);
    num_dims += rank_of(source.type);
    num_bytes += source.name.len + 1;
  }
  PjhSignature *made = pj_calloc(1, sizeof *made + count * sizeof *made->slots +
                                        num_dims * sizeof(int64_t) + num_bytes);
  if (!made)
    return pjh__out_of_memory();
  made->num_parameters = type->num_elems;
  made->num_results = type->num_results;
  int64_t *dims = (int64_t *)(void *)(made->slots + count);
  char *text = (char *)(dims + num_dims);
  for (uint32_t i = 0; i < count; i++) {
    Source source = i < type->num_elems ? parameter_source(entry, names, i)
                                        : result_source(entry, i - type->num_elems);
    fill(&made->slots[i], &source, &dims, &text);
  }
  *out = made;
  return NULL;
}

static PjhError *read_entry(const PjModule *module, const void *code, size_t size,
                            PjhSignature **out) {
  const PjOp *entry = pj_module_entry(module);
  if (!entry || !entry->num_regions)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "the program has no entry function (main)");
  size_t count = PJ_ATTR(entry, function_type)->type->num_elems;
  PjStr *names = pj_calloc(count, sizeof *names);
  if (!names)
    return pjh__out_of_memory();
  if (!pj_is_bytecode(code, size))
    names_in_text(code, size, PJ_ATTR(entry, sym_name)->str, names, count);
  PjhError *error = build(entry, names, out);
  pj_free(names);
  return error;
}

PjhError *pjh_signature_read(const void *code, size_t size, PjhSignature **out) {
  *out = NULL;
  Job job = {.code = code, .size = size};
  PjhError *error = pjh__from_status(pj_arena_create(0, &job.arena));
  if (error)
    return error;
  error = pjh__from_status(pj_arena_guard(job.arena, import, &job));
  if (!error)
    error = read_entry(job.module, code, size, out);
  pj_arena_destroy(job.arena);
  return error;
}

void pjh_signature_free(PjhSignature *signature) {
  pj_free(signature);
}

// --- Asking --------------------------------------------------------------------------------------

size_t pjh_signature_num_parameters(const PjhSignature *signature) {
  return signature->num_parameters;
}

size_t pjh_signature_num_results(const PjhSignature *signature) {
  return signature->num_results;
}

const PjhSlot *pjh_signature_parameter(const PjhSignature *signature, size_t index) {
  return index < signature->num_parameters ? &signature->slots[index] : NULL;
}

const PjhSlot *pjh_signature_result(const PjhSignature *signature, size_t index) {
  return index < signature->num_results ? &signature->slots[signature->num_parameters + index]
                                        : NULL;
}

static size_t find(const PjhSlot *slots, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(slots[i].name, name) == 0)
      return i;
  return SIZE_MAX;
}

size_t pjh_signature_find_parameter(const PjhSignature *signature, const char *name) {
  return find(signature->slots, signature->num_parameters, name);
}

size_t pjh_signature_find_result(const PjhSignature *signature, const char *name) {
  return find(signature->slots + signature->num_parameters, signature->num_results, name);
}

// --- Running by name -----------------------------------------------------------------------------

// Puts the inputs in the order of the parameters; |arguments| starts with nulls.
static PjhError *order_inputs(const PjhSignature *signature, const PjhNamed *inputs,
                              size_t num_inputs, PjhBuffer **arguments) {
  for (size_t i = 0; i < num_inputs; i++) {
    size_t at = pjh_signature_find_parameter(signature, inputs[i].name);
    if (at == SIZE_MAX)
      return pjh__error(PJRT_Error_Code_NOT_FOUND, "the program has no parameter \"%s\"",
                        inputs[i].name);
    if (arguments[at])
      return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "parameter \"%s\" has two inputs",
                        inputs[i].name);
    arguments[at] = inputs[i].buffer;
  }
  for (size_t i = 0; i < signature->num_parameters; i++)
    if (!arguments[i])
      return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "parameter %zu, \"%s\", has no input", i,
                        signature->slots[i].name);
  return NULL;
}

// Each wanted result must be there, and be wanted once.
static PjhError *check_outputs(const PjhSignature *signature, const PjhNamed *outputs,
                               size_t num_outputs) {
  for (size_t i = 0; i < num_outputs; i++) {
    size_t at = pjh_signature_find_result(signature, outputs[i].name);
    if (at == SIZE_MAX)
      return pjh__error(PJRT_Error_Code_NOT_FOUND, "the program has no result \"%s\"",
                        outputs[i].name);
    for (size_t j = 0; j < i; j++)
      if (strcmp(outputs[j].name, outputs[i].name) == 0)
        return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "result \"%s\" is wanted twice",
                          outputs[i].name);
  }
  return NULL;
}

PjhError *pjh_execute_named(PjhExecutable *executable, const PjhSignature *signature,
                            const PjhNamed *inputs, size_t num_inputs, PjhNamed *outputs,
                            size_t num_outputs) {
  for (size_t i = 0; i < num_outputs; i++)
    outputs[i].buffer = NULL;
  size_t num_parameters = signature->num_parameters, num_results = signature->num_results;
  PjhBuffer **buffers = pj_calloc(num_parameters + num_results, sizeof *buffers);
  if (!buffers)
    return pjh__out_of_memory();
  PjhBuffer **results = buffers + num_parameters;
  PjhError *error = order_inputs(signature, inputs, num_inputs, buffers);
  if (!error)
    error = check_outputs(signature, outputs, num_outputs);
  if (!error)
    error = pjh_execute(executable, buffers, num_parameters, results, num_results);
  for (size_t i = 0; !error && i < num_outputs; i++) {
    size_t at = pjh_signature_find_result(signature, outputs[i].name);
    outputs[i].buffer = results[at];
    results[at] = NULL;
  }
  for (size_t i = 0; i < num_results; i++)
    pjh_buffer_destroy(results[i]);
  pj_free(buffers);
  return error;
}
