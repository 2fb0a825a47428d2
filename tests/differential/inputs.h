// Made-up contents of arrays, from a number: the same wherever a program is judged.
#pragma once
#include "ir/ir.h"
#include "rand.h"

typedef enum InputKind {
  INPUT_NORMAL,  // moderate numbers, with zeros, ties and equal elements
  INPUT_SPECIAL, // also NaN, infinities, subnormal, huge and extreme ones
  INPUT_INDEX,   // integers around [0, size): some out of range
  INPUT_SMALL,   // between 0.5 and 2, or integers from 1 to 3: safe under any function
} InputKind;

// The attribute of arguments that names their contents: an integer packing what follows.
#define INPUT_ATTR "pj.fill"

int64_t input_code(InputKind kind, int64_t size, uint64_t seed); // size below 65536
// Fills |count| elements as |code| says.
void input_fill(PjDtype dtype, int64_t count, void *data, int64_t code);
// The code of argument |index| of |func|: its attribute, or one that is made up.
int64_t input_code_of(const PjOp *func, uint32_t index);
