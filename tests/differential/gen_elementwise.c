// Elementwise operations of every kind and element type.
#include "gen.h"

typedef struct Choice {
  PjOpKind kind;
  int classes; // of the operands
} Choice;

static const Choice unary_ops[] = {
    {PJ_OP_ABS, GEN_SINT | GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_CBRT, GEN_FLOAT},
    {PJ_OP_CEIL, GEN_FLOAT},
    {PJ_OP_COSINE, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_COUNT_LEADING_ZEROS, GEN_INT},
    {PJ_OP_EXPONENTIAL, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_EXPONENTIAL_MINUS_ONE, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_FLOOR, GEN_FLOAT},
    {PJ_OP_LOG, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_LOG_PLUS_ONE, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_LOGISTIC, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_NEGATE, GEN_NUMBER},
    {PJ_OP_NEGATE, GEN_FLOAT},
    {PJ_OP_NOT, GEN_PRED | GEN_INT},
    {PJ_OP_POPCNT, GEN_INT},
    {PJ_OP_ROUND_NEAREST_AFZ, GEN_FLOAT},
    {PJ_OP_ROUND_NEAREST_EVEN, GEN_FLOAT},
    {PJ_OP_RSQRT, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_SIGN, GEN_SINT | GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_SINE, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_SQRT, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_TAN, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_TANH, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_IS_FINITE, GEN_FLOAT},
    {PJ_OP_REAL, GEN_FLOAT | GEN_COMPLEX},
    {PJ_OP_IMAG, GEN_FLOAT | GEN_COMPLEX},
};

static const Choice chlo_ops[] = {
    {PJ_OP_CHLO_ACOS, GEN_FLOAT},       {PJ_OP_CHLO_ACOSH, GEN_FLOAT},
    {PJ_OP_CHLO_ASIN, GEN_FLOAT},       {PJ_OP_CHLO_ASINH, GEN_FLOAT},
    {PJ_OP_CHLO_ATAN, GEN_FLOAT},       {PJ_OP_CHLO_ATANH, GEN_FLOAT},
    {PJ_OP_CHLO_BESSEL_I1E, GEN_FLOAT}, {PJ_OP_CHLO_CONJ, GEN_COMPLEX},
    {PJ_OP_CHLO_COSH, GEN_FLOAT},       {PJ_OP_CHLO_DIGAMMA, GEN_FLOAT},
    {PJ_OP_CHLO_ERF, GEN_FLOAT},        {PJ_OP_CHLO_ERF_INV, GEN_FLOAT},
    {PJ_OP_CHLO_ERFC, GEN_FLOAT},       {PJ_OP_CHLO_LGAMMA, GEN_FLOAT},
    {PJ_OP_CHLO_SINH, GEN_FLOAT},       {PJ_OP_CHLO_SQUARE, GEN_FLOAT},
    {PJ_OP_CHLO_TAN, GEN_FLOAT},        {PJ_OP_CHLO_IS_INF, GEN_FLOAT},
    {PJ_OP_CHLO_IS_NEG_INF, GEN_FLOAT}, {PJ_OP_CHLO_IS_POS_INF, GEN_FLOAT},
};

static const Choice binary_ops[] = {
    {PJ_OP_ADD, GEN_ANY},
    {PJ_OP_ADD, GEN_FLOAT},
    {PJ_OP_AND, GEN_PRED | GEN_INT},
    {PJ_OP_ATAN2, GEN_FLOAT},
    {PJ_OP_DIVIDE, GEN_NUMBER},
    {PJ_OP_DIVIDE, GEN_INT},
    {PJ_OP_MAXIMUM, GEN_ANY},
    {PJ_OP_MINIMUM, GEN_ANY},
    {PJ_OP_MULTIPLY, GEN_ANY},
    {PJ_OP_MULTIPLY, GEN_FLOAT},
    {PJ_OP_OR, GEN_PRED | GEN_INT},
    {PJ_OP_POWER, GEN_NUMBER},
    {PJ_OP_REMAINDER, GEN_INT | GEN_FLOAT},
    {PJ_OP_SHIFT_LEFT, GEN_INT},
    {PJ_OP_SHIFT_RIGHT_ARITHMETIC, GEN_INT},
    {PJ_OP_SHIFT_RIGHT_LOGICAL, GEN_INT},
    {PJ_OP_SUBTRACT, GEN_NUMBER},
    {PJ_OP_SUBTRACT, GEN_FLOAT},
    {PJ_OP_XOR, GEN_PRED | GEN_INT},
    {PJ_OP_CHLO_MULHI, GEN_INT},
    {PJ_OP_CHLO_NEXT_AFTER, GEN_FLOAT},
};

