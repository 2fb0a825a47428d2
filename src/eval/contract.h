// The general contraction of two arrays: what dot_general, ragged_dot and einsum come down to.
//
//   out[batch.., rows.., cols..] = sum over sum.. of lhs[batch.., rows.., sum..] * rhs[batch..,
//   cols.., sum..]
//
// An index is a size and the strides with which it moves through the two operands. A stride of 0
// repeats: so an index of one operand only may be summed, and an index that occurs twice in an
// operand (a diagonal) has the sum of both strides.
#pragma once
#include "eval/comp.h"

typedef struct PjAxis {
  int64_t size;
  int64_t lhs, rhs; // strides in elements
} PjAxis;

typedef struct PjAxes {
  int32_t count;
  PjAxis at[2 * PJ_MAX_RANK];
} PjAxes;

static inline void pj_axes_add(PjAxes *axes, int64_t size, int64_t lhs, int64_t rhs) {
  axes->at[axes->count++] = (PjAxis){size, lhs, rhs};
}
int64_t pj_axes_size(const PjAxes *axes); // product of the sizes

typedef struct PjContraction {
  PjComp comp;
  const void *lhs, *rhs; // elements of comp
  PjAxes batch, rows, cols, sum;
} PjContraction;

// Computes |c| into |out|: dense, row-major in the order batch, rows, cols, of c->comp. Operands
// whose indices cannot be reduced to one stride each are copied first. Scratch comes from |ev| and
// is given back.
void pj_contract(PjEval *ev, const PjContraction *c, void *out);
