// The .npy reader and writer of the pjrt command (cli/npy.h).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "file.h"
#include "npy.h"

// A version 1 file of |header| and |data_size| bytes of elements; returns its size.
static size_t make_file(unsigned char *out, const char *header, const void *data,
                        size_t data_size) {
  size_t n = strlen(header);
  memcpy(out, "\x93NUMPY\x01\x00", 8);
  out[8] = (unsigned char)n;
  out[9] = (unsigned char)(n >> 8);
  memcpy(out + 10, header, n);
  if (data_size)
    memcpy(out + 10 + n, data, data_size);
  return 10 + n + data_size;
}

static void reads_all_versions(void **state) {
  unsigned char file[256];
  const char *header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n";
  float data[6] = {1, 2, 3, 4, 5, 6};
  for (int version = 1; version <= 3; version++) {
    size_t size = make_file(file, header, data, sizeof data);
    if (version > 1) {
      memmove(file + 12, file + 10, size - 10);
      file[10] = file[11] = 0;
      file[6] = (unsigned char)version;
      size += 2;
    }
    PjNpy npy;
    assert_null(pj_npy_parse(file, size, &npy));
    assert_int_equal(npy.type, PJRT_Buffer_Type_F32);
    assert_int_equal(npy.rank, 2);
    assert_int_equal(npy.dims[0], 2);
    assert_int_equal(npy.dims[1], 3);
    assert_int_equal(npy.data_size, 24);
    assert_memory_equal(npy.data, data, sizeof data);
    int64_t strides[PJ_NPY_MAX_RANK];
    pj_npy_strides(&npy, strides);
    assert_int_equal(strides[0], 12);
    assert_int_equal(strides[1], 4);
  }
}

static void reads_fortran_order_and_big_endian(void **state) {
  unsigned char file[256];
  const unsigned char data[] = {1, 2, 3, 4, 5, 6, 7, 8};
  size_t size =
      make_file(file, "{\"shape\": (2L,1,), 'fortran_order': True, 'descr': '>i4'}", data, 8);
  PjNpy npy;
  assert_null(pj_npy_parse(file, size, &npy));
  assert_true(npy.fortran_order);
  int64_t strides[PJ_NPY_MAX_RANK];
  pj_npy_strides(&npy, strides);
  assert_int_equal(strides[0], 4);
  assert_int_equal(strides[1], 8);
  int32_t out[2];
  pj_npy_copy_elements(&npy, out);
  assert_int_equal(out[0], 0x01020304);
  assert_int_equal(out[1], 0x05060708);

  // Only the halves of a complex number are reversed.
  size = make_file(file, "{'descr': '>c8', 'fortran_order': False, 'shape': ()}", data, 8);
  assert_null(pj_npy_parse(file, size, &npy));
  assert_int_equal(npy.rank, 0);
  uint32_t halves[2];
  pj_npy_copy_elements(&npy, halves);
  assert_int_equal(halves[0], 0x01020304);
  assert_int_equal(halves[1], 0x05060708);
}

static void reads_raw_bytes_and_empty_arrays(void **state) {
  unsigned char file[256] = {0};
  PjNpy npy;
  size_t size =
      make_file(file, "{'descr': '<V2', 'fortran_order': False, 'shape': (3,)}", "abcdef", 6);
  assert_null(pj_npy_parse(file, size, &npy));
  assert_int_equal(npy.type, PJRT_Buffer_Type_INVALID);
  assert_int_equal(npy.element_size, 2);

  size = make_file(
      file, "{'descr': '|b1', 'fortran_order': False, 'shape': (4611686018427387904, 0, 16)}", NULL,
      0);
  assert_null(pj_npy_parse(file, size, &npy));
  assert_int_equal(npy.data_size, 0);
  int64_t strides[PJ_NPY_MAX_RANK];
  pj_npy_strides(&npy, strides);
}

static void refuses(const char *header, size_t data_size, const char *expected) {
  unsigned char file[1024] = {0};
  unsigned char data[64] = {0};
  size_t size = make_file(file, header, data, data_size);
  PjNpy npy;
  PjStatus status = pj_npy_parse(file, size, &npy);
  assert_int_equal(pj_status_code(status), PJ_INVALID_ARGUMENT);
  if (!strstr(pj_status_message(status), expected))
    fail_msg("message '%s' does not say '%s'", pj_status_message(status), expected);
  pj_status_free(status);
}

