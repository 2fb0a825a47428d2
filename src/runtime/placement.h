// Where the parts of a partitioned program's values lie: the sharding of a parameter or result of
// the entry function.
#pragma once
#include "ir/sharding.h"

typedef struct PjPlacement {
  const PjTiling *tiling;
  const int64_t *position; // by partition: its position in the mesh of the tiling
} PjPlacement;

// Reads the sharding that |dict| (attributes of a parameter or result, or NULL) gives a value of
// |type| in a program of |num_partitions|. NULL in |out|: whole on every device (also when nothing
// is said). Allocates from |arena|, under its guard. Errors: INVALID_ARGUMENT for a sharding that
// does not fit, UNIMPLEMENTED for a textual one of GSPMD's that was not brought
// into Shardy's form.
PjStatus pj_placement_read(PjArena *arena, const PjModule *module, const PjType *type,
                           const PjAttr *dict, int num_partitions, const PjPlacement **out);

// Sizes of one part of |type|.
PjStatus pj_placement_dims(const PjPlacement *placement, const PjType *type, int64_t *out_dims);

// The placement as an OpSharding message, appended; nothing for NULL (replicated).
void pj_placement_proto(const PjPlacement *placement, PjStrBuf *out);
