// What is known of the numbers that a value can hold.
//
// Integers of registers and what small floats are made of them: images come as bytes, indices are
// counted. So a division by a constant of such a float needs no care for subnormal numbers
// (kir_simplify.c), and a remainder of such an integer no double (elem_int.c).
#pragma once
#include "kernel/kir.h"

typedef struct PjKirRange {
  bool known;       // else nothing of the rest holds: any number, NaN too
  int64_t lo, hi;   // integers, read with their sign
  double low, high; // floats; no NaN among them
  int grid;         // floats: each is an integer times 2^grid
  bool no_minus_zero;
} PjKirRange;

// The range of all lanes of |v|, while |k| is being built. Remembered, so that all questions
// together take time in proportion to the function.
PjKirRange pj_kir_range(PjKir *k, PjKirVal v);
// Integers within |lo| and |hi|: a loop's index, for instance. The caller knows.
void pj_kir_assume(PjKir *k, PjKirVal v, int64_t lo, int64_t hi);
// A scalar parameter that has these bits whenever the function runs for the caller.
void pj_kir_assume_bits(PjKir *k, PjKirVal v, uint64_t bits);
