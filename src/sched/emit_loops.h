// Shared by the emitters of groups (emit_*.c).
#pragma once
#include "sched/group.h"

typedef struct PjEmit {
  PjNest *nest;
  PjKir *k;
  const PjGroup *group;
  const PjRootBuffers *out;
  PjKirVal fresh; // lanes that no vector before had (PJ_ENDS_AGAIN, of rows); 0: all
} PjEmit;

void pj_emit_map(PjEmit *e, PjKirVal begin, PjKirVal end);
void pj_emit_rows(PjEmit *e, PjKirVal begin, PjKirVal end);
void pj_emit_columns(PjEmit *e, PjKirVal begin, PjKirVal end);
// One block of columns, from |column| on, of a streamed group, at |outer| (loops but the last).
// |part|: of a reduction that was cut, with its range of the first inner loop; else 0.
void pj_emit_stream(PjEmit *e, const PjIndex *outer, PjKirVal column, PjKirVal part,
                    PjKirVal first_begin, PjKirVal first_end);
size_t pj_stream_scratch(const PjGroup *group);

// Sets lanes, and drops what was computed with others.
void pj_emit_lanes(PjEmit *e, int lanes);
// The last multiple of |lanes| elements from |begin| on that ends at or before |end|.
PjKirVal pj_emit_whole(PjEmit *e, PjKirVal begin, PjKirVal end, int lanes);
// The first |left| of |lanes| lanes; |left| is at least 1, and of 32 bits.
PjKirVal pj_emit_mask(PjEmit *e, int lanes, PjKirVal left);
// The lanes from |first| on, which is less than |lanes|.
PjKirVal pj_emit_lanes_from(PjEmit *e, int lanes, PjKirVal first);
// Appends pieces for the outer loops (the first |count| loops that are not inner) at flat index
// |flat|.
void pj_emit_outer(PjEmit *e, PjKirVal flat, const PjLoop *loops, int num_loops, PjIndex *index);
// The index of a kept element: outer pieces by their out_pos.
PjIndex pj_emit_kept(const PjGroup *group, const PjIndex *index);
// How often a loop turns, if its bounds are part of the code and that is no more than |limit|, or
// than once where sizes are none; else -1.
int64_t pj_emit_trips(PjEmit *e, PjKirVal begin, PjKirVal end, int64_t step, int64_t limit);
// |mask|: the lanes that are stored; 0: all.
void pj_emit_store(PjEmit *e, uint32_t root, uint32_t result, PjDtype dtype, PjIx at, PjElem value,
                   PjKirVal mask);
