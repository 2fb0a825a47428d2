// chlo: ops with implicit broadcasting, constant_like, ragged_dot, top_k, scan.
#include <inttypes.h>

#include "ir/infer/contraction.h"
#include "ir/verify/check.h"

// ---------------------------------------------------------------------- broadcasting

// Merges one dimension of a further operand into the result's: a size of 1 stretches; an unknown
// size may be 1.
static bool broadcast_dim(int64_t *size, int64_t *bound, int64_t other_size, int64_t other_bound) {
  if (*size == 1) {
    *size = other_size;
    *bound = other_bound;
    return true;
  }
  if (other_size == 1)
    return true;
  if (*size == PJ_DYN || other_size == PJ_DYN) {
    int64_t known = *size != PJ_DYN ? *size : other_size;
    *bound = *size == PJ_DYN && other_size == PJ_DYN ? (*bound == PJ_DYN ? other_bound : *bound)
                                                     : PJ_DYN;
    *size = known;
    return true;
  }
  return *size == other_size;
}

// Numpy's rule, or, with |given|, the smaller operand's dimension i meets dimension given.v[i] of
// the larger one.
static PjStatus broadcast_shapes(PjCheck *check, const PjOp *op, const PjInts *given, int64_t *dims,
                                 int64_t *bounds, int32_t *out_rank) {
  uint32_t largest = 0;
  for (uint32_t i = 1; i < op->num_operands; ++i)
    if (pj__in(op, i)->rank > pj__in(op, largest)->rank)
      largest = i;
  const PjType *large = pj__in(op, largest);
  for (int32_t d = 0; d < large->rank; ++d) {
    dims[d] = large->dims[d];
    bounds[d] = pj__bound(large, d);
  }
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjType *small = pj__in(op, i);
    if (i == largest)
      continue;
    if (given) {
      PJ_TRY(pj__check_length(op, "broadcast_dimensions", *given, small->rank,
                              "the rank of the smaller operand"));
      PJ_TRY(pj__check_dims(op, "broadcast_dimensions", *given, large->rank,
                            "the rank of the larger operand"));
      PJ_TRY(pj__check_unique(check, op, "broadcast_dimensions", *given));
    }
    for (int32_t d = 0; d < small->rank; ++d) {
      int64_t to = given ? given->v[d] : large->rank - small->rank + d;
      PJ_REQUIRE(op, broadcast_dim(&dims[to], &bounds[to], small->dims[d], pj__bound(small, d)),
                 "incompatible shapes for broadcasting: %s and %s", pj__type_text(check, large),
                 pj__type_text(check, small));
    }
  }
  *out_rank = large->rank;
  return NULL;
}

PjStatus pj_infer_chlo_broadcast(PjCheck *check, const PjOp *op, const PjType **out) {
  bool select = op->kind == PJ_OP_CHLO_BROADCAST_SELECT;
  const PjType *lhs = pj__in(op, select ? 1 : 0), *rhs = pj__in(op, select ? 2 : 1);
  PJ_REQUIRE(op, select ? pj__elements_eq(lhs, rhs) : pj__elements_compatible(lhs, rhs),
             "mismatched operand types: requires compatible element types for all operands and "
             "results, but got %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs));
  PjType like = *lhs;
  if (op->kind == PJ_OP_CHLO_BROADCAST_COMPARE) {
    like.dtype = PJ_DT_PRED;
    like.quant = NULL;
  } else if (op->kind == PJ_OP_CHLO_BROADCAST_COMPLEX) {
    PJ_REQUIRE(op, lhs->dtype == PJ_DT_F32 || lhs->dtype == PJ_DT_F64,
               "requires f32 or f64 operands, but got %s", pj__type_text(check, lhs));
    like.dtype = lhs->dtype == PJ_DT_F32 ? PJ_DT_C64 : PJ_DT_C128;
  }
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    if (pj__in(op, i)->kind != PJ_TYPE_UNRANKED)
      continue;
    out[0] = pj_type_unranked(check->arena, like.dtype, like.quant);
    return NULL;
  }
  const PjAttr *attr = PJ_ATTR(op, broadcast_dimensions);
  PjInts given = PJ_LIST(op, broadcast_dimensions);
  int64_t dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  int32_t rank = 0;
  PJ_TRY(broadcast_shapes(check, op, attr ? &given : NULL, dims, bounds, &rank));
  out[0] = pj__tensor(check, &like, rank, dims, bounds);
  return NULL;
}

