// Inside of FFI calls.
#pragma once
#include "eval/run.h"
#include "runtime/compiler.h"
#include "runtime/ffi.h"

struct XLA_FFI_Error {
  // Handlers inside jaxlib take any error for one of XLA's own, which begins with an absl::Status.
  // This is one with a code and no message in the form of absl since 2024, which owns nothing, or
  // the address of one with a message that is never freed.
  uintptr_t absl_status;
  PjStatus status;
};

// What a handler's questions are answered from: one per call and stage.
struct XLA_FFI_ExecutionContext {
  const PjRunContext *run;   // NULL: none (instantiation)
  struct PjFfiState *state;  // of the call site, or NULL
  struct PjFfiBlock *blocks; // memory that the handler asked for and has not freed
};

// State of a call site, that its instantiate handler made. Guarded by the states' lock until it is
// complete, then immutable.
typedef struct PjFfiState {
  struct PjFfiState *next;
  const PjOp *op;
  void *object;
  int64_t type_id;
  bool set;
} PjFfiState;

// The states of one program. Thread-safe.
PjFfiStates *pj_ffi_states_create(void);         // NULL without memory
void pj_ffi_states_destroy(PjFfiStates *states); // NULL allowed; frees the objects

// Frees the memory that a handler asked for and did not free.
void pj_ffi_free_blocks(XLA_FFI_ExecutionContext *context);

// The status for a handler's error, which is taken; NULL is success.
PjStatus pj_ffi_take_error(XLA_FFI_Error *error);

// Calls a typed handler for |op|: |user| is its XLA_FFI_Handler_Bundle.
PjCustomCallFn pj_ffi_call;
// Calls a function of the original kind, void f(void *out, const void **in): |user| is the
// function.
PjCustomCallFn pj_ffi_call_untyped;

// What compiled handlers may rely on, and vectorise for, as XLA's CPU has it.
enum { PJ_FFI_ALIGNMENT = 64 };

// Arrays as handlers see them, in the layouts that |op| asks for.
typedef struct PjFfiArrays {
  uint32_t num_args, num_rets;
  XLA_FFI_Buffer *args, *rets;
  const int64_t *const *ret_layouts; // minor to major, NULL: row-major
  PjTensor **results;
} PjFfiArrays;

// Prepares arguments and results of |op| (memory of |ev|'s run): transposed where a layout is not
// row-major, copied where its address is no multiple of |alignment|, shared where a result is an
// operand's alias. pj_ffi_arrays_finish moves results back into row-major order.
PjStatus pj_ffi_arrays_prepare(PjEval *ev, const PjOp *op, PjTensor *const *operands,
                               PjTensor **results, size_t alignment, PjFfiArrays *out);
void pj_ffi_arrays_finish(const PjFfiArrays *arrays);

// The data type's number in XLA's terms.
XLA_FFI_DataType pj_ffi_dtype(PjDtype dtype);

// Serves the targets of JAX's Python callbacks, where the process has a Python.
PjCustomCallFn pj_ffi_python_callback;
bool pj_ffi_is_python_callback(PjStr target);
// Looks for |target| among the handlers that Python code registered with jaxlib, and registers it
// with us. False: not found.
bool pj_ffi_python_find(PjStr target);
// Looks for the targets of |module|'s custom calls that nobody has registered yet. False if some
// are still unknown.
bool pj_ffi_resolve(const PjModule *module);
