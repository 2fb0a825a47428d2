// dot_general and dot, cholesky, triangular_solve, fft. Spec: the sections of these names; dot is
// legacy.
#include "ir/infer/contraction.h"

#include <inttypes.h>

#include "ir/infer/quantize.h"

// ---------------------------------------------------------------------- dot_general
static PjStatus check_side(const PjOp *op, const PjType *type, const char *rank_name,
                           const char *batch_name, PjInts batch, const char *contract_name,
                           PjInts contract) {
  PJ_TRY(pj__check_distinct(op, batch_name, batch, contract_name, contract));
  PJ_TRY(pj__check_dims(op, batch_name, batch, type->rank, rank_name));
  return pj__check_dims(op, contract_name, contract, type->rank, rank_name);
}

PjStatus pj__dot_dims(PjCheck *check, const PjOp *op, PjDotDims *out) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1);
  PjDotDims d = {PJ_LIST(op, lhs_batching_dimensions), PJ_LIST(op, rhs_batching_dimensions),
                 PJ_LIST(op, lhs_contracting_dimensions), PJ_LIST(op, rhs_contracting_dimensions)};
  PJ_REQUIRE(op, d.lhs_batch.n == d.rhs_batch.n,
             "lhs and rhs must have the same number of batching dimensions, but have %u and %u",
             d.lhs_batch.n, d.rhs_batch.n);
  PJ_REQUIRE(op, d.lhs_contract.n == d.rhs_contract.n,
             "lhs and rhs must have the same number of contracting dimensions, but have %u and %u",
             d.lhs_contract.n, d.rhs_contract.n);
  PJ_TRY(check_side(op, lhs, "the rank of lhs", "lhs_batching_dimensions", d.lhs_batch,
                    "lhs_contracting_dimensions", d.lhs_contract));
  PJ_TRY(check_side(op, rhs, "the rank of rhs", "rhs_batching_dimensions", d.rhs_batch,
                    "rhs_contracting_dimensions", d.rhs_contract));
  for (uint32_t i = 0; i < d.lhs_batch.n; ++i)
    PJ_REQUIRE(op, pj__dims_compatible(lhs->dims[d.lhs_batch.v[i]], rhs->dims[d.rhs_batch.v[i]]),
               "batching dimension sizes must match: %s of lhs (dimension %" PRId64
               ") and %s of rhs (dimension %" PRId64 ")",
               pj__dim_text(check, lhs->dims[d.lhs_batch.v[i]]), d.lhs_batch.v[i],
               pj__dim_text(check, rhs->dims[d.rhs_batch.v[i]]), d.rhs_batch.v[i]);
  for (uint32_t i = 0; i < d.lhs_contract.n; ++i)
    PJ_REQUIRE(op,
               pj__dims_compatible(lhs->dims[d.lhs_contract.v[i]], rhs->dims[d.rhs_contract.v[i]]),
               "contracting dimension sizes must match: %s of lhs (dimension %" PRId64
               ") and %s of rhs (dimension %" PRId64 ")",
               pj__dim_text(check, lhs->dims[d.lhs_contract.v[i]]), d.lhs_contract.v[i],
               pj__dim_text(check, rhs->dims[d.rhs_contract.v[i]]), d.rhs_contract.v[i]);
  *out = d;
  return NULL;
}

void pj__append_free_dims(const PjType *type, PjInts a, PjInts b, PjInts c, int64_t *dims,
                          int64_t *bounds, int32_t *rank) {
  for (int32_t i = 0; i < type->rank; ++i) {
    if (pj__list_has(a, i) || pj__list_has(b, i) || pj__list_has(c, i))
      continue;
    dims[*rank] = type->dims[i];
    bounds[(*rank)++] = pj__bound(type, i);
  }
}