// E8M0 has no sign and no zero: of arithmetic, little is defined on it.
static bool is_scale_type(const PjValue *value) {
  return value->type->dtype == PJ_DT_F8E8M0FNU;
}

// The operation that the filter asks for, if the table has it.
static const Choice *choose(Gen *g, const Choice *table, size_t count) {
  const char *filter = g->options->filter;
  if (filter && rand_chance(&g->rand, 60))
    for (size_t i = 0; i < count; ++i)
      if (strstr(pj_op_info[table[i].kind].text, filter))
        return &table[i];
  return &table[rand_int(&g->rand, 0, (int64_t)count - 1)];
}

// What functions make of complex infinities and NaNs is everybody's own choice.
static bool is_wild(const Gen *g, PjOpKind kind, const PjValue *value) {
  return g->special && pj_dtype_is_complex(value->type->dtype) && kind != PJ_OP_NEGATE &&
         kind != PJ_OP_REAL && kind != PJ_OP_IMAG && kind != PJ_OP_ADD && kind != PJ_OP_SUBTRACT;
}

static void emit_unary(Gen *g) {
  const Choice *op = choose(g, unary_ops, sizeof unary_ops / sizeof *unary_ops);
  PjValue *a = gen_pick(g, op->classes, 0, GEN_MAX_RANK);
  if (!is_scale_type(a) && !is_wild(g, op->kind, a))
    gen_unary(g, op->kind, a);
}

static void emit_chlo(Gen *g) {
  const Choice *op = choose(g, chlo_ops, sizeof chlo_ops / sizeof *chlo_ops);
  PjValue *a = gen_pick(g, op->classes, 0, GEN_MAX_RANK);
  if (!is_scale_type(a))
    gen_unary(g, op->kind, a);
}

static void emit_binary(Gen *g) {
  const Choice *op = choose(g, binary_ops, sizeof binary_ops / sizeof *binary_ops);
  PjValue *a = gen_pick(g, op->classes, 0, GEN_MAX_RANK);
  if (is_scale_type(a) || is_wild(g, op->kind, a) ||
      (pj_dtype_is_complex(a->type->dtype) && op->kind == PJ_OP_REMAINDER))
    return;
  PjValue *b = gen_of_type(g, a->type);
  bool swap = rand_chance(&g->rand, 30);
  gen_binary(g, op->kind, swap ? b : a, swap ? a : b);
}

// Several unary and binary operations in a row on one shape: what fusion is for.
static void emit_chain(Gen *g) {
  static const PjOpKind kinds[] = {PJ_OP_ADD,     PJ_OP_MULTIPLY, PJ_OP_SUBTRACT, PJ_OP_MAXIMUM,
                                   PJ_OP_MINIMUM, PJ_OP_DIVIDE,   PJ_OP_TANH,     PJ_OP_EXPONENTIAL,
                                   PJ_OP_NEGATE,  PJ_OP_ABS,      PJ_OP_SQRT,     PJ_OP_LOGISTIC};
  PjValue *a = gen_pick(g, GEN_FLOAT, 0, GEN_MAX_RANK);
  if (is_scale_type(a))
    return;
  for (int64_t n = rand_int(&g->rand, 2, 7); n > 0; --n) {
    PjOpKind kind = kinds[rand_int(&g->rand, 0, sizeof kinds / sizeof *kinds - 1)];
    if (pj_op_info[kind].operands == 1)
      a = gen_unary(g, kind, a);
    else
      a = gen_binary(g, kind, a, rand_chance(&g->rand, 25) ? a : gen_of_type(g, a->type));
    if (rand_chance(&g->rand, 15))
      a = gen_convert(g, a, g->floats[0]);
    if (is_scale_type(a))
      return;
  }
}

