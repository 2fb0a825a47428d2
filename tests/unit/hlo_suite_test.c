// Real HLO programs, from torch_xla, from TensorFlow and one for each opcode: every one is read, or
// refused as listed below; and where XLA's own importer made StableHLO of it (the .mlir beside),
// both give the same results, bit for bit, in the evaluator. The suite lies at $HLO_SUITE or
// ../shared/suites/hlo; without it the test is skipped.
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/eval.h"
#include "import/import.h"
#include "ir/equal.h"
#include "ir/print.h"

enum { MAX_SLOTS = 4096 };

static struct { int files, compared, unread, wrong; } tally;

static const struct {
  const char *name; // of the file
  PjCode code;
  const char *fragment; // of the message
} refused[] = {
    {"const_s1", PJ_UNIMPLEMENTED, "integers of one bit (s1)"},
    {"const_u1", PJ_UNIMPLEMENTED, "integers of one bit (u1)"},
    // XLA's reader lets the wrong shape pass, its importer refuses it too.
    {"reduce-window", PJ_INVALID_ARGUMENT, "the inferred type(s) tensor<4x6xf32>"},
    {"rng-get-and-update-state", PJ_UNIMPLEMENTED, "rng-get-and-update-state"},
};

// A program and its run.
typedef struct Program {
  PjArena *arena;
  char *bytes;
  size_t size;
  PjModule *module;
  PjStrBuf text;
  PjStatus read, ran;
  uint32_t num_outputs;
  PjTensor *outputs[MAX_SLOTS];
} Program;

static char *read_file(const char *path, size_t *out_size) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return NULL;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char *bytes = malloc((size_t)size + 1);
  assert_non_null(bytes);
  *out_size = fread(bytes, 1, (size_t)size, file);
  bytes[*out_size] = 0;
  fclose(file);
  return bytes;
}

// What was read must print and parse back to an equal program.
static PjStatus import(void *context) {
  Program *p = context;
  PjModule *again;
  PJ_TRY(pj_import(p->arena, p->bytes, p->size, &p->module));
  pj_module_print(&p->text, p->module, NULL);
  PJ_TRY(pj_text_parse(p->arena, p->text.data, p->text.len, NULL, &again));
  pj_module_number(again);
  if (!pj_module_eq(p->module, again))
    return PJ_ERROR(INTERNAL, "printed and parsed, it is another program");
  return PJ_STATUS_OK;
}

// The same small numbers for each argument of the same place and type: no two neighbours equal,
// none negative.
static PjTensor *make_input(const PjType *type, uint32_t place) {
  PjTensor *tensor = pj_tensor_new(type->dtype, type->rank, type->dims);
  assert_non_null(tensor);
  size_t width = pj_dtype_bytes(type->dtype);
  for (int64_t i = 0; i < tensor->count; ++i) {
    unsigned number = (unsigned)(i * 7 + place * 3) % 5 + (unsigned)(i % 3);
    char *at = (char *)tensor->data + (size_t)i * width;
    float f = (float)number / 4;
    double d = (double)number / 4;
    uint64_t whole = pj_dtype_bits(type->dtype) < 4 ? number % 2 : number;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    memset(at, 0, width);
    switch (type->dtype) {
    case PJ_DT_F32:
    case PJ_DT_C64:
      memcpy(at, &f, sizeof f);
      break;
    case PJ_DT_F64:
    case PJ_DT_C128:
      memcpy(at, &d, sizeof d);
      break;
    case PJ_DT_BF16:
      bits >>= 16;
      memcpy(at, &bits, 2);
      break;
    case PJ_DT_PRED:
      *at = number % 2 != 0;
      break;
    default: // small bit patterns are numbers in every type
      memcpy(at, &whole, width < sizeof whole ? width : sizeof whole);
    }
  }
  return tensor;
}

static PjStatus run_guarded(void *context) {
  Program *p = context;
  PjProgram *program;
  const PjOp *entry = pj_module_entry(p->module);
  const PjRegion *body = &entry->regions[0];
  PjTensor *inputs[MAX_SLOTS];
  uint32_t count = body->num_args;
  p->num_outputs = body->last->num_operands;
  if (count > MAX_SLOTS || p->num_outputs > MAX_SLOTS)
    return PJ_ERROR(RESOURCE_EXHAUSTED, "more parameters than the test has room for");
  for (uint32_t i = 0; i < count; ++i)
    if (!pj_type_is_static(body->args[i].type))
      return PJ_ERROR(UNIMPLEMENTED, "parameter %u has no static shape", i);
  PJ_TRY(pj_program_create(p->module, &program));
  for (uint32_t i = 0; i < count; ++i)
    inputs[i] = make_input(body->args[i].type, i);
  PjStatus status = pj_program_run(program, NULL, count, inputs, NULL, p->num_outputs, p->outputs);
  for (uint32_t i = 0; i < count; ++i)
    pj_tensor_release(inputs[i]);
  return status;
}

