// Meetings. A group that meets on a channel has one record; its generation counts how often it has
// met. The last member to arrive computes everybody's results while the others wait, so no tensor
// is ever touched by two threads at once.
//
// Nothing waits for ever: a process that fails aborts the grid, and when every process still
// running waits, the one that noticed reports a deadlock to all of them.
#include "eval/grid.h"

#include <pthread.h>

#include "base/alloc.h"

typedef struct Meeting {
  struct Meeting *next;
  PjOpKind kind;
  int64_t channel;
  uint32_t size, arrived, leaving;
  bool computing; // the last member uses the others' operands: they must not go
  uint64_t generation;
  PjStatus failure; // of the generation just finished
  const PjOp **ops; // by member, while they gather: as |in| and |out|
  PjTensor *const **in;
  PjTensor ***out;
  uint32_t *ids; // size
} Meeting;

typedef struct Message {
  struct Message *next;
  int64_t channel, target;
  uint32_t count;
  PjTensor *values[];
} Message;

struct PjGrid {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  uint32_t num_replicas, num_partitions;
  // Processes that have not ended, and those of them that have waited since the last change. A
  // woken one that has not run yet does not count: what changed may be what it waits for.
  uint32_t live, waiting;
  uint64_t changes;
  PjStatus aborted;
  Meeting *meetings;
  Message *first, **last;
  uint32_t num_infeed, next_infeed;
  const PjFuncPlan *const *infeed;
};

PjStatus pj_grid_create(uint32_t num_replicas, uint32_t num_partitions, const int *device_ids,
                        PjGrid **out_grid) {
  (void)device_ids;
  *out_grid = NULL;
  uint32_t total;
  PJ_FAIL_IF(!num_replicas || !num_partitions ||
                 __builtin_mul_overflow(num_replicas, num_partitions, &total),
             INVALID_ARGUMENT, "a grid of %u replicas and %u partitions", num_replicas,
             num_partitions);
  PjGrid *grid = pj_calloc(1, sizeof *grid);
  if (!grid)
    return pj_status_oom();
  pthread_mutex_init(&grid->lock, NULL);
  pthread_cond_init(&grid->changed, NULL);
  grid->num_replicas = num_replicas;
  grid->num_partitions = num_partitions;
  grid->live = total;
  grid->last = &grid->first;
  *out_grid = grid;
  return PJ_STATUS_OK;
}

static void announce_change(PjGrid *grid) {
  ++grid->changes;
  grid->waiting = 0;
  pthread_cond_broadcast(&grid->changed);
}

static void abort_locked(PjGrid *grid, PjStatus why) {
  if (!grid->aborted)
    grid->aborted = pj_status_clone(why);
  announce_change(grid);
}

void pj_grid_abort(PjGrid *grid, PjStatus why) {
  pthread_mutex_lock(&grid->lock);
  abort_locked(grid, why);
  pthread_mutex_unlock(&grid->lock);
}

static void abort_if_stuck(PjGrid *grid) {
  if (!grid->waiting || grid->waiting < grid->live || grid->aborted)
    return;
  PjStatus why = PJ_ERROR(
      FAILED_PRECONDITION,
      "the devices wait for each other for ever: %u of them wait in collectives or receives that "
      "no running device will join",
      grid->waiting);
  abort_locked(grid, why);
  pj_status_free(why);
}

void pj__grid_leave(PjGrid *grid) {
  pthread_mutex_lock(&grid->lock);
  --grid->live;
  abort_if_stuck(grid);
  pthread_mutex_unlock(&grid->lock);
}

void pj_grid_destroy(PjGrid *grid) {
  if (!grid)
    return;
  for (Meeting *meeting = grid->meetings, *next; meeting; meeting = next) {
    next = meeting->next;
    pj_status_free(meeting->failure);
    pj_free(meeting);
  }
  for (Message *message = grid->first, *next; message; message = next) {
    next = message->next;
    for (uint32_t i = 0; i < message->count; ++i)
      pj_tensor_release(message->values[i]);
    pj_free(message);
  }
  pj_status_free(grid->aborted);
  pthread_mutex_destroy(&grid->lock);
  pthread_cond_destroy(&grid->changed);
  pj_free(grid);
}

uint32_t pj__grid_replicas(const PjRunOptions *options) {
  return options->assembly ? options->assembly->num_replicas
         : options->grid   ? options->grid->num_replicas
                           : 1;
}
uint32_t pj__grid_partitions(const PjRunOptions *options) {
  return options->assembly ? options->assembly->num_partitions
         : options->grid   ? options->grid->num_partitions
                           : 1;
}

