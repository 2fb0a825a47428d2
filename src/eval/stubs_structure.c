// Placeholders of operations that are not written yet; each goes when its implementation arrives.
#include "eval/eval.h"

#define STUB(name) \
  PjStatus pj_ev_##name(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) { \
    (void)ev, (void)in, (void)out; \
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "not evaluated yet"); \
  }
STUB(constant)
STUB(iota)
STUB(broadcast_in_dim)
STUB(broadcast)
STUB(concatenate)
STUB(dynamic_slice)
STUB(dynamic_update_slice)
STUB(gather)
STUB(pad)
STUB(reshape)
STUB(reverse)
STUB(scatter)
STUB(slice)
STUB(sort)
STUB(transpose)
STUB(map)
STUB(reduce)
STUB(reduce_window)
STUB(select_and_scatter)
STUB(chlo_top_k)
STUB(chlo_scan)
STUB(torch_index_select)
STUB(dynamic_broadcast_in_dim)
STUB(dynamic_gather)
STUB(dynamic_iota)
STUB(dynamic_pad)
STUB(dynamic_reshape)
STUB(real_dynamic_slice)
STUB(get_dimension_size)
STUB(set_dimension_size)
