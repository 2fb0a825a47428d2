// Placeholders of operations that are not written yet; each goes when its implementation arrives.
#include "eval/eval.h"

#define STUB(name) \
  PjStatus pj_ev_##name(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) { \
    (void)ev, (void)in, (void)out; \
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "not evaluated yet"); \
  }
STUB(dot_general)
STUB(dot)
STUB(einsum)
STUB(unary_einsum)
STUB(convolution)
STUB(dynamic_conv)
STUB(chlo_ragged_dot)
STUB(fft)
STUB(cholesky)
STUB(triangular_solve)
STUB(rng)
STUB(rng_bit_generator)
STUB(batch_norm_grad)
STUB(batch_norm_inference)
STUB(batch_norm_training)
