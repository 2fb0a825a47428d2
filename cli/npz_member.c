// What a member of an .npz archive holds: copied or decompressed, and checked against its CRC-32.
#include "npz.h"

#include <string.h>

#ifdef PJ_HAVE_ZLIB
#define ZLIB_CONST
#include <zlib.h>
#endif

#include "base/alloc.h"

enum {
  FLAG_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13,
  METHOD_STORED = 0,
  METHOD_DEFLATED = 8,
  DEFLATE_MOST = 1032, // bytes out of one: matches of 258 bytes, two bits each
};

// CRC-32 of zip, eight bytes a step: row k of the table is what a byte is worth k bytes later.
static uint32_t crc32_of(const char *p, size_t size) {
  uint32_t rows[8][256];
  for (uint32_t i = 0; i < 256; i++) {
    rows[0][i] = i;
    for (int bit = 0; bit < 8; bit++)
      rows[0][i] = rows[0][i] >> 1 ^ (rows[0][i] & 1 ? 0xedb88320u : 0);
  }
  for (int k = 1; k < 8; k++)
    for (int i = 0; i < 256; i++)
      rows[k][i] = rows[k - 1][i] >> 8 ^ rows[0][rows[k - 1][i] & 255];
  uint32_t crc = UINT32_MAX;
  for (; size >= 8; p += 8, size -= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    word ^= crc;
    crc = 0;
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++)
      crc ^= rows[7 - k][word >> 8 * k & 255];
  }
  for (; size > 0; p++, size--)
    crc = crc >> 8 ^ rows[0][(crc ^ (unsigned char)*p) & 255];
  return ~crc;
}

#ifdef PJ_HAVE_ZLIB
static void *zlib_malloc(void *context, unsigned count, unsigned size) {
  return pj_malloc((size_t)count * size);
}
static void zlib_free(void *context, void *ptr) {
  pj_free(ptr);
}

// Fills |out|, m->size bytes. zlib counts in 32 bits, so it is given pieces.
static PjStatus inflate_member(const PjNpzMember *m, const char *in, char *out) {
  enum { PIECE = 1 << 20 };
  z_stream z = {.zalloc = zlib_malloc, .zfree = zlib_free};
  if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
    return pj_status_oom();
  size_t in_left = m->stored_size, out_left = m->size;
  z.next_in = (const Bytef *)in;
  z.next_out = (Bytef *)out;
  int code;
  do {
    size_t more_in = z.avail_in ? 0 : in_left < PIECE ? in_left : PIECE;
    size_t more_out = z.avail_out ? 0 : out_left < PIECE ? out_left : PIECE;
    z.avail_in += (uInt)more_in, in_left -= more_in;
    z.avail_out += (uInt)more_out, out_left -= more_out;
    code = inflate(&z, Z_NO_FLUSH);
  } while (code == Z_OK);
  in_left += z.avail_in;
  out_left += z.avail_out;
  inflateEnd(&z);
  if (code == Z_MEM_ERROR)
    return pj_status_oom();
  PJ_FAIL_IF(code == Z_DATA_ERROR, INVALID_ARGUMENT, "its compressed data is damaged at byte %zu",
             m->stored_size - in_left);
  PJ_FAIL_IF(code != Z_STREAM_END || in_left || out_left, INVALID_ARGUMENT,
             "its %zu bytes do not decompress to the %zu that they should", m->stored_size,
             m->size);
  return PJ_STATUS_OK;
}
#endif

static PjStatus check_readable(const PjNpzMember *m) {
  PJ_FAIL_IF(m->flags & FLAG_ENCRYPTED, UNIMPLEMENTED, "is encrypted");
  if (m->method == METHOD_STORED) {
    PJ_FAIL_IF(m->size != m->stored_size, INVALID_ARGUMENT, "%zu bytes are stored of %zu",
               m->stored_size, m->size);
    return PJ_STATUS_OK;
  }
  PJ_FAIL_IF(m->method != METHOD_DEFLATED, UNIMPLEMENTED,
             "is compressed by method %u of zip; known are 0 (stored) and 8 (deflated)", m->method);
#ifdef PJ_HAVE_ZLIB
  PJ_FAIL_IF(m->size / DEFLATE_MOST > m->stored_size, INVALID_ARGUMENT,
             "%zu bytes cannot decompress to %zu", m->stored_size, m->size);
  return PJ_STATUS_OK;
#else
  return PJ_ERROR(UNIMPLEMENTED, "is compressed, and this build is without zlib; numpy.savez "
                                 "writes archives without compression");
#endif
}

static PjStatus read_contents(const PjNpz *npz, const PjNpzMember *m, char *out) {
  if (m->method == METHOD_STORED)
    memcpy(out, npz->bytes + m->offset, m->size);
#ifdef PJ_HAVE_ZLIB
  else
    PJ_TRY(inflate_member(m, npz->bytes + m->offset, out));
#endif
  uint32_t crc = crc32_of(out, m->size);
  PJ_FAIL_IF(crc != m->crc, INVALID_ARGUMENT, "is damaged: its CRC-32 is %08x and should be %08x",
             crc, m->crc);
  return PJ_STATUS_OK;
}

PjStatus pj_npz_member(const PjNpz *npz, size_t index, char **out_bytes, size_t *out_size) {
  *out_bytes = NULL;
  *out_size = 0;
  PJ_FAIL_IF(index >= npz->count, INVALID_ARGUMENT, ".npz archive of %zu members has no member %zu",
             npz->count, index);
  const PjNpzMember *m = &npz->members[index];
  PJ_TRY_IN(check_readable(m), ".npz member '%.80s'", m->name);
  char *bytes = pj_malloc(m->size);
  PJ_FAIL_IF(!bytes, RESOURCE_EXHAUSTED, ".npz member '%.80s': no memory for its %zu bytes",
             m->name, m->size);
  PjStatus status = read_contents(npz, m, bytes);
  if (status) {
    pj_free(bytes);
    return pj_status_prefix(status, ".npz member '%.80s'", m->name);
  }
  *out_bytes = bytes;
  *out_size = m->size;
  return PJ_STATUS_OK;
}
