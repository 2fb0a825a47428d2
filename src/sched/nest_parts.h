// Between the files of a nest: nest.c asks for what is moved (nest_move.c), padded or joined
// (nest_edges.c), and these for the values of operands.
#pragma once
#include "sched/nest.h"
#include "sched/shape_map.h"

// A touched dimension of size |size| whose positions are [stride, stride * size). Where a piece
// runs across it and the dimensions behind it (pj_cuts_through), it is one with them: |times| as
// long.
typedef struct PjSpan {
  PjIx ix;
  int64_t times;
} PjSpan;

PjSpan pj_nest_span(PjNest *nest, const PjIndex *index, int64_t stride, int64_t size);

// The index of operand |operand| for dimensions that are not touched; those that are have |touched|
// by operand dimension.
PjIndex pj_nest_operand_index(const PjOp *op, uint32_t operand, const PjShapeMap *map,
                              const PjIndex *index, const PjSpan *touched);

// The element(s) of an operation's result, as pj_nest_value has them: of a slice, reverse,
// transpose and the like, of a pad with its |map|, of a concatenation.
PjElem pj_nest_moved(PjNest *nest, const PjOp *op, const PjIndex *index, PjKirVal mask);
PjElem pj_nest_pad(PjNest *nest, const PjOp *op, const PjShapeMap *map, const PjIndex *index,
                   PjKirVal mask);
PjElem pj_nest_concatenate(PjNest *nest, const PjOp *op, const PjIndex *index, PjKirVal mask);

// Notes why the kernel cannot be made; the value is meaningless.
PjElem pj_nest_fail(PjNest *nest, const char *why);
