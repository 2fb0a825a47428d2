// Small arrays of a native function in registers, beside their memory.
#include "kernel/convert.h"
#include "sched/native.h"
#include "sched/shape_map.h"

PjPieces pj_native_pieces(const PjNative *n, const PjValue *array) {
  PjPieces p = {0};
  const PjDtype dtype = array->type->dtype;
  const int64_t count = pj_count(array->type);
  if (pj_dtype_is_complex(dtype) || count > PJ_NATIVE_FEW * PJ_NATIVE_PIECES)
    return p;
  const PjKirElem elem = pj_conv_memory(dtype);
  const int bytes = pj_kir_elem_bytes(elem), most = n->l->options->target->vector_bytes / bytes;
  int lanes = pj_group_lanes(count, most, PJ_NATIVE_SHORT);
  if (count <= PJ_NATIVE_FEW && count % lanes)
    lanes = 1;
  if (lanes > PJ_KIR_MAX_LANES || count / lanes + count % lanes > PJ_NATIVE_PIECES)
    return p;
  for (int64_t at = 0; at < count; at += p.type[p.count++].lanes) {
    p.at[p.count] = at;
    p.type[p.count] = pj_kir_type(elem, at + lanes <= count ? lanes : 1);
  }
  return p;
}

uint32_t pj_native_load(PjNative *n, const PjPieces *p, uint32_t slot, PjKirVal *out) {
  n->k->alias = pj_native_alias(n, slot);
  for (int i = 0; i < p->count; i++)
    out[i] = pj_kir_load(n->k, p->type[i], pj_native_slot(n, slot), pj_kir_i64(n->k, p->at[i]), 0,
                         false);
  n->k->alias = 0;
  return (uint32_t)p->count;
}

void pj_native_know(PjNative *n, const PjPieces *p, uint32_t slot, const PjKirVal *in) {
  n->k->alias = pj_native_alias(n, slot);
  for (int i = 0; i < p->count; i++)
    pj_kir_known(n->k, in[i], pj_native_slot(n, slot), pj_kir_i64(n->k, p->at[i]));
  n->k->alias = 0;
}

// Whether an operation of the region reads |array| as a whole: one that does not take a part at an
// index.
static bool read_whole(const PjRegion *region, const PjValue *array) {
  for (const PjOp *op = region->first; op != pj_region_terminator(region); op = op->next)
    for (uint32_t i = 0; i < op->num_operands; i++)
      if (op->operands[i] == array && op->kind != PJ_OP_DYNAMIC_SLICE &&
          op->kind != PJ_OP_DYNAMIC_UPDATE_SLICE && op->kind != PJ_OP_GATHER &&
          op->kind != PJ_OP_SCATTER)
        return true;
  return false;
}

bool pj_native_update_pieces(PjNative *n, const PjOp *op, uint32_t source, uint32_t target) {
  enum { FEW_PIECES = 2 };
  PjKir *k = n->k;
  const PjValue *array = &op->results[0];
  const PjType *type = array->type;
  const PjPieces p = pj_native_pieces(n, array);
  if (!pj_native_is_single(op->operands[1]) || !p.count || p.count > FEW_PIECES ||
      pj_kir_elem_bytes((PjKirElem)p.type[0].elem) < 4 || !read_whole(op->region, array))
    return false;
  for (int i = 0; i < p.count; i++)
    if (p.type[i].lanes == 1)
      return false;
  int64_t strides[PJ_MAX_RANK];
  pj_shape_strides(type, strides);
  PjIx at = {0};
  for (int d = 0; d < type->rank; d++)
    at = pj_ix_add(
        &n->nest->ix, at,
        pj_ix_scale(&n->nest->ix,
                    pj_ix_uniform(pj_nest_start(n->nest, op->operands[2 + d], type->dims[d], 1)),
                    strides[d]));
  PjKirVal offset = pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, pj_ix_base(&n->nest->ix, at));
  PjKirVal value = pj_conv_to_memory(k, type->dtype, pj_nest_scalar(n->nest, op->operands[1]).re);
  PjKirVal pieces[PJ_NATIVE_PIECES];
  pj_native_load(n, &p, source, pieces);
  k->alias = pj_native_alias(n, target);
  for (int i = 0; i < p.count; i++) {
    const PjKirVal place =
        pj_kir_sub(k, offset, pj_kir_const(k, PJ_KIR_T(I32, 1), (uint64_t)p.at[i]));
    const PjKirVal here = pj_kir_eq(k, pj_kir_iota(k, PJ_KIR_T(I32, p.type[i].lanes)), place);
    pj_kir_store(k, pj_kir_select(k, here, value, pieces[i]), pj_native_slot(n, target),
                 pj_kir_i64(k, p.at[i]), 0);
  }
  k->alias = 0;
  return true;
}
