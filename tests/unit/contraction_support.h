// Numbers of any element type and programs of two operands, for tests of contractions.
#pragma once
#include "evaluate.h"

typedef struct Value {
  double re, im;
  uint64_t integer;
} Value;

// Element |i| of |t|; integers sign- or zero-extended.
Value value_get(const PjTensor *t, int64_t i);
// sum += a * b
void value_add_product(Value *sum, Value a, Value b);
// Fails the test unless element |i| of |t| is |want|, a sum of |terms| products of numbers up to 2.
void expect_sum(const PjTensor *t, int64_t i, Value want, int64_t terms);
PjTensor *random_operand(PjDtype dtype, int32_t rank, const int64_t *dims);

// Starts a function of two operands: "func.func @main(%a: .., %b: ..) -> .. {\n".
void program_start(const PjTensor *a, const PjTensor *b, PjDtype dtype, int32_t rank,
                   const int64_t *dims);
// Ends it, after an op "%r = ..", with " : (.., ..more) -> ..\n return ..", runs it and returns the
// result.
PjTensor *program_finish(PjTensor *a, PjTensor *b, const char *more, PjDtype dtype, int32_t rank,
                         const int64_t *dims);

// A random order of 0 .. n - 1.
void random_order(int64_t n, int64_t *order);
