// See run.h.
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inputs.h"

PjStatus runner_create(const PjCompilerOps *compiler, int count, const int *threads,
                       Runner **out_runner) {
  *out_runner = NULL;
  Runner *runner = calloc(1, sizeof *runner);
  if (!runner)
    return pj_status_oom();
  runner->compiler = compiler;
  runner->platform = pj_platform_cpu;
  runner->platform.compiler = compiler;
  for (int i = 0; i < count && i < RUN_MAX_CLIENTS; ++i) {
    PjClientOptions options = {.threads = threads[i], .synchronous = true};
    PjStatus status = pj_client_create(&runner->platform, &options, &runner->clients[i]);
    if (status) {
      runner_destroy(runner);
      return status;
    }
    runner->threads[i] = threads[i];
    runner->num_clients = i + 1;
  }
  *out_runner = runner;
  return PJ_STATUS_OK;
}

void runner_destroy(Runner *runner) {
  if (!runner)
    return;
  for (int i = 0; i < runner->num_clients; ++i)
    pj_client_destroy(runner->clients[i]);
  free(runner);
}

PjStatus runner_compile(Runner *runner, PjStr text, PjExecutable **out) {
  return pj_executable_compile(runner->compiler, text, PJ_STR("mlir"), (PjStr){0}, out);
}

// ----------------------------------------------------------------------------------------------
// Memory of inputs. A block of pages with an inaccessible one behind; contents lie at its end, a
// pattern before them. Kept for the next run, since making it costs more than most programs.
enum { MARGIN = 64, PATTERN = 0xA5 };

typedef struct Block {
  char *base;
  size_t capacity; // bytes before the guard page
} Block;

static Block all_blocks[RUN_LANES][64];

static PjStatus block_reserve(Block *block, size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), need = (size + MARGIN + page - 1) & ~(page - 1);
  if (block->base && block->capacity >= need)
    return PJ_STATUS_OK;
  if (block->base)
    munmap(block->base, block->capacity + page);
  block->base = mmap(NULL, need + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block->base == MAP_FAILED) {
    block->base = NULL;
    return pj_status_oom();
  }
  block->capacity = need;
  mprotect(block->base + need, page, PROT_NONE);
  return PJ_STATUS_OK;
}

static char *block_data(const Block *block, size_t size) {
  return block->base + ((block->capacity - size) & ~(size_t)(PJ_ALIAS_ALIGNMENT - 1));
}

