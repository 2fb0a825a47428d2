// The passes of the pipeline, each in the file of its name.
#pragma once
#include "pass/rewrite.h"

// Copies |in| into rw->module, inlining calls: the first pass, which makes the private copy.
PjStatus pj_pass_inline(PjRewrite *rw, const PjModule *in);

PjPassFn pj_pass_simplify;
PjPassFn pj_pass_dead_code;
