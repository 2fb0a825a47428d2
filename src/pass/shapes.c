// Small facts about shapes.
#include "pass/shapes.h"

#include "pass/simplify.h"

bool pj_same_but_units(const PjType *from, const PjType *to, int32_t *map) {
  int32_t j = 0;
  for (int32_t i = 0; i < from->rank; ++i) {
    if (map)
      map[i] = -1;
    if (from->dims[i] == 1)
      continue;
    while (j < to->rank && to->dims[j] == 1)
      ++j;
    if (j == to->rank || to->dims[j] != from->dims[i])
      return false;
    if (map)
      map[i] = j;
    ++j;
  }
  while (j < to->rank && to->dims[j] == 1)
    ++j;
  return j == to->rank;
}

PjValue *pj_build_squeeze(PjRewrite *rw, PjOp *at, PjValue *x) {
  int64_t dims[PJ_MAX_RANK];
  int32_t rank = 0;
  for (int32_t i = 0; i < x->type->rank; ++i)
    if (x->type->dims[i] != 1)
      dims[rank++] = x->type->dims[i];
  return rank == x->type->rank ? x : pj_build_reshape_dims(rw, at, x, rank, dims);
}

PjOp *pj_turned_for_little(PjRewrite *rw, const PjOp *op) {
  PjOp *def = op->operands[0]->def;
  return def && def->kind == PJ_OP_TRANSPOSE && def->region == op->region &&
                 pj_rw_uses(rw, op->operands[0]) == 1 &&
                 pj_count(op->results[0].type) <= pj_count(op->operands[0]->type) / 2
             ? def
             : NULL;
}

bool pj_refine(const PjType *a, const PjType *b, PjRefined *out) {
  int64_t dims[PJ_MAX_RANK], room_a = 1, room_b = 1; // innermost first
  int32_t starts_a[PJ_MAX_RANK], starts_b[PJ_MAX_RANK], i = a->rank, j = b->rank, n = 0;
  for (;;) {
    while (room_a == 1 && i > 0) {
      room_a = a->dims[--i];
      starts_a[i] = n;
    }
    while (room_b == 1 && j > 0) {
      room_b = b->dims[--j];
      starts_b[j] = n;
    }
    if (room_a == 1 || room_b == 1)
      break;
    const int64_t least = room_a < room_b ? room_a : room_b;
    if (n == PJ_MAX_RANK || least < 1 || room_a % least || room_b % least)
      return false;
    dims[n++] = least;
    room_a /= least;
    room_b /= least;
  }
  if (room_a != 1 || room_b != 1)
    return false;
  // From the outermost: what began at n from the end begins behind all that lies further out.
  out->rank = n;
  for (int32_t d = 0; d < n; ++d)
    out->dims[d] = dims[n - 1 - d];
  out->first_a[a->rank] = out->first_b[b->rank] = n;
  for (int32_t d = 0; d < a->rank; ++d)
    out->first_a[d] = n - (d ? starts_a[d - 1] : n);
  for (int32_t d = 0; d < b->rank; ++d)
    out->first_b[d] = n - (d ? starts_b[d - 1] : n);
  return true;
}
