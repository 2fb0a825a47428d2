// A bounded cursor over a piece of the file, with MLIR bytecode's primitive encodings. Every read
// checks what is left, and every error says the byte offset in the file and what was expected
// there.
#pragma once
#include "base/alloc.h"
#include "base/arena.h"
#include "base/str.h"

typedef struct PjCursor {
  const uint8_t *at, *end;
  const uint8_t *file; // offset 0 of messages
} PjCursor;

static inline size_t pj__cur_left(const PjCursor *c) {
  return (size_t)(c->end - c->at);
}

// An INVALID_ARGUMENT at the cursor: "bytecode, byte 17: ...".
PjStatus pj__cur_error(const PjCursor *c, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold, returns_nonnull));

PjStatus pj__cur_byte(PjCursor *c, const char *what, uint8_t *out);
PjStatus pj__cur_varint_slow(PjCursor *c, const char *what, uint64_t *out);

// |what| names the thing read, for messages.
static inline PjStatus pj__cur_varint(PjCursor *c, const char *what, uint64_t *out) {
  if (__builtin_expect(c->at < c->end && (*c->at & 1), 1)) {
    *out = *c->at++ >> 1;
    return PJ_STATUS_OK;
  }
  return pj__cur_varint_slow(c, what, out);
}

PjStatus pj__cur_svarint(PjCursor *c, const char *what, int64_t *out); // zigzag
PjStatus pj__cur_flag(PjCursor *c, const char *what, uint64_t *out,
                      bool *out_bit); // (value << 1) | bit
// A count of things that take at least one byte each: refused when it exceeds the bytes left.
PjStatus pj__cur_count(PjCursor *c, const char *what, uint32_t *out);
// An integer of |width| (1 to 64) bits, sign-extended from that width.
PjStatus pj__cur_apint(PjCursor *c, const char *what, unsigned width, int64_t *out);
// The next |size| bytes as a cursor of their own.
PjStatus pj__cur_take(PjCursor *c, const char *what, uint64_t size, PjCursor *out);
// A list of zigzag integers, in |arena|.
PjStatus pj__cur_svarints(PjCursor *c, PjArena *arena, const char *what, uint32_t *out_count,
                          int64_t **out);
// Refuses bytes that nobody read.
PjStatus pj__cur_done(const PjCursor *c, const char *what);
