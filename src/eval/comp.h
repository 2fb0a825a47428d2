// Types that contractions and linear algebra compute in, and conversion of arrays to and from them.
#pragma once
#include "eval/eval.h"
#include "eval/gemm.h"

// The type to compute a sum of products in: exact for the products' integers modulo the width of
// |result|, at least float for narrower floats, double as soon as one of the three needs it.
PjComp pj_comp_pick(PjDtype lhs, PjDtype rhs, PjDtype result);

// Whether an array of |dtype| is an array of |comp| as it stands.
bool pj_comp_is_native(PjComp comp, PjDtype dtype);

// Converts |n| elements. Storing to PRED stores "not zero"; to an integer from a float, saturates;
// to a real type from a complex one, takes the real part.
void pj_comp_load(PjComp comp, PjDtype dtype, int64_t n, const void *in, void *out);
void pj_comp_store(PjComp comp, PjDtype dtype, int64_t n, const void *in, void *out);

// Scratch for |count| elements of |comp|; leaves the run as exhausted when that overflows. Free
// with pj_eval_free.
void *pj_comp_scratch(PjEval *ev, PjComp comp, int64_t count);

// The elements of |tensor| as |comp|: its own data, or a converted copy in scratch, which is also
// stored in |*out_scratch| (NULL when there is none) for pj_eval_free.
const void *pj_comp_operand(PjEval *ev, PjComp comp, const PjTensor *tensor, void **out_scratch);

// Where to compute |count| elements that end up in |tensor|: its own data, or scratch.
// pj_comp_finish converts and frees it.
void *pj_comp_target(PjEval *ev, PjComp comp, PjTensor *tensor);
void pj_comp_finish(PjEval *ev, PjComp comp, PjTensor *tensor, void *target);
