// Running a schedule for a team, see team.h.
#include <string.h>

#include "base/alloc.h"
#include "eval/kernel.h"
#include "sched/team.h"

typedef struct Team {
  const PjSchedule *s;
  uint32_t count;
  PjThreads *threads;
  PjRun *each;   // by device, on one thread
  char *scratch; // for all threads
  const PjRunOptions *options;
  PjStatus *failures; // by device
} Team;

// The devices that come to some steps; by number.
typedef struct Members {
  uint32_t count;
  const uint32_t *ids;
} Members;

static PjStatus run_list(Team *t, const PjSteps *steps, Members members);

// --- Steps that do not meet ----------------------------------------------------------------------

// One device's run with all threads to itself.
static PjRun alone(const Team *t, uint32_t device) {
  PjRun run = t->each[device];
  run.threads = t->threads;
  run.scratch = t->scratch;
  return run;
}

// A step for all devices at once. The slots that a loop inside of it has exchanged are everybody's.
static PjStatus run_once(Team *t, const PjStep *step) {
  PjRun run = alone(t, 0);
  PJ_TRY(pj_run_steps(&run, step, 1));
  for (uint32_t p = 1; p < t->count && step->num_bodies; p++)
    for (size_t i = 0; i < t->s->slots.len; i++)
      if (t->s->shared[i])
        t->each[p].buffers[i] = t->each[0].buffers[i];
  return PJ_STATUS_OK;
}

// Whether steps may run on any thread, in any order with those of other devices.
static bool is_tame(const PjStep *steps, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (steps[i].kind == PJ_STEP_EVAL && !(pj_op_info[steps[i].op->kind].traits & PJ_TRAIT_PURE))
      return false;
    for (uint32_t b = 0; b < steps[i].num_bodies; b++)
      if (!is_tame(steps[i].bodies[b].data, steps[i].bodies[b].len))
        return false;
  }
  return true;
}

typedef struct Span {
  Team *t;
  const PjStep *steps;
  size_t count;
  Members members;
} Span;

static void run_members(void *context, int64_t begin, int64_t end, int thread) {
  const Span *span = context;
  (void)thread;
  for (int64_t m = begin; m < end; m++) {
    uint32_t id = span->members.ids[m];
    span->t->failures[id] = pj_run_steps(&span->t->each[id], span->steps, span->count);
  }
}

// Steps of each device's own: devices side by side where there are enough of them for all threads.
static PjStatus run_span(Team *t, const PjStep *steps, size_t count, Members members) {
  if (members.count < (uint32_t)pj_threads_count(t->threads) || !is_tame(steps, count)) {
    for (uint32_t m = 0; m < members.count; m++) {
      PjRun run = alone(t, members.ids[m]);
      PJ_TRY(pj_run_steps(&run, steps, count));
    }
    return PJ_STATUS_OK;
  }
  Span span = {t, steps, count, members};
  PjStatus first = NULL;
  pj_threads_for(t->threads, members.count, 1, run_members, &span);
  for (uint32_t m = 0; m < members.count; m++) {
    PjStatus *failure = &t->failures[members.ids[m]];
    if (!first)
      first = *failure;
    else
      pj_status_free(*failure);
    *failure = NULL;
  }
  return first;
}

// --- Collectives ---------------------------------------------------------------------------------

// |block|: room for tensors, inputs then results, by device.
static PjStatus meet_in(Team *t, const PjStep *step, Members members, PjTensor **block,
                        PjTensor *const **in, PjTensor ***out) {
  const PjType *type = PJ_ATTR(step->fallback, function_type)->type;
  uint32_t width = step->num_in + step->num_out;
  for (uint32_t p = 0; p < t->count; p++)
    out[p] = block + (size_t)p * width + step->num_in;
  for (uint32_t m = 0; m < members.count; m++) {
    uint32_t p = members.ids[m];
    PjTensor **own = block + (size_t)p * width;
    for (uint32_t i = 0; i < step->num_in; i++)
      if (!(own[i] = pj_run_tensor(type->elems[i], t->each[p].buffers[step->in[i]])))
        return pj_status_oom();
    in[p] = own;
  }
  PJ_TRY(pj_program_meet(t->s->fallback_program, step->fallback, t->s->team->num_replicas,
                         t->s->team->num_partitions, t->options, step->num_in, in, step->num_out,
                         (PjTensor * *const *)out));
  for (uint32_t m = 0; m < members.count; m++) {
    uint32_t p = members.ids[m];
    for (uint32_t i = 0; i < step->num_out; i++) {
      uint32_t slot = step->out[i];
      if (m == 0 || !t->s->shared[slot])
        PJ_TRY(pj_run_take(out[p][i], t->each[p].buffers[slot], t->s->slots.data[slot].bytes));
    }
  }
  return PJ_STATUS_OK;
}

