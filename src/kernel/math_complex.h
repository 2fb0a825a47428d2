// Functions of complex numbers of double: what src/kernel/elem_complex.c computes both complex
// types with.
//
// Operands and results are pairs of f64 values. Special values follow C99's annex G where the
// formula gives them or a select can; products of infinity and zero inside leave NaN in a part
// where annex G has a number.
#pragma once
#include "kernel/elem.h"

// |z|, without overflow; of parts in f64.
PjKirVal pj_math_complex_abs(PjKir *k, PjElem z);
PjKirVal pj_math_complex_abs_f32(PjKir *k, PjElem z); // of parts in f32, within 1.5 ULP
PjElem pj_math_complex_div(PjKir *k, PjElem x, PjElem y);
PjElem pj_math_complex_div_of_f32(PjKir *k, PjElem x, PjElem y); // of parts that are floats
PjElem pj_math_complex_sqrt_of_f32(PjKir *k, PjElem z);          // likewise
PjElem pj_math_complex_exp(PjKir *k, PjElem z);
PjElem pj_math_complex_expm1(PjKir *k, PjElem z);
PjElem pj_math_complex_log(PjKir *k, PjElem z);
PjElem pj_math_complex_log1p(PjKir *k, PjElem z);
PjElem pj_math_complex_sqrt(PjKir *k, PjElem z);
PjElem pj_math_complex_rsqrt(PjKir *k, PjElem z);
PjElem pj_math_complex_cbrt(PjKir *k, PjElem z);
PjElem pj_math_complex_logistic(PjKir *k, PjElem z);
PjElem pj_math_complex_sign(PjKir *k, PjElem z);
PjElem pj_math_complex_square(PjKir *k, PjElem z);
PjElem pj_math_complex_sin(PjKir *k, PjElem z);
PjElem pj_math_complex_cos(PjKir *k, PjElem z);
PjElem pj_math_complex_tan(PjKir *k, PjElem z);
PjElem pj_math_complex_sinh(PjKir *k, PjElem z);
PjElem pj_math_complex_cosh(PjKir *k, PjElem z);
// |value| of sinh or cosh of |z|; NaN in both parts where there is no angle (the imaginary part is
// not finite): stricter than annex G of C, as XLA and mpmath are.
PjElem pj_math_complex_with_angle(PjKir *k, PjElem z, PjElem value);
PjElem pj_math_complex_tanh(PjKir *k, PjElem z);
PjElem pj_math_complex_asin(PjKir *k, PjElem z);
PjElem pj_math_complex_acos(PjKir *k, PjElem z);
PjElem pj_math_complex_atan(PjKir *k, PjElem z);
PjElem pj_math_complex_asinh(PjKir *k, PjElem z);
PjElem pj_math_complex_acosh(PjKir *k, PjElem z);
PjElem pj_math_complex_atanh(PjKir *k, PjElem z);
PjElem pj_math_complex_asin_acos(PjKir *k, PjElem z); // chlo._asin_acos_kernel
PjElem pj_math_complex_pow(PjKir *k, PjElem x, PjElem y);
PjElem pj_math_complex_atan2(PjKir *k, PjElem y, PjElem x);
