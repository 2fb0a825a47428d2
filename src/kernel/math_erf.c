// The error function, its complement and its inverse.
#include <math.h>

#include "kernel/math_util.h"

// erf x = x + x P(x^2) up to 0.88, errors 1.6e-8 and 1.2e-17.
const double pj_math__erf_32[] = {0x1.06eba6p-3,  -0x1.812702p-2, 0x1.ce2016p-4,
                                  -0x1.b6e6bap-6, 0x1.4981d8p-8,  -0x1.440e48p-11};
static const double pj_math__erf_64[] = {
    0x1.06eba8214db69p-3,  -0x1.812746b0379fep-2,  0x1.ce2f21a0436e2p-4,  -0x1.b82ce312ade95p-6,
    0x1.565bcd12850d3p-8,  -0x1.c02db47c38f5p-11,  0x1.f9a32d276f87cp-14, -0x1.f4d21c4c06e45p-17,
    0x1.b9d7f528a52eap-20, -0x1.5e7466cb6e6c9p-23, 0x1.ea8b7d4945521p-27, -0x1.ef44ccf719133p-31};
// -log erfc x from 0.87 to 4.1, error of erf 1.3e-8.
static const double log_erfc[] = {-0x1.217166p-13, -0x1.20bf14p0,  -0x1.460768p-1, -0x1.ab2dp-4,
                                  0x1.6f0506p-6,   -0x1.94a2e6p-9, 0x1.a45754p-13};
// (x + 3) e^(x^2) erfc x of float as a polynomial in (x - 3) / (x + 3), from 0 to 10.06,
// error 7.6e-9.
static const double scaled_erfc_32[] = {
    0x1.12f21ep+0,  -0x1.c44c48p-1,  0x1.2e3258p-1, -0x1.3deaep-2,   0x1.e99bf6p-4,
    -0x1.b7b1fep-6, -0x1.450604p-10, 0x1.925de8p-9, -0x1.ee7872p-12, -0x1.4aa49cp-12};
// (1 + 2 x) e^(x^2) erfc x of double as a polynomial in (x - 3) / (x + 3), from 0.46 on, error
// 1.0e-18: M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc
// x", Mathematics of Computation 36, 1981.
static const double scaled_erfc_64[] = {
    0x1.40c522d7e4987p+0,  -0x1.15c084bb9e8f3p-3,  -0x1.85a15c58aa5c1p-5,  0x1.098366a5b46b3p-3,
    -0x1.e88b803a494f2p-4, 0x1.17ca2877f16eap-4,   -0x1.8574c40bc0ae5p-6,  0x1.4b884e42f571fp-9,
    0x1.ef1bdd393b468p-10, -0x1.98db50d98975dp-11, -0x1.b9126b7956cedp-14, 0x1.065a3072582dcp-13,
    0x1.4c21400dc00acp-18, -0x1.513a50d01dadfp-16, -0x1.87e0dd841eaabp-21, 0x1.d1eeccb6655eap-19,
    0x1.7a87f4196d4b7p-22, -0x1.49cf0c9acb341p-21, -0x1.205c8f43d369p-23,  0x1.a6bc332cfc24ap-24,
    0x1.270407242262fp-25, -0x1.68f11f8d80d88p-27, -0x1.2f6ebcb277453p-28};
// erf^-1(y) / y: in w - 2.5 up to w = -log(1 - y^2) = 5, and in sqrt w less 3 (of double 4) from
// there on (M. Giles, "Approximating the erfinv function", GPU Computing Gems 2, 2012).
// Errors 5.6e-9 and 7.9e-8, of double 4.1e-10 and 1.5e-7, which Halley's method then makes small.
static const double central_32[] = {
    0x1.805c5ep+0,   0x1.f91e8ap-3,   -0x1.11c4ecp-8, -0x1.486616p-10, 0x1.c9e6c8p-13,
    -0x1.4d15b2p-18, -0x1.d0c1bcp-19, 0x1.f48be2p-22, 0x1.8f236ap-26,  -0x1.2e0e72p-27};
static const double central_64[] = {
    0x1.805c5cff6edbep+0,  0x1.f91e897300362p-3,   -0x1.11c3e0b76c5cap-8,  -0x1.486399f3b8284p-10,
    0x1.c9bb5b8d69033p-13, -0x1.4f75fee3fff1ap-18, -0x1.cbd4f1932a743p-19, 0x1.01892fee655cap-21,
    0x1.1abcfc58b2b1bp-26, -0x1.7ac01523abb6p-27,  0x1.e0804e8ba9687p-32,  0x1.24252416670f5p-33};
static const double outer_32[] = {0x1.6a9efep+1,  0x1.006db8p+0, 0x1.352fcep-7,
                                  -0x1.f3bb6cp-8, 0x1.799ab6p-8, -0x1.dfbd52p-9,
                                  0x1.54d7e8p-10, 0x1.6917ap-14, -0x1.5ae2e2p-13};
static const double outer_64[] = {
    0x1.eb7e0df4883dp+1,   0x1.026e33606e431p+0,   0x1.4752ee43ca494p-10,  -0x1.caaae2f04d1d9p-11,
    0x1.75f3fcbf20213p-12, -0x1.c6cd5c7b2f5fap-14, 0x1.bb85a267943ap-17,   -0x1.2e53ed6a00c06p-15,
    0x1.5ef735f4393ap-15,  -0x1.68104460e6985p-17, -0x1.5d2841dc6bceep-19, 0x1.1637c6b7480d7p-20};

