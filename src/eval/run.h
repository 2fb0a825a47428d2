// Inside of a run: prepared programs, frames, the pool of a run's tensors. For the evaluator's own
// files.
#pragma once
#include "eval/eval.h"

// What a prepared program knows of one operation.
typedef struct PjOpPlan {
  uint64_t
      takes; // bit i: operand i (< 64) dies here and is named once, so its storage may be reused
  uint32_t num_dead;    // values that nobody reads after this operation: operands, captured values,
                        // unused results
  const uint32_t *dead; // their ids
  bool quantized;       // runs through pj_eval_quantized
} PjOpPlan;

typedef struct PjFuncPlan {
  const PjOp *func;
  const PjOpPlan *ops; // by PjOp.id
  uint32_t first;      // number of its first operation among those of all functions
} PjFuncPlan;

struct PjProgram {
  const PjModule *module;
  const PjOp *entry;
  uint32_t num_ops;               // of all functions
  uint32_t num_funcs, table_size; // |table|: open hash by symbol name, table_size a power of two
  PjFuncPlan *funcs;
  const PjFuncPlan **table;
};

const PjFuncPlan *pj__program_find(const PjProgram *program, PjStr name); // NULL: no such function
const PjFuncPlan *pj__program_plan(const PjProgram *program, const PjOp *func);

// Values of a running function by PjValue.id; a slot owns a reference or is NULL.
typedef struct PjFrame {
  const PjFuncPlan *plan;
  PjTensor **slots;
  uint32_t depth; // of calls and nested regions
} PjFrame;

// Tensors and scratch blocks of a run: two rings, so that a failed run finds everything.
typedef struct PjScratch {
  struct PjScratch *prev, *next;
  size_t size; // with this header
} PjScratch;

typedef struct PjProbe PjProbe; // a value that interpreter.probe has remembered

typedef struct PjPool {
  PjTensor tensors; // head of the ring
  PjScratch scratch;
  PjProbe *probes; // newest first
} PjPool;

enum { PJ_MAX_CALL_DEPTH = 256 };

// Takes a fresh tensor into the run, or leaves the run when |tensor| is NULL (memory exhausted).
// Returns |tensor|.
PjTensor *pj__eval_adopt(PjEval *ev, PjTensor *tensor);
// Makes a result independent of the run, copying where it shares data with other tensors of the
// run; takes the reference.
PjTensor *pj__eval_export(PjEval *ev, PjTensor *tensor);
// As pj_eval_region, but the references in |args| move to the region (set to NULL), so that it may
// update them in place.
PjStatus pj__eval_region_move(PjEval *ev, const PjRegion *region, PjTensor **args, PjTensor **out,
                              uint32_t num_out);
PjStatus pj__eval_call_move(PjEval *ev, const PjFuncPlan *plan, PjTensor **args, PjTensor **out,
                            uint32_t num_out);
// Moves the operands of |op| into |args| (new array references): those that die here leave their
// slot.
void pj__eval_move_operands(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **args);

// Remembers |value| under |id|; and the value remembered under |id| at its |iteration| (from 1; 0:
// the latest), or NULL.
void pj__eval_probe(PjEval *ev, PjStr id, PjTensor *value);
const PjTensor *pj__eval_probed(PjEval *ev, PjStr id, int64_t iteration);

// Whether the operations of |region| are events of a profile: those that run once each time their
// function, loop or branch does, and not once for each element.
bool pj__eval_is_noted(const PjRegion *region);

// Runs |region| (of |plan|'s function, isolated) in a new run with |options|: the body of one
// process. Inputs borrowed, outputs new references outside any pool.
PjStatus pj__run_isolated(const PjProgram *program, const PjFuncPlan *plan, const PjRegion *region,
                          const PjRunOptions *options, uint32_t num_inputs, PjTensor *const *inputs,
                          const bool *may_overwrite, uint32_t num_outputs, PjTensor **outputs);

// Evaluates an operation with quantised operands or results through the expressed types (quant.c).
PjStatus pj_eval_quantized(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out);
extern PjEvalFn *const pj_eval_table[PJ_OP_COUNT];
