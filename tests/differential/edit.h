// Edits of programs that the judge, the shrinker and pjrt-suite make.
#pragma once
#include "ir/ir.h"

// |to| in place of |from| in the operands of |region|, also of the regions in it, but for those of
// |except| (NULL: none).
void edit_replace_uses(PjRegion *region, const PjOp *except, const PjValue *from, PjValue *to);
// A conversion of |value| to |type|, nowhere yet.
PjOp *edit_convert(PjArena *arena, PjValue *value, const PjType *type);