static int compare_type(Gen *g, PjDtype dtype) {
  switch (pj_dtype_class(dtype)) {
  case PJ_CLASS_FLOAT:
    return rand_chance(&g->rand, 30) ? PJ_CMPTYPE_TOTALORDER : PJ_CMPTYPE_FLOAT;
  case PJ_CLASS_COMPLEX:
    return PJ_CMPTYPE_FLOAT;
  case PJ_CLASS_SINT:
    return PJ_CMPTYPE_SIGNED;
  default:
    return PJ_CMPTYPE_UNSIGNED;
  }
}

static void emit_compare(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, 0, GEN_MAX_RANK), *b = gen_of_type(g, a->type);
  bool complex = pj_dtype_is_complex(a->type->dtype);
  int type = rand_chance(&g->rand, 20) ? PJ_CMPTYPE_NOTYPE : compare_type(g, a->type->dtype);
  gen_compare(g, (int)rand_int(&g->rand, PJ_CMP_EQ, complex ? PJ_CMP_NE : PJ_CMP_LT), type, a, b);
}

static void emit_select(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, 0, GEN_MAX_RANK), *b = gen_of_type(g, a->type), *p;
  if (rand_chance(&g->rand, 40) && gen_in_classes(a->type->dtype, GEN_FLOAT | GEN_INT))
    p = gen_compare(g, (int)rand_int(&g->rand, PJ_CMP_EQ, PJ_CMP_LT),
                    compare_type(g, a->type->dtype), a, b);
  else if (rand_chance(&g->rand, 25))
    p = gen_of_type(g, gen_scalar(g, PJ_DT_PRED));
  else
    p = gen_of_type(g, gen_like(g, a, PJ_DT_PRED));
  gen_select(g, p, a, b);
}

static void emit_clamp(Gen *g) {
  PjValue *a = gen_pick(g, GEN_PRED | GEN_INT | GEN_FLOAT, 0, GEN_MAX_RANK);
  if (is_scale_type(a))
    return;
  bool scalars = rand_chance(&g->rand, 60);
  const PjType *bound = scalars ? gen_scalar(g, a->type->dtype) : a->type;
  PjValue *operands[] = {gen_of_type(g, bound), a, gen_of_type(g, bound)};
  gen_done(g, gen_op(g, PJ_OP_CLAMP, 3, operands, 1, 0), NULL);
}

static void emit_convert(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, 0, GEN_MAX_RANK);
  gen_convert(g, a, gen_dtype(g, GEN_ANY));
}

static void emit_bitcast(Gen *g) {
  PjValue *a = gen_pick(g, GEN_INT | GEN_FLOAT | GEN_COMPLEX, 0, GEN_MAX_RANK);
  PjDtype to =
      gen_dtype(g, gen_in_classes(a->type->dtype, GEN_COMPLEX) ? GEN_COMPLEX : GEN_INT | GEN_FLOAT);
  unsigned from_bits = pj_dtype_bits(a->type->dtype), to_bits = pj_dtype_bits(to);
  int64_t dims[GEN_MAX_RANK + 2];
  int32_t rank = a->type->rank;
  memcpy(dims, a->type->dims, (size_t)rank * sizeof *dims);
  if (from_bits > to_bits) {
    if (from_bits % to_bits)
      return;
    dims[rank++] = from_bits / to_bits;
  } else if (from_bits < to_bits) {
    if (to_bits % from_bits)
      return;
    // Bring the last dimension to the wanted ratio.
    int64_t ratio = to_bits / from_bits, count = gen_count(a->type);
    if (count % ratio || rank == 0)
      return;
    a = gen_reshape(g, a, 2, (int64_t[]){count / ratio, ratio});
    dims[0] = count / ratio;
    rank = 1;
  }
  if (!gen_fits(g, rank, dims) || rank > GEN_MAX_RANK)
    return;
  const PjType *type = gen_type(g, to, rank, dims);
  gen_done(g, gen_op(g, PJ_OP_BITCAST_CONVERT, 1, &a, 1, 0), &type);
}