// Reads |path| and runs it if it could be read; false when there is no such file.
static bool load(Program *p, const char *path) {
  memset(p, 0, sizeof *p);
  p->bytes = read_file(path, &p->size);
  if (!p->bytes)
    return false;
  assert_null(pj_arena_create(0, &p->arena));
  p->read = pj_arena_guard(p->arena, import, p);
  if (!p->read)
    p->ran = pj_arena_guard(p->arena, run_guarded, p);
  return true;
}

static void unload(Program *p) {
  for (uint32_t i = 0; i < p->num_outputs && i < MAX_SLOTS; ++i)
    if (p->outputs[i])
      pj_tensor_release(p->outputs[i]);
  pj_strbuf_free(&p->text);
  pj_status_free(p->read);
  pj_status_free(p->ran);
  pj_arena_destroy(p->arena);
  free(p->bytes);
}

static void complain(const char *path, const char *what, PjStatus status) {
  ++tally.wrong;
  print_message("%s: %s%s%s\n", path, what, status ? ": " : "", pj_status_message(status));
}

static bool same(const PjTensor *a, const PjTensor *b) {
  return a->dtype == b->dtype && a->rank == b->rank && a->bytes == b->bytes &&
         !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) &&
         !memcmp(a->data, b->data, a->bytes);
}

// Every rng gives other numbers.
static bool holds(const PjRegion *region, PjOpKind kind) {
  for (const PjOp *op = region->first; op; op = op->next) {
    if (op->kind == kind)
      return true;
    for (uint32_t i = 0; i < op->num_regions; ++i)
      if (holds(&op->regions[i], kind))
        return true;
  }
  return false;
}

static void compare(const char *path, const Program *hlo, const Program *mlir) {
  // XLA's importer leaves tuples of custom calls, for which no handler is called.
  if (mlir->ran && !hlo->ran) {
    ++tally.unread;
    return;
  }
  ++tally.compared;
  if (pj_status_code(hlo->ran) != pj_status_code(mlir->ran)) {
    complain(path, "of the two programs one fails", hlo->ran ? hlo->ran : mlir->ran);
    return;
  }
  if (hlo->num_outputs != mlir->num_outputs)
    complain(path, "another number of results", NULL);
  bool random = holds(&hlo->module->body, PJ_OP_RNG);
  for (uint32_t i = 0; !hlo->ran && !random && i < hlo->num_outputs && i < mlir->num_outputs; ++i)
    if (hlo->outputs[i]->data && !same(hlo->outputs[i], mlir->outputs[i])) {
      complain(path, "the results differ", NULL);
      return;
    }
}

static void judge(const char *path, const char *name) {
  static Program hlo, mlir; // large
  char beside[1100];
  size_t expected = 0, rows = sizeof refused / sizeof *refused;
  while (expected < rows && strcmp(refused[expected].name, name) != 0)
    ++expected;
  assert_true(load(&hlo, path));
  if (expected < rows) {
    if (pj_status_code(hlo.read) != refused[expected].code ||
        !strstr(pj_status_message(hlo.read), refused[expected].fragment))
      complain(path, "not refused as expected", hlo.read);
  } else if (hlo.read) {
    complain(path, pj_code_name(pj_status_code(hlo.read)), hlo.read);
  } else {
    snprintf(beside, sizeof beside, "%.*s.mlir", (int)(strlen(path) - 4), path);
    if (load(&mlir, beside)) {
      if (mlir.read)
        ++tally.unread; // MHLO, or what only XLA's importer prints
      else
        compare(path, &hlo, &mlir);
      unload(&mlir);
    }
  }
  unload(&hlo);
}

static int visit(const char *path, const struct stat *info, int kind, struct FTW *walk) {
  size_t length = strlen(path);
  if (kind != FTW_F || length < 5 || strcmp(path + length - 4, ".hlo") != 0)
    return 0;
  char name[256];
  snprintf(name, sizeof name, "%.*s", (int)(length - (size_t)walk->base - 4), path + walk->base);
  ++tally.files;
  judge(path, name);
  return 0;
}

static void test_suite(void **state) {
  const char *suite = getenv("HLO_SUITE");
  nftw(suite ? suite : PJ_SOURCE_DIR "/../shared/suites/hlo", visit, 16, FTW_PHYS);
  if (!tally.files) {
    print_message("skipped: no suite at ../shared/suites/hlo\n");
    skip();
  }
  print_message("%d files, %d compared with XLA's import, %d imports unread, %d wrong\n",
                tally.files, tally.compared, tally.unread, tally.wrong);
  assert_int_equal(tally.wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_suite)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