// The algorithms that some hardware is known to have (spec, dot_general: "algorithm"), all with one
// component per operand.
static bool known_algorithm(PjDtype lhs, PjDtype rhs, PjDtype accumulation, int64_t primitives,
                            bool imprecise) {
  static const struct {
    PjDtype operand, accumulation;
    int8_t primitives;
  } known[] = {{PJ_DT_F16, PJ_DT_F16, 1},  {PJ_DT_F16, PJ_DT_F32, 1},  {PJ_DT_BF16, PJ_DT_BF16, 1},
               {PJ_DT_BF16, PJ_DT_F32, 1}, {PJ_DT_BF16, PJ_DT_F32, 3}, {PJ_DT_BF16, PJ_DT_F32, 6},
               {PJ_DT_BF16, PJ_DT_F32, 9}, {PJ_DT_TF32, PJ_DT_F32, 1}, {PJ_DT_TF32, PJ_DT_F32, 3},
               {PJ_DT_F32, PJ_DT_F32, 1},  {PJ_DT_F64, PJ_DT_F64, 1}};
  bool f8 = pj_dtype_bits(lhs) == 8 && pj_dtype_is_float(lhs) && lhs != PJ_DT_F8E8M0FNU &&
            pj_dtype_bits(rhs) == 8 && pj_dtype_is_float(rhs) && rhs != PJ_DT_F8E8M0FNU;
  if (f8 && accumulation == PJ_DT_F32 && primitives == 1)
    return true;
  if (imprecise || lhs != rhs)
    return false;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i)
    if (known[i].operand == lhs && known[i].accumulation == accumulation &&
        known[i].primitives == primitives)
      return true;
  return false;
}

static bool is_none(const PjAttr *attr) {
  return attr->kind == PJ_ATTR_TYPE && attr->type->kind == PJ_TYPE_NONE;
}

// dot_general (C21-C24): all seven fields of the algorithm are given or none.
static PjStatus check_algorithm(const PjOp *op) {
  const PjAttr *fields[] = {
      PJ_ATTR(op, lhs_precision_type),          PJ_ATTR(op, rhs_precision_type),
      PJ_ATTR(op, accumulation_type),           PJ_ATTR(op, lhs_component_count),
      PJ_ATTR(op, rhs_component_count),         PJ_ATTR(op, num_primitive_operations),
      PJ_ATTR(op, allow_imprecise_accumulation)};
  int none = 0;
  for (int i = 0; i < 7; ++i)
    none += is_none(fields[i]);
  if (none == 7)
    return NULL;
  PJ_REQUIRE(op, none == 0, "the fields of the algorithm must be given all or none");
  for (int i = 0; i < 3; ++i)
    PJ_REQUIRE(op, fields[i]->type->kind == PJ_TYPE_SCALAR && !fields[i]->type->quant,
               "the types of the algorithm must be element types");
  PJ_REQUIRE(op, fields[3]->i64 > 0, "lhs_component_count must be positive, but is %" PRId64,
             fields[3]->i64);
  PJ_REQUIRE(op, fields[4]->i64 > 0, "rhs_component_count must be positive, but is %" PRId64,
             fields[4]->i64);
  PJ_REQUIRE(op, fields[5]->i64 > 0, "num_primitive_operations must be positive, but is %" PRId64,
             fields[5]->i64);
  PJ_REQUIRE(op,
             fields[3]->i64 == 1 && fields[4]->i64 == 1 &&
                 known_algorithm(fields[0]->type->dtype, fields[1]->type->dtype,
                                 fields[2]->type->dtype, fields[5]->i64, fields[6]->i64 != 0),
             "the dot algorithm is not known to be supported on any hardware: lhs %s, rhs %s, "
             "accumulation %s, lhs components %" PRId64 ", rhs components %" PRId64
             ", primitive operations %" PRId64 ", imprecise %" PRId64,
             pj_dtype_text(fields[0]->type->dtype), pj_dtype_text(fields[1]->type->dtype),
             pj_dtype_text(fields[2]->type->dtype), fields[3]->i64, fields[4]->i64, fields[5]->i64,
             fields[6]->i64);
  const PjAttr *precision = PJ_ATTR(op, precision_config);
  for (uint32_t i = 0; i < precision->count; ++i)
    PJ_REQUIRE(op, precision->elems[i]->i64 == PJ_PRECISION_DEFAULT,
               "precision_config must be DEFAULT when an algorithm is given, but is %s",
               pj_enum_text(PJ_ENUM_PRECISION, precision->elems[i]->i64));
  return NULL;
}

