// Control flow, tuples and tokens (spec: "if", "case", "while", "tuple", "get_tuple_element",
// "after_all", "optimization_barrier").
#include "eval/run.h"

PjStatus pj_ev_none(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  (void)ev, (void)in, (void)out;
  return PJ_OP_ERROR(op, INTERNAL, "this operation has no value");
}

PjStatus pj_ev_nothing(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  (void)ev, (void)op, (void)in, (void)out;
  return PJ_STATUS_OK;
}

PjStatus pj_ev_forward(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  for (uint32_t i = 0; i < op->num_results; ++i)
    out[i] = pj_eval_keep(ev, in[i]);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_token(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  (void)op, (void)in;
  out[0] = pj__eval_adopt(ev, pj_tensor_token());
  return PJ_STATUS_OK;
}

PjStatus pj_ev_tuple(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  out[0] = pj__eval_adopt(ev, pj_tensor_tuple(PJ_TENSOR_TUPLE, op->num_operands, in));
  return PJ_STATUS_OK;
}

PjStatus pj_ev_get_tuple_element(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  int64_t index = PJ_INT(op, index);
  PJ_FAIL_IF(index < 0 || index >= in[0]->num_elems, INVALID_ARGUMENT, "tuple element %lld of %u",
             (long long)index, in[0]->num_elems);
  out[0] = pj_eval_keep(ev, in[0]->elems[index]);
  return PJ_STATUS_OK;
}

static PjStatus call_plan(PjEval *ev, const PjOp *op, const PjFuncPlan *plan, PjTensor *const *in,
                          PjTensor **out) {
  PjTensor **args = pj_eval_scratch(ev, op->num_operands * sizeof *args);
  pj__eval_move_operands(ev, op, in, args);
  PJ_TRY(pj__eval_call_move(ev, plan, args, out, op->num_results));
  pj_eval_free(ev, args);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_call(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjFuncPlan *plan = pj__program_find(ev->program, PJ_STRATTR(op, callee));
  if (!plan)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "no function @%.*s",
                       PJ_STR_ARG(PJ_STRATTR(op, callee)));
  return call_plan(ev, op, plan, in, out);
}

// A composite is its decomposition, unless native code is registered under its name.
PjStatus pj_ev_composite(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  PjCustomCallFn *fn;
  void *user;
  if (pj_custom_call_find(PJ_STRATTR(op, name), &fn, &user))
    return fn(ev, op, in, out, user);
  const PjFuncPlan *plan = pj__program_find(ev->program, PJ_STRATTR(op, decomposition));
  if (!plan)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "no decomposition @%.*s",
                       PJ_STR_ARG(PJ_STRATTR(op, decomposition)));
  return call_plan(ev, op, plan, in, out);
}

static int64_t scalar_index(const PjTensor *tensor) {
  return tensor->dtype == PJ_DT_PRED ? *(const uint8_t *)tensor->data
                                     : *(const int32_t *)tensor->data;
}

PjStatus pj_ev_case(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  int64_t index = scalar_index(in[0]);
  if (index < 0 || index >= op->num_regions)
    index = op->num_regions - 1;
  return pj__eval_region_move(ev, &op->regions[index], NULL, out, op->num_results);
}

PjStatus pj_ev_if(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return pj__eval_region_move(ev, &op->regions[scalar_index(in[0]) ? 0 : 1], NULL, out,
                              op->num_results);
}

// The carried values move into the body and back, so that it updates them in place where nothing
// else holds them.
PjStatus pj_ev_while(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  PjTensor **carried = pj_eval_scratch(ev, op->num_operands * sizeof *carried);
  PjTensor **next = pj_eval_scratch(ev, op->num_operands * sizeof *next);
  pj__eval_move_operands(ev, op, in, carried);
  for (;;) {
    PjTensor *go_on;
    PJ_TRY(pj_eval_region(ev, &op->regions[0], carried, &go_on, 1));
    bool stop = !*(const uint8_t *)go_on->data;
    pj_eval_drop(ev, go_on);
    if (stop)
      break;
    PJ_TRY(pj__eval_region_move(ev, &op->regions[1], carried, next, op->num_operands));
    PjTensor **swap = carried;
    carried = next;
    next = swap;
  }
  for (uint32_t i = 0; i < op->num_results; ++i)
    out[i] = carried[i];
  pj_eval_free(ev, carried);
  pj_eval_free(ev, next);
  return PJ_STATUS_OK;
}
