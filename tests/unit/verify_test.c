// The verifier and type inference on tests/verify/*.mlir: programs in sections, each opened by
// `// valid` or `// error: part of the message`. What is valid is inferred again without its result
// types. Between them the valid programs must hold every op of ops.def.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "import/import.h"
#include "ir/verify.h"
#include "reinfer.h"

typedef struct Program {
  PjArena *arena;
  PjStr text;
} Program;

static bool seen[PJ_OP_COUNT];

static void note(const PjRegion *region) {
  for (const PjOp *op = region->first; op; op = op->next) {
    seen[op->kind] = true;
    for (uint32_t i = 0; i < op->num_regions; ++i)
      note(&op->regions[i]);
  }
}

static PjStatus import(void *context) {
  Program *program = context;
  PjModule *module;
  PJ_TRY(pj_import(program->arena, program->text.ptr, program->text.len, &module));
  note(&module->body);
  return pj_test_infer_again(module, NULL);
}

static PjStatus run(Program *program) {
  PJ_TRY(pj_arena_create(0, &program->arena));
  PjStatus status = pj_arena_guard(program->arena, import, program);
  pj_arena_destroy(program->arena);
  return status;
}

// Checks one section: its first line says what to expect.
static void expect(PjStr section) {
  static const char valid[] = "// valid\n", error[] = "// error: ";
  char want[512] = "";
  const char *end = memchr(section.ptr, '\n', section.len);
  assert_non_null(end);
  bool ok = pj_str_starts(section, valid);
  if (!ok) {
    assert_true(pj_str_starts(section, error));
    snprintf(want, sizeof want, "%.*s", (int)(end - section.ptr - (int)strlen(error)),
             section.ptr + strlen(error));
  }
  Program program = {.text = section};
  PjStatus status = run(&program);
  PjCode code = pj_status_code(status);
  if (code != (ok ? PJ_OK : PJ_INVALID_ARGUMENT) || !strstr(pj_status_message(status), want))
    fail_msg("%s: %s\nfor\n%.*s", pj_code_name(code), pj_status_message(status),
             PJ_STR_ARG(section));
  pj_status_free(status);
}

static void expect_file(const char *name) {
  char path[1024];
  snprintf(path, sizeof path, "%s/tests/verify/%s.mlir", PJ_SOURCE_DIR, name);
  FILE *file = fopen(path, "rb");
  if (!file)
    fail_msg("cannot open %s", path);
  char *text = calloc(1, 1 << 20);
  size_t len = fread(text, 1, (1 << 20) - 1, file);
  fclose(file);
  static const char cut[] = "\n// -----\n";
  for (char *at = text, *next; at; at = next) {
    next = strstr(at, cut);
    PjStr section = {at, next ? (size_t)(next + 1 - at) : (size_t)(text + len - at)};
    expect(section);
    if (next)
      next += strlen(cut);
  }
  free(text);
}

#define FILES(VERIFIED)    \
  VERIFIED(chlo)           \
  VERIFIED(collectives)    \
  VERIFIED(contractions)   \
  VERIFIED(control)        \
  VERIFIED(dynamic)        \
  VERIFIED(elementwise)    \
  VERIFIED(every_op)       \
  VERIFIED(gather_scatter) \
  VERIFIED(movement)       \
  VERIFIED(quantised)      \
  VERIFIED(reductions)     \
  VERIFIED(structure)      \
  VERIFIED(types)

#define F(name)                           \
  static void test_##name(void **state) { \
    expect_file(#name);                   \
  }
FILES(F)
#undef F

static void test_all_ops_seen(void **state) {
  for (PjOpKind kind = PJ_OP_INVALID + 1; kind < PJ_OP_COUNT; ++kind)
    if (!seen[kind])
      fail_msg("no valid program in tests/verify has %s", pj_op_info[kind].text);
}

// ---------------------------------------------------------------------- IR that no text describes
// @main(%a: tensor<2xf32>) { %0 = abs %a; return }
typedef struct Built {
  PjModule *module;
  PjOp *func, *abs, *last;
} Built;

static Built build(PjArena *arena) {
  int64_t two = 2;
  const PjType *type = pj_type_tensor(arena, PJ_DT_F32, 1, &two);
  Built b = {.module = pj_module_create(arena)};
  b.func = pj_op_create(arena, PJ_OP_FUNC, 0, 0, 1);
  b.abs = pj_op_create(arena, PJ_OP_ABS, 1, 1, 0);
  b.last = pj_op_create(arena, PJ_OP_FUNC_RETURN, 0, 0, 0);
  pj_op_set_attr(b.func, PJ_KEY_sym_name, pj_attr_string(arena, PJ_STR("main")));
  pj_op_set_attr(b.func, PJ_KEY_function_type,
                 pj_attr_type(arena, pj_type_function(arena, 1, &type, 0, NULL)));
  pj_op_fill_defaults(arena, b.func);
  pj_op_append(&b.module->body, b.func);
  pj_region_set_args(arena, &b.func->regions[0], 1, &type);
  pj_op_append(&b.func->regions[0], b.abs);
  pj_op_append(&b.func->regions[0], b.last);
  b.abs->operands[0] = &b.func->regions[0].args[0];
  b.abs->results[0].type = type;
  return b;
}

