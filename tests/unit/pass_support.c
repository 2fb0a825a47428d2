// Helpers of the passes' tests.
#include "pass_support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "eval/eval.h"
#include "eval/float.h"
#include "ir/equal.h"
#include "ir/print.h"
#include "ir/verify.h"

static char message[4096];

// ------------------------------------------------------------------------------------- inputs

static uint64_t state;

static uint64_t random_bits(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state * 0x2545F4914F6CDD1Du;
}

static const float specials[] = {0.0f,      -0.0f,  1.0f, -1.0f,  INFINITY,
                                 -INFINITY, 1e-40f, 0.5f, 3.0e38f};

static double random_float(int seed) {
  uint64_t bits = random_bits();
  if (!seed)
    return (double)(bits >> 8 & 15) - 7;
  if (bits % 4 == 0)
    return (bits >> 8) % 10 == 9 ? NAN : specials[(bits >> 8) % 9];
  return ((double)(bits >> 11) / (double)(1ull << 53) - 0.5) * 8;
}

static void fill_element(PjDtype dtype, char *at, int seed) {
  PjDtype part = pj_dtype_part(dtype);
  size_t bytes = pj_dtype_bytes(part);
  for (int i = 0; i < (part == dtype ? 1 : 2); ++i, at += bytes) {
    double value = random_float(seed);
    if (part == PJ_DT_F64) {
      memcpy(at, &value, bytes);
    } else if (part == PJ_DT_F32) {
      memcpy(at, &(float){(float)value}, bytes);
    } else if (dtype == PJ_DT_BF16) {
      float single = (float)value;
      memcpy(at, (char *)&single + 2, bytes);
    } else {
      uint64_t bits = random_bits();
      int64_t whole = seed && bits % 4 == 0 ? (int64_t)(bits >> 1) : (int64_t)(bits >> 8 & 7) - 2;
      unsigned width = pj_dtype_bits(dtype);
      if (dtype == PJ_DT_PRED || pj_dtype_is_float(dtype))
        whole &= pj_dtype_is_float(dtype) ? (1 << (width < 16 ? width - 1 : 15)) - 1 : 1;
      else if (width < 8)
        whole = pj_dtype_class(dtype) == PJ_CLASS_UINT ? whole & ((1 << width) - 1) : whole & 1;
      memcpy(at, &whole, bytes);
    }
  }
}

// ------------------------------------------------------------------------------------- running

typedef struct Results {
  uint32_t count;
  PjTensor *tensors[64];
  PjStatus status;
} Results;

typedef struct Job {
  PjModule *module;
  uint32_t num_inputs;
  PjTensor **inputs;
  Results *results;
} Job;

static PjStatus run_guarded(void *context) {
  Job *job = context;
  PjProgram *program;
  PJ_TRY(pj_program_create(job->module, &program));
  return pj_program_run(program, NULL, job->num_inputs, job->inputs, NULL, job->results->count,
                        job->results->tensors);
}

static Results run_module(PjModule *module, uint32_t num_inputs, PjTensor **inputs) {
  Results results = {.count =
                         pj_region_terminator(&pj_module_entry(module)->regions[0])->num_operands};
  assert_true(results.count <= 64);
  Job job = {module, num_inputs, inputs, &results};
  results.status = pj_arena_guard(module->arena, run_guarded, &job);
  return results;
}

// The same bits, but for those of NaN: which of two operands' NaN an addition keeps is the C
// compiler's choice, and not the same in loops of different shape.
static bool same_elements(const PjTensor *a, const PjTensor *b) {
  if (!a->bytes || !memcmp(a->data, b->data, a->bytes))
    return true;
  const PjDtype part = pj_dtype_part(a->dtype);
  if (!pj_dtype_is_float(part))
    return false;
  const size_t elem = pj_dtype_bytes(part);
  for (size_t at = 0; at < a->bytes; at += elem) {
    const char *x = (const char *)a->data + at, *y = (const char *)b->data + at;
    if (memcmp(x, y, elem) &&
        !(isnan(pj_double_decode(part, x)) && isnan(pj_double_decode(part, y))))
      return false;
  }
  return true;
}

static bool same(const PjTensor *a, const PjTensor *b) {
  if (a->kind != b->kind || a->num_elems != b->num_elems)
    return false;
  for (uint32_t i = 0; i < a->num_elems; ++i)
    if (!same(a->elems[i], b->elems[i]))
      return false;
  if (a->kind != PJ_TENSOR_ARRAY)
    return true;
  return a->dtype == b->dtype && a->rank == b->rank &&
         (!a->rank || !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims)) &&
         same_elements(a, b);
}

