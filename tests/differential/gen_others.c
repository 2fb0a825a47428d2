// Sorting, random bits, Fourier transforms, normalisations as single operations.
#include "gen.h"

#include <math.h>

static int compare_type(PjDtype dtype) {
  switch (pj_dtype_class(dtype)) {
  case PJ_CLASS_FLOAT: // the only order of floats that is total
    return PJ_CMPTYPE_TOTALORDER;
  case PJ_CLASS_SINT:
    return PJ_CMPTYPE_SIGNED;
  default:
    return PJ_CMPTYPE_UNSIGNED;
  }
}

// JAX's key for floats: zeros and NaNs are equal among themselves.
static PjValue *canonical(Gen *g, PjValue *x) {
  PjValue *zero = gen_splat(g, x->type, 0);
  PjValue *is_zero = gen_compare(g, PJ_CMP_EQ, PJ_CMPTYPE_FLOAT, x, zero);
  PjValue *is_nan = gen_compare(g, PJ_CMP_NE, PJ_CMPTYPE_FLOAT, x, x);
  return gen_select(g, is_nan, gen_splat(g, x->type, (double)NAN), gen_select(g, is_zero, zero, x));
}

static void emit_sort(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT | GEN_PRED, 1, 4);
  PjDtype dtype = a->type->dtype;
  int64_t dim = rand_int(&g->rand, 0, a->type->rank - 1);
  uint32_t count = rand_chance(&g->rand, 55) ? 1 : (uint32_t)rand_int(&g->rand, 2, 3);
  PjValue *operands[3] = {a};
  if (count > 1)
    operands[1] = rand_chance(&g->rand, 60) ? gen_iota(g, gen_like(g, a, PJ_DT_S32), dim)
                                            : gen_of_type(g, gen_like(g, a, gen_dtype(g, GEN_ANY)));
  if (count > 2)
    operands[2] = gen_of_type(g, gen_like(g, a, gen_dtype(g, GEN_ANY)));
  PjOp *op = gen_op(g, PJ_OP_SORT, count, operands, count, 1);
  gen_set_int(g, op, PJ_KEY_dimension, rand_chance(&g->rand, 50) ? dim : dim - a->type->rank);
  const PjType *types[6];
  for (uint32_t i = 0; i < count; ++i)
    types[2 * i] = types[2 * i + 1] = gen_scalar(g, operands[i]->type->dtype);
  GenScope scope = gen_open(g, &op->regions[0], 2 * count, types, true);
  PjValue *x = &op->regions[0].args[0], *y = &op->regions[0].args[1];
  bool keys = pj_dtype_is_float(dtype) && dtype != PJ_DT_F8E8M0FNU && dtype != PJ_DT_F4E2M1FN &&
              dtype != PJ_DT_F6E2M3FN && dtype != PJ_DT_F6E3M2FN && rand_chance(&g->rand, 50);
  if (keys) {
    x = canonical(g, x);
    y = canonical(g, y);
  }
  // Elements that compare equal keep their order, or are the same bits.
  gen_set_bool(g, op, PJ_KEY_is_stable, keys || count > 1 || rand_chance(&g->rand, 50));
  PjValue *less =
      gen_compare(g, rand_chance(&g->rand, 75) ? PJ_CMP_LT : PJ_CMP_GT, compare_type(dtype), x, y);
  gen_close(g, scope, 1, &less);
  gen_done(g, op, NULL);
}

static void emit_top_k(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 3);
  int64_t n = a->type->dims[a->type->rank - 1];
  if (!n || a->type->dtype == PJ_DT_F8E8M0FNU)
    return;
  PjOp *op = gen_op(g, PJ_OP_CHLO_TOP_K, 1, &a, 2, 0);
  gen_set_int(g, op, PJ_KEY_k, rand_int(&g->rand, 1, n));
  gen_done(g, op, NULL);
}

