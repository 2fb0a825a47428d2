// Creation and movement of data: constant, iota, broadcast, broadcast_in_dim, concatenate, pad,
// reshape, reverse, slice, transpose, dynamic_slice, dynamic_update_slice. Spec: the sections of
// these names.
#include <inttypes.h>

#include "ir/infer/quantize.h"
#include "ir/verify/check.h"

// Ops that move elements unchanged keep their type exactly, scales included.
PjStatus pj_verify_same_element(PjCheck *check, const PjOp *op) {
  PJ_REQUIRE(op, pj__elements_eq(pj__in(op, 0), pj__out(op, 0)),
             "requires the same element type for all operands and results, but got %s and %s",
             pj__type_text(check, pj__in(op, 0)), pj__type_text(check, pj__out(op, 0)));
  return NULL;
}

// ---------------------------------------------------------------------- creation

// A quantised constant holds integers of the storage type, so the element type is the declared
// result's to say.
PjStatus pj_verify_constant(PjCheck *check, const PjOp *op) {
  const PjType *value = PJ_ATTR(op, value)->type, *result = pj__out(op, 0);
  PJ_REQUIRE(op,
             value->rank == result->rank && pj__shapes_compatible(value, result) &&
                 value->dtype == result->dtype &&
                 (!value->quant || pj_quant_eq(value->quant, result->quant)),
             "the value has type %s, which is incompatible with the result type %s",
             pj__type_text(check, value), pj__type_text(check, result));
  return NULL;
}

PjStatus pj_infer_constant(PjCheck *check, const PjOp *op, const PjType **out) {
  // The one look at a result: what the storage integers of a quantised constant stand for only the
  // result says.
  if (!(op->num_results == 1 && op->results[0].type && op->results[0].type->quant))
    out[0] = PJ_ATTR(op, value)->type;
  return NULL;
}

static PjStatus check_iota_dimension(const PjOp *op, const PjType *result) {
  PJ_REQUIRE(op, result->rank > 0, "scalars are not supported");
  return pj__check_dim(op, "iota_dimension", PJ_INT(op, iota_dimension), result->rank,
                       "the rank of the result");
}

PjStatus pj_verify_iota(PjCheck *check, const PjOp *op) {
  return check_iota_dimension(op, pj__out(op, 0));
}

// ---------------------------------------------------------------------- broadcasts
PjStatus pj_infer_broadcast(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *operand = pj__in(op, 0);
  PjInts sizes = PJ_LIST(op, broadcast_sizes);
  int64_t dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  PJ_REQUIRE(op, sizes.n + (uint64_t)operand->rank <= PJ_MAX_RANK,
             "the result would have rank %" PRIu64 ": at most %d dimensions are supported",
             sizes.n + (uint64_t)operand->rank, PJ_MAX_RANK);
  for (uint32_t i = 0; i < sizes.n; ++i) {
    PJ_REQUIRE(op, sizes.v[i] >= 0, "broadcast_sizes must not be negative, but are %s",
               pj__list_text(check, sizes));
    dims[i] = sizes.v[i];
    bounds[i] = PJ_DYN;
  }
  for (int32_t i = 0; i < operand->rank; ++i) {
    dims[(int32_t)sizes.n + i] = operand->dims[i];
    bounds[(int32_t)sizes.n + i] = pj__bound(operand, i);
  }
  out[0] = pj__tensor(check, operand, (int32_t)sizes.n + operand->rank, dims, bounds);
  return NULL;
}

PjStatus pj_verify_broadcast_in_dim(PjCheck *check, const PjOp *op) {
  const PjType *operand = pj__in(op, 0), *result = pj__out(op, 0);
  PjInts dims = PJ_LIST(op, broadcast_dimensions);
  PJ_REQUIRE(op, pj__elements_compatible(operand, result),
             "requires compatible element types for all operands and results, but got %s and %s",
             pj__type_text(check, operand), pj__type_text(check, result));
  PJ_TRY(pj__check_length(op, "broadcast_dimensions", dims, operand->rank, "the operand's rank"));
  PJ_TRY(pj__check_dims(op, "broadcast_dimensions", dims, result->rank, "the result's rank"));
  PJ_TRY(pj__check_unique(check, op, "broadcast_dimensions", dims));
  for (uint32_t i = 0; i < dims.n; ++i) {
    int64_t from = operand->dims[i], to = result->dims[dims.v[i]];
    PJ_REQUIRE(
        op,
        from == PJ_DYN || from == 1 || from == to ||
            (to == PJ_DYN && from <= pj__bound(result, dims.v[i])),
        "the size of operand dimension %u (%s) is neither 1 nor that of result dimension %" PRId64
        " (%s)",
        i, pj__dim_text(check, from), dims.v[i], pj__dim_text(check, to));
  }
  return pj__check_broadcast_quant(check, op, operand, result, dims);
}