// ----------------------------------------------------------------------------------------------
// meetings
static Meeting *find_meeting(PjGrid *grid, PjOpKind kind, int64_t channel, const PjGroup *group) {
  for (Meeting *meeting = grid->meetings; meeting; meeting = meeting->next)
    if (meeting->kind == kind && meeting->channel == channel && meeting->size == group->size &&
        !memcmp(meeting->ids, group->ids, group->size * sizeof *group->ids))
      return meeting;
  size_t size = group->size;
  Meeting *meeting =
      pj_calloc(1, sizeof *meeting + size * (sizeof *meeting->ops + sizeof *meeting->in +
                                             sizeof *meeting->out + sizeof *meeting->ids));
  if (!meeting)
    return NULL;
  meeting->kind = kind;
  meeting->channel = channel;
  meeting->size = group->size;
  meeting->ops = (const PjOp **)(meeting + 1);
  meeting->in = (PjTensor *const **)(meeting->ops + size);
  meeting->out = (PjTensor ***)(meeting->in + size);
  meeting->ids = (uint32_t *)(meeting->out + size);
  memcpy(meeting->ids, group->ids, size * sizeof *group->ids);
  meeting->next = grid->meetings;
  grid->meetings = meeting;
  return meeting;
}

// Waits once; the lock is held before and after. Notices a deadlock before going to sleep.
static void wait_for_change(PjGrid *grid) {
  ++grid->waiting;
  abort_if_stuck(grid);
  uint64_t changes = grid->changes;
  if (!grid->aborted)
    pthread_cond_wait(&grid->changed, &grid->lock);
  // A wake-up without a change: it goes on waiting, and counts itself again.
  if (grid->changes == changes && !grid->aborted)
    --grid->waiting;
}

typedef struct Compute {
  PjEval *ev;
  const PjOp *op;
  const PjGroup *group;
  const PjOp *const *ops;
  PjTensor *const *const *in;
  PjTensor ***out;
  PjMeetFn *fn;
} Compute;

// Members may run different operations, and sizes may be known at run time only: everybody must
// bring the same, but for the dimension that all_gather joins.
static PjStatus check_members(const Compute *c) {
  const PjOp *op = c->op;
  uint32_t count = op->kind == PJ_OP_SDY_MANUAL_COMPUTATION ? op->num_results : op->num_operands;
  int64_t joined = op->kind == PJ_OP_ALL_GATHER ? PJ_INT(op, all_gather_dim) : -1;
  for (uint32_t m = 0; m < c->group->size; ++m) {
    const PjOp *other = c->ops[m];
    bool same = other->num_operands == op->num_operands && other->num_results == op->num_results;
    for (uint32_t i = 0; same && i < count; ++i) {
      const PjTensor *a = c->in[0][i], *b = c->in[m][i];
      same = a->kind == b->kind && a->dtype == b->dtype && a->rank == b->rank;
      for (int32_t d = 0; same && d < a->rank; ++d)
        same = d == joined || a->dims[d] == b->dims[d];
    }
    if (!same)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "the processes of a group bring operands of different shapes");
  }
  return PJ_STATUS_OK;
}

static PjStatus compute_guarded(void *context) {
  Compute *c = context;
  PJ_TRY(check_members(c));
  PJ_TRY(c->fn(c->ev, c->op, c->group, c->in, c->out));
  for (uint32_t m = 0; m < c->group->size; ++m)
    for (uint32_t i = 0; i < c->op->num_results; ++i)
      c->out[m][i] = pj__eval_export(c->ev, c->out[m][i]);
  return PJ_STATUS_OK;
}

