// The rules of the simplifier, one function per kind of operation, in files by theme.
#pragma once
#include "pass/range.h"

// Rewrites |op|, whose operands are up to date. True if it did: then |op| is gone, or has changed
// in place. A rule may look at definitions, put new operations before |op|, and nothing else.
//
// Except for those named as such below, rules only see operations whose operands and results are
// tensors of static shape that are not quantised.
typedef bool PjRuleFn(PjRewrite *rw, PjOp *op);

// simplify_arith.c
PjRuleFn pj_rule_add, pj_rule_subtract, pj_rule_multiply, pj_rule_divide, pj_rule_remainder,
    pj_rule_power, pj_rule_extremum, pj_rule_unary, pj_rule_shift, pj_rule_real_imag,
    pj_rule_complex, pj_rule_square, pj_rule_reduce_precision;
// simplify_logic.c
PjRuleFn pj_rule_and_or, pj_rule_xor, pj_rule_compare, pj_rule_select, pj_rule_clamp,
    pj_rule_convert, pj_rule_bitcast;
// simplify_floor.c: of what simplify_logic.c leaves
PjRuleFn pj_rule_and_floor, pj_rule_compare_floor, pj_rule_select_floor;
// simplify_shape.c
PjRuleFn pj_rule_reshape, pj_rule_transpose, pj_rule_broadcast, pj_rule_reverse, pj_rule_iota;
// simplify_spread.c: of what simplify_shape.c and simplify_reduce.c leave
PjRuleFn pj_rule_spread_again, pj_rule_reduce_copies;
// simplify_slice.c
PjRuleFn pj_rule_slice, pj_rule_pad, pj_rule_concatenate, pj_rule_dynamic_slice,
    pj_rule_dynamic_update_slice;
// simplify_border.c: of what simplify_slice.c leaves
PjRuleFn pj_rule_slice_of_sum;
// simplify_index.c
PjRuleFn pj_rule_gather, pj_rule_scatter;
// simplify_lookup.c: of what simplify_index.c leaves
PjRuleFn pj_rule_lookup;
// simplify_places.c: of what simplify_index.c leaves
PjRuleFn pj_rule_scatter_places;
// simplify_reduce.c
PjRuleFn pj_rule_reduce, pj_rule_sort;
// simplify_sort.c: of what simplify_reduce.c leaves
PjRuleFn pj_rule_sort_few;
// simplify_fft.c
PjRuleFn pj_rule_fft;
// simplify_window.c
PjRuleFn pj_rule_reduce_window;
// simplify_dot.c
PjRuleFn pj_rule_dot_general, pj_rule_convolution;
bool pj_rule_transpose_of_dot(PjRewrite *rw, PjOp *op, PjOp *dot);
// simplify_taps.c: of what simplify_dot.c leaves
PjRuleFn pj_rule_convolution_taps;
// simplify_expand.c
PjRuleFn pj_rule_batch_norm_inference, pj_rule_batch_norm_training, pj_rule_batch_norm_grad,
    pj_rule_torch_index_select, pj_rule_einsum, pj_rule_approx_top_k;
// simplify_motion.c, simplify_choice.c: of any elementwise operation
PjRuleFn pj_rule_motion, pj_rule_choice;
// simplify_control.c: of any types
PjRuleFn pj_rule_if, pj_rule_case, pj_rule_while, pj_rule_tuple_element, pj_rule_mark;
// simplify_call.c: of any types
PjRuleFn pj_rule_eigenvectors;

// simplify_legacy.c: of any types
PjRuleFn pj_rule_dynamic_shape, pj_rule_legacy_broadcast, pj_rule_legacy_dot, pj_rule_map,
    pj_rule_chlo_constant, pj_rule_chlo_constant_like, pj_rule_chlo_broadcast;

// Keeps a constant operand of a commutative operation on the right.
bool pj_rule_commute(PjRewrite *rw, PjOp *op);

static inline bool pj_is_int(const PjValue *value) {
  return pj_dtype_is_int(value->type->dtype);
}
static inline bool pj_is_float(const PjValue *value) {
  return pj_dtype_is_float(value->type->dtype);
}
// The definition of |value| if it is a |kind|.
static inline PjOp *pj_def(const PjValue *value, PjOpKind kind) {
  return value->def && value->def->kind == kind ? value->def : NULL;
}
static inline int64_t pj_count(const PjType *type) {
  int64_t count;
  return pj_type_num_elements(type, &count) ? count : -1;
}
