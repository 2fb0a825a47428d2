// Rules of slices of sums of padded arrays, as gradients of stencils with borders are made of.
//
//   %s = add (pad %x, low = 1), (pad %y, high = 1)
//   %r = slice %s, its inner part                   =>   add of what is left of each
//
// A border of such a sum is cut off, folded back, and the next dimension's follows: each part is
// the sum again, of what does not lie in the padding. In the end hardly any padding is left, and
// nothing that would go through memory in between.
#include "pass/shapes.h"
#include "pass/simplify.h"

enum { MOST_NODES = 48, MOST_OPERANDS = 2 };

typedef struct Cut {
  const int64_t *start, *limit;
} Cut;

// Whether |value| is a sum of padded arrays, its own operations used nowhere else.
static bool is_padded_sum(PjRewrite *rw, const PjValue *value, bool root, int *left, int *pads) {
  const PjOp *def = value->def;
  if (!def || --*left < 0)
    return false;
  if (pj_const_splat(value))
    return true;
  if (def->kind == PJ_OP_PAD) {
    const int64_t *interior = PJ_INTS(def, interior_padding, NULL);
    for (int32_t d = 0; d < value->type->rank; ++d)
      if (interior[d])
        return false;
    ++*pads;
    return true;
  }
  if ((def->kind != PJ_OP_ADD && def->kind != PJ_OP_SUBTRACT && def->kind != PJ_OP_NEGATE) ||
      (!root && pj_rw_uses(rw, value) != 1))
    return false;
  for (uint32_t i = 0; i < def->num_operands; ++i)
    if (!is_padded_sum(rw, def->operands[i], false, left, pads))
      return false;
  return true;
}

static PjValue *cut_pad(PjRewrite *rw, PjOp *at, const PjOp *pad, Cut cut, const PjType *type) {
  PjValue *x = pad->operands[0];
  const int64_t *low = PJ_INTS(pad, edge_padding_low, NULL);
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK], before[PJ_MAX_RANK], behind[PJ_MAX_RANK];
  bool none = true;
  for (int32_t d = 0; d < type->rank; ++d) {
    const int64_t size = x->type->dims[d], from = cut.start[d] - low[d], to = cut.limit[d] - low[d];
    start[d] = from > 0 ? from : 0;
    limit[d] = to < size ? to : size;
    if (start[d] >= limit[d])
      return pj_build_broadcast(rw, at, pad->operands[1], NULL, type);
    before[d] = start[d] - from;
    behind[d] = to - limit[d];
    none &= !before[d] && !behind[d];
  }
  x = pj_build_slice(rw, at, x, start, limit, NULL);
  return none ? x : pj_build_pad(rw, at, x, pad->operands[1], before, behind, NULL);
}

static PjValue *cut_sum(PjRewrite *rw, PjOp *at, const PjValue *value, Cut cut,
                        const PjType *type) {
  const PjOp *def = value->def;
  const void *element = pj_const_splat(value);
  if (element)
    return pj_build_splat(rw, at, type, element);
  if (def->kind == PJ_OP_PAD)
    return cut_pad(rw, at, def, cut, type);
  PjValue *operands[MOST_OPERANDS];
  for (uint32_t i = 0; i < def->num_operands; ++i)
    operands[i] = cut_sum(rw, at, def->operands[i], cut, type);
  return pj_build_like(rw, at, def, operands, type);
}

bool pj_rule_slice_of_sum(PjRewrite *rw, PjOp *op) {
  const PjValue *x = op->operands[0];
  const PjType *type = op->results[0].type;
  const int64_t *strides = PJ_INTS(op, strides, NULL);
  int left = MOST_NODES, pads = 0;
  for (int32_t d = 0; d < type->rank; ++d)
    if (strides[d] != 1)
      return false;
  if (!x->def || x->def->kind == PJ_OP_PAD || !pj_count(type) ||
      !is_padded_sum(rw, x, true, &left, &pads) || pads < 2)
    return false;
  const Cut cut = {PJ_INTS(op, start_indices, NULL), PJ_INTS(op, limit_indices, NULL)};
  return pj_rw_become(rw, op, cut_sum(rw, op, x, cut, type));
}
