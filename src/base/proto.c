// See proto.h. Wire format: https://protobuf.dev/programming-guides/encoding
#include "base/proto.h"

PjProtoReader pj_proto_reader(const void *bytes, size_t size) {
  const uint8_t *start = size ? bytes : (const uint8_t *)"";
  return (PjProtoReader){.at = start, .end = start + size};
}

static bool read_varint(PjProtoReader *reader, uint64_t *out) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
    uint8_t byte = *reader->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) {
      *out = value;
      return true;
    }
  }
  reader->failed = true;
  return false;
}

static bool read_fixed(PjProtoReader *reader, size_t size, uint64_t *out) {
  if ((size_t)(reader->end - reader->at) < size) {
    reader->failed = true;
    return false;
  }
  *out = 0;
  for (size_t i = 0; i < size; i++)
    *out |= (uint64_t)reader->at[i] << (8 * i);
  reader->at += size;
  return true;
}

bool pj_proto_next(PjProtoReader *reader, PjProtoField *out) {
  uint64_t tag, size;
  if (reader->failed || reader->at == reader->end || !read_varint(reader, &tag))
    return false;
  *out = (PjProtoField){.number = (uint32_t)(tag >> 3), .type = (PjWireType)(tag & 7)};
  if (out->number == 0 || tag >> 32) {
    reader->failed = true;
    return false;
  }
  switch (out->type) {
  case PJ_WIRE_VARINT:
    return read_varint(reader, &out->value);
  case PJ_WIRE_FIXED64:
    return read_fixed(reader, 8, &out->value);
  case PJ_WIRE_FIXED32:
    return read_fixed(reader, 4, &out->value);
  case PJ_WIRE_BYTES:
    if (!read_varint(reader, &size))
      return false;
    if (size > (size_t)(reader->end - reader->at))
      break;
    out->bytes = (PjStr){(const char *)reader->at, (size_t)size};
    reader->at += size;
    return true;
  }
  reader->failed = true;
  return false;
}

bool pj_proto_ints(const PjProtoField *field, PjProtoInts *cursor, int64_t *out) {
  if (field->type == PJ_WIRE_VARINT) {
    if (cursor->started)
      return false;
    cursor->started = true;
    *out = (int64_t)field->value;
    return true;
  }
  if (field->type != PJ_WIRE_BYTES) {
    cursor->failed = true;
    return false;
  }
  if (!cursor->started) {
    cursor->started = true;
    cursor->pack = pj_proto_reader(field->bytes.ptr, field->bytes.len);
  }
  uint64_t value;
  if (cursor->pack.at == cursor->pack.end)
    return false;
  if (!read_varint(&cursor->pack, &value)) {
    cursor->failed = true;
    return false;
  }
  *out = (int64_t)value;
  return true;
}

static void put_varint(PjStrBuf *out, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    pj_strbuf_putc(out, (char)(value | 0x80));
  pj_strbuf_putc(out, (char)value);
}

void pj_proto_put_varint(PjStrBuf *out, uint32_t number, uint64_t value) {
  put_varint(out, (uint64_t)number << 3 | PJ_WIRE_VARINT);
  put_varint(out, value);
}

void pj_proto_put_bytes(PjStrBuf *out, uint32_t number, PjStr bytes) {
  put_varint(out, (uint64_t)number << 3 | PJ_WIRE_BYTES);
  put_varint(out, bytes.len);
  pj_strbuf_str(out, bytes);
}

void pj_proto_put_double(PjStrBuf *out, uint32_t number, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_varint(out, (uint64_t)number << 3 | PJ_WIRE_FIXED64);
  for (int shift = 0; shift < 64; shift += 8)
    pj_strbuf_putc(out, (char)(bits >> shift));
}

void pj_proto_put_message(PjStrBuf *out, uint32_t number, PjStrBuf *message) {
  pj_proto_put_bytes(out, number, (PjStr){message->data, message->len});
  out->failed |= message->failed;
  pj_strbuf_free(message);
}

void pj_proto_put_ints(PjStrBuf *out, uint32_t number, const int64_t *values, size_t count) {
  if (!count)
    return;
  size_t size = 0;
  for (size_t i = 0; i < count; i++)
    for (uint64_t value = (uint64_t)values[i], more = 1; more; value >>= 7, size++)
      more = value >= 0x80;
  put_varint(out, (uint64_t)number << 3 | PJ_WIRE_BYTES);
  put_varint(out, size);
  for (size_t i = 0; i < count; i++)
    put_varint(out, (uint64_t)values[i]);
}
