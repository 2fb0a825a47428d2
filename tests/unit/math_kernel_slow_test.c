// math_kernel_test.c for all functions and ways.
#define MATH_SLOW
#include "math_kernel_test.c"