// ---------------------------------------------------------------------- rearrangement
PjStatus pj_verify_reshape(PjCheck *check, const PjOp *op) {
  const PjType *operand = pj__in(op, 0), *result = pj__out(op, 0);
  int64_t from, to;
  PJ_REQUIRE(op, pj__elements_compatible(operand, result),
             "requires compatible element types for all operands and results, but got %s and %s",
             pj__type_text(check, operand), pj__type_text(check, result));
  if (pj_type_num_elements(operand, &from) && pj_type_num_elements(result, &to))
    PJ_REQUIRE(op, from == to,
               "the number of elements must not change, but is %" PRId64 " for %s and %" PRId64
               " for %s",
               from, pj__type_text(check, operand), to, pj__type_text(check, result));
  return pj__check_reshaped_quant(check, op, operand, result);
}

PjStatus pj_infer_reverse(PjCheck *check, const PjOp *op, const PjType **out) {
  PjInts dims = PJ_LIST(op, dimensions);
  PJ_TRY(pj__check_dims(op, "dimensions", dims, pj__in(op, 0)->rank, "the operand's rank"));
  PJ_TRY(pj__check_unique(check, op, "dimensions", dims));
  out[0] = pj__in(op, 0);
  return NULL;
}

PjStatus pj_infer_transpose(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *operand = pj__in(op, 0);
  PjInts permutation = PJ_LIST(op, permutation);
  int64_t dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  PJ_TRY(pj__check_length(op, "permutation", permutation, operand->rank, "the operand's rank"));
  PJ_TRY(pj__check_dims(op, "permutation", permutation, operand->rank, "the operand's rank"));
  PJ_TRY(pj__check_unique(check, op, "permutation", permutation));
  for (int32_t i = 0; i < operand->rank; ++i) {
    dims[i] = operand->dims[permutation.v[i]];
    bounds[i] = pj__bound(operand, permutation.v[i]);
  }
  if (pj__is_per_axis(operand)) { // the quantisation dimension moves along
    PjQuant *quant = pj_arena_memdup(check->arena, operand->quant, sizeof *quant);
    for (int32_t i = 0; i < operand->rank; ++i)
      if (permutation.v[i] == operand->quant->axis)
        quant->axis = i;
    PjType like = *operand;
    like.quant = quant;
    out[0] = pj__tensor(check, &like, operand->rank, dims, bounds);
    return NULL;
  }
  out[0] = pj__tensor(check, operand, operand->rank, dims, bounds);
  return NULL;
}

PjStatus pj_verify_transpose(PjCheck *check, const PjOp *op) {
  const PjType *operand = pj__in(op, 0), *result = pj__out(op, 0);
  PJ_TRY(pj__check_same_scales(check, op, operand, result));
  if (!pj__is_per_axis(result))
    return NULL;
  PjInts permutation = PJ_LIST(op, permutation);
  PJ_REQUIRE(op, operand->quant->axis == permutation.v[result->quant->axis],
             "the operand's quantization dimension %d is not permutation[%d] = %" PRId64,
             operand->quant->axis, result->quant->axis, permutation.v[result->quant->axis]);
  return NULL;
}

// ---------------------------------------------------------------------- joining, padding
static void concatenate_dim(int64_t *size, int64_t *bound, int64_t other_size, int64_t other_bound,
                            bool *overflow) {
  int64_t limit = *size != PJ_DYN ? *size : *bound,
          other_limit = other_size != PJ_DYN ? other_size : other_bound, sum = PJ_DYN;
  if (limit != PJ_DYN && other_limit != PJ_DYN)
    *overflow = *overflow || !pj_add_i64(limit, other_limit, &sum);
  bool known = *size != PJ_DYN && other_size != PJ_DYN;
  *size = known ? sum : PJ_DYN;
  *bound = known ? PJ_DYN : sum;
}

