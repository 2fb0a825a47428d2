// Judging one file of a suite.
#include <stdio.h>
#include <stdlib.h>

#include "eval/check.h"
#include "ir/equal.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "suite.h"

enum { INPUT_LIMIT = 64 << 20 };

PjStatus suite_load(const char *path, char **out_data, size_t *out_size) {
  *out_data = NULL;
  FILE *file = fopen(path, "rb");
  PJ_FAIL_IF(!file, NOT_FOUND, "cannot open %s", path);
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char *data = malloc((size_t)(size < 0 ? 0 : size) + 1);
  size_t read = data ? fread(data, 1, (size_t)(size < 0 ? 0 : size), file) : 0;
  fclose(file);
  if (!data || (long)read != size) {
    free(data);
    return PJ_ERROR(UNKNOWN, "cannot read %s", path);
  }
  data[read] = 0;
  *out_data = data;
  *out_size = read;
  return PJ_STATUS_OK;
}

void suite_unload(char *data) {
  free(data);
}

typedef struct Judge {
  PjArena *arena;
  SuiteMode mode;
  const PjCompilerOps *compiler;
  SuiteStats *stats;
  const char *path;
  const char *data;
  size_t size;
  PjStrBuf text, artifact, beside; // owned; freed by suite_judge
  char *beside_data;
} Judge;

// ----------------------------------------------------------------------------------------------
// running
static void fill(PjTensor *tensor) {
  // Small positive integers: valid as indices, divisors and arguments of logarithms; the same in
  // every type.
  for (int64_t i = 0; i < tensor->count; ++i) {
    char *at = (char *)tensor->data + (size_t)i * pj_dtype_bytes(tensor->dtype);
    memset(at, 0, pj_dtype_bytes(tensor->dtype));
    double value = 1 + (double)(i % 3);
    if (pj_dtype_is_float(tensor->dtype) || pj_dtype_is_complex(tensor->dtype)) {
      PjDtype part = pj_dtype_part(tensor->dtype);
      if (part == PJ_DT_F64)
        memcpy(at, &value, sizeof value);
      else if (part == PJ_DT_F32)
        memcpy(at, &(float){(float)value}, sizeof(float));
    } else {
      *at = (char)(tensor->dtype == PJ_DT_PRED ? i & 1 : 1);
    }
  }
}

static PjStatus run_function(PjArena *arena, const PjProgram *program, const PjOp *func) {
  const PjType *type = PJ_ATTR(func, function_type)->type;
  PjTensor **in = PJ_NEW_ARRAY(arena, PjTensor *, type->num_elems),
           **out = PJ_NEW_ARRAY(arena, PjTensor *, type->num_results);
  for (uint32_t i = 0; i < type->num_elems; ++i) {
    if (type->elems[i]->kind == PJ_TYPE_TOKEN)
      in[i] = pj_tensor_token();
    else if (pj_type_is_static(type->elems[i]))
      in[i] = pj_tensor_new(type->elems[i]->dtype, type->elems[i]->rank, type->elems[i]->dims);
    PJ_FAIL_IF(!in[i], UNIMPLEMENTED, "no input of type %s can be made",
               pj_type_text(arena, type->elems[i]));
    if (in[i]->kind == PJ_TENSOR_ARRAY)
      fill(in[i]);
  }
  PjStatus status =
      pj_program_call(program, func, NULL, type->num_elems, in, type->num_results, out);
  for (uint32_t i = 0; i < type->num_elems; ++i)
    pj_tensor_release(in[i]);
  for (uint32_t i = 0; i < type->num_results; ++i)
    pj_tensor_release(out[i]);
  return status;
}

