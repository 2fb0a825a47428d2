// Our own code generator for x86-64 with AVX2 or AVX-512: kernel IR to machine code in tens of
// microseconds.
//
// Kernel IR is already what LLVM's passes would make of it: explicit vectors, no common
// subexpressions, no invariants in loops. What is left is to choose instructions, to give registers
// and to encode, which this folder does in one walk each, or few:
//
//   lower*.c     kernel IR -> instructions over virtual registers (mir.h); constants become
//                operands in memory. What the instruction sets do differently: masks (masks.h),
//                lanes in any order (permute.c). All else asks how long a vector is, and whether an
//                instruction exists (ops.h).
//   constants.c  constants of loops -> registers, as many as are free
//   fold.c       what is loaded for one instruction alone -> its operand in memory
//   alloc.c      virtual registers -> registers, or places on the stack; in that case split.c gives
//                what loops read a register there, and all are given once more
//   encode.c     instructions -> bytes: VEX or EVEX
//
// What it has no instructions for, it refuses with UNIMPLEMENTED, and LLVM compiles the kernel
// (emit/jit.c).
#pragma once
#include "kernel/kir.h"

typedef struct PjX86Code {
  uint8_t *bytes; // position-independent: code, then constants; freed with pj_free
  size_t size;
  // The function starts at byte 0.
} PjX86Code;

// Compiles |k| (finished). Threads: any.
// Errors: UNIMPLEMENTED (another instruction set, or something that is left to LLVM),
// RESOURCE_EXHAUSTED.
PjStatus pj_x86_compile(const PjKir *k, PjX86Code *out);

// True where this build and machine can run such code.
bool pj_x86_available(PjIsa isa);
