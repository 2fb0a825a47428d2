// The table of functions that XLA FFI handlers call.
#include "base/alloc.h"
#include "runtime/client.h"
#include "runtime/execute.h"
#include "runtime/ffi_call.h"

// --- Errors --------------------------------------------------------------------------------------

static XLA_FFI_Error *error_from(PjStatus status) {
  static XLA_FFI_Error oom;
  if (!status)
    return NULL;
  XLA_FFI_Error *error = pj_calloc(1, sizeof *error);
  if (!error) {
    pj_status_free(status);
    __atomic_store_n(&oom.status, pj_status_oom(), __ATOMIC_RELAXED);
    return &oom;
  }
  error->absl_status = ((uintptr_t)pj_status_code(status) << 2) + 1;
  error->status = status;
  return error;
}

// True for the static error of exhausted memory, which nobody frees.
static bool is_static(const XLA_FFI_Error *error) {
  return error->status == pj_status_oom();
}

PjStatus pj_ffi_take_error(XLA_FFI_Error *error) {
  if (!error)
    return PJ_STATUS_OK;
  PjStatus status = error->status;
  if (!is_static(error))
    pj_free(error);
  return status;
}

static XLA_FFI_Error *api_error_create(XLA_FFI_Error_Create_Args *args) {
  unsigned code = (unsigned)args->errc;
  if (code == 0 || code > PJ_UNAUTHENTICATED)
    code = PJ_UNKNOWN;
  return error_from(
      pj_status_make((PjCode)code, __FILE__, __LINE__, "%s", args->message ? args->message : ""));
}

static void api_error_get_message(XLA_FFI_Error_GetMessage_Args *args) {
  args->message = args->error ? pj_status_message(args->error->status) : "";
}

static void api_error_destroy(XLA_FFI_Error_Destroy_Args *args) {
  if (args->error)
    pj_status_free(pj_ffi_take_error(args->error));
}

// --- Registering ---------------------------------------------------------------------------------

static XLA_FFI_Error *api_handler_register(XLA_FFI_Handler_Register_Args *args) {
  return error_from(pj_ffi_register((PjStr){args->name.ptr, args->name.len}, &args->bundle));
}

static XLA_FFI_Error *api_type_register(XLA_FFI_Type_Register_Args *args) {
  // Upstream's size stops before |type_info|; handlers of this version set it all the same.
  return error_from(pj_ffi_type_register((PjStr){args->name.ptr, args->name.len},
                                         args->type_info ? args->type_info->deleter : NULL,
                                         &args->type_id->type_id));
}

// --- The call ------------------------------------------------------------------------------------

// jaxlib shows its users the message of this error, which it takes from the absl::Status: hence one
// with a message, in the form of libstdc++, that is never freed. JAX's tests look for the words.
static XLA_FFI_Error *api_stream_get(XLA_FFI_Stream_Get_Args *args) {
  static char text[] = "XLA FFI GPU context is not available: the CPU has no stream";
  static struct {
    _Atomic int32_t refs;
    int32_t code;
    struct {
      char *data;
      size_t size, capacity, unused;
    } message;
    void *payloads;
  } rep = {1 << 30, PJ_UNIMPLEMENTED, {text, sizeof text - 1, sizeof text - 1, 0}, NULL};
  XLA_FFI_Error *error = error_from(PJ_ERROR(UNIMPLEMENTED, "%s", text));
  if (!is_static(error))
    error->absl_status = (uintptr_t)&rep;
  return error;
}

static XLA_FFI_Error *api_context_get(XLA_FFI_ExecutionContext_Get_Args *args) {
  args->data = NULL;
  PjExecuteContext *user = args->ctx->run ? args->ctx->run->user : NULL;
  if (pj_execute_context_find(user, args->type_id->type_id, &args->data))
    return NULL;
  return error_from(PJ_ERROR(NOT_FOUND, "the execution has no user data of type id %lld",
                             (long long)args->type_id->type_id));
}

static XLA_FFI_Error *api_state_set(XLA_FFI_State_Set_Args *args) {
  PjFfiState *state = args->ctx->state;
  if (!state || args->stage != XLA_FFI_ExecutionStage_INSTANTIATE)
    return error_from(
        PJ_ERROR(UNIMPLEMENTED, "XLA_FFI_State_Set: only the instantiate stage keeps a state"));
  if (state->set)
    return error_from(PJ_ERROR(ALREADY_EXISTS, "XLA_FFI_State_Set: the state is set already"));
  state->set = true;
  state->object = args->state;
  state->type_id = args->type_id->type_id;
  return NULL;
}

static XLA_FFI_Error *api_state_get(XLA_FFI_State_Get_Args *args) {
  args->state = NULL;
  PjFfiState *state = args->ctx->state;
  if (!state || !state->set || args->stage != XLA_FFI_ExecutionStage_INSTANTIATE)
    return error_from(PJ_ERROR(NOT_FOUND, "XLA_FFI_State_Get: the state is not set"));
  if (state->type_id != args->type_id->type_id)
    return error_from(PJ_ERROR(INVALID_ARGUMENT,
                               "XLA_FFI_State_Get: the state has type id %lld, not %lld",
                               (long long)state->type_id, (long long)args->type_id->type_id));
  args->state = state->object;
  return NULL;
}

