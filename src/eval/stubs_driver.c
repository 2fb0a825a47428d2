// Placeholders of operations that are not written yet; each goes when its implementation arrives.
#include "eval/eval.h"

#define STUB(name) \
  PjStatus pj_ev_##name(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) { \
    (void)ev, (void)in, (void)out; \
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "not evaluated yet"); \
  }
STUB(none)
STUB(nothing)
STUB(forward)
STUB(token)
STUB(call)
STUB(case)
STUB(if)
STUB(while)
STUB(tuple)
STUB(get_tuple_element)
STUB(custom_call)
STUB(composite)
STUB(all_gather)
STUB(all_reduce)
STUB(all_to_all)
STUB(collective_broadcast)
STUB(collective_reduce)
STUB(collective_permute)
STUB(cross_replica_sum)
STUB(reduce_scatter)
STUB(async_start)
STUB(async_done)
STUB(partition_id)
STUB(replica_id)
STUB(send)
STUB(recv)
STUB(infeed)
STUB(outfeed)
STUB(sdy_manual)
STUB(check)
STUB(run_parallel)
STUB(interpreter_print)
STUB(interpreter_probe)