// The shape of the result, as a type with lhs's element type: batching, then free dimensions of
// lhs, then of rhs.
static PjStatus dot_general_shape(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1);
  PjDotDims d;
  int64_t dims[3 * PJ_MAX_RANK], bounds[3 * PJ_MAX_RANK];
  int32_t rank = 0;
  PJ_TRY(pj__dot_dims(check, op, &d));
  for (uint32_t i = 0; i < d.lhs_batch.n; ++i, ++rank) {
    dims[rank] = lhs->dims[d.lhs_batch.v[i]];
    bounds[rank] = pj__bound(lhs, d.lhs_batch.v[i]);
    PJ_REQUIRE(op,
               pj__merge_dim_most(&dims[rank], &bounds[rank], rhs->dims[d.rhs_batch.v[i]],
                                  pj__bound(rhs, d.rhs_batch.v[i])),
               "batching dimension %u exceeds its bound: %s and %s", i, pj__type_text(check, lhs),
               pj__type_text(check, rhs));
  }
  pj__append_free_dims(lhs, d.lhs_batch, d.lhs_contract, (PjInts){0}, dims, bounds, &rank);
  pj__append_free_dims(rhs, d.rhs_batch, d.rhs_contract, (PjInts){0}, dims, bounds, &rank);
  PJ_REQUIRE(op, rank <= PJ_MAX_RANK,
             "the result would have rank %d: at most %d dimensions are supported", rank,
             PJ_MAX_RANK);
  *out = pj__tensor(check, lhs, rank, dims, bounds);
  return NULL;
}

static PjStatus check_shape(PjCheck *check, const PjOp *op, const PjType *shape) {
  PJ_REQUIRE(op, pj__shapes_compatible(shape, pj__out(op, 0)),
             "the inferred shape %s is incompatible with the declared result type %s",
             pj__shape_text(check, shape), pj__type_text(check, pj__out(op, 0)));
  return NULL;
}

PjStatus pj_verify_dot_general(PjCheck *check, const PjOp *op) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1), *shape;
  PJ_TRY(dot_general_shape(check, op, &shape));
  PJ_TRY(check_shape(check, op, shape));
  PJ_TRY(check_algorithm(op));
  if (!lhs->quant && !rhs->quant && !pj__out(op, 0)->quant)
    return NULL;
  for (uint32_t i = 0; rhs->quant && i < rhs->quant->num_scales; ++i)
    PJ_REQUIRE(op, rhs->quant->zero_points[i] == 0,
               "the zero points of rhs must be 0, but rhs has type %s", pj__type_text(check, rhs));
  PJ_REQUIRE(op,
             !pj__is_per_axis(rhs) ||
                 !pj__list_has(PJ_LIST(op, rhs_contracting_dimensions), rhs->quant->axis),
             "the quantization dimension %d of rhs must not be a contracting dimension",
             rhs->quant->axis);
  return pj__check_contracted_quant(check, op);
}

// ---------------------------------------------------------------------- dot (legacy)
PjStatus pj_verify_dot(PjCheck *check, const PjOp *op) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1);
  PJ_REQUIRE(op, lhs->rank >= 1 && lhs->rank <= 2 && rhs->rank >= 1 && rhs->rank <= 2,
             "expected both lhs and rhs ranks to be 1 or 2, but got %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs));
  PJ_REQUIRE(op, pj__dims_compatible(lhs->dims[lhs->rank - 1], rhs->dims[0]),
             "contracting dimension sizes must match, but got %s and %s", pj__type_text(check, lhs),
             pj__type_text(check, rhs));
  int64_t dims[2], bounds[2];
  int32_t rank = 0;
  static const int64_t zero = 0;
  int64_t last = lhs->rank - 1;
  pj__append_free_dims(lhs, (PjInts){&last, 1}, (PjInts){0}, (PjInts){0}, dims, bounds, &rank);
  pj__append_free_dims(rhs, (PjInts){&zero, 1}, (PjInts){0}, (PjInts){0}, dims, bounds, &rank);
  return check_shape(check, op, pj__tensor(check, lhs, rank, dims, bounds));
}

// ---------------------------------------------------------------------- linear algebra
PjStatus pj_infer_cholesky(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *a = pj__in(op, 0);
  PJ_REQUIRE(op, a->rank >= 2, "'a' must have rank >= 2, but has type %s", pj__type_text(check, a));
  PJ_REQUIRE(op, pj__dims_compatible(a->dims[a->rank - 1], a->dims[a->rank - 2]),
             "the last two dimensions of 'a' must have equal size, but it has type %s",
             pj__type_text(check, a));
  out[0] = a;
  return NULL;
}

