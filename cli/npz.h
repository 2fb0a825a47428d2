// NumPy's .npz archives: zip files whose members are .npy files, stored (`numpy.savez`) or deflated
// (`numpy.savez_compressed`, read where zlib was found at configuration).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct PjNpzMember {
  char *name;         // without ".npy"; owned, no control characters, unique in its archive
  size_t header;      // of the archive: where the member's local header starts
  size_t offset;      // and where its data does
  size_t stored_size; // bytes at |offset|; they are there, and belong to no other member
  size_t size;        // bytes of the .npy file, as declared
  uint32_t crc;       // of the .npy file, as declared
  uint16_t flags, method;
} PjNpzMember;

typedef struct PjNpz {
  const char *bytes; // the archive; borrowed
  size_t size;
  PjNpzMember *members; // in the order of the central directory; owned
  size_t count;
} PjNpz;

// Whether |bytes| start as an archive does, be it an empty one.
bool pj_is_npz(const char *bytes, size_t size);

// Reads the directory of the archive of |size| bytes at |bytes|, which must outlive |out|; any
// content is safe. Free |out| with pj_npz_free, which after an error is allowed and not needed.
// Errors: INVALID_ARGUMENT, naming the member where there is one; UNIMPLEMENTED for archives of
// several disks; RESOURCE_EXHAUSTED.
PjStatus pj_npz_open(const char *bytes, size_t size, PjNpz *out);

// Puts a copy of the .npy file of member |index| into |out_bytes| (free with pj_free) and its size,
// which is the declared one, into |out_size|. Several threads may read one archive at once.
// Errors, naming the member: INVALID_ARGUMENT if its size or CRC-32 is not the declared one;
// UNIMPLEMENTED if it is encrypted, or compressed in a way not known here; RESOURCE_EXHAUSTED.
PjStatus pj_npz_member(const PjNpz *npz, size_t index, char **out_bytes, size_t *out_size);

void pj_npz_free(PjNpz *npz);
