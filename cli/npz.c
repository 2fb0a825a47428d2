// Zip archives as NumPy writes them, after PKWARE's APPNOTE.TXT: members one after the other, each
// behind a local header; the central directory, which repeats the headers and says where they are;
// the end record, which says where the directory is. Sizes and offsets of 4 GiB and more are all
// ones where they would stand, and follow in an extra field (zip64).
//
// The directory is believed, within the file's bounds; local headers must agree with it. What the
// members hold is read by npz_member.c.
#include "npz.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

enum {
  LOCAL_SIZE = 30, // fixed parts of the records
  ENTRY_SIZE = 46,
  END_SIZE = 22,
  END64_SIZE = 56,
  LOCATOR64_SIZE = 20,
  FLAG_SIZES_FOLLOW = 1 << 3, // the local header was written before the data was known
  EXTRA_ZIP64 = 1,
};

static uint64_t read_le(const char *p, int width) {
  uint64_t value = 0;
  for (int i = width - 1; i >= 0; i--)
    value = value << 8 | (unsigned char)p[i];
  return value;
}

static bool is_record(const char *p, char a, char b) {
  return p[0] == 'P' && p[1] == 'K' && p[2] == a && p[3] == b;
}

static bool within(uint64_t offset, uint64_t length, uint64_t limit) {
  return offset <= limit && length <= limit - offset;
}

bool pj_is_npz(const char *bytes, size_t size) {
  return size >= 4 && (is_record(bytes, 3, 4) || is_record(bytes, 5, 6));
}

// --- The directory -------------------------------------------------------------------------------

typedef struct Directory {
  uint64_t count, offset, size; // within the file
} Directory;

// The end record, or null. It is the last thing of the file but for a comment of the length it
// declares.
static const char *find_end(const PjNpz *npz) {
  for (size_t comment = 0; comment <= 0xffff && comment + END_SIZE <= npz->size; comment++) {
    const char *end = npz->bytes + npz->size - END_SIZE - comment;
    if (is_record(end, 5, 6) && read_le(end + 20, 2) == comment)
      return end;
  }
  return NULL;
}

static PjStatus find_directory(const PjNpz *npz, Directory *out) {
  const char *end = find_end(npz);
  PJ_FAIL_IF(!end, INVALID_ARGUMENT,
             ".npz archive of %zu bytes does not end with the record that ends an archive; is it "
             "cut off?",
             npz->size);
  size_t at = (size_t)(end - npz->bytes);
  uint64_t disk = read_le(end + 4, 2), first = read_le(end + 6, 2), here = read_le(end + 8, 2);
  *out = (Directory){read_le(end + 10, 2), read_le(end + 16, 4), read_le(end + 12, 4)};
  uint64_t limit = at;
  bool wide = out->count == 0xffff || out->size == UINT32_MAX || out->offset == UINT32_MAX;
  if (wide && at >= LOCATOR64_SIZE && is_record(end - LOCATOR64_SIZE, 6, 7)) {
    limit = read_le(end - LOCATOR64_SIZE + 8, 8);
    PJ_FAIL_IF(!within(limit, END64_SIZE, at - LOCATOR64_SIZE) ||
                   !is_record(npz->bytes + limit, 6, 6),
               INVALID_ARGUMENT, ".npz archive: no zip64 end record at byte %llu",
               (unsigned long long)limit);
    end = npz->bytes + limit;
    disk = read_le(end + 16, 4), first = read_le(end + 20, 4), here = read_le(end + 24, 8);
    *out = (Directory){read_le(end + 32, 8), read_le(end + 48, 8), read_le(end + 40, 8)};
  }
  PJ_FAIL_IF(disk || first || here != out->count, UNIMPLEMENTED,
             ".npz archive is spread over several disks; join its parts first");
  PJ_FAIL_IF(!within(out->offset, out->size, limit), INVALID_ARGUMENT,
             ".npz archive: its directory, %llu bytes from byte %llu, reaches beyond byte %llu, "
             "where it ends",
             (unsigned long long)out->size, (unsigned long long)out->offset,
             (unsigned long long)limit);
  PJ_FAIL_IF(out->count > out->size / ENTRY_SIZE, INVALID_ARGUMENT,
             ".npz archive: %llu members do not fit into a directory of %llu bytes",
             (unsigned long long)out->count, (unsigned long long)out->size);
  return PJ_STATUS_OK;
}