// ---------------------------------------------------------------------- constant_like
PjStatus pj_infer_chlo_constant_like(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjAttr *value = PJ_ATTR(op, value);
  const PjType *type =
      value->kind == PJ_ATTR_BOOL ? pj_type_scalar(check->arena, PJ_DT_PRED, NULL) : value->type;
  PJ_REQUIRE(op,
             type && (value->kind == PJ_ATTR_BOOL || value->kind == PJ_ATTR_INT ||
                      value->kind == PJ_ATTR_FLOAT || value->kind == PJ_ATTR_ELEMENTS),
             "value must be a typed number");
  PJ_REQUIRE(op,
             value->kind != PJ_ATTR_ELEMENTS ||
                 (value->data && value->data_size >= pj_dtype_bytes(type->dtype)),
             "value must be one number");
  out[0] = pj__with_element(check, pj__in(op, 0), type->dtype, NULL);
  return NULL;
}

PjStatus pj_verify_chlo_constant_like(PjCheck *check, const PjOp *op) {
  PJ_REQUIRE(op, pj__shapes_compatible(pj__in(op, 0), pj__out(op, 0)),
             "requires the same shape for operand and result, but got %s and %s",
             pj__type_text(check, pj__in(op, 0)), pj__type_text(check, pj__out(op, 0)));
  return NULL;
}

// ---------------------------------------------------------------------- ragged_dot

// The ragged dimension of lhs is (1) free: rhs has a group dimension; (2) contracting: the result
// gets one; (3) batching.
typedef enum RaggedMode { RAGGED_FREE, RAGGED_CONTRACTING, RAGGED_BATCH } RaggedMode;

// group_sizes has shape [groups], or that behind the dimensions of lhs that lie outside the ragged
// one.
static PjStatus check_group_sizes(PjCheck *check, const PjOp *op, const PjDotDims *d,
                                  RaggedMode mode, int64_t ragged) {
  const PjType *lhs = pj__in(op, 0), *sizes = pj__in(op, 2);
  int64_t prefix[2 * PJ_MAX_RANK];
  int32_t rank = 0;
  if (sizes->rank == 1)
    return NULL;
  for (uint32_t i = 0; i < d->lhs_batch.n && d->lhs_batch.v[i] != ragged; ++i)
    prefix[rank++] = lhs->dims[d->lhs_batch.v[i]];
  if (mode == RAGGED_CONTRACTING)
    for (uint32_t i = 0; d->lhs_contract.v[i] != ragged; ++i)
      prefix[rank++] = lhs->dims[d->lhs_contract.v[i]];
  if (mode == RAGGED_FREE)
    for (int32_t i = 0; i < ragged; ++i)
      if (!pj__list_has(d->lhs_batch, i) && !pj__list_has(d->lhs_contract, i))
        prefix[rank++] = lhs->dims[i];
  PJ_REQUIRE(op, sizes->rank == rank + 1, "expected group_sizes to have rank %d, got %d", rank + 1,
             sizes->rank);
  for (int32_t i = 0; i < rank; ++i)
    PJ_REQUIRE(op, pj__dims_compatible(prefix[i], sizes->dims[i]),
               "group_sizes is expected to have shape [%s and the groups], got %s",
               pj__list_text(check, (PjInts){prefix, (uint32_t)rank}),
               pj__shape_text(check, sizes));
  return NULL;
}

