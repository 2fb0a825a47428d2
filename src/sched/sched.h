// Schedules: a program as a list of steps over buffers, every byte of scratch known.
//
// Made once from a module after the passes (pass/pass.h); immutable afterwards, shared by threads.
// A run binds the addresses of inputs and outputs, takes a block of memory for temporaries, and
// does step after step.
#pragma once
#include "base/threads.h"
#include "base/trace.h"
#include "emit/jit.h"
#include "eval/eval.h"
#include "routine/routine.h"
#include "sched/group.h"

enum { PJ_NOT_ALIASED = UINT32_MAX };

typedef enum PjSlotKind {
  PJ_SLOT_TEMP,     // within the block of temporaries
  PJ_SLOT_INPUT,    // index: of the program's parameters
  PJ_SLOT_OUTPUT,   // index: of its results
  PJ_SLOT_CONSTANT, // data
} PjSlotKind;

// Memory of one or more values. Loops exchange the addresses of slots, so an offset is only where a
// slot begins.
typedef struct PjSchedSlot {
  PjSlotKind kind;
  uint32_t index;
  const void *data;
  const PjType *type; // CONSTANT
  size_t bytes;
  size_t offset;
  bool donated;         // INPUT: the run may overwrite it, or a copy
  uint32_t first, last; // TEMP: the steps between which it is in use
} PjSchedSlot;

typedef enum PjStepKind {
  PJ_STEP_KERNEL,
  PJ_STEP_ROUTINE,
  PJ_STEP_COPY,   // in[0] to out[0]
  PJ_STEP_EVAL,   // a fallback: one operation by the evaluator
  PJ_STEP_MEET,   // a collective: the same, for all devices of a team at once
  PJ_STEP_MANUAL, // a manual computation: a schedule of its own, run by a team
  PJ_STEP_WHILE,  // body[0]: condition, leaves an i1 in in[0]; body[1]: one turn
  PJ_STEP_CASE,   // in[0]: an i32 index, or the i1 of an if; body[i]: its branches
} PjStepKind;

typedef struct PjStep PjStep;

typedef struct PjSteps {
  PjStep *data;
  size_t len, cap;
} PjSteps;

struct PjStep {
  PjStepKind kind;
  const PjOp *op; // that it computes, or one of them
  uint32_t num_in, num_out;
  uint32_t *in, *out; // slots; a kernel's buffers are |in| then |out|
  uint32_t number;    // among the steps of the schedule, bodies after what they belong to
  // KERNEL
  uint32_t code; // number of its code in the schedule
  uint64_t *params;
  int64_t units, grain;
  size_t scratch_bytes;  // of each thread
  uint32_t through;      // number of the code that writes through the caches, where both are tried
  struct PjTrial *trial; // NULL: |code| is all there is
  // KERNEL, and ROUTINE of several operations: all that it computes
  uint32_t num_ops;
  const PjOp **ops;
  // ROUTINE
  const PjRoutine *routine;
  // EVAL, MEET
  const PjOp *fallback; // the function of the outlined operation
  // MANUAL
  const struct PjManualStep *manual;
  // In the schedule of a team (team.h): computed once for all devices; holds a collective.
  bool once, meets;
  // WHILE, CASE
  uint32_t num_bodies;
  PjSteps *bodies;
  bool is_if;
  uint32_t num_swaps; // WHILE: pairs of slots that change places after a turn
  uint32_t *swaps;
};

// Devices that run one schedule in step, so that they meet in its collectives without waiting for
// each other: team.h. One of the two numbers is 1.
typedef struct PjTeam {
  uint32_t num_replicas, num_partitions;
  // By parameter and result: each device has its own; else all have the same array, and of the
  // results that they make that of the first counts.
  const bool *cut_in, *cut_out;
} PjTeam;

// Whether |op| is the number of the device that runs it.
static inline bool pj_is_device_number(const PjOp *op) {
  return op->kind == PJ_OP_PARTITION_ID || op->kind == PJ_OP_REPLICA_ID;
}