PjStatus pj_infer_concatenate(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *first = pj__in(op, 0);
  int64_t dimension = PJ_INT(op, dimension), dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  bool overflow = false;
  PJ_REQUIRE(op, first->rank > 0, "values of rank 0 cannot be concatenated");
  PJ_TRY(pj__check_dim(op, "dimension", dimension, first->rank, "the rank of the inputs"));
  for (int32_t d = 0; d < first->rank; ++d) {
    dims[d] = first->dims[d];
    bounds[d] = pj__bound(first, d);
  }
  for (uint32_t i = 1; i < op->num_operands; ++i) {
    const PjType *type = pj__in(op, i);
    PJ_REQUIRE(op, pj__elements_eq(first, type),
               "requires the same element type for all operands and results, but got %s and %s",
               pj__type_text(check, first), pj__type_text(check, type));
    PJ_REQUIRE(op, type->rank == first->rank, "operands #0 and #%u differ in rank: %s and %s", i,
               pj__type_text(check, first), pj__type_text(check, type));
    for (int32_t d = 0; d < first->rank; ++d) {
      if (d == dimension)
        concatenate_dim(&dims[d], &bounds[d], type->dims[d], pj__bound(type, d), &overflow);
      else
        PJ_REQUIRE(op, pj__merge_dim_most(&dims[d], &bounds[d], type->dims[d], pj__bound(type, d)),
                   "operands #0 and #%u differ in dimension %d, which is not the concatenated one: "
                   "%s and %s",
                   i, d, pj__type_text(check, first), pj__type_text(check, type));
    }
  }
  PJ_REQUIRE(op, !overflow, "the size of dimension %" PRId64 " of the result overflows", dimension);
  out[0] = pj__tensor(check, first, first->rank, dims, bounds);
  return NULL;
}

// Size of a padded dimension: low + size + max(size - 1, 0) * interior + high; false on overflow.
static bool padded_size(int64_t size, int64_t low, int64_t high, int64_t interior, int64_t *out) {
  int64_t gaps;
  return pj_mul_i64(size > 0 ? size - 1 : 0, interior, &gaps) && pj_add_i64(size, gaps, &size) &&
         pj_add_i64(size, low, &size) && pj_add_i64(size, high, out);
}

PjStatus pj_infer_pad(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *operand = pj__in(op, 0), *value = pj__in(op, 1);
  PjInts low = PJ_LIST(op, edge_padding_low), high = PJ_LIST(op, edge_padding_high),
         interior = PJ_LIST(op, interior_padding);
  int64_t dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  PJ_REQUIRE(op, pj__elements_eq(operand, value),
             "requires the same element type for all operands and results, but got %s and %s",
             pj__type_text(check, operand), pj__type_text(check, value));
  PJ_TRY(pj__check_length(op, "edge_padding_low", low, operand->rank, "the operand's rank"));
  PJ_TRY(pj__check_length(op, "edge_padding_high", high, operand->rank, "the operand's rank"));
  PJ_TRY(pj__check_length(op, "interior_padding", interior, operand->rank, "the operand's rank"));
  for (int32_t i = 0; i < operand->rank; ++i) {
    PJ_REQUIRE(op, interior.v[i] >= 0, "interior_padding must not be negative, but is %s",
               pj__list_text(check, interior));
    bool known = operand->dims[i] != PJ_DYN;
    int64_t size = known ? operand->dims[i] : pj__bound(operand, i), padded = PJ_DYN;
    if (size != PJ_DYN) {
      PJ_REQUIRE(op, padded_size(size, low.v[i], high.v[i], interior.v[i], &padded),
                 "the size of dimension %d of the result overflows", i);
      PJ_REQUIRE(op, padded >= 0, "padding results in a negative %s for dimension %d: %" PRId64,
                 known ? "size" : "bound", i, padded);
    }
    dims[i] = known ? padded : PJ_DYN;
    bounds[i] = known ? PJ_DYN : padded;
  }
  out[0] = pj__tensor(check, operand, operand->rank, dims, bounds);
  return NULL;
}