static void refuses_bad_headers(void **state) {
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", 20,
          "needs 24 bytes of elements, 20");
  refuses("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 16, "dtype '|O'");
  refuses("{'descr': '<U3', 'fortran_order': False, 'shape': (2,)}", 24, "dtype '<U3'");
  refuses("{'descr': '<f16', 'fortran_order': False, 'shape': (2,)}", 32, "dtype '<f16'");
  refuses("{'descr': '<f44444444', 'fortran_order': False, 'shape': (2,)}", 32, "dtype");
  refuses("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", 8, "structured");
  refuses("{'descr': '<f4', 'fortran_order': 1, 'shape': (2,)}", 8, "True or False");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 8, "a dimension");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 8,
          "64-bit");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 16)}", 8,
          "memory");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (2,}", 8, "a dimension");
  refuses("{'descr': '<f4', 'fortran_order': False}", 8, "no 'shape'");
  refuses("{'descr': '<f4', 'shape': (2,), 'extra': 3}", 8, "unknown key 'extra'");
  refuses("{'descr': '<f4", 8, "the end of a string");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", 8, "the end of the header");
  refuses("[1, 2]", 8, "expected '{', found '['");
  refuses("", 0, "expected '{'");
}

// Every cut of a good file is refused, and no byte behind the cut is read (the copy is exact, so
// that AddressSanitizer sees it).
static void refuses_every_truncation(void **state) {
  unsigned char file[256];
  const double data[2] = {1, 2};
  size_t size = make_file(file, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", data,
                          sizeof data);
  for (size_t cut = 0; cut < size; cut++) {
    unsigned char *copy = malloc(cut + 1);
    assert_non_null(copy);
    memcpy(copy, file, cut);
    unsigned char *exact = realloc(copy, cut ? cut : 1);
    PjNpy npy;
    PjStatus status = pj_npy_parse(exact, cut, &npy);
    assert_int_equal(pj_status_code(status), PJ_INVALID_ARGUMENT);
    pj_status_free(status);
    free(exact);
  }
}

static void writes_what_it_reads(void **state) {
  char path[] = "/tmp/pj_npy_testXXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  const int64_t shapes[][3] = {{0}, {3}, {2, 3}, {1, 0, 4}};
  const uint16_t data[6] = {1, 2, 3, 4, 5, 0xffff};
  for (size_t rank = 0; rank < 4; rank++) {
    size_t count = 1;
    for (size_t i = 0; i < rank; i++)
      count *= (size_t)shapes[rank][i];
    assert_null(pj_npy_write(path, PJRT_Buffer_Type_U16, shapes[rank], rank, data, count * 2));
    char *bytes;
    size_t size;
    assert_null(pj_file_read(path, &bytes, &size));
    PjNpy npy;
    assert_null(pj_npy_parse(bytes, size, &npy));
    assert_int_equal(npy.type, PJRT_Buffer_Type_U16);
    assert_int_equal(npy.rank, rank);
    assert_memory_equal(npy.dims, shapes[rank], rank * sizeof(int64_t));
    assert_int_equal(npy.data_size, count * 2);
    assert_memory_equal(npy.data, data, count * 2);
    assert_int_equal((npy.data - (unsigned char *)bytes) % 64, 0);
    pj_free(bytes);
  }
  unlink(path);
  PjStatus status = pj_npy_write("/nonexistent/x.npy", PJRT_Buffer_Type_U16, NULL, 0, data, 2);
  assert_int_equal(pj_status_code(status), PJ_UNAVAILABLE);
  pj_status_free(status);
  status = pj_npy_write(path, PJRT_Buffer_Type_TOKEN, NULL, 0, NULL, 0);
  assert_int_equal(pj_status_code(status), PJ_UNIMPLEMENTED);
  pj_status_free(status);
}

static void file_errors_name_the_file(void **state) {
  static const struct {
    const char *path;
    PjCode code;
  } cases[] = {{"/nonexistent/x", PJ_NOT_FOUND},
               {"/tmp", PJ_INVALID_ARGUMENT},
               {"/dev/zero", PJ_INVALID_ARGUMENT}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *bytes;
    size_t size;
    PjStatus status = pj_file_read(cases[i].path, &bytes, &size);
    assert_int_equal(pj_status_code(status), cases[i].code);
    assert_non_null(strstr(pj_status_message(status), cases[i].path));
    assert_null(bytes);
    pj_status_free(status);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_all_versions),
      cmocka_unit_test(reads_fortran_order_and_big_endian),
      cmocka_unit_test(reads_raw_bytes_and_empty_arrays),
      cmocka_unit_test(refuses_bad_headers),
      cmocka_unit_test(refuses_every_truncation),
      cmocka_unit_test(writes_what_it_reads),
      cmocka_unit_test(file_errors_name_the_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
