// Quantised types: uniform_quantize, uniform_dequantize, and arithmetic by way of the expressed
// type.
//
// A quantised element q stands for (q - zero point) * scale. Quantising divides by the scale, adds
// the zero point, clamps to the storage range and rounds to nearest even, each step in the
// expressed type (specification, "Quantized computations"); NaN becomes the stored 0. An operation
// on quantised tensors is dequantised, run, and quantised; operations with regions run on the
// storage as they are, and the operations inside their regions are quantised on their own.
#include <math.h>

#include "eval/float.h"
#include "eval/kernel.h"
#include "eval/run.h"

// One run of elements with the same scale and zero point.
typedef struct Span {
  PjDtype storage, expressed;
  double scale;
  int64_t zero_point, min, max;
} Span;

// Results of each step in a narrow expressed type.
static void round_to(PjDtype dtype, int64_t n, float *x) {
  if (dtype == PJ_DT_F32)
    return;
  uint16_t block[PJ_KERNEL_BLOCK * 2];
  pj_float_encode_n(dtype, n, x, block);
  pj_float_decode_n(dtype, n, block, x);
}

static float as_float(PjDtype dtype, double value) {
  uint64_t element;
  pj_double_encode(dtype, value, &element);
  return pj_float_decode(dtype, &element);
}

static void quantize_span(const Span *s, int64_t n, const void *in, void *out) {
  if (s->expressed == PJ_DT_F64) {
    const double *x = in;
    double block[PJ_KERNEL_BLOCK], zero = (double)s->zero_point, min = (double)s->min,
                                   max = (double)s->max;
    for (int64_t i = 0; i < n; ++i) {
      double value = x[i] / s->scale + zero;
      block[i] = rint(value < min ? min : value > max ? max : value);
    }
    pj_convert_n(PJ_DT_F64, s->storage, n, block, out);
    return;
  }
  PjDtype type = s->expressed;
  float block[PJ_KERNEL_BLOCK], scale = as_float(type, s->scale),
                                zero = as_float(type, (double)s->zero_point);
  float min = as_float(type, (double)s->min), max = as_float(type, (double)s->max);
  pj_float_decode_n(type, n, in, block);
  for (int64_t i = 0; i < n; ++i)
    block[i] /= scale;
  round_to(type, n, block);
  for (int64_t i = 0; i < n; ++i)
    block[i] += zero;
  round_to(type, n, block);
  for (int64_t i = 0; i < n; ++i)
    block[i] = rintf(block[i] < min ? min : block[i] > max ? max : block[i]);
  pj_convert_n(PJ_DT_F32, s->storage, n, block, out);
}

static void dequantize_span(const Span *s, int64_t n, const void *in, void *out) {
  // The difference does not fit every storage type, but it is exact here.
  int64_t block[PJ_KERNEL_BLOCK];
  pj_convert_n(s->storage, PJ_DT_S64, n, in, block);
  for (int64_t i = 0; i < n; ++i)
    block[i] = (int64_t)((uint64_t)block[i] - (uint64_t)s->zero_point);
  pj_convert_n(PJ_DT_S64, s->expressed, n, block, out);
  if (s->expressed == PJ_DT_F64) {
    double *x = out;
    for (int64_t i = 0; i < n; ++i)
      x[i] *= s->scale;
    return;
  }
  float values[PJ_KERNEL_BLOCK], scale = as_float(s->expressed, s->scale);
  pj_float_decode_n(s->expressed, n, out, values);
  for (int64_t i = 0; i < n; ++i)
    values[i] *= scale;
  pj_float_encode_n(s->expressed, n, values, out);
}