// A reduction of arrays of one type over all devices by one elementwise operation. Its results are
// shared, so its one group names each device (team.c).
static bool is_plain_reduction(const Team *t, const PjStep *step, Members members, PjKernel *out) {
  const PjOp *op = step->op;
  if (op->kind != PJ_OP_ALL_REDUCE || !step->num_in || members.count != t->count)
    return false;
  for (uint32_t i = 0; i < step->num_in; i++)
    if (!t->s->shared[step->out[i]] || op->operands[i]->type->dtype != op->operands[0]->type->dtype)
      return false;
  const PjRegion *body = &op->regions[0];
  const PjOp *first = body->first, *end = pj_region_terminator(body);
  const PjType *type = op->operands[0]->type;
  return first && first->next == end && first->num_operands == 2 && first->num_results == 1 &&
         first->operands[0] == &body->args[0] && first->operands[1] == &body->args[1] &&
         end->operands[0] == &first->results[0] && !type->quant &&
         first->results[0].type->dtype == type->dtype && body->args[0].type->dtype == type->dtype &&
         pj_kernel_make(first->kind, type->dtype, type->dtype, 0, 0, out);
}

typedef struct Reduction {
  const Team *t;
  const PjKernel *kernel;
  uint32_t slot;
  size_t element;
  const int64_t *order; // of the devices
  char *out;
} Reduction;

// In the order of the group, as the evaluator does; in chunks that stay in the nearest cache.
static void reduce_range(void *context, int64_t begin, int64_t end, int thread) {
  enum { CHUNK = 2048 };
  const Reduction *r = context;
  (void)thread;
  for (int64_t at = begin, n; at < end; at += n) {
    n = end - at < CHUNK ? end - at : CHUNK;
    size_t offset = (size_t)at * r->element;
    char *sum = r->out + offset;
    memcpy(sum, (const char *)r->t->each[r->order[0]].buffers[r->slot] + offset,
           (size_t)n * r->element);
    for (uint32_t p = 1; p < r->t->count; p++) {
      const void *terms[2] = {sum, (const char *)r->t->each[r->order[p]].buffers[r->slot] + offset};
      r->kernel->fn(r->kernel, n, terms, sum);
    }
  }
}

static void reduce_operand(Team *t, const PjStep *step, uint32_t i, const PjKernel *kernel) {
  enum { GRAIN = 1 << 14 };
  size_t element = pj_dtype_bytes(step->op->operands[0]->type->dtype);
  Reduction reduction = {t,
                         kernel,
                         step->in[i],
                         element,
                         PJ_ATTR(step->op, replica_groups)->ints,
                         t->each[0].buffers[step->out[i]]};
  size_t bytes = t->s->slots.data[step->out[i]].bytes;
  pj_threads_for(t->threads, (int64_t)(bytes / element), GRAIN, reduce_range, &reduction);
}

static PjStatus run_meet(Team *t, const PjStep *step, Members members) {
  PjKernel kernel;
  if (is_plain_reduction(t, step, members, &kernel)) {
    for (uint32_t i = 0; i < step->num_in; i++)
      reduce_operand(t, step, i, &kernel);
    return PJ_STATUS_OK;
  }
  size_t width = (size_t)step->num_in + step->num_out;
  PjTensor **block = pj_calloc(t->count * (width + 2) + 1, sizeof *block);
  if (!block)
    return pj_status_oom();
  PjTensor *const **in = (PjTensor *const **)(block + t->count * width);
  PjTensor ***out = (PjTensor ***)(in + t->count);
  PjStatus status = meet_in(t, step, members, block, in, out);
  for (size_t i = 0; i < t->count * width; i++)
    pj_tensor_release(block[i]);
  pj_free(block);
  return status;
}

// --- Control -------------------------------------------------------------------------------------

static PjStatus turn(Team *t, const PjStep *step, uint32_t *ids, uint32_t *count) {
  PJ_TRY(run_list(t, &step->bodies[0], (Members){*count, ids}));
  uint32_t kept = 0;
  for (uint32_t m = 0; m < *count; m++)
    if (*(const uint8_t *)t->each[ids[m]].buffers[step->in[0]])
      ids[kept++] = ids[m];
  *count = kept;
  if (!kept)
    return PJ_STATUS_OK;
  PJ_TRY(run_list(t, &step->bodies[1], (Members){kept, ids}));
  for (uint32_t m = 0; m < kept; m++)
    pj_run_swap(step, t->each[ids[m]].buffers);
  return PJ_STATUS_OK;
}

