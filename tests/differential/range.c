// See range.h.
#include "range.h"

#include <string.h>

#include "edit.h"

static PjDtype wide_dtype(PjDtype dtype) {
  return dtype == PJ_DT_F32 ? PJ_DT_F64 : dtype == PJ_DT_C64 ? PJ_DT_C128 : dtype;
}

static const PjType *wide_type(PjArena *arena, const PjType *type) {
  if (!pj_type_is_tensor(type) || type->quant || wide_dtype(type->dtype) == type->dtype)
    return type;
  return pj_type_with_dtype(arena, type, wide_dtype(type->dtype));
}

// Whether |op| means the same of doubles.
static bool is_plain(const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_BITCAST_CONVERT:
  case PJ_OP_CUSTOM_CALL:
  case PJ_OP_COMPOSITE:
  case PJ_OP_RNG:
  case PJ_OP_RNG_BIT_GENERATOR:
  case PJ_OP_FUNC:
  case PJ_OP_CALL:
    return false;
  default:
    return true;
  }
}

static void widen_constant(PjArena *arena, PjOp *op) {
  const PjAttr *old = PJ_ATTR(op, value);
  const PjType *type = wide_type(arena, old->type);
  if (type == old->type)
    return;
  size_t count = old->data_size / sizeof(float);
  double *data = PJ_NEW_ARRAY(arena, double, count + 1);
  for (size_t i = 0; i < count; ++i) {
    float value;
    memcpy(&value, (const char *)old->data + i * sizeof value, sizeof value);
    data[i] = value;
  }
  pj_op_set_attr(op, PJ_KEY_value,
                 pj_attr_elements(arena, type, data, count * sizeof *data, old->splat));
}

static bool widen_region(PjArena *arena, PjRegion *region, bool *changed) {
  for (PjOp *op = region->first; op; op = op->next) {
    if (!is_plain(op))
      return false;
    if (op->kind == PJ_OP_CONSTANT)
      widen_constant(arena, op);
    for (uint32_t i = 0; i < op->num_results; ++i) {
      const PjType *type = wide_type(arena, op->results[i].type);
      *changed |= type != op->results[i].type;
      op->results[i].type = type;
    }
    for (uint32_t r = 0; r < op->num_regions; ++r) {
      for (uint32_t i = 0; i < op->regions[r].num_args; ++i)
        op->regions[r].args[i].type = wide_type(arena, op->regions[r].args[i].type);
      if (!widen_region(arena, &op->regions[r], changed))
        return false;
    }
  }
  return true;
}

static PjOp *convert(PjArena *arena, PjOp *before, PjValue *value, const PjType *type) {
  PjOp *op = edit_convert(arena, value, type);
  pj_op_insert_before(before, op);
  return op;
}

bool range_widen(PjModule *module) {
  PjArena *arena = module->arena;
  PjOp *entry = pj_module_entry(module);
  PjRegion *body = &entry->regions[0];
  PjOp *end = pj_region_terminator(body);
  const PjType *signature = PJ_ATTR(entry, function_type)->type;
  bool changed = false;
  if (module->body.first != entry || entry->next)
    return false;
  if (!widen_region(arena, body, &changed) || !changed)
    return false;
  for (uint32_t i = 0; i < body->num_args; ++i) {
    PjValue *arg = &body->args[i];
    const PjType *type = wide_type(arena, arg->type);
    if (type == arg->type)
      continue;
    PjOp *op = convert(arena, body->first, arg, type);
    edit_replace_uses(body, op, arg, &op->results[0]);
  }
  for (uint32_t i = 0; i < end->num_operands; ++i)
    if (end->operands[i]->type != signature->results[i])
      end->operands[i] = &convert(arena, end, end->operands[i], signature->results[i])->results[0];
  pj_module_number(module);
  return true;
}