// --- Members -------------------------------------------------------------------------------------

// Replaces those of the |count| numbers that are all ones by what the zip64 field of |extra| says:
// it holds them in this order, and no others.
static PjStatus widen(PjStr extra, uint64_t *const *numbers, int count) {
  while (extra.len >= 4) {
    uint64_t tag = read_le(extra.ptr, 2), length = read_le(extra.ptr + 2, 2);
    extra = (PjStr){extra.ptr + 4, extra.len - 4};
    if (length > extra.len)
      break;
    for (int i = 0; tag == EXTRA_ZIP64 && i < count; i++) {
      if (*numbers[i] != UINT32_MAX)
        continue;
      PJ_FAIL_IF(length < 8, INVALID_ARGUMENT, "its zip64 field is too short");
      *numbers[i] = read_le(extra.ptr, 8);
      extra = (PjStr){extra.ptr + 8, extra.len - 8};
      length -= 8;
    }
    extra = (PjStr){extra.ptr + length, extra.len - (size_t)length};
  }
  return PJ_STATUS_OK;
}

// Finds the data of a member, of which the directory has said all but |offset|. Its header's fixed
// part is there; all of it ends before |limit|, where the directory starts.
static PjStatus find_data(const PjNpz *npz, uint64_t limit, PjStr name, PjNpzMember *m) {
  const char *local = npz->bytes + m->header;
  PJ_FAIL_IF(!is_record(local, 3, 4), INVALID_ARGUMENT, "no header of it at byte %zu", m->header);
  uint64_t size = read_le(local + 22, 4), stored = read_le(local + 18, 4);
  size_t name_len = read_le(local + 26, 2), extra_len = read_le(local + 28, 2);
  m->offset = m->header + LOCAL_SIZE + name_len + extra_len;
  PJ_FAIL_IF(!within(m->offset, m->stored_size, limit), INVALID_ARGUMENT,
             "its %zu bytes from byte %zu reach beyond byte %llu, where the directory starts",
             m->stored_size, m->offset, (unsigned long long)limit);
  PJ_FAIL_IF(!pj_str_eq((PjStr){local + LOCAL_SIZE, name_len}, name), INVALID_ARGUMENT,
             "the header at byte %zu gives another name", m->header);
  PJ_FAIL_IF(read_le(local + 8, 2) != m->method, INVALID_ARGUMENT,
             "the header at byte %zu gives another method of compression", m->header);
  if (m->flags & FLAG_SIZES_FOLLOW)
    return PJ_STATUS_OK;
  PJ_TRY(
      widen((PjStr){local + LOCAL_SIZE + name_len, extra_len}, (uint64_t *[]){&size, &stored}, 2));
  PJ_FAIL_IF(size != m->size || stored != m->stored_size || read_le(local + 14, 4) != m->crc,
             INVALID_ARGUMENT, "the header at byte %zu gives another size or CRC-32", m->header);
  return PJ_STATUS_OK;
}

static PjStatus read_member(const PjNpz *npz, uint64_t limit, const char *entry, PjStr name,
                            PjStr extra, PjNpzMember *m) {
  uint64_t size = read_le(entry + 24, 4), stored = read_le(entry + 20, 4);
  uint64_t header = read_le(entry + 42, 4);
  PJ_TRY(widen(extra, (uint64_t *[]){&size, &stored, &header}, 3));
  m->flags = (uint16_t)read_le(entry + 8, 2);
  m->method = (uint16_t)read_le(entry + 10, 2);
  m->crc = (uint32_t)read_le(entry + 16, 4);
  PJ_FAIL_IF(!within(header, LOCAL_SIZE, limit) || stored > limit || size > SIZE_MAX,
             INVALID_ARGUMENT, "%llu bytes from byte %llu are not in a file of %zu bytes",
             (unsigned long long)stored, (unsigned long long)header, npz->size);
  m->header = (size_t)header;
  m->stored_size = (size_t)stored;
  m->size = (size_t)size;
  return find_data(npz, limit, name, m);
}