static PjStatus ragged_shape(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1), *sizes = pj__in(op, 2);
  PjInts ragged = PJ_LIST(op, lhs_ragged_dimensions), group = PJ_LIST(op, rhs_group_dimensions);
  PjDotDims d;
  PJ_TRY(pj__dot_dims(check, op, &d));
  PJ_REQUIRE(op, ragged.n == 1,
             "there must be exactly one ragged dimension in lhs, but lhs_ragged_dimensions has %u",
             ragged.n);
  PJ_TRY(pj__check_dims(op, "lhs_ragged_dimensions", ragged, lhs->rank, "the rank of lhs"));
  PJ_REQUIRE(op, sizes->rank >= 1, "group_sizes must have rank 1 at least, but is %s",
             pj__type_text(check, sizes));
  RaggedMode mode = pj__list_has(d.lhs_batch, ragged.v[0])      ? RAGGED_BATCH
                    : pj__list_has(d.lhs_contract, ragged.v[0]) ? RAGGED_CONTRACTING
                                                                : RAGGED_FREE;
  PJ_TRY(check_group_sizes(check, op, &d, mode, ragged.v[0]));
  int64_t groups = sizes->dims[sizes->rank - 1], dims[4 * PJ_MAX_RANK], bounds[4 * PJ_MAX_RANK];
  PJ_TRY(pj__check_dims(op, "rhs_group_dimensions", group, rhs->rank, "the rank of rhs"));
  PJ_TRY(pj__check_distinct(op, "rhs_group_dimensions", group, "rhs_batching_dimensions",
                            d.rhs_batch));
  PJ_TRY(pj__check_distinct(op, "rhs_group_dimensions", group, "rhs_contracting_dimensions",
                            d.rhs_contract));
  if (mode == RAGGED_FREE) {
    PJ_REQUIRE(op, group.n == 1,
               "there must be exactly one group dimension in rhs when the ragged dimension is "
               "non-contracting, but there are %u",
               group.n);
    PJ_REQUIRE(op, pj__dims_compatible(groups, rhs->dims[group.v[0]]),
               "the group dimension of rhs is expected to have size %s, got %s",
               pj__dim_text(check, groups), pj__dim_text(check, rhs->dims[group.v[0]]));
  } else {
    PJ_REQUIRE(op, group.n == 0,
               "there must be no group dimension in rhs when the ragged dimension is batch or "
               "contracting, but there are %u",
               group.n);
  }
  int32_t rank = 0;
  if (mode == RAGGED_CONTRACTING) {
    dims[rank] = groups;
    bounds[rank++] = PJ_DYN;
  }
  for (uint32_t i = 0; i < d.lhs_batch.n; ++i) {
    dims[rank] = lhs->dims[d.lhs_batch.v[i]];
    bounds[rank++] = PJ_DYN;
  }
  pj__append_free_dims(lhs, d.lhs_batch, d.lhs_contract, (PjInts){0}, dims, bounds, &rank);
  pj__append_free_dims(rhs, d.rhs_batch, d.rhs_contract, group, dims, bounds, &rank);
  PJ_REQUIRE(op, rank <= PJ_MAX_RANK,
             "the result would have rank %d: at most %d dimensions are supported", rank,
             PJ_MAX_RANK);
  *out = pj__tensor(check, lhs, rank, dims, NULL);
  return NULL;
}

PjStatus pj_verify_chlo_ragged_dot(PjCheck *check, const PjOp *op) {
  const PjType *shape;
  PJ_TRY(ragged_shape(check, op, &shape));
  PJ_REQUIRE(op, pj__shapes_compatible(shape, pj__out(op, 0)),
             "the inferred shape %s is incompatible with the declared result type %s",
             pj__shape_text(check, shape), pj__type_text(check, pj__out(op, 0)));
  return NULL;
}

// ---------------------------------------------------------------------- top_k, scan
PjStatus pj_infer_chlo_top_k(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *operand = pj__in(op, 0);
  int64_t k = PJ_INT(op, k), dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  PJ_REQUIRE(op, k >= 0, "k must not be negative, but is %" PRId64, k);
  if (operand->kind == PJ_TYPE_UNRANKED) {
    out[0] = operand;
    out[1] = pj_type_unranked(check->arena, PJ_DT_S32, NULL);
    return NULL;
  }
  PJ_REQUIRE(op, operand->rank >= 1, "the operand's rank must be at least 1, but the operand is %s",
             pj__type_text(check, operand));
  int32_t last = operand->rank - 1;
  PJ_REQUIRE(op, operand->dims[last] == PJ_DYN || operand->dims[last] >= k,
             "the operand's last dimension must be at least k = %" PRId64 ", but the operand is %s",
             k, pj__type_text(check, operand));
  for (int32_t i = 0; i <= last; ++i) {
    dims[i] = i == last ? k : operand->dims[i];
    bounds[i] = i == last ? PJ_DYN : pj__bound(operand, i);
  }
  out[0] = pj__tensor(check, operand, operand->rank, dims, bounds);
  out[1] = pj__with_element(check, out[0], PJ_DT_S32, NULL);
  return NULL;
}

