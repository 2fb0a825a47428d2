// See messages.h.
#include "import/hlo/messages.h"

#include "base/proto.h"

typedef enum Kind { NONE, I64, I32, BOOL, F32, F64, STR, BYTES, MSG, INTS, STRS, MSGS } Kind;

typedef struct Field {
  uint8_t kind;
  uint16_t offset;
  const char *name;
} Field;

typedef struct Schema {
  const char *name;
  const Field *fields; // by number
  uint32_t limit;
} Schema;

#define ROW(number, kind, name) [number] = {kind, (uint16_t)offsetof(Message, name), #name},
#define TABLE(Name, FIELDS)                       \
  static const Field *table_##Name(uint32_t *n) { \
    typedef PjHlo##Name##Msg Message;             \
    static const Field fields[] = {FIELDS(ROW)};  \
    *n = sizeof fields / sizeof *fields;          \
    return fields;                                \
  }
PJ_HLO_MESSAGES(TABLE)
#undef TABLE
#undef ROW

static Schema schema_of(PjHloMessage message) {
  typedef const Field *Get(uint32_t * n);
  static const struct {
    const char *name;
    Get *get;
  } all[] = {
#define ENTRY(Name, FIELDS) {#Name, table_##Name},
      PJ_HLO_MESSAGES(ENTRY)
#undef ENTRY
  };
  Schema schema = {.name = all[message].name};
  schema.fields = all[message].get(&schema.limit);
  return schema;
}

static bool is_utf8(PjStr text) {
  const uint8_t *at = (const uint8_t *)text.ptr, *end = at + text.len;
  while (at < end) {
    uint32_t lead = *at++, more = lead < 0x80   ? 0
                                  : lead < 0xC2 ? 4
                                  : lead < 0xE0 ? 1
                                  : lead < 0xF0 ? 2
                                  : lead < 0xF5 ? 3
                                                : 4;
    if (more > (size_t)(end - at))
      return false;
    uint32_t code = more ? lead & (0x3Fu >> more) : lead;
    for (uint32_t i = 0; i < more; ++i) {
      if ((*at & 0xC0) != 0x80)
        return false;
      code = code << 6 | (*at++ & 0x3F);
    }
    if ((more == 2 && (code < 0x800 || (code >= 0xD800 && code < 0xE000))) ||
        (more == 3 && (code < 0x10000 || code > 0x10FFFF)))
      return false;
  }
  return true;
}

static PjStatus wrong(const char *file, const char *at, const Schema *schema, const Field *field,
                      const char *what) {
  return PJ_ERROR(INVALID_ARGUMENT, "byte %zu: %s.%s: %s", (size_t)(at - file), schema->name,
                  field->name, what);
}

static PjStatus store(PjArena *arena, const char *file, const char *at, const Schema *schema,
                      const Field *field, const PjProtoField *read, void *out) {
  static const uint8_t wires[] = {
      [I64] = PJ_WIRE_VARINT,  [I32] = PJ_WIRE_VARINT,  [BOOL] = PJ_WIRE_VARINT,
      [F32] = PJ_WIRE_FIXED32, [F64] = PJ_WIRE_FIXED64, [STR] = PJ_WIRE_BYTES,
      [BYTES] = PJ_WIRE_BYTES, [MSG] = PJ_WIRE_BYTES,   [INTS] = PJ_WIRE_BYTES,
      [STRS] = PJ_WIRE_BYTES,  [MSGS] = PJ_WIRE_BYTES};
  void *member = (char *)out + field->offset;
  if (read->type != wires[field->kind] && !(field->kind == INTS && read->type == PJ_WIRE_VARINT))
    return wrong(file, at, schema, field, "a field of another wire type");
  switch ((Kind)field->kind) {
  case NONE:
    break;
  case I64:
    *(int64_t *)member = (int64_t)read->value;
    break;
  case I32:
    *(int64_t *)member = (int32_t)(uint32_t)read->value;
    break;
  case BOOL:
    *(int64_t *)member = read->value != 0;
    break;
  case F32: {
    uint32_t bits = (uint32_t)read->value;
    memcpy(member, &bits, sizeof bits);
    break;
  }
  case F64:
    memcpy(member, &read->value, sizeof read->value);
    break;
  case STR:
    if (!is_utf8(read->bytes))
      return wrong(file, at, schema, field, "text that is not UTF-8");
    *(PjStr *)member = read->bytes;
    break;
  case MSG:
    if (((PjStr *)member)->ptr)
      return wrong(file, at, schema, field, "given twice");
    *(PjStr *)member = read->bytes;
    break;
  case BYTES:
    *(PjStr *)member = read->bytes;
    break;
  case INTS: {
    PjProtoInts cursor = {0};
    for (int64_t value; pj_proto_ints(read, &cursor, &value);)
      PJ_PUSH(arena, (PjHloInts *)member, value);
    if (cursor.failed)
      return wrong(file, at, schema, field, "a list of numbers that ends early");
    break;
  }
  case STRS:
    if (!is_utf8(read->bytes))
      return wrong(file, at, schema, field, "text that is not UTF-8");
    PJ_PUSH(arena, (PjHloSlices *)member, read->bytes);
    break;
  case MSGS:
    PJ_PUSH(arena, (PjHloSlices *)member, read->bytes);
    break;
  }
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_decode_at(PjArena *arena, const char *file, PjStr bytes, PjHloMessage message,
                          void *out) {
  Schema schema = schema_of(message);
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField read;
  const char *at = (const char *)reader.at;
  for (; pj_proto_next(&reader, &read); at = (const char *)reader.at)
    if (read.number < schema.limit && schema.fields[read.number].kind)
      PJ_TRY(store(arena, file, at, &schema, &schema.fields[read.number], &read, out));
  PJ_FAIL_IF(reader.failed, INVALID_ARGUMENT, "byte %zu: malformed field in %s",
             bytes.len ? (size_t)(at - file) : 0, schema.name);
  return PJ_STATUS_OK;
}
