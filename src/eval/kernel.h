// Elementwise kernels inside src/eval: how the files kernel_*.c fit together.
//
// Each file holds the loops of some element types and offers a table indexed by op; kernel.c
// chooses among them. A type without loops of its own is served through another one, in blocks:
// integers of 2 and 4 bits as 8 bits, floats of up to 19 bits as float (their results need no
// second rounding: float has more than twice their digits).
#pragma once
#include "eval/eval.h"

// Consecutive iterations touch different elements, also when the result takes the place of an
// operand.
#ifdef __clang__
#define PJ_LOOP(i, n) \
  _Pragma("clang loop vectorize(assume_safety)") for (int64_t i = 0; i < (n); ++i)
#else
#define PJ_LOOP(i, n) _Pragma("GCC ivdep") for (int64_t i = 0; i < (n); ++i)
#endif

enum { PJ_KERNEL_BLOCK = 256 }; // elements on the stack at a time

// A kernel body: result r[i] of type R from operands of type T, by an expression in x (and y, z).
#define PJ_KERNEL_1(name, R, T, expr)                                                \
  static void name(const PjKernel *k, int64_t n, const void *const *in, void *out) { \
    const T *a = in[0];                                                              \
    R *r = out;                                                                      \
    PJ_LOOP(i, n) {                                                                  \
      T x = a[i];                                                                    \
      r[i] = (R)(expr);                                                              \
    }                                                                                \
  }
#define PJ_KERNEL_2(name, R, T, expr)                                                \
  static void name(const PjKernel *k, int64_t n, const void *const *in, void *out) { \
    const T *a = in[0], *b = in[1];                                                  \
    R *r = out;                                                                      \
    PJ_LOOP(i, n) {                                                                  \
      T x = a[i], y = b[i];                                                          \
      r[i] = (R)(expr);                                                              \
    }                                                                                \
  }

// Makes the kernel of |kind| for operands of |in| (of the last operand, for SELECT) and a result of
// |out|; |a| and |b|: the comparison's direction and type, or the bits of exponent and mantissa.
// False if there is none.
bool pj_kernel_make(PjOpKind kind, PjDtype in, PjDtype out, int64_t a, int64_t b, PjKernel *kernel);

// Loops of one type, NULL where there are none. |dtype|: PRED, an integer of at least 8 bits, F32 /
// F64, C64 / C128.
PjKernelFn *pj_kernel_int(PjOpKind kind, PjDtype dtype);
PjKernelFn *pj_kernel_float(PjOpKind kind, PjDtype dtype);
PjKernelFn *pj_kernel_special(PjOpKind kind, PjDtype dtype); // chlo's functions of floats
PjKernelFn *pj_kernel_complex(PjOpKind kind, PjDtype dtype);
// Comparison to PRED, also of integers of 2 and 4 bits; of complex numbers only equality.
PjKernelFn *pj_kernel_compare(PjDtype dtype, int64_t direction, bool total_order);
PjKernelFn *pj_kernel_complex_compare(PjDtype dtype, int64_t direction);
PjKernelFn *pj_kernel_clamp(PjDtype dtype); // any type that has maximum and minimum
// Selection among elements of |bytes| bytes.
PjKernelFn *pj_kernel_select_bytes(size_t bytes);
// Conversion of |n| elements between any two types. |in| and |out| may be the same array if the
// elements are equally wide.
void pj_convert_n(PjDtype from, PjDtype to, int64_t n, const void *in, void *out);
// Rounds as reduce_precision does; |kernel->in_dtype| is any float type, |a| and |b| the bits of
// exponent and mantissa.
void pj_kernel_reduce_precision(const PjKernel *kernel, int64_t n, const void *const *in,
                                void *out);
