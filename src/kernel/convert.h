// Values of every element type in registers of kernel IR.
//
// A type has an element of memory (the integer or float that holds its bits: i8 for f8, i16 for
// bf16 ...) and one of registers, in which it is computed:
//
//   pred                 i1
//   integers             their own width, 8 bits at least; of 2 and 4 bits sign- or zero-extended
//   floats below f64     f32, a value that the type has: whoever computes rounds (pj_conv_round)
//   f64                  f64
//   complex              its part's, twice (kernel/elem.h)
//
// Rounding and the treatment of NaN and overflow are the evaluator's (eval/float.c,
// eval/kernel_convert.c) but for the payload of a NaN. Lanes: any; results have the operand's.
// Threads: as the builder.
#pragma once
#include "ir/types.h"
#include "kernel/kir.h"

// Of complex types: of their parts.
PjKirElem pj_conv_memory(PjDtype dtype);
PjKirElem pj_conv_register(PjDtype dtype);

// A real element from memory, and back: both exact, and moves keep the bits of a NaN of bf16, tf32,
// f32 and f64.
PjKirVal pj_conv_from_memory(PjKir *k, PjDtype dtype, PjKirVal v);
PjKirVal pj_conv_to_memory(PjKir *k, PjDtype dtype, PjKirVal v);

// The result of an operation on values of |dtype|, computed in its register type, rounded to
// |dtype|; integers of 2 and 4 bits are cut. |v| itself for types as wide as their register.
PjKirVal pj_conv_round(PjKir *k, PjDtype dtype, PjKirVal v);

// `convert` between real types (complex operands and results: their real part).
PjKirVal pj_conv_convert(PjKir *k, PjDtype from, PjDtype to, PjKirVal v);

// `reduce_precision` of a float type.
PjKirVal pj_conv_reduce_precision(PjKir *k, PjDtype dtype, int exponent_bits, int mantissa_bits,
                                  PjKirVal v);

// True for the formats whose code of -0 is a NaN.
bool pj_conv_has_no_minus_zero(PjDtype dtype);
