// Running a schedule: a loop over steps. Nothing is allocated here but by fallbacks.
#include <string.h>

#include "base/alloc.h"
#include "sched/manual.h"
#include "sched/run.h"
#include "sched/trial.h"

enum { COPY_GRAIN = 1 << 18 };

// --- Kernels -------------------------------------------------------------------------------------

enum { MAX_BUFFERS = 64 }; // on the stack; more are gathered in the step's own part of memory

typedef struct Call {
  PjKernelEntry *entry;
  void *const *buffers;
  const uint64_t *params;
  char *scratch;
  size_t scratch_bytes;
} Call;

static void call_range(void *context, int64_t begin, int64_t end, int thread) {
  const Call *call = context;
  call->entry(call->buffers, call->params, begin, end,
              call->scratch + (size_t)thread * call->scratch_bytes);
}

static PjStatus run_kernel(PjRun *r, const PjStep *step) {
  void *few[MAX_BUFFERS], **buffers = few;
  uint32_t n = step->num_in + step->num_out;
  if (n > MAX_BUFFERS && !(buffers = pj_malloc(n * sizeof *buffers)))
    return pj_status_oom();
  for (uint32_t i = 0; i < n; i++)
    buffers[i] = r->buffers[step->in[i]];
  PjTrialTurn turn = {0};
  if (step->trial)
    turn = pj_trial_begin(step->trial);
  uint32_t code = turn.way == PJ_TRIAL_THROUGH ? step->through : step->code;
  Call call = {r->s->entries[code], buffers, step->params, r->scratch, step->scratch_bytes};
  if (step->units <= step->grain)
    call.entry(buffers, step->params, 0, step->units, r->scratch);
  else
    pj_threads_for(r->threads, step->units, step->grain, call_range, &call);
  if (step->trial)
    pj_trial_end(step->trial, turn);
  if (buffers != few)
    pj_free(buffers);
  return PJ_STATUS_OK;
}

// --- Copies and routines -------------------------------------------------------------------------

typedef struct Copy {
  char *to;
  const char *from;
} Copy;

static void copy_range(void *context, int64_t begin, int64_t end, int thread) {
  const Copy *copy = context;
  memcpy(copy->to + begin, copy->from + begin, (size_t)(end - begin));
}

static void run_copy(PjRun *r, const PjStep *step) {
  Copy copy = {r->buffers[step->out[0]], r->buffers[step->in[0]]};
  size_t bytes = r->s->slots.data[step->out[0]].bytes;
  if (copy.to != copy.from && bytes)
    pj_threads_for(r->threads, (int64_t)bytes, COPY_GRAIN, copy_range, &copy);
}

static PjStatus run_routine(PjRun *r, const PjStep *step) {
  const void *few_in[16];
  void *few_out[16];
  const void **in = few_in;
  void **out = few_out;
  void *block = NULL;
  if (step->num_in > 16 || step->num_out > 16) {
    block = pj_malloc((step->num_in + step->num_out) * sizeof(void *));
    if (!block)
      return pj_status_oom();
    in = block;
    out = (void **)block + step->num_in;
  }
  for (uint32_t i = 0; i < step->num_in; i++)
    in[i] = r->buffers[step->in[i]];
  for (uint32_t i = 0; i < step->num_out; i++)
    out[i] = r->buffers[step->out[i]];
  PjStatus status = step->routine->run(step->routine, r->threads, in, out, r->scratch);
  pj_free(block);
  return status;
}

// --- Fallbacks -----------------------------------------------------------------------------------

PjTensor *pj_run_tensor(const PjType *type, void *data) {
  if (type->kind == PJ_TYPE_TOKEN)
    return pj_tensor_token();
  return pj_tensor_wrap(type->dtype, type->rank, type->dims, data, false, NULL, NULL);
}

PjStatus pj_run_take(const PjTensor *tensor, void *to, size_t bytes) {
  if (tensor->kind != PJ_TENSOR_ARRAY || !bytes)
    return PJ_STATUS_OK;
  PJ_FAIL_IF(tensor->bytes != bytes, INTERNAL, "an operation returned %zu bytes instead of %zu",
             tensor->bytes, bytes);
  memcpy(to, tensor->data, bytes);
  return PJ_STATUS_OK;
}

static PjStatus eval_with(PjRun *r, const PjStep *step, PjTensor **in, PjTensor **out) {
  const PjType *type = PJ_ATTR(step->fallback, function_type)->type;
  for (uint32_t i = 0; i < step->num_in; i++)
    if (!(in[i] = pj_run_tensor(type->elems[i], r->buffers[step->in[i]])))
      return pj_status_oom();
  PJ_TRY(pj_program_call(r->s->fallback_program, step->fallback, r->options, step->num_in, in,
                         step->num_out, out));
  for (uint32_t i = 0; i < step->num_out; i++)
    PJ_TRY(pj_run_take(out[i], r->buffers[step->out[i]], r->s->slots.data[step->out[i]].bytes));
  return PJ_STATUS_OK;
}

static PjStatus run_eval(PjRun *r, const PjStep *step) {
  if (pj_is_device_number(step->op)) {
    bool partition = step->op->kind == PJ_OP_PARTITION_ID;
    *(uint32_t *)r->buffers[step->out[0]] = partition ? r->options->partition : r->options->replica;
    return PJ_STATUS_OK;
  }
  PjTensor **tensors = pj_calloc((size_t)step->num_in + step->num_out + 1, sizeof *tensors);
  if (!tensors)
    return pj_status_oom();
  PjStatus status = eval_with(r, step, tensors, tensors + step->num_in);
  for (uint32_t i = 0; i < step->num_in + step->num_out; i++)
    pj_tensor_release(tensors[i]);
  pj_free(tensors);
  return status;
}

