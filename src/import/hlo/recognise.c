// Whether bytes are HLO: the first instruction of the first computation must have an opcode that is
// known.
#include "base/proto.h"
#include "import/hlo/hlo.h"

// The first field |number| of the message |in|, which must be bytes; false: the message has none.
static bool first(PjStr in, uint32_t number, PjStr *out) {
  PjProtoReader reader = pj_proto_reader(in.ptr, in.len);
  PjProtoField field;
  while (pj_proto_next(&reader, &field))
    if (field.number == number) {
      *out = field.bytes;
      return field.type == PJ_WIRE_BYTES;
    }
  return false;
}

static bool is_module(PjStr bytes) {
  PjStr computation, instruction, opcode;
  return first(bytes, 3, &computation) && first(computation, 2, &instruction) &&
         first(instruction, 2, &opcode) && pj_hlo_opcode(opcode);
}

bool pj_is_hlo(const void *bytes, size_t size, bool *out_with_config) {
  PjStr whole = {bytes, size}, module;
  *out_with_config = false;
  if (is_module(whole))
    return true;
  *out_with_config = first(whole, 1, &module) && is_module(module);
  return *out_with_config;
}