const char *pass_compare(PjModule *before, PjModule *after, int seed) {
  PjTensor *inputs[64];
  const PjRegion *body = &pj_module_entry(before)->regions[0];
  assert_true(body->num_args <= 64);
  state = 88172645463325252u + (uint64_t)seed;
  for (uint32_t i = 0; i < body->num_args; ++i) {
    const PjType *type = body->args[i].type;
    if (type->kind == PJ_TYPE_TOKEN) {
      inputs[i] = pj_tensor_token();
    } else {
      int64_t dims[PJ_MAX_RANK];
      for (int32_t d = 0; d < type->rank; ++d)
        dims[d] = type->dims[d] == PJ_DYN ? 3 : type->dims[d];
      inputs[i] = pj_tensor_new(type->dtype, type->rank, dims);
      for (int64_t e = 0; e < inputs[i]->count; ++e)
        fill_element(type->dtype, (char *)inputs[i]->data + (size_t)e * pj_dtype_bytes(type->dtype),
                     seed);
    }
    assert_non_null(inputs[i]);
  }
  Results a = run_module(before, body->num_args, inputs),
          b = run_module(after, body->num_args, inputs);
  const char *why = NULL;
  if (!a.status != !b.status) {
    snprintf(message, sizeof message, "before: %s; after: %s", pj_status_message(a.status),
             pj_status_message(b.status));
    why = message;
  }
  for (uint32_t i = 0; !why && !a.status && i < a.count; ++i)
    if (!same(a.tensors[i], b.tensors[i])) {
      snprintf(message, sizeof message, "result %u differs with inputs of seed %d", i, seed);
      why = message;
    }
  for (uint32_t i = 0; i < a.count; ++i) {
    pj_tensor_release(a.tensors[i]);
    pj_tensor_release(b.tensors[i]);
  }
  for (uint32_t i = 0; i < body->num_args; ++i)
    pj_tensor_release(inputs[i]);
  pj_status_free(a.status);
  pj_status_free(b.status);
  return why;
}

// ------------------------------------------------------------------------------------- tests

static Parsed parse_ok(const char *text) {
  Parsed parsed = parse(text, strlen(text));
  if (!parsed.status)
    parsed.status = pj_verify(parsed.module);
  if (parsed.status)
    fail_msg("%s %s\n%s", pj_status_message(parsed.status), pj_status_location(parsed.status),
             text);
  return parsed;
}

static PjModule *run_pass(Parsed *parsed, const char *pass) {
  PjModule *out;
  PjPassOptions options = {.verify = true, .only = pass};
  parsed->status = pj_passes_run(parsed->arena, parsed->module, &options, &out);
  if (parsed->status)
    fail_msg("%s", pj_status_message(parsed->status));
  return out;
}

Parsed pass_run(const char *text, const char *pass) {
  Parsed parsed = parse_ok(text);
  parsed.module = run_pass(&parsed, pass);
  return parsed;
}

static void check_equal(Parsed *parsed, PjModule *after, const char *text, bool sums) {
  for (int seed = 0; seed < (sums ? 3 : 6); ++seed) {
    const char *why = pass_compare(parsed->module, after, seed > 2);
    if (!why)
      continue;
    PjStrBuf buf = {0};
    pj_module_print(&buf, after, NULL);
    print_error("%s\nbefore:\n%s\nafter:\n%s\n", why, text, buf.data);
    pj_strbuf_free(&buf);
    fail();
  }
}

static void expect(const char *pass, const char *before, const char *after, bool sums) {
  Parsed parsed = parse_ok(before), expected = parse_ok(after);
  PjModule *out = run_pass(&parsed, pass);
  PjStrBuf difference = {0};
  if (!pj_module_compare(out, expected.module, &difference)) {
    PjStrBuf buf = {0};
    pj_module_print(&buf, out, NULL);
    print_error("%s\ngot:\n%s\nexpected:\n%s\n", difference.data, buf.data, after);
    pj_strbuf_free(&buf);
    fail();
  }
  pj_strbuf_free(&difference);
  check_equal(&parsed, out, before, sums);
  parsed_free(&parsed);
  parsed_free(&expected);
}

void pass_expect(const char *pass, const char *before, const char *after) {
  expect(pass, before, after, false);
}

void pass_expect_sums(const char *pass, const char *before, const char *after) {
  expect(pass, before, after, true);
}

void pass_expect_same(const char *pass, const char *text) {
  pass_expect(pass, text, text);
}

void pass_expect_equal(const char *pass, const char *text) {
  Parsed parsed = parse_ok(text);
  PjModule *out = run_pass(&parsed, pass);
  check_equal(&parsed, out, text, false);
  parsed_free(&parsed);
}

const char *pass_main(const char *args, const char *results, const char *body) {
  static char pieces[4][8192];
  static int next;
  char *at = pieces[next++ & 3];
  int len =
      snprintf(at, sizeof pieces[0], "func.func @main(%s) -> (%s) {\n%s\n}\n", args, results, body);
  assert_true(len > 0 && (size_t)len < sizeof pieces[0]);
  return at;
}
