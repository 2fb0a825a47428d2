// Products, factorisations, transforms, random numbers.
#include <inttypes.h>

#include "import/hlo/builders.h"

// What PrecisionConfig.algorithm means for the operation, by its number.
typedef struct Algorithm {
  uint8_t lhs, rhs, accumulation; // element types
  uint8_t components[3], imprecise;
} Algorithm;

static const Algorithm algorithms[] = {
    [1] = {PJ_DT_INVALID},
    [2] = {PJ_DT_INVALID},
    [3] = {PJ_DT_F16, PJ_DT_F16, PJ_DT_F16, {1, 1, 1}},
    [4] = {PJ_DT_F16, PJ_DT_F16, PJ_DT_F32, {1, 1, 1}},
    [5] = {PJ_DT_BF16, PJ_DT_BF16, PJ_DT_BF16, {1, 1, 1}},
    [6] = {PJ_DT_BF16, PJ_DT_BF16, PJ_DT_F32, {1, 1, 1}},
    [7] = {PJ_DT_BF16, PJ_DT_BF16, PJ_DT_F32, {1, 1, 3}},
    [8] = {PJ_DT_BF16, PJ_DT_BF16, PJ_DT_F32, {1, 1, 6}},
    [9] = {PJ_DT_TF32, PJ_DT_TF32, PJ_DT_F32, {1, 1, 1}},
    [10] = {PJ_DT_TF32, PJ_DT_TF32, PJ_DT_F32, {1, 1, 3}},
    [11] = {PJ_DT_F32, PJ_DT_F32, PJ_DT_F32, {1, 1, 1}},
    [12] = {PJ_DT_F64, PJ_DT_F64, PJ_DT_F64, {1, 1, 1}},
    [13] = {PJ_DT_BF16, PJ_DT_BF16, PJ_DT_F32, {1, 1, 9}},
};
enum { NUM_ALGORITHMS = sizeof algorithms / sizeof *algorithms, ANY_F8_F32 = 1, ANY_F8_F32_FAST };

