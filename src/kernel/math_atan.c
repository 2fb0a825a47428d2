// Inverse trigonometric functions.
#include <math.h>

#include "kernel/math_util.h"

// atan t = t + t^3 P(t^2) up to 1, errors 2.6e-9 and 4.7e-18.
static const double atan_32[] = {-0x1.55553ep-2, 0x1.9991eap-3,  -0x1.2420f6p-3,
                                 0x1.c09282p-4,  -0x1.581f56p-4, 0x1.da82a6p-5,
                                 -0x1.fe453ap-6, 0x1.6510fcp-7,  -0x1.d52598p-10};
static const double atan_64[] = {
    -0x1.5555555555525p-2, 0x1.99999999954bbp-3,  -0x1.249249237c6c3p-3, 0x1.c71c717f3895cp-4,
    -0x1.745d11a4fcda2p-4, 0x1.3b13663369e15p-4,  -0x1.110e4e0d1882fp-4, 0x1.e1bb8311a2319p-5,
    -0x1.ae5dda660856ep-5, 0x1.82d8dedc97689p-5,  -0x1.599eebe162cb8p-5, 0x1.2c242824dd71cp-5,
    -0x1.e9d9f9f0fca7p-6,  0x1.6815955f0aae5p-6,  -0x1.c7461df846a7bp-7, 0x1.d750c98ea30dap-8,
    -0x1.79cde8c2938e5p-9, 0x1.b3620f3fc8bb9p-11, -0x1.3eb142f67c76p-13, 0x1.bb17104e64a5p-17};
// asin t = t + t^3 P(t^2) up to 1/2, errors 4.9e-9 and 9.6e-19.
static const double asin_32[] = {0x1.5555c8p-3, 0x1.3301fep-4, 0x1.747cbep-5, 0x1.8c30b4p-6,
                                 0x1.596a7ep-5};
static const double asin_64[] = {0x1.5555555555577p-3, 0x1.333333332e11p-4,  0x1.6db6db7214efbp-5,
                                 0x1.f1c71a93b97ebp-6, 0x1.6e8bdf08f8534p-6, 0x1.1c49ed235bd05p-6,
                                 0x1.ca1fe26971a17p-7, 0x1.75829a894cd64p-7, 0x1.614e1abb48702p-7,
                                 0x1.e4dcd1b13d21fp-9, 0x1.63f6350e00474p-6, -0x1.58825b47577e9p-6,
                                 0x1.0b7205b389788p-5};

static PjPair half_pi(PjKir *k, PjKirVal x) {
  return (PjPair){CW(0x1.921fb6p0, 0x1.921fb54442d18p0),
                  CW(-0x1.777a5cp-25, 0x1.1a62633145c07p-54)};
}
static PjPair twice(PjKir *k, PjPair p) {
  PjKirVal x = p.hi;
  return (PjPair){MUL(p.hi, C(2)), MUL(p.lo, C(2))};
}

// t + t^3 P(t^2), without the first term.
static PjKirVal atan_rest(PjKir *k, PjKirVal x) {
  PjKirVal square = MUL(x, x);
  return MUL(MUL(x, square), HORNER(square, atan));
}

// The quotient lies in 0 .. 1; larger ones are turned upside down and taken from pi / 2.
PjKirVal pj_math_atan(PjKir *k, PjKirVal x) {
  PjKirVal magnitude = ABS(x), one = C(1), large = LT(one, magnitude);
  PjKirVal t = DIV(SEL(large, C(-1), magnitude), SEL(large, magnitude, one));
  PjPair quarter = half_pi(k, x), sum = pj_math__fast_two_sum(k, SEL(large, quarter.hi, C(0)), t);
  PjKirVal rest = ADD(atan_rest(k, t), SEL(large, quarter.lo, C(0)));
  PjKirVal value = ADD(sum.hi, ADD(sum.lo, rest));
  return COPYSIGN(value, x);
}

