// Executions.
#pragma once
#include "runtime/buffer.h"
#include "runtime/executable.h"
#include "runtime/host_transfer.h"

// Data for custom calls, by type. Reference-counted: an execution that outlives the host's handle
// keeps it.
typedef struct PjExecuteContext PjExecuteContext;
PjExecuteContext *pj_execute_context_create(void); // NULL without memory
PjExecuteContext *pj_execute_context_retain(PjExecuteContext *context);
void pj_execute_context_release(PjExecuteContext *context); // NULL allowed; runs the deleters
// Errors: ALREADY_EXISTS for a type that is there, RESOURCE_EXHAUSTED. |deleter| may be NULL.
PjStatus pj_execute_context_add(PjExecuteContext *context, int64_t type_id, void *data,
                                void (*deleter)(void *data));
// False if there is nothing of that type. |context| may be NULL.
bool pj_execute_context_find(PjExecuteContext *context, int64_t type_id, void **out_data);

typedef struct PjExecution {
  uint32_t num_devices, num_args;
  PjBuffer *const *const *args; // [device][arg]
  PjBuffer **const *outputs;    // [device][result], written
  PjEvent **done;               // [device], written; or NULL
  PjDevice *device;             // only this device's part; or NULL
  const int64_t *non_donatable;
  size_t num_non_donatable;
  PjExecuteContext *context;  // or NULL
  PjHostTransfers *transfers; // by device; or NULL: no callbacks
} PjExecution;

// Runs a loaded executable. Outputs may be pending on return; a failed input, or a program that
// fails later, shows in their events. Donated inputs are deleted on return. Errors (nothing is
// written): INVALID_ARGUMENT for wrong counts, shapes, types, devices, or deleted buffers;
// FAILED_PRECONDITION for a deleted executable; RESOURCE_EXHAUSTED; and the failure of a program
// that ran within the call.
PjStatus pj_execute(PjLoadedExecutable *loaded, const PjExecution *execution);
