// Placeholders of operations that are not written yet; each goes when its implementation arrives.
#include "eval/eval.h"

#define STUB(name) \
  PjStatus pj_ev_##name(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) { \
    (void)ev, (void)in, (void)out; \
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "not evaluated yet"); \
  }
STUB(unary)
STUB(binary)
STUB(compare)
STUB(select)
STUB(clamp)
STUB(convert)
STUB(bitcast_convert)
STUB(complex)
STUB(real_imag)
STUB(is_finite)
STUB(reduce_precision)
STUB(uniform_quantize)
STUB(uniform_dequantize)
STUB(chlo_unary)
STUB(chlo_binary)
STUB(chlo_broadcast)
STUB(chlo_constant_like)
