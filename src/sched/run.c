// Running a schedule: a loop over steps. Nothing is allocated here but by fallbacks.
#include <string.h>

#include "base/alloc.h"
#include "sched/sched.h"

enum { COPY_GRAIN = 1 << 18 };

typedef struct Run {
  const PjSchedule *s;
  PjThreads *threads;
  const PjRunOptions *options;
  void **buffers;
  char *scratch;
  PjTraceLabels *labels; // of the steps, while a profiler is on
} Run;

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

static PjStatus run_kernel(Run *r, const PjStep *step) {
  void *few[MAX_BUFFERS], **buffers = few;
  uint32_t n = step->num_in + step->num_out;
  if (n > MAX_BUFFERS && !(buffers = pj_malloc(n * sizeof *buffers)))
    return pj_status_oom();
  for (uint32_t i = 0; i < n; i++)
    buffers[i] = r->buffers[step->in[i]];
  Call call = {r->s->entries[step->code], buffers, step->params, r->scratch, step->scratch_bytes};
  if (step->units <= step->grain)
    call.entry(buffers, step->params, 0, step->units, r->scratch);
  else
    pj_threads_for(r->threads, step->units, step->grain, call_range, &call);
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

static void run_copy(Run *r, const PjStep *step) {
  Copy copy = {r->buffers[step->out[0]], r->buffers[step->in[0]]};
  size_t bytes = r->s->slots.data[step->out[0]].bytes;
  if (copy.to != copy.from && bytes)
    pj_threads_for(r->threads, (int64_t)bytes, COPY_GRAIN, copy_range, &copy);
}

static PjStatus run_routine(Run *r, const PjStep *step) {
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

static PjStatus eval_with(Run *r, const PjStep *step, PjTensor **in, PjTensor **out) {
  const PjType *type = PJ_ATTR(step->fallback, function_type)->type;
  for (uint32_t i = 0; i < step->num_in; i++) {
    const PjType *t = type->elems[i];
    in[i] = t->kind == PJ_TYPE_TOKEN ? pj_tensor_token()
                                     : pj_tensor_wrap(t->dtype, t->rank, t->dims,
                                                      r->buffers[step->in[i]], false, NULL, NULL);
    if (!in[i])
      return pj_status_oom();
  }
  PJ_TRY(pj_program_call(r->s->fallback_program, step->fallback, r->options, step->num_in, in,
                         step->num_out, out));
  for (uint32_t i = 0; i < step->num_out; i++) {
    size_t bytes = r->s->slots.data[step->out[i]].bytes;
    if (out[i]->kind != PJ_TENSOR_ARRAY || !bytes)
      continue;
    PJ_FAIL_IF(out[i]->bytes != bytes, INTERNAL, "an operation returned %zu bytes instead of %zu",
               out[i]->bytes, bytes);
    memcpy(r->buffers[step->out[i]], out[i]->data, bytes);
  }
  return PJ_STATUS_OK;
}

static PjStatus run_eval(Run *r, const PjStep *step) {
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

static PjStatus run_steps(Run *r, const PjSteps *steps);

static PjStatus run_while(Run *r, const PjStep *step) {
  for (;;) {
    PJ_TRY(run_steps(r, &step->bodies[0]));
    if (!*(const uint8_t *)r->buffers[step->in[0]])
      return PJ_STATUS_OK;
    PJ_TRY(run_steps(r, &step->bodies[1]));
    for (uint32_t i = 0; i < step->num_swaps; i++) {
      void **a = &r->buffers[step->swaps[2 * i]], **b = &r->buffers[step->swaps[2 * i + 1]],
           *kept = *a;
      *a = *b;
      *b = kept;
    }
  }
}

static PjStatus run_case(Run *r, const PjStep *step) {
  uint32_t branch;
  if (step->is_if) {
    branch = *(const uint8_t *)r->buffers[step->in[0]] ? 0 : 1;
  } else {
    int32_t index;
    memcpy(&index, r->buffers[step->in[0]], sizeof index);
    branch =
        index < 0 || (uint32_t)index >= step->num_bodies ? step->num_bodies - 1 : (uint32_t)index;
  }
  return run_steps(r, &step->bodies[branch]);
}

static PjStatus run_step(Run *r, const PjStep *step) {
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
    return run_case(r, step);
  }
  return PJ_STATUS_OK;
}

static PjStatus run_noted(Run *r, const PjStep *step) {
  int64_t begin = pj_trace_clock();
  PjStatus status = run_step(r, step);
  pj_trace_add(r->labels, step->number, begin, pj_trace_clock(), 0);
  return status;
}

static PjStatus run_steps(Run *r, const PjSteps *steps) {
  for (size_t i = 0; i < steps->len; i++)
    PJ_TRY(r->labels ? run_noted(r, &steps->data[i]) : run_step(r, &steps->data[i]));
  return PJ_STATUS_OK;
}

// --- Memory --------------------------------------------------------------------------------------

static size_t scratch_of(const PjSteps *steps, const PjThreads *threads) {
  size_t most = 0;
  for (size_t i = 0; i < steps->len; i++) {
    const PjStep *step = &steps->data[i];
    size_t bytes = 0;
    if (step->kind == PJ_STEP_KERNEL)
      bytes = step->scratch_bytes * (size_t)pj_threads_count(threads);
    if (step->kind == PJ_STEP_ROUTINE)
      bytes = pj_routine_scratch(step->routine, threads);
    for (uint32_t b = 0; b < step->num_bodies; b++) {
      size_t inner = scratch_of(&step->bodies[b], threads);
      bytes = inner > bytes ? inner : bytes;
    }
    most = bytes > most ? bytes : most;
  }
  return most;
}

size_t pj_schedule_memory(const PjSchedule *schedule, const PjThreads *threads) {
  return schedule->temp_bytes + (scratch_of(&schedule->steps, threads) + 63) / 64 * 64;
}

PjStatus pj_schedule_run(const PjSchedule *s, PjThreads *threads, const PjRunOptions *options,
                         void *const *inputs, void *const *outputs, void **buffers, void *memory) {
  for (size_t i = 0; i < s->slots.len; i++) {
    const PjSchedSlot *slot = &s->slots.data[i];
    switch (slot->kind) {
    case PJ_SLOT_TEMP:
      buffers[i] = (char *)memory + slot->offset;
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
  Run run = {s,
             threads,
             options,
             buffers,
             (char *)memory + s->temp_bytes,
             pj_trace_on() ? pj_schedule_labels(s) : NULL};
  return run_steps(&run, &s->steps);
}
