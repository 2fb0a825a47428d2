// Elements in and out of memory, and the choice of what computes an operation; see elem.h.
#include "kernel/elem.h"

#include "kernel/convert.h"
#include "kernel/elem_rows.h"

PjKirElem pj_elem_type(PjDtype dtype) {
  return pj_conv_register(dtype);
}

static int lanes_of(const PjKir *k, PjKirVal v) {
  return pj_kir_typeof(k, v).lanes;
}

// ------------------------------------------------------------------ memory
// A complex number is two elements of memory side by side.

static PjKirVal twice(PjKir *k, PjKirVal index) {
  return pj_kir_shl(k, index, pj_kir_i64(k, 1));
}

// Lane l of |v| in lanes 2 l and 2 l + 1.
static PjKirVal doubled(PjKir *k, PjKirVal v) {
  int lanes = lanes_of(k, v);
  uint8_t pattern[PJ_KIR_MAX_LANES];
  if (!v)
    return 0;
  for (int i = 0; i < 2 * lanes; ++i)
    pattern[i] = (uint8_t)(i / 2);
  return lanes == 1 ? pj_kir_splat(k, v, 2) : pj_kir_shuffle(k, v, v, 2 * lanes, pattern);
}

// Lanes |first|, |first| + 2 ...
static PjKirVal every_other(PjKir *k, PjKirVal v, int first) {
  int lanes = lanes_of(k, v) / 2;
  uint8_t pattern[PJ_KIR_MAX_LANES];
  for (int i = 0; i < lanes; ++i)
    pattern[i] = (uint8_t)(2 * i + first);
  return pj_kir_shuffle(k, v, v, lanes, pattern);
}

static PjKirVal interleaved(PjKir *k, PjElem v) {
  int lanes = lanes_of(k, v.re);
  uint8_t pattern[PJ_KIR_MAX_LANES];
  for (int i = 0; i < 2 * lanes; ++i)
    pattern[i] = (uint8_t)(i / 2 + i % 2 * lanes);
  return lanes == 1 ? pj_kir_join(k, v.re, v.im)
                    : pj_kir_shuffle(k, v.re, v.im, 2 * lanes, pattern);
}

PjElem pj_elem_load(PjKir *k, PjDtype dtype, int lanes, PjKirVal ptr, PjKirVal index, PjKirVal mask,
                    bool readonly) {
  PjKirType type = pj_kir_type(pj_conv_memory(dtype), lanes);
  if (!pj_dtype_is_complex(dtype))
    return (PjElem){pj_conv_from_memory(k, dtype, pj_kir_load(k, type, ptr, index, mask, readonly)),
                    0};
  type.lanes = (uint8_t)(2 * lanes);
  PjKirVal both = pj_kir_load(k, type, ptr, twice(k, index),
                              mask ? doubled(k, pj_kir_splat(k, mask, lanes)) : 0, readonly);
  return (PjElem){every_other(k, both, 0), every_other(k, both, 1)};
}

void pj_elem_store(PjKir *k, PjDtype dtype, PjElem value, PjKirVal ptr, PjKirVal index,
                   PjKirVal mask) {
  if (!pj_dtype_is_complex(dtype)) {
    pj_kir_store(k, pj_conv_to_memory(k, dtype, value.re), ptr, index, mask);
    return;
  }
  int lanes =
      lanes_of(k, value.re) > lanes_of(k, value.im) ? lanes_of(k, value.re) : lanes_of(k, value.im);
  value = pj_elem_splat(k, value, lanes);
  mask = mask ? doubled(k, pj_kir_splat(k, mask, lanes)) : 0;
  pj_kir_store(k, interleaved(k, value), ptr, twice(k, index), mask);
}

// |indices| of complex numbers as indices of their real parts, in 64 bits, where doubling them
// cannot overflow.
static PjKirVal part_indices(PjKir *k, PjKirVal indices) {
  if (pj_kir_typeof(k, indices).elem != PJ_KIR_I64)
    indices = pj_kir_cast(k, PJ_KIR_SEXT, PJ_KIR_I64, indices);
  return twice(k, indices);
}

static PjKirVal imaginary_ptr(PjKir *k, PjDtype dtype, PjKirVal ptr) {
  return pj_kir_ptradd(k, ptr, pj_kir_i64(k, pj_elem_size(dtype) / 2));
}

