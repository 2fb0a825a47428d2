// Elements of tensors as values of kernel IR, and the elementwise operations on them.
//
// A value may be one element or a vector of them, and operands of one lane go with vectors. The
// register types are those of kernel/convert.h: pred lives in masks, floats below f64 in f32 as
// values that their type has, and every result is rounded to its type, so a chain of bf16
// operations gives the evaluator's bits. Exact operations give the evaluator's bits for all types
// (NaN for NaN); functions differ from the true value by no more than kernel/math.def says, and
// then by the rounding to a narrower type.
//
// Threads: as the builder. Errors: none but the arena's.
#pragma once
#include "ir/ir.h"
#include "kernel/kir.h"

// |im|: 0 unless the type is complex.
typedef struct PjElem {
  PjKirVal re, im;
} PjElem;

// The register type of an element, or of a complex one's parts.
PjKirElem pj_elem_type(PjDtype dtype);
// Bytes of an element in memory.
static inline int pj_elem_size(PjDtype dtype) {
  return (int)pj_dtype_bytes(dtype);
}

// |lanes| consecutive elements from |ptr| + |index| elements; |mask| (0: all) as in pj_kir_load. A
// complex one takes one access of twice the lanes, so has at most 32.
PjElem pj_elem_load(PjKir *k, PjDtype dtype, int lanes, PjKirVal ptr, PjKirVal index, PjKirVal mask,
                    bool readonly);
void pj_elem_store(PjKir *k, PjDtype dtype, PjElem value, PjKirVal ptr, PjKirVal index,
                   PjKirVal mask);
// Elements at |indices|, a vector of i32 or i64.
PjElem pj_elem_gather(PjKir *k, PjDtype dtype, int lanes, PjKirVal ptr, PjKirVal indices,
                      PjKirVal mask, bool readonly);
void pj_elem_scatter(PjKir *k, PjDtype dtype, PjElem value, PjKirVal ptr, PjKirVal indices,
                     PjKirVal mask);

// From the bytes of one element; |element| needs no alignment.
PjElem pj_elem_const(PjKir *k, PjDtype dtype, int lanes, const void *element);
PjElem pj_elem_splat(PjKir *k, PjElem value, int lanes);
PjElem pj_elem_select(PjKir *k, PjKirVal mask, PjElem a, PjElem b);

// `convert` between any two types, and `bitcast_convert` between types of one size.
PjElem pj_elem_convert(PjKir *k, PjDtype from, PjDtype to, PjElem value);
PjElem pj_elem_bitcast(PjKir *k, PjDtype from, PjDtype to, PjElem value);
// The integer |index| (i32 or i64) as an element: `iota`.
PjElem pj_elem_from_index(PjKir *k, PjDtype dtype, PjKirVal index);

// True if element i of |op|'s result is computed from the elements i of its operands: trait ELEM,
// and bitcasts between types of one width.
bool pj_elem_is(const PjOp *op);
// True if |op|, which is such an operation, can be computed here for its types.
bool pj_elem_supports(const PjOp *op);
// The result of an op that pj_elem_supports on the values of its operands.
PjElem pj_elem_apply(PjKir *k, const PjOp *op, const PjElem *in);

// The same without an op, for ops that have no attributes: |in_dtype| of the (last) operand.
bool pj_elem_supports_kind(PjOpKind kind, PjDtype in_dtype, PjDtype out_dtype);
PjElem pj_elem_apply_kind(PjKir *k, PjOpKind kind, PjDtype in_dtype, PjDtype out_dtype,
                          const PjElem *in);
