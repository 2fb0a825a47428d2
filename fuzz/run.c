// Running any module that the verifier accepts must end in results or in an error: no fault, no
// read of memory that was not written by somebody. Programs that could run for long by right
// (loops, large arrays, trees of calls) are left out.
#include <string.h>

#include "eval/eval.h"
#include "eval/float.h"
#include "import/import.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
const char *__asan_default_options(void);

// Shapes known only at run time may ask for any size; the answer to too much is an error.
const char *__asan_default_options(void) {
  return "allocator_may_return_null=1:max_allocation_size_mb=64";
}

enum { MAX_INPUTS = 32, MAX_OUTPUTS = 32, MAX_ELEMENTS = 1 << 14, MAX_CALLS = 6, MAX_NESTED = 24 };

typedef struct Input {
  PjArena *arena;
  const unsigned char *data;
  size_t size;
  PjTensor *inputs[MAX_INPUTS], *outputs[MAX_OUTPUTS]; // here, since an exhausted arena leaves run
  uint32_t num_inputs;
} Input;

// What a module may cost, as far as that can be seen before it runs.
typedef struct Cost {
  int64_t elements;
  uint32_t calls, nested;
  bool loops;
} Cost;

static void add_type(Cost *cost, const PjType *type) {
  int64_t count = 1;
  for (int32_t d = 0; type->kind == PJ_TYPE_TENSOR && d < type->rank; ++d)
    if (type->dims[d] > MAX_ELEMENTS)
      count = MAX_ELEMENTS + 1;
    else if (type->dims[d] > 0 && count <= MAX_ELEMENTS)
      count *= type->dims[d];
  cost->elements += count;
}

static void add_region(Cost *cost, const PjRegion *region, int depth) {
  for (uint32_t i = 0; i < region->num_args; ++i)
    add_type(cost, region->args[i].type);
  for (const PjOp *op = region->first; op; op = op->next) {
    cost->loops |= op->kind == PJ_OP_WHILE;
    cost->calls += op->kind == PJ_OP_CALL || op->kind == PJ_OP_COMPOSITE;
    cost->nested += depth > 1 && op->num_regions;
    for (uint32_t i = 0; i < op->num_results; ++i)
      add_type(cost, op->results[i].type);
    for (uint32_t r = 0; r < op->num_regions; ++r)
      add_region(cost, &op->regions[r], depth + 1);
  }
}

// Fills |tensor| with small numbers, special ones, or random bits.
static void fill(PjTensor *tensor, uint64_t *state) {
  static const uint64_t special[] = {0,
                                     1,
                                     UINT64_MAX,
                                     0x8000000080000000, // the smallest integer, -0
                                     0x7FFFFFFF7FFFFFFF, // the largest integer, NaN
                                     0x7F8000007F800000, // infinity
                                     0x7FF0000000000000,
                                     0x3F8000003F800000,
                                     0x3FF0000000000000};
  size_t bytes = pj_dtype_bytes(tensor->dtype);
  unsigned bits = pj_dtype_bits(tensor->dtype);
  for (int64_t i = 0; i < tensor->count; ++i) {
    unsigned char element[16] = {0};
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    uint64_t value = *state >> 33 & 3;
    if ((*state >> 40 & 7) == 0)
      value = special[(*state >> 43) % (sizeof special / sizeof *special)];
    else if ((*state >> 40 & 7) == 1)
      value = *state ^ *state >> 29;
    memcpy(element, &value, 8);
    memcpy(element + 8, &value, 8);
    // A value keeps to its own width, as whoever makes buffers promises.
    if (tensor->dtype == PJ_DT_PRED)
      element[0] &= 1;
    else if (pj_dtype_class(tensor->dtype) == PJ_CLASS_SINT)
      pj_int_encode(tensor->dtype, (int64_t)value, element);
    else if (bits < 8)
      element[0] &= (unsigned char)((1u << bits) - 1);
    memcpy((char *)tensor->data + (size_t)i * bytes, element, bytes);
  }
}

static PjTensor *make_input(const PjType *type, uint64_t *state) {
  if (type->kind != PJ_TYPE_TENSOR)
    return pj_tensor_token();
  int64_t dims[PJ_MAX_RANK];
  for (int32_t d = 0; d < type->rank; ++d)
    dims[d] = type->dims[d] == PJ_DYN ? 2 : type->dims[d];
  PjTensor *tensor = pj_tensor_new(type->dtype, type->rank, dims);
  if (tensor)
    fill(tensor, state);
  return tensor;
}

// Reads all of |tensor|, so that the sanitizers see what it refers to.
static unsigned touch(const PjTensor *tensor) {
  unsigned sum = 0;
  for (size_t i = 0; i < tensor->bytes; ++i)
    sum += ((const unsigned char *)tensor->data)[i];
  for (uint32_t i = 0; i < tensor->num_elems; ++i)
    sum += touch(tensor->elems[i]);
  return sum;
}

static void release(Input *in) {
  for (uint32_t i = 0; i < in->num_inputs; ++i)
    pj_tensor_release(in->inputs[i]);
  for (uint32_t i = 0; i < MAX_OUTPUTS; ++i) {
    pj_tensor_release(in->outputs[i]);
    in->outputs[i] = NULL;
  }
  in->num_inputs = 0;
}

static PjStatus run_func(Input *in, const PjProgram *program, const PjOp *func, uint64_t *state) {
  const PjRegion *body = &func->regions[0];
  const PjOp *end = pj_region_terminator(body);
  if (!body->first || !end || body->num_args > MAX_INPUTS || end->num_operands > MAX_OUTPUTS)
    return PJ_STATUS_OK;
  for (uint32_t i = 0; i < body->num_args; ++i) {
    PjTensor *input = make_input(body->args[i].type, state);
    if (!input)
      return pj_status_oom();
    in->inputs[in->num_inputs++] = input;
  }
  PjStatus status = pj_program_call(program, func, NULL, in->num_inputs, in->inputs,
                                    end->num_operands, in->outputs);
  volatile unsigned sum = 0;
  for (uint32_t i = 0; !status && i < end->num_operands; ++i)
    sum += touch(in->outputs[i]);
  (void)sum; // what was read is enough
  release(in);
  return status;
}

static PjStatus run(void *ctx) {
  Input *in = ctx;
  PjModule *module;
  PjProgram *program;
  PJ_TRY(pj_import(in->arena, in->data, in->size, &module));
  Cost cost = {0};
  add_region(&cost, &module->body, 0);
  if (cost.loops || cost.elements > MAX_ELEMENTS || cost.calls > MAX_CALLS ||
      cost.nested > MAX_NESTED)
    return PJ_STATUS_OK;
  PJ_TRY(pj_program_create(module, &program));
  uint64_t state = in->size;
  for (const PjOp *op = module->body.first; op; op = op->next)
    for (int round = 0; round < 2 && op->kind == PJ_OP_FUNC; ++round)
      pj_status_free(run_func(in, program, op, &state));
  return PJ_STATUS_OK;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  Input in = {.data = data, .size = size};
  PjStatus status = pj_arena_create((size_t)64 << 20, &in.arena);
  if (!status)
    status = pj_arena_guard(in.arena, run, &in);
  pj_status_free(status);
  release(&in);
  pj_arena_destroy(in.arena);
  return 0;
}
