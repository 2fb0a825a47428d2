// The arrays that a program of a reduction gets, from those that were given for the first one.
#pragma once
#include "inputs.h"

// Makes an array for each parameter of |program|. Parameter i gets the array
// |given|->items[from[i]], or its leading part where a dimension shrank; one whose |from| is
// negative, or whose type is another now, a generated one. |from| is NULL: i itself. |given| is
// NULL: all are generated. Errors: those of pj_inputs_generate. To be freed after a failure too.
PjStatus pj_inputs_derive(PjStr program, const PjInputs *given, const int64_t *from, PjInputs *out);

// Writes each array to |prefix|N.npy. Errors: UNAVAILABLE, INVALID_ARGUMENT for a path that is too
// long.
PjStatus pj_inputs_write(const PjInputs *inputs, const char *prefix);
