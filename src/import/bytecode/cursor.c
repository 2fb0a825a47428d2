// Primitive encodings of MLIR bytecode: variable-length integers, counts, slices.
#include "import/bytecode/cursor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

PjStatus pj__cur_error(const PjCursor *c, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return PJ_ERROR(INVALID_ARGUMENT, "bytecode, byte %zu: %s", (size_t)(c->at - c->file), text);
}

PjStatus pj__cur_byte(PjCursor *c, const char *what, uint8_t *out) {
  if (c->at == c->end)
    return pj__cur_error(c, "the data ends where %s is expected", what);
  *out = *c->at++;
  return PJ_STATUS_OK;
}

// The number of trailing zero bits of the first byte is the number of bytes that follow it.
PjStatus pj__cur_varint_slow(PjCursor *c, const char *what, uint64_t *out) {
  if (c->at == c->end)
    return pj__cur_error(c, "the data ends where %s is expected", what);
  unsigned first = *c->at, extra = first ? (unsigned)__builtin_ctz(first) : 8;
  if (pj__cur_left(c) <= extra)
    return pj__cur_error(c, "the data ends within %s", what);
  uint64_t value = 0;
  if (extra == 8) {
    memcpy(&value, c->at + 1, 8);
  } else {
    memcpy(&value, c->at, extra + 1);
    value >>= extra + 1;
  }
  c->at += extra + 1;
  *out = value;
  return PJ_STATUS_OK;
}

PjStatus pj__cur_svarint(PjCursor *c, const char *what, int64_t *out) {
  uint64_t raw;
  PJ_TRY(pj__cur_varint(c, what, &raw));
  *out = (int64_t)(raw >> 1 ^ (0 - (raw & 1)));
  return PJ_STATUS_OK;
}

PjStatus pj__cur_flag(PjCursor *c, const char *what, uint64_t *out, bool *out_bit) {
  uint64_t raw;
  PJ_TRY(pj__cur_varint(c, what, &raw));
  *out = raw >> 1;
  *out_bit = raw & 1;
  return PJ_STATUS_OK;
}

PjStatus pj__cur_count(PjCursor *c, const char *what, uint32_t *out) {
  PjCursor start = *c;
  uint64_t count;
  PJ_TRY(pj__cur_varint(c, what, &count));
  if (count > pj__cur_left(c) || count > UINT32_MAX / 2)
    return pj__cur_error(&start, "%s: %" PRIu64 " do not fit into the %zu bytes left", what, count,
                         pj__cur_left(c));
  *out = (uint32_t)count;
  return PJ_STATUS_OK;
}

PjStatus pj__cur_apint(PjCursor *c, const char *what, unsigned width, int64_t *out) {
  uint64_t bits;
  if (width <= 8) {
    uint8_t byte;
    PJ_TRY(pj__cur_byte(c, what, &byte));
    bits = byte;
  } else {
    // Writers zigzag the zero-extended value, so the upper bits mean nothing.
    int64_t value;
    PJ_TRY(pj__cur_svarint(c, what, &value));
    bits = (uint64_t)value;
  }
  *out = (int64_t)(bits << (64 - width)) >> (64 - width);
  return PJ_STATUS_OK;
}

PjStatus pj__cur_take(PjCursor *c, const char *what, uint64_t size, PjCursor *out) {
  if (size > pj__cur_left(c))
    return pj__cur_error(c, "%s of %" PRIu64 " bytes does not fit into the %zu bytes left", what,
                         size, pj__cur_left(c));
  *out = (PjCursor){c->at, c->at + size, c->file};
  c->at += size;
  return PJ_STATUS_OK;
}

PjStatus pj__cur_svarints(PjCursor *c, PjArena *arena, const char *what, uint32_t *out_count,
                          int64_t **out) {
  PJ_TRY(pj__cur_count(c, what, out_count));
  *out = PJ_NEW_ARRAY(arena, int64_t, *out_count);
  for (uint32_t i = 0; i < *out_count; ++i)
    PJ_TRY(pj__cur_svarint(c, what, &(*out)[i]));
  return PJ_STATUS_OK;
}

PjStatus pj__cur_done(const PjCursor *c, const char *what) {
  if (c->at != c->end)
    return pj__cur_error(c, "%zu bytes are left over at the end of %s", pj__cur_left(c), what);
  return PJ_STATUS_OK;
}
