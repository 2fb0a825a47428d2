// The evaluator for a vendor's compiler, one operation at a time.
#include <string.h>

#include "base/alloc.h"
#include "eval/eval.h"
#include "sdk/internal.h"

// --- Tensors -------------------------------------------------------------------------------------

static PjTensor *tensor_of(const PjsTensor *tensor) {
  return (PjTensor *)(uintptr_t)tensor;
}

PjsTensor *pjs_tensor_new(const PjsType *handle) {
  const PjType *type = (const PjType *)handle;
  if (type->kind == PJ_TYPE_TOKEN)
    return (PjsTensor *)pj_tensor_token();
  if (!pj_type_is_static(type))
    return NULL;
  return (PjsTensor *)pj_tensor_new(type->dtype, type->rank, type->dims);
}

typedef struct Wrapped {
  void (*release)(void *context);
  void *context;
} Wrapped;

static void wrapped_release(void *context, void *data) {
  Wrapped wrapped = *(Wrapped *)context;
  pj_free(context);
  if (wrapped.release)
    wrapped.release(wrapped.context);
}

PjsTensor *pjs_tensor_wrap(const PjsType *handle, const void *data, void (*release)(void *context),
                           void *context) {
  const PjType *type = (const PjType *)handle;
  if (!pj_type_is_static(type))
    return NULL;
  Wrapped *wrapped = pj_malloc(sizeof *wrapped);
  if (!wrapped)
    return NULL;
  *wrapped = (Wrapped){release, context};
  PjTensor *tensor = pj_tensor_wrap(type->dtype, type->rank, type->dims, (void *)(uintptr_t)data,
                                    false, wrapped_release, wrapped);
  if (!tensor)
    pj_free(wrapped);
  return (PjsTensor *)tensor;
}

PjsTensor *pjs_tensor_retain(PjsTensor *tensor) {
  return (PjsTensor *)pj_tensor_retain(tensor_of(tensor));
}
void pjs_tensor_release(PjsTensor *tensor) {
  pj_tensor_release(tensor_of(tensor));
}
void *pjs_tensor_data(PjsTensor *tensor) {
  return tensor_of(tensor)->data;
}
size_t pjs_tensor_bytes(const PjsTensor *tensor) {
  return tensor_of(tensor)->bytes;
}
int pjs_tensor_rank(const PjsTensor *tensor) {
  return tensor_of(tensor)->rank;
}
const int64_t *pjs_tensor_dims(const PjsTensor *tensor) {
  return tensor_of(tensor)->dims;
}

// --- The evaluator -------------------------------------------------------------------------------

// Room for the values of a function while one of its operations runs; zeroed, kept for the next.
typedef struct Room {
  struct Room *next;
  PjTensor *slots[];
} Room;

struct PjsEvaluator {
  PjArena *arena;
  PjModule module; // the vendor's, with an arena of ours: his is not ours to allocate from
  PjProgram *program;
  uint32_t num_values; // of the largest function
  pthread_mutex_t lock;
  Room *rooms; // under |lock|
};

static PjStatus prepare(void *context) {
  PjsEvaluator *evaluator = context;
  for (const PjOp *op = evaluator->module.body.first; op; op = op->next)
    if (op->kind == PJ_OP_FUNC && op->num_values > evaluator->num_values)
      evaluator->num_values = op->num_values;
  return pj_program_create(&evaluator->module, &evaluator->program);
}

PjsError *pjs_evaluator_create(const PjsModule *module, PjsEvaluator **out) {
  *out = NULL;
  PjsEvaluator *evaluator = pj_calloc(1, sizeof *evaluator);
  if (!evaluator)
    return pjs_out_of_memory();
  pthread_mutex_init(&evaluator->lock, NULL);
  evaluator->module = *(const PjModule *)module;
  PjStatus status = pj_arena_create(0, &evaluator->arena);
  evaluator->module.arena = evaluator->arena;
  if (!status)
    status = pj_arena_guard(evaluator->arena, prepare, evaluator);
  if (status) {
    pjs_evaluator_destroy(evaluator);
    return pj_sdk_error(status);
  }
  *out = evaluator;
  return NULL;
}

void pjs_evaluator_destroy(PjsEvaluator *evaluator) {
  if (!evaluator)
    return;
  while (evaluator->rooms) {
    Room *room = evaluator->rooms;
    evaluator->rooms = room->next;
    pj_free(room);
  }
  pthread_mutex_destroy(&evaluator->lock);
  pj_arena_destroy(evaluator->arena);
  pj_free(evaluator);
}

static Room *take_room(PjsEvaluator *evaluator) {
  pthread_mutex_lock(&evaluator->lock);
  Room *room = evaluator->rooms;
  if (room)
    evaluator->rooms = room->next;
  pthread_mutex_unlock(&evaluator->lock);
  return room ? room : pj_calloc(1, sizeof *room + evaluator->num_values * sizeof(PjTensor *));
}

PjsError *pjs_evaluate(const PjsEvaluator *handle, const PjsOp *op, PjsTensor **values) {
  PjsEvaluator *evaluator = (PjsEvaluator *)(uintptr_t)handle;
  Room *room = take_room(evaluator);
  if (!room)
    return pjs_out_of_memory();
  PjStatus status = pj_program_run_op(evaluator->program, (const PjOp *)op, NULL, room->slots,
                                      (PjTensor **)values);
  pthread_mutex_lock(&evaluator->lock);
  room->next = evaluator->rooms;
  evaluator->rooms = room;
  pthread_mutex_unlock(&evaluator->lock);
  return pj_sdk_error(status);
}
