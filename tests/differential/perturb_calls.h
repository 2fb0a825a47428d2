// Custom calls that the evaluator runs in perturbed programs (perturb.h): their
// names. What each does, and how its backend_config reads, is said in perturb_calls.c.
// perturb_start registers them.
#pragma once
#include "eval/eval.h"
#include "perturb.h"
#include "rand.h"

extern const char perturb_move[], perturb_reorder[], perturb_half[], perturb_nans[],
    perturb_noise[], perturb_scale[], perturb_windows[], perturb_fused[];

// perturb_windows, in perturb_windows.c: sums of windows, in an order that |rand| says.
PjStatus perturb_sum_windows(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                             Rand *rand);

// perturb_fused, in perturb_fused.c: a contraction whose multiply-adds are |fused|, or not.
PjStatus perturb_sum_products(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                              bool fused);