// --- Control -------------------------------------------------------------------------------------

void pj_run_swap(const PjStep *step, void **buffers) {
  for (uint32_t i = 0; i < step->num_swaps; i++) {
    void **a = &buffers[step->swaps[2 * i]], **b = &buffers[step->swaps[2 * i + 1]], *kept = *a;
    *a = *b;
    *b = kept;
  }
}

uint32_t pj_run_branch(const PjStep *step, void *const *buffers) {
  if (step->is_if)
    return *(const uint8_t *)buffers[step->in[0]] ? 0 : 1;
  int32_t index;
  memcpy(&index, buffers[step->in[0]], sizeof index);
  return index < 0 || (uint32_t)index >= step->num_bodies ? step->num_bodies - 1 : (uint32_t)index;
}

static PjStatus run_body(PjRun *r, const PjSteps *steps) {
  return pj_run_steps(r, steps->data, steps->len);
}

static PjStatus run_while(PjRun *r, const PjStep *step) {
  for (;;) {
    PJ_TRY(run_body(r, &step->bodies[0]));
    if (!*(const uint8_t *)r->buffers[step->in[0]])
      return PJ_STATUS_OK;
    PJ_TRY(run_body(r, &step->bodies[1]));
    pj_run_swap(step, r->buffers);
  }
}

static PjStatus run_step(PjRun *r, const PjStep *step) {
  switch (step->kind) {
  case PJ_STEP_KERNEL:
    return run_kernel(r, step);
  case PJ_STEP_ROUTINE:
    return run_routine(r, step);
  case PJ_STEP_COPY:
    run_copy(r, step);
    return PJ_STATUS_OK;
  case PJ_STEP_EVAL:
    return run_eval(r, step);
  case PJ_STEP_WHILE:
    return run_while(r, step);
  case PJ_STEP_CASE:
    return run_body(r, &step->bodies[pj_run_branch(step, r->buffers)]);
  case PJ_STEP_MANUAL:
    return pj_manual_run(r, step);
  case PJ_STEP_MEET:
    return PJ_ERROR(INTERNAL, "a collective outside of a team");
  }
  return PJ_STATUS_OK;
}

static PjStatus run_noted(PjRun *r, const PjStep *step) {
  int64_t begin = pj_trace_clock();
  PjStatus status = run_step(r, step);
  pj_trace_add(r->labels, step->number, begin, pj_trace_clock(), 0);
  return status;
}

PjStatus pj_run_steps(PjRun *r, const PjStep *steps, size_t count) {
  for (size_t i = 0; i < count; i++)
    PJ_TRY(r->labels ? run_noted(r, &steps[i]) : run_step(r, &steps[i]));
  return PJ_STATUS_OK;
}

// --- Memory --------------------------------------------------------------------------------------

size_t pj_run_scratch(const PjSteps *steps, const PjThreads *threads) {
  size_t most = 0;
  for (size_t i = 0; i < steps->len; i++) {
    const PjStep *step = &steps->data[i];
    size_t bytes = 0;
    if (step->kind == PJ_STEP_KERNEL)
      bytes = step->scratch_bytes * (size_t)pj_threads_count(threads);
    if (step->kind == PJ_STEP_ROUTINE)
      bytes = pj_routine_scratch(step->routine, threads);
    if (step->kind == PJ_STEP_MANUAL)
      bytes = pj_manual_memory(step, threads);
    for (uint32_t b = 0; b < step->num_bodies; b++) {
      size_t inner = pj_run_scratch(&step->bodies[b], threads);
      bytes = inner > bytes ? inner : bytes;
    }
    most = bytes > most ? bytes : most;
  }
  return pj_run_aligned(most);
}

size_t pj_schedule_memory(const PjSchedule *schedule, const PjThreads *threads) {
  return schedule->temp_bytes + pj_run_scratch(&schedule->steps, threads);
}

void pj_run_bind(const PjSchedule *s, void *const *inputs, void *const *outputs, void *memory,
                 void *shared, void **buffers) {
  for (size_t i = 0; i < s->slots.len; i++) {
    const PjSchedSlot *slot = &s->slots.data[i];
    switch (slot->kind) {
    case PJ_SLOT_TEMP:
      buffers[i] = (char *)(s->shared && s->shared[i] ? shared : memory) + slot->offset;
      break;
    case PJ_SLOT_INPUT:
      buffers[i] = inputs[slot->index];
      break;
    case PJ_SLOT_OUTPUT:
      buffers[i] = outputs[slot->index];
      break;
    case PJ_SLOT_CONSTANT:
      buffers[i] = (void *)(uintptr_t)slot->data;
      break;
    }
  }
}

PjStatus pj_schedule_run(const PjSchedule *s, PjThreads *threads, const PjRunOptions *options,
                         void *const *inputs, void *const *outputs, void **buffers, void *memory) {
  pj_run_bind(s, inputs, outputs, memory, NULL, buffers);
  PjRun run = {.s = s,
               .threads = threads,
               .options = options,
               .buffers = buffers,
               .scratch = (char *)memory + s->temp_bytes,
               .labels = pj_trace_on() ? pj_schedule_labels(s) : NULL};
  return pj_run_steps(&run, s->steps.data, s->steps.len);
}
