// HLO for hosts that want to see the program again: the module as it came, and a configuration that
// says how its parameters and results lie in memory.
#include <stdio.h>

#include "base/proto.h"
#include "import/hlo/hlo.h"

enum { ELEMENT_TUPLE = 13, ELEMENT_TOKEN = 17 };

static void put_array(PjStrBuf *out, const PjType *type) {
  int64_t dims[PJ_MAX_RANK], order[PJ_MAX_RANK], dynamic[PJ_MAX_RANK];
  for (int32_t i = 0; i < type->rank; ++i) {
    dynamic[i] = type->dims[i] == PJ_DYN;
    dims[i] = dynamic[i] && type->bounds ? type->bounds[i] : type->dims[i];
    order[i] = type->rank - 1 - i;
  }
  PjStrBuf layout = {0};
  size_t rank = (size_t)type->rank;
  pj_proto_put_varint(out, 2, (uint64_t)pj_hlo_dtype_code(type->dtype));
  pj_proto_put_ints(out, 3, dims, rank);
  pj_proto_put_ints(&layout, 1, order, rank);
  pj_proto_put_message(out, 5, &layout);
  pj_proto_put_ints(out, 6, dynamic, rank);
}

// |shape| with row-major layouts. Nesting is bounded by the reader.
static void put_shape(PjStrBuf *out, const PjHloShape *shape) {
  if (!shape->type) {
    pj_proto_put_varint(out, 2, ELEMENT_TUPLE);
    for (uint32_t i = 0; i < shape->num_elems; ++i) {
      PjStrBuf elem = {0};
      put_shape(&elem, &shape->elems[i]);
      pj_proto_put_message(out, 4, &elem);
    }
  } else if (shape->type->kind == PJ_TYPE_TOKEN) {
    pj_proto_put_varint(out, 2, ELEMENT_TOKEN);
  } else {
    put_array(out, shape->type);
  }
}

static void put_shape_field(PjStrBuf *out, uint32_t number, const PjHloShape *shape) {
  PjStrBuf message = {0};
  put_shape(&message, shape);
  pj_proto_put_message(out, number, &message);
}

// Reads everything before it writes: what it owns could not be found again if memory for the
// reading ran out.
static PjStatus read_program(PjHlo *h, PjHloProgramShapeMsg *out, const PjHloShape ***out_shapes) {
  PJ_TRY(pj_hlo_decode(h, h->msg.host_program_shape, PJ_HLO_ProgramShape, out));
  *out_shapes = PJ_NEW_ARRAY(h->arena, const PjHloShape *, (size_t)out->parameters.len + 1);
  for (uint32_t i = 0; i < out->parameters.len; ++i)
    PJ_TRY(pj_hlo_shape(h, out->parameters.data[i], &(*out_shapes)[i]));
  return pj_hlo_shape(h, out->result, &(*out_shapes)[out->parameters.len]);
}

PjStatus pj_hlo_write(PjArena *arena, PjStr module, int replicas, int partitions, PjStrBuf *out) {
  PjHlo h = {.arena = arena, .file = module.ptr};
  PjHloProgramShapeMsg program = {0};
  const PjHloShape **shapes;
  PJ_TRY(pj_hlo_decode(&h, module, PJ_HLO_Module, &h.msg));
  PJ_FAIL_IF(!h.msg.host_program_shape.ptr, UNIMPLEMENTED,
             "the program came as HLO that does not say its host_program_shape");
  PJ_TRY(read_program(&h, &program, &shapes));
  PjStrBuf layout = {0}, config = {0};
  for (uint32_t i = 0; i < program.parameters.len; ++i)
    put_shape_field(&layout, 1, shapes[i]);
  put_shape_field(&layout, 2, shapes[program.parameters.len]);
  for (uint32_t i = 0; i < program.parameters.len; ++i) {
    char name[24];
    snprintf(name, sizeof name, "p%u", i);
    pj_proto_put_bytes(&layout, 3, i < program.names.len ? program.names.data[i] : pj_str(name));
  }
  pj_proto_put_message(&config, 1, &layout);
  pj_proto_put_varint(&config, 4, (uint64_t)replicas);
  pj_proto_put_varint(&config, 5, (uint64_t)partitions);
  pj_proto_put_bytes(out, 1, module);
  pj_proto_put_message(out, 2, &config);
  return pj_strbuf_status(out);
}

PjStr pj_hlo_module_of(PjStr with_config) {
  PjProtoReader reader = pj_proto_reader(with_config.ptr, with_config.len);
  for (PjProtoField field; pj_proto_next(&reader, &field);)
    if (field.number == 1 && field.type == PJ_WIRE_BYTES)
      return field.bytes;
  return (PjStr){"", 0};
}
