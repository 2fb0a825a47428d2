// OpMetadata as a location: the framework's name for the operation around the place in the source.
// Without a name, the instruction's.
#include "import/hlo/hlo.h"

// The innermost frame of StackFrameIndex |id|; ids count from 1. Nothing depends on it: what does
// not decode or is not there leaves |loc| as it is.
static void read_frame(PjHlo *h, int64_t id, PjLoc *loc) {
  const PjHloStackFrameIndexMsg *index = &h->frames;
  PjHloStackFrameMsg frame = {0};
  PjHloFileLocationMsg place = {0};
  if (id < 1 || id > (int64_t)index->stack_frames.len)
    return;
  PjStatus status = pj_hlo_decode(h, index->stack_frames.data[id - 1], PJ_HLO_StackFrame, &frame);
  bool known =
      frame.file_location_id >= 1 && frame.file_location_id <= (int64_t)index->file_locations.len;
  if (!status && known)
    status = pj_hlo_decode(h, index->file_locations.data[frame.file_location_id - 1],
                           PJ_HLO_FileLocation, &place);
  if (!status && place.file_name_id >= 1 && place.file_name_id <= (int64_t)index->file_names.len) {
    loc->text = index->file_names.data[place.file_name_id - 1];
    loc->line = (uint32_t)place.line;
    loc->column = (uint32_t)place.column;
  }
  pj_status_free(status);
}

const PjLoc *pj_hlo_loc(PjHlo *h, PjStr name, PjStr metadata) {
  PjHloMetadataMsg msg = {0};
  PjLoc *loc = PJ_NEW(h->arena, PjLoc);
  if (metadata.ptr)
    pj_status_free(pj_hlo_decode(h, metadata, PJ_HLO_Metadata, &msg));
  *loc = (PjLoc){.kind = PJ_LOC_NAME, .text = msg.op_name.len ? msg.op_name : name};
  PjLoc file = {.kind = PJ_LOC_FILE,
                .text = msg.source_file,
                .line = (uint32_t)msg.source_line,
                .column = (uint32_t)msg.source_column};
  if (!file.text.len)
    read_frame(h, msg.stack_frame_id, &file);
  if (file.text.len)
    loc->child = pj_arena_memdup(h->arena, &file, sizeof file);
  return loc;
}
