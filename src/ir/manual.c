// See manual.h.
#include "ir/manual.h"

PjStatus pj_manual_read(PjArena *arena, const PjModule *module, const PjOp *op, PjManual *out) {
  *out = (PjManual){0};
  const PjAttr *axes = pj_attr_get(PJ_ATTR(op, manual_axes), "axes");
  const PjAttr *in = pj_attr_get(PJ_ATTR(op, in_shardings), "shardings"),
               *results = pj_attr_get(PJ_ATTR(op, out_shardings), "shardings");
  if (!axes || !in || !results || in->count != op->num_operands ||
      results->count != op->num_results)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "one sharding per operand and result is wanted");
  out->num_axes = axes->count;
  if (!in->count && !results->count)
    return PJ_STATUS_OK;
  PJ_TRY(pj_mesh_resolve(arena, module,
                         pj_attr_get(in->count ? in->elems[0] : results->elems[0], "mesh"),
                         &out->mesh));
  PjStr *names = PJ_NEW_ARRAY(arena, PjStr, axes->count);
  for (uint32_t i = 0; i < axes->count; ++i)
    names[i] = axes->elems[i]->str;
  out->in = PJ_NEW_ARRAY(arena, PjTiling *, in->count);
  out->out = PJ_NEW_ARRAY(arena, PjTiling *, results->count);
  for (uint32_t i = 0; i < in->count; ++i)
    if (pj_type_is_tensor(op->operands[i]->type))
      PJ_TRY(pj_sharding_tiling(arena, out->mesh, in->elems[i], op->operands[i]->type->rank,
                                axes->count, names, &out->in[i]));
  for (uint32_t i = 0; i < results->count; ++i)
    if (pj_type_is_tensor(op->results[i].type))
      PJ_TRY(pj_sharding_tiling(arena, out->mesh, results->elems[i], op->results[i].type->rank,
                                axes->count, names, &out->out[i]));
  return PJ_STATUS_OK;
}
