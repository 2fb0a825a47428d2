// Running small programs given as text, and writing them, for tests of the evaluator.
#pragma once
#include <stdint.h>

#include "base/str.h"
#include "eval/tensor.h"

// Parses, verifies and runs |text| on |inputs| (borrowed); |outputs| as pj_program_run. With
// |donate| the inputs may be overwritten.
PjStatus evaluate(const char *text, uint32_t num_inputs, PjTensor *const *inputs, bool donate,
                  uint32_t num_outputs, PjTensor **outputs);
// The same; a failure fails the test with its message.
void evaluate_ok(const char *text, uint32_t num_inputs, PjTensor *const *inputs,
                 uint32_t num_outputs, PjTensor **outputs);
// Expects |text| (without inputs, with one result) to fail with |code| and a message with
// |fragment|.
void evaluate_fails(const char *text, PjCode code, const char *fragment);

// A tensor of |dtype|; |values| (dense, of that type) may be NULL: then random bits of a few
// values, so that equal elements occur.
PjTensor *make_tensor(PjDtype dtype, int32_t rank, const int64_t *dims, const void *values);

// Text in a buffer that is used again by the next test program: text_start, then text_add.
void text_start(void);
void text_add(const char *format, ...) __attribute__((format(printf, 1, 2)));
void text_type(PjDtype dtype, int32_t rank, const int64_t *dims); // tensor<2x3xi32>
void text_list(int64_t count, const int64_t *values);             // 1, 2, 3
const char *text_get(void);

// Repeatable random integers in [low, high].
int64_t random_int(int64_t low, int64_t high);

// Multi-index of element |linear| of a row-major array, and back.
void unravel(int64_t linear, int32_t rank, const int64_t *dims, int64_t *index);
int64_t ravel(int32_t rank, const int64_t *dims, const int64_t *index);
int64_t product(int32_t rank, const int64_t *dims);
