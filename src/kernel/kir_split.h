// Loops split where the conditions in them change: what is left of a vector loop over several
// sources (a padded, rolled or joined array) is one loop over the part where all of them are plain,
// and two short ones around it.
#pragma once
#include "kernel/kir.h"

// Matches, in a finished function:
//   for i { ... if (i + a <= b) ... }   innermost loops whose branches compare the index, moved by
//   a constant,
//                                       with what the loop does not change (ult and ule, alone or
//                                       joined by and)
//   if (c) { read p[x] } else { read p[y] }
// and makes of the first three loops, of which the middle one knows that the comparisons hold, and
// of the second read p[c ? x : y]. The values and the order of stores stay the same, bit for bit.
// Returns |k| itself if nothing matches, else a new finished function of the same arena. Linear in
// the function, which at most doubles (loops of more than a few hundred instructions stay).
PjKir *pj_kir_split(PjKir *k);
