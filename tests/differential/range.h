// Programs in double: what they compute where nothing overflows on the way.
//
// A product or sum past the largest number is infinity to one order of evaluation and a number to
// another, and a NaN to what subtracts two of them. Where the evaluator's result is no number, the
// question is whether it would be one without overflow: then all orders of evaluation have a say.
#pragma once
#include "ir/ir.h"

// Turns |module|'s numbers of 32 bits into doubles, behind conversions of the arguments and before
// those of the results. False where that would change what it does for another reason (operations
// that look at bits), or changes nothing. Needs the arena's guard; the module is to be verified.
bool range_widen(PjModule *module);

enum { RANGE_SCALE = 1 << 29 }; // units in the last place of a double in one of f32
