// Division of f32 by a number that is known: x / c = x h + x l with h + l = 1 / c to twice the
// digits.
//
// N. Brisebarre, J.-M. Muller and S. K. Raina, "Accelerating correctly rounded floating-point
// division when the divisor is known in advance", IEEE Transactions on Computers 53, 2004. With c
// in [1, 2) both parts of 1 / c are off by 2^-49 together, and so is the product x l; the sum, 3 *
// 2^-49 off, is rounded once. That is the rounded quotient unless x / c lies as close to the middle
// of two floats. Let X and C be the 24-bit integers of x and c, and t such that X 2^t / C lies in
// [2^24, 2^25), twice the quotient's integer: a middle is an odd number m of these, and
//
//     X 2^t - C m = d      is 3 in size at most if x / c is that close to it.
//
// For one d there are as many m as C has factors of 2 in common with d, found by an inverse modulo
// 2^t. So all dangerous x of a c can be tried: one c in 80 has some that fail.
#include <math.h>

#include "kernel/kir_build.h"
#include "kernel/kir_range.h"

enum { DIGITS = 24, NEAR = 4 };

static uint64_t inverse_of_odd(uint64_t c) { // modulo 2^64, by Newton's method: 3 bits are right
  uint64_t x = c;
  for (int bits = 3; bits < 64; bits *= 2)
    x *= 2 - c * x;
  return x;
}

static bool quotient_is_right(float x, float c, float high, float low) {
  return fmaf(x, high, x * low) == x / c;
}

bool pj_kir__products_divide(uint32_t c) {
  const float divisor = (float)c, high = 1 / divisor, low = fmaf(-high, divisor, 1) / divisor;
  const int zeros = __builtin_ctz(c);
  const uint64_t inverse = inverse_of_odd(c >> zeros), top = 1ull << DIGITS;
  for (int t = DIGITS; t <= DIGITS + 1; t++)
    for (int64_t d = -NEAR; d <= NEAR; d++) {
      if (d == 0 || d % ((int64_t)1 << zeros))
        continue;
      const uint64_t period = 1ull << (t - zeros);
      for (uint64_t m = (uint64_t) - (d >> zeros) * inverse % period; m < 2 * top; m += period) {
        const uint64_t x = (c * m + (uint64_t)d) >> t;
        if (m % 2 == 0 || m < top || x < top / 2 || x >= top)
          continue;
        if (!quotient_is_right((float)x, divisor, high, low))
          return false;
      }
    }
  return true;
}

// Numbers of which none on the way overflows or loses digits: x / c is 2^-81 at least, and the
// error of a product that is subnormal, 2^-150, is nothing against that.
static bool is_plain(PjKirRange a, double c) {
  return c >= 0x1p-20 && c <= 0x1p20 && a.known && a.grid >= -60 && a.no_minus_zero;
}

PjKirVal pj_kir__divide(PjKir *k, PjKirVal a, PjKirVal b) {
  PjKirType type = pj_kir_typeof(k, a);
  if (type.elem != PJ_KIR_F32 || type.lanes == 1 || !k->target->fma)
    return 0;
  PjKirRange divisor = pj_kir_range(k, b);
  double c = divisor.low;
  int exponent;
  if (!divisor.known || c != divisor.high || !is_plain(pj_kir_range(k, a), c) ||
      !pj_kir__products_divide((uint32_t)ldexp(frexp(c, &exponent), DIGITS)))
    return 0;
  PjKirVal one = pj_kir_float(k, pj_kir_type(PJ_KIR_F32, 1), 1), y = pj_kir_extract(k, b, 0);
  PjKirVal high = pj_kir_fdiv(k, one, y);
  PjKirVal low = pj_kir_fdiv(k, pj_kir_fma(k, pj_kir_1(k, PJ_KIR_FNEG, high), y, one), y);
  PjKirVal quotient = pj_kir_fma(k, a, high, pj_kir_fmul(k, a, low));
  pj_kir__assume_quotient(k, quotient, a, b);
  return quotient;
}