static PjStatus meet(PjGrid *grid, PjEval *ev, const PjOp *op, int64_t channel,
                     const PjGroup *group, PjTensor *const *in, PjTensor **out, PjMeetFn *fn) {
  Meeting *meeting = find_meeting(grid, op->kind, channel, group);
  if (!meeting)
    return pj_status_oom();
  while (meeting->leaving && !grid->aborted)
    wait_for_change(grid); // the generation before is still being picked up
  if (grid->aborted)
    return pj_status_clone(grid->aborted);
  uint64_t generation = meeting->generation;
  meeting->ops[group->self] = op;
  meeting->in[group->self] = in;
  meeting->out[group->self] = out;
  if (++meeting->arrived < meeting->size) {
    while (meeting->generation == generation && (!grid->aborted || meeting->computing)) {
      if (meeting->computing)
        pthread_cond_wait(&grid->changed, &grid->lock);
      else
        wait_for_change(grid);
    }
    if (meeting->generation == generation)
      return pj_status_clone(grid->aborted);
  } else {
    Compute compute = {ev, op, group, meeting->ops, meeting->in, meeting->out, fn};
    meeting->computing = true;
    pthread_mutex_unlock(&grid->lock);
    PjStatus failure = pj_arena_guard(ev->arena, compute_guarded, &compute);
    pthread_mutex_lock(&grid->lock);
    meeting->computing = false;
    pj_status_free(meeting->failure);
    meeting->failure = failure;
    meeting->arrived = 0;
    meeting->leaving = meeting->size;
    ++meeting->generation;
    announce_change(grid);
  }
  PjStatus status = pj_status_clone(meeting->failure);
  if (--meeting->leaving == 0)
    announce_change(grid);
  return status;
}

// ----------------------------------------------------------------------------------------------
// assemblies: the members are here already
static PjStatus meet_assembled(const PjAssembly *assembly, PjEval *ev, const PjOp *op,
                               const PjGroup *group, PjTensor *const *in, PjTensor **out,
                               PjMeetFn *fn) {
  PjTensor *const **ins = PJ_NEW_ARRAY(ev->arena, PjTensor *const *, group->size);
  PjTensor ***outs = PJ_NEW_ARRAY(ev->arena, PjTensor **, group->size);
  const PjOp **ops = PJ_NEW_ARRAY(ev->arena, const PjOp *, group->size);
  for (uint32_t m = 0; m < group->size; ++m) {
    uint32_t id = group->ids[m];
    ops[m] = op;
    ins[m] = in;
    outs[m] = out;
    if (m == group->self)
      continue;
    if (!assembly->inputs[id] || assembly->done[id])
      return PJ_OP_ERROR(op, FAILED_PRECONDITION,
                         "the devices wait for each other for ever: device %u does not come to "
                         "the collective that others of its group wait in",
                         id);
    PjTensor **operands = PJ_NEW_ARRAY(ev->arena, PjTensor *, op->num_operands);
    for (uint32_t i = 0; i < op->num_operands; ++i) // parameters of the function
      operands[i] = assembly->inputs[id][op->operands[i]->index];
    ins[m] = operands;
    outs[m] = PJ_NEW_ARRAY(ev->arena, PjTensor *, op->num_results);
  }
  Compute compute = {ev, op, group, ops, ins, outs, fn};
  PJ_TRY(check_members(&compute));
  PJ_TRY(fn(ev, op, group, ins, outs));
  for (uint32_t m = 0; m < group->size; ++m) {
    if (m == group->self)
      continue;
    for (uint32_t i = 0; i < op->num_results; ++i)
      assembly->outputs[group->ids[m]][i] = pj__eval_export(ev, outs[m][i]);
    assembly->done[group->ids[m]] = true;
  }
  return PJ_STATUS_OK;
}

PjStatus pj_program_meet(const PjProgram *program, const PjOp *func, uint32_t num_replicas,
                         uint32_t num_partitions, const PjRunOptions *options, uint32_t num_inputs,
                         PjTensor *const *const *inputs, uint32_t num_outputs,
                         PjTensor **const *outputs) {
  uint32_t count = num_replicas * num_partitions;
  for (uint32_t p = 0; p < count; ++p)
    memset(outputs[p], 0, num_outputs * sizeof *outputs[p]);
  bool *done = pj_calloc(count, sizeof *done);
  if (!done)
    return pj_status_oom();
  PjAssembly assembly = {num_replicas, num_partitions, inputs, outputs, done};
  PjStatus status = PJ_STATUS_OK;
  for (uint32_t p = 0; p < count && !status; ++p) {
    if (!inputs[p] || done[p])
      continue;
    PjRunOptions own = options[p];
    own.grid = NULL;
    own.assembly = &assembly;
    done[p] = true;
    status = pj_program_call(program, func, &own, num_inputs, inputs[p], num_outputs, outputs[p]);
  }
  for (uint32_t p = 0; p < count && status; ++p)
    for (uint32_t i = 0; i < num_outputs; ++i) {
      pj_tensor_release(outputs[p][i]);
      outputs[p][i] = NULL;
    }
  pj_free(done);
  return status;
}

