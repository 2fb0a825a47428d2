// Protocol buffers on the wire: a reader over hostile bytes, and a writer into a PjStrBuf. Only
// what the interface's few messages need.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

typedef enum PjWireType {
  PJ_WIRE_VARINT = 0,
  PJ_WIRE_FIXED64 = 1,
  PJ_WIRE_BYTES = 2,
  PJ_WIRE_FIXED32 = 5
} PjWireType;

typedef struct PjProtoReader {
  const uint8_t *at, *end;
  bool failed; // the bytes are no message
} PjProtoReader;

typedef struct PjProtoField {
  uint32_t number;
  PjWireType type;
  uint64_t value; // VARINT, FIXED64, FIXED32
  PjStr bytes;    // BYTES: a slice of the input
} PjProtoField;

PjProtoReader pj_proto_reader(const void *bytes, size_t size);
// The next field into |out|; false at the end and on failure. Groups count as failure (nobody sends
// them).
bool pj_proto_next(PjProtoReader *reader, PjProtoField *out);

// Calls for each number of a repeated integer field, packed (BYTES) or not: while
// (pj_proto_ints(&field, &cursor, &value)) ... |cursor| starts zeroed. A malformed pack ends early
// and sets |cursor->failed|.
typedef struct PjProtoInts {
  PjProtoReader pack;
  bool started, failed;
} PjProtoInts;
bool pj_proto_ints(const PjProtoField *field, PjProtoInts *cursor, int64_t *out);

void pj_proto_put_varint(PjStrBuf *out, uint32_t number, uint64_t value);
void pj_proto_put_bytes(PjStrBuf *out, uint32_t number, PjStr bytes);
void pj_proto_put_double(PjStrBuf *out, uint32_t number, double value);
// A field that holds |message|, which is freed; its failure becomes that of |out|.
void pj_proto_put_message(PjStrBuf *out, uint32_t number, PjStrBuf *message);
// A packed repeated integer field; nothing when |count| is 0.
void pj_proto_put_ints(PjStrBuf *out, uint32_t number, const int64_t *values, size_t count);