// A block's links stand before what the handler gets.
typedef struct PjFfiBlock {
  struct PjFfiBlock *next;
  void *data;
} PjFfiBlock;

static XLA_FFI_Error *api_memory_allocate(XLA_FFI_DeviceMemory_Allocate_Args *args) {
  size_t align = args->alignment < 64 ? 64 : args->alignment;
  args->data = NULL;
  if (align & (align - 1))
    return error_from(PJ_ERROR(INVALID_ARGUMENT, "an alignment of %zu bytes", align));
  PjFfiBlock *block = pj_malloc(sizeof *block);
  void *data = block ? pj_malloc_aligned(args->size, align) : NULL;
  if (!data) {
    pj_free(block);
    return error_from(pj_status_oom());
  }
  *block = (PjFfiBlock){args->ctx->blocks, data};
  args->ctx->blocks = block;
  args->data = data;
  return NULL;
}

static XLA_FFI_Error *api_memory_free(XLA_FFI_DeviceMemory_Free_Args *args) {
  for (PjFfiBlock **at = &args->ctx->blocks; *at; at = &(*at)->next) {
    PjFfiBlock *block = *at;
    if (block->data != args->data)
      continue;
    *at = block->next;
    pj_free_aligned(block->data);
    pj_free(block);
    return NULL;
  }
  return error_from(
      PJ_ERROR(INVALID_ARGUMENT, "XLA_FFI_DeviceMemory_Free: not an address that was given out"));
}

void pj_ffi_free_blocks(XLA_FFI_ExecutionContext *context) {
  for (PjFfiBlock *block = context->blocks, *next; block; block = next) {
    next = block->next;
    pj_free_aligned(block->data);
    pj_free(block);
  }
  context->blocks = NULL;
}

// Tasks run at once: a handler may wait for them in its call, on a thread that others would have to
// wait for.
static XLA_FFI_Error *api_pool_schedule(XLA_FFI_ThreadPool_Schedule_Args *args) {
  args->task(args->data);
  return NULL;
}

static XLA_FFI_Error *api_pool_num_threads(XLA_FFI_ThreadPool_NumThreads_Args *args) {
  *args->num_threads = 1;
  return NULL;
}

static XLA_FFI_Error *api_future_create(XLA_FFI_Future_Create_Args *args) {
  args->future = (XLA_FFI_Future *)pj_event_create();
  return args->future ? NULL : error_from(pj_status_oom());
}

// The future has two holders, the handler and the runtime; the handler's part ends when it is set.
static XLA_FFI_Error *api_future_set_available(XLA_FFI_Future_SetAvailable_Args *args) {
  pj_event_set((PjEvent *)args->future, NULL);
  return NULL;
}

static XLA_FFI_Error *api_future_set_error(XLA_FFI_Future_SetError_Args *args) {
  pj_event_set((PjEvent *)args->future, pj_ffi_take_error(args->error));
  return NULL;
}

static XLA_FFI_Error *api_run_id_get(XLA_FFI_RunId_Get_Args *args) {
  args->run_id = args->ctx->run ? (int64_t)args->ctx->run->run_id : 0;
  return NULL;
}

static XLA_FFI_Error *api_device_ordinal_get(XLA_FFI_DeviceOrdinal_Get_Args *args) {
  args->device_ordinal = args->ctx->run ? args->ctx->run->device_ordinal : 0;
  return NULL;
}

const XLA_FFI_Api *pj_ffi_api(void) {
  static const XLA_FFI_Api api = {
      .struct_size = XLA_FFI_Api_STRUCT_SIZE,
      .api_version = {.struct_size = XLA_FFI_Api_Version_STRUCT_SIZE,
                      .major_version = XLA_FFI_API_MAJOR,
                      .minor_version = XLA_FFI_API_MINOR},
      .XLA_FFI_Error_Create = api_error_create,
      .XLA_FFI_Error_GetMessage = api_error_get_message,
      .XLA_FFI_Error_Destroy = api_error_destroy,
      .XLA_FFI_Handler_Register = api_handler_register,
      .XLA_FFI_Stream_Get = api_stream_get,
      .XLA_FFI_Type_Register = api_type_register,
      .XLA_FFI_ExecutionContext_Get = api_context_get,
      .XLA_FFI_State_Set = api_state_set,
      .XLA_FFI_State_Get = api_state_get,
      .XLA_FFI_DeviceMemory_Allocate = api_memory_allocate,
      .XLA_FFI_DeviceMemory_Free = api_memory_free,
      .XLA_FFI_ThreadPool_Schedule = api_pool_schedule,
      .XLA_FFI_ThreadPool_NumThreads = api_pool_num_threads,
      .XLA_FFI_Future_Create = api_future_create,
      .XLA_FFI_Future_SetAvailable = api_future_set_available,
      .XLA_FFI_Future_SetError = api_future_set_error,
      .XLA_FFI_RunId_Get = api_run_id_get,
      .XLA_FFI_DeviceOrdinal_Get = api_device_ordinal_get,
  };
  return &api;
}
