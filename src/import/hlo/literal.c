// LiteralProto: the elements of one array, in the order in which its layout puts them into memory.
// Numbers come as packed varints or as little-endian bytes, by element type.
#include <inttypes.h>

#include "base/alloc.h"
#include "base/proto.h"
#include "import/hlo/hlo.h"

typedef enum Form { VARINT, FIXED } Form;

// The field that holds elements of a type, and how. Every other field is of no use for it.
static const struct {
  uint8_t field, form;
} sources[PJ_DT_COUNT] = {
    [PJ_DT_PRED] = {2, VARINT},       [PJ_DT_S32] = {4, VARINT},
    [PJ_DT_S64] = {5, VARINT},        [PJ_DT_U32] = {6, VARINT},
    [PJ_DT_U64] = {7, VARINT},        [PJ_DT_F32] = {8, FIXED},
    [PJ_DT_F64] = {9, FIXED},         [PJ_DT_C64] = {12, FIXED},
    [PJ_DT_C128] = {18, FIXED},       [PJ_DT_S8] = {15, FIXED},
    [PJ_DT_U8] = {3, FIXED},          [PJ_DT_S16] = {17, FIXED},
    [PJ_DT_U16] = {16, FIXED},        [PJ_DT_F16] = {11, FIXED},
    [PJ_DT_BF16] = {13, FIXED},       [PJ_DT_S4] = {21, FIXED},
    [PJ_DT_U4] = {22, FIXED},         [PJ_DT_S2] = {26, FIXED},
    [PJ_DT_U2] = {27, FIXED},         [PJ_DT_F8E5M2] = {19, FIXED},
    [PJ_DT_F8E4M3FN] = {20, FIXED},   [PJ_DT_F8E4M3B11FNUZ] = {23, FIXED},
    [PJ_DT_F8E5M2FNUZ] = {24, FIXED}, [PJ_DT_F8E4M3FNUZ] = {25, FIXED},
    [PJ_DT_F8E4M3] = {28, FIXED},     [PJ_DT_F8E3M4] = {29, FIXED},
    [PJ_DT_F4E2M1FN] = {32, FIXED},   [PJ_DT_F8E8M0FNU] = {33, FIXED},
    [PJ_DT_F6E3M2FN] = {35, FIXED},   [PJ_DT_F6E2M3FN] = {36, FIXED},
};

typedef struct Elements {
  uint8_t *at;
  size_t filled, size, width; // bytes
} Elements;

// The elements in |field| to the end of |out|; false: more than there is room for, or malformed.
static bool take(const PjProtoField *field, Form form, Elements *out) {
  if (form == FIXED && field->type == PJ_WIRE_BYTES) {
    if (field->bytes.len > out->size - out->filled)
      return false;
    if (field->bytes.len)
      memcpy(out->at + out->filled, field->bytes.ptr, field->bytes.len);
    out->filled += field->bytes.len;
    return true;
  }
  if (form == FIXED) { // floats that are not packed
    size_t width = field->type == PJ_WIRE_FIXED32 ? 4 : field->type == PJ_WIRE_FIXED64 ? 8 : 0;
    if (!width || width > out->size - out->filled)
      return false;
    memcpy(out->at + out->filled, &field->value, width);
    out->filled += width;
    return true;
  }
  PjProtoInts cursor = {0};
  for (int64_t value; pj_proto_ints(field, &cursor, &value); out->filled += out->width) {
    if (out->size - out->filled < out->width)
      return false;
    if (out->width == 1)
      value = value != 0;
    memcpy(out->at + out->filled, &value, out->width);
  }
  return !cursor.failed;
}

// At least how many bytes of the wire |count| elements take: no memory for what cannot be there.
static bool could_hold(PjDtype dtype, size_t size, size_t count) {
  return (sources[dtype].form == VARINT ? count : count * pj_dtype_bytes(dtype)) <= size;
}

// From the order of |layout| to row-major.
static uint8_t *reorder(PjHlo *h, const PjType *type, const int64_t *layout, const uint8_t *from,
                        size_t count) {
  size_t width = pj_dtype_bytes(type->dtype), strides[PJ_MAX_RANK] = {0}, step = width;
  int64_t index[PJ_MAX_RANK] = {0};
  uint8_t *to = pj_arena_alloc(h->arena, count * width);
  for (int32_t i = 0; i < type->rank; ++i) {
    strides[layout[i]] = step;
    step *= (size_t)type->dims[layout[i]];
  }
  const uint8_t *at = from;
  for (size_t i = 0; i < count; ++i) {
    memcpy(to + i * width, at, width);
    for (int32_t d = type->rank - 1; d >= 0; --d) {
      at += strides[d];
      if (++index[d] < type->dims[d])
        break;
      at -= strides[d] * (size_t)type->dims[d];
      index[d] = 0;
    }
  }
  return to;
}

// Elements under a byte: the bits above are not theirs.
static void narrow(PjDtype dtype, uint8_t *at, size_t count) {
  unsigned shift = 8 - pj_dtype_bits(dtype);
  for (size_t i = 0; i < count; ++i) {
    uint8_t top = (uint8_t)(at[i] << shift);
    at[i] = pj_dtype_class(dtype) == PJ_CLASS_SINT ? (uint8_t)((int8_t)top >> shift)
                                                   : (uint8_t)(top >> shift);
  }
}

PjStatus pj_hlo_literal(PjHlo *h, PjStr bytes, const PjType *type, const PjAttr **out) {
  enum { SHAPE = 1 };
  const PjHloShape *shape = NULL;
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  while (!shape && pj_proto_next(&reader, &field))
    if (field.number == SHAPE && field.type == PJ_WIRE_BYTES)
      PJ_TRY(pj_hlo_shape(h, field.bytes, &shape));
  PJ_FAIL_IF(!shape || !shape->type || !pj_type_eq(shape->type, type) || !pj_type_is_static(type),
             INVALID_ARGUMENT, "the literal's shape is not the instruction's, %s",
             pj_type_text(h->arena, type));
  int64_t elements;
  size_t size;
  pj_type_num_elements(type, &elements);
  size_t count = (size_t)elements, width = pj_dtype_bytes(type->dtype);
  PJ_FAIL_IF(!pj_mul_size(count, width, &size) || !could_hold(type->dtype, bytes.len, count),
             INVALID_ARGUMENT, "a literal of type %s in %zu bytes", pj_type_text(h->arena, type),
             bytes.len);
  Elements read = {pj_arena_alloc(h->arena, size + 1), 0, size, width};
  reader = pj_proto_reader(bytes.ptr, bytes.len);
  bool ok = true;
  while (ok && pj_proto_next(&reader, &field))
    if (field.number == sources[type->dtype].field)
      ok = take(&field, (Form)sources[type->dtype].form, &read);
  PJ_FAIL_IF(!ok || reader.failed || read.filled != size, INVALID_ARGUMENT,
             "a literal of type %s does not hold its %zu elements", pj_type_text(h->arena, type),
             count);
  if (pj_dtype_bits(type->dtype) < 8 && type->dtype != PJ_DT_PRED)
    narrow(type->dtype, read.at, count);
  if (shape->layout && count)
    read.at = reorder(h, type, shape->layout, read.at, count);
  bool splat = count > 1 && !memcmp(read.at, read.at + width, size - width);
  *out = pj_attr_elements(h->arena, type, read.at, splat ? width : size, splat);
  return PJ_STATUS_OK;
}
