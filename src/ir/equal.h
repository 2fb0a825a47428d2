// Structural equality of modules.
#pragma once
#include "ir/ir.h"

// True if both modules hold the same functions in the same order, with equal types, attributes,
// regions and uses of values. Locations do not count. Both must be numbered (pj_module_number).
bool pj_module_eq(const PjModule *a, const PjModule *b);

// As pj_module_eq, and appends a description of the first difference to |out|.
bool pj_module_compare(const PjModule *a, const PjModule *b, PjStrBuf *out);