static PjKirVal erf_near(PjKir *k, PjKirVal x, PjKirVal square) {
  return MADD(x, HORNER(square, pj_math__erf), x);
}

// erfc of 0.46 and more in double, and e^(-x^2). The square in two parts: its last place counts in
// the exponent.
typedef struct Complement {
  PjKirVal value, exp;
} Complement;
static Complement erfc_far(PjKir *k, PjKirVal x) {
  x = FMIN(C(28), x); // where nothing is left
  PjPair square = pj_math__two_prod(k, x, x);
  PjKirVal exp = pj_math__exp(k, NEG(square.hi), NEG(square.lo)), shift = C(3);
  PjKirVal t = DIV(SUB(x, shift), ADD(x, shift));
  const size_t n = sizeof scaled_erfc_64 / sizeof *scaled_erfc_64;
  PjKirVal rest = pj_math__poly(k, t, n - 1, scaled_erfc_64 + 1);
  PjKirVal scaled = DIV(MADD(rest, t, C(scaled_erfc_64[0])), MADD(x, C(2), C(1)));
  return (Complement){MUL(exp, scaled), exp};
}

// 1 - e^P(x)
static PjKirVal erf_far_f32(PjKir *k, PjKirVal x) {
  PjKirVal q = pj_math__poly(k, x, sizeof log_erfc / sizeof *log_erfc, log_erfc);
  return NEG(pj_math__expm1_small(k, q));
}

PjKirVal pj_math__erf_any(PjKir *k, PjKirVal x) {
  // Of float both sides use the square.
  PjKirVal magnitude = ABS(x), t = pj__wide(k, x) ? x : FMIN(C(4.0625), magnitude);
  PjKirVal near = erf_near(k, x, MUL(t, t));
  PjKirVal far = pj__wide(k, x) ? SUB(C(1), erfc_far(k, magnitude).value) : erf_far_f32(k, t);
  return COPYSIGN(SEL(LT(magnitude, C(0.875)), near, far), x);
}

PjKirVal pj_math_erf(PjKir *k, PjKirVal x) {
  return pj_math__is_alone(k, x) && !pj__wide(k, x) ? pj_math__erf_alone(k, x)
                                                    : pj_math__erf_any(k, x);
}

// erfc of a float that is not negative. 1 / (x + 3) serves as the polynomial's variable, 1 - 6 / (x
// + 3), and as its factor.
static PjKirVal erfc_positive(PjKir *k, PjKirVal x) {
  x = FMIN(C(10.0625), x); // where nothing is left
  PjPair square = pj_math__two_prod(k, x, NEG(x));
  PjKirVal inverse = DIV(C(1), ADD(x, C(3))), t = MADD(ADD(x, x), inverse, C(-1));
  PjKirVal scaled =
      pj_math__horner(k, t, sizeof scaled_erfc_32 / sizeof *scaled_erfc_32, scaled_erfc_32);
  return pj_math__exp_times(k, square.hi, square.lo, MUL(inverse, scaled));
}

PjKirVal pj_math_erfc(PjKir *k, PjKirVal x) {
  if (!pj__wide(k, x)) {
    PjKirVal value = erfc_positive(k, ABS(x));
    return SEL(LT(x, C(0)), SUB(C(2), value), value);
  }
  PjKirVal magnitude = ABS(x), near = SUB(C(1), erf_near(k, x, MUL(x, x))),
           far = erfc_far(k, magnitude).value;
  far = SEL(LT(x, C(0)), SUB(C(2), far), far);
  return SEL(LT(magnitude, C(0.47)), near, far);
}

PjKirVal pj_math_erf_inv(PjKir *k, PjKirVal x) {
  PjKirVal magnitude = ABS(x), one = C(1), near = LT(magnitude, C(0.5));
  PjPair square = pj_math__two_prod(k, x, NEG(x));
  PjKirVal w = NEG(pj_math__log1p(k, square.hi, square.lo));
  PjKirVal central = HORNER(SUB(w, C(2.5)), central), outer = HORNER(SUB(SQRT(w), CW(3, 4)), outer);
  PjKirVal root = MUL(magnitude, SEL(LT(w, C(5)), central, outer));
  if (pj__wide(k, x)) {
    // On the side of erf that does not cancel; 2 / sqrt(pi) e^(-x^2) is the derivative.
    Complement far = erfc_far(k, root);
    PjKirVal error = SEL(near, SUB(erf_near(k, root, MUL(root, root)), magnitude),
                         SUB(SUB(one, magnitude), far.value));
    PjKirVal exp = SEL(near, pj_math__exp(k, NEG(MUL(root, root)), 0), far.exp);
    PjKirVal step = DIV(MUL(error, C(0x1.c5bf891b4ef6bp-1)), exp);
    root = SUB(root, DIV(step, MADD(root, step, one)));
    root = SEL(LT(magnitude, C(0x1p-100)), MUL(magnitude, C(0x1.c5bf891b4ef6bp-1)), root);
  }
  root = SEL(LT(magnitude, one), root, SEL(EQ(magnitude, one), C(INFINITY), C(NAN)));
  return COPYSIGN(root, x);
}
