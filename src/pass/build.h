// Making operations: each is put before |at|, gets its location, and is counted.
#pragma once
#include "pass/rewrite.h"

// An operation with |num_operands| operands and one result of |type|; attributes are to be set by
// the caller, who calls pj_build_done then.
PjOp *pj_build_op(PjRewrite *rw, PjOp *at, PjOpKind kind, uint32_t num_operands,
                  PjValue *const *operands, const PjType *type);
// The same with several results and regions.
PjOp *pj_build_op_full(PjRewrite *rw, PjOp *at, PjOpKind kind, uint32_t num_operands,
                       PjValue *const *operands, uint32_t num_results, const PjType *const *types,
                       uint32_t num_regions);
// Sets the attributes that have defaults.
PjValue *pj_build_done(PjRewrite *rw, PjOp *op);

PjValue *pj_build_unary(PjRewrite *rw, PjOp *at, PjOpKind kind, PjValue *x, const PjType *type);
PjValue *pj_build_binary(PjRewrite *rw, PjOp *at, PjOpKind kind, PjValue *x, PjValue *y);
// |x| itself where it has the type.
PjValue *pj_build_convert(PjRewrite *rw, PjOp *at, PjValue *x, PjDtype dtype);
// Of any shape or a scalar; the result has the shape of |x|.
PjValue *pj_build_select(PjRewrite *rw, PjOp *at, PjValue *pred, PjValue *x, PjValue *y);
PjValue *pj_build_compare(PjRewrite *rw, PjOp *at, PjValue *x, PjValue *y, int direction, int type);

// |x| itself where it has the shape already.
PjValue *pj_build_reshape(PjRewrite *rw, PjOp *at, PjValue *x, const PjType *type);
PjValue *pj_build_reshape_dims(PjRewrite *rw, PjOp *at, PjValue *x, int32_t rank,
                               const int64_t *dims);
PjValue *pj_build_transpose(PjRewrite *rw, PjOp *at, PjValue *x, const int64_t *permutation);
// |dims|: for each dimension of |x| the one of the result.
PjValue *pj_build_broadcast(PjRewrite *rw, PjOp *at, PjValue *x, const int64_t *dims,
                            const PjType *type);
// |strides| may be NULL.
PjValue *pj_build_slice(PjRewrite *rw, PjOp *at, PjValue *x, const int64_t *start,
                        const int64_t *limit, const int64_t *strides);
// |interior| may be NULL. |value|: a scalar.
PjValue *pj_build_pad(PjRewrite *rw, PjOp *at, PjValue *x, PjValue *value, const int64_t *low,
                      const int64_t *high, const int64_t *interior);
PjValue *pj_build_dynamic_slice(PjRewrite *rw, PjOp *at, PjValue *x, PjValue *const *starts,
                                const int64_t *sizes);
PjValue *pj_build_dynamic_update_slice(PjRewrite *rw, PjOp *at, PjValue *x, PjValue *update,
                                       PjValue *const *starts);

// The sum of |x|, of a float or integer type, over the dimensions |dims|, which ascend.
PjValue *pj_build_sum(PjRewrite *rw, PjOp *at, PjValue *x, uint32_t count, const int64_t *dims);

// A while whose body runs |trips| times. |carry|: |count| values, the first a counter of integers
// from 0 up; they become the arguments of the body. Operations of the body go before the
// terminator that is returned; pj_build_loop_end, with the values of the next turn (the counter's
// comes by itself), closes it, and |carry| becomes the results.
PjOp *pj_build_loop(PjRewrite *rw, PjOp *at, int64_t trips, uint32_t count, PjValue **carry);
void pj_build_loop_end(PjRewrite *rw, PjOp *end, uint32_t count, PjValue **carry);

// Infers the type of |op|'s only result; false where operands and attributes do not fit.
bool pj_rw_infers(PjRewrite *rw, const PjOp *op, const PjType **out);

// A copy of |op| (no regions) with other operands and one result of |type|, attributes shared.
PjValue *pj_build_like(PjRewrite *rw, PjOp *at, const PjOp *op, PjValue *const *operands,
                       const PjType *type);

// Replaces the only result of |op|, or all of them, and erases it. Returns true, for rules.
bool pj_rw_become(PjRewrite *rw, PjOp *op, PjValue *value);
bool pj_rw_become_all(PjRewrite *rw, PjOp *op, PjValue *const *values);