static const char *broken_message; // wanted
static void (*broken_change)(PjArena *arena, Built *b);

static PjStatus verify_broken(void *arena) {
  Built b = build(arena);
  if (broken_change)
    broken_change(arena, &b);
  return pj_verify(b.module);
}

static void expect_broken(void (*change)(PjArena *, Built *), const char *message) {
  PjArena *arena;
  broken_change = change;
  broken_message = message;
  assert_null(pj_arena_create(0, &arena));
  PjStatus status = pj_arena_guard(arena, verify_broken, arena);
  if (message ? !strstr(pj_status_message(status), message) : status != NULL)
    fail_msg("\"%s\" lacks \"%s\"", pj_status_message(status), message ? message : "");
  pj_status_free(status);
  pj_arena_destroy(arena);
}

static void use_own_result(PjArena *arena, Built *b) {
  b->abs->operands[0] = &b->abs->results[0];
}
static void use_nothing(PjArena *arena, Built *b) {
  b->abs->operands[0] = NULL;
}
static void use_removed(PjArena *arena, Built *b) {
  PjOp *gone = pj_op_create(arena, PJ_OP_ABS, 1, 1, 0);
  gone->results[0].type = b->abs->results[0].type;
  b->abs->operands[0] = &gone->results[0];
}
static void no_result_type(PjArena *arena, Built *b) {
  b->abs->results[0].type = NULL;
}
static void no_terminator(PjArena *arena, Built *b) {
  pj_op_remove(b->last);
}
static void no_name(PjArena *arena, Built *b) {
  pj_op_set_attr(b->func, PJ_KEY_sym_name, NULL);
}
static void negative_dimension(PjArena *arena, Built *b) {
  int64_t minus = -3;
  b->abs->results[0].type = pj_type_tensor(arena, PJ_DT_F32, 1, &minus);
}
static void op_at_top(PjArena *arena, Built *b) {
  pj_op_append(&b->module->body, pj_op_create(arena, PJ_OP_CREATE_TOKEN, 0, 1, 0));
}
static void wrong_attribute(PjArena *arena, Built *b) {
  PjOp *slice = pj_op_create(arena, PJ_OP_SLICE, 1, 1, 0);
  slice->operands[0] = b->abs->operands[0];
  slice->results[0].type = b->abs->results[0].type;
  for (int i = 0; i < 3; ++i)
    slice->attrs[i] = pj_attr_i64(arena, 1);
  pj_op_insert_before(b->last, slice);
}
static void short_constant(PjArena *arena, Built *b) {
  static const float one = 1;
  PjOp *constant = pj_op_create(arena, PJ_OP_CONSTANT, 0, 1, 0);
  constant->results[0].type = b->abs->results[0].type;
  pj_op_set_attr(constant, PJ_KEY_value,
                 pj_attr_elements(arena, b->abs->results[0].type, &one, sizeof one, false));
  pj_op_insert_before(b->last, constant);
}
static void deep_nesting(PjArena *arena, Built *b) {
  const PjType *pred = pj_type_tensor(arena, PJ_DT_PRED, 0, NULL);
  PjRegion *into = &b->func->regions[0];
  PjOp *before = b->last;
  PjOp *zero = pj_op_create(arena, PJ_OP_CONSTANT, 0, 1, 0);
  zero->results[0].type = pred;
  pj_op_set_attr(zero, PJ_KEY_value, pj_attr_elements(arena, pred, "", 1, false));
  pj_op_insert_before(before, zero);
  for (int i = 0; i < 2000; ++i) {
    PjOp *op = pj_op_create(arena, PJ_OP_IF, 1, 0, 2);
    op->operands[0] = &zero->results[0];
    pj_op_insert_before(before, op);
    for (int k = 0; k < 2; ++k)
      pj_op_append(&op->regions[k], pj_op_create(arena, PJ_OP_RETURN, 0, 0, 0));
    into = &op->regions[0];
    before = into->last;
  }
}

static void test_broken(void **state) {
  expect_broken(NULL, NULL);
  expect_broken(use_own_result, "used before its definition");
  expect_broken(use_removed, "used before its definition");
  expect_broken(use_nothing, "operand #0 is missing");
  expect_broken(no_result_type, "has no type");
  expect_broken(no_terminator, "must end with func.return");
  expect_broken(no_name, "requires a name");
  expect_broken(negative_dimension, "negative dimension 0: -3");
  expect_broken(op_at_top, "cannot stand at the top");
  expect_broken(wrong_attribute, "attribute 'start_indices' must be a list");
  expect_broken(short_constant, "has 4 bytes of data, but needs 8");
  expect_broken(deep_nesting, "regions nest deeper");
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define F(name) cmocka_unit_test(test_##name),
      FILES(F)
#undef F
          cmocka_unit_test(test_all_ops_seen),
      cmocka_unit_test(test_broken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
