// The passes of the pipeline, each in the file of its name.
#pragma once
#include "pass/rewrite.h"

// Copies |in| into rw->module, inlining calls: the first pass, which makes the private copy.
PjStatus pj_pass_inline(PjRewrite *rw, const PjModule *in);

PjPassFn pj_pass_functions, pj_pass_simplify, pj_pass_cse, pj_pass_carries, pj_pass_hoist,
    pj_pass_unroll, pj_pass_turns, pj_pass_totals, pj_pass_columns, pj_pass_barriers,
    pj_pass_dead_code, pj_pass_early, pj_pass_products, pj_pass_updates;