PjElem pj_elem_gather(PjKir *k, PjDtype dtype, int lanes, PjKirVal ptr, PjKirVal indices,
                      PjKirVal mask, bool readonly) {
  PjKirType type = pj_kir_type(pj_conv_memory(dtype), lanes);
  if (!pj_dtype_is_complex(dtype))
    return (PjElem){
        pj_conv_from_memory(k, dtype, pj_kir_gather(k, type, ptr, indices, mask, readonly)), 0};
  indices = part_indices(k, indices);
  return (PjElem){pj_kir_gather(k, type, ptr, indices, mask, readonly),
                  pj_kir_gather(k, type, imaginary_ptr(k, dtype, ptr), indices, mask, readonly)};
}

void pj_elem_scatter(PjKir *k, PjDtype dtype, PjElem value, PjKirVal ptr, PjKirVal indices,
                     PjKirVal mask) {
  if (!pj_dtype_is_complex(dtype)) {
    pj_kir_scatter(k, pj_conv_to_memory(k, dtype, value.re), ptr, indices, mask);
    return;
  }
  indices = part_indices(k, indices);
  pj_kir_scatter(k, value.re, ptr, indices, mask);
  pj_kir_scatter(k, value.im, imaginary_ptr(k, dtype, ptr), indices, mask);
}

// ------------------------------------------------------------------ values

static PjKirVal part_const(PjKir *k, PjDtype part, int lanes, const char *bytes) {
  uint64_t bits = 0;
  memcpy(&bits, bytes, pj_dtype_bytes(part)); // little-endian
  PjKirVal stored = pj_kir_const(k, pj_kir_type(pj_conv_memory(part), 1), bits);
  return pj_kir_splat(k, pj_conv_from_memory(k, part, stored), lanes);
}

PjElem pj_elem_const(PjKir *k, PjDtype dtype, int lanes, const void *element) {
  PjDtype part = pj_dtype_part(dtype);
  const char *bytes = element;
  PjElem value = {part_const(k, part, lanes, bytes), 0};
  if (pj_dtype_is_complex(dtype))
    value.im = part_const(k, part, lanes, bytes + pj_dtype_bytes(part));
  return value;
}

PjElem pj_elem_splat(PjKir *k, PjElem value, int lanes) {
  value.re = pj_kir_splat(k, value.re, lanes);
  if (value.im)
    value.im = pj_kir_splat(k, value.im, lanes);
  return value;
}

PjElem pj_elem_select(PjKir *k, PjKirVal mask, PjElem a, PjElem b) {
  return (PjElem){pj_kir_select(k, mask, a.re, b.re),
                  a.im ? pj_kir_select(k, mask, a.im, b.im) : 0};
}

PjElem pj_elem_convert(PjKir *k, PjDtype from, PjDtype to, PjElem value) {
  if (to == PJ_DT_PRED && value.im) {
    PjElem parts = {pj_conv_convert(k, from, to, value.re), pj_conv_convert(k, from, to, value.im)};
    return (PjElem){pj_kir_or(k, parts.re, parts.im), 0};
  }
  PjElem result = {pj_conv_convert(k, from, to, value.re), 0};
  if (pj_dtype_is_complex(to))
    result.im = value.im ? pj_conv_convert(k, from, to, value.im)
                         : pj_kir_float(k, pj_kir_typeof(k, result.re), 0);
  return result;
}

// The bits of an element in memory as an integer, and back.
static PjKirVal to_bits(PjKir *k, PjDtype dtype, PjElem v) {
  if (dtype == PJ_DT_C64) {
    PjKirVal low = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, pj_kir_bitcast(k, PJ_KIR_I32, v.re));
    PjKirVal high = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, pj_kir_bitcast(k, PJ_KIR_I32, v.im));
    return pj_kir_or(k, low, pj_kir_shl(k, high, pj_kir_i64(k, 32)));
  }
  PjKirVal stored = pj_conv_to_memory(k, dtype, v.re);
  PjKirElem elem = (PjKirElem)pj_kir_typeof(k, stored).elem;
  return elem == PJ_KIR_F32   ? pj_kir_bitcast(k, PJ_KIR_I32, stored)
         : elem == PJ_KIR_F64 ? pj_kir_bitcast(k, PJ_KIR_I64, stored)
                              : stored;
}

