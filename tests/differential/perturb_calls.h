// Custom calls of one operand that the evaluator runs in perturbed programs (perturb.h): their
// names. What each does, and how its backend_config reads, is said in perturb_calls.c.
// perturb_start registers them.
#pragma once
#include "perturb.h"

extern const char perturb_move[], perturb_reorder[], perturb_half[], perturb_nans[],
    perturb_noise[], perturb_scale[];
