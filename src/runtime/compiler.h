// The compiler vtable: what turns a verified program into something that runs.
//
// A vendor's own compiler fills this table; the PJRT surface and the runtime are shared. Functions
// are called from several threads at once.
#pragma once
#include "base/str.h"
#include "base/trace.h"
#include "eval/eval.h"
#include "ir/ir.h"
#include "runtime/array.h"
#include "runtime/compile_options.h"

typedef struct PjCompiled PjCompiled; // a compiled program; immutable; defined by each compiler
typedef struct PjDeviceGroup PjDeviceGroup; // the devices of one execution and their meeting
                                            // places; defined by each compiler

typedef struct PjFfiStates
    PjFfiStates; // what custom calls of a program keep between runs (ffi_call.h)

// Where a run takes place.
typedef struct PjRunContext {
  PjDeviceGroup *group; // NULL: one device
  uint32_t replica, partition;
  int device_ordinal;
  const char *name; // of the program
  struct PjClient *client;
  struct PjExecuteContext *user; // data for custom calls, or NULL
  PjFfiStates *ffi_states;       // of the program
  const PjHostEnd *host;         // of its transfers with the host
  uint64_t run_id;               // equal on all devices of an execution
} PjRunContext;

typedef struct PjCompiledStats {
  int64_t code_bytes;    // 0: unknown
  int64_t temp_bytes;    // scratch while running, 0: unknown
  int64_t num_fallbacks; // operations left to the evaluator
} PjCompiledStats;

typedef void PjThenFn(void *user, PjStatus status);

typedef struct PjCompilerOps {
  const char *name;
  bool host_memory; // |run| wants arrays that the host can address (remote.h sees to that)

  // Compiles |module| (verified), which outlives the result; runs under the guard of the module's
  // arena.
  PjStatus (*compile)(PjModule *module, const PjCompileOptions *options, PjCompiled **out);
  // What |compiled| can be made of again, appended to |out|; and back, for the same module and
  // options, as |compile|. Bytes are hostile. UNIMPLEMENTED and FAILED_PRECONDITION: compile again.
  // Optional, both or none (NULL: only the program is stored).
  PjStatus (*serialize)(const PjCompiled *compiled, PjStrBuf *out);
  PjStatus (*deserialize)(PjModule *module, const PjCompileOptions *options, PjStr bytes,
                          PjCompiled **out);
  void (*destroy)(PjCompiled *compiled);
  void (*stats)(const PjCompiled *compiled, PjCompiledStats *out);
  // What its steps are; borrowed. NULL: not known, or no memory. Optional.
  const PjTraceLabels *(*steps)(const PjCompiled *compiled);

  // Runs on one device. |inputs| are ready arrays of the entry's argument types; where
  // |may_overwrite| holds (or NULL), the caller has given the array up, and its memory may become
  // that of a result. |outputs| are arrays without memory, to which the run gives some
  // (pj_array_allocate, pj_array_adopt ...); the caller makes them ready.
  PjStatus (*run)(const PjCompiled *compiled, const PjRunContext *context, uint32_t num_inputs,
                  PjArray *const *inputs, const bool *may_overwrite, uint32_t num_outputs,
                  PjArray *const *outputs);

  // As |run|, but without a thread that waits: begins, and calls |then| once with the outcome
  // (taken) on a worker; everything but |given_up| stays until then. False: nothing was begun,
  // |run| does it. Optional (NULL: false).
  bool (*start)(const PjCompiled *compiled, const PjRunContext *context, uint32_t num_inputs,
                PjArray *const *inputs, const bool *given_up, uint32_t num_outputs,
                PjArray *const *outputs, PjThenFn *then, void *user);

  // Whether one thread can run all devices' parts of |compiled| (by |run_joint|), so that they need
  // not meet; and doing so: |inputs| and |outputs| by partition, |context| of the first device and
  // without a group. Optional, both or none (NULL: no program is so run).
  bool (*is_joint)(const PjCompiled *compiled);
  PjStatus (*run_joint)(const PjCompiled *compiled, const PjRunContext *context,
                        PjArray *const *const *inputs, PjArray *const *const *outputs);

  // A group for one execution on |num_replicas| x |num_partitions| devices; |device_ids|
  // replica-major. A device that cannot take part aborts the group, so that the others do not wait
  // for ever; |why| is borrowed.
  PjStatus (*group_create)(uint32_t num_replicas, uint32_t num_partitions, const int *device_ids,
                           PjDeviceGroup **out);
  void (*group_abort)(PjDeviceGroup *group, PjStatus why);
  void (*group_destroy)(PjDeviceGroup *group);
} PjCompilerOps;

extern const PjCompilerOps pj_compiler_eval; // the evaluator
extern const PjCompilerOps
    pj_compiler_native; // machine code; what it cannot run, the evaluator does