// Until no device wants another turn.
static PjStatus run_while(Team *t, const PjStep *step, uint32_t *ids, uint32_t count) {
  while (count)
    PJ_TRY(turn(t, step, ids, &count));
  return PJ_STATUS_OK;
}

// |chosen|, |ids|: room for a number per member. A branch may write over the index of another.
static PjStatus run_case(Team *t, const PjStep *step, Members members, uint32_t *chosen,
                         uint32_t *ids) {
  for (uint32_t m = 0; m < members.count; m++)
    chosen[m] = pj_run_branch(step, t->each[members.ids[m]].buffers);
  for (uint32_t b = 0; b < step->num_bodies; b++) {
    uint32_t count = 0;
    for (uint32_t m = 0; m < members.count; m++)
      if (chosen[m] == b)
        ids[count++] = members.ids[m];
    if (count)
      PJ_TRY(run_list(t, &step->bodies[b], (Members){count, ids}));
  }
  return PJ_STATUS_OK;
}

static PjStatus run_control(Team *t, const PjStep *step, Members members) {
  uint32_t *ids = pj_malloc((size_t)(2 * members.count + 1) * sizeof *ids);
  if (!ids)
    return pj_status_oom();
  memcpy(ids, members.ids, members.count * sizeof *ids);
  PjStatus status = step->kind == PJ_STEP_WHILE
                        ? run_while(t, step, ids, members.count)
                        : run_case(t, step, members, ids + members.count, ids);
  pj_free(ids);
  return status;
}

static PjStatus run_list(Team *t, const PjSteps *steps, Members members) {
  for (size_t i = 0; i < steps->len; i++) {
    const PjStep *step = &steps->data[i];
    if (step->kind == PJ_STEP_MEET) {
      PJ_TRY(run_meet(t, step, members));
    } else if (step->meets) {
      PJ_TRY(run_control(t, step, members));
    } else if (step->once) {
      PJ_TRY(run_once(t, step));
    } else {
      size_t end = i + 1;
      while (end < steps->len && !steps->data[end].once && !steps->data[end].meets)
        end++;
      PJ_TRY(run_span(t, step, end - i, members));
      i = end - 1;
    }
  }
  return PJ_STATUS_OK;
}

// --- Memory --------------------------------------------------------------------------------------

// Of one device: temporaries, scratch, addresses, its run, its failure and its number.
static size_t device_bytes(const PjSchedule *s) {
  return pj_run_aligned(s->temp_bytes) + pj_run_scratch(&s->steps, NULL) +
         pj_run_aligned(s->slots.len * sizeof(void *) + sizeof(PjRun) + sizeof(PjStatus) +
                        sizeof(uint32_t));
}

size_t pj_team_memory(const PjSchedule *s, const PjThreads *threads) {
  return pj_team_size(s->team) * device_bytes(s) + pj_run_aligned(s->shared_bytes) +
         pj_run_scratch(&s->steps, threads);
}

PjStatus pj_team_run(const PjSchedule *s, PjThreads *threads, const PjRunOptions *options,
                     void *const *const *inputs, void *const *const *outputs, void *memory) {
  uint32_t count = pj_team_size(s->team);
  char *at = memory, *shared = at;
  at += pj_run_aligned(s->shared_bytes);
  Team team = {.s = s, .count = count, .threads = threads, .scratch = at, .options = options};
  at += pj_run_scratch(&s->steps, threads);
  char *temporaries = at;
  size_t own = pj_run_aligned(s->temp_bytes) + pj_run_scratch(&s->steps, NULL);
  at += count * own;
  team.each = (PjRun *)(void *)at;
  at += count * sizeof(PjRun);
  team.failures = (PjStatus *)(void *)at;
  at += count * sizeof(PjStatus);
  void **buffers = (void **)(void *)at;
  at += count * s->slots.len * sizeof *buffers;
  uint32_t *ids = (uint32_t *)(void *)at;
  PjTraceLabels *labels = pj_trace_on() ? pj_schedule_labels(s) : NULL;
  for (uint32_t p = 0; p < count; p++) {
    char *memory_of = temporaries + p * own;
    team.each[p] = (PjRun){.s = s,
                           .options = &options[p],
                           .buffers = buffers + p * s->slots.len,
                           .scratch = memory_of + pj_run_aligned(s->temp_bytes),
                           .labels = labels};
    team.failures[p] = NULL;
    ids[p] = p;
    pj_run_bind(s, inputs[p], outputs[p], memory_of, shared, team.each[p].buffers);
    for (size_t i = 0; i < s->slots.len && p; i++)
      if (s->shared[i])
        team.each[p].buffers[i] = team.each[0].buffers[i];
  }
  return run_list(&team, &s->steps, (Members){count, ids});
}
