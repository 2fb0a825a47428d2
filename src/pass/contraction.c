// The sides of a dot_general.
#include "pass/contraction.h"

static void read_list(const PjOp *op, PjKey key, int64_t *list, uint32_t *count) {
  const int64_t *dims = pj_op_ints(op, key, count);
  for (uint32_t i = 0; i < *count; ++i)
    list[i] = dims[i];
}

void pj_sides_read(const PjOp *op, PjSide side[2]) {
  side[0].x = op->operands[0];
  side[1].x = op->operands[1];
  read_list(op, PJ_KEY_lhs_batching_dimensions, side[0].batch, &side[0].num_batch);
  read_list(op, PJ_KEY_rhs_batching_dimensions, side[1].batch, &side[1].num_batch);
  read_list(op, PJ_KEY_lhs_contracting_dimensions, side[0].contract, &side[0].num_contract);
  read_list(op, PJ_KEY_rhs_contracting_dimensions, side[1].contract, &side[1].num_contract);
}

bool pj_side_is_free(const PjSide *side, int64_t d) {
  return !pj_list_has(side->batch, side->num_batch, d) &&
         !pj_list_has(side->contract, side->num_contract, d);
}

bool pj_has_algorithm(const PjOp *op) {
  const PjAttr *type = PJ_ATTR(op, accumulation_type);
  return type && !(type->kind == PJ_ATTR_TYPE && type->type->kind == PJ_TYPE_NONE);
}

PjDtype pj_product_type(PjDtype from, PjDtype to) {
  bool narrow = from == PJ_DT_F16 || from == PJ_DT_BF16;
  switch (to) {
  case PJ_DT_F16:
  case PJ_DT_BF16:
    return narrow || from == PJ_DT_F32 ? PJ_DT_F32 : PJ_DT_INVALID;
  case PJ_DT_F32:
    return narrow || from == PJ_DT_F32 ? PJ_DT_F32 : PJ_DT_INVALID;
  case PJ_DT_F64:
    return from == PJ_DT_F64 ? PJ_DT_F64 : PJ_DT_INVALID;
  default:
    return pj_dtype_is_int(to) && pj_dtype_class(from) == pj_dtype_class(to) &&
                   pj_dtype_bits(from) <= pj_dtype_bits(to)
               ? to
               : PJ_DT_INVALID;
  }
}
