// Loops split where the conditions in them change: what is left of a vector loop over several
// sources (a padded, rolled or joined array) is one loop over the part where all of them are plain,
// and two short ones around it. What a loop does not change is asked before it.
#pragma once
#include "kernel/kir.h"

// Matches, in a finished function:
//   for i { ... if (i + a <= b) ... }   innermost loops whose branches compare the index, moved by
//   a constant,
//                                       with what the loop does not change (ult and ule, alone or
//                                       joined by and)
//   for i { ... if (c) ... }            innermost loops that do not change c, or what it is joined
//                                       with by "and"
//   if (c) { read p[x] } else { read p[y] }
// and makes of the first three loops, of which the middle one knows that the comparisons hold, of
// the second if (c) { for i ... } else { for i ... }, for two conditions at most, and of the third
// read p[c ? x : y]. The values and the order of stores stay the same, bit for bit.
// Returns |k| itself if nothing matches, else a new finished function of the same arena. Linear in
// the function, of which loops of more than a few hundred instructions stay as they are.
PjKir *pj_kir_split(PjKir *k);