// Applies |fn| to all elements of |from|, span by span along the axis of |quant|.
static PjStatus for_spans(const PjOp *op, const PjQuant *quant, PjDtype storage,
                          const PjTensor *from, PjTensor *to,
                          void (*fn)(const Span *, int64_t, const void *, void *)) {
  int64_t channels = 1, inner = from->count;
  if (quant->axis >= 0) {
    if (quant->axis >= from->rank || from->dims[quant->axis] != (int64_t)quant->num_scales)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "dimension %d of the quantised tensor must have %u scales", quant->axis,
                         quant->num_scales);
    channels = quant->num_scales;
    inner = 1;
    for (int32_t d = quant->axis + 1; d < from->rank; ++d)
      inner *= from->dims[d];
  }
  size_t from_bytes = pj_dtype_bytes(from->dtype), to_bytes = pj_dtype_bytes(to->dtype);
  const char *x = from->data;
  char *r = to->data;
  Span span = {
      .storage = storage, .expressed = quant->expressed, .min = quant->min, .max = quant->max};
  for (int64_t done = 0, channel = 0; done < from->count;
       done += inner, channel = (channel + 1) % channels) {
    span.scale = quant->scales[channel];
    span.zero_point = quant->zero_points[channel];
    for (int64_t at = 0; at < inner; at += PJ_KERNEL_BLOCK) {
      int64_t n = inner - at < PJ_KERNEL_BLOCK ? inner - at : PJ_KERNEL_BLOCK;
      fn(&span, n, x + (size_t)(done + at) * from_bytes, r + (size_t)(done + at) * to_bytes);
    }
  }
  return PJ_STATUS_OK;
}

static PjStatus quantize(PjEval *ev, const PjOp *op, const PjType *type, const PjTensor *in,
                         PjTensor **out) {
  if (in->dtype != type->quant->expressed)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "cannot quantise %s to a type that expresses %s",
                       pj_dtype_text(in->dtype), pj_dtype_text(type->quant->expressed));
  *out = pj_eval_new_like(ev, type->dtype, in);
  return for_spans(op, type->quant, type->dtype, in, *out, quantize_span);
}

static PjStatus dequantize(PjEval *ev, const PjOp *op, const PjType *type, const PjTensor *in,
                           PjTensor **out) {
  *out = pj_eval_new_like(ev, type->quant->expressed, in);
  return for_spans(op, type->quant, type->dtype, in, *out, dequantize_span);
}

PjStatus pj_ev_uniform_quantize(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjType *from = op->operands[0]->type, *to = op->results[0].type;
  if (!from->quant)
    return quantize(ev, op, to, in[0], &out[0]);
  PjTensor *expressed;
  PJ_TRY(dequantize(ev, op, from, in[0], &expressed));
  PJ_TRY(quantize(ev, op, to, expressed, &out[0]));
  pj_eval_drop(ev, expressed);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_uniform_dequantize(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return dequantize(ev, op, op->operands[0]->type, in[0], &out[0]);
}

static const PjType *expressed_type(PjArena *arena, const PjType *type) {
  if (!type->quant)
    return type;
  return pj_type_tensor_full(arena, type->quant->expressed, NULL, type->rank, type->dims,
                             type->bounds);
}

// A copy of |op| whose operands and results have expressed types. It belongs to no region, so no
// operand is taken for dead; it lives as long as the operation runs.
static PjOp *shadow(PjArena *arena, const PjOp *op) {
  PjOp *copy = pj_arena_memdup(arena, op, sizeof *op);
  copy->region = NULL;
  copy->operands = PJ_NEW_ARRAY(arena, PjValue *, op->num_operands);
  copy->results = pj_arena_memdup(arena, op->results, op->num_results * sizeof *op->results);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    copy->operands[i] = pj_arena_memdup(arena, op->operands[i], sizeof(PjValue));
    copy->operands[i]->type = expressed_type(arena, op->operands[i]->type);
  }
  for (uint32_t i = 0; i < op->num_results; ++i)
    copy->results[i].type = expressed_type(arena, op->results[i].type);
  return copy;
}

PjStatus pj_eval_quantized(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  if (op->num_regions)
    return pj_eval_table[op->kind](ev, op, in, out);
  PjOp *inner = shadow(ev->arena, op);
  PjTensor **args = PJ_NEW_ARRAY(ev->arena, PjTensor *, op->num_operands);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    if (op->operands[i]->type->quant)
      PJ_TRY(dequantize(ev, op, op->operands[i]->type, in[i], &args[i]));
    else
      args[i] = pj_eval_keep(ev, in[i]);
  }
  PJ_TRY(pj_eval_table[op->kind](ev, inner, args, out));
  for (uint32_t i = 0; i < op->num_operands; ++i)
    pj_eval_drop(ev, args[i]);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    if (!op->results[i].type->quant)
      continue;
    PjTensor *expressed = out[i];
    PJ_TRY(quantize(ev, op, op->results[i].type, expressed, &out[i]));
    pj_eval_drop(ev, expressed);
  }
  return PJ_STATUS_OK;
}
