// Shapes of buffers: element type and sizes, always static.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "ir/types.h"

// Immutable and reference-counted.
typedef struct PjShape {
  _Atomic int refs;
  bool token; // no array: dtype is INVALID, rank 0, no bytes
  PjDtype dtype;
  int rank;
  int64_t num_elements;
  size_t num_bytes; // dense, sub-byte elements one byte each
  // The layout the host asked for, as minor-to-major; memory itself is row-major whatever it says.
  // NULL: row-major.
  const int64_t *minor_to_major;
  int64_t dims[];
} PjShape;

// Makes a shape. Errors: INVALID_ARGUMENT for negative sizes, too many dimensions or no type;
// RESOURCE_EXHAUSTED for sizes that overflow. |minor_to_major| (or NULL) must be a permutation;
// row-major ones are stored as NULL.
PjStatus pj_shape_create(PjDtype dtype, size_t rank, const int64_t *dims,
                         const int64_t *minor_to_major, const PjShape **out);
const PjShape *pj_shape_token(void); // NULL without memory
const PjShape *pj_shape_retain(const PjShape *shape);
void pj_shape_release(const PjShape *shape); // NULL allowed

bool pj_shape_eq(const PjShape *a, const PjShape *b); // layouts aside
// Appends "f32[2,3]", as XLA prints shapes ("token[]" for tokens).
void pj_shape_print(PjStrBuf *out, const PjShape *shape);
// Appends XLA's text of the layout, "{1,0}".
void pj_shape_print_layout(PjStrBuf *out, const PjShape *shape);
