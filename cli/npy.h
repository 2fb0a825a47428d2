// NumPy's .npy files, versions 1 to 3: reading from memory, writing to disk.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "pjrt/pjrt.h"

enum { PJ_NPY_MAX_RANK = 64 };

// What an .npy file holds. Nothing in it is owned: |data| points into the bytes that were parsed.
typedef struct PjNpy {
  // INVALID for raw bytes (`V2`), which is how the types of ml_dtypes are written: the file does
  // not say which, only how wide an element is.
  PJRT_Buffer_Type type;
  size_t element_size; // bytes
  bool big_endian;     // elements (halves of complex numbers) are to be reversed
  bool fortran_order;  // first index fastest
  size_t rank;
  int64_t dims[PJ_NPY_MAX_RANK];
  const unsigned char *data;
  size_t data_size; // element_size times all of dims; the bytes are there
} PjNpy;

// Parses |size| bytes at |bytes|; any content is safe. Structured, object, string and time types
// are refused. Errors: INVALID_ARGUMENT, saying what was expected and, for the header, at which
// byte.
PjStatus pj_npy_parse(const void *bytes, size_t size, PjNpy *out);

// Copies the elements to |dst| (out->data_size bytes), in the machine's byte order and the file's
// element order.
void pj_npy_copy_elements(const PjNpy *npy, void *dst);

// Byte strides of the file's element order; |strides| has room for |npy->rank| entries.
void pj_npy_strides(const PjNpy *npy, int64_t *strides);

// Writes a dense row-major array in host form to |path|, as version 1 (2 if the header is long).
// Types that NumPy lacks are written as raw bytes of their width, sub-byte integers as i1 or u1.
PjStatus pj_npy_write(const char *path, PJRT_Buffer_Type type, const int64_t *dims, size_t rank,
                      const void *data, size_t size);

// NumPy's name of the dtype in a file of |type|, e.g. "<f4"; null for types without elements.
const char *pj_npy_descr(PJRT_Buffer_Type type);
