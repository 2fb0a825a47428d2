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

enum { SPMD_OUTPUT = 12, SPMD_PARAMETERS = 14 }; // fields of HloModuleProto

// The shardings of the leaves of |shape| from |leaves| on, as field |number|.
static void put_sharding(PjStrBuf *out, uint32_t number, const PjHloShape *shape,
                         const PjStr *leaves) {
  enum { TUPLE = 2 };
  PjStrBuf whole = {0};
  if (shape->type) {
    pj_proto_put_bytes(out, number, leaves[0]);
    return;
  }
  pj_proto_put_varint(&whole, 1, TUPLE);
  for (uint32_t i = 0; i < shape->num_leaves; ++i)
    pj_proto_put_bytes(&whole, 5, leaves[i]);
  pj_proto_put_message(out, number, &whole);
}

// |module| with the shardings of |parts|, whose numbers are those of the leaves of |shapes|.
static void put_module(PjStrBuf *out, PjStr module, uint32_t num_params,
                       const PjHloShape *const *shapes, const PjHloParts *parts) {
  PjStrBuf with = {0};
  PjProtoReader reader = pj_proto_reader(module.ptr, module.len);
  const uint8_t *from = reader.at;
  for (PjProtoField field; pj_proto_next(&reader, &field); from = reader.at)
    if (field.number != SPMD_OUTPUT && field.number != SPMD_PARAMETERS)
      pj_strbuf_append(&with, from, (size_t)(reader.at - from));
  const PjStr *leaves = parts->params;
  for (uint32_t i = 0; i < num_params; leaves += shapes[i++]->num_leaves)
    put_sharding(&with, SPMD_PARAMETERS, shapes[i], leaves);
  put_sharding(&with, SPMD_OUTPUT, shapes[num_params], parts->results);
  pj_proto_put_message(out, 1, &with);
}

static bool fits(const PjHloParts *parts, uint32_t num_params, const PjHloShape *const *shapes) {
  uint64_t leaves = 0;
  for (uint32_t i = 0; i < num_params; ++i)
    leaves += shapes[i]->num_leaves;
  return leaves == parts->num_params && shapes[num_params]->num_leaves == parts->num_results;
}

PjStatus pj_hlo_write(PjArena *arena, PjStr module, int replicas, int partitions,
                      const PjHloParts *parts, PjStrBuf *out) {
  PjHlo h = {.arena = arena, .file = module.ptr};
  PjHloProgramShapeMsg program = {0};
  const PjHloShape **shapes;
  PJ_TRY(pj_hlo_decode(&h, module, PJ_HLO_Module, &h.msg));
  PJ_FAIL_IF(!h.msg.host_program_shape.ptr, UNIMPLEMENTED,
             "the program came as HLO that does not say its host_program_shape");
  PJ_TRY(read_program(&h, &program, &shapes));
  uint32_t count = (uint32_t)program.parameters.len;
  PJ_FAIL_IF(parts && !fits(parts, count, shapes), INVALID_ARGUMENT,
             "%u parameters and %u results are not the program's", parts->num_params,
             parts->num_results);
  PjStrBuf layout = {0}, config = {0};
  for (uint32_t i = 0; i < count; ++i)
    put_shape_field(&layout, 1, shapes[i]);
  put_shape_field(&layout, 2, shapes[count]);
  for (uint32_t i = 0; i < count; ++i) {
    char name[24];
    snprintf(name, sizeof name, "p%u", i);
    pj_proto_put_bytes(&layout, 3, i < program.names.len ? program.names.data[i] : pj_str(name));
  }
  pj_proto_put_message(&config, 1, &layout);
  pj_proto_put_varint(&config, 4, (uint64_t)replicas);
  pj_proto_put_varint(&config, 5, (uint64_t)partitions);
  if (parts)
    put_module(out, module, count, shapes, parts);
  else
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
