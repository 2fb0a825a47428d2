// bitcast_convert: the bits of a tensor read as elements of another type.
//
// Between different widths the smaller elements form a trailing dimension, the one with the lowest
// bits first. Elements of at least a byte lie in memory just so, and the result is a view; narrower
// ones, which take a byte each, are gathered from or spread over the wider ones.
#include "eval/eval.h"
#include "eval/float.h"

static bool is_packed(PjDtype dtype) {
  return pj_dtype_bits(dtype) == 8 * pj_dtype_bytes(dtype);
}

static void store(PjDtype dtype, uint8_t bits, void *element) {
  if (pj_dtype_is_int(dtype))
    pj_int_encode(dtype, bits, element);
  else
    *(uint8_t *)element = bits;
}

// |parts| elements of |to| out of each of |n| elements of |from|.
static void split(PjDtype from, PjDtype to, int64_t n, int64_t parts, const uint8_t *in,
                  uint8_t *out) {
  unsigned bits = pj_dtype_bits(to), mask = (1u << bits) - 1;
  for (int64_t i = 0; i < n; ++i, in += pj_dtype_bytes(from))
    for (int64_t j = 0; j < parts; ++j) {
      unsigned at = (unsigned)j * bits;
      store(to, (uint8_t)(in[at / 8] >> at % 8 & mask), out++);
    }
}

// The other way round.
static void join(PjDtype from, PjDtype to, int64_t n, int64_t parts, const uint8_t *in,
                 uint8_t *out) {
  unsigned bits = pj_dtype_bits(from), mask = (1u << bits) - 1;
  for (int64_t i = 0; i < n; ++i, out += pj_dtype_bytes(to)) {
    uint8_t whole[16] = {0};
    for (int64_t j = 0; j < parts; ++j) {
      unsigned at = (unsigned)j * bits;
      whole[at / 8] |= (uint8_t)((*in++ & mask) << at % 8);
    }
    if (is_packed(to))
      memcpy(out, whole, pj_dtype_bytes(to));
    else
      store(to, whole[0], out);
  }
}

PjStatus pj_ev_bitcast_convert(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  PjTensor *operand = in[0];
  PjDtype from = operand->dtype, to = op->results[0].type->dtype;
  unsigned from_bits = pj_dtype_bits(from), to_bits = pj_dtype_bits(to);
  int64_t dims[PJ_MAX_RANK + 1], parts = 1;
  int32_t rank = operand->rank;
  memcpy(dims, operand->dims, (size_t)rank * sizeof *dims);
  if (from_bits > to_bits) {
    parts = from_bits / to_bits;
    dims[rank++] = parts;
  } else if (from_bits < to_bits) {
    parts = to_bits / from_bits;
    if (!rank || dims[rank - 1] != parts)
      return PJ_OP_ERROR(
          op, INVALID_ARGUMENT,
          "the last dimension of the operand must be %lld, the number of %s in one %s",
          (long long)parts, pj_dtype_text(from), pj_dtype_text(to));
    --rank;
  }
  if (from_bits > to_bits ? from_bits % to_bits : to_bits % from_bits)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "%s has no whole number of %s", pj_dtype_text(from),
                       pj_dtype_text(to));
  if (is_packed(from) && is_packed(to)) {
    out[0] = pj_eval_view(ev, operand, to, rank, dims);
    return PJ_STATUS_OK;
  }
  PjTensor *result = pj_eval_new(ev, to, rank, dims);
  if (from_bits == to_bits && !pj_dtype_is_int(to) && !pj_dtype_is_int(from))
    memcpy(result->data, operand->data, result->bytes);
  else if (from_bits >= to_bits)
    split(from, to, operand->count, parts, operand->data, result->data);
  else
    join(from, to, result->count, parts, operand->data, result->data);
  out[0] = result;
  return PJ_STATUS_OK;
}
