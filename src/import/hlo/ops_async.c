// Instructions in two halves. The work is done where it begins, or, for recv, where it ends; what
// is not a result yet has leaves without a value, which only the other half looks at.
#include "import/hlo/builders.h"

// Leaves of |shape| without values.
static PjHloLeaves pending(PjHloSite *s, const PjHloShape *shape) {
  return (PjHloLeaves){PJ_NEW_ARRAY(s->h->arena, PjValue *, shape->num_leaves), shape->num_leaves};
}

// Puts |part| of the instruction's shape, made by |build|, into its place.
static PjStatus build_part(PjHloSite *s, int64_t index, PjStatus (*build)(PjHloSite *s)) {
  const PjHloInst *whole = s->inst;
  uint32_t first;
  const PjHloShape *part =
      pj_hlo_shape_part(whole->shape, (PjHloInts){.data = &index, .len = 1}, &first);
  PJ_FAIL_IF(!part, INVALID_ARGUMENT, "its shape has no element %d", (int)index);
  PjHloInst inst = *whole;
  inst.shape = part;
  s->inst = &inst;
  PjStatus status = build(s);
  s->inst = whole;
  PJ_TRY(status);
  PJ_FAIL_IF(s->result.n != part->num_leaves, INVALID_ARGUMENT,
             "element %d of its shape has %u arrays, but the result %u", (int)index,
             part->num_leaves, s->result.n);
  PjHloLeaves all = pending(s, whole->shape);
  for (uint32_t i = 0; i < part->num_leaves; ++i)
    all.v[first + i] = s->result.v[i];
  s->result = all;
  return PJ_STATUS_OK;
}

// (operands, results, ...): all-gather-start, collective-permute-start, async-start.
PjStatus pj_hlo_build_all_gather_start(PjHloSite *s) {
  return build_part(s, 1, pj_hlo_build_all_gather);
}
PjStatus pj_hlo_build_collective_permute_start(PjHloSite *s) {
  return build_part(s, 1, pj_hlo_build_collective_permute);
}
PjStatus pj_hlo_build_async_start(PjHloSite *s) {
  return build_part(s, 1, pj_hlo_build_inlined);
}
// (copy, source, context)
PjStatus pj_hlo_build_copy_start(PjHloSite *s) {
  return build_part(s, 0, pj_hlo_build_forward);
}

static PjStatus take_part(PjHloSite *s, int64_t index) {
  const PjHloShape *shape = s->frame->comp->insts[s->inst->operands[0]].shape;
  uint32_t first;
  const PjHloShape *part = pj_hlo_shape_part(shape, (PjHloInts){.data = &index, .len = 1}, &first);
  PJ_FAIL_IF(!part, INVALID_ARGUMENT, "its operand has no element %d", (int)index);
  s->result = (PjHloLeaves){pj_hlo_leaves(s, 0).v + first, part->num_leaves};
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_second_part(PjHloSite *s) {
  return take_part(s, 1);
}
PjStatus pj_hlo_build_first_part(PjHloSite *s) {
  return take_part(s, 0);
}

// ---------------------------------------------------------------------- send and recv
enum { DEVICE_TO_DEVICE = 1, DEVICE_TO_HOST = 2, HOST_TO_DEVICE = 3 };

static PjStatus set_channel(PjHloSite *s, PjOp *op, int host_type, const PjHloInstructionMsg *msg) {
  const PjAttr *pairs;
  PjArena *arena = s->h->arena;
  PJ_HLO_SET(op, channel_id, pj_attr_i64(arena, msg->channel_id > 0 ? msg->channel_id : 0));
  PJ_HLO_SET(op, channel_type,
             pj_attr_i64(arena, msg->is_host_transfer ? host_type : DEVICE_TO_DEVICE));
  PJ_HLO_SET(op, is_host_transfer, pj_attr_bool(arena, msg->is_host_transfer));
  PJ_TRY(pj_hlo_pairs(s, &pairs));
  if (s->msg.source_target_pairs.len)
    PJ_HLO_SET(op, source_target_pairs, pairs);
  return PJ_STATUS_OK;
}

static PjStatus send_token(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_SEND, 1, 0);
  PJ_TRY(set_channel(s, op, DEVICE_TO_HOST, &s->msg));
  return pj_hlo_finish(s, op);
}

// (data, context, token)
PjStatus pj_hlo_build_send(PjHloSite *s) {
  return build_part(s, 2, send_token);
}
PjStatus pj_hlo_build_send_done(PjHloSite *s) {
  return take_part(s, 2);
}

// Waits only at its end, so that what the other side waits for may lie between.
PjStatus pj_hlo_build_recv(PjHloSite *s) {
  s->result = pending(s, s->inst->shape);
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_recv_done(PjHloSite *s) {
  const PjHloInst *begin = &s->frame->comp->insts[s->inst->operands[0]];
  PjHloInstructionMsg msg = {0};
  PJ_FAIL_IF(!pj_str_is(begin->opcode, "recv"), INVALID_ARGUMENT, "its operand is no recv");
  PJ_TRY(pj_hlo_decode(s->h, begin->bytes, PJ_HLO_Instruction, &msg));
  PjHloLeaves token = s->frame->values[begin->operands[0]];
  PJ_FAIL_IF(token.n != 1, INVALID_ARGUMENT, "the operand of its recv is no token");
  PjOp *op = pj_hlo_op(s, PJ_OP_RECV, 1, s->inst->shape->num_leaves, 0);
  op->operands[0] = token.v[0];
  PJ_TRY(set_channel(s, op, HOST_TO_DEVICE, &msg));
  return pj_hlo_finish(s, op);
}
