// reduce_precision: rounds a float to fewer bits of exponent and mantissa, kept in its own type.
//
// The mantissa is rounded to nearest even on the bits; what then lies outside the smaller
// exponent's range becomes infinity or zero of the same sign (the specification has no subnormal
// numbers for the smaller format). NaN stays NaN, except that a format without mantissa bits has
// only infinity.
#include <string.h>

#include "eval/float.h"
#include "eval/kernel.h"

// Widths of a source format, and what the target bits do to it.
typedef struct Reduction {
  uint64_t round_bias, last_bit, keep; // mantissa; |last_bit| 0: nothing to round
  uint64_t sign, infinity, largest,
      smallest; // exponent fields past which it overflows, or underflows
  bool narrow_exponent, keep_nan;
} Reduction;

static Reduction plan(unsigned ebits, unsigned mbits, int64_t to_ebits, int64_t to_mbits) {
  Reduction r = {.keep = ~0ull, .sign = 1ull << (ebits + mbits), .keep_nan = to_mbits > 0};
  r.infinity = ((1ull << ebits) - 1) << mbits;
  if (to_mbits < mbits) {
    r.last_bit = 1ull << (mbits - (unsigned)to_mbits);
    r.round_bias = (r.last_bit >> 1) - 1;
    r.keep = ~(r.last_bit - 1);
  }
  if (to_ebits < ebits) {
    uint64_t bias = (1ull << (ebits - 1)) - 1, to_bias = (1ull << (to_ebits - 1)) - 1;
    r.narrow_exponent = true;
    r.largest = (bias + to_bias) << mbits;
    r.smallest = (bias - to_bias) << mbits;
  }
  return r;
}

static inline uint64_t reduce(const Reduction *r, uint64_t bits) {
  uint64_t magnitude = bits & (r->sign - 1);
  if (magnitude > r->infinity)
    return r->keep_nan ? bits : (bits & r->sign) | r->infinity;
  if (r->last_bit)
    bits = (bits + r->round_bias + ((bits & r->last_bit) != 0)) & r->keep;
  if (r->narrow_exponent) {
    uint64_t exponent = bits & r->infinity;
    if (exponent > r->largest)
      bits = (bits & r->sign) | r->infinity;
    else if (exponent <= r->smallest)
      bits = bits & r->sign;
  }
  return bits;
}

#define REDUCE(T, name)                                                        \
  static void name(const Reduction *plan_in, int64_t n, const T *in, T *out) { \
    Reduction r = *plan_in;                                                    \
    PJ_LOOP(i, n) out[i] = (T)reduce(&r, in[i]);                               \
  }
REDUCE(uint16_t, reduce_16)
REDUCE(uint32_t, reduce_32)
REDUCE(uint64_t, reduce_64)

void pj_kernel_reduce_precision(const PjKernel *kernel, int64_t n, const void *const *in,
                                void *out) {
  Reduction r;
  switch (kernel->in_dtype) {
  case PJ_DT_F64:
    r = plan(11, 52, kernel->a, kernel->b);
    reduce_64(&r, n, in[0], out);
    return;
  case PJ_DT_F32:
    r = plan(8, 23, kernel->a, kernel->b);
    reduce_32(&r, n, in[0], out);
    return;
  case PJ_DT_TF32:
    r = plan(8, 10, kernel->a, kernel->b);
    reduce_32(&r, n, in[0], out);
    return;
  case PJ_DT_BF16:
    r = plan(8, 7, kernel->a, kernel->b);
    reduce_16(&r, n, in[0], out);
    return;
  case PJ_DT_F16:
    r = plan(5, 10, kernel->a, kernel->b);
    reduce_16(&r, n, in[0], out);
    return;
  default:
    break;
  }
  // Formats of up to 8 bits go through float: they have no exponent range of their own to lose.
  r = plan(8, 23, kernel->a, kernel->b);
  const uint8_t *from = in[0];
  uint8_t *to = out;
  uint32_t block[PJ_KERNEL_BLOCK];
  for (int64_t done = 0; done < n; done += PJ_KERNEL_BLOCK) {
    int64_t m = n - done < PJ_KERNEL_BLOCK ? n - done : PJ_KERNEL_BLOCK;
    pj_float_decode_n(kernel->in_dtype, m, from + done, (float *)block);
    reduce_32(&r, m, block, block);
    pj_float_encode_n(kernel->in_dtype, m, (const float *)block, to + done);
  }
}
