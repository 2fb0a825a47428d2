// Transposition of a few rows against many elements: points as coordinates, and back.
#pragma once
#include "eval/strided.h"

// The kernel for the two innermost dimensions of |plan| where one is a few elements that lie side
// by side, the other long and contiguous in the other array; NULL for any other, or without the
// instructions for it.
void (*pj__copy_narrow(const PjStrided *plan))(const PjStrided *, const char *, char *);
