// Telling computations and instructions apart: names, shapes, and who refers to whom. An operand
// stands before its user and a computation before those that call it, so there are no cycles and
// one pass is enough.
#include <inttypes.h>

#include "import/hlo/hlo.h"

// XLA tells the instructions of a computation apart by the low half of their ids.
static uint64_t instruction_key(int64_t id) {
  return (uint32_t)id;
}

static PjStatus read_operands(PjHlo *h, const PjHloHeadMsg *msg, const PjMap *places,
                              PjHloInst *inst) {
  inst->num_operands = msg->operand_ids.len;
  inst->operands = PJ_NEW_ARRAY(h->arena, uint32_t, inst->num_operands);
  for (uint32_t i = 0; i < inst->num_operands; ++i) {
    const uint64_t *place = pj_map_find(places, instruction_key(msg->operand_ids.data[i]));
    PJ_FAIL_IF(!place, INVALID_ARGUMENT,
               "operand %u is instruction %" PRId64 ", which does not stand before it", i,
               msg->operand_ids.data[i]);
    inst->operands[i] = (uint32_t)*place;
  }
  return PJ_STATUS_OK;
}

static PjStatus read_callees(PjHlo *h, const PjHloHeadMsg *msg, PjHloInst *inst) {
  inst->num_callees = msg->called_computation_ids.len;
  inst->callees = PJ_NEW_ARRAY(h->arena, uint32_t, inst->num_callees);
  for (uint32_t i = 0; i < inst->num_callees; ++i) {
    const uint64_t *place =
        pj_map_find(&h->comp_places, (uint64_t)msg->called_computation_ids.data[i]);
    PJ_FAIL_IF(!place, INVALID_ARGUMENT,
               "it calls computation %" PRId64 ", which does not stand before it",
               msg->called_computation_ids.data[i]);
    inst->callees[i] = (uint32_t)*place;
  }
  return PJ_STATUS_OK;
}

static PjStatus check_count(const char *what, uint32_t count, unsigned least, unsigned most) {
  if (count >= least && (most == PJ_HLO_ANY || count <= most))
    return PJ_STATUS_OK;
  if (least == most)
    return PJ_ERROR(INVALID_ARGUMENT, "%u %s, expected %u", count, what, least);
  return PJ_ERROR(INVALID_ARGUMENT, "%u %s, expected %s%u", count, what,
                  count < least ? "at least " : "at most ", count < least ? least : most);
}

static PjStatus read_instruction(PjHlo *h, const PjHloHeadMsg *msg, const PjMap *places,
                                 PjHloInst *inst) {
  PJ_FAIL_IF(!inst->row, INVALID_ARGUMENT, "the opcode is unknown");
  PJ_FAIL_IF(!msg->shape.ptr, INVALID_ARGUMENT, "it has no shape");
  PJ_TRY(pj_hlo_shape(h, msg->shape, &inst->shape));
  PJ_TRY(read_operands(h, msg, places, inst));
  PJ_TRY(read_callees(h, msg, inst));
  const PjHloOpcode *row = inst->row;
  PJ_TRY(check_count("operands", inst->num_operands, row->min_operands, row->max_operands));
  return check_count("called computations", inst->num_callees, row->min_callees, row->max_callees);
}

static PjStatus list_parameters(PjHlo *h, PjHloComp *comp) {
  for (uint32_t i = 0; i < comp->num_insts; ++i)
    comp->num_params += comp->insts[i].parameter_number >= 0;
  comp->params = PJ_NEW_ARRAY(h->arena, uint32_t, comp->num_params);
  memset(comp->params, 0xFF, comp->num_params * sizeof *comp->params);
  for (uint32_t i = 0; i < comp->num_insts; ++i) {
    int64_t number = comp->insts[i].parameter_number;
    if (number < 0)
      continue;
    PJ_FAIL_IF(number >= comp->num_params || comp->params[number] != UINT32_MAX, INVALID_ARGUMENT,
               "parameter number %" PRId64 " of %u is too large or given twice", number,
               comp->num_params);
    comp->params[number] = i;
  }
  return PJ_STATUS_OK;
}

static PjStatus read_computation(PjHlo *h, const PjHloComputationMsg *msg, PjHloComp *comp) {
  PjMap places = {0};
  comp->name = msg->name;
  comp->insts = PJ_NEW_ARRAY(h->arena, PjHloInst, msg->instructions.len);
  for (; comp->num_insts < msg->instructions.len; ++comp->num_insts) {
    PjHloInst *inst = &comp->insts[comp->num_insts];
    PjHloHeadMsg head = {0};
    inst->bytes = msg->instructions.data[comp->num_insts];
    size_t offset = (size_t)(inst->bytes.ptr - h->file);
    PJ_TRY_IN(pj_hlo_decode(h, inst->bytes, PJ_HLO_Head, &head), "an instruction at byte %zu",
              offset);
    inst->name = head.name;
    inst->opcode = head.opcode;
    inst->sharding = head.sharding;
    inst->row = pj_hlo_opcode(head.opcode);
    PJ_TRY_IN(read_instruction(h, &head, &places, inst), "instruction %.*s (%.*s) at byte %zu",
              PJ_STR_ARG(inst->name), PJ_STR_ARG(inst->opcode), offset);
    inst->parameter_number = pj_str_is(inst->opcode, "parameter") ? head.parameter_number : -1;
    PJ_FAIL_IF(inst->parameter_number < 0 && pj_str_is(inst->opcode, "parameter"), INVALID_ARGUMENT,
               "parameter %.*s has number %" PRId64, PJ_STR_ARG(inst->name), head.parameter_number);
    PJ_FAIL_IF(pj_map_find(&places, instruction_key(head.id)), INVALID_ARGUMENT,
               "instruction %.*s has the id %" PRId64 " of another one", PJ_STR_ARG(inst->name),
               head.id);
    pj_map_set(h->arena, &places, instruction_key(head.id), comp->num_insts);
  }
  const uint64_t *root = pj_map_find(&places, instruction_key(msg->root_id));
  PJ_FAIL_IF(!root, INVALID_ARGUMENT, "its root is instruction %" PRId64 ", which is not in it",
             msg->root_id);
  comp->root = (uint32_t)*root;
  return list_parameters(h, comp);
}

PjStatus pj_hlo_index(PjHlo *h) {
  h->comps = PJ_NEW_ARRAY(h->arena, PjHloComp, h->msg.computations.len);
  for (; h->num_comps < h->msg.computations.len; ++h->num_comps) {
    PjHloComputationMsg msg = {0};
    PJ_TRY(pj_hlo_decode(h, h->msg.computations.data[h->num_comps], PJ_HLO_Computation, &msg));
    PJ_TRY_IN(read_computation(h, &msg, &h->comps[h->num_comps]), "computation %.*s",
              PJ_STR_ARG(msg.name));
    PJ_FAIL_IF(pj_map_find(&h->comp_places, (uint64_t)msg.id), INVALID_ARGUMENT,
               "computation %.*s has the id %" PRId64 " of another one", PJ_STR_ARG(msg.name),
               msg.id);
    pj_map_set(h->arena, &h->comp_places, (uint64_t)msg.id, h->num_comps);
  }
  const uint64_t *entry = pj_map_find(&h->comp_places, (uint64_t)h->msg.entry_computation_id);
  PJ_FAIL_IF(!entry, INVALID_ARGUMENT, "no computation has the id of the entry, %" PRId64,
             h->msg.entry_computation_id);
  h->entry = (uint32_t)*entry;
  return PJ_STATUS_OK;
}
