// Ready kernels: what a compiled schedule calls for operations that are not fused loops.
//
// A selector looks at one operation of static shapes and makes a plan: everything that does not
// depend on the data is decided then (strides, blocks, tables), so that running a plan allocates
// nothing and costs its work only. Results are those of the evaluator, bit for bit where its
// rounding is defined, and never depend on the number of threads.
#pragma once
#include <stddef.h>

#include "base/threads.h"
#include "ir/ir.h"

typedef struct PjRoutine PjRoutine;
struct PjRoutine {
  const char *name;            // "gemm", for dumps and profiles
  size_t scratch_bytes;        // workspace of a run, and so much more per thread of the pool it
  size_t thread_scratch_bytes; // runs on: pj_routine_scratch; both are multiples of 64
  int in_place; // operand whose memory may be that of result 0 (out[0] == in[in_place]), or -1
  double flops, bytes; // rough work, for a cost model (0: not known)
  // Computes |out| (one address per result) from |in| (one per operand): dense row-major arrays as
  // in eval/tensor.h, aligned for their elements. |scratch| has pj_routine_scratch(self, threads)
  // bytes, aligned to 64; its contents do not matter. Arrays do not overlap, but as |in_place|
  // allows. Threads: any number of runs at once with distinct |out| and |scratch|. Errors: of the
  // data alone (most routines have none).
  PjStatus (*run)(const PjRoutine *self, PjThreads *threads, const void *const *in,
                  void *const *out, void *scratch);
};

// Workspace for one run of |routine| on |threads| (NULL: the caller alone).
size_t pj_routine_scratch(const PjRoutine *routine, const PjThreads *threads);

// The best routine for |op|, or NULL when none fits: an operation, element type or body that no
// routine serves, or shapes that are not static. |op| is verified and outlives the routine.
// Allocates from |arena|: call under its guard. The routine is immutable, hence shared by threads.
const PjRoutine *pj_routine_select(PjArena *arena, const PjOp *op);

// Exchanges within rows, for a loop that does them (pass/match_exchange.h). in[0]: rows
// [batch, n] of int32, in[1]: |at| [batch, width]. out[0]: the rows, out[1]: |count|, of 32 or, if
// |wide|, 64 bits. Allocates from |arena|.
typedef struct PjExchange {
  int64_t batch, n, width, count;
  bool wraps, wide;
} PjExchange;
const PjRoutine *pj_routine_exchange(PjArena *arena, const PjExchange *what);
