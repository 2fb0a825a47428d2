// The .npz reader of the pjrt command (cli/npz.h), on archives made here byte by byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef PJ_HAVE_ZLIB
#include <zlib.h>
#endif

#include "base/alloc.h"
#include "base/str.h"
#include "npz.h"

// --- Archives ------------------------------------------------------------------------------------

enum { LOCAL = 30, ENTRY = 46, END = 22 }; // fixed sizes of the records

// How a member is written: |data| is what it holds, |stored| the bytes in the archive.
typedef struct Member {
  const char *name;
  PjStr data, stored;
  unsigned method, flags;
  bool local64;   // as NumPy writes: sizes of the local header in its zip64 field
  bool central64; // sizes and offset of the directory's entry in a zip64 field
} Member;

static void put(PjStrBuf *out, uint64_t value, int width) {
  for (int i = 0; i < width; i++)
    pj_strbuf_putc(out, (char)(value >> 8 * i));
}

// Bit by bit: the reader's tables must agree with it.
static uint32_t crc_of(PjStr data) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < data.len; i++) {
    crc ^= (unsigned char)data.ptr[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

static void put_member(PjStrBuf *out, const Member *m, bool central, uint64_t offset) {
  bool wide = central ? m->central64 : m->local64;
  bool later = !central && m->flags & 8;
  size_t extra = wide ? (central ? 28 : 20) : 0;
  pj_strbuf_append(out, central ? "PK\1\2\24\0" : "PK\3\4", central ? 6 : 4);
  put(out, wide ? 45 : 20, 2);
  put(out, m->flags, 2);
  put(out, m->method, 2);
  put(out, 0x21 << 16, 4); // 1980-01-01
  put(out, later ? 0 : crc_of(m->data), 4);
  put(out, later ? 0 : wide ? UINT32_MAX : m->stored.len, 4);
  put(out, later ? 0 : wide ? UINT32_MAX : m->data.len, 4);
  put(out, strlen(m->name), 2);
  put(out, extra + (central ? 5 : 0), 2);
  if (central) {
    put(out, 0, 2 + 2 + 2); // comment, disk, attributes
    put(out, 0, 4);
    put(out, wide ? UINT32_MAX : offset, 4);
  }
  pj_strbuf_puts(out, m->name);
  if (central)
    pj_strbuf_append(out, "UT\1\0x", 5); // some other field goes before
  if (!wide)
    return;
  put(out, 1, 2);
  put(out, extra - 4, 2);
  put(out, m->data.len, 8);
  put(out, m->stored.len, 8);
  if (central)
    put(out, offset, 8);
}

static void put_end(PjStrBuf *out, uint64_t count, uint64_t size, uint64_t offset) {
  pj_strbuf_append(out, "PK\5\6\0\0\0\0", 8);
  put(out, count, 2);
  put(out, count, 2);
  put(out, size, 4);
  put(out, offset, 4);
  put(out, 0, 2);
}

static void put_end64(PjStrBuf *out, uint64_t count, uint64_t size, uint64_t offset) {
  uint64_t at = out->len;
  pj_strbuf_append(out, "PK\6\6", 4);
  put(out, 44, 8);
  put(out, 45 | 45 << 16, 4);
  put(out, 0, 8);
  put(out, count, 8);
  put(out, count, 8);
  put(out, size, 8);
  put(out, offset, 8);
  pj_strbuf_append(out, "PK\6\7\0\0\0\0", 8);
  put(out, at, 8);
  put(out, 1, 4);
}

// An archive whose end record is in both forms if |end64|.
static PjStrBuf make(const Member *members, size_t count, bool end64) {
  PjStrBuf out = {0};
  uint64_t offsets[8];
  assert_true(count <= 8);
  for (size_t i = 0; i < count; i++) {
    offsets[i] = out.len;
    put_member(&out, &members[i], false, 0);
    pj_strbuf_str(&out, members[i].stored);
  }
  uint64_t directory = out.len;
  for (size_t i = 0; i < count; i++)
    put_member(&out, &members[i], true, offsets[i]);
  uint64_t size = out.len - directory;
  if (end64)
    put_end64(&out, count, size, directory);
  put_end(&out, end64 ? 0xffff : count, end64 ? UINT32_MAX : size, end64 ? UINT32_MAX : directory);
  assert_null(pj_strbuf_status(&out));
  return out;
}

#define STORED(NAME, TEXT) \
  { .name = NAME, .data = PJ_STR(TEXT), .stored = PJ_STR(TEXT) }

// Deflated without compressing, which any inflater must read: blocks of at most 65535 bytes.
static PjStr deflate_plainly(PjStr data) {
  PjStrBuf out = {0};
  do {
    size_t n = data.len < 65535 ? data.len : 65535;
    put(&out, n == data.len, 1);
    put(&out, n, 2);
    put(&out, ~n, 2);
    pj_strbuf_append(&out, data.ptr, n);
    data = (PjStr){data.ptr + n, data.len - n};
  } while (data.len);
  assert_null(pj_strbuf_status(&out));
  return (PjStr){out.data, out.len};
}

static void check_member(const PjNpz *npz, size_t index, const char *name, PjStr data) {
  assert_string_equal(npz->members[index].name, name);
  char *bytes;
  size_t size;
  assert_null(pj_npz_member(npz, index, &bytes, &size));
  assert_int_equal(size, data.len);
  assert_memory_equal(bytes, data.ptr, size);
  pj_free(bytes);
}

// |status| has |code| and speaks of |what|; frees it.
static void check_error(PjStatus status, PjCode code, const char *what) {
  assert_int_equal(pj_status_code(status), code);
  if (!strstr(pj_status_message(status), what))
    fail_msg("\"%s\" does not say \"%s\"", pj_status_message(status), what);
  pj_status_free(status);
}

static void check_open_fails(const PjStrBuf *archive, PjCode code, const char *what) {
  PjNpz npz;
  check_error(pj_npz_open(archive->data, archive->len, &npz), code, what);
  assert_null(npz.members);
}

static void check_member_fails(const PjStrBuf *archive, PjCode code, const char *what) {
  PjNpz npz;
  assert_null(pj_npz_open(archive->data, archive->len, &npz));
  char *bytes;
  size_t size;
  check_error(pj_npz_member(&npz, 0, &bytes, &size), code, what);
  assert_null(bytes);
  pj_npz_free(&npz);
}

// --- Tests ---------------------------------------------------------------------------------------

static void reads_stored_members(void **state) {
  const Member members[] = {STORED("weights.npy", "some bytes, more than one step of eight"),
                            STORED("layer/b.npy", ""), STORED("note.txt", "hello"),
                            STORED(".npy", "x")};
  PjStrBuf archive = make(members, 4, false);
  assert_true(pj_is_npz(archive.data, archive.len));
  PjNpz npz;
  assert_null(pj_npz_open(archive.data, archive.len, &npz));
  assert_int_equal(npz.count, 4);
  check_member(&npz, 0, "weights", members[0].data);
  check_member(&npz, 1, "layer/b", members[1].data);
  check_member(&npz, 2, "note.txt", members[2].data);
  check_member(&npz, 3, "", members[3].data);
  char *bytes;
  size_t size;
  check_error(pj_npz_member(&npz, 4, &bytes, &size), PJ_INVALID_ARGUMENT, "no member 4");
  pj_npz_free(&npz);
  pj_strbuf_free(&archive);
}

static void reads_empty_archives_and_comments(void **state) {
  PjStrBuf archive = make(NULL, 0, false);
  assert_int_equal(archive.len, END);
  assert_true(pj_is_npz(archive.data, archive.len));
  PjNpz npz;
  assert_null(pj_npz_open(archive.data, archive.len, &npz));
  assert_int_equal(npz.count, 0);
  pj_npz_free(&npz);

  archive.data[END - 2] = 7;
  pj_strbuf_puts(&archive, "comment");
  assert_null(pj_npz_open(archive.data, archive.len, &npz));
  pj_npz_free(&npz);
  pj_strbuf_puts(&archive, "!");
  check_open_fails(&archive, PJ_INVALID_ARGUMENT, "cut off");
  pj_strbuf_free(&archive);

  assert_false(pj_is_npz("PK\3\4", 3));
  assert_false(pj_is_npz("\x93NUMPY", 6));
  check_error(pj_npz_open(NULL, 0, &npz), PJ_INVALID_ARGUMENT, "0 bytes");
}

static void reads_zip64(void **state) {
  Member members[] = {STORED("a.npy", "first"), STORED("b.npy", "second"), STORED("c.npy", "3")};
  for (int form = 0; form < 8; form++) {
    for (int i = 0; i < 3; i++) {
      members[i].local64 = form & 1;
      members[i].central64 = form & 2;
    }
    members[2].flags = 8; // its sizes follow the data
    PjStrBuf archive = make(members, 3, form & 4);
    PjNpz npz;
    assert_null(pj_npz_open(archive.data, archive.len, &npz));
    assert_int_equal(npz.count, 3);
    check_member(&npz, 0, "a", members[0].data);
    check_member(&npz, 1, "b", members[1].data);
    check_member(&npz, 2, "c", members[2].data);
    pj_npz_free(&npz);
    pj_strbuf_free(&archive);
  }

  // A directory, a member, and an end record that lie exbibytes away.
  PjStrBuf archive = make(members, 3, true);
  archive.data[archive.len - END - 20 - 56 + 48 + 7] = 0x40;
  check_open_fails(&archive, PJ_INVALID_ARGUMENT, "directory");
  archive.data[archive.len - END - 20 - 56 + 48 + 7] = 0;
  archive.data[archive.len - END - 20 - 56 - 1] = 0x40;
  check_open_fails(&archive, PJ_INVALID_ARGUMENT, "'c'");
  archive.data[archive.len - END - 20 + 15] = (char)0xff;
  check_open_fails(&archive, PJ_INVALID_ARGUMENT, "zip64 end record");
  pj_strbuf_free(&archive);
}

static void reads_deflated_members(void **state) {
  static char text[3 << 20]; // more than the pieces that zlib is given
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char)(i * i >> 7);
  const PjStr sizes[] = {{text, 0}, {text, 1}, {text, 1000}, {text, sizeof text}};
  for (size_t i = 0; i < 4; i++) {
    PjStr plain = deflate_plainly(sizes[i]);
    Member members[] = {{"plain.npy", sizes[i], plain, 8}, {"small.npy", sizes[i], plain, 8}};
#ifdef PJ_HAVE_ZLIB
    z_stream z = {.next_in = (Bytef *)text, .avail_in = (uInt)sizes[i].len};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uLong bound = deflateBound(&z, z.avail_in);
    char *small = malloc(bound);
    assert_non_null(small);
    z.next_out = (Bytef *)small;
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    members[1].stored = (PjStr){small, bound - z.avail_out};
    deflateEnd(&z);
#endif
    PjStrBuf archive = make(members, 2, false);
#ifdef PJ_HAVE_ZLIB
    PjNpz npz;
    assert_null(pj_npz_open(archive.data, archive.len, &npz));
    check_member(&npz, 0, "plain", sizes[i]);
    check_member(&npz, 1, "small", sizes[i]);
    pj_npz_free(&npz);
    free(small);
#else
    check_member_fails(&archive, PJ_UNIMPLEMENTED, "'plain': is compressed, and this build");
#endif
    pj_strbuf_free(&archive);
    pj_free((char *)plain.ptr);
  }
}

#ifdef PJ_HAVE_ZLIB
static void refuses_wrong_deflated_data(void **state) {
  PjStr data = PJ_STR("a member of some length");
  PjStr plain = deflate_plainly(data);
  char longer[64] = {0};
  memcpy(longer, plain.ptr, plain.len);
  const struct {
    PjStr data, stored;
    const char *what;
  } cases[] = {
      {{data.ptr, data.len - 1}, plain, "do not decompress to the 22"}, // more than declared
      {{data.ptr, data.len + 1}, plain, "do not decompress to the 24"}, // less than declared
      {data, {plain.ptr, plain.len - 1}, "do not decompress"},          // no end
      {data, {longer, plain.len + 1}, "do not decompress"},             // something after the end
      {data, {"\7", 1}, "damaged at byte 1"},                           // no such block
      {data, {"\1\27\0\0\0", 5}, "damaged"},                            // lengths that disagree
      {{NULL, (size_t)1 << 40}, plain, "cannot decompress to 1099511627776"}, // a bomb
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    // Written with the right CRC-32 of |data|; then with the declared size.
    Member m = {"x.npy", data, cases[i].stored, 8, .local64 = true, .central64 = true};
    PjStrBuf archive = make(&m, 1, false);
    PjStrBuf sizes = {0};
    put(&sizes, cases[i].data.len, 8);
    size_t local = LOCAL + 5 + 4;
    size_t central = LOCAL + 5 + 20 + m.stored.len + ENTRY + 5 + 5 + 4;
    memcpy(archive.data + local, sizes.data, 8);
    memcpy(archive.data + central, sizes.data, 8);
    pj_strbuf_free(&sizes);
    check_member_fails(&archive, PJ_INVALID_ARGUMENT, "member 'x'");
    check_member_fails(&archive, PJ_INVALID_ARGUMENT, cases[i].what);
    pj_strbuf_free(&archive);
  }
  pj_free((char *)plain.ptr);
}
#endif

static void refuses_what_it_cannot_read(void **state) {
  static const struct {
    size_t local, central; // where both headers are changed, 0 for not
    char value;
    PjCode code;
    const char *what;
  } cases[] = {
      {6, 8, 1, PJ_UNIMPLEMENTED, "'x': is encrypted"},
      {8, 10, 12, PJ_UNIMPLEMENTED, "'x': is compressed by method 12"},
      {14, 16, 0, PJ_INVALID_ARGUMENT, "'x': is damaged: its CRC-32"},
      {22, 24, 9, PJ_INVALID_ARGUMENT, "'x': 8 bytes are stored of 9"},
  };
  const Member m = STORED("x.npy", "contents");
  size_t entry = LOCAL + 5 + 8;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    PjStrBuf archive = make(&m, 1, false);
    archive.data[cases[i].local] = cases[i].value;
    archive.data[entry + cases[i].central] = cases[i].value;
    check_member_fails(&archive, cases[i].code, cases[i].what);
    pj_strbuf_free(&archive);
  }
}

