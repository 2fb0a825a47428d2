// The functions of kernel/math.def with values in long double, whose 11 bits more than a double's
// tell the error of a result.
#pragma once
#include "kernel/kir.h"

typedef struct MathFunction {
  const char *name;
  int args;
  PjKirVal (*build_1)(PjKir *k, PjKirVal x);
  PjKirVal (*build_2)(PjKir *k, PjKirVal x, PjKirVal y);
  double ulp[2]; // bounds of f32 and f64
} MathFunction;

enum {
#define MATH(name, args, ulp32, ulp64) MATH_##name,
#include "kernel/math.def"
#undef MATH
  MATH_COUNT
};
extern const MathFunction math_functions[MATH_COUNT];

// False for functions whose kernels are large or slow.
bool math_is_common(int function);

// Arguments of |wide|: f64, else f32; number |index| of a fixed sequence: special values first
// (pairs of them for two arguments), then random bits, usual ranges, and numbers near 0 and 1.
void math_arguments(int function, bool wide, uint64_t index, double *x, double *y);

// Error of |got| in units of the last place as math.def counts them; negative if nothing is
// promised for these arguments, infinite if NaN, infinity or the sign of zero are wrong. |want|:
// the true value.
double math_error(int function, bool wide, double x, double y, double got, long double *want);

// function(x[, y]) of buffers 0 and 1 into buffer 2, |lanes| elements at a time; 0: one alone
// (PjKir.alone).
void math_build(PjKir *k, int function, bool wide, int lanes);