// Reads the entry at |*at| of the directory and moves |*at| behind it.
static PjStatus read_entry(PjNpz *npz, const Directory *dir, size_t *at) {
  const char *entry = npz->bytes + *at;
  size_t left = (size_t)(dir->offset + dir->size) - *at;
  PJ_FAIL_IF(left < ENTRY_SIZE || !is_record(entry, 1, 2), INVALID_ARGUMENT,
             ".npz archive: no entry of its directory at byte %zu", *at);
  size_t name_len = read_le(entry + 28, 2), extra_len = read_le(entry + 30, 2);
  size_t all = ENTRY_SIZE + name_len + extra_len + read_le(entry + 32, 2);
  PJ_FAIL_IF(left < all, INVALID_ARGUMENT,
             ".npz archive: the entry at byte %zu reaches beyond the directory", *at);
  PjStr name = {entry + ENTRY_SIZE, name_len}, extra = {name.ptr + name_len, extra_len};
  for (size_t i = 0; i < name.len; i++)
    PJ_FAIL_IF((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 0x7f, INVALID_ARGUMENT,
               ".npz archive: the name at byte %zu holds a control character",
               *at + (size_t)ENTRY_SIZE);
  bool npy = name.len >= 4 && memcmp(name.ptr + name.len - 4, ".npy", 4) == 0;
  PjNpzMember *m = &npz->members[npz->count];
  m->name = pj_strndup(name.ptr, name.len - (npy ? 4 : 0));
  if (!m->name)
    return pj_status_oom();
  npz->count++;
  PJ_TRY_IN(read_member(npz, dir->offset, entry, name, extra, m), ".npz member '%.80s'", m->name);
  *at += all;
  return PJ_STATUS_OK;
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(const PjNpzMember *const *)a)->name, (*(const PjNpzMember *const *)b)->name);
}

static int by_place(const void *a, const void *b) {
  size_t x = (*(const PjNpzMember *const *)a)->header, y = (*(const PjNpzMember *const *)b)->header;
  return (x > y) - (x < y);
}

// No two members have one name, or share bytes.
static PjStatus check_distinct(const PjNpzMember **order, size_t count) {
  qsort(order, count, sizeof *order, by_name);
  for (size_t i = 1; i < count; i++)
    PJ_FAIL_IF(by_name(&order[i - 1], &order[i]) == 0, INVALID_ARGUMENT,
               ".npz archive has two members '%.80s'", order[i]->name);
  qsort(order, count, sizeof *order, by_place);
  for (size_t i = 1; i < count; i++)
    PJ_FAIL_IF(order[i - 1]->offset + order[i - 1]->stored_size > order[i]->header,
               INVALID_ARGUMENT, ".npz members '%.80s' and '%.80s' overlap", order[i - 1]->name,
               order[i]->name);
  return PJ_STATUS_OK;
}

static PjStatus read_directory(PjNpz *npz) {
  Directory dir = {0};
  PJ_TRY(find_directory(npz, &dir));
  npz->members = pj_calloc((size_t)dir.count + 1, sizeof *npz->members);
  if (!npz->members)
    return pj_status_oom();
  size_t at = (size_t)dir.offset;
  for (uint64_t i = 0; i < dir.count; i++)
    PJ_TRY(read_entry(npz, &dir, &at));
  PJ_FAIL_IF(at != dir.offset + dir.size, INVALID_ARGUMENT,
             ".npz archive: its directory goes on after the last of %zu members", npz->count);
  const PjNpzMember **order = pj_calloc(npz->count + 1, sizeof *order);
  if (!order)
    return pj_status_oom();
  for (size_t i = 0; i < npz->count; i++)
    order[i] = &npz->members[i];
  PjStatus status = check_distinct(order, npz->count);
  pj_free(order);
  return status;
}

PjStatus pj_npz_open(const char *bytes, size_t size, PjNpz *out) {
  *out = (PjNpz){.bytes = bytes, .size = size};
  PjStatus status = read_directory(out);
  if (status)
    pj_npz_free(out);
  return status;
}

void pj_npz_free(PjNpz *npz) {
  for (size_t i = 0; i < npz->count; i++)
    pj_free(npz->members[i].name);
  pj_free(npz->members);
  *npz = (PjNpz){0};
}
