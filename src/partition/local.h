// Localising: a propagated program of whole arrays becomes the program of one device, whose arrays
// are its parts and which states its communication, as XLA's partitioner makes it.
//
//   %2 = dot_general %0, %1 : [8, 16{x}] x [16{x}, 4] -> [8, 4]
//   =>  %2 = dot_general %0, %1 : [8, 4] x [4, 4] -> [8, 4] ; %3 = all_reduce %2 along x
//
// Each operation is taken by itself (local_op.c): along which factors of its rule (rule.h) it is
// computed in parts follows from how its operands lie, how its results shall, and what each of them
// weighs; operands are brought there (local_move.c), and results to where propagation wants them.
// What has no rule is computed whole by every device. Nothing is padded: a sharding that does not
// divide evenly ends before, so that parts have one size.
//
// The bits of results are those of the whole program, but for sums that devices have in parts:
// those are added in the order of the mesh.
#pragma once
#include "partition/flow.h"
#include "partition/lay.h"
#include "partition/rule.h"

typedef struct PjLocalValue {
  PjValue *value;
  const PjLay *lay; // of tensors
} PjLocalValue;

// One value, made to lie otherwise in |region|.
typedef struct PjLocalCopy {
  const PjValue *of;
  const PjRegion *region;
  const PjLay *lay;
  PjValue *value;
} PjLocalCopy;

typedef struct PjLocalTable {
  PjAxes axes;
  int64_t scale;
  PjValue *value;
} PjLocalTable;

typedef struct PjLocal {
  PjArena *arena, *scratch; // of the module that is made; of lays
  PjFlow *flow;
  const PjSpecMesh *mesh;
  PjRegion *at;   // where operations are added
  PjRegion front; // operations that all others may use
  const PjLoc *loc;
  PjLocalValue *values; // by the id of the value that they are of
  PJ_VEC(PjLocalCopy) copies;
  PJ_VEC(PjLocalTable) tables;
  PjValue *device; // its number
  bool in_manual, has_own;
} PjLocal;

// Makes of |flow|, propagated, the program of one of |num_partitions| devices, in |arena|, under
// its guard. *out_own: it has values that may be each device's own, though a whole array would be
// one: terms of sums, and what manual computations return. |entry|: whose attributes say how
// parameters and results lie; the new entry has them too. |scratch| may go afterwards. Errors:
// UNIMPLEMENTED where the program is one to be run over whole arrays.
PjStatus pj_local_make(PjFlow *flow, PjArena *arena, PjArena *scratch, const PjOp *entry,
                       int num_partitions, PjModule **out, bool *out_own);

// --- For its parts

static inline PjLocalValue *pj_local_value(PjLocal *l, const PjValue *value) {
  return &l->values[value->id];
}
static inline void pj_local_set(PjLocal *l, const PjValue *of, PjValue *value, const PjLay *lay) {
  l->values[of->id] = (PjLocalValue){value, lay};
}
// How propagation wants |value| to lie. Errors: UNIMPLEMENTED.
PjStatus pj_local_wanted(PjLocal *l, PjValue *value, const PjLay **out);
// |value| where it lies as |lay|: brought there at most once in a region.
PjValue *pj_local_get(PjLocal *l, const PjValue *value, const PjLay *lay);

// local_build.c: operations, added at |l->at|.
PjOp *pj_local_begin(PjLocal *l, PjOpKind kind, uint32_t num_operands, PjValue *const *operands,
                     const PjType *type); // one result, or none (NULL); attributes are to be set
PjValue *pj_local_end(PjLocal *l, PjOp *op);
PjValue *pj_local_unary(PjLocal *l, PjOpKind kind, PjValue *x, const PjType *type);
PjValue *pj_local_binary(PjLocal *l, PjOpKind kind, PjValue *x, PjValue *y);
PjValue *pj_local_select(PjLocal *l, PjValue *pred, PjValue *x, PjValue *y); // |pred|: a scalar
// A constant of |type|, all elements zero; |negative|: the zero that sums of floats begin with.
PjValue *pj_local_zero(PjLocal *l, const PjType *type, bool negative);
PjValue *pj_local_int(PjLocal *l, int64_t value); // an i32
// A scalar as an array of |type|.
PjValue *pj_local_spread(PjLocal *l, PjValue *scalar, const PjType *type);
// An i32: |scale| times the number of this device's part along |axes|.
PjValue *pj_local_offset(PjLocal *l, const PjAxes *axes, int64_t scale);
PjValue *pj_local_is_first(PjLocal *l, const PjAxes *axes); // an i1: that number is 0
// A copy of |op| with |operands| and result |types|, and of its regions as they are.
PjOp *pj_local_clone(PjLocal *l, const PjOp *op, PjValue *const *operands,
                     const PjType *const *types);
// Of |kind| over the devices along |axes|.
PjValue *pj_local_all_reduce(PjLocal *l, PjValue *x, const PjAxes *axes, PjOpKind kind);
PjValue *pj_local_reduce_scatter(PjLocal *l, PjValue *x, const PjAxes *axes, int32_t dim);
PjValue *pj_local_all_gather(PjLocal *l, PjValue *x, const PjAxes *axes, int32_t dim);
PjValue *pj_local_all_to_all(PjLocal *l, PjValue *x, const PjAxes *axes, int32_t split,
                             int32_t concat);

// local_move.c: brings |x|, a part of |whole|, from one lay to another.
PjValue *pj_local_move(PjLocal *l, PjValue *x, const PjType *whole, const PjLay *from,
                       const PjLay *to);

// local_combine.c: sums in |region| that can be made together are.
void pj_local_combine(PjLocal *l, PjRegion *region);

// local_op.c: any operation without control flow.
PjStatus pj_local_op(PjLocal *l, PjOp *op);

// local_rules.c: what operations need beyond smaller arrays.

// Whether |op| can be computed in parts along |factor| of its |rule|.
bool pj_local_divides(const PjOp *op, const PjShardingRule *rule, uint32_t factor);
// How partial results along a factor that is reduced are joined; PJ_OP_INVALID: not at all.
PjOpKind pj_local_joins(const PjOp *op);
// Changes what |op|, cut, has as operands before it is made (inits of sums, say): |axes| are those
// along which it gives partial results.
void pj_local_prepare(PjLocal *l, const PjOp *op, const PjAxes *axes, PjValue **operands);
// Changes attributes of the copy to what parts need.
void pj_local_adjust(PjLocal *l, PjOp *copy, const PjOp *op);
// Operations that make values without reading any; false: |op| is no such one.
bool pj_local_source(PjLocal *l, const PjOp *op, const PjLay *wanted);