// Operands are inputs, then initial carries; results are outputs, then carries; the body takes
// slices of the inputs and the carries and returns slices of the outputs and the carries.
PjStatus pj_infer_chlo_scan(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjRegion *body = &op->regions[0];
  const PjAttr *given = PJ_ATTR(op, scan_dim_size);
  int64_t dim = PJ_INT(op, dimension), size = given ? given->i64 : PJ_DYN;
  uint32_t count;
  PJ_REQUIRE(op, dim >= 0, "dimension must not be negative, but is %" PRId64, dim);
  PJ_REQUIRE(op, !given || size >= 0, "scan_dim_size must not be negative, but is %" PRId64, size);
  PJ_REQUIRE(op, op->num_operands || op->num_results,
             "at least one of inputs or outputs must be present");
  PJ_REQUIRE(op, body->num_args == op->num_operands, "expects %u arguments in the body, but got %u",
             op->num_operands, body->num_args);
  // Carries keep their rank in the body; inputs lose the scanned dimension.
  uint32_t inputs = 0;
  while (inputs < op->num_operands && pj_type_is_tensor(pj__in(op, inputs)) &&
         pj_type_is_tensor(body->args[inputs].type) &&
         body->args[inputs].type->rank + 1 == pj__in(op, inputs)->rank)
    ++inputs;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjType *type = pj__in(op, i), *arg = body->args[i].type;
    PJ_REQUIRE(op, pj_type_is_tensor(type) && pj_type_is_tensor(arg), "operand %u is not ranked",
               i);
    if (i < inputs) {
      PJ_TRY(pj__check_dim(op, "dimension", dim, type->rank, "the rank of the inputs"));
      PJ_REQUIRE(op, pj__dims_compatible(size, type->dims[dim]),
                 "invalid scan dimension size of operand %u: %" PRId64 " instead of %" PRId64, i,
                 type->dims[dim], size);
      if (size == PJ_DYN)
        size = type->dims[dim];
      int64_t dims[PJ_MAX_RANK];
      for (int32_t d = 0; d < arg->rank; ++d)
        dims[d] = type->dims[d < dim ? d : d + 1];
      type = pj__tensor(check, type, arg->rank, dims, NULL);
    }
    PJ_REQUIRE(op, pj__types_compatible(type, arg),
               "operand and body argument %u are incompatible: %s and %s", i,
               pj__type_text(check, pj__in(op, i)), pj__type_text(check, arg));
  }
  uint32_t carries = op->num_operands - inputs;
  PjValue *const *returned = pj__returned(body, &count);
  PJ_REQUIRE(op, count >= carries,
             "the body must return at least %u values (carries), but returns %u", carries, count);
  PJ_REQUIRE(op, count == op->num_results, "the body returns %u values, but the op has %u results",
             count, op->num_results);
  for (uint32_t i = 0; i < count; ++i) {
    const PjType *type = returned[i]->type;
    PJ_REQUIRE(op, pj_type_is_tensor(type), "value %u that the body returns is not ranked", i);
    out[i] = type;
    if (i >= count - carries)
      continue;
    PJ_REQUIRE(op, dim <= type->rank && type->rank < PJ_MAX_RANK,
               "dimension = %" PRId64 " is out of range for output %u of rank %d", dim, i,
               type->rank + 1);
    int64_t dims[PJ_MAX_RANK];
    for (int32_t d = 0; d <= type->rank; ++d)
      dims[d] = d == dim ? size : type->dims[d < dim ? d : d - 1];
    out[i] = pj__tensor(check, type, type->rank + 1, dims, NULL);
  }
  return NULL;
}