PjStatus pj_infer_triangular_solve(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *a = pj__in(op, 0), *b = pj__in(op, 1);
  PJ_REQUIRE(op, a->dtype == b->dtype,
             "requires compatible element types for all operands and results, but got %s and %s",
             pj__type_text(check, a), pj__type_text(check, b));
  PJ_REQUIRE(op, a->rank >= 2, "'a' must have rank >= 2, but has type %s", pj__type_text(check, a));
  PJ_REQUIRE(op, pj__dims_compatible(a->dims[a->rank - 1], a->dims[a->rank - 2]),
             "the last two dimensions of 'a' must be compatible, but it has type %s",
             pj__type_text(check, a));
  PJ_REQUIRE(op, a->rank == b->rank, "operands must have equal rank, but got %s and %s",
             pj__type_text(check, a), pj__type_text(check, b));
  int32_t shared = b->rank - (PJ_INT(op, left_side) ? 2 : 1);
  PJ_REQUIRE(op, pj__dims_compatible(a->dims[a->rank - 1], b->dims[shared]),
             "the shared dimension of 'a' and 'b' must be compatible, but got %s and %s",
             pj__type_text(check, a), pj__type_text(check, b));
  for (int32_t i = 0; i < a->rank - 2; ++i)
    PJ_REQUIRE(op, pj__dims_compatible(a->dims[i], b->dims[i]),
               "batch dimensions of the operands must be compatible, but got %s and %s",
               pj__type_text(check, a), pj__type_text(check, b));
  PJ_REQUIRE(op, PJ_INT(op, transpose_a) != PJ_TRANSPOSE_INVALID,
             "transpose_a must be NO_TRANSPOSE, TRANSPOSE or ADJOINT");
  out[0] = b;
  return NULL;
}

// fft (C1-C5): the last 1 to 3 dimensions; RFFT and IRFFT halve and restore the last one.
PjStatus pj_infer_fft(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *operand = pj__in(op, 0);
  PjInts length = PJ_LIST(op, fft_length);
  int64_t type = PJ_INT(op, fft_type), dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  bool rfft = type == PJ_FFT_RFFT, irfft = type == PJ_FFT_IRFFT;
  PJ_REQUIRE(op, length.n >= 1 && length.n <= 3, "fft_length must have 1 to 3 elements, but has %u",
             length.n);
  for (uint32_t i = 0; i < length.n; ++i)
    PJ_REQUIRE(op, length.v[i] >= 0, "fft_length must not be negative, but is %s",
               pj__list_text(check, length));
  if (rfft)
    PJ_REQUIRE(op, operand->dtype == PJ_DT_F32 || operand->dtype == PJ_DT_F64,
               "RFFT requires f32 or f64 input, but is given %s", pj__type_text(check, operand));
  else
    PJ_REQUIRE(op, pj_dtype_is_complex(operand->dtype),
               "%s takes a complex tensor, but is given %s", pj_enum_text(PJ_ENUM_FFT_TYPE, type),
               pj__type_text(check, operand));
  PJ_REQUIRE(
      op, operand->rank >= (int64_t)length.n,
      "the operand's rank must not be less than the fft rank %u, but the operand has type %s",
      length.n, pj__type_text(check, operand));
  for (int32_t i = 0; i < operand->rank; ++i) {
    dims[i] = operand->dims[i];
    bounds[i] = pj__bound(operand, i);
  }
  int32_t first = operand->rank - (int32_t)length.n, last = operand->rank - 1;
  for (int32_t i = first; i <= last; ++i) {
    int64_t wanted = length.v[i - first];
    // The spec asks this of FFT and IFFT too; a length of zero goes with an empty last dimension.
    if (i == last && irfft)
      wanted = wanted || !pj__dims_compatible(operand->dims[i], 0) ? wanted / 2 + 1 : 0;
    PJ_REQUIRE(op, pj__dims_compatible(operand->dims[i], wanted),
               "%s requires dimension %d to be compatible with fft_length %s, that is %" PRId64
               ", but the operand has type %s",
               pj_enum_text(PJ_ENUM_FFT_TYPE, type), i, pj__list_text(check, length), wanted,
               pj__type_text(check, operand));
  }
  int64_t n = length.v[length.n - 1];
  if (rfft || irfft) {
    if (irfft || n)
      dims[last] = irfft ? n : n / 2 + 1;
    bounds[last] = PJ_DYN;
  }
  PjType like = *operand;
  like.dtype = rfft    ? (operand->dtype == PJ_DT_F32 ? PJ_DT_C64 : PJ_DT_C128)
               : irfft ? pj_dtype_part(operand->dtype)
                       : operand->dtype;
  out[0] = pj__tensor(check, &like, operand->rank, dims, bounds);
  return NULL;
}
