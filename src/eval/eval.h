// The reference evaluator: every op, every type, straight from the specification. The oracle of
// generated code.
//
// A module is prepared once (immutable afterwards, shared by threads) and run any number of times,
// each run on its own PjEval. Devices of one program are threads that meet in collectives through a
// PjGrid.
#pragma once
#include "base/trace.h"
#include "eval/tensor.h"
#include "ir/ir.h"

// ----------------------------------------------------------------------------------------------
// entry points
typedef struct PjProgram
    PjProgram;                // a prepared module: liveness, symbol table, compiled region bodies
typedef struct PjGrid PjGrid; // the devices of one execution and their meeting places

// Prepares |module| (verified; outlives the program). Allocates from the module's arena: call under
// its guard.
PjStatus pj_program_create(PjModule *module, PjProgram **out_program);

// The other end of `send` and `recv` with is_host_transfer, for one device. Called on the run's
// thread, which may wait there. |values| are borrowed; |into| are tensors to fill.
typedef struct PjHostEnd {
  PjStatus (*send)(void *context, int64_t channel, uint32_t count, PjTensor *const *values);
  PjStatus (*receive)(void *context, int64_t channel, uint32_t count, PjTensor *const *into);
  void *context;
} PjHostEnd;

typedef struct PjRunOptions {
  PjGrid *grid;                      // NULL: one device, or a device of |assembly|
  const struct PjAssembly *assembly; // of pj_program_meet; else NULL
  uint32_t replica, partition;
  void *ffi_context; // handed to custom calls (ExecuteContext user data), may be NULL
  int device_ordinal;
  const void *client;    // opaque, handed to custom calls
  const PjHostEnd *host; // NULL: transfers of the host go between devices, by channel
  void (*print)(void *context, const PjOp *op,
                const PjTensor *value); // for interpreter.print; NULL: nothing is printed
  void *print_context;
  PjTraceLabels *labels; // of pj_program_labels: each operation is noted in the profilers' log;
                         // NULL: none is
} PjRunOptions;

// Runs the program's entry function on |inputs| (borrowed; types must match the entry's arguments:
// INVALID_ARGUMENT otherwise) and sets |outputs| (num_outputs entries, new references; all NULL on
// failure). |may_overwrite| (or NULL): per input, true if its reference is given up to the run so
// that results may reuse it (donation); the caller still releases its own reference. Threads: any
// number at once. Errors: of the program (INVALID_ARGUMENT, RESOURCE_EXHAUSTED, ...), located.
PjStatus pj_program_run(const PjProgram *program, const PjRunOptions *options, uint32_t num_inputs,
                        PjTensor *const *inputs, const bool *may_overwrite, uint32_t num_outputs,
                        PjTensor **outputs);
// As above for the function |func| of the program's module.
PjStatus pj_program_call(const PjProgram *program, const PjOp *func, const PjRunOptions *options,
                         uint32_t num_inputs, PjTensor *const *inputs, uint32_t num_outputs,
                         PjTensor **outputs);
// Runs function |func|, which holds one collective over its parameters, for all devices of a grid
// at once, without threads. Arrays go by process (replica * num_partitions + partition): what the
// device is told, what it brings (borrowed; NULL: it does not take part) and room for what it gets
// (new references; all NULL on failure). Errors: as above; FAILED_PRECONDITION where a group has a
// member that does not take part.
PjStatus pj_program_meet(const PjProgram *program, const PjOp *func, uint32_t num_replicas,
                         uint32_t num_partitions, const PjRunOptions *options, uint32_t num_inputs,
                         PjTensor *const *const *inputs, uint32_t num_outputs,
                         PjTensor **const *outputs);
// Runs one operation of a function of the program's module, with its regions. |values| are the
// function's values by PjValue.id: operands and what the regions read from outside are borrowed
// from there, results that something reads are put there (new references). |slots| is room for as
// many values, zeroed before and after. Threads: each with its own |values| and |slots|. Errors:
// INVALID_ARGUMENT for an operand that is missing or does not fit its type; of the program.
PjStatus pj_program_run_op(const PjProgram *program, const PjOp *op, const PjRunOptions *options,
                           PjTensor **slots, PjTensor **values);
// What profilers are told of its operations; to be released. NULL without memory.
PjTraceLabels *pj_program_labels(const PjProgram *program);
const PjOp *pj_program_entry(const PjProgram *program);

// A grid of |num_replicas| x |num_partitions| processes that run at the same time. A process that
// fails calls pj_grid_abort so that the others do not wait for ever. |device_ids| (or NULL:
// 0..n-1), replica-major.
PjStatus pj_grid_create(uint32_t num_replicas, uint32_t num_partitions, const int *device_ids,
                        PjGrid **out_grid);
void pj_grid_abort(PjGrid *grid, PjStatus why); // clones |why|
void pj_grid_destroy(PjGrid *grid);

// ----------------------------------------------------------------------------------------------
// custom calls Serves a custom_call (or composite) target. |operands| borrowed; |results| to be set
// to new references.
typedef struct PjEval PjEval;
typedef PjStatus PjCustomCallFn(PjEval *ev, const PjOp *op, PjTensor *const *operands,
                                PjTensor **results, void *user);