// ---------------------------------------------------------------------- slices
PjStatus pj_infer_slice(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *operand = pj__in(op, 0);
  PjInts start = PJ_LIST(op, start_indices), limit = PJ_LIST(op, limit_indices),
         strides = PJ_LIST(op, strides);
  int64_t dims[PJ_MAX_RANK];
  PJ_TRY(pj__check_length(op, "start_indices", start, operand->rank, "the operand's rank"));
  PJ_TRY(pj__check_length(op, "limit_indices", limit, operand->rank, "the operand's rank"));
  PJ_TRY(pj__check_length(op, "strides", strides, operand->rank, "the operand's rank"));
  for (int32_t i = 0; i < operand->rank; ++i) {
    bool known = operand->dims[i] != PJ_DYN;
    int64_t size = known ? operand->dims[i] : pj__bound(operand, i);
    PJ_REQUIRE(op, start.v[i] >= 0, "negative start index %" PRId64 " in dimension %d", start.v[i],
               i);
    PJ_REQUIRE(op, size == PJ_DYN || limit.v[i] <= size,
               "limit index %" PRId64 " is larger than the %s %" PRId64 " of dimension %d",
               limit.v[i], known ? "size" : "bound", size, i);
    PJ_REQUIRE(op, start.v[i] <= limit.v[i],
               "start index %" PRId64 " is larger than limit index %" PRId64 " in dimension %d",
               start.v[i], limit.v[i], i);
    PJ_REQUIRE(op, strides.v[i] > 0, "stride must be positive, but is %" PRId64 " in dimension %d",
               strides.v[i], i);
    int64_t length = limit.v[i] - start.v[i];
    dims[i] = length / strides.v[i] + (length % strides.v[i] != 0);
  }
  out[0] = pj__tensor(check, operand, operand->rank, dims, NULL);
  return NULL;
}

static PjStatus check_start_indices(PjCheck *check, const PjOp *op, uint32_t first) {
  int32_t rank = pj__in(op, 0)->rank;
  uint32_t count = op->num_operands - first;
  PJ_REQUIRE(op, count == (uint32_t)rank,
             "the number of start indices (%u) must be the rank of the operand (%d)", count, rank);
  for (uint32_t i = 1; i < count; ++i)
    PJ_REQUIRE(op, pj__elements_eq(pj__in(op, first), pj__in(op, first + i)),
               "start indices must have the same element type, but got %s and %s",
               pj__type_text(check, pj__in(op, first)),
               pj__type_text(check, pj__in(op, first + i)));
  return NULL;
}

PjStatus pj_infer_dynamic_slice(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *operand = pj__in(op, 0);
  PjInts sizes = PJ_LIST(op, slice_sizes);
  PJ_TRY(check_start_indices(check, op, 1));
  PJ_TRY(pj__check_length(op, "slice_sizes", sizes, operand->rank, "the operand's rank"));
  for (int32_t i = 0; i < operand->rank; ++i) {
    PJ_REQUIRE(op, sizes.v[i] >= 0, "slice_sizes must not be negative, but are %s",
               pj__list_text(check, sizes));
    PJ_REQUIRE(op, operand->dims[i] == PJ_DYN || sizes.v[i] <= operand->dims[i],
               "slice size %" PRId64 " is greater than the size %" PRId64
               " of dimension %d of the operand",
               sizes.v[i], operand->dims[i], i);
  }
  out[0] = pj__tensor(check, operand, operand->rank, sizes.v, NULL);
  return NULL;
}

PjStatus pj_infer_dynamic_update_slice(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *operand = pj__in(op, 0), *update = pj__in(op, 1);
  PJ_REQUIRE(op, pj__elements_eq(operand, update),
             "operand and update must have the same element type, but got %s and %s",
             pj__type_text(check, operand), pj__type_text(check, update));
  PJ_REQUIRE(op, operand->rank == update->rank,
             "operand and update must have the same rank, but got %s and %s",
             pj__type_text(check, operand), pj__type_text(check, update));
  PJ_TRY(check_start_indices(check, op, 2));
  for (int32_t i = 0; i < operand->rank; ++i)
    PJ_REQUIRE(op,
               operand->dims[i] == PJ_DYN || update->dims[i] == PJ_DYN ||
                   update->dims[i] <= operand->dims[i],
               "the size of dimension %d of update must be in [0, %" PRId64 "], but is %" PRId64, i,
               operand->dims[i], update->dims[i]);
  out[0] = operand;
  return NULL;
}