typedef struct PjScheduleOptions {
  const PjKirTarget *target;
  PjThreads *threads; // for code generation; may be NULL
  PjArena *work;      // for what is needed only while scheduling; the caller holds its guard, and
                      // destroys it afterwards
  PjArena *kernels;   // the same, for the functions of kernels
  // Called with each distinct function, before code is made of it; may be NULL.
  void (*dump)(void *context, uint32_t code, const PjKir *function);
  void *dump_context;
  const PjTeam *team;  // that runs it; NULL: one device, without collectives
  uint32_t first_code; // numbers of functions in dumps begin here
  // For source text: kernels are kept as functions, with sizes as literals, and no code is made of
  // them; no routines are chosen, so their operations are steps of kind EVAL.
  bool source;
} PjScheduleOptions;

typedef struct PjSchedule {
  PjArena *arena;
  const PjModule *module;
  PJ_VEC(PjSchedSlot) slots;
  PjSteps steps;
  uint32_t *inputs;  // slots of the parameters
  uint32_t *outputs; // slots of the results
  uint32_t num_inputs, num_outputs;
  // Donation (tf.aliasing_output): the input in whose memory a result is left, by result, or
  // PJ_NOT_ALIASED; and by input, whether steps write to it.
  uint32_t *aliased_input;
  bool *overwritten;
  size_t temp_bytes;
  // Of a team's schedule: by slot, whether all devices have the same in it, and bytes of those
  // among the temporaries (their offsets count from 0 again).
  const PjTeam *team;
  const bool *shared;
  size_t shared_bytes;
  PJ_VEC(struct PjSchedule *) inner; // of manual computations
  uint32_t num_codes;
  uint32_t first_code; // number of the first of them in dumps
  PjJitCode **codes;
  PjKernelEntry **entries;
  const PjKir *const *functions; // by code, of the arena |kernels|; with option |source| only
  // A module with a function for each outlined operation: fallbacks and collectives.
  uint32_t num_outlined, num_fallbacks;
  PjModule *fallback_module;
  PjProgram *fallback_program;
  uint32_t num_steps;                 // nested ones too
  uint32_t num_kernels, num_routines; // of them
  _Atomic(PjTraceLabels *) labels;    // by PjStep.number, made for the first profiler; else NULL
  double cost;                        // about nanoseconds on one thread; 0: not known
} PjSchedule;

// Schedules the entry function of |module| and compiles its kernels. UNIMPLEMENTED for programs
// that only the evaluator can run (dynamic shapes, collectives without a team, tuples), naming why.
// Runs under the guard of |arena|, of which everything is but the code: pj_schedule_destroy, which
// must be called for a failed one too (|out| is then what there is of it).
PjStatus pj_schedule_create(PjArena *arena, const PjModule *module,
                            const PjScheduleOptions *options, PjSchedule **out);
void pj_schedule_destroy(PjSchedule *schedule); // NULL allowed

// Bytes of its machine code, functions that several steps share counted once.
int64_t pj_schedule_code_bytes(const PjSchedule *schedule);

// Readable text: slots and steps.
void pj_schedule_print(const PjSchedule *schedule, PjStrBuf *out);

// Bytes that each step reads and writes in one run, by PjStep.number; 0: that depends on its way.
// Parts of arrays count as such, and what a step reads twice once. NULL without memory; else to be
// freed with pj_free.
double *pj_schedule_traffic(const PjSchedule *schedule);

// What profilers are told of its steps: made when first asked for, then the schedule's. NULL
// without memory. Threads: any.
PjTraceLabels *pj_schedule_labels(const PjSchedule *schedule);

// Bytes of memory that a run on |threads| needs, aligned to 64.
size_t pj_schedule_memory(const PjSchedule *schedule, const PjThreads *threads);
// Runs it. |memory|: as told above, contents do not matter. |outputs|, and the |inputs| that it
// overwrites, are aligned to 64 as well. |buffers|: room for an address per
// slot. |options|: for fallbacks. Threads: any, each with its own memory. While a profiler is on,
// every step is noted in its log.
PjStatus pj_schedule_run(const PjSchedule *schedule, PjThreads *threads,
                         const PjRunOptions *options, void *const *inputs, void *const *outputs,
                         void **buffers, void *memory);