// Registers |fn| for |target| in the process-wide registry; a later registration replaces the
// earlier. Threads: any.
PjStatus pj_custom_call_register(PjStr target, PjCustomCallFn *fn, void *user);
bool pj_custom_call_find(PjStr target, PjCustomCallFn **out_fn, void **out_user);

// ----------------------------------------------------------------------------------------------
// for op implementations One run of a function. Everything that an op implementation allocates
// through it is found again when the run fails, so error paths need no clean-up.
struct PjEval {
  PjArena *arena; // bookkeeping of this run, guarded: allocation never returns NULL, and leaves the
                  // run when exhausted
  const PjProgram *program;
  const PjRunOptions *options;
  struct PjFrame *frame; // values of the running function
  struct PjPool *pool;   // tensors of this run
};

// Evaluates |op|: |in| are the operands (borrowed), |out| (op->num_results) receives new
// references.
typedef PjStatus PjEvalFn(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out);
#define OP(ENUM, text, vhlo, operands, results, regions, traits, check, eval, attrs) \
  PjEvalFn pj_ev_##eval;
#include "ir/ops.def"
#undef OP

// New tensors of this run; never NULL (the run ends with RESOURCE_EXHAUSTED instead). Contents
// uninitialised.
PjTensor *pj_eval_new(PjEval *ev, PjDtype dtype, int32_t rank, const int64_t *dims);
PjTensor *pj_eval_new_like(PjEval *ev, PjDtype dtype, const PjTensor *shape);
// A tensor for result |index| of |op|. Static result types give the shape; for dynamic ones pass
// the shape to pj_eval_new.
PjTensor *pj_eval_result(PjEval *ev, const PjOp *op, uint32_t index);
PjTensor *pj_eval_view(PjEval *ev, PjTensor *base, PjDtype dtype, int32_t rank,
                       const int64_t *dims);
PjTensor *pj_eval_keep(PjEval *ev, PjTensor *tensor); // +1 reference, tracked by the run
void pj_eval_drop(PjEval *ev, PjTensor *tensor);      // -1 reference; NULL allowed
// Operand |i| of |op| as a tensor that may be written: the operand itself when this op is its last
// use and nobody else holds it, otherwise a copy. A new reference; use as result
// (dynamic_update_slice, scatter ...).
PjTensor *pj_eval_take(PjEval *ev, const PjOp *op, PjTensor *const *in, uint32_t i);
// As pj_eval_take, but NULL where it would have to copy.
PjTensor *pj_eval_reuse(PjEval *ev, const PjOp *op, PjTensor *const *in, uint32_t i);
// Scratch memory of |size| bytes, freed by pj_eval_free or at the end of the run; never NULL.
void *pj_eval_scratch(PjEval *ev, size_t size);
void pj_eval_free(PjEval *ev, void *scratch);

// Runs |region| with |args| (borrowed) and sets |out| to new references of what its terminator
// returns (|num_out| values).
PjStatus pj_eval_region(PjEval *ev, const PjRegion *region, PjTensor *const *args, PjTensor **out,
                        uint32_t num_out);

// ----------------------------------------------------------------------------------------------
// elementwise kernels A kernel applies an elementwise op with one result (trait ELEM) to |n|
// consecutive elements of each operand. |in| are 1 to 3 operand arrays, |out| the result, which may
// be one of the inputs when the element sizes are equal.
typedef struct PjKernel PjKernel;
typedef void PjKernelFn(const PjKernel *kernel, int64_t n, const void *const *in, void *out);
struct PjKernel {
  PjKernelFn *fn;
  PjKernelFn *inner; // for kernels made of another one
  PjDtype in_dtype, out_dtype;
  int64_t a, b; // parameters: comparison direction, exponent and mantissa bits ...
  const void *user;
};
// Sets |out| to the kernel for |op| from the types of its operands and result (element types only;
// shapes do not matter); false if |op| has none (not elementwise, or quantised).
bool pj_kernel_select(const PjOp *op, PjKernel *out);

// ----------------------------------------------------------------------------------------------
// region bodies A region of rank-0 elementwise ops, compiled for use per element (reduce, scatter,
// sort, map ...).
typedef struct PjBody PjBody;
// Compiles |region| for vectors of up to |width| elements into |ev|'s arena, or returns NULL when
// it holds anything but elementwise ops, constants and captured scalars (then use pj_eval_region).
// Captured values are read from the current frame now.
PjBody *pj_body_compile(PjEval *ev, const PjRegion *region, int64_t width);
// Runs it on |n| <= width elements: args[i] points to n elements of argument i; *out[i] is set to n
// elements of returned value i, valid until the next run (they may alias args).
void pj_body_run(PjBody *body, int64_t n, const void *const *args, const void **out);
// The kernel kind if the region is just `op(arg0, arg1)` of one binary op on two arguments (in
// either order for commutative ops); PJ_OP_INVALID otherwise. Lets reduce and scatter use native
// loops.
PjOpKind pj_body_binary(const PjRegion *region);
