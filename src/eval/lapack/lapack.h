// Custom calls of dense linear algebra, as JAX makes them for the CPU: lapack_{s,d,c,z}NAME_ffi on
// LAPACK, and two more.
#pragma once
#include "eval/eval.h"

// The handler of |target|, if it is one of these. Targets on LAPACK exist only in a build with
// OpenBLAS.
bool pj_lapack_find(PjStr target, PjCustomCallFn **out_fn, void **out_user);
