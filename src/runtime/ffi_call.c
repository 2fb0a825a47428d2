// Calling handlers: the stages of a call, and the state of call sites.
//
// XLA instantiates handlers when it makes an executable. Here a call site is instantiated when it
// is first reached, which a handler cannot tell apart; its state lives as long as the program.
#include "runtime/ffi_call.h"

#include <pthread.h>

#include "base/alloc.h"
#include "runtime/ffi_frame.h"

struct PjFfiStates {
  pthread_mutex_t lock;
  PjFfiState *first;
};

PjFfiStates *pj_ffi_states_create(void) {
  PjFfiStates *states = pj_calloc(1, sizeof *states);
  if (states)
    pthread_mutex_init(&states->lock, NULL);
  return states;
}

void pj_ffi_states_destroy(PjFfiStates *states) {
  if (!states)
    return;
  for (PjFfiState *state = states->first, *next; state; state = next) {
    next = state->next;
    void (*deleter)(void *) = state->set ? pj_ffi_type_deleter(state->type_id) : NULL;
    if (deleter)
      deleter(state->object);
    pj_free(state);
  }
  pthread_mutex_destroy(&states->lock);
  pj_free(states);
}

// Runs one stage; waits if the handler finishes later.
static PjStatus run_stage(XLA_FFI_Handler *handler, XLA_FFI_ExecutionStage stage,
                          XLA_FFI_ExecutionContext *context, XLA_FFI_CallFrame *frame) {
  frame->stage = stage;
  frame->ctx = context;
  frame->future = NULL;
  PjStatus status = pj_ffi_take_error(handler(frame));
  if (!frame->future)
    return status;
  PjStatus later = pj_event_await((PjEvent *)frame->future);
  pj_event_release((PjEvent *)frame->future);
  if (!status)
    return later;
  pj_status_free(later);
  return status;
}

// The state of |op|, instantiated. The lock is held meanwhile: two threads must not make it twice.
static PjStatus instantiate(PjFfiStates *states, const PjOp *op, XLA_FFI_Handler *handler,
                            XLA_FFI_CallFrame *frame, PjFfiState **out) {
  *out = NULL;
  if (!handler || !states)
    return PJ_STATUS_OK;
  PjStatus status = PJ_STATUS_OK;
  pthread_mutex_lock(&states->lock);
  PjFfiState *state = states->first;
  while (state && state->op != op)
    state = state->next;
  if (!state) {
    state = pj_calloc(1, sizeof *state);
    if (state) {
      state->op = op;
      XLA_FFI_CallFrame bare = *frame;
      bare.args = (XLA_FFI_Args){.struct_size = XLA_FFI_Args_STRUCT_SIZE};
      bare.rets = (XLA_FFI_Rets){.struct_size = XLA_FFI_Rets_STRUCT_SIZE};
      XLA_FFI_ExecutionContext context = {.state = state};
      status = run_stage(handler, XLA_FFI_ExecutionStage_INSTANTIATE, &context, &bare);
    } else {
      status = pj_status_oom();
    }
    if (status) {
      pj_free(state);
      state = NULL;
    } else {
      state->next = states->first;
      states->first = state;
    }
  }
  pthread_mutex_unlock(&states->lock);
  *out = state;
  return status;
}

static PjStatus run_stages(const XLA_FFI_Handler_Bundle *bundle, XLA_FFI_ExecutionContext *context,
                           XLA_FFI_CallFrame *frame) {
  if (bundle->prepare)
    PJ_TRY(run_stage(bundle->prepare, XLA_FFI_ExecutionStage_PREPARE, context, frame));
  if (bundle->initialize)
    PJ_TRY(run_stage(bundle->initialize, XLA_FFI_ExecutionStage_INITIALIZE, context, frame));
  return run_stage(bundle->execute, XLA_FFI_ExecutionStage_EXECUTE, context, frame);
}

PjStatus pj_ffi_call(PjEval *ev, const PjOp *op, PjTensor *const *operands, PjTensor **results,
                     void *user) {
  const XLA_FFI_Handler_Bundle *bundle = user;
  PjArena *arena = ev->arena;
  PjFfiArrays arrays;
  PJ_TRY(pj_ffi_arrays_prepare(ev, op, operands, results, PJ_FFI_ALIGNMENT, &arrays));
  XLA_FFI_CallFrame frame = {
      .struct_size = XLA_FFI_CallFrame_STRUCT_SIZE,
      .api = pj_ffi_api(),
      .args = {.struct_size = XLA_FFI_Args_STRUCT_SIZE, .size = arrays.num_args},
      .rets = {.struct_size = XLA_FFI_Rets_STRUCT_SIZE, .size = arrays.num_rets},
  };
  PJ_TRY(pj_ffi_attrs(arena, pj_ffi_config(op), 0, &frame.attrs));
  frame.args.types = PJ_NEW_ARRAY(arena, XLA_FFI_ArgType, arrays.num_args + 1);
  frame.args.args = PJ_NEW_ARRAY(arena, void *, arrays.num_args + 1);
  frame.rets.types = PJ_NEW_ARRAY(arena, XLA_FFI_RetType, arrays.num_rets + 1);
  frame.rets.rets = PJ_NEW_ARRAY(arena, void *, arrays.num_rets + 1);
  for (uint32_t i = 0; i < arrays.num_args; i++) {
    frame.args.types[i] = XLA_FFI_ArgType_BUFFER;
    frame.args.args[i] = &arrays.args[i];
  }
  for (uint32_t i = 0; i < arrays.num_rets; i++) {
    frame.rets.types[i] = XLA_FFI_RetType_BUFFER;
    frame.rets.rets[i] = &arrays.rets[i];
  }
  const PjRunContext *run = ev->options->ffi_context;
  PjFfiState *state;
  PJ_TRY(instantiate(run ? run->ffi_states : NULL, op, bundle->instantiate, &frame, &state));
  XLA_FFI_ExecutionContext context = {.run = run, .state = state};
  PjStatus status = run_stages(bundle, &context, &frame);
  pj_ffi_free_blocks(&context);
  if (status)
    return pj_op_blame(op, status);
  pj_ffi_arrays_finish(&arrays);
  return PJ_STATUS_OK;
}

PjStatus pj_ffi_call_untyped(PjEval *ev, const PjOp *op, PjTensor *const *operands,
                             PjTensor **results, void *user) {
  void (*function)(void *out, const void **in) = (void (*)(void *, const void **))user;
  PJ_FAIL_IF(op->num_results == 0, UNIMPLEMENTED, "an untyped custom call without results");
  PjFfiArrays arrays;
  PJ_TRY(pj_ffi_arrays_prepare(ev, op, operands, results, PJ_FFI_ALIGNMENT, &arrays));
  const void **in = PJ_NEW_ARRAY(ev->arena, const void *, arrays.num_args + 1);
  void **out = PJ_NEW_ARRAY(ev->arena, void *, arrays.num_rets + 1);
  for (uint32_t i = 0; i < arrays.num_args; i++)
    in[i] = arrays.args[i].data;
  for (uint32_t i = 0; i < arrays.num_rets; i++)
    out[i] = arrays.rets[i].data;
  function(arrays.num_rets == 1 ? out[0] : out, in);
  pj_ffi_arrays_finish(&arrays);
  return PJ_STATUS_OK;
}
