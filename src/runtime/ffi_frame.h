// Attributes for FFI handlers.
#pragma once
#include "runtime/ffi_call.h"

// The dictionary of attributes of a custom call (backend_config or, as JAX sends it,
// mhlo.backend_config), or NULL.
const PjAttr *pj_ffi_config(const PjOp *op);
// Converts |dict| (NULL: empty) into |out|, in |arena| (guarded). |depth| is 0 at the top.
// Errors: UNIMPLEMENTED for kinds of attributes that the interface has not.
PjStatus pj_ffi_attrs(PjArena *arena, const PjAttr *dict, int depth, XLA_FFI_Attrs *out);
