// Transposition within short blocks: small matrices, groups of channels.
#pragma once
#include "eval/strided.h"

// If the innermost dimensions of |plan| are a block of up to four vectors that lies together on
// both sides, in another order on either, and many such blocks lie side by side, the kernel for
// them; all dimensions of a block then count as one of |plan|. Else NULL.
void (*pj__copy_blocks(PjStrided *plan))(const PjStrided *, const char *, char *);