static void refuses_bad_directories(void **state) {
  const Member m = STORED("x.npy", "contents");
  size_t entry = LOCAL + 5 + 8, end = entry + ENTRY + 5 + 5;
  const struct {
    size_t at;
    char value;
    PjCode code;
    const char *what;
  } cases[] = {
      {8, 8, PJ_INVALID_ARGUMENT, "'x': the header at byte 0 gives another method"},
      {14, 0, PJ_INVALID_ARGUMENT, "'x': the header at byte 0 gives another size or CRC-32"},
      {18, 7, PJ_INVALID_ARGUMENT, "'x': the header at byte 0 gives another size or CRC-32"},
      {22, 9, PJ_INVALID_ARGUMENT, "'x': the header at byte 0 gives another size or CRC-32"},
      {30, 'y', PJ_INVALID_ARGUMENT, "'x': the header at byte 0 gives another name"},
      {28, 1, PJ_INVALID_ARGUMENT, "'x': its 8 bytes from byte 36 reach beyond byte 43"},
      {0, 'Q', PJ_INVALID_ARGUMENT, "'x': no header of it at byte 0"},
      {entry, 'Q', PJ_INVALID_ARGUMENT, "no entry of its directory at byte 43"},
      {entry + 23, 1, PJ_INVALID_ARGUMENT, "'x': 16777224 bytes from byte 0 are not in a file"},
      {entry + 42, 14, PJ_INVALID_ARGUMENT, "'x': 8 bytes from byte 14 are not in a file"},
      {entry + 32, 1, PJ_INVALID_ARGUMENT, "the entry at byte 43 reaches beyond the directory"},
      {entry + 30, 4, PJ_INVALID_ARGUMENT, "its directory goes on after the last of 1"},
      {entry + ENTRY, '\33', PJ_INVALID_ARGUMENT, "control character"},
      {end + 4, 1, PJ_UNIMPLEMENTED, "several disks"},
      {end + 8, 2, PJ_UNIMPLEMENTED, "several disks"},
      {end + 12, 57, PJ_INVALID_ARGUMENT, "reaches beyond byte 99"},
      {end + 12, 45, PJ_INVALID_ARGUMENT, "1 members do not fit into a directory of 45 bytes"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    PjStrBuf archive = make(&m, 1, false);
    archive.data[cases[i].at] = cases[i].value;
    check_open_fails(&archive, cases[i].code, cases[i].what);
    pj_strbuf_free(&archive);
  }
  // Numbers that are all ones, and a zip64 field without them.
  Member wide = m;
  wide.central64 = true;
  PjStrBuf archive = make(&wide, 1, false);
  archive.data[entry + ENTRY + 5 + 5 + 2] = 16;
  check_open_fails(&archive, PJ_INVALID_ARGUMENT, "'x': its zip64 field is too short");
  pj_strbuf_free(&archive);
}

static void refuses_duplicates_and_overlap(void **state) {
  const Member twice[] = {STORED("x.npy", "1"), STORED("y.npy", "2"), STORED("x", "3")};
  PjStrBuf archive = make(twice, 3, false);
  check_open_fails(&archive, PJ_INVALID_ARGUMENT, "two members 'x'");
  pj_strbuf_free(&archive);

  // The second member is the first one's contents.
  PjStrBuf inner = {0};
  const Member b = STORED("b.npy", "inside");
  put_member(&inner, &b, false, 0);
  pj_strbuf_str(&inner, b.stored);
  PjStr contents = {inner.data, inner.len};
  const Member a = {"a.npy", contents, contents};
  PjStrBuf out = {0};
  put_member(&out, &a, false, 0);
  pj_strbuf_str(&out, contents);
  size_t directory = out.len;
  put_member(&out, &b, true, LOCAL + 5);
  put_member(&out, &a, true, 0);
  put_end(&out, 2, out.len - directory, directory);
  check_open_fails(&out, PJ_INVALID_ARGUMENT, "'a' and 'b' overlap");
  pj_strbuf_free(&out);
  pj_strbuf_free(&inner);
}

// Opens |size| bytes at |bytes|, in a block of exactly that size, and reads what can be read of
// them. Whether all of it could be.
static bool reads_all(const char *bytes, size_t size) {
  char *exact = malloc(size ? size : 1);
  assert_non_null(exact);
  memcpy(exact, bytes, size);
  PjNpz npz;
  PjStatus status = pj_npz_open(exact, size, &npz);
  bool good = !status;
  assert_true(good || strlen(pj_status_message(status)) > 0);
  pj_status_free(status);
  for (size_t i = 0; i < npz.count; i++) {
    char *copy;
    size_t copy_size;
    status = pj_npz_member(&npz, i, &copy, &copy_size);
    good = good && !status;
    assert_int_equal(copy != NULL, status == NULL);
    pj_status_free(status);
    pj_free(copy);
  }
  pj_npz_free(&npz);
  free(exact);
  return good;
}

// All that this build reads.
static PjStrBuf make_of_all_kinds(void) {
  PjStr data = PJ_STR("data that is stored, and deflated too");
  PjStr plain = deflate_plainly(data);
  const Member members[] = {{"a.npy", data, data, .local64 = true, .central64 = true},
                            STORED("c.npy", ""),
#ifdef PJ_HAVE_ZLIB
                            {"b.npy", data, plain, 8}
#endif
  };
  PjStrBuf archive = make(members, sizeof members / sizeof *members, true);
  pj_free((char *)plain.ptr);
  assert_true(reads_all(archive.data, archive.len));
  return archive;
}

static void refuses_every_truncation(void **state) {
  PjStrBuf archive = make_of_all_kinds();
  for (size_t cut = 0; cut < archive.len; cut++)
    assert_false(reads_all(archive.data, cut));
  pj_strbuf_free(&archive);
}

// Every value of every byte.
static void survives_every_damage(void **state) {
  PjStrBuf archive = make_of_all_kinds();
  size_t refused = 0;
  for (size_t at = 0; at < archive.len; at++) {
    char was = archive.data[at];
    for (int value = 0; value < 256; value++) {
      archive.data[at] = (char)value;
      refused += !reads_all(archive.data, archive.len);
    }
    archive.data[at] = was;
  }
  assert_true(refused > archive.len * 128); // dates and versions alone may be anything
  pj_strbuf_free(&archive);
}

static void failing_allocations(void **state) {
  PjStrBuf archive = make_of_all_kinds();
  bool done = false;
  for (int64_t n = 0; !done; n++) {
    assert_true(n < 100);
    PjNpz npz;
    pj_alloc_fail_after(n);
    PjStatus status = pj_npz_open(archive.data, archive.len, &npz);
    char *bytes = NULL;
    size_t size;
    for (size_t i = 0; !status && i < npz.count; i++) {
      pj_free(bytes);
      status = pj_npz_member(&npz, i, &bytes, &size);
    }
    pj_alloc_fail_after(-1);
    done = pj_status_code(status) != PJ_RESOURCE_EXHAUSTED;
    assert_true(!done || !status);
    pj_status_free(status);
    pj_free(bytes);
    pj_npz_free(&npz);
  }
  pj_strbuf_free(&archive);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_stored_members),
      cmocka_unit_test(reads_empty_archives_and_comments),
      cmocka_unit_test(reads_zip64),
      cmocka_unit_test(reads_deflated_members),
#ifdef PJ_HAVE_ZLIB
      cmocka_unit_test(refuses_wrong_deflated_data),
#endif
      cmocka_unit_test(refuses_what_it_cannot_read),
      cmocka_unit_test(refuses_bad_directories),
      cmocka_unit_test(refuses_duplicates_and_overlap),
      cmocka_unit_test(refuses_every_truncation),
      cmocka_unit_test(survives_every_damage),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
