// Custom calls by XLA's FFI: the registries of types and handlers, shared by the process, and the
// calling of handlers.
#pragma once
#include "base/str.h"
#include "pjrt/ext/xla_ffi.h"

// Gives a type an id: *|type_id| if that is not 0, else a new one. The same name keeps its id.
// |deleter| (may be NULL) frees objects of it. Errors: INVALID_ARGUMENT if the name or the id is
// taken by another.
PjStatus pj_ffi_type_register(PjStr name, void (*deleter)(void *object), int64_t *type_id);
void (*pj_ffi_type_deleter(int64_t type_id))(void *object); // NULL if there is none

// Registers handlers for a custom call target; a later registration replaces an earlier one. Only
// |execute| is required. Errors: INVALID_ARGUMENT without it, or if the handler was built for an
// incompatible version of the interface.
PjStatus pj_ffi_register(PjStr target, const XLA_FFI_Handler_Bundle *bundle);

// The runtime's table of functions that handlers call.
const XLA_FFI_Api *pj_ffi_api(void);