static PjElem from_bits(PjKir *k, PjDtype dtype, PjKirVal bits) {
  if (dtype == PJ_DT_C64) {
    PjKirVal high = pj_kir_lshr(k, bits, pj_kir_i64(k, 32));
    return (PjElem){pj_kir_bitcast(k, PJ_KIR_F32, pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, bits)),
                    pj_kir_bitcast(k, PJ_KIR_F32, pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, high))};
  }
  PjKirElem elem = pj_conv_memory(dtype);
  if (elem == PJ_KIR_F32 || elem == PJ_KIR_F64)
    bits = pj_kir_bitcast(k, elem, bits);
  return (PjElem){pj_conv_from_memory(k, dtype, bits), 0};
}

PjElem pj_elem_bitcast(PjKir *k, PjDtype from, PjDtype to, PjElem value) {
  if (from == to)
    return value;
  PjKirVal bits = to_bits(k, from, value);
  if (pj_dtype_bits(to) < 8) { // above them: the sign, or zeros
    const uint64_t above = 8 - pj_dtype_bits(to);
    const PjKirType type = {.elem = pj_kir_typeof(k, bits).elem, .lanes = 1};
    PjKirVal by = pj_kir_const(k, type, above);
    bits = pj_kir_shl(k, bits, by);
    bits = pj_dtype_class(to) == PJ_CLASS_SINT ? pj_kir_2(k, PJ_KIR_ASHR, bits, by)
                                               : pj_kir_lshr(k, bits, by);
  }
  return from_bits(k, to, bits);
}

PjElem pj_elem_from_index(PjKir *k, PjDtype dtype, PjKirVal index) {
  PjDtype from = pj_kir_typeof(k, index).elem == PJ_KIR_I64 ? PJ_DT_S64 : PJ_DT_S32;
  return pj_elem_convert(k, from, dtype, (PjElem){index, 0});
}

// ------------------------------------------------------------------ choice
// What an op says beyond its kind and types.
typedef struct Attrs {
  int64_t a, b; // direction and type of a comparison; bits of exponent and mantissa
} Attrs;

static Attrs attrs_of(const PjOp *op) {
  if (op->kind == PJ_OP_COMPARE)
    return (Attrs){PJ_INT(op, comparison_direction), PJ_INT(op, compare_type)};
  if (op->kind == PJ_OP_REDUCE_PRECISION)
    return (Attrs){PJ_INT(op, exponent_bits), PJ_INT(op, mantissa_bits)};
  return (Attrs){0};
}

static const PjElemReal *real_row(PjOpKind kind, PjDtype dtype) {
  switch (pj_dtype_class(dtype)) {
  case PJ_CLASS_PRED:
    return pj_elem__pred(kind);
  case PJ_CLASS_SINT:
  case PJ_CLASS_UINT:
    return pj_elem__int(kind);
  case PJ_CLASS_FLOAT:
    return pj_elem__float(kind);
  default:
    return NULL;
  }
}

static bool has_row(PjOpKind kind, PjDtype dtype) {
  if (pj_dtype_is_complex(dtype)) {
    const PjElemComplex *row = pj_elem__complex(kind, dtype);
    return row && (row->unary || row->binary);
  }
  const PjElemReal *row = real_row(kind, dtype);
  return row && (row->unary || row->binary || row->function || row->function2);
}

static bool is_element(PjDtype dtype) {
  return pj_dtype_class(dtype) != PJ_CLASS_NONE;
}

bool pj_elem_supports_kind(PjOpKind kind, PjDtype in, PjDtype out) {
  if (!is_element(in) || !is_element(out))
    return false;
  switch (kind) {
  case PJ_OP_COMPARE:
  case PJ_OP_SELECT:
  case PJ_OP_CONVERT:
    return true;
  case PJ_OP_CLAMP:
    return has_row(PJ_OP_MAXIMUM, in) && has_row(PJ_OP_MINIMUM, in);
  case PJ_OP_COMPLEX:
    return pj_dtype_is_complex(out);
  case PJ_OP_REAL:
  case PJ_OP_IMAG:
  case PJ_OP_CHLO_CONJ:
    return pj_dtype_is_complex(in) || pj_dtype_is_float(in);
  case PJ_OP_REDUCE_PRECISION:
    return pj_dtype_is_float(in);
  default:
    return has_row(kind, in);
  }
}

static bool ordered_complex(const PjOp *op, PjDtype in) {
  int64_t direction = PJ_INT(op, comparison_direction);
  return pj_dtype_is_complex(in) && direction != PJ_CMP_EQ && direction != PJ_CMP_NE;
}