PjStatus suite_run(PjArena *arena, PjModule *module) {
  PjProgram *program;
  PJ_TRY(pj_check_register());
  PJ_TRY(pj_program_create(module, &program));
  const PjOp *main_func = pj_module_find(module, PJ_STR("main"));
  if (main_func)
    return run_function(arena, program, main_func);
  uint32_t count = 0;
  for (const PjOp *op = module->body.first; op; op = op->next)
    if (op->kind == PJ_OP_FUNC && op->regions[0].first && ++count)
      PJ_TRY_IN(run_function(arena, program, op), "@%.*s", PJ_STR_ARG(PJ_STRATTR(op, sym_name)));
  PJ_FAIL_IF(!count, INVALID_ARGUMENT, "no function to run");
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------------
// round trips
static PjStatus roundtrip_text(Judge *judge, const PjModule *module) {
  PjModule *again;
  judge->text.len = 0; // the section before is done with
  pj_module_print(&judge->text, module, NULL);
  PJ_TRY(pj_strbuf_status(&judge->text));
  PJ_TRY_IN(pj_import(judge->arena, judge->text.data, judge->text.len, &again), "printed text");
  PJ_FAIL_IF(!pj_module_eq(module, again), INTERNAL,
             "printed and parsed again, the program differs");
  return PJ_STATUS_OK;
}

static bool has_chlo(const PjRegion *region) {
  for (const PjOp *op = region->first; op; op = op->next) {
    if (pj_str_starts(pj_str(pj_op_info[op->kind].text), "chlo."))
      return true;
    for (uint32_t i = 0; i < op->num_regions; ++i)
      if (has_chlo(&op->regions[i]))
        return true;
  }
  return false;
}

static PjStatus roundtrip_bytecode(Judge *judge, const PjModule *module, PjVersion version) {
  PjModule *again;
  if (has_chlo(&module->body))
    return PJ_STATUS_OK; // artifacts hold no chlo: it is expanded before
  judge->artifact.len = 0;
  PJ_TRY_IN(pj_bytecode_write(module, version, &judge->artifact), "writing an artifact");
  PJ_TRY_IN(pj_import(judge->arena, judge->artifact.data, judge->artifact.len, &again),
            "written artifact");
  PJ_FAIL_IF(!pj_module_eq(module, again), INTERNAL,
             "written as an artifact and read again, the program differs");
  return PJ_STATUS_OK;
}

static PjStatus judge_vhlo(Judge *judge) {
  PjModule *module, *text;
  PjStatus status = pj_import(judge->arena, judge->data, judge->size, &module);
  const char *name = strrchr(judge->path, '/') + 1;
  if (!strncmp(name, "invalid", 7)) {
    PJ_FAIL_IF(!status, INTERNAL, "an artifact of the future was accepted");
    bool named = strstr(pj_status_message(status), "constant_v99") != NULL &&
                 pj_status_code(status) == PJ_INVALID_ARGUMENT;
    if (!named)
      return pj_status_prefix(status, "refused without naming the unknown operation");
    pj_status_free(status);
    return PJ_STATUS_OK;
  }
  PJ_TRY(status);
  PJ_TRY(roundtrip_text(judge, module));
  int major = 0, minor = 0, patch = 0;
  const char *dot = strchr(name, '.');
  PjVersion version = pj_version_current;
  if (dot && sscanf(dot + 1, "%d_%d_%d", &major, &minor, &patch) == 3)
    version = (PjVersion){major, minor, patch};
  PJ_TRY(roundtrip_bytecode(judge, module, version));
  char *beside =
      pj_arena_strndup(judge->arena, judge->path, strlen(judge->path) - 3); // without .bc
  size_t size;
  if (!dot || !strstr(beside, "legalize_to_vhlo"))
    return PJ_STATUS_OK;
  PJ_TRY(suite_load(beside, &judge->beside_data, &size));
  PJ_TRY_IN(pj_import(judge->arena, judge->beside_data, size, &text), "the text beside it");
  PJ_FAIL_IF(!pj_module_eq(module, text), INTERNAL, "the artifact differs from the text beside it");
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------------
// judging
static PjStatus judge_section(Judge *judge, const char *text, size_t size) {
  PjModule *module;
  PjStatus status = pj_import(judge->arena, text, size, &module);
  if (judge->mode == SUITE_NEGATIVE) {
    PJ_FAIL_IF(!status, INTERNAL, "an invalid program was accepted");
    if (pj_status_code(status) != PJ_INVALID_ARGUMENT)
      return pj_status_prefix(status, "refused with %s", pj_code_name(pj_status_code(status)));
    if (getenv("SUITE_REASONS"))
      printf("%s: %s\n", judge->path, pj_status_message(status));
    pj_status_free(status);
    return PJ_STATUS_OK;
  }
  PJ_TRY(status);
  bool smoke = judge->mode == SUITE_SMOKE;
  if (judge->compiler && (judge->mode == SUITE_RUN || smoke))
    return suite_judge_compiled(judge->compiler, smoke, text, size, judge->stats);
  if (judge->mode == SUITE_RUN)
    return suite_run(judge->arena, module);
  PJ_TRY(roundtrip_text(judge, module));
  PJ_TRY(roundtrip_bytecode(judge, module, pj_version_current));
  if (judge->mode == SUITE_SMOKE)
    return suite_run(judge->arena, module);
  return PJ_STATUS_OK;
}

// Text files may hold several programs between lines "// -----".
static PjStatus judge_guarded(void *context) {
  Judge *judge = context;
  static const char separator[] = "\n// -----";
  if (judge->mode == SUITE_VHLO)
    return judge_vhlo(judge);
  if (pj_is_bytecode(judge->data, judge->size))
    return judge_section(judge, judge->data, judge->size);
  const char *at = judge->data;
  for (int section = 0;; ++section) {
    const char *end = strstr(at, separator);
    size_t size = end ? (size_t)(end - at) : strlen(at);
    PJ_TRY_IN(judge_section(judge, at, size), "section %d", section);
    if (!end)
      return PJ_STATUS_OK;
    at = end + sizeof separator - 1;
  }
}

PjStatus suite_judge(SuiteMode mode, const char *path, const PjCompilerOps *compiler,
                     SuiteStats *stats) {
  Judge judge = {.mode = mode, .path = path, .compiler = compiler, .stats = stats};
  char *data;
  PJ_TRY(suite_load(path, &data, &judge.size));
  judge.data = data;
  PjStatus status = pj_arena_create((size_t)4 << 30, &judge.arena);
  if (!status)
    status = pj_arena_guard(judge.arena, judge_guarded, &judge);
  const char *location = pj_status_location(status);
  if (*location && !strstr(pj_status_message(status), location))
    status = pj_status_prefix(status, "%s", location);
  pj_strbuf_free(&judge.text);
  pj_strbuf_free(&judge.artifact);
  suite_unload(judge.beside_data);
  pj_arena_destroy(judge.arena);
  suite_unload(data);
  return status;
}
