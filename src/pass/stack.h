// Stacks: arrays joined of parts of size 1, and what is computed of them element by element. Who
// combines the parts takes them one by one, and the stack itself need not be made: the conditions
// of jnp.select and jnp.piecewise, say, of which the first is searched.
#pragma once
#include "pass/build.h"

// True if |value| is a stack of |size| parts along |dim|, each in its place without being computed
// twice for it.
bool pj_is_stack(const PjRewrite *rw, const PjValue *value, int32_t dim, int64_t size);

// Position |k| along |dim| of |value|, of whatever kind: of a stack that part, of others a slice.
// Of size 1 along |dim|.
PjValue *pj_stack_part(PjRewrite *rw, PjOp *at, PjValue *value, int32_t dim, int64_t k);
