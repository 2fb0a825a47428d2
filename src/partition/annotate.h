// What propagation found, told: as attributes of a program, and to whoever looks at values.
#pragma once
#include "partition/flow.h"
#include "partition/partition.h"

// Writes |specs| as the shardings of the arguments (results) of |entry|, the function of a program
// in |arena|. What stated none gets one only if |unspecified|. |mesh|: that of values that are
// whole; NULL: they get nothing.
void pj_annotate_arguments(PjArena *arena, PjOp *entry, const PjSpecMesh *mesh, bool unspecified,
                           const PjSpec *const *specs);
void pj_annotate_results(PjArena *arena, PjOp *entry, const PjSpecMesh *mesh, bool unspecified,
                         const PjSpec *const *specs);

// Writes those of all operations of |region|, in the copy that |flow| is about.
void pj_annotate_operations(PjFlow *flow, const PjSpecMesh *mesh, PjRegion *region);

// Tells |options->look| how the operands of custom calls in |region| lie.
PjStatus pj_annotate_look(PjFlow *flow, const PjPartitionOptions *options, const PjRegion *region);
