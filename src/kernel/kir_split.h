// Loops split where the conditions in them change: what is left of a vector loop over several
// sources (a padded, rolled or joined array) is one loop over the part where all of them are plain,
// and two short ones around it. What a loop does not change is asked before it.
#pragma once
#include "kernel/kir.h"

// Matches, in a finished function:
//   for i { ... if (i + a <= b) ... }   innermost loops whose branches compare the index, moved by
//   a constant or by a
//                                       size, with what the loop does not change (ult and ule,
//                                       alone or joined by and)
//   for i { ... if (c) ... }            innermost loops that do not change c, or what it is joined
//                                       with by "and"
//   if (c) { read p[x] } else { read p[y] }
// and makes of the first three loops, of which the middle one knows that the comparisons hold, of
// the second if (c) { for i ... } else { for i ... }, for two conditions at most, and of the third
// read p[c ? x : y]. Where the first asks for one comparison only, the loop behind the middle one
// knows that it fails, and is split again by what is asked then: the parts of a concatenation are a
// loop each. Loops that the sizes at hand (kir_range.h) leave empty are not made, and comparisons
// that they decide not asked, as of parts that lie far from where two of them meet: the result is
// for functions of these sizes, or of others that give the same one. The values and the order of
// stores stay the same, bit for bit.
// Returns |k| itself if nothing matches, else a new finished function of the same arena. Linear in
// the function, of which loops of more than a few hundred instructions stay as they are.
PjKir *pj_kir_split(PjKir *k);