// The angle of the point (|x|, |y|) comes from the smaller coordinate over the larger; then it is
// turned into its quadrant.
PjKirVal pj_math_atan2(PjKir *k, PjKirVal y, PjKirVal x) {
  PjKirVal ax = ABS(x), ay = ABS(y), steep = LT(ax, ay), zero = C(0), infinity = C(INFINITY);
  PjKirVal small = SEL(steep, ax, ay), large = SEL(steep, ay, ax);
  // 0 / 0 is 0 and infinity / infinity is 1 here.
  PjKirVal t = DIV(SEL(EQ(small, infinity), C(1), small),
                   SEL(EQ(large, zero), C(1), SEL(EQ(small, infinity), C(1), large)));
  PjKirVal left = pj_kir_slt(k, BITS(x), I(0));
  // base + sign * atan t, where base is 0, pi / 2 or pi.
  PjPair quarter = half_pi(k, x), half = twice(k, quarter);
  PjKirVal base = SEL(steep, quarter.hi, SEL(left, half.hi, zero));
  PjKirVal base_low = SEL(steep, quarter.lo, SEL(left, half.lo, zero));
  // Towards the axis for the steep ones on the right and the flat ones on the left.
  PjKirVal down = pj_kir_xor(k, steep, left), signed_t = SEL(down, NEG(t), t);
  PjKirVal rest = ADD(atan_rest(k, signed_t), base_low);
  PjPair sum = pj_math__fast_two_sum(k, base, signed_t); // the base is 0 or the larger
  PjKirVal value = ADD(sum.hi, ADD(sum.lo, rest));
  return SEL(UNO(x, y), ADD(x, y), COPYSIGN(value, y));
}

// Above 1/2: asin x = pi / 2 - 2 asin(sqrt((1 - x) / 2)). Gives the argument of the polynomial, and
// what rounding the root left out.
typedef struct Halved {
  PjKirVal large, t, low, rest; // |x| > 1/2; the argument; its low part (of large ones); asin t - t
} Halved;
static Halved halve(PjKir *k, PjKirVal x) {
  PjKirVal magnitude = ABS(x), half = C(0.5), large = LT(half, magnitude);
  PjKirVal z = MADD(magnitude, C(-0.5), half), root = SQRT(z);
  PjKirVal square = SEL(large, z, MUL(x, x)), t = SEL(large, root, magnitude);
  PjKirVal error = pj_math__fma(k, root, NEG(root), z);
  PjKirVal low = DIV(error, ADD(root, root));
  low = SEL(AND(large, LT(C(0), root)), low, C(0));
  return (Halved){large, t, low, MUL(MUL(t, square), POLY(square, asin))};
}

PjKirVal pj_math_asin(PjKir *k, PjKirVal x) {
  Halved h = halve(k, x);
  PjPair quarter = half_pi(k, x);
  PjKirVal two = C(2), doubled = ADD(h.rest, h.low);
  PjKirVal from_top = SUB(quarter.hi, SUB(MUL(h.t, two), MADD(doubled, C(-2), quarter.lo)));
  return COPYSIGN(SEL(h.large, from_top, ADD(h.t, h.rest)), x);
}

// pi / 2 - asin x; above 1/2 twice the half angle, below -1/2 that from pi.
PjKirVal pj_math_acos(PjKir *k, PjKirVal x) {
  Halved h = halve(k, x);
  PjPair quarter = half_pi(k, x), base = twice(k, quarter);
  PjKirVal negative = LT(x, C(0)), rest = ADD(h.rest, h.low), two = C(2);
  PjKirVal doubled = MUL(ADD(h.t, rest), two);
  PjKirVal from_left = SUB(base.hi, SUB(MUL(h.t, two), MADD(rest, C(-2), base.lo)));
  PjKirVal large = SEL(negative, from_left, doubled);
  PjKirVal t = COPYSIGN(h.t, x),
           small = SUB(quarter.hi, SUB(t, SUB(quarter.lo, COPYSIGN(h.rest, x))));
  return SEL(h.large, large, small);
}
