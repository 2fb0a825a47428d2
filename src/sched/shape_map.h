// How the elements of an operand lie in the result of an operation that only moves data, dimension
// by dimension.
#pragma once
#include "ir/ir.h"
#include "sched/index.h"

// Of one operand. Dimensions of size 1 that stay as they are, and those at which a fixed element is
// read, have no result dimension (-1). |touched|: the index changes (slice, pad, reverse ...), so
// it must be known by itself.
typedef struct PjShapeMap {
  int rank;
  int8_t result_dim[PJ_MAX_RANK];
  bool touched[PJ_MAX_RANK];
} PjShapeMap;

// True if |op| reads operand |operand| element by element in such a way: elementwise operations,
// broadcast, reshape is not one (see pj_op_keeps_order), transpose, slice, reverse, pad,
// concatenate, dynamic_slice.
bool pj_shape_map(const PjOp *op, uint32_t operand, PjShapeMap *out);

// True if element i of the operand, in row-major order, is element i of the result: reshape and the
// like.
bool pj_op_keeps_order(const PjOp *op);

// The cuts that computing |op|'s result needs because of its own structure, and of those that its
// operand |operand| needs (|inner|, positions in the operand), added to |cuts|. False if that
// cannot be: then the operand must be in memory.
bool pj_cuts_through(const PjOp *op, uint32_t operand, const PjCuts *inner, PjCuts *cuts);
// The cuts of the structure alone.
bool pj_cuts_of(const PjOp *op, PjCuts *cuts);

// Suffix products of a static shape: strides[d] = product of dims after d.
void pj_shape_strides(const PjType *type, int64_t *strides);
int64_t pj_count(const PjType *type); // elements; 0 where it is not a static tensor
// The dimension of size > 1 whose range of positions holds |pos|, or -1.
int pj_dim_at(const PjType *type, const int64_t *strides, int64_t pos);
// The dimension that a piece at |pos| counts in: that of pj_dim_at, or, where pieces do not follow
// dimensions that lie behind one another (positions 5 and 1 in 5 x 3), the next one whose stride
// divides |pos|; -1 as above.
int pj_dim_counted(const PjType *type, const int64_t *strides, int64_t pos);