bool pj_elem_is(const PjOp *op) {
  if (op->kind != PJ_OP_BITCAST_CONVERT)
    return pj_op_info[op->kind].traits & PJ_TRAIT_ELEM;
  const PjType *in = op->operands[0]->type, *out = op->results[0].type;
  return pj_dtype_bits(in->dtype) == pj_dtype_bits(out->dtype) && in->rank == out->rank;
}

static bool has_bits(PjDtype dtype) { // as an integer in a register
  return is_element(dtype) && dtype != PJ_DT_PRED && dtype != PJ_DT_C128 && dtype != PJ_DT_TF32;
}

bool pj_elem_supports(const PjOp *op) {
  if (!pj_elem_is(op) || op->num_results != 1 || !op->num_operands)
    return false;
  const PjType *out = op->results[0].type, *in = op->operands[op->num_operands - 1]->type;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (op->operands[i]->type->quant)
      return false;
  if (out->quant || (op->kind == PJ_OP_COMPARE && ordered_complex(op, in->dtype)))
    return false;
  if (op->kind == PJ_OP_BITCAST_CONVERT)
    return has_bits(in->dtype) && has_bits(out->dtype);
  return pj_elem_supports_kind(op->kind, in->dtype, out->dtype);
}

static PjElem apply_row(PjKir *k, PjOpKind kind, PjDtype in, PjDtype out, const PjElem *args) {
  if (pj_dtype_is_complex(in)) {
    const PjElemComplex *row = pj_elem__complex(kind, in);
    return row->unary ? row->unary(k, args[0]) : row->binary(k, args[0], args[1]);
  }
  const PjElemReal *row = real_row(kind, in);
  PjKirVal x = args[0].re;
  PjKirVal value = row->unary      ? row->unary(k, in, x)
                   : row->function ? row->function(k, x)
                   : row->binary   ? row->binary(k, in, x, args[1].re)
                                   : row->function2(k, x, args[1].re);
  bool round =
      row->rounding == PJ_ELEM_ROUND ||
      (row->rounding == PJ_ELEM_WHOLE && pj_dtype_is_float(out) && pj_dtype_bits(out) <= 8);
  return (PjElem){round ? pj_conv_round(k, out, value) : value, 0};
}

static PjElem apply(PjKir *k, PjOpKind kind, PjDtype in, PjDtype out, Attrs attrs,
                    const PjElem *args) {
  switch (kind) {
  case PJ_OP_COMPARE:
    return (PjElem){
        pj_elem__compare(k, in, attrs.a, attrs.b == PJ_CMPTYPE_TOTALORDER, args[0], args[1]), 0};
  case PJ_OP_SELECT:
    return pj_elem_select(k, args[0].re, args[1], args[2]);
  case PJ_OP_CLAMP: {
    PjElem raised = apply_row(k, PJ_OP_MAXIMUM, in, out, (PjElem[]){args[1], args[0]});
    return apply_row(k, PJ_OP_MINIMUM, in, out, (PjElem[]){raised, args[2]});
  }
  case PJ_OP_CONVERT:
    return pj_elem_convert(k, in, out, args[0]);
  case PJ_OP_BITCAST_CONVERT:
    return pj_elem_bitcast(k, in, out, args[0]);
  case PJ_OP_COMPLEX:
    return (PjElem){args[0].re, args[1].re};
  case PJ_OP_REAL:
    return (PjElem){args[0].re, 0};
  case PJ_OP_IMAG: {
    static const char zeros[16];
    return args[0].im ? (PjElem){args[0].im, 0}
                      : pj_elem_const(k, out, lanes_of(k, args[0].re), zeros);
  }
  case PJ_OP_CHLO_CONJ:
    return (PjElem){args[0].re, args[0].im ? pj_kir_1(k, PJ_KIR_FNEG, args[0].im) : 0};
  case PJ_OP_REDUCE_PRECISION:
    return (PjElem){pj_conv_reduce_precision(k, in, (int)attrs.a, (int)attrs.b, args[0].re), 0};
  default:
    return apply_row(k, kind, in, out, args);
  }
}

PjElem pj_elem_apply_kind(PjKir *k, PjOpKind kind, PjDtype in, PjDtype out, const PjElem *args) {
  return apply(k, kind, in, out, (Attrs){0}, args);
}

PjElem pj_elem_apply(PjKir *k, const PjOp *op, const PjElem *in) {
  return apply(k, op->kind, op->operands[op->num_operands - 1]->type->dtype,
               op->results[0].type->dtype, attrs_of(op), in);
}
