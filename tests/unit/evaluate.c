// Helpers of the evaluator's tests.
#include "evaluate.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "eval/eval.h"
#include "import/import.h"

typedef struct Run {
  PjArena *arena;
  const char *text;
  uint32_t num_inputs, num_outputs;
  PjTensor *const *inputs;
  const bool *donated;
  PjTensor **outputs;
} Run;

static PjStatus run_guarded(void *context) {
  Run *run = context;
  PjModule *module;
  PjProgram *program;
  PJ_TRY(pj_import(run->arena, run->text, strlen(run->text), &module));
  PJ_TRY(pj_program_create(module, &program));
  return pj_program_run(program, NULL, run->num_inputs, run->inputs, run->donated, run->num_outputs,
                        run->outputs);
}

PjStatus evaluate(const char *text, uint32_t num_inputs, PjTensor *const *inputs, bool donate,
                  uint32_t num_outputs, PjTensor **outputs) {
  bool donated[16];
  for (uint32_t i = 0; i < 16; ++i)
    donated[i] = donate;
  Run run = {.text = text,
             .num_inputs = num_inputs,
             .num_outputs = num_outputs,
             .inputs = inputs,
             .donated = donated,
             .outputs = outputs};
  for (uint32_t i = 0; i < num_outputs; ++i)
    outputs[i] = NULL;
  PJ_TRY(pj_arena_create(0, &run.arena));
  PjStatus status = pj_arena_guard(run.arena, run_guarded, &run);
  pj_arena_destroy(run.arena);
  return status;
}

void evaluate_ok(const char *text, uint32_t num_inputs, PjTensor *const *inputs,
                 uint32_t num_outputs, PjTensor **outputs) {
  PjStatus status = evaluate(text, num_inputs, inputs, false, num_outputs, outputs);
  if (status)
    fail_msg("%s %s\n%s", pj_status_message(status), pj_status_location(status), text);
}

void evaluate_fails(const char *text, PjCode code, const char *fragment) {
  PjTensor *out;
  PjStatus status = evaluate(text, 0, NULL, false, 1, &out);
  if (pj_status_code(status) != code || !strstr(pj_status_message(status), fragment))
    fail_msg("%s \"%s\" is not the expected \"%s\"\n%s", pj_code_name(pj_status_code(status)),
             pj_status_message(status), fragment, text);
  assert_null(out);
  pj_status_free(status);
}

PjTensor *make_tensor(PjDtype dtype, int32_t rank, const int64_t *dims, const void *values) {
  PjTensor *tensor = pj_tensor_new(dtype, rank, dims);
  assert_non_null(tensor);
  if (values) {
    memcpy(tensor->data, values, tensor->bytes);
    return tensor;
  }
  size_t elem = pj_dtype_bytes(dtype);
  for (int64_t i = 0; i < tensor->count; ++i) {
    int64_t value = random_int(-9, 9);
    char *at = (char *)tensor->data + (size_t)i * elem;
    memset(at, 0, elem);
    if (dtype == PJ_DT_F32)
      *(float *)at = (float)value;
    else if (dtype == PJ_DT_PRED)
      *at = value > 0;
    else
      memcpy(at, &value, elem < 8 ? elem : 8);
  }
  return tensor;
}

static char text_buffer[1 << 16];
static size_t text_len;

void text_start(void) {
  text_len = 0;
  text_buffer[0] = 0;
}

void text_add(const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(text_buffer + text_len, sizeof text_buffer - text_len, format, args);
  va_end(args);
  assert_true(len >= 0 && (size_t)len < sizeof text_buffer - text_len);
  text_len += (size_t)len;
}

void text_type(PjDtype dtype, int32_t rank, const int64_t *dims) {
  text_add("tensor<");
  for (int32_t i = 0; i < rank; ++i)
    text_add("%" PRId64 "x", dims[i]);
  text_add("%s>", pj_dtype_text(dtype));
}

void text_list(int64_t count, const int64_t *values) {
  for (int64_t i = 0; i < count; ++i)
    text_add(i ? ", %" PRId64 : "%" PRId64, values[i]);
}

const char *text_get(void) {
  return text_buffer;
}

int64_t random_int(int64_t low, int64_t high) {
  static uint64_t state = 88172645463325252u;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return low + (int64_t)(state % (uint64_t)(high - low + 1));
}

void unravel(int64_t linear, int32_t rank, const int64_t *dims, int64_t *index) {
  for (int32_t i = rank - 1; i >= 0; --i) {
    index[i] = linear % dims[i];
    linear /= dims[i];
  }
}

int64_t ravel(int32_t rank, const int64_t *dims, const int64_t *index) {
  int64_t linear = 0;
  for (int32_t i = 0; i < rank; ++i)
    linear = linear * dims[i] + index[i];
  return linear;
}

int64_t product(int32_t rank, const int64_t *dims) {
  int64_t count = 1;
  for (int32_t i = 0; i < rank; ++i)
    count *= dims[i];
  return count;
}
