// Elementwise operations on whole tensors: the shapes are checked, a kernel is chosen, and it runs
// over all elements, into the storage of an operand that is not needed any more where there is one.
#include "eval/kernel.h"
#include "eval/structure.h"

static bool same_dims(const PjTensor *a, const PjTensor *b) {
  return a->rank == b->rank &&
         (!a->rank || !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims));
}

static PjStatus choose(const PjOp *op, PjKernel *kernel) {
  if (pj_kernel_select(op, kernel))
    return PJ_STATUS_OK;
  return PJ_OP_ERROR(op, UNIMPLEMENTED, "no kernel for elements of type %s",
                     pj_dtype_text(op->operands[op->num_operands - 1]->type->dtype));
}

// A result of |dtype| shaped like operand |like|: in the place of operand |first| or a later one
// where possible.
static PjTensor *result_for(PjEval *ev, const PjOp *op, PjTensor *const *in, uint32_t first,
                            uint32_t like) {
  PjDtype dtype = op->results[0].type->dtype;
  for (uint32_t i = first; i < op->num_operands; ++i) {
    if (in[i]->count != in[like]->count || pj_dtype_bytes(in[i]->dtype) != pj_dtype_bytes(dtype))
      continue;
    PjTensor *taken = pj_eval_reuse(ev, op, in, i);
    if (!taken)
      continue;
    taken->dtype = dtype;
    return taken;
  }
  return pj_eval_new_like(ev, dtype, in[like]);
}

static PjStatus run(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  PjKernel kernel;
  PJ_TRY(choose(op, &kernel));
  const void *args[3];
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    if (!same_dims(in[0], in[i]))
      return pj_meet(ev, op, op->num_operands, in, out, run);
    args[i] = in[i]->data;
  }
  PjTensor *result = result_for(ev, op, in, 0, 0);
  kernel.fn(&kernel, result->count, args, result->data);
  out[0] = result;
  return PJ_STATUS_OK;
}

#define PLAIN(name)                                                                        \
  PjStatus pj_ev_##name(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) { \
    return run(ev, op, in, out);                                                           \
  }
PLAIN(unary)
PLAIN(binary)
PLAIN(compare)
PLAIN(complex)
PLAIN(real_imag)
PLAIN(is_finite)
PLAIN(reduce_precision)
PLAIN(chlo_unary)
PLAIN(chlo_binary)

PjStatus pj_ev_convert(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  if (in[0]->dtype != op->results[0].type->dtype)
    return run(ev, op, in, out);
  out[0] = pj_eval_keep(ev, in[0]);
  return PJ_STATUS_OK;
}

// A scalar predicate chooses a whole operand.
PjStatus pj_ev_select(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  if (!same_dims(in[1], in[2]))
    return pj_meet(ev, op, 3, in, out, pj_ev_select);
  if (in[0]->rank == 0) {
    out[0] = pj_eval_keep(ev, *(const uint8_t *)in[0]->data ? in[1] : in[2]);
    return PJ_STATUS_OK;
  }
  return run(ev, op, in, out);
}

// Scalar bounds are spread over a block, and the tensor is clamped block by block.
PjStatus pj_ev_clamp(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  bool low_scalar = in[0]->rank == 0, high_scalar = in[2]->rank == 0;
  if (in[1]->rank == 0 || (!low_scalar && !high_scalar))
    return run(ev, op, in, out);
  if ((!low_scalar && !same_dims(in[0], in[1])) || (!high_scalar && !same_dims(in[2], in[1])))
    return pj_meet(ev, op, 3, in, out, pj_ev_clamp);
  PjKernel kernel;
  PJ_TRY(choose(op, &kernel));
  size_t bytes = pj_dtype_bytes(in[1]->dtype);
  _Alignas(16) char low[PJ_KERNEL_BLOCK * 16], high[PJ_KERNEL_BLOCK * 16];
  for (int i = 0; i < PJ_KERNEL_BLOCK; ++i) {
    if (low_scalar)
      memcpy(low + (size_t)i * bytes, in[0]->data, bytes);
    if (high_scalar)
      memcpy(high + (size_t)i * bytes, in[2]->data, bytes);
  }
  PjTensor *result = pj_eval_reuse(ev, op, in, 1);
  if (!result)
    result = pj_eval_new_like(ev, in[1]->dtype, in[1]);
  for (int64_t done = 0; done < result->count; done += PJ_KERNEL_BLOCK) {
    int64_t n = result->count - done < PJ_KERNEL_BLOCK ? result->count - done : PJ_KERNEL_BLOCK;
    size_t at = (size_t)done * bytes;
    const void *args[] = {low_scalar ? low : (const char *)in[0]->data + at,
                          (const char *)in[1]->data + at,
                          high_scalar ? high : (const char *)in[2]->data + at};
    kernel.fn(&kernel, n, args, (char *)result->data + at);
  }
  out[0] = result;
  return PJ_STATUS_OK;
}
