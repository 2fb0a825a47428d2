// Products that a loop adds up turn by turn: a compiler may sum them in any order, as it may the
// terms of each.
#pragma once
#include "ir/ir.h"

enum { PERTURB_MOST_TOTALS = 8 };

// The carried values of |loop| that are such sums and nothing else. Returns how many.
uint32_t perturb_find_totals(const PjOp *loop, uint32_t out[PERTURB_MOST_TOTALS]);

// Instead of carrying the sum |carry|, the loop stores what each turn multiplies; what is returned,
// behind the loop, is the product that sums along all turns.
PjOp *perturb_total(PjArena *arena, PjOp *loop, uint32_t carry);