PjStatus pj__grid_meet(PjEval *ev, const PjOp *op, int64_t channel, const PjGroup *group,
                       PjTensor *const *in, PjTensor **out, PjMeetFn *fn) {
  PjGrid *grid = ev->options->grid;
  const PjAssembly *assembly = ev->options->assembly;
  if ((!grid && !assembly) || group->size == 1)
    return fn(ev, op, group, (PjTensor *const *const[]){in}, (PjTensor * *[]){out});
  if (assembly)
    return meet_assembled(assembly, ev, op, group, in, out, fn);
  pthread_mutex_lock(&grid->lock);
  PjStatus status = grid->aborted ? pj_status_clone(grid->aborted)
                                  : meet(grid, ev, op, channel, group, in, out, fn);
  pthread_mutex_unlock(&grid->lock);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    if (!status)
      pj__eval_adopt(ev, out[i]);
    else
      out[i] = NULL;
  }
  return status;
}

// ----------------------------------------------------------------------------------------------
// queues
PjStatus pj__grid_send(PjEval *ev, const PjOp *op, int64_t channel, int64_t target, uint32_t count,
                       PjTensor *const *in) {
  PjGrid *grid = ev->options->grid;
  if (!grid)
    return PJ_OP_ERROR(op, UNIMPLEMENTED,
                       "a program for one device has nobody to send to on channel %lld",
                       (long long)channel);
  Message *message = pj_calloc(1, sizeof *message + count * sizeof *message->values);
  if (!message)
    return pj_status_oom();
  message->channel = channel;
  message->target = target;
  for (; message->count < count; ++message->count) {
    const PjTensor *value = in[message->count];
    PjTensor *copy = pj_tensor_new(value->dtype, value->rank, value->dims);
    if (!copy)
      break;
    if (copy->bytes)
      memcpy(copy->data, value->data, copy->bytes);
    message->values[message->count] = copy;
  }
  if (message->count < count) {
    while (message->count)
      pj_tensor_release(message->values[--message->count]);
    pj_free(message);
    return pj_status_oom();
  }
  pthread_mutex_lock(&grid->lock);
  *grid->last = message;
  grid->last = &message->next;
  announce_change(grid);
  pthread_mutex_unlock(&grid->lock);
  return PJ_STATUS_OK;
}

static Message *take_message(PjGrid *grid, int64_t channel, int64_t self) {
  for (Message **link = &grid->first; *link; link = &(*link)->next) {
    Message *message = *link;
    if (message->channel != channel || message->target != self)
      continue;
    *link = message->next;
    if (grid->last == &message->next)
      grid->last = link;
    return message;
  }
  return NULL;
}

PjStatus pj__grid_receive(PjEval *ev, const PjOp *op, int64_t channel, int64_t self, uint32_t count,
                          PjTensor **out) {
  PjGrid *grid = ev->options->grid;
  if (!grid)
    return PJ_OP_ERROR(op, UNIMPLEMENTED,
                       "a program for one device has nobody to receive from on channel %lld",
                       (long long)channel);
  pthread_mutex_lock(&grid->lock);
  Message *message;
  while (!(message = take_message(grid, channel, self)) && !grid->aborted)
    wait_for_change(grid);
  PjStatus status = message ? PJ_STATUS_OK : pj_status_clone(grid->aborted);
  pthread_mutex_unlock(&grid->lock);
  if (!message)
    return status;
  if (message->count != count)
    status =
        PJ_OP_ERROR(op, INVALID_ARGUMENT, "channel %lld carries %u values, but %u are received",
                    (long long)channel, message->count, count);
  for (uint32_t i = 0; i < message->count; ++i) {
    if (status)
      pj_tensor_release(message->values[i]);
    else
      out[i] = pj__eval_adopt(ev, message->values[i]);
  }
  pj_free(message);
  return status;
}

void pj__grid_set_infeed(PjGrid *grid, uint32_t count, const PjFuncPlan *const *funcs) {
  grid->num_infeed = count;
  grid->infeed = funcs;
}

const PjFuncPlan *pj__grid_next_infeed(PjGrid *grid) {
  pthread_mutex_lock(&grid->lock);
  const PjFuncPlan *func =
      grid->next_infeed < grid->num_infeed ? grid->infeed[grid->next_infeed++] : NULL;
  pthread_mutex_unlock(&grid->lock);
  return func;
}