static void emit_random_bits(Gen *g) {
  static const PjDtype dtypes[] = {PJ_DT_U32, PJ_DT_U32, PJ_DT_U64, PJ_DT_S32, PJ_DT_U8, PJ_DT_U16};
  bool philox = rand_chance(&g->rand, 50);
  int64_t words = philox ? rand_int(&g->rand, 2, 3) : 2;
  PjValue *state = gen_of_type(g, gen_type(g, PJ_DT_U64, 1, &words));
  PjOp *op = gen_op(g, PJ_OP_RNG_BIT_GENERATOR, 1, &state, 2, 0);
  pj_op_set_attr(
      op, PJ_KEY_rng_algorithm,
      pj_attr_enum(g->arena, PJ_ENUM_RNG_ALGORITHM, philox ? PJ_RNG_PHILOX : PJ_RNG_THREE_FRY));
  const PjType *types[] = {state->type, gen_random_type(g, dtypes[rand_int(&g->rand, 0, 5)], 0, 3)};
  gen_done(g, op, types);
}

static void emit_fft(Gen *g) {
  int64_t kind = rand_int(&g->rand, PJ_FFT_FFT, PJ_FFT_IRFFT);
  PjDtype part = rand_chance(&g->rand, 70) ? PJ_DT_F32 : PJ_DT_F64,
          dtype = kind == PJ_FFT_RFFT ? part
                  : part == PJ_DT_F32 ? PJ_DT_C64
                                      : PJ_DT_C128;
  const PjType *type = gen_random_type(g, dtype, 1, 3);
  uint32_t rank = (uint32_t)rand_int(&g->rand, 1, type->rank);
  int64_t lengths[3];
  for (uint32_t i = 0; i < rank; ++i)
    lengths[i] = type->dims[type->rank - (int32_t)rank + (int32_t)i];
  int64_t last = lengths[rank - 1];
  if (!gen_count(type))
    return;
  if (kind == PJ_FFT_IRFFT) {
    lengths[rank - 1] = 2 * (last - 1) + rand_int(&g->rand, 0, 1);
    if (!lengths[rank - 1])
      return;
  }
  PjValue *a = gen_of_type(g, type);
  PjOp *op = gen_op(g, PJ_OP_FFT, 1, &a, 1, 0);
  pj_op_set_attr(op, PJ_KEY_fft_type, pj_attr_enum(g->arena, PJ_ENUM_FFT_TYPE, kind));
  gen_set_ints(g, op, PJ_KEY_fft_length, rank, lengths);
  gen_done(g, op, NULL);
}

static void emit_batch_norm(Gen *g) {
  PjValue *a = gen_pick_dtype(g, rand_chance(&g->rand, 70) ? PJ_DT_F32 : PJ_DT_F64, 2, 4);
  if (!gen_count(a->type))
    return;
  int64_t feature = rand_int(&g->rand, 0, a->type->rank - 1);
  const PjType *type = gen_type(g, a->type->dtype, 1, &a->type->dims[feature]);
  PjValue *operands[5] = {a, gen_of_type(g, type), gen_of_type(g, type)};
  int64_t kind = rand_int(&g->rand, 0, 2);
  PjOp *op;
  if (kind == 0) {
    op = gen_op(g, PJ_OP_BATCH_NORM_TRAINING, 3, operands, 3, 0);
  } else {
    operands[3] = gen_unary(g, PJ_OP_ABS, gen_of_type(g, type)); // mean or variance
    operands[4] =
        kind == 1 ? gen_unary(g, PJ_OP_ABS, gen_of_type(g, type)) : gen_of_type(g, a->type);
    op = gen_op(g, kind == 1 ? PJ_OP_BATCH_NORM_INFERENCE : PJ_OP_BATCH_NORM_GRAD, 5, operands,
                kind == 1 ? 1 : 3, 0);
  }
  pj_op_set_attr(op, PJ_KEY_epsilon, pj_attr_float(g->arena, 0.0078125, PJ_DT_F32));
  gen_set_int(g, op, PJ_KEY_feature_index, feature);
  gen_done(g, op, NULL);
}

const GenEmitter gen_others[] = {
    {"sort", 20, emit_sort},
    {"top_k", 4, emit_top_k},
    {"rng_bit_generator", 8, emit_random_bits},
    {"fft", 6, emit_fft},
    {"batch_norm_training batch_norm_inference batch_norm_grad", 4, emit_batch_norm},
    {0},
};