static void emit_complex(Gen *g) {
  PjDtype part = rand_chance(&g->rand, 75) ? PJ_DT_F32 : PJ_DT_F64;
  PjValue *a = gen_pick_dtype(g, part, 0, 4);
  PjValue *z = gen_binary(g, PJ_OP_COMPLEX, a, gen_of_type(g, a->type));
  if (rand_chance(&g->rand, 60) && !g->special)
    gen_binary(g, rand_chance(&g->rand, 60) ? PJ_OP_MULTIPLY : PJ_OP_DIVIDE, z,
               gen_of_type(g, z->type));
}

static void emit_reduce_precision(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT, 0, GEN_MAX_RANK);
  if (pj_dtype_bits(a->type->dtype) < 16)
    return;
  PjOp *op = gen_op(g, PJ_OP_REDUCE_PRECISION, 1, &a, 1, 0);
  pj_op_set_attr(op, PJ_KEY_exponent_bits,
                 pj_attr_int(g->arena, rand_int(&g->rand, 2, 9), PJ_DT_S32));
  pj_op_set_attr(op, PJ_KEY_mantissa_bits,
                 pj_attr_int(g->arena, rand_int(&g->rand, 1, 24), PJ_DT_S32));
  gen_done(g, op, NULL);
}

// map with a body of a few scalar operations.
static void emit_map(Gen *g) {
  PjValue *a = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 4);
  if (is_scale_type(a))
    return;
  PjValue *operands[] = {a, gen_of_type(g, a->type)};
  PjOp *op = gen_op(g, PJ_OP_MAP, 2, operands, 1, 1);
  static const int64_t dims[] = {0, 1, 2, 3};
  gen_set_ints(g, op, PJ_KEY_dimensions, (uint32_t)a->type->rank, dims);
  const PjType *types[] = {gen_scalar(g, a->type->dtype), gen_scalar(g, a->type->dtype)};
  GenScope scope = gen_open(g, &op->regions[0], 2, types, true);
  PjValue *x = &op->regions[0].args[0], *y = &op->regions[0].args[1];
  x = gen_binary(g, PJ_OP_MULTIPLY, x, y);
  if (rand_chance(&g->rand, 50))
    x = gen_binary(g, PJ_OP_SUBTRACT, x, gen_constant(g, types[0]));
  if (rand_chance(&g->rand, 50))
    x = gen_select(g, gen_compare(g, PJ_CMP_LT, compare_type(g, a->type->dtype), x, y), y, x);
  gen_close(g, scope, 1, &x);
  gen_done(g, op, NULL);
}

const GenEmitter gen_elementwise[] = {
    {"abs cbrt ceil cosine count_leading_zeros exponential exponential_minus_one floor log "
     "log_plus_one logistic negate not popcnt round_nearest_afz round_nearest_even rsqrt sign sine "
     "sqrt tan tanh is_finite real imag",
     160, emit_unary},
    {"add and atan2 divide maximum minimum multiply or power remainder shift_left "
     "shift_right_arithmetic shift_right_logical subtract xor mulhi next_after",
     160, emit_binary},
    {"chlo acos acosh asin asinh atan atanh bessel_i1e conj cosh digamma erf erf_inv erfc lgamma "
     "sinh square is_inf",
     12, emit_chlo},
    {"chain", 40, emit_chain},
    {"compare", 35, emit_compare},
    {"select", 35, emit_select},
    {"clamp", 15, emit_clamp},
    {"convert", 50, emit_convert},
    {"bitcast_convert", 15, emit_bitcast},
    {"complex real imag", 12, emit_complex},
    {"reduce_precision", 8, emit_reduce_precision},
    {"map", 6, emit_map},
    {0},
};