static PjStatus read_precision(PjHloSite *s, PjHloPrecisionMsg *out) {
  *out = (PjHloPrecisionMsg){0};
  if (s->msg.precision_config.ptr)
    PJ_TRY(pj_hlo_decode(s->h, s->msg.precision_config, PJ_HLO_Precision, out));
  PJ_FAIL_IF(out->algorithm < 0 || out->algorithm >= NUM_ALGORITHMS, UNIMPLEMENTED,
             "algorithm %" PRId64 " of a precision_config is unknown", out->algorithm);
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_precisions(PjHloSite *s, uint32_t count, bool plain, const PjAttr **out) {
  PjHloPrecisionMsg msg;
  const PjAttr *values[2];
  PJ_TRY(read_precision(s, &msg));
  for (uint32_t i = 0; i < count; ++i) {
    int64_t value = i < msg.operand_precision.len && !plain ? msg.operand_precision.data[i] : 0;
    PJ_FAIL_IF(value < PJ_PRECISION_DEFAULT || value > PJ_PRECISION_HIGHEST, UNIMPLEMENTED,
               "operand_precision %" PRId64, value);
    values[i] = pj_attr_enum(s->h->arena, PJ_ENUM_PRECISION, value);
  }
  *out = pj_attr_array(s->h->arena, count, values);
  return PJ_STATUS_OK;
}

static const PjAttr *scalar_type(PjHloSite *s, PjDtype dtype) {
  return pj_attr_type(s->h->arena, pj_type_scalar(s->h->arena, dtype, NULL));
}

static void set_algorithm(PjHloSite *s, PjOp *op, int64_t number) {
  PjArena *arena = s->h->arena;
  Algorithm a = algorithms[number];
  if (number == ANY_F8_F32 || number == ANY_F8_F32_FAST)
    a = (Algorithm){(uint8_t)op->operands[0]->type->dtype,
                    (uint8_t)op->operands[1]->type->dtype,
                    PJ_DT_F32,
                    {1, 1, 1},
                    number == ANY_F8_F32_FAST};
  PJ_HLO_SET(op, lhs_precision_type, scalar_type(s, (PjDtype)a.lhs));
  PJ_HLO_SET(op, rhs_precision_type, scalar_type(s, (PjDtype)a.rhs));
  PJ_HLO_SET(op, accumulation_type, scalar_type(s, (PjDtype)a.accumulation));
  PJ_HLO_SET(op, lhs_component_count, pj_attr_i64(arena, a.components[0]));
  PJ_HLO_SET(op, rhs_component_count, pj_attr_i64(arena, a.components[1]));
  PJ_HLO_SET(op, num_primitive_operations, pj_attr_i64(arena, a.components[2]));
  PJ_HLO_SET(op, allow_imprecise_accumulation, pj_attr_bool(arena, a.imprecise));
}

static void set_dot_numbers(PjHloSite *s, PjOp *op, const PjHloDotNumbersMsg *msg) {
  PJ_HLO_SET(op, lhs_batching_dimensions, pj_hlo_ints_attr(s, msg->lhs_batch));
  PJ_HLO_SET(op, rhs_batching_dimensions, pj_hlo_ints_attr(s, msg->rhs_batch));
  PJ_HLO_SET(op, lhs_contracting_dimensions, pj_hlo_ints_attr(s, msg->lhs_contracting));
  PJ_HLO_SET(op, rhs_contracting_dimensions, pj_hlo_ints_attr(s, msg->rhs_contracting));
}

// The element type in which a product of HLO is summed up where the operands' differ: they are
// converted to the result's.
static PjStatus convert_operands(PjHloSite *s, PjOp *op) {
  PjDtype a = op->operands[0]->type->dtype, b = op->operands[1]->type->dtype;
  if (a == b || !s->inst->shape->type)
    return PJ_STATUS_OK;
  for (uint32_t i = 0; i < 2; ++i) {
    PjValue *value = op->operands[i];
    if (value->type->dtype == s->inst->shape->type->dtype)
      continue;
    PjOp *convert = pj_hlo_op(s, PJ_OP_CONVERT, 1, 1, 0);
    convert->operands[0] = value;
    const PjType *type =
        pj_type_tensor_full(s->h->arena, s->inst->shape->type->dtype, NULL, value->type->rank,
                            value->type->dims, value->type->bounds);
    PJ_TRY(pj_hlo_append_one(s, convert, type, &op->operands[i]));
  }
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_dot(PjHloSite *s) {
  PjHloDotNumbersMsg msg = {0};
  PjHloPrecisionMsg precision;
  const PjAttr *precisions;
  PjValue *array;
  PJ_FAIL_IF(s->msg.dot_sparsity.len || s->msg.sparsity_config.len, UNIMPLEMENTED,
             "sparse products are not supported");
  PJ_TRY(pj_hlo_decode(s->h, s->msg.dot_dimension_numbers, PJ_HLO_DotNumbers, &msg));
  PJ_TRY(read_precision(s, &precision));
  PJ_TRY(pj_hlo_precisions(s, 2, precision.algorithm != 0, &precisions));
  for (uint32_t i = 0; i < 2; ++i)
    PJ_TRY(pj_hlo_array(s, i, &array));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_DOT_GENERAL, 1, 0);
  PJ_TRY(convert_operands(s, op));
  set_dot_numbers(s, op, &msg);
  PJ_HLO_SET(op, precision_config, precisions);
  if (precision.algorithm)
    set_algorithm(s, op, precision.algorithm);
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_ragged_dot(PjHloSite *s) {
  PjHloRaggedDotNumbersMsg msg = {0};
  PjHloDotNumbersMsg dot = {0};
  const PjAttr *precisions;
  PJ_TRY(pj_hlo_decode(s->h, s->msg.ragged_dot_dimension_numbers, PJ_HLO_RaggedDotNumbers, &msg));
  PJ_TRY(pj_hlo_decode(s->h, msg.dot, PJ_HLO_DotNumbers, &dot));
  PJ_TRY(pj_hlo_precisions(s, 2, false, &precisions));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_CHLO_RAGGED_DOT, 1, 0);
  set_dot_numbers(s, op, &dot);
  PJ_HLO_SET(op, lhs_ragged_dimensions, pj_hlo_ints_attr(s, msg.lhs_ragged));
  PJ_HLO_SET(op, rhs_group_dimensions, pj_hlo_ints_attr(s, msg.rhs_group));
  PJ_HLO_SET(op, precision_config, precisions);
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_fft(PjHloSite *s) {
  PJ_FAIL_IF(s->msg.fft_type < PJ_FFT_FFT || s->msg.fft_type > PJ_FFT_IRFFT, INVALID_ARGUMENT,
             "fft_type %" PRId64, s->msg.fft_type);
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_FFT, 1, 0);
  PJ_HLO_SET(op, fft_type, pj_attr_enum(s->h->arena, PJ_ENUM_FFT_TYPE, s->msg.fft_type));
  PJ_HLO_SET(op, fft_length, pj_hlo_ints_attr(s, s->msg.fft_length));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_cholesky(PjHloSite *s) {
  PjHloCholeskyMsg msg = {0};
  PJ_TRY(pj_hlo_decode(s->h, s->msg.cholesky_options, PJ_HLO_Cholesky, &msg));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_CHOLESKY, 1, 0);
  PJ_HLO_SET(op, lower, pj_attr_bool(s->h->arena, msg.lower));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_triangular_solve(PjHloSite *s) {
  PjHloTriangularMsg msg = {0};
  PjArena *arena = s->h->arena;
  PJ_TRY(pj_hlo_decode(s->h, s->msg.triangular_solve_options, PJ_HLO_Triangular, &msg));
  PJ_FAIL_IF(msg.transpose_a < PJ_TRANSPOSE_NO || msg.transpose_a > PJ_TRANSPOSE_ADJOINT,
             INVALID_ARGUMENT, "transpose_a %" PRId64, msg.transpose_a);
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_TRIANGULAR_SOLVE, 1, 0);
  PJ_HLO_SET(op, left_side, pj_attr_bool(arena, msg.left_side));
  PJ_HLO_SET(op, lower, pj_attr_bool(arena, msg.lower));
  PJ_HLO_SET(op, unit_diagonal, pj_attr_bool(arena, msg.unit_diagonal));
  PJ_HLO_SET(op, transpose_a, pj_attr_enum(arena, PJ_ENUM_TRANSPOSE, msg.transpose_a));
  return pj_hlo_finish(s, op);
}

// ---------------------------------------------------------------------- random numbers
PjStatus pj_hlo_build_rng(PjHloSite *s) {
  PjArena *arena = s->h->arena;
  const PjType *type;
  PJ_TRY(pj_hlo_result_type(s, &type));
  PJ_FAIL_IF(s->msg.distribution < PJ_RNG_UNIFORM || s->msg.distribution > PJ_RNG_NORMAL,
             INVALID_ARGUMENT, "distribution %" PRId64, s->msg.distribution);
  PJ_FAIL_IF(!pj_type_is_static(type), UNIMPLEMENTED, "random numbers of dynamic shape");
  int64_t rank = type->rank;
  const PjType *dims_type = pj_type_tensor(arena, PJ_DT_S64, 1, &rank);
  bool splat = rank > 1;
  for (int32_t i = 1; i < type->rank; ++i)
    splat &= type->dims[i] == type->dims[0];
  PjOp *dims = pj_hlo_op(s, PJ_OP_CONSTANT, 0, 1, 0), *op = pj_hlo_op(s, PJ_OP_RNG, 3, 1, 0);
  size_t bytes = (splat ? 1 : (size_t)rank) * sizeof(int64_t);
  const void *data = bytes ? pj_arena_memdup(arena, type->dims, bytes) : pj_arena_alloc(arena, 1);
  PJ_HLO_SET(dims, value, pj_attr_elements(arena, dims_type, data, bytes, splat));
  PJ_TRY(pj_hlo_append_one(s, dims, dims_type, &op->operands[2]));
  for (uint32_t i = 0; i < 2; ++i)
    PJ_TRY(pj_hlo_array(s, i, &op->operands[i]));
  PJ_HLO_SET(op, rng_distribution,
             pj_attr_enum(arena, PJ_ENUM_RNG_DISTRIBUTION, s->msg.distribution));
  return pj_hlo_finish(s, op);
}

// A tuple of the new state and the bits, or the bits alone.
PjStatus pj_hlo_build_rng_bit_generator(PjHloSite *s) {
  PJ_FAIL_IF(s->msg.rng_algorithm < PJ_RNG_DEFAULT || s->msg.rng_algorithm > PJ_RNG_PHILOX,
             INVALID_ARGUMENT, "rng_algorithm %" PRId64, s->msg.rng_algorithm);
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_RNG_BIT_GENERATOR, 2, 0);
  PJ_HLO_SET(op, rng_algorithm,
             pj_attr_enum(s->h->arena, PJ_ENUM_RNG_ALGORITHM, s->msg.rng_algorithm));
  if (!s->inst->shape->type)
    return pj_hlo_finish(s, op);
  PjValue *state;
  PJ_TRY(pj_hlo_array(s, 0, &state));
  op->results[0].type = state->type;
  op->results[1].type = s->inst->shape->type;
  pj_hlo_set_result(s, &op->results[1]);
  return pj_hlo_append(s, op);
}