static PjStatus check_margins(const Block *block, size_t size, uint32_t index) {
  const char *data = block_data(block, size), *end = block->base + block->capacity;
  for (const char *at = data - MARGIN; at < data; ++at)
    PJ_FAIL_IF((unsigned char)*at != PATTERN, INTERNAL, "wrote %td bytes before input %u",
               data - at, index);
  for (const char *at = data + size; at < end; ++at)
    PJ_FAIL_IF((unsigned char)*at != PATTERN, INTERNAL, "wrote %td bytes behind input %u",
               at - (data + size), index);
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------------
// running
typedef struct Arrays {
  Block *blocks;
  uint32_t num_in, num_out;
  PjArray *in[64], *out[64];
  bool donated[64];
} Arrays;

static PjStatus make_arrays(Runner *runner, int index, const PjExecutable *executable,
                            PjTensor *const *inputs, Arrays *arrays) {
  const PjSignature *signature = &executable->signature;
  PjMemory *memory = runner->clients[index]->devices[0]->memories[PJ_MEMORY_DEVICE];
  for (uint32_t i = 0; i < signature->num_params; ++i) {
    const PjShape *shape = signature->params[i].shape;
    Block *block = &arrays->blocks[i];
    PJ_TRY(block_reserve(block, shape->num_bytes));
    char *data = block_data(block, shape->num_bytes);
    memset(data - MARGIN, PATTERN, (size_t)(block->base + block->capacity - data) + MARGIN);
    memcpy(data, inputs[i]->data, shape->num_bytes);
    arrays->in[i] = pj_array_create(memory, shape, pj_event_ok());
    if (!arrays->in[i])
      return pj_status_oom();
    ++arrays->num_in;
    arrays->donated[i] = signature->params[i].donated;
    pj_array_use_foreign(arrays->in[i], data, arrays->donated[i], NULL, NULL);
  }
  for (uint32_t i = 0; i < signature->num_results; ++i) {
    arrays->out[i] = pj_array_create(memory, signature->results[i].shape, NULL);
    if (!arrays->out[i])
      return pj_status_oom();
    ++arrays->num_out;
  }
  return PJ_STATUS_OK;
}

static PjStatus check_inputs(const Arrays *arrays, PjTensor *const *inputs) {
  for (uint32_t i = 0; i < arrays->num_in; ++i) {
    const PjShape *shape = arrays->in[i]->shape;
    PJ_TRY(check_margins(&arrays->blocks[i], shape->num_bytes, i));
    const char *data = block_data(&arrays->blocks[i], shape->num_bytes), *was = inputs[i]->data;
    PJ_FAIL_IF(!arrays->donated[i] && shape->num_bytes && memcmp(data, was, shape->num_bytes) != 0,
               INTERNAL, "input %u changed, which was not donated", i);
  }
  return PJ_STATUS_OK;
}

static PjStatus run_arrays(Runner *runner, int index, PjExecutable *executable,
                           PjTensor *const *inputs, PjTensor **outputs, Arrays *arrays) {
  PJ_TRY(make_arrays(runner, index, executable, inputs, arrays));
  static _Atomic uint64_t run_id;
  PjRunContext context = {
      .client = runner->clients[index], .ffi_states = executable->ffi_states, .run_id = ++run_id};
  PJ_TRY(runner->compiler->run(executable->compiled, &context, arrays->num_in, arrays->in,
                               arrays->donated, arrays->num_out, arrays->out));
  PJ_TRY(check_inputs(arrays, inputs));
  for (uint32_t i = 0; i < arrays->num_out; ++i) {
    const PjArray *array = arrays->out[i];
    const PjShape *shape = array->shape;
    PJ_FAIL_IF(array->kind == PJ_ARRAY_NONE, INTERNAL, "result %u was given no memory", i);
    outputs[i] = pj_tensor_new(shape->dtype, shape->rank, shape->dims);
    if (!outputs[i])
      return pj_status_oom();
    PJ_TRY(pj_array_read(array, 0, shape->num_bytes, outputs[i]->data));
  }
  return PJ_STATUS_OK;
}

PjStatus runner_run(Runner *runner, int index, PjExecutable *executable, PjTensor *const *inputs,
                    PjTensor **outputs) {
  return runner_run_on(runner, index, 0, executable, inputs, outputs);
}

PjStatus runner_run_on(Runner *runner, int index, int lane, PjExecutable *executable,
                       PjTensor *const *inputs, PjTensor **outputs) {
  const PjSignature *signature = &executable->signature;
  for (uint32_t i = 0; i < signature->num_results; ++i)
    outputs[i] = NULL;
  PJ_FAIL_IF(signature->num_params > 64 || signature->num_results > 64, UNIMPLEMENTED,
             "more than 64 parameters or results");
  Arrays arrays = {.blocks = all_blocks[lane]};
  PjStatus status = run_arrays(runner, index, executable, inputs, outputs, &arrays);
  if (status)
    run_release(signature->num_results, outputs);
  // Results first: one may lie in the memory of an input.
  for (uint32_t i = 0; i < arrays.num_out; ++i)
    pj_array_release(arrays.out[i]);
  for (uint32_t i = 0; i < arrays.num_in; ++i)
    pj_array_release(arrays.in[i]);
  return status;
}

PjStatus run_make_inputs(const PjExecutable *executable, PjTensor **out_inputs) {
  const PjSignature *signature = &executable->signature;
  const PjOp *entry = pj_module_entry(executable->module);
  for (uint32_t i = 0; i < signature->num_params; ++i)
    out_inputs[i] = NULL;
  for (uint32_t i = 0; i < signature->num_params; ++i) {
    const PjShape *shape = signature->params[i].shape;
    if (shape->token)
      return PJ_ERROR(UNIMPLEMENTED, "a token as argument %u", i);
    out_inputs[i] = pj_tensor_new(shape->dtype, shape->rank, shape->dims);
    if (!out_inputs[i])
      return pj_status_oom();
    input_fill(shape->dtype, shape->num_elements, out_inputs[i]->data, input_code_of(entry, i));
  }
  return PJ_STATUS_OK;
}

void run_release(uint32_t count, PjTensor **tensors) {
  for (uint32_t i = 0; i < count; ++i) {
    pj_tensor_release(tensors[i]);
    tensors[i] = NULL;
  }
}
