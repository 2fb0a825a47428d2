// Elementary functions as expansions in kernel IR.
//
// Each takes values of f32 or f64 with any number of lanes (both arguments alike, or one a scalar)
// and gives one of the same type. All lanes take the same path: what differs between them is chosen
// by selects, except that huge arguments of the periodic functions leave to the C library, inside
// an IF that runs only if a lane needs it. A value does not depend on the lanes around it, so
// vector and scalar forms give the same bits; but for one number alone (PjKir.alone), whose forms
// have the shortest chain (math_alone.c). NaN gives NaN, of any payload; infinities, zeros
// (with their sign) and subnormal numbers, as arguments and as results, follow C99's annex F where
// it says anything. Bounds of the error are in math.def.
//
// Threads: as the builder. Errors: none but the arena's.
#pragma once
#include "kernel/kir.h"

#define PJ_MATH_PARAMS_1               PjKir *k, PjKirVal x
#define PJ_MATH_PARAMS_2               PjKir *k, PjKirVal x, PjKirVal y
#define MATH(name, args, ulp32, ulp64) PjKirVal pj_math_##name(PJ_MATH_PARAMS_##args);
#include "kernel/math.def"
#undef MATH
