// Optimisation barriers end here.
//
//   %1:2 = optimization_barrier %a, %b ; %2 = add %1#0, %1#1        =>        %2 = add %a, %b
//
// A barrier keeps what is computed again behind it apart from what was computed before it: programs
// that save memory by recomputing rely on that. It has done so once no pass follows that merges
// equal operations; the schedule keeps the order of operations. Linear.
#include "pass/build.h"
#include "pass/passes.h"

static void visit(PjRewrite *rw, PjOp *op, void *context) {
  (void)context;
  if (op->kind == PJ_OP_OPTIMIZATION_BARRIER)
    pj_rw_become_all(rw, op, op->operands);
}

PjStatus pj_pass_barriers(PjRewrite *rw) {
  pj_rw_visit(rw, visit, NULL);
  return PJ_STATUS_OK;
}
