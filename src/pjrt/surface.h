// The PJRT surface: one function per slot of PJRT_Api, one file per object. It checks arguments,
// calls the runtime and turns statuses into errors; it holds no logic of its own.
//
// Handles are the runtime's objects under the interface's names.
#pragma once
#include "pjrt/pjrt_c_api.h"
#include "pjrt/pjrt_slots.h"
#include "runtime/buffer.h"
#include "runtime/execute.h"

// Declares pj_api_NAME for every slot.
#define X(slot, name, since) PJRT_##name pj_api_##name;
PJRT_API_SLOTS(X)
#undef X

// The platform that this plugin serves: defined by each plugin, beside its GetPjrtApi.
const PjPlatform *pj_surface_platform(void);
// The table of all functions.
const PJRT_Api *pj_surface_api(void);

// --- Errors --------------------------------------------------------------------------------------

// The error for |status| (taken); null for success. Never fails: without memory it is a static
// error.
PJRT_Error *pj_surface_error(PjStatus status);
// A status with the host's code and message; OK for code 0.
PjStatus pj_surface_host_status(PJRT_Error_Code code, const char *message, size_t message_size);

// Returns an error from the function at hand if args are null or too small for the field |last|. A
// caller may be older or newer than we: fields after |last| are read and written only where PJ_HAS
// says so.
#define PJ_ARGS(name, last)                                                           \
  do {                                                                                \
    if (!args || args->struct_size < PJRT_STRUCT_SIZE(PJRT_##name##_Args, last))      \
      return pj_surface_bad_args("PJRT_" #name "_Args", args ? args->struct_size : 0, \
                                 PJRT_STRUCT_SIZE(PJRT_##name##_Args, last));         \
  } while (0)
#define PJ_HAS(object, field) \
  ((object)->struct_size >= offsetof(__typeof__(*(object)), field) + sizeof((object)->field))
// Returns INVALID_ARGUMENT if the argument |field| is null.
#define PJ_NOT_NULL(field)                                                          \
  do {                                                                              \
    if (!args->field)                                                               \
      return pj_surface_error(                                                      \
          PJ_ERROR(INVALID_ARGUMENT, "PJRT_%s: " #field " is null", __func__ + 7)); \
  } while (0)
PJRT_Error *pj_surface_bad_args(const char *name, size_t given, size_t wanted);

// --- Handles -------------------------------------------------------------------------------------

static inline PjClient *pj_client_of(PJRT_Client *handle) {
  return (PjClient *)handle;
}
static inline PjDevice *pj_device_of(PJRT_Device *handle) {
  return (PjDevice *)handle;
}
static inline PjMemory *pj_memory_of(PJRT_Memory *handle) {
  return (PjMemory *)handle;
}
static inline PjBuffer *pj_buffer_of(PJRT_Buffer *handle) {
  return (PjBuffer *)handle;
}
static inline PjEvent *pj_event_of(PJRT_Event *handle) {
  return (PjEvent *)handle;
}
static inline PjExecutable *pj_executable_of(const PJRT_Executable *handle) {
  return (PjExecutable *)(uintptr_t)handle;
}
static inline PjLoadedExecutable *pj_loaded_of(PJRT_LoadedExecutable *handle) {
  return (PjLoadedExecutable *)handle;
}
static inline PjTopology *pj_topology_of(const PJRT_TopologyDescription *handle) {
  return (PjTopology *)(uintptr_t)handle;
}
static inline PjDeviceDesc *pj_desc_of(PJRT_DeviceDescription *handle) {
  return (PjDeviceDesc *)handle;
}
static inline PjExecuteContext *pj_context_of(PJRT_ExecuteContext *handle) {
  return (PjExecuteContext *)handle;
}

// --- Values --------------------------------------------------------------------------------------

// A shape from the interface's terms; |layout| may be null. Errors: INVALID_ARGUMENT, UNIMPLEMENTED
// (tiles).
PjStatus pj_surface_shape(PJRT_Buffer_Type type, const int64_t *dims, size_t num_dims,
                          PJRT_Buffer_MemoryLayout *layout, const PjShape **out);
PJRT_Buffer_Type pj_surface_type(const PjShape *shape);
// Byte strides of a host array of |shape| in |layout| (null: as the shape's own layout says) into
// |out|.
PjStatus pj_surface_strides(const PjShape *shape, const PJRT_Buffer_MemoryLayout *layout,
                            int64_t *out);
// The minor-to-major list of a shape, which lives as long as the shape.
const int64_t *pj_surface_minor_to_major(const PjShape *shape);

// The memory that a call names: |memory|, else the default one of |device|.
PjStatus pj_surface_target(PJRT_Client *client, PJRT_Device *device, PJRT_Memory *memory,
                           PjMemory **out);

// The callbacks of an execution on |num_devices| devices; NULL if there are none. Errors:
// INVALID_ARGUMENT, RESOURCE_EXHAUSTED.
PjStatus pj_surface_transfers(const PJRT_ExecuteOptions *options, uint32_t num_devices,
                              PjHostTransfers **out);

// Options that a client or a topology is made with.
enum { PJ_MAX_DRIVER_OPTIONS = 64 };

typedef struct PjSurfaceOptions {
  PjClientOptions client; // its options of the driver lie in |driver|
  PjDriverOption driver[PJ_MAX_DRIVER_OPTIONS];
  int64_t num_nodes, node_id;
} PjSurfaceOptions;
// Errors: INVALID_ARGUMENT for an unknown name or a wrong type.
PjStatus pj_surface_read_options(const PJRT_NamedValue *options, size_t count,
                                 PjSurfaceOptions *out);

// Bytes that are handed out with a deleter. The text's storage moves into the blob; NULL without
// memory (the text is freed).
typedef struct PjBlob PjBlob;
PjBlob *pj_blob_create(PjStrBuf *text);
const char *pj_blob_data(const PjBlob *blob);
size_t pj_blob_size(const PjBlob *blob);
void pj_blob_destroy(PjBlob *blob);

// --- Objects that only the surface has -----------------------------------------------------------

extern const PJRT_Memory_FunctionTable pj_surface_memory_table;
// Gives the descriptions of a new client's devices the attributes that the driver says.
PjStatus pj_surface_set_attributes(PjClient *client);

struct PJRT_Layouts_MemoryLayout;

// Answers about an executable whose memory lives as long as it, made at the first question.
typedef struct PjAnswers {
  PjArena *arena;
  PJRT_Buffer_Type *output_types;
  int64_t *output_dims; // concatenated
  size_t *output_ranks;
  const char **output_memory_kinds, **param_memory_kinds;
  size_t *output_memory_kind_sizes, *param_memory_kind_sizes;
  struct PJRT_Layouts_MemoryLayout **output_layouts, **param_layouts;
  const char **output_shardings, **param_shardings; // NULL: not known
  size_t *output_sharding_sizes, *param_sharding_sizes;
  PJRT_NamedValue cost[3];
} PjAnswers;
PjStatus pj_surface_answers(PjExecutable *executable, const PjAnswers **out);
// Declares |name|, the answers about args->executable; returns the error where they cannot be made.
#define PJ_ANSWERS(name)                                                              \
  PJ_NOT_NULL(executable);                                                            \
  const PjAnswers *name;                                                              \
  do {                                                                                \
    PjStatus failed_ = pj_surface_answers(pj_executable_of(args->executable), &name); \
    if (failed_)                                                                      \
      return pj_surface_error(failed_);                                               \
  } while (0)
